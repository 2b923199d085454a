package shardlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
)

const (
	// directBytes is the size from which on an append goes to its stream at once: it is not
	// worth writing twice.
	directBytes = 128 << 10

	// An open frame goes to its stream when it has no room for another append: sealBytes are of its
	// records, and with its header and its parts it comes to less than 512 KiB, which is a buffer's
	// size, and two of it are a buffer of the store's. sealAge is when it goes anyway; idleAge is when one of
	// few bytes (idleBytes) does, which it costs less to hold on to, or one of many (manyOpen).
	sealBytes = 496 << 10
	sealAge   = 10 * time.Second
	idleBytes = 16 << 10
	idleAge   = 30 * time.Second
	sealEvery = 200 * time.Millisecond
	manyOpen  = 256  // shards at more of which all wait for idleAge
	seldom    = 25   // as many times longer it is between two looks
	manyDirty = 1000 // at as many shards or more

	// The bytes of all frames that are not in their streams yet are bounded. From easeHeld on the
	// largest go early, with many shards from heldBytes each on, so that what goes is worth a
	// message and a sync, but at most from easeMany on. With overHeld more, appends wait.
	easeHeld  = 64 << 20
	easeMany  = 192 << 20
	heldBytes = 384 << 10
	overHeld  = 32 << 20

	// The journal's segments are of segmentBytes, or with many shards of up to
	// maxSegmentBytes, together 512 MiB at most. The oldest is checkpointed when lag others are
	// full: by then most frames that it has appends of have gone to their streams because they
	// were full, or old, and few have to go early.
	segmentBytes    = 8 << 20
	maxSegmentBytes = 64 << 20
	segments        = 8
	lag             = 3

	// An open frame has as much room as the one before it needed before it needs that itself, if the
	// frames of all shards together have no more than expected by that.
	expected = 64 << 20

	// flushesAtOnce are the frames under way to their streams.
	flushesAtOnce = 64
)

// front takes appends: it makes them durable in a journal, for all shards with one sync, and
// keeps them in open frames until these are worth a message of their shard's stream. See the
// package comment.
type front struct {
	log     *Log
	j       *journal.Journal
	held    atomic.Int64          // bytes that are in no stream yet
	refused atomic.Pointer[error] // why the last frame that was tried did not go to its stream; nil: it did
	slots   chan struct{}
	ended   chan struct{}
	opened  chan struct{} // closed when j is there
	tasks   sync.WaitGroup

	ctx    context.Context // ends when the log is closed and not everything could be stored
	cancel context.CancelFunc

	mu    sync.Mutex
	dirty map[*Shard]struct{} // that have appends which their streams lack
	files map[string]uint64   // streams that have got frames since they were synced: the oldest generation of these
	room  chan struct{}       // closed when frames have gone to their streams; nil when nobody waits
}

// openFrame is a frame that takes appends. Its own header, and its records, are what is
// committed, which readers see.
type openFrame struct {
	frame
	began    time.Time
	oldest   uint64 // generation of the journal that has its first records; 0: of a run before
	assigned header // with what is under way to the journal
	underway int    // appends of it that are
	full     bool   // it takes no more
	early    uint32 // bytes short of sealBytes from which on it is
	dropped  bool   // its shard was deleted, or its log closed
	lent     bool   // readers may refer to the buffer
}

// piece is an append under way to the journal.
type piece struct {
	shard  *Shard
	w      *waiter
	frame  *openFrame
	header header
	index  uint32 // of its first record
}

// sealedFrame is a frame on its way to the stream.
type sealedFrame struct {
	*sent
	f      *frame
	lent   bool   // readers may refer to the buffer
	oldest uint64 // as of openFrame
}

// openFront puts back what the journal of appends has and the streams lack, and goes on with it.
func (l *Log) openFront(ctx context.Context) error {
	if l.opts.Journal == "" || l.opts.Shared {
		return nil
	}
	left, err := journal.Read(l.opts.Journal)
	if err != nil {
		return fmt.Errorf("shardlog: %w", err)
	}
	fr := &front{log: l, dirty: map[*Shard]struct{}{}, files: map[string]uint64{}, slots: make(chan struct{}, flushesAtOnce), opened: make(chan struct{}), ended: make(chan struct{})}
	fr.ctx, fr.cancel = context.WithCancel(l.ctx)
	// From now on: what is put back goes to streams by its ways, and the checkpoint of what is left
	// begins as soon as the journal opens.
	l.front = fr
	if err := fr.putBack(ctx, left); err != nil {
		l.front = nil
		return err
	}
	o := journal.Options{
		Checkpoint:      fr.checkpoint,
		SegmentBytes:    cmp.Or(l.opts.SegmentBytes, segmentBytes),
		MaxSegmentBytes: cmp.Or(8*l.opts.SegmentBytes, maxSegmentBytes),
		Segments:        segments,
		Lag:             lag,
		NoSync:          l.opts.NoSync,
	}
	if fr.j, err = journal.Open(left, o); err != nil {
		l.front = nil
		return fmt.Errorf("shardlog: %w", err)
	}
	close(fr.opened)
	fr.tasks.Go(fr.sealOld)
	for _, s := range fr.shards() {
		s.mu.Lock()
		s.flush()
		s.mu.Unlock()
	}
	return nil
}

