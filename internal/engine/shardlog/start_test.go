package shardlog

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

// TestStartWithMuchInJournal kills a log whose shards hold more in memory than a start takes there:
// the rest goes to streams before the log is open.
func TestStartWithMuchInJournal(t *testing.T) {
	const shards, appends, size = 12, 5, 40 << 10
	dir := t.TempDir()
	l := start(t, dir, Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats")), NoSync: true})
	var all []*Shard
	for i := range shards {
		all = append(all, create(t, l, fmt.Sprint("s/", i), ShardConfig{}))
	}
	data := make([]byte, size)
	batches := make([]Batch, shards)
	outcomes := make([]Outcome, shards)
	for n := range appends {
		var g Group
		for i := range batches {
			batches[i].Reset()
			batches[i].Add(fmt.Appendf(nil, "%d %d", i, n), data)
			g.Begin(t.Context(), all[i], &batches[i], &outcomes[i])
		}
		g.Wait()
	}
	for i := range outcomes {
		if _, _, err := outcomes[i].Result(); err != nil {
			t.Fatal(err)
		}
	}
	killed := t.TempDir()
	copyLive(t, killed, dir)
	l = start(t, killed, Options{Journal: broker.AppendsDir(filepath.Join(killed, "nats")), NoSync: true, startHeld: 1 << 20})
	for i := range shards {
		s, err := l.Shard(t.Context(), fmt.Sprint("s/", i))
		if err != nil {
			t.Fatal(err)
		}
		var recs []Record
		for from := (Position{}); ; {
			before := len(recs)
			if recs, from, err = s.Read(t.Context(), from, ReadOptions{}, recs); err != nil {
				t.Fatal(err)
			}
			if len(recs) == before {
				break
			}
		}
		if len(recs) != appends {
			t.Fatalf("%s has %d records, want %d", s.name, len(recs), appends)
		}
		for n, r := range recs {
			if want := fmt.Sprint(i, " ", n); string(r.Key) != want {
				t.Fatalf("%s has %s at %v, want %s", s.name, r.Key, r.Position, want)
			}
		}
	}
}
