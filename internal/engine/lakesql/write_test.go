package lakesql

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
	"github.com/brookmere/brookmere/internal/engine/lakesql/udf"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

func write(t *testing.T, e *Engine, l *lake, query string, r WriteRequest) (*Written, error) {
	t.Helper()
	s, err := sql.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	r.Request = Request{Statement: s, Database: "db", Catalog: l, Files: l}
	w, err := e.Write(context.Background(), r)
	if err == nil {
		t.Cleanup(func() { w.Close() })
	}
	return w, err
}

func unzip(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWrite(t *testing.T) {
	e, l := newEngine(t)
	const all = `SELECT 1 AS a, 'x,"y"' AS b, TIMESTAMP '2024-01-02 03:04:05.678' AS c, ARRAY[1, NULL] AS d, MAP(ARRAY['k'], ARRAY[1.5]) AS e, CAST(ROW(1, 'z') AS row(p integer, q varchar)) AS f, CAST(NULL AS double) AS g, true AS h, DATE '2024-01-02' AS i, p FROM (VALUES '1/2', NULL) AS t(p)`
	const columns = "a int;b varchar(5);c timestamp;d array<int>;e map<varchar(1),decimal(2,1)>;f struct<p:int,q:string>;g double;h boolean;i date;p varchar(3);"
	for format, want := range map[string]string{
		"JSON":     `{"a":1,"b":"x,\"y\"","c":"2024-01-02 03:04:05.678","d":[1,null],"e":{"k":1.5},"f":{"p":1,"q":"z"},"g":null,"h":true,"i":"2024-01-02"}` + "\n",
		"TEXTFILE": "1|x,\"y\"|2024-01-02 03:04:05.678|1\x02\\N|k\x031.5|1\x02z|\\N|true|2024-01-02\n",
		"PARQUET":  "",
	} {
		w, err := write(t, e, l, all, WriteRequest{Format: format, Delimiter: "|", PartitionBy: []string{"p"}})
		if err != nil {
			t.Fatal(format, err)
		}
		var got string
		for _, c := range w.Columns {
			got += c.Name + " " + c.Type.String() + ";"
		}
		if got != columns {
			t.Errorf("%s: columns %s", format, got)
		}
		if len(w.Files) != 2 || w.Rows != 2 {
			t.Fatalf("%s: %+v", format, w)
		}
		var values []string
		for _, f := range w.Files {
			values = append(values, f.PartitionValues...)
			if format != "PARQUET" {
				if got := unzip(t, f.Path); got != want {
					t.Errorf("%s:\n%q\nwant\n%q", format, got, want)
				}
			}
			if info, err := os.Stat(f.Path); err != nil || info.Size() != f.Bytes {
				t.Errorf("%s: %+v, %v", format, f, err)
			}
		}
		sort.Strings(values)
		if got := strings.Join(values, ";"); got != "1/2;"+hive.DefaultPartition {
			t.Errorf("%s: partitions %s", format, got)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(w.Files[0].Path); err == nil {
			t.Error("a file is left")
		}
	}
	// INSERT: types of the table, columns left out.
	w, err := write(t, e, l, "SELECT 7, 'v'", WriteRequest{Format: "json", Columns: columnsOf(t, "a bigint; b double; c string"), Insert: []string{"b", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := unzip(t, w.Files[0].Path); got != `{"a":null,"b":7.0,"c":"v"}`+"\n" {
		t.Errorf("insert: %s", got)
	}
	if w, err := write(t, e, l, "SELECT 1 AS a WHERE false", WriteRequest{Format: "parquet"}); err != nil || len(w.Files) != 0 || w.Rows != 0 {
		t.Errorf("no rows: %+v, %v", w, err)
	}
	if w, err := write(t, e, l, "SELECT x, CAST(x AS varchar) || 'abcdefghijklmnop' AS y FROM UNNEST(sequence(1, 1000)) a(x) CROSS JOIN UNNEST(sequence(1, 1000)) b(z)", WriteRequest{Format: "textfile", Compression: "none", MaxFileBytes: 1 << 20}); err != nil || len(w.Files) < 2 || w.Rows != 1e6 {
		t.Errorf("large: %v", err)
	}
	for query, want := range map[string]string{
		"SELECT 1 a, 2 A":            "DUPLICATE_COLUMN_NAME: line 1:1: Column name 'a' specified more than once",
		"SELECT NULL a":              "COLUMN_TYPE_UNKNOWN: line 1:1: Column type is unknown at position 1",
		"SELECT current_timestamp t": "NOT_SUPPORTED: Unsupported Hive type: timestamp with time zone",
		"SELECT 1/0 a":               "DIVISION_BY_ZERO: Division by zero",
		"SELECT a FROM nothing":      "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nothing' does not exist",
		"SELECT json_parse('1') a":   "NOT_SUPPORTED: Unsupported Hive type: json",
	} {
		if _, err := write(t, e, l, query, WriteRequest{Format: "parquet"}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", query, err)
		}
	}
	if _, err := write(t, e, l, "SELECT 'x'", WriteRequest{Format: "parquet", Columns: columnsOf(t, "a int")}); err == nil || err.Error() != "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: Table: [integer], Query: [varchar(1)]" {
		t.Error(err)
	}
	if _, err := write(t, e, l, "SELECT x, x AS p FROM UNNEST(sequence(1, 101)) t(x)", WriteRequest{Format: "parquet", PartitionBy: []string{"p"}}); err == nil || !strings.HasPrefix(err.Error(), "HIVE_TOO_MANY_OPEN_PARTITIONS") {
		t.Error(err)
	}
	if _, err := write(t, e, l, "SELECT 1 p, 2 a", WriteRequest{Format: "parquet", PartitionBy: []string{"p"}}); err == nil || !strings.HasPrefix(err.Error(), "HIVE_COLUMN_ORDER_MISMATCH") {
		t.Error(err)
	}
	for _, r := range []WriteRequest{{Format: "ORC", Compression: "gzip"}, {Format: "AVRO", Compression: "bzip2"}, {Format: ""}, {Format: "parquet", Compression: "x', y"}, {Format: "JSON", Compression: "snappy"}} {
		if _, err := write(t, e, l, "SELECT 1 a", r); err == nil || !strings.HasPrefix(err.Error(), "NOT_SUPPORTED") {
			t.Errorf("%s %s: %v", r.Format, r.Compression, err)
		}
	}
	left, _ := os.ReadDir(e.scratch)
	if len(left) > 3 { // the three that are not closed yet
		t.Error(fmt.Sprint(left))
	}
}

func columnsOf(t *testing.T, spec string) []Column { return columns(t, spec) }

// The hashes are Java's: of "Hello" 69609650, of 1<<32+5 that of 4.
func TestWriteBuckets(t *testing.T) {
	e, l := newEngine(t)
	w, err := write(t, e, l, "SELECT * FROM (VALUES ('Hello', BIGINT '4294967301', 'p'), ('Hello', BIGINT '4294967301', 'q'), (NULL, NULL, 'p')) t(s, n, p)", WriteRequest{Format: "json", Compression: "none", PartitionBy: []string{"p"}, BucketBy: []string{"s", "n"}, Buckets: 16})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, f := range w.Files {
		got[strings.Join(f.PartitionValues, "/")] += 1 << f.Bucket
	}
	hash := int32(69609650)
	hash = hash*31 + 4
	if want := 1 << (hash & 0x7fffffff % 16); got["p"] != want|1 || got["q"] != want || len(w.Columns) != 3 {
		t.Errorf("got %v in %v, want %b", got, w.Columns, want)
	}
	for kind, values := range map[byte]map[string]int32{'o': {"true": 1, "false": 0}, 'i': {"-5": -5}, 'd': {"1.5": 1073217536, "-0.0": 0}, 'f': {"1.5": 1069547520}, 's': {"": 0, "ab": 3105}} {
		for text, want := range values {
			if got := udf.HiveHash(kind, text); got != want {
				t.Errorf("%c %q: %d, want %d", kind, text, got, want)
			}
		}
	}
	if _, err := write(t, e, l, "SELECT 1 AS a", WriteRequest{Format: "json", BucketBy: []string{"b"}, Buckets: 2}); err == nil || !strings.Contains(err.Error(), "not present in schema") {
		t.Error(err)
	}
}
