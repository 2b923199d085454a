// Applications of continuous SQL: their code, what goes in and out, and the rows as they come.
import { useEffect, useRef, useState } from "preact/hooks";
import { call, lines, own } from "../aws/client.ts";
import { account, region } from "../aws/session.ts";
import { bytes, clock, count, moment, some, span } from "../format.ts";
import { inventory } from "../inventory.ts";
import { Code } from "../parts/code.tsx";
import { Grid, widths } from "../parts/grid.tsx";
import { JSONText } from "../parts/json.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Dialog, Empty, Gone, Head, Loading, More, Problem, useAct } from "../parts/ui.tsx";
import { cellOf } from "../pipeline/filter.ts";
import { resource } from "../pipeline/graph.ts";
import { go, to } from "../route.ts";

interface Status { name: string; status: string; streams: string[]; behindMs: number; stateBytes: number; time?: string; error?: string; rowErrors?: number; lastRowError?: { time: string; name: string; message: string; pump?: string } }
interface Schema { RecordFormat?: { RecordFormatType: string }; RecordEncoding?: string; RecordColumns: { Name: string; SqlType: string; Mapping?: string }[] }
interface Resource { ResourceARN: string; /** RoleARN is there where the application itself has no role. */ RoleARN?: string }
interface Input { InputId?: string; NamePrefix: string; InAppStreamNames?: string[]; InputSchema?: Schema; KinesisStreamsInputDescription?: Resource; KinesisFirehoseInputDescription?: Resource; InputStartingPositionConfiguration?: { InputStartingPosition?: string } }
interface Output { Name: string; KinesisStreamsOutputDescription?: { ResourceARN: string }; KinesisFirehoseOutputDescription?: { ResourceARN: string }; LambdaOutputDescription?: { ResourceARN: string }; DestinationSchema?: { RecordFormatType: string } }
interface Detail {
  ApplicationName: string; ApplicationARN: string; ApplicationStatus: string; ApplicationVersionId: number; RuntimeEnvironment: string; ServiceExecutionRole?: string;
  ApplicationConfigurationDescription?: { ApplicationCodeConfigurationDescription?: { CodeContentDescription?: { TextContent?: string } }; SqlApplicationConfigurationDescription?: { InputDescriptions?: Input[]; OutputDescriptions?: Output[]; ReferenceDataSourceDescriptions?: { TableName: string; S3ReferenceDataSourceDescription: { BucketARN: string; FileKey: string } }[] } };
}

const query = () => `?region=${region.value}&account=${account.value}`;
const statuses = () => own<Status[]>("analytics" + query()).catch(() => [] as Status[]); // told on the node's own machine
const running = (s: string) => (s === "RUNNING" ? "badge g" : s === "READY" ? "badge" : "badge w");

export function Analytics(p: { name?: string }) {
  const inv = inventory.value;
  if (!inv) return <><Head title="Analytics" /><Loading /></>;
  if (p.name) return inv.applications.some((a) => a.name === p.name) ? <One key={p.name} name={p.name} /> : <Gone title={p.name} what="application" back={[to("analytics"), "Analytics"]} />;
  return <List />;
}

function List() {
  const list = inventory.value!.applications;
  const live = useLive(statuses, 2000, []);
  return (
    <>
      <Head title="Analytics" sub={!inventory.value!.denied.applications && some(list.length, "application")} />
      <section class="panel scroll">
        {list.length === 0 ? <Empty of="applications" title="No applications yet" line="aws kinesisanalyticsv2 create-application --cli-input-json file://application.json">An application runs SQL without end over a stream, and writes its rows to another.</Empty> : (
          <table><thead><tr><th>name</th><th>from</th><th>to</th><th class="n">behind</th><th class="n">state</th><th class="n">row errors</th><th>last step</th><th>status</th></tr></thead><tbody>{list.map((a) => {
            const s = live.value?.find((x) => x.name === a.name);
            return (
              <tr key={a.name} class="link" onClick={() => go("analytics", a.name)}>
                <td><a href={to("analytics", a.name)}>{a.name}</a></td><td class="sub">{a.inputs.map(resource).join(", ")}</td><td class="sub">{a.outputs.map(resource).join(", ")}</td>
                <td class="n">{s ? span(s.behindMs / 1000) : ""}</td><td class="n">{s ? bytes(s.stateBytes) : ""}</td><td class={"n" + (s?.rowErrors ? " bad" : "")} title={s?.lastRowError?.message}>{s ? count(s.rowErrors ?? 0) : ""}</td><td class="m dim">{s?.time && !s.time.startsWith("0001") ? clock(new Date(s.time)) : ""}</td>
                <td><span class={s?.error ? "badge b" : running(s?.status ?? a.status)} title={s?.error}>{s?.error ? "failing" : (s?.status ?? a.status).toLowerCase()}</span></td>
              </tr>
            );
          })}</tbody></table>
        )}
      </section>
      <Command line="brookmere analytics ls" />
    </>
  );
}

