package shardreader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func texts(records []record) (all []string) {
	for _, r := range records {
		all = append(all, r.text)
	}
	return all
}

// all polls until there is surely nothing more.
func all(t *testing.T, r *Reader[record]) (got []string) {
	t.Helper()
	for range 10000 {
		switch b, found := r.Poll(t.Context(), true); found {
		case Records:
			got = append(got, texts(b.Records)...)
		case Nothing:
			return got
		case Failing:
			if err := r.Pause(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("no end")
	return nil
}

func numbers(shard string, from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("%s/%d", shard, i))
	}
	return all
}

func want(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a")
		f.put("a", 3)
		f.split([]string{"b", "c"}, "a")
		f.put("b", 2)
		time.Sleep(time.Minute)
		middle := time.Now()
		f.put("b", 2)
		for _, test := range []struct {
			start Start
			want  []string
		}{
			{Start{}, append(numbers("a", 0, 3), numbers("b", 0, 4)...)},
			{Start{Kind: AtTime, Time: middle}, numbers("b", 2, 4)},
			{Start{Kind: Latest}, nil},
		} {
			time.Sleep(time.Second)
			r := New(f, nil, Options{Start: test.start})
			want(t, fmt.Sprint(test.start.Kind), all(t, r), test.want)
			p := r.Position()
			r.Close()
			if test.start.Kind == Latest { // it is there although nothing was ever read of the shard
				f.put("c", 1)
				again := New(f, p, Options{})
				want(t, "restarted", all(t, again), numbers("c", 0, 1))
				again.Close()
			}
		}
	})
}

func TestChildrenAfterTheirParents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a", "b")
		f.put("a", 12)
		f.put("b", 3)
		f.split([]string{"c"}, "a", "b")
		f.put("c", 4)
		f.split([]string{"d", "e"}, "c")
		f.put("d", 1)
		f.put("e", 1)
		r := New(f, nil, Options{})
		got := all(t, r)
		at := func(text string) int { return slices.Index(got, text) }
		if len(got) != 21 || at("c/0") < at("a/11") || at("c/0") < at("b/2") || at("d/0") < at("c/3") || at("e/0") < at("c/3") {
			t.Errorf("got %v", got)
		}
		r.Close()
	})
}

func TestLossIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a")
		f.put("a", 10)
		var lost []string
		o := Options{Events: Events{Lost: func(s string) { lost = append(lost, s) }}}
		r := New(f, nil, o)
		b, _ := r.Poll(t.Context(), true)
		want(t, "first", texts(b.Records), numbers("a", 0, 5))
		p := r.Position()
		r.Close()
		f.shards[0].first = 5
		r = New(f, p, o)
		want(t, "the last one is gone", all(t, r), numbers("a", 5, 10))
		want(t, "lost", lost, []string{"a"}) // one cannot know that nothing was between
		p, lost = r.Position(), nil
		r.Close()
		f.put("a", 2)
		r = New(f, p, o)
		want(t, "the last one is there", all(t, r), numbers("a", 10, 12))
		want(t, "lost", lost, nil)
		r.Close()
	})
}

func TestRecreatedStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a")
		f.put("a", 3)
		var recreated string
		r := New(f, nil, Options{Start: Start{Kind: Latest}, Events: Events{Recreated: func(id string) { recreated = id }}})
		want(t, "before", all(t, r), nil)
		f.mu.Lock()
		f.id, f.shards = "2", []*fakeShard{{ShardInfo: ShardInfo{ID: "a"}}}
		f.mu.Unlock()
		f.put("a", 2)
		b, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want(t, "after", texts(b.Records), numbers("a", 0, 2))
		if recreated != "2" {
			t.Errorf("recreated %q", recreated)
		}
		r.Close()
	})
}

func TestExpiredIteratorsAndFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a")
		f.put("a", 2)
		f.expires = time.Minute
		var failed []string
		r := New(f, nil, Options{Events: Events{Failed: func(s string, err error, n int, _ time.Duration) {
			failed = append(failed, fmt.Sprintf("%s %d", s, n))
		}}})
		want(t, "first", all(t, r), numbers("a", 0, 2))
		time.Sleep(time.Hour)
		f.put("a", 1)
		want(t, "after an expiry", all(t, r), numbers("a", 2, 3))
		f.broken = apiError("ProvisionedThroughputExceededException")
		r.look = time.Now().Add(time.Hour)
		time.Sleep(time.Second)
		if _, found := r.Poll(t.Context(), false); found != Failing || len(failed) != 0 {
			t.Errorf("throttled: %v, %v", found, failed)
		}
		time.Sleep(time.Second)
		f.broken = errors.New("no")
		for range 3 {
			r.Poll(t.Context(), true)
			time.Sleep(10 * time.Second)
		}
		want(t, "failures", failed, []string{" 1", "a 2", " 2", " 3"})
		f.broken = nil
		f.put("a", 1)
		want(t, "mended", all(t, r), numbers("a", 3, 4))
		r.Close()
	})
}

