// Glue: jobs and their runs, crawlers and what they found.
import { useState } from "preact/hooks";
import { all, call } from "../aws/client.ts";
import { marked, moment, quoted, some, span } from "../format.ts";
import { inventory } from "../inventory.ts";
import { JSONText } from "../parts/json.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Dialog, Empty, Gone, Head, Loading, More, Problem, useAct } from "../parts/ui.tsx";
import { go, to } from "../route.ts";

interface Job { Name: string; Command?: { Name: string; ScriptLocation?: string; PythonVersion?: string }; JobMode?: string; GlueVersion?: string; DefaultArguments?: Record<string, string>; Timeout?: number; MaxRetries?: number; CodeGenConfigurationNodes?: Record<string, unknown>; LastModifiedOn?: number }
interface Run { Id: string; JobName: string; JobRunState: string; StartedOn?: number; CompletedOn?: number; ExecutionTime?: number; ErrorMessage?: string; Attempt?: number; Arguments?: Record<string, string>; TriggerName?: string }
interface Crawler { Name: string; DatabaseName?: string; State: string; Targets?: { S3Targets?: { Path: string }[] }; Schedule?: { ScheduleExpression?: string; State?: string }; LastCrawl?: { Status?: string; ErrorMessage?: string; StartTime?: number; LogGroup?: string; LogStream?: string } }

const badge = (s: string) => (/SUCC|READY|RUNNING/.test(s) ? "badge g" : /FAIL|ERROR|TIMEOUT|EXPIRED/.test(s) ? "badge b" : /START|WAIT|STOPPING/.test(s) ? "badge w" : "badge");
const words = (s: string) => s.toLowerCase().replace(/_/g, " ");
const took = (r: Run) => (r.StartedOn ? ((r.CompletedOn || Date.now() / 1000) - r.StartedOn) : 0);

export function Jobs(p: { name?: string }) {
  return p.name ? <One key={p.name} name={p.name} /> : <List />;
}

function List() {
  const live = useLive(async () => {
    const [jobs, crawlers] = await Promise.all([all<Job, string>((t) => call("glue", "GetJobs", { NextToken: t }), "Jobs", "NextToken"), all<Crawler, string>((t) => call("glue", "GetCrawlers", { NextToken: t }), "Crawlers", "NextToken")]);
    const last = new Map(await Promise.all(jobs.slice(0, 100).map(async (j) => [j.Name, (await call<{ JobRuns: Run[] }>("glue", "GetJobRuns", { JobName: j.Name, MaxResults: 1 })).JobRuns[0]] as const)));
    return { jobs, crawlers, last };
  }, 4000, []);
  const { busy, error, act } = useAct();
  const v = live.value;
  return (
    <>
      <Head title="Jobs" sub={v && `${some(v.jobs.length, "job")} · ${some(v.crawlers.length, "crawler")}`} />
      <Problem error={error ?? live.error} />
      {!v ? !live.error && <Loading /> : (
        <>
          <section class="panel scroll">
            <div class="bar"><b>Jobs</b><span class="grow" /><Command line="aws glue get-jobs" /></div>
            {v.jobs.length === 0 ? <Empty title="No jobs yet" line="aws glue create-job --name daily --role glue --command Name=pythonshell,ScriptLocation=s3://bucket/daily.py">A job runs a script, or a graph of transforms, on streams and objects.</Empty> : (
              <table><thead><tr><th>name</th><th class="more">kind</th><th class="more">script</th><th class="more">last run</th><th class="n">took</th><th>state</th></tr></thead><tbody>{v.jobs.map((j) => {
                const r = v.last.get(j.Name);
                return (
                  <tr key={j.Name} class="link" onClick={() => go("jobs", j.Name)}><td><a href={to("jobs", j.Name)}>{j.Name}</a></td><td class="sub more">{kind(j)}</td><td class="m dim cut more">{j.Command?.ScriptLocation}</td>
                    <td class="m dim more">{r?.StartedOn ? moment(new Date(r.StartedOn * 1000)) : ""}</td><td class="n">{r?.StartedOn ? span(took(r)) : ""}</td><td>{r ? <span class={badge(r.JobRunState)}>{words(r.JobRunState)}</span> : <span class="sub">never ran</span>}</td></tr>
                );
              })}</tbody></table>
            )}
          </section>
          <section class="panel scroll">
            <div class="bar"><b>Crawlers</b><span class="grow" /><Command line="aws glue get-crawlers" /></div>
            {v.crawlers.length === 0 ? <Empty title="No crawlers yet" line="aws glue create-crawler --name lake --role glue --database-name shop --targets S3Targets=[{Path=s3://bucket/data/}]">A crawler finds tables and partitions in objects.</Empty> : (
              <table><thead><tr><th>name</th><th>database</th><th>looks at</th><th>schedule</th><th>last crawl</th><th>state</th><th /></tr></thead><tbody>{v.crawlers.map((c) => (
                <tr key={c.Name}><td><b class="name">{c.Name}</b></td><td><a href={to("lake")}>{c.DatabaseName}</a></td><td class="m cut">{(c.Targets?.S3Targets ?? []).map((x) => x.Path).join(", ")}</td><td class="m dim">{c.Schedule?.ScheduleExpression}</td>
                  <td class="cut" title={c.LastCrawl?.ErrorMessage}>{c.LastCrawl?.Status && <span class={badge(c.LastCrawl.Status)}>{words(c.LastCrawl.Status)}</span>} <span class="m dim">{c.LastCrawl?.StartTime ? moment(new Date(c.LastCrawl.StartTime * 1000)) : ""}</span> <span class="bad">{c.LastCrawl?.ErrorMessage}</span></td>
                  <td><span class={c.State === "READY" ? "badge" : "badge w"}>{words(c.State)}</span></td>
                  <td class="n">{c.State === "RUNNING" ? <button disabled={!!busy} onClick={() => act("stop", async () => { await call("glue", "StopCrawler", { Name: c.Name }); live.again(); })}>Stop</button> : <button disabled={!!busy || c.State !== "READY"} onClick={() => act("crawl", async () => { await call("glue", "StartCrawler", { Name: c.Name }); live.again(); })}>Crawl</button>}</td></tr>
              ))}</tbody></table>
            )}
          </section>
        </>
      )}
    </>
  );
}