// ready waits until there is room for more appends, and reports why there is none.
func (fr *front) ready(ctx context.Context) error {
	for {
		wait, err := fr.j.Room()
		if err != nil {
			return frontError(err)
		}
		if wait == nil {
			if wait = fr.heldRoom(); wait == nil {
				return nil
			}
		}
		select {
		case <-wait:
		case <-time.After(spaceEvery): // the disk may be full, and nothing go
			if err := fr.log.space.check(fr.log); err != nil {
				return err
			}
			if err := fr.refused.Load(); err != nil {
				return *err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-fr.log.ctx.Done():
			return ErrClosed
		}
	}
}

// heldRoom is nil when there is memory for more appends; else it is closed when some has come.
func (fr *front) heldRoom() <-chan struct{} {
	fr.mu.Lock()
	defer fr.mu.Unlock()
	if fr.held.Load() < fr.ease()+overHeld {
		return nil
	}
	if fr.room == nil {
		fr.room = make(chan struct{})
	}
	return fr.room
}

// isOpen reports whether what the journal had at the start was put back.
func (fr *front) isOpen() bool {
	if fr == nil {
		return false
	}
	select {
	case <-fr.opened:
		return true
	default:
		return false
	}
}

// frontError words an error of the journal for callers.
func frontError(err error) error {
	switch {
	case errors.Is(err, journal.ErrUnknown):
		return fmt.Errorf("%w while an append was under way: %w", ErrClosed, context.Canceled)
	case errors.Is(err, journal.ErrClosed):
		return ErrClosed
	}
	return refusal(err.Error())
}

// takesPieces reports whether the next append may go to the journal. Nothing may be under way to
// the stream past it. Callers hold mu.
func (s *Shard) takesPieces() bool {
	return s.log.front != nil && len(s.inflight) == 0 && !s.sending && !s.recovering
}

// goesDirect reports whether an append is one for the stream.
func (w *waiter) goesDirect() bool { return len(w.buf) >= directBytes }

// assign gives an append its place and has it made durable there. Callers hold mu.
func (s *Shard) assign(w *waiter, now int64, stamp uint64) {
	fr := s.log.front
	now = max(s.next.time, now)
	var o *openFrame
	first := false
	if n := len(s.growing); n > 0 {
		o = s.growing[n-1]
		// Records come and go with their frame, so those of one frame are near in time.
		if !o.full && o.assigned.count > 0 && (now-o.assigned.begin > idleAge.Milliseconds() || !o.takes(w)) {
			s.fill(o)
		}
		if o.full {
			o = nil
		}
	}
	if o == nil {
		s.nextSeq++
		o = &openFrame{frame: frame{seq: s.nextSeq}, began: time.Now()}
		if o.began.Unix()-s.sealedAt > int64(sealAge/time.Second) {
			o.early = early()
		}
		first = true
		o.assigned = header{recordsBefore: s.next.records(), bytesBefore: s.next.bytes(), time: s.next.time, begin: now}
		s.growing = append(s.growing, o)
		fr.note(s)
	}
	p := &w.piece
	*p = piece{shard: s, w: w, frame: o, index: o.assigned.count}
	p.header = header{
		count:         w.count,
		length:        uint32(len(w.buf) - headerSize),
		time:          now,
		stamp:         stamp,
		recordsBefore: o.assigned.records(),
		bytesBefore:   o.assigned.bytes(),
	}
	o.assigned.count += p.header.count
	o.assigned.length += p.header.length
	o.assigned.time = now
	s.next = o.assigned
	o.underway++
	s.pieces++
	if !o.takes(w) { // another one like this
		o.full = true
	}
	fr.held.Add(int64(p.header.length))
	w.taken = true
	p.header.seal(w.buf)
	s.generation = fr.j.Add(journal.Entry{Stream: s.stream, Born: s.born, Seq: journal.PieceSeq(o.seq, p.index), Data: w.buf, Known: s.generation}, p)
	if first {
		o.oldest = s.generation
	}
}

// takes reports whether an append fits into the frame.
func (o *openFrame) takes(w *waiter) bool {
	return int(o.assigned.length)+len(w.buf)-headerSize <= sealBytes-int(o.early)
}

// Done takes what became of a piece, which is its waiter's again when that is told. An error says
// that the journal does not have it, nor anything of the shard that was assigned after it.
func (p *piece) Done(err error) {
	s, o, w := p.shard, p.frame, p.w
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pieces--
	o.underway--
	switch {
	case o.dropped: // with its shard
		err = s.err
	case err == nil:
		s.commitPiece(p)
	default:
		s.log.front.held.Add(-int64(p.header.length))
		err = frontError(err)
	}
	if err != nil {
		w.fail(err)
	}
	if s.pieces == 0 {
		s.rewind()
	}
	if o.full && o.underway == 0 {
		s.seal(o)
	}
	if len(s.queue) > 0 {
		s.pump()
	}
	s.signalIdle()
}

// commitPiece makes a piece readable. Callers hold mu.
func (s *Shard) commitPiece(p *piece) {
	o, w := p.frame, p.w
	o.add(&p.header, w.buf, s.expect)
	if s.first > s.last { // it was empty
		s.first = o.seq
		s.firstHeader = &header{}
		*s.firstHeader = o.header
	}
	s.last, s.lastHeader = o.seq, o.header
	s.wake()
	w.pos, w.time = Position{o.seq, p.index}, p.header.time
	w.finish()
}

// rewind takes the places back that were given to appends which failed: what is committed is
// where the next one goes on. Nothing may be under way. Callers hold mu.
func (s *Shard) rewind() {
	n := len(s.growing)
	if n == 0 {
		return
	}
	for n > 0 && s.growing[n-1].count == 0 {
		n--
		s.nextSeq--
		s.growing[n] = nil
	}
	s.growing = s.growing[:n]
	if n > 0 {
		o := s.growing[n-1]
		o.assigned = o.header
	}
	s.next = s.lastHeader
	if !s.inMemory() {
		s.log.front.forget(s)
	}
	s.wakeFlushed()
}

// add appends the records of an append, or of a frame, to the open frame, which may come to so
// many bytes.
func (o *openFrame) add(h *header, buf []byte, expect int) {
	if o.count == 0 {
		o.header = header{stamp: h.stamp, begin: h.time, recordsBefore: h.recordsBefore, bytesBefore: h.bytesBefore}
		o.buf = append(frameBuffers.get(max(len(buf), expect)), buf[:headerSize]...)
	}
	if n := len(o.parts); n == 0 || o.parts[n-1].time != h.time {
		o.parts = append(o.parts, part{o.count, h.time})
	}
	off := len(o.buf)
	o.room(int(h.length))
	o.buf = append(o.buf, buf[headerSize:headerSize+int(h.length)]...)
	if at := (o.count + markEvery - 1) / markEvery * markEvery; at < o.count+h.count {
		for i := o.count; i < o.count+h.count; i++ {
			if i%markEvery == 0 {
				o.marks = append(o.marks, uint32(off))
			}
			off += recordHeader + recordSize(o.buf[off:])
		}
	}
	o.count += h.count
	o.length += h.length
	o.time = h.time
}

// room makes room for n more bytes in the buffer.
func (o *openFrame) room(n int) {
	if len(o.buf)+n <= cap(o.buf) {
		return
	}
	was := o.buf
	o.buf = append(frameBuffers.get(len(was)+n), was...)
	if !o.lent {
		frameBuffers.put(was)
	}
	o.lent = false
}

// close makes the frame what it is in the stream. Readers may hold what was open: nothing
// of the records moves under them.
func (o *openFrame) close(s *Shard) *sealedFrame {
	if len(o.parts) > 1 {
		o.room(len(o.parts)*partSize + 4)
	}
	f := o.frame
	f.buf = f.appendParts(f.buf)
	if len(f.parts) < 2 {
		f.parts = nil
	}
	f.header.sealAs(f.buf, f.parts != nil)
	return &sealedFrame{&sent{shard: s, header: f.header, seq: f.seq, buf: f.buf}, &f, o.lent, o.oldest}
}

// inMemory reports whether there are appends that are not in the stream. Callers hold mu.
func (s *Shard) inMemory() bool { return len(s.growing) > 0 || len(s.sealed) > 0 }

// leaving is the bytes of the frames that take no more. Callers hold mu.
func (s *Shard) leaving() (n int64) {
	for _, o := range s.growing {
		if o.full {
			n += int64(o.assigned.length)
		}
	}
	for _, x := range s.sealed {
		n += int64(x.header.length)
	}
	return n
}

// early is how many bytes short of sealBytes the first frame of a shard, or the first after a while, goes to its stream.
// Shards that get records alike, as those of one stream do, would fill all their frames at the same moment, and puts would
// wait behind the work of all of them; frames that differ at first go on to differ.
func early() uint32 { return rand.Uint32N(sealBytes * 7 / 8) }

// fill lets the frame take no more: it goes to the stream when what is under way for it is
// done. Callers hold mu.
func (s *Shard) fill(o *openFrame) {
	if !o.full {
		o.full = true
		if o.underway == 0 {
			s.seal(o)
		}
	}
}

// fillAll does so with all that are open. Callers hold mu.
func (s *Shard) fillAll() {
	for i := 0; i < len(s.growing); {
		o := s.growing[i]
		s.fill(o)
		if i < len(s.growing) && s.growing[i] == o {
			i++
		}
	}
}

// seal has a frame published that takes no more and that nothing is under way for: the first
// of those open. Callers hold mu.
func (s *Shard) seal(o *openFrame) {
	if o.count == 0 || len(s.growing) == 0 || s.growing[0] != o {
		return // rewound
	}
	s.sealedAt = time.Now().Unix()
	s.growing[0] = nil
	s.growing = s.growing[1:]
	if len(s.growing) == 0 {
		s.growing = nil
	}
	s.expect = min(len(o.buf), expected/max(1, s.log.front.count()))
	s.sealed = append(s.sealed, o.close(s))
	s.flush()
}

// heldFrame returns the frame of the sequence if it is not in the stream yet.
func (s *Shard) heldFrame(seq uint64) *frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.growing {
		if o.seq == seq && o.count > 0 {
			o.lent = true
			f := o.frame
			f.growing = true
			return &f
		}
	}
	for _, x := range s.sealed {
		if x.seq == seq {
			x.lent = true
			return x.f
		}
	}
	return nil
}

