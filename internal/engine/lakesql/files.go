package lakesql

import (
	"bufio"
	"compress/gzip"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// schemaCache remembers the columns of Parquet files; it is emptied when it is full.
type schemaCache struct {
	mu    sync.Mutex
	files map[fileKey]*parquetSchema
}

type fileKey struct {
	path          string
	size, modTime int64
}

type parquetSchema struct {
	signature string
	columns   []parquetColumn // of the top level
}

// parquetColumn is a column with the type that DuckDB reads it as, empty if it is nested.
type parquetColumn struct{ name, typ string }

const maxCachedSchemas = 100_000

// schemaGroup is files that have one schema.
type schemaGroup struct {
	columns []parquetColumn
	pieces  []piece
}

// bySchema groups files by the schema in their footers, keeping the order.
func (t *translator) bySchema(pieces []piece) []schemaGroup {
	keys := map[string]fileKey{}
	found := map[string]*parquetSchema{}
	var missing []File
	cache := &t.engine.schemas
	for _, p := range pieces {
		for _, f := range p.files {
			info, err := os.Stat(f.Path)
			if err != nil {
				panic(stop{&Error{Name: "HIVE_CANNOT_OPEN_SPLIT", Message: "Error opening " + f.URI}})
			}
			k := fileKey{f.Path, info.Size(), info.ModTime().UnixNano()}
			keys[f.Path] = k
			cache.mu.Lock()
			s := cache.files[k]
			cache.mu.Unlock()
			if s != nil {
				found[f.Path] = s
			} else {
				missing = append(missing, f)
			}
		}
	}
	if missing != nil {
		schemas, err := t.engine.readSchemas(t.ctx, missing)
		if err != nil {
			panic(stop{queryError(t.ctx, err)})
		}
		cache.mu.Lock()
		if cache.files == nil || len(cache.files)+len(schemas) > maxCachedSchemas {
			cache.files = map[fileKey]*parquetSchema{}
		}
		for path, s := range schemas {
			found[path] = s
			cache.files[keys[path]] = s
		}
		cache.mu.Unlock()
	}
	var groups []schemaGroup
	index := map[string]int{}
	for _, p := range pieces {
		for _, f := range p.files {
			s := found[f.Path]
			if s == nil {
				panic(stop{&Error{Name: "HIVE_BAD_DATA", Message: "Error reading the schema of " + f.URI}})
			}
			i, ok := index[s.signature]
			if !ok {
				i = len(groups)
				index[s.signature] = i
				groups = append(groups, schemaGroup{columns: s.columns})
			}
			g := &groups[i]
			if n := len(g.pieces); n == 0 || !sameValues(g.pieces[n-1].values, p.values) {
				g.pieces = append(g.pieces, piece{values: p.values, format: p.format})
			}
			last := &g.pieces[len(g.pieces)-1]
			last.files = append(last.files, f)
		}
	}
	return groups
}

func sameValues(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// readSchemas asks DuckDB for the footers' schemas.
func (e *Engine) readSchemas(ctx context.Context, files []File) (map[string]*parquetSchema, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer e.release(c)
	rows, err := c.(driver.QueryerContext).QueryContext(ctx, "SELECT file_name, name, coalesce(type, ''), coalesce(num_children, 0)::BIGINT, coalesce(duckdb_type, '') FROM parquet_schema("+fileList([]piece{{files: files}})+")", nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	type reading struct {
		b    strings.Builder
		cols []parquetColumn
		skip int64 // nodes below the top level still to come
		root bool
	}
	open := map[string]*reading{}
	values := make([]driver.Value, 5)
	for {
		if err := rows.Next(values); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, err
		}
		path, name := values[0].(string), values[1].(string)
		children, _ := values[3].(int64)
		r := open[path]
		if r == nil {
			r = &reading{}
			open[path] = r
		}
		fmt.Fprintf(&r.b, "%s %s %d %s;", name, values[2], children, values[4])
		switch {
		case !r.root:
			r.root = true
		case r.skip > 0:
			r.skip += children - 1
		default:
			c := parquetColumn{name: name}
			if children == 0 {
				c.typ, _ = values[4].(string)
			}
			r.cols = append(r.cols, c)
			r.skip = children
		}
	}
	shared := map[string]*parquetSchema{}
	out := make(map[string]*parquetSchema, len(open))
	for path, r := range open {
		signature := r.b.String()
		s := shared[signature]
		if s == nil {
			s = &parquetSchema{signature, r.cols}
			shared[signature] = s
		}
		out[path] = s
	}
	return out, nil
}

// How much of JSON files is looked at for the letter case of their keys.
const (
	sampledFiles = 16
	sampledBytes = 64 << 10
	sampledLines = 64
)

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
	case is(typ, "row"):
		parts := make([]string, len(typ.Fields))
		for i := range typ.Fields {
			name := fieldName(typ, i)
			inner := path + name + "\x00"
			if actual := keys[path+name]; actual != "" {
				name = actual
			}
			parts[i] = ident(name) + " " + jsonType(typ.Fields[i].Type, inner, keys)
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	case is(typ, "array") && len(typ.Args) == 1:
		return jsonType(typ.Args[0], path, keys) + "[]"
	}
	return duckType(typ)
}

// sampleKeys reads the first lines of some files and gives their keys by lower-case path
// (the parts end in NUL but for the last): Hive finds keys in any letter case, DuckDB
// does not.
func sampleKeys(pieces []piece) map[string]string {
	keys := map[string]string{}
	var files []File
	for _, p := range pieces {
		files = append(files, p.files...)
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
