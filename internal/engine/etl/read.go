package etl

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// ReadOptions say how objects are read.
type ReadOptions struct {
	Format    string   // json, csv or parquet
	Columns   []Column // as the catalog has them; empty: they are told from the objects
	Delimiter rune     // csv; 0: comma
	Quote     rune     // csv; 0: double quote, -1: none
	Escape    rune     // csv: the character behind it stands for itself, but for n, r, t and 0; 0: none
	Header    bool     // csv: the first line has the names
	SkipFirst bool     // csv: the first line is passed over
	Inferred  bool     // csv without Columns: types are told from the values
	Path      []string // json: where in an object its records are, from ParseRecordPath; empty: it is one
	MaxBytes  int64    // of memory that all objects hold, uncompressed, as rows; more is ErrTooLarge. 0: 1 GiB
}

// Check refuses what cannot be read.
func (o ReadOptions) Check() error {
	if !slices.Contains([]string{"json", "csv", "parquet"}, o.Format) {
		return fmt.Errorf("the format %q cannot be read; json, csv and parquet can", o.Format)
	}
	d := o.Delimiter
	if d == 0 {
		d = ','
	}
	for _, r := range []rune{d, o.Quote, o.Escape} {
		if r == '\r' || r == '\n' || r == utf8.RuneError || r < -1 {
			return fmt.Errorf("the character %q cannot separate, quote or escape", r)
		}
	}
	if d == o.quote() || d == o.Escape || o.Escape != 0 && o.Escape == o.quote() {
		return errors.New("the separator, the quote character and the escaper must differ")
	}
	return nil
}

// quote is the quote character; -1: none.
func (o ReadOptions) quote() rune {
	if o.Quote == 0 {
		return '"'
	}
	return o.Quote
}

// Reader gathers the rows of objects into one frame.
type Reader struct {
	o     ReadOptions
	json  *Records
	csv   [][]any
	names []string
	parts []*Frame
	bytes int64
}

// NewReader begins a source.
func NewReader(o ReadOptions) *Reader {
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	r := &Reader{o: o, json: NewRecords(RecordFormat{Classification: "json", Columns: o.Columns})}
	r.json.most = o.MaxBytes
	return r
}

// Source is one object to read: Parquet at its offsets, what is text from its beginning.
type Source interface {
	io.Reader
	io.ReaderAt
	Size() int64
}

// Add reads an object; key is its name, whose ending tells the compression. values are those
// of its partition, of the last of Columns.
func (r *Reader) Add(key string, in Source, values []string) error {
	if r.o.Format == "parquet" {
		f, err := readParquet(in, in.Size(), r.o.MaxBytes-r.bytes)
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		r.bytes += f.Bytes()
		r.parts = append(r.parts, withValues(f, r.o.Columns, values))
		return r.bound()
	}
	text, err := opened(in)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	defer text.Close()
	if r.o.Format == "csv" {
		err = r.addCSV(&counted{r: text, left: r.o.MaxBytes - r.bytes}, values)
	} else {
		// The text of one object is read whole, into memory that grows by doubling.
		err = r.addJSON(&counted{r: text, left: (r.o.MaxBytes - r.json.held) / 2}, values)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	return nil
}

func (r *Reader) bound() error {
	if r.bytes > r.o.MaxBytes {
		return ErrTooLarge
	}
	return nil
}

// maxRow bounds the text of one row of CSV, which is in memory with an entry a field.
const maxRow = 4 << 20

var errLongRow = errors.New("a row is longer than 4 MiB")

// rowBound is a reader that ends with errLongRow where nobody has begun another row.
type rowBound struct {
	r    io.Reader
	left int
}

func (b *rowBound) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRow
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}

// counted is a reader that ends with ErrTooLarge.
type counted struct {
	r    io.Reader
	left int64
}

func (c *counted) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := c.r.Read(b)
	c.left -= int64(n)
	return n, err
}

