// One visual of a dashboard, of data that are there.
import { hierarchy, treemap } from "d3-hierarchy";
import { useEffect, useRef, useState } from "preact/hooks";
import { shortNumber } from "../format.ts";
import { Grid, widths } from "../parts/grid.tsx";
import { Plot } from "../parts/plot.tsx";
import { Spark } from "../parts/ui.tsx";
import type { View } from "./body.ts";
import { borders, pathOf } from "./outlines.ts";
import { crossed, parts, roles, seriesOf, type Data } from "./shape.ts";

/** show is a value as people read it. */
function show(v: string | number | null, kind: string) {
  if (v === null) return <span class="dim">null</span>;
  if (kind === "time") return Number.isNaN(v as number) ? "" : new Date(v as number).toISOString().replace("T", " ").slice(0, 19);
  return typeof v === "number" ? (Number.isInteger(v) ? v.toLocaleString("en") : Number(v.toPrecision(8)).toLocaleString("en", { maximumFractionDigits: 6 })) : v;
}

export function Visual(p: { title: string; data: Data; view: View }) {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ w: 0, h: 0 });
  useEffect(() => {
    const watch = new ResizeObserver(() => setSize({ w: box.current!.clientWidth, h: box.current!.clientHeight }));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  return <div class="visual" ref={box}>{size.w > 0 && <Drawn {...p} w={size.w} h={Math.max(60, size.h)} />}</div>;
}

function Drawn(p: { title: string; data: Data; view: View; w: number; h: number }) {
  const { data: d, view, w, h } = p;
  if (!d.rows.length) return <div class="empty quiet">No rows.</div>;
  const r = roles(d);
  if (view === "number" && !r.numbers.length && d.rows.length === 1) return <div class="empty quiet">No value yet.</div>;
  const lacking = view === "map" ? r.lat < 0 || r.lon < 0 : view === "scatter" ? r.numbers.length < 2 : view !== "table" && view !== "bar" && view !== "pie" && view !== "treemap" && !r.numbers.length;
  if (lacking) return <div class="empty quiet">{view === "map" ? "A map wants columns named latitude and longitude." : `The result has too few numbers for a ${view}.`}</div>;
  switch (view) {
    case "line": case "area": case "stacked": {
      const { series, time } = seriesOf(d);
      return <Plot title={p.title} series={series} kind={view} time={time} height={Math.max(60, h - 26)} />;
    }
    case "scatter": return <Plot title={p.title} series={scattered(d)} kind="points" time={false} height={Math.max(60, h - 26)} />;
    case "bar": return <BarRows title={p.title} rows={parts(d, Math.max(1, Math.floor(h / 22)))} w={w} h={h} />;
    case "pie": return <Pie title={p.title} rows={parts(d, 6)} w={w} h={h} />;
    case "treemap": return <Tree title={p.title} rows={parts(d, 60)} w={w} h={h} />;
    case "number": return <Figure data={d} w={w} h={h} />;
    case "map": return <Places title={p.title} data={d} w={w} h={h} />;
    case "heat": case "pivot": return <Crossed title={p.title} data={d} heat={view === "heat"} />;
    default: return <Grid label={p.title} columns={widths(d.columns.map((c) => c.name), d.rows.slice(0, 60).map((x) => x.map((v, i) => (v === null ? "" : d.columns[i]!.kind === "time" ? "2026-01-01 00:00:00" : String(v)))), (i) => d.columns[i]!.kind === "number")} count={d.rows.length} cell={(i, c) => show(d.rows[i]![c] ?? null, d.columns[c]!.kind)} />;
  }
}

function scattered(d: Data) {
  const r = roles(d), [x, y] = r.numbers as [number, number];
  const by = new Map<string, [number, number][]>();
  for (const row of d.rows) {
    if (typeof row[x] !== "number" || typeof row[y] !== "number") continue;
    const name = r.name >= 0 ? String(row[r.name]) : d.columns[y]!.name;
    if (!by.has(name)) { if (by.size >= 6) continue; by.set(name, []); }
    by.get(name)!.push([row[x], row[y]]);
  }
  return [...by].map(([name, points]) => ({ name, points }));
}

const tone = (i: number) => "t" + (i % 6);
const cut = (s: string, n: number) => (s.length > n ? s.slice(0, Math.max(1, n - 1)) + "…" : s);

function BarRows(p: { title: string; rows: [string, number][]; w: number; h: number }) {
  const each = Math.max(22, Math.min(34, Math.floor(p.h / p.rows.length)));
  const label = Math.min(150, p.w * 0.34), most = Math.max(...p.rows.map((r) => Math.abs(r[1])), 1e-9), room = Math.max(20, p.w - label - 78);
  return (
    <svg class="bars2" width={p.w} height={p.rows.length * each} role="img" aria-label={p.title + ": " + p.rows.slice(0, 12).map(([n, v]) => n + " " + shortNumber(v)).join(", ")}>{p.rows.map(([name, v], i) => (
      <g transform={`translate(0 ${i * each})`}><title>{name}: {v.toLocaleString("en")}</title>
        <text x={label - 8} y={each / 2 + 4} class="l">{cut(name, Math.floor((label - 8) / 6.4))}</text>
        <rect x={label} y={4} width={Math.max(1, (Math.abs(v) / most) * room)} height={each - 8} rx={2} class={v < 0 ? "neg" : ""} />
        <text x={label + Math.max(1, (Math.abs(v) / most) * room) + 6} y={each / 2 + 4}>{shortNumber(v)}</text></g>
    ))}</svg>
  );
}

function Pie(p: { title: string; rows: [string, number][]; w: number; h: number }) {
  const rows = p.rows.filter((r) => r[1] > 0), sum = rows.reduce((s, r) => s + r[1], 0), r = Math.max(20, Math.min(p.h, p.w * (p.w > 290 ? 0.4 : 0.34)) / 2 - 4);
  let from = -Math.PI / 2;
  const at = (a: number, of: number) => `${(Math.cos(a) * of).toFixed(2)} ${(Math.sin(a) * of).toFixed(2)}`;
  return (
    <div class="pie">
      <svg width={r * 2 + 4} height={r * 2 + 4} viewBox={`${-r - 2} ${-r - 2} ${r * 2 + 4} ${r * 2 + 4}`} role="img" aria-label={p.title + ": " + rows.map(([n, v]) => `${n} ${Math.round((v / sum) * 100)} %`).join(", ")}>{rows.map(([name, v], i) => {
        const to = from + (v / sum) * Math.PI * 2 * 0.99999, d = `M${at(from, r)}A${r} ${r} 0 ${to - from > Math.PI ? 1 : 0} 1 ${at(to, r)}L${at(to, r * 0.58)}A${r * 0.58} ${r * 0.58} 0 ${to - from > Math.PI ? 1 : 0} 0 ${at(from, r * 0.58)}Z`;
        from = to;
        return <path d={d} class={tone(i)}><title>{name}: {v.toLocaleString("en")}</title></path>;
      })}</svg>
      <table><tbody>{rows.map(([name, v], i) => <tr><td><i class={tone(i)} /></td><td class="cut">{name}</td><td class="n">{shortNumber(v)}</td>{p.w > 290 && <td class="n dim">{((v / sum) * 100).toFixed(v / sum < 0.1 ? 1 : 0)} %</td>}</tr>)}</tbody></table>
    </div>
  );
}

interface Part { name: string; value: number; children?: Part[] }

function Tree(p: { title: string; rows: [string, number][]; w: number; h: number }) {
  const rows = p.rows.filter((r) => r[1] > 0);
  const root = treemap<Part>().size([p.w, p.h]).padding(2).round(true)(
    hierarchy<Part>({ name: "", value: 0, children: rows.map(([name, value]) => ({ name, value })) }).sum((x) => x.value));
  const most = rows[0]?.[1] ?? 1;
  return (
    <svg class="tree2" width={p.w} height={p.h} role="img" aria-label={p.title + ": " + rows.slice(0, 12).map(([n, v]) => n + " " + shortNumber(v)).join(", ")}>{(root.leaves()).map((l) => {
      const w = l.x1 - l.x0, h = l.y1 - l.y0;
      return <g transform={`translate(${l.x0} ${l.y0})`}><title>{l.data.name}: {l.data.value.toLocaleString("en")}</title><rect width={w} height={h} rx={2} style={{ fillOpacity: 0.22 + 0.4 * (l.data.value / most) }} />
        {w > 44 && h > 20 && <text x={6} y={15}>{cut(l.data.name, Math.floor((w - 10) / 6.6))}</text>}{w > 44 && h > 36 && <text x={6} y={30} class="v">{shortNumber(l.data.value)}</text>}</g>;
    })}</svg>
  );
}

/** Figure is the last number, with the line of those before it where there are some. */
function Figure(p: { data: Data; w: number; h: number }) {
  const d = p.data, r = roles(d), n = r.numbers[0]!;
  const rows = r.time >= 0 ? [...d.rows].sort((a, b) => Number(a[r.time]) - Number(b[r.time])) : d.rows;
  const values = rows.map((x) => x[n]).filter((v): v is number => typeof v === "number");
  const last = values[values.length - 1], first = values[0];
  const moved = values.length > 1 && first ? ((last! - first) / Math.abs(first)) * 100 : undefined;
  return (
    <div class="bignumber">
      <b title={last?.toLocaleString("en")}>{last === undefined ? "–" : shortNumber(last)}</b>
      <span class="sub">{d.columns[n]!.name}{moved !== undefined && <> · {moved >= 0 ? "+" : "−"}{Math.abs(moved).toFixed(Math.abs(moved) < 10 ? 1 : 0)} % over what is shown</>}</span>
      {values.length > 2 && p.h > 96 && <svg width={p.w} height={Math.min(60, p.h - 76)} aria-hidden="true"><Spark values={values.slice(-300)} width={p.w} height={Math.min(60, p.h - 76)} /></svg>}
    </div>
  );
}

/** Places are points by latitude and longitude, to scale, over the borders of countries, the newest of each name with the way behind it. */
function Places(p: { title: string; data: Data; w: number; h: number }) {
  const d = p.data, r = roles(d);
  const [world, setWorld] = useState<number[][]>();
  useEffect(() => {
    let here = true;
    borders().then((w) => here && setWorld(w), () => undefined); // degrees alone, without it
    return () => { here = false; };
  }, []);
  const rows = (r.time >= 0 ? [...d.rows].sort((a, b) => Number(a[r.time]) - Number(b[r.time])) : d.rows).filter((x) => Math.abs(Number(x[r.lat])) <= 90 && Math.abs(Number(x[r.lon])) <= 180 && x[r.lat] !== null && x[r.lon] !== null).slice(-5000);
  if (!rows.length) return <div class="empty quiet">No place in these rows.</div>;
  let a = 90, b = -90, l = 180, m = -180;
  for (const x of rows) { const y = x[r.lat] as number, z = x[r.lon] as number; a = Math.min(a, y); b = Math.max(b, y); l = Math.min(l, z); m = Math.max(m, z); }
  const squeeze = Math.max(0.05, Math.cos((((a + b) / 2) * Math.PI) / 180)), pad = 26;
  const least = a === b && l === m ? 10 : 1e-4; // degrees: a place alone is seen among borders
  const k = Math.min((p.w - pad * 2) / Math.max((m - l) * squeeze, least), (p.h - pad * 2) / Math.max(b - a, least));
  const X = (lon: number) => p.w / 2 + (lon - (l + m) / 2) * squeeze * k, Y = (lat: number) => p.h / 2 - (lat - (a + b) / 2) * k;
  const by = new Map<string, (typeof rows)>();
  for (const x of rows) { const name = r.name >= 0 ? String(x[r.name]) : String(by.size); (by.get(name) ?? by.set(name, []).get(name)!).push(x); }
  const raw = Math.max((p.h / k) / 4, 1e-5), step = [1, 2, 5, 10].map((f) => f * 10 ** Math.floor(Math.log10(raw))).find((s) => s >= raw)!;
  const lines = (from: number, to: number) => { const out = []; for (let v = Math.ceil(from / step) * step; v <= to && out.length < 40; v += step) out.push(Number(v.toPrecision(8))); return out; };
  const top = (b + a) / 2 + p.h / 2 / k, left = (l + m) / 2 - p.w / 2 / k / squeeze;
  const land = world && pathOf(world, left, left + p.w / k / squeeze, top - p.h / k, top, X, Y);
  return (
    <svg class="places" width={p.w} height={p.h} role="img" aria-label={`${p.title}: ${by.size} places between ${a.toFixed(3)}, ${l.toFixed(3)} and ${b.toFixed(3)}, ${m.toFixed(3)}`}>
      {land && <path class="land" d={land} />}
      {lines(top - p.h / k, top).map((v) => <g><line x1={0} x2={p.w} y1={Y(v)} y2={Y(v)} />{Y(v) > 14 && <text x={3} y={Y(v) - 3}>{v}°</text>}</g>)}
      {lines(left, left + p.w / k / squeeze).map((v) => <g><line x1={X(v)} x2={X(v)} y1={0} y2={p.h} /><text x={X(v) + 3} y={p.h - 4}>{v}°</text></g>)}
      {[...by].slice(0, 500).map(([name, list], i) => {
        const last = list[list.length - 1]!, x = X(last[r.lon] as number), y = Y(last[r.lat] as number);
        return <g class={tone(i)}><title>{name}</title>{r.name >= 0 && list.length > 1 && <path d={"M" + list.slice(-60).map((q) => X(q[r.lon] as number).toFixed(1) + " " + Y(q[r.lat] as number).toFixed(1)).join("L")} />}<circle cx={x} cy={y} r={4} />{r.name >= 0 && by.size <= 30 && <text x={x > p.w - 90 ? x - 7 : x + 7} y={y + 4} class={x > p.w - 90 ? "name before" : "name"}>{cut(name, 18)}</text>}</g>;
      })}
    </svg>
  );
}

function Crossed(p: { title: string; data: Data; heat: boolean }) {
  const c = crossed(p.data);
  if (!c.columns.length) return <div class="empty quiet">This view wants two columns to cross, and a number.</div>;
  const all = c.cells.flat().filter((v): v is number => v !== null), low = Math.min(...all), high = Math.max(...all);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={p.title}><table class={p.heat ? "cross heat" : "cross"}>
      <thead><tr><th />{c.columns.map((x) => <th class="n">{x}</th>)}</tr></thead>
      <tbody>{c.rows.map((name, i) => <tr><th>{name}</th>{c.cells[i]!.map((v) => <td class="n">{v === null ? "" : p.heat ? <span><i style={{ opacity: high > low ? 0.08 + 0.42 * ((v - low) / (high - low)) : 0.3 }} /><em>{shortNumber(v)}</em></span> : v.toLocaleString("en", { maximumFractionDigits: 2 })}</td>)}</tr>)}</tbody>
    </table></div>
  );
}
