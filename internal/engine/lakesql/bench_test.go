package lakesql

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// BenchmarkGroup compares a query with the same in DuckDB's own words over the same file.
func BenchmarkGroup(b *testing.B) {
	e, l := newEngine(b)
	l.add(b, "big", "id bigint; device int; temperature int; cpu double; at timestamp", "", parquetSerDe, nil)
	path := filepath.Join(l.dir, "b/big/1.parquet")
	writeParquet(b, path, "SELECT i AS id, (i % 11)::INTEGER AS device, (hash(i) % 100)::INTEGER AS temperature, random() AS cpu, TIMESTAMP '2024-01-01' + to_seconds(i) AS at FROM range(2000000) t(i)")
	b.Run("Athena", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := ask(e, l, "SELECT device, avg(temperature), sum(cpu), count(*) FROM big WHERE temperature > 10 GROUP BY device ORDER BY device"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("DuckDB", func(b *testing.B) {
		ctx := context.Background()
		for b.Loop() {
			c, err := e.connect(ctx)
			if err != nil {
				b.Fatal(err)
			}
			r, err := e.run(ctx, c, "SELECT device, avg(temperature), sum(cpu), count(*) FROM read_parquet("+quote(path)+") WHERE temperature > 10 GROUP BY device ORDER BY device")
			if err != nil {
				b.Fatal(err)
			}
			for r.Next(ctx) {
			}
			r.Close()
		}
	})
	b.Run("Constant", func(b *testing.B) { // the fixed cost
		for b.Loop() {
			if _, _, err := ask(e, l, "SELECT 1"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// FuzzTranslate: no text may panic the translator or make DuckDB fail to parse.
func FuzzTranslate(f *testing.F) {
	e, l := newEngine(f)
	l.add(f, "t", "a string; b int; c array<int>; d map<string,int>; e struct<x:int>; g timestamp", "", textSerDe, nil)
	for _, s := range []string{"SELECT * FROM t", "SELECT a, count(*) FROM t GROUP BY 1", "SELECT transform(c, x -> x + b) FROM t", "SELECT date_format(g, '%Y') FROM t, UNNEST(c) u(x)",
		"WITH q AS (SELECT 1 x) SELECT * FROM q JOIN t ON x = b", "SELECT d['a'], e.x, c[1] FROM t WHERE a LIKE 'x%'", "VALUES (1, 'a')", "SELECT INTERVAL '1' DAY, CAST(b AS decimal(10, 2)) FROM t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := sql.Parse(text)
		if err != nil {
			return
		}
		if _, ok := s.(*sql.Query); !ok {
			return
		}
		// Errors are fine, panics are not.
		_, _ = e.Schema(context.Background(), Request{Statement: s, Database: "db", Catalog: l, Files: l})
	})
}
