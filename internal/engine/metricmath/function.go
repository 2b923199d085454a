package metricmath

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// function takes from least to most arguments.
type function struct {
	least, most int
	call        func(*Env, *node) (Value, error)
}

// refused are functions of what the program does not have.
var refused = map[string]bool{"INSIGHT_RULE_METRIC": true, "SERVICE_QUOTA": true, "LAMBDA": true, "DB_PERF_INSIGHTS": true}

var functions map[string]*function

func init() { // it refers to itself by way of the parser
	functions = map[string]*function{
		"ABS": pointwise(math.Abs), "CEIL": pointwise(math.Ceil), "FLOOR": pointwise(math.Floor), "LOG": pointwise(math.Log), "LOG10": pointwise(math.Log10),

		"SUM": aggregate(sum), "AVG": aggregate(mean), "MIN": aggregate(slices.Min[[]float64]), "MAX": aggregate(slices.Max[[]float64]),
		"STDDEV": aggregate(deviation), "DATAPOINT_COUNT": aggregate(func(vs []float64) float64 { return float64(len(vs)) }),

		"EPOCH":  ofTime(func(t time.Time) int { return int(t.Unix()) }),
		"MINUTE": ofTime(time.Time.Minute), "HOUR": ofTime(time.Time.Hour), "DATE": ofTime(time.Time.Day), "YEAR": ofTime(time.Time.Year),
		"DAY":   ofTime(func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }),
		"MONTH": ofTime(func(t time.Time) int { return int(t.Month()) }),

		"DIFF":        overTime(func(dv, _ float64) float64 { return dv }),
		"DIFF_TIME":   overTime(func(_, dt float64) float64 { return dt }),
		"RATE":        overTime(func(dv, dt float64) float64 { return dv / dt }),
		"RUNNING_SUM": {1, 1, runningSum},

		"FILL": {2, 2, fill}, "IF": {2, 3, choose}, "PERIOD": {1, 1, period}, "TIME_SERIES": {1, 1, timeSeries},
		"FIRST": pick(func(n int) int { return 0 }), "LAST": pick(func(n int) int { return n - 1 }),
		"METRIC_COUNT": {1, 1, metricCount}, "REMOVE_EMPTY": {1, 1, removeEmpty}, "SLICE": {2, 3, slice}, "SORT": {3, 4, sorted},
		"METRICS": {0, 1, metrics}, "SEARCH": {2, 3, search}, "ANOMALY_DETECTION_BAND": {1, 2, band},
	}
}

func sum(vs []float64) (total float64) {
	for _, v := range vs {
		total += v
	}
	return total
}

func mean(vs []float64) float64 { return sum(vs) / float64(len(vs)) }

func deviation(vs []float64) float64 {
	m, squares := mean(vs), 0.0
	for _, v := range vs {
		squares += (v - m) * (v - m)
	}
	return math.Sqrt(squares / float64(len(vs)))
}

func pointwise(f func(float64) float64) *function {
	return &function{1, 1, func(env *Env, n *node) (Value, error) {
		v, err := env.eval(&n.args[0])
		if err != nil {
			return v, err
		}
		return v.each(func(_ int64, v float64) float64 { return f(v) }), nil
	}}
}

// aggregate is of one series a number, of several a series, and of several arguments their own.
func aggregate(f func([]float64) float64) *function {
	return &function{1, 100, func(env *Env, n *node) (Value, error) {
		if len(n.args) > 1 { // as of an array
			v, err := env.eval(&node{op: "list", args: n.args})
			if err != nil {
				return v, err
			}
			return One(across(v.Series, f)), nil
		}
		v, err := env.series(n, 0)
		switch {
		case err != nil:
			return v, err
		case v.Many:
			return One(across(v.Series, f)), nil
		case len(v.Series[0].Values) == 0:
			return number(math.NaN()), nil
		}
		return number(f(v.Series[0].Values)), nil
	}}
}

func ofTime(f func(time.Time) int) *function {
	return &function{1, 1, func(env *Env, n *node) (Value, error) {
		v, err := env.series(n, 0)
		if err != nil {
			return v, err
		}
		return v.each(func(at int64, _ float64) float64 { return float64(f(time.Unix(at, 0).UTC())) }), nil
	}}
}

