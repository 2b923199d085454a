package lakesql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// duckType writes a type for DuckDB; it fails for types that have no counterpart.
func duckType(t *sql.Type) string {
	switch t.Name {
	case "boolean", "tinyint", "smallint", "integer", "bigint", "double", "date", "time", "uuid", "json":
		return strings.ToUpper(t.Name)
	case "real", "float":
		return "FLOAT"
	case "varchar", "char":
		return "VARCHAR"
	case "varbinary":
		return "BLOB"
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
			fail(t.Position, "INVALID_ARGUMENTS", "Invalid DECIMAL type: decimal(%d,%d)", p, s)
		}
		return fmt.Sprintf("DECIMAL(%d,%d)", p, s)
	case "array":
		if len(t.Args) == 1 {
			return duckType(t.Args[0]) + "[]"
		}
	case "map":
		if len(t.Args) == 2 {
			return "MAP(" + duckType(t.Args[0]) + ", " + duckType(t.Args[1]) + ")"
		}
	case "row":
		parts := make([]string, len(t.Fields))
		for i := range t.Fields {
			parts[i] = ident(fieldName(t, i)) + " " + duckType(t.Fields[i].Type)
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	}
	fail(t.Position, "TYPE_NOT_FOUND", "Unknown type: %s", t)
	return ""
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func ident(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// convert casts text, whose rows Trino matches by place and DuckDB by name.
func convert(verb, text string, from, to *sql.Type, depth int) string {
	plain := verb + text + " AS " + duckType(to) + ")"
	switch {
	case is(from, "row") && is(to, "row") && len(from.Fields) == len(to.Fields) && len(to.Fields) > 0:
		parts := make([]string, len(to.Fields))
		for i := range parts {
			parts[i] = ident(fieldName(to, i)) + " := " + convert(verb, "("+text+")."+ident(fieldName(from, i)), from.Fields[i].Type, to.Fields[i].Type, depth)
		}
		return "CASE WHEN (" + text + ") IS NULL THEN NULL ELSE struct_pack(" + strings.Join(parts, ", ") + ") END"
	case is(from, "array") && is(to, "array") && is(element(from), "row", "array") && len(to.Args) == 1:
		p := fmt.Sprintf("cast%d", depth)
		return "list_transform(" + text + ", lambda " + p + ": " + convert(verb, p, element(from), element(to), depth+1) + ")"
	}
	return plain
}

// raised is raise of a constant text, for an argument that is not good.
func raised(text string) string {
	return "__raise(" + quote("INVALID_FUNCTION_ARGUMENT: "+text) + ")"
}

// raise is an expression that fails the query; it can stand for a value of any type.
func raise(name, text string) string { return "__raise('" + name + ": ' || " + text + ")" }
