package lakesql

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// BenchmarkScan compares queries over ten million rows with the same in DuckDB's own
// words over the same file.
func BenchmarkScan(b *testing.B) {
	e, l := newEngine(b)
	l.add(b, "big", "id bigint; device int; temperature int; cpu double; at timestamp; name string; price decimal(10,2)", "", parquetSerDe, nil)
	path := filepath.Join(l.dir, "b/big/1.parquet")
	writeParquet(b, path, "SELECT i AS id, (i % 1100)::INTEGER AS device, (hash(i) % 100)::INTEGER AS temperature, random() AS cpu, TIMESTAMP '2024-01-01' + to_seconds(i) AS at, 'device-' || (i % 1000) AS name, (i % 100000 / 100.0)::DECIMAL(10,2) AS price FROM range(10000000) t(i)")
	table := "read_parquet(" + duck.Quote(path) + ")"
	for _, q := range []struct{ name, athena, duckdb string }{
		{"Group", "SELECT device, avg(temperature), sum(cpu), count(*) FROM big WHERE temperature > 10 GROUP BY device ORDER BY device", ""},
		{"Count", "SELECT count(*) FROM big", ""},
		{"Filter", "SELECT count(*), min(id) FROM big WHERE name LIKE '%7' AND price BETWEEN 10.00 AND 500.00", ""},
		{"Decimal", "SELECT sum(price * 1.1), avg(price), max(price) FROM big", ""},
		{"Hour", "SELECT date_trunc('hour', at) AS h, count(*) FROM big GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10", `SELECT date_trunc('hour', "at") AS h, count(*) FROM $ GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`},
		{"Format", "SELECT date_format(at, '%Y-%m-%d') AS d, count(*) FROM big GROUP BY 1 ORDER BY 1", `SELECT strftime("at", '%Y-%m-%d') AS d, count(*) FROM $ GROUP BY 1 ORDER BY 1`},
		{"Distinct", "SELECT count(DISTINCT name), approx_distinct(id) FROM big", "SELECT count(DISTINCT name), approx_count_distinct(id) FROM $"},
		{"Join", "SELECT a.device, count(*) FROM big a JOIN (SELECT DISTINCT device FROM big WHERE device < 10) b ON a.device = b.device GROUP BY a.device ORDER BY 1", ""},
		{"Window", "SELECT device, m FROM (SELECT device, max(cpu) AS m, rank() OVER (ORDER BY max(cpu) DESC) r FROM big GROUP BY device) WHERE r <= 5", ""},
	} {
		if q.duckdb == "" {
			q.duckdb = strings.ReplaceAll(q.athena, "big", "$")
		}
		b.Run(q.name+"/Athena", func(b *testing.B) {
			for b.Loop() {
				if _, _, err := ask(e, l, q.athena); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(q.name+"/DuckDB", func(b *testing.B) {
			for b.Loop() {
				if _, err := askDuckDB(context.Background(), e, strings.ReplaceAll(q.duckdb, "$", table)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
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
