package hive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/brookmere/brookmere/internal/engine/avrofile"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/orcfile"
)

// WriteCompressions are what files of ORC and Avro can be written with, the default first.
var WriteCompressions = map[string][]string{
	"ORC":  {"ZLIB", "SNAPPY", "LZ4", "ZSTD", "NONE"},
	"AVRO": {"DEFLATE", "SNAPPY", "ZSTD", "NONE"},
}

// batchWriter is a file that is being written.
type batchWriter interface {
	Write(rows int, columns []*orcfile.Values) error
	Close() error
}

// Rewrite makes an ORC or AVRO file of a Parquet file that DuckDB wrote, which has the columns.
// The compression is one of WriteCompressions. In memory is a row group of the Parquet file, which
// is a stripe of ORC. What a format cannot hold is a *fault.Error.
func Rewrite(ctx context.Context, from, to, format, compression string, columns []catalog.Column) (err error) {
	in, err := file.OpenParquetFile(from, false)
	if err != nil {
		return err
	}
	defer in.Close()
	source, err := newParquetValues(in, columns)
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	buffered := bufio.NewWriterSize(out, 256<<10)
	var w batchWriter
	if format == "ORC" {
		w, err = orcfile.NewWriter(buffered, orcTypes(columns), compression)
	} else {
		w, err = newAvroWriter(buffered, columns, compression)
	}
	if err != nil {
		return err
	}
	for i := range in.NumRowGroups() {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, batch, err := source.read(i)
		if err != nil {
			return err
		}
		if err := w.Write(rows, batch); err != nil {
			return &fault.Error{Name: "HIVE_WRITER_DATA_ERROR", Message: fmt.Sprintf("Failed to write %s: %v", format, err)}
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// orcTypes is the tree of types of columns.
func orcTypes(columns []catalog.Column) []orcfile.Type {
	var all []orcfile.Type
	var add func(t *hivetype.Type) int
	children := func(id int, of ...*hivetype.Type) {
		for _, t := range of {
			child := add(t)
			all[id].Children = append(all[id].Children, child)
		}
	}
	add = func(t *hivetype.Type) int {
		id := len(all)
		kinds := map[hivetype.Kind]orcfile.Kind{hivetype.Boolean: orcfile.Boolean, hivetype.TinyInt: orcfile.Byte, hivetype.SmallInt: orcfile.Short, hivetype.Int: orcfile.Int,
			hivetype.BigInt: orcfile.Long, hivetype.Float: orcfile.Float, hivetype.Double: orcfile.Double, hivetype.Decimal: orcfile.Decimal, hivetype.Binary: orcfile.Binary,
			hivetype.Date: orcfile.Date, hivetype.Timestamp: orcfile.Timestamp, hivetype.Varchar: orcfile.Varchar, hivetype.Char: orcfile.Char,
			hivetype.Array: orcfile.List, hivetype.Map: orcfile.Map, hivetype.Struct: orcfile.Struct}
		kind, ok := kinds[t.Kind]
		if !ok {
			kind = orcfile.String
		}
		all = append(all, orcfile.Type{Kind: kind, Precision: t.Precision, Scale: t.Scale, Length: t.Length})
		switch t.Kind {
		case hivetype.Array:
			children(id, t.Elem)
		case hivetype.Map:
			children(id, t.Key, t.Elem)
		case hivetype.Struct:
			for _, f := range t.Fields {
				all[id].Names = append(all[id].Names, f.Name)
				children(id, f.Type)
			}
		}
		return id
	}
	add(&hivetype.Type{Kind: hivetype.Struct, Fields: fieldsOf(columns)})
	return all
}

func fieldsOf(columns []catalog.Column) []hivetype.Field {
	fields := make([]hivetype.Field, len(columns))
	for i, c := range columns {
		fields[i] = hivetype.Field{Name: c.Name, Type: c.Type}
	}
	return fields
}

// avroCodec is Avro's name of a compression.
func avroCodec(compression string) string {
	switch compression {
	case "NONE":
		return "null"
	case "ZSTD":
		return "zstandard"
	}
	return strings.ToLower(compression)
}

// newAvroWriter begins a file of Avro.
func newAvroWriter(out *bufio.Writer, columns []catalog.Column, compression string) (*avroWriter, error) {
	schema, err := avroSchema(columns)
	if err != nil {
		return nil, err
	}
	w, err := avrofile.NewWriter(out, schema, avroCodec(compression))
	return &avroWriter{Writer: w, columns: columns}, err
}
