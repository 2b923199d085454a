// SQL over the records that a page has: SELECT, WHERE, GROUP BY, ORDER BY and LIMIT on the tail of a
// stream. Columns are paths in the records' JSON (customer.id); _key, _shard, _arrived, _bytes and
// _text are the record's own. What the lake's SQL has beyond that is refused by name.

export interface Source { value: unknown; key: string; shard: string; arrived: Date; bytes: number; text: string }
type Value = unknown;
type Expr = (r: Source) => Value;
/** Aggregate makes a value of a group of records. */
interface Node { one?: Expr; group?: (rs: Source[]) => Value; text: string; columns: string[] }
export interface Table { names: string[]; rows: Value[][]; matched: number }
export type Query = (records: Source[]) => Table;

interface Token { kind: "word" | "quoted" | "string" | "number" | "sign" | "end"; text: string; at: number }

function tokens(sql: string): Token[] {
  const out: Token[] = [];
  const re = /\s+|--[^\n]*|'((?:[^']|'')*)'|"((?:[^"]|"")*)"|(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_$][\w$]*)|(<>|!=|>=|<=|\|\||[=<>+\-*/%(),.;[\]])/y;
  while (re.lastIndex < sql.length) {
    const at = re.lastIndex;
    const m = re.exec(sql);
    if (!m) throw new Error(`What is ${sql.slice(at, at + 12)}?`);
    if (m[1] !== undefined) out.push({ kind: "string", text: m[1].replace(/''/g, "'"), at });
    else if (m[2] !== undefined) out.push({ kind: "quoted", text: m[2].replace(/""/g, '"'), at });
    else if (m[3] !== undefined) out.push({ kind: "number", text: m[3], at });
    else if (m[4] !== undefined) out.push({ kind: "word", text: m[4], at });
    else if (m[5] !== undefined) out.push({ kind: "sign", text: m[5], at });
  }
  out.push({ kind: "end", text: "", at: sql.length });
  return out;
}

const own: Record<string, Expr> = { __proto__: null as never, _key: (r) => r.key, _shard: (r) => Number(r.shard.slice(8)), _arrived: (r) => r.arrived.toISOString().replace("T", " ").slice(0, 23), _bytes: (r) => r.bytes, _text: (r) => r.text };

const number = (v: Value): number | null => (v === null || v === undefined || v === "" || typeof v === "object" || Number.isNaN(Number(v)) ? null : Number(v));
const plain = (v: Value): string => (typeof v === "object" ? JSON.stringify(v) : String(v));
const none = (v: Value) => v === null || v === undefined;

function compare(a: Value, b: Value): number | null {
  if (none(a) || none(b)) return null;
  const x = number(a), y = number(b);
  if (x !== null && y !== null) return x - y;
  const s = plain(a), t = plain(b);
  return s < t ? -1 : s > t ? 1 : 0;
}

const functions: Record<string, (...a: Value[]) => Value> = {
  __proto__: null as never,
  lower: (s) => (none(s) ? null : plain(s).toLowerCase()), upper: (s) => (none(s) ? null : plain(s).toUpperCase()), length: (s) => (none(s) ? null : plain(s).length), trim: (s) => (none(s) ? null : plain(s).trim()),
  abs: (n) => math(Math.abs, n), floor: (n) => math(Math.floor, n), ceil: (n) => math(Math.ceil, n), sqrt: (n) => math(Math.sqrt, n),
  round: (n, d = 0) => math((x) => Math.round(x * 10 ** Number(d)) / 10 ** Number(d), n), coalesce: (...a) => a.find((x) => !none(x)) ?? null,
  substr: (s, from, n) => (none(s) ? null : plain(s).slice(Number(from) - 1, n === undefined ? undefined : Number(from) - 1 + Number(n))), concat: (...a) => a.map((x) => (none(x) ? "" : plain(x))).join(""),
  greatest: (...a) => a.reduce((m, x) => ((compare(x, m) ?? -1) > 0 ? x : m)), least: (...a) => a.reduce((m, x) => ((compare(x, m) ?? 1) < 0 ? x : m)),
};
const math = (f: (n: number) => number, v: Value) => { const n = number(v); return n === null ? null : f(n); };

