// Who reads a stream, how far behind, and where one record of it went: from the positions that
// consumers keep.
import { useRef, useState } from "preact/hooks";
import { call, modified, own } from "../aws/client.ts";
import { account, region } from "../aws/session.ts";
import { some, span } from "../format.ts";
import { inventory, destination, type GlueTable, type ItemTable } from "../inventory.ts";
import { useLive } from "../parts/live.ts";
import { Problem, useAct } from "../parts/ui.tsx";
import type { Rec } from "../parts/tail.ts";
import { place, resource } from "../pipeline/graph.ts";
import { rates } from "../rates.ts";
import { to } from "../route.ts";
import { query } from "./athena.ts";
import { finding, itemKey, likely } from "./finding.ts";
import { openStatement } from "./sql.tsx";

interface Consumer {
  kind: "function" | "delivery" | "application" | "KCL" | "fan-out";
  name: string;
  href?: string;
  /** places are the last sequence numbers that it is done with, by shard; undefined where it does not say. */
  places?: Record<string, string>;
  /** lag is how far it is behind, or why it does not move; empty where nobody says. */
  lag: string;
  bad?: string;
  /** or is the other streams that it may read instead: its leases are at numbers that records of those have too. */
  or?: string;
}

interface SourceStatus { id: string; function: string; source: string; enabled: boolean; shards: Record<string, { after?: string; ended?: boolean }> }
interface AppStatus { name: string; status: string; inputs: string[]; behindMs: number; places?: Record<string, Record<string, string>>; error?: string }

/** next is the record at or behind a position. */
async function next(StreamName: string, ShardId: string, StartingSequenceNumber: string, ShardIteratorType = "AFTER_SEQUENCE_NUMBER") {
  const { ShardIterator } = await call<{ ShardIterator: string }>("kinesis", "GetShardIterator", { StreamName, ShardId, ShardIteratorType, StartingSequenceNumber });
  return (await call<{ Records: { ApproximateArrivalTimestamp: number; SequenceNumber: string }[] }>("kinesis", "GetRecords", { ShardIterator, Limit: 1 })).Records[0];
}

/** behind is how long the oldest record has been there that a consumer is not done with, of the shards whose places are known; 0 where it is done with all. */
async function behind(stream: string, places: Record<string, string>): Promise<number> {
  const each = await Promise.all(Object.entries(places).sort().slice(-8).map(async ([shard, after]) => {
    const r = await next(stream, shard, after);
    return r ? Math.max(0, Date.now() / 1000 - r.ApproximateArrivalTimestamp) : 0;
  }));
  return Math.max(0, ...each);
}

/** Lease is a shard's in a table of the Kinesis Client Library: how far its worker is, and which hash keys it thinks the shard has. */
interface Lease { shard: string; at: string; from?: string }

interface Found { streams: string[]; until: number }

/** found keeps which streams the leases of a table may be of. One stream is kept; none and several are looked at again. */
const found = new Map<string, Found>();

/** hits is how many leases are at a record of the stream, of the newest few; -1 where its shards are others. */
async function hits(StreamName: string, leases: Lease[]): Promise<number> {
  const { Shards } = await call<{ Shards: { ShardId: string; HashKeyRange: { StartingHashKey: string } }[] }>("kinesis", "ListShards", { StreamName });
  const from = new Map(Shards.map((s) => [s.ShardId, s.HashKeyRange.StartingHashKey]));
  // The shard of a lease that is at its end may be gone.
  if (leases.some((l) => (from.has(l.shard) ? l.from && l.from !== from.get(l.shard) : l.at !== "SHARD_END"))) return -1;
  const checked = leases.filter((l) => numbered(l.at) && from.has(l.shard)).sort((a, b) => (a.shard < b.shard ? 1 : -1)).slice(0, 6);
  return (await Promise.all(checked.map((l) => next(StreamName, l.shard, l.at, "AT_SEQUENCE_NUMBER").then((r) => r?.SequenceNumber === l.at, () => false)))).filter(Boolean).length;
}

const numbered = (at: string) => /^\d+$/.test(at);

/** readBy is the streams that leases without a stream's name may be of, by their shards and by the records that they are at. */
async function readBy(table: string, leases: Lease[]): Promise<string[]> {
  const key = [account.value, region.value, table].join("/"), have = found.get(key);
  if (have && have.until > Date.now()) return have.streams;
  const streams = likely(await Promise.all(inventory.value!.streams.slice(0, 100).map(async (s) => [s.StreamName, await hits(s.StreamName, leases).catch(() => -1)] as [string, number])));
  found.set(key, { streams, until: streams.length === 1 ? Infinity : Date.now() + 15_000 });
  return streams;
}

