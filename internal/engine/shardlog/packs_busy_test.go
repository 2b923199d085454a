package shardlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/brookmere/brookmere/internal/engine/shardlog/framestore"
)

// TestPacksFailingSync has syncs of packs fail, once or for a while, and then takes what was not durable, as a loss of power does:
// small appends go on by the journal, large ones end, and whatever was acknowledged is there.
func TestPacksFailingSync(t *testing.T) {
	dir := t.TempDir()
	var fails atomic.Int64
	o := packOptions(dir)
	o.SegmentBytes = 16 << 10
	o.packSync = func(f *os.File) error {
		if fails.Add(-1) >= 0 {
			return unix.EIO
		}
		return unix.Fdatasync(int(f.Fd()))
	}
	l := start(t, dir, o)
	acked := map[string][]string{}
	failed := 0
	try := func(s *Shard, text string) error {
		t.Helper()
		var b Batch
		b.Add([]byte("k"), []byte(text))
		done := make(chan error, 1)
		go func() {
			_, _, err := s.Append(t.Context(), &b)
			done <- err
		}()
		err := outcome(t, done)
		if err == nil {
			acked[s.name] = append(acked[s.name], text)
		} else if failed++; !strings.Contains(err.Error(), "input/output error") {
			t.Errorf("%s: %v", s.name, err)
		}
		return err
	}
	small, large := create(t, l, "small", ShardConfig{}), create(t, l, "large", ShardConfig{})
	big := strings.Repeat("x", directBytes)
	for i := range 4 {
		fails.Store(int64(i % 2)) // a pack is healed at once
		if err := try(large, fmt.Sprint(i, big)); err != nil {
			t.Error(err)
		}
	}
	fails.Store(1 << 40)
	for i := range 30 {
		if err := try(small, fmt.Sprint(i, strings.Repeat("x", 1<<10))); err != nil {
			t.Error(err)
		}
	}
	if err := try(large, "not durable"+big); err == nil {
		t.Error("a large append was acknowledged without a sync")
	}
	if got := all(t, small, Position{}, ReadOptions{}); len(got) != 30 {
		t.Errorf("%d records while syncs fail", len(got))
	}
	if _, err := l.Shard(t.Context(), "large"); err != nil {
		t.Error(err)
	}
	// Power is lost.
	to := t.TempDir()
	copyLive(t, filepath.Join(to, "nats/appends"), filepath.Join(dir, "nats/appends"))
	durable := l.packs.Durable()
	copyLive(t, filepath.Join(to, "nats/packs"), filepath.Join(dir, "nats/packs"))
	copyLive(t, filepath.Join(to, "nats/jetstream"), filepath.Join(dir, "nats/jetstream"))
	lose := filepath.Join(to, "nats/packs")
	losePacks(t, lose, rand.New(rand.NewPCG(1, 1)), durable)
	fails.Store(0)
	if err := try(small, "again"); err != nil {
		t.Error(err)
	}
	if err := l.packs.Sync(); err != nil {
		t.Errorf("a sync that works: %v", err)
	}
	equal(t, "small", all(t, small, Position{}, ReadOptions{}), acked["small"])
	stop(t, l)

	l = start(t, dir, packOptions(dir))
	equal(t, "small, after a stop", all(t, shardOf(t, l, "small"), Position{}, ReadOptions{}), acked["small"])
	got := all(t, shardOf(t, l, "large"), Position{}, ReadOptions{})
	equal(t, "large, after a stop", got[:min(len(got), len(acked["large"]))], acked["large"])
	stop(t, l)

	l = start(t, to, packOptions(to))
	equal(t, "small, after a loss of power", all(t, shardOf(t, l, "small"), Position{}, ReadOptions{}), acked["small"][:30])
	got = all(t, shardOf(t, l, "large"), Position{}, ReadOptions{})
	equal(t, "large, after a loss of power", got[:min(len(got), len(acked["large"]))], acked["large"])
	put(t, shardOf(t, l, "large"), big)
}

