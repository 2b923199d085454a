package shardlog

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var largeGB = flag.Int("large", 0, "size in GB of the shard that TestLarge makes; 0 skips it")

// TestLarge measures how soon a log with a large shard is open again, and how long it
// takes to find a moment in it.
func TestLarge(t *testing.T) {
	if *largeGB == 0 {
		t.Skip("-large is not set")
	}
	dir := t.TempDir()
	l := start(t, dir, Options{})
	s := create(t, l, "s", ShardConfig{MaxAge: 24 * time.Hour})
	src := noise()
	var batch Batch
	type moment struct {
		at  time.Time
		pos Position
	}
	var moments []moment
	began := time.Now()
	for written := 0; written < *largeGB*1e9; written += 1e6 {
		fill(&batch, 1000, 1000, src)
		p, at, err := s.Append(t.Context(), &batch)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(moments); n == 0 || at.After(moments[n-1].at) {
			moments = append(moments, moment{at, p})
		}
	}
	took := time.Since(began)
	t.Logf("written in %v, %.0f MB/s", took.Round(time.Millisecond), float64(*largeGB)*1e3/took.Seconds())
	stop(t, l)

	began = time.Now()
	l = start(t, dir, Options{})
	s, err := l.Shard(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("open again after %v", time.Since(began).Round(time.Millisecond))
	began = time.Now()
	if in, err := s.Info(t.Context()); err != nil || in.Records != uint64(*largeGB)*1e6 {
		t.Errorf("info %+v, %v", in, err)
	}
	t.Logf("info after %v", time.Since(began).Round(time.Microsecond))
	var longest, all time.Duration
	const seeks = 200
	for range seeks {
		m := moments[rand.IntN(len(moments))]
		began := time.Now()
		p, err := s.Seek(t.Context(), m.at)
		took := time.Since(began)
		longest, all = max(longest, took), all+took
		if err != nil || p != m.pos {
			t.Fatalf("seek %v: %v, %v; want %v", m.at, p, err, m.pos)
		}
	}
	t.Logf("%d seeks: mean %v, longest %v", seeks, all/seeks, longest)
	began = time.Now()
	read := 0
	var recs []Record
	for from := (Position{}); time.Since(began) < 3*time.Second; read += len(recs) {
		recs, from, err = s.Read(t.Context(), from, ReadOptions{MaxRecords: 10000}, recs[:0])
		if err != nil {
			t.Fatal(err)
		}
		if len(recs) == 0 {
			break
		}
	}
	t.Logf("read %.0f MB/s from the beginning", float64(read)*1e-3/time.Since(began).Seconds())
	stop(t, l)

	// A store that was killed has no valid index.
	if err := os.Remove(filepath.Join(filepath.Dir(blocks(t, dir, s)[0]), "index.db")); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	l = start(t, dir, Options{})
	if _, err := l.Shard(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	t.Logf("open without the index after %v", time.Since(began).Round(time.Millisecond))
}
