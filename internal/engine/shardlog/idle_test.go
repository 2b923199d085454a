//go:build unix

package shardlog

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// TestManyShards measures what idle shards cost: without records, and with some each.
// SHARDLOG_MANY is how many.
func TestManyShards(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("SHARDLOG_MANY"))
	if err != nil {
		t.Skip("SHARDLOG_MANY is not set")
	}
	dir := t.TempDir()
	l := start(t, dir, Options{})
	name := func(i int) string { return fmt.Sprint("stream/", i) }
	each := func(do func(name string) error) {
		t.Helper()
		var g errgroup.Group
		g.SetLimit(8)
		for i := range n {
			g.Go(func() error { return do(name(i)) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	open := func() {
		t.Helper()
		stop(t, l)
		runtime.GC()
		began := time.Now()
		l = start(t, dir, Options{})
		report(t, "started", began)
	}
	idle := func() {
		t.Helper()
		time.Sleep(12 * time.Second) // the store drops its buffers after ten
		before, began := cpuTime(t), time.Now()
		time.Sleep(5 * time.Second)
		t.Logf("idle: %.1f %% of a core", 100*(cpuTime(t)-before).Seconds()/time.Since(began).Seconds())
		report(t, "idle", began)
	}
	began := time.Now()
	report(t, "before", began)
	each(func(name string) error {
		_, err := l.CreateShard(t.Context(), name, ShardConfig{MaxAge: 24 * time.Hour})
		return err
	})
	report(t, "made", began)
	idle()
	open()
	began = time.Now()
	each(func(name string) error {
		s, err := l.Shard(t.Context(), name)
		if err != nil {
			return err
		}
		var b Batch
		b.Add(nil, []byte("a"))
		_, _, err = s.Append(t.Context(), &b)
		return err
	})
	report(t, "one record each", began)
	began = time.Now()
	stop(t, l)
	report(t, "closed", began)
	l = start(t, dir, Options{})
	report(t, "started", began)
	began = time.Now()
	for i := range n {
		s, err := l.Shard(t.Context(), name(i))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, s.name, all(t, s, Position{}, ReadOptions{}), []string{"a"})
	}
	report(t, "read", began)
	idle()
}

// cpuTime is what the process has used.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func report(t *testing.T, what string, began time.Time) {
	took := time.Since(began)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%s: %v, heap %d MB, %d goroutines", what, took.Round(time.Millisecond), m.HeapAlloc>>20, runtime.NumGoroutine())
}
