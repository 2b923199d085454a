package firehose

import (
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/engine/delivery"
)

// validate checks what the API's model cannot say of a destination.
func (c *s3Config) validate(d *streamDoc) error {
	if c.BackupMode == string(types.S3BackupModeEnabled) {
		return invalid("S3BackupMode Enabled is not supported by Brookmere")
	}
	if err := c.validateProcessors(); err != nil {
		return err
	}
	if c.partitions() {
		if c.SizeMB < 64 {
			return invalid("BufferingHints.SizeInMBs must be at least 64 when Dynamic Partitioning is enabled.")
		}
		if c.processor(types.ProcessorTypeMetadataExtraction) == nil {
			return invalid("MetadataExtraction processor should be present when Dynamic Partitioning is enabled.")
		}
		if aws.ToString(c.ErrorPrefix) == "" {
			return invalid("ErrorOutputPrefix cannot be null or empty when Dynamic Partitioning is enabled.")
		}
	} else if c.processor(types.ProcessorTypeMetadataExtraction) != nil {
		return invalid("MetadataExtraction processor is only supported when Dynamic Partitioning is enabled.")
	}
	if c.converts() {
		if err := c.validateConversion(); err != nil {
			return err
		}
	}
	// The engine knows the rules of prefixes, queries, time zones and delimiters.
	if err := delivery.CheckSpec(*c.spec(d)); err != nil {
		return invalid("%s", err)
	}
	return nil
}

func (c *s3Config) validateConversion() error {
	f := c.Conversion
	if f.Schema == nil || f.Schema.Database == "" || f.Schema.Table == "" || f.Schema.RoleARN == "" {
		return invalid("SchemaConfiguration with DatabaseName, TableName and RoleARN is required when data format conversion is enabled.")
	}
	if f.OpenX == nil && f.Hive == nil || f.OpenX != nil && f.Hive != nil {
		return invalid("InputFormatConfiguration must have exactly one Deserializer when data format conversion is enabled.")
	}
	if f.Parquet == nil {
		return invalid("OutputFormatConfiguration must have a ParquetSerDe when data format conversion is enabled; OrcSerDe is not supported by Brookmere.")
	}
	if c.Compression != string(types.CompressionFormatUncompressed) {
		return invalid("CompressionFormat must be UNCOMPRESSED when data format conversion is enabled.")
	}
	if c.SizeMB < 64 {
		return invalid("BufferingHints.SizeInMBs must be at least 64 when data format conversion is enabled.")
	}
	return nil
}

func (c *s3Config) validateProcessors() error {
	if c.Processing == nil || !c.Processing.Enabled {
		return nil
	}
	seen := make(map[string]bool)
	for i := range c.Processing.Processors {
		p := &c.Processing.Processors[i]
		if seen[p.Type] {
			return invalid("Only one processor of type %s is allowed", p.Type)
		}
		seen[p.Type] = true
		switch types.ProcessorType(p.Type) {
		case types.ProcessorTypeMetadataExtraction:
			if p.param(types.ProcessorParameterNameMetadataExtractionQuery) == "" {
				return invalid("MetadataExtractionQuery parameter is required for the MetadataExtraction processor")
			}
			if e := p.param(types.ProcessorParameterNameJsonParsingEngine); e != "JQ-1.6" {
				return invalid("JsonParsingEngine parameter of the MetadataExtraction processor must be JQ-1.6")
			}
		case types.ProcessorTypeRecordDeAggregation:
			switch t := p.param(types.ProcessorParameterNameSubRecordType); t {
			case "JSON":
			case "DELIMITED":
				at := p.param(types.ProcessorParameterNameDelimiter)
				if b, err := base64.StdEncoding.DecodeString(at); err != nil || len(b) == 0 {
					return invalid("Delimiter parameter of the RecordDeAggregation processor must be base64 when SubRecordType is DELIMITED")
				}
			default:
				return invalid("SubRecordType parameter of the RecordDeAggregation processor must be JSON or DELIMITED")
			}
		case types.ProcessorTypeAppendDelimiterToRecord:
		default:
			return invalid("Processor type %s is not supported by Brookmere", p.Type)
		}
	}
	return nil
}
