package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestGlueBoto3(t *testing.T) {
	Start(t).Python(t, "glue.py")
}

const glueConfig = `
resource "aws_s3_bucket" "lake" {
  bucket        = "tf-glue-lake"
  force_destroy = true
}

resource "aws_s3_object" "reading" {
  for_each = toset(["2024-01-01 10", "2024-01-01 11"])
  bucket   = aws_s3_bucket.lake.id
  key      = "raw/${each.key}/a.json"
  content  = jsonencode({ id = 1, temperature = 20.5 })
}

resource "aws_glue_catalog_database" "lake" {
  name         = "tf_lake"
  description  = "%s"
  location_uri = "s3://${aws_s3_bucket.lake.bucket}/"
  parameters   = { owner = "data" }
  tags         = { team = "data" }
}

resource "aws_glue_catalog_table" "readings" {
  name          = "readings"
  database_name = aws_glue_catalog_database.lake.name
  description   = "%[1]s"
  owner         = "data"
  retention     = 3
  table_type    = "EXTERNAL_TABLE"
  parameters    = { EXTERNAL = "TRUE", "parquet.compression" = "SNAPPY", classification = "parquet" }

  partition_keys {
    name = "year"
    type = "int"
  }
  partition_keys {
    name    = "day"
    type    = "string"
    comment = "of the reading"
  }
  partition_index {
    index_name = "by_year"
    keys       = ["year"]
  }
  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.bucket}/readings/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
    ser_de_info {
      name                  = "serde"
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
      parameters            = { "serialization.format" = 1 }
    }
    columns {
      name = "id"
      type = "int"
    }
    columns {
      name    = "tags"
      type    = "struct<a:string,b:array<double>>"
      comment = "free"
    }
    sort_columns {
      column     = "id"
      sort_order = 1
    }
    bucket_columns    = ["id"]
    number_of_buckets = 4
  }
}

resource "aws_glue_catalog_table" "schema" {
  name          = "schema_only"
  database_name = aws_glue_catalog_database.lake.name
  storage_descriptor {
    columns {
      name = "id"
      type = "int"
    }
  }
}

resource "aws_glue_catalog_table" "indexed" {
  name          = "indexed"
  database_name = aws_glue_catalog_database.lake.name
  partition_keys {
    name = "a"
    type = "int"
  }
  partition_keys {
    name = "b"
    type = "string"
  }
  lifecycle { ignore_changes = [partition_index] }
}

resource "aws_glue_catalog_table" "view" {
  name               = "a_view"
  database_name      = aws_glue_catalog_database.lake.name
  table_type         = "VIRTUAL_VIEW"
  view_original_text = "/* Presto View: e30= */"
  view_expanded_text = "/* Presto View */"
  parameters         = { presto_view = "true" }
}

resource "aws_glue_partition" "one" {
  database_name    = aws_glue_catalog_database.lake.name
  table_name       = aws_glue_catalog_table.readings.name
  partition_values = ["2024", "2024-05-06"]
  parameters       = { note = "%[1]s" }
  storage_descriptor {
    location = "s3://${aws_s3_bucket.lake.bucket}/readings/year=2024/day=2024-05-06/"
    columns {
      name = "id"
      type = "int"
    }
  }
}

resource "aws_glue_partition_index" "both" {
  database_name = aws_glue_catalog_database.lake.name
  table_name    = aws_glue_catalog_table.indexed.name
  partition_index {
    index_name = "by_both"
    keys       = ["a", "b"]
  }
}

resource "aws_glue_classifier" "csv" {
  name = "tf-csv"
  csv_classifier {
    allow_single_column    = false
    contains_header        = "PRESENT"
    delimiter              = ";"
    disable_value_trimming = false
    header                 = ["id", "name"]
    quote_symbol           = "'"
  }
}

resource "aws_glue_classifier" "grok" {
  name = "tf-grok"
  grok_classifier {
    classification = "log"
    grok_pattern   = "%%%%{IP:client} %%%%{WORD:verb}"
  }
}

resource "aws_glue_classifier" "json" {
  name = "tf-json"
  json_classifier { json_path = "$[*]" }
}

resource "aws_glue_classifier" "xml" {
  name = "tf-xml"
  xml_classifier {
    classification = "x"
    row_tag        = "row"
  }
}

resource "aws_glue_crawler" "raw" {
  name          = "tf-raw"
  role          = "arn:aws:iam::000000000000:role/service-role/glue"
  database_name = aws_glue_catalog_database.lake.name
  description   = "%[1]s"
  schedule      = "cron(%[2]s 12 * * ? *)"
  table_prefix  = "c_"
  classifiers   = [aws_glue_classifier.csv.id, aws_glue_classifier.json.id]
  tags          = { team = "data" }

  s3_target {
    path        = "s3://${aws_s3_bucket.lake.bucket}/raw/"
    exclusions  = ["tmp/**"]
    sample_size = 5
  }
  s3_target { path = "s3://${aws_s3_bucket.lake.bucket}/none/" }

  schema_change_policy {
    delete_behavior = "LOG"
    update_behavior = "LOG"
  }
  recrawl_policy { recrawl_behavior = "CRAWL_NEW_FOLDERS_ONLY" }
  lineage_configuration { crawler_lineage_settings = "DISABLE" }
  configuration = jsonencode({
    Version              = 1.0
    CrawlerOutput        = { Partitions = { AddOrUpdateBehavior = "InheritFromTable" } }
    Grouping             = { TableGroupingPolicy = "CombineCompatibleSchemas" }
    CreatePartitionIndex = true
  })
}

resource "aws_glue_crawler" "catalog" {
  name          = "tf-catalog"
  role          = "glue"
  database_name = aws_glue_catalog_database.lake.name
  schema_change_policy { delete_behavior = "LOG" }
  catalog_target {
    database_name = aws_glue_catalog_database.lake.name
    tables        = [aws_glue_catalog_table.readings.name]
  }
  configuration = jsonencode({ Version = 1.0, Grouping = { TableGroupingPolicy = "CombineCompatibleSchemas" } })
}

resource "aws_glue_user_defined_function" "plus" {
  name          = "plus"
  catalog_id    = aws_glue_catalog_database.lake.catalog_id
  database_name = aws_glue_catalog_database.lake.name
  class_name    = "a.b.Plus%[2]s"
  owner_name    = "data"
  owner_type    = "GROUP"
  resource_uris {
    resource_type = "ARCHIVE"
    uri           = "s3://x/y"
  }
}

resource "aws_glue_connection" "db" {
  name        = "tf-db"
  description = "%[1]s"
  connection_properties = {
    JDBC_CONNECTION_URL = "jdbc:mysql://db/x"
    USERNAME            = "u"
    PASSWORD            = "p%[2]s"
  }
  physical_connection_requirements {
    availability_zone      = "us-east-1a"
    security_group_id_list = ["sg-1"]
    subnet_id              = "subnet-1"
  }
  tags = { team = "data" }
}

resource "aws_glue_data_catalog_encryption_settings" "lake" {
  data_catalog_encryption_settings {
    connection_password_encryption {
      aws_kms_key_id                       = "arn:aws:kms:us-east-1:000000000000:key/a"
      return_connection_password_encrypted = true
    }
    encryption_at_rest {
      catalog_encryption_mode = "SSE-KMS"
      sse_aws_kms_key_id      = "arn:aws:kms:us-east-1:000000000000:key/a"
    }
  }
}

resource "aws_glue_security_configuration" "lake" {
  name = "tf-security"
  encryption_configuration {
    cloudwatch_encryption { cloudwatch_encryption_mode = "DISABLED" }
    job_bookmarks_encryption { job_bookmarks_encryption_mode = "DISABLED" }
    s3_encryption { s3_encryption_mode = "SSE-S3" }
  }
}

resource "aws_glue_resource_policy" "lake" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow", Action = ["glue:Get%[1]s"], Principal = { AWS = "*" }
      Resource = "arn:aws:glue:us-east-1:000000000000:*"
    }]
  })
}
`