// endPosition is where the next record will be at or after. Callers hold mu.
func (s *Shard) endPosition() Position {
	if len(s.growing) > 0 && s.growing[0].seq == s.last {
		return Position{s.last, s.lastHeader.count}
	}
	return Position{s.last + 1, 0}
}

// drop forgets what a shard holds that was deleted, or whose log is closed: then the
// journal has it. Callers hold mu.
func (s *Shard) drop() {
	fr := s.log.front
	if fr == nil {
		return
	}
	for _, o := range s.growing {
		o.dropped = true
		fr.held.Add(-int64(o.assigned.length))
	}
	for _, x := range s.sealed {
		fr.held.Add(-int64(x.header.length))
	}
	s.growing, s.sealed = nil, nil
	fr.forget(s)
	s.wakeFlushed()
}

func (fr *front) note(s *Shard) {
	fr.mu.Lock()
	fr.dirty[s] = struct{}{}
	fr.mu.Unlock()
}

func (fr *front) forget(s *Shard) {
	fr.mu.Lock()
	delete(fr.dirty, s)
	fr.mu.Unlock()
}

// gone takes bytes off what is held.
func (fr *front) gone(bytes uint32) {
	fr.held.Add(-int64(bytes))
	fr.mu.Lock()
	if fr.room != nil {
		close(fr.room)
		fr.room = nil
	}
	fr.mu.Unlock()
}

