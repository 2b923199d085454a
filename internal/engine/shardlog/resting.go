package shardlog

import (
	"cmp"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
)

const (
	// restFrom is how many shards have appends that no stream has when those that have no stream
	// yet need none for less than restBytes: they rest in the journal and in memory.
	restFrom  = 256
	restBytes = 4 << 10

	// carriedBytes bounds what is written into the journal again for one segment of it, an eighth
	// of which that is: so carrying does not fill the journal as fast as it is emptied. What is
	// more goes to the streams, which are there from then on.
	carriedBytes = maxSegmentBytes / 8
)

// rests reports whether all that the shard holds may stay where it is although it is old, or the
// log is closed. Callers hold mu.
func (s *Shard) rests() bool {
	if !s.lazy || len(s.sealed) > 0 || len(s.growing) != 1 {
		return false
	}
	o := s.growing[0]
	return !o.full && o.underway == 0 && o.count > 0 && o.assigned.length < restBytes
}

// carry writes the frames of those shards that rest into the journal again, each as one entry, so
// that a generation, and those before, may go. It returns the others, when all are durable. What
// was appended before is not under way any more, and what is appended later comes behind. What it
// has written for a checkpoint that failed it does not write again for the next try, as all is of
// a later generation then.
func (fr *front) carry(generation uint64, all []*Shard) (others []*Shard, err error) {
	type entry struct {
		s   *Shard
		o   *openFrame
		in  uint64 // generation
		err error
	}
	var under sync.WaitGroup
	var carried []*entry
	left := cmp.Or(fr.log.opts.SegmentBytes, carriedBytes)
	for _, s := range all {
		s.mu.Lock()
		rests := s.rests()
		if rests && s.growing[0].oldest > generation {
			s.mu.Unlock()
			continue
		}
		if !rests || int64(len(s.growing[0].buf)) > left {
			s.mu.Unlock()
			others = append(others, s)
			continue
		}
		o := s.growing[0]
		left -= int64(len(o.buf))
		f := o.frame
		f.buf = f.appendParts(append(make([]byte, 0, len(f.buf)+partSize*len(f.parts)+4), f.buf...))
		f.header.sealAs(f.buf, len(f.parts) > 1)
		under.Add(1)
		c := &entry{s: s, o: o}
		carried = append(carried, c)
		c.in = fr.j.Add(journal.Entry{Stream: s.stream, Born: s.born, Seq: journal.PieceSeq(f.seq, 0), Data: f.buf}, journal.WaiterFunc(func(e error) {
			c.err = e
			under.Done()
		}))
		s.mu.Unlock()
	}
	under.Wait()
	for _, c := range carried {
		if c.err != nil {
			err = c.err
			continue
		}
		c.s.mu.Lock()
		c.o.oldest = c.in
		c.s.mu.Unlock()
	}
	return others, err
}
