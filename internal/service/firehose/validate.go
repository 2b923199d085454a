package firehose

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/engine/recordplan"
)

// validate checks what the API's model cannot say of a configuration.
func (s *Service) validate(d *streamDoc) error {
	if err := d.processing().validate(); err != nil {
		return err
	}
	if d.Transforms && d.processing().find(types.ProcessorTypeLambda) != nil && s.cfg.Lambda == nil {
		return invalid("Processor type Lambda needs AWS Lambda, which this node does not have")
	}
	if err := s.checkEndpoint(d.HTTP); err != nil {
		return err
	}
	if d.HTTP == nil {
		if d.S3.BackupMode == string(types.S3BackupModeEnabled) && d.Backup == nil {
			return invalid("S3 backup destination configuration is required when enabling S3 backup.")
		}
	} else if d.HTTP.Processing.find(types.ProcessorTypeMetadataExtraction) != nil {
		return errNotPartitioned
	}
	if d.Backup != nil {
		if err := d.Backup.validate(d, false); err != nil {
			return err
		}
	}
	return d.S3.validate(d, d.HTTP == nil)
}

// validate checks an S3 destination; main if the stream's records go there.
func (c *s3Config) validate(d *streamDoc, main bool) error {
	if err := c.Logging.validate(); err != nil {
		return err
	}
	if c.unclear {
		return invalid("Exactly one of NoEncryptionConfig or KMSEncryptionConfig must be specified")
	}
	if part := strings.Split(c.KMSKey, ":"); len(part) > 3 && part[3] != d.Region {
		return invalid("KMS Key %s does not exist in the same region as the S3 bucket", c.KMSKey)
	}
	if !main {
		p := *c.spec(d)
		p.Keyed, p.Function, p.Partition = false, false, ""
		if err := recordplan.Check(p); err != nil {
			return invalid("%s", err)
		}
		return nil
	}
	if c.converts() {
		if err := c.validateConversion(); err != nil {
			return err
		}
	}
	if c.partitions() {
		if c.SizeMB < minSizeMB {
			return invalid("BufferingHints.SizeInMBs must be at least %d when Dynamic Partitioning is enabled.", minSizeMB)
		}
		if c.processor(types.ProcessorTypeMetadataExtraction) == nil && c.processor(types.ProcessorTypeLambda) == nil {
			return invalid("MetadataExtraction processor should be present when Dynamic Partitioning is enabled.")
		}
	} else if c.processor(types.ProcessorTypeMetadataExtraction) != nil {
		return errNotPartitioned
	}
	// The engine knows the rules of prefixes, queries, time zones and delimiters.
	if err := recordplan.Check(*c.spec(d)); err != nil {
		return invalid("%s", err)
	}
	return nil
}

// minSizeMB is the least buffer of a stream that partitions or converts.
const minSizeMB = 64

var errNotPartitioned = invalid("class com.amazonaws.services.firehose.internal.model.MetadataExtractionProcessor can only be present when Dynamic Partitioning is enabled.")

// validateConversion words the rules, and puts them in the order, that AWS does.
func (c *s3Config) validateConversion() error {
	f := c.Conversion
	if c.Compression != string(types.CompressionFormatUncompressed) {
		return invalid("The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is enabled. To enable compression within the converted output format, set the appropriate serialization option in the output format configuration.")
	}
	if c.SizeMB < minSizeMB {
		return invalid("BufferingHints.SizeInMBs must be at least %d when data format conversion is enabled.", minSizeMB)
	}
	for _, m := range []struct {
		name string
		bad  bool
	}{
		{"InputFormatConfiguration", !f.Input},
		{"OutputFormatConfiguration", !f.Output},
		{"SchemaConfiguration", f.Schema == nil},
		{"Deserializer", f.OpenX == nil && f.Hive == nil},
		{"Serializer", f.Parquet == nil && !f.ORC},
	} {
		if m.bad {
			return invalid("%s must not be null", m.name)
		}
	}
	switch {
	case f.OpenX != nil && f.Hive != nil:
		return invalid("More than one deserializer specified. Only one may be chosen.")
	case f.Parquet != nil && f.ORC:
		return invalid("More than one serializer specified. Only one may be chosen.")
	case f.ORC:
		return invalid("OrcSerDe is not supported by Brookmere; use ParquetSerDe")
	}
	for _, m := range []struct{ name, value string }{
		{"RoleArn", f.Schema.RoleARN}, {"DatabaseName", f.Schema.Database}, {"TableName", f.Schema.Table},
	} {
		if m.value == "" {
			return invalid("SchemaConfiguration.%s must not be null or empty", m.name)
		}
	}
	return nil
}

func (l *loggingConfig) validate() error {
	if l != nil && l.Enabled && aws.ToString(l.Group) == "" {
		return invalid("CloudWatch Log Group Name is required if CloudWatch Logging is enabled")
	}
	return nil
}
