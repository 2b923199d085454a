package partiql

import (
	"fmt"
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
	if t := p.peek(); t.kind == word && p.t[p.at+1].is("(") {
		if i := slices.IndexFunc(conditions, func(f function) bool { return t.is(f.name) }); i >= 0 {
			return p.test(conditions[i])
		}
		if !t.is("size") {
			name := t.text
			if t.is("EXISTS") {
				name = "exists"
			}
			return "", &Error{"Unrecognized function: " + name + " at " + p.where(t)}
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
		name, err := p.typeName()
		if err != nil {
			return "", err
		}
		c := "attribute_not_exists(" + x + ")"
		if of := types[name]; of != nil {
			var any []string
			for _, t := range of {
				any = append(any, "attribute_type("+x+", "+p.placeholder(attr.String(t))+")")
			}
			c = strings.Join(any, " OR ")
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

// function is one that a condition may be.
type function struct {
	name     string
	operands int
	path     bool // the first operand must be one
}

var conditions = []function{
	{"attribute_exists", 1, true}, {"attribute_not_exists", 1, true},
	{"begins_with", 2, false}, {"contains", 2, false}, {"attribute_type", 2, false},
}

// test reads a function that is a condition, and what it is compared with, if with a truth.
func (p *parser) test(f function) (string, *Error) {
	args, paths, err := p.arguments()
	switch {
	case err != nil:
		return "", err
	case len(args) != f.operands:
		return "", &Error{fmt.Sprintf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", f.name, len(args))}
	case f.path && !paths[0]:
		return "", &Error{"Operator or function requires a document path; operator or function: " + f.name}
	}
	c := f.name + "(" + strings.Join(args, ", ") + ")"
	if truth := p.t[min(p.at+1, len(p.t)-1)]; p.peek().is("=") && (truth.is("true") || truth.is("false")) {
		p.at += 2
		if truth.is("false") {
			c = "NOT (" + c + ")"
		}
	}
	return c, nil
}

// arguments reads a function's name and its operands; paths tells which of them are paths.
func (p *parser) arguments() (args []string, paths []bool, err *Error) {
	p.at += 2 // name (
	for !p.take(")") {
		if len(args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, nil, err
			}
		}
		isPath := p.atPath()
		x, err := p.operand()
		if err != nil {
			return nil, nil, err
		}
		args, paths = append(args, x), append(paths, isPath)
	}
	return args, paths, nil
}

// atPath reports whether a path begins here, rather than a value.
func (p *parser) atPath() bool {
	t := p.peek()
	return t.kind == quoted || t.kind == word && !t.is("true") && !t.is("false") && !t.is("null")
}

// operand reads a value, a path or size().
func (p *parser) operand() (string, *Error) {
	t := p.peek()
	if err := misplaced(t); err != nil {
		return "", err
	}
	if t.is("size") && p.t[p.at+1].is("(") {
		p.at += 2
		path, _, err := p.path()
		if err != nil {
			return "", err
		}
		return "size(" + path + ")", p.expect(")")
	}
	if p.atPath() {
		path, _, err := p.path()
		return path, err
	}
	v, err := p.value()
	if err != nil {
		return "", err
	}
	return p.placeholder(v), nil
}
