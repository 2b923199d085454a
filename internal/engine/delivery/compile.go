package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// defaultPartitions may be open at once, as with AWS unless the quota is raised.
// https://docs.aws.amazon.com/firehose/latest/dev/limits.html
const defaultPartitions = 500

// Limits of partition key values, so that every key can be put: S3's of a key, and those
// of the plain files that an object may be.
const (
	maxKey     = 1024
	maxSegment = 200
)

// tooManyPartitions is the error code of a record of one partition too many.
const tooManyPartitions = "DynamicPartitioning.ActivePartitionsExceeded"

// specPlan is the Plan of a Spec.
//
// Its partitions are named "" without partitioning, else by the values that the prefix
// uses, first those of the query and then those of the function, each in its order: "="
// and, for each, its length, ":" and the value.
type specPlan struct {
	version   string
	spec      Spec
	query     *KeyQuery
	names     []string // of the query's keys that the prefix uses
	functions []string // of the function's
	prefixes  *Prefixes
	table     []byte // of the envelope
	schema    columnar.Schema
	columnar  columnar.Options

	// Of Route.
	unpack  unpacker
	keys    KeyValues
	outcome Outcome
	name    []byte

	record jsontext.Record // of the encoders
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
	var err error
	if spec.Partition != "" {
		if p.query, err = CompileKeys(spec.Partition); err != nil {
			return nil, err
		}
	}
	if p.prefixes, err = ParsePrefixes(PrefixConfig{
		Prefix: spec.Prefix, ErrorPrefix: spec.ErrorPrefix, TimeZone: spec.TimeZone,
		Partitions: p.query != nil || spec.Keyed, Query: p.query, Lambda: spec.Function,
	}); err != nil {
		return nil, err
	}
	p.names, p.functions = p.prefixes.Data.QueryKeys(), p.prefixes.Data.LambdaKeys()
	p.unpack.spec = &p.spec
	if spec.Split == SplitDelimited {
		if p.unpack.splitAt, err = ParseDelimiter(spec.SplitAt); err != nil {
			return nil, err
		}
	}
	if c := spec.Convert; c != nil {
		if c.Table != nil {
			if p.table, err = json.Marshal(c.Table); err != nil {
				return nil, err
			}
		}
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
	case p.spec.Function:
		p.transformed(r, rows)
	case p.spec.Kinesis:
		p.unpack.kinesis(r.Key, r.Data, func(data []byte) { p.open(r, data, rows) })
	default:
		p.open(r, r.Data, rows)
	}
}

// transformed routes what a function made of a record.
func (p *specPlan) transformed(r *shardlog.Record, rows *Rows) {
	p.outcome = Outcome{}
	if err := json.Unmarshal(r.Key, &p.outcome); err != nil { // not one that a Transformer wrote
		rows.Reject(p.failed(r.Data, r.Time, err))
		return
	}
	p.unpack.origin = p.outcome.Origin
	if p.outcome.Result == Failed {
		p.outcome.Data = r.Data
		rows.Reject(&Rejected{Partition: ErrorMark + ProcessingFailed, Data: p.outcome.envelope(), Reason: p.outcome.Message})
		return
	}
	p.route(r, r.Data, rows)
}

func (p *specPlan) open(r *shardlog.Record, data []byte, rows *Rows) {
	if !p.spec.Decompress && !p.spec.Messages {
		p.split(r, data, rows)
		return
	}
	p.unpack.open(data, func(data []byte) { p.split(r, data, rows) }, func(data []byte, code, reason string) {
		rows.Reject(p.failed(data, r.Time, &PartitionError{code, reason}))
	})
}

func (p *specPlan) split(r *shardlog.Record, data []byte, rows *Rows) {
	switch p.spec.Split {
	case SplitDelimited:
		for part := range Delimited(data, p.unpack.splitAt) {
			p.route(r, part, rows)
		}
	case SplitJSON:
		p.each(r, data, rows)
	default:
		p.route(r, data, rows)
	}
}

