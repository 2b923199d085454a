package etl

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

func TestAggregations(t *testing.T) {
	pays := frame(t, `{"g":"a","v":1,"d":1.5}`, `{"g":"a","v":2}`, `{"g":"a","v":4}`, `{"g":"a","v":4}`, `{"g":"b","v":7}`, `{"g":"c","v":null}`)
	for function, want := range map[string]string{
		"var_pop": `"a"|1.6875;"b"|0.0;"c"|null`, "var_samp": `"a"|2.25;"b"|null;"c"|null`,
		"stddev_pop": `"a"|1.299038105676658;"b"|0.0;"c"|null`, "stddev_samp": `"a"|1.5;"b"|null;"c"|null`,
		"skewness": `"a"|-0.21383343303319471;"b"|null;"c"|null`, "kurtosis": `"a"|-1.7201646090534979;"b"|null;"c"|null`,
		"count": `"a"|4;"b"|1;"c"|0`, "countDistinct": `"a"|3;"b"|1;"c"|0`, "sumDistinct": `"a"|7;"b"|7;"c"|null`, "sum": `"a"|11;"b"|7;"c"|null`,
		"avg": `"a"|2.75;"b"|7.0;"c"|null`, "first": `"a"|1;"b"|7;"c"|null`, "last": `"a"|4;"b"|7;"c"|null`,
	} {
		got := run(t, Aggregate{[][]string{{"g"}}, []Aggregation{{function, []string{"v"}}}}, pays)
		head, rows, _ := strings.Cut(got, "\n")
		if strings.ReplaceAll(rows, "\n", ";") != want {
			t.Errorf("%s: %s\n%s", function, head, strings.ReplaceAll(rows, "\n", ";"))
		}
	}
	// first and last take nulls, too; without groups there is one row, of no rows as well.
	if got := run(t, Aggregate{nil, []Aggregation{{"last", []string{"d"}}, {"count", []string{"d"}}, {"sumDistinct", []string{"v"}}}}, pays); got != "last(d) double,count(d) bigint,sum(DISTINCT v) bigint\nnull|1|14" {
		t.Error(got)
	}
	if got := run(t, Aggregate{nil, []Aggregation{{"count", []string{"v"}}, {"sum", []string{"v"}}}}, NewFrame(pays.Columns, nil)); got != "count(v) bigint,sum(v) bigint\n0|null" {
		t.Error(got)
	}
	decimals := NewFrame([]Column{{"d", &hivetype.Type{Kind: hivetype.Decimal, Precision: 10, Scale: 2}}}, [][]any{{"0.10"}, {"0.20"}, {nil}})
	if got := run(t, Aggregate{nil, []Aggregation{{"sum", []string{"d"}}, {"avg", []string{"d"}}}}, decimals); got != "sum(d) decimal(20,2),avg(d) decimal(14,6)\n\"0.30\"|\"0.150000\"" {
		t.Error(got)
	}
	// Texts that are no decimals count as null, and so do exponents that no decimal has.
	decimals.rows = [][]any{{"0.10"}, {"x"}, {"1e900000"}, {"1e-900000"}, {"0e-9"}, {"2e-1"}}
	if got := run(t, Aggregate{nil, []Aggregation{{"sum", []string{"d"}}, {"avg", []string{"d"}}}}, decimals); got != "sum(d) decimal(20,2),avg(d) decimal(14,6)\n\"0.30\"|\"0.100000\"" {
		t.Error(got)
	}
	for want, a := range map[string]Aggregate{
		"is not a number": {nil, []Aggregation{{"sum", []string{"o"}}}}, "no column": {nil, []Aggregation{{"max", []string{"x"}}}},
	} {
		if got := run(t, a, frame(t, `{"o":{"a":1}}`)); !strings.Contains(got, want) {
			t.Errorf("%s: %s", want, got)
		}
	}
}

