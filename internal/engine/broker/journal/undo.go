package journal

import (
	"fmt"
	"os"
	"time"
)

// undo cuts off what a failed write may have left, since nobody may read it when its callers
// were told that it failed. It tries until it can, or the journal is closed. That a sync
// succeeds after one that failed says nothing: the system may have forgotten what it could not
// write. So a segment is cut off itself as long as no sync of it has failed, and then by an
// entry in the next one.
func (j *Journal) undo(s *segment) bool {
	for {
		var err error
		if !s.suspect {
			if err = s.file.Truncate(s.offset); err == nil {
				if err = j.syncCut(s.file); err != nil {
					s.suspect = true
				}
			}
		}
		if s.suspect {
			err = j.replace(s)
		}
		if err == nil {
			return true
		}
		j.mu.Lock()
		closing := j.closing
		j.mu.Unlock()
		if closing {
			s.broken = true
			return false
		}
		time.Sleep(undoPause)
	}
}

// replace goes on in a new segment, which begins with where the suspect one ends.
func (j *Journal) replace(s *segment) error {
	j.mu.Lock()
	j.nextGeneration()
	generation := j.generation
	j.mu.Unlock()
	j.opened = generation
	next, err := j.segment(generation)
	if err != nil {
		return err
	}
	cut := cutEntry(s.generation, s.offset)
	b := cut.appendTo(nil, generation)
	if _, err = next.file.WriteAt(b, 0); err == nil {
		err = j.sync(next.file)
	}
	if err != nil {
		// What it holds is true, whether the next start finds it or not.
		next.file.Close()
		os.Remove(next.file.Name())
		return fmt.Errorf("journal: %w", err)
	}
	next.offset = int64(len(b))
	j.mu.Lock()
	j.retire()
	j.active = next
	j.used += next.offset
	j.mu.Unlock()
	return nil
}
