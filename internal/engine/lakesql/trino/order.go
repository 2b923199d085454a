package trino

import (
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Groups and sort keys.

// groupBy writes the groups of a block that gives columns.
func (t *translator) groupBy(s *sql.Select, columns []column, in *scope) (text string) {
	in.rowwise(func() { text = t.groupKeys(s, columns, in) })
	return text
}

func (t *translator) groupKeys(s *sql.Select, columns []column, in *scope) string {
	g := s.GroupBy
	if g.Distinct {
		return t.distinctSets(g, in)
	}
	parts := make([]string, len(g.Elements))
	for i, e := range g.Elements {
		sets := make([]string, len(e.Sets))
		for j, set := range e.Sets {
			texts := make([]string, len(set))
			for k, x := range set {
				text, typ := t.expr(x, in)
				if at, ok := place(x, columns); ok {
					typ = columns[at].typ
					if Packed(typ) && len(columns) == len(s.Items) && s.Items[at].Expr != nil { // moments are what is equal
						text = t.text(s.Items[at].Expr, in)
					}
				}
				if !types.Comparable(typ) {
					fault.Fail(x.Pos(), "TYPE_MISMATCH", "%s is not comparable, and therefore cannot be used in GROUP BY", types.Text(typ))
				}
				texts[k] = text
			}
			sets[j] = strings.Join(texts, ", ")
			if len(set) != 1 || e.Kind != sql.GroupSimple {
				sets[j] = "(" + sets[j] + ")"
			}
		}
		parts[i] = [...]string{"", "GROUPING SETS (", "CUBE (", "ROLLUP ("}[e.Kind] + strings.Join(sets, ", ")
		if e.Kind != sql.GroupSimple {
			parts[i] += ")"
		}
	}
	return strings.Join(parts, ", ")
}

// place is the column that a key of GROUP BY or ORDER BY names by its place, from 0; false for others.
func place(x sql.Expr, columns []column) (int, bool) {
	n, ok := x.(*sql.Number)
	if !ok {
		return 0, false
	}
	at, err := strconv.Atoi(n.Text)
	return at - 1, err == nil && at >= 1 && at <= len(columns)
}

// groupKey is a grouping expression, columns with their relations, so that equal ones are
// equal texts.
func (t *translator) groupKey(x sql.Expr, in *scope) string {
	if parts, rest := flatten(x); rest == nil {
		if c, used := lookup(parts, in); c != nil && used == len(parts) && c.relation != "" {
			return duck.Ident(c.relation) + "." + duck.Ident(c.name)
		}
	}
	return t.text(x, in)
}

// maxGroupingSets bounds what GROUP BY DISTINCT writes out.
const maxGroupingSets = 2048

// distinctSets writes GROUP BY DISTINCT as the grouping sets that it comes to, each once.
func (t *translator) distinctSets(g *sql.GroupBy, in *scope) string {
	all := [][]string{nil}
	for _, e := range g.Elements {
		sets := make([][]string, len(e.Sets))
		for i, set := range e.Sets {
			for _, x := range set {
				sets[i] = append(sets[i], t.groupKey(x, in))
			}
		}
		var out [][]string
		switch e.Kind {
		case sql.GroupRollup:
			for n := len(sets); n >= 0; n-- {
				out = append(out, slices.Concat(sets[:n]...))
			}
		case sql.GroupCube:
			if len(sets) > 11 {
				fault.Fail(e.Position, "TOO_MANY_GROUPING_SETS", "GROUP BY has more than %d grouping sets", maxGroupingSets)
			}
			for mask := 1<<len(sets) - 1; mask >= 0; mask-- {
				var set []string
				for i, s := range sets {
					if mask&(1<<(len(sets)-1-i)) != 0 {
						set = append(set, s...)
					}
				}
				out = append(out, set)
			}
		default:
			out = sets
		}
		if len(all)*len(out) > maxGroupingSets {
			fault.Fail(e.Position, "TOO_MANY_GROUPING_SETS", "GROUP BY has more than %d grouping sets", maxGroupingSets)
		}
		var product [][]string
		for _, a := range all {
			for _, b := range out {
				product = append(product, slices.Concat(a, b))
			}
		}
		all = product
	}
	seen := map[string]bool{}
	var texts []string
	for _, set := range all {
		slices.Sort(set)
		set = slices.Compact(set)
		if text := "(" + strings.Join(set, ", ") + ")"; !seen[text] {
			seen[text] = true
			texts = append(texts, text)
		}
	}
	return "GROUPING SETS (" + strings.Join(texts, ", ") + ")"
}

// withTies keeps of a body's rows the first that FETCH FIRST asks for and those that are
// their equals by ORDER BY.
func (t *translator) withTies(q *sql.Query, text string, columns []column, s, outer *scope) string {
	if q.OrderBy == nil {
		fault.Fail(q.Limit.Pos(), "MISSING_ORDER_BY", "FETCH FIRST WITH TIES clause requires ORDER BY")
	}
	if s == nil {
		text = "SELECT * FROM (" + text + ") AS ties" + columnList(columns)
		s = &scope{parent: outer}
	}
	keys := make([]sql.SortItem, len(q.OrderBy))
	for i, k := range q.OrderBy {
		if at, ok := place(k.Expr, columns); ok { // which means nothing in a window
			k.Expr = &sql.Name{Position: k.Expr.Pos(), Ident: sql.Identifier{Position: k.Expr.Pos(), Name: columns[at].name, Quoted: true}}
		}
		keys[i] = k
	}
	n := t.text(q.Limit, outer)
	if q.Offset != nil {
		n += " + " + t.text(q.Offset, outer)
	}
	return text + " QUALIFY rank() OVER (ORDER BY " + t.orderBy(keys, "ORDER BY", &scope{columns: columns, parent: s}) + ") <= " + n
}

// orderBy writes the sort keys of a clause; Trino sorts nulls last both ways unless told otherwise.
func (t *translator) orderBy(items []sql.SortItem, clause string, in *scope) string {
	parts := make([]string, len(items))
	for i, s := range items {
		text, typ := t.expr(s.Expr, in)
		if !types.Orderable(typ) {
			notOrderable(s.Expr, clause, typ)
		}
		if types.Is(typ, "ipaddress") {
			text = addressBytes(text)
		}
		parts[i] = text
		if s.Descending {
			parts[i] += " DESC"
		}
		if s.NullsFirst != nil && *s.NullsFirst {
			parts[i] += " NULLS FIRST"
		} else {
			parts[i] += " NULLS LAST"
		}
	}
	return strings.Join(parts, ", ")
}

// notOrderable fails because of a sort key whose values have no order.
func notOrderable(key sql.Expr, clause string, typ *sql.Type) {
	switch clause {
	case "":
		fault.Fail(key.Pos(), "TYPE_MISMATCH", "ORDER BY can only be applied to orderable types (actual: %s)", types.Text(typ))
	case "ORDER BY":
		fault.Fail(key.Pos(), "TYPE_MISMATCH", "Type %s is not orderable, and therefore cannot be used in ORDER BY: %s", types.Text(typ), sql.Print(key))
	}
	fault.Fail(key.Pos(), "TYPE_MISMATCH", "%s is not orderable, and therefore cannot be used in %s", types.Text(typ), clause)
}