func TestFillMissingValues(t *testing.T) {
	homes := frame(t, `{"rooms":1,"price":10,"city":"Oslo"}`, `{"rooms":2,"price":20,"city":"Oslo"}`, `{"rooms":3,"city":""}`, `{"rooms":9,"price":90,"city":"Rome"}`, `{"rooms":4,"price":40,"city":"Oslo"}`)
	if got := run(t, FillMissingValues{Column: []string{"price"}}, homes); got != `city string,price bigint,rooms bigint,price_filled bigint
"Oslo"|10|1|10
"Oslo"|20|2|20
""|null|3|30
"Rome"|90|9|90
"Oslo"|40|4|40` {
		t.Error(got)
	}
	if got := run(t, FillMissingValues{Column: []string{"city"}, To: []string{"where"}}, homes); !strings.Contains(got, `""|null|3|"Oslo"`) || !strings.HasPrefix(got, "city string,price bigint,rooms bigint,where string\n") {
		t.Error(got)
	}
	for want, f := range map[string]*Frame{"no value in any row": frame(t, `{"price":null,"a":1}`), "there is no column": frame(t, `{"a":1}`), "already": frame(t, `{"price":1,"price_filled":2}`), "cannot be estimated": frame(t, `{"price":[1]}`)} {
		if got := run(t, FillMissingValues{Column: []string{"price"}}, f); !strings.Contains(got, want) {
			t.Errorf("%s: %s", want, got)
		}
	}
	// Columns that say the same, and one that says nothing.
	if got := run(t, FillMissingValues{Column: []string{"y"}}, frame(t, `{"a":1,"b":2,"c":5,"y":1.5}`, `{"a":2,"b":4,"c":5,"y":3.5}`, `{"a":3,"b":6,"c":5}`)); !strings.Contains(got, "|null|5.4") && !strings.Contains(got, "|null|5.5") {
		t.Error(got)
	}
}

func TestMergeAndNullFields(t *testing.T) {
	old, fresh := frame(t, `{"id":1,"v":"a"}`, `{"id":2,"v":"b"}`, `{"v":"none"}`), frame(t, `{"id":2,"v":"c","w":true}`, `{"id":3,"v":"d"}`)
	want := "id bigint,v string,w boolean\n1|\"a\"|null\nnull|\"none\"|null\n2|\"c\"|true\n3|\"d\"|null"
	if got := run(t, Merge{[][]string{{"id"}}, 1}, old, fresh); got != want {
		t.Error(got)
	}
	if got := run(t, Merge{[][]string{{"id"}}, 0}, fresh, old); got != want {
		t.Error(got)
	}
	f := frame(t, `{"a":" ","b":-1,"c":{"x":null,"y":"null"},"d":"n/a","e":0,"f":"-1"}`, `{"a":"","b":-1.0,"c":{"x":null,"y":"null ","z":1},"d":null,"e":0,"f":"-1"}`)
	if got := run(t, DropNullFields{Empty: true, NullText: true, MinusOne: true, Values: []NullValue{{"n/a", "string"}, {"0", "int"}}}, f); got != "c struct<z:bigint>,f string\nnull|\"-1\"\n{\"z\":1}|\"-1\"" {
		t.Error(got)
	}
}

