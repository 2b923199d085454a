// How fast things go: from counts that the node keeps, a second apart.
import { signal } from "@preact/signals";
import { own } from "./aws/client.ts";
import { account, node, region } from "./aws/session.ts";

export interface ShardStatus { id: string; open: boolean; records: number; bytes: number; kept_records: number; last?: string }
export interface StreamStatus { name: string; account: string; region: string; shards: ShardStatus[] }
export interface DeliveryStatus {
  name: string; account: string; region: string; records_delivered: number; records_failed: number; objects: number;
  lag_records: number; lag_bytes: number; lag_seconds: number; last_object?: string; last_delivery?: string;
  held?: boolean; last_error?: string; last_error_time?: string; source_places?: Record<string, string>;
  compaction: { setting: string; objects: number; into: number; waiting_folders: number; last_error?: string };
}

/** Flow is how fast something goes now, and went in the last two minutes. */
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
  /** known is false where the node does not tell: elsewhere than on its own machine. */
  known: boolean;
  streams: Map<string, StreamStatus>;
  deliveries: Map<string, DeliveryStatus>;
  flows: Map<string, Flow>; // by "stream/NAME", "stream/NAME/SHARD", "delivery/NAME"
}

const none: Rates = { known: true, streams: new Map(), deliveries: new Map(), flows: new Map() };
export const rates = signal<Rates>(none);

let meter = new Meter();
let still = 0; // how many times in a row nothing has moved

/** quiet reports that nothing has moved for a while: then it is enough to look less often. */
export const quiet = () => still > 15;

export function restart() {
  meter = new Meter();
  still = 0;
  rates.value = none;
}

export async function measure() {
  let s: StreamStatus[], d: DeliveryStatus[];
  try {
    [s, d] = await Promise.all([own<StreamStatus[]>("streams"), own<DeliveryStatus[]>("deliveries")]);
  } catch (e) {
    const status = (e as { status?: number }).status;
    if (status === 403 || status === 404) rates.value = { ...none, known: false };
    return;
  }
  const now = performance.now();
  const here = (x: { account: string; region: string }) => x.region === region.value && (!account.value || x.account === account.value);
  const next: Rates = { known: true, streams: new Map(), deliveries: new Map(), flows: new Map() };
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
  still = [...next.flows.values()].some((f) => f.rate > 0) ? 0 : still + 1;
  rates.value = next;
}

export function mayMeasure(): boolean {
  return !!node.value && rates.value.known;
}
