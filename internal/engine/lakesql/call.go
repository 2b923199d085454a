package lakesql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// function is how one of Trino's functions is said in DuckDB. Names that have none are
// refused, so the table is also the list of what a statement may reach.
type function struct {
	min, max int // arguments; max -1: any number
	// template has $1..$9 for arguments and $* for all of them.
	template string
	// aggregate is the aggregate's or window function's name in DuckDB, template then, if
	// given, what is done with its result ($1).
	aggregate string
	// write is for what a template cannot say.
	write func(c *invocation) (string, *sql.Type)
	// result is the type: a name, or "1" for that of the first argument, "e" for its
	// element, "[1" for an array of it.
	result string
}

// invocation is one call as a function's write sees it.
type invocation struct {
	*translator
	at    sql.Position
	name  string
	exprs []sql.Expr
	args  []string
	typs  []*sql.Type
	in    *scope
}

func (c *invocation) typ(i int) *sql.Type {
	if i < len(c.typs) {
		return c.typs[i]
	}
	return nil
}

// constant is the text of a string literal argument.
func (c *invocation) constant(i int) string {
	x := c.exprs[i]
	if p, ok := x.(*sql.Parameter); ok && p.Index < len(c.request.Parameters) {
		x = c.request.Parameters[p.Index]
	}
	s, ok := x.(*sql.String)
	if !ok {
		fail(c.exprs[i].Pos(), "NOT_SUPPORTED", "Argument %d of function %s must be a constant", i+1, c.name)
	}
	return s.Value
}

// lambda translates a lambda argument's body with its parameters standing for the given texts.
func (c *invocation) lambda(i int, params ...param) (string, *sql.Type) {
	l, ok := c.exprs[i].(*sql.Lambda)
	if !ok || len(l.Params) != len(params) {
		fail(c.exprs[i].Pos(), "FUNCTION_NOT_FOUND", "Unexpected parameters for function %s", c.name)
	}
	scope := map[string]param{}
	for j, p := range l.Params {
		scope[p.Lower()] = params[j]
	}
	c.lambdas = append(c.lambdas, scope)
	defer func() { c.lambdas = c.lambdas[:len(c.lambdas)-1] }()
	return c.expr(l.Body, c.in)
}

// fresh is a name for a lambda's parameter that hides none outside.
func (c *invocation) fresh() string {
	c.columns++
	return fmt.Sprintf("p%d", c.columns)
}

func (t *translator) call(x *sql.Call, in *scope) (string, *sql.Type) {
	name := x.Name.Last()
	f, ok := functions[name]
	if !ok || len(x.Name.Parts) > 1 {
		fail(x.Position, "FUNCTION_NOT_FOUND", "Function '%s' not registered", x.Name)
	}
	if f.aggregate != "" {
		return t.aggregate(x, f, in)
	}
	if x.Over != nil || x.Distinct || x.Filter != nil || x.OrderBy != nil || x.WithinGroup != nil || x.Star || x.Nulls != "" {
		fail(x.Position, "FUNCTION_NOT_AGGREGATE", "Function '%s' is not an aggregate or window function", name)
	}
	if name == "try" {
		t.try++
		defer func() { t.try-- }()
	}
	return t.function(x.Position, name, x.Args, in)
}

func (t *translator) function(at sql.Position, name string, args []sql.Expr, in *scope) (string, *sql.Type) {
	f := functions[name]
	if len(args) < f.min || f.max >= 0 && len(args) > f.max {
		fail(at, "FUNCTION_NOT_FOUND", "Unexpected parameters (%d) for function %s", len(args), name)
	}
	c := &invocation{translator: t, at: at, name: name, exprs: args, in: in}
	for _, a := range args {
		if _, ok := a.(*sql.Lambda); ok {
			c.args, c.typs = append(c.args, ""), append(c.typs, nil)
			continue
		}
		text, typ := t.expr(a, in)
		c.args, c.typs = append(c.args, text), append(c.typs, typ)
	}
	if f.write != nil {
		text, typ := f.write(c)
		if typ == nil {
			typ = c.result(f.result)
		}
		return text, typ
	}
	return c.fill(f.template), c.result(f.result)
}

func (c *invocation) result(r string) *sql.Type {
	switch r {
	case "":
		return nil
	case "1":
		return c.typ(0)
	case "2":
		return c.typ(1)
	case "e":
		return element(c.typ(0))
	case "[1":
		return arrayOf(c.typ(0))
	case "[varchar":
		return arrayOf(varcharType)
	}
	return named(r)
}

// fill puts the arguments into a template.
func (c *invocation) fill(template string) string {
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		if template[i] != '$' || i+1 == len(template) {
			b.WriteByte(template[i])
			continue
		}
		i++
		switch d := template[i]; {
		case d == '*':
			b.WriteString(strings.Join(c.args, ", "))
		case d >= '1' && d <= '9':
			if n := int(d - '1'); n < len(c.args) {
				b.WriteString(c.args[n])
			} else {
				b.WriteString("NULL")
			}
		default:
			b.WriteByte('$')
			b.WriteByte(d)
		}
	}
	return b.String()
}

