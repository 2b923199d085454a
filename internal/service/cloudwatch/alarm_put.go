package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metricmath"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// PutMetricAlarm and PutCompositeAlarm: 5,000 alarms of an account in a region, five actions a state.
//
// Actions of alarms are topics of SNS and functions of Lambda; others are refused by name. PromQL, windows of evaluation,
// warm-up and tags in notifications are refused.

const maxAlarms = 5000

// checkAlarmName refuses names that ARNs, keys or pages cannot have.
func checkAlarmName(name string) error {
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			return invalid("The value for parameter AlarmName contains control characters.")
		}
	}
	if strings.TrimSpace(name) == "" {
		return invalid("The parameter AlarmName must have at least one character that is not a blank.")
	}
	return nil
}

// checkActions reports whether all actions are ones that act.
func checkActions(sc scope.Scope, lists ...[]string) error {
	for _, list := range lists {
		for _, a := range list {
			p, ok := arn.Parse(a)
			switch {
			case !ok:
				return invalid("Invalid use of alarm action: %s is not an ARN.", a)
			case p.Service == "sns" && p.Resource != "" && !strings.Contains(p.Resource, ":"):
				if p.Region != sc.Region {
					return invalid("Invalid region %s specified. Only %s is supported.", p.Region, sc.Region)
				}
			case p.Service == "lambda" && strings.HasPrefix(p.Resource, "function:"):
				if p.Region != sc.Region {
					return invalid("Invalid region %s specified. Only %s is supported.", p.Region, sc.Region)
				}
			case p.Service == "kinesis" && strings.HasPrefix(p.Resource, "stream/"): // AWS has no such actions
				if p.Region != sc.Region || p.Account != sc.Account {
					return invalid("Invalid use of alarm action: %s is not a stream of the alarm's account and region.", a)
				}
			default:
				return unsupported("the alarm action " + a + ": actions are topics of SNS, functions of Lambda and streams of Kinesis")
			}
		}
	}
	return nil
}

// PutMetricAlarm makes an alarm of a metric or an expression, or changes one.
func (s *Service) PutMetricAlarm(ctx context.Context, in *cloudwatch.PutMetricAlarmInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricAlarmOutput, error) {
	sc := scope.Of(ctx)
	switch {
	case in.EvaluationCriteria != nil || in.EvaluationInterval != nil:
		return nil, unsupported("alarms of PromQL queries")
	case in.EvaluationWindow != nil:
		return nil, unsupported("evaluation windows of alarms")
	case in.WarmUpConfiguration != nil:
		return nil, unsupported("the warm-up of alarms")
	case in.ActionConfiguration != nil:
		return nil, unsupported("tags in the notifications of alarms")
	}
	w, err := watchOf(sc, in)
	if err != nil {
		return nil, err
	}
	d := &alarmDoc{
		Account: sc.Account, Region: sc.Region, Name: aws.ToString(in.AlarmName), Description: in.AlarmDescription,
		Enabled: in.ActionsEnabled == nil || *in.ActionsEnabled, OKActions: in.OKActions, AlarmActions: in.AlarmActions, NoData: in.InsufficientDataActions, Watch: w,
	}
	return &cloudwatch.PutMetricAlarmOutput{}, s.putAlarm(ctx, d, in.Tags)
}

// PutCompositeAlarm makes an alarm of others, or changes one.
func (s *Service) PutCompositeAlarm(ctx context.Context, in *cloudwatch.PutCompositeAlarmInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutCompositeAlarmOutput, error) {
	sc := scope.Of(ctx)
	if in.ActionConfiguration != nil {
		return nil, unsupported("tags in the notifications of alarms")
	}
	suppressor, err := s.suppressorOf(sc, in)
	if err != nil {
		return nil, err
	}
	r, err := parseRule(aws.ToString(in.AlarmRule))
	if err != nil {
		return nil, invalid("AlarmRule could not be parsed: %v", err)
	}
	name := aws.ToString(in.AlarmName)
	for _, child := range r.alarms(sc) {
		if child == name {
			return nil, invalid("AlarmRule must not refer to the alarm itself: %s", name)
		}
		if err := s.alarmExists(sc.Account, sc.Region, child); errors.Is(err, state.ErrNotFound) {
			return nil, invalid("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", child)
		} else if err != nil {
			return nil, err
		}
	}
	if err := s.acyclic(sc, name, r, 0, map[string]int{}); err != nil {
		return nil, err
	}
	d := &alarmDoc{
		Account: sc.Account, Region: sc.Region, Name: name, Description: in.AlarmDescription,
		Enabled: in.ActionsEnabled == nil || *in.ActionsEnabled, OKActions: in.OKActions, AlarmActions: in.AlarmActions, NoData: in.InsufficientDataActions,
		Rule: aws.ToString(in.AlarmRule), Suppressor: suppressor,
	}
	return &cloudwatch.PutCompositeAlarmOutput{}, s.putAlarm(ctx, d, in.Tags)
}

