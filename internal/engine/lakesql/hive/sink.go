package hive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// sink writes rows to a Parquet file, whose columns are given one value each before row ends the
// row. All of them may be null, as may what they are made of. Whole numbers of less than eight
// bytes are written as four, and times in microseconds.
type sink struct {
	columns []*sinkNode
	leaves  []*sinkNode
	ctx     context.Context
	out     *bufio.Writer
	file    *file.Writer
	rows    int
	memory  int // bytes in the rows that are gathered
}

// sinkField is a column, by its name and type.
type sinkField = hivetype.Field

// sinkNode takes the values of a column, or of what a column is made of.
type sinkNode struct {
	typ  *hivetype.Type
	kids []*sinkNode // of a struct its fields, of an array its elements, of a map its keys and values

	def    int16  // the definition level of a null
	repeat int16  // the repetition level of a further element, of an array or map
	rep    *int16 // the repetition level of the next value, one for a whole column
	memory *int   // of the sink

	// Of one that does not nest:
	defs, reps []int16
	bools      []bool
	ints       []int32
	longs      []int64
	floats     []float32
	doubles    []float64
	texts      []parquet.ByteArray
	fixed      []parquet.FixedLenByteArray
}

// rowsColumn is the column of a file of which only the number of its rows is of use.
const rowsColumn = "__rows"

var (
	booleanType = &hivetype.Type{Kind: hivetype.Boolean}
	stringType  = &hivetype.Type{Kind: hivetype.String}
)

// newSink begins a file.
func newSink(ctx context.Context, out io.Writer, columns []sinkField) (*sink, error) {
	if len(columns) == 0 {
		columns = []sinkField{{Name: rowsColumn, Type: booleanType}}
	}
	s := &sink{ctx: ctx, out: bufio.NewWriterSize(out, 256<<10)}
	var fields schema.FieldList
	for _, c := range columns {
		n := s.node(c.Type, 0, 0, new(int16))
		s.columns = append(s.columns, n)
		f, err := sinkSchema(c.Name, c.Type, parquet.Repetitions.Optional)
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	root, err := schema.NewGroupNode("rows", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		return nil, err
	}
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryDefault(false), parquet.WithStats(true))
	s.file, err = file.NewParquetWriterWithError(s.out, root, file.WithWriterProps(props))
	return s, err
}

// node is a column from the levels of what is above it.
func (s *sink) node(t *hivetype.Type, def, rep int16, at *int16) *sinkNode {
	n := &sinkNode{typ: t, def: def, rep: at, memory: &s.memory}
	switch t.Kind {
	case hivetype.Struct:
		for _, f := range t.Fields {
			n.kids = append(n.kids, s.node(f.Type, def+1, rep, at))
		}
	case hivetype.Array:
		n.repeat = rep + 1
		n.kids = []*sinkNode{s.node(t.Elem, def+2, rep+1, at)}
	case hivetype.Map:
		n.repeat = rep + 1
		// Keys are never null: they have the level of the entry.
		n.kids = []*sinkNode{s.node(t.Key, def+1, rep+1, at), s.node(t.Elem, def+2, rep+1, at)}
	default:
		s.leaves = append(s.leaves, n)
	}
	return n
}

func sinkSchema(name string, t *hivetype.Type, rep parquet.Repetition) (schema.Node, error) {
	leaf := func(physical parquet.Type, logical schema.LogicalType, length int) (schema.Node, error) {
		if logical == nil {
			return schema.NewPrimitiveNode(name, rep, physical, -1, int32(length))
		}
		return schema.NewPrimitiveNodeLogical(name, rep, logical, physical, length, -1)
	}
	switch t.Kind {
	case hivetype.Boolean:
		return leaf(parquet.Types.Boolean, nil, -1)
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int:
		return leaf(parquet.Types.Int32, nil, -1)
	case hivetype.BigInt:
		return leaf(parquet.Types.Int64, nil, -1)
	case hivetype.Float:
		return leaf(parquet.Types.Float, nil, -1)
	case hivetype.Double:
		return leaf(parquet.Types.Double, nil, -1)
	case hivetype.Date:
		return leaf(parquet.Types.Int32, schema.DateLogicalType{}, -1)
	case hivetype.Timestamp:
		return leaf(parquet.Types.Int64, schema.NewTimestampLogicalType(false, schema.TimeUnitMicros), -1)
	case hivetype.Decimal:
		return leaf(parquet.Types.FixedLenByteArray, schema.NewDecimalLogicalType(int32(t.Precision), int32(t.Scale)), 16)
	case hivetype.Binary:
		return leaf(parquet.Types.ByteArray, nil, -1)
	case hivetype.Struct:
		var fields schema.FieldList
		seen := map[string]bool{}
		for _, f := range t.Fields {
			if lower := strings.ToLower(f.Name); seen[lower] {
				return nil, fmt.Errorf("the field %s is there twice", f.Name)
			} else {
				seen[lower] = true
			}
			n, err := sinkSchema(f.Name, f.Type, parquet.Repetitions.Optional)
			if err != nil {
				return nil, err
			}
			fields = append(fields, n)
		}
		return schema.NewGroupNode(name, rep, fields, -1)
	case hivetype.Array:
		element, err := sinkSchema("element", t.Elem, parquet.Repetitions.Optional)
		if err != nil {
			return nil, err
		}
		list, err := schema.NewGroupNode("list", parquet.Repetitions.Repeated, schema.FieldList{element}, -1)
		if err != nil {
			return nil, err
		}
		return schema.NewGroupNodeLogical(name, rep, schema.FieldList{list}, schema.NewListLogicalType(), -1)
	case hivetype.Map:
		key, err := sinkSchema("key", t.Key, parquet.Repetitions.Required)
		if err != nil {
			return nil, err
		}
		value, err := sinkSchema("value", t.Elem, parquet.Repetitions.Optional)
		if err != nil {
			return nil, err
		}
		entry, err := schema.NewGroupNode("key_value", parquet.Repetitions.Repeated, schema.FieldList{key, value}, -1)
		if err != nil {
			return nil, err
		}
		return schema.NewGroupNodeLogical(name, rep, schema.FieldList{entry}, schema.MapLogicalType{}, -1)
	}
	return leaf(parquet.Types.ByteArray, schema.StringLogicalType{}, -1)
}

