package columnar

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/parquet-go/parquet-go"
)

// duck reads a Parquet file with DuckDB, a row of JSON text each.
func duck(t *testing.T, file []byte) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.parquet")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	rows, err := duckDB(t).Query("SELECT to_json(t)::VARCHAR FROM read_parquet('" + path + "') t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

var duckOpened *sql.DB

func duckDB(t testing.TB) *sql.DB {
	t.Helper()
	if duckOpened == nil {
		db, err := sql.Open("duckdb", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("SET TimeZone='UTC'"); err != nil {
			t.Fatal(err)
		}
		duckOpened = db
	}
	return duckOpened
}

// column returns what DuckDB reads back of one value of a column "c", as JSON.
func column(t *testing.T, typ, value string, o Options) (string, error) {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, Schema{{"c", mustType(typ)}}, o)
	if err != nil {
		t.Fatalf("%s: %v", typ, err)
	}
	if err := w.WriteJSON([]byte(`{"c":` + value + `}`)); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rows := duck(t, out.Bytes())
	if len(rows) != 1 {
		t.Fatalf("%s %s: read back %d rows", typ, value, len(rows))
	}
	return strings.TrimSuffix(strings.TrimPrefix(rows[0], `{"c":`), "}"), nil
}

func TestValues(t *testing.T) {
	hive := Options{SerDe: Hive}
	custom := Options{SerDe: Hive, TimestampFormats: []string{"dd/MMM/yyyy:HH:mm:ss Z", "yyyyMMddHHmmssSSS", "millis", "yyyy-MM-dd'T'hh:mm a"}}
	tests := []struct {
		typ, value string
		o          Options
		want       string // empty: the record is refused
	}{
		{"int", `5`, Options{}, `5`},
		{"int", `"5"`, Options{}, `5`},
		{"int", `" -7 "`, Options{}, `-7`},
		{"int", `"5"`, hive, ``},
		{"int", `5.5`, Options{}, ``},
		{"int", `5.5`, hive, `5`},
		{"int", `"5.5"`, Options{}, ``},
		{"int", `2147483648`, Options{}, ``},
		{"int", `-2147483648`, Options{}, `-2147483648`},
		{"int", `99999999999999999999`, Options{}, ``},
		{"int", `true`, Options{}, ``},
		{"int", `null`, Options{}, `null`},
		{"int", `{}`, Options{}, ``},
		{"tinyint", `128`, Options{}, ``},
		{"tinyint", `-128`, Options{}, `-128`},
		{"smallint", `32767`, Options{}, `32767`},
		{"bigint", `-9223372036854775808`, Options{}, `-9223372036854775808`},
		{"bigint", `9223372036854775808`, Options{}, ``},
		{"double", `0.1`, Options{}, `0.1`},
		{"double", `1`, Options{}, `1.0`},
		{"double", `"1e-3"`, Options{}, `0.001`},
		{"double", `"oops"`, Options{}, ``},
		{"double", `"0x1p3"`, Options{}, ``},
		{"double", `1e400`, Options{}, ``},
		{"float", `1.5`, Options{}, `1.5`},
		{"float", `1e39`, Options{}, ``},
		{"boolean", `true`, Options{}, `true`},
		{"boolean", `"FALSE"`, Options{}, `false`},
		{"boolean", `1`, Options{}, ``},
		{"boolean", `"yes"`, Options{}, ``},
		{"string", `"a\u00e9\ud83d\ude00\n"`, Options{}, `"aé😀\n"`},
		{"string", `"\ud800"`, Options{}, `"�"`},
		{"string", `12.50`, Options{}, `"12.50"`},
		{"string", `true`, Options{}, `"true"`},
		{"string", `{ "a" : [1, "x y"] }`, Options{}, `"{\"a\":[1,\"x y\"]}"`},
		{"string", `[1]`, hive, ``},
		{"char(3)", `"ab "`, Options{}, `"ab"`},
		{"varchar(2)", `"éàü"`, Options{}, `"éà"`},
		{"binary", `"aGk="`, Options{}, `"hi"`},
		{"binary", `"aGk"`, Options{}, `"hi"`},
		{"binary", `"a!"`, Options{}, ``},
		{"binary", `"aGk=\u00e9"`, hive, `"aGk=\\xC3\\xA9"`},
		{"int", `"010"`, Options{}, `8`},
		{"int", `"019"`, Options{}, `19`},
		{"int", `"0x1F"`, Options{}, `31`},
		{"int", `"0x"`, Options{}, ``},
		{"int", `"0-1"`, Options{}, ``},
		{"int", `"00"`, Options{}, `0`},
		{"date", `"2024-2-9"`, Options{}, `"2024-02-09"`},
		{"date", `"1969-12-31"`, Options{}, `"1969-12-31"`},
		{"date", `"0001-01-01"`, Options{}, `"0001-01-01"`},
		{"date", `"2023-02-29"`, Options{}, ``},
		{"date", `1`, Options{}, ``},
		{"decimal(10,2)", `12.345`, Options{}, `12.35`},
		{"decimal(10,2)", `-12.345`, Options{}, `-12.35`},
		{"decimal(10,2)", `"1e3"`, Options{}, `1000.0`},
		{"decimal(10,2)", `123456789`, Options{}, ``},
		{"decimal(10,2)", `99999999.995`, Options{}, ``},
		{"decimal(3,3)", `0.0005`, Options{}, `0.001`},
		{"decimal(3,1)", `0e999999999`, Options{}, `0.0`},
		{"decimal(3,1)", `1e-999999999`, Options{}, `0.0`},
		{"decimal(3,1)", `1e999999999`, Options{}, ``},
		{"decimal(38,10)", `1234567890123456789012345678.0123456789`, Options{}, `1234567890123456789012345678.0123456789`},
		{"decimal(38,0)", `-99999999999999999999999999999999999999`, Options{}, `-99999999999999999999999999999999999999`},
		{"decimal", `"x"`, Options{}, ``},
		{"timestamp", `"2017-02-07T15:13:01.39256Z"`, Options{}, `"2017-02-07 15:13:01.39256"`},
		{"timestamp", `"2017-2-7 5:3:1"`, Options{}, `"2017-02-07 05:03:01"`},
		{"timestamp", `"2017-2-7T15:13:01Z"`, Options{}, ``},
		{"int", `7.0`, Options{}, `7`},
		{"int", `"x"`, Options{NullInvalid: true}, `null`},
		{"array<int>", `[1,"x"]`, Options{NullInvalid: true}, `null`},
		{"struct<a:int,b:int>", `{"a":1,"b":"x"}`, Options{NullInvalid: true}, `null`},
		{"map<string,int>", `{"Ab":1,"ab":2}`, Options{KeepCase: true, RefuseDuplicates: true}, `{"Ab":1,"ab":2}`},
		{"string", `{"Ab":1.10}`, Options{KeepCase: true}, `"{\"Ab\":1.10}"`},
		{"timestamp", `"2017-02-07 15:13:01.9996"`, Options{Millis: true}, `"2017-02-07 15:13:02"`},
		{"timestamp", `"2017-02-07T15:13:01+02:00"`, Options{}, `"2017-02-07 13:13:01"`},
		{"timestamp", `"2017-02-07T15:13:01.5-0830"`, Options{}, `"2017-02-07 23:43:01.5"`},
		{"timestamp", `"2017-02-07T15:13:01+2"`, Options{}, ``},
		{"timestamp", `"2017-02-07T15:13:01+19:00"`, Options{}, ``},
		{"timestamp", `"2017-02-07 15:13:01+02:00"`, hive, ``},
		{"timestamp", `1518033528`, Options{}, `"2018-02-07 19:58:48"`},
		{"timestamp", `1518033528123`, Options{}, `"2018-02-07 19:58:48.123"`},
		{"timestamp", `1518033528.123`, Options{}, `"2018-02-07 19:58:48.123"`},
		{"timestamp", `"1518033528.123"`, Options{}, `"2018-02-07 19:58:48.123"`},
		{"timestamp", `-1.5`, Options{}, `"1969-12-31 23:59:58.5"`},
		{"timestamp", `0`, Options{}, `"1970-01-01 00:00:00"`},
		{"timestamp", `1e300`, Options{}, ``},
		{"timestamp", `"soon"`, Options{}, ``},
		{"timestamp", `"2017-02-07 15:13:01.5"`, hive, `"2017-02-07 15:13:01.5"`},
		{"timestamp", `1518033528`, hive, ``},
		{"timestamp", `"10/Oct/2000:13:55:36 -0700"`, custom, `"2000-10-10 20:55:36"`},
		{"timestamp", `"20240229010203004"`, custom, `"2024-02-29 01:02:03.004"`},
		{"timestamp", `1518033528123`, custom, `"2018-02-07 19:58:48.123"`},
		{"timestamp", `"2017-02-07T03:04 PM"`, custom, `"2017-02-07 15:04:00"`},
		{"array<int>", `[1,null,3]`, Options{}, `[1,null,3]`},
		{"array<int>", `[]`, Options{}, `[]`},
		{"array<int>", `7`, Options{}, `[7]`},
		{"array<int>", `7`, hive, ``},
		{"array<int>", `[1,"x"]`, Options{}, ``},
		{"array<array<string>>", `[["a"],[],null,["b","c"]]`, Options{}, `[["a"],[],null,["b","c"]]`},
		{"map<string,int>", `{"a":1,"b":null,"a":3}`, Options{}, `{"b":null,"a":3}`},
		{"map<int,string>", `{"1":"x"}`, Options{}, `{"1":"x"}`},
		{"map<int,string>", `{"one":"x"}`, Options{}, ``},
		{"map<string,int>", `{}`, Options{}, `{}`},
		{"map<string,int>", `[]`, Options{}, ``},
		{"struct<a:int,b:struct<c:array<string>>>", `{"A":1,"b":{"C":["x"],"z":{}}}`, Options{}, `{"a":1,"b":{"c":["x"]}}`},
		{"struct<a:int,b:int>", `{"a":1,"a":2}`, Options{}, `{"a":2,"b":null}`},
		{"struct<a:int,b:int>", `[1,2]`, Options{}, `{"a":1,"b":2}`},
		{"struct<a:int>", `[1]`, hive, ``},
		{"struct<a:int>", `3`, Options{}, ``},
		{"struct<a:int>", `{}`, Options{}, `{"a":null}`},
		{"struct<a:int>", `null`, Options{}, `null`},
		{"array<struct<a:int,m:map<string,array<int>>>>", `[{"a":1,"m":{"k":[1,2],"l":[]}},null,{"m":null}]`, Options{},
			`[{"a":1,"m":{"k":[1,2],"l":[]}},null,{"a":null,"m":null}]`},
	}
	for _, tt := range tests {
		got, err := column(t, tt.typ, tt.value, tt.o)
		var re *RecordError
		if err != nil && !errors.As(err, &re) {
			t.Errorf("%s %s: %v", tt.typ, tt.value, err)
			continue
		}
		if tt.want == "" {
			if err == nil {
				t.Errorf("%s %s (serde %d): read back %s, want it refused", tt.typ, tt.value, tt.o.SerDe, got)
			} else if re.Code != MalformedData || re.Column != "c" {
				t.Errorf("%s %s: refused as %+v", tt.typ, tt.value, re)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%s %s (serde %d): read back %s, %v, want %s", tt.typ, tt.value, tt.o.SerDe, got, err, tt.want)
		}
	}
}

func TestKeys(t *testing.T) {
	s := Schema{{"id", mustType("int")}, {"user_name", mustType("string")}, {"p", mustType("struct<a_b:int>")}}
	tests := []struct {
		rec  string
		o    Options
		want string
	}{
		{`{"ID":1,"User_Name":"x"}`, Options{}, `{"id":1,"user_name":"x","p":null}`},
		{`{"ID":1,"user_name":"x"}`, Options{CaseSensitive: true}, `{"id":null,"user_name":"x","p":null}`},
		{`{"i\u0064":1}`, Options{}, `{"id":1,"user_name":null,"p":null}`},
		{`{"id":1,"Id":2}`, Options{}, `{"id":2,"user_name":null,"p":null}`},
		{`{"id":1,"id":null}`, Options{}, `{"id":null,"user_name":null,"p":null}`},
		{`{"p":{"a_b":1},"id":1,"p":{"a_b":2}}`, Options{}, `{"id":1,"user_name":null,"p":{"a_b":2}}`},
		{`{"user.name":"x","p":{"a.b":3}}`, Options{}, `{"id":null,"user_name":null,"p":{"a_b":null}}`},
		{`{"user.name":"x","p":{"a.b":3}}`, Options{DotsInKeys: true}, `{"id":null,"user_name":"x","p":{"a_b":3}}`},
		{`{"Nick":"x","user_name":"y"}`, Options{Mappings: map[string]string{"user_name": "nick"}}, `{"id":null,"user_name":"x","p":null}`},
		{`{}`, Options{}, `{"id":null,"user_name":null,"p":null}`},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		w, err := NewWriter(&out, s, tt.o)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := w.WriteJSON([]byte(tt.rec)); err != nil {
				t.Fatalf("%s: %v", tt.rec, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := duck(t, out.Bytes()); len(got) != 2 || got[0] != tt.want || got[1] != tt.want {
			t.Errorf("%s %+v: read back %s, want %s", tt.rec, tt.o, got, tt.want)
		}
	}
}

// TestFolding: OpenX puts all keys into lower case, also those of maps and of objects that
// become text.
func TestFolding(t *testing.T) {
	s := Schema{{"m", mustType("map<string,int>")}, {"s", mustType("string")}}
	rec := `{"M":{"Ab":1,"É\u00c9":2,"aB":3},"S":{"Outer":{"In":["X: Y"]}}}`
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{}, `{"m":{"éé":2,"ab":3},"s":"{\"outer\":{\"in\":[\"X: Y\"]}}"}`},
		{Options{CaseSensitive: true}, `{"m":null,"s":null}`},
	} {
		var out bytes.Buffer
		w, err := NewWriter(&out, s, tt.o)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteJSON([]byte(rec)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := duck(t, out.Bytes()); len(got) != 1 || got[0] != tt.want {
			t.Errorf("%+v: read back %s, want %s", tt.o, got, tt.want)
		}
	}
	w, err := NewWriter(new(bytes.Buffer), Schema{{"p", mustType("struct<a:int>")}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteJSON([]byte(`{"p":42}`)); err == nil || !strings.HasSuffix(err.Error(), "Data is not JSONObject  but java.lang.Long with value 42") {
		t.Errorf("a number for a struct: %v", err)
	}
}

func TestRefusedRecordLeavesNothing(t *testing.T) {
	s := Schema{{"a", mustType("int")}, {"b", mustType("array<struct<x:int,y:string>>")}, {"c", mustType("string")}, {"d", mustType("double")}}
	var out bytes.Buffer
	w, err := NewWriter(&out, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	bad := []struct{ rec, code string }{
		{`{"a":1,"c":"x","b":[{"x":1,"y":"s"},{"x":"no"}]}`, MalformedData},
		{`{"c":"x","d":1.5,"a":"no"}`, MalformedData},
		{`{"a":null,"c":"x","d":"no"}`, MalformedData},
		{`{"a":1,"a":"no"}`, MalformedData},
		{`{"a":1`, ParseError},
		{`{"a":1}{"a":2}`, ParseError},
		{`[1]`, MalformedData},
		{``, ParseError},
		{"{\"c\":\"\xff\"}", ParseError},
	}
	var want []string
	for i := range 300 {
		for _, tt := range bad {
			err := w.WriteJSON([]byte(tt.rec))
			var re *RecordError
			if !errors.As(err, &re) || re.Code != tt.code {
				t.Fatalf("%s: %v, want %s", tt.rec, err, tt.code)
			}
		}
		rec := fmt.Sprintf(`{"a":%d,"b":[{"x":%d,"y":"y"}],"c":"c%d","d":0.5}`, i, i, i)
		want = append(want, rec)
		if err := w.WriteJSON([]byte(rec)); err != nil {
			t.Fatal(err)
		}
		if i%100 == 99 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Rows() != 300 {
		t.Errorf("Rows() = %d", w.Rows())
	}
	got := duck(t, out.Bytes())
	if len(got) != len(want) {
		t.Fatalf("read back %d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("row %d is %s, want %s", i, got[i], want[i])
		}
	}
}

// TestReadByParquetGo reads a file of several row groups with a library other than the
// one that wrote it.
func TestReadByParquetGo(t *testing.T) {
	type reading struct {
		Temperature *int32   `parquet:"temperature"`
		CPU         *float64 `parquet:"cpu"`
		RAM         *float64 `parquet:"ram"`
		HD          *float64 `parquet:"hd"`
		Timestamp   *string  `parquet:"timestamp"`
		Sent        *string  `parquet:"timestamp_sent"`
		Device      *int32   `parquet:"id_device"`
	}
	recs := iotRecords(20_000)
	for _, o := range []Options{{}, {Dictionary: true, PageSize: 8 << 10, BlockSize: 300 << 10}, {Codec: GZIP, WriterVersion: V2},
		{Codec: None, BlockSize: 1}, {Codec: ZSTD, Dictionary: true, WriterVersion: V2}} {
		var out bytes.Buffer
		w, err := NewWriter(&out, iotSchema, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range recs {
			if err := w.WriteJSON(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if w.Size() != int64(out.Len()) {
			t.Errorf("Size() = %d, the file has %d", w.Size(), out.Len())
		}
		f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(f.RowGroups()); o.BlockSize > 0 && n < 3 || o.BlockSize == 0 && n != 1 {
			t.Errorf("%+v: %d row groups", o, n)
		}
		r := parquet.NewGenericReader[reading](bytes.NewReader(out.Bytes()))
		got := make([]reading, len(recs))
		if n, err := r.Read(got); n != len(recs) || err != nil && err != io.EOF {
			t.Fatalf("%+v: read back %d rows: %v", o, n, err)
		}
		for i, rec := range recs {
			var want struct {
				Temperature   int32
				CPU, RAM, HD  float64
				Timestamp     string
				TimestampSent string `json:"timestamp_sent"`
				IDDevice      int32  `json:"id_device"`
			}
			if err := json.Unmarshal(rec, &want); err != nil {
				t.Fatal(err)
			}
			g := got[i]
			if *g.Temperature != want.Temperature || *g.CPU != want.CPU || *g.RAM != want.RAM || *g.HD != want.HD ||
				*g.Timestamp != want.Timestamp || *g.Sent != want.TimestampSent || *g.Device != want.IDDevice {
				t.Fatalf("%+v: row %d of %s is %+v", o, i, rec, g)
			}
		}
	}
}

func TestEmptyFile(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, iotSchema, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Flush(), w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if got := duck(t, out.Bytes()); len(got) != 0 {
		t.Errorf("read back %d rows", len(got))
	}
}

type brokenSink struct{ left int }

func (s *brokenSink) Write(b []byte) (int, error) {
	if s.left -= len(b); s.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(b), nil
}

func TestSinkFails(t *testing.T) {
	w, err := NewWriter(&brokenSink{1000}, iotSchema, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range iotRecords(3000) {
		if err := w.WriteJSON(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("Close() = %v", err)
	}
	var re *RecordError
	if err := w.WriteJSON([]byte(`{}`)); err == nil || errors.As(err, &re) {
		t.Errorf("WriteJSON after that = %v", err)
	}
}

func TestSchemaErrors(t *testing.T) {
	for _, s := range []Schema{{}, {{"", mustType("int")}}, {{"a", mustType("int")}, {"A", mustType("int")}}, {{"a", nil}},
		{{"a", mustType("struct<x:int,X:int>")}}} {
		if _, err := NewWriter(io.Discard, s, Options{}); err == nil {
			t.Errorf("schema %v is taken", s)
		}
	}
	if _, err := NewWriter(io.Discard, iotSchema, Options{SerDe: Hive, TimestampFormats: []string{"yyyy-bb"}}); err == nil {
		t.Error("a bad timestamp format is taken")
	}
}

var fuzzSchema = Schema{
	{"a", mustType("int")}, {"b", mustType("double")}, {"c", mustType("string")}, {"d", mustType("decimal(20,5)")},
	{"e", mustType("timestamp")}, {"f", mustType("date")}, {"g", mustType("boolean")}, {"h", mustType("binary")},
	{"i", mustType("array<struct<x:int,y:map<string,array<bigint>>>>")}, {"j", mustType("map<int,struct<z:char(3)>>")},
	{"k", mustType("struct<a:tinyint,b:array<array<float>>>")},
}

func FuzzWriteJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":0.5,"c":"x","d":"1.5","e":1518033528,"f":"2024-02-29","g":true,"h":"aGk=","i":[{"x":1,"y":{"k":[1,2]}},null],"j":{"1":{"z":"abcd"}},"k":{"a":1,"b":[[1.5],[]]}}`,
		`{"a":"x"}`, `{"i":{"x":1}}`, `{"k":[1,[2]]}`, `{"e":"2017-02-07T15:13:01Z"}`, `{"e":1e12}`, `{"d":1e-7}`, `{"j":{"1":null,"1":{}}}`, `[`,
	} {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(1))
	}
	good := []byte(`{"a":7}`)
	f.Fuzz(func(t *testing.T, rec []byte, serde uint8) {
		var out bytes.Buffer
		w, err := NewWriter(&out, fuzzSchema, Options{SerDe: SerDe(serde % 2), TimestampFormats: []string{"yyMMdd HH:mm", "millis"}})
		if err != nil {
			t.Fatal(err)
		}
		want := 2
		for _, r := range [][]byte{good, rec, good} {
			if err := w.WriteJSON(r); err != nil {
				var re *RecordError
				if !errors.As(err, &re) {
					t.Fatal(err)
				}
				if re.Code == ParseError && json.Valid(rec) && bytes.Equal(bytes.ToValidUTF8(rec, nil), rec) {
					t.Fatalf("%q: %v", rec, err)
				}
				want--
			}
			want++
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		file, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if file.NumRows() != int64(want-2) {
			t.Fatalf("%d rows, want %d", file.NumRows(), want-2)
		}
		rows := file.RowGroups()[0].Rows()
		defer rows.Close()
		buf := make([]parquet.Row, 4)
		n, err := rows.ReadRows(buf)
		if n != want-2 || err != nil && err != io.EOF {
			t.Fatalf("read back %d rows: %v", n, err)
		}
		if first := buf[n-1][0]; first.Int32() != 7 {
			t.Fatalf("the row after %q begins with %v", rec, first)
		}
	})
}

// TestMemoryIsTheRowGroups holds Buffered to what the writer keeps, and the writer to
// keeping little once a row group is out.
func TestMemoryIsTheRowGroups(t *testing.T) {
	w, err := NewWriter(io.Discard, iotSchema, Options{})
	if err != nil {
		t.Fatal(err)
	}
	recs := iotRecords(10_000)
	var most int64
	for range 10 {
		for _, r := range recs {
			if err := w.WriteJSON(r); err != nil {
				t.Fatal(err)
			}
			most = max(most, w.Buffered())
		}
	}
	if n := w.Buffered(); n < 2<<20 || most > 32<<20 {
		t.Errorf("%d bytes are buffered for 100,000 readings, at most %d", n, most)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if n := w.Buffered(); n > 1<<10 {
		t.Errorf("%d bytes are buffered after Flush", n)
	}
	if w.Size() == 0 {
		t.Error("Flush gave nothing to the sink")
	}
}

func ExampleWriter() {
	var file bytes.Buffer
	w, err := NewWriter(&file, Schema{{"id", mustType("int")}, {"tags", mustType("array<string>")}}, Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(w.WriteJSON([]byte(`{"ID": 1, "tags": ["a", "b"]}`)))
	fmt.Println(w.WriteJSON([]byte(`{"id": "one"}`)))
	fmt.Println(w.Close(), w.Rows())
	// Output:
	// <nil>
	// DataFormatConversion.MalformedData: column id: Data does not match the schema. For input string: "one"
	// <nil> 1
}
