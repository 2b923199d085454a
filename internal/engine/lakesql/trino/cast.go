package trino

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/udf"
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
	if to.Name == "char" && len(to.Params) == 0 {
		to = types.CharOf(1)
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
	if c.Try && types.Is(to, "array", "map", "row") { // what is in it is cast as a whole, or not at all
		p := t.castName() // an error of the value itself is one
		return "list_transform([" + text + "], lambda " + p + ": TRY(" + strings.ReplaceAll(t.castTo("CAST(", p, from, to), "__raise(", "__missing(") + "))[1]", to
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
		if t.nested > 0 && !types.IsText(to) { // an error that TRY knows
			return "CAST(" + message + " AS " + duck.Type(to) + ")"
		}
		return duck.Raise("INVALID_CAST_ARGUMENT", message)
	}
	switch {
	case types.IsText(to):
		out := ""
		switch {
		case types.Is(from, "json"):
			out = scalarText(text, to, otherwise)
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
		if types.Is(to, "char") { // always as long
			return fmt.Sprintf("rpad(%s, %d, ' ')", out, to.Params[0])
		}
		return cut
	case types.Is(to, "ipaddress") && types.IsText(from):
		if try {
			return "TRY(trino_ip(" + text + "))"
		}
		return "trino_ip(" + text + ")"
	case types.Is(to, "json"):
		if types.Is(from, "json") {
			return text
		}
		return jsonOf(text, from)
	case types.Is(from, "json"):
		shape := shapeOf(to)
		if shape != nil {
			text = "CAST(trino_json_shape(" + duck.Quote(shape.Text()) + ", CAST(" + text + " AS VARCHAR)) AS JSON)"
		}
	case types.Is(from, "varbinary") && types.Is(to, "hyperloglog", "tdigest", "qdigest"):
		check := "trino_" + map[string]string{"hyperloglog": "hll", "tdigest": "tdigest", "qdigest": "qdigest"}[to.Name] + "_check(" + text + ")"
		if try {
			return "TRY(" + check + ")"
		}
		return check
	case types.IsText(from) && types.IsInteger(to):
		// Digits only: DuckDB would round 1.5 and take 1e3.
		name := map[string]string{"tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT"}[to.Name]
		return "CASE WHEN " + text + " IS NULL THEN NULL WHEN regexp_full_match(" + text + ", '[+-]?[0-9]+') AND TRY_CAST(" + text + " AS " + duck.Type(to) + ") IS NOT NULL THEN TRY_CAST(" + text + " AS " + duck.Type(to) + ") ELSE " +
			otherwise("'Cannot cast ''' || "+text+" || ''' to "+name+"'") + " END"
	case types.IsText(from) && types.Is(to, "date", "timestamp", "boolean", "double", "real"):
		value := "trino_to_" + to.Name + "(" + text + ")"
		if types.Is(to, "timestamp") && len(to.Params) == 1 && to.Params[0] > 3 {
			value = "trino_to_micros(" + text + ")"
		}
		if try {
			return value
		}
		message := "'Value cannot be cast to " + types.Text(to) + ": ' || " + text
		if !types.Is(to, "date", "timestamp") {
			message = "'Cannot cast ''' || " + text + " || ''' to " + strings.ToUpper(to.Name) + "'"
		}
		return "CASE WHEN " + value + " IS NULL AND " + text + " IS NOT NULL THEN " + otherwise(message) + " ELSE " + value + " END"
	case types.IsText(from) && types.Is(to, "decimal"):
		value := "TRY_CAST(" + text + " AS " + duck.Type(to) + ")"
		what := "'Cannot cast VARCHAR ''' || " + text + fmt.Sprintf(" || ''' to DECIMAL(%d, %d). Value ' || CASE WHEN regexp_full_match(%s, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?') THEN 'too large.' ELSE 'is not a number.' END", to.Params[0], to.Params[1], text)
		return "CASE WHEN " + text + " IS NULL THEN NULL WHEN " + value + " IS NULL OR contains(" + text + ", '_') OR contains(" + text + ", ' ') THEN " + otherwise(what) + " ELSE " + value + " END"
	case types.IsText(from) && types.Is(to, "time", "timestamp with time zone"):
		form, what := "([01]?[0-9]|2[0-3]):[0-9]{1,2}(:[0-9]{1,2}([.][0-9]+)?)?", "time"
		if to.Name != "time" {
			form, what = "[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}( .*)?", "timestamp"
		}
		// DuckDB has words for times, and takes a date for one.
		value := "CASE WHEN regexp_full_match(trim(" + text + "), '" + form + "') THEN TRY_CAST(" + text + " AS " + duck.Type(to) + ") END"
		if try {
			return value
		}
		return "CASE WHEN " + value + " IS NULL AND " + text + " IS NOT NULL THEN " + otherwise("'Value cannot be cast to "+what+": ' || "+text) + " ELSE " + value + " END"
	case types.Is(from, "timestamp with time zone") && types.Is(to, "date", "timestamp", "time"):
		return verb + t.local(text, from) + " AS " + duck.Type(to) + ")"
	case types.Is(from, "double") && types.Is(to, "real"): // beyond its range is infinity
		return "CASE WHEN isfinite(" + text + ") AND abs(" + text + ") >= 3.4028235677973366e38 THEN CAST(CASE WHEN " + text + " > 0 THEN 'Infinity' ELSE '-Infinity' END AS FLOAT) ELSE " + verb + text + " AS FLOAT) END"
	case types.Is(from, "double", "real") && types.IsInteger(to):
		return verb + "round(" + text + ") AS " + duck.Type(to) + ")" // halves away from zero
	case types.Is(from, "timestamp", "date") && types.Is(to, "timestamp with time zone"):
		return "timezone('UTC', CAST(" + text + " AS TIMESTAMP))"
	}
	return t.castInside(verb, text, from, to)
}

// scalarText is the text of a JSON value that is not an object or an array: of a number with a fraction or
// an exponent that of the double.
func scalarText(document string, to *sql.Type, otherwise func(string) string) string {
	write := func(v string) string {
		return "CASE WHEN json_type(" + v + ") IN ('OBJECT', 'ARRAY') THEN " + otherwise("'Cannot cast ''' || CAST("+v+" AS VARCHAR) || ''' to "+types.Text(to)+"'") +
			" WHEN json_type(" + v + ") = 'DOUBLE' THEN trino_json_double(CAST(" + v + " AS VARCHAR)) ELSE json_extract_string(" + v + ", '$') END"
	}
	if len(document) <= longOperand {
		return write(document)
	}
	return "list_transform([" + document + "], lambda __j: " + write("__j") + ")[1]"
}

// castInside casts what an array, a map or a row is made of as values of those types by themselves.
func (t *translator) castInside(verb, text string, from, to *sql.Type) string {
	plain := verb + text + " AS " + duck.Type(to) + ")"
	t.nested++
	defer func() { t.nested-- }()
	if types.Text(from) == types.Text(to) {
		return plain
	}
	switch {
	case types.Is(from, "array") && types.Is(to, "array") && len(from.Args) == 1 && len(to.Args) == 1 && !types.Is(from.Args[0], "unknown"):
		p := t.castName()
		return "list_transform(" + text + ", lambda " + p + ": " + t.castTo(verb, p, from.Args[0], to.Args[0]) + ")"
	case types.Is(from, "map") && types.Is(to, "map") && len(from.Args) == 2 && len(to.Args) == 2 && !types.Is(from.Args[0], "unknown"):
		p := t.castName()
		return "map_from_entries(list_transform(map_entries(" + text + "), lambda " + p + ": struct_pack(key := " + t.castTo(verb, p+".key", from.Args[0], to.Args[0]) +
			", value := " + t.castTo(verb, p+".value", from.Args[1], to.Args[1]) + ")))"
	case types.Is(from, "row") && types.Is(to, "row") && len(from.Fields) == len(to.Fields) && len(to.Fields) > 0:
		p := t.castName()
		parts := make([]string, len(to.Fields))
		for i := range parts {
			parts[i] = duck.Ident(types.FieldName(to, i)) + " := " + t.castTo(verb, p+"."+duck.Ident(types.FieldName(from, i)), from.Fields[i].Type, to.Fields[i].Type)
		}
		return "list_transform([" + text + "], lambda " + p + ": CASE WHEN " + p + " IS NOT NULL THEN struct_pack(" + strings.Join(parts, ", ") + ") END)[1]"
	}
	return plain
}

// castName is a name for what a cast goes over, which no cast around it has. The same cast has the same
// names wherever it stands, so that DuckDB knows it again in GROUP BY.
func (t *translator) castName() string { return fmt.Sprintf("__cast%d", t.nested) }

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
	case from != nil && from.Name == types.DayToSecond.Name:
		return "trino_interval_text(CAST(epoch_ms(" + text + ") AS BIGINT))"
	case types.IsInterval(from):
		return "trino_months_text(CAST(12 * year(" + text + ") + month(" + text + ") AS BIGINT))"
	}
	return verb + text + " AS VARCHAR)"
}

