// The words of SQL: what a statement is made of, by one regular expression.
import type { Text } from "@codemirror/state";

export const keywords = ("all alter analyze and any array as asc at between both by cascade case cast columns comment commit create cross cube current databases deallocate delete desc describe distinct drop else " +
  "end escape except exclude execute exists explain external extract fetch filter first following for from full functions grant group grouping having if ignore in inner insert intersect interval into is join last " +
  "lateral left like limit location map match msck natural next no not null nulls of offset on only or order ordinality outer over partition partitioned partitions position preceding prepare properties pump range " +
  "recursive rename repair replace right rollup row rows schema schemas select serdeproperties set sets show some stored stream substring table tables tablesample tblproperties then ties to trim true false try_cast " +
  "unbounded union unload unnest update use using values view when where window with within").split(" ");
const types = "array bigint binary boolean char date decimal double float int integer json map real row smallint string struct time timestamp tinyint varbinary varchar".split(" ");

type Kind = "type" | "keyword" | "value" | "text" | "name" | "comment";

const kinds = new Map<string, Kind>([...types.map((w) => [w, "type"] as const), ...keywords.map((w) => [w, "keyword"] as const), ...["true", "false", "null"].map((w) => [w, "value"] as const)]);

/** reserved reports whether a name has to be quoted. */
export const reserved = (word: string) => kinds.has(word);

/** Word is one that means something: kind is undefined of names that are not quoted. */
export interface Word { from: number; to: number; kind: Kind | undefined }

// A quote that is doubled ends a text and begins the next, which reads alike. What is not ended goes on to the end.
const word = /--.*|\/\*[^]*?(?:\*\/|$)|'[^']*(?:'|$)|"[^"]*(?:"|$)|`[^`]*(?:`|$)|(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+)|[\w$\u0080-\uffff]+/g;
const begins: Record<string, Kind> = { "-": "comment", "/": "comment", "'": "text", '"': "name", "`": "name" };

const read = new WeakMap<Text, Word[]>();

/** wordsOf is the words of a document in their order. */
export function wordsOf(doc: Text): Word[] {
  let out = read.get(doc);
  if (!out) {
    out = Array.from(doc.toString().matchAll(word), (m) => ({ from: m.index, to: m.index + m[0].length, kind: begins[m[0][0]!] ?? (/^[\d.]/.test(m[0]) ? "value" : kinds.get(m[0].toLowerCase())) }));
    read.set(doc, out);
  }
  return out;
}

/** wordAt is the word that a place is in, or at the end of. */
export function wordAt(doc: Text, at: number): Word | undefined {
  const list = wordsOf(doc);
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]!.to < at) low = middle + 1;
    else high = middle;
  }
  const w = list[low];
  return w && w.from < at ? w : undefined;
}

/** quoting reports whether a word keeps brackets in it from counting. */
export const quoting = (w: Word | undefined) => w?.kind === "comment" || w?.kind === "text" || w?.kind === "name";
