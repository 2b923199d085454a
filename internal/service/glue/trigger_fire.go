package glue

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/cron"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// When triggers fire. A scheduled one that was due while the service was down is left out; that it
// fires is written into its document first, so that it fires once whoever looks at it. A
// conditional one hears of the end of each run of a job and of each crawl, after that is written
// down; when a crash comes between, the end of a run is told again.

// fire starts all that a trigger names. What cannot be started is logged, the rest is started;
// the first error is returned. runs, if not nil, is told of what was started.
func (s *Service) fire(ctx context.Context, sc scope, d *triggerDoc, before []types.Predecessor, flow string, started func(a types.Action, run string)) error {
	var first error
	for _, a := range d.Actions {
		run := ""
		var err error
		if a.JobName != nil {
			run, err = s.startJobRun(ctx, sc, start{
				in: glue.StartJobRunInput{
					JobName: a.JobName, Arguments: a.Arguments, Timeout: a.Timeout, SecurityConfiguration: a.SecurityConfiguration,
					NotificationProperty: a.NotificationProperty,
				},
				trigger: d.Name, workflow: d.Workflow, flow: flow, before: before,
			})
		} else {
			_, err = s.StartCrawler(ctx, &glue.StartCrawlerInput{Name: a.CrawlerName})
		}
		if started != nil {
			started(a, run)
		}
		if err != nil {
			s.logger.Warn("a trigger could not start what it names", "trigger", d.Name, "job", aws.ToString(a.JobName), "crawler", aws.ToString(a.CrawlerName),
				"account", sc.account, "region", sc.region, "error", err)
			if first == nil {
				first = err
			}
		}
	}
	return first
}

// ended is the end of a run of a job or of a crawl.
type ended struct {
	job, run string
	state    types.JobRunState
	crawler  string
	crawl    types.CrawlState
	flow     string // run of a workflow that it belongs to
	workflow string
}

func (e ended) makes(c types.Condition) bool {
	if e.job != "" {
		return aws.ToString(c.JobName) == e.job && c.State == e.state
	}
	return e.crawler != "" && aws.ToString(c.CrawlerName) == e.crawler && c.CrawlState == e.crawl
}

// jobRunEnded tells triggers and workflows of the end of a run.
func (s *Service) jobRunEnded(ctx context.Context, sc scope, d *jobRunDoc) error {
	e := ended{job: d.Job, run: d.ID, state: d.State, flow: d.Flow, workflow: d.Workflow}
	if d.Flow != "" {
		return s.flowMoved(ctx, sc, e)
	}
	return s.conditionsMoved(ctx, sc, e)
}

// crawlEnded does so for a crawl.
func (s *Service) crawlEnded(ctx context.Context, sc scope, name string, status types.LastCrawlStatus) {
	e := ended{crawler: name, crawl: types.CrawlState(status)}
	err := s.conditionsMoved(ctx, sc, e)
	for it, listErr := range s.flows.List(sc.account, sc.region) {
		if listErr != nil {
			err = errors.Join(err, listErr)
			continue
		}
		if f := it.Value; f.Status == types.WorkflowRunStatusRunning && f.waitsFor(name) {
			e.workflow, e.flow = f.Workflow, f.ID
			err = errors.Join(err, s.flowMoved(ctx, sc, e))
		}
	}
	if err != nil {
		s.logger.Error("triggers could not be told of the end of a crawl", "crawler", name, "error", err)
	}
}

