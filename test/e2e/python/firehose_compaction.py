"""Compaction: a zero-buffered stream of partitioned Parquet, and one of lines in GZIP, become few
objects while readers count; what was read before can be read after."""
import gzip
import io
import json
import os
import threading
import time
import urllib.request

import boto3
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

firehose, s3, glue, athena = (boto3.client(n) for n in ("firehose", "s3", "glue", "athena"))
ROLE, BUCKET = "arn:aws:iam::000000000000:role/delivery", "compacted"
NODE = os.environ["AWS_ENDPOINT_URL"] + "/_brookmere/deliveries/"


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


def until(check, what, seconds=120):
    end = time.time() + seconds
    while not (v := check()):
        assert time.time() < end, f"{what}: not within {seconds} s"
        time.sleep(0.1)
    return v


def node(path, method="GET"):
    with urllib.request.urlopen(urllib.request.Request(NODE + path, method=method)) as r:
        return json.load(r)


def keys(prefix, size=1000):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix, PaginationConfig={"PageSize": size})
    return [o["Key"] for p in pages for o in p.get("Contents", [])]


def body(key):
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def query(sql):
    q = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": "compacted"},
                                     ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"})["QueryExecutionId"]
    while True:
        st = athena.get_query_execution(QueryExecutionId=q)["QueryExecution"]["Status"]
        if st["State"] == "SUCCEEDED":
            return [tuple(d.get("VarCharValue") for d in r["Data"]) for r in athena.get_query_results(QueryExecutionId=q)["ResultSet"]["Rows"][1:]]
        assert st["State"] in ("QUEUED", "RUNNING"), st
        time.sleep(0.005)


def create(name, tags, **config):
    config = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::" + BUCKET, "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 0}, **config}
    firehose.create_delivery_stream(DeliveryStreamName=name, DeliveryStreamType="DirectPut", ExtendedS3DestinationConfiguration=config, Tags=tags)


def settings():
    for bad in ("", "maybe", "target=5", "target=64MiB every=5m", "after=soon"):
        try:
            create("bad", [{"Key": "brookmere:compaction", "Value": bad}])
        except ClientError as e:
            want(e.response["Error"]["Code"], "InvalidArgumentException", bad)
            assert "brookmere:compaction" in str(e), e
        else:
            raise AssertionError(f"{bad!r} is taken")


