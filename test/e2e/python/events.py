"""EventBridge by boto3's client: buses, rules, targets of each kind, transformed input, dead letters, and the events of a bucket."""
import io, json, time, zipfile
import boto3
from botocore.exceptions import ClientError

events, sqs, sns, s3, logs = (boto3.client(n) for n in ("events", "sqs", "sns", "s3", "logs"))
kinesis, firehose, awslambda = (boto3.client(n) for n in ("kinesis", "firehose", "lambda"))
ROLE = "arn:aws:iam::000000000000:role/events"


def error(f, **kw):
    try:
        f(**kw)
    except ClientError as e:
        return e.response["Error"]
    raise AssertionError("not refused")


def queue(name, **attributes):
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(url):
    for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"]).get("Messages", []):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        return m
    raise AssertionError("nothing came to " + url)


def until(f):
    end = time.time() + 60
    while time.time() < end:
        if v := f():
            return v
        time.sleep(0.1)
    raise AssertionError("it did not come")


bus = events.create_event_bus(Name="shop", Tags=[{"Key": "team", "Value": "data"}])["EventBusArn"]
assert events.describe_event_bus(Name="shop")["Arn"] == bus
assert error(events.create_event_bus, Name="shop")["Code"] == "ResourceAlreadyExistsException"
assert [b["Name"] for b in events.list_event_buses()["EventBuses"]] == ["default", "shop"]

plain, plain_arn = queue("events-plain")
fifo, fifo_arn = queue("events.fifo", FifoQueue="true", ContentBasedDeduplication="true")
dead, dead_arn = queue("events-dead")
told, told_arn = queue("events-topic")
topic = sns.create_topic(Name="events")["TopicArn"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=told_arn, Attributes={"RawMessageDelivery": "true"})
kinesis.create_stream(StreamName="events", ShardCount=1)
kinesis.get_waiter("stream_exists").wait(StreamName="events")
logs.create_log_group(logGroupName="/aws/events/shop")
package = io.BytesIO()
with zipfile.ZipFile(package, "w") as z:
    z.writestr("m.py", "import boto3\ndef h(e, c):\n    boto3.client('sqs').send_message(QueueUrl='%s', MessageBody=e['detail-type'])\n" % plain)
