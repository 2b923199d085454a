// Records made for a stream or a delivery stream, from a template or a built-in source. The node makes them as they
// are due; this tab puts them, with its own credentials, and stops when it is closed.
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { AwsError, call, lines, own } from "../aws/client.ts";
import { account, region, remember, remembered } from "../aws/session.ts";
import { base64, count, marked, quoted, rate as perSecond, some } from "../format.ts";
import { inventory } from "../inventory.ts";
import { useLive } from "../parts/live.ts";
import { Command, Empty, Head, Problem, useAct } from "../parts/ui.tsx";
import { to } from "../route.ts";

interface Made { key: string; data: string }
interface Setting { name: string; source: string; template: string; rate: string; target: string }
interface Run { id: number; setting: Setting; where: string; state: "running" | "stopped" | "done" | "failed"; began: number; put: number; refused: number; perSecond: number; error?: Error; stop: () => void }

const runs = signal<Run[]>([]);
let ids = 0;

const example = `{
  "sensorId": {{random.number(50)}},
  "temperature": {{random.number({"min":10,"max":150})}},
  "status": "{{random.arrayElement(["OK","FAIL","WARN"])}}",
  "at": "{{date.now("YYYY-MM-DD HH:mm:ss")}}"
}`;

const rates = [["10", "steady"], ["ramp:10:1000:1m", "ramp: from, to, over"], ["bursts:10:500:5s:30s", "bursts: base, peak, length, period"], ["sine:200:150:2m", "waves: mean, swing, period"], ["walk:10:500:5s", "random walk: least, most, step"]] as const;

function change(id: number, by: Partial<Run>) {
  runs.value = runs.value.map((r) => (r.id === id ? { ...r, ...by } : r));
}

const asked = (s: Setting, more: Record<string, string>) => "generate?" + new URLSearchParams({ ...(s.source ? { source: s.source } : { template: s.template }), rate: s.rate, ...more }).toString().replaceAll("+", "%20"); // as it is signed

const running = 4; // generators of a tab: each holds a connection, and a browser has six to a node

const tries = 8; // of records that were refused for now

/** put sends a batch to a target, again what is refused for now, and returns how many were refused in the end. */
async function put(target: string, batch: Made[], signal: AbortSignal): Promise<number> {
  const cut = target.indexOf(":"), kind = target.slice(0, cut), name = target.slice(cut + 1);
  const encode = (m: Made) => base64(new TextEncoder().encode(m.data));
  let left = kind === "kinesis" ? batch.map((m) => ({ Data: encode(m), PartitionKey: m.key })) : batch.map((m) => ({ Data: encode({ ...m, data: m.data + "\n" }) }));
  for (let n = 0; left.length && n < tries; n++) {
    if (n) await new Promise((go) => setTimeout(go, Math.min(2000, 50 * 2 ** n)));
    if (signal.aborted) break;
    const r = kind === "kinesis"
      ? (await call<{ Records: { ErrorCode?: string }[] }>("kinesis", "PutRecords", { StreamName: name, Records: left }, signal)).Records
      : (await call<{ RequestResponses: { ErrorCode?: string }[] }>("firehose", "PutRecordBatch", { DeliveryStreamName: name, Records: left }, signal)).RequestResponses;
    left = (left as { Data: string; PartitionKey: string }[]).filter((_, i) => r[i]?.ErrorCode);
  }
  return left.length;
}

