package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/testdir"
)

// store is what a journal protects: it takes messages at once, and has synced some.
type store struct {
	held   sync.Mutex // by a test, so that checkpoints wait
	mu     sync.Mutex
	taken  map[string]uint64
	synced map[string]uint64
	broken bool
}

func newStore() *store { return &store{taken: map[string]uint64{}, synced: map[string]uint64{}} }

func (s *store) checkpoint(_ uint64, streams []string) error {
	s.held.Lock()
	defer s.held.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return errors.New("the store is broken")
	}
	for _, name := range streams {
		s.synced[name] = s.taken[name]
	}
	return nil
}

func message(stream string, seq uint64) Entry {
	r := rand.New(rand.NewPCG(uint64(len(stream))<<8|uint64(stream[0]), seq))
	data := make([]byte, 1+r.IntN(3000))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return Entry{Stream: stream, Born: 7, Subject: "s." + stream, Seq: seq, Data: data}
}

// fill appends messages to every stream, each by a goroutine of its own, and waits until
// they are durable.
func (s *store) fill(t testing.TB, j *Journal, streams []string, n int) {
	t.Helper()
	var all sync.WaitGroup
	for _, name := range streams {
		all.Go(func() {
			var acks sync.WaitGroup
			for range n {
				s.mu.Lock()
				s.taken[name]++
				seq := s.taken[name]
				s.mu.Unlock()
				acks.Add(1)
				j.Append(message(name, seq), func(err error) {
					if err != nil {
						t.Error(err)
					}
					acks.Done()
				})
			}
			acks.Wait()
		})
	}
	all.Wait()
}

