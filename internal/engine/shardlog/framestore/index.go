package framestore

import (
	"slices"
	"sort"
)

// run is a row of frames of one shard in one pack, without holes between them. There is one for
// each shard and pack at least, so it is kept small and has no pointers.
type run struct {
	first uint64 // sequence
	ms    int64  // no frame of it arrived later; of a run that was cut, earlier ones only may be left
	pack  uint32 // index in Store.packs
	ref   uint32 // of the first frame: in the footer's refs, or of the whole run in pack.open
	count uint32
	units uint32 // bytes on disk in units of the alignment; estimated once the run was cut
}

func (r run) end() uint64 { return r.first + uint64(r.count) }

// openRun is a run of a pack without a footer.
type openRun struct {
	shard, first uint64
	refs         []ref
	dead         bool   // nothing of it is left
	pending      bool   // copies that are not in the index yet
	lost         bool   // copies that are not durable, and never will be
	sealed       bool   // the pack has got its footer,
	ref          uint32 // and this is the index of the first ref in that
	ms           int64  // set with sealed, as units and count
	units        uint32
	count        uint32
}

// run returns the run for the index.
func (o *openRun) run(pack, at uint32) run {
	r := run{first: o.first, ms: o.ms, pack: pack, ref: o.ref, count: o.count, units: o.units}
	if !o.sealed {
		r.ref, r.count = at, uint32(len(o.refs))
		r.ms, r.units = summary(o.refs)
	}
	return r
}

// summary returns the last arrival in refs, which are not empty, and the space that the entries take.
func summary(refs []ref) (ms int64, units uint32) {
	ms = refs[0].ms
	for _, f := range refs {
		ms = max(ms, f.ms)
		units += f.units()
	}
	return ms, units
}

// shard is what the index has of a shard.
type shard struct {
	runs     []run  // sorted, not overlapping
	first    uint64 // what is before that is gone
	last     uint64 // the last sequence there ever was
	maxAge   int64  // milliseconds, 0: for ever
	attached bool
}

// after returns the index of the first run that begins after the sequence.
func (sh *shard) after(seq uint64) int {
	if n := len(sh.runs); n == 0 || sh.runs[n-1].first <= seq {
		return n
	}
	return sort.Search(len(sh.runs), func(i int) bool { return sh.runs[i].first > seq })
}

// at returns the index of the run that has the sequence, or of the next one if none has.
func (sh *shard) at(seq uint64) int {
	i := sh.after(seq)
	if i > 0 && sh.runs[i-1].end() > seq {
		return i - 1
	}
	return i
}

func (sh *shard) has(seq uint64) bool {
	i := sh.at(seq)
	return i < len(sh.runs) && sh.runs[i].first <= seq
}

// bounds are those of Bounds.
func (sh *shard) bounds() (first, last uint64) {
	if i := sh.at(sh.first); i < len(sh.runs) {
		return max(sh.first, sh.runs[i].first), sh.last
	}
	return sh.last + 1, sh.last
}

// add enters a frame that was appended to the pack. Callers hold mu.
func (s *Store) add(id uint64, sh *shard, p *pack, seq uint64, f ref) {
	units := f.units()
	sh.last = max(sh.last, seq)
	i := sh.after(seq)
	if i > 0 {
		if r := &sh.runs[i-1]; r.pack == p.key && r.end() == seq {
			o := p.open[r.ref]
			o.refs = append(o.refs, f)
			r.count++
			r.ms = max(r.ms, f.ms)
			r.units += units
			p.live += int64(units)
			return
		}
	}
	p.open = append(p.open, &openRun{shard: id, first: seq, refs: []ref{f}})
	sh.runs = slices.Insert(sh.runs, i, run{seq, f.ms, p.key, uint32(len(p.open) - 1), 1, units})
	s.count(sh.runs[i])
	if sh.runs[0].first < sh.first {
		s.forget(sh, sh.first) // what was kept as the last frame
	}
}

// count counts a run in for its pack. Callers hold mu.
func (s *Store) count(r run) {
	p := s.packs[r.pack]
	p.runs++
	p.live += int64(r.units)
}

// discount is the opposite of count; what the pack itself knows of the run is dead.
func (s *Store) discount(r run) {
	p := s.packs[r.pack]
	p.runs--
	p.live -= int64(r.units)
	if !p.sealed {
		o := p.open[r.ref]
		o.dead, o.refs = true, nil
	}
}

// forget forgets the frames before a sequence, but the last one. Callers hold mu.
func (s *Store) forget(sh *shard, before uint64) {
	before = min(before, sh.last)
	n := 0
	for n < len(sh.runs) && sh.runs[n].end() <= before {
		s.discount(sh.runs[n])
		n++
	}
	if n > 0 {
		sh.runs = slices.Delete(sh.runs, 0, n)
		if cap(sh.runs) > 4*len(sh.runs)+8 {
			sh.runs = slices.Clone(sh.runs)
		}
	}
	if len(sh.runs) > 0 && sh.runs[0].first < before {
		r := &sh.runs[0]
		p := s.packs[r.pack]
		p.live -= int64(r.units)
		*r = s.behind(*r, before)
		p.live += int64(r.units)
	}
}

// behind returns the run without its frames before a sequence that is in it. Callers hold mu.
func (s *Store) behind(r run, seq uint64) run {
	k := uint32(seq - r.first)
	if p := s.packs[r.pack]; p.sealed {
		r.ref += k
		r.units = share(r.units, r.count-k, r.count)
	} else {
		o := p.open[r.ref]
		o.refs = o.refs[k:]
		o.first += uint64(k)
		_, r.units = summary(o.refs)
	}
	r.first += uint64(k)
	r.count -= k
	return r
}

// share is an estimate for a part of so many units.
func share(units, part, of uint32) uint32 {
	return uint32(uint64(units) * uint64(part) / uint64(of))
}

// expire forgets the runs of which all frames arrived before a time. Callers hold mu.
func (s *Store) expire(sh *shard, before int64) {
	n := 0
	for n < len(sh.runs) && sh.runs[n].ms < before {
		n++
	}
	switch {
	case n == 0:
		return
	case n == len(sh.runs):
		sh.first = max(sh.first, sh.last+1)
	default:
		sh.first = max(sh.first, sh.runs[n].first)
	}
	s.forget(sh, sh.first)
}

// drop forgets all frames of a shard. Callers hold mu.
func (s *Store) drop(id uint64) {
	sh := s.shards[id]
	if sh == nil {
		return
	}
	for _, r := range sh.runs {
		s.discount(r)
	}
	delete(s.shards, id)
}
