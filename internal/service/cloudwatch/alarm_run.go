package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/engine/metricstore"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// The work of alarms.
//
// A metric alarm is looked at each minute, three seconds after it is full, or each ten seconds if its period is shorter
// than a minute; a composite alarm when one that it names has changed. All are looked at when the node starts.
//
// What a crash does: a new state and what is to be done about it (dueDoc) are one write. What of it is not done when the
// node is killed is done at the next start: an action may be done twice, and is never left out. An alarm whose time was
// while the node was down is looked at when it starts.

const (
	lateBy  = 3 * time.Second // what is given to the points of a minute to arrive
	fastBy  = time.Second     // and of ten seconds
	spared  = 2               // periods that an evaluation range has besides those of the alarm
	retries = 3               // of an action
)

func (s *Service) newAlarmRunner() *work.Runner[alarmDoc] {
	return work.New(work.Documents[alarmDoc](s.cfg.State, "cloudwatch.alarm"), work.Hooks[alarmDoc]{
		Same: func(was, is *alarmDoc) bool { return was.Version == is.Version && was.Nudged == is.Nudged },
		Run:  s.watch,
	}, work.Options{Name: "cloudwatch.alarm", Clock: s.clock, Owner: s.cfg.Owner, Events: work.Events{
		Failed: func(key work.Key, _ string, err error, _ int, _ time.Duration) {
			s.log.Error("an alarm was not evaluated", "alarm", key.String(), "error", err)
		},
		Undecodable: func(key work.Key, err error) {
			s.log.Error("an alarm cannot be read", "alarm", key.String(), "error", err)
		},
	}})
}

// watch looks at an alarm once, and says when to look again.
func (s *Service) watch(ctx context.Context, j *work.Job[alarmDoc]) error {
	d, err := s.finishTransition(ctx, j.Key)
	if d == nil || err != nil {
		return err
	}
	if d.composite() {
		return s.watchRule(ctx, d, j.Key)
	}
	w := d.Watch
	grid, late := time.Minute, lateBy
	qs, err := w.queries(d.scope())
	if err != nil {
		return err // it was checked when it came
	}
	if qs.step() < 60 {
		grid, late = 10*time.Second, fastBy
	}
	end := s.clock.Now().Add(-late).Truncate(grid)
	mark := fmt.Sprint(d.Version, end.Unix(), d.Configured.UnixNano())
	if last, _ := s.looked.Load(d.arn()); last != mark {
		if err := s.judgeMetric(ctx, d, qs, end); err != nil {
			return err
		}
		s.looked.Store(d.arn(), mark)
		if _, err := s.finishTransition(ctx, j.Key); err != nil {
			return err
		}
	}
	return work.RunAfter(end.Add(grid + late).Sub(s.clock.Now()))
}

// watchRule looks at a composite alarm: at its suppressor before, so that it acts as that says, and after.
func (s *Service) watchRule(ctx context.Context, d *alarmDoc, key work.Key) error {
	if _, err := s.suppress(ctx, d); err != nil {
		return err
	}
	d, err := s.finishTransition(ctx, key)
	if d == nil || err != nil {
		return err
	}
	if err := s.judgeRule(ctx, d); err != nil {
		return err
	}
	d, err = s.finishTransition(ctx, key)
	if d == nil || err != nil {
		return err
	}
	again, err := s.suppress(ctx, d)
	if err != nil {
		return err
	}
	if d, err = s.finishTransition(ctx, key); d == nil || err != nil || again == 0 {
		return err
	}
	return work.RunAfter(again)
}

