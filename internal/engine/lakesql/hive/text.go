package hive

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hivetext"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// readText reads delimited text by position: every column as text first, which then gets its
// type.
func (s *scan) readText(pieces []Piece, open bool) []string {
	table := s.Table
	params := pieces[0].Format.SerDeParams
	if end, ok := params["line.delim"]; ok && !open && end != "" && end != "\n" && end != `\n` && end != "10" && end != "\r\n" {
		fault.Fail(s.Position, "NOT_SUPPORTED", "Property line.delim of table %s.%s is not a line break, which is all that ends a line", table.Database, table.Name)
	}
	rules := textRulesOf(params, open)
	if strings.HasSuffix(pieces[0].Format.SerDe, ".MultiDelimitSerDe") {
		// Fields are between texts of any length, and no character escapes one.
		if rules.split, rules.escape = params["field.delim"], 0; rules.split == "" {
			fault.Fail(s.Position, "HIVE_INVALID_METADATA", "This table does not have serde property \"field.delim\"!")
		}
	}
	rules.columns = max(1, len(table.Columns))
	skip := headerLines(table, params)
	names := make([]string, len(table.Columns))
	items, exactItems := make([]string, len(table.Columns)), make([]string, len(table.Columns))
	rules.kinds = make([]hivetype.Kind, rules.columns)
	patterns := params["timestamp.formats"]
	inner := nestedText{rules: rules, types: make([]*hivetype.Type, rules.columns), separators: separatorsOf(params), formats: hivetext.ParseFormats(patterns), patterns: patterns}
	for i, c := range table.Columns {
		nested := !c.Type.Primitive() && s.asks(strings.ToLower(c.Name))
		if open && nested {
			// A value of this SerDe's is one text: none of these is in it.
			fault.Fail(s.Position, "NOT_SUPPORTED", "Column %s of table %s.%s is of type %s, which OpenCSVSerde does not read", strings.ToLower(c.Name), table.Database, table.Name, c.Type)
		}
		raw := fmt.Sprintf("c%d", i)
		names[i] = duck.Quote(raw) + ": 'VARCHAR'"
		typed := "CAST(" + raw + " AS " + duck.Type(TypeOf(c.Type)) + ")" // of what has its type already
		if nested {
			if levels := inner.levels(c.Type); levels > len(inner.separators)-1 {
				fault.Fail(s.Position, "HIVE_INVALID_METADATA", "Number of levels of nesting supported for LazySimpleSerde is %d Unable to work with level %d", len(inner.separators)-1, levels)
			}
			inner.types[i], inner.any = c.Type, true
			exactItems[i] = typed + " AS " + duck.Ident(strings.ToLower(c.Name))
			continue
		}
		if !c.Type.Primitive() { // it is not asked for
			exactItems[i] = "CAST(NULL AS " + duck.Type(TypeOf(c.Type)) + ") AS " + duck.Ident(strings.ToLower(c.Name))
			items[i] = exactItems[i]
			continue
		}
		if !open {
			items[i] = lazyValue(raw, TypeOf(c.Type), patterns) + " AS " + duck.Ident(strings.ToLower(c.Name))
			exactItems[i] = typed + " AS " + duck.Ident(strings.ToLower(c.Name))
			if inner.types[i] = c.Type; patterns == "" || c.Type.Kind != hivetype.Timestamp {
				rules.kinds[i] = c.Type.Kind
			}
			continue
		}
		value := textValue(raw, TypeOf(c.Type), open)
		odd := javaNumber(raw, value, TypeOf(c.Type))
		if !strings.EqualFold(params["use.null.for.invalid.data"], "true") {
			value, odd = strictly(raw, value, c.Type, i), strictly(raw, odd, c.Type, i)
		}
		items[i] = value + " AS " + duck.Ident(strings.ToLower(c.Name))
		exactItems[i] = odd + " AS " + duck.Ident(strings.ToLower(c.Name))
		if types.IsNumeric(TypeOf(c.Type)) {
			rules.kinds[i] = hivetype.Double
		}
	}
	if len(names) == 0 {
		names = []string{"'c0': 'VARCHAR'"}
	}
	how := exactly{signature: fmt.Sprintf("text %#v", *rules), encoding: params["serialization.encoding"], charset: s.charsetOf(params), skip: skip, footer: footerLines(table, params), convert: rules.convert}
	if !open {
		how.content = inner.String()
		how.convert = func(lines *lineReader, out io.Writer) error { return inner.convert(s.ctx, lines, out) }
	}
	if !inner.any && rules.delim != '\n' {
		how.plain = func() func([]byte) bool { return rules.plain }
	}
	plain, exact := s.split(pieces, how)
	var out []string
	from := func(pieces []Piece, items []string, reader string) {
		added, per := s.added(pieces)
		out = append(out, "SELECT "+strings.Join(append(items[:len(items):len(items)], added...), ", ")+" FROM "+per.source(reader))
	}
	if plain != nil {
		quote := ""
		if open {
			quote = text1(rules.quote)
		}
		from(plain, items, fmt.Sprintf("read_csv(%s, columns={%s}, auto_detect=false, header=false, delim=%s, quote=%s, escape='', nullstr=%s, skip=%d, null_padding=true, strict_mode=false, hive_partitioning=false)",
			fileList(plain), strings.Join(names, ", "), duck.Quote(text1(rules.delim)), duck.Quote(quote), duck.Quote(rules.null), skip))
	}
	if exact != nil {
		from(exact, exactItems, "read_parquet("+fileList(exact)+", hive_partitioning=false)")
	}
	return out
}

