// SQL as the editor knows it: what may follow what is written.
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { keywords, reserved, wordAt } from "./words.ts";

export interface SQLFunction { name: string; kind: string; topic: string; forms: string[]; description: string }
/** Schema is the columns of tables, by database and table. */
export type Schema = Record<string, Record<string, { label: string; detail: string }[]>>;

const part = String.raw`(?:[\w$]+|"[^"]*"|\x60[^\x60]*\x60)`;
const plain = (s: string) => s.replace(/["`]/g, "").toLowerCase();
const written = (s: string) => (/^[a-z_][a-z0-9_]*$/.test(s) && !reserved(s) ? s : '"' + s + '"');

/** known are the tables that a statement names, by what it calls them: their own names, and others that it gives them. */
function known(text: string): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const m of text.matchAll(new RegExp(String.raw`(?:\b(?:from|join|into|update)\s+|,\s*)(${part}(?:\.${part})*)(?:\s+(?:as\s+)?(${part}))?`, "gi"))) {
    const path = m[1]!.match(new RegExp(part, "g"))!.map(plain), alias = m[2] && plain(m[2]);
    out.set(path[path.length - 1]!, path);
    if (alias && !reserved(alias)) out.set(alias, path);
  }
  return out;
}

/** completer offers columns, tables, databases, functions and keywords where they fit; functions come with what they are. */
export function completer(schema: Schema, database: string, functions: Completion[]): (c: CompletionContext) => CompletionResult | null {
  const words = [...functions, ...keywords.map((k): Completion => ({ label: k.toUpperCase(), type: "keyword", boost: -1 }))];
  const find = <T,>(of: Record<string, T> | undefined, name: string): T | undefined => of?.[Object.keys(of).find((k) => k.toLowerCase() === name) ?? ""];
  const columns = (path: string[]) => {
    const table = path[path.length - 1]!, db = path.length > 1 ? path[path.length - 2]! : database.toLowerCase();
    return (find(find(schema, db), table) ?? []).map((c): Completion => ({ label: c.label, detail: c.detail, type: "property", apply: written(c.label), boost: 2 }));
  };
  const tables = (db: string) => Object.keys(find(schema, db) ?? {}).map((label): Completion => ({ label, type: "class", apply: written(label), boost: 1 }));
  return (c) => {
    if (/comment|text/.test(wordAt(c.state.doc, c.pos)?.kind ?? "")) return null;
    const m = c.matchBefore(new RegExp(String.raw`(?:${part}\.)*["\x60]?[\w$]*`));
    if (!m || (!m.text && !c.explicit)) return null;
    const path = m.text.match(new RegExp(String.raw`${part}(?=\.)`, "g"))?.map(plain) ?? [], last = /["`]?[\w$]*$/.exec(m.text)![0];
    const tablesHere = known(c.state.doc.toString());
    const options = path.length
      ? [...columns(tablesHere.get(path.join(".")) ?? path), ...tables(path[path.length - 1]!)]
      : [...[...new Map([...tablesHere.values()].map((p) => [p.join("."), p])).values()].flatMap(columns), ...tables(database.toLowerCase()), ...Object.keys(schema).map((label): Completion => ({ label, type: "namespace", apply: written(label) })), ...words];
    const seen = new Set<string>();
    return { from: c.pos - last.length, options: options.filter((o) => !seen.has(o.label) && seen.add(o.label)), validFor: /^["`]?[\w$]*$/ };
  };
}
