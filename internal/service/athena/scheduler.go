package athena

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// How executions are scheduled and remembered.
//
// An execution that has not ended is run by a work.Runner. Whoever accepts it writes its
// own name and epoch into the document and runs it; what it is doing is in its memory, the
// document is written again at the end. A Runner that comes to an unfinished execution of
// another process leaves it alone, unless its own lease is of a later epoch: then that
// process is gone, and the execution becomes FAILED. It is not run again: a statement that
// writes would write twice.
//
// A statement waits for its turn first, see order.go, and takes one of the slots then, so
// that none that waits keeps a slot from one it waits for.
//
// History is bounded: executions older than 45 days, and the oldest beyond a count and
// a size of texts, are forgotten.

const (
	historyAge   = 45 * 24 * time.Hour
	historyCount = 10_000
	historyBytes = 64 << 20
	bucketMemory = time.Minute
	pruneEvery   = 100 // executions
)

// execution is one that this process has accepted and that has not ended.
type execution struct {
	sc      scope
	caller  awswire.Caller // as whom it runs; in memory alone, as its run is
	work    func(context.Context, *execution)
	ready   chan struct{}     // closed when it has been accepted, with the next three
	wait    []<-chan struct{} // the turns before its own
	release func()            // ends its turn
	planned func()            // lets those that wait for names to be resolved go on

	mu      sync.Mutex
	doc     executionDoc
	cancel  context.CancelFunc
	stopped bool
	ran     bool
	over    bool // it has run, or never will
	stored  bool // the end is in the document
}

// change updates the document that GetQueryExecution shows.
func (x *execution) change(f func(*executionDoc)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f(&x.doc)
}

// shown is the document that GetQueryExecution shows.
func (x *execution) shown() executionDoc {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.doc
}

type historyEntry struct {
	id, key   string // the key grows as the times go back, so that the newest comes first
	submitted time.Time
	bytes     int
}

func entryOf(d *executionDoc) historyEntry {
	n := len(d.Query)
	for _, p := range d.Parameters {
		n += len(p)
	}
	return historyEntry{d.ID, fmt.Sprintf("%019d", 1<<62-d.Submitted.UnixNano()) + d.ID, d.Submitted, n}
}

type executions struct {
	docs      *state.Collection[executionDoc]
	runner    *work.Runner[executionDoc]
	owner     work.Owner
	node      string // names this process in documents
	standing  sync.Mutex
	lease     work.Lease // of the executions that this process has accepted
	slots     chan struct{}
	maxQueued int
	now       func() time.Time
	logger    *slog.Logger
	events    EventSink // nil: none

	closing chan struct{}
	ended   *prometheus.CounterVec
	took    prometheus.Histogram
	endings atomic.Int32 // since history was pruned

	mu      sync.Mutex
	closed  bool
	live    map[string]*execution // by account/region/id
	turns   map[scope]*turns
	buckets map[string]time.Time
}

func newExecutions(docs *state.Collection[executionDoc], cfg Config) *executions {
	e := &executions{
		docs: docs, owner: cfg.Owner, node: uuid.NewString(), slots: make(chan struct{}, cfg.MaxRunning), maxQueued: cfg.MaxQueued,
		now: cfg.Clock.Now, logger: cfg.Logger, events: cfg.Events, closing: make(chan struct{}),
		live: make(map[string]*execution), turns: make(map[scope]*turns), buckets: make(map[string]time.Time),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "brookmere_athena_queries_total", Help: "Query executions that ended, by state.",
		}, []string{"state"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "brookmere_athena_query_duration_seconds", Help: "Time from the start of a query to its end.",
			Buckets: prometheus.ExponentialBuckets(0.002, 3, 12),
		}),
	}
	e.runner = work.New(work.Documents[executionDoc](cfg.State, executionKind), work.Hooks[executionDoc]{
		Runs: func(d *executionDoc) bool { return !finished(d.State) },
		Same: func(was, is *executionDoc) bool { return was.Stop == is.Stop },
		Run:  e.run,
	}, work.Options{
		Name: executionKind, Clock: cfg.Clock, Owner: cfg.Owner,
		Lease: func(key work.Key) string {
			if d, err := docs.Get(key...); err == nil && d.Node != "" {
				return nodeLease(d.Node)
			}
			return executionKind + "/" + key.String()
		},
		Events: work.Events{
			Failed: func(key work.Key, _ string, err error, _ int, wait time.Duration) {
				cfg.Logger.Error("a query could not be ended and is tried again", "key", key, "error", err, "wait", wait)
			},
			Undecodable: func(key work.Key, err error) {
				cfg.Logger.Error("a query execution cannot be read", "key", key, "error", err)
			},
		},
	})
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(e.ended, e.took)
	}
	return e
}

