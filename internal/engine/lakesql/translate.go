package lakesql

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// maxViews bounds how deep views may use views.
const maxViews = 16

// unnamed begins the names given to columns without one, until their place is known.
const unnamed = "__unnamed__"

// translator turns one statement into DuckDB's text. What it cannot go on with, it fails
// with by panic(*Error); translate recovers.
type translator struct {
	ctx      context.Context
	engine   *Engine
	request  Request
	database string
	ctes     []map[string][]column
	lambdas  []map[string]param
	tables   map[[2]string]bool // database and name of the tables met, for names with both
	read     map[string]string  // URI by path of the files
	bytes    int64
	columns  int // unnamed ones so far
	views    []string
	path     bool // "$path" is asked for
	try      int  // depth of TRY
	output   []column
	now      time.Time
}

// column is one that a name may stand for.
type column struct {
	relation, name string
	typ            *sql.Type
	hidden         bool
	label          string // the name as written, where that differs
}

type param struct {
	text string
	typ  *sql.Type
}

// scope is the columns that expressions see.
type scope struct {
	columns []column
	where   []sql.Expr // conjuncts that hold for every row, for pruning
	parent  *scope
}

func (e *Engine) translate(ctx context.Context, r Request) (text string, t *translator, err error) {
	t = &translator{ctx: ctx, engine: e, request: r, database: strings.ToLower(r.Database), tables: map[[2]string]bool{}, read: map[string]string{}, now: e.clock.Now().UTC()}
	defer func() {
		if p := recover(); p != nil {
			switch p := p.(type) {
			case *Error:
				err = p
			case stop:
				err = p.error
			default:
				panic(p)
			}
		}
	}()
	switch s := r.Statement.(type) {
	case *sql.Query:
		t.path = usesPath(s)
		text, columns := t.query(s, nil)
		t.output = columns
		return t.shown(text, columns), t, nil
	case *sql.Explain:
		q, ok := s.Statement.(*sql.Query)
		if !ok {
			fail(s.Position, "NOT_SUPPORTED", "EXPLAIN takes a query")
		}
		t.path = usesPath(q)
		text, _ := t.query(q, nil)
		if s.Analyze {
			return "EXPLAIN ANALYZE " + text, t, nil
		}
		return "EXPLAIN " + text, t, nil
	}
	return "", nil, &Error{Name: "NOT_SUPPORTED", Message: fmt.Sprintf("%T is not a query", r.Statement)}
}

// stop carries an error that is not the statement's fault through the translator.
type stop struct{ error }

func usesPath(q *sql.Query) bool { return strings.Contains(strings.ToLower(sql.Print(q)), `"$path"`) }

// shown turns what the driver cannot show as it should: JSON is text, and numbers have
// the type that Trino gives them.
func (t *translator) shown(text string, columns []column) string {
	found := false
	items, names := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprintf("c%d", i)
		if c.label != "" {
			c.name = c.label
		}
		items[i] = names[i] + " AS " + ident(c.name)
		switch {
		case is(c.typ, "json"):
			items[i] = "CAST(" + names[i] + " AS VARCHAR) AS " + ident(c.name)
		case isNumeric(c.typ) && (!is(c.typ, "decimal") || len(c.typ.Params) == 2):
			items[i] = "CAST(" + names[i] + " AS " + duckType(c.typ) + ") AS " + ident(c.name)
		default:
			continue
		}
		found = true
	}
	if found {
		return "SELECT " + strings.Join(items, ", ") + " FROM (" + text + ") AS q(" + strings.Join(names, ", ") + ")"
	}
	return text
}

