package streamsql

import (
	"math"
	"strings"
)

// aggregateFunction is an aggregate function. All of them can be used with GROUP BY and with OVER.
type aggregateFunction struct {
	Name, Syntax, Doc string

	takes  param
	result func(Type) Type
	// groups makes the state of all groups of a window for values of a type, slide that of one
	// sliding window.
	groups func(Type) groupState
	slide  func(Type) slider
}

// groupState is the state of one aggregate for the groups of a window, which count from 0.
type groupState interface {
	size(n int)             // there are n groups now
	add(group int, v value) // v is not null
	result(group int) (value, *rowError)
	bytes() int64 // of one group
	save(*encoder)
	load(*decoder)
}

var aggregates map[string]*aggregateFunction

var aggregateTable = []aggregateFunction{
	{Name: "COUNT", Syntax: "COUNT(*) or COUNT([DISTINCT] value)", Doc: "How many rows there are, or values that are not null.", takes: anyType,
		result: func(Type) Type { return Type{Kind: BigInt} }, groups: func(Type) groupState { return &counts{} }, slide: func(Type) slider { return &slidingSum{} }},
	{Name: "SUM", Syntax: "SUM([DISTINCT] number)", Doc: "The sum.", takes: numeric, result: sumType, groups: func(t Type) groupState { return newSums(t, false) }, slide: func(t Type) slider { return &slidingSum{t: t} }},
	{Name: "AVG", Syntax: "AVG([DISTINCT] number)", Doc: "The average; of whole numbers a whole number.", takes: numeric, result: func(t Type) Type { return t }, groups: func(t Type) groupState { return newSums(t, true) }, slide: func(t Type) slider { return &slidingSum{t: t, average: true} }},
	{Name: "MIN", Syntax: "MIN(value)", Doc: "The least value.", takes: anyType, result: func(t Type) Type { return t }, groups: func(t Type) groupState { return &extremes{t: t, sign: -1} }, slide: func(t Type) slider { return &slidingExtreme{t: t, sign: -1} }},
	{Name: "MAX", Syntax: "MAX(value)", Doc: "The greatest value.", takes: anyType, result: func(t Type) Type { return t }, groups: func(t Type) groupState { return &extremes{t: t, sign: 1} }, slide: func(t Type) slider { return &slidingExtreme{t: t, sign: 1} }},
	{Name: "FIRST_VALUE", Syntax: "FIRST_VALUE(value)", Doc: "The value of the first row.", takes: anyType, result: func(t Type) Type { return t }, groups: func(t Type) groupState { return &extremes{t: t, first: true} }},
	{Name: "LAST_VALUE", Syntax: "LAST_VALUE(value)", Doc: "The value of the last row.", takes: anyType, result: func(t Type) Type { return t }, groups: func(t Type) groupState { return &extremes{t: t, last: true} }},
	{Name: "STDDEV_POP", Syntax: "STDDEV_POP(number)", Doc: "The standard deviation of a population.", takes: floating, result: doubleType, groups: moments(false, true), slide: slidingMoments(false, true)},
	{Name: "STDDEV_SAMP|STDDEV", Syntax: "STDDEV_SAMP(number)", Doc: "The standard deviation of a sample.", takes: floating, result: doubleType, groups: moments(true, true), slide: slidingMoments(true, true)},
	{Name: "VAR_POP", Syntax: "VAR_POP(number)", Doc: "The variance of a population.", takes: floating, result: doubleType, groups: moments(false, false), slide: slidingMoments(false, false)},
	{Name: "VAR_SAMP|VARIANCE", Syntax: "VAR_SAMP(number)", Doc: "The variance of a sample.", takes: floating, result: doubleType, groups: moments(true, false), slide: slidingMoments(true, false)},
	{Name: "ANY|SOME", Syntax: "ANY(condition)", Doc: "Whether a condition is true for a row.", takes: logical, result: func(Type) Type { return Type{Kind: Boolean} }, groups: func(t Type) groupState { return &extremes{t: t, sign: 1} }, slide: func(t Type) slider { return &slidingExtreme{t: t, sign: 1} }},
	{Name: "EVERY", Syntax: "EVERY(condition)", Doc: "Whether a condition is true for all rows.", takes: logical, result: func(Type) Type { return Type{Kind: Boolean} }, groups: func(t Type) groupState { return &extremes{t: t, sign: -1} }, slide: func(t Type) slider { return &slidingExtreme{t: t, sign: -1} }},
}