// overTime is of each point and the one before.
func overTime(f func(dv, dt float64) float64) *function {
	return &function{1, 1, func(env *Env, n *node) (Value, error) {
		v, err := env.series(n, 0)
		if err != nil {
			return v, err
		}
		return v.eachSeries(func(s Series) Series {
			out := Series{Label: s.Label, Period: s.Period}
			for i := 1; i < len(s.Times); i++ {
				out.add(s.Times[i], f(s.Values[i]-s.Values[i-1], float64(s.Times[i]-s.Times[i-1])))
			}
			return out
		}), nil
	}}
}

func runningSum(env *Env, n *node) (Value, error) {
	v, err := env.series(n, 0)
	if err != nil {
		return v, err
	}
	return v.eachSeries(func(s Series) Series {
		total := 0.0
		return s.each(func(_ int64, v float64) float64 { total += v; return total })
	}), nil
}

// grid are the times of a period, from that of a first point back to the start and on to the end.
func (env *Env) grid(s Series) (times []int64, err error) {
	step := max(s.Period, env.Period, 1)
	start := env.Start
	if len(s.Times) > 0 {
		start += (s.Times[0] - start) % step
	}
	n := (max(env.End-start, 0) + step - 1) / step
	if err := env.Budget.Take(n); err != nil { // before they are made
		return nil, err
	}
	times = make([]int64, 0, n)
	for at := start; at < env.End; at += step {
		times = append(times, at)
	}
	return times, nil
}

func fill(env *Env, n *node) (Value, error) {
	v, err := env.series(n, 0)
	if err != nil {
		return v, err
	}
	how, with := "", Value{}
	if n.args[1].op == "word" {
		how, err = word(n, 1, "REPEAT", "LINEAR")
	} else {
		with, err = env.eval(&n.args[1])
		if err == nil && with.Many {
			err = fmt.Errorf("argument 2 of FILL is an array, and has to be a scalar or one time series")
		}
	}
	if err != nil {
		return v, err
	}
	out := Value{Many: v.Many}
	for _, s := range v.Series {
		times, err := env.grid(s)
		if err != nil {
			return v, err
		}
		out.Series = append(out.Series, env.filled(s, times, how, with))
	}
	return out, nil
}

func (env *Env) filled(s Series, times []int64, how string, with Value) Series {
	out := Series{Label: s.Label, Period: max(s.Period, env.Period)}
	i := 0 // the first point at this time or later
	for _, at := range times {
		for i < len(s.Times) && s.Times[i] < at {
			i++
		}
		switch has := i < len(s.Times) && s.Times[i] == at; {
		case has:
			out.add(at, s.Values[i])
		case how == "REPEAT":
			if i > 0 {
				out.add(at, s.Values[i-1])
			}
		case how == "LINEAR":
			if i > 0 && i < len(s.Times) {
				share := float64(at-s.Times[i-1]) / float64(s.Times[i]-s.Times[i-1])
				out.add(at, s.Values[i-1]+share*(s.Values[i]-s.Values[i-1]))
			}
		case with.Scalar:
			out.add(at, with.Number)
		default:
			if j, found := slices.BinarySearch(with.Series[0].Times, at); found {
				out.add(at, with.Series[0].Values[j])
			}
		}
	}
	return out
}

// choose is IF: of a condition that is a number, one of two values; of a series, point by point.
func choose(env *Env, n *node) (Value, error) {
	cond, err := env.eval(&n.args[0])
	if err != nil {
		return cond, err
	}
	then, err := env.eval(&n.args[1])
	if err != nil {
		return then, err
	}
	other, has := Value{}, len(n.args) == 3
	if has {
		if other, err = env.eval(&n.args[2]); err != nil {
			return other, err
		}
	}
	if then.Many || other.Many || cond.Many {
		return Value{}, fmt.Errorf("IF does not take arrays of time series")
	}
	if cond.Scalar {
		switch {
		case cond.Number != 0:
			return then, nil
		case has:
			return other, nil
		}
		return One(Series{Period: env.Period}), nil
	}
	of := func(v Value, at int64) float64 {
		if v.Scalar {
			return v.Number
		}
		if i, found := slices.BinarySearch(v.Series[0].Times, at); found {
			return v.Series[0].Values[i]
		}
		return math.NaN()
	}
	return cond.each(func(at int64, c float64) float64 {
		switch {
		case c != 0:
			return of(then, at)
		case has:
			return of(other, at)
		}
		return math.NaN()
	}), nil
}

func period(env *Env, n *node) (Value, error) {
	s, err := env.one(n, 0)
	return number(float64(max(s.Period, 1))), err
}

