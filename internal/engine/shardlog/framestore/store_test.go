package framestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// makeFrame returns a frame that verifies, with the shard and sequence in it.
func makeFrame(r *rand.Rand, shard, seq uint64, size int) []byte {
	b := make([]byte, 20+size)
	binary.LittleEndian.PutUint64(b[4:], shard)
	binary.LittleEndian.PutUint64(b[12:], seq)
	for i := 20; i < len(b); i++ {
		b[i] = byte(r.Uint32())
	}
	binary.LittleEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	return b
}

func verifyFrame(seq uint64, b []byte) error {
	if len(b) < 20 || binary.LittleEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) || binary.LittleEndian.Uint64(b[12:]) != seq {
		return errors.New("bad frame")
	}
	return nil
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	if o.Verify == nil {
		o.Verify = verifyFrame
	}
	o.quiet = true
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// all returns what can be read of a shard.
func all(t testing.TB, s *Store, id uint64) map[uint64][]byte {
	t.Helper()
	got := make(map[uint64][]byte)
	for seq := uint64(0); ; {
		frames, err := s.Read(id, seq, 7, 1<<20)
		check(t, err)
		if len(frames) == 0 {
			return got
		}
		for _, f := range frames {
			if f.Seq < seq {
				t.Fatalf("shard %d: read %d at or after %d", id, f.Seq, seq)
			}
			seq = f.Seq + 1
			got[f.Seq] = f.Data
		}
	}
}

func copyDir(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	check(t, os.CopyFS(to, os.DirFS(dir)))
	return to
}

func TestRoundTrip(t *testing.T) {
	dir, r := t.TempDir(), random(1)
	s := open(t, dir, Options{PackBytes: 8 << 10})
	want := make(map[uint64]map[uint64][]byte)
	for id := range uint64(30) {
		s.Attach(id, 1, 0)
		want[id] = make(map[uint64][]byte)
	}
	for range 1000 {
		id := r.Uint64N(30)
		seq := uint64(len(want[id]) + 1)
		f := makeFrame(r, id, seq, r.IntN(300))
		check(t, s.Append(id, seq, int64(seq)*10, f))
		want[id][seq] = slices.Clone(f)
		clear(f) // the caller's again
		if r.IntN(50) == 0 {
			check(t, s.Sync())
		}
	}
	same := func(s *Store, what string) {
		t.Helper()
		for id := range want {
			if got := all(t, s, id); !reflect.DeepEqual(got, want[id]) {
				t.Fatalf("%s: shard %d: read %d frames, want %d", what, id, len(got), len(want[id]))
			}
			last := uint64(len(want[id]))
			if a, b := s.Bounds(id); a != 1 || b != last {
				t.Fatalf("%s: bounds %d, %d, want 1, %d", what, a, b, last)
			}
			if f, ok, err := s.Last(id); err != nil || !ok || f.Seq != last || !bytes.Equal(f.Data, want[id][last]) {
				t.Fatalf("%s: last is %d, %v, %v", what, f.Seq, ok, err)
			}
			for ms := range int64(last*10 + 12) {
				if got, want := s.SeekTime(id, ms), min(max(uint64(ms+9)/10, 1), last+1); got != want {
					t.Fatalf("%s: sequence at %d is %d, want %d", what, ms, got, want)
				}
			}
		}
	}
	same(s, "open")
	killed := copyDir(t, dir)
	check(t, s.Close())
	if err := s.Append(1, 10000, 0, nil); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if _, err := s.Read(1, 1, 1, 1); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if err := s.Sync(); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	for what, dir := range map[string]string{"closed": dir, "killed": killed} {
		s := open(t, dir, Options{PackBytes: 8 << 10})
		if n := len(s.Shards()); n != 30 {
			t.Fatalf("%d shards", n)
		}
		same(s, what)
		for _, p := range s.packs {
			if !p.sealed {
				t.Fatalf("%s: pack %d is not sealed", what, p.number)
			}
		}
		s.Attach(3, 1, 0)
		s.Sweep()
		if got := s.Shards(); !slices.Equal(got, []uint64{3}) {
			t.Fatal(got)
		}
	}
}

