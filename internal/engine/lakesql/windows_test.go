package lakesql

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/brookmere/brookmere/internal/engine/streamsql"
)

// windowsRounds is how many random applications TestWindowsOfStreams tries: WINDOWS_ROUNDS, or a few.
func windowsRounds() int {
	if n, err := strconv.Atoi(os.Getenv("WINDOWS_ROUNDS")); err == nil {
		return n
	}
	return 28
}

// windowKinds are statements of streaming SQL and what DuckDB is asked over the finished input, in which t is
// ROWTIME, e the time in the record, both in milliseconds, and i the place of a record. ~ is the length of a
// window in seconds, # in milliseconds, % the rows of one; $ stands for a condition.
var windowKinds = []struct{ name, stream, duck string }{
	{
		"tumbling", `SELECT STREAM "k", UNIX_TIMESTAMP(STEP(S.ROWTIME BY INTERVAL '~' SECOND)), {AGG} FROM S WHERE $ GROUP BY "k", STEP(S.ROWTIME BY INTERVAL '~' SECOND)`,
		`SELECT k, t - t % #, {AGG} FROM s WHERE $ GROUP BY ALL`,
	}, {
		"tumbling, having", `SELECT STREAM "k", UNIX_TIMESTAMP(STEP(S.ROWTIME BY INTERVAL '~' SECOND)), {AGG} FROM S WHERE $ GROUP BY "k", STEP(S.ROWTIME BY INTERVAL '~' SECOND) HAVING COUNT(*) > 1`,
		`SELECT k, t - t % #, {AGG} FROM s WHERE $ GROUP BY ALL HAVING count(*) > 1`,
	}, {
		"event time", `SELECT STREAM "k", UNIX_TIMESTAMP(STEP("e" BY INTERVAL '~' SECOND)), {AGG} FROM S WHERE $ GROUP BY "k", STEP("e" BY INTERVAL '~' SECOND), STEP(S.ROWTIME BY INTERVAL '60' SECOND)`,
		`SELECT k, e - e % #, {AGG} FROM s WHERE $ GROUP BY k, e - e % #, t - t % 60000`,
	}, {
		"sliding by time", `SELECT STREAM "k", "i", {AGG OVER w} FROM S WHERE $ WINDOW w AS (PARTITION BY "k" RANGE INTERVAL '~' SECOND PRECEDING)`,
		`SELECT a.k, a.i, {AGG b.} FROM s a JOIN s b ON b.k = a.k AND b.i <= a.i AND b.t > a.t - # WHERE ($a) AND ($b) GROUP BY a.k, a.i`,
	}, {
		"sliding by rows", `SELECT STREAM "k", "i", {AGG OVER w} FROM S WHERE $ WINDOW w AS (PARTITION BY "k" ROWS % PRECEDING)`,
		`SELECT a.k, a.i, {AGG b.} FROM r a JOIN r b ON b.k = a.k AND b.at BETWEEN a.at - % AND a.at GROUP BY a.k, a.i`,
	}, {
		"stagger", `SELECT STREAM "k", 0, {AGG} FROM S WHERE $ WINDOWED BY STAGGER (PARTITION BY "k" RANGE INTERVAL '~' SECOND)`,
		`WITH RECURSIVE w AS (SELECT k, min(t) AS b FROM r GROUP BY k UNION ALL SELECT w.k, (SELECT min(t) FROM r WHERE r.k = w.k AND r.t >= w.b + #) FROM w WHERE w.b IS NOT NULL)
		SELECT w.k, 0, {AGG r.} FROM w JOIN r ON r.k = w.k AND r.t >= w.b AND r.t < w.b + # GROUP BY w.k, w.b`,
	}, {
		"join", `SELECT STREAM a."k", a."i" * 1000 + b."i", COUNT(*) OVER z, a."n" + b."n", b."d", a."d", 0, 0, 0
			FROM (SELECT STREAM * FROM S WHERE $) OVER (RANGE INTERVAL '~' SECOND PRECEDING) AS a JOIN (SELECT STREAM * FROM S WHERE "n" > 4) OVER (RANGE INTERVAL '~' SECOND PRECEDING) AS b ON a."k" = b."k"
			WINDOW z AS (ROWS 0 PRECEDING)`,
		`SELECT a.k, a.i * 1000 + b.i, 1, a.n + b.n, b.d, a.d, 0::DOUBLE, 0, 0::DOUBLE FROM s a JOIN s b ON a.k = b.k AND abs(a.t - b.t) < # WHERE ($a) AND b.n > 4`,
	},
}

