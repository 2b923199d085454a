package delivery

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// defaultPartitions may be open at once, as with AWS unless the quota is raised.
// https://docs.aws.amazon.com/firehose/latest/dev/limits.html
const defaultPartitions = 500

// keySeparator is between the values of a partition's keys in its name.
const keySeparator = "\x1f"

// specPlan is the Plan of a Spec.
type specPlan struct {
	version string
	spec    Spec
	parts   parts

	keys     []byte // scratch of Route
	schema   columnar.Schema
	columnar columnar.Options
	record   jsontext.Record // of the encoders
}

// NewPlan compiles a spec. Its version must change with the spec.
func NewPlan(version string, spec Spec) (Plan, error) {
	p, err := compile(spec)
	if err != nil {
		return nil, err
	}
	p.version = version
	if c := spec.Convert; c != nil {
		for _, col := range c.Columns {
			t, err := hivetype.Parse(col.Type)
			if err != nil {
				return nil, fmt.Errorf("delivery: type of column %s: %w", col.Name, err)
			}
			p.schema = append(p.schema, columnar.Column{Name: col.Name, Type: t})
		}
		if err := p.schema.Validate(); err != nil {
			return nil, err
		}
		if _, err := columnar.NewWriter(io.Discard, p.schema, p.columnar); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// CheckSpec reports what is wrong with a spec whose schema is not known yet.
func CheckSpec(spec Spec) error {
	_, err := compile(spec)
	return err
}

func compile(spec Spec) (*specPlan, error) {
	p := &specPlan{spec: spec}
	if err := p.parts.compile(&spec); err != nil {
		return nil, err
	}
	if c := spec.Convert; c != nil {
		o := columnar.Options{
			CaseSensitive: c.CaseSensitive, Mappings: c.Keys, DotsInKeys: c.DotsToUnderscore, TimestampFormats: c.TimestampFormats,
			Dictionary: c.Dictionary, PageSize: int64(c.PageSize), BlockSize: int64(c.BlockSize),
		}
		if c.Hive {
			o.SerDe = columnar.Hive
		}
		if c.V2 {
			o.WriterVersion = columnar.V2
		}
		switch c.Codec {
		case "", "snappy":
		case "gzip":
			o.Codec = columnar.GZIP
		case "none":
			o.Codec = columnar.None
		default:
			return nil, fmt.Errorf("delivery: Parquet codec %q", c.Codec)
		}
		p.columnar = o
	}
	return p, nil
}

func (p *specPlan) Version() string { return p.version }

func (p *specPlan) MaxPartitions() int {
	if p.spec.Partitions > 0 {
		return p.spec.Partitions
	}
	return defaultPartitions
}

func (p *specPlan) Buffering(partition string) Buffering {
	return Buffering{Size: p.spec.Size, Interval: p.spec.Interval}
}

// Route takes a record apart if it is to be, and finds the partition of each part.
func (p *specPlan) Route(r *shardlog.Record, rows *Rows) {
	switch {
	case p.spec.Split != "":
		p.parts.each(r.Data, func(part []byte, err error) {
			if err != nil {
				rows.Reject(p.failed(r, part, err))
				return
			}
			p.route(r, part, rows)
		})
	default:
		p.route(r, r.Data, rows)
	}
}

func (p *specPlan) route(r *shardlog.Record, data []byte, rows *Rows) {
	if p.spec.Convert == nil {
		p.partition(r, data, rows)
		return
	}
	// A converted record may hold several objects, one row each.
	for at := jsontext.SkipSpace(data, 0); at < len(data); at = jsontext.SkipSpace(data, at) {
		end, _, _, err := jsontext.Skip(data, at)
		if err != nil {
			rows.Reject(p.malformed(r, data[at:], err))
			return
		}
		p.partition(r, data[at:end], rows)
		at = end
	}
}

func (p *specPlan) partition(r *shardlog.Record, data []byte, rows *Rows) {
	if p.spec.Partition == "" {
		rows.Add(nil, data)
		return
	}
	var err error
	if p.keys, err = p.parts.keys(p.keys[:0], data); err != nil {
		rows.Reject(p.failed(r, data, err))
		return
	}
	rows.Add(p.keys, data)
}

func (p *specPlan) Encoder(partition string, w io.Writer) (Encoder, error) {
	if IsError(partition) {
		return newRawEncoder(w, p.spec.errorCompression(), []byte("\n"))
	}
	if p.spec.Convert == nil {
		return newRawEncoder(w, p.spec.Compression, []byte(p.spec.Delimiter))
	}
	cw, err := columnar.NewWriter(w, p.schema, p.columnar)
	if err != nil {
		return nil, err
	}
	return &parquetEncoder{w: cw, record: &p.record, reject: p.unfit}, nil
}

func (s *Spec) errorCompression() Compression {
	if s.Convert != nil {
		return Uncompressed
	}
	return s.Compression
}

// Name derives the name from what the object holds.
func (p *specPlan) Name(o ObjectInfo) (bucket, key string) {
	seed := binary.BigEndian.AppendUint64([]byte(p.version), o.From.Frame)
	seed = binary.BigEndian.AppendUint32(seed, o.From.Index)
	seed = binary.BigEndian.AppendUint64(seed, o.Upto.Frame)
	seed = binary.BigEndian.AppendUint32(seed, o.Upto.Index)
	seed = append(seed, p.spec.ID...)
	seed = append(seed, o.Partition...)
	if IsError(o.Partition) {
		return p.spec.Bucket, p.parts.name(&p.spec, o.Arrival, nil, o.Partition[1:], p.extension(true), seed)
	}
	return p.spec.Bucket, p.parts.name(&p.spec, o.Arrival, strings.Split(o.Partition, keySeparator), "", p.extension(false), seed)
}

// extension is the one that the format has, or that the spec says.
func (p *specPlan) extension(errors bool) string {
	c := p.spec.Compression
	if errors {
		c = p.spec.errorCompression()
	} else if p.spec.Extension != "" {
		return p.spec.Extension
	} else if p.spec.Convert != nil {
		return ".parquet"
	}
	switch c {
	case Gzip:
		return ".gz"
	case Zip:
		return ".zip"
	case Snappy:
		return ".snappy"
	case HadoopSnappy:
		return ".hsnappy"
	}
	return ""
}
