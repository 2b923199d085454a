package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// Asynchronous invocations. An event is a record of one shard of the log; it is done when its
// function has succeeded, or has failed for the last time and the failure's destination has
// it. asyncDoc says which are done: all before Read but those in Open (see unfinished). What waits for
// another attempt is in Waiting too, so that a restart neither forgets attempts nor their time. Events of a
// function that has many which wait go to a shard of its own (see overflow.go).
const (
	asyncShard   = "lambda/events"
	asyncKey     = "events"
	asyncAtOnce  = 64       // events that run at once, of all functions (see turns)
	asyncWaiting = 4000     // that wait for another attempt; more, and no new ones are started
	asyncBytes   = 32 << 20 // of payloads in hand
	asyncBacklog = 20000    // that wait for their function's turn, in memory
	asyncEach    = 64       // of a function that may wait in memory, whatever others have
	asyncStep    = 256      // that are read before others are looked after
	asyncRetries = 2
	asyncMaxAge  = 6 * time.Hour
)

type asyncDoc struct {
	Low     shardlog.Position   `json:"low"` // the first that is needed
	Read    shardlog.Position   `json:"read"`
	Open    []span              `json:"open,omitempty"`
	Done    []shardlog.Position `json:"done,omitempty"` // of what comes after Read
	Waiting []waitingEvent      `json:"waiting,omitempty"`
}

type waitingEvent struct {
	At       shardlog.Position `json:"at"`
	Attempts int               `json:"attempts"` // that failed by the function's own fault
	Tries    int               `json:"tries"`    // in all
	Next     time.Time         `json:"next"`

	log      *eventLog
	function string
	size     int  // of its payload, in bytes
	known    bool // it has been read
}

// eventKey is the key of an event's record.
type eventKey struct {
	ID        string    `json:"id"`
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	Name      string    `json:"name"`
	Qualifier string    `json:"qualifier,omitempty"`
	Accepted  time.Time `json:"accepted"`
	Trace     string    `json:"trace,omitempty"` // the chain of requests that it belongs to
}

// functionOf names the function of an event; "" where the key is not what this program writes.
func functionOf(r shardlog.Record) string {
	var k eventKey
	if json.Unmarshal(r.Key, &k) != nil {
		return ""
	}
	return k.Account + "/" + k.Region + "/" + k.Name
}

type async struct {
	s *Service

	mu    sync.Mutex
	main  *eventLog
	over  map[string]*eventLog // of functions whose events are more than may wait in main
	turns turns
	wake  chan struct{}

	// try runs an event once; again says that there is to be another attempt, at w.Next.
	try func(ctx context.Context, r shardlog.Record, w *waitingEvent) (again bool)
}

func newAsync(s *Service) *async {
	a := &async{
		s: s, main: newEventLog(asyncShard, "", asyncKey), over: map[string]*eventLog{}, wake: make(chan struct{}, 1), turns: turns{room: asyncBacklog, functions: map[string]*turn{}},
	}
	a.try = a.attempt
	return a
}

// open finds the logs of events, made if need be, and how far they have come.
func (a *async) open(ctx context.Context) error {
	for it, err := range a.s.progress.List() {
		if err != nil {
			return fmt.Errorf("lambda: how far events have come: %w", err)
		}
		switch len(it.Key) {
		case 1:
			a.main.resume(it.Value)
		case 3:
			err = a.reopenOver(ctx, it.Key, it.Value)
		}
		if err != nil {
			return fmt.Errorf("lambda: events of %s: %w", it.Key, err)
		}
	}
	return a.openShard(ctx, a.main)
}

// openShard opens a log's shard, made if need be.
func (a *async) openShard(ctx context.Context, l *eventLog) error {
	shard, err := a.s.cfg.Log.Shard(ctx, l.name)
	if errors.Is(err, shardlog.ErrNoShard) {
		shard, err = a.s.cfg.Log.CreateShard(ctx, l.name, shardlog.ShardConfig{})
	}
	if err != nil {
		return fmt.Errorf("lambda: open the log of events: %w", err)
	}
	a.mu.Lock()
	l.shard = shard
	a.mu.Unlock()
	return nil
}

