package udf

import (
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
)

// TestBounded: what a function makes for the rows of one call is bounded, and begins anew with the next call; a panic of
// one is an error of its statement.
func TestBounded(t *testing.T) {
	f := bounded{scalar{f: func(v []driver.Value) (any, error) { return strings.Repeat("x", int(v[0].(int64))), nil }}, 100}
	for range 2 {
		call := f.Executor().RowExecutor
		for _, n := range []int64{60, 40} {
			if v, err := call([]driver.Value{n}); err != nil || len(v.(string)) != int(n) {
				t.Fatal(v, err)
			}
		}
		if v, err := call([]driver.Value{int64(1)}); !errors.Is(err, errBudget) || v != nil {
			t.Errorf("%v, %v", v, err)
		}
	}
	if _, err := f.Executor().RowExecutor([]driver.Value{"no number"}); err == nil || !strings.HasPrefix(err.Error(), Panicked) || !strings.Contains(err.Error(), "budget_test.go") {
		t.Errorf("a panic is told as %v", err)
	}
}
