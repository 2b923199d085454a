// REST and HTTP APIs: their methods, a request to try, and what templates make of it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { rest } from "../aws/client.ts";
import { account } from "../aws/session.ts";
import { quoted, some } from "../format.ts";
import { inventory } from "../inventory.ts";
import { JSONText } from "../parts/json.tsx";
import { useLive } from "../parts/live.ts";
import { Command, Empty, Gone, Head, Loading, More, Problem, useAct } from "../parts/ui.tsx";
import { go, to } from "../route.ts";
import { Body } from "./queues.tsx";

interface HTTPAPI { apiId: string; name: string; protocolType: string; apiEndpoint: string }

const httpAPIs = async () => (inventory.value?.services.has("apigatewayv2") ? (await rest<{ items?: HTTPAPI[]; Items?: HTTPAPI[] }>("apigateway", "GET", "/v2/apis")).value.items ?? [] : []);

export function APIs(p: { id?: string }) {
  const inv = inventory.value;
  const http = useLive(httpAPIs, 6000, [!!inv]);
  if (!inv) return <><Head title="APIs" /><Loading /></>;
  if (p.id) {
    const r = inv.apis.find((a) => a.id === p.id), h = http.value?.find((a) => a.apiId === p.id);
    if (r) return <Rest key={r.id} id={r.id} name={r.name} />;
    if (h) return <HTTP key={h.apiId} api={h} />;
    return http.value ? <Gone title={p.id} what="API" back={[to("apis"), "APIs"]} /> : <Loading />;
  }
  const all = [...inv.apis.map((a) => ({ id: a.id, name: a.name, kind: "REST", says: some(a.routes.length, "method") })), ...(http.value ?? []).map((a) => ({ id: a.apiId, name: a.name, kind: "HTTP", says: "" }))];
  return (
    <>
      <Head title="APIs" sub={!inv.denied.APIs && some(all.length, "API")} />
      <Problem error={http.error ?? inv.denied.APIs} />
      <section class="panel scroll">
        {all.length === 0 ? !http.error && !inv.denied.APIs && <Empty title="No APIs yet" line="aws apigateway create-rest-api --name shop">An API turns requests into calls of functions and services.</Empty> : (
          <table><thead><tr><th>name</th><th>kind</th><th>id</th><th /></tr></thead><tbody>{all.map((a) => (
            <tr key={a.id} class="link" onClick={() => go("apis", a.id)}><td><a href={to("apis", a.id)}>{a.name}</a></td><td class="sub">{a.kind}</td><td class="m dim">{a.id}</td><td class="sub">{a.says}</td></tr>
          ))}</tbody></table>
        )}
      </section>
      <Command line="brookmere apis ls" />
    </>
  );
}

interface Integration { type: string; uri?: string; httpMethod?: string; credentials?: string; requestTemplates?: Record<string, string>; passthroughBehavior?: string; integrationResponses?: Record<string, { statusCode: string; selectionPattern?: string; responseTemplates?: Record<string, string> }> }
interface Method { httpMethod: string; authorizationType?: string; apiKeyRequired?: boolean; methodIntegration?: Integration }
interface Resource { id: string; path: string; resourceMethods?: Record<string, Method> }
interface Stage { stageName: string; deploymentId: string; accessLogSettings?: { destinationArn?: string }; createdDate?: number }
interface Tried { status?: number; body?: string; headers?: Record<string, string>; log?: string; latency?: number }

export const address = (id: string, stage: string, path: string) => `/_aws/execute-api/${id}${stage === "$default" ? "" : "/" + stage}${path}`;

function Rest(p: { id: string; name: string }) {
  const live = useLive(async () => {
    const [r, s] = await Promise.all([rest<{ item?: Resource[] }>("apigateway", "GET", `/restapis/${p.id}/resources?embed=methods&limit=500`), rest<{ item?: Stage[] }>("apigateway", "GET", `/restapis/${p.id}/stages`)]);
    return { resources: (r.value.item ?? []).sort((a, b) => a.path.localeCompare(b.path)), stages: s.value.item ?? [] };
  }, 6000, [p.id]);
  const [chosen, choose] = useState<string>();
  const v = live.value;
  const methods = (v?.resources ?? []).flatMap((r) => Object.values(r.resourceMethods ?? {}).map((m) => ({ resource: r, method: m, key: r.id + m.httpMethod })));
  const one = methods.find((m) => m.key === chosen) ?? methods[0];
  return (
    <>
      <Head title={p.name} back={[to("apis"), "APIs"]} sub={"REST · " + p.id} />
      <Problem error={live.error} />
      {v && (
        <div class="sides">
          <section class="panel tree" aria-label="Methods">
            {methods.length === 0 && <div class="empty quiet">No methods yet.</div>}
            {methods.map((m) => <button class={"leaf" + (m === one ? " on" : "")} aria-pressed={m === one} onClick={() => choose(m.key)}><span class="m">{m.resource.path}</span><i>{m.method.httpMethod}</i></button>)}
            <div class="bar top"><b>Stages</b></div>
            {v.stages.map((s) => <div class="leaf"><span class="m">{s.stageName}</span><i>{s.accessLogSettings?.destinationArn ? <a class="inline" href={to("logs", s.accessLogSettings.destinationArn.split(":log-group:")[1]?.replace(/:\*$/, "") ?? "")}>access log</a> : ""}</i></div>)}
            {!v.stages.length && <div class="empty quiet">Not deployed.</div>}
          </section>
          {one && <MethodPane key={one.key} api={p.id} resource={one.resource} method={one.method} stages={v.stages} />}
        </div>
      )}
    </>
  );
}

