"""Tests of the library that need neither Spark nor a node."""
import datetime
import hashlib
import json
import os
import sys
import tempfile
import types
import unittest

os.environ["BROOKMERE_JOB_FOLDER"] = tempfile.mkdtemp()
sql = types.ModuleType("pyspark.sql")
source = types.ModuleType("pyspark.sql.datasource")
source.DataSource = source.SimpleDataSourceStreamReader = object
for name, module in (("pyspark", types.ModuleType("pyspark")), ("pyspark.sql", sql), ("pyspark.sql.datasource", source)):
    sys.modules[name] = module

frames = types.ModuleType("awsglue.dynamicframe")
frames.DynamicFrame = frames.DynamicFrameCollection = object
sys.modules["awsglue.dynamicframe"] = frames

from awsglue import _bookmark, _kpl, _s3, kinesis  # noqa: E402
from awsglue.utils import GlueArgumentError, getResolvedOptions  # noqa: E402

from awsgluedq.transforms import _rules  # noqa: E402


class Rules(unittest.TestCase):
    def test_comments(self):
        self.assertEqual(_rules("""Rules = [ # all, of them ]
            ColumnCount > 0, # some columns, at least
            # RowCount > 5, not yet
            RowCount > 1 ]"""), ["ColumnCount > 0", "RowCount > 1"])


class Stream:
    """A stream in memory: shards of records, and closed ones."""

    class exceptions:
        class InvalidArgumentException(Exception):
            pass

        class ExpiredIteratorException(Exception):
            pass

    def __init__(self, **shards):
        self.shards, self.closed, self.trimmed, self.expire = shards, set(), 0, False

    def list_shards(self, **args):
        return {"Shards": [{"ShardId": s} for s in self.shards]}

    def get_shard_iterator(self, ShardId, ShardIteratorType, StartingSequenceNumber="0", Timestamp=0, **args):
        if ShardIteratorType == "AFTER_SEQUENCE_NUMBER" and int(StartingSequenceNumber) < self.trimmed:
            raise self.exceptions.InvalidArgumentException("trimmed")
        records = self.shards[ShardId]
        at = {"TRIM_HORIZON": 0, "AFTER_SEQUENCE_NUMBER": None, "AT_TIMESTAMP": next((i for i, r in enumerate(records) if r["ApproximateArrivalTimestamp"].timestamp() >= Timestamp), len(records))}[ShardIteratorType]
        if at is None:
            at = next((i for i, r in enumerate(records) if int(r["SequenceNumber"]) > int(StartingSequenceNumber)), len(records))
        return {"ShardIterator": "%s %d" % (ShardId, at)}

    def get_records(self, ShardIterator, Limit):
        if self.expire:
            self.expire = False
            raise self.exceptions.ExpiredIteratorException("expired")
        shard, at = ShardIterator.split()
        at, records = int(at), self.shards[shard]
        found = records[at : at + 2]
        end = at + len(found)
        out = {"Records": found, "MillisBehindLatest": 0 if end == len(records) else 1}
        if not (shard in self.closed and end == len(records)):
            out["NextShardIterator"] = "%s %d" % (shard, end)
        return out


def records(first, n, at=1000.0):
    return [{"SequenceNumber": str(i), "Data": b"r%d" % i, "PartitionKey": "k", "ApproximateArrivalTimestamp": datetime.datetime.fromtimestamp(at, datetime.timezone.utc)} for i in range(first, first + n)]


def reader(stream, **options):
    r = kinesis.KinesisStreamReader(dict({"streamName": "s", "startingPosition": "earliest"}, **options))
    r.client = stream
    return r


def data(rows):
    return [r[0] for r in rows]


def through_json(offset):
    return json.loads(json.dumps(offset))