// TestFilterAsPython: rows that a comparison fails for are left out, negated or not, and patterns begin where the text does.
func TestFilterAsPython(t *testing.T) {
	f := frame(t, `{"n":1,"s":"sale"}`, `{"n":null,"s":"resale"}`, `{"n":9,"s":null}`)
	condition := func(op, path, constant string, negated bool) Condition {
		return Condition{Op: op, Negated: negated, Values: []Operand{{Path: []string{path}}, {Constant: constant}}}
	}
	for _, test := range []struct {
		is   []Condition
		or   bool
		want string
	}{
		{[]Condition{condition("REGEX", "s", "sale", false)}, false, "1"},
		{[]Condition{condition("REGEX", "s", "sale", true)}, false, "null"},
		{[]Condition{condition("REGEX", "s", `(?!re)\w+`, false)}, false, "1"},
		{[]Condition{condition("REGEX", "s", "x|sale", false)}, false, "1"},
		{[]Condition{condition("GT", "n", "5", false)}, false, "9"},
		{[]Condition{condition("GT", "n", "5", true)}, false, "1"},
		{[]Condition{condition("EQ", "n", "9", true)}, false, "1,null"},
		{[]Condition{condition("GT", "n", "5", false), condition("EQ", "s", "resale", false)}, true, "9"},
		{[]Condition{condition("EQ", "s", "resale", false), condition("GT", "n", "5", false)}, true, "null,9"},
	} {
		out, err := Filter{Filters{Or: test.or, Conditions: test.is}}.Apply(t.Context(), []*Frame{f})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range out[0].Rows() {
			got = append(got, textOf(row[0]))
		}
		if strings.Join(got, ",") != test.want {
			t.Errorf("%+v: %v, want %s", test.is, got, test.want)
		}
	}
	slow := Filter{Filters{Conditions: []Condition{condition("REGEX", "s", `(?!x)(a+)+$`, false)}}}
	if _, err := slow.Apply(t.Context(), []*Frame{frame(t, `{"s":"`+strings.Repeat("a", 60)+`b"}`)}); err == nil || !strings.Contains(err.Error(), "takes too long") {
		t.Errorf("a pattern without end: %v", err)
	}
	// The first row that takes too long ends it: all of them would take minutes.
	rows := make([][]any, 200)
	for i := range rows {
		rows[i] = []any{strings.Repeat("a", 60) + "b"}
	}
	begun := time.Now()
	if _, err := slow.Apply(t.Context(), []*Frame{NewFrame([]Column{{"s", stringType}}, rows)}); err == nil || time.Since(begun) > time.Minute {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Filter{Filters{Conditions: []Condition{condition("REGEX", "s", "a", false)}}}).Apply(ended, []*Frame{f}); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was stopped: %v", err)
	}
	if err := (Filter{Filters{Conditions: []Condition{condition("REGEX", "s", "(", false)}}}).Check(1); err == nil {
		t.Error("a pattern that is none was taken")
	}
}

