package shardlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
)

const (
	// smallQueue is below how many bytes what waits for a shard goes to the front. Once a
	// frame is open, more does too, up to largeQueue.
	smallQueue = 8 << 10
	largeQueue = 64 << 10

	// sealBytes and sealAge are when an open frame goes to its stream.
	sealBytes = 512 << 10
	sealAge   = 5 * time.Second
	sealEvery = 200 * time.Millisecond

	// maxHeld bounds the bytes of all frames that are not in their streams yet. From half of
	// it on the oldest go early, and at it appends go the direct way.
	maxHeld = 64 << 20

	// flushesAtOnce are the frames under way to their streams.
	flushesAtOnce = 64

	// An entry's sequence in the front's journal is that of its frame, and the index of its
	// first record in it.
	indexBits = 20
)

// front takes small appends: it makes them durable in a journal of its own, for all shards
// with one sync, and keeps them in open frames until these are worth a message of their
// shard's stream. See the package comment.
type front struct {
	log   *Log
	j     *journal.Journal
	held  atomic.Int64
	slots chan struct{}
	ended chan struct{}
	tasks sync.WaitGroup

	ctx    context.Context // ends when the log is closed and not everything could be stored
	cancel context.CancelFunc

	mu    sync.Mutex
	dirty map[*Shard]struct{} // that have an open or a sealed frame
}

// openFrame is a frame that takes further appends. Its first sequence and header are those
// of what is committed.
type openFrame struct {
	frame
	began time.Time
}

// sealedFrame is a frame on its way to the stream.
type sealedFrame struct {
	*sent
	f *frame
}

