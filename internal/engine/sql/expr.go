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
			low := p.concat()
			p.expect("AND")
			left = &Between{at, not, left, low, p.concat()}
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
			return x
		}
	}
}

func (p *parser) operand() Expr {
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
		r := &Row{at, []Expr{x}}
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

// word reads what begins with an unquoted word: a construct of its own, a typed literal,
// a call or a name.
func (p *parser) word() Expr {
	t := p.tok()
	at := t.Position
	switch t.upper {
	case "NULL":
		p.i++
		return &Null{at}
	case "TRUE", "FALSE":
		p.i++
		return &Boolean{at, t.upper == "TRUE"}
	case "CASE":
		return p.caseExpr()
	case "CAST", "TRY_CAST":
		if p.aheadSymbol(1, "(") {
			p.i += 2
			c := &Cast{Position: at, X: p.expr(), Try: t.upper == "TRY_CAST"}
			p.expect("AS")
			c.Type = p.parseType()
			p.expectSymbol(")")
			return c
		}
	case "EXISTS":
		p.i++
		p.expectSymbol("(")
		q := p.query()
		p.expectSymbol(")")
		return &Exists{at, q}
	case "ROW":
		if p.aheadSymbol(1, "(") {
			p.i += 2
			r := &Row{Position: at, Items: p.exprs()}
			p.expectSymbol(")")
			return r
		}
	case "ARRAY":
		if p.aheadSymbol(1, "[") {
			p.i += 2
			a := &Array{Position: at}
			if !p.atSymbol("]") {
				a.Items = p.exprs()
			}
			p.expectSymbol("]")
			return a
		}
	case "INTERVAL":
		if n := p.ahead(1); n.kind == tokenString || p.aheadSymbol(1, "-") || p.aheadSymbol(1, "+") {
			return p.interval()
		}
	case "EXTRACT":
		p.i++
		p.expectSymbol("(")
		e := &Extract{Position: at, Field: strings.ToUpper(p.identifier().Name)}
		p.expect("FROM")
		e.X = p.expr()
		p.expectSymbol(")")
		return e
	case "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP",
		"CURRENT_USER", "CURRENT_CATALOG", "CURRENT_SCHEMA", "CURRENT_PATH", "CURRENT_ROLE":
		p.i++
		c := &Call{Position: at, NoParens: true, Name: callName(at, t.text)}
		if p.symbol("(") {
			if !p.atSymbol(")") {
				n := p.tok()
				p.integer()
				c.Args = []Expr{&Number{n.Position, n.text, Integer}}
			}
			p.expectSymbol(")")
		}
		return c
	case "POSITION", "SUBSTRING", "TRIM", "NORMALIZE", "LISTAGG", "GROUPING":
		if p.aheadSymbol(1, "(") {
			return p.specialCall()
		}
	}
	if l := p.typedLiteral(); l != nil {
		return l
	}
	return p.named()
}

func callName(at Position, name string) QualifiedName {
	return QualifiedName{at, []Identifier{{at, name, false}}}
}

// typedLiteral reads TYPE '...', if that is next.
func (p *parser) typedLiteral() Expr {
	t := p.tok()
	if reserved[t.upper] {
		return nil
	}
	if n := p.ahead(1); n.kind == tokenString {
		p.i += 2
		return &TypedLiteral{t.Position, typeNamed(t), n.text}
	}
	if p.at("DOUBLE", "PRECISION") && p.ahead(2).kind == tokenString {
		p.i += 3
		return &TypedLiteral{t.Position, typeNamed(t), p.tokens[p.i-1].text}
	}
	return nil
}

func typeNamed(t *token) *Type {
	name := strings.ToLower(t.text)
	switch name {
	case "int":
		name = "integer"
	case "numeric", "dec":
		name = "decimal"
	}
	return &Type{Position: t.Position, Name: name}
}

var intervalUnits = map[string]string{
	"YEAR": "YEAR", "MONTH": "MONTH", "DAY": "DAY", "HOUR": "HOUR", "MINUTE": "MINUTE", "SECOND": "SECOND", "WEEK": "WEEK",
	"YEARS": "YEAR", "MONTHS": "MONTH", "DAYS": "DAY", "HOURS": "HOUR", "MINUTES": "MINUTE", "SECONDS": "SECOND", "WEEKS": "WEEK",
}

func (p *parser) interval() Expr {
	i := &Interval{Position: p.pos()}
	p.advance()
	if p.symbol("-") {
		i.Negative = true
	} else {
		p.symbol("+")
	}
	i.Value = p.stringLiteral()
	unit := func() string {
		u := intervalUnits[p.tok().upper]
		if u == "" {
			p.mismatched("DAY", "HOUR", "MINUTE", "MONTH", "SECOND", "YEAR")
		}
		p.advance()
		return u
	}
	i.From = unit()
	if p.accept("TO") {
		i.To = unit()
	}
	return i
}

func (p *parser) caseExpr() Expr {
	c := &Case{Position: p.pos()}
	p.expect("CASE")
	if !p.at("WHEN") {
		c.Operand = p.expr()
	}
	for p.at("WHEN") {
		w := When{Position: p.pos()}
		p.advance()
		w.Cond = p.expr()
		p.expect("THEN")
		w.Then = p.expr()
		c.Whens = append(c.Whens, w)
	}
	if len(c.Whens) == 0 {
		p.mismatched("WHEN")
	}
	if p.accept("ELSE") {
		c.Else = p.expr()
	}
	p.expect("END")
	return c
}

// named reads a name, a lambda of one parameter, or a call.
func (p *parser) named() Expr {
	if p.isName(0) && p.aheadSymbol(1, "->") {
		at := p.pos()
		param := p.identifier()
		p.expectSymbol("->")
		return &Lambda{at, []Identifier{param}, p.expr()}
	}
	// a.b.c( is a call of a qualified name; anything else is a column and its fields.
	n := 1
	for p.aheadSymbol(n, ".") && (p.isName(n+1) || p.ahead(n+1).kind == tokenWord) {
		n += 2
	}
	t := p.tok()
	if !p.isName(0) && !(p.aheadSymbol(1, "(") && callableReserved[t.upper]) {
		p.mismatched("<expression>")
	}
	if !p.aheadSymbol(n, "(") {
		id := p.identifier()
		return &Name{id.Position, id}
	}
	name := QualifiedName{Position: t.Position}
	for {
		name.Parts = append(name.Parts, p.anyIdentifier())
		if !p.symbol(".") {
			break
		}
	}
	return p.call(name)
}

// callableReserved are reserved words that are also functions.
var callableReserved = map[string]bool{"LEFT": true, "RIGHT": true}

// call reads the arguments of a function and what may follow them.
func (p *parser) call(name QualifiedName) Expr {
	c := &Call{Position: name.Position, Name: name}
	p.expectSymbol("(")
	switch {
	case p.symbol("*"):
		c.Star = true
	case p.atSymbol(")"):
	default:
		if p.accept("DISTINCT") {
			c.Distinct = true
		} else {
			p.accept("ALL")
		}
		c.Args = p.exprs()
	}
	if p.accept("ORDER", "BY") {
		c.OrderBy = p.sortItems()
	}
	// Older texts have the null treatment inside.
	p.nullTreatment(c)
	p.expectSymbol(")")
	p.callTail(c)
	return c
}

func (p *parser) nullTreatment(c *Call) {
	if p.at("IGNORE", "NULLS") || p.at("RESPECT", "NULLS") {
		c.Nulls = p.advance().upper
		p.advance()
	}
}

func (p *parser) callTail(c *Call) {
	if p.at("WITHIN", "GROUP") {
		p.i += 2
		p.expectSymbol("(")
		p.expect("ORDER", "BY")
		c.WithinGroup = p.sortItems()
		p.expectSymbol(")")
	}
	if p.at("FILTER") && p.aheadSymbol(1, "(") {
		p.i += 2
		p.expect("WHERE")
		c.Filter = p.expr()
		p.expectSymbol(")")
	}
	p.nullTreatment(c)
	if p.at("OVER") && (p.aheadSymbol(1, "(") || p.isName(1)) {
		p.advance()
		if p.atSymbol("(") {
			c.Over = p.windowSpec()
		} else {
			c.Over = &Window{Position: p.pos(), Bare: true, Name: p.identifierPointer()}
		}
	}
}

// specialCall reads the functions whose arguments have a grammar of their own, and turns
// them into plain calls.
func (p *parser) specialCall() Expr {
	t := p.advance()
	at := t.Position
	c := &Call{Position: at, Name: callName(at, strings.ToLower(t.text))}
	p.expectSymbol("(")
	switch t.upper {
	case "POSITION":
		needle := p.concat()
		p.expect("IN")
		c.Name = callName(at, "strpos")
		c.Args = []Expr{p.concat(), needle}
	case "SUBSTRING":
		c.Args = []Expr{p.expr()}
		if p.accept("FROM") {
			c.Args = append(c.Args, p.expr())
			if p.accept("FOR") {
				c.Args = append(c.Args, p.expr())
			}
		} else {
			for p.symbol(",") {
				c.Args = append(c.Args, p.expr())
			}
		}
	case "TRIM":
		switch p.acceptAny("LEADING", "TRAILING", "BOTH") {
		case "LEADING":
			c.Name = callName(at, "ltrim")
		case "TRAILING":
			c.Name = callName(at, "rtrim")
		}
		if !p.at("FROM") {
			c.Args = []Expr{p.expr()}
		}
		if p.accept("FROM") {
			c.Args = append([]Expr{p.expr()}, c.Args...)
		} else {
			for p.symbol(",") {
				c.Args = append(c.Args, p.expr())
			}
		}
	case "NORMALIZE":
		c.Args = []Expr{p.expr()}
		if p.symbol(",") {
			f := p.expectAny("NFD", "NFC", "NFKD", "NFKC")
			c.Args = append(c.Args, &String{at, f})
		}
	case "LISTAGG":
		c.Distinct = p.accept("DISTINCT")
		c.Args = p.exprs()
		if p.accept("ON", "OVERFLOW") {
			if p.accept("ERROR") {
				c.Overflow = "ERROR"
			} else {
				p.expect("TRUNCATE")
				c.Overflow = "TRUNCATE"
				if p.tok().kind == tokenString {
					c.Overflow += " " + quoteString(p.stringLiteral())
				}
				c.Overflow += " " + p.expectAny("WITH", "WITHOUT") + " COUNT"
				p.expect("COUNT")
			}
		}
	default: // GROUPING
		c.Args = p.exprs()
	}
	p.expectSymbol(")")
	p.callTail(c)
	return c
}
