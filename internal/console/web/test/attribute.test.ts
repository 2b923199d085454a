import assert from "node:assert/strict";
import test from "node:test";
import { itemOf, plainItem, type Item } from "../src/pages/attribute.ts";
import { refusedOf } from "../src/pages/refused.ts";

test("an item is the same after it was edited as JSON", () => {
  const item: Item = {
    id: { S: "a" }, n: { N: "1.5" }, big: { N: "12345678901234567890" }, no: { NULL: true }, yes: { BOOL: true }, tags: { SS: ["x", "y"] },
    list: { L: [{ N: "1" }, { M: { k: { S: "v" } } }] }, map: { M: { N: { S: "a key that is a type's" } } }, raw: { B: "AAEC" },
  };
  const text = JSON.stringify(plainItem(item));
  assert.deepEqual(itemOf(JSON.parse(text) as Record<string, unknown>), item);
  assert.deepEqual(plainItem({ a: { N: "3" } }), { a: 3 });
});

test("records that failed are decoded with their reason", () => {
  const line = JSON.stringify({ attemptsMade: 1, arrivalTimestamp: 1764331200000, lastErrorCode: "DataFormatConversion.ParseError", lastErrorMessage: "not JSON", rawData: btoa("oops") });
  const [r, broken] = refusedOf(line + "\nnot json\n");
  assert.equal(r!.data, "oops");
  assert.equal(r!.code, "DataFormatConversion.ParseError");
  assert.equal(broken!.data, "not json");
});
