// SQS queues: what waits in them, a look at messages, what was refused and its way back.
import { useState } from "preact/hooks";
import { all, call } from "../aws/client.ts";
import { count, marked, moment, quoted, some, span } from "../format.ts";
import { inventory, type Queue } from "../inventory.ts";
import { JSONText, Raw } from "../parts/json.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Dialog, Empty, Gone, Head, Loading, More, Problem, Sure, useAct } from "../parts/ui.tsx";
import { resource } from "../pipeline/graph.ts";
import { go, to } from "../route.ts";

type Attributes = Record<string, string>;

const attributes = async (url: string) => (await call<{ Attributes?: Attributes }>("sqs", "GetQueueAttributes", { QueueUrl: url, AttributeNames: ["All"] })).Attributes ?? {};
const waiting = (a: Attributes) => Number(a.ApproximateNumberOfMessages ?? 0);
const flying = (a: Attributes) => Number(a.ApproximateNumberOfMessagesNotVisible ?? 0);
const delayed = (a: Attributes) => Number(a.ApproximateNumberOfMessagesDelayed ?? 0);

/** deadOf is the queue that takes what was received too often. */
function deadOf(a: Attributes): { queue: string; after: number } | undefined {
  try {
    const r = JSON.parse(a.RedrivePolicy ?? "") as { deadLetterTargetArn: string; maxReceiveCount: number | string };
    return { queue: resource(r.deadLetterTargetArn), after: Number(r.maxReceiveCount) };
  } catch {
    return undefined;
  }
}

export function Queues(p: { name?: string }) {
  const inv = inventory.value;
  if (!inv) return <><Head title="Queues" /><Loading /></>;
  if (!p.name) return <List queues={inv.queues} />;
  const q = inv.queues.find((x) => x.name === p.name);
  return q ? <One key={p.name} queue={q} /> : <Gone title={p.name} what="queue" back={[to("queues"), "Queues"]} />;
}

function List(p: { queues: Queue[] }) {
  const names = p.queues.map((q) => q.url).join();
  const live = useLive(async () => new Map(await Promise.all(p.queues.slice(0, 200).map(async (q) => [q.name, await attributes(q.url)] as const))), 3000, [names]);
  const dead = new Set([...(live.value?.values() ?? [])].map((a) => deadOf(a)?.queue));
  return (
    <>
      <Head title="Queues" sub={!inventory.value!.denied.queues && some(p.queues.length, "queue")} />
      <Problem error={live.error} />
      <section class="panel scroll">
        {p.queues.length === 0 ? <Empty of="queues" title="No queues yet" line="aws sqs create-queue --queue-name work">A queue keeps messages until somebody has done what they say.</Empty> : (
          <table>
            <thead><tr><th>name</th><th>kind</th><th class="n">waiting</th><th class="n">in flight</th><th class="n">delayed</th><th>refused messages go to</th></tr></thead>
            <tbody>{p.queues.map((q) => {
              const a = live.value?.get(q.name);
              const to_ = a && deadOf(a);
              return (
                <tr key={q.name} class="link" onClick={() => go("queues", q.name)}>
                  <td><a href={to("queues", q.name)}>{q.name}</a></td>
                  <td class="sub">{q.name.endsWith(".fifo") ? "FIFO" : "standard"}{dead.has(q.name) ? ", dead letters" : ""}</td>
                  <td class={"n" + (a && dead.has(q.name) && waiting(a) ? " bad" : "")}>{a ? count(waiting(a)) : ""}</td><td class="n">{a ? count(flying(a)) : ""}</td><td class="n">{a ? count(delayed(a)) : ""}</td>
                  <td class="sub">{to_ ? `${to_.queue}, after ${some(to_.after, "receive")}` : ""}</td>
                </tr>
              );
            })}</tbody>
          </table>
        )}
      </section>
      <Command line="aws sqs list-queues" />
    </>
  );
}

interface Message { MessageId: string; Body: string; ReceiptHandle: string; Attributes?: Attributes; MessageAttributes?: Record<string, { DataType: string; StringValue?: string; BinaryValue?: string }> }
interface Move { Status: string; DestinationArn?: string; ApproximateNumberOfMessagesMoved?: number; ApproximateNumberOfMessagesToMove?: number; FailureReason?: string; StartedTimestamp?: number; TaskHandle?: string }