func TestReadOptions(t *testing.T) {
	for _, test := range []struct {
		o          ReadOptions
		text, want string
	}{
		{ReadOptions{Quote: '\''}, "'a,b',c\n'it''s',\"d\"\n", `"a,b"|"c"` + "\n" + `"it's"|"\"d\""`},
		{ReadOptions{Quote: -1, Delimiter: '|'}, "\"a|b\"\r\n\r\n'c'|", `"\"a"|"b\""` + "\n" + `"'c'"|""`},
		{ReadOptions{Escape: '\\'}, "a\\,b,\"c\\\"d\"\nx\\ty,\"e\nf\"\n", `"a,b"|"c\"d"` + "\n" + `"x\ty"|"e\nf"`},
		{ReadOptions{Quote: '\'', Header: true}, "x,y\n'1',2\n", `"1"|"2"`},
		{ReadOptions{Quote: '\''}, "'open,b\nc", `"open,b\nc"`},
	} {
		test.o.Format = "csv"
		if err := test.o.Check(); err != nil {
			t.Fatal(err)
		}
		r := NewReader(test.o)
		if err := r.Add("a.csv", strings.NewReader(test.text), nil); err != nil {
			t.Fatal(err)
		}
		f, err := r.Frame()
		if err != nil {
			t.Fatal(err)
		}
		if _, got, _ := strings.Cut(show(f), "\n"); got != test.want {
			t.Errorf("%q: %s", test.text, got)
		}
	}
	for _, o := range []ReadOptions{{Format: "csv", Quote: ','}, {Format: "csv", Delimiter: '\\', Escape: '\\'}, {Format: "csv", Escape: '"'}, {Format: "csv", Quote: '\n'}} {
		if o.Check() == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	r := NewReader(ReadOptions{Format: "csv", Quote: '\''})
	if err := r.Add("a.csv", strings.NewReader("'"+strings.Repeat("x", maxRow+10000)), nil); err == nil {
		t.Error("a row without end was read")
	}
}

// TestColumnsAreGiven: records have the columns of the catalog, whatever else is in them, in JSON too.
func TestColumnsAreGiven(t *testing.T) {
	r := NewRecords(RecordFormat{Classification: "json", Timestamp: true, Columns: []Column{{"p", stringType}, {"rate", &hivetype.Type{Kind: hivetype.Int}}}})
	for _, s := range []string{`{"p":"a","rate":"7","extra":1}`, `{"rate":"x","P":2}`, `{"rate":3.9}`, `oops`} {
		r.Add([]byte(s), time.Unix(1, 0))
	}
	f := r.Frame()
	var b bytes.Buffer
	if n, err := Encode(&b, f.Slice(0, 4), f.Columns, Format{Name: "json"}); err != nil || n != 4 {
		t.Fatalf("%d rows, %v", n, err)
	}
	want := `{"p":"a","rate":7,"__src_timestamp":"1970-01-01 00:00:01.000"}
{"p":"2","__src_timestamp":"1970-01-01 00:00:01.000"}
{"rate":3,"__src_timestamp":"1970-01-01 00:00:01.000"}
{"_corrupt_record":"oops","__src_timestamp":"1970-01-01 00:00:01.000"}
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestRecordPath(t *testing.T) {
	for path, want := range map[string]string{
		"$":              "a array<struct<b:bigint>>,c struct<d:array<struct<e:string>>>\n[{\"b\":1},{\"b\":2}]|{\"d\":[{\"e\":\"x\"}]}",
		"$.a[*]":         "b bigint\n1\n2",
		"$.a":            "b bigint\n1\n2",
		"$.c.d[*]":       "e string\n\"x\"",
		"$.c":            "d array<struct<e:string>>\n[{\"e\":\"x\"}]",
		"$.nothing.here": "",
	} {
		steps, err := ParseRecordPath(path)
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(ReadOptions{Format: "json", Path: steps})
		if err := r.Add("a.json", strings.NewReader(`{"a":[{"b":1},{"b":2}],"c":{"d":[{"e":"x"}]}}`), nil); err != nil {
			t.Fatal(err)
		}
		f, err := r.Frame()
		if err != nil || show(f) != want {
			t.Errorf("%s: %v\n%s", path, err, show(f))
		}
	}
	// What is no object is a corrupt record by itself, and those behind it are read.
	r := NewReader(ReadOptions{Format: "json", Path: []string{"R", allElements}})
	if err := r.Add("a.json", strings.NewReader(`{"R":[{"a":1},3,{"a":4}]}{"R":null} {"R":["x",{"a":5}]}`), nil); err != nil {
		t.Fatal(err)
	}
	if f, err := r.Frame(); err != nil || show(f) != "_corrupt_record string,a bigint\nnull|1\n\"3\"|null\nnull|4\n\"\\\"x\\\"\"|null\nnull|5" {
		t.Errorf("%v\n%s", err, show(f))
	}
	for _, path := range []string{"a", "$a", "$..a", "$.a[0]", "$.*", "$.a[?(@.b)]", "$."} {
		if _, err := ParseRecordPath(path); err == nil {
			t.Errorf("%s was taken", path)
		}
	}
}

func FuzzRecordPath(f *testing.F) {
	f.Add("$.a[*].b", []byte(`{"a":[{"b":1},[{"b":2}]]} x`))
	f.Fuzz(func(t *testing.T, path string, text []byte) {
		steps, err := ParseRecordPath(path)
		if err == nil {
			recordsAt(text, steps, func([]byte) bool { return true })
		}
	})
}

func FuzzQuotedLines(f *testing.F) {
	f.Add("'a''b',c\\n\r\n", int32('\''), int32('\\'))
	f.Fuzz(func(t *testing.T, text string, quote, escape int32) {
		o := ReadOptions{Format: "csv", Quote: quote, Escape: escape}
		if o.Check() != nil {
			return
		}
		r := NewReader(o)
		_ = r.Add("a.csv", strings.NewReader(text), nil)
		if fr, err := r.Frame(); err == nil {
			fr.Rows()
		}
	})
}
