// CloudWatch: any metric over time, and the alarms that watch them.
import { useMemo, useState } from "preact/hooks";
import { all, call } from "../aws/client.ts";
import { metricsOf } from "../dashboards/body.ts";
import { Onto } from "../dashboards/onto.tsx";
import { remember, remembered } from "../aws/session.ts";
import { moment, quoted, some } from "../format.ts";
import { Chart, type Series } from "../parts/chart.tsx";
import { JSONText } from "../parts/json.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Dialog, Empty, Gone, Head, Loading, More, Problem, Sure, useAct } from "../parts/ui.tsx";
import { go, to } from "../route.ts";

export interface Dimension { Name: string; Value: string }
export interface Metric { Namespace: string; MetricName: string; Dimensions?: Dimension[] }

export const nameOf = (m: Metric) => [m.MetricName, ...(m.Dimensions ?? []).map((d) => d.Value)].join(" ");
const key = (m: Metric) => JSON.stringify([m.Namespace, m.MetricName, (m.Dimensions ?? []).map((d) => [d.Name, d.Value])]);

export const spans = [["15m", 900], ["1h", 3600], ["3h", 10800], ["12h", 43200], ["1d", 86400], ["7d", 604800]] as const;
const stats = ["Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p99"];

interface Result { Id: string; Label: string; Timestamps: number[]; Values: number[] }

/** values reads metrics over the last seconds, in periods that make about 200 points. */
export async function values(metrics: { metric: Metric; stat: string }[], seconds: number): Promise<{ series: Series[]; from: number; to: number; period: number }> {
  const period = Math.max(60, Math.ceil(seconds / 200 / 60) * 60), end = Date.now();
  const from = end - seconds * 1000;
  if (!metrics.length) return { series: [], from, to: end, period };
  const r = await all<Result, string>((t) => call("cloudwatch", "GetMetricData", {
    StartTime: from / 1000, EndTime: end / 1000 + 60, ScanBy: "TimestampAscending", NextToken: t,
    MetricDataQueries: metrics.map((m, i) => ({ Id: "m" + i, MetricStat: { Metric: m.metric, Period: period, Stat: m.stat } })),
  }), "MetricDataResults", "NextToken");
  return {
    from, to: end, period,
    series: metrics.map((m, i) => ({ name: nameOf(m.metric) + " " + m.stat.toLowerCase(), points: r.filter((x) => x.Id === "m" + i).flatMap((x) => x.Timestamps.map((t, j) => [t * 1000, x.Values[j]!] as [number, number])) })),
  };
}