// check reads the journal in the directory and finds in it whatever the store took and
// has not synced.
func (s *store) check(t testing.TB, dir string) {
	t.Helper()
	left, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, taken := range s.taken {
		next := s.synced[name] + 1
		err := left.Entries(StreamID{name, 7}, s.synced[name], func(e Entry) error {
			want := message(name, next)
			if e.Seq != next || e.Subject != want.Subject || !bytes.Equal(e.Data, want.Data) {
				return fmt.Errorf("%s: got message %d, want %d", name, e.Seq, next)
			}
			next++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if next != taken+1 {
			t.Fatalf("%s: messages from %d to %d are left, want up to %d", name, s.synced[name]+1, next-1, taken)
		}
	}
}

func copyDir(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	testdir.Copy(t, to, dir) // a checkpoint gives segments other names
	return to
}

func open(t testing.TB, dir string, o Options) *Journal {
	t.Helper()
	left, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	j, err := Open(left, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// TestLeft fills segments, loses the power at some moments, and finds what the store had
// not synced; then it goes on with a new journal in the same place.
func TestLeft(t *testing.T) {
	dir := t.TempDir()
	s := newStore()
	streams := []string{"a", "bb", "ccc"}
	for round := range 5 {
		j := open(t, dir, Options{Checkpoint: s.checkpoint, SegmentBytes: 64 << 10, Segments: 2 + round})
		for range 4 {
			s.fill(t, j, streams, 60)
			// A checkpoint waits meanwhile. One that fails would have appends fail until the next.
			s.held.Lock()
			s.check(t, copyDir(t, dir))
			s.held.Unlock()
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		for name := range s.taken {
			if s.synced[name] != s.taken[name] {
				t.Errorf("%s: synced up to %d of %d when the journal was closed", name, s.synced[name], s.taken[name])
			}
		}
		if left, err := Read(dir); err != nil || len(left.Streams()) > 0 {
			t.Errorf("a closed journal has left %v, %v", left.Streams(), err)
		}
		if files, _ := os.ReadDir(dir); len(files) > 1 {
			t.Errorf("a closed journal has left %d files", len(files))
		}
	}
}

// TestTorn cuts and changes the end of a journal: all before is read, and nothing of what
// is not whole.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	s := newStore()
	s.broken = true
	j := open(t, dir, Options{Checkpoint: s.checkpoint})
	s.fill(t, j, []string{"a"}, 50)
	if err := j.Close(); err == nil {
		t.Fatal("a journal of a store that does not sync closed without an error")
	}
	s.check(t, dir)
	generations, err := list(dir)
	if err != nil || len(generations) != 1 {
		t.Fatalf("%v, %v", generations, err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, fileName(generations[0])))
	if err != nil {
		t.Fatal(err)
	}
	var ends []int // of entries
	for off := 0; off < len(whole); {
		n, ok := length(whole[off:], generations[0])
		if !ok {
			t.Fatalf("no entry at %d", off)
		}
		off += n
		ends = append(ends, off)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		at := r.IntN(len(whole))
		torn := slices.Clone(whole)
		if r.IntN(2) == 0 {
			torn = torn[:at]
		} else {
			torn[at] ^= 1 << r.IntN(8)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fileName(generations[0])), torn, 0o600); err != nil {
			t.Fatal(err)
		}
		left, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := slices.BinarySearch(ends, at+1) // entries that end at or before the byte
		got := 0
		if all := left.Streams(); len(all) > 0 {
			got = int(all[0].Last)
		}
		if got != want {
			t.Fatalf("byte %d: %d entries, want %d", at, got, want)
		}
	}
}

// TestGenerations uses the same file again and again: what an older generation has left
// in it is never read.
func TestGenerations(t *testing.T) {
	dir := t.TempDir()
	s := newStore()
	for range 3 {
		j := open(t, dir, Options{Checkpoint: s.checkpoint})
		s.fill(t, j, []string{"a"}, 20)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, dir, Options{Checkpoint: s.checkpoint})
		s.mu.Lock()
		s.broken = true
		s.mu.Unlock()
		s.fill(t, j, []string{"a"}, 1)
		j.Close()
		left, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		last := s.taken["a"]
		if all := left.Streams(); len(all) != 1 || all[0].First != last || all[0].Last != last {
			t.Fatalf("left %+v, want message %d alone", all, last)
		}
		s.broken = false
	}
}

// TestAdd reports what counts of entries that come in an order that a store which lost
// messages, or synced by itself, makes.
func TestAdd(t *testing.T) {
	const mark = true
	type entry struct {
		seq  uint64
		mark bool
	}
	for _, c := range []struct {
		name        string
		entries     []entry
		first, last uint64
	}{
		{"consecutive", []entry{{seq: 5}, {seq: 6}, {seq: 7}}, 5, 7},
		{"rewritten", []entry{{seq: 5}, {seq: 6}, {seq: 7}, {seq: 6}}, 5, 6},
		{"rewritten from before", []entry{{seq: 5}, {seq: 6}, {seq: 3}}, 3, 3},
		{"mark in between", []entry{{seq: 5}, {seq: 6}, {5, mark}, {seq: 7}}, 6, 7},
		{"mark at the end", []entry{{seq: 5}, {seq: 6}, {6, mark}}, 0, 0},
		{"mark behind the end", []entry{{seq: 5}, {8, mark}, {seq: 9}}, 9, 9},
		{"mark before", []entry{{seq: 5}, {3, mark}, {seq: 6}}, 5, 6},
		{"mark first", []entry{{4, mark}, {seq: 5}}, 5, 5},
		{"gap", []entry{{seq: 5}, {seq: 7}, {seq: 8}}, 5, 8},
		{"gap, and a mark in it", []entry{{seq: 5}, {seq: 7}, {6, mark}}, 7, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Left{streams: map[StreamID]*leftStream{}}
			for i, e := range c.entries {
				x := Entry{Stream: "a", Seq: e.seq, Data: []byte("x")}
				if e.mark {
					x.Data = nil
				}
				l.add(x, place{seq: e.seq, offset: int64(i)})
			}
			var got Stream
			if all := l.Streams(); len(all) > 0 {
				got = all[0]
			}
			if got.First != c.first || got.Last != c.last {
				t.Errorf("left %d to %d, want %d to %d", got.First, got.Last, c.first, c.last)
			}
		})
	}
}

// TestBehind lets the store fail: appends go on as long as there are segments, then they
// fail, and when the store is well again, so is the journal.
func TestBehind(t *testing.T) {
	s := newStore()
	s.broken = true
	j := open(t, t.TempDir(), Options{Checkpoint: s.checkpoint, SegmentBytes: streamBytes, Segments: 3})
	one := func() error {
		done := make(chan error)
		go j.Append(Entry{Stream: "a", Seq: 1, Data: make([]byte, streamBytes/4)}, func(err error) { done <- err })
		return <-done
	}
	n := 0
	for ; one() == nil; n++ {
		if n > 100 {
			t.Fatal("appends go on though nothing is synced")
		}
	}
	if n < 6 {
		t.Errorf("%d appends before the journal was full, want two segments of them", n)
	}
	s.mu.Lock()
	s.broken = false
	s.mu.Unlock()
	for deadline := time.Now().Add(time.Minute); one() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the journal does not come back")
		}
	}
}

