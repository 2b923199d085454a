package e2e

import (
	"os"
	"strings"
	"testing"
)

const snsConfig = `
resource "aws_sns_topic" "orders" {
  name              = "tf-orders"
  display_name      = "Orders"
  signature_version = 2
  tags              = { team = "data" }
  delivery_policy = jsonencode({ http = { defaultHealthyRetryPolicy = {
    minDelayTarget = 1, maxDelayTarget = 20, numRetries = 5, numMaxDelayRetries = 0, numNoDelayRetries = 0, numMinDelayRetries = 0, backoffFunction = "linear"
  }, disableSubscriptionOverrides = false } })
}

resource "aws_sns_topic" "ordered" {
  name                        = "tf-ordered.fifo"
  fifo_topic                  = true
  content_based_deduplication = true
}

resource "aws_sns_topic_policy" "orders" {
  arn    = aws_sns_topic.orders.arn
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "s3", Effect = "Allow", Action = "SNS:Publish", Resource = aws_sns_topic.orders.arn,
    Principal = { Service = "s3.amazonaws.com" } }] })
}

resource "aws_sqs_queue" "orders" {
  name = "tf-from-topic"
}

resource "aws_sqs_queue" "dead" {
  name = "tf-dead"
}

resource "aws_sns_topic_subscription" "orders" {
  topic_arn            = aws_sns_topic.orders.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.orders.arn
  raw_message_delivery = true
  filter_policy        = jsonencode({ kind = ["big", { prefix = "huge" }] })
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn })
}

resource "aws_sns_topic_subscription" "body" {
  topic_arn           = aws_sns_topic.orders.arn
  protocol            = "sqs"
  endpoint            = aws_sqs_queue.dead.arn
  filter_policy_scope = "MessageBody"
  filter_policy       = jsonencode({ order = { total = [{ numeric = [">", 100] }] } })
}
`

// TestSNSTerraform takes minutes, for its queues: see TestSQSTerraform.
func TestSNSTerraform(t *testing.T) {
	if os.Getenv(longEnv) == "" {
		t.Skip("takes minutes: set " + longEnv)
	}
	n := Start(t)
	NewTerraform(t, n, snsConfig).ApplyAndDestroy(t, func() {
		aws := CLI(t)
		topic := strings.TrimSpace(n.Run(t, "", aws, "--endpoint-url", n.URL, "sns", "list-topics", "--query", "Topics[?ends_with(TopicArn,'tf-orders')].TopicArn", "--output", "text"))
		n.Run(t, "", aws, "--endpoint-url", n.URL, "sns", "publish", "--topic-arn", topic, "--message", "hello", "--message-attributes", `{"kind":{"DataType":"String","StringValue":"huge one"}}`)
		url := strings.TrimSpace(n.Run(t, "", aws, "--endpoint-url", n.URL, "sqs", "get-queue-url", "--queue-name", "tf-from-topic", "--output", "text"))
		if out := n.Run(t, "", aws, "--endpoint-url", n.URL, "sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "10", "--query", "Messages[].Body", "--output", "text"); strings.TrimSpace(out) != "hello" {
			t.Errorf("received %q", out)
		}
	})
}
