package hive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/orcfile"
)

// ORC files are turned into Parquet: the columns of the table that a file has. They are found by
// their places, as Athena does, and by their names where the table says
// 'orc.column.index.access' = 'false'.

// hiveNames are what Hive calls columns that it was given no names of.
var hiveNames = regexp.MustCompile(`^_col[0-9]+$`)

// readORC reads ORC files.
func (s *scan) readORC(pieces []Piece) []string {
	byName := strings.EqualFold(pieces[0].Format.SerDeParams["orc.column.index.access"], "false")
	for _, p := range pieces {
		for _, f := range p.Files {
			s.readsORC(f, byName)
		}
	}
	return s.readAs("ORC", pieces, fmt.Sprintf("orc %t %s", byName, s.columnNames()), func(f catalog.File, out *os.File) error {
		in, err := os.Open(f.Path)
		if err != nil {
			return err
		}
		defer in.Close()
		info, err := in.Stat()
		if err != nil {
			return err
		}
		return s.convertORC(in, info.Size(), out, byName)
	})
}

// readsORC notes the bytes of the columns that may be asked for. What cannot be read of a file
// fails where it is converted.
func (s *scan) readsORC(f catalog.File, byName bool) {
	in, err := os.Open(f.Path)
	if err != nil {
		return
	}
	defer in.Close()
	file, err := orcfile.Open(in, f.Size)
	if err != nil {
		return
	}
	var columns []int
	for i, at := range s.orcColumns(file.Types[0], byName) {
		if at >= 0 && s.asks(s.Table.Columns[i].Name) {
			columns = append(columns, at)
		}
	}
	if size, err := file.Bytes(columns); err == nil {
		s.reads(f.Path, size)
	}
}

// orcColumns is the file's column of each of the table's; -1: none.
func (s *scan) orcColumns(root orcfile.Type, byName bool) []int {
	named := false
	for _, name := range root.Names {
		named = named || !hiveNames.MatchString(name)
	}
	out := make([]int, len(s.Table.Columns))
	for i, c := range s.Table.Columns {
		if out[i] = -1; !byName || !named {
			if i < len(root.Children) {
				out[i] = root.Children[i]
			}
			continue
		}
		for j, name := range root.Names {
			if out[i] < 0 && strings.EqualFold(name, c.Name) {
				out[i] = root.Children[j]
			}
		}
	}
	return out
}

// convertORC writes the table's columns of a file.
func (s *scan) convertORC(in io.ReaderAt, size int64, out io.Writer, byName bool) error {
	f, err := orcfile.Open(in, size)
	if err != nil {
		return err
	}
	var fields []sinkField
	var columns []int
	for i, at := range s.orcColumns(f.Types[0], byName) {
		if at >= 0 && s.asks(s.Table.Columns[i].Name) {
			columns = append(columns, at)
			fields = append(fields, sinkField{Name: strings.ToLower(s.Table.Columns[i].Name), Type: orcType(f, at, s.Table.Columns[i].Type)})
		}
	}
	rows, err := newSink(s.ctx, out, fields)
	if err != nil {
		return err
	}
	for _, stripe := range f.Stripes {
		if len(columns) == 0 && stripe.Rows > 1<<32 { // which nothing else bounds
			return orcfile.ErrDamaged
		}
		open, err := f.Columns(stripe, columns)
		if err != nil {
			return err
		}
		for range stripe.Rows {
			for i, c := range open {
				if err := appendORC(rows.columns[i], c); err != nil {
					return err
				}
			}
			if len(open) == 0 {
				rows.columns[0].null()
			}
			if err := rows.row(); err != nil {
				return err
			}
		}
	}
	return rows.close()
}

