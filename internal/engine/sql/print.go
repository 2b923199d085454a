package sql

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Print writes a statement or expression as text that parses to the same tree.
func Print(n Node) string {
	var w printer
	w.node(n)
	return w.String()
}

type printer struct{ strings.Builder }

func (w *printer) text(parts ...string) {
	for _, p := range parts {
		w.WriteString(p)
	}
}

func (w *printer) node(n Node) {
	if x, ok := n.(Extended); ok {
		w.text(x.SQL(Print))
		return
	}
	switch n := n.(type) {
	case *Query:
		w.query(n)
	case Expr:
		w.expr(n, 0)
	case Relation:
		w.relation(n)
	case QueryBody:
		w.body(n)
	case Statement:
		w.statement(n)
	case *Type:
		w.typ(n)
	case *Window:
		w.window(n)
	default:
		panic(fmt.Sprintf("sql: cannot print %T", n))
	}
}

func quoteString(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func (w *printer) ident(i Identifier) {
	if i.Quoted || !plainWord(i.Name) {
		w.text(quoteName(i.Name))
		return
	}
	w.text(i.Name)
}

func plainWord(s string) bool {
	if s == "" || reserved[strings.ToUpper(s)] {
		return false
	}
	for i, r := range s {
		if i == 0 && !isWordStart(r) || !isWordPart(r) {
			return false
		}
	}
	return true
}

func (w *printer) idents(list []Identifier) {
	w.text("(")
	for i, id := range list {
		if i > 0 {
			w.text(", ")
		}
		w.ident(id)
	}
	w.text(")")
}

func (w *printer) name(n QualifiedName) {
	for i, id := range n.Parts {
		if i > 0 {
			w.text(".")
		}
		w.ident(id)
	}
}

func (w *printer) list(list []Expr) {
	for i, x := range list {
		if i > 0 {
			w.text(", ")
		}
		w.expr(x, 0)
	}
}

func (w *printer) query(q *Query) {
	if q.With != nil {
		w.text("WITH ")
		if q.With.Recursive {
			w.text("RECURSIVE ")
		}
		for i, c := range q.With.Queries {
			if i > 0 {
				w.text(", ")
			}
			w.ident(c.Name)
			if c.Columns != nil {
				w.text(" ")
				w.idents(c.Columns)
			}
			w.text(" AS (")
			w.query(c.Query)
			w.text(")")
		}
		w.text(" ")
	}
	w.body(q.Body)
	w.orderBy(" ORDER BY ", q.OrderBy)
	if q.Offset != nil {
		w.text(" OFFSET ")
		w.expr(q.Offset, 0)
	}
	switch {
	case q.WithTies:
		w.text(" FETCH FIRST ")
		w.expr(q.Limit, 0)
		w.text(" ROWS WITH TIES")
	case q.Limit != nil:
		w.text(" LIMIT ")
		w.expr(q.Limit, 0)
	}
}

func (w *printer) orderBy(head string, items []SortItem) {
	for i, s := range items {
		if i == 0 {
			w.text(head)
		} else {
			w.text(", ")
		}
		w.expr(s.Expr, 0)
		if s.Descending {
			w.text(" DESC")
		}
		if s.NullsFirst != nil {
			if *s.NullsFirst {
				w.text(" NULLS FIRST")
			} else {
				w.text(" NULLS LAST")
			}
		}
	}
}

func (w *printer) body(b QueryBody) {
	switch b := b.(type) {
	case *Query:
		w.text("(")
		w.query(b)
		w.text(")")
	case *Select:
		w.selectBlock(b)
	case *Values:
		w.text("VALUES ")
		w.list(b.Rows)
	case *TableQuery:
		w.text("TABLE ")
		w.name(b.Name)
	case *SetOperation:
		w.operand(b.Left, b.Op, false)
		w.text(" ", b.Op, " ")
		if b.All {
			w.text("ALL ")
		}
		w.operand(b.Right, b.Op, true)
	}
}

// operand writes a side of a set operation, in parentheses where it would not bind so.
func (w *printer) operand(b QueryBody, outer string, right bool) {
	if s, ok := b.(*SetOperation); ok && (right || outer == "INTERSECT") && (s.Op != "INTERSECT" || right && outer == "INTERSECT") {
		w.text("(")
		w.body(s)
		w.text(")")
		return
	}
	w.body(b)
}

func (w *printer) selectBlock(s *Select) {
	w.text("SELECT ")
	if s.Modifier != nil {
		w.text(s.Modifier.SQL(Print), " ")
	}
	if s.Distinct {
		w.text("DISTINCT ")
	}
	for i, item := range s.Items {
		if i > 0 {
			w.text(", ")
		}
		if item.Expr != nil {
			w.expr(item.Expr, tightest*boolInt(item.Star))
		}
		switch {
		case item.Star && item.Expr != nil:
			w.text(".*")
		case item.Star:
			w.text("*")
		}
		if item.Alias != nil {
			w.text(" AS ")
			w.ident(*item.Alias)
		}
		if item.Columns != nil {
			w.text(" AS ")
			w.idents(item.Columns)
		}
	}
	for i, r := range s.From {
		if i == 0 {
			w.text(" FROM ")
		} else {
			w.text(", ")
		}
		w.relation(r)
	}
	if s.Where != nil {
		w.text(" WHERE ")
		w.expr(s.Where, 0)
	}
	if s.GroupBy != nil {
		w.groupBy(s.GroupBy)
	}
	if s.Having != nil {
		w.text(" HAVING ")
		w.expr(s.Having, 0)
	}
	if s.Extension != nil {
		w.text(" ", s.Extension.SQL(Print))
	}
	for i, n := range s.Windows {
		if i == 0 {
			w.text(" WINDOW ")
		} else {
			w.text(", ")
		}
		w.ident(n.Name)
		w.text(" AS ")
		w.window(n.Window)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (w *printer) groupBy(g *GroupBy) {
	w.text(" GROUP BY ")
	if g.Distinct {
		w.text("DISTINCT ")
	}
	for i, e := range g.Elements {
		if i > 0 {
			w.text(", ")
		}
		switch e.Kind {
		case GroupSets:
			w.text("GROUPING SETS (")
		case GroupCube:
			w.text("CUBE (")
		case GroupRollup:
			w.text("ROLLUP (")
		}
		for j, set := range e.Sets {
			if j > 0 {
				w.text(", ")
			}
			if len(set) == 1 {
				w.expr(set[0], 0)
				continue
			}
			w.text("(")
			w.list(set)
			w.text(")")
		}
		if e.Kind != GroupSimple {
			w.text(")")
		}
	}
}

func (w *printer) relation(r Relation) {
	switch r := r.(type) {
	case Extended:
		w.text(r.SQL(Print))
	case *Table:
		w.name(r.Name)
		if r.Version != nil {
			w.text(" FOR ", r.Version.Kind, " AS OF (")
			w.node(r.Version.Point)
			w.text(")")
		}
	case *AliasedRelation:
		w.relationOperand(r.Relation)
		w.text(" AS ")
		w.ident(r.Alias)
		if r.Columns != nil {
			w.text(" ")
			w.idents(r.Columns)
		}
	case *SampledRelation:
		if _, ok := r.Relation.(*SampledRelation); ok {
			w.text("(")
			w.relation(r.Relation)
			w.text(")")
		} else {
			w.relationOperand2(r.Relation)
		}
		w.text(" TABLESAMPLE ", r.Method, " (")
		w.expr(r.Percent, 0)
		w.text(")")
	case *SubqueryRelation:
		if r.Lateral {
			w.text("LATERAL ")
		}
		w.text("(")
		w.query(r.Query)
		w.text(")")
	case *Unnest:
		w.text("UNNEST(")
		w.list(r.Exprs)
		w.text(")")
		if r.Ordinality {
			w.text(" WITH ORDINALITY")
		}
	case *Join:
		w.relation(r.Left)
		w.text(" ")
		if r.Natural {
			w.text("NATURAL ")
		}
		w.text(r.Kind, " JOIN ")
		w.relationOperand2(r.Right)
		if r.On != nil {
			w.text(" ON ")
			w.expr(r.On, 0)
		}
		if r.Using != nil {
			w.text(" USING ")
			w.idents(r.Using)
		}
	}
}

// relationOperand writes what an alias or sample may follow.
func (w *printer) relationOperand(r Relation) {
	switch r.(type) {
	case *Join, *AliasedRelation, *SampledRelation:
		w.text("(")
		w.relation(r)
		w.text(")")
	default:
		w.relation(r)
	}
}

// relationOperand2 is relationOperand where an alias needs no parentheses.
func (w *printer) relationOperand2(r Relation) {
	if _, ok := r.(*Join); ok {
		w.text("(")
		w.relation(r)
		w.text(")")
		return
	}
	w.relation(r)
}

func (w *printer) window(win *Window) {
	if win.Bare {
		w.ident(*win.Name)
		return
	}
	w.text("(")
	sep := ""
	if win.Name != nil {
		w.ident(*win.Name)
		sep = " "
	}
	if win.PartitionBy != nil {
		w.text(sep, "PARTITION BY ")
		w.list(win.PartitionBy)
		sep = " "
	}
	if win.OrderBy != nil {
		w.orderBy(sep+"ORDER BY ", win.OrderBy)
		sep = " "
	}
	if win.Extension != nil {
		w.text(sep, win.Extension.SQL(Print))
		sep = " "
	}
	if f := win.Frame; f != nil {
		w.text(sep, f.Unit, " ")
		if f.End.Kind != "" {
			w.text("BETWEEN ")
			w.bound(f.Start)
			w.text(" AND ")
			w.bound(f.End)
		} else {
			w.bound(f.Start)
		}
	}
	w.text(")")
}

func (w *printer) bound(b FrameBound) {
	if b.Value != nil {
		w.expr(b.Value, precSum)
		w.text(" ")
	}
	w.text(b.Kind)
}

func (w *printer) typ(t *Type) {
	name, zone := t.Name, ""
	if t.Units[0] != "" {
		name = "interval " + strings.ToLower(t.Units[0])
		if t.Units[1] != t.Units[0] {
			name += " to " + strings.ToLower(t.Units[1])
		}
	}
	if n, ok := strings.CutSuffix(name, " with time zone"); ok {
		name, zone = n, " with time zone"
	}
	w.text(name)
	switch {
	case t.Params != nil:
		for i, n := range t.Params {
			w.text([]string{"(", ","}[min(i, 1)], strconv.Itoa(n))
		}
		w.text(")")
	case t.Args != nil:
		for i, a := range t.Args {
			w.text([]string{"(", ", "}[min(i, 1)])
			w.typ(a)
		}
		w.text(")")
	case t.Fields != nil:
		for i, f := range t.Fields {
			w.text([]string{"(", ", "}[min(i, 1)])
			if f.Name != nil {
				w.ident(*f.Name)
				w.text(" ")
			}
			w.typ(f.Type)
		}
		w.text(")")
	}
	w.text(zone)
}

// String is the type as Trino writes it.
func (t *Type) String() string { return Print(t) }

func printBinary(b []byte) string { return "X'" + strings.ToUpper(hex.EncodeToString(b)) + "'" }
