// Firehose delivery streams: how far each is, what it wrote last, what it could not write.
import { useRef, useState } from "preact/hooks";
import { AwsError, did, own, part, removed } from "../aws/client.ts";
import { account, region } from "../aws/session.ts";
import { marked, bytes, count, moment, rate, some, span } from "../format.ts";
import { destination, inventory } from "../inventory.ts";
import { JSONText } from "../parts/json.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Empty, Gone, Head, Loading, More, Problem, Spark, Sure } from "../parts/ui.tsx";
import { place, resource } from "../pipeline/graph.ts";
import { latest } from "./objects.tsx";
import { putAll } from "./putting.ts";
import { redrivable, refusedOf, unpacked, writtenBy, type Refused } from "./refused.ts";
import { rates, spanned } from "../rates.ts";
import { go, to } from "../route.ts";

export function Deliveries(p: { name?: string }) {
  return p.name ? <Delivery key={p.name} name={p.name} /> : <List />;
}

function List() {
  const inv = inventory.value;
  if (!inv) return <><Head title="Deliveries" /><Loading /></>;
  const { flows, deliveries } = rates.value;
  return (
    <>
      <Head title="Deliveries" sub={!inv.denied.deliveries && some(inv.deliveries.length, "delivery stream")} />
      <section class="panel scroll">
        {inv.deliveries.length === 0 ? (
          <Empty of="deliveries" title="No delivery streams yet" line="aws firehose create-delivery-stream --cli-input-json file://delivery.json">A delivery stream writes records to objects in buffers, as JSON or Parquet.</Empty>
        ) : (
          <table>
            <thead><tr><th>name</th><th class="more">from</th><th class="more">to</th><th class="n">records/s</th><th class="n more">waiting</th><th class="n">lag</th><th class="n more">delivered</th><th class="n more">failed</th><th class="more">{spanned()}</th><th>state</th></tr></thead>
            <tbody>{inv.deliveries.map((d) => {
              const name = d.DeliveryStreamName, s = deliveries.get(name), flow = flows.get("delivery/" + name);
              const source = d.Source?.KinesisStreamSourceDescription?.KinesisStreamARN;
              return (
                <tr key={name} class="link" onClick={() => go("deliveries", name)}>
                  <td><a href={to("deliveries", name)}>{name}</a></td>
                  <td class="sub more">{source ? resource(source) : "put"}</td>
                  <td class="sub cut more">{destination(d) ? place(destination(d)!.BucketARN).bucket : ""}</td>
                  <td class="n flow">{flow ? rate(flow.rate) : ""}</td>
                  <td class="n more">{s ? count(s.lag_records) : ""}</td>
                  <td class="n">{s ? span(s.lag_seconds) : ""}</td>
                  <td class="n more">{s ? count(s.records_delivered) : ""}</td>
                  <td class={"n more" + (s?.records_failed ? " bad" : "")}>{s ? count(s.records_failed) : ""}</td>
                  <td class="more"><svg width={120} height={18}><Spark values={flow?.history ?? []} width={120} height={18} /></svg></td>
                  <td>{s?.last_error ? <span class="badge b">failing</span> : s?.held ? <span class="badge w">held</span> : <span class="badge">{d.DeliveryStreamStatus.toLowerCase()}</span>}</td>
                </tr>
              );
            })}</tbody>
          </table>
        )}
      </section>
      <Command line="brookmere deliveries ls" />
    </>
  );
}

const largest = 8 << 20; // of an error object that is read

