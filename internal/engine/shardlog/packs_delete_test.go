package shardlog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestDeletedShardStaysDeleted trims a shard, and changes its retention, after it was deleted, as one does whose work on it
// ends late: it has no entry in the catalog then, that would be found at the next start, and one of the
// same name keeps its own.
func TestDeletedShardStaysDeleted(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprint("again=", again), func(t *testing.T) {
			dir := t.TempDir()
			l := start(t, dir, packOptions(dir))
			s := create(t, l, "s", ShardConfig{MaxAge: time.Hour})
			p, _ := put(t, s, "a", strings.Repeat("b", directBytes))
			put(t, s, strings.Repeat("c", directBytes))
			if err := l.DeleteShard(t.Context(), "s"); err != nil {
				t.Fatal(err)
			}
			if again {
				put(t, create(t, l, "s", ShardConfig{MaxAge: time.Hour}), "new")
			}
			if err := s.TrimBefore(t.Context(), Position{p.Frame + 1, 0}); !errors.Is(err, ErrNoShard) {
				t.Errorf("TrimBefore: %v", err)
			}
			if err := s.SetMaxAge(t.Context(), 2*time.Hour); !errors.Is(err, ErrNoShard) {
				t.Errorf("SetMaxAge: %v", err)
			}
			b := &Batch{}
			b.Add(nil, make([]byte, directBytes))
			if _, _, err := s.Append(t.Context(), b); !errors.Is(err, ErrNoShard) {
				t.Errorf("Append: %v", err)
			}
			l, _ = reopen(t, l, dir, packOptions, false)
			got, err := l.Shard(t.Context(), "s")
			if !again {
				if !errors.Is(err, ErrNoShard) {
					t.Fatalf("after the next start: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "the new one", all(t, got, Position{}, ReadOptions{}), []string{"new"})
		})
	}
}
