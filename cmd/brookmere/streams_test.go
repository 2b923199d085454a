package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// TestStreamsTail prints what is in a stream, what comes into it, and part of it.
func TestStreamsTail(t *testing.T) {
	url, cfg := sharedNode(t)
	client := kinesis.NewFromConfig(cfg)
	if _, err := client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("tailed"), ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	if err := kinesis.NewStreamExistsWaiter(client).Wait(t.Context(), &kinesis.DescribeStreamInput{StreamName: aws.String("tailed")}, time.Minute); err != nil {
		t.Fatal(err)
	}
	shards := map[string]string{} // of a key
	put := func(key, data string) {
		t.Helper()
		out, err := client.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("tailed"), PartitionKey: &key, Data: []byte(data)})
		if err != nil {
			t.Fatal(err)
		}
		shards[key] = aws.ToString(out.ShardId)
	}
	for i := range 20 {
		put(fmt.Sprintf("key-%d", i), fmt.Sprintf(`{"n": %d}`, i))
	}
	out, err := command(t, words(url, "streams tail tailed --from trim_horizon --no-follow --json")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first := 0
	for line := range strings.Lines(out) {
		var r recordLine
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if r.Shard != shards[r.PartitionKey] || !json.Valid(r.Data) || r.SequenceNumber == "" {
			t.Errorf("the record of %s: %s", r.PartitionKey, line)
		}
		if r.Shard == "shardId-000000000000" {
			first++
		}
	}
	if n := strings.Count(out, "\n"); n != 20 || first == 0 || first == 20 {
		t.Fatalf("20 records over two shards, and %d were printed, %d of the first", n, first)
	}
	for _, test := range []struct {
		args string
		want int
	}{
		{"--from trim_horizon --shard 0", first}, {"--from start --shard shardId-000000000001", 20 - first}, {"--from 1h", 20}, {"--from 1h -n 3", 3}, {"--from latest", 0},
		{"--from " + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), 20},
	} {
		out, err := command(t, words(url, "streams tail tailed --no-follow "+test.args)...)
		if n := strings.Count(out, "\n"); err != nil || n != test.want {
			t.Errorf("tail %s: %d records, want %d (%v)\n%s", test.args, n, test.want, err, out)
		}
	}
	follow := start(t, words(url, "streams tail tailed --from trim_horizon")...)
	follow.says(`{"n": 19}`)
	put("late", "the last line\n")
	follow.says("late  the last line\n")
	follow.interrupt()

	fails(t, words(url, "streams tail tailed --from yesterday"), "want latest, trim_horizon, a time as")
	fails(t, words(url, "streams tail tailed --from 2999-01-01T00:00:00Z"), "that is in the future")
	fails(t, words(url, "streams tail tailed --shard 7"), "streams describe tailed lists them")
	fails(t, words(url, "streams tail none"), "ResourceNotFoundException")
}

// TestStreamsDescribe shows what a stream has become of splits, and who reads it.
func TestStreamsDescribe(t *testing.T) {
	url, cfg := sharedNode(t)
	client := kinesis.NewFromConfig(cfg)
	name := aws.String("described")
	if _, err := client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: name, ShardCount: aws.Int32(1), Tags: map[string]string{"team": "lake"}}); err != nil {
		t.Fatal(err)
	}
	active := kinesis.NewStreamExistsWaiter(client, func(o *kinesis.StreamExistsWaiterOptions) { o.MinDelay = 10 * time.Millisecond })
	if err := active.Wait(t.Context(), &kinesis.DescribeStreamInput{StreamName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := client.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamName: name, ShardToSplit: aws.String("shardId-000000000000"), NewStartingHashKey: aws.String("85070591730234615865843651857942052864")}); err != nil {
		t.Fatal(err)
	}
	if err := active.Wait(t.Context(), &kinesis.DescribeStreamInput{StreamName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	d, err := client.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: name})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: d.StreamDescriptionSummary.StreamARN, ConsumerName: aws.String("dashboard")}); err != nil {
		t.Fatal(err)
	}
	prints(t, words(url, "streams describe described"), "Retention    1d", "team=lake", "shardId-000000000000  closed  100.0%", "shardId-000000000001  open    25.0%", "shardId-000000000002  open    75.0%", "dashboard")
	prints(t, words(url, "streams describe described --json"), `"share": 0.25`, `"team": "lake"`, `"name": "dashboard"`)
}
