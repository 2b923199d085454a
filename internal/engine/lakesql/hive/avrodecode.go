package hive

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/hamba/avro/v2"

	"github.com/brookmere/brookmere/internal/engine/avrofile"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// avroField is a column of a table, or a field of a row in one.
type avroField struct {
	name string
	typ  *hivetype.Type
}

// avroDecoder reads the values of a block.
type avroDecoder struct {
	b     []byte
	free  int // items and records so far that have no bytes
	depth int // of records in themselves
}

// maxAvroFree bounds the items and records of a file that have no bytes, whose number nothing
// else bounds.
const maxAvroFree = 1 << 20

// moved notes what was read since so many bytes were left.
func (d *avroDecoder) moved(before int) error {
	if len(d.b) < before {
		return nil
	}
	if d.free++; d.free > maxAvroFree {
		return avrofile.ErrDamaged
	}
	return nil
}

func (d *avroDecoder) long() (int64, error) {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		return 0, avrofile.ErrDamaged
	}
	d.b = d.b[size:]
	return n, nil
}

func (d *avroDecoder) bytes(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(d.b)) {
		return nil, avrofile.ErrDamaged
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out, nil
}

func (d *avroDecoder) prefixed() ([]byte, error) {
	n, err := d.long()
	if err != nil {
		return nil, err
	}
	return d.bytes(n)
}

// blocks calls do for each item of an array or map.
func (d *avroDecoder) blocks(do func() error) error {
	for {
		n, err := d.long()
		if err != nil || n == 0 {
			return err
		}
		if n < 0 {
			if n == math.MinInt64 {
				return avrofile.ErrDamaged
			}
			n = -n
			if _, err := d.long(); err != nil {
				return err
			}
		}
		for ; n > 0; n-- {
			before := len(d.b)
			if err := do(); err != nil {
				return err
			}
			if err := d.moved(before); err != nil {
				return err
			}
		}
	}
}

// avroNode is how values of a schema become those of a column.
type avroNode struct {
	typ    *hivetype.Type // nil: nothing is kept of them
	decode func(to *sinkNode) func(*avroDecoder) error
	skip   func(*avroDecoder) error
}

// record is how the fields of a record become columns.
type avroRecord struct {
	fields  []sinkField
	nodes   []avroNode // of the fields as they were written
	columns []int      // the column of each of those; -1: none
	others  []avroNode // of the columns behind those that were written, which have defaults
	first   int        // the column of the first of others
}

// compileRecord maps the fields that were written to columns: by name, through the schema that
// they are to be read by if there is one.
func compileRecord(written, given *avro.RecordSchema, columns []avroField) (*avroRecord, error) {
	r := &avroRecord{nodes: make([]avroNode, len(written.Fields())), columns: make([]int, len(written.Fields()))}
	for i := range r.columns {
		r.columns[i] = -1
	}
	type missing struct {
		field  *avro.Field
		column avroField
	}
	var defaults []missing
	for _, c := range columns {
		var f, read *avro.Field
		if given == nil {
			f = findAvro(written, c.name)
		} else if read = findAvro(given, c.name); read != nil {
			if f = writtenAs(written, read); f == nil {
				defaults = append(defaults, missing{read, c})
			}
		}
		if f == nil {
			continue
		}
		at := slices.Index(written.Fields(), f)
		if r.columns[at] >= 0 { // two columns of one field: in two letter cases
			continue
		}
		var as avro.Schema
		if read != nil {
			as = read.Type()
		}
		node, err := compileAvro(f.Type(), as, c.typ, 0)
		if err != nil {
			return nil, err
		}
		if r.nodes[at] = node; node.typ != nil {
			r.columns[at] = len(r.fields)
			r.fields = append(r.fields, sinkField{Name: c.name, Type: node.typ})
		}
	}
	for i, f := range written.Fields() {
		if r.nodes[i].skip == nil {
			skip, err := skipAvro(f.Type(), map[*avro.RecordSchema]*func(*avroDecoder) error{}, 0)
			if err != nil {
				return nil, err
			}
			r.nodes[i].skip = skip
		}
	}
	r.first = len(r.fields)
	for _, m := range defaults {
		node, err := defaultAvro(m.field, m.column.typ)
		if err != nil {
			return nil, err
		}
		if node.typ != nil {
			r.fields = append(r.fields, sinkField{Name: m.column.name, Type: node.typ})
			r.others = append(r.others, node)
		}
	}
	return r, nil
}

