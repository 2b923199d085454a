// Lambda functions: what feeds them, a test invocation, their log.
import { useState } from "preact/hooks";
import { call, own, rest } from "../aws/client.ts";
import { account, region, remember, remembered } from "../aws/session.ts";
import { marked, bytes, clock, count, quoted, some, span } from "../format.ts";
import { inventory, type Func } from "../inventory.ts";
import { JSONText, Raw } from "../parts/json.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Empty, Gone, Head, Loading, Problem } from "../parts/ui.tsx";
import { resource } from "../pipeline/graph.ts";
import { go, to } from "../route.ts";
import { FunctionCode } from "./code.tsx";
import { values } from "./metrics.tsx";

export function Functions(p: { name?: string }) {
  const inv = inventory.value;
  if (!inv) return <><Head title="Functions" /><Loading /></>;
  if (p.name) {
    const f = inv.functions.find((x) => x.FunctionName === p.name);
    return f ? <Function key={p.name} f={f} /> : <Gone title={p.name} what="function" back={[to("functions"), "Functions"]} />;
  }
  return (
    <>
      <Head title="Functions" sub={!inv.denied.functions && some(inv.functions.length, "function")} />
      <section class="panel scroll">
        {inv.functions.length === 0 ? <Empty of="functions" title="No functions yet" line="aws lambda create-function --function-name hello --runtime python3.12 --handler app.handler --role arn:aws:iam::000000000000:role/hello --zip-file fileb://hello.zip">A function is code that runs for each request, or for each batch of records.</Empty> : (
          <table>
            <thead><tr><th>name</th><th>runtime</th><th class="more">handler</th><th class="n more">memory</th><th class="n more">timeout</th><th class="n more">code</th><th>fed by</th></tr></thead>
            <tbody>{inv.functions.map((f) => (
              <tr key={f.FunctionName} class="link" onClick={() => go("functions", f.FunctionName)}>
                <td><a href={to("functions", f.FunctionName)}>{f.FunctionName}</a></td><td class="sub">{f.Runtime}</td><td class="m dim">{f.Handler}</td>
                <td class="n">{f.MemorySize} MB</td><td class="n">{f.Timeout} s</td><td class="n">{bytes(f.CodeSize ?? 0)}</td>
                <td class="sub">{sources(f).map((m) => resource(m.EventSourceArn ?? "")).join(", ")}</td>
              </tr>
            ))}</tbody>
          </table>
        )}
      </section>
      <Command line="brookmere functions ls" />
    </>
  );
}

function sources(f: Func) {
  return (inventory.value?.mappings ?? []).filter((m) => resource(m.FunctionArn) === f.FunctionName);
}

interface LogLine { time: string; message: string }

/** logOf is what the function has logged lately, by the node itself, or else by CloudWatch Logs. */
async function logOf(name: string): Promise<LogLine[]> {
  const at = `functions/${encodeURIComponent(name)}/logs?region=${region.value}&account=${account.value}`;
  try {
    return (await own<string>(at, "GET", true)).split("\n").filter(Boolean).map((l) => JSON.parse(l) as LogLine).slice(-300);
  } catch (e) {
    if (!inventory.value?.services.has("logs")) throw e;
    const r = await call<{ events: { timestamp: number; message: string }[] }>("logs", "FilterLogEvents", { logGroupName: "/aws/lambda/" + name, startTime: Date.now() - 3_600_000, limit: 300 });
    return r.events.map((x) => ({ time: new Date(x.timestamp).toISOString(), message: x.message }));
  }
}

/** lately is how it went in the last hour, by CloudWatch. */
async function lately(f: string) {
  const stats = [["Invocations", "Sum"], ["Errors", "Sum"], ["Duration", "Average"], ["IteratorAge", "Maximum"]] as const;
  const r = await values(stats.map(([MetricName, stat]) => ({ metric: { Namespace: "AWS/Lambda", MetricName, Dimensions: [{ Name: "FunctionName", Value: f }] }, stat })), 3600);
  const [calls, errors, took, age] = r.series.map((s) => s.points.map((x) => x[1]));
  const sum = (a: number[] | undefined) => (a ?? []).reduce((n, v) => n + v, 0);
  return { calls: sum(calls), errors: sum(errors), took: took?.at(-1), age: age?.at(-1) };
}