func TestReadLimits(t *testing.T) {
	s, r := open(t, t.TempDir(), Options{PackBytes: 1000}), random(2)
	s.Attach(1, 1, 0)
	for _, seq := range []uint64{1, 2, 5, 6, 9, 4} {
		check(t, s.Append(1, seq, 5, makeFrame(r, 1, seq, 80)))
	}
	check(t, s.Append(1, 10, 5, makeFrame(r, 1, 10, 4000))) // more than a pack
	for _, synced := range []bool{false, true} {
		for _, c := range []struct {
			seq         uint64
			n, maxBytes int
			want        []uint64
		}{
			{0, 10, 1 << 20, []uint64{1, 2, 4, 5, 6, 9, 10}},
			{3, 2, 1 << 20, []uint64{4, 5}},
			{2, 10, 300, []uint64{2, 4, 5}},
			{2, 10, 0, []uint64{2}},
			{10, 10, 0, []uint64{10}},
			{7, 0, 1000, []uint64{9}},
			{11, 10, 1000, nil},
		} {
			frames, err := s.Read(1, c.seq, c.n, c.maxBytes)
			check(t, err)
			var got []uint64
			for _, f := range frames {
				got = append(got, f.Seq)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("synced %v: read %d, %d, %d: %d, want %d", synced, c.seq, c.n, c.maxBytes, got, c.want)
			}
		}
		check(t, s.Sync())
	}
	if s.Has(1, 3) || !s.Has(1, 4) || s.Has(2, 1) {
		t.Error("has what it has not")
	}
	for _, seq := range []uint64{0, 4, 1 << 63} {
		if err := s.Append(1, seq, 0, makeFrame(r, 1, seq, 1)); err == nil {
			t.Errorf("appended %d", seq)
		}
	}
	if err := s.Append(2, 1, 0, nil); err == nil {
		t.Error("appended to a shard that is not attached")
	}
	if frames, err := s.Read(2, 1, 1, 1); err != nil || frames != nil {
		t.Error(frames, err)
	}
}

// Whatever a tail is cut to, what stands before it is there.
func TestTornTail(t *testing.T) {
	dir, r := t.TempDir(), random(3)
	s := open(t, dir, Options{})
	s.Attach(1, 1, 0)
	want := make(map[uint64][]byte)
	var ends []int64
	for seq := uint64(1); seq <= 5; seq++ {
		want[seq] = makeFrame(r, 1, seq, 30+int(seq))
		check(t, s.Append(1, seq, 1, want[seq]))
		ends = append(ends, s.active.end)
	}
	image, err := os.ReadFile(s.active.path)
	check(t, err)
	for cut := ends[2]; cut <= int64(len(image)); cut++ {
		for _, zero := range []bool{false, true} {
			b := slices.Clone(image[:cut])
			if zero {
				b = append(b, make([]byte, int64(len(image))-cut)...)
			}
			dir := t.TempDir()
			check(t, os.WriteFile(filepath.Join(dir, filepath.Base(s.active.path)), b, 0o600))
			s := open(t, dir, Options{NoSync: true})
			got := all(t, s, 1)
			n := 3
			for seq := uint64(4); seq <= 5; seq++ {
				// The entry is whole when its frame is; padding does not count.
				if start := ends[seq-2]; cut >= start+entryHeader+int64(len(want[seq])) || zero && bytes.Equal(b[start:], image[start:]) {
					n++
				}
			}
			if len(got) != n {
				t.Fatalf("cut at %d: %d frames, want %d", cut, len(got), n)
			}
			for seq, data := range got {
				if !bytes.Equal(data, want[seq]) {
					t.Fatalf("cut at %d: wrong frame", cut)
				}
			}
			s.Close()
		}
	}
}

// A flipped bit takes one frame at most of a pack that was scanned, and never makes another one of it.
func TestFlippedBits(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		dir, r := t.TempDir(), random(4)
		s := open(t, dir, Options{})
		want := make(map[[2]uint64][]byte)
		for seq := uint64(1); seq <= 4; seq++ {
			for id := uint64(1); id <= 2; id++ {
				s.Attach(id, 1, 0)
				want[[2]uint64{id, seq}] = makeFrame(r, id, seq, 10)
				check(t, s.Append(id, seq, 1, want[[2]uint64{id, seq}]))
			}
		}
		if sealed {
			check(t, s.Close())
		}
		name := s.path(1, packName)
		image, err := os.ReadFile(name)
		check(t, err)
		for at := range image {
			b := slices.Clone(image)
			b[at] ^= 1 << (at % 8)
			dir := t.TempDir()
			check(t, os.WriteFile(filepath.Join(dir, filepath.Base(name)), b, 0o600))
			var reported atomic.Int64
			s := open(t, dir, Options{NoSync: true, Report: func(error) { reported.Add(1) }})
			n := 0
			for id := uint64(1); id <= 2; id++ {
				for seq, data := range all(t, s, id) {
					if verifyFrame(seq, data) != nil {
						continue
					}
					if !bytes.Equal(data, want[[2]uint64{id, seq}]) {
						t.Fatalf("sealed %v: bit in byte %d: wrong frame %d of shard %d", sealed, at, seq, id)
					}
					n++
				}
			}
			if n < 7 && (at >= packHeader || sealed) {
				t.Fatalf("sealed %v: bit in byte %d: %d frames", sealed, at, n)
			}
			if !sealed && at < 28 && reported.Load() == 0 {
				t.Fatalf("byte %d: a damaged pack was not reported", at)
			}
			s.Close()
		}
	}
}

