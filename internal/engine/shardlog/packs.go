package shardlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
	"github.com/brookmere/brookmere/internal/engine/shardlog/framestore"
)

// openPacks opens the packs, which are beside the journal of appends.
func (l *Log) openPacks() (err error) {
	if l.opts.Journal == "" || l.opts.Shared {
		return nil
	}
	dir := packsDir(l.opts.Journal)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		l.noPacks = true
	}
	l.packs, err = framestore.Open(dir, framestore.Options{
		PackBytes: l.opts.packBytes,
		Verify:    verifyFrame,
		Fsync:     l.opts.packSync,
		NoSync:    l.opts.NoSync,
		Now:       l.clock.Now,
		Report:    l.opts.Report,
	})
	if err != nil {
		return fmt.Errorf("shardlog: open the packs: %w", err)
	}
	return nil
}

// sweepPacks forgets what the packs have of shards that were deleted, when all that are in the catalog
// are attached. A catalog that has never had any is not believed. Nor is it believed that there are no packs when shards have
// frames there: their sequences would begin again.
func (l *Log) sweepPacks() error {
	if l.packs == nil {
		return nil
	}
	if n := len(l.packs.Shards()); n > 0 && l.catalog.new {
		return fmt.Errorf("shardlog: packs hold frames of %d shards, and the catalog of shards is a new one: the one before is lost", n)
	}
	if l.noPacks {
		in := 0
		for _, s := range l.shards {
			if s.packed && s.form >= packedForm {
				in++
			}
		}
		if in > 0 {
			dir := packsDir(l.opts.Journal)
			err := os.Remove(dir) // as it was
			return errors.Join(fmt.Errorf("%w: the directory %s is missing, %d shards have frames there: it is needed from a copy", ErrPacksChanged, dir, in), err)
		}
	}
	l.packs.Sweep()
	return nil
}

// attach tells the packs of a shard whose frames go there. Callers hold the shard alone, or mu.
func (s *Shard) attach() {
	s.log.packs.Attach(s.id(), s.floor, s.maxAge)
}

// id is the shard's in the packs.
func (s *Shard) id() uint64 { return uint64(s.born) }

// boundsInPacks is bounds of a shard in packs.
func (s *Shard) boundsInPacks() (first, last uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended() {
		return 0, 0, s.err
	}
	first, last = s.log.packs.Bounds(s.id())
	if s.floor > last+1 && s.log.front.isOpen() {
		// Packs and the journal have lost what was before. At a sequence that is trimmed an append would be nowhere.
		first, last = s.floor, s.floor-1
	}
	return max(first, 1), last, nil
}

// endInPacks is the header of the last frame, which the packs keep although it has been trimmed or has
// expired. It is read only if it is whole.
func (s *Shard) endInPacks(ctx context.Context, first, last uint64) (header, error) {
	x, ok, err := s.log.packs.Last(s.id())
	if err != nil {
		return header{}, err
	}
	if ok {
		if f, err := decodeFrame(x.Seq, x.Data); err == nil {
			return f.header, nil
		}
	}
	return s.endBefore(ctx, first, last)
}

// getFromPacks is what a reader gets of a stream, of a shard in packs.
func (s *Shard) getFromPacks(req getRequest) ([]message, error) {
	if req.StartTime != nil {
		seq := s.log.packs.SeekTime(s.id(), req.StartTime.UnixMilli())
		if _, last := s.log.packs.Bounds(s.id()); seq > last {
			return nil, errNone
		}
		return []message{{seq: seq}}, nil
	}
	frames, err := s.log.packs.Read(s.id(), req.Seq, req.Batch, req.MaxBytes)
	if errors.Is(err, framestore.ErrClosed) {
		return nil, ErrClosed
	}
	if err != nil {
		return nil, fmt.Errorf("shardlog: read shard %s: %w", s.name, err)
	}
	if len(frames) == 0 {
		return nil, errNone
	}
	got := make([]message, len(frames))
	for i, f := range frames {
		got[i] = message{f.Seq, f.Data}
	}
	return got, nil
}

// enterPacks says in the catalog that the shard has frames in packs, before the first goes there: a version that
// knows none would find it empty.
func (s *Shard) enterPacks(ctx context.Context) error {
	s.mu.Lock()
	entered := s.form >= packedForm
	s.mu.Unlock()
	if entered {
		return nil
	}
	s.configuring.Lock()
	defer s.configuring.Unlock()
	s.mu.Lock()
	form, maxAge, floor, err := s.form, s.maxAge, s.floor, s.err
	s.mu.Unlock()
	if errors.Is(err, ErrNoShard) {
		return err
	}
	if form >= packedForm {
		return nil
	}
	s.mu.Lock()
	s.form = packedForm
	s.mu.Unlock()
	if err := s.log.catalog.update(ctx, s, maxAge, floor); err != nil {
		s.mu.Lock()
		s.form = form
		s.mu.Unlock()
		return fmt.Errorf("shardlog: note that shard %s is in packs: %w", s.name, err)
	}
	return nil
}