export function Metrics() {
  const list = useLive(() => all<Metric, string>((t) => call("cloudwatch", "ListMetrics", { NextToken: t }), "Metrics", "NextToken", 5000), 15_000, []);
  const [find, setFind] = useState("");
  const [space, setSpace] = useState(remembered("metrics.namespace") ?? "");
  const [chosen, setChosen] = useState<{ metric: Metric; stat: string }[]>(() => {
    try {
      return JSON.parse(remembered("metrics") ?? "[]") as { metric: Metric; stat: string }[];
    } catch {
      return [];
    }
  });
  const [seconds, setSeconds] = useState(3600);
  const [boarding, setBoarding] = useState(false);
  const [alarm, setAlarm] = useState<{ metric: Metric; stat: string }>();
  const shown = useLive(() => values(chosen, seconds), 5000, [JSON.stringify(chosen), seconds]);
  const spaces = useMemo(() => [...new Set((list.value ?? []).map((m) => m.Namespace))].sort(), [list.value]);
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (list.value ?? []).filter((m) => (!space || m.Namespace === space) && words.every((w) => (m.Namespace + " " + nameOf(m) + " " + (m.Dimensions ?? []).map((d) => d.Name).join(" ")).toLowerCase().includes(w)));
  const choose = (next: typeof chosen) => (setChosen(next), remember("metrics", JSON.stringify(next)));
  const toggle = (m: Metric) => choose(chosen.some((c) => key(c.metric) === key(m)) ? chosen.filter((c) => key(c.metric) !== key(m)) : [...chosen, { metric: m, stat: /Age|Latency|Duration|Freshness|Behind|Late/.test(m.MetricName) ? "Average" : "Sum" }].slice(-6));
  return (
    <>
      <Head title="Metrics" sub={list.value && `${some(list.value.length, "metric")} in ${some(spaces.length, "namespace")}`}>
        {chosen.length > 0 && <button onClick={() => setBoarding(true)}>To dashboard</button>}
        {chosen.length === 1 && <button onClick={() => setAlarm(chosen[0])}>Alarm on this</button>}
        <select aria-label="Time" value={seconds} onChange={(e) => setSeconds(Number(e.currentTarget.value))}>{spans.map(([label, s]) => <option value={s}>last {label}</option>)}</select>
      </Head>
      <Problem error={list.error ?? shown.error} />
      <section class="panel">
        {chosen.length === 0 ? <Empty title="Choose metrics to see them">Up to six at once; the statistics of each can be changed.</Empty> : shown.value && shown.value.series.every((s) => !s.points.length) ? <div class="empty quiet">No values in this time. Metrics of services are written once a minute.</div>
          : <div class="pad"><Chart title="Metrics" series={shown.value?.series ?? []} from={shown.value?.from} to={shown.value?.to} height={260} /></div>}
        {chosen.length > 0 && <table class="lined"><tbody>{chosen.map((c, i) => (
          <tr><td class="sub">{c.metric.Namespace}</td><td>{c.metric.MetricName}</td><td class="m cut">{(c.metric.Dimensions ?? []).map((d) => d.Name + "=" + d.Value).join(" ")}</td>
            <td class="n"><select aria-label="Statistic" value={c.stat} onChange={(e) => choose(chosen.map((x, j) => (i === j ? { ...x, stat: e.currentTarget.value } : x)))}>{stats.map((s) => <option>{s}</option>)}</select> <button class="plain" aria-label="Remove" onClick={() => toggle(c.metric)}>✕</button></td></tr>
        ))}</tbody></table>}
      </section>
      <section class="panel list tall">
        <div class="bar">
          <select aria-label="Namespace" value={space} onChange={(e) => (setSpace(e.currentTarget.value), remember("metrics.namespace", e.currentTarget.value))}><option value="">all namespaces</option>{spaces.map((s) => <option>{s}</option>)}</select>
          <input class="field wide" type="search" placeholder="Find: a metric, a resource" aria-label="Find a metric" value={find} onInput={(e) => setFind(e.currentTarget.value)} />
        </div>
        <div class="scroll">{!list.value ? !list.error && <Loading /> : found.length === 0 ? <Empty title={list.value.length ? "No metric of that name" : "No metrics yet"} line={list.value.length ? undefined : "aws cloudwatch put-metric-data --namespace Shop --metric-name Orders --value 1"}>{list.value.length ? "" : "Services write theirs once a minute, as they are used."}</Empty> : (
          <table><thead><tr><th>metric</th><th>namespace</th><th>dimensions</th></tr></thead><tbody>{found.slice(0, 300).map((m) => (
            <tr key={key(m)} class={"link" + (chosen.some((c) => key(c.metric) === key(m)) ? " on" : "")} onClick={() => toggle(m)}><td><button class="cell" aria-pressed={chosen.some((c) => key(c.metric) === key(m))}>{m.MetricName}</button></td><td class="sub">{m.Namespace}</td><td class="m dim">{(m.Dimensions ?? []).map((d) => d.Name + "=" + d.Value).join(" ")}</td></tr>
          ))}</tbody></table>
        )}</div>
        <div class="bar foot"><span class="sub">{found.length > 300 ? "the first 300 of " : ""}{some(found.length, "metric")}</span><span class="grow" /><Command line={chosen[0] ? `aws cloudwatch get-metric-statistics --namespace ${quoted(chosen[0].metric.Namespace)} --metric-name ${chosen[0].metric.MetricName} --statistics ${chosen[0].stat} --period 60 --start-time … --end-time …` : "aws cloudwatch list-metrics"} /></div>
      </section>
      {boarding && <Onto title={chosen.map((c) => c.metric.MetricName).join(", ")} make={(title, _, y) => metricsOf(title, chosen, y)} close={() => setBoarding(false)} />}
      {alarm && <NewAlarm of={alarm} close={() => setAlarm(undefined)} />}
    </>
  );
}

function NewAlarm(p: { of: { metric: Metric; stat: string }; close: () => void }) {
  const [name, setName] = useState(nameOf(p.of.metric).toLowerCase().replace(/[^\w.-]+/g, "-"));
  const [limit, setLimit] = useState("0");
  const [than, setThan] = useState("GreaterThanThreshold");
  const { busy, error, act } = useAct();
  const extended = /^p\d/.test(p.of.stat);
  const make = async () => {
    await call("cloudwatch", "PutMetricAlarm", {
      AlarmName: name, Namespace: p.of.metric.Namespace, MetricName: p.of.metric.MetricName, Dimensions: p.of.metric.Dimensions ?? [], Period: 60, EvaluationPeriods: 1, Threshold: Number(limit), ComparisonOperator: than, TreatMissingData: "notBreaching",
      ...(extended ? { ExtendedStatistic: p.of.stat } : { Statistic: p.of.stat }),
    });
    p.close();
    go("alarms", name);
  };
  return (
    <Dialog title={"Alarm on " + nameOf(p.of.metric)} close={p.close}>
      <label>Name<input class="field wide" value={name} autofocus onInput={(e) => setName(e.currentTarget.value)} /></label>
      <div class="row2"><label>{p.of.stat} of a minute is<select value={than} onChange={(e) => setThan(e.currentTarget.value)}><option value="GreaterThanThreshold">greater than</option><option value="GreaterThanOrEqualToThreshold">at least</option><option value="LessThanThreshold">less than</option><option value="LessThanOrEqualToThreshold">at most</option></select></label>
        <label>Limit<input class="field wide" inputMode="decimal" value={limit} onInput={(e) => setLimit(e.currentTarget.value)} /></label></div>
      <Problem error={error} />
      <Command line={`aws cloudwatch put-metric-alarm --alarm-name ${quoted(name)} --namespace ${quoted(p.of.metric.Namespace)} --metric-name ${p.of.metric.MetricName} --period 60 --evaluation-periods 1 --threshold ${limit} --comparison-operator ${than} --${extended ? "extended-" : ""}statistic ${p.of.stat}`} />
      <div class="bar end"><span class="grow" /><button onClick={p.close}>Close</button><button class="primary" disabled={!!busy || !name || limit === "" || Number.isNaN(Number(limit))} onClick={() => act("make", make)}>Create</button></div>
    </Dialog>
  );
}

