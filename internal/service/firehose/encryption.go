package firehose

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
)

// StartDeliveryStreamEncryption stores the setting and shows it; data is not encrypted by
// it.
func (s *Service) StartDeliveryStreamEncryption(ctx context.Context, in *firehose.StartDeliveryStreamEncryptionInput, _ ...func(*firehose.Options)) (*firehose.StartDeliveryStreamEncryptionOutput, error) {
	enc := &encryption{KeyType: string(types.KeyTypeAwsOwnedCmk)}
	if e := in.DeliveryStreamEncryptionConfigurationInput; e != nil {
		var err error
		if enc, err = newEncryption(e); err != nil {
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

var errEncryptSource = invalid("Server-side encryption is not applicable to a delivery stream whose source is a Kinesis stream; encrypt the Kinesis stream instead.")

func newEncryption(e *types.DeliveryStreamEncryptionConfigurationInput) (*encryption, error) {
	arn := aws.ToString(e.KeyARN)
	switch e.KeyType {
	case types.KeyTypeCustomerManagedCmk:
		if arn == "" {
			return nil, invalid("KeyARN is required when KeyType is CUSTOMER_MANAGED_CMK")
		}
	case types.KeyTypeAwsOwnedCmk:
		if arn != "" {
			return nil, invalid("KeyARN must not be given when KeyType is AWS_OWNED_CMK")
		}
	}
	return &encryption{KeyType: string(e.KeyType), KeyARN: arn}, nil
}
