package streamsql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// param is a class of types that an argument may have, and what it is cast to.
type param uint8

const (
	anyType  param = iota
	textual        // VARCHAR; numbers, times and the like are cast
	numeric        // any number; text is cast to DOUBLE
	integral       // BIGINT
	floating       // DOUBLE
	temporal       // TIMESTAMP; text and dates are cast
	logical        // BOOLEAN
)

// scalarFunction is a scalar function of the language.
type scalarFunction struct {
	Name   string
	Syntax string
	Doc    string

	params   []param
	optional int  // how many of the last params may be left out
	variadic bool // the last param may come again
	nulls    bool // it sees nulls; otherwise a null argument gives null
	volatile bool // it is not the same for the same arguments
	result   func(args []*compiled) Type
	eval     func(f *frame, a []value, args []*compiled) value
}

// returns is a result that does not depend on the arguments.
func returns(k Kind) func([]*compiled) Type { return func([]*compiled) Type { return Type{Kind: k} } }

// sameAs is the type of an argument.
func sameAs(i int) func([]*compiled) Type { return func(a []*compiled) Type { return a[i].t } }

var functionsByName = map[string]*scalarFunction{}

func init() {
	for _, list := range [][]scalarFunction{textFunctions, numberFunctions, timeFunctions, nullFunctions} {
		for i := range list {
			f := &list[i]
			for _, name := range strings.Split(f.Name, "|") {
				functionsByName[name] = f
			}
		}
	}
}

// call compiles a call of a scalar function. Aggregates and windows are intercepted before.
func (c *compiler) call(x *sql.Call) *compiled {
	name := strings.ToUpper(dialect.LookupName(x.Name))
	if u := c.functions[dialect.LookupName(x.Name)]; u != nil {
		return c.inline(x, u)
	}
	switch name {
	case "COALESCE", "IFNULL", "NVL":
		return c.coalesce(x)
	case "NULLIF":
		return c.nullif(x)
	case "MONOTONIC":
		return c.monotonic(x)
	}
	f := functionsByName[name]
	if p := logParsers[name]; p != nil {
		fail(x, "Write SELECT STREAM t.r.COLUMN1 FROM (SELECT STREAM "+p.Syntax+" AS r FROM ...) AS t.", "%s stands alone in a select list", name)
	}
	if f == nil {
		if aggregates[name] != nil {
			if x.Over != nil {
				fail(x, "", "%s OVER a window cannot stand in this clause", name)
			}
			fail(x, "Aggregates stand in the select list and in HAVING.", "Aggregate function %s cannot stand here", name)
		}
		if analytics[name] {
			fail(x, "Write OVER (PARTITION BY ... RANGE INTERVAL '1' MINUTE PRECEDING) behind it.", "%s needs an OVER clause", name)
		}
		if tableFunctions[name] != nil {
			fail(x, fmt.Sprintf("Write SELECT STREAM ... FROM TABLE(%s(CURSOR(SELECT STREAM * FROM ...), ...)).", name), "%s is a function for FROM", name)
		}
		fail(x, nearest(name), "No match found for function signature %s(%s)", name, c.signature(x))
	}
	if x.Over != nil || x.Distinct || x.Star {
		fail(x, "", "%s is not an aggregate function", name)
	}
	args := make([]*compiled, len(x.Args))
	for i, a := range x.Args {
		if n, ok := a.(*sql.Name); ok && i == 0 && unitFirst[name] && dateUnit(n.Ident.Name) != "" {
			a = &sql.String{Position: n.Position, Value: n.Ident.Name}
		}
		args[i] = c.compile(a)
	}
	if len(args) < len(f.params)-f.optional || len(args) > len(f.params) && !f.variadic {
		fail(x, "Its syntax is "+f.Syntax+".", "Invalid number of arguments to function '%s'", name)
	}
	key := name + "("
	isConstant := !f.volatile
	for i, a := range args {
		p := f.params[min(i, len(f.params)-1)]
		to, ok := p.accepts(a.t)
		if !ok {
			fail(x.Args[i], "Its syntax is "+f.Syntax+".", "Cannot apply '%s' to arguments of type '%s(%s)'", name, name, types(args))
		}
		args[i] = convert(a, to)
		isConstant = isConstant && a.constant
		key += a.key + ","
	}
	scratch := make([]value, len(args))
	out := &compiled{t: f.result(args), constant: isConstant, column: -1, key: key + ")"}
	evaluate, strict := f.eval, !f.nulls
	out.eval = func(f *frame) value {
		for i, a := range args {
			v := a.eval(f)
			if v.null && strict {
				return null
			}
			scratch[i] = v
		}
		return evaluate(f, scratch, args)
	}
	return fold(out)
}

func (c *compiler) signature(x *sql.Call) string {
	args := make([]*compiled, len(x.Args))
	for i, a := range x.Args {
		args[i] = c.compile(a)
	}
	return types(args)
}