function start(setting: Setting) {
  const stopping = new AbortController(), id = ++ids;
  const where = region.value + account.value;
  let marked = performance.now(), since = 0;
  runs.value = [{ id, setting, where, state: "running" as const, began: Date.now(), put: 0, refused: 0, perSecond: 0, stop: () => stopping.abort() }, ...runs.value].slice(0, 30);
  let counts = { put: 0, refused: 0 };
  const tell = () => {
    const now = performance.now();
    if (now - marked < 500) return;
    change(id, { ...counts, perSecond: (since * 1000) / (now - marked) });
    marked = now;
    since = 0;
  };
  // A batch is put before the next is read, so that the node makes no more than is taken.
  void lines<{ records: Made[] }>(asked(setting, {}), async (batches) => {
    for (const b of batches) {
      if (stopping.signal.aborted) return;
      if (region.value + account.value !== where) throw new Error("Stopped: the page is in another region or account now.");
      const refused = await put(setting.target, b.records, stopping.signal);
      counts = { put: counts.put + b.records.length - refused, refused: counts.refused + refused };
      since += b.records.length - refused;
      tell();
    }
  }, stopping.signal, () => undefined).then(
    () => change(id, { ...counts, state: "done", perSecond: 0 }),
    (e: Error) => { const stopped = stopping.signal.aborted; stopping.abort(); change(id, { ...counts, state: stopped ? "stopped" : "failed", perSecond: 0, error: stopped ? undefined : e }); });
}

function kept(): Setting[] {
  try {
    return JSON.parse(remembered("generators") ?? "[]") as Setting[];
  } catch {
    return [];
  }
}

