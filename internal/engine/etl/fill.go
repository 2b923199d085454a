package etl

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// FillMissingValues adds a column in which the values of another that are missing, null or an empty text, are estimated
// from the rows that have one. Numbers are estimated by a linear regression on the other columns of numbers, all else by
// the frequencies of the other columns' values among the rows of each value (naive Bayes). Rows that have a value keep it.
type FillMissingValues struct {
	Column []string // whose values are missing
	To     []string // the new column; empty: that of Column with "_filled"
}

// Bounds on what an estimate is made from.
const (
	maxFeatures = 32   // other columns
	maxClasses  = 1000 // values of a column that is not of numbers
)

// Check implements Transform.
func (t FillMissingValues) Check(n int) error {
	if len(t.Column) == 0 || slices.Contains(t.Column, "") {
		return errors.New("ImputedPath names no column")
	}
	if len(t.To) > 1 {
		return errors.New("FilledPath names a field within another: it names a column")
	}
	return oneInput(n)
}

func (t FillMissingValues) target() string {
	if len(t.To) > 0 {
		return t.To[0]
	}
	return strings.Join(t.Column, ".") + "_filled"
}

// Apply implements Transform.
func (t FillMissingValues) Apply(ctx context.Context, in []*Frame) ([]*Frame, error) {
	f := in[0]
	value, typ := f.at(t.Column)
	if value == nil {
		return nil, fmt.Errorf("there is no column %q", strings.Join(t.Column, "."))
	}
	if nests(typ) {
		return nil, fmt.Errorf("the column %q is of the type %s, whose values cannot be estimated", strings.Join(t.Column, "."), typ)
	}
	name := t.target()
	if f.Column(name) >= 0 {
		return nil, fmt.Errorf("there is a column %q already", name)
	}
	rows := f.Rows()
	missing := func(row []any) bool {
		v := value(row)
		return v == nil || v == ""
	}
	var known [][]any
	for _, row := range rows {
		if !missing(row) {
			known = append(known, row)
		}
	}
	var estimate func(row []any) any
	switch {
	case len(known) == len(rows):
	case len(known) == 0:
		return nil, fmt.Errorf("the column %q has no value in any row, so that none can be estimated", strings.Join(t.Column, "."))
	case numberRank(typ.Kind) > 0 || typ.Kind == hivetype.Decimal:
		estimate = regression(f, t.Column, value, known)
	default:
		var err error
		if estimate, err = classifier(f, t.Column, value, known); err != nil {
			return nil, err
		}
	}
	out := &Frame{Columns: append(slices.Clone(f.Columns), Column{name, typ})}
	for i, row := range rows {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		v := value(row)
		if missing(row) {
			v = estimate(row)
			if x, ok := v.(float64); ok && numberRank(typ.Kind) > 0 && typ.Kind != hivetype.Double && typ.Kind != hivetype.Float && typ.Kind != hivetype.Decimal {
				v = math.Round(x)
			}
			v, _ = cast(v, typ)
		}
		out.rows = append(out.rows, append(slices.Clone(row), v))
	}
	return []*Frame{out}, nil
}

// features are the other columns of some kinds.
func features(f *Frame, column []string, is func(*hivetype.Type) bool) []int {
	var out []int
	for i, c := range f.Columns {
		if !strings.EqualFold(c.Name, column[0]) && is(c.Type) && len(out) < maxFeatures {
			out = append(out, i)
		}
	}
	return out
}

