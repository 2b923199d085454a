terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

# Nothing here knows where it is applied: AWS_ENDPOINT_URL in the environment names a node,
# and without it this is a configuration for AWS.
provider "aws" {
  region = "us-east-1"
}

data "aws_caller_identity" "current" {}

variable "buffer_seconds" {
  description = "How long the delivery gathers records, unless there are 128 MB before."
  type        = number
  default     = 300
}

resource "aws_s3_bucket" "lake" {
  bucket        = "devices-lake-${data.aws_caller_identity.current.account_id}"
  force_destroy = true
}

resource "aws_glue_catalog_database" "devices" {
  name = "devices"
}

# Columns only: what the delivery turns JSON into.
resource "aws_glue_catalog_table" "reading" {
  name          = "reading"
  database_name = aws_glue_catalog_database.devices.name

  storage_descriptor {
    columns {
      name = "temperature"
      type = "int"
    }
    columns {
      name = "cpu"
      type = "double"
    }
    columns {
      name = "ram"
      type = "double"
    }
    columns {
      name = "hd"
      type = "double"
    }
    columns {
      name = "timestamp"
      type = "string"
    }
    columns {
      name = "timestamp_sent"
      type = "string"
    }
    columns {
      name = "id_device"
      type = "int"
    }
  }
}

resource "aws_glue_crawler" "lake" {
  name          = "devices-lake"
  database_name = aws_glue_catalog_database.devices.name
  role          = aws_iam_role.crawler.arn

  s3_target {
    path = "s3://${aws_s3_bucket.lake.bucket}"
  }
}

resource "aws_kinesis_firehose_delivery_stream" "devices" {
  name        = "devices"
  destination = "extended_s3"

  extended_s3_configuration {
    role_arn            = aws_iam_role.delivery.arn
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "data/!{partitionKeyFromQuery:timestamp_sent}/"
    error_output_prefix = "errors/"
    buffering_size      = 128
    buffering_interval  = var.buffer_seconds

    dynamic_partitioning_configuration {
      enabled = true
    }

    processing_configuration {
      enabled = true

      processors {
        type = "MetadataExtraction"

        parameters {
          parameter_name  = "JsonParsingEngine"
          parameter_value = "JQ-1.6"
        }
        parameters {
          parameter_name  = "MetadataExtractionQuery"
          parameter_value = "{timestamp_sent:.timestamp_sent}"
        }
      }
    }

    data_format_conversion_configuration {
      input_format_configuration {
        deserializer {
          hive_json_ser_de {}
        }
      }

      output_format_configuration {
        serializer {
          parquet_ser_de {}
        }
      }

      schema_configuration {
        database_name = aws_glue_catalog_database.devices.name
        table_name    = aws_glue_catalog_table.reading.name
        role_arn      = aws_iam_role.delivery.arn
      }
    }
  }
}

output "bucket" {
  value = aws_s3_bucket.lake.bucket
}