func timeSeries(env *Env, n *node) (Value, error) {
	v, err := env.number(n, 0)
	if err != nil {
		return Value{}, err
	}
	s := Series{Period: env.Period}
	times, err := env.grid(s)
	for _, at := range times {
		s.add(at, v)
	}
	return One(s), err
}

func pick(which func(int) int) *function {
	return &function{1, 1, func(env *Env, n *node) (Value, error) {
		v, err := env.series(n, 0)
		if err != nil {
			return v, err
		}
		if len(v.Series) == 0 {
			return One(Series{Period: env.Period}), nil
		}
		return One(v.Series[which(len(v.Series))]), nil
	}}
}

func metricCount(env *Env, n *node) (Value, error) {
	v, err := env.series(n, 0)
	return number(float64(len(v.Series))), err
}

func removeEmpty(env *Env, n *node) (Value, error) {
	v, err := env.series(n, 0)
	v.Many = true
	v.Series = slices.DeleteFunc(slices.Clone(v.Series), func(s Series) bool { return len(s.Values) == 0 })
	return v, err
}

func slice(env *Env, n *node) (Value, error) {
	v, err := env.series(n, 0)
	if err != nil {
		return v, err
	}
	from, err := env.number(n, 1)
	if err != nil {
		return v, err
	}
	count := float64(len(v.Series))
	if len(n.args) == 2 {
		if !(from >= 0 && from < count) { // nor if it is not a number
			return One(Series{Period: env.Period}), nil
		}
		return One(v.Series[int(from)]), nil
	}
	to, err := env.number(n, 2)
	if err != nil {
		return v, err
	}
	from, to = max(from, 0), min(to, count)
	if !(from < to) {
		return Value{Many: true}, nil
	}
	return Value{Many: true, Series: v.Series[int(from):int(to)]}, nil
}

func sorted(env *Env, n *node) (Value, error) {
	v, err := env.series(n, 0)
	if err != nil {
		return v, err
	}
	by, err := word(n, 1, "AVG", "MIN", "MAX", "SUM")
	if err != nil {
		return v, err
	}
	order, err := word(n, 2, "ASC", "DESC")
	if err != nil {
		return v, err
	}
	f := map[string]func([]float64) float64{"AVG": mean, "MIN": slices.Min[[]float64], "MAX": slices.Max[[]float64], "SUM": sum}[by]
	figure := func(s Series) float64 {
		if len(s.Values) == 0 {
			return math.Inf(-1)
		}
		return f(s.Values)
	}
	type ranked struct {
		Series
		figure float64
	}
	all := make([]ranked, len(v.Series))
	for i, s := range v.Series {
		all[i] = ranked{s, figure(s)}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		x, y := a.figure, b.figure
		if order == "DESC" {
			x, y = y, x
		}
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	v = Value{Many: true, Series: make([]Series, len(all))}
	for i := range all {
		v.Series[i] = all[i].Series
	}
	if len(n.args) == 4 {
		most, err := env.number(n, 3)
		if err != nil {
			return v, err
		}
		if most < float64(len(v.Series)) {
			v.Series = v.Series[:int(max(most, 0))]
		}
	}
	return v, nil
}

func metrics(env *Env, n *node) (v Value, err error) {
	part := ""
	if len(n.args) == 1 {
		if part, err = text(n, 0); err != nil {
			return v, err
		}
	}
	v.Many = true
	v.Series, err = env.Metrics(part)
	return v, err
}

func search(env *Env, n *node) (v Value, err error) {
	query, err := text(n, 0)
	if err != nil {
		return v, err
	}
	statistic, err := text(n, 1)
	if err != nil {
		return v, err
	}
	p := 0.0
	if len(n.args) == 3 {
		if p, err = env.number(n, 2); err != nil {
			return v, err
		}
		if !(p >= 1 && p <= 1e9) || p != math.Trunc(p) {
			return v, fmt.Errorf("argument 3 of SEARCH has to be a period in seconds")
		}
	}
	v.Many = true
	v.Series, err = env.Search(query, statistic, int64(p))
	return v, err
}

// band is the bounds of what is expected of a metric, the lower before the upper.
func band(env *Env, n *node) (v Value, err error) {
	if n.args[0].op != "id" {
		return v, fmt.Errorf("argument 1 of ANOMALY_DETECTION_BAND has to be the id of a metric")
	}
	width := 2.0
	if len(n.args) == 2 {
		if width, err = env.number(n, 1); err != nil {
			return v, err
		}
	}
	lower, upper, err := env.Band(n.args[0].name, width)
	return Value{Many: true, Series: []Series{lower, upper}}, err
}
