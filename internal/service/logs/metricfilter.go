package logs

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/logpattern"
	"github.com/brookmere/brookmere/internal/engine/logstore"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

const (
	maxMetricFilters = 100  // of a group
	maxDimension     = 1024 // bytes of a dimension's value
)

// metricDoc is a metric filter.
type metricDoc struct {
	ID              string           `json:"id"`
	Account         string           `json:"account"`
	Region          string           `json:"region"`
	Group           string           `json:"group"` // its name
	GroupID         string           `json:"group_id"`
	Name            string           `json:"name"`
	Pattern         string           `json:"pattern"`
	Transformations []transformation `json:"transformations"`
	Created         int64            `json:"created"`
	From            positionDoc      `json:"from"` // of the log, when it was made
}

type transformation struct {
	Name       string            `json:"name"`
	Namespace  string            `json:"namespace"`
	Value      string            `json:"value"`
	Default    *float64          `json:"default,omitempty"`
	Dimensions map[string]string `json:"dimensions,omitempty"`
	Unit       string            `json:"unit,omitempty"`
}

// PutMetricFilter makes or changes a filter that makes data points of a metric of matching events.
func (s *Service) PutMetricFilter(ctx context.Context, in *logs.PutMetricFilterInput, _ ...func(*logs.Options)) (*logs.PutMetricFilterOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	if in.ApplyOnTransformedLogs || aws.ToString(in.FieldSelectionCriteria) != "" || len(in.EmitSystemFieldDimensions) > 0 {
		return nil, unsupported("Filtering by transformed events or system fields")
	}
	p, err := logpattern.Parse(aws.ToString(in.FilterPattern))
	if err != nil {
		return nil, badPattern(err)
	}
	var ts []transformation
	for _, t := range in.MetricTransformations {
		v := aws.ToString(t.MetricValue)
		if _, ok := metricNumber(v); !ok && !strings.HasPrefix(v, "$") {
			return nil, invalid("Invalid metric transformation: metricValue must be a number or a field that begins with $")
		}
		if t.DefaultValue != nil && !isMetricValue(*t.DefaultValue) {
			return nil, invalid("Invalid metric transformation: defaultValue must be a number in the range of -2^360 to 2^360")
		}
		if strings.HasPrefix(aws.ToString(t.MetricNamespace), "AWS/") {
			return nil, invalid("Invalid metric transformation: metricNamespace must not begin with AWS/, which is for the metrics of services")
		}
		if len(t.Dimensions) > 3 {
			return nil, invalid("Invalid metric transformation: at most 3 dimensions can be specified")
		}
		if len(t.Dimensions) > 0 && t.DefaultValue != nil {
			return nil, invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
		}
		if p.Terms() && (len(t.Dimensions) > 0 || strings.HasPrefix(v, "$")) {
			return nil, invalid("Invalid metric transformation: fields need a JSON or space-delimited filter pattern")
		}
		ts = append(ts, transformation{aws.ToString(t.MetricName), aws.ToString(t.MetricNamespace), v, t.DefaultValue, t.Dimensions, string(t.Unit)})
	}
	if len(ts) != 1 {
		return nil, invalid("1 validation error detected: Value at 'metricTransformations' failed to satisfy constraint: Member must have length equal to 1")
	}
	name := aws.ToString(in.FilterName)
	set := func(m *metricDoc) { m.Pattern, m.Transformations = aws.ToString(in.FilterPattern), ts }
	_, err = s.metrics.Modify(ctx, func(m *metricDoc) error { set(m); return nil }, d.key(name)...)
	if err == nil || !isNotFound(err) {
		return &logs.PutMetricFilterOutput{}, err
	}
	n := 0
	for range s.metrics.Keys(d.key()...) {
		n++
	}
	if n >= maxMetricFilters {
		return nil, limitExceeded("Resource limit exceeded.")
	}
	at, err := s.store.Make(ctx, d.in(), d.retention())
	if err != nil {
		return nil, stored(err)
	}
	m := &metricDoc{ID: newID(), Account: d.Account, Region: d.Region, Group: d.Name, GroupID: d.ID, Name: name, Created: s.nowMillis(), From: positionOf(at)}
	set(m)
	if err = s.metrics.Create(ctx, m, d.key(name)...); errors.Is(err, state.ErrExists) { // another call was first
		return s.PutMetricFilter(ctx, in)
	}
	return &logs.PutMetricFilterOutput{}, err
}

// DeleteMetricFilter removes a metric filter.
func (s *Service) DeleteMetricFilter(ctx context.Context, in *logs.DeleteMetricFilterInput, _ ...func(*logs.Options)) (*logs.DeleteMetricFilterOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	key := d.key(aws.ToString(in.FilterName))
	m, err := s.metrics.Get(key...)
	if err != nil {
		return nil, err
	}
	if err := s.metrics.Delete(ctx, key...); err != nil {
		return nil, err
	}
	return &logs.DeleteMetricFilterOutput{}, s.removePosition(ctx, m.ID)
}

