package state

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

func start(t testing.TB, dir string) (*broker.Broker, *Store) {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(dir, "nats")})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); b.Close() })
	return b, s
}

func TestStore(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	b, s := start(t, dir)
	k := Key{"kind", "0", "eu", "a"}
	if _, err := s.Get(k); !errors.Is(err, ErrNotFound) {
		t.Fatalf("Get of none: %v", err)
	}
	if _, err := s.Update(ctx, k, []byte("x"), 1); !errors.Is(err, ErrNotFound) {
		t.Fatalf("Update of none: %v", err)
	}
	if err := s.Delete(ctx, k, 0); !errors.Is(err, ErrNotFound) {
		t.Fatalf("Delete of none: %v", err)
	}
	r1, err := s.Create(ctx, k, []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(ctx, k, []byte("two")); !errors.Is(err, ErrExists) {
		t.Fatalf("second Create: %v", err)
	}
	r2, err := s.Update(ctx, k, []byte("two"), r1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(ctx, k, []byte("three"), r1); !errors.Is(err, ErrConflict) {
		t.Fatalf("Update of an old revision: %v", err)
	}
	if err := s.Delete(ctx, k, r1); !errors.Is(err, ErrConflict) {
		t.Fatalf("Delete of an old revision: %v", err)
	}
	if err := s.Delete(ctx, k, r2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(k); !errors.Is(err, ErrNotFound) {
		t.Fatalf("Get of a deleted one: %v", err)
	}
	if _, err := s.Create(ctx, k, nil); err != nil {
		t.Fatalf("Create after Delete: %v", err)
	}
	s.Close()
	b.Close()
	_, s = start(t, dir)
	d, err := s.Get(k)
	if err != nil || d.Value == nil || len(d.Value) != 0 || !slices.Equal(d.Key, k) {
		t.Fatalf("after restart: %v, %v", d, err)
	}
	if s.Len() != 1 {
		t.Fatalf("%d documents, want 1", s.Len())
	}
}

var awkward = []Key{
	{""}, {"", ""}, {"", "", ""}, {"*"}, {">"}, {"."}, {"a.b"}, {"a", "b"}, {"a", ""}, {"a b"}, {"_"}, {"="}, {"=41"},
	{"ключ", "日本"}, {"a/b"}, {"a\x00b"}, {"a\x00"}, {"a", "\x00"}, {"\xff"}, {"A"}, {"a"}, {"\n"}, {"..", "."}, {"a", "b", "c"},
}

// smallDisk has as much space left as it says.
type smallDisk struct {
	*broker.Broker
	free uint64
}

func (d *smallDisk) Free() (uint64, error) { return d.free, nil }

func TestFull(t *testing.T) {
	ctx := t.Context()
	b, _ := start(t, t.TempDir())
	small := &smallDisk{b, minFree}
	s, err := Open(ctx, small, Options{Bucket: "small"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	k := Key{"kind", "a"}
	rev, err := s.Create(ctx, k, []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	small.free--
	_, created := s.Create(ctx, Key{"kind", "b"}, nil)
	_, put := s.Put(ctx, k, nil)
	_, updated := s.Update(ctx, k, nil, rev)
	for i, err := range []error{created, put, updated, s.Delete(ctx, k, 0)} {
		if !errors.Is(err, ErrFull) {
			t.Errorf("change %d on a full disk: %v", i, err)
		}
	}
	if d, err := s.Get(k); err != nil || string(d.Value) != "one" {
		t.Errorf("%q, %v", d.Value, err)
	}
	small.free++
	if err := s.Delete(ctx, k, rev); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestAwkwardKeys(t *testing.T) {
	dir := t.TempDir()
	b, s := start(t, dir)
	for i, k := range awkward {
		if _, err := s.Create(t.Context(), k, []byte(fmt.Sprint(i))); err != nil {
			t.Fatalf("%q: %v", k, err)
		}
	}
	s.Close()
	b.Close()
	_, s = start(t, dir)
	for i, k := range awkward {
		if d, err := s.Get(k); err != nil || string(d.Value) != fmt.Sprint(i) {
			t.Errorf("%q: %q, %v", k, d.Value, err)
		}
	}
	want := slices.Clone(awkward)
	slices.SortFunc(want, func(a, b Key) int { return slices.Compare(a, b) })
	var got []Key
	for d := range s.List(nil) {
		got = append(got, d.Key)
	}
	if !slices.EqualFunc(got, want, func(a, b Key) bool { return slices.Equal(a, b) }) {
		t.Errorf("List: %q, want %q", got, want)
	}
	got = nil
	for d := range s.List(Key{"a"}) {
		got = append(got, d.Key)
	}
	if len(got) != 5 {
		t.Errorf("List of a: %q", got)
	}
	if _, err := s.Create(t.Context(), Key{}, nil); !errors.Is(err, ErrKey) {
		t.Errorf("no segments: %v", err)
	}
	if err := s.Delete(t.Context(), Key{string(make([]byte, 5000))}, 0); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleting what no key can name: %v", err)
	}
	if _, err := s.Create(t.Context(), Key{string(make([]byte, 5000))}, nil); !errors.Is(err, ErrKey) {
		t.Errorf("long key: %v", err)
	}
}

type counter struct{ N, M int }

func TestModifyConcurrently(t *testing.T) {
	ctx := t.Context()
	b, s := start(t, t.TempDir())
	s2, err := Open(ctx, b, Options{}) // as another node would
	if err != nil {
		t.Fatal(err)
	}
	defer s2.Close()
	if err := NewCollection[counter](s, "c").Create(ctx, &counter{}, "x"); err != nil {
		t.Fatal(err)
	}
	if err := s2.passed(ctx, Key{"none"}, 0, 0); err != nil {
		t.Fatal(err)
	}
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		c := NewCollection[counter]([]*Store{s, s2}[w%2], "c")
		wg.Go(func() {
			for range each {
				for {
					v, err := c.Modify(ctx, func(v *counter) error { v.N++; v.M += 2; return nil }, "x")
					if errors.Is(err, ErrNotFound) { // the other store's first look
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					if got, err := c.Get("x"); err != nil || got.N < v.N {
						t.Errorf("read %v after writing %v: %v", got, v, err)
					}
					break
				}
			}
		})
	}
	wg.Wait()
	if v, _ := NewCollection[counter](s, "c").Get("x"); v.N < writers*each/2 {
		t.Errorf("s holds %v", v)
	}
	v, err := NewCollection[counter](s, "c").Modify(ctx, func(*counter) error { return nil }, "x")
	if err != nil || v.N != writers*each || v.M != 2*v.N {
		t.Errorf("got %v, %v", v, err)
	}
	stop := errors.New("stop")
	if _, err := NewCollection[counter](s, "c").Modify(ctx, func(v *counter) error { v.N = 0; return stop }, "x"); err != stop {
		t.Errorf("Modify: %v", err)
	}
}

func TestReadYourWritesUnderChurn(t *testing.T) {
	ctx := t.Context()
	_, s := start(t, t.TempDir())
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			k := Key{"churn", fmt.Sprint(w)}
			for i := range 50 {
				if _, err := s.Create(ctx, k, []byte(fmt.Sprint(i))); err != nil {
					t.Errorf("create %d: %v", i, err)
					return
				}
				if d, err := s.Get(k); err != nil || string(d.Value) != fmt.Sprint(i) {
					t.Errorf("after create %d: %q, %v", i, d.Value, err)
				}
				if err := s.Delete(ctx, k, 0); err != nil {
					t.Errorf("delete %d: %v", i, err)
				}
				if _, err := s.Get(k); !errors.Is(err, ErrNotFound) {
					t.Errorf("after delete %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	for d := range s.List(nil) {
		t.Errorf("left: %v", d)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.docs) > 4 {
		t.Errorf("%d entries left in memory", len(s.docs))
	}
}

func TestWatch(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, s := start(t, t.TempDir())
	s.Create(ctx, Key{"w", "before"}, []byte("0"))
	events := make(chan Event, 100)
	if err := s.Watch(ctx, Key{"w"}, func(e Event) { events <- e }); err != nil {
		t.Fatal(err)
	}
	rev, _ := s.Create(ctx, Key{"w", "a"}, []byte("1"))
	s.Create(ctx, Key{"v", "a"}, []byte("other"))
	rev, _ = s.Update(ctx, Key{"w", "a"}, []byte("2"), rev)
	s.Delete(ctx, Key{"w", "a"}, rev)
	for i, want := range []string{"1", "2", ""} {
		select {
		case e := <-events:
			if string(e.Value) != want || (e.Value == nil) != (want == "") || e.Key[1] != "a" {
				t.Errorf("event %d: %q %q", i, e.Key, e.Value)
			}
		case <-time.After(time.Minute):
			t.Fatalf("no event %d", i)
		}
	}
	cancel()
	s.Close()
	if len(events) != 0 {
		t.Errorf("event too many: %v", <-events)
	}
	if err := s.Watch(context.Background(), nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Watch after Close: %v", err)
	}
}

// A change is told as made to whoever stops as soon as it shows, as work does whose document goes.
func TestStoppedByItsOwnChange(t *testing.T) {
	_, s := start(t, t.TempDir())
	var stop atomic.Pointer[context.CancelFunc]
	seen := make(chan struct{}, 1)
	if err := s.Watch(t.Context(), Key{"k"}, func(Event) { (*stop.Load())(); seen <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		rev := uint64(0)
		for what, change := range []func(context.Context) error{
			func(ctx context.Context) (err error) { rev, err = s.Create(ctx, Key{"k"}, []byte("a")); return err },
			func(ctx context.Context) (err error) {
				rev, err = s.Update(ctx, Key{"k"}, []byte("b"), rev)
				return err
			},
			func(ctx context.Context) (err error) { rev, err = s.Put(ctx, Key{"k"}, []byte("c")); return err },
			func(ctx context.Context) error { return s.Delete(ctx, Key{"k"}, 0) },
		} {
			ctx, cancel := context.WithCancel(t.Context())
			stop.Store(&cancel)
			if err := change(ctx); err != nil {
				t.Fatalf("round %d, change %d: %v", i, what, err)
			}
			<-seen
			cancel()
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, Key{"k"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a change by a caller who has gone before: %v", err)
	}
}

func TestCollection(t *testing.T) {
	ctx := t.Context()
	_, s := start(t, t.TempDir())
	c := NewCollection[counter](s, "kind")
	for _, n := range []string{"b", "a", "c"} {
		if err := c.Put(ctx, &counter{N: int(n[0])}, "eu", n); err != nil {
			t.Fatal(err)
		}
	}
	c.Put(ctx, &counter{N: 1}, "us", "a")
	NewCollection[counter](s, "kind2").Put(ctx, &counter{}, "eu", "z")
	var got string
	for it, err := range c.List("eu") {
		got += fmt.Sprint(it.Key, it.Value.N)
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := "[eu a] 97[eu b] 98[eu c] 99"; got != want {
		t.Errorf("List: %s, want %s", got, want)
	}
	v1, _ := c.Get("eu", "a")
	if v2, _ := c.Get("eu", "a"); v1 != v2 {
		t.Error("decoded twice")
	}
	if err := c.Delete(ctx, "eu", "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get("eu", "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if err := c.Create(ctx, v1, "eu", "b"); !errors.Is(err, ErrExists) {
		t.Errorf("Create: %v", err)
	}
}

// TestSortKeyInParts: a key is found by its parts as by the whole.
func TestSortKeyInParts(t *testing.T) {
	for _, k := range append(awkward, Key{"kind", strings.Repeat("a", 300), "\x00", "b\x00c\x00\x00", ""}) {
		for i := range len(k) + 1 {
			if got := string(k[i:].appendSort(k[:i].appendSort(nil))); got != k.sortKey() {
				t.Errorf("%q in parts at %d: %q, want %q", k, i, got, k.sortKey())
			}
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, k := range awkward {
		if n, err := k.escape(); err == nil {
			f.Add(n)
		}
	}
	f.Add("=4")
	f.Add("a..b")
	f.Fuzz(func(t *testing.T, name string) {
		k, err := unescape(name)
		if err != nil {
			return
		}
		if back, err := k.escape(); err != nil && len(name) <= maxKey || err == nil && back != name {
			t.Errorf("%q: %q: %q, %v", name, k, back, err)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	const n = 100_000
	br, s := start(b, b.TempDir())
	js := br.JetStream()
	for i := range n {
		if i%2000 == 0 {
			<-js.PublishAsyncComplete()
		}
		name, _ := Key{"kinesis.stream", "000000000000", "eu-west-1", fmt.Sprint(i)}.escape()
		if _, err := js.PublishAsync("$KV.state."+name, make([]byte, 300)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	s.Close()
	for b.Loop() {
		s, err := Open(b.Context(), br, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if s.Len() != n {
			b.Fatal(s.Len())
		}
		s.Close()
	}
}

func BenchmarkGet(b *testing.B) {
	_, s := start(b, b.TempDir())
	c := NewCollection[counter](s, "kind")
	c.Put(b.Context(), &counter{}, "0", "eu", "a")
	for b.Loop() {
		if _, err := c.Get("0", "eu", "a"); err != nil {
			b.Fatal(err)
		}
	}
}
