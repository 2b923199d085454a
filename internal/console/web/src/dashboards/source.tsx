// Where the data of widgets come from: CloudWatch metrics, SQL on the lake, the tail of a stream, logs, alarms.
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { all, call } from "../aws/client.ts";
import { cellText } from "../pipeline/filter.ts";
import { parse as parseLive } from "../pipeline/minisql.ts";
import type { Series } from "../parts/chart.tsx";
import { useLive } from "../parts/live.ts";
import { Plot } from "../parts/plot.tsx";
import { tail, type Rec } from "../parts/tail.ts";
import { Loading, Problem } from "../parts/ui.tsx";
import { query } from "../pages/athena.ts";
import { to } from "../route.ts";
import { endpoint, queries, reads, textOf, type Bag, type View, type Widget } from "./body.ts";
import { shaped, type Data } from "./shape.ts";
import { Visual } from "./visual.tsx";

/** When is how a whole dashboard is asked: how often in ms (0: once), over how many seconds, and how many times by hand. */
export interface When { every: number; seconds: number; again: number }

export function Content(p: { widget: Widget; properties: Bag; when: When }) {
  const { properties } = p;
  switch (p.widget.type) {
    case "metric": return <Metric properties={properties} when={p.when} />;
    case "text": return <Text markdown={textOf(properties.markdown)} />;
    case "alarm": return <Alarms arns={(Array.isArray(properties.alarms) ? properties.alarms : []).map(textOf)} when={p.when} />;
    case "log": return <Log properties={properties} when={p.when} />;
    case "custom": {
      const params = (properties.params ?? {}) as Bag;
      if (properties.endpoint !== endpoint || typeof params.sql !== "string") break;
      const view = (textOf(params.view) || "table") as View, title = textOf(properties.title) || "Visual";
      if (params.stream) return <Streaming key={textOf(params.stream)} title={title} stream={textOf(params.stream)} sql={params.sql} view={view} />;
      return <Asked title={title} sql={params.sql} database={textOf(params.database)} view={view} when={p.when} />;
    }
  }
  return <div class="empty quiet">A widget of the type {p.widget.type || "none"} is kept, and not drawn here.</div>;
}

interface Result { Id: string; Label: string; Timestamps?: number[]; Values?: number[] }