// DescribeMetricFilters lists the filters of a group, or those of all groups that make a metric.
func (s *Service) DescribeMetricFilters(ctx context.Context, in *logs.DescribeMetricFiltersInput, _ ...func(*logs.Options)) (*logs.DescribeMetricFiltersOutput, error) {
	if (in.MetricName == nil) != (in.MetricNamespace == nil) {
		return nil, invalid("MetricName and MetricNamespace must be specified together.")
	}
	prefix := scope.Of(ctx).Key()
	if in.LogGroupName != nil {
		d, err := s.group(ctx, *in.LogGroupName)
		if err != nil {
			return nil, err
		}
		prefix = d.key()
	}
	all, err := s.metrics.All(prefix...)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m *metricDoc) bool {
		return !strings.HasPrefix(m.Name, aws.ToString(in.FilterNamePrefix)) || in.MetricName != nil && !slices.ContainsFunc(m.Transformations, func(t transformation) bool {
			return t.Name == *in.MetricName && t.Namespace == *in.MetricNamespace
		})
	})
	key := func(m *metricDoc) string { return m.Group + "\x00" + m.Name }
	slices.SortFunc(all, func(a, b *metricDoc) int { return strings.Compare(key(a), key(b)) })
	all, next, err := page.Of(all, key, page.Request{Token: in.NextToken, Max: in.Limit, Limit: 50})
	if err != nil {
		return nil, badToken()
	}
	out := &logs.DescribeMetricFiltersOutput{MetricFilters: []types.MetricFilter{}, NextToken: next}
	for _, m := range all {
		f := types.MetricFilter{FilterName: &m.Name, FilterPattern: &m.Pattern, CreationTime: &m.Created, LogGroupName: &m.Group}
		for _, t := range m.Transformations {
			f.MetricTransformations = append(f.MetricTransformations, types.MetricTransformation{
				MetricName: &t.Name, MetricNamespace: &t.Namespace, MetricValue: &t.Value, DefaultValue: t.Default, Dimensions: t.Dimensions, Unit: types.StandardUnit(t.Unit),
			})
		}
		out.MetricFilters = append(out.MetricFilters, f)
	}
	return out, nil
}

// TestMetricFilter reports which of some messages match a pattern.
func (s *Service) TestMetricFilter(_ context.Context, in *logs.TestMetricFilterInput, _ ...func(*logs.Options)) (*logs.TestMetricFilterOutput, error) {
	p, err := logpattern.Parse(aws.ToString(in.FilterPattern))
	if err != nil {
		return nil, badPattern(err)
	}
	out := &logs.TestMetricFilterOutput{Matches: []types.MetricFilterMatchRecord{}}
	for i, m := range in.LogEventMessages {
		if values, ok := p.Extract([]byte(m)); ok {
			out.Matches = append(out.Matches, types.MetricFilterMatchRecord{EventNumber: int64(i + 1), EventMessage: aws.String(m), ExtractedValues: values})
		}
	}
	return out, nil
}

func (s *Service) newMetricRunner() *work.Runner[metricDoc] {
	return work.New(work.Documents[metricDoc](s.cfg.State, "logs.metricfilter"), work.Hooks[metricDoc]{
		Run: s.runMetric,
		// Its position is by the id, whatever else changes.
	}, work.Options{Name: "logs.metricfilter", Clock: s.clock, Owner: s.cfg.Owner, Events: work.Events{Failed: s.workFailed, Undecodable: func(key work.Key, err error) {
		s.log.Error("a metric filter cannot be read", "key", key, "error", err)
	}}})
}

func (s *Service) runMetric(ctx context.Context, j *work.Job[metricDoc]) error {
	if s.cfg.Metrics == nil {
		return nil // it is kept alone
	}
	m := j.Document()
	p, err := logpattern.Parse(m.Pattern)
	if err != nil {
		return err
	}
	sc := scope.Scope{Account: m.Account, Region: m.Region}
	ctx = sc.Context(ctx)
	return s.follow(ctx, m.Account+"/"+m.Region+"/"+m.GroupID, m.ID, m.From.position(), func(ctx context.Context, blocks []logstore.Block) error {
		return s.sendMetrics(ctx, m, p, blocks)
	})
}

// point is a data point that is being made.
type point struct {
	minute     int64
	dimensions string // sorted, as text
}

