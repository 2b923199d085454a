// The account's resources as a graph of where records go, from the resources' own configurations.
import { some } from "../format.ts";
import { destination, type GlueTable, type Inventory } from "../inventory.ts";

export type Kind = "REST" | "put" | "stream" | "function" | "delivery" | "analytics" | "queue" | "topic" | "table" | "lake" | "bucket" | "job" | "dashboard";

export interface GraphNode {
  id: string; // kind and name: "stream/orders"
  kind: Kind;
  name: string;
  sub: string;
  page?: string[]; // the page of the resource
  /** members are the resources that a group stands for. */
  members?: string[];
}

export interface GraphEdge {
  from: string;
  to: string;
  /** flow is the key of the rate that goes over it. */
  flow?: string;
  /** delivery whose lag and errors are the edge's. */
  delivery?: string;
  /** stream whose records go over it. */
  stream?: string;
  /** guessed says that no configuration names it, but an environment variable. */
  guessed?: boolean;
  trouble?: string;
  /** folded are the lines that one between groups stands for. */
  folded?: GraphEdge[];
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** resource is the last part of an ARN: the name of a stream, function or table. */
export function resource(arn: string): string {
  const last = arn.split(":").slice(5).join(":");
  if (last.startsWith("function:")) return last.split(":")[1]!;
  return last.includes("/") ? last.split("/")[1]! : last;
}

/** place is the bucket and prefix of a location: s3://bucket/prefix/ or an ARN of a bucket. */
export function place(location: string): { bucket: string; prefix: string } {
  const rest = location.replace(/^s3[an]?:\/\/|^arn:[^:]*:s3:::/, "");
  const cut = rest.indexOf("/");
  return cut < 0 ? { bucket: rest, prefix: "" } : { bucket: rest.slice(0, cut), prefix: rest.slice(cut + 1) };
}

export function graphOf(inv: Inventory): Graph {
  const nodes = new Map<string, GraphNode>();
  const edges = new Map<string, GraphEdge>();
  const add = (kind: Kind, name: string, sub: string, page?: string[]) => {
    const id = kind + "/" + name;
    if (!nodes.has(id)) nodes.set(id, { id, kind, name, sub, page });
    return id;
  };
  const join = (e: GraphEdge) => {
    const key = e.from + "\n" + e.to;
    if (e.from !== e.to && !edges.has(key)) edges.set(key, e);
  };
  for (const s of inv.streams) add("stream", s.StreamName, s.StreamModeDetails?.StreamMode === "ON_DEMAND" ? "on-demand" : "provisioned", ["streams", s.StreamName]);
  for (const f of inv.functions) add("function", f.FunctionName, f.Runtime ?? "function", ["functions", f.FunctionName]);
  for (const t of inv.tables) add("table", t.TableName, some(t.ItemCount ?? 0, "item"), ["tables", t.TableName]);
  for (const q of inv.queues) add("queue", q.name, q.name.endsWith(".fifo") ? "first in, first out" : "standard", ["queues", q.name]);
  for (const t of inv.topics) add("topic", resource(t), some(inv.subscriptions.filter((s) => s.topic === t).length, "subscription"), ["topics", resource(t)]);
  for (const s of inv.subscriptions) {
    const from = "topic/" + resource(s.topic);
    const to = s.protocol === "sqs" ? "queue/" + resource(s.endpoint) : s.protocol === "lambda" ? "function/" + resource(s.endpoint) : s.protocol === "firehose" ? "delivery/" + resource(s.endpoint) : "";
    if (to && nodes.has(from) && (nodes.has(to) || s.protocol === "firehose")) join({ from, to });
  }
  // What writes to several tables of a place leads to the first; the others are known by its name.
  const alias = new Map<string, string>();
  for (const d of inv.deliveries) deliver(inv, d, add, join, alias);
  const lake = (table: GlueTable) => {
    const name = table.DatabaseName + "." + table.Name;
    return alias.get(name) ?? add("lake", name, table.TableType === "VIRTUAL_VIEW" ? "view" : "in " + place(table.StorageDescriptor?.Location ?? "").bucket, ["lake", table.DatabaseName, table.Name]);
  };
  const kept = (x: { table?: string; path?: string }) => {
    const t = inv.lake.find((l) => l.DatabaseName + "." + l.Name === x.table) ?? inv.lake.find((l) => x.path && within(l, place(x.path).bucket, place(x.path).prefix));
    return t ? lake(t) : x.path ? add("bucket", place(x.path).bucket, place(x.path).prefix || "objects", ["objects", place(x.path).bucket]) : undefined;
  };
  for (const j of inv.jobs) {
    const id = add("job", j.Name, j.streaming ? "streaming job" : "job", ["jobs", j.Name]);
    for (const r of j.reads) {
      const from = r.stream ? add("stream", r.stream, "stream", ["streams", r.stream]) : kept(r);
      if (from) join({ from, to: id, flow: r.stream && "stream/" + r.stream, stream: r.stream });
    }
    for (const w of j.writes) {
      const to = kept(w);
      if (to) join({ from: id, to, flow: j.reads[0]?.stream && "stream/" + j.reads[0].stream });
    }
  }
  for (const m of inv.mappings) {
    const to = add("function", resource(m.FunctionArn), "function", ["functions", resource(m.FunctionArn)]);
    const arn = m.EventSourceArn ?? "";
    const trouble = /^(OK|No records processed)?$/i.test(m.LastProcessingResult ?? "") ? undefined : m.LastProcessingResult;
    const name = resource(arn);
    if (arn.includes(":kinesis:")) join({ from: add("stream", name, "stream", ["streams", name]), to, flow: "stream/" + name, stream: name, trouble });
    else if (arn.includes(":sqs:")) join({ from: add("queue", name, "queue", ["queues", name]), to, trouble });
    else if (arn.includes(":dynamodb:")) join({ from: add("table", name, "table", ["tables", name]), to, trouble });
  }
  for (const a of inv.applications) {
    const id = add("analytics", a.name, a.status.toLowerCase(), ["analytics", a.name]);
    for (const arn of a.inputs) target(arn, (node, flow) => join({ from: node, to: id, flow, stream: arn.includes(":kinesis:") ? resource(arn) : undefined }), add);
    for (const arn of a.outputs) target(arn, (node, flow) => join({ from: id, to: node, flow }), add);
  }
  for (const a of inv.apis) {
    const into = new Set<string>();
    for (const r of a.routes) {
      const f = /functions\/arn:[^/]*:function:([^/:]+)/.exec(r.uri);
      if (f) into.add("function/" + f[1]);
      const service = /:(kinesis|firehose|dynamodb):action\//.exec(r.uri)?.[1];
      if (service && r.target) into.add({ kinesis: "stream/", firehose: "delivery/", dynamodb: "table/" }[service] + r.target);
    }
    const id = add("REST", a.name, a.routes.length === 1 ? a.routes[0]!.method + " " + a.routes[0]!.path : a.routes.length + " methods", ["apis", a.id]);
    for (const to of into) if (nodes.has(to)) join({ from: id, to });
  }
  // What a function writes to, no configuration says; most take the name from their environment.
  for (const f of inv.functions) {
    for (const value of Object.values(f.Environment?.Variables ?? {})) {
      for (const id of ["table/" + value, "stream/" + value, "delivery/" + value]) {
        if (nodes.has(id) && !edges.has(id + "\nfunction/" + f.FunctionName)) join({ from: "function/" + f.FunctionName, to: id, guessed: true });
      }
    }
  }
  for (const b of inv.boards) {
    const id = add("dashboard", b.name, some(b.asks.length, "statement"), ["dashboards", b.name]);
    for (const a of b.asks) {
      if (a.stream) {
        if (nodes.has("stream/" + a.stream)) join({ from: "stream/" + a.stream, to: id, stream: a.stream });
        continue;
      }
      const named = new Set([...a.sql.matchAll(/\b(?:from|join)\s+((?:"[^"]+"|[\w-]+)(?:\.(?:"[^"]+"|[\w-]+))*)/gi)].map((m) => m[1]!.replace(/"/g, "").toLowerCase().split(".").slice(-2).join(".")));
      for (const t of inv.lake) {
        const name = t.Name.toLowerCase();
        if (named.has(t.DatabaseName.toLowerCase() + "." + name) || (named.has(name) && t.DatabaseName === (a.database || "default"))) join({ from: lake(t), to: id });
      }
    }
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

/** least is how many resources that are alike become a group. */
const least = 4;

/**
 * folded is a graph in which resources that are alike are one: of a kind, with lines to and from what is alike too.
 * Those in open stay as they are.
 */
export function folded(g: Graph, open: Set<string>): Graph {
  let like = new Map(g.nodes.map((n) => [n.id, n.kind as string])), kinds = 0;
  for (let before = -1; kinds !== before;) {
    before = kinds;
    const near = new Map<string, Set<string>>(g.nodes.map((n) => [n.id, new Set()])), names = new Map<string, string>();
    for (const e of g.edges) {
      near.get(e.from)?.add(">" + like.get(e.to));
      near.get(e.to)?.add("<" + like.get(e.from));
    }
    like = new Map(g.nodes.map((n) => {
      const by = like.get(n.id) + " " + [...near.get(n.id)!].sort().join(" ");
      if (!names.has(by)) names.set(by, String(names.size));
      return [n.id, names.get(by)!];
    }));
    kinds = names.size;
  }
  const groups = new Map<string, GraphNode[]>(), as = new Map<string, string>();
  for (const n of g.nodes) if (!open.has(n.id)) groups.set(like.get(n.id)!, [...(groups.get(like.get(n.id)!) ?? []), n]);
  const nodes = g.nodes.flatMap((n) => {
    const all = groups.get(like.get(n.id)!);
    if (open.has(n.id) || !all || all.length < least) return [n];
    const first = all[0]!, id = "group/" + first.id;
    as.set(n.id, id);
    if (n !== first) return [];
    let shared = first.name;
    for (const x of all) while (!x.name.startsWith(shared)) shared = shared.slice(0, -1);
    return [{ id, kind: n.kind, name: (shared.replace(/[-_./]+$/, "") || n.kind) + " ×" + all.length, sub: "see each", members: all.map((x) => x.id) }];
  });
  const edges = new Map<string, GraphEdge>();
  for (const e of g.edges) {
    const from = as.get(e.from) ?? e.from, to = as.get(e.to) ?? e.to, key = from + "\n" + to, have = edges.get(key);
    if (have) have.folded!.push(e);
    else edges.set(key, from === e.from && to === e.to ? e : { from, to, guessed: e.guessed, folded: [e] });
  }
  for (const e of edges.values()) if (e.folded) e.trouble = e.folded.find((x) => x.trouble)?.trouble;
  return { nodes, edges: [...edges.values()] };
}

type Add = (kind: Kind, name: string, sub: string, page?: string[]) => string;
type Join = (e: GraphEdge) => void;

function target(arn: string, use: (node: string, flow: string | undefined) => void, add: Add) {
  const name = resource(arn);
  if (arn.includes(":kinesis:")) use(add("stream", name, "stream", ["streams", name]), "stream/" + name);
  else if (arn.includes(":firehose:")) use(add("delivery", name, "delivery", ["deliveries", name]), "delivery/" + name);
  else if (arn.includes(":lambda:")) use(add("function", name, "function", ["functions", name]), undefined);
}

/** within reports whether what is written below a prefix of a bucket lies in a table: one of a whole bucket holds all of it. */
function within(t: GlueTable, bucket: string, prefix: string): boolean {
  const p = place(t.StorageDescriptor?.Location ?? "");
  return p.bucket === bucket && (prefix.startsWith(p.prefix) || (prefix !== "" && p.prefix.startsWith(prefix)));
}

function deliver(inv: Inventory, d: Inventory["deliveries"][number], add: Add, join: Join, alias: Map<string, string>) {
  const s3 = destination(d);
  const conversion = s3?.DataFormatConversionConfiguration?.Enabled !== false ? s3?.DataFormatConversionConfiguration?.SchemaConfiguration : undefined;
  const every = s3?.BufferingHints?.IntervalInSeconds;
  const name = d.DeliveryStreamName;
  const id = add("delivery", name, (conversion ? "Parquet" : s3?.CompressionFormat && s3.CompressionFormat !== "UNCOMPRESSED" ? s3.CompressionFormat : "as they are") + (every == null ? "" : ", " + every + " s"), ["deliveries", name]);
  const source = d.Source?.KinesisStreamSourceDescription?.KinesisStreamARN;
  const flow = "delivery/" + name;
  if (source) join({ from: add("stream", resource(source), "stream", ["streams", resource(source)]), to: id, flow, delivery: name, stream: resource(source) });
  else join({ from: add("put", name, "PutRecordBatch", ["deliveries", name]), to: id, flow });
  if (!s3) return;
  const { bucket } = place(s3.BucketARN);
  const prefix = (s3.Prefix ?? "").split("!{")[0]!;
  // The lake is the tables whose data lie where the delivery writes.
  const at = inv.lake.filter((t) => {
    if (conversion?.TableName === t.Name && conversion.DatabaseName === t.DatabaseName) return true;
    return within(t, bucket, prefix);
  });
  const table = at.find((t) => place(t.StorageDescriptor?.Location ?? "").prefix !== "") ?? at[0]; // rather than one of the whole bucket
  const to = table
    ? add("lake", table.DatabaseName + "." + table.Name, at.length > 1 ? at.length + " tables" : "in " + bucket, ["lake", table.DatabaseName, table.Name])
    : add("bucket", bucket, prefix || "objects", ["objects", bucket]);
  for (const t of at) alias.set(t.DatabaseName + "." + t.Name, to);
  join({ from: id, to, flow, delivery: source ? undefined : name });
  for (const p of s3.ProcessingConfiguration?.Enabled ? s3.ProcessingConfiguration.Processors ?? [] : []) {
    const arn = p.Parameters?.find((x) => x.ParameterName === "LambdaArn")?.ParameterValue;
    if (p.Type === "Lambda" && arn) join({ from: id, to: add("function", resource(arn), "function", ["functions", resource(arn)]) });
  }
}
