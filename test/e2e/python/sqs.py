"""Queues by boto3's client and resource: messages, order, dead letters, long polls, batches."""
import hashlib, json, struct, threading, time
import boto3
from botocore.exceptions import ClientError

sqs = boto3.client("sqs")


def code(f, **kw):
    try:
        f(**kw)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return None


def make(name, **attributes):
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def arn(url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(url, **kw):
    return sqs.receive_message(QueueUrl=url, **kw).get("Messages", [])


def md5(body):
    return hashlib.md5(body.encode()).hexdigest()


def md5_of(attributes):
    """The checksum that AWS documents for attributes of messages."""
    h = hashlib.md5()
    for name in sorted(attributes):
        a = attributes[name]
        binary = "BinaryValue" in a
        value = a["BinaryValue"] if binary else a["StringValue"].encode()
        for part in (name.encode(), a["DataType"].encode()):
            h.update(struct.pack(">I", len(part)) + part)
        h.update((b"\2" if binary else b"\1") + struct.pack(">I", len(value)) + value)
    return h.hexdigest()


# A message: there, hidden, back, gone.
url = make("jobs", VisibilityTimeout="30")
assert sqs.get_queue_url(QueueName="jobs")["QueueUrl"] == url and make("jobs", VisibilityTimeout="30") == url
assert code(sqs.create_queue, QueueName="jobs", Attributes={"VisibilityTimeout": "31"}) == "QueueAlreadyExists"
attributes = {"kind": {"DataType": "String", "StringValue": "größe"}, "n": {"DataType": "Number.int", "StringValue": "7"}, "raw": {"DataType": "Binary", "BinaryValue": b"\0\1\xff"}}
sent = sqs.send_message(QueueUrl=url, MessageBody="hello ✓", MessageAttributes=attributes)
assert sent["MD5OfMessageBody"] == md5("hello ✓") and sent["MD5OfMessageAttributes"] == md5_of(attributes), sent
got = receive(url, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])[0]
assert got["Body"] == "hello ✓" and got["MessageId"] == sent["MessageId"] and got["MessageAttributes"] == attributes, got
assert got["MD5OfBody"] == md5("hello ✓") and got["MD5OfMessageAttributes"] == md5_of(attributes), got
assert got["Attributes"]["ApproximateReceiveCount"] == "1" and int(got["Attributes"]["SentTimestamp"]) <= time.time() * 1000 + 1000, got
assert receive(url) == []
sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
some = receive(url, MessageAttributeNames=["k.*"], AttributeNames=["ApproximateReceiveCount"])[0]
assert list(some["MessageAttributes"]) == ["kind"] and some["Attributes"] == {"ApproximateReceiveCount": "2"}, some
sqs.delete_message(QueueUrl=url, ReceiptHandle=some["ReceiptHandle"])
counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
assert counts["ApproximateNumberOfMessages"] == "0" and counts["ApproximateNumberOfMessagesNotVisible"] == "0", counts

# A batch says of each entry what became of it.
out = sqs.send_message_batch(QueueUrl=url, Entries=[
    {"Id": "good", "MessageBody": "1"}, {"Id": "delay", "MessageBody": "2", "DelaySeconds": 901},
    {"Id": "control", "MessageBody": "\x01"}, {"Id": "late", "MessageBody": "3", "DelaySeconds": 900},
])
assert [e["Id"] for e in out["Successful"]] == ["good", "late"] and out["Successful"][0]["MD5OfMessageBody"] == md5("1"), out
assert {e["Id"]: e["SenderFault"] for e in out["Failed"]} == {"delay": True, "control": True}, out
assert code(sqs.send_message_batch, QueueUrl=url, Entries=[]) == "AWS.SimpleQueueService.EmptyBatchRequest"
assert code(sqs.send_message_batch, QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": "x"} for i in range(11)]) == "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
assert code(sqs.send_message_batch, QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}] * 2) == "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
assert code(sqs.send_message, QueueUrl=url + "x", MessageBody="x") == "AWS.SimpleQueueService.NonExistentQueue"
one = receive(url, MaxNumberOfMessages=10)
assert [m["Body"] for m in one] == ["1"], one
out = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": one[0]["ReceiptHandle"]}, {"Id": "b", "ReceiptHandle": "made up"}])
assert [e["Id"] for e in out["Successful"]] == ["a"] and [(e["Id"], e["Code"]) for e in out["Failed"]] == [("b", "ReceiptHandleIsInvalid")], out

