// Objects: buckets, their folders and what is in them; a Parquet file's row groups, and a table of a prefix.
import { useEffect, useRef, useState } from "preact/hooks";
import { AwsError, call, part, text, xml } from "../aws/client.ts";
import { bytes, count, marked, moment, quoted, some } from "../format.ts";
import { inventory } from "../inventory.ts";
import { useLive } from "../parts/live.ts";
import { footer, footerSize, type Footer } from "../parts/parquet.ts";
import { Command, Dialog, Empty, Head, Loading, Problem, useAct } from "../parts/ui.tsx";
import { place } from "../pipeline/graph.ts";
import { go, to } from "../route.ts";

export interface Obj { key: string; size: number; modified: Date }

const inner = (c: Element, tag: string) => c.getElementsByTagName(tag)[0]?.textContent ?? "";

/** key is one as a listing has it, which XML could not have as it is. */
const key = (encoded: string) => decodeURIComponent(encoded.replace(/\+/g, " "));

/** listed is a page of a listing: folders where it is asked by folders, and objects. */
async function listed(bucket: string, prefix: string, folders: boolean, after = ""): Promise<{ folders: string[]; objects: Obj[]; next: string }> {
  const doc = await xml("s3", `/${encodeURIComponent(bucket)}?list-type=2&encoding-type=url${folders ? "&delimiter=%2F" : ""}&prefix=${encodeURIComponent(prefix)}${after ? "&continuation-token=" + encodeURIComponent(after) : ""}`);
  return {
    folders: Array.from(doc.getElementsByTagName("CommonPrefixes"), (c) => key(inner(c, "Prefix"))),
    objects: Array.from(doc.getElementsByTagName("Contents"), (c) => ({ key: key(inner(c, "Key")), size: Number(inner(c, "Size")), modified: new Date(inner(c, "LastModified")) })).filter((o) => !o.key.endsWith("/")),
    next: text(doc, "NextContinuationToken"),
  };
}

/** latest lists the objects below a prefix that were written last, of the first few thousand. */
export async function latest(bucket: string, prefix: string, most: number): Promise<Obj[]> {
  const out: Obj[] = [];
  for (let page = 0, after = ""; page < 5; page++) {
    const p = await listed(bucket, prefix, false, after);
    out.push(...p.objects);
    if (!(after = p.next)) break;
  }
  return out.sort((a, b) => b.modified.getTime() - a.modified.getTime()).slice(0, most);
}

export function Objects(p: { bucket?: string; prefix?: string }) {
  return p.bucket ? <Folder key={p.bucket + "/" + p.prefix} bucket={p.bucket} prefix={p.prefix ?? ""} /> : <Buckets />;
}

function Buckets() {
  const live = useLive(async () => Array.from((await xml("s3", "/")).getElementsByTagName("Bucket"), (b) => ({ name: inner(b, "Name"), created: new Date(inner(b, "CreationDate")) })), 6000, []);
  return (
    <>
      <Head title="Objects" sub={live.value && some(live.value.length, "bucket")} />
      <Problem error={live.error} />
      <section class="panel scroll">
        {!live.value ? !live.error && <Loading /> : live.value.length === 0 ? <Empty title="No buckets yet" line="aws s3 mb s3://lake">A bucket holds objects: what deliveries write, and what tables of the lake are made of.</Empty> : (
          <table><thead><tr><th>bucket</th><th>created</th></tr></thead><tbody>{live.value.map((b) => <tr key={b.name} class="link" onClick={() => go("objects", b.name)}><td><a href={to("objects", b.name)}>{b.name}</a></td><td class="dim">{moment(b.created)}</td></tr>)}</tbody></table>
        )}
      </section>
      <Command line="aws s3 ls" />
    </>
  );
}

