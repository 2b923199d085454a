package athena

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// How executions are scheduled and remembered.
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
)

// execution is one that has not ended.
type execution struct {
	sc     scope
	cancel context.CancelFunc

	mu      sync.Mutex
	doc     executionDoc
	stopped bool
	stored  bool // the end is in the document

	planned func() // lets those that wait for names to be resolved go on
}

// change updates the document that GetQueryExecution shows.
func (x *execution) change(f func(*executionDoc)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f(&x.doc)
}

type historyEntry struct {
	id, workgroup, token string
	submitted            time.Time
	bytes                int
}

// key grows as the times go back, so that the newest comes first.
func (e historyEntry) key() string {
	return fmt.Sprintf("%019d", 1<<62-e.submitted.UnixNano()) + e.id
}

type executions struct {
	docs      *state.Collection[executionDoc]
	slots     chan struct{}
	maxQueued int
	now       func() time.Time

	ctx   context.Context
	halt  context.CancelFunc
	wg    sync.WaitGroup
	ended *prometheus.CounterVec
	took  prometheus.Histogram

	mu      sync.Mutex
	closed  bool
	live    map[string]*execution // by account/region/id
	turns   map[scope]*turns
	history map[scope][]historyEntry // the oldest first
	tokens  map[string]string        // account/region/token to id
	bytes   int
	count   int
	buckets map[string]time.Time
}

func newExecutions(docs *state.Collection[executionDoc], cfg Config) *executions {
	e := &executions{
		docs: docs, slots: make(chan struct{}, cfg.MaxRunning), maxQueued: cfg.MaxQueued, now: cfg.Clock.Now,
		live: make(map[string]*execution), turns: make(map[scope]*turns),
		history: make(map[scope][]historyEntry), tokens: make(map[string]string), buckets: make(map[string]time.Time),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "brookmere_athena_queries_total", Help: "Query executions that ended, by state.",
		}, []string{"state"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "brookmere_athena_query_duration_seconds", Help: "Time from the start of a query to its end.",
			Buckets: prometheus.ExponentialBuckets(0.002, 3, 12),
		}),
	}
	e.ctx, e.halt = context.WithCancel(context.Background())
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(e.ended, e.took)
	}
	return e
}

func (sc scope) key(name string) string { return sc.account + "/" + sc.region + "/" + name }

// Start reads the history and fails the executions that a crash interrupted.
func (s *Service) Start(ctx context.Context) error {
	e := s.executions
	type unfinished struct {
		sc scope
		id string
	}
	var broken []unfinished
	e.mu.Lock()
	for it, err := range e.docs.List() {
		if err != nil {
			e.mu.Unlock()
			return fmt.Errorf("athena: read the history of queries: %w", err)
		}
		d, sc := it.Value, scope{it.Key[0], it.Key[1]}
		e.remember(sc, d)
		if !finished(d.State) {
			broken = append(broken, unfinished{sc, d.ID})
		}
	}
	for sc := range e.history {
		slices.SortFunc(e.history[sc], func(a, b historyEntry) int { return strings.Compare(b.key(), a.key()) })
	}
	e.mu.Unlock()
	for _, b := range broken {
		_, err := e.docs.Modify(ctx, func(d *executionDoc) error {
			d.State, d.Category = types.QueryExecutionStateFailed, systemError
			d.Reason = "INTERNAL_ERROR: the query was interrupted by a restart of the service"
			d.Completed = s.clock.Now().UTC()
			return nil
		}, b.sc.account, b.sc.region, b.id)
		if err != nil {
			return err
		}
	}
	return e.prune(ctx)
}

