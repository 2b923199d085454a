resource "aws_iam_role" "delivery" {
  provider = aws.identity
  name     = "trades-delivery-${var.environment}"

  assume_role_policy = <<EOF
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "",
      "Effect": "Allow",
      "Principal": {
        "Service": ["firehose.amazonaws.com", "redshift.amazonaws.com", "glue.amazonaws.com"]
      },
      "Action": "sts:AssumeRole"
    }
  ]
}
EOF
}

resource "aws_iam_role_policy" "delivery" {
  provider = aws.identity
  name     = "write-lake"
  role     = aws_iam_role.delivery.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:PutObject"]
      Resource = flatten([for b in aws_s3_bucket.lake : [b.arn, "${b.arn}/*"]])
    }]
  })
}

# People: one who sends records and one who asks questions, each with keys that work.
resource "aws_iam_user" "person" {
  provider = aws.identity
  for_each = toset(["producer", "analyst"])
  name     = "trades-${each.value}-${var.environment}"

  tags = {
    Team = "trades"
  }
}

resource "aws_iam_access_key" "person" {
  provider = aws.identity
  for_each = aws_iam_user.person
  user     = each.value.name
}

resource "aws_iam_user_policy" "producer" {
  provider = aws.identity
  name     = "send"
  user     = aws_iam_user.person["producer"].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["firehose:PutRecord", "firehose:PutRecordBatch"]
      Resource = [for h in aws_kinesis_firehose_delivery_stream.hose : h.arn]
    }]
  })
}

resource "aws_iam_user_policy" "analyst" {
  provider = aws.identity
  name     = "ask"
  user     = aws_iam_user.person["analyst"].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["athena:*", "glue:*"], Resource = "*" },
      { Effect = "Allow", Action = ["s3:Get*", "s3:List*"], Resource = flatten([for b in aws_s3_bucket.lake : [b.arn, "${b.arn}/*"]]) },
      { Effect = "Allow", Action = ["s3:PutObject", "s3:AbortMultipartUpload"], Resource = "${aws_s3_bucket.lake["reference"].arn}/*" },
    ]
  })
}
