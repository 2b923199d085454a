// Package s3select runs the SQL of S3 Select over one object: CSV, JSON (documents or lines) or Parquet, as it is or
// compressed with gzip or bzip2.
//
// A statement is SELECT list FROM S3Object[path] [alias] [WHERE condition] [LIMIT n], with the operators, conditional
// functions, aggregates, casts, and functions of strings and times that the dialect has. It is parsed to functions
// of a row; an object is read once, from its beginning, a record at a time, and a record has at most MaxRecord bytes, so
// that memory does not grow with the object. (A JSON document, of which a statement may want any part, has at most
// MaxDocument.) Values of CSV are strings; next to a number, one that is a number counts as that number.
//
// Errors that are of the statement's or the object's making are *Error, by the names that the dialect has for them.
package s3select

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
)

// Limits of the dialect, in bytes.
const (
	MaxExpression = 256 << 10
	MaxRecord     = 1 << 20
	MaxDocument   = 64 << 20
)

// Error is what is wrong with a statement, or with an object for the formats that the caller names.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func fail(code, format string, args ...any) *Error { return &Error{code, fmt.Sprintf(format, args...)} }

// Source is an object.
type Source interface {
	io.ReaderAt
	Size() int64
}

// Input is the format of the object.
type Input struct {
	Format      string // CSV, JSON, Parquet
	Compression string // "", NONE, GZIP, BZIP2
	CSV         CSV
	Header      string // of CSV: "", NONE, USE, IGNORE
	Comments    string // what begins a line that is not a record; "": nothing
	QuotedLines bool   // record delimiters within quotes are of the field
	Lines       bool   // JSON: a document a line
	Ranged      bool   // only records that begin at Begin to End, both included
	Begin, End  int64
}

// CSV is a form of CSV; empty fields mean the defaults.
type CSV struct{ Field, Record, Quote, Escape string }

func (c CSV) orDefaults() CSV {
	for _, f := range []struct {
		at *string
		to string
	}{{&c.Field, ","}, {&c.Record, "\n"}, {&c.Quote, `"`}, {&c.Escape, `"`}} {
		if *f.at == "" {
			*f.at = f.to
		}
	}
	return c
}

// Output is the format of the answer.
type Output struct {
	JSON        bool
	CSV         CSV // of JSON, Record alone
	AlwaysQuote bool
}

// Progress counts bytes.
type Progress struct {
	Scanned   int64 // of the object, as it is
	Processed int64 // after decompression
}

// Query is a statement that was understood.
type Query struct {
	items  []item // nil: all
	from   []step
	alias  string
	where  expr
	limit  int64 // negative: none
	groups []*aggregate
}

// Options of a run.
type Options struct {
	Input  Input
	Output Output
	// Tick is called between records, about every 64 KiB of the object; an error of it ends the run. nil: not called.
	Tick func(Progress) error
}