// What looks like an entry inside a frame is none.
func TestForgedEntries(t *testing.T) {
	dir, r := t.TempDir(), random(5)
	s := open(t, dir, Options{})
	s.Attach(1, 1, 0)
	inner := makeFrame(r, 1, 9, 50)
	var forged []byte
	for at := range int64(60) { // for another pack's id
		e := make([]byte, entryHeader)
		entry{1, 9, 1, uint32(len(inner))}.put(e, s.number+1, packHeader+at*8)
		forged = append(forged, append(e, inner...)...)
		forged = append(forged, make([]byte, align(int64(len(forged)))-int64(len(forged)))...)
	}
	// The frame is not whole, so that the scan looks into it.
	check(t, s.Append(1, 1, 1, append(make([]byte, 24), forged...)))
	check(t, s.Append(1, 2, 1, makeFrame(r, 1, 2, 5)))
	s = open(t, copyDir(t, dir), Options{})
	if got := all(t, s, 1); len(got) != 1 || got[2] == nil {
		t.Fatalf("read %d frames", len(got))
	}
}

// The last frame says where the sequence goes on, whatever happens to it.
func TestAnchors(t *testing.T) {
	dir, r := t.TempDir(), random(6)
	now := time.UnixMilli(1000)
	o := Options{PackBytes: 4000, Now: func() time.Time { return now }}
	s := open(t, dir, o)
	anchors := make(map[uint64][]byte)
	for id := range uint64(3) {
		s.Attach(id, 1, time.Second)
		for seq := uint64(1); seq <= 20; seq++ {
			anchors[id] = makeFrame(r, id, seq, 500)
			check(t, s.Append(id, seq, 1000, anchors[id]))
		}
	}
	check(t, s.Append(0, 21, 5000, makeFrame(r, 0, 21, 500)))
	s.Trim(1, 30)
	now = time.UnixMilli(3000)
	for round := range 4 {
		check(t, s.Collect())
		for id := uint64(1); id < 3; id++ {
			if a, b := s.Bounds(id); a != 21 || b != 20 {
				t.Fatalf("round %d: bounds %d, %d", round, a, b)
			}
			if f, ok, err := s.Last(id); err != nil || !ok || f.Seq != 20 || !bytes.Equal(f.Data, anchors[id]) {
				t.Fatalf("round %d: last of %d is %d, %v, %v", round, id, f.Seq, ok, err)
			}
			if got := all(t, s, id); len(got) != 0 {
				t.Fatalf("round %d: read %d", round, len(got))
			}
			if got := s.SeekTime(id, 0); got != 21 {
				t.Fatal(got)
			}
		}
		if a, b := s.Bounds(0); a < 20 || b != 21 { // goes by run
			t.Fatalf("round %d: bounds %d, %d", round, a, b)
		}
		if bytes, _ := s.Usage(); bytes > 10000 {
			t.Fatalf("round %d: %d bytes left", round, bytes)
		}
		if round%2 == 0 {
			check(t, s.Close())
		} else {
			dir = copyDir(t, dir)
		}
		s = open(t, dir, o)
		s.Attach(0, 1, time.Second)
		s.Attach(1, 30, time.Second)
		s.Attach(2, 1, time.Second)
		s.Sweep()
	}
	check(t, s.Collect())
	check(t, s.Append(2, 21, 3000, makeFrame(r, 2, 21, 5)))
	if a, b := s.Bounds(2); a != 21 || b != 21 {
		t.Fatalf("bounds %d, %d", a, b)
	}
	s.Drop(0)
	s.Drop(1)
	check(t, s.Sync())
	check(t, s.Close())
	s = open(t, dir, o)
	s.Attach(2, 1, 0)
	s.Sweep()
	check(t, s.Collect())
	if _, packs := s.Usage(); packs > 2 {
		t.Fatalf("%d packs", packs)
	}
}

// check compares what the store counts with what there is.
func (s *Store) check(t testing.TB) {
	t.Helper()
	s.mu.RLock()
	defer s.mu.RUnlock()
	runs, live := make(map[uint32]int), make(map[uint32]int64)
	for id, sh := range s.shards {
		for i, r := range sh.runs {
			if i > 0 && sh.runs[i-1].end() > r.first || r.count == 0 {
				t.Fatalf("shard %d: runs overlap", id)
			}
			runs[r.pack]++
			live[r.pack] += int64(r.units)
			p := s.packs[r.pack]
			if p == nil {
				t.Fatalf("shard %d: pack was removed", id)
			}
			if !p.sealed {
				if o := p.open[r.ref]; o.dead || o.pending || o.first != r.first || len(o.refs) != int(r.count) || o.shard != id {
					t.Fatalf("shard %d: open run %+v does not match %+v", id, o, r)
				}
			} else if r.ref+r.count > p.footer.refs {
				t.Fatalf("shard %d: run behind the footer", id)
			}
		}
	}
	for _, p := range s.packs {
		if p != nil && (p.runs != runs[p.key] || p.live != live[p.key] || p.pending != 0) {
			t.Fatalf("pack %d: %d runs, %d live, want %d, %d; %d pending", p.number, p.runs, p.live, runs[p.key], live[p.key], p.pending)
		}
	}
}

