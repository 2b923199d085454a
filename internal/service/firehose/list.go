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
	c := awswire.CallerFrom(ctx)
	for it, err := range s.docs.List(c.Account, c.Region) {
		if err != nil {
			return nil, err
		}
		k, d := it.Key, it.Value
		if in.DeliveryStreamType != "" && in.DeliveryStreamType != d.kind() {
			continue
		}
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

// kind is the type of the delivery stream in the API's words.
func (d *streamDoc) kind() types.DeliveryStreamType {
	if d.Source != nil {
		return types.DeliveryStreamTypeKinesisStreamAsSource
	}
	return types.DeliveryStreamTypeDirectPut
}