// opened decompresses what begins as gzip, bzip2 or zstd do; the rest is read as it is.
func opened(in io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(in, 256<<10)
	head, _ := b.Peek(4) // an error comes again with the first read
	switch {
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		return gzip.NewReader(b)
	case len(head) >= 3 && string(head[:3]) == "BZh":
		return io.NopCloser(bzip2.NewReader(b)), nil
	case len(head) == 4 && string(head) == "\x28\xb5\x2f\xfd":
		d, err := zstd.NewReader(b, zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(b), nil
}

// addJSON reads objects one after the other, on lines or not.
func (r *Reader) addJSON(in io.Reader, values []string) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if len(r.o.Path) > 0 {
		recordsAt(text, r.o.Path, func(record []byte) bool {
			r.addText(record, values)
			return !r.json.full
		})
	} else {
		r.addText(text, values)
	}
	if r.json.full {
		return ErrTooLarge
	}
	return nil
}

func (r *Reader) addText(text []byte, values []string) {
	keys := partitionColumns(r.o.Columns, values)
	if len(keys) == 0 {
		r.json.Add(text, time.Time{})
		return
	}
	// The values of the partition are written into the objects.
	var rec jsontext.Record
	for rest := text; !r.json.full; {
		rest = rest[jsontext.SkipSpace(rest, 0):]
		if len(rest) == 0 {
			return
		}
		n, err := rec.Parse(rest)
		if err != nil || rec.Kind != jsontext.Object {
			r.json.Add(rest, time.Time{})
			return
		}
		row := slices.Clone(rec.Text[:len(rec.Text)-1])
		for i, c := range keys {
			if len(rec.Members) > 0 || i > 0 {
				row = append(row, ',')
			}
			row = append(appendString(row, c.Name), ':')
			row = appendString(row, values[i])
		}
		r.json.Add(append(row, '}'), time.Time{})
		rest = rest[n:]
	}
}

// partitionColumns are the last columns, one a value.
func partitionColumns(columns []Column, values []string) []Column {
	if len(values) > len(columns) {
		return nil
	}
	return columns[len(columns)-len(values):]
}

// withValues is a frame with the columns of the catalog, the partition's among them.
func withValues(f *Frame, columns []Column, values []string) *Frame {
	if len(columns) == 0 {
		return f
	}
	keys := partitionColumns(columns, values)
	out := &Frame{Columns: columns}
	plain := columns[:len(columns)-len(keys)]
	from := make([]int, len(plain))
	for i, c := range plain {
		from[i] = f.Column(c.Name)
	}
	for _, row := range f.Rows() {
		r := make([]any, 0, len(columns))
		for i, c := range plain {
			var v any
			if from[i] >= 0 {
				v, _ = cast(row[from[i]], c.Type)
			}
			r = append(r, v)
		}
		for i, c := range keys {
			v, _ := cast(values[i], c.Type)
			r = append(r, v)
		}
		out.rows = append(out.rows, r)
	}
	return out
}

func (r *Reader) addCSV(in io.Reader, values []string) error {
	row := &rowBound{r: in}
	lines := r.o.lines(row)
	keys := partitionColumns(r.o.Columns, values)
	plain := r.o.Columns[:len(r.o.Columns)-len(keys)]
	for n := 0; ; n++ {
		row.left = maxRow
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, v := range line {
			r.bytes += int64(len(v))
		}
		if r.bytes += rowCost(max(len(line), len(r.o.Columns))); r.bytes > r.o.MaxBytes {
			return ErrTooLarge
		}
		if n == 0 && (r.o.Header || r.o.SkipFirst) {
			if r.o.Header && len(r.names) == 0 {
				r.names = slices.Clone(line)
			}
			continue
		}
		if len(plain) > 0 {
			row := make([]any, 0, len(r.o.Columns))
			for i, c := range plain {
				var v any
				if i < len(line) {
					v, _ = cast(line[i], c.Type)
				}
				row = append(row, v)
			}
			for i, c := range keys {
				v, _ := cast(values[i], c.Type)
				row = append(row, v)
			}
			r.csv = append(r.csv, row)
			continue
		}
		row := make([]any, len(line))
		for i, s := range line {
			row[i] = s
		}
		r.csv = append(r.csv, row)
	}
}

// Frame is the rows of all objects.
func (r *Reader) Frame() (*Frame, error) {
	switch {
	case r.o.Format == "json":
		return r.typed(r.json.Frame()), nil
	case r.o.Format == "csv" && len(r.o.Columns) > 0:
		return NewFrame(r.o.Columns, r.csv), nil
	case r.o.Format == "csv":
		return r.csvFrame(), nil
	case len(r.parts) == 0:
		return &Frame{Columns: r.o.Columns}, nil
	case len(r.parts) == 1:
		return r.parts[0], nil
	}
	out, err := Union{}.Apply(context.Background(), r.parts)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// typed makes the values of a frame of JSON those of the catalog's types.
func (r *Reader) typed(f *Frame) *Frame {
	if len(r.o.Columns) == 0 {
		return f
	}
	rows := f.Rows()
	for _, row := range rows {
		for i, v := range row {
			row[i], _ = cast(v, f.Columns[i].Type)
		}
	}
	return NewFrame(f.Columns, rows)
}

func (r *Reader) csvFrame() *Frame {
	wide := len(r.names)
	for _, row := range r.csv {
		wide = max(wide, len(row))
	}
	f := &Frame{rows: r.csv}
	for i := range wide {
		name := fmt.Sprintf("col%d", i)
		if i < len(r.names) && strings.TrimSpace(r.names[i]) != "" {
			name = strings.TrimSpace(r.names[i])
		}
		for f.Column(name) >= 0 {
			name += "_"
		}
		f.Columns = append(f.Columns, Column{name, stringType})
	}
	for i, row := range f.rows {
		f.rows[i] = append(row, make([]any, wide-len(row))...)
	}
	return f
}
