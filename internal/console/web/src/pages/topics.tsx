// SNS topics: who gets what is published, and a message to try.
import { useState } from "preact/hooks";
import { entries, query } from "../aws/client.ts";
import { quoted, some } from "../format.ts";
import { inventory } from "../inventory.ts";
import { JSONText } from "../parts/json.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Dialog, Empty, Gone, Head, Loading, More, Problem, Sure, useAct } from "../parts/ui.tsx";
import { resource } from "../pipeline/graph.ts";
import { go, to } from "../route.ts";

export function Topics(p: { name?: string }) {
  const inv = inventory.value;
  if (!inv) return <><Head title="Topics" /><Loading /></>;
  if (p.name) {
    const arn = inv.topics.find((x) => resource(x) === p.name);
    return arn ? <One key={arn} arn={arn} /> : <Gone title={p.name} what="topic" back={[to("topics"), "Topics"]} />;
  }
  return (
    <>
      <Head title="Topics" sub={!inv.denied.topics && some(inv.topics.length, "topic")} />
      <section class="panel scroll">
        {inv.topics.length === 0 ? <Empty of="topics" title="No topics yet" line="aws sns create-topic --name events">A topic sends each message to all that subscribe to it.</Empty> : (
          <table>
            <thead><tr><th>name</th><th>kind</th><th class="n">subscriptions</th><th>to</th></tr></thead>
            <tbody>{inv.topics.map((arn) => {
              const subs = inv.subscriptions.filter((s) => s.topic === arn);
              return (
                <tr key={arn} class="link" onClick={() => go("topics", resource(arn))}>
                  <td><a href={to("topics", resource(arn))}>{resource(arn)}</a></td><td class="sub">{arn.endsWith(".fifo") ? "FIFO" : "standard"}</td><td class="n">{subs.length}</td>
                  <td class="sub cut">{subs.map((s) => `${s.protocol} ${s.endpoint.startsWith("arn:") ? resource(s.endpoint) : s.endpoint}`).join(", ")}</td>
                </tr>
              );
            })}</tbody>
          </table>
        )}
      </section>
      <Command line="aws sns list-topics" />
    </>
  );
}

function parsed(text: string | undefined): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return text;
  }
}

function One(p: { arn: string }) {
  const name = resource(p.arn);
  const inv = inventory.value!;
  const subs = inv.subscriptions.filter((s) => s.topic === p.arn);
  const [publishing, setPublishing] = useState(false);
  const { busy, error, act } = useAct();
  const live = useLive(async () => {
    const confirmed = subs.filter((s) => s.arn.startsWith("arn:"));
    const [topic, ...each] = await Promise.all([query("sns", "GetTopicAttributes", { TopicArn: p.arn }), ...confirmed.map((s) => query("sns", "GetSubscriptionAttributes", { SubscriptionArn: s.arn }))]);
    return { topic: entries(topic, "Attributes"), by: new Map(confirmed.map((s, i) => [s.arn, entries(each[i]!, "Attributes")])) };
  }, 6000, [p.arn, subs.length]);
  const facts = live.value?.topic;
  return (
    <>
      <Head title={name} back={[to("topics"), "Topics"]} sub={[p.arn.endsWith(".fifo") ? "FIFO" : "standard", some(subs.length, "subscription"), facts?.DisplayName].filter(Boolean).join(" · ")}>
        <button class="primary" onClick={() => setPublishing(true)}>Publish a message</button>
      </Head>
      <Problem error={error ?? live.error} />
      <section class="panel scroll">
        <div class="bar"><b>Subscriptions</b><span class="grow" /><Command line={`aws sns list-subscriptions-by-topic --topic-arn ${p.arn}`} /></div>
        {subs.length === 0 ? <Empty title="Nobody gets these messages yet" line={`aws sns subscribe --topic-arn ${p.arn} --protocol sqs --notification-endpoint arn:aws:sqs:…`} /> : (
          <table><thead><tr><th>protocol</th><th>endpoint</th><th>only messages with</th><th>delivery</th><th /></tr></thead>
            <tbody>{subs.map((s) => {
              const a = live.value?.by.get(s.arn);
              const target = s.protocol === "sqs" ? to("queues", resource(s.endpoint)) : s.protocol === "lambda" ? to("functions", resource(s.endpoint)) : "";
              return (
                <tr key={s.arn + s.endpoint}>
                  <td class="sub">{s.protocol}</td><td class="m">{target ? <a href={target}>{resource(s.endpoint)}</a> : s.endpoint}</td>
                  <td class="m cut" title={a?.FilterPolicy}>{a?.FilterPolicy ? a.FilterPolicy : <span class="dim">all</span>}</td>
                  <td class="sub">{!s.arn.startsWith("arn:") ? <span class="badge w">to be confirmed</span> : a?.RawMessageDelivery === "true" ? "raw" : "in an envelope"}</td>
                  <td class="n">{s.arn.startsWith("arn:") && <Sure ask="It gets nothing more." disabled={!!busy} act={() => act("unsubscribe", () => query("sns", "Unsubscribe", { SubscriptionArn: s.arn }))}>Unsubscribe</Sure>}</td>
                </tr>
              );
            })}</tbody></table>
        )}
      </section>
      {facts && <More title="Attributes" line={`aws sns get-topic-attributes --topic-arn ${p.arn}`}><JSONText value={Object.fromEntries(Object.entries(facts).map(([k, v]) => [k, /Policy/.test(k) ? parsed(v) : v]))} /></More>}
      {publishing && <Publish arn={p.arn} close={() => setPublishing(false)} />}
    </>
  );
}

