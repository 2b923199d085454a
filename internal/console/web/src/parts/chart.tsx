// Lines over time, areas, and points: as SVG, with what they are under the pointer.
import { useEffect, useRef, useState } from "preact/hooks";
import { shortNumber } from "../format.ts";

export interface Series {
  name: string;
  points: [number, number][]; // x (ms where it is a time) and y, by x
}

/** ticks are round numbers that cover from a to b, about n of them. */
export function ticks(a: number, b: number, n: number): number[] {
  if (!(b > a)) return [a];
  const raw = (b - a) / Math.max(1, n), power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 2.5, 5, 10].find((m) => m * power >= raw) ?? 10);
  const out: number[] = [];
  for (let i = Math.ceil(a / step); i * step <= b + step * 1e-9; i++) out.push(Number((i * step).toPrecision(12)));
  return out;
}

const steps = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400].map((s) => s * 1000);

/** times are round times from a to b in ms, about n of them, in the zone of the browser. */
export function times(a: number, b: number, n: number): { at: number; text: string }[] {
  const step = steps.find((s) => (b - a) / s <= n) ?? Math.ceil((b - a) / n / 86_400_000) * 86_400_000;
  const zone = new Date(a).getTimezoneOffset() * 60_000;
  const out = [];
  for (let t = Math.ceil((a - zone) / step) * step + zone; t <= b; t += step) {
    const d = new Date(t);
    const two = (x: number) => String(x).padStart(2, "0");
    out.push({ at: t, text: step >= 86_400_000 ? `${d.getMonth() + 1}-${two(d.getDate())}` : `${two(d.getHours())}:${two(d.getMinutes())}${step < 60_000 ? ":" + two(d.getSeconds()) : ""}` });
  }
  return out;
}

const colours = 6;

