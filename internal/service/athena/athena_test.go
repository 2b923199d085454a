package athena

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/state"
)

type env struct {
	*Service
	glue *fakeGlue
	dir  string
}

func newStore(t testing.TB, dir string) *state.Store {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(dir, "nats")})
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(context.Background(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close(); b.Close() })
	return st
}

func newEnv(t testing.TB) *env {
	t.Helper()
	dir := t.TempDir()
	for _, bucket := range []string{"out", "data"} {
		if err := os.MkdirAll(filepath.Join(dir, bucket), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	engine, err := lakesql.Open(lakesql.Options{Dir: dir, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	g := newFakeGlue()
	s, err := New(Config{State: newStore(t, t.TempDir()), Glue: g, Objects: dirObjects{dir}, Engine: engine, Files: dirObjects{dir}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		engine.Close()
	})
	return &env{s, g, dir}
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func (e *env) start(t testing.TB, query string) string {
	t.Helper()
	out, err := e.StartQueryExecution(t.Context(), &athena.StartQueryExecutionInput{
		QueryString: aws.String(query), ResultConfiguration: &types.ResultConfiguration{OutputLocation: aws.String("s3://out/res/")},
		QueryExecutionContext: &types.QueryExecutionContext{Database: aws.String("lake")},
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return *out.QueryExecutionId
}

func (e *env) wait(t testing.TB, id string) *types.QueryExecution {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Microsecond) {
		out, err := e.GetQueryExecution(t.Context(), &athena.GetQueryExecutionInput{QueryExecutionId: aws.String(id)})
		if err != nil {
			t.Fatal(err)
		}
		if finished(out.QueryExecution.Status.State) {
			return out.QueryExecution
		}
	}
	t.Fatal("query does not end")
	return nil
}

// rows are all rows of a result, NULL as "∅".
func (e *env) rows(t testing.TB, id string, page int32) []string {
	t.Helper()
	var rows []string
	in := &athena.GetQueryResultsInput{QueryExecutionId: aws.String(id), MaxResults: aws.Int32(page)}
	for {
		out, err := e.GetQueryResults(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.ResultSet.Rows {
			var values []string
			for _, d := range r.Data {
				if d.VarCharValue == nil {
					values = append(values, "∅")
				} else {
					values = append(values, *d.VarCharValue)
				}
			}
			rows = append(rows, strings.Join(values, "|"))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return rows
		}
	}
}

// ask runs a statement and gives its rows, or the reason why it failed.
func (e *env) ask(t testing.TB, query string) []string {
	t.Helper()
	q := e.wait(t, e.start(t, query))
	if q.Status.State != types.QueryExecutionStateSucceeded {
		return []string{string(q.Status.State) + " " + *q.Status.StateChangeReason}
	}
	return e.rows(t, *q.QueryExecutionId, 1000)
}

func (e *env) put(t testing.TB, key, text string) {
	t.Helper()
	p := filepath.Join(e.dir, key)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestStatements(t *testing.T) {
	e := newEnv(t)
	e.put(t, "data/trades/d=2024-01-01 10/a.csv", "A,1,\"x\"\nB,2,\n")
	e.put(t, "data/trades/d=2024-01-02/a.csv", "C,3,y\n")
	for _, step := range []struct {
		query string
		want  []string
	}{
		{"CREATE DATABASE lake", nil},
		{"CREATE DATABASE lake", []string{"FAILED FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. Database lake already exists"}},
		{"CREATE SCHEMA IF NOT EXISTS lake", nil},
		{"SHOW DATABASES", []string{"default", "lake"}},
		{"CREATE EXTERNAL TABLE trades (sym string COMMENT 'symbol', qty int) PARTITIONED BY (d string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://data/trades/'", nil},
		{"SHOW TABLES", []string{"trades"}},
		{"SELECT count(*) n FROM trades", []string{"n", "0"}},
		{"MSCK REPAIR TABLE trades", []string{
			"Partitions not in metastore:\ttrades:d=2024-01-01 10\ttrades:d=2024-01-02",
			"Repair: Added partition to metastore trades:d=2024-01-01 10", "Repair: Added partition to metastore trades:d=2024-01-02",
		}},
		{"SHOW PARTITIONS trades", []string{"d=2024-01-01 10", "d=2024-01-02"}},
		{"SELECT sym, qty, d FROM lake.trades ORDER BY sym", []string{"sym|qty|d", "A|1|2024-01-01 10", "B|2|2024-01-01 10", "C|3|2024-01-02"}},
		{"SELECT sum(qty) FROM trades WHERE d = '2024-01-02'", []string{"_col0", "3"}},
		{"SELECT NULL a, '' b, 'q\"c' c, 'x\ny' d", []string{"a|b|c|d", "∅||q\"c|x\ny"}},
		{"ALTER TABLE trades DROP PARTITION (d = '2024-01-02')", nil},
		{"ALTER TABLE trades ADD IF NOT EXISTS PARTITION (d = 'z') LOCATION 's3://data/trades/d=2024-01-02'", nil},
		{"SELECT sym, d FROM trades WHERE d = 'z'", []string{"sym|d", "C|z"}},
		{"CREATE VIEW big AS SELECT sym, qty * 2 AS twice FROM trades WHERE qty > 1", nil},
		{"SELECT * FROM big ORDER BY 1", []string{"sym|twice", "B|4", "C|6"}},
		{"SHOW VIEWS", []string{"big"}},
		{"CREATE VIEW big AS SELECT 1 x", []string{"FAILED ALREADY_EXISTS: line 1:1: View already exists: 'awsdatacatalog.lake.big'"}},
		{"CREATE OR REPLACE VIEW big AS SELECT 1 x", nil},
		{"SELECT * FROM big", []string{"x", "1"}},
		{"ALTER TABLE trades SET TBLPROPERTIES ('a' = 'b')", nil},
		{"SHOW TBLPROPERTIES trades('a')", []string{"b"}},
		{"DESCRIBE trades sym", []string{"sym                 \tstring              \tsymbol              "}},
		{"PREPARE p FROM SELECT sym FROM trades WHERE qty = ?", nil},
		{"EXECUTE p USING 2", []string{"sym", "B"}},
		{"SELECT * FROM nothing", []string{"FAILED TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.lake.nothing' does not exist"}},
		{"DROP VIEW big", nil},
		{"DROP DATABASE lake", []string{"FAILED FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. InvalidOperationException(message:Database lake is not empty. One or more tables exist.)"}},
		{"DROP TABLE trades", nil},
		{"DROP TABLE trades", []string{"FAILED FAILED: SemanticException [Error 10001]: Table not found trades"}},
		{"DROP TABLE IF EXISTS trades", nil},
		{"DROP DATABASE lake CASCADE", nil},
	} {
		if got := e.ask(t, step.query); !slices.Equal(got, step.want) {
			t.Errorf("%s\n got %q\nwant %q", step.query, got, step.want)
		}
	}
}

// TestOrder fires statements without waiting: they take effect in their order.
func TestOrder(t *testing.T) {
	e := newEnv(t)
	e.put(t, "data/t/a.json", `{"a":1}`)
	var ids []string
	for range 5 {
		for _, q := range []string{
			"CREATE DATABASE IF NOT EXISTS lake",
			"CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://data/t/'",
			"SELECT a FROM t", "SELECT count(*) FROM t", "CREATE OR REPLACE VIEW v AS SELECT a FROM t", "SELECT a FROM v",
			"DROP VIEW v", "DROP TABLE t", "DROP DATABASE lake",
		} {
			ids = append(ids, e.start(t, q))
		}
	}
	for _, id := range ids {
		if q := e.wait(t, id); q.Status.State != types.QueryExecutionStateSucceeded {
			t.Fatalf("%s: %s", *q.Query, *q.Status.StateChangeReason)
		}
	}
	page, err := e.ListQueryExecutions(t.Context(), &athena.ListQueryExecutionsInput{MaxResults: aws.Int32(3)})
	if err != nil || len(page.QueryExecutionIds) != 3 || page.QueryExecutionIds[0] != ids[len(ids)-1] {
		t.Errorf("list: %v %v", page, err)
	}
}

func TestRefusals(t *testing.T) {
	e := newEnv(t)
	out := &types.ResultConfiguration{OutputLocation: aws.String("s3://out/")}
	for name, in := range map[string]*athena.StartQueryExecutionInput{
		"syntax":       {QueryString: aws.String("SELEC 1"), ResultConfiguration: out},
		"no output":    {QueryString: aws.String("SELECT 1")},
		"no bucket":    {QueryString: aws.String("SELECT 1"), ResultConfiguration: &types.ResultConfiguration{OutputLocation: aws.String("s3://nowhere/")}},
		"no workgroup": {QueryString: aws.String("SELECT 1"), ResultConfiguration: out, WorkGroup: aws.String("x")},
		"no catalog":   {QueryString: aws.String("SELECT 1"), ResultConfiguration: out, QueryExecutionContext: &types.QueryExecutionContext{Catalog: aws.String("x")}},
	} {
		if _, err := e.StartQueryExecution(t.Context(), in); code(err) != "InvalidRequestException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	in := &athena.StartQueryExecutionInput{QueryString: aws.String("SELECT 1"), ResultConfiguration: out, ClientRequestToken: aws.String(strings.Repeat("t", 32))}
	a, err := e.StartQueryExecution(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.StartQueryExecution(t.Context(), in)
	if err != nil || *a.QueryExecutionId != *b.QueryExecutionId {
		t.Errorf("same token: %v %v", b, err)
	}
	in.QueryString = aws.String("SELECT 2")
	if _, err := e.StartQueryExecution(t.Context(), in); code(err) != "InvalidRequestException" {
		t.Errorf("same token, other query: %v", err)
	}
	e.wait(t, *a.QueryExecutionId)
}

func TestPages(t *testing.T) {
	e := newEnv(t)
	id := e.start(t, "SELECT n, 'v' || CAST(n AS varchar) s FROM UNNEST(sequence(1, 2500)) AS t(n) ORDER BY n")
	if q := e.wait(t, id); q.Status.State != types.QueryExecutionStateSucceeded {
		t.Fatal(*q.Status.StateChangeReason)
	}
	rows := e.rows(t, id, 1000)
	if len(rows) != 2501 || rows[0] != "n|s" || rows[1000] != "1000|v1000" || rows[2500] != "2500|v2500" {
		t.Errorf("%d rows", len(rows))
	}
	out, err := e.GetQueryResults(t.Context(), &athena.GetQueryResultsInput{QueryExecutionId: aws.String(id)})
	if err != nil {
		t.Fatal(err)
	}
	c := out.ResultSet.ResultSetMetadata.ColumnInfo
	if len(c) != 2 || *c[1].Name != "s" || *c[1].Type != "varchar" || *c[1].CatalogName != "hive" || c[1].Nullable != "UNKNOWN" {
		t.Errorf("columns %+v", c)
	}
}

func TestMetadata(t *testing.T) {
	columns := []types.ColumnInfo{columnInfo("ary", "array", 0, 0, false), columnInfo("d", "decimal", 10, 2, true)}
	b := encodeMetadata("20190423_125128_00001_ehtur", columns[:1])
	// What Athena wrote for such a column.
	want := "\x0a\x1b20190423_125128_00001_ehtur\"\x19\x0a\x04hive\"\x03ary*\x03ary2\x05arrayH\x03"
	if string(b) != want {
		t.Errorf("got %q\nwant %q", b, want)
	}
	got, err := decodeMetadata(encodeMetadata("x", columns))
	if err != nil || fmt.Sprint(got[1].Precision, got[1].Scale, got[1].CaseSensitive) != "10 2 true" || *got[1].Label != "d" {
		t.Errorf("%+v %v", got, err)
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add(encodeMetadata("x", []types.ColumnInfo{columnInfo("a", "b", 1, 2, true)}))
	f.Fuzz(func(t *testing.T, b []byte) { decodeMetadata(b) })
}

func FuzzRows(f *testing.F) {
	f.Add([]byte("\"a\",,\"b\"\"c\"\n\"\"\n"), false)
	f.Fuzz(func(t *testing.T, b []byte, plain bool) {
		r := &rowReader{r: bufio.NewReader(bytes.NewReader(b)), plain: plain}
		for range len(b) + 2 {
			if _, err := r.next(); err != nil {
				return
			}
		}
		t.Error("no end")
	})
}

func BenchmarkSelect(b *testing.B) {
	e := newEnv(b)
	for b.Loop() {
		id := e.start(b, "SELECT 1")
		e.wait(b, id)
		e.rows(b, id, 1000)
	}
}

// TestUpdatePrimaryAtOnce: of calls that change the primary workgroup, which nobody has changed before, none fails.
func TestUpdatePrimaryAtOnce(t *testing.T) {
	e := newEnv(t)
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			if _, err := e.UpdateWorkGroup(t.Context(), &athena.UpdateWorkGroupInput{WorkGroup: aws.String("primary"), Description: aws.String("changed")}); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}
