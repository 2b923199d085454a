package udf

import (
	"database/sql/driver"
	"math"
	"slices"

	"github.com/duckdb/duckdb-go/v2"
)

// lists is a function whose arguments are lists of numbers where in says doubles or longs, and
// whose answer is one if out says so.
type lists struct{ scalar }

// Types of DuckDB's that no value has stand for lists.
const (
	doubles = duckdb.TYPE_INVALID
	longs   = duckdb.TYPE_ANY
)

func (l lists) Config() duckdb.ScalarFuncConfig {
	info := func(t duckdb.Type) duckdb.TypeInfo {
		of := real8
		switch t {
		case doubles:
		case longs:
			of = whole
		default:
			return typeInfo(t)
		}
		list, err := duckdb.NewListInfo(typeInfo(of))
		if err != nil {
			panic(err) // lists are there
		}
		return list
	}
	var c duckdb.ScalarFuncConfig
	for _, t := range l.in {
		c.InputTypeInfos = append(c.InputTypeInfos, info(t))
	}
	c.ResultTypeInfo = info(l.out)
	return c
}

func floats(v driver.Value) []float64 {
	in, _ := v.([]any)
	out := make([]float64, 0, len(in))
	for _, x := range in {
		f, _ := x.(float64)
		out = append(out, f)
	}
	return out
}

func integers(v driver.Value) []int64 {
	in, _ := v.([]any)
	out := make([]int64, 0, len(in))
	for _, x := range in {
		n, _ := x.(int64)
		out = append(out, n)
	}
	return out
}

// weightedRank takes the weights of values in their order and a share, and gives the place, from
// 1, of the value below which that share of the weights lies.
var weightedRank = lists{scalar{in: []duckdb.Type{doubles, real8}, out: whole, f: func(v []driver.Value) (any, error) {
	weights, share := floats(v[0]), v[1].(float64)
	if !(share >= 0 && share <= 1) {
		return nil, argumentError("Percentile must be between 0 and 1")
	}
	total := 0.0
	for _, w := range weights {
		if !(w > 0) {
			return nil, argumentError("percentile weight must be > 0")
		}
		total += w
	}
	sum := 0.0
	for i, w := range weights {
		if sum += w; sum >= share*total {
			return int64(i + 1), nil
		}
	}
	return int64(len(weights)), nil
}}}

// numericHistogram takes how many buckets there may be, values, and their weights, and gives
// pairs of a bucket's mean and weight, by the mean. The two neighbours whose merger adds least
// to the variance within buckets become one until there are few enough (Ben-Haim and Yom-Tov,
// "A Streaming Parallel Decision Tree Algorithm").
var numericHistogram = lists{scalar{in: []duckdb.Type{whole, doubles, doubles}, out: doubles, f: func(v []driver.Value) (any, error) {
	limit := v[0].(int64)
	if limit < 2 || limit > maxBuckets {
		return nil, argumentError("numeric_histogram bucket count must be greater than one and at most %d", maxBuckets)
	}
	values, weights := floats(v[1]), floats(v[2])
	var h []bucket
	for i, x := range values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, argumentError("values must be finite")
		}
		if h = append(h, bucket{x, weights[i]}); len(h) >= 2*int(limit)+100 {
			h = merged(h, int(limit))
		}
	}
	out := []any{}
	for _, b := range merged(h, int(limit)) {
		out = append(out, b.mean, b.weight)
	}
	return out, nil
}}}

const maxBuckets = 1000

type bucket struct{ mean, weight float64 }

func (b bucket) with(o bucket) bucket {
	if b.mean == o.mean {
		return bucket{b.mean, b.weight + o.weight}
	}
	w := b.weight + o.weight
	return bucket{(b.mean*b.weight + o.mean*o.weight) / w, w}
}

// merged are the buckets in order, no more than limit.
func merged(h []bucket, limit int) []bucket {
	slices.SortFunc(h, func(a, b bucket) int {
		switch {
		case a.mean < b.mean:
			return -1
		case a.mean > b.mean:
			return 1
		}
		return 0
	})
	out := h[:0]
	for _, b := range h {
		if n := len(out); n > 0 && out[n-1].mean == b.mean {
			out[n-1] = out[n-1].with(b)
		} else {
			out = append(out, b)
		}
	}
	for len(out) > limit {
		least, at := math.Inf(1), 0
		for i := 1; i < len(out); i++ {
			a, b := out[i-1], out[i]
			d := a.mean - b.mean
			if cost := a.weight * b.weight / (a.weight + b.weight) * d * d; cost < least {
				least, at = cost, i-1
			}
		}
		out[at] = out[at].with(out[at+1])
		out = slices.Delete(out, at+1, at+2)
	}
	return out
}

// moments are how many values there are, and the sums of the second to fourth powers of what they are off their mean.
func moments(values []float64) (n, m2, m3, m4 float64) {
	n = float64(len(values))
	mean := 0.0
	for i, x := range values {
		mean += (x - mean) / float64(i+1)
	}
	for _, x := range values {
		d := x - mean
		m2, m3, m4 = m2+d*d, m3+d*d*d, m4+d*d*d*d
	}
	return n, m2, m3, m4
}

// skewness is that of a population, of three values or more; kurtosis is the excess of a sample, of four or more.
var (
	skewness = lists{scalar{in: []duckdb.Type{doubles}, out: real8, f: func(v []driver.Value) (any, error) {
		n, m2, m3, _ := moments(floats(v[0]))
		if n < 3 {
			return nil, nil
		}
		return math.Sqrt(n) * m3 / math.Pow(m2, 1.5), nil
	}}}
	kurtosis = lists{scalar{in: []duckdb.Type{doubles}, out: real8, f: func(v []driver.Value) (any, error) {
		n, m2, _, m4 := moments(floats(v[0]))
		if n < 4 {
			return nil, nil
		}
		return (n-1)*n*(n+1)/((n-2)*(n-3))*m4/(m2*m2) - 3*(n-1)*(n-1)/((n-2)*(n-3)), nil
	}}}
)
