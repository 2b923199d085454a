package lakesql

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/lakesql/jsonpath"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// The functions of SQL/JSON. The path runs in Go; what it answers is one text, whose first
// character says what it is.
const (
	jsonFound   = "v" // the rest is the value
	jsonNull    = "n"
	jsonNothing = "e" // no item
	jsonFailed  = "x" // the rest is the message
)

// paths keeps parsed paths by their text.
var paths struct {
	sync.Mutex
	m map[string]*jsonpath.Path
}

func compiledPath(text string) (*jsonpath.Path, error) {
	paths.Lock()
	defer paths.Unlock()
	if p := paths.m[text]; p != nil {
		return p, nil
	}
	p, err := jsonpath.Parse(text)
	if err != nil {
		return nil, err
	}
	if len(paths.m) >= 256 || paths.m == nil {
		paths.m = map[string]*jsonpath.Path{}
	}
	paths.m[text] = p
	return p, nil
}

// jsonPathUDF takes the function and its wrapper and quotes, the path, the document and the
// variables (an object).
func jsonPathUDF(v []driver.Value) (any, error) {
	how, path, document, variables := v[0].(string), v[1].(string), v[2].(string), v[3].(string)
	p, err := compiledPath(path)
	if err != nil {
		return nil, argumentError("%s", err)
	}
	doc, err := jsonpath.Decode(document)
	if err != nil {
		return jsonFailed + "conversion to JSON failed", nil
	}
	vars, err := jsonpath.Decode(variables)
	if err != nil {
		return jsonFailed + "conversion to JSON failed", nil
	}
	items, err := p.Eval(doc, vars.(*jsonpath.Object).Map())
	if err != nil {
		return jsonFailed + "path evaluation failed: " + err.Error(), nil
	}
	function, rest, _ := strings.Cut(how, "|")
	if function == "json_exists" {
		return jsonFound + fmt.Sprint(len(items) > 0), nil
	}
	if len(items) == 0 {
		return jsonNothing, nil
	}
	if function == "json_value" {
		return jsonScalar(items), nil
	}
	return jsonItems(items, rest), nil
}

func jsonScalar(items []any) string {
	if len(items) > 1 {
		return jsonFailed + "cannot extract SQL scalar from JSON: JSON path found multiple items"
	}
	switch x := items[0].(type) {
	case nil:
		return jsonNull
	case string:
		return jsonFound + x
	case bool, json.Number:
		return jsonFound + fmt.Sprint(x)
	}
	return jsonFailed + "cannot extract SQL scalar from JSON: JSON path found an item that cannot be converted to an SQL value"
}

func jsonItems(items []any, how string) string {
	wrapper, quotes, _ := strings.Cut(how, "|")
	_, list := items[0].([]any)
	_, object := items[0].(*jsonpath.Object)
	switch {
	case wrapper == sql.WithWrapper, wrapper == sql.WithWrapperMaybe && (len(items) > 1 || !list && !object):
		return jsonFound + jsonpath.Encode(items)
	case len(items) > 1:
		return jsonFailed + "JSON path found multiple items"
	}
	if s, ok := items[0].(string); ok && quotes == sql.OmitQuotes {
		return jsonFound + s
	}
	return jsonFound + jsonpath.Encode(items[0])
}

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
	case v.Format:
		if is(typ, "varbinary") {
			text = "decode(" + text + ")"
		}
		return "trino_json_input(" + text + ")"
	case is(typ, "boolean") || isNumeric(typ) || is(typ, "json"):
		return "CAST(" + t.castTo("CAST(", text, typ, named("json")) + " AS VARCHAR)"
	case is(typ, "unknown"):
		return "CAST(NULL AS VARCHAR)"
	}
	return "CAST(to_json(" + t.castTo("CAST(", text, typ, varcharType) + ") AS VARCHAR)"
}

