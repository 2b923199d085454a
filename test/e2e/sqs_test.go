package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSQSBoto3(t *testing.T) {
	Start(t).Python(t, "sqs.py")
}

// TestSignalsClients: Celery and kombu on queues, watchtower on log groups, as their documents have them.
func TestSignalsClients(t *testing.T) {
	python := Python(t, "boto3", "celery", "kombu", "watchtower")
	n := Start(t)
	t.Log(n.Run(t, "", python, filepath.Join(sourceDir(), "python", "signals_clients.py")))
}

const sqsConfig = `
resource "aws_sqs_queue" "dead" {
  name                      = "tf-dead.fifo"
  fifo_queue                = true
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "orders" {
  name                        = "tf-orders.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  deduplication_scope         = "messageGroup"
  fifo_throughput_limit       = "perMessageGroupId"
  visibility_timeout_seconds  = 45
  receive_wait_time_seconds   = 5
  redrive_policy              = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 3 })
  tags                        = { team = "streams" }
}

resource "aws_sqs_queue_policy" "orders" {
  queue_url = aws_sqs_queue.orders.url
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "s3", Effect = "Allow", Action = "sqs:SendMessage",
    Resource = aws_sqs_queue.orders.arn, Principal = { Service = "s3.amazonaws.com" } }] })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url            = aws_sqs_queue.dead.url
  redrive_allow_policy = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.orders.arn] })
}
`

// sendToQueue uses a queue by the CLI. The provider asks for minutes whether its attributes last.
func sendToQueue(t *testing.T, n *Node, _ func(string) string) {
	aws := CLI(t) // of version 1: it puts queue.amazonaws.com before AWS_ENDPOINT_URL, but not before the option
	url := strings.TrimSpace(n.Run(t, "", aws, "--endpoint-url", n.URL, "sqs", "get-queue-url", "--queue-name", "tf-orders.fifo", "--output", "text"))
	n.Run(t, "", aws, "--endpoint-url", n.URL, "sqs", "send-message", "--queue-url", url, "--message-body", "hello", "--message-group-id", "g")
	if out := n.Run(t, "", aws, "--endpoint-url", n.URL, "sqs", "receive-message", "--queue-url", url, "--query", "Messages[].Body", "--output", "text"); strings.TrimSpace(out) != "hello" {
		t.Errorf("received %q", out)
	}
}

// TestSignalsJavaScript runs a program on the SDK for JavaScript: queues, topics, log groups with a live tail, metrics.
func TestSignalsJavaScript(t *testing.T) {
	dir := t.TempDir()
	installed(t, dir, "npm", "install", "--loglevel=error", "--no-audit", "--no-fund", "--prefix", dir,
		"@aws-sdk/client-sqs@3", "@aws-sdk/client-sns@3", "@aws-sdk/client-cloudwatch-logs@3", "@aws-sdk/client-cloudwatch@3")
	program, err := os.ReadFile(filepath.Join(sourceDir(), "javascript", "signals.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := underRun(t, Start(t), "node", writeSource(t, dir, "main.mjs", string(program)))
	if err != nil || !strings.Contains(out, "signals: fine") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestSignalsJava is the same by the SDK for Java 2.
func TestSignalsJava(t *testing.T) {
	if out := Start(t).Java(t, "Signals"); !strings.Contains(out, "signals: fine") {
		t.Error(out)
	}
}
