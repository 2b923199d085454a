package kinesis

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestDistribution(t *testing.T) {
	n := newNode(t, Config{})
	_, err := n.client.CreateStream(t.Context(), &kinesis.CreateStreamInput{
		StreamName: aws.String("d"), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}})
	if err != nil {
		t.Fatal(err)
	}
	strategy := func() types.RecordDistributionStrategy {
		out, err := n.client.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("d")})
		if err != nil {
			t.Fatal(err)
		}
		return out.StreamDescriptionSummary.RecordDistributionStrategy
	}
	shards := func(key *string) map[string]int {
		in := &kinesis.PutRecordsInput{StreamName: aws.String("d")}
		for range 100 {
			in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: []byte("x"), PartitionKey: key, ExplicitHashKey: aws.String("0")})
		}
		out, err := n.client.PutRecords(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		took := make(map[string]int)
		for _, r := range out.Records {
			took[*r.ShardId]++
		}
		return took
	}
	if got := strategy(); got != types.RecordDistributionStrategyUserPartitionKey {
		t.Errorf("a new stream has %q", got)
	}
	if got := shards(aws.String("k")); len(got) != 1 {
		t.Errorf("by keys: %v", got)
	}
	_, err = n.Service.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("d"), Data: []byte("x"), ExplicitHashKey: aws.String("0")})
	want(t, err, "ValidationException", "Value null at 'partitionKey'")
	set := func(arn string) error {
		_, err := n.client.UpdateStreamRecordDistributionStrategy(t.Context(), &kinesis.UpdateStreamRecordDistributionStrategyInput{
			StreamARN: &arn, RecordDistributionStrategy: types.RecordDistributionStrategyAuto})
		return err
	}
	if err := set("arn:aws:kinesis:us-east-1:000000000000:stream/d"); err != nil {
		t.Fatal(err)
	}
	if got := strategy(); got != types.RecordDistributionStrategyAuto {
		t.Errorf("a changed stream has %q", got)
	}
	for _, key := range []*string{nil, aws.String("k")} {
		if got := shards(key); len(got) != 4 {
			t.Errorf("evenly: %v", got)
		}
	}
	n.create("p", 1)
	want(t, set("arn:aws:kinesis:us-east-1:000000000000:stream/p"), "InvalidArgumentException", "only supported")
}

func TestDryRun(t *testing.T) {
	n := newNode(t, Config{})
	n.create("s", 1)
	it := n.iterator("s", "0", types.ShardIteratorTypeTrimHorizon, nil)
	for name, call := range map[string]func(bool, string) error{
		"PutRecord": func(dry bool, stream string) error {
			_, err := n.client.PutRecord(t.Context(), &kinesis.PutRecordInput{DryRun: &dry, StreamName: &stream, Data: []byte("x"), PartitionKey: aws.String("k")})
			return err
		},
		"PutRecords": func(dry bool, stream string) error {
			_, err := n.client.PutRecords(t.Context(), &kinesis.PutRecordsInput{DryRun: &dry, StreamName: &stream,
				Records: []types.PutRecordsRequestEntry{{Data: []byte("x"), PartitionKey: aws.String("k")}}})
			return err
		},
		"GetShardIterator": func(dry bool, stream string) error {
			_, err := n.client.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{DryRun: &dry, StreamName: &stream,
				ShardId: aws.String("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeLatest})
			return err
		},
	} {
		want(t, call(true, "s"), "DryRunOperationException", "would have succeeded")
		want(t, call(true, "none"), "ResourceNotFoundException", "none")
		if records, _ := n.readAll(it); len(records) != 0 {
			t.Errorf("%s stored %d records", name, len(records))
		}
	}
	_, err := n.client.GetRecords(t.Context(), &kinesis.GetRecordsInput{DryRun: aws.Bool(true), ShardIterator: &it})
	want(t, err, "DryRunOperationException", "would have succeeded")
	_, err = n.client.GetRecords(t.Context(), &kinesis.GetRecordsInput{DryRun: aws.Bool(true), ShardIterator: aws.String("no")})
	want(t, err, "InvalidArgumentException", "")
}
