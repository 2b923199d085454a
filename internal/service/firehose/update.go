package firehose

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
)

// UpdateDestination changes what it names of the destination and leaves the rest. The
// change takes over when all that was buffered under the old configuration is delivered.
func (s *Service) UpdateDestination(ctx context.Context, in *firehose.UpdateDestinationInput, _ ...func(*firehose.Options)) (*firehose.UpdateDestinationOutput, error) {
	up := in.ExtendedS3DestinationUpdate
	//lint:ignore SA1019 clients still send it
	if p := in.S3DestinationUpdate; p != nil && up == nil {
		up = &types.ExtendedS3DestinationUpdate{
			BucketARN: p.BucketARN, BufferingHints: p.BufferingHints, CloudWatchLoggingOptions: p.CloudWatchLoggingOptions,
			CompressionFormat: p.CompressionFormat, EncryptionConfiguration: p.EncryptionConfiguration,
			ErrorOutputPrefix: p.ErrorOutputPrefix, Prefix: p.Prefix, RoleARN: p.RoleARN,
		}
	}
	if up == nil {
		return nil, invalid("An ExtendedS3DestinationUpdate is required; other destinations are not supported by Brookmere")
	}
	err := s.modify(ctx, aws.ToString(in.DeliveryStreamName), func(d *streamDoc) error {
		if aws.ToString(in.DestinationId) != destinationID {
			return invalid("Destination Id %s not found", aws.ToString(in.DestinationId))
		}
		if v := aws.ToString(in.CurrentDeliveryStreamVersionId); v != strconv.Itoa(d.Version) {
			m := "Cannot update firehose: " + d.Name + " since the current version id: " + strconv.Itoa(d.Version) + " and specified version id: " + v + " do not match"
			return &types.ConcurrentModificationException{Message: &m}
		}
		d.S3.configure(up)
		if err := d.S3.validate(d); err != nil {
			return err
		}
		d.Version++
		d.Updated = s.clock.Now().UTC()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &firehose.UpdateDestinationOutput{}, nil
}
