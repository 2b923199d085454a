// SQL on the lake: statements in tabs, results in a grid that loads as one scrolls.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { AwsError, own, part, removed } from "../aws/client.ts";
import { remember, remembered } from "../aws/session.ts";
import type { Editor, Schema, SQLFunction } from "../editor/editor.ts";
import { bytes, count, csv, marked, moment, quoted, some, span } from "../format.ts";
import { inventory, type GlueTable } from "../inventory.ts";
import { Grid, widths } from "../parts/grid.tsx";
import { loaded } from "../parts/lazy.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Empty, Head, Loading, Problem, useAct } from "../parts/ui.tsx";
import { cancel, ended, follow, isNumber, name, past, query, resultOf, start, type Execution, type Result } from "./athena.ts";
import { place } from "../pipeline/graph.ts";
import { latest } from "./objects.tsx";
import { Bars } from "./bars.tsx";
import { parameters, Save, Saved } from "./saved.tsx";
import { reads, statement } from "../dashboards/body.ts";
import { Onto } from "../dashboards/onto.tsx";
import { fitting, shaped } from "../dashboards/shape.ts";

interface Tab { id: number; text: string; values?: string[]; execution?: Execution; result?: Result; error?: Error; starting?: boolean }

function keptTabs(): Tab[] {
  try {
    const texts = JSON.parse(remembered("tabs") ?? "[]") as string[];
    if (texts.length) return texts.map((text, id) => ({ id, text }));
  } catch {
    // What cannot be read is begun again.
  }
  return [{ id: 0, text: "" }];
}

const tabs = signal<Tab[]>(keptTabs());
const current = signal(0);
const database = signal(remembered("database") ?? "");

function change(id: number, by: Partial<Tab>) {
  tabs.value = tabs.value.map((t) => (t.id === id ? { ...t, ...by } : t));
  if ("text" in by) remember("tabs", JSON.stringify(tabs.value.map((t) => t.text)));
}

/** openStatement puts a statement into a tab of its own: other pages lead here with one. */
export function openStatement(text: string, db: string) {
  const id = Math.max(-1, ...tabs.value.map((t) => t.id)) + 1;
  const rest = tabs.value.filter((t) => t.text.trim());
  tabs.value = [...rest, { id, text }];
  current.value = id;
  setDatabase(db);
  location.hash = "#/sql";
}

function setDatabase(db: string) {
  database.value = db;
  remember("database", db);
}

