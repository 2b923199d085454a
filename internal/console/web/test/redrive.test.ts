import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { batches } from "../src/pages/putting.ts";
import { redrivable, refusedOf, unpacked, writtenBy } from "../src/pages/refused.ts";

test("an error object goes only where every record of it is known", () => {
  const line = '{"attemptsMade":1,"arrivalTimestamp":1767225600000,"errorCode":"Lambda.FunctionError","errorMessage":"no","rawData":"aGk="}';
  const table = '{"lastErrorCode":"DataFormatConversion.ParseError","lastErrorMessage":"no","rawData":"aGk="}';
  assert.deepEqual(refusedOf(line + "\n" + table + "\n").map((r) => [r.code, r.data, r.raw]), [["Lambda.FunctionError", "hi", "aGk="], ["DataFormatConversion.ParseError", "hi", "aGk="]]);
  assert.equal(redrivable(refusedOf(line + "\n")), true);
  for (const bad of ["", "\n", line + "\n{", '{"rawData":"aGk="}', '{"errorCode":"x","rawData":7}', '{"errorCode":"x","rawData":"***"}', '{"errorCode":"x"}', "null", "[]", "\u001f\u008b"]) assert.equal(redrivable(refusedOf(bad)), false, bad);
});

test("what is packed is read whole, or not at all", async () => {
  const text = "a line\n".repeat(5000), packed = gzipSync(text);
  assert.deepEqual([await unpacked(packed), await unpacked(new TextEncoder().encode(text)), await unpacked(new Uint8Array())], [text, text, ""]);
  await assert.rejects(unpacked(packed.subarray(0, packed.length - 9)));
});

test("error objects are told from those of others", () => {
  const of = (delivery: string, prefix = "errors/") => writtenBy(delivery, prefix, "errors/processing-failed/2026/11/29/17/orders-raw-2-2026-11-29-17-05-59-0d1c");
  assert.deepEqual([of("orders-raw"), of("orders"), of("raw"), of("raw", "errors/!{firehose:error-output-type}/"), of("other")], [true, false, false, false, false]);
  assert.equal(writtenBy("orders-raw", "errors/!{firehose:error-output-type}-", "errors/processing-failed-orders-raw-2-2026-11-29-17-05-59-0d1c"), true);
  for (const key of ["errors/orders-raw.json", "errors/orders-raw-2-2026", "orders-raw-x-2026-11-29-17-05-59-0d1c"]) assert.equal(writtenBy("orders-raw", "errors/", key), false, key);
});

test("records are put in batches that one call takes", () => {
  const of = (n: number, letters: number) => batches(Array.from({ length: n }, () => ({ Data: "x".repeat(letters) }))).map((b) => b.length);
  assert.deepEqual([of(0, 1), of(500, 4), of(1001, 4), of(7, 1_300_000), of(2, 3_400_000), of(2, 9_000_000)], [[], [500], [500, 500, 1], [2, 2, 2, 1], [1, 1], [1, 1]]);
});
