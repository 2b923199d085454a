"""Services act as the roles that they were given, where policies count (--iam enforce): what a role
may not do fails where it fails on AWS, and works when the role may."""
import base64
import io
import json
import os
import time
import urllib.error
import urllib.request
import zipfile

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL"]
iam, kinesis, firehose, lam, s3, glue, api = (boto3.client(s) for s in ("iam", "kinesis", "firehose", "lambda", "s3", "glue", "apigateway"))
stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s"


def role(name, service):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}]}
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]


def allow(name, *actions, on="*"):
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": on}]}
    iam.put_role_policy(RoleName=name, PolicyName="-".join(a.replace(":", ".").replace("*", "all") for a in actions)[:60], PolicyDocument=json.dumps(document))


def refused(code, words, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code and words in e.response["Error"]["Message"], e
        return
    raise AssertionError(f"{call} is not refused")


def until(what, seconds=180):
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.1)
    return value


def package(code):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("lambda_function.py", code)
    return out.getvalue()


def function(name, role, code):
    return lam.create_function(FunctionName=name, Role=role, Runtime="python3.12", Handler="lambda_function.lambda_handler", Code={"ZipFile": package(code)})["FunctionArn"]


kinesis.create_stream(StreamName="s", ShardCount=1)
s3.create_bucket(Bucket="lake")

# Event source mappings read as the function's role.
worker = role("worker", "lambda.amazonaws.com")
function("consumer", worker, "def lambda_handler(event, context):\n    print(len(event['Records']))\n")
mapping = dict(EventSourceArn=stream, FunctionName="consumer", StartingPosition="TRIM_HORIZON")
refused("InvalidParameterValueException", "Cannot access stream", lam.create_event_source_mapping, **mapping)
allow("worker", "kinesis:DescribeStream", "kinesis:ListShards", "kinesis:GetShardIterator", on=stream)
refused("InvalidParameterValueException", "Cannot access stream", lam.create_event_source_mapping, **mapping)
allow("worker", "kinesis:GetRecords", on=stream)
uuid = lam.create_event_source_mapping(**mapping)["UUID"]
kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"{}")
until(lambda: lam.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK")
iam.delete_role_policy(RoleName="worker", PolicyName="kinesis.GetRecords")
kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"{}")
until(lambda: "not authorized to perform: kinesis:GetRecords" in lam.get_event_source_mapping(UUID=uuid)["LastProcessingResult"])

# A delivery reads, looks schemas up, transforms and writes as its role.
arn = function("transform", worker, "def lambda_handler(event, context):\n    return {'records': [{'recordId': r['recordId'], 'result': 'Ok', 'data': r['data']} for r in event['records']]}\n")
glue.create_database(DatabaseInput={"Name": "db"})
glue.create_table(DatabaseName="db", TableInput={"Name": "t-t", "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "string"}], "Location": "s3://lake/t/"}})
delivery = role("delivery", "firehose.amazonaws.com")
destination = {
    "RoleARN": delivery, "BucketARN": "arn:aws:s3:::lake", "Prefix": "data/", "ErrorOutputPrefix": "errors/", "BufferingHints": {"SizeInMBs": 128, "IntervalInSeconds": 300},
    "ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": [
        {"ParameterName": "LambdaArn", "ParameterValue": arn + ":$LATEST"}, {"ParameterName": "NumberOfRetries", "ParameterValue": "0"}]}]},
    "DataFormatConversionConfiguration": {
        "Enabled": True, "SchemaConfiguration": {"DatabaseName": "db", "TableName": "t-t", "RoleARN": delivery, "Region": "us-east-1"},
        "InputFormatConfiguration": {"Deserializer": {"HiveJsonSerDe": {}}}, "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}}},
}
create = dict(DeliveryStreamName="d", DeliveryStreamType="KinesisStreamAsSource", ExtendedS3DestinationConfiguration=destination,
              KinesisStreamSourceConfiguration={"KinesisStreamARN": stream, "RoleARN": delivery})
refused("InvalidArgumentException", "Access was denied when calling Glue", firehose.create_delivery_stream, **create)
allow("delivery", "glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions")
refused("InvalidArgumentException", "is not authorized to perform: kinesis:DescribeStream", firehose.create_delivery_stream, **create)
allow("delivery", "kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards", on=stream)
allow("delivery", "s3:PutObject", on="arn:aws:s3:::lake/*")
firehose.create_delivery_stream(**create)


def flush():
    signed = AWSRequest("POST", f"{endpoint}/_brookmere/deliveries/d/flush")
    SigV4Auth(boto3.Session().get_credentials(), "brookmere", "us-east-1").add_auth(signed)
    urllib.request.urlopen(urllib.request.Request(signed.url, method="POST", headers=dict(signed.headers)), timeout=60).read()


def objects(prefix):
    return [o["Key"] for o in s3.list_objects_v2(Bucket="lake", Prefix=prefix).get("Contents", [])]


kinesis.put_record(StreamName="s", PartitionKey="k", Data=b'{"a":"first"}')
flush()
[key] = objects("errors/")
failed = json.loads(s3.get_object(Bucket="lake", Key=key)["Body"].read())
assert failed["errorCode"] == "Lambda.AccessDeniedException" or "AccessDenied" in failed["errorCode"], failed
assert base64.b64decode(failed["rawData"]) == b'{"a":"first"}', failed
allow("delivery", "lambda:InvokeFunction", on=arn + ":*")
kinesis.put_record(StreamName="s", PartitionKey="k", Data=b'{"a":"second"}')
flush()
assert len(objects("data/")) == 1 and len(objects("errors/")) == 1, (objects("data/"), objects("errors/"))

# Without credentials a function's policy lets an API in, for a method of it.
hello = function("hello", worker, "def lambda_handler(event, context):\n    return {'statusCode': 200, 'body': 'hello'}\n")
rest = api.create_rest_api(name="hello")
resource = api.create_resource(restApiId=rest["id"], parentId=rest["rootResourceId"], pathPart="{who}")["id"]
method = dict(restApiId=rest["id"], resourceId=resource, httpMethod="GET")
api.put_method(**method, authorizationType="NONE")
api.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{hello}/invocations")
api.create_deployment(restApiId=rest["id"], stageName="v1")


def get(status):
    try:
        with urllib.request.urlopen(f"{endpoint}/_aws/execute-api/{rest['id']}/v1/ann") as response:
            got, body = response.status, response.read()
    except urllib.error.HTTPError as e:
        got, body = e.code, e.read()
    assert got == status, (got, body)
    return body


def permit(statement, path):
    lam.add_permission(FunctionName="hello", StatementId=statement, Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
                       SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{rest['id']}/{path}")


assert json.loads(get(500)) == {"message": "Internal server error"}
permit("other", "*/POST/{who}")
get(500)
permit("this", "*/GET/{who}")
assert get(200) == b"hello"

# Nor does a role let a service in that does not trust it.
untrusted = role("untrusted", "ec2.amazonaws.com")
allow("untrusted", "lambda:InvokeFunction")
api.update_integration(**method, patchOperations=[{"op": "replace", "path": "/credentials", "value": untrusted}])
api.create_deployment(restApiId=rest["id"], stageName="v1")
get(500)
