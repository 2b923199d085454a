package queue

import (
	"context"
	"time"
)

// Await returns true when a message can be received, without receiving it, and false when there was none up to
// wait or ctx ended. It is for a queue that has one consumer: of several that wait, one is told.
func (q *Queue) Await(ctx context.Context, wait time.Duration) (ready bool, err error) {
	deadline := q.s.o.Clock.Now().Add(wait)
	for {
		w, next, err := q.look()
		if err != nil || w == nil {
			return err == nil, err
		}
		if q.sleep(ctx, w, deadline, next) {
			return false, ctx.Err()
		}
		if !q.s.o.Clock.Now().Before(deadline) {
			w, _, err := q.look()
			if err == nil && w != nil {
				q.leave(w, false)
			}
			return err == nil && w == nil, err
		}
	}
}

// look returns nil when there is a message that can be received; otherwise what is woken when there may be, and
// when a hidden one comes back, 0 for none.
func (q *Queue) look() (w chan struct{}, next int64, err error) {
	err = q.s.guarded(func() error {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.gone.Load() {
			return ErrGone
		}
		it, err := between(q.s.db, q.low, prefix(q.id, kindVisible+1))
		if err != nil {
			return err
		}
		defer it.Close()
		if it.First() {
			at, _ := visibleOf(it.Key())
			if at <= q.s.now() {
				return it.Error()
			}
			next = at
		}
		if err := it.Error(); err != nil {
			return err
		}
		w = make(chan struct{}, 1)
		q.waiters = append(q.waiters, w)
		return nil
	})
	return w, next, err
}

// sleep waits until w is woken, a hidden message comes back, or the deadline; true when ctx or the store has ended.
func (q *Queue) sleep(ctx context.Context, w chan struct{}, deadline time.Time, next int64) (ended bool) {
	pause := deadline.Sub(q.s.o.Clock.Now())
	if next > 0 {
		pause = min(pause, time.Duration(next-q.s.now())*time.Millisecond)
	}
	if pause > 0 {
		t := q.s.o.Clock.NewTimer(pause)
		select {
		case <-w:
		case <-t.Chan():
		case <-ctx.Done():
			ended = true
		case <-q.s.stop:
			ended = true
		}
		t.Stop()
	}
	q.leave(w, ended)
	return ended
}
