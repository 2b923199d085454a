package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAthenaBoto3(t *testing.T) {
	Start(t).Python(t, "athena.py")
}

func TestAthenaPyAthena(t *testing.T) {
	python := Python(t, "pyathena", "pandas")
	n := Start(t)
	t.Log(n.Run(t, "", python, filepath.Join(sourceDir(), "python", "athena_pyathena.py")))
}

func TestAthenaWrangler(t *testing.T) {
	python := Python(t, "awswrangler")
	n := Start(t)
	t.Log(n.Run(t, "", python, filepath.Join(sourceDir(), "python", "athena_wrangler.py")))
}

func TestAthenaCLI(t *testing.T) {
	aws := CLI(t)
	n := Start(t)
	run := func(args ...string) string { t.Helper(); return strings.TrimSpace(n.Run(t, "", aws, args...)) }
	run("s3", "mb", "s3://cli-athena")
	id := run("athena", "start-query-execution", "--query-string", "SELECT 40 + 2 AS answer",
		"--result-configuration", "OutputLocation=s3://cli-athena/out/", "--query", "QueryExecutionId", "--output", "text")
	state := ""
	for range 100 {
		if state = run("athena", "get-query-execution", "--query-execution-id", id, "--query", "QueryExecution.Status.State", "--output", "text"); state != "QUEUED" && state != "RUNNING" {
			break
		}
	}
	if state != "SUCCEEDED" {
		t.Fatalf("state %s", state)
	}
	if out := run("athena", "get-query-results", "--query-execution-id", id, "--query", "ResultSet.Rows[*].Data[0].VarCharValue", "--output", "text"); out != "answer\t42" {
		t.Errorf("results: %q", out)
	}
	if out := run("s3", "cp", "s3://cli-athena/out/"+id+".csv", "-"); out != "\"answer\"\n\"42\"" {
		t.Errorf("result object: %q", out)
	}
	if out := run("athena", "list-work-groups", "--query", "WorkGroups[*].Name", "--output", "text"); out != "primary" {
		t.Errorf("workgroups: %q", out)
	}
}

const athenaConfig = `
resource "aws_s3_bucket" "results" {
  bucket        = "tf-athena"
  force_destroy = true
}

resource "aws_athena_workgroup" "team" {
  name          = "team"
  description   = "the team's queries"
  force_destroy = true
  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = false
    bytes_scanned_cutoff_per_query     = 10737418240
    result_configuration {
      output_location = "s3://${aws_s3_bucket.results.bucket}/results/"
      encryption_configuration { encryption_option = "SSE_S3" }
      acl_configuration { s3_acl_option = "BUCKET_OWNER_FULL_CONTROL" }
    }
    engine_version { selected_engine_version = "Athena engine version 3" }
  }
  tags = { team = "data" }
}

resource "aws_athena_workgroup" "plain" {
  name  = "plain"
  state = "DISABLED"
}

resource "aws_athena_database" "lake" {
  name          = "tf_athena"
  bucket        = aws_s3_bucket.results.bucket
  comment       = "it's a lake"
  properties    = { owner = "data" }
  force_destroy = true
}

resource "aws_athena_named_query" "count" {
  name        = "count"
  workgroup   = aws_athena_workgroup.team.id
  database    = aws_athena_database.lake.name
  description = "how many"
  query       = "SELECT count(*) FROM t"
}

resource "aws_athena_prepared_statement" "by_id" {
  name            = "by_id"
  workgroup       = aws_athena_workgroup.team.name
  query_statement = "SELECT * FROM ${aws_athena_database.lake.name}.t WHERE id = ?"
}

resource "aws_athena_data_catalog" "fn" {
  name        = "fn"
  description = "a connector"
  type        = "LAMBDA"
  parameters  = { function = "arn:aws:lambda:us-east-1:000000000000:function:connector" }
  tags        = { team = "data" }
}

resource "aws_glue_catalog_table" "t" {
  name          = "t"
  database_name = aws_athena_database.lake.name
  table_type    = "EXTERNAL_TABLE"
  storage_descriptor {
    location      = "s3://${aws_s3_bucket.results.bucket}/t/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
    ser_de_info { serialization_library = "org.openx.data.jsonserde.JsonSerDe" }
    columns {
      name = "id"
      type = "int"
    }
  }
}

data "aws_athena_named_query" "count" {
  name      = aws_athena_named_query.count.name
  workgroup = aws_athena_workgroup.team.name
}
`
