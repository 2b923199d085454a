package delivery

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Options of a Pipeline. Source, Objects, Progress and Plans are required.
type Options struct {
	Source   Source
	Objects  Objects
	Progress ProgressStore
	Plans    Plans

	Clock   clockwork.Clock // nil: real
	Budget  *Budget         // shared by the pipelines of a node; nil: one of its own
	TempDir string          // for buffers beyond the budget; "": os.TempDir
	Events  Events

	Linger    time.Duration // the least age of a buffer with Interval 0; 0: DefaultLinger
	PlanCheck time.Duration // how often Plans.Current is asked while records flow; 0: one second
	Puts      int           // objects put at a time; 0: 4
}

// DefaultLinger keeps a delivery without buffering from making an object a record.
const DefaultLinger = 250 * time.Millisecond

// Limits of one read, and so of what waits between the stages.
const (
	chunkBytes   = 512 << 10
	chunkRecords = 4096
	chunkRows    = 32 << 20 // bytes of rows after which the rest of a read waits: a plan may make much of few records
	maxPutWait   = 30 * time.Second
)

// Pipeline delivers one source shard.
type Pipeline struct {
	o Options

	mu         sync.Mutex
	progress   *Progress // as last saved; not changed
	requests   []*flushRequest
	cancelWait context.CancelFunc // set while the reader waits for records
	held       chan struct{}      // closed by Release; nil when it does not hold
}

type flushRequest struct {
	at   time.Time
	done chan struct{}
}

// New returns a pipeline; Run works it.
func New(o Options) *Pipeline {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Budget == nil {
		o.Budget = new(Budget)
	}
	if o.Linger == 0 {
		o.Linger = DefaultLinger
	}
	if o.PlanCheck == 0 {
		o.PlanCheck = time.Second
	}
	if o.Puts == 0 {
		o.Puts = 4
	}
	return &Pipeline{o: o, progress: new(Progress)}
}

// Progress is the document as last saved. It must not be changed.
func (p *Pipeline) Progress() *Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.progress
}

// Flush returns when every record that the source held at the call is in objects. It
// needs a running Run.
func (p *Pipeline) Flush(ctx context.Context) error {
	r := &flushRequest{at: p.o.Clock.Now(), done: make(chan struct{})}
	p.mu.Lock()
	p.requests = append(p.requests, r)
	if p.cancelWait != nil {
		p.cancelWait()
	}
	p.mu.Unlock()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Hold stops the pipeline from reading on, until Release or the end of the process.
// What it has read it still delivers; a Flush waits.
func (p *Pipeline) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(chan struct{})
	}
}

// Release ends a Hold.
func (p *Pipeline) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != nil {
		close(p.held)
		p.held = nil
	}
}

// Held reports whether the pipeline is on hold.
func (p *Pipeline) Held() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held != nil
}

