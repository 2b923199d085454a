package sparksql

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/etl"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// sparkTables are the tables of testdata/tables.json, in which the queries of spark.jsonl were run.
func sparkTables(t *testing.T) []etl.SQLTable {
	t.Helper()
	var tables map[string]struct {
		Columns []string
		Rows    []json.RawMessage
	}
	text, err := os.ReadFile("testdata/tables.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &tables); err != nil {
		t.Fatal(err)
	}
	var all []etl.SQLTable
	for name, table := range tables {
		var columns []etl.Column
		for _, c := range table.Columns {
			column, kind, _ := strings.Cut(c, " ")
			typ, err := hivetype.Parse(kind)
			if err != nil {
				t.Fatal(err)
			}
			columns = append(columns, etl.Column{Name: column, Type: typ})
		}
		r := etl.NewReader(etl.ReadOptions{Format: "json", Columns: columns})
		for _, row := range table.Rows {
			if err := r.Add(name, bytes.NewReader(row), nil); err != nil {
				t.Fatal(err)
			}
		}
		f, err := r.Frame()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, etl.SQLTable{Name: name, Frame: f})
	}
	return all
}

// canonical is a value as one text, the same for equal values: numbers have twelve digits, members without a value are left out.
func canonical(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil { // a decimal
			return strconv.FormatFloat(f, 'g', 12, 64)
		}
		return strconv.Quote(v)
	case float64:
		return strconv.FormatFloat(v, 'g', 12, 64)
	case int64:
		return strconv.FormatFloat(float64(v), 'g', 12, 64)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, canonical(e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case etl.Object:
		m := make(map[string]any)
		for _, x := range v {
			m[x.Name] = x.Value
		}
		return canonical(m)
	case map[string]any:
		var parts []string
		for k, e := range v {
			if e != nil {
				parts = append(parts, strconv.Quote(k)+":"+canonical(e))
			}
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	}
	return fmt.Sprint(v)
}

// TestAsSpark: queries have the columns, the types and the rows that Spark 4 answered them with
// (spark.sql.ansi.enabled=false, as in Glue; spark.sql.session.timeZone=UTC).
func TestAsSpark(t *testing.T) {
	e, tables := open(t), sparkTables(t)
	in, err := os.Open("testdata/spark.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var c struct {
			Query, Columns string
			Rows           [][]any
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		f, err := e.Run(t.Context(), c.Query, tables, 1<<20)
		if err != nil {
			t.Errorf("%s\n  %v", c.Query, err)
			continue
		}
		var columns, got, want []string
		for _, x := range f.Columns {
			columns = append(columns, x.Name+" "+x.Type.String())
		}
		for _, row := range f.Rows() {
			got = append(got, canonical(row))
		}
		for _, row := range c.Rows {
			want = append(want, canonical(row))
		}
		if !strings.Contains(c.Query, "ORDER BY") || strings.Contains(c.Query, "OVER") {
			slices.Sort(got)
			slices.Sort(want)
		}
		if s := strings.Join(columns, ", "); s != c.Columns || !slices.Equal(got, want) {
			t.Errorf("%s\n  got  %s %s\n  want %s %s", c.Query, s, got, c.Columns, want)
		}
	}
}