func (t *translator) query(q *sql.Query, outer *scope) (string, []column) {
	var b strings.Builder
	if q.With != nil {
		t.ctes = append(t.ctes, map[string][]column{})
		defer func() { t.ctes = t.ctes[:len(t.ctes)-1] }()
		b.WriteString("WITH ")
		if q.With.Recursive {
			b.WriteString("RECURSIVE ")
		}
		for i, c := range q.With.Queries {
			if i > 0 {
				b.WriteString(", ")
			}
			t.commonTable(&b, c, q.With.Recursive, outer)
		}
		b.WriteByte(' ')
	}
	text, columns, s := t.body(q.Body, outer)
	b.WriteString(text)
	if q.OrderBy != nil {
		if s == nil {
			s = &scope{parent: outer}
		}
		b.WriteString(" ORDER BY " + t.orderBy(q.OrderBy, &scope{columns: columns, parent: s}))
	}
	if q.WithTies {
		fail(q.Limit.Pos(), "NOT_SUPPORTED", "FETCH FIRST WITH TIES is not supported")
	}
	if q.Limit != nil {
		n, _ := t.expr(q.Limit, outer)
		b.WriteString(" LIMIT " + n)
	}
	if q.Offset != nil {
		n, _ := t.expr(q.Offset, outer)
		b.WriteString(" OFFSET " + n)
	}
	return b.String(), columns
}

func (t *translator) commonTable(b *strings.Builder, c sql.CommonTable, recursive bool, outer *scope) {
	name := c.Name.Lower()
	ctes := t.ctes[len(t.ctes)-1]
	if recursive && c.Columns != nil {
		own := make([]column, len(c.Columns))
		for i, id := range c.Columns {
			own[i] = column{relation: name, name: id.Lower()}
		}
		if set, ok := c.Query.Body.(*sql.SetOperation); ok {
			// The first branch has the types.
			_, first, _ := t.body(set.Left, outer)
			for i := range min(len(own), len(first)) {
				own[i].typ = first[i].typ
			}
		}
		ctes[name] = own
	}
	text, columns := t.query(c.Query, outer)
	b.WriteString(ident(name))
	if c.Columns != nil {
		columns = t.rename(c.Position, columns, c.Columns)
		b.WriteString(columnList(columns))
	}
	b.WriteString(" AS (" + text + ")")
	for i := range columns {
		columns[i].relation = name
	}
	ctes[name] = columns
}

// body translates a query's body; the scope is that of a SELECT, for its ORDER BY.
func (t *translator) body(b sql.QueryBody, outer *scope) (string, []column, *scope) {
	switch b := b.(type) {
	case *sql.Query:
		text, columns := t.query(b, outer)
		return "(" + text + ")", columns, nil
	case *sql.Select:
		return t.selectBlock(b, outer)
	case *sql.TableQuery:
		text, columns := t.table(&sql.Table{Position: b.Position, Name: b.Name}, "", nil)
		return "SELECT * FROM " + text, columns, nil
	case *sql.SetOperation:
		left, columns, _ := t.body(b.Left, outer)
		right, other, _ := t.body(b.Right, outer)
		if len(columns) != len(other) {
			fail(b.Position, "TYPE_MISMATCH", "%s query has different number of fields: %d, %d", b.Op, len(columns), len(other))
		}
		out := make([]column, len(columns))
		for i, c := range columns {
			if apart(c.typ, other[i].typ) {
				fail(b.Position, "TYPE_MISMATCH", "column %d in %s query has incompatible types: %s, %s", i+1, b.Op, typeText(c.typ), typeText(other[i].typ))
			}
			out[i] = column{name: c.name, typ: common(c.typ, other[i].typ)}
		}
		op := b.Op
		if b.All {
			op += " ALL"
		}
		return "(" + left + ") " + op + " (" + right + ")", out, nil
	case *sql.Values:
		return t.values(b, outer)
	}
	panic(fmt.Sprintf("lakesql: unknown query body %T", b))
}

func (t *translator) values(v *sql.Values, outer *scope) (string, []column, *scope) {
	rows := make([]string, len(v.Rows))
	var columns []column
	for i, x := range v.Rows {
		items := []sql.Expr{x}
		if r, ok := x.(*sql.Row); ok {
			items = r.Items
		}
		texts := make([]string, len(items))
		for j, item := range items {
			var typ *sql.Type
			texts[j], typ = t.expr(item, outer)
			if i == 0 {
				columns = append(columns, column{name: t.unnamed(), typ: typ})
			} else if j < len(columns) {
				columns[j].typ = common(columns[j].typ, typ)
			}
		}
		if len(items) != len(columns) {
			fail(x.Pos(), "TYPE_MISMATCH", "Values rows have mismatched sizes: %d vs %d", len(columns), len(items))
		}
		rows[i] = "(" + strings.Join(texts, ", ") + ")"
	}
	return "SELECT * FROM (VALUES " + strings.Join(rows, ", ") + ") AS v" + columnList(columns), columns, nil
}

