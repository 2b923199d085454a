package shardlog

import (
	"strings"
	"testing"
)

func TestBacklog(t *testing.T) {
	l := start(t, t.TempDir(), Options{})
	s := create(t, l, "rest", ShardConfig{})
	if r, err := s.Backlog(t.Context(), Position{}); err != nil || r != (Backlog{}) {
		t.Fatalf("of an empty shard: %+v, %v", r, err)
	}
	var records []string
	var positions []Position
	for i := range 5 {
		batch := make([]string, 0, 100)
		for j := range 10 + 40*i {
			batch = append(batch, strings.Repeat("x", i+j%7))
		}
		p, _ := put(t, s, batch...)
		for j := range batch {
			positions = append(positions, Position{p.Frame, p.Index + uint32(j)})
		}
		records = append(records, batch...)
	}
	check := func(from Position, skip int) {
		t.Helper()
		want := Backlog{Records: uint64(len(records) - skip)}
		for _, r := range records[skip:] {
			want.Bytes += uint64(len("k") + len(r))
		}
		got, err := s.Backlog(t.Context(), from)
		if err != nil || got.Records != want.Records || got.Bytes != want.Bytes || got.Oldest.IsZero() != (want.Records == 0) {
			t.Errorf("from %v: %+v, %v, want %+v", from, got, err, want)
		}
	}
	check(Position{}, 0)
	for i, p := range positions {
		check(p, i)
	}
	last := positions[len(positions)-1]
	check(Position{last.Frame, last.Index + 1}, len(records))
	check(Position{last.Frame + 1, 0}, len(records))
	check(Position{last.Frame, 1 << 20}, len(records))
	if err := s.TrimBefore(t.Context(), positions[len(positions)-1]); err != nil {
		t.Fatal(err)
	}
	check(Position{}, len(records)-(10+40*4)) // the last frame is left
}
