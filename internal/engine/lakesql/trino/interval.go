package trino

import (
	"math/big"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// What predicates leave of a projected column: ranges of texts.

// interval is a range of texts, both ends of which are in it; nil where it has no end.
type interval struct{ low, high *string }

func (r interval) empty() bool { return r.low != nil && r.high != nil && *r.low > *r.high }

// and is what is in both ranges.
func (r interval) and(s interval) interval {
	if r.low == nil || s.low != nil && *s.low > *r.low {
		r.low = s.low
	}
	if r.high == nil || s.high != nil && *s.high < *r.high {
		r.high = s.high
	}
	return r
}

// maxIntervals is how many ranges a column is cut into; where there would be more it is not cut.
const maxIntervals = 1000

// intervals are ranges in order, which have nothing in common.
type intervals []interval

var everything = intervals{{}}

// joined puts ranges in order, and makes one of those that overlap.
func joined(list intervals) intervals {
	list = slices.DeleteFunc(list, interval.empty)
	slices.SortFunc(list, func(a, b interval) int {
		switch {
		case a.low == nil && b.low == nil:
			return 0
		case a.low == nil:
			return -1
		case b.low == nil:
			return 1
		}
		return strings.Compare(*a.low, *b.low)
	})
	var out intervals
	for _, r := range list {
		if n := len(out); n > 0 && (out[n-1].high == nil || r.low == nil || *r.low <= *out[n-1].high) {
			if h := out[n-1].high; h != nil && (r.high == nil || *r.high > *h) {
				out[n-1].high = r.high
			}
			continue
		}
		out = append(out, r)
	}
	if len(out) > maxIntervals {
		return everything
	}
	return out
}

func (s intervals) and(t intervals) intervals {
	if len(s)*len(t) > maxIntervals {
		return s
	}
	var out intervals
	for _, a := range s {
		for _, b := range t {
			out = append(out, a.and(b))
		}
	}
	return joined(out)
}

// within is the ranges that comparisons with constants leave a column.
func within(name string, p *pruner, where []sql.Expr) intervals {
	p.set = make([]bool, len(p.columns))
	out := everything
	for _, x := range where {
		out = out.and(p.intervals(x, name))
	}
	return out
}

// intervals is what one predicate leaves.
func (p *pruner) intervals(x sql.Expr, name string) intervals {
	text := func(x sql.Expr) *string {
		if v, ok := p.value(x); ok && v.number == nil {
			return &v.text
		}
		return nil
	}
	switch x := x.(type) {
	case *sql.Operation:
		switch x.Op {
		case "AND":
			return p.intervals(x.Left, name).and(p.intervals(x.Right, name))
		case "OR":
			return joined(slices.Concat(p.intervals(x.Left, name), p.intervals(x.Right, name)))
		}
		op, other := x.Op, x.Right
		if !p.isColumn(x.Left, name) {
			if op, other = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}[op], x.Left; !p.isColumn(x.Right, name) {
				return everything
			}
		}
		v := text(other)
		switch op {
		case "=":
			return intervals{{v, v}}
		case ">", ">=":
			return intervals{{low: v}}
		case "<", "<=":
			return intervals{{high: v}}
		}
	case *sql.Between:
		if !x.Not && p.isColumn(x.X, name) {
			return joined(intervals{{text(x.Low), text(x.High)}})
		}
	case *sql.Like:
		if pattern, ok := p.likeText(x); ok && !x.Not && p.isColumn(x.X, name) {
			prefix, rest, _ := strings.Cut(pattern, "%")
			if at := strings.IndexByte(prefix, '_'); at >= 0 {
				prefix = prefix[:at]
			} else if rest == "" && prefix == pattern {
				return intervals{{&prefix, &prefix}}
			}
			last := prefix + "\U0010FFFF"
			return intervals{{&prefix, &last}}
		}
	case *sql.In:
		if x.Not || x.Query != nil || !p.isColumn(x.X, name) {
			return everything
		}
		var out intervals
		for _, y := range x.List {
			v := text(y)
			out = append(out, interval{v, v})
		}
		return joined(out)
	}
	return everything
}

