package streamsql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestInterrupted ends a step of a join that would make a hundred million rows of twenty thousand.
func TestInterrupted(t *testing.T) {
	const n = 10000
	plan, err := Compile(`CREATE STREAM A ("k" INTEGER, "n" INTEGER); CREATE STREAM B ("k" INTEGER, "n" INTEGER); CREATE STREAM D ("k" INTEGER);
		CREATE PUMP PA AS INSERT INTO A SELECT STREAM "k", "n" FROM "SOURCE_SQL_STREAM_001";
		CREATE PUMP PB AS INSERT INTO B SELECT STREAM "k", "n" FROM "SOURCE_SQL_STREAM_001";
		CREATE PUMP P AS INSERT INTO D SELECT STREAM A."k" FROM A OVER (RANGE INTERVAL '1' HOUR PRECEDING) JOIN B OVER (RANGE INTERVAL '1' HOUR PRECEDING) ON A."k" = B."k" AND A."n" + B."n" < 0`,
		[]Source{{Name: "SOURCE_SQL_STREAM_001", Schema: Schema{Columns: []SourceColumn{{"k", Type{Kind: Integer}, "$.k"}, {"n", Type{Kind: Integer}, "$.n"}}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The join asks hundreds of thousands of times, all before it hundreds of times.
	const interrupts = 1000
	asked := 0
	app, err := New(plan, Options{Interrupted: func() bool { asked++; return asked >= interrupts }})
	if err != nil {
		t.Fatal(err)
	}
	var records []Record
	for i := range n {
		records = append(records, Record{Data: fmt.Appendf(nil, `{"k":1,"n":%d}`, i), Arrival: ten})
	}
	if _, err := app.Apply(Step{ten, []Batch{{"SOURCE_SQL_STREAM_001", records}}}); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	if asked != interrupts {
		t.Errorf("a step goes on after it was interrupted: it asked %d times, want %d", asked, interrupts)
	}
	if _, err := app.Apply(Step{Time: ten}); !errors.Is(err, ErrInterrupted) {
		t.Error("an App goes on behind half a step:", err)
	}
}

// TestPatternTakesTooLong: what a machine's speed decides ends the step. A row of error_stream
// would be there on one machine and not on another.
func TestPatternTakesTooLong(t *testing.T) {
	plan, err := Compile(`CREATE STREAM D (a VARCHAR(99)); CREATE PUMP P AS INSERT INTO D SELECT STREAM REGEX_REPLACE("a", '(?=a)(a+)+b', '', 1, 0) FROM "SOURCE_SQL_STREAM_001"`,
		[]Source{{Name: "SOURCE_SQL_STREAM_001", Schema: Schema{Columns: []SourceColumn{{"a", Type{Kind: Varchar, Length: 99}, "$.a"}}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	app, err := New(plan, Options{})
	if err != nil {
		t.Fatal(err)
	}
	data := `{"a":"` + strings.Repeat("a", 60) + `"}`
	var e *Error
	if _, err := app.Apply(Step{ten, []Batch{{"SOURCE_SQL_STREAM_001", []Record{{Data: []byte(data), Arrival: ten}}}}}); !errors.As(err, &e) {
		t.Fatal(err)
	}
	if _, err := app.Apply(Step{Time: ten}); err == nil {
		t.Error("an App goes on behind half a step")
	}
}
