package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

var errDisk = errors.New("input/output error")

// failing is a disk whose syncs fail when it is told so.
type failing struct {
	mu     sync.Mutex
	fail   int      // this many syncs, from now on
	synced []string // names of files whose sync was tried
}

func (d *failing) sync(f *os.File) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced = append(d.synced, filepath.Base(f.Name()))
	if d.fail > 0 {
		d.fail--
		return errDisk
	}
	return nil
}

func (d *failing) next(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail, d.synced = n, nil
}

// appendOne appends an entry and waits for its outcome.
func appendOne(j *Journal, stream string, seq uint64) error {
	done := make(chan error, 1)
	j.Append(message(stream, seq), func(err error) { done <- err })
	return <-done
}

// entries are the sequences of a stream that a start would find.
func entries(t *testing.T, dir, stream string) []uint64 {
	t.Helper()
	left, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []uint64
	if err := left.Entries(StreamID{stream, 7}, 0, func(e Entry) error { all = append(all, e.Seq); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestFailureEnds appends while those are told whom a failed write has taken along: what comes
// then is not lost to the same failure, or steady appends would fail for ever.
func TestFailureEnds(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := &failing{fail: 1}
		j := open(t, dir, Options{Checkpoint: func(uint64, []string) error { return nil }, sync: d.sync})
		first, second, told := make(chan error, 1), make(chan error, 1), make(chan struct{})
		j.Append(message("a", 1), func(err error) {
			first <- err
			<-told
		})
		if err := <-first; !errors.Is(err, errDisk) {
			t.Fatalf("the append whose sync fails: %v", err)
		}
		go j.Append(message("a", 1), func(err error) { second <- err })
		synctest.Wait() // it is in a group by now, or waits until it may be
		close(told)
		if err := <-second; err != nil {
			t.Errorf("an append during the calls about another's failure: %v", err)
		}
		j.Close()
	})
}

// TestSuspect lets a sync fail and all later ones succeed, as a disk's do whose system has
// forgotten what it could not write. The segment is not touched any more; what failed is not
// found, what was acknowledged is, and in the end the file goes.
func TestSuspect(t *testing.T) {
	for _, failures := range []int{1, 2, 4} { // the segments that are to replace it fail, too
		dir := t.TempDir()
		d := &failing{}
		s := newStore()
		s.broken = true // nothing goes
		j := open(t, dir, Options{Checkpoint: s.checkpoint, Segments: 100, sync: d.sync})
		for _, name := range []string{"a", "b"} {
			if err := appendOne(j, name, 1); err != nil {
				t.Fatal(err)
			}
		}
		files, _ := list(dir)
		suspect := fileName(files[0])
		d.next(failures)
		if err := appendOne(j, "a", 2); !errors.Is(err, errDisk) {
			t.Fatalf("the append whose sync fails: %v", err)
		}
		if n := strings.Count(strings.Join(d.synced, " "), suspect); n != 1 {
			t.Errorf("%d syncs of the segment, one of which failed: %v", n, d.synced)
		}
		if err := appendOne(j, "b", 2); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(strings.Join(d.synced, " "), suspect); n != 1 {
			t.Errorf("the segment is written to after a failed sync: %v", d.synced)
		}
		killed := copyDir(t, dir)
		if a, b := entries(t, killed, "a"), entries(t, killed, "b"); !slices.Equal(a, []uint64{1}) || !slices.Equal(b, []uint64{1, 2}) {
			t.Errorf("after a kill there are %v and %v, want 1, and 1 and 2", a, b)
		}
		again := open(t, killed, Options{Checkpoint: func(uint64, []string) error { return nil }})
		if err := appendOne(again, "a", 2); err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		s.broken = false
		s.mu.Unlock()
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		for _, dir := range []string{dir, killed} {
			if _, err := os.Stat(filepath.Join(dir, suspect)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the suspect segment is still there: %v", err)
			}
			if left, err := Read(dir); err != nil || len(left.Streams()) > 0 {
				t.Errorf("a closed journal has left %v, %v", left.Streams(), err)
			}
		}
	}
}

// TestFreeStaysFree lets a freed segment fail to be opened: it is used by the next append.
func TestFreeStaysFree(t *testing.T) {
	dir := t.TempDir()
	s := newStore()
	j := open(t, dir, Options{Checkpoint: s.checkpoint})
	s.fill(t, j, []string{"a"}, 1)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	was, err := list(dir)
	if err != nil || len(was) != 1 {
		t.Fatalf("a closed journal has left %v, %v", was, err)
	}
	left, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	blocked := filepath.Join(dir, fileName(was[0]+1))
	if err := os.Mkdir(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(left, Options{Checkpoint: s.checkpoint}); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := appendOne(j, "a", 2); err == nil {
		t.Fatal("an append into a directory succeeded")
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if err := appendOne(j, "a", 2); err != nil {
		t.Fatal(err)
	}
	if files, _ := list(dir); len(files) != 1 {
		t.Errorf("there are the segments %x, the freed one was lost", files)
	}
}

// TestRoom fills the segments while the store does not answer: there is no room, and there is
// when it does.
func TestRoom(t *testing.T) {
	answer := make(chan struct{})
	j := open(t, t.TempDir(), Options{Checkpoint: func(uint64, []string) error { <-answer; return nil }, SegmentBytes: 8 << 10, Segments: 2})
	var wait <-chan struct{}
	for n := uint64(1); wait == nil; n++ {
		var err error
		if wait, err = j.Room(); err != nil || n > 1e5 {
			t.Fatalf("%d appends, %v", n, err)
		}
		if wait == nil {
			done := make(chan error, 1)
			j.Add(Entry{Stream: "a", Seq: n, Data: make([]byte, streamBytes/2)}, WaiterFunc(func(err error) { done <- err }))
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	}
	select {
	case <-wait:
		t.Fatal("there is said to be room while the store does not answer")
	default:
	}
	close(answer)
	if err := j.Ready(); err != nil {
		t.Fatal(err)
	}
}

// TestLag fills segments of many streams: the store is synced for the oldest when others have
// filled, and for all when the journal is closed.
func TestLag(t *testing.T) {
	const many = 32
	s := newStore()
	checkpoints := make(chan int, 1000)
	j := open(t, t.TempDir(), Options{SegmentBytes: 64 << 10, MaxSegmentBytes: 64 << 10, Segments: 8, Lag: 3, Checkpoint: func(g uint64, streams []string) error {
		checkpoints <- len(streams)
		return s.checkpoint(g, streams)
	}})
	full := func() int {
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.full)
	}
	for n := 0; full() < 3; n++ {
		done := make(chan error, 1)
		j.Append(Entry{Stream: fmt.Sprint("s", n%many), Seq: 1, Data: make([]byte, 1000)}, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n := len(checkpoints); n > 0 {
		t.Errorf("%d checkpoints before the fourth segment was full", n)
	}
	for n := 0; n < 2*many; n++ {
		done := make(chan error, 1)
		j.Append(Entry{Stream: fmt.Sprint("s", n%many), Seq: 2, Data: make([]byte, 1000)}, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n := <-checkpoints; n != many {
		t.Errorf("a checkpoint of %d streams, want %d", n, many)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(checkpoints); n < 3 {
		t.Errorf("%d checkpoints more, want one of each segment that was left", n)
	}
}

// TestAddUnderLock adds what the journal cannot take, as whoever has an order to keep: holding the
// lock that its callback takes.
func TestAddUnderLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, t.TempDir(), Options{Checkpoint: func(uint64, []string) error { return nil }, NoSync: true})
		var mu sync.Mutex
		add := func(e Entry) (err error) {
			told := make(chan struct{})
			mu.Lock()
			generation := j.Add(e, WaiterFunc(func(e error) {
				mu.Lock()
				defer mu.Unlock()
				err = e
				close(told)
			}))
			mu.Unlock()
			if generation != 0 {
				t.Errorf("generation %d has what was refused", generation)
			}
			<-told
			return err
		}
		if err := add(Entry{Stream: "a", Seq: 1, Data: make([]byte, MaxEntry)}); err == nil {
			t.Error("an entry that is too large was taken")
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if err := add(message("a", 1)); !errors.Is(err, ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}