// conditionsMoved fires the activated triggers, of no workflow, whose conditions are all (or, with
// ANY, one of them) true now.
func (s *Service) conditionsMoved(ctx context.Context, sc scope, e ended) error {
	all, err := s.triggers.All(sc.account, sc.region)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range all {
		if t.Type != types.TriggerTypeConditional || t.State != types.TriggerStateActivated || t.Workflow != "" {
			continue
		}
		var before []types.Predecessor
		heard, told := false, false
		for _, c := range t.Predicate.Conditions {
			heard = heard || e.makes(c)
		}
		if !heard {
			continue
		}
		d, err := s.triggers.Modify(ctx, func(d *triggerDoc) error {
			before, told = nil, false
			if e.run != "" {
				if told = slices.Contains(d.Told, e.run); told {
					return nil
				}
				d.Told = append(d.Told[max(0, len(d.Told)-keptTold+1):], e.run)
			}
			if d.Seen == nil {
				d.Seen = make(map[int]types.Predecessor)
			}
			for i, c := range d.Predicate.Conditions {
				if e.makes(c) {
					d.Seen[i] = types.Predecessor{JobName: aws.String(e.job), RunId: aws.String(e.run)}
				}
			}
			if d.Predicate.Logical != types.LogicalAny && len(d.Seen) < len(d.Predicate.Conditions) {
				return nil
			}
			for i := range d.Predicate.Conditions {
				if p, ok := d.Seen[i]; ok && aws.ToString(p.RunId) != "" {
					before = append(before, p)
				}
			}
			d.Seen = nil
			return nil
		}, sc.account, sc.region, t.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if d.Seen == nil && !told {
			_ = s.fire(ctx, sc, d, before, "", nil) // it has logged what went wrong
		}
	}
	return errors.Join(errs...)
}

// reschedule lets the schedules of triggers be looked at again.
func (s *Service) reschedule() {
	select {
	case s.runs.changed <- struct{}{}:
	default:
	}
}

// scheduleTriggers fires triggers when they are due, until ctx ends.
func (s *Service) scheduleTriggers(ctx context.Context) error {
	since := s.clock.Now()
	for {
		now := s.clock.Now()
		fired, next := s.dueTriggers(since, now)
		for _, fire := range fired {
			fire(ctx)
		}
		since = now
		// Without any it waits for a change; else no longer than a clock set forward may go unnoticed.
		var due <-chan time.Time
		stop := func() bool { return false }
		if !next.IsZero() {
			timer := s.clock.NewTimer(min(longestWait, next.Sub(now)))
			due, stop = timer.Chan(), timer.Stop
		}
		select {
		case <-due:
		case <-s.runs.changed:
		case <-ctx.Done():
			stop()
			return nil
		}
		stop()
	}
}

// claimFiring writes down that a trigger fires for a time of its schedule; false when another
// process did, or it does not ask for that any more.
func (s *Service) claimFiring(ctx context.Context, sc scope, name string, at, now time.Time) (ours bool, err error) {
	_, err = s.triggers.Modify(ctx, func(d *triggerDoc) error {
		if d.State != types.TriggerStateActivated || !d.Acted.Before(at) {
			return errNotOurs
		}
		d.Acted = now.UTC()
		return nil
	}, sc.account, sc.region, name)
	if errors.Is(err, errNotOurs) || errors.Is(err, state.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// dueTriggers are the scheduled triggers that were due after since and up to now, and when the
// next will be.
func (s *Service) dueTriggers(since, now time.Time) (due []func(ctx context.Context), next time.Time) {
	for it, err := range s.triggers.List() {
		if err != nil {
			s.logger.Error("glue: a trigger is not scheduled", "trigger", it.Key, "error", err)
			continue
		}
		key, d := it.Key, it.Value
		if d.Type != types.TriggerTypeScheduled || d.State != types.TriggerStateActivated {
			continue
		}
		e, err := cron.Parse(d.Schedule)
		if err != nil {
			continue // it was checked when it was taken
		}
		from := since
		for _, t := range []time.Time{d.Since, d.Acted} {
			if t.After(from) {
				from = t
			}
		}
		at := e.Next(from)
		if !at.IsZero() && !at.After(now) {
			sc, moment := scope{key[0], key[1]}, at
			due = append(due, func(ctx context.Context) {
				ctx = awswire.WithCaller(ctx, awswire.Caller{Account: sc.account, Region: sc.region})
				if ours, err := s.claimFiring(ctx, sc, d.Name, moment, now); err != nil {
					s.logger.Error("a trigger that is due could not be fired", "trigger", d.Name, "account", sc.account, "region", sc.region, "error", err)
					return
				} else if !ours {
					return
				}
				if d.Workflow != "" {
					if _, err := s.StartWorkflowRun(ctx, &glue.StartWorkflowRunInput{Name: aws.String(d.Workflow)}); err != nil {
						s.logger.Warn("scheduled workflow could not be started", "workflow", d.Workflow, "account", sc.account, "region", sc.region, "error", err)
					}
					return
				}
				_ = s.fire(ctx, sc, d, nil, "", nil) // it has logged what went wrong
			})
			at = e.Next(now)
		}
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return due, next
}
