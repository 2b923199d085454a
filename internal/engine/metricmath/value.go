package metricmath

import (
	"fmt"
	"math"
	"slices"
)

// Series is points by growing time.
type Series struct {
	Label  string
	Period int64   // seconds
	Times  []int64 // seconds
	Values []float64
}

// Value is a number, or one or several series.
type Value struct {
	Scalar bool
	Number float64
	Many   bool // several series, of which there may be any number; else one
	Series []Series
}

// cost is what the series take from a Budget.
func (v Value) cost() (points int64) {
	for i := range v.Series {
		points += int64(len(v.Series[i].Times)) + seriesCost
	}
	return points
}

func number(v float64) Value { return Value{Scalar: true, Number: v} }

// One is the value of one series.
func One(s Series) Value { return Value{Series: []Series{s}} }

// kind is what the value is called in an error.
func (v Value) kind() string {
	switch {
	case v.Scalar:
		return "a scalar"
	case v.Many:
		return "an array of time series"
	}
	return "a time series"
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// each makes a series of the points of another that f has a result for.
func (s Series) each(f func(at int64, v float64) float64) Series {
	out := Series{Label: s.Label, Period: s.Period, Times: make([]int64, 0, len(s.Times)), Values: make([]float64, 0, len(s.Times))}
	for i, v := range s.Values {
		out.add(s.Times[i], f(s.Times[i], v))
	}
	return out
}

func (s *Series) add(at int64, v float64) {
	if finite(v) {
		s.Times, s.Values = append(s.Times, at), append(s.Values, v)
	}
}

// each applies f to a number, or to each point.
func (v Value) each(f func(at int64, v float64) float64) Value {
	if v.Scalar {
		return number(f(0, v.Number))
	}
	return v.eachSeries(func(s Series) Series { return s.each(f) })
}

func (v Value) eachSeries(f func(Series) Series) Value {
	out := Value{Many: v.Many, Series: make([]Series, len(v.Series))}
	for i, s := range v.Series {
		out.Series[i] = f(s)
	}
	return out
}

// both joins two series at the times that both have.
func both(a, b Series, f func(x, y float64) float64) Series {
	out := Series{Label: a.Label, Period: max(a.Period, b.Period)}
	for i, j := 0, 0; i < len(a.Times) && j < len(b.Times); {
		switch {
		case a.Times[i] < b.Times[j]:
			i++
		case a.Times[i] > b.Times[j]:
			j++
		default:
			out.add(a.Times[i], f(a.Values[i], b.Values[j]))
			i, j = i+1, j+1
		}
	}
	return out
}

// combine is an operator of two values.
func combine(a, b Value, name string, f func(x, y float64) float64) (Value, error) {
	switch {
	case a.Scalar && b.Scalar:
		return number(f(a.Number, b.Number)), nil
	case a.Scalar:
		return b.each(func(_ int64, v float64) float64 { return f(a.Number, v) }), nil
	case b.Scalar:
		return a.each(func(_ int64, v float64) float64 { return f(v, b.Number) }), nil
	case a.Many && b.Many:
		return Value{}, fmt.Errorf("the operator %s does not take two arrays of time series", name)
	case b.Many:
		return b.eachSeries(func(s Series) Series {
			out := both(a.Series[0], s, f)
			out.Label = s.Label
			return out
		}), nil
	}
	return a.eachSeries(func(s Series) Series { return both(s, b.Series[0], f) }), nil
}

// across makes one series of several: at each time, of the values of those that have a point there.
func across(all []Series, f func([]float64) float64) Series {
	points := map[int64][]float64{}
	var out Series
	for _, s := range all {
		out.Period = max(out.Period, s.Period)
		for i, at := range s.Times {
			points[at] = append(points[at], s.Values[i])
		}
	}
	times := make([]int64, 0, len(points))
	for at := range points {
		times = append(times, at)
	}
	slices.Sort(times)
	for _, at := range times {
		out.add(at, f(points[at]))
	}
	return out
}
