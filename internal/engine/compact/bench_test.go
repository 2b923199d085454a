package compact

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
)

// benchmarkMerge merges files of so many readings each.
func benchmarkMerge(b *testing.B, files, rows int, write func(path string, records []string) Object) {
	dir := b.TempDir()
	var objects []Object
	var size int64
	for i := range files {
		records := make([]string, rows)
		for j := range records {
			n := i*rows + j
			records[j] = fmt.Sprintf(`{"device":"device-%d","at":"2024-05-06 07:%02d:%02d","value":%d.%d,"state":"%s","note":"reading %d of many"}`,
				n%500, n/60%60, n%60, n*7919%1000, n%100, []string{"ok", "late", "bad"}[n%3], n*104729%100003)
		}
		objects = append(objects, write(filepath.Join(dir, fmt.Sprint(i)), records))
		size += objects[i].Size
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		f, n, err := merge(b.Context(), dir, objects)
		if err != nil || n != files {
			b.Fatal(n, err)
		}
		f.Close()
	}
}

func BenchmarkMerge(b *testing.B) {
	s := hiveSchema(b, "device string", "at timestamp", "value double", "state string", "note string")
	parquet := func(o columnar.Options) func(string, []string) Object {
		return func(path string, records []string) Object { return writeParquet(b, path, s, o, records) }
	}
	lines := func(c recordplan.Compression) func(string, []string) Object {
		return func(path string, records []string) Object {
			text := ""
			for _, r := range records {
				text += r + "\n"
			}
			return writeObject(b, path, compressed(b, c, text))
		}
	}
	for _, bench := range []struct {
		name        string
		files, rows int
		write       func(string, []string) Object
	}{
		{"parquet/2000x100", 2000, 100, parquet(columnar.Options{})},
		{"parquet/20x100000", 20, 100_000, parquet(columnar.Options{})},
		{"parquet-dictionary/20x100000", 20, 100_000, parquet(columnar.Options{Dictionary: true})},
		{"gzip/1000x500", 1000, 500, lines(recordplan.Gzip)},
		{"plain/1000x500", 1000, 500, lines(recordplan.Uncompressed)},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkMerge(b, bench.files, bench.rows, bench.write) })
	}
}
