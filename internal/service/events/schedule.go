package events

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/engine/cron"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// schedule is when a rule fires by itself: every so often, or by a cron expression.
type schedule struct {
	every time.Duration
	cron  *cron.Expression
}

var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

// parseSchedule reads rate(5 minutes) or cron(0 12 * * ? *).
func parseSchedule(text string) (schedule, error) {
	if strings.HasPrefix(text, "cron(") {
		e, err := cron.Parse(text)
		return schedule{cron: e}, err
	}
	inner, ok := strings.CutPrefix(text, "rate(")
	if ok {
		inner, ok = strings.CutSuffix(inner, ")")
	}
	count, unit, two := strings.Cut(inner, " ")
	n, err := strconv.Atoi(count)
	if err == nil && n > 1 {
		unit, two = strings.CutSuffix(unit, "s") // one minute, two minutes
	}
	each := units[unit]
	if !ok || !two || err != nil || n < 1 || count[0] == '+' || each == 0 || n > int(time.Duration(1<<62)/each) {
		return schedule{}, fmt.Errorf("%q is neither rate(VALUE UNIT) nor cron(FIELDS)", text)
	}
	return schedule{every: time.Duration(n) * each}, nil
}

// next is when a schedule that counts from since is due after t; zero: never again.
func (s schedule) next(since, t time.Time) time.Time {
	if s.cron != nil {
		return s.cron.Next(t)
	}
	if t.Before(since) { // the clock was set back
		return since.Add(-((since.Sub(t) - 1) / s.every * s.every))
	}
	return since.Add((t.Sub(since)/s.every + 1) * s.every)
}

// reschedule sets when the schedule of a rule counts from and is due, where it has changed or was enabled.
func (s *Service) reschedule(before, d *ruleDoc) {
	if d.Schedule == "" {
		d.Since, d.Next = time.Time{}, time.Time{}
		return
	}
	if d.Schedule == before.Schedule && before.enabled() == d.enabled() {
		return
	}
	sch, err := parseSchedule(d.Schedule)
	if err != nil {
		return // it was checked when it was taken
	}
	d.Since = s.now()
	d.Next = sch.next(d.Since, d.Since)
}

// runSchedule fires a rule when it is due. The event goes into the outboxes first, with an id that is that of the time, and
// then the document says that it has: a crash in between has the same event fire again.
func (s *Service) runSchedule(ctx context.Context, j *work.Job[ruleDoc]) error {
	d := j.Document()
	if now, err := s.rules.Get(d.key()...); err == nil && now.ID == d.ID {
		d = now
	}
	sch, err := parseSchedule(d.Schedule)
	if err != nil || d.Next.IsZero() || !d.enabled() {
		return nil //nolint:nilerr // it was checked when it was taken
	}
	due, now := d.Next, s.clock.Now()
	if wait := due.Sub(now); wait > 0 {
		if soon := sch.next(d.Since, now); soon.Before(due) && sch.next(d.Since, soon).Before(due) {
			// The clock was set back, by more than to the time that fired last.
			if err := s.moveNext(ctx, d, due, soon); err != nil {
				return err
			}
			return work.RunAfter(0)
		}
		return work.RunAfter(min(wait, time.Hour))
	}
	e := &event{
		ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(d.ID+due.UTC().Format(time.RFC3339))).String(), Account: d.Account, Region: d.Region,
		Source: "aws.events", DetailType: "Scheduled Event", Time: due, Resources: []string{d.arn()}, Detail: []byte("{}"), ingested: s.now(),
	}
	if err := s.fire(d, e); err != nil {
		return err
	}
	if err := s.moveNext(ctx, d, due, sch.next(d.Since, s.clock.Now())); err != nil {
		return err
	}
	return work.RunAfter(0)
}

// moveNext sets when a rule is due, unless that is no longer what it was.
func (s *Service) moveNext(ctx context.Context, d *ruleDoc, was, next time.Time) error {
	_, err := s.rules.Modify(context.WithoutCancel(ctx), func(now *ruleDoc) error {
		if now.ID != d.ID || !now.Next.Equal(was) {
			return errMoved
		}
		now.Next = next
		return nil
	}, d.key()...)
	if errors.Is(err, errMoved) || errors.Is(err, state.ErrNotFound) {
		return nil
	}
	return err
}

// errMoved ends a change of a rule whose schedule is another by now.
var errMoved = errors.New("events: the schedule is another")
