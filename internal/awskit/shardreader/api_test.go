package shardreader

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// dynamo speaks the API of DynamoDB Streams over a fake, one shard a page.
type dynamo struct{ *fake }

func (d dynamo) DescribeStream(ctx context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	all, err := d.Describe(ctx)
	if err != nil {
		return nil, err
	}
	out := &types.StreamDescription{StreamLabel: &all.Identity}
	for _, s := range all.Shards {
		if s.ID <= aws.ToString(in.ExclusiveStartShardId) {
			continue
		}
		sh := types.Shard{ShardId: &s.ID, SequenceNumberRange: &types.SequenceNumberRange{}}
		if s.Closed {
			sh.SequenceNumberRange.EndingSequenceNumber = aws.String("9")
		}
		if len(s.Parents) > 0 {
			sh.ParentShardId = &s.Parents[0]
		}
		out.Shards, out.LastEvaluatedShardId = []types.Shard{sh}, &s.ID
		break
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: out}, nil
}

func (d dynamo) GetShardIterator(ctx context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	at := Start{Sequence: aws.ToString(in.SequenceNumber)}
	for kind, name := range dynamoTypes {
		if name == in.ShardIteratorType && kind != AtTime {
			at.Kind = kind
		}
	}
	if s := d.shard(*in.ShardId); at.Kind == AtSequence && s.first > 0 && s.records[s.first].seq > at.Sequence {
		return nil, apiError("TrimmedDataAccessException")
	}
	it, err := d.Iterator(ctx, *in.ShardId, at)
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: &it}, err
}

func (d dynamo) GetRecords(ctx context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	p, err := d.Read(ctx, *in.ShardIterator, *in.Limit)
	if err != nil {
		return nil, err
	}
	out := new(dynamodbstreams.GetRecordsOutput)
	if p.Next != "" {
		out.NextShardIterator = &p.Next
	}
	for _, r := range p.Records {
		out.Records = append(out.Records, types.Record{EventID: aws.String(r.text), Dynamodb: &types.StreamRecord{SequenceNumber: aws.String(r.seq), SizeBytes: aws.Int64(10)}})
	}
	return out, nil
}

func TestDynamoDBStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a", "b")
		f.put("a", 7)
		f.put("b", 1)
		f.split([]string{"c"}, "a")
		f.put("c", 2)
		var lost []string
		o := Options{Events: Events{Lost: func(s string) { lost = append(lost, s) }}}
		r := New(DynamoDB(dynamo{f}, "arn"), nil, o)
		var got []string
		for range 4 {
			b, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range b.Records {
				got = append(got, *rec.EventID)
			}
		}
		p := r.Position()
		r.Close()
		if len(got) != 10 {
			t.Errorf("got %v", got)
		}
		f.put("c", 8)
		f.shard("c").first = 6
		r = New(DynamoDB(dynamo{f}, "arn"), p, o)
		b, err := r.Next(t.Context())
		if err != nil || *b.Records[0].EventID != "c/6" || fmt.Sprint(lost) != "[c]" {
			t.Errorf("after a loss: %+v, %v, lost %v", b, err, lost)
		}
		r.Close()
	})
}

// kinesisAPI speaks the API of Kinesis over a fake.
type kinesisAPI struct{ *fake }

func (k kinesisAPI) DescribeStreamSummary(_ context.Context, in *kinesis.DescribeStreamSummaryInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	at := time.Unix(1, 0)
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: &kinesistypes.StreamDescriptionSummary{StreamName: in.StreamName, StreamCreationTimestamp: &at}}, nil
}

func (k kinesisAPI) ListShards(ctx context.Context, in *kinesis.ListShardsInput, _ ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	d, _ := k.Describe(ctx)
	out := new(kinesis.ListShardsOutput)
	if in.NextToken == nil { // the first page has one
		d.Shards, out.NextToken = d.Shards[:1], aws.String("more")
	} else if d.Shards = d.Shards[1:]; in.StreamName != nil || in.StreamARN != nil {
		return nil, apiError("InvalidArgumentException")
	}
	for _, s := range d.Shards {
		sh := kinesistypes.Shard{ShardId: &s.ID, SequenceNumberRange: &kinesistypes.SequenceNumberRange{}}
		if s.Closed {
			sh.SequenceNumberRange.EndingSequenceNumber = aws.String("9")
		}
		if len(s.Parents) > 0 {
			sh.ParentShardId = &s.Parents[0]
		}
		if len(s.Parents) > 1 {
			sh.AdjacentParentShardId = &s.Parents[1]
		}
		out.Shards = append(out.Shards, sh)
	}
	return out, nil
}

func (k kinesisAPI) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, _ ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	at := Start{Sequence: aws.ToString(in.StartingSequenceNumber), Time: aws.ToTime(in.Timestamp)}
	for kind, name := range kinesisTypes {
		if name == in.ShardIteratorType {
			at.Kind = kind
		}
	}
	it, err := k.Iterator(ctx, *in.ShardId, at)
	return &kinesis.GetShardIteratorOutput{ShardIterator: &it}, err
}

func (k kinesisAPI) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	p, err := k.Read(ctx, *in.ShardIterator, *in.Limit)
	if err != nil {
		return nil, err
	}
	out := &kinesis.GetRecordsOutput{MillisBehindLatest: aws.Int64(p.Behind.Milliseconds())}
	if p.Next != "" {
		out.NextShardIterator = &p.Next
	}
	for _, r := range p.Records {
		out.Records = append(out.Records, kinesistypes.Record{Data: []byte(r.text), SequenceNumber: aws.String(r.seq), ApproximateArrivalTimestamp: &r.at, PartitionKey: aws.String("k")})
	}
	return out, nil
}

func TestKinesisStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a", "b")
		f.put("a", 2)
		f.put("b", 2)
		f.split([]string{"c"}, "a", "b")
		f.put("c", 1)
		r := New(Kinesis(kinesisAPI{f}, "name"), nil, Options{})
		var got []string
		for range 3 {
			b, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range b.Records {
				got = append(got, string(rec.Data))
			}
		}
		if len(got) != 5 || got[4] != "c/0" {
			t.Errorf("got %v", got)
		}
		r.Close()
	})
}
