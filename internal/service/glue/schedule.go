package glue

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/cron"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// StartCrawlerSchedule, StopCrawlerSchedule, UpdateCrawlerSchedule, and the schedules
// themselves.
//
// A crawler that is due while it runs is left out, as is one that was due while the
// service was down. Schedules faster than every five minutes are refused, as by Glue.

type scheduleDoc struct {
	Expression string              `json:"expression"`
	State      types.ScheduleState `json:"state"`
	Since      time.Time           `json:"since"` // when it was last started: it is not due before
}

func (d *scheduleDoc) output() *types.Schedule {
	if d == nil {
		return nil
	}
	return &types.Schedule{ScheduleExpression: aws.String(d.Expression), State: d.State}
}

// fastest is the least time between two runs that a schedule may ask for.
const fastest = 5 * time.Minute

func parseSchedule(text string) (*cron.Expression, error) {
	e, err := cron.Parse(text)
	if err != nil {
		return nil, invalidInput("Invalid schedule expression: %s", text)
	}
	at := e.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
	for range 60 {
		next := e.Next(at)
		if !next.IsZero() && next.Sub(at) < fastest {
			return nil, invalidInput("Schedule expression %s is faster than every 5 minutes.", text)
		}
		at = next
	}
	return e, nil
}

// setSchedule takes a new schedule; an empty one takes it away.
func (d *crawlerDoc) setSchedule(text string, now time.Time) error {
	if strings.TrimSpace(text) == "" {
		d.Schedule = nil
		return nil
	}
	if _, err := parseSchedule(text); err != nil {
		return err
	}
	if d.Schedule != nil && d.Schedule.Expression == text {
		return nil
	}
	d.Schedule = &scheduleDoc{Expression: text, State: types.ScheduleStateScheduled, Since: now}
	return nil
}

// modifyCrawler changes a crawler and lets the schedules be looked at again.
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
	s.reschedule()
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

// reschedule lets the loop look at the schedules anew.
func (s *Service) reschedule() {
	select {
	case s.runs.changed <- struct{}{}:
	default:
	}
}

// schedule starts crawlers and triggers when they are due, until ctx ends.
func (s *Service) schedule(ctx context.Context) {
	since := s.clock.Now()
	for {
		now := s.clock.Now()
		due, next := s.dueCrawlers(since, now)
		for _, d := range due {
			caller := awswire.WithCaller(ctx, awswire.Caller{Account: d.sc.account, Region: d.sc.region})
			_, err := s.StartCrawler(caller, &glue.StartCrawlerInput{Name: aws.String(d.name)})
			var running *types.CrawlerRunningException
			if err != nil && !errors.As(err, &running) {
				s.logger.Warn("scheduled crawl could not be started", "crawler", d.name, "account", d.sc.account, "region", d.sc.region, "error", err)
			}
		}
		fired, nextTrigger := s.dueTriggers(since, now)
		for _, fire := range fired {
			fire(ctx)
		}
		if next.IsZero() || !nextTrigger.IsZero() && nextTrigger.Before(next) {
			next = nextTrigger
		}
		since = now
		wait := longestWait
		if !next.IsZero() {
			wait = min(wait, next.Sub(now))
		}
		timer := s.clock.NewTimer(wait)
		select {
		case <-timer.Chan():
		case <-s.runs.changed:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// longestWait bounds how far a clock that is set forward goes unnoticed.
const longestWait = time.Hour

type dueCrawler struct {
	sc   scope
	name string
}

// dueCrawlers are those that were due after since and up to now, and when the next will be.
func (s *Service) dueCrawlers(since, now time.Time) (due []dueCrawler, next time.Time) {
	for it, err := range s.crawlers.List() {
		if err != nil {
			s.logger.Error("glue: a crawler is not scheduled", "crawler", it.Key, "error", err)
			continue
		}
		key, d := it.Key, it.Value
		if d.Schedule == nil || d.Schedule.State != types.ScheduleStateScheduled {
			continue
		}
		e, err := cron.Parse(d.Schedule.Expression)
		if err != nil {
			continue // it was checked when it was taken
		}
		from := since
		if d.Schedule.Since.After(from) {
			from = d.Schedule.Since
		}
		at := e.Next(from)
		if !at.IsZero() && !at.After(now) {
			due = append(due, dueCrawler{scope{key[0], key[1]}, d.Name})
			at = e.Next(now)
		}
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return due, next
}
