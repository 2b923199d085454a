"""Targets of rules where policies count (--iam enforce): queues, topics, functions and log groups let EventBridge in by their
policies, for the rule; streams and buses are reached as a role that trusts it; a bus lets others in by its policy."""
import io, json, os, time, urllib.error, urllib.request, zipfile
import boto3
from botocore.exceptions import ClientError

iam, events, sqs, sns, logs, kinesis, awslambda = (boto3.client(n) for n in ("iam", "events", "sqs", "sns", "logs", "kinesis", "lambda"))
ACCOUNT = "000000000000"


def arn(service, resource):
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}"


def receive(url, seconds=20):
    for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=seconds, MessageAttributeNames=["All"]).get("Messages", []):
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


def statement(action, resource, source):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "s", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": action,
                       "Resource": resource, "Condition": {"ArnEquals": {"aws:SourceArn": source}}}]})


def role(name, service, *actions):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}]}
    r = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if actions:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
    return r


rule = events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')["RuleArn"]
dead = sqs.create_queue(QueueName="dead", Attributes={"Policy": statement("sqs:SendMessage", arn("sqs", "dead"), rule)})["QueueUrl"]
shut = sqs.create_queue(QueueName="shut", Attributes={"Policy": statement("sqs:SendMessage", arn("sqs", "shut"), rule + "x")})["QueueUrl"]
opened = sqs.create_queue(QueueName="opened", Attributes={"Policy": statement("sqs:SendMessage", arn("sqs", "opened"), rule)})["QueueUrl"]
kinesis.create_stream(StreamName="s", ShardCount=1)
kinesis.get_waiter("stream_exists").wait(StreamName="s")
logs.create_log_group(logGroupName="/aws/events/g")
good, other, poor = role("good", "events.amazonaws.com", "kinesis:PutRecord"), role("other", "lambda.amazonaws.com", "kinesis:PutRecord"), role("poor", "events.amazonaws.com")


def put(targets, source="shop", bus="default"):
    have = [t["Id"] for t in events.list_targets_by_rule(Rule="r")["Targets"]]
    if have:
        events.remove_targets(Rule="r", Ids=have)
    events.put_targets(Rule="r", Targets=[dict(t, DeadLetterConfig={"Arn": arn("sqs", "dead")}) for t in targets])
    out = events.put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": "{}", "EventBusName": bus}])
    assert out["FailedEntryCount"] == 0, out
    return out["Entries"][0]["EventId"]


def refused(target, code="NO_PERMISSIONS"):
    event = put([target])
    m = receive(dead)
    assert m["MessageAttributes"]["ERROR_CODE"]["StringValue"] == code and json.loads(m["Body"])["id"] == event, m


refused({"Id": "q", "Arn": arn("sqs", "shut")})
event = put([{"Id": "q", "Arn": arn("sqs", "opened")}])
assert json.loads(receive(opened)["Body"])["id"] == event

