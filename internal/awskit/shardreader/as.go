package shardreader

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// As returns the context that a call is made with: that of a role, whoever has begun the call. It is
// asked at every call, so that a role may change while a reader reads.
type As func(context.Context) context.Context

// KinesisAs is a Kinesis whose calls are made as another. It waits for records where the first does.
func KinesisAs(api KinesisAPI, as As) KinesisAPI {
	k := kinesisAs{api, as}
	if w, ok := api.(Waiter); ok {
		return waitingKinesis{k, waiterAs{w, as}}
	}
	return k
}

type kinesisAs struct {
	api KinesisAPI
	as  As
}

type waitingKinesis struct {
	kinesisAs
	Waiter
}

func (k kinesisAs) DescribeStreamSummary(ctx context.Context, in *kinesis.DescribeStreamSummaryInput, o ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	return k.api.DescribeStreamSummary(k.as(ctx), in, o...)
}

func (k kinesisAs) ListShards(ctx context.Context, in *kinesis.ListShardsInput, o ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	return k.api.ListShards(k.as(ctx), in, o...)
}

func (k kinesisAs) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, o ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	return k.api.GetShardIterator(k.as(ctx), in, o...)
}

func (k kinesisAs) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, o ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	return k.api.GetRecords(k.as(ctx), in, o...)
}

type waiterAs struct {
	w  Waiter
	as As
}

func (w waiterAs) WaitForRecords(ctx context.Context, iterator string) error {
	return w.w.WaitForRecords(w.as(ctx), iterator)
}

// SubscriberAs is a Subscriber whose calls are made as another.
func SubscriberAs(s Subscriber, as As) Subscriber { return subscriberAs{s, as} }

type subscriberAs struct {
	s  Subscriber
	as As
}

func (s subscriberAs) SubscribeToShard(ctx context.Context, in *kinesis.SubscribeToShardInput) (*kinesis.SubscribeToShardOutput, iter.Seq2[types.SubscribeToShardEventStream, error], error) {
	return s.s.SubscribeToShard(s.as(ctx), in)
}

// DynamoDBAs is KinesisAs for the change feeds of tables.
func DynamoDBAs(api DynamoDBAPI, as As) DynamoDBAPI {
	d := dynamoAs{api, as}
	if w, ok := api.(Waiter); ok {
		return waitingDynamo{d, waiterAs{w, as}}
	}
	return d
}

type dynamoAs struct {
	api DynamoDBAPI
	as  As
}

type waitingDynamo struct {
	dynamoAs
	Waiter
}

func (d dynamoAs) DescribeStream(ctx context.Context, in *dynamodbstreams.DescribeStreamInput, o ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	return d.api.DescribeStream(d.as(ctx), in, o...)
}

func (d dynamoAs) GetShardIterator(ctx context.Context, in *dynamodbstreams.GetShardIteratorInput, o ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	return d.api.GetShardIterator(d.as(ctx), in, o...)
}

func (d dynamoAs) GetRecords(ctx context.Context, in *dynamodbstreams.GetRecordsInput, o ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	return d.api.GetRecords(d.as(ctx), in, o...)
}
