package shardlog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	maxRead   = 16 << 20
	minWindow = 256 << 10
	maxWindow = 4 << 20
)

// ReadOptions limits a Read. A zero field means no limit of its kind, but never more
// than 16 MiB at once; at least one record is returned when there is one.
type ReadOptions struct {
	MaxRecords int
	MaxBytes   int // of Key and Data
}

// Read returns the records from the position on, and the position after the last of
// them. No records and no error: from is the end. dst is appended to (may be nil).
// A position before the oldest record reads from the oldest. ErrCorrupt names a frame
// that fails its checksum; the returned next skips it.
func (s *Shard) Read(ctx context.Context, from Position, o ReadOptions, dst []Record) (recs []Record, next Position, err error) {
	if err := s.open(ctx); err != nil {
		return dst, from, err
	}
	records, bytes := o.MaxRecords, o.MaxBytes
	if records <= 0 {
		records = math.MaxInt
	}
	if bytes <= 0 || bytes > maxRead {
		bytes = maxRead
	}
	next, recs = from, dst
	oldest, aged := s.oldest()
	asked := !s.log.opts.Shared // whether the shard has more by now
	for first := true; records > 0; {
		s.mu.Lock()
		begin, last := s.first, s.last
		err := s.gone()
		if next.Frame == last && next.Index >= s.lastHeader.count {
			next = s.endPosition()
		}
		atEnd := next.Frame > last || next == s.endPosition()
		if atEnd {
			s.tipRead = time.Now()
		}
		s.mu.Unlock()
		if err != nil {
			return recs, next, err
		}
		if next.Frame < begin {
			next = Position{begin, 0}
			atEnd = begin > last
		}
		if atEnd {
			if !first || asked {
				return recs, next, nil
			}
			asked = true
			if err := s.refresh(ctx); err != nil {
				return recs, next, err
			}
			if last == s.lastFrame() {
				return recs, next, nil
			}
			continue
		}
		f, err := s.frame(ctx, next.Frame, bytes)
		if err != nil {
			if !first { // it will come again
				return recs, next, nil
			}
			var c *corruptError
			if errors.As(err, &c) {
				next = Position{c.next, 0}
			}
			return recs, next, err
		}
		if f == nil { // all went meanwhile
			return recs, Position{last + 1, 0}, nil
		}
		if f.seq > next.Frame {
			next = Position{f.seq, 0}
		}
		if aged && f.begin < oldest {
			next.Index = max(next.Index, f.since(oldest))
		}
		if aged && f.time < oldest {
			if next, err = s.seek(ctx, oldest); err != nil {
				return recs, next, err
			}
			s.mu.Lock()
			s.beginAt(next.Frame, nil)
			s.mu.Unlock()
			continue
		}
		n := len(recs)
		var used int
		recs, next.Index, used = f.read(next.Index, records, bytes, first, recs)
		records -= len(recs) - n
		bytes -= used
		if next.Index < f.count {
			return recs, next, nil
		}
		if len(recs) > n {
			first = false
		}
		if !f.growing {
			next = Position{f.seq + 1, 0}
		}
	}
	return recs, next, nil
}

// gone is the error for readers of a shard that is deleted or whose log is closed.
// Callers hold mu.
func (s *Shard) gone() error {
	if s.err != nil && (errors.Is(s.err, ErrNoShard) || s.log.ctx.Err() != nil) {
		return s.err
	}
	return nil
}

// oldest is the time before which records have passed their age.
func (s *Shard) oldest() (ms int64, aged bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.maxAge <= 0 {
		return 0, false
	}
	return s.log.clock.Now().Add(-s.maxAge).UnixMilli(), true
}

// corruptError is an ErrCorrupt that knows where to go on.
type corruptError struct {
	err  error
	next uint64
}

func (e *corruptError) Error() string { return e.err.Error() }
func (e *corruptError) Unwrap() error { return e.err }

