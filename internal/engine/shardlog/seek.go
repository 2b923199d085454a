package shardlog

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Seek returns the position of the first record that arrived at or after t, or End.
func (s *Shard) Seek(ctx context.Context, t time.Time) (Position, error) {
	if err := s.open(ctx); err != nil {
		return Position{}, err
	}
	if err := s.refresh(ctx); err != nil {
		return Position{}, err
	}
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	if oldest, aged := s.oldest(); aged {
		ms = max(ms, oldest)
	}
	return s.seek(ctx, ms)
}

// seek finds the first frame whose time is not before ms. Where the store would look, by
// the time at which it stored the frames, is a good guess; what decides is the time in
// the frames.
func (s *Shard) seek(ctx context.Context, ms int64) (Position, error) {
	s.mu.Lock()
	lo, end, lastTime, last := s.first, s.last+1, s.lastHeader.time, s.endPosition()
	err := s.gone()
	s.mu.Unlock()
	if err != nil {
		return Position{}, err
	}
	if lo >= end || lastTime < ms {
		return last, nil
	}
	// The answer is in [lo, hi]; hi is known to be late enough.
	hi := end - 1
	probe := func(seq uint64) error {
		late, at, err := s.late(ctx, seq, hi, ms)
		switch {
		case err != nil:
			return err
		case late:
			hi = seq // those from seq to at are lost
		default:
			lo = at + 1
		}
		return nil
	}
	var got []message
	if s.storedFrame() > 0 {
		guess := time.UnixMilli(ms).UTC()
		got, err = s.get(ctx, getRequest{StartTime: &guess, Batch: 1})
		if len(got) == 0 && err != nil && !errors.Is(err, errNone) {
			return Position{}, s.missing(ctx, err)
		}
	}
	if len(got) > 0 && lo <= got[0].seq && got[0].seq < hi {
		seq := got[0].seq
		if err := probe(seq); err != nil {
			return Position{}, err
		}
		// The frames before or after it, further and further away.
		down := hi == seq
		for step := uint64(1); lo < hi; step *= 4 {
			if down {
				seq = hi - min(step, hi-lo)
			} else {
				seq = lo + min(step, hi-lo) - 1
			}
			if err := probe(seq); err != nil {
				return Position{}, err
			}
			if down == (lo > seq) {
				break
			}
		}
	}
	for lo < hi {
		if err := probe(lo + (hi-lo)/2); err != nil {
			return Position{}, err
		}
	}
	f, err := s.frame(ctx, lo, 1)
	if c := (*corruptError)(nil); errors.As(err, &c) {
		return Position{lo, 0}, nil // which readers are told of
	}
	if err != nil || f == nil || f.seq != lo {
		return Position{lo, 0}, err
	}
	return Position{lo, f.since(ms)}, nil
}

// late reports whether the first whole frame at or after seq, which is at, arrived at ms
// or later. With none before hi it is late.
func (s *Shard) late(ctx context.Context, seq, hi uint64, ms int64) (late bool, at uint64, err error) {
	for at = seq; at < hi; {
		f, err := s.frame(ctx, at, 1)
		if err == nil {
			if f == nil {
				return true, at, nil
			}
			return f.time >= ms, f.seq, nil
		}
		var c *corruptError
		if !errors.As(err, &c) {
			return false, at, err
		}
		at = c.next
	}
	return true, at, nil
}

// Info is a shard's state without its records.
type Info struct {
	Oldest     Position  // first readable record; equal to End when empty
	End        Position  // where the next record will be at or after
	LastTime   time.Time // arrival of the newest record; zero when empty
	OldestTime time.Time
	Records    uint64
	Bytes      uint64 // of keys and data
}

// Appended reports how many records, and bytes of keys and data, were appended since the shard was
// created: what has expired since is counted too, so that the difference of two calls is what
// came between them. It reads nothing from the store once the shard has been opened.
func (s *Shard) Appended(ctx context.Context) (records, bytes uint64, err error) {
	if err := s.open(ctx); err != nil {
		return 0, 0, err
	}
	if err := s.refresh(ctx); err != nil {
		return 0, 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.gone(); err != nil {
		return 0, 0, err
	}
	return s.lastHeader.records(), s.lastHeader.bytes(), nil
}

// Info tells a shard's state. It reads from the store only when the oldest frame has
// changed since the last time.
func (s *Shard) Info(ctx context.Context) (Info, error) {
	if err := s.open(ctx); err != nil {
		return Info{}, err
	}
	if err := s.refresh(ctx); err != nil {
		return Info{}, err
	}
	for {
		s.mu.Lock()
		err := s.gone()
		first, last, lh := s.first, s.last, s.lastHeader
		fh := s.firstHeader
		end := s.endPosition()
		s.mu.Unlock()
		if err != nil {
			return Info{}, err
		}
		oldest, aged := s.oldest()
		if first > last || aged && lh.time < oldest {
			return Info{Oldest: end, End: end}, nil
		}
		if fh == nil {
			f, err := s.frame(ctx, first, 1)
			var c *corruptError
			if errors.As(err, &c) {
				s.mu.Lock()
				s.beginAt(c.next, nil)
				s.mu.Unlock()
				continue
			}
			if err != nil {
				return Info{}, err
			}
			s.mu.Lock()
			if f == nil {
				s.beginAt(last+1, nil)
			} else {
				s.beginAt(f.seq, &f.header)
			}
			s.mu.Unlock()
			continue
		}
		if aged && fh.time < oldest {
			p, err := s.seek(ctx, oldest)
			if err != nil {
				return Info{}, err
			}
			s.mu.Lock()
			s.beginAt(p.Frame, nil)
			if p.Frame == first { // it has grown since its header was kept
				s.firstHeader = nil
			}
			s.mu.Unlock()
			continue
		}
		return Info{
			Oldest:     Position{first, 0},
			End:        end,
			LastTime:   time.UnixMilli(lh.time).UTC(),
			OldestTime: time.UnixMilli(cmp.Or(fh.begin, fh.time)).UTC(),
			Records:    lh.records() - fh.recordsBefore,
			Bytes:      lh.bytes() - fh.bytesBefore,
		}, nil
	}
}
