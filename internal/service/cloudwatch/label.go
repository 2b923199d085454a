package cloudwatch

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metricmath"
)

// Labels may have dynamic parts: ${MAX}, ${PROP('MetricName')} and so on. What is not known of them stays as it is.

var dynamic = regexp.MustCompile(`\$\{(?:([A-Z_]+)|PROP\('([^']{1,255})'\))\}`)

// difference is what tells a metric of a query from the others of its set: its statistic and its period, where those differ.
func (qs *querySet) difference(q *query) string {
	if q.metric == nil {
		return ""
	}
	statistics, periods := false, false
	for _, o := range qs.queries {
		if o.metric != nil && o.returns {
			statistics = statistics || o.statistic.String() != q.statistic.String()
			periods = periods || o.period != q.period
		}
	}
	out := ""
	if statistics {
		out += " " + q.statistic.String()
	}
	if periods {
		out += " " + strconv.FormatInt(q.period, 10)
	}
	return out
}

// label is that of a series of a query.
func label(q *query, s *metricmath.Series, sc scope.Scope, zone *time.Location) string {
	if q.label == "" {
		return s.Label
	}
	if !strings.Contains(q.label, "${") {
		return q.label
	}
	return dynamic.ReplaceAllStringFunc(q.label, func(part string) string {
		m := dynamic.FindStringSubmatch(part)
		if m[2] != "" {
			if v, ok := property(q, m[2], sc); ok {
				return v
			}
			return part
		}
		if m[1] == "LABEL" {
			return s.Label
		}
		if m[1] == "DATAPOINT_COUNT" {
			return strconv.Itoa(len(s.Values))
		}
		name, timed := strings.CutSuffix(m[1], "_TIME")
		at, v, ok := figure(name, s)
		switch {
		case !ok:
			return part
		case len(s.Values) == 0:
			return "--"
		case timed:
			if zone == nil {
				zone = time.UTC
			}
			return time.Unix(at, 0).In(zone).Format("2006-01-02 15:04:05 UTC")
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	})
}

func property(q *query, name string, sc scope.Scope) (string, bool) {
	switch name {
	case "AccountId":
		return sc.Account, true
	case "Region":
		return sc.Region, true
	}
	if q.metric == nil {
		return "", false
	}
	switch name {
	case "Namespace":
		return q.metric.Namespace, true
	case "MetricName":
		return q.metric.Name, true
	case "Stat":
		return q.statistic.String(), true
	case "Period":
		return strconv.FormatInt(q.period, 10), true
	}
	if dim, is := strings.CutPrefix(name, "Dim."); is {
		for _, d := range q.metric.Dimensions {
			if d.Name == dim {
				return d.Value, true
			}
		}
	}
	return "", false
}

// figure is one of a series, and of those that are a point's the time.
func figure(name string, s *metricmath.Series) (at int64, v float64, ok bool) {
	n := len(s.Values)
	switch name {
	case "MAX", "MIN", "FIRST", "LAST", "AVG", "SUM", "RANGE":
	default:
		return 0, 0, false
	}
	if n == 0 {
		return 0, 0, true
	}
	least, most, sum := 0, 0, 0.0
	for i, x := range s.Values {
		if x < s.Values[least] {
			least = i
		}
		if x > s.Values[most] {
			most = i
		}
		sum += x
	}
	i := map[string]int{"MAX": most, "MIN": least, "FIRST": 0, "LAST": n - 1}[name]
	switch name {
	case "AVG":
		v = sum / float64(n)
	case "SUM":
		v = sum
	case "RANGE":
		v = s.Values[most] - s.Values[least]
	default:
		v = s.Values[i]
	}
	if math.Abs(v) < 1e15 {
		v = math.Round(v*1000) / 1000
	}
	return s.Times[i], v, true
}

// parseZone reads a zone such as +0130.
func parseZone(text string) (*time.Location, error) {
	if text == "" {
		return nil, nil
	}
	t, err := time.Parse("-0700", text)
	if err != nil {
		return nil, invalid("The value %s for parameter LabelOptions.Timezone is invalid: it is a sign and four digits.", text)
	}
	return t.Location(), nil
}
