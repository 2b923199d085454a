// The body of a CloudWatch dashboard: read, with what it may say; written again with nothing lost.
//
// Widgets of CloudWatch's own types (metric, text, alarm, log) are those of AWS. A visual on SQL is a custom
// widget, whose parameters hold the statement: { sql, database?, stream?, view, x?, y? }. With a database it is
// asked of the lake, with a stream of the records of its tail. Whatever a body holds that is not known here stays
// in it, and comes back when it is saved.

export type View = "line" | "area" | "stacked" | "bar" | "pie" | "treemap" | "scatter" | "heat" | "map" | "number" | "table" | "pivot";
export const views: View[] = ["line", "area", "stacked", "bar", "pie", "treemap", "scatter", "heat", "map", "number", "table", "pivot"];

export type Bag = Record<string, unknown>;
export interface Widget { type: string; x: number; y: number; width: number; height: number; properties: Bag; raw: Bag }
export interface Variable { id: string; label: string; pattern: string; value: string; values: { value: string; label: string }[]; shown: boolean }
export interface Body { widgets: Widget[]; variables: Variable[]; raw: Bag }

export const across = 24; // columns of a dashboard

/** endpoint marks the custom widgets that hold a statement. CloudWatch's own page shows that it has no such function. */
export const endpoint = "brookmere:sql";

const isBag = (v: unknown): v is Bag => typeof v === "object" && v !== null && !Array.isArray(v);
const whole = (v: unknown, none: number, least: number, most: number) => (typeof v === "number" && Number.isFinite(v) ? Math.min(most, Math.max(least, Math.floor(v))) : none);
export const textOf = (v: unknown): string => (typeof v === "string" ? v : typeof v === "number" || typeof v === "boolean" ? String(v) : "");

/** parse reads a body. Its errors say what is wrong with it. */
export function parse(text: string): Body {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (e) {
    throw new Error("The dashboard is not JSON: " + (e as Error).message);
  }
  if (!isBag(raw)) throw new Error("The dashboard is not a JSON object with widgets.");
  const list = raw.widgets ?? [];
  if (!Array.isArray(list)) throw new Error("The dashboard's widgets are not a list.");
  let foot = 0;
  const widgets = list.filter(isBag).map((w): Widget => {
    const width = whole(w.width, 6, 1, across), height = whole(w.height, 6, 1, 1000);
    // Widgets that say no place follow each other.
    const placed = typeof w.x === "number" && typeof w.y === "number";
    const x = placed ? whole(w.x, 0, 0, across - width) : 0, y = placed ? whole(w.y, 0, 0, 10_000) : foot;
    foot = Math.max(foot, y + height);
    return { type: textOf(w.type), x, y, width, height, properties: isBag(w.properties) ? w.properties : {}, raw: w };
  });
  return { widgets, variables: (Array.isArray(raw.variables) ? raw.variables : []).filter(isBag).flatMap(variable), raw };
}

function variable(v: Bag): Variable[] {
  const pattern = textOf(v.pattern) || textOf(v.property);
  if (!pattern || (v.type !== "pattern" && v.type !== "property")) return [];
  const values = (Array.isArray(v.values) ? v.values : []).filter(isBag).map((x) => ({ value: textOf(x.value), label: textOf(x.label) || textOf(x.value) }));
  return [{ id: textOf(v.id) || pattern, label: textOf(v.label) || textOf(v.id) || pattern, pattern: v.type === "pattern" ? pattern : "\0" + pattern, value: textOf(v.defaultValue) || values[0]?.value || "", values, shown: v.visible !== false }];
}

/** write is the body as text, with what its widgets say now. */
export function write(b: Body): string {
  const { widgets: _, ...rest } = b.raw;
  return JSON.stringify({ ...rest, widgets: b.widgets.map((w) => ({ ...w.raw, type: w.type, x: w.x, y: w.y, width: w.width, height: w.height, properties: w.properties })) });
}

/** filled is a widget's properties with the values of variables in place of what they stand for. */
export function filled(properties: Bag, variables: Variable[], values: Record<string, string>): Bag {
  const used = variables.map((v) => ({ ...v, now: values[v.id] ?? v.value })).filter((v) => v.now !== "");
  if (!used.length) return properties;
  const walk = (v: unknown, name: string): unknown => {
    for (const u of used) if (u.pattern === "\0" + name && (typeof v === "string" || typeof v === "number")) return u.now;
    if (typeof v === "string") {
      // Within a statement, a value stays within its quotes.
      const inText = name === "sql" ? (s: string) => s.replace(/'/g, "''") : (s: string) => s;
      return used.reduce((s, u) => (u.pattern.startsWith("\0") ? s : s.split(u.pattern).join(inText(u.now))), v);
    }
    if (Array.isArray(v)) return v.map((x) => walk(x, ""));
    if (isBag(v)) return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, walk(x, k)]));
    return v;
  };
  return walk(properties, "") as Bag;
}

