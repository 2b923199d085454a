package lambda

import (
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// turns share what asynchronous events may use at once among functions. A function may have as
// many events under way as places are still free, and as many bytes: one alone gets half of
// all, two a third each. So a function whose events are slow never takes the last place, and
// an event of another one does not wait for it.
//
// Of an event that has to wait for its turn only the position is kept, and that of no more than
// mayHold says. Events of a function have their turn in the order of the log. Guarded by async's mu.
type turns struct {
	running   int
	bytes     int // of payloads of what runs
	waiting   int // that wait for another attempt
	backlog   int // that wait for their turn
	room      int // how many may
	functions map[string]*turn
}

// turn is the share of one function.
type turn struct {
	running, bytes, waiting int
	backlog                 []heldEvent // oldest first
}

// heldEvent is an event that has not run yet.
type heldEvent struct {
	log  *eventLog
	at   shardlog.Position
	size int
}

func (t *turns) of(function string) *turn {
	f := t.functions[function]
	if f == nil {
		f = new(turn)
		t.functions[function] = f
	}
	return f
}

// tidy forgets a function that has nothing.
func (t *turns) tidy(function string) {
	if f := t.functions[function]; f != nil && f.running == 0 && f.waiting == 0 && len(f.backlog) == 0 {
		delete(t.functions, function)
	}
}

// free reports whether a function may run another event of that size.
func (t *turns) free(f *turn, size int) bool {
	return f.running < asyncAtOnce-t.running && f.bytes+size <= asyncBytes-t.bytes
}

// freeForNew is free for the first attempt of an event, which may come to wait for another.
func (t *turns) freeForNew(f *turn, size int) bool {
	return f.waiting < asyncWaiting-t.waiting && t.free(f, size)
}

// mayHold reports whether another event of a function may wait for its turn in memory: as many as places are
// still free, so that one alone gets half of all, and a few always.
func (t *turns) mayHold(function string) bool {
	n := 0
	if f := t.functions[function]; f != nil {
		n = len(f.backlog)
	}
	return n < max(asyncEach, t.room-t.backlog)
}

func (t *turns) begin(function string, size int) {
	f := t.of(function)
	t.running, f.running = t.running+1, f.running+1
	t.bytes, f.bytes = t.bytes+size, f.bytes+size
}

func (t *turns) end(function string, size int) {
	f := t.of(function)
	t.running, f.running = t.running-1, f.running-1
	t.bytes, f.bytes = t.bytes-size, f.bytes-size
	t.tidy(function)
}

// wait counts an event that waits for another attempt (1), or no longer does (-1).
func (t *turns) wait(function string, n int) {
	t.waiting += n
	t.of(function).waiting += n
	t.tidy(function)
}

// hold keeps an event until its turn comes.
func (t *turns) hold(function string, e heldEvent) {
	f := t.of(function)
	f.backlog = append(f.backlog, e)
	t.backlog++
}

// next takes out the event whose turn it is: of the function with the fewest under way, and
// the oldest where several have as few.
func (t *turns) next() (function string, e heldEvent, ok bool) {
	var best *turn
	if t.backlog == 0 || t.running >= asyncAtOnce {
		return "", heldEvent{}, false
	}
	for name, f := range t.functions {
		if len(f.backlog) == 0 || !t.freeForNew(f, f.backlog[0].size) {
			continue
		}
		if best == nil || f.running < best.running || f.running == best.running && f.backlog[0].at.Compare(best.backlog[0].at) < 0 {
			function, best = name, f
		}
	}
	if best == nil {
		return "", heldEvent{}, false
	}
	e = best.backlog[0]
	best.backlog = best.backlog[1:]
	t.backlog--
	return function, e, true
}