# A long poll returns with the message, not at its end.
sender = boto3.client("sqs")
timer = threading.Timer(0.5, lambda: sender.send_message(QueueUrl=url, MessageBody="awaited"))
began = time.monotonic()
timer.start()
assert [m["Body"] for m in receive(url, WaitTimeSeconds=20)] == ["awaited"]
assert 0.5 <= time.monotonic() - began < 19
began = time.monotonic()
assert receive(url, WaitTimeSeconds=1) == [] and time.monotonic() - began > 0.9

# A FIFO queue: order in a group, one group held up does not hold another, what is sent twice is there once.
fifo = make("orders.fifo", FifoQueue="true", ContentBasedDeduplication="true")
assert code(sqs.send_message, QueueUrl=fifo, MessageBody="x") == "MissingParameter"
numbers = [sqs.send_message(QueueUrl=fifo, MessageBody="a%d" % i, MessageGroupId="a")["SequenceNumber"] for i in range(12)]
assert numbers == sorted(numbers, key=int) and len(set(numbers)) == 12, numbers
assert sqs.send_message(QueueUrl=fifo, MessageBody="a3", MessageGroupId="a")["SequenceNumber"] == numbers[3]
sqs.send_message(QueueUrl=fifo, MessageBody="other", MessageGroupId="a", MessageDeduplicationId=hashlib.sha256(b"a4").hexdigest())
first = receive(fifo, MaxNumberOfMessages=10, AttributeNames=["All"])
assert [m["Body"] for m in first] == ["a%d" % i for i in range(10)], first
assert first[3]["Attributes"]["SequenceNumber"] == numbers[3] and first[3]["Attributes"]["MessageGroupId"] == "a", first[3]
sqs.send_message(QueueUrl=fifo, MessageBody="b0", MessageGroupId="b")
assert [m["Body"] for m in receive(fifo, MaxNumberOfMessages=10)] == ["b0"]
sqs.delete_message_batch(QueueUrl=fifo, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(first)])
assert [m["Body"] for m in receive(fifo, MaxNumberOfMessages=10)] == ["a10", "a11"]

# Dead letters, and back.
dead = make("dead")
source = make("source", VisibilityTimeout="0", RedrivePolicy=json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": 2}))
poison = sqs.send_message(QueueUrl=source, MessageBody="poison")["MessageId"]
assert [m["MessageId"] for _ in range(2) for m in receive(source)] == [poison] * 2
assert receive(source) == []
letter = receive(dead, VisibilityTimeout=0, MessageSystemAttributeNames=["All"])[0]
assert letter["MessageId"] == poison and letter["Attributes"]["DeadLetterQueueSourceArn"] == arn(source), letter
assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [source]
sqs.start_message_move_task(SourceArn=arn(dead))
back = receive(source, WaitTimeSeconds=10)
assert [m["Body"] for m in back] == ["poison"], back

# The resource, and all queues.
queue = boto3.resource("sqs").get_queue_by_name(QueueName="jobs")
queue.send_messages(Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(10)])
bodies = set()
for _ in range(20):
    for m in queue.receive_messages(MaxNumberOfMessages=10):
        bodies.add(m.body)
        m.delete()
    if len(bodies) == 10:
        break
assert bodies == {str(i) for i in range(10)}, bodies
found = [u for page in sqs.get_paginator("list_queues").paginate(PaginationConfig={"PageSize": 2}) for u in page["QueueUrls"]]
assert sorted(found) == sorted([url, fifo, dead, source]), found
for u in found:
    sqs.delete_queue(QueueUrl=u)
assert code(receive, url=url) == "AWS.SimpleQueueService.NonExistentQueue" and "QueueUrls" not in sqs.list_queues()
print("queues: ok")
