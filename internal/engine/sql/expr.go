package sql

import (
	"strings"
)

func (p *parser) exprs() []Expr {
	list := []Expr{p.expr()}
	for p.symbol(",") {
		list = append(list, p.expr())
	}
	return list
}

// expr reads an expression: OR binds weakest, then AND, NOT, predicates, AT TIME ZONE
// aside the arithmetic, signs, and last the primaries with what follows them.
func (p *parser) expr() Expr {
	defer p.enter()()
	left := p.and()
	for p.at("OR") {
		at := p.pos()
		p.advance()
		left = &Operation{at, "OR", left, p.and()}
	}
	return left
}

func (p *parser) and() Expr {
	left := p.not()
	for p.at("AND") {
		at := p.pos()
		p.advance()
		left = &Operation{at, "AND", left, p.not()}
	}
	return left
}

func (p *parser) not() Expr {
	at := p.pos()
	if p.at("NOT") {
		defer p.enter()()
		p.advance()
		return &Unary{at, "NOT", p.not()}
	}
	return p.predicate()
}

var comparisons = map[string]bool{"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true}

func (p *parser) predicate() Expr {
	left := p.concat()
	for {
		at := p.pos()
		if g := p.Grammar; g != nil && g.Predicate != nil {
			if x := g.Predicate(&Parser{p}, left); x != nil {
				left = x
				continue
			}
		}
		if t := p.tok(); t.kind == tokenSymbol && comparisons[t.text] {
			p.advance()
			if q := p.acceptQuantifier(); q != "" {
				p.expectSymbol("(")
				left = &Quantified{at, t.text, q, left, p.query()}
				p.expectSymbol(")")
				continue
			}
			left = &Operation{at, t.text, left, p.concat()}
			continue
		}
		if p.accept("IS") {
			not := p.accept("NOT")
			switch {
			case p.accept("NULL"):
				left = &IsNull{at, not, left}
			case p.accept("DISTINCT", "FROM"):
				left = &IsDistinct{at, not, left, p.concat()}
			case p.at("TRUE"), p.at("FALSE"):
				// Not Trino's, but clear: x IS TRUE is x IS NOT DISTINCT FROM TRUE.
				left = &IsDistinct{at, !not, left, p.primary()}
			default:
				p.mismatched("DISTINCT", "NULL")
			}
			continue
		}
		n := 0
		not := p.at("NOT")
		if not {
			n = 1
		}
		switch p.ahead(n).upper {
		case "BETWEEN":
			p.i += n + 1
			b := &Between{Position: at, Not: not, X: left}
			if p.Dialect == Streaming {
				b.Symmetric = p.accept("SYMMETRIC")
				_ = b.Symmetric || p.accept("ASYMMETRIC")
			}
			b.Low = p.concat()
			p.expect("AND")
			b.High = p.concat()
			left = b
		case "IN":
			p.i += n + 1
			p.expectSymbol("(")
			in := &In{Position: at, Not: not, X: left}
			if p.startsQuery(0) && p.isSubquery() {
				in.Query = p.query()
			} else {
				in.List = p.exprs()
			}
			p.expectSymbol(")")
			left = in
		case "LIKE":
			p.i += n + 1
			l := &Like{Position: at, Not: not, X: left, Pattern: p.concat()}
			if p.accept("ESCAPE") {
				l.Escape = p.concat()
			}
			left = l
		default:
			return left
		}
	}
}

// isSubquery tells IN (SELECT ..) and IN ((SELECT ..) UNION ..) from IN ((SELECT ..), 2).
func (p *parser) isSubquery() bool {
	if !p.atSymbol("(") {
		return true
	}
	depth := 0
	for i := 0; ; i++ {
		t := p.ahead(i)
		if t.kind == tokenEOF {
			return true
		}
		if t.kind != tokenSymbol {
			continue
		}
		switch t.text {
		case "(":
			depth++
		case ")":
			depth--
			if depth < 0 {
				return true
			}
			if depth == 0 {
				n := p.ahead(i + 1)
				return n.kind == tokenWord && (n.upper == "UNION" || n.upper == "INTERSECT" || n.upper == "EXCEPT" ||
					n.upper == "ORDER" || n.upper == "LIMIT") || n.kind == tokenSymbol && n.text == ")"
			}
		}
	}
}

func (p *parser) acceptQuantifier() string {
	if !p.aheadSymbol(1, "(") || !p.startsQuery(2) {
		return ""
	}
	switch p.acceptAny("ANY", "SOME", "ALL") {
	case "ANY", "SOME":
		return "ANY"
	case "ALL":
		return "ALL"
	}
	return ""
}

// concat reads ||, which in Trino's grammar binds as weakly as no other value operator
// does: a || b + c is a || (b + c).
func (p *parser) concat() Expr {
	left := p.sum()
	for p.atSymbol("||") {
		at := p.pos()
		p.advance()
		left = &Operation{at, "||", left, p.sum()}
	}
	return left
}

func (p *parser) sum() Expr {
	left := p.product()
	for p.atSymbol("+") || p.atSymbol("-") {
		at := p.pos()
		op := p.advance().text
		left = &Operation{at, op, left, p.product()}
	}
	return left
}

func (p *parser) product() Expr {
	left := p.signed()
	for p.atSymbol("*") || p.atSymbol("/") || p.atSymbol("%") {
		at := p.pos()
		op := p.advance().text
		left = &Operation{at, op, left, p.signed()}
	}
	return left
}

func (p *parser) signed() Expr {
	at := p.pos()
	if p.atSymbol("-") || p.atSymbol("+") {
		defer p.enter()()
		op := p.advance().text
		return &Unary{at, op, p.signed()}
	}
	x := p.primary()
	for p.at("AT", "TIME", "ZONE") {
		p.i += 3
		x = &AtTimeZone{at, x, p.primary()}
	}
	return x
}

// primary reads an operand with its subscripts and fields.
func (p *parser) primary() Expr {
	defer p.enter()()
	x := p.operand()
	for {
		at := x.Pos()
		switch {
		case p.atSymbol("["):
			p.advance()
			i := p.expr()
			p.expectSymbol("]")
			x = &Subscript{at, x, i}
		case p.atSymbol(".") && !p.aheadSymbol(1, "*"):
			p.advance()
			x = &Dereference{at, x, p.anyIdentifier()}
		default:
			if g := p.Grammar; g != nil && g.Suffix != nil {
				return g.Suffix(&Parser{p}, x)
			}
			return x
		}
	}
}

func (p *parser) operand() Expr {
	if g := p.Grammar; g != nil && g.Operand != nil {
		if x := g.Operand(&Parser{p}); x != nil {
			return x
		}
	}
	t := p.tok()
	at := t.Position
	switch t.kind {
	case tokenInteger:
		p.i++
		return &Number{at, strings.ReplaceAll(t.text, "_", ""), Integer}
	case tokenDecimal:
		p.i++
		return &Number{at, strings.ReplaceAll(t.text, "_", ""), Decimal}
	case tokenDouble:
		p.i++
		return &Number{at, strings.ReplaceAll(t.text, "_", ""), Double}
	case tokenString, tokenUnicode:
		return &String{at, p.stringLiteral()}
	case tokenBinary:
		p.i++
		return &Binary{at, []byte(t.text)}
	case tokenSymbol:
		switch t.text {
		case "?":
			p.i++
			p.parameters++
			return &Parameter{at, p.parameters - 1}
		case "(":
			return p.parenthesised()
		}
	case tokenQuoted, tokenBackQuoted:
		return p.named()
	case tokenWord:
		return p.word()
	}
	p.mismatched("<expression>")
	return nil
}

// parenthesised reads (query), (expr), (row, row) or (x, y) -> body.
func (p *parser) parenthesised() Expr {
	at := p.pos()
	if params, ok := p.lambdaParams(); ok {
		return &Lambda{at, params, p.expr()}
	}
	if p.startsQuery(1) && p.aheadIsQuery() {
		p.expectSymbol("(")
		q := p.query()
		p.expectSymbol(")")
		return &Subquery{at, q}
	}
	p.expectSymbol("(")
	x := p.expr()
	if p.atSymbol(",") {
		r := &Row{Position: at, Items: []Expr{x}}
		for p.symbol(",") {
			r.Items = append(r.Items, p.expr())
		}
		x = r
	}
	p.expectSymbol(")")
	return x
}

// aheadIsQuery tells ((SELECT 1) UNION ..) from ((SELECT 1) + 2), one parenthesis in.
func (p *parser) aheadIsQuery() bool {
	p.i++
	defer func() { p.i-- }()
	return p.isSubquery()
}

// lambdaParams takes "(a, b) ->" or "() ->" if that is next.
func (p *parser) lambdaParams() ([]Identifier, bool) {
	n := 1
	var names []Identifier
	for !p.aheadSymbol(n, ")") {
		if !p.isName(n) {
			return nil, false
		}
		t := p.ahead(n)
		names = append(names, Identifier{t.Position, t.text, t.kind != tokenWord})
		n++
		if p.aheadSymbol(n, ",") {
			n++
		} else if !p.aheadSymbol(n, ")") {
			return nil, false
		}
	}
	if !p.aheadSymbol(n+1, "->") {
		return nil, false
	}
	p.i += n + 2
	return names, true
}
