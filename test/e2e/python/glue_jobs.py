"""Two streams, two visual streaming jobs, and Athena over what they write, as people set that up."""
import json
import time

import boto3

kinesis, s3, glue, athena = (boto3.client(n) for n in ("kinesis", "s3", "glue", "athena"))


def want(got, expected, what):
    assert got == expected, f"{what}: got {got!r}, want {expected!r}"


def until(what, seconds, ask):
    end = time.time() + seconds
    while True:
        got = ask()
        if got is True:
            return
        assert time.time() < end, f"{what}: {got!r} after {seconds} s"
        time.sleep(0.2)


def query(sql):
    q = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": "health"}, ResultConfiguration={"OutputLocation": "s3://health/results/"})["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=q)["QueryExecution"]["Status"]
        if status["State"] == "FAILED":
            return status["StateChangeReason"]
        if status["State"] == "SUCCEEDED":
            rows = athena.get_query_results(QueryExecutionId=q)["ResultSet"]["Rows"][1:]
            return [[c.get("VarCharValue") for c in r["Data"]] for r in rows]
        time.sleep(0.05)


def put(stream, model):
    kinesis.put_records(StreamName=stream, Records=[{"PartitionKey": "partition_key", "Data": json.dumps(model, indent=4, sort_keys=True)}])


def job(name, source, target):
    glue.create_job(
        Name=name, Role="arn:aws:iam::000000000000:role/glue", JobMode="VISUAL", GlueVersion="4.0", WorkerType="G.1X", NumberOfWorkers=2,
        Command={"Name": "gluestreaming", "PythonVersion": "3", "ScriptLocation": f"s3://health/scripts/{name}.py"},
        DefaultArguments={"--TempDir": "s3://health/temporary/", "--job-language": "python"},
        CodeGenConfigurationNodes={
            "node-1": {"DirectKinesisSource": {"Name": "Amazon Kinesis", "WindowSize": 1, "DetectSchema": True, "StreamingOptions": {
                "EndpointUrl": "https://kinesis.us-east-1.amazonaws.com", "Classification": "json", "StartingPosition": "earliest", **source}}},
            "node-2": target,
        })


