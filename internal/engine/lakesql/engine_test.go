package lakesql

import (
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// lake is a catalog and an object directory for tests.
type lake struct {
	dir        string
	tables     map[string]*Table
	partitions map[string][]Partition
}

func (l *lake) Table(_ context.Context, db, name string) (*Table, error) {
	if db != "db" {
		return nil, ErrNoDatabase
	}
	if t := l.tables[name]; t != nil {
		return t, nil
	}
	return nil, ErrNoTable
}

func (l *lake) Partitions(_ context.Context, t *Table) ([]Partition, error) {
	return l.partitions[t.Name], nil
}
func (l *lake) Databases(context.Context) ([]string, error) { return []string{"db"}, nil }
func (l *lake) Tables(context.Context, string) ([]string, error) {
	var names []string
	for n := range l.tables {
		names = append(names, n)
	}
	sort.Strings(names)
	return names, nil
}

func (l *lake) Files(_ context.Context, location string) ([]File, error) {
	root := filepath.Join(l.dir, strings.TrimPrefix(location, "s3://"))
	var files []File
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || info.Size() == 0 {
			return nil
		}
		files = append(files, File{URI: "s3://" + strings.TrimPrefix(path, l.dir+"/"), Path: path, Size: info.Size()})
		return nil
	})
	return files, err
}

func columns(t testing.TB, spec string) []Column {
	var out []Column
	for _, c := range strings.Split(spec, ";") {
		name, typ, _ := strings.Cut(strings.TrimSpace(c), " ")
		h, err := hivetype.Parse(typ)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Column{Name: name, Type: h})
	}
	return out
}

const (
	parquetSerDe = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
	jsonSerDe    = "org.openx.data.jsonserde.JsonSerDe"
	openCSVSerDe = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
	textSerDe    = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
)

func newEngine(t testing.TB) (*Engine, *lake) {
	t.Helper()
	return newEngineAt(t, t.TempDir())
}

func newEngineAt(t testing.TB, dir string) (*Engine, *lake) {
	t.Helper()
	e, err := Open(Options{Dir: dir, TempDir: t.TempDir(), Clock: clockwork.NewFakeClockAt(time.Date(2024, 1, 10, 12, 0, 0, 0, time.UTC))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e, &lake{dir: dir, tables: map[string]*Table{}, partitions: map[string][]Partition{}}
}

func (l *lake) write(t testing.TB, key, content string) {
	t.Helper()
	path := filepath.Join(l.dir, key)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if strings.HasSuffix(key, ".gz") {
		z := gzip.NewWriter(f)
		defer z.Close()
		fmt.Fprint(z, content)
		return
	}
	fmt.Fprint(f, content)
}

// writer makes files with a DuckDB that nothing shuts off.
func writeParquet(t testing.TB, path, query string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := runOpen(fmt.Sprintf("COPY (%s) TO %s (FORMAT parquet)", query, duck.Quote(path))); err != nil {
		t.Fatal(err)
	}
}

func (l *lake) add(t testing.TB, name, cols, partition, serde string, params map[string]string) *Table {
	table := &Table{Database: "db", Name: name, Columns: columns(t, cols), Location: "s3://b/" + name + "/", Format: Format{SerDe: serde, SerDeParams: params}, Parameters: map[string]string{}}
	if partition != "" {
		table.PartitionColumns = columns(t, partition)
	}
	l.tables[name] = table
	return table
}

// ask runs a query and gives its rows as lines, values separated by |, nulls as NULL.
func ask(e *Engine, l *lake, text string) (string, Stats, error) {
	s, err := sql.Parse(text)
	if err != nil {
		return "", Stats{}, err
	}
	return answered(e, Request{Statement: s, Database: "db", Catalog: l, Files: l})
}

// answered runs a query.
func answered(e *Engine, request Request) (string, Stats, error) {
	ctx := context.Background()
	r, err := e.Query(ctx, request)
	if err != nil {
		return "", Stats{}, err
	}
	defer r.Close()
	var lines []string
	for r.Next(ctx) {
		var parts []string
		for _, v := range r.Row() {
			if v.Null {
				v.Text = "NULL"
			}
			parts = append(parts, v.Text)
		}
		lines = append(lines, strings.Join(parts, "|"))
	}
	return strings.Join(lines, "\n"), r.Stats, r.Err()
}

// TestExpressions runs testdata/expressions.txt: each line "expression => value".
func TestExpressions(t *testing.T) {
	e, l := newEngine(t)
	data, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		x, want, _ := strings.Cut(line, " => ")
		if x == "" || strings.HasPrefix(x, "#") {
			out = append(out, line)
			continue
		}
		got, _, err := ask(e, l, "SELECT "+x)
		if err != nil {
			got = "error: " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		if got != want && !*update {
			t.Errorf("%s\ngot:  %s\nwant: %s", x, got, want)
		}
		out = append(out, x+" => "+got)
	}
	if *update {
		if err := os.WriteFile("testdata/expressions.txt", []byte(strings.Join(out, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A node that is reset between tests opens an engine each time: nothing of the last one
// may stay.
func TestCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 3 {
		e, err := Open(Options{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(time.Minute)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<16)
			t.Fatalf("goroutines that stay:\n%s", buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(10 * time.Millisecond)
	}
}
