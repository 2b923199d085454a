// How fast things go: from counts that the node keeps, a second apart.
import { signal } from "@preact/signals";
import { all, call, own } from "./aws/client.ts";
import { account, node, region } from "./aws/session.ts";
import { span } from "./format.ts";
import { inventory } from "./inventory.ts";

export interface ShardStatus { id: string; open: boolean; records: number; bytes: number; kept_records: number; last?: string }
export interface StreamStatus { name: string; account: string; region: string; shards: ShardStatus[] }
export interface DeliveryStatus {
  name: string; account: string; region: string; records_delivered: number; records_failed: number; objects: number;
  lag_records: number; lag_bytes: number; lag_seconds: number; last_object?: string; last_delivery?: string;
  held?: boolean; last_error?: string; last_error_time?: string; source_places?: Record<string, string>;
  compaction: { setting: string; objects: number; into: number; waiting_folders: number; last_error?: string };
}

/** Flow is how fast something goes now, and went in the last two minutes, or in the range that is chosen. */
export interface Flow { rate: number; bytes: number; history: number[] }

const kept = 120;

/** Meter makes rates of counts. */
export class Meter {
  private last = new Map<string, { at: number; records: number; bytes: number; flow: Flow }>();

  /** take is told a count at a time in ms, and returns the flow, smoothed over a few counts. */
  take(key: string, at: number, records: number, bytes: number): Flow {
    const before = this.last.get(key);
    // A count that has fallen by half is that of something created again.
    if (!before || records < before.records / 2 || at <= before.at) {
      const flow = before?.flow ?? { rate: 0, bytes: 0, history: [] };
      this.last.set(key, { at, records, bytes, flow });
      return flow;
    }
    // One that has fallen a little counted some twice: that of a delivery into many partitions.
    records = Math.max(records, before.records);
    const seconds = (at - before.at) / 1000;
    const now = (records - before.records) / seconds;
    const smooth = before.flow.history.length ? 0.4 : 1;
    const rate = before.flow.rate + (now - before.flow.rate) * smooth;
    const perSecond = before.flow.bytes + ((bytes - before.bytes) / seconds - before.flow.bytes) * smooth;
    const flow = { rate: rate < 0.005 ? 0 : rate, bytes: perSecond < 0.5 ? 0 : perSecond, history: [...before.flow.history, now].slice(-kept) };
    this.last.set(key, { at, records, bytes, flow });
    return flow;
  }
}

export interface Rates {
  /** known is false where nobody tells: the node only its owner, on its own machine, and CloudWatch only who may read it. */
  known: boolean;
  /** over is the seconds that flows are of, by CloudWatch's metrics; 0 where they are of now, by the node's counts. */
  over: number;
  streams: Map<string, StreamStatus>;
  deliveries: Map<string, DeliveryStatus>;
  flows: Map<string, Flow>; // by "stream/NAME", "stream/NAME/SHARD", "delivery/NAME"
}

const none: Rates = { known: true, over: 0, streams: new Map(), deliveries: new Map(), flows: new Map() };
export const rates = signal<Rates>(none);

/** range is the seconds that flows are wanted of; 0 for now. */
export const range = signal(0);

let meter = new Meter();
let refused = false; // the node does not tell its counts to who asks
let past: { of: string; at: number; /** flows are undefined where nobody tells */ flows: Map<string, Flow> | undefined } | undefined;

const unasked = 900; // seconds that are looked at where the node does not tell what goes on now

