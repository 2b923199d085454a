package lakesql

import (
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// What Trino makes of operands of two types.

func isText(t *sql.Type) bool    { return is(t, "varchar", "char") }
func isNumeric(t *sql.Type) bool { return isInteger(t) || is(t, "decimal", "real", "double") }

// numericRank orders the types that Trino coerces upwards.
var numericRank = map[string]int{"tinyint": 1, "smallint": 2, "integer": 3, "bigint": 4, "decimal": 5, "real": 6, "double": 7}

// common is the type that values of both types take together: nil where one of them is
// not known, or where there is none.
func common(a, b *sql.Type) *sql.Type {
	switch {
	case is(a, "unknown"):
		return b
	case is(b, "unknown"):
		return a
	case a == nil || b == nil:
		return nil
	case a.String() == b.String() && a.Zone == b.Zone:
		return a
	case isInteger(a) && isInteger(b), isNumeric(a) && isNumeric(b) && !is(a, "decimal") && !is(b, "decimal"):
		if numericRank[a.Name] >= numericRank[b.Name] {
			return a
		}
		return b
	case is(a, "real", "double") && is(b, "decimal"):
		return a
	case is(a, "decimal") && is(b, "real", "double"):
		return b
	case isNumeric(a) && isNumeric(b):
		l, r := decimalOf(a), decimalOf(b)
		s := max(l[1], r[1])
		return decimalType(min(38, max(l[0]-l[1], r[0]-r[1])+s), s)
	case isText(a) && isText(b):
		if len(a.Params) == 1 && len(b.Params) == 1 {
			return varcharOf(max(a.Params[0], b.Params[0]))
		}
		return varcharType
	case is(a, "date", "timestamp", "timestamp with time zone") && is(b, "date", "timestamp", "timestamp with time zone"):
		switch {
		case is(a, "timestamp with time zone"):
			return a
		case is(b, "timestamp with time zone"):
			return b
		}
		return timestampType
	case a.Name == b.Name && len(a.Args) == len(b.Args) && len(a.Fields) == len(b.Fields) && len(a.Args)+len(a.Fields) > 0:
		t := &sql.Type{Name: a.Name}
		for i := range a.Args {
			c := common(a.Args[i], b.Args[i])
			if c == nil {
				return nil
			}
			t.Args = append(t.Args, c)
		}
		for i := range a.Fields {
			f := sql.RowField{Type: common(a.Fields[i].Type, b.Fields[i].Type)}
			if f.Type == nil {
				return nil
			}
			if n, m := a.Fields[i].Name, b.Fields[i].Name; n != nil && m != nil && n.Lower() == m.Lower() {
				f.Name = n
			}
			t.Fields = append(t.Fields, f)
		}
		return t
	}
	return nil
}

// apart reports whether two known types have no type in common.
func apart(a, b *sql.Type) bool {
	known := func(t *sql.Type) bool {
		return t != nil && len(t.Args)+len(t.Fields) == 0 && !is(t, "array", "map", "row")
	}
	if a == nil || b == nil || is(a, "unknown") || is(b, "unknown") {
		return false
	}
	if !known(a) && !known(b) {
		return a.Name != b.Name
	}
	if !known(a) || !known(b) {
		return true
	}
	return common(a, b) == nil
}

// typeText is a type as Trino's messages have it.
func typeText(t *sql.Type) string {
	if t == nil {
		return "unknown"
	}
	switch {
	case is(t, "timestamp", "time") && len(t.Params) == 0:
		return t.Name + "(3)"
	case is(t, "timestamp with time zone"):
		return "timestamp(3) with time zone"
	case is(t, "decimal") && len(t.Params) == 1:
		return decimalType(t.Params[0], 0).String()
	}
	return t.String()
}

func typeList(typs []*sql.Type) string {
	var b []byte
	b = append(b, '[')
	seen := map[string]bool{}
	for _, t := range typs {
		s := typeText(t)
		if seen[s] {
			continue
		}
		if len(seen) > 0 {
			b = append(b, ", "...)
		}
		seen[s] = true
		b = append(b, s...)
	}
	return string(append(b, ']'))
}

func decimalType(p, s int) *sql.Type { return &sql.Type{Name: "decimal", Params: []int{p, s}} }
func varcharOf(n int) *sql.Type      { return &sql.Type{Name: "varchar", Params: []int{n}} }

func mapOf(k, v *sql.Type) *sql.Type {
	if k == nil || v == nil {
		return nil
	}
	return &sql.Type{Name: "map", Args: []*sql.Type{k, v}}
}

// rowOf is an anonymous row; nil if a type is not known.
func rowOf(typs ...*sql.Type) *sql.Type {
	t := &sql.Type{Name: "row"}
	for _, f := range typs {
		if f == nil {
			return nil
		}
		t.Fields = append(t.Fields, sql.RowField{Type: f})
	}
	return t
}

// zoned is a timestamp with a zone that its values are shown in.
func zoned(zone string) *sql.Type {
	return &sql.Type{Name: "timestamp with time zone", Zone: zone}
}
