package dialect

import (
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Period is a comparison of two periods, each from a start to an end that is not in it:
// [PERIOD] (start, end) PRECEDES [PERIOD] (start, end). Instant is the right side of CONTAINS
// where that is a time alone, and nil otherwise.
type Period struct {
	sql.ExprNode
	Predicate            string // with its qualifier: "STRICTLY PRECEDES"
	Start, End           sql.Expr
	OtherStart, OtherEnd sql.Expr
	Instant              sql.Expr
}

// Children and SQL make it a node of the grammar.
func (d *Period) Children(f func(sql.Node)) {
	for _, x := range []sql.Expr{d.Start, d.End, d.OtherStart, d.OtherEnd, d.Instant} {
		if x != nil {
			f(x)
		}
	}
}
func (d *Period) SQL(print func(sql.Node) string) string {
	t := "((" + print(d.Start) + ", " + print(d.End) + ") " + d.Predicate + " "
	if d.Instant != nil {
		return t + "(" + print(d.Instant) + "))"
	}
	return t + "(" + print(d.OtherStart) + ", " + print(d.OtherEnd) + "))"
}

var periodPredicates = []string{"CONTAINS", "OVERLAPS", "EQUALS", "PRECEDES", "SUCCEEDS", "LEADS", "LAGS"}

// bounds are those of a period: (start, end), or PERIOD (start, end).
func bounds(x sql.Expr) (start, end sql.Expr, ok bool) {
	var items []sql.Expr
	switch x := x.(type) {
	case *sql.Row:
		items = x.Items
	case *sql.Call:
		if strings.EqualFold(LookupName(x.Name), "PERIOD") {
			items = x.Args
		}
	}
	if len(items) != 2 {
		return nil, nil, false
	}
	return items[0], items[1], true
}

// period reads a predicate on periods behind its left side; nil: there is none. Predicates
// follow each other where the right side of one is the left side of the next.
func period(p *sql.Parser, x sql.Expr) sql.Expr {
	start, end, ok := bounds(x)
	before := chained(x)
	if before != nil {
		start, end, ok = before.OtherStart, before.OtherEnd, true
	}
	if !ok {
		return nil
	}
	at, mark := p.Position(), p.Mark()
	d := &Period{ExprNode: sql.ExprNode{Position: at}, Start: start, End: end}
	for _, q := range []string{"STRICTLY", "IMMEDIATELY"} {
		if p.Accept(q) {
			d.Predicate = q + " "
		}
	}
	name := ""
	for _, w := range periodPredicates {
		if name == "" && p.Accept(w) {
			name = w
		}
	}
	if name == "" {
		p.Reset(mark)
		return nil
	}
	d.Predicate += name
	right := p.Operand()
	if d.OtherStart, d.OtherEnd, ok = bounds(right); !ok {
		if d.Predicate != "CONTAINS" {
			p.Fail(right.Pos(), "%s takes a period on its right side: (start, end)", d.Predicate)
		}
		d.Instant = right
	}
	if before != nil {
		return &sql.Operation{Position: at, Op: "AND", Left: x, Right: d}
	}
	return d
}

// chained is the predicate that a further one follows.
func chained(x sql.Expr) *Period {
	switch x := x.(type) {
	case *Period:
		if x.Instant == nil {
			return x
		}
	case *sql.Operation:
		if d, ok := x.Right.(*Period); ok && x.Op == "AND" && d.Instant == nil {
			return d
		}
	}
	return nil
}
