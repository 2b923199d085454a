package vtl

import (
	"math/big"
	"strconv"
	"strings"
)

// Expressions, from the loosest to the tightest: or, and, equality, relation, sum, product, not.

var levels = [][]struct {
	tokens []string // words match whole
	op     operator
}{
	{{[]string{"||", "or"}, opOr}},
	{{[]string{"&&", "and"}, opAnd}},
	{{[]string{"==", "eq"}, opEQ}, {[]string{"!=", "ne"}, opNE}},
	{{[]string{"<=", "le"}, opLE}, {[]string{">=", "ge"}, opGE}, {[]string{"<", "lt"}, opLT}, {[]string{">", "gt"}, opGT}},
	{{[]string{"+"}, opAdd}, {[]string{"-"}, opSub}},
	{{[]string{"*"}, opMul}, {[]string{"/"}, opDiv}, {[]string{"%"}, opMod}},
}

func (p *parser) expression() (expr, error) { return p.level(0) }

func (p *parser) level(n int) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if n == len(levels) {
		return p.unary()
	}
	left, err := p.level(n + 1)
	if err != nil {
		return nil, err
	}
	for i := 0; ; i++ {
		op, ok := p.operator(n)
		if !ok {
			return left, nil
		}
		if i > 1000 {
			return nil, p.errorf("an expression has more than 1,000 terms")
		}
		right, err := p.level(n + 1)
		if err != nil {
			return nil, err
		}
		left = &binary{op, left, right}
	}
}

// operator takes an operator of a level, if one comes next.
func (p *parser) operator(n int) (operator, bool) {
	p.blanks()
	for _, o := range levels[n] {
		for _, t := range o.tokens {
			if isLetter(t[0]) {
				if p.identifier(0) != t {
					continue
				}
			} else if !strings.HasPrefix(p.rest(), t) {
				continue
			}
			p.pos += len(t)
			return o.op, true
		}
	}
	return 0, false
}

func (p *parser) unary() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.blanks()
	switch {
	case p.peek(0) == '!' && p.peek(1) != '=':
		p.pos++
	case p.identifier(0) == "not":
		p.pos += len("not")
	default:
		return p.primary()
	}
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	return not{x}, nil
}

// argument is an expression of a list: Velocity takes no operators there.
func (p *parser) argument() (expr, error) { return p.primary() }

func (p *parser) primary() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.blanks()
	switch c := p.peek(0); {
	case c == '"' || c == '\'':
		return p.quoted(c)
	case c == '$':
		ref, err := p.reference()
		if err != nil {
			return nil, err
		}
		if ref == nil {
			return nil, p.errorf("expected a reference")
		}
		return ref, nil
	case isDigit(c) || c == '-' && (isDigit(p.peek(1)) || p.peek(1) == '.') || c == '.' && isDigit(p.peek(1)):
		return p.number(), nil
	case c == '(':
		p.pos++
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		p.blanks()
		if p.peek(0) != ')' {
			return nil, p.errorf("( is not closed by )")
		}
		p.pos++
		return x, nil
	case c == '[':
		return p.listOrRange()
	case c == '{':
		return p.mapLiteral()
	}
	switch p.identifier(0) {
	case "true":
		p.pos += 4
		return literal{true}, nil
	case "false":
		p.pos += 5
		return literal{false}, nil
	}
	return nil, p.errorf("expected an expression")
}

func (p *parser) number() expr {
	i := p.pos
	if p.src[i] == '-' {
		i++
	}
	digits := func() {
		for i < len(p.src) && isDigit(p.src[i]) {
			i++
		}
	}
	digits()
	fraction := false
	if i < len(p.src) && p.src[i] == '.' && (i+1 >= len(p.src) || p.src[i+1] != '.') && i+1 < len(p.src) && isDigit(p.src[i+1]) {
		fraction = true
		i++
		digits()
	}
	if i < len(p.src) && (p.src[i] == 'e' || p.src[i] == 'E') {
		j := i + 1
		if j < len(p.src) && (p.src[j] == '+' || p.src[j] == '-') {
			j++
		}
		if j < len(p.src) && isDigit(p.src[j]) {
			i = j
			fraction = true
			digits()
		}
	}
	s := p.src[p.pos:i]
	p.pos = i
	if fraction {
		f, _ := strconv.ParseFloat(s, 64)
		return literal{f}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return literal{integer(n)}
	}
	n, _ := new(big.Int).SetString(s, 10)
	return literal{n}
}

// quoted parses a text. A doubled quote stands for one. Backslashes stay, but one before a line
// end goes with it. Text in double quotes is a template of its own.
func (p *parser) quoted(quote byte) (expr, error) {
	var b strings.Builder
	i := p.pos + 1
	for {
		if i >= len(p.src) {
			return nil, p.errorf("a text is not closed by %c", quote)
		}
		c := p.src[i]
		if c == quote {
			if i+1 < len(p.src) && p.src[i+1] == quote {
				b.WriteByte(quote)
				i += 2
				continue
			}
			break
		}
		b.WriteByte(c)
		i++
	}
	s := b.String()
	if quote == '\'' || !strings.ContainsAny(s, "$#") {
		p.pos = i + 1
		return literal{s}, nil
	}
	inner := &parser{src: s, depth: p.depth, macros: p.macros}
	body, end, err := inner.block()
	if err != nil || end != "" {
		return nil, p.errorf("the text \"%.40s\" is not a template: %v", s, err)
	}
	p.pos = i + 1
	return interpolated{body}, nil
}

func (p *parser) listOrRange() (expr, error) {
	at := p.pos
	p.pos++
	p.blanks()
	if p.peek(0) != ']' {
		from, err := p.argument()
		if err != nil {
			return nil, err
		}
		p.blanks()
		if strings.HasPrefix(p.rest(), "..") {
			p.pos += 2
			to, err := p.argument()
			if err != nil {
				return nil, err
			}
			p.blanks()
			if p.peek(0) != ']' {
				return nil, p.errorf("a range is not closed by ]")
			}
			p.pos++
			return rangeExpr{from, to}, nil
		}
	}
	p.pos = at + 1
	items, err := p.list(']')
	if err != nil {
		return nil, err
	}
	return listExpr{items}, nil
}

func (p *parser) mapLiteral() (expr, error) {
	p.pos++
	var m mapExpr
	for {
		p.blanks()
		if p.peek(0) == '}' && len(m.keys) == 0 {
			p.pos++
			return m, nil
		}
		k, err := p.argument()
		if err != nil {
			return nil, err
		}
		p.blanks()
		if p.peek(0) != ':' {
			return nil, p.errorf("expected : in a map")
		}
		p.pos++
		v, err := p.argument()
		if err != nil {
			return nil, err
		}
		m.keys, m.values = append(m.keys, k), append(m.values, v)
		p.blanks()
		switch p.peek(0) {
		case '}':
			p.pos++
			return m, nil
		case ',':
			p.pos++
		default:
			return nil, p.errorf("expected , or } in a map")
		}
	}
}
