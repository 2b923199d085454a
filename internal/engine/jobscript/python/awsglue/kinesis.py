"""Kinesis streams as a streaming source of Spark, spark.readStream.format("kinesis").

An offset holds, for each shard, the sequence number of the last record that was read, and, for the shards whose first
record is behind the offset before, how they were begun. So what lies between two offsets is always the same records,
and a batch that Spark does again after a crash holds what it held before.
"""
import datetime
import time

from pyspark.sql.datasource import DataSource, SimpleDataSourceStreamReader

from awsglue._kpl import taken_apart

SCHEMA = "data BINARY, streamName STRING, partitionKey STRING, sequenceNumber STRING, approximateArrivalTimestamp TIMESTAMP"

_BATCH_BYTES = 32 << 20


class KinesisDataSource(DataSource):
    @classmethod
    def name(cls):
        return "kinesis"

    def schema(self):
        return SCHEMA

    def simpleStreamReader(self, schema):
        return KinesisStreamReader(dict(self.options))


class KinesisStreamReader(SimpleDataSourceStreamReader):
    def __init__(self, options):
        o = {k.lower(): v for k, v in options.items()}
        self.stream = {}
        if o.get("streamarn"):
            self.stream["StreamARN"] = o["streamarn"]
            self.name = o["streamarn"].split("/", 1)[-1]
        elif o.get("streamname"):
            self.stream["StreamName"] = self.name = o["streamname"]
        else:
            raise ValueError("kinesis: streamARN or streamName must be given")
        self.start = start_of(o.get("startingposition") or o.get("initialposition"))
        self.limit = int(o.get("maxfetchrecordspershard") or 100000)
        self.client = None
        self.iterators = {}
        self.known, self.listed = [], 0.0

    def api(self):
        if self.client is None:
            import boto3
            from botocore.config import Config

            self.client = boto3.client("kinesis", config=Config(retries={"max_attempts": 10, "mode": "standard"}))
        return self.client

    def initialOffset(self):
        return {"shards": {}, "from": {}, "begun": False}

    def shards(self):
        if time.monotonic() - self.listed > 10:
            found, args = [], dict(self.stream)
            while True:
                out = self.api().list_shards(**args)
                found += [s["ShardId"] for s in out["Shards"]]
                if not out.get("NextToken"):
                    break
                args = {"NextToken": out["NextToken"]}
            self.known, self.listed = found, time.monotonic()
        return self.known

    def iterator(self, shard, after, begin):
        args = dict(self.stream, ShardId=shard)
        if after:
            args.update(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=after)
        elif begin == "TRIM_HORIZON":
            args.update(ShardIteratorType="TRIM_HORIZON")
        else:
            args.update(ShardIteratorType="AT_TIMESTAMP", Timestamp=float(begin))
        try:
            return self.api().get_shard_iterator(**args)["ShardIterator"]
        except self.api().exceptions.InvalidArgumentException:
            if not after:
                raise
            # The record is gone with the stream's retention: what is left begins the shard.
            args = dict(self.stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
            return self.api().get_shard_iterator(**args)["ShardIterator"]

    def fetch(self, at, shard, after, begin):
        """One answer of a shard."""
        if at is None:
            at = self.iterator(shard, after, begin)
        try:
            return self.api().get_records(ShardIterator=at, Limit=10000)
        except self.api().exceptions.ExpiredIteratorException:
            return self.api().get_records(ShardIterator=self.iterator(shard, after, begin), Limit=10000)

    def read(self, start):
        shards, begins = {}, {}
        ended = dict(start.get("ended") or {})
        rows, size = [], 0
        now = "%.3f" % time.time()
        for shard in self.shards():
            after = start["shards"].get(shard, "")
            begin = (start.get("pending") or {}).get(shard)
            if not after and begin is None:
                begin = "TRIM_HORIZON"
                if not start["begun"] and self.start != "TRIM_HORIZON":
                    begin = now if self.start == "LATEST" else self.start
            if not after:
                begins[shard] = begin
            if ended.get(shard):
                if after:
                    shards[shard] = after
                continue
            key = (shard, after or begin)
            at, count = self.iterators.pop(key, None), 0
            while size < _BATCH_BYTES and count < self.limit:
                out = self.fetch(at, shard, after, begin)
                at = out.get("NextShardIterator")
                for r in out["Records"]:
                    self.add(rows, r)
                    after, size, count = r["SequenceNumber"], size + len(r["Data"]), count + 1
                if at is None:
                    ended[shard] = True
                    break
                if not out.get("MillisBehindLatest"):
                    break
            if after:
                shards[shard] = after
            if at is not None:
                self.iterators[(shard, after or begin)] = at
        if not rows and start["begun"]:
            return iter([]), start
        end = {
            "shards": shards,
            "begun": True,
            "from": {s: b for s, b in begins.items() if s in shards},
            "pending": {s: b for s, b in begins.items() if s not in shards},
            "ended": {s: True for s in ended if s in self.known},
        }
        return iter(rows), end

    def readBetweenOffsets(self, start, end):
        rows = []
        for shard, last in end["shards"].items():
            after = start["shards"].get(shard, "")
            if after == last:
                continue
            begin = (end.get("from") or {}).get(shard, "TRIM_HORIZON")
            at = None
            while True:
                out = self.fetch(at, shard, after, begin)
                at = out.get("NextShardIterator")
                for r in out["Records"]:
                    if int(r["SequenceNumber"]) > int(last):
                        at = None
                        break
                    self.add(rows, r)
                    after = r["SequenceNumber"]
                if after == last or at is None or not out.get("MillisBehindLatest") and not out["Records"]:
                    break
        return iter(rows)

    def add(self, rows, r):
        at = r["ApproximateArrivalTimestamp"]
        for key, data in taken_apart(r["PartitionKey"], r["Data"]):
            rows.append((data, self.name, key, r["SequenceNumber"], at))


def start_of(position):
    p = (position or "latest").strip()
    if p.lower() in ("latest",):
        return "LATEST"
    if p.lower() in ("earliest", "trim_horizon"):
        return "TRIM_HORIZON"
    text = p.replace("Z", "+00:00")
    for f in ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"):
        try:
            return "%.3f" % datetime.datetime.strptime(text, f).timestamp()
        except ValueError:
            pass
    raise ValueError("kinesis: the starting position %r is neither latest, trim_horizon, earliest nor a time as 2023-04-04T08:00:00Z" % position)
