package streamsql

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// Tap is a live view of a stream.
type Tap struct {
	app    *App
	stream *stream
	limit  int

	mu      sync.Mutex
	waiting []*Rows
	size    int
	dropped uint64
	closed  bool
	wake    chan struct{} // of capacity 1: something is there
}

// Tap begins to keep the rows that come into a stream, up to a limit in bytes; those beyond it
// are dropped and counted. Close ends it. It may be called while a step runs.
func (a *App) Tap(name string, limit int) (*Tap, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.b.streams[name]
	if s == nil {
		return nil, fmt.Errorf("%w: stream %q", ErrNotFound, name)
	}
	t := &Tap{app: a, stream: s, limit: limit, wake: make(chan struct{}, 1)}
	s.taps = append(s.taps, t)
	return t, nil
}

func (t *Tap) offer(r *Rows) {
	n := r.bytes()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.size+n > t.limit {
		t.dropped += uint64(r.Len())
		return
	}
	t.waiting = append(t.waiting, r)
	t.size += n
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Next waits for rows, and says how many were dropped since the last ones. It returns io.EOF behind
// Close.
func (t *Tap) Next(ctx context.Context) (rows *Rows, dropped uint64, err error) {
	for {
		t.mu.Lock()
		switch {
		case len(t.waiting) > 0:
			rows, dropped = t.waiting[0], t.dropped
			t.waiting, t.dropped = t.waiting[1:], 0
			t.size -= rows.bytes()
			t.mu.Unlock()
			return rows, dropped, nil
		case t.closed:
			t.mu.Unlock()
			return nil, 0, io.EOF
		}
		t.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-t.wake:
		}
	}
}

// Close ends the tap.
func (t *Tap) Close() {
	t.app.mu.Lock()
	for i, o := range t.stream.taps {
		if o == t {
			t.stream.taps = append(t.stream.taps[:i:i], t.stream.taps[i+1:]...)
			break
		}
	}
	t.app.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed = true
		close(t.wake)
	}
}
