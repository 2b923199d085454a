package work

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"
)

// Hooks are what a service knows of its documents. Runs and Same are called with the
// Runner's lock held: they look at their arguments and at nothing else.
type Hooks[T any] struct {
	// Runs reports whether the document asks to be run as it is now. nil: every document does.
	Runs func(doc *T) bool

	// Same reports whether the work of a document that was this and is that now is the same, so
	// that it goes on (Job.Changed tells of the change). nil: every change makes it another,
	// which work that writes its own document does not want.
	Same func(was, is *T) bool

	// Run does the work until it is done (nil), has failed, or ctx ends, which it obeys
	// soon: nothing else is started for the key before it has returned.
	Run func(ctx context.Context, j *Job[T]) error
}

// Options of a Runner. The zero value works.
type Options struct {
	Name    string          // begins the keys that the Owner is asked for: the kind of the documents
	Clock   clockwork.Clock // nil: the real one
	Owner   Owner           // nil: Mine(1)
	Backoff Backoff
	Limit   int // of calls of Run at a time; 0: none
	Events  Events

	// Lease is the key of the Owner by which a document is run, where that is not its own. A
	// change of a document may not change it. nil: Name and the document's key.
	Lease func(key Key) string
}

// Runner runs the documents of a Source. The package comment says how.
type Runner[T any] struct {
	src   Source[T]
	hooks Hooks[T]
	o     Options
	slots *semaphore.Weighted // nil: no limit

	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	started bool
	closed  bool
	workers map[string]*worker[T]
	held    map[string]int // keys that Suspend holds, and how often
}

// worker is what the Runner knows of a key that is run, has been run, or cannot be decoded.
// Its fields are guarded by the Runner's lock.
type worker[T any] struct {
	key    Key
	wanted *T                      // the document to run; nil: none
	alive  bool                    // a goroutine works
	stop   context.CancelCauseFunc // of what that does now; nil: nothing yet
	job    *Job[T]                 // of the call of Run; nil between calls
	wake   chan struct{}           // holds a token to cut a wait short
	status Status
	moved  chan struct{} // closed when the status changes; nil: nobody waits for that
}

// New returns a Runner that does nothing until Start.
func New[T any](src Source[T], hooks Hooks[T], o Options) *Runner[T] {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Owner == nil {
		o.Owner = Mine(1)
	}
	o.Backoff = o.Backoff.filled()
	r := &Runner[T]{src: src, hooks: hooks, o: o, workers: make(map[string]*worker[T])}
	if o.Limit > 0 {
		r.slots = semaphore.NewWeighted(int64(o.Limit))
	}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	return r
}

// Start begins to run the documents that there are and those that come.
func (r *Runner[T]) Start(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return ErrClosed
	}
	r.started = true
	r.mu.Unlock()
	if err := r.src.Watch(r.ctx, func(k Key) { r.refresh(slices.Clone(k)) }); err != nil {
		return fmt.Errorf("work: watch %s: %w", r.o.Name, err)
	}
	for k := range r.src.Keys() {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.refresh(slices.Clone(k))
	}
	return nil
}

// Close stops all work, which must not be resumed by a call of this Runner, and returns
// when nothing of it is left, or with the error of ctx.
func (r *Runner[T]) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel(ErrClosed)
	return waited(ctx, &r.wg)
}

// Refresh makes the Runner act on a document as it is now. What Watch tells need not be
// told so; a caller that has changed a document and then asks for its Status needs it.
func (r *Runner[T]) Refresh(key ...string) { r.refresh(slices.Clone(key)) }

