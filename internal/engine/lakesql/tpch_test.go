package lakesql

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

var tpchOrders = flag.Int("tpch.orders", 150_000, "orders of the TPC-H tables: 150000 is scale 0.1; a tenth with -short")

var tpchTypes = map[string]string{
	"region": "r_regionkey bigint; r_name string; r_comment string", "nation": "n_nationkey bigint; n_name string; n_regionkey bigint; n_comment string",
	"supplier": "s_suppkey bigint; s_name string; s_address string; s_nationkey bigint; s_phone string; s_acctbal decimal(15,2); s_comment string",
	"customer": "c_custkey bigint; c_name string; c_address string; c_nationkey bigint; c_phone string; c_acctbal decimal(15,2); c_mktsegment string; c_comment string",
	"part":     "p_partkey bigint; p_name string; p_mfgr string; p_brand string; p_type string; p_size int; p_container string; p_retailprice decimal(15,2); p_comment string",
	"partsupp": "ps_partkey bigint; ps_suppkey bigint; ps_availqty int; ps_supplycost decimal(15,2); ps_comment string",
	"orders":   "o_orderkey bigint; o_custkey bigint; o_orderstatus string; o_totalprice decimal(15,2); o_orderdate date; o_orderpriority string; o_clerk string; o_shippriority int; o_comment string",
	"lineitem": "l_orderkey bigint; l_partkey bigint; l_suppkey bigint; l_linenumber int; l_quantity decimal(15,2); l_extendedprice decimal(15,2); l_discount decimal(15,2); l_tax decimal(15,2); l_returnflag string; l_linestatus string; l_shipdate date; l_commitdate date; l_receiptdate date; l_shipinstruct string; l_shipmode string; l_comment string",
}

// TestTPCH runs the 22 queries and compares them with DuckDB's answers to the same text.
func TestTPCH(t *testing.T) {
	e, l := newEngine(t)
	orders := *tpchOrders
	if testing.Short() {
		orders /= 10
	}
	schema, err := os.ReadFile("testdata/tpch/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, line := range strings.Split(string(schema), "\n") {
		name, query, ok := strings.Cut(line, ": ")
		if !ok || strings.HasPrefix(line, "--") {
			continue
		}
		l.add(t, name, tpchTypes[name], "", parquetSerDe, nil)
		path := filepath.Join(l.dir, "b", name, "1.parquet")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		const h = "CREATE MACRO h(a) AS (hash(a) >> 1)::BIGINT, (a, b) AS (hash(a, b) >> 1)::BIGINT, (a, b, c) AS (hash(a, b, c) >> 1)::BIGINT; "
		if err := runOpen(h + "COPY (" + strings.ReplaceAll(query, "$N", strconv.Itoa(orders)) + ") TO " + duck.Quote(path) + " (FORMAT parquet)"); err != nil {
			t.Fatal(name, err)
		}
		// Views that DuckDB's own text finds; the engine's text never names them.
		if err := e.execute(ctx, "CREATE OR REPLACE VIEW "+name+" AS SELECT * FROM read_parquet("+duck.Quote(path)+")"); err != nil {
			t.Fatal(err)
		}
	}
	queries, err := os.ReadFile("testdata/tpch/queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs time.Duration
	for i, q := range strings.Split(string(queries), ";\n") {
		_, q, ok := strings.Cut(q, "\n")
		if !ok {
			continue
		}
		start := time.Now()
		got, _, err := ask(e, l, q)
		if err != nil {
			t.Errorf("query %d: %v", i+1, err)
			s, _ := sql.Parse(q)
			text, _ := e.Translate(ctx, Request{Statement: s, Database: "db", Catalog: l, Files: l})
			t.Log(text)
			continue
		}
		own := time.Since(start)
		start = time.Now()
		want, err := askDuckDB(ctx, e, q)
		if err != nil {
			t.Fatalf("query %d: %v", i+1, err)
		}
		ours, theirs = ours+own, theirs+time.Since(start)
		if diff := differ(got, want); diff != "" {
			t.Errorf("query %d: %s", i+1, diff)
		}
		if got == "" || got == "NULL" {
			t.Errorf("query %d answers nothing: its data tests nothing", i+1)
		}
	}
	t.Logf("22 queries over %d orders: %v, DuckDB itself %v", orders, ours, theirs)
}

func askDuckDB(ctx context.Context, e *Engine, text string) (string, error) {
	r, err := e.run(ctx, worker.Call{Text: text})
	if err != nil {
		return "", err
	}
	defer r.Close()
	var lines []string
	for r.Next(ctx) {
		var parts []string
		for _, v := range r.Row() {
			if v.Null {
				v.Text = "NULL"
			}
			parts = append(parts, v.Text)
		}
		lines = append(lines, strings.Join(parts, "|"))
	}
	return strings.Join(lines, "\n"), r.Err()
}

// execute runs a statement of DuckDB's that has no rows.
func (e *Engine) execute(ctx context.Context, text string) error {
	rows, err := e.worker.Run(ctx, worker.Call{Text: text, Execute: true})
	if err == nil {
		rows.Close()
	}
	return err
}

// differ compares answers: numbers to six digits, as a decimal average has fewer places than a double.
func differ(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(a) != len(b) {
		return fmt.Sprintf("%d rows, want %d", len(a), len(b))
	}
	for i := range a {
		x, y := strings.Split(a[i], "|"), strings.Split(b[i], "|")
		for j := range x {
			if x[j] == y[j] {
				continue
			}
			f, err := strconv.ParseFloat(x[j], 64)
			g, err2 := strconv.ParseFloat(y[j], 64)
			if err != nil || err2 != nil || math.Abs(f-g) > 0.006+1e-6*math.Abs(g) {
				return fmt.Sprintf("row %d:\ngot  %s\nwant %s", i+1, a[i], b[i])
			}
		}
	}
	return ""
}
