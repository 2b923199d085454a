package shardlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/broker/bucket"
)

// streams reports how many streams of shards the broker has.
func streams(t *testing.T, l *Log) int {
	t.Helper()
	n := 0
	names := l.js.StreamNames(t.Context(), jetstream.WithStreamListSubject(subjectPrefix+"*"))
	for range names.Name() {
		n++
	}
	if err := names.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// makeStreams makes shards that have streams, as versions did before there were packs.
func makeStreams(t *testing.T, b Broker, names ...string) {
	t.Helper()
	l, err := Open(t.Context(), b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, name := range names {
		create(t, l, name, ShardConfig{})
	}
}

// copyLive copies a directory that its owner goes on with: what it removes meanwhile is left out.
func copyLive(t testing.TB, to, from string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWithoutStreams makes shards that have no streams: all else is
// as it is with streams, after a restart and after a kill too.
func TestWithoutStreams(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	o := Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats"))}
	l := start(t, dir, o)
	reopen := func(kill bool) {
		t.Helper()
		if kill {
			to := t.TempDir()
			copyLive(t, filepath.Join(to, "nats"), filepath.Join(dir, "nats"))
			dir = to
			o.Journal = broker.AppendsDir(filepath.Join(dir, "nats"))
		} else {
			stop(t, l)
		}
		l = start(t, dir, o)
	}
	shard := func(name string) *Shard {
		t.Helper()
		s, err := l.Shard(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for i := range 20 {
		create(t, l, fmt.Sprint("s/", i), ShardConfig{MaxAge: time.Hour})
	}
	if _, err := l.CreateShard(ctx, "s/3", ShardConfig{}); !errors.Is(err, ErrShardExists) {
		t.Errorf("again: %v", err)
	}
	if n := streams(t, l); n != 0 {
		t.Errorf("%d streams of shards without records", n)
	}
	empty := shard("s/1")
	equal(t, "empty", all(t, empty, Position{}, ReadOptions{}), nil)
	if in, err := empty.Info(ctx); err != nil || in.Records != 0 || in.End != (Position{1, 0}) {
		t.Errorf("info of an empty shard: %+v, %v", in, err)
	}
	if p, err := empty.Seek(ctx, time.Now()); err != nil || p != (Position{1, 0}) {
		t.Errorf("seek in an empty shard: %v, %v", p, err)
	}
	if err := empty.TrimBefore(ctx, Position{100, 0}); err != nil {
		t.Error(err)
	}
	if err := empty.SetMaxAge(ctx, 2*time.Hour); err != nil {
		t.Error(err)
	}
	put(t, shard("s/2"), "a", "b")
	put(t, shard("s/2"), "c")
	if p, err := shard("s/2").Seek(ctx, time.Now().Add(-time.Minute)); err != nil || p != (Position{1, 0}) {
		t.Errorf("seek in memory: %v, %v", p, err)
	}
	if n := streams(t, l); n != 0 {
		t.Errorf("%d streams for a few records", n)
	}
	for _, name := range []string{"s/4", "s/5"} {
		if err := l.DeleteShard(ctx, name); err != nil {
			t.Fatal(err)
		}
		if err := l.DeleteShard(ctx, name); !errors.Is(err, ErrNoShard) {
			t.Errorf("delete again: %v", err)
		}
	}
	create(t, l, "s/5", ShardConfig{})
	for _, kill := range []bool{true, false, true} {
		reopen(kill)
		names, err := l.Shards(ctx, "s/")
		if err != nil || len(names) != 19 || slices.Contains(names, "s/4") || !slices.Contains(names, "s/5") {
			t.Fatalf("shards %q, %v", names, err)
		}
		if n := streams(t, l); n > 0 {
			t.Errorf("%d streams of shards", n)
		}
		if s := shard("s/1"); s.maxAge != 2*time.Hour {
			t.Errorf("retention %v", s.maxAge)
		}
		equal(t, "records", all(t, shard("s/2"), Position{}, ReadOptions{}), []string{"a", "b", "c"})
		equal(t, "none", all(t, shard("s/1"), Position{}, ReadOptions{}), nil)
		equal(t, "none", all(t, shard("s/5"), Position{}, ReadOptions{}), nil)
	}
	// One that has a stream goes with it, and leaves nothing for another of its name.
	put(t, shard("s/2"), "d")
	if err := l.DeleteShard(ctx, "s/2"); err != nil {
		t.Fatal(err)
	}
	put(t, create(t, l, "s/2", ShardConfig{}), "new")
	reopen(true)
	equal(t, "made again", all(t, shard("s/2"), Position{}, ReadOptions{}), []string{"new"})
	var b Batch
	b.Add(nil, make([]byte, 2*directBytes))
	if p, _, err := shard("s/6").Append(ctx, &b); err != nil || p != (Position{1, 0}) {
		t.Errorf("a large append to a shard without a stream: %v, %v", p, err)
	}
	put(t, shard("s/6"), "small")
	equal(t, "small one behind a large one", all(t, shard("s/6"), Position{2, 0}, ReadOptions{}), []string{"small"})
}

// TestCatalogDamaged refuses an entry that cannot be read, rather than to know nothing of the
// shard.
func TestCatalogDamaged(t *testing.T) {
	l := &Log{shards: map[string]*Shard{}}
	for _, value := range []string{``, `{`, `[]`, `{"_form":1,"name":"other","made":"a"}`, `{"_form":3,"name":"s","made":"a"}`, `{"_form":1}`} {
		if err := l.listed("shard-s", []byte(value)); err == nil {
			t.Errorf("%q was taken", value)
		}
	}
}

// TestDeletedShardsStayDeleted kills a log when the marks of deleted shards have gone from the catalog:
// none is there again, though their entries are in the files still.
func TestDeletedShardsStayDeleted(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	l := start(t, dir, Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats")), catalogForgets: time.Second})
	want := []string{}
	for i := range 12 {
		name := fmt.Sprint("s/", i)
		s := create(t, l, name, ShardConfig{MaxAge: time.Hour})
		for range i % 3 { // which replaces its entry
			if err := s.SetMaxAge(ctx, s.maxAge+time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		if i%4 == 0 {
			want = append(want, name)
			continue
		}
		if err := l.DeleteShard(ctx, name); err != nil {
			t.Fatal(err)
		}
		if i%4 == 1 {
			create(t, l, name, ShardConfig{})
			if err := l.DeleteShard(ctx, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	st, err := l.js.Stream(ctx, bucket.Stream(catalogBucket))
	if err != nil {
		t.Fatal(err)
	}
	for info := (*jetstream.StreamInfo)(nil); info == nil || info.State.Msgs > uint64(len(want)); {
		if info, err = st.Info(ctx); err != nil {
			t.Fatal(err)
		}
	}
	killed := t.TempDir()
	copyLive(t, killed, dir)
	l2 := start(t, killed, Options{Journal: broker.AppendsDir(filepath.Join(killed, "nats"))})
	var got []string
	for i := range 12 {
		name := fmt.Sprint("s/", i)
		if _, err := l2.Shard(ctx, name); err == nil {
			got = append(got, name)
		} else if !errors.Is(err, ErrNoShard) {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("after a kill there are %v, want %v", got, want)
	}
}
