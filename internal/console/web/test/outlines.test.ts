import assert from "node:assert/strict";
import { test } from "node:test";
import { borders, pathOf, unpack } from "../src/dashboards/outlines.ts";

test("lines are read as they were written", () => {
  assert.deepEqual(unpack("?? AA@@", 1), [[0, 0], [1, 1, 0, 0]]);
  assert.deepEqual(unpack("A@C?", 0.5), [[0.5, -0.5, 1.5, -0.5]]);
  assert.deepEqual(unpack("_@`@", 1), [[16, -17]]); // more than five bits
});

test("the world is whole: every point is on the globe, and known borders are there", async () => {
  const all = await borders();
  assert.ok(all.length > 200, `${all.length} lines`);
  let points = 0;
  for (const line of all) {
    assert.equal(line.length % 2, 0);
    for (let i = 0; i < line.length; i += 2) {
      points++;
      assert.ok(Math.abs(line[i]!) <= 180.2 && Math.abs(line[i + 1]!) <= 90.2, `${line[i]}, ${line[i + 1]}`);
    }
  }
  assert.ok(points > 4000, `${points} points`);
  const near = (lon: number, lat: number) => all.some((l) => l.some((v, i) => i % 2 === 0 && Math.hypot(v - lon, l[i + 1]! - lat) < 1.5));
  assert.ok(near(-9.5, 38.8), "the coast by Lisbon");
  assert.ok(near(-123, 49), "the border by Vancouver");
  assert.ok(near(18.4, -34), "the Cape");
  assert.ok(!near(-30, 30), "nothing in the middle of the Atlantic");
});

test("what is out of sight is left out, and lines end there", () => {
  const id = (v: number) => v;
  assert.equal(pathOf([[0, 0, 1, 1, 20, 20, 21, 21, 2, 2, 3, 3]], -5, 5, -5, 5, id, id), "M0.0 0.0L1.0 1.0L20.0 20.0M21.0 21.0L2.0 2.0L3.0 3.0");
  assert.equal(pathOf([[100, 0, 101, 1]], -5, 5, -5, 5, id, id), "");
  assert.equal(pathOf([[-179, 0, 179, 0]], -180, 180, -90, 90, id, id), "", "no line around the globe");
});