class Kinesis(unittest.TestCase):
    def test_batches_are_the_same_again(self):
        stream = Stream(a=records(1, 5), b=records(100, 3))
        r = reader(stream)
        start = r.initialOffset()
        rows, end = r.read(start)
        first = data(rows)
        self.assertEqual(len(first), 8)
        stream.shards["a"] += records(6, 4)
        rows, end2 = r.read(end)
        self.assertEqual(data(rows), [b"r6", b"r7", b"r8", b"r9"])
        rows, same = r.read(end2)
        self.assertEqual((data(rows), same), ([], end2))
        again = reader(stream)  # another process, after a crash
        self.assertEqual(data(again.readBetweenOffsets(through_json(start), through_json(end))), first)
        self.assertEqual(data(again.readBetweenOffsets(through_json(end), through_json(end2))), [b"r6", b"r7", b"r8", b"r9"])

    def test_latest_stays_where_it_began(self):
        stream = Stream(a=records(1, 3))
        r = reader(stream, startingPosition="latest")
        rows, begun = r.read(r.initialOffset())
        self.assertEqual(data(rows), [])
        self.assertTrue(begun["begun"])
        later = datetime.datetime.now().timestamp() + 60
        stream.shards["a"] += records(4, 2, later)
        again = reader(stream, startingPosition="latest")
        rows, end = again.read(through_json(begun))
        self.assertEqual(data(rows), [b"r4", b"r5"])
        self.assertEqual(data(reader(stream).readBetweenOffsets(through_json(begun), through_json(end))), [b"r4", b"r5"])

    def test_shards_split_and_end(self):
        stream = Stream(a=records(1, 3))
        r = reader(stream)
        _, end = r.read(r.initialOffset())
        stream.closed.add("a")
        stream.shards["b"] = records(10, 2)
        r.listed = -100.0
        rows, end2 = r.read(end)
        self.assertEqual(data(rows), [b"r10", b"r11"])
        self.assertEqual(end2["ended"], {"a": True})
        again = reader(stream)
        self.assertEqual(data(again.readBetweenOffsets(through_json(end), through_json(end2))), [b"r10", b"r11"])
        rows, _ = again.read(through_json(end2))
        self.assertEqual(data(rows), [])

    def test_iterators_expire_and_records_are_trimmed(self):
        stream = Stream(a=records(1, 3))
        r = reader(stream)
        _, end = r.read(r.initialOffset())
        stream.shards["a"] += records(4, 1)
        stream.expire = True
        rows, end = r.read(end)
        self.assertEqual(data(rows), [b"r4"])
        stream.shards["a"], stream.trimmed = records(9, 2), 9
        rows, _ = reader(stream).read(through_json(end))
        self.assertEqual(data(rows), [b"r9", b"r10"])

    def test_limit(self):
        stream = Stream(a=records(1, 10))
        r = reader(stream, maxFetchRecordsPerShard="4")
        offset, got = r.initialOffset(), []
        for _ in range(4):
            rows, offset = r.read(offset)
            got.append(len(data(rows)))
        self.assertEqual(got, [4, 4, 2, 0])

    def test_positions(self):
        self.assertEqual(kinesis.start_of("TRIM_HORIZON"), "TRIM_HORIZON")
        self.assertEqual(kinesis.start_of(None), "LATEST")
        self.assertEqual(kinesis.start_of("1970-01-01T00:00:10Z"), "10.000")
        self.assertEqual(kinesis.start_of("1970-01-01T01:00:10+01:00"), "10.000")
        with self.assertRaises(ValueError):
            kinesis.start_of("tomorrow")


class Aggregated(unittest.TestCase):
    def put_together(self):
        def field(n, b):
            return bytes([n << 3 | 2, len(b)]) + b

        body = field(1, b"k1") + field(1, b"k2")
        for key, text in ((0, b"one"), (1, b"two")):
            body += field(3, bytes([1 << 3, key]) + field(3, text))
        return b"\xf3\x89\x9a\xc2" + body + hashlib.md5(body).digest()

    def test_taken_apart(self):
        self.assertEqual(_kpl.taken_apart("p", self.put_together()), [("k1", b"one"), ("k2", b"two")])

    def test_others_are_left_alone(self):
        whole = self.put_together()
        for b in (b"", b"{}", whole[:-1], whole[:6] + b"x" + whole[7:], b"\xf3\x89\x9a\xc2" + b"\xff" * 30 + hashlib.md5(b"\xff" * 30).digest()):
            self.assertEqual(_kpl.taken_apart("p", b), [("p", b)])


class Options(unittest.TestCase):
    def test_options(self):
        args = ["s.py", "--JOB_NAME", "j", "--JOB_RUN_ID", "jr_1", "--enable-metrics", "--day", "2026-11-28", "--other", "x", "--TempDir", "s3://b/t"]
        got = getResolvedOptions(args, ["JOB_NAME", "day", "TempDir"])
        self.assertEqual((got["JOB_NAME"], got["day"], got["TempDir"], got["JOB_RUN_ID"], got["job_bookmark_option"]), ("j", "2026-11-28", "s3://b/t", "jr_1", "job-bookmark-disable"))
        with self.assertRaisesRegex(GlueArgumentError, "the following arguments are required: --month"):
            getResolvedOptions(args, ["month"])
        with self.assertRaisesRegex(RuntimeError, "reserved"):
            getResolvedOptions(args, ["job-bookmark-option"])


