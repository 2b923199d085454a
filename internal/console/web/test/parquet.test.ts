import assert from "node:assert/strict";
import test from "node:test";
import { footer } from "../src/parts/parquet.ts";

// Thrift's compact protocol, as far as a footer of one group needs it.
const zigzag = (n: number): number[] => {
  const out: number[] = [];
  let v = n * 2;
  for (; v > 127; v = Math.floor(v / 128)) out.push((v % 128) | 128);
  return [...out, v];
};
const text = (b: number[]) => [b.length, ...b];
const chars = (s: string) => text([...s].map((c) => c.charCodeAt(0)));
/** struct has fields by number: a type and its bytes. */
const struct = (fields: [number, number, number[]][]) => [...fields.flatMap(([n, type, b]) => [type, ...zigzag(n), ...b]), 0];
const list = (of: number, items: number[][]) => [(items.length << 4) | of, ...items.flat()];

function file(physical: number, converted: number, scale: number, min: number[], max: number[]): Uint8Array {
  const leaf = struct([[1, 5, zigzag(physical)], [4, 8, chars("c")], [6, 5, zigzag(converted)], [7, 5, zigzag(scale)]]);
  const statistics = struct([[5, 8, text(max)], [6, 8, text(min)]]);
  const chunk = struct([[3, 12, struct([[1, 5, zigzag(physical)], [3, 9, list(8, [chars("c")])], [12, 12, statistics]])]]);
  const body = struct([
    [2, 9, list(12, [struct([[4, 8, chars("root")], [5, 5, zigzag(1)]]), leaf])], [3, 6, zigzag(2)],
    [4, 9, list(12, [struct([[1, 9, list(12, [chunk])], [3, 6, zigzag(2)]])])],
  ]);
  return Uint8Array.from([...body, body.length & 255, body.length >> 8, 0, 0, ..."PAR1"].map((x) => (typeof x === "string" ? x.charCodeAt(0) : x)));
}

const bytes = (n: bigint, size: number) => Array.from({ length: size }, (_, i) => Number((BigInt.asUintN(64, n) >> BigInt(8 * i)) & 255n));

test("least and greatest values are those of the column's type", () => {
  for (const [physical, converted, scale, n, want] of [
    [1, 5, 2, -5n, "-0.05"], [2, 5, 3, 1234567n, "1234.567"], [2, 5, 0, 7n, "7"], [1, 13, 0, 4_000_000_000n, "4000000000"], [2, 14, 0, -1n, "18446744073709551615"],
    [1, 6, 0, 19_723n, "2024-01-01"], [2, 9, 0, 0n, "1970-01-01 00:00:00.000"], [1, 15, 0, -3n, "-3"],
  ] as const) {
    const b = bytes(n, physical * 4), c = footer(file(physical, converted, scale, b, b)).groups[0]!.columns[0]!;
    assert.deepEqual([c.column, c.min, c.max], ["c", want, want]);
  }
});
