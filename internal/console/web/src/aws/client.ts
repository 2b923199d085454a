// Calls of the AWS APIs, as any client makes them, and of the node's own endpoints.
import { candidate, connected, ended, keys, region } from "./session.ts";
import { encode, sign } from "./sigv4.ts";
import { quoted } from "../format.ts";
import { signal } from "@preact/signals";

const targets = {
  kinesis: ["Kinesis_20131202", "1.1"],
  firehose: ["Firehose_20150804", "1.1"],
  glue: ["AWSGlue", "1.1"],
  athena: ["AmazonAthena", "1.1"],
  dynamodb: ["DynamoDB_20120810", "1.0"],
  kinesisanalytics: ["KinesisAnalytics_20180523", "1.1"],
  logs: ["Logs_20140328", "1.1"],
  sqs: ["AmazonSQS", "1.0"],
  cloudwatch: ["GraniteServiceVersion20100801", "1.0"],
  dynamodbstreams: ["DynamoDBStreams_20120810", "1.0"],
} as const;

/** signedAs is the name in the signature, where it is not the service's. */
const signedAs: Record<string, string> = { cloudwatch: "monitoring", dynamodbstreams: "dynamodb" };

export type JSONService = keyof typeof targets;

/** AwsError is an error in the service's own words. */
export class AwsError extends Error {
  constructor(readonly code: string, message: string, readonly status: number) {
    super(message);
  }
}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** did is the command that does what was done last, of what changes something. */
export const did = signal("");

const changes = /^(Create|Delete|Update|Start(?!Query)|Stop(?!Query)|Put(?!Record)|Purge|Set|Enable|Disable|Split|Merge|Batch(Stop|Write)|Run|Add|Tag|Untag|Publish|Subscribe|Unsubscribe|Send)/;
const commands: Record<string, string> = { kinesisanalytics: "kinesisanalyticsv2" };

function note(service: string, operation: string, input: object) {
  if (changes.test(operation)) did.value = `aws ${commands[service] ?? service} ${operation.replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, "-").toLowerCase()} --cli-input-json ${quoted(JSON.stringify(input))}`;
}

/** patience is how many ms an answer may take of an operation that answers at once, or looks for up to 20 s. */
const patience = 120_000;

const patient = (signal?: AbortSignal) => (signal ? AbortSignal.any([signal, AbortSignal.timeout(patience)]) : AbortSignal.timeout(patience));

async function ask(service: string, method: string, path: string, headers: Record<string, string>, body: string, signal?: AbortSignal): Promise<Response> {
  const by = candidate.peek() ?? keys.peek();
  if (!by) throw new AwsError("SignedOut", "Sign in with an access key.", 403);
  const url = new URL(path, location.origin);
  const bytes = new TextEncoder().encode(body);
  const signed = await sign({ method, url, headers, body: bytes }, by, region.value, service, new Date());
  return fetch(url, { method, headers: signed, body: method === "GET" || method === "HEAD" ? undefined : bytes, signal, cache: "no-store" });
}

function send(service: string, method: string, path: string, headers: Record<string, string>, body: string, signal?: AbortSignal): Promise<Answer> {
  return settle(ask(service, method, path, headers, body, signal));
}

async function settle(asked: Promise<Response>): Promise<Answer> {
  try {
    const r = await asked;
    const answer = { status: r.status, headers: r.headers, text: await r.text() };
    connected.value = true;
    return answer;
  } catch (e) {
    if ((e as Error).name === "AbortError" || e instanceof AwsError) throw e;
    connected.value = false;
    throw new AwsError("Unreachable", "The node does not answer. This page tries again until it does.", 0);
  }
}

function failure(a: Answer): AwsError {
  let code = a.headers.get("x-amzn-errortype") ?? "";
  let message = "";
  try {
    const e = JSON.parse(a.text) as Record<string, string>;
    code ||= e.__type ?? e.code ?? "";
    message = e.message ?? e.Message ?? "";
  } catch {
    code ||= /<Code>([^<]*)/.exec(a.text)?.[1] ?? "";
    message = /<Message>([^<]*)/.exec(a.text)?.[1] ?? a.text.slice(0, 500);
  }
  if (!candidate.peek() && /ExpiredToken|InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId/.test(code)) ended.value = true;
  return new AwsError(code.split("#").pop()!.split(":")[0] || "HTTP " + a.status, message || "The node answered " + a.status + ".", a.status);
}

/** call calls an operation of a service that speaks JSON. */
export async function call<T = Record<string, unknown>>(service: JSONService, operation: string, input: object = {}, signal?: AbortSignal): Promise<T> {
  const [target, version] = targets[service];
  const a = await send(signedAs[service] ?? service, "POST", "/", { "content-type": "application/x-amz-json-" + version, "x-amz-target": target + "." + operation }, JSON.stringify(input), patient(signal));
  if (a.status >= 300) throw failure(a);
  note(service, operation, input);
  return (a.text ? JSON.parse(a.text) : {}) as T;
}

/** rest calls an operation of a service whose operations are paths (Lambda, API Gateway). */
export async function rest<T = Record<string, unknown>>(service: string, method: string, path: string, body = "", headers: Record<string, string> = {}): Promise<{ value: T; headers: Headers; text: string }> {
  const a = await send(service, method, path, body ? { "content-type": "application/json", ...headers } : headers, body);
  if (a.status >= 300) throw failure(a);
  let value: unknown = undefined;
  try {
    value = JSON.parse(a.text);
  } catch {
    // The answer of a function need not be JSON.
  }
  return { value: value as T, headers: a.headers, text: a.text };
}

