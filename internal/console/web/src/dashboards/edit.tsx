// Dialogs that make and change the visuals of a dashboard.
import { useState } from "preact/hooks";
import { all, call } from "../aws/client.ts";
import { inventory } from "../inventory.ts";
import { useLive } from "../parts/live.ts";
import { Dialog, Problem } from "../parts/ui.tsx";
import { nameOf, type Metric } from "../pages/metrics.tsx";
import { endpoint, metricsOf, parse, reads, statement, textOf, views, type Bag, type Body, type View, type Widget } from "./body.ts";

type Kind = "sql" | "stream" | "metric" | "text";

export function NewWidget(p: { y: number; close: () => void; add: (w: Widget) => void }) {
  const [kind, setKind] = useState<Kind>("sql");
  return (
    <Dialog title="Add a visual" close={p.close}>
      <div class="switch" role="group" aria-label="Of what">{([["sql", "SQL on the lake"], ["stream", "Live stream"], ["metric", "Metrics"], ["text", "Note"]] as const).map(([k, label]) => <button aria-pressed={k === kind} onClick={() => setKind(k)}>{label}</button>)}</div>
      {kind === "metric" ? <MetricForm y={p.y} add={p.add} close={p.close} /> : kind === "text" ? <NoteForm add={(properties) => p.add({ type: "text", x: 0, y: p.y, width: 24, height: 2, properties, raw: {} })} close={p.close} says="Add" />
        : <StatementForm key={kind} live={kind === "stream"} says="Add" close={p.close} take={(o) => p.add(statement(o, p.y))} />}
    </Dialog>
  );
}

export function EditWidget(p: { widget: Widget; close: () => void; take: (by: Partial<Widget>) => void; remove: () => void }) {
  const { widget: w } = p;
  const params = (w.properties.params ?? {}) as Bag;
  return (
    <Dialog title={"Change " + (textOf(w.properties.title) || "this " + w.type)} close={p.close}>
      {w.type === "custom" && w.properties.endpoint === endpoint ? (
        <StatementForm live={!!params.stream} says="Take" close={p.close} was={{ title: textOf(w.properties.title), sql: textOf(params.sql), database: textOf(params.database), stream: textOf(params.stream), view: (textOf(params.view) || "table") as View }}
          take={(o) => p.take({ properties: { ...w.properties, ...statement(o, 0).properties } })} remove={p.remove} />
      ) : w.type === "text" ? <NoteForm was={textOf(w.properties.markdown)} says="Take" add={(properties) => p.take({ properties: { ...w.properties, ...properties } })} close={p.close} remove={p.remove} />
        : <PropertiesForm properties={w.properties} take={(properties) => p.take({ properties })} close={p.close} remove={p.remove} />}
    </Dialog>
  );
}

function Foot(p: { close: () => void; remove?: () => void; says: string; can: boolean; act: () => void }) {
  return <div class="bar end">{p.remove && <button onClick={p.remove}>Remove it</button>}<span class="grow" /><button onClick={p.close}>Close</button><button class="primary" disabled={!p.can} onClick={p.act}>{p.says}</button></div>;
}

interface Statement { title: string; sql: string; database?: string; stream?: string; view: View }

function StatementForm(p: { live: boolean; was?: Statement; says: string; close: () => void; take: (o: Statement) => void; remove?: () => void }) {
  const inv = inventory.value;
  const names = p.live ? (inv?.streams ?? []).map((s) => s.StreamName) : inv?.databases ?? [];
  const [title, setTitle] = useState(p.was?.title ?? "");
  const [from, setFrom] = useState((p.live ? p.was?.stream : p.was?.database) || names[0] || "");
  const [view, setView] = useState<View>(p.was?.view ?? "line");
  const [sql, setSql] = useState(p.was?.sql ?? "");
  const wrong = !sql.trim() ? "" : !p.live && !reads(sql) ? "A visual runs statements that read alone: SELECT, WITH, VALUES, TABLE." : p.live && !/^\s*select\b/i.test(sql) ? "A statement on a stream begins with SELECT." : "";
  return (
    <>
      <label>Title<input class="field wide" value={title} autofocus onInput={(e) => setTitle(e.currentTarget.value)} /></label>
      <div class="row2">
        <label>{p.live ? "Stream" : "Database"}<select value={from} onChange={(e) => setFrom(e.currentTarget.value)}>{(names.includes(from) || !from ? names : [from, ...names]).map((n) => <option>{n}</option>)}</select></label>
        <label>Drawn as<select value={view} onChange={(e) => setView(e.currentTarget.value as View)}>{views.map((v) => <option value={v}>{{ heat: "heat map", number: "single number", stacked: "stacked areas" }[v as string] ?? v}</option>)}</select></label>
      </div>
      <label>Statement<textarea class="m" rows={7} value={sql} spellcheck={false} placeholder={p.live ? "SELECT status, count(*) GROUP BY status" : "SELECT date_trunc('minute', ts) AS t, count(*) AS n FROM orders GROUP BY 1"} onInput={(e) => setSql(e.currentTarget.value)} /></label>
      {wrong && <div class="notice" role="status">{wrong}</div>}
      <span class="hint">{p.live ? "It is asked each second of the newest 5,000 records of the last five minutes." : "A column of times makes lines, one of texts names them; a map wants latitude and longitude."}</span>
      <Foot close={p.close} remove={p.remove} says={p.says} can={!!sql.trim() && !wrong && (!p.live || !!from)} act={() => p.take({ title, sql, view, ...(p.live ? { stream: from } : { database: from }) })} />
    </>
  );
}

