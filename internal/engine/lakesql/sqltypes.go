package lakesql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Types during translation are Trino's; nil is a type that is not known, where the
// translation leaves to DuckDB what a known type would decide.

func named(name string) *sql.Type { return &sql.Type{Name: name} }

var (
	varcharType   = named("varchar")
	bigintType    = named("bigint")
	integerType   = named("integer")
	doubleType    = named("double")
	booleanType   = named("boolean")
	dateType      = named("date")
	timestampType = named("timestamp")
	instantType   = named("timestamp with time zone")
	binaryType    = named("varbinary")
	unknownType   = named("unknown") // of NULL
	intervalType  = named("interval day to second")
)

func is(t *sql.Type, names ...string) bool {
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

func isInteger(t *sql.Type) bool { return is(t, "tinyint", "smallint", "integer", "bigint") }

func isInterval(t *sql.Type) bool { return t != nil && strings.HasPrefix(t.Name, "interval") }

func arrayOf(t *sql.Type) *sql.Type {
	if t == nil {
		return nil
	}
	return &sql.Type{Name: "array", Args: []*sql.Type{t}}
}

func element(t *sql.Type) *sql.Type {
	switch {
	case is(t, "array") && len(t.Args) == 1:
		return t.Args[0]
	case is(t, "map") && len(t.Args) == 2:
		return t.Args[1]
	}
	return nil
}

// fieldName is a row field's name, field0 and so on for those without, as Athena shows them.
func fieldName(t *sql.Type, i int) string {
	if n := t.Fields[i].Name; n != nil {
		return n.Lower()
	}
	return fmt.Sprintf("field%d", i)
}

func decimalOf(t *sql.Type) [2]int {
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

// castable reports whether Trino has a cast.
func castable(from, to *sql.Type) bool {
	date := func(t *sql.Type) bool { return is(t, "date", "time", "timestamp", "timestamp with time zone") }
	switch {
	case from == nil || is(from, "unknown", "json") || is(to, "json"):
		return true
	case isNumeric(from) || is(from, "boolean"):
		return isNumeric(to) || is(to, "boolean") || isText(to)
	case date(from):
		return date(to) && !(is(from, "date") && is(to, "time")) && !(is(from, "time") && is(to, "date")) || isText(to)
	case is(from, "array", "map", "row"):
		return from.Name == to.Name
	case is(from, "varbinary"):
		return is(to, "varbinary", "uuid")
	}
	return true
}

// coercible reports whether a value may be inserted into a column.
func coercible(from, to *sql.Type) bool {
	if from == nil || is(from, "unknown") || from.Name == to.Name && len(from.Args) == 0 && len(from.Fields) == 0 {
		return true
	}
	rank := map[string]int{"tinyint": 1, "smallint": 2, "integer": 3, "bigint": 4, "decimal": 5, "real": 6, "double": 7}
	switch {
	case rank[from.Name] > 0 && rank[to.Name] > 0:
		return rank[from.Name] <= rank[to.Name]
	case is(from, "varchar", "char") && is(to, "varchar", "char"), is(from, "date") && is(to, "timestamp"):
		return true
	case from.Name != to.Name || len(from.Args) != len(to.Args) || len(from.Fields) != len(to.Fields):
		return false
	}
	for i := range from.Args {
		if !coercible(from.Args[i], to.Args[i]) {
			return false
		}
	}
	for i := range from.Fields {
		if !coercible(from.Fields[i].Type, to.Fields[i].Type) {
			return false
		}
	}
	return true
}