const aggregates: Record<string, (values: Value[]) => Value> = {
  __proto__: null as never,
  count: (v) => v.length, sum: (v) => (v.length ? v.reduce<number>((s, x) => s + (number(x) ?? 0), 0) : null), avg: (v) => (v.length ? v.reduce<number>((s, x) => s + (number(x) ?? 0), 0) / v.length : null),
  min: (v) => v.reduce((m, x) => (m === null || (compare(x, m) ?? 1) < 0 ? x : m), null), max: (v) => v.reduce((m, x) => (m === null || (compare(x, m) ?? -1) > 0 ? x : m), null),
};

const ends = new Set(["from", "where", "group", "order", "limit", "as", "and", "or", "not", "in", "like", "between", "is", "asc", "desc", "having", "then", "else", "end", "when"]);
const refused = new Set(["join", "union", "with", "over", "having", "window", "intersect", "except", "case", "cast"]);

/** parse reads a statement. What is wrong with it, an Error says. */
export function parse(sql: string): Query {
  const list = tokens(sql);
  let i = 0;
  const peek = () => list[i]!;
  const is = (word: string) => (peek().kind === "word" && peek().text.toLowerCase() === word) || (peek().kind === "sign" && peek().text === word);
  const take = (word: string) => is(word) && (i++, true);
  const fail = (want: string): never => {
    const t = peek();
    if (t.kind === "word" && refused.has(t.text.toLowerCase())) throw new Error(`${t.text.toUpperCase()} is for the lake: the SQL page has it.`);
    throw new Error(`Expected ${want}, but ${t.kind === "end" ? "the statement ends" : `there is ${t.text}`}.`);
  };
  const need = (word: string) => take(word) || fail(word.toUpperCase());
  const both = (a: Node, b: Node, f: (x: Value, y: Value) => Value, sign: string): Node => combine([a, b], (v) => f(v[0], v[1]), `${a.text} ${sign} ${b.text}`);

  const primary = (): Node => {
    const t = peek();
    if (t.kind === "number") return i++, constant(Number(t.text), t.text);
    if (t.kind === "string") return i++, constant(t.text, `'${t.text}'`);
    if (take("(")) { const e = or(); need(")"); return e; }
    if (take("-")) { const e = primary(); return combine([e], ([v]) => math((n) => -n, v), "-" + e.text); }
    if (t.kind !== "quoted" && (t.kind !== "word" || ends.has(t.text.toLowerCase()) || refused.has(t.text.toLowerCase()))) return fail("a column or a value");
    i++;
    const low = t.text.toLowerCase();
    if (t.kind === "word" && (low === "true" || low === "false" || low === "null")) return constant(low === "null" ? null : low === "true", low);
    if (t.kind === "word" && is("(")) return called(low);
    const path = [t.text];
    for (;;) {
      if (take(".")) { const n = peek(); if (n.kind !== "word" && n.kind !== "quoted") fail("a name"); path.push(n.text); i++; }
      else if (take("[")) { path.push(peek().text); i++; need("]"); }
      else break;
    }
    const direct = path.length === 1 ? own[path[0]!] : undefined;
    return { one: direct ?? ((r) => reach(r.value, path)), text: path.join("."), columns: [path.join(".")] };
  };
  const called = (name: string): Node => {
    need("(");
    const distinct = take("distinct");
    const a: Node[] = [];
    let star = false;
    if (take("*")) star = true;
    else if (!is(")")) do a.push(or()); while (take(","));
    need(")");
    const text = `${name}(${distinct ? "distinct " : ""}${star ? "*" : a.map((x) => x.text).join(", ")})`;
    const agg = aggregates[name];
    if (agg) {
      if (!star && (a.length !== 1 || !a[0]!.one)) throw new Error(`${name} takes one column.`);
      return { group: (rs) => { if (star) return rs.length; let v = rs.map(a[0]!.one!).filter((x) => !none(x)); if (distinct) v = [...new Map(v.map((x) => [plain(x), x])).values()]; return agg(v); }, text, columns: [] };
    }
    const f = functions[name];
    if (!f) throw new Error(`There is no ${name} here: it has ${[...Object.keys(aggregates), ...Object.keys(functions)].join(", ")}.`);
    return combine(a, (v) => f(...v), text);
  };
  const product = () => { let e = primary(); for (;;) if (take("*")) e = both(e, primary(), (a, b) => arith(a, b, (x, y) => x * y), "*"); else if (take("/")) e = both(e, primary(), (a, b) => arith(a, b, (x, y) => (y === 0 ? NaN : x / y)), "/"); else if (take("%")) e = both(e, primary(), (a, b) => arith(a, b, (x, y) => x % y), "%"); else return e; };
  const sum = () => { let e = product(); for (;;) if (take("+")) e = both(e, product(), (a, b) => arith(a, b, (x, y) => x + y), "+"); else if (take("-")) e = both(e, product(), (a, b) => arith(a, b, (x, y) => x - y), "-"); else if (take("||")) e = both(e, product(), (a, b) => (none(a) || none(b) ? null : plain(a) + plain(b)), "||"); else return e; };
  const test = (): Node => {
    const e = sum();
    const order = (sign: string, f: (n: number) => boolean) => both(e, sum(), (a, b) => { const c = compare(a, b); return c === null ? null : f(c); }, sign);
    if (take("=")) return order("=", (n) => n === 0);
    if (take("<>") || take("!=")) return order("<>", (n) => n !== 0);
    if (take(">=")) return order(">=", (n) => n >= 0);
    if (take("<=")) return order("<=", (n) => n <= 0);
    if (take(">")) return order(">", (n) => n > 0);
    if (take("<")) return order("<", (n) => n < 0);
    if (take("is")) { const no = take("not"); need("null"); return combine([e], ([v]) => none(v) !== no, `${e.text} is ${no ? "not " : ""}null`); }
    const no = take("not");
    const not = (v: boolean | null) => (v === null ? null : v !== no);
    if (take("like")) return both(e, sum(), (a, b) => (none(a) || none(b) ? null : not(likeOf(plain(b)).test(plain(a)))), "like");
    if (take("between")) { const low = sum(); need("and"); const high = sum(); return combine([e, low, high], ([v, a, b]) => { const x = compare(v, a), y = compare(v, b); return x === null || y === null ? null : not(x >= 0 && y <= 0); }, `${e.text} between ${low.text} and ${high.text}`); }
    if (take("in")) { need("("); const items: Node[] = []; do items.push(sum()); while (take(",")); need(")"); return combine([e, ...items], ([v, ...x]) => (none(v) ? null : not(x.some((y) => compare(v, y) === 0))), `${e.text} in (…)`); }
    return no ? fail("LIKE, BETWEEN or IN") : e;
  };
  const not = (): Node => { if (!take("not")) return test(); const e = not(); return combine([e], ([v]) => (none(v) ? null : !v), "not " + e.text); };
  const and = (): Node => { let e = not(); while (take("and")) e = both(e, not(), (a, b) => (a === false || b === false ? false : none(a) || none(b) ? null : !!a && !!b), "and"); return e; };
  const or = (): Node => { let e = and(); while (take("or")) e = both(e, and(), (a, b) => (a === true || b === true ? true : none(a) || none(b) ? null : !!a || !!b), "or"); return e; };

  need("select");
  const items: { node?: Node; name: string }[] = [];
  do {
    if (take("*")) { items.push({ name: "*" }); continue; }
    const node = or();
    let name = node.columns.length === 1 && node.text === node.columns[0] ? node.text : node.text;
    if (take("as")) { name = peek().text; i++; }
    else if ((peek().kind === "word" && !ends.has(peek().text.toLowerCase()) && !refused.has(peek().text.toLowerCase())) || peek().kind === "quoted") { name = peek().text; i++; }
    items.push({ node, name });
  } while (take(","));
  if (take("from")) { if (peek().kind !== "word" && peek().kind !== "quoted") fail("the name of the stream"); i++; while (take("-") || take(".")) i++; }
  const where = take("where") ? or() : undefined;
  if (where && !where.one) throw new Error("WHERE looks at single records.");
  const by: Node[] = [];
  if (take("group")) { need("by"); do { const n = peek(); if (n.kind === "number") { i++; const it = items[Number(n.text) - 1]?.node; by.push(it ?? fail("a column")); } else { const named = items.find((x) => n.kind === "word" && x.node?.one && x.name === n.text && list[i + 1]?.text !== "."); if (named) { i++; by.push(named.node!); } else by.push(or()); } } while (take(",")); }
  const orders: { at: number; node?: Node; down: boolean }[] = [];
  if (take("order")) { need("by"); do { const n = peek(); let at = -1, node: Node | undefined; if (n.kind === "number") { at = Number(n.text) - 1; i++; if (at >= items.length) throw new Error("ORDER BY " + n.text + " names no column."); } else { node = or(); at = items.findIndex((x) => x.name === node!.text || x.node?.text === node!.text); } const down = take("desc"); if (!down) take("asc"); orders.push({ at, node, down }); } while (take(",")); }
  let limit = Infinity;
  if (take("limit")) { limit = Number(peek().text); if (!(limit >= 0)) fail("a number"); i++; }
  take(";");
  if (peek().kind !== "end") fail("the end");
  const grouped = by.length > 0 || items.some((x) => x.node && !x.node.one);
  if (grouped && items.some((x) => !x.node)) throw new Error("SELECT * does not go with GROUP BY.");
  for (const x of grouped ? items : []) if (x.node!.one && !by.some((b) => b.text === x.node!.text) && x.node!.columns.length) throw new Error(`${x.name} is neither in GROUP BY nor in an aggregate.`);

  return (records) => {
    const rs = where ? records.filter((r) => where.one!(r) === true) : records;
    let rows: { cells: Value[]; keys: Value[] }[];
    let names: string[];
    if (grouped) {
      const groups = new Map<string, Source[]>();
      if (!by.length) groups.set("", rs);
      for (const r of by.length ? rs : []) { const k = JSON.stringify(by.map((b) => b.one!(r) ?? null)); const have = groups.get(k); if (have) have.push(r); else groups.set(k, [r]); }
      names = items.map((x) => x.name);
      const of = (n: Node, g: Source[]) => (n.group ? n.group(g) : g[0] ? n.one!(g[0]) : null);
      rows = [...groups.values()].map((g) => { const cells = items.map((x) => of(x.node!, g)); return { cells, keys: orders.map((o) => (o.at >= 0 ? cells[o.at] : of(o.node!, g))) }; });
    } else {
      const stars = items.some((x) => !x.node) ? [...new Set(rs.slice(0, 50).flatMap((r) => (r.value !== null && typeof r.value === "object" && !Array.isArray(r.value) ? Object.keys(r.value) : [])))].slice(0, widest) : [];
      const all = items.flatMap((x): { name: string; one: Expr }[] => (x.node ? [{ name: x.name, one: x.node.one! }] : stars.length ? stars.map((s) => ({ name: s, one: (r: Source) => reach(r.value, [s]) })) : [{ name: "_text", one: own._text! }]));
      names = all.map((x) => x.name);
      const enough = orders.length ? rs : rs.slice(0, limit);
      rows = enough.map((r) => ({ cells: all.map((x) => x.one(r)), keys: orders.map((o) => (o.node ? o.node.one!(r) : all[o.at]!.one(r))) }));
    }
    if (orders.length) rows.sort((a, b) => { for (let k = 0; k < orders.length; k++) { const x = a.keys[k], y = b.keys[k]; if (none(x) || none(y)) { if (none(x) !== none(y)) return none(x) ? 1 : -1; continue; } const c = compare(x, y)!; if (c) return orders[k]!.down ? -c : c; } return 0; });
    return { names, rows: rows.slice(0, limit).map((r) => r.cells), matched: rs.length };
  };
}

