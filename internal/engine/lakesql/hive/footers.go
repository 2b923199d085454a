package hive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/parquetclaims"
)

// Footers remembers the columns of Parquet files; it is emptied when it is full. It is safe
// for use by many goroutines.
type Footers struct {
	// Query runs a statement of DuckDB's and hands its rows out, which have no nulls.
	Query func(ctx context.Context, text string, row func(values []string)) error

	mu    sync.Mutex
	files map[fileKey]parquetFile
	plain map[verdictKey]bool   // whether DuckDB reads a text file right
	fine  map[verdictKey]uint64 // which of some columns have digits beyond milliseconds
}

type fileKey struct {
	path          string
	size, modTime int64
}

// parquetFile is what the footer of a file says.
type parquetFile struct {
	*parquetSchema
	sizes []int64 // bytes of the columns, compressed
}

type parquetSchema struct {
	signature string
	columns   []parquetColumn // of the top level
}

// parquetColumn is a column with the type that DuckDB reads it as and Parquet's own, both empty
// if it is nested.
type parquetColumn struct {
	name, typ, physical string
	nested              *duckType // nil where DuckDB gives no nested type that is understood
}

const maxCachedSchemas = 100_000

// schemaGroup is files that have one schema.
type schemaGroup struct {
	columns []parquetColumn
	pieces  []Piece
	sizes   map[string][]int64 // of the columns, by path of the file
}

