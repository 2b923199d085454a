package shardlog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

var errDisk = errors.New("input/output error")

// faulty is a broker whose disk fails, or does not answer.
type faulty struct {
	*broker.Broker

	mu    sync.Mutex
	fails map[string]int // what is asked of the disk, and how often it fails
	full  bool
	stuck chan struct{} // syncs of streams wait for its end
}

func (f *faulty) fail(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails[what] == 0 {
		return nil
	}
	f.fails[what]--
	return errDisk
}

func (f *faulty) set(what string, times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails[what] = times
}

func (f *faulty) Store(stream string, seq uint64, done func(error)) {
	if err := f.fail("store " + stream); err != nil {
		go done(err)
		return
	}
	f.Broker.Store(stream, seq, done)
}

func (f *faulty) Sync(stream string) error {
	if err := f.fail("sync " + stream); err != nil {
		return err
	}
	return f.Broker.Sync(stream)
}

func (f *faulty) SyncAppended(streams []string) error {
	<-f.stuck
	return f.Broker.SyncAppended(streams)
}

func (f *faulty) Free() (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		return 0, nil
	}
	return 1 << 40, nil
}

// startFaulty opens a log on a faulty disk, which answers until the test says otherwise. It has shards with streams of these
// names.
func startFaulty(t *testing.T, o Options, streams ...string) (*Log, *faulty) {
	t.Helper()
	dir := t.TempDir()
	o.Journal = broker.AppendsDir(filepath.Join(dir, "nats"))
	f := &faulty{Broker: startBroker(t, dir), fails: map[string]int{}, stuck: make(chan struct{})}
	makeStreams(t, f.Broker, streams...)
	l, err := Open(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	t.Cleanup(func() {
		once.Do(func() {
			select {
			case <-f.stuck:
			default:
				close(f.stuck)
			}
		})
		l.Close()
		f.Broker.Close()
	})
	return l, f
}

// outcome waits for an append that must end.
func outcome(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("an append does not end")
		return nil
	}
}

