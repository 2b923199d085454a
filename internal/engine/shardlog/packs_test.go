package shardlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

func packOptions(dir string) Options {
	return Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats")), SegmentBytes: 64 << 10, packBytes: 256 << 10}
}

// reopen starts a log again, after a close or on what a kill leaves.
func reopen(t *testing.T, l *Log, dir string, o func(string) Options, kill bool) (*Log, string) {
	t.Helper()
	if kill {
		to := t.TempDir()
		copyLive(t, filepath.Join(to, "nats"), filepath.Join(dir, "nats"))
		dir = to
	} else {
		stop(t, l)
	}
	return start(t, dir, o(dir)), dir
}

func shardOf(t *testing.T, l *Log, name string) *Shard {
	t.Helper()
	s, err := l.Shard(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPacks appends small and large records to many shards through closes and kills: all are there in their
// order, and no shard has a stream.
func TestPacks(t *testing.T) {
	dir := t.TempDir()
	l := start(t, dir, packOptions(dir))
	r := rand.New(rand.NewPCG(1, 2))
	want := map[string][]string{}
	for i := range 12 {
		create(t, l, fmt.Sprint("s/", i), ShardConfig{})
	}
	for round := range 6 {
		for n := range 150 {
			name := fmt.Sprint("s/", r.IntN(12))
			size := r.IntN(3 << 10)
			if r.IntN(40) == 0 {
				size = directBytes + r.IntN(200<<10)
			}
			text := fmt.Sprint(round, " ", n, " ", strings.Repeat("x", size))
			put(t, shardOf(t, l, name), text)
			want[name] = append(want[name], text)
		}
		if n := streams(t, l); n != 0 {
			t.Errorf("%d streams", n)
		}
		l, dir = reopen(t, l, dir, packOptions, round%2 == 0)
		for name, texts := range want {
			equal(t, name, all(t, shardOf(t, l, name), Position{}, ReadOptions{}), texts)
		}
	}
}

// TestPacksAfterStreams opens the directory of a version before: what has a stream keeps it, all else goes to packs,
// and the catalog says so, that such a version does not take the shard to be empty.
func TestPacksAfterStreams(t *testing.T) {
	dir := t.TempDir()
	b := startBroker(t, dir)
	makeStreams(t, b, "stream")
	b.Close()
	l := start(t, dir, packOptions(dir))
	for _, name := range []string{"journal", "empty"} { // which had no streams yet
		s := create(t, l, name, ShardConfig{})
		s.form = streamForm
		if err := l.catalog.update(t.Context(), s, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	put(t, shardOf(t, l, "stream"), "a")
	if err := shardOf(t, l, "stream").flushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, shardOf(t, l, "stream"), "b")
	put(t, shardOf(t, l, "journal"), "a")
	l, dir = reopen(t, l, dir, packOptions, true)
	for i, text := range []string{"c", strings.Repeat("d", directBytes), "e"} {
		for _, name := range []string{"stream", "journal", "empty"} {
			put(t, shardOf(t, l, name), text)
		}
		l, dir = reopen(t, l, dir, packOptions, i == 1)
		if n := streams(t, l); n != 1 {
			t.Errorf("%d streams", n)
		}
	}
	end := []string{"c", strings.Repeat("d", directBytes), "e"}
	equal(t, "in its stream", all(t, shardOf(t, l, "stream"), Position{}, ReadOptions{}), append([]string{"a", "b"}, end...))
	equal(t, "in the journal", all(t, shardOf(t, l, "journal"), Position{}, ReadOptions{}), append([]string{"a"}, end...))
	equal(t, "empty", all(t, shardOf(t, l, "empty"), Position{}, ReadOptions{}), end)
	for name, form := range map[string]int{"journal": packedForm, "empty": packedForm} {
		if s := shardOf(t, l, name); s.form != form {
			t.Errorf("%s: form %d in the catalog", name, s.form)
		}
	}
}

// TestPacksGoOn trims a shard to its end, and lets another expire: after a restart their sequences and totals go on
// where they were, and nothing is there again.
func TestPacksGoOn(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	clock := clockwork.NewFakeClockAt(time.Now())
	o := func(dir string) Options {
		o := packOptions(dir)
		o.Clock = clock
		return o
	}
	l := start(t, dir, o(dir))
	for _, name := range []string{"trimmed", "expired", "raised", "lowered"} {
		s := create(t, l, name, ShardConfig{MaxAge: time.Hour})
		for i := range 5 {
			put(t, s, fmt.Sprint("old ", i))
			if err := s.flushAll(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := shardOf(t, l, "trimmed").TrimBefore(ctx, Position{100, 0}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(2 * time.Hour)
	if err := shardOf(t, l, "raised").SetMaxAge(ctx, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	clock.Advance(-90 * time.Minute)
	if err := shardOf(t, l, "lowered").SetMaxAge(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := shardOf(t, l, "lowered").SetMaxAge(ctx, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	clock.Advance(90 * time.Minute)
	for i, kill := range []bool{true, false, true} {
		if err := l.packs.Collect(); err != nil {
			t.Fatal(err)
		}
		l, dir = reopen(t, l, dir, o, kill)
		for _, name := range []string{"trimmed", "expired", "raised", "lowered"} {
			s := shardOf(t, l, name)
			want := make([]string, i)
			for n := range want {
				want[n] = fmt.Sprint("new ", n)
			}
			equal(t, name, all(t, s, Position{}, ReadOptions{}), want)
			if p, _ := put(t, s, fmt.Sprint("new ", i)); p.Frame < 6 {
				t.Errorf("%s goes on at %v", name, p)
			}
			if n, _, err := s.Appended(ctx); err != nil || n != uint64(6+i) {
				t.Errorf("%s: %d records appended, %v", name, n, err)
			}
			if in, err := s.Info(ctx); err != nil || in.Records != uint64(1+i) {
				t.Errorf("%s: %+v, %v", name, in, err)
			}
		}
	}
}

// TestPacksOfDeletedShards: nothing of a deleted shard is there for another of its name, and its files go.
func TestPacksOfDeletedShards(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	l := start(t, dir, packOptions(dir))
	for round := range 4 {
		s := create(t, l, "s", ShardConfig{})
		for range 20 {
			put(t, s, strings.Repeat("x", 60<<10))
		}
		if err := s.flushAll(ctx); err != nil {
			t.Fatal(err)
		}
		if round == 3 {
			break
		}
		if err := l.DeleteShard(ctx, "s"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Info(ctx); !errors.Is(err, ErrNoShard) {
			t.Errorf("info of a deleted shard: %v", err)
		}
		l, dir = reopen(t, l, dir, packOptions, round%2 == 0)
		if _, err := l.Shard(ctx, "s"); !errors.Is(err, ErrNoShard) {
			t.Errorf("deleted: %v", err)
		}
	}
	if err := l.packs.Collect(); err != nil {
		t.Fatal(err)
	}
	if bytes, _ := l.packs.Usage(); bytes > 3<<20 {
		t.Errorf("%d bytes for 1.2 MB", bytes)
	}
	if n := len(all(t, shardOf(t, l, "s"), Position{}, ReadOptions{})); n != 20 {
		t.Errorf("%d records", n)
	}
}

// TestCatalogLost refuses a start that would take all records to be those of deleted shards.
func TestCatalogLost(t *testing.T) {
	dir := t.TempDir()
	l := start(t, dir, packOptions(dir))
	put(t, create(t, l, "s", ShardConfig{}), "a")
	stop(t, l)
	other := t.TempDir()
	copyLive(t, filepath.Join(other, "nats/packs"), filepath.Join(dir, "nats/packs"))
	b := startBroker(t, other)
	defer b.Close()
	if l, err := Open(t.Context(), b, packOptions(other)); err == nil {
		l.Close()
		t.Error("packs without a catalog were taken")
	}
	if packs, err := os.ReadDir(filepath.Join(other, "nats/packs")); err != nil || len(packs) == 0 {
		t.Error("the packs are gone", err)
	}
}