// route finds the partition of one record that is not taken apart as JSON, or not yet.
func (p *specPlan) route(r *shardlog.Record, data []byte, rows *Rows) {
	if p.spec.Convert != nil {
		p.each(r, data, rows)
		return
	}
	if p.query == nil {
		p.partition(r, data, rows)
		return
	}
	v := &p.unpack.values
	v.Reset(data)
	if !v.Next() {
		rows.Reject(p.failed(data, r.Time, NotJSON))
		return
	}
	p.partition(r, data, rows)
}

// each makes a row of each JSON value in data.
func (p *specPlan) each(r *shardlog.Record, data []byte, rows *Rows) {
	if p.query == nil { // to find the ends is enough
		for at := jsontext.SkipSpace(data, 0); at < len(data); at = jsontext.SkipSpace(data, at) {
			end, _, _, err := jsontext.Skip(data, at)
			if err != nil {
				rows.Reject(p.noJSON(data[at:], r.Time, err))
				return
			}
			p.partition(r, data[at:end], rows)
			at = end
		}
		return
	}
	v := &p.unpack.values
	v.Reset(data)
	for v.Next() {
		p.partition(r, v.Value.Text, rows)
	}
	if rest, err := v.Rest(); err != nil {
		rows.Reject(p.noJSON(rest, r.Time, err))
	}
}

// partition adds data to the partition of the value at hand.
func (p *specPlan) partition(r *shardlog.Record, data []byte, rows *Rows) {
	if p.query == nil && len(p.functions) == 0 {
		rows.Add(nil, data)
		return
	}
	p.name = append(p.name[:0], '=')
	if p.query != nil {
		if err := p.query.Extract(&p.unpack.values.Value, &p.keys); err != nil {
			rows.Reject(p.failed(data, r.Time, err))
			return
		}
		for _, n := range p.names {
			if err := p.appendKey(p.keys.Get(n)); err != nil {
				rows.Reject(p.failed(data, r.Time, err))
				return
			}
		}
	}
	for _, n := range p.functions {
		if err := p.appendKey([]byte(p.outcome.Keys[n])); err != nil {
			rows.Reject(p.failed(data, r.Time, err))
			return
		}
	}
	if len(p.name)+len(p.spec.Prefix)+len(p.spec.Name)+100 > maxKey {
		rows.Reject(p.failed(data, r.Time, errBadKey))
		return
	}
	rows.Add(p.name, data)
}

// appendKey appends a key's value to the name of the partition at hand.
func (p *specPlan) appendKey(v []byte) error {
	if len(v) == 0 {
		return errEmptyKey
	}
	if !utf8.Valid(v) {
		v = bytes.ToValidUTF8(v, []byte("\ufffd"))
	}
	if !fitsKey(v) {
		return errBadKey
	}
	p.name = appendKeyValue(p.name, v)
	return nil
}

var errBadKey = &PartitionError{ExtractionFailed, "partitionKeys values cannot be part of an object key"}

// fitsKey tells whether the value can be part of a key.
func fitsKey(v []byte) bool {
	for len(v) > 0 {
		segment, rest, _ := bytes.Cut(v, []byte("/"))
		if len(segment) > maxSegment || string(segment) == "." || string(segment) == ".." || bytes.IndexByte(segment, 0) >= 0 {
			return false
		}
		v = rest
	}
	return true
}

// partitionKeys is the reverse of what partition does.
func (p *specPlan) partitionKeys(partition string) (query, function *KeyValues) {
	rest := strings.TrimPrefix(partition, "=")
	take := func(names []string) *KeyValues {
		keys := new(KeyValues)
		for _, n := range names {
			length, tail, _ := strings.Cut(rest, ":")
			size, err := strconv.Atoi(length)
			if err != nil || size > len(tail) {
				break
			}
			keys.Set(n, tail[:size])
			rest = tail[size:]
		}
		return keys
	}
	return take(p.names), take(p.functions)
}

// failed is what becomes of a record that Route finds no partition for.
func (p *specPlan) failed(data []byte, arrival time.Time, err error) *Rejected {
	return failedRecord(data, arrival, err, &p.unpack.origin)
}

