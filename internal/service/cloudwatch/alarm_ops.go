package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// DescribeAlarms lists alarms by name; without types, metric alarms.
func (s *Service) DescribeAlarms(ctx context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	sc := scope.Of(ctx)
	switch {
	case len(in.AlarmNames) > 0 && in.AlarmNamePrefix != nil:
		return nil, invalid("The parameters AlarmNames and AlarmNamePrefix are mutually exclusive.")
	case in.ChildrenOfAlarmName != nil && in.ParentsOfAlarmName != nil:
		return nil, invalid("The parameters ChildrenOfAlarmName and ParentsOfAlarmName are mutually exclusive.")
	}
	all, err := s.alarms.All(sc.Key()...)
	if err != nil {
		return nil, err
	}
	kinds := typesOf(in.AlarmTypes)
	var related map[string]bool
	if name := aws.ToString(in.ChildrenOfAlarmName) + aws.ToString(in.ParentsOfAlarmName); name != "" {
		if related, err = s.related(sc, all, name, in.ChildrenOfAlarmName != nil); err != nil {
			return nil, err
		}
		if len(in.AlarmTypes) == 0 {
			kinds[types.AlarmTypeCompositeAlarm] = true
		}
	}
	all = slices.DeleteFunc(slices.Clone(all), func(d *alarmDoc) bool {
		kind := types.AlarmTypeMetricAlarm
		if d.composite() {
			kind = types.AlarmTypeCompositeAlarm
		}
		return len(in.AlarmNames) > 0 && !slices.Contains(in.AlarmNames, d.Name) || !strings.HasPrefix(d.Name, aws.ToString(in.AlarmNamePrefix)) ||
			in.StateValue != "" && d.State != in.StateValue || in.ActionPrefix != nil && !matchesAction(d, *in.ActionPrefix) || !kinds[kind] || related != nil && !related[d.Name]
	})
	name := func(d *alarmDoc) string { return d.Name }
	slices.SortFunc(all, func(a, b *alarmDoc) int { return strings.Compare(a.Name, b.Name) })
	all, next, err := page.Of(all, name, page.Request{Token: in.NextToken, Max: in.MaxRecords, Limit: 100})
	if err != nil {
		return nil, badToken()
	}
	out := &cloudwatch.DescribeAlarmsOutput{MetricAlarms: []types.MetricAlarm{}, CompositeAlarms: []types.CompositeAlarm{}, NextToken: next}
	for _, d := range all {
		if d.composite() {
			out.CompositeAlarms = append(out.CompositeAlarms, d.compositeAlarm())
		} else {
			out.MetricAlarms = append(out.MetricAlarms, d.metricAlarm())
		}
	}
	return out, nil
}

// related are the names of the alarms that a composite alarm names, or of those that name an alarm.
func (s *Service) related(sc scope.Scope, all []*alarmDoc, name string, children bool) (map[string]bool, error) {
	out := map[string]bool{}
	for _, d := range all {
		if !d.composite() {
			continue
		}
		r, err := parseRule(d.Rule)
		if err != nil {
			return nil, err
		}
		names := r.alarms(sc)
		switch {
		case children && d.Name == name:
			for _, n := range names {
				out[n] = true
			}
		case !children && slices.Contains(names, name):
			out[d.Name] = true
		}
	}
	return out, nil
}

// DescribeAlarmsForMetric lists the alarms of one metric.
func (s *Service) DescribeAlarmsForMetric(ctx context.Context, in *cloudwatch.DescribeAlarmsForMetricInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsForMetricOutput, error) {
	wanted, err := dimensions(in.Dimensions, "Dimensions")
	if err != nil {
		return nil, err
	}
	all, err := s.alarms.All(scope.Of(ctx).Key()...)
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.DescribeAlarmsForMetricOutput{MetricAlarms: []types.MetricAlarm{}}
	for _, d := range all {
		if d.composite() {
			continue
		}
		qs, err := d.Watch.queries(d.scope())
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(qs.queries, func(q *query) bool {
			return q.metric != nil && q.metric.Namespace == aws.ToString(in.Namespace) && q.metric.Name == aws.ToString(in.MetricName) && slices.Equal(q.metric.Dimensions, wanted) &&
				(in.Statistic == "" || q.statistic.String() == string(in.Statistic)) && (in.ExtendedStatistic == nil || q.statistic.String() == *in.ExtendedStatistic) &&
				(in.Period == nil || q.period == int64(*in.Period)) && (in.Unit == "" || d.Watch.Unit == string(in.Unit))
		}) {
			out.MetricAlarms = append(out.MetricAlarms, d.metricAlarm())
		}
	}
	return out, nil
}