interface Kept { name: string; event: string }

function keptEvents(f: string): Kept[] {
  try {
    return JSON.parse(remembered("events." + f) ?? "[]") as Kept[];
  } catch {
    return [];
  }
}

const examples: Kept[] = [
  { name: "Kinesis records", event: JSON.stringify({ Records: [{ eventSource: "aws:kinesis", eventID: "shardId-000000000000:1", eventSourceARN: "arn:aws:kinesis:us-east-1:000000000000:stream/clicks", kinesis: { partitionKey: "k", sequenceNumber: "1", data: "eyJoZWxsbyI6InN0cmVhbSJ9", approximateArrivalTimestamp: 1767225600 } }] }, null, 2) },
  { name: "Firehose transform", event: JSON.stringify({ invocationId: "1", deliveryStreamArn: "arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks", region: "us-east-1", records: [{ recordId: "1", approximateArrivalTimestamp: 1767225600000, data: "eyJoZWxsbyI6InN0cmVhbSJ9" }] }, null, 2) },
  { name: "SQS messages", event: JSON.stringify({ Records: [{ messageId: "1", body: "hello", eventSource: "aws:sqs", attributes: {}, messageAttributes: {} }] }, null, 2) },
  { name: "REST request", event: JSON.stringify({ resource: "/orders", path: "/orders", httpMethod: "POST", headers: { "Content-Type": "application/json" }, queryStringParameters: null, pathParameters: null, body: "{}", isBase64Encoded: false, requestContext: {} }, null, 2) },
];