// accept takes an event over; it is durable when accept returns.
func (a *async) accept(ctx context.Context, t target, payload []byte) error {
	key, err := json.Marshal(&eventKey{ID: requestID(ctx), Account: t.Account, Region: t.Region, Name: t.name, Qualifier: t.qualifier, Accepted: a.s.clock.Now().UTC(), Trace: awswire.CallerFrom(ctx).Trace})
	if err != nil {
		return err
	}
	a.mu.Lock()
	shard := a.main.shard
	a.mu.Unlock()
	if shard == nil {
		return failure("The service has not started")
	}
	var b shardlog.Batch
	b.Add(key, payload)
	if _, _, err := shard.Append(ctx, &b); err != nil {
		return fmt.Errorf("keep an event: %w", err)
	}
	return nil
}

func (a *async) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run takes events up in their order, and again when their time has come, until ctx ends.
func (a *async) run(ctx context.Context) error {
	for {
		more, soonest, err := a.step(ctx)
		if ctx.Err() != nil {
			_, err = a.save(context.WithoutCancel(ctx), true)
			return err
		}
		if err != nil {
			return err
		}
		if more {
			continue
		}
		wait := time.Minute
		if !soonest.IsZero() {
			wait = min(wait, max(soonest.Sub(a.s.clock.Now()), time.Millisecond))
		}
		a.await(ctx, wait)
	}
}

// step does what is to be done now. more says that not all is, and soonest when there is something again. A log
// with which something fails is left alone for a while; others go on.
func (a *async) step(ctx context.Context) (more bool, soonest time.Time, err error) {
	now := a.s.clock.Now()
	for _, l := range a.logs() {
		if l.resumes.After(now) {
			soonest = earlier(soonest, l.resumes)
			continue
		}
		again, err := a.takeUp(ctx, l)
		if ctx.Err() != nil {
			return false, soonest, ctx.Err()
		}
		if l.failed(now, err) {
			a.s.workFailed(l.key, "asynchronous events", err, l.failures, l.resumes.Sub(now))
			soonest = earlier(soonest, l.resumes)
			continue
		}
		more = more || again
	}
	for _, next := range []time.Time{a.retry(ctx), a.startHeld(ctx)} {
		if !next.IsZero() {
			soonest = earlier(soonest, next)
		}
	}
	next, err := a.save(ctx, false)
	if !next.IsZero() {
		soonest = earlier(soonest, next)
	}
	return more, soonest, err
}

// await returns when there may be something to do.
func (a *async) await(ctx context.Context, wait time.Duration) {
	t := a.s.clock.NewTimer(wait)
	defer t.Stop()
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.mu.Lock()
	from := a.main.unfinished.next()
	a.mu.Unlock()
	paused := a.main.resumes.After(a.s.clock.Now())
	arrived := make(chan struct{})
	a.s.group.Go("arrivals", func(context.Context) error {
		defer close(arrived)
		if paused { // what is there cannot be read now
			<-wctx.Done()
			return nil
		}
		if a.main.shard.Wait(wctx, from) != nil {
			<-wctx.Done()
		}
		return nil
	})
	select {
	case <-a.wake:
	case <-arrived:
	case <-t.Chan():
	case <-ctx.Done():
	}
}

// takeUp reads the events that are next in a log: those whose turn it is start, the others
// are held, or moved where too many are. more says that it has not come to the end.
func (a *async) takeUp(ctx context.Context, l *eventLog) (more bool, err error) {
	if l.going { // its shard may be gone already
		return false, a.remove(ctx, l)
	}
	var moves moves
	defer func() {
		if e := a.move(ctx, moves); err == nil {
			err = e
		}
		more = more || moves.bytes > 0 // they are to be read where they are now
	}()
	for range asyncStep {
		a.mu.Lock()
		wait, from := l.function != "" && !a.turns.mayHold(l.function), l.unfinished.next()
		a.mu.Unlock()
		if wait {
			return false, nil
		}
		recs, next, err := l.shard.Read(ctx, from, shardlog.ReadOptions{MaxRecords: 1}, nil)
		if errors.Is(err, shardlog.ErrCorrupt) {
			a.s.log.Error("asynchronous events cannot be read and are skipped", "error", err)
			a.mu.Lock()
			l.unfinished.read = next
			a.mu.Unlock()
			continue
		}
		if err != nil {
			return false, err
		}
		if len(recs) == 0 {
			return false, a.ended(ctx, l)
		}
		r := recs[0]
		at, function, size := r.Position, functionOf(r), len(r.Data)
		a.mu.Lock()
		start := false
		switch w := l.waiting[at]; {
		case !l.unfinished.pass(at, next):
			l.dirty = true
		case w != nil:
			w.function, w.size, w.known = function, size, true
			a.turns.wait(function, 1)
		case l == a.main && a.over[function] != nil:
			moves.add(r, function)
		default:
			f := a.turns.of(function)
			start = len(f.backlog) == 0 && a.turns.freeForNew(f, size)
			switch {
			case start:
				a.turns.begin(function, size)
			case l != a.main || function == "" || a.turns.mayHold(function):
				a.turns.hold(function, heldEvent{l, at, size})
			default:
				moves.add(r, function)
			}
		}
		a.mu.Unlock()
		if start {
			a.start(r, &waitingEvent{At: at, log: l, function: function, size: size, known: true})
		}
		if moves.bytes > maxMove {
			return true, nil
		}
	}
	return true, nil
}

