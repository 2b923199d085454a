package shardlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// two opens two logs over one broker, as two nodes would.
func two(t *testing.T) (a, b *Log) {
	t.Helper()
	o := Options{Shared: true}
	a = start(t, t.TempDir(), o)
	b, err := Open(t.Context(), a.broker, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return a, b
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not seen: " + what)
		}
	}
}

// TestTwoCreateOneShard has two logs make a shard of one name at once: one of them does.
func TestTwoCreateOneShard(t *testing.T) {
	a, b := two(t)
	for i := range 20 {
		name := fmt.Sprintf("race/%d", i)
		var errs [2]error
		var wg sync.WaitGroup
		for j, l := range []*Log{a, b} {
			wg.Go(func() { _, errs[j] = l.CreateShard(t.Context(), name, ShardConfig{MaxAge: time.Hour}) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[:]...), ErrShardExists) {
			t.Fatalf("%s: %v, %v", name, errs[0], errs[1])
		}
		for _, l := range []*Log{a, b} {
			if _, err := l.Shard(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSharedShards has each log see the shards that the other makes and removes.
func TestSharedShards(t *testing.T) {
	a, b := two(t)
	ctx := t.Context()
	names := func(l *Log) string {
		got, err := l.Shards(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(got)
	}
	create(t, a, "x", ShardConfig{})
	eventually(t, "a shard that the other made", func() bool { return names(b) == "[x]" })
	s, err := b.Shard(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() { waiting <- s.Wait(ctx, Position{1, 0}) }()
	if err := a.DeleteShard(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; !errors.Is(err, ErrNoShard) {
		t.Errorf("Wait: %v", err)
	}
	eventually(t, "a shard that the other removed", func() bool { return names(b) == "[]" })
	create(t, a, "x", ShardConfig{})
	put(t, must(a.Shard(ctx, "x")), "new")
	eventually(t, "a shard that was made again", func() bool { return names(b) == "[x]" })
	equal(t, "the new one", all(t, must(b.Shard(ctx, "x")), Position{}, ReadOptions{}), []string{"new"})
}

func must(s *Shard, err error) *Shard {
	if err != nil {
		panic(err)
	}
	return s
}

// TestSharedAppends has two logs append to one shard and read it, by turns and at once.
func TestSharedAppends(t *testing.T) {
	a, b := two(t)
	sa := create(t, a, "s", ShardConfig{})
	sb := must(b.Shard(t.Context(), "s"))
	var want []string
	for i := range 10 {
		s, other := sa, sb
		if i%2 == 1 {
			s, other = sb, sa
		}
		r := fmt.Sprintf("turn-%d", i)
		end, err := other.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error, 1)
		go func() { waiting <- other.Wait(t.Context(), end.End) }()
		put(t, s, r)
		want = append(want, r)
		if err := <-waiting; err != nil {
			t.Fatal(err)
		}
		equal(t, "the other's turn", all(t, other, Position{}, ReadOptions{}), want)
		if rest, err := other.Backlog(t.Context(), Position{}); err != nil || rest.Records != uint64(len(want)) {
			t.Fatalf("%+v, %v", rest, err)
		}
	}
	const each = 50
	var mu sync.Mutex
	positions := map[Position]string{}
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for w, s := range []*Shard{sa, sb} {
		wg.Go(func() {
			for i := range each {
				var batch Batch
				r := fmt.Sprintf("%d-%d", w, i)
				batch.Add(nil, []byte(r))
				p, _, err := s.Append(ctx, &batch)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if was, taken := positions[p]; taken {
					t.Errorf("%s and %s are both at %v", was, r, p)
				}
				positions[p] = r
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, s := range []*Shard{sa, sb} {
		seen := map[string]int{}
		for at, end := (Position{}), false; !end; {
			recs, next, err := s.Read(ctx, at, ReadOptions{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range recs {
				seen[string(r.Data)]++
				if p, ok := positions[r.Position]; ok && p != string(r.Data) {
					t.Errorf("%q is at %v, where %q was acknowledged", r.Data, r.Position, p)
				}
			}
			end, at = len(recs) == 0, next
		}
		if len(seen) != 10+2*each {
			t.Errorf("%d records, want %d", len(seen), 10+2*each)
		}
		for r, n := range seen {
			if n != 1 {
				t.Errorf("%s is there %d times", r, n)
			}
		}
	}
}

// TestSharedReadBesideAppends reads what another log has appended before, while an append of the reader's own log is not
// over yet: it is not the end of the shard.
func TestSharedReadBesideAppends(t *testing.T) {
	a, b := two(t)
	s := create(t, a, "s", ShardConfig{})
	put(t, s, "0")
	other, err := b.Shard(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	put(t, other, "1")
	s.mu.Lock()
	s.recovering = true // as it is for a moment after who appended has been told
	s.mu.Unlock()
	time.AfterFunc(50*time.Millisecond, func() {
		s.mu.Lock()
		s.recovering = false
		s.mu.Unlock()
	})
	records, _, err := s.Read(t.Context(), Position{2, 0}, ReadOptions{}, nil)
	if err != nil || len(records) != 1 || string(records[0].Data) != "1" {
		t.Fatalf("read %v, %v", records, err)
	}
}
