#!/usr/bin/env python3
"""Makes the tables and views of the lake, one statement after the other, and asks for the trades."""
import argparse
import json
import subprocess
import time

import boto3

JSON_TABLE = """
CREATE EXTERNAL TABLE IF NOT EXISTS {name} ({columns})
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('serialization.format' = '1')
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://{bucket}/{folder}/'
TBLPROPERTIES ('has_encrypted_data' = 'false')"""


def statements(database, buckets):
    """The statements, in the order in which they are sent."""
    yield f"CREATE DATABASE IF NOT EXISTS {database}"
    yield JSON_TABLE.format(name=f"{database}.prices", columns="ticker string, price double, time string",
                            bucket=buckets["price"], folder="price")
    yield JSON_TABLE.format(name=f"{database}.transactions",
                            columns="id string, ticker string, trader int, qty int, price double, side string, time timestamp",
                            bucket=buckets["transaction"], folder="transaction")
    yield f"""
CREATE EXTERNAL TABLE IF NOT EXISTS {database}.reference (type string, id string, name string, place string)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LINES TERMINATED BY '\\n'
LOCATION 's3://{buckets["reference"]}/'
TBLPROPERTIES ('has_encrypted_data' = 'true')"""
    yield f"""
CREATE EXTERNAL TABLE IF NOT EXISTS {database}.traders_raw (type string, id int, name string, place string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES ('serialization.format' = ',', 'field.delim' = ',')
LOCATION 's3://{buckets["reference"]}/reference/'
TBLPROPERTIES ('has_encrypted_data' = 'false')"""
    yield f"""
CREATE EXTERNAL TABLE IF NOT EXISTS {database}.raw_lines (line string)
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\001'
LOCATION 's3://{buckets["transaction"]}/transaction/'"""
    yield f"CREATE OR REPLACE VIEW {database}.areas AS SELECT id ticker, name trading_area, place FROM {database}.reference WHERE type = 'area'"
    yield f"CREATE OR REPLACE VIEW {database}.companies AS SELECT id ticker, name company, place FROM {database}.reference WHERE type = 'company'"
    yield f"CREATE OR REPLACE VIEW {database}.traders AS SELECT id, name AS string, place FROM {database}.traders_raw WHERE type = 'trader'"


TRADES = """
SELECT t.id, t.time, t.ticker, c.company, a.trading_area, p."string" trader, t.qty, t.price, qty*price AS trade_value
FROM {database}.transactions t
JOIN {database}.areas a ON t.ticker = a.ticker
JOIN {database}.companies c ON c.ticker = t.ticker
JOIN {database}.traders p ON p.id = t.trader"""


def wait(athena, execution):
    while True:
        status = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
        if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            return status
        time.sleep(0.2)


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--database", default="trades")
    args.add_argument("--buckets", help="JSON of the buckets' names (default: what terraform output says)")
    args = args.parse_args()
    buckets = json.loads(args.buckets or subprocess.check_output(["terraform", "output", "-json", "buckets"]))
    athena = boto3.client("athena")
    where = {"OutputLocation": f"s3://{buckets['reference']}/results/", "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}

    def start(sql):
        return athena.start_query_execution(QueryString=sql, ResultConfiguration=where)["QueryExecutionId"]

    # Sent without looking at one before the next, as scripts of a few statements are.
    executions = [(sql, start(sql)) for sql in statements(args.database, buckets)]
    for sql, execution in executions:
        status = wait(athena, execution)
        if status["State"] != "SUCCEEDED":
            raise SystemExit(f"{sql}\n{status.get('StateChangeReason')}")

    area = start(f"SELECT trading_area, count(*) trades, sum(trade_value) value, avg(price) price FROM ({TRADES.format(database=args.database)}) GROUP BY 1 ORDER BY 1")
    status = wait(athena, area)
    if status["State"] != "SUCCEEDED":
        raise SystemExit(status.get("StateChangeReason"))
    for row in athena.get_query_results(QueryExecutionId=area)["ResultSet"]["Rows"]:
        print("\t".join(c.get("VarCharValue", "") for c in row["Data"]))


if __name__ == "__main__":
    main()
