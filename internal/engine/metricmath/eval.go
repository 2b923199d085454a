package metricmath

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Env is what an expression is evaluated in.
type Env struct {
	Start, End, Period int64 // seconds; what FILL and TIME_SERIES make points for

	// Budget is what the evaluation may still work on. Expressions that name each other share it.
	Budget *Budget

	// Lookup is the value of an id.
	Lookup func(id string) (Value, error)

	// Metrics are the series of the request that are metrics, of ids that have a text in them.
	Metrics func(part string) ([]Series, error)

	// Search is the series of a search, of a statistic and a period; 0: the request's.
	Search func(query, statistic string, period int64) ([]Series, error)

	// Band is the lower and the upper bound of what is expected of the metric of an id, at so many
	// deviations.
	Band func(id string, deviations float64) (lower, upper Series, err error)
}

// Budget is how many points are still to be worked on: those of each value that a part of an expression has, whether
// it makes them or only names them. A series counts as seriesCost points more. One goroutine at a time uses it.
type Budget struct{ Points int }

const seriesCost = 20 // an array of empty series holds memory too, and grows by copies

var errTooMany = errors.New("it works on too many data points: ask for a shorter time, longer periods or fewer metrics")

// Take takes points away, or tells that so many are not left.
func (b *Budget) Take(points int64) error {
	if points > int64(b.Points) {
		b.Points = 0 // what comes after is refused too
		return errTooMany
	}
	b.Points -= int(points)
	return nil
}

// Eval evaluates the expression. It is called by one goroutine at a time for an Env.
func (e *Expr) Eval(env *Env) (Value, error) { return env.eval(&e.root) }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var operators = map[string]func(a, b float64) float64{
	"+": func(a, b float64) float64 { return a + b }, "-": func(a, b float64) float64 { return a - b },
	"*": func(a, b float64) float64 { return a * b }, "/": func(a, b float64) float64 { return a / b }, "^": math.Pow,
	"<": func(a, b float64) float64 { return truth(a < b) }, "<=": func(a, b float64) float64 { return truth(a <= b) },
	">": func(a, b float64) float64 { return truth(a > b) }, ">=": func(a, b float64) float64 { return truth(a >= b) },
	"==": func(a, b float64) float64 { return truth(a == b) }, "!=": func(a, b float64) float64 { return truth(a != b) },
	"&&": func(a, b float64) float64 { return truth(a != 0 && b != 0) }, "||": func(a, b float64) float64 { return truth(a != 0 || b != 0) },
}

// eval is the value of a part, which is taken from the budget.
func (env *Env) eval(n *node) (Value, error) {
	v, err := env.part(n)
	if err == nil && !v.Scalar {
		err = env.Budget.Take(v.cost())
	}
	return v, err
}

func (env *Env) part(n *node) (Value, error) {
	switch n.op {
	case "number":
		return number(n.value), nil
	case "id":
		return env.Lookup(n.name)
	case "text", "word":
		return Value{}, fmt.Errorf("%q is not a value", n.name)
	case "neg":
		v, err := env.eval(&n.args[0])
		if err != nil {
			return v, err
		}
		return v.each(func(_ int64, v float64) float64 { return -v }), nil
	case "list":
		out := Value{Many: true}
		for i := range n.args {
			v, err := env.eval(&n.args[i])
			if err != nil {
				return v, err
			}
			if v.Scalar {
				return v, errors.New("an array has time series, not scalars")
			}
			out.Series = append(out.Series, v.Series...)
		}
		return out, nil
	case "call":
		return functions[n.name].call(env, n)
	}
	a, err := env.eval(&n.args[0])
	if err != nil {
		return a, err
	}
	b, err := env.eval(&n.args[1])
	if err != nil {
		return b, err
	}
	return combine(a, b, n.op, operators[n.op])
}

// series is an argument that is not a number.
func (env *Env) series(n *node, i int) (Value, error) {
	v, err := env.eval(&n.args[i])
	if err == nil && v.Scalar {
		err = fmt.Errorf("argument %d of %s is a scalar, and has to be a time series", i+1, n.name)
	}
	return v, err
}

// one is an argument that is one series.
func (env *Env) one(n *node, i int) (Series, error) {
	v, err := env.series(n, i)
	if err == nil && v.Many {
		err = fmt.Errorf("argument %d of %s is an array, and has to be one time series", i+1, n.name)
	}
	if err != nil {
		return Series{}, err
	}
	return v.Series[0], nil
}

func (env *Env) number(n *node, i int) (float64, error) {
	v, err := env.eval(&n.args[i])
	if err == nil && !v.Scalar {
		err = fmt.Errorf("argument %d of %s is %s, and has to be a scalar", i+1, n.name, v.kind())
	}
	return v.Number, err
}

func text(n *node, i int) (string, error) {
	if n.args[i].op != "text" {
		return "", fmt.Errorf("argument %d of %s has to be a text", i+1, n.name)
	}
	return n.args[i].name, nil
}

func word(n *node, i int, words ...string) (string, error) {
	if n.args[i].op == "word" {
		for _, w := range words {
			if n.args[i].name == w {
				return w, nil
			}
		}
	}
	return "", fmt.Errorf("argument %d of %s has to be one of %s", i+1, n.name, strings.Join(words, ", "))
}
