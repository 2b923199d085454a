"""What puts events on buses besides PutEvents: integrations of HTTP and REST APIs, and destinations of functions."""
import io, json, os, urllib.error, urllib.request, zipfile
import boto3

events, sqs, http, rest, awslambda = (boto3.client(n) for n in ("events", "sqs", "apigatewayv2", "apigateway", "lambda"))
ROLE = "arn:aws:iam::000000000000:role/events"
EXECUTE = os.environ["AWS_ENDPOINT_URL"] + "/_aws/execute-api/"

bus = events.create_event_bus(Name="sources")["EventBusArn"]
url = sqs.create_queue(QueueName="events-sources")["QueueUrl"]
queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
events.put_rule(Name="all", EventBusName="sources", EventPattern='{"account": ["000000000000"]}')
events.put_targets(Rule="all", EventBusName="sources", Targets=[{"Id": "q", "Arn": queue}])


def receive():
    for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", []):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        return json.loads(m["Body"])
    raise AssertionError("nothing came")


def post(path, body, **headers):
    r = urllib.request.Request(EXECUTE + path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(r) as response:
        return json.load(response)


# An HTTP API.
api = http.create_api(Name="sources", ProtocolType="HTTP")["ApiId"]
i = http.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationSubtype="EventBridge-PutEvents", CredentialsArn=ROLE, PayloadFormatVersion="1.0", RequestParameters={
    "EventBusName": bus, "Source": "shop.web", "DetailType": "$request.header.kind", "Detail": "$request.body", "Time": "$context.requestTimeEpoch", "Resources": "${request.body.id}"})
http.create_route(ApiId=api, RouteKey="POST /orders", Target="integrations/" + i["IntegrationId"])
http.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
out = post(api + "/orders", {"id": "o-1", "lines": [1, 2]}, Kind="order")
e = receive()
assert out == {"Entries": [{"EventId": e["id"]}], "FailedEntryCount": 0}, out
assert (e["source"], e["detail-type"], e["detail"], e["resources"]) == ("shop.web", "order", {"id": "o-1", "lines": [1, 2]}, ["o-1"]), e
try:
    post(api + "/orders", {"id": "o-2"})
    raise AssertionError("an event without a type was taken")
except urllib.error.HTTPError as refused:
    assert refused.code == 400, refused

# A REST API.
api = rest.create_rest_api(name="sources")["id"]
of = dict(restApiId=api, resourceId=rest.get_resources(restApiId=api)["items"][0]["id"], httpMethod="POST")
rest.put_method(authorizationType="NONE", **of)
rest.put_integration(type="AWS", integrationHttpMethod="POST", uri="arn:aws:apigateway:us-east-1:events:action/PutEvents", credentials=ROLE, **of,
    requestParameters={"integration.request.header.X-Amz-Target": "'AWSEvents.PutEvents'", "integration.request.header.Content-Type": "'application/x-amz-json-1.1'"},
    requestTemplates={"application/json": '{"Entries": [{"Source": "shop.rest", "DetailType": "order", "Detail": "$util.escapeJavaScript($input.body)", "EventBusName": "sources"}]}'})
rest.put_method_response(statusCode="200", **of)
rest.put_integration_response(statusCode="200", **of)
rest.create_deployment(restApiId=api, stageName="v1")
out = post(api + "/v1/", {"id": "o-3"})
e = receive()
assert out["Entries"][0]["EventId"] == e["id"] and e["source"] == "shop.rest" and e["detail"] == {"id": "o-3"}, (out, e)

# How calls of a function end.
package = io.BytesIO()
with zipfile.ZipFile(package, "w") as z:
    z.writestr("m.py", "def h(e, c):\n    if e['fail']: raise ValueError('no')\n    return {'done': 1}\n")
f = awslambda.create_function(FunctionName="sources", Runtime="python3.12", Role=ROLE, Handler="m.h", Code={"ZipFile": package.getvalue()})["FunctionArn"]
awslambda.put_function_event_invoke_config(FunctionName="sources", MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": {"Destination": bus}, "OnFailure": {"Destination": bus}})
for fail in (False, True):
    awslambda.invoke(FunctionName="sources", InvocationType="Event", Payload=json.dumps({"fail": fail}))
    e = receive()
    assert e["source"] == "lambda" and e["resources"] == [bus, f + ":$LATEST"], e
    assert e["detail-type"] == "Lambda Function Invocation Result - " + ("Failure" if fail else "Success"), e
    assert e["detail"]["requestPayload"] == {"fail": fail} and ("errorType" in e["detail"]["responsePayload"]) == fail, e
