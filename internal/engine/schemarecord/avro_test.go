package schemarecord

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func encoded(parts ...any) []byte {
	b := []byte("\x03\x00" + id)
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.AppendVarint(b, int64(p))
		case string:
			b = append(binary.AppendVarint(b, int64(len(p))), p...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

const avroReadings = `{"type":"record","name":"R","fields":[
	{"name":"n","type":"int"},{"name":"s","type":["null","string"]},{"name":"all","type":{"type":"array","items":"long"}},
	{"name":"by","type":{"type":"map","values":"boolean"}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
	{"name":"f","type":{"type":"fixed","name":"F","size":2}},{"name":"d","type":"double"},{"name":"in","type":["null","R"]}]}`

func TestAvro(t *testing.T) {
	whole := encoded(7, 1, "x", -2, 2, 5, 6, 1, 7, 0, 1, "k", []byte{1}, 0, 1, []byte("ab"), make([]byte, 8), 0)
	const wanted = `{"n":7,"s":"x","all":[5,6,7],"by":{"k":true},"e":"B","f":"ab","d":0.0,"in":null}`
	r := reader("AVRO", avroReadings)
	if out, err := r.AppendJSON(nil, whole); err != nil || string(out) != wanted {
		t.Fatalf("%v\n got %s\nwant %s", err, out, wanted)
	}
	for n := len(id) + 3; n < len(whole); n++ { // what is not there is no zero
		if out, err := r.AppendJSON(nil, whole[:n]); !errors.Is(err, errAvroTorn) {
			t.Errorf("of %d bytes %d are read as %s, %v", len(whole), n, out, err)
		}
	}
	for name, record := range map[string][]byte{
		"no such branch":    encoded(7, 2),
		"no such symbol":    encoded(7, 0, 0, 0, 2, []byte("ab"), make([]byte, 8), 0),
		"a negative length": encoded(7, 1, -1),
		"no boolean":        encoded(7, 0, 0, 1, "k", []byte{2}, 0, 1, []byte("ab"), make([]byte, 8), 0),
		"an int too large":  encoded(1<<31, 0),
	} {
		if out, err := r.AppendJSON(nil, record); !errors.Is(err, errAvroTorn) {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
}

// TestAvroValues: a value is what its type makes of it, in a union too.
func TestAvroValues(t *testing.T) {
	for _, x := range []struct {
		schema string
		value  []byte
		want   string // beginning with ! an error that holds it
	}{
		{`{"type":"int","logicalType":"date"}`, encoded(10), `"1970-01-11"`},
		{`{"type":"int","logicalType":"time-millis"}`, encoded(3_723_004), `"01:02:03.004000"`},
		{`{"type":"long","logicalType":"time-micros"}`, encoded(3_723_000_004), `"01:02:03.000004"`},
		{`{"type":"long","logicalType":"timestamp-millis"}`, encoded(1500), `"1970-01-01 00:00:01.500000"`},
		{`{"type":"long","logicalType":"timestamp-micros"}`, encoded(-1), `"1969-12-31 23:59:59.999999"`},
		{`{"type":"long","logicalType":"local-timestamp-millis"}`, encoded(1500), `"1970-01-01 00:00:01.500000"`},
		{`{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}`, encoded("\x04\xd2"), `12.34`},
		{`{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}`, encoded("\xff"), `-0.01`},
		{`{"type":"fixed","name":"D","size":2,"logicalType":"decimal","precision":4,"scale":1}`, encoded([]byte("\xff\x85")), `-12.3`},
		{`{"type":"bytes","logicalType":"decimal","precision":10,"scale":0}`, encoded("\x07"), `7`},
		{`{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}`, encoded(strings.Repeat("x", 2000)), "!decimal"},
		{`{"type":"bytes","logicalType":"decimal","precision":2000000,"scale":1000000}`, encoded("x"), "!decimal"},
		{`{"type":"fixed","name":"T","size":12,"logicalType":"duration"}`, encoded([]byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}), `"1 months 2 days 3 milliseconds"`},
		{`"float"`, encoded([]byte{0, 0, 0xc0, 0x3f}), `1.5`},
		{`"double"`, encoded([]byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}), `null`},
		{`"bytes"`, encoded("\xff"), `"/w=="`},
		{`"string"`, encoded("\xff"), "\"\uFFFD\""},
		{`{"type":"map","values":"int"}`, encoded(3, "b", 1, "a", 2, "b", 3, 0), `{"a":2,"b":3}`},
		{`{"type":"map","values":{"type":"map","values":"string"}}`, encoded(1, "map", 1, "string", "x", 0, 0), `{"map":{"string":"x"}}`},
	} {
		for union, branch := range map[string][]byte{"%s": nil, `["null",%s]`: encoded(1)[18:], `[%s,"null"]`: encoded(0)[18:], `["null","boolean",%s]`: encoded(2)[18:]} {
			record := encoded(branch, x.value[18:])
			out, err := reader("AVRO", `{"type":"record","name":"R","fields":[{"name":"v","type":`+fmt.Sprintf(union, x.schema)+`}]}`).AppendJSON(nil, record)
			if message, bad := strings.CutPrefix(x.want, "!"); bad {
				if err == nil || !strings.Contains(err.Error(), message) {
					t.Errorf("%s in %s: %s, %v", x.schema, union, out, err)
				}
			} else if err != nil || string(out) != `{"v":`+x.want+`}` {
				t.Errorf("%s in %s: %s, %v, want %s", x.schema, union, out, err, x.want)
			}
		}
	}
}

// TestAvroBounds: a small record of very many values, or of one in another, is refused before they take the memory.
func TestAvroBounds(t *testing.T) {
	var doubling strings.Builder // each record has the next one twice
	for i := range 60 {
		fmt.Fprintf(&doubling, `{"type":"record","name":"R%d","fields":[{"name":"a","type":`, i)
	}
	doubling.WriteString(`"null"`)
	for i := 59; i >= 0; i-- {
		fmt.Fprintf(&doubling, `},{"name":"b","type":%s}]}`, map[bool]string{true: `"null"`, false: fmt.Sprintf(`"R%d"`, i+1)}[i == 59])
	}
	name := strings.Repeat("x", 20000)
	for what, x := range map[string]struct {
		definition string
		record     []byte
		want       error
	}{
		"arrays of nothing": {`{"type":"record","name":"A","fields":[{"name":"a","type":{"type":"array","items":{"type":"array","items":"null"}}}]}`,
			encoded(20, bytes.Repeat(encoded(1_000_000, 0)[18:], 20), 0), errAvroBig},
		"a number without end": {`{"type":"record","name":"A","fields":[{"name":"a","type":{"type":"array","items":"null"}}]}`, encoded(-1<<63, 0, 0), errAvroBig},
		"records of no bytes":  {doubling.String(), encoded(0), errAvroBig},
		"within itself":        {`{"type":"record","name":"A","fields":[{"name":"a","type":"A"}]}`, encoded(0), errAvroBig},
		"deep":                 {`{"type":"record","name":"A","fields":[{"name":"a","type":["null","A"]}]}`, encoded(bytes.Repeat([]byte{2}, 1<<20), 0), errAvroBig},
		"text": {`{"type":"record","name":"A","fields":[{"name":"a","type":{"type":"array","items":{"type":"record","name":"E","fields":[{"name":"` + name + `","type":"null"}]}}}]}`,
			encoded(100_000, 0), errLong},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := reader("AVRO", x.definition).AppendJSON(nil, x.record)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, x.want) {
			t.Errorf("%s: %v", what, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 6*MaxText {
			t.Errorf("%s: %d MiB", what, took>>20)
		}
	}
}

func FuzzAvro(f *testing.F) {
	f.Add(encoded(7, 1, "x", -2, 2, 5, 6, 0, 1, "k", []byte{1}, 0, 1, []byte("ab"), make([]byte, 8), 0))
	f.Add(encoded(7, 0, 0, 0, 0, []byte("ab"), make([]byte, 8), 1, 7, 0, 0, 0, 0, []byte("ab"), make([]byte, 8), 0))
	r := reader("AVRO", avroReadings)
	f.Fuzz(func(t *testing.T, record []byte) {
		out, err := r.AppendJSON(nil, record)
		if err == nil && !json.Valid(out) {
			t.Errorf("%q became %q", record, out)
		}
	})
}
