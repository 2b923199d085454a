package trino

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Equality of values. To DuckDB NaN is equal to itself, and nulls within arrays, maps and rows are
// equal to each other. To Trino NaN is equal to nothing, and whether two values with nulls within
// them are equal is not known, unless something else in them differs.

// nested reports whether a type is of values that hold others.
func nested(t *sql.Type) bool { return types.Is(t, "array", "map", "row") }

func floating(t *sql.Type) bool { return types.Is(t, "double", "real") }

// own reports whether the equality of values of two types is not DuckDB's.
func own(a, b *sql.Type) bool {
	return nested(a) && nested(b) || floating(a) && floating(b)
}

// equal writes that two expressions are equal.
func equal(x, y sql.Expr, left, right string, lt, rt *sql.Type) string {
	if nested(lt) && nested(rt) {
		return equality(left, right, lt, rt, 0)
	}
	if types.Is(lt, "ipaddress") && types.Is(rt, "ipaddress") {
		return "(" + addressBytes(left) + " = " + addressBytes(right) + ")"
	}
	if types.Padded(lt, rt) {
		left, right = unpadded(left), unpadded(right)
	}
	return notANumber(&sql.Operation{Op: "=", Left: x, Right: y}, left, right, lt, rt, false)
}

// alike reports whether DuckDB's equality is right for values of two types that have neither null nor NaN in
// them. DuckDB takes the fields of rows by their names, the entries of maps in their order, and the spaces at
// the end of char(n) as they are.
func alike(a, b *sql.Type) bool {
	switch {
	case hasMap(a) || hasMap(b) || types.Padded(a, b):
		return false
	case types.Is(a, "array") && types.Is(b, "array"):
		return alike(types.Element(a), types.Element(b))
	case types.Is(a, "row") && types.Is(b, "row"):
		if len(a.Fields) != len(b.Fields) {
			return false
		}
		for i := range a.Fields {
			if types.FieldName(a, i) != types.FieldName(b, i) || !alike(a.Fields[i].Type, b.Fields[i].Type) {
				return false
			}
		}
	}
	return true
}

// longOperand is from how many bytes on an operand is written once and given a name.
const longOperand = 100

// equality is equal of texts; depth is how many names it may not use.
func equality(left, right string, lt, rt *sql.Type, depth int) string {
	if !own(lt, rt) {
		if types.Padded(lt, rt) {
			left, right = unpadded(left), unpadded(right)
		}
		return "(" + left + " = " + right + ")"
	}
	p := fmt.Sprintf("__q%d", depth)
	// The columns of a query around this one are nothing that a lambda can name, as that of a map does.
	named := depth > 0 || !hasMap(lt)
	if long := func(s string) bool { return len(s) > longOperand || strings.Contains(s, "SELECT ") }; !named || long(left) || long(right) {
		return "list_transform([struct_pack(l := " + left + ", r := " + right + ")], lambda " + p + ": " + equality(p+".l", p+".r", lt, rt, depth+1) + ")[1]"
	}
	if floating(lt) {
		return "(" + left + " = " + right + " AND NOT (isnan(" + left + ") AND isnan(" + right + ")))"
	}
	some := "CASE WHEN " + left + " IS NULL OR " + right + " IS NULL THEN NULL "
	all := func(list string) string { return "list_reduce(" + list + ", lambda __a, __b: __a AND __b, true)" }
	switch {
	case types.Is(lt, "row") && types.Is(rt, "row") && len(lt.Fields) == len(rt.Fields):
		parts := make([]string, len(lt.Fields))
		for i := range parts {
			parts[i] = equality("("+left+")."+duck.Ident(types.FieldName(lt, i)), "("+right+")."+duck.Ident(types.FieldName(rt, i)), lt.Fields[i].Type, rt.Fields[i].Type, depth)
		}
		return some + "ELSE (" + strings.Join(parts, " AND ") + ") END"
	case types.Is(lt, "array") && types.Is(rt, "array"):
		each := equality(p+"[1]", p+"[2]", types.Element(lt), types.Element(rt), depth+1)
		return some + "WHEN len(" + left + ") <> len(" + right + ") THEN false ELSE " + all("list_transform(list_zip("+left+", "+right+"), lambda "+p+": "+each+")") + " END"
	case types.Is(lt, "map") && types.Is(rt, "map"): // in any order of their entries
		each := equality("map_extract_value("+left+", "+p+")", "map_extract_value("+right+", "+p+")", types.Element(lt), types.Element(rt), depth+1)
		return some + "WHEN cardinality(" + left + ") <> cardinality(" + right + ") THEN false ELSE " + all("list_transform(map_keys("+left+"), lambda "+p+": map_contains("+right+", "+p+") AND "+each+")") + " END"
	}
	return "(" + left + " = " + right + ")"
}

// inQuery writes that a value is one of those of a query. asserted is where false serves as well as null.
func inQuery(left, query string, lt, rt *sql.Type, asserted bool) string {
	from := " FROM (" + query + ") AS __in_query(__in) WHERE "
	if floating(lt) && floating(rt) {
		if asserted {
			return "(" + left + " IN (SELECT __in" + from + "NOT isnan(__in)))"
		}
		// NaN stays a value of the query, since a null is in no query without values alone, and is the text of none.
		text := func(x string) string { return "CAST(CAST(" + x + " AS DOUBLE) + 0e0 AS VARCHAR)" } // both zeros are one
		return "(" + text(left) + " IN (SELECT CASE WHEN isnan(__in) THEN '' ELSE " + text("__in") + " END FROM (" + query + ") AS __in_query(__in)))"
	}
	found := "EXISTS (SELECT 1" + from + equality(left, "__in", lt, rt, 0) + ")"
	if alike(lt, rt) { // what is equal to itself has neither null nor NaN in it
		found = left + " IN (SELECT __in" + from + equality("__in", "__in", rt, rt, 0) + ")"
	}
	if asserted {
		return "(" + found + ")"
	}
	return "(CASE WHEN " + found + " THEN true WHEN EXISTS (SELECT 1" + from + equality(left, "__in", lt, rt, 0) + " IS NULL) THEN NULL ELSE false END)"
}

