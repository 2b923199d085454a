package firehose

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
)

const destinationID = "destinationId-000000000001" // a delivery stream has one

// DescribeDeliveryStream shows a delivery stream as it was configured, with the defaults
// that AWS shows. Defaults of serializers and deserializers are left out, as AWS does.
func (s *Service) DescribeDeliveryStream(ctx context.Context, in *firehose.DescribeDeliveryStreamInput, _ ...func(*firehose.Options)) (*firehose.DescribeDeliveryStreamOutput, error) {
	st, err := s.lookup(ctx, aws.ToString(in.DeliveryStreamName))
	if err != nil {
		return nil, err
	}
	d := st.doc.Load()
	out := &types.DeliveryStreamDescription{
		DeliveryStreamARN:    aws.String(d.arn()),
		DeliveryStreamName:   aws.String(d.Name),
		DeliveryStreamStatus: types.DeliveryStreamStatusActive,
		DeliveryStreamType:   types.DeliveryStreamTypeDirectPut,
		VersionId:            aws.String(strconv.Itoa(d.Version)),
		CreateTimestamp:      &d.Created,
		HasMoreDestinations:  aws.Bool(false),
		DeliveryStreamEncryptionConfiguration: &types.DeliveryStreamEncryptionConfiguration{
			Status: types.DeliveryStreamEncryptionStatusDisabled,
		},
		Destinations: []types.DestinationDescription{},
	}
	if d.Deleting {
		out.DeliveryStreamStatus = types.DeliveryStreamStatusDeleting
	}
	if !d.Updated.IsZero() {
		out.LastUpdateTimestamp = &d.Updated
	}
	if e := d.Encryption; e != nil {
		out.DeliveryStreamEncryptionConfiguration = &types.DeliveryStreamEncryptionConfiguration{
			Status: types.DeliveryStreamEncryptionStatusEnabled, KeyType: types.KeyType(e.KeyType), KeyARN: optional(e.KeyARN),
		}
	}
	if d.ThroughputHint != nil {
		out.Source = &types.SourceDescription{DirectPutSourceDescription: &types.DirectPutSourceDescription{ThroughputHintInMBs: d.ThroughputHint}}
	}
	if c := d.Source; c != nil {
		out.DeliveryStreamType = types.DeliveryStreamTypeKinesisStreamAsSource
		out.Source = &types.SourceDescription{KinesisStreamSourceDescription: &types.KinesisStreamSourceDescription{
			KinesisStreamARN: &c.StreamARN, RoleARN: &c.RoleARN, DeliveryStartTimestamp: &c.Started,
		}}
	}
	switch {
	case aws.ToString(in.ExclusiveStartDestinationId) >= destinationID:
	case d.HTTP != nil:
		out.Destinations = append(out.Destinations, types.DestinationDescription{
			DestinationId: aws.String(destinationID), HttpEndpointDestinationDescription: d.HTTP.describe(d),
		})
	default:
		e := d.S3.describe()
		if d.Backup != nil {
			e.S3BackupDescription = d.Backup.describePlain()
		}
		out.Destinations = append(out.Destinations, types.DestinationDescription{
			DestinationId: aws.String(destinationID), S3DestinationDescription: d.S3.describePlain(), ExtendedS3DestinationDescription: e,
		})
	}
	return &firehose.DescribeDeliveryStreamOutput{DeliveryStreamDescription: out}, nil
}

func (c *s3Config) describePlain() *types.S3DestinationDescription {
	return &types.S3DestinationDescription{
		RoleARN: aws.String(c.RoleARN), BucketARN: aws.String(c.BucketARN), Prefix: c.Prefix, ErrorOutputPrefix: c.ErrorPrefix,
		BufferingHints:           &types.BufferingHints{SizeInMBs: aws.Int32(c.SizeMB), IntervalInSeconds: aws.Int32(c.Seconds)},
		CompressionFormat:        types.CompressionFormat(c.Compression),
		EncryptionConfiguration:  c.describeEncryption(),
		CloudWatchLoggingOptions: c.Logging.describe(),
	}
}

