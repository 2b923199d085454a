# Every role has what its service does with it, and nothing more: with --iam enforce this is what
# the pipeline runs by.

# The API puts records.

resource "aws_iam_role" "api" {
  name = "orders-api-${var.environment}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Action = "sts:AssumeRole"
        Effect = "Allow"
        Sid    = ""
        Principal = {
          Service = "apigateway.amazonaws.com"
        }
      },
    ]
  })
}

resource "aws_iam_policy" "api_stream" {
  name = "orders-api-stream-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "kinesis:PutRecord",
        ]
        Resource = aws_kinesis_stream.ingestion.arn
      },
    ]
  })
}

resource "aws_iam_policy" "api_logs" {
  name = "orders-api-logs-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "logs:CreateLogGroup",
          "logs:CreateLogStream",
          "logs:DescribeLogGroups",
          "logs:DescribeLogStreams",
          "logs:PutLogEvents",
          "logs:GetLogEvents",
          "logs:FilterLogEvents",
        ]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "api_stream" {
  role       = aws_iam_role.api.name
  policy_arn = aws_iam_policy.api_stream.arn
}

resource "aws_iam_role_policy_attachment" "api_logs" {
  role       = aws_iam_role.api.name
  policy_arn = aws_iam_policy.api_logs.arn
}

# The consumer reads the stream and writes items.

resource "aws_iam_role" "consumer" {
  name = "orders-consumer-${var.environment}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Action = "sts:AssumeRole"
        Effect = "Allow"
        Sid    = ""
        Principal = {
          Service = "lambda.amazonaws.com"
        }
      },
    ]
  })
}

resource "aws_iam_policy" "consumer_stream" {
  name = "orders-consumer-stream-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "kinesis:DescribeStream",
          "kinesis:DescribeStreamSummary",
          "kinesis:GetRecords",
          "kinesis:GetShardIterator",
          "kinesis:ListShards",
          "kinesis:ListStreams",
          "kinesis:SubscribeToShard",
        ]
        Resource = aws_kinesis_stream.ingestion.arn
      },
    ]
  })
}

resource "aws_iam_policy" "consumer_table" {
  name = "orders-consumer-table-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "dynamodb:PutItem",
        ]
        Resource = aws_dynamodb_table.orders.arn
      },
    ]
  })
}

resource "aws_iam_policy" "function_logs" {
  name = "orders-function-logs-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "logs:CreateLogGroup",
          "logs:CreateLogStream",
          "logs:PutLogEvents",
        ]
        Resource = "arn:aws:logs:${var.region}:${local.account}:*"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "consumer_stream" {
  role       = aws_iam_role.consumer.name
  policy_arn = aws_iam_policy.consumer_stream.arn
}

resource "aws_iam_role_policy_attachment" "consumer_table" {
  role       = aws_iam_role.consumer.name
  policy_arn = aws_iam_policy.consumer_table.arn
}

resource "aws_iam_role_policy_attachment" "consumer_logs" {
  role       = aws_iam_role.consumer.name
  policy_arn = aws_iam_policy.function_logs.arn
}

# The transforms reach nothing but their logs.

