package lakesql

import (
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

func isMap(c *invocation) bool { return is(c.typ(0), "map") }

// distinct keeps the first of equal elements, in order, which list_distinct does not.
const distinct = "list_filter($1, lambda e, i: list_position($1, e) = i)"

func arrayFunctions() map[string]function {
	each := func(name, null string) func(c *invocation) (string, *sql.Type) {
		return func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, _ := c.lambda(1, param{p, element(c.typ(0))})
			return strings.NewReplacer("$L", "list_transform("+c.args[0]+", lambda "+p+": "+body+")").Replace(null + name), nil
		}
	}
	// transformMap rebuilds a map from entries whose key or value the lambda gives.
	transformMap := func(key, value string) func(c *invocation) (string, *sql.Type) {
		return func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, _ := c.lambda(1, param{text: p + ".key"}, param{text: p + ".value"})
			r := strings.NewReplacer("$B", body, "$P", p)
			return "map_from_entries(list_transform(map_entries(" + c.args[0] + "), lambda " + p + ": {'key': " + r.Replace(key) + ", 'value': " + r.Replace(value) + "}))", nil
		}
	}
	return map[string]function{
		"cardinality": {min: 1, max: 1, result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			if isMap(c) {
				return c.fill("CAST(cardinality($1) AS BIGINT)"), nil
			}
			return c.fill("len($1)"), nil
		}},
		"element_at": {min: 2, max: 2, result: "e", write: func(c *invocation) (string, *sql.Type) {
			return c.fill("($1)[$2]"), nil
		}},
		"contains":       {min: 2, max: 2, template: "list_contains($*)", result: "boolean"},
		"array_position": {min: 2, max: 2, template: "CASE WHEN $1 IS NULL OR $2 IS NULL THEN NULL ELSE CAST(coalesce(list_position($*), 0) AS BIGINT) END", result: "bigint"},
		"array_distinct": {min: 1, max: 1, template: distinct, result: "1"},
		"array_sort": {min: 1, max: 2, result: "1", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 2 {
				fail(c.at, "NOT_SUPPORTED", "Function array_sort with a comparator is not supported")
			}
			return c.fill("list_sort($1, 'ASC', 'NULLS LAST')"), nil
		}},
		"array_join": {min: 2, max: 3, result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 3 {
				return c.fill("coalesce(array_to_string(list_transform($1, lambda e: coalesce(CAST(e AS VARCHAR), $3)), $2), '')"), nil
			}
			return c.fill("array_to_string(list_filter($1, lambda e: e IS NOT NULL), $2)"), nil
		}},
		"array_max": {min: 1, max: 1, template: "list_max($1)", result: "e"}, "array_min": {min: 1, max: 1, template: "list_min($1)", result: "e"},
		"array_sum":       {min: 1, max: 1, template: "list_sum($1)"},
		"array_average":   {min: 1, max: 1, template: "list_avg($1)", result: "double"},
		"array_intersect": {min: 2, max: 2, template: "list_filter($1, lambda e, i: list_contains($2, e) AND list_position($1, e) = i)", result: "1"},
		"array_except":    {min: 2, max: 2, template: "list_filter($1, lambda e, i: NOT coalesce(list_contains($2, e), false) AND list_position($1, e) = i)", result: "1"},
		"array_union": {min: 2, max: 2, result: "1", write: func(c *invocation) (string, *sql.Type) {
			return (&invocation{args: []string{c.fill("list_concat($1, $2)")}}).fill(distinct), nil
		}},
		"arrays_overlap": {min: 2, max: 2, template: "list_has_any($*)", result: "boolean"},
		"array_remove":   {min: 2, max: 2, template: "list_filter($1, lambda e: e IS DISTINCT FROM $2)", result: "1"},
		"slice":          {min: 3, max: 3, template: "list_slice($1, $2, CASE WHEN $2 < 0 THEN len($1) + $2 + 1 ELSE $2 END + $3 - 1)", result: "1"},
		"flatten":        {min: 1, max: 1, template: "flatten($1)", result: "e"},
		"repeat":         {min: 2, max: 2, template: "list_transform(range($2), lambda e: $1)", result: "[1"},
		"sequence": {min: 2, max: 3, result: "[1", write: func(c *invocation) (string, *sql.Type) {
			switch {
			case is(c.typ(0), "date"):
				if len(c.args) == 2 {
					return c.fill("CAST(generate_series($1, $2, to_days(1)) AS DATE[])"), nil
				}
				return c.fill("CAST(generate_series($1, $2, $3) AS DATE[])"), nil
			case len(c.args) == 2 && is(c.typ(0), "integer", "bigint"):
				return c.fill("generate_series($1, $2, CASE WHEN $1 <= $2 THEN 1 ELSE -1 END)"), arrayOf(bigintType)
			}
			return c.fill("generate_series($*)"), nil
		}},
		"zip": {min: 2, max: 5, write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			fields := make([]string, len(c.args))
			for i := range c.args {
				fields[i] = "field" + string(rune('0'+i)) + " := " + p + "[" + string(rune('1'+i)) + "]"
			}
			return "list_transform(list_zip(" + strings.Join(c.args, ", ") + "), lambda " + p + ": struct_pack(" + strings.Join(fields, ", ") + "))", nil
		}},
		"transform": {min: 2, max: 2, write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, typ := c.lambda(1, param{p, element(c.typ(0))})
			return "list_transform(" + c.args[0] + ", lambda " + p + ": " + body + ")", arrayOf(typ)
		}},
		"filter": {min: 2, max: 2, result: "1", write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, _ := c.lambda(1, param{p, element(c.typ(0))})
			return "list_filter(" + c.args[0] + ", lambda " + p + ": " + body + ")", nil
		}},
		"reduce": {min: 4, max: 4, write: func(c *invocation) (string, *sql.Type) {
			s, x := c.fresh(), c.fresh()
			body, typ := c.lambda(2, param{s, c.typ(1)}, param{x, element(c.typ(0))})
			state := c.typ(1)
			if typ != nil {
				state = typ
			}
			// The last lambda takes the folded state.
			folded := "list_reduce(" + c.args[0] + ", lambda " + s + ", " + x + ": " + body + ", " + c.args[1] + ")"
			return c.lambda(3, param{folded, state})
		}},
		"any_match":  {min: 2, max: 2, write: each("list_bool_or($L), false)", "coalesce("), result: "boolean"},
		"all_match":  {min: 2, max: 2, write: each("list_bool_and($L), true)", "coalesce("), result: "boolean"},
		"none_match": {min: 2, max: 2, write: each("list_bool_or($L), false))", "(NOT coalesce("), result: "boolean"},
		"zip_with": {min: 3, max: 3, write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, typ := c.lambda(2, param{p + "[1]", element(c.typ(0))}, param{p + "[2]", element(c.typ(1))})
			return "list_transform(list_zip(" + c.args[0] + ", " + c.args[1] + "), lambda " + p + ": " + body + ")", arrayOf(typ)
		}},
		"map": {min: 0, max: 2, write: func(c *invocation) (string, *sql.Type) {
			switch len(c.args) {
			case 0:
				return "MAP {}", nil
			case 1:
				fail(c.at, "FUNCTION_NOT_FOUND", "Unexpected parameters (1) for function map")
			}
			var typ *sql.Type
			if k, v := element(c.typ(0)), element(c.typ(1)); k != nil && v != nil {
				typ = &sql.Type{Name: "map", Args: []*sql.Type{k, v}}
			}
			return c.fill("MAP($1, $2)"), typ
		}},
		"map_keys": {min: 1, max: 1, write: func(c *invocation) (string, *sql.Type) {
			if isMap(c) {
				return c.fill("map_keys($1)"), arrayOf(c.typ(0).Args[0])
			}
			return c.fill("map_keys($1)"), nil
		}},
		"map_values": {min: 1, max: 1, write: func(c *invocation) (string, *sql.Type) {
			return c.fill("map_values($1)"), arrayOf(element(c.typ(0)))
		}},
		"map_entries":      {min: 1, max: 1, template: "list_transform(map_entries($1), lambda e: struct_pack(field0 := e.key, field1 := e.value))"},
		"map_from_entries": {min: 1, max: 1, template: "map_from_entries($1)"},
		"map_concat":       {min: 2, max: -1, template: "map_concat($*)", result: "1"},
		"map_filter": {min: 2, max: 2, result: "1", write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			var k *sql.Type
			if isMap(c) {
				k = c.typ(0).Args[0]
			}
			body, _ := c.lambda(1, param{p + ".key", k}, param{p + ".value", element(c.typ(0))})
			return "map_from_entries(list_filter(map_entries(" + c.args[0] + "), lambda " + p + ": " + body + "))", nil
		}},
		"transform_values": {min: 2, max: 2, write: transformMap("$P.key", "$B")},
		"transform_keys":   {min: 2, max: 2, write: transformMap("$B", "$P.value")},
	}
}

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
		if is(c.typ(0), "json") {
			return c.args[0]
		}
		return "TRY_CAST(" + c.args[0] + " AS JSON)"
	}
	path := func(c *invocation) string {
		if s, ok := c.exprs[1].(*sql.String); ok {
			return quote(jsonPath(s.Value))
		}
		return c.args[1]
	}
	return map[string]function{
		"json_extract": {min: 2, max: 2, result: "json", write: func(c *invocation) (string, *sql.Type) {
			return "json_extract(" + document(c) + ", " + path(c) + ")", nil
		}},
		"json_extract_scalar": {min: 2, max: 2, result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			d, p := document(c), path(c)
			return "CASE WHEN json_type(" + d + ", " + p + ") IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(" + d + ", " + p + ") END", nil
		}},
		"json_parse":  {min: 1, max: 1, template: "CAST($1 AS JSON)", result: "json"},
		"json_format": {min: 1, max: 1, template: "CAST($1 AS VARCHAR)", result: "varchar"},
		"json_array_length": {min: 1, max: 1, result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			d := document(c)
			return "CASE WHEN json_type(" + d + ") = 'ARRAY' THEN CAST(json_array_length(" + d + ") AS BIGINT) END", nil
		}},
		"json_array_get": {min: 2, max: 2, result: "json", write: func(c *invocation) (string, *sql.Type) {
			return "json_extract(" + document(c) + ", CAST(" + c.args[1] + " AS BIGINT))", nil
		}},
		"json_array_contains": {min: 2, max: 2, result: "boolean", write: func(c *invocation) (string, *sql.Type) {
			return "list_contains(CAST(" + document(c) + " AS JSON[]), to_json(" + c.args[1] + "))", nil
		}},
		"json_size": {min: 2, max: 2, result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			d, p := document(c), path(c)
			return "CASE json_type(" + d + ", " + p + ") WHEN 'ARRAY' THEN CAST(json_array_length(" + d + ", " + p + ") AS BIGINT) WHEN 'OBJECT' THEN CAST(len(json_keys(" + d + ", " + p + ")) AS BIGINT) ELSE 0 END", nil
		}},
		"is_json_scalar": {min: 1, max: 1, result: "boolean", write: func(c *invocation) (string, *sql.Type) {
			return "(json_type(" + document(c) + ") NOT IN ('OBJECT', 'ARRAY'))", nil
		}},
	}
}
