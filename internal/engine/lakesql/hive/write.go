package hive

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Form is how values are written so that a SerDe with some properties reads the same ones.
type Form struct {
	delim      string // between columns
	separators []byte // by level of nesting, the first of which is that of columns
	escape     string // before what would be a separator; empty: nothing
	null       string
	base64     bool // binary values of JSON
}

// FormOf is the form that the SerDe reads, by its properties and those of the table. delimiter is what is
// between columns; empty: what the properties say. Properties that would have to be followed and are not
// are errors.
func FormOf(serde, delim string, params, table map[string]string) (Form, error) {
	of := func(key string) string { return first(params, table[key], key) }
	refused := func(key string) error {
		return &fault.Error{Name: "NOT_SUPPORTED", Message: "Inserting into Hive table with " + key + " property not supported"}
	}
	switch strings.ToLower(of("serialization.encoding")) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
	default:
		return Form{}, refused("serialization.encoding")
	}
	for key := range params {
		if strings.HasPrefix(key, "mapping.") {
			return Form{}, refused(key)
		}
	}
	f := Form{separators: separatorsOf(params), null: `\N`, base64: strings.Contains(strings.ToLower(serde), "openx")}
	if delim == "" {
		delim = of("field.delim")
	}
	if delim == "" {
		delim = of("serialization.format")
	}
	f.delim = "\x01"
	if delim = delimiter(delim); delim != "" {
		_, n := utf8.DecodeRuneInString(delim) // Hive takes one character
		if f.delim = delim[:n]; n == 1 {
			f.separators[0] = delim[0]
		}
	}
	if escape := delimiter(of("escape.delim")); escape != "" {
		f.escape = escape[:1]
	}
	if n, ok := params["serialization.null.format"]; ok {
		f.null = n
	} else if n, ok := table["serialization.null.format"]; ok {
		f.null = n
	}
	return f, nil
}

// Line is a line of texts of columns.
func (f Form) Line(columns []string, typs []*sql.Type) string {
	fields := make([]string, len(columns))
	for i := range columns {
		fields[i] = f.orNull(f.Text(columns[i], typs[i]))
	}
	return strings.Join(fields, " || "+duck.Quote(f.delim)+" || ")
}

func (f Form) separator(level int) string {
	if level >= len(f.separators) {
		level = len(f.separators) - 1
	}
	return duck.Quote(string(rune(f.separators[level])))
}

func (f Form) orNull(text string) string { return "coalesce(" + text + ", " + duck.Quote(f.null) + ")" }

// JSONValue is a value in the form that it has in JSON lines.
func (f Form) JSONValue(text string, t *sql.Type, depth int) string {
	p := fmt.Sprintf("json%d", depth)
	switch {
	case types.Is(t, "timestamp"):
		return f.Text(text, t)
	case types.Is(t, "double", "real"): // JSON has no others
		return "CASE WHEN isfinite(" + text + ") THEN to_json(" + text + ") WHEN (" + text + ") IS NOT NULL THEN to_json(" + floatText(text, t) + ") END"
	case types.Is(t, "varbinary") && f.base64:
		return "base64(" + text + ")"
	case types.Is(t, "varbinary"):
		return "CASE WHEN (" + text + ") IS NOT NULL THEN coalesce(TRY(decode(" + text + ")), " + duck.Raise("NOT_SUPPORTED", "'Bytes that are not UTF-8 cannot be written as JSON'") + ") END"
	case types.Is(t, "array") && len(t.Args) == 1:
		return "list_transform(" + text + ", lambda " + p + ": " + f.JSONValue(p, t.Args[0], depth+1) + ")"
	case types.Is(t, "map") && len(t.Args) == 2:
		return "CASE WHEN (" + text + ") IS NOT NULL THEN map_from_entries(list_transform(map_entries(" + text + "), lambda " + p + ": struct_pack(key := " + f.jsonKey(p+".key", t.Args[0]) + ", value := " + f.JSONValue(p+".value", t.Args[1], depth+1) + "))) END"
	case types.Is(t, "row"):
		parts := make([]string, len(t.Fields))
		for i := range t.Fields {
			name := duck.Ident(types.FieldName(t, i))
			parts[i] = name + " := " + f.JSONValue("("+text+")."+name, t.Fields[i].Type, depth)
		}
		return "CASE WHEN (" + text + ") IS NOT NULL THEN struct_pack(" + strings.Join(parts, ", ") + ") END"
	}
	return text
}

// jsonKey is the key of a map.
func (f Form) jsonKey(text string, t *sql.Type) string {
	switch {
	case types.Is(t, "double", "real"):
		return floatText(text, t)
	case types.Is(t, "timestamp"):
		return f.Text(text, t)
	}
	return text
}

// floatText is a number of floating point as Java writes it.
func floatText(text string, t *sql.Type) string {
	java := "trino_double_text(" + text + ")"
	if types.Is(t, "real") {
		java = "trino_real_text(CAST(" + text + " AS DOUBLE))"
	}
	return "CASE WHEN " + text + " = 0 OR abs(" + text + ") >= 1e-3 AND abs(" + text + ") < 1e7 THEN CAST(" + text + " AS VARCHAR) ELSE " + java + " END"
}

// Text is a value as LazySimpleSerDe writes it.
func (f Form) Text(text string, t *sql.Type) string { return f.text(text, t, 1) }

// text has the separators from a level on.
func (f Form) text(text string, t *sql.Type, level int) string {
	p := fmt.Sprintf("text%d", level)
	switch {
	case types.Is(t, "timestamp"):
		return f.escaped("strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')")
	case types.Is(t, "varbinary"):
		return f.escaped("base64(" + text + ")")
	case types.Is(t, "double", "real"):
		return f.escaped(floatText(text, t))
	case types.Is(t, "array") && len(t.Args) == 1:
		return "array_to_string(list_transform(" + text + ", lambda " + p + ": " + f.orNull(f.text(p, t.Args[0], level+1)) + "), " + f.separator(level) + ")"
	case types.Is(t, "map") && len(t.Args) == 2:
		return "array_to_string(list_transform(map_entries(" + text + "), lambda " + p + ": " + f.text(p+".key", t.Args[0], level+2) + " || " + f.separator(level+1) + " || " + f.orNull(f.text(p+".value", t.Args[1], level+2)) + "), " + f.separator(level) + ")"
	case types.Is(t, "row"):
		parts := make([]string, len(t.Fields))
		for i := range t.Fields {
			parts[i] = f.orNull(f.text("("+text+")."+duck.Ident(types.FieldName(t, i)), t.Fields[i].Type, level+1))
		}
		return "CASE WHEN (" + text + ") IS NOT NULL THEN " + strings.Join(parts, " || "+f.separator(level)+" || ") + " END"
	}
	return f.escaped("CAST(" + text + " AS VARCHAR)")
}

// escaped is a text in which no separator stands by itself.
func (f Form) escaped(text string) string {
	if f.escape == "" {
		return text
	}
	var class strings.Builder
	for _, c := range append([]byte(f.escape), f.separators...) {
		fmt.Fprintf(&class, `\x%02x`, c)
	}
	to := f.escape
	if to == `\` {
		to = `\\`
	}
	return "regexp_replace(" + text + ", '([" + class.String() + "])', " + duck.Quote(to+`\1`) + ", 'g')"
}
