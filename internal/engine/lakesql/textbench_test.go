package lakesql

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
)

// BenchmarkText compares scans of text with the same by DuckDB's own readers: of files that
// DuckDB reads for us, and of those whose bytes are read here.
func BenchmarkText(b *testing.B) {
	e, l := newEngine(b)
	const rows = 500_000
	for _, f := range []struct{ name, serde, write, own string }{
		{"csv", textSerDe, "COPY (SELECT i AS id, i % 1100 AS device, 'device-' || (i % 1000) AS name, (i % 1000) / 8 AS price FROM range(500000) t(i)) TO $ (FORMAT csv, HEADER false)", "read_csv($, columns={'id': 'BIGINT', 'device': 'INT', 'name': 'VARCHAR', 'price': 'DOUBLE'}, auto_detect=false, delim=',', header=false)"},
		{"json", jsonSerDe, "COPY (SELECT i AS id, i % 1100 AS device, 'device-' || (i % 1000) AS name, (i % 1000) / 8 AS price FROM range(500000) t(i)) TO $ (FORMAT json)", "read_json($, columns={'id': 'BIGINT', 'device': 'INT', 'name': 'VARCHAR', 'price': 'DOUBLE'}, format='newline_delimited')"},
	} {
		for _, kind := range []string{"plain", "exact"} {
			name := f.name + kind
			l.add(b, name, "id bigint; device int; name string; price double", "", f.serde, map[string]string{"field.delim": ","})
			path := filepath.Join(l.dir, "b", name, "1."+f.name)
			l.write(b, "b/"+name+"/x", "")
			if err := runOpen(replace(f.write, path)); err != nil {
				b.Fatal(err)
			}
			if kind == "exact" {
				appendTo(b, path, map[string]string{"csv": "1,2,caf\xe9,3\n", "json": "{\"Id\":1,\"name\":1.10}\n"}[f.name])
			}
			if _, _, err := ask(e, l, "SELECT count(*) FROM "+name); err != nil { // the file is looked at
				b.Fatal(err)
			}
			b.Run(name+"/Athena", func(b *testing.B) {
				for b.Loop() {
					if _, _, err := ask(e, l, "SELECT device, sum(price), max(name), count(id) FROM "+name+" GROUP BY device"); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
			})
			if kind == "exact" {
				continue
			}
			b.Run(name+"/DuckDB", func(b *testing.B) {
				for b.Loop() {
					if _, err := askDuckDB(context.Background(), e, "SELECT device, sum(price), max(name), count(id) FROM "+replace(f.own, path)+" GROUP BY device"); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

func replace(text, path string) string { return strings.ReplaceAll(text, "$", duck.Quote(path)) }

func appendTo(t testing.TB, path, text string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
