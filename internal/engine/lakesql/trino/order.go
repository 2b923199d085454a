package trino

import (
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Groups and sort keys.

func (t *translator) groupBy(g *sql.GroupBy, in *scope) string {
	if g.Distinct {
		return t.distinctSets(g, in)
	}
	parts := make([]string, len(g.Elements))
	for i, e := range g.Elements {
		sets := make([]string, len(e.Sets))
		for j, set := range e.Sets {
			texts := make([]string, len(set))
			for k, x := range set {
				texts[k] = t.text(x, in)
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
		if n, ok := k.Expr.(*sql.Number); ok { // a place, which means nothing in a window
			if at, err := strconv.Atoi(n.Text); err == nil && at >= 1 && at <= len(columns) {
				k.Expr = &sql.Name{Position: n.Position, Ident: sql.Identifier{Position: n.Position, Name: columns[at-1].name, Quoted: true}}
			}
		}
		keys[i] = k
	}
	n := t.text(q.Limit, outer)
	if q.Offset != nil {
		n += " + " + t.text(q.Offset, outer)
	}
	return text + " QUALIFY rank() OVER (ORDER BY " + t.orderBy(keys, &scope{columns: columns, parent: s}) + ") <= " + n
}

// orderBy writes sort keys; Trino sorts nulls last both ways unless told otherwise.
func (t *translator) orderBy(items []sql.SortItem, in *scope) string {
	parts := make([]string, len(items))
	for i, s := range items {
		parts[i] = t.text(s.Expr, in)
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
