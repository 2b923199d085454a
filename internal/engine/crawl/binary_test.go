package crawl

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// avroBytes is an Avro file of a schema, with blocks of so many empty records.
func avroBytes(schema string, blocks ...int64) []byte {
	b := append([]byte("Obj\x01"), binary.AppendVarint(nil, 2)...)
	for _, s := range []string{"avro.schema", schema, "avro.codec", "null"} {
		b = binary.AppendVarint(b, int64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendVarint(b, 0)
	sync := strings.Repeat("s", 16)
	b = append(b, sync...)
	for _, n := range blocks {
		b = binary.AppendVarint(b, n)
		b = binary.AppendVarint(b, n)
		b = append(b, strings.Repeat("\x00", int(n))...)
		b = append(b, sync...)
	}
	return b
}

func TestBinaryFormats(t *testing.T) {
	objects := mapSource{
		"avro/a.avro": avroBytes(`{"type":"record","name":"R","namespace":"n","fields":[
			{"name":"Id","type":"long"},{"name":"maybe","type":["null","string"]},{"name":"day","type":{"type":"int","logicalType":"date"}},
			{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}]},
			{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
			{"name":"kind","type":{"type":"enum","name":"K","symbols":["A"]}},{"name":"kind2","type":"n.K"},
			{"name":"tags","type":{"type":"array","items":"string"}},{"name":"m","type":{"type":"map","values":"double"}},
			{"name":"sub","type":{"type":"record","name":"S","fields":[{"name":"x","type":"int"},{"name":"self","type":["null","S"]}]}},
			{"name":"again","type":"S"}]}`, 3, 4),
		"not/a.avro": []byte("Obj\x01nonsense"),
		"not/b.orc":  []byte("ORC\x00\x01\x02\xff"),
		// It claims to have 2,147,483,647 columns.
		"not/c.parquet": []byte("PAR1\x15\x02\x19\xfc\xff\xff\xff\xff\x07\x00\x0a\x00\x00\x00PAR1"),
	}
	for _, c := range []string{"uncompressed", "zlib", "snappy", "zstd"} {
		b, err := os.ReadFile(filepath.Join("testdata", c+".orc"))
		if err != nil {
			t.Fatal(err)
		}
		objects["orc/"+c+"/a.orc"] = b
	}
	tables, err := Run(t.Context(), objects, "", "b", Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `avro at "avro/" avro none (id bigint, maybe string, day date, at timestamp, amount decimal(10,2), kind string, kind2 string, tags array<string>, m map<string,double>, sub struct<x:int,self:string>, again struct<x:int,self:string>) objects=1 records=7
not at "not/" UNKNOWN none () objects=3 records=0
orc at "orc/" orc none (id int, big bigint, name string, d date, at timestamp, amount decimal(10,2), tags array<string>, sub struct<a:double>, m map<string,bigint>) by (partition_0 string) ["snappy"] ["uncompressed"] ["zlib"] ["zstd"] objects=4 records=8
`
	if got := show(tables); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func FuzzBinary(f *testing.F) {
	f.Add(avroBytes(`{"type":"record","name":"R","fields":[{"name":"a","type":["null",{"type":"map","values":"R"}]}]}`, 1))
	for _, c := range []string{"uncompressed", "zlib", "snappy", "zstd"} {
		if b, err := os.ReadFile(filepath.Join("testdata", c+".orc")); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Run(t.Context(), mapSource{"x/f": b}, "x/", "b", Options{}); err != nil {
			t.Fatal(err)
		}
	})
}