// Files that are no packs are kept, unless nothing was ever in them.
func TestOtherFiles(t *testing.T) {
	dir, r := t.TempDir(), random(10)
	write := func(name string, b []byte) { check(t, os.WriteFile(filepath.Join(dir, name), b, 0o600)) }
	write("0000000000000001.pack", []byte("something else altogether"))
	write("0000000000000002.pack", nil)
	write("0000000000000003.pack", append(make([]byte, 4096), "BMP1 some"...))
	write("0000000000000004.damaged", nil)
	write("5.pack", nil)
	write("notes", nil)
	check(t, os.Mkdir(filepath.Join(dir, "0000000000000007.pack"), 0o700))
	write("0000000000000005.pack", make([]byte, 100))
	var reports atomic.Int64 // packs are read by several goroutines
	s := open(t, dir, Options{Report: func(error) { reports.Add(1) }})
	s.Attach(1, 1, 0)
	check(t, s.Append(1, 1, 1, makeFrame(r, 1, 1, 1)))
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := "[0000000000000001.damaged 0000000000000002.damaged 0000000000000003.damaged 0000000000000004.damaged " +
		"0000000000000006.pack 0000000000000007.pack 5.pack notes] 3"
	if got := fmt.Sprint(names, reports.Load()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Of two frames of one sequence that of the later pack counts.
func TestLaterPackCounts(t *testing.T) {
	r := random(13)
	early, late := t.TempDir(), t.TempDir()
	a, b := open(t, early, Options{}), open(t, late, Options{})
	b.number = 1
	want := make(map[uint64][]byte)
	a.Attach(1, 1, 0)
	b.Attach(1, 1, 0)
	for seq := uint64(1); seq <= 10; seq++ {
		want[seq] = makeFrame(r, 1, seq, 50)
		check(t, a.Append(1, seq, 1, want[seq]))
	}
	for _, seq := range []uint64{3, 4, 7, 10, 11} {
		want[seq] = makeFrame(r, 1, seq, 10)
		check(t, b.Append(1, seq, 1, want[seq]))
	}
	unsealed := []string{copyDir(t, early), copyDir(t, late)}
	check(t, a.Close())
	check(t, b.Close())
	for _, dir := range []string{early, late} {
		check(t, os.Remove(filepath.Join(dir, manifestName))) // they are put together below
	}
	for i, first := range []string{early, unsealed[0]} {
		for k, second := range []string{late, unsealed[1]} {
			dir := copyDir(t, first)
			check(t, os.CopyFS(dir, os.DirFS(second)))
			for round := range 2 {
				s := open(t, dir, Options{})
				if got := all(t, s, 1); !reflect.DeepEqual(got, want) {
					t.Errorf("%d, %d, round %d: %d frames, want %d", i, k, round, len(got), len(want))
				}
				s.check(t)
				check(t, s.Close())
			}
		}
	}
}

// A pack with a damaged frame is not compacted, and its other frames stay readable.
func TestDamagedFrameStays(t *testing.T) {
	dir, r := t.TempDir(), random(11)
	var reports atomic.Int64 // packs are read by several goroutines
	o := Options{PackBytes: 4000, Report: func(error) { reports.Add(1) }}
	s := open(t, dir, o)
	s.Attach(1, 1, 0)
	for seq := uint64(1); seq <= 10; seq++ {
		check(t, s.Append(1, seq, 1, makeFrame(r, 1, seq, 200)))
	}
	check(t, s.Close())
	name := s.path(1, packName)
	b, err := os.ReadFile(name)
	check(t, err)
	b[packHeader+8*(entryHeader+224)+100] ^= 1 // of the ninth
	check(t, os.WriteFile(name, b, 0o600))
	s = open(t, dir, o)
	s.Attach(1, 8, 0)
	check(t, s.Collect())
	check(t, s.Collect())
	if reports.Load() != 1 {
		t.Errorf("%d reports", reports.Load())
	}
	got := all(t, s, 1)
	if len(got) != 3 || verifyFrame(8, got[8]) != nil || verifyFrame(9, got[9]) == nil || verifyFrame(10, got[10]) != nil {
		t.Errorf("%d frames", len(got))
	}
}
