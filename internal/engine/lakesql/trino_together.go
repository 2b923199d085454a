package lakesql

import "github.com/brookmere/brookmere/internal/engine/sql"

// together is common for a list of expressions that must agree; what is said of them in
// the error is Trino's way to name the construct.
func together(at sql.Position, what string, typs []*sql.Type) *sql.Type {
	t := unknownType
	for _, u := range typs {
		if apart(t, u) {
			fail(at, "TYPE_MISMATCH", "%s must be the same type or coercible to a common type. Cannot find common type between %s and %s, all types (without duplicates): %s", what, typeText(t), typeText(u), typeList(typs))
		}
		t = common(t, u)
	}
	return t
}