// acyclic refuses a rule by which an alarm would depend on itself.
// seen has the least room that a child was followed with: a child is followed again only from deeper.
func (s *Service) acyclic(sc scope.Scope, name string, r *rule, depth int, seen map[string]int) error {
	if depth > 20 {
		return invalid("AlarmRule leads through more than 20 levels of composite alarms.")
	}
	for _, child := range r.alarms(sc) {
		d, err := s.alarms.Get(sc.Key(child)...)
		if errors.Is(err, state.ErrNotFound) || err == nil && !d.composite() {
			continue
		}
		if err != nil {
			return err
		}
		if child == name {
			return invalid("AlarmRule leads back to the alarm itself: %s", name)
		}
		if at, ok := seen[child]; ok && at >= depth+1 {
			continue
		}
		seen[child] = depth + 1
		of, err := parseRule(d.Rule)
		if err != nil {
			return err
		}
		if err := s.acyclic(sc, name, of, depth+1, seen); err != nil {
			return err
		}
	}
	return nil
}

// putAlarm stores an alarm that has been checked. One that is there keeps its state, and is evaluated again.
func (s *Service) putAlarm(ctx context.Context, d *alarmDoc, tags []types.Tag) error {
	sc := d.scope()
	if err := checkAlarmName(d.Name); err != nil {
		return err
	}
	if err := checkActions(sc, d.OKActions, d.AlarmActions, d.NoData); err != nil {
		return err
	}
	tagged, err := tagsOf(tags)
	if err != nil {
		return err
	}
	d.Configured = s.now()
	kind := "created"
	for {
		_, err := s.alarms.Modify(ctx, func(now *alarmDoc) error {
			if now.composite() != d.composite() {
				return invalid("An alarm of another type has the name %s.", d.Name)
			}
			if !reflect.DeepEqual(now.Watch, d.Watch) || now.Rule != d.Rule {
				now.Version++
			}
			if !reflect.DeepEqual(now.Suppressor, d.Suppressor) {
				now.Suppressor = d.Suppressor
				now.Nudged++
			}
			now.Description, now.Configured, now.Watch, now.Rule = d.Description, d.Configured, d.Watch, d.Rule
			now.Enabled, now.OKActions, now.AlarmActions, now.NoData = d.Enabled, d.OKActions, d.AlarmActions, d.NoData
			return nil
		}, d.key()...)
		if err == nil {
			kind = "updated"
			break
		}
		if !errors.Is(err, state.ErrNotFound) {
			return err
		}
		n := 0
		for range s.alarms.Keys(sc.Key()...) {
			n++
		}
		if n >= maxAlarms {
			return &types.LimitExceededFault{Message: aws.String(fmt.Sprintf("The maximum limit of %d alarms is exceeded.", maxAlarms))}
		}
		d.State, d.Reason, d.Updated, d.Transitioned = types.StateValueInsufficientData, "Unchecked: Initial alarm creation", d.Configured, d.Configured
		if err = s.alarms.Create(ctx, d, d.key()...); err == nil {
			if err := s.addTags(ctx, tagged, d.arn()); err != nil {
				return err
			}
			break
		}
		if !errors.Is(err, state.ErrExists) {
			return err
		}
	}
	return s.record(d, types.HistoryItemTypeConfigurationUpdate, fmt.Sprintf("Alarm %q %s", d.Name, kind), map[string]any{"version": "1.0", "type": strings.ToUpper(kind[:1]) + kind[1:len(kind)-1]})
}

// watchOf checks what a metric alarm looks at.
func watchOf(sc scope.Scope, in *cloudwatch.PutMetricAlarmInput) (*watchDoc, error) {
	w := &watchDoc{
		Periods: aws.ToInt32(in.EvaluationPeriods), Datapoints: in.DatapointsToAlarm, Threshold: in.Threshold, Compare: in.ComparisonOperator,
		Missing: aws.ToString(in.TreatMissingData), LowSamples: aws.ToString(in.EvaluateLowSampleCountPercentile), ThresholdID: aws.ToString(in.ThresholdMetricId),
	}
	switch {
	case in.EvaluationPeriods == nil:
		return nil, missing("The parameter EvaluationPeriods is required.")
	case in.ComparisonOperator == "":
		return nil, missing("The parameter ComparisonOperator is required.")
	case w.Datapoints != nil && *w.Datapoints > w.Periods:
		return nil, invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
	case w.Missing != "" && !slices.Contains([]string{"breaching", "notBreaching", "ignore", "missing"}, w.Missing):
		return nil, invalid("The value %s for parameter TreatMissingData is not supported: it is one of breaching, notBreaching, ignore and missing.", w.Missing)
	case w.LowSamples != "" && w.LowSamples != "evaluate" && w.LowSamples != "ignore":
		return nil, invalid("The value %s for parameter EvaluateLowSampleCountPercentile is not supported: it is evaluate or ignore.", w.LowSamples)
	case w.LowSamples != "" && in.ExtendedStatistic == nil:
		return nil, invalid("EvaluateLowSampleCountPercentile is for alarms of percentiles.")
	case w.Threshold != nil && (math.IsNaN(*w.Threshold) || math.IsInf(*w.Threshold, 0)):
		return nil, invalid("The value %v for parameter Threshold is invalid.", *w.Threshold)
	}
	banded := w.banded()
	switch {
	case banded && w.ThresholdID == "":
		return nil, invalid("ThresholdMetricId is required for the comparison %s.", w.Compare)
	case !banded && w.ThresholdID != "":
		return nil, invalid("ThresholdMetricId is for comparisons with a band alone.")
	case banded && w.Threshold != nil:
		return nil, invalid("Threshold and ThresholdMetricId are mutually exclusive.")
	case !banded && w.Threshold == nil:
		return nil, missing("The parameter Threshold is required.")
	}
	if len(in.Metrics) > 0 {
		return w.withQueries(sc, in)
	}
	return w.withMetric(sc, in)
}