const executionKind = "athena.query"

func (sc scope) key(name string) string { return sc.account + "/" + sc.region + "/" + name }

// Start begins to run what is accepted, and ends what an earlier process has left.
func (s *Service) Start(ctx context.Context) error {
	if err := s.executions.runner.Start(ctx); err != nil {
		return fmt.Errorf("athena: %w", err)
	}
	return s.executions.prune(ctx)
}

// Close cancels what runs and waits for it to end.
func (s *Service) Close(ctx context.Context) error {
	e := s.executions
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		close(e.closing)
	}
	e.mu.Unlock()
	err := e.runner.Close(ctx)
	e.standing.Lock()
	defer e.standing.Unlock()
	if e.lease.Release != nil {
		e.lease.Release()
		e.lease = work.Lease{}
	}
	return err
}

// tokenID is the id of the execution that a token stands for: two calls with one token make one
// document, wherever they arrive.
func (sc scope) tokenID(token string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("athena:"+sc.key(token))).String()
}

// nodeLease is the key of the lease by which a process's executions are run: what one has accepted
// no other runs, or ends, as long as it lives.
func nodeLease(node string) string { return executionKind + ".node/" + node }

// stand takes the lease of this process's executions, if it does not have it, and returns its epoch.
func (e *executions) stand(ctx context.Context) (epoch uint64, err error) {
	e.standing.Lock()
	defer e.standing.Unlock()
	if e.lease.Epoch != 0 {
		select {
		case <-e.lease.Lost:
		default:
			return e.lease.Epoch, nil
		}
	}
	e.lease, err = e.owner.Acquire(ctx, nodeLease(e.node), nil)
	return e.lease.Epoch, err
}

// accept stores a new execution, which work runs when its turn has come. With a token seen
// before it answers that one's id.
func (e *executions) accept(ctx context.Context, sc scope, d *executionDoc, f footprint, run func(context.Context, *execution)) (id string, err error) {
	if d.Token != "" {
		if old, err := e.get(sc, d.ID); err == nil {
			return d.again(old)
		}
	}
	if d.Epoch, err = e.stand(ctx); err != nil {
		return "", err
	}
	d.Node = e.node
	x := &execution{sc: sc, caller: via(ctx), doc: *d, work: run, ready: make(chan struct{}), cancel: func() {}}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return "", &types.InternalServerException{Message: aws.String("The service is shutting down.")}
	}
	if len(e.live) >= cap(e.slots)+e.maxQueued {
		e.mu.Unlock()
		return "", &types.TooManyRequestsException{
			Message: aws.String("You have exceeded the limit for the number of queries you can run concurrently. Please reduce the number of concurrent queries submitted by this account. Contact customer support to request a concurrent query limit increase."),
			Reason:  types.ThrottleReasonConcurrentQueryLimitExceeded,
		}
	}
	if other := e.live[sc.key(d.ID)]; other != nil { // the token's, on its way
		e.mu.Unlock()
		return d.again(&other.doc)
	}
	// Live before it is stored, so that its Run finds it.
	e.live[sc.key(d.ID)] = x
	e.mu.Unlock()
	if err := e.docs.Create(ctx, d, sc.account, sc.region, d.ID); err != nil {
		e.mu.Lock()
		delete(e.live, sc.key(d.ID))
		e.mu.Unlock()
		x.release, x.over, x.stored = func() {}, true, true // should it be stored all the same
		close(x.ready)
		if errors.Is(err, state.ErrExists) && d.Token != "" {
			old, err := e.get(sc, d.ID)
			if err != nil {
				return "", err
			}
			return d.again(old)
		}
		return "", err
	}
	e.mu.Lock()
	t := e.turns[sc]
	if t == nil {
		t = new(turns)
		e.turns[sc] = t
	}
	wait, done := t.enter(f)
	e.mu.Unlock()
	x.wait, x.release = wait, sync.OnceFunc(func() { close(done) })
	x.planned = func() {
		if !f.changesWhatOthersDo {
			x.release()
		}
	}
	close(x.ready)
	e.runner.Refresh(sc.account, sc.region, d.ID)
	return d.ID, nil
}

