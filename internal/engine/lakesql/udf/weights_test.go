package udf

import (
	"database/sql/driver"
	"math"
	"testing"
)

func TestNumericHistogramKeepsTheWeight(t *testing.T) {
	var values, weights []any
	total := 0.0
	for i := range 5000 {
		values, weights = append(values, float64(i*7919%5000)), append(weights, float64(i%3+1))
		total += float64(i%3 + 1)
	}
	got, err := numericHistogram.f([]driver.Value{int64(20), values, weights})
	if err != nil {
		t.Fatal(err)
	}
	pairs := got.([]any)
	if len(pairs) != 2*20 {
		t.Fatalf("%d buckets", len(pairs)/2)
	}
	sum, last := 0.0, math.Inf(-1)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i].(float64) <= last {
			t.Errorf("bucket %d is not after the one before it", i/2)
		}
		last = pairs[i].(float64)
		sum += pairs[i+1].(float64)
	}
	if math.Abs(sum-total) > 1e-6 {
		t.Errorf("weight %v, want %v", sum, total)
	}
	if _, err := numericHistogram.f([]driver.Value{int64(2), []any{math.NaN()}, []any{1.0}}); err == nil {
		t.Error("a value that is not a number is taken")
	}
}
