package lambda

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Logs of asynchronous events. All events come to the main log. A function with more events that wait than it may
// have in memory gets a log of its own: its further events are moved there as they are read, so that those of other
// functions behind them are reached. That log is read as far as the function has room, and goes when it is empty.
// An event is in its new log, durably, before it counts as done in the main one: after a crash it may be in both,
// and run twice, but is never lost. The progress of such a log is written before its shard is made, and removed
// after it: without a shard there was nothing in it.

const (
	maxMove = 512 << 10 // bytes of events that are moved at a time; one may be larger

	// How far events have come is written at most so often, and the more there is to write the more seldom.
	saveEvery   = 100 * time.Millisecond
	saveWaiting = 200 // events that wait for another attempt, for each further saveEvery
	maxSave     = 2 * time.Second

	trimEvery = 10 * time.Second // events that are done with are removed from a log
)

const overPrefix = asyncShard + "/" // of shards of functions of their own

// eventLog is a log of events and how far they have come. What changes is guarded by async's mu.
type eventLog struct {
	name     string   // of its shard
	function string   // whose it is; "": it is the main one
	key      []string // of its progress

	shard      *shardlog.Shard
	unfinished unfinished
	waiting    map[shardlog.Position]*waitingEvent
	dirty      bool // there is something to save
	going      bool // its shard is being removed

	// Of run alone.
	saved, trimmed time.Time
	low, trimmedTo shardlog.Position // the first that is needed, as it was saved; where the shard begins
	failures       int               // to read it, one after another
	resumes        time.Time         // when it is read again after one
}

// failed notes how an attempt to read a log went, and reports whether it failed.
func (l *eventLog) failed(now time.Time, err error) bool {
	if err == nil {
		l.failures, l.resumes = 0, time.Time{}
		return false
	}
	l.failures++
	l.resumes = now.Add(min(100*time.Millisecond<<min(l.failures-1, 10), maxPause))
	return true
}

func newEventLog(shard, function string, key ...string) *eventLog {
	return &eventLog{name: shard, function: function, key: key, waiting: map[shardlog.Position]*waitingEvent{}}
}

// resume takes over what an earlier run has kept.
func (l *eventLog) resume(d *asyncDoc) {
	l.unfinished.resume(d)
	for _, w := range d.Waiting {
		w.log = l
		l.waiting[w.At] = &w
	}
}

// logs are all logs, the main one first.
func (a *async) logs() []*eventLog {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make([]*eventLog, 1, 1+len(a.over))
	list[0] = a.main
	for _, l := range a.over {
		list = append(list, l)
	}
	slices.SortFunc(list[1:], func(x, y *eventLog) int { return strings.Compare(x.name, y.name) })
	return list
}

// reopenOver takes up the log of one function that an earlier run has left.
func (a *async) reopenOver(ctx context.Context, key []string, d *asyncDoc) error {
	function := strings.Join(key, "/")
	l := newEventLog(overPrefix+function, function, key...)
	if _, err := a.s.cfg.Log.Shard(ctx, l.name); errors.Is(err, shardlog.ErrNoShard) {
		if err := a.s.progress.Delete(ctx, key...); err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
		return nil
	}
	l.resume(d)
	if err := a.openShard(ctx, l); err != nil {
		return err
	}
	a.over[function] = l
	return nil
}

// overOf is the log of one function, made if need be.
func (a *async) overOf(ctx context.Context, function string) (*eventLog, error) {
	a.mu.Lock()
	l := a.over[function]
	a.mu.Unlock()
	if l != nil && l.going {
		if err := a.remove(ctx, l); err != nil {
			return nil, err
		}
		l = nil
	}
	if l != nil {
		return l, nil
	}
	l = newEventLog(overPrefix+function, function, strings.Split(function, "/")...)
	if err := a.s.progress.Put(ctx, new(asyncDoc), l.key...); err != nil {
		return nil, err
	}
	if err := a.openShard(ctx, l); err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.over[function] = l
	a.mu.Unlock()
	a.s.log.Info("many asynchronous events of a function wait", "function", function)
	return l, nil
}

