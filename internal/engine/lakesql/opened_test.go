package lakesql

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// closedLake has files that do not have their data as it is: each byte is another.
type closedLake struct{ *lake }

func hide(b []byte) []byte {
	out := bytes.Clone(b)
	for i := range out {
		out[i] ^= 0x5a
	}
	return out
}

func (l closedLake) Files(ctx context.Context, location string) ([]File, error) {
	files, err := l.lake.Files(ctx, location)
	for i, f := range files {
		files[i].Open = func() (io.ReadCloser, error) {
			b, err := os.ReadFile(f.Path)
			return io.NopCloser(bytes.NewReader(hide(b))), err
		}
	}
	return files, err
}

// TestClosedFiles: files whose data has to be opened are read as others are, whatever they are compressed with, count as
// many bytes, and what they were opened into goes with the query.
func TestClosedFiles(t *testing.T) {
	e, l := newEngine(t)
	queries := []string{}
	for name, content := range compressedFiles() {
		table := "c_" + strings.ReplaceAll(name, ".", "_")
		l.add(t, table, "a int; b string", "", textSerDe, map[string]string{"field.delim": ","})
		l.write(t, "b/"+table+"/"+name, content)
		queries = append(queries, `SELECT a, b, "$path", "$file_size" FROM `+table)
	}
	l.add(t, "j", "a int; b string", "d string", jsonSerDe, nil)
	l.partitions["j"] = []Partition{{Values: []string{"1"}, Location: "s3://b/j/d=1/"}, {Values: []string{"2"}, Location: "s3://b/j/d=2/"}}
	l.write(t, "b/j/d=1/x.json.gz", `{"a": 1, "b": "x"}`+"\n")
	l.write(t, "b/j/d=2/x.json", `{"a": 2, "b": "y"}`+"\n"+`{"a": 3}`+"\n")
	l.write(t, "b/j/d=2/no extension [*]", `{"a": 4}`+"\n")
	l.add(t, "p", "a int; b string; c bigint", "", parquetSerDe, nil)
	writeParquet(t, filepath.Join(l.dir, "b/p/1.parquet"), "SELECT i::INT AS a, 'text ' || i AS b, i AS c FROM range(1000) t(i)")
	writeParquet(t, filepath.Join(l.dir, "b/p/2.parquet"), "SELECT 7::INT AS a")
	queries = append(queries, `SELECT * FROM j ORDER BY a`, `SELECT count(*), sum(a) FROM p`, `SELECT count(*) FROM p`, `SELECT b FROM p WHERE a = 7 ORDER BY b`,
		`SELECT count(*) FROM p x JOIN p y ON x.a = y.a JOIN j ON j.a = x.a`)
	type answer struct {
		text string
		Stats
	}
	want := map[string]answer{}
	for _, q := range queries {
		got, stats, err := ask(e, l, q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		want[q] = answer{got, stats}
	}
	if err := filepath.WalkDir(l.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, hide(b), 0o644)
	}); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e, _ = newEngineAt(t, l.dir)
	for _, q := range queries {
		got, stats, err := askOf(e, l, closedLake{l}, q)
		if err != nil || got != want[q].text || stats.BytesScanned != want[q].BytesScanned {
			t.Errorf("%s:\n%s, %d bytes, %v\nwant\n%s, %d bytes", q, got, stats.BytesScanned, err, want[q].text, want[q].BytesScanned)
		}
	}
	left := 0
	if err := filepath.WalkDir(e.scratch, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left++
		}
		return err
	}); err != nil || left > 0 {
		t.Errorf("%d files stay, %v", left, err)
	}
	l.write(t, "b/j/d=2/bad.json", string(hide([]byte("no JSON"))))
	if _, _, err := askOf(e, l, closedLake{l}, "SELECT * FROM j"); err == nil || !strings.Contains(err.Error(), "s3://b/j/d=2/bad.json") || strings.Contains(err.Error(), e.scratch) {
		t.Errorf("the error names %v", err)
	}
}

// askOf is ask with files of its own.
func askOf(e *Engine, l *lake, files Files, text string) (string, Stats, error) {
	s, err := sql.Parse(text)
	if err != nil {
		return "", Stats{}, err
	}
	return answered(e, Request{Statement: s, Database: "db", Catalog: l, Files: files})
}
