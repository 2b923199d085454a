"""Topics by boto3's client: a queue, an HTTP endpoint that confirms itself, filters, and a bucket that tells a topic."""
import http.server, json, threading, urllib.parse, urllib.request
import boto3
from botocore.exceptions import ClientError

sns, sqs, s3 = boto3.client("sns"), boto3.client("sqs"), boto3.client("s3")


def code(f, **kw):
    try:
        f(**kw)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return None


def queue(name):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(url):
    for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"]).get("Messages", []):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        return m
    raise AssertionError("nothing came to " + url)


topic = sns.create_topic(Name="orders", Tags=[{"Key": "team", "Value": "data"}])["TopicArn"]
plain, plain_arn = queue("sns-plain")
raw, raw_arn = queue("sns-raw")
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=plain_arn)
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=raw_arn, Attributes={
    "RawMessageDelivery": "true", "FilterPolicy": json.dumps({"kind": ["big", {"prefix": "huge"}], "n": [{"numeric": [">", 1]}]})})

# One message for both, in its envelope and as it is.
kinds = {"kind": {"DataType": "String", "StringValue": "huge one"}, "n": {"DataType": "Number", "StringValue": "2.5"}}
sent = sns.publish(TopicArn=topic, Message="größer <&>", Subject="hello", MessageAttributes=kinds)["MessageId"]
e = json.loads(receive(plain)["Body"])
assert e["Type"] == "Notification" and e["MessageId"] == sent and e["Message"] == "größer <&>" and e["Subject"] == "hello", e
assert e["MessageAttributes"]["n"] == {"Type": "Number", "Value": "2.5"}, e
assert urllib.request.urlopen(e["SigningCertURL"]).read().startswith(b"-----BEGIN CERTIFICATE-----")
m = receive(raw)
assert m["Body"] == "größer <&>" and m["MessageAttributes"]["n"]["StringValue"] == "2.5", m

# A batch, of which one entry is wrong.
out = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[
    {"Id": "a", "Message": json.dumps({"default": "d", "sqs": "for queues"}), "MessageStructure": "json"},
    {"Id": "b", "Message": "x", "Subject": "a\nb"}])
assert [s["Id"] for s in out["Successful"]] == ["a"] and out["Failed"][0]["Code"] == "InvalidParameter", out
assert json.loads(receive(plain)["Body"])["Message"] == "for queues"

# An HTTP endpoint confirms, hears, and leaves by the links that it is sent.
heard = threading.Semaphore(0)
messages = []


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        messages.append((self.headers["x-amz-sns-message-type"], json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(200)
        self.end_headers()
        heard.release()

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
out = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{server.server_port}/x")
assert out["SubscriptionArn"] == "pending confirmation", out
assert heard.acquire(timeout=120)
kind, e = messages[-1]
assert kind == "SubscriptionConfirmation" and e["TopicArn"] == topic, e
urllib.request.urlopen(e["SubscribeURL"]).read()
sns.publish(TopicArn=topic, Message="by HTTP")
assert heard.acquire(timeout=120)
kind, e = messages[-1]
assert kind == "Notification" and e["Message"] == "by HTTP", e
urllib.request.urlopen(e["UnsubscribeURL"]).read()
left = [s["SubscriptionArn"] for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]
assert sorted(a == "Deleted" for a in left) == [False, False, True], left  # an endpoint may ask for it back
assert json.loads(receive(plain)["Body"])["Message"] == "by HTTP"

# A bucket tells the topic, which tells the queue.
s3.create_bucket(Bucket="sns-told")
s3.put_bucket_notification_configuration(Bucket="sns-told", NotificationConfiguration={"TopicConfigurations": [{
    "TopicArn": topic, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}}]})
assert json.loads(json.loads(receive(plain)["Body"])["Message"])["Event"] == "s3:TestEvent"
s3.put_object(Bucket="sns-told", Key="out/x", Body=b"x")
s3.put_object(Bucket="sns-told", Key="in/a b+ü.csv", Body=b"hello")
record = json.loads(json.loads(receive(plain)["Body"])["Message"])["Records"][0]
assert record["eventName"] == "ObjectCreated:Put" and record["s3"]["object"]["size"] == 5, record
assert urllib.parse.unquote_plus(record["s3"]["object"]["key"]) == "in/a b+ü.csv", record

assert code(sns.publish, TopicArn=topic + "x", Message="x") == "NotFound"
assert code(sns.publish, PhoneNumber="+12065550100", Message="x") == "InvalidParameter"
assert code(sns.subscribe, TopicArn=topic, Protocol="http", Endpoint="http://169.254.169.254/") == "InvalidParameter"
sns.delete_topic(TopicArn=topic)
assert sns.list_subscriptions()["Subscriptions"] == []
print("ok")
