// AWS Signature Version 4 of requests whose body is in memory, by WebCrypto.

export interface Keys {
  id: string;
  secret: string;
  token?: string;
}

export interface Unsigned {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: Uint8Array;
}

const text = new TextEncoder();

export function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, "0")).join("");
}

async function sha256(data: Uint8Array): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", data as Uint8Array<ArrayBuffer>));
}

async function hmac(key: ArrayBuffer | Uint8Array, data: string): Promise<ArrayBuffer> {
  const k = await crypto.subtle.importKey("raw", key as ArrayBuffer, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", k, text.encode(data));
}

/** encode is what a path segment or a query parameter is in a canonical request. */
export function encode(s: string): string {
  return encodeURIComponent(s).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
}

/** canonicalQuery sorts and encodes the parameters of a URL. */
export function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([k, v]) => [encode(k), encode(v)] as const)
    .sort((a, b) => (a[0] === b[0] ? (a[1] < b[1] ? -1 : 1) : a[0] < b[0] ? -1 : 1))
    .map(([k, v]) => k + "=" + v)
    .join("&");
}

// The derived key of a day, a region and a service, which most requests share.
let derived: { of: string; key: ArrayBuffer } | undefined;

async function signingKey(keys: Keys, day: string, region: string, service: string): Promise<ArrayBuffer> {
  const of = [keys.secret, day, region, service].join("\n");
  if (derived?.of === of) return derived.key;
  let key: ArrayBuffer | Uint8Array = text.encode("AWS4" + keys.secret);
  for (const part of [day, region, service, "aws4_request"]) key = await hmac(key, part);
  derived = { of, key: key as ArrayBuffer };
  return derived.key;
}

/**
 * sign returns the headers of a request with its signature. Paths of S3 are encoded once, as the
 * URL has them; those of other services twice.
 */
export async function sign(r: Unsigned, keys: Keys, region: string, service: string, now: Date): Promise<Record<string, string>> {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const day = stamp.slice(0, 8);
  const hash = await sha256(r.body);
  const headers: Record<string, string> = { ...r.headers, "x-amz-date": stamp, "x-amz-content-sha256": hash };
  if (keys.token) headers["x-amz-security-token"] = keys.token;
  const all: Record<string, string> = { host: r.url.host };
  for (const [k, v] of Object.entries(headers)) all[k.toLowerCase()] = v.trim().replace(/ +/g, " ");
  const names = Object.keys(all).sort();
  const path = service === "s3" ? r.url.pathname : r.url.pathname.split("/").map(encode).join("/");
  const canonical = [r.method, path, canonicalQuery(r.url), ...names.map((n) => n + ":" + all[n]), "", names.join(";"), hash].join("\n");
  const scope = [day, region, service, "aws4_request"].join("/");
  const toSign = ["AWS4-HMAC-SHA256", stamp, scope, await sha256(text.encode(canonical))].join("\n");
  const signature = hex(await hmac(await signingKey(keys, day, region, service), toSign));
  headers["authorization"] = `AWS4-HMAC-SHA256 Credential=${keys.id}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return headers;
}
