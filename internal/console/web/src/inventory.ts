// What the account has in its region, asked for again while the page is open.
import { signal } from "@preact/signals";
import { all, type AwsError, call, members, query, rest, text } from "./aws/client.ts";
import { node } from "./aws/session.ts";

export interface Stream { StreamName: string; StreamARN: string; StreamStatus: string; StreamModeDetails?: { StreamMode: string } }
export interface S3Destination {
  BucketARN: string; Prefix?: string; ErrorOutputPrefix?: string; CompressionFormat?: string;
  BufferingHints?: { IntervalInSeconds?: number; SizeInMBs?: number };
  ProcessingConfiguration?: { Enabled?: boolean; Processors?: { Type: string; Parameters?: { ParameterName: string; ParameterValue: string }[] }[] };
  DataFormatConversionConfiguration?: { Enabled?: boolean; SchemaConfiguration?: { DatabaseName?: string; TableName?: string } };
}
export interface Delivery {
  DeliveryStreamName: string; DeliveryStreamARN: string; DeliveryStreamStatus: string; DeliveryStreamType: string;
  Source?: { KinesisStreamSourceDescription?: { KinesisStreamARN: string } };
  Destinations: { ExtendedS3DestinationDescription?: S3Destination; S3DestinationDescription?: S3Destination }[];
}
export interface Func { FunctionName: string; FunctionArn: string; Runtime?: string; Handler?: string; MemorySize?: number; Timeout?: number; CodeSize?: number; LastModified?: string; Description?: string; Environment?: { Variables?: Record<string, string> } }
export interface Mapping { UUID: string; EventSourceArn?: string; FunctionArn: string; State: string; BatchSize?: number; LastProcessingResult?: string; StateTransitionReason?: string }
export interface ItemTable { TableName: string; TableArn: string; TableStatus: string; ItemCount?: number; TableSizeBytes?: number; KeySchema: { AttributeName: string; KeyType: string }[]; AttributeDefinitions: { AttributeName: string; AttributeType: string }[]; GlobalSecondaryIndexes?: { IndexName: string; KeySchema: { AttributeName: string; KeyType: string }[] }[]; LatestStreamArn?: string }
export interface GlueColumn { Name: string; Type?: string; Comment?: string }
export interface GlueTable { Name: string; DatabaseName: string; TableType?: string; UpdateTime?: number; CreateTime?: number; PartitionKeys?: GlueColumn[]; ViewExpandedText?: string; Parameters?: Record<string, string>; StorageDescriptor?: { Location?: string; InputFormat?: string; SerdeInfo?: { SerializationLibrary?: string }; Columns?: GlueColumn[] } }
export interface RestAPI { id: string; name: string; routes: { method: string; path: string; uri: string; /** target is the stream or table that a template names */ target?: string }[] }
export interface Application { name: string; arn: string; status: string; inputs: string[]; outputs: string[] }

export interface Queue { name: string; url: string }
export interface Subscription { topic: string; protocol: string; endpoint: string; arn: string }

/** Job is a Glue job, with what its graph of nodes reads and writes; a script tells nobody. */
export interface GlueJob { Name: string; streaming: boolean; reads: { stream?: string; path?: string; table?: string }[]; writes: { path?: string; table?: string }[] }
/** Board is a dashboard, with the statements of its visuals. */
export interface Board { name: string; asks: { sql: string; database?: string; stream?: string }[] }

export interface Inventory {
  services: Set<string>;
  streams: Stream[]; deliveries: Delivery[]; functions: Func[]; mappings: Mapping[]; tables: ItemTable[]; lake: GlueTable[]; databases: string[]; apis: RestAPI[]; applications: Application[];
  queues: Queue[]; topics: string[]; subscriptions: Subscription[]; jobs: GlueJob[]; boards: Board[];
  /** denied is why, by what it is of, these credentials may not see all: "queues", or "some queues". */
  denied: Record<string, Error>;
}

