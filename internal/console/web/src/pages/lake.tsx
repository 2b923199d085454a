// The lake: databases and tables of the catalog, their columns, partitions and first rows.
import { useState } from "preact/hooks";
import { all, call } from "../aws/client.ts";
import { count, moment, some } from "../format.ts";
import { inventory, type GlueTable } from "../inventory.ts";
import { Grid, widths } from "../parts/grid.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Empty, Gone, Head, Loading, Problem } from "../parts/ui.tsx";
import { go, to } from "../route.ts";
import { isNumber, name, query, type Result } from "./athena.ts";
import { place } from "../pipeline/graph.ts";
import { Files } from "./objects.tsx";
import { openStatement } from "./sql.tsx";

export function Lake(p: { database?: string; table?: string }) {
  const inv = inventory.value;
  if (!inv) return <><Head title="Lake" /><Loading /></>;
  if (p.table) {
    const t = inv.lake.find((x) => x.DatabaseName === p.database && x.Name === p.table);
    return t ? <Table key={t.DatabaseName + "." + t.Name} table={t} /> : <Gone title={p.table} what="table" back={[to("lake"), "Lake"]} />;
  }
  return (
    <>
      <Head title="Lake" sub={!inv.denied["the lake"] && `${some(inv.databases.length, "database")} · ${some(inv.lake.length, "table")}`} />
      {inv.databases.length === 0 && <section class="panel"><Empty of="the lake" title="The catalog is empty" line="aws glue create-database --database-input Name=shop">A database holds tables: names and columns for the objects below a prefix.</Empty></section>}
      {inv.databases.map((db) => {
        const list = inv.lake.filter((t) => t.DatabaseName === db);
        return (
          <section class="panel scroll" key={db}>
            <div class="bar"><b>{db}</b><span class="sub">{some(list.length, "table")}</span></div>
            {list.length === 0 ? <div class="empty quiet">No tables yet. A crawler finds them, or CREATE EXTERNAL TABLE says them.</div> : (
              <table class="even">
                <thead><tr><th>table</th><th>format</th><th class="n">columns</th><th class="more">partitioned by</th><th class="more">location</th><th class="more">changed</th></tr></thead>
                <tbody>{list.map((t) => (
                  <tr key={t.Name} class="link" onClick={() => go("lake", db, t.Name)}>
                    <td><a href={to("lake", db, t.Name)}>{t.Name}</a></td><td class="sub">{format(t)}</td>
                    <td class="n">{count((t.StorageDescriptor?.Columns?.length ?? 0) + (t.PartitionKeys?.length ?? 0))}</td>
                    <td class="m more">{(t.PartitionKeys ?? []).map((c) => c.Name).join(", ")}</td><td class="m dim more" title={t.StorageDescriptor?.Location}>{t.StorageDescriptor?.Location}</td>
                    <td class="dim more">{t.UpdateTime ? moment(new Date(t.UpdateTime * 1000)) : ""}</td>
                  </tr>
                ))}</tbody>
              </table>
            )}
          </section>
        );
      })}
      <Command line="aws glue get-databases" />
    </>
  );
}

function format(t: GlueTable): string {
  if (t.TableType === "VIRTUAL_VIEW") return "view";
  const serde = t.StorageDescriptor?.SerdeInfo?.SerializationLibrary ?? "";
  for (const [part, says] of [["parquet", "Parquet"], ["orc", "ORC"], ["json", "JSON"], ["opencsv", "CSV"], ["lazysimple", "text"], ["avro", "Avro"], ["regex", "regex"]] as const) if (serde.toLowerCase().includes(part)) return says;
  return serde.split(".").pop() ?? "";
}

interface Partition { Values: string[]; StorageDescriptor?: { Location?: string }; CreationTime?: number }