/** documentOf reads XML. What it cannot have, and some services write, would make a browser give a page of the error in its place. */
function documentOf(text: string): Document {
  const legal = text.replace(/&#(x[0-9a-f]+|\d+);/gi, (m, n: string) => (Number(n[0] === "x" || n[0] === "X" ? "0" + n : n) < 32 && !/^(x0*[9ad]|0*(9|10|13))$/i.test(n) ? "\ufffd" : m)).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd");
  return new DOMParser().parseFromString(legal || "<Empty/>", "application/xml"); // of nothing a browser makes that page too
}

/** xml gets an XML document of S3 or of a query service. */
export async function xml(service: string, path: string, method = "GET", body = ""): Promise<Document> {
  const a = await send(service, method, path, {}, body);
  if (a.status >= 300) throw failure(a);
  return documentOf(a.text);
}

const versions = { sns: "2010-03-31", iam: "2010-05-08", sts: "2011-06-15" } as const;

/** query calls an operation of a service that takes forms and answers in XML. */
export async function query(service: keyof typeof versions, action: string, input: Record<string, string | undefined> = {}): Promise<Document> {
  const form = new URLSearchParams({ Action: action, Version: versions[service] });
  for (const [k, v] of Object.entries(input)) if (v !== undefined) form.set(k, v);
  const a = await send(service, "POST", "/", { "content-type": "application/x-www-form-urlencoded" }, form.toString(), patient());
  if (a.status >= 300) throw failure(a);
  note(service, action, input);
  return documentOf(a.text);
}

/** members are the elements of a list in an answer in XML, each as its texts by name. */
export function members(doc: Document | Element, list: string, item = "member"): Record<string, string>[] {
  const of = doc.getElementsByTagName(list)[0];
  return Array.from(of?.children ?? []).filter((e) => e.tagName === item).map((e) => Object.fromEntries(Array.from(e.children, (c) => [c.tagName, c.textContent ?? ""])));
}

/** entries are a map in an answer in XML. */
export function entries(doc: Document, map: string): Record<string, string> {
  return Object.fromEntries(members(doc, map, "entry").map((e) => [e.key ?? "", e.value ?? ""]));
}

export const text = (doc: Document, tag: string) => doc.getElementsByTagName(tag)[0]?.textContent ?? "";

/** path is that of an object. A browser takes dots between slashes for another path, whatever is done: such keys are refused, as they would name another object. */
function path(bucket: string, key: string): string {
  const parts = key.split("/");
  if (parts.some((p) => p === "." || p === "..")) throw new AwsError("Unnamable", `A browser cannot ask for the key ${key}: use “aws s3 cp”.`, 400);
  return "/" + [bucket, ...parts].map(encode).join("/");
}

/** object gets an object of S3 as text. */
export async function object(bucket: string, key: string): Promise<string> {
  const a = await send("s3", "GET", path(bucket, key), {}, "");
  if (a.status >= 300) throw failure(a);
  return a.text;
}

/** part gets bytes of an object of S3: "0-99" the first hundred, "-8" the last eight. */
export async function part(bucket: string, key: string, range: string): Promise<Uint8Array> {
  const r = await ask("s3", "GET", path(bucket, key), { range: "bytes=" + range }, "", patient());
  if (r.status >= 300) throw failure({ status: r.status, headers: r.headers, text: await r.text() });
  return new Uint8Array(await r.arrayBuffer());
}

/** removed deletes an object of S3. */
export async function removed(bucket: string, key: string): Promise<void> {
  const a = await send("s3", "DELETE", path(bucket, key), {}, "");
  if (a.status >= 300) throw failure(a);
}

/** modified is when an object of S3 was written. */
export async function modified(bucket: string, key: string): Promise<Date | undefined> {
  const a = await send("s3", "HEAD", path(bucket, key), {}, "");
  if (a.status >= 300) throw failure(a);
  const at = Date.parse(a.headers.get("last-modified") ?? "");
  return Number.isNaN(at) ? undefined : new Date(at);
}

/** own asks one of the node's own endpoints, below /_brookmere/, whose answer is JSON, or text. Nearly all are the owner's of a node with credentials. */
export async function own<T>(path: string, method = "GET", text = false, body = ""): Promise<T> {
  const a = await send("brookmere", method, "/_brookmere/" + path, {}, body, method === "GET" ? patient() : undefined);
  if (a.status >= 300) throw new AwsError("HTTP " + a.status, a.text.trim(), a.status);
  return (text ? a.text : a.text ? JSON.parse(a.text) : undefined) as T;
}

/** lines follows an endpoint of the node's own that writes an object of JSON a line, until it ends or is aborted. What got returns is waited for. begun is called when it is followed. */
export async function lines<T>(path: string, got: (values: T[]) => void | Promise<void>, signal: AbortSignal, begun: () => void): Promise<void> {
  const r = await ask("brookmere", "GET", "/_brookmere/" + path, {}, "", signal);
  if (!r.ok || !r.body) throw new AwsError("HTTP " + r.status, (await r.text()).trim(), r.status);
  begun();
  const reader = r.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop()!;
    if (parts.length) await got(parts.filter(Boolean).map((l) => JSON.parse(l) as T));
  }
}

/** all follows the pages of a listing. */
export async function all<T, K extends string>(page: (token?: string) => Promise<Record<string, unknown>>, items: K, token: string, most = 1000): Promise<T[]> {
  const out: T[] = [];
  let next: string | undefined;
  do {
    const p = await page(next);
    out.push(...((p[items] as T[] | undefined) ?? []));
    next = p[token] as string | undefined;
  } while (next && out.length < most);
  return out;
}
