package cloudwatch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
)

const maxDatapoints = 1440 // of GetMetricStatistics

// GetMetricStatistics returns figures of a metric by period.
func (s *Service) GetMetricStatistics(ctx context.Context, in *cloudwatch.GetMetricStatisticsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error) {
	m := metricstore.Metric{Scope: scopeOf(scope.Of(ctx)), Namespace: aws.ToString(in.Namespace), Name: aws.ToString(in.MetricName)}
	var err error
	if m.Dimensions, err = dimensions(in.Dimensions, "Dimensions"); err != nil {
		return nil, err
	}
	period := int64(aws.ToInt32(in.Period))
	if !validPeriod(period) {
		return nil, invalidValue("The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60.")
	}
	if !in.StartTime.Before(*in.EndTime) {
		return nil, invalidValue("The parameter StartTime must be less than the parameter EndTime.")
	}
	var extended []metricstore.Statistic
	switch {
	case len(in.Statistics) > 0 && len(in.ExtendedStatistics) > 0:
		return nil, invalidCombination("The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.")
	case len(in.Statistics)+len(in.ExtendedStatistics) == 0:
		return nil, missing("The request must contain either the parameter Statistics or ExtendedStatistics.")
	}
	for _, name := range in.ExtendedStatistics {
		st, err := metricstore.ParseStatistic(name)
		if err != nil || !st.Distributed() {
			return nil, invalidValue("The value %s for parameter ExtendedStatistics is not supported.", name)
		}
		extended = append(extended, st)
	}
	r := s.rangeOf(*in.StartTime, *in.EndTime, period)
	if n := (r.End - r.Start + period - 1) / period; n > maxDatapoints {
		return nil, invalidCombination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxDatapoints)
	}
	unit := metricstore.AnyUnit
	if in.Unit != "" {
		unit = int(unitCodes[in.Unit])
	}
	out := &cloudwatch.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []types.Datapoint{}}
	err = s.metrics.Read(&m, r, unit, false, len(extended) > 0, func(p *metricstore.Point) bool {
		d := types.Datapoint{Timestamp: aws.Time(time.Unix(p.Start, 0).UTC()), Unit: unitOf(p.Unit)}
		for _, st := range in.Statistics {
			switch st {
			case types.StatisticSampleCount:
				d.SampleCount = aws.Float64(p.Count)
			case types.StatisticAverage:
				d.Average = aws.Float64(p.Sum / p.Count)
			case types.StatisticSum:
				d.Sum = aws.Float64(p.Sum)
			case types.StatisticMinimum:
				d.Minimum = aws.Float64(p.Min)
			case types.StatisticMaximum:
				d.Maximum = aws.Float64(p.Max)
			}
		}
		for _, st := range extended {
			if v, ok := st.Of(&p.Summary); ok {
				if d.ExtendedStatistics == nil {
					d.ExtendedStatistics = map[string]float64{}
				}
				d.ExtendedStatistics[st.String()] = v
			}
		}
		if len(extended) == 0 || d.ExtendedStatistics != nil {
			out.Datapoints = append(out.Datapoints, d)
		}
		return true
	})
	return out, told(err)
}

func validPeriod(p int64) bool {
	switch p {
	case 1, 5, 10, 20, 30:
		return true
	}
	return p > 0 && p%60 == 0 && p <= 365*86400
}

// rangeOf is what is read for a time: its start is rounded down by how old it is, and by a period below a minute.
func (s *Service) rangeOf(start, end time.Time, period int64) metricstore.Range {
	from := max(start.Unix(), 0)
	step := int64(60)
	switch age := s.now().Sub(start); {
	case age > 63*24*time.Hour:
		step = 3600
	case age > 15*24*time.Hour:
		step = 300
	case period < 60:
		step = period
	}
	to := end.Unix()
	if end.Nanosecond() > 0 {
		to++
	}
	return metricstore.Range{Start: from - from%step, End: to, Period: period}
}