// ease is from how many bytes on that are held the largest frames go early. Callers hold mu.
func (fr *front) ease() int64 { return easeOf(len(fr.dirty)) }

// easeOf is so for a number of shards that hold some.
func easeOf(shards int) int64 { return min(max(easeHeld, int64(shards)*heldBytes), easeMany) }

// excess is how many more bytes are held than that.
func (fr *front) excess() int64 {
	fr.mu.Lock()
	defer fr.mu.Unlock()
	return fr.held.Load() - fr.ease()
}

// overEase is how many more bytes are held than those of few shards: they need space of the disk.
func (fr *front) overEase() int64 {
	if fr == nil {
		return 0
	}
	return max(0, fr.held.Load()-easeHeld)
}

func (fr *front) count() int {
	fr.mu.Lock()
	defer fr.mu.Unlock()
	return len(fr.dirty)
}

func (fr *front) shards() []*Shard {
	fr.mu.Lock()
	defer fr.mu.Unlock()
	all := make([]*Shard, 0, len(fr.dirty))
	for s := range fr.dirty {
		all = append(all, s)
	}
	return all
}

// close ends the front when the shards were drained. What has not gone to its stream stays
// in the journal; what has is synced.
func (fr *front) close() error {
	close(fr.ended)
	fr.tasks.Wait()
	defer fr.cancel()
	left := len(fr.shards()) > 0
	if left {
		fr.cancel() // so that the last checkpoint does not wait for them
	}
	err := fr.j.Close()
	if !left || err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	fr.mu.Lock()
	streams := slices.Collect(maps.Keys(fr.files))
	fr.mu.Unlock()
	return fr.sync(math.MaxUint64, streams)
}
