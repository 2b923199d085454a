package lakesql

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// watchMemory returns a function that gives the most memory, in bytes, that the process that
// queries run in has been seen to have since.
func watchMemory(t *testing.T, e *Engine) func() int64 {
	var most atomic.Int64
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
			b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.WorkerPID()))
			if _, rest, ok := strings.Cut(string(b), "VmHWM:"); ok {
				if kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64); err == nil {
					most.Store(max(most.Load(), kb<<10))
				}
			}
		}
	}()
	t.Cleanup(func() { close(done) })
	return most.Load
}

// bombs take more memory than a query may have, or more time than it is given, within one
// call of a function.
var bombs = []string{
	"SELECT length(rpad('a', 2000000000, 'b'))",
	"SELECT sum(length(rpad('a', 100000000 + CAST(x AS integer), 'b'))) FROM UNNEST(sequence(1, 2000)) t(x)",
	"SELECT length(array_join(repeat(rpad('', 1000000, 'a'), 10000), ','))",
	"SELECT cardinality(transform(sequence(1, 10000), x -> rpad('', 1000000, 'y')))",
	"SELECT reduce(sequence(1, 10000), ARRAY['a'], (s, x) -> s || s, s -> cardinality(s))",
	"SELECT reduce(sequence(1, 40), 'a', (s, x) -> s || s, s -> length(s))",
	"SELECT cardinality(map_agg(x * 10000 + y, rpad('a', 100000, 'b'))) FROM UNNEST(sequence(1, 10000)) t(x) CROSS JOIN UNNEST(sequence(1, 100)) u(y)",
	"SELECT length(replace(rpad('', 60000000, 'a'), 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'))",
	"SELECT count(*) FROM (SELECT url_encode(rpad('', 1000000, '/')) u FROM UNNEST(sequence(1, 5000)) t(x)) WHERE u LIKE '%x'",
	"SELECT length(to_hex(from_hex(rpad('', 400000000, 'a'))))",
	"SELECT cardinality(array_agg(rpad('', 1000000, 'a'))) FROM UNNEST(sequence(1, 10000)) t(x)",
	"SELECT * FROM (SELECT rpad('', 10000, 'a') FROM UNNEST(sequence(1, 10000)) t(x) CROSS JOIN UNNEST(sequence(1, 10000)) u(y)) ORDER BY 1",
}

// TestBombs: no statement takes more memory than the process may have, each can be stopped
// within two seconds, and neither ends another query.
func TestBombs(t *testing.T) {
	bombs := bombs
	if os.Getenv("BROOKMERE_LONG") == "" { // all of them take a minute on a busy machine
		bombs = bombs[:4]
	}
	e, l := newEngine(t)
	memory := watchMemory(t, e)
	for _, bomb := range bombs {
		ctx, cancel := context.WithCancel(t.Context())
		var once sync.Once
		var stopped time.Time
		timer := time.AfterFunc(500*time.Millisecond, func() { once.Do(func() { stopped = time.Now(); cancel() }) })
		r, err := e.Query(ctx, Request{Statement: mustParse(t, bomb), Database: "db", Catalog: l, Files: l})
		if err == nil {
			for r.Next(ctx) {
			}
			err = r.Err()
			r.Close()
		}
		timer.Stop()
		once.Do(func() {})
		if !stopped.IsZero() && time.Since(stopped) > time.Minute {
			t.Errorf("%s went on for %v after it was stopped", bomb, time.Since(stopped))
		}
		if err != nil && !strings.HasPrefix(err.Error(), "EXCEEDED_LOCAL_MEMORY_LIMIT") && ctx.Err() == nil {
			t.Errorf("%s: %v", bomb, err)
		}
		cancel()
		if got, _, err := ask(e, l, "SELECT 1 + 1"); got != "2" {
			t.Fatalf("after %s: %q, %v", bomb, got, err)
		}
	}
	if m := memory(); m > 9<<28 {
		t.Errorf("the process took %d MB", m>>20)
	} else {
		t.Logf("the process took %d MB at most", m>>20)
	}
}

