package firehose

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
)

// streamDoc is the document of a delivery stream.
type streamDoc struct {
	ID      string `json:"id"` // unique to this creation
	Name    string `json:"name"`
	Account string `json:"account"`
	Region  string `json:"region"`

	Version  int       `json:"version"` // of the destination, from 1
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated,omitzero"`
	Deleting bool      `json:"deleting,omitempty"`

	ThroughputHint *int32      `json:"throughputHint,omitempty"` // of DirectPutSourceConfiguration
	Encryption     *encryption `json:"encryption,omitempty"`
	S3             s3Config    `json:"s3"`
	HTTP           *httpConfig `json:"http,omitempty"`   // the destination, if it is not S3
	Backup         *s3Config   `json:"backup,omitempty"` // of source records, with S3BackupMode Enabled

	Source     *sourceConfig `json:"source,omitempty"`     // nil: puts
	Transforms bool          `json:"transforms,omitempty"` // records go through a Transformer
	Plain      bool          `json:"plain,omitempty"`      // made with S3DestinationConfiguration
	Tags       []tag         `json:"tags,omitempty"`       // in the order in which they were added

	ReadUntil time.Time `json:"readUntil,omitzero"` // records of puts are kept for readers until then; read.go
}

// sourceConfig is a Kinesis stream that is read.
type sourceConfig struct {
	StreamARN string    `json:"streamArn"`
	RoleARN   string    `json:"roleArn"`
	Started   time.Time `json:"started"`          // records from then on
	Shards    []string  `json:"shards"`           // that were open then, in order
	Created   time.Time `json:"created,omitzero"` // of the stream; one of another time is another stream
}

type encryption struct {
	KeyType string `json:"keyType"`
	KeyARN  string `json:"keyArn,omitempty"`
}

type tag struct {
	Key   string  `json:"key"`
	Value *string `json:"value,omitempty"`
}

func (d *streamDoc) key() streamKey    { return streamKey{d.Account, d.Region, d.Name} }
func (d *streamDoc) path() []string    { return []string{d.Account, d.Region, d.Name} }
func (d *streamDoc) shardName() string { return d.base() + "/0" }
func (d *streamDoc) base() string      { return "firehose/" + d.Account + "/" + d.Region + "/" + d.ID }
func (d *streamDoc) arn() string {
	return arn.New("firehose", d.Region, d.Account, "deliverystream/"+d.Name)
}

// s3Config is an extended S3 destination with the defaults filled in.
type s3Config struct {
	RoleARN     string             `json:"roleArn"`
	BucketARN   string             `json:"bucketArn"`
	Prefix      *string            `json:"prefix,omitempty"`
	ErrorPrefix *string            `json:"errorPrefix,omitempty"`
	SizeMB      int32              `json:"sizeMB"`
	Seconds     int32              `json:"seconds"`
	Compression string             `json:"compression"`
	KMSKey      string             `json:"kmsKey,omitempty"`
	Logging     *loggingConfig     `json:"logging,omitempty"`
	TimeZone    *string            `json:"timeZone,omitempty"`
	Extension   *string            `json:"extension,omitempty"`
	Processing  *processingConfig  `json:"processing,omitempty"`
	Conversion  *conversionConfig  `json:"conversion,omitempty"`
	Dynamic     *partitionedConfig `json:"dynamic,omitempty"`
	BackupMode  string             `json:"backupMode,omitempty"`

	unclear bool // both kinds of encryption were given, or none; validate refuses it
}

type loggingConfig struct {
	Enabled bool    `json:"enabled"`
	Group   *string `json:"group,omitempty"`
	Stream  *string `json:"stream,omitempty"`
}

type partitionedConfig struct {
	Enabled      bool   `json:"enabled"`
	RetrySeconds *int32 `json:"retrySeconds,omitempty"`
}