// judgeMetric looks at what an alarm's metric says up to a time.
func (s *Service) judgeMetric(ctx context.Context, d *alarmDoc, qs *querySet, end time.Time) error {
	w := d.Watch
	wanted := int(w.Periods)
	if w.Datapoints != nil {
		wanted = int(*w.Datapoints)
	}
	slots, period, err := s.slots(ctx, w, qs, end)
	if isMistake(err) {
		return s.mistaken(ctx, d, err)
	}
	if err != nil || slots == nil {
		return err
	}
	if d.Evaluation != "" {
		if err := s.evaluates(ctx, d); err != nil {
			return err
		}
	}
	j := judge(slots, int(w.Periods), wanted, w.Missing)
	if j.state == "" || j.state == d.State {
		return nil
	}
	data := map[string]any{"version": "1.0", "queryDate": stamp(s.now()), "period": period}
	if w.Statistic != "" || w.ExtendedStatistic != "" {
		data["statistic"] = w.Statistic + w.ExtendedStatistic
	}
	if w.Unit != "" {
		data["unit"] = w.Unit
	}
	if w.Threshold != nil {
		data["threshold"] = *w.Threshold
	}
	recent, evaluated := []float64{}, []map[string]any{}
	for _, x := range j.used {
		recent = append(recent, x.value)
		evaluated = append(evaluated, map[string]any{"timestamp": stamp(x.at), "value": x.value})
	}
	if len(j.used) == 0 && j.state != types.StateValueInsufficientData { // what is missing was judged
		for _, x := range slots[max(0, len(slots)-int(w.Periods)):] {
			evaluated = append(evaluated, map[string]any{"timestamp": stamp(x.at)})
		}
	}
	if len(j.used) > 0 {
		data["startDate"] = stamp(j.used[0].at)
	}
	slices.Reverse(evaluated)
	data["recentDatapoints"], data["evaluatedDatapoints"] = recent, evaluated
	text, err := plain(data)
	if err != nil {
		return err
	}
	if len(text) > 4000 {
		delete(data, "evaluatedDatapoints")
		if text, err = plain(data); err != nil {
			return err
		}
	}
	return s.transition(ctx, d, j.state, clip(j.reason(w, wanted), 1023), clip(string(text), 4000))
}

// mistaken is what an alarm becomes whose expressions cannot be evaluated, by no fault of the node.
func (s *Service) mistaken(ctx context.Context, d *alarmDoc, cause error) error {
	reason := clip("The alarm could not be evaluated: "+cause.Error(), 1023)
	if d.Evaluation == types.EvaluationStateEvaluationError && d.Reason == reason {
		return nil
	}
	return s.change(ctx, d, func(now *alarmDoc) {
		now.become(types.StateValueInsufficientData, reason, "", s.now())
		now.Evaluation = types.EvaluationStateEvaluationError
	})
}

// evaluates notes that an alarm can be evaluated again.
func (s *Service) evaluates(ctx context.Context, d *alarmDoc) error {
	return s.change(ctx, d, func(now *alarmDoc) { now.Evaluation = "" })
}

// slots are the periods of an alarm's evaluation range up to a time; nil, if there are too few samples to say.
func (s *Service) slots(ctx context.Context, w *watchDoc, qs *querySet, end time.Time) (slots []slot, period int64, err error) {
	var watched *query
	for _, q := range qs.queries {
		if q.returns && q.id != w.ThresholdID {
			watched = q
		}
	}
	if period = watched.period; period == 0 {
		period = qs.step()
	}
	n := int64(w.Periods) + spared
	start := end.Unix() - n*period
	e := s.evaluation(qs, func(p int64) metricstore.Range { return metricstore.Range{Start: start, End: end.Unix(), Period: p} })
	v, err := e.value(ctx, watched)
	if err != nil {
		return nil, period, err
	}
	if v.Scalar || v.Many { // an IF may be a scalar by its data, and alarms of old documents an array
		return nil, period, invalid("Error in expression '%s': an alarm watches a single time series.", watched.id)
	}
	slots = make([]slot, n)
	for i := range slots {
		slots[i].at = time.Unix(start+int64(i)*period, 0).UTC()
	}
	for i, at := range v.Series[0].Times {
		if k := (at - start) / period; k >= 0 && k < n {
			slots[k].value, slots[k].has = v.Series[0].Values[i], true
		}
	}
	if w.ThresholdID != "" {
		band, err := e.value(ctx, qs.byID[w.ThresholdID])
		if err != nil {
			return nil, period, err
		}
		if len(band.Series) != 2 {
			return nil, period, invalid("The ThresholdMetricId %s is not an ANOMALY_DETECTION_BAND.", w.ThresholdID)
		}
		s.compareBand(w, slots, band.Series, start, period)
		return slots, period, nil
	}
	for i := range slots {
		slots[i].breaches = slots[i].has && crosses(w.Compare, slots[i].value, *w.Threshold)
	}
	if w.LowSamples == "ignore" && w.ExtendedStatistic != "" {
		few, err := e.tooFew(ctx, watched)
		if err != nil || few {
			return nil, period, err
		}
	}
	return slots, period, nil
}

