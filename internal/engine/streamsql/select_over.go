package streamsql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// overs lets calls with OVER become columns behind those that are there.
func (x *selected) overs() {
	inner := x.post
	outer := &compiler{functions: inner.functions, scope: inner.scope}
	outer.intercept = func(e sql.Expr) *compiled {
		if c, ok := e.(*sql.Call); ok && c.Over != nil {
			return x.over(c, inner)
		}
		if inner.intercept != nil {
			return inner.intercept(e)
		}
		return nil
	}
	x.post = outer
}

// over is the column of a call over a window.
func (x *selected) over(c *sql.Call, inner *compiler) *compiled {
	name := strings.ToUpper(dialect.LookupName(c.Name))
	def := aggregates[name]
	if def == nil && !analytics[name] {
		fail(c, "", "%s is not an aggregate or analytic function", name)
	}
	spec := x.b.frame(inner, c.Over, x.s.Windows)
	a := &analyticCall{name: name, def: def, star: c.Star, ignore: c.Nulls == "IGNORE", distinct: c.Distinct && name != "MIN" && name != "MAX", offset: 1}
	if c.Filter != nil {
		fail(c, "Use CASE WHEN condition THEN value END as the argument.", "FILTER with OVER is not supported")
	}
	arg := func(i int, p param) *compiled {
		v := inner.compile(c.Args[i])
		to, ok := p.accepts(v.t)
		if !ok || to.Kind == Null {
			fail(c.Args[i], "", "Cannot apply '%s' to arguments of type '%s(<%s>)'", name, name, v.t)
		}
		return convert(v, to)
	}
	most := 1
	switch name {
	case "ROW_NUMBER":
		most = 0
	case "LAG":
		most = 3
	case "NTH_VALUE", "EXP_AVG":
		most = 2
	}
	least := most
	if name == "LAG" {
		least = 1
	}
	if !c.Star && (len(c.Args) < least || len(c.Args) > most) || c.Star && name != "COUNT" {
		fail(c, "", "Invalid number of arguments to function '%s'", name)
	}
	number := func(i int) int64 {
		v := inner.compile(c.Args[i])
		if !v.constant || !v.t.isInteger() || v.eval(&frame{}).i < 0 {
			fail(c.Args[i], "", "%s takes a constant whole number here", name)
		}
		return v.eval(&frame{}).i
	}
	switch {
	case c.Star:
		a.t = Type{Kind: BigInt}
	case name == "ROW_NUMBER":
		a.t = Type{Kind: BigInt}
	case name == "LAG":
		a.args = []*compiled{arg(0, anyType)}
		a.t = a.args[0].t
		if len(c.Args) > 1 {
			a.offset = number(1)
		}
		if len(c.Args) > 2 {
			d := inner.compile(c.Args[2])
			if !canCast(d.t, a.t) {
				fail(c.Args[2], "", "Cannot apply 'LAG' to arguments of type 'LAG(<%s>, <%s>)'", a.t, d.t)
			}
			a.fallback = convert(d, a.t)
		}
	case name == "NTH_VALUE":
		a.args = []*compiled{arg(0, anyType)}
		a.t = a.args[0].t
		if a.offset = number(1); a.offset < 1 {
			fail(c.Args[1], "", "NTH_VALUE counts from 1")
		}
	case name == "EXP_AVG":
		a.args = []*compiled{arg(0, floating)}
		a.t = Type{Kind: Double}
		v := inner.compile(c.Args[1])
		if !v.constant || v.t.Kind != IntervalDay || v.eval(&frame{}).i <= 0 {
			fail(c.Args[1], "Write EXP_AVG(value, INTERVAL '10' SECOND).", "EXP_AVG takes a constant interval greater than 0")
		}
		a.millis = v.eval(&frame{}).i
	default:
		a.args = []*compiled{arg(0, def.takes)}
		a.t = def.result(a.args[0].t)
	}
	key := spec.text
	for _, p := range spec.partition {
		key += "|" + p.key
	}
	u := -1
	for i := range x.windows {
		if x.windows[i].key == key {
			u = i
		}
	}
	if u < 0 {
		u = len(x.windows)
		x.windows = append(x.windows, windowUse{spec: spec, key: key})
	}
	x.windows[u].calls = append(x.windows[u].calls, a)
	// Where the column will be is known when all windows are: it is asked for at the first row.
	use, at := u, len(x.windows[u].calls)-1
	place := -1
	t := a.t
	return &compiled{t: t, column: -1, key: fmt.Sprintf("over(%d,%d)", use, at), eval: func(f *frame) value {
		if place < 0 {
			place = x.width
			for _, w := range x.windows[:use] {
				place += len(w.calls)
			}
			place += at
		}
		return f.b.cols[place].at(f.i)
	}}
}
