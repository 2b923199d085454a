// JSON as people read it: indented, with its values in colours.
import type { ComponentChildren } from "preact";
import { marked } from "../format.ts";

export function JSONText(p: { value: unknown }) {
  return <pre class="json">{piece(p.value, "")}</pre>;
}

function piece(v: unknown, indent: string): ComponentChildren {
  if (v === null) return <span class="kw">null</span>;
  if (typeof v === "string") return <span class="str">{marked(JSON.stringify(v))}</span>;
  if (typeof v === "number") return <span class="num">{String(v)}</span>;
  if (typeof v !== "object") return <span class="kw">{String(v)}</span>;
  const list = Array.isArray(v);
  const items = list ? v.map((x) => [null, x] as const) : Object.entries(v as object);
  if (items.length === 0) return list ? "[]" : "{}";
  const inner = indent + "  ";
  return (
    <>
      {list ? "[" : "{"}
      {items.map(([k, x], i) => (
        <>{"\n" + inner}{k !== null && <><span class="key">{marked(JSON.stringify(k))}</span>: </>}{piece(x, inner)}{i < items.length - 1 && ","}</>
      ))}
      {"\n" + indent}{list ? "]" : "}"}
    </>
  );
}
