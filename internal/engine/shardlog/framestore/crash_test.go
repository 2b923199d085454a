package framestore

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// faultyDisk remembers what is durable, and fails now and then.
type faultyDisk struct {
	mu     sync.Mutex
	r      *rand.Rand
	fails  bool
	synced map[string][]byte // content of each file, by number, as it was last synced
	names  map[string]bool   // numbers of the files whose names are durable
}

func numberOf(path string) string {
	base := filepath.Base(path)
	return base[:len(base)-len(filepath.Ext(base))]
}

func (d *faultyDisk) disk() disk {
	return disk{
		write: func(f *os.File, offset int64, header, data []byte) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if offset == 0 { // a new file, perhaps of a number that was removed
				delete(d.synced, numberOf(f.Name()))
				delete(d.names, numberOf(f.Name()))
			}
			if d.fails && d.r.IntN(20) == 0 {
				b := append(slices.Clone(header), data...)
				f.WriteAt(b[:d.r.IntN(len(b))], offset)
				return syscall.ENOSPC
			}
			return writeAt(f, offset, header, data)
		},
		sync: func(f *os.File) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.fails && d.r.IntN(6) == 0 {
				return syscall.EIO
			}
			info, err := f.Stat()
			if err != nil {
				return err
			}
			b := make([]byte, info.Size())
			f.ReadAt(b, 0)
			d.synced[numberOf(f.Name())] = b
			return nil
		},
		syncDir: func(dir string) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.fails && d.r.IntN(10) == 0 {
				return syscall.EIO
			}
			files, err := os.ReadDir(dir)
			d.names = make(map[string]bool)
			for _, f := range files {
				d.names[numberOf(f.Name())] = true
			}
			return err
		},
	}
}

// losePower makes of a directory what a loss of power may leave of it.
func (d *faultyDisk) losePower(t *testing.T, dir string) {
	files, err := os.ReadDir(dir)
	check(t, err)
	there := make(map[string]bool)
	for _, f := range files {
		number := numberOf(f.Name())
		there[number] = true
		path := filepath.Join(dir, f.Name())
		now, err := os.ReadFile(path)
		check(t, err)
		if !d.names[number] && d.r.IntN(2) == 0 {
			check(t, os.Remove(path))
			continue
		}
		check(t, os.WriteFile(path, d.mix(d.synced[number], now), 0o600))
	}
	for _, number := range slices.Sorted(maps.Keys(d.synced)) {
		if !there[number] && d.names[number] && d.r.IntN(2) == 0 { // its removal was not durable
			check(t, os.WriteFile(filepath.Join(dir, number+packName), d.synced[number], 0o600))
		}
	}
}

// mix returns a file that was old when it was synced and has been written to since.
func (d *faultyDisk) mix(old, now []byte) []byte {
	size := min(len(old), len(now))
	if more := max(len(old), len(now)) - size; more > 0 {
		size += d.r.IntN(more + 1)
		if d.r.IntN(2) == 0 {
			size = len(now)
		}
	}
	b := make([]byte, size)
	grain := 1 << d.r.IntN(10)
	for i := 0; i < size; i += grain {
		how := d.r.IntN(3)
		for k := i; k < min(i+grain, size); k++ {
			var was, is byte
			if k < len(old) {
				was = old[k]
			}
			if k < len(now) {
				is = now[k]
			}
			switch {
			case k < len(old) && was == is || how == 0:
				b[k] = was
			case how == 1:
				b[k] = is
			}
		}
	}
	return b
}

// modelShard is what a shard has to have.
type modelShard struct {
	first  uint64
	maxAge time.Duration
	frames map[uint64][]byte
	ms     map[uint64]int64
	synced map[uint64]bool // durable
	dead   bool
}

// TestRandomOperations runs random operations against a model, over kills, losses of power and closes.
func TestRandomOperations(t *testing.T) {
	seeds := uint64(30)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			randomOperations(t, seed)
		})
	}
}

