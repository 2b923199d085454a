package lakesql

import (
	"fmt"
	"path/filepath"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// defaultPartition is how Hive writes the null of a partition column.
const defaultPartition = "__HIVE_DEFAULT_PARTITION__"

// piece is the files of one partition.
type piece struct {
	values []string
	format Format
	files  []File
}

// scan becomes a subquery over the table's files that has the catalog's columns, typed.
func (t *translator) scan(at sql.Position, table *Table, alias string, in *scope) (string, []column) {
	var where []sql.Expr
	if in != nil {
		where = in.where
	}
	pieces := t.pieces(at, table, alias, where)
	var columns []column
	for _, c := range table.Columns {
		columns = append(columns, column{name: strings.ToLower(c.Name), typ: trinoType(c.Type)})
	}
	for _, c := range table.PartitionColumns {
		columns = append(columns, column{name: strings.ToLower(c.Name), typ: trinoType(c.Type)})
	}
	if t.path {
		columns = append(columns, column{name: "$path", typ: varcharType, hidden: true})
	}

	// Pieces of the same format are read together.
	var order []string
	groups := map[string][]piece{}
	for _, p := range pieces {
		if len(p.files) == 0 {
			continue
		}
		key := p.format.SerDe + "\x00" + p.format.InputFormat + "\x00" + fmt.Sprint(p.format.SerDeParams)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], p)
	}
	var selects []string
	for _, key := range order {
		selects = append(selects, t.readFormat(at, table, groups[key])...)
	}
	if selects == nil {
		items := make([]string, len(columns))
		for i, c := range columns {
			items[i] = "CAST(NULL AS " + duckType(c.typ) + ") AS " + ident(c.name)
		}
		if len(items) == 0 {
			fail(at, "HIVE_INVALID_METADATA", "Table '%s.%s' has no columns", table.Database, table.Name)
		}
		return "(SELECT " + strings.Join(items, ", ") + " WHERE false)", columns
	}
	return "(" + strings.Join(selects, " UNION ALL ") + ")", columns
}

// pieces lists the table's partitions that the predicates let through, with their files.
func (t *translator) pieces(at sql.Position, table *Table, alias string, where []sql.Expr) []piece {
	var pieces []piece
	add := func(values []string, location string, format Format) {
		if format.SerDe == "" {
			format = table.Format
		}
		files, err := t.request.Files.Files(t.ctx, location)
		if err != nil {
			panic(stop{fmt.Errorf("list %s: %w", location, err)})
		}
		for _, f := range files {
			if !filepath.IsAbs(f.Path) || filepath.Clean(f.Path) != f.Path || !strings.HasPrefix(f.Path, t.engine.dir+string(filepath.Separator)) {
				fail(at, "HIVE_CANNOT_OPEN_SPLIT", "Permission denied: %s", f.URI)
			}
			if t.read[f.Path] == "" {
				t.read[f.Path] = f.URI
				t.bytes += f.Size
			}
		}
		pieces = append(pieces, piece{values, format, files})
	}
	if len(table.PartitionColumns) == 0 {
		if table.Location != "" {
			add(nil, table.Location, table.Format)
		}
		return pieces
	}
	p := &pruner{t: t, relation: alias, columns: lowerColumns(table.PartitionColumns)}
	all := make([]bool, len(p.columns))
	for i := range all {
		all[i] = true
	}
	if strings.EqualFold(table.Parameters["projection.enabled"], "true") {
		for _, values := range t.project(at, table, p, where) {
			add(values, projectedLocation(table, values), table.Format)
		}
		return pieces
	}
	partitions, err := t.request.Catalog.Partitions(t.ctx, table)
	if err != nil {
		panic(stop{fmt.Errorf("partitions of %s.%s: %w", table.Database, table.Name, err)})
	}
	for _, part := range partitions {
		if len(part.Values) != len(p.columns) {
			continue
		}
		p.values, p.set = part.Values, all
		if p.holds(where) {
			add(part.Values, part.Location, part.Format)
		}
	}
	return pieces
}

func lowerColumns(columns []Column) []Column {
	out := make([]Column, len(columns))
	for i, c := range columns {
		out[i] = Column{Name: strings.ToLower(c.Name), Type: c.Type, Comment: c.Comment}
	}
	return out
}

