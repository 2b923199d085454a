package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// logWriter appends to one shard of a log. Of its records that are acknowledged it knows where
// they are.
type logWriter struct {
	name  string
	n     uint64 // records that it has appended
	acked map[shardlog.Position]uint64
	trim  uint64 // frames before it are gone
}

// write appends batches of all sizes: to the journal, and past it.
func (w *logWriter) write(t *testing.T, s *shardlog.Shard, r *rand.Rand, n int) {
	var under sync.WaitGroup
	var mu sync.Mutex
	for range n {
		var b shardlog.Batch
		size := r.IntN(6 << 10)
		switch r.IntN(40) {
		case 0:
			size = 140 << 10
		case 1, 2:
			size = 40 << 10
		}
		first := w.n
		for range 1 + r.IntN(4) {
			b.Add([]byte(w.name), binary.LittleEndian.AppendUint64(make([]byte, 0, size+8), w.n)[:size+8])
			w.n++
		}
		p := s.Begin(t.Context(), &b)
		under.Add(1)
		go func() {
			defer under.Done()
			at, _, err := p.Wait(t.Context())
			if err != nil {
				t.Errorf("%s: append: %v", w.name, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for i := range b.Len() {
				w.acked[shardlog.Position{Frame: at.Frame, Index: at.Index + uint32(i)}] = first + uint64(i)
			}
		}()
		if r.IntN(3) == 0 {
			under.Wait()
		}
		if r.IntN(60) == 0 {
			under.Wait()
			if info, err := s.Info(t.Context()); err == nil && info.End.Frame > 3 {
				w.trim = max(w.trim, info.End.Frame-3)
				if err := s.TrimBefore(t.Context(), shardlog.Position{Frame: w.trim}); err != nil {
					t.Errorf("%s: trim: %v", w.name, err)
				}
			}
		}
	}
	under.Wait()
}

// check reads the shard: what was acknowledged is there, once, where it was said to be.
func (w *logWriter) check(t *testing.T, l *shardlog.Log) *shardlog.Shard {
	t.Helper()
	s, err := l.Shard(t.Context(), w.name)
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(w.acked, func(p shardlog.Position, _ uint64) bool { return p.Frame < w.trim })
	want := maps.Clone(w.acked)
	seen := map[uint64]bool{}
	for from := (shardlog.Position{}); ; {
		recs, next, err := s.Read(t.Context(), from, shardlog.ReadOptions{}, nil)
		if err != nil {
			t.Fatalf("%s: read at %v: %v", w.name, from, err)
		}
		if len(recs) == 0 {
			break
		}
		for _, r := range recs {
			if r.Position.Frame < w.trim {
				t.Fatalf("%s: %v is back, %d was trimmed", w.name, r.Position, w.trim)
			}
			n := binary.LittleEndian.Uint64(r.Data)
			if seen[n] {
				t.Fatalf("%s: record %d is there twice, at %v too", w.name, n, r.Position)
			}
			seen[n] = true
			if have, ok := w.acked[r.Position]; ok {
				if have != n {
					t.Fatalf("%s: %v holds record %d, acknowledged was %d", w.name, r.Position, n, have)
				}
				delete(want, r.Position)
			}
		}
		from = next
	}
	if len(want) > 0 {
		info, err := s.Info(t.Context())
		lost := slices.SortedFunc(maps.Keys(want), shardlog.Position.Compare)
		t.Fatalf("%s: %d records are lost, from %v to %v; it is %+v, %v", w.name, len(lost), lost[0], lost[len(lost)-1], info, err)
	}
	return s
}

// TestAppendsPowerLoss stops a log in all ways, again and again, with appends in its journal
// alone, in streams that are not synced, and in streams that are: whatever was acknowledged is
// there once after the next start. The first runs are of a log without a journal, as those of
// before were. BROKER_ROUNDS is how often.
func TestAppendsPowerLoss(t *testing.T) {
	rounds := 10
	if n, err := strconv.Atoi(os.Getenv("BROKER_ROUNDS")); err == nil {
		rounds = n
	}
	seed := rand.Uint64()
	if n, err := strconv.ParseUint(os.Getenv("BROKER_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := filepath.Join(t.TempDir(), "nats")
	var writers []*logWriter
	for i := range 5 {
		writers = append(writers, &logWriter{name: fmt.Sprint("s/", i), acked: map[shardlog.Position]uint64{}})
	}
	synced := map[string]int{}
	for round := range rounds {
		b, err := Start(Options{Dir: dir, segmentBytes: 512 << 10, keptOpen: -r.IntN(2)})
		if err != nil {
			t.Fatal(err)
		}
		o := shardlog.Options{}
		if round >= rounds/4 {
			o = shardlog.Options{Journal: AppendsDir(dir), SegmentBytes: 16 << 10 << r.IntN(5)}
		}
		l, err := shardlog.Open(t.Context(), b, o)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for _, w := range writers {
			s, err := l.Shard(t.Context(), w.name)
			if errors.Is(err, shardlog.ErrNoShard) && len(w.acked) == 0 {
				s, err = l.CreateShard(t.Context(), w.name, shardlog.ShardConfig{})
			}
			if err != nil {
				t.Fatal(err)
			}
			s = w.check(t, l)
			own := rand.New(rand.NewPCG(r.Uint64(), 1))
			all.Go(func() { w.write(t, s, own, own.IntN(150)) })
		}
		all.Wait()
		if r.IntN(5) == 0 {
			b.disk.mu.Lock()
			known := slices.Collect(maps.Values(b.disk.streams)) // the restart forgets what is synced
			b.disk.mu.Unlock()
			if err := b.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			noteSynced(b, known, synced)
			for _, w := range writers {
				w.check(t, l)
			}
		}
		switch r.IntN(6) {
		case 0:
			l.Close()
			b.Close()
			for rel, size := range sizes(t, dir) {
				synced[rel] = size
			}
			continue
		case 1, 2:
			dir = killLog(t, b, synced)
		default:
			dir = killLog(t, b, synced)
			losePower(t, dir, r, synced)
			synced = sizes(t, dir)
		}
		l.Close()
		b.Close()
		if t.Failed() {
			return
		}
	}
}

// killLog is kill for a log that is open. What its journal has is copied first: a checkpoint
// may be under way, which makes it superfluous.
func killLog(t *testing.T, b *Broker, synced map[string]int) string {
	t.Helper()
	for {
		before := sizes(t, b.opts.Dir)
		appends := filepath.Join(t.TempDir(), "appends")
		if err := os.CopyFS(appends, os.DirFS(AppendsDir(b.opts.Dir))); err != nil {
			if _, err := os.Lstat(AppendsDir(b.opts.Dir)); err == nil {
				continue // a segment has another name now
			}
		}
		at := maps.Clone(synced)
		to := kill(t, b, at)
		if maps.Equal(before, sizes(t, b.opts.Dir)) {
			maps.Copy(synced, at)
			if err := os.Rename(appends, AppendsDir(to)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			return to
		}
	}
}
