package e2e

import (
	"strings"
	"testing"
)

func TestSNSBoto3(t *testing.T) {
	Start(t).Python(t, "sns.py")
}

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
  name = "tf-dead-from-topic"
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

output "topic" {
  value = aws_sns_topic.orders.arn
}

output "queue" {
  value = aws_sqs_queue.orders.url
}
`

// publishToTopic sees that a message arrives which the filter policy lets through.
func publishToTopic(t *testing.T, n *Node, output func(string) string) {
	aws := CLI(t)
	n.Run(t, "", aws, "--endpoint-url", n.URL, "sns", "publish", "--topic-arn", output("topic"), "--message", "hello", "--message-attributes", `{"kind":{"DataType":"String","StringValue":"huge one"}}`)
	out := n.Run(t, "", aws, "--endpoint-url", n.URL, "sqs", "receive-message", "--queue-url", output("queue"), "--wait-time-seconds", "20", "--query", "Messages[].Body", "--output", "text")
	if strings.TrimSpace(out) != "hello" {
		t.Errorf("received %q", out)
	}
}