// decoder reads a record into its columns.
func (r *avroRecord) decoder(columns []*sinkNode) func(*avroDecoder) error {
	steps := make([]func(*avroDecoder) error, 0, len(r.nodes)+len(r.others))
	for i, n := range r.nodes {
		if c := r.columns[i]; c >= 0 {
			steps = append(steps, n.decode(columns[c]))
		} else {
			steps = append(steps, n.skip)
		}
	}
	for i, n := range r.others {
		steps = append(steps, n.decode(columns[r.first+i]))
	}
	return func(d *avroDecoder) error {
		for _, step := range steps {
			if err := step(d); err != nil {
				return err
			}
		}
		return nil
	}
}

// maxAvroDepth bounds how schemas nest.
const maxAvroDepth = 100

// unfit is a value that cannot be one of a type: the query fails where it is looked at, as for
// a Parquet column of another type.
func unfit(s avro.Schema, typ *hivetype.Type) (avroNode, error) {
	skip, err := skipAvro(s, map[*avro.RecordSchema]*func(*avroDecoder) error{}, 0)
	n := avroNode{skip: skip, typ: &hivetype.Type{Kind: hivetype.Struct, Fields: []hivetype.Field{{Name: "value", Type: booleanType}}}}
	if !typ.Primitive() {
		n.typ = booleanType
	}
	n.decode = func(to *sinkNode) func(*avroDecoder) error {
		leaf := to
		if to.kids != nil {
			leaf = to.kids[0]
		}
		return func(d *avroDecoder) error {
			leaf.boolean(true)
			return skip(d)
		}
	}
	return n, err
}

// compileAvro is how values that were written by a schema become those of a type; given is the
// schema that they are to be read by, nil if there is none.
func compileAvro(written, given avro.Schema, typ *hivetype.Type, depth int) (n avroNode, err error) {
	written = unreferenced(written)
	if depth > maxAvroDepth {
		return n, avrofile.ErrDamaged
	}
	if given != nil {
		given = only(given)
	}
	if n.skip, err = skipAvro(written, map[*avro.RecordSchema]*func(*avroDecoder) error{}, 0); err != nil {
		return n, err
	}
	switch w := written.(type) {
	case *avro.UnionSchema:
		return compileUnion(w, given, typ, depth)
	case *avro.RecordSchema:
		if typ.Kind != hivetype.Struct {
			return unfit(written, typ)
		}
		fields := make([]avroField, len(typ.Fields))
		for i, f := range typ.Fields {
			fields[i] = avroField{f.Name, f.Type}
		}
		as, _ := given.(*avro.RecordSchema)
		r, err := compileRecord(w, as, fields)
		if err != nil {
			return n, err
		}
		none := len(r.fields) == 0
		if none { // of the fields is there, but the row is
			r.fields = []sinkField{{Name: rowsColumn, Type: booleanType}}
		}
		n.typ = &hivetype.Type{Kind: hivetype.Struct, Fields: r.fields}
		n.decode = func(to *sinkNode) func(*avroDecoder) error {
			next := r.decoder(to.kids)
			if !none {
				return next
			}
			return func(d *avroDecoder) error {
				to.kids[0].null()
				return next(d)
			}
		}
		return n, nil
	case *avro.ArraySchema:
		if typ.Kind != hivetype.Array {
			return unfit(written, typ)
		}
		var as avro.Schema
		if g, ok := given.(*avro.ArraySchema); ok {
			as = g.Items()
		}
		inner, err := compileAvro(w.Items(), as, typ.Elem, depth+1)
		if err != nil {
			return n, err
		}
		inner = someAvro(inner)
		n.typ = &hivetype.Type{Kind: hivetype.Array, Elem: inner.typ}
		n.decode = func(to *sinkNode) func(*avroDecoder) error {
			item := inner.decode(to.kids[0])
			return func(d *avroDecoder) error {
				return to.items(func(next func()) error {
					return d.blocks(func() error {
						next()
						if err := item(d); err != nil {
							return err
						}
						return to.bounded()
					})
				})
			}
		}
		return n, nil
	case *avro.MapSchema:
		if typ.Kind != hivetype.Map {
			return unfit(written, typ)
		}
		var as avro.Schema
		if g, ok := given.(*avro.MapSchema); ok {
			as = g.Values()
		}
		inner, err := compileAvro(w.Values(), as, typ.Elem, depth+1)
		if err != nil {
			return n, err
		}
		inner = someAvro(inner)
		n.typ = &hivetype.Type{Kind: hivetype.Map, Key: stringType, Elem: inner.typ}
		n.decode = func(to *sinkNode) func(*avroDecoder) error {
			keys, item := to.kids[0], inner.decode(to.kids[1])
			seen := map[string]bool{}
			return func(d *avroDecoder) error {
				clear(seen)
				return to.items(func(next func()) error {
					return d.blocks(func() error {
						key, err := d.prefixed()
						if err != nil {
							return err
						}
						if seen[string(key)] {
							return fmt.Errorf("a map has the key %q twice", key)
						}
						seen[string(key)] = true
						next()
						keys.text(validUTF8(key))
						if err := item(d); err != nil {
							return err
						}
						return to.bounded()
					})
				})
			}
		}
		return n, nil
	}
	return compileAvroScalar(written, given, typ, n.skip)
}