/** parts finds what the log of a try says of a body. */
function logged(log: string | undefined, what: string): string | undefined {
  const at = log?.indexOf(what) ?? -1;
  if (at < 0) return undefined;
  const text = log!.slice(at + what.length);
  const end = text.search(/\n\w{3} \w{3} \d\d \d\d:\d\d:\d\d UTC \d{4} : /);
  return (end < 0 ? text : text.slice(0, end)).trim();
}

function MethodPane(p: { api: string; resource: Resource; method: Method; stages: Stage[] }) {
  const { resource: r, method: m } = p;
  const verb = m.httpMethod;
  const names = useMemo(() => [...r.path.matchAll(/\{([\w.-]+)\+?\}/g)].map((x) => x[1]!), [r.path]);
  const [values, setValues] = useState<Record<string, string>>({});
  const [queryText, setQuery] = useState("");
  const [headers, setHeaders] = useState("Content-Type: application/json");
  const [body, setBody] = useState('{"id": "a1"}');
  const [tried, setTried] = useState<Tried>();
  const { busy, error, act } = useAct();
  const i = m.methodIntegration;
  const path = r.path.replace(/\{([\w.-]+)\+?\}/g, (_, n: string) => encodeURIComponent(values[n] || "1")) + (queryText ? "?" + queryText.replace(/^\?/, "") : "");
  const bodied = verb !== "GET" && verb !== "HEAD" && verb !== "DELETE";
  const sending = Object.fromEntries(headers.split("\n").filter((l) => l.includes(":")).map((l) => [l.slice(0, l.indexOf(":")).trim(), l.slice(l.indexOf(":") + 1).trim()]));
  const attempt = async () => {
    const a = await rest<Tried>("apigateway", "POST", `/restapis/${p.api}/resources/${r.id}/methods/${verb}`, JSON.stringify({ pathWithQueryString: path, headers: sending, ...(bodied ? { body } : {}) }));
    setTried(a.value);
  };
  const request = Object.values(i?.requestTemplates ?? {})[0];
  const answer = Object.values(i?.integrationResponses ?? {}).find((x) => Object.keys(x.responseTemplates ?? {}).length)?.responseTemplates;
  const sent = logged(tried?.log, "Endpoint request body after transformations:"), came = logged(tried?.log, "Endpoint response body before transformations:");
  const target = (i?.uri ?? "").replace(/^arn:aws[\w-]*:apigateway:[\w-]+:/, "").replace("lambda:path/2015-03-31/functions/", "").replace(/\/invocations$/, "");
  const stage = p.stages[0]?.stageName;
  return (
    <div class="work">
      <section class="panel">
        <div class="bar"><b class="m">{verb} {r.path}</b><span class="sub cut">{i ? [i.type, target].filter(Boolean).join(" → ") : "no integration"}</span><span class="grow" />{m.authorizationType && m.authorizationType !== "NONE" && <span class="badge">{m.authorizationType}</span>}{m.apiKeyRequired && <span class="badge">key</span>}<button class="primary" disabled={!!busy || !i} onClick={() => act("try", attempt)}>{busy ? "Trying…" : "Try"}</button></div>
        <div class="pad">
          {names.length > 0 && <div class="row2">{names.map((n) => <label>{n}<input class="field wide m" value={values[n] ?? ""} placeholder="1" onInput={(e) => setValues({ ...values, [n]: e.currentTarget.value })} /></label>)}</div>}
          <div class="row2"><label>Query<input class="field wide m" value={queryText} placeholder="a=1&b=2" onInput={(e) => setQuery(e.currentTarget.value)} /></label><label>Headers, one a line<textarea class="m" rows={1} value={headers} spellcheck={false} onInput={(e) => setHeaders(e.currentTarget.value)} /></label></div>
          {bodied && <label>Body<textarea class="m" rows={4} value={body} spellcheck={false} onInput={(e) => setBody(e.currentTarget.value)} /></label>}
          <Command line={`aws apigateway test-invoke-method --rest-api-id ${p.api} --resource-id ${r.id} --http-method ${verb} --path-with-query-string ${quoted(path)} --headers ${quoted(JSON.stringify(sending))}${bodied ? " --body " + quoted(body) : ""}`} />
          {stage && <Command line={`curl -X ${verb} ${location.origin}${address(p.api, stage, path)}${bodied ? " -H 'Content-Type: application/json' -d " + quoted(body) : ""}`} />}
        </div>
        <Problem error={error} />
      </section>
      {tried && (
        <section class="panel">
          <div class="bar"><b>Answer</b><span class={(tried.status ?? 0) < 400 ? "badge g" : "badge b"}>{tried.status}</span><span class="sub">{tried.latency} ms</span></div>
          <Body text={tried.body ?? ""} />
        </section>
      )}
      {(request !== undefined || answer) && (
        <div class="beside">
          {request !== undefined && <section class="panel scroll"><div class="bar"><b>Request template</b></div><pre class="json">{request}</pre>{sent !== undefined && <><div class="bar top"><b>What it made</b></div><Body text={sent} /></>}</section>}
          {answer && <section class="panel scroll"><div class="bar"><b>Response template</b></div><pre class="json">{Object.values(answer)[0]}</pre>{came !== undefined && <><div class="bar top"><b>What came before it</b></div><Body text={came} /></>}</section>}
        </div>
      )}
      {tried?.log && <More title="Log of the try"><pre class="json">{tried.log}</pre></More>}
    </div>
  );
}

