// Kinesis streams: the list, and one with its shards and its records.
import { useState } from "preact/hooks";
import { call, type AwsError } from "../aws/client.ts";
import { base64, bytes, count, marked, quoted, rate, some } from "../format.ts";
import { inventory } from "../inventory.ts";
import { useLive } from "../parts/live.ts";
import { Command, Dialog, Empty, Gone, Head, Loading, Problem, Spark, useAct } from "../parts/ui.tsx";
import { rates, spanned } from "../rates.ts";
import { go, to } from "../route.ts";
import { Consumers } from "./consumers.tsx";
import { putAll } from "./putting.ts";
import { Records } from "./records.tsx";

export function Streams(p: { name?: string }) {
  return p.name ? <Stream key={p.name} name={p.name} /> : <List />;
}

function List() {
  const inv = inventory.value;
  if (!inv) return <><Head title="Streams" /><Loading /></>;
  const { flows, streams } = rates.value;
  return (
    <>
      <Head title="Streams" sub={!inv.denied.streams && some(inv.streams.length, "stream")} />
      <section class="panel">
        {inv.streams.length === 0 ? (
          <Empty of="streams" title="No streams yet" line="aws kinesis create-stream --stream-name clicks --shard-count 1">A stream keeps records for its consumers to read, each at its own pace.</Empty>
        ) : (
          <table>
            <thead><tr><th>name</th><th class="more">mode</th><th class="n">shards</th><th class="n">records/s</th><th class="n more">bytes/s</th><th class="n more">kept</th><th class="more">{spanned()}</th><th>state</th></tr></thead>
            <tbody>{inv.streams.map((s) => {
              const flow = flows.get("stream/" + s.StreamName), status = streams.get(s.StreamName);
              return (
                <tr key={s.StreamName} class="link" onClick={() => go("streams", s.StreamName)}>
                  <td><a href={to("streams", s.StreamName)}>{s.StreamName}</a></td>
                  <td class="sub more">{s.StreamModeDetails?.StreamMode === "ON_DEMAND" ? "on-demand" : "provisioned"}</td>
                  <td class="n">{status ? count(status.shards.filter((x) => x.open).length) : ""}</td>
                  <td class="n flow">{flow ? rate(flow.rate) : ""}</td>
                  <td class="n more">{flow ? bytes(flow.bytes) : ""}</td>
                  <td class="n more">{status ? count(status.shards.reduce((n, x) => n + x.kept_records, 0)) : ""}</td>
                  <td class="more"><svg width={120} height={18}><Spark values={flow?.history ?? []} width={120} height={18} /></svg></td>
                  <td><span class={s.StreamStatus === "ACTIVE" ? "badge" : "badge w"}>{s.StreamStatus.toLowerCase()}</span></td>
                </tr>
              );
            })}</tbody>
          </table>
        )}
      </section>
      <Command line="brookmere streams ls" />
    </>
  );
}

interface Summary { StreamARN: string; StreamStatus: string; RetentionPeriodHours: number; OpenShardCount: number; StreamModeDetails?: { StreamMode: string }; EncryptionType?: string; ConsumerCount?: number }
interface Shard { ShardId: string; HashKeyRange: { StartingHashKey: string; EndingHashKey: string }; SequenceNumberRange: { EndingSequenceNumber?: string } }

const space = 2n ** 128n;
/** share is where in the space of hash keys a key is, from 0 to 1. */
const share = (key: string) => Number((BigInt(key) * 1_000_000n) / space) / 1_000_000;

