package streamsql

import (
	"slices"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// join joins two relations.
func (b *builder) join(r *sql.Join, windows []sql.NamedWindow) *pipe {
	left, lw := b.relation(r.Left, windows, "")
	right, rw := b.relation(r.Right, windows, "")
	if r.Natural {
		fail(r, "Say with ON which columns are equal.", "NATURAL joins are not supported")
	}
	distinguish(left.scope, right.scope)
	return b.joined(r, r.Kind, left, lw, right, rw, r.On, r.Using)
}

// distinguish takes the names of windows from the columns of two sides that both sides know: such a name is of a
// relation, or of none.
func distinguish(left, right *scope) {
	knows := func(s *scope, name string) bool {
		return slices.ContainsFunc(s.columns, func(c scopeColumn) bool { return c.table == name || c.window == name })
	}
	var both []string
	for _, c := range append(slices.Clone(left.columns), right.columns...) {
		if c.window != "" && knows(left, c.window) && knows(right, c.window) {
			both = append(both, c.window)
		}
	}
	for _, s := range []*scope{left, right} {
		for i := range s.columns {
			if slices.Contains(both, s.columns[i].window) {
				s.columns[i].window = ""
			}
		}
	}
}

func (b *builder) joined(at sql.Node, kind string, left *pipe, lw *frameSpec, right *pipe, rw *frameSpec, on sql.Expr, using []sql.Identifier) *pipe {
	if left.table != nil && right.table == nil { // the stream is on the left
		switch kind {
		case "LEFT":
			kind = "RIGHT"
		case "RIGHT":
			kind = "LEFT"
		}
		p := b.joined(at, kind, right, rw, left, lw, on, using)
		// Columns are named, and * has them in the order of the text.
		n := len(right.scope.columns)
		p.scope = &scope{columns: append(append([]scopeColumn(nil), p.scope.columns[n:]...), p.scope.columns[:n]...)}
		return p
	}
	o := &joinOperator{rt: b.rt, pump: b.pump}
	side := func(p *pipe, w *frameSpec, outer bool) joinSide {
		s := joinSide{pipe: p, rows: -1, millis: -1, outer: outer, kept: map[string][]*joinRow{}}
		if w != nil {
			s.rows, s.millis = w.rows, w.millis
			if s.rows < 0 && s.millis < 0 {
				fail(at, "Write RANGE INTERVAL '1' MINUTE PRECEDING or ROWS 10 PRECEDING.", "The window of a joined stream needs bounds")
			}
		}
		return s
	}
	o.left, o.right = side(left, lw, kind == "LEFT" || kind == "FULL"), side(right, rw, kind == "RIGHT" || kind == "FULL")
	switch {
	case left.table != nil:
		fail(at, "", "A reference table is joined with a stream")
	case right.table != nil:
		o.table = right.table
		if o.right.outer {
			fail(at, "", "An outer join cannot keep the rows of a reference table")
		}
	case !o.left.windowed() && !o.right.windowed():
		// The current row of each side: rows of one ROWTIME, as those of two windows that close together.
		o.left.millis, o.right.millis = 0, 0
	}
	o.out = &pipe{stream: true, inputs: []*pipe{left, right}}
	o.out.types = append(append(append([]Type(nil), left.types...), right.types...), timestampType, timestampType)
	// Scope: names of both sides, each with its own ROWTIME.
	sc := &scope{}
	add := func(p *pipe, shift, time int) {
		for _, c := range p.scope.columns {
			if c.def != nil {
				if o.table != nil { // the joined row has the stream's ROWTIME
				} else if c.def.key == "ROWTIME" {
					// ROWTIME of the joined row and of the side are the same where the side always has one.
					c.def = nil
					c.column = time
				} else {
					fail(at, "Give the subquery's column to a stream first, or join before computing it.", "Column '%s' of a joined subquery depends on ROWTIME", c.name)
				}
			} else {
				c.column += shift
			}
			sc.columns = append(sc.columns, c)
		}
	}
	n, m := len(left.types), len(right.types)
	add(left, 0, n+m)
	add(right, n, n+m+1)
	o.out.scope = sc
	for _, id := range using {
		name := dialect.Lookup(id)
		l, r := &sql.Name{Position: id.Position, Ident: id}, &sql.Name{Position: id.Position, Ident: id}
		lc, rc := &compiler{functions: b.functions, scope: left.scope}, &compiler{functions: b.functions, scope: right.scope}
		x, y, _ := lc.unify(l, lc.compile(l), rc.compile(r))
		o.left.keys, o.right.keys = append(o.left.keys, x), append(o.right.keys, y)
		// The name means the left one's column from here on.
		first := true
		for i := range sc.columns {
			if sc.columns[i].name == name && !sc.columns[i].hidden {
				if !first {
					sc.columns[i].hidden = true
					sc.columns[i].name += " " // it can only be had by its table's name, and hardly by that
				}
				first = false
			}
		}
	}
	var rest sql.Expr
	for _, cond := range conjuncts(on) {
		if !b.equiKey(o, left, right, cond) {
			if rest == nil {
				rest = cond
			} else {
				rest = &sql.Operation{Position: cond.Pos(), Op: "AND", Left: rest, Right: cond}
			}
		}
	}
	if rest != nil {
		c := &compiler{functions: b.functions, scope: sc}
		o.rest = c.condition(rest, "ON")
	}
	o.out.text = o.describe(kind)
	left.emit = func(x *batch) { o.push(x, true) }
	if o.table != nil {
		left.emit = o.pushTable
	} else {
		right.emit = func(x *batch) { o.push(x, false) }
	}
	b.rt.operators = append(b.rt.operators, o)
	return o.out
}

func conjuncts(x sql.Expr) []sql.Expr {
	if x == nil {
		return nil
	}
	if o, ok := x.(*sql.Operation); ok && o.Op == "AND" {
		return append(conjuncts(o.Left), conjuncts(o.Right)...)
	}
	return []sql.Expr{x}
}

// equiKey takes an equation of one side with the other as a key of a join.
func (b *builder) equiKey(o *joinOperator, left, right *pipe, x sql.Expr) bool {
	eq, ok := x.(*sql.Operation)
	if !ok || eq.Op != "=" {
		return false
	}
	lc, rc := &compiler{functions: b.functions, scope: left.scope}, &compiler{functions: b.functions, scope: right.scope}
	try := func(c *compiler, x sql.Expr) (v *compiled) {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(*Error); !ok {
					panic(r)
				}
				v = nil
			}
		}()
		return c.compile(x)
	}
	for _, swap := range []bool{false, true} {
		a, z := eq.Left, eq.Right
		if swap {
			a, z = z, a
		}
		l, r := try(lc, a), try(rc, z)
		if l == nil || r == nil || l.constant || r.constant {
			continue
		}
		if try(rc, a) != nil || try(lc, z) != nil { // a name that both have: the condition's own scope decides
			if _, qualified := a.(*sql.Dereference); !qualified {
				continue
			}
		}
		l, r, _ = lc.unify(eq, l, r)
		o.left.keys, o.right.keys = append(o.left.keys, l), append(o.right.keys, r)
		return true
	}
	return false
}