// someAvro is a node with values where the schema has but null.
func someAvro(n avroNode) avroNode {
	if n.typ != nil {
		return n
	}
	n.typ = booleanType
	n.decode = func(to *sinkNode) func(*avroDecoder) error {
		return func(*avroDecoder) error { to.null(); return nil }
	}
	return n
}

// compileUnion reads a union: of null and a type, of numbers, or of types that become the same.
func compileUnion(w *avro.UnionSchema, given avro.Schema, typ *hivetype.Type, depth int) (avroNode, error) {
	branches := make([]avroNode, len(w.Types()))
	var common *hivetype.Type
	for i, t := range w.Types() {
		n, err := compileAvro(t, given, typ, depth+1)
		if err != nil {
			return n, err
		}
		if branches[i] = n; n.typ == nil {
			continue
		}
		switch {
		case common == nil || common.String() == n.typ.String():
			common = n.typ
		case rank(common) > 0 && rank(n.typ) > 0:
			common = wider(common, n.typ)
		default:
			return unfit(w, typ)
		}
	}
	out := avroNode{typ: common}
	var err error
	if out.skip, err = skipAvro(w, map[*avro.RecordSchema]*func(*avroDecoder) error{}, 0); err != nil || common == nil {
		return out, err
	}
	out.decode = func(to *sinkNode) func(*avroDecoder) error {
		steps := make([]func(*avroDecoder) error, len(branches))
		for i, n := range branches {
			switch {
			case n.typ == nil:
				steps[i] = func(*avroDecoder) error { to.null(); return nil }
			case rank(common) > 0:
				steps[i] = numberDecoder(unreferenced(w.Types()[i]).Type(), to)
			default:
				steps[i] = n.decode(to)
			}
		}
		return func(d *avroDecoder) error {
			at, err := d.long()
			if err != nil {
				return err
			}
			if at < 0 || at >= int64(len(steps)) {
				return avrofile.ErrDamaged
			}
			return steps[at](d)
		}
	}
	return out, nil
}

// rank orders the types of numbers; zero: it is not one.
func rank(t *hivetype.Type) int {
	return map[hivetype.Kind]int{hivetype.Int: 1, hivetype.BigInt: 2, hivetype.Float: 3, hivetype.Double: 4}[t.Kind]
}

