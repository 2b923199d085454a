"""Tables by boto3's client and resource: items, indexes, transactions, streams, PartiQL."""
import decimal, time
import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

client, streams, db = boto3.client("dynamodb"), boto3.client("dynamodbstreams"), boto3.resource("dynamodb")


def code(f, **kw):
    try:
        f(**kw)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return None


table = db.create_table(
    TableName="orders",
    KeySchema=[{"AttributeName": "customer_id", "KeyType": "HASH"}, {"AttributeName": "order_id", "KeyType": "RANGE"}],
    AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("customer_id", "order_id", "status")],
    GlobalSecondaryIndexes=[{"IndexName": "by_status", "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}],
    BillingMode="PAY_PER_REQUEST",
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
)
table.wait_until_exists()
item = {"customer_id": "u1", "order_id": "o1", "amount": decimal.Decimal("12.50"), "address": {"city": "Lisbon", "street": ["a", 1]}, "tags": {"x", "y"}, "raw": b"\0\1", "none": None, "open": True, "status": "open"}
table.put_item(Item=item)
got = table.get_item(Key={"customer_id": "u1", "order_id": "o1"}, ConsistentRead=True)["Item"]
assert got == item, got
got = table.update_item(Key={"customer_id": "u1", "order_id": "o1"}, UpdateExpression="SET amount = amount + :x, address.street[1] = :y REMOVE #n ADD tags :t",
                        ExpressionAttributeNames={"#n": "none"}, ExpressionAttributeValues={":x": 1, ":y": "new", ":t": {"z"}}, ReturnValues="ALL_NEW")["Attributes"]
assert got["amount"] == decimal.Decimal("13.5") and got["address"]["street"] == ["a", "new"] and got["tags"] == {"x", "y", "z"} and "none" not in got, got
assert code(table.put_item, Item={"customer_id": "u1", "order_id": "o1"}, ConditionExpression=Attr("order_id").not_exists()) == "ConditionalCheckFailedException"

with table.batch_writer() as batch:
    for i in range(260):
        batch.put_item(Item={"customer_id": "u%d" % (i % 4), "order_id": "p%03d" % i, "n": i, "status": "paid"})
found, start = [], {}
while True:
    page = table.query(IndexName="by_status", KeyConditionExpression=Key("status").eq("paid"), FilterExpression=Attr("n").lt(100), Limit=37, **start)
    found += page["Items"]
    if "LastEvaluatedKey" not in page:
        break
    start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
assert sorted(i["n"] for i in found) == list(range(100)), len(found)
page = table.query(KeyConditionExpression=Key("customer_id").eq("u2") & Key("order_id").between("p100", "p200"), ScanIndexForward=False)
assert [i["order_id"] for i in page["Items"]] == ["p%03d" % i for i in range(198, 101, -4)], page["Items"]
total = sum(client.scan(TableName="orders", Select="COUNT", Segment=s, TotalSegments=3)["Count"] for s in range(3))
assert total == 261, total

client.transact_write_items(TransactItems=[
    {"Put": {"TableName": "orders", "Item": {"customer_id": {"S": "t"}, "order_id": {"S": "1"}}}},
    {"Delete": {"TableName": "orders", "Key": {"customer_id": {"S": "u1"}, "order_id": {"S": "p001"}}}},
])
try:
    client.transact_write_items(TransactItems=[
        {"Put": {"TableName": "orders", "Item": {"customer_id": {"S": "t"}, "order_id": {"S": "2"}}}},
        {"ConditionCheck": {"TableName": "orders", "Key": {"customer_id": {"S": "t"}, "order_id": {"S": "none"}}, "ConditionExpression": "attribute_exists(order_id)"}},
    ])
    raise AssertionError("a transaction whose condition fails was done")
except client.exceptions.TransactionCanceledException as e:
    assert [r["Code"] for r in e.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
assert "Item" not in table.get_item(Key={"customer_id": "t", "order_id": "2"})
rows = client.execute_statement(Statement='SELECT order_id FROM "orders" WHERE customer_id = ?', Parameters=[{"S": "t"}])["Items"]
assert rows == [{"order_id": {"S": "1"}}], rows

arn = client.describe_table(TableName="orders")["Table"]["LatestStreamArn"]
shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
it, events = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"], []
while True:
    page = streams.get_records(ShardIterator=it)
    if not page["Records"]:
        break
    events, it = events + page["Records"], page["NextShardIterator"]
assert [e["eventName"] for e in events[:2]] == ["INSERT", "MODIFY"] and len(events) == 264, len(events)
assert events[-1]["eventName"] in ("REMOVE", "INSERT") and {e["eventName"] for e in events[-2:]} == {"REMOVE", "INSERT"}

# Time to live: the item goes, and the stream says who removed it.
client.update_time_to_live(TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
table.put_item(Item={"customer_id": "old", "order_id": "1", "ttl": int(time.time()) - 60})
for _ in range(1200):
    if "Item" not in table.get_item(Key={"customer_id": "old", "order_id": "1"}):
        break
    time.sleep(0.1)
else:
    raise AssertionError("an item outlives its time")
gone = [r for r in streams.get_records(ShardIterator=it)["Records"] if r["eventName"] == "REMOVE"]
assert gone[0]["userIdentity"]["PrincipalId"] == "dynamodb.amazonaws.com", gone

backup = client.create_backup(TableName="orders", BackupName="first")["BackupDetails"]["BackupArn"]
client.restore_table_from_backup(TargetTableName="restored", BackupArn=backup)
client.get_waiter("table_exists").wait(TableName="restored", WaiterConfig={"Delay": 1})
assert client.scan(TableName="restored", Select="COUNT")["Count"] == 261
table.delete()
table.wait_until_not_exists()
assert client.list_tables()["TableNames"] == ["restored"]
assert code(table.get_item, Key={"customer_id": "u1", "order_id": "o1"}) == "ResourceNotFoundException"
print("ok")