// bySchema groups files by the schema in their footers, keeping the order.
func (s *scan) bySchema(pieces []Piece) []schemaGroup {
	keys := map[string]fileKey{}
	found := map[string]parquetFile{}
	var missing []catalog.File
	cache := s.Footers
	for _, p := range pieces {
		for _, f := range p.Files {
			info, err := os.Stat(f.Path)
			if err != nil {
				panic(fault.Stop(&fault.Error{Name: "HIVE_CANNOT_OPEN_SPLIT", Message: "Error opening " + f.URI}))
			}
			k := fileKey{f.Path, info.Size(), info.ModTime().UnixNano()}
			keys[f.Path] = k
			cache.mu.Lock()
			schema := cache.files[k]
			cache.mu.Unlock()
			if schema.parquetSchema != nil {
				found[f.Path] = schema
			} else {
				missing = append(missing, f)
			}
		}
	}
	if missing != nil {
		schemas, err := cache.read(s.ctx, missing)
		if err != nil {
			panic(fault.Stop(err))
		}
		cache.mu.Lock()
		if cache.files == nil || len(cache.files)+len(schemas) > maxCachedSchemas {
			cache.files = map[fileKey]parquetFile{}
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
		for _, f := range p.Files {
			s := found[f.Path]
			if s.parquetSchema == nil {
				panic(fault.Stop(&fault.Error{Name: "HIVE_BAD_DATA", Message: "Error reading the schema of " + f.URI}))
			}
			i, ok := index[s.signature]
			if !ok {
				i = len(groups)
				index[s.signature] = i
				groups = append(groups, schemaGroup{columns: s.columns, sizes: map[string][]int64{}})
			}
			g := &groups[i]
			if n := len(g.pieces); n == 0 || !sameValues(g.pieces[n-1].Values, p.Values) {
				g.pieces = append(g.pieces, Piece{Values: p.Values, Format: p.Format})
			}
			last := &g.pieces[len(g.pieces)-1]
			last.Files = append(last.Files, f)
			g.sizes[f.Path] = s.sizes
		}
	}
	return groups
}

// finer is the columns of a group of files that have digits of seconds beyond the third. That
// is looked for once a file.
func (s *scan) finer(g schemaGroup, columns []string) map[string]bool {
	out := map[string]bool{}
	if len(columns) == 0 {
		return out
	}
	cache := s.Footers
	keys := map[string]verdictKey{}
	missing := Piece{}
	signature := "finer " + strings.Join(columns, "\x00")
	for _, p := range g.pieces {
		for _, f := range p.Files {
			info, err := os.Stat(f.Path)
			if err != nil {
				panic(fault.Stop(err))
			}
			key := verdictKey{fileKey{f.Path, info.Size(), info.ModTime().UnixNano()}, signature}
			cache.mu.Lock()
			found, known := cache.fine[key]
			cache.mu.Unlock()
			if !known {
				keys[f.Path] = key
				missing.Files = append(missing.Files, f)
			}
			for i, c := range columns {
				out[c] = out[c] || found&(1<<i) != 0
			}
		}
	}
	if missing.Files == nil {
		return out
	}
	bits := make([]string, len(columns))
	for i, c := range columns {
		bits[i] = fmt.Sprintf("CASE WHEN bool_or(epoch_us(%s) %% 1000 <> 0) THEN %d ELSE 0 END", duck.Ident(c), int64(1)<<i)
	}
	err := cache.Query(s.ctx, "SELECT filename, CAST("+strings.Join(bits, " + ")+" AS BIGINT) FROM read_parquet("+fileList([]Piece{missing})+", hive_partitioning=false, filename=true) GROUP BY filename", func(values []string) {
		found, _ := strconv.ParseUint(values[1], 10, 64)
		for i, c := range columns {
			out[c] = out[c] || found&(1<<i) != 0
		}
		if key, ok := keys[values[0]]; ok {
			delete(keys, values[0])
			cache.remember(key, found)
		}
	})
	if err != nil {
		if len(missing.Files) == 1 {
			err = NameParquet(err, missing.Files[0].URI)
		}
		panic(fault.Stop(err))
	}
	for _, key := range keys { // without rows
		cache.remember(key, 0)
	}
	return out
}

func (c *Footers) remember(key verdictKey, found uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fine == nil || len(c.fine) >= maxCachedSchemas {
		c.fine = map[verdictKey]uint64{}
	}
	c.fine[key] = found
}

func sameValues(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// NameParquet puts a file into the text of an error of a Parquet file that DuckDB does not name.
func NameParquet(err error, uri string) error {
	var q *fault.Error
	if !errors.As(err, &q) {
		return err
	}
	for _, words := range []string{UnreadableParquet, MalformedParquet} {
		if text, ok := strings.CutPrefix(q.Message, words); ok {
			q.Message = strings.TrimSuffix(words, ": ") + " " + uri + ": " + text
		}
	}
	return err
}

// What such texts begin with.
const (
	UnreadableParquet = "Failed to read Parquet file: "
	MalformedParquet  = "Malformed Parquet file: "
)

// checkFooter fails for a file whose footer says what cannot be true: DuckDB would give as many rows as it says there
// are, or none. What is no Parquet file at all is left to DuckDB to tell.
func checkFooter(f catalog.File) error {
	in, err := os.Open(f.Path)
	if err != nil {
		return &fault.Error{Name: "HIVE_CANNOT_OPEN_SPLIT", Message: "Error opening " + f.URI}
	}
	defer in.Close() // it is only read
	info, err := in.Stat()
	if err != nil {
		return err
	}
	end := make([]byte, 4)
	if _, err := in.ReadAt(end, info.Size()-4); err != nil || string(end) != "PAR1" || info.Size() < 12 {
		return nil
	}
	if err := parquetclaims.Footer(in, info.Size()); err != nil {
		return &fault.Error{Name: "HIVE_BAD_DATA", Message: "Malformed Parquet file " + f.URI + ": " + err.Error()}
	}
	return nil
}

// read asks DuckDB for the footers' schemas.
func (c *Footers) read(ctx context.Context, files []catalog.File) (map[string]parquetFile, error) {
	type reading struct {
		b    strings.Builder
		cols []parquetColumn
		leaf []int // the column of each that does not nest
		skip int64 // nodes below the top level still to come
		root bool
	}
	for _, f := range files {
		if err := checkFooter(f); err != nil {
			return nil, err
		}
	}
	open := map[string]*reading{}
	text := "SELECT file_name, name, coalesce(type, ''), coalesce(num_children, 0)::BIGINT, coalesce(duckdb_type, '') FROM parquet_schema(" + fileList([]Piece{{Files: files}}) + ")"
	err := c.Query(ctx, text, func(values []string) {
		path, name := values[0], values[1]
		children, _ := strconv.ParseInt(values[3], 10, 64)
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
				c.typ, c.physical = values[4], values[2]
			}
			r.cols = append(r.cols, c)
			r.skip = children
		}
		if children == 0 && len(r.cols) > 0 {
			r.leaf = append(r.leaf, len(r.cols)-1)
		}
	})
	if err != nil {
		return nil, err
	}
	sizes := map[string][]int64{}
	text = "SELECT file_name, column_id::BIGINT, sum(total_compressed_size)::BIGINT FROM parquet_metadata(" + fileList([]Piece{{Files: files}}) + ") WHERE total_compressed_size > 0 GROUP BY file_name, column_id"
	err = c.Query(ctx, text, func(values []string) {
		r := open[values[0]]
		leaf, _ := strconv.Atoi(values[1])
		size, _ := strconv.ParseInt(values[2], 10, 64)
		if r == nil || leaf < 0 || leaf >= len(r.leaf) {
			return
		}
		if sizes[values[0]] == nil {
			sizes[values[0]] = make([]int64, len(r.cols))
		}
		sizes[values[0]][r.leaf[leaf]] += size
	})
	if err != nil {
		return nil, err
	}
	shared := map[string]*parquetSchema{}
	out := make(map[string]parquetFile, len(open))
	for path, r := range open {
		signature := r.b.String()
		s := shared[signature]
		if s == nil {
			if slices.ContainsFunc(r.cols, func(c parquetColumn) bool { return c.typ == "" }) {
				if err := c.describeNested(ctx, path, r.cols); err != nil {
					return nil, err
				}
			}
			s = &parquetSchema{signature, r.cols}
			shared[signature] = s
		}
		out[path] = parquetFile{s, sizes[path]}
	}
	return out, nil
}
