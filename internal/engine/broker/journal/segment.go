package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// segment is a file.
type segment struct {
	generation uint64
	file       *os.File // nil: of an earlier run
	offset     int64
	streams    map[string]struct{}
	suspect    bool // a sync of it has failed: it is not written to any more, nor used again
	broken     bool // and what that has left could not be cut off
}

// segment opens a segment for the generation, a free one or a new one. One that cannot be opened
// stays free.
func (j *Journal) segment(generation uint64) (*segment, error) {
	j.mu.Lock()
	var was uint64
	if n := len(j.free); n > 0 {
		was, j.free = j.free[n-1], j.free[:n-1]
	}
	j.mu.Unlock()
	path := filepath.Join(j.dir, fileName(generation))
	if was != 0 {
		err := os.Rename(filepath.Join(j.dir, fileName(was)), path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("journal: %w", err)
		}
		if err != nil {
			j.release(was)
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		if was != 0 {
			j.release(generation)
		}
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := syncDir(j.dir); err != nil {
		f.Close()
		j.release(generation)
		return nil, fmt.Errorf("journal: %w", err)
	}
	return &segment{generation: generation, file: f}, nil
}

// retire hands the segment that was written to over to the checkpoint. Callers hold mu.
func (j *Journal) retire() {
	if j.active != nil {
		j.full = append(j.full, j.active)
		j.active = nil
		j.toCheckpoint.Signal()
	}
}

// release lets the file of a generation be used again.
func (j *Journal) release(generation uint64) {
	j.mu.Lock()
	j.free = append(j.free, generation)
	j.mu.Unlock()
}

// remove removes a segment that was checkpointed. Of a suspect one, what the next start would
// find is not sure: it is gone before the one that says where it ends may be used again.
func (j *Journal) remove(s *segment) error {
	err := os.Remove(filepath.Join(j.dir, fileName(s.generation)))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil && s.suspect {
		err = syncDir(j.dir)
	}
	return err
}

// discard makes an end of what the segments hold. One file stays, under the name of a
// generation that nothing in it is of: it reports which generations there were, and has the
// space of a segment.
func discard(dir string) error {
	all, err := list(dir)
	if err != nil || len(all) == 0 {
		return err
	}
	last := all[len(all)-1]
	for _, g := range all[:len(all)-1] {
		if err := os.Remove(filepath.Join(dir, fileName(g))); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	err = os.Rename(filepath.Join(dir, fileName(last)), filepath.Join(dir, fileName(last+1)))
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}
