// The data viewer: records of a stream as they come, over all shards.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { clock, count, marked } from "../format.ts";
import { Grid, widths, type Column } from "../parts/grid.tsx";
import { JSONText, Raw } from "../parts/json.tsx";
import { fromCommand, startOf, tail, type Rec } from "../parts/tail.ts";
import { WhereTo } from "./consumers.tsx";
import { Command, Problem } from "../parts/ui.tsx";
import { parse } from "../pipeline/minisql.ts";
import { at, bare, cellText, columnsOf, filterOf } from "../pipeline/filter.ts";

const most = 5000; // records that are kept; older ones go
const step = 250; // ms between changes of what is shown

const places = [["latest", "from now on"], ["1m", "last minute"], ["5m", "last 5 min"], ["1h", "last hour"], ["trim_horizon", "all that is kept"], ["at", "from a time…"]] as const;

export function Records(p: { stream: string; from?: string; small?: boolean }) {
  const [from, setFrom] = useState(p.from ?? "5m");
  const [placing, setPlacing] = useState<string>(); // a time or a sequence number that is being written
  const [filter, setFilter] = useState("");
  const [asTable, setTable] = useState(true);
  const [paused, setPaused] = useState(false);
  const [shown, setShown] = useState<Rec[]>([]);
  const [seen, setSeen] = useState(0);
  const [sampled, setSampled] = useState(false);
  const [error, setError] = useState<Error | undefined>();
  const [chosen, choose] = useState<Rec | null>(null);
  const [look, setLook] = useState(200); // so many rows have a say in what columns there are: those that are seen, and more
  const buffer = useRef<Rec[]>([]);
  const total = useRef(0);
  useEffect(() => {
    if (paused) return;
    buffer.current = [];
    total.current = 0;
    let dirty = true;
    const t = tail(p.stream, from, (records) => {
      total.current += records.length;
      buffer.current.push(...records);
      if (buffer.current.length > most * 1.2) buffer.current = buffer.current.slice(-most);
      dirty = true;
    }, setError);
    const timer = setInterval(() => {
      if (!dirty || document.hidden) return;
      dirty = false;
      buffer.current.sort((a, b) => a.ms - b.ms || a.id - b.id); // most of it is in order already
      setShown(buffer.current.slice(-most).reverse());
      setSeen(total.current);
      setSampled(t.sampled());
    }, step);
    return () => {
      t.stop();
      clearInterval(timer);
    };
  }, [p.stream, from, paused]);
  const sql = /^\s*select\b/i.test(filter);
  const asked = useMemo(() => {
    if (!sql) return {};
    try {
      return { query: parse(filter) };
    } catch (e) {
      return { wrong: (e as Error).message };
    }
  }, [filter]);
  const answer = useMemo(() => asked.query?.(shown), [asked, shown]);
  const test = useMemo(() => filterOf(sql ? "" : filter), [filter]);
  const rows = useMemo(() => (filter && !sql ? shown.filter((r) => test(r.key + " " + r.text, r.value)) : shown), [shown, filter]);
  const paths = useMemo(() => (asTable ? columnsOf(rows.slice(0, 40).map((r) => r.value).filter((v) => v !== undefined), p.small ? 8 : 12) : []), [rows, asTable]);
  const found = paths.map((name): Column => {
    const sample = rows.slice(0, 30).map((r) => cellText(at(r.value, name)));
    const right = sample.some((s) => s !== "") && sample.every((s) => s === "" || !Number.isNaN(Number(s)));
    return { name, width: Math.min(240, Math.max(64, name.length * 7.2 + 24, Math.max(...sample.map((s) => s.length)) * 7.4 + 24)), right, mono: true };
  });
  const whole = useMemo(() => rows.slice(0, look).some((r) => bare(r.value, paths)), [rows, paths, look]); // a column of records that have no cell elsewhere
  const last = whole ? undefined : found.filter((c) => !c.right).pop(); // takes the room that is left
  if (last) last.grow = true;
  const columns: Column[] = [
    { name: "arrived", width: 112, mono: true }, { name: "shard", width: 66, right: true }, { name: "key", width: 120, mono: true, grow: found.length > 0 && !whole && !last },
    ...found, ...(whole || !found.length ? [{ name: "record", width: found.length ? 160 : 360, mono: true, grow: true }] : []),
    { name: "bytes", width: 62, right: true },
  ];
  const cell = (r: number, c: number) => {
    const x = rows[r]!;
    if (c === 0) return <span class="dim">{clock(x.arrived)}</span>;
    if (c === 1) return <span class="dim">{Number(x.shard.slice(8))}</span>;
    if (c === 2) return x.key;
    if (c === columns.length - 1) return <span class="dim">{count(x.bytes)}</span>;
    if (c - 3 < paths.length) return cellText(at(x.value, paths[c - 3]!));
    return !bare(x.value, paths) ? "" : x.binary ? <span class="dim">{x.text.slice(0, 1000)}</span> : x.text;
  };
  const index = chosen ? rows.indexOf(chosen) : -1;
  const dropped = seen - shown.length;
  return (
    <div class={p.small ? "viewer small" : "viewer"}>
      <div class="panel list">
        <div class="bar">
          <input class="field wide m" type="search" value={filter} aria-label="Filter" placeholder={p.small ? "Filter: a word, or $.amount > 100" : "Filter: a word, $.amount > 100, or SELECT status, count(*) GROUP BY status"} onInput={(e) => setFilter(e.currentTarget.value)} />
          <span class={paused ? "live off" : "live"}><i />{paused ? "paused" : "tailing"}</span>
          <button onClick={() => setPaused(!paused)} aria-pressed={paused}>{paused ? "Resume" : "Pause"}</button>
          {placing !== undefined && <input class={"field m place" + (placing && startOf(placing).ShardIteratorType === "LATEST" ? " wrong" : "")} aria-label="Time or sequence number" placeholder="2026-01-31 14:05, or a number" autofocus value={placing} onInput={(e) => setPlacing(e.currentTarget.value)} onChange={(e) => startOf(e.currentTarget.value).ShardIteratorType !== "LATEST" && setFrom(e.currentTarget.value)} />}
          <select aria-label="From" value={placing !== undefined ? "at" : from} onChange={(e) => { const v = e.currentTarget.value; setPlacing(v === "at" ? "" : undefined); if (v !== "at") setFrom(v); }}>{places.map(([v, label]) => <option value={v}>{label}</option>)}</select>
          <button onClick={() => setTable(!asTable)} aria-pressed={asTable}>{asTable ? "Raw" : "Columns"}</button>
        </div>
        <Problem error={error} />
        {asked.wrong && <div class="notice" role="status">{asked.wrong}</div>}
        {answer ? <Grid label="Result" columns={widths(answer.names, answer.rows.slice(0, 60).map((r) => r.map((x) => cellText(x ?? undefined))), (i) => answer.rows.slice(0, 60).every((r) => r[i] == null || typeof r[i] === "number"))} count={answer.rows.length}
          cell={(r, c) => { const x = answer.rows[r]![c]; return x == null ? <span class="dim">null</span> : typeof x === "number" && !Number.isInteger(x) ? String(Number(x.toPrecision(8))) : cellText(x); }} empty={<div class="empty quiet">No row.</div>} /> : <Grid label="Records" columns={columns} count={rows.length} cell={cell} selected={index} onNeed={(i) => setLook(Math.max(200, Math.ceil(i / 100 + 1) * 100))} onSelect={(i) => choose(rows[i] ?? null)}
          empty={<div class="empty quiet">{error ? "" : filter && shown.length ? "None of " + count(shown.length) + " records matches." : from === "latest" ? "Waiting for records…" : "No records in this time yet. They show here as they arrive."}</div>} />}
        {!p.small && (
          <div class="bar foot">
            <span class="sub">{answer ? `${count(answer.rows.length)} rows of ${count(answer.matched)} records; ${count(shown.length)} are looked at` : filter && !sql ? `${count(rows.length)} of ${count(shown.length)} records match` : count(seen) + " records"}{dropped > 0 && ` · the newest ${count(shown.length)} are kept`}{sampled && " · a sample, as more comes than can be read here"}</span>
            <span class="grow" />
            <Command line={fromCommand(p.stream, from, shown[0]?.shard)} />
          </div>
        )}
      </div>
      {chosen && !p.small && (
        <aside class="panel detail">
          <div class="bar"><b>{marked(chosen.key)}</b><span class="grow" /><span class="badge">{chosen.binary ? "binary" : chosen.value === undefined ? "text" : "JSON"}</span><button class="plain" aria-label="Close" onClick={() => choose(null)}>✕</button></div>
          <dl class="facts">
            <dt>arrived</dt><dd class="m">{chosen.arrived.toISOString()}</dd>
            <dt>shard</dt><dd class="m">{chosen.shard}</dd>
            <dt>sequence</dt><dd class="m wrap">{chosen.sequence}</dd>
            <dt>size</dt><dd>{count(chosen.bytes)} bytes</dd>
            {chosen.part && <><dt>part</dt><dd>{count(chosen.part.at)} of {count(chosen.part.of)} that the Kinesis Producer Library has put together</dd></>}
          </dl>
          {chosen.value === undefined ? <Raw text={chosen.text} /> : <JSONText value={chosen.value} />}
          <WhereTo key={chosen.sequence} stream={p.stream} record={chosen} />
        </aside>
      )}
    </div>
  );
}