// unreadable is how long an event waits that could not be read from its log.
const unreadable = time.Second

// startHeld starts held events whose turn has come. One that cannot be read waits, for others not to; soonest is when
// it is tried again.
func (a *async) startHeld(ctx context.Context) (soonest time.Time) {
	for {
		a.mu.Lock()
		function, e, ok := a.turns.next()
		if ok {
			a.turns.begin(function, e.size)
		}
		a.mu.Unlock()
		if !ok {
			return soonest
		}
		w := &waitingEvent{At: e.at, log: e.log, function: function, size: e.size, known: true}
		if err := a.startAt(ctx, w); err != nil {
			soonest = a.waits(ctx, w, err)
		}
	}
}

// retry starts the events whose time has come, and reports when the next one's will. What has no
// place is tried again when another event ends.
func (a *async) retry(ctx context.Context) (soonest time.Time) {
	now := a.s.clock.Now()
	var due []*waitingEvent
	logs := a.logs()
	a.mu.Lock()
	for _, l := range logs {
		for _, w := range l.waiting {
			if !w.known {
				continue // it is taken up in its turn
			}
			if w.Next.After(now) {
				if soonest.IsZero() || w.Next.Before(soonest) {
					soonest = w.Next
				}
				continue
			}
			if a.turns.free(a.turns.of(w.function), w.size) {
				a.turns.begin(w.function, w.size)
				due = append(due, w)
			}
		}
	}
	for _, w := range due {
		delete(w.log.waiting, w.At)
		a.turns.wait(w.function, -1)
	}
	a.mu.Unlock()
	for _, w := range due {
		if err := a.startAt(ctx, w); err != nil {
			soonest = earlier(soonest, a.waits(ctx, w, err))
		}
	}
	return soonest
}

