package trino

import (
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// jsonPath turns a JSON path of Trino's into DuckDB's: $["a"] is $."a".
func jsonPath(path string) string {
	path = strings.NewReplacer(`["`, `."`, `['`, `."`, `"]`, `"`, `']`, `"`).Replace(path)
	if path == "" || path == "$" {
		return "$"
	}
	return path
}

func jsonFunctions() map[string]function {
	// document is the first argument as JSON; text that is none gives null.
	document := func(c *invocation) string {
		if types.Is(c.typ(0), "json") {
			return c.args[0]
		}
		return "TRY_CAST(" + c.args[0] + " AS JSON)"
	}
	path := func(c *invocation) string {
		if s, ok := c.exprs[1].(*sql.String); ok {
			p := s.Value
			p = jsonPath(p)
			if !strings.HasPrefix(p, "$") || strings.Contains(p, "*") || strings.Contains(p, "..") {
				fault.Fail(s.Position, "INVALID_FUNCTION_ARGUMENT", "Invalid JSON path: '%s'", s.Value)
			}
			return duck.Quote(p)
		}
		return c.args[1]
	}
	return map[string]function{
		"json_extract": {result: "json", write: func(c *invocation) (string, *sql.Type) {
			d, p := document(c), path(c)
			return "CASE json_type(" + d + ", " + p + ") WHEN 'DOUBLE' THEN CAST(trino_json_number(" + "CAST(" + d + " AS VARCHAR), " + p + ") AS JSON) ELSE json_extract(" + d + ", " + p + ") END", nil
		}},
		"json_extract_scalar": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			d, p := document(c), path(c)
			// A number that is not a whole one of 64 bits is read as it is written.
			return "CASE json_type(" + d + ", " + p + ") WHEN 'OBJECT' THEN NULL WHEN 'ARRAY' THEN NULL WHEN 'DOUBLE' THEN trino_json_number_text(CAST(" + d + " AS VARCHAR), " + p + ") ELSE json_extract_string(" + d + ", " + p + ") END", nil
		}},
		"json_parse":  {template: "CAST(trino_json_parse($1) AS JSON)", result: "json"},
		"json_format": {template: "CAST($1 AS VARCHAR)", result: "varchar"},
		"json_array_length": {result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			d := document(c)
			return "CASE WHEN json_type(" + d + ") = 'ARRAY' THEN CAST(json_array_length(" + d + ") AS BIGINT) END", nil
		}},
		"json_array_get": {result: "json", write: func(c *invocation) (string, *sql.Type) {
			// Null is not a value. Text keeps its quotes, which Trino drops: it would be no JSON then.
			v := "json_extract(" + document(c) + ", CAST(" + c.args[1] + " AS BIGINT))"
			return "CASE json_type(" + v + ") WHEN 'NULL' THEN NULL ELSE " + v + " END", nil
		}},
		"json_array_contains": {result: "boolean", write: func(c *invocation) (string, *sql.Type) {
			return "list_contains(CAST(" + document(c) + " AS JSON[]), to_json(" + c.args[1] + "))", nil
		}},
		"json_size": {result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			d, p := document(c), path(c)
			kind := "json_type(" + d + ", " + p + ")"
			return "CASE " + kind + " WHEN 'ARRAY' THEN CAST(json_array_length(" + d + ", " + p + ") AS BIGINT) WHEN 'OBJECT' THEN CAST(len(json_keys(" + d + ", " + p + ")) AS BIGINT) ELSE CASE WHEN " + kind + " IS NOT NULL THEN 0 END END", nil
		}},
		"is_json_scalar": {result: "boolean", write: func(c *invocation) (string, *sql.Type) {
			return "(json_type(" + document(c) + ") NOT IN ('OBJECT', 'ARRAY'))", nil
		}},
	}
}
