//go:build linux

package shardlog

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

// TestFront runs tests of the log with a journal for small appends, those that do not know
// which append comes into which frame.
func TestFront(t *testing.T) {
	fronted = true
	defer func() { fronted = false }()
	t.Run("ConcurrentAppends", TestConcurrentAppends)
	t.Run("Shards", TestShards)
	t.Run("ManyShards", TestManyShards)
	t.Run("ExpiredStayAway", TestExpiredStayAway)
	t.Run("Full", TestFull)
	t.Run("FullOfSmall", func(t *testing.T) {
		defer func(n int) { fullBytes = n }(fullBytes)
		fullBytes = 20 << 10
		TestFull(t)
	})
	t.Run("Kill", TestKill)
	t.Run("KillResting", func(t *testing.T) { testKill(t, true) })
}

// TestFramesGoOneByOne: shards that get the same do not all send their frames to their streams at once.
func TestFramesGoOneByOne(t *testing.T) {
	dir := t.TempDir()
	l := start(t, dir, Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats"))})
	shards := make([]*Shard, 16)
	for i := range shards {
		shards[i] = create(t, l, fmt.Sprint("s/", i), ShardConfig{})
	}
	text := strings.Repeat("x", 30_000)
	for range sealBytes/len(text) + 2 {
		for _, s := range shards {
			put(t, s, text, text)
		}
	}
	lengths := map[uint32]bool{}
	for _, s := range shards {
		s.mu.Lock()
		for _, o := range s.growing {
			lengths[o.length] = true
		}
		s.mu.Unlock()
	}
	if len(lengths) < 4 { // of 8 or 9 that there can be
		t.Errorf("%d shards have open frames of %d lengths", len(shards), len(lengths))
	}
}
