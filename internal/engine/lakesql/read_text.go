package lakesql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
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
		names[i] = quote(raw) + ": 'VARCHAR'"
		if open && escape != quoteChar { // a doubled quote stands for one as well
			raw = "replace(" + raw + ", " + quote(quoteChar+quoteChar) + ", " + quote(quoteChar) + ")"
		}
		value := textValue(raw, trinoType(c.Type), open, delimiter(get("\x02", "collection.delim", "colelction.delim")), delimiter(get("\x03", "mapkey.delim")))
		items[i] = withFormats(raw, trinoType(c.Type), params, value) + " AS " + ident(strings.ToLower(c.Name))
	}
	if len(names) == 0 {
		names = []string{"'c0': 'VARCHAR'"}
	}
	added, per := s.added(pieces)
	items = append(items, added...)
	// With quotes a line may end within a field, which DuckDB reads on one thread only.
	return "SELECT " + strings.Join(items, ", ") + " FROM " + per.source(fmt.Sprintf("read_csv(%s, columns={%s}, auto_detect=false, header=false, delim=%s, quote=%s, escape=%s, nullstr=%s, skip=%d, null_padding=true, strict_mode=false, ignore_errors=true, hive_partitioning=false, parallel=%t)",
		fileList(pieces), strings.Join(names, ", "), quote(delim), quote(quoteChar), quote(escape), quote(null), skip, !open))
}

// headerLines is how many lines of each file are skipped.
func headerLines(table *Table, params map[string]string) int {
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

// textValue gives a field of text its type.
func textValue(raw string, typ *sql.Type, open bool, items, keys string) string {
	as := duckType(typ)
	switch {
	case is(typ, "varchar", "char"):
		return raw
	case is(typ, "boolean"):
		return "CASE lower(" + raw + ") WHEN 'true' THEN true WHEN 'false' THEN false END"
	case isInteger(typ):
		// Only digits: 1.5 is no integer to Hive.
		return "CASE WHEN contains(" + raw + ", '.') OR contains(" + raw + ", 'e') OR contains(" + raw + ", 'E') THEN NULL ELSE TRY_CAST(" + raw + " AS " + as + ") END"
	case is(typ, "date") && open:
		return "coalesce(TRY_CAST(" + raw + " AS DATE), DATE '1970-01-01' + TRY_CAST(" + raw + " AS INTEGER))"
	case is(typ, "timestamp") && open:
		return "coalesce(TRY_CAST(" + raw + " AS TIMESTAMP), epoch_ms(TRY_CAST(" + raw + " AS BIGINT)))"
	case is(typ, "varbinary"):
		// In base64, where it looks like that.
		return "coalesce(TRY(from_base64(" + raw + ")), encode(" + raw + "))"
	case is(typ, "array"):
		return "CASE WHEN " + raw + " = '' THEN [] ELSE TRY_CAST(string_split(" + raw + ", " + quote(items) + ") AS " + as + ") END"
	case is(typ, "map"):
		return "TRY_CAST(map_from_entries(list_transform(string_split(" + raw + ", " + quote(items) + "), lambda e: {'key': string_split(e, " + quote(keys) + ")[1], 'value': string_split(e, " + quote(keys) + ")[2]})) AS " + as + ")"
	case is(typ, "row"):
		parts := make([]string, len(typ.Fields))
		for i := range typ.Fields {
			parts[i] = ident(fieldName(typ, i)) + " := TRY_CAST(string_split(" + raw + ", " + quote(items) + ")[" + strconv.Itoa(i+1) + "] AS " + duckType(typ.Fields[i].Type) + ")"
		}
		return "CASE WHEN " + raw + " IS NOT NULL THEN struct_pack(" + strings.Join(parts, ", ") + ") END"
	}
	return "TRY_CAST(" + raw + " AS " + as + ")"
}
