// The footer of a Parquet file: its columns, row groups, encodings and statistics, read from Thrift's compact protocol.

/** Struct is a structure of Thrift, by the numbers of its fields. */
interface Struct { [field: number]: Value }
type Value = boolean | number | bigint | Uint8Array | Value[] | Struct;

export interface Chunk { column: string; type: string; encodings: string; codec: string; values: number; nulls?: number; min?: string; max?: string; bytes: number; raw: number }
export interface Footer { rows: number; by: string; groups: { rows: number; bytes: number; columns: Chunk[] }[] }

const deepest = 32, most = 1 << 22; // values in a footer: it has a few dozen for each column of a group

function compact(b: Uint8Array): Struct {
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  let at = 0, values = 0;
  const varint = (): bigint => {
    let v = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= b.length || shift > 63n) throw new Error("The footer ends within a number.");
      const x = b[at++]!;
      v |= BigInt(x & 127) << shift;
      if (x < 128) return v;
    }
  };
  const zigzag = () => { const v = varint(); return (v >> 1n) ^ -(v & 1n); };
  const size = () => { const n = Number(varint()); if (n > b.length - at) throw new Error("The footer names more than it holds."); return n; };
  const value = (type: number, depth: number): Value => {
    if (depth > deepest) throw new Error("The footer is too deep.");
    if (++values > most) throw new Error("The footer holds more than is shown here.");
    switch (type) {
      case 1: case 2: return type === 1;
      case 3: return view.getInt8(at++);
      case 4: case 5: return Number(zigzag());
      case 6: return zigzag();
      case 7: at += 8; return view.getFloat64(at - 8, true);
      case 8: { const n = size(); return b.subarray(at, (at += n)); }
      case 9: case 10: {
        const head = b[at++]!, n = head >> 4 === 15 ? size() : head >> 4, of = head & 15, out: Value[] = [];
        for (let i = 0; i < n; i++) out.push(of === 1 || of === 2 ? b[at++] === 1 : value(of, depth + 1));
        return out;
      }
      case 11: {
        const n = size(), types = n ? b[at++]! : 0;
        for (let i = 0; i < n; i++) value(types >> 4, depth + 1), value(types & 15, depth + 1); // the footer has no map that is shown
        return [];
      }
      case 12: {
        const out: Struct = {};
        for (let field = 0; ;) {
          const head = b[at++];
          if (head === undefined) throw new Error("The footer ends too early.");
          if (head === 0) return out;
          field = head >> 4 ? field + (head >> 4) : Number(zigzag());
          out[field] = value(head & 15, depth + 1);
        }
      }
    }
    throw new Error("The footer has a type that is not known.");
  };
  return value(12, 0) as Struct;
}

const types = ["BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"];
const codecs = ["uncompressed", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4 raw"];
const encodings = ["plain", "", "plain dictionary", "RLE", "bit packed", "delta", "delta length", "delta bytes", "RLE dictionary", "byte stream split"];

/** decimal is a number with so many digits behind the point. */
function decimal(n: bigint, scale: number): string {
  const digits = String(n < 0n ? -n : n).padStart(scale + 1, "0"), at = digits.length - scale;
  return (n < 0n ? "-" : "") + digits.slice(0, at) + (scale ? "." + digits.slice(at) : "");
}

function plain(raw: Value | undefined, type: number, leaf: Struct | undefined): string | undefined {
  if (!(raw instanceof Uint8Array)) return undefined;
  const converted = leaf?.[6] as number | undefined, scale = Number(leaf?.[7] ?? 0);
  const v = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const time = (ms: number) => (Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString().replace("T", " ").replace("Z", "") : String(ms));
  if (converted === 5 && scale >= 0 && scale < 40 && (type === 1 || type === 2) && raw.length === type * 4) return decimal(type === 1 ? BigInt(v.getInt32(0, true)) : v.getBigInt64(0, true), scale);
  if (converted! >= 11 && converted! <= 14 && raw.length === type * 4) return String(type === 1 ? v.getUint32(0, true) : v.getBigUint64(0, true));
  if (type === 0 && raw.length === 1) return String(raw[0] === 1);
  if (type === 1 && raw.length === 4) return converted === 6 ? time(v.getInt32(0, true) * 86_400_000).slice(0, 10) : String(v.getInt32(0, true));
  if (type === 2 && raw.length === 8) { const n = v.getBigInt64(0, true); return converted === 9 ? time(Number(n)) : converted === 10 ? time(Number(n / 1000n)) : String(n); }
  if (type === 4 && raw.length === 4) return String(Number(v.getFloat32(0, true).toPrecision(7)));
  if (type === 5 && raw.length === 8) return String(v.getFloat64(0, true));
  if (type !== 6 || converted === 5) return undefined;
  return new TextDecoder().decode(raw.subarray(0, 60));
}

/** footerSize is how many bytes a file's last eight say that its footer has, those eight included; 0 for what is no Parquet. */
export function footerSize(end: Uint8Array): number {
  if (end.length < 8 || new TextDecoder().decode(end.subarray(-4)) !== "PAR1") return 0;
  return new DataView(end.buffer, end.byteOffset, end.byteLength).getUint32(end.length - 8, true) + 8;
}

/** footer reads the last bytes of a file, of which there are at least as many as footerSize says. */
export function footer(end: Uint8Array): Footer {
  const n = footerSize(end);
  if (!n || n > end.length) throw new Error("It is not a Parquet file.");
  const f = compact(end.subarray(end.length - n, end.length - 8));
  const list = (v: Value | undefined) => (Array.isArray(v) ? (v as Struct[]) : []);
  const text = (v: Value | undefined) => (v instanceof Uint8Array ? new TextDecoder().decode(v.subarray(0, 300)) : "");
  const leaves = list(f[2]).filter((s) => s[5] === undefined); // in the order of the columns of a group
  return {
    rows: Number(f[3] ?? 0), by: text(f[6]),
    groups: list(f[4]).map((g) => ({
      rows: Number(g[3] ?? 0), bytes: Number(g[2] ?? 0),
      columns: list(g[1]).map((c, i) => {
        const m = (c[3] ?? {}) as Struct, s = (m[12] ?? {}) as Struct, type = Number(m[1] ?? -1), leaf = leaves[i];
        return {
          column: (Array.isArray(m[3]) ? m[3] : []).map(text).join("."), type: types[type] ?? "", codec: codecs[Number(m[4] ?? 0)] ?? "",
          encodings: [...new Set((Array.isArray(m[2]) ? m[2] : []).map((e) => encodings[Number(e)] ?? ""))].join(", "), values: Number(m[5] ?? 0), raw: Number(m[6] ?? 0), bytes: Number(m[7] ?? 0),
          nulls: s[3] === undefined ? undefined : Number(s[3]), min: plain(s[6] ?? s[2], type, leaf), max: plain(s[5] ?? s[1], type, leaf),
        };
      }),
    })),
  };
}
