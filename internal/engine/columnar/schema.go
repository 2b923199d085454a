package columnar

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Column is a column of a table.
type Column struct {
	Name string
	Type *hivetype.Type
}

// Schema is the columns of a table in order.
type Schema []Column

// Validate reports what about the schema cannot be written.
func (s Schema) Validate() error {
	if len(s) == 0 {
		return errors.New("columnar: schema has no columns")
	}
	seen := make(map[string]bool, len(s))
	for _, c := range s {
		if c.Name == "" {
			return errors.New("columnar: column has no name")
		}
		if name := strings.ToLower(c.Name); seen[name] {
			return fmt.Errorf("columnar: column %q is there twice", c.Name)
		} else {
			seen[name] = true
		}
		if c.Type == nil {
			return fmt.Errorf("columnar: column %q has no type", c.Name)
		}
		if err := validateType(c.Type); err != nil {
			return fmt.Errorf("columnar: column %q: %w", c.Name, err)
		}
	}
	return nil
}

func validateType(t *hivetype.Type) error {
	switch t.Kind {
	case hivetype.Array:
		return validateType(t.Elem)
	case hivetype.Map:
		if !t.Key.Primitive() {
			return fmt.Errorf("map key is %s", t.Key)
		}
		if err := validateType(t.Key); err != nil {
			return err
		}
		return validateType(t.Elem)
	case hivetype.Struct:
		seen := make(map[string]bool, len(t.Fields))
		for _, f := range t.Fields {
			if name := strings.ToLower(f.Name); seen[name] {
				return fmt.Errorf("field %q is there twice", f.Name)
			} else {
				seen[name] = true
			}
			if err := validateType(f.Type); err != nil {
				return err
			}
		}
		if len(t.Fields) == 0 {
			return errors.New("struct has no fields")
		}
	case hivetype.Decimal:
		if t.Precision < 1 || t.Precision > hivetype.MaxPrecision || t.Scale < 0 || t.Scale > t.Precision {
			return fmt.Errorf("%s is out of range", t)
		}
	default:
		if t.Kind < hivetype.Boolean || t.Kind > hivetype.Struct {
			return fmt.Errorf("unknown type %s", t)
		}
	}
	return nil
}

// A node is a column, or what a column's type is made of, and knows the levels at which
// its values are written: a value that is there has the definition level def, its absence
// in something that is there has def-1.
type node struct {
	name   string
	typ    *hivetype.Type
	def    int16
	rep    int16 // of a list or map: the repetition level of its second and later entries
	leaf   *leaf // of a primitive type
	kids   []*node
	leaves []*leaf // all below

	fields fields // of a struct

	row   int64  // last row that wrote this column; top level only
	marks []mark // where its leaves were before that, if it has several
}

type mark struct{ levels, values int }

// build makes the node of a value of type t that may be absent, or, if required, may not;
// def and rep are the levels of what holds it. It returns the Parquet schema node beside.
func (w *Writer) build(name string, t *hivetype.Type, required bool, def, rep int16) (*node, schema.Node, error) {
	n := &node{name: name, typ: t, def: def, row: -1}
	repetition := parquet.Repetitions.Required
	if !required {
		repetition = parquet.Repetitions.Optional
		n.def++
	}
	switch t.Kind {
	case hivetype.Array:
		n.rep = rep + 1
		elem, sn, err := w.build("element", t.Elem, false, n.def+1, n.rep)
		if err != nil {
			return nil, nil, err
		}
		n.kids, n.leaves = []*node{elem}, elem.leaves
		list, err := schema.NewGroupNode("list", parquet.Repetitions.Repeated, schema.FieldList{sn}, -1)
		if err != nil {
			return nil, nil, err
		}
		g, err := schema.NewGroupNodeLogical(name, repetition, schema.FieldList{list}, schema.NewListLogicalType(), -1)
		return n, g, err
	case hivetype.Map:
		n.rep = rep + 1
		key, keyNode, err := w.build("key", t.Key, true, n.def+1, n.rep)
		if err != nil {
			return nil, nil, err
		}
		value, valueNode, err := w.build("value", t.Elem, false, n.def+1, n.rep)
		if err != nil {
			return nil, nil, err
		}
		n.kids = []*node{key, value}
		n.leaves = append(append(n.leaves, key.leaves...), value.leaves...)
		entries, err := schema.NewGroupNode("key_value", parquet.Repetitions.Repeated, schema.FieldList{keyNode, valueNode}, -1)
		if err != nil {
			return nil, nil, err
		}
		g, err := schema.NewGroupNodeLogical(name, repetition, schema.FieldList{entries}, schema.MapLogicalType{}, -1)
		return n, g, err
	case hivetype.Struct:
		var list schema.FieldList
		for _, f := range t.Fields {
			kid, sn, err := w.build(f.Name, f.Type, false, n.def, rep)
			if err != nil {
				return nil, nil, err
			}
			n.kids = append(n.kids, kid)
			n.leaves = append(n.leaves, kid.leaves...)
			list = append(list, sn)
		}
		n.fields.init(&w.opts, n.kids)
		g, err := schema.NewGroupNode(name, repetition, list, -1)
		return n, g, err
	}
	n.leaf = &leaf{maxDef: n.def, maxRep: rep}
	n.leaves = []*leaf{n.leaf}
	w.leaves = append(w.leaves, n.leaf)
	p, err := n.leaf.schema(name, t, repetition)
	return n, p, err
}

// decimalBytes is the least number of bytes that hold every decimal of a precision.
func decimalBytes(precision int) int {
	return int(math.Ceil((float64(precision)*math.Log2(10) + 1) / 8))
}

// schema sets the physical type of the leaf and returns its Parquet schema node.
func (l *leaf) schema(name string, t *hivetype.Type, r parquet.Repetition) (schema.Node, error) {
	logical := func(lt schema.LogicalType, p parquet.Type, length int) (schema.Node, error) {
		l.physical = p
		l.length = length
		return schema.NewPrimitiveNodeLogical(name, r, lt, p, length, -1)
	}
	plain := func(p parquet.Type) (schema.Node, error) {
		l.physical = p
		return schema.NewPrimitiveNode(name, r, p, -1, -1)
	}
	switch t.Kind {
	case hivetype.Boolean:
		return plain(parquet.Types.Boolean)
	case hivetype.TinyInt:
		return logical(schema.NewIntLogicalType(8, true), parquet.Types.Int32, -1)
	case hivetype.SmallInt:
		return logical(schema.NewIntLogicalType(16, true), parquet.Types.Int32, -1)
	case hivetype.Int:
		return plain(parquet.Types.Int32)
	case hivetype.BigInt:
		return plain(parquet.Types.Int64)
	case hivetype.Float:
		return plain(parquet.Types.Float)
	case hivetype.Double:
		return plain(parquet.Types.Double)
	case hivetype.Decimal:
		return logical(schema.NewDecimalLogicalType(int32(t.Precision), int32(t.Scale)), parquet.Types.FixedLenByteArray, decimalBytes(t.Precision))
	case hivetype.String, hivetype.Char, hivetype.Varchar:
		return logical(schema.StringLogicalType{}, parquet.Types.ByteArray, -1)
	case hivetype.Binary:
		return plain(parquet.Types.ByteArray)
	case hivetype.Date:
		return logical(schema.DateLogicalType{}, parquet.Types.Int32, -1)
	case hivetype.Timestamp:
		return plain(parquet.Types.Int96)
	}
	return nil, fmt.Errorf("columnar: column %q: no Parquet type for %s", name, t)
}
