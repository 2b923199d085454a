package streamsql

import (
	"github.com/brookmere/brookmere/internal/engine/sql"
)

func negate(not bool, v *compiled) *compiled {
	if !not {
		return v
	}
	e := v.eval
	return fold(&compiled{t: Type{Kind: Boolean}, constant: v.constant, column: -1, key: "not(" + v.key + ")", eval: func(f *frame) value {
		x := e(f)
		if x.null {
			return null
		}
		return value{i: x.i ^ 1}
	}})
}

func both(l, r *compiled) *compiled {
	le, re := l.eval, r.eval
	return fold(&compiled{t: Type{Kind: Boolean}, constant: l.constant && r.constant, column: -1, key: "and(" + l.key + "," + r.key + ")", eval: func(f *frame) value {
		a := le(f)
		if !a.null && a.i == 0 {
			return a
		}
		b := re(f)
		if !b.null && b.i == 0 {
			return b
		}
		if a.null || b.null {
			return null
		}
		return value{i: 1}
	}})
}

func either(l, r *compiled) *compiled {
	le, re := l.eval, r.eval
	return fold(&compiled{t: Type{Kind: Boolean}, constant: l.constant && r.constant, column: -1, key: "or(" + l.key + "," + r.key + ")", eval: func(f *frame) value {
		a := le(f)
		if !a.null && a.i != 0 {
			return a
		}
		b := re(f)
		if !b.null && b.i != 0 {
			return b
		}
		if a.null || b.null {
			return null
		}
		return value{}
	}})
}

// condition compiles what has to be true of a row.
func (c *compiler) condition(x sql.Expr, clause string) *compiled {
	v := c.compile(x)
	if v.t.Kind != Boolean && v.t.Kind != Null {
		fail(x, "", "%s clause must be a condition, and is of type %s", clause, v.t)
	}
	return v
}

// compare compiles a comparison.
func (c *compiler) compare(at sql.Expr, op string, l, r *compiled) *compiled {
	padded := l.t.Kind == Char || r.t.Kind == Char
	l, r, t := c.unify(at, l, r)
	if padded && t.isString() {
		t.Kind = Char // blanks at the end do not count
	}
	var holds [3]bool // less, equal, greater
	switch op {
	case "=":
		holds = [3]bool{false, true, false}
	case "<>":
		holds = [3]bool{true, false, true}
	case "<":
		holds = [3]bool{true, false, false}
	case "<=":
		holds = [3]bool{true, true, false}
	case ">":
		holds = [3]bool{false, false, true}
	case ">=":
		holds = [3]bool{false, true, true}
	}
	le, re := l.eval, r.eval
	return fold(&compiled{t: Type{Kind: Boolean}, constant: l.constant && r.constant, column: -1, key: op + "(" + l.key + "," + r.key + ")", eval: func(f *frame) value {
		a := le(f)
		if a.null {
			return null
		}
		b := re(f)
		if b.null {
			return null
		}
		if holds[compare(t, a, b)+1] {
			return value{i: 1}
		}
		return value{}
	}})
}

// compareRows compiles (a, b) = (c, d), value by value.
func (c *compiler) compareRows(at sql.Expr, op string, l *sql.Row, right sql.Expr) *compiled {
	r, ok := right.(*sql.Row)
	if !ok || len(l.Items) != len(r.Items) {
		fail(at, "", "Rows are compared with rows of as many values")
	}
	if op != "=" && op != "<>" {
		fail(at, "Compare the values one by one.", "Rows are compared by = and <>")
	}
	var all *compiled
	for i := range l.Items {
		eq := c.compare(at, "=", c.compile(l.Items[i]), c.compile(r.Items[i]))
		if all == nil {
			all = eq
		} else {
			all = both(all, eq)
		}
	}
	return negate(op == "<>", all)
}

func (c *compiler) in(x *sql.In) *compiled {
	if x.Query != nil {
		fail(x, "Join the stream with what the subquery selects.", "IN takes a list of values")
	}
	row, isRow := x.X.(*sql.Row)
	var v, all *compiled
	if !isRow {
		v = c.compile(x.X)
	}
	for _, item := range x.List {
		var eq *compiled
		if isRow {
			eq = c.compareRows(x, "=", row, item)
		} else {
			eq = c.compare(item, "=", v, c.compile(item))
		}
		if all == nil {
			all = eq
		} else {
			all = either(all, eq)
		}
	}
	return negate(x.Not, all)
}

func (c *compiler) cases(x *sql.Case) *compiled {
	var operand *compiled
	if x.Operand != nil {
		operand = c.compile(x.Operand)
	}
	type branch struct{ cond, then *compiled }
	var branches []branch
	key := "case("
	t := Type{Kind: Null}
	isConstant := operand == nil || operand.constant
	widen := func(at sql.Expr, v *compiled) {
		u, ok := common(t, v.t)
		if !ok {
			fail(at, "CAST the values to one type.", "Illegal mixing of types in CASE or COALESCE statement: %s and %s", t, v.t)
		}
		t = u
		isConstant = isConstant && v.constant
		key += v.key + ","
	}
	for _, w := range x.Whens {
		var cond *compiled
		if operand != nil {
			cond = c.compare(w.Cond, "=", operand, c.compile(w.Cond))
		} else {
			cond = c.condition(w.Cond, "WHEN")
		}
		key += cond.key + ":"
		isConstant = isConstant && cond.constant
		then := c.compile(w.Then)
		widen(w.Then, then)
		branches = append(branches, branch{cond, then})
	}
	last := constant(Type{Kind: Null}, null)
	if x.Else != nil {
		last = c.compile(x.Else)
		widen(x.Else, last)
	}
	for i := range branches {
		branches[i].then = convert(branches[i].then, t)
	}
	last = convert(last, t)
	return fold(&compiled{t: t, constant: isConstant, column: -1, key: key + ")", eval: func(f *frame) value {
		for i := range branches {
			if v := branches[i].cond.eval(f); !v.null && v.i != 0 {
				return branches[i].then.eval(f)
			}
		}
		return last.eval(f)
	}})
}
