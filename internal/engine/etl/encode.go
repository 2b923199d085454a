package etl

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// Format is how rows become an object.
type Format struct {
	Name        string // "parquet", "json" or "csv"
	Compression string // parquet: snappy, gzip, zstd, none; json and csv: gzip, none; "" is snappy, none
}

// Check refuses what cannot be written.
func (f Format) Check() error {
	ok := []string{"", "none", "uncompressed", "gzip"}
	switch f.Name {
	case "parquet":
		ok = append(ok, "snappy", "zstd")
	case "json", "csv":
	default:
		return fmt.Errorf("the format %q cannot be written; parquet, json and csv can", f.Name)
	}
	if !slices.Contains(ok, f.Compression) {
		return fmt.Errorf("%s cannot be compressed with %q", f.Name, f.Compression)
	}
	return nil
}

// FileName is the name of file number index of a run, which is told by its milliseconds.
func (f Format) FileName(millis int64, index int) string {
	if f.Name != "parquet" {
		name := fmt.Sprintf("run-%d-part-r-%05d", millis, index)
		if f.Compression == "gzip" {
			name += ".gz"
		}
		return name
	}
	ending := ".parquet"
	switch f.Compression {
	case "", "snappy":
		ending = "-snappy.parquet"
	case "gzip":
		ending = "-gzip.parquet"
	case "zstd":
		ending = "-zstd.parquet"
	}
	return fmt.Sprintf("run-%d-part-block-0-r-%05d%s", millis, index, ending)
}

// Widened is the columns of a frame, each with the type that holds its values and those of a
// table's column of that name.
func Widened(columns, table []Column) []Column {
	out := slices.Clone(columns)
	for i, c := range out {
		for _, t := range table {
			if strings.EqualFold(t.Name, c.Name) {
				out[i].Type = Widest(t.Type, c.Type)
			}
		}
	}
	return out
}

// Encode writes the rows of a frame with the columns given, which are the frame's with the same
// or wider types. It returns how many rows it wrote. A value that does not fit its column's type
// is null in Parquet.
func Encode(w io.Writer, f *Frame, columns []Column, o Format) (int64, error) {
	switch o.Name {
	case "parquet":
		return encodeParquet(w, f, columns, o)
	case "json":
		return compressed(w, o, func(w *bufio.Writer) (int64, error) { return encodeJSON(w, f) })
	case "csv":
		return compressed(w, o, func(w *bufio.Writer) (int64, error) { return encodeCSV(w, f) })
	}
	return 0, o.Check()
}

func encodeParquet(w io.Writer, f *Frame, columns []Column, o Format) (n int64, err error) {
	schema := make(columnar.Schema, len(columns))
	for i, c := range columns {
		schema[i] = columnar.Column(c)
	}
	opts := columnar.Options{Dictionary: true}
	switch o.Compression {
	case "gzip":
		opts.Codec = columnar.GZIP
	case "zstd":
		opts.Codec = columnar.ZSTD
	case "none", "uncompressed":
		opts.Codec = columnar.None
	}
	out, err := columnar.NewWriter(w, schema, opts)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			out.Abort()
		}
	}()
	if f.text != nil {
		var rec jsontext.Record
		for _, text := range f.text {
			if _, err := rec.Parse(text); err != nil {
				return 0, err
			}
			if err := out.WriteRecord(&rec); err != nil {
				if err := writeFitted(out, (&Frame{Columns: columns, text: [][]byte{text}}).Rows()[0], columns, err); err != nil {
					return 0, err
				}
			}
		}
	} else {
		var line []byte
		for _, row := range f.rows {
			line = f.appendRow(line[:0], row, nil)
			if err := out.WriteJSON(line); err != nil {
				if err := writeFitted(out, slices.Clone(row), columns, err); err != nil {
					return 0, err
				}
			}
		}
	}
	return out.Rows(), out.Close()
}

// writeFitted writes a row that was refused, with null for each value that its column's type
// does not hold, as Spark reads such a value. Any error but a refusal is returned.
func writeFitted(out *columnar.Writer, row []any, columns []Column, refused error) error {
	for i, c := range columns {
		if v, ok := cast(row[i], c.Type); ok {
			row[i] = v
		} else {
			row[i] = nil
		}
	}
	f := &Frame{Columns: columns}
	for range len(columns) + 2 {
		var e *columnar.RecordError
		if !errors.As(refused, &e) {
			return refused
		}
		refused = out.WriteJSON(f.appendRow(nil, row, nil))
		if refused == nil {
			return nil
		}
		if errors.As(refused, &e) {
			if at := f.Column(e.Column); at >= 0 && row[at] != nil {
				row[at] = nil
			} else {
				clear(row)
			}
		}
	}
	return refused
}

