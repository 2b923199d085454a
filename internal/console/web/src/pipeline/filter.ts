// A filter of records: words to be found, or conditions on a JSON path: $.purchase.amount > 100.

export type Test = (text: string, value: unknown) => boolean;

const condition = /^\$?\.?([\w$.[\]-]+)\s*(==|=|!=|<>|>=|<=|>|<|~)\s*(.+)$/;

/** at is the value of a path (a.b[0].c) in a value of JSON; undefined where it has none. A name may have dots, up to seven. */
export function at(value: unknown, path: string): unknown {
  return within(value, path.replace(/\[(\d+)\]/g, ".$1").split(".").filter((p) => p && p !== "$"));
}

function within(v: unknown, parts: string[]): unknown {
  if (!parts.length) return v;
  if (v === null || typeof v !== "object") return undefined;
  for (let n = 1; n <= Math.min(parts.length, 8); n++) {
    const name = parts.slice(0, n).join(".");
    const found = Object.hasOwn(v, name) ? within((v as Record<string, unknown>)[name], parts.slice(n)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** bare reports whether a value has none of the paths: a number, a text, a list, or what is made otherwise. */
export const bare = (value: unknown, paths: string[]) => paths.every((p) => at(value, p) === undefined);

/** filterOf reads a filter; conditions are joined by "and". An empty one lets all pass. */
export function filterOf(text: string): Test {
  const tests = text.trim() ? text.trim().split(/\s+and\s+/i).map(one) : [];
  return (record, value) => tests.every((t) => t(record, value));
}

function one(text: string): Test {
  const m = condition.exec(text);
  if (!m) {
    const word = text.toLowerCase();
    return (record) => record.toLowerCase().includes(word);
  }
  const path = m[1]!, op = m[2]!, want = m[3]!.trim().replace(/^(['"])(.*)\1$/, "$2");
  const number = Number(want);
  return (_, value) => {
    const have = at(value, path);
    if (have === undefined) return false;
    if (op === "~") return String(have).toLowerCase().includes(want.toLowerCase());
    const numeric = !Number.isNaN(number) && want !== "" && have !== null && have !== "" && !Number.isNaN(Number(have));
    const order = numeric ? Number(have) - number : String(have) < want ? -1 : String(have) > want ? 1 : 0;
    switch (op) {
      case "=": case "==": return order === 0;
      case "!=": case "<>": return order !== 0;
      case ">": return order > 0;
      case "<": return order < 0;
      case ">=": return order >= 0;
      default: return order <= 0;
    }
  };
}

const longest = 200; // of a path: a record chooses its names

/** columnsOf is the paths of the values in records that most of them have, in the order in which they are met. */
export function columnsOf(values: unknown[], most = 16): string[] {
  const seen = new Map<string, number>();
  const walk = (v: unknown, path: string, depth: number) => {
    if (v !== null && typeof v === "object" && !Array.isArray(v) && depth < 3) {
      for (const [k, x] of Object.entries(v)) walk(x, path ? path + "." + k : k, depth + 1);
    } else if (path && path.length <= longest) seen.set(path, (seen.get(path) ?? 0) + 1);
  };
  for (const v of values) {
    walk(v, "", 0);
    if (seen.size > 5000) break;
  }
  const least = [...seen.values()].sort((a, b) => b - a)[most - 1] ?? 0, above = [...seen.values()].filter((n) => n > least).length;
  let left = most - above; // of those that as many have as the last
  return [...seen].filter(([, n]) => n > least || (n === least && left-- > 0)).map(([path]) => path);
}

/** cellOf is the cell of a column that a row may not have. */
export const cellOf = (row: object | undefined, column: string) => (row && Object.hasOwn(row, column) ? cellText((row as Record<string, unknown>)[column]) : "");

/** cellText is a value in a table. */
export function cellText(v: unknown): string {
  return v === undefined ? "" : typeof v === "object" ? JSON.stringify(v) : String(v);
}