def parquet():
    glue.create_database(DatabaseInput={"Name": "compacted"})
    glue.create_table(DatabaseName="compacted", TableInput={
        "Name": "readings", "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": "day", "Type": "string"}],
        "Parameters": {"projection.enabled": "true", "projection.day.type": "enum", "projection.day.values": "d0,d1,d2"},
        "StorageDescriptor": {
            "Columns": [{"Name": "n", "Type": "bigint"}, {"Name": "name", "Type": "string"}, {"Name": "at", "Type": "timestamp"},
                        {"Name": "tags", "Type": "array<string>"}, {"Name": "price", "Type": "decimal(9,2)"}],
            "Location": f"s3://{BUCKET}/readings/", "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}})
    create("readings", [{"Key": "brookmere:compaction", "Value": "off"}], Prefix="readings/day=!{partitionKeyFromQuery:day}/", ErrorOutputPrefix="errors/",
           DynamicPartitioningConfiguration={"Enabled": True},
           ProcessingConfiguration={"Enabled": True, "Processors": [{"Type": "MetadataExtraction", "Parameters": [
               {"ParameterName": "MetadataExtractionQuery", "ParameterValue": "{day:.day}"}, {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"}]}]},
           DataFormatConversionConfiguration={
               "Enabled": True, "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
               "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"EnableDictionaryCompression": True}}},
               "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "compacted", "TableName": "readings", "Region": "us-east-1"}})
    n = 0
    for _ in range(12):
        for _ in range(10):
            batch = [{"n": n + i, "name": f"device {i % 7}", "day": f"d{i % 3}", "at": f"2024-05-06 07:08:{i % 60:02d}",
                      "tags": [str(i)] * (i % 3), "price": f"{n + i}.25"} for i in range(30)]
            firehose.put_record_batch(DeliveryStreamName="readings", Records=[{"Data": json.dumps(r)} for r in batch])
            n += len(batch)
        node("readings/flush", "POST")
    s3.put_object(Bucket=BUCKET, Key="readings/day=d0/foreign.parquet", Body=body(keys("readings/day=d0/")[0]))  # twice, and to stay
    foreign = pq.read_table(io.BytesIO(body("readings/day=d0/foreign.parquet"))).num_rows
    before = keys("readings/")
    assert len(before) >= 36, before
    rows = lambda ks: sorted(json.dumps(r, default=str) for k in ks for r in pq.read_table(io.BytesIO(body(k))).to_pylist())
    all_rows = rows(before)
    total = query("SELECT count(*), sum(n), sum(price) FROM readings")
    want(int(total[0][0]), n + foreign, "count before")

    # Readers of both kinds, until few objects are left.
    stop, reads, failures = threading.Event(), [0, 0], []

    def reader(i, read, expected):
        try:
            while not stop.is_set():
                want(read(), expected, f"reader {i}")
                reads[i] += 1
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=reader, args=a, daemon=True) for a in (
        (0, lambda: query("SELECT count(*), sum(n), sum(price) FROM readings"), total), (1, lambda: rows(keys("readings/", 7)), all_rows))]
    for t in threads:
        t.start()
    until(lambda: min(reads) > 1 or failures, "reads")
    firehose.tag_delivery_stream(DeliveryStreamName="readings", Tags=[{"Key": "brookmere:compaction", "Value": "target=1MiB after=0s keep=1m"}])
    until(lambda: len(keys("readings/")) <= 4 or failures, "compaction")
    so_far = list(reads)
    until(lambda: all(r > s + 1 for r, s in zip(reads, so_far)) or failures, "reads after")
    stop.set()
    for t in threads:
        t.join()
    assert not failures, failures
    after = keys("readings/")
    want(len(after), 4, "objects after")
    assert "readings/day=d0/foreign.parquet" in after, after
    want(rows(after), all_rows, "rows after")
    for k in after:
        f = pq.ParquetFile(io.BytesIO(body(k)))
        want(f.metadata.num_row_groups, 1, "row groups of " + k)
        for i in range(f.metadata.num_columns):
            c = f.metadata.row_group(0).column(i)
            assert c.is_stats_set or c.physical_type == "INT96", (k, c)
    status = node("readings")["compaction"]
    want((status["objects"], status["into"], status["setting"]), (len(before) - 1, 3, "target=1MiB after=0s keep=1m"), "status")

    # Late records make a partition small again, and are merged too; errors are left alone.
    firehose.put_record_batch(DeliveryStreamName="readings", Records=[{"Data": b"no json"}, {"Data": json.dumps({"n": 1, "day": "d1"})}])
    node("readings/flush", "POST")
    firehose.put_record_batch(DeliveryStreamName="readings", Records=[{"Data": b"no json either"}, {"Data": json.dumps({"n": 2, "day": "d1"})}])
    node("readings/flush", "POST")
    until(lambda: query("SELECT count(*) FROM readings") == [(str(n + foreign + 2),)], "late records")
    node("readings/compact", "POST")
    want(len(keys("readings/")), 4, "objects after late records")
    want(len(keys("errors/")), 2, "error objects")
    firehose.delete_delivery_stream(DeliveryStreamName="readings")


def text():
    create("lines", [{"Key": "team", "Value": "data"}], Prefix="lines/", CompressionFormat="GZIP")
    expected = []
    for i in range(5):
        firehose.put_record(DeliveryStreamName="lines", Record={"Data": f"line {i}\n"})
        expected.append(f"line {i}")
        node("lines/flush", "POST")
    before = keys("lines/")
    assert len(before) == 5, before
    status = node("lines/compact", "POST")["compaction"]
    after = keys("lines/")
    want((len(after), status["setting"], status["into"]), (1, "off", 1), "compacted by hand")
    want(gzip.decompress(body(after[0])).decode().split("\n"), expected + [""], "lines")
    want(s3.head_object(Bucket=BUCKET, Key=after[0])["ContentEncoding"], "gzip", "content encoding")
    want(sorted(gzip.decompress(body(k)).decode().strip() for k in before), expected, "objects listed before")  # for keep

    create("run-on", [{"Key": "team", "Value": "data"}], Prefix="run-on/")
    for i in range(2):
        firehose.put_record(DeliveryStreamName="run-on", Record={"Data": json.dumps({"i": i})})
        node("run-on/flush", "POST")
    status = node("run-on/compact", "POST")["compaction"]
    assert "newline" in status["last_error"], status
    want(sorted(body(k) for k in keys("run-on/")), [b'{"i": 0}', b'{"i": 1}'], "objects without newlines")
    for k in keys(""):
        s3.delete_object(Bucket=BUCKET, Key=k)
    s3.delete_bucket(Bucket=BUCKET)


s3.create_bucket(Bucket=BUCKET)
settings()
parquet()
text()