// inList writes that a value is one of a list, which holds values that DuckDB compares otherwise.
func inList(x *sql.In, left string, list []string, typs []*sql.Type, asserted bool) string {
	plain := "(" + left + " IN (" + strings.Join(list, ", ") + "))"
	exact, null := true, false
	for i, y := range x.List {
		if !complete(y) {
			exact = false
		}
		if nested(typs[i+1]) {
			null = true
			exact = exact && alike(typs[0], typs[i+1])
		}
	}
	if exact && (asserted || !null) {
		return plain
	}
	parts := make([]string, len(list))
	for i := range list {
		parts[i] = equal(x.X, x.List[i], left, list[i], typs[0], typs[i+1])
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// complete reports whether an expression is written as a value without null and NaN in it.
func complete(e sql.Expr) bool {
	var items []sql.Expr
	switch e := e.(type) {
	case *sql.Row:
		items = e.Items
	case *sql.Array:
		items = e.Items
	default:
		return isLiteral(e)
	}
	for _, item := range items {
		if !complete(item) {
			return false
		}
	}
	return true
}

// inOrder is a value whose maps have their entries in one order, so that equal ones are the same to DuckDB.
func inOrder(text string, t *sql.Type, depth int) string {
	p := fmt.Sprintf("__o%d", depth)
	switch {
	case !hasMap(t):
	case types.Is(t, "map"):
		return "map_from_entries(list_sort(list_transform(map_entries(" + text + "), lambda " + p + ": struct_pack(key := " + inOrder(p+".key", t.Args[0], depth+1) + ", value := " + inOrder(p+".value", t.Args[1], depth+1) + "))))"
	case types.Is(t, "array"):
		return "list_transform(" + text + ", lambda " + p + ": " + inOrder(p, t.Args[0], depth+1) + ")"
	case types.Is(t, "row"):
		fields := make([]string, len(t.Fields))
		for i := range fields {
			name := duck.Ident(types.FieldName(t, i))
			fields[i] = name + " := " + inOrder("("+text+")."+name, t.Fields[i].Type, depth)
		}
		return "CASE WHEN (" + text + ") IS NOT NULL THEN struct_pack(" + strings.Join(fields, ", ") + ") END"
	}
	return text
}

// inOrderQuery is a query whose maps have their entries in one order.
func inOrderQuery(text string, columns []column) string {
	if !slices.ContainsFunc(columns, func(c column) bool { return hasMap(c.typ) }) {
		return text
	}
	names, items := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprintf("__m%d", i)
		items[i] = inOrder(names[i], c.typ, 0) + " AS " + duck.Ident(c.name)
	}
	return "SELECT " + strings.Join(items, ", ") + " FROM (" + text + ") AS __in_order(" + strings.Join(names, ", ") + ")"
}

// merging are the functions that take equal values for one, in whatever order their maps are.
var merging = map[string]bool{
	"array_distinct": true, "array_union": true, "array_intersect": true, "array_except": true, "arrays_overlap": true, "contains_sequence": true,
	"set_agg": true, "set_union": true, "approx_distinct": true, "histogram": true, "approx_most_frequent": true, "map_agg": true, "multimap_agg": true,
}

// inOrder puts the maps of a call's arguments into one order.
func (c *invocation) inOrder() {
	for i, typ := range c.typs {
		if hasMap(typ) && c.args[i] != "" {
			c.args[i] = inOrder(c.args[i], typ, 0)
		}
	}
}

// keyName is a name of an expression that two have if they are the same column, or the same text.
func keyName(x sql.Expr, in *scope) string {
	if parts, rest := flatten(x); rest == nil {
		if c, used := lookup(parts, in); c != nil && used == len(parts) {
			return "column " + c.relation + "." + c.name
		}
	}
	return sql.Print(x)
}

// groupsBy notes what rows of a block are grouped by: maps in it are put into one order, wherever the block
// names it, so that equal ones are one group.
func (s *scope) groupsBy(b *sql.Select) {
	if b.GroupBy == nil {
		return
	}
	s.grouped = map[string]bool{}
	for _, e := range b.GroupBy.Elements {
		for _, set := range e.Sets {
			for _, x := range set {
				if n, ok := x.(*sql.Number); ok {
					if at, err := strconv.Atoi(n.Text); err == nil && at >= 1 && at <= len(b.Items) && b.Items[at-1].Expr != nil {
						x = b.Items[at-1].Expr
					}
				}
				s.grouped[keyName(x, s)] = true
			}
		}
	}
}

// isGrouped reports whether the rows of the block are grouped.
func (s *scope) isGrouped() bool {
	for ; s != nil; s = s.parent {
		if s.block {
			return s.grouped != nil
		}
	}
	return false
}

// isKey reports whether an expression is one that the block's rows are grouped by.
func (s *scope) isKey(x sql.Expr) bool {
	for ; s != nil; s = s.parent {
		if s.grouped[keyName(x, s)] {
			return true
		}
		if s.block {
			break
		}
	}
	return false
}

// hasMap reports whether there is a map in a type.
func hasMap(t *sql.Type) bool {
	if t == nil {
		return false
	}
	if types.Is(t, "map") {
		return len(t.Args) == 2
	}
	for _, a := range t.Args {
		if hasMap(a) {
			return true
		}
	}
	for _, f := range t.Fields {
		if hasMap(f.Type) {
			return true
		}
	}
	return false
}
