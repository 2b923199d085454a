// Package duck writes what DuckDB reads: names, literals, types, casts, patterns.
package duck

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// MapKey and MapValue name the fields of the entries of a map that is handed out as an array of them.
const (
	MapKey   = "$map key"
	MapValue = "$map value"
)

// Type writes a type for DuckDB; it fails for types that have no counterpart.
func Type(t *sql.Type) string {
	switch t.Name {
	case "boolean", "tinyint", "smallint", "integer", "bigint", "double", "date", "time", "uuid", "json":
		return strings.ToUpper(t.Name)
	case "real", "float":
		return "FLOAT"
	case "varchar", "char", "geometry", "sphericalgeography", "bingtile", "ipaddress", "color": // of the last four their text
		return "VARCHAR"
	case "varbinary", "hyperloglog", "tdigest":
		return "BLOB"
	case "qdigest":
		if len(t.Args) == 1 && types.Is(t.Args[0], "bigint", "double", "real") {
			return "BLOB"
		}
	case "timestamp":
		return "TIMESTAMP"
	case "timestamp with time zone":
		return "TIMESTAMPTZ"
	case "time with time zone":
		return "TIMETZ"
	case "interval day to second", "interval year to month":
		return "INTERVAL"
	case "unknown":
		return `"NULL"`
	case "decimal":
		p, s := 38, 0
		if len(t.Params) > 0 {
			p = t.Params[0]
		}
		if len(t.Params) > 1 {
			s = t.Params[1]
		}
		if p < 1 || p > 38 || s > p {
			fault.Fail(t.Position, "INVALID_ARGUMENTS", "Invalid DECIMAL type: decimal(%d,%d)", p, s)
		}
		return fmt.Sprintf("DECIMAL(%d,%d)", p, s)
	case "array":
		if len(t.Args) == 1 {
			return Type(t.Args[0]) + "[]"
		}
	case "map":
		if len(t.Args) == 2 {
			return "MAP(" + Type(t.Args[0]) + ", " + Type(t.Args[1]) + ")"
		}
	case "row":
		parts := make([]string, len(t.Fields))
		for i := range t.Fields {
			parts[i] = Ident(types.FieldName(t, i)) + " " + Type(t.Fields[i].Type)
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	}
	switch t.Name {
	case "ipprefix", "setdigest", "p4hyperloglog", "sphericalgeography", "objectid":
		fault.Fail(t.Position, "NOT_SUPPORTED", "Type %s is not supported", t)
	}
	fault.Fail(t.Position, "TYPE_NOT_FOUND", "Unknown type: %s", t)
	return ""
}

// Quote is a text literal. NUL, which DuckDB's parser does not take, must not be in it.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Ident is a quoted name.
func Ident(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// Convert casts text, whose rows Trino matches by place and DuckDB by name.
func Convert(verb, text string, from, to *sql.Type, depth int) string {
	plain := verb + text + " AS " + Type(to) + ")"
	switch {
	case types.Is(from, "row") && types.Is(to, "row") && len(from.Fields) == len(to.Fields) && len(to.Fields) > 0:
		parts := make([]string, len(to.Fields))
		for i := range parts {
			parts[i] = Ident(types.FieldName(to, i)) + " := " + Convert(verb, "("+text+")."+Ident(types.FieldName(from, i)), from.Fields[i].Type, to.Fields[i].Type, depth)
		}
		return "CASE WHEN (" + text + ") IS NULL THEN NULL ELSE struct_pack(" + strings.Join(parts, ", ") + ") END"
	case types.Is(from, "array") && types.Is(to, "array") && types.Is(types.Element(from), "row", "array") && len(to.Args) == 1:
		p := fmt.Sprintf("cast%d", depth)
		return "list_transform(" + text + ", lambda " + p + ": " + Convert(verb, p, types.Element(from), types.Element(to), depth+1) + ")"
	}
	return plain
}

// Raised is Raise of a constant text, for an argument that is not good.
func Raised(text string) string {
	return "__raise(" + Quote("INVALID_FUNCTION_ARGUMENT: "+text) + ")"
}

// Raise is an expression that fails the query; it can stand for a value of any type.
func Raise(name, text string) string { return "__raise('" + name + ": ' || " + text + ")" }
