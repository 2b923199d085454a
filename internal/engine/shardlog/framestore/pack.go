package framestore

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	packName    = ".pack"
	suspectName = ".suspect" // a sync of it has failed
	damagedName = ".damaged" // is no pack
)

// writeBehind is how much is written to a pack before the system is asked to begin with it.
const writeBehind = 1 << 20

// pack is a file. Except for what never changes, Store.mu guards it.
type pack struct {
	key    uint32 // index in Store.packs
	number uint64
	id     uint64
	path   string

	runs    int   // how many of the index refer to it
	pending int   // how many copies are being written to it that are not in the index yet
	live    int64 // the space that these runs take, in units of the alignment

	sealed bool // it has a footer

	// With a footer:
	footer footer
	keep   bool // is not compacted: a frame in it is damaged

	// Without one:
	file    *os.File
	open    []*openRun
	end     int64 // of the entries; to change it, appending is held too
	synced  int64 // what is before that is durable
	named   bool  // and its name is
	suspect error // of the sync that failed
	renamed bool  // has a suspect's name
	told    bool  // that the footer could not be written
}

func (s *Store) path(number uint64, suffix string) string {
	return filepath.Join(s.dir, fmt.Sprintf("%016x%s", number, suffix))
}

// bytes are those on disk.
func (p *pack) bytes() int64 {
	if p.sealed {
		return p.footer.end
	}
	return p.end
}

// create makes a file and has it be the active one. Callers hold appending.
func (s *Store) create() error {
	if s.number >= 1<<63 {
		return errors.New("framestore: no number is left for a pack")
	}
	s.number++
	p := &pack{number: s.number, path: s.path(s.number, packName), end: packHeader}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Errorf("framestore: %w", err)
	}
	p.id = binary.LittleEndian.Uint64(random[:])
	f, err := os.OpenFile(p.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("framestore: %w", err)
	}
	var header [packHeader]byte
	putPackHeader(header[:], p.id, p.number)
	if err := s.disk.write(f, 0, header[:], nil); err != nil {
		f.Close()
		os.Remove(p.path)
		return fmt.Errorf("framestore: %w", err)
	}
	p.file = f
	s.mu.Lock()
	s.enter(p)
	s.active = p
	s.mu.Unlock()
	select {
	case s.rotated <- struct{}{}:
	default:
	}
	return nil
}

// enter gives a pack its key. Callers hold mu.
func (s *Store) enter(p *pack) {
	p.key = uint32(len(s.packs))
	s.packs = append(s.packs, p)
}

// write writes an entry to the active pack, but leaves it to the caller to move that pack's end. Callers
// hold appending.
func (s *Store) write(e entry, frame []byte) (*pack, ref, error) {
	need := align(entryHeader + int64(len(frame)))
	if p := s.active; p == nil || p.end > packHeader && p.end+need > s.o.PackBytes {
		if err := s.create(); err != nil {
			return nil, ref{}, err
		}
	}
	p := s.active
	e.put(s.header[:], p.id, p.end)
	if err := s.disk.write(p.file, p.end, s.header[:], frame); err != nil {
		_ = p.file.Truncate(p.end) // otherwise the next entry is written over it
		return nil, ref{}, fmt.Errorf("framestore: %w", err)
	}
	// A sync that finds much to write holds up that of the journal, for which puts wait.
	if from, to := p.end/writeBehind, (p.end+need)/writeBehind; from < to && !s.o.NoSync {
		beginWriting(p.file, from*writeBehind, (to-from)*writeBehind)
	}
	return p, ref{uint32(p.end / alignment), e.length, e.ms}, nil
}

// remove removes the file of a pack that nothing refers to. An unsealed one may be removed by the holder of syncing only.
func (s *Store) remove(p *pack) {
	s.mu.Lock()
	if p.runs > 0 || p.pending > 0 || p == s.active || s.packs[p.key] != p {
		s.mu.Unlock()
		return
	}
	s.packs[p.key] = nil
	file, path := p.file, p.path
	s.mu.Unlock()
	if file != nil {
		file.Close()
	}
	s.unlink(path)
	s.files.drop(p.key) // after that: nobody can open it again
}

// unlink removes a file, or has the next Collect try it again.
func (s *Store) unlink(path string) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.report(fmt.Errorf("framestore: %w", err))
		s.mu.Lock()
		s.garbage = append(s.garbage, path)
		s.mu.Unlock()
	}
}
