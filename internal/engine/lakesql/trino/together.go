package trino

import (
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// together is common for a list of expressions that must agree; what is said of them in
// the error is Trino's way to name the construct.
func together(at sql.Position, what string, typs []*sql.Type) *sql.Type {
	t := types.Unknown
	for _, u := range typs {
		if types.Apart(t, u) {
			fault.Fail(at, "TYPE_MISMATCH", "%s must be the same type or coercible to a common type. Cannot find common type between %s and %s, all types (without duplicates): %s", what, types.Text(t), types.Text(u), types.List(typs))
		}
		t = types.Common(t, u)
	}
	return t
}
