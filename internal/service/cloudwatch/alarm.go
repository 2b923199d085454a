package cloudwatch

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// alarmDoc is an alarm: of a metric or an expression, or of other alarms (Rule).
type alarmDoc struct {
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	Name        string    `json:"name"`
	Description *string   `json:"description,omitempty"`
	Configured  time.Time `json:"configured"`
	Version     int       `json:"version"` // grows with each change of what is watched

	Nudged int `json:"nudged,omitempty"` // how often it was to be looked at again: its state was set, or an alarm that it names has changed

	Enabled      bool     `json:"enabled"` // its actions
	OKActions    []string `json:"okActions,omitempty"`
	AlarmActions []string `json:"alarmActions,omitempty"`
	NoData       []string `json:"insufficientDataActions,omitempty"`

	Watch *watchDoc `json:"watch,omitempty"`
	Rule  string    `json:"rule,omitempty"`

	Suppressor *suppressorDoc `json:"suppressor,omitempty"`
	Held       *heldDoc       `json:"held,omitempty"` // nil: it acts

	State        types.StateValue `json:"state"`
	Reason       string           `json:"reason"`
	ReasonData   string           `json:"reasonData,omitempty"`
	Updated      time.Time        `json:"updated"`
	Transitioned time.Time        `json:"transitioned"`

	Evaluation types.EvaluationState `json:"evaluation,omitempty"` // empty: it can be evaluated

	Due *dueDoc `json:"due,omitempty"` // what the last transition has still to do
}

// watchDoc is what a metric alarm looks at.
type watchDoc struct {
	Namespace         string                  `json:"namespace,omitempty"`
	Metric            string                  `json:"metric,omitempty"`
	Dimensions        []types.Dimension       `json:"dimensions,omitempty"`
	Statistic         string                  `json:"statistic,omitempty"`
	ExtendedStatistic string                  `json:"extendedStatistic,omitempty"`
	Period            int32                   `json:"period,omitempty"`
	Unit              string                  `json:"unit,omitempty"`
	Queries           []types.MetricDataQuery `json:"queries,omitempty"`
	ThresholdID       string                  `json:"thresholdId,omitempty"`

	Periods    int32                    `json:"periods"`
	Datapoints *int32                   `json:"datapoints,omitempty"`
	Threshold  *float64                 `json:"threshold,omitempty"`
	Compare    types.ComparisonOperator `json:"compare"`
	Missing    string                   `json:"missing,omitempty"`
	LowSamples string                   `json:"lowSamples,omitempty"`
}

// dueDoc is a transition whose actions and history are not done yet. It is written with the new state, so that a crash
// between the two does the rest at the next start.
type dueDoc struct {
	Old        types.StateValue `json:"old"`
	OldReason  string           `json:"oldReason"`
	OldData    string           `json:"oldData,omitempty"`
	OldUpdated time.Time        `json:"oldUpdated"`
	Recorded   bool             `json:"recorded,omitempty"` // in the history
	Actions    []string         `json:"actions,omitempty"`  // that are left
	Tries      int              `json:"tries,omitempty"`    // of the first of them

	Suppressed types.ActionsSuppressedBy `json:"suppressed,omitempty"` // why there are none
	Released   types.ActionsSuppressedBy `json:"released,omitempty"`   // why they come late: it is no transition
}

func (d *alarmDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }
func (d *alarmDoc) key() []string      { return d.scope().Key(d.Name) }
func (d *alarmDoc) arn() string        { return alarmARN(d.scope(), d.Name) }
func (d *alarmDoc) composite() bool    { return d.Rule != "" }

func alarmARN(sc scope.Scope, name string) string { return sc.ARN("cloudwatch", "alarm:"+name) }

func (s *Service) alarmExists(account, region, name string) error {
	_, err := s.alarms.Get(account, region, name)
	return err
}

// actions are those of a state.
func (d *alarmDoc) actions(st types.StateValue) []string {
	switch {
	case !d.Enabled:
		return nil
	case st == types.StateValueOk:
		return d.OKActions
	case st == types.StateValueAlarm:
		return d.AlarmActions
	}
	return d.NoData
}

