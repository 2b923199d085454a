"""The limits of Kinesis and its slow control plane, as boto3 sees them."""
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

k = boto3.client("kinesis", config=Config(retries={"total_max_attempts": 1}))


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


def code(call, *args, **kw):
    try:
        call(*args, **kw)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return None


def status(name):
    return k.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"]


def until(name, wanted):
    deadline = time.time() + 120
    while status(name) != wanted:
        assert time.time() < deadline, f"{name} does not become {wanted}"
        time.sleep(0.1)


DELAY = 2  # of the node's control plane, in seconds


def in_time(prepare, checks):
    """Makes the checks of a stream while what they begin goes on. On a machine that is busy it may be done before the last of
    them: then they are made again, of another stream. Returns the stream's name."""
    for i in range(20):
        name = f"{checks.__name__}{i}"
        prepare(name)
        begun = time.monotonic()
        try:
            checks(name)
            return name
        except (AssertionError, ClientError):
            if time.monotonic() - begun < DELAY:
                raise
    raise AssertionError(f"{checks.__name__} is never in time")


def active(name):
    k.create_stream(StreamName=name, ShardCount=2)
    until(name, "ACTIVE")


def created(s):
    k.create_stream(StreamName=s, ShardCount=2)
    want(status(s), "CREATING", "status")
    want(code(k.put_record, StreamName=s, Data=b"x", PartitionKey="k"), "ResourceNotFoundException", "a put to a stream that is being made")
    want(code(k.delete_stream, StreamName=s), "ResourceInUseException", "a delete of a stream that is being made")


def split(s):
    k.split_shard(StreamName=s, ShardToSplit="shardId-000000000000", NewStartingHashKey="1000")
    want(status(s), "UPDATING", "status")
    want(code(k.merge_shards, StreamName=s, ShardToMerge="shardId-000000000000", AdjacentShardToMerge="shardId-000000000001"),
         "ResourceInUseException", "a merge while updating")
    want(code(k.put_record, StreamName=s, Data=b"x", PartitionKey="k"), None, "a put while updating")


def deleted(s):
    k.delete_stream(StreamName=s)
    want(status(s), "DELETING", "status")
    want(code(k.create_stream, StreamName=s, ShardCount=1), "ResourceInUseException", "the name of a stream that is being removed")


# What a call begins takes its time.
until(in_time(lambda name: None, created), "ACTIVE")
stream = in_time(active, split)
until(stream, "ACTIVE")
want(len(k.list_shards(StreamName=stream)["Shards"]), 4, "shards")
k.get_waiter("stream_not_exists").wait(StreamName=in_time(active, deleted), WaiterConfig={"Delay": 1})

# Writes.
k.create_stream(StreamName="w", ShardCount=1)
until("w", "ACTIVE")
time.sleep(1)
failed = taken = 0
begun = time.time()
for _ in range(4):
    out = k.put_records(StreamName="w", Records=[{"Data": b"x", "PartitionKey": "k"}] * 500)
    want(out["FailedRecordCount"], sum("ErrorCode" in r for r in out["Records"]), "the count of failures")
    for r in out["Records"]:
        if "ErrorCode" in r:
            failed += 1
            want((r["ErrorCode"], r["ErrorMessage"]), ("ProvisionedThroughputExceededException",
                 "Rate exceeded for shard shardId-000000000000 in stream w under account 000000000000."), "a failure")
        else:
            taken += 1
seconds = time.time() - begun
want(taken + failed, 2000, "records")
assert taken >= 1000 and (failed > 0 or seconds > 1), (taken, failed, seconds)
time.sleep(1.1)
for _ in range(20):
    begun = time.time()
    codes = [code(k.put_record, StreamName="w", Data=b"x" * 1000000, PartitionKey="k") for _ in range(3)]
    if "ProvisionedThroughputExceededException" in codes:
        break
    assert time.time() - begun > 1, f"more than a MiB in a second: {codes}"
else:
    raise AssertionError("the puts never come in one second")
# A client that backs off gets through.
patient = boto3.client("kinesis", config=Config(retries={"mode": "standard", "total_max_attempts": 10}))
patient.put_record(StreamName="w", Data=b"x" * 100000, PartitionKey="k")

# Reads.
time.sleep(1)
it = k.get_shard_iterator(StreamName="w", ShardId="shardId-000000000000", ShardIteratorType="LATEST")["ShardIterator"]
begun = time.time()
codes = [code(k.get_records, ShardIterator=it) for _ in range(6)]
want(codes[:5], [None] * 5, "five reads")
assert codes[5] == "ProvisionedThroughputExceededException" or time.time() - begun > 1, codes

# The tag takes a stream out.
k.add_tags_to_stream(StreamName="w", Tags={"brookmere:limits": "off"})
for _ in range(5):
    want(k.put_records(StreamName="w", Records=[{"Data": b"x", "PartitionKey": "k"}] * 500)["FailedRecordCount"], 0, "failures without limits")

# Calls.
time.sleep(1)
begun = time.time()
codes = [code(k.describe_limits) for _ in range(3)]
assert codes[0] is None and (codes[1] == "LimitExceededException" or codes[2] == "LimitExceededException" or time.time() - begun > 1), codes
print("limits: done")
