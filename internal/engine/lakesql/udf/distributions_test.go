package udf

import (
	"math"
	"testing"
)

// TestDistributions: the values of Trino's tests, and those of tables of the distributions.
func TestDistributions(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"beta_cdf(3, 3.6, 0)", incompleteBeta(3, 3.6, 0), 0},
		{"beta_cdf(3, 3.6, 1)", incompleteBeta(3, 3.6, 1), 1},
		{"beta_cdf(3, 3.6, 0.3)", incompleteBeta(3, 3.6, 0.3), 0.21764809997679938},
		{"beta_cdf(3, 3.6, 0.9)", incompleteBeta(3, 3.6, 0.9), 0.9972502881611551},
		{"inverse_beta_cdf(3, 3.6, 0.5)", incompleteBeta(3, 3.6, inverseBeta(3, 3.6, 0.5)), 0.5},
		{"t_cdf(0, 5)", tShare(0, 5), 0.5},
		{"t_cdf(2.015048373333024, 5)", tShare(2.015048373333024, 5), 0.95},
		{"t_cdf(-1, 1)", tShare(-1, 1), 0.25},
		{"t_pdf(0, 1)", tDensity(0, 1), 1 / math.Pi},
	} {
		if math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}