function Table(p: { table: GlueTable }) {
  const t = p.table;
  const keys = t.PartitionKeys ?? [], at = place(t.StorageDescriptor?.Location ?? "");
  const projected = t.Parameters?.["projection.enabled"] === "true";
  const [sample, setSample] = useState<Result>();
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const partitions = useLive(async () => (keys.length && !projected ? all<Partition, string>((tok) => call("glue", "GetPartitions", { DatabaseName: t.DatabaseName, TableName: t.Name, NextToken: tok }), "Partitions", "NextToken", 500) : []), 10_000, [t.Name]);
  const show = async () => {
    setBusy(true);
    setError(undefined);
    try {
      setSample(await query(`SELECT * FROM ${name(t.Name)} LIMIT 100`, t.DatabaseName));
    } catch (e) {
      setError(e as Error);
    }
    setBusy(false);
  };
  return (
    <>
      <Head title={t.Name} back={[to("lake"), t.DatabaseName]} sub={[format(t), t.StorageDescriptor?.Location].filter(Boolean).join(" · ")}>
        <button onClick={() => openStatement(`SELECT *\nFROM ${name(t.Name)}\nLIMIT 100`, t.DatabaseName)}>Open in SQL</button>
        <button class="primary" disabled={busy} onClick={() => void show()}>{busy ? "Reading…" : "Sample"}</button>
      </Head>
      <Problem error={error} />
      {sample && (
        <section class="panel result fixed">
          <Grid label="Sample" columns={widths(sample.columns.map((c) => c.Name), sample.rows, (i) => isNumber(sample.columns[i]!.Type))} count={sample.rows.length} cell={(r, c) => sample.rows[r]![c] ?? <span class="dim">null</span>}
            empty={<div class="empty quiet">The table has no rows.</div>} />
        </section>
      )}
      <div class="beside">
        <section class="panel scroll">
          <div class="bar"><b>Columns</b><span class="sub">{some((t.StorageDescriptor?.Columns?.length ?? 0) + keys.length, "column")}</span></div>
          <table><tbody>{[...(t.StorageDescriptor?.Columns ?? []).map((c) => [c, false] as const), ...keys.map((c) => [c, true] as const)].map(([c, key]) => <tr key={c.Name}><td class="m">{c.Name}</td><td class="m sub cut" title={c.Type}>{c.Type}</td><td>{key && <span class="badge">partition</span>} <span class="sub">{c.Comment}</span></td></tr>)}</tbody></table>
        </section>
        {keys.length > 0 && (
          <section class="panel scroll">
            <div class="bar"><b>Partitions</b><span class="sub">{projected ? "projected: computed from the table's properties" : partitions.value ? some(partitions.value.length, "partition") : ""}</span></div>
            <Problem error={partitions.error} />
            {!projected && (partitions.value?.length === 0 ? <div class="empty quiet">None is in the catalog. MSCK REPAIR TABLE or a crawler adds those that are in the lake.</div> : (
              <table><thead><tr>{keys.map((k) => <th>{k.Name}</th>)}<th>location</th></tr></thead>
                <tbody>{[...(partitions.value ?? [])].reverse().slice(0, 100).map((x) => <tr key={x.Values.join("/")}>{x.Values.map((v) => <td class="m">{v}</td>)}<td class="m dim cut" title={x.StorageDescriptor?.Location}>{x.StorageDescriptor?.Location}</td></tr>)}</tbody></table>
            ))}
          </section>
        )}
      </div>
      {at.bucket && <Files bucket={at.bucket} prefix={at.prefix} />}
      {t.ViewExpandedText && <section class="panel"><div class="bar"><b>View</b></div><pre class="json">{viewOf(t)}</pre></section>}
      <Command line={`brookmere sql --database ${t.DatabaseName} 'SELECT * FROM ${name(t.Name)} LIMIT 100'`} />
    </>
  );
}

interface PrestoView { originalSql?: string }

/** viewOf is the statement of a view; Athena keeps it in base64, in a comment. */
function viewOf(t: GlueTable & { ViewOriginalText?: string }): string {
  const packed = /Presto View: (\S+)/.exec(t.ViewOriginalText ?? "")?.[1];
  try {
    return packed ? (JSON.parse(atob(packed)) as PrestoView).originalSql ?? "" : t.ViewExpandedText ?? "";
  } catch {
    return t.ViewExpandedText ?? "";
  }
}
