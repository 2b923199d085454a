package e2e

import (
	"testing"
)

// analyticsTerraform has an application by each version of the API. The first runs.
var analyticsTerraform = terraformPart{
	config: text(analyticsConfig),
	before: func(t *testing.T, n *Node) {
		n.createStream(t, "readings")
		n.createStream(t, "sums")
	},
	made: func(t *testing.T, n *Node, _ func(string) string) {
		n.Run(t, "", Python(t, "boto3"), "-c", `
import boto3
a = boto3.client("kinesisanalytics")
d = a.describe_application(ApplicationName="sums")["ApplicationDetail"]
assert d["ApplicationStatus"] == "RUNNING", d
assert d["InputDescriptions"][0]["InAppStreamNames"] == ["SOURCE_SQL_STREAM_001"], d
v2 = boto3.client("kinesisanalyticsv2")
d = v2.describe_application(ApplicationName="second")["ApplicationDetail"]
assert d["RuntimeEnvironment"] == "SQL-1_0" and d["ApplicationStatus"] == "READY", d
`)
	},
}

const analyticsConfig = `
locals {
  role   = "arn:aws:iam::000000000000:role/analytics"
  stream = "arn:aws:kinesis:us-east-1:000000000000:stream"
  code   = <<-EOT
    CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("name" VARCHAR(16), "total" DOUBLE);
    CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
      SELECT STREAM "name", SUM("value") FROM "SOURCE_SQL_STREAM_001"
      GROUP BY "name", STEP("SOURCE_SQL_STREAM_001"."ROWTIME" BY INTERVAL '10' SECOND);
  EOT
}

resource "aws_kinesis_analytics_application" "sums" {
  name              = "sums"
  description       = "sums by ten seconds"
  code              = local.code
  start_application = true

  inputs {
    name_prefix = "SOURCE_SQL_STREAM"
    kinesis_stream {
      resource_arn = "${local.stream}/readings"
      role_arn     = local.role
    }
    parallelism {
      count = 1
    }
    schema {
      record_columns {
        name     = "name"
        mapping  = "$.name"
        sql_type = "VARCHAR(16)"
      }
      record_columns {
        name     = "value"
        mapping  = "$.value"
        sql_type = "DOUBLE"
      }
      record_encoding = "UTF-8"
      record_format {
        mapping_parameters {
          json {
            record_row_path = "$"
          }
        }
      }
    }
    starting_position_configuration {
      starting_position = "NOW"
    }
  }

  outputs {
    name = "DESTINATION_SQL_STREAM"
    schema {
      record_format_type = "JSON"
    }
    kinesis_stream {
      resource_arn = "${local.stream}/sums"
      role_arn     = local.role
    }
  }

  tags = {
    team = "data"
  }
}

resource "aws_kinesisanalyticsv2_application" "second" {
  name                   = "second"
  runtime_environment    = "SQL-1_0"
  service_execution_role = local.role

  application_configuration {
    application_code_configuration {
      code_content {
        text_content = local.code
      }
      code_content_type = "PLAINTEXT"
    }
    sql_application_configuration {
      input {
        name_prefix = "SOURCE_SQL_STREAM"
        input_parallelism {
          count = 1
        }
        input_schema {
          record_column {
            name     = "name"
            mapping  = "$.name"
            sql_type = "VARCHAR(16)"
          }
          record_column {
            name     = "value"
            mapping  = "$.value"
            sql_type = "DOUBLE"
          }
          record_encoding = "UTF-8"
          record_format {
            record_format_type = "JSON"
            mapping_parameters {
              json_mapping_parameters {
                record_row_path = "$"
              }
            }
          }
        }
        kinesis_streams_input {
          resource_arn = "${local.stream}/readings"
        }
      }
      output {
        name = "DESTINATION_SQL_STREAM"
        destination_schema {
          record_format_type = "CSV"
        }
        kinesis_streams_output {
          resource_arn = "${local.stream}/sums"
        }
      }
    }
  }

  tags = {
    team = "data"
  }
}
`