const constant = (v: Value, text: string): Node => ({ one: () => v, text, columns: [] });

/** combine makes an expression of others: of a record, or of a group where any of them is of one. */
function combine(parts: Node[], f: (v: Value[]) => Value, text: string): Node {
  const columns = parts.flatMap((p) => p.columns);
  if (parts.every((p) => p.one)) return { one: (r) => f(parts.map((p) => p.one!(r))), text, columns };
  return { group: (rs) => f(parts.map((p) => (p.group ? p.group(rs) : rs[0] ? p.one!(rs[0]) : null))), text, columns };
}

function reach(v: Value, path: string[]): Value {
  for (const p of path) {
    if (v === null || typeof v !== "object") return undefined;
    const o = v as Record<string, unknown>;
    // Names are found as they are written, and else as SQL finds them, whatever their case.
    const name = Object.hasOwn(o, p) ? p : Object.keys(o).find((k) => k.toLowerCase() === p.toLowerCase());
    v = name === undefined ? undefined : o[name];
  }
  return v;
}

function arith(a: Value, b: Value, f: (x: number, y: number) => number): Value {
  const x = number(a), y = number(b);
  if (x === null || y === null) return null;
  const v = f(x, y);
  return Number.isFinite(v) ? v : null;
}

const widest = 200; // columns of a *

const likes = new Map<string, RegExp>();
function likeOf(pattern: string): RegExp {
  let re = likes.get(pattern);
  if (!re) {
    re = new RegExp("^" + [...pattern].map((c) => (c === "%" ? "[^]*" : c === "_" ? "[^]" : c.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))).join("").replace(/(\[\^\]\*)+/g, "[^]*") + "$");
    if (likes.size > 50) likes.clear();
    likes.set(pattern, re);
  }
  return re;
}
