package journal

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// ErrClosed is the error of an append to a closed journal.
var ErrClosed = errors.New("journal: closed")

// ErrUnknown is the error of an entry of which nobody knows whether the next start finds it: the
// journal was closed before what a failed write has left could be cut off.
var ErrUnknown = errors.New("journal: closed after a write that failed")

// ErrSuspect is the error of a sync of what a sync has failed of before: that it succeeds now would
// prove nothing.
var ErrSuspect = errors.New("a sync has failed before")

// errBroken is the error of what was to follow a write that failed.
var errBroken = errors.New("journal: the write before has failed")

const (
	// maxPending is how many bytes may wait while others are written; then Append waits.
	maxPending = 32 << 20

	// checkpointPause is the time between two tries to sync the store, undoPause that between
	// two to cut off what a failed write has left.
	checkpointPause = 500 * time.Millisecond
	undoPause       = 50 * time.Millisecond

	// streamBytes is how much of a segment there should be for each sync of a stream.
	streamBytes = 256 << 10

	// Buffers of groups are kept for the next ones, a few and not the largest.
	spareBuffers = 3
	spareBytes   = 4 << 20
	spareWaiters = 32 << 10
)

// Options configure a journal.
type Options struct {
	// Checkpoint syncs the streams in the store: when it returns nil, all entries of them that
	// Add has put into the generation, or one before, are durable there. It is called by one
	// goroutine, for one generation after the other, and again when it fails. It must be set.
	Checkpoint func(generation uint64, streams []string) error

	// SegmentBytes is the size of a segment; 0 means 4 MiB: what a checkpoint has to write at
	// once, appends wait for. It is larger, up to eight times, when it holds messages of many
	// streams, so that not too many syncs of the store come on the bytes.
	SegmentBytes int64

	// Segments is how many of them are to be; 0 means 8. When all wait for a checkpoint, so
	// do Append and Ready, or fail if the checkpoint does. What was added without either gets
	// more of them.
	Segments int

	// MaxSegmentBytes is how large a segment gets that holds messages of many streams; 0 means
	// eight times SegmentBytes.
	MaxSegmentBytes int64

	// Lag is how many full segments of many streams wait at most before the store is synced for
	// the oldest of them, so that most of what it holds may have been synced for other reasons
	// by then; of few streams, one does. It must be less than Segments-2.
	Lag int

	// NoSync leaves it to the system when entries get to the disk: for data that goes with the
	// process.
	NoSync bool

	// In tests: how a file's data gets to the disk, and with it what became of its size.
	sync func(*os.File) error
}

// Journal is open for writing. Its methods may be called concurrently.
type Journal struct {
	dir  string
	opts Options

	mu         sync.Mutex
	generation uint64              // of the segment that entries are for
	used       int64               // bytes of it
	streams    map[string]struct{} // that it has messages of
	groups     []*group            // to be written, in order
	pending    int                 // bytes of groups that are not written
	spare      [][]byte
	idle       [][]Waiter // lists of groups, for the next ones
	written    []*group   // whose callers are to be told
	full       []*segment // to be checkpointed
	free       []uint64   // generations of segments that can be used again
	failed     error      // of the last checkpoint
	untold     int        // groups that failed and whose callers do not know yet
	cause      error      // why they did
	closing    bool
	ended      bool // no group comes any more

	// What there is to wait for, all under mu.
	toWrite, toTell, toCheckpoint sync.Cond
	space                         chan struct{} // closed when there may be room; nil when nobody waits

	tasks sync.WaitGroup

	// Of the goroutine that writes.
	active *segment
	opened uint64 // the last generation that a segment was opened for
}

// group is what one sync makes durable.
type group struct {
	generation uint64
	buf        []byte
	streams    map[string]struct{} // of the segment, not of the group alone
	done       []Waiter
	marks      []chan struct{} // closed when the group is with the system, or will never be
	doomed     bool            // it fails: one before it did, and not everybody knew when it was begun
	err        error
}

