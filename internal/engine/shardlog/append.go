package shardlog

import (
	"context"
	"sync"
	"time"
)

const (
	// frameTarget is the size at which a frame takes no further batch.
	frameTarget = 1 << 20

	// maxInflight is how many frames of a shard may be published and not durable: one
	// is being synced while the next one is copied to the server. The second goes only
	// when it is worth a sync of its own; smaller ones gather on.
	maxInflight = 2
	secondFrame = 64 << 10
)

// waiter is an append that waits for its frame.
type waiter struct {
	batch *Batch
	buf   []byte // of the batch: room for a header, and its records
	count uint32
	taken bool // out of the queue: its buffer belongs to the frame
	done  chan struct{}
	group *Group // that waits for it, in place of done
	piece piece  // of it, under way to the journal

	pos  Position
	time int64
	err  error
}

func (w *waiter) fail(err error) {
	w.err = err
	w.finish()
}

// finish tells who waits. The waiter is theirs then.
func (w *waiter) finish() {
	if w.group != nil {
		w.group.waits.Done()
	} else {
		close(w.done)
	}
}

// sent is a frame under way.
type sent struct {
	shard   *Shard
	header  header
	seq     uint64 // that it is to get
	buf     []byte
	pooled  bool // buf is from the pool
	waiters []*waiter
	token   uint64
	timer   *time.Timer

	answered bool
	failed   time.Time // when the server refused
	err      error     // its refusal
}

// Append makes the batch durable (fsync) and returns the position of its first record;
// the others follow at Index+1, Index+2... Concurrent appends to a shard share a frame, those
// to all shards a sync. When it returns an error other than a context's, nothing of the batch
// is or will be readable. The batch is free for reuse on return. An empty batch is an error.
func (s *Shard) Append(ctx context.Context, b *Batch) (Position, time.Time, error) {
	return s.Begin(ctx, b).Wait(ctx)
}

// Pending is an append under way. Wait must be called once.
type Pending struct {
	shard *Shard
	w     *waiter
	err   error // why it was not begun
}

// Begin begins an Append, so that one goroutine can append to many shards at once. It does
// not wait for the disk. The batch is free for reuse when Wait has returned.
func (s *Shard) Begin(ctx context.Context, b *Batch) Pending {
	w := &waiter{done: make(chan struct{})}
	err := s.log.admit(ctx)
	if err == nil {
		err = s.begin(ctx, b, w, s.log.clock.Now().UnixMilli(), s.log.stamp.Add(1))
	}
	return Pending{s, w, err}
}

// admit reports whether there is room for appends, and waits for it.
func (l *Log) admit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.space.check(l); err != nil {
		return err
	}
	if l.front != nil {
		return l.front.ready(ctx)
	}
	return nil
}

// begin begins an append that has arrived now, in milliseconds since 1970. The stamp is its own.
func (s *Shard) begin(ctx context.Context, b *Batch, w *waiter, now int64, stamp uint64) error {
	if err := b.check(s.log.maxFrame); err != nil {
		return err
	}
	w.batch, w.buf, w.count = b, b.buf, uint32(b.count)
	s.mu.Lock()
	for !s.opened {
		s.mu.Unlock()
		err := s.open(ctx)
		if err != nil {
			return err
		}
		s.mu.Lock()
	}
	if err := s.err; err != nil {
		s.mu.Unlock()
		return err
	}
	if len(s.queue) == 0 && !w.goesDirect() && s.takesPieces() {
		s.assign(w, now, stamp)
		s.mu.Unlock()
		return nil
	}
	s.queue = append(s.queue, w)
	s.queued += len(w.buf) - headerSize
	out := s.take()
	s.mu.Unlock()
	if out != nil {
		s.send(out)
	}
	return nil
}

// Wait returns what Append returns.
func (p Pending) Wait(ctx context.Context) (Position, time.Time, error) {
	w := p.w
	if p.err != nil {
		return Position{}, time.Time{}, p.err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if !p.shard.abandon(w) {
			return Position{}, time.Time{}, ctx.Err()
		}
		<-w.done
	}
	if w.err != nil {
		return Position{}, time.Time{}, w.err
	}
	return w.pos, time.UnixMilli(w.time).UTC(), nil
}

// abandon gives up on an append whose context has ended. It reports whether the append
// is done after all. One that is in a frame already leaves its buffer behind.
func (s *Shard) abandon(w *waiter) (done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-w.done:
		return true
	default:
	}
	if w.taken {
		w.batch.buf = nil
		w.batch.Reset()
		return false
	}
	for i, q := range s.queue {
		if q == w {
			s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
			s.queued -= len(w.buf) - headerSize
			break
		}
	}
	s.signalIdle()
	return false
}

