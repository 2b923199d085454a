// The home page: where records go, as a graph that moves.
import { useMemo, useState } from "preact/hooks";
import { count, rate, some, span } from "../format.ts";
import { inventory } from "../inventory.ts";
import { lazy } from "../parts/lazy.tsx";
import { Command, Empty, Head, Loading, Spark } from "../parts/ui.tsx";
import { folded, graphOf, type GraphEdge, type GraphNode } from "../pipeline/graph.ts";
import { layout, pathOf, size, type Placed } from "../pipeline/layout.ts";
import { range, rates, round, type Flow } from "../rates.ts";
import { go } from "../route.ts";

const Records = lazy(() => import("./records.tsx").then((m) => m.Records));

const many = 60; // resources
const late = 120; // seconds: a delivery that is further behind is marked

export function Pipeline() {
  const inv = inventory.value;
  const [chosen, choose] = useState<string | null>(null); // an edge: from and to
  const [over, setOver] = useState<string | null>(null); // a node
  const [find, setFind] = useState("");
  const [open, unfold] = useState(new Set<string>()); // those of groups that were unfolded
  const whole = useMemo(() => (inv ? graphOf(inv) : null), [inv]);
  // Of many resources, those that are alike are one, unless somebody looks for a name.
  const graph = useMemo(() => (whole && whole.nodes.length > many && !find ? folded(whole, open) : whole), [whole, open, !!find]);
  const placed = useMemo(() => {
    if (!graph) return null;
    let ids = graph.nodes.map((n) => n.id);
    if (find) {
      const keep = new Set<string>();
      for (const n of graph.nodes) if (n.name.toLowerCase().includes(find.toLowerCase())) for (const id of pathOf(n.id, graph.edges)) keep.add(id);
      ids = ids.filter((id) => keep.has(id));
    }
    const out = layout(ids, graph.edges);
    // The order of keys is the one in which people read.
    const order = (id: string) => { const p = out.at.get(id); return p ? p.y * 1e5 + p.x : 0; };
    return { ...out, nodes: graph.nodes.filter((n) => out.at.has(n.id)).sort((a, b) => order(a.id) - order(b.id)), edges: graph.edges.filter((e) => out.at.has(e.from) && out.at.has(e.to)).sort((a, b) => order(a.from) - order(b.from) || order(a.to) - order(b.to)) };
  }, [graph, find]);
  if (!whole || !graph || !placed) return <><Head title="Pipeline" /><Loading /></>;
  const { flows, deliveries, known, over: past } = rates.value;
  let entering = 0, failed = 0, behind = 0, failing = 0;
  for (const s of inv!.streams) entering += flows.get("stream/" + s.StreamName)?.rate ?? 0;
  for (const d of inv!.deliveries) if (!d.Source) entering += flows.get("delivery/" + d.DeliveryStreamName)?.rate ?? 0;
  for (const d of deliveries.values()) {
    failed += d.records_failed;
    if (d.lag_seconds > late) behind++;
    if (d.last_error) failing++;
  }
  const denied = Object.entries(inv!.denied);
  const focus = over ? pathOf(over, graph.edges) : null;
  const edge = graph.edges.find((e) => key(e) === chosen);
  return (
    <>
      <Head title="Pipeline" sub={known ? `${rate(entering)} records/s in${past ? ", mean of " + round(past) : ""} · ${some(whole.nodes.length, "resource")}` : some(whole.nodes.length, "resource") + " · rates are told to the node's owner, and to those who may read metrics"}>
        {behind > 0 && <span class="badge w">{some(behind, "delivery", "deliveries")} behind</span>}
        {failing > 0 && <span class="badge b">{some(failing, "delivery", "deliveries")} failing</span>}
        {failed > 0 && <span class="badge b">{some(failed, "record")} failed</span>}
        {open.size > 0 && <button onClick={() => unfold(new Set())}>Fold what is alike</button>}
        <select aria-label="Time" value={range.value} onChange={(e) => (range.value = Number(e.currentTarget.value))}>{times.map(([s, label]) => <option value={s}>{label}</option>)}</select>
        <input class="field" type="search" placeholder="Filter by name" aria-label="Filter by name" value={find} onInput={(e) => setFind(e.currentTarget.value)} />
      </Head>
      {denied.length > 0 && <details class="notice"><summary>Not shown, as these credentials may not see them: {denied.map(([what]) => what).join(", ")}</summary>{denied.map(([, e]) => <p>{e.message}</p>)}</details>}
      <section class="panel canvas" aria-label="Resources and where records go between them">
        {graph.nodes.length === 0 ? (
          <Empty title="Nothing flows here yet" line="brookmere demo">Start the demo, or create a stream and put a record: it shows here within seconds.</Empty>
        ) : (
          <svg width={placed.width} height={placed.height} class={focus ? "focused" : ""}>
            {placed.edges.map((e) => <Edge key={key(e)} edge={e} at={placed.at} way={placed.ways.get(key(e)) ?? []} chosen={key(e) === chosen} dim={!!focus && !(focus.has(e.from) && focus.has(e.to))} choose={() => choose(key(e) === chosen ? null : key(e))} />)}
            {placed.nodes.map((n) => {
              const p = placed.at.get(n.id);
              return p && <Node key={n.id} node={n} x={p.x} y={p.y} dim={!!focus && !focus.has(n.id)} over={(on) => setOver(on ? n.id : null)} unfold={(ids) => (setOver(null), unfold(new Set([...open, ...ids])))} />;
            })}
          </svg>
        )}
      </section>
      {edge ? <Over edge={edge} close={() => choose(null)} /> : graph.edges.length > 0 && <p class="hint">Choose a line to see the records that go over it; point at a resource to see its path.</p>}
    </>
  );
}