// Close cancels what runs and waits for it to end.
func (s *Service) Close(ctx context.Context) error {
	e := s.executions
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.halt()
	done := make(chan struct{})
	go func() { e.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// remember enters an execution into the history; e.mu is held.
func (e *executions) remember(sc scope, d *executionDoc) {
	n := len(d.Query)
	for _, p := range d.Parameters {
		n += len(p)
	}
	e.history[sc] = append(e.history[sc], historyEntry{d.ID, d.WorkGroup, d.Token, d.Submitted, n})
	e.count++
	e.bytes += n
	if d.Token != "" {
		e.tokens[sc.key(d.Token)] = d.ID
	}
}

// accept stores a new execution. With a token seen before it answers that one's id.
func (e *executions) accept(ctx context.Context, sc scope, d *executionDoc) (id string, fresh bool, err error) {
	e.mu.Lock()
	if d.Token != "" {
		if id, ok := e.tokens[sc.key(d.Token)]; ok {
			e.mu.Unlock()
			old, err := e.get(sc, id)
			if err != nil {
				return "", false, err
			}
			if old.Query != d.Query || old.Database != d.Database || old.Catalog != d.Catalog || strings.Replace(old.Output, old.ID, d.ID, 1) != d.Output {
				return "", false, invalidRequest("IDEMPOTENT_PARAMETER_MISMATCH", "Idempotent parameters do not match")
			}
			return id, false, nil
		}
	}
	if e.closed {
		e.mu.Unlock()
		return "", false, &types.InternalServerException{Message: aws.String("The service is shutting down.")}
	}
	if len(e.live) >= cap(e.slots)+e.maxQueued {
		e.mu.Unlock()
		return "", false, &types.TooManyRequestsException{
			Message: aws.String("You have exceeded the limit for the number of queries you can run concurrently. Please reduce the number of concurrent queries submitted by this account. Contact customer support to request a concurrent query limit increase."),
			Reason:  types.ThrottleReasonConcurrentQueryLimitExceeded,
		}
	}
	// Live before it is stored, so that a second call with the token finds it.
	x := &execution{sc: sc, doc: *d, cancel: func() {}}
	e.live[sc.key(d.ID)] = x
	e.remember(sc, d)
	e.mu.Unlock()
	if err := e.docs.Create(ctx, d, sc.account, sc.region, d.ID); err != nil {
		e.mu.Lock()
		delete(e.live, sc.key(d.ID))
		e.forget(sc, d.ID)
		e.mu.Unlock()
		return "", false, err
	}
	return d.ID, true, nil
}

// forget takes an execution out of the history; e.mu is held.
func (e *executions) forget(sc scope, id string) {
	h := e.history[sc]
	for i, entry := range h {
		if entry.id != id {
			continue
		}
		if entry.token != "" {
			delete(e.tokens, sc.key(entry.token))
		}
		e.count--
		e.bytes -= entry.bytes
		e.history[sc] = slices.Delete(h, i, i+1)
		return
	}
}

// launch runs an accepted execution when its turn has come.
func (e *executions) launch(sc scope, d *executionDoc, f footprint, run func(context.Context, *execution)) {
	ctx, cancel := context.WithCancel(sc.background(e.ctx))
	e.mu.Lock()
	x := e.live[sc.key(d.ID)]
	t := e.turns[sc]
	if t == nil {
		t = new(turns)
		e.turns[sc] = t
	}
	wait, done := t.enter(f)
	x.mu.Lock()
	x.cancel = cancel
	if x.stopped {
		cancel()
	}
	x.mu.Unlock()
	e.wg.Add(1)
	e.mu.Unlock()
	release := sync.OnceFunc(func() { close(done) })
	x.planned = func() {
		if !f.changesWhatOthersDo {
			release()
		}
	}
	go func() {
		defer e.wg.Done()
		defer cancel()
		ended := false
		for _, w := range wait {
			select {
			case <-w:
				continue
			case <-ctx.Done():
			}
			if !ended {
				e.finish(ctx, x)
				ended = true
			}
			<-w // those behind rely on those before having ended
		}
		if ended {
			release()
			return
		}
		slot := false
		select {
		case e.slots <- struct{}{}:
			slot = true
		case <-ctx.Done():
		}
		if ctx.Err() == nil {
			x.change(func(d *executionDoc) {
				d.State = types.QueryExecutionStateRunning
				d.Queued = e.now().Sub(d.Submitted)
			})
			run(ctx, x)
		}
		if slot {
			<-e.slots
		}
		e.finish(ctx, x)
		release()
		if e.full() {
			_ = e.prune(context.WithoutCancel(ctx)) // the next one tries again
		}
	}()
}

// finish stores how an execution ended.
func (e *executions) finish(ctx context.Context, x *execution) {
	x.mu.Lock()
	d := &x.doc
	if !finished(d.State) {
		d.State = types.QueryExecutionStateCancelled
		d.Reason = "Query cancelled by user"
		if !x.stopped && ctx.Err() != nil {
			d.State, d.Category = types.QueryExecutionStateFailed, systemError
			d.Reason = "INTERNAL_ERROR: the service was shut down while the query ran"
		}
	}
	d.Completed = e.now().UTC()
	stored := *d
	x.mu.Unlock()
	// The store outlives the service's own context.
	err := e.docs.Put(context.WithoutCancel(ctx), &stored, x.sc.account, x.sc.region, stored.ID)
	e.ended.WithLabelValues(string(stored.State)).Inc()
	e.took.Observe(stored.Completed.Sub(stored.Submitted).Seconds())
	e.mu.Lock()
	if err == nil { // otherwise it stays in memory, and is FAILED after a restart
		delete(e.live, x.sc.key(stored.ID))
	}
	e.mu.Unlock()
	x.mu.Lock()
	x.stored = true
	x.mu.Unlock()
}

func (e *executions) full() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count > historyCount+100 || e.bytes > historyBytes
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

func (e *executions) stop(sc scope, id string) error {
	e.mu.Lock()
	x := e.live[sc.key(id)]
	e.mu.Unlock()
	if x == nil {
		_, err := e.get(sc, id)
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stopped = true
	x.cancel()
	return nil
}

func (e *executions) list(sc scope, workgroup string) []historyEntry {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []historyEntry
	for _, h := range slices.Backward(e.history[sc]) {
		if h.workgroup == workgroup {
			all = append(all, h)
		}
	}
	slices.SortStableFunc(all, func(a, b historyEntry) int { return strings.Compare(a.key(), b.key()) })
	return all
}

// countOf is how many executions of a workgroup are remembered.
func (e *executions) countOf(sc scope, workgroup string) int { return len(e.list(sc, workgroup)) }

// prune forgets what is beyond the limits, the oldest first.
func (e *executions) prune(ctx context.Context) error {
	for {
		e.mu.Lock()
		var oldest historyEntry
		var of scope
		for sc, h := range e.history {
			for _, entry := range h {
				if e.live[sc.key(entry.id)] != nil {
					continue
				}
				if of == (scope{}) || entry.submitted.Before(oldest.submitted) {
					oldest, of = entry, sc
				}
				break
			}
		}
		over := of != (scope{}) && (e.count > historyCount || e.bytes > historyBytes || e.now().Sub(oldest.submitted) > historyAge)
		if over {
			e.forget(of, oldest.id)
		}
		e.mu.Unlock()
		if !over {
			return nil
		}
		if err := e.docs.Delete(ctx, of.account, of.region, oldest.id); err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
	}
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
