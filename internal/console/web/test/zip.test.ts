import assert from "node:assert/strict";
import test from "node:test";
import { deflateRawSync } from "node:zlib";
import { unzip, zip } from "../src/parts/zip.ts";

const bytes = (s: string) => new TextEncoder().encode(s);

test("a package is written and read again", async () => {
  const files = [
    { name: "app.py", data: bytes("def handler(e, c):\n    return 1\n"), mode: 0o100644 * 65536 }, { name: "lib/ü.txt", data: bytes(""), mode: 0 },
    { name: "long.txt", data: bytes("again and ".repeat(9000)), mode: 0o100755 * 65536 },
  ];
  const made = await zip(files);
  assert.ok(made.length < 3000, `${made.length} bytes`);
  assert.deepEqual((await unzip(made)).map((e) => [e.name, new TextDecoder().decode(e.data), e.mode]), files.map((e) => [e.name, new TextDecoder().decode(e.data), e.mode]));
});

test("what is packed is unpacked, and no more and no less than it says", async () => {
  const made = await zip([{ name: "a", data: bytes("abc"), mode: 0 }]);
  const v = new DataView(made.buffer), at = v.getUint32(made.length - 6, true);
  assert.deepEqual([v.getUint16(at + 10, true), v.getUint32(at + 16, true)], [0, 0x352441c2]); // too short to be packed
  v.setUint32(at + 16, 1, true);
  await assert.rejects(unzip(made), /damaged/);
  const long = bytes("a".repeat(5000)), packed = await zip([{ name: "a", data: long, mode: 0 }]), w = new DataView(packed.buffer), there = w.getUint32(packed.length - 6, true);
  assert.deepEqual([w.getUint16(there + 10, true), w.getUint32(there + 20, true)], [8, deflateRawSync(long).length]);
  for (const [size, why] of [[100, /larger than it says/], [5001, /smaller than it says/], [900 << 20, /more than is edited/]] as const) {
    w.setUint32(there + 24, size, true);
    await assert.rejects(unzip(packed), why);
  }
});

test("what is no package is refused", async () => {
  for (const bad of [bytes(""), bytes("PK"), (await zip([{ name: "a", data: bytes("x"), mode: 0 }])).subarray(10)]) await assert.rejects(unzip(bad));
});
