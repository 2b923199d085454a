// CloudWatch Logs: groups, a tail with a filter, and queries of Logs Insights.
import { useEffect, useRef, useState } from "preact/hooks";
import { all, call } from "../aws/client.ts";
import { remember, remembered } from "../aws/session.ts";
import { bytes, clock, count, marked, moment, quoted, some, span } from "../format.ts";
import { Chart } from "../parts/chart.tsx";
import { Grid, widths } from "../parts/grid.tsx";
import { every, useLive } from "../parts/live.ts";
import { Command, Empty, Head, Loading, Problem, useAct } from "../parts/ui.tsx";
import { go, to } from "../route.ts";

interface Group { logGroupName: string; arn: string; storedBytes?: number; retentionInDays?: number; metricFilterCount?: number; creationTime?: number }

export function Logs(p: { name?: string }) {
  return p.name ? <One key={p.name} name={p.name} /> : <List />;
}

function List() {
  const live = useLive(() => all<Group, string>((t) => call("logs", "DescribeLogGroups", { nextToken: t, limit: 50 }), "logGroups", "nextToken"), 5000, []);
  const [find, setFind] = useState("");
  const found = (live.value ?? []).filter((g) => g.logGroupName.toLowerCase().includes(find.toLowerCase()));
  return (
    <>
      <Head title="Logs" sub={live.value && some(live.value.length, "log group")}>
        {(live.value?.length ?? 0) > 0 && <><input class="field" type="search" placeholder="Filter by name" aria-label="Filter by name" value={find} onInput={(e) => setFind(e.currentTarget.value)} /><button onClick={() => go("logs", "*")}>Query all</button></>}
      </Head>
      <Problem error={live.error} />
      <section class="panel scroll">
        {!live.value ? !live.error && <Loading /> : live.value.length === 0 ? <Empty title="No log groups yet" line="aws logs create-log-group --log-group-name app">Functions, APIs, jobs and deliveries write their logs here as they run.</Empty> : (
          <table><thead><tr><th>group</th><th class="n">kept</th><th>for</th><th class="n">metric filters</th><th>since</th></tr></thead><tbody>{found.map((g) => (
            <tr key={g.logGroupName} class="link" onClick={() => go("logs", g.logGroupName)}><td><a href={to("logs", g.logGroupName)}>{g.logGroupName}</a></td><td class="n">{bytes(g.storedBytes ?? 0)}</td><td class="sub">{g.retentionInDays ? some(g.retentionInDays, "day") : "ever"}</td><td class="n">{g.metricFilterCount || ""}</td><td class="m dim">{g.creationTime ? moment(new Date(g.creationTime)) : ""}</td></tr>
          ))}</tbody></table>
        )}
      </section>
      <Command line="aws logs describe-log-groups" />
    </>
  );
}

const sinces = [["5m", 300], ["1h", 3600], ["3h", 10800], ["1d", 86400], ["7d", 604800]] as const;

function One(p: { name: string }) {
  const everything = p.name === "*";
  const [tab, setTab] = useState<"tail" | "query">(everything ? "query" : "tail");
  const [seconds, setSeconds] = useState(3600);
  return (
    <>
      <Head title={everything ? "All log groups" : p.name} back={[to("logs"), "Logs"]}>
        <select aria-label="Time" value={seconds} onChange={(e) => setSeconds(Number(e.currentTarget.value))}>{sinces.map(([label, s]) => <option value={s}>last {label}</option>)}</select>
        {!everything && <div class="switch" role="tablist"><button role="tab" aria-selected={tab === "tail"} onClick={() => setTab("tail")}>Tail</button><button role="tab" aria-selected={tab === "query"} onClick={() => setTab("query")}>Query</button></div>}
      </Head>
      {tab === "tail" ? <Tail name={p.name} seconds={seconds} /> : <Insights name={p.name} seconds={seconds} />}
    </>
  );
}

interface LogEvent { eventId: string; logStreamName: string; timestamp: number; message: string }

const most = 2000; // events that are kept