// likeText is the text of a constant pattern of LIKE without an escape.
func (p *pruner) likeText(x *sql.Like) (string, bool) {
	v, ok := p.value(x.Pattern)
	return v.text, ok && v.number == nil && x.Escape == nil
}

// like reports whether a pattern of LIKE matches a text.
func like(pattern, text []rune) bool {
	// Where the part behind the last % does not match, that % stands for one more character.
	i, j, percent, from := 0, 0, -1, 0
	for j < len(text) {
		switch {
		case i < len(pattern) && pattern[i] == '%':
			percent, from = i, j
			i++
		case i < len(pattern) && (pattern[i] == '_' || pattern[i] == text[j]):
			i, j = i+1, j+1
		case percent >= 0:
			from++
			i, j = percent+1, from
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == '%' {
		i++
	}
	return i == len(pattern)
}

// chosen is the values that the predicates give a column by =, IN, or an OR of these.
func chosen(name string, p *pruner, where []sql.Expr) []string {
	for _, x := range where {
		if values := p.chosen(x, name); values != nil {
			slices.Sort(values)
			return slices.Compact(values)
		}
	}
	return nil
}

func (p *pruner) chosen(x sql.Expr, name string) []string {
	if o, ok := x.(*sql.Operation); ok && o.Op == "OR" {
		left := p.chosen(o.Left, name)
		if left == nil {
			return nil
		}
		right := p.chosen(o.Right, name)
		if right == nil {
			return nil
		}
		return append(left, right...)
	}
	return injected(name, p, []sql.Expr{x})
}

// wholes is the range of numbers that comparisons with constants leave a column, both ends of which are in
// it; nil where it has no end.
func (p *pruner) wholes(name string, where []sql.Expr) (low, high *big.Rat) {
	p.set = make([]bool, len(p.columns))
	limit := func(op string, x sql.Expr) {
		v, ok := p.value(x)
		if !ok || v.number == nil {
			return
		}
		if (op == "=" || op == ">" || op == ">=") && (low == nil || low.Cmp(v.number) < 0) {
			low = v.number
		}
		if (op == "=" || op == "<" || op == "<=") && (high == nil || high.Cmp(v.number) > 0) {
			high = v.number
		}
	}
	for _, x := range where {
		switch x := x.(type) {
		case *sql.Operation:
			if p.isColumn(x.Left, name) {
				limit(x.Op, x.Right)
			} else if p.isColumn(x.Right, name) {
				limit(map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}[x.Op], x.Left)
			}
		case *sql.Between:
			if !x.Not && p.isColumn(x.X, name) {
				limit(">=", x.Low)
				limit("<=", x.High)
			}
		}
	}
	return low, high
}

// narrowedWholes leaves out of a range of whole numbers, in steps from its first, what is outside of
// another; not ok where nothing is left.
func narrowedWholes(from, to, step int64, low, high *big.Rat) (first, last int64, ok bool) {
	if high != nil {
		if high.Cmp(new(big.Rat).SetInt64(from)) < 0 {
			return 0, 0, false
		}
		if high.Cmp(new(big.Rat).SetInt64(to)) < 0 {
			to = new(big.Int).Div(high.Num(), high.Denom()).Int64() // rounded down
		}
	}
	if low != nil && low.Cmp(new(big.Rat).SetInt64(from)) > 0 {
		// How many steps there are to it, rounded up.
		steps := new(big.Rat).Sub(low, new(big.Rat).SetInt64(from))
		steps.Quo(steps, new(big.Rat).SetInt64(step))
		n := new(big.Int).Div(new(big.Int).Sub(new(big.Int).Add(steps.Num(), steps.Denom()), big.NewInt(1)), steps.Denom())
		n.Add(n.Mul(n, big.NewInt(step)), big.NewInt(from))
		if n.Cmp(big.NewInt(to)) > 0 {
			return 0, 0, false
		}
		from = n.Int64()
	}
	return from, to, from <= to
}
