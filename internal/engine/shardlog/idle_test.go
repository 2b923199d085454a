package shardlog

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// TestManyShards measures what idle shards cost. SHARDLOG_MANY is how many.
func TestManyShards(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("SHARDLOG_MANY"))
	if err != nil {
		t.Skip("SHARDLOG_MANY is not set")
	}
	dir := t.TempDir()
	l := start(t, dir, Options{})
	began := time.Now()
	for i := range n {
		put(t, create(t, l, fmt.Sprint("stream/", i), ShardConfig{MaxAge: 24 * time.Hour}), "a")
	}
	report(t, "made", began)
	time.Sleep(12 * time.Second) // the store drops its buffers after ten
	report(t, "idle", began)
	stop(t, l)
	runtime.GC()
	began = time.Now()
	l = start(t, dir, Options{})
	report(t, "started", began)
	began = time.Now()
	for i := range n {
		s, err := l.Shard(t.Context(), fmt.Sprint("stream/", i))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, s.name, all(t, s, Position{}, ReadOptions{}), []string{"a"})
	}
	report(t, "read", began)
	time.Sleep(12 * time.Second)
	report(t, "idle", began)
}

func report(t *testing.T, what string, began time.Time) {
	took := time.Since(began)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%s: %v, heap %d MB, %d goroutines", what, took.Round(time.Millisecond), m.HeapAlloc>>20, runtime.NumGoroutine())
}