// readFormat writes the SELECTs over the pieces of one format.
func (t *translator) readFormat(at sql.Position, table *Table, pieces []piece) []string {
	format := pieces[0].format
	class := format.SerDe[strings.LastIndexByte(format.SerDe, '.')+1:]
	switch {
	case strings.Contains(class, "Parquet") || class == "" && strings.Contains(format.InputFormat, "Parquet"):
		return t.readParquet(table, pieces)
	}
	pieces = t.unpacked(at, pieces)
	switch {
	case strings.EqualFold(class, "JsonSerDe"), strings.EqualFold(class, "HiveJsonSerDe"):
		return []string{t.readJSON(table, pieces)}
	case class == "RegexSerDe":
		return []string{t.readRegex(at, table, pieces)}
	case class == "OpenCSVSerde":
		return []string{t.readText(table, pieces, true)}
	case class == "LazySimpleSerDe", class == "":
		return []string{t.readText(table, pieces, false)}
	}
	fail(at, "NOT_SUPPORTED", "SerDe %s of table %s.%s is not supported", format.SerDe, table.Database, table.Name)
	return nil
}

// fileList is the files of pieces as a DuckDB list. The characters of patterns in names
// are put in brackets, so that they stand for themselves.
func fileList(pieces []piece) string {
	escape := strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")
	var b strings.Builder
	b.WriteByte('[')
	n := 0
	for _, p := range pieces {
		for _, f := range p.files {
			if n > 0 {
				b.WriteString(", ")
			}
			n++
			b.WriteString(quote(escape.Replace(f.Path)))
		}
	}
	return b.String() + "]"
}

// joinedFiles is how many files make it worth to join what differs by file, where a list
// constant would be copied for each chunk of rows.
const joinedFiles = 100

// perFile builds the expressions that have a value for each file of a reader's list.
type perFile struct {
	files int
	join  []string // select items of the joined relation, for many files
}

// expr is an expression that has one of the given values for each file.
func (p *perFile) expr(values []string, null []bool, typ string) string {
	same := true
	for i := range values {
		same = same && values[i] == values[0] && null[i] == null[0]
	}
	literal := func(i int) string {
		if null[i] {
			return "NULL"
		}
		return quote(values[i])
	}
	if same {
		return "CAST(" + literal(0) + " AS " + typ + ")"
	}
	parts := make([]string, len(values))
	for i := range values {
		parts[i] = literal(i)
	}
	list := "CAST([" + strings.Join(parts, ", ") + "] AS " + typ + "[])"
	if p.files <= joinedFiles {
		return list + "[CAST(file_index AS BIGINT) + 1]"
	}
	name := fmt.Sprintf("__file_value%d", len(p.join))
	p.join = append(p.join, "unnest("+list+") AS "+name)
	return name
}

// source is the reader, joined with what differs by file.
func (p *perFile) source(reader string) string {
	if p.join == nil {
		return reader
	}
	return fmt.Sprintf("%s JOIN (SELECT unnest(range(%d)) AS __file_number, %s) ON CAST(file_index AS BIGINT) = __file_number", reader, p.files, strings.Join(p.join, ", "))
}

// added is the select items of partition columns and "$path".
func (t *translator) added(table *Table, pieces []piece) ([]string, *perFile) {
	per := &perFile{}
	for _, p := range pieces {
		per.files += len(p.files)
	}
	var items []string
	for i, c := range table.PartitionColumns {
		var values []string
		var null []bool
		for _, p := range pieces {
			for range p.files {
				values = append(values, p.values[i])
				null = append(null, p.values[i] == defaultPartition)
			}
		}
		items = append(items, per.expr(values, null, duckType(trinoType(c.Type)))+" AS "+ident(strings.ToLower(c.Name)))
	}
	if t.path {
		var uris []string
		for _, p := range pieces {
			for _, f := range p.files {
				uris = append(uris, f.URI)
			}
		}
		items = append(items, per.expr(uris, make([]bool, len(uris)), "VARCHAR")+` AS "$path"`)
	}
	return items, per
}