export const inventory = signal<Inventory | null>(null);

let denied: Record<string, Error> = {}; // of the look that goes on

const described = new Map<string, Map<string, unknown>>(); // by what and name
const many = 20; // of more of a kind a look describes a quarter again
let looks = 0;

/** each describes resources of a listing, but for those that have gone since, and those that these credentials may not see. */
async function each<T>(what: string, names: string[], describe: (name: string) => Promise<T>): Promise<T[]> {
  const refused = denied, had = described.get(what), have = new Map<string, unknown>();
  await Promise.all(names.map(async (n, i) => {
    const known = names.length > many && i % 4 !== looks % 4 ? had?.get(n) : undefined;
    try {
      have.set(n, known ?? (await describe(n)));
    } catch (err) {
      const e = err as AwsError;
      if (/AccessDenied|NotAuthorized/.test(e.code)) refused["some " + what] = e;
      else if (!/NotFound/.test(e.code)) throw e;
    }
  }));
  if (refused === denied) described.set(what, have);
  return names.flatMap((n) => (have.has(n) ? [have.get(n) as T] : []));
}

async function streams() {
  const out: Stream[] = [];
  for (let after: string | undefined; ; after = out[out.length - 1]!.StreamName) {
    const p = await call<{ StreamSummaries: Stream[]; HasMoreStreams: boolean }>("kinesis", "ListStreams", after ? { ExclusiveStartStreamName: after } : {});
    out.push(...p.StreamSummaries);
    if (!p.HasMoreStreams || !p.StreamSummaries.length) return out;
  }
}

async function deliveries() {
  const names: string[] = [];
  for (;;) {
    const p = await call<{ DeliveryStreamNames: string[]; HasMoreDeliveryStreams: boolean }>("firehose", "ListDeliveryStreams", { Limit: 100, ExclusiveStartDeliveryStreamName: names[names.length - 1] });
    names.push(...p.DeliveryStreamNames);
    if (!p.HasMoreDeliveryStreams || !p.DeliveryStreamNames.length) break;
  }
  return each("deliveries", names, async (n) => (await call<{ DeliveryStreamDescription: Delivery }>("firehose", "DescribeDeliveryStream", { DeliveryStreamName: n })).DeliveryStreamDescription);
}

async function marked<T>(path: string, items: string): Promise<T[]> {
  return all<T, string>(async (m) => (await rest("lambda", "GET", path + (m ? "?Marker=" + encodeURIComponent(m) : ""))).value, items, "NextMarker");
}

async function tables() {
  const names = await all<string, string>((t) => call("dynamodb", "ListTables", t ? { ExclusiveStartTableName: t } : {}), "TableNames", "LastEvaluatedTableName");
  return each("tables", names, async (n) => (await call<{ Table: ItemTable }>("dynamodb", "DescribeTable", { TableName: n })).Table);
}

async function lake() {
  const names = (await all<{ Name: string }, string>((t) => call("glue", "GetDatabases", { NextToken: t }), "DatabaseList", "NextToken")).map((d) => d.Name);
  const found = await each("the lake", names, (d) => all<GlueTable, string>((t) => call("glue", "GetTables", { DatabaseName: d, NextToken: t }), "TableList", "NextToken"));
  return { names, tables: found.flat() };
}

interface Resource { path: string; resourceMethods?: Record<string, { methodIntegration?: { uri?: string; requestTemplates?: Record<string, string> } }> }

/** named is the stream, delivery stream or table that a mapping template names as it is. */
function named(templates: Record<string, string> | undefined): string | undefined {
  return /"(?:StreamName|DeliveryStreamName|TableName)"\s*:\s*"([\w.-]+)"/.exec(Object.values(templates ?? {}).join("\n"))?.[1];
}