function NoteForm(p: { was?: string; says: string; add: (properties: Bag) => void; close: () => void; remove?: () => void }) {
  const [text, setText] = useState(p.was ?? "");
  return <><label>Text, in Markdown<textarea rows={8} value={text} autofocus onInput={(e) => setText(e.currentTarget.value)} /></label><Foot close={p.close} remove={p.remove} says={p.says} can={!!text.trim()} act={() => p.add({ markdown: text })} /></>;
}

function MetricForm(p: { y: number; add: (w: Widget) => void; close: () => void }) {
  const [title, setTitle] = useState("");
  const [find, setFind] = useState("");
  const [stat, setStat] = useState("Sum");
  const [chosen, choose] = useState<Metric[]>([]);
  const list = useLive(() => all<Metric, string>((t) => call("cloudwatch", "ListMetrics", { NextToken: t }), "Metrics", "NextToken", 5000), 0, []);
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (list.value ?? []).filter((m) => words.every((w) => (m.Namespace + " " + nameOf(m)).toLowerCase().includes(w)));
  return (
    <>
      <div class="row2"><label>Title<input class="field wide" value={title} autofocus onInput={(e) => setTitle(e.currentTarget.value)} /></label>
        <label>Statistic<select value={stat} onChange={(e) => setStat(e.currentTarget.value)}>{["Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p99"].map((s) => <option>{s}</option>)}</select></label></div>
      <label>Metrics<input class="field wide" type="search" placeholder="Find: a metric, a resource" value={find} onInput={(e) => setFind(e.currentTarget.value)} /></label>
      <Problem error={list.error} />
      <div class="choices" role="group" aria-label="Metrics">{found.slice(0, 60).map((m) => <label class="check" key={m.Namespace + nameOf(m)}><input type="checkbox" checked={chosen.includes(m)} onChange={() => choose(chosen.includes(m) ? chosen.filter((c) => c !== m) : [...chosen, m])} />{nameOf(m)} <span class="sub">{m.Namespace}</span></label>)}{list.value && !found.length && <span class="sub">None of this name.</span>}</div>
      <Foot close={p.close} says="Add" can={chosen.length > 0} act={() => p.add(metricsOf(title || nameOf(chosen[0]!), chosen.map((metric) => ({ metric, stat })), p.y))} />
    </>
  );
}

function PropertiesForm(p: { properties: Bag; take: (b: Bag) => void; close: () => void; remove: () => void }) {
  const [text, setText] = useState(JSON.stringify(p.properties, null, 2));
  let value: Bag | undefined;
  let wrong = "";
  try {
    const v: unknown = JSON.parse(text);
    if (typeof v === "object" && v !== null && !Array.isArray(v)) value = v as Bag;
    else wrong = "It is not a JSON object.";
  } catch (e) {
    wrong = (e as Error).message;
  }
  return <><label>Properties, as CloudWatch has them<textarea class="m" rows={16} value={text} spellcheck={false} autofocus onInput={(e) => setText(e.currentTarget.value)} /></label>{wrong && <div class="notice" role="status">{wrong}</div>}<Foot close={p.close} remove={p.remove} says="Take" can={!!value} act={() => p.take(value!)} /></>;
}

/** Source is the whole body, to change, to copy, to paste another. */
export function Source(p: { text: string; close: () => void; take: (b: Body) => void }) {
  const [text, setText] = useState(p.text);
  let body: Body | undefined;
  let wrong = "";
  try {
    body = parse(text);
  } catch (e) {
    wrong = (e as Error).message;
  }
  return <Dialog title="Source" close={p.close}><label>The body, as PutDashboard takes it<textarea class="m" rows={20} value={text} spellcheck={false} autofocus onInput={(e) => setText(e.currentTarget.value)} /></label>{wrong && <div class="notice" role="status">{wrong}</div>}<Foot close={p.close} says="Take" can={!!body} act={() => p.take(body!)} /></Dialog>;
}