func (t *translator) jsonQuery(q *sql.JSONQuery, in *scope) (string, *sql.Type) {
	if _, err := compiledPath(q.Path); err != nil {
		fail(q.Position, "INVALID_PATH", "%s", err)
	}
	document, typ := t.expr(q.Input.Expr, in)
	if typ != nil && !isText(typ) && !is(typ, "varbinary", "unknown", "json") {
		fail(q.Input.Expr.Pos(), "TYPE_MISMATCH", "Cannot read input of type %s as JSON using formatting JSON", typeText(typ))
	}
	if is(typ, "varbinary") {
		document = "decode(" + document + ")"
	} else {
		document = "CAST(" + document + " AS VARCHAR)"
	}
	variables := make([]string, len(q.Passing))
	for i, a := range q.Passing {
		variables[i] = quote(jsonpath.Encode(a.Name.Name)+":") + " || coalesce(" + t.jsonText(a.Value, in) + ", 'null')"
	}
	passing := "'{}'"
	if len(variables) > 0 {
		passing = "'{' || " + strings.Join(variables, " || ',' || ") + " || '}'"
	}
	how := q.Function + "|" + q.Wrapper + "|" + q.Quotes
	result, onEmpty, onError := varcharType, "NULL", "NULL"
	if q.Returning != nil {
		result = q.Returning
	}
	if q.Function == "json_exists" {
		result, onError = booleanType, "false"
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
	onEmpty = behavior(q.OnEmpty, onEmpty, raised("JSON path found no items"))
	onError = behavior(q.OnError, onError, raise("PATH_EVALUATION_ERROR", message))
	value := "substr(r, 2)"
	switch {
	case is(result, "boolean"), q.Function == "json_value" && !isText(result):
		value = "TRY_CAST(substr(r, 2) AS " + duckType(result) + ")"
		if isInteger(result) { // 1.0 is a whole number
			value = "coalesce(" + value + ", CASE WHEN TRY_CAST(substr(r, 2) AS DOUBLE) = floor(TRY_CAST(substr(r, 2) AS DOUBLE)) THEN TRY_CAST(TRY_CAST(substr(r, 2) AS DOUBLE) AS " + duckType(result) + ") END)"
		}
		value = "coalesce(" + value + ", " + onError + ")"
	case is(result, "varbinary"):
		value = "encode(" + value + ")"
	case len(result.Params) == 1:
		value = t.castTo("CAST(", value, varcharType, result)
	}
	r := "trino_json_path(" + quote(how) + ", " + stringLiteral(q.Path) + ", " + document + ", " + passing + ")"
	return "list_transform([" + r + "], lambda r: CASE left(r, 1) WHEN '" + jsonFound + "' THEN " + value + " WHEN '" + jsonNothing + "' THEN " + onEmpty + " WHEN '" + jsonFailed + "' THEN " + onError + " END)[1]", result
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
		if typ != nil && !isText(typ) && !is(typ, "unknown") {
			fail(m.Key.Pos(), "INVALID_FUNCTION_ARGUMENT", "Invalid type of JSON object key: %s", typeText(typ))
		}
		key = "coalesce(CAST(to_json(CAST(" + key + " AS VARCHAR)) AS VARCHAR), " + raised("null value passed for JSON object key to JSON_OBJECT function") + ")"
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
	if c.Returning == nil || isText(c.Returning) {
		return text, varcharType
	}
	if is(c.Returning, "varbinary") {
		return "encode" + text, c.Returning
	}
	fail(c.Position, "TYPE_MISMATCH", "Cannot output JSON value as %s using formatting JSON", typeText(c.Returning))
	return "", nil
}

// jsonUnique refuses an object that has a key twice.
func jsonUnique(v []driver.Value) (any, error) {
	d := json.NewDecoder(strings.NewReader(v[0].(string)))
	seen := map[string]bool{}
	for depth, key := 0, false; ; {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch x := token.(type) {
		case json.Delim:
			if x == '{' || x == '[' {
				depth++
			} else {
				depth--
			}
			key = depth == 1
			continue
		case string:
			if depth == 1 && key {
				if seen[x] && v[1].(bool) {
					return nil, argumentError("duplicate key passed to JSON_OBJECT function")
				} else if seen[x] {
					return nil, errors.New("NOT_SUPPORTED: cannot construct a JSON object with duplicate key")
				}
				seen[x], key = true, false
				continue
			}
		}
		key = depth == 1
	}
	return v[0], nil
}
