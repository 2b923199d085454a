import { createHash } from "node:crypto";
import assert from "node:assert/strict";
import test from "node:test";
import { bytes, csv, marked, quoted, rate, span } from "../src/format.ts";
import { at, bare, columnsOf, filterOf } from "../src/pipeline/filter.ts";
import { fromCommand, Rec, startOf } from "../src/parts/tail.ts";
import { layout, pathOf, size } from "../src/pipeline/layout.ts";
import { canonicalQuery, encode, hex, sha256, sign } from "../src/aws/sigv4.ts";

test("numbers have the digits that mean something", () => {
  assert.equal(rate(0), "0");
  assert.equal(rate(0.0712), "0.07");
  assert.equal(rate(4.26), "4.3");
  assert.equal(rate(1998.4), "1,998");
  assert.equal(bytes(999), "999 B");
  assert.equal(bytes(1_240_000), "1.2 MB");
  assert.equal(span(0.041), "41 ms");
  assert.equal(span(41.2), "41 s");
  assert.equal(span(3725), "1 h 2 min");
});

test("what is not seen of a text is marked", () => {
  assert.equal(marked("a\u202eb\u2066\u200b\u0000\u001b[1m"), "a⟨U+202E⟩b⟨U+2066⟩⟨U+200B⟩⟨U+0000⟩\u001b[1m");
  for (const s of ["", "a\tb\r\nc", "שלום é 日本 👍🏽 👨\u200d👩\u200d👧"]) assert.equal(marked(s), s);
});

test("CSV and shell arguments are quoted where they must be", () => {
  assert.equal(csv([["a", 'say "b"', null], ["1,5", "x\ny", ""]]), 'a,"say ""b""",\r\n"1,5","x\ny",\r\n');
  assert.equal(quoted("s3://a/b"), "s3://a/b");
  assert.equal(quoted("it's"), "'it'\\''s'");
});

test("a filter finds words and compares values", () => {
  const v = { status: "pending", purchase: { amount: 118.4, items: [{ id: "a" }] }, zip: "0123" };
  const passes = (f: string) => filterOf(f)(JSON.stringify(v), v);
  assert.ok(passes(""));
  assert.ok(passes("PENDING"));
  assert.ok(passes("$.purchase.amount > 100 and status = 'pending'"));
  assert.ok(passes("purchase.items[0].id == a"));
  assert.ok(passes("status ~ end"));
  assert.ok(!passes("$.purchase.amount > 118.4"));
  assert.ok(!passes("missing != 1"));
  assert.equal(at(v, "$.purchase.items[0].id"), "a");
  assert.equal(at(null, "a"), undefined);
  assert.equal(at({}, "constructor.name"), undefined);
  assert.deepEqual(["service.name", "more.a.b", "more.a.c[1]", "more.a"].map((p) => at({ "service.name": "x", more: { "a.b": 1, a: { c: [2, 3] } } }, p)), ["x", 1, 3, { c: [2, 3] }]);
});

test("a record without the columns of others is shown whole", () => {
  const paths = columnsOf([{ a: 1, "b.c": { d: null } }]);
  assert.deepEqual(paths, ["a", "b.c.d"]);
  for (const v of [5, "a", null, undefined, [[1, [2]]], [{ a: 1 }], {}, { other: 1 }]) assert.ok(bare(v, paths), JSON.stringify(v));
  for (const v of [{ a: 0 }, { a: null }, { "b.c": { d: null } }]) assert.ok(!bare(v, paths), JSON.stringify(v));
});

test("columns are the paths of values", () => {
  assert.deepEqual(columnsOf([{ a: 1, b: { c: 2, d: [1] } }, { e: null }]), ["a", "b.c", "b.d", "e"]);
  assert.deepEqual(columnsOf([3, "x", { ["a.".repeat(500_000)]: 1 }]), []);
});

