package shardreader

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// KinesisAPI are the methods of Kinesis that reading takes, in the shape of the SDK's client.
// Where it also has WaitForRecords (Waiter), it is not polled.
type KinesisAPI interface {
	DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error)
	ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error)
	GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error)
	GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error)
}

// Subscriber is a Kinesis with enhanced fan-out, in the shape of our service: the
// SDK's client gives the events by channels. They end when the subscription is over.
type Subscriber interface {
	SubscribeToShard(context.Context, *kinesis.SubscribeToShardInput) (*kinesis.SubscribeToShardOutput, iter.Seq2[types.SubscribeToShardEventStream, error], error)
}

// Kinesis is the Stream that a name or an ARN means.
func Kinesis(api KinesisAPI, stream string) Stream[types.Record] {
	s := &kinesisStream{api: api}
	if strings.HasPrefix(stream, "arn:") {
		s.arn = &stream
	} else {
		s.name = &stream
	}
	if w, ok := api.(Waiter); ok {
		return &toldKinesis{s, w}
	}
	return s
}

// KinesisFanOut is Kinesis with the records pushed to a consumer, for Run.
func KinesisFanOut(api KinesisAPI, sub Subscriber, streamARN, consumerARN string) Stream[types.Record] {
	return &pushedKinesis{kinesisStream: &kinesisStream{api: api, arn: &streamARN}, sub: sub, consumer: consumerARN}
}

type kinesisStream struct {
	api       KinesisAPI
	name, arn *string // one of them
}

type toldKinesis struct {
	*kinesisStream
	Waiter
}

func (s *kinesisStream) String() string { return aws.ToString(s.name) + aws.ToString(s.arn) }

func (s *kinesisStream) Describe(ctx context.Context) (Description, error) {
	out, err := s.api.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: s.name, StreamARN: s.arn})
	if err != nil {
		return Description{}, fmt.Errorf("describe stream %s: %w", s, err)
	}
	d := Description{Identity: CreationIdentity(aws.ToTime(out.StreamDescriptionSummary.StreamCreationTimestamp))}
	in := &kinesis.ListShardsInput{StreamName: s.name, StreamARN: s.arn}
	for {
		out, err := s.api.ListShards(ctx, in)
		if err != nil {
			return d, fmt.Errorf("list the shards of stream %s: %w", s, err)
		}
		for i := range out.Shards {
			d.Shards = append(d.Shards, kinesisShard(&out.Shards[i]))
		}
		if out.NextToken == nil {
			return d, nil
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
}

// CreationIdentity is the Description.Identity of a Kinesis stream that was created then.
func CreationIdentity(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func kinesisShard(sh *types.Shard) ShardInfo {
	info := ShardInfo{ID: aws.ToString(sh.ShardId)}
	for _, p := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
		if aws.ToString(p) != "" {
			info.Parents = append(info.Parents, *p)
		}
	}
	info.Closed = sh.SequenceNumberRange != nil && sh.SequenceNumberRange.EndingSequenceNumber != nil
	return info
}

var kinesisTypes = map[StartKind]types.ShardIteratorType{
	TrimHorizon: types.ShardIteratorTypeTrimHorizon, Latest: types.ShardIteratorTypeLatest, AtTime: types.ShardIteratorTypeAtTimestamp,
	AtSequence: types.ShardIteratorTypeAtSequenceNumber, AfterSequence: types.ShardIteratorTypeAfterSequenceNumber,
}

func (s *kinesisStream) Iterator(ctx context.Context, shard string, at Start) (string, error) {
	in := &kinesis.GetShardIteratorInput{StreamName: s.name, StreamARN: s.arn, ShardId: &shard, ShardIteratorType: kinesisTypes[at.Kind]}
	switch at.Kind {
	case AtTime:
		in.Timestamp = &at.Time
	case AtSequence, AfterSequence:
		in.StartingSequenceNumber = &at.Sequence
	}
	out, err := s.api.GetShardIterator(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ShardIterator), nil
}

func (s *kinesisStream) Read(ctx context.Context, iterator string, limit int32) (Page[types.Record], error) {
	out, err := s.api.GetRecords(ctx, &kinesis.GetRecordsInput{StreamARN: s.arn, ShardIterator: &iterator, Limit: &limit})
	if err != nil {
		return Page[types.Record]{}, err
	}
	return Page[types.Record]{
		Records: out.Records, Next: aws.ToString(out.NextShardIterator), Behind: time.Duration(aws.ToInt64(out.MillisBehindLatest)) * time.Millisecond,
	}, nil
}

func (s *kinesisStream) About(r *types.Record) Info {
	return Info{Sequence: aws.ToString(r.SequenceNumber), Arrived: aws.ToTime(r.ApproximateArrivalTimestamp), Size: len(r.Data) + len(aws.ToString(r.PartitionKey))}
}

// pushedKinesis subscribes to shards.
type pushedKinesis struct {
	*kinesisStream
	sub      Subscriber
	consumer string
}

func (s *pushedKinesis) Subscribe(ctx context.Context, shard string, at Start) iter.Seq2[Page[types.Record], error] {
	return func(yield func(Page[types.Record], error) bool) {
		in := &kinesis.SubscribeToShardInput{ConsumerARN: &s.consumer, ShardId: &shard, StartingPosition: &types.StartingPosition{Type: kinesisTypes[at.Kind]}}
		switch at.Kind {
		case AtTime:
			in.StartingPosition.Timestamp = &at.Time
		case AtSequence, AfterSequence:
			in.StartingPosition.SequenceNumber = &at.Sequence
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		_, events, err := s.sub.SubscribeToShard(ctx, in)
		if err != nil {
			yield(Page[types.Record]{}, err)
			return
		}
		for e, err := range events {
			if err != nil {
				yield(Page[types.Record]{}, err)
				return
			}
			m, ok := e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
			if !ok {
				continue
			}
			page := Page[types.Record]{Records: m.Value.Records, Next: aws.ToString(m.Value.ContinuationSequenceNumber), Behind: time.Duration(aws.ToInt64(m.Value.MillisBehindLatest)) * time.Millisecond}
			if len(m.Value.ChildShards) > 0 {
				page.Next = ""
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}
