package recordplan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
	"github.com/brookmere/brookmere/internal/engine/schemaheader"
	"github.com/brookmere/brookmere/internal/engine/schemarecord"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// defaultPartitions may be open at once, as with AWS unless the quota is raised.
// https://docs.aws.amazon.com/firehose/latest/dev/limits.html
const defaultPartitions = 500

// Limits of keys, so that every one can be put: S3's, less what numbers and the names of
// months may add, and that of a file's path, where an empty segment is written out.
const (
	maxKey   = 1000
	maxPath  = 3000
	maxKnown = 4096 // partitions that are remembered to fit
)

var errNoKey = errors.New("makes keys that cannot be stored: of more than 1024 bytes, of slashes for the most part, with a NUL, or with more .. than folders before")

// tooManyPartitions is the error code of a record of one partition too many.
const tooManyPartitions = "DynamicPartitioning.ActivePartitionsLimitExceeded"

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
	owner     *Owner // nil: names are not marked
	table     []byte // of the envelope
	schema    columnar.Schema
	columnar  columnar.Options

	// Of Route.
	unpack  unpacker
	schemas schemarecord.Reader
	keys    KeyValues
	outcome Outcome
	name    []byte
	fits    map[string]bool // names of partitions whose keys can be, or cannot

	value   *jsontext.Record // the one at hand, if it is parsed
	valueAt int              // where it begins in the data at hand

	records rowRecords // of the encoders
}