func (t *translator) aggregate(x *sql.Call, f function, in *scope) (string, *sql.Type) {
	name := x.Name.Last()
	args := x.Args
	if len(args) < f.min || f.max >= 0 && len(args) > f.max {
		fail(x.Position, "FUNCTION_NOT_FOUND", "Unexpected parameters (%d) for function %s", len(args), name)
	}
	c := &invocation{translator: t, at: x.Position, name: name, exprs: args, in: in}
	for _, a := range args {
		text, typ := t.expr(a, in)
		c.args, c.typs = append(c.args, text), append(c.typs, typ)
	}
	inner := strings.Join(c.args, ", ")
	if x.Star {
		if name != "count" {
			fail(x.Position, "FUNCTION_NOT_FOUND", "Unexpected parameters (*) for function %s", name)
		}
		inner = "*"
	}
	if f.write != nil { // the arguments are written anew
		var typ *sql.Type
		inner, typ = f.write(c)
		if typ != nil {
			c.typs = append([]*sql.Type{typ}, c.typs...)
		}
	}
	order := x.OrderBy
	if x.WithinGroup != nil {
		order = x.WithinGroup
	}
	if order != nil {
		inner += " ORDER BY " + t.orderBy(order, in)
	}
	if x.Nulls == "IGNORE" {
		inner += " IGNORE NULLS"
	}
	if x.Distinct {
		inner = "DISTINCT " + inner
	}
	text := f.aggregate + "(" + inner + ")"
	if x.Filter != nil {
		text += " FILTER (WHERE " + t.text(x.Filter, in) + ")"
	}
	if x.Over != nil {
		text += " OVER " + t.window(x.Over, in)
	} else if windowOnly[name] {
		fail(x.Position, "MISSING_OVER", "Window function %s must have an OVER clause", name)
	}
	typ := c.result(f.result)
	switch name {
	case "sum":
		switch {
		case isInteger(c.typ(0)):
			text, typ = "CAST("+text+" AS BIGINT)", bigintType
		case is(c.typ(0), "decimal") && len(c.typ(0).Params) == 2:
			typ = &sql.Type{Name: "decimal", Params: []int{38, c.typ(0).Params[1]}}
		case is(c.typ(0), "real"):
			text, typ = "CAST("+text+" AS FLOAT)", c.typ(0)
		}
	case "avg":
		switch {
		case is(c.typ(0), "decimal") && len(c.typ(0).Params) == 2:
			typ = c.typ(0)
			text = fmt.Sprintf("CAST(round(%s, %d) AS %s)", text, typ.Params[1], duckType(typ))
		case is(c.typ(0), "real"):
			text, typ = "CAST("+text+" AS FLOAT)", c.typ(0)
		case isInteger(c.typ(0)), is(c.typ(0), "double"):
			typ = doubleType
		}
	case "min", "max", "min_by", "max_by":
		if len(args) == map[bool]int{true: 3, false: 2}[strings.HasSuffix(name, "_by")] {
			typ = arrayOf(c.typ(0))
		}
	}
	if f.template != "" {
		outer := &invocation{translator: t, args: append([]string{text}, c.args...)}
		text = outer.fill(f.template)
	}
	return text, typ
}

var windowOnly = map[string]bool{"row_number": true, "rank": true, "dense_rank": true, "percent_rank": true, "cume_dist": true,
	"ntile": true, "lag": true, "lead": true, "first_value": true, "last_value": true, "nth_value": true}

func (t *translator) window(w *sql.Window, in *scope) string {
	if w.Bare {
		return ident(w.Name.Lower())
	}
	var parts []string
	if w.Name != nil {
		parts = append(parts, ident(w.Name.Lower()))
	}
	if w.PartitionBy != nil {
		keys := make([]string, len(w.PartitionBy))
		for i, x := range w.PartitionBy {
			keys[i] = t.text(x, in)
		}
		parts = append(parts, "PARTITION BY "+strings.Join(keys, ", "))
	}
	if w.OrderBy != nil {
		parts = append(parts, "ORDER BY "+t.orderBy(w.OrderBy, in))
	}
	if f := w.Frame; f != nil {
		bound := func(b sql.FrameBound) string {
			if b.Value != nil {
				return t.text(b.Value, in) + " " + b.Kind
			}
			return b.Kind
		}
		if f.End.Kind != "" {
			parts = append(parts, f.Unit+" BETWEEN "+bound(f.Start)+" AND "+bound(f.End))
		} else {
			parts = append(parts, f.Unit+" "+bound(f.Start))
		}
	}
	return "(" + strings.Join(parts, " ") + ")"
}
