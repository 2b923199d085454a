package kinesis

import (
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// maxBody is the limit of a request's body: 10 MiB of records in base64, with their keys and
// the JSON around them, and as much again, so that it is the service that says which limit
// was passed.
const maxBody = 20 << 20

// API returns the service as the wire layer serves it. The calls a second are enforced where
// limits are.
func (s *Service) API() awswire.API {
	return awswire.API{
		Model:      "kinesis",
		MaxBody:    maxBody,
		ExtendedID: true,
		Prompt:     []string{"PutRecord", "PutRecords", "GetRecords", "GetShardIterator"},
		Operations: s.operations(),
		Throttled: func(c *awswire.Call, resource string) error {
			if resource == "" {
				return limitExceeded("Rate exceeded for account %s.", c.Caller.Account)
			}
			name := resource
			if a, err := parseStreamARN(resource); err == nil {
				name = a.name
			}
			return limitExceeded("Rate exceeded for stream %s under account %s.", name, c.Caller.Account)
		},
		MessagePattern: func(pattern string) string { return number.ReplaceAllString(pattern, "$1") },
	}
}

// number is the pattern of hash keys and sequence numbers. Messages have it without the anchors.
var number = regexp.MustCompile(`^\^\((0\|\(\[1-9\]\\d\{0,\d+\}\))\)\$$`)

func (s *Service) operations() []awswire.Operation {
	return []awswire.Operation{
		awswire.Executes(s.AddTagsToStream, func(c awswire.Caller, in *kinesis.AddTagsToStreamInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerAccount),
		awswire.Executes(s.CreateStream, func(c awswire.Caller, in *kinesis.CreateStreamInput) []string {
			return s.on(c, in.StreamName, nil, nil)
		}).Calls(5, awswire.PerAccount),
		awswire.Executes(s.DecreaseStreamRetentionPeriod, func(c awswire.Caller, in *kinesis.DecreaseStreamRetentionPeriodInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.DeleteResourcePolicy, func(c awswire.Caller, in *kinesis.DeleteResourcePolicyInput) []string {
			return s.on(c, nil, in.ResourceARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.DeleteStream, func(c awswire.Caller, in *kinesis.DeleteStreamInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerAccount),
		awswire.Executes(s.DeregisterStreamConsumer, func(c awswire.Caller, in *kinesis.DeregisterStreamConsumerInput) []string {
			return s.onConsumer(c, in.ConsumerARN, in.StreamARN, in.ConsumerName, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.DescribeAccountSettings).Calls(5, awswire.PerAccount),
		awswire.Executes(s.DescribeLimits).Calls(1, awswire.PerAccount),
		awswire.Executes(s.DescribeStream, func(c awswire.Caller, in *kinesis.DescribeStreamInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(10, awswire.PerAccount),
		awswire.Executes(s.DescribeStreamConsumer, func(c awswire.Caller, in *kinesis.DescribeStreamConsumerInput) []string {
			return s.onConsumer(c, in.ConsumerARN, in.StreamARN, in.ConsumerName, in.StreamId)
		}).Calls(20, awswire.PerResource),
		awswire.Executes(s.DescribeStreamSummary, func(c awswire.Caller, in *kinesis.DescribeStreamSummaryInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(20, awswire.PerAccount),
		awswire.Stores(s.DisableEnhancedMonitoring, func(c awswire.Caller, in *kinesis.DisableEnhancedMonitoringInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Stores(s.EnableEnhancedMonitoring, func(c awswire.Caller, in *kinesis.EnableEnhancedMonitoringInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.GetRecords, s.onIterator).Fast(s.getRecordsFast),
		awswire.Executes(s.GetResourcePolicy, func(c awswire.Caller, in *kinesis.GetResourcePolicyInput) []string {
			return s.on(c, nil, in.ResourceARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.GetShardIterator, func(c awswire.Caller, in *kinesis.GetShardIteratorInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}),
		awswire.Executes(s.IncreaseStreamRetentionPeriod, func(c awswire.Caller, in *kinesis.IncreaseStreamRetentionPeriodInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.ListShards, func(c awswire.Caller, in *kinesis.ListShardsInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(1000, awswire.PerResource),
		awswire.Executes(s.ListStreamConsumers, func(c awswire.Caller, in *kinesis.ListStreamConsumersInput) []string {
			return s.on(c, nil, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.ListStreams).Calls(5, awswire.PerAccount),
		awswire.Executes(s.ListTagsForResource, func(c awswire.Caller, in *kinesis.ListTagsForResourceInput) []string {
			return s.on(c, nil, in.ResourceARN, in.StreamId)
		}).Calls(5, awswire.PerAccount),
		awswire.Executes(s.ListTagsForStream, func(c awswire.Caller, in *kinesis.ListTagsForStreamInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerAccount),
		awswire.Executes(s.MergeShards, func(c awswire.Caller, in *kinesis.MergeShardsInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.PutRecord, func(c awswire.Caller, in *kinesis.PutRecordInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Fast(s.putRecordFast),
		awswire.Executes(s.PutRecords, func(c awswire.Caller, in *kinesis.PutRecordsInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Fast(s.putRecordsFast),
		awswire.Executes(s.PutResourcePolicy, func(c awswire.Caller, in *kinesis.PutResourcePolicyInput) []string {
			return s.on(c, nil, in.ResourceARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.RegisterStreamConsumer, func(c awswire.Caller, in *kinesis.RegisterStreamConsumerInput) []string {
			return s.on(c, nil, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.RemoveTagsFromStream, func(c awswire.Caller, in *kinesis.RemoveTagsFromStreamInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerAccount),
		awswire.Executes(s.SplitShard, func(c awswire.Caller, in *kinesis.SplitShardInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Stores(s.StartStreamEncryption, func(c awswire.Caller, in *kinesis.StartStreamEncryptionInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Stores(s.StopStreamEncryption, func(c awswire.Caller, in *kinesis.StopStreamEncryptionInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Streams(s.subscribeFast, func(c awswire.Caller, in *kinesis.SubscribeToShardInput) []string {
			return s.onConsumer(c, in.ConsumerARN, nil, nil, nil)
		}),
		awswire.Executes(s.TagResource, func(c awswire.Caller, in *kinesis.TagResourceInput) []string {
			return s.on(c, nil, in.ResourceARN, in.StreamId)
		}).Calls(5, awswire.PerAccount),
		awswire.Executes(s.UntagResource, func(c awswire.Caller, in *kinesis.UntagResourceInput) []string {
			return s.on(c, nil, in.ResourceARN, in.StreamId)
		}).Calls(5, awswire.PerAccount),
		awswire.Stores(s.UpdateAccountSettings).Calls(5, awswire.PerAccount),
		awswire.Executes(s.UpdateMaxRecordSize, func(c awswire.Caller, in *kinesis.UpdateMaxRecordSizeInput) []string {
			return s.on(c, nil, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.UpdateShardCount, func(c awswire.Caller, in *kinesis.UpdateShardCountInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.UpdateStreamMode, func(c awswire.Caller, in *kinesis.UpdateStreamModeInput) []string {
			return s.on(c, nil, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Executes(s.UpdateStreamRecordDistributionStrategy, func(c awswire.Caller, in *kinesis.UpdateStreamRecordDistributionStrategyInput) []string {
			return s.on(c, nil, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
		awswire.Stores(s.UpdateStreamWarmThroughput, func(c awswire.Caller, in *kinesis.UpdateStreamWarmThroughputInput) []string {
			return s.on(c, in.StreamName, in.StreamARN, in.StreamId)
		}).Calls(5, awswire.PerResource),
	}
}

// on is the resource of a request that names a stream by one of the three, none if it does
// not.
func (s *Service) on(c awswire.Caller, name, streamARN, id *string) []string {
	switch {
	case streamARN != nil:
		return []string{*streamARN}
	case name != nil:
		return []string{arn.New("kinesis", c.Region, c.Account, "stream/"+*name)}
	case id != nil:
		for d, err := range s.streams.List(c.Account, c.Region) {
			if err == nil && d.Value.ID == *id {
				return []string{d.Value.arn()}
			}
		}
	}
	return nil
}

// onConsumer is the ARN of a consumer. One that is named and not there has one that ends with its name.
func (s *Service) onConsumer(c awswire.Caller, consumerARN, streamARN, name, id *string) []string {
	if consumerARN != nil {
		return []string{*consumerARN}
	}
	of := s.on(c, nil, streamARN, id)
	if len(of) == 0 || name == nil {
		return of
	}
	if s.streams != nil { // else the zero value, of which the operations are listed
		a, _ := arn.Parse(of[0])
		if d, err := s.streams.Get(a.Account, a.Region, strings.TrimPrefix(a.Resource, "stream/")); err == nil {
			if consumer := s.consumer(d, *name); consumer != nil {
				return []string{d.consumerARN(consumer)}
			}
		}
	}
	return []string{of[0] + "/consumer/" + *name}
}

// IteratorStream is the ARN of the stream that a shard iterator reads, empty for what is none.
func (s *Service) IteratorStream(iterator string) string { return s.iteratorARN([]byte(iterator)) }

func (s *Service) onIterator(_ awswire.Caller, in *kinesis.GetRecordsInput) []string {
	if a := s.iteratorARN([]byte(aws.ToString(in.ShardIterator))); a != "" {
		return []string{a}
	}
	return nil
}

// iteratorARN is the ARN of the stream that a shard iterator reads, empty for what is none.
func (s *Service) iteratorARN(sealed []byte) string {
	it, err := s.openIterator(sealed)
	if err != nil {
		return ""
	}
	return arn.New("kinesis", it.region, it.account, "stream/"+it.name)
}

// Resource implements awswire.FastCall.
func (p *put) Resource(c awswire.Caller) string {
	if p.arn != nil {
		return string(p.arn)
	}
	return arn.New("kinesis", c.Region, c.Account, "stream/"+string(p.name))
}

// Free implements awswire.FastCall.
func (p *put) Free() { p.free() }
