package columnar

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

func mustType(s string) *hivetype.Type {
	t, err := hivetype.Parse(s)
	if err != nil {
		panic(err)
	}
	return t
}

var iotSchema = Schema{
	{"temperature", mustType("int")}, {"cpu", mustType("double")}, {"ram", mustType("double")},
	{"hd", mustType("double")}, {"timestamp", mustType("string")}, {"timestamp_sent", mustType("string")},
	{"id_device", mustType("int")},
}

// iotRecords are readings as a device's json.dumps writes them.
func iotRecords(n int) [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	recs := make([][]byte, n)
	for i := range recs {
		at = at.Add(time.Duration(rng.IntN(2_000_000)))
		recs[i] = fmt.Appendf(nil, `{"temperature": %d, "cpu": %v, "ram": %v, "hd": %v, "timestamp": "%s", "timestamp_sent": "%s", "id_device": %d}`,
			rng.IntN(101), rng.Float64(), rng.Float64(), rng.Float64(), at.Format("2006-01-02 15:04:05.000000"), at.Format("2006-01-02 15"), rng.IntN(11))
	}
	return recs
}

func BenchmarkWriteJSON(b *testing.B) {
	recs := iotRecords(200_000)
	var size int
	for _, r := range recs {
		size += len(r)
	}
	for _, bb := range []struct {
		name string
		o    Options
	}{
		{"snappy", Options{}}, {"snappy-dictionary", Options{Dictionary: true}}, {"none", Options{Codec: None}},
		{"gzip", Options{Codec: GZIP}}, {"zstd", Options{Codec: ZSTD}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			var out int64
			for b.Loop() {
				w, err := NewWriter(io.Discard, iotSchema, bb.o)
				if err != nil {
					b.Fatal(err)
				}
				for _, r := range recs {
					if err := w.WriteJSON(r); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
				out = w.Size()
			}
			b.ReportMetric(float64(len(recs)*b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(out)/float64(len(recs)), "bytes/record")
		})
	}
}

func BenchmarkNested(b *testing.B) {
	s := Schema{{"id", mustType("string")}, {"tags", mustType("array<string>")}, {"m", mustType("map<string,double>")},
		{"p", mustType("struct<x:double,y:double,at:timestamp>")}, {"d", mustType("decimal(18,4)")}}
	rec := []byte(`{"id":"abc-123","tags":["a","b","c"],"m":{"k":1.5,"l":2.5},"p":{"x":1.25,"y":-2.5,"at":"2026-11-22 05:00:00.123"},"d":123456.789}`)
	w, err := NewWriter(io.Discard, s, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(rec)))
	for b.Loop() {
		if err := w.WriteJSON(rec); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTimestampFormat reads timestamps by a pattern.
func BenchmarkTimestampFormat(b *testing.B) {
	formats, err := parseTimeFormats([]string{"yyyy-MM-dd HH:mm:ss.SSS"})
	if err != nil {
		b.Fatal(err)
	}
	text := []byte("2024-05-06 07:08:09.123")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := formats[0].parse(text); !ok {
			b.Fatal("not read")
		}
	}
}
