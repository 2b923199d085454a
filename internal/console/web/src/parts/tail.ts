// Follows all shards of a stream, and those that come of splits and merges.
import { call, AwsError } from "../aws/client.ts";
import { mayBe, takenApart, type Part } from "./kpl.ts";
import { every } from "./live.ts";

const strict = new TextDecoder("utf-8", { fatal: true });
let ids = 0;

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

/** recordsOf is what a record holds: itself, or those that the Kinesis Producer Library has put into it. */
function recordsOf(wire: Wire, shard: string): Rec[] {
  return ((mayBe(wire.Data) && takenApart(bytesOf(wire.Data))) || [undefined]).map((part) => new Rec(wire, shard, part));
}

/** deep reports whether more is within each other than walks of it bear: it is shown as a text. */
function deep(text: string): boolean {
  for (let i = 0, depth = 0, within = false; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 34) within = !within;
    else if (within) i += c === 92 ? 1 : 0;
    else if ((c === 91 || c === 123) && ++depth > 500) return true;
    else if (c === 93 || c === 125) depth--;
  }
  return false;
}

function decode(data: string, part?: Part) {
  const raw = part?.data ?? bytesOf(data);
  const r = { text: part ? Array.from(raw, (b) => b.toString(16).padStart(2, "0")).join("") : data, binary: true, value: undefined as unknown };
  try {
    r.text = strict.decode(raw).trim();
    r.binary = false;
    if (/^[{["\d-]|^(true|false|null)$/.test(r.text) && !deep(r.text)) r.value = JSON.parse(r.text);
  } catch {
    // Not text, or not JSON: it is shown as it is.
  }
  return r;
}

/** Rec is a record. Of most that a fast stream brings nothing is ever shown, so what it holds is decoded when it is looked at. */
export class Rec {
  readonly id = ids++; // grows as records are seen
  private read?: { text: string; binary: boolean; value: unknown };
  /** part is which of the records of an aggregate it is. */
  constructor(private readonly wire: Wire, readonly shard: string, readonly part?: Part) {}
  /** ms is when it arrived. */
  get ms(): number { return this.wire.ApproximateArrivalTimestamp * 1000; }
  get arrived(): Date { return new Date(this.ms); }
  get sequence(): string { return this.wire.SequenceNumber; }
  get key(): string { return this.part?.key ?? this.wire.PartitionKey; }
  get bytes(): number { if (this.part) return this.part.data.length; const d = this.wire.Data; return (d.length / 4) * 3 - (d.endsWith("==") ? 2 : d.endsWith("=") ? 1 : 0); }
  get text(): string { return this.decoded().text; }
  get binary(): boolean { return this.decoded().binary; }
  /** value is of JSON; undefined for others. */
  get value(): unknown { return this.decoded().value; }
  private decoded() { return (this.read ??= decode(this.wire.Data, this.part)); }
}

interface Wire { SequenceNumber: string; ApproximateArrivalTimestamp: number; Data: string; PartitionKey: string }
interface Shard { ShardId: string; ParentShardId?: string; AdjacentParentShardId?: string; SequenceNumberRange: { EndingSequenceNumber?: string } }

/** startOf is where to begin: latest, trim_horizon, "5m" ago, a time, or the sequence number of a record. */
export function startOf(from: string, now = Date.now()): Record<string, unknown> {
  if (from === "latest") return { ShardIteratorType: "LATEST" };
  if (from === "trim_horizon") return { ShardIteratorType: "TRIM_HORIZON" };
  if (numbered(from)) return { ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: from };
  const ago = /^(\d+)(s|m|h|d)$/.exec(from);
  const ms = ago ? now - Number(ago[1]) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] as "s"] : Date.parse(from);
  if (Number.isNaN(ms)) return { ShardIteratorType: "LATEST" };
  return { ShardIteratorType: "AT_TIMESTAMP", Timestamp: Math.min(ms, now) / 1000 };
}

/** fromCommand is the command that reads from the same place; of a sequence number, that of a shard. */
export function fromCommand(stream: string, from: string, shard = "SHARD"): string {
  if (numbered(from)) return `aws kinesis get-records --shard-iterator $(aws kinesis get-shard-iterator --stream-name ${stream} --shard-id ${shard} --shard-iterator-type AT_SEQUENCE_NUMBER --starting-sequence-number ${from} --query ShardIterator --output text)`;
  const ms = Date.parse(from);
  return `brookmere streams tail ${stream}` + (from === "latest" ? "" : " --from " + (Number.isNaN(ms) ? from : new Date(ms).toISOString()));
}

/** numbered reports whether a place is a sequence number, which is one of a single shard. */
const numbered = (from: string) => /^\d{20,}$/.test(from);

/** wait is how long the tail rests when there was nothing more to read. */
const wait = 500;

/** fast is how many records of a turn are more than a page can read and stay smooth: then it reads a sample. */
const fast = 2000;

export interface Tail {
  stop: () => void;
  /** sampled reports that more comes than is read: between what is read, records are left out. */
  sampled: () => boolean;
}

export function tail(stream: string, from: string, got: (records: Rec[], behind: number) => void, failed: (e: Error | undefined) => void): Tail {
  const iterators = new Map<string, string>();
  const known = new Set<string>();
  const places = new Map<string, Record<string, unknown>>(); // where a shard is read on when its iterator has expired
  const aborting = new AbortController();
  let listed = 0;
  let foreign: Error | undefined;
  let begun = 0, sampling = false;
  let unopened: Error | undefined; // a shard of the last listing
  // Who asks for what was an hour ago, or at a time, gets all of it in its order.
  const mayLeap = /^(latest|\d+[sm])$/.test(from);
  const iterator = async (shard: string, start: Record<string, unknown>) => void iterators.set(shard, (await call<{ ShardIterator: string }>("kinesis", "GetShardIterator", { StreamName: stream, ShardId: shard, ...start })).ShardIterator);
  const list = async (first: boolean) => {
    const p = await call<{ Shards: Shard[] }>("kinesis", "ListShards", { StreamName: stream });
    listed = Date.now();
    unopened = undefined;
    const wanted = p.Shards.filter((s) => !known.has(s.ShardId) && !(first && from === "latest" && s.SequenceNumberRange.EndingSequenceNumber));
    for (const s of p.Shards) known.add(s.ShardId);
    await Promise.all(wanted.map(async (s) => {
      const start = places.get(s.ShardId) ?? (first ? startOf(from) : { ShardIteratorType: "TRIM_HORIZON" });
      places.set(s.ShardId, start);
      try {
        await iterator(s.ShardId, start);
      } catch (e) {
        if (!(first && numbered(from) && e instanceof AwsError && e.code === "InvalidArgumentException")) {
          known.delete(s.ShardId); // it is begun again
          listed = Date.now() - 8000;
          unopened = e as Error;
          return;
        }
        foreign = e; // a number of another shard
      }
    }));
    if (first && foreign && !iterators.size) throw foreign;
  };
  const turn = async () => {
    try {
      if (!listed || Date.now() - listed > 10_000) await list(!listed);
      const behind = new Set<string>();
      let more = true, came = 0;
      for (let pages = 0; more && pages < (sampling ? 1 : 4); pages++) {
        more = false;
        behind.clear();
        await Promise.all([...iterators].map(async ([shard, it]) => {
          try {
            const p = await call<{ Records: Wire[]; NextShardIterator?: string; MillisBehindLatest: number }>("kinesis", "GetRecords", { ShardIterator: it, Limit: sampling ? Math.max(100, Math.ceil(1000 / iterators.size)) : 1000 }, aborting.signal);
            if (p.NextShardIterator) iterators.set(shard, p.NextShardIterator);
            else iterators.delete(shard), (listed = 1); // it was split or merged: look for its children
            came += p.Records.length;
            if (p.Records.length) {
              places.set(shard, { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: p.Records.at(-1)!.SequenceNumber });
              got(p.Records.flatMap((r) => recordsOf(r, shard)), p.MillisBehindLatest);
            }
            if (p.MillisBehindLatest > 0) {
              more = true;
              if (p.NextShardIterator) behind.add(shard);
            }
          } catch (e) {
            if (e instanceof AwsError && e.code === "ExpiredIteratorException") {
              iterators.delete(shard);
              known.delete(shard);
              listed = 1;
            } else throw e;
          }
        }));
      }
      begun += came;
      if (!more) begun = -Infinity; // it has been at the tip
      sampling = mayLeap && (sampling ? behind.size > 0 : came > fast && (begun < 0 || begun > 10 * fast));
      if (sampling) await Promise.all([...behind].map((shard) => iterator(shard, { ShardIteratorType: "LATEST" })));
      failed(unopened);
    } catch (e) {
      if ((e as Error).name !== "AbortError") failed(e as Error);
    }
  };
  const end = every(wait, turn);
  return { stop: () => (end(), aborting.abort()), sampled: () => sampling };
}
