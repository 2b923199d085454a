package firehose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateDeliveryStream makes a delivery stream, ACTIVE when it returns.
//
// Limits: sources other than direct puts and destinations other than S3 are refused.
// Neither bucket, role nor table is looked for: as with AWS, delivery waits until they
// are there.
func (s *Service) CreateDeliveryStream(ctx context.Context, in *firehose.CreateDeliveryStreamInput, _ ...func(*firehose.Options)) (*firehose.CreateDeliveryStreamOutput, error) {
	c := awswire.CallerFrom(ctx)
	d := &streamDoc{
		ID: newID(), Name: aws.ToString(in.DeliveryStreamName), Account: c.Account, Region: c.Region,
		Version: 1, Created: s.clock.Now().UTC(),
		S3: s3Config{Seconds: 300, BackupMode: string(types.S3BackupModeDisabled)},
	}
	if t := in.DeliveryStreamType; t != "" && t != types.DeliveryStreamTypeDirectPut || in.KinesisStreamSourceConfiguration != nil ||
		in.MSKSourceConfiguration != nil || in.DatabaseSourceConfiguration != nil {
		return nil, invalid("DeliveryStreamType %s is not supported by Brookmere; use DirectPut", in.DeliveryStreamType)
	}
	if h := in.DirectPutSourceConfiguration; h != nil {
		d.ThroughputHint = h.ThroughputHintInMBs
	}
	if e := in.DeliveryStreamEncryptionConfigurationInput; e != nil {
		enc, err := newEncryption(e)
		if err != nil {
			return nil, err
		}
		d.Encryption = enc
	}
	dest, plain, err := destination(in)
	if err != nil {
		return nil, err
	}
	d.Plain = plain
	d.S3.configure(dest)
	if err := d.S3.validate(d); err != nil {
		return nil, err
	}
	if d.Tags, err = addTags(nil, in.Tags); err != nil {
		return nil, err
	}

	s.mu.RLock()
	st, closed := s.streams[d.key()], s.closed
	s.mu.RUnlock()
	if closed {
		return nil, shardlog.ErrClosed
	}
	if st != nil {
		return nil, inUse(d)
	}
	shard, err := s.cfg.Log.CreateShard(ctx, d.shardName(), shardlog.ShardConfig{})
	if err != nil {
		return nil, fmt.Errorf("firehose: create the log of %s: %w", d.Name, err)
	}
	if err := s.docs.Create(ctx, d, d.path()...); err != nil {
		if derr := s.cfg.Log.DeleteShard(ctx, d.shardName()); derr != nil {
			s.log.Warn("a log that is not needed stays until the next start", "shard", d.shardName(), "err", derr)
		}
		if errors.Is(err, state.ErrExists) {
			return nil, inUse(d)
		}
		return nil, err
	}
	st = s.newStream(d, shard)
	s.mu.Lock()
	s.streams[d.key()] = st
	s.mu.Unlock()
	st.start()
	return &firehose.CreateDeliveryStreamOutput{DeliveryStreamARN: aws.String(d.arn())}, nil
}

func inUse(d *streamDoc) error {
	m := fmt.Sprintf("Firehose %s under accountId %s already exists", d.Name, d.Account)
	return &types.ResourceInUseException{Message: &m}
}

// destination takes the one S3 destination of a request.
func destination(in *firehose.CreateDeliveryStreamInput) (dest *types.ExtendedS3DestinationUpdate, plain bool, err error) {
	others := map[string]bool{
		"AmazonOpenSearchServerless": in.AmazonOpenSearchServerlessDestinationConfiguration != nil,
		"Amazonopensearchservice":    in.AmazonopensearchserviceDestinationConfiguration != nil,
		"Elasticsearch":              in.ElasticsearchDestinationConfiguration != nil,
		"HttpEndpoint":               in.HttpEndpointDestinationConfiguration != nil,
		"Iceberg":                    in.IcebergDestinationConfiguration != nil,
		"Redshift":                   in.RedshiftDestinationConfiguration != nil,
		"Snowflake":                  in.SnowflakeDestinationConfiguration != nil,
		"Splunk":                     in.SplunkDestinationConfiguration != nil,
	}
	var given []string
	for name, there := range others {
		if there {
			given = append(given, name)
		}
	}
	n := len(given)
	if in.ExtendedS3DestinationConfiguration != nil {
		n++
	}
	//lint:ignore SA1019 clients still send it
	plainConfig := in.S3DestinationConfiguration
	if plainConfig != nil {
		n++
	}
	if n != 1 {
		return nil, false, invalid("Exactly one destination configuration is supported for a Firehose")
	}
	if len(given) > 0 {
		slices.Sort(given)
		return nil, false, invalid("The %s destination is not supported by Brookmere; use ExtendedS3DestinationConfiguration", strings.Join(given, ", "))
	}
	if e := in.ExtendedS3DestinationConfiguration; e != nil {
		if e.S3BackupConfiguration != nil && e.S3BackupMode != types.S3BackupModeEnabled {
			return nil, false, invalid("S3BackupConfiguration is given but S3BackupMode is not Enabled")
		}
		return &types.ExtendedS3DestinationUpdate{
			BucketARN: e.BucketARN, BufferingHints: e.BufferingHints, CloudWatchLoggingOptions: e.CloudWatchLoggingOptions,
			CompressionFormat: e.CompressionFormat, CustomTimeZone: e.CustomTimeZone, DataFormatConversionConfiguration: e.DataFormatConversionConfiguration,
			DynamicPartitioningConfiguration: e.DynamicPartitioningConfiguration, EncryptionConfiguration: e.EncryptionConfiguration,
			ErrorOutputPrefix: e.ErrorOutputPrefix, FileExtension: e.FileExtension, Prefix: e.Prefix,
			ProcessingConfiguration: e.ProcessingConfiguration, RoleARN: e.RoleARN, S3BackupMode: e.S3BackupMode,
		}, false, nil
	}
	p := plainConfig
	return &types.ExtendedS3DestinationUpdate{
		BucketARN: p.BucketARN, BufferingHints: p.BufferingHints, CloudWatchLoggingOptions: p.CloudWatchLoggingOptions,
		CompressionFormat: p.CompressionFormat, EncryptionConfiguration: p.EncryptionConfiguration,
		ErrorOutputPrefix: p.ErrorOutputPrefix, Prefix: p.Prefix, RoleARN: p.RoleARN,
	}, true, nil
}
