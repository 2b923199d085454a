package glue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// The work of runs.
//
// What a crash does: a run that was under way is worked again from its document when the node
// starts. A visual streaming job goes on from its checkpoint. A visual batch job writes the same
// objects under the same names, as they are named by the start of the run. A script cannot be
// told to go on: its run has FAILED, and is retried where the job's MaxRetries says so; a
// streaming script, which keeps its own checkpoint, is started again.

// LogSink takes what runs print. It must not block: who cannot keep up drops, and counts.
type LogSink interface {
	Log(place LogPlace, events []LogEvent)
}

// LogPlace is where lines go: a stream of a group, which are made if need be, as the role.
type LogPlace struct{ Account, Region, Group, Stream, Role, Job string }

// LogEvent is a line of a log.
type LogEvent struct {
	Time    time.Time
	Message string
}

// The log groups of runs.
const (
	logOutput = "/aws-glue/jobs/output"
	logError  = "/aws-glue/jobs/error"
	logV2     = "/aws-glue/jobs/logs-v2"
)

// jobRunning is one run as it is worked.
type jobRunning struct {
	s    *Service
	sc   scope
	d    *jobRunDoc
	args map[string]string
	role string
}

func (s *Service) newJobRunner(store *state.Store) *work.Runner[jobRunDoc] {
	return work.New(work.Documents[jobRunDoc](store, jobRunKind), work.Hooks[jobRunDoc]{
		Runs: func(d *jobRunDoc) bool { return !d.Settled && d.State != types.JobRunStateWaiting },
		Same: func(_, _ *jobRunDoc) bool { return true },
		Run:  s.workJobRun,
	}, work.Options{Name: jobRunKind, Clock: s.clock, Owner: s.cfg.Owner, Events: work.Events{
		Failed: func(key work.Key, _ string, err error, _ int, wait time.Duration) {
			s.logger.Warn("a job run could not be worked", "run", key, "error", err, "wait", wait)
		},
		Undecodable: func(key work.Key, err error) { s.logger.Error("a job run cannot be read", "run", key, "error", err) },
	}})
}

const jobRunKind = "glue.jobrun"

// Why a run's context ends.
var (
	errRunStopped = errors.New("the run was stopped")
	errRunTimeout = errors.New("the run has timed out")
)

// workJobRun works one run until it has ended.
func (s *Service) workJobRun(ctx context.Context, j *work.Job[jobRunDoc]) error {
	sc, name, id := scope{j.Key[0], j.Key[1]}, j.Key[2], j.Key[3]
	resumed := false
	d, err := s.jobRuns.Modify(ctx, func(d *jobRunDoc) error {
		if d.Epoch > j.Epoch {
			return errNotOurs
		}
		d.Epoch = j.Epoch
		resumed = !d.Running.IsZero()
		if d.State == types.JobRunStateStarting {
			now := s.clock.Now().UTC()
			d.State, d.Running, d.Modified = types.JobRunStateRunning, now, now
		}
		return nil
	}, sc.account, sc.region, name, id)
	if errors.Is(err, state.ErrNotFound) || errors.Is(err, errNotOurs) {
		return nil
	}
	if err != nil {
		return err
	}
	if d.ended() {
		return s.followJobRun(ctx, sc, d)
	}
	role := roleARN(sc, aws.ToString(d.Settings.Role))
	run := &jobRunning{s: s, sc: sc, d: d, args: arguments(&d.Settings, d.Arguments), role: role}
	if d.State == types.JobRunStateStopping {
		return s.endJobRun(ctx, run, types.JobRunStateStopped, "")
	}
	working, cancel := context.WithCancelCause(awswire.Acting(ctx, sc.account, sc.region, "glue.amazonaws.com", role, sc.arn("job/"+name)))
	j.Go("watch", func(context.Context) error {
		watchJobRun(working, s.clock, j, d, cancel)
		return nil
	})
	err = work.Contain(func() error { return run.execute(working, resumed) })
	cause := context.Cause(working)
	cancel(nil)
	if ctx.Err() != nil {
		return ctx.Err() // it goes on at the next start
	}
	end, message := types.JobRunStateSucceeded, ""
	switch {
	case errors.Is(cause, errRunStopped):
		end = types.JobRunStateStopped
	case errors.Is(cause, errRunTimeout):
		end, message = types.JobRunStateTimeout, "Job run has exceeded its timeout."
	case err != nil:
		end, message = types.JobRunStateFailed, failureMessage(err)
		group := logError
		if aws.ToString(d.Settings.Command.Name) == commandShell {
			group = shellError
		}
		run.log(group, message)
	}
	s.measureRun(sc, d, name, end)
	return s.endJobRun(ctx, run, end, message)
}

// What CloudWatch is told of runs of jobs that have ended.
var (
	runElapsed   = &metering.Measure{Name: "glue.driver.aggregate.elapsedTime", Unit: "Milliseconds"}
	runCompleted = &metering.Measure{Name: "glue.driver.aggregate.numCompletedTasks", Unit: "Count"}
	runFailed    = &metering.Measure{Name: "glue.driver.aggregate.numFailedTasks", Unit: "Count"}
)

// measureRun tells of a run, by itself and with all of its job.
func (s *Service) measureRun(sc scope, d *jobRunDoc, job string, end types.JobRunState) {
	completed, failed := 0.0, 0.0
	if end == types.JobRunStateSucceeded {
		completed = 1
	} else if end != types.JobRunStateStopped {
		failed = 1
	}
	for _, id := range []string{"ALL", d.ID} {
		s.cfg.Meter.Resource(sc.account+"/"+sc.region, "Glue", "JobName", job, "JobRunId", id, "Type", "count").Add(
			runElapsed.Of(float64(s.clock.Since(d.Running).Milliseconds())), runCompleted.Of(completed), runFailed.Of(failed))
	}
}

