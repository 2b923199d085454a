"""Enhanced fan-out through boto3, which speaks HTTP/1.1."""

import threading
import time

import boto3

kinesis = boto3.client("kinesis")
SHARD = "shardId-000000000000"

kinesis.create_stream(StreamName="s", ShardCount=1)
arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]
assert consumer["ConsumerStatus"] == "ACTIVE", consumer
created = int(consumer["ConsumerCreationTimestamp"].timestamp())
assert consumer["ConsumerARN"] == f"{arn}/consumer/c:{created}", consumer


def subscribe(**position):
    return kinesis.subscribe_to_shard(ConsumerARN=consumer["ConsumerARN"], ShardId=SHARD, StartingPosition=position)["EventStream"]


def take(stream, count):
    """Returns the data of count records and the last event."""
    got = []
    for event in stream:
        event = event["SubscribeToShardEvent"]
        got += [r["Data"] for r in event["Records"]]
        if len(got) >= count:
            return got, event


def put(*data):
    for d in data:
        kinesis.put_record(StreamName="s", PartitionKey="k", Data=d)


put("old")
begun = time.monotonic()
stream = subscribe(Type="LATEST")
threading.Thread(target=put, args=[str(i) for i in range(20)]).start()
got, event = take(stream, 20)
assert got == [str(i).encode() for i in range(20)], got
assert event["MillisBehindLatest"] == 0, event

try:
    subscribe(Type="LATEST").close()
    # A call takes over when five seconds have gone by, which they may on a machine that is busy.
    assert time.monotonic() - begun > 5, "two subscriptions at once"
except kinesis.exceptions.ResourceInUseException as e:
    assert "Another active subscription exists" in str(e), e
stream.close()

put("missed")
while True:  # the node hears in a moment that the stream is closed
    try:
        stream = subscribe(Type="AFTER_SEQUENCE_NUMBER", SequenceNumber=event["ContinuationSequenceNumber"])
        break
    except kinesis.exceptions.ResourceInUseException as e:
        assert time.monotonic() - begun < 60, e
        time.sleep(0.1)
got, event = take(stream, 1)
assert got == [b"missed"], got

# Another call takes over when five seconds have gone by.
time.sleep(5)
second = subscribe(Type="AT_SEQUENCE_NUMBER", SequenceNumber=event["ContinuationSequenceNumber"])
try:
    for _ in stream:
        pass
    raise AssertionError("the first subscription ended well")
except Exception as e:
    assert "ResourceInUseException" in str(e), e

kinesis.split_shard(StreamName="s", ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
last = [e["SubscribeToShardEvent"] for e in second][-1]
assert [c["ShardId"] for c in last["ChildShards"]] == ["shardId-000000000001", "shardId-000000000002"], last
assert last["ChildShards"][0]["ParentShards"] == [SHARD], last
assert "ContinuationSequenceNumber" not in last, last

kinesis.deregister_stream_consumer(ConsumerARN=consumer["ConsumerARN"])
assert kinesis.list_stream_consumers(StreamARN=arn)["Consumers"] == []
print("ok")
