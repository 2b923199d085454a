//lint:file-ignore SA1019 clients send the parameters of before SingleMetricAnomalyDetector, and read them

package cloudwatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metricmath"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Anomaly detectors.
//
// What is expected of a metric at a time is seasonal by the day: the mean of its points at that time of day, and those
// right before and after, on up to 14 days before. Where there are fewer than three such days, it is the mean of the day
// before. The band is as many deviations of the same points wide as is asked for, and one percent of the mean at least. A
// detector has times that are left out of that; without one, nothing is left out. Detectors of expressions are refused.

const (
	seasonDays  = 14
	seasonLeast = 3 // days
)

type detectorDoc struct {
	Account    string                              `json:"account"`
	Region     string                              `json:"region"`
	ID         string                              `json:"id"`
	Namespace  string                              `json:"namespace"`
	Metric     string                              `json:"metric"`
	Dimensions []types.Dimension                   `json:"dimensions,omitempty"`
	Stat       string                              `json:"stat"`
	Config     *types.AnomalyDetectorConfiguration `json:"config,omitempty"`
	Traits     *types.MetricCharacteristics        `json:"traits,omitempty"`
	Created    time.Time                           `json:"created"`
}

// detected is the metric of a call about a detector.
func detected(sc scope.Scope, namespace, name *string, dims []types.Dimension, stat *string, single *types.SingleMetricAnomalyDetector, math *types.MetricMathAnomalyDetector) (*metricstore.Metric, string, error) {
	if math != nil {
		return nil, "", unsupported("anomaly detectors of metric math")
	}
	if single != nil {
		if namespace != nil || name != nil || stat != nil || len(dims) > 0 {
			return nil, "", invalidCombination("SingleMetricAnomalyDetector and the parameters of a metric are mutually exclusive.")
		}
		namespace, name, dims, stat = single.Namespace, single.MetricName, single.Dimensions, single.Stat
	}
	m := &metricstore.Metric{Scope: scopeOf(sc), Namespace: aws.ToString(namespace), Name: aws.ToString(name)}
	if m.Namespace == "" || m.Name == "" || aws.ToString(stat) == "" {
		return nil, "", missing("The parameters Namespace, MetricName and Stat are required.")
	}
	if _, err := metricstore.ParseStatistic(*stat); err != nil {
		return nil, "", invalidValue("The value %s for parameter Stat is not a valid statistic.", *stat)
	}
	var err error
	m.Dimensions, err = dimensions(dims, "Dimensions")
	return m, *stat, err
}

// detectorKey is the key of the detector of a metric and a statistic.
func detectorKey(sc scope.Scope, m *metricstore.Metric, stat string) []string {
	sum := sha256.Sum256([]byte(m.Key())) // a metric's name may be longer than a key
	return sc.Key(hex.EncodeToString(sum[:]), stat)
}

// configuration is a detector's as it is told: with a list of what it leaves out, if that is nothing too.
func (d *detectorDoc) configuration() *types.AnomalyDetectorConfiguration {
	var c types.AnomalyDetectorConfiguration
	if d.Config != nil {
		c = *d.Config
	}
	if c.ExcludedTimeRanges == nil {
		c.ExcludedTimeRanges = []types.Range{}
	}
	return &c
}

// PutAnomalyDetector makes a detector, or changes what it leaves out.
func (s *Service) PutAnomalyDetector(ctx context.Context, in *cloudwatch.PutAnomalyDetectorInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutAnomalyDetectorOutput, error) {
	sc := scope.Of(ctx)
	m, stat, err := detected(sc, in.Namespace, in.MetricName, in.Dimensions, in.Stat, in.SingleMetricAnomalyDetector, in.MetricMathAnomalyDetector)
	if err != nil {
		return nil, err
	}
	if c := in.Configuration; c != nil {
		for _, r := range c.ExcludedTimeRanges {
			if r.StartTime == nil || r.EndTime == nil || !r.StartTime.Before(*r.EndTime) {
				return nil, invalidValue("The start of an excluded time range must be before its end.")
			}
		}
		if c.MetricTimezone != nil {
			if _, err := time.LoadLocation(*c.MetricTimezone); err != nil {
				return nil, invalidValue("The value %s for parameter Configuration.MetricTimezone is invalid.", *c.MetricTimezone)
			}
		}
	}
	d := &detectorDoc{
		Account: sc.Account, Region: sc.Region, ID: newID(), Namespace: m.Namespace, Metric: m.Name, Dimensions: metricOf(m).Dimensions, Stat: stat,
		Config: in.Configuration, Traits: in.MetricCharacteristics, Created: s.now(),
	}
	key := detectorKey(sc, m, stat)
	now, err := s.detectors.Modify(ctx, func(x *detectorDoc) error { x.Config, x.Traits = d.Config, d.Traits; return nil }, key...)
	if errors.Is(err, state.ErrNotFound) {
		now, err = d, s.detectors.Create(ctx, d, key...)
	}
	if err != nil {
		return nil, err
	}
	return &cloudwatch.PutAnomalyDetectorOutput{AnomalyDetectorId: &now.ID}, nil
}