export interface Drawn { id: string; label: string; visible: boolean; query: Bag }

/** queries are the entries of GetMetricData of a metric widget. */
export function queries(properties: Bag, period: number): Drawn[] {
  const list = Array.isArray(properties.metrics) ? properties.metrics : [];
  let before: string[] = [];
  return list.slice(0, 100).flatMap((entry, i): Drawn[] => {
    if (!Array.isArray(entry)) return [];
    const last = entry[entry.length - 1];
    const options = isBag(last) ? last : {};
    const id = /^[a-z]\w*$/.test(textOf(options.id)) ? textOf(options.id) : "w" + i;
    const label = textOf(options.label), visible = options.visible !== false;
    const each = whole(options.period ?? properties.period, period, 1, 86_400);
    if (options.expression) return [{ id, label: label || textOf(options.expression), visible, query: { Id: id, Expression: textOf(options.expression), Period: each, ...(label ? { Label: label } : {}) } }];
    // "." is what stands in the same place of the metric before, "..." all that does.
    let parts = entry.filter((x) => !isBag(x)).map(textOf);
    const dots = parts.indexOf("...");
    if (dots >= 0) {
      const after = parts.slice(dots + 1);
      parts = [...parts.slice(0, dots), ...before.slice(dots, before.length - after.length), ...after];
    }
    parts = parts.map((x, j) => (x === "." ? before[j] ?? "" : x));
    before = parts;
    const [space, metric, ...rest] = parts;
    if (!space || !metric) return [];
    const dimensions: { Name: string; Value: string }[] = [];
    for (let j = 0; j + 1 < rest.length; j += 2) dimensions.push({ Name: rest[j]!, Value: rest[j + 1]! });
    return [{ id, label: label || [metric, ...dimensions.map((d) => d.Value)].join(" "), visible, query: { Id: id, MetricStat: { Metric: { Namespace: space, MetricName: metric, Dimensions: dimensions }, Period: each, Stat: textOf(options.stat ?? properties.stat) || "Average" }, ...(label ? { Label: label } : {}) } }];
  });
}

/** reads reports whether a statement reads alone. A dashboard that somebody else made runs no other. */
export function reads(sql: string): boolean {
  // What begins a comment within quotes begins none, and the other way round: texts and comments are found together.
  const plain = sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g, (x) => (/^['"]/.test(x) ? "''" : " ")).replace(/^[\s(]+/, "");
  return /^(select|with|values|table)\b/i.test(plain) && !/;\s*\S/.test(plain);
}

/** spanOf is over how many seconds a body says that it shows ("-PT3H"), if it does. */
export function spanOf(b: Body): number | undefined {
  const m = /^-P(?:(\d+)([DW])|T(\d+)([MH]))$/.exec(textOf(b.raw.start));
  return m ? Number(m[1] ?? m[3]) * { M: 60, H: 3600, D: 86_400, W: 604_800 }[(m[2] ?? m[4]) as "M"] : undefined;
}

/** room is the first row below all widgets. */
export const room = (b: Body): number => b.widgets.reduce((n, w) => Math.max(n, w.y + w.height), 0);

/** statement is a visual on SQL as a widget. */
export function statement(o: { title: string; sql: string; database?: string; stream?: string; view: View }, y: number): Widget {
  const properties: Bag = { title: o.title, endpoint, params: { sql: o.sql, view: o.view, ...(o.stream ? { stream: o.stream } : { database: o.database ?? "" }) } };
  return { type: "custom", x: 0, y, width: o.view === "number" ? 6 : 12, height: o.view === "number" ? 4 : 7, properties, raw: {} };
}

/** metricsOf is a widget of CloudWatch metrics. */
export function metricsOf(title: string, list: { metric: { Namespace: string; MetricName: string; Dimensions?: { Name: string; Value: string }[] }; stat: string }[], y: number): Widget {
  return { type: "metric", x: 0, y, width: 12, height: 7, raw: {}, properties: { title, view: "timeSeries", metrics: list.map((m) => [m.metric.Namespace, m.metric.MetricName, ...(m.metric.Dimensions ?? []).flatMap((d) => [d.Name, d.Value]), { stat: m.stat }]) } };
}
