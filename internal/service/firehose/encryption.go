package firehose

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// StartDeliveryStreamEncryption stores the setting and shows it; data is not encrypted by
// it.
func (s *Service) StartDeliveryStreamEncryption(ctx context.Context, in *firehose.StartDeliveryStreamEncryptionInput, _ ...func(*firehose.Options)) (*firehose.StartDeliveryStreamEncryptionOutput, error) {
	enc := &encryption{KeyType: string(types.KeyTypeAwsOwnedCmk)}
	if e := in.DeliveryStreamEncryptionConfigurationInput; e != nil {
		var err error
		if enc, err = newEncryption(e, awswire.CallerFrom(ctx).Region); err != nil {
			return nil, err
		}
	}
	err := s.modify(ctx, aws.ToString(in.DeliveryStreamName), func(d *streamDoc) error {
		if d.Source != nil {
			return errEncryptSource
		}
		d.Encryption = enc
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &firehose.StartDeliveryStreamEncryptionOutput{}, nil
}

// StopDeliveryStreamEncryption takes the setting back.
func (s *Service) StopDeliveryStreamEncryption(ctx context.Context, in *firehose.StopDeliveryStreamEncryptionInput, _ ...func(*firehose.Options)) (*firehose.StopDeliveryStreamEncryptionOutput, error) {
	err := s.modify(ctx, aws.ToString(in.DeliveryStreamName), func(d *streamDoc) error {
		if d.Source != nil {
			return errEncryptSource
		}
		d.Encryption = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &firehose.StopDeliveryStreamEncryptionOutput{}, nil
}

var errEncryptSource = invalid("Server side encryption from firehose is only allowed for direct put delivery streams and database as a source delivery streams")

func newEncryption(e *types.DeliveryStreamEncryptionConfigurationInput, region string) (*encryption, error) {
	arn := aws.ToString(e.KeyARN)
	switch e.KeyType {
	case types.KeyTypeCustomerManagedCmk:
		if arn == "" {
			return nil, invalid("KeyARN has to be specified when KeyType is CUSTOMER_MANAGED_CMK")
		}
		if part := strings.Split(arn, ":"); len(part) > 3 && part[3] != region {
			return nil, invalid("Cross-region keys are not allowed for SSE. Please provide CMKs in the same region as firehose")
		}
	case types.KeyTypeAwsOwnedCmk:
		if arn != "" {
			return nil, invalid("KeyARN cannot be specified when KeyType is AWS_OWNED_CMK")
		}
	}
	return &encryption{KeyType: string(e.KeyType), KeyARN: arn}, nil
}
