package trino

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// stale is why the columns of a view's query are not those any more that the view was made with;
// empty if they are, or if it is not known what they were.
func stale(stored []catalog.ViewColumn, now []column) string {
	if stored == nil {
		return ""
	}
	if len(stored) != len(now) {
		return fmt.Sprintf("stored view column count (%d) does not match column count derived from the view query analysis (%d)", len(stored), len(now))
	}
	for i, s := range stored {
		c := now[i]
		if strings.HasPrefix(c.name, Unnamed) {
			return fmt.Sprintf("a column of type %s projected from query view at position %d has no name", types.Text(c.typ), i)
		}
		what := ""
		if !strings.EqualFold(s.Name, c.name) {
			what = "has a different name from"
		} else if typ := typeOf(s.Type); typ != nil && !coerced(c.typ, typ) {
			what = "cannot be coerced to"
		}
		if what != "" {
			return fmt.Sprintf("column [%s] of type %s projected from query view at position %d %s column [%s] of type %s stored in view definition", c.name, types.Text(c.typ), i, what, s.Name, s.Type)
		}
	}
	return ""
}

// typeOf reads a type; nil if it is none.
func typeOf(text string) *sql.Type {
	s, err := sql.Parse("SELECT CAST(NULL AS " + text + ")")
	if err != nil {
		return nil
	}
	if q, ok := s.(*sql.Query); ok {
		if body, ok := q.Body.(*sql.Select); ok && len(body.Items) == 1 {
			if c, ok := body.Items[0].Expr.(*sql.Cast); ok {
				return c.Type
			}
		}
	}
	return nil
}

// coerced reports whether values of a type become those of another by themselves. Texts do, whatever
// their lengths are, of which less is known here than there.
func coerced(from, to *sql.Type) bool {
	if from == nil || types.Is(from, "unknown") || types.IsText(from) && types.IsText(to) {
		return true
	}
	if types.Apart(from, to) {
		return false
	}
	if !types.IsNumeric(from) {
		return true
	}
	common := types.Common(from, to)
	return common == nil || types.Text(common) == types.Text(to)
}