// again answers a call with the token of an execution that is there.
func (d *executionDoc) again(old *executionDoc) (id string, err error) {
	if old.Query != d.Query || old.Database != d.Database || old.Catalog != d.Catalog || old.Output != d.Output {
		return "", invalidRequest("IDEMPOTENT_PARAMETER_MISMATCH", "Idempotent parameters do not match")
	}
	return old.ID, nil
}

// run is the work of an unfinished execution.
func (e *executions) run(ctx context.Context, j *work.Job[executionDoc]) error {
	sc, d := scope{j.Key[0], j.Key[1]}, j.Document()
	e.mu.Lock()
	x := e.live[sc.key(d.ID)]
	e.mu.Unlock()
	if x == nil {
		return e.interrupted(ctx, sc, d, j.Epoch)
	}
	<-x.ready
	ctx, cancel := context.WithCancel(awswire.WithCaller(ctx, x.caller))
	defer cancel()
	x.mu.Lock()
	over := x.over
	x.over = true
	x.cancel = cancel
	if x.stopped {
		cancel()
	}
	x.mu.Unlock()
	if over { // it has run, but its end could not be stored
		defer x.release()
		return e.finish(ctx, x)
	}
	e.tell(x.sc, x.shown(), "", 1)
	if waited, err := e.awaitTurn(ctx, x); !waited {
		return err
	}
	select {
	case e.slots <- struct{}{}:
		func() {
			defer func() { <-e.slots }()
			if ctx.Err() == nil {
				x.change(func(d *executionDoc) {
					d.State = types.QueryExecutionStateRunning
					d.Queued = e.now().Sub(d.Submitted)
					x.ran = true
				})
				e.tell(x.sc, x.shown(), types.QueryExecutionStateQueued, 2)
				x.work(ctx, x)
			}
		}()
	case <-ctx.Done():
	}
	err := e.finish(ctx, x)
	x.release()
	if e.endings.Add(1) >= pruneEvery {
		e.endings.Store(0)
		if err := e.prune(context.WithoutCancel(ctx)); err != nil {
			e.logger.Warn("the history of queries could not be shortened", "error", err)
		}
	}
	return err
}

// awaitTurn waits for the statements before an execution. It reports whether it waited to the
// end; if not, the execution has ended.
func (e *executions) awaitTurn(ctx context.Context, x *execution) (waited bool, err error) {
	ended := false
	for _, w := range x.wait {
		select {
		case <-w:
			continue
		case <-ctx.Done():
		}
		if !ended {
			err = e.finish(ctx, x)
			ended = true
		}
		select {
		case <-w: // those behind rely on those before having ended
		case <-e.closing:
		}
	}
	if ended {
		x.release()
	}
	return !ended, err
}

// interrupted ends an execution that this process does not run, if nobody does: the process
// that accepted it had an earlier lease.
func (e *executions) interrupted(ctx context.Context, sc scope, d *executionDoc, epoch uint64) error {
	if d.Node != e.node && d.Epoch >= epoch {
		return nil // a process that shares this owner's leases runs it
	}
	node, was, sequence := d.Node, d.State, 2
	ended, err := e.docs.Modify(ctx, func(d *executionDoc) error {
		if finished(d.State) || d.Node != node {
			return errEnded
		}
		d.State, d.Category = types.QueryExecutionStateFailed, systemError
		d.Reason = "INTERNAL_ERROR: the query was interrupted by a restart of the service"
		d.Completed = e.now().UTC()
		return nil
	}, sc.account, sc.region, d.ID)
	if errors.Is(err, errEnded) || errors.Is(err, state.ErrNotFound) {
		return nil
	}
	if err == nil {
		if was == types.QueryExecutionStateRunning {
			sequence = 3
		}
		e.tell(sc, *ended, was, sequence)
	}
	return err
}

var errEnded = errors.New("athena: the execution has ended")

