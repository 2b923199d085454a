"""Functions as people write them for orders and unicorns, with boto3 and the AWS SDK for
JavaScript that are on this machine, fed by streams into tables."""

import base64
import io
import json
import os
import sysconfig
import time
import zipfile

import boto3

awslambda, kinesis, dynamodb = boto3.client("lambda"), boto3.client("kinesis"), boto3.client("dynamodb")
ROLE = "arn:aws:iam::000000000000:role/consumer"

# As `brookmere functions setup` would: the SDK that runs this script is that of functions.
sdk = os.path.join(os.environ["BROOKMERE_DATA"], "functions", "sdk")
os.makedirs(sdk, exist_ok=True)
os.symlink(sysconfig.get_paths()["purelib"], os.path.join(sdk, "python"))

CONSUMER = '''
import base64, json, os
from decimal import Decimal
import boto3

table = boto3.resource("dynamodb", region_name=os.environ["AWS_REGION"]).Table(os.environ["dynamoDBTableName"])

def lambda_handler(event, context):
    print(event)
    for record in event["Records"]:
        payload = base64.b64decode(record["kinesis"]["data"]).decode("utf-8")
        table.put_item(Item=json.loads(payload, parse_float=Decimal))
'''


def package(**files):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        for name, text in files.items():
            z.writestr(name.replace("__", "."), text)
    return b.getvalue()


def until(what, seconds=180):
    end = time.time() + seconds
    while time.time() < end:
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("not in time: " + what.__name__)


awslambda.create_function(FunctionName="echo", Runtime="python3.12", Role=ROLE, Handler="m.h", Code={"ZipFile": package(m__py="def h(e, c): return e")})
awslambda.get_waiter("function_active_v2").wait(FunctionName="echo")
r = awslambda.invoke(FunctionName="echo", Payload=b'{"a": 1}', LogType="Tail")
assert json.load(r["Payload"]) == {"a": 1} and r["StatusCode"] == 200 and r["ExecutedVersion"] == "$LATEST", r
assert b"REPORT RequestId: " + r["ResponseMetadata"]["RequestId"].encode() in base64.b64decode(r["LogResult"])
events = list(awslambda.invoke_with_response_stream(FunctionName="echo", Payload=b"[1]")["EventStream"])
assert events[0]["PayloadChunk"]["Payload"] == b"[1]" and "InvokeComplete" in events[1], events
assert awslambda.invoke(FunctionName="echo", InvocationType="Event", Payload=b"{}")["StatusCode"] == 202
awslambda.update_function_code(FunctionName="echo", ZipFile=package(m__py="def h(e, c): raise ValueError('no')"), Publish=True)
awslambda.get_waiter("function_updated_v2").wait(FunctionName="echo")
r = awslambda.invoke(FunctionName="echo")
assert r["FunctionError"] == "Unhandled" and json.load(r["Payload"])["errorType"] == "ValueError", r
try:
    awslambda.get_function(FunctionName="absent")
    raise AssertionError("found")
except awslambda.exceptions.ResourceNotFoundException as e:
    assert "Function not found: arn:aws:lambda:us-east-1:000000000000:function:absent" in str(e), e

kinesis.create_stream(StreamName="ingestion-dev", ShardCount=1)
kinesis.get_waiter("stream_exists").wait(StreamName="ingestion-dev", WaiterConfig={"Delay": 1})
dynamodb.create_table(
    TableName="orders", BillingMode="PAY_PER_REQUEST",
    KeySchema=[{"AttributeName": "customer_id", "KeyType": "HASH"}, {"AttributeName": "order_id", "KeyType": "RANGE"}],
    AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("customer_id", "order_id")])
awslambda.create_function(
    FunctionName="consumer", Runtime="python3.12", Role=ROLE, Handler="lambda_function.lambda_handler", Timeout=60,
    Code={"ZipFile": package(lambda_function__py=CONSUMER)}, Environment={"Variables": {"dynamoDBTableName": "orders"}})
mapping = awslambda.create_event_source_mapping(
    EventSourceArn="arn:aws:kinesis:us-east-1:000000000000:stream/ingestion-dev", FunctionName="consumer", StartingPosition="TRIM_HORIZON", BatchSize=1000,
    MaximumBatchingWindowInSeconds=1, MaximumRetryAttempts=2, TumblingWindowInSeconds=30)
for i in range(5):
    order = {"customer_id": f"user{i}", "order_id": "o1", "amount": 12.34, "product_details": [{"name": "x", "quantity": 1}]}
    kinesis.put_record(StreamName="ingestion-dev", PartitionKey="test-partition-01", Data=json.dumps(order))


def orders_are_in_the_table():
    return dynamodb.scan(TableName="orders")["Count"] == 5


until(orders_are_in_the_table)
item = dynamodb.get_item(TableName="orders", Key={"customer_id": {"S": "user3"}, "order_id": {"S": "o1"}})["Item"]
assert item["amount"] == {"N": "12.34"} and item["product_details"]["L"][0]["M"]["quantity"] == {"N": "1"}, item


def the_mapping_says_so():
    return awslambda.get_event_source_mapping(UUID=mapping["UUID"])["LastProcessingResult"] == "OK"


until(the_mapping_says_so)
awslambda.delete_event_source_mapping(UUID=mapping["UUID"])
for name in ("echo", "consumer"):
    awslambda.delete_function(FunctionName=name)
assert awslambda.list_functions()["Functions"] == []
