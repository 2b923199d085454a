package framestore

import (
	"fmt"
	"testing"
	"time"
)

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ shards, size int }{{4, 500 << 10}, {10000, 4 << 10}} {
		b.Run(fmt.Sprintf("%dx%d", c.shards, c.size), func(b *testing.B) {
			s := open(b, b.TempDir(), Options{})
			for id := range uint64(c.shards) {
				s.Attach(id, 1, 0)
			}
			frame := makeFrame(random(1), 1, 1, c.size)
			b.SetBytes(int64(c.size))
			b.ReportAllocs()
			b.ResetTimer()
			since := 0
			for i := 0; b.Loop(); i++ {
				id, seq := uint64(i%c.shards), uint64(i/c.shards+1)
				if err := s.Append(id, seq, int64(i), frame); err != nil {
					b.Fatal(err)
				}
				if since += c.size; since > 32<<20 { // as when a segment of the journal is used again
					since = 0
					check(b, s.Sync())
				}
				if i%c.shards == 0 && seq*uint64(c.shards*c.size) > 1<<30 { // keeps the directory small
					b.StopTimer()
					for id := range uint64(c.shards) {
						s.Trim(id, seq)
					}
					check(b, s.Collect())
					b.StartTimer()
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct{ shards, size int }{{4, 500 << 10}, {10000, 4 << 10}} {
		b.Run(fmt.Sprintf("%dx%d", c.shards, c.size), func(b *testing.B) {
			s := open(b, b.TempDir(), Options{NoSync: true})
			frame := makeFrame(random(1), 1, 1, c.size)
			const frames = 8
			for seq := uint64(1); seq <= frames; seq++ {
				for id := range uint64(c.shards) {
					s.Attach(id, 1, 0)
					check(b, s.Append(id, seq, 1, frame))
				}
			}
			check(b, s.Sync())
			b.SetBytes(int64(c.size) * frames)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				got, err := s.Read(uint64(i%c.shards), 1, frames, 1<<30)
				if err != nil || len(got) != frames {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}

// BenchmarkOpen opens a directory of 100 packs, each with frames of all of 10,000 shards.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir, Options{PackBytes: 10000*104 + packHeader, NoSync: true})
	for id := range uint64(10000) {
		s.Attach(id, 1, 0)
	}
	r := random(1)
	frame := makeFrame(r, 1, 1, 40)
	for seq := uint64(1); seq <= 100; seq++ {
		for id := range uint64(10000) {
			check(b, s.Append(id, seq, 1, frame))
		}
	}
	check(b, s.Close())
	_, packs := s.Usage()
	b.ReportMetric(float64(packs), "packs")
	for b.Loop() {
		start := time.Now()
		s := open(b, dir, Options{NoSync: true})
		b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms/open")
		check(b, s.Close())
	}
}
