package jsonpath

import (
	"errors"
	"math/big"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/vtl"
)

// condition is a filter, of a value that it looks at as @.
type condition func(e *evaluation, at any) (bool, error)

// operand yields a value; false where its path leads to nothing.
type operand func(e *evaluation, at any) (any, bool, error)

func (p *parser) or() (condition, error) {
	return p.chain("||", p.and, func(a, b condition) condition {
		return func(e *evaluation, at any) (bool, error) {
			if ok, err := a(e, at); ok || err != nil {
				return ok, err
			}
			return b(e, at)
		}
	})
}

func (p *parser) and() (condition, error) {
	return p.chain("&&", p.term, func(a, b condition) condition {
		return func(e *evaluation, at any) (bool, error) {
			if ok, err := a(e, at); !ok || err != nil {
				return false, err
			}
			return b(e, at)
		}
	})
}

func (p *parser) chain(operator string, next func() (condition, error), join func(a, b condition) condition) (condition, error) {
	c, err := next()
	for err == nil {
		p.blanks()
		if !strings.HasPrefix(p.s[p.i:], operator) {
			return c, nil
		}
		p.i += len(operator)
		var right condition
		if right, err = next(); err == nil {
			c = join(c, right)
		}
	}
	return nil, err
}

func (p *parser) term() (condition, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, ErrLimit
	}
	defer func() { p.depth-- }()
	p.blanks()
	switch {
	case p.peek() == '!' && !strings.HasPrefix(p.s[p.i:], "!="):
		p.i++
		c, err := p.term()
		if err != nil {
			return nil, err
		}
		return func(e *evaluation, at any) (bool, error) {
			ok, err := c(e, at)
			return !ok, err
		}, nil
	case p.peek() == '(':
		p.i++
		c, err := p.or()
		if err != nil {
			return nil, err
		}
		p.blanks()
		if p.peek() != ')' {
			return nil, p.errorf("expected )")
		}
		p.i++
		return c, nil
	}
	left, isPath, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.blanks()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">", "in", "nin"} {
		if !strings.HasPrefix(p.s[p.i:], op) {
			continue
		}
		p.i += len(op)
		right, _, err := p.operand()
		if err != nil {
			return nil, err
		}
		return comparison(op, left, right), nil
	}
	if !isPath {
		return nil, p.errorf("expected an operator")
	}
	return func(e *evaluation, at any) (bool, error) { // @.a alone: it is there
		_, ok, err := left(e, at)
		return ok, err
	}, nil
}

func comparison(op string, left, right operand) condition {
	return func(e *evaluation, at any) (bool, error) {
		a, aThere, err := left(e, at)
		if err != nil {
			return false, err
		}
		b, bThere, err := right(e, at)
		if err != nil {
			return false, err
		}
		if !aThere || !bThere {
			return op == "!=", nil // what is not there equals nothing
		}
		switch op {
		case "==":
			return equal(a, b), nil
		case "!=":
			return !equal(a, b), nil
		case "in", "nin":
			l, ok := b.(*vtl.List)
			if !ok {
				return false, nil
			}
			in := false
			for _, x := range l.Items {
				in = in || equal(a, x)
			}
			return in == (op == "in"), nil
		}
		c, ok := compare(a, b)
		if !ok {
			return false, nil
		}
		switch op {
		case "<":
			return c < 0, nil
		case "<=":
			return c <= 0, nil
		case ">":
			return c > 0, nil
		}
		return c >= 0, nil
	}
}

func equal(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if c, ok := compare(a, b); ok {
		return c == 0
	}
	switch a := a.(type) {
	case bool:
		y, ok := b.(bool)
		return ok && a == y
	case string: // a number equals the text that is it
		if _, ok := float(b); ok {
			s, err := vtl.JSON(b, maxPath)
			return err == nil && s == a
		}
	case *vtl.List, *vtl.Map:
		return false
	}
	x, number := float(a)
	if s, ok := b.(string); ok && number {
		y, err := strconv.ParseFloat(s, 64)
		return err == nil && x == y
	}
	return false
}

// compare compares two numbers, or two texts.
func compare(a, b any) (int, bool) {
	x, aNumber := float(a)
	y, bNumber := float(b)
	if aNumber && bNumber {
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	s, aText := a.(string)
	t, bText := b.(string)
	if aText && bText {
		return strings.Compare(s, t), true
	}
	return 0, false
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int32:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	}
	return 0, false
}

func constant(v any) operand {
	return func(*evaluation, any) (any, bool, error) { return v, true, nil }
}

// operand parses one side of a comparison.
func (p *parser) operand() (o operand, isPath bool, err error) {
	p.blanks()
	switch c := p.peek(); {
	case c == '@' || c == '$':
		p.i++
		if p.depth++; p.depth > maxDepth {
			return nil, false, ErrLimit
		}
		path, err := p.path()
		p.depth--
		if err != nil {
			return nil, false, err
		}
		return func(e *evaluation, at any) (any, bool, error) {
			if c == '$' {
				at = e.root
			}
			v, err := e.get(path, at)
			if errors.Is(err, ErrNotFound) {
				return nil, false, nil
			}
			return v, err == nil, err
		}, true, nil
	case c == '\'' || c == '"':
		s, err := p.quoted()
		return constant(s), false, err
	case c == '[':
		p.i++
		l := &vtl.List{JSON: true}
		for {
			p.blanks()
			if p.peek() == ']' {
				p.i++
				return constant(l), false, nil
			}
			x, path, err := p.operand()
			if err != nil {
				return nil, false, err
			}
			if path {
				return nil, false, p.errorf("a list of a filter has constants alone")
			}
			v, _, _ := x(nil, nil)
			l.Items = append(l.Items, v)
			p.blanks()
			if p.peek() == ',' {
				p.i++
			} else if p.peek() != ']' {
				return nil, false, p.errorf("expected ]")
			}
		}
	}
	word := p.word()
	switch word {
	case "true", "false":
		return constant(word == "true"), false, nil
	case "null":
		return constant(nil), false, nil
	}
	if n, err := vtl.FromJSON(word); err == nil { // a number of JSON keeps its type, which says what it is as text
		if _, ok := float(n); ok {
			return constant(n), false, nil
		}
	}
	f, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return nil, false, p.errorf("%q is not a value", word)
	}
	return constant(f), false, nil
}

func (p *parser) word() string {
	i := p.i
	for p.i < len(p.s) && strings.IndexByte(" )]=<>!&|,", p.s[p.i]) < 0 {
		p.i++
	}
	return p.s[i:p.i]
}
