output "api_id" {
  value = aws_api_gateway_rest_api.ingestion.id
}

# On AWS. A node has the same API at /_aws/execute-api/{api_id}/apiv1.
output "invoke_url" {
  value = aws_api_gateway_deployment.v1.invoke_url
}

output "stream" {
  value = aws_kinesis_stream.ingestion.name
}

output "table" {
  value = aws_dynamodb_table.orders.name
}

output "bucket" {
  value = aws_s3_bucket.lake.bucket
}

output "database" {
  value = aws_glue_catalog_database.lake.name
}

output "consumer" {
  value = aws_lambda_function.consumer.function_name
}

output "deploy_role" {
  value = aws_iam_role.deploy.arn
}

output "deploy_trust" {
  value = data.aws_iam_role.deploy.assume_role_policy
}

output "analyst_role" {
  value = aws_iam_role.analyst.arn
}

output "deliveries" {
  value = [
    aws_kinesis_firehose_delivery_stream.orders.name,
    aws_kinesis_firehose_delivery_stream.product_details.name,
    aws_kinesis_firehose_delivery_stream.purchase_details.name,
    aws_kinesis_firehose_delivery_stream.shipping_addresses.name,
  ]
}