// ended removes a function's log that is read to its end, if nothing of it is left to do.
func (a *async) ended(ctx context.Context, l *eventLog) error {
	a.mu.Lock()
	rest := l.function == "" || len(l.unfinished.open) > 0
	a.mu.Unlock()
	if rest {
		return nil
	}
	return a.remove(ctx, l)
}

func (a *async) remove(ctx context.Context, l *eventLog) error {
	a.mu.Lock()
	l.going, l.dirty = true, false
	a.mu.Unlock()
	if err := a.s.cfg.Log.DeleteShard(ctx, l.name); err != nil && !errors.Is(err, shardlog.ErrNoShard) {
		return err
	}
	if err := a.s.progress.Delete(ctx, l.key...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	a.mu.Lock()
	delete(a.over, l.function)
	a.mu.Unlock()
	return nil
}

// moves are events on their way from the main log to those of their functions.
type moves struct {
	of    map[string]*movedEvents
	bytes int
}

type movedEvents struct {
	batch shardlog.Batch
	held  []heldEvent
}

func (m *moves) add(r shardlog.Record, function string) {
	if m.of == nil {
		m.of = map[string]*movedEvents{}
	}
	e := m.of[function]
	if e == nil {
		e = new(movedEvents)
		m.of[function] = e
	}
	e.batch.Add(r.Key, r.Data)
	e.held = append(e.held, heldEvent{at: r.Position, size: len(r.Data)})
	m.bytes += len(r.Key) + len(r.Data)
}

// move moves events. Those that cannot be moved are held where they are.
func (a *async) move(ctx context.Context, m moves) (err error) {
	for function, e := range m.of {
		l, failed := a.overOf(ctx, function)
		if failed == nil {
			_, _, failed = l.shard.Append(ctx, &e.batch)
		}
		if failed != nil {
			err = failed
		}
		a.mu.Lock()
		a.main.dirty = true
		for _, held := range e.held {
			if failed == nil {
				a.main.unfinished.finish(held.at)
			} else {
				a.turns.hold(function, heldEvent{a.main, held.at, held.size})
			}
		}
		a.mu.Unlock()
	}
	return err
}

// save writes down how far events have come, of the logs whose time it is, or of all; next is when it is another's.
func (a *async) save(ctx context.Context, all bool) (next time.Time, err error) {
	now := a.s.clock.Now()
	for _, l := range a.logs() {
		a.mu.Lock()
		pause := min(saveEvery*time.Duration(1+len(l.waiting)/saveWaiting), maxSave)
		if due := l.saved.Add(pause); !l.dirty || !all && due.After(now) {
			if l.dirty {
				next = earlier(next, due)
			}
			a.mu.Unlock()
			due, e := a.trim(ctx, l, now)
			if !due.IsZero() {
				next = earlier(next, due)
			}
			err = errors.Join(err, e)
			continue
		}
		d := new(asyncDoc)
		l.unfinished.keep(d)
		for _, w := range l.waiting {
			d.Waiting = append(d.Waiting, *w)
		}
		l.dirty = false
		a.mu.Unlock()
		if e := a.s.progress.Put(ctx, d, l.key...); e != nil {
			a.mu.Lock()
			l.dirty = true
			a.mu.Unlock()
			err = errors.Join(err, e)
			continue
		}
		l.saved, l.low = now, d.Low
		due, e := a.trim(ctx, l, now)
		if !due.IsZero() {
			next = earlier(next, due)
		}
		err = errors.Join(err, e)
	}
	return next, err
}

// trim removes what is done with, as it was saved, or says when it is time for that; zero: there is nothing.
func (a *async) trim(ctx context.Context, l *eventLog, now time.Time) (due time.Time, err error) {
	if l.low.Compare(l.trimmedTo) <= 0 || l.going {
		return time.Time{}, nil
	}
	if due := l.trimmed.Add(trimEvery); due.After(now) {
		return due, nil
	}
	if err := l.shard.TrimBefore(ctx, l.low); err != nil {
		return time.Time{}, err
	}
	l.trimmed, l.trimmedTo = now, l.low
	return time.Time{}, nil
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