// New compiles a spec. Its version must change with the spec. schemas finds those of the Glue Schema Registry that the headers
// of records name: what it answers of a version must not change; nil: there is no registry.
func New(version string, spec Spec, schemas schemarecord.Lookup) (delivery.Plan, error) {
	p, err := compile(spec)
	if err != nil {
		return nil, err
	}
	p.version, p.schemas.Lookup = version, schemas
	if c := spec.Convert; c != nil {
		for _, col := range c.Columns {
			t, err := hivetype.Parse(col.Type)
			if err != nil {
				return nil, fmt.Errorf("recordplan: type of column %s: %w", col.Name, err)
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

// Check reports what is wrong with a spec whose schema is not known yet.
func Check(spec Spec) error {
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
	v := PrefixValues{Time: time.Unix(0, 0).UTC(), ErrorType: FormatConversionFailed}
	if !p.storable(p.prefixes.Error, &v, true) {
		return nil, fmt.Errorf("ErrorOutputPrefix %w", errNoKey)
	}
	v.Query, v.Lambda = anyKeys(p.names), anyKeys(p.functions)
	if !p.storable(p.prefixes.Data, &v, false) {
		return nil, fmt.Errorf("Prefix %w", errNoKey)
	}
	if spec.Owner != "" {
		p.owner = NewOwner(spec.Owner, spec.Name)
	}
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
			return nil, fmt.Errorf("recordplan: Parquet codec %q", c.Codec)
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

func (p *specPlan) Buffering(partition string) delivery.Buffering {
	return delivery.Buffering{Size: p.spec.Size, Interval: p.spec.Interval}
}

// Route takes a record apart if it is to be, and finds the partition of each part.
func (p *specPlan) Route(r *shardlog.Record, rows *delivery.Rows) {
	switch {
	case p.spec.Function:
		p.transformed(r, rows)
	case p.spec.Kinesis:
		p.unpack.kinesis(r.Key, r.Data, func(data []byte) {
			rows.From.Sub = p.unpack.origin.Sub
			p.open(data, rows)
		})
	default:
		p.open(r.Data, rows)
	}
}

// transformed routes what a function made of a record.
func (p *specPlan) transformed(r *shardlog.Record, rows *delivery.Rows) {
	p.outcome = Outcome{}
	if err := json.Unmarshal(r.Key, &p.outcome); err != nil { // not one that a Transformer wrote
		rows.Reject(p.failed(r.Data, &rows.From, err))
		return
	}
	if p.outcome.Result == Failed {
		p.outcome.Data = r.Data
		rows.Reject(&delivery.Rejected{Partition: delivery.ErrorMark + errorType(p.outcome.Code), Data: p.outcome.envelope(), Code: p.outcome.Code, Reason: p.outcome.Message})
		return
	}
	p.route(r.Data, rows)
}

func (p *specPlan) open(data []byte, rows *delivery.Rows) {
	if !p.spec.Decompress && !p.spec.Messages {
		p.split(data, rows)
		return
	}
	p.unpack.open(data, func(data []byte) { p.split(data, rows) }, func(data []byte, code, reason string) {
		e := p.failed(data, &rows.From, &PartitionError{code, reason})
		e.Partition = delivery.ErrorMark + errorType(code)
		rows.Reject(e)
	})
}

// split is unpacker.split, less a second look at the JSON. Where records are read as JSON, one whose header names a schema of
// the Glue Schema Registry in Avro or Protocol Buffers is the JSON that it makes; of others a header is passed over.
func (p *specPlan) split(data []byte, rows *delivery.Rows) {
	if p.spec.Convert != nil || p.query != nil || p.spec.Split == SplitJSON {
		if p.schemas.Lookup != nil && p.schemas.Encoded(data) {
			text, err := p.schemas.AppendJSON(nil, data) // rows keep it
			if err != nil {
				rows.Reject(p.unread(data, &rows.From, err))
				return
			}
			data = text
		} else {
			data = schemaheader.Payload(data)
		}
	}
	switch p.spec.Split {
	case SplitDelimited:
		p.unpack.split(data, func(part []byte) { p.route(part, rows) }, func(rest []byte, code, reason string) {
			rows.Reject(p.failed(rest, &rows.From, &PartitionError{code, reason}))
		})
	case SplitJSON:
		p.each(data, rows, MaxSubRecords)
	default:
		p.route(data, rows)
	}
}

// route finds the partition of one record that is not taken apart as JSON, or not yet.
func (p *specPlan) route(data []byte, rows *delivery.Rows) {
	if p.spec.Convert != nil {
		p.each(data, rows, math.MaxInt)
		return
	}
	if p.query == nil {
		p.partition(data, rows)
		return
	}
	v := &p.unpack.values
	v.Reset(data)
	if !v.Next() {
		rows.Reject(p.failed(data, &rows.From, NotJSON))
		return
	}
	p.partition(data, rows)
}

// each makes a row of each JSON value in data, of which there may be so many. A row that
// is to be converted keeps the white space around it, so that one that cannot be is told
// of as it came.
func (p *specPlan) each(data []byte, rows *delivery.Rows, most int) {
	if p.query == nil && p.spec.Convert == nil { // to find the ends is enough
		at := jsontext.SkipSpace(data, 0)
		for n := 0; at < len(data); n++ {
			if n == most {
				rows.Reject(p.failed(data[at:], &rows.From, errTooManySubRecords))
				return
			}
			end, _, _, err := jsontext.Skip(data, at)
			if err != nil {
				rows.Reject(p.noJSON(data[at:], &rows.From, err))
				return
			}
			p.partition(data[at:end], rows)
			at = jsontext.SkipSpace(data, end)
		}
		return
	}
	v := &p.unpack.values
	v.Reset(data)
	start := 0
	for n := 0; v.Next(); n++ {
		end := len(data) - len(v.rest)
		at := end - len(v.Value.Text)
		if p.query == nil {
			end = jsontext.SkipSpace(data, end)
		} else {
			start = at
		}
		if n == most {
			rows.Reject(p.failed(data[start:], &rows.From, errTooManySubRecords))
			return
		}
		p.value, p.valueAt = &v.Value, at-start
		p.partition(data[start:end], rows)
		p.value = nil
		start = end
	}
	if rest, err := v.Rest(); err != nil {
		if p.query == nil {
			rest = data[start:]
		}
		rows.Reject(p.noJSON(rest, &rows.From, err))
	} else if p.query == nil && start == 0 {
		p.partition(data, rows) // nothing but white space: for the encoder to refuse
	}
}

// partition adds data to the partition of the value at hand.
func (p *specPlan) partition(data []byte, rows *delivery.Rows) {
	if p.query == nil && len(p.functions) == 0 {
		p.add(nil, data, rows)
		return
	}
	p.name = append(p.name[:0], '=')
	if p.query != nil {
		if err := p.query.Extract(&p.unpack.values.Value, &p.keys); err != nil {
			rows.Reject(p.failed(data, &rows.From, err))
			return
		}
		for _, n := range p.names {
			if err := p.appendKey(p.keys.Get(n)); err != nil {
				rows.Reject(p.failed(data, &rows.From, err))
				return
			}
		}
	}
	for _, n := range p.functions {
		if err := p.appendKey([]byte(p.outcome.Keys[n])); err != nil {
			rows.Reject(p.failed(data, &rows.From, err))
			return
		}
	}
	fits, known := p.fits[string(p.name)]
	if !known {
		v := PrefixValues{Time: time.Unix(0, 0).UTC()}
		v.Query, v.Lambda = p.partitionKeys(string(p.name))
		if len(p.fits) == maxKnown {
			clear(p.fits)
		} else if p.fits == nil {
			p.fits = make(map[string]bool)
		}
		fits = p.storable(p.prefixes.Data, &v, false)
		p.fits[string(p.name)] = fits
	}
	if !fits {
		rows.Reject(p.failed(data, &rows.From, errBadKey))
		return
	}
	p.add(p.name, data, rows)
}

// add adds data to a partition, and what is known of the value in it.
func (p *specPlan) add(partition, data []byte, rows *delivery.Rows) {
	if p.value != nil && p.spec.Convert != nil && len(p.value.Members) > 0 {
		rows.AddNoted(partition, data, noteObject(rows, p.value.Members, p.valueAt))
	} else {
		rows.Add(partition, data)
	}
}

// appendKey appends a key's value to the name of the partition at hand.
func (p *specPlan) appendKey(v []byte) error {
	if len(v) == 0 {
		return errEmptyKey
	}
	if !utf8.Valid(v) {
		v = bytes.ToValidUTF8(v, []byte("\ufffd"))
	}
	p.name = appendKeyValue(p.name, v)
	return nil
}

var errBadKey = &PartitionError{ExtractionFailed, "partitionKeys values cannot be part of an object key"}

// storable reports whether objects can be put below a prefix.
func (p *specPlan) storable(prefix *Prefix, v *PrefixValues, errors bool) bool {
	key, _ := prefix.Append(nil, v)
	key = AppendObjectName(key, p.spec.Name, p.spec.Version, v.Time, delivery.ObjectID{}, p.extension(errors))
	return len(key) <= maxKey && len(key)+3*bytes.Count(key, []byte("/")) <= maxPath && bytes.IndexByte(key, 0) < 0 && !leadsOut(key)
}

// leadsOut reports whether a key would be above its bucket if it were a path: S3 takes none
// that would.
func leadsOut(key []byte) bool {
	if !bytes.Contains(key, []byte("..")) {
		return false
	}
	depth := 0
	for segment := range bytes.SplitSeq(key, []byte("/")) {
		switch string(segment) {
		case "..":
			if depth--; depth < 0 {
				return true
			}
		case "", ".":
		default:
			depth++
		}
	}
	return false
}

// anyKeys are short values of keys.
func anyKeys(names []string) *KeyValues {
	keys := new(KeyValues)
	for _, n := range names {
		keys.Set(n, "x")
	}
	return keys
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

// origin says where a row is from, as error records tell it: of a record that was put, the
// place in the log is its sequence number.
func (p *specPlan) origin(from *delivery.From) Origin {
	var o Origin
	switch {
	case p.spec.Function:
		var out Outcome
		if json.Unmarshal(from.Key, &out) == nil && out.Sequence != "" {
			return out.Origin
		}
	case p.spec.Kinesis:
		o.parse(from.Key)
		o.Sub = from.Sub
		return o
	}
	o.Sequence = fmt.Sprintf("%d%010d", from.Position.Frame, from.Position.Index)
	return o
}

// failed is what becomes of a record that Route finds no partition for.
func (p *specPlan) failed(data []byte, from *delivery.From, err error) *delivery.Rejected {
	o := p.origin(from)
	e := ErrorRecord{
		Attempts: 1, Arrival: from.Arrival, Ended: from.Arrival, Code: ExtractionFailed, Message: err.Error(), Raw: data,
		Sequence: o.Sequence, SubSequence: o.Sub,
	}
	var pe *PartitionError
	if errors.As(err, &pe) {
		e.Code, e.Message = pe.Code, pe.Reason
	}
	return &delivery.Rejected{Partition: delivery.ErrorMark + errorType(e.Code), Data: e.Append(nil), Code: e.Code, Reason: e.Message}
}

// errorType is the error output type of an error code of failed.
func errorType(code string) string {
	switch code {
	case DecompressionFailed:
		return UnpackingFailed
	case tooManyPartitions:
		return PartitionsExceeded
	}
	return ProcessingFailed
}

// noJSON is what becomes of what should be JSON and is not.
func (p *specPlan) noJSON(data []byte, from *delivery.From, err error) *delivery.Rejected {
	if p.query != nil || p.spec.Convert == nil {
		return p.failed(data, from, NotJSON)
	}
	return p.unfit(data, from, &columnar.RecordError{Code: columnar.ParseError, Reason: "Encountered malformed JSON. " + err.Error()})
}

// unread is what becomes of a record that the schema which its header names does not read.
func (p *specPlan) unread(data []byte, from *delivery.From, err error) *delivery.Rejected {
	reason := "The record cannot be read by the schema that its header names: " + err.Error()
	if p.spec.Convert != nil {
		return p.unfit(data, from, &columnar.RecordError{Code: columnar.ParseError, Reason: reason})
	}
	return p.failed(data, from, &PartitionError{ExtractionFailed, reason})
}

// unfit is what becomes of a record that does not fit the schema.
func (p *specPlan) unfit(row []byte, from *delivery.From, err *columnar.RecordError) *delivery.Rejected {
	o := p.origin(from)
	e := ErrorRecord{
		Attempts: 1, Arrival: from.Arrival, Ended: from.Arrival, Code: err.Code, Message: err.Reason, Raw: row, Table: p.table,
		Sequence: o.Sequence, SubSequence: o.Sub,
	}
	return &delivery.Rejected{Partition: delivery.ErrorMark + FormatConversionFailed, Data: e.Append(nil), Code: err.Code, Reason: err.Reason}
}

func (p *specPlan) TooMany(partition string, row []byte, from *delivery.From) *delivery.Rejected {
	return p.failed(row, from, &PartitionError{tooManyPartitions, "The number of active partitions has exceeded the configured limit"})
}

func (p *specPlan) Encoder(partition string, w io.Writer) (delivery.Encoder, error) {
	if delivery.IsError(partition) {
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
	return &parquetEncoder{w: cw, shared: &p.records, reject: p.unfit}, nil
}

func (s *Spec) errorCompression() Compression {
	if s.Convert != nil {
		return Uncompressed
	}
	return s.Compression
}

// Name derives the name from what the object holds.
func (p *specPlan) Name(o delivery.ObjectInfo) (bucket, key string) {
	id := delivery.NewObjectID(p.spec.ID, p.version, o.Partition, o.From.String(), o.Upto.String())
	if p.spec.Endpoint && !delivery.IsError(o.Partition) {
		return EndpointBucket, id.String()
	}
	v := PrefixValues{Time: o.Arrival.In(p.prefixes.Zone), Seed: id.Seed()}
	prefix := p.prefixes.Data
	if delivery.IsError(o.Partition) {
		prefix = p.prefixes.Error
		v.ErrorType = o.Partition[len(delivery.ErrorMark):]
	} else {
		v.Query, v.Lambda = p.partitionKeys(o.Partition)
	}
	b, _ := prefix.Append(nil, &v) // the keys are there, or Route had refused the record
	extension := p.extension(delivery.IsError(o.Partition))
	b = AppendObjectName(b, p.spec.Name, p.spec.Version, v.Time, id, extension)
	if p.owner != nil && !delivery.IsError(o.Partition) {
		p.owner.mark(b, len(extension))
	}
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
	oid := delivery.NewObjectID(spec.ID, id)
	v := PrefixValues{Time: arrival.In(p.prefixes.Zone), Seed: oid.Seed(), ErrorType: kind}
	b, err := p.prefixes.Error.Append(nil, &v)
	if err != nil {
		return "", err
	}
	return string(AppendObjectName(b, spec.Name, spec.Version, v.Time, oid, p.extension(true))), nil
}
