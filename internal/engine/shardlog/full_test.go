//go:build linux

package shardlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// fullBytes is the size of TestFull's records.
var fullBytes = 300 << 10

// TestFull fills a small disk. Appends fail with ErrFull, nothing acknowledged is lost,
// and there is no trace of what was refused; when there is space again, they go on.
func TestFull(t *testing.T) {
	for _, c := range []struct {
		name    string
		minFree int64
	}{
		{"told early", 8 << 20}, // the log looks at the free space
		{"store fails", -1},     // the store runs into the end of the disk
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
				t.Skip("cannot mount a small disk: ", err)
			}
			// Registered before the log's own cleanup, so it runs after that.
			t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
			ballast := filepath.Join(dir, "ballast")
			if err := os.WriteFile(ballast, make([]byte, 20<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			l := start(t, dir, Options{MinFree: c.minFree})
			s := create(t, l, "s", ShardConfig{})
			other := create(t, l, "other", ShardConfig{})
			put(t, other, "before")

			var mu sync.Mutex
			acked := map[Position]string{}
			n := 0
			appendOne := func(w int) error {
				var b Batch
				mu.Lock()
				n++
				id := fmt.Sprintf("%d.%d", w, n)
				mu.Unlock()
				b.Add([]byte(id), make([]byte, fullBytes))
				p, _, err := s.Append(t.Context(), &b)
				if err == nil {
					mu.Lock()
					acked[p] = id
					mu.Unlock()
				}
				return err
			}
			var full atomic.Int32
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					for full.Load() < 4 {
						if err := appendOne(w); errors.Is(err, ErrFull) {
							full.Add(1)
						} else if err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			if len(acked) < 20 {
				t.Errorf("%d appends before the disk was full", len(acked))
			}
			check := func() {
				t.Helper()
				for _, d := range all(t, other, Position{}, ReadOptions{}) {
					if d != "before" {
						t.Errorf("other holds %q", d)
					}
				}
				found := 0
				for from := (Position{}); ; {
					recs, next, err := s.Read(t.Context(), from, ReadOptions{}, nil)
					if err != nil {
						t.Fatal(err)
					}
					if len(recs) == 0 {
						break
					}
					for _, r := range recs {
						if acked[r.Position] != string(r.Key) {
							t.Fatalf("%v holds %q, acknowledged was %q", r.Position, r.Key, acked[r.Position])
						}
						found++
					}
					from = next
				}
				if found != len(acked) {
					t.Fatalf("%d records, acknowledged were %d", found, len(acked))
				}
			}
			check()
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			for i := range 10 {
				if err := appendOne(9); err != nil {
					t.Fatalf("append %d with space again: %v", i, err)
				}
			}
			check()
			stop(t, l)
			l = start(t, dir, Options{MinFree: -1})
			var err error
			if s, err = l.Shard(t.Context(), "s"); err != nil {
				t.Fatal(err)
			}
			if other, err = l.Shard(t.Context(), "other"); err != nil {
				t.Fatal(err)
			}
			check()
		})
	}
}
