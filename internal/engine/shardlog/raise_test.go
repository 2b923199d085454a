package shardlog

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/testdir"
)

// updating calls before and after when the description of a stream is changed.
type updating struct {
	jetstream.JetStream
	before, after func()
}

func (u updating) UpdateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	u.before()
	s, err := u.JetStream.UpdateStream(ctx, c)
	u.after()
	return s, err
}

// TestKillWhileRetentionIsRaised kills a node between the raise of a shard's retention and what follows.
// Files of the stream are gone by the retention before, or go while it is raised: they are not taken for
// missing.
func TestKillWhileRetentionIsRaised(t *testing.T) {
	for name, during := range map[string]bool{"expired before": false, "expires meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killWhileRetentionIsRaised(t, during)
		})
	}
}

func killWhileRetentionIsRaised(t *testing.T, during bool) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "nats")
	b, err := broker.Start(broker.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	l, err := Open(ctx, b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := l.CreateShard(ctx, "s", ShardConfig{MaxAge: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	put := func(size int) {
		var batch Batch
		batch.Add(nil, make([]byte, size))
		if _, _, err := s.Append(ctx, &batch); err != nil {
			t.Fatal(err)
		}
		if err := s.flushAll(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for range 12 { // more than a file of the store has
		put(1 << 20)
	}
	expired := func() {
		for first := uint64(0); first < 13; {
			if first, _, err = s.bounds(ctx); err != nil {
				t.Error(err)
				return
			}
		}
	}
	time.Sleep(700 * time.Millisecond) // the store's clock is the real one
	put(1)                             // which, on a machine with time for it, does not expire with the others
	before := func() {}
	if during {
		before = sync.OnceFunc(expired)
	} else {
		expired()
	}
	var killed []string
	l.js = updating{l.js, before, func() {
		killed = append(killed, filepath.Join(t.TempDir(), "nats"))
		testdir.Copy(t, killed[len(killed)-1], dir)
	}}
	if err := s.SetMaxAge(ctx, time.Hour); err != nil {
		t.Fatal(err)
	}
	for i, dir := range killed {
		k, err := broker.Start(broker.Options{Dir: dir})
		if err != nil {
			t.Errorf("killed after change %d: %v", i+1, err)
			continue
		}
		k.Close()
	}
	if len(killed) == 0 {
		t.Error("nothing was changed")
	}
}