// Run writes what the statement yields of an object, encoded.
func (q *Query) Run(ctx context.Context, src Source, o Options, to io.Writer) (p Progress, err error) {
	r := &run{q: q, ctx: ctx, o: o, src: src, out: newWriter(to, o.Output)}
	r.o.Input.CSV = r.o.Input.CSV.orDefaults()
	if err := o.Input.check(); err != nil {
		return p, err
	}
	defer func() { p = r.progress() }()
	switch o.Input.Format {
	case "Parquet":
		err = r.parquet(src)
	case "JSON":
		err = r.text(src, r.json)
	default:
		err = r.text(src, r.csv)
	}
	if err == nil && len(q.groups) > 0 {
		err = r.limited(Value{}) // the one row of aggregates
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err == nil {
		err = r.out.flush()
	}
	return p, err
}

func (in Input) check() error {
	if !in.Ranged {
		return nil
	}
	switch {
	case in.Compression != "" && in.Compression != "NONE":
		return fail("UnsupportedScanRangeInput", "Scan range queries are not supported on this type of object: it is compressed.")
	case in.Format == "JSON" && !in.Lines:
		return fail("UnsupportedScanRangeInput", "Scan range queries are not supported on this type of object: JSON must be of type LINES.")
	case in.Format == "CSV" && in.QuotedLines:
		return fail("UnsupportedScanRangeInput", "Scan range queries are not supported where AllowQuotedRecordDelimiter is set.")
	case in.Begin < 0 || in.End < in.Begin:
		return fail("InvalidScanRange", "The value of a parameter in ScanRange element is invalid. Check the service API documentation and try again.")
	}
	return nil
}

var errEnough = errors.New("the limit is reached")

type run struct {
	q    *Query
	ctx  context.Context
	o    Options
	src  Source
	out  *writer
	rows int64

	scanned   *counter // nil: Parquet
	processed *counter
	base      Progress
	ticked    int64
}

func (r *run) progress() Progress {
	p := r.base
	if r.processed != nil {
		p.Scanned += r.scanned.n
		p.Processed += r.processed.n
	}
	return p
}

// between is called between records.
func (r *run) between() error {
	p := r.progress()
	if p.Processed-r.ticked < 64<<10 {
		return nil
	}
	r.ticked = p.Processed
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.o.Tick != nil {
		return r.o.Tick(p)
	}
	return nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// text reads an object of text: read gets what is decompressed, from the beginning of the range.
func (r *run) text(src Source, read func(in *bufio.Reader, from int64) error) error {
	begin, end := int64(0), src.Size()
	if r.o.Input.Ranged {
		if begin = r.o.Input.Begin; begin >= end {
			begin = end
		}
	}
	// What ends just before the range makes its first byte the beginning of a record.
	begin = max(0, begin-int64(len(r.o.Input.CSV.Record)))
	r.scanned = &counter{r: io.NewSectionReader(src, begin, end-begin)}
	in := bufio.NewReaderSize(r.scanned, 64<<10)
	var plain io.Reader = in
	switch r.o.Input.Compression {
	case "GZIP":
		z, err := gzip.NewReader(in)
		if err != nil {
			return fail("InvalidCompressionFormat", "The file is not in a supported compression format. Only GZIP is supported: %v", err)
		}
		plain = z
	case "BZIP2":
		plain = bzip2.NewReader(in)
	}
	r.processed = &counter{r: plain}
	return read(bufio.NewReaderSize(r.processed, 64<<10), begin)
}

// broken words an error of reading.
func (r *run) broken(err error) error {
	if c := r.o.Input.Compression; !errors.Is(err, io.EOF) && (c == "GZIP" || c == "BZIP2") {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fail("TruncatedInput", "Object decompression failed. Check that the object is properly compressed using the format specified in the request.")
		}
		if e := (*Error)(nil); errors.As(err, &e) {
			return err // of what was decompressed
		}
		return fail("InvalidCompressionFormat", "Object decompression failed: %v", err)
	}
	return err
}

// row takes one record.
func (r *run) row(v Value) error {
	if err := r.between(); err != nil {
		return err
	}
	return r.descend(v, r.q.from)
}

// descend follows the path of FROM below a record.
func (r *run) descend(v Value, path []step) error {
	for i, s := range path {
		if !s.all {
			v = s.of(v)
			continue
		}
		if v.k != kindList {
			continue // of what is not a list, all is itself
		}
		for _, e := range v.x.list {
			if err := r.descend(e, path[i+1:]); err != nil {
				return err
			}
		}
		return nil
	}
	return r.one(v)
}

func (r *run) one(v Value) error {
	q := r.q
	if q.where != nil {
		ok, err := q.where(v)
		if err != nil {
			return err
		}
		if !ok.isTrue() {
			return nil
		}
	}
	if len(q.groups) > 0 {
		for _, g := range q.groups {
			if err := g.add(v); err != nil {
				return err
			}
		}
		return nil
	}
	return r.limited(v)
}

// limited writes a row, unless there are enough.
func (r *run) limited(v Value) error {
	most := r.q.limit
	if most >= 0 && r.rows >= most {
		return errEnough
	}
	r.rows++
	write := r.emit
	if r.q.items == nil {
		write = r.out.all
	}
	if err := write(v); err != nil {
		return err
	}
	if most >= 0 && r.rows >= most {
		return errEnough
	}
	return nil
}

func (r *run) emit(v Value) error {
	names, values := make([]string, len(r.q.items)), make([]Value, len(r.q.items))
	for i, it := range r.q.items {
		var err error
		if values[i], err = it.value(v); err != nil {
			return err
		}
		names[i] = it.name
	}
	return r.out.row(names, values)
}
