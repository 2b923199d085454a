package shardlog

import (
	"cmp"
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
)

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
	frames, end, lacks, err := s.leftFrames(left, st, last)
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

// leftFrames makes the frames behind the last one that the journal has from their first record on. End is the last that there was, as far as is known;
// lacks says that of some before it the journal lacks records that are not in packs.
func (s *Shard) leftFrames(left *journal.Left, st journal.Stream, last uint64) (frames []*openFrame, end uint64, lacks bool, err error) {
	end = last
	err = left.Entries(st.StreamID, journal.PieceSeq(last+1, 0)-1, func(e journal.Entry) error {
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
	return frames, end, lacks, err
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

// fillHoles makes the frames again, up to the last that the packs have, which a loss of power has taken and of which the
// journal has the appends.
func (s *Shard) fillHoles(fr *front, left *journal.Left, st journal.Stream, last uint64) error {
	packs := s.log.packs
	begin, _ := journal.Piece(st.First)
	hole := false
	for seq := begin; seq <= last && !hole; seq++ { // the first one that the packs have may not be the first there was
		hole = packs.Lacks(s.id(), seq)
	}
	if !hole {
		return nil
	}
	var o *openFrame
	put := func() error {
		if o == nil {
			return nil
		}
		out := o.close(s)
		o = nil
		if err := s.storeInPacks(out.sent); err != nil {
			return err
		}
		fr.written(inPacks, 0)
		return nil
	}
	err := left.Entries(st.StreamID, journal.PieceSeq(begin, 0)-1, func(e journal.Entry) error {
		seq, index := journal.Piece(e.Seq)
		if o != nil && o.seq != seq {
			if err := put(); err != nil {
				return err
			}
		}
		if seq > last || !packs.Lacks(s.id(), seq) || index > 0 && o == nil {
			return nil
		}
		c, err := decodeFrame(seq, e.Data)
		if err != nil {
			return err
		}
		if index == 0 { // the first of its appends, or all of it again
			o = &openFrame{frame: frame{seq: seq}}
		} else if o.count != index { // a pack is missing that had them
			s.reportLack(seq, seq)
			return nil
		}
		o.add(&c.header, c.buf, 0)
		if index == 0 && c.parts != nil {
			o.parts, o.begin = c.parts, c.begin
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := put(); err != nil {
		return err
	}
	first, _ := packs.Bounds(s.id())
	s.mu.Lock()
	defer s.mu.Unlock()
	if first < s.first {
		s.first, s.firstHeader, s.held = first, nil, min(s.held, first)
	}
	return nil
}
