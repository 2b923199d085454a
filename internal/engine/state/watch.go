package state

import (
	"context"
	"slices"
	"strings"
)

// Event is a change that Watch reports; Value is nil when the document was deleted.
type Event struct{ Document }

type watcher struct {
	prefix string
	after  uint64
	events chan *entry
	ctx    context.Context
}

func (w *watcher) wants(e *entry) bool {
	return e.doc.Revision > w.after && strings.HasPrefix(e.sort, w.prefix)
}

// send waits for a slow receiver: the feed from the bucket stops meanwhile, the store's
// own writes and reads do not.
func (w *watcher) send(closed <-chan struct{}, e *entry) {
	select {
	case w.events <- e:
	case <-w.ctx.Done():
	case <-closed:
	}
}

// Watch calls f for every change under prefix after the call, in order, until ctx ends
// or the store is closed. It returns at once; f runs in a goroutine of this watch, and
// may read and write the store.
func (s *Store) Watch(ctx context.Context, prefix Key, f func(Event)) error {
	select {
	case <-s.closed:
		return ErrClosed
	default:
	}
	w := &watcher{prefix: slices.Clone(prefix).sortKey(), events: make(chan *entry, 1024), ctx: ctx}
	s.mu.Lock()
	w.after = s.last
	s.watchers[w] = struct{}{}
	s.mu.Unlock()
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		defer func() {
			s.mu.Lock()
			delete(s.watchers, w)
			s.mu.Unlock()
		}()
		for {
			select {
			case e := <-w.events:
				f(Event{e.doc})
			case <-ctx.Done():
				return
			case <-s.closed:
				return
			}
		}
	}()
	return nil
}