// glueTerraform crawls, and changes everything that can be changed in place.
var glueTerraform = terraformPart{
	config: text(fmt.Sprintf(glueConfig, "first", "0")),
	made: func(t *testing.T, n *Node, _ func(string) string) {
		aws := CLI(t)
		n.Run(t, "", aws, "glue", "start-crawler", "--name", "tf-raw")
		wait(t, "the crawl", func() bool {
			return strings.Contains(n.Run(t, "", aws, "glue", "get-crawler", "--name", "tf-raw", "--query", "Crawler.[State,LastCrawl.Status]", "--output", "text"), "READY\tSUCCEEDED")
		})
		if out := n.Run(t, "", aws, "glue", "get-partitions", "--database-name", "tf_lake", "--table-name", "c_raw",
			"--query", "Partitions[].Values[]", "--output", "text"); strings.TrimSpace(out) != "2024-01-01 10\t2024-01-01 11" {
			t.Errorf("partitions: %q", out)
		}
		n.Run(t, "", aws, "glue", "delete-table", "--database-name", "tf_lake", "--name", "c_raw")
	},
	changed: text(fmt.Sprintf(glueConfig, "second", "5")),
}

// wait polls until ok.
func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not come to an end", what)
		}
	}
}

func TestGlueWrangler(t *testing.T) {
	python := Python(t, "awswrangler")
	n := Start(t)
	t.Log(n.Run(t, "", python, filepath.Join(sourceDir(), "python", "glue_wrangler.py")))
}