func crosses(op types.ComparisonOperator, v, threshold float64) bool {
	switch op {
	case types.ComparisonOperatorGreaterThanThreshold:
		return v > threshold
	case types.ComparisonOperatorGreaterThanOrEqualToThreshold:
		return v >= threshold
	case types.ComparisonOperatorLessThanThreshold:
		return v < threshold
	}
	return v <= threshold
}

// tooFew reports whether the last point of a percentile has too few samples to mean anything.
func (e *evaluation) tooFew(ctx context.Context, q *query) (bool, error) {
	p, ok := q.statistic.Percentile()
	if !ok {
		return false, nil
	}
	need := 10 / max(min(p, 1-p), 0.001)
	counts, err := metricstore.ParseStatistic("SampleCount")
	if err != nil {
		return false, err
	}
	s, err := e.series(ctx, q.metric, counts, e.rangeOf(q.period), q.unit)
	if err != nil || len(s.Values) == 0 {
		return false, err
	}
	return s.Values[len(s.Values)-1] < need, nil
}

// judgeRule looks at what the rule of a composite alarm says, if an alarm that it names has changed since it did.
func (s *Service) judgeRule(ctx context.Context, d *alarmDoc) error {
	r, err := parseRule(d.Rule)
	if err != nil {
		return err
	}
	var mark strings.Builder
	fmt.Fprint(&mark, d.Version, d.Configured.UnixNano())
	states := map[string]types.StateValue{}
	for _, name := range r.alarms(d.scope()) {
		child, err := s.alarms.Get(d.Account, d.Region, name)
		if errors.Is(err, state.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		states[name] = child.State
		fmt.Fprintf(&mark, "\x00%s %s %d", name, child.State, child.Transitioned.UnixNano())
	}
	if last, _ := s.looked.Load(d.arn()); last == mark.String() {
		return nil
	}
	st := types.StateValueOk
	if r.holds(d.scope(), func(name string) types.StateValue { return states[name] }) {
		st = types.StateValueAlarm
	}
	if st != d.State {
		var why []string
		triggers := []map[string]any{}
		for _, name := range r.alarms(d.scope()) {
			if child, err := s.alarms.Get(d.Account, d.Region, name); err == nil {
				why = append(why, fmt.Sprintf("%s transitioned to %s at %s", child.arn(), child.State, child.Transitioned.UTC().Format("Monday 02 January, 2006 15:04:05 MST")))
				triggers = append(triggers, map[string]any{"arn": child.arn(), "state": map[string]any{"value": child.State, "timestamp": stamp(child.Transitioned)}})
			}
		}
		if len(triggers) > 10 {
			triggers = triggers[:10]
		}
		data, err := json.Marshal(map[string]any{"triggeringAlarms": triggers})
		if err != nil {
			return err
		}
		reason := "The rule of the alarm changed."
		if len(why) > 0 {
			reason = strings.Join(why, ", ")
		}
		if err := s.transition(ctx, d, st, clip(reason, 1023), clip(string(data), 4000)); err != nil {
			return err
		}
	}
	s.looked.Store(d.arn(), mark.String())
	return nil
}

// finishTransition does what the last transition of an alarm has left to do, and returns the alarm; nil if it has gone.
func (s *Service) finishTransition(ctx context.Context, key work.Key) (*alarmDoc, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		d, err := s.alarms.Get(key...)
		if errors.Is(err, state.ErrNotFound) {
			return nil, nil
		}
		if err != nil || d.Due == nil {
			return d, err
		}
		due := d.Due
		var next func(*dueDoc) *dueDoc
		switch {
		case !due.Recorded:
			if err := s.recordTransition(d); err != nil {
				return nil, err
			}
			if err := s.tell(d); err != nil {
				return nil, fmt.Errorf("put the event of the transition: %w", err)
			}
			if err := s.nudgeParents(ctx, d); err != nil {
				return nil, err
			}
			next = func(x *dueDoc) *dueDoc { x.Recorded = true; return x }
		case len(due.Actions) > 0:
			action := due.Actions[0]
			failed := s.act(ctx, d, action)
			if failed != nil && ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if failed != nil && due.Tries+1 < retries && !permanent(failed) {
				next = func(x *dueDoc) *dueDoc { x.Tries++; return x }
				select {
				case <-s.clock.After(time.Second << due.Tries):
				case <-ctx.Done():
					return nil, ctx.Err()
				}
				break
			}
			if err := s.recordAction(d, action, failed); err != nil {
				return nil, err
			}
			next = func(x *dueDoc) *dueDoc { x.Actions, x.Tries = x.Actions[1:], 0; return x }
		default:
			if s.cfg.Webhook != nil && due.Released == "" { // it was told of the transition
				if err := s.cfg.Webhook(ctx, d.scope(), s.notification(d)); err != nil {
					s.log.Error("an alarm's webhook failed", "alarm", d.arn(), "error", err)
				}
			}
			next = func(*dueDoc) *dueDoc { return nil }
		}
		// What was done is noted even if the alarm is to be looked at again meanwhile: it would be done twice.
		_, err = s.alarms.Modify(context.WithoutCancel(ctx), func(now *alarmDoc) error {
			if now.Due == nil || !now.Transitioned.Equal(d.Transitioned) || now.State != d.State || now.Due.Old != due.Old || len(now.Due.Actions) != len(due.Actions) {
				return errChanged // by a later transition
			}
			now.Due = next(now.Due)
			return nil
		}, key...)
		if err != nil && !errors.Is(err, errChanged) && !errors.Is(err, state.ErrNotFound) {
			return nil, err
		}
	}
}

// nudgeParents has composite alarms looked at that name an alarm: by their documents, so that one that is being looked at
// is looked at again, wherever that is.
func (s *Service) nudgeParents(ctx context.Context, d *alarmDoc) error {
	for it, err := range s.alarms.List(d.Account, d.Region) {
		if err != nil { // nor do others wait for it
			s.log.Error("an alarm cannot be read, and does not follow another", "alarm", strings.Join(it.Key, "/"), "of", d.arn(), "error", err)
			continue
		}
		if !it.Value.composite() {
			continue
		}
		r, err := parseRule(it.Value.Rule)
		if err != nil {
			s.log.Error("the rule of a composite alarm cannot be read", "alarm", it.Value.arn(), "error", err)
			continue
		}
		if p := it.Value.Suppressor; slices.Contains(r.alarms(d.scope()), d.Name) || p != nil && p.name(d.scope()) == d.Name {
			_, err = s.alarms.Modify(ctx, func(p *alarmDoc) error { p.Nudged++; return nil }, it.Value.key()...)
			if err != nil && !errors.Is(err, state.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// stamp is a time as CloudWatch has it in JSON.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

func clip(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "")
	}
	return s
}