func (c *s3Config) describe() *types.ExtendedS3DestinationDescription {
	p := c.describePlain()
	out := &types.ExtendedS3DestinationDescription{
		RoleARN: p.RoleARN, BucketARN: p.BucketARN, Prefix: p.Prefix, ErrorOutputPrefix: p.ErrorOutputPrefix,
		BufferingHints: p.BufferingHints, CompressionFormat: p.CompressionFormat, EncryptionConfiguration: p.EncryptionConfiguration,
		CloudWatchLoggingOptions: p.CloudWatchLoggingOptions, S3BackupMode: types.S3BackupMode(c.BackupMode),
		CustomTimeZone: c.TimeZone, FileExtension: c.Extension,
		ProcessingConfiguration:           c.Processing.describe(c.RoleARN),
		DataFormatConversionConfiguration: &types.DataFormatConversionConfiguration{Enabled: aws.Bool(false)},
	}
	if q := c.Dynamic; q != nil {
		out.DynamicPartitioningConfiguration = &types.DynamicPartitioningConfiguration{Enabled: aws.Bool(q.Enabled)}
		if q.RetrySeconds != nil {
			out.DynamicPartitioningConfiguration.RetryOptions = &types.RetryOptions{DurationInSeconds: q.RetrySeconds}
		} else if q.Enabled {
			out.DynamicPartitioningConfiguration.RetryOptions = &types.RetryOptions{DurationInSeconds: aws.Int32(300)}
		}
	}
	if q := c.Conversion; q != nil {
		out.DataFormatConversionConfiguration = q.describe()
	}
	return out
}

func (c *s3Config) describeEncryption() *types.EncryptionConfiguration {
	if c.KMSKey != "" {
		return &types.EncryptionConfiguration{KMSEncryptionConfig: &types.KMSEncryptionConfig{AWSKMSKeyARN: aws.String(c.KMSKey)}}
	}
	return &types.EncryptionConfiguration{NoEncryptionConfig: types.NoEncryptionConfigNoEncryption}
}

func (l *loggingConfig) describe() *types.CloudWatchLoggingOptions {
	if l != nil {
		return &types.CloudWatchLoggingOptions{Enabled: aws.Bool(l.Enabled), LogGroupName: l.Group, LogStreamName: l.Stream}
	}
	return &types.CloudWatchLoggingOptions{Enabled: aws.Bool(false)}
}

func (c *conversionConfig) describe() *types.DataFormatConversionConfiguration {
	out := &types.DataFormatConversionConfiguration{Enabled: aws.Bool(c.Enabled)}
	if s := c.Schema; s != nil {
		out.SchemaConfiguration = &types.SchemaConfiguration{
			RoleARN: optional(s.RoleARN), CatalogId: optional(s.CatalogID), DatabaseName: optional(s.Database),
			TableName: optional(s.Table), Region: optional(s.Region), VersionId: optional(s.Version),
		}
	}
	if o := c.OpenX; o != nil {
		out.InputFormatConfiguration = &types.InputFormatConfiguration{Deserializer: &types.Deserializer{OpenXJsonSerDe: &types.OpenXJsonSerDe{
			CaseInsensitive: o.CaseInsensitive, ConvertDotsInJsonKeysToUnderscores: o.DotsToUnder, ColumnToJsonKeyMappings: o.Keys,
		}}}
	}
	if h := c.Hive; h != nil {
		out.InputFormatConfiguration = &types.InputFormatConfiguration{Deserializer: &types.Deserializer{HiveJsonSerDe: &types.HiveJsonSerDe{TimestampFormats: h.TimestampFormats}}}
	}
	if p := c.Parquet; p != nil {
		out.OutputFormatConfiguration = &types.OutputFormatConfiguration{Serializer: &types.Serializer{ParquetSerDe: &types.ParquetSerDe{
			BlockSizeBytes: p.BlockSize, PageSizeBytes: p.PageSize, Compression: types.ParquetCompression(p.Compression),
			EnableDictionaryCompression: p.Dictionary, MaxPaddingBytes: p.MaxPadding, WriterVersion: types.ParquetWriterVersion(p.Version),
		}}}
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