// sendMetrics makes data points of the matching lines of some blocks, one a minute and combination of dimensions.
func (s *Service) sendMetrics(ctx context.Context, m *metricDoc, p *logpattern.Pattern, blocks []logstore.Block) error {
	tooOld := s.clock.Now().Add(-14 * 24 * time.Hour).UnixMilli() // for CloudWatch, which would refuse the others with them
	for _, t := range m.Transformations {
		type datum struct {
			dims   []cloudwatchtypes.Dimension
			counts map[float64]float64
		}
		points := map[point]*datum{}
		at := func(minute int64, dims []cloudwatchtypes.Dimension) *datum {
			var b strings.Builder
			for _, d := range dims {
				b.WriteString(*d.Name + "\x00" + *d.Value + "\x00")
			}
			k := point{minute, b.String()}
			if points[k] == nil {
				points[k] = &datum{dims, map[float64]float64{}}
			}
			return points[k]
		}
		for _, b := range blocks {
			for _, l := range b.Lines {
				minute := l.Time - l.Time%60_000
				if minute <= tooOld {
					continue
				}
				text := []byte(l.Text)
				if !p.Match(text) {
					if t.Default != nil {
						at(minute, nil)
					}
					continue
				}
				value, ok := t.number(p, text)
				if !ok {
					continue
				}
				var dims []cloudwatchtypes.Dimension
				complete := true
				for _, name := range sortedKeys(t.Dimensions) {
					v, ok := p.Value(text, t.Dimensions[name])
					if !ok || v == "" || len(v) > maxDimension {
						complete = false
						break
					}
					dims = append(dims, cloudwatchtypes.Dimension{Name: aws.String(name), Value: aws.String(v)})
				}
				if complete {
					at(minute, dims).counts[value]++
				}
			}
		}
		var data []cloudwatchtypes.MetricDatum
		for k, d := range points {
			if len(d.counts) == 0 { // minutes with events of which none matches
				d.counts[*t.Default] = 1
			}
			m := cloudwatchtypes.MetricDatum{MetricName: aws.String(t.Name), Timestamp: aws.Time(time.UnixMilli(k.minute)), Dimensions: d.dims, Unit: cloudwatchtypes.StandardUnit(t.Unit)}
			flush := func() { data = append(data, m); m.Values, m.Counts = nil, nil }
			for v, n := range d.counts {
				if m.Values = append(m.Values, v); len(m.Values) == 150 {
					m.Counts = append(m.Counts, n)
					flush()
					continue
				}
				m.Counts = append(m.Counts, n)
			}
			if len(m.Values) > 0 {
				flush()
			}
		}
		for chunk := range slices.Chunk(data, 500) {
			left, why, err := s.putMetrics(ctx, t.Namespace, chunk)
			if err != nil {
				return err
			}
			if left > 0 {
				s.log.Warn("a metric filter leaves out data points that CloudWatch does not take", "group", m.Group, "filter", m.Name, "points", left, "error", why)
			}
		}
	}
	return nil
}

// putMetrics puts data points. Those that CloudWatch will never take are left out, and told of with the last refusal: a line
// that anybody may write must not hold up those behind it.
func (s *Service) putMetrics(ctx context.Context, namespace string, data []cloudwatchtypes.MetricDatum) (left int, why, err error) {
	_, err = s.cfg.Metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: &namespace, MetricData: data})
	if err == nil || !neverTaken(err) {
		return 0, nil, err
	}
	if len(data) == 1 {
		return 1, err, nil
	}
	for _, half := range [][]cloudwatchtypes.MetricDatum{data[:len(data)/2], data[len(data)/2:]} {
		n, because, err := s.putMetrics(ctx, namespace, half)
		if err != nil {
			return left, why, err
		}
		if left += n; n > 0 {
			why = because
		}
	}
	return left, why, nil
}

// neverTaken reports whether an error says that a data point is wrong in itself.
func neverTaken(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	code := strings.TrimSuffix(api.ErrorCode(), "Exception")
	return strings.HasPrefix(code, "InvalidParameter") || strings.HasPrefix(code, "Validation")
}

// number is the value of a matching line.
func (t *transformation) number(p *logpattern.Pattern, text []byte) (float64, bool) {
	v := t.Value
	if strings.HasPrefix(v, "$") {
		found, ok := p.Value(text, v)
		if !ok {
			return 0, false
		}
		v = found
	}
	return metricNumber(v)
}

// metricNumber reads a number that a data point can have, in decimal: Go's other forms are none of a log's.
func metricNumber(v string) (float64, bool) {
	if strings.ContainsAny(v, "_xX") {
		return 0, false
	}
	n, err := strconv.ParseFloat(v, 64)
	return n, err == nil && isMetricValue(n)
}

// isMetricValue reports whether CloudWatch takes a value; it does not take what is not a number.
func isMetricValue(n float64) bool { return math.Abs(n) <= 0x1p360 }

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
