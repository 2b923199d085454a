package framestore

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// errDamaged is of a frame, or what stands before it, that is not what was written.
var errDamaged = errors.New("frame is damaged")

// errUnreadable is of a file that cannot be read, from which nothing was copied then.
var errUnreadable = errors.New("cannot be read")

// move is a run of which there are copies in other packs, which are not in the index yet.
type move struct {
	from  *pack
	shard uint64
	first uint64
	count uint32
	to    []moved
}

type moved struct {
	*openRun
	pack *pack
	at   uint32 // in pack.open
}

// copyRun copies a run that stands in a file to the active pack. Every frame of it is verified. After an error there is no copy of it.
func (s *Store) copyRun(from *pack, file io.ReaderAt, end int64, id, first uint64, refs []ref) (m move, err error) {
	m = move{from: from, shard: id, first: first, count: uint32(len(refs))}
	defer func() {
		if err != nil {
			s.abandon(m)
		}
	}()
	var buf []byte
	for i, r := range refs {
		seq := first + uint64(i)
		if !r.fits(end) {
			return m, fmt.Errorf("framestore: pack %016x: shard %d, sequence %d: %w", from.number, id, seq, errDamaged)
		}
		if need := entryHeader + int(r.length); cap(buf) < need {
			buf = make([]byte, need)
		}
		frame, err := readEntry(file, from.id, id, seq, r, buf)
		if err != nil && !errors.Is(err, errDamaged) {
			err = fmt.Errorf("%w: %w", errUnreadable, err)
		}
		if err == nil {
			if bad := s.o.Verify(seq, frame); bad != nil {
				err = fmt.Errorf("%w: %w", errDamaged, bad)
			}
		}
		if err != nil {
			return m, fmt.Errorf("framestore: pack %016x: shard %d, sequence %d: %w", from.number, id, seq, err)
		}
		if err := s.copyFrame(&m, seq, r.ms, frame); err != nil {
			return m, err
		}
	}
	return m, nil
}

// readEntry reads the entry at a ref into buf, which has the room, and returns its frame.
func readEntry(file io.ReaderAt, id, shard, seq uint64, r ref, buf []byte) ([]byte, error) {
	buf = buf[:entryHeader+int(r.length)]
	if _, err := file.ReadAt(buf, r.offset()); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errDamaged
		}
		return nil, err
	}
	if e, ok := parseEntry(buf, id, r.offset()); !ok || e.shard != shard || e.seq != seq || e.length != r.length {
		return nil, errDamaged
	}
	return buf[entryHeader:], nil
}

func (s *Store) copyFrame(m *move, seq uint64, ms int64, frame []byte) error {
	s.appending.Lock()
	defer s.appending.Unlock()
	p, r, err := s.write(entry{m.shard, seq, ms, uint32(len(frame))}, frame)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.end += int64(r.units()) * alignment
	if k := len(m.to); k == 0 || m.to[k-1].pack != p {
		o := &openRun{shard: m.shard, first: seq, pending: true}
		p.open = append(p.open, o)
		p.pending++
		m.to = append(m.to, moved{o, p, uint32(len(p.open) - 1)})
	}
	o := m.to[len(m.to)-1].openRun
	o.refs = append(o.refs, r)
	return nil
}

// settle has the index refer to the copies, which are durable. What of the run is gone meanwhile stays gone.
func (s *Store) settle(m move) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shards[m.shard]
	lost := slices.ContainsFunc(m.to, func(d moved) bool { return d.lost })
	if sh == nil || lost {
		s.abandonLocked(m)
		return
	}
	end := m.first + uint64(m.count)
	i := sh.at(end - 1)
	if i == len(sh.runs) || sh.runs[i].pack != m.from.key || sh.runs[i].first < m.first || sh.runs[i].end() != end {
		s.abandonLocked(m)
		return
	}
	old := sh.runs[i]
	var runs []run
	for _, d := range m.to {
		d.pending = false
		d.pack.pending--
		r := d.run(d.pack.key, d.at)
		if r.end() <= old.first {
			d.dead, d.refs = true, nil
			continue
		}
		if r.first < old.first {
			r = s.behind(r, old.first)
		}
		s.count(r)
		runs = append(runs, r)
	}
	s.discount(old)
	sh.runs = slices.Replace(sh.runs, i, i+1, runs...)
}

// abandon gives up copies.
func (s *Store) abandon(m move) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandonLocked(m)
}

func (s *Store) abandonLocked(m move) {
	for _, d := range m.to {
		d.pack.pending--
		d.pending, d.dead, d.refs = false, true, nil
	}
}
