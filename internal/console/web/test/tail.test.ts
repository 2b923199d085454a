import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Rec, Tail } from "../src/parts/tail.ts";

/** stream is a Kinesis stream of two shards, of which every turn brings some records each. */
function stream() {
  const shards = new Map([["shardId-000000000000", 0], ["shardId-000000000001", 0]]); // how many records each has
  const reads: number[] = [];
  const answer = (operation: string, input: Record<string, unknown>): object => {
    switch (operation) {
      case "ListShards":
        return { Shards: [...shards.keys()].map((ShardId) => ({ ShardId, SequenceNumberRange: {} })) };
      case "GetShardIterator": {
        const shard = String(input.ShardId);
        const at = input.ShardIteratorType === "LATEST" ? shards.get(shard)! : input.ShardIteratorType === "TRIM_HORIZON" ? 0 : Number(input.StartingSequenceNumber) + 1;
        return { ShardIterator: `${shard}/${at}` };
      }
      case "GetRecords": {
        const [shard, place] = String(input.ShardIterator).split("/"), at = Number(place), have = shards.get(shard!)!;
        const n = Math.min(Number(input.Limit), have - at);
        reads.push(n);
        return {
          NextShardIterator: `${shard}/${at + n}`, MillisBehindLatest: have > at + n ? 1000 : 0,
          Records: Array.from({ length: n }, (_, i) => ({ SequenceNumber: String(at + i), ApproximateArrivalTimestamp: 1, Data: btoa(`{"n":${at + i}}`), PartitionKey: "k" })),
        };
      }
    }
    throw new Error(operation);
  };
  return { shards, reads, answer };
}

/** following runs a tail through turns of half a second, in each of which a shard gets the records of rates. */
async function following(from: string, rates: number[], look: (turn: number, t: Tail, got: Rec[]) => void) {
  const s = stream();
  Object.assign(globalThis, {
    document: { hidden: false, addEventListener: () => undefined, removeEventListener: () => undefined },
    location: { origin: "http://node", hash: "", search: "", pathname: "/console/" },
    fetch: async (_: URL, o: { headers: Record<string, string>; body: Uint8Array }) => {
      const target = Object.entries(o.headers).find(([k]) => k.toLowerCase() === "x-amz-target")![1];
      return new Response(JSON.stringify(s.answer(target.split(".")[1]!, JSON.parse(new TextDecoder().decode(o.body)) as Record<string, unknown>)));
    },
  });
  for (const store of ["sessionStorage", "localStorage"]) {
    Object.defineProperty(globalThis, store, { configurable: true, value: { getItem: () => null, setItem: () => undefined, removeItem: () => undefined } });
  }
  const { keys } = await import("../src/aws/session.ts");
  keys.value = { id: "AKIDEXAMPLE", secret: "secret" } as never;
  const { tail } = await import("../src/parts/tail.ts");
  // The tail's own timer alone is held: what is asked and signed goes on.
  let next: (() => void) | undefined;
  const real = globalThis.setTimeout;
  const held = mock.method(globalThis, "setTimeout", ((f: () => void, ms: number, ...rest: unknown[]) => (ms === 500 ? (next = f, 0) : real(f, ms, ...rest))) as never);
  const got: Rec[] = [];
  let wrong: Error | undefined;
  const t = tail("s", from, (records) => void got.push(...records), (e) => (wrong ??= e));
  const rest = async () => {
    while (!next) await new Promise((done) => setImmediate(done));
  };
  try {
    await rest();
    for (let turn = 0; turn < rates.length; turn++) {
      for (const shard of s.shards.keys()) s.shards.set(shard, s.shards.get(shard)! + rates[turn]!);
      const f = next!;
      next = undefined;
      f();
      await rest();
      assert.equal(wrong, undefined);
      look(turn, t, got);
    }
  } finally {
    t.stop();
    held.mock.restore();
  }
  return { got, ...s };
}

test("of a stream that is faster than a page a sample is read, near its end, and all again when it slows down", async () => {
  const fast = Array<number>(10).fill(5000), slow = Array<number>(6).fill(10); // 20,000 records a second, then 40
  let before = 0;
  const perTurn: number[] = [], sampled: boolean[] = [];
  const s = await following("latest", [...fast, ...slow], (_, t, got) => {
    sampled.push(t.sampled());
    perTurn.push(got.length - before);
    before = got.length;
  });
  assert.ok(sampled.slice(1, fast.length).every(Boolean), `a sample is read, and said so: ${sampled}`);
  assert.ok(perTurn.slice(1, fast.length).every((n) => n > 0 && n <= 2000), `few records are read a turn: ${perTurn}`);
  assert.equal(sampled.at(-1), false, "no sample at the end");
  const last = s.got.slice(-2 * 10 * 4).map((r) => Number(r.sequence)).sort((a, b) => a - b);
  const from = s.shards.get("shardId-000000000000")! - 40;
  assert.deepEqual(last, Array.from({ length: 80 }, (_, i) => from + (i >> 1)), "nothing is left out once it is slow");
  assert.equal(new Set(s.got.map((r) => r.shard + r.sequence)).size, s.got.length, "no record comes twice");
});

test("who asks for all of a stream gets all of it, however fast it is", async () => {
  const s = await following("trim_horizon", [...Array<number>(5).fill(5000), ...Array<number>(20).fill(0)], (_, t) => assert.equal(t.sampled(), false));
  assert.equal(s.got.length, 50_000);
  for (const shard of s.shards.keys()) {
    assert.deepEqual(s.got.filter((r) => r.shard === shard).map((r) => Number(r.sequence)), Array.from({ length: 25_000 }, (_, i) => i));
  }
});
