package crawl

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

var (
	stringType  = &hivetype.Type{Kind: hivetype.String}
	booleanType = &hivetype.Type{Kind: hivetype.Boolean}
	intType     = &hivetype.Type{Kind: hivetype.Int}
	bigintType  = &hivetype.Type{Kind: hivetype.BigInt}
	doubleType  = &hivetype.Type{Kind: hivetype.Double}
	dateType    = &hivetype.Type{Kind: hivetype.Date}
)

func itoa(n int) string { return strconv.Itoa(n) }

// columnName is a name as the catalog keeps it.
func columnName(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// schema is a list of columns that grows as more files are seen. A column whose type is
// nil has had no value yet.
type schema struct {
	columns Columns
	index   map[string]int
	xml     bool // an element may be once here and several times there
}

func newSchema(c Columns) schema {
	s := schema{index: make(map[string]int, len(c))}
	for _, col := range c {
		s.add(col)
	}
	return s
}

func (s *schema) add(c Column) {
	i, ok := s.index[c.Name]
	if !ok {
		s.index[c.Name] = len(s.columns)
		s.columns = append(s.columns, c)
		return
	}
	join := merge
	if s.xml {
		join = xmlMerge
	}
	if merged := join(s.columns[i].Type, c.Type); merged != s.columns[i].Type {
		s.columns[i].Type = merged
	}
}

func (s *schema) merge(o *schema) {
	for _, c := range o.columns {
		s.add(c)
	}
}

func (s *schema) clone() schema { return schema{slices.Clone(s.columns), maps.Clone(s.index), s.xml} }

// result is the columns with a type for each.
func (s *schema) result() Columns {
	out := make(Columns, len(s.columns))
	for i, c := range s.columns {
		out[i] = Column{c.Name, resolved(c.Type)}
	}
	return out
}

// resolved gives the parts of a type that were never seen with a value the type string.
func resolved(t *hivetype.Type) *hivetype.Type {
	if t == nil {
		return stringType
	}
	switch t.Kind {
	case hivetype.Array:
		return &hivetype.Type{Kind: t.Kind, Elem: resolved(t.Elem)}
	case hivetype.Map:
		return &hivetype.Type{Kind: t.Kind, Key: resolved(t.Key), Elem: resolved(t.Elem)}
	case hivetype.Struct:
		if len(t.Fields) == 0 {
			return stringType // Hive has no empty struct
		}
		s := &hivetype.Type{Kind: t.Kind, Fields: make([]hivetype.Field, len(t.Fields))}
		for i, f := range t.Fields {
			s.Fields[i] = hivetype.Field{Name: f.Name, Type: resolved(f.Type)}
		}
		return s
	}
	return t
}

// rank orders the number types by what they can hold; 0 is not a number.
func rank(t *hivetype.Type) int {
	switch t.Kind {
	case hivetype.TinyInt:
		return 1
	case hivetype.SmallInt:
		return 2
	case hivetype.Int:
		return 3
	case hivetype.BigInt:
		return 4
	case hivetype.Float:
		return 5
	case hivetype.Double:
		return 6
	}
	return 0
}

// compatible says whether values of both types fit one that is neither's text.
func compatible(a, b *hivetype.Type) bool {
	if a == nil || b == nil || a.Kind == b.Kind {
		return true
	}
	return rank(a) > 0 && rank(b) > 0
}

// merge is the type that holds the values of both.
func merge(a, b *hivetype.Type) *hivetype.Type {
	switch {
	case a == b || b == nil:
		return a
	case a == nil:
		return b
	}
	if ra, rb := rank(a), rank(b); ra > 0 && rb > 0 {
		switch {
		case ra == 5 && rb == 4, ra == 4 && rb == 5, ra == 5 && rb == 3, ra == 3 && rb == 5:
			return doubleType
		case ra >= rb:
			return a
		}
		return b
	}
	if a.Kind != b.Kind {
		if a.Kind == hivetype.Date && b.Kind == hivetype.Timestamp {
			return b
		}
		if a.Kind == hivetype.Timestamp && b.Kind == hivetype.Date {
			return a
		}
		return stringType
	}
	switch a.Kind {
	case hivetype.Array:
		return &hivetype.Type{Kind: a.Kind, Elem: merge(a.Elem, b.Elem)}
	case hivetype.Map:
		return &hivetype.Type{Kind: a.Kind, Key: merge(a.Key, b.Key), Elem: merge(a.Elem, b.Elem)}
	case hivetype.Struct:
		s := &hivetype.Type{Kind: a.Kind, Fields: slices.Clone(a.Fields)}
		for _, f := range b.Fields {
			i := slices.IndexFunc(s.Fields, func(x hivetype.Field) bool { return x.Name == f.Name })
			if i < 0 {
				s.Fields = append(s.Fields, f)
			} else {
				s.Fields[i].Type = merge(s.Fields[i].Type, f.Type)
			}
		}
		return s
	case hivetype.Decimal:
		whole := max(a.Precision-a.Scale, b.Precision-b.Scale)
		scale := max(a.Scale, b.Scale)
		return &hivetype.Type{Kind: a.Kind, Precision: min(whole+scale, 38), Scale: scale}
	case hivetype.Char, hivetype.Varchar:
		if b.Length > a.Length {
			return b
		}
	}
	return a
}