interface Alarm {
  AlarmName: string; AlarmArn: string; AlarmDescription?: string; StateValue: "OK" | "ALARM" | "INSUFFICIENT_DATA"; StateReason?: string; StateUpdatedTimestamp?: number; ActionsEnabled?: boolean; AlarmActions?: string[]; OKActions?: string[];
  Namespace?: string; MetricName?: string; Dimensions?: Dimension[]; Statistic?: string; ExtendedStatistic?: string; Period?: number; EvaluationPeriods?: number; Threshold?: number; ComparisonOperator?: string; AlarmRule?: string;
}

const signs: Record<string, string> = { GreaterThanThreshold: ">", GreaterThanOrEqualToThreshold: "≥", LessThanThreshold: "<", LessThanOrEqualToThreshold: "≤" };

async function alarms(): Promise<Alarm[]> {
  const out: Alarm[] = [];
  for (let next: string | undefined; ;) {
    const r: { MetricAlarms?: Alarm[]; CompositeAlarms?: Alarm[]; NextToken?: string } = await call("cloudwatch", "DescribeAlarms", { MaxRecords: 100, AlarmTypes: ["MetricAlarm", "CompositeAlarm"], NextToken: next });
    out.push(...(r.MetricAlarms ?? []), ...(r.CompositeAlarms ?? []));
    next = r.NextToken;
    if (!next) break;
  }
  const order = { ALARM: 0, INSUFFICIENT_DATA: 1, OK: 2 };
  return out.sort((a, b) => order[a.StateValue] - order[b.StateValue] || a.AlarmName.localeCompare(b.AlarmName));
}

const State = (p: { a: Alarm }) => <span class={p.a.StateValue === "ALARM" ? "badge b" : p.a.StateValue === "OK" ? "badge g" : "badge w"}>{{ ALARM: "alarm", OK: "ok", INSUFFICIENT_DATA: "no data" }[p.a.StateValue]}</span>;
const rule = (a: Alarm) => a.AlarmRule ?? `${(a.Statistic ?? a.ExtendedStatistic ?? "").toLowerCase()} of ${a.MetricName ?? "an expression"} ${signs[a.ComparisonOperator ?? ""] ?? a.ComparisonOperator ?? ""} ${a.Threshold ?? ""} for ${a.EvaluationPeriods} × ${a.Period ?? 60} s`;

export function Alarms(p: { name?: string }) {
  const live = useLive(alarms, 4000, []);
  if (!live.value) return <><Head title="Alarms" />{live.error ? <Problem error={live.error} /> : <Loading />}</>;
  if (p.name) {
    const a = live.value.find((x) => x.AlarmName === p.name);
    return a ? <OneAlarm key={p.name} alarm={a} again={live.again} /> : <Gone title={p.name} what="alarm" back={[to("alarms"), "Alarms"]} />;
  }
  const firing = live.value.filter((a) => a.StateValue === "ALARM").length;
  return (
    <>
      <Head title="Alarms" sub={some(live.value.length, "alarm")}>{firing > 0 && <span class="badge b">{firing} in alarm</span>}</Head>
      <Problem error={live.error} />
      <section class="panel scroll">
        {live.value.length === 0 ? <Empty title="No alarms yet" line="aws cloudwatch put-metric-alarm --alarm-name late --namespace AWS/Lambda --metric-name IteratorAge --statistic Maximum --period 60 --evaluation-periods 1 --threshold 60000 --comparison-operator GreaterThanThreshold">An alarm watches a metric. Choose one on the <a class="inline" href={to("metrics")}>metrics page</a> and make an alarm of it.</Empty> : (
          <table><thead><tr><th>state</th><th>alarm</th><th>when</th><th>since</th><th>reason</th></tr></thead><tbody>{live.value.map((a) => (
            <tr key={a.AlarmName} class="link" onClick={() => go("alarms", a.AlarmName)}><td><State a={a} /></td><td><a href={to("alarms", a.AlarmName)}>{a.AlarmName}</a></td><td class="sub">{rule(a)}</td><td class="m dim">{a.StateUpdatedTimestamp ? moment(new Date(a.StateUpdatedTimestamp * 1000)) : ""}</td><td class="sub cut" title={a.StateReason}>{a.StateReason}</td></tr>
          ))}</tbody></table>
        )}
      </section>
      <Command line="aws cloudwatch describe-alarms" />
    </>
  );
}

