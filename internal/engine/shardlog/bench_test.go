package shardlog

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fill is a batch of n records of the size, each different.
func fill(b *Batch, n, size int, noise []byte) {
	b.Reset()
	for i := range n {
		room := b.Reserve([]byte("key-0123"), size)
		copy(room, noise[(i*7)%(len(noise)-size):])
		b.Commit(size)
	}
}

func noise() []byte {
	b := make([]byte, 1<<20)
	rand.Read(b)
	return b
}

// BenchmarkAppend appends batches to shards from several writers. BenchmarkDisk beside it
// is the least that any durable log does: write as many bytes, fsync.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ shards, writers, records, size int }{
		{1, 1, 500, 200},
		{1, 1, 500, 1000},
		{4, 8, 500, 200},
		{4, 8, 500, 1000},
		{1, 4, 2500, 200},
		{1, 1, 1, 200},
		{1, 16, 1, 200},
		{4, 16, 1, 200},
	} {
		b.Run(fmt.Sprintf("shards=%d/writers=%d/records=%d/size=%d", c.shards, c.writers, c.records, c.size), func(b *testing.B) {
			l := start(b, b.TempDir(), Options{})
			var shards []*Shard
			for i := range c.shards {
				shards = append(shards, create(b, l, fmt.Sprint("s/", i), ShardConfig{}))
			}
			src := noise()
			var left atomic.Int64
			left.Store(int64(b.N))
			b.SetBytes(int64(c.records * c.size))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range c.writers {
				wg.Go(func() {
					var batch Batch
					for left.Add(-1) >= 0 {
						fill(&batch, c.records, c.size, src)
						if _, _, err := shards[w%c.shards].Append(b.Context(), &batch); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N*c.records)/b.Elapsed().Seconds(), "records/s")
			var frames uint64
			for _, s := range shards {
				frames += s.last
			}
			b.ReportMetric(float64(b.N)/float64(frames), "appends/frame")
		})
	}
}

func BenchmarkDisk(b *testing.B) {
	for _, c := range []struct{ files, size int }{{1, 100_000}, {1, 500_000}, {4, 100_000}, {4, 200_000}, {1, 1_000_000}, {1, 206}} {
		b.Run(fmt.Sprintf("files=%d/size=%d", c.files, c.size), func(b *testing.B) {
			dir, src := b.TempDir(), noise()
			var left atomic.Int64
			left.Store(int64(b.N))
			b.SetBytes(int64(c.size))
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := range c.files {
				wg.Go(func() {
					f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
					if err != nil {
						b.Error(err)
						return
					}
					defer f.Close()
					for left.Add(-1) >= 0 {
						if _, err := f.Write(src[:c.size]); err != nil {
							b.Error(err)
						}
						if err := f.Sync(); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// load fills a shard with bytes of records of 200.
func load(b *testing.B, l *Log, name string, bytes int) *Shard {
	s := create(b, l, name, ShardConfig{})
	src := noise()
	var batch Batch
	for done := 0; done < bytes; done += batch.Size() {
		fill(&batch, 1500, 200, src)
		if _, _, err := s.Append(b.Context(), &batch); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// cold opens the log again, with nothing in its memory.
func cold(b *testing.B, l *Log, dir, name string, o Options) (*Log, *Shard) {
	stop(b, l)
	l = start(b, dir, o)
	s, err := l.Shard(b.Context(), name)
	if err != nil {
		b.Fatal(err)
	}
	return l, s
}

func BenchmarkRead(b *testing.B) {
	const size = 500 << 20
	dir := b.TempDir()
	l := start(b, dir, Options{})
	load(b, l, "s", size)
	_, s := cold(b, l, dir, "s", Options{})
	in, err := s.Info(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, max := range []int{0, 1 << 20} {
		b.Run(fmt.Sprintf("sequential/max=%d", max), func(b *testing.B) {
			b.SetBytes(int64(in.Bytes))
			for b.Loop() {
				var recs []Record
				var n uint64
				for from := (Position{}); ; {
					var err error
					recs, from, err = s.Read(b.Context(), from, ReadOptions{MaxBytes: max}, recs[:0])
					if err != nil {
						b.Fatal(err)
					}
					if len(recs) == 0 {
						break
					}
					n += uint64(len(recs))
				}
				if n != in.Records {
					b.Fatalf("%d records, want %d", n, in.Records)
				}
			}
		})
	}
	b.Run("random/records=100", func(b *testing.B) {
		var recs []Record
		i := uint64(0)
		for b.Loop() {
			i++
			p := Position{1 + i*7919%in.End.Frame, uint32(i % 1000)}
			if recs, _, err = s.Read(b.Context(), p, ReadOptions{MaxRecords: 100}, recs[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("seek", func(b *testing.B) {
		span := in.LastTime.Sub(in.OldestTime)
		i := 0
		for b.Loop() {
			i++
			if _, err := s.Seek(b.Context(), in.OldestTime.Add(span*time.Duration(i*31%100)/100)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkTip is the time from a record's append until a waiting reader has it.
func BenchmarkTip(b *testing.B) {
	l := start(b, b.TempDir(), Options{})
	s := create(b, l, "s", ShardConfig{})
	var batch Batch
	fill(&batch, 1, 200, noise())
	acked := make(chan time.Time, 1)
	var late time.Duration
	pos := Position{}
	for b.Loop() {
		go func() {
			if _, _, err := s.Append(b.Context(), &batch); err != nil {
				b.Error(err)
			}
			acked <- time.Now()
		}()
		if err := s.Wait(b.Context(), pos); err != nil {
			b.Fatal(err)
		}
		recs, next, err := s.Read(b.Context(), pos, ReadOptions{}, nil)
		if err != nil || len(recs) != 1 {
			b.Fatal(len(recs), err)
		}
		got := time.Now()
		late += got.Sub(<-acked)
		pos = next
	}
	b.ReportMetric(float64(late.Microseconds())/float64(b.N), "µs-after-ack")
}
