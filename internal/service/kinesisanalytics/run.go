package kinesisanalytics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/streamsql"
	"github.com/brookmere/brookmere/internal/engine/work"
	"github.com/brookmere/brookmere/internal/nodeapi"
)

// How applications are run. A worker an application takes its document from one state to the next:
// STARTING and UPDATING to RUNNING when it runs by the document, STOPPING to READY when it has
// stopped, DELETING to nothing. The crash rule is that of the package comment; what is done here
// between two states can be done again.

// servicePrincipal is who roles of applications trust.
const servicePrincipal = "kinesisanalytics.amazonaws.com"

func (s *Service) newRunner() *work.Runner[applicationDoc] {
	return work.New(work.Documents[applicationDoc](s.cfg.State, "kinesisanalytics.application"), work.Hooks[applicationDoc]{
		Runs: func(d *applicationDoc) bool { return d.works() },
		Same: func(was, is *applicationDoc) bool { return was.ID == is.ID },
		Run:  s.run,
	}, work.Options{
		Name: "kinesisanalytics.application", Clock: s.clock, Owner: s.cfg.Owner,
		Backoff: work.Backoff{First: 500 * time.Millisecond, Max: 15 * time.Second},
		Events: work.Events{
			Failed: func(key work.Key, _ string, err error, failures int, wait time.Duration) {
				if failures == 1 || failures%20 == 0 {
					s.log.Warn("an application cannot run and is tried again", "application", key, "error", err, "failures", failures, "wait", wait)
				}
				if d, e := s.applications.Get(key...); e == nil {
					s.tell(d, "ERROR", "The application cannot run and is tried again: "+err.Error())
				}
			},
			Undecodable: func(key work.Key, err error) {
				s.log.Error("an application cannot be read", "key", key, "error", err)
			},
		},
	})
}

// run does what the application's document asks for, until it asks for nothing.
func (s *Service) run(ctx context.Context, j *work.Job[applicationDoc]) error {
	for {
		d, err := s.applications.Get(j.Key...)
		if errors.Is(err, state.ErrNotFound) || isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		switch d.Status {
		case statusReady:
			return nil
		case statusStopping:
			if _, err := s.setStatus(ctx, d, statusReady, statusStopping); err != nil {
				return err
			}
		case statusDeleting:
			if err := s.deleteProgress(ctx, d.ID); err != nil {
				return err
			}
			if err := s.applications.Delete(context.WithoutCancel(ctx), d.key()...); err != nil && !isNotFound(err) {
				return err
			}
			return nil
		default:
			if err := s.runVersion(ctx, j, d); err != nil {
				return err
			}
		}
	}
}

// runVersion runs an application until its document asks for something else.
func (s *Service) runVersion(ctx context.Context, j *work.Job[applicationDoc], d *applicationDoc) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := s.open(ctx, d)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.running[d.ID] = r
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.running, d.ID)
		s.mu.Unlock()
		s.metrics.forget(d)
	}()
	if ok, err := s.setStatus(ctx, d, statusRunning, statusStarting, statusUpdating, statusRunning); err != nil || !ok {
		cancel(nil)
		r.close()
		return err
	}
	r.group.Go("document", func(context.Context) error {
		for {
			select {
			case <-j.Changed():
			case <-ctx.Done():
				return nil
			}
			now, err := s.applications.Get(d.key()...)
			switch {
			case err != nil || now.ID != d.ID || now.Status == statusDeleting:
				cancel(errDeleted)
				return nil
			case now.Status == statusStopping || now.Status == statusUpdating || now.Version != d.Version:
				r.finish()
			}
		}
	})
	err = r.work(ctx)
	why := context.Cause(ctx)
	cancel(nil)
	r.close()
	if errors.Is(why, errDeleted) || errors.Is(err, errFinished) {
		return nil
	}
	return err
}

var (
	errDeleted  = errors.New("the application is to be deleted")
	errFinished = errors.New("the application has finished its work")
)

// running is an application that runs.
type running struct {
	s          *Service
	doc        *applicationDoc
	plan       *streamsql.Plan
	app        *streamsql.App
	progress   *progress
	generation string
	feeds      []*feed
	outputs    []*output
	watched    map[string]bool // streams of outputs
	group      work.Group
	slack      time.Duration // how long after its end a window is closed

	wake      chan struct{}
	finishing chan struct{} // closed when it is to stop
	finished  bool
	deadline  atomic.Pointer[time.Time] // of the step under way, from when it is to stop
	taps      chan func()               // calls for the goroutine of work

	last      time.Time         // of the last step
	lastError *nodeapi.RowError // the last row that came into error_stream, if this run has seen one
	unwritten []step            // steps that are not in the log of progress
	rows      map[string]uint64
	replaying bool
	changed   bool // the state is new, by another code than before, and is not written down
	replayed  bool // rows may be out that the log of progress does not tell of

	sinceBytes int64 // taken in since the last snapshot
	sinceSteps int
	sinceTime  time.Time
	stateBytes int64
}

// told is how long after the end of a window it is closed where streams tell of records; polled
// where they are asked.
const (
	toldSlack   = 40 * time.Millisecond
	polledSlack = 1500 * time.Millisecond
)

