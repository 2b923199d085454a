package storeindex

import (
	"path/filepath"
	"testing"
	"time"
)

// FuzzUpdate takes any bytes for the blocks of a stream: whatever they are, the index that
// comes of them, if one does, tells of messages that lie within.
func FuzzUpdate(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add(example(1), []byte{})
	f.Add(append(example(1), example(2)...), append(example(3), example(1|isTombstone)...))
	f.Add(example(1|isErased), example(2)[:30])
	f.Fuzz(func(t *testing.T, one, two []byte) {
		dir := makeBlocks(t, one, two)
		updated, err := Update(dir, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		s := &stream{name: "s", subject: "x", dir: filepath.Join(dir, "msgs")}
		if err := s.list(); err != nil {
			t.Fatal(err)
		}
		if current, err := s.current(); err != nil || current != updated {
			t.Fatalf("updated %v, current %v, %v", updated, current, err)
		}
		if !updated {
			return
		}
		if err := s.walk(); err != nil {
			t.Fatal(err)
		}
		size := uint64(0)
		for _, b := range s.blocks {
			if b.first == 0 || b.first > b.last {
				t.Errorf("block %d: %d to %d", b.number, b.first, b.last)
			}
			size += b.bytes
		}
		if size > uint64(len(one)+len(two)) {
			t.Errorf("%d bytes of messages in %d", size, len(one)+len(two))
		}
	})
}

// example is a record of block 2 with the subject x, 4 bytes of data and a valid checksum.
func example(sequence uint64) []byte {
	const n = recordHeader + 1 + 4 + checksumSize
	r := make([]byte, 0, n)
	r = le.AppendUint32(r, n)
	r = le.AppendUint64(r, sequence)
	r = le.AppendUint64(r, 1_700_000_000)
	r = le.AppendUint16(r, 1)
	r = append(r, "xdata"...)
	h, err := (&block{stream: &stream{name: "s"}, number: 2}).hash()
	if err != nil {
		panic(err)
	}
	h.Write(r[4:20])
	h.Write(r[recordHeader:])
	return h.Sum(r)
}
