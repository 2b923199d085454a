#!/usr/bin/env python3
"""Makes and starts the two visual streaming jobs: a stream to Parquet, with a table that grows with it."""
import argparse

import boto3


def graph(stream_arn, path, database, table, window):
    """What Glue Studio saves of a source and a target."""
    return {
        "node-1": {
            "DirectKinesisSource": {
                "Name": "Amazon Kinesis",
                "WindowSize": window,
                "DetectSchema": True,
                "StreamingOptions": {"StreamArn": stream_arn, "Classification": "json", "StartingPosition": "earliest"},
            }
        },
        "node-2": {
            "S3GlueParquetTarget": {
                "Name": "Amazon S3",
                "Inputs": ["node-1"],
                "PartitionKeys": [],
                "Path": path,
                "Compression": "snappy",
                "SchemaChangePolicy": {
                    "EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": database, "Table": table,
                },
            }
        },
    }


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--bucket", default="health-lake")
    args.add_argument("--database", default="health")
    args.add_argument("--role", required=True, help="ARN of the jobs' role")
    args.add_argument("--window", type=int, default=100, help="seconds that a window takes")
    args = args.parse_args()
    glue, kinesis = boto3.client("glue"), boto3.client("kinesis")
    for stream in ("patient_stats", "error_message"):
        arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
        name = f"{stream}_to_lake"
        glue.create_job(
            Name=name,
            Role=args.role,
            JobMode="VISUAL",
            Command={"Name": "gluestreaming", "ScriptLocation": f"s3://{args.bucket}/scripts/{name}.py", "PythonVersion": "3"},
            GlueVersion="4.0",
            WorkerType="G.1X",
            NumberOfWorkers=2,
            DefaultArguments={"--TempDir": f"s3://{args.bucket}/temporary/", "--job-language": "python"},
            CodeGenConfigurationNodes=graph(arn, f"s3://{args.bucket}/{stream}/", args.database, stream, args.window),
        )
        run = glue.start_job_run(JobName=name)["JobRunId"]
        print(name, run)


if __name__ == "__main__":
    main()