// readParquet reads files of the same schema together: columns are found by name in any
// case, those that a file does not have are null.
func (t *translator) readParquet(table *Table, pieces []piece) []string {
	options := ""
	if !strings.Contains(strings.ToLower(columnTypes(table)), "binary") {
		options = ", binary_as_string=true"
	}
	var out []string
	for _, g := range t.bySchema(pieces) {
		actual := map[string]parquetColumn{}
		for _, c := range g.columns {
			if lower := strings.ToLower(c.name); actual[lower].name == "" {
				actual[lower] = c
			}
		}
		var items []string
		for _, c := range table.Columns {
			name, typ := strings.ToLower(c.Name), duckType(trinoType(c.Type))
			if a, ok := actual[name]; ok && a.typ == typ {
				items = append(items, ident(a.name)+" AS "+ident(name)) // a cast, even to the same type, costs
			} else if ok {
				items = append(items, "TRY_CAST("+ident(a.name)+" AS "+typ+") AS "+ident(name))
			} else {
				items = append(items, "CAST(NULL AS "+typ+") AS "+ident(name))
			}
		}
		added, per := t.added(table, g.pieces)
		items = append(items, added...)
		if t.bare && !t.path {
			items, per = []string{"1"}, &perFile{}
		}
		out = append(out, "SELECT "+strings.Join(items, ", ")+" FROM "+per.source("read_parquet("+fileList(g.pieces)+", hive_partitioning=false"+options+")"))
	}
	return out
}

func columnTypes(table *Table) string {
	var b strings.Builder
	for _, c := range table.Columns {
		b.WriteString(c.Type.String() + ",")
	}
	return b.String()
}

// readJSON reads newline-delimited objects. A value that does not fit its type is null. A
// line that is no JSON fails the query, unless the table says ignore.malformed.json, when
// all of its columns are null.
func (t *translator) readJSON(table *Table, pieces []piece) string {
	params := pieces[0].format.SerDeParams
	yes := func(name string) bool { return strings.EqualFold(params[name], "true") }
	keys := sampleKeys(pieces)
	if yes("dots.in.keys") {
		for path, key := range keys {
			if alias := strings.ReplaceAll(path, ".", "_"); keys[alias] == "" {
				keys[alias] = key
			}
		}
	}
	var fields, items []string
	seen := map[string]bool{}
	for _, c := range table.Columns {
		name := strings.ToLower(c.Name)
		key := name
		if m := params["mapping."+name]; m != "" {
			key = m
		}
		if actual := keys[strings.ToLower(key)]; actual != "" && !strings.EqualFold(params["case.insensitive"], "false") {
			key = actual
		}
		typ := trinoType(c.Type)
		nested := is(typ, "array", "map", "row")
		if !seen[strings.ToLower(key)] {
			seen[strings.ToLower(key)] = true
			// As text, so that no value can fail to be read.
			fields = append(fields, quote(key)+": "+map[bool]string{true: "'JSON'", false: "'VARCHAR'"}[nested])
		}
		text := withFormats(ident(key), typ, params, jsonValueOf(ident(key), typ))
		if nested {
			text = "TRY_CAST(TRY_CAST(" + ident(key) + " AS " + jsonType(typ, strings.ToLower(key)+"\x00", keys) + ") AS " + duckType(typ) + ")"
		}
		items = append(items, text+" AS "+ident(name))
	}
	if fields == nil {
		fields = []string{"'_': 'VARCHAR'"}
	}
	added, per := t.added(table, pieces)
	items = append(items, added...)
	return "SELECT " + strings.Join(items, ", ") + " FROM " + per.source("read_json("+fileList(pieces)+", columns={"+strings.Join(fields, ", ")+
		"}, format='newline_delimited', ignore_errors="+strconv.FormatBool(yes("ignore.malformed.json"))+", hive_partitioning=false, maximum_object_size=16777216)")
}

// jsonValueOf gives a JSON value's text its type.
func jsonValueOf(raw string, typ *sql.Type) string {
	if is(typ, "timestamp") { // numbers are milliseconds
		return "coalesce(TRY_CAST(" + raw + " AS TIMESTAMP), epoch_ms(TRY_CAST(" + raw + " AS BIGINT)))"
	}
	return textValue(raw, typ, false, "", "")
}

// withFormats tries the table's timestamp.formats before what timestamps look like else.
func withFormats(raw string, typ *sql.Type, params map[string]string, otherwise string) string {
	formats := params["timestamp.formats"]
	if formats == "" || !is(typ, "timestamp") {
		return otherwise
	}
	return "coalesce(trino_hive_timestamp(" + raw + ", " + quote(formats) + "), " + otherwise + ")"
}

