package etl

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Aggregate groups rows by columns and gives one row a group; without Groups one row of all.
type Aggregate struct {
	Groups [][]string
	Aggs   []Aggregation
}

// Aggregation is one column of an Aggregate. Values that are null are passed over, but by first and last, as Spark does.
type Aggregation struct {
	Func   string // one of aggregations
	Column []string
}

var aggregations = []string{
	"avg", "count", "countDistinct", "first", "kurtosis", "last", "max", "min", "skewness", "stddev_pop", "stddev_samp", "sum", "sumDistinct", "var_pop", "var_samp",
}

// Check implements Transform.
func (t Aggregate) Check(n int) error {
	if len(t.Aggs) == 0 {
		return errors.New("it has no aggregation")
	}
	for _, a := range t.Aggs {
		if !slices.Contains(aggregations, a.Func) {
			return fmt.Errorf("the aggregation %q is not supported", a.Func)
		}
		if len(a.Column) == 0 {
			return errors.New("an aggregation has no column")
		}
	}
	return errors.Join(oneInput(n), checkPaths(t.Groups))
}

// name is what Spark calls the column.
func (a Aggregation) name() string {
	column := strings.Join(a.Column, ".")
	if plain, ok := strings.CutSuffix(a.Func, "Distinct"); ok {
		return plain + "(DISTINCT " + column + ")"
	}
	return a.Func + "(" + column + ")"
}

// result is the type of an aggregation of values of a type, as Spark has it.
func (a Aggregation) result(t *hivetype.Type) (*hivetype.Type, error) {
	switch a.Func {
	case "first", "last":
		return t, nil
	case "max", "min":
		if t.Kind == hivetype.Map {
			return nil, fmt.Errorf("%s of %s: maps have no order", a.Func, strings.Join(a.Column, "."))
		}
		return t, nil
	case "count", "countDistinct":
		return bigintType, nil
	}
	if nests(t) || t.Kind == hivetype.Boolean || t.Kind == hivetype.Date || t.Kind == hivetype.Timestamp || t.Kind == hivetype.Binary {
		return nil, fmt.Errorf("%s of %s: it is of the type %s, which is not a number", a.Func, strings.Join(a.Column, "."), t)
	}
	sums := a.Func == "sum" || a.Func == "sumDistinct"
	switch {
	case sums && t.Kind == hivetype.Decimal:
		return &hivetype.Type{Kind: hivetype.Decimal, Precision: min(t.Precision+10, hivetype.MaxPrecision), Scale: t.Scale}, nil
	case a.Func == "avg" && t.Kind == hivetype.Decimal:
		return &hivetype.Type{Kind: hivetype.Decimal, Precision: min(t.Precision+4, hivetype.MaxPrecision), Scale: min(t.Scale+4, hivetype.MaxPrecision)}, nil
	case sums && (t.Kind == hivetype.BigInt || t.Kind == hivetype.Int || t.Kind == hivetype.SmallInt || t.Kind == hivetype.TinyInt):
		return bigintType, nil
	}
	return doubleType, nil
}

