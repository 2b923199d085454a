package udf

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/duckdb/duckdb-go/v2"
)

// What functions make stays in memory for as many rows as DuckDB works on at once. The bytes
// of so many values are bounded.

var errBudget = errors.New("EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node memory limit")

// Panicked is in the message of an error that is a fault of a function of this package, with where it was.
const Panicked = "panic in a function: "

// bounded is a function that makes no more than limit bytes for the rows of one call of DuckDB's.
type bounded struct {
	duckdb.ScalarFunc
	limit int64
}

// Executor implements duckdb.ScalarFunc. It is asked for each time that DuckDB calls the
// function, with as many rows as it works on at once (2,048).
//
// It takes no context: the driver looks a statement's context up at the first call and keeps it
// where the threads of a statement find it, without a lock, so that two threads that call a
// function for the first time at once race. A statement that is stopped within one call is
// ended with its process, see package worker.
func (b bounded) Executor() duckdb.ScalarFuncExecutor {
	inner := b.ScalarFunc.Executor().RowExecutor
	left := b.limit
	return duckdb.ScalarFuncExecutor{RowExecutor: func(args []driver.Value) (v any, err error) {
		defer func() { // which would end the process, with all other statements
			if p := recover(); p != nil {
				v, err = nil, fmt.Errorf(Panicked+"%v\n%s", p, debug.Stack())
			}
		}()
		v, err = inner(args)
		switch v := v.(type) {
		case string:
			left -= int64(len(v))
		case []byte:
			left -= int64(len(v))
		}
		if err == nil && left < 0 {
			return nil, errBudget
		}
		return v, err
	}}
}
