package lakesql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

func runOpen(text string) error {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return err
	}
	defer connector.Close()
	c, err := connector.Connect(context.Background())
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.(driver.ExecerContext).ExecContext(context.Background(), text, nil)
	return err
}

func TestTables(t *testing.T) {
	e, l := newEngine(t)
	l.add(t, "pq", "id bigint; name string; extra double; s struct<a:int,b:string>", "dt date", parquetSerDe, nil)
	writeParquet(t, filepath.Join(l.dir, "b/pq/dt=2024-01-01/1.parquet"), "SELECT 1::BIGINT AS \"ID\", 'a' AS name, {'a': 1, 'b': 'x'} AS s")
	writeParquet(t, filepath.Join(l.dir, "b/pq/dt=2024-01-02/[1]*?.parquet"), "SELECT 2::INTEGER AS id, 'b' AS name, 1.5::DOUBLE AS extra")
	writeParquet(t, filepath.Join(l.dir, "b/pq/2024 01 03/x.parquet"), "SELECT 3::BIGINT AS id, NULL::VARCHAR AS name")
	l.partitions["pq"] = []Partition{
		{Values: []string{"2024-01-01"}, Location: "s3://b/pq/dt=2024-01-01"},
		{Values: []string{"2024-01-02"}, Location: "s3://b/pq/dt=2024-01-02"},
		{Values: []string{"2024-01-03"}, Location: "s3://b/pq/2024 01 03"},
	}
	l.add(t, "js", "id int; name string; tags array<string>; o struct<x:int,y:string>; at timestamp; m map<string,int>", "", jsonSerDe, nil)
	l.write(t, "b/js/1.json", `{"ID":1,"name":"a","tags":["x","y"],"o":{"x":1,"y":"q"},"at":"2024-01-01 10:00:00","m":{"k":1}}
not json
{"ID":"2","name":{"nested":true},"tags":null,"at":"2024-01-01T10:00:00Z"}
{"ID":"zz","name":5,"other":1}
`)
	l.write(t, "b/js/deep/2.json.gz", "{\"ID\":9,\"name\":\"gz\"}\n")
	l.add(t, "txt", "a string; b int; c double; d boolean; e array<int>; f date", "", textSerDe, map[string]string{"field.delim": ",", "collection.delim": "|"})
	l.write(t, "b/txt/1.csv", "x,1,1.5,TRUE,1|2|3,2024-01-01\ny,1.5,z,1,,bad\nz\n\\N,7,1,false,4,2024-02-01,extra,columns\n\"q\",2,,,,\n")
	l.tables["txt2"] = func() *Table { c := *l.tables["txt"]; c.Name = "txt2"; return &c }()
	l.add(t, "csv", "a string; b int; c date", "", openCSVSerDe, nil).Parameters["skip.header.line.count"] = "1"
	l.write(t, "b/csv/1.csv", "a,b,c\n\"x, y\",1,2024-01-01\n\"say \\\"hi\\\"\",2,19723\n,,\n")
	l.add(t, "camel", "devicename string; info struct<fwversion:int,parts:array<struct<partname:string>>>", "", jsonSerDe, nil)
	l.write(t, "b/camel/1.json", `{"deviceName":"d","info":{"fwVersion":3,"parts":[{"partName":"p"}]}}`)
	l.add(t, "empty", "a string; b int", "", parquetSerDe, nil)
	p := l.add(t, "proj", "a string", "dt string; n int", textSerDe, map[string]string{"field.delim": ","})
	p.Parameters = map[string]string{"projection.enabled": "true", "projection.dt.type": "date", "projection.dt.format": "yyyy-MM-dd", "projection.dt.range": "2024-01-01,NOW",
		"projection.n.type": "integer", "projection.n.range": "1,3", "storage.location.template": "s3://b/proj/${dt}/${n}"}
	l.write(t, "b/proj/2024-01-02/2/f", "p\n")
	l.write(t, "b/proj/2024-01-09/3/f", "q\n")
	l.tables["v"] = &Table{Database: "db", Name: "v", ViewSQL: "WITH q AS (SELECT id, name x, count(*) FROM pq GROUP BY 1, 2) SELECT * FROM q WHERE id < 3"}
	l.tables["loop"] = &Table{Database: "db", Name: "loop", ViewSQL: "SELECT * FROM loop"}

	for _, test := range []struct{ query, want string }{
		{"SELECT * FROM pq ORDER BY id", "1|a|NULL|{a=1, b=x}|2024-01-01\n2|b|1.5|NULL|2024-01-02\n3|NULL|NULL|NULL|2024-01-03"},
		{`SELECT id, "$path" FROM pq WHERE dt >= DATE '2024-01-02' ORDER BY 1`, "2|s3://b/pq/dt=2024-01-02/[1]*?.parquet\n3|s3://b/pq/2024 01 03/x.parquet"},
		{`SELECT *, "$path" FROM pq t WHERE t.dt = DATE '2024-01-01'`, "1|a|NULL|{a=1, b=x}|2024-01-01|s3://b/pq/dt=2024-01-01/1.parquet"},
		{"SELECT s.a, pq.s.b, db.pq.id FROM db.pq WHERE dt IN (DATE '2024-01-01')", "1|x|1"},
		{"SELECT * FROM js ORDER BY id", "1|a|[x, y]|{x=1, y=q}|2024-01-01 10:00:00.000|{k=1}\n2|{\"nested\":true}|NULL|NULL|2024-01-01 10:00:00.000|NULL\n9|gz|NULL|NULL|NULL|NULL\nNULL|NULL|NULL|NULL|NULL|NULL\nNULL|5|NULL|NULL|NULL|NULL"},
		{"SELECT * FROM txt", "x|1|1.5|true|[1, 2, 3]|2024-01-01\ny|NULL|NULL|NULL|[]|NULL\nz|NULL|NULL|NULL|NULL|NULL\nNULL|7|1.0|false|[4]|2024-02-01\n\"q\"|2|NULL|NULL|[]|NULL"},
		{"SELECT * FROM csv", "x, y|1|2024-01-01\nsay \"hi\"|2|2024-01-01\n|NULL|NULL"},
		{"SELECT count(*), sum(b), max(a) FROM empty", "0|NULL|NULL"},
		{"SELECT * FROM empty", ""},
		{"SELECT devicename, info.fwversion, info.parts[1].partname, info FROM camel", "d|3|p|{fwversion=3, parts=[{partname=p}]}"},
		{"SELECT * FROM proj ORDER BY 1", "p|2024-01-02|2\nq|2024-01-09|3"},
		{"SELECT a FROM proj WHERE dt = '2024-01-09' AND n > 2", "q"},
		{"SELECT * FROM v ORDER BY id", "1|a|1\n2|b|1"},
		{`SELECT a."_col2" FROM v a JOIN "awsdatacatalog"."db"."pq" b ON a.id = b.id`, "1\n1"},
		{"SELECT t.x, u.tag FROM js t0 CROSS JOIN UNNEST(tags) AS u(tag) JOIN (SELECT 1 x) t ON t.x = t0.id ORDER BY 2", "1|x\n1|y"},
		{"SELECT id, k, val FROM js CROSS JOIN UNNEST(m) AS t(k, val)", "1|k|1"},
		{"SELECT a, n FROM UNNEST(ARRAY['x', 'y']) WITH ORDINALITY AS t(a, n)", "x|1\ny|2"},
		{"SELECT x, y FROM UNNEST(ARRAY[ROW(1, 'a'), ROW(2, 'b')]) AS t(x, y)", "1|a\n2|b"},
		{"WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT sum(n) FROM t", "5050"},
		{"SELECT n FROM (VALUES 3, NULL, 1) AS t(n) ORDER BY n DESC", "3\n1\nNULL"},
		{"SELECT name, id count, rank() OVER (ORDER BY id DESC) r FROM pq WHERE name IS NOT NULL ORDER BY 2", "a|1|2\nb|2|1"},
		{"SELECT grouping(name), name, sum(id) FROM pq GROUP BY ROLLUP (name) ORDER BY 1, 2", "0|a|1\n0|b|2\n0|NULL|3\n1|NULL|6"},
		{"SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'db' AND table_name LIKE 'p%'", "pq|BASE TABLE\nproj|BASE TABLE"},
		{"SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'csv' ORDER BY ordinal_position", "a|varchar\nb|integer\nc|date"},
		{"SELECT (SELECT max(id) FROM pq WHERE pq.id <= o.id) FROM js o WHERE o.id = 2", "2"},
		{"SELECT approx_distinct(id), count(DISTINCT id), count_if(id > 1), array_agg(id ORDER BY id DESC), max_by(name, extra), listagg(name, ',') WITHIN GROUP (ORDER BY name DESC) FROM pq", "3|3|2|[3, 2, 1]|b|b,a"},
	} {
		got, _, err := ask(e, l, test.query)
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
		} else if got != test.want {
			t.Errorf("%s\ngot:\n%s\nwant:\n%s", test.query, got, test.want)
		}
	}
	_, stats, err := ask(e, l, "SELECT * FROM pq WHERE dt = DATE '2024-01-01'")
	if err != nil || stats.Files != 1 || stats.Rows != 1 || stats.BytesScanned == 0 {
		t.Errorf("pruned scan: %+v, %v", stats, err)
	}
	for query, want := range map[string]string{
		"SELECT * FROM nothing":               "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nothing' does not exist",
		"SELECT * FROM nodb.t":                "SCHEMA_NOT_FOUND: line 1:15: Schema 'nodb' does not exist",
		"SELECT foo FROM pq":                  "COLUMN_NOT_FOUND: line 1:8: Column 'foo' cannot be resolved",
		"SELECT foo(1)":                       "FUNCTION_NOT_FOUND: line 1:8: Function 'foo' not registered",
		"SELECT * FROM loop":                  "VIEW_IS_RECURSIVE: line 1:15: View 'db.loop' is recursive",
		"SELECT 1/0":                          "DIVISION_BY_ZERO: Division by zero",
		"SELECT * FROM pq WHERE name = 1":     "TYPE_MISMATCH: line 1:29: Cannot apply operator: varchar = integer",
		"SELECT id FROM pq UNION SELECT 1, 2": "TYPE_MISMATCH: line 1:19: UNION query has different number of fields: 1, 2",
	} {
		if _, _, err := ask(e, l, query); err == nil || err.Error() != want {
			t.Errorf("%s\ngot:  %v\nwant: %s", query, err, want)
		}
	}
}