// compressed writes what is text, compressed as the format says.
func compressed(w io.Writer, o Format, write func(*bufio.Writer) (int64, error)) (int64, error) {
	var zip *gzip.Writer
	if o.Compression == "gzip" {
		zip = gzip.NewWriter(w)
		w = zip
	}
	b := bufio.NewWriterSize(w, 64<<10)
	n, err := write(b)
	err = errors.Join(err, b.Flush())
	if zip != nil {
		err = errors.Join(err, zip.Close())
	}
	return n, err
}

func encodeJSON(w *bufio.Writer, f *Frame) (int64, error) {
	var line []byte
	if f.text != nil && !f.told {
		for _, text := range f.text {
			line = append(jsontext.AppendCompact(line[:0], text, false), '\n')
			if _, err := w.Write(line); err != nil {
				return 0, err
			}
		}
		return int64(len(f.text)), nil
	}
	rows := f.Rows()
	for _, row := range rows {
		line = append(f.appendRow(line[:0], row, nil), '\n')
		if _, err := w.Write(line); err != nil {
			return 0, err
		}
	}
	return int64(len(rows)), nil
}

func encodeCSV(w *bufio.Writer, f *Frame) (int64, error) {
	out := csv.NewWriter(w)
	line := make([]string, len(f.Columns))
	for i, c := range f.Columns {
		line[i] = c.Name
	}
	if err := out.Write(line); err != nil {
		return 0, err
	}
	rows := f.Rows()
	for _, row := range rows {
		for i, v := range row {
			if line[i] = ""; v != nil {
				line[i] = textOf(v)
			}
		}
		if err := out.Write(line); err != nil {
			return 0, err
		}
	}
	out.Flush()
	return int64(len(rows)), out.Error()
}

// nullPartition is the value of a partition key that a row has no value for.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// Part is the rows of one partition.
type Part struct {
	Values []string // of the keys
	Frame  *Frame   // without the keys
}

// Partition splits a frame by the values of columns, in the order of the values.
func Partition(f *Frame, keys []string) ([]Part, error) {
	if len(keys) == 0 {
		return []Part{{Frame: f}}, nil
	}
	rest := &Frame{}
	var at, kept []int
	for _, k := range keys {
		i := f.Column(k)
		if i < 0 {
			return nil, fmt.Errorf("there is no column %q to partition by", k)
		}
		at = append(at, i)
	}
	for i, c := range f.Columns {
		if !slices.Contains(at, i) {
			kept = append(kept, i)
			rest.Columns = append(rest.Columns, c)
		}
	}
	if len(kept) == 0 {
		return nil, errors.New("every column is a partition key")
	}
	index := make(map[string]int)
	var parts []Part
	var key []byte
	for _, row := range f.Rows() {
		key = rowKey(key[:0], row, at)
		i, ok := index[string(key)]
		if !ok {
			i = len(parts)
			index[string(key)] = i
			p := Part{Frame: &Frame{Columns: rest.Columns}}
			for _, c := range at {
				v := nullPartition
				if row[c] != nil && textOf(row[c]) != "" {
					v = textOf(row[c])
				}
				p.Values = append(p.Values, v)
			}
			parts = append(parts, p)
		}
		r := make([]any, len(kept))
		for j, c := range kept {
			r[j] = row[c]
		}
		parts[i].Frame.rows = append(parts[i].Frame.rows, r)
	}
	slices.SortFunc(parts, func(a, b Part) int { return slices.Compare(a.Values, b.Values) })
	// Values of different types may have the same text: they are one partition.
	var out []Part
	for _, p := range parts {
		if n := len(out); n > 0 && slices.Equal(out[n-1].Values, p.Values) {
			out[n-1].Frame.rows = append(out[n-1].Frame.rows, p.Frame.rows...)
			continue
		}
		out = append(out, p)
	}
	return out, nil
}

// Folder is where the objects of a partition are: "key=value/" for each key.
func Folder(keys, values []string) string {
	var b strings.Builder
	for i, k := range keys {
		b.WriteString(hivetype.EscapePath(k) + "=" + hivetype.EscapePath(values[i]) + "/")
	}
	return b.String()
}

// EncodeParts encodes a large frame as several objects at once, in the order of the rows.
func EncodeParts(f *Frame, columns []Column, o Format, rowsEach int) ([][]byte, error) {
	var parts []*Frame
	for lo := 0; lo < f.Len(); lo += rowsEach {
		parts = append(parts, f.Slice(lo, min(lo+rowsEach, f.Len())))
	}
	bodies, errs := make([][]byte, len(parts)), make([]error, len(parts))
	slots := make(chan struct{}, maxEncoders)
	done := make(chan struct{}, len(parts))
	for i, p := range parts {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots; done <- struct{}{} }()
			var b bytes.Buffer
			_, errs[i] = Encode(&b, p, columns, o)
			bodies[i] = b.Bytes()
		}()
	}
	for range parts {
		<-done
	}
	return bodies, errors.Join(errs...)
}

// maxEncoders is how many objects of a frame are encoded at a time.
const maxEncoders = 4
