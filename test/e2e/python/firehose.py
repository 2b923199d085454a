"""Firehose as boto3 sees it, and what it leaves in the lake as pyarrow reads it."""
import base64
import datetime
import gzip
import hashlib
import http.server
import io
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time

import boto3
import pyarrow.parquet as pq
from botocore.config import Config
from botocore.exceptions import ClientError

firehose = boto3.client("firehose", config=Config(retries={"max_attempts": 0}))
kinesis = boto3.client("kinesis")
s3 = boto3.client("s3")
glue = boto3.client("glue")
ROLE = "arn:aws:iam::000000000000:role/delivery"


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


def refused(code, call, *words, **kw):
    try:
        call(**kw)
    except ClientError as e:
        want(e.response["Error"]["Code"], code, f"{call.__name__} {kw}: {e}")
        for w in words:
            assert w in e.response["Error"]["Message"], f"{call.__name__} {kw}: {e}"
        return
    raise AssertionError(f"{call.__name__} {kw} is taken")


def until(check, what, seconds=120):
    end = time.time() + seconds
    while True:
        v = check()
        if v:
            return v
        assert time.time() < end, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def objects(bucket, prefix=""):
    out = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for o in page.get("Contents", []):
            out[o["Key"]] = s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read()
    return out


def rows(bucket, prefix):
    out = []
    for body in objects(bucket, prefix).values():
        out += pq.read_table(io.BytesIO(body)).to_pylist()
    return out


def bucket(name):
    s3.create_bucket(Bucket=name)
    return f"arn:aws:s3:::{name}"


def processors(*p):
    return {"Enabled": True, "Processors": [
        {"Type": t, "Parameters": [{"ParameterName": k, "ParameterValue": v} for k, v in params.items()]} for t, params in p]}


SOON = {"SizeInMBs": 1, "IntervalInSeconds": 0}


