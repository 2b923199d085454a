"""Kinesis Data Streams as boto3 sees it: what AWS answers is what is asserted."""
import datetime
import hashlib
import json
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

TOP = 2**128


def client(region="us-east-1", **kw):
    return boto3.client("kinesis", region_name=region, config=Config(retries={"total_max_attempts": 1}), **kw)


k = client()


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


def refused(code, call, *args, text="", **kw):
    try:
        call(*args, **kw)
    except ClientError as e:
        got, message = e.response["Error"]["Code"], e.response["Error"]["Message"]
        assert got == code and text in message, f"{call.__name__}: got {got}: {message}, want {code} with {text!r}"
        want(e.response["ResponseMetadata"]["HTTPStatusCode"], 400, "status")
        return
    raise AssertionError(f"{call.__name__}({args}, {kw}): no error, want {code}")


def arn(name):
    return k.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]


def shards(name, **kw):
    out, page = [], k.list_shards(StreamName=name, **kw)
    while True:
        out += page["Shards"]
        if "NextToken" not in page:
            return out
        page = k.list_shards(NextToken=page["NextToken"])


def is_open(shard):
    return "EndingSequenceNumber" not in shard["SequenceNumberRange"]


def read(name, shard, kind="TRIM_HORIZON", **kw):
    it = k.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType=kind, **kw)["ShardIterator"]
    records = []
    while it:
        out = k.get_records(ShardIterator=it)
        records += out["Records"]
        it = out.get("NextShardIterator")
        if out["MillisBehindLatest"] == 0 and not out["Records"]:
            break
    return records


def cover(open_shards):
    """The open shards take every hash key, once."""
    at = 0
    for s in sorted(open_shards, key=lambda s: int(s["HashKeyRange"]["StartingHashKey"])):
        want(int(s["HashKeyRange"]["StartingHashKey"]), at, "a gap between shards")
        at = int(s["HashKeyRange"]["EndingHashKey"]) + 1
    want(at, TOP, "the last shard's end")