function Stream(p: { name: string }) {
  const [putting, setPutting] = useState(false);
  const live = useLive(async () => {
    const [d, l] = await Promise.all([
      call<{ StreamDescriptionSummary: Summary }>("kinesis", "DescribeStreamSummary", { StreamName: p.name }),
      call<{ Shards: Shard[] }>("kinesis", "ListShards", { StreamName: p.name }),
    ]);
    return { summary: d.StreamDescriptionSummary, shards: l.Shards.filter((s) => !s.SequenceNumberRange.EndingSequenceNumber) };
  }, 5000, [p.name]);
  const flow = rates.value.flows.get("stream/" + p.name);
  const v = live.value;
  if (!v && (live.error as AwsError | undefined)?.code === "ResourceNotFoundException") return <Gone title={p.name} what="stream" back={[to("streams"), "Streams"]} />;
  return (
    <>
      <Head title={p.name} back={[to("streams"), "Streams"]} sub={v && [v.summary.StreamModeDetails?.StreamMode === "ON_DEMAND" ? "on-demand" : "provisioned", some(v.shards.length, "shard"), `kept ${v.summary.RetentionPeriodHours} h`,
        flow && `${rate(flow.rate)} records/s`, flow && bytes(flow.bytes) + "/s", v.summary.ConsumerCount ? some(v.summary.ConsumerCount, "consumer") : ""].filter(Boolean).join(" · ")}>
        {v && v.summary.StreamStatus !== "ACTIVE" && <span class="badge w">{v.summary.StreamStatus.toLowerCase()}</span>}
        <button class="primary" onClick={() => setPutting(true)}>Put a record</button>
      </Head>
      <Problem error={live.error} />
      {v && <Shards stream={p.name} shards={v.shards} onDemand={v.summary.StreamModeDetails?.StreamMode === "ON_DEMAND"} arn={v.summary.StreamARN} again={live.again} />}
      {v && <Records stream={p.name} />}
      {v && <Consumers stream={p.name} />}
      {putting && <Put stream={p.name} close={() => setPutting(false)} />}
    </>
  );
}

const limit = { records: 1000, bytes: 1 << 20 }; // of a shard, a second

/** middle is the hash key that splits a range in two. */
const middle = (s: Shard) => String((BigInt(s.HashKeyRange.StartingHashKey) + BigInt(s.HashKeyRange.EndingHashKey)) / 2n + 1n);

function Shards(p: { stream: string; shards: Shard[]; onDemand: boolean; arn: string; again: () => void }) {
  const [chosen, choose] = useState<string>();
  const { busy, error, act } = useAct();
  const { flows } = rates.value;
  const sorted = [...p.shards].sort((a, b) => share(a.HashKeyRange.StartingHashKey) - share(b.HashKeyRange.StartingHashKey));
  const full = (s: Shard) => {
    const f = flows.get(`stream/${p.stream}/${s.ShardId}`);
    return f ? Math.max(f.rate / limit.records, f.bytes / limit.bytes) : 0;
  };
  const hot = sorted.filter((s) => full(s) > 0.9);
  const at = sorted.findIndex((s) => s.ShardId === chosen), one = sorted[at];
  const next = sorted[at + 1] ?? sorted[at - 1]; // adjacent: open shards leave no gaps
  const few = sorted.length < 7;
  const change = (name: string, operation: string, input: object) => act(name, async () => {
    await call("kinesis", operation, input);
    choose(undefined);
    p.again();
  });
  return (
    <section class="panel shards" aria-label="Shards">
      <div class="bar"><span class="sub">Hash range and load</span><span class="grow" />{hot.length > 0 && !p.onDemand && <span class="badge w">{some(hot.length, "shard")} above 90 % of AWS’s limit: split {hot.length === 1 ? "it" : "them"}</span>}
        <button disabled={!!busy} onClick={() => change("mode", "UpdateStreamMode", { StreamARN: p.arn, StreamModeDetails: { StreamMode: p.onDemand ? "PROVISIONED" : "ON_DEMAND" } })}>{p.onDemand ? "Make it provisioned" : "Make it on-demand"}</button></div>
      <Problem error={error} />
      <div class="ranges">{sorted.map((s) => {
        const wide = share(s.HashKeyRange.EndingHashKey) - share(s.HashKeyRange.StartingHashKey);
        const f = flows.get(`stream/${p.stream}/${s.ShardId}`);
        return (
          <button key={s.ShardId} aria-pressed={s.ShardId === chosen} onClick={() => choose(s.ShardId === chosen ? undefined : s.ShardId)} style={{ flexGrow: Math.max(wide, 0.002), flexBasis: 0 }} class={"range" + (full(s) > 0.9 ? " hot" : "") + (s.ShardId === chosen ? " on" : "")} title={`${s.ShardId}\n${s.HashKeyRange.StartingHashKey} to ${s.HashKeyRange.EndingHashKey}${f ? `\n${rate(f.rate)} records/s, ${bytes(f.bytes)}/s` : ""}`}>
            <i style={{ width: Math.min(100, full(s) * 100) + "%" }} />
            <b>{few ? "shardId-…" : ""}{Number(s.ShardId.slice(8))}</b>
            {sorted.length < 16 && <span>{f ? (few ? `${rate(f.rate)} records/s, ${bytes(f.bytes)}/s` : rate(f.rate) + "/s") : ""}</span>}
          </button>
        );
      })}</div>
      {one && (
        <div class="bar foot">
          <b class="m">{one.ShardId}</b><span class="sub m cut">{one.HashKeyRange.StartingHashKey} to {one.HashKeyRange.EndingHashKey}</span><span class="grow" />
          <button disabled={!!busy || p.onDemand} title={p.onDemand ? "An on-demand stream does that by itself" : ""} onClick={() => change("split", "SplitShard", { StreamName: p.stream, ShardToSplit: one.ShardId, NewStartingHashKey: middle(one) })}>{busy === "split" ? "Splitting…" : "Split in the middle"}</button>
          {next && <button disabled={!!busy || p.onDemand} onClick={() => change("merge", "MergeShards", { StreamName: p.stream, ShardToMerge: one.ShardId, AdjacentShardToMerge: next.ShardId })}>{busy === "merge" ? "Merging…" : "Merge with " + Number(next.ShardId.slice(8))}</button>}
          <Command line={`aws kinesis split-shard --stream-name ${p.stream} --shard-to-split ${one.ShardId} --new-starting-hash-key ${middle(one)}`} />
        </div>
      )}
    </section>
  );
}

