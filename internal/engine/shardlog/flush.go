package shardlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
)

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
		fr.gone(out.header.length)
		fr.written(s.file(), out.oldest)
		switch {
		case err != nil:
		case s.notify != nil || time.Since(s.tipRead) < tipInterest:
			s.log.cache.put(s, out.f)
		case !out.lent:
			frameBuffers.put(out.buf)
		}
		s.wakeFlushed()
	}
	s.flushing = false
	if len(s.sealed) == 0 {
		s.sealed = nil
	}
	if !s.inMemory() {
		fr.forget(s)
	}
	s.wakeFlushed()
	s.pump()
	s.signalIdle()
}

func (s *Shard) wakeFlushed() {
	if s.flushed != nil {
		close(s.flushed)
		s.flushed = nil
	}
}

// store publishes a sealed frame until it is in the stream, or the shard is gone (ErrNoShard),
// or the log is closed (ErrClosed). It is durable in the journal until the stream is synced.
func (s *Shard) store(out *sent) error {
	if s.packed {
		return s.storeInPacks(out)
	}
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		begun := time.Now()
		err := s.makeStream(s.log.ctx)
		if errors.Is(err, journal.ErrSuspect) {
			s.log.front.refused.Store(&err)
		}
		if err == nil {
			var m *nats.Msg
			if m, err = s.republish(out); err == nil {
				err = parseAck(m)
			}
		}
		var failed *storeError
		var refused *refusedError
		stored := err == nil
		switch {
		case stored:
		case errors.Is(err, errWrongSeq):
			stored, err = s.isStored(out)
		case errors.As(err, &failed) && s.log.noSpace():
			// To start it again would only keep readers from it.
			s.refuse(refusal(failed.cause))
		case errors.As(err, &failed):
			if s.log.repair.do(s.log, begun) == nil {
				stored, err = s.isStored(out)
			}
		case errors.As(err, &refused):
			s.refuse(refusal(refused.cause))
		case errors.Is(err, nats.ErrNoResponders):
			_, _, err = s.bounds(s.log.ctx)
		}
		if errors.Is(err, ErrNoShard) {
			return err
		}
		if stored {
			s.log.front.refused.Store(nil)
			return nil
		}
		if s.log.sleep(pause) != nil {
			return ErrClosed
		}
	}
}

// restartSpace is how many bytes the disk must have left for a store that has failed to be
// started again.
const restartSpace = 8 << 20

func (l *Log) noSpace() bool {
	free, err := l.broker.Free()
	return err == nil && free < restartSpace
}

// refuse tells those who wait behind a frame that the store refuses, and those who wait for
// room.
func (s *Shard) refuse(err error) {
	s.log.front.refused.Store(&err)
	s.mu.Lock()
	queue := s.queue
	s.queue, s.queued = nil, 0
	s.signalIdle()
	s.mu.Unlock()
	for _, w := range queue {
		w.fail(err)
	}
}

// flushAll returns when what was readable at the call is in the stream.
func (s *Shard) flushAll(ctx context.Context) error {
	return s.flushTo(ctx, func() uint64 { return s.last })
}

func (s *Shard) flushTo(ctx context.Context, end func() uint64) error {
	if s.log.front == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for target := end(); s.inMemory(); {
		target = min(target, s.nextSeq) // less, where appends under way have failed
		if s.stored >= target {
			return nil
		}
		for i := 0; i < len(s.growing) && s.growing[i].seq <= target; {
			o := s.growing[i]
			s.fill(o)
			if i < len(s.growing) && s.growing[i] == o {
				i++
			}
		}
		s.flush()
		if s.flushed == nil {
			s.flushed = make(chan struct{})
		}
		flushed := s.flushed
		s.mu.Unlock()
		var err error
		select {
		case <-flushed:
		case <-ctx.Done():
			err = ctx.Err()
		case <-s.log.ctx.Done():
			err = ErrClosed
		}
		s.mu.Lock()
		if err != nil {
			return err
		}
	}
	return nil
}

