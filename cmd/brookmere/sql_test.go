package main

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/parquet-go/parquet-go"
)

func TestSplitStatements(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "|",
		"SELECT 1":                    "|SELECT 1",
		"SELECT 1;":                   "SELECT 1|",
		"SELECT 1; SELECT 2":          "SELECT 1| SELECT 2",
		"SELECT ';'; -- ;\nSELECT 2;": "SELECT ';'/-- ;\nSELECT 2|",
		"SELECT 'it''s;';":            "SELECT 'it''s;'|",
		"SELECT \"a;b\" FROM `c;d`;":  "SELECT \"a;b\" FROM `c;d`|",
		"/* ; */ SELECT 1 /* x;":      "|/* ; */ SELECT 1 /* x;",
		"SELECT 'open; ":              "|SELECT 'open; ",
		";;; -- nothing":              "|",
		"SELECT 1; -- done":           "SELECT 1|",
	} {
		statements, rest := splitStatements(text)
		if got := strings.Join(statements, "/") + "|" + rest; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT  a,\n   b":                    "SELECT a, b",
		"SELECT a, -- the first\n  b":         "SELECT a, b",
		"SELECT 'two  spaces', '--', '/*x*/'": "SELECT 'two  spaces', '--', '/*x*/'",
		"SELECT /* not\nthis */ \"a  b\"":     "SELECT \"a  b\"",
		"-- first\nSELECT 1 -- last":          "SELECT 1",
		"SELECT 'it''s'":                      "SELECT 'it''s'",
		"SELECT 'a\nb'":                       "",
	} {
		if got, _ := oneLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzSplitStatements(f *testing.F) {
	for _, s := range []string{"SELECT ';'; -- ;\nSELECT 2;", "/* ; */ 'x", "`;`\";\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		statements, rest := splitStatements(text)
		n := len(rest)
		for _, s := range statements {
			if strings.TrimSpace(s) == "" {
				t.Errorf("%q has an empty statement", text)
			}
			n += len(s)
		}
		if n > len(text) {
			t.Errorf("%q became longer", text)
		}
		if one, _ := oneLine(text); len(one) > len(text) || strings.Contains(one, "\n") {
			t.Errorf("%q on one line is %q", text, one)
		}
	})
}

func TestUseStatement(t *testing.T) {
	for text, want := range map[string]string{"use Demo;": "demo", "USE `a`": "a", "SELECT 1": "", "use a b": ""} {
		if got, _ := useStatement(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

var (
	outputColumns = []types.ColumnInfo{
		{Name: aws.String("id"), Type: aws.String("integer")}, {Name: aws.String("name"), Type: aws.String("varchar")},
		{Name: aws.String("price"), Type: aws.String("decimal"), Precision: 10, Scale: 2}, {Name: aws.String("at"), Type: aws.String("timestamp")},
		{Name: aws.String("ok"), Type: aws.String("boolean")}, {Name: aws.String("day"), Type: aws.String("date")}, {Name: aws.String("raw"), Type: aws.String("varbinary")},
	}
	outputRows = [][]types.Datum{
		data("1", "a\n\"b\"", "1.50", "2024-01-02 03:04:05.006", "true", "2024-02-29", "01 ff"),
		{{VarCharValue: aws.String("20")}, {}, {}, {}, {}, {}, {}},
	}
)

func data(values ...string) []types.Datum {
	var d []types.Datum
	for _, v := range values {
		d = append(d, types.Datum{VarCharValue: aws.String(v)})
	}
	return d
}

func write(t *testing.T, format string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := resultFormats[format](&b)
	if err := w.begin(outputColumns); err != nil {
		t.Fatal(err)
	}
	for _, r := range outputRows {
		if err := w.row(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestResultFormats(t *testing.T) {
	for format, want := range map[string]string{
		"table": "id | name  | price | at                      | ok   | day        | raw\n" +
			"---+-------+-------+-------------------------+------+------------+------\n" +
			" 1 | a⏎\"b\" |  1.50 | 2024-01-02 03:04:05.006 | true | 2024-02-29 | 01 ff\n" +
			"20 | NULL  |  NULL | NULL                    | NULL | NULL       | NULL\n",
		"csv": "id,name,price,at,ok,day,raw\n1,\"a\n\"\"b\"\"\",1.50,2024-01-02 03:04:05.006,true,2024-02-29,01 ff\n20,,,,,,\n",
		"json": `{"id":1,"name":"a\n\"b\"","price":1.50,"at":"2024-01-02 03:04:05.006","ok":true,"day":"2024-02-29","raw":"01 ff"}` + "\n" +
			`{"id":20,"name":null,"price":null,"at":null,"ok":null,"day":null,"raw":null}` + "\n",
	} {
		if got := write(t, format).String(); strings.ReplaceAll(got, "------\n", "-----\n") != strings.ReplaceAll(want, "------\n", "-----\n") {
			t.Errorf("%s:\n%s\nwant\n%s", format, got, want)
		}
	}
}

func TestParquetResult(t *testing.T) {
	f := parquet.NewReader(bytes.NewReader(write(t, "parquet").Bytes()))
	defer f.Close()
	rows := make([]parquet.Row, 2)
	if n, err := f.ReadRows(rows); n != 2 {
		t.Fatal(n, err)
	}
	var names []string
	for _, field := range f.Schema().Fields() {
		names = append(names, field.Name())
	}
	if got := strings.Join(names, " "); got != "id name price at ok day raw" {
		t.Errorf("columns %s", got)
	}
	at := strconv.FormatInt(time.Date(2024, 1, 2, 3, 4, 5, 6e6, time.UTC).UnixMicro(), 10)
	for i, want := range []string{"1", "a\n\"b\"", "150", at, "true", "19782", "\x01\xff"} {
		if got := rows[0][i].String(); got != want {
			t.Errorf("%s is %q, want %q", names[i], got, want)
		}
		if i > 0 && !rows[1][i].IsNull() {
			t.Errorf("%s of the second row is not null", names[i])
		}
	}
}

func TestComplete(t *testing.T) {
	c := &completer{client: &sqlClient{database: "demo"}, known: true, of: "demo", names: []string{"demo", "demo.trades", "symbol", "trades"}}
	head, found, tail := c.complete(t.Context(), "select s from tr where", 16)
	if head != "select s from " || tail != " where" || !slices.Equal(found, []string{"trades", "true"}) {
		t.Errorf("%q %q %q", head, found, tail)
	}
}
