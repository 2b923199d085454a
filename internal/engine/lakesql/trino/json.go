package trino

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/jsonpath"
	"github.com/brookmere/brookmere/internal/engine/lakesql/udf"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// The functions of SQL/JSON.

// jsonText is a value as JSON text: what is said to be JSON as it is.
func (t *translator) jsonText(v sql.JSONValue, in *scope) string {
	text, typ := t.expr(v.Expr, in)
	switch x := v.Expr.(type) {
	case *sql.JSONQuery:
		v.Format = v.Format || x.Function == "json_query"
	case *sql.JSONConstructor:
		v.Format = true
	}
	switch {
	case v.Format && typ != nil && !types.IsText(typ) && !types.Is(typ, "varbinary", "unknown", "json"):
		fault.Fail(v.Expr.Pos(), "TYPE_MISMATCH", "Cannot read input of type %s as JSON using formatting JSON", types.Text(typ))
		return ""
	case v.Format:
		if types.Is(typ, "varbinary") {
			text = "decode(" + text + ")"
		}
		return "trino_json_input(" + text + ")"
	case types.Is(typ, "boolean") || types.IsNumeric(typ) || types.Is(typ, "json"):
		return "CAST(" + t.castTo("CAST(", text, typ, types.Named("json")) + " AS VARCHAR)"
	case types.Is(typ, "unknown"):
		return "CAST(NULL AS VARCHAR)"
	}
	return "CAST(to_json(" + t.castTo("CAST(", text, typ, types.Varchar) + ") AS VARCHAR)"
}

func (t *translator) jsonQuery(q *sql.JSONQuery, in *scope) (string, *sql.Type) {
	if _, err := udf.CompiledPath(q.Path); err != nil {
		fault.Fail(q.Position, "INVALID_PATH", "%s", err)
	}
	document, typ := t.expr(q.Input.Expr, in)
	if typ != nil && !types.IsText(typ) && !types.Is(typ, "varbinary", "unknown", "json") {
		fault.Fail(q.Input.Expr.Pos(), "TYPE_MISMATCH", "Cannot read input of type %s as JSON using formatting JSON", types.Text(typ))
	}
	if types.Is(typ, "varbinary") {
		document = "decode(" + document + ")"
	} else {
		document = "CAST(" + document + " AS VARCHAR)"
	}
	variables := make([]string, len(q.Passing))
	for i, a := range q.Passing {
		variables[i] = duck.Quote(jsonpath.Encode(a.Name.Name)+":") + " || coalesce(" + t.jsonText(a.Value, in) + ", 'null')"
	}
	passing := "'{}'"
	if len(variables) > 0 {
		passing = "'{' || " + strings.Join(variables, " || ',' || ") + " || '}'"
	}
	how := q.Function + "|" + q.Wrapper + "|" + q.Quotes
	result, onEmpty, onError := types.Varchar, "NULL", "NULL"
	if q.Returning != nil {
		result = q.Returning
	}
	if q.Function == "json_exists" {
		result, onError = types.Boolean, "false"
	}
	message := "substr(r, 2)"
	behavior := func(b *sql.JSONBehavior, fallback, otherwise string) string {
		if b == nil {
			return fallback
		}
		switch b.Kind {
		case "ERROR":
			return otherwise
		case "DEFAULT":
			text, from := t.expr(b.Value, in)
			return t.castTo("CAST(", text, from, result)
		case "EMPTY ARRAY":
			return "'[]'"
		case "EMPTY OBJECT":
			return "'{}'"
		case "TRUE", "FALSE":
			return strings.ToLower(b.Kind)
		}
		return "NULL"
	}
	onEmpty = behavior(q.OnEmpty, onEmpty, duck.Raised("JSON path found no items"))
	onError = behavior(q.OnError, onError, duck.Raise("PATH_EVALUATION_ERROR", message))
	value := "substr(r, 2)"
	switch {
	case types.Is(result, "boolean"), q.Function == "json_value" && !types.IsText(result):
		value = "TRY_CAST(substr(r, 2) AS " + duck.Type(result) + ")"
		if types.IsInteger(result) { // 1.0 is a whole number
			value = "coalesce(" + value + ", CASE WHEN TRY_CAST(substr(r, 2) AS DOUBLE) = floor(TRY_CAST(substr(r, 2) AS DOUBLE)) THEN TRY_CAST(TRY_CAST(substr(r, 2) AS DOUBLE) AS " + duck.Type(result) + ") END)"
		}
		value = "coalesce(" + value + ", " + onError + ")"
	case types.Is(result, "varbinary"):
		value = "encode(" + value + ")"
	case len(result.Params) == 1:
		value = t.castTo("CAST(", value, types.Varchar, result)
	}
	r := "trino_json_path(" + duck.Quote(how) + ", " + stringLiteral(q.Path) + ", " + document + ", " + passing + ")"
	return "list_transform([" + r + "], lambda r: CASE left(r, 1) WHEN '" + udf.JSONFound + "' THEN " + value + " WHEN '" + udf.JSONNothing + "' THEN " + onEmpty + " WHEN '" + udf.JSONFailed + "' THEN " + onError + " END)[1]", result
}

func (t *translator) jsonConstructor(c *sql.JSONConstructor, in *scope) (string, *sql.Type) {
	parts := make([]string, len(c.Members))
	for i, m := range c.Members {
		value := t.jsonText(m.Value, in)
		if m.Key == nil {
			parts[i] = value
			continue
		}
		key, typ := t.expr(m.Key, in)
		if typ != nil && !types.IsText(typ) && !types.Is(typ, "unknown") {
			fault.Fail(m.Key.Pos(), "INVALID_FUNCTION_ARGUMENT", "Invalid type of JSON object key: %s", types.Text(typ))
		}
		key = "coalesce(CAST(to_json(CAST(" + key + " AS VARCHAR)) AS VARCHAR), " + duck.Raised("null value passed for JSON object key to JSON_OBJECT function") + ")"
		if c.Absent {
			parts[i] = key + " || ':' || " + value
		} else {
			parts[i] = key + " || ':' || coalesce(" + value + ", 'null')"
		}
	}
	if c.Function == "json_array" && !c.Absent {
		for i := range parts {
			parts[i] = "coalesce(" + parts[i] + ", 'null')"
		}
	}
	left, right := "'['", "']'"
	if c.Function == "json_object" {
		left, right = "'{'", "'}'"
	}
	text := left + " || " + right
	if len(parts) > 0 {
		text = left + " || coalesce(array_to_string([" + strings.Join(parts, ", ") + "], ','), '') || " + right
	}
	if c.Function == "json_object" && len(parts) > 1 {
		text = "trino_json_unique(" + text + ", " + fmt.Sprint(c.Unique) + ")"
	}
	text = "(" + text + ")"
	if c.Returning == nil || types.IsText(c.Returning) {
		return text, types.Varchar
	}
	if types.Is(c.Returning, "varbinary") {
		return "encode" + text, c.Returning
	}
	fault.Fail(c.Position, "TYPE_MISMATCH", "Cannot output JSON value as %s using formatting JSON", types.Text(c.Returning))
	return "", nil
}
