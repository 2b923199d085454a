package firehose

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// planDoc keeps a version of what a delivery does, for as long as its progress may name
// it: configuration and table schema as they were.
type planDoc struct {
	Spec recordplan.Spec `json:"spec"`
}

// lanePlans gives a lane its plans. The plan changes with the destination's version and,
// for a schema of version LATEST, with the table's columns.
type lanePlans struct {
	lane *lane

	mu      sync.Mutex
	version string
	plan    delivery.Plan
	doc     *streamDoc // that plan was made by,
	asked   time.Time  // when
}

// schemaCheck is how often the table of a schema is looked at.
const schemaCheck = time.Second

func (p *lanePlans) Current(ctx context.Context) (delivery.Plan, error) {
	st, name := p.lane.st, p.lane.name
	d, now := st.doc.Load(), st.s.clock.Now()
	p.mu.Lock()
	if p.doc == d && now.Sub(p.asked) < schemaCheck {
		defer p.mu.Unlock()
		return p.plan, nil
	}
	p.mu.Unlock()
	spec, err := st.s.spec(ctx, d, p.lane)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	version := hex.EncodeToString(sum[:8])
	p.mu.Lock()
	defer p.mu.Unlock()
	if version == p.version {
		p.doc, p.asked = d, now
		return p.plan, nil
	}
	plan, err := recordplan.New(version, *spec, st.s.recordSchemas(d))
	if err != nil {
		return nil, err
	}
	plans := st.s.plans
	if err := plans.Put(ctx, &planDoc{*spec}, d.Account, d.Region, d.ID, name, version); err != nil {
		return nil, err
	}
	pinned := p.lane.pipeline.Progress().Plan
	for k := range plans.Keys(d.Account, d.Region, d.ID, name) {
		if v := k[len(k)-1]; v != version && v != pinned && v != p.version {
			if err := plans.Delete(ctx, k...); err != nil && !errors.Is(err, state.ErrNotFound) {
				return nil, err
			}
		}
	}
	p.version, p.plan, p.doc, p.asked = version, plan, d, now
	return plan, nil
}

func (p *lanePlans) Pinned(ctx context.Context, version string) (delivery.Plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if version == p.version {
		return p.plan, nil
	}
	st := p.lane.st
	d := st.doc.Load()
	doc, err := st.s.plans.Get(d.Account, d.Region, d.ID, p.lane.name, version)
	if err != nil {
		return nil, fmt.Errorf("firehose: plan of an earlier delivery: %w", err)
	}
	return recordplan.New(version, doc.Spec, st.s.recordSchemas(d))
}

// spec says in the engine's terms what the stream's configuration says in AWS's.
func (s *Service) spec(ctx context.Context, d *streamDoc, l *lane) (*recordplan.Spec, error) {
	var spec *recordplan.Spec
	switch {
	case l.backup && d.Backup != nil:
		spec = d.Backup.spec(d)
	case l.backup:
		spec = d.S3.spec(d)
	case d.HTTP != nil:
		spec = d.HTTP.spec(d)
	default:
		spec = d.S3.spec(d)
	}
	spec.ID = d.base() + "/" + l.name
	if l.backup { // what came from the source, as it came
		spec.Decompress, spec.Messages, spec.Split, spec.SplitAt = false, false, "", ""
		spec.Partition, spec.Keyed, spec.Function, spec.Convert, spec.Delimiter = "", false, false, nil, ""
		spec.Owner = ""
		return spec, nil
	}
	if d.HTTP != nil || !d.S3.converts() {
		return spec, nil
	}
	columns, err := s.columns(ctx, d)
	if err != nil {
		return nil, err
	}
	spec.Convert.Columns = columns
	return spec, nil
}

// spec is that of the bucket, with the endpoint in front of it.
func (c *httpConfig) spec(d *streamDoc) *recordplan.Spec {
	spec := d.S3.spec(d)
	d.unpack(spec)
	spec.Endpoint, spec.Compression = true, recordplan.Uncompressed
	spec.Size, spec.Interval = int64(c.SizeMB)<<20, time.Duration(c.Seconds)*time.Second
	return spec
}