// shapeOf is where a type has rows, texts and decimals, which DuckDB reads otherwise; nil where it has none.
func shapeOf(t *sql.Type) *udf.JSONShape {
	switch {
	case types.IsText(t):
		return &udf.JSONShape{Scalar: "varchar"}
	case types.Is(t, "decimal"):
		return &udf.JSONShape{Scalar: "decimal"}
	case types.Is(t, "array", "map"):
		if e := shapeOf(types.Element(t)); e != nil {
			return &udf.JSONShape{Elem: e}
		}
	case types.Is(t, "row") && len(t.Fields) > 0:
		s := &udf.JSONShape{Bare: t.Fields[0].Name == nil}
		for i, f := range t.Fields {
			s.Names, s.Fields = append(s.Names, types.FieldName(t, i)), append(s.Fields, shapeOf(f.Type))
		}
		return s
	}
	return nil
}

// jsonOf is a value as JSON, as Trino casts it.
func jsonOf(text string, t *sql.Type) string {
	if t == nil || types.IsText(t) || types.IsInteger(t) || types.Is(t, "boolean", "date", "unknown") {
		return "to_json(" + text + ")"
	}
	return "CAST(" + jsonText(text, t, 0) + " AS JSON)"
}

// jsonText is the text of a value as JSON; null for null.
func jsonText(text string, t *sql.Type, depth int) string {
	inner := func(text string, t *sql.Type) string {
		return "coalesce(" + jsonText(text, t, depth+1) + ", 'null')"
	}
	p := fmt.Sprintf("__json%d", depth)
	switch {
	case types.Is(t, "json"):
		return "CAST(" + text + " AS VARCHAR)"
	case types.Is(t, "timestamp"):
		return "CAST(to_json(strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')) AS VARCHAR)"
	case types.Is(t, "decimal"):
		return "CAST(" + text + " AS VARCHAR)"
	case types.Is(t, "double", "real"):
		// As Java writes it: with an exponent where it is large or small.
		out := "CASE WHEN " + p + " = 0 OR abs(" + p + ") >= 0.001 AND abs(" + p + ") < 10000000 THEN CAST(" + p + " AS VARCHAR) ELSE " + castText("CAST(", p, t) + " END"
		return "list_transform([" + text + "], lambda " + p + ": CASE WHEN isfinite(" + p + ") THEN " + out + " ELSE '\"' || " + castText("CAST(", p, t) + " || '\"' END)[1]"
	case types.Is(t, "array") && types.Element(t) != nil:
		return "('[' || array_to_string(list_transform(" + text + ", lambda " + p + ": " + inner(p, types.Element(t)) + "), ',') || ']')"
	case types.Is(t, "map") && len(t.Args) == 2:
		key := p + ".key"
		if !types.IsText(t.Args[0]) {
			key = castText("CAST(", key, t.Args[0])
		}
		entries := "list_sort(list_transform(map_entries(" + text + "), lambda " + p + ": struct_pack(k := " + key + ", v := " + inner(p+".value", t.Args[1]) + ")))"
		return "('{' || array_to_string(list_transform(" + entries + ", lambda " + p + ": CAST(to_json(" + p + ".k) AS VARCHAR) || ':' || " + p + ".v), ',') || '}')"
	case types.Is(t, "row") && len(t.Fields) > 0:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			name := ""
			if f.Name != nil {
				name = f.Name.Lower()
			}
			key, _ := json.Marshal(name)
			parts[i] = duck.Quote(string(key)+":") + " || " + inner(p+"."+duck.Ident(types.FieldName(t, i)), f.Type)
		}
		return "list_transform([" + text + "], lambda " + p + ": CASE WHEN " + p + " IS NOT NULL THEN '{' || " + strings.Join(parts, " || ',' || ") + " || '}' END)[1]"
	}
	return "CAST(to_json(" + text + ") AS VARCHAR)"
}