// Open goes on with a journal that Read has read. What it has left must have been put back
// into the store; it is given up when the store is synced.
func Open(l *Left, o Options) (*Journal, error) {
	o.SegmentBytes = cmp.Or(o.SegmentBytes, 4<<20)
	o.MaxSegmentBytes = cmp.Or(o.MaxSegmentBytes, 8*o.SegmentBytes)
	o.Segments = cmp.Or(o.Segments, 8)
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &Journal{dir: l.dir, opts: o, generation: 1, streams: map[string]struct{}{}}
	for _, s := range l.segments {
		j.generation = s.generation + 1
		if len(s.streams) > 0 || s.suspect {
			j.full = append(j.full, &segment{generation: s.generation, streams: s.streams, suspect: s.suspect})
		} else {
			j.free = append(j.free, s.generation)
		}
	}
	for _, c := range []*sync.Cond{&j.toWrite, &j.toTell, &j.toCheckpoint} {
		c.L = &j.mu
	}
	j.tasks.Go(j.write)
	j.tasks.Go(j.tell)
	j.tasks.Go(j.checkpoint)
	return j, nil
}

// Append takes an entry, which is free for reuse on return, and calls done when it is
// durable, or will never be: an entry whose done gets an error is not there at the next start
// (unless that is ErrUnknown), and nor is any that was appended after it and before all those
// that failed with it were told so. The calls are in the order of the entries, by one
// goroutine; they must not wait for the journal. Nobody is told if done is nil. Append waits
// while there is no room.
func (j *Journal) Append(e Entry, done func(error)) {
	if err := j.Ready(); err != nil {
		if done != nil {
			done(err)
		}
		return
	}
	var w Waiter
	if done != nil {
		w = WaiterFunc(done)
	}
	j.Add(e, w)
}

// Mark takes the mark of a stream, an entry without data, and returns when it is with the system, so
// that a kill of the process leaves it, or when it will never be. It does not wait for its own sync:
// what it tells of is durable without it.
func (j *Journal) Mark(e Entry) {
	if j.Ready() != nil {
		return
	}
	written := make(chan struct{})
	j.add(e, nil, written)
	<-written
}

// Ready waits until the journal has room for more, and reports why it takes nothing.
func (j *Journal) Ready() error {
	for {
		wait, err := j.Room()
		if wait == nil {
			return err
		}
		<-wait
	}
}

// Room is Ready for callers who wait for something else, too: while there is no room, it
// returns a channel that is closed when they should ask again. There is none before all those
// have been told whose entries a failed write has taken along: else the entries of whoever does
// not wait for the outcome of one before the next would fail for ever.
func (j *Journal) Room() (wait <-chan struct{}, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	full := len(j.full) >= j.opts.Segments-1
	switch {
	case j.closing:
		return nil, ErrClosed
	case full && j.failed != nil:
		return nil, fmt.Errorf("journal: sync the store: %w", j.failed)
	case !full && j.pending <= maxPending && j.untold == 0:
		return nil, nil
	}
	if j.space == nil {
		j.space = make(chan struct{})
	}
	return j.space, nil
}

// roomChanged tells those who wait for room. Callers hold mu.
func (j *Journal) roomChanged() {
	if j.space != nil {
		close(j.space)
		j.space = nil
	}
}

// Waiter is told what became of an entry: see Append.
type Waiter interface{ Done(error) }

// WaiterFunc is a function that is told.
type WaiterFunc func(error)

// Done implements Waiter.
func (f WaiterFunc) Done(err error) { f(err) }

// Add is Append without waiting for room: of what is added after Ready was asked, as much as
// is under way at once is more than the journal should hold. It returns the generation that has
// the entry, 0 where none has: the waiter is told why then, by a goroutine of its own. Nobody is
// told if that is nil.
func (j *Journal) Add(e Entry, w Waiter) (generation uint64) { return j.add(e, w, nil) }

