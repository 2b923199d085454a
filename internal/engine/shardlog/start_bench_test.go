package shardlog

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

// BenchmarkStart starts on what a kill leaves under load: a journal with small appends to many
// shards.
func BenchmarkStart(b *testing.B) {
	const shards, puts = 1000, 400
	dir := b.TempDir()
	l := start(b, dir, Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats"))})
	var all []*Shard
	for i := range shards {
		all = append(all, create(b, l, fmt.Sprint("s/", i), ShardConfig{}))
	}
	src := noise()
	batches := make([]Batch, shards)
	outcomes := make([]Outcome, shards)
	for range puts {
		var g Group
		for i := range batches {
			fill(&batches[i], 1, 250, src)
			g.Begin(b.Context(), all[i], &batches[i], &outcomes[i])
		}
		g.Wait()
	}
	killed := filepath.Join(b.TempDir(), "killed")
	copyLive(b, killed, dir)
	b.SetBytes(shards * puts * 250)
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		again := b.TempDir()
		copyLive(b, again, killed)
		b.StartTimer()
		l := start(b, again, Options{Journal: broker.AppendsDir(filepath.Join(again, "nats"))})
		b.StopTimer()
		if n := l.front.held.Load(); n == 0 {
			b.Error("nothing was put back")
		}
		stop(b, l)
	}
}
