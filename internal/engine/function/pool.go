package function

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// pool has the instances of one Function.Key.
type pool struct {
	f    *Function
	all  map[*instance]struct{}
	idle []*instance // the one that was used last is last
}

// waiter is an invocation that waits: for an instance, or for room to start one.
type waiter struct {
	f   *Function
	got chan *instance // nil is room; closed when the engine is
}

// enter counts an invocation against the limits of concurrency.
func (e *Engine) enter(f *Function) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	if f.Reserved >= 0 {
		if e.inFlight[f.Group] >= f.Reserved {
			return ErrThrottled
		}
		e.inFlight[f.Group]++
		return nil
	}
	if e.owners[f.Owner] >= e.o.Concurrency-e.reservedBy(f.Owner) {
		return ErrThrottled
	}
	e.owners[f.Owner]++
	return nil
}

func (e *Engine) leave(f *Function) {
	e.mu.Lock()
	defer e.mu.Unlock()
	count, key := e.owners, f.Owner
	if f.Reserved >= 0 {
		count, key = e.inFlight, f.Group
	}
	if count[key]--; count[key] == 0 {
		delete(count, key)
	}
}

func (e *Engine) reservedBy(owner string) int {
	n := 0
	for _, r := range e.reserved[owner] {
		n += r
	}
	return n
}

// Reserve takes concurrency out of what an owner's functions share, for a group; negative:
// it is given back.
func (e *Engine) Reserve(owner, group string, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n < 0 {
		delete(e.reserved[owner], group)
		return
	}
	if e.reserved[owner] == nil {
		e.reserved[owner] = map[string]int{}
	}
	e.reserved[owner][group] = n
}

// Concurrency is what one owner's functions may run at once.
func (e *Engine) Concurrency() int { return e.o.Concurrency }

// acquire returns an instance for one invocation, started or about to be by the caller. The
// caller gives it back by release.
func (e *Engine) acquire(ctx context.Context, f *Function) (i *instance, cold bool, err error) {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, false, ErrClosed
	}
	p := e.pools[f.Key]
	if p == nil {
		p = &pool{f: f, all: map[*instance]struct{}{}}
		e.pools[f.Key] = p
	}
	if n := len(p.idle); n > 0 {
		i = p.idle[n-1]
		p.idle = p.idle[:n-1]
		i.idle = false
		e.mu.Unlock()
		return i, false, nil
	}
	if e.total >= e.o.Instances && !e.evict() {
		if len(e.waiting) >= e.o.Waiting {
			e.mu.Unlock()
			return nil, false, ErrBusy
		}
		w := &waiter{f: f, got: make(chan *instance, 1)}
		e.waiting = append(e.waiting, w)
		e.mu.Unlock()
		select {
		case got, open := <-w.got:
			if !open {
				return nil, false, ErrClosed
			}
			if got != nil {
				return got, false, nil
			}
			e.mu.Lock() // there is room, counted for this caller
			e.total--
			p = e.pools[f.Key]
			if p == nil {
				p = &pool{f: f, all: map[*instance]struct{}{}}
				e.pools[f.Key] = p
			}
		case <-ctx.Done():
			e.abandon(w)
			return nil, false, ctx.Err()
		}
	}
	i = e.newInstance(f)
	p.all[i] = struct{}{}
	e.total++
	e.mu.Unlock()
	return i, true, nil
}

// abandon takes a waiter out of the queue, or gives back what it has been handed.
func (e *Engine) abandon(w *waiter) {
	e.mu.Lock()
	if n := slices.Index(e.waiting, w); n >= 0 {
		e.waiting = slices.Delete(e.waiting, n, n+1)
		e.mu.Unlock()
		return
	}
	e.mu.Unlock()
	got, open := <-w.got
	switch {
	case !open:
	case got != nil:
		e.release(got)
	default:
		e.mu.Lock()
		e.total--
		e.room()
		e.mu.Unlock()
	}
}

// evict ends the idle instance that has been so for longest. Callers hold mu.
func (e *Engine) evict() bool {
	var oldest *instance
	for _, p := range e.pools {
		if len(p.idle) > 0 && (oldest == nil || p.idle[0].used.Before(oldest.used)) {
			oldest = p.idle[0]
		}
	}
	if oldest == nil {
		return false
	}
	p := e.pools[oldest.f.Key]
	p.idle = p.idle[1:]
	e.end(oldest, "another function needs its place")
	return true
}

// end counts an instance out and kills it. Callers hold mu, and have taken it out of idle.
func (e *Engine) end(i *instance, why string) {
	e.forget(i)
	if !e.closed {
		e.wg.Go(func() { i.kill(why) })
	}
}

// forget counts an instance out. Callers hold mu.
func (e *Engine) forget(i *instance) {
	p := e.pools[i.f.Key]
	if p == nil {
		return
	}
	if _, ok := p.all[i]; !ok {
		return
	}
	delete(p.all, i)
	p.idle = slices.DeleteFunc(p.idle, func(o *instance) bool { return o == i })
	e.total--
	if len(p.all) == 0 {
		delete(e.pools, i.f.Key)
	}
	e.room()
}

// room lets the first of those that wait start an instance. Callers hold mu.
func (e *Engine) room() {
	if e.total < e.o.Instances && len(e.waiting) > 0 && !e.closed {
		w := e.waiting[0]
		e.waiting = e.waiting[1:]
		e.total++ // its
		w.got <- nil
	}
}

// release gives an instance back after an invocation.
func (e *Engine) release(i *instance) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i.used = e.clock.Now()
	if i.dead() || i.retired || e.closed || i.used.Sub(i.started) > e.o.MaxAge {
		e.end(i, "it is not needed any more")
		return
	}
	for n, w := range e.waiting {
		if w.f.Key == i.f.Key {
			e.waiting = slices.Delete(e.waiting, n, n+1)
			w.got <- i
			return
		}
	}
	if len(e.waiting) > 0 {
		e.end(i, "another function needs its place")
		return
	}
	i.idle = true
	p := e.pools[i.f.Key]
	p.idle = append(p.idle, i)
}

// reap stops instances that have been idle for long.
func (e *Engine) reap() {
	t := e.clock.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-e.stop:
			return
		case now := <-t.Chan():
			e.mu.Lock()
			for _, p := range e.pools {
				for _, i := range slices.Clone(p.idle) {
					if i.dead() || now.Sub(i.used) >= e.o.Idle {
						p.idle = slices.DeleteFunc(p.idle, func(o *instance) bool { return o == i })
						e.end(i, fmt.Sprintf("it was idle for %v", e.o.Idle))
					}
				}
			}
			e.mu.Unlock()
		}
	}
}
