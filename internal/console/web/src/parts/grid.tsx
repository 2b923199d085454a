// A table that draws only the rows that can be seen, so that it may have a million.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { marked } from "../format.ts";

export interface Column {
  name: string;
  width: number; // pixels
  right?: boolean;
  mono?: boolean;
  grow?: boolean;
}

const height = 27; // of a row, in pixels
const tallest = 10_000_000; // that browsers lay out without loss

export function Grid(p: {
  columns: Column[];
  count: number;
  cell: (row: number, column: number) => ComponentChildren;
  selected?: number;
  onSelect?: (row: number) => void;
  /** onNeed is told of the last row that is shown, to load what is missing. */
  onNeed?: (row: number) => void;
  /** onHead is told of a column whose name is clicked. */
  onHead?: (column: number) => void;
  label: string;
  empty?: ComponentChildren;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [seen, setSeen] = useState(600);
  useEffect(() => {
    const el = box.current!;
    const watch = new ResizeObserver(() => setSeen(el.clientHeight));
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
  const total = p.count * height;
  const scale = total > tallest ? total / tallest : 1;
  const first = Math.max(0, Math.floor((top * scale) / height) - 4);
  const last = Math.min(p.count, first + Math.ceil(seen / height) + 8);
  useEffect(() => p.onNeed?.(last), [last, p.count]);
  const template = { gridTemplateColumns: p.columns.map((c) => (c.grow ? `minmax(${c.width}px, 1fr)` : c.width + "px")).join(" ") };
  const wide = p.columns.reduce((sum, c) => sum + c.width, 0);
  const move = (e: KeyboardEvent) => {
    if (!p.onSelect || (e.key !== "ArrowDown" && e.key !== "ArrowUp")) return;
    e.preventDefault();
    const to = Math.max(0, Math.min(p.count - 1, (p.selected ?? -1) + (e.key === "ArrowDown" ? 1 : -1)));
    p.onSelect(to);
    const el = box.current!;
    const y = (to * height) / scale;
    if (y < el.scrollTop) el.scrollTop = y;
    if (y + height * 2 > el.scrollTop + seen) el.scrollTop = y - seen + height * 2;
  };
  const rows = [];
  for (let r = first; r < last; r++) {
    rows.push(
      <div key={r} role="row" aria-rowindex={r + 2} aria-selected={p.onSelect ? r === p.selected : undefined} class={r === p.selected ? "row sel" : "row"} style={template}
        onClick={p.onSelect && (() => p.onSelect!(r))}>
        {p.columns.map((c, i) => <div key={i} role="cell" class={(c.right ? "n " : "") + (c.mono ? "m" : "")}>{shown(p.cell(r, i))}</div>)}
      </div>,
    );
  }
  return (
    <div class="grid" ref={box} tabIndex={0} role="table" aria-label={p.label} aria-rowcount={p.count + 1} onScroll={(e) => setTop(e.currentTarget.scrollTop)} onKeyDown={move}>
      <div style={{ minWidth: wide + "px" }}>
        <div class="row headrow" role="row" style={template}>{p.columns.map((c, i) => <div key={i} role="columnheader" class={c.right ? "n" : ""}>{p.onHead ? <button class="cell" title="Its values" onClick={() => p.onHead!(i)}>{marked(c.name)}</button> : marked(c.name)}</div>)}</div>
        <div style={{ height: Math.min(total, tallest) + "px", position: "relative" }}>
          <div style={{ position: "absolute", left: 0, right: 0, top: (scale > 1 ? Math.max(0, top - 4 * height) : first * height) + "px" }}>{rows}</div>
        </div>
      </div>
      {p.count === 0 && p.empty}
    </div>
  );
}

const shown = (x: ComponentChildren) => (typeof x === "string" ? marked(x.length > 1000 ? x.slice(0, 1000) + "…" : x) : x);

/** widths guesses the columns of a result from its first rows. */
export function widths(names: string[], rows: (string | null | undefined)[][], right: (column: number) => boolean): Column[] {
  const grows = names.map((_, i) => !right(i)).lastIndexOf(true);
  return names.map((name, i) => {
    const longest = rows.slice(0, 60).reduce((n, r) => Math.max(n, (r[i] ?? "").length), 0);
    return { name, width: Math.max(64, Math.min(360, Math.max(name.length * 7.2, longest * 7.4) + 26)), right: right(i), mono: true, grow: i === (grows < 0 ? names.length - 1 : grows) };
  });
}