// TestMark copies the journal while no sync of it ends, as a kill leaves it: each mark that was made is
// there. One behind an entry that is being synced is not made before that.
func TestMark(t *testing.T) {
	dir := t.TempDir()
	begun, end := make(chan struct{}), make(chan struct{})
	s := newStore()
	j := open(t, dir, Options{Checkpoint: s.checkpoint, sync: func(*os.File) error {
		begun <- struct{}{}
		<-end
		return nil
	}})
	held := func() uint64 {
		left, err := Read(copyDir(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		_, written := left.Held(StreamID{"a", 7})
		return written
	}
	j.Mark(Entry{Stream: "a", Born: 7, Seq: 1}) // returns, although the sync does not
	<-begun
	if n := held(); n != 1 {
		t.Errorf("a kill leaves the stream at %d, it was marked at 1", n)
	}
	made := make(chan struct{})
	go func() {
		j.Mark(Entry{Stream: "a", Born: 7, Seq: 2})
		if n := held(); n != 2 {
			t.Errorf("a kill leaves the stream at %d, it was marked at 2", n)
		}
		close(made)
	}()
	end <- struct{}{}
	<-begun
	<-made
	end <- struct{}{}
	closed := make(chan struct{})
	go func() { j.Close(); close(closed) }()
	<-closed
	j.Mark(Entry{Stream: "a", Born: 7, Seq: 3}) // nothing takes it, and nobody waits
}

// TestFailedIsGone lets writes fail now and then. Whoever is told of a failure finds nothing of
// the entry after a kill, nor of those that it added before it was told: the stream's next
// message may take the place of the first that failed.
func TestFailedIsGone(t *testing.T) {
	const entries = 2000
	dir := t.TempDir()
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(1, 9))
	s := newStore()
	s.broken = true // nothing goes
	j := open(t, dir, Options{Checkpoint: s.checkpoint, SegmentBytes: 64 << 10, Segments: 100, sync: func(*os.File) error {
		mu.Lock()
		defer mu.Unlock()
		if r.IntN(4) == 0 {
			return errors.New("the disk is full")
		}
		return nil
	}})
	next, under, failed := uint64(1), 0, 0
	done := make(chan struct{}, entries) // room for all: whoever is called back must not wait
	var acked []int                      // sizes of what was acknowledged, by sequence
	for range entries {
		mu.Lock()
		data := make([]byte, 1+r.IntN(3000))
		e := Entry{Stream: "a", Born: 7, Seq: next, Data: data}
		next++
		under++
		// As whoever has an order to keep, it adds while it holds the lock that its callback takes.
		j.Add(e, WaiterFunc(func(err error) {
			mu.Lock()
			defer mu.Unlock()
			under--
			switch {
			case err == nil && e.Seq != uint64(len(acked)+1):
				t.Errorf("message %d is durable, which follows one that failed", e.Seq)
			case err == nil:
				acked = append(acked, len(data))
			default:
				failed++
			}
			if under == 0 {
				next = uint64(len(acked)) + 1
			}
			done <- struct{}{}
		}))
		mu.Unlock()
		if len(data)%3 == 0 {
			<-done
		}
	}
	for mu.Lock(); under > 0; mu.Lock() {
		mu.Unlock()
		<-done
	}
	mu.Unlock()
	if failed == 0 || len(acked) == 0 {
		t.Fatalf("%d failed, %d did not", failed, len(acked))
	}
	left, err := Read(copyDir(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = left.Entries(StreamID{"a", 7}, 0, func(e Entry) error {
		if n++; e.Seq != uint64(n) || n > len(acked) || len(e.Data) != acked[n-1] {
			return fmt.Errorf("entry %d is message %d of %d bytes", n, e.Seq, len(e.Data))
		}
		return nil
	})
	if err != nil || n != len(acked) {
		t.Fatalf("%d of %d acknowledged messages are left: %v", n, len(acked), err)
	}
}

// TestClosed appends while the journal is closed: each append is told of an end.
func TestClosed(t *testing.T) {
	s := newStore()
	j := open(t, t.TempDir(), Options{Checkpoint: s.checkpoint})
	var told, appended sync.WaitGroup
	for w := range 4 {
		appended.Go(func() {
			for i := range 200 {
				told.Add(1)
				j.Append(message("a", uint64(w*1000+i)), func(err error) {
					if err != nil && !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					told.Done()
				})
				if w == 0 && i == 100 {
					go j.Close()
				}
			}
		})
	}
	appended.Wait()
	told.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func FuzzRead(f *testing.F) {
	e := message("a", 1)
	f.Add(e.appendTo(nil, 1))
	e.Data = nil
	f.Add(e.appendTo(e.appendTo(nil, 1), 1))
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fileName(1)), b, 0o600); err != nil {
			t.Fatal(err)
		}
		left, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range left.Streams() {
			n := uint64(0)
			if err := left.Entries(s.StreamID, 0, func(Entry) error { n++; return nil }); err != nil {
				t.Fatal(err)
			}
			if n == 0 || n > s.Last-s.First+1 {
				t.Errorf("%d entries of %d to %d", n, s.First, s.Last)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{300, 100 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			j := open(b, b.TempDir(), Options{Checkpoint: func(uint64, []string) error { return nil }})
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				e := Entry{Stream: "stream", Subject: "subject", Seq: 1, Data: make([]byte, size)}
				done := make(chan error, 1)
				for pb.Next() {
					j.Append(e, func(err error) { done <- err })
					if err := <-done; err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
