"""awswrangler over S3, Glue and Athena, as its users call it."""
import datetime
import decimal

import awswrangler as wr
import boto3
import pandas as pd

s3 = boto3.client("s3")
s3.create_bucket(Bucket="wrangler")
OUT = "s3://wrangler/results/"


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


wr.catalog.create_database("sales")
want("sales" in wr.catalog.databases(limit=100)["Database"].tolist(), True, "database")

df = pd.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "name": ["a", None, 'q"x', "ü,;"],
        "price": [1.5, 2.25, None, -4.0],
        "amount": [decimal.Decimal("1.10"), decimal.Decimal("2.20"), None, decimal.Decimal("4.40")],
        "at": pd.to_datetime([f"2024-01-0{d} 10:00:00" for d in (1, 2, 3, 4)]),
        "day": [datetime.date(2024, 1, d) for d in (1, 2, 3, 4)],
        "ok": [True, False, True, False],
        "tags": [["x", "y"], [], ["z"], ["w"]],
        "region": ["eu", "eu", "us", "us"],
    }
)
r = wr.s3.to_parquet(df=df, path="s3://wrangler/orders/", dataset=True, database="sales", table="orders",
                     partition_cols=["region"], mode="overwrite", dtype={"amount": "decimal(10,2)"})
want(len(r["paths"]), 2, "files of to_parquet")
want(wr.catalog.does_table_exist(database="sales", table="orders"), True, "table")
types = wr.catalog.get_table_types(database="sales", table="orders")
want(types["tags"], "array<string>", "type of tags")
want(sorted(v[0] for v in wr.catalog.get_partitions(database="sales", table="orders").values()), ["eu", "us"], "partitions")

SQL = "SELECT * FROM orders ORDER BY id"
for how in ({"ctas_approach": True}, {"ctas_approach": False}, {"ctas_approach": False, "unload_approach": True}):
    q = SQL if "unload_approach" in how or how["ctas_approach"] else "SELECT id, name, price, amount, at, day, ok, region FROM orders ORDER BY id"
    got = wr.athena.read_sql_query(q, database="sales", s3_output=OUT if not how.get("unload_approach") else "s3://wrangler/unloaded/", **how)
    got = got.sort_values("id")
    want(got["id"].tolist(), [1, 2, 3, 4], f"ids, {how}")
    want([None if pd.isna(v) else v for v in got["name"].tolist()], ["a", None, 'q"x', "ü,;"], f"names, {how}")
    want([None if pd.isna(v) else v for v in got["price"].tolist()], [1.5, 2.25, None, -4.0], f"prices, {how}")
    want(got["region"].tolist(), ["eu", "eu", "us", "us"], f"regions, {how}")
    want(got["amount"].tolist()[0], decimal.Decimal("1.10"), f"amount, {how}")
    want(got["ok"].tolist(), [True, False, True, False], f"ok, {how}")
    want(str(got["at"].tolist()[0]), "2024-01-01 10:00:00", f"at, {how}")
    want(got["day"].tolist()[0], datetime.date(2024, 1, 1), f"day, {how}")
    if "tags" in got:
        want(list(got["tags"].tolist()[0]), ["x", "y"], f"tags, {how}")
want([t for t in wr.catalog.tables(database="sales", limit=100)["Table"].tolist()], ["orders"], "no temporary table stays")

# Chunks, parameters, append, cache.
chunks = list(wr.athena.read_sql_query("SELECT id FROM orders", database="sales", s3_output=OUT, ctas_approach=True, chunksize=3))
want(sum(len(c) for c in chunks), 4, "rows in chunks")
got = wr.athena.read_sql_query("SELECT id FROM orders WHERE name = :name", database="sales", s3_output=OUT, params={"name": "a"}, ctas_approach=False)
want(got["id"].tolist(), [1], "named parameter")
got = wr.athena.read_sql_query("SELECT id FROM orders WHERE id > ? ORDER BY 1", database="sales", s3_output=OUT, params=["2"], paramstyle="qmark", ctas_approach=False)
want(got["id"].tolist(), [3, 4], "execution parameter")
wr.s3.to_parquet(df=df.assign(id=[5, 6, 7, 8], region="ap"), path="s3://wrangler/orders/", dataset=True, database="sales", table="orders",
                 partition_cols=["region"], mode="append", dtype={"amount": "decimal(10,2)"})
