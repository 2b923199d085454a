package trino

import (
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// One SELECT block and its columns.

func (t *translator) selectBlock(s *sql.Select, outer *scope) (string, []column, *scope) {
	in := &scope{parent: outer, block: true}
	in.where = conjuncts(s.Where, nil)
	for _, r := range s.From {
		in.where = onConjuncts(r, in.where)
	}
	var from []string
	t.bare = countsRows(s)
	for _, r := range s.From {
		from = append(from, t.relation(r, in))
	}
	t.bare = false
	in.groupsBy(s)
	in.merged = s.Distinct
	if len(from) == 1 {
		from[0] = in.orderedKeys(s, from[0])
	}
	var b strings.Builder
	b.WriteString("SELECT ")
	if s.Distinct {
		b.WriteString("DISTINCT ")
	}
	var columns []column
	for i, item := range s.Items {
		if i > 0 {
			b.WriteString(", ")
		}
		text, cols := t.selectItem(item, in)
		b.WriteString(text)
		columns = append(columns, cols...)
	}
	if s.Distinct {
		for _, c := range columns {
			if !types.Comparable(c.typ) {
				fault.Fail(s.Position, "TYPE_MISMATCH", "DISTINCT can only be applied to comparable types (actual: %s)", types.Text(c.typ))
			}
		}
	}
	if from != nil {
		b.WriteString(" FROM " + strings.Join(from, ", "))
	}
	if s.Where != nil {
		t.assert(s.Where)
		var text string
		var typ *sql.Type
		in.rowwise(func() { text, typ = t.expr(s.Where, in) })
		t.logical(s.Where, typ, "WHERE clause")
		b.WriteString(" WHERE " + text)
	}
	if s.GroupBy != nil {
		b.WriteString(" GROUP BY " + t.groupBy(s, columns, in))
	}
	if s.Having != nil {
		b.WriteString(" HAVING " + t.text(s.Having, in))
	}
	for i, w := range s.Windows {
		b.WriteString([]string{" WINDOW ", ", "}[min(i, 1)])
		b.WriteString(duck.Ident(w.Name.Lower()) + " AS " + t.window(w.Window, in))
	}
	if s.Distinct && anyPacked(columns) {
		return distinctZoned(strings.Replace(b.String(), "SELECT DISTINCT ", "SELECT ", 1), columns), columns, nil
	}
	return b.String(), columns, in
}

// orderedKeys is the relation of a block whose keys are maps that a query within the block names, with these
// maps in one order: what such a query names is a column, not what the rows are grouped by.
func (s *scope) orderedKeys(b *sql.Select, from string) string {
	if _, join := b.From[0].(*sql.Join); join || b.GroupBy == nil || !hasQueries(b) {
		return from
	}
	relation := ""
	var ordered []string
	for _, c := range s.columns {
		if key := "column " + c.relation + "." + c.name; hasMap(c.typ) && c.relation != "" && s.grouped[key] {
			relation = c.relation
			name := duck.Ident(c.name)
			ordered = append(ordered, inOrder(duck.Ident(relation)+"."+name, c.typ, 0)+" AS "+name)
			delete(s.grouped, key)
		}
	}
	if ordered == nil {
		return from
	}
	return "(SELECT * REPLACE (" + strings.Join(ordered, ", ") + ") FROM " + from + ") AS " + duck.Ident(relation)
}

// hasQueries reports whether there are queries in what a block gives of its groups.
func hasQueries(b *sql.Select) bool {
	found := false
	see := func(n sql.Node) bool {
		if _, ok := n.(*sql.Query); ok {
			found = true
		}
		return !found
	}
	for _, item := range b.Items {
		if item.Expr != nil {
			sql.Walk(item.Expr, see)
		}
	}
	if b.Having != nil {
		sql.Walk(b.Having, see)
	}
	return found
}

// countsRows reports whether a block is no more than count(*) of a table.
func countsRows(s *sql.Select) bool {
	if len(s.From) != 1 || s.Distinct || s.Where != nil || s.GroupBy != nil || s.Having != nil || s.Windows != nil {
		return false
	}
	r := s.From[0]
	if a, ok := r.(*sql.AliasedRelation); ok && a.Columns == nil {
		r = a.Relation
	}
	if _, ok := r.(*sql.Table); !ok {
		return false
	}
	for _, item := range s.Items {
		c, ok := item.Expr.(*sql.Call)
		if !ok || item.Star || !c.Star || c.Filter != nil || c.Over != nil {
			return false
		}
	}
	return true
}

func (t *translator) selectItem(item sql.SelectItem, in *scope) (string, []column) {
	if item.Star {
		return t.star(item, in)
	}
	text, typ := t.expr(item.Expr, in)
	text, typ = packZone(text, typ)
	if in.merged {
		text = inOrder(text, typ, 0)
	}
	name := ""
	if parts, rest := flatten(item.Expr); rest == nil {
		name = parts[len(parts)-1].Name
	}
	if item.Alias != nil {
		name = item.Alias.Name
	}
	if name == "" {
		name = t.unnamed()
	}
	c, ok := item.Expr.(*sql.Call)
	return text + " AS " + duck.Ident(name), []column{{name: strings.ToLower(name), typ: typ, label: name, exact: ok && c.Name.Last() == "count"}}
}

func (t *translator) star(item sql.SelectItem, in *scope) (string, []column) {
	relation, prefix := "", ""
	if item.Expr != nil {
		parts, rest := flatten(item.Expr)
		if rest == nil && len(parts) <= 3 {
			relation = parts[len(parts)-1].Lower()
			prefix = duck.Ident(relation) + "."
		}
	}
	var columns []column
	var hidden []string
	for _, c := range in.columns {
		if relation != "" && c.relation != relation {
			continue
		}
		if c.hidden {
			if name := duck.Ident(c.name); !slices.Contains(hidden, name) {
				hidden = append(hidden, name)
			}
			continue
		}
		columns = append(columns, column{name: c.name, typ: c.typ, label: c.label})
	}
	if relation != "" && columns == nil {
		if text, columns := outerStar(relation, in.parent); columns != nil {
			return text, columns
		}
	}
	if item.Expr != nil && (columns == nil || relation == "") {
		return t.rowStar(item, in)
	}
	if len(in.columns) == 0 {
		fault.Fail(item.Position, "COLUMN_NOT_FOUND", "SELECT * not allowed in queries without FROM clause")
	}
	switch {
	case item.Columns != nil:
		if len(item.Columns) != len(columns) {
			fault.Fail(item.Position, "MISMATCHED_COLUMN_ALIASES", "Column alias list has %d entries but relation has %d columns", len(item.Columns), len(columns))
		}
		items := make([]string, len(columns))
		for i, id := range item.Columns {
			items[i] = prefix + duck.Ident(columns[i].name) + " AS " + duck.Ident(id.Lower())
			columns[i] = column{name: id.Lower(), typ: columns[i].typ, label: id.Name}
		}
		return strings.Join(items, ", "), columns
	case relation == "" && in.using != nil:
		return usingStar(in)
	}
	text := prefix + "*"
	if hidden != nil {
		text += " EXCLUDE (" + strings.Join(hidden, ", ") + ")"
	}
	var replaced []string
	for _, c := range columns {
		name := duck.Ident(c.name)
		if hasMap(c.typ) && (in.merged || in.grouped != nil) {
			replaced = append(replaced, inOrder(prefix+name, c.typ, 0)+" AS "+name)
		}
	}
	if replaced != nil {
		text += " REPLACE (" + strings.Join(replaced, ", ") + ")"
	}
	return text, columns
}

// outerStar is the star of a relation of a query around.
func outerStar(relation string, in *scope) (string, []column) {
	var items []string
	var columns []column
	for s := in; s != nil && columns == nil; s = s.parent {
		for _, c := range s.columns {
			if c.relation == relation && !c.hidden {
				items = append(items, duck.Ident(relation)+"."+duck.Ident(c.name))
				columns = append(columns, column{name: c.name, typ: c.typ, label: c.label})
			}
		}
	}
	return strings.Join(items, ", "), columns
}

// usingStar is the star of joins with USING: the shared columns come first.
func usingStar(in *scope) (string, []column) {
	var items []string
	var columns []column
	for _, name := range in.using {
		for _, c := range in.columns {
			if c.name == name {
				text := duck.Ident(name)
				if in.merged {
					text = inOrder(text, c.typ, 0) + " AS " + text
				}
				items, columns = append(items, text), append(columns, column{name: name, typ: c.typ, label: c.label})
				break
			}
		}
	}
	for _, c := range in.columns {
		if c.hidden || slices.Contains(in.using, c.name) {
			continue
		}
		text := duck.Ident(c.name)
		if c.relation != "" {
			text = duck.Ident(c.relation) + "." + text
		}
		if in.merged && hasMap(c.typ) {
			text = inOrder(text, c.typ, 0) + " AS " + duck.Ident(c.name)
		}
		items, columns = append(items, text), append(columns, column{name: c.name, typ: c.typ, label: c.label})
	}
	return strings.Join(items, ", "), columns
}

// rowStar is the fields of a row as columns.
func (t *translator) rowStar(item sql.SelectItem, in *scope) (string, []column) {
	text, typ := t.expr(item.Expr, in)
	if !types.Is(typ, "row") {
		fault.Fail(item.Position, "TABLE_NOT_FOUND", "Unable to resolve reference %s", sql.Print(item.Expr))
	}
	var columns []column
	items := make([]string, len(typ.Fields))
	for i, f := range typ.Fields {
		name := types.FieldName(typ, i)
		out, label := name, ""
		switch {
		case i < len(item.Columns):
			out, label = item.Columns[i].Lower(), item.Columns[i].Name
		case f.Name == nil:
			out = t.unnamed()
		}
		items[i] = "(" + text + ")." + duck.Ident(name) + " AS " + duck.Ident(out)
		columns = append(columns, column{name: out, typ: f.Type, label: label})
	}
	return strings.Join(items, ", "), columns
}