const times = [[0, "now"], [900, "last 15 min"], [3600, "last hour"], [43_200, "last 12 h"], [86_400, "last day"], [604_800, "last 7 d"]] as const;

const key = (e: GraphEdge) => e.from + "\n" + e.to;

/** pen measures text: letters differ in width, and fonts in their letters. */
const pen = document.createElement("canvas").getContext("2d");
const fitted = new Map<string, string>(); // of a text, a width and a font
let family = "";

/** fit is a text cut to a width in pixels, in a font of the page's family. */
function fit(s: string, width: number, font: string) {
  if (!pen) return s;
  const of = `${width} ${font} ${s}`, have = fitted.get(of);
  if (have !== undefined) return have;
  pen.font = `${font} ${(family ||= getComputedStyle(document.body).fontFamily)}`;
  let n = s.length;
  const cut = () => (n < s.length ? s.slice(0, n) + "…" : s);
  while (n > 1 && pen.measureText(cut()).width > width) n--;
  if (fitted.size > 5000) fitted.clear();
  fitted.set(of, cut());
  return cut();
}

/** sum is the flow of several together. */
function sum(list: (Flow | undefined)[]): Flow | undefined {
  const known = list.filter((f) => f !== undefined), n = Math.min(...known.map((f) => f.history.length));
  if (known.length < 2) return known[0];
  return { rate: known.reduce((s, f) => s + f.rate, 0), bytes: 0, history: Array.from({ length: n }, (_, i) => known.reduce((s, f) => s + f.history.at(i - n)!, 0)) };
}

function Node(p: { node: GraphNode; x: number; y: number; dim: boolean; over: (on: boolean) => void; unfold: (ids: string[]) => void }) {
  const { node: n } = p;
  const { flows, streams } = rates.value;
  const flowOf = (id: string) => flows.get(id.replace(/^put/, "delivery"));
  const flow = n.members ? sum(n.members.map(flowOf)) : flowOf(n.id);
  const shards = n.kind === "stream" ? streams.get(n.name)?.shards.filter((s) => s.open).length : undefined;
  const open = () => (n.members ? p.unfold(n.members) : n.page && go(...n.page));
  return (
    <g transform={`translate(${p.x} ${p.y})`} class={"node" + (p.dim ? " dim" : "")} role="link" tabindex={0} onClick={open}
      onKeyDown={(e) => e.key === "Enter" && open()} onMouseEnter={() => p.over(true)} onMouseLeave={() => p.over(false)} onFocus={() => p.over(true)} onBlur={() => p.over(false)}>
      <title>{n.kind + " " + n.name}</title>
      <rect width={size.width} height={size.height} rx={7} />
      <text x={12} y={19} class="kind">{n.kind}</text>
      <text x={12} y={37} class="name">{fit(n.name, size.width - 24, "600 13.5px")}</text>
      <text x={12} y={55} class="fact">{shards ? some(shards, "shard") : fit(n.sub, size.width - (flow?.history.length ? 76 : 24), "11.5px")}</text>
      {flow && flow.history.length > 1 && (
        <>
          <text x={size.width - 12} y={19} class="rate">{rate(flow.rate)}/s</text>
          <Spark values={flow.history.slice(-40)} width={46} height={16} x={size.width - 58} y={43} />
        </>
      )}
    </g>
  );
}