awslambda.create_function(FunctionName="events", Runtime="python3.12", Role=ROLE, Handler="m.h", Code={"ZipFile": package.getvalue()})
s3.create_bucket(Bucket="events-lake")
firehose.create_delivery_stream(DeliveryStreamName="events", ExtendedS3DestinationConfiguration={
    "RoleARN": ROLE, "BucketARN": "arn:aws:s3:::events-lake", "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}})
until(lambda: firehose.describe_delivery_stream(DeliveryStreamName="events")["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE")


def arn(service, resource):
    return f"arn:aws:{service}:us-east-1:000000000000:{resource}"


pattern = {"source": ["shop"], "detail": {"total": [{"numeric": [">", 10]}], "$or": [{"kind": [{"prefix": {"equals-ignore-case": "BIG"}}]}, {"kind": ["huge"]}]}}
events.put_rule(Name="orders", EventBusName="shop", EventPattern=json.dumps(pattern))
assert "must be an object or an array" in error(events.put_rule, Name="x", EventPattern='{"source": 1}')["Message"]
out = events.put_targets(Rule="orders", EventBusName="shop", Targets=[
    {"Id": "plain", "Arn": plain_arn},
    {"Id": "fifo", "Arn": fifo_arn, "SqsParameters": {"MessageGroupId": "g"}, "InputTransformer": {
        "InputPathsMap": {"total": "$.detail.total", "kind": "$.detail.kind"}, "InputTemplate": '{"total": <total>, "text": "of <kind> by <aws.events.rule-name>"}'}},
    {"Id": "topic", "Arn": topic, "InputPath": "$.detail"},
    {"Id": "stream", "Arn": arn("kinesis", "stream/events"), "RoleArn": ROLE, "KinesisParameters": {"PartitionKeyPath": "$.detail.kind"}},
    {"Id": "delivery", "Arn": arn("firehose", "deliverystream/events"), "RoleArn": ROLE}])
assert out["FailedEntryCount"] == 0, out
assert events.list_rule_names_by_target(TargetArn=topic, EventBusName="shop")["RuleNames"] == ["orders"]
events.put_rule(Name="more", EventBusName="shop", EventPattern='{"source": ["shop"]}')
events.put_targets(Rule="more", EventBusName="shop", Targets=[
    {"Id": "function", "Arn": arn("lambda", "function:events")},
    {"Id": "group", "Arn": arn("logs", "log-group:/aws/events/shop")},
    {"Id": "lost", "Arn": arn("lambda", "function:none"), "DeadLetterConfig": {"Arn": dead_arn}}])

out = events.put_events(Entries=[
    {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"total": 12.5, "kind": "bigger"}), "EventBusName": "shop"},
    {"Source": "aws.shop", "DetailType": "order", "Detail": "{}", "EventBusName": "shop"},
    {"Source": "shop", "DetailType": "order", "Detail": "[]", "EventBusName": "shop"},
    {"Source": "shop", "DetailType": "order", "Detail": "{}", "EventBusName": "none"}])
assert [e.get("ErrorCode") for e in out["Entries"]] == [None, "NotAuthorizedForSourceException", "MalformedDetail", None], out
first = out["Entries"][0]["EventId"]
bodies = {receive(plain)["Body"] for _ in range(2)}
assert "order" in bodies, bodies
e = json.loads((bodies - {"order"}).pop())
assert e["id"] == first and e["detail-type"] == "order" and e["account"] == "000000000000" and e["detail"] == {"total": 12.5, "kind": "bigger"}, e
assert receive(fifo)["Body"] == '{"total": 12.5, "text": "of bigger by orders"}'
assert json.loads(receive(told)["Body"]) == {"total": 12.5, "kind": "bigger"}
shard = kinesis.get_shard_iterator(StreamName="events", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
record = until(lambda: kinesis.get_records(ShardIterator=shard)["Records"])[0]
assert record["PartitionKey"] == "bigger" and json.loads(record["Data"])["id"] == first
line = until(lambda: logs.filter_log_events(logGroupName="/aws/events/shop")["events"])[0]
assert json.loads(line["message"])["id"] == first
key = until(lambda: s3.list_objects_v2(Bucket="events-lake").get("Contents"))[0]["Key"]
assert json.loads(s3.get_object(Bucket="events-lake", Key=key)["Body"].read())["id"] == first
lost = receive(dead)
a = {k: v["StringValue"] for k, v in lost["MessageAttributes"].items()}
assert a["ERROR_CODE"] == "NO_RESOURCE" and a["TARGET_ARN"].endswith("function:none") and a["RULE_ARN"] == arn("events", "rule/shop/more") and a["RETRY_ATTEMPTS"] == "0", a
assert json.loads(lost["Body"])["id"] == first

# An archive keeps what comes, and a replay puts it again, for one rule.
events.create_archive(ArchiveName="shop", EventSourceArn=bus, EventPattern='{"source": ["kept"]}', RetentionDays=1)
kept, kept_arn = queue("events-kept")
events.put_rule(Name="kept", EventBusName="shop", EventPattern='{"source": ["kept"]}')
for n in range(3):
    events.put_events(Entries=[{"Source": "kept", "DetailType": "n", "Detail": json.dumps({"n": n}), "EventBusName": "shop"}, {"Source": "not", "DetailType": "n", "Detail": "{}", "EventBusName": "shop"}])
a = events.describe_archive(ArchiveName="shop")
assert a["EventCount"] == 3 and a["SizeBytes"] > 300 and a["State"] == "ENABLED", a
events.put_targets(Rule="kept", EventBusName="shop", Targets=[{"Id": "q", "Arn": kept_arn}])
now = int(time.time())
events.start_replay(ReplayName="again", EventSourceArn=a["ArchiveArn"], EventStartTime=now - 3600, EventEndTime=now + 60, Destination={"Arn": bus, "FilterArns": [arn("events", "rule/shop/kept")]})
again = [json.loads(receive(kept)["Body"]) for _ in range(3)]
assert sorted(e["detail"]["n"] for e in again) == [0, 1, 2] and all(e["replay-name"] == "again" for e in again), again
until(lambda: events.describe_replay(ReplayName="again")["State"] == "COMPLETED")
assert events.describe_archive(ArchiveName="shop")["EventCount"] == 3
events.delete_archive(ArchiveName="shop")
events.remove_targets(Rule="kept", EventBusName="shop", Ids=["q"])
events.delete_rule(Name="kept", EventBusName="shop")

# The events of a bucket go to the default bus.
s3.create_bucket(Bucket="events-told")
s3.put_bucket_versioning(Bucket="events-told", VersioningConfiguration={"Status": "Enabled"})
s3.put_bucket_notification_configuration(Bucket="events-told", NotificationConfiguration={"EventBridgeConfiguration": {}})
assert s3.get_bucket_notification_configuration(Bucket="events-told")["EventBridgeConfiguration"] == {}
changed, changed_arn = queue("events-changed.fifo", FifoQueue="true", ContentBasedDeduplication="true")
events.put_rule(Name="objects", EventPattern=json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": ["events-told"]}}}))
events.put_targets(Rule="objects", Targets=[{"Id": "q", "Arn": changed_arn, "SqsParameters": {"MessageGroupId": "g"}}])
put = s3.put_object(Bucket="events-told", Key="in/a b+ü.csv", Body=b"hello")
s3.put_object_tagging(Bucket="events-told", Key="in/a b+ü.csv", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
marker = s3.delete_object(Bucket="events-told", Key="in/a b+ü.csv")
got = [json.loads(receive(changed)["Body"]) for _ in range(3)]
created, tagged, deleted = got
assert [e["detail-type"] for e in got] == ["Object Created", "Object Tags Added", "Object Deleted"], got
d = created["detail"]
assert created["source"] == "aws.s3" and created["resources"] == ["arn:aws:s3:::events-told"] and d["reason"] == "PutObject" and d["requester"] == "000000000000", created
o = d["object"]
assert o["key"] == "in/a b+ü.csv" and o["size"] == 5 and o["etag"] == "5d41402abc4b2a76b9719d911017c592" and o["version-id"] == put["VersionId"] and o["sequencer"], created
assert "reason" not in tagged["detail"] and "sequencer" not in tagged["detail"]["object"], tagged
assert deleted["detail"]["deletion-type"] == "Delete Marker Created" and deleted["detail"]["object"]["version-id"] == marker["VersionId"], deleted

# So do those of alarms, crawlers and queries.
states, states_arn = queue("events-states")
events.put_rule(Name="states", EventPattern=json.dumps({"source": ["aws.cloudwatch", "aws.glue", "aws.athena"]}))
events.put_targets(Rule="states", Targets=[{"Id": "q", "Arn": states_arn}])
cloudwatch, glue, athena = (boto3.client(n) for n in ("cloudwatch", "glue", "athena"))
cloudwatch.put_metric_alarm(AlarmName="events", Namespace="shop", MetricName="age", Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold")
cloudwatch.set_alarm_state(AlarmName="events", StateValue="ALARM", StateReason="by hand")
glue.create_database(DatabaseInput={"Name": "events"})
glue.create_crawler(Name="events", Role=ROLE, DatabaseName="events", Targets={"S3Targets": [{"Path": "s3://events-lake/"}]})
glue.start_crawler(Name="events")
s3.create_bucket(Bucket="events-results")
query = athena.start_query_execution(QueryString="SELECT 1", ResultConfiguration={"OutputLocation": "s3://events-results/"})["QueryExecutionId"]
want, seen = {"ALARM", "Started", "Succeeded", "QUEUED", "RUNNING", "SUCCEEDED"}, set()
while not want <= seen:
    e = json.loads(receive(states)["Body"])
    d = e["detail"]
    if e["source"] == "aws.cloudwatch":
        seen.add(d["state"]["value"])
        assert e["resources"][0].endswith("alarm:events") and d["alarmName"] == "events", e
    elif e["source"] == "aws.glue":
        seen.add(d["state"])
        assert d["crawlerName"] == "events", e
    elif d["queryExecutionId"] == query:
        seen.add(d["currentState"])
        assert d["sequenceNumber"] == {"QUEUED": "1", "RUNNING": "2", "SUCCEEDED": "3"}[d["currentState"]], e
events.remove_targets(Rule="states", Ids=["q"])
events.delete_rule(Name="states")

assert "can't be deleted since it has targets" in error(events.delete_rule, Name="objects")["Message"]
for rule, on, ids in (("objects", "default", ["q"]), ("orders", "shop", ["plain", "fifo", "topic", "stream", "delivery"]), ("more", "shop", ["function", "group", "lost"])):
    assert events.remove_targets(Rule=rule, EventBusName=on, Ids=ids)["FailedEntryCount"] == 0
    events.delete_rule(Name=rule, EventBusName=on)
events.delete_event_bus(Name="shop")
assert events.list_rules()["Rules"] == []
