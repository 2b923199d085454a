// Lines over time by uPlot: for many points, drawn again every second.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { shortNumber } from "../format.ts";
import { stack, type Series } from "./chart.tsx";

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function Plot(p: { title: string; series: Series[]; kind: "line" | "area" | "stacked" | "points"; time: boolean; height: number; from?: number; to?: number; lines?: { value: number; label: string }[]; unit?: string }) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const [width, setWidth] = useState(0);
  const [theme, setTheme] = useState(0);
  const [under, setUnder] = useState<number | null>(null); // an index of the points
  useEffect(() => {
    const size = new ResizeObserver(() => setWidth(box.current!.clientWidth));
    size.observe(box.current!);
    const dark = new MutationObserver(() => setTheme((n) => n + 1));
    dark.observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    return () => (size.disconnect(), dark.disconnect());
  }, []);
  const stacked = p.kind === "stacked" && p.series.length > 1;
  const drawn = stacked ? stack(p.series) : p.series;
  const scale = p.time ? 1000 : 1; // uPlot has seconds
  const data = joined(drawn, scale), own = stacked ? joined(p.series, scale) : data;
  const names = p.series.map((s) => s.name);
  const seen = useRef(p);
  seen.current = p;
  useEffect(() => {
    if (!width || !box.current) return;
    const font = "11px " + getComputedStyle(document.body).fontFamily, grid = { stroke: css("--line2"), width: 1 };
    const u = new uPlot({
      width, height: p.height, legend: { show: false }, padding: [8, p.time ? 26 : 14, 0, 0], focus: { alpha: 0.5 },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: p.time, range: (_, a, b) => { const { from, to } = seen.current; return from !== undefined && to !== undefined ? [from / scale, to / scale] : a === b ? [a - 1, b + 1] : [a, b]; } },
        y: { range: (_, a, b) => {
          const all = (seen.current.lines ?? []).map((l) => l.value).concat(a ?? 0, b ?? 1), low = Math.min(...all), high = Math.max(...all);
          // Lines that are far from zero show how they differ; what is filled begins at zero.
          const far = p.kind === "points" || (p.kind === "line" && names.length > 1 && low > high * 0.6);
          const floor = far ? low - (high - low) * 0.05 : Math.min(0, low);
          return floor === high ? [floor, floor + 1] : [floor, high + (high - floor) * 0.06];
        } },
      },
      axes: [
        { stroke: css("--ink3"), font, grid, ticks: { show: false }, size: 28, space: 80, ...(p.time ? { values: clockMarks } : { values: (_: uPlot, v: number[]) => v.map(shortNumber) }) },
        { stroke: css("--ink3"), font, grid, ticks: { show: false }, size: 52, space: 36, values: (_, v) => v.map(shortNumber) },
      ],
      series: [{}, ...names.map((_, i): uPlot.Series => {
        const colour = css("--c" + ((i % 6) + 1));
        return { stroke: colour, width: p.kind === "points" ? 0 : 1.5, spanGaps: true, paths: p.kind === "points" ? () => null : undefined,
          fill: stacked ? colour + "99" : p.kind === "area" || (p.kind === "line" && names.length === 1) ? colour + "1c" : undefined,
          points: p.kind === "points" ? { show: true, size: 5, fill: colour, width: 0 } : { show: (c: uPlot) => (c.data[i + 1] as (number | null)[]).filter((v) => v !== null).length < 3, size: 5, fill: colour } };
      })],
      hooks: {
        setCursor: [(c) => setUnder(c.cursor.idx ?? null)],
        draw: [(c) => {
          for (const l of seen.current.lines ?? []) {
            const y = c.valToPos(l.value, "y", true), g = c.ctx;
            g.save();
            g.strokeStyle = g.fillStyle = css("--bad");
            g.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
            g.beginPath();
            g.moveTo(c.bbox.left, y);
            g.lineTo(c.bbox.left + c.bbox.width, y);
            g.stroke();
            g.font = `${11 * devicePixelRatio}px sans-serif`;
            g.textAlign = "right";
            g.fillText(l.label, c.bbox.left + c.bbox.width, y - 4 * devicePixelRatio);
            g.restore();
          }
        }],
      },
    }, data, box.current);
    chart.current = u;
    return () => (u.destroy(), (chart.current = null));
  }, [width, p.height, theme, p.kind, p.time, names.join("\n")]);
  useEffect(() => chart.current?.setData(data), [p.series, p.from, p.to]);
  const shown = under !== null && under < own[0].length ? under : null;
  const last = own[0].length - 1;
  const valueOf = (i: number) => (own[i + 1] as (number | null | undefined)[] | undefined)?.[shown ?? last];
  // As many names as there is room for; the others are in the title of what tells how many they are.
  let room = width - 90, fit = 0;
  while (fit < names.length && (room -= names[fit]!.length * 6.8 + 30) > 0) fit++;
  if (fit >= names.length - 1) fit = names.length;
  return (
    <figure class="plot u">
      <div ref={box} role="img" aria-label={`${p.title}: ${names.map((n, i) => { const v = valueOf(i); return n + (v == null ? "" : " " + shortNumber(v)); }).join(", ")}`} />
      <figcaption>{shown !== null && <span class="dim">{p.time ? new Date(own[0][shown]! * 1000).toLocaleTimeString("en-GB") : shortNumber(own[0][shown]!)}</span>}{names.slice(0, fit).map((n, i) => {
        const v = valueOf(i);
        return <span key={n} class={"s" + (i % 6)} title={n}><i />{n}{shown !== null && v != null && <b>{shortNumber(v)}{p.unit ? " " + p.unit : ""}</b>}</span>;
      })}{fit < names.length && <span class="dim" title={names.slice(fit).join(", ")}>+{names.length - fit} more</span>}</figcaption>
    </figure>
  );
}

function joined(list: Series[], scale: number): [number[], ...(number | null)[][]] {
  const xs = [...new Set(list.flatMap((s) => s.points.map((q) => q[0])))].sort((a, b) => a - b);
  const at = new Map(xs.map((x, i) => [x, i]));
  return [xs.map((x) => x / scale), ...list.map((s) => {
    const out = new Array<number | null>(xs.length).fill(null);
    for (const [x, y] of s.points) out[at.get(x)!] = y;
    return out;
  })];
}

const two = (n: number) => String(n).padStart(2, "0");

/** clockMarks are times of day, and days at midnight or where they are further apart. */
function clockMarks(_: uPlot, marks: number[], __: number, ___: number, step: number): string[] {
  return marks.map((s) => {
    const d = new Date(s * 1000), day = `${two(d.getMonth() + 1)}-${two(d.getDate())}`;
    if (step >= 86_400 || (d.getHours() === 0 && d.getMinutes() === 0 && d.getSeconds() === 0)) return day;
    return `${two(d.getHours())}:${two(d.getMinutes())}${step < 60 ? ":" + two(d.getSeconds()) : ""}`;
  });
}
