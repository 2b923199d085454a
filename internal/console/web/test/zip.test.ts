import assert from "node:assert/strict";
import test from "node:test";
import { deflateRawSync } from "node:zlib";
import { unzip, zip } from "../src/parts/zip.ts";

const bytes = (s: string) => new TextEncoder().encode(s);

test("a package is written and read again", async () => {
  const files = [{ name: "app.py", data: bytes("def handler(e, c):\n    return 1\n"), mode: 0o100644 * 65536 }, { name: "lib/ü.txt", data: bytes(""), mode: 0 }];
  assert.deepEqual((await unzip(zip(files))).map((e) => [e.name, new TextDecoder().decode(e.data), e.mode]), files.map((e) => [e.name, new TextDecoder().decode(e.data), e.mode]));
});

test("what is packed is unpacked, and no more than it says", async () => {
  const text = "a".repeat(5000), packed = deflateRawSync(bytes(text)), made = zip([{ name: "a", data: packed, mode: 0 }]);
  const v = new DataView(made.buffer), at = v.getUint32(made.length - 6, true);
  v.setUint16(at + 10, 8, true);
  v.setUint32(at + 24, 5000, true);
  assert.equal(new TextDecoder().decode((await unzip(made))[0]!.data), text);
  v.setUint32(at + 24, 100, true);
  await assert.rejects(unzip(made), /larger than it says/);
  v.setUint32(at + 24, 900 << 20, true);
  await assert.rejects(unzip(made), /more than is edited/);
});

test("what is no package is refused", async () => {
  for (const bad of [bytes(""), bytes("PK"), zip([{ name: "a", data: bytes("x"), mode: 0 }]).subarray(10)]) await assert.rejects(unzip(bad));
});