// A shard that cannot be read for a while may have fallen behind: Lag counts that time, and no single throttled read.
func TestLagCountsTheTimeOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a")
		f.put("a", 2)
		r := New(f, nil, Options{})
		defer r.Close()
		want(t, "first", all(t, r), numbers("a", 0, 2))
		if lag := r.Lag(); lag != 0 {
			t.Errorf("at the tip the lag is %v", lag)
		}
		f.broken = apiError("ProvisionedThroughputExceededException")
		r.look = time.Now().Add(time.Hour)
		begun := time.Now()
		for n := range 8 {
			time.Sleep(10 * time.Second)
			r.Poll(t.Context(), true)
			if lag := r.Lag(); n+1 < tellFailing && lag != 0 {
				t.Errorf("after %d throttled reads the lag is %v", n+1, lag)
			} else if n+1 >= tellFailing && (lag < time.Since(begun) || lag > time.Since(begun)+5*time.Second) {
				t.Errorf("after %v without a read the lag is %v", time.Since(begun), lag)
			}
		}
		f.broken = nil
		time.Sleep(10 * time.Second)
		f.put("a", 1)
		want(t, "mended", all(t, r), numbers("a", 2, 3))
		if lag := r.Lag(); lag != 0 {
			t.Errorf("at the tip again the lag is %v", lag)
		}
	})
}

func TestArrivalWithoutPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a", "b")
		r := New[record](telling{f}, nil, Options{ToldWait: time.Hour, LookWait: time.Hour})
		go func() { time.Sleep(time.Minute); f.put("b", 1) }()
		began := time.Now()
		b, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want(t, "b", texts(b.Records), numbers("b", 0, 1))
		if d := time.Since(began); d > time.Minute+50*time.Millisecond || f.reads > 4 {
			t.Errorf("after %v and %d reads", d, f.reads)
		}
		r.Close()
	})
}

func TestOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a", "b")
		f.put("a", 1)
		f.put("b", 1)
		f.split([]string{"c"}, "a")
		f.put("c", 1)
		r := New(f, nil, Options{Only: func(s string) bool { return s == "a" }})
		want(t, "a and c", all(t, r), []string{"a/0", "c/0"})
		f.split([]string{"d"}, "c")
		f.put("d", 1)
		f.put("b", 1)
		want(t, "d", all(t, r), []string{"d/0"})
		r.Close()
	})
}

// memoryStore keeps a position as JSON.
type memoryStore struct {
	mu    sync.Mutex
	text  []byte
	saves int
	err   error
}

func (m *memoryStore) Load(context.Context) (*Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.text == nil {
		return nil, nil
	}
	p := new(Position)
	return p, json.Unmarshal(m.text, p)
}

func (m *memoryStore) Save(_ context.Context, p *Position) (err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.saves++
	m.text, err = json.Marshal(p)
	return err
}

// collector is what functions of Run have seen.
type collector struct {
	mu  sync.Mutex
	got []string
}

func (c *collector) read(l Limits) func(context.Context, *Shard[record]) error {
	return func(ctx context.Context, s *Shard[record]) error {
		for {
			records, err := s.Next(ctx, l)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			c.mu.Lock()
			c.got = append(c.got, texts(records)...)
			c.mu.Unlock()
			if err := s.CommitTo(ctx, s.Place()); err != nil {
				return err
			}
		}
	}
}

func (c *collector) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.got
	c.got = nil
	return got
}

func TestRunToTheTip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, store := newFake("a"), new(memoryStore)
		f.put("a", 12)
		f.split([]string{"b"}, "a")
		f.put("b", 3)
		c := new(collector)
		for range 2 {
			r := New(f, nil, Options{})
			if err := r.Run(t.Context(), store, Tip, c.read(Limits{})); err != nil {
				t.Fatal(err)
			}
			r.Close()
		}
		want(t, "once", c.take(), append(numbers("a", 0, 12), numbers("b", 0, 3)...))
		f.put("b", 1)
		r := New(f, nil, Options{})
		if err := r.Run(t.Context(), store, Tip, c.read(Limits{})); err != nil {
			t.Fatal(err)
		}
		r.Close()
		want(t, "the rest", c.take(), numbers("b", 3, 4))
	})
}