func init() {
	aggregates = map[string]*aggregateFunction{}
	for i := range aggregateTable {
		for _, n := range strings.Split(aggregateTable[i].Name, "|") {
			aggregates[n] = &aggregateTable[i]
		}
	}
}

func doubleType(Type) Type { return Type{Kind: Double} }

func sumType(t Type) Type {
	switch {
	case t.isInteger():
		return Type{Kind: BigInt}
	case t.Kind == Decimal:
		return Type{Kind: Decimal, Precision: 18, Scale: t.Scale}
	}
	return Type{Kind: Double}
}

func grow[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	g := make([]T, n, max(n, 2*cap(s), 8))
	copy(g, s)
	return g
}

// counts is COUNT.
type counts struct{ n []int64 }

func (s *counts) size(n int)                      { s.n = grow(s.n, n) }
func (s *counts) add(g int, _ value)              { s.n[g]++ }
func (s *counts) result(g int) (value, *rowError) { return whole(s.n[g]), nil }
func (s *counts) bytes() int64                    { return 8 }
func (s *counts) save(e *encoder)                 { e.ints(s.n) }
func (s *counts) load(d *decoder)                 { s.n = d.ints() }

// sums is SUM and AVG of whole numbers and decimals.
type sums struct {
	t       Type
	average bool
	n, sum  []int64
	over    map[int]bool // groups whose sum does not fit
}

func newSums(t Type, average bool) groupState {
	if t.isApprox() {
		return &floatSums{t: t, average: average}
	}
	return &sums{t: t, average: average}
}

func (s *sums) size(n int) { s.n, s.sum = grow(s.n, n), grow(s.sum, n) }

func (s *sums) add(g int, v value) {
	s.n[g]++
	r := s.sum[g] + v.i
	if (s.sum[g]^r)&(v.i^r) < 0 {
		if s.over == nil {
			s.over = map[int]bool{}
		}
		s.over[g] = true
	}
	s.sum[g] = r
}

func (s *sums) result(g int) (value, *rowError) {
	switch {
	case s.n[g] == 0:
		return null, nil
	case s.over[g] || s.t.Kind == Decimal && magnitude(s.sum[g]) >= uint64(powers[18]):
		return null, errOverflow
	case s.average:
		return whole(s.sum[g] / s.n[g]), nil
	}
	return whole(s.sum[g]), nil
}

func (s *sums) bytes() int64 { return 16 }
func (s *sums) save(e *encoder) {
	e.ints(s.n)
	e.ints(s.sum)
	e.int(int64(len(s.over)))
	for g := range s.n {
		if s.over[g] {
			e.int(int64(g))
		}
	}
}
func (s *sums) load(d *decoder) {
	s.n, s.sum = d.ints(), d.ints()
	for range d.count() {
		if s.over == nil {
			s.over = map[int]bool{}
		}
		s.over[int(d.int())] = true
	}
}

// floatSums is SUM and AVG of REAL and DOUBLE.
type floatSums struct {
	t       Type
	average bool
	n       []int64
	sum     []float64
}

func (s *floatSums) size(n int) { s.n, s.sum = grow(s.n, n), grow(s.sum, n) }
func (s *floatSums) add(g int, v value) {
	s.n[g]++
	s.sum[g] += v.float()
}
func (s *floatSums) result(g int) (value, *rowError) {
	if s.n[g] == 0 {
		return null, nil
	}
	f := s.sum[g]
	if s.average {
		f /= float64(s.n[g])
		if s.t.Kind == Real {
			f = float64(float32(f))
		}
	}
	if math.IsInf(f, 0) {
		return null, errOverflow
	}
	return float(f), nil
}
func (s *floatSums) bytes() int64    { return 16 }
func (s *floatSums) save(e *encoder) { e.ints(s.n); e.floats(s.sum) }
func (s *floatSums) load(d *decoder) { s.n, s.sum = d.ints(), d.floats() }

