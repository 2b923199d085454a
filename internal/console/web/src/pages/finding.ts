// How to find what became of a record: a row of the lake, an item of a table, by what is plain in it.
import { name } from "./athena.ts";

/**
 * finding is the statement that finds a record in a table of the lake: by texts and whole numbers, of which at
 * most four are compared. Fractions are compared last, as columns may hold them with fewer digits.
 */
export function finding(value: unknown, columns: { Name: string; Type?: string }[], table: string): string {
  const v = Object.entries((value && typeof value === "object" && !Array.isArray(value) ? value : {}) as Record<string, unknown>);
  const conditions = columns.flatMap((c): { by: string; rank: number }[] => {
    const x = v.find(([k]) => k.toLowerCase() === c.Name.toLowerCase())?.[1];
    const type = (c.Type ?? "").toLowerCase();
    if (typeof x === "string" && /^(string|varchar|char)/.test(type)) return [{ by: `${name(c.Name)} = '${x.replace(/'/g, "''")}'`, rank: 0 }];
    // A date is that of a time as ISO 8601 writes it too: of partitions, it leaves few to be read.
    if (typeof x === "string" && type === "date" && /^\d{4}-\d\d-\d\d(T|$)/.test(x)) return [{ by: `${name(c.Name)} = DATE '${x.slice(0, 10)}'`, rank: -1 }];
    if (typeof x !== "number") return [];
    if (/^(int|bigint|smallint|tinyint|decimal)/.test(type) && Number.isSafeInteger(x)) return [{ by: `${name(c.Name)} = ${x}`, rank: 1 }];
    if (type.startsWith("double")) return [{ by: `${name(c.Name)} = ${/e/i.test(String(x)) ? x : x + "e0"}`, rank: 2 }];
    return [];
  }).sort((a, b) => a.rank - b.rank).slice(0, 4);
  return `SELECT "$path", *\nFROM ${name(table)}${conditions.length ? "\nWHERE " + conditions.map((c) => c.by).join("\n  AND ") : ""}\nLIMIT 10`;
}

/** itemKey is the key of a table's item that a record is about; undefined where the record lacks a part of it. */
export function itemKey(value: unknown, schema: { AttributeName: string }[], types: { AttributeName: string; AttributeType: string }[]): Record<string, { S?: string; N?: string }> | undefined {
  if (!value || typeof value !== "object") return undefined;
  const key: Record<string, { S?: string; N?: string }> = {};
  for (const k of schema) {
    const x = (value as Record<string, unknown>)[k.AttributeName], type = types.find((t) => t.AttributeName === k.AttributeName)?.AttributeType;
    if (type === "S" && typeof x === "string" && x !== "") key[k.AttributeName] = { S: x };
    else if (type === "N" && (typeof x === "number" || (typeof x === "string" && x.trim() !== "" && !Number.isNaN(Number(x))))) key[k.AttributeName] = { N: String(x) };
    else return undefined;
  }
  return key;
}

/** likely are the streams that the most leases are at a record of: several where numbers of records are the same in them. */
export function likely(of: [stream: string, hits: number][]): string[] {
  const most = Math.max(1, ...of.map(([, n]) => n));
  return of.filter(([, n]) => n === most).map(([s]) => s);
}
