package loginsight

import (
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

// expr is a node of an expression.
type expr struct {
	eval func(r *row) value
	name string // as a column is called that is not given a name
	agg  *aggCall
	sub  []*expr // that aggregates may be in

	// What the node is, for whoever looks for texts that must be there.
	op          string // "and", "like"
	field, text string
	literal     string // of a constant that is a text
}

func constant(v value, name string) *expr {
	return &expr{eval: func(*row) value { return v }, name: name}
}

func fieldExpr(field string) *expr {
	return &expr{eval: func(r *row) value { return r.get(field) }, name: field, field: field}
}

// field is the expression of a field in a query.
func (p *parser) field(name string) *expr {
	if p.inStats && !p.inAgg {
		p.refs = append(p.refs, name)
	}
	return fieldExpr(name)
}

// aggs are the aggregates in the expression.
func (e *expr) aggs(dst []*aggCall) []*aggCall {
	if e.agg != nil {
		return append(dst, e.agg)
	}
	for _, s := range e.sub {
		dst = s.aggs(dst)
	}
	return dst
}

const maxDepth = 60

// expression reads an expression: or, and, not, comparisons, sums, products, powers, in that order.
func (p *parser) expression() (*expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, syntaxf(p.tok.at, "the expression is nested too deep")
	}
	defer func() { p.depth-- }()
	return p.binary(p.andExpr, map[string]func(a, b *expr) *expr{"or": func(a, b *expr) *expr {
		return &expr{eval: func(r *row) value { return truth(a.eval(r)) || truth(b.eval(r)) }}
	}})
}

func (p *parser) andExpr() (*expr, error) {
	return p.binary(p.notExpr, map[string]func(a, b *expr) *expr{"and": func(a, b *expr) *expr {
		return &expr{eval: func(r *row) value { return truth(a.eval(r)) && truth(b.eval(r)) }, op: "and"}
	}})
}

func (p *parser) notExpr() (*expr, error) {
	if p.isSymbol("!") {
		if err := p.advance(); err != nil {
			return nil, err
		}
	} else if !p.keyword("not") {
		return p.comparison()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, syntaxf(p.tok.at, "the expression is nested too deep")
	}
	defer func() { p.depth-- }()
	e, err := p.notExpr()
	if err != nil {
		return nil, err
	}
	return &expr{eval: func(r *row) value { return !truth(e.eval(r)) }, sub: []*expr{e}}, nil
}