func types(args []*compiled) string {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = "<" + a.t.String() + ">"
	}
	return strings.Join(names, ", ")
}

// nearest is a hint at a function of a similar name.
func nearest(name string) string {
	best, least := "", 3
	try := func(other string) {
		if d := distance(name, other); d < least {
			best, least = other, d
		}
	}
	for n := range functionsByName {
		try(n)
	}
	for n := range aggregates {
		try(n)
	}
	if best == "" {
		return ""
	}
	return "Did you mean " + best + "?"
}

// distance is how many letters differ.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			prev, row[j] = row[j], min(row[j]+1, row[j-1]+1, prev+cost)
		}
	}
	return row[len(b)]
}

func (p param) accepts(t Type) (Type, bool) {
	switch p {
	case textual:
		if t.isText() {
			return t, true
		}
		return Type{Kind: Varchar}, canCast(t, Type{Kind: Varchar})
	case numeric:
		if t.isNumeric() {
			return t, true
		}
		return Type{Kind: Double}, t.isString() || t.Kind == Null
	case integral:
		return Type{Kind: BigInt}, t.isNumeric() || t.isString() || t.Kind == Null || t.isInterval()
	case floating:
		return Type{Kind: Double}, t.isNumeric() || t.isString() || t.Kind == Null
	case temporal:
		return timestampType, t.Kind == Timestamp || t.Kind == Date || t.isString() || t.Kind == Null
	case logical:
		return Type{Kind: Boolean}, t.Kind == Boolean || t.Kind == Null
	}
	return t, true
}

func (c *compiler) coalesce(x *sql.Call) *compiled {
	if len(x.Args) == 0 {
		fail(x, "", "Invalid number of arguments to function 'COALESCE'")
	}
	s := &sql.Case{Position: x.Position}
	for _, a := range x.Args[:len(x.Args)-1] {
		s.Whens = append(s.Whens, sql.When{Position: x.Position, Cond: &sql.IsNull{Position: x.Position, Not: true, X: a}, Then: a})
	}
	last := x.Args[len(x.Args)-1]
	if s.Whens == nil {
		return c.compile(last)
	}
	s.Else = last
	return c.cases(s)
}

func (c *compiler) nullif(x *sql.Call) *compiled {
	if len(x.Args) != 2 {
		fail(x, "", "Invalid number of arguments to function 'NULLIF'")
	}
	a := c.compile(x.Args[0])
	eq := c.compare(x, "=", a, c.compile(x.Args[1]))
	return fold(&compiled{t: a.t, constant: a.constant && eq.constant, column: -1, key: "nullif(" + eq.key + ")", eval: func(f *frame) value {
		if v := eq.eval(f); !v.null && v.i != 0 {
			return null
		}
		return a.eval(f)
	}})
}

// monotonic is MONOTONIC(x): the user's word that x does not fall.
func (c *compiler) monotonic(x *sql.Call) *compiled {
	if len(x.Args) != 1 {
		fail(x, "", "Invalid number of arguments to function 'MONOTONIC'")
	}
	return c.compile(x.Args[0])
}

// inline compiles the body of a user's function with its arguments in place.
func (c *compiler) inline(x *sql.Call, u *userFunction) *compiled {
	if len(x.Args) != len(u.types) {
		fail(x, "", "No match found for function signature %s(%s)", u.def.Name.Parts[len(u.def.Name.Parts)-1].Name, c.signature(x))
	}
	if c.depth >= maxInlining {
		fail(x, "", "Functions call each other too deeply")
	}
	inner := &compiler{functions: c.functions, scope: &scope{}, parameters: map[string]*compiled{}, weights: map[string]int64{}, depth: c.depth + 1}
	strict := []*compiled{}
	for i, p := range u.def.Parameters {
		before := c.weight
		a := c.compile(x.Args[i])
		if !canCast(a.t, u.types[i]) {
			fail(x.Args[i], "", "No match found for function signature %s(%s)", dialect.LookupName(x.Name), c.signature(x))
		}
		a = convert(a, u.types[i])
		if u.def.NullOnNull {
			strict = append(strict, a)
		}
		name := dialect.Lookup(p.Name)
		inner.parameters[name], inner.weights[name] = a, c.weight-before
	}
	inner.weight = c.weight
	body := inner.compile(u.def.Body)
	c.weight = inner.weight
	if !canCast(body.t, u.returns) {
		fail(u.def.Body, "", "Cast function cannot convert value of type %s to type %s", body.t, u.returns)
	}
	body = convert(body, u.returns)
	if len(strict) == 0 {
		return body
	}
	r := *body
	e := body.eval
	r.eval = func(f *frame) value {
		for _, a := range strict {
			if a.eval(f).null {
				return null
			}
		}
		return e(f)
	}
	return &r
}