test("resources stand in columns without lying on one another", () => {
  const edges = [["s", "d"], ["s", "f"], ["f", "t"], ["d", "b"], ["t", "f"]].map(([from, to]) => ({ from: from!, to: to! }));
  const { at: places, width, height } = layout(["s", "d", "f", "t", "b", "alone"], edges);
  assert.ok(places.get("s")!.x < places.get("d")!.x && places.get("d")!.x < places.get("b")!.x);
  const all = [...places.values()];
  for (const [i, p] of all.entries()) {
    assert.ok(p.x >= 0 && p.y >= 0 && p.x + size.width <= width && p.y + size.height <= height);
    for (const q of all.slice(i + 1)) assert.ok(Math.abs(p.x - q.x) >= size.width || Math.abs(p.y - q.y) >= size.height);
  }
  assert.deepEqual([...pathOf("d", edges.slice(0, 4))].sort(), ["b", "d", "s"]);
});

test("two hundred resources are placed in less than a second", () => {
  const ids = Array.from({ length: 200 }, (_, i) => "n" + i);
  const edges = ids.slice(1).map((id, i) => ({ from: ids[Math.floor(i / 3)]!, to: id }));
  const began = performance.now();
  assert.equal(layout(ids, edges).at.size, 200);
  assert.ok(performance.now() - began < 1000);
});

test("canonical queries are sorted and encoded", () => {
  assert.equal(canonicalQuery(new URL("http://a/?b=2&a=1%2B1&a=0")), "a=0&a=1%2B1&b=2");
  assert.equal(encode("a b*(c)'"), "a%20b%2A%28c%29%27");
});

// What botocore signs for the same request.
test("hashes of all lengths of a block are those of another program", () => {
  for (const n of [...Array(200).keys(), 1000, 65_536, 100_003]) {
    const data = Uint8Array.from({ length: n }, (_, i) => (i * 31 + n) & 255);
    assert.equal(hex(sha256(data)), createHash("sha256").update(data).digest("hex"), n + " bytes");
  }
});

test("a request is signed as AWS's own clients sign it", async () => {
  const signed = await sign({
    method: "POST", url: new URL("http://127.0.0.1:4566/2015-03-31/functions/a%20b/invocations?b=2&a=1%2B1"),
    headers: { "x-amz-target": "Kinesis_20131202.DescribeStream", "content-type": "application/x-amz-json-1.1" },
    body: new TextEncoder().encode('{"StreamName":"a"}'),
  }, { id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }, "us-east-1", "kinesis", new Date("2026-01-02T03:04:05Z"));
  assert.equal(signed["authorization"], "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/kinesis/aws4_request, " +
    "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target, Signature=2dc2cfd6248bc68902f2de9f746a202663c0360af1e50704d18feefa271a742e");
});

test("every place to begin at has its argument on the command line", () => {
  const number = "4".repeat(56);
  for (const [from, want] of [["latest", ""], ["5m", " --from 5m"], ["trim_horizon", " --from trim_horizon"], ["2026-01-31T14:05:00Z", " --from 2026-01-31T14:05:00.000Z"], ] as const) assert.equal(fromCommand("s", from, "x"), "brookmere streams tail s" + want);
  assert.match(fromCommand("s", number, "shardId-1"), /--stream-name s --shard-id shardId-1 --shard-iterator-type AT_SEQUENCE_NUMBER --starting-sequence-number \d+ /);
  assert.deepEqual(startOf(number), { ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: number });
});

test("columns are those that most records have", () => {
  assert.deepEqual(columnsOf([{ x: 1, y: 1, z: 1 }, { a: 1, b: 1 }, { a: 2, b: 2 }], 3), ["x", "a", "b"]);
  assert.deepEqual(columnsOf([{ a: 1 }, { b: 1, a: 1 }]), ["a", "b"]);
});

test("what is within too much is a text", () => {
  const rec = (text: string) => new Rec({ SequenceNumber: "1", ApproximateArrivalTimestamp: 1, Data: Buffer.from(text).toString("base64"), PartitionKey: "k" }, "shardId-000000000000");
  assert.deepEqual(rec('[[1], "[[{\\"["]').value, [[1], '[[{"[']);
  const deep = rec("[".repeat(100_000) + "]".repeat(100_000));
  assert.equal(deep.value, undefined);
  assert.equal(deep.text.length, 200_000);
});