func (w *watchDoc) banded() bool {
	switch w.Compare {
	case types.ComparisonOperatorLessThanLowerOrGreaterThanUpperThreshold, types.ComparisonOperatorLessThanLowerThreshold, types.ComparisonOperatorGreaterThanUpperThreshold:
		return true
	}
	return false
}

// withMetric is the watch of one metric.
func (w *watchDoc) withMetric(sc scope.Scope, in *cloudwatch.PutMetricAlarmInput) (*watchDoc, error) {
	w.Namespace, w.Metric, w.Dimensions = aws.ToString(in.Namespace), aws.ToString(in.MetricName), in.Dimensions
	w.Statistic, w.ExtendedStatistic, w.Period, w.Unit = string(in.Statistic), aws.ToString(in.ExtendedStatistic), aws.ToInt32(in.Period), string(in.Unit)
	switch {
	case w.Metric == "" || w.Namespace == "":
		return nil, invalid("MetricName and Namespace, or Metrics, are required.")
	case w.ThresholdID != "":
		return nil, invalid("ThresholdMetricId needs Metrics.")
	case (w.Statistic == "") == (w.ExtendedStatistic == ""):
		return nil, invalid("Exactly one of Statistic and ExtendedStatistic must be specified.")
	case in.Period == nil:
		return nil, missing("The parameter Period is required.")
	case !validPeriod(int64(w.Period)):
		return nil, invalid("Period must be 10, 20, 30 or a multiple of 60.")
	}
	if err := w.lasts(int64(w.Period)); err != nil {
		return nil, err
	}
	_, err := w.queries(sc)
	return w, err
}

// lasts refuses ranges that are too long.
func (w *watchDoc) lasts(period int64) error {
	if total, most := int64(w.Periods)*period, int64(7*86400); total > most || period < 3600 && total > 86400 {
		return invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), or more than seven days for periods of an hour and more.")
	}
	return nil
}

// withQueries is the watch of an expression.
func (w *watchDoc) withQueries(sc scope.Scope, in *cloudwatch.PutMetricAlarmInput) (*watchDoc, error) {
	if in.MetricName != nil || in.Namespace != nil || in.Period != nil || in.Statistic != "" || in.ExtendedStatistic != nil || len(in.Dimensions) > 0 || in.Unit != "" {
		return nil, invalid("Metrics list and the parameters of a single metric are mutually exclusive.")
	}
	if len(in.Metrics) > 20 {
		return nil, invalid("The collection Metrics must not have a size greater than 20.")
	}
	w.Queries = in.Metrics
	qs, err := w.queries(sc)
	if err != nil {
		return nil, err
	}
	var watched *query
	returned := 0
	for _, q := range qs.queries {
		if q.returns && q.id != w.ThresholdID {
			watched = q
			returned++
		}
		if q.expr != nil && q.expr.Calls("SEARCH") {
			return nil, invalid("SEARCH is not supported on Metric Alarms")
		}
	}
	if returned != 1 {
		return nil, invalid("Exactly one element of the metrics list should return data.")
	}
	switch qs.kind(watched) {
	case metricmath.Array:
		return nil, invalid("Error in expression '%s': an alarm watches a single time series, and the expression returns an array of time series.", watched.id)
	case metricmath.Scalar:
		return nil, invalid("Error in expression '%s': an alarm watches a single time series, and the expression returns a scalar.", watched.id)
	}
	if w.ThresholdID != "" {
		switch band := qs.byID[w.ThresholdID]; {
		case band == nil:
			return nil, invalid("The ThresholdMetricId %s is not the id of an element of the metrics list.", w.ThresholdID)
		case band.expr == nil || !band.expr.IsBand():
			return nil, invalid("The ThresholdMetricId %s is not the id of an ANOMALY_DETECTION_BAND.", w.ThresholdID)
		}
	}
	return w, w.lasts(qs.step())
}

// queries is the watch as a query set.
func (w *watchDoc) queries(sc scope.Scope) (*querySet, error) {
	if len(w.Queries) > 0 {
		return parseQueries(sc, w.Queries, "Metrics")
	}
	stat := w.Statistic
	if stat == "" {
		stat = w.ExtendedStatistic
	}
	return parseQueries(sc, []types.MetricDataQuery{{
		Id: aws.String("m1"), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: &w.Namespace, MetricName: &w.Metric, Dimensions: w.Dimensions}, Period: &w.Period, Stat: &stat, Unit: types.StandardUnit(w.Unit),
		},
	}}, "Metrics")
}
