package shardlog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrimmedStaysTrimmed trims frames that are not synced in packs yet, and loses the power: the journal has them,
// but nobody gets them again, and the shard goes on behind.
func TestTrimmedStaysTrimmed(t *testing.T) {
	dir := t.TempDir()
	l := start(t, dir, packOptions(dir))
	s := create(t, l, "s", ShardConfig{})
	var last Position
	for i := range 4 {
		last, _ = put(t, s, fmt.Sprint("old ", i))
		if err := s.flushAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.TrimBefore(t.Context(), Position{last.Frame + 1, 0}); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	copyLive(t, filepath.Join(to, "nats"), filepath.Join(dir, "nats"))
	for name := range l.packs.Durable() {
		if err := os.Truncate(filepath.Join(to, "nats/packs", name), 32); err != nil {
			t.Fatal(err)
		}
	}
	l = start(t, to, packOptions(to))
	s = shardOf(t, l, "s")
	if got := all(t, s, Position{}, ReadOptions{}); len(got) > 0 {
		t.Errorf("trimmed, and there again: %q", got)
	}
	p, _ := put(t, s, "new")
	if p.Compare(last) <= 0 {
		t.Errorf("a position %v behind %v", p, last)
	}
	l, _ = reopen(t, l, to, packOptions, true)
	equal(t, "s", all(t, shardOf(t, l, "s"), Position{}, ReadOptions{}), []string{"new"})
}

// TestTrimmedAndLost has a shard of which all was trimmed lose its pack after a kill, and the journal not know it any more: what is
// appended then is there, small or large, at a position behind.
func TestTrimmedAndLost(t *testing.T) {
	for _, size := range []int{10, directBytes} {
		dir := t.TempDir()
		l := start(t, dir, packOptions(dir))
		s := create(t, l, "s", ShardConfig{})
		var last Position
		for i := range 4 {
			last, _ = put(t, s, fmt.Sprint("old ", i))
			if err := s.flushAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.TrimBefore(t.Context(), Position{last.Frame + 1, 0}); err != nil {
			t.Fatal(err)
		}
		to := t.TempDir()
		copyLive(t, filepath.Join(to, "nats"), filepath.Join(dir, "nats"))
		for _, lost := range []string{"packs", "appends"} {
			files, err := filepath.Glob(filepath.Join(to, "nats", lost, "*"))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			for _, f := range files {
				if err := os.Remove(f); err != nil {
					t.Fatal(err)
				}
			}
		}
		l = start(t, to, packOptions(to))
		text := strings.Repeat("n", size)
		for range 2 {
			if p, _ := put(t, shardOf(t, l, "s"), text); p.Compare(last) <= 0 {
				t.Errorf("a position %v behind %v", p, last)
			}
		}
		l, _ = reopen(t, l, to, packOptions, true)
		equal(t, "s", all(t, shardOf(t, l, "s"), Position{}, ReadOptions{}), []string{text, text})
	}
}
