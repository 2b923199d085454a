package work

import (
	"context"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// Group runs what belongs to no document: sweeps, feeds, one-off housekeeping. Each of its
// functions has a goroutine, is called again after errors and panics by the Backoff, and
// ends when it returns nil or the Group is closed. The zero Group works.
type Group struct {
	Context context.Context // what the functions' contexts come from, with its values; nil: context.Background
	Clock   clockwork.Clock // nil: the real one
	Backoff Backoff
	Events  Events

	mu     sync.Mutex
	closed bool
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// Go runs a function until it returns nil. It does nothing and returns false when the
// Group is closed.
func (g *Group) Go(name string, run func(ctx context.Context) error) bool {
	return g.GoTelling(name, run, nil)
}

// GoTelling is Go, and failed is told of each failure, after Events.Failed. nil: it is not.
func (g *Group) GoTelling(name string, run func(ctx context.Context) error, failed func(err error, failures int, wait time.Duration)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	if g.ctx == nil {
		parent := g.Context
		if parent == nil {
			parent = context.Background()
		}
		g.ctx, g.cancel = context.WithCancel(parent)
	}
	if g.Clock == nil {
		g.Clock = clockwork.NewRealClock()
	}
	ctx, r := g.ctx, &retry{clock: g.Clock, backoff: g.Backoff.filled()}
	g.wg.Go(func() {
		loop(ctx, r, run, func(err error, failures int, wait time.Duration) {
			g.Events.failed(nil, name, err, failures, wait)
			if failed != nil {
				failed(err, failures, wait)
			}
		}, nil)
	})
	return true
}

// Every calls a function now and then again every so often, counted from the end of the
// last call.
func (g *Group) Every(name string, d time.Duration, run func(ctx context.Context) error) bool {
	return g.Go(name, func(ctx context.Context) error {
		if err := run(ctx); err != nil {
			return err
		}
		return RunAfter(d)
	})
}

// Close ends the functions and returns when they have ended, or with the error of ctx.
func (g *Group) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	if g.cancel != nil {
		g.cancel()
	}
	g.mu.Unlock()
	return waited(ctx, &g.wg)
}

// loop calls run until it returns nil or ctx ends. ended, if not nil, is told of every
// return but the last.
func loop(ctx context.Context, r *retry, run func(context.Context) error, failed func(error, int, time.Duration), next func(failures int, err error, at time.Time)) {
	for ctx.Err() == nil {
		began := r.clock.Now()
		err := Contain(func() error { return run(ctx) })
		if ctx.Err() != nil {
			return
		}
		done, isFailure, wait := r.outcome(began, err)
		if done {
			return
		}
		if isFailure {
			failed(err, r.failures, wait)
		} else {
			err = nil
		}
		if next != nil {
			next(r.failures, err, r.clock.Now().Add(wait))
		}
		if !pause(ctx, r.clock, wait, nil) {
			return
		}
	}
}

// waited waits for the group or for ctx.
func waited(ctx context.Context, wg *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
