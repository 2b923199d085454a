// SQL as the editor knows it: the colours of its words, and what may follow what is written.
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { StreamLanguage, syntaxTree, type StreamParser } from "@codemirror/language";

export interface SQLFunction { name: string; kind: string; topic: string; forms: string[]; description: string }
/** Schema is the columns of tables, by database and table. */
export type Schema = Record<string, Record<string, { label: string; detail: string }[]>>;

const keywords = ("all alter analyze and any array as asc at between both by cascade case cast columns comment commit create cross cube current databases deallocate delete desc describe distinct drop else " +
  "end escape except exclude execute exists explain external extract fetch filter first following for from full functions grant group grouping having if ignore in inner insert intersect interval into is join last " +
  "lateral left like limit location map match msck natural next no not null nulls of offset on only or order ordinality outer over partition partitioned partitions position preceding prepare properties pump range " +
  "recursive rename repair replace right rollup row rows schema schemas select serdeproperties set sets show some stored stream substring table tables tablesample tblproperties then ties to trim true false try_cast " +
  "unbounded union unload unnest update use using values view when where window with within").split(" ");
const types = "array bigint binary boolean char date decimal double float int integer json map real row smallint string struct time timestamp tinyint varbinary varchar".split(" ");

const kinds = new Map<string, string>([...types.map((w) => [w, "typeName"] as const), ...keywords.map((w) => [w, "keyword"] as const), ["true", "bool"], ["false", "bool"], ["null", "null"]]);

interface State { until: string } // what ends the text or comment that the line is within

const parser: StreamParser<State> = {
  name: "sql",
  startState: () => ({ until: "" }),
  token(s, state) {
    if (!state.until) {
      if (s.eatSpace()) return null;
      if (s.match("--")) return (s.skipToEnd(), "lineComment");
      if (s.match("/*")) state.until = "*/";
      else if (s.match(/^['"`]/)) state.until = s.current();
      else if (s.match(/^\d+(\.\d*)?([eE][-+]?\d+)?|^\.\d+/)) return "number";
      else if (s.match(/^[\w$\u0080-\uffff]+/)) return kinds.get(s.current().toLowerCase()) ?? null;
      else return (s.next(), null);
    }
    const within = state.until;
    // A quote that is doubled ends a text and begins the next, which reads alike.
    if (s.skipTo(within)) s.match(within), (state.until = "");
    else s.skipToEnd();
    return within === "*/" ? "blockComment" : within === "'" ? "string" : "string.special";
  },
  languageData: { commentTokens: { line: "--", block: { open: "/*", close: "*/" } }, closeBrackets: { brackets: ["(", "[", "{", "'", '"', "`"] } },
};

export const language = StreamLanguage.define(parser);

const part = String.raw`(?:[\w$]+|"[^"]*"|\x60[^\x60]*\x60)`;
const plain = (s: string) => s.replace(/["`]/g, "").toLowerCase();
const written = (s: string) => (/^[a-z_][a-z0-9_]*$/.test(s) && !kinds.has(s) ? s : '"' + s + '"');

/** known are the tables that a statement names, by what it calls them: their own names, and others that it gives them. */
function known(text: string): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const m of text.matchAll(new RegExp(String.raw`(?:\b(?:from|join|into|update)\s+|,\s*)(${part}(?:\.${part})*)(?:\s+(?:as\s+)?(${part}))?`, "gi"))) {
    const path = m[1]!.match(new RegExp(part, "g"))!.map(plain), alias = m[2] && plain(m[2]);
    out.set(path[path.length - 1]!, path);
    if (alias && !kinds.has(alias)) out.set(alias, path);
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
    if (/omment|^string$/.test(syntaxTree(c.state).resolveInner(c.pos, -1).name)) return null;
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