def plain_script():
    """One reading a second without a newline, as the tutorials put them."""
    arn = bucket("lake")
    glue.create_database(DatabaseInput={"Name": "lake"})
    glue.create_table(DatabaseName="lake", TableInput={"Name": "readings", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {
        "Columns": [{"Name": "device", "Type": "string"}, {"Name": "at", "Type": "timestamp"}, {"Name": "value", "Type": "double"},
                    {"Name": "tags", "Type": "array<string>"}, {"Name": "where", "Type": "struct<lat:double,lon:double>"}],
        "Location": "s3://lake/readings/", "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}})
    config = {
        "RoleARN": ROLE, "BucketARN": arn, "Prefix": "readings/device=!{partitionKeyFromQuery:device}/",
        "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/!{timestamp:yyyy}/", "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 0},
        "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 300}},
        "ProcessingConfiguration": processors(("MetadataExtraction", {"MetadataExtractionQuery": "{device:.device}", "JsonParsingEngine": "JQ-1.6"})),
        "CloudWatchLoggingOptions": {"Enabled": True, "LogGroupName": "/aws/kinesisfirehose/readings", "LogStreamName": "DestinationDelivery"},
        "DataFormatConversionConfiguration": {
            "Enabled": True, "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
            "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "lake", "TableName": "readings", "Region": "us-east-1", "VersionId": "LATEST"}}}
    created = firehose.create_delivery_stream(DeliveryStreamName="readings", DeliveryStreamType="DirectPut",
                                              ExtendedS3DestinationConfiguration=config, Tags=[{"Key": "team", "Value": "data"}])
    want(created["DeliveryStreamARN"], "arn:aws:firehose:us-east-1:000000000000:deliverystream/readings", "ARN")
    sent = []
    for i in range(4):
        r = {"device": f"d{i % 2}", "at": "2024-05-06 07:08:09", "value": i + 0.5, "tags": ["a", str(i)], "where": {"lat": 1.5, "lon": -i}}
        sent.append(r)
        out = firehose.put_record(DeliveryStreamName="readings", Record={"Data": json.dumps(r)})
        assert out["RecordId"] and out["Encrypted"] is False, out
        time.sleep(0.3)
    bad = [b'{"device":"d0","value":"much"}', b"no json at all", b'{"value":1}']
    out = firehose.put_record_batch(DeliveryStreamName="readings", Records=[{"Data": b} for b in bad])
    want((out["FailedPutCount"], len(out["RequestResponses"])), (0, 3), "batch")
    got = until(lambda: len(v := rows("lake", "readings/")) >= 4 and v, "rows")
    key = lambda r: r["value"]
    want([{k: r[k] for k in ("device", "value", "tags", "where")} for r in sorted(got, key=key)],
         [{k: r[k] for k in ("device", "value", "tags", "where")} for r in sent], "rows")
    want({r["at"].replace(tzinfo=None) for r in got}, {datetime.datetime(2024, 5, 6, 7, 8, 9)}, "timestamps")
    for k, body in objects("lake", "readings/").items():
        want({f"readings/device={r['device']}/" for r in pq.read_table(io.BytesIO(body)).to_pylist()}, {k[:k.rindex("/") + 1]}, "partition of " + k)
        assert k.endswith(".parquet"), k
    errors = until(lambda: sum(len(b.splitlines()) for b in objects("lake", "errors/").values()) >= 3 and objects("lake", "errors/"), "errors")
    found = {}
    for k, body in errors.items():
        for line in body.splitlines():
            e = json.loads(line)
            found[base64.b64decode(e["rawData"])] = (k.split("/")[1], e.get("errorCode") or e["lastErrorCode"])
            assert e["attemptsMade"] >= 1 and e["arrivalTimestamp"] > 1.7e12, e
    want({b: found[b][0] for b in bad}, {bad[0]: "format-conversion-failed", bad[1]: "processing-failed", bad[2]: "processing-failed"}, "errors")
    d = firehose.describe_delivery_stream(DeliveryStreamName="readings")["DeliveryStreamDescription"]
    want((d["DeliveryStreamStatus"], d["VersionId"], d["DeliveryStreamType"], d["HasMoreDestinations"]), ("ACTIVE", "1", "DirectPut", False), "describe")
    x = d["Destinations"][0]["ExtendedS3DestinationDescription"]
    for k, v in config.items():
        want(x[k], v, "described " + k)
    return d


def operations(d):
    dest = d["Destinations"][0]["DestinationId"]
    up = dict(DeliveryStreamName="readings", DestinationId=dest, ExtendedS3DestinationUpdate={"ErrorOutputPrefix": "bad/!{firehose:error-output-type}/"})
    refused("ConcurrentModificationException", firehose.update_destination, CurrentDeliveryStreamVersionId="7", **up)
    refused("InvalidArgumentException", firehose.update_destination, CurrentDeliveryStreamVersionId="1", **{**up, "DestinationId": "destinationId-000000000009"})
    firehose.update_destination(CurrentDeliveryStreamVersionId="1", **up)
    d = firehose.describe_delivery_stream(DeliveryStreamName="readings")["DeliveryStreamDescription"]
    want((d["VersionId"], d["Destinations"][0]["ExtendedS3DestinationDescription"]["ErrorOutputPrefix"]), ("2", "bad/!{firehose:error-output-type}/"), "update")
    firehose.put_record(DeliveryStreamName="readings", Record={"Data": b"[]"})
    until(lambda: objects("lake", "bad/"), "errors under the new prefix")
    firehose.tag_delivery_stream(DeliveryStreamName="readings", Tags=[{"Key": "env", "Value": "test"}])
    firehose.untag_delivery_stream(DeliveryStreamName="readings", TagKeys=["team"])
    want(firehose.list_tags_for_delivery_stream(DeliveryStreamName="readings")["Tags"], [{"Key": "env", "Value": "test"}], "tags")
    firehose.start_delivery_stream_encryption(DeliveryStreamName="readings")
    want(firehose.put_record(DeliveryStreamName="readings", Record={"Data": b'{"device":"e","value":1}'})["Encrypted"], True, "encrypted")
    firehose.stop_delivery_stream_encryption(DeliveryStreamName="readings")
    want(firehose.list_delivery_streams(DeliveryStreamType="KinesisStreamAsSource")["DeliveryStreamNames"], [], "list by type")
    want(firehose.list_delivery_streams()["DeliveryStreamNames"], ["readings"], "list")
    refused("ResourceInUseException", firehose.create_delivery_stream, DeliveryStreamName="readings", ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"})
    firehose.delete_delivery_stream(DeliveryStreamName="readings")
    refused("ResourceNotFoundException", firehose.describe_delivery_stream, DeliveryStreamName="readings")
    refused("ResourceNotFoundException", firehose.put_record, DeliveryStreamName="readings", Record={"Data": b"x"})


def from_stream():
    """A Kinesis stream as source: from its present end, over a reshard, in order."""
    arn = bucket("from-stream")
    kinesis.create_stream(StreamName="clicks", ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName="clicks")
    kinesis.put_record(StreamName="clicks", PartitionKey="k0", Data=b'{"before":1}\n')
    source = kinesis.describe_stream_summary(StreamName="clicks")["StreamDescriptionSummary"]["StreamARN"]
    firehose.create_delivery_stream(
        DeliveryStreamName="clicks", DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": source, "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": arn, "BufferingHints": SOON, "Prefix": "data/"})
    n = 0

    def put(count):
        nonlocal n
        records = [{"PartitionKey": f"k{i % 7}", "Data": b'{"n":%d,"k":"k%d"}\n' % (i, i % 7)} for i in range(n, n + count)]
        want(kinesis.put_records(StreamName="clicks", Records=records)["FailedRecordCount"], 0, "put")
        n += count
    put(200)
    kinesis.update_shard_count(StreamName="clicks", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    kinesis.get_waiter("stream_exists").wait(StreamName="clicks")
    put(200)

    def delivered():
        out = []
        for k, b in sorted(objects("from-stream").items(), key=lambda o: o[0]):
            out += [json.loads(line) for line in b.splitlines()]
        return len(out) >= n and out
    out = until(delivered, "records of the stream")
    time.sleep(0.5)
    out = delivered()
    want(sorted(r["n"] for r in out), list(range(400)), "records of the stream, once each, none from before")
    d = firehose.describe_delivery_stream(DeliveryStreamName="clicks")["DeliveryStreamDescription"]
    want((d["DeliveryStreamType"], d["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"]), ("KinesisStreamAsSource", source), "source")
    assert "DeliveryStartTimestamp" in d["Source"]["KinesisStreamSourceDescription"], d
    refused("InvalidArgumentException", firehose.put_record, "KinesisStreamAsSource", DeliveryStreamName="clicks", Record={"Data": b"x"})
    refused("InvalidArgumentException", firehose.start_delivery_stream_encryption, DeliveryStreamName="clicks")
    want(firehose.list_delivery_streams(DeliveryStreamType="KinesisStreamAsSource")["DeliveryStreamNames"], ["clicks"], "list by type")
    firehose.delete_delivery_stream(DeliveryStreamName="clicks")


def aggregated(key, *data):
    """A record as the Kinesis Producer Library puts it."""
    def field(n, b):
        return bytes([n << 3 | 2, len(b)]) + b
    message = field(1, key.encode()) + b"".join(field(3, b"\x08\x00" + field(3, d)) for d in data)
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()


def converted_stream():
    """Aggregated records of a Kinesis stream of four shards, as Parquet: one object of all shards, and what does not fit by its number."""
    arn = bucket("converted")
    glue.create_database(DatabaseInput={"Name": "converted"})
    glue.create_table(DatabaseName="converted", TableInput={"Name": "t", "StorageDescriptor": {"Columns": [{"Name": "n", "Type": "int"}]}})
    kinesis.create_stream(StreamName="packed", ShardCount=4)
    source = kinesis.describe_stream_summary(StreamName="packed")["StreamDescriptionSummary"]["StreamARN"]
    firehose.create_delivery_stream(
        DeliveryStreamName="packed", DeliveryStreamType="KinesisStreamAsSource", KinesisStreamSourceConfiguration={"KinesisStreamARN": source, "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE, "BucketARN": arn, "Prefix": "data/", "ErrorOutputPrefix": "bad/", "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
            "DataFormatConversionConfiguration": {
                "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "converted", "TableName": "t"},
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}}, "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}}}})
    for i in range(20):
        kinesis.put_record(StreamName="packed", PartitionKey=f"k{i}", Data=aggregated(f"k{i}", b'{"n":%d}' % (3 * i), b'{"n":%d}' % (3 * i + 1), b'{"n":%d}' % (3 * i + 2)))
    wrong = kinesis.put_record(StreamName="packed", PartitionKey="w", Data=aggregated("w", b'{"n":60}', b'{"n":"no"}'))["SequenceNumber"]
    firehose.delete_delivery_stream(DeliveryStreamName="packed")  # which delivers what there is
    want(sorted(r["n"] for r in rows("converted", "data/")), list(range(61)), "rows")
    want(len(objects("converted", "data/")), 1, "objects of one buffer")
    e = [json.loads(b) for b in objects("converted", "bad/format-conversion-failed/").values()]
    want([(x["sequenceNumber"], x["subSequenceNumber"], base64.b64decode(x["rawData"])) for x in e], [(wrong, 1, b'{"n":"no"}')], "what does not fit")


def unpacking():
    """Compressed log messages, records in records, delimiters, and a backup of the source."""
    arn = bucket("unpacked")
    firehose.create_delivery_stream(DeliveryStreamName="logs", ExtendedS3DestinationConfiguration={
        "RoleARN": ROLE, "BucketARN": arn, "BufferingHints": SOON, "Prefix": "logs/", "S3BackupMode": "Enabled",
        "S3BackupConfiguration": {"RoleARN": ROLE, "BucketARN": arn, "Prefix": "raw/", "BufferingHints": SOON},
        "ProcessingConfiguration": processors(("Decompression", {"CompressionFormat": "GZIP"}),
                                              ("CloudWatchLogProcessing", {"DataMessageExtraction": "true"}), ("AppendDelimiterToRecord", {}))})
    message = gzip.compress(json.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": [
        {"id": "1", "timestamp": 1, "message": "first"}, {"id": "2", "timestamp": 2, "message": "second"}]}).encode())
    control = gzip.compress(b'{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"hello?"}]}')
    firehose.put_record_batch(DeliveryStreamName="logs", Records=[{"Data": message}, {"Data": control}, {"Data": b"not compressed"}])

    def unpacked(prefix, failed=False):
        return [v for k, v in objects("unpacked", prefix).items() if ("decompression-failed" in k) == failed]
    until(lambda: unpacked("logs/") and unpacked("raw/") and unpacked("", failed=True), "logs, their backup and what failed")
    time.sleep(0.5)  # for what should not come
    want(b"".join(unpacked("logs/")), b"first\nsecond\n", "messages")
    want(b"".join(unpacked("raw/")), message + control + b"not compressed", "backup")
    failed = [json.loads(b) for b in unpacked("", failed=True)]
    want([base64.b64decode(e["rawData"]) for e in failed], [b"not compressed"], "failed")
    e = firehose.describe_delivery_stream(DeliveryStreamName="logs")["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
    want((e["S3BackupMode"], e["S3BackupDescription"]["Prefix"]), ("Enabled", "raw/"), "backup")
    firehose.create_delivery_stream(DeliveryStreamName="many", S3DestinationConfiguration={
        "RoleARN": ROLE, "BucketARN": arn, "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}, "Prefix": "many/", "CompressionFormat": "GZIP"})
    firehose.put_record_batch(DeliveryStreamName="many", Records=[{"Data": b"a"}, {"Data": b"b\n"}, {"Data": b""}])
    firehose.delete_delivery_stream(DeliveryStreamName="many")
    want(gzip.decompress(b"".join(objects("unpacked", "many/").values())), b"ab\n", "the deprecated destination, flushed by the deletion")
    head = s3.head_object(Bucket="unpacked", Key=next(iter(objects("unpacked", "many/"))))
    want((head["ContentType"], head["ContentEncoding"]), ("application/octet-stream", "gzip"), "what the object says of itself")
    firehose.delete_delivery_stream(DeliveryStreamName="logs")


def endpoint():
    """An HTTPS endpoint that fails at first, and one that always does."""
    arn = bucket("endpoint")
    requests = []
    times = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            r = json.loads(body)
            rid = self.headers["X-Amz-Firehose-Request-Id"]
            times[rid] = times.get(rid, 0) + 1
            requests.append((self.path, dict(self.headers), r))
            fine = self.path == "/in?x=1" and times[rid] > 1
            out = json.dumps({"requestId": rid, "timestamp": int(time.time() * 1000), **({} if fine else {"errorMessage": "not now"})}).encode()
            if self.path == "/timeless":
                fine, out = True, json.dumps({"requestId": rid}).encode()
            self.send_response(200 if fine else 413 if self.path == "/down" else 500)  # too large, which is final
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *a):
            pass

    with tempfile.TemporaryDirectory() as dir:
        cert = os.path.join(dir, "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", cert + ".key", "-out", cert, "-days", "2", "-subj", "/CN=localhost"],
                       check=True, capture_output=True)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, cert + ".key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"https://localhost:{server.server_port}"
    bucket_config = {"RoleARN": ROLE, "BucketARN": arn, "Prefix": "all/", "ErrorOutputPrefix": "failed/", "BufferingHints": SOON}
    firehose.create_delivery_stream(DeliveryStreamName="http", HttpEndpointDestinationConfiguration={
        "EndpointConfiguration": {"Url": base + "/in?x=1", "Name": "mine", "AccessKey": "s3cret"}, "BufferingHints": SOON, "RoleARN": ROLE,
        "RequestConfiguration": {"ContentEncoding": "GZIP", "CommonAttributes": [{"AttributeName": "env", "AttributeValue": "test"}]},
        "RetryOptions": {"DurationInSeconds": 30}, "S3BackupMode": "AllData", "S3Configuration": bucket_config})
    firehose.put_record_batch(DeliveryStreamName="http", Records=[{"Data": b"one"}, {"Data": b"two"}])
    until(lambda: len(requests) >= 2, "a request and another attempt")
    (path, h, body), (_, h2, body2) = requests[:2]
    want([base64.b64decode(r["data"]) for r in body["records"]], [b"one", b"two"], "records")
    want(h["X-Amz-Firehose-Request-Id"], h2["X-Amz-Firehose-Request-Id"], "request id of the second attempt")
    want((body["requestId"], body["records"]), (h["X-Amz-Firehose-Request-Id"], body2["records"]), "body")
    assert abs(body["timestamp"] / 1000 - time.time()) < 300, body
    want({k: h.get(k) for k in ("X-Amz-Firehose-Protocol-Version", "X-Amz-Firehose-Access-Key", "Content-Type", "X-Amz-Firehose-Source-Arn")},
         {"X-Amz-Firehose-Protocol-Version": "1.0", "X-Amz-Firehose-Access-Key": "s3cret", "Content-Type": "application/json",
          "X-Amz-Firehose-Source-Arn": "arn:aws:firehose:us-east-1:000000000000:deliverystream/http"}, "headers")
    want(json.loads(h["X-Amz-Firehose-Common-Attributes"]), {"commonAttributes": {"env": "test"}}, "attributes")
    until(lambda: b"".join(objects("endpoint", "all/").values()) == b"onetwo", "backup of all")
    d = firehose.describe_delivery_stream(DeliveryStreamName="http")["DeliveryStreamDescription"]["Destinations"][0]["HttpEndpointDestinationDescription"]
    want((d["EndpointConfiguration"], d["S3BackupMode"], d["RetryOptions"]), ({"Url": base + "/in?x=1", "Name": "mine"}, "AllData", {"DurationInSeconds": 30}), "describe")
    firehose.delete_delivery_stream(DeliveryStreamName="http")
    firehose.create_delivery_stream(DeliveryStreamName="down", HttpEndpointDestinationConfiguration={
        "EndpointConfiguration": {"Url": base + "/down"}, "BufferingHints": SOON, "RoleARN": ROLE,
        "RetryOptions": {"DurationInSeconds": 300}, "S3BackupMode": "FailedDataOnly", "S3Configuration": bucket_config})
    firehose.put_record_batch(DeliveryStreamName="down", Records=[{"Data": b"three"}, {"Data": b"four"}])
    failed = until(lambda: objects("endpoint", "failed/"), "what the endpoint did not take")
    (key, body), = failed.items()
    assert key.startswith("failed/http-endpoint-failed/"), key
    lines = [json.loads(line) for line in body.splitlines()]
    want([(base64.b64decode(e["rawData"]), e["attemptsMade"], e["errorCode"]) for e in lines],
         [(b"three", 1, "HttpEndpoint.DestinationException"), (b"four", 1, "HttpEndpoint.DestinationException")], "failed records")
    firehose.delete_delivery_stream(DeliveryStreamName="down")
    firehose.create_delivery_stream(DeliveryStreamName="timeless", HttpEndpointDestinationConfiguration={
        "EndpointConfiguration": {"Url": base + "/timeless"}, "BufferingHints": SOON, "RoleARN": ROLE,
        "RetryOptions": {"DurationInSeconds": 0}, "S3BackupMode": "FailedDataOnly", "S3Configuration": {**bucket_config, "ErrorOutputPrefix": "timeless/"}})
    firehose.put_record(DeliveryStreamName="timeless", Record={"Data": b"five"})
    (body,) = until(lambda: objects("endpoint", "timeless/"), "what was answered without a timestamp").values()
    e = json.loads(body)
    want((e["errorCode"], base64.b64decode(e["rawData"])), ("HttpEndpoint.InvalidResponseFromDestination", b"five"), "answer without a timestamp")
    assert "does not have a timestamp" in e["errorMessage"], e
    firehose.delete_delivery_stream(DeliveryStreamName="timeless")
    server.shutdown()


def missing_bucket():
    """A stream whose bucket does not exist is rescued by another bucket."""
    firehose.create_delivery_stream(DeliveryStreamName="lost", ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::nowhere", "BufferingHints": SOON})
    firehose.put_record(DeliveryStreamName="lost", Record={"Data": b"found"})
    time.sleep(1)
    arn = bucket("somewhere")
    firehose.update_destination(DeliveryStreamName="lost", CurrentDeliveryStreamVersionId="1", DestinationId="destinationId-000000000001",
                                ExtendedS3DestinationUpdate={"BucketARN": arn})
    until(lambda: b"".join(objects("somewhere").values()) == b"found", "the record in the new bucket")
    firehose.delete_delivery_stream(DeliveryStreamName="lost")


def refusals():
    base = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}

    def create(code, *words, name="r", kind=None, **kw):
        refused(code, firehose.create_delivery_stream, *words, DeliveryStreamName=name, **({"DeliveryStreamType": kind} if kind else {}),
                **({"ExtendedS3DestinationConfiguration": {**base, **kw}} if "raw" not in kw else kw["raw"]))
    arg = "InvalidArgumentException"
    create("ValidationException", name="not a name")
    create("ValidationException", name="x" * 65)
    create("ValidationException", BufferingHints={"SizeInMBs": 129, "IntervalInSeconds": 60})
    create("ValidationException", BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 901})
    create("ValidationException", BucketARN="lake")
    create(arg, raw={})
    create(arg, raw={"S3DestinationConfiguration": base, "ExtendedS3DestinationConfiguration": base})
    create(arg, kind="KinesisStreamAsSource")
    create(arg, raw={"DeliveryStreamType": "KinesisStreamAsSource", "ExtendedS3DestinationConfiguration": base, "KinesisStreamSourceConfiguration": {
        "KinesisStreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/none", "RoleARN": ROLE}})
    create(arg, raw={"RedshiftDestinationConfiguration": {"RoleARN": ROLE, "ClusterJDBCURL": "jdbc:redshift://h:1/d", "CopyCommand": {"DataTableName": "t"}, "S3Configuration": base}})
    create(arg, "Exactly one of NoEncryptionConfig", EncryptionConfiguration={})
    create(arg, "same region as the S3 bucket", EncryptionConfiguration={"KMSEncryptionConfig": {"AWSKMSKeyARN": "arn:aws:kms:eu-west-1:000000000000:key/k"}})
    create(arg, "Log Group Name is required", CloudWatchLoggingOptions={"Enabled": True})
    create(arg, "S3 backup destination configuration is required", S3BackupMode="Enabled")
    # Prefixes.
    errors = "e/!{firehose:error-output-type}/"
    create(arg, "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions", Prefix="!{timestamp:yyyy}/")
    create(arg, "can only be part of a prefix expression when Dynamic Partitioning is enabled", Prefix="!{partitionKeyFromQuery:a}/", ErrorOutputPrefix="e/")
    create(arg, "Namespace to the left of colon (nothing) is an invalid keyword!", Prefix="!{nothing:a}/", ErrorOutputPrefix="e/")
    create(arg, "Prefix must not contain any occurrence of", Prefix=errors, ErrorOutputPrefix=errors)
    create(arg, "ErrorOutputPrefix must contain at least one occurrence of", ErrorOutputPrefix="e/!{timestamp:yyyy}/")
    create(arg, "can't be part of an error prefix expression", ErrorOutputPrefix=errors + "!{partitionKeyFromQuery:a}/")
    create(arg, "Invalid expression usage", Prefix="a!{/", ErrorOutputPrefix=errors)
    create(arg, "Invalid conversion character used in the value of the expression in Prefix", Prefix="!{timestamp:P}/", ErrorOutputPrefix=errors)
    create(arg, "Invalid conversion character used in the value of the expression in ErrorOutputPrefix", ErrorOutputPrefix="e/!{firehose:something}/")
    create(arg, "Length of evaluated prefix cannot be greater than 512", Prefix="x" * 513)
    # Processors.
    def processing(*words, p, **kw):
        create(arg, *words, ProcessingConfiguration=p, **kw)
    function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    processing("A maximum of 5 and a minimum of 1 processor", p=processors())
    processing("LambdaArn is required", p=processors(("Lambda", {"NumberOfRetries": "1"})))
    processing("Invalid lambda ARN.", p=processors(("Lambda", {"LambdaArn": "f"})))
    processing("Both BufferSizeInMBs and BufferIntervalInSeconds are required", p=processors(("Lambda", {"LambdaArn": function, "BufferSizeInMBs": "1"})))
    processing("Number of retries for lambda must be between 0 and 300.", p=processors(("Lambda", {"LambdaArn": function, "NumberOfRetries": "301"})))
    processing("Cannot have more than 1 Lambda processor.", p=processors(("Lambda", {"LambdaArn": function}), ("Lambda", {"LambdaArn": function})))
    twice = processors(("RecordDeAggregation", {"SubRecordType": "JSON"}))
    twice["Processors"][0]["Parameters"] *= 2
    processing("Duplicate ProcessorParameter", p=twice)
    processing("SubRecordType has to be one of JSON, DELIMITED", p=processors(("RecordDeAggregation", {"SubRecordType": "CSV"})))
    processing("Delimiter should be present for DELIMITED", p=processors(("RecordDeAggregation", {"SubRecordType": "DELIMITED"})))
    processing("Allowed values are True and False", p=processors(("Decompression", {"CompressionFormat": "GZIP"}), ("CloudWatchLogProcessing", {"DataMessageExtraction": "yes"})))
    processing("can only be enabled with DecompressionProcessor", p=processors(("CloudWatchLogProcessing", {"DataMessageExtraction": "true"})))
    processing("MetadataExtractionProcessor can only be present", p=processors(("MetadataExtraction", {"MetadataExtractionQuery": "{a:.a}", "JsonParsingEngine": "JQ-1.6"})))
    # Conversion, in the order in which its rules are looked at.
    schema = {"RoleARN": ROLE, "DatabaseName": "d", "TableName": "t"}
    reader, writer = {"Deserializer": {"OpenXJsonSerDe": {}}}, {"Serializer": {"ParquetSerDe": {}}}
    def conversion(*words, size=64, compression="UNCOMPRESSED", **kw):
        create(arg, *words, BufferingHints={"SizeInMBs": size, "IntervalInSeconds": 60}, CompressionFormat=compression, DataFormatConversionConfiguration={"Enabled": True, **kw})
    conversion("compression format must be set to UNCOMPRESSED", size=5, compression="GZIP")
    conversion("BufferingHints.SizeInMBs must be at least 64 when data format conversion is enabled.", size=5)
    conversion("InputFormatConfiguration must not be null")
    conversion("OutputFormatConfiguration must not be null", InputFormatConfiguration=reader)
    conversion("SchemaConfiguration must not be null", InputFormatConfiguration=reader, OutputFormatConfiguration=writer)
    conversion("Deserializer must not be null", InputFormatConfiguration={"Deserializer": {}}, OutputFormatConfiguration=writer, SchemaConfiguration=schema)
    conversion("More than one deserializer", InputFormatConfiguration={"Deserializer": {"OpenXJsonSerDe": {}, "HiveJsonSerDe": {}}}, OutputFormatConfiguration=writer, SchemaConfiguration=schema)
    conversion("Serializer must not be null", InputFormatConfiguration=reader, OutputFormatConfiguration={"Serializer": {}}, SchemaConfiguration=schema)
    conversion("SchemaConfiguration.TableName must not be null or empty", InputFormatConfiguration=reader, OutputFormatConfiguration=writer, SchemaConfiguration={"RoleARN": ROLE, "DatabaseName": "d"})
    whole = dict(InputFormatConfiguration=reader, OutputFormatConfiguration=writer)
    glue.create_database(DatabaseInput={"Name": "sparse"})
    glue.create_table(DatabaseName="sparse", TableInput={"Name": "bare"})
    glue.create_table(DatabaseName="sparse", TableInput={"Name": "t", "StorageDescriptor": {"Columns": [{"Name": "n", "Type": "int"}]}})
    sparse = {"RoleARN": ROLE, "DatabaseName": "sparse", "TableName": "t"}
    for missing in (schema, {**sparse, "TableName": "none"}, {**sparse, "VersionId": "7"}, {**sparse, "Region": "eu-west-1"}, {**sparse, "CatalogId": "999999999999"}):
        conversion("The table specified in the data format conversion configuration cannot be found.", "EntityNotFoundException", **whole, SchemaConfiguration=missing)
    conversion("the table has no columns", **whole, SchemaConfiguration={**sparse, "TableName": "bare"})
    firehose.create_delivery_stream(DeliveryStreamName="sparse", ExtendedS3DestinationConfiguration={
        **base, "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60}, "DataFormatConversionConfiguration": {**whole, "SchemaConfiguration": sparse}})
    refused(arg, firehose.update_destination, "cannot be found", DeliveryStreamName="sparse", CurrentDeliveryStreamVersionId="1", DestinationId="destinationId-000000000001",
            ExtendedS3DestinationUpdate={"DataFormatConversionConfiguration": {"SchemaConfiguration": {**sparse, "TableName": "none"}}})
    firehose.delete_delivery_stream(DeliveryStreamName="sparse")
    # Encryption and sources.
    key = {"KeyType": "CUSTOMER_MANAGED_CMK"}
    create(arg, "KeyARN has to be specified", raw={"ExtendedS3DestinationConfiguration": base, "DeliveryStreamEncryptionConfigurationInput": key})
    create(arg, "Cross-region keys", raw={"ExtendedS3DestinationConfiguration": base, "DeliveryStreamEncryptionConfigurationInput": {**key, "KeyARN": "arn:aws:kms:eu-west-1:000000000000:key/k"}})
    create(arg, "KinesisSourceStreamConfig is mandatory", kind="KinesisStreamAsSource")
    create(arg, DynamicPartitioningConfiguration={"Enabled": True}, BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 60})
    partitioned = dict(Prefix="!{partitionKeyFromQuery:a}/", ErrorOutputPrefix="e/", DynamicPartitioningConfiguration={"Enabled": True}, BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 60})
    for query in ("{a:", "{a:now}", "{a:$ENV.HOME}", "{a:input}", "{a:env.HOME}", "{b:.b}"):
        create(arg, **partitioned, ProcessingConfiguration=processors(("MetadataExtraction", {"MetadataExtractionQuery": query, "JsonParsingEngine": "JQ-1.6"})))
    refused("ResourceNotFoundException", firehose.put_record_batch, DeliveryStreamName="none", Records=[{"Data": b"x"}])
    refused("ResourceNotFoundException", firehose.delete_delivery_stream, DeliveryStreamName="none")
    firehose.create_delivery_stream(DeliveryStreamName="limits", ExtendedS3DestinationConfiguration={**base, "Prefix": "limits/"})
    refused("ValidationException", firehose.put_record_batch, DeliveryStreamName="limits", Records=[{"Data": b"x"}] * 501)
    refused("InvalidArgumentException", firehose.put_record_batch, DeliveryStreamName="limits", Records=[{"Data": b"x" * 1000 * 1024}] * 5)
    refused("ValidationException", firehose.put_record, DeliveryStreamName="limits", Record={"Data": b"x" * (1000 * 1024 + 1)})
    firehose.put_record(DeliveryStreamName="limits", Record={"Data": b"x" * 1000 * 1024})
    refused("InvalidArgumentException", firehose.update_destination, "Dynamic Partitioning", DeliveryStreamName="limits", CurrentDeliveryStreamVersionId="1",
            DestinationId="destinationId-000000000001", ExtendedS3DestinationUpdate={
                **partitioned, "ProcessingConfiguration": processors(("MetadataExtraction", {"MetadataExtractionQuery": "{a:.a}", "JsonParsingEngine": "JQ-1.6"}))})
    # Limits, where they are enforced: 5 MiB a second, each record for itself.
    refused("InvalidArgumentException", firehose.tag_delivery_stream, "brookmere:limits", DeliveryStreamName="limits", Tags=[{"Key": "brookmere:limits", "Value": "on"}])
    firehose.tag_delivery_stream(DeliveryStreamName="limits", Tags=[{"Key": "brookmere:limits", "Value": "enforce"}])
    for _ in range(20):  # a machine that is busy may take a second for each
        slow = [firehose.put_record_batch(DeliveryStreamName="limits", Records=[{"Data": b"x" * 900000}] * 4) for _ in range(4)]
        failed = [e for r in slow for e in r["RequestResponses"] if "ErrorCode" in e]
        if failed:
            break
    want((sum(r["FailedPutCount"] for r in slow), {(e["ErrorCode"], e["ErrorMessage"]) for e in failed}),
         (len(failed), {("ServiceUnavailableException", "Slow down.")}), "puts beyond the limit")
    refused("ValidationException", firehose.tag_delivery_stream, DeliveryStreamName="limits", Tags=[{"Key": str(i)} for i in range(51)])
    firehose.delete_delivery_stream(DeliveryStreamName="limits")


operations(plain_script())
from_stream()
converted_stream()
unpacking()
endpoint()
missing_bucket()
refusals()
print("firehose: fine")
