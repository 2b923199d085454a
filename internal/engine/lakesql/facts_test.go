package lakesql

import "testing"

// TestUnnestRows: one alias for an array of rows is a column of rows, as many as there are
// fields are the fields.
func TestUnnestRows(t *testing.T) {
	e, l := newEngine(t)
	const rows = "ARRAY[CAST(ROW('arn:1', 'acc1') AS row(arn varchar, accountid varchar)), CAST(ROW('arn:2', 'acc2') AS row(arn varchar, accountid varchar))]"
	for _, c := range []struct{ query, want string }{
		{"SELECT r.arn, r.accountid FROM (SELECT " + rows + " AS resources) CROSS JOIN UNNEST(resources) AS t(r) ORDER BY 1", "arn:1|acc1\narn:2|acc2"},
		{"SELECT r FROM (SELECT " + rows + " AS resources) CROSS JOIN UNNEST(resources) t(r) WHERE r.arn = 'arn:2'", "{arn=arn:2, accountid=acc2}"},
		{"SELECT a, b FROM (SELECT " + rows + " AS resources) CROSS JOIN UNNEST(resources) AS t(a, b) ORDER BY 1", "arn:1|acc1\narn:2|acc2"},
		{"SELECT arn FROM (SELECT " + rows + " AS resources) CROSS JOIN UNNEST(resources) ORDER BY 1", "arn:1\narn:2"},
		{"SELECT r.arn, n FROM (SELECT " + rows + " AS resources) CROSS JOIN UNNEST(resources) WITH ORDINALITY AS t(r, n) ORDER BY n", "arn:1|1\narn:2|2"},
		{"SELECT x, r.arn FROM (VALUES (1, " + rows + "), (2, CAST(NULL AS array(row(arn varchar, accountid varchar))))) q(x, resources) LEFT JOIN UNNEST(resources) AS t(r) ON TRUE ORDER BY 1, 2", "1|arn:1\n1|arn:2\n2|NULL"},
		{"SELECT r.a FROM UNNEST(ARRAY[CAST(ROW(1) AS row(a integer))]) AS t(r)", "1"},
		{"SELECT r.arn, s FROM UNNEST(" + rows + ", ARRAY[7]) AS t(r, s) ORDER BY 1", "arn:1|7\narn:2|NULL"},
		{"SELECT i.k FROM (SELECT CAST(ROW(ARRAY[CAST(ROW(5) AS row(k integer))]) AS row(inner_rows array(row(k integer)))) AS o) CROSS JOIN UNNEST(o.inner_rows) AS t(i)", "5"},
		{"SELECT i.k FROM UNNEST(ARRAY[CAST(ROW(ARRAY[CAST(ROW(5) AS row(k integer))]) AS row(list array(row(k integer))))]) AS t(o) CROSS JOIN UNNEST(o.list) AS u(i)", "5"},
	} {
		got, _, err := ask(e, l, c.query)
		if err != nil || got != c.want {
			t.Errorf("%s\n%q, %v, want %q", c.query, got, err, c.want)
		}
	}
}

func TestSmallFacts(t *testing.T) {
	e, l := newEngine(t)
	table := l.add(t, "facts", "a varchar(3); b string", "", textSerDe, map[string]string{"field.delim": ","})
	table.Parameters = map[string]string{"serialization.null.format": "NA"}
	l.write(t, "b/facts/1.csv", "abcdef,NA\nxy,NA\n")
	footer := l.add(t, "footer", "a string", "", textSerDe, nil)
	footer.Parameters = map[string]string{"skip.footer.line.count": "1"}
	l.write(t, "b/footer/1.csv", "a\nb\n")
	sequence := l.add(t, "sequence", "a string", "", textSerDe, nil)
	sequence.Format.InputFormat = "org.apache.hadoop.mapred.SequenceFileInputFormat"
	l.write(t, "b/sequence/1.seq", "SEQ\n")
	writeParquet(t, l.dir+"/b/indexed/1.parquet", "SELECT 'abcdef' AS x, 7 AS y")
	indexed := l.add(t, "indexed", "name varchar(2); n int", "", parquetSerDe, map[string]string{"parquet.column.index.access": "true"})
	indexed.Parameters = map[string]string{}
	for _, c := range []struct{ query, want string }{
		{"SELECT a, length(a), b FROM facts ORDER BY 1", "abc|3|NULL\nxy|2|NULL"},
		{"SELECT name, n FROM indexed", "ab|7"},
		{"SELECT upper('straße'), upper('é'), upper('abc')", "STRAßE|É|ABC"},
		{"SELECT ARRAY[1] || ARRAY[ARRAY[2]], ARRAY[ARRAY[2]] || ARRAY[1]", "[[1], [2]]|[[2], [1]]"},
		{"SELECT * FROM footer", "a"},
		{"SELECT * FROM sequence", "NOT_SUPPORTED: line 1:15: Input format org.apache.hadoop.mapred.SequenceFileInputFormat of table db.sequence is not supported"},
	} {
		got, _, err := ask(e, l, c.query)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n%q, want %q", c.query, got, c.want)
		}
	}
}
