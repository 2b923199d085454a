// Package testclock is a clock whose time a test moves: retention, expiry and windows without waiting.
//
// A clock runs with the time of the machine, or stands still. Advance moves it on, and wakes whatever has become due, in the order
// of its times: as on a machine that was suspended for so long. A ticker ticks once, however often it would have.
package testclock

import (
	"cmp"
	"container/heap"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// Clock is a clockwork.Clock. Make one with Running or Frozen.
type Clock struct {
	mu      sync.Mutex
	base    time.Time // the time when the clock began, and what it was advanced by
	began   time.Time // of the machine; zero where the clock stands still
	waiters waiters
	next    *time.Timer // fires for the first of waiters, where the clock runs
}

// Running returns a clock that has the time of the machine, and goes on with it.
func Running() *Clock {
	now := time.Now()
	return &Clock{base: now.Round(0), began: now}
}

// Frozen returns a clock that stands still at the time.
func Frozen(at time.Time) *Clock { return &Clock{base: at.Round(0)} }

// Advance moves the clock on, by zero or more, and returns its time.
func (c *Clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base = c.base.Add(max(d, 0))
	c.fire()
	return c.now()
}

func (c *Clock) now() time.Time {
	if c.began.IsZero() {
		return c.base
	}
	return c.base.Add(time.Since(c.began))
}

// fire wakes what is due. Callers hold mu.
func (c *Clock) fire() {
	now := c.now()
	for len(c.waiters) > 0 && !c.waiters[0].when.After(now) {
		w := heap.Pop(&c.waiters).(*waiter)
		if w.every > 0 {
			w.when = now.Add(w.every)
			heap.Push(&c.waiters, w)
		}
		if w.call != nil {
			go w.call()
			continue
		}
		select {
		case w.ch <- now:
		default: // it has not been read since the last time
		}
	}
	c.arm()
}

// arm has fire called for the first waiter. Callers hold mu.
func (c *Clock) arm() {
	if c.next != nil {
		c.next.Stop()
		c.next = nil
	}
	if c.began.IsZero() || len(c.waiters) == 0 {
		return
	}
	c.next = time.AfterFunc(c.waiters[0].when.Sub(c.now()), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.fire()
	})
}

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

// Since is the time that has passed since t.
func (c *Clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Until is the time that is left until t.
func (c *Clock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }

// Sleep waits for d.
func (c *Clock) Sleep(d time.Duration) { <-c.After(d) }

// After returns a channel that has the time after d.
func (c *Clock) After(d time.Duration) <-chan time.Time { return c.NewTimer(d).Chan() }

// NewTimer returns a timer that fires after d.
func (c *Clock) NewTimer(d time.Duration) clockwork.Timer {
	w := &waiter{clock: c, ch: make(chan time.Time, 1), index: -1}
	w.Reset(d)
	return w
}

// AfterFunc calls f, on a goroutine of its own, after d.
func (c *Clock) AfterFunc(d time.Duration, f func()) clockwork.Timer {
	w := &waiter{clock: c, call: f, index: -1}
	w.Reset(d)
	return w
}

// NewTicker returns a ticker, of a period above zero.
func (c *Clock) NewTicker(d time.Duration) clockwork.Ticker {
	if d <= 0 {
		panic("testclock: a ticker of no period")
	}
	t := ticker{&waiter{clock: c, ch: make(chan time.Time, 1), index: -1}}
	t.Reset(d)
	return t
}

// waiter is a timer, or what a ticker is made of.
type waiter struct {
	clock *Clock
	when  time.Time
	every time.Duration // of a ticker
	ch    chan time.Time
	call  func()
	index int // in waiters; -1: it is not there
}

func (w *waiter) Chan() <-chan time.Time { return w.ch }

func (w *waiter) Stop() bool {
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	return w.stop()
}

// stop takes the waiter, and what it has sent, away. Callers hold the clock's mu.
func (w *waiter) stop() bool {
	was := w.index >= 0
	if was {
		heap.Remove(&w.clock.waiters, w.index)
		w.clock.arm()
	}
	select {
	case <-w.ch: // as the runtime's timers since Go 1.23: nothing stale is read
		was = true
	default:
	}
	return was
}

func (w *waiter) Reset(d time.Duration) bool {
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	return w.reset(d)
}

func (w *waiter) reset(d time.Duration) bool {
	was := w.stop()
	w.when = w.clock.now().Add(d)
	heap.Push(&w.clock.waiters, w)
	w.clock.fire()
	return was
}

type ticker struct{ *waiter }

func (t ticker) Stop() { t.waiter.Stop() }

func (t ticker) Reset(d time.Duration) {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	t.every = d
	t.reset(d)
}

// waiters is a heap, by when they are due.
type waiters []*waiter

func (h waiters) Len() int { return len(h) }
func (h waiters) Less(i, j int) bool {
	return cmp.Compare(h[i].when.UnixNano(), h[j].when.UnixNano()) < 0
}
func (h waiters) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *waiters) Push(x any) {
	w := x.(*waiter)
	w.index = len(*h)
	*h = append(*h, w)
}

func (h *waiters) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	w.index = -1
	return w
}