const kind = (j: Job) => (j.JobMode === "VISUAL" || Object.keys(j.CodeGenConfigurationNodes ?? {}).length ? "visual" : { glueetl: "Spark", gluestreaming: "streaming", pythonshell: "Python", glueray: "Ray" }[j.Command?.Name ?? ""] ?? j.Command?.Name) + (j.Command?.Name === "gluestreaming" && (j.JobMode === "VISUAL" || j.CodeGenConfigurationNodes) ? ", streaming" : "");

interface LogEvent { timestamp: number; message: string }

/** groups are the log groups of jobs that there are. */
async function groups(): Promise<string[]> {
  return (await all<{ logGroupName: string }, string>((t) => call("logs", "DescribeLogGroups", { logGroupNamePrefix: "/aws-glue/", nextToken: t }), "logGroups", "nextToken")).map((g) => g.logGroupName);
}

/** logOf is what a run wrote: into a stream of its name, in the groups that have one. */
async function logOf(run: string): Promise<LogEvent[]> {
  const have = await Promise.all((await groups()).map(async (g) => ((await call<{ logStreams: { logStreamName: string }[] }>("logs", "DescribeLogStreams", { logGroupName: g, logStreamNamePrefix: run, limit: 5 })).logStreams ?? []).map((s) => [g, s.logStreamName] as const)));
  const read = ([group, stream]: readonly [string, string]) => call<{ events: LogEvent[] }>("logs", "GetLogEvents", { logGroupName: group, logStreamName: stream, startFromHead: true, limit: 1000 }).then((r) => r.events);
  return (await Promise.all(have.flat().map(read))).flat().sort((a, b) => a.timestamp - b.timestamp);
}

