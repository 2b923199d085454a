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
// Limits: sources are direct puts and Kinesis streams, destinations S3 and HTTP endpoints;
// the others are refused. (Iceberg tables would be another delivery.Objects: what an
// object is, and how it becomes visible, is behind that interface.) The table of a
// conversion has to be there, as with AWS. Neither bucket nor role is looked for: delivery
// waits until they are there.
func (s *Service) CreateDeliveryStream(ctx context.Context, in *firehose.CreateDeliveryStreamInput, _ ...func(*firehose.Options)) (*firehose.CreateDeliveryStreamOutput, error) {
	d, err := s.newDocument(ctx, in)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	if closed {
		return nil, shardlog.ErrClosed
	}
	if _, err := s.docs.Get(d.path()...); err == nil {
		return nil, inUse(d)
	}
	if err := s.checkQuota(d); err != nil {
		return nil, err
	}
	if err := s.checkSchema(ctx, d); err != nil {
		return nil, err
	}
	if d.Source != nil {
		if d.Source, err = s.newSource(ctx, d); err != nil {
			return nil, err
		}
	}
	if err := s.discard(ctx, d, s.clock.Now().Add(makeFor)); err != nil { // until its document is there
		return nil, err
	}
	if d.Source == nil {
		if _, err := s.cfg.Log.CreateShard(ctx, d.shardName(), shardlog.ShardConfig{}); err != nil {
			return nil, fmt.Errorf("firehose: create the log of %s: %w", d.Name, err)
		}
	}
	if err := s.docs.Create(ctx, d, d.path()...); err != nil {
		if rerr := s.remove(ctx, d.Account, d.Region, d.ID); rerr != nil {
			s.log.Warn("a log that is not needed stays for a while", "shard", d.shardName(), "err", rerr)
		}
		if errors.Is(err, state.ErrExists) {
			return nil, inUse(d)
		}
		return nil, err
	}
	if err := s.keep(ctx, d); errors.Is(err, errSwept) {
		return nil, errors.Join(err, s.docs.Delete(ctx, d.path()...), s.remove(ctx, d.Account, d.Region, d.ID))
	} else if err != nil {
		s.log.Warn("that a delivery stream is kept is told later", "stream", d.Name, "err", err)
	}
	st, err := s.stream(ctx, d)
	if err != nil {
		return nil, err
	}
	s.runner.Refresh(d.path()...)
	if _, err := st.working(ctx); err != nil && !errors.Is(err, errElsewhere) {
		return nil, err
	}
	return &firehose.CreateDeliveryStreamOutput{DeliveryStreamARN: aws.String(d.arn())}, nil
}