// add appends an entry to the group. It closes written, if there is one, when that is with the system,
// or will never be.
func (j *Journal) add(e Entry, w Waiter, written chan struct{}) (generation uint64) {
	n := e.size()
	err := ErrClosed
	if n > MaxEntry {
		err = fmt.Errorf("journal: an entry of %d bytes is too large", n)
	}
	j.mu.Lock()
	if j.closing || n > MaxEntry {
		j.mu.Unlock()
		if written != nil {
			close(written)
		}
		if w != nil {
			go w.Done(err) // which may take a lock that the caller holds
		}
		return 0
	}
	if j.used > 0 && j.used+int64(n) > j.segmentBytes() {
		j.nextGeneration()
	}
	g := j.group()
	g.buf = e.appendTo(g.buf, g.generation)
	if w != nil {
		g.done = append(g.done, w)
	}
	if written != nil {
		g.marks = append(g.marks, written)
	}
	if e.Known != g.generation {
		if _, known := j.streams[e.Stream]; !known {
			j.streams[e.Stream] = struct{}{}
		}
	}
	j.used += int64(n)
	j.pending += n
	j.toWrite.Signal()
	j.mu.Unlock()
	return g.generation
}

// nextGeneration lets what follows go into another segment. Callers hold mu.
func (j *Journal) nextGeneration() {
	j.generation++
	j.used = 0
	j.streams = map[string]struct{}{}
}

// segmentBytes is how large the segment may get that entries are for. Callers hold mu.
func (j *Journal) segmentBytes() int64 {
	return min(max(j.opts.SegmentBytes, int64(len(j.streams))*streamBytes), j.opts.MaxSegmentBytes)
}

// group is the one to append to. Callers hold mu.
func (j *Journal) group() *group {
	if n := len(j.groups); n > 0 && j.groups[n-1].generation == j.generation {
		return j.groups[n-1]
	}
	g := &group{generation: j.generation, streams: j.streams}
	if j.untold > 0 {
		g.doomed = true
		j.untold++
	}
	if n := len(j.spare); n > 0 {
		g.buf, j.spare = j.spare[n-1], j.spare[:n-1]
	}
	if n := len(j.idle); n > 0 {
		g.done, j.idle = j.idle[n-1], j.idle[:n-1]
	}
	j.groups = append(j.groups, g)
	return g
}

// Close waits for what was appended, syncs the store, and leaves nothing behind to put
// back, unless the store cannot be synced: that is the error.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closing {
		j.mu.Unlock()
		return nil
	}
	j.closing = true
	j.toWrite.Broadcast()
	j.roomChanged()
	j.mu.Unlock()
	j.tasks.Wait()
	for _, s := range j.full {
		s.file.Close()
	}
	if j.failed != nil {
		return fmt.Errorf("journal: sync the store: %w", j.failed)
	}
	return discard(j.dir)
}

// write is the goroutine that writes groups, one after the other.
func (j *Journal) write() {
	for {
		j.mu.Lock()
		for len(j.groups) == 0 && !j.closing {
			j.toWrite.Wait()
		}
		if len(j.groups) == 0 {
			j.retire()
			j.ended = true
			j.toTell.Signal()
			j.toCheckpoint.Signal()
			j.mu.Unlock()
			return
		}
		g := j.groups[0]
		j.groups = j.groups[1:]
		j.mu.Unlock()

		if !g.doomed {
			g.err = j.store(g)
		}
		g.marked()

		j.mu.Lock()
		switch {
		case g.doomed:
			g.err = j.cause
		case g.err != nil:
			j.fail(g)
		}
		j.pending -= len(g.buf)
		if cap(g.buf) <= spareBytes && len(j.spare) < spareBuffers {
			j.spare = append(j.spare, g.buf[:0])
		}
		g.buf = nil
		j.written = append(j.written, g)
		j.toTell.Signal()
		j.roomChanged()
		j.mu.Unlock()
	}
}

// marked lets those go on who wait until their marks are written.
func (g *group) marked() {
	for _, written := range g.marks {
		close(written)
	}
	g.marks = nil
}

