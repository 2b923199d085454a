package shardlog

import (
	"bytes"
	"fmt"
	"testing"
)

// TestLent reads records of frames that are still open, and lets these grow and go to their
// streams, and others take buffers: what was read stays what it was.
func TestLent(t *testing.T) {
	l, f := startFaulty(t, Options{CacheBytes: -1})
	close(f.stuck)
	shards := make([]*Shard, 4)
	for i := range shards {
		shards[i] = create(t, l, fmt.Sprint("s/", i), ShardConfig{})
	}
	type read struct{ got, want []byte }
	var lent []read
	at := make([]Position, len(shards))
	for n := range 60 {
		for i, s := range shards {
			data := bytes.Repeat([]byte{byte(n*len(shards) + i)}, 5000)
			put(t, s, string(data))
			if (n+i)%3 > 0 { // others are never read
				continue
			}
			recs, next, err := s.Read(t.Context(), at[i], ReadOptions{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			at[i] = next
			for _, r := range recs {
				lent = append(lent, read{r.Data, bytes.Clone(r.Data)})
			}
			if n%7 == 0 {
				if err := s.flushAll(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for i, r := range lent {
		if !bytes.Equal(r.got, r.want) {
			t.Fatalf("record %d has changed after it was read", i)
		}
	}
	for i, s := range shards {
		for n, d := range all(t, s, Position{}, ReadOptions{}) {
			if want := byte(n*len(shards) + i); len(d) != 5000 || d[0] != want || d[4999] != want {
				t.Fatalf("%s: record %d is not what was appended", s.name, n)
			}
		}
	}
}
