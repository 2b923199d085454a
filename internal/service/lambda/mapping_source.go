package lambda

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/shardreader"
)

// sourceKind reports what a source is, and checks that it is there.
func (s *Service) sourceKind(ctx context.Context, d *mappingDoc) (string, error) {
	a, ok := arn.Parse(d.Source)
	if !ok {
		return "", invalid("Unrecognized event source, must be kinesis, dynamodb stream or sqs.")
	}
	switch a.Service {
	case "kinesis":
		if s.cfg.Kinesis == nil {
			return "", refused("Kinesis streams as event sources are")
		}
		stream := d.stream()
		if stream != d.Source && s.cfg.FanOut == nil {
			return "", refused("Consumers with enhanced fan-out as event sources are")
		}
		if err := s.checkStream(ctx, d, stream); err != nil || stream == d.Source {
			return kindKinesis, err
		}
		return kindKinesis, s.checkConsumer(ctx, d)
	case "dynamodb":
		if s.cfg.DynamoDB == nil {
			return "", refused("DynamoDB streams as event sources are")
		}
		if !strings.Contains(a.Resource, "/stream/") {
			return "", invalid("Unrecognized event source, must be kinesis, dynamodb stream or sqs.")
		}
		return kindDynamoDB, s.checkChanges(ctx, d)
	case "sqs":
		if s.cfg.SQS == nil {
			return "", refused("SQS queues as event sources are")
		}
		_, err := s.queueURL(s.actingAs(d)(ctx), a)
		if isCode(err, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue") {
			return "", invalid("Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.")
		}
		return kindSQS, err
	case "kafka", "mq", "rds":
		return "", refused("Sources of " + a.Service + " are")
	}
	return "", invalid("Unrecognized event source, must be kinesis, dynamodb stream or sqs.")
}

// checkStream refuses a stream that is not there, or that the role of the function may not read: a mapping
// that can never read anything is not made.
func (s *Service) checkStream(ctx context.Context, d *mappingDoc, stream string) error {
	k := shardreader.KinesisAs(s.cfg.Kinesis, s.actingAs(d))
	_, err := k.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: &stream})
	var shards *kinesis.ListShardsOutput
	if err == nil {
		shards, err = k.ListShards(ctx, &kinesis.ListShardsInput{StreamARN: &stream, MaxResults: aws.Int32(1)})
	}
	if err == nil && len(shards.Shards) > 0 {
		var it *kinesis.GetShardIteratorOutput
		it, err = k.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamARN: &stream, ShardId: shards.Shards[0].ShardId, ShardIteratorType: kinesistypes.ShardIteratorTypeLatest})
		if err == nil && stream == d.Source { // a consumer gets its records otherwise
			_, err = k.GetRecords(ctx, &kinesis.GetRecordsInput{StreamARN: &stream, ShardIterator: it.ShardIterator, Limit: aws.Int32(1)})
		}
	}
	switch {
	case isCode(err, "ResourceNotFoundException"):
		return invalid("Stream not found: %s", stream)
	case isCode(err, "AccessDeniedException", "AccessDenied"):
		return invalid("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams Actions on your stream in IAM.", stream)
	}
	return err
}

// checkConsumer refuses a consumer that is not there. The role of the function is not asked: it needs
// SubscribeToShard alone.
func (s *Service) checkConsumer(ctx context.Context, d *mappingDoc) error {
	_, err := s.cfg.FanOut.DescribeStreamConsumer(d.scope().Context(ctx), &kinesis.DescribeStreamConsumerInput{ConsumerARN: &d.Source})
	if isCode(err, "ResourceNotFoundException", "InvalidArgumentException", "ValidationException") {
		return invalid("Stream consumer not found: %s", d.Source)
	}
	return err
}

// checkChanges refuses a table's stream that is not there, or that the role of the function may not read.
func (s *Service) checkChanges(ctx context.Context, d *mappingDoc) error {
	api := shardreader.DynamoDBAs(s.cfg.DynamoDB, s.actingAs(d))
	_, err := api.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &d.Source, Limit: aws.Int32(1)})
	switch {
	case isCode(err, "ResourceNotFoundException"):
		return invalid("Stream not found: %s", d.Source)
	case isCode(err, "AccessDeniedException", "AccessDenied"):
		return invalid("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.", d.Source)
	}
	return err
}

func denied(err error) bool { return isCode(err, "AccessDeniedException", "AccessDenied") }

// mayNot refuses a queue for which the role of the function lacks an action.
func mayNot(action string) error {
	return invalid("The function execution role does not have permissions to call %s on SQS", action)
}

// checkPolling refuses a queue that the role of the function may not take messages of. It asks for what is not valid, so
// that it takes none: who may not is told so first.
func (s *Service) checkPolling(ctx context.Context, url string) error {
	if _, err := s.cfg.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 11}); denied(err) {
		return mayNot("ReceiveMessage")
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []sqstypes.DeleteMessageBatchRequestEntry{{Id: aws.String("none"), ReceiptHandle: aws.String("none")}}}
	if _, err := s.cfg.SQS.DeleteMessageBatch(ctx, in); denied(err) {
		return mayNot("DeleteMessage")
	}
	return nil
}

// checkVisibility refuses a queue whose messages come again while the function may still be at work on them.
func (s *Service) checkVisibility(ctx context.Context, d *mappingDoc, f *functionDoc) error {
	c, err := s.version(f, d.Qualifier)
	if err != nil {
		return err
	}
	a, _ := arn.Parse(d.Source)
	ctx = s.actingAs(d)(ctx)
	url, err := s.queueURL(ctx, a)
	if err != nil {
		return err
	}
	if err := s.checkPolling(ctx, url); err != nil {
		return err
	}
	out, err := s.cfg.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameVisibilityTimeout}})
	switch {
	case denied(err):
		return mayNot("GetQueueAttributes")
	case err != nil:
		return err
	}
	text := out.Attributes[string(sqstypes.QueueAttributeNameVisibilityTimeout)]
	if seconds, err := strconv.Atoi(text); err == nil && seconds < int(c.Timeout) {
		return invalid("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", seconds, c.Timeout)
	}
	return nil
}