// TestPacksReadWhileCollected reads shards from their beginnings, and asks for all else, while others append and trim, packs are
// compacted and removed: nothing is an error, or missing.
func TestPacksReadWhileCollected(t *testing.T) {
	dir := t.TempDir()
	o := packOptions(dir)
	o.CacheBytes = -1
	o.packBytes = 64 << 10
	l := start(t, dir, o)
	const keep, writes = 4, 150
	var shards []*Shard
	for i := range 2 * keep { // of the second half everything is trimmed soon
		shards = append(shards, create(t, l, fmt.Sprint("s/", i), ShardConfig{}))
	}
	var written [keep]atomic.Int64
	var writers, all sync.WaitGroup
	done := make(chan struct{})
	for i, s := range shards {
		writers.Go(func() {
			for n := range writes {
				var b Batch
				b.Add(nil, binary.LittleEndian.AppendUint64(nil, uint64(n)))
				b.Add(nil, make([]byte, 4<<10))
				p, _, err := s.Append(t.Context(), &b)
				if err == nil && n%5 == 0 {
					err = s.flushAll(t.Context())
				}
				if err == nil && i >= keep && n%10 == 0 {
					err = s.TrimBefore(t.Context(), p)
				}
				if err != nil {
					t.Errorf("%s: %v", s.name, err)
					return
				}
				if i < keep {
					written[i].Store(int64(n + 1))
				}
			}
		})
	}
	go func() {
		writers.Wait()
		close(done)
	}()
	again := func(f func()) {
		all.Go(func() {
			for !t.Failed() {
				select {
				case <-done:
					f()
					return
				default:
					f()
				}
			}
		})
	}
	again(func() {
		if err := l.packs.Collect(); err != nil {
			t.Error(err)
		}
	})
	for i, s := range shards[:keep] {
		again(func() {
			least, n := written[i].Load(), uint64(0)
			for from := (Position{}); ; {
				recs, next, err := s.Read(t.Context(), from, ReadOptions{}, nil)
				if err != nil {
					t.Errorf("%s at %v: %v", s.name, from, err)
					return
				}
				if len(recs) == 0 {
					break
				}
				for _, r := range recs {
					if len(r.Data) == 8 {
						if have := binary.LittleEndian.Uint64(r.Data); have != n {
							t.Errorf("%s: record %d is %d", s.name, n, have)
							return
						}
						n++
					}
				}
				from = next
			}
			if int64(n) < least {
				t.Errorf("%s: read %d of %d", s.name, n, least)
			}
		})
	}
	for _, s := range shards {
		again(func() {
			in, err := s.Info(t.Context())
			if err == nil {
				_, err = s.Seek(t.Context(), in.OldestTime)
			}
			if err == nil {
				_, err = s.Backlog(t.Context(), in.Oldest)
			}
			if err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		})
	}
	all.Wait()
	if _, packs := l.packs.Usage(); packs > 2*keep*writes*4/64 {
		t.Errorf("%d packs are left", packs)
	}
}

// TestPacksOfManyShards makes 3,000 shards, writes to them, and starts on what a kill leaves: they take neither files nor
// goroutines, and little memory.
func TestPacksOfManyShards(t *testing.T) {
	shards := 3000
	if testing.Short() {
		shards = 300
	}
	dir := t.TempDir()
	o := packOptions(dir)
	o.NoSync, o.SegmentBytes, o.packBytes = true, 0, 0
	l := start(t, dir, o)
	each := func(l *Log, do func(i int, name string) error) {
		t.Helper()
		var g errgroup.Group
		g.SetLimit(64)
		for i := range shards {
			g.Go(func() error { return do(i, fmt.Sprint("many/", i)) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	used := func() (heap uint64, goroutines, files int) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return m.HeapAlloc, runtime.NumGoroutine(), len(fds)
	}
	heap, goroutines, files := used()
	each(l, func(_ int, name string) error {
		_, err := l.CreateShard(t.Context(), name, ShardConfig{MaxAge: time.Hour})
		return err
	})
	write := func(l *Log, text string) {
		each(l, func(i int, name string) error {
			s, err := l.Shard(t.Context(), name)
			if err != nil {
				return err
			}
			var b Batch
			b.Add(nil, fmt.Appendf(nil, "%s %d", text, i))
			if _, _, err = s.Append(t.Context(), &b); err == nil && i%3 == 0 {
				err = s.flushAll(t.Context())
			}
			return err
		})
	}
	write(l, "first")
	bounded := func(when string) {
		t.Helper()
		// Frames that are due go at once, each by a goroutine that waits for its turn.
		eventually(t, "few goroutines", func() bool { return runtime.NumGoroutine()-goroutines <= 200 })
		h, g, f := used()
		t.Logf("%s: %d bytes of heap, %d goroutines and %d files more", when, int64(h-heap), g-goroutines, f-files)
		if int64(h-heap) > 64<<20+int64(shards)*12<<10 || f-files > 200 {
			t.Errorf("%s: %d bytes of heap, %d goroutines and %d files more", when, int64(h-heap), g-goroutines, f-files)
		}
	}
	bounded("written")
	dir2 := t.TempDir()
	copyLive(t, filepath.Join(dir2, "nats"), filepath.Join(dir, "nats"))
	stop(t, l)
	o.Journal = packOptions(dir2).Journal
	l = start(t, dir2, o)
	bounded("started after a kill")
	write(l, "second")
	each(l, func(i int, name string) error {
		s, err := l.Shard(t.Context(), name)
		if err != nil {
			return err
		}
		recs, _, err := s.Read(t.Context(), Position{}, ReadOptions{}, nil)
		if err != nil {
			return err
		}
		if len(recs) == 1 { // what is in memory comes behind what is in packs
			more, _, err := s.Read(t.Context(), Position{recs[0].Position.Frame, recs[0].Position.Index + 1}, ReadOptions{}, nil)
			if err != nil {
				return err
			}
			recs = append(recs, more...)
		}
		if len(recs) != 2 || string(recs[0].Data) != fmt.Sprint("first ", i) || string(recs[1].Data) != fmt.Sprint("second ", i) {
			return fmt.Errorf("%s has %d records", name, len(recs))
		}
		return nil
	})
	if n := streams(t, l); n != 0 {
		t.Errorf("%d streams", n)
	}
	bounded("read")
	for i := range shards {
		if i%2 == 0 {
			if err := l.DeleteShard(t.Context(), fmt.Sprint("many/", i)); err != nil && !errors.Is(err, ErrNoShard) {
				t.Fatal(err)
			}
		}
		if i > 200 {
			break
		}
	}
	if err := l.packs.Collect(); err != nil && !errors.Is(err, framestore.ErrClosed) {
		t.Error(err)
	}
}