resource "aws_iam_role" "transform_orders" {
  name = "orders-transform-orders-${var.environment}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Action = "sts:AssumeRole"
        Effect = "Allow"
        Sid    = ""
        Principal = {
          Service = "lambda.amazonaws.com"
        }
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "transform_orders_logs" {
  role       = aws_iam_role.transform_orders.name
  policy_arn = aws_iam_policy.function_logs.arn
}

resource "aws_iam_role" "transform_product_details" {
  name = "orders-transform-product-details-${var.environment}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Action = "sts:AssumeRole"
        Effect = "Allow"
        Sid    = ""
        Principal = {
          Service = "lambda.amazonaws.com"
        }
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "transform_product_details_logs" {
  role       = aws_iam_role.transform_product_details.name
  policy_arn = aws_iam_policy.function_logs.arn
}

resource "aws_iam_role" "transform_purchase_details" {
  name = "orders-transform-purchase-details-${var.environment}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Action = "sts:AssumeRole"
        Effect = "Allow"
        Sid    = ""
        Principal = {
          Service = "lambda.amazonaws.com"
        }
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "transform_purchase_details_logs" {
  role       = aws_iam_role.transform_purchase_details.name
  policy_arn = aws_iam_policy.function_logs.arn
}

resource "aws_iam_role" "transform_shipping_addresses" {
  name = "orders-transform-shipping-addresses-${var.environment}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Action = "sts:AssumeRole"
        Effect = "Allow"
        Sid    = ""
        Principal = {
          Service = "lambda.amazonaws.com"
        }
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "transform_shipping_addresses_logs" {
  role       = aws_iam_role.transform_shipping_addresses.name
  policy_arn = aws_iam_policy.function_logs.arn
}

# The deliveries read the stream, call the transforms, look schemas up and write objects.

resource "aws_iam_role" "firehose" {
  name = "orders-firehose-${var.environment}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Action = "sts:AssumeRole"
        Effect = "Allow"
        Sid    = ""
        Principal = {
          Service = "firehose.amazonaws.com"
        }
      },
    ]
  })
}

resource "aws_iam_policy" "firehose_stream" {
  name = "orders-firehose-stream-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "kinesis:DescribeStream",
          "kinesis:GetShardIterator",
          "kinesis:GetRecords",
          "kinesis:ListShards",
        ]
        Resource = aws_kinesis_stream.ingestion.arn
      },
    ]
  })
}

resource "aws_iam_policy" "firehose_lake" {
  name = "orders-firehose-lake-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "s3:AbortMultipartUpload",
          "s3:GetBucketLocation",
          "s3:GetObject",
          "s3:ListBucket",
          "s3:ListBucketMultipartUploads",
          "s3:PutObject",
        ]
        Resource = [
          aws_s3_bucket.lake.arn,
          "${aws_s3_bucket.lake.arn}/*",
        ]
      },
    ]
  })
}

resource "aws_iam_policy" "firehose_functions" {
  name = "orders-firehose-functions-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "lambda:InvokeFunction",
          "lambda:GetFunctionConfiguration",
        ]
        Resource = [for f in [aws_lambda_function.orders, aws_lambda_function.product_details, aws_lambda_function.purchase_details, aws_lambda_function.shipping_addresses] : "${f.arn}:*"]
      },
    ]
  })
}

resource "aws_iam_policy" "firehose_catalog" {
  name = "orders-firehose-catalog-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "glue:GetTable",
          "glue:GetTableVersion",
          "glue:GetTableVersions",
        ]
        Resource = [
          "arn:aws:glue:${var.region}:${local.account}:catalog",
          "arn:aws:glue:${var.region}:${local.account}:database/${aws_glue_catalog_database.lake.name}",
          "arn:aws:glue:${var.region}:${local.account}:table/${aws_glue_catalog_database.lake.name}/*",
        ]
      },
    ]
  })
}

resource "aws_iam_policy" "firehose_logs" {
  name = "orders-firehose-logs-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "logs:PutLogEvents",
        ]
        Resource = "arn:aws:logs:${var.region}:${local.account}:log-group:/aws/kinesisfirehose/*"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "firehose_stream" {
  role       = aws_iam_role.firehose.name
  policy_arn = aws_iam_policy.firehose_stream.arn
}

resource "aws_iam_role_policy_attachment" "firehose_lake" {
  role       = aws_iam_role.firehose.name
  policy_arn = aws_iam_policy.firehose_lake.arn
}

resource "aws_iam_role_policy_attachment" "firehose_functions" {
  role       = aws_iam_role.firehose.name
  policy_arn = aws_iam_policy.firehose_functions.arn
}

resource "aws_iam_role_policy_attachment" "firehose_catalog" {
  role       = aws_iam_role.firehose.name
  policy_arn = aws_iam_policy.firehose_catalog.arn
}

resource "aws_iam_role_policy_attachment" "firehose_logs" {
  role       = aws_iam_role.firehose.name
  policy_arn = aws_iam_policy.firehose_logs.arn
}

