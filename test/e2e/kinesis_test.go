package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/brookmere/brookmere/test/nodetest"
)

func (n *Node) kinesis() *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: &n.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func TestKinesisBoto3(t *testing.T) {
	Start(t).Python(t, "kinesis.py")
}

func TestKinesisLimitsBoto3(t *testing.T) {
	Start(t, "--limits", "enforce", "--control-delay", "2s").Python(t, "kinesis_limits.py")
}

func TestKinesisCLI(t *testing.T) {
	cli := CLI(t)
	n := Start(t)
	run := func(args ...string) map[string]any {
		t.Helper()
		out := n.Run(t, "", cli, append([]string{"kinesis", "--output", "json"}, args...)...)
		var v map[string]any
		if strings.TrimSpace(out) != "" {
			if err := json.Unmarshal([]byte(out), &v); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
		}
		return v
	}
	run("create-stream", "--stream-name", "cli", "--shard-count", "2")
	run("wait", "stream-exists", "--stream-name", "cli")
	put := run("put-record", "--stream-name", "cli", "--partition-key", "k", "--data", "aGVsbG8=")
	it := run("get-shard-iterator", "--stream-name", "cli", "--shard-id", put["ShardId"].(string), "--shard-iterator-type", "AT_SEQUENCE_NUMBER",
		"--starting-sequence-number", put["SequenceNumber"].(string))
	got := run("get-records", "--shard-iterator", it["ShardIterator"].(string))
	if r := got["Records"].([]any); len(r) != 1 || r[0].(map[string]any)["SequenceNumber"] != put["SequenceNumber"] {
		t.Errorf("records: %v", got)
	}
	run("update-shard-count", "--stream-name", "cli", "--target-shard-count", "3", "--scaling-type", "UNIFORM_SCALING")
	d := run("describe-stream-summary", "--stream-name", "cli")["StreamDescriptionSummary"].(map[string]any)
	if d["OpenShardCount"] != 3.0 || d["StreamStatus"] != "ACTIVE" {
		t.Errorf("summary: %v", d)
	}
	if shards := run("describe-stream", "--stream-name", "cli")["StreamDescription"].(map[string]any)["Shards"].([]any); len(shards) < 5 {
		t.Errorf("%d shards after a rescale of two to three", len(shards))
	}
	run("delete-stream", "--stream-name", "cli")
	run("wait", "stream-not-exists", "--stream-name", "cli")
}

// TestStreamsCommand runs the brookmere command itself as a client.
func TestStreamsCommand(t *testing.T) {
	n := Start(t)
	bin := nodetest.Binary(t)
	client := n.kinesis()
	ctx := t.Context()
	if _, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("clicks"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	put := func(key, data string) {
		t.Helper()
		if _, err := client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("clicks"), PartitionKey: &key, Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	const records = 60
	tail, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	var out strings.Builder
	cmd := exec.CommandContext(tail, bin, "streams", "tail", "clicks", "--from", "trim_horizon", "--json", "-n", fmt.Sprint(records))
	cmd.Env, cmd.Stdout = n.Env(), &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// A split and then a merge in the middle: the records of a key come in order.
	for i := range records {
		var err error
		if i == records/3 {
			_, err = client.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: aws.String("clicks"), ShardToSplit: aws.String("shardId-000000000000"),
				NewStartingHashKey: aws.String("170141183460469231731687303715884105728")})
		} else if i == 2*records/3 {
			_, err = client.MergeShards(ctx, &kinesis.MergeShardsInput{StreamName: aws.String("clicks"), ShardToMerge: aws.String("shardId-000000000001"),
				AdjacentShardToMerge: aws.String("shardId-000000000002")})
		}
		if err != nil {
			t.Fatal(err)
		}
		put(fmt.Sprint("key", i%5), fmt.Sprintf(`{"n":%d}`, i))
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("tail: %v\n%s", err, out.String())
	}
	last, seen := map[string]int{}, 0
	for line := range strings.Lines(out.String()) {
		var r struct {
			PartitionKey string `json:"partition_key"`
			Data         struct{ N int }
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if before, ok := last[r.PartitionKey]; ok && before >= r.Data.N {
			t.Errorf("%s: %d after %d", r.PartitionKey, r.Data.N, before)
		}
		last[r.PartitionKey] = r.Data.N
		seen++
	}
	if seen != records {
		t.Errorf("%d records of %d", seen, records)
	}
	put("text", "héllo")
	put("binary", "\xff\x00")
	text := n.Run(t, "", bin, "streams", "tail", "clicks", "--from", "1h", "--no-follow")
	for _, want := range []string{"  text  héllo\n", "  binary  base64:/wA=\n", `{"n":0}`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if ls := n.Run(t, "", bin, "streams", "ls"); !strings.Contains(ls, "clicks  ACTIVE  PROVISIONED  1") {
		t.Errorf("ls:\n%s", ls)
	}
	if d := n.Run(t, "", bin, "streams", "describe", "clicks"); strings.Count(d, "shardId-") != 4 || !strings.Contains(d, "1+2") {
		t.Errorf("describe:\n%s", d)
	}
	if out, err := n.try(t, "", bin, "streams", "tail", "none"); err == nil || out != "brookmere: ResourceNotFoundException: Stream none under account 000000000000 not found.\n" {
		t.Errorf("tail of no stream: %v\n%s", err, out)
	}
}

const kinesisConfig = `
resource "aws_kinesis_stream" "clicks" {
  name             = "tf-clicks"
  shard_count      = %d
  retention_period = %d
  tags             = { team = %q, cost = "42" }
}

resource "aws_kinesis_stream_consumer" "reader" {
  name       = "reader"
  stream_arn = aws_kinesis_stream.clicks.arn
}

resource "aws_kinesis_resource_policy" "clicks" {
  resource_arn = aws_kinesis_stream.clicks.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid = "put", Effect = "Allow", Principal = "*", Action = "kinesis:PutRecord", Resource = aws_kinesis_stream.clicks.arn
    }]
  })
}
`

// kinesisTerraform reshards a stream and keeps its records for longer.
var kinesisTerraform = terraformPart{
	config:  text(fmt.Sprintf(kinesisConfig, 2, 24, "data")),
	changed: text(fmt.Sprintf(kinesisConfig, 4, 48, "lake")),
	updated: func(t *testing.T, n *Node) {
		summary, err := n.kinesis().DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("tf-clicks")})
		if err != nil {
			t.Fatal(err)
		}
		if s := summary.StreamDescriptionSummary; *s.OpenShardCount != 4 || *s.RetentionPeriodHours != 48 || *s.ConsumerCount != 1 {
			t.Errorf("%d open shards, %d hours, %d consumers", *s.OpenShardCount, *s.RetentionPeriodHours, *s.ConsumerCount)
		}
	},
}
