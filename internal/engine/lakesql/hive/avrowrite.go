package hive

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"regexp"

	"github.com/brookmere/brookmere/internal/engine/avrofile"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/orcfile"
)

// Rows written as Avro: every value may be null, so each is behind the number of its branch of a
// union.

// avroBlock is from how many bytes on a block of records ends.
const avroBlock = 1 << 20

// avroName is what a column or field may be called in Avro.
var avroName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// avroSchema is the schema of records with the columns, as JSON.
func avroSchema(columns []catalog.Column) ([]byte, error) {
	records := 0
	var of func(t *hivetype.Type) (any, error)
	record := func(fields []hivetype.Field) (any, error) {
		name := "row"
		if records > 0 {
			name = fmt.Sprintf("row%d", records)
		}
		records++
		list := make([]any, len(fields))
		for i, f := range fields {
			if !avroName.MatchString(f.Name) {
				return nil, &fault.Error{Name: "NOT_SUPPORTED", Message: fmt.Sprintf("Avro has no field of the name %q: names have letters, digits and underscores, and do not begin with a digit", f.Name)}
			}
			typ, err := of(f.Type)
			if err != nil {
				return nil, err
			}
			list[i] = map[string]any{"name": f.Name, "type": typ, "default": nil}
		}
		return map[string]any{"type": "record", "name": name, "fields": list}, nil
	}
	of = func(t *hivetype.Type) (any, error) {
		var typ any
		var err error
		switch t.Kind {
		case hivetype.Boolean:
			typ = "boolean"
		case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int:
			typ = "int"
		case hivetype.BigInt:
			typ = "long"
		case hivetype.Float:
			typ = "float"
		case hivetype.Double:
			typ = "double"
		case hivetype.Binary:
			typ = "bytes"
		case hivetype.Decimal:
			typ = map[string]any{"type": "bytes", "logicalType": "decimal", "precision": t.Precision, "scale": t.Scale}
		case hivetype.Date:
			typ = map[string]any{"type": "int", "logicalType": "date"}
		case hivetype.Timestamp:
			typ = map[string]any{"type": "long", "logicalType": "timestamp-millis"}
		case hivetype.Array:
			if typ, err = of(t.Elem); err == nil {
				typ = map[string]any{"type": "array", "items": typ}
			}
		case hivetype.Map:
			if !textual(t.Key) {
				return nil, &fault.Error{Name: "NOT_SUPPORTED", Message: fmt.Sprintf("Avro has no map with keys of type %s", t.Key)}
			}
			if typ, err = of(t.Elem); err == nil {
				typ = map[string]any{"type": "map", "values": typ}
			}
		case hivetype.Struct:
			typ, err = record(t.Fields)
		default:
			typ = "string"
		}
		return []any{"null", typ}, err
	}
	root, err := record(fieldsOf(columns))
	if err != nil {
		return nil, err
	}
	return json.Marshal(root)
}

// avroWriter writes batches as blocks of records.
type avroWriter struct {
	*avrofile.Writer
	columns []catalog.Column
}

// Write writes a batch of rows.
func (w *avroWriter) Write(rows int, columns []*orcfile.Values) error {
	values := make([]*avroValues, len(columns))
	for i, c := range columns {
		values[i] = newAvroValues(c, w.columns[i].Type)
	}
	var block []byte
	records := 0
	for range rows {
		for _, v := range values {
			block = v.next(block)
		}
		if records++; len(block) >= avroBlock {
			if err := w.Writer.Write(records, block); err != nil {
				return err
			}
			block, records = block[:0], 0
		}
	}
	if records == 0 {
		return nil
	}
	return w.Writer.Write(records, block)
}

// avroValues gives the values of a column one after the other.
type avroValues struct {
	*orcfile.Values
	typ     *hivetype.Type
	kids    []*avroValues
	at, set int // the next value, and the next of those that are not null
}

func newAvroValues(v *orcfile.Values, t *hivetype.Type) *avroValues {
	out := &avroValues{Values: v, typ: t}
	for i, k := range v.Kids {
		typ := t.Elem
		switch {
		case t.Kind == hivetype.Struct:
			typ = t.Fields[i].Type
		case t.Kind == hivetype.Map && i == 0:
			typ = t.Key
		}
		out.kids = append(out.kids, newAvroValues(k, typ))
	}
	return out
}

// next appends the next value, which may be null.
func (v *avroValues) next(b []byte) []byte {
	null := v.Null[v.at]
	if null {
		v.at++
		return append(b, 0)
	}
	return v.plain(append(b, 2))
}

func avroText(b, v []byte) []byte { return append(binary.AppendVarint(b, int64(len(v))), v...) }

// plain appends the next value, which is not null, as by itself.
func (v *avroValues) plain(b []byte) []byte {
	i := v.set
	v.at, v.set = v.at+1, v.set+1
	switch v.typ.Kind {
	case hivetype.Boolean:
		if v.Bools[i] {
			return append(b, 1)
		}
		return append(b, 0)
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt, hivetype.Date:
		return binary.AppendVarint(b, v.Wholes[i])
	case hivetype.Timestamp:
		ms := v.Wholes[i] / 1000
		if v.Wholes[i]%1000 < 0 {
			ms--
		}
		return binary.AppendVarint(b, ms)
	case hivetype.Float:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v.Reals[i])))
	case hivetype.Double:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Reals[i]))
	case hivetype.Decimal:
		var n [16]byte
		binary.BigEndian.PutUint64(n[:8], uint64(v.Decimals[i].HighBits()))
		binary.BigEndian.PutUint64(n[8:], v.Decimals[i].LowBits())
		short := n[:]
		for len(short) > 1 && (short[0] == 0 && short[1] < 0x80 || short[0] == 0xff && short[1] >= 0x80) {
			short = short[1:]
		}
		return avroText(b, short)
	case hivetype.Array, hivetype.Map: // as one block
		if n := v.Lengths[i]; n > 0 {
			b = binary.AppendVarint(b, n)
			for range n {
				if v.typ.Kind == hivetype.Map {
					b = v.kids[1].next(v.kids[0].plain(b))
				} else {
					b = v.kids[0].next(b)
				}
			}
		}
		return append(b, 0)
	case hivetype.Struct:
		for _, k := range v.kids {
			b = k.next(b)
		}
		return b
	}
	return avroText(b, v.Texts[i])
}
