package hive

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// readText reads delimited text by position: every column as text first, so that what
// does not fit its type is null.
func (s *scan) readText(pieces []Piece, open bool) string {
	table := s.Table
	params := pieces[0].Format.SerDeParams
	get := func(fallback string, names ...string) string {
		for _, n := range names {
			if v, ok := params[n]; ok && v != "" {
				return v
			}
		}
		return fallback
	}
	delim, quoteChar, escape, null := "\x01", "", "", `\N`
	if open {
		delim, quoteChar, escape = get(",", "separatorChar"), get(`"`, "quoteChar"), get(`\`, "escapeChar")
		null = "\x01null\x01" // nothing is null
	} else {
		delim = delimiter(get("\x01", "field.delim", "serialization.format"))
		escape = get("", "escape.delim")
		if n, ok := params["serialization.null.format"]; ok {
			null = n
		}
	}
	skip := headerLines(table, params)
	names := make([]string, len(table.Columns))
	items := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		raw := fmt.Sprintf("c%d", i)
		names[i] = duck.Quote(raw) + ": 'VARCHAR'"
		if open && escape != quoteChar { // a doubled quote stands for one as well
			raw = "replace(" + raw + ", " + duck.Quote(quoteChar+quoteChar) + ", " + duck.Quote(quoteChar) + ")"
		}
		value := textValue(raw, TypeOf(c.Type), open, delimiter(get("\x02", "collection.delim", "colelction.delim")), delimiter(get("\x03", "mapkey.delim")))
		items[i] = withFormats(raw, TypeOf(c.Type), params, value) + " AS " + duck.Ident(strings.ToLower(c.Name))
	}
	if len(names) == 0 {
		names = []string{"'c0': 'VARCHAR'"}
	}
	added, per := s.added(pieces)
	items = append(items, added...)
	// With quotes a line may end within a field, which DuckDB reads on one thread only.
	return "SELECT " + strings.Join(items, ", ") + " FROM " + per.source(fmt.Sprintf("read_csv(%s, columns={%s}, auto_detect=false, header=false, delim=%s, quote=%s, escape=%s, nullstr=%s, skip=%d, null_padding=true, strict_mode=false, ignore_errors=true, hive_partitioning=false, parallel=%t)",
		fileList(pieces), strings.Join(names, ", "), duck.Quote(delim), duck.Quote(quoteChar), duck.Quote(escape), duck.Quote(null), skip, !open))
}

// headerLines is how many lines of each file are skipped.
func headerLines(table *catalog.Table, params map[string]string) int {
	skip := 0
	for _, m := range []map[string]string{params, table.Parameters} {
		if n, err := strconv.Atoi(m["skip.header.line.count"]); err == nil && n > 0 {
			skip = n
		}
	}
	return skip
}

// delimiter reads Hive's way to write one: a character, or a number of one.
func delimiter(s string) string {
	if n, err := strconv.Atoi(s); err == nil && len(s) <= 3 && n < 256 && (n < 10 && len(s) == 1 && n > 0 || len(s) > 1) {
		return string(rune(n))
	}
	return s
}

// cut shortens text to what a varchar(n) holds.
func cut(text string, typ *sql.Type) string {
	if len(typ.Params) != 1 {
		return text
	}
	return fmt.Sprintf("substr(%s, 1, %d)", text, typ.Params[0])
}

// textValue gives a field of text its type.
func textValue(raw string, typ *sql.Type, open bool, items, keys string) string {
	as := duck.Type(typ)
	switch {
	case types.Is(typ, "varchar", "char"):
		return cut(raw, typ)
	case types.Is(typ, "boolean"):
		return "CASE lower(" + raw + ") WHEN 'true' THEN true WHEN 'false' THEN false END"
	case types.IsInteger(typ):
		// Only digits: 1.5 is no integer to Hive.
		return "CASE WHEN contains(" + raw + ", '.') OR contains(" + raw + ", 'e') OR contains(" + raw + ", 'E') THEN NULL ELSE TRY_CAST(" + raw + " AS " + as + ") END"
	case types.Is(typ, "date") && open:
		return "coalesce(TRY_CAST(" + raw + " AS DATE), DATE '1970-01-01' + TRY_CAST(" + raw + " AS INTEGER))"
	case types.Is(typ, "timestamp") && open:
		return "coalesce(TRY_CAST(" + raw + " AS TIMESTAMP), epoch_ms(TRY_CAST(" + raw + " AS BIGINT)))"
	case types.Is(typ, "varbinary"):
		// In base64, where it looks like that.
		return "coalesce(TRY(from_base64(" + raw + ")), encode(" + raw + "))"
	case types.Is(typ, "array"):
		return "CASE WHEN " + raw + " = '' THEN [] ELSE TRY_CAST(string_split(" + raw + ", " + duck.Quote(items) + ") AS " + as + ") END"
	case types.Is(typ, "map"):
		return "TRY_CAST(map_from_entries(list_transform(string_split(" + raw + ", " + duck.Quote(items) + "), lambda e: {'key': string_split(e, " + duck.Quote(keys) + ")[1], 'value': string_split(e, " + duck.Quote(keys) + ")[2]})) AS " + as + ")"
	case types.Is(typ, "row"):
		parts := make([]string, len(typ.Fields))
		for i := range typ.Fields {
			parts[i] = duck.Ident(types.FieldName(typ, i)) + " := TRY_CAST(string_split(" + raw + ", " + duck.Quote(items) + ")[" + strconv.Itoa(i+1) + "] AS " + duck.Type(typ.Fields[i].Type) + ")"
		}
		return "CASE WHEN " + raw + " IS NOT NULL THEN struct_pack(" + strings.Join(parts, ", ") + ") END"
	}
	return "TRY_CAST(" + raw + " AS " + as + ")"
}