/** peek is how long, in seconds, what was looked at is kept from others. */
const peek = 5;

function One(p: { queue: Queue }) {
  const { name, url } = p.queue;
  const [messages, setMessages] = useState<Message[]>();
  const [chosen, choose] = useState<Message>();
  const [sending, setSending] = useState(false);
  const { busy, error, act } = useAct();
  const live = useLive(async () => {
    const a = await attributes(url);
    const sources = await all<string, string>((t) => call("sqs", "ListDeadLetterSourceQueues", { QueueUrl: url, NextToken: t, MaxResults: 1000 }), "queueUrls", "NextToken");
    const moves = sources.length ? (await call<{ Results?: Move[] }>("sqs", "ListMessageMoveTasks", { SourceArn: a.QueueArn, MaxResults: 5 })).Results ?? [] : [];
    return { a, sources: sources.map((u) => u.split("/").pop()!), moves };
  }, 2000, [url]);
  const v = live.value;
  const dead = v && deadOf(v.a);
  const look = async () => {
    const r = await call<{ Messages?: Message[] }>("sqs", "ReceiveMessage", { QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: peek, AttributeNames: ["All"], MessageAttributeNames: ["All"] });
    setMessages(r.Messages ?? []);
    choose(r.Messages?.[0]);
    live.again();
  };
  const remove = async (m: Message) => {
    await call("sqs", "DeleteMessage", { QueueUrl: url, ReceiptHandle: m.ReceiptHandle });
    setMessages((list) => list?.filter((x) => x !== m));
    choose(undefined);
    live.again();
  };
  const running = v?.moves.find((m) => m.Status === "RUNNING");
  return (
    <>
      <Head title={name} back={[to("queues"), "Queues"]} sub={v && [name.endsWith(".fifo") ? "FIFO" : "standard", v.sources.length ? "dead letters of " + v.sources.join(", ") : "", `kept ${span(Number(v.a.MessageRetentionPeriod))}`].filter(Boolean).join(" · ")}>
        {v && v.sources.length > 0 && <button disabled={!!busy || !!running || waiting(v.a) === 0} title="Moves every message back to the queue that it came from" onClick={() => act("redrive", async () => { await call("sqs", "StartMessageMoveTask", { SourceArn: v.a.QueueArn }); live.again(); })}>{running ? "Moving…" : "Redrive"}</button>}
        <Sure ask="All messages go." disabled={!!busy} act={() => act("purge", async () => { await call("sqs", "PurgeQueue", { QueueUrl: url }); setMessages(undefined); live.again(); })}>Purge</Sure>
        <button class="primary" onClick={() => setSending(true)}>Send a message</button>
      </Head>
      <Problem error={error ?? live.error} />
      {v && (
        <section class="panel figures">
          <div><span>waiting</span><b class={v.sources.length && waiting(v.a) ? "bad" : ""}>{count(waiting(v.a))}</b><i>{delayed(v.a) ? count(delayed(v.a)) + " more are delayed" : "may be received"}</i></div>
          <div><span>in flight</span><b>{count(flying(v.a))}</b><i>hidden for {span(Number(v.a.VisibilityTimeout))} once received</i></div>
          <div><span>refused messages</span><b>{dead ? <a href={to("queues", dead.queue)}>{dead.queue}</a> : "stay"}</b><i>{dead ? `after ${some(dead.after, "receive")}` : "no queue takes them"}</i></div>
          {v.moves[0] && <div><span>last redrive</span><b class={v.moves[0].Status === "FAILED" ? "bad" : ""}>{v.moves[0].Status.toLowerCase()}</b><i>{v.moves[0].FailureReason ?? `${count(v.moves[0].ApproximateNumberOfMessagesMoved ?? 0)} of ${count(v.moves[0].ApproximateNumberOfMessagesToMove ?? v.moves[0].ApproximateNumberOfMessagesMoved ?? 0)} moved`}</i></div>}
        </section>
      )}
      <div class="viewer">
        <div class="panel list">
          <div class="bar"><b>Messages</b><span class="sub cut">a look counts as a receive, and hides them for {peek} s</span><span class="grow" /><button disabled={!!busy} onClick={() => act("look", look)}>{busy === "look" ? "Receiving…" : "Look at ten"}</button></div>
          <div class="scroll">{messages?.length ? (
            <table><thead><tr><th>sent</th><th>message</th><th class="n">receives</th></tr></thead>
              <tbody>{messages.map((m) => (
                <tr key={m.MessageId} class={"link" + (m === chosen ? " on" : "")} onClick={() => choose(m)}>
                  <td class="m dim"><button class="cell" onClick={() => choose(m)}>{moment(new Date(Number(m.Attributes?.SentTimestamp)))}</button></td><td class="m cut">{marked(m.Body)}</td><td class="n">{m.Attributes?.ApproximateReceiveCount}</td>
                </tr>
              ))}</tbody></table>
          ) : <div class="empty quiet">{messages ? "Nothing could be received now." : "Messages show here when you look at them."}</div>}</div>
          <div class="bar foot">{v && v.sources.length > 0 && <Command line={`aws sqs start-message-move-task --source-arn ${v.a.QueueArn}`} />}<span class="grow" /><Command line={`aws sqs receive-message --queue-url ${url} --max-number-of-messages 10`} /></div>
        </div>
        {chosen && (
          <aside class="panel detail">
            <div class="bar"><b>{chosen.MessageId.slice(0, 8)}</b><span class="grow" /><button disabled={!!busy} onClick={() => act("delete", () => remove(chosen))}>Delete</button><button class="plain" aria-label="Close" onClick={() => choose(undefined)}>✕</button></div>
            <Body text={chosen.Body} />
            <dl class="facts top">
              {Object.entries(chosen.MessageAttributes ?? {}).map(([k, a]) => <><dt>{k}</dt><dd class="m">{a.StringValue ?? a.BinaryValue}</dd></>)}
              {Object.entries(chosen.Attributes ?? {}).map(([k, x]) => <><dt>{k.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()}</dt><dd class="m">{/Timestamp$/.test(k) ? moment(new Date(Number(x))) : x}</dd></>)}
            </dl>
          </aside>
        )}
      </div>
      {v && <More title="Attributes" line={`aws sqs get-queue-attributes --queue-url ${url} --attribute-names All`}><JSONText value={v.a} /></More>}
      {sending && <Send queue={p.queue} close={() => (setSending(false), live.again())} />}
    </>
  );
}

