package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDynamoDBBoto3(t *testing.T) {
	Start(t).Python(t, "dynamodb.py")
}

func TestDynamoDBPynamoDB(t *testing.T) {
	python := Python(t, "pynamodb")
	n := Start(t)
	t.Log(n.Run(t, "", python, filepath.Join(sourceDir(), "python", "dynamodb_pynamodb.py")))
}

// TestDynamoDBElectroDB runs a program on ElectroDB and the SDK's document client.
func TestDynamoDBElectroDB(t *testing.T) {
	runOnNode(t, "dynamodb_electrodb.mjs", "electrodb@3", "@aws-sdk/lib-dynamodb@3")
}

// TestDynamoDBDynamoose runs a program on Dynamoose.
func TestDynamoDBDynamoose(t *testing.T) { runOnNode(t, "dynamodb_dynamoose.mjs", "dynamoose@4") }

// runOnNode runs a program of the directory javascript, which says ok at its end, with the SDK's client and packages.
func runOnNode(t *testing.T, name string, packages ...string) {
	t.Helper()
	dir := t.TempDir()
	installed(t, dir, "npm", append([]string{"install", "--loglevel=error", "--no-audit", "--no-fund", "--prefix", dir, "@aws-sdk/client-dynamodb@3"}, packages...)...)
	program, err := os.ReadFile(filepath.Join(sourceDir(), "javascript", name))
	if err != nil {
		t.Fatal(err)
	}
	if out := Start(t).Run(t, dir, "node", writeSource(t, dir, "main.mjs", string(program))); !strings.Contains(out, "ok") {
		t.Error(out)
	}
}

const dynamodbConfig = `
resource "aws_dynamodb_table" "orders" {
  name             = "tf-orders"
  billing_mode     = "PROVISIONED"
  read_capacity    = %[1]d
  write_capacity   = 5
  hash_key         = "customer_id"
  range_key        = "order_id"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "customer_id"
    type = "S"
  }
  attribute {
    name = "order_id"
    type = "S"
  }
  attribute {
    name = "status"
    type = "S"
  }
  local_secondary_index {
    name            = "by_status"
    range_key       = "status"
    projection_type = "KEYS_ONLY"
  }
%[2]s
  ttl {
    attribute_name = "TimeToExist"
    enabled        = %[3]t
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled = true
  }
  tags = { team = "%[4]s" }
}

resource "aws_dynamodb_table" "events" {
  name         = "tf-events"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  table_class  = "STANDARD_INFREQUENT_ACCESS"
  attribute {
    name = "id"
    type = "S"
  }
  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_dynamodb_tag" "events" {
  resource_arn = aws_dynamodb_table.events.arn
  key          = "owner"
  value        = "%[4]s"
}

resource "aws_dynamodb_resource_policy" "events" {
  resource_arn = aws_dynamodb_table.events.arn
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Sid       = "%[4]s"
    Effect    = "Allow"
    Principal = "*"
    Action    = "dynamodb:GetItem"
    Resource  = aws_dynamodb_table.events.arn
  }] })
}

resource "aws_dynamodb_contributor_insights" "events" {
  table_name = aws_dynamodb_table.events.name
}

resource "aws_s3_bucket" "exports" {
  bucket        = "tf-exports"
  force_destroy = true
}

resource "aws_dynamodb_table_export" "orders" {
  table_arn     = aws_dynamodb_table.orders.arn
  s3_bucket     = aws_s3_bucket.exports.id
  s3_prefix     = "orders"
  export_format = "DYNAMODB_JSON"
}

resource "aws_dynamodb_table_item" "first" {
  table_name = aws_dynamodb_table.events.name
  hash_key   = aws_dynamodb_table.events.hash_key
  item       = jsonencode({ id = { S = "1" }, tags = { SS = ["a", "b"] }, n = { N = "12.5" } })
}
`

const dynamodbGlobalIndex = `
  global_secondary_index {
    name            = "all_by_status"
    hash_key        = "status"
    range_key       = "order_id"
    projection_type = "ALL"
    read_capacity   = 3
    write_capacity  = 3
  }`

const dynamodbDestination = `
resource "aws_kinesis_stream" "changes" {
  name        = "tf-changes"
  shard_count = 1
}

resource "aws_dynamodb_kinesis_streaming_destination" "orders" {
  stream_arn = aws_kinesis_stream.changes.arn
  table_name = aws_dynamodb_table.orders.name
}
`

// dynamodbTerraform has every setting, and changes what can be changed in place: throughput,
// time to live, tags, a new global index.
var dynamodbTerraform = terraformPart{
	config: text(fmt.Sprintf(dynamodbConfig, 5, "", false, "first") + dynamodbDestination),
	made: func(t *testing.T, n *Node, _ func(string) string) {
		n.Run(t, "", CLI(t), "dynamodb", "put-item", "--table-name", "tf-orders", "--item", `{"customer_id":{"S":"u1"},"order_id":{"S":"o1"},"status":{"S":"open"}}`)
	},
	changed: text(fmt.Sprintf(dynamodbConfig, 7, dynamodbGlobalIndex, true, "second") + dynamodbDestination),
	updated: func(t *testing.T, n *Node) {
		if out := n.Run(t, "", CLI(t), "dynamodb", "query", "--table-name", "tf-orders", "--index-name", "all_by_status", "--key-condition-expression", "#s = :s",
			"--expression-attribute-names", `{"#s":"status"}`, "--expression-attribute-values", `{":s":{"S":"open"}}`, "--query", "Items[].order_id.S", "--output", "text"); strings.TrimSpace(out) != "o1" {
			t.Errorf("the new index has %q", out)
		}
	},
}