/** byMetrics is how fast things went in the last seconds, by CloudWatch; it fails where there is none. */
async function byMetrics(seconds: number): Promise<Map<string, Flow>> {
  const inv = inventory.value, flows = new Map<string, Flow>();
  if (!inv) return flows;
  if (!inv.services.has("cloudwatch")) throw new Error("There are no metrics.");
  const wanted = [
    ...inv.streams.flatMap((s) => ["IncomingRecords", "IncomingBytes"].map((m) => ["stream/" + s.StreamName, "AWS/Kinesis", m, "StreamName", s.StreamName] as const)),
    ...inv.deliveries.map((d) => ["delivery/" + d.DeliveryStreamName, "AWS/Firehose", d.Source ? "DeliveryToS3.Records" : "IncomingRecords", "DeliveryStreamName", d.DeliveryStreamName] as const),
  ].slice(0, 500); // that one call takes
  if (!wanted.length) return flows;
  const period = Math.max(60, Math.ceil(seconds / 60 / 60) * 60), now = Math.floor(Date.now() / 60_000) * 60, end = Math.ceil(now / period) * period, start = end - Math.ceil(seconds / period) * period;
  const long = (at: number) => Math.min(period, now - start - at * period); // the last period is not over yet
  const found = await all<{ Id: string; Timestamps: number[]; Values: number[] }, string>((t) => call("cloudwatch", "GetMetricData", {
    StartTime: start, EndTime: end, NextToken: t, MetricDataQueries: wanted.map(([, space, metric, name, value], i) => ({ Id: "m" + i, MetricStat: { Metric: { Namespace: space, MetricName: metric, Dimensions: [{ Name: name, Value: value }] }, Period: period, Stat: "Sum" } })),
  }), "MetricDataResults", "NextToken", 10_000);
  wanted.forEach(([key, , metric], i) => {
    const history = new Array<number>((end - start) / period).fill(0);
    for (const r of found) if (r.Id === "m" + i) r.Timestamps.forEach((t, j) => { if (t >= start && t < end) history[Math.floor((t - start) / period)] = r.Values[j]! / long(Math.floor((t - start) / period)); });
    const mean = history.reduce((sum, v, at) => sum + v * long(at), 0) / (now - start), have = flows.get(key);
    if (metric === "IncomingBytes") have && (have.bytes = mean);
    else flows.set(key, { rate: mean, bytes: 0, history });
  });
  return flows;
}

let still = 0; // how many times in a row nothing has moved

/** quiet reports that nothing has moved for a while: then it is enough to look less often. */
export const quiet = () => still > 15;

export function restart() {
  meter = new Meter();
  still = 0;
  refused = false;
  past = undefined;
  rates.value = none;
}

export async function measure() {
  let s: StreamStatus[] = [], d: DeliveryStatus[] = [];
  const by = meter; // another when who asks is another
  try {
    if (!refused) [s, d] = await Promise.all([own<StreamStatus[]>("streams"), own<DeliveryStatus[]>("deliveries")]);
  } catch (e) {
    const status = (e as { status?: number }).status;
    if (by !== meter || (status !== 401 && status !== 403 && status !== 404)) return;
    refused = true;
  }
  if (by !== meter) return;
  const now = performance.now();
  const here = (x: { account: string; region: string }) => x.region === region.value && (!account.value || x.account === account.value);
  const next: Rates = { known: true, over: 0, streams: new Map(), deliveries: new Map(), flows: new Map() };
  for (const x of s.filter(here)) {
    next.streams.set(x.name, x);
    let records = 0, bytes = 0;
    for (const sh of x.shards) {
      records += sh.records;
      bytes += sh.bytes;
      next.flows.set(`stream/${x.name}/${sh.id}`, meter.take(`stream/${x.name}/${sh.id}`, now, sh.records, sh.bytes));
    }
    next.flows.set("stream/" + x.name, meter.take("stream/" + x.name, now, records, bytes));
  }
  for (const x of d.filter(here)) {
    next.deliveries.set(x.name, x);
    // What was taken: with its parts in the destination, or waiting. It grows as records arrive, not
    // as objects are written.
    next.flows.set("delivery/" + x.name, meter.take("delivery/" + x.name, now, x.records_delivered + x.records_failed + x.lag_records, 0));
  }
  const over = range.value || (refused ? unasked : 0);
  if (over) {
    const of = over + " " + (inventory.value?.streams.length ?? 0) + " " + (inventory.value?.deliveries.length ?? 0);
    try {
      if (past?.of !== of || Date.now() - past.at > (refused ? 60_000 : 15_000)) past = { of, at: Date.now(), flows: await byMetrics(over) };
    } catch {
      past = { of, at: Date.now(), flows: undefined };
    }
    if (by !== meter) return;
    if (past?.flows) next.over = over;
    else next.known = !refused;
    for (const [k, f] of past?.flows ?? []) next.flows.set(k, f);
  }
  still = [...next.flows.values()].some((f) => f.rate > 0) ? 0 : still + 1;
  rates.value = next;
}

/** spanned is what time the flows that are known are of. */
export const spanned = () => (rates.value.over ? "last " + round(rates.value.over) : "last two minutes");

/** round is a span of whole minutes, hours or days. */
export const round = (seconds: number) => span(seconds).replace(/ 0 \w+$/, "");

export function mayMeasure(): boolean {
  return !!node.value;
}