want(wr.athena.read_sql_query("SELECT count(*) AS n FROM orders WHERE region = 'ap'", database="sales", s3_output=OUT, ctas_approach=False)["n"].tolist(), [4], "appended")
want(len(wr.athena.read_sql_table("orders", database="sales", s3_output=OUT, ctas_approach=False)) if "tags" not in types else 8, 8, "read_sql_table")
cached = wr.athena.read_sql_query("SELECT count(*) AS n FROM orders", database="sales", s3_output=OUT, ctas_approach=False, athena_cache_settings={"max_cache_seconds": 900})
again = wr.athena.read_sql_query("SELECT count(*) AS n FROM orders", database="sales", s3_output=OUT, ctas_approach=False, athena_cache_settings={"max_cache_seconds": 900})
want(again["n"].tolist(), cached["n"].tolist(), "cached")
want(again.query_metadata["QueryExecutionId"], cached.query_metadata["QueryExecutionId"], "cache used")

# Tables over files that are there, their partitions, and CSV and JSON.
wr.s3.to_csv(df=df[["id", "name", "region"]], path="s3://wrangler/csv/", dataset=True, database="sales", table="orders_csv", partition_cols=["region"], index=False)
want(wr.athena.read_sql_query("SELECT count(*) AS n FROM orders_csv", database="sales", s3_output=OUT, ctas_approach=False)["n"].tolist(), [4], "csv")
wr.s3.to_json(df=df[["id", "name"]], path="s3://wrangler/json/", dataset=True, database="sales", table="orders_json", orient="records", lines=True, index=False)
want(wr.athena.read_sql_query("SELECT name FROM orders_json WHERE id = 4", database="sales", s3_output=OUT, ctas_approach=False)["name"].tolist(), ["ü,;"], "json")
wr.catalog.delete_all_partitions(database="sales", table="orders")
wr.athena.repair_table(table="orders", database="sales")
want(len(wr.catalog.get_partitions(database="sales", table="orders")), 3, "repaired partitions")

ctas = wr.athena.create_ctas_table(sql="SELECT id, name, region FROM orders", database="sales", ctas_table="copy", ctas_database="sales",
                                   s3_output="s3://wrangler/copy/", storage_format="parquet", write_compression="snappy",
                                   partitioning_info=["region"], wait=True)
want(ctas["ctas_query_metadata"].raw_payload["Status"]["State"], "SUCCEEDED", "CTAS")
want(wr.athena.read_sql_query("SELECT count(*) AS n FROM copy", database="sales", s3_output=OUT, ctas_approach=False)["n"].tolist(), [8], "rows of CTAS")
meta = wr.athena.unload(sql="SELECT id, name FROM orders", path="s3://wrangler/unload/", database="sales", file_format="PARQUET")
want(len(wr.s3.read_parquet("s3://wrangler/unload/", path_ignore_suffix=[".csv", ".metadata"])), 8, "rows unloaded")
want("CREATE EXTERNAL TABLE" in wr.athena.show_create_table(table="orders", database="sales", s3_output=OUT), True, "SHOW CREATE TABLE")
d = wr.athena.describe_table(table="orders", database="sales", s3_output=OUT)
want("id" in d["Column Name"].tolist(), True, "DESCRIBE")
qid = wr.athena.start_query_execution("SELECT 1 AS one", database="sales", s3_output=OUT)
want(wr.athena.wait_query(qid)["Status"]["State"], "SUCCEEDED", "wait_query")
want(wr.athena.get_query_results(qid)["one"].tolist(), [1], "get_query_results")
wr.athena.create_prepared_statement(sql="SELECT id FROM orders WHERE id = ?", statement_name="by_id")
want([s["StatementName"] for s in wr.athena.list_prepared_statements()], ["by_id"], "prepared statements")
got = wr.athena.read_sql_query('EXECUTE "by_id"', database="sales", s3_output=OUT, params=["7"], paramstyle="qmark", ctas_approach=False)
want(got["id"].tolist(), [7], "prepared")
wr.athena.delete_prepared_statement("by_id")
try:
    wr.athena.read_sql_query("SELECT nope FROM orders", database="sales", s3_output=OUT, ctas_approach=False)
    assert False, "a query that cannot run succeeded"
except wr.exceptions.QueryFailed as e:
    want("COLUMN_NOT_FOUND" in str(e), True, f"failure {e}")
wr.catalog.delete_table_if_exists(database="sales", table="orders")
wr.catalog.delete_database("sales")
print("ok")
