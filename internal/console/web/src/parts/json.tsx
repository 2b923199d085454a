// JSON as people read it: indented, with its values in colours.
import type { ComponentChildren } from "preact";
import { count, marked } from "../format.ts";

const most = 10_000, deepest = 100; // values, and values within values, that are drawn
const long = 100_000; // characters of a text

export function JSONText(p: { value: unknown }) {
  const left = { n: most };
  return <><pre class="json">{piece(p.value, "", left)}</pre>{left.n < 0 && <div class="notice">It is larger than what is shown.</div>}</>;
}

/** Raw is a text as it is, up to what a page can show. */
export function Raw(p: { text: string }) {
  return <><pre class="json">{marked(p.text.slice(0, long))}</pre>{p.text.length > long && <div class="notice">The first {count(long)} of {count(p.text.length)} characters are shown.</div>}</>;
}

function piece(v: unknown, indent: string, left: { n: number }): ComponentChildren {
  if (left.n-- <= 0 || indent.length > deepest * 2) return (left.n = Math.min(left.n, -1)), "…";
  if (v === null) return <span class="kw">null</span>;
  if (typeof v === "string") return <span class="str">{marked(JSON.stringify(v.slice(0, long)))}{v.length > long && (left.n = -1, "…")}</span>;
  if (typeof v === "number") return <span class="num">{String(v)}</span>;
  if (typeof v !== "object") return <span class="kw">{String(v)}</span>;
  const list = Array.isArray(v);
  const items = (list ? v.map((x) => [null, x] as const) : Object.entries(v as object)).slice(0, left.n + 1);
  if (items.length === 0) return list ? "[]" : "{}";
  const inner = indent + "  ";
  return (
    <>
      {list ? "[" : "{"}
      {items.map(([k, x], i) => (
        <>{"\n" + inner}{k !== null && <><span class="key">{marked(JSON.stringify(k))}</span>: </>}{piece(x, inner, left)}{i < items.length - 1 && ","}</>
      ))}
      {"\n" + indent}{list ? "]" : "}"}
    </>
  );
}