func (t *translator) unnamed() string {
	t.columns++
	return fmt.Sprintf("%s%d", unnamed, t.columns)
}

func (t *translator) selectBlock(s *sql.Select, outer *scope) (string, []column, *scope) {
	in := &scope{parent: outer}
	in.where = conjuncts(s.Where, nil)
	for _, r := range s.From {
		in.where = onConjuncts(r, in.where)
	}
	var from []string
	for _, r := range s.From {
		from = append(from, t.relation(r, in))
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
	if from != nil {
		b.WriteString(" FROM " + strings.Join(from, ", "))
	}
	if s.Where != nil {
		text, typ := t.expr(s.Where, in)
		t.logical(s.Where, typ, "WHERE clause")
		b.WriteString(" WHERE " + text)
	}
	if s.GroupBy != nil {
		b.WriteString(" GROUP BY " + t.groupBy(s.GroupBy, in))
	}
	if s.Having != nil {
		b.WriteString(" HAVING " + t.text(s.Having, in))
	}
	for i, w := range s.Windows {
		b.WriteString([]string{" WINDOW ", ", "}[min(i, 1)])
		b.WriteString(ident(w.Name.Lower()) + " AS " + t.window(w.Window, in))
	}
	return b.String(), columns, in
}

func (t *translator) selectItem(item sql.SelectItem, in *scope) (string, []column) {
	if item.Star {
		return t.star(item, in)
	}
	text, typ := t.expr(item.Expr, in)
	if typ != nil && strings.HasPrefix(typ.Zone, dynamicZone) {
		fail(item.Expr.Pos(), "NOT_SUPPORTED", "A timestamp of a time zone that is not constant cannot be a column")
	}
	name := ""
	switch x := item.Expr.(type) {
	case *sql.Name:
		name = x.Ident.Name
	case *sql.Dereference:
		name = x.Field.Name
	}
	if item.Alias != nil {
		name = item.Alias.Name
	}
	if name == "" {
		name = t.unnamed()
	}
	return text + " AS " + ident(name), []column{{name: strings.ToLower(name), typ: typ, label: name}}
}

func (t *translator) star(item sql.SelectItem, in *scope) (string, []column) {
	relation, prefix := "", ""
	if item.Expr != nil {
		parts, rest := flatten(item.Expr)
		if rest == nil && len(parts) <= 3 {
			relation = parts[len(parts)-1].Lower()
			prefix = ident(relation) + "."
		}
	}
	var columns []column
	hidden := false
	for _, c := range in.columns {
		if relation != "" && c.relation != relation {
			continue
		}
		if c.hidden {
			hidden = true
			continue
		}
		columns = append(columns, column{name: c.name, typ: c.typ, label: c.label})
	}
	if item.Expr != nil && (columns == nil || relation == "") {
		// A row's fields.
		text, typ := t.expr(item.Expr, in)
		if !is(typ, "row") {
			fail(item.Position, "TABLE_NOT_FOUND", "Unable to resolve reference %s", sql.Print(item.Expr))
		}
		items := make([]string, len(typ.Fields))
		for i, f := range typ.Fields {
			name := fieldName(typ, i)
			out := name
			if i < len(item.Columns) {
				out = item.Columns[i].Lower()
			}
			items[i] = "(" + text + ")." + ident(name) + " AS " + ident(out)
			columns = append(columns, column{name: out, typ: f.Type})
		}
		return strings.Join(items, ", "), columns
	}
	if len(in.columns) == 0 {
		fail(item.Position, "COLUMN_NOT_FOUND", "SELECT * not allowed in queries without FROM clause")
	}
	text := prefix + "*"
	if hidden {
		text += ` EXCLUDE ("$path")`
	}
	return text, columns
}

func (t *translator) groupBy(g *sql.GroupBy, in *scope) string {
	if g.Distinct {
		fail(g.Position, "NOT_SUPPORTED", "GROUP BY DISTINCT is not supported")
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
