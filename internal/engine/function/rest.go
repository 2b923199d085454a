package function

import (
	"sync"
	"time"
)

// restAfter is how long an instance has had nothing to do when its processes are stopped. Invocations that follow
// one another closer find it running, and cost nothing more.
const restAfter = 10 * time.Millisecond

// rest stops the processes of an instance that has no invocation and asks for the next one, and lets them go on
// before it is given one: what a function has left running in the background, threads and timers and processes,
// stands still between invocations, as on AWS. An instance that somebody has attached is left alone. The times are
// those of the machine, whatever the engine's clock says.
type rest struct {
	i *instance

	mu     sync.Mutex
	busy   bool      // it has an invocation, or is about to
	asking int       // requests for the next invocation that wait
	until  time.Time // by the engine's clock: it asks for the next invocation by then, or is killed; zero: it has asked
	frozen bool
	since  time.Time // it has had nothing to do
	timer  *time.Timer
}

// begin says that an invocation comes.
func (r *rest) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = true
}

// end says that the invocation has its answer. What a process still does of it, before it asks for the next one,
// it does within the invocation's time.
func (r *rest) end(deadline time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = false
	if r.asking == 0 {
		r.until = deadline
	}
	r.soon()
}

// ask says that the process asks for an invocation.
func (r *rest) ask() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asking++
	r.until = time.Time{}
	r.soon()
}

// goOn lets the processes go on.
func (r *rest) goOn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.frozen {
		r.frozen = false
		r.i.process.Thaw()
	}
}

// asked says that it has been given one, or has gone.
func (r *rest) asked() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asking--
}

// late reports whether the process should have asked for the next invocation.
func (r *rest) late(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.until.IsZero() && now.After(r.until)
}

// soon stops the processes in a while, where there is nothing to do until then. Callers hold mu.
func (r *rest) soon() {
	switch {
	case r.busy, r.asking == 0, r.i.attached:
	case r.timer == nil:
		r.since = time.Now()
		r.timer = time.AfterFunc(restAfter, r.freeze)
	default:
		r.since = time.Now()
		r.timer.Reset(restAfter)
	}
}

func (r *rest) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy || r.asking == 0 || r.frozen || r.i.dead() || time.Since(r.since) < restAfter {
		return
	}
	r.frozen = true
	r.i.process.Freeze()
}

// again stops what has been started while the others were stopped, and reports whether the instance rests.
func (r *rest) again() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.frozen && !r.i.dead() {
		r.i.process.Freeze()
	}
	return r.frozen
}