// putBack makes the frames again of which the journal has the appends and their streams have
// nothing.
func (fr *front) putBack(ctx context.Context, left *journal.Left) error {
	l := fr.log
	streams := left.Streams()
	if len(streams) == 0 {
		return nil
	}
	for _, st := range streams {
		fr.written(st.Name, 0) // by the run before, which nobody knows to have synced it
	}
	if l.packs != nil {
		fr.written(inPacks, 0) // the sync at their start may have failed
	}
	byStream := make(map[string]*Shard, len(l.shards))
	for _, s := range l.shards {
		byStream[s.stream] = s
	}
	most := cmp.Or(l.opts.startHeld, easeOf(len(streams)))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(flushesAtOnce)
	for _, st := range streams {
		if s := byStream[st.Name]; s != nil && s.born == st.Born {
			g.Go(func() error {
				if err := s.putBack(ctx, fr, left, st, most); err != nil {
					return fmt.Errorf("shardlog: put appends back into shard %s: %w", s.name, err)
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// putBack does so for one shard. What comes when
// all shards hold the most bytes in memory goes to the stream at once.
func (s *Shard) putBack(ctx context.Context, fr *front, left *journal.Left, st journal.Stream, most int64) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	if begin, _ := journal.Piece(st.First); s.lost(begin) {
		if err := s.skipTo(ctx, begin); err != nil {
			return err
		}
	}
	last := s.lastFrame()
	if s.packed {
		if err := s.fillHoles(fr, left, st, last); err != nil {
			return err
		}
	}
	var frames []*openFrame
	end, lacks := last, false // the last frame that there was, as far as is known
	err := left.Entries(st.StreamID, journal.PieceSeq(last+1, 0)-1, func(e journal.Entry) error {
		seq, index := journal.Piece(e.Seq)
		c, err := decodeFrame(seq, e.Data)
		if err != nil {
			return err
		}
		n := len(frames)
		switch {
		case index == 0 && seq == end+1:
		case n > 0 && frames[n-1].seq == seq && frames[n-1].count == index:
		case !s.packed || index == 0 && seq <= end:
			return fmt.Errorf("%w: at %d: the journal of appends lacks some before %v", ErrCorrupt, seq, Position{seq, index})
		default: // a pack that had them is missing
			if lacks = true; index > 0 {
				end = seq
				return nil
			}
		}
		if index == 0 {
			frames = append(frames, &openFrame{frame: frame{seq: seq}})
			n, end = n+1, seq
		}
		frames[n-1].add(&c.header, c.buf, 0)
		if index == 0 && c.parts != nil { // a frame that was written again
			frames[n-1].parts, frames[n-1].begin = c.parts, c.begin
		}
		return nil
	})
	if err != nil {
		return err
	}
	if lacks {
		s.reportLack(last+1, end)
		last = end
		if len(frames) > 0 {
			last = frames[0].seq - 1
		}
		s.log.packs.Skip(s.id(), last)
	}
	// They go to the stream behind, as any others, unless there is too much of them.
	s.mu.Lock()
	defer s.mu.Unlock()
	if last > s.last {
		if s.first > s.last {
			s.first = last + 1
		}
		s.last, s.stored, s.nextSeq = last, last, last
	}
	for _, o := range frames {
		out := o.close(s)
		held := len(s.sealed) > 0 || fr.held.Load() < most
		if !held {
			s.mu.Unlock()
			err := s.store(out.sent)
			s.mu.Lock()
			if err != nil {
				return err
			}
			s.stored = o.seq
			fr.written(s.file(), 0)
		}
		if s.first > s.last {
			s.first, s.firstHeader = o.seq, &header{}
			*s.firstHeader = o.header
		}
		s.last, s.lastHeader = o.seq, o.header
		s.next, s.nextSeq = o.header, o.seq
		if held {
			fr.held.Add(int64(out.header.length))
			s.sealed = append(s.sealed, out)
			fr.note(s)
		}
	}
	if end > s.last { // of which the journal has but an end
		s.log.packs.Skip(s.id(), end)
		s.last, s.nextSeq = end, end
	}
	if s.packed { // what was trimmed is not in packs that a loss of power has cut, but in the journal it is
		s.beginAt(min(s.floor, s.last+1), nil)
	}
	return nil
}

// reportLack tells that frames, or records at the ends of some, are neither in packs nor in the journal.
func (s *Shard) reportLack(first, last uint64) {
	if s.log.opts.Report != nil {
		s.log.opts.Report(fmt.Errorf("%w: shard %s: the packs have frames up to %d, of those up to %d the journal of appends lacks some", ErrCorrupt, s.name, first-1, last))
	}
}

// lost reports whether a stream is empty that has held what was before the frame.
func (s *Shard) lost(before uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first > s.last && s.last+1 < before
}

// skipTo lets an empty stream that has lost where it was, with all that it held, go on at the
// frame: what was before has expired.
func (s *Shard) skipTo(ctx context.Context, seq uint64) error {
	if s.packed {
		s.log.packs.Skip(s.id(), seq-1)
		s.mu.Lock()
		s.first, s.last, s.stored, s.nextSeq = seq, seq-1, seq-1, seq-1
		s.mu.Unlock()
		return nil
	}
	cfg := s.config(s.maxAge, s.floor)
	cfg.FirstSeq = seq
	err := s.log.js.DeleteStream(ctx, s.stream)
	if err == nil {
		err = s.log.newStream(ctx, cfg)
	}
	if err == nil {
		err = s.log.broker.Sync(s.stream)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.opened = false
	s.mu.Unlock()
	return s.open(ctx)
}