const late = (by: string) => "behind: " + by;

const ours = () => `?region=${region.value}&account=${account.value}`;

/** newest is the sequence number of the newest record that any consumer has passed, by shard. */
async function consumersOf(stream: string, lags = false): Promise<Consumer[]> {
  const inv = inventory.value!;
  const arn = inv.streams.find((s) => s.StreamName === stream)?.StreamARN ?? "";
  const of = (a: string | undefined) => !!a && (a === arn || a.startsWith(arn + "/consumer/"));
  const told = async <T,>(path: string): Promise<T[]> => own<T[]>(path + ours()).catch(() => []);
  const [sources, apps, fan] = await Promise.all([
    inv.services.has("lambda") ? told<SourceStatus>("event-sources") : [], inv.services.has("kinesisanalytics") ? told<AppStatus>("analytics") : [],
    arn ? call<{ Consumers: { ConsumerName: string; ConsumerStatus: string }[] }>("kinesis", "ListStreamConsumers", { StreamARN: arn }).then((r) => r.Consumers, () => []) : [],
  ]);
  const out: Consumer[] = [];
  for (const m of inv.mappings.filter((x) => of(x.EventSourceArn))) {
    const s = sources.find((x) => x.id === m.UUID);
    const bad = /^(OK|No records processed)?$/i.test(m.LastProcessingResult ?? "") ? undefined : m.LastProcessingResult;
    out.push({ kind: "function", name: resource(m.FunctionArn), href: to("functions", resource(m.FunctionArn)), places: s && Object.fromEntries(Object.entries(s.shards).flatMap(([k, p]) => (p.after ? [[k, p.after]] : []))), lag: m.State === "Enabled" ? "" : m.State.toLowerCase(), bad });
  }
  for (const d of inv.deliveries.filter((x) => of(x.Source?.KinesisStreamSourceDescription?.KinesisStreamARN))) {
    const s = rates.value.deliveries.get(d.DeliveryStreamName);
    out.push({ kind: "delivery", name: d.DeliveryStreamName, href: to("deliveries", d.DeliveryStreamName), places: s?.source_places, lag: s ? (s.held ? "held, " : "") + late(s.lag_records ? `${some(s.lag_records, "record")}, ${span(s.lag_seconds)}` : "none") : "", bad: s?.last_error });
  }
  for (const a of inv.applications.filter((x) => x.inputs.some(of))) {
    const s = apps.find((x) => x.name === a.name);
    out.push({ kind: "application", name: a.name, href: to("analytics", a.name), places: s?.places?.[arn], lag: s?.status === "RUNNING" ? late(span(s.behindMs / 1000)) : (s?.status ?? a.status).toLowerCase(), bad: s?.error });
  }
  // The Kinesis Client Library keeps its positions in a table, an item a shard.
  for (const t of inv.tables.filter((x) => x.KeySchema.length === 1 && x.KeySchema[0]!.AttributeName === "leaseKey")) {
    const r = await call<{ Items: Record<string, { S?: string }>[] }>("dynamodb", "Scan", { TableName: t.TableName, Limit: 200 }).catch(() => ({ Items: [] }));
    const leases = r.Items.flatMap((i) => {
      const key = i.leaseKey?.S?.split(":") ?? []; // of one stream its shard alone, of several account:stream:time:shard
      return key.length && i.checkpoint?.S ? [{ stream: key[1], shard: key.at(-1)!, at: i.checkpoint.S, from: i.startingHashKey?.S }] : [];
    });
    const named = leases.filter((l) => l.stream === stream), plain = leases.filter((l) => !l.stream);
    const streams = named.length ? [stream] : plain.length ? await readBy(t.TableName, plain) : [];
    if (!streams.includes(stream)) continue;
    const places = Object.fromEntries((named.length ? named : plain).flatMap((l) => (numbered(l.at) ? [[l.shard, l.at]] : [])));
    out.push({ kind: "KCL", name: t.TableName, href: to("tables", t.TableName), places, lag: "", or: streams.filter((s) => s !== stream).join(", ") });
  }
  if (lags) await Promise.all(out.map(async (c) => {
    if (!c.lag && c.places && Object.keys(c.places).length) c.lag = await behind(stream, c.places).then((s) => late(s ? span(s) : "none"), () => "");
  }));
  for (const c of fan) out.push({ kind: "fan-out", name: c.ConsumerName, lag: c.ConsumerStatus.toLowerCase() });
  return out;
}

