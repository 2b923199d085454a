package framestore

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

func TestFullDisk(t *testing.T) {
	dir, r := t.TempDir(), random(7)
	left := 3000
	full := disk{write: func(f *os.File, offset int64, header, data []byte) error {
		b := append(slices.Clone(header), data...)
		if len(b) > left {
			f.WriteAt(b[:left], offset)
			return syscall.ENOSPC
		}
		left -= len(b)
		return writeAt(f, offset, header, data)
	}}
	s := open(t, dir, Options{PackBytes: 2000, disk: full})
	s.Attach(1, 1, 0)
	want := make(map[uint64][]byte)
	for seq := uint64(1); seq < 100; {
		f := makeFrame(r, 1, seq, r.IntN(200))
		if err := s.Append(1, seq, 1, f); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			if s.Has(1, seq) {
				t.Fatal("has what was refused")
			}
			left += r.IntN(500)
			check(t, s.Sync())
			continue
		}
		want[seq] = f
		seq++
	}
	for _, dir := range []string{dir, copyDir(t, dir)} {
		if got := all(t, s, 1); !reflect.DeepEqual(got, want) {
			t.Fatalf("%d frames, want %d", len(got), len(want))
		}
		s.Close()
		s = open(t, dir, Options{PackBytes: 2000})
	}
}

func TestFailingSync(t *testing.T) {
	for _, nth := range []int{1, 2} { // how many syncs fail each time
		dir, r := t.TempDir(), random(8)
		fail := 0
		d := disk{sync: func(f *os.File) error {
			if fail > 0 {
				fail--
				return syscall.EIO
			}
			return nil
		}}
		s := open(t, dir, Options{PackBytes: 1000, disk: d})
		s.Attach(1, 1, 0)
		want := make(map[uint64][]byte)
		seq := uint64(0)
		add := func(n int) {
			for range n {
				seq++
				want[seq] = makeFrame(r, 1, seq, 50)
				check(t, s.Append(1, seq, 1, want[seq]))
			}
		}
		same := func() {
			t.Helper()
			if got := all(t, s, 1); !reflect.DeepEqual(got, want) {
				t.Fatalf("%d frames, want %d", len(got), len(want))
			}
		}
		add(4)
		check(t, s.Sync())
		add(2)
		fail = nth
		err := s.Sync()
		if nth == 1 && err != nil || nth == 2 && (!errors.Is(err, ErrSuspect) || !errors.Is(err, syscall.EIO)) {
			t.Fatal(err)
		}
		same()
		killed := copyDir(t, dir)
		if nth == 2 {
			if names, _ := filepath.Glob(killed + "/*.suspect"); len(names) != 1 {
				t.Fatal(names)
			}
		}
		add(20)
		check(t, s.Sync())
		same()
		if names, _ := filepath.Glob(dir + "/*.suspect"); len(names) != 0 {
			t.Fatal(names)
		}
		check(t, s.Close())
		s = open(t, dir, Options{})
		same()
		s = open(t, killed, Options{})
		if names, _ := filepath.Glob(killed + "/*.suspect"); len(names) != 0 {
			t.Fatal(names)
		}
		if got := all(t, s, 1); len(got) != 6 {
			t.Fatal(len(got))
		}
	}
}

func TestFailingSyncOfDirectory(t *testing.T) {
	dir, r := t.TempDir(), random(9)
	fail := 2
	s := open(t, dir, Options{disk: disk{syncDir: func(string) error {
		if fail > 0 {
			fail--
			return syscall.EIO
		}
		return nil
	}}})
	s.Attach(1, 1, 0)
	check(t, s.Append(1, 1, 1, makeFrame(r, 1, 1, 5)))
	if err := s.Sync(); !errors.Is(err, ErrSuspect) {
		t.Fatal(err)
	}
	check(t, s.Sync())
	if s.packs[0] != nil || s.active.number < 2 || !s.Has(1, 1) {
		t.Fatal("was not healed")
	}
}

// Calls of Sync at the same time share a sync, and none returns before what was appended is synced.
func TestSharedSync(t *testing.T) {
	var syncs atomic.Int64
	s := open(t, t.TempDir(), Options{disk: disk{sync: func(f *os.File) error { syncs.Add(1); return nil }}})
	var wg sync.WaitGroup
	for id := range uint64(8) {
		s.Attach(id, 1, 0)
		wg.Go(func() {
			r := random(id)
			for seq := uint64(1); seq <= 50; seq++ {
				if err := s.Append(id, seq, 1, makeFrame(r, id, seq, 10)); err != nil {
					t.Error(err)
				}
				s.mu.RLock()
				end := s.active.end
				s.mu.RUnlock()
				if err := s.Sync(); err != nil {
					t.Error(err)
				}
				s.mu.RLock()
				if s.active.synced < end {
					t.Error("not synced")
				}
				s.mu.RUnlock()
			}
		})
	}
	wg.Wait()
	if n := syncs.Load(); n > 400 {
		t.Errorf("%d syncs", n)
	}
}