func randomOperations(t *testing.T, seed uint64) {
	r := random(seed + 100)
	dir := t.TempDir()
	d := &faultyDisk{r: random(seed + 1000), synced: make(map[string][]byte), names: make(map[string]bool)}
	model := make(map[uint64]*modelShard)
	var nextID uint64
	now := int64(1000)
	o := Options{PackBytes: int64(2000 + r.IntN(6000)), Now: func() time.Time { return time.UnixMilli(now) }, disk: d.disk()}
	s := open(t, dir, o)
	alive := func() uint64 {
		ids := slices.DeleteFunc(slices.Sorted(maps.Keys(model)), func(id uint64) bool { return model[id].dead })
		if len(ids) == 0 || len(ids) < 12 && r.IntN(8) == 0 {
			nextID++
			m := &modelShard{first: 1, frames: make(map[uint64][]byte), synced: make(map[uint64]bool), ms: make(map[uint64]int64)}
			if r.IntN(3) == 0 {
				m.maxAge = 30 * time.Millisecond
			}
			model[nextID] = m
			s.Attach(nextID, 1, m.maxAge)
			return nextID
		}
		return ids[r.IntN(len(ids))]
	}
	synced := func() {
		for _, m := range model {
			for seq := range m.frames {
				m.synced[seq] = true
			}
		}
	}
	// compare checks that all is there that must be, and nothing else. After a crash that which was not synced may be missing.
	compare := func(what string, crashed bool) {
		t.Helper()
		s.check(t)
		for id, m := range model {
			if m.dead {
				continue
			}
			got := all(t, s, id)
			for seq, data := range got {
				if seq < m.first || !bytes.Equal(data, m.frames[seq]) {
					t.Fatalf("%s: shard %d: wrong frame %d, first is %d", what, id, seq, m.first)
				}
			}
			var last uint64
			for seq := range m.frames {
				if must := !crashed || m.synced[seq]; must {
					last = max(last, seq)
					old := m.maxAge > 0 && m.ms[seq] < now-m.maxAge.Milliseconds()
					if seq >= m.first && got[seq] == nil && !old {
						t.Fatalf("%s: shard %d: frame %d is missing", what, id, seq)
					}
				}
			}
			f, ok, err := s.Last(id)
			check(t, err)
			if last > 0 && (!ok || f.Seq < last || !bytes.Equal(f.Data, m.frames[f.Seq])) {
				t.Fatalf("%s: shard %d: last is %d, %v, want %d", what, id, f.Seq, ok, last)
			}
			if crashed { // what is there now counts
				for seq := range m.frames {
					if seq >= m.first && got[seq] == nil || seq > f.Seq {
						delete(m.frames, seq)
						delete(m.synced, seq)
					}
				}
			}
		}
	}
	for range 6 {
		for range 150 {
			switch k := r.IntN(100); {
			case k < 70:
				id := alive()
				m := model[id]
				first, seq := s.Bounds(id)
				seq++
				if r.IntN(10) == 0 {
					seq++ // leaves a hole
				} else if r.IntN(5) == 0 {
					for h := first; h < seq; h++ {
						if m.frames[h] == nil {
							seq = h
							break
						}
					}
				}
				f := makeFrame(r, id, seq, r.IntN(r.IntN(1500)+1))
				now += r.Int64N(2)
				if err := s.Append(id, seq, now, f); err == nil {
					m.frames[seq], m.ms[seq] = f, now
				} else if !d.fails {
					t.Fatal(err)
				}
			case k < 80:
				err := s.Sync()
				if err == nil {
					synced()
				} else if !d.fails {
					t.Fatal(err)
				}
			case k < 88:
				id := alive()
				m := model[id]
				_, last := s.Bounds(id)
				if m.first <= last {
					m.first += r.Uint64N(last + 2 - m.first)
				}
				s.Trim(id, m.first)
			case k < 90:
				id := alive()
				model[id].dead = true
				s.Drop(id)
			case k < 95:
				if err := s.Collect(); err != nil && !d.fails {
					t.Fatal(err)
				}
			case k < 97:
				d.fails = r.IntN(2) == 0
			default:
				compare("running", false)
			}
		}
		how := r.IntN(3)
		what := []string{"closed", "killed", "power lost"}[how]
		crashed := how == 2
		d.fails = false
		was := dir
		switch how {
		case 0:
			if err := s.Close(); err == nil {
				synced()
			} else {
				t.Fatal(err)
			}
		default:
			dir = copyDir(t, was)
			if how == 2 {
				d.losePower(t, dir)
			}
			old := s
			old.disk, old.o.NoSync = disk{}.orDefault(), true // is not what the disk remembers
			old.Close()
		}
		d.names = make(map[string]bool)
		if how == 2 { // what is there now is what is on the disk
			d.synced = make(map[string][]byte)
			files, _ := os.ReadDir(dir)
			for _, f := range files {
				d.names[numberOf(f.Name())] = true
				d.synced[numberOf(f.Name())], _ = os.ReadFile(filepath.Join(dir, f.Name()))
			}
		} else {
			files, _ := os.ReadDir(dir)
			for _, f := range files { // a kill loses nothing; names are durable by the first sync
				d.names[numberOf(f.Name())] = true
			}
		}
		s = open(t, dir, o)
		for id, m := range model {
			if !m.dead {
				s.Attach(id, m.first, m.maxAge)
			}
		}
		s.Sweep()
		compare(what, crashed)
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		synced()
	}
	check(t, s.Close())
}