// TestMixedRoot reads files of other widths and kinds under one location.
func TestMixedRoot(t *testing.T) {
	e, l := newEngine(t)
	for _, name := range []string{"three", "open"} {
		serde := textSerDe
		if name == "open" {
			serde = openCSVSerDe
		}
		table := l.add(t, name, "type string; id int; name string", "", serde, map[string]string{"field.delim": ","})
		table.Location = "s3://root/"
	}
	l.write(t, "root/a.csv", "A,1,x\nA,2,y\n")
	l.write(t, "root/b.csv", "B,1,x,more,and,more\r\nB,2,y,z,q,r\r\n")
	l.write(t, "root/c.csv", "C,1\nC,2")
	l.write(t, "root/results/q.csv", "\"_col0\",\"name\"\n\"1\",\"a \"\"b\"\" c\"\n")
	l.write(t, "root/results/q.csv.metadata", "\x08\x01\x12\xff\xfe\x00\x00\n\"\x80\"\"broken\n\x1a\x05")
	l.write(t, "root/one-line.csv", "D,9,last")
	for _, name := range []string{"three", "open"} {
		got, _, err := ask(e, l, "SELECT type, id, name FROM "+name+" WHERE type IN ('A', 'B', 'C', 'D') ORDER BY 1, 2")
		want := "A|1|x\nA|2|y\nB|1|x\nB|2|y\nC|1|NULL\nC|2|NULL\nD|9|last"
		if err != nil || got != want {
			t.Errorf("%s: got\n%s\n%v, want\n%s", name, got, err, want)
		}
	}
}

