import assert from "node:assert/strict";
import test from "node:test";
import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState, Text } from "@codemirror/state";
import { completer } from "../src/editor/sql.ts";
import { wordsOf } from "../src/editor/words.ts";

const schema = { shop: { orders: [{ label: "id", detail: "string" }, { label: "Total", detail: "double" }], "odd-name": [] }, other: { trades: [{ label: "qty", detail: "int" }] } };

/** offered is what is offered where a statement has a bar. */
function offered(text: string): string[] {
  const at = text.indexOf("|"), state = EditorState.create({ doc: text.replace("|", "") });
  const r = completer(schema, "shop", [{ label: "date_trunc", type: "function" }])(new CompletionContext(state, at, false));
  return r?.options.map((o) => (o.apply as string | undefined) ?? o.label) ?? [];
}

test("columns, tables and functions are offered where they fit", () => {
  assert.deepEqual(offered("SELECT o.| FROM orders o"), ["id", '"Total"']);
  assert.deepEqual(offered("SELECT x.t| FROM orders AS o JOIN other.trades x"), ["qty"]);
  assert.deepEqual(offered("SELECT * FROM other.|"), ["trades"]);
  assert.deepEqual(offered('SELECT "shop"."orders".|'), ["id", '"Total"']);
  const all = offered("SELECT i| FROM orders");
  for (const want of ["id", '"Total"', "orders", '"odd-name"', "other", "date_trunc", "SELECT"]) assert.ok(all.includes(want), want + " of " + all.slice(0, 9).join());
  assert.deepEqual(offered("SELECT 1 |"), []);
});

test("nothing is offered within texts and comments", () => {
  assert.deepEqual(offered("SELECT 'or| FROM orders"), []);
  assert.deepEqual(offered("SELECT 1 -- or|"), []);
  assert.deepEqual(offered("/* one\nor| */ SELECT 1"), []);
  assert.ok(offered("SELECT 'it''s', or|").includes("orders"));
});

test("words are told from what is within texts and comments", () => {
  const text = "SELECT 1.5e3, 'it''s -- no', \"a/*b\" FROM t -- 'end\n/* 'x\ny */ WHERE a-1 > .5 OR x = 'open";
  const got = wordsOf(Text.of(text.split("\n"))).filter((w) => w.kind).map((w) => w.kind + " " + text.slice(w.from, w.to));
  assert.deepEqual(got, ["keyword SELECT", "value 1.5e3", "text 'it'", "text 's -- no'", 'name "a/*b"', "keyword FROM", "comment -- 'end", "comment /* 'x\ny */", "keyword WHERE", "value 1", "value .5", "keyword OR", "text 'open"]);
});
