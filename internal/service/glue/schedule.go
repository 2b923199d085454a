package glue

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/cron"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// StartCrawlerSchedule, StopCrawlerSchedule, UpdateCrawlerSchedule, and the schedules
// themselves.
//
// A crawler that is due while it runs is left out, as is one that was due while the
// service was down. Schedules faster than every five minutes are refused, as by Glue.

type scheduleDoc struct {
	Expression string              `json:"expression"`
	State      types.ScheduleState `json:"state"`
	Since      time.Time           `json:"since"`          // when it was last started: it is not due before
	Acted      time.Time           `json:"acted,omitzero"` // up to when it has been acted on
}

func (d *scheduleDoc) output() *types.Schedule {
	if d == nil {
		return nil
	}
	return &types.Schedule{ScheduleExpression: aws.String(d.Expression), State: d.State}
}

// fastest is the least time between two runs that a schedule may ask for.
const fastest = 5 * time.Minute

// checkSchedule refuses what is not a schedule, and one that is faster than AWS takes.
func checkSchedule(text string) error {
	e, err := cron.Parse(text)
	if err != nil {
		return invalidInput("Invalid schedule expression: %s", text)
	}
	at := e.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
	for range 60 {
		next := e.Next(at)
		if !next.IsZero() && next.Sub(at) < fastest {
			return invalidInput("Schedule expression %s is faster than every 5 minutes.", text)
		}
		at = next
	}
	return nil
}

// setSchedule takes a new schedule; an empty one takes it away.
func (d *crawlerDoc) setSchedule(text string, now time.Time) error {
	if strings.TrimSpace(text) == "" {
		d.Schedule = nil
		return nil
	}
	if err := checkSchedule(text); err != nil {
		return err
	}
	if d.Schedule != nil && d.Schedule.Expression == text {
		return nil
	}
	d.Schedule = &scheduleDoc{Expression: text, State: types.ScheduleStateScheduled, Since: now}
	return nil
}

// modifyCrawler changes a crawler and lets its schedule be looked at again.
func (s *Service) modifyCrawler(ctx context.Context, name string, f func(*crawlerDoc) error) error {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return err
	}
	_, err = s.crawlers.Modify(ctx, f, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return crawlerNotFound(name)
	}
	if err != nil {
		return err
	}
	s.runs.schedules.Refresh(sc.account, sc.region, name)
	return nil
}

func noSchedule(name string) error {
	return &types.NoScheduleException{Message: aws.String("Crawler with name " + name + " has no schedule")}
}

// StartCrawlerSchedule makes a crawler run by its schedule again.
func (s *Service) StartCrawlerSchedule(ctx context.Context, in *glue.StartCrawlerScheduleInput, _ ...func(*glue.Options)) (*glue.StartCrawlerScheduleOutput, error) {
	name := aws.ToString(in.CrawlerName)
	err := s.modifyCrawler(ctx, name, func(d *crawlerDoc) error {
		switch {
		case d.Schedule == nil:
			return noSchedule(name)
		case d.Schedule.State == types.ScheduleStateScheduled:
			return &types.SchedulerRunningException{Message: aws.String("Crawler schedule with name " + name + " is already running")}
		}
		d.Schedule.State, d.Schedule.Since = types.ScheduleStateScheduled, s.clock.Now().UTC()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &glue.StartCrawlerScheduleOutput{}, nil
}

// StopCrawlerSchedule keeps the schedule but does not run by it. A run under way goes on.
func (s *Service) StopCrawlerSchedule(ctx context.Context, in *glue.StopCrawlerScheduleInput, _ ...func(*glue.Options)) (*glue.StopCrawlerScheduleOutput, error) {
	name := aws.ToString(in.CrawlerName)
	err := s.modifyCrawler(ctx, name, func(d *crawlerDoc) error {
		if d.Schedule == nil || d.Schedule.State != types.ScheduleStateScheduled {
			return &types.SchedulerNotRunningException{Message: aws.String("Crawler schedule with name " + name + " is not running")}
		}
		d.Schedule.State = types.ScheduleStateNotScheduled
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &glue.StopCrawlerScheduleOutput{}, nil
}

// UpdateCrawlerSchedule replaces the schedule; an empty one takes it away.
func (s *Service) UpdateCrawlerSchedule(ctx context.Context, in *glue.UpdateCrawlerScheduleInput, _ ...func(*glue.Options)) (*glue.UpdateCrawlerScheduleOutput, error) {
	err := s.modifyCrawler(ctx, aws.ToString(in.CrawlerName), func(d *crawlerDoc) error {
		return d.setSchedule(aws.ToString(in.Schedule), s.clock.Now().UTC())
	})
	if err != nil {
		return nil, err
	}
	return &glue.UpdateCrawlerScheduleOutput{}, nil
}

// runSchedule is the work of a crawler with a schedule: it starts a run when one is due, and
// is called again at the next time. That a time has been acted on is in the document, so
// that it is one run wherever it is looked at.
func (s *Service) runSchedule(ctx context.Context, j *work.Job[crawlerDoc]) error {
	d, now := j.Document(), s.clock.Now()
	e, err := cron.Parse(d.Schedule.Expression)
	if err != nil {
		return nil // it was checked when it was taken
	}
	from := s.runs.began
	for _, t := range []time.Time{d.Schedule.Since, d.Schedule.Acted} {
		if t.After(from) {
			from = t
		}
	}
	at := e.Next(from)
	if !at.IsZero() && !at.After(now) {
		_, err := s.crawlers.Modify(ctx, func(d *crawlerDoc) error {
			if d.Schedule == nil || d.Schedule.State != types.ScheduleStateScheduled || !d.Schedule.Acted.Before(at) {
				return errNotOurs
			}
			d.Schedule.Acted = now.UTC()
			if d.State == types.CrawlerStateReady {
				d.begin(now)
			}
			return nil
		}, j.Key...)
		if err != nil && !errors.Is(err, errNotOurs) && !errors.Is(err, state.ErrNotFound) {
			return err
		}
		s.runs.crawls.Refresh(j.Key...)
		s.runs.schedules.Refresh(j.Key...)
		at = e.Next(now)
	}
	if at.IsZero() {
		return nil
	}
	return work.RunAfter(min(at.Sub(now), longestWait))
}

// longestWait bounds how far a clock that is set forward goes unnoticed.
const longestWait = time.Hour