// openFront puts back what the front's journal has and the streams lack, and goes on with it.
func (l *Log) openFront(ctx context.Context) error {
	if l.opts.Journal == "" || l.opts.Shared {
		return nil
	}
	left, err := journal.Read(l.opts.Journal)
	if err != nil {
		return fmt.Errorf("shardlog: %w", err)
	}
	fr := &front{log: l, dirty: map[*Shard]struct{}{}, slots: make(chan struct{}, flushesAtOnce), ended: make(chan struct{})}
	fr.ctx, fr.cancel = context.WithCancel(l.ctx)
	byStream := make(map[string]*Shard, len(l.shards))
	for _, s := range l.shards {
		byStream[s.stream] = s
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(flushesAtOnce)
	for _, st := range left.Streams() {
		if s := byStream[st.Name]; s != nil && s.born() == st.Born {
			g.Go(func() error { return s.putBack(ctx, left, st.StreamID) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if fr.j, err = journal.Open(left, journal.Options{Checkpoint: fr.checkpoint}); err != nil {
		return fmt.Errorf("shardlog: %w", err)
	}
	l.front = fr
	fr.tasks.Go(fr.seal)
	return nil
}

// putBack makes the frames again of which the journal has the appends and the stream has
// nothing.
func (s *Shard) putBack(ctx context.Context, left *journal.Left, id journal.StreamID) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	last := s.lastFrame()
	var frames []*openFrame
	err := left.Entries(id, (last+1)<<indexBits-1, func(e journal.Entry) error {
		seq, index := e.Seq>>indexBits, uint32(e.Seq&(1<<indexBits-1))
		c, err := decodeFrame(seq, e.Data)
		if err != nil {
			return err
		}
		if index == 0 {
			frames = append(frames, &openFrame{frame: frame{seq: seq}})
		}
		n := len(frames)
		if n == 0 || frames[n-1].seq != seq || frames[n-1].count != index || seq != last+uint64(n) {
			return fmt.Errorf("%w: at %d: the journal of appends lacks some before %v", ErrCorrupt, seq, Position{seq, index})
		}
		frames[n-1].add(&c.header, c.buf)
		return nil
	})
	if err != nil {
		return fmt.Errorf("shardlog: put appends back into shard %s: %w", s.name, err)
	}
	for _, o := range frames {
		out := o.close(s)
		if err := s.store(out.sent); err != nil {
			return fmt.Errorf("shardlog: put appends back into shard %s: %w", s.name, err)
		}
		s.mu.Lock()
		if s.first > s.last {
			s.first, s.firstHeader = o.seq, &header{}
			*s.firstHeader = o.header
		}
		s.last, s.lastHeader, s.stored = o.seq, o.header, o.seq
		s.next, s.nextSeq = o.header, o.seq
		s.mu.Unlock()
	}
	return nil
}

// add appends the records of a frame, or of an append, to the open one.
func (o *openFrame) add(h *header, buf []byte) {
	if o.count == 0 {
		before := *h
		o.header = header{stamp: h.stamp, begin: h.time, recordsBefore: before.recordsBefore, bytesBefore: before.bytesBefore}
		o.buf = append(make([]byte, 0, len(buf)), buf[:headerSize]...)
		o.began = time.Now()
	}
	if n := len(o.parts); n == 0 || o.parts[n-1].time != h.time {
		o.parts = append(o.parts, part{o.count, h.time})
	}
	off := len(o.buf)
	o.buf = append(o.buf, buf[headerSize:headerSize+int(h.length)]...)
	for at := o.count; at < o.count+h.count; at++ {
		if at%markEvery == 0 {
			o.marks = append(o.marks, uint32(off))
		}
		off += recordHeader + recordSize(o.buf[off:])
	}
	o.count += h.count
	o.length += h.length
	o.time = h.time
}

// close makes the frame what it is in the stream. Readers may hold what was open: nothing
// of the records moves under them.
func (o *openFrame) close(s *Shard) *sealedFrame {
	f := o.frame
	f.buf = f.appendParts(f.buf)
	if len(f.parts) < 2 {
		f.parts = nil
	}
	f.header.sealAs(f.buf, f.parts != nil)
	return &sealedFrame{&sent{shard: s, header: f.header, seq: f.seq, buf: f.buf}, &f}
}

// behind tells whether what is queued goes to the front. Callers hold mu.
func (s *Shard) behind() bool {
	fr := s.log.front
	if fr == nil || len(s.inflight) > 0 || s.direct || fr.held.Load() >= maxHeld {
		return false
	}
	return s.queued < smallQueue || s.queued < largeQueue && s.inMemory()
}

// inMemory tells whether there are appends that are not in the stream. Callers hold mu.
func (s *Shard) inMemory() bool { return s.growing != nil || s.part != nil || len(s.sealed) > 0 }

// takePart makes an append to the open frame of what is queued. Callers hold mu.
func (s *Shard) takePart() *sent {
	if s.part != nil || s.waitFlush && len(s.sealed) > 0 {
		return nil
	}
	o, now := s.growing, s.log.clock.Now().UnixMilli()
	if o != nil && o.count > 0 && now-o.begin > sealAge.Milliseconds() {
		// Records come and go with their frame, so those of one frame are near in time.
		s.seal()
		o = nil
	}
	if o == nil {
		s.nextSeq++
		o = &openFrame{frame: frame{seq: s.nextSeq}, began: time.Now()}
		o.recordsBefore, o.bytesBefore, o.time = s.next.records(), s.next.bytes(), s.next.time
		s.growing = o
		s.log.front.note(s)
	}
	out := s.gather(largeQueue)
	out.header = header{
		count:         out.header.count,
		length:        out.header.length,
		time:          max(o.time, now),
		stamp:         s.log.stamp.Add(1),
		recordsBefore: o.records(),
		bytesBefore:   o.bytes(),
	}
	out.seq, out.index, out.front = o.seq, o.count, true
	s.part = out
	s.sending = true
	return out
}

// append makes a part durable.
func (fr *front) append(out *sent) {
	s := out.shard
	fr.j.Append(journal.Entry{Stream: s.stream, Born: s.born(), Seq: out.seq<<indexBits | uint64(out.index), Data: out.buf},
		func(err error) { s.partDone(out, err) })
}

// partDone takes what became of a part.
func (s *Shard) partDone(out *sent, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.part = nil
	o := s.growing
	switch {
	case s.err != nil && errors.Is(s.err, ErrNoShard):
		for _, w := range out.waiters {
			w.fail(s.err)
		}
		out.release()
	case err == nil && o != nil && o.seq == out.seq:
		s.commitPart(o, out)
	default:
		// Its frame went without it, or it is not known what the journal has of it. The
		// journal's entry counts for nothing when the frame is in the stream; so only then
		// the appends go anew, the direct way if the journal failed.
		s.requeue(out)
		s.direct, s.waitFlush = s.direct || err != nil, true
		if o != nil && o.count == 0 {
			s.growing = nil
			s.nextSeq--
			s.log.front.forget(s)
		}
	}
	if s.idle != nil {
		s.seal()
	}
	s.pump()
	s.settle()
}

// commitPart makes a part readable. Callers hold mu.
func (s *Shard) commitPart(o *openFrame, out *sent) {
	o.add(&out.header, out.buf)
	s.log.front.held.Add(int64(out.header.length))
	if s.first > s.last { // it was empty
		s.first = o.seq
		s.firstHeader = &header{}
		*s.firstHeader = o.header
	}
	s.last, s.lastHeader, s.next = o.seq, o.header, o.header
	s.wake()
	index := out.index
	for _, w := range out.waiters {
		w.pos, w.time = Position{o.seq, index}, out.header.time
		index += w.count
		close(w.done)
	}
	out.release()
	if o.length >= sealBytes {
		s.seal()
	}
}

// seal lets the open frame go to the stream. A part that is under way for it comes too late
// and goes anew. Callers hold mu.
func (s *Shard) seal() {
	o := s.growing
	if o == nil || o.count == 0 {
		return
	}
	s.sealed = append(s.sealed, o.close(s))
	s.growing = nil
	s.flush()
}

// flush has the sealed frames published. Callers hold mu.
func (s *Shard) flush() {
	if s.flushing || len(s.sealed) == 0 {
		return
	}
	s.flushing = true
	s.log.busy.Add(1)
	go s.flushSealed()
}

func (s *Shard) flushSealed() {
	fr := s.log.front
	defer s.log.busy.Done()
	fr.slots <- struct{}{}
	defer func() { <-fr.slots }()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.sealed) > 0 {
		out := s.sealed[0]
		s.mu.Unlock()
		err := s.store(out.sent)
		s.mu.Lock()
		if errors.Is(err, ErrClosed) {
			break // the journal has it for the next start
		}
		if len(s.sealed) == 0 { // the shard was deleted
			break
		}
		s.sealed = s.sealed[1:]
		s.stored = out.seq
		fr.held.Add(-int64(out.header.length))
		if err == nil && (s.notify != nil || time.Since(s.tipRead) < tipInterest) {
			s.log.cache.put(s, out.f)
		}
		s.wakeFlushed()
	}
	s.flushing, s.waitFlush = false, false
	if len(s.sealed) == 0 {
		s.sealed = nil
	}
	if !s.inMemory() {
		fr.forget(s)
	}
	s.wakeFlushed()
	s.pump()
	s.settle()
}

func (s *Shard) wakeFlushed() {
	if s.flushed != nil {
		close(s.flushed)
		s.flushed = nil
	}
}

// store publishes a sealed frame until it is durable in the stream, or the shard is gone
// (ErrNoShard), or the log is closed (ErrClosed).
func (s *Shard) store(out *sent) error {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		begun := time.Now()
		m, err := s.republish(out)
		if err == nil {
			err = parseAck(m)
		}
		var failed *storeError
		var refused *refusedError
		stored := err == nil
		switch {
		case stored:
		case errors.Is(err, errWrongSeq):
			stored, err = s.stamped(out)
		case errors.As(err, &failed):
			if s.log.repair.do(s.log, begun) == nil {
				stored, err = s.stamped(out)
			}
		case errors.As(err, &refused):
			s.failQueue(refusal(refused.cause))
		case errors.Is(err, nats.ErrNoResponders):
			_, _, err = s.bounds(s.log.ctx)
		}
		if errors.Is(err, ErrNoShard) {
			return err
		}
		if stored && s.persist(out) == nil {
			return nil
		}
		if s.log.sleep(pause) != nil {
			return ErrClosed
		}
	}
}

// failQueue tells those who wait behind a frame that the store refuses.
func (s *Shard) failQueue(err error) {
	s.mu.Lock()
	queue := s.queue
	s.queue, s.queued = nil, 0
	s.settle()
	s.mu.Unlock()
	for _, w := range queue {
		w.fail(err)
	}
}

func (s *Shard) persist(out *sent) error {
	done := make(chan error, 1)
	s.log.broker.Persist(s.stream, s.subject, out.seq, out.buf, func(err error) { done <- err })
	if err := <-done; err != nil {
		return s.log.broker.Sync(s.stream)
	}
	return nil
}

// heldFrame returns the frame of the sequence if it is not in the stream yet.
func (s *Shard) heldFrame(seq uint64) *frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.growing; o != nil && o.seq == seq && o.count > 0 {
		f := o.frame
		f.growing = true
		return &f
	}
	for _, x := range s.sealed {
		if x.seq == seq {
			return x.f
		}
	}
	return nil
}

// endPosition is where the next record will be at or after. Callers hold mu.
func (s *Shard) endPosition() Position {
	if o := s.growing; o != nil && o.seq == s.last {
		return Position{s.last, s.lastHeader.count}
	}
	return Position{s.last + 1, 0}
}

// flushAll returns when what was readable at the call is in the stream.
func (s *Shard) flushAll(ctx context.Context) error {
	if s.log.front == nil {
		return nil
	}
	s.mu.Lock()
	target := s.last
	s.mu.Unlock()
	for {
		s.mu.Lock()
		if o := s.growing; o != nil && o.seq <= target {
			s.seal()
		}
		if s.stored >= target || s.err != nil && !s.inMemory() {
			s.mu.Unlock()
			return nil
		}
		s.flush()
		if s.flushed == nil {
			s.flushed = make(chan struct{})
		}
		flushed := s.flushed
		s.mu.Unlock()
		select {
		case <-flushed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.log.ctx.Done():
			return ErrClosed
		}
	}
}

// drop forgets what a shard holds that was deleted, or whose log is closed: then the
// journal has it. Callers hold mu.
func (s *Shard) drop() {
	fr := s.log.front
	if fr == nil {
		return
	}
	if s.growing != nil {
		fr.held.Add(-int64(s.growing.length))
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

func (fr *front) shards() []*Shard {
	fr.mu.Lock()
	defer fr.mu.Unlock()
	all := make([]*Shard, 0, len(fr.dirty))
	for s := range fr.dirty {
		all = append(all, s)
	}
	return all
}

// checkpoint has everything in its streams that a segment of the journal has of some. It
// does not wait for parts under way, which may wait for it: they go anew.
func (fr *front) checkpoint(streams []string) error {
	in := make(map[string]struct{}, len(streams))
	for _, s := range streams {
		in[s] = struct{}{}
	}
	all := slices.DeleteFunc(fr.shards(), func(s *Shard) bool {
		_, ok := in[s.stream]
		return !ok
	})
	for _, s := range all {
		s.mu.Lock()
		s.seal()
		s.mu.Unlock()
	}
	for _, s := range all {
		if err := s.flushAll(fr.ctx); err != nil {
			return err
		}
	}
	return nil
}

// seal is the goroutine that lets frames go that have been open long, or the oldest where
// too much is held.
func (fr *front) seal() {
	tick := time.NewTicker(sealEvery)
	defer tick.Stop()
	type aged struct {
		s     *Shard
		began time.Time
		bytes int64
	}
	for {
		select {
		case <-fr.ended:
			return
		case <-tick.C:
		}
		var open []aged
		for _, s := range fr.shards() {
			s.mu.Lock()
			if o := s.growing; o != nil && o.count > 0 {
				open = append(open, aged{s, o.began, int64(o.length)})
			}
			s.mu.Unlock()
		}
		slices.SortFunc(open, func(a, b aged) int { return cmp.Compare(a.began.UnixNano(), b.began.UnixNano()) })
		excess := fr.held.Load() - maxHeld/2
		for _, a := range open {
			if excess <= 0 && time.Since(a.began) < sealAge {
				break
			}
			excess -= a.bytes
			a.s.mu.Lock()
			a.s.seal()
			a.s.mu.Unlock()
		}
	}
}

// close ends the front when the shards were drained. What could not go to its stream stays
// in the journal.
func (fr *front) close() error {
	close(fr.ended)
	fr.tasks.Wait()
	defer fr.cancel()
	if len(fr.shards()) > 0 {
		fr.cancel() // so that the last checkpoint does not wait for them
	}
	return fr.j.Close()
}
