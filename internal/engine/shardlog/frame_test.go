package shardlog

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// sealed is a frame of the batch.
func sealed(b *Batch, h header) []byte {
	h.count, h.length = uint32(b.count), uint32(len(b.buf)-headerSize)
	h.seal(b.buf)
	return b.buf
}

func example() []byte {
	var b Batch
	b.Add([]byte("key"), []byte("data"))
	b.Add(nil, nil)
	copy(b.Reserve([]byte{0}, 10), "reserved")
	b.Commit(8)
	return sealed(&b, header{time: 1_700_000_000_123, stamp: 0x0102030405060708, recordsBefore: 42, bytesBefore: 4242})
}

// TestFrameBytes pins the format: frames of this version stay readable.
func TestFrameBytes(t *testing.T) {
	const golden = `
		424d4631 ce251c67 03000000 22000000
		7b68e5cf8b010000 0807060504030201
		2a00000000000000 9210000000000000
		0300 04000000 6b6579 64617461
		0000 00000000
		0100 08000000 00 7265736572766564`
	want := strings.Join(strings.Fields(golden), "")
	got := hex.EncodeToString(example())
	if got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	f, err := decodeFrame(7, example())
	if err != nil {
		t.Fatal(err)
	}
	if f.count != 3 || f.time != 1_700_000_000_123 || f.records() != 45 || f.bytes() != 4242+16 {
		t.Errorf("header %+v", f.header)
	}
	recs, next, used := f.read(0, 10, 1000, false, nil)
	if len(recs) != 3 || next != 3 || used != 16 || string(recs[0].Key) != "key" || string(recs[2].Data) != "reserved" || recs[2].Position != (Position{7, 2}) {
		t.Errorf("read %v, %d, %d", recs, next, used)
	}
}

// TestFrameDamage changes each byte, and cuts the frame at each length.
func TestFrameDamage(t *testing.T) {
	whole := example()
	for i := range whole {
		for _, x := range []byte{1, 0x80, 0xff} {
			bad := slices.Clone(whole)
			bad[i] ^= x
			if _, err := decodeFrame(9, bad); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "at 9") {
				t.Errorf("byte %d changed: %v", i, err)
			}
		}
		if _, err := decodeFrame(9, whole[:i]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if _, err := decodeFrame(9, append(slices.Clone(whole), 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte too many: %v", err)
	}
	// A header that lies, under a checksum that holds.
	for name, lie := range map[string]func(h *header){
		"count 0":   func(h *header) { h.count = 0 },
		"count -1":  func(h *header) { h.count-- },
		"count +1":  func(h *header) { h.count++ },
		"count max": func(h *header) { h.count = 1<<32 - 1 },
		"length":    func(h *header) { h.length++ },
	} {
		bad := slices.Clone(whole)
		h := header{count: 3, length: uint32(len(whole) - headerSize)}
		lie(&h)
		h.seal(bad)
		if _, err := decodeFrame(9, bad); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFrameRead(t *testing.T) {
	var b Batch
	for i := range 1000 {
		b.Add([]byte{byte(i)}, bytes.Repeat([]byte{byte(i)}, i%50))
	}
	f, err := decodeFrame(1, sealed(&b, header{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []uint32{0, 1, 63, 64, 65, 500, 999, 1000, 5000} {
		recs, next, _ := f.read(from, 10, 1<<20, false, nil)
		want := min(10, 1000-int(min(from, 1000)))
		if len(recs) != want || next != from+uint32(want) {
			t.Fatalf("from %d: %d records, next %d", from, len(recs), next)
		}
		for i, r := range recs {
			n := int(from) + i
			if r.Key[0] != byte(n) || len(r.Data) != n%50 {
				t.Fatalf("from %d: record %d is %v", from, i, r)
			}
		}
	}
}

func FuzzDecodeFrame(f *testing.F) {
	f.Add(example())
	var b Batch
	for i := range 200 {
		b.Add([]byte(fmt.Sprint(i)), make([]byte, i))
	}
	f.Add(slices.Clone(sealed(&b, header{time: -1})))
	f.Add([]byte("BMF1"))
	f.Fuzz(func(t *testing.T, buf []byte) {
		try := func(buf []byte) {
			fr, err := decodeFrame(1, buf)
			if err != nil {
				if !errors.Is(err, ErrCorrupt) {
					t.Fatal(err)
				}
				return
			}
			recs, next, _ := fr.read(0, 1<<30, 1<<30, false, nil)
			if next != fr.count || uint32(len(recs)) != fr.count {
				t.Fatalf("%d records, next %d, of %d", len(recs), next, fr.count)
			}
		}
		try(buf)
		if len(buf) >= headerSize { // behind the checksum too
			fixed := slices.Clone(buf)
			copy(fixed, frameMagic)
			fixSum(fixed)
			try(fixed)
		}
	})
}

func fixSum(frame []byte) {
	binary.LittleEndian.PutUint32(frame[4:], crc32.Checksum(frame[8:], castagnoli))
}