// binary reads operands with operators of one precedence between them.
func (p *parser) binary(operand func() (*expr, error), ops map[string]func(a, b *expr) *expr) (*expr, error) {
	from := p.tok.at
	a, err := operand()
	if err != nil {
		return nil, err
	}
	for {
		op := strings.ToLower(p.tok.text)
		f := ops[op]
		if f == nil || p.tok.kind != symbol && p.tok.kind != name {
			return a, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		b, err := operand()
		if err != nil {
			return nil, err
		}
		e := f(a, b)
		e.sub = []*expr{a, b}
		e.name = p.since(from)
		a = e
	}
}

func (p *parser) comparison() (*expr, error) {
	a, err := p.sum()
	if err != nil {
		return nil, err
	}
	not := false
	if p.isKeyword("not") {
		not = true
		if err := p.advance(); err != nil {
			return nil, err
		}
		if !p.isKeyword("like") && !p.isKeyword("in") {
			return nil, p.unexpected("like or in")
		}
	}
	var e *expr
	switch {
	case p.isKeyword("like") || p.isSymbol("=~"):
		if err := p.advancePattern(); err != nil {
			return nil, err
		}
		e, err = p.like(a)
	case p.keyword("in"):
		e, err = p.in(a)
	case p.tok.kind == symbol:
		op := p.tok.text
		test := map[string]func(int) bool{
			"=": func(c int) bool { return c == 0 }, "==": func(c int) bool { return c == 0 }, "!=": func(c int) bool { return c != 0 }, "<": func(c int) bool { return c < 0 },
			"<=": func(c int) bool { return c <= 0 }, ">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
		}[op]
		if test == nil {
			return a, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		var b *expr
		if b, err = p.sum(); err != nil {
			return nil, err
		}
		needs := "" // what an event has in it whose field is the text
		if (op == "=" || op == "==") && a.field != "" && a.field[0] != '@' && standsPlain(b.literal) {
			needs = b.literal
		}
		e = &expr{sub: []*expr{a, b}, eval: func(r *row) value {
			if needs != "" && r.lacks(needs) {
				return false
			}
			x, y := a.eval(r), b.eval(r)
			if x == nil || y == nil {
				return op == "!=" && (x == nil) != (y == nil)
			}
			return test(compare(x, y))
		}}
	default:
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	if not {
		inner := e
		return &expr{sub: []*expr{inner}, eval: func(r *row) value { return !truth(inner.eval(r)) }}, nil
	}
	return e, nil
}

// standsPlain reports whether a member of JSON that is equal to a text has it in it as it is, where nothing is escaped.
func standsPlain(s string) bool {
	if _, isNumber := num(s); isNumber || s == "" || s[0] == '{' || s[0] == '[' {
		return false // 1 is 1.0, and structures are written anew
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError })
}

func (p *parser) like(a *expr) (*expr, error) {
	t := p.tok
	switch t.kind {
	case text:
		if err := p.advance(); err != nil {
			return nil, err
		}
		return &expr{op: "like", field: a.field, text: t.text, eval: func(r *row) value {
			v := a.eval(r)
			return v != nil && strings.Contains(show(v), t.text)
		}}, nil
	case pattern:
		re, err := regexp.Compile(t.text)
		if err != nil {
			return nil, syntaxf(t.at, "the regular expression: %v", err)
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		e := &expr{eval: func(r *row) value {
			v := a.eval(r)
			return v != nil && re.MatchString(show(v))
		}}
		if literal, complete := re.LiteralPrefix(); complete {
			e.op, e.field, e.text = "like", a.field, literal
			e.eval = func(r *row) value {
				v := a.eval(r)
				return v != nil && strings.Contains(show(v), literal)
			}
		}
		return e, nil
	}
	return nil, p.unexpected("a text or a regular expression")
}

func (p *parser) in(a *expr) (*expr, error) {
	if err := p.symbol("["); err != nil {
		return nil, err
	}
	var list []*expr
	for {
		e, err := p.sum()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
		if p.isSymbol(",") {
			if err := p.advance(); err != nil {
				return nil, err
			}
			continue
		}
		if err := p.symbol("]"); err != nil {
			return nil, err
		}
		return &expr{eval: func(r *row) value {
			v := a.eval(r)
			if v == nil {
				return false
			}
			for _, e := range list {
				if w := e.eval(r); w != nil && compare(v, w) == 0 {
					return true
				}
			}
			return false
		}}, nil
	}
}

func arithmetic(f func(x, y float64) float64) func(a, b *expr) *expr {
	return func(a, b *expr) *expr {
		return &expr{eval: func(r *row) value {
			x, ok := num(a.eval(r))
			y, also := num(b.eval(r))
			if !ok || !also {
				return nil
			}
			return finite(f(x, y))
		}}
	}
}

// finite is a number, or nothing where there is none.
func finite(f float64) value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}

func (p *parser) sum() (*expr, error) {
	return p.binary(p.product, map[string]func(a, b *expr) *expr{
		"+": arithmetic(func(x, y float64) float64 { return x + y }), "-": arithmetic(func(x, y float64) float64 { return x - y }),
	})
}

func (p *parser) product() (*expr, error) {
	return p.binary(p.power, map[string]func(a, b *expr) *expr{
		"*": arithmetic(func(x, y float64) float64 { return x * y }), "/": arithmetic(func(x, y float64) float64 { return x / y }), "%": arithmetic(math.Mod),
	})
}

func (p *parser) power() (*expr, error) {
	return p.binary(p.unary, map[string]func(a, b *expr) *expr{"^": arithmetic(math.Pow)})
}

func (p *parser) unary() (*expr, error) {
	if !p.isSymbol("-") {
		return p.primary()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, syntaxf(p.tok.at, "the expression is nested too deep")
	}
	defer func() { p.depth-- }()
	from := p.tok.at
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &expr{name: p.since(from), sub: []*expr{e}, eval: func(r *row) value {
		if f, ok := num(e.eval(r)); ok {
			return -f
		}
		return nil
	}}, nil
}

func (p *parser) primary() (*expr, error) {
	t := p.tok
	switch t.kind {
	case number:
		return constant(t.num, t.raw), p.advance()
	case text:
		e := constant(t.text, t.raw)
		e.literal = t.text
		return e, p.advance()
	case quotedName:
		return p.field(t.text), p.advance()
	case name:
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.isSymbol("(") {
			return p.call(t)
		}
		switch strings.ToLower(t.text) {
		case "true":
			return constant(true, t.text), nil
		case "false":
			return constant(false, t.text), nil
		}
		return p.field(t.text), nil
	case symbol:
		if t.text == "(" {
			if err := p.advance(); err != nil {
				return nil, err
			}
			e, err := p.expression()
			if err != nil {
				return nil, err
			}
			return e, p.symbol(")")
		}
	}
	return nil, p.unexpected("a field, a value or a function")
}
