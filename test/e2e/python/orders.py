"""Uses what examples/orders has made: arguments are the outputs of Terraform as JSON, the folder
of the example, the number of orders and a token for the workflow's role. Orders go in by the API; each has to be in the table and
in the lake once, the named queries must be right to the cent, and the code of a function is
replaced with credentials of the workflow's role while orders are on their way."""
import collections
import concurrent.futures
import decimal
import io
import json
import os
import subprocess
import sys
import time
import urllib.request
import zipfile

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

out = {k: v["value"] for k, v in json.loads(sys.argv[1]).items()}
example, count, token = sys.argv[2], int(sys.argv[3]), sys.argv[4]
endpoint = os.environ["AWS_ENDPOINT_URL"]
taken = os.path.join(example, "taken.jsonl")


def session(credentials):
    return boto3.Session(aws_access_key_id=credentials["AccessKeyId"], aws_secret_access_key=credentials["SecretAccessKey"],
                         aws_session_token=credentials["SessionToken"], region_name="us-east-1")


def post(first, orders):
    subprocess.run([sys.executable, os.path.join(example, "producer.py"), "--url", f"{endpoint}/_aws/execute-api/{out['api_id']}/apiv1/orders",
                    "--stream", out["stream"], "--orders", str(orders), "--first", str(first), "--out", taken], check=True)