// Readers, trims, syncs that may fail, and compaction at the same time.
func TestConcurrent(t *testing.T) {
	t.Run("healthy", func(t *testing.T) { concurrent(t, 0) })
	t.Run("failing", func(t *testing.T) { concurrent(t, 4) })
}

// Each failing-th sync fails, and now and then two of them in a row.
func concurrent(t *testing.T, failing int64) {
	dir := t.TempDir()
	var syncs atomic.Int64
	s := open(t, dir, Options{PackBytes: 8 << 10, disk: disk{sync: func(f *os.File) error {
		if n := syncs.Add(1); failing > 0 && (n%failing == 0 || n%(5*failing) == 1) {
			return syscall.EIO
		}
		return nil
	}}})
	const shards = 6
	var wg, appends sync.WaitGroup
	var stop atomic.Bool
	for id := range uint64(shards) {
		s.Attach(id, 1, 0)
		appends.Go(func() {
			r := random(id)
			for seq := uint64(1); seq <= 300; seq++ {
				if err := s.Append(id, seq, int64(seq), makeFrame(r, id, seq, r.IntN(300))); err != nil {
					t.Error(err)
				}
				if id%2 == 0 && seq > 20 && seq%7 == 0 {
					s.Trim(id, seq-20)
				}
			}
		})
		wg.Go(func() {
			for seq := uint64(0); !stop.Load(); {
				frames, err := s.Read(id, seq, 5, 1000)
				if err != nil {
					t.Error(err)
				}
				for _, f := range frames {
					if verifyFrame(f.Seq, f.Data) != nil || binary.LittleEndian.Uint64(f.Data[4:]) != id {
						t.Errorf("shard %d: wrong frame %d", id, f.Seq)
					}
					if id%2 == 1 && seq > 0 && f.Seq != seq {
						t.Errorf("shard %d: read %d, want %d", id, f.Seq, seq)
					}
					seq = f.Seq + 1
				}
				if len(frames) == 0 {
					seq = 0
				}
				if _, _, err := s.Last(id); err != nil {
					t.Error(err)
				}
				s.SeekTime(id, int64(seq))
			}
		})
	}
	wg.Go(func() {
		for !stop.Load() {
			if err := s.Collect(); err != nil && !(failing > 0 && errors.Is(err, ErrSuspect)) {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for !stop.Load() {
			if err := s.Sync(); err != nil && !(failing > 0 && errors.Is(err, ErrSuspect)) {
				t.Error(err)
			}
		}
	})
	appends.Wait()
	stop.Store(true)
	wg.Wait()
	failing = 0
	check(t, s.Sync())
	check(t, s.Collect())
	s.check(t)
	if bytes, _ := s.Usage(); bytes > 2*3*300*250 {
		t.Errorf("%d bytes", bytes)
	}
	for id := range uint64(shards) {
		want := 300
		if id%2 == 0 {
			want = 300 - 294 + 20 + 1
		}
		if got := all(t, s, id); len(got) != want {
			t.Errorf("shard %d: %d frames, want %d", id, len(got), want)
		}
	}
}

// TestCompactionLeavesSpace compacts nothing where the disk has no room to spare for the copies, and removes what is empty.
func TestCompactionLeavesSpace(t *testing.T) {
	dir, r := t.TempDir(), random(17)
	var free atomic.Uint64
	s := open(t, dir, Options{PackBytes: 2000, disk: disk{free: func(string) (uint64, error) { return free.Load(), nil }}})
	s.Attach(1, 1, 0)
	s.Attach(2, 1, 0)
	want := make(map[uint64][]byte)
	for seq := uint64(1); seq <= 100; seq++ {
		f := makeFrame(r, 1, seq, 100)
		check(t, s.Append(1, seq, 1, f))
		if seq%20 == 0 {
			f := makeFrame(r, 2, seq, 100)
			check(t, s.Append(2, seq, 1, f))
			want[seq] = f
		}
	}
	check(t, s.Sync())
	s.Trim(1, 101)
	check(t, s.Collect())
	before, _ := s.Usage()
	for range 3 {
		check(t, s.Collect())
	}
	if now, packs := s.Usage(); now != before || packs < len(want) {
		t.Errorf("%d bytes in %d packs, before %d", now, packs, before)
	}
	free.Store(1 << 40)
	check(t, s.Collect())
	if now, _ := s.Usage(); now > before/2 {
		t.Errorf("%d bytes with room, before %d", now, before)
	}
	if got := all(t, s, 2); !reflect.DeepEqual(got, want) {
		t.Errorf("%d frames, want %d", len(got), len(want))
	}
}