function Function(p: { f: Func }) {
  const { f } = p;
  const [event, setEvent] = useState(remembered("event." + f.FunctionName) ?? "{}");
  const [answer, setAnswer] = useState<{ text: string; value: unknown; failed: string | null; took: number }>();
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const log = useLive(() => logOf(f.FunctionName), 2000, [f.FunctionName]);
  const [kept, setKept] = useState(() => keptEvents(f.FunctionName));
  const [name, setName] = useState("");
  const figures = useLive(async () => (inventory.value?.services.has("cloudwatch") ? lately(f.FunctionName) : undefined), 15_000, [f.FunctionName]).value;
  const keep = (list: Kept[]) => (setKept(list), remember("events." + f.FunctionName, JSON.stringify(list)));
  let wrong = "";
  try {
    JSON.parse(event);
  } catch (e) {
    wrong = (e as Error).message;
  }
  const invoke = async () => {
    setBusy(true);
    setError(undefined);
    remember("event." + f.FunctionName, event);
    const began = performance.now();
    try {
      const r = await rest("lambda", "POST", `/2015-03-31/functions/${encodeURIComponent(f.FunctionName)}/invocations`, event);
      setAnswer({ text: r.text, value: r.value, failed: r.headers.get("x-amz-function-error"), took: (performance.now() - began) / 1000 });
      log.again();
    } catch (e) {
      setError(e as Error);
    }
    setBusy(false);
  };
  const variables = Object.entries(f.Environment?.Variables ?? {});
  return (
    <>
      <Head title={f.FunctionName} back={[to("functions"), "Functions"]} sub={[f.Runtime, f.Handler, f.MemorySize + " MB", f.Timeout + " s"].filter(Boolean).join(" · ")} />
      {figures && (
        <section class="panel figures">
          <div><span>invocations</span><b>{count(figures.calls)}</b><i>in the last hour</i></div>
          <div><span>errors</span><b class={figures.errors ? "bad" : ""}>{figures.calls ? (figures.errors / figures.calls * 100).toFixed(figures.errors ? 1 : 0) + " %" : "–"}</b><i>{some(figures.errors, "call")}</i></div>
          <div><span>took</span><b>{figures.took === undefined ? "–" : span(figures.took / 1000)}</b><i>mean of the last minute with calls</i></div>
          {sources(f).length > 0 && <div><span>iterator age</span><b>{figures.age === undefined ? "–" : span(figures.age / 1000)}</b><i>of the last batch, at most</i></div>}
        </section>
      )}
      <div class="beside">
        <section class="panel call">
          <div class="bar"><b>Invoke</b><span class="grow" /><span class="hint">{wrong}</span><button class="primary" disabled={busy || !!wrong} onClick={() => void invoke()}>{busy ? "Running…" : "Invoke"}</button></div>
          <div class="pad"><div class="row2">
            <select aria-label="Saved events" value="" onChange={(e) => { const k = [...kept, ...examples].find((x) => x.name === e.currentTarget.value); if (k) setEvent(k.event), setName(kept.includes(k) ? k.name : ""); }}><option value="">Take an event…</option>{kept.length > 0 && <optgroup label="saved">{kept.map((k) => <option>{k.name}</option>)}</optgroup>}<optgroup label="examples">{examples.map((k) => <option>{k.name}</option>)}</optgroup></select>
            <div class="bar end nopad"><input class="field wide" aria-label="Name of the event" placeholder="name" value={name} maxLength={60} onInput={(e) => setName(e.currentTarget.value)} /><button disabled={!name.trim() || !!wrong} onClick={() => keep([{ name: name.trim(), event }, ...kept.filter((k) => k.name !== name.trim())].slice(0, 30))}>Save</button>{kept.some((k) => k.name === name) && <button onClick={() => keep(kept.filter((k) => k.name !== name))}>Forget</button>}</div>
          </div><textarea class="m" rows={8} aria-label="Event, as JSON" value={event} spellcheck={false} onInput={(e) => setEvent(e.currentTarget.value)} onKeyDown={(e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && void invoke()} />
            <Command line={`brookmere functions invoke ${f.FunctionName} --payload ${quoted(event)}`} /></div>
        </section>
        <section class="panel call">
          <div class="bar"><b>Answer</b>{answer && <><span class={answer.failed ? "badge b" : "badge"}>{answer.failed ?? "ok"}</span><span class="sub">{span(answer.took)}</span></>}</div>
          <Problem error={error} />
          {answer ? answer.value === undefined ? <Raw text={answer.text} /> : <JSONText value={answer.value} /> : !error && <div class="empty quiet">The answer shows here.</div>}
        </section>
      </div>
      {(sources(f).length > 0 || variables.length > 0) && (
        <section class="panel scroll">
          <table><tbody>
            {sources(f).map((m) => <tr key={m.UUID}><td class="sub">fed by</td><td class="m">{resource(m.EventSourceArn ?? "")}</td><td><span class={m.State === "Enabled" ? "badge" : "badge w"}>{m.State.toLowerCase()}</span></td><td class="sub">batches of {m.BatchSize}</td><td class={/PROBLEM|error|fail/i.test(m.LastProcessingResult ?? "") ? "bad" : "sub"}>{m.LastProcessingResult}</td></tr>)}
            {variables.map(([k, v]) => <tr key={k}><td class="sub">environment</td><td class="m">{k}</td><td class="m" colSpan={3}>{v}</td></tr>)}
          </tbody></table>
        </section>
      )}
      <section class="panel"><div class="bar"><b>Code</b></div><FunctionCode f={f} /></section>
      <section class="panel log">
        <div class="bar"><b>Log</b><span class="sub">the newest at the top</span><span class="grow" /><Command line={`brookmere functions logs ${f.FunctionName} --follow`} /></div>
        <Problem error={log.error} />
        <div class="lines">{log.value?.length ? [...log.value].reverse().map((l, i) => <div key={log.value!.length - i}><time>{clock(new Date(l.time))}</time><span>{marked(l.message.trimEnd())}</span></div>) : <div class="empty quiet">{log.value ? "It has logged nothing yet." : log.error ? "" : "Loading…"}</div>}</div>
      </section>
    </>
  );
}
