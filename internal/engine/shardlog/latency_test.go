package shardlog

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkLatency spreads out how long an append takes, and beside it the least that it
// can take: as many bytes, written and synced, in files of the size of the store's.
func BenchmarkLatency(b *testing.B) {
	const records, size = 500, 200
	src := noise()
	b.Run("append", func(b *testing.B) {
		l := start(b, b.TempDir(), Options{})
		s := create(b, l, "s", ShardConfig{MaxAge: 24 * time.Hour})
		var batch Batch
		spread(b, func() {
			fill(&batch, records, size, src)
			if _, _, err := s.Append(b.Context(), &batch); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("disk", func(b *testing.B) {
		const frame, block = records*(size+14) + headerSize, 8 << 20
		dir := b.TempDir()
		var f *os.File
		n := block
		spread(b, func() {
			if n += frame; n > block {
				if f != nil {
					f.Close()
				}
				var err error
				if f, err = os.CreateTemp(dir, ""); err != nil {
					b.Fatal(err)
				}
				n = frame
			}
			if _, err := f.Write(src[:frame]); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		})
		os.RemoveAll(filepath.Join(dir))
	})
}

// spread times each call and reports the distribution.
func spread(b *testing.B, f func()) {
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		began := time.Now()
		f()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) }
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
	b.ReportMetric(at(0.999), "p99.9-µs")
	b.ReportMetric(at(0.99)/at(0.5), "p99/p50")
}