// storeInPacks is store of a shard in packs.
func (s *Shard) storeInPacks(out *sent) error {
	told := false
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := s.enterPacks(s.log.ctx)
		if err == nil {
			err = s.log.packs.Append(s.id(), out.seq, out.header.time, out.buf)
		}
		switch {
		case err == nil:
			s.log.front.refused.Store(nil)
			return nil
		case errors.Is(err, framestore.ErrNoShard), errors.Is(err, ErrNoShard):
			return fmt.Errorf("%w: %s", ErrNoShard, s.name)
		case errors.Is(err, framestore.ErrClosed):
			return ErrClosed
		}
		s.refuse(refusal(err.Error()))
		if pause == time.Second && !told && s.log.opts.Report != nil { // a start waits for it, too
			told = true
			s.log.opts.Report(fmt.Errorf("shardlog: a frame of shard %s does not go to the packs, and is tried again: %w", s.name, err))
		}
		if s.log.sleep(pause) != nil {
			return ErrClosed
		}
	}
}

// sendToPacks is what publishing a frame is for a shard in packs: it is written at once, and synced behind.
func (s *Shard) sendToPacks(out *sent) {
	_, last := s.log.packs.Bounds(s.id())
	s.mu.Lock()
	last = max(last, s.stored) // packs may have lost the end
	s.mu.Unlock()
	err := s.enterPacks(s.log.ctx)
	if err == nil && last+1 != out.seq {
		err = errWrongSeq // it was to follow one that was refused
	}
	if err == nil {
		err = s.log.packs.Append(s.id(), out.seq, out.header.time, out.buf)
		if err != nil && !errors.Is(err, framestore.ErrNoShard) && !errors.Is(err, framestore.ErrClosed) {
			err = &refusedError{err.Error()}
		}
	}
	s.log.busy.Add(1)
	go func() {
		defer s.log.busy.Done()
		if err == nil {
			err = s.log.packs.Sync()
		}
		s.answered(out, err)
	}()
}

// resolveInPacks is resolve of a shard in packs, where it is known what was written.
func (s *Shard) resolveInPacks(out *sent, answer error) (stored bool, err error) {
	var refused *refusedError
	switch {
	case errors.As(answer, &refused):
		return false, refusal(refused.cause)
	case errors.Is(answer, ErrNoShard), errors.Is(answer, framestore.ErrNoShard):
		return false, fmt.Errorf("%w: %s", ErrNoShard, s.name)
	case errors.Is(answer, errWrongSeq):
		return false, nil
	}
	return s.isStored(out)
}

// syncHome makes durable what has gone to the shard's stream, or to the packs.
func (s *Shard) syncHome() error {
	if !s.packed {
		return s.log.broker.Sync(s.stream)
	}
	err := s.log.packs.Sync()
	if errors.Is(err, framestore.ErrSuspect) {
		return fmt.Errorf("%w: %w", journal.ErrSuspect, err)
	}
	return err
}

// setAgeInPacks changes the retention of a shard in packs, and what is gone by that before and after the change.
// Callers hold configuring.
func (s *Shard) setAgeInPacks(ctx context.Context, was, d time.Duration, floor uint64) error {
	for _, age := range []time.Duration{was, d} {
		if age <= 0 {
			continue
		}
		p, err := s.seek(ctx, s.log.clock.Now().Add(-age).UnixMilli())
		if err != nil {
			return err
		}
		floor = max(floor, p.Frame)
	}
	if err := s.log.catalog.update(ctx, s, d, floor); err != nil {
		return fmt.Errorf("shardlog: change retention of shard %s: %w", s.name, err)
	}
	s.mu.Lock()
	s.maxAge = d
	s.mu.Unlock()
	s.log.packs.SetMaxAge(s.id(), d)
	s.forgetBefore(floor)
	return nil
}

// purgeInPacks removes the frames before the sequence. Callers hold configuring.
func (s *Shard) purgeInPacks(ctx context.Context, seq uint64) error {
	s.mu.Lock()
	maxAge, floor := s.maxAge, s.floor
	s.mu.Unlock()
	if seq <= floor {
		return nil
	}
	if err := s.log.catalog.update(ctx, s, maxAge, seq); err != nil {
		return fmt.Errorf("shardlog: trim shard %s: %w", s.name, err)
	}
	s.forgetBefore(seq)
	return nil
}

func (s *Shard) forgetBefore(seq uint64) {
	s.log.packs.Trim(s.id(), seq)
	s.mu.Lock()
	s.floor, s.held = max(s.floor, seq), max(s.held, seq)
	s.beginAt(seq, nil)
	s.mu.Unlock()
}
