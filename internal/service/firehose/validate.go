package firehose

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/engine/delivery"
)

// validate checks what the API's model cannot say of a configuration.
func (s *Service) validate(d *streamDoc) error {
	if err := d.processing().validate(); err != nil {
		return err
	}
	if d.Transforms && d.processing().find(types.ProcessorTypeLambda) != nil && s.cfg.Lambda == nil {
		return invalid("Processor type Lambda needs AWS Lambda, which this node does not have")
	}
	if d.HTTP == nil {
		if d.S3.BackupMode == string(types.S3BackupModeEnabled) && d.Backup == nil {
			return invalid("S3BackupConfiguration is required when S3BackupMode is Enabled")
		}
	} else if d.HTTP.Processing.find(types.ProcessorTypeMetadataExtraction) != nil {
		return invalid("MetadataExtraction processor is only supported when Dynamic Partitioning is enabled.")
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
	for name, p := range map[string]*string{"Prefix": c.Prefix, "ErrorOutputPrefix": c.ErrorPrefix} {
		for segment := range strings.SplitSeq(aws.ToString(p), "/") {
			if segment == ".." || segment == "." { // no key that S3 takes
				return invalid("%s must not have the segment %s", name, segment)
			}
		}
	}
	if !main {
		p := *c.spec(d)
		p.Keyed, p.Function, p.Partition = false, false, ""
		if err := delivery.CheckSpec(p); err != nil {
			return invalid("%s", err)
		}
		return nil
	}
	if c.partitions() {
		if c.SizeMB < 64 {
			return invalid("BufferingHints.SizeInMBs must be at least 64 when Dynamic Partitioning is enabled.")
		}
		if c.processor(types.ProcessorTypeMetadataExtraction) == nil && c.processor(types.ProcessorTypeLambda) == nil {
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

func (q *processingConfig) validate() error {
	if q == nil || !q.Enabled {
		return nil
	}
	seen := make(map[string]bool)
	for i := range q.Processors {
		p := &q.Processors[i]
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
		case types.ProcessorTypeDecompression:
			if f := p.param(types.ProcessorParameterNameCompressionFormat); f != "" && f != "GZIP" {
				return invalid("CompressionFormat parameter of the Decompression processor must be GZIP")
			}
		case types.ProcessorTypeCloudWatchLogProcessing:
			if !strings.EqualFold(p.param(types.ProcessorParameterNameDataMessageExtraction), "true") {
				return invalid("DataMessageExtraction parameter of the CloudWatchLogProcessing processor must be true")
			}
			if q.find(types.ProcessorTypeDecompression) == nil {
				return invalid("CloudWatchLogProcessing processor needs a Decompression processor")
			}
		case types.ProcessorTypeLambda:
			if err := p.validateLambda(); err != nil {
				return err
			}
		default:
			return invalid("Processor type %s is not supported by Brookmere", p.Type)
		}
	}
	return nil
}

// validateLambda checks the parameters of a function, which are all strings.
func (p *processorConfig) validateLambda() error {
	arn := p.param(types.ProcessorParameterNameLambdaArn)
	if part := strings.Split(arn, ":"); len(part) < 7 || part[0] != "arn" || part[2] != "lambda" || part[5] != "function" || part[6] == "" {
		return invalid("LambdaArn parameter of the Lambda processor must be the ARN of a function")
	}
	for _, q := range []struct {
		name     types.ProcessorParameterName
		min, max float64
		whole    bool
	}{
		{types.ProcessorParameterNameLambdaNumberOfRetries, 0, 300, true},
		{types.ProcessorParameterNameBufferSizeInMb, 0.2, lambdaMaxBuffer, false},
		{types.ProcessorParameterNameBufferIntervalInSeconds, 0, 900, true},
	} {
		text := p.param(q.name)
		if text == "" {
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || !(v >= q.min && v <= q.max) || q.whole && v != float64(int(v)) {
			return invalid("%s parameter of the Lambda processor must be from %v to %v", q.name, q.min, q.max)
		}
	}
	return nil
}