// extremes is MIN, MAX, FIRST_VALUE and LAST_VALUE.
type extremes struct {
	t           Type
	sign        int
	first, last bool
	has         []bool
	ints        []int64
	strs        []string
}

func (s *extremes) size(n int) {
	s.has = grow(s.has, n)
	if s.t.isText() {
		s.strs = grow(s.strs, n)
	} else {
		s.ints = grow(s.ints, n)
	}
}

func (s *extremes) add(g int, v value) {
	if s.has[g] && !s.last {
		if s.first {
			return
		}
		if s.t.isText() {
			if compare(s.t, v, value{s: s.strs[g]})*s.sign <= 0 {
				return
			}
		} else if compare(s.t, v, value{i: s.ints[g]})*s.sign <= 0 {
			return
		}
	}
	s.has[g] = true
	if s.t.isText() {
		s.strs[g] = strings.Clone(v.s)
	} else {
		s.ints[g] = v.i
	}
}

func (s *extremes) result(g int) (value, *rowError) {
	switch {
	case !s.has[g]:
		return null, nil
	case s.t.isText():
		return text(s.strs[g]), nil
	}
	return whole(s.ints[g]), nil
}

func (s *extremes) bytes() int64 {
	if s.t.isText() {
		return 48
	}
	return 9
}
func (s *extremes) save(e *encoder) { e.bools(s.has); e.ints(s.ints); e.strs(s.strs) }
func (s *extremes) load(d *decoder) { s.has, s.ints, s.strs = d.bools(), d.ints(), d.strs() }

// momentSums is the variance and its root.
type momentSums struct {
	sample, root bool
	n            []int64
	mean, m2     []float64
}

func moments(sample, root bool) func(Type) groupState {
	return func(Type) groupState { return &momentSums{sample: sample, root: root} }
}

func (s *momentSums) size(n int) {
	s.n, s.mean, s.m2 = grow(s.n, n), grow(s.mean, n), grow(s.m2, n)
}

func (s *momentSums) add(g int, v value) {
	x := v.float()
	s.n[g]++
	d := x - s.mean[g]
	s.mean[g] += d / float64(s.n[g])
	s.m2[g] += d * (x - s.mean[g])
}

func (s *momentSums) result(g int) (value, *rowError) {
	return deviation(s.n[g], s.m2[g], s.sample, s.root), nil
}

func deviation(n int64, m2 float64, sample, root bool) value {
	if n == 0 || sample && n == 1 {
		return null
	}
	if sample {
		n--
	}
	x := math.Max(m2, 0) / float64(n)
	if root {
		x = math.Sqrt(x)
	}
	return float(x)
}

func (s *momentSums) bytes() int64    { return 24 }
func (s *momentSums) save(e *encoder) { e.ints(s.n); e.floats(s.mean); e.floats(s.m2) }
func (s *momentSums) load(d *decoder) { s.n, s.mean, s.m2 = d.ints(), d.floats(), d.floats() }

// distinctState lets a value of a group through once.
type distinctState struct {
	groupState
	t    Type
	seen map[string]struct{}
	key  []byte
	took int64 // bytes since the owner last asked
}

func (s *distinctState) add(g int, v value) {
	s.key = append(s.key[:0], byte(g), byte(g>>8), byte(g>>16), byte(g>>24))
	s.key = appendKey(s.key, s.t, v)
	if _, ok := s.seen[string(s.key)]; ok {
		return
	}
	s.seen[string(s.key)] = struct{}{}
	s.took += int64(len(s.key)) + 48
	s.groupState.add(g, v)
}

func (s *distinctState) save(e *encoder) {
	s.groupState.save(e)
	e.int(int64(len(s.seen)))
	for _, k := range sortedKeys(s.seen) {
		e.str(k)
	}
}

func (s *distinctState) load(d *decoder) {
	s.groupState.load(d)
	for range d.count() {
		s.seen[d.str()] = struct{}{}
	}
}
