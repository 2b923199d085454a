# The fleet of the workshop: what setup.go makes call by call.

data "aws_caller_identity" "current" {}

locals {
  bucket = "wildrydes-${data.aws_caller_identity.current.account_id}"
  zip    = "${path.module}/build/function.zip" # zip -j build/function.zip ../function/index.js
}

resource "aws_kinesis_stream" "readings" {
  name        = "wildrydes"
  shard_count = 1
}

resource "aws_kinesis_stream" "summary" {
  name        = "wildrydes-summary"
  shard_count = 1
}

# The summary, a row a minute and unicorn.

resource "aws_kinesis_analytics_application" "summary" {
  name              = "wildrydes"
  code              = file("${path.module}/../summary.sql")
  start_application = true

  inputs {
    name_prefix = "SOURCE_SQL_STREAM"
    kinesis_stream {
      resource_arn = aws_kinesis_stream.readings.arn
      role_arn     = aws_iam_role.analytics.arn
    }
    starting_position_configuration {
      starting_position = "NOW"
    }
    schema {
      record_encoding = "UTF-8"
      record_format {
        mapping_parameters {
          json {
            record_row_path = "$"
          }
        }
      }
      dynamic "record_columns" {
        for_each = [
          ["Distance", "DOUBLE"], ["HealthPoints", "INTEGER"], ["Latitude", "DOUBLE"], ["Longitude", "DOUBLE"],
          ["MagicPoints", "INTEGER"], ["Name", "VARCHAR(16)"], ["StatusTime", "TIMESTAMP"],
        ]
        content {
          name     = record_columns.value[0]
          sql_type = record_columns.value[1]
          mapping  = "$.${record_columns.value[0]}"
        }
      }
    }
  }

  outputs {
    name = "DESTINATION_SQL_STREAM"
    schema {
      record_format_type = "JSON"
    }
    kinesis_stream {
      resource_arn = aws_kinesis_stream.summary.arn
      role_arn     = aws_iam_role.analytics.arn
    }
  }
}

# The summaries in a table.

resource "aws_dynamodb_table" "summaries" {
  name         = "UnicornSensorData"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "Name"
  range_key    = "StatusTime"

  attribute {
    name = "Name"
    type = "S"
  }
  attribute {
    name = "StatusTime"
    type = "S"
  }
}

resource "aws_lambda_function" "summaries" {
  function_name    = "WildRydesStreamProcessor"
  role             = aws_iam_role.function.arn
  runtime          = "nodejs20.x"
  handler          = "index.handler"
  filename         = local.zip
  source_code_hash = filebase64sha256(local.zip)
  timeout          = 60

  environment {
    variables = {
      TABLE_NAME = aws_dynamodb_table.summaries.name
    }
  }
}

resource "aws_lambda_permission" "summary" {
  statement_id  = "AllowKinesis"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.summaries.function_name
  principal     = "kinesis.amazonaws.com"
  source_arn    = aws_kinesis_stream.summary.arn
}

resource "aws_lambda_event_source_mapping" "summaries" {
  event_source_arn  = aws_kinesis_stream.summary.arn
  function_name     = aws_lambda_function.summaries.function_name
  starting_position = "LATEST"
  batch_size        = 100
}

# The readings in a bucket, and Athena's table of them.

resource "aws_s3_bucket" "readings" {
  bucket        = local.bucket
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "readings" {
  bucket                  = aws_s3_bucket.readings.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_kinesis_firehose_delivery_stream" "readings" {
  name        = "wildrydes"
  destination = "extended_s3"

  kinesis_source_configuration {
    kinesis_stream_arn = aws_kinesis_stream.readings.arn
    role_arn           = aws_iam_role.delivery.arn
  }

  extended_s3_configuration {
    role_arn           = aws_iam_role.delivery.arn
    bucket_arn         = aws_s3_bucket.readings.arn
    buffering_size     = 5
    buffering_interval = 60
  }
}

resource "aws_glue_catalog_table" "readings" {
  name          = "wildrydes"
  database_name = aws_glue_catalog_database.wildrydes.name
  table_type    = "EXTERNAL_TABLE"

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.readings.bucket}/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
    ser_de_info {
      serialization_library = "org.apache.hive.hcatalog.data.JsonSerDe"
    }
    dynamic "columns" {
      for_each = [
        ["name", "string"], ["statustime", "timestamp"], ["latitude", "float"], ["longitude", "float"],
        ["distance", "float"], ["healthpoints", "int"], ["magicpoints", "int"],
      ]
      content {
        name = columns.value[0]
        type = columns.value[1]
      }
    }
  }
}

resource "aws_glue_catalog_database" "wildrydes" {
  name = "wildrydes"
}

# The page: whoever looks at it may read the streams, and no more.

resource "aws_cognito_identity_pool" "page" {
  identity_pool_name               = "wildrydes"
  allow_unauthenticated_identities = true
}

resource "aws_cognito_identity_pool_roles_attachment" "page" {
  identity_pool_id = aws_cognito_identity_pool.page.id
  roles = {
    unauthenticated = aws_iam_role.page.arn
  }
}

output "identity_pool" {
  value = aws_cognito_identity_pool.page.id
}

output "bucket" {
  value = aws_s3_bucket.readings.bucket
}
