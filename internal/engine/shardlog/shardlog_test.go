package shardlog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/jonboulle/clockwork"
)

// fronted has start give logs a journal for small appends.
var fronted bool

func start(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	if fronted && !o.Shared {
		o.Journal = broker.AppendsDir(filepath.Join(dir, "nats"))
	}
	b := startBroker(t, dir)
	l, err := Open(t.Context(), b, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); b.Close() })
	return l
}

func stop(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.broker.(*broker.Broker).Close()
}

func create(t testing.TB, l *Log, name string, cfg ShardConfig) *Shard {
	t.Helper()
	s, err := l.CreateShard(t.Context(), name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *Shard, data ...string) (Position, time.Time) {
	t.Helper()
	var b Batch
	for _, d := range data {
		b.Add([]byte("k"), []byte(d))
	}
	p, at, err := s.Append(t.Context(), &b)
	if err != nil {
		t.Fatal(err)
	}
	return p, at
}

// all reads a shard from a position to its end.
func all(t testing.TB, s *Shard, from Position, o ReadOptions) []string {
	t.Helper()
	var got []string
	for {
		recs, next, err := s.Read(t.Context(), from, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(recs) == 0 {
			return got
		}
		for i, r := range recs {
			if r.Position.Compare(from) < 0 || i > 0 && r.Position.Compare(recs[i-1].Position) <= 0 || next.Compare(r.Position) <= 0 {
				t.Fatalf("positions do not grow: %v, from %v, next %v", r.Position, from, next)
			}
			got = append(got, string(r.Data))
		}
		from = next
	}
}

func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %q, want %q", what, got, want)
	}
}

func TestAppendRead(t *testing.T) {
	dir := t.TempDir()
	l := start(t, dir, Options{})
	s := create(t, l, "a/0", ShardConfig{})
	equal(t, "empty", all(t, s, Position{}, ReadOptions{}), nil)
	p1, _ := put(t, s, "one", "two", "three")
	p2, _ := put(t, s, "")
	if p1 != (Position{1, 0}) || p2 != (Position{2, 0}) {
		t.Fatalf("positions %v, %v", p1, p2)
	}
	want := []string{"one", "two", "three", ""}
	equal(t, "all", all(t, s, Position{}, ReadOptions{}), want)
	equal(t, "one by one", all(t, s, Position{}, ReadOptions{MaxRecords: 1}), want)
	equal(t, "by few bytes", all(t, s, Position{}, ReadOptions{MaxBytes: 5}), want)
	equal(t, "from within", all(t, s, Position{1, 2}, ReadOptions{}), want[2:])
	equal(t, "from behind a frame", all(t, s, Position{1, 3}, ReadOptions{}), want[3:])
	equal(t, "from the end", all(t, s, Position{3, 0}, ReadOptions{}), nil)
	recs, _, _ := s.Read(t.Context(), Position{}, ReadOptions{MaxBytes: 8}, nil)
	if len(recs) != 2 || string(recs[0].Key) != "k" {
		t.Fatalf("8 bytes: %v", recs)
	}
	if _, _, err := s.Append(t.Context(), new(Batch)); !errors.Is(err, ErrEmpty) {
		t.Fatalf("empty batch: %v", err)
	}
	var big Batch
	big.Add(nil, make([]byte, MaxFrame))
	if _, _, err := s.Append(t.Context(), &big); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("big batch: %v", err)
	}
	big.Reset()
	big.Add([]byte("k"), make([]byte, 10<<20))
	if _, _, err := s.Append(t.Context(), &big); err != nil {
		t.Fatalf("10 MiB: %v", err)
	}
	in, err := s.Info(t.Context())
	if err != nil || in.Records != 5 || in.Bytes != 16+10<<20 && in.Bytes != 5+11+10<<20 || in.End != (Position{4, 0}) || in.Oldest != (Position{1, 0}) {
		t.Fatalf("info %+v, %v", in, err)
	}

	stop(t, l)
	l = start(t, dir, Options{})
	if s, err = l.Shard(t.Context(), "a/0"); err != nil {
		t.Fatal(err)
	}
	recs, next, err := s.Read(t.Context(), Position{3, 0}, ReadOptions{MaxBytes: 1}, nil)
	if err != nil || len(recs) != 1 || len(recs[0].Data) != 10<<20 || next.Frame != 4 {
		t.Fatalf("10 MiB after restart: %d records, %v, %v", len(recs), next, err)
	}
	if again, err := s.Info(t.Context()); err != nil || again != in {
		t.Fatalf("info after restart %+v, %v, want %+v", again, err, in)
	}
}