// DeleteAlarms removes alarms. Names of which there is none are passed over, unless there is none at all of them; one that a composite
// alarm names is not removed, and then none is.
func (s *Service) DeleteAlarms(ctx context.Context, in *cloudwatch.DeleteAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAlarmsOutput, error) {
	sc := scope.Of(ctx)
	all, err := s.alarms.All(sc.Key()...)
	if err != nil {
		return nil, err
	}
	var gone []*alarmDoc
	for _, name := range in.AlarmNames {
		d, err := s.alarms.Get(sc.Key(name)...)
		if errors.Is(err, state.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		parents, err := s.related(sc, all, name, false)
		if err != nil {
			return nil, err
		}
		for p := range parents {
			if !slices.Contains(in.AlarmNames, p) {
				return nil, invalid("Cannot delete %s as there are composite alarm(s) depending on it: %s", name, p)
			}
		}
		gone = append(gone, d)
	}
	if len(gone) == 0 && len(in.AlarmNames) > 0 {
		return nil, &types.ResourceNotFound{Message: aws.String("Unknown alarms: " + strings.Join(in.AlarmNames, ", "))}
	}
	for _, d := range gone {
		if err := s.alarms.Delete(ctx, d.key()...); err != nil && !errors.Is(err, state.ErrNotFound) {
			return nil, err
		}
		s.looked.Delete(d.arn())
		if err := s.tags.Delete(ctx, d.arn()); err != nil {
			return nil, err
		}
		if err := s.nudgeParents(ctx, d); err != nil {
			return nil, err
		}
		if err := s.record(d, types.HistoryItemTypeConfigurationUpdate, "Alarm \""+d.Name+"\" deleted", map[string]any{"version": "1.0", "type": "Delete"}); err != nil {
			return nil, err
		}
	}
	return &cloudwatch.DeleteAlarmsOutput{}, nil
}

// SetAlarmState sets a state until the alarm is looked at the next time.
func (s *Service) SetAlarmState(ctx context.Context, in *cloudwatch.SetAlarmStateInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.SetAlarmStateOutput, error) {
	data := aws.ToString(in.StateReasonData)
	if data != "" && !json.Valid([]byte(data)) {
		return nil, &types.InvalidFormatFault{Message: aws.String("The parameter StateReasonData is not JSON.")}
	}
	_, err := s.alarms.Modify(ctx, func(d *alarmDoc) error {
		d.become(in.StateValue, aws.ToString(in.StateReason), data, s.now())
		d.Nudged++ // it is looked at again for what is to be done
		return nil
	}, scope.Of(ctx).Key(aws.ToString(in.AlarmName))...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, &types.ResourceNotFound{Message: aws.String("Unknown alarm: " + aws.ToString(in.AlarmName))}
	}
	if err != nil {
		return nil, err
	}
	return &cloudwatch.SetAlarmStateOutput{}, nil
}

// EnableAlarmActions lets alarms act.
func (s *Service) EnableAlarmActions(ctx context.Context, in *cloudwatch.EnableAlarmActionsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.EnableAlarmActionsOutput, error) {
	return &cloudwatch.EnableAlarmActionsOutput{}, s.enable(ctx, in.AlarmNames, true)
}

// DisableAlarmActions keeps alarms from acting; they change their state all the same.
func (s *Service) DisableAlarmActions(ctx context.Context, in *cloudwatch.DisableAlarmActionsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DisableAlarmActionsOutput, error) {
	return &cloudwatch.DisableAlarmActionsOutput{}, s.enable(ctx, in.AlarmNames, false)
}

func (s *Service) enable(ctx context.Context, names []string, on bool) error {
	for _, name := range names {
		_, err := s.alarms.Modify(ctx, func(d *alarmDoc) error { d.Enabled = on; return nil }, scope.Of(ctx).Key(name)...)
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
	}
	return nil
}
