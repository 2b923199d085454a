package etl

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
	"github.com/brookmere/brookmere/internal/engine/schemaheader"
	"github.com/brookmere/brookmere/internal/engine/schemarecord"
)

// CorruptColumn holds the text of records that cannot be parsed.
const CorruptColumn = "_corrupt_record"

// TimestampColumn holds when a record arrived, where that is asked for.
const TimestampColumn = "__src_timestamp"

// RecordFormat says how the records of a stream are read.
type RecordFormat struct {
	Classification string   // "json", "csv", "avro", "protobuf" or "grok"
	Delimiter      string   // csv; "": a comma
	Columns        []Column // of the source, in order; empty: they are inferred
	Timestamp      bool     // add TimestampColumn

	Schema  string              // avro: of records that name none
	Schemas schemarecord.Lookup // versions of schemas, by the headers of records; nil: there is no registry

	Pattern, CustomPatterns string // grok
}

// Check refuses what cannot be read.
func (f RecordFormat) Check() error {
	switch f.Classification {
	case "json", "protobuf":
	case "csv":
		if len([]rune(f.Delimiter)) > 1 {
			return fmt.Errorf("the delimiter %q is not one character", f.Delimiter)
		}
	case "avro":
		if f.Schema != "" {
			return f.given().Check()
		}
	case "grok":
		_, err := newGrokReader(f.Pattern, f.CustomPatterns, f.Columns)
		return err
	default:
		return fmt.Errorf("records of the classification %q cannot be read; json, csv, avro, protobuf and grok can", f.Classification)
	}
	return nil
}

// given is the schema of records that name none.
func (f RecordFormat) given() schemarecord.Schema {
	if f.Schema == "" || f.Classification != "avro" {
		return schemarecord.Schema{}
	}
	return schemarecord.Schema{Format: "AVRO", Definition: f.Schema}
}

// Records gathers the records of one window. The zero value is not usable: NewRecords.
type Records struct {
	format RecordFormat

	arena   []byte // texts that were made here
	text    [][]byte
	rec     jsontext.Record
	top     shape
	byKey   []*shape // by the number of a key
	bytes   int
	corrupt int
	records int
	held    int64 // memory of what was added and of the rows that it will be, about
	most    int64 // of held; 0: no limit
	full    bool  // most was reached: the rest was left out

	rows [][]any // csv
	wide int     // columns of csv

	schemas *schemarecord.Reader
	grok    *grokReader
}

// NewRecords begins a window. The format has been checked.
func NewRecords(f RecordFormat) *Records {
	r := &Records{format: f, schemas: &schemarecord.Reader{Given: f.given(), Lookup: f.Schemas}}
	if f.Classification == "grok" {
		r.grok, _ = newGrokReader(f.Pattern, f.CustomPatterns, f.Columns)
	}
	return r
}

// Bytes is about how much memory the window holds.
func (r *Records) Bytes() int { return r.bytes }

// Corrupt is how many of them could not be parsed.
func (r *Records) Corrupt() int { return r.corrupt }

// Add adds a record, which must not be changed afterwards. One that holds several JSON
// objects, one after the other or in an array, is as many rows; an empty one is none. One whose
// header names a schema of the Glue Schema Registry in Avro or Protocol Buffers is read by that,
// also where the others are JSON; of other classifications a header is passed over.
func (r *Records) Add(data []byte, arrived time.Time) {
	r.records++
	if r.encoded(data) {
		r.bytes += 48
		r.made(func(dst []byte) ([]byte, bool) {
			dst, err := r.schemas.AppendJSON(dst, data)
			return dst, err == nil
		}, data, arrived)
		return
	}
	data = schemaheader.Payload(data)
	r.bytes += len(data) + 48
	if r.grok != nil {
		for line := range bytes.Lines(data) {
			if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
				r.made(func(dst []byte) ([]byte, bool) { return r.grok.text(dst, line) }, line, arrived)
			}
		}
		return
	}
	if r.format.Classification == "csv" {
		r.addCSV(data, arrived)
		return
	}
	rest := data
	for !r.full {
		rest = rest[jsontext.SkipSpace(rest, 0):]
		if len(rest) == 0 {
			return
		}
		n, err := r.rec.Parse(rest)
		if err != nil || r.rec.Kind != jsontext.Object && r.rec.Kind != jsontext.Array {
			r.addCorrupt(rest, arrived)
			return
		}
		if r.rec.Kind == jsontext.Object {
			r.addObject(arrived)
		} else {
			r.addElements(r.rec.Text, arrived)
		}
		rest = rest[n:]
	}
}

// encoded reports whether a schema is needed to read a record.
func (r *Records) encoded(data []byte) bool {
	switch r.format.Classification {
	case "avro", "protobuf":
		return true
	case "json":
		return r.format.Schemas != nil && r.schemas.Encoded(data)
	}
	return false
}

// made adds an object whose text is made of a record, or the record as a corrupt one.
func (r *Records) made(text func(dst []byte) ([]byte, bool), record []byte, arrived time.Time) {
	at := len(r.arena)
	out, ok := text(r.arena)
	if !ok {
		r.addCorrupt(record, arrived)
		return
	}
	r.arena = out
	object := r.arena[at:len(r.arena):len(r.arena)]
	r.bytes += len(object)
	if _, err := r.rec.Parse(object); err != nil || r.rec.Kind != jsontext.Object {
		r.addCorrupt(record, arrived)
		return
	}
	r.addObject(arrived)
}