// FuzzOpen opens a directory with any bytes as a pack.
func FuzzOpen(f *testing.F) {
	dir, r := f.TempDir(), random(12)
	s, err := Open(dir, Options{Verify: verifyFrame, quiet: true})
	check(f, err)
	for id := range uint64(3) {
		s.Attach(id, 1, 0)
		for seq := uint64(1); seq < 4; seq++ {
			check(f, s.Append(id, seq, 1, makeFrame(r, id, seq, 20)))
		}
	}
	unsealed, err := os.ReadFile(s.path(1, packName))
	check(f, err)
	check(f, s.Close())
	sealed, err := os.ReadFile(s.path(1, packName))
	check(f, err)
	f.Add(unsealed, uint8(0))
	f.Add(sealed, uint8(0))
	f.Add(sealed, uint8(1))
	f.Add(sealed, uint8(3))
	f.Add(append(slices.Clone(sealed), sealed...), uint8(2))
	// With the last bit of how, the checksums are made to match, so that what is behind them is tried.
	f.Fuzz(func(t *testing.T, b []byte, how uint8) {
		b = slices.Clone(b)
		if how&1 != 0 {
			repair(b)
		}
		dir := t.TempDir()
		suffix := packName
		if how&2 != 0 {
			suffix = suspectName
		}
		check(t, os.WriteFile(filepath.Join(dir, "0000000000000001"+suffix), b, 0o600))
		s, err := Open(dir, Options{Verify: verifyFrame, NoSync: true, quiet: true})
		if err != nil {
			t.Fatal(err)
		}
		s.check(t)
		for _, id := range s.Shards() {
			s.Attach(id, 2, time.Second)
			first, _ := s.Bounds(id)
			if _, err := s.Read(id, first, 1000, 1<<20); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Last(id); err != nil {
				t.Fatal(err)
			}
			s.SeekTime(id, 1)
		}
		check(t, s.Collect())
		s.check(t)
		check(t, s.Close())
	})
}

// repair makes the checksums of a pack's header, its entries and its footer match.
func repair(b []byte) {
	if len(b) < packHeader+trailerSize {
		return
	}
	const id = 0x1234
	putPackHeader(b, id, 1)
	for at := packHeader; at+entryHeader <= len(b); at += alignment {
		if string(b[at:at+4]) == entryMagic {
			e := entryCRC(b[at:], id, int64(at))
			b[at+4], b[at+5], b[at+6], b[at+7] = byte(e), byte(e>>8), byte(e>>16), byte(e>>24)
		}
	}
	trailer := b[len(b)-trailerSize:]
	trailer[8], trailer[9] = 0x34, 0x12
	for i := 10; i < 16; i++ {
		trailer[i] = 0
	}
	if f, _, ok := parseTrailer(trailer, 1, int64(len(b))); ok {
		c := crc32.Checksum(b[f.at:len(b)-4], castagnoli)
		trailer[44], trailer[45], trailer[46], trailer[47] = byte(c), byte(c>>8), byte(c>>16), byte(c>>24)
	}
}
