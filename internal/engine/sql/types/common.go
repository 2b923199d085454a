package types

import (
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// What Trino makes of operands of two types.

// IsText reports whether a type is varchar or char.
func IsText(t *sql.Type) bool { return Is(t, "varchar", "char") }

// IsNumeric reports whether a type is of numbers.
func IsNumeric(t *sql.Type) bool { return IsInteger(t) || Is(t, "decimal", "real", "double") }

// numericRank orders the types that Trino coerces upwards.
var numericRank = map[string]int{"tinyint": 1, "smallint": 2, "integer": 3, "bigint": 4, "decimal": 5, "real": 6, "double": 7}

// Common is the type that values of both types take together: nil where one of them is
// not known, or where there is none.
func Common(a, b *sql.Type) *sql.Type {
	switch {
	case Is(a, "unknown"):
		return b
	case Is(b, "unknown"):
		return a
	case a == nil || b == nil:
		return nil
	case a.String() == b.String() && a.Zone == b.Zone:
		return a
	case IsInteger(a) && IsInteger(b), IsNumeric(a) && IsNumeric(b) && !Is(a, "decimal") && !Is(b, "decimal"):
		if numericRank[a.Name] >= numericRank[b.Name] {
			return a
		}
		return b
	case Is(a, "real", "double") && Is(b, "decimal"):
		return a
	case Is(a, "decimal") && Is(b, "real", "double"):
		return b
	case IsNumeric(a) && IsNumeric(b):
		l, r := Digits(a), Digits(b)
		s := max(l[1], r[1])
		return Decimal(min(38, max(l[0]-l[1], r[0]-r[1])+s), s)
	case Is(a, "char") && Is(b, "char") && len(a.Params) == 1 && len(b.Params) == 1:
		return CharOf(max(a.Params[0], b.Params[0]))
	case IsText(a) && IsText(b):
		if len(a.Params) == 1 && len(b.Params) == 1 {
			return VarcharOf(max(a.Params[0], b.Params[0]))
		}
		return Varchar
	case Is(a, "date", "timestamp", "timestamp with time zone") && Is(b, "date", "timestamp", "timestamp with time zone"):
		switch {
		case Is(a, "timestamp with time zone"):
			return a
		case Is(b, "timestamp with time zone"):
			return b
		}
		return Timestamp
	case a.Name == b.Name && len(a.Args) == len(b.Args) && len(a.Fields) == len(b.Fields) && len(a.Args)+len(a.Fields) > 0:
		t := &sql.Type{Name: a.Name}
		for i := range a.Args {
			c := Common(a.Args[i], b.Args[i])
			if c == nil {
				return nil
			}
			t.Args = append(t.Args, c)
		}
		for i := range a.Fields {
			f := sql.RowField{Type: Common(a.Fields[i].Type, b.Fields[i].Type)}
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

// Apart reports whether two known types have no type in common.
func Apart(a, b *sql.Type) bool {
	known := func(t *sql.Type) bool {
		return t != nil && len(t.Args)+len(t.Fields) == 0 && !Is(t, "array", "map", "row")
	}
	if a == nil || b == nil || Is(a, "unknown") || Is(b, "unknown") {
		return false
	}
	if !known(a) && !known(b) {
		return a.Name != b.Name
	}
	if !known(a) || !known(b) {
		return true
	}
	return Common(a, b) == nil
}

// Text is a type as Trino's messages have it.
func Text(t *sql.Type) string {
	if t == nil {
		return "unknown"
	}
	switch {
	case Is(t, "timestamp", "time") && len(t.Params) == 0:
		return t.Name + "(3)"
	case Is(t, "array") && len(t.Args) == 1:
		return "array(" + Text(t.Args[0]) + ")"
	case Is(t, "map") && len(t.Args) == 2:
		return "map(" + Text(t.Args[0]) + ", " + Text(t.Args[1]) + ")"
	case Is(t, "hyperloglog"):
		return "HyperLogLog"
	case Is(t, "qdigest") && len(t.Args) == 1:
		return "qdigest(" + Text(t.Args[0]) + ")"
	case Is(t, "geometry"):
		return "Geometry"
	case Is(t, "sphericalgeography"):
		return "SphericalGeography"
	case Is(t, "bingtile"):
		return "BingTile"
	case Is(t, "timestamp with time zone"):
		return "timestamp(3) with time zone"
	case Is(t, "decimal") && len(t.Params) == 1:
		return Decimal(t.Params[0], 0).String()
	}
	return t.String()
}

// List is a list of types as Trino's messages have it, each once.
func List(typs []*sql.Type) string {
	var b []byte
	b = append(b, '[')
	seen := map[string]bool{}
	for _, t := range typs {
		s := Text(t)
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

// Decimal is decimal(p,s).
func Decimal(p, s int) *sql.Type { return &sql.Type{Name: "decimal", Params: []int{p, s}} }

// VarcharOf is varchar(n).
func VarcharOf(n int) *sql.Type { return &sql.Type{Name: "varchar", Params: []int{n}} }

// CharOf is char(n).
func CharOf(n int) *sql.Type { return &sql.Type{Name: "char", Params: []int{n}} }

// Padded reports whether trailing spaces say nothing where values of two types of text are
// compared: one of them is char, and the other is as long not always.
func Padded(a, b *sql.Type) bool {
	return IsText(a) && IsText(b) && (Is(a, "char") || Is(b, "char")) && a.String() != b.String()
}

// MapOf is a map; nil if a type is not known.
func MapOf(k, v *sql.Type) *sql.Type {
	if k == nil || v == nil {
		return nil
	}
	return &sql.Type{Name: "map", Args: []*sql.Type{k, v}}
}

// RowOf is an anonymous row; nil if a type is not known.
func RowOf(typs ...*sql.Type) *sql.Type {
	t := &sql.Type{Name: "row"}
	for _, f := range typs {
		if f == nil {
			return nil
		}
		t.Fields = append(t.Fields, sql.RowField{Type: f})
	}
	return t
}

// Zoned is a timestamp with a zone that its values are shown in.
func Zoned(zone string) *sql.Type {
	return &sql.Type{Name: "timestamp with time zone", Zone: zone}
}
