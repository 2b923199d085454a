package hive

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// readJSON reads newline-delimited objects. A value that does not fit its type is null. A
// line that is no JSON fails the query, unless the table says ignore.malformed.json, when
// all of its columns are null.
func (s *scan) readJSON(pieces []Piece) string {
	table := s.Table
	params := pieces[0].Format.SerDeParams
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
		typ := TypeOf(c.Type)
		nested := types.Is(typ, "array", "map", "row")
		if !seen[strings.ToLower(key)] {
			seen[strings.ToLower(key)] = true
			// As text, so that no value can fail to be read.
			fields = append(fields, duck.Quote(key)+": "+map[bool]string{true: "'JSON'", false: "'VARCHAR'"}[nested])
		}
		text := withFormats(duck.Ident(key), typ, params, jsonValueOf(duck.Ident(key), typ))
		if nested {
			text = "TRY_CAST(TRY_CAST(" + duck.Ident(key) + " AS " + jsonType(typ, strings.ToLower(key)+"\x00", keys) + ") AS " + duck.Type(typ) + ")"
		}
		items = append(items, text+" AS "+duck.Ident(name))
	}
	if fields == nil {
		fields = []string{"'_': 'VARCHAR'"}
	}
	added, per := s.added(pieces)
	items = append(items, added...)
	return "SELECT " + strings.Join(items, ", ") + " FROM " + per.source("read_json("+fileList(pieces)+", columns={"+strings.Join(fields, ", ")+
		"}, format='newline_delimited', ignore_errors="+strconv.FormatBool(yes("ignore.malformed.json"))+", hive_partitioning=false, maximum_object_size=16777216)")
}

// jsonValueOf gives a JSON value's text its type.
func jsonValueOf(raw string, typ *sql.Type) string {
	if types.Is(typ, "timestamp") { // numbers are milliseconds
		return "coalesce(TRY_CAST(" + raw + " AS TIMESTAMP), epoch_ms(TRY_CAST(" + raw + " AS BIGINT)))"
	}
	return textValue(raw, typ, false, "", "")
}

// withFormats tries the table's timestamp.formats before what timestamps look like else.
func withFormats(raw string, typ *sql.Type, params map[string]string, otherwise string) string {
	formats := params["timestamp.formats"]
	if formats == "" || !types.Is(typ, "timestamp") {
		return otherwise
	}
	return "coalesce(trino_hive_timestamp(" + raw + ", " + duck.Quote(formats) + "), " + otherwise + ")"
}

// sampleKeys reads the first lines of some files and gives their keys by lower-case path
// (the parts end in NUL but for the last): Hive finds keys in any letter case, DuckDB
// does not.
func sampleKeys(pieces []Piece) map[string]string {
	keys := map[string]string{}
	var files []catalog.File
	for _, p := range pieces {
		files = append(files, p.Files...)
	}
	step := max(1, len(files)/sampledFiles)
	for i := 0; i < len(files); i += step {
		f, err := os.Open(files[i].Path)
		if err != nil {
			continue // the query will say so
		}
		var r io.Reader = f
		if strings.HasSuffix(files[i].Path, ".gz") {
			if z, err := gzip.NewReader(f); err == nil {
				r = z
			}
		}
		lines := bufio.NewScanner(io.LimitReader(r, sampledBytes))
		lines.Buffer(nil, sampledBytes+1)
		for n := 0; n < sampledLines && lines.Scan(); n++ {
			var object map[string]any
			if json.Unmarshal(lines.Bytes(), &object) == nil {
				addKeys(keys, "", object)
			}
		}
		f.Close()
	}
	return keys
}

// addKeys notes the keys of a value, and of what it holds behind their lower-case path.
func addKeys(keys map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			lower := path + strings.ToLower(k)
			if keys[lower] == "" || k == strings.ToLower(k) {
				keys[lower] = k
			}
			addKeys(keys, lower+"\x00", inner)
		}
	case []any:
		for _, inner := range v {
			addKeys(keys, path, inner)
		}
	}
}

// jsonType is the type that a column is read as: the declared one, with the names of
// fields as the files write them.
func jsonType(typ *sql.Type, path string, keys map[string]string) string {
	switch {
	case types.Is(typ, "row"):
		parts := make([]string, len(typ.Fields))
		for i := range typ.Fields {
			name := types.FieldName(typ, i)
			inner := path + name + "\x00"
			if actual := keys[path+name]; actual != "" {
				name = actual
			}
			parts[i] = duck.Ident(name) + " " + jsonType(typ.Fields[i].Type, inner, keys)
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	case types.Is(typ, "array") && len(typ.Args) == 1:
		return jsonType(typ.Args[0], path, keys) + "[]"
	}
	return duck.Type(typ)
}
