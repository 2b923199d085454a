import assert from "node:assert/strict";
import { test } from "node:test";
import { finding, itemKey, likely } from "../src/pages/finding.ts";

test("a record is found by texts first, then whole numbers", () => {
  const columns = [{ Name: "amount", Type: "double" }, { Name: "n", Type: "int" }, { Name: "order_id", Type: "string" }, { Name: "nested", Type: "struct<a:int>" }];
  assert.equal(finding({ amount: 12.5, N: 3, ORDER_ID: "o'1", nested: { a: 1 } }, columns, "my-orders"),
    `SELECT "$path", *\nFROM "my-orders"\nWHERE order_id = 'o''1'\n  AND n = 3\n  AND amount = 12.5e0\nLIMIT 10`);
  for (const odd of [null, undefined, "text", 7, [1, 2], {}]) assert.equal(finding(odd, columns, "t"), `SELECT "$path", *\nFROM t\nLIMIT 10`);
  assert.match(finding({ amount: 1e30, n: 1.5 }, columns, "t"), /amount = 1e\+30\n/);
});

test("the key of an item is that of the record, where it has all of it", () => {
  const schema = [{ AttributeName: "customer_id" }, { AttributeName: "n" }], types = [{ AttributeName: "customer_id", AttributeType: "S" }, { AttributeName: "n", AttributeType: "N" }];
  assert.deepEqual(itemKey({ customer_id: "c1", n: 5, more: true }, schema, types), { customer_id: { S: "c1" }, n: { N: "5" } });
  for (const odd of [null, 5, {}, { customer_id: "c1" }, { customer_id: 1, n: 1 }, { customer_id: "", n: 1 }, { customer_id: "c1", n: "x" }, { customer_id: "c1", n: " " }]) assert.equal(itemKey(odd, schema, types), undefined);
});

test("a table of leases is of the stream that most of its leases are at a record of", () => {
  assert.deepEqual(likely([["orders", 2], ["prices", 1], ["other", -1]]), ["orders"]);
  assert.deepEqual(likely([["orders", 1], ["prices", 1]]), ["orders", "prices"]);
  assert.deepEqual(likely([["orders", 0], ["prices", -1]]), []);
  assert.deepEqual(likely([]), []);
});
