import assert from "node:assert/strict";
import { test } from "node:test";
import { filled, parse, queries, reads, write } from "../src/dashboards/body.ts";
import { crossed, fitting, parts, seriesOf, shaped, timeOf } from "../src/dashboards/shape.ts";

test("a body comes back with what is not known of it", () => {
  const text = '{"start":"-PT3H","widgets":[{"type":"explorer","x":3,"y":1,"width":4,"height":2,"region":"eu-west-1","properties":{"a":[1]}}],"more":{"b":null}}';
  assert.deepEqual(JSON.parse(write(parse(text))), JSON.parse(text));
  for (const bad of ["", "[]", "null", "7", '{"widgets":{}}', "{"]) assert.throws(() => parse(bad));
  const odd = parse('{"widgets":[null,5,"x",{"type":9,"x":-4,"y":1e9,"width":99,"height":-1},{}],"variables":[{},null,{"type":"pattern"}]}');
  assert.deepEqual(odd.widgets.map((w) => [w.x, w.y, w.width, w.height]), [[0, 10000, 24, 1], [0, 10001, 6, 6]]);
});

test("variables stand for their values, within the quotes of statements", () => {
  const b = parse('{"variables":[{"type":"pattern","pattern":"CITY","id":"c","values":[{"value":"Lisbon"}]},{"type":"property","property":"region","id":"r","defaultValue":"eu-west-1"}],"widgets":[]}');
  assert.deepEqual(filled({ title: "in CITY", region: "us-east-1", params: { sql: "SELECT 'CITY'" } }, b.variables, { c: "L'Aquila" }), { title: "in L'Aquila", region: "eu-west-1", params: { sql: "SELECT 'L''Aquila'" } });
});

test("metrics of widgets are those of the console of CloudWatch", () => {
  const q = queries({ stat: "Sum", period: 60, metrics: [["AWS/Kinesis", "IncomingRecords", "StreamName", "a", { id: "m1" }], ["...", "b"], [".", "IncomingBytes", ".", ".", { stat: "p99", label: "bytes", visible: false }], [{ expression: "m1*2", id: "e1" }], "odd", []] }, 300);
  assert.deepEqual(q.map((x) => [x.id, x.label, x.visible]), [["m1", "IncomingRecords a", true], ["w1", "IncomingRecords b", true], ["w2", "bytes", false], ["e1", "m1*2", true]]);
  assert.deepEqual(q[2]!.query.MetricStat, { Metric: { Namespace: "AWS/Kinesis", MetricName: "IncomingBytes", Dimensions: [{ Name: "StreamName", Value: "b" }] }, Period: 60, Stat: "p99" });
  for (const odd of [{}, { metrics: null }, { metrics: [[1, 2, 3]] }, { metrics: [["..."]] }]) queries(odd, 60);
});

test("a dashboard runs statements that read alone", () => {
  for (const good of ["select 1", "  WITH a AS (SELECT 1) SELECT * FROM a", "-- x\n(SELECT 1)", "-- it's\nSELECT 1", "/* a */ values 1", "SELECT ';' ;", "SELECT '--', \"/*\"; -- end"]) assert.ok(reads(good), good);
  for (const bad of ["DROP TABLE t", "insert into t select 1", "/* select */ delete from t", "select 1; drop table t", "EXECUTE x", "UNLOAD (SELECT 1) TO 's3://x'", "SELECT '--'; DROP TABLE t", "SELECT '/*'; DROP TABLE t --*/", "SELECT 'a''--'; DROP TABLE t", "", "selection"]) assert.ok(!reads(bad), bad);
});

test("a result is drawn by what its columns hold", () => {
  const d = shaped(["t", "name", "n"], [["2026-11-29 08:00:00.000", "a", "1"], ["2026-11-29 08:01:00.000", "b", "2.5"], ["2026-11-29 08:02:00.000", "a", null]]);
  assert.deepEqual(d.columns.map((c) => c.kind), ["time", "text", "number"]);
  assert.deepEqual(fitting(d).slice(0, 2), ["line", "area"]);
  assert.deepEqual(seriesOf(d).series.map((s) => [s.name, s.points.length]), [["a", 1], ["b", 1]]);
  assert.deepEqual(parts(d, 10), [["b", 2.5], ["a", 1]]);
  assert.deepEqual(parts(shaped(["k", "n"], [["a", 3], ["b", 2], ["c", 1]]), 2), [["a", 3], ["2 others", 3]]);
  assert.deepEqual(crossed(shaped(["a", "b", "n"], [["x", "u", 1], ["x", "v", 2], ["y", "u", 3], ["x", "u", 4]])), { rows: ["x", "y"], columns: ["u", "v"], cells: [[5, 2], [3, null]] });
  assert.equal(fitting(shaped(["latitude", "longitude"], [["1", "2"]]))[0], "map");
  assert.deepEqual(fitting(shaped([], [])), ["table"]);
  const ids = shaped(["zip", "id", "n"], [["00123", "9007199254740993", "-0.50"], ["10115", "1", "1e3"]]);
  assert.deepEqual(ids.rows, [["00123", "9007199254740993", -0.5], ["10115", "1", 1000]]);
  assert.deepEqual(shaped(["late"], [...Array.from({ length: 600 }, () => ["1"]), ["n/a"]]).rows[600], ["n/a"]);
  assert.equal(timeOf("2026-11-28 13"), Date.UTC(2026, 10, 28, 13));
  assert.equal(timeOf("2026-11-28 13:00:00.123456 UTC"), Date.UTC(2026, 10, 28, 13, 0, 0, 123));
  assert.ok(Number.isNaN(timeOf("13")) && Number.isNaN(timeOf("x2026-11-28")));
});