// unpack says how the stream's records are unpacked.
func (d *streamDoc) unpack(spec *recordplan.Spec) {
	spec.Kinesis, spec.Function = d.Source != nil, d.Transforms
	p := d.processing()
	spec.Decompress = p.find(types.ProcessorTypeDecompression) != nil
	if q := p.find(types.ProcessorTypeCloudWatchLogProcessing); q != nil {
		spec.Messages = strings.EqualFold(q.param(types.ProcessorParameterNameDataMessageExtraction), "true")
	}
	if q := p.find(types.ProcessorTypeRecordDeAggregation); q != nil {
		spec.Split = q.param(types.ProcessorParameterNameSubRecordType)
		spec.SplitAt = q.param(types.ProcessorParameterNameDelimiter)
	}
	if q := p.find(types.ProcessorTypeAppendDelimiterToRecord); q != nil {
		spec.Delimiter = unescape(q.param(types.ProcessorParameterNameDelimiter))
	}
}

// unpacking is all that a Transformer needs to know.
func (d *streamDoc) unpacking() *recordplan.Spec {
	spec := new(recordplan.Spec)
	d.unpack(spec)
	return spec
}

// spec leaves out the schema's columns.
func (c *s3Config) spec(d *streamDoc) *recordplan.Spec {
	spec := &recordplan.Spec{
		ID: d.base(), Owner: d.base(), Name: d.Name, Version: strconv.Itoa(d.Version),
		Bucket: bucketOf(c.BucketARN), Prefix: aws.ToString(c.Prefix), ErrorPrefix: aws.ToString(c.ErrorPrefix),
		TimeZone: aws.ToString(c.TimeZone), Extension: aws.ToString(c.Extension),
		Size: int64(c.SizeMB) << 20, Interval: time.Duration(c.Seconds) * time.Second,
	}
	switch types.CompressionFormat(c.Compression) {
	case types.CompressionFormatGzip:
		spec.Compression = recordplan.Gzip
	case types.CompressionFormatZip:
		spec.Compression = recordplan.Zip
	case types.CompressionFormatSnappy:
		spec.Compression = recordplan.Snappy
	case types.CompressionFormatHadoopSnappy:
		spec.Compression = recordplan.HadoopSnappy
	}
	d.unpack(spec)
	if c.partitions() {
		spec.Keyed = true
		if p := c.processor(types.ProcessorTypeMetadataExtraction); p != nil {
			spec.Partition = p.param(types.ProcessorParameterNameMetadataExtractionQuery)
		}
	}
	if c.converts() {
		spec.Convert = c.Conversion.conversion(d)
	}
	return spec
}

// unescape reads the delimiter as the API takes it: "\n" as two characters is a newline.
// The default is a newline.
func unescape(s string) string {
	if s == "" {
		return "\n"
	}
	return strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\\`, `\`).Replace(s)
}

func (c *conversionConfig) conversion(d *streamDoc) *recordplan.Conversion {
	out := &recordplan.Conversion{Codec: "snappy"}
	if h := c.Hive; h != nil {
		out.Hive = true
		out.TimestampFormats = h.TimestampFormats
	}
	if o := c.OpenX; o != nil {
		out.CaseSensitive = o.CaseInsensitive != nil && !*o.CaseInsensitive
		out.DotsToUnderscore = aws.ToBool(o.DotsToUnder)
		out.Keys = o.Keys
	}
	if p := c.Parquet; p != nil {
		switch types.ParquetCompression(p.Compression) {
		case types.ParquetCompressionGzip:
			out.Codec = "gzip"
		case types.ParquetCompressionUncompressed:
			out.Codec = "none"
		}
		out.BlockSize = int(aws.ToInt32(p.BlockSize))
		out.PageSize = int(aws.ToInt32(p.PageSize))
		out.Dictionary = aws.ToBool(p.Dictionary)
		out.V2 = types.ParquetWriterVersion(p.Version) == types.ParquetWriterVersionV2
	}
	s := c.schema(d)
	out.Table = &recordplan.Table{
		Catalog: s.CatalogID, Database: s.Database, Name: s.Table, Region: s.Region, Version: s.Version, Role: s.RoleARN,
		ARN: arn.New("glue", s.Region, s.CatalogID, "catalog"),
	}
	return out
}

// schema is the schema configuration with the defaults of what it leaves out.
func (c *conversionConfig) schema(d *streamDoc) schemaConfig {
	s := *c.Schema
	if s.CatalogID == "" {
		s.CatalogID = d.Account
	}
	if s.Region == "" {
		s.Region = d.Region
	}
	if s.Version == "" {
		s.Version = "LATEST"
	}
	return s
}

func bucketOf(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }
