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

// TestBufferPool takes and gives buffers: there is room for what was asked, never too much is kept,
// and what nobody needs goes.
func TestBufferPool(t *testing.T) {
	var p bufferPool
	for _, n := range []int{0, 1, 512, 513, 100_000, 1 << 20, 1<<20 + 1} {
		if b := p.get(n); len(b) != 0 || cap(b) < n || cap(b) > max(2*n, 512) {
			t.Errorf("a buffer for %d bytes has %d and room for %d", n, len(b), cap(b))
		}
	}
	for _, n := range []int{0, 511, 513, 1<<20 - 1, 2 << 20} {
		p.put(make([]byte, n))
	}
	if p.bytes != 0 {
		t.Errorf("%d bytes of buffers of other sizes are kept", p.bytes)
	}
	p.put(make([]byte, 7, 1024))
	if b := p.get(600); len(b) != 0 || cap(b) != 1024 || p.bytes != 0 {
		t.Errorf("a buffer that was given back has %d bytes and room for %d; %d are kept", len(b), cap(b), p.bytes)
	}
	for range 100 {
		p.put(make([]byte, 1<<20))
	}
	if p.bytes != maxSpare {
		t.Errorf("%d bytes are kept, want %d", p.bytes, maxSpare)
	}
	p.trim()
	p.put(p.get(1 << 20))
	p.trim()
	if p.bytes != 1<<20 {
		t.Errorf("%d bytes are kept of one buffer that is used", p.bytes)
	}
	p.trim()
	if p.bytes != 0 || p.get(1<<20) == nil {
		t.Errorf("%d bytes are kept that nobody uses", p.bytes)
	}
}

// TestBatchMemory puts batches next to each other into one memory: each keeps to its own, also one
// that needs more.
func TestBatchMemory(t *testing.T) {
	n := BatchBytes(2, 10)
	memory := make([]byte, 2*n)
	var first, second Batch
	first.Use(memory[:n:n])
	second.Use(memory[n:])
	second.Add([]byte("k"), []byte("2222"))
	for _, data := range []string{"1111", "1111", "more than there is room for"} {
		first.Add([]byte("k"), []byte(data))
	}
	second.Add([]byte("k"), []byte("3333"))
	if got := string(second.buf[headerSize:]); got != "\x01\x00\x04\x00\x00\x00k2222\x01\x00\x04\x00\x00\x00k3333" {
		t.Errorf("the second batch is %q", got)
	}
	if &second.buf[0] != &memory[n] || len(second.buf) != n {
		t.Errorf("%d bytes hold what should take %d", len(second.buf), n)
	}
	if first.Len() != 3 || first.Size() != 3*1+2*4+len("more than there is room for") {
		t.Errorf("the first has %d records of %d bytes", first.Len(), first.Size())
	}
	first.Use(memory[:n:n])
	if first.Len() != 0 || first.Size() != 0 {
		t.Error("a batch is not empty with other memory")
	}
}

// TestEase: with more shards more is held, within a limit.
func TestEase(t *testing.T) {
	fr := &front{dirty: map[*Shard]struct{}{}}
	for _, c := range []struct {
		shards int
		bytes  int64
	}{{0, easeHeld}, {100, easeHeld}, {256, 256 * heldBytes}, {10_000, easeMany}} {
		for len(fr.dirty) < c.shards {
			fr.dirty[new(Shard)] = struct{}{}
		}
		fr.held.Store(c.bytes + 5)
		if got := fr.excess(); got != 5 {
			t.Errorf("with %d shards %d bytes are too many of %d", c.shards, got, c.bytes+5)
		}
	}
}