// TestStuck fills the journal of a log whose streams are not synced. An append that waits for
// room ends with its context, and when the disk turns out to be full; when there is room, they
// go on.
func TestStuck(t *testing.T) {
	l, f := startFaulty(t, Options{SegmentBytes: 16 << 10}, "s")
	s := shardOf(t, l, "s")
	try := func(ctx context.Context) <-chan error {
		done := make(chan error, 1)
		go func() {
			var b Batch
			b.Add([]byte("k"), make([]byte, 20<<10))
			_, _, err := s.Append(ctx, &b)
			done <- err
		}()
		return done
	}
	for n := 0; ; n++ {
		if wait, err := l.front.j.Room(); err != nil || n > 10_000 {
			t.Fatalf("after %d appends: %v", n, err)
		} else if wait != nil {
			break
		}
		// One at a time: when it is done, there may be no room for the next.
		if err := outcome(t, try(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits := try(ctx)
	cancel()
	if err := outcome(t, waits); !errors.Is(err, context.Canceled) {
		t.Errorf("an append without room whose context ended: %v", err)
	}
	waits = try(t.Context())
	f.mu.Lock()
	f.full = true
	f.mu.Unlock()
	if err := outcome(t, waits); !errors.Is(err, ErrFull) {
		t.Errorf("an append without room on a full disk: %v", err)
	}
	f.mu.Lock()
	f.full = false
	f.mu.Unlock()
	waits = try(t.Context())
	close(f.stuck)
	if err := outcome(t, waits); err != nil {
		t.Errorf("an append when there is room again: %v", err)
	}
}

// TestHalfMade lets the sync fail after a shard's entry was written to the catalog: the shard
// can be opened, or deleted and made again, without a restart.
func TestHalfMade(t *testing.T) {
	ctx := t.Context()
	l, f := startFaulty(t, Options{})
	close(f.stuck)
	half := func(name string) {
		t.Helper()
		f.set("store KV_"+catalogBucket, 1)
		if _, err := l.CreateShard(ctx, name, ShardConfig{}); !errors.Is(err, errDisk) {
			t.Fatalf("a creation that is not durable: %v", err)
		}
	}
	use := func(name string) {
		t.Helper()
		s, err := l.Shard(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, "x")
		if got := all(t, s, Position{}, ReadOptions{}); !slices.Equal(got, []string{"x"}) {
			t.Errorf("%s holds %q", name, got)
		}
	}
	half("opened")
	use("opened")
	half("created")
	if _, err := l.CreateShard(ctx, "created", ShardConfig{}); !errors.Is(err, ErrShardExists) {
		t.Errorf("another creation: %v", err)
	}
	use("created")
	half("deleted")
	if err := l.DeleteShard(ctx, "deleted"); err != nil {
		t.Error(err)
	}
	if _, err := l.Shard(ctx, "deleted"); !errors.Is(err, ErrNoShard) {
		t.Errorf("a deleted shard: %v", err)
	}
	if _, err := l.CreateShard(ctx, "deleted", ShardConfig{}); err != nil {
		t.Error(err)
	}
	use("deleted")
	if names, err := l.Shards(ctx, ""); err != nil || len(names) != 3 {
		t.Errorf("shards %q, %v", names, err)
	}
}

// TestHalfDeleted lets the sync fail after the entry of a shard was removed from the catalog: it
// is put back, or the shard takes nothing that the next start would not find.
func TestHalfDeleted(t *testing.T) {
	ctx := t.Context()
	for _, back := range []bool{true, false} {
		l, f := startFaulty(t, Options{})
		close(f.stuck)
		s := create(t, l, "s", ShardConfig{})
		put(t, s, "before")
		f.set("sync KV_"+catalogBucket, 1)
		if !back {
			f.set("store KV_"+catalogBucket, 1)
		}
		if err := l.DeleteShard(ctx, "s"); !errors.Is(err, errDisk) {
			t.Fatalf("a deletion that is not durable: %v", err)
		}
		f.set("store KV_"+catalogBucket, 0)
		var b Batch
		b.Add([]byte("k"), []byte("behind"))
		if _, _, err := s.Append(ctx, &b); (err == nil) != back {
			t.Errorf("an append to a shard that is half deleted, its entry back %v: %v", back, err)
		}
		if back {
			if e, err := l.catalog.kv.Get(ctx, s.stream); err != nil {
				t.Error(err)
			} else if err := l.listed(e.Key(), e.Value()); err != nil {
				t.Error(err)
			}
		}
		if err := l.DeleteShard(ctx, "s"); err != nil {
			t.Fatal(err)
		}
		put(t, create(t, l, "s", ShardConfig{}), "again")
	}
}

// TestLeaving has much under way to the streams: that is no reason to let small frames go too.
func TestLeaving(t *testing.T) {
	l, f := startFaulty(t, Options{})
	close(f.stuck)
	for i := range 3 {
		put(t, create(t, l, fmt.Sprint("s/", i), ShardConfig{}), "x")
	}
	large := create(t, l, "large", ShardConfig{})
	large.mu.Lock()
	under := &sealedFrame{sent: &sent{shard: large, header: header{length: easeHeld * 9 / 8}}}
	large.flushing = true // by the test
	large.sealed = append(large.sealed, under)
	large.mu.Unlock()
	l.front.note(large)
	l.front.held.Add(int64(under.header.length))
	l.front.sealDue()
	for i := range 3 {
		s, err := l.Shard(t.Context(), fmt.Sprint("s/", i))
		if err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		if len(s.growing) != 1 || s.growing[0].full {
			t.Errorf("%s was sealed", s.name)
		}
		s.mu.Unlock()
	}
	l.front.held.Add(-int64(under.header.length))
	l.front.forget(large)
	large.mu.Lock()
	large.flushing, large.sealed = false, nil
	large.mu.Unlock()
}