// Apply implements Transform.
func (t Aggregate) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	f := in[0]
	out := &Frame{}
	var groups, values []func([]any) any
	for _, p := range t.Groups {
		v, typ := f.at(p)
		if v == nil {
			return nil, fmt.Errorf("there is no column %q", strings.Join(p, "."))
		}
		groups = append(groups, v)
		out.Columns = append(out.Columns, Column{p[len(p)-1], typ})
	}
	for _, a := range t.Aggs {
		v, typ := f.at(a.Column)
		if v == nil {
			return nil, fmt.Errorf("there is no column %q", strings.Join(a.Column, "."))
		}
		typ, err := a.result(typ)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		out.Columns = append(out.Columns, Column{a.name(), typ})
	}
	type group struct {
		key    []any
		values [][]any
	}
	index := make(map[string]*group)
	var order []*group
	var key []byte
	rows := f.Rows()
	if len(groups) == 0 && len(rows) == 0 {
		order = append(order, &group{values: make([][]any, len(values))})
	}
	for _, row := range rows {
		k := make([]any, len(groups))
		key = key[:0]
		for i, g := range groups {
			k[i] = g(row)
			key = append(appendJSON(key, k[i]), 0)
		}
		g := index[string(key)]
		if g == nil {
			g = &group{key: k, values: make([][]any, len(values))}
			index[string(key)], order = g, append(order, g)
		}
		for i, value := range values {
			if v := value(row); v != nil || t.Aggs[i].Func == "first" || t.Aggs[i].Func == "last" {
				g.values[i] = append(g.values[i], v)
			}
		}
	}
	for _, g := range order {
		row := slices.Clone(g.key)
		for i, a := range t.Aggs {
			v, _ := cast(aggregate(a.Func, g.values[i], out.Columns[len(groups)+i].Type), out.Columns[len(groups)+i].Type)
			row = append(row, v)
		}
		out.rows = append(out.rows, row)
	}
	return []*Frame{out}, nil
}

// aggregate is the result of a function, which has the type to.
func aggregate(function string, values []any, to *hivetype.Type) any {
	if rest, ok := strings.CutSuffix(function, "Distinct"); ok {
		seen := make(map[string]bool)
		values = slices.DeleteFunc(slices.Clone(values), func(v any) bool {
			k := string(appendJSON(nil, v))
			was := seen[k]
			seen[k] = true
			return was
		})
		function = rest
	}
	if function == "count" {
		return int64(len(values))
	}
	if len(values) == 0 {
		return nil
	}
	switch function {
	case "first":
		return values[0]
	case "last":
		return values[len(values)-1]
	case "max":
		return slices.MaxFunc(values, compare)
	case "min":
		return slices.MinFunc(values, compare)
	case "sum", "avg":
		if to.Kind == hivetype.Decimal {
			return exactly(values, function == "avg", to.Scale)
		}
		if to.Kind == hivetype.BigInt {
			sum := int64(0)
			for _, v := range values {
				n, _ := toInt(v)
				sum += n
			}
			return sum
		}
	}
	numbers := make([]float64, 0, len(values))
	for _, v := range values {
		if x, ok := toFloat(v); ok { // a text that is not a number is null
			numbers = append(numbers, x)
		}
	}
	n := float64(len(numbers))
	if n == 0 {
		return nil
	}
	sum := 0.0
	for _, x := range numbers {
		sum += x
	}
	switch function {
	case "sum":
		return sum
	case "avg":
		return sum / n
	}
	return moment(function, numbers, sum/n)
}

// moment is a function of the central moments of numbers; nil where it would divide by zero.
func moment(function string, numbers []float64, mean float64) any {
	n := float64(len(numbers))
	var m2, m3, m4 float64
	for _, x := range numbers {
		d := x - mean
		m2 += d * d
		m3 += d * d * d
		m4 += d * d * d * d
	}
	switch function {
	case "var_pop":
		return m2 / n
	case "stddev_pop":
		return math.Sqrt(m2 / n)
	}
	if strings.HasSuffix(function, "_samp") {
		switch {
		case n == 1:
			return nil
		case function == "var_samp":
			return m2 / (n - 1)
		}
		return math.Sqrt(m2 / (n - 1))
	}
	switch {
	case m2 == 0:
		return nil
	case function == "skewness":
		return math.Sqrt(n) * m3 / math.Sqrt(m2*m2*m2)
	}
	return n*m4/(m2*m2) - 3 // kurtosis, of which a normal distribution has none
}

// exactly is the sum of decimals, or their mean. A text that is not a number is null.
func exactly(values []any, mean bool, scale int) any {
	sum, n := new(big.Rat), int64(0)
	for _, v := range values {
		if x, ok := toRat(v); ok {
			sum.Add(sum, x)
			n++
		}
	}
	if n == 0 {
		return nil
	}
	if mean {
		sum.Quo(sum, big.NewRat(n, 1))
	}
	return sum.FloatString(scale)
}
