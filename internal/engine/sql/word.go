package sql

import (
	"strings"
)

// Expressions that begin with a word: constructs of their own, literals, calls and names.

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
	case "JSON_EXISTS", "JSON_VALUE", "JSON_QUERY":
		if p.aheadSymbol(1, "(") {
			return p.jsonQuery(strings.ToLower(t.upper))
		}
	case "JSON_OBJECT", "JSON_ARRAY":
		if p.aheadSymbol(1, "(") {
			return p.jsonConstructor(strings.ToLower(t.upper))
		}
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
	i.From = p.intervalUnit()
	if p.accept("TO") {
		i.To = p.intervalUnit()
	}
	return i
}

// intervalUnit reads a unit; the streaming language has a precision behind it, which says nothing
// about the value.
func (p *parser) intervalUnit() string {
	u := intervalUnits[p.tok().upper]
	if u == "" {
		p.mismatched("DAY", "HOUR", "MINUTE", "MONTH", "SECOND", "YEAR")
	}
	p.advance()
	if p.Dialect == Streaming && p.symbol("(") {
		p.integer()
		if p.symbol(",") {
			p.integer()
		}
		p.expectSymbol(")")
	}
	return u
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
		switch {
		case p.accept("FROM"):
			c.Args = append(c.Args, p.expr())
			if p.accept("FOR") {
				c.Args = append(c.Args, p.expr())
			}
		case p.Dialect == Streaming && p.accept("SIMILAR"):
			c.Args = append(c.Args, p.expr())
			p.expect("ESCAPE")
			c.Args = append(c.Args, p.expr())
		default:
			if p.Dialect == Streaming { // which tells this form from FROM, by a start behind the end
				c.Name = callName(at, "substr")
			}
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
