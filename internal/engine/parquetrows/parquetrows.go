// Package parquetrows writes Parquet files of flat rows whose columns are known when the file is begun. Columns come in
// the order that they are given in; a nil is the absence of a value. Files are compressed with Snappy, in row groups of
// 100,000 rows, of which one is in memory.
package parquetrows

import (
	"fmt"
	"io"
	"reflect"
	"time"

	pq "github.com/parquet-go/parquet-go"
)

// Kind is the type of a column's values.
type Kind uint8

const (
	String    Kind = iota // string
	Bool                  // bool
	Int64                 // int64
	Timestamp             // time.Time, in milliseconds, of UTC
)

// groupRows are the rows of a row group.
const groupRows = 100_000

// Column is a column. One that is required has a value in each row.
type Column struct {
	Name     string // as Parquet has it; no commas or quotes
	Kind     Kind
	Required bool
}

var kinds = map[Kind]reflect.Type{String: reflect.TypeFor[string](), Bool: reflect.TypeFor[bool](), Int64: reflect.TypeFor[int64](), Timestamp: reflect.TypeFor[int64]()}

// rowType is a struct of the columns, as the library takes rows.
func rowType(columns []Column) reflect.Type {
	fields := make([]reflect.StructField, len(columns))
	for i, c := range columns {
		tag, kind := c.Name, kinds[c.Kind]
		if c.Kind == Timestamp {
			tag += ",timestamp(millisecond)"
		}
		if !c.Required {
			tag, kind = tag+",optional", reflect.PointerTo(kind)
		}
		fields[i] = reflect.StructField{Name: fmt.Sprint("C", i), Type: kind, Tag: reflect.StructTag(`parquet:"` + tag + `"`)}
	}
	return reflect.StructOf(fields)
}

func schemaOf(name string, row reflect.Type) *pq.Schema {
	return pq.NewSchema(name, pq.SchemaOf(reflect.New(row).Interface()))
}

// Schema is the schema of a file as text, "message name { ... }".
func Schema(name string, columns []Column) string { return schemaOf(name, rowType(columns)).String() }

// A Writer writes a file. It is not for use by several goroutines at once.
type Writer struct {
	columns []Column
	row     reflect.Type
	out     *pq.GenericWriter[any]
}

// NewWriter begins a file, whose schema has a name.
func NewWriter(out io.Writer, name string, columns []Column) *Writer {
	row := rowType(columns)
	return &Writer{columns, row, pq.NewGenericWriter[any](out, schemaOf(name, row), pq.Compression(&pq.Snappy), pq.MaxRowsPerRowGroup(groupRows))}
}

// Write writes a row: a value of the kind of each column, or nil.
func (w *Writer) Write(values []any) error {
	if len(values) != len(w.columns) {
		return fmt.Errorf("parquetrows: a row of %d values, for %d columns", len(values), len(w.columns))
	}
	row := reflect.New(w.row).Elem()
	for i, v := range values {
		c := w.columns[i]
		if v == nil {
			if c.Required {
				return fmt.Errorf("parquetrows: column %s has no value", c.Name)
			}
			continue
		}
		if t, ok := v.(time.Time); ok && c.Kind == Timestamp {
			v = t.UnixMilli()
		}
		value, field := reflect.ValueOf(v), row.Field(i)
		if value.Type() != kinds[c.Kind] {
			return fmt.Errorf("parquetrows: column %s has a value of type %T", c.Name, v)
		}
		if !c.Required {
			field.Set(reflect.New(value.Type()))
			field = field.Elem()
		}
		field.Set(value)
	}
	_, err := w.out.Write([]any{row.Interface()})
	return err
}

// Close ends the file. The writer below it is left open.
func (w *Writer) Close() error { return w.out.Close() }
