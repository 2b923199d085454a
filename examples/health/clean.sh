#!/bin/sh
# Removes what setup.sh and jobs.py made.
set -eu
bucket=${1:-health-lake}
region=${AWS_REGION:-eu-central-1}
for stream in patient_stats error_message; do
  runs=$(aws glue get-job-runs --region "$region" --job-name "${stream}_to_lake" --query "JobRuns[?JobRunState=='RUNNING'].Id" --output text)
  [ -z "$runs" ] || aws glue batch-stop-job-run --region "$region" --job-name "${stream}_to_lake" --job-run-ids $runs >/dev/null
  aws glue delete-job --region "$region" --job-name "${stream}_to_lake" >/dev/null
done
aws glue delete-database --region "$region" --name health
aws s3 rb --region "$region" --force "s3://$bucket" >/dev/null
for stream in patient_stats error_message; do
  aws kinesis delete-stream --region "$region" --stream-name "$stream"
done
aws iam delete-role-policy --role-name health-jobs --policy-name lake
aws iam delete-role --role-name health-jobs
