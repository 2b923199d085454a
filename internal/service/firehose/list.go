package firehose

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// ListDeliveryStreams names the caller's delivery streams in order, ten at a time unless
// told otherwise.
func (s *Service) ListDeliveryStreams(ctx context.Context, in *firehose.ListDeliveryStreamsInput, _ ...func(*firehose.Options)) (*firehose.ListDeliveryStreamsOutput, error) {
	limit := 10
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	out := &firehose.ListDeliveryStreamsOutput{DeliveryStreamNames: []string{}, HasMoreDeliveryStreams: aws.Bool(false)}
	if t := in.DeliveryStreamType; t != "" && t != types.DeliveryStreamTypeDirectPut {
		return out, nil
	}
	c := awswire.CallerFrom(ctx)
	for k := range s.docs.List(c.Account, c.Region) {
		name := k[len(k)-1]
		if name <= aws.ToString(in.ExclusiveStartDeliveryStreamName) {
			continue
		}
		if len(out.DeliveryStreamNames) == limit {
			out.HasMoreDeliveryStreams = aws.Bool(true)
			break
		}
		out.DeliveryStreamNames = append(out.DeliveryStreamNames, name)
	}
	return out, nil
}