// conversionConfig keeps what was said; the defaults of what was not are not shown by
// the API and are applied when the plan is made.
type conversionConfig struct {
	Enabled bool           `json:"enabled"`
	Input   bool           `json:"input,omitempty"`  // InputFormatConfiguration was given
	Output  bool           `json:"output,omitempty"` // OutputFormatConfiguration was given
	Schema  *schemaConfig  `json:"schema,omitempty"`
	OpenX   *openxConfig   `json:"openx,omitempty"`
	Hive    *hiveConfig    `json:"hive,omitempty"`
	Parquet *parquetConfig `json:"parquet,omitempty"`
	ORC     bool           `json:"orc,omitempty"` // OrcSerDe was given
}

type schemaConfig struct {
	RoleARN   string `json:"roleArn,omitempty"`
	CatalogID string `json:"catalogId,omitempty"`
	Database  string `json:"database,omitempty"`
	Table     string `json:"table,omitempty"`
	Region    string `json:"region,omitempty"`
	Version   string `json:"version,omitempty"`
}

type openxConfig struct {
	CaseInsensitive *bool             `json:"caseInsensitive,omitempty"`
	DotsToUnder     *bool             `json:"dotsToUnderscores,omitempty"`
	Keys            map[string]string `json:"keys,omitempty"`
}

type hiveConfig struct {
	TimestampFormats []string `json:"timestampFormats,omitempty"`
}

type parquetConfig struct {
	BlockSize   *int32 `json:"blockSize,omitempty"`
	PageSize    *int32 `json:"pageSize,omitempty"`
	Compression string `json:"compression,omitempty"`
	Dictionary  *bool  `json:"dictionary,omitempty"`
	MaxPadding  *int32 `json:"maxPadding,omitempty"`
	Version     string `json:"version,omitempty"`
}

// configure takes a destination from the API's form into c: members that are absent
// leave what c has. Checks come afterwards, by validate.
func (c *s3Config) configure(in *types.ExtendedS3DestinationUpdate) {
	set(&c.RoleARN, in.RoleARN)
	set(&c.BucketARN, in.BucketARN)
	setp(&c.Prefix, in.Prefix)
	setp(&c.ErrorPrefix, in.ErrorOutputPrefix)
	setp(&c.TimeZone, in.CustomTimeZone)
	setp(&c.Extension, in.FileExtension)
	if h := in.BufferingHints; h != nil {
		set(&c.SizeMB, h.SizeInMBs)
		set(&c.Seconds, h.IntervalInSeconds)
	}
	if in.CompressionFormat != "" {
		c.Compression = string(in.CompressionFormat)
	}
	if e := in.EncryptionConfiguration; e != nil {
		c.KMSKey = ""
		if e.KMSEncryptionConfig != nil {
			c.KMSKey = aws.ToString(e.KMSEncryptionConfig.AWSKMSKeyARN)
		}
		c.unclear = (e.KMSEncryptionConfig == nil) == (e.NoEncryptionConfig == "")
	}
	if l := in.CloudWatchLoggingOptions; l != nil {
		c.Logging = &loggingConfig{Enabled: aws.ToBool(l.Enabled), Group: l.LogGroupName, Stream: l.LogStreamName}
	}
	if p := in.ProcessingConfiguration; p != nil {
		c.Processing = newProcessing(p)
	}
	if d := in.DynamicPartitioningConfiguration; d != nil {
		c.Dynamic = &partitionedConfig{Enabled: aws.ToBool(d.Enabled)}
		if d.RetryOptions != nil {
			c.Dynamic.RetrySeconds = d.RetryOptions.DurationInSeconds
		}
	}
	if f := in.DataFormatConversionConfiguration; f != nil {
		if c.Conversion == nil {
			c.Conversion = new(conversionConfig)
		}
		c.Conversion.configure(f)
	}
	if in.S3BackupMode != "" {
		c.BackupMode = string(in.S3BackupMode)
	}
	if c.Compression == "" {
		c.Compression = string(types.CompressionFormatUncompressed)
	}
	if c.SizeMB == 0 {
		c.SizeMB = 5
		if c.converts() || c.partitions() {
			c.SizeMB = 128
		}
	}
}

