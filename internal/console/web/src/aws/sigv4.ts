// AWS Signature Version 4 of requests whose body is in memory.

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

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

// The constants of SHA-256: 32 bits of the fractions of square and cube roots of primes.
const fraction = (x: number) => ((x % 1) * 2 ** 32) | 0;
const primes = Array.from({ length: 310 }, (_, i) => i + 2).filter((n, _, all) => !all.some((d) => d < n && n % d === 0)); // to 311
const cubes = primes.map((p) => fraction(Math.cbrt(p)));
const words = new Int32Array(64);

/** sha256 is the hash of bytes, at once: a browser's own comes by another thread, which takes a busy machine far longer for what is as short as a request. */
export function sha256(data: Uint8Array): Uint8Array {
  const padded = new Uint8Array(((data.length + 72) >> 6) << 6), view = new DataView(padded.buffer);
  padded.set(data);
  padded[data.length] = 128;
  view.setUint32(padded.length - 8, data.length / 2 ** 29);
  view.setUint32(padded.length - 4, data.length << 3);
  const state = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p))), right = (x: number, n: number) => (x >>> n) | (x << (32 - n));
  for (let at = 0; at < padded.length; at += 64) {
    let [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const x = words[i - 15]!, y = words[i - 2]!;
      const w = (words[i] = i < 16 ? view.getInt32(at + i * 4) : words[i - 16]! + (right(x, 7) ^ right(x, 18) ^ (x >>> 3)) + words[i - 7]! + (right(y, 17) ^ right(y, 19) ^ (y >>> 10)));
      const one = (h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & f) ^ (~e & g)) + cubes[i]! + w) | 0;
      const two = ((right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g, g = f, f = e, e = (d + one) | 0, d = c, c = b, b = a, a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((v, i) => (state[i] = (state[i]! + v) | 0));
  }
  state.forEach((v, i) => view.setInt32(i * 4, v));
  return padded.slice(0, 32);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function hmac(key: Uint8Array, data: string): Uint8Array {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  return sha256(joined(block.map((b) => b ^ 0x5c), sha256(joined(block.map((b) => b ^ 0x36), text.encode(data)))));
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

// The derived keys of a day and a region, by service.
let derived = { of: "", keys: new Map<string, Uint8Array>() };

function signingKey(keys: Keys, day: string, region: string, service: string): Uint8Array {
  const of = [keys.secret, day, region].join("\n");
  if (derived.of !== of) derived = { of, keys: new Map() };
  let key = derived.keys.get(service);
  if (!key) derived.keys.set(service, (key = [day, region, service, "aws4_request"].reduce(hmac, text.encode("AWS4" + keys.secret))));
  return key;
}

const long = 32 << 10; // bytes that a page had better not hash itself

/**
 * sign returns the headers of a request with its signature. Paths of S3 are encoded once, as the
 * URL has them; those of other services twice.
 */
export async function sign(r: Unsigned, keys: Keys, region: string, service: string, now: Date): Promise<Record<string, string>> {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const day = stamp.slice(0, 8);
  const hash = hex(r.body.length > long ? new Uint8Array(await crypto.subtle.digest("SHA-256", r.body as Uint8Array<ArrayBuffer>)) : sha256(r.body));
  const headers: Record<string, string> = { ...r.headers, "x-amz-date": stamp, "x-amz-content-sha256": hash };
  if (keys.token) headers["x-amz-security-token"] = keys.token;
  const all: Record<string, string> = { host: r.url.host };
  for (const [k, v] of Object.entries(headers)) all[k.toLowerCase()] = v.trim().replace(/ +/g, " ");
  const names = Object.keys(all).sort();
  const path = service === "s3" ? r.url.pathname : r.url.pathname.split("/").map(encode).join("/");
  const canonical = [r.method, path, canonicalQuery(r.url), ...names.map((n) => n + ":" + all[n]), "", names.join(";"), hash].join("\n");
  const scope = [day, region, service, "aws4_request"].join("/");
  const toSign = ["AWS4-HMAC-SHA256", stamp, scope, hex(sha256(text.encode(canonical)))].join("\n");
  const signature = hex(hmac(signingKey(keys, day, region, service), toSign));
  headers["authorization"] = `AWS4-HMAC-SHA256 Credential=${keys.id}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return headers;
}
