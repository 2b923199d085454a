// Statements that are kept: Athena's named queries, and its prepared statements with their parameters.
import { useState } from "preact/hooks";
import { all, call } from "../aws/client.ts";
import { quoted } from "../format.ts";
import { Command, Dialog, Loading, Problem, Sure, useAct } from "../parts/ui.tsx";
import { useLive } from "../parts/live.ts";
import { workgroup } from "./athena.ts";

export interface Named { NamedQueryId: string; Name: string; Description?: string; Database: string; QueryString: string }
export interface Prepared { StatementName: string; QueryStatement: string }

async function named(): Promise<Named[]> {
  const ids = await all<string, string>((t) => call("athena", "ListNamedQueries", { WorkGroup: workgroup, MaxResults: 50, NextToken: t }), "NamedQueryIds", "NextToken", 500);
  const out: Named[] = [];
  for (let i = 0; i < ids.length; i += 50) out.push(...(await call<{ NamedQueries: Named[] }>("athena", "BatchGetNamedQuery", { NamedQueryIds: ids.slice(i, i + 50) })).NamedQueries);
  return out.sort((a, b) => a.Name.localeCompare(b.Name));
}

async function prepared(): Promise<Prepared[]> {
  const names = (await all<{ StatementName: string }, string>((t) => call("athena", "ListPreparedStatements", { WorkGroup: workgroup, MaxResults: 50, NextToken: t }), "PreparedStatements", "NextToken", 500)).map((s) => s.StatementName);
  const out: Prepared[] = [];
  for (let i = 0; i < names.length; i += 50) out.push(...(await call<{ PreparedStatements: Prepared[] }>("athena", "BatchGetPreparedStatement", { WorkGroup: workgroup, PreparedStatementNames: names.slice(i, i + 50) })).PreparedStatements);
  return out.sort((a, b) => a.StatementName.localeCompare(b.StatementName));
}

/** parameters counts the question marks of a statement that are neither in texts nor in comments. */
export function parameters(sql: string): number {
  return (sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g, "").match(/\?/g) ?? []).length;
}

export function Saved(p: { open: (text: string, database: string) => void }) {
  const live = useLive(async () => ({ named: await named(), prepared: await prepared() }), 5000, []);
  const { error, act } = useAct();
  const drop = (operation: string, input: object) => act(operation, async () => { await call("athena", operation, input); live.again(); });
  const v = live.value;
  return (
    <>
      <Problem error={error ?? live.error} />
      {!v ? !live.error && <Loading /> : !v.named.length && !v.prepared.length ? <div class="empty quiet">Nothing is saved yet. Save keeps the statement of the tab.</div> : (
        <div class="tree">
          {v.named.map((q) => <div class="kept" key={q.NamedQueryId}><button class="fn" title={q.QueryString} onClick={() => p.open(q.QueryString, q.Database)}><b>{q.Name}</b><span>{q.Description || q.Database}</span></button><Sure ask="" act={() => drop("DeleteNamedQuery", { NamedQueryId: q.NamedQueryId })}>✕</Sure></div>)}
          {v.prepared.map((s) => <div class="kept" key={s.StatementName}><button class="fn" title={s.QueryStatement} onClick={() => p.open(s.QueryStatement, "")}><b>{s.StatementName}</b><span>prepared, {parameters(s.QueryStatement) || "no"} parameters</span></button><Sure ask="" act={() => drop("DeletePreparedStatement", { WorkGroup: workgroup, StatementName: s.StatementName })}>✕</Sure></div>)}
        </div>
      )}
    </>
  );
}

export function Save(p: { text: string; database: string; close: () => void; done: () => void }) {
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [kind, setKind] = useState(parameters(p.text) ? "prepared" : "named");
  const { busy, error, act } = useAct();
  const wrong = kind === "prepared" && name && !/^[A-Za-z_][\w@:]{0,255}$/.test(name) ? "The name of a prepared statement has letters, digits, _ @ and :, and no digit first." : "";
  const keep = async () => {
    if (kind === "named") await call("athena", "CreateNamedQuery", { Name: name, Description: about || undefined, Database: p.database || "default", QueryString: p.text, WorkGroup: workgroup });
    else await call("athena", "CreatePreparedStatement", { StatementName: name, QueryStatement: p.text.trim().replace(/;$/, ""), WorkGroup: workgroup, Description: about || undefined });
    p.done();
  };
  return (
    <Dialog title="Save the statement" close={p.close}>
      <label>Name<input class="field wide" value={name} maxLength={128} autofocus onInput={(e) => setName(e.currentTarget.value)} /></label>
      <label>Says<input class="field wide" value={about} maxLength={1024} onInput={(e) => setAbout(e.currentTarget.value)} /></label>
      <label>As<select value={kind} onChange={(e) => setKind(e.currentTarget.value)}><option value="named">a named query</option><option value="prepared">a prepared statement, that EXECUTE runs by its name</option></select></label>
      {wrong && <div class="notice" role="status">{wrong}</div>}
      <Problem error={error} />
      <Command line={kind === "named" ? `aws athena create-named-query --name ${quoted(name || "name")} --database ${quoted(p.database || "default")} --query-string ${quoted(p.text.slice(0, 200))}` : `aws athena create-prepared-statement --statement-name ${quoted(name || "name")} --work-group ${workgroup} --query-statement ${quoted(p.text.slice(0, 200))}`} />
      <div class="bar end"><span class="grow" /><button onClick={p.close}>Close</button><button class="primary" disabled={!!busy || !name.trim() || !!wrong || !p.text.trim()} onClick={() => act("save", keep)}>Save</button></div>
    </Dialog>
  );
}