func (r *Runner[T]) refresh(key Key) {
	var undecodable error
	defer func() {
		if undecodable != nil && r.o.Events.Undecodable != nil {
			r.o.Events.Undecodable(key, undecodable)
		}
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started || r.closed {
		return
	}
	id := key.id()
	w := r.workers[id]
	doc, err := r.src.Get(key)
	switch {
	case errors.Is(err, ErrGone):
		r.leave(id, w, ErrGone)
	case err != nil:
		undecodable = err
		r.leave(id, w, fmt.Errorf("%w: %w", ErrUndecodable, err))
		if w == nil || !w.alive {
			w = &worker[T]{key: key}
			r.workers[id] = w
			r.move(w, Status{State: Invalid, Err: err})
		}
	case r.held[id] > 0, r.hooks.Runs != nil && !r.hooks.Runs(doc):
		r.leave(id, w, ErrPaused)
	case w == nil:
		w = &worker[T]{key: key, wake: make(chan struct{}, 1), wanted: doc}
		r.workers[id] = w
		r.launch(id, w)
	default:
		r.offer(id, w, doc)
	}
}

// leave stops a worker and forgets it.
func (r *Runner[T]) leave(id string, w *worker[T], cause error) {
	if w == nil {
		return
	}
	w.wanted = nil
	if !w.alive {
		r.forget(id, w)
	} else {
		r.halt(w, cause)
	}
}

// halt ends what a worker does now.
func (r *Runner[T]) halt(w *worker[T], cause error) {
	if w.stop != nil {
		w.stop(cause)
	}
	r.move(w, Status{State: Stopping})
}

func (r *Runner[T]) forget(id string, w *worker[T]) {
	delete(r.workers, id)
	w.tellMove()
}

// nextMove is closed when the worker's status changes. Callers hold mu.
func (w *worker[T]) nextMove() <-chan struct{} {
	if w.moved == nil {
		w.moved = make(chan struct{})
	}
	return w.moved
}

// tellMove wakes those that wait for a move. Callers hold mu.
func (w *worker[T]) tellMove() {
	if w.moved != nil {
		close(w.moved)
		w.moved = nil
	}
}

// offer gives a worker its document as it is now.
func (r *Runner[T]) offer(id string, w *worker[T], doc *T) {
	was := w.wanted
	w.wanted = doc
	same := was == doc || was != nil && r.hooks.Same != nil && r.hooks.Same(was, doc)
	switch {
	case same && w.job != nil:
		w.job.offer(doc)
	case same:
	case w.alive:
		r.halt(w, ErrChanged)
	default:
		if w.wake == nil {
			w.wake = make(chan struct{}, 1)
		}
		r.launch(id, w)
	}
}

// launch starts the worker's goroutine.
func (r *Runner[T]) launch(id string, w *worker[T]) {
	w.alive = true
	r.move(w, Status{State: Leasing})
	r.wg.Go(func() { r.work(id, w) })
}

// move gives a worker another status.
func (r *Runner[T]) move(w *worker[T], s Status) {
	s.Key, s.Since = w.key, r.o.Clock.Now()
	w.status = s
	w.tellMove()
}

// moveOn gives a worker another status unless it is to stop.
func (r *Runner[T]) moveOn(ctx context.Context, w *worker[T], s Status) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	r.move(w, s)
	return true
}

