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

export interface FilterInput { FilterExpression?: string; ExpressionAttributeNames?: Record<string, string>; ExpressionAttributeValues?: Record<string, Attribute> }

/** filterInput is a filter as people write it, as Query and Scan take it: status = 'paid' and amount > 5 and name ~ oak. Its errors say what is wrong. */
export function filterInput(text: string): FilterInput {
  if (!text.trim()) return {};
  const names: Record<string, string> = {}, values: Item = {};
  const one = (part: string, i: number): string => {
    const m = /^([\w.-]+)\s*(<=|>=|<>|!=|==?|<|>|~)\s*(.+)$/.exec(part.trim());
    if (!m) throw new Error(`“${part.trim()}” is no condition: write a name, one of = <> < <= > >= ~, and a value.`);
    const path = m[1]!.split(".").map((n, j) => { names[`#f${i}_${j}`] = n; return `#f${i}_${j}`; }).join("."), raw = m[3]!.trim(), q = /^(['"])(.*)\1$/.exec(raw);
    values[`:f${i}`] = q ? { S: q[2]! } : /^(true|false)$/.test(raw) ? { BOOL: raw === "true" } : Number.isFinite(Number(raw)) ? { N: raw } : { S: raw };
    const op = { "==": "=", "!=": "<>" }[m[2]!] ?? m[2]!;
    return op === "~" ? `contains(${path}, :f${i})` : `${path} ${op} :f${i}`;
  };
  return { FilterExpression: text.split(/\s+and\s+/i).map(one).join(" AND "), ExpressionAttributeNames: names, ExpressionAttributeValues: values };
}