async function apis(): Promise<RestAPI[]> {
  const list = (await rest<{ item?: { id: string; name: string }[]; _embedded?: unknown }>("apigateway", "GET", "/restapis?limit=500")).value.item ?? [];
  return Promise.all(list.map(async (a) => {
    const r = (await rest<{ item?: Resource[] }>("apigateway", "GET", `/restapis/${a.id}/resources?embed=methods&limit=500`)).value.item ?? [];
    return { id: a.id, name: a.name, routes: r.flatMap((x) => Object.entries(x.resourceMethods ?? {}).map(([method, m]) => ({ method, path: x.path, uri: m?.methodIntegration?.uri ?? "", target: named(m?.methodIntegration?.requestTemplates) }))) };
  }));
}

interface AppDetail { ApplicationName: string; ApplicationARN: string; ApplicationStatus: string; ApplicationConfigurationDescription?: { SqlApplicationConfigurationDescription?: { InputDescriptions?: Record<string, { ResourceARN?: string }>[]; OutputDescriptions?: Record<string, { ResourceARN?: string }>[] } } }

function arnsOf(list: Record<string, { ResourceARN?: string }>[] | undefined): string[] {
  return (list ?? []).flatMap((x) => Object.values(x).map((v) => v?.ResourceARN).filter((a): a is string => !!a));
}

async function applications(): Promise<Application[]> {
  const list = await call<{ ApplicationSummaries: { ApplicationName: string }[] }>("kinesisanalytics", "ListApplications", {});
  return each("applications", list.ApplicationSummaries.map((s) => s.ApplicationName), async (ApplicationName) => {
    const d = (await call<{ ApplicationDetail: AppDetail }>("kinesisanalytics", "DescribeApplication", { ApplicationName })).ApplicationDetail;
    const sql = d.ApplicationConfigurationDescription?.SqlApplicationConfigurationDescription;
    return { name: d.ApplicationName, arn: d.ApplicationARN, status: d.ApplicationStatus, inputs: arnsOf(sql?.InputDescriptions), outputs: arnsOf(sql?.OutputDescriptions) };
  });
}

async function queues(): Promise<Queue[]> {
  const urls = await all<string, string>((t) => call("sqs", "ListQueues", { MaxResults: 1000, NextToken: t }), "QueueUrls", "NextToken");
  return urls.map((url) => ({ url, name: url.split("/").pop()! }));
}

/** listed follows the pages of a listing of SNS. */
async function listed(action: string, list: string): Promise<Record<string, string>[]> {
  const out: Record<string, string>[] = [];
  for (let next: string | undefined; out.length < 1000;) {
    const doc: Document = await query("sns", action, { NextToken: next });
    out.push(...members(doc, list));
    next = text(doc, "NextToken");
    if (!next) break;
  }
  return out;
}

async function topics() {
  const [list, subs] = await Promise.all([listed("ListTopics", "Topics"), listed("ListSubscriptions", "Subscriptions")]);
  return { list: list.map((t) => t.TopicArn!), subscriptions: subs.map((s) => ({ topic: s.TopicArn!, protocol: s.Protocol!, endpoint: s.Endpoint!, arn: s.SubscriptionArn! })) };
}

interface NodeOfJob { StreamingOptions?: { StreamArn?: string; StreamName?: string }; Path?: string; Paths?: string[]; Database?: string; Table?: string; SchemaChangePolicy?: { Database?: string; Table?: string } }

async function jobs(): Promise<GlueJob[]> {
  const list = await all<{ Name: string; Command?: { Name: string }; CodeGenConfigurationNodes?: Record<string, Record<string, NodeOfJob>> }, string>((t) => call("glue", "GetJobs", { NextToken: t }), "Jobs", "NextToken");
  return list.map((j) => {
    const out: GlueJob = { Name: j.Name, streaming: j.Command?.Name === "gluestreaming", reads: [], writes: [] };
    for (const [kind, n] of Object.values(j.CodeGenConfigurationNodes ?? {}).flatMap((x) => Object.entries(x))) {
      const by = n.SchemaChangePolicy?.Table ? n.SchemaChangePolicy : n, table = by.Database && by.Table ? by.Database + "." + by.Table : undefined;
      const stream = n.StreamingOptions?.StreamArn?.split("/").pop() ?? n.StreamingOptions?.StreamName;
      if (kind.endsWith("Target")) out.writes.push({ table, path: n.Path });
      else if (kind.endsWith("Source")) out.reads.push({ stream, table, path: n.Paths?.[0] });
    }
    return out;
  });
}

