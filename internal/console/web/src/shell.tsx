// The frame around every page: navigation, search, account and region, theme.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { account, actAs, connected, ended, node, region, remember, remembered, setRegion, signOut } from "./aws/session.ts";
import { inventory } from "./inventory.ts";
import { did } from "./aws/client.ts";
import { Command, Veil } from "./parts/ui.tsx";
import { go, route, to } from "./route.ts";

export const palette = signal(false);
const theme = signal(remembered("theme") ?? "system");

export function applyTheme() {
  const dark = theme.value === "dark" || (theme.value === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
  document.documentElement.classList.toggle("light", !dark);
}

function nextTheme() {
  theme.value = { system: "light", light: "dark", dark: "system" }[theme.value] ?? "system";
  remember("theme", theme.value);
  applyTheme();
}

const regions = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2", "ca-central-1", "sa-east-1"];

/** pages are the pages of the services that the node has. */
export function pages(): { id: string; name: string; count?: number; gap?: boolean }[] {
  const inv = inventory.value;
  const has = (s: string) => !inv || inv.services.has(s);
  return [
    { id: "pipeline", name: "Pipeline", gap: true },
    ...(has("kinesis") ? [{ id: "streams", name: "Streams", count: inv?.streams.length }] : []),
    ...(has("firehose") ? [{ id: "deliveries", name: "Deliveries", count: inv?.deliveries.length }] : []),
    ...(has("kinesisanalytics") ? [{ id: "analytics", name: "Analytics", count: inv?.applications.length }] : []),
    ...(has("lambda") ? [{ id: "functions", name: "Functions", count: inv?.functions.length }] : []),
    ...(has("apigateway") ? [{ id: "apis", name: "APIs", count: inv?.apis.length }] : []),
    ...(has("sqs") ? [{ id: "queues", name: "Queues", count: inv?.queues.length }] : []),
    ...(has("sns") ? [{ id: "topics", name: "Topics", count: inv?.topics.length, gap: true }] : []),
    ...(has("dynamodb") ? [{ id: "tables", name: "Tables", count: inv?.tables.length }] : []),
    ...(has("s3") ? [{ id: "objects", name: "Objects" }] : []),
    ...(has("glue") ? [{ id: "lake", name: "Lake", count: inv?.lake.length }, { id: "jobs", name: "Jobs" }] : []),
    ...(has("athena") ? [{ id: "sql", name: "SQL" }] : []),
    ...(has("cloudwatch") ? [{ id: "dashboards", name: "Dashboards", gap: true }] : []),
    ...(has("kinesis") || has("firehose") ? [{ id: "generator", name: "Generator" }] : []),
    ...(has("logs") ? [{ id: "logs", name: "Logs" }] : []),
    ...(has("cloudwatch") ? [{ id: "metrics", name: "Metrics" }, { id: "alarms", name: "Alarms" }] : []),
    ...(has("iam") ? [{ id: "identity", name: "Identity" }] : []),
  ];
}

/** reachable has keys reach what scrolls, where nothing in it has the focus. */
function reachable() {
  for (const e of document.querySelectorAll<HTMLElement>("main :is(.scroll, .canvas, .lines, pre)")) {
    const scrolls = e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight;
    if (scrolls === e.classList.contains("keyed") || (scrolls && e.hasAttribute("tabindex"))) continue;
    e.classList.toggle("keyed", scrolls);
    scrolls ? (e.tabIndex = 0) : e.removeAttribute("tabindex");
  }
}

export function Shell(p: { children: ComponentChildren }) {
  const at = route.value[0];
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [route.value]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => (timer ??= setTimeout(() => ((timer = undefined), reachable()), 500));
    const watch = new MutationObserver(soon);
    watch.observe(document.getElementById("main")!, { childList: true, subtree: true });
    addEventListener("resize", soon);
    return () => (watch.disconnect(), removeEventListener("resize", soon), clearTimeout(timer));
  }, []);
  return (
    <div class={open ? "app open" : "app"}>
      <button class="skip" onClick={() => document.getElementById("main")!.focus()}>To the page</button>
      <div class="brand">
        <h1><svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true"><path d="M2 5c4 0 4 4 8 4s4-4 8-4M2 11c4 0 4 4 8 4s4-4 8-4" /></svg>Brookmere</h1>
        <nav aria-label="Pages">{pages().map((x) => (
          <>
            <a href={to(x.id)} class={x.id === at ? "on" : ""} aria-current={x.id === at ? "page" : undefined}>{x.name}<b>{x.count || ""}</b></a>
            {x.gap && <div class="gap" />}
          </>
        ))}</nav>
        <span class="grow" />
        <div class="about">{node.value?.version && "version " + node.value.version}</div>
      </div>
      <div class="top">
        <button class="plain menu" aria-label="Menu" aria-expanded={open} onClick={() => setOpen(!open)}>☰</button>
        <button class="find" onClick={() => (palette.value = true)}><span>Find a stream, table, function, page…</span><kbd>/</kbd></button>
        <span class="grow" />
        <span class={connected.value ? "live" : "live bad"} role="status"><i />{connected.value ? "live" : "reconnecting"}</span>
        <select aria-label="Region" value={region.value} onChange={(e) => setRegion(e.currentTarget.value)}>{(regions.includes(region.value) ? regions : [region.value, ...regions]).map((r) => <option>{r}</option>)}</select>
        {node.value?.remote ? <span class="pill" title="The account of your credentials">{account.value}</span> : node.value?.open ? <Account /> : <button onClick={signOut}>{account.value || "Sign out"}</button>}
        <button class="pill" onClick={nextTheme} title="System, light or dark">{theme.value}</button>
      </div>
      <main id="main" tabIndex={-1}>
        {ended.value && <div class="problem bar" role="alert"><b>These keys are good no more</b> <span>Their session is over, or the key was deleted.{node.value?.remote && " Start the console with others."}</span><span class="grow" />{!node.value?.remote && <button onClick={signOut}>Sign in again</button>}</div>}
        {p.children}
      </main>
      {did.value && <div class="did bar foot"><span class="sub">The same by a command:</span><Command line={did.value} /><span class="grow" /><button class="plain" aria-label="Close" onClick={() => (did.value = "")}>✕</button></div>}
      {palette.value && <Palette />}
    </div>
  );
}

