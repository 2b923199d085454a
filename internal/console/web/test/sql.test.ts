import assert from "node:assert/strict";
import test from "node:test";
import { CompletionContext } from "@codemirror/autocomplete";
import { ensureSyntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { completer, language } from "../src/editor/sql.ts";

const schema = { shop: { orders: [{ label: "id", detail: "string" }, { label: "Total", detail: "double" }], "odd-name": [] }, other: { trades: [{ label: "qty", detail: "int" }] } };

/** offered is what is offered where a statement has a bar. */
function offered(text: string): string[] {
  const at = text.indexOf("|"), state = EditorState.create({ doc: text.replace("|", ""), extensions: [language] });
  ensureSyntaxTree(state, state.doc.length, 5000);
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
