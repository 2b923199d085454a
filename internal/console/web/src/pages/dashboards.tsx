// Dashboards: those that CloudWatch keeps for the account, shown, changed, brought in and taken out.
import { useEffect, useState } from "preact/hooks";
import { all, call, own } from "../aws/client.ts";
import { remember, remembered } from "../aws/session.ts";
import { bytes, moment, quoted, some } from "../format.ts";
import { across, filled, parse, room, spanOf, textOf, write, type Body, type Widget } from "../dashboards/body.ts";
import { NewWidget, EditWidget, Source } from "../dashboards/edit.tsx";
import { Content, type When } from "../dashboards/source.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Dialog, Empty, Gone, Head, Loading, Problem, Sure, useAct } from "../parts/ui.tsx";
import { go, to } from "../route.ts";
import { spans } from "./metrics.tsx";
import { load, save } from "../dashboards/store.ts";

interface Entry { DashboardName: string; LastModified?: number; Size?: number }

const refreshes = [["never", 0], ["1 s", 1000], ["5 s", 5000], ["10 s", 10_000], ["1 min", 60_000], ["5 min", 300_000]] as const;

export function Dashboards(p: { name?: string; full?: boolean }) {
  return p.name ? <One key={p.name} name={p.name} full={p.full} /> : <List />;
}

function List() {
  const live = useLive(() => all<Entry, string>((t) => call("cloudwatch", "ListDashboards", { NextToken: t }), "DashboardEntries", "NextToken"), 6000, []);
  const [making, make] = useState(false);
  return (
    <>
      <Head title="Dashboards" sub={live.value && some(live.value.length, "dashboard")}><button class="primary" onClick={() => make(true)}>New dashboard</button></Head>
      <Problem error={live.error} />
      <section class="panel scroll">
        {!live.value ? !live.error && <Loading /> : live.value.length === 0 ? <Empty title="No dashboards yet" line="brookmere dashboards put --example orders">A dashboard is a page of visuals on SQL, on live streams and on metrics. Make one here, or run a statement on the <a class="inline" href={to("sql")}>SQL page</a> and choose “To dashboard”.</Empty> : (
          <table><thead><tr><th>name</th><th class="n">size</th><th>changed</th></tr></thead><tbody>{live.value.map((d) => (
            <tr key={d.DashboardName} class="link" onClick={() => go("dashboards", d.DashboardName)}><td><a href={to("dashboards", d.DashboardName)}>{d.DashboardName}</a></td><td class="n">{bytes(d.Size ?? 0)}</td><td class="dim">{d.LastModified ? moment(new Date(d.LastModified * 1000)) : ""}</td></tr>
          ))}</tbody></table>
        )}
      </section>
      <Command line="aws cloudwatch list-dashboards" />
      {making && <New taken={(live.value ?? []).map((d) => d.DashboardName)} close={() => make(false)} />}
    </>
  );
}