// TestGuest tries to reach out of the lake.
func TestGuest(t *testing.T) {
	e, l := newEngine(t)
	outside := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(outside, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.add(t, "t", "a string", "", textSerDe, nil)
	l.write(t, "b/t/x", "a\n")
	for _, query := range []string{
		"SELECT * FROM read_csv('" + outside + "')",
		"SELECT read_text('" + outside + "')",
		"SELECT * FROM \"" + outside + "\"",
		"SELECT * FROM '" + outside + "'",
		"SELECT getenv('HOME')",
		"SELECT current_setting('memory_limit')",
		"SELECT * FROM glob('/etc/*')",
		"SELECT * FROM duckdb_settings()",
		"SELECT * FROM pg_catalog.pg_tables",
		"SELECT * FROM duckdb_settings",
		"COPY t TO '/tmp/x'", "ATTACH '/tmp/x'", "INSTALL httpfs", "LOAD httpfs", "SET threads=1", "PRAGMA version",
		"SELECT 1; COPY (SELECT 1) TO '/tmp/x'",
		"SELECT \"a\"\" FROM read_csv('" + outside + "') --\" FROM t",
		"SELECT a AS \"x\"\" FROM read_text('" + outside + "') --\", b FROM t",
		"SELECT nextval('x')", "SELECT query('SELECT 1')", "SELECT main.length('x')",
	} {
		if got, _, err := ask(e, l, query); err == nil {
			t.Errorf("%s: no error, gives %q", query, got)
		}
	}
	// What a catalog or a directory says is no more trusted.
	for _, path := range []string{outside, filepath.Join(l.dir, "..", filepath.Base(filepath.Dir(outside)), "secret.csv"), l.dir + "/b/../../secret.csv", "/etc/passwd", "relative"} {
		s, _ := sql.Parse("SELECT * FROM t")
		r, err := e.Query(context.Background(), Request{Statement: s, Database: "db", Catalog: l, Files: fixed{{URI: "s3://b/t/x", Path: path, Size: 1}}})
		if err == nil {
			r.Close()
			t.Errorf("%s could be read", path)
		}
	}
	// The lock below the translator.
	for _, text := range []string{"SELECT * FROM read_csv('" + outside + "')", "COPY (SELECT 1) TO '" + outside + "2'", "SET enable_external_access=true", "SET lock_configuration=false", "INSTALL httpfs", "LOAD httpfs", "ATTACH '" + outside + "3'"} {
		c, err := e.connect(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.run(context.Background(), c, text)
		if err == nil {
			r.Close()
			t.Errorf("DuckDB let through: %s", text)
			continue
		}
		e.release(c)
	}
}

type fixed []File

func (f fixed) Files(context.Context, string) ([]File, error) { return f, nil }

func TestCancel(t *testing.T) {
	e, l := newEngine(t)
	ctx, cancel := context.WithCancel(context.Background())
	s, err := sql.Parse("SELECT count(*) FROM UNNEST(sequence(1, 1000000)) a(x) CROSS JOIN UNNEST(sequence(1, 1000000)) b(y) WHERE x % 7 = y % 13")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		r, err := e.Query(ctx, Request{Statement: s, Database: "db", Catalog: l, Files: l})
		if err == nil {
			for r.Next(ctx) {
			}
			err = r.Err()
			r.Close()
		}
		done <- err
	}()
	time.AfterFunc(100*time.Millisecond, cancel)
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the query goes on")
	}
	if got, _, err := ask(e, l, "SELECT 1"); err != nil || got != "1" {
		t.Fatal(got, err)
	}
}

func TestManyFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("writes thousands of files")
	}
	e, l := newEngine(t)
	l.add(t, "many", "id int; v string", "p int", jsonSerDe, nil)
	const files, partitions = 7700, 77
	line := `{"id":%d,"v":"` + strings.Repeat("x", 270) + `"}`
	for i := range files {
		l.write(t, fmt.Sprintf("b/many/p=%d/%d.json", i%partitions, i), fmt.Sprintf(line, i))
	}
	for i := range partitions {
		l.partitions["many"] = append(l.partitions["many"], Partition{Values: []string{fmt.Sprint(i)}, Location: fmt.Sprintf("s3://b/many/p=%d", i)})
	}
	start := time.Now()
	got, _, err := ask(e, l, "SELECT count(*), sum(id), sum(p), min(length(v)) FROM many")
	if want := fmt.Sprintf("%d|%d|%d|270", files, files*(files-1)/2, files/partitions*partitions*(partitions-1)/2); err != nil || got != want {
		t.Fatalf("got %s, %v; want %s", got, err, want)
	}
	t.Logf("%d files in %v", files, time.Since(start))
}
