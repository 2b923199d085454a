package lakesql

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// TestParquetTypes reads files whose columns have other types than the table's: what Athena's
// documentation of schema updates allows, and what it fails by.
func TestParquetTypes(t *testing.T) {
	e, l := newEngine(t)
	for i, test := range []struct{ column, value, want string }{
		{"bigint", "1::INTEGER", "1"},
		{"int", "7::BIGINT", "7"},
		{"int", "3000000000::BIGINT", "HIVE_BAD_DATA: Value out of range for type int of column c: 3000000000"},
		{"double", "1.5::FLOAT", "1.5"},
		{"decimal(12,3)", "1.25::DECIMAL(10,2)", "1.250"},
		{"varchar(2)", "'abc'", "ab"},
		{"char(2)", "'abc'", "ab"},
		{"string", "'abc'::BLOB", "abc"},
		{"string", "1::BIGINT", "HIVE_BAD_DATA: Field c's type INT64 in parquet file s3://b/t/1.parquet is incompatible with type varchar defined in table schema"},
		{"int", "'1'", "HIVE_BAD_DATA: Field c's type BYTE_ARRAY in parquet file s3://b/t/1.parquet is incompatible with type integer defined in table schema"},
		{"double", "1::BIGINT", "HIVE_BAD_DATA: Field c's type INT64 in parquet file s3://b/t/1.parquet is incompatible with type double defined in table schema"},
		{"boolean", "1::INTEGER", "HIVE_BAD_DATA: Field c's type INT32 in parquet file s3://b/t/1.parquet is incompatible with type boolean defined in table schema"},
		{"int", "{'a': 1}", "HIVE_BAD_DATA: Field c's type GROUP in parquet file s3://b/t/1.parquet is incompatible with type integer defined in table schema"},
		{"struct<a:int>", "1::INTEGER", "HIVE_BAD_DATA: Field c's type INT32 in parquet file s3://b/t/1.parquet is incompatible with type row(a integer) defined in table schema"},
		{"struct<a:int,b:int>", "{'a': 1}", "{a=1, b=null}"},
		{"timestamp", "TIMESTAMP '2024-01-02 03:04:05.123456'", "2024-01-02 03:04:05.123"},
		{"timestamp", "TIMESTAMP '2024-01-02 03:04:05.9996'", "2024-01-02 03:04:06.000"},
		{"timestamp", "'2024-01-02 03:04:05.123456789'::TIMESTAMP_NS", "2024-01-02 03:04:05.123"},
		{"timestamp", "'2024-01-02 03:04:05.123456+00'::TIMESTAMPTZ", "2024-01-02 03:04:05.123"},
		{"array<timestamp>", "[TIMESTAMP '2024-01-02 03:04:05.123456']", "[2024-01-02 03:04:05.123]"},
	} {
		l.add(t, "t", "c "+test.column+"; other int", "", parquetSerDe, nil)
		path := filepath.Join(l.dir, "b/t/1.parquet")
		writeParquet(t, path, "SELECT "+test.value+" AS \"C\", 1 AS other, "+strings.Repeat("1", i+1)+"::HUGEINT::DOUBLE AS x")
		got, _, err := ask(e, l, "SELECT c FROM t")
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s of %s\ngot:  %s\nwant: %s", test.column, test.value, got, test.want)
		}
		if got, _, err := ask(e, l, "SELECT other, count(*) FROM t GROUP BY 1"); err != nil || got != "1|1" {
			t.Errorf("%s of %s: other columns: %s, %v", test.column, test.value, got, err)
		}
		if strings.HasPrefix(test.column, "timestamp") {
			if got, _, err := ask(e, l, "SELECT count(*) FROM t WHERE c = CAST(CAST(c AS varchar) AS timestamp)"); err != nil || got != "1" {
				t.Errorf("%s of %s: it is compared by other digits than are shown: %s, %v", test.column, test.value, got, err)
			}
		}
	}
}

// TestArchived leaves out what has to be restored, as Athena does.
func TestArchived(t *testing.T) {
	e, l := newEngine(t)
	l.write(t, "b/t/1", "1\n")
	for _, test := range []struct {
		file  File
		asked string
		want  string
	}{
		{File{}, "", "1"},
		{File{Archived: true, Unreadable: true}, "", "0"},
		{File{Archived: true, Unreadable: true}, "true", "0"},
		{File{Archived: true}, "", "0"},
		{File{Archived: true}, "true", "1"},
	} {
		l.add(t, "t", "a int", "", textSerDe, nil).Parameters["read_restored_glacier_objects"] = test.asked
		files := listing(func(string) ([]File, error) {
			f := test.file
			f.URI, f.Path, f.Size = "s3://b/t/1", filepath.Join(l.dir, "b/t/1"), 2
			return []File{f}, nil
		})
		r, err := e.Query(context.Background(), Request{Statement: parsed(t, "SELECT count(*) FROM t"), Database: "db", Catalog: l, Files: files})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Next(context.Background()) || r.Row()[0].Text != test.want {
			t.Errorf("%+v, asked for %q: %v rows, want %s", test.file, test.asked, r.Row(), test.want)
		}
		r.Close()
	}
}

func parsed(t *testing.T, text string) sql.Statement {
	s, err := sql.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