// DeleteAnomalyDetector removes a detector.
func (s *Service) DeleteAnomalyDetector(ctx context.Context, in *cloudwatch.DeleteAnomalyDetectorInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAnomalyDetectorOutput, error) {
	sc := scope.Of(ctx)
	none := &types.ResourceNotFoundException{Message: aws.String("The anomaly detector does not exist.")}
	var key []string
	if id := aws.ToString(in.AnomalyDetectorId); id != "" {
		var unread error
		for it, err := range s.detectors.List(sc.Key()...) {
			if err != nil {
				unread = err // which may be the one
			} else if it.Value.ID == id {
				key = it.Key
			}
		}
		if key == nil && unread != nil {
			return nil, unread
		}
		if key == nil {
			return nil, none
		}
	} else {
		m, stat, err := detected(sc, in.Namespace, in.MetricName, in.Dimensions, in.Stat, in.SingleMetricAnomalyDetector, in.MetricMathAnomalyDetector)
		if err != nil {
			return nil, err
		}
		key = detectorKey(sc, m, stat)
	}
	err := s.detectors.Delete(ctx, key...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, none
	}
	return &cloudwatch.DeleteAnomalyDetectorOutput{}, err
}

// DescribeAnomalyDetectors lists detectors, and whether there are points enough for what they say.
func (s *Service) DescribeAnomalyDetectors(ctx context.Context, in *cloudwatch.DescribeAnomalyDetectorsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAnomalyDetectorsOutput, error) {
	sc := scope.Of(ctx)
	all, err := s.detectors.All(sc.Key()...)
	if err != nil {
		return nil, err
	}
	wanted, err := dimensions(in.Dimensions, "Dimensions")
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(d *detectorDoc) bool {
		has, err := dimensions(d.Dimensions, "Dimensions")
		return err != nil || in.Namespace != nil && *in.Namespace != d.Namespace || in.MetricName != nil && *in.MetricName != d.Metric || len(wanted) > 0 && !slices.Equal(wanted, has) ||
			len(in.AnomalyDetectorIds) > 0 && !slices.Contains(in.AnomalyDetectorIds, d.ID) ||
			len(in.AnomalyDetectorTypes) > 0 && !slices.Contains(in.AnomalyDetectorTypes, types.AnomalyDetectorTypeSingleMetric)
	})
	key := func(d *detectorDoc) string { return d.ID }
	slices.SortFunc(all, func(a, b *detectorDoc) int { return strings.Compare(a.ID, b.ID) })
	all, next, err := page.Of(all, key, page.Request{Token: in.NextToken, Max: in.MaxResults, Limit: 100})
	if err != nil {
		return nil, badToken()
	}
	out := &cloudwatch.DescribeAnomalyDetectorsOutput{AnomalyDetectors: []types.AnomalyDetector{}, NextToken: next}
	for _, d := range all {
		st, err := s.trained(sc, d)
		if err != nil {
			return nil, err
		}
		out.AnomalyDetectors = append(out.AnomalyDetectors, types.AnomalyDetector{
			AnomalyDetectorId: &d.ID, Namespace: &d.Namespace, MetricName: &d.Metric, Dimensions: d.Dimensions, Stat: &d.Stat, Configuration: d.configuration(), MetricCharacteristics: d.Traits, StateValue: st,
			SingleMetricAnomalyDetector: &types.SingleMetricAnomalyDetector{Namespace: &d.Namespace, MetricName: &d.Metric, Dimensions: d.Dimensions, Stat: &d.Stat},
		})
	}
	return out, nil
}

// trained reports whether a detector's metric has points of days enough.
func (s *Service) trained(sc scope.Scope, d *detectorDoc) (types.AnomalyDetectorStateValue, error) {
	m := &metricstore.Metric{Scope: scopeOf(sc), Namespace: d.Namespace, Name: d.Metric}
	var err error
	if m.Dimensions, err = dimensions(d.Dimensions, "Dimensions"); err != nil {
		return "", err
	}
	days := map[int64]bool{}
	now := s.now().Unix()
	r := metricstore.Range{Start: (now - seasonDays*86400) / 3600 * 3600, End: now + 1, Period: 3600}
	err = s.metrics.Read(m, r, metricstore.AnyUnit, true, false, func(p *metricstore.Point) bool { days[p.Start/86400] = true; return true })
	switch {
	case err != nil:
		return "", told(err)
	case len(days) == 0:
		return types.AnomalyDetectorStateValuePendingTraining, nil
	case len(days) < seasonLeast:
		return types.AnomalyDetectorStateValueTrainedInsufficientData, nil
	}
	return types.AnomalyDetectorStateValueTrained, nil
}

