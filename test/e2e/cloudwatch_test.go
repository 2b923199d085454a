package e2e

import (
	"strings"
	"testing"
)

const cloudwatchConfig = `
resource "aws_sns_topic" "ops" {
  name = "tf-ops"
}

resource "aws_cloudwatch_metric_alarm" "records" {
  alarm_name          = "tf-records"
  alarm_description   = "records of a stream"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 2
  datapoints_to_alarm = 1
  namespace           = "AWS/Kinesis"
  metric_name         = "IncomingRecords"
  dimensions          = { StreamName = "tf-none" }
  period              = 60
  statistic           = "Sum"
  threshold           = 80
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.ops.arn]
  ok_actions          = [aws_sns_topic.ops.arn]
  tags                = { team = "data" }
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  alarm_name                            = "tf-slow"
  comparison_operator                   = "GreaterThanThreshold"
  evaluation_periods                    = 1
  namespace                             = "AWS/Lambda"
  metric_name                           = "Duration"
  period                                = 300
  extended_statistic                    = "p95"
  threshold                             = 1.5
  evaluate_low_sample_count_percentiles = "ignore"
}

resource "aws_cloudwatch_metric_alarm" "rate" {
  alarm_name          = "tf-rate"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  threshold           = 10
  metric_query {
    id          = "rate"
    expression  = "100 * errors / calls"
    label       = "Error rate"
    return_data = true
  }
  metric_query {
    id = "calls"
    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Invocations"
      period      = 60
      stat        = "Sum"
    }
  }
  metric_query {
    id = "errors"
    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Errors"
      period      = 60
      stat        = "Sum"
      unit        = "Count"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "unusual" {
  alarm_name          = "tf-unusual"
  comparison_operator = "LessThanLowerOrGreaterThanUpperThreshold"
  evaluation_periods  = 2
  threshold_metric_id = "band"
  metric_query {
    id          = "band"
    expression  = "ANOMALY_DETECTION_BAND(calls, 2)"
    label       = "expected"
    return_data = true
  }
  metric_query {
    id          = "calls"
    return_data = true
    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Invocations"
      period      = 120
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "any" {
  alarm_name    = "tf-any"
  alarm_rule    = "ALARM(${aws_cloudwatch_metric_alarm.records.alarm_name}) OR ALARM(${aws_cloudwatch_metric_alarm.rate.alarm_name})"
  alarm_actions = [aws_sns_topic.ops.arn]
  tags          = { team = "data" }
}

resource "aws_cloudwatch_dashboard" "main" {
  dashboard_name = "tf-main"
  dashboard_body = jsonencode({ widgets = [{ type = "metric", x = 0, y = 0, width = 12, height = 6, properties = {
    metrics = [["AWS/Kinesis", "IncomingRecords", "StreamName", "tf-none"]], period = 60, stat = "Sum", region = "us-east-1", title = "Records" } }] })
}
`

// watchAlarms puts a metric and lists alarms with the AWS CLI.
func watchAlarms(t *testing.T, n *Node, _ func(string) string) {
	aws := CLI(t)
	n.Run(t, "", aws, "--endpoint-url", n.URL, "cloudwatch", "put-metric-data", "--namespace", "tf-shop", "--metric-name", "orders", "--value", "3", "--dimensions", "kind=a")
	out := n.Run(t, "", aws, "--endpoint-url", n.URL, "cloudwatch", "list-metrics", "--namespace", "tf-shop", "--query", "Metrics[].Dimensions[].Value", "--output", "text")
	if strings.TrimSpace(out) != "a" {
		t.Errorf("metrics: %q", out)
	}
	out = n.Run(t, "", aws, "--endpoint-url", n.URL, "cloudwatch", "describe-alarms", "--alarm-types", "CompositeAlarm", "--alarm-name-prefix", "tf-", "--query", "CompositeAlarms[].AlarmName", "--output", "text")
	if strings.TrimSpace(out) != "tf-any" {
		t.Errorf("composite alarms: %q", out)
	}
}