// waits lets an event wait that could not be read.
func (a *async) waits(ctx context.Context, w *waitingEvent, err error) (until time.Time) {
	if ctx.Err() == nil { // else the node stops
		a.s.log.Warn("an asynchronous event cannot be read and waits", "function", w.function, "position", w.At, "error", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Next = a.s.clock.Now().Add(unreadable)
	w.log.waiting[w.At] = w
	a.turns.wait(w.function, 1)
	return w.Next
}

// startAt reads an event that has its turn, and starts it. With an error it was not read, and its turn
// is given back; an event that the log no longer has is finished.
func (a *async) startAt(ctx context.Context, w *waitingEvent) error {
	recs, _, err := w.log.shard.Read(ctx, w.At, shardlog.ReadOptions{MaxRecords: 1}, nil)
	if err == nil && len(recs) > 0 && recs[0].Position == w.At {
		a.start(recs[0], w)
		return nil
	}
	a.mu.Lock()
	a.turns.end(w.function, w.size)
	a.mu.Unlock()
	if err != nil && !errors.Is(err, shardlog.ErrCorrupt) {
		return err
	}
	a.s.log.Error("an asynchronous event can no longer be read", "position", w.At, "error", err)
	a.finish(w.log, w.At)
	return nil
}

// start runs one event, which has its turn, beside the others.
func (a *async) start(r shardlog.Record, w *waitingEvent) {
	started := a.s.group.Go("event", func(ctx context.Context) error {
		again := a.try(ctx, r, w)
		a.mu.Lock()
		if again {
			w.log.waiting[w.At] = w
			a.turns.wait(w.function, 1)
			w.log.dirty = true
		}
		a.turns.end(w.function, w.size)
		a.mu.Unlock()
		if !again && ctx.Err() == nil {
			a.finish(w.log, w.At)
		}
		a.poke()
		return nil
	})
	if !started { // the service is closed: the event stays
		a.mu.Lock()
		a.turns.end(w.function, w.size)
		a.mu.Unlock()
	}
}

// finish notes that an event is done with.
func (a *async) finish(l *eventLog, at shardlog.Position) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l.unfinished.finish(at)
	l.dirty = true
}

// attempt runs an event once; again says that there is to be another attempt, at w.Next.
func (a *async) attempt(ctx context.Context, r shardlog.Record, w *waitingEvent) (again bool) {
	s := a.s
	var k eventKey
	if err := json.Unmarshal(r.Key, &k); err != nil {
		s.log.Error("an asynchronous event is not what this program writes", "position", r.Position, "error", err)
		return false
	}
	sc := scope.Scope{Account: k.Account, Region: k.Region}
	t := target{Scope: sc, name: k.Name, qualifier: k.Qualifier}
	ctx = awswire.WithTrace(sc.Context(ctx), k.Trace)
	d, err := s.functions.Get(sc.Key(k.Name)...)
	if err == nil {
		err = s.checkQualifier(d, t)
	}
	if err != nil {
		var missing *types.ResourceNotFoundException
		if errors.As(err, &missing) {
			s.log.Warn("an asynchronous event is dropped: its function is gone", "function", k.Name, "request", k.ID)
			return false
		}
		s.log.Error("an asynchronous event waits", "function", k.Name, "error", err)
		w.Next = s.clock.Now().Add(time.Minute)
		return true
	}
	retries, age := asyncRetries, asyncMaxAge
	set := d.Invocation[t.orLatest()]
	if set == nil {
		set = new(invokeDoc)
	}
	if set.Retries != nil {
		retries = int(*set.Retries)
	}
	if set.MaxAge != nil {
		age = time.Duration(*set.MaxAge) * time.Second
	}
	o := outcome{ID: k.ID, ARN: t.arnOrLatest(), Payload: r.Data, Tries: w.Tries}
	if s.clock.Now().Sub(k.Accepted) > age {
		o.Condition = "EventAgeExceeded"
		s.conclude(ctx, d, set, o)
		return false
	}
	if d.Reserved != nil && *d.Reserved == 0 { // switched off: nothing is tried
		o.Condition = "ZeroReservedConcurrency"
		s.conclude(ctx, d, set, o)
		return false
	}
	out, err := s.call(ctx, d, t, &function.Request{ID: k.ID, Payload: r.Data})
	if ctx.Err() != nil {
		return false // the node stops; it is not done, either
	}
	w.Tries++
	o.Tries = w.Tries
	var loop *types.RecursiveInvocationException
	if errors.As(err, &loop) { // another attempt would not run, either
		o.Condition, o.Message = "RetriesExhausted", loop.ErrorMessage()
		s.conclude(ctx, d, set, o)
		return false
	}
	var wait time.Duration
	switch {
	case err != nil:
		// Throttled, or the node's own fault: it counts as no attempt.
		wait = min(time.Second<<min(w.Tries-1, 9), 5*time.Minute)
		o.Condition = "EventAgeExceeded"
	case !out.Failed:
		o.Condition, o.Result = "Success", &out
		s.conclude(ctx, d, set, o)
		return false
	default:
		w.Attempts++
		o.Condition, o.Result = "RetriesExhausted", &out
		if w.Attempts > retries {
			s.conclude(ctx, d, set, o)
			return false
		}
		wait = time.Duration(w.Attempts) * time.Minute
	}
	w.Next = s.clock.Now().Add(wait)
	if w.Next.Sub(k.Accepted) > age {
		o.Condition = "EventAgeExceeded"
		s.conclude(ctx, d, set, o)
		return false
	}
	return true
}

func (t target) arnOrLatest() string { return functionARN(t.Scope, t.name, t.orLatest()) }