// level notes the levels of a value, or of a null above it.
func (n *sinkNode) level(def int16) {
	n.defs, n.reps = append(n.defs, def), append(n.reps, *n.rep)
	*n.memory += 4
}

// null appends a null.
func (n *sinkNode) null() { n.absent(n.def) }

// absent notes for all that a column is made of that there is nothing from a level on.
func (n *sinkNode) absent(def int16) {
	if n.kids == nil {
		n.level(def)
	}
	for _, k := range n.kids {
		k.absent(def)
	}
}

// present notes a value that does not nest.
func (n *sinkNode) present(bytes int) {
	n.level(n.def + 1)
	*n.memory += bytes
}

func (n *sinkNode) boolean(v bool)   { n.present(1); n.bools = append(n.bools, v) }
func (n *sinkNode) int(v int32)      { n.present(4); n.ints = append(n.ints, v) }
func (n *sinkNode) long(v int64)     { n.present(8); n.longs = append(n.longs, v) }
func (n *sinkNode) float(v float32)  { n.present(4); n.floats = append(n.floats, v) }
func (n *sinkNode) double(v float64) { n.present(8); n.doubles = append(n.doubles, v) }
func (n *sinkNode) decimal(v decimal128.Num) {
	n.present(16)
	b := make([]byte, 16)
	for i := range 8 {
		b[i], b[8+i] = byte(uint64(v.HighBits())>>(56-8*i)), byte(v.LowBits()>>(56-8*i))
	}
	n.fixed = append(n.fixed, b)
}

// text appends text, of which it keeps a copy, or bytes.
func (n *sinkNode) text(v []byte) {
	n.present(len(v) + 24)
	n.texts = append(n.texts, append(make([]byte, 0, len(v)), v...))
}

// whole appends a whole number to a column of any that takes numbers.
func (n *sinkNode) whole(v int64) {
	switch n.typ.Kind {
	case hivetype.BigInt, hivetype.Timestamp:
		n.long(v)
	case hivetype.Float:
		n.float(float32(v))
	case hivetype.Double:
		n.double(float64(v))
	default:
		n.int(int32(v))
	}
}

// items appends an array or map. each is called with a function that begins an element, whose
// values the caller then appends.
func (n *sinkNode) items(each func(next func()) error) error {
	outer := *n.rep
	some := false
	err := each(func() {
		if *n.rep = outer; some {
			*n.rep = n.repeat
		}
		some = true
	})
	*n.rep = outer
	if !some {
		n.absent(n.def + 1)
	}
	return err
}

// maxRow bounds the bytes of a row, with those before it that are gathered.
const maxRow = 512 << 20

var errRow = errors.New("a row is too large")

// bounded is an error where the rows that are gathered have become too large.
func (n *sinkNode) bounded() error {
	if *n.memory > maxRow {
		return errRow
	}
	return nil
}

// row ends a row.
func (s *sink) row() error {
	if s.rows++; s.rows < textRows && s.memory < 2*textBytes {
		return nil
	}
	return s.flush()
}

func (s *sink) flush() error {
	if s.rows == 0 {
		return nil
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	group, err := s.file.AppendRowGroupChecked()
	if err != nil {
		return err
	}
	for _, n := range s.leaves {
		column, err := group.NextColumn()
		if err != nil {
			return err
		}
		if err := n.write(column); err != nil {
			return err
		}
		if err := column.Close(); err != nil {
			return err
		}
	}
	s.rows, s.memory = 0, 0
	return group.Close()
}

// write writes the values of a row group.
func (n *sinkNode) write(column file.ColumnChunkWriter) (err error) {
	defs, reps := n.defs, n.reps
	switch w := column.(type) {
	case *file.BooleanColumnChunkWriter:
		_, err = w.WriteBatch(n.bools, defs, reps)
	case *file.Int32ColumnChunkWriter:
		_, err = w.WriteBatch(n.ints, defs, reps)
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(n.longs, defs, reps)
	case *file.Float32ColumnChunkWriter:
		_, err = w.WriteBatch(n.floats, defs, reps)
	case *file.Float64ColumnChunkWriter:
		_, err = w.WriteBatch(n.doubles, defs, reps)
	case *file.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(n.texts, defs, reps)
	case *file.FixedLenByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(n.fixed, defs, reps)
	default:
		err = fmt.Errorf("no column of the type %T", column)
	}
	n.defs, n.reps, n.bools, n.ints, n.longs, n.floats, n.doubles = n.defs[:0], n.reps[:0], n.bools[:0], n.ints[:0], n.longs[:0], n.floats[:0], n.doubles[:0]
	clear(n.texts)
	clear(n.fixed)
	n.texts, n.fixed = n.texts[:0], n.fixed[:0]
	return err
}

// close ends the file.
func (s *sink) close() error {
	err := s.flush()
	if closed := s.file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return s.out.Flush()
}
