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

	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
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
	l.add(t, "js", "id int; name string; tags array<string>; o struct<x:int,y:string>; at timestamp; m map<string,int>", "", jsonSerDe, map[string]string{"ignore.malformed.json": "TRUE", "use.null.for.invalid.data": "true"})
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
	l.write(t, "b/csv/1.csv", "a,b,c\n\"x, y\",1,19723\n\"say \\\"hi\\\"\",2,19723\n\"a \"\"b\"\", c\",3\n\"two\nlines\",4,\n")
	l.add(t, "camel", "devicename string; info struct<fwversion:int,parts:array<struct<partname:string>>>", "", jsonSerDe, nil)
	l.write(t, "b/camel/1.json", `{"deviceName":"d","info":{"fwVersion":3,"parts":[{"partName":"p"}]}}`)
	l.add(t, "strict", "id int", "", jsonSerDe, nil)
	l.write(t, "b/strict/1.json", "{\"id\":1}\nnot json\n")
	l.add(t, "log", "host string; status int; at string", "", "org.apache.hadoop.hive.serde2.RegexSerDe", map[string]string{"input.regex": `^([^ ]*) (\d+) \[([^\]]*)\].*$`})
	l.write(t, "b/log/1.log.gz", "h1 200 [now, then] \"quoted, text\"\nno match\nh2 404 [x]\n")
	l.add(t, "keys", "a_b int; renamed string; at timestamp; f float; n decimal(5,2); ok boolean", "", jsonSerDe, map[string]string{"use.null.for.invalid.data": "true", "dots.in.keys": "true", "mapping.renamed": "Old-Name"})
	l.write(t, "b/keys/1.json", "{\"a.b\":1,\"Old-Name\":\"v\",\"at\":1704067200000,\"f\":1.5,\"n\":\"1.25\",\"ok\":true}\n\n{\"a.b\":1.5,\"at\":\"2024-01-01T00:00:00.5Z\",\"f\":\"x\",\"n\":99999,\"ok\":\"no\"}\n")
	l.add(t, "head", "a int; b string", "", textSerDe, map[string]string{"field.delim": ",", "skip.header.line.count": "2"})
	l.write(t, "b/head/1.csv", "first\nsecond,line\n1,x\n")
	l.write(t, "b/head/2.csv", "only\n")
	l.add(t, "moments", "at timestamp; n int", "", jsonSerDe, map[string]string{"use.null.for.invalid.data": "true", "timestamp.formats": "dd/MM/yyyy HH:mm, millis"})
	l.write(t, "b/moments/1.json", "{\"at\":\"31/01/2024 10:30\",\"n\":1}\n{\"at\":1704067200500,\"n\":2}\n{\"at\":\"2024-01-01 00:00:00\",\"n\":3}\n{\"at\":\"x\",\"n\":4}\n")
	l.add(t, "bz", "a string", "", textSerDe, nil)
	l.write(t, "b/bz/1.csv.bz2", "BZh9")
	days := l.add(t, "days", "a int", "year string; month string; day string", textSerDe, nil)
	days.Parameters = map[string]string{"projection.enabled": "true", "projection.year.type": "integer", "projection.year.range": "2023,2024",
		"projection.month.type": "integer", "projection.month.range": "1,12", "projection.month.digits": "2", "projection.day.type": "integer", "projection.day.range": "1,31", "projection.day.digits": "2"}
	l.write(t, "b/days/year=2024/month=01/day=09/f", "9\n")
	l.write(t, "b/days/year=2024/month=01/day=10/f", "10\n")
	inj := l.add(t, "inj", "a int", "device string", textSerDe, nil)
	inj.Parameters = map[string]string{"projection.enabled": "true", "projection.device.type": "injected", "storage.location.template": "s3://b/inj/${device}/"}
	l.write(t, "b/inj/d1/f", "1\n")
	l.write(t, "b/inj/d2/f", "2\n")
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
		{"SELECT * FROM txt", "x|1|1.5|true|[1, 2, 3]|2024-01-01\ny|1|NULL|NULL|[]|NULL\nz|NULL|NULL|NULL|NULL|NULL\nNULL|7|1.0|false|[4]|2024-02-01\n\"q\"|2|NULL|NULL|[]|NULL"},
		{"SELECT * FROM csv", "x, y|1|2024-01-01\nsay \"hi\"|2|2024-01-01\na \"b\", c|3|NULL\nNULL|NULL|NULL\nNULL|NULL|NULL"},
		{"SELECT * FROM log", "h1|200|now, then\nNULL|NULL|NULL\nh2|404|x"},
		{"SELECT * FROM keys", "1|v|2024-01-01 00:00:00.000|1.5|1.25|true\nNULL|NULL|2024-01-01 00:00:00.500|NULL|NULL|NULL"},
		{"SELECT * FROM head", "1|x"},
		{"SELECT a FROM days WHERE year || '-' || month || '-' || day >= CAST(current_date AS varchar)", "10"},
		{"SELECT a FROM days WHERE concat(year, month, day) = date_format(current_date - INTERVAL '1' DAY, '%Y%m%d')", "9"},
		{"SELECT a FROM days WHERE year = CAST(year(current_date) AS varchar) AND day = '10'", "10"},
		{"SELECT a, device FROM inj WHERE device IN ('d1', 'd2') ORDER BY 1", "1|d1\n2|d2"},
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
		{"SELECT x FROM (VALUES 1, 2, 2, 3) t(x) ORDER BY x FETCH FIRST 2 ROWS WITH TIES", "1\n2\n2"},
		{"SELECT * FROM (SELECT x, count(*) FROM (VALUES 1, 2, 2, 3, 3) t(x) GROUP BY x ORDER BY 2 DESC FETCH FIRST ROW WITH TIES) ORDER BY 1", "2|2\n3|2"},
		{"SELECT a, b, count(*) FROM (VALUES (1, 2)) t(a, b) GROUP BY DISTINCT ROLLUP(a, b), ROLLUP(a) ORDER BY 1, 2", "1|2|1\n1|NULL|1\nNULL|NULL|1"},
		{"SELECT * FROM (VALUES ('a', 1)) t(v, k) JOIN (VALUES (1, 'b')) u(k, w) USING (k)", "1|a|b"},
		{"SELECT TIMESTAMP '2024-01-01 12:00:00 UTC' AT TIME ZONE z AS at FROM (VALUES 'Asia/Tokyo', 'America/New_York') t(z) ORDER BY z", "2024-01-01 07:00:00.000 America/New_York\n2024-01-01 21:00:00.000 Asia/Tokyo"},
		{"SELECT hour(at), at + INTERVAL '1' HOUR FROM (SELECT TIMESTAMP '2024-01-01 12:00:00 UTC' AT TIME ZONE z AS at FROM (VALUES '+02:00') t(z))", "14|2024-01-01 15:00:00.000 +02:00"},
		{"SELECT a, x FROM UNNEST(ARRAY[CAST(ROW(1, 'x') AS row(a integer, x varchar))])", "1|x"},
		{"SELECT * FROM (VALUES 1, 2) r(a), LATERAL (SELECT r.*) ORDER BY 1", "1|1\n2|2"},
		{"SELECT cardinality(filter(a, x -> x > 1)) FROM (VALUES ARRAY[1, 2], ARRAY[2, 3]) t(a) GROUP BY cardinality(filter(a, x -> x > 1)) ORDER BY 1", "1\n2"},
		{"SELECT at FROM moments ORDER BY n", "2024-01-31 10:30:00.000\n2024-01-01 00:00:00.500\n2024-01-01 00:00:00.000\nNULL"},
		{`SELECT * FROM "proj$partitions" WHERE n = 3 AND dt = '2024-01-09'`, "2024-01-09|3"},
		{`SELECT count(*) FROM "db"."inj$partitions" WHERE device IN ('d1', 'd2')`, "2"},
		{"WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT sum(n) FROM t", "55"},
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
	_, all, err := ask(e, l, "SELECT * FROM pq")
	if err != nil {
		t.Fatal(err)
	}
	_, one, err := ask(e, l, "SELECT max(id) FROM pq")
	if err != nil || one.BytesScanned == 0 || one.BytesScanned >= all.BytesScanned {
		t.Errorf("a column alone: %+v of %+v, %v", one, all, err)
	}
	if _, none, err := ask(e, l, "SELECT count(*) FROM pq"); err != nil || none.BytesScanned != 0 {
		t.Errorf("no column: %+v, %v", none, err)
	}
	if _, stats, err := ask(e, l, "SELECT a FROM days WHERE year || month || day = date_format(current_date, '%Y%m%d')"); err != nil || stats.Files != 1 {
		t.Errorf("pruned by the date: %+v, %v", stats, err)
	}
	for query, want := range map[string]string{
		"SELECT * FROM nothing":                             "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nothing' does not exist",
		"SELECT * FROM nodb.t":                              "SCHEMA_NOT_FOUND: line 1:15: Schema 'nodb' does not exist",
		"SELECT id FROM pq a, pq b":                         "AMBIGUOUS_NAME: line 1:8: Column 'id' is ambiguous",
		"SELECT id, count(*) FROM pq":                       "EXPRESSION_NOT_AGGREGATE: 'id' must be an aggregate expression or appear in GROUP BY clause",
		"SELECT a.nope FROM pq a":                           "COLUMN_NOT_FOUND: line 1:8: Column 'a.nope' cannot be resolved",
		"SELECT id FROM pq WHERE name":                      "TYPE_MISMATCH: line 1:25: WHERE clause must evaluate to a boolean (actual: varchar)",
		"SELECT id FROM pq WHERE id IN ('a')":               "TYPE_MISMATCH: line 1:28: IN value and list items must be the same type or coercible to a common type. Cannot find common type between bigint and varchar(1), all types (without duplicates): [bigint, varchar(1)]",
		"SELECT * FROM pq ORDER BY nope":                    "COLUMN_NOT_FOUND: line 1:27: Column 'nope' cannot be resolved",
		"SELECT name + 1 FROM pq":                           "TYPE_MISMATCH: line 1:13: Cannot apply operator: varchar + integer",
		"SELECT date_add('eon', 1, current_date)":           "INVALID_FUNCTION_ARGUMENT: line 1:17: 'eon' is not a valid Timestamp field",
		"SELECT CAST(name AS nosuch) FROM pq":               "TYPE_NOT_FOUND: line 1:21: Unknown type: nosuch",
		"SELECT CAST(name AS integer) FROM pq WHERE id = 1": "INVALID_CAST_ARGUMENT: Cannot cast 'a' to INT",
		"SELECT 'a' UNION SELECT 1":                         "TYPE_MISMATCH: line 1:12: column 1 in UNION query has incompatible types: varchar(1), integer",
		"SELECT foo FROM pq":                                "COLUMN_NOT_FOUND: line 1:8: Column 'foo' cannot be resolved",
		"SELECT foo(1)":                                     "FUNCTION_NOT_FOUND: line 1:8: Function 'foo' not registered",
		"SELECT * FROM loop":                                "VIEW_IS_RECURSIVE: line 1:15: View 'db.loop' is recursive",
		"SELECT * FROM strict":                              "HIVE_CURSOR_ERROR: Row is not a valid JSON Object - JSONException: unexpected character 'n', want a value at offset 0 in line 2 of s3://b/strict/1.json",
		"SELECT * FROM bz":                                  "HIVE_CURSOR_ERROR: Failed to read file at s3://b/bz/1.csv.bz2: unexpected EOF",
		"SELECT * FROM inj":                                 "CONSTRAINT_VIOLATION: line 1:15: For the injected projected partition column device, the WHERE clause must contain only static equality conditions, and at least one such condition must be present.",
		"SELECT 1/0":                                        "DIVISION_BY_ZERO: Division by zero",
		"SELECT * FROM pq WHERE name = 1":                   "TYPE_MISMATCH: line 1:29: Cannot apply operator: varchar = integer",
		"SELECT id FROM pq UNION SELECT 1, 2":               "TYPE_MISMATCH: line 1:19: UNION query has different number of fields: 1, 2",
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

// TestReference is a bucket whose root holds headerless files of three widths, JSON below
// it, and the results of queries.
func TestReference(t *testing.T) {
	e, l := newEngine(t)
	for name, cols := range map[string]string{
		"raw_equities": "type string; symbol string; name string; sector string",
		"raw_bonds":    "type string; symbol string; coupon double; maturity date; issuer string; rating string",
		"raw_fx":       "type string; pair string; pip double",
	} {
		l.add(t, name, cols, "", textSerDe, map[string]string{"field.delim": ",", "serialization.format": ","}).Location = "s3://ref/"
	}
	l.write(t, "ref/equities.csv", "EQ,AAA,Alpha Corp,Tech\nEQ,BBB,Beta plc,Energy\n")
	l.write(t, "ref/bonds.csv", "BOND,T10,4.25,2034-05-15,Treasury,AAA\nBOND,C5,6.5,2029-01-01,Corp,BB\n")
	l.write(t, "ref/fx.csv", "FX,EURUSD,0.0001\nFX,USDJPY,0.01\n")
	l.write(t, "ref/Unsaved/2024/01/10/0af1.csv", "\"symbol\",\"trade_value\"\n\"AAA\",\"1050.0\"\n")
	l.write(t, "ref/Unsaved/2024/01/10/0af1.csv.metadata", "\x08\x03\x12\x00\xff\xfe\"broken\n")
	for name, view := range map[string]string{
		"equities": "SELECT symbol, name, sector FROM raw_equities WHERE type = 'EQ'",
		"bonds":    "SELECT symbol, coupon, maturity, issuer, rating FROM db.raw_bonds WHERE type = 'BOND'",
		"fx":       `SELECT pair, pip FROM "awsdatacatalog"."db"."raw_fx" WHERE "type" = 'FX'`,
	} {
		l.tables[name] = &Table{Database: "db", Name: name, ViewSQL: view}
	}
	l.add(t, "trades", "trade_id string; symbol string; qty int; side string; ts timestamp", "", jsonSerDe, nil)
	l.add(t, "prices", "symbol string; price double; date string", "", jsonSerDe, nil)
	l.write(t, "b/trades/1.json", `{"trade_id":"t1","symbol":"AAA","qty":10,"side":"B","ts":"2024-01-10 09:00:00"}
{"trade_id":"t2","symbol":"BBB","qty":4,"side":"S","ts":"2024-01-10 09:01:00"}
`)
	l.write(t, "b/trades/2.json", `{"trade_id":"t3","symbol":"T10","qty":2,"side":"B","ts":"2024-01-10 09:02:00"}`)
	l.write(t, "b/prices/1.json", `{"symbol":"AAA","price":105.0,"date":"2024-01-10"}
{"symbol":"BBB","price":7.5,"date":"2024-01-10"}
{"symbol":"T10","price":99.25,"date":"2024-01-10"}
`)
	for _, test := range []struct{ query, want string }{
		{"SELECT * FROM equities ORDER BY symbol", "AAA|Alpha Corp|Tech\nBBB|Beta plc|Energy"},
		{"SELECT symbol, coupon, maturity FROM bonds ORDER BY 1", "C5|6.5|2029-01-01\nT10|4.25|2034-05-15"},
		{"SELECT * FROM fx ORDER BY pair", "EURUSD|1.0E-4\nUSDJPY|0.01"},
		{"SELECT t.trade_id id, t.symbol, qty*price AS trade_value FROM trades t JOIN prices p ON t.symbol = p.symbol ORDER BY id", "t1|AAA|1050.0\nt2|BBB|30.0\nt3|T10|198.5"},
		{"SELECT e.sector, sum(qty*price) total, count(*) count FROM trades t, prices p, equities e WHERE t.symbol = p.symbol AND e.symbol = t.symbol AND p.date = '2024-01-10' GROUP BY e.sector ORDER BY total DESC", "Tech|1050.0|1\nEnergy|30.0|1"},
		{"SELECT date date, symbol type FROM prices WHERE date >= CAST(date('2024-01-10') AS varchar) ORDER BY price LIMIT 1", "2024-01-10|BBB"},
	} {
		if got, _, err := ask(e, l, test.query); err != nil || got != test.want {
			t.Errorf("%s\ngot:\n%s %v\nwant:\n%s", test.query, got, err, test.want)
		}
	}
}

// TestVanish takes an object away between the plan and the scan.
func TestVanish(t *testing.T) {
	e, l := newEngine(t)
	l.add(t, "t", "a int", "", textSerDe, nil)
	l.write(t, "b/t/1", "1\n")
	l.write(t, "b/t/2", "2\n")
	s, err := sql.Parse("SELECT sum(a) FROM t")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	calls := 0
	files := listing(func(location string) ([]File, error) {
		files, err := l.Files(ctx, location)
		if calls++; calls == 1 {
			os.Remove(filepath.Join(l.dir, "b/t/2"))
		}
		return files, err
	})
	r, err := e.Query(ctx, Request{Statement: s, Database: "db", Catalog: l, Files: files})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Next(ctx) || r.Row()[0].Text != "1" {
		t.Errorf("row %v, %v", r.Row(), r.Err())
	}
	r.Close()
	// One that is listed again and again fails, in words without paths.
	stale := listing(func(string) ([]File, error) {
		return []File{{URI: "s3://b/t/2", Path: filepath.Join(l.dir, "b/t/2"), Size: 2}}, nil
	})
	if _, err := e.Query(ctx, Request{Statement: s, Database: "db", Catalog: l, Files: stale}); err == nil || !strings.HasPrefix(err.Error(), "HIVE_CANNOT_OPEN_SPLIT") || strings.Contains(err.Error(), l.dir) {
		t.Error(err)
	}
}

type listing func(location string) ([]File, error)

func (f listing) Files(_ context.Context, location string) ([]File, error) {
	return f(location)
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
		"SELECT * FROM parquet_metadata('" + outside + "')", "SELECT * FROM sniff_csv('" + outside + "')", "SELECT * FROM query_table('t')", "SELECT * FROM duckdb_tables()",
		"SELECT * FROM read_blob('" + outside + "')", "SELECT * FROM which_secret('x', 's3')", "SELECT * FROM information_schema.schemata, duckdb_secrets()",
		"SELECT pg_read_file('" + outside + "')", "SELECT current_database()", "SELECT getvariable('x')", "SELECT txid_current()", "SELECT write_log('x')",
		"SELECT __raise('x')", "SELECT trino_json_parse('1')", "SELECT error('x')", "SELECT \"error\"('x')", "SELECT main.trino_quotient(1, 2)",
		"SELECT t.\"a\"\" || (SELECT content FROM read_text('" + outside + "')) || \"\"\" FROM t",
		"SELECT CAST(a AS \"VARCHAR); SELECT 1 --\") FROM t", "SELECT CAST(ROW(1) AS row(\"x\"\" INTEGER); --\" integer)) FROM nothing",
		"SELECT a FROM t TABLESAMPLE BERNOULLI ((SELECT 1))", "SELECT regexp_like(a, '[a&&\\b]') FROM t",
		"EXPLAIN COPY (SELECT 1) TO 'x'", "CALL pragma_version()", "CHECKPOINT", "EXPORT DATABASE '/tmp/x'", "IMPORT DATABASE '/tmp/x'", "USE x", "VACUUM", "DETACH x", "CREATE MACRO f() AS 1", "PIVOT t ON a", "FROM t",
		"SELECT * FROM t AT (VERSION => 1)", "SELECT COLUMNS('a') FROM t", "SELECT * REPLACE (1 AS a) FROM t", "SELECT a::varchar FROM t", "SELECT {'a': 1}", "SELECT t FROM t",
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
	// Names, values and properties of the catalog are text, not SQL.
	evil := `x"), (SELECT content FROM read_text('` + outside + `')), ("`
	table := l.add(t, "evil", "a string", "", textSerDe, map[string]string{"field.delim": "', filename='" + outside, "serialization.null.format": "') --"})
	table.Columns[0].Name = evil
	table.PartitionColumns = []Column{{Name: "p'\"", Type: table.Columns[0].Type}}
	l.partitions["evil"] = []Partition{{Values: []string{"v') FROM read_text('" + outside + "') --"}, Location: "s3://b/t/"}}
	if got, _, err := ask(e, l, "SELECT * FROM evil"); strings.Contains(got, "secret\n") || strings.HasPrefix(got, "secret") {
		t.Errorf("a catalog's text ran: %s %v", got, err)
	}
	for _, location := range []string{"s3://b/../../etc/", "s3://../", "/etc/", "file:///etc/", "s3://b/t/../../../../../../etc/"} {
		l.tables["t"].Location = location
		if got, _, err := ask(e, l, "SELECT * FROM t"); err == nil && got != "" {
			t.Errorf("%s gives %q", location, got)
		}
	}
	// A link out of the directory.
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(l.dir, "b/link")); err == nil {
		r, err := e.Query(context.Background(), Request{Statement: mustParse(t, "SELECT * FROM t"), Database: "db", Catalog: l, Files: fixed{{URI: "s3://b/link/secret.csv", Path: filepath.Join(l.dir, "b/link/secret.csv"), Size: 1}}})
		if err == nil {
			r.Close()
			t.Error("a link out of the directory is followed")
		}
	}
	// The lock below the translator.
	for _, text := range []string{"SELECT * FROM read_csv('" + outside + "')", "COPY (SELECT 1) TO '" + outside + "2'", "SET enable_external_access=true", "SET lock_configuration=false", "INSTALL httpfs", "LOAD httpfs", "ATTACH '" + outside + "3'"} {
		r, err := e.run(context.Background(), worker.Call{Text: text})
		if err == nil {
			r.Close()
			t.Errorf("DuckDB let through: %s", text)
		}
	}
}

func mustParse(t *testing.T, text string) sql.Statement {
	t.Helper()
	s, err := sql.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type fixed []File

func (f fixed) Files(context.Context, string) ([]File, error) { return f, nil }

func TestCancel(t *testing.T) {
	e, l := newEngine(t)
	ctx, cancel := context.WithCancel(context.Background())
	s, err := sql.Parse("SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) CROSS JOIN UNNEST(sequence(1, 10000)) c(z) WHERE x % 7 = y % 13 AND z <> x")
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
	case <-time.After(time.Minute):
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