// failureMessage is an error as GetJobRun shows it.
func failureMessage(err error) string {
	var p *work.PanicError
	if errors.As(err, &p) {
		return "Internal service error: " + fmt.Sprint(p.Value)
	}
	m := err.Error()
	const most = 4000
	if len(m) > most {
		m = strings.ToValidUTF8(m[:most], "") + "..."
	}
	return m
}

// watchJobRun ends a run that is to stop or whose time is over.
func watchJobRun(ctx context.Context, clock clockwork.Clock, j *work.Job[jobRunDoc], d *jobRunDoc, cancel context.CancelCauseFunc) {
	var over <-chan time.Time
	if t := d.Settings.Timeout; t != nil {
		timer := clock.NewTimer(d.Running.Add(time.Duration(*t) * time.Minute).Sub(clock.Now()))
		defer timer.Stop()
		over = timer.Chan()
	}
	for {
		if j.Document().State == types.JobRunStateStopping {
			cancel(errRunStopped)
			return
		}
		select {
		case <-j.Changed():
		case <-over:
			cancel(errRunTimeout)
			return
		case <-ctx.Done():
			return
		}
	}
}

// endJobRun writes down how a run ended, and does what follows from that.
func (s *Service) endJobRun(ctx context.Context, run *jobRunning, end types.JobRunState, message string) error {
	sc, name, id := run.sc, run.d.Job, run.d.ID
	now := s.clock.Now().UTC()
	d, err := s.jobRuns.Modify(ctx, func(d *jobRunDoc) error {
		if d.Epoch > run.d.Epoch {
			return errNotOurs // another process has taken it over
		}
		d.State, d.Error, d.Completed, d.Modified = end, message, now, now
		return nil
	}, sc.account, sc.region, name, id)
	if errors.Is(err, state.ErrNotFound) || errors.Is(err, errNotOurs) {
		return nil // the job was deleted, or the run is no longer ours
	}
	if err != nil {
		return err
	}
	s.metrics.jobRuns.WithLabelValues(string(end)).Inc()
	if end == types.JobRunStateFailed || end == types.JobRunStateTimeout {
		s.logger.Warn("job run failed", "job", name, "run", id, "account", sc.account, "region", sc.region, "state", end, "error", message)
	}
	return s.followJobRun(ctx, sc, d)
}

// followJobRun does what follows from the end of a run, and notes that it is done: until then it
// is done again after a crash.
func (s *Service) followJobRun(ctx context.Context, sc scope, d *jobRunDoc) error {
	ctx = awswire.WithCaller(ctx, awswire.Caller{Account: sc.account, Region: sc.region})
	if err := s.releaseRun(ctx, sc, d.Job, d.ID); err != nil {
		return err
	}
	s.tellJobRun(sc, d)
	if d.State == types.JobRunStateFailed && d.Attempt < d.Settings.MaxRetries {
		if err := s.retryJobRun(ctx, sc, d); err != nil {
			return err
		}
	} else if err := s.jobRunEnded(ctx, sc, d); err != nil {
		return err
	}
	if err := s.startWaiting(ctx, sc, d.Job); err != nil {
		return err
	}
	_, err := s.jobRuns.Modify(ctx, func(d *jobRunDoc) error {
		d.Settled = true
		return nil
	}, sc.account, sc.region, d.Job, d.ID)
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	return err
}

// retryJobRun starts a run that has failed again, as another run. Its id follows from that of
// the one that failed, so that doing it again does nothing.
func (s *Service) retryJobRun(ctx context.Context, sc scope, was *jobRunDoc) error {
	d := *was
	base, _, _ := strings.Cut(was.ID, "_attempt_")
	d.Attempt++
	d.ID, d.Previous = fmt.Sprintf("%s_attempt_%d", base, d.Attempt), was.ID
	d.Started = s.clock.Now().UTC()
	d.Modified, d.Running, d.Completed = d.Started, time.Time{}, time.Time{}
	d.State, d.Error, d.Settled, d.Epoch = types.JobRunStateStarting, "", false, 0
	job, err := s.job(sc, was.Job)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	claimed, err := s.claimRun(ctx, sc, job, d.ID)
	if err != nil {
		return err
	}
	if !claimed {
		d.State = types.JobRunStateWaiting
	}
	err = s.jobRuns.Create(ctx, &d, sc.account, sc.region, d.Job, d.ID)
	if errors.Is(err, state.ErrExists) {
		return nil
	}
	return err
}

// execute does the work of a run.
func (r *jobRunning) execute(ctx context.Context, resumed bool) error {
	u := &r.d.Settings
	streaming := aws.ToString(u.Command.Name) == commandStreaming
	switch {
	case visual(u) && streaming:
		return r.stream(ctx)
	case visual(u):
		return r.batch(ctx)
	case resumed && !streaming:
		return errors.New("the run was interrupted by a restart of the node")
	}
	return r.script(ctx)
}

// log writes lines of the run into a log group.
func (r *jobRunning) log(group string, lines ...string) {
	sink := r.s.cfg.Logs
	if sink == nil || len(lines) == 0 {
		return
	}
	events := make([]LogEvent, len(lines))
	now := r.s.clock.Now()
	for i, l := range lines {
		events[i] = LogEvent{now, l}
	}
	stream := r.d.ID
	if group == logV2 {
		stream += "-driver"
	}
	sink.Log(LogPlace{r.sc.account, r.sc.region, group, stream, r.role, r.sc.arn("job/" + r.d.Job)}, events)
}