func text1(c byte) string {
	if c == 0 {
		return ""
	}
	return string([]byte{c})
}

// first is the first of some properties that has a value.
func first(params map[string]string, fallback string, names ...string) string {
	for _, n := range names {
		if v := params[n]; v != "" {
			return v
		}
	}
	return fallback
}

// textRulesOf reads the properties of LazySimpleSerDe, or OpenCSVSerde.
func textRulesOf(params map[string]string, open bool) *textRules {
	byteOf := func(s string) byte { // Hive takes one character
		if s == "" || s[0] >= utf8.RuneSelf {
			return 0
		}
		return s[0]
	}
	beyond := func(s string) string {
		if r, n := utf8.DecodeRuneInString(s); r >= utf8.RuneSelf {
			return s[:n]
		}
		return ""
	}
	if open {
		t := &textRules{open: true, null: "\x01null\x01"} // nothing is null
		t.delim, t.quote, t.escape = byteOf(first(params, ",", "separatorChar")), byteOf(first(params, `"`, "quoteChar")), byteOf(first(params, `\`, "escapeChar"))
		t.split = beyond(params["separatorChar"])
		if t.escape == '"' { // as OpenCSVSerde does: its own default
			t.escape = '\\'
		}
		if t.delim != 0 && (t.delim == t.quote || t.delim == t.escape) || t.quote != 0 && t.quote == t.escape {
			fault.Fail(sql.Position{}, "HIVE_INVALID_METADATA", "The separator, quote, and escape characters must be different!")
		}
		return t
	}
	t := &textRules{null: `\N`, delim: byteOf(delimiter(first(params, "\x01", "field.delim", "serialization.format"))), escape: byteOf(params["escape.delim"])}
	t.split = beyond(delimiter(first(params, "", "field.delim", "serialization.format")))
	if n, ok := params["serialization.null.format"]; ok {
		t.null = n
	}
	t.rest = strings.EqualFold(params["serialization.last.column.takes.rest"], "true")
	return t
}

// lazyValue gives a field of LazySimpleSerDe's its type, where oddField finds none odd.
func lazyValue(raw string, typ *sql.Type, formats string) string {
	switch {
	case types.IsInteger(typ):
		return "TRY_CAST(" + raw + " AS " + duck.Type(typ) + ")"
	case types.Is(typ, "timestamp") && formats != "":
		return millis("trino_hive_timestamp(" + raw + ", " + duck.Quote(formats) + ")")
	case types.Is(typ, "varbinary"):
		return "trino_hive_binary(" + raw + ")"
	}
	return textValue(raw, typ, false)
}

// groupValue gives a group of a pattern its type, as RegexSerDe does.
func groupValue(raw string, typ *sql.Type) string {
	switch {
	case types.Is(typ, "boolean"):
		return "(lower(" + raw + ") = 'true')"
	case types.IsInteger(typ):
		return "CASE WHEN regexp_full_match(" + raw + ", '[+-]?[0-9]+') THEN TRY_CAST(" + raw + " AS " + duck.Type(typ) + ") END"
	case types.Is(typ, "decimal"):
		return "CASE WHEN regexp_full_match(" + raw + ", '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?') THEN TRY_CAST(" + raw + " AS " + duck.Type(typ) + ") END"
	case types.Is(typ, "date"):
		return "trino_hive_date(" + raw + ")"
	case types.Is(typ, "timestamp"):
		return millis("trino_hive_timestamp(" + raw + ", '')")
	}
	return javaNumber(raw, textValue(raw, typ, false), typ)
}

// headerLines is how many lines at the beginning of each file are skipped.
func headerLines(table *catalog.Table, params map[string]string) int {
	return countOf(table, params, "skip.header.line.count")
}

// footerLines is how many lines at the end of each file are left out.
func footerLines(table *catalog.Table, params map[string]string) int {
	return countOf(table, params, "skip.footer.line.count")
}

func countOf(table *catalog.Table, params map[string]string, name string) int {
	count := 0
	for _, m := range []map[string]string{params, table.Parameters} {
		text, ok := m[name]
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			fault.Fail(sql.Position{}, "HIVE_INVALID_METADATA", "Invalid value for %s property: %s", name, text)
		}
		if n > 0 {
			count = int(n)
		}
	}
	return count
}

// delimiter reads Hive's way to write one: a character, or a number of one.
func delimiter(s string) string {
	if n, err := strconv.Atoi(s); err == nil && len(s) <= 3 && n < 256 && (n < 10 && len(s) == 1 && n > 0 || len(s) > 1) {
		return string(rune(n))
	}
	return s
}

// cut shortens text to what a varchar(n) or char(n) holds, and fills the latter up with spaces.
func cut(text string, typ *sql.Type) string {
	if len(typ.Params) != 1 {
		return text
	}
	if types.Is(typ, "char") {
		return fmt.Sprintf("rpad(%s, %d, ' ')", text, typ.Params[0])
	}
	return fmt.Sprintf("substr(%s, 1, %d)", text, typ.Params[0])
}

// textValue gives a field of text its type.
func textValue(raw string, typ *sql.Type, open bool) string {
	as := duck.Type(typ)
	switch {
	case types.Is(typ, "varchar", "char"):
		return cut(raw, typ)
	case types.Is(typ, "boolean"):
		return "CASE lower(" + raw + ") WHEN 'true' THEN true WHEN 'false' THEN false END"
	case types.IsInteger(typ):
		// Only digits: 1.5 is not an integer to Hive.
		return "CASE WHEN contains(" + raw + ", '.') OR contains(" + raw + ", 'e') OR contains(" + raw + ", 'E') THEN NULL ELSE TRY_CAST(" + raw + " AS " + as + ") END"
	case types.Is(typ, "date") && open:
		return "DATE '1970-01-01' + TRY_CAST(" + raw + " AS INTEGER)" // days
	case types.Is(typ, "timestamp") && open:
		return "epoch_ms(TRY_CAST(" + raw + " AS BIGINT))" // milliseconds
	case types.Is(typ, "timestamp"):
		return millis("TRY_CAST(" + raw + " AS TIMESTAMP)")
	case types.Is(typ, "varbinary"):
		// In base64, where it looks like that.
		return "coalesce(TRY(from_base64(" + raw + ")), encode(" + raw + "))"
	}
	return "TRY_CAST(" + raw + " AS " + as + ")"
}

// javaNumber gives a number its type where the text may be one that DuckDB knows and Java does
// not (1_000, 0x10, inf), or the other way round (1.5d). value is what it is else.
func javaNumber(raw, value string, typ *sql.Type) string {
	if !types.IsNumeric(typ) {
		return value
	}
	as := duck.Type(typ)
	value = "CASE WHEN regexp_full_match(" + raw + ", '[ +.0-9eE-]*') THEN " + value
	if types.Is(typ, "double", "real") {
		value += " WHEN " + raw + " IN ('NaN', 'Infinity', '-Infinity', '+Infinity') THEN TRY_CAST(ltrim(" + raw + ", '+') AS " + as + ")" +
			" WHEN regexp_full_match(" + raw + ", '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[dDfF]') THEN TRY_CAST(left(" + raw + ", -1) AS " + as + ")"
	}
	return value + " END"
}

// strictly fails where a text has no value of its type, as OpenCSVSerde does for an empty one too.
func strictly(raw, value string, typ *hivetype.Type, field int) string {
	switch typ.Kind {
	case hivetype.String, hivetype.Char, hivetype.Varchar, hivetype.Binary, hivetype.Array, hivetype.Map, hivetype.Struct:
		return value
	}
	said := "left(" + raw + ", 200)"
	text := duck.Quote("Error parsing field value '") + " || " + said + " || " + duck.Quote(fmt.Sprintf("' for field %d: For input string: \"", field)) + " || " + said + " || '\"'"
	return "CASE WHEN " + raw + " IS NOT NULL THEN coalesce(" + value + ", " + duck.Raise("HIVE_BAD_DATA", text) + ") END"
}