// open makes an application ready to run from where it was.
func (s *Service) open(ctx context.Context, d *applicationDoc) (*running, error) {
	plan, err := compile(d)
	if err != nil {
		return nil, fmt.Errorf("compile the code: %w", err)
	}
	r := &running{
		s: s, doc: d, plan: plan, wake: make(chan struct{}, 1), finishing: make(chan struct{}), taps: make(chan func()),
		rows: map[string]uint64{}, watched: map[string]bool{}, slack: toldSlack, sinceTime: s.clock.Now(),
	}
	r.group.Context, r.group.Clock = ctx, s.clock
	if r.progress, err = s.openProgress(ctx, d.ID); err != nil {
		return nil, err
	}
	was, err := r.progress.load(ctx)
	if err != nil {
		return nil, err
	}
	if was == nil || d.Fresh && was.at.Run != d.Run {
		was = nil
	}
	if err := r.restore(ctx, was); err != nil {
		return nil, err
	}
	if err := r.openReferences(ctx); err != nil {
		return nil, err
	}
	var replay []step
	var from positions
	if was != nil {
		replay, from = was.steps, was.at
	}
	r.openOutputs(from)
	if err := r.openFeeds(ctx, from); err != nil {
		return nil, err
	}
	r.replayed = len(replay) > 0
	if err := r.replay(ctx, replay); err != nil {
		r.close()
		return nil, err
	}
	if r.changed {
		if err := r.snapshot(ctx); err != nil {
			r.close()
			return nil, err
		}
	}
	r.startOutputs()
	r.group.Go("metrics", r.report)
	return r, nil
}

// restore makes the engine: from a snapshot, or new.
func (r *running) restore(ctx context.Context, was *past) error {
	names := []string{streamsql.ErrorStream}
	for i := range r.doc.Outputs {
		if n := r.doc.Outputs[i].Name; !r.watched[n] && n != streamsql.ErrorStream {
			names = append(names, n)
		}
		r.watched[r.doc.Outputs[i].Name] = true
	}
	options := streamsql.Options{Outputs: names, StateLimit: r.s.cfg.StateLimit, Interrupted: func() bool {
		at := r.deadline.Load()
		return ctx.Err() != nil || at != nil && time.Now().After(*at)
	}}
	var err error
	if r.app, err = streamsql.New(r.plan, options); err != nil {
		return err
	}
	if was != nil {
		r.generation = was.at.Generation
		r.last = time.UnixMilli(was.at.Time)
		if was.at.Time == 0 {
			r.last = time.Time{}
		}
		for k, v := range was.at.Rows {
			r.rows[k] = v
		}
		if was.state == nil {
			return nil
		}
		_, err := r.app.Restore(was.reader())
		if err == nil {
			return nil
		}
		if !errors.Is(err, streamsql.ErrOtherPlan) {
			return fmt.Errorf("restore the state: %w", err)
		}
		// The code is another: its windows start again, its inputs go on.
		if r.app, err = streamsql.New(r.plan, options); err != nil {
			return err
		}
		r.rows = map[string]uint64{}
		was.at.Delivered = nil
		was.skip(r.doc)
		r.generation, r.changed = uuid.NewString(), true
		return nil
	}
	r.generation = uuid.NewString()
	return r.progress.begin(ctx, beginning{r.generation, r.doc.Run, r.s.clock.Now().UnixMilli()})
}

// acting is a context for what is done as the role of a part.
func (r *running) acting(ctx context.Context, role string) context.Context {
	d := r.doc
	return awswire.Acting(ctx, d.Account, d.Region, servicePrincipal, d.roleOf(role), d.arn())
}

// finish has work stop when what it has made is delivered.
func (r *running) finish() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if !r.finished {
		r.finished = true
		soon := time.Now().Add(stepGrace)
		r.deadline.Store(&soon)
		close(r.finishing)
	}
}

// stepGrace is how long the step under way may go on when an application is to stop. It is taken again at the next
// start, like one that a crash has ended.
const stepGrace = 300 * time.Millisecond

// close ends what open began.
func (r *running) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = r.group.Close(ctx) // what is left over ends with the node
}

func (r *running) notify() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// openReferences loads reference data.
func (r *running) openReferences(ctx context.Context) error {
	for i := range r.doc.References {
		ref := &r.doc.References[i]
		data, err := r.s.object(r.acting(ctx, ref.Role), ref.Bucket, ref.Key, maxReference)
		if err != nil {
			return fmt.Errorf("read the reference data of %s: %w", ref.Table, err)
		}
		bad, err := r.app.SetReference(ref.Table, data)
		if err != nil {
			return fmt.Errorf("take the reference data of %s: %w", ref.Table, err)
		}
		if bad > 0 {
			r.s.tell(r.doc, "WARN", fmt.Sprintf("%d rows of the reference data of %s could not be read. They are left out.", bad, ref.Table))
		}
	}
	return nil
}

// snapshot writes the state down, when all rows before it are delivered.
func (r *running) snapshot(ctx context.Context) error {
	if err := r.drain(ctx); err != nil {
		return err
	}
	at := &positions{Generation: r.generation, Run: r.doc.Run, Inputs: r.inputs(), Rows: r.rows, Delivered: r.delivered()}
	if !r.last.IsZero() {
		at.Time = r.last.UnixMilli()
	}
	size, err := r.progress.snapshot(ctx, at, func(w io.Writer) error { return r.app.Snapshot(w, nil) })
	if err != nil {
		return fmt.Errorf("write the state down: %w", err)
	}
	r.unwritten, r.sinceBytes, r.sinceSteps, r.sinceTime, r.stateBytes = nil, 0, 0, r.s.clock.Now(), size
	return nil
}