// fail lets what is queued behind a group that failed fail, too: whoever counts on that is told
// first. Callers hold mu.
func (j *Journal) fail(g *group) {
	j.cause = g.err
	for _, f := range append([]*group{g}, j.groups...) {
		if !f.doomed {
			f.doomed = true
			j.untold++
		}
	}
	if (j.active == nil || j.active.broken) && g.generation == j.generation {
		j.nextGeneration()
	}
}

// store makes a group durable.
func (j *Journal) store(g *group) error {
	if j.active != nil && j.active.generation != g.generation {
		j.mu.Lock()
		j.retire()
		j.mu.Unlock()
	}
	if j.active == nil {
		if g.generation <= j.opened {
			return errBroken
		}
		j.opened = g.generation
		s, err := j.segment(g.generation)
		if err != nil {
			return err
		}
		j.active = s
	}
	s := j.active
	if s.broken {
		return errBroken
	}
	s.streams = g.streams
	_, err := s.file.WriteAt(g.buf, s.offset)
	g.marked()
	if err == nil {
		if err = j.sync(s.file); err != nil {
			s.suspect = true
		}
	}
	if err != nil {
		if !j.undo(s) {
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		return fmt.Errorf("journal: %w", err)
	}
	s.offset += int64(len(g.buf))
	return nil
}

// sync makes durable what was written to a file.
func (j *Journal) sync(f *os.File) error {
	switch {
	case j.opts.sync != nil:
		return j.opts.sync(f)
	case j.opts.NoSync:
		return nil
	}
	return syncData(f)
}

// syncCut makes durable that a file was cut off.
func (j *Journal) syncCut(f *os.File) error {
	if j.opts.sync != nil || j.opts.NoSync {
		return j.sync(f)
	}
	return f.Sync()
}

// tell is the goroutine that calls back, so that the next sync does not wait for that.
func (j *Journal) tell() {
	for {
		j.mu.Lock()
		for len(j.written) == 0 && !j.ended {
			j.toTell.Wait()
		}
		if len(j.written) == 0 {
			j.mu.Unlock()
			return
		}
		g := j.written[0]
		j.written = j.written[1:]
		j.mu.Unlock()
		for _, w := range g.done {
			w.Done(g.err)
		}
		clear(g.done)
		j.mu.Lock()
		if len(j.idle) < spareBuffers && cap(g.done) <= spareWaiters {
			j.idle = append(j.idle, g.done[:0])
		}
		if g.doomed {
			if j.untold--; j.untold == 0 {
				j.roomChanged()
			}
		}
		j.mu.Unlock()
	}
}

// due reports whether the store should be synced for the oldest full segment. Nothing waits behind
// a suspect one, and the fewer streams a segment has, the less there is to gain by waiting.
// Callers hold mu.
func (j *Journal) due() bool {
	if len(j.full) == 0 {
		return false
	}
	lag := min(j.opts.Lag, max(1, int(int64(len(j.full[0].streams))*streamBytes/j.opts.SegmentBytes)))
	return len(j.full) > lag || slices.ContainsFunc(j.full, func(s *segment) bool { return s.suspect })
}

// checkpoint is the goroutine that syncs the store for full segments, and frees them.
func (j *Journal) checkpoint() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		for !j.due() && !j.ended {
			j.toCheckpoint.Wait()
		}
		if len(j.full) == 0 {
			return
		}
		s := j.full[0]
		j.mu.Unlock()
		streams := make([]string, 0, len(s.streams)) // nobody adds to them any more
		for name := range s.streams {
			streams = append(streams, name)
		}
		err := j.opts.Checkpoint(s.generation, streams)
		j.mu.Lock()
		spare := s.suspect || len(j.full)+len(j.free) > j.opts.Segments
		j.mu.Unlock()
		if err == nil {
			s.file.Close()
			if spare {
				err = j.remove(s)
			}
		}
		j.mu.Lock()
		j.failed = err
		j.roomChanged()
		switch {
		case err == nil:
			j.full = j.full[1:]
			if !spare {
				j.free = append(j.free, s.generation)
			}
		case j.ended: // the next start does it
			return
		default:
			j.mu.Unlock()
			time.Sleep(checkpointPause)
			j.mu.Lock()
		}
	}
}
