import assert from "node:assert/strict";
import test from "node:test";
import { filterInput, itemOf, plainItem, type Item } from "../src/pages/attribute.ts";
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

test("a filter is what Query and Scan take", () => {
  assert.deepEqual(filterInput("a.status = 'paid' AND amount >= 5 and name ~ oak and open = true"), {
    FilterExpression: "#f0_0.#f0_1 = :f0 AND #f1_0 >= :f1 AND contains(#f2_0, :f2) AND #f3_0 = :f3",
    ExpressionAttributeNames: { "#f0_0": "a", "#f0_1": "status", "#f1_0": "amount", "#f2_0": "name", "#f3_0": "open" },
    ExpressionAttributeValues: { ":f0": { S: "paid" }, ":f1": { N: "5" }, ":f2": { S: "oak" }, ":f3": { BOOL: true } },
  });
  assert.deepEqual(filterInput(" "), {});
  assert.throws(() => filterInput("status"), /no condition/);
});