// released waits for the end of a hold.
func (p *Pipeline) released(ctx context.Context) error {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held == nil {
		return nil
	}
	select {
	case <-held:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeRequests takes the flushes that were asked for; the next read is for them.
func (p *Pipeline) takeRequests() []*flushRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.requests
	p.requests = nil
	if h, ok := p.o.Source.(poller); ok && len(r) > 0 {
		h.PollNow()
	}
	return r
}

// wait returns when the source has a record at or after pos or a flush was asked for.
func (p *Pipeline) wait(ctx context.Context, pos shardlog.Position) error {
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	if len(p.requests) > 0 {
		p.mu.Unlock()
		return nil
	}
	p.cancelWait = cancel
	p.mu.Unlock()
	err := p.o.Source.Wait(wctx, pos)
	p.mu.Lock()
	p.cancelWait = nil
	p.mu.Unlock()
	if err != nil && wctx.Err() != nil && ctx.Err() == nil {
		return nil // woken by a flush
	}
	return err
}

// Run delivers until ctx ends or something fails that it cannot put right by itself: the
// source, the progress store, the temporary directory. It may be run again after that;
// it then goes on from the stored progress, as after a crash. Nothing of it is working
// when it returns. What is still buffered is not flushed: it is in the source.
func (p *Pipeline) Run(ctx context.Context) error {
	doc, err := p.o.Progress.Load(ctx)
	if err != nil {
		return err
	}
	p.saved(doc)
	if p.o.Events.Resumed != nil {
		p.o.Events.Resumed(doc)
	}
	if doc.Atomic && len(doc.Intents) > 0 {
		if doc, err = p.undo(ctx, doc); err != nil {
			return err
		}
	}
	for {
		// A pipeline without records costs one waiting goroutine and no state.
		if err := p.idle(ctx, doc.Watermark); err != nil {
			return err
		}
		plan, err := p.plan(ctx, doc)
		if err != nil {
			return err
		}
		if plan.Version() != doc.Plan {
			doc = doc.clone()
			doc.Plan = plan.Version()
			if err := p.save(ctx, doc); err != nil {
				return err
			}
		}
		if doc, err = p.session(ctx, doc, plan); err != nil {
			return err
		}
	}
}

// idle waits for the first record after pos, where everything before it is delivered.
func (p *Pipeline) idle(ctx context.Context, pos shardlog.Position) error {
	var requests []*flushRequest
	for {
		requests = append(requests, p.takeRequests()...)
		recs, _, err := p.o.Source.Read(ctx, pos, shardlog.ReadOptions{MaxRecords: 1}, nil)
		if len(recs) > 0 || errors.Is(err, shardlog.ErrCorrupt) {
			p.mu.Lock()
			p.requests = append(requests, p.requests...)
			p.mu.Unlock()
			return nil
		}
		if err != nil {
			return err
		}
		for _, r := range requests {
			close(r.done)
		}
		requests = nil
		if err := p.wait(ctx, pos); err != nil {
			return err
		}
	}
}

// undo deletes the objects of an atomic batch that a crash has cut off. It claims the document
// first: another pipeline that works by it, and whose objects these may be, then fails at
// its next change, and one that has moved on has this one fail here.
func (p *Pipeline) undo(ctx context.Context, doc *Progress) (*Progress, error) {
	doc = doc.clone()
	doc.Undoing = true
	if err := p.save(ctx, doc); err != nil {
		return nil, err
	}
	for _, in := range doc.Intents {
		err := p.retry(ctx, func() error { return p.o.Objects.Delete(ctx, in.Bucket, in.Key) })
		if err != nil {
			return nil, err
		}
	}
	doc = doc.clone()
	doc.Intents, doc.Atomic, doc.Undoing = nil, false, false
	return doc, p.save(ctx, doc)
}

// plan is the one that doc pins, or the current one when doc is at rest.
func (p *Pipeline) plan(ctx context.Context, doc *Progress) (plan Plan, err error) {
	err = p.retry(ctx, func() (err error) {
		if doc.atRest() {
			plan, err = p.o.Plans.Current(ctx)
		} else {
			plan, err = p.o.Plans.Pinned(ctx, doc.Plan)
		}
		return err
	})
	return plan, err
}

// retry calls f until it succeeds or ctx ends.
func (p *Pipeline) retry(ctx context.Context, f func() error) error {
	wait := 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := f()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w := wait/2 + rand.N(wait/2+1)
		if p.o.Events.Retrying != nil {
			p.o.Events.Retrying(err, attempt, w)
		}
		t := p.o.Clock.NewTimer(w)
		select {
		case <-t.Chan():
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
		wait = min(wait*2, maxPutWait)
	}
}

func (p *Pipeline) save(ctx context.Context, doc *Progress) error {
	if err := p.o.Progress.Save(ctx, doc); err != nil {
		return err
	}
	p.saved(doc)
	return nil
}

func (p *Pipeline) saved(doc *Progress) {
	p.mu.Lock()
	p.progress = doc
	p.mu.Unlock()
}

func (d *Progress) clone() *Progress {
	c := *d
	c.Flushed = maps.Clone(d.Flushed)
	c.Intents = slices.Clone(d.Intents)
	return &c
}

// atRest reports whether nothing beyond the watermark is in objects or about to be, so
// that another plan may take over.
func (d *Progress) atRest() bool { return len(d.Flushed) == 0 && len(d.Intents) == 0 }

// session delivers by one plan, until another one is current and everything read by
// this one is in objects. It returns the progress to go on from.
func (p *Pipeline) session(ctx context.Context, doc *Progress, plan Plan) (*Progress, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e := newEncodeStage(p, plan, doc)
	r := &readStage{p: p, plan: plan, pos: doc.Watermark, freeFrom: e.maxUpto, chunks: make(chan *chunk, 1), free: make(chan *chunk, 4)}
	c := &commitStage{p: p, doc: doc.clone(), flushes: make(chan *flush, 4)}
	e.chunks, e.free, e.flushes = r.chunks, r.free, c.flushes

	var wg sync.WaitGroup
	stage := func(f func(context.Context) error, done func()) {
		wg.Go(func() {
			defer done()
			if err := work.Contain(func() error { return f(ctx) }); err != nil {
				cancel(err)
			}
		})
	}
	stage(r.run, func() { close(r.chunks) })
	stage(e.run, func() { close(c.flushes) })
	stage(c.run, func() {})
	wg.Wait()
	e.discard()
	// Requests that were under way are answered by the next session.
	requests := append(r.requests, e.requests...)
	requests = append(requests, c.requests...)
	for ch := range r.chunks {
		requests = append(requests, ch.requests...)
	}
	for f := range c.flushes {
		requests = append(requests, f.requests...)
		f.discard(p.o.Budget)
	}
	p.mu.Lock()
	p.requests = append(requests, p.requests...)
	p.mu.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return c.doc, nil
}

// chunk is what one read gave, routed. The last one of a session has last set.
type chunk struct {
	recs     []shardlog.Record
	rows     Rows
	next     shardlog.Position // after the records
	end      bool              // the source had no more
	last     bool
	requests []*flushRequest // flush after this chunk
}

// readStage reads and routes.
type readStage struct {
	p            *Pipeline
	plan         Plan
	pos          shardlog.Position
	freeFrom     shardlog.Position // the plan may change only after this position
	chunks, free chan *chunk
	requests     []*flushRequest // taken, not yet passed on
}

func (r *readStage) run(ctx context.Context) error {
	o := &r.p.o
	checked := o.Clock.Now()
	for {
		if err := r.p.released(ctx); err != nil {
			return err
		}
		r.requests = append(r.requests, r.p.takeRequests()...)
		c := r.chunk()
		recs, next, err := o.Source.Read(ctx, r.pos, shardlog.ReadOptions{MaxRecords: chunkRecords, MaxBytes: chunkBytes}, c.recs[:0])
		if err != nil {
			if !errors.Is(err, shardlog.ErrCorrupt) || next.Compare(r.pos) <= 0 {
				return err
			}
			if o.Events.Corrupt != nil {
				o.Events.Corrupt(err)
			}
		}
		c.recs = recs
		if len(recs) == 0 && err == nil {
			c.next, c.end, c.requests = r.pos, true, r.requests
			r.requests = nil
			if err := r.send(ctx, c); err != nil {
				return err
			}
			if err := r.p.wait(ctx, r.pos); err != nil {
				return err
			}
			continue
		}
		if now := o.Clock.Now(); r.pos.Compare(r.freeFrom) > 0 && now.Sub(checked) >= o.PlanCheck {
			checked = now
			// When it cannot be had, the plan at hand goes on.
			if plan, err := o.Plans.Current(ctx); err == nil && plan.Version() != r.plan.Version() {
				c.recs, c.next, c.last = nil, r.pos, true
				return r.send(ctx, c)
			}
		}
		for i := range recs {
			c.rows.From = From{Position: recs[i].Position, Arrival: recs[i].Time, Key: recs[i].Key}
			r.plan.Route(&recs[i], &c.rows)
			if c.rows.bytes > chunkRows && i+1 < len(recs) {
				recs, next = recs[:i+1], recs[i+1].Position // the others are read again
				c.recs = recs
				break
			}
		}
		c.next = next
		r.pos = next
		if n := len(recs); n > 0 {
			for i, q := range r.requests {
				if !recs[n-1].Time.After(q.at) {
					r.requests, c.requests = r.requests[i:], r.requests[:i:i]
					break
				} else if i == len(r.requests)-1 {
					r.requests, c.requests = nil, r.requests
				}
			}
		}
		if err := r.send(ctx, c); err != nil {
			return err
		}
	}
}

func (r *readStage) chunk() *chunk {
	select {
	case c := <-r.free:
		return c
	default:
		return new(chunk)
	}
}

func (r *readStage) send(ctx context.Context, c *chunk) error {
	select {
	case r.chunks <- c:
		return nil
	case <-ctx.Done():
		r.requests = append(c.requests, r.requests...)
		return ctx.Err()
	}
}

func (c *chunk) reset() {
	clear(c.recs)
	c.recs = c.recs[:0]
	c.rows.reset()
	c.next, c.end, c.last, c.requests = shardlog.Position{}, false, false, nil
}
