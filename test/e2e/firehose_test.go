package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestFirehoseBoto3(t *testing.T) {
	Python(t, "boto3", "pyarrow") // or skip
	Start(t).Python(t, "firehose.py")
}

func TestFirehoseCompaction(t *testing.T) {
	Python(t, "boto3", "pyarrow") // or skip
	Start(t).Python(t, "firehose_compaction.py")
}

func TestFirehoseCLI(t *testing.T) {
	cli := CLI(t)
	n := Start(t)
	run := func(args ...string) map[string]any {
		t.Helper()
		out := n.Run(t, "", cli, append(args, "--output", "json")...)
		var v map[string]any
		if strings.TrimSpace(out) != "" {
			if err := json.Unmarshal([]byte(out), &v); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
		}
		return v
	}
	n.Run(t, "", cli, "s3", "mb", "s3://cli")
	run("firehose", "create-delivery-stream", "--delivery-stream-name", "cli", "--extended-s3-destination-configuration",
		"RoleARN=arn:aws:iam::000000000000:role/r,BucketARN=arn:aws:s3:::cli,BufferingHints={SizeInMBs=1,IntervalInSeconds=60},Prefix=in/")
	put := run("firehose", "put-record", "--delivery-stream-name", "cli", "--record", "Data=aGVsbG8K")
	if put["RecordId"] == "" {
		t.Errorf("put-record: %v", put)
	}
	batch := run("firehose", "put-record-batch", "--delivery-stream-name", "cli", "--records", `[{"Data":"dHdvCg=="},{"Data":"dGhyZWUK"}]`)
	if batch["FailedPutCount"] != 0.0 {
		t.Errorf("put-record-batch: %v", batch)
	}
	d := run("firehose", "describe-delivery-stream", "--delivery-stream-name", "cli")["DeliveryStreamDescription"].(map[string]any)
	if d["DeliveryStreamStatus"] != "ACTIVE" {
		t.Errorf("describe: %v", d)
	}
	run("firehose", "delete-delivery-stream", "--delivery-stream-name", "cli") // which delivers what there is
	keys := strings.Fields(n.Run(t, "", cli, "s3", "ls", "--recursive", "s3://cli/in/"))
	if len(keys) != 4 {
		t.Fatalf("objects: %v", keys)
	}
	// The second version of the CLI takes base64, the first sends what it is given.
	if got := n.Run(t, "", cli, "s3", "cp", "s3://cli/"+keys[3], "-"); got != "hello\ntwo\nthree\n" && got != "aGVsbG8KdHdvCg==dGhyZWUK" {
		t.Errorf("object %q", got)
	}
}

var firehoseTerraform = terraformPart{
	config: text(firehoseConfig),
	before: func(t *testing.T, n *Node) { n.createStream(t, "tf-source") },
	changed: text(strings.NewReplacer(
		`buffering_interval = 60`, `buffering_interval = 0`, `"{day:.day,region:.region}"`, `"{day:.day,region:(.region|ascii_downcase)}"`,
		`retry_duration     = 60`, `retry_duration     = 120`, `compression_format = "GZIP"`, `compression_format = "ZIP"`,
		`team = "data"`, `team = "lake"`).Replace(firehoseConfig)),
}

