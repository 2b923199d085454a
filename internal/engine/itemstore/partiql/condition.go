package partiql

import (
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

func (p *parser) or() (string, *Error) {
	l, err := p.and()
	for err == nil && p.take("OR") {
		if err = p.operandAfter(); err != nil {
			break
		}
		var r string
		if r, err = p.and(); err == nil {
			l = "(" + l + ") OR (" + r + ")"
		}
	}
	return l, err
}

func (p *parser) and() (string, *Error) {
	l, err := p.not()
	for err == nil && p.take("AND") {
		if err = p.operandAfter(); err != nil {
			break
		}
		var r string
		if r, err = p.not(); err == nil {
			l = "(" + l + ") AND (" + r + ")"
		}
	}
	return l, err
}

func (p *parser) not() (string, *Error) {
	if err := p.enter(); err != nil {
		return "", err
	}
	defer func() { p.depth-- }()
	if p.take("NOT") {
		c, err := p.not()
		return "NOT (" + c + ")", err
	}
	if p.peek().is("(") {
		p.at++
		c, err := p.or()
		if err != nil {
			return "", err
		}
		return "(" + c + ")", p.expect(")")
	}
	return p.predicate()
}

func (p *parser) predicate() (string, *Error) {
	for _, f := range []string{"attribute_exists", "attribute_not_exists"} {
		if p.peek().is(f) && p.t[p.at+1].is("(") {
			p.at += 2
			path, _, err := p.path()
			if err != nil {
				return "", err
			}
			return f + "(" + path + ")", p.expect(")")
		}
	}
	if t := p.peek(); t.kind == word && p.t[p.at+1].is("(") && !slices.ContainsFunc(conditions, t.is) {
		return "", &Error{"Unrecognized function: " + t.text + " at " + p.where(t)}
	}
	for _, f := range []string{"begins_with", "contains", "attribute_type"} {
		if p.peek().is(f) && p.t[p.at+1].is("(") {
			p.at += 2
			a, err := p.operand()
			if err != nil {
				return "", err
			}
			if err := p.expect(","); err != nil {
				return "", err
			}
			b, err := p.operand()
			if err != nil {
				return "", err
			}
			return f + "(" + a + ", " + b + ")", p.expect(")")
		}
	}
	x, err := p.operand()
	if err != nil {
		return "", err
	}
	negated := p.take("NOT")
	wrap := func(c string) string {
		if negated {
			return "NOT (" + c + ")"
		}
		return c
	}
	switch t := p.peek(); {
	case p.take("IS"):
		not := p.take("NOT")
		c := ""
		switch {
		case p.take("MISSING"):
			c = "attribute_not_exists(" + x + ")"
		case p.take("NULL"):
			c = "attribute_type(" + x + ", " + p.placeholder(attr.String("NULL")) + ")"
		default:
			return "", p.unexpected()
		}
		if not {
			c = "NOT (" + c + ")"
		}
		return c, nil
	case p.take("BETWEEN"):
		low, err := p.operand()
		if err != nil {
			return "", err
		}
		if err := p.expect("AND"); err != nil {
			return "", err
		}
		high, err := p.operand()
		return wrap(x + " BETWEEN " + low + " AND " + high), err
	case p.take("IN"):
		closing := "]"
		if p.take("(") {
			closing = ")"
		} else if err := p.expect("["); err != nil {
			return "", err
		}
		var list []string
		for {
			y, err := p.operand()
			if err != nil {
				return "", err
			}
			list = append(list, y)
			if !p.take(",") {
				break
			}
		}
		return wrap(x + " IN (" + strings.Join(list, ", ") + ")"), p.expect(closing)
	case t.kind == symbol && !negated:
		op := t.text
		if op == "!=" {
			op = "<>"
		}
		switch op {
		case "=", "<>", "<", "<=", ">", ">=":
			p.at++
			if err := p.operandAfter(); err != nil {
				return "", err
			}
			y, err := p.operand()
			return x + " " + op + " " + y, err
		}
	}
	return "", p.unexpected()
}

// operand reads a value, a path or size().
func (p *parser) operand() (string, *Error) {
	t := p.peek()
	if t.is("size") && p.t[p.at+1].is("(") {
		p.at += 2
		path, _, err := p.path()
		if err != nil {
			return "", err
		}
		return "size(" + path + ")", p.expect(")")
	}
	if t.kind == quoted || t.kind == word && !t.is("true") && !t.is("false") && !t.is("null") {
		path, _, err := p.path()
		return path, err
	}
	v, err := p.value()
	if err != nil {
		return "", err
	}
	return p.placeholder(v), nil
}

// conditions are the functions that a condition may be or hold.
var conditions = []string{"begins_with", "contains", "attribute_type", "size"}