class Bookmarks(unittest.TestCase):
    def object(self, key, at):
        return {"Key": key, "LastModified": datetime.datetime.fromtimestamp(at, datetime.timezone.utc)}

    def test_what_was_read_is_not_read_again(self):
        a, b, c = self.object("a", 10), self.object("b", 20), self.object("c", 20)
        _bookmark.begin("j", {"job_bookmark_option": "job-bookmark-enable"})
        self.assertEqual(_bookmark.unread("x", [a, b]), [a, b])
        _bookmark.commit()
        with open(os.path.join(os.environ["BROOKMERE_JOB_FOLDER"], "bookmark.done.json")) as f:
            done = f.read()
        with open(os.path.join(os.environ["BROOKMERE_JOB_FOLDER"], "bookmark.json"), "w") as f:
            f.write(done)
        _bookmark.begin("j", {"job_bookmark_option": "job-bookmark-enable"})
        self.assertEqual(_bookmark.unread("x", [a, b, c]), [c])
        self.assertEqual(_bookmark.unread("y", [a]), [a])
        self.assertEqual(_bookmark.unread("", [a]), [a])
        _bookmark.begin("j", {"job_bookmark_option": "job-bookmark-disable"})
        self.assertEqual(_bookmark.unread("x", [a]), [a])


class Bucket:
    """A client of S3 with one bucket in memory."""

    def __init__(self, *keys):
        self.objects = {k: b"old" for k in keys}

    def get_paginator(self, name):
        return self

    def paginate(self, Bucket, Prefix):
        return [{"Contents": [{"Key": k, "Size": len(v)} for k, v in sorted(self.objects.items()) if k.startswith(Prefix)]}]

    def upload_file(self, name, bucket, key):
        with open(name, "rb") as f:
            self.objects[key] = f.read()

    def delete_objects(self, Bucket, Delete):
        for o in Delete["Objects"]:
            self.objects.pop(o["Key"], None)
        return {}


class Reader:
    """DataFrameReader, of which only the names of its methods count."""

    def load(self, path=None, format=None):
        return path


class Writer:
    """DataFrameWriter, as Spark has it: each writes one file, and says with what mode."""

    def mode(self, m):
        return self

    def _write(self, path, mode):
        self.with_mode = mode
        with open(os.path.join(path, "part-0"), "w") as f:
            f.write("new")

    def save(self, path=None, format=None, mode=None, partitionBy=None, **options):
        self._write(path, mode)

    def json(self, path, mode=None, compression=None):
        self._write(path, mode)

    parquet = csv = orc = json


class WritersToS3(unittest.TestCase):
    def setUp(self):
        readwriter = types.ModuleType("pyspark.sql.readwriter")
        errors = types.ModuleType("pyspark.errors")

        class PathExists(Exception):
            pass

        class R(Reader):
            pass

        class W(Writer):
            pass

        readwriter.DataFrameReader, readwriter.DataFrameWriter, errors.AnalysisException = R, W, PathExists
        sys.modules.update({"pyspark.sql.readwriter": readwriter, "pyspark.errors": errors})
        self.errors, self.writer = PathExists, W
        _s3.patch()

    def test_modes(self):
        writes = {
            "positional": lambda w, m: w.json("s3://b/out/", m),
            "positional of save": lambda w, m: w.save("s3://b/out", "json", m),
            "by name": lambda w, m: w.parquet("s3://b/out", mode=m),
            "before": lambda w, m: w.mode(m).csv("s3://b/out"),
        }
        for name, write in writes.items():
            with self.subTest(name):
                kept = {"outer/x", "out"}
                s3 = _s3._clients["s3"] = Bucket("out/part-0", "out/old", "out/_SUCCESS", "out/.hidden", "out/a/_b", *kept)
                write(self.writer(), "overwrite")
                self.assertEqual(set(s3.objects), kept | {"out/part-0"})
                self.assertEqual(s3.objects["out/part-0"], b"new")
                write(self.writer(), "ignore")
                with self.assertRaises(self.errors):
                    write(self.writer(), "error")
                s3 = _s3._clients["s3"] = Bucket("out/old")
                w = self.writer()
                write(w, "append")
                self.assertEqual((set(s3.objects), w.with_mode), ({"out/old", "out/part-0"}, "overwrite"))
                s3 = _s3._clients["s3"] = Bucket("out/_SUCCESS")  # an empty table is there too
                with self.assertRaises(self.errors):
                    write(self.writer(), "errorifexists")


unittest.main()
