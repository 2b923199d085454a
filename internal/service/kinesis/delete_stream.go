package kinesis

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// DeleteStream removes an ACTIVE stream and its records.
func (s *Service) DeleteStream(ctx context.Context, in *kinesis.DeleteStreamInput, _ ...func(*kinesis.Options)) (*kinesis.DeleteStreamOutput, error) {
	d, err := s.find(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	_, err = s.begin(ctx, d, types.StreamStatusDeleting, change{Kind: changeDelete}, func(*stream) error { return nil })
	if err != nil {
		return nil, err
	}
	return &kinesis.DeleteStreamOutput{}, nil
}
