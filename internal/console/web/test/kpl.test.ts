import assert from "node:assert/strict";
import test from "node:test";
import { mayBe, takenApart } from "../src/parts/kpl.ts";
import { startOf } from "../src/parts/tail.ts";

const text = (s: string) => [...new TextEncoder().encode(s)];
const field = (n: number, bytes: number[]) => [(n << 3) | 2, bytes.length, ...bytes];
const record = (key: number, data: string) => field(3, [8, key, ...field(3, text(data))]);
const aggregate = (...message: number[]) => Uint8Array.from([0xf3, 0x89, 0x9a, 0xc2, ...message, ...new Array<number>(16).fill(7)]);

test("an aggregate of the Kinesis Producer Library is taken apart", () => {
  const raw = aggregate(...field(1, text("a")), ...field(1, text("b")), ...record(0, '{"n":1}'), ...record(1, "x"));
  assert.ok(mayBe(Buffer.from(raw).toString("base64")));
  assert.deepEqual(takenApart(raw)?.map((p) => [p.key, new TextDecoder().decode(p.data), p.at, p.of]), [["a", '{"n":1}', 1, 2], ["b", "x", 2, 2]]);
});

test("what only begins as an aggregate is left as it is", () => {
  for (const bad of [aggregate(), aggregate(...record(3, "x")), aggregate(26, 200), aggregate(255, 255, 255, 255, 255, 255, 255, 255, 255, 255), Uint8Array.from([0xf3, 0x89, 0x9a, 0xc2])]) assert.equal(takenApart(bad), undefined);
  assert.equal(mayBe(Buffer.from("hello").toString("base64")), false);
  for (let i = 0; i < 2000; i++) takenApart(aggregate(...Array.from({ length: 40 }, () => Math.floor(Math.random() * 256)))); // nothing is thrown
});

test("a place is a time, an age or a sequence number", () => {
  assert.deepEqual(startOf("49680679686638739613066451642749049662141703396062658562"), { ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: "49680679686638739613066451642749049662141703396062658562" });
  assert.equal(startOf("2026-01-31 14:05").ShardIteratorType, "AT_TIMESTAMP");
  assert.equal(startOf("nonsense").ShardIteratorType, "LATEST");
  assert.deepEqual(startOf("1m", 120_000), { ShardIteratorType: "AT_TIMESTAMP", Timestamp: 60 });
});