// finish stores how an execution ended.
func (e *executions) finish(ctx context.Context, x *execution) error {
	x.mu.Lock()
	if x.stored {
		x.mu.Unlock()
		return nil
	}
	d := &x.doc
	if !finished(d.State) {
		d.State = types.QueryExecutionStateCancelled
		d.Reason = "Query cancelled by user"
		if !x.stopped && ctx.Err() != nil && !errors.Is(context.Cause(ctx), work.ErrChanged) {
			d.State, d.Category = types.QueryExecutionStateFailed, systemError
			d.Reason = "INTERNAL_ERROR: the service was shut down while the query ran"
		}
	}
	if d.Completed.IsZero() {
		d.Completed = e.now().UTC()
	}
	stored := *d
	was, sequence := types.QueryExecutionStateQueued, 2
	if x.ran {
		was, sequence = types.QueryExecutionStateRunning, 3
	}
	x.mu.Unlock()
	// The store outlives the service's own context.
	_, err := e.docs.Modify(context.WithoutCancel(ctx), func(d *executionDoc) error {
		if finished(d.State) {
			return errEnded // a process with a later lease has ended it
		}
		*d = stored
		return nil
	}, x.sc.account, x.sc.region, stored.ID)
	if err != nil && !errors.Is(err, errEnded) && !errors.Is(err, state.ErrNotFound) {
		return err // it stays in memory, and is FAILED after a restart
	}
	if err == nil {
		e.tell(x.sc, stored, was, sequence)
	}
	e.ended.WithLabelValues(string(stored.State)).Inc()
	e.took.Observe(stored.Completed.Sub(stored.Submitted).Seconds())
	e.mu.Lock()
	delete(e.live, x.sc.key(stored.ID))
	e.mu.Unlock()
	x.mu.Lock()
	x.stored = true
	x.mu.Unlock()
	return nil
}

// get returns an execution as it stands.
func (e *executions) get(sc scope, id string) (*executionDoc, error) {
	e.mu.Lock()
	x := e.live[sc.key(id)]
	e.mu.Unlock()
	if x != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		d := x.doc
		if finished(d.State) && !x.stored { // its end is not on disk yet
			d.State, d.Reason, d.Completed = types.QueryExecutionStateRunning, "", time.Time{}
		}
		return &d, nil
	}
	d, err := e.docs.Get(sc.account, sc.region, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, executionNotFound(id)
	}
	return d, err
}

// stop cancels an execution: of this process at once, of another by its document.
func (e *executions) stop(ctx context.Context, sc scope, id string) error {
	e.mu.Lock()
	x := e.live[sc.key(id)]
	e.mu.Unlock()
	if x != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.stopped = true
		x.cancel()
		return nil
	}
	_, err := e.docs.Modify(ctx, func(d *executionDoc) error {
		if finished(d.State) {
			return errEnded
		}
		d.Stop = true
		return nil
	}, sc.account, sc.region, id)
	switch {
	case errors.Is(err, errEnded):
		return nil
	case errors.Is(err, state.ErrNotFound):
		return executionNotFound(id)
	}
	return err
}

// list returns the executions of a workgroup, the newest first.
func (e *executions) list(sc scope, workgroup string) ([]historyEntry, error) {
	var all []historyEntry
	for it, err := range e.docs.List(sc.account, sc.region) {
		if err != nil {
			return nil, fmt.Errorf("athena: read the history of queries: %w", err)
		}
		if it.Value.WorkGroup == workgroup {
			all = append(all, entryOf(it.Value))
		}
	}
	slices.SortFunc(all, func(a, b historyEntry) int { return strings.Compare(a.key, b.key) })
	return all, nil
}

// countOf is how many executions of a workgroup are remembered.
func (e *executions) countOf(sc scope, workgroup string) (int, error) {
	all, err := e.list(sc, workgroup)
	return len(all), err
}

// prune forgets what is beyond the limits, the oldest first, but nothing that has not ended.
func (e *executions) prune(ctx context.Context) error {
	type ended struct {
		historyEntry
		key []string
	}
	var all []ended
	count, bytes := 0, 0
	for it, err := range e.docs.List() {
		if err != nil {
			return fmt.Errorf("athena: read the history of queries: %w", err)
		}
		entry := entryOf(it.Value)
		count, bytes = count+1, bytes+entry.bytes
		if finished(it.Value.State) {
			all = append(all, ended{entry, it.Key})
		}
	}
	slices.SortFunc(all, func(a, b ended) int { return a.submitted.Compare(b.submitted) })
	for _, o := range all {
		if count <= historyCount && bytes <= historyBytes && e.now().Sub(o.submitted) <= historyAge {
			break
		}
		if err := e.docs.Delete(ctx, o.key...); err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
		count, bytes = count-1, bytes-o.bytes
	}
	return nil
}

func (e *executions) bucketSeen(key string, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, ok := e.buckets[key]
	return ok && now.Sub(at) < bucketMemory
}

func (e *executions) rememberBucket(key string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.buckets) >= 1000 {
		clear(e.buckets)
	}
	e.buckets[key] = now
}
