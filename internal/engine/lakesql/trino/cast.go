package trino

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
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
	duck.Type(to) // fails for a type that there is none of
	if s, ok := c.X.(*sql.String); ok && types.Is(to, "timestamp with time zone") {
		if text, typ, ok := t.zonedLiteral(s.Value); ok {
			return text, typ
		}
	}
	if !types.Castable(from, to) {
		fault.Fail(c.Position, "TYPE_MISMATCH", "Cannot cast %s to %s", types.Text(from), types.Text(to))
	}
	if types.Is(to, "timestamp with time zone") && types.Is(from, "timestamp with time zone") {
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
		return duck.Raise("INVALID_CAST_ARGUMENT", message)
	}
	switch {
	case types.IsText(to):
		out := ""
		switch {
		case types.Is(from, "json"):
			out = "json_extract_string(" + text + ", '$')"
		case types.Is(from, "timestamp with time zone"):
			out = "strftime(" + t.local(text, from) + ", '%Y-%m-%d %H:%M:%S.%g') || ' ' || " + zoneName(from)
		default:
			out = castText(verb, text, from)
		}
		if len(to.Params) != 1 {
			return out
		}
		cut := fmt.Sprintf("substr(%s, 1, %d)", out, to.Params[0])
		if types.Is(to, "varchar") && (types.IsNumeric(from) && !types.Is(from, "decimal") || types.Is(from, "date", "boolean")) && to.Params[0] < 24 { // not cut, but refused
			return fmt.Sprintf("CASE WHEN length(%s) > %d THEN %s ELSE %[1]s END", out, to.Params[0], otherwise("'Value ' || "+out+fmt.Sprintf(" || ' cannot be represented as varchar(%d)'", to.Params[0])))
		}
		return cut
	case types.Is(to, "json"):
		if types.Is(from, "json") {
			return text
		}
		return "to_json(" + jsonOf(text, from, 0) + ")"
	case types.Is(from, "varbinary") && types.Is(to, "hyperloglog"):
		if try {
			return "TRY(trino_hll_check(" + text + "))"
		}
		return "trino_hll_check(" + text + ")"
	case types.IsText(from) && types.IsInteger(to):
		// Digits only: DuckDB would round 1.5 and take 1e3.
		name := map[string]string{"tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT"}[to.Name]
		return "CASE WHEN " + text + " IS NULL THEN NULL WHEN regexp_full_match(" + text + ", '[+-]?[0-9]+') AND TRY_CAST(" + text + " AS " + duck.Type(to) + ") IS NOT NULL THEN TRY_CAST(" + text + " AS " + duck.Type(to) + ") ELSE " +
			otherwise("'Cannot cast ''' || "+text+" || ''' to "+name+"'") + " END"
	case types.IsText(from) && types.Is(to, "date", "timestamp", "boolean", "double", "real") && !try:
		message := "'Value cannot be cast to " + types.Text(to) + ": ' || " + text
		if !types.Is(to, "date", "timestamp") {
			message = "'Cannot cast ''' || " + text + " || ''' to " + strings.ToUpper(to.Name) + "'"
		}
		return "CASE WHEN TRY_CAST(" + text + " AS " + duck.Type(to) + ") IS NULL AND " + text + " IS NOT NULL THEN " + otherwise(message) + " ELSE TRY_CAST(" + text + " AS " + duck.Type(to) + ") END"
	case types.Is(from, "timestamp with time zone") && types.Is(to, "date", "timestamp", "time"):
		return verb + t.local(text, from) + " AS " + duck.Type(to) + ")"
	case types.Is(from, "double", "real") && types.IsInteger(to):
		return verb + "round(" + text + ") AS " + duck.Type(to) + ")" // halves away from zero
	case types.Is(from, "timestamp", "date") && types.Is(to, "timestamp with time zone"):
		return "timezone('UTC', CAST(" + text + " AS TIMESTAMP))"
	}
	return duck.Convert(verb, text, from, to, 0)
}

// castText writes a value of a type as Trino's cast to varchar does.
func castText(verb, text string, from *sql.Type) string {
	switch {
	case types.Is(from, "timestamp"):
		return "strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')"
	case types.Is(from, "double"):
		return "trino_double_text(" + text + ")"
	case types.Is(from, "real"):
		return "trino_real_text(CAST(" + text + " AS DOUBLE))"
	case types.Is(from, "varbinary"):
		return "decode(" + text + ")"
	}
	return verb + text + " AS VARCHAR)"
}

// jsonOf readies a value for to_json, which writes timestamps in its own way.
func jsonOf(text string, t *sql.Type, depth int) string {
	switch {
	case types.Is(t, "timestamp"):
		return "strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')"
	case types.Is(t, "array") && types.Is(types.Element(t), "timestamp", "array"):
		p := fmt.Sprintf("__json%d", depth)
		return "list_transform(" + text + ", lambda " + p + ": " + jsonOf(p, types.Element(t), depth+1) + ")"
	}
	return text
}