// newDocument is the document of the stream that a request describes, checked for all that the request alone can tell.
func (s *Service) newDocument(ctx context.Context, in *firehose.CreateDeliveryStreamInput) (*streamDoc, error) {
	c := awswire.CallerFrom(ctx)
	d := &streamDoc{
		ID: newID(), Name: aws.ToString(in.DeliveryStreamName), Account: c.Account, Region: c.Region,
		Version: 1, Created: s.clock.Now().UTC(),
		S3: s3Config{Seconds: 300, BackupMode: string(types.S3BackupModeDisabled)},
	}
	if err := checkSource(in); err != nil {
		return nil, err
	}
	if h := in.DirectPutSourceConfiguration; h != nil {
		d.ThroughputHint = h.ThroughputHintInMBs
	}
	if e := in.DeliveryStreamEncryptionConfigurationInput; e != nil {
		enc, err := newEncryption(e, d.Region)
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
	if h := in.HttpEndpointDestinationConfiguration; h != nil {
		d.HTTP = new(httpConfig)
		d.HTTP.configure(&types.HttpEndpointDestinationUpdate{
			EndpointConfiguration: h.EndpointConfiguration, BufferingHints: h.BufferingHints, CloudWatchLoggingOptions: h.CloudWatchLoggingOptions,
			ProcessingConfiguration: h.ProcessingConfiguration, RequestConfiguration: h.RequestConfiguration, RetryOptions: h.RetryOptions,
			RoleARN: h.RoleARN, S3BackupMode: h.S3BackupMode, SecretsManagerConfiguration: h.SecretsManagerConfiguration,
		})
		if err := d.HTTP.validate(h.SecretsManagerConfiguration); err != nil {
			return nil, err
		}
	}
	if e := in.ExtendedS3DestinationConfiguration; e != nil && e.S3BackupConfiguration != nil {
		d.Backup = new(s3Config)
		d.Backup.configurePlain(e.S3BackupConfiguration)
	}
	d.Transforms = d.processing().find(types.ProcessorTypeLambda) != nil
	if src := in.KinesisStreamSourceConfiguration; src != nil && in.DeliveryStreamType == types.DeliveryStreamTypeKinesisStreamAsSource {
		// For the checks; CreateDeliveryStream looks it up.
		d.Source = &sourceConfig{StreamARN: aws.ToString(src.KinesisStreamARN), RoleARN: aws.ToString(src.RoleARN)}
	}
	if err := s.validate(d); err != nil {
		return nil, err
	}
	if err := s.checkCompaction(in.Tags); err != nil {
		return nil, err
	}
	if d.Tags, err = addTags(nil, in.Tags); err != nil {
		return nil, err
	}
	return d, nil
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
	if in.HttpEndpointDestinationConfiguration != nil {
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
		return &types.ExtendedS3DestinationUpdate{
			BucketARN: e.BucketARN, BufferingHints: e.BufferingHints, CloudWatchLoggingOptions: e.CloudWatchLoggingOptions,
			CompressionFormat: e.CompressionFormat, CustomTimeZone: e.CustomTimeZone, DataFormatConversionConfiguration: e.DataFormatConversionConfiguration,
			DynamicPartitioningConfiguration: e.DynamicPartitioningConfiguration, EncryptionConfiguration: e.EncryptionConfiguration,
			ErrorOutputPrefix: e.ErrorOutputPrefix, FileExtension: e.FileExtension, Prefix: e.Prefix,
			ProcessingConfiguration: e.ProcessingConfiguration, RoleARN: e.RoleARN, S3BackupMode: e.S3BackupMode,
		}, false, nil
	}
	p := plainConfig
	if h := in.HttpEndpointDestinationConfiguration; h != nil {
		p, plainConfig = h.S3Configuration, nil
	}
	return &types.ExtendedS3DestinationUpdate{
		BucketARN: p.BucketARN, BufferingHints: p.BufferingHints, CloudWatchLoggingOptions: p.CloudWatchLoggingOptions,
		CompressionFormat: p.CompressionFormat, EncryptionConfiguration: p.EncryptionConfiguration,
		ErrorOutputPrefix: p.ErrorOutputPrefix, Prefix: p.Prefix, RoleARN: p.RoleARN,
	}, plainConfig != nil, nil
}

// checkSource checks that there is one source, of the type that is named.
func checkSource(in *firehose.CreateDeliveryStreamInput) error {
	t := in.DeliveryStreamType
	if t == "" {
		t = types.DeliveryStreamTypeDirectPut
	}
	switch t {
	case types.DeliveryStreamTypeDirectPut:
		// The configuration of another source is ignored, as by AWS.
	case types.DeliveryStreamTypeKinesisStreamAsSource:
		if in.KinesisStreamSourceConfiguration == nil {
			return invalid("KinesisSourceStreamConfig is mandatory for KinesisStreamAsSource stream type.")
		}
		if in.MSKSourceConfiguration != nil || in.DatabaseSourceConfiguration != nil || in.DirectPutSourceConfiguration != nil {
			return invalid("Exactly one source configuration is supported for a Firehose")
		}
		if in.DeliveryStreamEncryptionConfigurationInput != nil {
			return errEncryptSource
		}
	default:
		return invalid("DeliveryStreamType %s is not supported by Brookmere; use DirectPut or KinesisStreamAsSource", t)
	}
	return nil
}

// maxStreams is the quota of delivery streams of an account in a Region.
const maxStreams = 5000

func (s *Service) checkQuota(d *streamDoc) error {
	n := 0
	for range s.docs.Keys(d.Account, d.Region) {
		n++
	}
	if n >= maxStreams {
		m := fmt.Sprintf("You have already consumed your firehose quota of %d hoses.", maxStreams)
		return &types.LimitExceededException{Message: &m}
	}
	return nil
}