def streams():
    k.create_stream(StreamName="plain", ShardCount=3, Tags={"a": "1"})
    d = k.describe_stream(StreamName="plain")["StreamDescription"]
    want(d["StreamStatus"], "ACTIVE", "status")
    want(d["StreamModeDetails"]["StreamMode"], "PROVISIONED", "mode")
    want(d["RetentionPeriodHours"], 24, "retention")
    want(d["EncryptionType"], "NONE", "encryption")
    want(d["EnhancedMonitoring"], [{"ShardLevelMetrics": []}], "monitoring")
    want([s["ShardId"] for s in d["Shards"]], [f"shardId-{i:012d}" for i in range(3)], "shards")
    cover(d["Shards"])
    assert abs(d["StreamCreationTimestamp"].timestamp() - time.time()) < 60, d["StreamCreationTimestamp"]
    page = k.describe_stream(StreamName="plain", Limit=2)["StreamDescription"]
    want((len(page["Shards"]), page["HasMoreShards"]), (2, True), "a page")
    page = k.describe_stream(StreamName="plain", ExclusiveStartShardId="shardId-000000000001")["StreamDescription"]
    want(([s["ShardId"] for s in page["Shards"]], page["HasMoreShards"]), (["shardId-000000000002"], False), "the next page")
    s = k.describe_stream_summary(StreamARN=d["StreamARN"])["StreamDescriptionSummary"]
    want((s["StreamName"], s["OpenShardCount"], s["ConsumerCount"], s["MaxRecordSizeInKiB"]), ("plain", 3, 0, 1024), "summary")
    refused("ResourceInUseException", k.create_stream, StreamName="plain", ShardCount=1, text="Stream plain under account 000000000000 already exists.")
    refused("ResourceNotFoundException", k.describe_stream, StreamName="none", text="Stream none under account 000000000000 not found.")
    refused("ResourceNotFoundException", client("eu-central-1").describe_stream, StreamName="plain")
    refused("LimitExceededException", k.create_stream, StreamName="huge", ShardCount=100000, text="shard limit")
    for i in range(12):
        k.create_stream(StreamName=f"page-{i:02d}", ShardCount=1)
    names = [n for p in k.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 5}) for n in p["StreamNames"]]
    want(names, ["page-%02d" % i for i in range(12)] + ["plain"], "paginated names")
    page = k.list_streams(Limit=4, ExclusiveStartStreamName="page-10")
    want([x["StreamName"] for x in page["StreamSummaries"]], ["page-11", "plain"], "after a name")
    for i in range(12):
        k.delete_stream(StreamName=f"page-{i:02d}")
    limits = k.describe_limits()
    want((limits["OpenShardCount"], limits["OnDemandStreamCount"]), (3, 0), "limits")

    # A name is free at once; nothing of the first stream shows in the second.
    k.put_record(StreamName="plain", Data=b"old", PartitionKey="k")
    old = k.put_record(StreamName="plain", Data=b"old", PartitionKey="k")
    it = k.get_shard_iterator(StreamName="plain", ShardId=old["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    k.delete_stream(StreamName="plain")
    refused("ResourceNotFoundException", k.put_record, StreamName="plain", Data=b"x", PartitionKey="k")
    k.create_stream(StreamName="plain", ShardCount=3)
    refused("ResourceNotFoundException", k.get_records, ShardIterator=it)
    want(read("plain", old["ShardId"]), [], "records of a new stream")
    new = k.put_record(StreamName="plain", Data=b"new", PartitionKey="k")
    assert new["SequenceNumber"] != old["SequenceNumber"]
    want([r["Data"] for r in read("plain", new["ShardId"])], [b"new"], "a new stream's record")
    k.delete_stream(StreamARN=arn("plain"))
    k.get_waiter("stream_not_exists").wait(StreamName="plain")


def records():
    k.create_stream(StreamName="r", ShardCount=4)
    where = shards("r")

    def takes(key):
        h = int.from_bytes(hashlib.md5(key.encode()).digest(), "big")
        return next(s["ShardId"] for s in where if int(s["HashKeyRange"]["StartingHashKey"]) <= h <= int(s["HashKeyRange"]["EndingHashKey"]))

    before = datetime.datetime.now(datetime.timezone.utc)
    batch = [{"Data": b"%d" % i, "PartitionKey": f"key-{i % 37}"} for i in range(500)]
    out = k.put_records(StreamName="r", Records=batch)
    want(out["FailedRecordCount"], 0, "failed")
    for b, r in zip(batch, out["Records"]):
        want(r["ShardId"], takes(b["PartitionKey"]), "the shard of " + b["PartitionKey"])
    seen = []
    for s in where:
        got = read("r", s["ShardId"])
        numbers = [int(r["SequenceNumber"]) for r in got]
        assert numbers == sorted(set(numbers)), "sequence numbers do not grow"
        assert all(len(r["SequenceNumber"]) == 56 for r in got)
        seen += [r["Data"] for r in got]
        want([r["Data"] for r in got], [b["Data"] for b, o in zip(batch, out["Records"]) if o["ShardId"] == s["ShardId"]], "order")
    want(len(seen), 500, "records read")
    first = out["Records"][0]
    mine = read("r", first["ShardId"])
    want([r["SequenceNumber"] for r in read("r", first["ShardId"], "AT_SEQUENCE_NUMBER", StartingSequenceNumber=first["SequenceNumber"])],
         [r["SequenceNumber"] for r in mine], "at a sequence number")
    want(read("r", first["ShardId"], "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=first["SequenceNumber"]), mine[1:], "after a sequence number")
    want(read("r", first["ShardId"], "AT_TIMESTAMP", Timestamp=before), mine, "at a time")
    want(read("r", first["ShardId"], "LATEST"), [], "latest")
    it = k.get_shard_iterator(StreamName="r", ShardId=first["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    page = k.get_records(ShardIterator=it, Limit=1)
    want(len(page["Records"]), 1, "limit")
    assert page["MillisBehindLatest"] > 0
    explicit = k.put_record(StreamName="r", Data=b"x", PartitionKey="k", ExplicitHashKey=str(TOP - 1))
    want(explicit["ShardId"], "shardId-000000000003", "an explicit hash key")
    big = k.put_record(StreamName="r", Data=b"x" * (2**20 - 1), PartitionKey="k")
    want(len(read("r", big["ShardId"], "AT_SEQUENCE_NUMBER", StartingSequenceNumber=big["SequenceNumber"])[0]["Data"]), 2**20 - 1, "size")
    refused("ValidationException", k.put_record, StreamName="r", Data=b"x" * 2**20, PartitionKey="k", text="1048576")
    k.update_max_record_size(StreamARN=arn("r"), MaxRecordSizeInKiB=10240)
    k.put_record(StreamName="r", Data=b"x" * (9 * 2**20), PartitionKey="k")
    k.put_record(StreamName="r", Data=b"", PartitionKey="empty")
    refused("ValidationException", k.put_records, StreamName="r", Records=batch + batch[:1], text="500")
    refused("InvalidArgumentException", k.get_records, ShardIterator="x" * 40, text="Invalid ShardIterator")
    refused("ResourceNotFoundException", k.get_shard_iterator, StreamName="r", ShardId="shardId-000000000009", ShardIteratorType="LATEST", text="does not exist")
    refused("InvalidArgumentException", k.get_shard_iterator, StreamName="r", ShardId="shardId-000000000000", ShardIteratorType="AT_SEQUENCE_NUMBER")
    if "DryRun" in k.meta.service_model.operation_model("PutRecord").input_shape.members:
        refused("DryRunOperationException", k.put_record, StreamName="r", Data=b"x", PartitionKey="k", DryRun=True)
        refused("ResourceNotFoundException", k.put_record, StreamName="none", Data=b"x", PartitionKey="k", DryRun=True)
    k.delete_stream(StreamName="r")


def resharding():
    k.create_stream(StreamName="s", ShardCount=1)
    parent = "shardId-000000000000"
    k.put_record(StreamName="s", Data=b"before", PartitionKey="k")
    for key in ("0", "1", str(TOP - 1)):
        refused("InvalidArgumentException", k.split_shard, StreamName="s", ShardToSplit=parent, NewStartingHashKey=key, text="NewStartingHashKey")
    k.split_shard(StreamName="s", ShardToSplit=parent, NewStartingHashKey=str(TOP // 4))
    got = shards("s")
    want([(s["ShardId"][-1], s.get("ParentShardId", "")[-1:], is_open(s)) for s in got], [("0", "", False), ("1", "0", True), ("2", "0", True)], "a split")
    want(got[2]["HashKeyRange"], {"StartingHashKey": str(TOP // 4), "EndingHashKey": str(TOP - 1)}, "the upper child")
    assert all(len(s["SequenceNumberRange"]["StartingSequenceNumber"]) == 56 for s in got)
    cover([s for s in got if is_open(s)])
    refused("InvalidArgumentException", k.split_shard, StreamName="s", ShardToSplit=parent, NewStartingHashKey="100")
    it = k.get_shard_iterator(StreamName="s", ShardId=parent, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    out = k.get_records(ShardIterator=it)
    want([r["Data"] for r in out["Records"]], [b"before"], "a parent's records")
    assert "NextShardIterator" not in out, "a closed shard goes on"
    want([(c["ShardId"][-1], c["ParentShards"]) for c in out["ChildShards"]], [("1", [parent]), ("2", [parent])], "children")
    assert k.put_record(StreamName="s", Data=b"after", PartitionKey="k")["ShardId"] != parent
    refused("InvalidArgumentException", k.merge_shards, StreamName="s", ShardToMerge="shardId-000000000001", AdjacentShardToMerge=parent)
    refused("InvalidArgumentException", k.merge_shards, StreamName="s", ShardToMerge="shardId-000000000002", AdjacentShardToMerge="shardId-000000000001", text="not an adjacent pair")
    k.merge_shards(StreamName="s", ShardToMerge="shardId-000000000001", AdjacentShardToMerge="shardId-000000000002")
    last = shards("s")[3]
    want((last["ParentShardId"], last["AdjacentParentShardId"]), ("shardId-000000000001", "shardId-000000000002"), "a merge's parents")
    cover([last])
    out = k.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    want((out["CurrentShardCount"], out["TargetShardCount"]), (1, 2), "a rescale")
    refused("LimitExceededException", k.update_shard_count, StreamName="s", TargetShardCount=5, ScalingType="UNIFORM_SCALING", text="double")
    k.update_shard_count(StreamName="s", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    refused("LimitExceededException", k.update_shard_count, StreamName="s", TargetShardCount=1, ScalingType="UNIFORM_SCALING", text="half")
    everything = shards("s")
    live = [s for s in everything if is_open(s)]
    want(len(live), 4, "open shards")
    cover(live)
    want([s["ShardId"] for s in shards("s", ShardFilter={"Type": "AT_LATEST"})], [s["ShardId"] for s in live], "AT_LATEST")
    want(shards("s", ShardFilter={"Type": "FROM_TRIM_HORIZON"}), everything, "FROM_TRIM_HORIZON")
    want([s["ShardId"] for s in shards("s", ShardFilter={"Type": "AT_TRIM_HORIZON"})], [parent], "AT_TRIM_HORIZON")
    want(shards("s", ShardFilter={"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000002"}), everything[3:], "AFTER_SHARD_ID")
    want(shards("s", MaxResults=2), everything, "pages of shards")
    refused("InvalidArgumentException", k.list_shards, StreamName="s", NextToken="AAAA")
    refused("InvalidArgumentException", k.list_shards, NextToken="AAAA")
    k.delete_stream(StreamName="s")


def modes():
    k.create_stream(StreamName="m", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    a = arn("m")
    want(len(shards("m")), 4, "an on-demand stream's shards")
    want(k.describe_limits()["OnDemandStreamCount"], 1, "on-demand streams")
    refused("ValidationException", k.update_shard_count, StreamName="m", TargetShardCount=5, ScalingType="UNIFORM_SCALING")
    out = k.update_stream_warm_throughput(StreamARN=a, WarmThroughputMiBps=100)
    want(out["WarmThroughput"]["TargetMiBps"], 100, "warm throughput")
    if hasattr(k, "update_stream_record_distribution_strategy"):
        k.update_stream_record_distribution_strategy(StreamARN=a, RecordDistributionStrategy="AUTO")
        out = k.put_records(StreamName="m", Records=[{"Data": b"x"}] * 200)
        want(len({r["ShardId"] for r in out["Records"]}), 4, "shards of records without keys")
        k.update_stream_record_distribution_strategy(StreamARN=a, RecordDistributionStrategy="USER_PARTITION_KEY")
        refused("ValidationException", k.put_records, StreamName="m", Records=[{"Data": b"x"}], text="partitionKey")
    k.update_stream_mode(StreamARN=a, StreamModeDetails={"StreamMode": "PROVISIONED"})
    want(k.describe_stream_summary(StreamName="m")["StreamDescriptionSummary"]["StreamModeDetails"], {"StreamMode": "PROVISIONED"}, "mode")
    want(len(shards("m")), 4, "shards after a switch")
    k.update_shard_count(StreamName="m", TargetShardCount=5, ScalingType="UNIFORM_SCALING")
    refused("ValidationException", k.update_stream_warm_throughput, StreamARN=a, WarmThroughputMiBps=100)
    k.delete_stream(StreamName="m")


def settings():
    k.create_stream(StreamName="c", ShardCount=1, Tags={"a": "1"})
    a = arn("c")

    def summary():
        return k.describe_stream_summary(StreamName="c")["StreamDescriptionSummary"]

    k.increase_stream_retention_period(StreamName="c", RetentionPeriodHours=48)
    want(summary()["RetentionPeriodHours"], 48, "retention")
    refused("InvalidArgumentException", k.increase_stream_retention_period, StreamName="c", RetentionPeriodHours=24)
    refused("InvalidArgumentException", k.increase_stream_retention_period, StreamName="c", RetentionPeriodHours=8761)
    k.decrease_stream_retention_period(StreamARN=a, RetentionPeriodHours=24)
    refused("InvalidArgumentException", k.decrease_stream_retention_period, StreamName="c", RetentionPeriodHours=23)
    want(summary()["RetentionPeriodHours"], 24, "retention")

    k.start_stream_encryption(StreamName="c", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    want((summary()["EncryptionType"], summary()["KeyId"]), ("KMS", "alias/aws/kinesis"), "encryption")
    put = k.put_record(StreamName="c", Data=b"x", PartitionKey="k")
    want(put["EncryptionType"], "KMS", "a put's encryption")
    want(read("c", put["ShardId"])[0]["EncryptionType"], "KMS", "a record's encryption")
    k.stop_stream_encryption(StreamName="c", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    want((summary()["EncryptionType"], "KeyId" in summary()), ("NONE", False), "encryption")

    out = k.enable_enhanced_monitoring(StreamName="c", ShardLevelMetrics=["IncomingBytes", "OutgoingBytes"])
    want((out["CurrentShardLevelMetrics"], out["DesiredShardLevelMetrics"]), ([], ["IncomingBytes", "OutgoingBytes"]), "metrics")
    out = k.disable_enhanced_monitoring(StreamName="c", ShardLevelMetrics=["IncomingBytes"])
    want(out["DesiredShardLevelMetrics"], ["OutgoingBytes"], "metrics")
    want(len(k.enable_enhanced_monitoring(StreamName="c", ShardLevelMetrics=["ALL"])["DesiredShardLevelMetrics"]), 7, "all metrics")
    want(len(k.describe_stream(StreamName="c")["StreamDescription"]["EnhancedMonitoring"][0]["ShardLevelMetrics"]), 7, "all metrics")

    k.add_tags_to_stream(StreamName="c", Tags={"b": "2", "c": ""})
    k.remove_tags_from_stream(StreamName="c", TagKeys=["a", "never"])
    tags = k.list_tags_for_stream(StreamName="c")
    want((tags["Tags"], tags["HasMoreTags"]), ([{"Key": "b", "Value": "2"}, {"Key": "c", "Value": ""}], False), "tags")
    k.tag_resource(ResourceARN=a, Tags={"d": "4"})
    k.untag_resource(ResourceARN=a, TagKeys=["b"])
    want(k.list_tags_for_resource(ResourceARN=a)["Tags"], [{"Key": "c", "Value": ""}, {"Key": "d", "Value": "4"}], "tags")
    page = k.list_tags_for_stream(StreamName="c", Limit=1)
    want(([t["Key"] for t in page["Tags"]], page["HasMoreTags"]), (["c"], True), "a page of tags")
    want([t["Key"] for t in k.list_tags_for_stream(StreamName="c", ExclusiveStartTagKey="c")["Tags"]], ["d"], "the next page of tags")
    refused("InvalidArgumentException", k.add_tags_to_stream, StreamName="c", Tags={str(i): "" for i in range(49)}, text="50")
    refused("InvalidArgumentException", k.add_tags_to_stream, StreamName="c", Tags={"brookmere:limits": "perhaps"})

    want(k.get_resource_policy(ResourceARN=a)["Policy"], "{}", "no policy")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kinesis:PutRecord", "Resource": a}]})
    k.put_resource_policy(ResourceARN=a, Policy=policy)
    want(k.get_resource_policy(ResourceARN=a)["Policy"], policy, "policy")
    k.delete_resource_policy(ResourceARN=a)
    want(k.get_resource_policy(ResourceARN=a)["Policy"], "{}", "no policy")

    k.update_max_record_size(StreamARN=a, MaxRecordSizeInKiB=2048)
    want(summary()["MaxRecordSizeInKiB"], 2048, "record size")
    k.update_account_settings(MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    want(k.describe_account_settings()["MinimumThroughputBillingCommitment"]["Status"], "ENABLED", "settings")
    k.update_account_settings(MinimumThroughputBillingCommitment={"Status": "DISABLED"})

    made = k.register_stream_consumer(StreamARN=a, ConsumerName="reader")["Consumer"]
    assert made["ConsumerARN"].startswith(a + "/consumer/reader:"), made
    want(k.describe_stream_consumer(StreamARN=a, ConsumerName="reader")["ConsumerDescription"]["ConsumerARN"], made["ConsumerARN"], "by name")
    want(k.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])["ConsumerDescription"]["ConsumerStatus"], "ACTIVE", "status")
    refused("ResourceInUseException", k.register_stream_consumer, StreamARN=a, ConsumerName="reader")
    want([c["ConsumerName"] for c in k.list_stream_consumers(StreamARN=a)["Consumers"]], ["reader"], "consumers")
    want(summary()["ConsumerCount"], 1, "consumers")
    refused("ResourceInUseException", k.delete_stream, StreamName="c")
    k.deregister_stream_consumer(StreamARN=a, ConsumerName="reader")
    refused("ResourceNotFoundException", k.describe_stream_consumer, ConsumerARN=made["ConsumerARN"])
    k.delete_stream(StreamName="c", EnforceConsumerDeletion=True)


for part in (streams, records, resharding, modes, settings):
    begun = time.time()
    part()
    print(f"{part.__name__}: {time.time() - begun:.1f} s")
want(k.list_streams()["StreamNames"], [], "streams left")
