package metricstore

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Statistic is a figure of a Summary.
type Statistic struct {
	name     string
	kind     string // "Sum"..., or "p", "TM", "WM", "TC", "TS", "PR"
	low, hi  float64
	percents bool // bounds are percents of the samples, not values
}

// String is the statistic as it was written.
func (st Statistic) String() string { return st.name }

// Distributed reports whether the statistic needs the distribution of the values.
func (st Statistic) Distributed() bool { return len(st.kind) <= 2 }

var (
	percentile = regexp.MustCompile(`^p(\d{1,2}(?:\.\d{1,10})?|100(?:\.0{1,10})?)$`)
	shortRange = regexp.MustCompile(`^(tm|wm|tc|ts)(\d{1,2}(?:\.\d{1,10})?|100)$`)
	longRange  = regexp.MustCompile(`^(TM|WM|TC|TS|PR)\((\d{1,18}(?:\.\d{1,10})?)?(%?):(\d{1,18}(?:\.\d{1,10})?)?(%?)\)$`)
)

// ParseStatistic reads the name of a statistic: SampleCount, Average, Sum, Minimum, Maximum, p99.9, tm90,
// TM(10%:90%), WM, TC, TS of the same forms, PR(0:100), IQM.
func ParseStatistic(name string) (Statistic, error) {
	bad := fmt.Errorf("metricstore: %q is not a statistic", name)
	switch name {
	case "SampleCount", "Average", "Sum", "Minimum", "Maximum":
		return Statistic{name: name, kind: name}, nil
	case "IQM":
		return Statistic{name, "TM", 25, 75, true}, nil
	}
	if m := percentile.FindStringSubmatch(name); m != nil {
		p, _ := strconv.ParseFloat(m[1], 64)
		return Statistic{name, "p", 0, p, true}, nil
	}
	if m := shortRange.FindStringSubmatch(name); m != nil {
		p, _ := strconv.ParseFloat(m[2], 64)
		return Statistic{name, strings.ToUpper(m[1]), 0, p, true}, nil
	}
	m := longRange.FindStringSubmatch(name)
	if m == nil || m[2] == "" && m[4] == "" || m[2] == "" && m[3] != "" || m[4] == "" && m[5] != "" {
		return Statistic{}, bad
	}
	st := Statistic{name: name, kind: m[1], low: math.Inf(-1), hi: math.Inf(1)}
	if m[2] != "" && m[4] != "" && m[3] != m[5] {
		return Statistic{}, bad
	}
	st.percents = m[3] != "" || m[5] != ""
	if st.percents {
		if st.kind == "PR" {
			return Statistic{}, bad
		}
		st.low, st.hi = 0, 100
	}
	if m[2] != "" {
		st.low, _ = strconv.ParseFloat(m[2], 64)
	}
	if m[4] != "" {
		st.hi, _ = strconv.ParseFloat(m[4], 64)
	}
	if st.low >= st.hi || st.percents && st.hi > 100 {
		return Statistic{}, bad
	}
	return st, nil
}

// Of is the figure of some samples; false, if there are none or it cannot be told of them.
func (st Statistic) Of(s *Summary) (float64, bool) {
	if s.Count == 0 {
		return 0, false
	}
	switch st.kind {
	case "SampleCount":
		return s.Count, true
	case "Average":
		return s.Sum / s.Count, true
	case "Sum":
		return s.Sum, true
	case "Minimum":
		return s.Min, true
	case "Maximum":
		return s.Max, true
	}
	if s.Opaque || len(s.Values) == 0 {
		return 0, false
	}
	if st.kind == "p" {
		return s.quantile(st.hi / 100), true
	}
	return st.ranged(s)
}

// quantile is the least value that so many of the samples do not exceed.
func (s *Summary) quantile(q float64) float64 {
	if q >= 1 {
		return s.Max
	}
	rank, seen := q*s.Count, 0.0
	for _, v := range s.Values {
		if seen += v.N; seen >= rank*(1-1e-12) && v.N > 0 {
			return v.V
		}
	}
	return s.Max
}

// ranged is a statistic of the samples between two bounds.
func (st Statistic) ranged(s *Summary) (float64, bool) {
	from, to := 0.0, s.Count // ranks, of bounds in percents
	if st.percents {
		from, to = s.Count*st.low/100, s.Count*st.hi/100
	}
	var count, sum, below, above, seen float64
	least, greatest := math.NaN(), math.NaN()
	for _, v := range s.Values {
		begin, end := seen, seen+v.N
		seen = end
		n := v.N
		switch {
		case st.percents:
			if n = min(end, to) - max(begin, from); n <= 0 {
				if end <= from {
					below += v.N
				} else {
					above += v.N
				}
				continue
			}
			below += max(min(end, from)-begin, 0)
			above += max(end-max(begin, to), 0)
		case v.V <= st.low && st.kind != "PR" || v.V < st.low:
			below += n
			continue
		case v.V > st.hi:
			above += n
			continue
		}
		if math.IsNaN(least) {
			least = v.V
		}
		greatest = v.V
		count += n
		sum += n * v.V
	}
	switch st.kind {
	case "TC":
		return count, true
	case "TS":
		return sum, true
	case "PR":
		return 100 * count / s.Count, true
	}
	if count == 0 {
		return 0, false
	}
	if st.kind == "WM" {
		return (sum + below*least + above*greatest) / s.Count, true
	}
	return sum / count, true
}

// Percentile is the share of the samples that a percentile is about, from 0 to 1; false for other statistics.
func (st Statistic) Percentile() (float64, bool) { return st.hi / 100, st.kind == "p" }
