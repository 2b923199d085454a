// Statements of Athena: started, watched, stopped; results a page at a time.
import { AwsError, call, xml } from "../aws/client.ts";
import { account, region } from "../aws/session.ts";

export interface Execution {
  QueryExecutionId: string; Query: string;
  Status: { State: "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED"; StateChangeReason?: string; SubmissionDateTime: number; CompletionDateTime?: number };
  Statistics?: { DataScannedInBytes?: number; EngineExecutionTimeInMillis?: number; TotalExecutionTimeInMillis?: number };
  QueryExecutionContext?: { Database?: string };
  ResultConfiguration?: { OutputLocation?: string };
  /** ExecutionParameters are the values of the statement's question marks. */
  ExecutionParameters?: string[];
}

export interface ResultColumn { Name: string; Type: string }
type Row = (string | null)[];

export const workgroup = "primary";

/** ensureBucket makes the account's bucket of results, the one of "brookmere sql", if it is not there. */
async function ensureBucket(): Promise<string> {
  const bucket = `brookmere-athena-results-${account.value}-${region.value}`;
  const have = Array.from((await xml("s3", "/")).getElementsByTagName("Name"), (e) => e.textContent);
  if (!have.includes(bucket)) {
    await xml("s3", `/${bucket}`, "PUT", region.value === "us-east-1" ? "" : `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region.value}</LocationConstraint></CreateBucketConfiguration>`);
  }
  return `s3://${bucket}/`;
}

let output: { of: string; location: string | undefined } | undefined;

/** resultPlace is where results go: the workgroup's own place, or the account's bucket of results. */
async function resultPlace(): Promise<string | undefined> {
  const of = account.value + region.value;
  if (output?.of === of) return output.location;
  const wg = await call<{ WorkGroup: { Configuration?: { ResultConfiguration?: { OutputLocation?: string }; ManagedQueryResultsConfiguration?: { Enabled?: boolean } } } }>("athena", "GetWorkGroup", { WorkGroup: workgroup });
  const c = wg.WorkGroup.Configuration;
  const location = c?.ManagedQueryResultsConfiguration?.Enabled || c?.ResultConfiguration?.OutputLocation ? undefined : await ensureBucket();
  output = { of, location };
  return location;
}

/** start begins a statement, with values in place of its question marks where it has such. */
export async function start(text: string, database: string, values: string[] = []): Promise<string> {
  const location = await resultPlace();
  const r = await call<{ QueryExecutionId: string }>("athena", "StartQueryExecution", {
    QueryString: text.trim().replace(/;$/, ""), WorkGroup: workgroup, ClientRequestToken: "console-" + Array.from(crypto.getRandomValues(new Uint8Array(20)), (b) => b.toString(16).padStart(2, "0")).join(""),
    ...(values.length ? { ExecutionParameters: values } : {}), ...(database ? { QueryExecutionContext: { Database: database } } : {}), ...(location ? { ResultConfiguration: { OutputLocation: location } } : {}),
  });
  return r.QueryExecutionId;
}

export function ended(e: Execution): boolean {
  return e.Status.State !== "QUEUED" && e.Status.State !== "RUNNING";
}

/** follow asks until the statement has ended. */
export async function follow(id: string, told: (e: Execution) => void): Promise<Execution> {
  for (let wait = 25; ; wait = Math.min(500, wait * 1.6)) {
    const e = (await call<{ QueryExecution: Execution }>("athena", "GetQueryExecution", { QueryExecutionId: id })).QueryExecution;
    told(e);
    if (ended(e)) return e;
    await new Promise((go) => setTimeout(go, wait));
  }
}

export const cancel = (id: string) => call("athena", "StopQueryExecution", { QueryExecutionId: id });

interface Page { NextToken?: string; ResultSet: { Rows: { Data: { VarCharValue?: string }[] }[]; ResultSetMetadata: { ColumnInfo: ResultColumn[] } } }

/** Result is the rows of a statement that has ended, as far as they were loaded. */
export class Result {
  columns: ResultColumn[] = [];
  rows: Row[] = [];
  private next: string | undefined;
  private begun = false;
  private loading: Promise<void> | undefined;

  constructor(readonly id: string, private readonly headed: boolean) {}

  get complete(): boolean {
    return this.begun && !this.next;
  }

  /** more loads the next page, once at a time. */
  more(): Promise<void> {
    if (this.complete) return Promise.resolve();
    return (this.loading ??= this.load().finally(() => (this.loading = undefined)));
  }

  private async load() {
    const p = await call<Page>("athena", "GetQueryResults", { QueryExecutionId: this.id, MaxResults: 1000, NextToken: this.next });
    this.columns = p.ResultSet.ResultSetMetadata?.ColumnInfo ?? [];
    const rows = p.ResultSet.Rows.map((r) => r.Data.map((d) => d.VarCharValue ?? null));
    // The first row of a query repeats the names of its columns.
    if (!this.begun && this.headed && rows[0]?.every((c, i) => c === this.columns[i]?.Name)) rows.shift();
    this.begun = true;
    this.rows = this.rows.concat(rows);
    this.next = p.NextToken;
  }
}

export function resultOf(e: Execution): Result {
  return new Result(e.QueryExecutionId, /^\s*(\(|--|\/\*|select|with|values|table|execute)/i.test(e.Query));
}

/** query runs a statement, with values in place of its question marks, and returns its first page. */
export async function query(text: string, database: string, values: string[] = []): Promise<Result> {
  const e = await follow(await start(text, database, values), () => undefined);
  if (e.Status.State !== "SUCCEEDED") throw new AwsError(e.Status.State, e.Status.StateChangeReason ?? "The statement did not end well.", 400);
  const r = resultOf(e);
  await r.more();
  return r;
}

export async function past(): Promise<Execution[]> {
  const ids = (await call<{ QueryExecutionIds: string[] }>("athena", "ListQueryExecutions", { WorkGroup: workgroup, MaxResults: 50 })).QueryExecutionIds;
  if (!ids?.length) return [];
  const list = (await call<{ QueryExecutions: Execution[] }>("athena", "BatchGetQueryExecution", { QueryExecutionIds: ids })).QueryExecutions;
  return list.sort((a, b) => b.Status.SubmissionDateTime - a.Status.SubmissionDateTime);
}

export function isNumber(type: string): boolean {
  return /^(tinyint|smallint|integer|int|bigint|real|float|double|decimal)/.test(type);
}

/** name is an identifier as statements write it. */
export function name(s: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(s) ? s : '"' + s.replace(/"/g, '""') + '"';
}