// TestWindowsOfStreams asks DuckDB what windows of streams hold, over all of the input: random applications,
// with records whose own times are out of order. WINDOWS_ROUNDS tries more.
func TestWindowsOfStreams(t *testing.T) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{"SET threads = 1", "CREATE TABLE s (i BIGINT, t BIGINT, e BIGINT, k VARCHAR, n BIGINT, d DOUBLE)"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	for round := range windowsRounds() {
		r := rand.New(rand.NewPCG(uint64(round), 11))
		kind := windowKinds[round%len(windowKinds)]
		fill := strings.NewReplacer("~", strconv.Itoa(1+r.IntN(90)), "%", strconv.Itoa(r.IntN(6)))
		seconds := fill.Replace("~")
		where := []string{"TRUE", `{}n > 2`, `{}k <> 'b' AND {}d < 100`}[r.IntN(3)]
		streamed := kind.stream
		streamed = strings.ReplaceAll(streamed, "{AGG}", aggregatesOfStream(""))
		streamed = strings.ReplaceAll(streamed, "{AGG OVER w}", aggregatesOfStream(" OVER w"))
		streamed = strings.ReplaceAll(streamed, "$", strings.NewReplacer("{}n", `"n"`, "{}k", `"k"`, "{}d", `"d"`).Replace(where))
		streamed = fill.Replace(streamed)
		asked := kind.duck
		for _, side := range []string{"a", "b"} {
			asked = strings.ReplaceAll(asked, "$"+side, strings.ReplaceAll(where, "{}", side+"."))
		}
		asked = strings.ReplaceAll(asked, "$", strings.ReplaceAll(where, "{}", ""))
		for _, of := range []string{"", " b.", " r."} {
			asked = strings.ReplaceAll(asked, "{AGG"+of+"}", aggregatesOfDuckDB(strings.TrimSpace(of)))
		}
		asked = strings.ReplaceAll(asked, "#", seconds+"000")
		if kind.name == "sliding by rows" {
			asked = fill.Replace(asked)
		}
		asked = "WITH " + map[bool]string{true: "RECURSIVE ", false: ""}[strings.Contains(asked, "WITH RECURSIVE")] +
			"r AS (SELECT *, row_number() OVER (PARTITION BY k ORDER BY i) AS at FROM s WHERE " + strings.ReplaceAll(where, "{}", "") + ")" +
			strings.Replace(" "+asked, " WITH RECURSIVE", ",", 1)

		steps, values := windowsInput(r)
		if _, err := db.Exec("DELETE FROM s"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("INSERT INTO s VALUES " + strings.Join(values, ",")); err != nil {
			t.Fatal(err)
		}
		want, err := rowsOfDuckDB(db, asked)
		if err != nil {
			t.Fatalf("%s: %v\n%s", kind.name, err, asked)
		}
		got := rowsOfStream(t, streamed, steps)
		if !slices.Equal(got, want) {
			t.Fatalf("round %d, %s:\n%s\ngives\n%s\nand\n%s\ngives\n%s", round, kind.name, streamed, strings.Join(got, "\n"), asked, strings.Join(want, "\n"))
		}
		if len(want) == 0 && where == "TRUE" && kind.name == "tumbling" {
			t.Errorf("round %d has no rows", round)
		}
	}
}

func aggregatesOfStream(over string) string {
	return strings.ReplaceAll(`COUNT(*)@, SUM("n")@, MIN("d")@, MAX("d")@, AVG("d")@, COUNT(DISTINCT "n")@, STDDEV_POP("d")@`, "@", over)
}

func aggregatesOfDuckDB(of string) string {
	return strings.ReplaceAll(`count(*), sum(@n), min(@d), max(@d), avg(@d), count(DISTINCT @n), stddev_pop(@d)`, "@", of)
}

// windowsInput are steps of records with times of their own, which are up to half a minute older, and the same as
// values of SQL.
func windowsInput(r *rand.Rand) (steps []streamsql.Step, values []string) {
	at := time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)
	for range 5 + r.IntN(30) {
		at = at.Add(time.Duration(1+r.IntN(20000)) * time.Millisecond)
		s := streamsql.Step{Time: at}
		var records []streamsql.Record
		for range r.IntN(6) {
			e, k, n, d := at.Add(-time.Duration(r.IntN(30000))*time.Millisecond), string(rune('a'+r.IntN(3))), r.IntN(10), float64(r.IntN(1000))/8
			i := len(values)
			records = append(records, streamsql.Record{Data: fmt.Appendf(nil, `{"i":%d,"e":%q,"k":%q,"n":%d,"d":%g}`, i, e.Format("2006-01-02 15:04:05.000"), k, n, d)})
			values = append(values, fmt.Sprintf("(%d, %d, %d, '%s', %d, %g)", i, at.UnixMilli(), e.UnixMilli(), k, n, d))
		}
		if records != nil {
			s.Batches = []streamsql.Batch{{Source: "S", Records: records}}
		}
		steps = append(steps, s)
	}
	if values == nil {
		return windowsInput(r)
	}
	return append(steps, streamsql.Step{Time: at.Add(time.Hour)}), values
}

