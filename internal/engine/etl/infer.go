package etl

import (
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// Bounds on what nesting a type is made of.
const (
	maxDepth  = 64
	maxFields = 10000
)

var (
	stringType  = &hivetype.Type{Kind: hivetype.String}
	boolType    = &hivetype.Type{Kind: hivetype.Boolean}
	bigintType  = &hivetype.Type{Kind: hivetype.BigInt}
	doubleType  = &hivetype.Type{Kind: hivetype.Double}
	decimalType = &hivetype.Type{Kind: hivetype.Decimal, Precision: hivetype.MaxPrecision}
)

// shape is what is known of the values of a column, a field or an element.
type shape struct {
	kind   hivetype.Kind // 0: none but nulls
	elem   *shape
	fields []field
	index  map[string]int // of fields, by name in lower case
}

type field struct {
	name  string
	shape *shape
}

// member is the field of a name, made if need be; nil when there are too many.
func (s *shape) member(name string) *shape {
	key := strings.ToLower(name)
	if i, ok := s.index[key]; ok {
		return s.fields[i].shape
	}
	if len(s.fields) >= maxFields {
		return nil
	}
	if s.index == nil {
		s.index = make(map[string]int)
	}
	s.index[key] = len(s.fields)
	sub := new(shape)
	s.fields = append(s.fields, field{name, sub})
	return sub
}

// is notes that there is a value of a kind, and reports whether the shape has that kind now.
func (s *shape) is(kind hivetype.Kind) bool {
	switch {
	case s.kind == kind:
		return true
	case s.kind == 0:
		s.kind = kind
		return true
	case isNumber(s.kind) && isNumber(kind):
		s.kind = wider(s.kind, kind)
	default:
		s.kind, s.elem, s.fields, s.index = hivetype.String, nil, nil, nil
	}
	return s.kind == kind
}

func isNumber(k hivetype.Kind) bool {
	return k == hivetype.BigInt || k == hivetype.Double || k == hivetype.Decimal
}

// wider is the number type that holds both.
func wider(a, b hivetype.Kind) hivetype.Kind {
	if a == hivetype.Double || b == hivetype.Double {
		return hivetype.Double
	}
	return hivetype.Decimal
}

// see notes a value.
func (s *shape) see(text []byte, kind jsontext.Kind, depth int) {
	switch kind {
	case jsontext.True, jsontext.False:
		s.is(hivetype.Boolean)
	case jsontext.Integer:
		if _, ok := jsontext.Int(text); ok {
			s.is(hivetype.BigInt)
		} else if len(text) <= hivetype.MaxPrecision {
			s.is(hivetype.Decimal)
		} else {
			s.is(hivetype.Double)
		}
	case jsontext.Real:
		s.is(hivetype.Double)
	case jsontext.String:
		s.is(hivetype.String)
	case jsontext.Array:
		if depth >= maxDepth || !s.is(hivetype.Array) {
			s.is(hivetype.String)
			return
		}
		if s.elem == nil {
			s.elem = new(shape)
		}
		for it := jsontext.Over(text); ; {
			lo, hi, kind, _, ok := it.Element()
			if !ok {
				return
			}
			s.elem.see(text[lo:hi], kind, depth+1)
		}
	case jsontext.Object:
		if depth >= maxDepth || !s.is(hivetype.Struct) {
			s.is(hivetype.String)
			return
		}
		for it := jsontext.Over(text); ; {
			m, ok := it.Member()
			if !ok {
				return
			}
			name := text[m.KeyLo:m.KeyHi]
			if m.KeyEscaped {
				name = jsontext.AppendUnquoted(nil, name)
			}
			if sub := s.member(string(name)); sub != nil {
				sub.see(text[m.Lo:m.Hi], m.Kind, depth+1)
			}
		}
	}
}

// typ is the type of the values, those of fields in the order of their names.
func (s *shape) typ() *hivetype.Type {
	switch s.kind {
	case hivetype.Boolean:
		return boolType
	case hivetype.BigInt:
		return bigintType
	case hivetype.Double:
		return doubleType
	case hivetype.Decimal:
		return decimalType
	case hivetype.Array:
		return &hivetype.Type{Kind: hivetype.Array, Elem: s.elem.typ()}
	case hivetype.Struct:
		t := &hivetype.Type{Kind: hivetype.Struct}
		for _, c := range s.columns() {
			t.Fields = append(t.Fields, hivetype.Field(c))
		}
		if len(t.Fields) > 0 {
			return t
		} // there is no empty struct
	}
	return stringType
}

// columns are the fields in the order of their names.
func (s *shape) columns() []Column {
	out := make([]Column, 0, len(s.fields))
	for _, f := range s.fields {
		if f.name != "" {
			out = append(out, Column{f.name, f.shape.typ()})
		}
	}
	slices.SortFunc(out, func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Widest is the type that holds the values of both: of numbers the wider, of structs the one
// with the fields of both, otherwise string.
func Widest(a, b *hivetype.Type) *hivetype.Type {
	switch {
	case a == nil || a == b:
		return b
	case b == nil || a.Equal(b):
		return a
	}
	if ra, rb := numberRank(a.Kind), numberRank(b.Kind); ra > 0 && rb > 0 {
		switch {
		case a.Kind == hivetype.Decimal && b.Kind == hivetype.Decimal:
			whole, scale := max(a.Precision-a.Scale, b.Precision-b.Scale), max(a.Scale, b.Scale)
			return &hivetype.Type{Kind: hivetype.Decimal, Precision: min(whole+scale, hivetype.MaxPrecision), Scale: scale}
		case (a.Kind == hivetype.Float) != (b.Kind == hivetype.Float):
			return doubleType
		case ra >= rb:
			return a
		}
		return b
	}
	if a.Kind == b.Kind {
		switch a.Kind {
		case hivetype.Array:
			return &hivetype.Type{Kind: a.Kind, Elem: Widest(a.Elem, b.Elem)}
		case hivetype.Map:
			return &hivetype.Type{Kind: a.Kind, Key: Widest(a.Key, b.Key), Elem: Widest(a.Elem, b.Elem)}
		case hivetype.Struct:
			s := &hivetype.Type{Kind: a.Kind, Fields: slices.Clone(a.Fields)}
			for _, f := range b.Fields {
				i := slices.IndexFunc(s.Fields, func(x hivetype.Field) bool { return strings.EqualFold(x.Name, f.Name) })
				if i < 0 {
					s.Fields = append(s.Fields, f)
				} else {
					s.Fields[i].Type = Widest(s.Fields[i].Type, f.Type)
				}
			}
			return s
		case hivetype.Char, hivetype.Varchar:
			if a.Length > b.Length {
				return a
			}
			return b
		}
		return a
	}
	if a.Kind == hivetype.Date && b.Kind == hivetype.Timestamp || a.Kind == hivetype.Timestamp && b.Kind == hivetype.Date {
		return &hivetype.Type{Kind: hivetype.Timestamp}
	}
	return stringType
}

func numberRank(k hivetype.Kind) int {
	return 1 + slices.Index([]hivetype.Kind{
		hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt, hivetype.Decimal, hivetype.Float, hivetype.Double,
	}, k)
}