export function Generator() {
  const inv = inventory.value;
  const [saved, setSaved] = useState(kept);
  const [setting, set] = useState<Setting>(() => kept()[0] ?? { name: "", source: "", template: example, rate: "10", target: "" });
  const [preview, setPreview] = useState<Made[]>();
  const { busy, error, act, clear } = useAct();
  const builtin = useLive(() => own<{ name: string; about: string }[]>("generators"), 0, []);
  const targets = [...(inv?.streams ?? []).map((s) => "kinesis:" + s.StreamName), ...(inv?.deliveries ?? []).filter((d) => !d.Source).map((d) => "firehose:" + d.DeliveryStreamName)];
  const target = targets.includes(setting.target) ? setting.target : targets[0] ?? "";
  const now = { ...setting, target };
  const change = (by: Partial<Setting>) => (clear(), set({ ...setting, ...by }));
  const look = async (): Promise<Made[]> => {
    const out: Made[] = [];
    await lines<{ records: Made[] }>(asked({ ...now, rate: "1000" }, { count: "5" }), async (b) => void out.push(...b.flatMap((x) => x.records)), new AbortController().signal, () => undefined);
    return out;
  };
  const begin = () => act("start", async () => {
    if (runs.value.filter((r) => r.state === "running").length >= running) throw new AwsError("LimitExceeded", `A tab runs ${running} generators. Stop one, or use the command below.`, 400);
    setPreview(await look()); // what is wrong with the template shows before anything is put
    start(now);
  });
  const keep = () => {
    const name = setting.name.trim() || setting.source || "template";
    const next = [{ ...now, name }, ...saved.filter((s) => s.name !== name)].slice(0, 30);
    setSaved(next);
    set({ ...setting, name });
    remember("generators", JSON.stringify(next));
  };
  const forget = () => {
    const next = saved.filter((s) => s.name !== setting.name);
    setSaved(next);
    remember("generators", JSON.stringify(next));
    set({ ...setting, name: "" });
  };
  const none = builtin.error instanceof AwsError && (builtin.error.status === 403 || builtin.error.status === 404);
  return (
    <>
      <Head title="Generator" sub="records of templates, put by this tab">
        {!none && <><button onClick={() => act("preview", async () => setPreview(await look()))} disabled={!!busy}>Preview</button>
        <button class="primary" onClick={begin} disabled={!!busy || !target}>Start</button></>}
      </Head>
      {none ? <section class="panel"><Empty title="The node makes records for its owner, on its own machine" line="brookmere generate orders --to kinesis:STREAM --rate 100">For others the command line makes them.</Empty></section> : <>
        <Problem error={error ?? builtin.error} />
        <div class="beside">
          <section class="panel">
            <div class="pad">
              <div class="row2">
                <label>Of<select value={setting.source} onChange={(e) => change({ source: e.currentTarget.value })}><option value="">a template</option>{(builtin.value ?? []).map((b) => <option value={b.name}>{b.name}</option>)}</select></label>
                <label>Saved<select value={saved.some((s) => s.name === setting.name) ? setting.name : ""} onChange={(e) => { const s = saved.find((x) => x.name === e.currentTarget.value); if (s) set(s); }}><option value="">{saved.length ? "choose" : "none yet"}</option>{saved.map((s) => <option>{s.name}</option>)}</select></label>
              </div>
              {setting.source ? <p class="hint">{builtin.value?.find((b) => b.name === setting.source)?.about}</p> : <label>Template of the Kinesis Data Generator<textarea class="m" rows={9} spellcheck={false} value={setting.template} onInput={(e) => change({ template: e.currentTarget.value })} /></label>}
              <div class="row2">
                <label>Records a second<input class="field m" value={setting.rate} onInput={(e) => change({ rate: e.currentTarget.value })} /></label>
                <label>Pattern<select value={rates.find(([r]) => r.split(":")[0] === setting.rate.split(":")[0])?.[0] ?? "10"} onChange={(e) => change({ rate: e.currentTarget.value })}>{rates.map(([r, label]) => <option value={r}>{label}</option>)}</select></label>
              </div>
              <label>Into<select value={target} onChange={(e) => change({ target: e.currentTarget.value })}>{targets.map((t) => <option value={t}>{t.replace("kinesis:", "stream ").replace("firehose:", "delivery ")}</option>)}{!targets.length && <option value="">there is no stream yet</option>}</select></label>
              {!targets.length && inv && <Command line="aws kinesis create-stream --stream-name clicks --shard-count 1" />}
              <div class="bar end nopad"><input class="field" placeholder="name" aria-label="Name" value={setting.name} onInput={(e) => change({ name: e.currentTarget.value })} /><button onClick={keep}>Save</button>{saved.some((s) => s.name === setting.name) && <button onClick={forget}>Forget</button>}</div>
            </div>
          </section>
          <section class="panel scroll">
            <div class="bar"><b>Preview</b><span class="sub">{preview ? some(preview.length, "record") : ""}</span></div>
            {preview ? preview.map((m) => <pre class="json lined">{marked(m.data)}</pre>) : <div class="empty quiet">Preview makes five records and puts none.</div>}
          </section>
        </div>
        <section class="panel scroll">
          <div class="bar"><b>Running</b><span class="sub">{some(runs.value.filter((r) => r.state === "running").length, "generator")}</span></div>
          {!runs.value.length ? <div class="empty quiet">None runs. Those that do stop when this tab is closed or loaded again.</div> : (
            <table><thead><tr><th>records</th><th>into</th><th>rate</th><th class="n">put</th><th class="n">records/s</th><th class="n">refused</th><th>state</th><th /></tr></thead><tbody>{runs.value.map((r) => {
              const name = r.setting.target.slice(r.setting.target.indexOf(":") + 1);
              return <tr key={r.id}><td>{r.setting.source || r.setting.name || "template"}</td><td><a class="inline" href={to(r.setting.target.startsWith("kinesis") ? "streams" : "deliveries", name)}>{name}</a></td><td class="m">{r.setting.rate}</td><td class="n">{count(r.put)}</td><td class="n flow">{r.state === "running" ? perSecond(r.perSecond) : ""}</td><td class={r.refused ? "n bad" : "n"}>{count(r.refused)}</td><td class={r.state === "failed" ? "bad cut" : "sub"} title={r.error?.message}>{r.state}{r.error && ": " + r.error.message}</td><td class="n">{r.state === "running" ? <button onClick={r.stop}>Stop</button> : <button class="plain" aria-label="Remove" onClick={() => (runs.value = runs.value.filter((x) => x.id !== r.id))}>✕</button>}</td></tr>;
            })}</tbody></table>
          )}
        </section>
      </>}
      <Command line={`brookmere generate ${setting.source || "--template FILE"} --to ${quoted(target || "kinesis:STREAM")} --rate ${quoted(setting.rate)}`} />
    </>
  );
}