func TestReserve(t *testing.T) {
	l := start(t, t.TempDir(), Options{})
	s := create(t, l, "a", ShardConfig{})
	var b Batch
	for i := range 300 {
		room := b.Reserve([]byte("key"), 100)
		if len(room) != 100 {
			t.Fatal(len(room))
		}
		if i%3 == 0 {
			b.Commit(-1)
			continue
		}
		b.Commit(copy(room, fmt.Sprint(i)))
	}
	if b.Len() != 200 {
		t.Fatal(b.Len())
	}
	if _, _, err := s.Append(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	got := all(t, s, Position{}, ReadOptions{MaxRecords: 7})
	if len(got) != 200 || got[0] != "1" || got[199] != "299" {
		t.Fatalf("%d: %q", len(got), got)
	}
}

func TestShards(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	l := start(t, dir, Options{})
	long := string(make([]byte, 512))
	names := []string{"A/0", "a/0", "a/1", "a.b/*", "b/>", "поток/щ", long, long[:511] + "x", " "}
	for _, n := range names {
		put(t, create(t, l, n, ShardConfig{}), n)
		if _, err := l.CreateShard(ctx, n, ShardConfig{}); !errors.Is(err, ErrShardExists) {
			t.Errorf("again %q: %v", n, err)
		}
	}
	for _, n := range []string{"", "\xff", long + "x"} {
		if _, err := l.CreateShard(ctx, n, ShardConfig{}); !errors.Is(err, ErrName) {
			t.Errorf("create %q: %v", n, err)
		}
		if _, err := l.Shard(ctx, n); !errors.Is(err, ErrNoShard) {
			t.Errorf("open %q: %v", n, err)
		}
	}
	stop(t, l)
	l = start(t, dir, Options{})
	slices.Sort(names)
	got, err := l.Shards(ctx, "")
	if err != nil || !slices.Equal(got, names) {
		t.Fatalf("Shards: %q, %v", got, err)
	}
	if got, _ := l.Shards(ctx, "a/"); !slices.Equal(got, []string{"a/0", "a/1"}) {
		t.Fatalf("Shards of a/: %q", got)
	}
	for _, n := range names {
		s, err := l.Shard(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, n, all(t, s, Position{}, ReadOptions{}), []string{n})
	}
	s, _ := l.Shard(ctx, "a/0")
	waited := make(chan error)
	go func() { waited <- s.Wait(ctx, Position{2, 0}) }()
	if err := l.DeleteShard(ctx, "a/0"); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, ErrNoShard) {
		t.Errorf("Wait on a deleted shard: %v", err)
	}
	if err := l.DeleteShard(ctx, "a/0"); !errors.Is(err, ErrNoShard) {
		t.Errorf("delete again: %v", err)
	}
	if _, err := l.Shard(ctx, "a/0"); !errors.Is(err, ErrNoShard) {
		t.Errorf("open deleted: %v", err)
	}
	var b Batch
	b.Add(nil, nil)
	if _, _, err := s.Append(ctx, &b); !errors.Is(err, ErrNoShard) {
		t.Errorf("append to deleted: %v", err)
	}
	if _, _, err := s.Read(ctx, Position{}, ReadOptions{}, nil); !errors.Is(err, ErrNoShard) {
		t.Errorf("read deleted: %v", err)
	}
	equal(t, "recreated", all(t, create(t, l, "a/0", ShardConfig{}), Position{}, ReadOptions{}), nil)
}

