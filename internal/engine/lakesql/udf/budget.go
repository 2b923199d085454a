package udf

import (
	"context"
	"errors"
	"sync/atomic"
)

// What functions make stays in memory for as many rows as DuckDB works on at once. The bytes
// of so many values are bounded for each statement.

// budget is what the functions of a statement may have made lately.
type budget struct {
	limit int64
	calls atomic.Int64
	bytes atomic.Int64 // since the last vector's number of calls
}

// vector is the number of rows that DuckDB hands to a function at once.
const vector = 2048

type budgetKey struct{}

// WithBudget bounds what the functions of a statement that is prepared with the context may
// make for the rows that are worked on at once, in bytes.
func WithBudget(ctx context.Context, bytes int64) context.Context {
	return context.WithValue(ctx, budgetKey{}, &budget{limit: bytes})
}

var errBudget = errors.New("EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node memory limit")

// draw takes the bytes of a value from the statement's budget.
func draw(ctx context.Context, v any) error {
	n := 0
	switch v := v.(type) {
	case string:
		n = len(v)
	case []byte:
		n = len(v)
	}
	if n < 256 { // a vector of those is nothing
		return nil
	}
	b, ok := ctx.Value(budgetKey{}).(*budget)
	if !ok {
		return nil
	}
	if b.calls.Add(1)%vector == 0 {
		b.bytes.Store(0)
	}
	if b.bytes.Add(int64(n)) > b.limit {
		return errBudget
	}
	return nil
}