interface Route { routeId: string; routeKey: string; target?: string; authorizationType?: string }
interface HTTPIntegration { integrationId: string; integrationType: string; integrationUri?: string; integrationSubtype?: string; payloadFormatVersion?: string }
interface HTTPStage { stageName: string; accessLogSettings?: { destinationArn?: string } }

function HTTP(p: { api: HTTPAPI }) {
  const id = p.api.apiId;
  const live = useLive(async () => {
    const get = async <T,>(what: string) => (await rest<{ items?: T[] }>("apigateway", "GET", `/v2/apis/${id}/${what}`)).value.items ?? [];
    const [routes, integrations, stages] = await Promise.all([get<Route>("routes"), get<HTTPIntegration>("integrations"), get<HTTPStage>("stages")]);
    return { routes, integrations, stages };
  }, 6000, [id]);
  const [verb, setVerb] = useState("GET");
  const [path, setPath] = useState("/");
  const [stage, setStage] = useState("$default");
  const [body, setBody] = useState("{}");
  const [answer, setAnswer] = useState<{ status: number; text: string; took: number }>();
  const { busy, error, act } = useAct();
  const v = live.value;
  useEffect(() => {
    if (v?.stages.length && !v.stages.some((s) => s.stageName === stage)) setStage(v.stages[0]!.stageName);
  }, [v?.stages.length]);
  const bodied = verb !== "GET" && verb !== "DELETE";
  const attempt = async () => {
    const began = performance.now();
    const r = await fetch(address(id, stage, path), { method: verb, body: bodied ? body : undefined, headers: bodied ? { "content-type": "application/json" } : {}, credentials: "omit", cache: "no-store" });
    setAnswer({ status: r.status, text: await r.text(), took: performance.now() - began });
  };
  return (
    <>
      <Head title={p.api.name} back={[to("apis"), "APIs"]} sub={`${p.api.protocolType} · ${id} · account ${account.value}`} />
      <Problem error={error ?? live.error} />
      {v && (
        <section class="panel scroll"><table><thead><tr><th>route</th><th>goes to</th><th>form</th><th>who may</th></tr></thead><tbody>{v.routes.map((r) => {
          const i = v.integrations.find((x) => r.target === "integrations/" + x.integrationId);
          return <tr key={r.routeId}><td class="m">{r.routeKey}</td><td class="m cut" title={i?.integrationUri}>{i?.integrationSubtype ?? i?.integrationUri?.split(":").pop() ?? ""}</td><td class="sub">{i?.payloadFormatVersion}</td><td class="sub">{r.authorizationType === "NONE" || !r.authorizationType ? "anybody" : r.authorizationType}</td></tr>;
        })}</tbody></table>{!v.routes.length && <div class="empty quiet">No routes yet.</div>}</section>
      )}
      <section class="panel">
        <div class="bar"><b>Try a request</b><span class="grow" /><button class="primary" disabled={!!busy || !v?.stages.length} onClick={() => act("try", attempt)}>{busy ? "Trying…" : "Send"}</button></div>
        <div class="pad">
          <div class="row2 three"><label>Method<select value={verb} onChange={(e) => setVerb(e.currentTarget.value)}>{["GET", "POST", "PUT", "PATCH", "DELETE"].map((x) => <option>{x}</option>)}</select></label><label>Stage<select value={stage} onChange={(e) => setStage(e.currentTarget.value)}>{(v?.stages ?? []).map((s) => <option>{s.stageName}</option>)}</select></label><label>Path<input class="field wide m" value={path} onInput={(e) => setPath(e.currentTarget.value)} /></label></div>
          {bodied && <label>Body<textarea class="m" rows={4} value={body} spellcheck={false} onInput={(e) => setBody(e.currentTarget.value)} /></label>}
          <Command line={`curl -X ${verb} ${location.origin}${address(id, stage, path)}${bodied ? " -d " + quoted(body) : ""}`} />
        </div>
      </section>
      {answer && <section class="panel"><div class="bar"><b>Answer</b><span class={answer.status < 400 ? "badge g" : "badge b"}>{answer.status}</span><span class="sub">{answer.took.toFixed(0)} ms</span></div><Body text={answer.text} /></section>}
      {v && <More title="Configuration"><JSONText value={{ ...p.api, ...v }} /></More>}
    </>
  );
}
