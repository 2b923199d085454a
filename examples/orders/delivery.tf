resource "aws_s3_bucket" "lake" {
  bucket        = local.bucket
  force_destroy = true
}

resource "aws_kinesis_firehose_delivery_stream" "orders" {
  name        = "orders-${var.environment}"
  destination = "extended_s3"

  kinesis_source_configuration {
    kinesis_stream_arn = aws_kinesis_stream.ingestion.arn
    role_arn           = aws_iam_role.firehose.arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.firehose.arn
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "orders/customer_id=!{partitionKeyFromLambda:customer_id}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/"
    buffering_size      = 128
    buffering_interval  = var.buffer_seconds

    dynamic_partitioning_configuration {
      enabled = true
    }

    processing_configuration {
      enabled = true

      processors {
        type = "Lambda"

        parameters {
          parameter_name  = "LambdaArn"
          parameter_value = "${aws_lambda_function.orders.arn}:$LATEST"
        }
      }

      processors {
        type = "AppendDelimiterToRecord"
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
          parquet_ser_de {
            compression = "SNAPPY"
          }
        }
      }

      schema_configuration {
        database_name = aws_glue_catalog_database.lake.name
        table_name    = aws_glue_catalog_table.orders.name
        role_arn      = aws_iam_role.firehose.arn
        region        = var.region
      }
    }
  }

  depends_on = [
    aws_iam_role_policy_attachment.firehose_stream,
    aws_iam_role_policy_attachment.firehose_lake,
    aws_iam_role_policy_attachment.firehose_functions,
    aws_iam_role_policy_attachment.firehose_catalog,
    aws_iam_role_policy_attachment.firehose_logs,
  ]
}

resource "aws_kinesis_firehose_delivery_stream" "product_details" {
  name        = "product-details-${var.environment}"
  destination = "extended_s3"

  kinesis_source_configuration {
    kinesis_stream_arn = aws_kinesis_stream.ingestion.arn
    role_arn           = aws_iam_role.firehose.arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.firehose.arn
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "product_details/year=!{partitionKeyFromLambda:year}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/"
    buffering_size      = 128
    buffering_interval  = var.buffer_seconds

    dynamic_partitioning_configuration {
      enabled = true
    }

    processing_configuration {
      enabled = true

      processors {
        type = "Lambda"

        parameters {
          parameter_name  = "LambdaArn"
          parameter_value = "${aws_lambda_function.product_details.arn}:$LATEST"
        }
      }

      processors {
        type = "AppendDelimiterToRecord"
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
          parquet_ser_de {
            compression = "SNAPPY"
          }
        }
      }

      schema_configuration {
        database_name = aws_glue_catalog_database.lake.name
        table_name    = aws_glue_catalog_table.product_details.name
        role_arn      = aws_iam_role.firehose.arn
        region        = var.region
      }
    }
  }

  depends_on = [
    aws_iam_role_policy_attachment.firehose_stream,
    aws_iam_role_policy_attachment.firehose_lake,
    aws_iam_role_policy_attachment.firehose_functions,
    aws_iam_role_policy_attachment.firehose_catalog,
    aws_iam_role_policy_attachment.firehose_logs,
  ]
}

resource "aws_kinesis_firehose_delivery_stream" "purchase_details" {
  name        = "purchase-details-${var.environment}"
  destination = "extended_s3"

  kinesis_source_configuration {
    kinesis_stream_arn = aws_kinesis_stream.ingestion.arn
    role_arn           = aws_iam_role.firehose.arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.firehose.arn
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "purchase_details/year=!{partitionKeyFromLambda:year}/month=!{partitionKeyFromLambda:month}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/"
    buffering_size      = 128
    buffering_interval  = var.buffer_seconds

    dynamic_partitioning_configuration {
      enabled = true
    }

    processing_configuration {
      enabled = true

      processors {
        type = "Lambda"

        parameters {
          parameter_name  = "LambdaArn"
          parameter_value = "${aws_lambda_function.purchase_details.arn}:$LATEST"
        }
      }

      processors {
        type = "AppendDelimiterToRecord"
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
          parquet_ser_de {
            compression = "SNAPPY"
          }
        }
      }

      schema_configuration {
        database_name = aws_glue_catalog_database.lake.name
        table_name    = aws_glue_catalog_table.purchase_details.name
        role_arn      = aws_iam_role.firehose.arn
        region        = var.region
      }
    }
  }

  depends_on = [
    aws_iam_role_policy_attachment.firehose_stream,
    aws_iam_role_policy_attachment.firehose_lake,
    aws_iam_role_policy_attachment.firehose_functions,
    aws_iam_role_policy_attachment.firehose_catalog,
    aws_iam_role_policy_attachment.firehose_logs,
  ]
}

resource "aws_kinesis_firehose_delivery_stream" "shipping_addresses" {
  name        = "shipping-addresses-${var.environment}"
  destination = "extended_s3"

  kinesis_source_configuration {
    kinesis_stream_arn = aws_kinesis_stream.ingestion.arn
    role_arn           = aws_iam_role.firehose.arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.firehose.arn
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "shipping_addresses/country=!{partitionKeyFromLambda:country}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/"
    buffering_size      = 128
    buffering_interval  = var.buffer_seconds

    dynamic_partitioning_configuration {
      enabled = true
    }

    processing_configuration {
      enabled = true

      processors {
        type = "Lambda"

        parameters {
          parameter_name  = "LambdaArn"
          parameter_value = "${aws_lambda_function.shipping_addresses.arn}:$LATEST"
        }
      }

      processors {
        type = "AppendDelimiterToRecord"
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
          parquet_ser_de {
            compression = "SNAPPY"
          }
        }
      }

      schema_configuration {
        database_name = aws_glue_catalog_database.lake.name
        table_name    = aws_glue_catalog_table.shipping_addresses.name
        role_arn      = aws_iam_role.firehose.arn
        region        = var.region
      }
    }
  }

  depends_on = [
    aws_iam_role_policy_attachment.firehose_stream,
    aws_iam_role_policy_attachment.firehose_lake,
    aws_iam_role_policy_attachment.firehose_functions,
    aws_iam_role_policy_attachment.firehose_catalog,
    aws_iam_role_policy_attachment.firehose_logs,
  ]
}
