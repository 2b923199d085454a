package journal

import (
	"fmt"
	"testing"
)

// BenchmarkRead reads what is left of a journal with entries of many streams, as a start after a
// kill does.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	const streams, entries = 1000, 300_000
	j := open(b, dir, Options{Checkpoint: func(uint64, []string) error { return nil }, SegmentBytes: 32 << 20, MaxSegmentBytes: 32 << 20, NoSync: true, Segments: 100, Lag: 90})
	bytes := 0
	for n := range entries {
		e := Entry{Stream: fmt.Sprintf("S_stream-of-some-length_%012d", n*7919%streams), Born: 7, Seq: uint64(n/streams + 1), Data: make([]byte, 300)}
		bytes += e.size()
		j.Append(e, nil)
	}
	done := make(chan error, 1)
	j.Append(Entry{Stream: "last", Seq: 1, Data: make([]byte, 1)}, func(err error) { done <- err })
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		l, err := Read(dir)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(l.Streams()); n != streams+1 {
			b.Fatalf("%d streams are left", n)
		}
	}
}
