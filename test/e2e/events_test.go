package e2e

import (
	"strings"
	"testing"
)

func TestEventsBoto3(t *testing.T) {
	n := Start(t)
	n.Python(t, "events.py")
	n.Python(t, "events_sources.py")
}

// TestEventsRoles has targets let EventBridge in, or not.
func TestEventsRoles(t *testing.T) {
	t.Parallel()
	Start(t, "--iam", "enforce").Python(t, "events_roles.py")
}

const eventsConfig = `
resource "aws_cloudwatch_event_bus" "shop" {
  name        = "tf-shop"
  description = "Orders"
  tags        = { team = "data" }
}

resource "aws_cloudwatch_event_permission" "shop" {
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  principal      = "111122223333"
  statement_id   = "other"
}

resource "aws_cloudwatch_event_bus_policy" "default" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "other", Effect = "Allow", Action = "events:PutEvents",
    Principal = { AWS = "arn:aws:iam::111122223333:root" }, Resource = "arn:aws:events:us-east-1:000000000000:event-bus/default" }] })
}

resource "aws_cloudwatch_event_archive" "shop" {
  name             = "tf-shop"
  event_source_arn = aws_cloudwatch_event_bus.shop.arn
  event_pattern    = jsonencode({ source = ["shop"] })
  retention_days   = 7
}

resource "aws_cloudwatch_event_rule" "orders" {
  name           = "tf-orders"
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  event_pattern  = jsonencode({ source = ["shop"], detail = { total = [{ numeric = [">", 10] }] } })
  tags           = { team = "data" }
}

resource "aws_sqs_queue" "orders" {
  name = "tf-from-events"
}

resource "aws_sqs_queue" "dead" {
  name = "tf-dead-from-events"
}

resource "aws_cloudwatch_event_target" "orders" {
  rule           = aws_cloudwatch_event_rule.orders.name
  event_bus_name = aws_cloudwatch_event_bus.shop.name
  target_id      = "queue"
  arn            = aws_sqs_queue.orders.arn
  input_transformer {
    input_paths    = { total = "$.detail.total" }
    input_template = "{\"total\": <total>}"
  }
  retry_policy {
    maximum_retry_attempts       = 10
    maximum_event_age_in_seconds = 3600
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead.arn
  }
}

resource "aws_cloudwatch_event_rule" "tick" {
  name                = "tf-tick"
  schedule_expression = "rate(5 minutes)"
  state               = "DISABLED"
}

resource "aws_cloudwatch_event_target" "tick" {
  rule  = aws_cloudwatch_event_rule.tick.name
  arn   = aws_sqs_queue.orders.arn
  input = jsonencode({ tick = true })
}

resource "aws_s3_bucket" "told" {
  bucket = "tf-told-to-events"
}

resource "aws_s3_bucket_notification" "told" {
  bucket      = aws_s3_bucket.told.id
  eventbridge = true
}

output "queue" {
  value = aws_sqs_queue.orders.url
}
`

// putOnBus sees that an event arrives as the rule's target has it.
func putOnBus(t *testing.T, n *Node, output func(string) string) {
	aws := CLI(t)
	out := n.Run(t, "", aws, "--endpoint-url", n.URL, "events", "put-events", "--entries", `[{"Source":"shop","DetailType":"order","Detail":"{\"total\": 11}","EventBusName":"tf-shop"}]`, "--query", "FailedEntryCount", "--output", "text")
	if strings.TrimSpace(out) != "0" {
		t.Errorf("put: %s", out)
	}
	out = n.Run(t, "", aws, "--endpoint-url", n.URL, "sqs", "receive-message", "--queue-url", output("queue"), "--wait-time-seconds", "20", "--query", "Messages[].Body", "--output", "text")
	if strings.TrimSpace(out) != `{"total": 11}` {
		t.Errorf("received %q", out)
	}
}
