package framestore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sort"
)

// readAhead is how many refs are read at a time.
const readAhead = 128

// spot is where frames of a row stand, as it was under the lock.
type spot struct {
	pack  *pack
	id    uint64
	shard uint64
	seq   uint64 // of the first
	count uint32
	end   int64 // of the entries

	file *os.File // without a footer,
	refs []ref    // which also has these in memory

	path   string
	footer footer
	ref    uint32
}

// spotOf returns where the first frames of a run stand from seq on, up to n. Callers hold mu.
func (s *Store) spotOf(id uint64, r run, seq uint64, n int) spot {
	p := s.packs[r.pack]
	k := uint32(seq - r.first)
	at := spot{pack: p, id: p.id, shard: id, seq: seq, count: uint32(min(int64(r.count-k), int64(n)))}
	if p.sealed {
		at.end, at.path, at.footer, at.ref = p.footer.at, p.path, p.footer, r.ref+k
		return at
	}
	at.end, at.file = p.end, p.file
	at.refs = p.open[r.ref].refs[k : k+at.count]
	return at
}

// use calls f with the file.
func (s *Store) use(at spot, f func(io.ReaderAt) error) error {
	if at.file != nil {
		return f(at.file)
	}
	file, err := s.files.take(at.pack.key, at.path)
	if err != nil {
		return err
	}
	defer s.files.giveBack(file)
	return f(file)
}

// again reports whether an error comes from a file that is not in use any more, so that
// the index says now where the frames are.
func (s *Store) again(at spot, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, os.ErrClosed) {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := at.pack
	return s.closed || s.packs[p.key] != p || p.sealed != (at.file == nil) || p.sealed && p.path != at.path
}

func readRefs(r io.ReaderAt, f footer, from, n uint32) ([]ref, error) {
	if from > f.refs || n > f.refs-from {
		return nil, errDamaged
	}
	buf := make([]byte, int(n)*refSize)
	if _, err := r.ReadAt(buf, f.ref(from)); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errDamaged
		}
		return nil, err
	}
	refs := make([]ref, n)
	for i := range refs {
		refs[i] = parseRef(buf[i*refSize:])
	}
	return refs, nil
}

// Read returns up to n frames from the first one at or after seq on, in ascending order: at least one if there is one, but no more than
// maxBytes together. A hole is passed over. Frames are not verified, but are what was appended, or some bytes of it
// have changed. Of one whose place is not known any more, Data is nil.
func (s *Store) Read(id, seq uint64, n, maxBytes int) ([]Frame, error) {
	n = max(n, 1)
	var all []Frame
	for len(all) < n {
		s.mu.RLock()
		if s.closed {
			s.mu.RUnlock()
			return nil, ErrClosed
		}
		sh := s.shards[id]
		if sh == nil {
			s.mu.RUnlock()
			break
		}
		seq = max(seq, sh.first)
		i := sh.at(seq)
		if i == len(sh.runs) {
			s.mu.RUnlock()
			break
		}
		seq = max(seq, sh.runs[i].first)
		at := s.spotOf(id, sh.runs[i], seq, min(n-len(all), readAhead))
		s.mu.RUnlock()

		before := len(all)
		full := false
		err := s.use(at, func(file io.ReaderAt) (err error) {
			all, maxBytes, full, err = readSpot(file, at, all, maxBytes)
			return err
		})
		seq += uint64(len(all) - before)
		if err != nil && !s.again(at, err) {
			if len(all) > 0 {
				break // the next call gets it
			}
			return nil, fmt.Errorf("framestore: %w", err)
		}
		if full {
			break
		}
	}
	return all, nil
}

// readSpot reads frames until there is no room for another one.
func readSpot(file io.ReaderAt, at spot, all []Frame, room int) (_ []Frame, left int, full bool, err error) {
	refs := at.refs
	if at.file == nil {
		if refs, err = readRefs(file, at.footer, at.ref, at.count); errors.Is(err, errDamaged) {
			refs = make([]ref, at.count) // fit nowhere
		} else if err != nil {
			return all, room, false, err
		}
	}
	for i, r := range refs {
		seq := at.seq + uint64(i)
		if !r.fits(at.end) {
			all = append(all, Frame{Seq: seq})
			continue
		}
		if len(all) > 0 && int(r.length) > room {
			return all, room, true, nil
		}
		data, err := readEntry(file, at.id, at.shard, seq, r, make([]byte, entryHeader+int(r.length)))
		if err != nil && !errors.Is(err, errDamaged) {
			return all, room, false, err
		}
		all = append(all, Frame{seq, slices.Clip(data)})
		room -= len(data)
	}
	return all, room, false, nil
}

// Last returns the shard's last frame, also one that was trimmed or has expired, and whether there is one. Its Data is as
// with Read.
func (s *Store) Last(id uint64) (Frame, bool, error) {
	for {
		s.mu.RLock()
		if s.closed {
			s.mu.RUnlock()
			return Frame{}, false, ErrClosed
		}
		sh := s.shards[id]
		if sh == nil || !sh.has(sh.last) {
			s.mu.RUnlock()
			return Frame{}, false, nil
		}
		at := s.spotOf(id, sh.runs[sh.at(sh.last)], sh.last, 1)
		s.mu.RUnlock()
		var one []Frame
		err := s.use(at, func(file io.ReaderAt) (err error) {
			one, _, _, err = readSpot(file, at, nil, 0)
			return err
		})
		if err == nil {
			return one[0], true, nil
		}
		if !s.again(at, err) {
			return Frame{}, false, fmt.Errorf("framestore: %w", err)
		}
	}
}

// SeekTime returns the first sequence, from the first frame of Bounds on, of a frame whose last record arrived at ms or later. It is
// last+1 when there is none. In a shard, no frame arrived before one of a lower sequence. Where the
// disk cannot be read, the sequence may be of an earlier frame.
func (s *Store) SeekTime(id uint64, ms int64) uint64 {
	seq := uint64(0)
	for {
		s.mu.RLock()
		sh := s.shards[id]
		if sh == nil {
			s.mu.RUnlock()
			return 1
		}
		seq = max(seq, sh.first)
		i := sh.at(seq)
		i += sort.Search(len(sh.runs)-i, func(k int) bool { return sh.runs[i+k].ms >= ms })
		if i == len(sh.runs) {
			last := sh.last
			s.mu.RUnlock()
			return last + 1
		}
		r := sh.runs[i]
		seq = max(seq, r.first)
		at := s.spotOf(id, r, seq, int(r.count))
		s.mu.RUnlock()

		k := 0
		err := s.use(at, func(file io.ReaderAt) (err error) {
			k = sort.Search(int(at.count), func(k int) bool {
				if at.file != nil {
					return at.refs[k].ms >= ms
				}
				refs, e := readRefs(file, at.footer, at.ref+uint32(k), 1)
				if e != nil {
					err = e
					return true
				}
				return refs[0].ms >= ms
			})
			return err
		})
		if err != nil && s.again(at, err) {
			if s.isClosed() {
				return seq
			}
			continue
		}
		if err != nil {
			s.report(fmt.Errorf("framestore: %w", err))
			return seq
		}
		if seq += uint64(k); k < int(at.count) {
			return seq
		}
	}
}

func (s *Store) isClosed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}