func wider(a, b *hivetype.Type) *hivetype.Type {
	if rank(a) < rank(b) {
		a, b = b, a
	}
	if a.Kind == hivetype.Float && rank(b) < 3 { // which has not the digits of whole numbers
		return &hivetype.Type{Kind: hivetype.Double}
	}
	return a
}

// numberDecoder reads numbers of a type into a column of one at least as wide.
func numberDecoder(t avro.Type, to *sinkNode) func(*avroDecoder) error {
	real := to.double
	if to.typ.Kind == hivetype.Float {
		real = func(v float64) { to.float(float32(v)) }
	}
	switch t {
	case avro.Float:
		return func(d *avroDecoder) error {
			v, err := d.bytes(4)
			if err == nil {
				real(float64(math.Float32frombits(binary.LittleEndian.Uint32(v))))
			}
			return err
		}
	case avro.Double:
		return func(d *avroDecoder) error {
			v, err := d.bytes(8)
			if err == nil {
				real(math.Float64frombits(binary.LittleEndian.Uint64(v)))
			}
			return err
		}
	case avro.Int:
		return func(d *avroDecoder) error {
			n, err := d.long()
			if err == nil && n != int64(int32(n)) {
				err = avrofile.ErrDamaged
			}
			if err == nil {
				to.whole(n)
			}
			return err
		}
	}
	return func(d *avroDecoder) error {
		n, err := d.long()
		if err == nil {
			to.whole(n)
		}
		return err
	}
}