/** unseen says which consumers these credentials may not see. */
function unseen(): string {
  const kinds = Object.keys(inventory.value?.denied ?? {}).filter((k) => /deliveries|sources|applications/.test(k));
  return kinds.length ? "These credentials may not see " + kinds.join(", ") + ": they may read it too." : "";
}

export function Consumers(p: { stream: string }) {
  const live = useLive(() => consumersOf(p.stream, true), 3000, [p.stream, !!inventory.value]);
  return (
    <details class="panel" open>
      <summary class="bar">Consumers <span class="sub">{live.value?.length ?? ""}</span></summary>
      <Problem error={live.error} />
      {unseen() ? <div class="notice">{unseen()}</div> : live.value?.length === 0 && <div class="empty quiet">Nobody reads it yet. A delivery, a function or an application may.</div>}
      {!!live.value?.length && <div class="scroll"><table><tbody>{live.value.map((c) => (
        <tr key={c.kind + c.name}><td class="sub">{c.kind}</td><td>{c.href ? <a href={c.href}>{c.name}</a> : c.name}</td><td class="sub">{c.lag}</td><td class="m dim">{c.places && Object.entries(c.places).sort().slice(0, 4).map(([s, q]) => `${Number(s.slice(8))}: …${q.slice(-12)}`).join("  ")}</td><td class={c.bad ? "bad cut" : "sub"} title={c.bad}>{c.bad ?? (c.or && `or it reads ${c.or}: its leases do not tell`)}</td></tr>
      ))}</tbody></table></div>}
    </details>
  );
}

const passed = (c: Consumer, r: Rec): boolean | undefined => {
  if (!c.places) return undefined;
  const at = c.places[r.shard];
  return at !== undefined && at.length > 0 && (at.length > r.sequence.length || (at.length === r.sequence.length && at >= r.sequence));
};

const did = { function: "was called with it", delivery: "wrote it to an object", application: "has read it", KCL: "is done with it", "fan-out": "gets it" } as const;
const will = { function: "not called with it yet", delivery: "has it in its buffer", application: "has not read it yet", KCL: "is not there yet", "fan-out": "keeps no position here" } as const;

/** WhereTo tells for a record which consumers are past it, and what they made of it. */
export function WhereTo(p: { stream: string; record: Rec }) {
  const { record: r } = p;
  const first = useRef(new Map<string, number>()); // when a consumer was seen not to be past it
  const took = useRef(new Map<string, number>());
  const live = useLive(async () => {
    const list = await consumersOf(p.stream);
    for (const c of list) {
      const key = c.kind + c.name;
      if (passed(c, r) === false) first.current.set(key, Date.now());
      else if (passed(c, r) && first.current.has(key) && !took.current.has(key)) took.current.set(key, (Date.now() - r.arrived.getTime()) / 1000);
    }
    return list;
  }, 1000, [r.sequence, p.stream]);
  return (
    <div class="went">
      <div class="bar top"><b>Where it went</b></div>
      <Problem error={live.error} />
      {unseen() ? <div class="notice">{unseen()}</div> : live.value?.length === 0 && <div class="empty quiet">Nobody reads this stream.</div>}
      {live.value?.map((c) => {
        const done = passed(c, r), table = c.kind === "delivery" ? tableOf(c.name) : undefined, seconds = took.current.get(c.kind + c.name);
        return (
          <div key={c.kind + c.name}>
            <div class="step">
              <i class={done ? "done" : done === undefined ? "" : "waits"} aria-hidden="true" />
              <span>{c.href ? <a class="inline" href={c.href}>{c.name}</a> : c.name} {done ? did[c.kind] : done === undefined ? (c.kind === "fan-out" ? will["fan-out"] : "does not tell how far it is") : will[c.kind]}{seconds !== undefined && done && <span class="dim">, {span(seconds)} after it arrived at most</span>}{!done && c.bad && <span class="bad">, {c.bad}</span>}{c.or && <span class="dim">, unless it reads {c.or}</span>}</span>
              {c.kind === "function" && done && inventory.value?.services.has("logs") && <a class="inline" href={to("logs", "/aws/lambda/" + c.name)}>log</a>}
            </div>
            {table && done && <Held record={r} table={table} />}
            {c.kind === "function" && done && <Written record={r} by={c.name} />}
          </div>
        );
      })}
    </div>
  );
}