export function Body(p: { text: string }) {
  try {
    return <JSONText value={JSON.parse(p.text)} />;
  } catch {
    return <Raw text={p.text} />;
  }
}

function Send(p: { queue: Queue; close: () => void }) {
  const [body, setBody] = useState('{"hello": "queue"}');
  const [group, setGroup] = useState("main");
  const [done, setDone] = useState("");
  const { busy, error, act } = useAct();
  const fifo = p.queue.name.endsWith(".fifo");
  const send = async () => {
    const r = await call<{ MessageId: string }>("sqs", "SendMessage", { QueueUrl: p.queue.url, MessageBody: body, ...(fifo ? { MessageGroupId: group, MessageDeduplicationId: crypto.randomUUID() } : {}) });
    setDone("Sent as " + r.MessageId + ".");
  };
  return (
    <Dialog title={"Send to " + p.queue.name} close={p.close}>
      <label>Message<textarea class="m" rows={8} value={body} spellcheck={false} autofocus onInput={(e) => setBody(e.currentTarget.value)} /></label>
      {fifo && <label>Group<input class="field wide m" value={group} onInput={(e) => setGroup(e.currentTarget.value)} /></label>}
      <Problem error={error} />
      <Command line={`aws sqs send-message --queue-url ${p.queue.url} --message-body ${quoted(body)}${fifo ? " --message-group-id " + quoted(group) : ""}`} />
      <div class="bar end"><span class="sub">{done}</span><span class="grow" /><button onClick={p.close}>Close</button><button class="primary" disabled={!!busy || !body} onClick={() => act("send", send)}>Send</button></div>
    </Dialog>
  );
}