export function SQL() {
  const inv = inventory.value;
  const [side, setSide] = useState<"tables" | "saved" | "history" | "functions">("tables");
  const [saving, setSaving] = useState<string>();
  const [boarding, setBoarding] = useState(false);
  const [functions, setFunctions] = useState<SQLFunction[]>([]);
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const tab = tabs.value.find((t) => t.id === current.value) ?? tabs.value[0]!;
  const db = database.value || (inv?.databases.includes("default") ? "default" : inv?.databases[0] ?? "");
  const run = useRef(() => {});
  run.current = () => void execute(tab.id, editor.current?.toRun() ?? tab.text, db);
  useEffect(() => {
    own<SQLFunction[]>("sql-functions").then(setFunctions, () => undefined);
  }, []);
  const [made, setMade] = useState(0);
  useEffect(() => {
    let gone = false;
    void loaded(() => import("../editor/editor.ts")).then(({ makeEditor }) => {
      if (gone || !host.current) return;
      editor.current = makeEditor(host.current, { text: tab.text, run: () => run.current(), changed: (text) => change(tab.id, { text }) });
      editor.current.focus();
      setMade(Date.now());
    });
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, [tab.id]);
  useEffect(() => editor.current?.know(schemaOf(inv?.lake ?? []), db, functions), [made, inv, db, functions]);
  const asks = /^\s*(prepare|execute)\b/i.test(tab.text) ? 0 : parameters(tab.text);
  const running = tab.starting || (tab.execution && !ended(tab.execution));
  return (
    <>
      <Head title="SQL" sub="Athena, on the lake">
        <select aria-label="Database" value={db} onChange={(e) => setDatabase(e.currentTarget.value)}>{(inv?.databases ?? []).map((d) => <option>{d}</option>)}{!inv?.databases.length && <option value="">{inv ? "no database" : "loading…"}</option>}</select>
        <button onClick={() => void execute(tab.id, explained(editor.current?.toRun() ?? tab.text), db)}>Explain</button>
        <button onClick={() => setSaving(editor.current?.text() ?? tab.text)} disabled={!tab.text.trim()}>Save</button>
        {running ? <button onClick={() => tab.execution && void cancel(tab.execution.QueryExecutionId)}>Cancel</button>
          : <button class="primary" onClick={() => run.current()}>Run <span class="keys">Ctrl ↵</span></button>}
      </Head>
      <div class="sql">
        <aside class="panel side">
          <div class="tabs" role="tablist">{(["tables", "saved", "functions", "history"] as const).map((s) => <button role="tab" aria-selected={s === side} class={s === side ? "on" : ""} onClick={() => setSide(s)}>{s}</button>)}</div>
          {side === "tables" && <Tables db={db} insert={(s) => editor.current?.insert(s)} />}
          {side === "functions" && <Functions list={functions} insert={(s) => editor.current?.insert(s)} />}
          {side === "saved" && <Saved key={String(saving)} open={(text, d) => openStatement(text, d || db)} />}
          {side === "history" && <History open={(e) => openStatement(e.Query, e.QueryExecutionContext?.Database ?? db)} />}
        </aside>
        <div class="work">
          <div class="panel editor">
            <div class="tabs">
              <div class="through" role="tablist" aria-label="Statements">{tabs.value.map((t, i) => <button role="tab" aria-selected={t.id === tab.id} class={t.id === tab.id ? "on" : ""} onClick={() => (current.value = t.id)}>{title(t, i)}</button>)}</div>
              <button aria-label="New tab" onClick={() => openStatement("", db)}>+</button>
              {tabs.value.length > 1 && <><span class="grow" /><button aria-label="Close tab" onClick={() => {
                tabs.value = tabs.value.filter((t) => t.id !== tab.id);
                current.value = tabs.value[tabs.value.length - 1]!.id;
                remember("tabs", JSON.stringify(tabs.value.map((t) => t.text)));
              }}>close</button></>}
            </div>
            <div class="code" ref={host} />
            {asks > 0 && <div class="bar foot params">{Array.from({ length: Math.min(asks, 25) }, (_, i) => <label key={i}>? {i + 1}<input class="field m" placeholder="as in SQL: 5, 'text'" value={tab.values?.[i] ?? ""} onInput={(e) => { const values = Array.from({ length: asks }, (_, j) => tab.values?.[j] ?? ""); values[i] = e.currentTarget.value; change(tab.id, { values }); }} /></label>)}</div>}
          </div>
          <Outcome tab={tab} db={db} board={inv?.services.has("cloudwatch") ? () => setBoarding(true) : undefined} />
        </div>
      </div>
      {saving !== undefined && <Save text={saving} database={db} close={() => setSaving(undefined)} done={() => (setSaving(undefined), setSide("saved"))} />}
      {boarding && tab.result && tab.execution && <Onto title={title(tab, 0)} views={fitting(shaped(tab.result.columns.map((c) => c.Name), tab.result.rows.slice(0, 200)))} close={() => setBoarding(false)}
        make={(t, view, y) => statement({ title: t, sql: tab.execution!.Query, database: tab.execution!.QueryExecutionContext?.Database ?? db, view }, y)} />}
    </>
  );
}

/** explained is the statement that explains one; itself where it does. */
const explained = (text: string) => (!text.trim() || /^\s*explain\b/i.test(text) ? text : "EXPLAIN " + text);

function title(t: Tab, i: number): string {
  const m = /\bfrom\s+("[^"]+"|[\w.-]+)/i.exec(t.text);
  return m ? m[1]!.replace(/"/g, "") : t.text.trim().slice(0, 18) || "Statement " + (i + 1);
}

function schemaOf(lake: GlueTable[]): Schema {
  const out = Object.create(null) as Schema; // names are anybody's: constructor too
  for (const t of lake) {
    (out[t.DatabaseName] ??= Object.create(null) as Schema[string])[t.Name] = [...(t.StorageDescriptor?.Columns ?? []), ...(t.PartitionKeys ?? [])].map((c) => ({ label: c.Name, detail: c.Type ?? "" }));
  }
  return out;
}

async function execute(id: number, text: string, db: string) {
  if (!text.trim()) return;
  change(id, { error: undefined, result: undefined, execution: undefined, starting: true });
  try {
    const wants = /^\s*(prepare|execute)\b/i.test(text) ? 0 : parameters(text), values = (tabs.value.find((t) => t.id === id)?.values ?? []).slice(0, wants);
    if (values.length < wants || values.some((v) => !v.trim())) throw new AwsError("Parameters", "The statement has question marks: give each its value below the statement.", 400);
    const started = await start(text, db, values);
    const e = await follow(started, (execution) => change(id, { execution, starting: false }));
    if (e.Status.State !== "SUCCEEDED") return;
    const result = resultOf(e);
    await result.more();
    change(id, { result });
  } catch (error) {
    change(id, { error: error as Error, starting: false });
  }
}

/** name of a column in a statement around another. */
const column = (s: string) => '"' + s.replace(/"/g, '""') + '"';

/** Profile is what a column of a result holds, asked of all its rows. */
function Profile(p: { sql: string; db: string; values?: string[]; of: { Name: string; Type: string }; close: () => void }) {
  const c = column(p.of.Name), from = `FROM (\n${p.sql.trim().replace(/;$/, "")}\n)`, numeric = isNumber(p.of.Type);
  const live = useLive(async () => {
    const [all, top] = await Promise.all([
      query(`SELECT count(*), count(${c}), approx_distinct(${c}), CAST(min(${c}) AS varchar), CAST(max(${c}) AS varchar)${numeric ? `, CAST(approx_percentile(${c}, 0.5) AS varchar), CAST(avg(${c}) AS varchar)` : ""} ${from}`, p.db, p.values),
      query(`SELECT CAST(${c} AS varchar) AS v, count(*) AS n ${from} GROUP BY 1 ORDER BY 2 DESC LIMIT 12`, p.db, p.values),
    ]);
    return { all: all.rows[0]!, top: top.rows };
  }, 0, []);
  const v = live.value, short = (s: string | null | undefined) => (s == null ? "" : numeric ? String(Number(Number(s).toPrecision(8))) : s);
  return (
    <div class="panel chart">
      <div class="bar nopad"><b>{marked(p.of.Name)}</b><span class="sub">{p.of.Type}</span><span class="grow" /><button class="plain" aria-label="Close" onClick={p.close}>✕</button></div>
      <Problem error={live.error} />
      {!v ? !live.error && <Loading /> : <>
        <dl class="facts"><dt>rows</dt><dd>{count(Number(v.all[0]))}</dd><dt>nulls</dt><dd>{count(Number(v.all[0]) - Number(v.all[1]))}</dd><dt>distinct</dt><dd>about {count(Number(v.all[2]))}</dd><dt>least</dt><dd class="m">{short(v.all[3])}</dd><dt>greatest</dt><dd class="m">{short(v.all[4])}</dd>
          {numeric && <><dt>median</dt><dd class="m">{short(v.all[5])}</dd><dt>mean</dt><dd class="m">{short(v.all[6])}</dd></>}</dl>
        <Bars title="Most frequent" rows={v.top.map((r) => [r[0] == null ? "null" : short(r[0]), Number(r[1])])} />
      </>}
    </div>
  );
}

function download(data: string | Uint8Array, as: string) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([data as Uint8Array<ArrayBuffer>]));
  a.download = as;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

const mostUnloaded = 512 << 20, mostFiles = 50; // that a browser is given

/** unloaded is a result as files of Parquet, written beside Athena's results, fetched, and taken away again. */
async function unloaded(db: string, e: Execution): Promise<{ name: string; data: Uint8Array }[]> {
  const beside = place((e.ResultConfiguration?.OutputLocation ?? "").replace(/[^/]*$/, ""));
  if (!beside.bucket) throw new AwsError("NoLocation", "The result has no location in S3, beside which Parquet could be written.", 400);
  const prefix = beside.prefix + "parquet-" + crypto.randomUUID() + "/";
  await query(`UNLOAD (\n${e.Query.trim().replace(/;$/, "")}\n) TO 's3://${beside.bucket}/${prefix}' WITH (format = 'PARQUET')`, db, e.ExecutionParameters);
  const written = await latest(beside.bucket, prefix, 5000), size = written.reduce((n, o) => n + o.size, 0);
  try {
    if (!written.length) throw new AwsError("NoRows", "The result has no rows, of which no file is written.", 400);
    if (size > mostUnloaded || written.length > mostFiles) throw new AwsError("TooLarge", `The result has ${bytes(size)} in ${some(written.length, "file")}: write it by UNLOAD, and copy it by “aws s3 cp”.`, 400);
    const out: { name: string; data: Uint8Array }[] = [];
    for (const o of written) out.push({ name: `result${out.length ? "-" + out.length : ""}.parquet`, data: await part(beside.bucket, o.key, "0-") });
    return out;
  } finally {
    for (const o of written) await removed(beside.bucket, o.key);
  }
}

interface Step { text: string; notes: string[]; steps: Step[] }

/** planOf is the steps of a plan, by how far each line is to the right. */
function planOf(lines: string[]): Step[] {
  const root: Step = { text: "", notes: [], steps: [] };
  const above: [number, Step][] = [[-1, root]];
  for (const line of lines.flatMap((l) => l.split("\n")).filter((l) => l.trim())) {
    const m = /^(\s*)- (.*)$/.exec(line);
    if (!m) {
      above.at(-1)![1].notes.push(line.trim());
      continue;
    }
    while (above.at(-1)![0] >= m[1]!.length) above.pop();
    const step: Step = { text: m[2]!, notes: [], steps: [] };
    above.at(-1)![1].steps.push(step);
    above.push([m[1]!.length, step]);
  }
  return root.steps;
}

function Plan(p: { steps: Step[] }) {
  return <ul class="plan">{p.steps.map((s) => <li><b>{marked(s.text.replace(/\[.*/, ""))}</b> <span class="m sub">{marked(/\[.*/.exec(s.text)?.[0] ?? "")}</span>{s.notes.map((n) => <div class="m dim">{marked(n)}</div>)}{s.steps.length > 0 && <Plan steps={s.steps} />}</li>)}</ul>;
}

function Outcome(p: { tab: Tab; db: string; board?: () => void }) {
  const { execution: e, result: r, error } = p.tab;
  const [, drawn] = useState(0);
  const [asChart, setChart] = useState(false);
  const [profiled, profile] = useState<number>();
  useEffect(() => profile(undefined), [e?.QueryExecutionId]);
  const { busy, error: failed, act } = useAct();
  const columns = useMemo(() => (r ? widths(r.columns.map((c) => c.Name), r.rows, (i) => isNumber(r.columns[i]!.Type)) : []), [r]);
  if (error) return <Problem error={error} />;
  if (p.tab.starting || (e && !ended(e))) return <div class="panel result"><div class="empty quiet" aria-busy="true">{e?.Status.State === "RUNNING" ? "Running…" : "Queued…"}</div></div>;
  if (!e) return <div class="panel result"><Empty title="No result yet" line={`brookmere sql ${quoted("SHOW TABLES")}`}>Write a statement and press Ctrl+Enter. A selection runs alone.</Empty></div>;
  if (e.Status.State !== "SUCCEEDED") return <div class="problem" role="alert"><b>{e.Status.State.toLowerCase()}</b> {e.Status.StateChangeReason}</div>;
  const label = r ? r.columns.findIndex((c) => !isNumber(c.Type)) : -1, value = r ? r.columns.findIndex((c) => isNumber(c.Type)) : -1;
  const parquet = async () => {
    for (const o of await unloaded(e.QueryExecutionContext?.Database ?? p.db, e)) download(o.data, o.name);
  };
  const save = async (kind: "csv" | "json") => {
    while (r && !r.complete) await r.more();
    const names = r!.columns.map((c) => c.Name);
    const text = kind === "csv" ? csv([names, ...r!.rows]) : JSON.stringify(r!.rows.map((row) => Object.fromEntries(row.map((v, i) => [names[i], v !== null && isNumber(r!.columns[i]!.Type) && Number.isSafeInteger(Number(v)) ? Number(v) : v]))), null, 1);
    download(text, "result." + kind);
  };
  const plan = r && /^\s*explain\b(?!\s*\()/i.test(e.Query) ? planOf(r.rows.map((row) => row[0] ?? "")) : [];
  return (
    <>
      <div class="stats sub">
        <b>{r ? count(r.rows.length) + (r.complete ? "" : "+") + (r.rows.length === 1 ? " row" : " rows") : "…"}</b>
        <span>{span((e.Statistics?.TotalExecutionTimeInMillis ?? e.Statistics?.EngineExecutionTimeInMillis ?? 0) / 1000)}</span>
        <span>{bytes(e.Statistics?.DataScannedInBytes ?? 0)} scanned</span>
        <span class="grow" />
        {label >= 0 && value >= 0 && <button class="plain" aria-pressed={asChart} onClick={() => setChart(!asChart)}>{asChart ? "Hide chart" : "Chart"}</button>}
        {p.board && r && r.columns.length > 0 && reads(e.Query) && <button class="plain" onClick={p.board}>To dashboard</button>}
        <button class="plain" disabled={!!busy} onClick={() => act("csv", () => save("csv"))}>CSV</button><button class="plain" disabled={!!busy} onClick={() => act("json", () => save("json"))}>JSON</button>{reads(e.Query) && !!r?.columns.length && <button class="plain" disabled={!!busy} onClick={() => act("parquet", parquet)}>{busy === "parquet" ? "Writing…" : "Parquet"}</button>}
        <Command line={`brookmere sql --database ${quoted(p.db)} ${quoted(e.Query)}`} />
      </div>
      <Problem error={failed} />
      <div class="outcome">
        <div class="panel result">
          {plan.length > 0 ? <div class="scroll"><Plan steps={plan} /></div> : r && r.columns.length > 0 ? (
            <Grid label="Result" columns={columns} count={r.rows.length} cell={(i, c) => r.rows[i]![c] ?? <span class="dim">null</span>} onHead={reads(e.Query) ? profile : undefined}
              onNeed={(last) => last > r.rows.length - 200 && !r.complete && void r.more().then(() => drawn(r.rows.length))} />
          ) : r ? <div class="empty quiet">Done. The statement gives no rows.</div> : <Loading />}
        </div>
        {profiled !== undefined && r?.columns[profiled] && <Profile key={e.QueryExecutionId + profiled} sql={e.Query} db={e.QueryExecutionContext?.Database ?? p.db} values={e.ExecutionParameters} of={r.columns[profiled]!} close={() => profile(undefined)} />}
        {asChart && r && label >= 0 && value >= 0 && <div class="panel chart"><Bars title={`${r.columns[value]!.Name} by ${r.columns[label]!.Name}`} rows={r.rows.slice(0, 20).map((x) => [x[label] ?? "null", Number(x[value])])} /></div>}
      </div>
    </>
  );
}

function Tables(p: { db: string; insert: (s: string) => void }) {
  const [open, setOpen] = useState<string | null>(null);
  const list = (inventory.value?.lake ?? []).filter((t) => t.DatabaseName === p.db);
  if (!list.length) return inventory.value?.denied["the lake"] ? <Problem error={inventory.value.denied["the lake"]} /> : <div class="empty quiet">No tables in this database.</div>;
  return (
    <div class="tree">{list.map((t) => (
      <>
        <button class="leaf" aria-expanded={open === t.Name} onClick={() => setOpen(open === t.Name ? null : t.Name)} onDblClick={() => p.insert(name(t.Name))}>
          <span>{open === t.Name ? "▾" : "▸"} {t.Name}</span><i>{t.TableType === "VIRTUAL_VIEW" ? "view" : ""}</i>
        </button>
        {open === t.Name && [...(t.StorageDescriptor?.Columns ?? []), ...(t.PartitionKeys ?? [])].map((c) => <button class="leaf sub" title={"Insert " + c.Name} onClick={() => p.insert(name(c.Name))}><span>{c.Name}</span><i>{c.Type}</i></button>)}
        {open === t.Name && <button class="leaf sub ask" onClick={() => p.insert(name(t.Name))}>insert its name</button>}
        {open === t.Name && <button class="leaf sub ask" onClick={() => openStatement(`SELECT *\nFROM ${name(t.Name)}\nLIMIT 100`, p.db)}>first 100 rows</button>}
      </>
    ))}</div>
  );
}

function Functions(p: { list: SQLFunction[]; insert: (s: string) => void }) {
  const [find, setFind] = useState("");
  const list = p.list.filter((f) => (f.name + " " + f.description).toLowerCase().includes(find.toLowerCase())).slice(0, 200);
  return (
    <>
      <input class="field" type="search" placeholder="Find a function" aria-label="Find a function" value={find} onInput={(e) => setFind(e.currentTarget.value)} />
      <div class="tree">{list.map((f) => <button class="fn" title={f.forms.join("\n")} onClick={() => p.insert(f.name + "(")}><b>{f.forms[0]}</b><span>{f.description}</span></button>)}</div>
    </>
  );
}

function History(p: { open: (e: Execution) => void }) {
  const live = useLive(past, 4000, []);
  if (live.error) return <Problem error={live.error} />;
  if (!live.value) return <Loading />;
  if (!live.value.length) return <div class="empty quiet">No statement was run yet.</div>;
  return (
    <div class="tree">{live.value.map((e) => (
      <button class="fn" key={e.QueryExecutionId} onClick={() => p.open(e)}>
        <b>{e.Query.replace(/\s+/g, " ").slice(0, 90)}</b>
        <span class={e.Status.State === "FAILED" ? "bad" : ""}>{moment(new Date(e.Status.SubmissionDateTime * 1000))} · {e.Status.State.toLowerCase()} · {bytes(e.Statistics?.DataScannedInBytes ?? 0)}</span>
      </button>
    ))}</div>
  );
}
