package shardlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// packWriter appends to one shard, and knows of its acknowledged records where they are.
type packWriter struct {
	name  string
	n     uint64
	acked map[Position]uint64
	trim  uint64
}

func (w *packWriter) write(t *testing.T, s *Shard, r *rand.Rand, n int) {
	var under sync.WaitGroup
	var mu sync.Mutex
	for range n {
		var b Batch
		size := r.IntN(6 << 10)
		switch r.IntN(40) {
		case 0:
			size = directBytes + r.IntN(100<<10)
		case 1, 2:
			size = 40 << 10
		}
		first := w.n
		for range 1 + r.IntN(4) {
			b.Add([]byte(w.name), binary.LittleEndian.AppendUint64(make([]byte, 0, size+8), w.n)[:size+8])
			w.n++
		}
		p := s.Begin(t.Context(), &b)
		under.Go(func() {
			at, _, err := p.Wait(t.Context())
			if err != nil {
				t.Errorf("%s: append: %v", w.name, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for i := range b.Len() {
				w.acked[Position{at.Frame, at.Index + uint32(i)}] = first + uint64(i)
			}
		})
		if r.IntN(3) == 0 {
			under.Wait()
		}
		if r.IntN(60) == 0 {
			under.Wait()
			if info, err := s.Info(t.Context()); err == nil && info.End.Frame > 3 {
				w.trim = max(w.trim, info.End.Frame-3)
				if err := s.TrimBefore(t.Context(), Position{Frame: w.trim}); err != nil {
					t.Errorf("%s: trim: %v", w.name, err)
				}
			}
		}
	}
	under.Wait()
}

// check reads the shard: what was acknowledged is there, once, where it was said to be.
func (w *packWriter) check(t *testing.T, s *Shard) {
	t.Helper()
	maps.DeleteFunc(w.acked, func(p Position, _ uint64) bool { return p.Frame < w.trim })
	want := maps.Clone(w.acked)
	seen := map[uint64]bool{}
	for from := (Position{}); ; {
		recs, next, err := s.Read(t.Context(), from, ReadOptions{}, nil)
		if err != nil {
			t.Fatalf("%s: read at %v: %v", w.name, from, err)
		}
		if len(recs) == 0 {
			break
		}
		for _, r := range recs {
			n := binary.LittleEndian.Uint64(r.Data)
			switch have, ok := w.acked[r.Position]; {
			case r.Position.Frame < w.trim:
				t.Fatalf("%s: %v is back, %d was trimmed", w.name, r.Position, w.trim)
			case seen[n]:
				t.Fatalf("%s: record %d is there twice, at %v too", w.name, n, r.Position)
			case ok && have != n:
				t.Fatalf("%s: %v holds record %d, acknowledged was %d", w.name, r.Position, n, have)
			}
			seen[n] = true
			delete(want, r.Position)
		}
		from = next
	}
	for p := range want {
		info, err := s.Info(t.Context())
		t.Fatalf("%s: %d records are lost, as that at %v; it is %+v, %v", w.name, len(want), p, info, err)
	}
}

// TestPacksPowerLoss stops a log in all ways, again and again, with appends in its journal alone, in packs that are
// not synced, and in packs that are: whatever was acknowledged is there once after the next start.
// SHARDLOG_ROUNDS is how often.
func TestPacksPowerLoss(t *testing.T) {
	rounds := 14
	if n, err := strconv.Atoi(os.Getenv("SHARDLOG_ROUNDS")); err == nil {
		rounds = n
	}
	seed := rand.Uint64()
	if n, err := strconv.ParseUint(os.Getenv("SHARDLOG_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	writers := make([]*packWriter, 6)
	for i := range writers {
		writers[i] = &packWriter{name: fmt.Sprint("s/", i), acked: map[Position]uint64{}}
	}
	for range rounds {
		o := packOptions(dir)
		o.SegmentBytes = 16 << 10 << r.IntN(5)
		o.packBytes = 64 << 10 << r.IntN(6)
		damage, warnings, err := CheckPacks(o.Journal)
		if err != nil || len(damage) > 0 {
			t.Fatal(damage, err)
		}
		b := startBroker(t, dir)
		l, err := Open(t.Context(), b, o)
		if err != nil {
			t.Fatal(err)
		}
		if lost, err := l.LostFrames(t.Context(), warnings); err != nil || len(lost) > 0 {
			t.Fatalf("the check tells of frames that are lost: %v, %v", lost, err)
		}
		var all sync.WaitGroup
		for _, w := range writers {
			s, err := l.Shard(t.Context(), w.name)
			if errors.Is(err, ErrNoShard) && len(w.acked) == 0 {
				s, err = l.CreateShard(t.Context(), w.name, ShardConfig{})
			}
			if err != nil {
				t.Fatal(err)
			}
			w.check(t, s)
			own := rand.New(rand.NewPCG(r.Uint64(), 1))
			all.Go(func() { w.write(t, s, own, own.IntN(150)) })
		}
		if r.IntN(2) == 0 {
			all.Go(func() {
				if err := l.packs.Collect(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if t.Failed() {
			return
		}
		if r.IntN(6) == 0 {
			l.Close()
			b.Close()
			continue
		}
		to, durable := killPacks(t, l, dir)
		l.Close()
		b.Close()
		if dir = to; r.IntN(3) > 0 {
			losePacks(t, filepath.Join(dir, "nats/packs"), r, durable)
		}
	}
}

// killPacks copies the files of an open log as a kill leaves them, and tells how much of each pack is durable.
func killPacks(t *testing.T, l *Log, dir string) (to string, durable map[string]int64) {
	t.Helper()
	to = t.TempDir()
	// The journal first: a checkpoint may make what it has superfluous meanwhile.
	copyLive(t, filepath.Join(to, "nats/appends"), filepath.Join(dir, "nats/appends"))
	durable = l.packs.Durable()
	copyLive(t, filepath.Join(to, "nats/packs"), filepath.Join(dir, "nats/packs"))
	copyLive(t, filepath.Join(to, "nats/jetstream"), filepath.Join(dir, "nats/jetstream"))
	return to, durable
}

// losePacks makes of the packs what may be left of them without power: of what was not synced there is all, or the
// beginning, or something else in its place, or no file.
func losePacks(t *testing.T, dir string, r *rand.Rand, durable map[string]int64) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		safe := min(int(durable[f.Name()]), len(data))
		if safe == 0 && r.IntN(3) == 0 {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		at := safe + r.IntN(len(data)-safe+1)
		switch r.IntN(4) {
		case 0:
			data = data[:at]
		case 1:
			clear(data[at:])
		case 2:
			for i := at; i < len(data) && i < at+4096; i++ {
				data[i] = byte(r.Uint32())
			}
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
