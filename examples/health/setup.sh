#!/bin/sh
# Makes the streams, the bucket with its folders, the role and the database, by the AWS CLI.
set -eu
bucket=${1:-health-lake}
region=${AWS_REGION:-eu-central-1}
for stream in patient_stats error_message; do
  aws kinesis create-stream --region "$region" --stream-name "$stream" --shard-count 1
  aws kinesis wait stream-exists --region "$region" --stream-name "$stream"
done
aws s3api create-bucket --region "$region" --bucket "$bucket" --create-bucket-configuration "LocationConstraint=$region"
for folder in patient_stats error_message scripts temporary; do
  aws s3api put-object --region "$region" --bucket "$bucket" --key "$folder/" >/dev/null
done
aws glue create-database --region "$region" --database-input Name=health
aws iam create-role --role-name health-jobs --query Role.Arn --output text --assume-role-policy-document \
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
aws iam put-role-policy --role-name health-jobs --policy-name lake --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesis:*","s3:*","glue:*","logs:*"],"Resource":"*"}]}'
