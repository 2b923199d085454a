// Zip files of a few small files: read, and written again.

export interface Entry { name: string; data: Uint8Array; /** mode is the file's external attributes, as they were */ mode: number }

const most = 8 << 20; // bytes of all files

async function inflated(data: Uint8Array, size: number): Promise<Uint8Array> {
  const reader = new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const out = new Uint8Array(size);
  let at = 0;
  for (let r = await reader.read(); !r.done; r = await reader.read()) {
    if (at + r.value.length > size) throw new Error("A file of the package is larger than it says.");
    out.set(r.value, at);
    at += r.value.length;
  }
  if (at !== size) throw new Error("A file of the package is smaller than it says.");
  return out;
}

/** deflated is data packed, or itself where that is no smaller. */
async function deflated(data: Uint8Array): Promise<Uint8Array> {
  const packed = new Uint8Array(await new Response(new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream("deflate-raw"))).arrayBuffer());
  return packed.length < data.length ? packed : data;
}

function checked(name: string, data: Uint8Array, sum: number): Uint8Array {
  if (crc(data) !== sum) throw new Error(name + " of the package is damaged.");
  return data;
}

/** unzip reads the files of a package; folders are left out. */
export async function unzip(b: Uint8Array): Promise<Entry[]> {
  const v = new DataView(b.buffer, b.byteOffset, b.byteLength);
  let end = b.length - 22;
  while (end >= 0 && v.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error("The package is not a zip file.");
  const out: Entry[] = [];
  let total = 0;
  for (let n = v.getUint16(end + 10, true), at = v.getUint32(end + 16, true); n > 0; n--) {
    if (v.getUint32(at, true) !== 0x02014b50) throw new Error("The directory of the zip file is broken.");
    const method = v.getUint16(at + 10, true), packed = v.getUint32(at + 20, true), size = v.getUint32(at + 24, true), long = v.getUint16(at + 28, true), head = v.getUint32(at + 42, true);
    const name = new TextDecoder().decode(b.subarray(at + 46, at + 46 + long));
    const from = head + 30 + v.getUint16(head + 26, true) + v.getUint16(head + 28, true), data = b.subarray(from, from + packed);
    if ((total += size) > most) throw new Error("The package holds more than is edited here.");
    if (method !== 0 && method !== 8) throw new Error(name + " is packed in a way that is not read here.");
    if (!name.endsWith("/")) out.push({ name, data: checked(name, method ? await inflated(data, size) : data, v.getUint32(at + 16, true)), mode: v.getUint32(at + 38, true) });
    at += 46 + long + v.getUint16(at + 30, true) + v.getUint16(at + 32, true);
  }
  return out;
}

function crc(b: Uint8Array): number {
  let c = -1;
  for (const x of b) {
    c ^= x;
    for (let i = 0; i < 8; i++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c >>> 0;
}

/** zip writes files, packed where that makes them smaller. */
export async function zip(entries: Entry[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [], directory: Uint8Array[] = [];
  let at = 0;
  for (const e of entries) {
    const name = new TextEncoder().encode(e.name), data = await deflated(e.data), head = new DataView(new ArrayBuffer(46));
    head.setUint32(0, 0x02014b50, true);
    head.setUint16(4, 0x314, true); // made on Unix, whose modes are kept
    head.setUint16(6, 20, true);
    head.setUint16(8, 0x800, true); // the name is UTF-8
    head.setUint16(10, data === e.data ? 0 : 8, true);
    head.setUint16(14, 0x21, true); // 1980-01-01
    head.setUint32(16, crc(e.data), true);
    head.setUint32(20, data.length, true);
    head.setUint32(24, e.data.length, true);
    head.setUint16(28, name.length, true);
    head.setUint32(38, e.mode, true);
    head.setUint32(42, at, true);
    directory.push(new Uint8Array(head.buffer), name);
    const local = new Uint8Array(30);
    local.set(new Uint8Array(head.buffer, 6, 24), 4); // the same fields, but for the first
    new DataView(local.buffer).setUint32(0, 0x04034b50, true);
    local.set([0, 0], 28);
    parts.push(local, name, data);
    at += 30 + name.length + data.length;
  }
  const size = directory.reduce((n, p) => n + p.length, 0), end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, entries.length, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, at, true);
  const out = new Uint8Array(at + size + 22);
  let to = 0;
  for (const p of [...parts, ...directory, new Uint8Array(end.buffer)]) out.set(p, to), (to += p.length);
  return out;
}
