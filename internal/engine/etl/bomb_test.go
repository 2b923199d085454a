package etl

import (
	"bytes"
	"compress/gzip"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// object is one in memory.
type object struct{ *bytes.Reader }

// TestBombs reads small objects that are large uncompressed, or small texts of very many rows: each ends
// with ErrTooLarge before it has taken much more memory than the limit.
func TestBombs(t *testing.T) {
	const limit, text = 16 << 20, 64 << 20
	packed := func(zst bool, what string) []byte {
		var b bytes.Buffer
		part := []byte(strings.Repeat(what, (1<<20)/len(what)))
		if zst {
			z, err := zstd.NewWriter(&b)
			if err != nil {
				t.Fatal(err)
			}
			for n := 0; n < text; n += len(part) {
				_, _ = z.Write(part)
			}
			z.Close()
			return b.Bytes()
		}
		z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		for n := 0; n < text; n += len(part) {
			_, _ = z.Write(part)
		}
		z.Close()
		return b.Bytes()
	}
	for _, tt := range []struct {
		name, format string
		data         []byte
	}{
		{"a.json.gz", "json", packed(false, `{"a":1}`)},
		{"a.json.zst", "json", packed(true, `{"a":1}`)},
		{"blank.json.gz", "json", packed(false, " ")},
		{"one.json.gz", "json", packed(false, "[")},
		{"a.csv.gz", "csv", packed(false, "1,2\n")},
		{"wide.csv.zst", "csv", packed(true, ",")},
		{"empty.json", "json", bytes.Repeat([]byte("{}"), limit/8)},
		{"elements.json", "json", []byte("[" + strings.Repeat("{},", limit/8) + "{}]")},
		{"narrow.csv", "csv", bytes.Repeat([]byte("1\n"), limit/8)},
		{"commas.csv", "csv", bytes.Repeat([]byte(strings.Repeat(",", 1000)+"\n"), limit/4000)},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := NewReader(ReadOptions{Format: tt.format, MaxBytes: limit})
		err := r.Add(tt.name, object{bytes.NewReader(tt.data)}, nil)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTooLarge) && !errors.Is(err, errLongRow) {
			t.Errorf("%s of %d bytes: %v", tt.name, len(tt.data), err)
		}
		// All that was allocated, what is free again included.
		most := uint64(12 * limit)
		if errors.Is(err, errLongRow) {
			most = 300 * maxRow // fields, in memory that grows by doubling
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > most {
			t.Errorf("%s: %d MiB for a limit of %d MiB", tt.name, took>>20, limit>>20)
		}
	}
}
