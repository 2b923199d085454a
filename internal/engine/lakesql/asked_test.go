package lakesql

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hamba/avro/v2/ocf"
)

// TestAskedColumns: a table in a format of which only some columns are read answers as one that is read as a whole.
func TestAskedColumns(t *testing.T) {
	e, l := newEngine(t)
	type row struct {
		A int64  `avro:"a" json:"a"`
		B string `avro:"b" json:"b"`
		S struct {
			X int64 `avro:"x" json:"x"`
		} `avro:"s" json:"s"`
	}
	var avro bytes.Buffer
	enc, err := ocf.NewEncoder(`{"type":"record","name":"r","fields":[{"name":"a","type":"long"},{"name":"b","type":"string"},{"name":"s","type":{"type":"record","name":"s","fields":[{"name":"x","type":"long"}]}}]}`, &avro)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		r := row{A: int64(i), B: strings.Repeat("b", i+1)}
		r.S.X = int64(10 * i)
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	l.write(t, "b/parts/p=1/a.avro", avro.String())
	l.write(t, "b/whole/p=1/a.json", `{"a":0,"b":"b","s":{"x":0}}
{"a":1,"b":"bb","s":{"x":10}}
{"a":2,"b":"bbb","s":{"x":20}}
`)
	const columns = "a bigint; b string; s struct<x:bigint>"
	for name, serde := range map[string]string{"parts": "org.apache.hadoop.hive.serde2.avro.AvroSerDe", "whole": jsonSerDe} {
		table := l.add(t, name, columns, "p int", serde, map[string]string{"parquet.column.index.access": "true"}) // which says nothing of either
		l.partitions[name] = []Partition{{Values: []string{"1"}, Location: "s3://b/" + name + "/p=1/", Format: table.Format}}
	}
	for _, query := range []string{
		"SELECT y FROM % AS u(x, y, z, p) ORDER BY x",
		"SELECT count(y), max(u.x) FROM % AS u(x, y, z, p)",
		"SELECT x FROM (% CROSS JOIN (VALUES 1) v(w)) AS u(x, y, z, p, w) ORDER BY x",
		"SELECT y FROM % AS u(x, y, z, p) TABLESAMPLE BERNOULLI (100) ORDER BY 1",
		"SELECT 1 WHERE 2 IN (SELECT x FROM % AS u(x, y, z, p))",
		"SELECT (SELECT max(x) FROM % u(x, y, z, p) WHERE y <> v.k) FROM (VALUES 'bbb') v(k)",
		"SELECT a FROM % EXCEPT SELECT x FROM % AS u(x, y, z, p) WHERE y = 'b' ORDER BY 1",
		"SELECT lag(y) OVER (ORDER BY x) FROM % AS u(x, y, z, p) ORDER BY x",
		"WITH c(x, y) AS (SELECT a, b FROM %) SELECT y FROM c ORDER BY x",
		"WITH c(x, y, z, p) AS (TABLE %) SELECT y FROM c ORDER BY x",
		`SELECT "A" FROM % ORDER BY "b" DESC`,
		"SELECT p, count(*) FROM % GROUP BY p",
		"SELECT p FROM %",
		"SELECT 1 FROM %",
		"SELECT t.s.x FROM % t ORDER BY 1",
		"SELECT s FROM % ORDER BY s.x",
		"SELECT u.s FROM % u WHERE u.b = 'bb'",
		"SELECT w FROM % JOIN (VALUES (1, 'x')) v(a, w) USING (a)",
		"SELECT w FROM % NATURAL JOIN (VALUES (1, 'x')) v(a, w)",
		"SELECT count(*) FROM (SELECT * FROM %) WHERE a > 0",
		"SELECT 1 WHERE 'bb' IN (SELECT y FROM (SELECT * FROM %) AS u(x, y, z, p))",
	} {
		want, _, err := ask(e, l, strings.ReplaceAll(query, "%", "whole"))
		if want == "" || err != nil {
			t.Errorf("%s: %q, %v", query, want, err)
		}
		if got, _, err := ask(e, l, strings.ReplaceAll(query, "%", "parts")); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", query, got, err, want)
		}
	}
	for _, name := range []string{"whole", "parts"} { // a table's name is not a value
		if got, _, err := ask(e, l, "SELECT u FROM "+name+" u"); err == nil {
			t.Errorf("a table as a value: %s", got)
		}
	}
}
