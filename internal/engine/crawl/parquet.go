package crawl

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/parquetclaims"
)

var parquetMagic = []byte("PAR1")

// tailSize is what is read of a large file's end at first; maxFooter bounds the footer.
const (
	tailSize  = 64 << 10
	maxFooter = 64 << 20
)

// parquet reads a file's footer; false if it has none. head is the whole file if small.
func parquet(ctx context.Context, src Source, f *file, head []byte) (bool, error) {
	tail := head
	if int64(len(head)) < f.Size {
		var err error
		start := max(0, f.Size-tailSize)
		if tail, err = readPart(ctx, src, f.Key, start, f.Size-start); err != nil {
			return false, err
		}
	}
	if len(tail) < 12 || !bytes.HasSuffix(tail, parquetMagic) {
		return false, nil
	}
	need := int64(binary.LittleEndian.Uint32(tail[len(tail)-8:])) + 8
	if need > f.Size || need > maxFooter {
		return false, nil
	}
	if need > int64(len(tail)) {
		var err error
		if tail, err = readPart(ctx, src, f.Key, f.Size-need, need); err != nil {
			return false, err
		}
	}
	file, err := openFooter(tail, f.Size)
	if err != nil {
		return false, nil
	}
	root := file.Root()
	seen := make(map[string]bool)
	for _, c := range root.Columns() {
		name := columnName(c.Name())
		if seen[name] {
			continue
		}
		seen[name] = true
		f.columns = append(f.columns, Column{name, parquetType(c, 0)})
	}
	f.format.Classification, f.records = Parquet, file.NumRows()
	return true, nil
}

// openFooter parses a footer; the library panics on some that are broken.
func openFooter(tail []byte, size int64) (f *pq.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("parquet: %v", r)
		}
	}()
	in := &tailReader{tail, size - int64(len(tail))}
	if err := parquetclaims.Footer(in, size); err != nil {
		return nil, err
	}
	return pq.OpenFile(in, size, pq.SkipPageIndex(true), pq.SkipBloomFilters(true))
}

// tailReader is a file of which only the end is there, and the magic at its beginning.
type tailReader struct {
	tail  []byte
	start int64
}

func (r *tailReader) ReadAt(p []byte, off int64) (int, error) {
	if off < r.start {
		if off == 0 && len(p) <= len(parquetMagic) {
			return copy(p, parquetMagic), nil
		}
		return 0, io.ErrUnexpectedEOF
	}
	if off-r.start >= int64(len(r.tail)) {
		return 0, io.EOF
	}
	n := copy(p, r.tail[off-r.start:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// parquetType is the Hive type of a column, seen from outside of any repetition.
func parquetType(c *pq.Column, depth int) *hivetype.Type {
	if depth > maxJSONDepth {
		return stringType
	}
	if c.Repeated() {
		return &hivetype.Type{Kind: hivetype.Array, Elem: parquetElement(c, depth)}
	}
	return parquetElement(c, depth)
}

func parquetElement(c *pq.Column, depth int) *hivetype.Type {
	if c.Leaf() {
		return ParquetLeaf(c)
	}
	children := c.Columns()
	_, isList := logical(c.Type()).(*format.ListType)
	_, isMap := logical(c.Type()).(*format.MapType)
	if isList && len(children) == 1 {
		rep := children[0]
		// Three levels, unless the repeated group is the element itself.
		if !rep.Leaf() && len(rep.Columns()) == 1 && rep.Name() != "array" && rep.Name() != c.Name()+"_tuple" {
			return &hivetype.Type{Kind: hivetype.Array, Elem: parquetType(rep.Columns()[0], depth+1)}
		}
		return &hivetype.Type{Kind: hivetype.Array, Elem: parquetElement(rep, depth+1)}
	}
	if isMap && len(children) == 1 && len(children[0].Columns()) == 2 {
		kv := children[0].Columns()
		return &hivetype.Type{Kind: hivetype.Map, Key: parquetType(kv[0], depth+1), Elem: parquetType(kv[1], depth+1)}
	}
	t := &hivetype.Type{Kind: hivetype.Struct}
	for _, f := range children {
		t.Fields = append(t.Fields, hivetype.Field{Name: columnName(f.Name()), Type: parquetType(f, depth+1)})
	}
	return t
}

// ParquetLeaf is the Hive type of a column of single values.
func ParquetLeaf(c *pq.Column) *hivetype.Type {
	kind := func(k hivetype.Kind) *hivetype.Type { return &hivetype.Type{Kind: k} }
	typ := c.Type()
	switch lt := logical(typ).(type) {
	case *format.StringType, *format.EnumType, *format.JsonType, *format.UUIDType:
		return stringType
	case *format.DecimalType:
		return &hivetype.Type{Kind: hivetype.Decimal, Precision: int(lt.Precision), Scale: int(lt.Scale)}
	case *format.DateType:
		return dateType
	case *format.TimestampType:
		return kind(hivetype.Timestamp)
	case *format.IntType:
		switch lt.BitWidth {
		case 8:
			return kind(hivetype.TinyInt)
		case 16:
			return kind(hivetype.SmallInt)
		case 64:
			return bigintType
		}
		return intType
	}
	if ct := typ.ConvertedType(); ct != nil {
		switch *ct {
		case deprecated.UTF8, deprecated.Enum, deprecated.Json:
			return stringType
		case deprecated.Date:
			return dateType
		case deprecated.TimestampMillis, deprecated.TimestampMicros:
			return kind(hivetype.Timestamp)
		}
	}
	switch typ.Kind() {
	case pq.Boolean:
		return booleanType
	case pq.Int32:
		return intType
	case pq.Int64:
		return bigintType
	case pq.Int96:
		return kind(hivetype.Timestamp)
	case pq.Float:
		return kind(hivetype.Float)
	case pq.Double:
		return doubleType
	}
	return kind(hivetype.Binary)
}

// logical is the annotation of a column or group, nil for none.
func logical(t pq.Type) any {
	if lt := t.LogicalType(); lt != nil {
		return lt.Value
	}
	return nil
}