// addElements adds the objects of an array.
func (r *Records) addElements(text []byte, arrived time.Time) {
	for it := jsontext.Over(text); !r.full; {
		lo, hi, kind, _, ok := it.Element()
		if !ok {
			return
		}
		if kind != jsontext.Object {
			r.addCorrupt(text[lo:hi], arrived)
			continue
		}
		if _, err := r.rec.Parse(text[lo:hi]); err == nil {
			r.addObject(arrived)
		}
	}
}

// addObject adds the object that was parsed.
func (r *Records) addObject(arrived time.Time) {
	rec := &r.rec
	if !r.take(int64(len(rec.Text)) + rowCost(len(rec.Members))) {
		return
	}
	for i := range rec.Members {
		m := &rec.Members[i]
		r.shapeOf(m).see(rec.Value(m), m.Kind, 0)
	}
	text := rec.Text
	if r.format.Timestamp {
		text = r.stamped(text, arrived)
	}
	r.text = append(r.text, text)
}

// rowCost is about how much memory a row holds beside its texts.
func rowCost(values int) int64 { return 64 + 40*int64(values) }

// take counts memory; false when there is no more.
func (r *Records) take(n int64) bool {
	if r.most > 0 && r.held+n > r.most {
		r.full = true
	}
	if r.full {
		return false
	}
	r.held += n
	return true
}

// shapeOf is the shape of the column of a member.
func (r *Records) shapeOf(m *jsontext.Member) *shape {
	if m.Key < 0 {
		if s := r.top.member(string(r.rec.AppendKey(nil, m))); s != nil {
			return s
		}
		return new(shape)
	}
	for int(m.Key) >= len(r.byKey) {
		r.byKey = append(r.byKey, nil)
	}
	s := r.byKey[m.Key]
	if s == nil {
		if s = r.top.member(r.rec.Keys.Name(m.Key)); s == nil {
			s = new(shape) // beyond the bound of columns
		}
		r.byKey[m.Key] = s
	}
	return s
}

// stamped is an object with the time of its arrival.
func (r *Records) stamped(text []byte, arrived time.Time) []byte {
	r.top.member(TimestampColumn).is(stringType.Kind)
	at := len(r.arena)
	r.arena = append(r.arena, text[:len(text)-1]...)
	if len(bytes.TrimSpace(text[1:len(text)-1])) > 0 {
		r.arena = append(r.arena, ',')
	}
	r.arena = append(r.arena, `"`+TimestampColumn+`":"`...)
	r.arena = append(arrived.UTC().AppendFormat(r.arena, timestampForm), `"}`...)
	r.bytes += len(r.arena) - at
	return r.arena[at:len(r.arena):len(r.arena)]
}

const timestampForm = "2006-01-02 15:04:05.000"

func (r *Records) addCorrupt(data []byte, arrived time.Time) {
	if !r.take(2*int64(len(data)) + rowCost(1)) {
		return
	}
	r.corrupt++
	r.top.member(CorruptColumn).is(stringType.Kind)
	at := len(r.arena)
	r.arena = append(r.arena, `{"`+CorruptColumn+`":`...)
	r.arena = append(appendString(r.arena, strings.ToValidUTF8(string(data), "\uFFFD")), '}')
	text := r.arena[at:len(r.arena):len(r.arena)]
	r.bytes += len(text)
	if r.format.Timestamp {
		text = r.stamped(text, arrived)
	}
	r.text = append(r.text, text)
}

// addCSV adds the lines of a record.
func (r *Records) addCSV(data []byte, arrived time.Time) {
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord, in.LazyQuotes = -1, true
	if d := []rune(r.format.Delimiter); len(d) == 1 {
		in.Comma = d[0]
	}
	for {
		line, err := in.Read()
		if err != nil {
			if err != io.EOF {
				r.corrupt++
			}
			return
		}
		row := make([]any, len(line), len(line)+1)
		for i, s := range line {
			row[i] = s
		}
		if n := len(r.format.Columns); n > 0 {
			row = append(row, make([]any, max(n-len(row), 0))...)[:n]
		}
		r.wide = max(r.wide, len(row))
		if r.format.Timestamp {
			row = append(row, arrived.UTC().Format(timestampForm))
		}
		r.rows = append(r.rows, row)
		r.bytes += 24 + 24*len(row)
	}
}

// Frame is the window's rows.
func (r *Records) Frame() *Frame {
	if r.format.Classification == "csv" {
		return r.csvFrame()
	}
	f := &Frame{text: r.text}
	if f.text == nil {
		f.text = [][]byte{}
	}
	if len(r.format.Columns) == 0 {
		f.Columns = r.top.columns()
		return f
	}
	f.told = true
	f.Columns = append(f.Columns, r.format.Columns...)
	for _, name := range []string{CorruptColumn, TimestampColumn} {
		if _, ok := r.top.index[strings.ToLower(name)]; ok && f.Column(name) < 0 {
			f.Columns = append(f.Columns, Column{name, stringType})
		}
	}
	return f
}

func (r *Records) csvFrame() *Frame {
	f := &Frame{rows: r.rows}
	if len(r.format.Columns) > 0 {
		f.Columns = append(f.Columns, r.format.Columns...)
	} else {
		for i := range r.wide {
			f.Columns = append(f.Columns, Column{fmt.Sprintf("col%d", i), stringType})
		}
	}
	n := len(f.Columns)
	for i, row := range f.rows {
		var stamp []any
		if r.format.Timestamp {
			stamp, row = row[len(row)-1:], row[:len(row)-1]
		}
		values := make([]any, n, n+1)
		for j := range min(n, len(row)) {
			values[j], _ = cast(row[j], f.Columns[j].Type)
		}
		f.rows[i] = append(values, stamp...)
	}
	if r.format.Timestamp {
		f.Columns = append(f.Columns, Column{TimestampColumn, stringType})
	}
	return f
}
