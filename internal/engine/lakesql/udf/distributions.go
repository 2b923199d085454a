package udf

import (
	"database/sql/driver"
	"math"

	"github.com/duckdb/duckdb-go/v2"
)

// Distributions by the incomplete beta function, which is a continued fraction (Press and others,
// "Numerical Recipes", 6.4).

// incompleteBeta is the share of the beta distribution of a and b below x.
func incompleteBeta(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - incompleteBeta(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny, steps = 1e-300, 10_000
	safe := func(f float64) float64 {
		if math.Abs(f) < tiny {
			return tiny
		}
		return f
	}
	c, d := 1.0, 1/safe(1-(a+b)*x/(a+1))
	out := d
	for m := 1.0; m < steps; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/safe(1+even*d), safe(1+even/c)
		out *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/safe(1+odd*d), safe(1+odd/c)
		out *= d * c
		if math.Abs(d*c-1) < 1e-16 {
			break
		}
	}
	return front * out
}

// inverseBeta is where incompleteBeta has a value.
func inverseBeta(a, b, p float64) float64 {
	low, high := 0.0, 1.0
	for range 200 {
		middle := (low + high) / 2
		if middle == low || middle == high {
			break
		}
		if incompleteBeta(a, b, middle) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

func tShare(x, freedom float64) float64 {
	tail := incompleteBeta(freedom/2, 0.5, freedom/(freedom+x*x)) / 2
	if x > 0 {
		return 1 - tail
	}
	return tail
}

func tDensity(x, freedom float64) float64 {
	top, _ := math.Lgamma((freedom + 1) / 2)
	bottom, _ := math.Lgamma(freedom / 2)
	return math.Exp(top-bottom-(freedom+1)/2*math.Log1p(x*x/freedom)) / math.Sqrt(freedom*math.Pi)
}

func init() {
	beta := func(what string, f func(a, b, x float64) float64) scalar {
		return scalar{in: []duckdb.Type{real8, real8, real8}, out: real8, f: func(v []driver.Value) (any, error) {
			a, b, x := v[0].(float64), v[1].(float64), v[2].(float64)
			switch {
			case !(a > 0 && b > 0):
				return nil, argumentError("a, b must be > 0")
			case !(x >= 0 && x <= 1):
				return nil, argumentError("%s must be in the interval [0, 1]", what)
			}
			return f(a, b, x), nil
		}}
	}
	udfs["beta_cdf"] = beta("value", incompleteBeta)
	udfs["inverse_beta_cdf"] = beta("p", inverseBeta)
	student := func(f func(x, freedom float64) float64) scalar {
		return scalar{in: []duckdb.Type{real8, real8}, out: real8, f: func(v []driver.Value) (any, error) {
			if !(v[1].(float64) > 0) {
				return nil, argumentError("df must be greater than 0")
			}
			return f(v[0].(float64), v[1].(float64)), nil
		}}
	}
	udfs["t_cdf"], udfs["t_pdf"] = student(tShare), student(tDensity)
}