// band is what is expected of the metric of a query, in the time of the evaluation. bad is an error of the client's.
func (e *evaluation) band(ctx context.Context, q *query, width float64) (lower, upper metricmath.Series, bad, err error) {
	if q.metric == nil {
		return lower, upper, errors.New("ANOMALY_DETECTION_BAND takes the id of a metric, not of an expression"), nil
	}
	if !(width > 0) || math.IsInf(width, 0) {
		return lower, upper, errors.New("the number of deviations of ANOMALY_DETECTION_BAND must be greater than zero"), nil
	}
	r := e.rangeOf(q.period)
	r.End = min(r.End, e.s.now().Unix()+86400)
	r.Start = max(r.Start, e.s.now().Unix()-metricstore.Kept)
	if bad := e.budget.Take(2 * max(r.End-r.Start, 0) / q.period); bad != nil { // before they are made
		return lower, upper, bad, nil
	}
	lead := int64((seasonDays*86400 + q.period) / q.period * q.period)
	before := metricstore.Range{Start: max(r.Start-lead, 0), End: r.End, Period: q.period}
	past, err := e.series(ctx, q.metric, q.statistic, before, q.unit)
	if err != nil {
		return lower, upper, nil, err
	}
	d, err := e.s.detectors.Get(detectorKey(e.qs.scope, q.metric, q.statistic.String())...)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return lower, upper, nil, err
	}
	if err == nil && d.Config != nil {
		past = without(past, d.Config.ExcludedTimeRanges)
	}
	lower, upper = expected(past, r, width)
	lower.Label, upper.Label = q.metric.Name+" (expected)", q.metric.Name+" (expected)"
	return lower, upper, nil, nil
}

// without leaves points out of some times.
func without(s metricmath.Series, ranges []types.Range) metricmath.Series {
	out := metricmath.Series{Label: s.Label, Period: s.Period}
	for i, at := range s.Times {
		if !slices.ContainsFunc(ranges, func(r types.Range) bool { return at >= r.StartTime.Unix() && at < r.EndTime.Unix() }) {
			out.Times, out.Values = append(out.Times, at), append(out.Values, s.Values[i])
		}
	}
	return out
}

// expected is the band of a time, by the points before.
func expected(past metricmath.Series, r metricstore.Range, width float64) (lower, upper metricmath.Series) {
	lower.Period, upper.Period = r.Period, r.Period
	n := len(past.Times)
	sums, squares := make([]float64, n+1), make([]float64, n+1)
	for i, v := range past.Values {
		sums[i+1], squares[i+1] = sums[i]+v, squares[i]+v*v
	}
	// of is count, sum and sum of squares of the points of a time.
	of := func(from, to int64) (count, sum, square float64) {
		i, _ := slices.BinarySearch(past.Times, from)
		j, _ := slices.BinarySearch(past.Times, to)
		if j <= i {
			return 0, 0, 0
		}
		return float64(j - i), sums[j] - sums[i], squares[j] - squares[i]
	}
	for at := r.Start; at < r.End; at += r.Period {
		var count, sum, square float64
		days := 0
		for k := int64(1); k <= seasonDays; k++ {
			c, s, q := of(at-k*86400-r.Period, at-k*86400+r.Period+1)
			if c > 0 {
				days++
			}
			count, sum, square = count+c, sum+s, square+q
		}
		if days < seasonLeast {
			if count, sum, square = of(at-86400, at); count < 2 {
				continue
			}
		}
		mean := sum / count
		deviation := max(math.Sqrt(max(square/count-mean*mean, 0)), 0.01*math.Abs(mean))
		lower.Times, lower.Values = append(lower.Times, at), append(lower.Values, mean-width*deviation)
		upper.Times, upper.Values = append(upper.Times, at), append(upper.Values, mean+width*deviation)
	}
	return lower, upper
}

// compareBand reports which slots leave a band.
func (s *Service) compareBand(w *watchDoc, slots []slot, band []metricmath.Series, start, period int64) {
	bounds := func(series metricmath.Series, at int64) (float64, bool) {
		i, found := slices.BinarySearch(series.Times, at)
		if !found {
			return 0, false
		}
		return series.Values[i], true
	}
	for i := range slots {
		at := start + int64(i)*period
		low, ok1 := bounds(band[0], at)
		high, ok2 := bounds(band[1], at)
		if !slots[i].has || !ok1 || !ok2 {
			slots[i].has = false // nothing is expected yet
			continue
		}
		v := slots[i].value
		switch w.Compare {
		case types.ComparisonOperatorLessThanLowerThreshold:
			slots[i].breaches = v < low
		case types.ComparisonOperatorGreaterThanUpperThreshold:
			slots[i].breaches = v > high
		default:
			slots[i].breaches = v < low || v > high
		}
	}
}
