package shardlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// TestCorruptMessage stores a frame that is damaged, as one that decayed where the store
// does not notice.
func TestCorruptMessage(t *testing.T) {
	ctx := t.Context()
	l := start(t, t.TempDir(), Options{})
	s := create(t, l, "s", ShardConfig{})
	put(t, s, "a")
	bad := example()
	bad[60] ^= 1
	if _, err := l.js.PublishMsg(ctx, &nats.Msg{Subject: s.subject, Data: bad}); err != nil {
		t.Fatal(err)
	}
	// The log finds another's frame in its place, and goes on behind it.
	if p, _ := put(t, s, "b"); p != (Position{3, 0}) {
		t.Fatalf("position %v", p)
	}
	recs, next, err := s.Read(ctx, Position{}, ReadOptions{}, nil)
	if err != nil || len(recs) != 1 || next != (Position{2, 0}) {
		t.Fatalf("up to the bad frame: %v, %v, %v", recs, next, err)
	}
	recs, next, err = s.Read(ctx, next, ReadOptions{}, nil)
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "at 2") || len(recs) != 0 || next != (Position{3, 0}) {
		t.Fatalf("the bad frame: %v, %v, %v", recs, next, err)
	}
	equal(t, "behind it", all(t, s, next, ReadOptions{}), []string{"b"})
	if in, err := s.Info(ctx); err != nil || in.Records != 2 {
		t.Fatalf("info %+v, %v", in, err)
	}
}

// TestCorruptDisk changes a byte of a record in the store's file.
func TestCorruptDisk(t *testing.T) {
	dir := t.TempDir()
	l := start(t, dir, Options{})
	s := create(t, l, "s", ShardConfig{})
	const n = 10
	for i := range n {
		put(t, s, fmt.Sprintf("record-%02d", i))
	}
	stop(t, l)
	file := blocks(t, dir, s)[0]
	block, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block[bytes.Index(block, []byte("record-04"))] ^= 1
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	l = start(t, dir, Options{})
	if s, err = l.Shard(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	got, corrupt := readPast(t, s)
	if corrupt == 0 {
		t.Error("the loss was not reported")
	}
	for _, d := range got {
		if d == "record-04" || !strings.HasPrefix(d, "record-") {
			t.Errorf("served %q", d)
		}
	}
	if len(got) != n-1 {
		t.Errorf("%d records are left, of %d: %q", len(got), n, got)
	}
	if p, _ := put(t, s, "after"); p.Frame != n+1 {
		t.Errorf("position %v", p)
	}
}

// readPast reads a shard to its end, past what is corrupt, and reports how often that was.
func readPast(t *testing.T, s *Shard) (got []string, corrupt int) {
	t.Helper()
	for from := (Position{}); ; {
		recs, next, err := s.Read(t.Context(), from, ReadOptions{}, nil)
		if errors.Is(err, ErrCorrupt) {
			if next.Compare(from) <= 0 {
				t.Fatalf("no way past %v: %v", from, err)
			}
			t.Log(err)
			corrupt++
		} else if err != nil {
			t.Fatal(err)
		} else if len(recs) == 0 {
			return got, corrupt
		}
		for _, r := range recs {
			got = append(got, string(r.Data))
		}
		from = next
	}
}
