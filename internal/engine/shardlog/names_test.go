package shardlog

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

// TestCreateAgainstDelete creates and deletes shards of one name at the same time: what the log has then, the next start has.
func TestCreateAgainstDelete(t *testing.T) {
	dir := t.TempDir()
	l := start(t, dir, packOptions(dir))
	for i := range 100 {
		name := fmt.Sprint("s/", i)
		var both sync.WaitGroup
		for range 3 {
			both.Go(func() {
				if _, err := l.CreateShard(t.Context(), name, ShardConfig{}); err != nil && !errors.Is(err, ErrShardExists) {
					t.Error(err)
				}
			})
			both.Go(func() {
				if err := l.DeleteShard(t.Context(), name); err != nil && !errors.Is(err, ErrNoShard) {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	names, err := l.Shards(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		put(t, shardOf(t, l, name), name)
	}
	l, _ = reopen(t, l, dir, packOptions, true)
	after, err := l.Shards(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "shards", after, names)
	for _, name := range names {
		equal(t, name, all(t, shardOf(t, l, name), Position{}, ReadOptions{}), []string{name})
	}
}
