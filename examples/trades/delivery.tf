resource "aws_kinesis_firehose_delivery_stream" "hose" {
  for_each    = toset(["price", "transaction"])
  name        = "${each.value}_hose"
  destination = "extended_s3"

  extended_s3_configuration {
    role_arn           = aws_iam_role.delivery.arn
    bucket_arn         = aws_s3_bucket.lake[each.value].arn
    prefix             = "${each.value}/"
    buffering_size     = 5
    buffering_interval = var.buffer_seconds
  }

  tags = {
    Environment = var.environment
  }
}
