package cloudwatch

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metricmath"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
)

// GetMetricData: 500 queries a call, of any statistics and expressions. A page has all results for part of the time, up to
// MaxDatapoints of them; a token is the time at which the next begins. A call reads at most 2,000,000 points, and its expressions
// work on at most 8,000,000. A SEARCH returns 500 metrics at most; if there are more, the answer has a message that says so.

const (
	maxQueries = 500
	maxPage    = 100_800
)

// GetMetricData evaluates queries.
func (s *Service) GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	if len(in.MetricDataQueries) == 0 {
		return nil, missing("The parameter MetricDataQueries is required.")
	}
	if len(in.MetricDataQueries) > maxQueries {
		return nil, invalid("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	if !in.StartTime.Before(*in.EndTime) {
		return nil, invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	most := maxPage
	if in.MaxDatapoints != nil {
		if most = int(*in.MaxDatapoints); most < 1 || most > maxPage {
			return nil, invalid("The parameter MaxDatapoints must be between 1 and %d.", maxPage)
		}
	}
	var zone *time.Location
	if in.LabelOptions != nil {
		var err error
		if zone, err = parseZone(aws.ToString(in.LabelOptions.Timezone)); err != nil {
			return nil, err
		}
	}
	sc := scope.Of(ctx)
	qs, err := parseQueries(sc, in.MetricDataQueries, "MetricDataQueries")
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(qs.queries, func(q *query) bool { return q.returns }) {
		return nil, invalid("At least one of the queries must return data.")
	}
	from := int64(-1)
	if token := aws.ToString(in.NextToken); token != "" {
		text, err := page.Open(token)
		if err == nil {
			from, err = strconv.ParseInt(text, 10, 64)
		}
		if err != nil || from < 0 {
			return nil, badToken()
		}
	}
	results, cutShort, err := s.results(ctx, qs, *in.StartTime, *in.EndTime, zone)
	if err != nil {
		return nil, err
	}
	back := in.ScanBy != types.ScanByTimestampAscending
	from, next := cut(results, back, from, most)
	out := &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{}, Messages: []types.MessageData{}}
	for _, r := range results {
		m := types.MetricDataResult{Id: aws.String(r.id), Label: aws.String(r.label), StatusCode: types.StatusCodeComplete, Timestamps: []time.Time{}, Values: []float64{}}
		if next >= 0 {
			m.StatusCode = types.StatusCodePartialData
		}
		for i, at := range r.Times {
			if !between(at, from, next, back) {
				continue
			}
			m.Timestamps, m.Values = append(m.Timestamps, time.Unix(at, 0).UTC()), append(m.Values, r.Values[i])
		}
		if back {
			slices.Reverse(m.Timestamps)
			slices.Reverse(m.Values)
		}
		if len(r.units) > 1 {
			names := make([]string, len(r.units))
			for i, u := range r.units {
				names[i] = string(unitOf(u))
			}
			slices.Sort(names)
			m.Messages = []types.MessageData{{Code: aws.String("MultipleUnits"), Value: aws.String("Multiple units returned: '[" + strings.Join(names, ", ") + "]'")}}
		}
		out.MetricDataResults = append(out.MetricDataResults, m)
	}
	if cutShort {
		out.Messages = append(out.Messages, types.MessageData{Code: aws.String("MaxMetricsExceeded"), Value: aws.String("Maximum number of allowed metrics exceeded")})
	}
	if next >= 0 {
		out.NextToken = aws.String(page.Seal(strconv.FormatInt(next, 10)))
	}
	return out, nil
}

// result is a series that is returned.
type result struct {
	id, label string
	units     []byte // of a metric that has several, where none is asked for
	metricmath.Series
}

// results evaluates the queries that return data. cutShort: a search found more metrics than it returns.
func (s *Service) results(ctx context.Context, qs *querySet, start, end time.Time, zone *time.Location) (out []result, cutShort bool, err error) {
	e := s.evaluation(qs, func(period int64) metricstore.Range { return s.rangeOf(start, end, period) })
	for _, q := range qs.queries {
		if !q.returns {
			continue
		}
		v, err := e.value(ctx, q)
		if err != nil {
			return nil, false, err
		}
		differ := qs.difference(q)
		if v.Scalar {
			return nil, false, invalid("Error in expression '%s': the result of an expression must be a time series or an array of time series, not a scalar.", q.id)
		}
		for _, series := range v.Series {
			if series.Label == "" || q.expr != nil && !v.Many {
				series.Label = q.id
			}
			if q.metric != nil {
				series.Label += differ
			}
			out = append(out, result{q.id, label(q, &series, qs.scope, zone), e.mixed[q.id], series})
		}
	}
	return out, e.cut, nil
}

// between reports whether a time is of a page that begins at from and ends before next; negative: it has no bound.
func between(at, from, next int64, back bool) bool {
	if back {
		return (from < 0 || at <= from) && (next < 0 || at > next)
	}
	return (from < 0 || at >= from) && (next < 0 || at < next)
}

// cut finds where a page ends that begins at from (negative: at the first) and has at most so many points, but those of one time
// at least; next is -1 if nothing is left.
func cut(results []result, back bool, from int64, most int) (begin, next int64) {
	counts := map[int64]int{}
	total := 0
	for _, r := range results {
		for _, at := range r.Times {
			if between(at, from, -1, back) {
				counts[at]++
				total++
			}
		}
	}
	if total <= most {
		return from, -1
	}
	times := make([]int64, 0, len(counts))
	for at := range counts {
		times = append(times, at)
	}
	slices.Sort(times)
	if back {
		slices.Reverse(times)
	}
	n := 0
	for i, at := range times {
		if n += counts[at]; i > 0 && n > most {
			return from, at
		}
	}
	return from, -1
}