// frame returns the readable frame at the sequence, or the first one after it if those
// between were trimmed; nil when there is none. want is how many bytes the caller would
// like to read.
func (s *Shard) frame(ctx context.Context, seq uint64, want int) (*frame, error) {
	if f := s.heldFrame(seq); f != nil {
		return f, nil
	}
	if f := s.log.cache.get(s, seq); f != nil {
		s.reached(seq)
		return f, nil
	}
	select {
	case s.fetch <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	handedOn := false
	defer func() {
		if !handedOn {
			<-s.fetch
		}
	}()
	if f := s.log.cache.get(s, seq); f != nil { // somebody else wanted it too
		return f, nil
	}
	window, onwards := min(max(want, minWindow), maxWindow), seq == s.fetchNext
	if want <= 1 {
		window = 1
	} else if onwards {
		s.window = min(2*s.window, maxWindow)
		window = max(window, s.window)
	} else {
		s.window = window
	}
	last := s.storedFrame()
	found, next, err := s.fetchFrames(ctx, seq, last, window)
	if err != nil {
		return nil, err
	}
	if found == nil || found.seq > seq {
		return s.skipped(ctx, seq, last, found)
	}
	if want > 1 {
		s.fetchNext = next
		handedOn = onwards && s.fetchAhead()
	}
	return found, nil
}

// fetchFrames reads a window of frames into the cache, none after last. It returns the
// first, nil for none, and the sequence after those that it has read. Callers hold fetch.
func (s *Shard) fetchFrames(ctx context.Context, seq, last uint64, window int) (first *frame, next uint64, err error) {
	got, err := s.get(ctx, getRequest{Seq: seq, Batch: fetchBatch, MaxBytes: window})
	if err != nil && len(got) == 0 && !errors.Is(err, errNone) {
		return nil, seq, s.missing(ctx, err)
	}
	next = seq
	for i, m := range got {
		if m.seq > last {
			break
		}
		f, err := decodeFrame(m.seq, m.data)
		if err != nil && i == 0 {
			return nil, seq, &corruptError{err, m.seq + 1}
		}
		if err != nil {
			break
		}
		if i == 0 {
			first = f
		}
		s.log.cache.put(s, f)
		next = m.seq + 1
	}
	return first, next, nil
}

// get reads frames that are in the stream, or in packs.
func (s *Shard) get(ctx context.Context, req getRequest) ([]message, error) {
	if s.packed {
		return s.getFromPacks(req)
	}
	return s.reader.get(ctx, s.stream, req)
}

// storedFrame is the last one in the stream.
func (s *Shard) storedFrame() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored
}

func (s *Shard) lastFrame() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// reached goes on fetching when a reader has come to the window that was fetched ahead.
func (s *Shard) reached(seq uint64) {
	if seq != s.ahead.Load() {
		return
	}
	select {
	case s.fetch <- struct{}{}:
		if !s.fetchAhead() {
			<-s.fetch
		}
	default: // somebody fetches, for a reader that is elsewhere
	}
}

// fetchAhead fetches the window after the last one, for a reader that reads on: while it
// works on the one, the next is read. It reports whether it does; then it is the one to
// give up fetch, which callers hold.
func (s *Shard) fetchAhead() bool {
	s.ahead.Store(0)
	begin, last := s.fetchNext, s.storedFrame()
	if begin > last || s.log.cache.max < 4*maxWindow || !s.log.start() {
		return false
	}
	go func() {
		defer s.log.busy.Done()
		defer func() { <-s.fetch }()
		// What is wrong with it the reader will find when it comes there.
		if first, next, err := s.fetchFrames(s.log.ctx, begin, last, s.window); err == nil && first != nil {
			s.fetchNext = next
			s.ahead.Store(first.seq)
		}
	}()
	return true
}

// skipped reports whether the store left a sequence out because it was trimmed, or
// because it has lost it.
func (s *Shard) skipped(ctx context.Context, seq, last uint64, found *frame) (*frame, error) {
	first, _, err := s.bounds(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.beginAt(min(first, last+1), nil)
	s.mu.Unlock()
	if first <= seq {
		if f, err := s.leader(ctx, seq); f != nil || err != nil {
			return f, err
		}
		next := seq + 1
		switch {
		case found != nil:
			next = found.seq
		case s.packed: // which have none up to the last one
			next = max(next, last+1)
		}
		return nil, &corruptError{fmt.Errorf("%w: at %d: the store has lost it", ErrCorrupt, seq), next}
	}
	if found != nil && found.seq >= first {
		return found, nil
	}
	if f := s.heldFrame(first); f != nil {
		return f, nil
	}
	if first > s.storedFrame() { // asked last: what is held goes there
		return nil, nil
	}
	return s.load(ctx, first)
}

// missing is ErrNoShard if the cause of a failed request is that the stream is gone.
func (s *Shard) missing(ctx context.Context, cause error) error {
	if _, _, err := s.bounds(ctx); errors.Is(err, ErrNoShard) {
		return err
	}
	return cause
}

// load reads one frame past the cache; nil when there is none.
func (s *Shard) load(ctx context.Context, seq uint64) (*frame, error) {
	got, err := s.get(ctx, getRequest{Seq: seq, Batch: 1})
	if len(got) == 0 {
		if errors.Is(err, errNone) {
			return nil, nil
		}
		return nil, err
	}
	f, err := decodeFrame(got[0].seq, got[0].data)
	if err != nil {
		return nil, &corruptError{err, got[0].seq + 1}
	}
	return f, nil
}
