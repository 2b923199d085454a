"""Athena through boto3: statements, their order, their results and what is refused."""
import gzip
import json
import os
import time
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(retries={"max_attempts": 0})
s3, glue, athena = boto3.client("s3"), boto3.client("glue"), boto3.client("athena", config=config)
OUT = "s3://lake-root/athena-results/"
s3.create_bucket(Bucket="lake-root")


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


def start(sql, db="default", **kw):
    kw.setdefault("ResultConfiguration", {"OutputLocation": OUT})
    return athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": db}, **kw)["QueryExecutionId"]


def wait(q):
    while True:
        x = athena.get_query_execution(QueryExecutionId=q)["QueryExecution"]
        if x["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            return x
        time.sleep(0.005)


def run(sql, db="default", **kw):
    q = start(sql, db, **kw)
    x = wait(q)
    assert x["Status"]["State"] == "SUCCEEDED", f"{sql}: {x['Status']}"
    return q


def rows(q):
    out, kw = [], {}
    while True:
        page = athena.get_query_results(QueryExecutionId=q, **kw)
        out += [tuple(d.get("VarCharValue") for d in r["Data"]) for r in page["ResultSet"]["Rows"]]
        if "NextToken" not in page:
            return out
        kw = {"NextToken": page["NextToken"]}


def query(sql, db="default", **kw):
    return rows(run(sql, db, **kw))[1:]


def failure(sql, db="default", **kw):
    x = wait(start(sql, db, **kw))
    want(x["Status"]["State"], "FAILED", sql)
    return x["Status"]["StateChangeReason"]


def refused(call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        return e.response["Error"]["Code"], e.response["Error"]["Message"]
    return None, None


def put(key, text, compress=False):
    body = text.encode()
    s3.put_object(Bucket="lake-root", Key=key, Body=gzip.compress(body) if compress else body)


# Three headerless files of different widths in the root of a bucket that holds the
# results too; a table each, a view each that takes the lines of its own kind.
put("customers.csv", "C,1,Ann,Oslo\nC,2,Bob,Bergen\n")
put("orders.csv", "O,100,1,widget,3,2024-05-01\nO,101,2,gadget,1,2024-05-02\nO,102,1,gadget,2,2024-05-03\n")
put("payments.csv", "P,100,25.50\nP,101,10.00\n")
for i, (name, columns) in enumerate({
    "raw_customers": "kind string, id int, name string, city string",
    "raw_orders": "kind string, id int, customer int, item string, qty int, day string",
    "raw_payments": "kind string, order_id int, amount double",
}.items()):
    if i == 0:
        start("CREATE DATABASE IF NOT EXISTS ref")
    start(f"CREATE EXTERNAL TABLE IF NOT EXISTS {name} ({columns}) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
          "STORED AS TEXTFILE LOCATION 's3://lake-root/'", "ref")
for name, kind in (("customers", "C"), ("orders", "O"), ("payments", "P")):
    start(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM raw_{name} WHERE kind = '{kind}'", "ref")
q = start("SELECT c.name who, sum(o.qty) total, max(p.amount) paid FROM customers c JOIN orders o ON o.customer = c.id "
          "LEFT JOIN payments p ON p.order_id = o.id GROUP BY c.name ORDER BY 1", "ref")
want(wait(q)["Status"].get("StateChangeReason"), None, "reference query")
want(rows(q), [("who", "total", "paid"), ("Ann", "5", "25.5"), ("Bob", "1", "10.0")], "views over one bucket root")

# Trades and prices as JSON.
put("trades/t.json", "".join(json.dumps({"symbol": s, "qty": n, "ts": t}) + "\n" for s, n, t in
                             (("BRK", 10, "2024-05-01T10:00:00Z"), ("MER", 4, "2024-05-01T10:00:01Z"), ("BRK", 5, "2024-05-01T10:00:02Z"))))
put("prices/p.json.gz", "".join(json.dumps({"symbol": s, "price": p}) + "\n" for s, p in (("BRK", 12.5), ("MER", 3.0))), True)
for name, columns in (("trades", "symbol string, qty int, ts string"), ("prices", "symbol string, price double")):
    start(f"CREATE EXTERNAL TABLE {name} ({columns}) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://lake-root/{name}/'", "ref")
want(query("SELECT t.symbol, qty*price AS trade_value, t.qty quantity FROM trades t JOIN prices p ON t.symbol = p.symbol ORDER BY trade_value DESC", "ref"),
     [("BRK", "125.0", "10"), ("BRK", "62.5", "5"), ("MER", "12.0", "4")], "trade values")
want(query("SELECT sum(qty * price) total FROM ref.trades t, ref.prices p WHERE t.symbol = p.symbol"), [("199.5",)], "total")

# What an execution says.
q = run("SELECT symbol, count(*) c, CAST(1.5 AS decimal(5,2)) d, CAST(NULL AS varchar) n, timestamp '2024-01-01 00:00:00' t FROM trades GROUP BY 1 ORDER BY 1", "ref")
x = athena.get_query_execution(QueryExecutionId=q)["QueryExecution"]
want((x["StatementType"], x["SubstatementType"], x["WorkGroup"]), ("DML", "SELECT", "primary"), "kind")
want(x["ResultConfiguration"]["OutputLocation"], f"{OUT}{q}.csv", "output location")
assert x["Statistics"]["DataScannedInBytes"] > 0 and x["Statistics"]["TotalExecutionTimeInMillis"] >= x["Statistics"]["EngineExecutionTimeInMillis"], x["Statistics"]
meta = athena.get_query_results(QueryExecutionId=q)["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
want([(c["Name"], c["Type"]) for c in meta], [("symbol", "varchar"), ("c", "bigint"), ("d", "decimal"), ("n", "varchar"), ("t", "timestamp")], "column types")
csv = s3.get_object(Bucket="lake-root", Key=f"athena-results/{q}.csv")["Body"].read().decode()
want(csv.splitlines()[:2], ['"symbol","c","d","n","t"', '"BRK","2","1.50",,"2024-01-01 00:00:00.000"'], "result object")
want(athena.get_query_runtime_statistics(QueryExecutionId=q)["QueryRuntimeStatistics"]["Rows"]["OutputRows"], 2, "runtime statistics")

# CREATE TABLE AS, INSERT, UNLOAD.
q = run("CREATE TABLE by_symbol WITH (format = 'PARQUET', partitioned_by = ARRAY['symbol']) AS SELECT qty, ts, symbol FROM trades", "ref")
x = athena.get_query_execution(QueryExecutionId=q)["QueryExecution"]
want(x["SubstatementType"], "CREATE_TABLE_AS_SELECT", "subtype")
t = glue.get_table(DatabaseName="ref", Name="by_symbol")["Table"]
want(t["StorageDescriptor"]["Location"], f"{OUT}tables/{q}/", "location of CTAS")
want([k["Name"] for k in t["PartitionKeys"]], ["symbol"], "partition keys")
manifest = x["Statistics"]["DataManifestLocation"]
want(manifest, f"{OUT}tables/{q}-manifest.csv", "manifest")
listed = s3.get_object(Bucket="lake-root", Key=manifest[len("s3://lake-root/"):])["Body"].read().decode().split()
want(sorted(k.split("/")[-2] for k in listed), ["symbol=BRK", "symbol=MER"], "folders")
run("INSERT INTO by_symbol VALUES (7, 'now', 'NEW'), (8, 'now', 'BRK')", "ref")
want(query("SELECT symbol, sum(qty) FROM by_symbol GROUP BY 1 ORDER BY 1", "ref"), [("BRK", "23"), ("MER", "4"), ("NEW", "7")], "inserted")
want(rows(run("SHOW PARTITIONS by_symbol", "ref")),
     [("symbol=BRK",), ("symbol=MER",), ("symbol=NEW",)], "partitions")
want(query('SELECT count(*), max(symbol) FROM "by_symbol$partitions"', "ref"), [("3", "NEW")], "table of partitions")
want("TABLE_ALREADY_EXISTS" in failure("CREATE TABLE by_symbol AS SELECT 1 a", "ref"), True, "CTAS over a table")
want("HIVE_PATH_ALREADY_EXISTS" in failure("CREATE TABLE fresh WITH (external_location = 's3://lake-root/trades/') AS SELECT 1 a", "ref"), True, "CTAS over objects")
want("COLUMN_NOT_FOUND" in failure("CREATE TABLE fresh AS SELECT nope FROM trades", "ref"), True, "CTAS of a bad query")
want(refused(glue.get_table, DatabaseName="ref", Name="fresh")[0], "EntityNotFoundException", "no table after a failure")
for fmt, ext in (("PARQUET", ""), ("JSON", ".gz"), ("TEXTFILE", ".gz")):
    q = run(f"UNLOAD (SELECT symbol, qty FROM trades) TO 's3://lake-root/unload/{fmt}/' WITH (format = '{fmt}')", "ref")
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="lake-root", Prefix=f"unload/{fmt}/")["Contents"]]
    want((len(keys), keys[0].endswith(ext)), (1, True), f"objects of UNLOAD {fmt}: {keys}")
body = gzip.decompress(s3.get_object(Bucket="lake-root", Key=keys[0])["Body"].read()).decode()
want(sorted(body.splitlines()), ["BRK\x0110", "BRK\x015", "MER\x014"], "text unloaded")
want("HIVE_PATH_ALREADY_EXISTS" in failure("UNLOAD (SELECT 1 a) TO 's3://lake-root/unload/JSON/' WITH (format = 'JSON')"), True, "UNLOAD over objects")

# Fired without polling: a long read does not hold up what has nothing to do with it.
long = start("SELECT count(*) FROM UNNEST(sequence(1, 3000)) a(x), UNNEST(sequence(1, 3000)) b(y), UNNEST(sequence(1, 40)) c(z) WHERE (x * y) % 7 = z", "ref")
fired = [start(f"CREATE TABLE chain{i} AS SELECT {'n + 1 n FROM chain' + str(i - 1) if i else '1 n'}", "ref") for i in range(5)]
fired.append(start("SELECT n FROM chain4", "ref"))
wait(fired[-1])
want(rows(fired[-1]), [("n",), ("5",)], "chain")
x = athena.get_query_execution(QueryExecutionId=long)["QueryExecution"]["Status"]["State"]
athena.stop_query_execution(QueryExecutionId=long)
x = wait(long)
assert x["Status"]["State"] in ("CANCELLED", "SUCCEEDED"), x["Status"]

# Prepared statements, by SQL and by the API.
run("PREPARE by_qty FROM SELECT symbol FROM trades WHERE qty > ? AND qty < ? ORDER BY 1", "ref")
want(query("EXECUTE by_qty USING 4, 6", "ref"), [("BRK",)], "EXECUTE USING")
want(query("EXECUTE by_qty", "ref", ExecutionParameters=["4", "6"]), [("BRK",)], "EXECUTE with parameters")
want(query("SELECT ? || 'x', ? + 1", ExecutionParameters=["'a'", "41"]), [("ax", "42")], "parameters")
athena.create_prepared_statement(StatementName="ins", WorkGroup="primary", QueryStatement="INSERT INTO by_symbol VALUES (?, ?, ?)")
run("EXECUTE ins USING 1, 'p', 'PRE'", "ref")
want(query("SELECT qty FROM by_symbol WHERE symbol = 'PRE'", "ref"), [("1",)], "prepared INSERT")
b = athena.batch_get_prepared_statement(PreparedStatementNames=["ins", "by_qty", "gone"], WorkGroup="primary")
want((len(b["PreparedStatements"]), b["UnprocessedPreparedStatementNames"][0]["StatementName"]), (2, "gone"), "batch")
run("DEALLOCATE PREPARE by_qty")
want(refused(athena.get_prepared_statement, StatementName="by_qty", WorkGroup="primary")[0], "ResourceNotFoundException", "deallocated")

# Workgroups.
athena.create_work_group(Name="tight", Configuration={"ResultConfiguration": {"OutputLocation": "s3://lake-root/tight/"}, "BytesScannedCutoffPerQuery": 10000000},
                         Tags=[{"Key": "team", "Value": "data"}])
q = run("SELECT 1", WorkGroup="tight")
want(athena.get_query_execution(QueryExecutionId=q)["QueryExecution"]["ResultConfiguration"]["OutputLocation"], f"s3://lake-root/tight/{q}.csv", "enforced location")
put("big/big.csv", "x" * 99 + "\n")
s3.put_object(Bucket="lake-root", Key="big/more.csv", Body=(b"y" * 99 + b"\n") * 110000)
run("CREATE EXTERNAL TABLE big (line string) LOCATION 's3://lake-root/big/'", "ref")
x = wait(start("SELECT count(DISTINCT line) FROM big", "ref", WorkGroup="tight"))
want((x["Status"]["State"], x["Status"]["StateChangeReason"]), ("CANCELLED", "Bytes scanned limit was exceeded"), "cutoff")
c, m = refused(athena.start_query_execution, QueryString="CREATE TABLE z WITH (external_location = 's3://lake-root/z/') AS SELECT 1 a", WorkGroup="tight")
want((c, "external_location" in m), ("InvalidRequestException", True), "external_location where the location is enforced")
athena.update_work_group(WorkGroup="tight", State="DISABLED")
want(refused(athena.start_query_execution, QueryString="SELECT 1", WorkGroup="tight")[0], "InvalidRequestException", "disabled")
want(refused(athena.delete_work_group, WorkGroup="tight")[0], "InvalidRequestException", "not empty")
athena.delete_work_group(WorkGroup="tight", RecursiveDeleteOption=True)
want(refused(athena.get_work_group, WorkGroup="tight"), ("InvalidRequestException", "WorkGroup is not found."), "gone")

# Named queries, catalogs, metadata.
n = athena.create_named_query(Name="n", Database="ref", QueryString="SELECT 1", ClientRequestToken="t" * 32)["NamedQueryId"]
want(athena.create_named_query(Name="n", Database="ref", QueryString="SELECT 1", ClientRequestToken="t" * 32)["NamedQueryId"], n, "the same token")
want(len(athena.batch_get_named_query(NamedQueryIds=[n, str(uuid.uuid4())])["UnprocessedNamedQueryIds"]), 1, "batch")
athena.delete_named_query(NamedQueryId=n)
athena.create_data_catalog(Name="fn", Type="LAMBDA", Parameters={"function": "arn:aws:lambda:us-east-1:000000000000:function:f"})
want([c["CatalogName"] for c in athena.list_data_catalogs()["DataCatalogsSummary"]], ["AwsDataCatalog", "fn"], "catalogs")
athena.delete_data_catalog(Name="fn")
want([d["Name"] for d in athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"] if d["Name"] == "ref"], ["ref"], "databases")
tables = []
for page in athena.get_paginator("list_table_metadata").paginate(CatalogName="AwsDataCatalog", DatabaseName="ref", PaginationConfig={"PageSize": 3}):
    tables += [t["Name"] for t in page["TableMetadataList"]]
want(tables, sorted(tables), "tables in order")
want(athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="ref", TableName="trades")["TableMetadata"]["Columns"][1], {"Name": "qty", "Type": "int"}, "column")
want(athena.list_engine_versions()["EngineVersions"][0]["SelectedEngineVersion"], "AUTO", "engine versions")

# Executions in lists; the newest first.
ids = athena.list_query_executions(MaxResults=3)["QueryExecutionIds"]
last = start("SELECT 'last'")
wait(last)
want(athena.list_query_executions(MaxResults=3)["QueryExecutionIds"], [last] + ids[:2], "the newest first")
want(len(athena.batch_get_query_execution(QueryExecutionIds=[last, str(uuid.uuid4())])["UnprocessedQueryExecutionIds"]), 1, "batch of executions")
token = uuid.uuid4().hex
a = start("SELECT 1", ClientRequestToken=token)
want(start("SELECT 1", ClientRequestToken=token), a, "the same token, the same execution")
want(refused(athena.start_query_execution, QueryString="SELECT 2", ClientRequestToken=token, ResultConfiguration={"OutputLocation": OUT})[0], "InvalidRequestException", "the token for another query")

# EXPLAIN.
plan = "\n".join(r[0] or "" for r in rows(run("EXPLAIN SELECT symbol, sum(qty) FROM trades WHERE qty > 1 GROUP BY symbol ORDER BY 2 DESC LIMIT 3", "ref")))
for word in ("Output", "TopN", "Aggregate", "Filter", "TableScan", "trades"):
    assert word in plan, f"{word} is not in the plan:\n{plan}"
plan = "\n".join(r[0] or "" for r in rows(run("EXPLAIN ANALYZE SELECT count(*) FROM trades", "ref")))
assert "Input: " in plan and "rows" in plan, plan
want(rows(run("EXPLAIN (TYPE VALIDATE) SELECT 1")), [("Valid",), ("true",), ("",)], "VALIDATE")
want(plan.splitlines()[0], "Query Plan", "the first row of a plan")

# What is wrong is said as Athena says it.
for sql, text in (
    ("SELECT nope FROM trades", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
    ("SELECT * FROM gone", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.ref.gone' does not exist"),
    ("SELECT * FROM nodb.t", "SCHEMA_NOT_FOUND: line 1:15: Schema 'nodb' does not exist"),
    ("SELECT nofn(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'nofn' not registered"),
    ("SELECT 1/0", "DIVISION_BY_ZERO: Division by zero"),
    ("DROP TABLE nodb.t", "FAILED: SemanticException"),
    ("DELETE FROM trades", "NOT_SUPPORTED"),
):
    got = failure(sql, "ref")
    assert got.startswith(text), f"{sql}: {got!r}, want {text!r}"
for sql in ("SELEC 1", "SELECT", ";", "SELECT 1; SELECT 2", "SET x = 1", "CREATE TABLE"):
    c, m = refused(athena.start_query_execution, QueryString=sql, ResultConfiguration={"OutputLocation": OUT})
    want(c, "InvalidRequestException", f"{sql!r}: {m}")

# What is described, and where results are.
run("CREATE OR REPLACE VIEW described AS SELECT symbol, CAST(qty AS decimal(5,1)) q, ARRAY[qty] a FROM trades", "ref")
q = run("DESCRIBE described", "ref")
want(rows(q), [("symbol\tvarchar",), ("q\tdecimal(5,1)",), ("a\tarray(integer)",)], "columns of a view")
want(athena.get_query_execution(QueryExecutionId=q)["QueryExecution"]["SubstatementType"], "DESC_VIEW", "subtype of a view's description")
want([c["Type"] for c in glue.get_table(DatabaseName="ref", Name="described")["Table"]["StorageDescriptor"]["Columns"]],
     ["string", "decimal(5,1)", "array<int>"], "a view's columns in the catalog")
q = run("DESCRIBE by_symbol", "ref")
described = [r[0] for r in rows(q)]
want(described[3:7], ["\t \t ", "# Partition Information\t \t ", "# col_name            \tdata_type           \tcomment             ", "\t \t "], "partitions described")
want(s3.get_object(Bucket="lake-root", Key=f"athena-results/{q}.txt")["Body"].read().decode(), "\n".join(described), "text of a description")
formatted = [r[0] for r in rows(run("DESCRIBE FORMATTED by_symbol", "ref"))]
for line in ("# col_name            \tdata_type           \tcomment             ", "# Detailed Table Information\t \t ", "Database:           \tref                 \t ",
             "# Storage Information\t \t ", "Sort Columns:       \t[]                  \t "):
    assert line in formatted, f"{line!r} is not in {formatted}"
extended = [r[0] for r in rows(run("DESCRIBE EXTENDED by_symbol", "ref"))]
assert extended[-1].startswith("Detailed Table Information\tTable(tableName:by_symbol, dbName:ref, "), extended[-1]
want(failure("DESCRIBE gone", "ref"), "FAILED: SemanticException [Error 10001]: Table not found gone", "describe what is not there")
want(athena.get_query_results(QueryExecutionId=q).get("UpdateCount"), None, "no count for a description")
q = run("INSERT INTO by_symbol VALUES (1, 'now', 'MER')", "ref")
want(athena.get_query_execution(QueryExecutionId=q)["QueryExecution"]["ResultConfiguration"]["OutputLocation"], OUT + q, "output of INSERT")
q = start("SHOW CREATE TABLE gone", "ref")
reason = wait(q)["Status"]["StateChangeReason"]
want(s3.get_object(Bucket="lake-root", Key=f"athena-results/{q}.txt")["Body"].read().decode(), reason, "text of a failure")
try:
    athena.get_query_results(QueryExecutionId=str(uuid.uuid4()))
except athena.exceptions.InvalidRequestException as e:
    want(e.response["AthenaErrorCode"], "QUERY_EXECUTION_NOT_FOUND", "code of an unknown execution")
want("Malformed nextPageToken" in refused(athena.get_query_results, QueryExecutionId=a, NextToken="zz")[1], True, "bad token")
c, m = refused(athena.get_table_metadata, CatalogName="AwsDataCatalog", DatabaseName="ref", TableName="gone")
want((c, "Error Code: EntityNotFoundException" in m), ("MetadataException", True), m)

# Capacity reservations are kept.
athena.create_capacity_reservation(Name="kept", TargetDpus=24, Tags=[{"Key": "team", "Value": "lake"}])
athena.put_capacity_assignment_configuration(CapacityReservationName="kept", CapacityAssignments=[{"WorkGroupNames": ["primary"]}])
athena.update_capacity_reservation(Name="kept", TargetDpus=48)
r = athena.get_capacity_reservation(Name="kept")["CapacityReservation"]
want((r["Status"], r["TargetDpus"], r["AllocatedDpus"]), ("ACTIVE", 48, 48), "reservation")
a = athena.get_capacity_assignment_configuration(CapacityReservationName="kept")["CapacityAssignmentConfiguration"]
want(a["CapacityAssignments"], [{"WorkGroupNames": ["primary"]}], "assignments")
want(refused(athena.delete_capacity_reservation, Name="kept")[0], "InvalidRequestException", "an active reservation stays")
athena.cancel_capacity_reservation(Name="kept")
athena.delete_capacity_reservation(Name="kept")
want(refused(athena.get_capacity_reservation, Name="kept")[0], "InvalidRequestException", "a deleted reservation")
want("default" in [d["Name"] for d in athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]], True, "the default database")

# What a workgroup has when nothing is said of its settings, and when something is.
for settings, publishes in (({}, True), ({"Configuration": {"ResultConfiguration": {"OutputLocation": OUT}}}, False)):
    athena.create_work_group(Name="defaults", **settings)
    c = athena.get_work_group(WorkGroup="defaults")["WorkGroup"]["Configuration"]
    want((c["EnforceWorkGroupConfiguration"], c["PublishCloudWatchMetricsEnabled"]), (True, publishes), "defaults of a workgroup")
    athena.delete_work_group(WorkGroup="defaults")
print("ok")
