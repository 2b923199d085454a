package etl

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

func show(f *Frame) string {
	var b strings.Builder
	for i, c := range f.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s %s", c.Name, c.Type)
	}
	for _, row := range f.Rows() {
		b.WriteByte('\n')
		for i, v := range row {
			if i > 0 {
				b.WriteByte('|')
			}
			b.Write(appendJSON(nil, v))
		}
	}
	return b.String()
}

func frame(t testing.TB, records ...string) *Frame {
	t.Helper()
	r := NewRecords(RecordFormat{Classification: "json"})
	for _, s := range records {
		r.Add([]byte(s), time.Time{})
	}
	return r.Frame()
}

func TestInferAndWrite(t *testing.T) {
	for _, test := range []struct{ name, records, want string }{
		{"many lines, order of names", "{\n    \"b\": 1,\n    \"a\": \"x\"\n}", "a string,b bigint\n\"x\"|1"},
		{"numbers", `{"a":1};{"a":1.5}`, "a double\n1.0\n1.5"},
		{"number and text", `{"a":1};{"a":"x"};{"a":{"b":[1, 2]}}`, "a string\n\"1\"\n\"x\"\n\"{\\\"b\\\":[1,2]}\""},
		{"nested", `{"o":{"y":1,"x":[{"q":true}]}};{"o":{"z":"t"}}`,
			"o struct<x:array<struct<q:boolean>>,y:bigint,z:string>\n{\"y\":1,\"x\":[{\"q\":true}]}\n{\"z\":\"t\"}"},
		{"null alone", `{"a":null,"b":1}`, "a string,b bigint\nnull|1"},
		{"beyond bigint", `{"a":123456789012345678901234567890}`, "a decimal(38,0)\n\"123456789012345678901234567890\""},
		{"several in a record", `{"a":1} {"a":2}[{"a":3}]`, "a bigint\n1\n2\n3"},
		{"no JSON", `{"a":1};oops`, "_corrupt_record string,a bigint\nnull|1\n\"oops\"|null"},
		{"empty object", `{"a":{}}`, "a string\n\"{}\""},
		{"keys in two cases", `{"A":1};{"a":2}`, "A bigint\n1\n2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := frame(t, strings.Split(test.records, ";")...)
			if got := show(f); got != test.want {
				t.Fatalf("got\n%s\nwant\n%s", got, test.want)
			}
			var b bytes.Buffer
			if n, err := Encode(&b, f, f.Columns, Format{Name: "parquet"}); err != nil || n != int64(f.Len()) {
				t.Fatalf("encode: %d rows, %v", n, err)
			}
			back, err := readParquet(bytes.NewReader(b.Bytes()), int64(b.Len()), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(back); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(canonical(test.want), " ", "") {
				t.Errorf("read back\n%s\nwant\n%s", got, canonical(test.want))
			}
		})
	}
}

// canonical is how what is nested is read back: in the order of the type.
func canonical(s string) string {
	return strings.ReplaceAll(s, `{"y":1,"x":[{"q":true}]}`, `{"x":[{"q":true}],"y":1}`)
}

func run(t *testing.T, do Transform, in ...*Frame) string {
	t.Helper()
	if err := do.Check(len(in)); err != nil {
		t.Fatal(err)
	}
	out, err := do.Apply(context.Background(), in)
	if err != nil {
		return "error: " + err.Error()
	}
	var all []string
	for _, f := range out {
		all = append(all, show(f))
	}
	return strings.Join(all, "\n--\n")
}

