package lakesql

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

func TestFace(t *testing.T) {
	e, l := newEngine(t)
	ctx := context.Background()
	parse := func(text string) sql.Statement {
		s, err := sql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// Parameters, names of columns.
	request := Request{Statement: parse(`SELECT ? + 1, x, x AS "Y", count(*) FROM (VALUES 1, 2) t(x) WHERE x = ? GROUP BY x`), Parameters: []sql.Expr{&sql.Number{Text: "41"}, &sql.Number{Text: "2"}}, Catalog: l, Files: l}
	columns, err := e.Schema(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	var got string
	for _, c := range columns {
		got += c.Name + " " + c.Type + ";"
	}
	if want := "_col0 integer;x integer;Y integer;_col3 bigint;"; got != want {
		t.Errorf("schema %s, want %s", got, want)
	}
	r, err := e.Query(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Next(ctx) || fmt.Sprint(r.Row()) != "[{42 false} {2 false} {2 false} {1 false}]" || r.Next(ctx) {
		t.Errorf("row %v", r.Row())
	}
	r.Close()
	request.Parameters = request.Parameters[:1]
	if _, err := e.Query(ctx, request); err == nil {
		t.Error("a parameter is missing and nobody says so")
	}
	for _, text := range []string{"EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT 1"} {
		r, err := e.Query(ctx, Request{Statement: parse(text), Catalog: l, Files: l})
		if err != nil {
			t.Fatal(text, err)
		}
		if !r.Next(ctx) {
			t.Error(text, "gives nothing", r.Err())
		}
		r.Close()
	}
	// More queries at once than slots.
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if got, _, err := ask(e, l, fmt.Sprintf("SELECT sum(x) + %d FROM UNNEST(sequence(1, 1000)) t(x)", i)); err != nil || got != fmt.Sprint(500500+i) {
				t.Error(got, err)
			}
		})
	}
	wg.Wait()
}

// TestNesting: calls within calls do not multiply without end.
func TestNesting(t *testing.T) {
	e, l := newEngine(t)
	x := "a"
	for range 60 {
		x = "CAST(CAST(" + x + " AS integer) AS varchar)"
	}
	if _, _, err := ask(e, l, "SELECT "+x+" FROM (VALUES '1') t(a)"); err == nil || !strings.HasPrefix(err.Error(), "NOT_SUPPORTED") {
		t.Error(err)
	}
}