function Publish(p: { arn: string; close: () => void }) {
  const [subject, setSubject] = useState("");
  const [message, setMessage] = useState('{"hello": "topic"}');
  const [attributes, setAttributes] = useState("");
  const [done, setDone] = useState("");
  const { busy, error, act } = useAct();
  const fifo = p.arn.endsWith(".fifo");
  const publish = async () => {
    const input: Record<string, string> = { TopicArn: p.arn, Message: message };
    if (subject) input.Subject = subject;
    if (fifo) Object.assign(input, { MessageGroupId: "main", MessageDeduplicationId: crypto.randomUUID() });
    attributes.split("\n").filter((l) => l.includes("=")).forEach((l, i) => {
      const at = l.indexOf("="), base = `MessageAttributes.entry.${i + 1}.`, value = l.slice(at + 1).trim();
      Object.assign(input, { [base + "Name"]: l.slice(0, at).trim(), [base + "Value.DataType"]: value !== "" && !Number.isNaN(Number(value)) ? "Number" : "String", [base + "Value.StringValue"]: value });
    });
    const doc = await query("sns", "Publish", input);
    setDone("Published as " + (doc.getElementsByTagName("MessageId")[0]?.textContent ?? "") + ".");
  };
  return (
    <Dialog title={"Publish to " + resource(p.arn)} close={p.close}>
      <label>Subject<input class="field wide" value={subject} placeholder="none" onInput={(e) => setSubject(e.currentTarget.value)} /></label>
      <label>Message<textarea class="m" rows={6} value={message} spellcheck={false} autofocus onInput={(e) => setMessage(e.currentTarget.value)} /></label>
      <label>Attributes, one a line: filters of subscriptions read them<textarea class="m" rows={2} value={attributes} placeholder="state=paid" spellcheck={false} onInput={(e) => setAttributes(e.currentTarget.value)} /></label>
      <Problem error={error} />
      <Command line={`aws sns publish --topic-arn ${p.arn} --message ${quoted(message)}`} />
      <div class="bar end"><span class="sub">{done}</span><span class="grow" /><button onClick={p.close}>Close</button><button class="primary" disabled={!!busy || !message} onClick={() => act("publish", publish)}>Publish</button></div>
    </Dialog>
  );
}
