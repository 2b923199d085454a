// The code of a function whose package is small: its files, to read and to change.
import { useState } from "preact/hooks";
import { AwsError, rest } from "../aws/client.ts";
import { base64, bytes, marked, some } from "../format.ts";
import type { Func } from "../inventory.ts";
import { useLive } from "../parts/live.ts";
import { Command, Loading, Problem, useAct } from "../parts/ui.tsx";
import { unzip, zip, type Entry } from "../parts/zip.ts";

const largest = 1 << 20; // of a package that is shown

/** packageOf is the files of a function, and the revision that they are of. */
async function packageOf(name: string): Promise<{ files: Entry[]; revision?: string }> {
  const { Code, Configuration } = (await rest<{ Code?: { Location?: string }; Configuration?: { RevisionId?: string } }>("lambda", "GET", `/2015-03-31/functions/${encodeURIComponent(name)}`)).value;
  const url = Code?.Location && new URL(Code.Location);
  if (!url || !url.pathname.startsWith("/_brookmere/")) throw new AwsError("Elsewhere", "Its code is not kept by this node.", 400);
  const r = await fetch(url.pathname + url.search, { cache: "no-store", credentials: "omit" }); // the address itself is signed
  if (!r.ok) throw new AwsError("HTTP " + r.status, (await r.text()).trim(), r.status);
  return { files: await unzip(new Uint8Array(await r.arrayBuffer())), revision: Configuration?.RevisionId };
}

const textual = (e: Entry): string | undefined => {
  try {
    return e.data.includes(0) ? undefined : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(e.data);
  } catch {
    return undefined;
  }
};

/** lines is a text as a field of a page has it. */
const lines = (s: string) => s.replace(/\r\n?/g, "\n");

export function FunctionCode(p: { f: Func }) {
  const small = (p.f.CodeSize ?? 0) <= largest;
  const live = useLive(async () => (small ? packageOf(p.f.FunctionName) : ({ files: [] } as Awaited<ReturnType<typeof packageOf>>)), 0, [p.f.FunctionName, p.f.LastModified]);
  const [chosen, choose] = useState<string>();
  const [changes, change] = useState(new Map<string, string>());
  const { busy, error, act } = useAct();
  if (!small) return <div class="empty quiet">The package has {bytes(p.f.CodeSize!)}: code is shown up to 1 MB.</div>;
  if (!live.value) return live.error ? <Problem error={live.error} /> : <Loading />;
  const files = [...live.value.files].sort((a, b) => a.name.localeCompare(b.name));
  const one = files.find((e) => e.name === chosen) ?? files.find((e) => p.f.Handler && e.name.startsWith(p.f.Handler.split(".")[0]!)) ?? files[0];
  const was = one && textual(one), changed = changes.size;
  const deploy = () => act("deploy", async () => {
    const { files, revision } = live.value!;
    const next = await zip(files.map((e) => (changes.has(e.name) ? { ...e, data: new TextEncoder().encode(changes.get(e.name)) } : e)));
    // What somebody else has deployed in the meantime is not overwritten.
    await rest("lambda", "PUT", `/2015-03-31/functions/${encodeURIComponent(p.f.FunctionName)}/code`, JSON.stringify({ ZipFile: base64(next), RevisionId: revision }));
    change(new Map());
    live.again();
  });
  return (
    <>
      <div class="bar">
        <select aria-label="File" value={one?.name} onChange={(e) => choose(e.currentTarget.value)}>{files.map((e) => <option value={e.name}>{marked(e.name)}</option>)}</select>
        <span class="sub">{changed ? some(changed, "file") + " changed" : some(files.length, "file")}</span><span class="grow" />
        {changed > 0 && <><button onClick={() => change(new Map())}>Undo</button><button class="primary" disabled={!!busy} onClick={deploy}>{busy ? "Deploying…" : "Deploy"}</button></>}
      </div>
      <Problem error={error} />
      {one && <div class="pad">{was === undefined ? <div class="empty quiet">It is not text.</div> : <textarea class="m" rows={16} aria-label={"Code of " + one.name} spellcheck={false} value={lines(changes.get(one.name) ?? was)} onInput={(e) => {
        const next = new Map(changes), typed = e.currentTarget.value;
        const text = /\r\n/.test(was) && lines(was).replace(/\n/g, "\r\n") === was ? typed.replace(/\n/g, "\r\n") : typed; // lines end as they did
        text === was ? next.delete(one.name) : next.set(one.name, text);
        change(next);
      }} />}<Command line={`aws lambda update-function-code --function-name ${p.f.FunctionName} --zip-file fileb://function.zip`} /></div>}
    </>
  );
}