// TestScarceMemory: statements that have not enough memory together, and have it one by one, all come to their end, those
// that write files too.
func TestScarceMemory(t *testing.T) {
	if os.Getenv("BROOKMERE_LONG") == "" { // what one of them takes depends on how the machine is loaded
		t.Skip("BROOKMERE_LONG is not set")
	}
	dir := t.TempDir()
	e, err := Open(Options{Dir: dir, TempDir: t.TempDir(), MemoryLimit: "300MB", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	l := &lake{dir: dir, tables: map[string]*Table{}, partitions: map[string][]Partition{}}
	const large = "SELECT cardinality(array_agg(x * 10000 + y)) n FROM UNNEST(sequence(1, 550)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y)"
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if got, _, err := ask(e, l, large); err != nil || got != "5500000" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Go(func() {
		w, err := e.Write(t.Context(), WriteRequest{Request: Request{Statement: mustParse(t, large+" GROUP BY y % 1"), Database: "db", Catalog: l, Files: l}, Format: "PARQUET"})
		if err != nil {
			t.Errorf("write: %v", err)
			return
		}
		if w.Rows != 1 {
			t.Errorf("%d rows were written", w.Rows)
		}
		w.Close()
	})
	wg.Wait()
}

// TestKilled: a query that runs while the process has to be killed for another is run again,
// and one that ends the process by itself fails alone.
func TestKilled(t *testing.T) {
	e, l := newEngine(t)
	var wg sync.WaitGroup
	began := make(chan struct{})
	wg.Go(func() {
		close(began)
		got, _, err := ask(e, l, "SELECT sum(x % 7) FROM (SELECT x FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 3000)) b(y))")
		if err != nil || got != "89994000" {
			t.Errorf("the other query: %q, %v", got, err)
		}
	})
	<-began
	pid := e.WorkerPID()
	p, err := os.FindProcess(pid)
	if err != nil || pid == 0 {
		t.Fatal(pid, err)
	}
	p.Kill()
	if got, _, err := ask(e, l, "SELECT 2"); err != nil || got != "2" {
		t.Errorf("after a kill: %q, %v", got, err)
	}
	wg.Wait()
}

// TestLargeStatements: statements that are long, or mean long ones, run or are refused, and soon.
func TestLargeStatements(t *testing.T) {
	e, l := newEngine(t)
	const refused = "STACK_OVERFLOW"
	repeat := strings.Repeat
	doubled := "SELECT 1 a"
	for range 40 {
		doubled = "SELECT * FROM (" + doubled + ") x CROSS JOIN (SELECT 2 b) y"
	}
	stars := "(SELECT 1 a) t0"
	for i := range 40 {
		stars = fmt.Sprintf("(SELECT * FROM %s CROSS JOIN (SELECT * FROM c%d) u%d) t%d", stars, i, i, i+1)
	}
	ctes := "WITH c0 AS (SELECT 1 a)"
	for i := range 40 {
		ctes += fmt.Sprintf(", c%d AS (SELECT * FROM c%d x CROSS JOIN c%d y)", i+1, i, i)
	}
	l.tables["v0"] = &Table{Database: "db", Name: "v0", ViewSQL: "SELECT 1 a"}
	for i := range 15 {
		name := fmt.Sprintf("v%d", i+1)
		l.tables[name] = &Table{Database: "db", Name: name, ViewSQL: fmt.Sprintf("SELECT x.a FROM v%d x"+repeat(fmt.Sprintf(" CROSS JOIN v%d y", i), 3), i)}
	}
	for name, c := range map[string]struct{ query, want string }{
		"concatenation":  {"SELECT length(" + repeat("'a' || ", 2000) + "'a')", "2001"},
		"sum":            {"SELECT " + repeat("1 + ", 20000) + "1", refused},
		"list":           {"SELECT 1 IN (" + repeat("2, ", 20000) + "1)", "true"},
		"union":          {"SELECT count(*) FROM (" + repeat("SELECT 1 UNION ALL ", 20000) + "SELECT 1)", refused},
		"parentheses":    {"SELECT " + repeat("(", 20000) + "1" + repeat(")", 20000), "nested too deeply"},
		"stars":          {ctes + " SELECT * FROM c40", "more than 10000 columns"},
		"nested stars":   {ctes + " SELECT count(*) FROM " + stars, "more than 10000 columns"},
		"views":          {"SELECT count(*) FROM v15", refused},
		"nested selects": {doubled, "41 columns"},
	} {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		statement, err := sql.Parse(c.query)
		got := ""
		if err == nil {
			var columns []ResultColumn
			columns, err = e.Schema(ctx, Request{Statement: statement, Database: "db", Catalog: l, Files: l})
			if len(columns) == 1 {
				got, _, err = ask(e, l, c.query)
			}
			got += fmt.Sprintf(" %d columns", len(columns))
		}
		cancel()
		if got += fmt.Sprint(err); !strings.Contains(got, c.want) {
			t.Errorf("%s: %.200s, want %s", name, got, c.want)
		}
		if took := time.Since(start); took > 4*time.Minute { // what grows with each step does not end at all
			t.Errorf("%s took %v", name, took)
		}
	}
}
