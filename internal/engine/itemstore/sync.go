package itemstore

import (
	"runtime"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// This file: one sync of the log for all writes that wait.
//
// Where a disk syncs in less time than a request takes, Pebble syncs its log for each write or two: it begins with the
// first that asks. Here the first one waits until those that the processors have work for have had their turn, which is
// no time on a node that has nothing else to do. Whoever comes during a sync waits for the next one.

// syncs makes applied writes durable. The zero value is ready.
type syncs struct {
	mu      sync.Mutex
	waiting []*commit
	spare   []*commit // memory of the last waiting
	busy    bool      // somebody syncs, and will for those that wait
}

// sync returns when c is done: what was applied before the call is on disk, or c has an error.
func (s *Store) sync(c *commit) error {
	y := &s.syncs
	y.mu.Lock()
	y.waiting = append(y.waiting, c)
	first := !y.busy
	y.busy = true
	y.mu.Unlock()
	if first && s.syncWaiting() {
		go func() {
			for s.syncWaiting() {
			}
		}()
	}
	return c.wait()
}

// syncWaiting syncs the log for those that wait, and reports whether others have come, for whom it is to be called again.
func (s *Store) syncWaiting() (more bool) {
	runtime.Gosched()
	y := &s.syncs
	y.mu.Lock()
	all := y.waiting
	y.waiting, y.spare = y.spare[:0], nil
	y.mu.Unlock()
	if err := s.db.Guard(func() error { return s.db.LogData(nil, pebble.Sync) }); err != nil {
		s.db.Fail(err)
		err = s.db.Failed()
		for _, c := range all {
			c.err = err
		}
	}
	for _, c := range all {
		close(c.done)
	}
	clear(all)
	y.mu.Lock()
	defer y.mu.Unlock()
	y.spare = all
	y.busy = len(y.waiting) > 0
	return y.busy
}