function One(p: { name: string }) {
  const live = useLive(async () => {
    const [job, runs] = await Promise.all([call<{ Job: Job }>("glue", "GetJob", { JobName: p.name }), call<{ JobRuns: Run[] }>("glue", "GetJobRuns", { JobName: p.name, MaxResults: 50 })]);
    return { job: job.Job, runs: runs.JobRuns };
  }, 2000, [p.name]);
  const [chosen, choose] = useState<string>();
  const [starting, setStarting] = useState(false);
  const { busy, error, act } = useAct();
  const v = live.value;
  const shown = chosen ?? v?.runs[0]?.Id;
  const log = useLive(() => (shown && inventory.value?.services.has("logs") ? logOf(shown) : Promise.resolve([])), 3000, [shown]);
  if (!v) return (live.error as { code?: string } | undefined)?.code === "EntityNotFoundException" ? <Gone title={p.name} what="job" back={[to("jobs"), "Jobs"]} /> : <><Head title={p.name} back={[to("jobs"), "Jobs"]} />{live.error ? <Problem error={live.error} /> : <Loading />}</>;
  const isOn = (r: Run) => /RUNNING|STARTING|WAITING/.test(r.JobRunState);
  return (
    <>
      <Head title={p.name} back={[to("jobs"), "Jobs"]} sub={[kind(v.job), v.job.GlueVersion && "Glue " + v.job.GlueVersion, v.job.Command?.ScriptLocation].filter(Boolean).join(" · ")}>
        <button class="primary" onClick={() => setStarting(true)}>Run</button>
      </Head>
      <Problem error={error ?? live.error} />
      <section class="panel scroll">
        <div class="bar"><b>Runs</b><span class="grow" /><Command line={`aws glue get-job-runs --job-name ${quoted(p.name)}`} /></div>
        {v.runs.length === 0 ? <Empty title="It never ran" line={`aws glue start-job-run --job-name ${quoted(p.name)}`} /> : (
          <table><thead><tr><th>started</th><th>state</th><th class="n">took</th><th>by</th><th>error</th><th /></tr></thead><tbody>{v.runs.map((r) => (
            <tr key={r.Id} class={"link" + (r.Id === shown ? " on" : "")} onClick={() => choose(r.Id)}><td class="m"><button class="cell">{r.StartedOn ? moment(new Date(r.StartedOn * 1000)) : ""}</button></td><td><span class={badge(r.JobRunState)}>{words(r.JobRunState)}</span></td><td class="n">{r.StartedOn ? span(took(r)) : ""}</td><td class="sub">{r.TriggerName ?? "hand"}</td><td class="bad cut" title={r.ErrorMessage}>{r.ErrorMessage}</td>
              <td class="n">{isOn(r) && <button disabled={!!busy} onClick={() => act("stop", async () => { await call("glue", "BatchStopJobRun", { JobName: p.name, JobRunIds: [r.Id] }); live.again(); })}>Stop</button>}</td></tr>
          ))}</tbody></table>
        )}
      </section>
      {shown && (
        <section class="panel log">
          <div class="bar"><b>Log</b><span class="sub m">{shown.slice(0, 16)}</span></div>
          <Problem error={log.error} />
          <div class="lines" tabIndex={0} role="log" aria-label="Log of the run">{log.value?.length ? log.value.map((e, i) => <div key={i}><time>{moment(new Date(e.timestamp))}</time><span>{marked(e.message.trimEnd())}</span></div>) : <div class="empty quiet">{log.value ? "This run has logged nothing." : log.error ? "" : "Loading…"}</div>}</div>
        </section>
      )}
      <More title="Configuration" line={`aws glue get-job --job-name ${quoted(p.name)}`}><JSONText value={v.job} /></More>
      {starting && <Start job={v.job} close={() => (setStarting(false), choose(undefined), live.again())} />}
    </>
  );
}

function Start(p: { job: Job; close: () => void }) {
  const [text, setText] = useState(JSON.stringify(p.job.DefaultArguments ?? {}, null, 2));
  const { busy, error, act } = useAct();
  let wrong = "";
  try {
    JSON.parse(text);
  } catch (e) {
    wrong = (e as Error).message;
  }
  return (
    <Dialog title={"Run " + p.job.Name} close={p.close}>
      <label>Arguments, as JSON<textarea class="m" rows={7} value={text} spellcheck={false} autofocus onInput={(e) => setText(e.currentTarget.value)} /></label>
      {wrong && <span class="hint">{wrong}</span>}
      <Problem error={error} />
      <Command line={`aws glue start-job-run --job-name ${quoted(p.job.Name)}${text === "{}" ? "" : " --arguments " + quoted(text.replace(/\s+/g, " "))}`} />
      <div class="bar end"><span class="grow" /><button onClick={p.close}>Close</button><button class="primary" disabled={!!busy || !!wrong} onClick={() => act("run", async () => { await call("glue", "StartJobRun", { JobName: p.job.Name, Arguments: JSON.parse(text) as unknown }); p.close(); })}>Run</button></div>
    </Dialog>
  );
}
