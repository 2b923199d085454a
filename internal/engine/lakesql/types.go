package lakesql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
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

// trinoType is the type that a Hive column has in queries.
func trinoType(h *hivetype.Type) *sql.Type {
	switch h.Kind {
	case hivetype.Boolean:
		return booleanType
	case hivetype.TinyInt:
		return named("tinyint")
	case hivetype.SmallInt:
		return named("smallint")
	case hivetype.Int:
		return integerType
	case hivetype.BigInt:
		return bigintType
	case hivetype.Float:
		return named("real")
	case hivetype.Double:
		return doubleType
	case hivetype.Decimal:
		return &sql.Type{Name: "decimal", Params: []int{h.Precision, h.Scale}}
	case hivetype.Binary:
		return binaryType
	case hivetype.Date:
		return dateType
	case hivetype.Timestamp:
		return timestampType
	case hivetype.Varchar:
		return varcharOf(h.Length)
	case hivetype.Array:
		return arrayOf(trinoType(h.Elem))
	case hivetype.Map:
		return &sql.Type{Name: "map", Args: []*sql.Type{trinoType(h.Key), trinoType(h.Elem)}}
	case hivetype.Struct:
		t := &sql.Type{Name: "row"}
		for _, f := range h.Fields {
			t.Fields = append(t.Fields, sql.RowField{Name: &sql.Identifier{Name: f.Name}, Type: trinoType(f.Type)})
		}
		return t
	}
	return varcharType
}

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

// fieldName is a row field's name, field0 and so on for those without, as Athena shows them.
func fieldName(t *sql.Type, i int) string {
	if n := t.Fields[i].Name; n != nil {
		return n.Lower()
	}
	return fmt.Sprintf("field%d", i)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func ident(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func fail(at sql.Position, name, format string, args ...any) {
	panic(&Error{name, at, fmt.Sprintf(format, args...)})
}
