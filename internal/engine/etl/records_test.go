package etl

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/schemarecord"
)

const avroText = `{"type":"record","name":"reading","namespace":"x","fields":[
	{"name":"patient","type":"string"},{"name":"rate","type":["null","double"],"default":null},{"name":"count","type":"long"},
	{"name":"tags","type":{"type":"array","items":"string"}},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
	{"name":"day","type":{"type":"int","logicalType":"date"}},{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
	{"name":"inner","type":["null",{"type":"record","name":"in","fields":[{"name":"a","type":"int"}]}]},{"name":"kind","type":{"type":"enum","name":"k","symbols":["A","B"]}},
	{"name":"raw","type":"bytes"},{"name":"counts","type":{"type":"map","values":"int"}}]}`

func avroRecord(t testing.TB) []byte {
	t.Helper()
	type inner struct {
		A int `avro:"a"`
	}
	b, err := avro.Marshal(avro.MustParse(avroText), struct {
		Patient string         `avro:"patient"`
		Rate    *float64       `avro:"rate"`
		Count   int64          `avro:"count"`
		Tags    []string       `avro:"tags"`
		At      int64          `avro:"at"`
		Day     int            `avro:"day"`
		Price   []byte         `avro:"price"`
		Inner   *inner         `avro:"inner"`
		Kind    string         `avro:"kind"`
		Raw     []byte         `avro:"raw"`
		Counts  map[string]int `avro:"counts"`
	}{"p1", new(float64), 7, []string{"a", "b"}, 1000, 1, []byte{4, 0xd2}, &inner{5}, "B", []byte{0xff}, map[string]int{"x": 1}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAvro(t *testing.T) {
	record := avroRecord(t)
	lookups := 0
	f := RecordFormat{Classification: "avro", Schemas: func(version string) (schemarecord.Schema, error) {
		lookups++
		if version != "30313233-3435-3637-3839-616263646566" {
			return schemarecord.Schema{}, errors.New("no such version")
		}
		return schemarecord.Schema{Format: "AVRO", Definition: avroText}, nil
	}}
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	r := NewRecords(f)
	header := "\x03\x000123456789abcdef"
	r.Add([]byte(header+string(record)), time.Time{})
	r.Add([]byte(header+string(record)), time.Time{})
	r.Add([]byte(header+string(record[:5])), time.Time{})
	r.Add([]byte("\x03\x00fedcba9876543210"+string(record)), time.Time{})
	r.Add(record, time.Time{}) // it names no schema
	got := show(r.Frame())
	row := `{"x":1}|` // the map is a struct, as JSON's objects are
	for _, want := range []string{`"p1"`, "|0.0|", "|7|", `["a","b"]`, `"1970-01-01 00:00:01.000000"`, `"1970-01-02"`, "12.34", `{"a":5}`, `"B"`, `"/w=="`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	if n := strings.Count(got, row); n != 2 || r.Corrupt() != 3 || lookups != 2 {
		t.Errorf("%d rows, %d corrupt, %d lookups:\n%s", n, r.Corrupt(), lookups, got)
	}

	r = NewRecords(RecordFormat{Classification: "avro", Schema: avroText})
	r.Add(record, time.Time{})
	if r.Corrupt() != 0 || r.Frame().Len() != 1 {
		t.Errorf("by the source's schema: %s", show(r.Frame()))
	}
	for _, bad := range []string{"{", `"string"`, `{"type":"record","name":"a","fields":[{"name":"b","type":"nope"}]}`} {
		if (RecordFormat{Classification: "avro", Schema: bad}).Check() == nil {
			t.Errorf("the schema %s was taken", bad)
		}
	}
}

// TestProtobuf: records whose headers name schemas are rows, whatever the others are; what cannot be read is a row of its own.
func TestProtobuf(t *testing.T) {
	const header = "\x03\x000123456789abcdef"
	for _, classification := range []string{"protobuf", "json"} {
		f := RecordFormat{Classification: classification, Schemas: func(version string) (schemarecord.Schema, error) {
			if version != "30313233-3435-3637-3839-616263646566" {
				return schemarecord.Schema{}, errors.New("no such version")
			}
			return schemarecord.Schema{Format: "PROTOBUF", Definition: `syntax = "proto3"; message Reading { string patient = 1; sint32 rate = 2; }`}, nil
		}}
		if err := f.Check(); err != nil {
			t.Fatal(err)
		}
		r := NewRecords(f)
		r.Add([]byte(header+"\x00\x0a\x02p1\x10\x0e"), time.Time{})
		r.Add([]byte(header+"\x00\x0a\x09p1"), time.Time{})
		r.Add([]byte("\x03\x00fedcba9876543210\x00\x0a\x02p1"), time.Time{})
		r.Add([]byte(`{"patient":"p2","rate":8}`), time.Time{})
		rows, corrupt := 1, 3
		if classification == "json" {
			rows, corrupt = 2, 2
		}
		got := show(r.Frame())
		if n := strings.Count(got, `"p`) - strings.Count(got, `"patient`); r.Corrupt() != corrupt || !strings.Contains(got, `"p1"|7`) || n < rows || r.Frame().Len() != 4 {
			t.Errorf("%s: %d corrupt:\n%s", classification, r.Corrupt(), got)
		}
	}
}

func FuzzAvro(f *testing.F) {
	f.Add(avroRecord(f), avroText)
	f.Add([]byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, `{"type":"record","name":"a","fields":[{"name":"b","type":{"type":"array","items":"null"}}]}`)
	f.Fuzz(func(t *testing.T, record []byte, schema string) {
		if (RecordFormat{Classification: "avro", Schema: schema}).Check() != nil {
			return
		}
		r := NewRecords(RecordFormat{Classification: "avro", Schema: schema})
		r.Add(record, time.Time{})
		if n := r.Frame().Len(); n > 1 {
			t.Errorf("%d rows of one record", n)
		}
	})
}

func TestGrok(t *testing.T) {
	f := RecordFormat{Classification: "grok", Pattern: `%{IP:client} %{WORD:method} %{URIPATH:path} %{NUMBER:bytes} %{SHIFT:s}`, CustomPatterns: "SHIFT (early|late)"}
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	r := NewRecords(f)
	r.Add([]byte("10.0.0.1 GET /a/b 123 late\n10.0.0.2 PUT /c 4 early\r\n\nnothing of it"), time.Time{})
	got := show(r.Frame())
	if r.Corrupt() != 1 || r.Frame().Len() != 3 || !strings.Contains(got, `"10.0.0.1"`) || !strings.Contains(got, `"early"`) || !strings.Contains(got, "nothing of it") {
		t.Errorf("%d corrupt:\n%s", r.Corrupt(), got)
	}
	number, err := hivetype.Parse("int")
	if err != nil {
		t.Fatal(err)
	}
	f.Columns = []Column{{"method", stringType}, {"bytes", number}}
	r = NewRecords(f)
	r.Add([]byte("10.0.0.1 GET /a/b 123 late"), time.Time{})
	if got := show(r.Frame()); got != "method string,bytes int\n\"GET\"|123" {
		t.Errorf("with columns:\n%s", got)
	}
	for _, bad := range []string{"", "%{NOTHING_SUCH:x}", "("} {
		if (RecordFormat{Classification: "grok", Pattern: bad}).Check() == nil {
			t.Errorf("the pattern %q was taken", bad)
		}
	}
}