export function Chart(p: { title: string; series: Series[]; kind?: "line" | "area" | "stacked" | "points"; time?: boolean; height?: number; from?: number; to?: number; unit?: string; line?: number; lineName?: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  const [under, setUnder] = useState<number | null>(null); // x, in values
  useEffect(() => {
    const watch = new ResizeObserver(() => setWidth(Math.max(160, box.current!.clientWidth)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  const height = p.height ?? 220, left = 52, right = 12, top = 8, bottom = 22;
  const series = p.kind === "stacked" ? stack(p.series) : p.series;
  const xs = series.flatMap((s) => s.points.map((q) => q[0])), ys = series.flatMap((s) => s.points.map((q) => q[1]));
  const x0 = p.from ?? least(xs, 0), x1 = Math.max(p.to ?? most(xs, 1), x0 + 1e-9);
  const low = Math.min(p.kind === "points" ? least(ys, 0) : 0, least(ys, 0), p.line ?? Infinity), high = Math.max(most(ys, 1), p.line ?? -Infinity, low + 1e-9);
  const yt = ticks(low, high + (high - low) * 0.08, 4);
  const y1 = Math.max(high, yt[yt.length - 1] ?? high), y0 = Math.min(low, yt[0] ?? low);
  const X = (v: number) => left + ((v - x0) / (x1 - x0)) * (width - left - right);
  const Y = (v: number) => top + (1 - (v - y0) / (y1 - y0 || 1)) * (height - top - bottom);
  const xt = p.time === false ? ticks(x0, x1, Math.max(2, Math.floor(width / 110))).map((at) => ({ at, text: shortNumber(at) })) : times(x0, x1, Math.max(2, Math.floor(width / 90)));
  const near = (s: Series) => (under === null ? undefined : s.points.reduce<[number, number] | undefined>((best, q) => (best && Math.abs(best[0] - under) <= Math.abs(q[0] - under) ? best : q), undefined));
  const at = under === null ? undefined : series.map(near).find(Boolean)?.[0];
  const path = (s: Series) => s.points.map((q, i) => (i ? "L" : "M") + X(q[0]).toFixed(1) + " " + Y(q[1]).toFixed(1)).join("");
  return (
    <figure class="plot" ref={box}>
      <svg width={width} height={height} role="img" aria-label={`${p.title}: ${p.series.map((s) => s.name).join(", ")}`}
        onMouseMove={(e) => { const r = e.currentTarget.getBoundingClientRect(); setUnder(x0 + ((e.clientX - r.left - left) / (width - left - right)) * (x1 - x0)); }} onMouseLeave={() => setUnder(null)}>
        {yt.map((v) => <g><line x1={left} x2={width - right} y1={Y(v)} y2={Y(v)} class="rule" /><text x={left - 8} y={Y(v) + 4} class="y">{shortNumber(v)}</text></g>)}
        {xt.map((t) => X(t.at) > left - 1 && <text x={Math.min(X(t.at), width - right - 14)} y={height - 6} class="x">{t.text}</text>)}
        {p.line !== undefined && <g><line x1={left} x2={width - right} y1={Y(p.line)} y2={Y(p.line)} class="limit" /><text x={width - right} y={Y(p.line) - 4} class="limit">{p.lineName}</text></g>}
        {series.map((s, i) => {
          const c = "s" + (i % colours);
          if (p.kind === "points" || s.points.length === 1) return <g class={c}>{s.points.slice(0, 5000).map((q) => <circle cx={X(q[0])} cy={Y(q[1])} r={2.6} />)}</g>;
          const d = path(s);
          const base = p.kind === "stacked" && i < series.length - 1 ? series[i + 1]!.points.slice().reverse().map((q) => "L" + X(q[0]).toFixed(1) + " " + Y(q[1]).toFixed(1)).join("") : `L${X(s.points[s.points.length - 1]?.[0] ?? x0)} ${Y(Math.max(0, y0))}L${X(s.points[0]?.[0] ?? x0)} ${Y(Math.max(0, y0))}`;
          return <g class={c}>{(p.kind === "area" || p.kind === "stacked" || p.series.length === 1) && d && <path d={d + base + "Z"} class={p.kind === "stacked" ? "band" : "fill"} />}<path d={d} class="stroke" /></g>;
        })}
        {at !== undefined && <line x1={X(at)} x2={X(at)} y1={top} y2={height - bottom} class="cross" />}
        {under !== null && series.map((s, i) => { const q = near(s); return q && <circle cx={X(q[0])} cy={Y(q[1])} r={3.2} class={"dot s" + (i % colours)} />; })}
      </svg>
      {(p.series.length > 1 || under !== null) && (
        <figcaption>{at !== undefined && <span class="dim">{p.time === false ? shortNumber(at) : new Date(at).toLocaleTimeString("en-GB")}</span>}{p.series.map((s, i) => {
          const shown = series.find((x) => x.name === s.name) ?? s;
          const q = near(shown), own = q && s.points.find((z) => z[0] === q[0]);
          const colour = series.findIndex((x) => x.name === s.name) % colours;
          return <span class={"s" + (colour < 0 ? i % colours : colour)}><i />{s.name}{own && <b>{shortNumber(own[1])}{p.unit ? " " + p.unit : ""}</b>}</span>;
        })}</figcaption>
      )}
    </figure>
  );
}

const least = (v: number[], none: number) => v.reduce((a, b) => Math.min(a, b), v[0] ?? none);
const most = (v: number[], none: number) => v.reduce((a, b) => Math.max(a, b), v[0] ?? none);

/** stack adds each series to those after it, the first being the whole. */
export function stack(list: Series[]): Series[] {
  const xs = [...new Set(list.flatMap((s) => s.points.map((p) => p[0])))].sort((a, b) => a - b);
  const sum = new Map<number, number>();
  const out: Series[] = [];
  for (const s of [...list].reverse()) {
    const by = new Map(s.points);
    out.unshift({ name: s.name, points: xs.map((x) => { const v = (sum.get(x) ?? 0) + (by.get(x) ?? 0); sum.set(x, v); return [x, v]; }) });
  }
  return out;
}
