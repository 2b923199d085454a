package kinesis

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// DeleteStream removes an ACTIVE stream and its records; one that has consumers only with
// EnforceConsumerDeletion.
func (s *Service) DeleteStream(ctx context.Context, in *kinesis.DeleteStreamInput, _ ...func(*kinesis.Options)) (*kinesis.DeleteStreamOutput, error) {
	d, err := s.find(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	_, err = s.begin(ctx, d, types.StreamStatusDeleting, change{Kind: changeDelete}, func(d *stream) error {
		if len(s.consumers(d)) > 0 && !aws.ToBool(in.EnforceConsumerDeletion) {
			return &types.ResourceInUseException{Message: aws.String(fmt.Sprintf(
				"Stream %s under account %s has one or more consumers; set EnforceConsumerDeletion to delete it with them.", d.Name, d.Account))}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.DeleteStreamOutput{}, nil
}
