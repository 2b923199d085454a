package shardlog

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
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
