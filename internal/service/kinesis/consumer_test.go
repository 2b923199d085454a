package kinesis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestConsumers(t *testing.T) {
	n := newNode(t, Config{})
	ctx := t.Context()
	n.create("s", 1)
	arn := aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s")
	var first *types.Consumer
	for i := range maxConsumers {
		out, err := n.client.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String(fmt.Sprintf("c%02d", i)), Tags: map[string]string{"a": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = out.Consumer
		}
	}
	if first.ConsumerStatus != types.ConsumerStatusActive || !strings.HasPrefix(*first.ConsumerARN, *arn+"/consumer/c00:1") {
		t.Errorf("registered %+v", first)
	}
	_, err := n.client.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c00")})
	want(t, err, "ResourceInUseException", "already exists")
	_, err = n.client.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("more")})
	want(t, err, "LimitExceededException", "more than 20 consumers")
	n.restart()
	var names []string
	in := &kinesis.ListStreamConsumersInput{StreamARN: arn, MaxResults: aws.Int32(7)}
	for {
		out, err := n.client.ListStreamConsumers(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range out.Consumers {
			names = append(names, *c.ConsumerName)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if len(names) != maxConsumers || names[19] != "c19" {
		t.Errorf("listed %v", names)
	}
	d, err := n.client.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: first.ConsumerARN})
	if err != nil || *d.ConsumerDescription.ConsumerName != "c00" || *d.ConsumerDescription.StreamARN != *arn || !d.ConsumerDescription.ConsumerCreationTimestamp.Equal(*first.ConsumerCreationTimestamp) {
		t.Errorf("described %+v, %v", d, err)
	}
	if _, err := n.client.TagResource(ctx, &kinesis.TagResourceInput{ResourceARN: first.ConsumerARN, Tags: map[string]string{"c": "d"}}); err != nil {
		t.Error(err)
	}
	if tags, err := n.client.ListTagsForResource(ctx, &kinesis.ListTagsForResourceInput{ResourceARN: first.ConsumerARN}); err != nil || len(tags.Tags) != 2 {
		t.Errorf("tags %+v, %v", tags, err)
	}
	_, err = n.client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamARN: arn})
	want(t, err, "ResourceInUseException", "consumers")
	if _, err := n.client.DeregisterStreamConsumer(ctx, &kinesis.DeregisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c00")}); err != nil {
		t.Error(err)
	}
	_, err = n.client.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: first.ConsumerARN})
	want(t, err, "ResourceNotFoundException", "not found")
	_, err = n.client.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{StreamARN: arn})
	want(t, err, "InvalidArgumentException", "ConsumerARN")
	sum, err := n.client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: arn})
	if err != nil || *sum.StreamDescriptionSummary.ConsumerCount != 19 {
		t.Errorf("summary %+v, %v", sum, err)
	}
	if _, err := n.client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamARN: arn, EnforceConsumerDeletion: aws.Bool(true)}); err != nil {
		t.Error(err)
	}
}