function Tail(p: { name: string; seconds: number }) {
  const [filter, setFilter] = useState("");
  const [asked, setAsked] = useState("");
  const [paused, setPaused] = useState(false);
  const [events, setEvents] = useState<LogEvent[]>([]);
  const [ready, setReady] = useState(false);
  const [error, setError] = useState<Error>();
  const [open, setOpen] = useState<string>();
  const seen = useRef(new Set<string>());
  useEffect(() => {
    const t = setTimeout(() => setAsked(filter), 400);
    return () => clearTimeout(t);
  }, [filter]);
  useEffect(() => {
    if (paused) return;
    let from = Date.now() - p.seconds * 1000;
    let gone = false;
    seen.current = new Set();
    setEvents([]);
    setReady(false);
    const end = every(1500, async () => {
      try {
        const list = await all<LogEvent, string>((t) => call("logs", "FilterLogEvents", { logGroupName: p.name, startTime: from, filterPattern: asked || undefined, limit: 1000, nextToken: t }), "events", "nextToken", 5000);
        if (gone) return;
        const fresh = list.filter((e) => !seen.current.has(e.eventId));
        for (const e of fresh) seen.current.add(e.eventId);
        if (fresh.length) {
          from = Math.max(from, Math.max(...fresh.map((e) => e.timestamp)) - 10_000); // some come late
          setEvents((have) => [...have, ...fresh].sort((a, b) => b.timestamp - a.timestamp).slice(0, most));
        }
        setError(undefined);
      } catch (e) {
        if (!gone) setError(e as Error);
      }
      setReady(true);
    });
    return () => {
      gone = true;
      end();
    };
  }, [p.name, p.seconds, asked, paused]);
  return (
    <section class="panel log">
      <div class="bar">
        <input class="field wide m" type="search" value={filter} aria-label="Filter pattern" placeholder='Filter pattern: ERROR, "two words", { $.amount > 100 }' onInput={(e) => setFilter(e.currentTarget.value)} />
        <span class={paused ? "live off" : "live"}><i />{paused ? "paused" : "tailing"}</span>
        <button aria-pressed={paused} onClick={() => setPaused(!paused)}>{paused ? "Resume" : "Pause"}</button>
      </div>
      <Problem error={error} />
      <div class="lines" tabIndex={0} role="log" aria-label="Events, the newest at the top">{events.slice(0, 500).map((e) => (
        <div key={e.eventId} class={/\b(ERROR|Exception|Traceback|FATAL)\b/.test(e.message) ? "err" : /\bWARN(ING)?\b/.test(e.message) ? "wrn" : ""} onClick={() => setOpen(open === e.eventId ? undefined : e.eventId)}><time>{clock(new Date(e.timestamp))}</time><span>{marked(open === e.eventId ? pretty(e.message) + "\n" + e.logStreamName : e.message.slice(0, 2000).trimEnd() + (e.message.length > 2000 ? `… ${count(e.message.length)} characters` : ""))}</span></div>
      ))}{!events.length && !error && <div class="empty quiet">{!ready ? "Loading…" : asked ? "No event matches." : "Nothing was logged in this time. What comes shows here."}</div>}</div>
      <div class="bar foot"><span class="sub">{count(events.length)} events{events.length > 500 ? ", the newest 500 are shown" : ""}</span><span class="grow" /><Command line={`aws logs tail ${p.name} --follow${asked ? " --filter-pattern " + quoted(asked) : ""}`} /></div>
    </section>
  );
}

function pretty(message: string): string {
  try {
    return JSON.stringify(JSON.parse(message), null, 2);
  } catch {
    return message.trimEnd();
  }
}

interface Answer { status: string; results: { field: string; value: string }[][]; statistics?: { recordsMatched?: number; recordsScanned?: number; bytesScanned?: number } }

const examples = [
  ["newest", "fields @timestamp, @message\n| sort @timestamp desc\n| limit 200"],
  ["errors", "fields @timestamp, @message\n| filter @message like /(?i)error|exception/\n| sort @timestamp desc\n| limit 200"],
  ["count by minute", "stats count(*) as events by bin(1m)"],
  ["slow invocations", "filter @type = \"REPORT\"\n| stats count(*) as calls, avg(@duration) as mean, pct(@duration, 99) as p99, max(@duration) as most by bin(5m)"],
] as const;