function New(p: { taken: string[]; close: () => void }) {
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [large, setLarge] = useState(false);
  const { busy, error, act } = useAct();
  const wrong = large ? "The file is larger than a dashboard may be, 1 MiB." : name && !/^[\w-]{1,255}$/.test(name) ? "Letters, digits, - and _." : p.taken.includes(name) ? "There is one of this name." : "";
  const make = async () => {
    // The node reads YAML; a page of AWS, or of a user who is not the node's owner, still reads JSON.
    const body = text.trim() ? write(parse(/^\s*\{/.test(text) ? text : await own<string>("dashboard-file", "POST", true, text))) : '{"widgets":[]}';
    await save(name, body, undefined);
    go("dashboards", name);
  };
  return (
    <Dialog title="New dashboard" close={p.close}>
      <label>Name<input class="field wide" value={name} autofocus maxLength={255} onInput={(e) => setName(e.currentTarget.value)} /></label>
      <label>From a file: the body of another one, here or in CloudWatch, as YAML or JSON<input type="file" accept=".yaml,.yml,.json" onChange={async (e) => { const f = e.currentTarget.files?.[0]; if (f) { setLarge(f.size > 1 << 20); setText(f.size > 1 << 20 ? "" : await f.text()); if (!name) setName(f.name.replace(/\.(json|ya?ml)$/, "").replace(/[^\w-]+/g, "-")); } }} /></label>
      {wrong && <div class="notice" role="status">{wrong}</div>}
      <Problem error={error} />
      <div class="bar end"><span class="grow" /><button onClick={p.close}>Close</button><button class="primary" disabled={!!busy || !name || !!wrong} onClick={() => act("make", make)}>Create</button></div>
    </Dialog>
  );
}

function One(p: { name: string; full?: boolean }) {
  const [stored, setStored] = useState<string>(); // the body as it was read
  const [body, setBody] = useState<Body>();
  const [missing, setMissing] = useState(false);
  const [broken, setBroken] = useState("");
  const [editing, setEditing] = useState(false);
  const [dialog, setDialog] = useState<number | "new" | "source">();
  const [values, setValues] = useState<Record<string, string>>({});
  const [when, setWhen] = useState<When>({ every: Number(remembered("dashboard.every") ?? 10_000), seconds: Number(remembered("dashboard.seconds") ?? 3600), again: 0 });
  const { busy, error, act } = useAct();
  const take = (text: string) => {
    setStored(text);
    setBroken("");
    try {
      const b = parse(text), seconds = spanOf(b);
      setBody(b);
      if (seconds && stored === undefined) setWhen((w) => ({ ...w, seconds }));
    } catch (e) {
      setBroken((e as Error).message);
      setBody(undefined);
    }
  };
  useEffect(() => act("load", async () => {
    const text = await load(p.name);
    if (text === undefined) setMissing(true);
    else take(text);
  }), [p.name]);
  if (missing) return <Gone title={p.name} what="dashboard" back={[to("dashboards"), "Dashboards"]} />;
  const change = (widgets: Widget[]) => setBody((b) => b && { ...b, widgets });
  const at = (i: number, by: Partial<Widget>) => change(body!.widgets.map((w, j) => (i === j ? { ...w, ...by } : w)));
  const dirty = body && stored !== undefined && write(body) !== write(parse(stored));
  const keep = async () => {
    const text = write(body!);
    await save(p.name, text, stored);
    take(text);
    setEditing(false);
  };
  const download = async () => {
    let text = JSON.stringify(JSON.parse(stored!), null, 2) + "\n", kind = ".json";
    try {
      [text, kind] = [await own<string>("dashboard-file?to=yaml", "POST", true, stored), ".yaml"];
    } catch {
      // Who may not ask the node for YAML takes JSON.
    }
    const a = document.createElement("a");
    a.href = URL.createObjectURL(new Blob([text]));
    a.download = p.name + kind;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
  };
  return (
    <div class={p.full ? "board full" : "board"}>
      <Head title={p.name} back={p.full ? undefined : [to("dashboards"), "Dashboards"]} sub={body && some(body.widgets.length, "visual")}>
        <select aria-label="Time" value={when.seconds} onChange={(e) => { const seconds = Number(e.currentTarget.value); remember("dashboard.seconds", String(seconds)); setWhen({ ...when, seconds }); }}>{(spans.some(([, s]) => s === when.seconds) ? spans : [...spans, [Math.round(when.seconds / 60) + "m", when.seconds] as const]).map(([label, s]) => <option value={s}>last {label}</option>)}</select>
        <select aria-label="Refresh" value={when.every} onChange={(e) => { const every = Number(e.currentTarget.value); remember("dashboard.every", String(every)); setWhen({ ...when, every }); }}>{refreshes.map(([label, ms]) => <option value={ms}>{ms ? "every " + label : "on demand"}</option>)}</select>
        {when.every === 0 && <button onClick={() => setWhen({ ...when, again: when.again + 1 })}>Refresh</button>}
        {!p.full && (editing ? <>
          <button onClick={() => setDialog("new")}>Add a visual</button>
          <button onClick={() => setDialog("source")}>Source</button>
          <button onClick={() => (take(stored!), setEditing(false))}>Discard</button>
          <button class="primary" disabled={!!busy || !dirty} onClick={() => act("save", keep)}>{busy === "save" ? "Saving…" : "Save"}</button>
        </> : <>
          <button onClick={() => act("download", download)} disabled={!body || !!busy}>Download</button>
          <a class="button" href={to("dashboards", p.name, "full")} title="Without the frame, to show">Full page</a>
          <button disabled={!body} onClick={() => setEditing(true)}>Edit</button>
          <Sure ask="It cannot be brought back." disabled={!!busy} act={() => act("delete", async () => { await call("cloudwatch", "DeleteDashboards", { DashboardNames: [p.name] }); go("dashboards"); })}>Delete</Sure>
        </>)}
        {p.full && <a class="button" href={to("dashboards", p.name)}>Leave full page</a>}
      </Head>
      <Problem error={error} />
      {broken && <div class="problem" role="alert">{broken} <button onClick={() => (setBody(parse('{"widgets":[]}')), setEditing(true), setDialog("source"))}>Mend its source</button></div>}
      {body && body.variables.some((v) => v.shown) && <div class="variables">{body.variables.filter((v) => v.shown).map((v) => (
        <label key={v.id}>{v.label}{v.values.length ? <select value={values[v.id] ?? v.value} onChange={(e) => setValues({ ...values, [v.id]: e.currentTarget.value })}>{v.values.map((x) => <option value={x.value}>{x.label}</option>)}</select>
          : <input class="field" value={values[v.id] ?? v.value} onChange={(e) => setValues({ ...values, [v.id]: e.currentTarget.value })} />}</label>
      ))}</div>}
      {body && body.widgets.length === 0 && <section class="panel"><Empty title="Nothing on it yet">{editing ? "Add a visual: of metrics, of SQL, of a live stream, or a note." : "Choose Edit, and add a visual."}</Empty></section>}
      {body && <div class="widgets">{order(body.widgets).map((i) => {
        const w = body.widgets[i]!, properties = filled(w.properties, body.variables, values);
        return (
          <section key={i} class={"panel widget" + (w.type === "text" ? " text" : w.height < 5 ? " short" : "")} style={{ gridColumn: `${w.x + 1} / span ${w.width}`, gridRow: `${w.y + 1} / span ${w.height}` }}>
            {(textOf(properties.title) || editing) && <div class="bar"><b>{textOf(properties.title)}</b>{editing && <><span class="grow" /><Place w={w} move={(by) => at(i, by)} /><button onClick={() => setDialog(i)}>Change</button></>}</div>}
            <div class="inside"><Content widget={w} properties={properties} when={when} /></div>
          </section>
        );
      })}</div>}
      {!p.full && <Command line={`aws cloudwatch get-dashboard --dashboard-name ${quoted(p.name)}`} />}
      {dialog === "new" && body && <NewWidget y={room(body)} close={() => setDialog(undefined)} add={(w) => (change([...body.widgets, w]), setDialog(undefined))} />}
      {dialog === "source" && body && <Source text={broken ? stored! : JSON.stringify(JSON.parse(write(body)), null, 2)} close={() => setDialog(undefined)} take={(b) => (setBody(b), setBroken(""), setDialog(undefined))} />}
      {typeof dialog === "number" && body?.widgets[dialog] && <EditWidget widget={body.widgets[dialog]!} close={() => setDialog(undefined)} take={(w) => (at(dialog, w), setDialog(undefined))} remove={() => (change(body.widgets.filter((_, j) => j !== dialog)), setDialog(undefined))} />}
    </div>
  );
}

/** order is that of reading: by rows, then columns. On a narrow page they follow each other so. */
const order = (list: Widget[]) => list.map((_, i) => i).sort((a, b) => list[a]!.y - list[b]!.y || list[a]!.x - list[b]!.x);

/** Place moves a widget and changes its size, by keys and clicks alike. */
function Place(p: { w: Widget; move: (by: Partial<Widget>) => void }) {
  const { w } = p;
  const key = (e: KeyboardEvent) => {
    const by: Partial<Widget> | undefined = e.shiftKey
      ? { ArrowLeft: { width: Math.max(2, w.width - 1) }, ArrowRight: { width: Math.min(across - w.x, w.width + 1) }, ArrowUp: { height: Math.max(2, w.height - 1) }, ArrowDown: { height: Math.min(60, w.height + 1) } }[e.key]
      : { ArrowLeft: { x: Math.max(0, w.x - 1) }, ArrowRight: { x: Math.min(across - w.width, w.x + 1) }, ArrowUp: { y: Math.max(0, w.y - 1) }, ArrowDown: { y: w.y + 1 } }[e.key];
    if (!by) return;
    e.preventDefault();
    p.move(by);
  };
  const drag = (e: PointerEvent) => {
    const handle = e.currentTarget as HTMLElement, panel = handle.closest(".widget")!.getBoundingClientRect(), unit = panel.width / w.width, row = panel.height / w.height;
    const size = e.shiftKey, from = { x: e.clientX, y: e.clientY };
    handle.setPointerCapture(e.pointerId);
    handle.onpointermove = (m) => {
      const dx = Math.round((m.clientX - from.x) / unit), dy = Math.round((m.clientY - from.y) / row);
      p.move(size ? { width: Math.min(across - w.x, Math.max(2, w.width + dx)), height: Math.min(60, Math.max(2, w.height + dy)) } : { x: Math.min(across - w.width, Math.max(0, w.x + dx)), y: Math.max(0, w.y + dy) });
    };
    handle.onpointerup = () => (handle.onpointermove = handle.onpointerup = null);
  };
  return <button class="plain grip" aria-label={`Move: column ${w.x}, row ${w.y}, ${w.width} by ${w.height}. Arrows move it, with Shift they change its size`} title="Drag, or arrows: move. With Shift: size" onKeyDown={key} onPointerDown={drag}>⠿</button>;
}
