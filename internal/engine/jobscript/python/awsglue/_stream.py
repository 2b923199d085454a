"""Streaming queries whose checkpoint lies in S3, and batches that are written once.

Spark keeps a query's checkpoint on the run's own disk, which goes with the run. Its copy in S3 counts: it is fetched
when the query starts. A batch is begun by copying the offsets that it ends at, so that a batch which was interrupted is
done again with the records that it had. What the batch writes by this library is noted before it is written
(checkpoint/brookmere/N.json), under names that are taken once: doing the batch again removes what the first attempt has
left, and writes it again. A batch that was noted to be complete is not done again.
"""
import hashlib
import json
import os
import time

from awsglue import _s3

current = None  # the batch under way

_ORDER = {"metadata": 0, "sources": 1, "offsets": 2, "state": 3, "commits": 4}


class Checkpoint:
    def __init__(self, location):
        self.bucket, prefix = _s3.split(location)
        self.prefix = prefix.rstrip("/") + "/" if prefix else ""
        self.folder = os.path.join(_s3.TMP, ".job", "checkpoint-" + hashlib.sha256(location.encode()).hexdigest()[:16])
        self.sent = {}
        self.restored = False

    def restore(self):
        if self.restored:
            return  # the query is started again: what is on the disk is as new as its copy, or newer
        os.makedirs(self.folder, exist_ok=True)
        own = self.prefix + "brookmere/"
        found = [o for o in self.list(self.prefix) if not o["Key"].startswith(own) and not o["Key"].endswith("/")]
        _s3.fetch(self.bucket, self.prefix, found, self.folder)
        self.sent = {name: self.mark(name) for name in self.names()}
        self.restored = True

    def list(self, prefix):
        found = []
        for page in _s3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            found += page.get("Contents", [])
        return found

    def names(self):
        return [n for n in _s3.files(self.folder) if not os.path.basename(n).startswith(".") and not n.endswith(".tmp")]

    def mark(self, name):
        st = os.stat(os.path.join(self.folder, name))
        return st.st_size, st.st_mtime_ns

    def push(self):
        """Copy what has changed to S3; commits last, which say that all before them is there."""
        names = sorted(self.names(), key=lambda n: (_ORDER.get(n.split("/", 1)[0], 3), n))
        for name in names:
            try:
                mark = self.mark(name)
                if self.sent.get(name) == mark:
                    continue
                with open(os.path.join(self.folder, name), "rb") as f:
                    _s3.client("s3").put_object(Bucket=self.bucket, Key=self.prefix + name, Body=f.read())
            except FileNotFoundError:
                continue  # Spark has removed it meanwhile
            self.sent[name] = mark
        gone = set(self.sent) - set(names)
        if gone:
            _s3.delete(self.bucket, [self.prefix + n for n in sorted(gone)])
            for n in gone:
                del self.sent[n]


class Batch:
    """What one batch writes."""

    def __init__(self, checkpoint, number):
        self.checkpoint, self.number = checkpoint, number
        self.key = "%sbrookmere/%d.json" % (checkpoint.prefix, number)
        self.objects, self.part, self.done = [], 0, False
        s3 = _s3.client("s3")
        try:
            was = json.loads(s3.get_object(Bucket=checkpoint.bucket, Key=self.key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return
        if was.get("done"):
            self.done = True
            return
        for bucket in {b for b, _ in was["objects"]}:
            _s3.delete(bucket, [k for b, k in was["objects"] if b == bucket])

    def note(self, bucket, keys):
        """Write down that objects are about to be put."""
        self.objects += [[bucket, k] for k in keys]
        self.save()

    def finish(self):
        """Write down that all is written: the batch is not done again, also where Spark does not know that it was."""
        self.done = True
        self.save()

    def save(self):
        _s3.client("s3").put_object(Bucket=self.checkpoint.bucket, Key=self.key, Body=json.dumps({"objects": self.objects, "done": self.done}).encode())

    def forget(self, number):
        _s3.delete(self.checkpoint.bucket, ["%sbrookmere/%d.json" % (self.checkpoint.prefix, number)])


def patch():
    """Let streaming queries have checkpoints in S3."""
    from pyspark.sql.streaming.readwriter import DataStreamWriter

    if getattr(DataStreamWriter, "_brookmere", False):
        return
    DataStreamWriter._brookmere = True
    plain_option, plain_options, plain_each, plain_start = DataStreamWriter.option, DataStreamWriter.options, DataStreamWriter.foreachBatch, DataStreamWriter.start

    def option(self, key, value):
        if key.lower() == "checkpointlocation" and _s3.is_s3(value):
            self._brookmere_checkpoint = Checkpoint(value)
            value = "file://" + self._brookmere_checkpoint.folder
        return plain_option(self, key, value)

    def options(self, **kwargs):
        for k, v in kwargs.items():
            self = option(self, k, v)
        return self

    def foreachBatch(self, func):
        def batch(df, number):
            global current
            checkpoint = getattr(self, "_brookmere_checkpoint", None)
            if checkpoint is None:
                return func(df, number)
            checkpoint.push()
            b = Batch(checkpoint, number)
            if number > 0:
                b.forget(number - 1)
            if b.done:
                return None
            current = b
            try:
                func(df, number)
                current.finish()
            finally:
                current = None

        self._brookmere_each = True
        return plain_each(self, batch)

    def start(self, path=None, *args, **kwargs):
        for k in list(kwargs):
            if k.lower() == "checkpointlocation":
                self.option(k, kwargs.pop(k))
        checkpoint = getattr(self, "_brookmere_checkpoint", None)
        if _s3.is_s3(path):
            raise NotImplementedError("writeStream into %s is not supported on this node: use foreachBatch, and write there" % path)
        if checkpoint is not None:
            if not getattr(self, "_brookmere_each", False):
                raise NotImplementedError("a checkpointLocation in S3 is supported with foreachBatch alone on this node")
            checkpoint.restore()
        return plain_start(self, path, *args, **kwargs)

    DataStreamWriter.option, DataStreamWriter.options = option, options
    DataStreamWriter.foreachBatch, DataStreamWriter.start = foreachBatch, start


_times = {"last": 0}


def run_time(bucket, prefix):
    """A time in milliseconds that no objects of the folder are named by."""
    while True:
        now = max(int(time.time() * 1000), _times["last"] + 1)
        _times["last"] = now
        if not _s3.client("s3").list_objects_v2(Bucket=bucket, Prefix="%srun-%d-" % (prefix, now), MaxKeys=1).get("KeyCount"):
            return now


def again():
    """The batch under way is done again: what its first attempt has written goes."""
    global current
    if current is not None:
        current = Batch(current.checkpoint, current.number)
