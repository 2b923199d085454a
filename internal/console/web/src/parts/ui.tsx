// The few pieces that pages are made of.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { AwsError } from "../aws/client.ts";
import { inventory } from "../inventory.ts";

export function Head(p: { title: string; sub?: ComponentChildren; back?: [string, string]; children?: ComponentChildren }) {
  return (
    <header class="head">
      {p.back && <a class="back" href={p.back[0]}>{p.back[1]}</a>}
      <h2>{p.title}</h2>
      <span class="sub">{p.sub}</span>
      <span class="grow" />
      {p.children}
    </header>
  );
}

/** Command is the line that does the same, to copy. */
export function Command(p: { line: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(p.line);
    setCopied(true);
    setTimeout(() => setCopied(false), 1200);
  };
  return (
    <button class="cli" title="Copy" onClick={copy}>
      <span aria-hidden="true">$ </span><em>{p.line}</em>{copied && <b> copied</b>}
    </button>
  );
}

/** Empty is what a page says of nothing, and the first thing to do; or, of what is asked for with all others, that these credentials may not see it. */
export function Empty(p: { title: string; line?: string; of?: string; children?: ComponentChildren }) {
  const refused = inventory.value?.denied[p.of ?? ""];
  return refused ? <Problem error={refused} /> : (
    <div class="empty">
      <b>{p.title}</b>
      {p.children && <p>{p.children}</p>}
      {p.line && <Command line={p.line} />}
    </div>
  );
}

const denial = "The policies of these credentials do not allow it. “brookmere identity explain” says which statement decides.";
const next: Record<string, string> = {
  AccessDeniedException: denial,
  AccessDenied: denial, // of services that speak XML
  Unreachable: "Start the node again with “brookmere up”; nothing here is lost.",
  ResourceNotFoundException: "It may have been deleted. Look at the list again.",
};

/** Problem shows an error as the service words it, and what to do next where that is known. */
export function Problem(p: { error: Error | undefined }) {
  if (!p.error) return null;
  const code = p.error instanceof AwsError ? p.error.code : "";
  return (
    <div class="problem" role="alert">
      {code && <b>{code}</b>} <span>{p.error.message}</span> {next[code] && <span class="sub">{next[code]}</span>}
    </div>
  );
}

/** useAct runs what a button does: it says that it runs, and keeps the error. */
export function useAct(): { busy: string; error: Error | undefined; act: (name: string, f: () => Promise<unknown>) => void; clear: () => void } {
  const [busy, setBusy] = useState("");
  const [error, setError] = useState<Error>();
  const act = (name: string, f: () => Promise<unknown>) => {
    setBusy(name);
    setError(undefined);
    f().catch(setError).finally(() => setBusy(""));
  };
  return { busy, error, act, clear: () => setError(undefined) };
}

/** Gone is the page of what is not there. */
export function Gone(p: { title: string; what: string; back: [string, string] }) {
  return <><Head title={p.title} back={p.back} /><section class="panel"><Empty title={"There is no such " + p.what + " here"}>It may be in another region or account, or deleted.</Empty></section></>;
}

/** Sure asks before something that cannot be undone. */
export function Sure(p: { children: string; ask: string; act: () => void; disabled?: boolean }) {
  const [asked, setAsked] = useState(false);
  if (!asked) return <button disabled={p.disabled} onClick={() => setAsked(true)}>{p.children}</button>;
  return <span class="sure"><span class="hint">{p.ask}</span><button class="danger" autofocus onClick={() => (setAsked(false), p.act())}>{p.children}</button><button onClick={() => setAsked(false)}>Keep</button></span>;
}

/** More is what a page has at its end, to be opened: a configuration, a log. */
export function More(p: { title: string; line?: string; children: ComponentChildren }) {
  return <details class="panel"><summary class="bar">{p.title}</summary>{p.line && <div class="bar"><Command line={p.line} /></div>}{p.children}</details>;
}

export function Loading() {
  return <div class="empty quiet" aria-busy="true">Loading…</div>;
}

/** Spark is a small line of numbers over time. */
export function Spark(p: { values: number[]; width: number; height: number; x?: number; y?: number }) {
  const n = p.values.length;
  if (n < 2) return null;
  const top = Math.max(...p.values, 1e-9);
  const at = (v: number, i: number) => `${((i / (n - 1)) * p.width).toFixed(1)} ${(p.height - 1 - (v / top) * (p.height - 3)).toFixed(1)}`;
  const d = "M" + p.values.map(at).join("L");
  return (
    <g transform={`translate(${p.x ?? 0} ${p.y ?? 0})`} class="spark">
      <path d={d} class="line" />
      <path d={`${d}L${p.width} ${p.height}L0 ${p.height}Z`} class="area" />
    </g>
  );
}

/** Veil is a dialog of the browser's, which keeps the focus inside, and gives it back at the end. Its first field has it first. */
export function Veil(p: { title: string; close: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const d = box.current!;
    d.showModal();
    if (!d.querySelector("[autofocus]")) d.querySelector<HTMLElement>("input, select, textarea, .primary")?.focus();
    return () => d.close();
  }, []);
  return <dialog class="veil" ref={box} aria-label={p.title} onCancel={(e) => e.target === e.currentTarget && (e.preventDefault(), p.close())} onClick={(e) => e.target === e.currentTarget && p.close()}>{p.children}</dialog>;
}

export function Dialog(p: { title: string; close: () => void; children: ComponentChildren }) {
  return (
    <Veil title={p.title} close={p.close}>
      <div class="dialog">
        <div class="bar"><b>{p.title}</b><span class="grow" /><button class="plain" aria-label="Close" onClick={p.close}>✕</button></div>
        {p.children}
      </div>
    </Veil>
  );
}