# A workflow on GitHub deploys functions, with a token in place of a key.

resource "aws_iam_openid_connect_provider" "github" {
  url             = "https://token.actions.githubusercontent.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
}

resource "aws_iam_role" "deploy" {
  name                 = "orders-deploy-${var.environment}"
  permissions_boundary = aws_iam_policy.deploy_boundary.arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "sts:AssumeRoleWithWebIdentity"
        Principal = {
          Federated = aws_iam_openid_connect_provider.github.arn
        }
        Condition = {
          StringEquals = {
            "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          }
          StringLike = {
            "token.actions.githubusercontent.com:sub" = "repo:${var.repository}:*"
          }
        }
      },
    ]
  })
}

# Read back what the node has, to show it.
data "aws_iam_role" "deploy" {
  name = aws_iam_role.deploy.name
}

resource "aws_iam_policy" "deploy_functions" {
  name = "orders-deploy-functions-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "lambda:GetFunction",
          "lambda:GetFunctionConfiguration",
          "lambda:UpdateFunctionCode",
        ]
        Resource = [
          aws_lambda_function.consumer.arn,
          aws_lambda_function.orders.arn,
          aws_lambda_function.product_details.arn,
          aws_lambda_function.purchase_details.arn,
          aws_lambda_function.shipping_addresses.arn,
        ]
      },
    ]
  })
}

resource "aws_iam_policy" "deploy_boundary" {
  name = "orders-deploy-boundary-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "lambda:Get*",
          "lambda:List*",
          "lambda:UpdateFunctionCode",
        ]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "deploy_functions" {
  role       = aws_iam_role.deploy.name
  policy_arn = aws_iam_policy.deploy_functions.arn
}

# Who looks at the lake reads it, and writes results beside it.

resource "aws_iam_role" "analyst" {
  name = "orders-analyst-${var.environment}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { AWS = "arn:aws:iam::${local.account}:root" }
      },
    ]
  })
}

resource "aws_iam_policy" "analyst_queries" {
  name = "orders-analyst-queries-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "athena:StartQueryExecution",
          "athena:GetQueryExecution",
          "athena:GetQueryResults",
          "athena:StopQueryExecution",
          "athena:GetWorkGroup",
          "athena:ListNamedQueries",
          "athena:GetNamedQuery",
          "athena:BatchGetNamedQuery",
        ]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_policy" "analyst_catalog" {
  name = "orders-analyst-catalog-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "glue:GetDatabase",
          "glue:GetDatabases",
          "glue:GetTable",
          "glue:GetTables",
          "glue:GetPartition",
          "glue:GetPartitions",
        ]
        Resource = [
          "arn:aws:glue:${var.region}:${local.account}:catalog",
          "arn:aws:glue:${var.region}:${local.account}:database/${aws_glue_catalog_database.lake.name}",
          "arn:aws:glue:${var.region}:${local.account}:table/${aws_glue_catalog_database.lake.name}/*",
        ]
      },
    ]
  })
}

resource "aws_iam_policy" "analyst_lake" {
  name = "orders-analyst-lake-${var.environment}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "s3:GetBucketLocation",
          "s3:ListBucket",
          "s3:GetObject",
        ]
        Resource = [aws_s3_bucket.lake.arn, "${aws_s3_bucket.lake.arn}/*"]
      },
      {
        Effect = "Allow"
        Action = [
          "s3:PutObject",
          "s3:AbortMultipartUpload",
        ]
        Resource = "${aws_s3_bucket.lake.arn}/results/*"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "analyst_queries" {
  role       = aws_iam_role.analyst.name
  policy_arn = aws_iam_policy.analyst_queries.arn
}

resource "aws_iam_role_policy_attachment" "analyst_catalog" {
  role       = aws_iam_role.analyst.name
  policy_arn = aws_iam_policy.analyst_catalog.arn
}

resource "aws_iam_role_policy_attachment" "analyst_lake" {
  role       = aws_iam_role.analyst.name
  policy_arn = aws_iam_policy.analyst_lake.arn
}
