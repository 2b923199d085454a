"""PyAthena: its cursors, its types, SQLAlchemy-free."""
import decimal

import boto3
from pyathena import connect
from pyathena.cursor import DictCursor
from pyathena.error import OperationalError
from pyathena.pandas.cursor import PandasCursor

boto3.client("s3").create_bucket(Bucket="pyathena")
OUT = "s3://pyathena/results/"


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


conn = connect(s3_staging_dir=OUT, region_name="us-east-1", poll_interval=0.02)
cur = conn.cursor()
cur.execute("CREATE DATABASE shop")
conn = connect(s3_staging_dir=OUT, region_name="us-east-1", schema_name="shop", poll_interval=0.02)
cur = conn.cursor()
cur.execute("""
    CREATE TABLE items WITH (format = 'JSON', external_location = 's3://pyathena/items/') AS
    SELECT * FROM (VALUES (1, 'a', DECIMAL '1.50', DATE '2024-02-29', ARRAY[1, 2]), (2, NULL, NULL, NULL, NULL))
    AS t (id, name, price, day, list)""")
want(cur.rowcount, 2, "rows of CTAS")
cur.execute("INSERT INTO items (id, name) SELECT id + 10, 'n' FROM items")
want(cur.rowcount, 2, "rows of INSERT")
cur.execute("SELECT * FROM items ORDER BY id")
want([d[0] for d in cur.description], ["id", "name", "price", "day", "list"], "columns")
want([d[1] for d in cur.description], ["integer", "varchar", "decimal", "date", "array"], "types")
rows = cur.fetchall()
want(len(rows), 4, "rows")
want(rows[0][:3], (1, "a", decimal.Decimal("1.50")), "first row")
want(str(rows[0][3]), "2024-02-29", "day")
want(rows[1][1:], (None, None, None, None), "nulls")
cur.execute("SELECT count(*) FROM items WHERE name = %(name)s", {"name": "a"})
want(cur.fetchone(), (1,), "pyformat parameter")
cur.execute("SELECT count(*) FROM items WHERE name = ?", ["'a'"], paramstyle="qmark")
want(cur.fetchone(), (1,), "execution parameter")
want(conn.cursor(DictCursor).execute("SELECT 1 AS one").fetchone(), {"one": 1}, "DictCursor")
want(cur.execute("SELECT id FROM UNNEST(sequence(1, 2500)) AS t(id) ORDER BY 1").fetchall()[2499], (2500,), "pages")

first = cur.execute("SELECT count(*) FROM items", result_reuse_enable=True, result_reuse_minutes=60)
want(first.reused_previous_result, False, "first")
again = conn.cursor().execute("SELECT count(*) FROM items", result_reuse_enable=True, result_reuse_minutes=60)
want((again.reused_previous_result, again.fetchone(), again.data_scanned_in_bytes), (True, (4,), 0), "reused")

df = connect(s3_staging_dir=OUT, region_name="us-east-1", schema_name="shop", poll_interval=0.02, cursor_class=PandasCursor).cursor().execute("SELECT id, name, price FROM items ORDER BY id").as_pandas()
want(df["id"].tolist(), [1, 2, 11, 12], "PandasCursor")
pc = connect(s3_staging_dir=OUT, region_name="us-east-1", schema_name="shop", poll_interval=0.02, cursor_class=PandasCursor, cursor_kwargs={"unload": True}).cursor()
want(sorted(pc.execute("SELECT id, name FROM items ORDER BY id").as_pandas()["id"].tolist()), [1, 2, 11, 12], "PandasCursor, unload")

cur.execute("SHOW TABLES IN shop")
want(cur.fetchall(), [("items",)], "SHOW TABLES")
cur.execute("DESCRIBE items")
want([r[0].split("\t")[0].strip() if len(r) == 1 else r[0].strip() for r in cur.fetchall()][:2], ["id", "name"], "DESCRIBE")
want([m.name for m in cur.list_table_metadata("AwsDataCatalog", "shop")], ["items"], "table metadata")
want([d.name for d in cur.list_databases("AwsDataCatalog")], ["default", "shop"], "databases")
try:
    cur.execute("SELECT * FROM gone")
    assert False, "no error"
except OperationalError as e:
    want("TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.shop.gone' does not exist" in str(e), True, f"error {e}")
print("ok")