func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a", "b")
		f.put("a", 1)
		no := errors.New("no")
		r := New(f, nil, Options{})
		err := r.Run(t.Context(), nil, Forever, func(ctx context.Context, s *Shard[record]) error {
			if s.ID == "a" {
				return no
			}
			_, err := s.Next(ctx, Limits{})
			return err
		})
		if !errors.Is(err, no) {
			t.Errorf("Run: %v", err)
		}
		r.Close()
		store := &memoryStore{err: errors.New("full")}
		r = New(f, nil, Options{})
		if err := r.Run(t.Context(), store, Forever, new(collector).read(Limits{})); !errors.Is(err, store.err) {
			t.Errorf("Run: %v", err)
		}
		r.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r = New(f, nil, Options{})
		if err := r.Run(ctx, nil, Forever, new(collector).read(Limits{})); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run: %v", err)
		}
		r.Close()
	})
}

// TestCaughtUp asks for the rest of a shard, and loses nothing of what it finds.
func TestCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a")
		f.put("a", 7)
		r := New(f, nil, Options{})
		defer r.Close()
		began := time.Now()
		var got []string
		next := func(ctx context.Context, s *Shard[record]) {
			records, err := s.Next(ctx, Limits{Records: 3})
			if err != nil {
				t.Error(err)
			}
			got = append(got, texts(records)...)
		}
		streams := 0
		err := r.Run(t.Context(), nil, Forever, func(ctx context.Context, s *Shard[record]) error {
			if streams++; streams == 2 { // it is that of another stream
				return io.ErrClosedPipe
			}
			for n, want := range []bool{false, false, true} { // three are returned, and two, and two: of two pages
				next(ctx, s)
				if up, err := s.CaughtUp(ctx); up != want || err != nil {
					t.Errorf("after batch %d: %v, %v", n, up, err)
				}
			}
			f.put("a", 1)
			if up, err := s.CaughtUp(ctx); up || err != nil {
				t.Errorf("with one more: %v, %v", up, err)
			}
			next(ctx, s)
			f.mu.Lock()
			f.id, f.shards = "2", []*fakeShard{{ShardInfo: ShardInfo{ID: "a"}}}
			f.mu.Unlock()
			for range 1000 {
				if _, err := s.CaughtUp(ctx); err != nil {
					return err
				}
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
		want(t, "batches", got, numbers("a", 0, 8))
		if !errors.Is(err, io.ErrClosedPipe) || time.Since(began) > 10*time.Second {
			t.Errorf("the new stream is read after %s: %v", time.Since(began), err)
		}
	})
}

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a")
		f.put("a", 12)
		for _, test := range []struct {
			l    Limits
			want []int
		}{
			{Limits{}, []int{5, 5, 2}},
			{Limits{Records: 4}, []int{4, 1, 4, 1, 2}},
			{Limits{Records: 4, Window: time.Minute}, []int{4, 4, 4}},
			{Limits{Window: time.Minute}, []int{12}},
			{Limits{Bytes: 7, Window: time.Minute}, []int{2, 2, 2, 2, 2, 1, 1}},
		} {
			var sizes []int
			r := New(f, nil, Options{})
			err := r.Run(t.Context(), nil, Tip, func(ctx context.Context, s *Shard[record]) error {
				for {
					records, err := s.Next(ctx, test.l)
					if errors.Is(err, io.EOF) {
						return nil
					} else if err != nil {
						return err
					}
					sizes = append(sizes, len(records))
				}
			})
			r.Close()
			if err != nil || !slices.Equal(sizes, test.want) {
				t.Errorf("%+v: %v, %v; want %v", test.l, sizes, err, test.want)
			}
		}
	})
}

// TestWindow gathers for the time of a window and no longer.
func TestWindow(t *testing.T) {
	for _, push := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake("a")
			var s Stream[record] = f
			if push {
				s = pushing{f}
			}
			r := New(s, nil, Options{})
			ctx, cancel := context.WithCancel(t.Context())
			began := time.Now()
			go func() {
				for range 4 {
					time.Sleep(10 * time.Second)
					f.put("a", 1)
				}
			}()
			r.Run(ctx, nil, Forever, func(ctx context.Context, s *Shard[record]) error {
				defer cancel()
				records, err := s.Next(ctx, Limits{Window: 25 * time.Second})
				want(t, "batch", texts(records), numbers("a", 0, 3))
				if d := time.Since(began); err != nil || d < 34*time.Second || d > 37*time.Second {
					t.Errorf("after %v: %v", d, err)
				}
				records, err = s.Next(ctx, Limits{})
				want(t, "next", texts(records), numbers("a", 3, 4))
				return err
			})
			r.Close()
		})
	}
}