def catalog(table):
    return {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": "health", "Table": table}


for stream in ("patient_stats", "error_message"):
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
s3.create_bucket(Bucket="health")
glue.create_database(DatabaseInput={"Name": "health"})
arn = kinesis.describe_stream_summary(StreamName="patient_stats")["StreamDescriptionSummary"]["StreamARN"]
job("patients", {"StreamArn": arn}, {"S3GlueParquetTarget": {
    "Name": "Amazon S3", "Inputs": ["node-1"], "Path": "s3://health/patient_stats/", "Compression": "snappy", "SchemaChangePolicy": catalog("patient_stats")}})
job("errors", {"StreamName": "error_message"}, {"S3DirectTarget": {
    "Name": "Amazon S3", "Inputs": ["node-1"], "Path": "s3://health/error_message", "Format": "parquet", "SchemaChangePolicy": catalog("error_message")}})
for i in range(20):
    put("patient_stats", {"patient": f"p{i}", "heart_rate": 70.5 + i, "time": "2026-11-10 06:11:27"})
put("error_message", {"error_message": "diastolic over systolic", "payload": "{'patient': 'x'}", "status_code": 422})
runs = {name: glue.start_job_run(JobName=name)["JobRunId"] for name in ("patients", "errors")}
until("patients", 120, lambda: query("select count(*), count(distinct patient), min(heart_rate) from patient_stats") == [["20", "20", "70.5"]] or query("select count(*) from patient_stats"))
until("errors", 120, lambda: query("select status_code, payload from error_message") == [["422", "{'patient': 'x'}"]] or query("select * from error_message"))
want([r["JobRunState"] for r in glue.get_job_runs(JobName="patients")["JobRuns"]], ["RUNNING"], "runs")
t = glue.get_table(DatabaseName="health", Name="patient_stats")["Table"]
want([(c["Name"], c["Type"]) for c in t["StorageDescriptor"]["Columns"]], [("heart_rate", "double"), ("patient", "string"), ("time", "string")], "columns")
want([c["Name"] for c in t["PartitionKeys"]], ["ingest_year", "ingest_month", "ingest_day", "ingest_hour"], "partition keys")
key = s3.list_objects_v2(Bucket="health", Prefix="patient_stats/")["Contents"][0]["Key"]
assert key.startswith("patient_stats/ingest_year=20") and key.endswith("-part-block-0-r-00000-snappy.parquet"), key
script = s3.get_object(Bucket="health", Key="scripts/patients.py")["Body"].read().decode()
compile(script, "patients.py", "exec")
assert 'options={"windowSize": "1 seconds"' in script and '.setFormat("glueparquet", compression="snappy")' in script, script

put("patient_stats", {"patient": "new", "heart_rate": "fast", "extra": {"a": [1, 2]}})
until("types that change", 120, lambda: query("select heart_rate, extra.a from patient_stats where patient = 'new'") == [["fast", "[1, 2]"]] or query("select * from patient_stats"))
glue.batch_stop_job_run(JobName="patients", JobRunIds=[runs["patients"]])
until("stopped", 120, lambda: glue.get_job_run(JobName="patients", RunId=runs["patients"])["JobRun"]["JobRunState"] == "STOPPED")
put("patient_stats", {"patient": "late"})
glue.start_job_run(JobName="patients")
until("the next run", 120, lambda: query("select count(*), count(distinct patient) from patient_stats") == [["22", "22"]] or query("select count(*) from patient_stats"))

glue.create_table(DatabaseName="health", TableInput={
    "Name": "live", "Parameters": {"classification": "json"},
    "StorageDescriptor": {"Columns": [{"Name": "patient", "Type": "string"}], "Location": "patient_stats", "Parameters": {"typeOfData": "kinesis", "streamARN": arn},
                          "InputFormat": "org.apache.hadoop.mapred.TextInputFormat", "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                          "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": {"paths": "patient"}}}})
want(query("select * from live"), "HIVE_UNKNOWN_ERROR: Path is not absolute: patient_stats", "a table over a stream")

# A script job: its arguments, its output, its exit codes, and what is not installed.
logs = boto3.client("logs")
s3.put_object(Bucket="health", Key="scripts/shell.py", Body=b"""
import sys
from awsglue.utils import getResolvedOptions
args = getResolvedOptions(sys.argv, ["JOB_NAME", "day"])
print("it is", args["day"])
if args["day"] == "sunday":
    sys.exit(3)
""")
glue.create_job(Name="shell", Role="arn:aws:iam::000000000000:role/glue", Command={"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": "s3://health/scripts/shell.py"}, DefaultArguments={"--day": "monday"})


def ended(job, **arguments):
    run = glue.start_job_run(JobName=job, Arguments={"--" + k: v for k, v in arguments.items()})["JobRunId"]
    found = {}

    def look():
        found.update(glue.get_job_run(JobName=job, RunId=run)["JobRun"])
        return "CompletedOn" in found or found["JobRunState"]

    until("the end of " + job, 180, look)
    return run, found["JobRunState"], found.get("ErrorMessage")


run, state, message = ended("shell")
want((state, message), ("SUCCEEDED", None), "a script")
until("its output", 120, lambda: [e["message"] for e in logs.get_log_events(logGroupName="/aws-glue/python-jobs/output", logStreamName=run)["events"]] == ["it is monday"])
want(ended("shell", day="sunday")[1:], ("FAILED", "Command failed with exit code 3"), "an exit code")
glue.create_job(Name="spark", Role="arn:aws:iam::000000000000:role/glue", Command={"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": "s3://health/scripts/shell.py"})
_, state, message = ended("spark")
assert state == "FAILED" and "brookmere jobs setup --data " in message, message
