locals {
  trust = { for service in ["kinesisanalytics", "lambda", "firehose"] : service => jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "${service}.amazonaws.com" }, Action = "sts:AssumeRole" }]
  }) }
  read = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords"]
}

resource "aws_iam_role" "analytics" {
  name               = "WildRydesAnalyticsRole"
  assume_role_policy = local.trust["kinesisanalytics"]
  inline_policy {
    name = "wildrydes"
    policy = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = local.read, Resource = aws_kinesis_stream.readings.arn },
        { Effect = "Allow", Action = ["kinesis:DescribeStream", "kinesis:PutRecord", "kinesis:PutRecords"], Resource = aws_kinesis_stream.summary.arn },
      ]
    })
  }
}

resource "aws_iam_role" "function" {
  name               = "WildRydesStreamProcessorRole"
  assume_role_policy = local.trust["lambda"]
  inline_policy {
    name = "wildrydes"
    policy = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = "dynamodb:BatchWriteItem", Resource = aws_dynamodb_table.summaries.arn }]
    })
  }
}

resource "aws_iam_role_policy_attachment" "function" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole"
}

resource "aws_iam_role" "delivery" {
  name               = "WildRydesDeliveryRole"
  assume_role_policy = local.trust["firehose"]
  inline_policy {
    name = "wildrydes"
    policy = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = concat(local.read, ["kinesis:ListShards"]), Resource = aws_kinesis_stream.readings.arn },
        {
          Effect   = "Allow"
          Action   = ["s3:PutObject", "s3:GetBucketLocation", "s3:ListBucket", "s3:AbortMultipartUpload"]
          Resource = [aws_s3_bucket.readings.arn, "${aws_s3_bucket.readings.arn}/*"]
        },
      ]
    })
  }
}

resource "aws_iam_role" "page" {
  name = "WildRydesDashboardRole"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = "cognito-identity.amazonaws.com" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals             = { "cognito-identity.amazonaws.com:aud" = aws_cognito_identity_pool.page.id }
        "ForAnyValue:StringLike" = { "cognito-identity.amazonaws.com:amr" = "unauthenticated" }
      }
    }]
  })
  inline_policy {
    name = "wildrydes"
    policy = jsonencode({
      Version = "2012-10-17"
      Statement = [
        { Effect = "Allow", Action = concat(local.read, ["kinesis:ListShards"]), Resource = [aws_kinesis_stream.readings.arn, aws_kinesis_stream.summary.arn] },
        { Effect = "Allow", Action = "kinesis:ListStreams", Resource = "*" },
      ]
    })
  }
}
