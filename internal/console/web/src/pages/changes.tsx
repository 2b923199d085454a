// The changes of a table, from its stream, as they come.
import { useEffect, useState } from "preact/hooks";
import { AwsError, call } from "../aws/client.ts";
import { marked, moment } from "../format.ts";
import { every } from "../parts/live.ts";
import { Command, Problem } from "../parts/ui.tsx";
import { cellText } from "../pipeline/filter.ts";
import { plainItem, type Item } from "./attribute.ts";

interface Change { eventID: string; eventName: string; dynamodb: { ApproximateCreationDateTime: number; Keys: Item; NewImage?: Item; OldImage?: Item; SequenceNumber: string } }

const most = 100;

export function Changes(p: { arn: string }) {
  const [list, setList] = useState<Change[]>([]);
  const [begun, begin] = useState(false);
  const [error, setError] = useState<Error>();
  useEffect(() => {
    const iterators = new Map<string, string>(), known = new Set<string>();
    const places = new Map<string, { ShardIteratorType: string; SequenceNumber?: string }>(); // where a shard is read on when its iterator has expired
    let first = true, listed = 0;
    return every(1000, async () => {
      try {
        if (Date.now() - listed > 15_000) {
          for (let after: string | undefined; ;) {
            const d: { Shards: { ShardId: string; SequenceNumberRange: { EndingSequenceNumber?: string } }[]; LastEvaluatedShardId?: string } = (await call<{ StreamDescription: never }>("dynamodbstreams", "DescribeStream", { StreamArn: p.arn, ExclusiveStartShardId: after })).StreamDescription;
            for (const s of d.Shards) {
              if (known.has(s.ShardId)) continue;
              if (first && s.SequenceNumberRange.EndingSequenceNumber) { known.add(s.ShardId); continue; }
              const place = places.get(s.ShardId) ?? { ShardIteratorType: first ? "LATEST" : "TRIM_HORIZON" };
              places.set(s.ShardId, place);
              iterators.set(s.ShardId, (await call<{ ShardIterator: string }>("dynamodbstreams", "GetShardIterator", { StreamArn: p.arn, ShardId: s.ShardId, ...place })).ShardIterator);
              known.add(s.ShardId); // with an error it is begun again
            }
            if (!(after = d.LastEvaluatedShardId)) break;
          }
          first = false;
          begin(true);
          listed = Date.now();
        }
        let failed: Error | undefined;
        const got = await Promise.all([...iterators].map(async ([shard, ShardIterator]) => {
          try {
            const r = await call<{ Records: Change[]; NextShardIterator?: string }>("dynamodbstreams", "GetRecords", { ShardIterator });
            if (r.NextShardIterator) iterators.set(shard, r.NextShardIterator);
            else iterators.delete(shard), (listed = 0);
            const last = r.Records.at(-1);
            if (last) places.set(shard, { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: last.dynamodb.SequenceNumber });
            return r.Records;
          } catch (e) {
            if (!(e instanceof AwsError && e.code === "ExpiredIteratorException")) return (failed = e as Error), []; // what other shards gave is shown
            iterators.delete(shard), known.delete(shard), (listed = 0);
            return [];
          }
        }));
        const next = got.flat();
        if (next.length) setList((have) => [...next.reverse(), ...have].slice(0, most));
        setError(failed);
      } catch (e) {
        setError(e as Error);
      }
    });
  }, [p.arn]);
  return (
    <section class="panel scroll">
      <div class="bar"><b>Changes</b><span class="live"><i />tailing</span><span class="grow" /><Command line={`aws dynamodbstreams describe-stream --stream-arn ${p.arn}`} /></div>
      <Problem error={error} />
      {!list.length ? <div class="empty quiet">{begun ? "What changes in the table from now on shows here." : error ? "" : "Loading…"}</div> : (
        <table><thead><tr><th>time</th><th>change</th><th>key</th><th>item</th></tr></thead><tbody>{list.map((c) => (
          <tr key={c.eventID}><td class="m dim">{moment(new Date(c.dynamodb.ApproximateCreationDateTime * 1000))}</td><td class="sub">{c.eventName.toLowerCase()}</td><td class="m">{marked(Object.values(plainItem(c.dynamodb.Keys)).map(cellText).join(" / "))}</td><td class="m cut">{(c.dynamodb.NewImage ?? c.dynamodb.OldImage) && marked(JSON.stringify(plainItem((c.dynamodb.NewImage ?? c.dynamodb.OldImage)!)).slice(0, 400))}</td></tr>
        ))}</tbody></table>
      )}
    </section>
  );
}