function Folder(p: { bucket: string; prefix: string }) {
  const [chosen, choose] = useState<Obj>();
  const [making, make] = useState(false);
  const live = useLive(() => listed(p.bucket, p.prefix, true), 8000, [p.bucket, p.prefix]);
  const v = live.value, above = p.prefix.replace(/[^/]+\/?$/, "");
  const tables = (inventory.value?.lake ?? []).filter((t) => { const at = place(t.StorageDescriptor?.Location ?? ""); return at.bucket === p.bucket && at.prefix.replace(/\/?$/, "/") === p.prefix; });
  return (
    <>
      <Head title={p.prefix ? p.prefix.replace(/\/$/, "").split("/").pop()! : p.bucket} back={p.prefix ? [above ? to("objects", p.bucket, above) : to("objects", p.bucket), p.bucket + (above ? "/" + above.slice(0, -1) : "")] : [to("objects"), "Objects"]}
        sub={v && [v.folders.length ? some(v.folders.length, "folder") : "", some(v.objects.length, "object"), v.next ? "the first of more" : ""].filter(Boolean).join(" · ")}>
        {tables.map((t) => <a class="button" href={to("lake", t.DatabaseName, t.Name)}>Table {t.DatabaseName}.{t.Name}</a>)}
        {inventory.value?.services.has("glue") && v && (v.objects.length > 0 || v.folders.length > 0) && <button onClick={() => make(true)}>Make a table of this prefix</button>}
      </Head>
      <Problem error={live.error} />
      <section class="panel scroll">
        {!v ? !live.error && <Loading /> : !v.folders.length && !v.objects.length ? <Empty title="Nothing is here" line={`aws s3 cp FILE s3://${p.bucket}/${p.prefix}`} /> : (
          <table><thead><tr><th>name</th><th class="n">size</th><th>written</th></tr></thead><tbody>
            {v.folders.map((f) => <tr key={f} class="link" onClick={() => go("objects", p.bucket, f)}><td class="m"><a href={to("objects", p.bucket, f)}>{marked(f.slice(p.prefix.length))}</a></td><td /><td /></tr>)}
            {v.objects.map((o) => <Row key={o.key} o={o} name={o.key.slice(p.prefix.length)} on={o.key === chosen?.key} choose={() => choose(o)} />)}
          </tbody></table>
        )}
      </section>
      {chosen && <Content key={chosen.key} bucket={p.bucket} object={chosen} />}
      <Command line={`aws s3 ls ${quoted(`s3://${p.bucket}/${p.prefix}`)}`} />
      {making && <Make bucket={p.bucket} prefix={p.prefix} close={() => make(false)} />}
    </>
  );
}

function Row(p: { o: Obj; name: string; on: boolean; choose: () => void }) {
  return <tr class={"link" + (p.on ? " on" : "")} onClick={p.choose}><td class="m cut" title={p.o.key}><button class="cell" aria-pressed={p.on}>{marked(p.name)}</button></td><td class="n">{bytes(p.o.size)}</td><td class="m dim">{moment(p.o.modified)}</td></tr>;
}

/** Files are the newest objects below a prefix, each with what is in it. */
export function Files(p: { bucket: string; prefix: string }) {
  const [chosen, choose] = useState<Obj>();
  const live = useLive(() => latest(p.bucket, p.prefix, 20), 8000, [p.bucket, p.prefix]);
  return (
    <>
      <section class="panel scroll">
        <div class="bar"><b>Files</b><span class="sub">the newest, with what is in each at a click</span><span class="grow" /><a class="inline" href={to("objects", p.bucket, p.prefix)}>all</a><Command line={`aws s3 ls --recursive ${quoted(`s3://${p.bucket}/${p.prefix}`)}`} /></div>
        <Problem error={live.error} />
        {live.value?.length ? <table><thead><tr><th>key</th><th class="n">size</th><th>written</th></tr></thead><tbody>{live.value.map((o) => <Row key={o.key} o={o} name={o.key.slice(p.prefix.length)} on={o.key === chosen?.key} choose={() => choose(o)} />)}</tbody></table> : <div class="empty quiet">{live.value ? "No object is there yet." : live.error ? "" : "Loading…"}</div>}
      </section>
      {chosen && <Content key={chosen.key} bucket={p.bucket} object={chosen} />}
    </>
  );
}

const largest = 16 << 20; // of a footer that is read
const shownColumns = 1000, shownGroups = 1000;

async function look(bucket: string, o: Obj): Promise<Footer | string> {
  if (!o.size) return "";
  const end = await part(bucket, o.key, `-${Math.min(o.size, 64 << 10)}`), n = footerSize(end);
  if (n > largest) throw new AwsError("TooLarge", `The footer of this file has ${bytes(n)}.`, 400);
  if (n) return footer(n <= end.length ? end : await part(bucket, o.key, `-${n}`));
  const begin = await part(bucket, o.key, `0-${Math.min(o.size, 16 << 10) - 1}`);
  if (begin[0] !== 0x1f || begin[1] !== 0x8b) return new TextDecoder().decode(begin);
  // Of a part of what is compressed, the beginning can be read.
  const reader = new Blob([begin as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip")).pipeThrough(new TextDecoderStream()).getReader();
  let out = "";
  try {
    for (let r = await reader.read(); !r.done && out.length < 16 << 10; r = await reader.read()) out += r.value;
  } catch {
    // It ends within the part.
  }
  return out.slice(0, 16 << 10);
}

/** Content is a Parquet file's columns by row group, or the beginning of another. */
function Content(p: { bucket: string; object: Obj }) {
  const live = useLive(() => look(p.bucket, p.object), 0, []);
  const [at, setAt] = useState(0);
  const v = live.value, g = typeof v === "object" ? v.groups[at] : undefined;
  return (
    <section class="panel scroll">
      <div class="bar"><b class="m">{marked(p.object.key.split("/").pop()!)}</b>
        {typeof v === "object" && <><span class="sub">{some(v.rows, "row")} in {some(v.groups.length, "row group")} · {marked(v.by)}</span>{v.groups.length > 1 && <select aria-label="Row group" value={at} onChange={(e) => setAt(Number(e.currentTarget.value))}>{v.groups.slice(0, shownGroups).map((x, i) => <option value={i}>group {i}: {some(x.rows, "row")}</option>)}</select>}</>}
        {typeof v === "string" && <span class="sub">{p.object.size > 16 << 10 ? "its beginning" : ""}</span>}
        <span class="grow" /><Command line={`aws s3 cp ${quoted(`s3://${p.bucket}/${p.object.key}`)} -`} /></div>
      <Problem error={live.error} />
      {v === undefined && !live.error && <Loading />}
      {typeof v === "string" && <pre class="json">{v ? marked(v) : "It is empty."}</pre>}
      {g && <table><thead><tr><th>column</th><th>type</th><th>encodings</th><th>codec</th><th class="n">values</th><th class="n">nulls</th><th>least</th><th>greatest</th><th class="n">size</th><th class="n">of raw</th></tr></thead><tbody>{g.columns.slice(0, shownColumns).map((c) => (
        <tr key={c.column}><td class="m">{marked(c.column)}</td><td class="sub">{c.type}</td><td class="sub">{c.encodings}</td><td class="sub">{c.codec}</td><td class="n">{count(c.values)}</td><td class="n">{c.nulls === undefined ? "" : count(c.nulls)}</td><td class="m cut">{c.min !== undefined && marked(c.min)}</td><td class="m cut">{c.max !== undefined && marked(c.max)}</td><td class="n">{bytes(c.bytes)}</td><td class="n">{c.raw ? Math.round((c.bytes / c.raw) * 100) + " %" : ""}</td></tr>
      ))}</tbody></table>}
      {g && g.columns.length > shownColumns && <div class="notice">The first {count(shownColumns)} of {count(g.columns.length)} columns are shown.</div>}
    </section>
  );
}

/** Make has a crawler find the table in a prefix, and keeps the crawler for the next time. */
function Make(p: { bucket: string; prefix: string; close: () => void }) {
  const inv = inventory.value!;
  const path = `s3://${p.bucket}/${p.prefix}`;
  const [name, setName] = useState(((p.prefix.split("/").filter(Boolean).pop() ?? p.bucket) + "-crawler").replace(/[^\w-]+/g, "-"));
  const [database, setDatabase] = useState(inv.databases[0] ?? "default");
  const [role, setRole] = useState("crawler");
  const { busy, error, act } = useAct();
  const gone = useRef(false); // who has closed the dialog is led nowhere
  useEffect(() => () => void (gone.current = true), []);
  const make = async () => {
    if (!inv.databases.includes(database)) await call("glue", "CreateDatabase", { DatabaseInput: { Name: database } });
    await call("glue", "CreateCrawler", { Name: name, Role: role, DatabaseName: database, Targets: { S3Targets: [{ Path: path }] } }).catch(async (e: AwsError) => {
      if (e.code !== "AlreadyExistsException") throw e;
      // One that crawls the same for the same is that of the last time.
      const have = (await call<{ Crawler: { DatabaseName?: string; Targets?: Record<string, { Path?: string }[] | undefined> } }>("glue", "GetCrawler", { Name: name })).Crawler;
      const targets = Object.values(have.Targets ?? {}).flatMap((t) => t ?? []);
      if (have.DatabaseName !== database || targets.length !== 1 || targets[0]!.Path !== path) throw e;
    });
    await call("glue", "StartCrawler", { Name: name });
    while (!gone.current) {
      await new Promise((next) => setTimeout(next, 500));
      const c = (await call<{ Crawler: { State: string; LastCrawl?: { Status: string; ErrorMessage?: string } } }>("glue", "GetCrawler", { Name: name })).Crawler;
      if (c.State !== "READY") continue;
      if (c.LastCrawl?.Status === "FAILED") throw new AwsError("FAILED", c.LastCrawl.ErrorMessage ?? "The crawl failed.", 400);
      if (!gone.current) go("lake");
      return;
    }
  };
  return (
    <Dialog title="Make a table of this prefix" close={p.close}>
      <span class="hint">A crawler reads objects below {path}, finds their format, columns and partitions, and puts the table into the catalog. It stays, to find what comes later.</span>
      <label>Crawler<input class="field wide m" value={name} autofocus onInput={(e) => setName(e.currentTarget.value)} /></label>
      <label>Database<input class="field wide m" value={database} list="databases" onInput={(e) => setDatabase(e.currentTarget.value)} /></label>
      <datalist id="databases">{inv.databases.map((d) => <option value={d} />)}</datalist>
      <label>Role that it reads as<input class="field wide m" value={role} onInput={(e) => setRole(e.currentTarget.value)} /></label>
      <Problem error={error} />
      <Command line={`aws glue create-crawler --name ${quoted(name)} --role ${quoted(role)} --database-name ${quoted(database)} --targets ${quoted(`S3Targets=[{Path=${path}}]`)}`} />
      <div class="bar end"><span class="grow" /><button onClick={p.close}>Close</button><button class="primary" disabled={!!busy || !name || !database || !role} onClick={() => act("make", make)}>{busy ? "Crawling…" : "Make it"}</button></div>
    </Dialog>
  );
}
