resource "aws_iam_role" "delivery" {
  name = "devices-delivery"

  assume_role_policy = <<EOF
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Action": "sts:AssumeRole",
      "Principal": {
        "Service": "firehose.amazonaws.com"
      },
      "Effect": "Allow",
      "Sid": ""
    }
  ]
}
EOF
}

resource "aws_iam_role_policy" "delivery" {
  name = "devices-delivery"
  role = aws_iam_role.delivery.id

  policy = <<EOF
{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "",
            "Effect": "Allow",
            "Action": [
                "glue:GetTable",
                "glue:GetTableVersion",
                "glue:GetTableVersions"
            ],
            "Resource": [
                "arn:aws:glue:us-east-1:${data.aws_caller_identity.current.account_id}:catalog",
                "arn:aws:glue:us-east-1:${data.aws_caller_identity.current.account_id}:database/devices",
                "arn:aws:glue:us-east-1:${data.aws_caller_identity.current.account_id}:table/devices/*"
            ]
        },
        {
            "Sid": "",
            "Effect": "Allow",
            "Action": [
                "s3:AbortMultipartUpload",
                "s3:GetBucketLocation",
                "s3:GetObject",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
                "s3:PutObject"
            ],
            "Resource": [
                "${aws_s3_bucket.lake.arn}",
                "${aws_s3_bucket.lake.arn}/*"
            ]
        }
    ]
}
EOF
}

resource "aws_iam_role" "crawler" {
  name = "devices-crawler"

  assume_role_policy = <<EOF
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Action": "sts:AssumeRole",
      "Principal": {
        "Service": "glue.amazonaws.com"
      },
      "Effect": "Allow",
      "Sid": ""
    }
  ]
}
EOF
}

resource "aws_iam_role_policy" "crawler" {
  name = "devices-crawler"
  role = aws_iam_role.crawler.id

  policy = <<EOF
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["glue:*", "s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "logs:*"],
      "Resource": ["*"]
    }
  ]
}
EOF
}