// firehoseConfig has what the provider's own examples have: conversion, partitions,
// processors, logging; a Kinesis stream as source; an HTTP endpoint.
const firehoseConfig = `
locals { role = "arn:aws:iam::000000000000:role/firehose" }

resource "aws_s3_bucket" "lake" {
  bucket        = "tf-firehose"
  force_destroy = true
}

resource "aws_glue_catalog_database" "lake" {
  name = "tf_firehose"
}

resource "aws_glue_catalog_table" "events" {
  name          = "events"
  database_name = aws_glue_catalog_database.lake.name
  table_type    = "EXTERNAL_TABLE"
  storage_descriptor {
    location = "s3://${aws_s3_bucket.lake.bucket}/events/"
    columns {
      name = "id"
      type = "string"
    }
    columns {
      name = "day"
      type = "string"
    }
    ser_de_info { serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe" }
  }
}

resource "aws_kinesis_firehose_delivery_stream" "parquet" {
  name        = "tf-parquet"
  destination = "extended_s3"
  extended_s3_configuration {
    role_arn            = local.role
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "events/day=!{partitionKeyFromQuery:day}/region=!{partitionKeyFromQuery:region}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/"
    buffering_size      = 64
    buffering_interval = 60
    custom_time_zone    = "Europe/Berlin"
    file_extension      = ".parquet"
    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = "/aws/kinesisfirehose/tf"
      log_stream_name = "S3Delivery"
    }
    dynamic_partitioning_configuration { enabled = true }
    processing_configuration {
      enabled = true
      processors {
        type = "RecordDeAggregation"
        parameters {
          parameter_name  = "SubRecordType"
          parameter_value = "JSON"
        }
      }
      processors {
        type = "MetadataExtraction"
        parameters {
          parameter_name  = "JsonParsingEngine"
          parameter_value = "JQ-1.6"
        }
        parameters {
          parameter_name  = "MetadataExtractionQuery"
          parameter_value = "{day:.day,region:.region}"
        }
      }
    }
    data_format_conversion_configuration {
      input_format_configuration {
        deserializer {
          open_x_json_ser_de {
            case_insensitive                         = false
            column_to_json_key_mappings              = { id = "ID" }
            convert_dots_in_json_keys_to_underscores = true
          }
        }
      }
      output_format_configuration {
        serializer {
          parquet_ser_de {
            compression                   = "GZIP"
            enable_dictionary_compression = true
            writer_version                = "V2"
          }
        }
      }
      schema_configuration {
        database_name = aws_glue_catalog_database.lake.name
        role_arn      = local.role
        table_name    = aws_glue_catalog_table.events.name
      }
    }
  }
  tags = { team = "data" }
}

resource "aws_kinesis_firehose_delivery_stream" "hive" {
  name        = "tf-hive"
  destination = "extended_s3"
  server_side_encryption { enabled = true }
  extended_s3_configuration {
    role_arn       = local.role
    bucket_arn     = aws_s3_bucket.lake.arn
    prefix         = "hive/"
    buffering_size = 128
    data_format_conversion_configuration {
      input_format_configuration {
        deserializer {
          hive_json_ser_de { timestamp_formats = ["yyyy-MM-dd"] }
        }
      }
      output_format_configuration {
        serializer {
          parquet_ser_de {}
        }
      }
      schema_configuration {
        database_name = aws_glue_catalog_database.lake.name
        role_arn      = local.role
        table_name    = aws_glue_catalog_table.events.name
        region        = "us-east-1"
      }
    }
  }
}

resource "aws_kinesis_firehose_delivery_stream" "stream" {
  name        = "tf-stream"
  destination = "extended_s3"
  kinesis_source_configuration {
    kinesis_stream_arn = "arn:aws:kinesis:us-east-1:000000000000:stream/tf-source"
    role_arn           = local.role
  }
  extended_s3_configuration {
    role_arn           = local.role
    bucket_arn         = aws_s3_bucket.lake.arn
    compression_format = "GZIP"
    s3_backup_mode     = "Enabled"
    s3_backup_configuration {
      role_arn   = local.role
      bucket_arn = aws_s3_bucket.lake.arn
      prefix     = "raw/"
    }
    processing_configuration {
      enabled = true
      processors { type = "AppendDelimiterToRecord" }
    }
  }
}

resource "aws_kinesis_firehose_delivery_stream" "logs" {
  name        = "tf-logs"
  destination = "extended_s3"
  extended_s3_configuration {
    role_arn           = local.role
    bucket_arn         = aws_s3_bucket.lake.arn
    prefix             = "logs/"
    compression_format = "GZIP"
    processing_configuration {
      enabled = true
      processors {
        type = "Decompression"
        parameters {
          parameter_name  = "CompressionFormat"
          parameter_value = "GZIP"
        }
      }
      processors {
        type = "CloudWatchLogProcessing"
        parameters {
          parameter_name  = "DataMessageExtraction"
          parameter_value = "true"
        }
      }
    }
  }
}

resource "aws_kinesis_firehose_delivery_stream" "http" {
  name        = "tf-http"
  destination = "http_endpoint"
  http_endpoint_configuration {
    url                = "https://127.0.0.1:9/in"
    name               = "mine"
    access_key         = "key"
    buffering_size     = 15
    buffering_interval = 600
    role_arn           = local.role
    s3_backup_mode     = "FailedDataOnly"
    retry_duration     = 60
    s3_configuration {
      role_arn           = local.role
      bucket_arn         = aws_s3_bucket.lake.arn
      buffering_size     = 10
      buffering_interval = 400
      compression_format = "GZIP"
    }
    request_configuration {
      content_encoding = "GZIP"
      common_attributes {
        name  = "env"
        value = "test"
      }
    }
  }
}
`

// TestFirehoseParquet has other readers than ours read what is delivered.
func TestFirehoseParquet(t *testing.T) {
	Python(t, "boto3", "pyarrow", "duckdb") // or skip
	Start(t).Python(t, "parquet.py")
}