const source = (i: Input) => i.KinesisStreamsInputDescription?.ResourceARN ?? i.KinesisFirehoseInputDescription?.ResourceARN ?? "";
const sink = (o: Output) => o.KinesisStreamsOutputDescription?.ResourceARN ?? o.KinesisFirehoseOutputDescription?.ResourceARN ?? o.LambdaOutputDescription?.ResourceARN ?? "";

function pageOf(arn: string): string {
  const page = arn.includes(":kinesis:") ? "streams" : arn.includes(":firehose:") ? "deliveries" : "functions";
  return to(page, resource(arn));
}

function One(p: { name: string }) {
  const live = useLive(async () => (await call<{ ApplicationDetail: Detail }>("kinesisanalytics", "DescribeApplication", { ApplicationName: p.name })).ApplicationDetail, 3000, [p.name]);
  const told = useLive(async () => (await statuses()).find((s) => s.name === p.name), 1500, [p.name]);
  const [text, setText] = useState<string>();
  const [plan, setPlan] = useState<string>();
  const { busy, error, act } = useAct();
  const d = live.value;
  if (!d) return <><Head title={p.name} back={[to("analytics"), "Analytics"]} />{live.error ? <Problem error={live.error} /> : <Loading />}</>;
  const c = d.ApplicationConfigurationDescription, sql = c?.SqlApplicationConfigurationDescription;
  const saved = c?.ApplicationCodeConfigurationDescription?.CodeContentDescription?.TextContent ?? "";
  const code = text ?? saved;
  const inputs = sql?.InputDescriptions ?? [], outputs = sql?.OutputDescriptions ?? [];
  const start = () => call("kinesisanalytics", "StartApplication", { ApplicationName: p.name, RunConfiguration: { SqlRunConfigurations: inputs.map((i) => ({ InputId: i.InputId, InputStartingPositionConfiguration: { InputStartingPosition: i.InputStartingPositionConfiguration?.InputStartingPosition ?? "NOW" } })) } });
  const save = () => act("save", async () => {
    await call("kinesisanalytics", "UpdateApplication", { ApplicationName: p.name, CurrentApplicationVersionId: d.ApplicationVersionId, ApplicationConfigurationUpdate: { ApplicationCodeConfigurationUpdate: { CodeContentTypeUpdate: "PLAINTEXT", CodeContentUpdate: { TextContentUpdate: code } } } });
    live.again();
    setText(undefined);
  });
  const isRunning = d.ApplicationStatus === "RUNNING";
  const streams = told.value?.streams ?? [];
  return (
    <>
      <Head title={p.name} back={[to("analytics"), "Analytics"]} sub={["version " + d.ApplicationVersionId, told.value && isRunning && `${span(told.value.behindMs / 1000)} behind`, told.value && isRunning && bytes(told.value.stateBytes) + " of state"].filter(Boolean).join(" · ")}>
        <span class={running(d.ApplicationStatus)}>{d.ApplicationStatus.toLowerCase()}</span>
        <button onClick={() => act("explain", async () => setPlan(await own<string>(`analytics/${encodeURIComponent(p.name)}/explain${query()}`, "GET", true)))}>Explain</button>
        {isRunning ? <button disabled={!!busy} onClick={() => act("stop", async () => { await call("kinesisanalytics", "StopApplication", { ApplicationName: p.name }); live.again(); })}>{busy === "stop" ? "Stopping…" : "Stop"}</button>
          : <button class="primary" disabled={!!busy || d.ApplicationStatus !== "READY"} onClick={() => act("start", async () => { await start(); live.again(); })}>{busy === "start" ? "Starting…" : "Start"}</button>}
      </Head>
      <Problem error={error ?? live.error} />
      {told.value?.error && <div class="problem" role="alert"><b>It cannot go on</b> {told.value.error}</div>}
      {told.value?.rowErrors ? <div class="problem" role="status"><b>{count(told.value.rowErrors)} {told.value.rowErrors === 1 ? "row" : "rows"} in error_stream</b> {told.value.lastRowError && `${moment(new Date(told.value.lastRowError.time))}: ${told.value.lastRowError.name}: ${told.value.lastRowError.message}`}</div> : null}
      <section class="panel editor">
        <div class="bar"><b>SQL</b><span class="sub">{text !== undefined && text !== saved ? "changed" : ""}</span><span class="grow" />
          {text !== undefined && text !== saved && <><button onClick={() => setText(undefined)}>Undo</button><button class="primary" disabled={!!busy} onClick={save}>{busy === "save" ? "Saving…" : "Save"} <span class="keys">Ctrl ↵</span></button></>}</div>
        <Code label="SQL of the application" text={code} changed={setText} run={() => text !== undefined && save()} />
      </section>
      <section class="panel scroll">
        <table><thead><tr><th /><th>in the application</th><th>outside</th><th>format</th><th>columns</th></tr></thead><tbody>
          {inputs.map((i) => <tr key={i.InputId}><td class="sub">in</td><td class="m">{(i.InAppStreamNames ?? [i.NamePrefix]).join(", ")}</td><td><a href={pageOf(source(i))}>{resource(source(i))}</a></td><td class="sub">{i.InputSchema?.RecordFormat?.RecordFormatType}</td><td class="m cut" title={i.InputSchema?.RecordColumns.map((x) => `${x.Name} ${x.SqlType} ${x.Mapping ?? ""}`).join("\n")}>{i.InputSchema?.RecordColumns.map((x) => x.Name).join(", ")}</td></tr>)}
          {(sql?.ReferenceDataSourceDescriptions ?? []).map((r) => <tr key={r.TableName}><td class="sub">reference</td><td class="m">{r.TableName}</td><td class="m">s3://{resource(r.S3ReferenceDataSourceDescription.BucketARN)}/{r.S3ReferenceDataSourceDescription.FileKey}</td><td /><td /></tr>)}
          {outputs.map((o) => <tr key={o.Name}><td class="sub">out</td><td class="m">{o.Name}</td><td><a href={pageOf(sink(o))}>{resource(sink(o))}</a></td><td class="sub">{o.DestinationSchema?.RecordFormatType}</td><td /></tr>)}
        </tbody></table>
        {inputs[0] && <Discover arn={source(inputs[0])} role={d.ServiceExecutionRole ?? (inputs[0].KinesisStreamsInputDescription ?? inputs[0].KinesisFirehoseInputDescription)?.RoleARN} />}
      </section>
      {isRunning && streams.length > 0 ? <Rows key={d.ApplicationVersionId + streams.join()} name={p.name} streams={streams} /> : !isRunning && <section class="panel"><div class="empty quiet">{d.ApplicationStatus === "READY" ? "Start it to see the rows of its streams." : "It is " + d.ApplicationStatus.toLowerCase() + "."}</div></section>}
      <More title="Configuration" line={`aws kinesisanalyticsv2 describe-application --application-name ${p.name}`}><JSONText value={d} /></More>
      {plan !== undefined && <Dialog title="How it runs" close={() => setPlan(undefined)}><pre class="json">{plan}</pre><Command line={`brookmere analytics explain ${p.name}`} /></Dialog>}
    </>
  );
}

/** Discover shows what schema AWS's guess makes of the records that are there. */
function Discover(p: { arn: string; role: string | undefined }) {
  const [found, setFound] = useState<{ InputSchema: Schema; ParsedInputRecords?: string[][] }>();
  const { busy, error, act } = useAct();
  return (
    <>
      <div class="bar foot"><span class="sub">What do the records of {resource(p.arn)} look like now?</span><span class="grow" /><button disabled={!!busy} onClick={() => act("discover", async () => setFound(await call("kinesisanalytics", "DiscoverInputSchema", { ResourceARN: p.arn, ServiceExecutionRole: p.role, InputStartingPositionConfiguration: { InputStartingPosition: "TRIM_HORIZON" } })))}>{busy ? "Reading records…" : "Discover the schema"}</button></div>
      <Problem error={error} />
      {found && <table class="lined"><thead><tr><th>column</th><th>type</th><th>from</th><th>in a record</th></tr></thead><tbody>{found.InputSchema.RecordColumns.map((c, i) => <tr><td class="m">{c.Name}</td><td class="m sub">{c.SqlType}</td><td class="m dim">{c.Mapping}</td><td class="m">{found.ParsedInputRecords?.[0]?.[i]}</td></tr>)}</tbody></table>}
    </>
  );
}

interface Row { rowtime: string; row?: Record<string, unknown>; dropped?: number }

const kept = 500;

function Rows(p: { name: string; streams: string[] }) {
  const [stream, setStream] = useState(p.streams.find((s) => !/^SOURCE|error/i.test(s)) ?? p.streams[0]!);
  const [rows, setRows] = useState<Row[]>([]);
  const [seen, setSeen] = useState({ rows: 0, dropped: 0 });
  const [paused, setPaused] = useState(false);
  const [error, setError] = useState<Error>();
  const [open, setOpen] = useState(false);
  const buffer = useRef<Row[]>([]);
  useEffect(() => {
    if (paused) return;
    const ending = new AbortController();
    buffer.current = [];
    setOpen(false);
    setRows([]);
    setSeen({ rows: 0, dropped: 0 });
    setError(undefined);
    let total = 0, dropped = 0, dirty = false;
    let retry: ReturnType<typeof setTimeout>;
    const follow = () => lines<Row>(`analytics/${encodeURIComponent(p.name)}/tail${query()}&stream=${encodeURIComponent(stream)}`, (list) => {
      for (const r of list) if (r.dropped) dropped += r.dropped; else total++, buffer.current.push(r);
      if (buffer.current.length > kept) buffer.current = buffer.current.slice(-kept);
      dirty = true;
    }, ending.signal, () => (setError(undefined), setOpen(true))).then(() => { if (!ending.signal.aborted) retry = setTimeout(follow, 1500); }, (e: Error) => {
      if (ending.signal.aborted) return;
      setError(e);
      retry = setTimeout(follow, 3000);
    });
    void follow();
    const timer = setInterval(() => {
      if (!dirty || document.hidden) return;
      dirty = false;
      setRows([...buffer.current].reverse());
      setSeen({ rows: total, dropped });
      setError(undefined);
    }, 250);
    return () => {
      ending.abort();
      clearInterval(timer);
      clearTimeout(retry);
    };
  }, [p.name, stream, paused]);
  const names = [...new Set(rows.slice(0, 50).flatMap((r) => Object.keys(r.row ?? {})))];
  const cells = rows.map((r) => [clock(new Date(r.rowtime)), ...names.map((n) => cellOf(r.row, n))]);
  const right = (i: number) => i > 0 && cells.slice(0, 40).every((r) => r[i] === "" || !Number.isNaN(Number(r[i])));
  // Rows of one time are of one window, or of one moment.
  const times = [...rows.reduce((m, r) => m.set(r.rowtime, (m.get(r.rowtime) ?? 0) + 1), new Map<string, number>())];
  if (rows.length === kept) times.pop(); // not all of its rows are kept
  const windows = times.slice(0, 40).reverse();
  const most = Math.max(1, ...windows.map((w) => w[1]));
  return (
    <section class="panel list tall">
      <div class="bar">
        <div class="switch" role="tablist" aria-label="Streams of the application">{p.streams.map((s) => <button role="tab" aria-selected={s === stream} onClick={() => setStream(s)}>{s}</button>)}</div>
        <span class="grow" /><span class={paused ? "live off" : "live"}><i />{paused ? "paused" : "live"}</span><button aria-pressed={paused} onClick={() => setPaused(!paused)}>{paused ? "Resume" : "Pause"}</button>
      </div>
      {windows.length > 1 && <div class="windows" role="img" aria-label={`Windows of ${stream}: ${windows.length}, the newest of ${windows[windows.length - 1]![1]} rows`}>{windows.map(([time, n]) => <div key={time} title={`${clock(new Date(time))}: ${some(n, "row")}`}><i style={{ height: Math.max(2, (n / most) * 34) + "px" }} /></div>)}<span class="hint">{clock(new Date(windows[0]![0]))} to {clock(new Date(windows[windows.length - 1]![0]))}: rows by their time</span></div>}
      <Problem error={error} />
      <Grid label={"Rows of " + stream} columns={widths(["rowtime", ...names], cells, right)} count={cells.length} cell={(r, c) => cells[r]![c]} empty={<div class="empty quiet">{!open ? "Looking…" : /error/i.test(stream) ? "No row has failed since you look." : "Rows show here as they come. A window's come when it closes."}</div>} />
      <div class="bar foot"><span class="sub">{some(seen.rows, "row")} since you look{seen.dropped ? `, ${count(seen.dropped)} more not shown` : ""}</span><span class="grow" /><Command line={`brookmere analytics tail ${p.name} ${stream}`} /></div>
    </section>
  );
}
