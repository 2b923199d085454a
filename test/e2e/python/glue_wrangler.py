"""The catalog functions of awswrangler."""
import awswrangler as wr
import boto3


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


c = wr.catalog
boto3.client("s3").create_bucket(Bucket="wr-catalog")
c.create_database("wr", description="deep", exist_ok=True)
c.create_database("wr", exist_ok=True)
want("wr" in c.databases().Database.tolist(), True, "databases")
want("wr" in [d["Name"] for d in c.get_databases()], True, "get_databases")
types = {"id": "bigint", "name": "string"}
keys = {"year": "int", "month": "string"}
c.create_parquet_table(database="wr", table="p", path="s3://wr-catalog/p/", columns_types=types, partitions_types=keys,
                       compression="snappy", description="of rows", parameters={"num_cols": "2"}, columns_comments={"id": "the key"})
c.create_csv_table(database="wr", table="c", path="s3://wr-catalog/c/", columns_types=types, skip_header_line_count=1, sep=";")
c.create_json_table(database="wr", table="j", path="s3://wr-catalog/j/", columns_types=types)
want(sorted(t["Name"] for t in c.get_tables(database="wr")), ["c", "j", "p"], "tables")
want(sorted(t["Name"] for t in c.get_tables(name_prefix="p")), ["p"], "tables by prefix")
want(sorted(t["Name"] for t in c.get_tables(name_contains="j")), ["j"], "tables that contain")
want(sorted(t["Name"] for t in c.search_tables(text="rows")), ["p"], "search")
want(c.tables(database="wr", name_suffix="c").Table.tolist(), ["c"], "tables frame")
want(c.table(database="wr", table="p")["Column Name"].tolist(), ["id", "name", "year", "month"], "table")
want(c.get_table_types(database="wr", table="p"), {**types, **keys}, "types")
want(c.get_table_location(database="wr", table="p"), "s3://wr-catalog/p/", "location")
want(c.get_table_description(database="wr", table="p"), "of rows", "description")
want(c.get_columns_comments(database="wr", table="p")["id"], "the key", "comment")
want(c.get_table_number_of_versions(database="wr", table="p"), 1, "versions")
c.add_parquet_partitions(database="wr", table="p", compression="snappy", partitions_values={
    f"s3://wr-catalog/p/year={y}/month={m}/": [str(y), str(m)] for y in (2023, 2024) for m in range(1, 4)})
want(len(c.get_parquet_partitions(database="wr", table="p")), 6, "partitions")
want(len(c.get_partitions(database="wr", table="p", expression="year=2024 AND month > '1'")), 2, "partitions by expression")
c.delete_partitions(database="wr", table="p", partitions_values=[["2023", "1"]])
want(len(c.get_partitions(database="wr", table="p")), 5, "partitions after one is deleted")
c.add_column(database="wr", table="p", column_name="extra", column_type="double", column_comment="more")
c.delete_column(database="wr", table="p", column_name="name")
want([n for n in c.get_table_types(database="wr", table="p")], ["id", "extra", "year", "month"], "columns")
c.upsert_table_parameters({"num_rows": "7"}, database="wr", table="p")
want(c.get_table_parameters(database="wr", table="p")["num_rows"], "7", "parameters")
c.overwrite_table_parameters({"a": "b"}, database="wr", table="p")
want(c.get_table_parameters(database="wr", table="p"), {"a": "b"}, "parameters")
c.delete_all_partitions(database="wr", table="p")
want(c.get_partitions(database="wr", table="p"), {}, "partitions after all are deleted")
want(c.delete_table_if_exists(database="wr", table="p"), True, "delete")
want(c.delete_table_if_exists(database="wr", table="p"), False, "delete again")
want(c.does_table_exist(database="wr", table="p"), False, "table")
boto3.client("glue").create_connection(ConnectionInput={"Name": "db", "ConnectionType": "JDBC", "ConnectionProperties": {
    "JDBC_CONNECTION_URL": "jdbc:mysql://h:3306/x", "USERNAME": "u", "PASSWORD": "p"}})
want(c.get_connection("db")["ConnectionProperties"]["PASSWORD"], "p", "connection")
c.delete_database("wr")
print("ok")
