// Places the nodes of a graph in columns, from sources to what keeps records, with few crossings.

export interface Placed { x: number; y: number }
export interface Layout {
  at: Map<string, Placed>;
  /** ways are, of lines over several columns, where each goes through those between: the left end of a level stretch a node wide. By "from\nto". */
  ways: Map<string, Placed[]>;
  width: number;
  height: number;
}

export const size = { width: 190, height: 66, across: 58, down: 20, margin: 20 };

interface Link { from: string; to: string }

export function layout(ids: string[], edges: Link[]): Layout {
  const known = new Set(ids);
  const links = edges.filter((e) => known.has(e.from) && known.has(e.to));
  const column = columns(ids, links);
  const at = new Map<string, Placed>(), ways = new Map<string, Placed[]>();
  let y = size.margin;
  let deepest = 0;
  const parts = components(ids, links);
  const joined = parts.filter((p) => p.length > 1);
  for (const part of joined) {
    y = placePart(part, links, column, at, ways, y) + size.down;
    for (const id of part) deepest = Math.max(deepest, column.get(id)!);
  }
  // What is joined to nothing stands below, in rows.
  const alone = parts.filter((p) => p.length === 1).map((p) => p[0]!);
  const perRow = Math.max(deepest + 1, 5);
  alone.forEach((id, i) => at.set(id, { x: across(i % perRow), y: y + Math.floor(i / perRow) * (size.height + size.down) }));
  if (alone.length) {
    y += Math.ceil(alone.length / perRow) * (size.height + size.down);
    deepest = Math.max(deepest, Math.min(alone.length, perRow) - 1);
  }
  return { at, ways, width: across(deepest) + size.width + size.margin, height: Math.max(y - size.down, 0) + size.margin };
}

/** across is where a column begins. */
const across = (column: number) => size.margin + column * (size.width + size.across);

/** columns gives each node the length of the longest way to it; a cycle is cut where it is met. */
function columns(ids: string[], links: Link[]): Map<string, number> {
  const before = group(links, (l) => l.to, (l) => l.from);
  const column = new Map<string, number>();
  const under = new Set<string>();
  const visit = (id: string): number => {
    const have = column.get(id);
    if (have !== undefined) return have;
    if (under.has(id)) return -1;
    under.add(id);
    const c = Math.max(-1, ...(before.get(id) ?? []).map(visit)) + 1;
    under.delete(id);
    column.set(id, c);
    return c;
  };
  ids.forEach(visit);
  // A table that nothing here writes stands beside what reads it, not among the sources.
  const after = group(links, (l) => l.from, (l) => l.to);
  for (const id of ids) if (/^(lake|bucket)\//.test(id) && !before.has(id) && after.has(id)) column.set(id, Math.max(0, Math.min(...after.get(id)!.map((x) => column.get(x)!)) - 1));
  return column;
}

function components(ids: string[], links: Link[]): string[][] {
  const near = group([...links, ...links.map((l) => ({ from: l.to, to: l.from }))], (l) => l.from, (l) => l.to);
  const seen = new Set<string>();
  const out: string[][] = [];
  for (const id of ids) {
    if (seen.has(id)) continue;
    const part: string[] = [];
    const todo = [id];
    seen.add(id);
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      part.push(next);
      for (const n of near.get(next) ?? []) if (!seen.has(n)) {
        seen.add(n);
        todo.push(n);
      }
    }
    out.push(part);
  }
  return out.sort((a, b) => b.length - a.length);
}

function placePart(part: string[], links: Link[], columnOf: Map<string, number>, at: Map<string, Placed>, ways: Map<string, Placed[]>, top: number): number {
  const inside = new Set(part);
  // A line over several columns has a place in each between, without a height, so that it goes around what stands there.
  const own: Link[] = [], through = new Map<string, string[]>(), column = new Map(part.map((id) => [id, columnOf.get(id)!]));
  for (const l of links) {
    if (!inside.has(l.from)) continue;
    const key = l.from + "\n" + l.to;
    let last = l.from;
    if (through.has(key)) continue;
    through.set(key, []);
    for (let c = column.get(l.from)! + 1; c < column.get(l.to)!; c++) {
      const id = key + "\n" + c;
      column.set(id, c);
      through.get(key)!.push(id);
      own.push({ from: last, to: id });
      last = id;
    }
    own.push({ from: last, to: l.to });
  }
  const before = group(own, (l) => l.to, (l) => l.from);
  const after = group(own, (l) => l.from, (l) => l.to);
  const cols: string[][] = [];
  for (const [id, c] of column) (cols[c] ??= []).push(id);
  for (let i = 0; i < cols.length; i++) (cols[i] ??= []).sort();
  const rank = new Map<string, number>();
  const renumber = (c: string[]) => c.forEach((id, i) => rank.set(id, i));
  cols.forEach(renumber);
  const mean = (list: string[] | undefined, of: Map<string, number>, otherwise: number) => (list?.length ? list.reduce((s, id) => s + of.get(id)!, 0) / list.length : otherwise);
  for (let pass = 0; pass < 6; pass++) {
    const near = pass % 2 ? after : before;
    for (const c of pass % 2 ? [...cols].reverse() : cols) {
      const key = new Map(c.map((id) => [id, mean(near.get(id), rank, rank.get(id)!)]));
      c.sort((a, b) => key.get(a)! - key.get(b)!);
      renumber(c);
    }
  }
  // The middle of each as near to the middles of its neighbours as those above it leave room.
  const half = (id: string) => (inside.has(id) ? size.height / 2 : 0);
  const y = new Map<string, number>();
  for (const c of cols) c.forEach((id, i) => y.set(id, i * (size.height + size.down)));
  for (let pass = 0; pass < 4; pass++) {
    const near = pass % 2 ? before : after;
    for (const c of pass % 2 ? cols : [...cols].reverse()) {
      let least = -Infinity;
      for (const id of c) {
        const want = Math.max(least + half(id), mean(near.get(id), y, y.get(id)!));
        y.set(id, want);
        least = want + half(id) + size.down;
      }
    }
  }
  const move = top - Math.min(...[...y].map(([id, v]) => v - half(id)));
  let bottom = top;
  for (const [id, v] of y) {
    if (inside.has(id)) at.set(id, { x: across(column.get(id)!), y: v - half(id) + move });
    bottom = Math.max(bottom, v + half(id) + move);
  }
  for (const [key, list] of through) if (list.length) ways.set(key, list.map((id) => ({ x: across(column.get(id)!), y: y.get(id)! + move })));
  return bottom;
}

/** pathOf is what a node is on the way of: all before it and all after it. */
export function pathOf(id: string, links: Link[]): Set<string> {
  const out = new Set([id]);
  for (const [from, to] of [["from", "to"], ["to", "from"]] as const) {
    const near = group(links, (l) => l[from], (l) => l[to]);
    const todo = [id];
    const seen = new Set(todo);
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      for (const n of near.get(next) ?? []) if (!seen.has(n)) {
        seen.add(n);
        out.add(n);
        todo.push(n);
      }
    }
  }
  return out;
}

function group<T>(list: T[], key: (x: T) => string, value: (x: T) => string): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const x of list) {
    const k = key(x);
    const have = out.get(k);
    if (have) have.push(value(x));
    else out.set(k, [value(x)]);
  }
  return out;
}
