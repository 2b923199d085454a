// Puts many records, in batches that the services take, and those again that were refused for a while.
import { AwsError, call } from "../aws/client.ts";
import { some } from "../format.ts";

/** Fresh is a record to put; Data is in base64. A delivery stream takes no key. */
export interface Fresh { Data: string; PartitionKey?: string }

const most = { records: 500, letters: 3_500_000 }; // of a batch; the limit is 4 MiB of bytes, and letters of base64 are a third more
const tries = 6; // of a batch, of which each takes what was refused before

/** batches cuts records into lists that one call takes. A record that is larger than that is one alone, for the service to refuse. */
export function batches<T extends Fresh>(records: T[]): T[][] {
  const out: T[][] = [];
  let letters = 0;
  for (const r of records) {
    const last = out.at(-1);
    if (!last || last.length === most.records || letters + r.Data.length > most.letters) out.push([r]), (letters = 0);
    else last.push(r);
    letters += r.Data.length;
  }
  return out;
}

interface Taken { RequestResponses?: { ErrorCode?: string; ErrorMessage?: string }[]; Records?: { ErrorCode?: string; ErrorMessage?: string }[] }

/** putAll puts records into a stream of Kinesis or a delivery stream, all of them or with an error that says how many. put is told how many there are in it. */
export async function putAll(into: { stream: string } | { delivery: string }, records: Fresh[], put: (n: number) => void = () => undefined): Promise<void> {
  let done = 0;
  for (const batch of batches(records)) {
    let left = batch;
    for (let n = 0; left.length; n++) {
      const r = "stream" in into ? await call<Taken>("kinesis", "PutRecords", { [into.stream.startsWith("arn:") ? "StreamARN" : "StreamName"]: into.stream, Records: left })
        : await call<Taken>("firehose", "PutRecordBatch", { DeliveryStreamName: into.delivery, Records: left.map(({ Data }) => ({ Data })) });
      const each = r.Records ?? r.RequestResponses ?? [], why = each.find((x) => x.ErrorCode);
      const again = left.filter((_, i) => each[i]?.ErrorCode);
      put((done += left.length - again.length));
      left = again;
      if (left.length && n + 1 === tries) throw new AwsError(why!.ErrorCode!, `${some(left.length, "record")} of ${records.length} were refused, ${done} were taken: ${why!.ErrorMessage ?? ""}`, 400);
      if (left.length) await new Promise((next) => setTimeout(next, 200 * 2 ** n));
    }
  }
}