function Account() {
  const [text, setText] = useState(account.value);
  const valid = /^\d{12}$/.test(text);
  return <input class={valid ? "field account" : "field account wrong"} aria-label="Account" title="12 digits; an open node takes any account" value={text} maxLength={12}
    onInput={(e) => setText(e.currentTarget.value)} onChange={() => valid && actAs(text)} />;
}

interface Hit { what: string; name: string; go: string[] }

export function hits(find: string): Hit[] {
  const inv = inventory.value;
  const list: Hit[] = pages().map((x) => ({ what: "page", name: x.name, go: [x.id] }));
  for (const s of inv?.streams ?? []) list.push({ what: "stream", name: s.StreamName, go: ["streams", s.StreamName] });
  for (const d of inv?.deliveries ?? []) list.push({ what: "delivery", name: d.DeliveryStreamName, go: ["deliveries", d.DeliveryStreamName] });
  for (const f of inv?.functions ?? []) list.push({ what: "function", name: f.FunctionName, go: ["functions", f.FunctionName] });
  for (const t of inv?.tables ?? []) list.push({ what: "table", name: t.TableName, go: ["tables", t.TableName] });
  for (const a of inv?.applications ?? []) list.push({ what: "analytics", name: a.name, go: ["analytics", a.name] });
  for (const q of inv?.queues ?? []) list.push({ what: "queue", name: q.name, go: ["queues", q.name] });
  for (const t of inv?.topics ?? []) list.push({ what: "topic", name: t.split(":").pop()!, go: ["topics", t.split(":").pop()!] });
  for (const a of inv?.apis ?? []) list.push({ what: "API", name: a.name, go: ["apis", a.id] });
  for (const t of inv?.lake ?? []) list.push({ what: "lake", name: t.DatabaseName + "." + t.Name, go: ["lake", t.DatabaseName, t.Name] });
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  return list.filter((h) => words.every((w) => (h.what + " " + h.name).toLowerCase().includes(w))).slice(0, 12);
}

function Palette() {
  const [find, setFind] = useState("");
  const [at, setAt] = useState(0);
  const found = hits(find);
  const close = () => (palette.value = false);
  const take = (h: Hit | undefined) => {
    if (!h) return;
    close();
    go(...h.go);
  };
  const key = (e: KeyboardEvent) => {
    if (e.key === "ArrowDown") setAt(Math.min(found.length - 1, at + 1));
    else if (e.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else if (e.key === "Enter") take(found[at]);
    else return;
    e.preventDefault();
  };
  return (
    <Veil title="Find" close={close}>
      <div class="palette">
        <input value={find} placeholder="Find…" role="combobox" aria-expanded="true" aria-controls="hits" aria-activedescendant={"hit" + at} onInput={(e) => (setFind(e.currentTarget.value), setAt(0))} onKeyDown={key} />
        <ul id="hits" role="listbox">{found.map((h, i) => (
          <li id={"hit" + i} role="option" aria-selected={i === at} class={i === at ? "on" : ""} onMouseEnter={() => setAt(i)} onClick={() => take(h)}><span>{h.name}</span><b>{h.what}</b></li>
        ))}{!found.length && <li class="none">Nothing of that name here.</li>}</ul>
      </div>
    </Veil>
  );
}

/** keys are those that work everywhere. */
export function onKey(e: KeyboardEvent) {
  const t = e.composedPath()[0] as HTMLElement;
  if (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName)) return;
  if (document.querySelector("dialog")) return;
  if (e.key === "/" || ((e.metaKey || e.ctrlKey) && e.key === "k")) {
    e.preventDefault();
    palette.value = true;
  }
}