function Metric(p: { properties: Bag; when: When }) {
  const { properties: q, when } = p;
  const box = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(160);
  useEffect(() => {
    const watch = new ResizeObserver(() => setHeight(Math.max(60, box.current!.clientHeight - 26)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  const period = Math.max(60, Math.ceil(when.seconds / 300 / 60) * 60);
  const drawn = useMemo(() => queries(q, period), [JSON.stringify(q), period]);
  const live = useLive(async () => {
    const end = Date.now(), from = end - when.seconds * 1000;
    if (!drawn.length) return { from, end, series: [] as Series[] };
    const r = await all<Result, string>((t) => call("cloudwatch", "GetMetricData", { StartTime: from / 1000, EndTime: end / 1000 + 60, ScanBy: "TimestampAscending", NextToken: t, MetricDataQueries: drawn.map((d) => ({ ...d.query, ReturnData: d.visible })) }), "MetricDataResults", "NextToken");
    const series: Series[] = [];
    for (const d of drawn.filter((x) => x.visible)) {
      const by = new Map<string, [number, number][]>(); // a search has several results of one id
      for (const x of r.filter((x) => x.Id === d.id)) {
        const name = x.Label || d.label, list = by.get(name) ?? [];
        (x.Timestamps ?? []).forEach((t, i) => list.push([t * 1000, x.Values![i]!]));
        by.set(name, list);
      }
      for (const [name, points] of by) series.push({ name: by.size > 1 ? name : d.label, points });
    }
    return { from, end, series };
  }, when.every, [JSON.stringify(drawn), when.seconds, when.every, when.again]);
  const v = live.value, view = textOf(q.view) || "timeSeries";
  const lines = ((q.annotations as Bag | undefined)?.horizontal as Bag[] | undefined ?? []).flatMap((a) => (a && typeof a.value === "number" ? [{ value: a.value, label: textOf(a.label) || String(a.value) }] : []));
  let inside: ComponentChildren = !live.error && <Loading />;
  if (v) {
    const rows = v.series.map((s) => [s.name, s.points[s.points.length - 1]?.[1] ?? null]);
    if (!drawn.length) inside = <div class="empty quiet">The widget names no metric.</div>;
    else if (v.series.every((s) => !s.points.length)) inside = <div class="empty quiet">No values in this time.</div>;
    else if (view === "singleValue" || view === "gauge") inside = <div class="numbers">{v.series.map((s) => <div><Visual title={s.name} view="number" data={{ columns: [{ name: "at", kind: "time" }, { name: s.name, kind: "number" }], rows: s.points }} /></div>)}</div>;
    else if (view === "pie" || view === "bar" || view === "table") inside = <Visual title={textOf(q.title) || "Metrics"} view={view} data={shaped(["metric", "value"], rows)} />;
    else inside = <Plot title={textOf(q.title) || "Metrics"} series={v.series} kind={q.stacked === true ? "stacked" : "line"} time height={height} from={v.from} to={v.end} lines={lines} />;
  }
  return <div class="visual" ref={box}><Problem error={live.error} />{inside}</div>;
}

function Asked(p: { title: string; sql: string; database: string; view: View; when: When }) {
  const may = reads(p.sql);
  const live = useLive(async (): Promise<Data | undefined> => {
    if (!may) return undefined;
    const r = await query(p.sql, p.database);
    while (!r.complete && r.rows.length < 10_000) await r.more();
    return shaped(r.columns.map((c) => c.Name), r.rows);
  }, p.when.every, [p.sql, p.database, p.when.every, p.when.again]);
  if (!may) return <div class="empty quiet">The statement does not only read, so a dashboard does not run it.</div>;
  return <>{live.error && <Problem error={live.error} />}{live.value ? <Visual title={p.title} data={live.value} view={p.view} /> : !live.error && <Loading />}</>;
}

const most = 5000; // records of a tail that are looked at

function Streaming(p: { title: string; stream: string; sql: string; view: View }) {
  const buffer = useRef<Rec[]>([]);
  const [data, setData] = useState<Data>();
  const [error, setError] = useState<Error>();
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    let ask: ReturnType<typeof parseLive>;
    setWrong("");
    try {
      ask = parseLive(p.sql);
    } catch (e) {
      setWrong((e as Error).message);
      return;
    }
    buffer.current = [];
    let dirty = true;
    const t = tail(p.stream, "5m", (records) => {
      buffer.current.push(...records);
      if (buffer.current.length > most * 1.2) buffer.current = buffer.current.slice(-most);
      dirty = true;
    }, setError);
    const timer = setInterval(() => {
      if (!dirty || document.hidden) return;
      dirty = false;
      try {
        const a = ask(buffer.current);
        setData(shaped(a.names, a.rows.map((r) => r.map((x) => (typeof x === "object" && x !== null ? cellText(x) : x)))));
      } catch (e) {
        setWrong((e as Error).message);
      }
    }, 1000);
    return () => (t.stop(), clearInterval(timer));
  }, [p.stream, p.sql]);
  if (wrong) return <div class="notice" role="status">{wrong}</div>;
  return <>{error && <Problem error={error} />}{data ? <Visual title={p.title} data={data} view={p.view} /> : !error && <Loading />}</>;
}

interface AlarmState { AlarmName: string; AlarmArn: string; StateValue: string; StateReason?: string }

function Alarms(p: { arns: string[]; when: When }) {
  const live = useLive(async () => {
    const names = p.arns.map((a) => a.split(":alarm:")[1] ?? a).slice(0, 100);
    if (!names.length) return [];
    const r = await call<{ MetricAlarms?: AlarmState[]; CompositeAlarms?: AlarmState[] }>("cloudwatch", "DescribeAlarms", { AlarmNames: names, AlarmTypes: ["MetricAlarm", "CompositeAlarm"] });
    return [...(r.MetricAlarms ?? []), ...(r.CompositeAlarms ?? [])];
  }, p.when.every, [p.arns.join(), p.when.every, p.when.again]);
  if (!live.value) return live.error ? <Problem error={live.error} /> : <Loading />;
  return <div class="scroll"><table><tbody>{live.value.map((a) => <tr><td><span class={a.StateValue === "ALARM" ? "badge b" : a.StateValue === "OK" ? "badge g" : "badge w"}>{a.StateValue === "INSUFFICIENT_DATA" ? "no data" : a.StateValue.toLowerCase()}</span></td><td><a href={to("alarms", a.AlarmName)}>{a.AlarmName}</a></td></tr>)}</tbody></table>{!live.value.length && <div class="empty quiet">None of its alarms is there.</div>}</div>;
}

/** Log runs a widget's query of Logs Insights: "SOURCE 'group' | fields ...". */
function Log(p: { properties: Bag; when: When }) {
  const text = textOf(p.properties.query), title = textOf(p.properties.title) || "Logs";
  const groups = [...text.matchAll(/\bSOURCE\s+'([^']+)'/gi)].map((m) => m[1]!), statement = text.replace(/^(\s*SOURCE\s+'[^']+'\s*\|?)+/i, "").trim();
  const live = useLive(async () => {
    if (!groups.length || !statement) throw new Error("The widget's query names no log group: SOURCE 'group' | fields …");
    const end = Math.floor(Date.now() / 1000);
    const { queryId } = await call<{ queryId: string }>("logs", "StartQuery", { logGroupNames: groups, queryString: statement, startTime: end - p.when.seconds, endTime: end });
    for (let wait = 50; ; wait = Math.min(1000, wait * 1.6)) {
      const r = await call<{ status: string; results?: { field: string; value: string }[][] }>("logs", "GetQueryResults", { queryId });
      if (r.status === "Complete") {
        const rows = r.results ?? [], names = [...new Set(rows.flatMap((x) => x.map((f) => f.field)))].filter((f) => f !== "@ptr");
        return shaped(names, rows.map((x) => names.map((n) => x.find((f) => f.field === n)?.value ?? null)));
      }
      if (r.status !== "Running" && r.status !== "Scheduled") throw new Error("The query ended as " + r.status.toLowerCase() + ".");
      await new Promise((go) => setTimeout(go, wait));
    }
  }, p.when.every, [text, p.when.seconds, p.when.every, p.when.again]);
  const view = ({ timeSeries: "line", bar: "bar", pie: "pie", stackedarea: "stacked" } as Record<string, View>)[textOf(p.properties.view)] ?? "table";
  return <>{live.error && <Problem error={live.error} />}{live.value ? <Visual title={title} data={live.value} view={view} /> : !live.error && <Loading />}</>;
}

/** Text draws the part of Markdown that notes are written in. What else there is stays text: it is never HTML. */
export function Text(p: { markdown: string }) {
  const inline = (s: string) => s.split(/(\*\*[^*]+\*\*|`[^`]+`|\[[^\]]+\]\([^)\s]+\))/).map((x) => {
    if (/^\*\*.+\*\*$/.test(x)) return <b>{x.slice(2, -2)}</b>;
    if (/^`.+`$/.test(x)) return <code>{x.slice(1, -1)}</code>;
    const m = /^\[([^\]]+)\]\(([^)\s]+)\)$/.exec(x);
    // A link leads within the console, or, when somebody follows it, to a page of the web; to nothing that runs.
    return m ? /^(https?:\/\/|#\/)/.test(m[2]!) ? <a class="inline" href={m[2]} rel="noreferrer noopener" target={m[2]!.startsWith("#") ? undefined : "_blank"}>{m[1]}</a> : m[1] : x;
  });
  return <div class="note">{p.markdown.split("\n").map((l) => {
    const h = /^(#{1,4})\s+(.*)$/.exec(l);
    if (h) return <b class={"h" + h[1]!.length}>{inline(h[2]!)}</b>;
    if (/^\s*[-*]\s+/.test(l)) return <p class="li">{inline(l.replace(/^\s*[-*]\s+/, ""))}</p>;
    return l.trim() ? <p>{inline(l)}</p> : <br />;
  })}</div>;
}

