package shardlog

import (
	"path/filepath"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

// TestCheckpointOfGeneration has a segment of the journal freed: what it has of a shard goes to the
// stream, and what later segments have stays in memory, until it is their turn.
func TestCheckpointOfGeneration(t *testing.T) {
	dir := t.TempDir()
	l := start(t, dir, Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats")), SegmentBytes: 64 << 10})
	early, late, busy := create(t, l, "early", ShardConfig{}), create(t, l, "late", ShardConfig{}), create(t, l, "busy", ShardConfig{})
	add := func(s *Shard, bytes int) {
		t.Helper()
		var b Batch
		b.Add([]byte(s.name), make([]byte, bytes))
		if _, _, err := s.Append(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	in := func(s *Shard) (generation, stored uint64) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.generation, s.stored
	}
	add(early, 100)
	add(late, 100)
	first, _ := in(early)
	for last := first; last == first; last, _ = in(busy) {
		add(busy, 60<<10)
	}
	if err := late.flushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(early, 100) // its frame is of the first generation all the same
	add(late, 100)
	second, _ := in(late)
	all := []string{early.stream, late.stream}
	if err := l.front.checkpoint(first, all); err != nil {
		t.Fatal(err)
	}
	if _, stored := in(early); stored != 1 {
		t.Errorf("the stream has %d frames of what was due, want 1", stored)
	}
	if _, stored := in(late); stored != 1 {
		t.Errorf("the stream has %d frames, want the first alone", stored)
	}
	l.front.mu.Lock()
	for _, stream := range all {
		if _, ok := l.front.files[stream]; ok {
			t.Errorf("%s is not synced", stream)
		}
	}
	l.front.mu.Unlock()
	if err := l.front.checkpoint(second, all); err != nil {
		t.Fatal(err)
	}
	if _, stored := in(late); stored != 2 {
		t.Errorf("the stream has %d frames, want both", stored)
	}
	for _, s := range []*Shard{early, late} {
		recs, _, err := s.Read(t.Context(), Position{}, ReadOptions{}, nil)
		if err != nil || len(recs) != 2 {
			t.Errorf("%s has %d records, %v, want 2", s.name, len(recs), err)
		}
	}
}