// TestRunRandom reshards, restarts, deletes and pushes at random: every record is seen, in
// its order, a child's after its parents', and again only what was not committed.
func TestRunRandom(t *testing.T) {
	for seed := range uint64(21) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			f, store := newFake("a0", "b0"), new(memoryStore)
			f.batch = 1 + rnd.IntN(6)
			var s Stream[record] = f
			switch seed % 3 {
			case 1:
				s = telling{f}
			case 2:
				s = pushing{f}
			}
			f.expires = 3 * time.Second
			var mu sync.Mutex
			last := map[string]int{} // shard -> number of the last record seen
			done := map[string]int{} // and committed
			put := map[string]int{}
			read := func(ctx context.Context, s *Shard[record]) error {
				for n := 0; ; n++ {
					records, err := s.Next(ctx, Limits{Records: 3})
					if err != nil && !errors.Is(err, io.EOF) {
						return err
					}
					mu.Lock()
					for _, r := range records {
						shard, number, _ := strings.Cut(r.text, "/")
						var k int
						fmt.Sscan(number, &k)
						if k > last[shard] || k < done[shard] {
							t.Errorf("seed %d: %s comes after %d, %d committed", seed, r.text, last[shard], done[shard])
						}
						last[shard] = k + 1
						f.mu.Lock()
						parents := f.shard(shard).Parents
						f.mu.Unlock()
						for _, p := range parents {
							if done[p] < put[p] {
								t.Errorf("seed %d: %s before the end of %s (%d of %d)", seed, r.text, p, done[p], put[p])
							}
						}
					}
					at := last[s.ID]
					mu.Unlock()
					if n%2 == 1 && err == nil {
						continue // two at a time are committed
					}
					if err := s.CommitTo(ctx, s.Place()); err != nil {
						return err
					}
					mu.Lock()
					done[s.ID] = at
					mu.Unlock()
					if err != nil {
						return nil
					}
				}
			}
			open := []string{"a0", "b0"}
			next := 1
			for range 60 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(4000))*time.Millisecond)
				mu.Lock()
				for shard := range last { // what was not committed is read again
					last[shard] = max(last[shard], done[shard])
				}
				mu.Unlock()
				ran := make(chan struct{})
				r := New(s, nil, Options{LookWait: 2 * time.Second})
				go func() { defer close(ran); r.Run(ctx, store, Forever, read) }()
				for range rnd.IntN(5) {
					time.Sleep(time.Duration(rnd.IntN(500)) * time.Millisecond)
					i := rnd.IntN(len(open))
					if rnd.IntN(6) == 0 {
						child := fmt.Sprintf("%c%d", open[i][0], next)
						next++
						f.split([]string{child}, open[i])
						open[i] = child
						continue
					}
					mu.Lock()
					n := 1 + rnd.IntN(9)
					put[open[i]] += n
					f.put(open[i], n)
					mu.Unlock()
				}
				<-ran
				cancel()
				r.Close()
			}
			r := New[record](f, nil, Options{})
			if err := r.Run(t.Context(), store, Tip, read); err != nil {
				t.Error(err)
			}
			r.Close()
			for shard, n := range put {
				if last[shard] != n {
					t.Errorf("seed %d: %s: %d of %d seen", seed, shard, last[shard], n)
				}
			}
		})
	}
}

// TestBudget reads large records of many shards: about MaxBytes are in the hands of the
// functions.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		for i := range 20 {
			id := fmt.Sprintf("s%02d", i)
			f.shards = append(f.shards, &fakeShard{ShardInfo: ShardInfo{ID: id, Closed: true}})
			f.put(id, 30)
		}
		f.batch = 10 // 60 bytes
		var mu sync.Mutex
		var now, most int
		r := New(f, nil, Options{ReadBytes: 60, MaxBytes: 300})
		err := r.Run(t.Context(), nil, Tip, func(ctx context.Context, s *Shard[record]) error {
			for {
				records, err := s.Next(ctx, Limits{})
				if errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return err
				}
				size := 0
				for _, r := range records {
					size += len(r.text)
				}
				mu.Lock()
				now += size
				most = max(most, now)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				now -= size
				mu.Unlock()
			}
		})
		if err != nil || most > 330 || most < 200 {
			t.Errorf("%d bytes at most, %v", most, err)
		}
		r.Close()
	})
}