function Delivery(p: { name: string }) {
  const d = inventory.value?.deliveries.find((x) => x.DeliveryStreamName === p.name);
  const s = rates.value.deliveries.get(p.name), flow = rates.value.flows.get("delivery/" + p.name);
  const [busy, setBusy] = useState("");
  const kept = useRef(new Map<string, Promise<{ key: string; records: Refused[] }>>()); // error objects that were read
  const [error, setError] = useState<Error>();
  const s3 = d && destination(d);
  const bucket = s3 ? place(s3.BucketARN).bucket : "";
  const fixed = (prefix: string | undefined) => (prefix ?? "").split("!{")[0]!;
  const objects = useLive(async () => (bucket ? latest(bucket, fixed(s3?.Prefix), 12) : []), 4000, [bucket, s3?.Prefix]);
  const errors = useLive(async () => {
    const prefix = fixed(s3?.ErrorOutputPrefix), data = fixed(s3?.Prefix);
    if (!bucket || !prefix || prefix === data) return { objects: [], more: 0 };
    // Others may have their error objects below the same prefix: theirs are not this delivery's to redrive.
    const written = (await latest(bucket, prefix, 5000)).filter((o) => writtenBy(p.name, s3?.ErrorOutputPrefix ?? "", o.key) && !(data.length > prefix.length && o.key.startsWith(data))), newest = written.slice(0, 5);
    const read = (o: { key: string; modified: Date }) => {
      const as = o.key + "\n" + o.modified.getTime();
      const have = kept.current.get(as) ?? part(bucket, o.key, "0-").then(unpacked).then((text) => ({ key: o.key, records: refusedOf(text) }));
      have.catch(() => kept.current.delete(as)); // it is read again
      return kept.current.set(as, have).get(as)!;
    };
    const objects = (await Promise.all(newest.filter((o) => o.size > 0 && o.size <= largest).map((o) => read(o).catch(() => undefined)))).filter((o) => !!o);
    for (const as of kept.current.keys()) if (!newest.some((o) => as.startsWith(o.key + "\n"))) kept.current.delete(as);
    return { objects, more: written.length - objects.length };
  }, 8000, [bucket, s3?.ErrorOutputPrefix, s3?.Prefix]);
  if (!inventory.value) return <Loading />;
  if (!d) return <Gone title={p.name} what="delivery stream" back={[to("deliveries"), "Deliveries"]} />;
  const act = async (verb: string) => {
    setBusy(verb);
    setError(undefined);
    try {
      await own(`deliveries/${encodeURIComponent(p.name)}/${verb}?region=${region.value}&account=${account.value}`, "POST");
      did.value = `brookmere deliveries ${verb} ${p.name}`;
      objects.again();
    } catch (e) {
      setError(e as Error);
    }
    setBusy("");
  };
  const source = d.Source?.KinesisStreamSourceDescription?.KinesisStreamARN;
  const failures = errors.value?.objects ?? [];
  const refused = failures.flatMap((o) => o.records);
  const again = failures.filter((o) => redrivable(o.records)), most = again.reduce((n, o) => n + o.records.length, 0);
  const redrive = async () => {
    setBusy("redrive");
    setError(undefined);
    try {
      for (const o of again) {
        // First all of its records, then the object: what fails between comes twice, and is not lost.
        await putAll(source ? { stream: source } : { delivery: p.name }, o.records.map((r) => ({ Data: r.raw, ...(source ? { PartitionKey: crypto.randomUUID() } : {}) })))
          .catch((e: AwsError) => { throw new AwsError(e.code, `${e.message} The error object ${o.key} stays: those of its records that were taken come again with the next redrive.`, e.status); });
        await removed(bucket, o.key);
      }
    } catch (e) {
      setError(e as Error);
    }
    errors.again();
    setBusy("");
  };
  const conversion = s3?.DataFormatConversionConfiguration;
  return (
    <>
      <Head title={p.name} back={[to("deliveries"), "Deliveries"]} sub={[source ? "from " + resource(source) : "put", conversion?.Enabled !== false && conversion ? "Parquet" : s3?.CompressionFormat?.toLowerCase() ?? "", s3?.BufferingHints ? `every ${s3.BufferingHints.IntervalInSeconds ?? 300} s or ${s3.BufferingHints.SizeInMBs ?? 5} MB` : ""].filter(Boolean).join(" · ")}>
        <button disabled={!!busy} onClick={() => void act(s?.held ? "release" : "hold")}>{s?.held ? "Release" : "Hold"}</button>
        <button class="primary" disabled={!!busy} onClick={() => void act("flush")}>{busy === "flush" ? "Delivering…" : "Deliver now"}</button>
      </Head>
      <Problem error={error} />
      {s?.last_error && <div class="problem" role="alert"><b>The last attempt failed</b> {s.last_error}</div>}
      {s && (
        <section class="panel figures">
          <div><span>records/s</span><b class="flow">{rate(flow?.rate ?? 0)}</b><svg width={110} height={20}><Spark values={flow?.history ?? []} width={110} height={20} /></svg></div>
          <div><span>lag</span><b>{span(s.lag_seconds)}</b><i>{count(s.lag_records)} records, {bytes(s.lag_bytes)}</i></div>
          <div><span>delivered</span><b>{count(s.records_delivered)}</b><i>in {some(s.objects, "object")}</i></div>
          <div><span>failed</span><b class={s.records_failed ? "bad" : ""}>{count(s.records_failed)}</b><i>{s.records_failed ? "in the error prefix" : "none"}</i></div>
          <div><span>compaction</span><b>{s.compaction.setting === "off" ? "off" : count(s.compaction.into)}</b><i>{s.compaction.setting === "off" ? "small objects stay" : count(s.compaction.objects) + " objects merged"}</i></div>
        </section>
      )}
      <section class="panel scroll">
        <div class="bar"><b>Last objects</b><span class="sub m">s3://{bucket}/{s3?.Prefix}</span><span class="grow" /><Command line={`aws s3 ls --recursive s3://${bucket}/${fixed(s3?.Prefix)}`} /></div>
        <Problem error={objects.error} />
        {objects.value?.length ? (
          <table><thead><tr><th>written</th><th>object</th><th class="n">size</th></tr></thead><tbody>{objects.value.map((o) => <tr key={o.key}><td class="m dim">{moment(o.modified)}</td><td class="m">{marked(o.key)}</td><td class="n">{bytes(o.size)}</td></tr>)}</tbody></table>
        ) : <div class="empty quiet">{objects.value ? "Nothing is delivered yet: the first object comes when a buffer is full or old enough." : objects.error ? "" : "Loading…"}</div>}
      </section>
      {refused.length > 0 && (
        <section class="panel scroll">
          <div class="bar"><b>Records that failed</b><span class="sub m">s3://{bucket}/{s3?.ErrorOutputPrefix}</span><span class="grow" />{again.length > 0 ? <Sure ask={`${some(most, "record")} of ${some(again.length, "error object")} into ${source ? "the stream " + resource(source) + ", for all who read it," : "this delivery"} again; ${again.length === 1 ? "the object goes" : "the objects go"}.`} disabled={!!busy} act={() => void redrive()}>{busy === "redrive" ? "Redriving…" : "Redrive"}</Sure> : <span class="hint">none says what its record was</span>}</div>
          {(errors.value!.more > 0 || again.length < failures.length) && <div class="notice">{[errors.value!.more > 0 && `${some(errors.value!.more, "more error object")} ${errors.value!.more === 1 ? "is" : "are"} older, or larger than ${bytes(largest)}, and not shown.`, again.length < failures.length && `${some(failures.length - again.length, "object")} with lines that tell no record ${failures.length - again.length === 1 ? "stays" : "stay"} where ${failures.length - again.length === 1 ? "it is" : "they are"}.`].filter(Boolean).join(" ")}</div>}
          <table><thead><tr><th>arrived</th><th>reason</th><th>record</th></tr></thead><tbody>{refused.slice(0, 50).map((r, i) => <tr key={i}><td class="m dim">{r.at ? moment(r.at) : ""}</td><td><span class="badge b">{r.code || "error"}</span> <span class="sub">{r.message}</span></td><td class="m cut" title={r.data.slice(0, 2000)}>{marked(r.data.slice(0, 400))}</td></tr>)}</tbody></table>
        </section>
      )}
      <More title="Configuration" line={`aws firehose describe-delivery-stream --delivery-stream-name ${p.name}`}><JSONText value={d} /></More>
    </>
  );
}