func failedRecord(data []byte, arrival time.Time, err error, o *Origin) *Rejected {
	e := ErrorRecord{Attempts: 1, Arrival: arrival, Ended: arrival, Code: ExtractionFailed, Message: err.Error(), Raw: data, Sequence: o.Sequence, SubSequence: o.Sub}
	var pe *PartitionError
	if errors.As(err, &pe) {
		e.Code, e.Message = pe.Code, pe.Reason
	}
	return &Rejected{Partition: ErrorMark + ProcessingFailed, Data: e.Append(nil), Reason: e.Message}
}

// noJSON is what becomes of what should be JSON and is not.
func (p *specPlan) noJSON(data []byte, arrival time.Time, err error) *Rejected {
	if p.query != nil || p.spec.Convert == nil {
		return p.failed(data, arrival, NotJSON)
	}
	return p.unfit(data, arrival, &columnar.RecordError{Code: columnar.ParseError, Reason: "Encountered malformed JSON. " + err.Error()})
}

// unfit is what becomes of a record that does not fit the schema.
func (p *specPlan) unfit(row []byte, arrival time.Time, err *columnar.RecordError) *Rejected {
	e := ErrorRecord{Attempts: 1, Arrival: arrival, Ended: arrival, Code: err.Code, Message: err.Reason, Raw: row, Table: p.table}
	return &Rejected{Partition: ErrorMark + FormatConversionFailed, Data: e.Append(nil), Reason: err.Reason}
}

func (p *specPlan) TooMany(partition string, row []byte, arrival time.Time) *Rejected {
	return failedRecord(row, arrival, &PartitionError{tooManyPartitions, fmt.Sprintf("Active partitions limit exceeded: %d", p.MaxPartitions())}, new(Origin))
}

func (p *specPlan) Encoder(partition string, w io.Writer) (Encoder, error) {
	if IsError(partition) {
		return newRawEncoder(w, p.spec.errorCompression(), nil)
	}
	if p.spec.Endpoint {
		return &frameEncoder{w: w}, nil
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
	id := NewObjectID(p.spec.ID, p.version, o.Partition, o.From.String(), o.Upto.String())
	if p.spec.Endpoint && !IsError(o.Partition) {
		return EndpointBucket, id.String()
	}
	v := PrefixValues{Time: o.Arrival.In(p.prefixes.Zone), Seed: id.Seed()}
	prefix := p.prefixes.Data
	if IsError(o.Partition) {
		prefix = p.prefixes.Error
		v.ErrorType = o.Partition[len(ErrorMark):]
	} else {
		v.Query, v.Lambda = p.partitionKeys(o.Partition)
	}
	b, _ := prefix.Append(nil, &v) // the keys are there, or Route had refused the record
	b = AppendObjectName(b, p.spec.Name, p.spec.Version, v.Time, id, p.extension(IsError(o.Partition)))
	return p.spec.Bucket, string(b)
}

// extension is the one that the format has, or that the spec says.
func (p *specPlan) extension(errors bool) string {
	c := p.spec.Compression
	if errors {
		c = p.spec.errorCompression()
	} else if p.spec.Extension != "" {
		return p.spec.Extension
	} else if p.spec.Convert != nil {
		return ParquetExtension
	}
	switch c {
	case Gzip:
		return GzipExtension
	case Zip:
		return ZipExtension
	case Snappy, HadoopSnappy:
		return SnappyExtension
	}
	return ""
}

// FailedKey is the key, below the error prefix of a spec, of the records of a request
// that an endpoint did not take. It is derived from the request's id.
func FailedKey(spec Spec, kind string, arrival time.Time, id string) (string, error) {
	p, err := compile(spec)
	if err != nil {
		return "", err
	}
	oid := NewObjectID(spec.ID, id)
	v := PrefixValues{Time: arrival.In(p.prefixes.Zone), Seed: oid.Seed(), ErrorType: kind}
	b, err := p.prefixes.Error.Append(nil, &v)
	if err != nil {
		return "", err
	}
	return string(AppendObjectName(b, spec.Name, spec.Version, v.Time, oid, p.extension(true))), nil
}