topic = sns.create_topic(Name="t")["TopicArn"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", "opened"), Attributes={"RawMessageDelivery": "true"})
sqs.set_queue_attributes(QueueUrl=opened, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": ["sns.amazonaws.com"]}, "Action": "sqs:SendMessage", "Resource": arn("sqs", "opened")}]})})
refused({"Id": "t", "Arn": topic})
sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=statement("sns:Publish", topic, rule))
event = put([{"Id": "t", "Arn": topic}])
assert json.loads(receive(opened)["Body"])["id"] == event

refused({"Id": "s", "Arn": arn("kinesis", "stream/s"), "RoleArn": other}, "FAILED_TO_ASSUME_ROLE")
refused({"Id": "s", "Arn": arn("kinesis", "stream/s"), "RoleArn": poor})
event = put([{"Id": "s", "Arn": arn("kinesis", "stream/s"), "RoleArn": good}])
shard = kinesis.get_shard_iterator(StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
assert json.loads(until(lambda: kinesis.get_records(ShardIterator=shard)["Records"])[0]["Data"])["id"] == event

refused({"Id": "g", "Arn": arn("logs", "log-group:/aws/events/g")})
logs.put_resource_policy(policyName="events", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": arn("logs", "log-group:/aws/events/*:*")}]}))
event = put([{"Id": "g", "Arn": arn("logs", "log-group:/aws/events/g")}])
assert json.loads(until(lambda: logs.filter_log_events(logGroupName="/aws/events/g")["events"])[0]["message"])["id"] == event

package = io.BytesIO()
with zipfile.ZipFile(package, "w") as z:
    z.writestr("m.py", "def h(e, c):\n    print('got ' + e['id'])\n")
runs = role("runs", "lambda.amazonaws.com", "logs:*")
function = awslambda.create_function(FunctionName="f", Runtime="python3.12", Role=runs, Handler="m.h", Code={"ZipFile": package.getvalue()})["FunctionArn"]
awslambda.get_waiter("function_active_v2").wait(FunctionName="f")
refused({"Id": "f", "Arn": function})
awslambda.add_permission(FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=rule)
event = put([{"Id": "f", "Arn": function}])


def printed():
    try:
        return [e for e in logs.filter_log_events(logGroupName="/aws/lambda/f")["events"] if event in e["message"]]
    except logs.exceptions.ResourceNotFoundException:
        return None


until(printed)

# Another bus, as a role that may put events there.
events.create_event_bus(Name="b")
on = events.put_rule(Name="on", EventBusName="b", EventPattern='{"source": ["shop"]}')["RuleArn"]
last = sqs.create_queue(QueueName="last", Attributes={"Policy": statement("sqs:SendMessage", arn("sqs", "last"), on)})["QueueUrl"]
events.put_targets(Rule="on", EventBusName="b", Targets=[{"Id": "q", "Arn": arn("sqs", "last")}])
refused({"Id": "b", "Arn": arn("events", "event-bus/b"), "RoleArn": good})
iam.put_role_policy(RoleName="good", PolicyName="bus", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": arn("events", "event-bus/b")}]}))
event = put([{"Id": "b", "Arn": arn("events", "event-bus/b"), "RoleArn": good}])
assert json.loads(receive(last)["Body"])["id"] == event

# An HTTP API and a function put events on a bus as their roles.
http = boto3.client("apigatewayv2")
api = http.create_api(Name="b", ProtocolType="HTTP")["ApiId"]
sender = role("sender", "apigateway.amazonaws.com")
i = http.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationSubtype="EventBridge-PutEvents", CredentialsArn=sender, PayloadFormatVersion="1.0",
    RequestParameters={"EventBusName": "b", "Source": "shop", "DetailType": "t", "Detail": "$request.body"})
http.create_route(ApiId=api, RouteKey="POST /", Target="integrations/" + i["IntegrationId"])
http.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)


def post():
    try:
        with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_aws/execute-api/" + api + "/", b"{}") as response:
            return response.status, response.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def may_put(name):
    iam.put_role_policy(RoleName=name, PolicyName="bus", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": arn("events", "event-bus/b")}]}))


status, body = post()
assert status >= 400 and b"not authorized" in body, (status, body)
may_put("sender")
status, body = post()
assert status == 200 and json.loads(receive(last)["Body"])["id"] == json.loads(body)["Entries"][0]["EventId"], (status, body)

results = events.put_rule(Name="results", EventBusName="b", EventPattern='{"source": ["lambda"]}')["RuleArn"]
sqs.set_queue_attributes(QueueUrl=last, Attributes={"Policy": statement("sqs:SendMessage", arn("sqs", "last"), arn("events", "rule/b/*")).replace("ArnEquals", "ArnLike")})
events.put_targets(Rule="results", EventBusName="b", Targets=[{"Id": "q", "Arn": arn("sqs", "last")}])
awslambda.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": {"Destination": arn("events", "event-bus/b")}})
awslambda.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"id": "tried again"}')
event = "got tried again"
until(printed)
assert "Messages" not in sqs.receive_message(QueueUrl=last), "put without a permission"
may_put("runs")
assert json.loads(receive(last)["Body"])["detail"]["requestPayload"] == {"id": "tried again"}

# A user puts events where its policies let it, and hands on roles that it may pass.
iam.create_user(UserName="u")
key = iam.create_access_key(UserName="u")["AccessKey"]
mine = boto3.client("events", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def code(f, **kw):
    try:
        f(**kw)
    except ClientError as e:
        return e.response["Error"]["Code"]


entry = {"Source": "shop", "DetailType": "t", "Detail": "{}", "EventBusName": "b"}
assert code(mine.put_events, Entries=[entry]) == "AccessDeniedException"
iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["events:PutEvents", "events:PutTargets"], "Resource": "*"}]}))
assert mine.put_events(Entries=[entry])["FailedEntryCount"] == 0
receive(last)
assert code(mine.put_targets, Rule="r", Targets=[{"Id": "s", "Arn": arn("kinesis", "stream/s"), "RoleArn": good}]) == "AccessDeniedException"
iam.put_user_policy(UserName="u", PolicyName="pass", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:PassRole", "Resource": good}]}))
assert code(mine.put_targets, Rule="r", Targets=[{"Id": "s", "Arn": arn("kinesis", "stream/s"), "RoleArn": good}]) is None
