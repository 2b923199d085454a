// What a result is drawn as: which of its columns are times, names and numbers.
import type { Series } from "../parts/chart.tsx";
import type { View } from "./body.ts";

export interface Data { columns: { name: string; kind: "number" | "time" | "text" }[]; rows: (string | number | null)[][] }

/** timeOf is a time as statements write it, in UTC where it names no zone; NaN for what is none. */
export function timeOf(s: string): number {
  if (/^\d{4}-\d\d-\d\d$/.test(s)) return Date.parse(s + "T00:00:00Z");
  if (/^\d{4}-\d\d-\d\d \d\d$/.test(s)) return Date.parse(s.replace(" ", "T") + ":00:00Z");
  const m = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?: ?(Z|UTC|[+-]\d\d:?\d\d))?$/.exec(s);
  if (!m) return NaN;
  const zone = !m[3] || m[3] === "UTC" ? "Z" : m[3];
  return Date.parse(m[1] + "T" + m[2]!.replace(/(\.\d{3})\d+/, "$1") + zone);
}

/** numeric reports whether a number says all of a text: 007 is none, nor is a whole number of more digits than a number has. */
const numeric = (s: string) => s.trim() !== "" && Number.isFinite(Number(s)) && !/^[-+]?0\d/.test(s) && (!/^[-+]?\d+$/.test(s) || Number.isSafeInteger(Number(s)));

/** shaped reads a result: texts that are all numbers, or all times, are those. */
export function shaped(names: string[], rows: unknown[][]): Data {
  const cells = rows.map((r) => names.map((_, i) => { const v = r[i]; return v === null || v === undefined || v === "" ? null : typeof v === "object" ? JSON.stringify(v) : typeof v === "number" ? v : String(v); }));
  const columns = names.map((name, i) => {
    const some = cells.map((r) => r[i]!).filter((v) => v !== null);
    const number = some.length > 0 && some.every((v) => typeof v === "number" || numeric(v));
    const time = !number && some.length > 0 && some.every((v) => typeof v === "string" && !Number.isNaN(timeOf(v)));
    return { name, kind: number ? "number" as const : time ? "time" as const : "text" as const };
  });
  return { columns, rows: cells.map((r) => r.map((v, i) => (v === null ? null : columns[i]!.kind === "number" ? Number(v) : columns[i]!.kind === "time" ? timeOf(String(v)) : v))) };
}

export interface Roles { time: number; name: number; numbers: number[]; lat: number; lon: number }

export function roles(d: Data): Roles {
  const at = (kind: string) => d.columns.findIndex((c) => c.kind === kind);
  const named = (re: RegExp) => d.columns.findIndex((c) => c.kind === "number" && re.test(c.name));
  return { time: at("time"), name: at("text"), numbers: d.columns.flatMap((c, i) => (c.kind === "number" ? [i] : [])), lat: named(/^lat(itude)?$/i), lon: named(/^(lon|lng|long)(gitude)?$/i) };
}

/** fitting are the views that a result can be drawn as, the most telling first. */
export function fitting(d: Data): View[] {
  const r = roles(d), out: View[] = [];
  if (r.lat >= 0 && r.lon >= 0) out.push("map");
  if (d.rows.length === 1 && r.numbers.length) out.push("number");
  if (r.time >= 0 && r.numbers.length) out.push("line", "area", "stacked");
  if (r.name >= 0 && r.numbers.length) out.push("bar", "pie", "treemap");
  if (r.numbers.length > 1) out.push("scatter");
  if (r.time < 0 && r.name < 0 && r.numbers.length > 1) out.push("line");
  if (d.columns.length > 2 && r.numbers.length) out.push("heat", "pivot");
  if (r.numbers.length && !out.includes("number")) out.push("number");
  return [...out, "table"];
}

/** seriesOf are the lines of a result: one a number, or one a name where there is a column of names. */
export function seriesOf(d: Data): { series: Series[]; time: boolean } {
  const r = roles(d);
  const x = r.time >= 0 ? r.time : r.numbers[0] ?? -1;
  const ys = r.numbers.filter((i) => i !== x);
  const by = new Map<string, [number, number][]>();
  d.rows.forEach((row, n) => {
    const at = x >= 0 && ys.length ? row[x] : n;
    for (const y of ys.length ? ys : r.numbers) {
      const v = row[y];
      if (typeof at !== "number" || typeof v !== "number") continue;
      const name = r.name >= 0 ? String(row[r.name] ?? "null") + (ys.length > 1 ? " " + d.columns[y]!.name : "") : d.columns[y]!.name;
      let points = by.get(name);
      if (!points) {
        if (by.size >= 12) continue; // more cannot be told apart
        by.set(name, (points = []));
      }
      points.push([at, v]);
    }
  });
  for (const points of by.values()) points.sort((a, b) => a[0] - b[0]);
  return { series: [...by].map(([name, points]) => ({ name, points })), time: r.time >= 0 };
}

/** parts are names with their sums, the greatest first: of the first text and the first number. */
export function parts(d: Data, most: number): [string, number][] {
  const r = roles(d), n = r.numbers[0];
  const label = r.name >= 0 ? r.name : r.time;
  const sums = new Map<string, number>();
  for (const row of d.rows) {
    const v = n === undefined ? 1 : row[n];
    if (typeof v !== "number") continue;
    const name = label < 0 ? "" : label === r.time ? new Date(row[label] as number).toISOString().slice(0, 16).replace("T", " ") : String(row[label] ?? "null");
    sums.set(name, (sums.get(name) ?? 0) + v);
  }
  const all = [...sums].sort((a, b) => b[1] - a[1]);
  return all.length <= most ? all : [...all.slice(0, most - 1), [`${all.length - most + 1} others`, all.slice(most - 1).reduce((s, x) => s + x[1], 0)]];
}

export interface Cross { rows: string[]; columns: string[]; cells: (number | null)[][] }

/** crossed sums the last number by the first two other columns: the rows and columns of a table. */
export function crossed(d: Data, most = 40): Cross {
  const value = roles(d).numbers.at(-1) ?? -1;
  const [a, b] = d.columns.map((_, i) => i).filter((i) => i !== value);
  const text = (v: string | number | null, i: number) => (v === null ? "null" : d.columns[i]!.kind === "time" ? new Date(v as number).toISOString().slice(0, 16).replace("T", " ") : String(v));
  const rows = new Map<string, number>(), columns = new Map<string, number>(), cells: (number | null)[][] = [];
  if (a === undefined || b === undefined) return { rows: [], columns: [], cells };
  for (const row of d.rows) {
    const r = text(row[a]!, a), c = text(row[b]!, b), v = row[value];
    if (!rows.has(r)) { if (rows.size >= most) continue; rows.set(r, rows.size); cells.push([]); }
    if (!columns.has(c)) { if (columns.size >= most) continue; columns.set(c, columns.size); }
    const line = cells[rows.get(r)!]!, i = columns.get(c)!;
    if (typeof v === "number") line[i] = (line[i] ?? 0) + v;
  }
  return { rows: [...rows.keys()], columns: [...columns.keys()], cells: cells.map((l) => [...columns.values()].map((i) => l[i] ?? null)) };
}