// work runs a key until its document does not ask for that any more or the work is done.
func (r *Runner[T]) work(id string, w *worker[T]) {
	retry := &retry{clock: r.o.Clock, backoff: r.o.Backoff}
	for {
		r.mu.Lock()
		doc := w.wanted
		if doc == nil || r.closed {
			w.alive, w.stop = false, nil
			r.forget(id, w)
			r.mu.Unlock()
			if doc == nil {
				r.refresh(w.key) // it may have been invalid when it was looked at
			}
			return
		}
		ctx, cancel := context.WithCancelCause(r.ctx)
		w.stop = cancel
		select {
		case <-w.wake:
		default:
		}
		r.mu.Unlock()
		done := r.attempt(ctx, w, retry)
		r.mu.Lock()
		ended := ctx.Err() != nil
		cancel(nil)
		w.stop = nil
		if ended {
			retry.failures = 0 // of another document, or lease
			r.mu.Unlock()
			continue
		}
		if done {
			w.alive = false
			r.move(w, Status{State: Done})
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
	}
}

// attempt calls Run once, and waits if it is to be called again; done when it is not.
func (r *Runner[T]) attempt(ctx context.Context, w *worker[T], retry *retry) (done bool) {
	began := r.o.Clock.Now()
	epoch, err := r.leased(ctx, w, retry, &began)
	if ctx.Err() != nil {
		return false
	}
	done, isFailure, wait := retry.outcome(began, err)
	if done {
		return true
	}
	s := Status{State: Waiting, Epoch: epoch, Next: r.o.Clock.Now().Add(wait)}
	if isFailure {
		s.State, s.Err, s.Failures = Failing, err, retry.failures
		r.o.Events.failed(w.key, "", err, retry.failures, wait)
	}
	if !r.moveOn(ctx, w, s) {
		return false
	}
	pause(ctx, r.o.Clock, wait, w.wake)
	return false
}

// leased calls Run with a lease and, where calls are limited, one of the places.
func (r *Runner[T]) leased(ctx context.Context, w *worker[T], retry *retry, began *time.Time) (epoch uint64, err error) {
	if !r.moveOn(ctx, w, Status{State: Leasing, Failures: retry.failures}) {
		return 0, ctx.Err()
	}
	var lease Lease
	elsewhere := func() { r.moveOn(ctx, w, Status{State: Elsewhere, Failures: retry.failures}) }
	if err := Contain(func() (err error) { lease, err = r.o.Owner.Acquire(ctx, r.leaseKey(w.key), elsewhere); return err }); err != nil {
		return 0, fmt.Errorf("acquire the lease: %w", err)
	}
	if lease.Release != nil {
		defer lease.Release()
	}
	// What the owner before has written is known now, if it is not looked at yet.
	r.refresh(w.key)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if r.slots != nil {
		r.moveOn(ctx, w, Status{State: Queued, Epoch: lease.Epoch, Failures: retry.failures})
		if err := r.slots.Acquire(ctx, 1); err != nil {
			return lease.Epoch, err
		}
		defer r.slots.Release(1)
	}
	*began = r.o.Clock.Now()
	return lease.Epoch, r.run(ctx, w, lease)
}

func (r *Runner[T]) leaseKey(k Key) string {
	if r.o.Lease != nil {
		return r.o.Lease(k)
	}
	return cmp.Or(r.o.Name, "worker") + "/" + k.String()
}

// run calls Run and waits for its parts.
func (r *Runner[T]) run(ctx context.Context, w *worker[T], lease Lease) error {
	j := &Job[T]{Key: w.key, Epoch: lease.Epoch, r: r, changed: make(chan struct{}, 1)}
	r.mu.Lock()
	if ctx.Err() != nil || w.wanted == nil {
		r.mu.Unlock()
		return ctx.Err()
	}
	j.doc.Store(w.wanted) // the same work as when the attempt began, perhaps changed since
	w.job = j
	stop := w.stop
	r.move(w, Status{State: Running, Epoch: lease.Epoch, Failures: w.status.Failures})
	r.mu.Unlock()
	jobCtx, end := context.WithCancel(ctx)
	j.ctx = jobCtx
	if lease.Lost != nil {
		over := make(chan struct{})
		defer close(over)
		go func() {
			select {
			case <-lease.Lost:
				stop(ErrLeaseLost)
			case <-over:
			}
		}()
	}
	err := Contain(func() error { return r.hooks.Run(jobCtx, j) })
	if err != nil {
		end()
	}
	j.wg.Wait()
	end()
	r.mu.Lock()
	w.job = nil
	r.mu.Unlock()
	return err
}

// Wake calls the Run of a document now that is waiting to be called again, or whose work
// is done.
func (r *Runner[T]) Wake(key ...string) {
	r.refresh(slices.Clone(key))
	r.mu.Lock()
	defer r.mu.Unlock()
	id := Key(key).id()
	w := r.workers[id]
	switch {
	case w == nil || r.closed:
	case !w.alive && w.wanted != nil:
		r.launch(id, w)
	case w.status.State == Waiting || w.status.State == Failing:
		select {
		case w.wake <- struct{}{}:
		default:
		}
		r.move(w, Status{State: Leasing, Failures: w.status.Failures})
	}
}

// Await acts on a document as it is now and returns when nothing of it runs: nil when its
// work is done, waits to be called again, or does not ask to be run; the error of the last
// call when that failed.
func (r *Runner[T]) Await(ctx context.Context, key ...string) error {
	r.refresh(slices.Clone(key))
	id := Key(key).id()
	for {
		r.mu.Lock()
		w := r.workers[id]
		if w == nil {
			r.mu.Unlock()
			return nil
		}
		switch w.status.State {
		case Done, Waiting:
			r.mu.Unlock()
			return nil
		case Failing, Invalid:
			err := w.status.Err
			r.mu.Unlock()
			return err
		}
		moved := w.nextMove()
		r.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Begun acts on a document as it is now and waits until its work has begun in this process. It
// returns false where that will not be: another process has the lease, or the document does not
// ask to be run; and with the error of ctx.
func (r *Runner[T]) Begun(ctx context.Context, key ...string) (here bool, err error) {
	r.refresh(slices.Clone(key))
	id := Key(key).id()
	for {
		r.mu.Lock()
		w := r.workers[id]
		if w == nil || r.closed {
			r.mu.Unlock()
			return false, nil
		}
		switch w.status.State {
		case Running, Waiting, Failing, Done:
			r.mu.Unlock()
			return true, nil
		case Elsewhere, Invalid:
			r.mu.Unlock()
			return false, nil
		}
		moved := w.nextMove()
		r.mu.Unlock()
		select {
		case <-moved:
		case <-r.ctx.Done():
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// Suspend ends the work of a document and returns when nothing of it is left. It does not run
// again before resume is called, for a caller that changes what the work goes by. An error is
// that of ctx; the work goes on then.
func (r *Runner[T]) Suspend(ctx context.Context, key ...string) (resume func(), err error) {
	k := slices.Clone(key)
	id := Key(k).id()
	r.mu.Lock()
	if r.held == nil {
		r.held = make(map[string]int)
	}
	r.held[id]++
	r.mu.Unlock()
	resume = sync.OnceFunc(func() {
		r.mu.Lock()
		if r.held[id]--; r.held[id] == 0 {
			delete(r.held, id)
		}
		r.mu.Unlock()
		r.refresh(k)
	})
	r.refresh(k)
	for {
		r.mu.Lock()
		w := r.workers[id]
		if w == nil {
			r.mu.Unlock()
			return resume, nil
		}
		moved := w.nextMove()
		r.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			resume()
			return nil, ctx.Err()
		}
	}
}

// Status reports how a document's work is; false when it has none.
func (r *Runner[T]) Status(key ...string) (Status, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.workers[Key(key).id()]
	if w == nil {
		return Status{}, false
	}
	return w.current(), true
}

// All tells the status of every document that has work, by key.
func (r *Runner[T]) All() []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Status, 0, len(r.workers))
	for _, w := range r.workers {
		all = append(all, w.current())
	}
	slices.SortFunc(all, func(a, b Status) int { return slices.Compare(a.Key, b.Key) })
	return all
}

func (w *worker[T]) current() Status {
	s := w.status
	if w.job != nil {
		s.Parts = w.job.partStatus()
	}
	return s
}