func TestConcurrentAppends(t *testing.T) {
	ctx := t.Context()
	l := start(t, t.TempDir(), Options{})
	s := create(t, l, "a", ShardConfig{})
	const writers, each = 16, 60
	at := make([][]Position, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			var b Batch
			for i := range each {
				b.Reset()
				n := 1
				if w == 0 {
					n = 1 + rand.IntN(300)
				}
				for j := range n {
					b.Add(fmt.Appendf(nil, "%d", w), fmt.Appendf(nil, "%d.%d.%d", w, i, j))
				}
				c, cancel := context.WithCancel(ctx)
				if w == 1 && i%2 == 0 { // an impatient one
					time.AfterFunc(time.Duration(rand.IntN(1500))*time.Microsecond, cancel)
				}
				p, _, err := s.Append(c, &b)
				cancel()
				if w == 1 && errors.Is(err, context.Canceled) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				for j := range n {
					at[w] = append(at[w], Position{p.Frame, p.Index + uint32(j)})
				}
			}
		})
	}
	done := make(chan struct{})
	var live []string
	go func() { // a reader at the tip sees everything in order
		defer close(done)
		from := Position{}
		for {
			recs, next, err := s.Read(ctx, from, ReadOptions{MaxRecords: 50}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			for _, r := range recs {
				if string(r.Data) == "end" {
					return
				}
				live = append(live, string(r.Data))
			}
			if from = next; len(recs) == 0 {
				if err := s.Wait(ctx, from); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	wg.Wait()
	put(t, s, "end")
	<-done
	got := map[Position]string{}
	var want []string
	recs, _, err := s.Read(ctx, Position{}, ReadOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var last time.Time
	for _, r := range recs[:len(recs)-1] {
		if r.Time.Before(last) {
			t.Errorf("time goes back at %v", r.Position)
		}
		last = r.Time
		got[r.Position] = string(r.Key)
		want = append(want, string(r.Data))
	}
	equal(t, "live", live, want)
	for w, ps := range at {
		for _, p := range ps {
			if got[p] != fmt.Sprint(w) {
				t.Fatalf("%v: %q, want %d", p, got[p], w)
			}
		}
	}
	in, _ := s.Info(ctx)
	if in.Records != uint64(len(recs)) {
		t.Errorf("Info: %d records, want %d", in.Records, len(recs))
	}
	if in.End.Frame > writers*each/2 {
		t.Errorf("%d frames for %d appends: nothing is gathered", in.End.Frame-1, writers*each)
	}
}

func TestSeekTrimAge(t *testing.T) {
	ctx := t.Context()
	begin := time.UnixMilli(1_700_000_000_000).UTC()
	clock := clockwork.NewFakeClockAt(begin)
	dir := t.TempDir()
	l := start(t, dir, Options{Clock: clock})
	s := create(t, l, "a", ShardConfig{})
	const n = 100
	var want []string
	for i := range n {
		if i%7 != 0 { // some frames share a time
			clock.Advance(10 * time.Millisecond)
		}
		_, at := put(t, s, fmt.Sprint(i))
		want = append(want, fmt.Sprint(i))
		if at != clock.Now() {
			t.Fatalf("arrival %v, want %v", at, clock.Now())
		}
	}
	check := func() {
		t.Helper()
		for ms := -20; ms < 900; ms += 5 {
			at := begin.Add(time.Duration(ms)*time.Millisecond - 100)
			p, err := s.Seek(ctx, at)
			if err != nil {
				t.Fatal(err)
			}
			recs, _, err := s.Read(ctx, p, ReadOptions{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(recs) > 0 && recs[0].Time.Before(at) {
				t.Fatalf("%v: record of %v", at, recs[0].Time)
			}
			before, _, _ := s.Read(ctx, Position{}, ReadOptions{MaxRecords: n - len(recs)}, nil)
			if len(recs) < n && len(before) > 0 && !before[len(before)-1].Time.Before(at) {
				t.Fatalf("%v: misses record of %v", at, before[len(before)-1].Time)
			}
		}
	}
	check()
	stop(t, l)
	l = start(t, dir, Options{Clock: clock})
	s, _ = l.Shard(ctx, "a")
	check()

	if err := s.TrimBefore(ctx, Position{11, 5}); err != nil {
		t.Fatal(err)
	}
	equal(t, "trimmed", all(t, s, Position{}, ReadOptions{}), want[10:])
	in, err := s.Info(ctx)
	if err != nil || in.Records != n-10 || in.Oldest != (Position{11, 0}) {
		t.Fatalf("Info: %+v, %v", in, err)
	}

	// The clock steps back: time stands still in the shard until it has caught up.
	end := clock.Now()
	l.clock = clockwork.NewFakeClockAt(end.Add(-time.Hour))
	if _, at := put(t, s, "back"); at != end {
		t.Fatalf("arrival %v, want %v", at, end)
	}
	l.clock = clock
	want = append(want, "back")

	recs, _, _ := s.Read(ctx, Position{50, 0}, ReadOptions{MaxRecords: 1}, nil)
	if err := s.SetMaxAge(ctx, time.Hour); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour - clock.Now().Sub(recs[0].Time))
	equal(t, "aged to the millisecond", all(t, s, Position{}, ReadOptions{})[:1], []string{firstAt(want[:n], 49)})
	clock.Advance(time.Millisecond)
	got := all(t, s, Position{}, ReadOptions{})
	if got[0] <= "49" {
		t.Fatalf("aged: %q", got[0])
	}
	in, _ = s.Info(ctx)
	if in.Records != uint64(len(got)) {
		t.Fatalf("Info %+v, want %d records", in, len(got))
	}
	clock.Advance(time.Hour)
	equal(t, "all aged", all(t, s, Position{}, ReadOptions{}), nil)
	in, _ = s.Info(ctx)
	if in.Records != 0 || in.Oldest != in.End {
		t.Fatalf("Info %+v", in)
	}
	p, _ := put(t, s, "new")
	if p.Frame != n+2 {
		t.Fatalf("position %v", p)
	}
	equal(t, "new", all(t, s, Position{}, ReadOptions{}), []string{"new"})
	if err := s.TrimBefore(ctx, Position{1000, 0}); err != nil {
		t.Fatal(err)
	}
	equal(t, "all trimmed", all(t, s, Position{}, ReadOptions{}), nil)
	stop(t, l)
	l = start(t, dir, Options{Clock: clock})
	s, _ = l.Shard(ctx, "a")
	if p, _ := put(t, s, "newer"); p.Frame != n+3 {
		t.Fatalf("position after all was trimmed %v", p)
	}
	equal(t, "newer", all(t, s, Position{}, ReadOptions{}), []string{"newer"})
}

// firstAt is the first record that has the time of record i: each 7th shares that of the
// one before.
func firstAt(recs []string, i int) string {
	if i%7 == 0 && i > 0 {
		i--
	}
	return recs[i]
}

func TestWait(t *testing.T) {
	ctx := t.Context()
	l := start(t, t.TempDir(), Options{})
	s := create(t, l, "a", ShardConfig{})
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := s.Wait(short, Position{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Wait on an empty shard: %v", err)
	}
	put(t, s, "a", "b")
	for _, p := range []Position{{}, {1, 0}, {1, 1}} {
		if err := s.Wait(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	woke := make(chan error, 3)
	for _, p := range []Position{{1, 2}, {2, 0}, {2, 0}} {
		go func() { woke <- s.Wait(ctx, p) }()
	}
	put(t, s, "c")
	for range 3 {
		if err := <-woke; err != nil {
			t.Fatal(err)
		}
	}
	go func() { woke <- s.Wait(ctx, Position{9, 0}) }()
	l.Close()
	if err := <-woke; !errors.Is(err, ErrClosed) {
		t.Fatalf("Wait at Close: %v", err)
	}
	var b Batch
	b.Add(nil, nil)
	if _, _, err := s.Append(ctx, &b); !errors.Is(err, ErrClosed) {
		t.Fatalf("Append after Close: %v", err)
	}
}

// TestClosedLogHoldsNoFrames: what was read is not kept once the log is closed, whoever still refers to that.
func TestClosedLogHoldsNoFrames(t *testing.T) {
	l := start(t, t.TempDir(), Options{})
	s := create(t, l, "a", ShardConfig{})
	put(t, s, string(make([]byte, 1<<20)))
	if err := s.flushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	all(t, s, Position{}, ReadOptions{})
	if l.cache.bytes < 1<<20 {
		t.Fatalf("%d bytes were cached", l.cache.bytes)
	}
	stop(t, l)
	if l.cache.bytes != 0 || len(l.cache.frames) != 0 || l.cache.recent.Len() != 0 {
		t.Errorf("%d bytes of %d frames are held", l.cache.bytes, len(l.cache.frames))
	}
}