// orcType is the type of what a column of a file becomes. A union, which is no type of a
// table's, becomes what fails where it is read as want.
func orcType(f *orcfile.File, at int, want *hivetype.Type) *hivetype.Type {
	t := f.Types[at]
	child := func(i int, w *hivetype.Type) *hivetype.Type {
		if w == nil {
			w = want
		}
		return orcType(f, t.Children[i], w)
	}
	simple := func(kind hivetype.Kind) *hivetype.Type { return &hivetype.Type{Kind: kind} }
	switch t.Kind {
	case orcfile.Boolean:
		return booleanType
	case orcfile.Byte, orcfile.Short, orcfile.Int:
		return simple(hivetype.Int)
	case orcfile.Long:
		return simple(hivetype.BigInt)
	case orcfile.Float:
		return simple(hivetype.Float)
	case orcfile.Double:
		return simple(hivetype.Double)
	case orcfile.Binary:
		if want.Kind == hivetype.String || want.Kind == hivetype.Varchar || want.Kind == hivetype.Char {
			return stringType
		}
		return simple(hivetype.Binary)
	case orcfile.Timestamp, orcfile.TimestampInstant:
		return simple(hivetype.Timestamp)
	case orcfile.Date:
		return simple(hivetype.Date)
	case orcfile.Decimal:
		return &hivetype.Type{Kind: hivetype.Decimal, Precision: t.Precision, Scale: t.Scale}
	case orcfile.List:
		return &hivetype.Type{Kind: hivetype.Array, Elem: child(0, want.Elem)}
	case orcfile.Map:
		return &hivetype.Type{Kind: hivetype.Map, Key: child(0, want.Key), Elem: child(1, want.Elem)}
	case orcfile.Struct:
		out := simple(hivetype.Struct)
		for i, name := range t.Names {
			var w *hivetype.Type
			for _, f := range want.Fields {
				if strings.EqualFold(f.Name, name) {
					w = f.Type
				}
			}
			out.Fields = append(out.Fields, hivetype.Field{Name: name, Type: child(i, w)})
		}
		if out.Fields == nil {
			out.Fields = []hivetype.Field{{Name: rowsColumn, Type: booleanType}}
		}
		return out
	case orcfile.Union:
		if !want.Primitive() {
			return booleanType
		}
		return &hivetype.Type{Kind: hivetype.Struct, Fields: []hivetype.Field{{Name: "value", Type: booleanType}}}
	}
	return stringType
}

// appendORC appends the next value of a column.
func appendORC(to *sinkNode, c *orcfile.Column) error {
	if ok, err := c.Present(); err != nil {
		return err
	} else if !ok {
		to.null()
		return nil
	}
	var err error
	switch c.Kind {
	case orcfile.Boolean:
		var v bool
		if v, err = c.Bool(); err == nil {
			to.boolean(v)
		}
	case orcfile.Byte, orcfile.Short, orcfile.Int, orcfile.Long, orcfile.Date:
		var v int64
		if v, err = c.Whole(); err == nil {
			if to.typ.Kind != hivetype.BigInt && v != int64(int32(v)) {
				return orcfile.ErrDamaged
			}
			to.whole(v)
		}
	case orcfile.Float, orcfile.Double:
		var v float64
		if v, err = c.Real(); err == nil && c.Kind == orcfile.Float {
			to.float(float32(v))
		} else if err == nil {
			to.double(v)
		}
	case orcfile.String, orcfile.Varchar, orcfile.Char, orcfile.Binary:
		var v []byte
		if v, err = c.Text(); err == nil {
			if c.Kind == orcfile.Char { // which is filled up with spaces
				v = bytes.TrimRight(v, " ")
			}
			if to.typ.Kind != hivetype.Binary {
				v = validUTF8(v)
			}
			to.text(v)
		}
	case orcfile.Timestamp, orcfile.TimestampInstant:
		var v int64
		if v, err = c.Time(); err == nil {
			to.long(v)
		}
	case orcfile.Decimal:
		v, err := c.Decimal()
		if err != nil {
			return err
		}
		if v.BitLen() > 127 || !decimal128.FromBigInt(v).FitsInPrecision(int32(c.Precision)) {
			return fmt.Errorf("a decimal has more than %d digits", c.Precision)
		}
		to.decimal(decimal128.FromBigInt(v))
	case orcfile.Union: // of which it is enough that there is one
		leaf := to
		if to.kids != nil {
			leaf = to.kids[0]
		}
		leaf.boolean(true)
	case orcfile.Struct:
		for i, k := range c.Kids {
			if err := appendORC(to.kids[i], k); err != nil {
				return err
			}
		}
		if len(c.Kids) == 0 {
			to.kids[0].null()
		}
	case orcfile.List, orcfile.Map:
		return appendItems(to, c)
	}
	return err
}

// appendItems appends the next list or map.
func appendItems(to *sinkNode, c *orcfile.Column) error {
	n, err := c.Length()
	if err != nil {
		return err
	}
	return to.items(func(next func()) error {
		for range n {
			next()
			for i, k := range c.Kids {
				if c.Kind == orcfile.Map && i == 0 && to.kids[0].kids == nil {
					before := len(to.kids[0].defs)
					if err := appendORC(to.kids[0], k); err != nil {
						return err
					}
					if d := to.kids[0].defs; d[before] <= to.kids[0].def {
						return errNullKey
					}
					continue
				}
				if err := appendORC(to.kids[i], k); err != nil {
					return err
				}
			}
			if err := to.bounded(); err != nil {
				return err
			}
		}
		return nil
	})
}

var errNullKey = errors.New("a map has a null key")