def next_version():
    """The consumer with another comment."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive, open(os.path.join(example, "functions", "consumer", "lambda_function.py")) as file:
        archive.writestr("lambda_function.py", file.read() + "# deployed again\n")
    return code.getvalue()


def until(what, good, seconds=120):
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if good(value):
            return value
        assert time.monotonic() < deadline, f"after {seconds} s: {value}"
        time.sleep(0.2)


def flush():
    for name in out["deliveries"]:
        signed = AWSRequest("POST", f"{endpoint}/_brookmere/deliveries/{name}/flush")
        SigV4Auth(boto3.Session().get_credentials(), "brookmere", "us-east-1").add_auth(signed)
        urllib.request.urlopen(urllib.request.Request(signed.url, method="POST", headers=dict(signed.headers)), timeout=60).read()


# Half of the orders goes in while a workflow deploys the consumer.
sts = boto3.client("sts")
deploy = session(sts.assume_role_with_web_identity(RoleArn=out["deploy_role"], RoleSessionName="deploy", WebIdentityToken=token)["Credentials"])
functions = deploy.client("lambda")
before = functions.get_function_configuration(FunctionName=out["consumer"])["CodeSha256"]
with concurrent.futures.ThreadPoolExecutor() as pool:
    posting = pool.submit(post, 0, count // 2)
    functions.update_function_code(FunctionName=out["consumer"], ZipFile=next_version())
    functions.get_waiter("function_updated_v2").wait(FunctionName=out["consumer"], WaiterConfig={"Delay": 1})
    posting.result()
assert functions.get_function_configuration(FunctionName=out["consumer"])["CodeSha256"] != before
try:
    functions.update_function_configuration(FunctionName=out["consumer"], Timeout=3)
    raise AssertionError("the workflow's role may do more than it was given")
except ClientError as e:
    assert e.response["Error"]["Code"] == "AccessDeniedException", e
post(count // 2, count - count // 2)

with open(taken) as file:
    orders = [json.loads(line, parse_float=decimal.Decimal) for line in file]
assert len(orders) == count, len(orders)

# The table has every order, as it was posted.
table = boto3.resource("dynamodb").Table(out["table"])


def items():
    found, start = [], {}
    while True:
        page = table.scan(ConsistentRead=True, **start)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


found = until(items, lambda found: len(found) >= count)
assert len(found) == count, len(found)
by_id = {item["order_id"]: item for item in found}
for order in orders:
    assert by_id[order["order_id"]] == order, (by_id[order["order_id"]], order)

# The lake has it too. An analyst asks, who may read the lake and nothing else.
flush()
s3 = boto3.client("s3")
keys = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=out["bucket"]) for o in page.get("Contents", [])]
errors = [k for k in keys if k.startswith("errors/")]
assert not errors, (errors, s3.get_object(Bucket=out["bucket"], Key=errors[0])["Body"].read()[:2000])
countries = {o["shipping_address"]["country"] for o in orders}
assert {k.split("/")[1] for k in keys if k.startswith("shipping_addresses/")} == {f"country={c}" for c in countries}, keys

iam = boto3.client("iam")  # roles are assumed by users, not by the account itself
iam.create_user(UserName="ada")
iam.put_user_policy(UserName="ada", PolicyName="analyst", PolicyDocument=json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": out["analyst_role"]}]}))
key = iam.create_access_key(UserName="ada")["AccessKey"]
ada = boto3.Session(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"], region_name="us-east-1")
analyst = session(ada.client("sts").assume_role(RoleArn=out["analyst_role"], RoleSessionName="analyst")["Credentials"])
athena = analyst.client("athena")


def query(sql):
    qid = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": out["database"]},
                                       ResultConfiguration={"OutputLocation": f"s3://{out['bucket']}/results/"})["QueryExecutionId"]
    status = until(lambda: athena.get_query_execution(QueryExecutionId=qid)["QueryExecution"]["Status"],
                   lambda s: s["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"))
    assert status["State"] == "SUCCEEDED", (sql, status)
    rows = []
    for page in athena.get_paginator("get_query_results").paginate(QueryExecutionId=qid):
        rows += [[c.get("VarCharValue") for c in row["Data"]] for row in page["ResultSet"]["Rows"]]
    return rows[1:]


named = {}
for qid in athena.list_named_queries()["NamedQueryIds"]:
    q = athena.get_named_query(NamedQueryId=qid)["NamedQuery"]
    named[q["Name"]] = q["QueryString"]
assert len(named) == 5, named


def cents(text):
    return decimal.Decimal(text).quantize(decimal.Decimal("0.01"))


for name, rows in (("orders", count), ("product-details", 2 * count), ("purchase-details", count), ("shipping-addresses", count)):
    have = query(f'SELECT COUNT(*), COUNT(DISTINCT order_id) FROM "{name}"')
    assert have == [[str(rows), str(count)]], (name, have)

amount = sum(o["purchaise_details"]["amount"] for o in orders)
[[average]] = query(named["average-amount"])
assert abs(decimal.Decimal(average) - amount / count) < decimal.Decimal("0.005"), (average, amount / count)

by_type, by_country, quantities = collections.Counter(), collections.Counter(), collections.Counter()
for o in orders:
    by_type[o["purchaise_details"]["payment_type"]] += o["purchaise_details"]["amount"]
    by_country[o["shipping_address"]["country"]] += o["purchaise_details"]["amount"]
    for p in o["product_details"]:
        quantities[p["name"]] += int(p["quantity"])
have = {k: cents(v) for k, v in query(named["amount-by-payment-type"])}
assert have == by_type, (have, by_type)
have = {k: cents(v) for k, v in query(named["amount-by-country"])}
assert have == by_country, (have, by_country)
have = {k: int(v) for k, v in query(named["quantity-by-product"])}
assert have == quantities, (have, quantities)
have = query(named["orders-with-addresses"])
want = sorted([o["customer_id"], o["order_id"], o["status"], o["shipping_address"]["city"], o["shipping_address"]["country"]] for o in orders)
assert sorted(have) == want, (have[:3], want[:3])
have = dict(query('SELECT order_id, CAST(order_date AS varchar) FROM "orders"'))
assert have == {o["order_id"]: o["order_date"][:10] for o in orders}, list(have.items())[:3]

try:
    analyst.client("dynamodb").scan(TableName=out["table"])
    raise AssertionError("the analyst's role may do more than it was given")
except ClientError as e:
    assert e.response["Error"]["Code"] == "AccessDeniedException", e
print(f"{count} orders of {amount} are in the table and in the lake once")
