import assert from "node:assert/strict";
import test from "node:test";
import { parse, type Source } from "../src/pipeline/minisql.ts";

const records: Source[] = [["Lisbon", 10], ["Porto", 25], ["Lisbon", 30.5], ["Faro", null], ["Porto", 5]].map(([city, amount], i) => ({
  value: { id: "o" + i, city, amount, customer: { vip: i % 2 === 0 }, tags: ["a", "b" + i] }, key: "k" + i, shard: "shardId-00000000000" + (i % 2), arrived: new Date(1e12 + i), bytes: 10 + i, text: "{}",
}));
const run = (sql: string) => parse(sql)(records).rows;

test("columns, paths and conditions", () => {
  assert.deepEqual(run("SELECT id FROM orders WHERE amount > 20 AND city <> 'Faro'"), [["o1"], ["o2"]]);
  assert.deepEqual(run("select id, customer.vip v, tags[1] from my-stream where customer.vip = true and not (id in ('o0'))"), [["o2", true, "b2"], ["o4", true, "b4"]]);
  assert.deepEqual(run("SELECT id WHERE city LIKE 'P%o' OR amount IS NULL"), [["o1"], ["o3"], ["o4"]]);
  assert.deepEqual(run("SELECT _key, _shard, _bytes FROM s WHERE amount BETWEEN 5 AND 10"), [["k0", 0, 10], ["k4", 0, 14]]);
  assert.deepEqual(parse("SELECT * FROM s LIMIT 1")(records).names, ["id", "city", "amount", "customer", "tags"]);
  assert.deepEqual(run("SELECT round(amount * 2 + 1, 1), upper(city) FROM s ORDER BY amount DESC LIMIT 2"), [[62, "LISBON"], [51, "PORTO"]]);
});

test("groups", () => {
  assert.deepEqual(run("SELECT city, count(*) AS n, sum(amount) FROM s GROUP BY city ORDER BY n DESC, city"), [["Lisbon", 2, 40.5], ["Porto", 2, 30], ["Faro", 1, null]]);
  assert.deepEqual(run("SELECT count(*), count(amount), count(DISTINCT city), avg(amount) FROM s WHERE city = 'Porto'"), [[2, 2, 1, 15]]);
  assert.deepEqual(run("SELECT sum(amount) / count(*) FROM s WHERE city = 'Nowhere'"), [[null]]);
  assert.deepEqual(run("SELECT city, max(amount) - min(amount) spread FROM s GROUP BY 1 ORDER BY 2 DESC LIMIT 1"), [["Lisbon", 20.5]]);
});

test("what is wrong is said", () => {
  for (const [sql, says] of [
    ["SELECT", /Expected a column/], ["SELECT id FROM s WHERE", /Expected a column/], ["SELECT a FROM s JOIN t", /JOIN is for the lake/], ["SELECT nope(a) FROM s", /There is no nope/],
    ["SELECT city, count(*) FROM s", /neither in GROUP BY/], ["DELETE FROM s", /Expected SELECT/], ["SELECT id FROM s WHERE count(*) > 1", /single records/], ["SELECT 'a", /What is/], ["SELECT id FROM s LIMIT x", /a number/],
  ] as const) assert.throws(() => parse(sql), says, sql);
});

test("names that every object has are no functions and no columns", () => {
  assert.throws(() => parse("SELECT constructor(a) FROM t"), /There is no constructor here/);
  assert.equal(parse("SELECT __proto__, constructor, toString FROM t")([]).rows.length, 0);
});

test("a star is of objects, and of as many columns as can be shown", () => {
  const of = (value: unknown): Source => ({ key: "k", shard: "shardId-000000000000", arrived: new Date(0), bytes: 1, text: "", value });
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => ["c" + i, i]));
  assert.equal(parse("SELECT * FROM t")([of(Array.from({ length: 100_000 }, () => 0)), of(wide)]).names.length, 200);
});
