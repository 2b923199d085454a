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
		"an int too long":   encoded([]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0}, 0),
	} {
		if out, err := r.AppendJSON(nil, record); !errors.Is(err, errAvroTorn) {
			t.Errorf("%s: %s, %v", name, out, err)
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
		if took := after.TotalAlloc - before.TotalAlloc; took > 8*MaxText {
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