func TestTransforms(t *testing.T) {
	people := frame(t, `{"id":1,"n":"Ann","a":{"c":"Rome","z":"00"}}`, `{"id":2,"n":"Bob","a":{"c":"Oslo"}}`, `{"id":2,"n":"Bob","a":{"c":"Oslo"}}`)
	pays := frame(t, `{"id":1,"v":3.5}`, `{"id":1,"v":4}`, `{"id":9,"v":1}`)
	for _, test := range []struct {
		name string
		do   Transform
		in   []*Frame
		want string
	}{
		{"select", SelectFields{[][]string{{"n"}, {"a", "c"}}}, []*Frame{people}, "a struct<c:string>,n string\n{\"c\":\"Rome\"}|\"Ann\"\n{\"c\":\"Oslo\"}|\"Bob\"\n{\"c\":\"Oslo\"}|\"Bob\""},
		{"drop", DropFields{[][]string{{"a", "z"}, {"n"}}}, []*Frame{people}, "a struct<c:string>,id bigint\n{\"c\":\"Rome\"}|1\n{\"c\":\"Oslo\"}|2\n{\"c\":\"Oslo\"}|2"},
		{"rename", RenameField{[]string{"n"}, []string{"name"}}, []*Frame{frame(t, `{"a":1,"n":"x","z":2}`)}, "a bigint,name string,z bigint\n1|\"x\"|2"},
		{"rename nested", RenameField{[]string{"a", "c"}, []string{"city"}}, []*Frame{people}, "a struct<z:string>,id bigint,n string,city string\n{\"z\":\"00\"}|1|\"Ann\"|\"Rome\"\nnull|2|\"Bob\"|\"Oslo\"\nnull|2|\"Bob\"|\"Oslo\""},
		{"map", ApplyMapping{[]Mapping{{[]string{"v"}, []string{"o", "v"}, stringType}, {[]string{"id"}, []string{"id"}, doubleType}}}, []*Frame{pays}, "o struct<v:string>,id double\n{\"v\":\"3.5\"}|1.0\n{\"v\":\"4.0\"}|1.0\n{\"v\":\"1.0\"}|9.0"},
		{"filter", Filter{Filters{Conditions: []Condition{{Op: "GT", Values: []Operand{{Path: []string{"v"}}, {Constant: "3.7"}}}}}}, []*Frame{pays}, "id bigint,v double\n1|4.0"},
		{"filter regex or", Filter{Filters{Or: true, Conditions: []Condition{
			{Op: "REGEX", Values: []Operand{{Path: []string{"n"}}, {Constant: "^A"}}},
			{Op: "ISNULL", Values: []Operand{{Path: []string{"n"}}}},
		}}}, []*Frame{SelectAll(people, "n")}, "n string\n\"Ann\""},
		{"duplicates", DropDuplicates{}, []*Frame{people}, "a struct<c:string,z:string>,id bigint,n string\n{\"c\":\"Rome\",\"z\":\"00\"}|1|\"Ann\"\n{\"c\":\"Oslo\"}|2|\"Bob\""},
		{"union", Union{}, []*Frame{frame(t, `{"a":1}`), frame(t, `{"a":1.5,"b":true}`)}, "a double,b boolean\n1.0|null\n1.5|true"},
		{"join", Join{"equijoin", [][]string{{"id"}}, [][]string{{"id"}}}, []*Frame{SelectAll(people, "id", "n"), pays}, "id bigint,n string,.id bigint,v double\n1|\"Ann\"|1|3.5\n1|\"Ann\"|1|4.0"},
		{"join of text with numbers", Join{"equijoin", [][]string{{"id"}}, [][]string{{"k"}}}, []*Frame{SelectAll(people, "id", "n"), frame(t, `{"k":" 1"}`, `{"k":"2.5"}`, `{"k":"x"}`, `{"k":null}`)}, "id bigint,n string,k string\n1|\"Ann\"|\" 1\"\n2|\"Bob\"|\"2.5\"\n2|\"Bob\"|\"2.5\""},
		{"join of text with fractions", Join{"left", [][]string{{"k"}}, [][]string{{"v"}}}, []*Frame{frame(t, `{"k":"4"}`, `{"k":"3.50"}`, `{"k":"9"}`), SelectAll(pays, "v")}, "k string,v double\n\"4\"|4.0\n\"3.50\"|3.5\n\"9\"|null"},
		{"outer", Join{"outer", [][]string{{"id"}}, [][]string{{"id"}}}, []*Frame{SelectAll(frame(t, `{"id":1}`), "id"), pays}, "id bigint,.id bigint,v double\n1|1|3.5\n1|1|4.0\nnull|9|1.0"},
		{"anti", Join{"leftanti", [][]string{{"id"}}, [][]string{{"id"}}}, []*Frame{pays, SelectAll(people, "id")}, "id bigint,v double\n9|1.0"},
		{"split", SplitFields{[][]string{{"v"}}}, []*Frame{pays}, "v double\n3.5\n4.0\n1.0\n--\nid bigint\n1\n1\n9"},
		{"aggregate", Aggregate{[][]string{{"id"}}, []Aggregation{{"sum", []string{"v"}}, {"count", []string{"v"}}, {"max", []string{"v"}}}}, []*Frame{pays}, "id bigint,sum(v) double,count(v) bigint,max(v) double\n1|7.5|2|4.0\n9|1.0|1|1.0"},
		{"null fields", DropNullFields{Empty: true}, []*Frame{frame(t, `{"a":"","b":1,"c":null}`)}, "b bigint\n1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := run(t, test.do, test.in...); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// SelectAll is a frame of some columns.
func SelectAll(f *Frame, names ...string) *Frame {
	var paths [][]string
	for _, n := range names {
		paths = append(paths, []string{n})
	}
	return pruned(f, paths, true)
}

func TestGraphIsChecked(t *testing.T) {
	for want, nodes := range map[string][]Node{
		"is its own input":            {{ID: "a", Inputs: []string{"b"}, Do: Union{}}, {ID: "b", Inputs: []string{"a"}, Do: Union{}}},
		"there is no input":           {{ID: "a", Inputs: []string{"x"}}},
		"its input \"t\" is a target": {{ID: "s"}, {ID: "t", Inputs: []string{"s"}}, {ID: "u", Inputs: []string{"t"}}},
		"it takes two inputs":         {{ID: "s"}, {ID: "j", Inputs: []string{"s"}, Do: Join{}}},
		"a target has one":            {{ID: "s"}, {ID: "r"}, {ID: "t", Inputs: []string{"s", "r"}}},
	} {
		if _, err := NewGraph(nodes); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	g, err := NewGraph([]Node{
		{ID: "s"}, {ID: "r", Inputs: []string{"s"}, Do: Route{[]Filters{{Conditions: []Condition{{Op: "EQ", Values: []Operand{{Path: []string{"a"}}, {Constant: "1"}}}}}}}},
		{ID: "p", Inputs: []string{"r"}, Do: SelectFromCollection{1}}, {ID: "t", Inputs: []string{"p"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := g.Run(t.Context(), map[string]*Frame{"s": frame(t, `{"a":1}`, `{"a":2}`)}, Limits{})
	if err != nil || show(out["t"]) != "a bigint\n2" {
		t.Errorf("%v, %v", out, err)
	}
}

func TestReadObjects(t *testing.T) {
	r := NewReader(ReadOptions{Format: "csv", Header: true})
	if err := r.Add("a.csv", strings.NewReader("x,y\n1,\"a,b\"\n2,\n"), nil); err != nil {
		t.Fatal(err)
	}
	f, err := r.Frame()
	if err != nil || show(f) != "x string,y string\n\"1\"|\"a,b\"\n\"2\"|\"\"" {
		t.Errorf("%s, %v", show(f), err)
	}
	r = NewReader(ReadOptions{Format: "json", Columns: []Column{{"a", doubleType}, {"d", stringType}}})
	if err := r.Add("a.json", strings.NewReader("{\"a\":1,\"b\":2}\n{}"), []string{"7"}); err != nil {
		t.Fatal(err)
	}
	if f, err = r.Frame(); err != nil || show(f) != "a double,d string\n1.0|\"7\"\nnull|\"7\"" {
		t.Errorf("%s, %v", show(f), err)
	}
	r = NewReader(ReadOptions{Format: "json", MaxBytes: 10})
	if err := r.Add("a.json", strings.NewReader(strings.Repeat(" ", 100)), nil); err == nil {
		t.Error("an object beyond the limit was read")
	}
}

func TestSchemaRegistryHeader(t *testing.T) {
	id := "0123456789abcdef"
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write([]byte(`{"a":2}`))
	z.Close()
	f := frame(t, "\x03\x00"+id+`{"a":1}`, "\x03\x05"+id+b.String(), "\x03\x05"+id+"no zlib")
	if got := show(f); !strings.HasPrefix(got, "_corrupt_record string,a bigint\nnull|1\nnull|2\n\"") {
		t.Error(got)
	}
}

func TestPartition(t *testing.T) {
	parts, err := Partition(frame(t, `{"d":"b c","v":1}`, `{"d":"a","v":2}`, `{"v":3}`), []string{"d"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range parts {
		got = append(got, Folder([]string{"d"}, p.Values)+" "+show(p.Frame))
	}
	if s := strings.Join(got, ";"); s != "d=__HIVE_DEFAULT_PARTITION__/ v bigint\n3;d=a/ v bigint\n2;d=b c/ v bigint\n1" {
		t.Errorf("%q", s)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}]}`))
	f.Add([]byte(`[{"a":1},2]x`))
	f.Add([]byte("{\"\\u0061\":1e999,\"a\":\"\\ud800\",\"\":{\"\":1}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewRecords(RecordFormat{Classification: "json", Timestamp: true})
		r.Add(data, time.Unix(1, 0))
		frame := r.Frame()
		frame.Rows()
		if frame.Len() == 0 || len(frame.Columns) == 0 {
			return
		}
		var b bytes.Buffer
		if n, err := Encode(&b, frame, frame.Columns, Format{Name: "parquet"}); err != nil || n != int64(frame.Len()) {
			t.Fatalf("%q: %d of %d rows, %v", data, n, frame.Len(), err)
		}
		if _, err := readParquet(bytes.NewReader(b.Bytes()), int64(b.Len()), 1<<24); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
	})
}

func FuzzParquet(f *testing.F) {
	f.Add([]byte("PAR1\x15\x02\x19\xfc\xff\xff\xff\xff\x07\x00\x0a\x00\x00\x00PAR1")) // it claims to have 2,147,483,647 columns
	var b bytes.Buffer
	fr := frame(f, `{"a":[1,{"b":null}],"c":{"d":1.5}}`)
	if _, err := Encode(&b, fr, fr.Columns, Format{Name: "parquet"}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) { readParquet(bytes.NewReader(data), int64(len(data)), 1<<20) })
}

func BenchmarkStreamToParquet(b *testing.B) {
	var records [][]byte
	for i := range 20000 {
		records = append(records, fmt.Appendf(nil, `{"device":"device-%04d","temperature":%d.%02d,"humidity":%d,"status":"ok","time":"2026-11-10 06:11:27.%03d","place":"hall %d","seq":%d}`, i%500, i%40, i%100, i%90, i%1000, i%9, i))
	}
	size := len(records[0])
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		b.StartTimer()
		r := NewRecords(RecordFormat{Classification: "json"})
		for _, rec := range records {
			r.Add(rec, time.Time{})
		}
		f := r.Frame()
		if _, err := EncodeParts(f, f.Columns, Format{Name: "parquet"}, 10000); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(records))/b.Elapsed().Seconds(), "records/s")
}
