package columnar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
	"github.com/parquet-go/parquet-go"
)

// BenchmarkLibraries is why arrow-go writes the file: encoding alone, of values that are
// parsed already, with each library as it is fastest.
func BenchmarkLibraries(b *testing.B) {
	type reading struct {
		Temperature int32   `parquet:"temperature,optional,snappy"`
		CPU         float64 `parquet:"cpu,optional,snappy"`
		RAM         float64 `parquet:"ram,optional,snappy"`
		HD          float64 `parquet:"hd,optional,snappy"`
		Timestamp   string  `parquet:"timestamp,optional,snappy"`
		Sent        string  `parquet:"timestamp_sent,optional,snappy"`
		Device      int32   `parquet:"id_device,optional,snappy"`
	}
	recs := iotRecords(100_000)
	rows := make([]reading, len(recs))
	for i, r := range recs {
		var v map[string]any
		if err := json.Unmarshal(r, &v); err != nil {
			b.Fatal(err)
		}
		rows[i] = reading{int32(v["temperature"].(float64)), v["cpu"].(float64), v["ram"].(float64), v["hd"].(float64),
			v["timestamp"].(string), v["timestamp_sent"].(string), int32(v["id_device"].(float64))}
	}
	rate := func(b *testing.B) {
		b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "records/s")
	}
	b.Run("arrow-go", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w, err := NewWriter(io.Discard, iotSchema, Options{})
			if err != nil {
				b.Fatal(err)
			}
			l := w.leaves
			for i := range rows {
				r := &rows[i]
				l[0].i32 = append(l[0].i32, r.Temperature)
				l[1].f64 = append(l[1].f64, r.CPU)
				l[2].f64 = append(l[2].f64, r.RAM)
				l[3].f64 = append(l[3].f64, r.HD)
				l[4].addBytes([]byte(r.Timestamp))
				l[5].addBytes([]byte(r.Sent))
				l[6].i32 = append(l[6].i32, r.Device)
				for _, l := range l {
					l.present(0)
				}
				if w.batch++; w.batch == batchRows {
					if err := w.encode(); err != nil {
						b.Fatal(err)
					}
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
	b.Run("parquet-go/rows", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w := parquet.NewGenericWriter[reading](io.Discard)
			for at := 0; at < len(rows); at += batchRows {
				if _, err := w.Write(rows[at:min(at+batchRows, len(rows))]); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
	b.Run("parquet-go/columns", func(b *testing.B) {
		b.ReportAllocs()
		vals := make([][]parquet.Value, 7)
		for b.Loop() {
			w := parquet.NewGenericWriter[reading](io.Discard)
			for at := 0; at < len(rows); at += batchRows {
				for c := range vals {
					vals[c] = vals[c][:0]
				}
				for i := at; i < min(at+batchRows, len(rows)); i++ {
					r := &rows[i]
					for c, v := range [7]parquet.Value{parquet.Int32Value(r.Temperature), parquet.DoubleValue(r.CPU), parquet.DoubleValue(r.RAM),
						parquet.DoubleValue(r.HD), parquet.ByteArrayValue([]byte(r.Timestamp)), parquet.ByteArrayValue([]byte(r.Sent)), parquet.Int32Value(r.Device)} {
						vals[c] = append(vals[c], v.Level(0, 1, c))
					}
				}
				for c, cw := range w.ColumnWriters() {
					if _, err := cw.WriteRowValues(vals[c]); err != nil {
						b.Fatal(err)
					}
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
}

// BenchmarkFile converts a file of newline JSON to a Parquet file, and has DuckDB do the
// same with one thread and with all.
func BenchmarkFile(b *testing.B) {
	dir := b.TempDir()
	recs := iotRecords(500_000)
	in := filepath.Join(dir, "in.json")
	if err := os.WriteFile(in, bytes.Join(recs, []byte("\n")), 0o600); err != nil {
		b.Fatal(err)
	}
	rate := func(b *testing.B, out string) {
		b.ReportMetric(float64(len(recs)*b.N)/b.Elapsed().Seconds(), "records/s")
		if s, err := os.Stat(out); err == nil {
			b.ReportMetric(float64(s.Size())/float64(len(recs)), "bytes/record")
		}
	}
	b.Run("columnar", func(b *testing.B) {
		out := filepath.Join(dir, "out.parquet")
		for b.Loop() {
			data, err := os.ReadFile(in)
			if err != nil {
				b.Fatal(err)
			}
			f, err := os.Create(out)
			if err != nil {
				b.Fatal(err)
			}
			w, err := NewWriter(f, iotSchema, Options{})
			if err != nil {
				b.Fatal(err)
			}
			var r jsontext.Record
			for len(data) > 0 {
				n, err := r.Parse(data)
				if err != nil {
					b.Fatal(err)
				}
				if err := w.WriteRecord(&r); err != nil {
					b.Fatal(err)
				}
				data = data[jsontext.SkipSpace(data, n):]
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
			if err := f.Close(); err != nil {
				b.Fatal(err)
			}
		}
		rate(b, out)
	})
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("duckdb-%d", threads), func(b *testing.B) {
			out := filepath.Join(dir, "duck.parquet")
			db := duckDB(b)
			if _, err := db.Exec(fmt.Sprintf("SET threads=%d", threads)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := db.Exec(`COPY (SELECT * FROM read_json('` + in + `', format='newline_delimited', columns={temperature: 'INT', cpu: 'DOUBLE',
					ram: 'DOUBLE', hd: 'DOUBLE', "timestamp": 'VARCHAR', timestamp_sent: 'VARCHAR', id_device: 'INT'})) TO '` + out + `' (FORMAT parquet, CODEC 'snappy')`); err != nil {
					b.Fatal(err)
				}
			}
			rate(b, out)
		})
	}
}