// rowsOfStream are what an application gives, in one order.
func rowsOfStream(t *testing.T, query string, steps []streamsql.Step) []string {
	t.Helper()
	var columns []streamsql.SourceColumn
	for _, c := range [][2]string{{"i", "BIGINT"}, {"e", "TIMESTAMP"}, {"k", "VARCHAR(4)"}, {"n", "INTEGER"}, {"d", "DOUBLE"}} {
		of, err := streamsql.ParseType(c[1])
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, streamsql.SourceColumn{Name: c[0], Type: of})
	}
	code := `CREATE STREAM D ("k" VARCHAR(4), "w" BIGINT, "c" BIGINT, "s" BIGINT, "lo" DOUBLE, "hi" DOUBLE, "a" DOUBLE, "u" BIGINT, "v" DOUBLE); CREATE PUMP P AS INSERT INTO D ` + query
	plan, err := streamsql.Compile(code, []streamsql.Source{{Name: "S", Schema: streamsql.Schema{Columns: columns}}}, nil)
	if err != nil {
		t.Fatalf("%s\n%v", code, err)
	}
	app, err := streamsql.New(plan, streamsql.Options{Outputs: []string{"D", streamsql.ErrorStream}, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range steps {
		result, err := app.Apply(s)
		if err != nil {
			t.Fatalf("%s\n%v", code, err)
		}
		for _, o := range result.Outputs {
			for i := range o.Rows.Len() {
				if o.Stream != "D" {
					t.Fatalf("%s\n%s", code, o.Rows.AppendJSON(nil, i))
				}
				row := make([]any, len(o.Rows.Columns()))
				for c := range row {
					row[c] = o.Rows.Value(i, c)
				}
				all = append(all, written(row))
			}
		}
	}
	slices.Sort(all)
	return all
}

func rowsOfDuckDB(db *sql.DB, query string) ([]string, error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all []string
	for rows.Next() {
		row, at := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			at[i] = &row[i]
		}
		if err := rows.Scan(at...); err != nil {
			return nil, err
		}
		all = append(all, written(row))
	}
	slices.Sort(all)
	return all, rows.Err()
}

// written is a row of either, fractions with six digits.
func written(row []any) string {
	var b strings.Builder
	for _, v := range row {
		if f, ok := v.(float64); ok {
			if f > -5e-7 && f < 5e-7 {
				f = 0 // without a sign
			}
			fmt.Fprintf(&b, "%.6f ", f)
		} else {
			fmt.Fprintf(&b, "%v ", v)
		}
	}
	return b.String()
}
