package hive

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
)

// avroSample is a file of one record: {"id": 1, "tags": ["a"], "m": {"k": 1.5}, "next": null}.
const avroSample = `{"type":"record","name":"R","fields":[{"name":"id","type":"long"},{"name":"tags","type":{"type":"array","items":["null","string"]}},{"name":"m","type":{"type":"map","values":"double"}},{"name":"next","type":["null","R"]},{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}}]}`

func avroFile() []byte {
	var b bytes.Buffer
	b.WriteString("Obj\x01\x02\x16avro.schema")
	n := len(avroSample)
	b.Write([]byte{byte(n<<1)&0x7f | 0x80, byte(n >> 6)})
	b.WriteString(avroSample + "\x000123456789abcdef")
	record := []byte("\x02\x02\x02\x02a\x00\x02\x02k\x00\x00\x00\x00\x00\x00\xf8\x3f\x00\x00\x02\x7b")
	b.Write([]byte{2, byte(len(record) << 1)})
	b.Write(record)
	b.WriteString("0123456789abcdef")
	return b.Bytes()
}

func avroScan(t testing.TB) *scan {
	s := &scan{Reader: &Reader{}, ctx: context.Background(), Scan: Scan{Table: &catalog.Table{}}}
	for _, c := range []string{"id bigint", "tags array<string>", "m map<string,double>", "next struct<id:bigint,tags:array<string>>", "d decimal(10,2)"} {
		name, typ, _ := bytes.Cut([]byte(c), []byte(" "))
		parsed, err := hivetype.Parse(string(typ))
		if err != nil {
			t.Fatal(err)
		}
		s.Table.Columns = append(s.Table.Columns, catalog.Column{Name: string(name), Type: parsed})
	}
	return s
}

func FuzzAvro(f *testing.F) {
	f.Add(avroFile())
	f.Add([]byte("Obj\x01"))
	s := avroScan(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = s.convertAvro(bytes.NewReader(b), io.Discard, nil)
	})
}

func TestAvroSample(t *testing.T) {
	if err := avroScan(t).convertAvro(bytes.NewReader(avroFile()), io.Discard, nil); err != nil {
		t.Error(err)
	}
}
