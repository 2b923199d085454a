//go:build linux

package shardlog

import (
	"fmt"
	"os"
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
	t.Run("KillQuiet", func(t *testing.T) { testKill(t, true) })
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

// TestFrameSizes: frames of appends of any sizes have no more than 512 KiB, and are no fewer than that takes;
// files of a stream, of which the server holds the last in memory, have no more than 4 MiB.
func TestFrameSizes(t *testing.T) {
	dir := t.TempDir()
	b := startBroker(t, dir)
	makeStreams(t, b, "s/1")
	b.Close()
	l := start(t, dir, Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats"))})
	s := shardOf(t, l, "s/1")
	bytes := 0
	for _, n := range []int{1, 120_000, 300, 77_000, 3, 127_000, 31_000, 64_000} {
		text := strings.Repeat("x", n)
		for range 20 {
			put(t, s, text)
			bytes += n
		}
	}
	if err := s.flushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	frames, err := l.js.Stream(t.Context(), s.stream)
	if err != nil {
		t.Fatal(err)
	}
	info := frames.CachedInfo()
	if most := uint64(bytes/(sealBytes-directBytes) + 2); info.State.Msgs > most {
		t.Errorf("%d bytes came to %d frames", bytes, info.State.Msgs)
	}
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		m, err := frames.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Data) > 512<<10 {
			t.Errorf("frame %d has %d bytes", seq, len(m.Data))
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "nats/jetstream/*/streams/"+s.stream+"/msgs/*.blk"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Size() > 4<<20 {
			t.Error(file, info.Size(), err)
		}
	}
}
