package streamsql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var ten = time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)

func unicornApp(t testing.TB, o Options) *App {
	plan, err := Compile(summary, unicorns(), nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Outputs = []string{"DESTINATION_SQL_STREAM", ErrorStream}
	app, err := New(plan, o)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestDeadline(t *testing.T) {
	app := unicornApp(t, Options{})
	if _, ok := app.Deadline(); ok {
		t.Error("a deadline without rows")
	}
	if _, err := app.Apply(Step{ten.Add(12300 * time.Millisecond), []Batch{{"SOURCE_SQL_STREAM_001", readings(3, 2)}}}); err != nil {
		t.Fatal(err)
	}
	d, ok := app.Deadline()
	if !ok || !d.Equal(ten.Add(time.Minute)) {
		t.Fatal(d, ok)
	}
	if r, _ := app.Apply(Step{Time: d.Add(-time.Millisecond)}); len(r.Outputs) != 0 {
		t.Error("rows before the minute's end")
	}
	if r, _ := app.Apply(Step{Time: d}); len(r.Outputs) != 1 || r.Outputs[0].First != 0 {
		t.Error("no rows at the minute's end")
	}
	if app.StateBytes() != 0 {
		t.Errorf("%d bytes of state are left", app.StateBytes())
	}
}

// TestParallelDecodingIsTheSame: how many cores decode does not show in the output.
func TestParallelDecodingIsTheSame(t *testing.T) {
	records := readings(5000, 50)
	for i := 100; i < len(records); i += 777 {
		records[i].Data = []byte(`{"Distance":"far"`)
	}
	var want string
	for _, parallel := range []int{1, 2, 3, 8} {
		app := unicornApp(t, Options{Parallel: parallel})
		got := map[string]*bytes.Buffer{}
		for i := range 3 {
			r, err := app.Apply(Step{ten.Add(time.Duration(i) * time.Minute), []Batch{{"SOURCE_SQL_STREAM_001", records}}})
			if err != nil {
				t.Fatal(err)
			}
			printed(got, r)
		}
		text := got["DESTINATION_SQL_STREAM"].String() + got[ErrorStream].String()
		if want == "" {
			want = text
		}
		if text != want {
			t.Fatalf("%d goroutines give another output", parallel)
		}
	}
}

func TestStateLimit(t *testing.T) {
	app := unicornApp(t, Options{StateLimit: 10000})
	_, err := app.Apply(Step{ten, []Batch{{"SOURCE_SQL_STREAM_001", readings(1000, 1000)}}})
	if !errors.Is(err, ErrStateLimit) {
		t.Fatal(err)
	}
	if _, err := app.Apply(Step{Time: ten}); !errors.Is(err, ErrStateLimit) {
		t.Error("a broken App goes on:", err)
	}
	if err := app.Snapshot(io.Discard, nil); !errors.Is(err, ErrStateLimit) {
		t.Error("a broken App gives a snapshot:", err)
	}
	if _, err := unicornApp(t, Options{}).Apply(Step{ten, []Batch{{"X", nil}}}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestTap(t *testing.T) {
	app := unicornApp(t, Options{})
	if _, err := app.Tap("x", 1); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	tap, err := app.Tap("SOURCE_SQL_STREAM_001", 2000)
	if err != nil {
		t.Fatal(err)
	}
	step := func(n int) {
		if _, err := app.Apply(Step{ten, []Batch{{"SOURCE_SQL_STREAM_001", readings(n, 2)}}}); err != nil {
			t.Fatal(err)
		}
	}
	step(5)
	step(500)
	step(2)
	rows, dropped, err := tap.Next(context.Background())
	if err != nil || rows.Len() != 5 || dropped != 500 {
		t.Fatal(rows.Len(), dropped, err)
	}
	if rows, dropped, _ = tap.Next(context.Background()); rows.Len() != 2 || dropped != 0 {
		t.Fatal(rows.Len(), dropped)
	}
	if v, ok := rows.Value(0, 6).(time.Time); !ok || v.Year() != 2026 {
		t.Error(rows.Value(0, 6))
	}
	go app.Apply(Step{ten, []Batch{{"SOURCE_SQL_STREAM_001", readings(1, 2)}}})
	if rows, _, err := tap.Next(context.Background()); err != nil || rows.Len() != 1 {
		t.Fatal(err)
	}
	tap.Close()
	if _, _, err := tap.Next(context.Background()); err != io.EOF {
		t.Error(err)
	}
}

func TestSnapshotsOfOthers(t *testing.T) {
	app := unicornApp(t, Options{})
	var b bytes.Buffer
	if err := app.Snapshot(&b, []byte("p")); err != nil {
		t.Fatal(err)
	}
	other, err := Compile(strings.Replace(summary, "SUM", "AVG", 1), unicorns(), nil)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := New(other, Options{})
	if _, err := o.Restore(bytes.NewReader(b.Bytes())); !errors.Is(err, ErrOtherPlan) {
		t.Error(err)
	}
	for _, n := range []int{0, 3, 20, b.Len() - 1} {
		if _, err := unicornApp(t, Options{}).Restore(bytes.NewReader(b.Bytes()[:n])); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestRowPathsAndFlattening(t *testing.T) {
	for _, c := range []struct {
		schema Schema
		data   string
		want   string
	}{
		{Schema{Columns: []SourceColumn{{"name", Type{Kind: Varchar, Length: 20}, "$.customerName"}, {"city", Type{Kind: Varchar, Length: 20}, "$.address.city"}, {"id", Type{Kind: Integer}, "$.orders[0:].orderId"}, {"all", Type{Kind: Varchar, Length: 200}, "$.orders[0:]"}}},
			`{"customerName":"John Doe","address":{"city":"Anytown"},"orders":[{"orderId":"23284"},{"orderId":63122},{}]}`,
			`{"name":"John Doe","city":"Anytown","id":23284,"all":"[{\"orderId\":\"23284\"},{\"orderId\":63122},{}]"}
{"name":"John Doe","city":"Anytown","id":63122,"all":"[{\"orderId\":\"23284\"},{\"orderId\":63122},{}]"}
{"name":"John Doe","city":"Anytown","id":null,"all":"[{\"orderId\":\"23284\"},{\"orderId\":63122},{}]"}`},
		{Schema{RowPath: "$.a.rows[0:]", Columns: []SourceColumn{{"x", Type{Kind: Double}, "$.x"}, {"y", Type{Kind: Boolean}, "$['y z'][1]"}}},
			`{"a":{"rows":[{"x":1,"y z":[1,true]},{"x":"2.5"}]}} {"b":1}`,
			"{\"x\":1.0,\"y\":true}\n{\"x\":2.5,\"y\":null}"},
		{Schema{Format: CSV, RowDelimiter: `\n`, ColumnDelimiter: "|", Columns: []SourceColumn{{"a", Type{Kind: Varchar, Length: 3}, ""}, {"b", Type{Kind: Decimal, Precision: 5, Scale: 2}, ""}, {"c", Type{Kind: Date}, ""}}},
			"häuser|1.5|2024-01-02\r\n\n\"x|\"\"y\"|2|\nq\n",
			"{\"a\":\"häu\",\"b\":1.50,\"c\":\"2024-01-02\"}\n{\"a\":\"x|\\\"\",\"b\":2.00,\"c\":null}\n{\"a\":\"q\",\"b\":null,\"c\":null}"},
	} {
		var columns []string
		for _, col := range c.schema.Columns {
			columns = append(columns, fmt.Sprintf("%q %s", col.Name, col.Type))
		}
		plan, err := Compile(fmt.Sprintf(`CREATE STREAM D (%s); CREATE PUMP P AS INSERT INTO D SELECT STREAM * FROM S`, strings.Join(columns, ", ")), []Source{{Name: "S", Schema: c.schema, Arrival: true}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		app, _ := New(plan, Options{Outputs: []string{"D", ErrorStream}})
		r, err := app.Apply(Step{ten, []Batch{{"S", []Record{{Data: []byte(c.data)}}}}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range r.Outputs {
			for i := range o.Rows.Len() {
				got = append(got, string(o.Rows.AppendJSON(nil, i)))
			}
		}
		if g := strings.Join(got, "\n"); g != c.want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", c.data, g, c.want)
		}
	}
}

func TestCSVOutput(t *testing.T) {
	b := newBatch([]Type{{Kind: Varchar}, {Kind: Timestamp}, {Kind: Double}, {Kind: Varchar}})
	b.push(0, []value{text(`a,"b`), whole(1521343200000), float(2.5), null})
	r := &Rows{columns: []Column{{"a", Type{Kind: Varchar}}, {"b", Type{Kind: Timestamp}}, {"c", Type{Kind: Double}}, {"d", Type{Kind: Varchar}}}, b: b}
	if got := string(r.AppendCSV(nil, 0, "")); got != `"a,""b",2018-03-18 03:20:00.000,2.5,` {
		t.Error(got)
	}
}

func TestExplain(t *testing.T) {
	plan, err := Compile(summary, unicorns(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `pump STREAM_PUMP
  insert into DESTINATION_SQL_STREAM
    select Name, ROWTIME, EXPR$2, EXPR$3, EXPR$4, EXPR$5, EXPR$6
      aggregate tumbling windows by 2 keys: SUM("Distance"), MIN("MagicPoints"), MAX("MagicPoints"), MIN("HealthPoints"), MAX("HealthPoints")
        stream SOURCE_SQL_STREAM_001
`
	if got := plan.Explain(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if s := plan.Streams(); len(s) != 3 || s[1].Name != "DESTINATION_SQL_STREAM" || s[2].Kind != ErrorsStream {
		t.Error(s)
	}
}

func FuzzCompile(f *testing.F) {
	files, _ := filepath.Glob("testdata/apps/*.txt")
	for _, path := range files {
		b, _ := os.ReadFile(path)
		if _, code, ok := strings.Cut(string(b), "== sql\n"); ok {
			code, _, _ = strings.Cut(code, "\n== ")
			f.Add(code)
		}
	}
	s := unicorns()
	s[0].Schema.Columns = append(s[0].Schema.Columns, SourceColumn{"TICKER_SYMBOL", Type{Kind: Varchar, Length: 4}, ""}, SourceColumn{"PRICE", Type{Kind: Real}, ""})
	f.Fuzz(func(t *testing.T, code string) {
		plan, err := Compile(code, s, nil)
		if err != nil {
			return
		}
		app, err := New(plan, Options{Outputs: []string{ErrorStream}, StateLimit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if _, err := app.Apply(Step{ten.Add(time.Duration(i) * time.Minute), []Batch{{"SOURCE_SQL_STREAM_001", readings(3, 2)}}}); err != nil && !errors.Is(err, ErrStateLimit) {
				t.Fatal(err)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"Name":"a","Distance":1.5,"o":[{"x":1}]}`), true)
	f.Add([]byte("a,1.5,2024-01-01\n\"b\"\"\",2"), false)
	f.Add([]byte(`[{"Name":"\u00e4"},[]]`), true)
	f.Fuzz(func(t *testing.T, data []byte, json bool) {
		s := Schema{Columns: []SourceColumn{{"Name", Type{Kind: Varchar, Length: 4}, ""}, {"Distance", Type{Kind: Decimal, Precision: 8, Scale: 3}, ""}, {"t", Type{Kind: Timestamp}, ""}, {"x", Type{Kind: SmallInt}, "$.o[0:].x"}, {"y", Type{Kind: Varbinary}, "$.o[1].y"}}}
		if !json {
			s.Format = CSV
		}
		r, err := newReader("S", s, false)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := r.decoder().decode([]Record{{Data: data}}, 0)
		rows := &Rows{b: b}
		for _, c := range s.Columns {
			rows.columns = append(rows.columns, Column{c.Name, c.Type})
		}
		for i := range b.n {
			rows.AppendJSON(nil, i)
			rows.AppendCSV(nil, i, "")
		}
	})
}

func FuzzRestore(f *testing.F) {
	const code = `CREATE STREAM D ("k" VARCHAR(4), a DOUBLE, b INTEGER, c DOUBLE);
		CREATE PUMP P AS INSERT INTO D SELECT STREAM "Name", AVG("Distance") OVER w, COUNT(DISTINCT "HealthPoints") OVER w, ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM SOURCE_SQL_STREAM_001), 2, 10)) WINDOW w AS (PARTITION BY "Name" ROWS 3 PRECEDING);
		CREATE PUMP P2 AS INSERT INTO D SELECT STREAM "Name", STDDEV_POP("Distance"), COUNT(DISTINCT "HealthPoints"), SUM("MagicPoints") FROM SOURCE_SQL_STREAM_001 s GROUP BY FLOOR(s.ROWTIME TO MINUTE), "Name";
		CREATE PUMP P3 AS INSERT INTO D ("k", b) SELECT STREAM ITEM, ITEM_COUNT FROM TABLE(TOP_K_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM SOURCE_SQL_STREAM_001), 'Name', 2, 60));`
	plan, err := Compile(code, unicorns(), nil)
	if err != nil {
		f.Fatal(err)
	}
	app, _ := New(plan, Options{})
	for i := range 3 {
		app.Apply(Step{ten.Add(time.Duration(i) * time.Second), []Batch{{"SOURCE_SQL_STREAM_001", readings(4, 2)}}})
	}
	var b bytes.Buffer
	app.Snapshot(&b, nil)
	// What follows the checksummed head: the fuzzer could not make checksums.
	d := &decoder{b: b.Bytes()[len(snapshotMagic) : b.Len()-4]}
	d.int()
	d.str()
	f.Add(d.b)
	f.Fuzz(func(t *testing.T, state []byte) {
		app, _ := New(plan, Options{StateLimit: 1 << 20})
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(stateFull); !ok {
					panic(r)
				}
			}
		}()
		if _, err := app.load(&decoder{b: state}); err != nil {
			return
		}
		if _, err := app.Apply(Step{ten.Add(time.Hour), []Batch{{"SOURCE_SQL_STREAM_001", readings(4, 2)}}}); err != nil && !errors.Is(err, ErrStateLimit) {
			t.Fatal(err)
		}
	})
}