/** pathThrough is a line that leaves and reaches its ends, and goes through what is between, level. */
function pathThrough(from: Placed, way: Placed[], to: Placed): string {
  let d = `M${from.x} ${from.y}`, at = from;
  for (const next of [...way, to]) {
    const bend = Math.max(28, Math.abs(next.x - at.x) / 2);
    d += `C${at.x + bend} ${at.y} ${next.x - bend} ${next.y} ${next.x} ${next.y}`;
    if (next !== to) d += `H${next.x + size.width}`;
    at = { x: next.x + size.width, y: next.y };
  }
  return d;
}

function Edge(p: { edge: GraphEdge; at: Map<string, Placed>; way: Placed[]; chosen: boolean; dim: boolean; choose: () => void }) {
  const a = p.at.get(p.edge.from), b = p.at.get(p.edge.to);
  if (!a || !b) return null;
  const { flows, deliveries } = rates.value;
  const lines = p.edge.folded ?? [p.edge];
  const flow = sum(lines.map((e) => flows.get(e.flow ?? "")))?.rate ?? 0;
  const d = lines.flatMap((e) => deliveries.get(e.delivery ?? "") ?? []).sort((a, b) => Number(!!b.last_error) - Number(!!a.last_error) || b.lag_seconds - a.lag_seconds)[0]; // the worst
  const trouble = p.edge.trouble ?? d?.last_error;
  const from = { x: a.x + size.width, y: a.y + size.height / 2 }, to = { x: b.x, y: b.y + size.height / 2 }, next = p.way[0] ?? to;
  const path = pathThrough(from, p.way, to);
  const width = flow > 0 ? Math.min(5, 1.3 + Math.log10(1 + flow) * 0.95) : 1.2;
  const says = trouble ? "failing" : d?.held ? "held" : d && d.lag_seconds >= 1 ? span(d.lag_seconds) : "";
  const wide = says.length * 6.2 + 12;
  const state = trouble ? " bad" : d && d.lag_seconds > late ? " warn" : "";
  return (
    <g class={"edge" + state + (p.chosen ? " on" : "") + (p.dim ? " dim" : "") + (p.edge.guessed ? " guessed" : "")} role="button" tabindex={0} aria-pressed={p.chosen}
      aria-label={`from ${p.edge.from} to ${p.edge.to}${says ? ", " + says : ""}`} onClick={p.choose} onKeyDown={(e) => (e.key === "Enter" || e.key === " ") && (e.preventDefault(), p.choose())}>
      <title>{p.edge.guessed ? "named by the function's environment" : trouble ?? `${rate(flow)} records/s`}</title>
      <path d={path} class="reach" />
      <path d={path} class="way" stroke-width={width} />
      {flow > 0 && <path d={path} class={"drop" + (flow > 100 ? " fast" : "")} stroke-width={Math.max(1.6, width - 0.6)} />}
      {says && (
        <g transform={`translate(${(from.x + next.x) / 2 - wide / 2} ${(from.y + next.y) / 2 - 9})`} class="says">
          <rect width={wide} height={18} rx={4} />
          <text x={wide / 2} y={12.8}>{says}</text>
        </g>
      )}
    </g>
  );
}

/** Over shows what goes over an edge. */
function Over(p: { edge: GraphEdge; close: () => void }) {
  const { edge: e } = p;
  const name = (id: string) => id.replace(/^group\//, "").split("/").slice(1).join("/"), from = name(e.from), to = name(e.to);
  const d = e.flow?.startsWith("delivery/") ? rates.value.deliveries.get(e.flow.slice(9)) : undefined;
  return (
    <section class="panel over">
      <div class="bar">
        <b>{from} → {to}</b>
        <span class="sub">{e.stream ? "last records over this line" : d ? "what this delivery has written" : e.folded ? `and ${some(e.folded.length - 1, "line")} like it: choose a group to see each` : "configured; its records are not kept apart"}</span>
        <span class="grow" />
        {e.stream ? <Command line={`brookmere streams tail ${e.stream}`} /> : d && <Command line={`brookmere deliveries describe ${d.name}`} />}
        <button class="plain" aria-label="Close" onClick={p.close}>✕</button>
      </div>
      {e.trouble && <div class="problem">{e.trouble}</div>}
      {e.stream ? <Records key={e.stream} stream={e.stream} from="5m" small /> : d && (
        <dl class="facts">
          <dt>delivered</dt><dd>{count(d.records_delivered)} records in {some(d.objects, "object")}</dd>
          <dt>waiting</dt><dd>{some(d.lag_records, "record")}, the oldest for {span(d.lag_seconds)}</dd>
          <dt>failed</dt><dd>{some(d.records_failed, "record")}</dd>
          {d.last_object && <><dt>last object</dt><dd class="m">s3://{d.last_object}</dd></>}
          {d.last_error && <><dt>last error</dt><dd class="bad">{d.last_error}</dd></>}
        </dl>
      )}
    </section>
  );
}