interface History { Timestamp: number; HistoryItemType: string; HistorySummary: string }

function OneAlarm(p: { alarm: Alarm; again: () => void }) {
  const a = p.alarm;
  const stat = a.Statistic ?? a.ExtendedStatistic ?? "Average";
  const metric = a.MetricName && a.Namespace ? { Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions } : undefined;
  const [seconds, setSeconds] = useState(3600);
  const shown = useLive(() => values(metric ? [{ metric, stat }] : [], seconds), 5000, [a.AlarmName, seconds]);
  const history = useLive(async () => (await call<{ AlarmHistoryItems: History[] }>("cloudwatch", "DescribeAlarmHistory", { AlarmName: a.AlarmName, MaxRecords: 50, ScanBy: "TimestampDescending" })).AlarmHistoryItems, 4000, [a.AlarmName]);
  const { busy, error, act } = useAct();
  const on = a.ActionsEnabled !== false;
  return (
    <>
      <Head title={a.AlarmName} back={[to("alarms"), "Alarms"]} sub={rule(a)}>
        <State a={a} />
        <button disabled={!!busy} onClick={() => act("actions", async () => { await call("cloudwatch", on ? "DisableAlarmActions" : "EnableAlarmActions", { AlarmNames: [a.AlarmName] }); p.again(); })}>{on ? "Silence" : "Let it act"}</button>
        <button disabled={!!busy} title="Its actions run as they would; the next evaluation sets it right" onClick={() => act("try", async () => { await call("cloudwatch", "SetAlarmState", { AlarmName: a.AlarmName, StateValue: "ALARM", StateReason: "Tried from the console" }); p.again(); history.again(); })}>Try it</button>
        <Sure ask="It watches nothing more." disabled={!!busy} act={() => act("delete", async () => { await call("cloudwatch", "DeleteAlarms", { AlarmNames: [a.AlarmName] }); go("alarms"); })}>Delete</Sure>
      </Head>
      <Problem error={error ?? shown.error ?? history.error} />
      {(a.AlarmDescription || a.StateReason) && <section class="panel"><dl class="facts">{a.AlarmDescription && <><dt>says</dt><dd>{a.AlarmDescription}</dd></>}<dt>state</dt><dd>{a.StateReason}</dd><dt>acts</dt><dd>{[...(a.AlarmActions ?? []), ...(a.OKActions ?? [])].map((x) => x.split(":").slice(5).join(":")).join(", ") || "on nothing"}{!on && ", silenced"}</dd></dl></section>}
      {metric && (
        <section class="panel">
          <div class="bar"><b>{metric.MetricName}</b><span class="sub m">{metric.Namespace} {(metric.Dimensions ?? []).map((d) => d.Name + "=" + d.Value).join(" ")}</span><span class="grow" /><select aria-label="Time" value={seconds} onChange={(e) => setSeconds(Number(e.currentTarget.value))}>{spans.map(([label, s]) => <option value={s}>last {label}</option>)}</select></div>
          {shown.value && !shown.value.series[0]?.points.length ? <div class="empty quiet">No values in this time.</div> : <div class="pad"><Chart title={metric.MetricName} series={shown.value?.series ?? []} from={shown.value?.from} to={shown.value?.to} line={a.Threshold} lineName={`${signs[a.ComparisonOperator ?? ""] ?? ""} ${a.Threshold}`} height={220} /></div>}
        </section>
      )}
      <section class="panel scroll">
        <div class="bar"><b>History</b><span class="grow" /><Command line={`aws cloudwatch describe-alarm-history --alarm-name ${quoted(a.AlarmName)}`} /></div>
        {history.value?.length ? <table><tbody>{history.value.map((h) => <tr><td class="m dim">{moment(new Date(h.Timestamp * 1000))}</td><td class="sub">{h.HistoryItemType.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()}</td><td>{h.HistorySummary}</td></tr>)}</tbody></table> : <div class="empty quiet">{history.value ? "Nothing has happened yet." : history.error ? "" : "Loading…"}</div>}
      </section>
      <More title="Configuration"><JSONText value={a} /></More>
    </>
  );
}