interface Place { path: string; after: number | undefined }

/** Held finds the object that holds a record, by a query for what is plain in it. */
function Held(p: { record: Rec; table: GlueTable }) {
  const { record: r, table: t } = p;
  const [found, setFound] = useState<Place[]>();
  const { busy, error, act } = useAct();
  const statement = finding(r.value, columnsFor(t), t.Name);
  const look = async () => {
    const result = await query(statement, t.DatabaseName);
    const paths = [...new Set(result.rows.map((row) => row[0] ?? ""))].filter(Boolean);
    setFound(await Promise.all(paths.slice(0, 3).map(async (path) => {
      const at = place(path);
      // An object tells the second in which it was written.
      const written = await modified(at.bucket, at.prefix).catch(() => undefined);
      return { path, after: written && Math.max(0, (written.getTime() - r.arrived.getTime()) / 1000) };
    })));
  };
  return (
    <div class="found">
      {!found && <button disabled={!!busy} onClick={() => act("find", look)}>{busy ? "Looking…" : "Find it in " + t.Name}</button>}
      {found?.length === 0 && <span class="sub">No row of {t.Name} has these values: it may have been changed on its way, or not be in an object yet.</span>}
      {found?.map((f) => <div key={f.path}><span class="m">{f.path}</span>{f.after !== undefined && <span class="dim"> about {span(f.after)} after it arrived</span>}</div>)}
      <button class="plain" onClick={() => openStatement(statement, t.DatabaseName)}>The SQL that finds it</button>
      <Problem error={error} />
    </div>
  );
}

/** Written reports whether the tables that a function's environment names have an item of the record's key. */
function Written(p: { record: Rec; by: string }) {
  const inv = inventory.value!;
  const named = new Set(Object.values(inv.functions.find((f) => f.FunctionName === p.by)?.Environment?.Variables ?? {}));
  return <>{inv.tables.filter((t) => named.has(t.TableName)).map((t) => <Item key={t.TableName} record={p.record} table={t} />)}</>;
}

function Item(p: { record: Rec; table: ItemTable }) {
  const { table: t } = p;
  const key = itemKey(p.record.value, t.KeySchema, t.AttributeDefinitions);
  const [there, setThere] = useState(false);
  const live = useLive(async () => {
    if (!key || there) return;
    const r = await call<{ Item?: object }>("dynamodb", "GetItem", { TableName: t.TableName, Key: key, ConsistentRead: true });
    if (r.Item) setThere(true);
  }, 2000, [t.TableName, p.record.sequence]);
  const names = t.KeySchema.map((k) => k.AttributeName).join(" and ");
  return (
    <div class="step inner">
      <i class={there ? "done" : key ? "waits" : ""} aria-hidden="true" />
      <span>table <a class="inline" href={to("tables", t.TableName)}>{t.TableName}</a> {there ? "has an item of this key: " : key ? "has no item of this key: " : <>is keyed by {names}, which this record does not have</>}{key && <span class="m">{Object.values(key).map((v) => v.S ?? v.N).join(", ")}</span>}{live.error && <span class="bad"> {live.error.message}</span>}</span>
    </div>
  );
}

const columnsFor = (t: GlueTable) => [...(t.StorageDescriptor?.Columns ?? []), ...(t.PartitionKeys ?? [])];

/** tableOf is the table of the lake that a delivery writes into. */
function tableOf(delivery: string): GlueTable | undefined {
  const d = inventory.value?.deliveries.find((x) => x.DeliveryStreamName === delivery);
  const s3 = d && destination(d);
  if (!s3) return undefined;
  const schema = s3.DataFormatConversionConfiguration?.SchemaConfiguration, bucket = place(s3.BucketARN).bucket, prefix = (s3.Prefix ?? "").split("!{")[0]!;
  return inventory.value!.lake.find((t) => (schema?.TableName === t.Name && schema.DatabaseName === t.DatabaseName) || (prefix && place(t.StorageDescriptor?.Location ?? "").bucket === bucket && place(t.StorageDescriptor?.Location ?? "").prefix.startsWith(prefix)));
}