let read = new Map<string, { at: number | undefined; board: Board }>(); // dashboards, by name, as they were when they were changed last

async function boards(): Promise<Board[]> {
  const list = await all<{ DashboardName: string; LastModified?: number }, string>((t) => call("cloudwatch", "ListDashboards", { NextToken: t }), "DashboardEntries", "NextToken", 200);
  const next: typeof read = new Map();
  await Promise.all(list.map(async (d) => {
    let have = read.get(d.DashboardName);
    if (!have || have.at !== d.LastModified) {
      const asks: Board["asks"] = [];
      try {
        const body = JSON.parse((await call<{ DashboardBody: string }>("cloudwatch", "GetDashboard", { DashboardName: d.DashboardName })).DashboardBody) as { widgets?: { properties?: { params?: Board["asks"][number] } }[] };
        for (const w of body.widgets ?? []) if (typeof w?.properties?.params?.sql === "string") asks.push(w.properties.params);
      } catch {
        // Its page says what is wrong with it.
      }
      have = { at: d.LastModified, board: { name: d.DashboardName, asks } };
    }
    next.set(d.DashboardName, have);
  }));
  read = next;
  return list.map((d) => next.get(d.DashboardName)!.board);
}

let asker = 0; // grows when who asks, or where, is another

/** look reads everything again. A part that may not be read is left out, and named. */
export async function look() {
  const by = asker, have = new Set(node.value!.services);
  const refused: Record<string, Error> = (denied = {});
  looks++;
  const part = async <T>(service: string, what: string, ask: () => Promise<T>, none: T): Promise<T> => {
    if (!have.has(service)) return none;
    try {
      return await ask();
    } catch (e) {
      if ((e as { status?: number }).status === 0) throw e;
      refused[what] = e as Error;
      return none;
    }
  };
  const [s, d, f, m, t, l, a, k, q, n, j, b] = await Promise.all([
    part("kinesis", "streams", streams, []), part("firehose", "deliveries", deliveries, []),
    part("lambda", "functions", () => marked<Func>("/2015-03-31/functions/", "Functions"), []),
    part("lambda", "event sources", () => marked<Mapping>("/2015-03-31/event-source-mappings/", "EventSourceMappings"), []),
    part("dynamodb", "tables", tables, []), part("glue", "the lake", lake, { names: [] as string[], tables: [] as GlueTable[] }), part("apigateway", "APIs", apis, []),
    part("kinesisanalytics", "applications", applications, []), part("sqs", "queues", queues, []), part("sns", "topics", topics, { list: [] as string[], subscriptions: [] as Subscription[] }),
    part("glue", "jobs", jobs, []), part("cloudwatch", "dashboards", boards, []),
  ]);
  if (by !== asker) return; // it is that of another
  inventory.value = { services: have, streams: s, deliveries: d, functions: f, mappings: m, tables: t, lake: l.tables, databases: l.names, apis: a, applications: k, queues: q, topics: n.list, subscriptions: n.subscriptions, jobs: j, boards: b, denied: refused };
}

/** forget is called when who asks, or where, is another. */
export function forget() {
  asker++;
  inventory.value = null;
  read.clear();
  described.clear();
  denied = {};
}

export function destination(d: Delivery): S3Destination | undefined {
  const first = d.Destinations?.[0];
  return first?.ExtendedS3DestinationDescription ?? first?.S3DestinationDescription;
}