// take makes a frame of what is in the queue, if one may be sent now, and marks the
// shard as sending. Callers hold mu and then call send.
func (s *Shard) take() *sent {
	if s.sending || s.recovering || len(s.queue) == 0 || len(s.inflight) >= maxInflight {
		return nil
	}
	if s.takesPieces() {
		for len(s.queue) > 0 && !s.queue[0].goesDirect() {
			w := s.queue[0]
			s.queue = s.queue[1:]
			s.queued -= len(w.buf) - headerSize
			s.assign(w, s.log.clock.Now().UnixMilli(), s.log.stamp.Add(1))
		}
		if len(s.queue) == 0 {
			s.queue = nil
			return nil
		}
		if s.pieces > 0 || s.inMemory() { // which comes first
			s.fillAll()
			return nil
		}
	}
	if len(s.inflight) > 0 && s.queued < secondFrame {
		return nil
	}
	out := s.gather(frameTarget)
	out.header = header{
		count:         out.header.count,
		length:        out.header.length,
		time:          max(s.next.time, s.log.clock.Now().UnixMilli()),
		stamp:         s.log.stamp.Add(1),
		recordsBefore: s.next.records(),
		bytesBefore:   s.next.bytes(),
	}
	out.seq = s.nextSeq + 1
	s.next, s.nextSeq = out.header, out.seq
	s.inflight = append(s.inflight, out)
	s.sending = true
	return out
}

// gather takes appends off the queue until they are of so many bytes, and makes a frame of
// them without a place. Callers hold mu.
func (s *Shard) gather(target int) *sent {
	n, length := 0, 0
	var count uint64
	for ; n < len(s.queue); n++ {
		w := s.queue[n]
		if n > 0 && (length >= target || length+len(w.buf) > s.log.maxFrame) {
			break
		}
		length += len(w.buf) - headerSize
		count += uint64(w.count)
	}
	out := &sent{shard: s, waiters: s.queue[:n:n]}
	s.queue = s.queue[n:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	s.queued -= length
	for _, w := range out.waiters {
		w.taken = true
	}
	out.header.count, out.header.length = uint32(count), uint32(length)
	return out
}

// send publishes a frame. Afterwards another goroutine sees to the next one, so that
// nobody's append is late because it works for others.
func (s *Shard) send(out *sent) {
	out.encode()
	if s.packed {
		s.sendToPacks(out)
	} else {
		s.writer.publish(out)
	}
	s.mu.Lock()
	s.sending = false
	s.pump()
	s.signalIdle()
	s.mu.Unlock()
}

// pump sends the next frame if there is one. Callers hold mu.
func (s *Shard) pump() {
	if out := s.take(); out != nil {
		s.log.busy.Add(1)
		go func() {
			defer s.log.busy.Done()
			s.send(out)
		}()
	}
}

// encode puts the frame together: in the room that a batch has before its records, or
// in a buffer from the pool when there are several.
func (out *sent) encode() {
	if len(out.waiters) == 1 {
		out.buf = out.waiters[0].buf
	} else {
		out.buf, out.pooled = getBuffer(headerSize+int(out.header.length)), true
		off := headerSize
		for _, w := range out.waiters {
			off += copy(out.buf[off:], w.buf[headerSize:])
		}
	}
	out.header.seal(out.buf)
}

// commit makes a frame readable. Callers hold mu; the frame is the first in flight.
func (s *Shard) commit(out *sent) {
	s.inflight = s.inflight[1:]
	if len(s.inflight) == 0 {
		s.inflight = nil
	}
	if s.first > s.last { // it was empty
		s.first = out.seq
		s.firstHeader = &header{}
		*s.firstHeader = out.header
	}
	s.last, s.lastHeader, s.stored = out.seq, out.header, out.seq
	if s.notify != nil || time.Since(s.tipRead) < tipInterest {
		buf := out.buf
		if !out.pooled {
			buf = append([]byte(nil), buf...)
		}
		if f, err := decodeFrame(out.seq, buf); err == nil {
			s.log.cache.put(s, f)
			out.pooled = false
		}
	}
	s.wake()
	index := uint32(0)
	for _, w := range out.waiters {
		w.pos, w.time = Position{out.seq, index}, out.header.time
		index += w.count
		w.finish()
	}
	out.release()
}

// tipInterest is how long frames are kept for readers after one was at the end.
const tipInterest = 5 * time.Second

func (out *sent) release() {
	if out.timer != nil {
		out.timer.Stop()
	}
	if out.pooled {
		putBuffer(out.buf)
	}
	out.buf = nil
}

var buffers sync.Pool

func getBuffer(n int) []byte {
	if p, ok := buffers.Get().(*[]byte); ok && cap(*p) >= n {
		return (*p)[:n]
	}
	return make([]byte, n, max(n, 64<<10))
}

func putBuffer(b []byte) {
	if cap(b) <= 2*frameTarget {
		buffers.Put(&b)
	}
}
