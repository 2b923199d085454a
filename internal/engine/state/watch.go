package state

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// Event is a change that Watch reports; Value is nil when the document was deleted.
type Event struct{ Document }

// watchQueue is how many events may wait for a slow function before those that a later
// one of the same document supersedes are dropped.
const watchQueue = 4096

type watcher struct {
	prefix string
	wake   chan struct{} // holds one token when there are events

	mu      sync.Mutex
	events  []*entry
	compact int // length at which to drop superseded events
}

func (w *watcher) add(e *entry) {
	if !strings.HasPrefix(e.sort, w.prefix) {
		return
	}
	w.mu.Lock()
	w.events = append(w.events, e)
	if len(w.events) >= w.compact {
		seen := map[string]bool{}
		for i, e := range slices.Backward(w.events) {
			if seen[e.sort] {
				w.events[i] = nil
			}
			seen[e.sort] = true
		}
		w.events = slices.DeleteFunc(w.events, func(e *entry) bool { return e == nil })
		w.compact = max(watchQueue, 2*len(w.events))
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []*entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	events := w.events
	w.events = nil
	return events
}

// Watch calls f for every change under prefix after the call, until ctx ends or the
// store is closed. Changes of one document come in order; a function that falls far
// behind, or a change made by another node, may be told only of the later of two. Watch
// returns at once; f runs in a goroutine of this watch, and may read and write the store.
func (s *Store) Watch(ctx context.Context, prefix Key, f func(Event)) error {
	w := &watcher{prefix: prefix.sortKey(), wake: make(chan struct{}, 1), compact: watchQueue}
	s.mu.Lock()
	select {
	case <-s.closed:
		s.mu.Unlock()
		return ErrClosed
	default:
	}
	s.watchers[w] = struct{}{}
	s.done.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.done.Done()
		defer func() {
			s.mu.Lock()
			delete(s.watchers, w)
			s.mu.Unlock()
		}()
		for {
			select {
			case <-w.wake:
			case <-ctx.Done():
				return
			case <-s.closed:
				return
			}
			for _, e := range w.take() {
				if ctx.Err() != nil {
					return
				}
				f(Event{e.doc})
			}
		}
	}()
	return nil
}