// configurePlain is configure for the plain form.
func (c *s3Config) configurePlain(in *types.S3DestinationConfiguration) {
	if c.Seconds == 0 && c.SizeMB == 0 {
		c.Seconds = 300
	}
	c.configure(&types.ExtendedS3DestinationUpdate{
		BucketARN: in.BucketARN, BufferingHints: in.BufferingHints, CloudWatchLoggingOptions: in.CloudWatchLoggingOptions,
		CompressionFormat: in.CompressionFormat, EncryptionConfiguration: in.EncryptionConfiguration,
		ErrorOutputPrefix: in.ErrorOutputPrefix, Prefix: in.Prefix, RoleARN: in.RoleARN,
	})
}

// configure takes a conversion into c. Of the schema, too, what is absent stays.
func (c *conversionConfig) configure(f *types.DataFormatConversionConfiguration) {
	c.Enabled = f.Enabled == nil || *f.Enabled
	if s := f.SchemaConfiguration; s != nil {
		if c.Schema == nil {
			c.Schema = new(schemaConfig)
		}
		set(&c.Schema.RoleARN, s.RoleARN)
		set(&c.Schema.CatalogID, s.CatalogId)
		set(&c.Schema.Database, s.DatabaseName)
		set(&c.Schema.Table, s.TableName)
		set(&c.Schema.Region, s.Region)
		set(&c.Schema.Version, s.VersionId)
	}
	if i := f.InputFormatConfiguration; i != nil {
		c.Input = true
		if i.Deserializer != nil {
			c.OpenX, c.Hive = nil, nil
			if d := i.Deserializer.OpenXJsonSerDe; d != nil {
				c.OpenX = &openxConfig{CaseInsensitive: d.CaseInsensitive, DotsToUnder: d.ConvertDotsInJsonKeysToUnderscores, Keys: d.ColumnToJsonKeyMappings}
			}
			if d := i.Deserializer.HiveJsonSerDe; d != nil {
				c.Hive = &hiveConfig{TimestampFormats: d.TimestampFormats}
			}
		}
	}
	if o := f.OutputFormatConfiguration; o != nil {
		c.Output = true
		if o.Serializer != nil {
			c.Parquet, c.ORC = nil, o.Serializer.OrcSerDe != nil
			if p := o.Serializer.ParquetSerDe; p != nil {
				c.Parquet = &parquetConfig{
					BlockSize: p.BlockSizeBytes, PageSize: p.PageSizeBytes, Compression: string(p.Compression),
					Dictionary: p.EnableDictionaryCompression, MaxPadding: p.MaxPaddingBytes, Version: string(p.WriterVersion),
				}
			}
		}
	}
}

func (c *s3Config) converts() bool   { return c.Conversion != nil && c.Conversion.Enabled }
func (c *s3Config) partitions() bool { return c.Dynamic != nil && c.Dynamic.Enabled }

// processor is the first enabled one of the type, or nil.
func (c *s3Config) processor(t types.ProcessorType) *processorConfig { return c.Processing.find(t) }

// processing is that of the destination.
func (d *streamDoc) processing() *processingConfig {
	if d.HTTP != nil {
		return d.HTTP.Processing
	}
	return d.S3.Processing
}

// backs reports whether source records are backed up.
func (d *streamDoc) backs() bool {
	if d.HTTP != nil {
		return d.HTTP.BackupMode == string(types.HttpEndpointS3BackupModeAllData)
	}
	return d.S3.BackupMode == string(types.S3BackupModeEnabled)
}

func set[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}

func setp[T any](dst **T, v *T) {
	if v != nil {
		*dst = v
	}
}
