// Package types says what Trino's types mean: which of them go together, which may be cast,
// what they are called. A nil type is one that is not known: questions about it are answered
// so that a translation leaves the decision to the engine below.
package types

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Named is a type without parameters.
func Named(name string) *sql.Type { return &sql.Type{Name: name} }

// The types that need no parameters.
var (
	Varchar     = Named("varchar")
	Bigint      = Named("bigint")
	Integer     = Named("integer")
	Double      = Named("double")
	Boolean     = Named("boolean")
	Date        = Named("date")
	Timestamp   = Named("timestamp")
	Instant     = Named("timestamp with time zone")
	Varbinary   = Named("varbinary")
	Unknown     = Named("unknown") // of NULL
	DayToSecond = Named("interval day to second")
)

// Is reports whether a type has one of the names, whatever its parameters.
func Is(t *sql.Type, names ...string) bool {
	if t == nil {
		return false
	}
	for _, n := range names {
		if t.Name == n {
			return true
		}
	}
	return false
}

// IsInteger reports whether a type is of whole numbers.
func IsInteger(t *sql.Type) bool { return Is(t, "tinyint", "smallint", "integer", "bigint") }

// IsInterval reports whether a type is one of the two of intervals.
func IsInterval(t *sql.Type) bool { return t != nil && strings.HasPrefix(t.Name, "interval") }

// ArrayOf is an array of a type; nil if that is not known.
func ArrayOf(t *sql.Type) *sql.Type {
	if t == nil {
		return nil
	}
	return &sql.Type{Name: "array", Args: []*sql.Type{t}}
}

// Element is the type of an array's elements or of a map's values; nil for others.
func Element(t *sql.Type) *sql.Type {
	switch {
	case Is(t, "array") && len(t.Args) == 1:
		return t.Args[0]
	case Is(t, "map") && len(t.Args) == 2:
		return t.Args[1]
	}
	return nil
}

// FieldName is a row field's name, field0 and so on for those without, as Athena shows them.
func FieldName(t *sql.Type, i int) string {
	if n := t.Fields[i].Name; n != nil {
		return n.Lower()
	}
	return fmt.Sprintf("field%d", i)
}

// Digits are the precision and scale of the decimal that holds all values of a number's type.
func Digits(t *sql.Type) [2]int {
	switch t.Name {
	case "decimal":
		if len(t.Params) == 2 {
			return [2]int{t.Params[0], t.Params[1]}
		}
		return [2]int{38, 0}
	case "tinyint":
		return [2]int{3, 0}
	case "smallint":
		return [2]int{5, 0}
	case "integer":
		return [2]int{10, 0}
	}
	return [2]int{19, 0}
}

// Castable reports whether Trino has a cast.
func Castable(from, to *sql.Type) bool {
	date := func(t *sql.Type) bool { return Is(t, "date", "time", "timestamp", "timestamp with time zone") }
	switch {
	case from == nil || Is(from, "unknown"):
		return true
	case Is(from, "geometry", "sphericalgeography", "bingtile") || Is(to, "geometry", "sphericalgeography", "bingtile"):
		return from.Name == to.Name
	case Is(from, "ipaddress") || Is(to, "ipaddress"):
		return from.Name == to.Name || IsText(from) || IsText(to)
	case Is(to, "json"):
		return !Is(from, "char", "varbinary", "time", "time with time zone", "timestamp with time zone", "uuid", "hyperloglog", "tdigest", "qdigest") && !IsInterval(from)
	case Is(from, "json"):
		return !Is(to, "char", "varbinary", "time", "time with time zone", "timestamp with time zone", "uuid", "hyperloglog", "tdigest", "qdigest") && !IsInterval(to)
	case IsNumeric(from) || Is(from, "boolean"):
		return IsNumeric(to) || Is(to, "boolean") || IsText(to)
	case date(from):
		return date(to) && !(Is(from, "date") && Is(to, "time")) && !(Is(from, "time") && Is(to, "date")) || IsText(to)
	case Is(from, "array", "map", "row"):
		return from.Name == to.Name
	case Is(from, "varbinary"):
		return Is(to, "varbinary", "uuid", "hyperloglog", "tdigest", "qdigest")
	case Is(from, "hyperloglog", "tdigest", "qdigest"):
		return Is(to, from.Name, "varbinary")
	case Is(to, "hyperloglog", "tdigest", "qdigest"):
		return false
	}
	return true
}

// Insertable reports whether a value may be inserted into a column.
func Insertable(from, to *sql.Type) bool {
	if from == nil || Is(from, "unknown") || from.Name == to.Name && len(from.Args) == 0 && len(from.Fields) == 0 {
		return true
	}
	rank := map[string]int{"tinyint": 1, "smallint": 2, "integer": 3, "bigint": 4, "decimal": 5, "real": 6, "double": 7}
	switch {
	case rank[from.Name] > 0 && rank[to.Name] > 0:
		return rank[from.Name] <= rank[to.Name]
	case Is(from, "varchar", "char") && Is(to, "varchar", "char"), Is(from, "date") && Is(to, "timestamp"):
		return true
	case from.Name != to.Name || len(from.Args) != len(to.Args) || len(from.Fields) != len(to.Fields):
		return false
	}
	for i := range from.Args {
		if !Insertable(from.Args[i], to.Args[i]) {
			return false
		}
	}
	for i := range from.Fields {
		if !Insertable(from.Fields[i].Type, to.Fields[i].Type) {
			return false
		}
	}
	return true
}
