package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

const logsConfig = `
resource "aws_cloudwatch_log_group" "app" {
  name              = "/tf/app"
  retention_in_days = 14
  tags              = { team = "streams" }
}
resource "aws_cloudwatch_log_stream" "one" {
  name           = "one"
  log_group_name = aws_cloudwatch_log_group.app.name
}
resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "errors"
  pattern        = "{ $.level = \"ERROR\" }"
  log_group_name = aws_cloudwatch_log_group.app.name
  metric_transformation {
    name      = "Errors"
    namespace = "App"
    value     = "1"
    unit      = "Count"
  }
}
resource "aws_kinesis_stream" "logs" {
  name        = "tf-logs"
  shard_count = 1
}
resource "aws_iam_role" "logs" {
  name = "tf-logs"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "logs.amazonaws.com" } }] })
}
resource "aws_cloudwatch_log_subscription_filter" "all" {
  name            = "all"
  log_group_name  = aws_cloudwatch_log_group.app.name
  filter_pattern  = ""
  destination_arn = aws_kinesis_stream.logs.arn
  role_arn        = aws_iam_role.logs.arn
}
resource "aws_cloudwatch_log_resource_policy" "p" {
  policy_name     = "p"
  policy_document = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "logs:PutLogEvents", Resource = "*", Principal = { Service = "es.amazonaws.com" } }] })
}
resource "aws_cloudwatch_query_definition" "q" {
  name            = "q"
  log_group_names = [aws_cloudwatch_log_group.app.name]
  query_string    = "fields @timestamp, @message | limit 20"
}
`

func putLogs(t *testing.T, n *Node, _ func(string) string) {
	aws := CLI(t)
	n.Run(t, "", aws, "logs", "put-log-events", "--log-group-name", "/tf/app", "--log-stream-name", "one", "--log-events", "timestamp="+nowMillis()+",message=hello")
	if out := n.Run(t, "", aws, "logs", "filter-log-events", "--log-group-name", "/tf/app", "--filter-pattern", "hello", "--query", "events[].message", "--output", "text"); strings.TrimSpace(out) != "hello" {
		t.Errorf("found %q", out)
	}
}

func nowMillis() string { return strconv.FormatInt(time.Now().UnixMilli(), 10) }