// become changes the state of a document, and notes what is to be done about it.
func (d *alarmDoc) become(st types.StateValue, reason, data string, now time.Time) {
	if st != d.State {
		due := &dueDoc{Old: d.State, OldReason: d.Reason, OldData: d.ReasonData, OldUpdated: d.Updated, Actions: d.actions(st)}
		if due.Suppressed = d.holds(now); due.Suppressed != "" {
			due.Actions = nil
		}
		d.Due, d.Transitioned = due, now
	}
	d.State, d.Reason, d.ReasonData, d.Updated = st, reason, data, now
}

// transition changes an alarm's state, if it is still configured as of a version.
func (s *Service) transition(ctx context.Context, d *alarmDoc, st types.StateValue, reason, data string) error {
	return s.change(ctx, d, func(now *alarmDoc) { now.become(st, reason, data, s.now()) })
}

// change changes an alarm, if it is still configured as of a version.
func (s *Service) change(ctx context.Context, d *alarmDoc, f func(now *alarmDoc)) error {
	_, err := s.alarms.Modify(ctx, func(now *alarmDoc) error {
		if now.Version != d.Version || now.Due != nil && now.State != d.State {
			return errChanged
		}
		f(now)
		return nil
	}, d.key()...)
	if errors.Is(err, errChanged) || errors.Is(err, state.ErrNotFound) {
		return nil
	}
	return err
}

var errChanged = errors.New("the alarm has changed")

// metricAlarm is a metric alarm as it is shown.
func (d *alarmDoc) metricAlarm() types.MetricAlarm {
	w := d.Watch
	a := types.MetricAlarm{
		AlarmName: &d.Name, AlarmArn: aws.String(d.arn()), AlarmDescription: d.Description, AlarmConfigurationUpdatedTimestamp: &d.Configured,
		ActionsEnabled: &d.Enabled, OKActions: listed0(d.OKActions), AlarmActions: listed0(d.AlarmActions), InsufficientDataActions: listed0(d.NoData),
		StateValue: d.State, StateReason: &d.Reason, StateUpdatedTimestamp: &d.Updated, StateTransitionedTimestamp: &d.Transitioned,
		Dimensions: []types.Dimension{}, EvaluationPeriods: &w.Periods, DatapointsToAlarm: w.Datapoints, Threshold: w.Threshold,
		ComparisonOperator: w.Compare, EvaluationState: d.Evaluation,
	}
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	a.StateReasonData, a.TreatMissingData, a.EvaluateLowSampleCountPercentile = text(d.ReasonData), text(w.Missing), text(w.LowSamples)
	a.ThresholdMetricId = text(w.ThresholdID)
	if len(w.Queries) > 0 {
		a.Metrics = w.Queries
		return a
	}
	a.MetricName, a.Namespace, a.Period = &w.Metric, &w.Namespace, &w.Period
	if w.Dimensions != nil {
		a.Dimensions = w.Dimensions
	}
	a.Statistic, a.ExtendedStatistic, a.Unit = types.Statistic(w.Statistic), text(w.ExtendedStatistic), types.StandardUnit(w.Unit)
	return a
}

// compositeAlarm is a composite alarm as it is shown.
func (d *alarmDoc) compositeAlarm() types.CompositeAlarm {
	a := types.CompositeAlarm{
		AlarmName: &d.Name, AlarmArn: aws.String(d.arn()), AlarmDescription: d.Description, AlarmConfigurationUpdatedTimestamp: &d.Configured,
		ActionsEnabled: &d.Enabled, OKActions: listed0(d.OKActions), AlarmActions: listed0(d.AlarmActions), InsufficientDataActions: listed0(d.NoData),
		StateValue: d.State, StateReason: &d.Reason, StateUpdatedTimestamp: &d.Updated, StateTransitionedTimestamp: &d.Transitioned,
		AlarmRule: &d.Rule,
	}
	if d.ReasonData != "" {
		a.StateReasonData = &d.ReasonData
	}
	if p := d.Suppressor; p != nil {
		a.ActionsSuppressor, a.ActionsSuppressorWaitPeriod, a.ActionsSuppressorExtensionPeriod = &p.Alarm, &p.Wait, &p.Extension
	}
	if h := d.Held; h != nil {
		a.ActionsSuppressedBy, a.ActionsSuppressedReason = h.By, aws.String(h.reason())
	}
	return a
}

// listed0 is a list that is shown even if it is empty.
func listed0(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}
