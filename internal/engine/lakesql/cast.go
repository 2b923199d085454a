package lakesql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Casts.

func (t *translator) cast(c *sql.Cast, in *scope) (string, *sql.Type) {
	text, from := t.expr(c.X, in)
	verb := "CAST("
	if c.Try {
		verb = "TRY_CAST("
	}
	to := c.Type
	if to.Name == "decimal" && len(to.Params) < 2 {
		to = &sql.Type{Name: "decimal", Params: append(append([]int{}, to.Params...), []int{38, 0}[len(to.Params):]...)}
	}
	duckType(to) // fails for a type that there is none of
	if s, ok := c.X.(*sql.String); ok && is(to, "timestamp with time zone") {
		if text, typ, ok := t.zonedLiteral(s.Value); ok {
			return text, typ
		}
	}
	if !castable(from, to) {
		fail(c.Position, "TYPE_MISMATCH", "Cannot cast %s to %s", typeText(from), typeText(to))
	}
	if is(to, "timestamp with time zone") && is(from, "timestamp with time zone") {
		return text, from
	}
	return t.castTo(verb, text, from, to), to
}

// castTo casts with Trino's meaning; verb is CAST( or TRY_CAST(.
func (t *translator) castTo(verb, text string, from, to *sql.Type) string {
	try := verb == "TRY_CAST("
	otherwise := func(message string) string { // of a value that cannot be cast
		if try {
			return "NULL"
		}
		return raise("INVALID_CAST_ARGUMENT", message)
	}
	switch {
	case isText(to):
		out := ""
		switch {
		case is(from, "json"):
			out = "json_extract_string(" + text + ", '$')"
		case is(from, "timestamp with time zone"):
			out = "strftime(" + t.local(text, from) + ", '%Y-%m-%d %H:%M:%S.%g') || ' ' || " + zoneName(from)
		default:
			out = castText(verb, text, from)
		}
		if len(to.Params) != 1 {
			return out
		}
		cut := fmt.Sprintf("substr(%s, 1, %d)", out, to.Params[0])
		if is(to, "varchar") && (isNumeric(from) && !is(from, "decimal") || is(from, "date", "boolean")) && to.Params[0] < 24 { // not cut, but refused
			return fmt.Sprintf("CASE WHEN length(%s) > %d THEN %s ELSE %[1]s END", out, to.Params[0], otherwise("'Value ' || "+out+fmt.Sprintf(" || ' cannot be represented as varchar(%d)'", to.Params[0])))
		}
		return cut
	case is(to, "json"):
		if is(from, "json") {
			return text
		}
		return "to_json(" + jsonOf(text, from, 0) + ")"
	case isText(from) && isInteger(to):
		// Digits only: DuckDB would round 1.5 and take 1e3.
		name := map[string]string{"tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT"}[to.Name]
		return "CASE WHEN " + text + " IS NULL THEN NULL WHEN regexp_full_match(" + text + ", '[+-]?[0-9]+') AND TRY_CAST(" + text + " AS " + duckType(to) + ") IS NOT NULL THEN TRY_CAST(" + text + " AS " + duckType(to) + ") ELSE " +
			otherwise("'Cannot cast ''' || "+text+" || ''' to "+name+"'") + " END"
	case isText(from) && is(to, "date", "timestamp", "boolean", "double", "real") && !try:
		message := "'Value cannot be cast to " + typeText(to) + ": ' || " + text
		if !is(to, "date", "timestamp") {
			message = "'Cannot cast ''' || " + text + " || ''' to " + strings.ToUpper(to.Name) + "'"
		}
		return "CASE WHEN TRY_CAST(" + text + " AS " + duckType(to) + ") IS NULL AND " + text + " IS NOT NULL THEN " + otherwise(message) + " ELSE TRY_CAST(" + text + " AS " + duckType(to) + ") END"
	case is(from, "timestamp with time zone") && is(to, "date", "timestamp", "time"):
		return verb + t.local(text, from) + " AS " + duckType(to) + ")"
	case is(from, "double", "real") && isInteger(to):
		return verb + "round(" + text + ") AS " + duckType(to) + ")" // halves away from zero
	case is(from, "timestamp", "date") && is(to, "timestamp with time zone"):
		return "timezone('UTC', CAST(" + text + " AS TIMESTAMP))"
	}
	return convert(verb, text, from, to, 0)
}

// castText writes a value of a type as Trino's cast to varchar does.
func castText(verb, text string, from *sql.Type) string {
	switch {
	case is(from, "timestamp"):
		return "strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')"
	case is(from, "double"):
		return "trino_double_text(" + text + ")"
	case is(from, "real"):
		return "trino_real_text(CAST(" + text + " AS DOUBLE))"
	case is(from, "varbinary"):
		return "decode(" + text + ")"
	}
	return verb + text + " AS VARCHAR)"
}

// jsonOf readies a value for to_json, which writes timestamps in its own way.
func jsonOf(text string, t *sql.Type, depth int) string {
	switch {
	case is(t, "timestamp"):
		return "strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')"
	case is(t, "array") && is(element(t), "timestamp", "array"):
		p := fmt.Sprintf("__json%d", depth)
		return "list_transform(" + text + ", lambda " + p + ": " + jsonOf(p, element(t), depth+1) + ")"
	}
	return text
}
