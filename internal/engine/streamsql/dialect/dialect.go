// Package dialect is SQLstream's language, as Kinesis Data Analytics for SQL applications spoke it,
// on the grammar of package sql: CREATE STREAM, PUMP and FUNCTION, SELECT STREAM, FLOOR(x TO
// MINUTE), STEP(x BY INTERVAL ...), (x - y) SECOND, SIMILAR TO, TABLE(f(CURSOR(...))), windows of
// joined streams, WINDOWED BY.
package dialect

import (
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Options are those of package sql for the language.
var Options = sql.Options{Dialect: sql.Streaming, Grammar: &sql.Grammar{
	Statement: statement,
	Select:    modifier,
	Operand:   operand,
	Clause:    windowedBy,
	Relation:  relation,
	Suffix:    suffix,
	Predicate: predicate,
}}

// Parse reads an application: statements that semicolons part.
func Parse(code string) ([]sql.Statement, error) { return Options.ParseAll(code) }

// Lookup is a name as it is looked up: as written in double quotes, in upper case without.
func Lookup(id sql.Identifier) string {
	if id.Quoted {
		return id.Name
	}
	return strings.ToUpper(id.Name)
}

// LookupName is the last part of a qualified name as it is looked up.
func LookupName(n sql.QualifiedName) string { return Lookup(n.Parts[len(n.Parts)-1]) }

// Modifiers and clauses.

// Stream marks SELECT STREAM.
type Stream struct{ sql.Position }

// Children and SQL make it a node of the grammar.
func (*Stream) Children(func(sql.Node))          {}
func (*Stream) SQL(func(sql.Node) string) string { return "STREAM" }

func modifier(p *sql.Parser, s *sql.Select) {
	if at := p.Position(); p.Accept("STREAM") {
		s.Modifier = &Stream{at}
	}
}

// WindowedBy is WINDOWED BY STAGGER (PARTITION BY keys RANGE interval).
type WindowedBy struct {
	sql.Position
	PartitionBy []sql.Expr
	Range       sql.Expr
}

// Children and SQL make it a node of the grammar.
func (w *WindowedBy) Children(f func(sql.Node)) {
	for _, x := range w.PartitionBy {
		f(x)
	}
	f(w.Range)
}
func (w *WindowedBy) SQL(print func(sql.Node) string) string {
	t := "WINDOWED BY STAGGER ("
	for i, x := range w.PartitionBy {
		t += []string{"PARTITION BY ", ", "}[min(i, 1)] + print(x)
	}
	return t + " RANGE " + print(w.Range) + ")"
}

func windowedBy(p *sql.Parser, s *sql.Select) {
	at := p.Position()
	if !p.Accept("WINDOWED") {
		return
	}
	p.Expect("BY", "STAGGER")
	p.ExpectSymbol("(")
	p.Expect("PARTITION", "BY")
	w := &WindowedBy{Position: at, PartitionBy: []sql.Expr{p.Expr()}}
	for p.Symbol(",") {
		w.PartitionBy = append(w.PartitionBy, p.Expr())
	}
	p.Expect("RANGE")
	w.Range = p.Expr()
	p.Accept("PRECEDING")
	p.ExpectSymbol(")")
	s.Extension = w
}

// predicate reads SIMILAR TO, IS [NOT] UNKNOWN and what compares periods.
func predicate(p *sql.Parser, x sql.Expr) sql.Expr {
	at := p.Position()
	switch {
	case p.Accept("IS", "UNKNOWN"):
		return &sql.IsNull{Position: at, X: x}
	case p.Accept("IS", "NOT", "UNKNOWN"):
		return &sql.IsNull{Position: at, Not: true, X: x}
	}
	if x := period(p, x); x != nil {
		return x
	}
	not := p.At("NOT", "SIMILAR", "TO")
	if !not && !p.At("SIMILAR", "TO") {
		return nil
	}
	p.Accept("NOT")
	p.Expect("SIMILAR", "TO")
	s := &Similar{ExprNode: sql.ExprNode{Position: at}, Not: not, X: x, Pattern: p.Operand()}
	if p.Accept("ESCAPE") {
		s.Escape = p.Operand()
	}
	return s
}

// Similar is x [NOT] SIMILAR TO pattern [ESCAPE e].
type Similar struct {
	sql.ExprNode
	Not                bool
	X, Pattern, Escape sql.Expr
}

// Children and SQL make it a node of the grammar.
func (s *Similar) Children(f func(sql.Node)) {
	f(s.X)
	f(s.Pattern)
	if s.Escape != nil {
		f(s.Escape)
	}
}
func (s *Similar) SQL(print func(sql.Node) string) string {
	t := print(s.X)
	if s.Not {
		t += " NOT"
	}
	t += " SIMILAR TO " + print(s.Pattern)
	if s.Escape != nil {
		t += " ESCAPE " + print(s.Escape)
	}
	return "(" + t + ")"
}

// Words of units, as FLOOR, CEIL and intervals have them.
var units = map[string]bool{"YEAR": true, "QUARTER": true, "MONTH": true, "WEEK": true, "DAY": true, "HOUR": true, "MINUTE": true, "SECOND": true}

func unit(p *sql.Parser) string {
	for u := range units {
		if p.Accept(u) {
			return u
		}
	}
	p.Mismatched("DAY", "HOUR", "MINUTE", "MONTH", "SECOND", "YEAR")
	return ""
}

// Round is FLOOR(x TO unit), or CEIL.
type Round struct {
	sql.ExprNode
	Ceil bool
	X    sql.Expr
	Unit string
}

// Children and SQL make it a node of the grammar.
func (r *Round) Children(f func(sql.Node)) { f(r.X) }
func (r *Round) SQL(print func(sql.Node) string) string {
	name := "FLOOR"
	if r.Ceil {
		name = "CEIL"
	}
	return name + "(" + print(r.X) + " TO " + r.Unit + ")"
}

// Step is STEP(x BY interval).
type Step struct {
	sql.ExprNode
	X, By sql.Expr
}

// Children and SQL make it a node of the grammar.
func (s *Step) Children(f func(sql.Node)) { f(s.X); f(s.By) }
func (s *Step) SQL(print func(sql.Node) string) string {
	return "STEP(" + print(s.X) + " BY " + print(s.By) + ")"
}

// Difference is (x - y) unit [TO unit]: the interval between two times.
type Difference struct {
	sql.ExprNode
	X        sql.Expr
	From, To string
}

// Children and SQL make it a node of the grammar.
func (d *Difference) Children(f func(sql.Node)) { f(d.X) }
func (d *Difference) SQL(print func(sql.Node) string) string {
	t := "(" + print(d.X) + ") " + d.From
	if d.To != "" {
		t += " TO " + d.To
	}
	return "(" + t + ")"
}

func suffix(p *sql.Parser, x sql.Expr) sql.Expr {
	o, ok := x.(*sql.Operation)
	if !ok || o.Op != "-" {
		return x
	}
	for u := range units {
		if !p.At(u) {
			continue
		}
		d := &Difference{ExprNode: sql.ExprNode{Position: x.Pos()}, X: x, From: intervalUnit(p)}
		if p.Accept("TO") {
			d.To = intervalUnit(p)
		}
		return d
	}
	return x
}

// intervalUnit reads a unit with its precision.
func intervalUnit(p *sql.Parser) string {
	u := unit(p)
	if p.Symbol("(") {
		p.Integer()
		if p.Symbol(",") {
			p.Integer()
		}
		p.ExpectSymbol(")")
	}
	return u
}

// operand reads FLOOR, CEIL, STEP and the functions whose arguments words part.
func operand(p *sql.Parser) sql.Expr {
	at, mark := p.Position(), p.Mark()
	if !p.AtSymbol(1, "(") {
		return nil
	}
	node := sql.ExprNode{Position: at}
	switch {
	case p.At("FLOOR"), p.At("CEIL"), p.At("CEILING"):
		ceil := !p.Accept("FLOOR")
		if ceil && !p.Accept("CEIL") {
			p.Accept("CEILING")
		}
		p.ExpectSymbol("(")
		x := p.Expr()
		if !p.Accept("TO") {
			p.Reset(mark)
			return nil
		}
		r := &Round{node, ceil, x, unit(p)}
		p.ExpectSymbol(")")
		return r
	case p.Accept("STEP"):
		p.ExpectSymbol("(")
		x := p.Expr()
		p.Expect("BY")
		s := &Step{node, x, p.Expr()}
		p.ExpectSymbol(")")
		return s
	case p.Accept("OVERLAY"):
		p.ExpectSymbol("(")
		args := []sql.Expr{p.Expr()}
		p.Expect("PLACING")
		args = append(args, p.Expr())
		p.Expect("FROM")
		args = append(args, p.Expr())
		if p.Accept("FOR") {
			args = append(args, p.Expr())
		}
		p.ExpectSymbol(")")
		return call(at, "OVERLAY", args)
	case p.Accept("TSDIFF"), p.Accept("TIMESTAMPDIFF"):
		// TIMESTAMPDIFF(unit, a, b) has a word first.
		p.ExpectSymbol("(")
		var args []sql.Expr
		for u := range units {
			if p.At(u) && p.AtSymbol(1, ",") {
				p.Accept(u)
				args = append(args, &sql.String{Position: at, Value: u})
				p.ExpectSymbol(",")
				break
			}
		}
		args = append(args, p.Expr())
		for p.Symbol(",") {
			args = append(args, p.Expr())
		}
		p.ExpectSymbol(")")
		return call(at, "TSDIFF", args)
	case p.Accept("CURSOR"):
		p.ExpectSymbol("(")
		c := &Cursor{node, p.Query()}
		p.ExpectSymbol(")")
		return c
	}
	return nil
}

func call(at sql.Position, name string, args []sql.Expr) sql.Expr {
	return &sql.Call{Position: at, Name: sql.QualifiedName{Position: at, Parts: []sql.Identifier{{Position: at, Name: name}}}, Args: args}
}

// Cursor is CURSOR(query), an argument of a table function.
type Cursor struct {
	sql.ExprNode
	Query *sql.Query
}

// Children and SQL make it a node of the grammar.
func (c *Cursor) Children(f func(sql.Node)) { f(c.Query) }
func (c *Cursor) SQL(print func(sql.Node) string) string {
	return "CURSOR(" + print(c.Query) + ")"
}

// Function is TABLE(f(args)) in FROM.
type Function struct {
	sql.RelationNode
	Call *sql.Call
}

// Children and SQL make it a node of the grammar.
func (t *Function) Children(f func(sql.Node)) { f(t.Call) }
func (t *Function) SQL(print func(sql.Node) string) string {
	return "TABLE(" + print(t.Call) + ")"
}

// Windowed is a relation with the rows of it that a join takes: s OVER (RANGE ...).
type Windowed struct {
	sql.RelationNode
	Relation sql.Relation
	Window   *sql.Window
}

// Children and SQL make it a node of the grammar.
func (w *Windowed) Children(f func(sql.Node)) { f(w.Relation); f(w.Window) }
func (w *Windowed) SQL(print func(sql.Node) string) string {
	if w.Window.Bare {
		return print(w.Relation) + " OVER " + w.Window.Name.Name
	}
	return print(w.Relation) + " OVER " + print(w.Window)
}

func relation(p *sql.Parser) sql.Relation {
	at, mark := p.Position(), p.Mark()
	node := sql.RelationNode{Position: at}
	var r sql.Relation
	switch {
	case p.At("TABLE") && p.AtSymbol(1, "("):
		p.Accept("TABLE")
		p.ExpectSymbol("(")
		x := p.Expr()
		c, ok := x.(*sql.Call)
		if !ok {
			p.Fail(x.Pos(), "TABLE takes a function")
		}
		p.ExpectSymbol(")")
		return &Function{node, c}
	case p.At("STREAM") && p.AtSymbol(1, "("): // STREAM(SELECT ...): an older form of TABLE(...)
		return nil
	case p.AtSymbol(0, "("):
		if !p.AtQuery(1) {
			return nil
		}
		p.ExpectSymbol("(")
		q := p.Query()
		if !p.Symbol(")") {
			p.Reset(mark)
			return nil
		}
		r = &sql.SubqueryRelation{Position: at, Query: q}
	case p.AtName(0) && !p.At("LATERAL") && !p.At("UNNEST"):
		r = &sql.Table{Position: at, Name: p.Name()}
	default:
		return nil
	}
	if !p.Accept("OVER") {
		return r
	}
	w := &Windowed{node, r, nil}
	if p.AtSymbol(0, "(") {
		w.Window = p.WindowSpec()
	} else {
		id := p.Identifier()
		w.Window = &sql.Window{Position: id.Position, Bare: true, Name: &id}
	}
	return w
}
