package shardreader

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// DynamoDBAPI are the methods of DynamoDB Streams that reading takes, in the shape of the
// SDK's client. Where it also has WaitForRecords (Waiter), it is not polled.
type DynamoDBAPI interface {
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

// DynamoDB is the Stream of a table. It has no AtTime: a shard that begins there begins
// with its oldest record.
func DynamoDB(api DynamoDBAPI, streamARN string) Stream[types.Record] {
	s := &dynamoStream{api: api, arn: streamARN}
	if w, ok := api.(Waiter); ok {
		return &toldDynamo{s, w}
	}
	return s
}

type dynamoStream struct {
	api DynamoDBAPI
	arn string
}

type toldDynamo struct {
	*dynamoStream
	Waiter
}

func (s *dynamoStream) Describe(ctx context.Context) (Description, error) {
	var d Description
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &s.arn}
	for {
		out, err := s.api.DescribeStream(ctx, in)
		if err != nil {
			return d, fmt.Errorf("describe stream %s: %w", s.arn, err)
		}
		sd := out.StreamDescription
		d.Identity = aws.ToString(sd.StreamLabel)
		for _, sh := range sd.Shards {
			info := ShardInfo{ID: aws.ToString(sh.ShardId), Closed: sh.SequenceNumberRange != nil && sh.SequenceNumberRange.EndingSequenceNumber != nil}
			if aws.ToString(sh.ParentShardId) != "" {
				info.Parents = []string{*sh.ParentShardId}
			}
			d.Shards = append(d.Shards, info)
		}
		if aws.ToString(sd.LastEvaluatedShardId) == "" {
			return d, nil
		}
		in = &dynamodbstreams.DescribeStreamInput{StreamArn: &s.arn, ExclusiveStartShardId: sd.LastEvaluatedShardId}
	}
}

var dynamoTypes = map[StartKind]types.ShardIteratorType{
	TrimHorizon: types.ShardIteratorTypeTrimHorizon, AtTime: types.ShardIteratorTypeTrimHorizon, Latest: types.ShardIteratorTypeLatest,
	AtSequence: types.ShardIteratorTypeAtSequenceNumber, AfterSequence: types.ShardIteratorTypeAfterSequenceNumber,
}

func (s *dynamoStream) Iterator(ctx context.Context, shard string, at Start) (string, error) {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &s.arn, ShardId: &shard, ShardIteratorType: dynamoTypes[at.Kind]}
	if at.Kind == AtSequence || at.Kind == AfterSequence {
		in.SequenceNumber = &at.Sequence
	}
	out, err := s.api.GetShardIterator(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ShardIterator), nil
}

// Read takes a page without records for the tip of the shard, for the API does not say how
// far behind it one is.
func (s *dynamoStream) Read(ctx context.Context, iterator string, limit int32) (Page[types.Record], error) {
	limit = min(limit, 1000)
	out, err := s.api.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &iterator, Limit: &limit})
	if err != nil {
		return Page[types.Record]{}, err
	}
	p := Page[types.Record]{Records: out.Records, Next: aws.ToString(out.NextShardIterator)}
	if n := len(out.Records); n > 0 {
		p.Behind = time.Millisecond // or more
	}
	return p, nil
}

func (s *dynamoStream) About(r *types.Record) Info {
	if r.Dynamodb == nil {
		return Info{}
	}
	return Info{
		Sequence: aws.ToString(r.Dynamodb.SequenceNumber), Arrived: aws.ToTime(r.Dynamodb.ApproximateCreationDateTime),
		Size: int(aws.ToInt64(r.Dynamodb.SizeBytes)),
	}
}