const longest = 32 << 20; // of a file

/** recordsIn are the lines of a text. */
const recordsIn = (text: string) => text.split(/\r?\n/).filter((l) => l.trim());

function Put(p: { stream: string; close: () => void }) {
  const [key, setKey] = useState("");
  const [data, setData] = useState('{"hello": "stream"}');
  const [many, setMany] = useState(false);
  const [file, setFile] = useState<{ name: string; records: string[] }>(); // not shown, as it may be long
  const [done, setDone] = useState("");
  const { busy, error, act } = useAct();
  const [wrong, setWrong] = useState("");
  const records = file?.records ?? (many ? recordsIn(data) : [data]);
  const take = async (f: File | undefined) => {
    setFile(undefined);
    setDone("");
    setWrong("");
    if (!f) return;
    if (f.size > longest) return setWrong("The file is larger than 32 MiB: put it by the command line, “brookmere generate”, or in parts.");
    try {
      setFile({ name: f.name, records: recordsIn(new TextDecoder("utf-8", { fatal: true }).decode(await f.arrayBuffer())) });
    } catch {
      setWrong("The file is not a text in UTF-8.");
    }
  };
  const put = async () => {
    setDone("");
    const encoded = records.map((text) => ({ Data: base64(new TextEncoder().encode(text)), PartitionKey: key || crypto.randomUUID() }));
    if (encoded.length === 1) {
      const r = await call<{ ShardId: string }>("kinesis", "PutRecord", { StreamName: p.stream, ...encoded[0] });
      return setDone("It is durable in " + r.ShardId + ".");
    }
    await putAll({ stream: p.stream }, encoded, (n) => setDone(`${count(n)} of ${some(encoded.length, "record")} put…`));
    setDone(`${some(encoded.length, "record")} put.`);
  };
  const first = records[0] ?? "";
  return (
    <Dialog title={"Put into " + p.stream} close={p.close}>
      <label>Partition key<input class="field wide m" value={key} placeholder="random" onInput={(e) => setKey(e.currentTarget.value)} /></label>
      {!file && <label>{many ? "Records, one a line" : "Data"}<textarea class="m" rows={8} value={data} spellcheck={false} autofocus onInput={(e) => setData(e.currentTarget.value)} /></label>}
      {!file && <label class="check"><input type="checkbox" checked={many} onChange={(e) => setMany(e.currentTarget.checked)} /> each line is a record</label>}
      <label>A file of records, one a line<input type="file" onChange={(e) => void take(e.currentTarget.files?.[0])} /></label>
      {file && <span class="hint">{marked(file.name)} has {some(file.records.length, "record")}{first && <>, of which the first is <span class="m">{marked(first.slice(0, 200))}{first.length > 200 && "…"}</span></>}</span>}
      {wrong && <div class="notice" role="status">{wrong}</div>}
      <Problem error={error} />
      <Command line={`aws kinesis put-record --stream-name ${p.stream} --partition-key ${quoted(key || "k")} --cli-binary-format raw-in-base64-out --data ${quoted(first.slice(0, 2000))}`} />
      <div class="bar end"><span class="sub" role="status">{done}</span><span class="grow" /><button onClick={p.close}>Close</button><button class="primary" onClick={() => act("put", put)} disabled={!!busy || !!wrong || !records.length}>{busy ? "Putting…" : file || many ? "Put " + some(records.length, "record") : "Put"}</button></div>
    </Dialog>
  );
}
