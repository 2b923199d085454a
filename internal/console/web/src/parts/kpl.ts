// Records that the Kinesis Producer Library has put into one: four bytes, a Protobuf message, an MD5 sum.

export interface Part { key: string; data: Uint8Array; at: number; of: number }

const magic = [0xf3, 0x89, 0x9a, 0xc2];

/** mayBe reports whether data in base64 begin as such a record does. */
export const mayBe = (base64: string) => base64.startsWith("84maw");

/** takenApart is the records in a record of the library; undefined where it is none. The sum is not checked. */
export function takenApart(raw: Uint8Array): Part[] | undefined {
  if (raw.length < 20 || magic.some((b, i) => raw[i] !== b)) return undefined;
  const text = new TextDecoder();
  const keys: string[] = [], parts: Part[] = [];
  const ok = fields(raw.subarray(4, raw.length - 16), (field, value) => {
    if (field === 1 && typeof value !== "number") keys.push(text.decode(value));
    if (field !== 3 || typeof value === "number") return true;
    let key = 0, data: Uint8Array | undefined;
    const whole = fields(value, (f, v) => {
      if (f === 1 && typeof v === "number") key = v;
      if (f === 3 && typeof v !== "number") data = v;
      return true;
    });
    if (!whole || !data || keys[key] === undefined) return false;
    parts.push({ key: keys[key]!, data, at: parts.length + 1, of: 0 });
    return true;
  });
  if (!ok || !parts.length) return undefined;
  for (const p of parts) p.of = parts.length;
  return parts;
}

/** fields reads the fields of a message, of which only numbers and bytes are known; it reports whether all could be read. */
function fields(b: Uint8Array, got: (field: number, value: number | Uint8Array) => boolean): boolean {
  let at = 0;
  const number = () => {
    let v = 0;
    for (let shift = 1; at < b.length; shift *= 128) {
      const x = b[at++]!;
      v += (x & 127) * shift;
      if (x < 128) return v;
      if (shift > 2 ** 49) return -1;
    }
    return -1;
  };
  while (at < b.length) {
    const tag = number(), n = tag < 0 ? -1 : number();
    if (n < 0 || ((tag & 7) !== 0 && (tag & 7) !== 2)) return false;
    let value: number | Uint8Array = n;
    if ((tag & 7) === 2) {
      if (at + n > b.length) return false;
      value = b.subarray(at, (at += n));
    }
    if (!got(tag >>> 3, value)) return false;
  }
  return true;
}