function Insights(p: { name: string; seconds: number }) {
  const [text, setText] = useState(remembered("insights") ?? examples[0][1]);
  const [answer, setAnswer] = useState<Answer & { took: number }>();
  const { busy, error, act } = useAct();
  const stop = useRef<string>();
  const run = async () => {
    remember("insights", text);
    setAnswer(undefined);
    const began = performance.now(), now = Math.ceil(Date.now() / 1000);
    const groups = p.name === "*" ? (await all<Group, string>((t) => call("logs", "DescribeLogGroups", { nextToken: t }), "logGroups", "nextToken")).map((g) => g.logGroupName).slice(0, 50) : [p.name];
    const { queryId } = await call<{ queryId: string }>("logs", "StartQuery", { logGroupNames: groups, startTime: now - p.seconds, endTime: now, queryString: text });
    stop.current = queryId;
    for (let wait = 50; ; wait = Math.min(800, wait * 1.6)) {
      const a = await call<Answer>("logs", "GetQueryResults", { queryId });
      setAnswer({ ...a, took: (performance.now() - began) / 1000 });
      if (!["Scheduled", "Running"].includes(a.status)) break;
      await new Promise((done) => setTimeout(done, wait));
    }
  };
  const names = [...new Set((answer?.results ?? []).flatMap((r) => r.map((c) => c.field)))].filter((n) => n !== "@ptr");
  const rows = (answer?.results ?? []).map((r) => names.map((n) => r.find((c) => c.field === n)?.value ?? null));
  const numeric = (i: number) => rows.length > 0 && rows.every((r) => r[i] == null || (r[i] !== "" && !Number.isNaN(Number(r[i]))));
  const bin = names.findIndex((n) => n.startsWith("bin("));
  const lines = bin < 0 ? [] : names.flatMap((n, i) => (i !== bin && numeric(i) ? [{ name: n, points: rows.map((r) => [Date.parse(r[bin]!.replace(" ", "T") + "Z"), Number(r[i])] as [number, number]).sort((a, b) => a[0] - b[0]) }] : []));
  return (
    <>
      <section class="panel">
        <div class="bar"><b>Logs Insights</b>{examples.map(([label, q]) => <button class="plain" onClick={() => setText(q)}>{label}</button>)}<span class="grow" />
          {busy ? <button onClick={() => stop.current && void call("logs", "StopQuery", { queryId: stop.current })}>Cancel</button> : <button class="primary" onClick={() => act("run", run)}>Run <span class="keys">Ctrl ↵</span></button>}</div>
        <div class="pad"><textarea class="m" rows={5} aria-label="Query" value={text} spellcheck={false} onInput={(e) => setText(e.currentTarget.value)} onKeyDown={(e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && (e.preventDefault(), act("run", run))} /></div>
      </section>
      <Problem error={error} />
      {lines.length > 0 && lines[0]!.points.length > 1 && <section class="panel pad"><Chart title="Result" series={lines} height={180} /></section>}
      <section class="panel result">
        {answer && ["Failed", "Timeout", "Cancelled"].includes(answer.status) && <div class="problem"><b>{answer.status.toLowerCase()}</b></div>}
        {rows.length ? <Grid label="Result" columns={widths(names, rows, numeric)} count={rows.length} cell={(r, c) => rows[r]![c] ?? ""} /> : <div class="empty quiet">{busy ? "Running…" : answer ? "No event matches." : "The result shows here."}</div>}
        <div class="bar foot"><span class="sub">{answer ? `${some(rows.length, "row")} · ${count(answer.statistics?.recordsMatched ?? 0)} of ${count(answer.statistics?.recordsScanned ?? 0)} events matched · ${bytes(answer.statistics?.bytesScanned ?? 0)} scanned · ${span(answer.took)}` : ""}</span><span class="grow" /><Command line={`aws logs start-query --log-group-name ${quoted(p.name)} --start-time … --end-time … --query-string ${quoted(text.replace(/\n/g, " "))}`} /></div>
      </section>
    </>
  );
}