// readRegex reads lines, whose columns are the groups of a pattern; those that do not
// match are null.
func (t *translator) readRegex(at sql.Position, table *Table, pieces []piece) string {
	params := pieces[0].format.SerDeParams
	pattern, missing := javaPattern(params["input.regex"])
	if missing != "" {
		fail(at, "NOT_SUPPORTED", "input.regex of table %s.%s: %s is not supported", table.Database, table.Name, missing)
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || pattern == "" {
		fail(at, "HIVE_INVALID_METADATA", "input.regex of table %s.%s is not a regular expression", table.Database, table.Name)
	}
	if re.MaxCap() != len(table.Columns) {
		fail(at, "HIVE_CURSOR_ERROR", "Number of matching groups doesn't match the number of columns")
	}
	if strings.EqualFold(params["input.regex.case.insensitive"], "true") {
		pattern = "(?i)" + pattern
	}
	pattern = quote("^(?:" + pattern + ")$")
	items := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		items[i] = textValue(fmt.Sprintf("CASE WHEN matched THEN regexp_extract(line, %s, %d) END", pattern, i+1), trinoType(c.Type), false, "", "") + " AS " + ident(strings.ToLower(c.Name))
	}
	added, per := t.added(table, pieces)
	items = append(items, added...)
	// A delimiter that no line has makes each a single field.
	return "SELECT " + strings.Join(items, ", ") + " FROM (SELECT *, regexp_matches(line, " + pattern + ") AS matched FROM " +
		per.source(fmt.Sprintf("read_csv(%s, columns={'line': 'VARCHAR'}, auto_detect=false, header=false, delim=%s, quote='', escape='', skip=%d, null_padding=true, strict_mode=false, ignore_errors=true, hive_partitioning=false)",
			fileList(pieces), quote("\x01\x02\x03\x04"), headerLines(table, params))) + ")"
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

// readText reads delimited text by position: every column as text first, so that what
// does not fit its type is null.
func (t *translator) readText(table *Table, pieces []piece, open bool) string {
	params := pieces[0].format.SerDeParams
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
	added, per := t.added(table, pieces)
	items = append(items, added...)
	// With quotes a line may end within a field, which DuckDB reads on one thread only.
	return "SELECT " + strings.Join(items, ", ") + " FROM " + per.source(fmt.Sprintf("read_csv(%s, columns={%s}, auto_detect=false, header=false, delim=%s, quote=%s, escape=%s, nullstr=%s, skip=%d, null_padding=true, strict_mode=false, ignore_errors=true, hive_partitioning=false, parallel=%t)",
		fileList(pieces), strings.Join(names, ", "), quote(delim), quote(quoteChar), quote(escape), quote(null), skip, !open))
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
	duck := duckType(typ)
	switch {
	case is(typ, "varchar", "char"):
		return raw
	case is(typ, "boolean"):
		return "CASE lower(" + raw + ") WHEN 'true' THEN true WHEN 'false' THEN false END"
	case isInteger(typ):
		// Only digits: 1.5 is no integer to Hive.
		return "CASE WHEN contains(" + raw + ", '.') OR contains(" + raw + ", 'e') OR contains(" + raw + ", 'E') THEN NULL ELSE TRY_CAST(" + raw + " AS " + duck + ") END"
	case is(typ, "date") && open:
		return "coalesce(TRY_CAST(" + raw + " AS DATE), DATE '1970-01-01' + TRY_CAST(" + raw + " AS INTEGER))"
	case is(typ, "timestamp") && open:
		return "coalesce(TRY_CAST(" + raw + " AS TIMESTAMP), epoch_ms(TRY_CAST(" + raw + " AS BIGINT)))"
	case is(typ, "varbinary"):
		// In base64, where it looks like that.
		return "coalesce(TRY(from_base64(" + raw + ")), encode(" + raw + "))"
	case is(typ, "array"):
		return "CASE WHEN " + raw + " = '' THEN [] ELSE TRY_CAST(string_split(" + raw + ", " + quote(items) + ") AS " + duck + ") END"
	case is(typ, "map"):
		return "TRY_CAST(map_from_entries(list_transform(string_split(" + raw + ", " + quote(items) + "), lambda e: {'key': string_split(e, " + quote(keys) + ")[1], 'value': string_split(e, " + quote(keys) + ")[2]})) AS " + duck + ")"
	case is(typ, "row"):
		parts := make([]string, len(typ.Fields))
		for i := range typ.Fields {
			parts[i] = ident(fieldName(typ, i)) + " := TRY_CAST(string_split(" + raw + ", " + quote(items) + ")[" + strconv.Itoa(i+1) + "] AS " + duckType(typ.Fields[i].Type) + ")"
		}
		return "CASE WHEN " + raw + " IS NOT NULL THEN struct_pack(" + strings.Join(parts, ", ") + ") END"
	}
	return "TRY_CAST(" + raw + " AS " + duck + ")"
}