// regression is the linear function of the other numbers with the least squares of errors. A number that is missing counts
// as the mean of its column.
func regression(f *Frame, column []string, value func([]any) any, known [][]any) func([]any) any {
	of := features(f, column, func(t *hivetype.Type) bool { return numberRank(t.Kind) > 0 })
	means, scales := make([]float64, len(of)), make([]float64, len(of))
	for j, i := range of {
		n := 0.0
		for _, row := range known {
			if x, ok := toFloat(row[i]); ok {
				means[j] += x
				n++
			}
		}
		means[j] /= max(n, 1)
		for _, row := range known {
			if x, ok := toFloat(row[i]); ok {
				scales[j] += (x - means[j]) * (x - means[j])
			}
		}
		if scales[j] = math.Sqrt(scales[j] / max(n, 1)); scales[j] == 0 {
			scales[j] = 1
		}
	}
	point := func(row []any) []float64 { // centered, so that the constant is the mean
		p := make([]float64, len(of))
		for j, i := range of {
			if x, ok := toFloat(row[i]); ok {
				p[j] = (x - means[j]) / scales[j]
			}
		}
		return p
	}
	mean := 0.0
	for _, row := range known {
		y, _ := toFloat(value(row))
		mean += y / float64(len(known))
	}
	matrix := make([][]float64, len(of))
	for j := range matrix {
		matrix[j] = make([]float64, len(of)+1)
		matrix[j][j] = 1e-9 // columns that follow from others share what they say
	}
	for _, row := range known {
		y, _ := toFloat(value(row))
		p := point(row)
		for j := range p {
			for k := range p {
				matrix[j][k] += p[j] * p[k] / float64(len(known))
			}
			matrix[j][len(of)] += p[j] * (y - mean) / float64(len(known))
		}
	}
	weights := solved(matrix)
	return func(row []any) any {
		y := mean
		for j, x := range point(row) {
			y += weights[j] * x
		}
		return y
	}
}

// solved is the solution of linear equations, by elimination.
func solved(m [][]float64) []float64 {
	n := len(m)
	for i := range n {
		best := i
		for j := i; j < n; j++ {
			if math.Abs(m[j][i]) > math.Abs(m[best][i]) {
				best = j
			}
		}
		m[i], m[best] = m[best], m[i]
		if m[i][i] == 0 {
			continue
		}
		for j := range n {
			if j == i {
				continue
			}
			by := m[j][i] / m[i][i]
			for k := i; k <= n; k++ {
				m[j][k] -= by * m[i][k]
			}
		}
	}
	out := make([]float64, n)
	for i := range out {
		if m[i][i] != 0 {
			out[i] = m[i][n] / m[i][i]
		}
	}
	return out
}

// classifier is the value that is most likely by the other columns' values.
func classifier(f *Frame, column []string, value func([]any) any, known [][]any) (func([]any) any, error) {
	of := features(f, column, func(t *hivetype.Type) bool { return !nests(t) })
	type class struct {
		value any
		rows  float64
		seen  []map[string]float64 // a feature: how often a value is there
	}
	index := make(map[string]*class)
	var order []*class
	distinct := make([]map[string]bool, len(of))
	for j := range distinct {
		distinct[j] = make(map[string]bool)
	}
	for _, row := range known {
		v := value(row)
		c := index[textOf(v)]
		if c == nil {
			if len(order) == maxClasses {
				return nil, fmt.Errorf("the column %q has more than %d different values, too many to estimate which is missing", strings.Join(column, "."), maxClasses)
			}
			c = &class{value: v, seen: make([]map[string]float64, len(of))}
			for j := range of {
				c.seen[j] = make(map[string]float64)
			}
			index[textOf(v)], order = c, append(order, c)
		}
		c.rows++
		for j, i := range of {
			if row[i] != nil {
				c.seen[j][textOf(row[i])]++
				distinct[j][textOf(row[i])] = true
			}
		}
	}
	return func(row []any) any {
		var best *class
		score := math.Inf(-1)
		for _, c := range order {
			s := math.Log(c.rows)
			for j, i := range of {
				if row[i] != nil {
					s += math.Log((c.seen[j][textOf(row[i])] + 1) / (c.rows + float64(len(distinct[j])) + 1))
				}
			}
			if s > score {
				best, score = c, s
			}
		}
		return best.value
	}, nil
}
