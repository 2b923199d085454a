package shardlog

import (
	"context"
	"errors"
	"time"
)

// Backlog is what a shard holds from a position on.
type Backlog struct {
	Records uint64
	Bytes   uint64    // of keys and data
	Oldest  time.Time // arrival of the first; zero when there is none
}

// Backlog counts what a reader at the position has not read yet. It reads one frame, the
// one at the position: each frame reports what came before it.
func (s *Shard) Backlog(ctx context.Context, from Position) (Backlog, error) {
	if err := s.open(ctx); err != nil {
		return Backlog{}, err
	}
	if err := s.refresh(ctx); err != nil {
		return Backlog{}, err
	}
	for {
		s.mu.Lock()
		err := s.gone()
		first, last, end := s.first, s.last, s.lastHeader
		s.mu.Unlock()
		if err != nil {
			return Backlog{}, err
		}
		if from.Frame == last && from.Index >= end.count {
			return Backlog{}, nil
		}
		if from.Frame < first {
			from = Position{first, 0}
		}
		if from.Frame > last {
			return Backlog{}, nil
		}
		f, err := s.frame(ctx, from.Frame, 1)
		if f != nil && f.growing && f.seq == last { // it may have more by now
			s.mu.Lock()
			end = s.lastHeader
			s.mu.Unlock()
		}
		if c := (*corruptError)(nil); errors.As(err, &c) {
			from = Position{c.next, 0}
			continue
		}
		if err != nil || f == nil {
			return Backlog{}, err
		}
		if f.seq > from.Frame {
			from = Position{f.seq, 0}
		}
		if from.Index >= f.count {
			from = Position{f.seq + 1, 0}
			continue
		}
		before := uint64(f.offset(from.Index)) - headerSize - recordHeader*uint64(from.Index)
		return Backlog{
			Records: end.records() - f.recordsBefore - uint64(from.Index),
			Bytes:   end.bytes() - f.bytesBefore - before,
			Oldest:  time.UnixMilli(f.arrivalOf(from.Index)).UTC(),
		}, nil
	}
}