// compileAvroScalar is compileAvro of what does not nest.
func compileAvroScalar(s, given avro.Schema, typ *hivetype.Type, skip func(*avroDecoder) error) (avroNode, error) {
	n := avroNode{skip: skip}
	logical := avro.LogicalType("")
	var decimal *avro.DecimalLogicalSchema
	if l, ok := s.(avro.LogicalTypeSchema); ok && l.Logical() != nil {
		logical = l.Logical().Type()
		decimal, _ = l.Logical().(*avro.DecimalLogicalSchema)
	}
	number := func(kind hivetype.Kind) (avroNode, error) {
		n.typ = &hivetype.Type{Kind: kind}
		n.decode = func(to *sinkNode) func(*avroDecoder) error { return numberDecoder(s.Type(), to) }
		return n, nil
	}
	wholes := typ.Kind == hivetype.BigInt || typ.Kind == hivetype.Int
	if floating := typ.Kind == hivetype.Double || typ.Kind == hivetype.Float; floating && logical == "" && (s.Type() == avro.Int || s.Type() == avro.Long) {
		return number(typ.Kind)
	}
	switch s.Type() {
	case avro.Null:
		return n, nil
	case avro.Boolean:
		n.typ = booleanType
		n.decode = func(to *sinkNode) func(*avroDecoder) error {
			return func(d *avroDecoder) error {
				v, err := d.bytes(1)
				if err == nil && v[0] > 1 {
					err = avrofile.ErrDamaged
				}
				if err == nil {
					to.boolean(v[0] == 1)
				}
				return err
			}
		}
		return n, nil
	case avro.Int:
		if logical != avro.Date || wholes {
			return number(hivetype.Int)
		}
		n.typ = &hivetype.Type{Kind: hivetype.Date}
		n.decode = func(to *sinkNode) func(*avroDecoder) error {
			return func(d *avroDecoder) error {
				v, err := d.long()
				if err == nil && v != int64(int32(v)) {
					err = avrofile.ErrDamaged
				}
				if err == nil {
					to.int(int32(v))
				}
				return err
			}
		}
		return n, nil
	case avro.Long:
		factor := map[avro.LogicalType]int64{avro.TimestampMillis: 1000, "local-timestamp-millis": 1000, avro.TimestampMicros: 1, "local-timestamp-micros": 1}[logical]
		nanos := false // which the library knows as a property only
		if p, ok := s.(*avro.PrimitiveSchema); ok && logical == "" {
			name, _ := p.Prop("logicalType").(string)
			nanos = name == "timestamp-nanos" || name == "local-timestamp-nanos"
		}
		if factor == 0 && !nanos || wholes {
			return number(hivetype.BigInt)
		}
		n.typ = &hivetype.Type{Kind: hivetype.Timestamp}
		n.decode = func(to *sinkNode) func(*avroDecoder) error {
			return func(d *avroDecoder) error {
				v, err := d.long()
				if nanos {
					if err == nil {
						to.long(floorDiv(v, 1000))
					}
					return err
				}
				if err == nil && (v*factor)/factor != v {
					err = fmt.Errorf("the time %d is out of range", v)
				}
				if err == nil {
					to.long(v * factor)
				}
				return err
			}
		}
		return n, nil
	case avro.Float:
		return number(hivetype.Float)
	case avro.Double:
		return number(hivetype.Double)
	case avro.String:
		n.typ = stringType
		n.decode = func(to *sinkNode) func(*avroDecoder) error {
			return func(d *avroDecoder) error {
				v, err := d.prefixed()
				if err == nil {
					to.text(validUTF8(v))
				}
				return err
			}
		}
		return n, nil
	case avro.Enum:
		symbols := s.(*avro.EnumSchema).Symbols()
		if read, ok := given.(*avro.EnumSchema); ok { // which says what the symbols are that it has not
			symbols = slices.Clone(symbols)
			for i, symbol := range symbols {
				if !slices.Contains(read.Symbols(), symbol) {
					symbols[i] = read.Default()
				}
			}
		}
		n.typ = stringType
		n.decode = func(to *sinkNode) func(*avroDecoder) error {
			return func(d *avroDecoder) error {
				at, err := d.long()
				if err == nil && (at < 0 || at >= int64(len(symbols))) {
					err = avrofile.ErrDamaged
				}
				if err == nil && symbols[at] == "" {
					err = fmt.Errorf("no match for the symbol %s of an enum, which has no default", s.(*avro.EnumSchema).Symbols()[at])
				}
				if err == nil {
					to.text([]byte(symbols[at]))
				}
				return err
			}
		}
		return n, nil
	case avro.Bytes, avro.Fixed:
		read := (*avroDecoder).prefixed
		if f, ok := s.(*avro.FixedSchema); ok {
			size := int64(f.Size())
			read = func(d *avroDecoder) ([]byte, error) { return d.bytes(size) }
		}
		if decimal != nil && decimal.Precision() >= 1 && decimal.Precision() <= 38 && decimal.Scale() >= 0 && decimal.Scale() <= decimal.Precision() && typ.Kind != hivetype.Binary {
			n.typ = &hivetype.Type{Kind: hivetype.Decimal, Precision: decimal.Precision(), Scale: decimal.Scale()}
			n.decode = func(to *sinkNode) func(*avroDecoder) error {
				return func(d *avroDecoder) error {
					v, err := read(d)
					if err == nil {
						err = appendDecimal(to, v, decimal.Precision())
					}
					return err
				}
			}
			return n, nil
		}
		if typ.Kind == hivetype.String || typ.Kind == hivetype.Varchar || typ.Kind == hivetype.Char {
			n.typ = stringType
			n.decode = func(to *sinkNode) func(*avroDecoder) error {
				return func(d *avroDecoder) error {
					v, err := read(d)
					if err == nil {
						to.text(validUTF8(v))
					}
					return err
				}
			}
			return n, nil
		}
		n.typ = &hivetype.Type{Kind: hivetype.Binary}
		n.decode = func(to *sinkNode) func(*avroDecoder) error {
			return func(d *avroDecoder) error {
				v, err := read(d)
				if err == nil {
					to.text(v)
				}
				return err
			}
		}
		return n, nil
	}
	return unfit(s, typ)
}

// appendDecimal appends the unscaled value of a decimal: big endian, in two's complement.
func appendDecimal(to *sinkNode, b []byte, precision int) error {
	for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		b = b[1:]
	}
	if len(b) > 16 {
		return fmt.Errorf("a decimal has more than %d digits", precision)
	}
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	n := decimal128.FromBigInt(v)
	if !n.FitsInPrecision(int32(precision)) {
		return fmt.Errorf("a decimal has more than %d digits", precision)
	}
	to.decimal(n)
	return nil
}
