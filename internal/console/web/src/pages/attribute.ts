// Items of DynamoDB as plain JSON, and back. Numbers keep their digits as texts where a double would lose some.

export type Attribute = Record<string, unknown>;
export type Item = Record<string, Attribute>;

/** plain is a value as people write it. Sets and bytes keep their form: {"SS": [...]}. */
export function plain(a: Attribute): unknown {
  const [type, v] = Object.entries(a)[0] ?? ["NULL", true];
  switch (type) {
    case "S": case "BOOL": return v;
    case "N": return String(Number(v)) === v ? Number(v) : { N: v };
    case "NULL": return null;
    case "L": return (v as Attribute[]).map(plain);
    case "M": {
      const m = Object.fromEntries(Object.entries(v as Item).map(([k, x]) => [k, plain(x)]));
      return isTyped(m) ? { M: v } : m;
    }
    default: return { [type]: v };
  }
}

const typed = new Set(["N", "B", "SS", "NS", "BS", "M"]);

/** isTyped tells a value that is written with its type from a map: one key, that of a type. */
function isTyped(v: object): boolean {
  const keys = Object.keys(v);
  return keys.length === 1 && typed.has(keys[0]!);
}

/** attribute is what a plain value is to DynamoDB. */
export function attribute(v: unknown): Attribute {
  if (v === null || v === undefined) return { NULL: true };
  if (typeof v === "string") return { S: v };
  if (typeof v === "number") return { N: String(v) };
  if (typeof v === "boolean") return { BOOL: v };
  if (Array.isArray(v)) return { L: v.map(attribute) };
  if (isTyped(v as object)) return v as Attribute;
  return { M: Object.fromEntries(Object.entries(v as object).map(([k, x]) => [k, attribute(x)])) };
}

export function plainItem(i: Item): Record<string, unknown> {
  return Object.fromEntries(Object.entries(i).map(([k, a]) => [k, plain(a)]));
}

export function itemOf(v: Record<string, unknown>): Item {
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, attribute(x)]));
}
