package trino

import (
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// What a statement may grow to. A short statement can mean a long one: stars within stars double
// their columns, views that name views twice double their text, functions write their arguments
// more than once.
const (
	maxExpr    = 16 << 20  // bytes of an expression's text
	maxText    = 64 << 20  // bytes of a query's text
	maxColumns = 10_000    // of a query, or of all relations of one FROM
	maxWork    = 2_000_000 // expressions and relations that are translated, views' included
	maxDepth   = 1000      // of expressions: DuckDB's own bound
	maxSets    = 5000      // of set operations upon each other
	viewWork   = 1000      // what a view counts for
)

// tooLarge fails as Trino does where a statement is beyond its bounds.
func tooLarge(at sql.Position) {
	fault.Fail(at, "STACK_OVERFLOW", "statement is too large (stack overflow during analysis)")
}

// worked counts one expression or relation, and ends where the context does.
func (t *translator) worked(at sql.Position) {
	if t.work++; t.work > maxWork {
		tooLarge(at)
	}
	if t.work%1024 == 0 {
		if err := t.ctx.Err(); err != nil {
			panic(fault.Stop(err))
		}
	}
}

// wide fails for more columns than a query may have.
func wide(at sql.Position, columns []column) {
	if len(columns) > maxColumns {
		fault.Fail(at, "NOT_SUPPORTED", "The query has more than %d columns", maxColumns)
	}
}
