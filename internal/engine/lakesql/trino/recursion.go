package trino

import (
	"fmt"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// maxRecursion is how often a recursive query is run upon itself, Athena's limit.
const maxRecursion = 10

// recursion writes a recursive common table out, a step a table, as Trino's planner does:
// what has not come to its end after so many steps fails.
func (t *translator) recursion(b *strings.Builder, c sql.CommonTable, set *sql.SetOperation, outer *scope) []column {
	if set.Op != "UNION" || !set.All {
		fault.Fail(set.Position, "NOT_SUPPORTED", "%s is not supported as the set operation of a recursive query", strings.TrimSpace(set.Op+map[bool]string{true: " ALL", false: " DISTINCT"}[set.All]))
	}
	name := c.Name.Lower()
	ctes := t.ctes[len(t.ctes)-1]
	steps := make([]string, maxRecursion+2)
	var columns []column
	for i := range steps {
		steps[i] = fmt.Sprintf("__step%d__%s", i, name)
		branch := set.Left
		if i > 0 {
			branch = set.Right
			own := slices.Clone(columns)
			own[0].step = steps[i-1]
			ctes[name] = own
		}
		text, found, _ := t.body(branch, outer)
		if len(found) != len(c.Columns) {
			fault.Fail(c.Position, "MISMATCHED_COLUMN_ALIASES", "Column alias list has %d entries but relation has %d columns", len(c.Columns), len(found))
		}
		if i == 0 {
			columns = t.rename(c.Position, found, c.Columns)
			for j := range columns {
				columns[j].relation = name
			}
		} else {
			chars := make([]*sql.Type, len(found))
			for j, f := range found {
				common := commonChar(columns[j].typ, f.typ)
				if common != nil && types.Text(f.typ) != types.Text(columns[j].typ) { // as long as the first step's
					chars[j] = columns[j].typ
				}
				if types.Apart(columns[j].typ, f.typ) || common != nil && types.Is(columns[j].typ, "char") && types.Text(common) != types.Text(columns[j].typ) {
					fault.Fail(set.Right.Pos(), "TYPE_MISMATCH", "recursion step relation output type (%s) is not coercible to recursion base relation output type (%s) at column %d", types.Text(f.typ), types.Text(columns[j].typ), j+1)
				}
			}
			text = paddedQuery(text, found, chars)
		}
		b.WriteString(duck.Ident(steps[i]) + columnList(columns) + " AS MATERIALIZED (" + text + "), ")
	}
	parts := make([]string, len(steps))
	for i, s := range steps {
		parts[i] = "SELECT * FROM " + duck.Ident(s)
	}
	parts[len(steps)-1] += fmt.Sprintf(" WHERE __raise('NOT_SUPPORTED: Recursion depth limit exceeded (%d). Use ''max_recursion_depth'' session property to modify the limit.' || left(coalesce(CAST(%s AS VARCHAR), ''), 0))", maxRecursion, duck.Ident(columns[0].name))
	b.WriteString(duck.Ident(name) + columnList(columns) + " AS (" + strings.Join(parts, " UNION ALL ") + ")")
	return columns
}

// refersTo reports whether a query's text has a table of a name.
func refersTo(b sql.QueryBody, name string) bool {
	found := false
	sql.Walk(b, func(n sql.Node) bool {
		if r, ok := n.(*sql.Table); ok && len(r.Name.Parts) == 1 && r.Name.Last() == name {
			found = true
		}
		return !found
	})
	return found
}
