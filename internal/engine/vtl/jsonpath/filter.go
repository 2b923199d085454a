package jsonpath

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

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
	if op := p.operator(); op != "" {
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

// operators are those of filters, in words in lower case; one of signs comes before those that begin it.
var operators = []string{"===", "!==", "==", "!=", "<=", ">=", "=~", "<", ">"}

// wordOperators are written in any case, with a blank behind.
var wordOperators = map[string]func(e *evaluation, a, b any) (bool, error){
	"in": func(e *evaluation, a, b any) (bool, error) {
		l, ok := b.(*vtl.List)
		if !ok {
			return false, nil
		}
		return e.has(l, a)
	},
	"subsetof": func(e *evaluation, a, b any) (bool, error) {
		return e.shared(a, b, func(n, of int) bool { return n == of })
	},
	"anyof": func(e *evaluation, a, b any) (bool, error) {
		return e.shared(a, b, func(n, _ int) bool { return n > 0 })
	},
	"noneof": func(e *evaluation, a, b any) (bool, error) {
		return e.shared(a, b, func(n, _ int) bool { return n == 0 })
	},
	"contains": func(e *evaluation, a, b any) (bool, error) {
		switch a := a.(type) {
		case string:
			s, ok := b.(string)
			return ok && strings.Contains(a, s), nil
		case *vtl.List:
			return e.has(a, b)
		}
		return false, nil
	},
	"size": func(_ *evaluation, a, b any) (bool, error) {
		n, ok := float(b)
		if !ok {
			return false, nil
		}
		switch a := a.(type) {
		case string:
			return len(utf16.Encode([]rune(a))) == int(n), nil
		case *vtl.List:
			return len(a.Items) == int(n), nil
		}
		return false, nil
	},
	"empty": func(_ *evaluation, a, b any) (bool, error) {
		want, ok := b.(bool)
		if !ok {
			return false, nil
		}
		switch a := a.(type) {
		case string:
			return (a == "") == want, nil
		case *vtl.List:
			return (len(a.Items) == 0) == want, nil
		case *vtl.Map:
			return false, errors.New("jsonpath: empty is of texts and lists alone")
		}
		return false, nil
	},
	"exists": func(_ *evaluation, a, b any) (bool, error) {
		x, ok := a.(bool)
		y, also := b.(bool)
		return ok && also && x == y, nil
	},
	// These take what paths lead to for nothing.
	"all":     func(*evaluation, any, any) (bool, error) { return false, nil },
	"type":    func(*evaluation, any, any) (bool, error) { return false, nil },
	"matches": func(*evaluation, any, any) (bool, error) { return false, nil },
}

// operator takes an operator; empty where there is none.
func (p *parser) operator() string {
	for _, op := range operators {
		if strings.HasPrefix(p.s[p.i:], op) {
			p.i += len(op)
			return op
		}
	}
	word, _, blank := strings.Cut(p.s[p.i:], " ")
	if word = strings.ToLower(word); !blank || word != "nin" && wordOperators[word] == nil {
		return ""
	}
	p.i += len(word)
	return word
}

// has reports whether a list has a value.
func (e *evaluation) has(l *vtl.List, v any) (bool, error) {
	for _, x := range l.Items {
		if err := e.visit(); err != nil {
			return false, err
		}
		if equal(v, x) {
			return true, nil
		}
	}
	return false, nil
}

// shared asks how many of the items of one list another one has.
func (e *evaluation) shared(a, b any, right func(n, of int) bool) (bool, error) {
	l, ok := a.(*vtl.List)
	m, also := b.(*vtl.List)
	if !ok || !also {
		return false, nil
	}
	n := 0
	for _, x := range l.Items {
		in, err := e.has(m, x)
		if err != nil {
			return false, err
		}
		if in {
			n++
		}
	}
	return right(n, len(l.Items)), nil
}

// matchTime bounds what the matches of one evaluation take together.
const matchTime = time.Second

// matches reports whether a value, or one of a list, is as a pattern says. What is not there is an empty text.
func (e *evaluation) matches(p *vtl.Pattern, v any) (bool, error) {
	if l, ok := v.(*vtl.List); ok {
		for _, x := range l.Items {
			if err := e.visit(); err != nil {
				return false, err
			}
			if ok, err := e.matches(p, x); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	text, ok := v.(string)
	if !ok && v != nil {
		var err error
		if text, err = vtl.JSON(v, maxPath); err != nil {
			return false, err
		}
	}
	began := time.Now()
	ok, err := p.Whole(text)
	if e.matching += time.Since(began); e.matching > matchTime {
		return false, ErrLimit
	}
	return ok, err
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
		if op == "=~" {
			p, ok := b.(*vtl.Pattern)
			q, also := a.(*vtl.Pattern)
			switch {
			case ok == also:
				return false, nil
			case also:
				p, a = q, b
			}
			return e.matches(p, a)
		}
		if op == "nin" && bThere {
			if _, ok := b.(*vtl.List); !ok {
				return false, nil
			}
			if !aThere {
				return true, nil
			}
			in, err := wordOperators["in"](e, a, b)
			return !in, err
		}
		if !aThere || !bThere {
			return op == "!=" || op == "!==", nil // what is not there equals nothing
		}
		switch op {
		case "==":
			return equal(a, b), nil
		case "!=":
			return !equal(a, b), nil
		case "===", "!==":
			return (kindOf(a) == kindOf(b) && equal(a, b)) == (op == "==="), nil
		}
		if f := wordOperators[op]; f != nil {
			return f(e, a, b)
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
	case *vtl.List:
		y, ok := b.(*vtl.List)
		if !ok || len(a.Items) != len(y.Items) {
			return false
		}
		return sameJSON(a, y)
	case *vtl.Map:
		y, ok := b.(*vtl.Map)
		if !ok || len(a.Keys()) != len(y.Keys()) {
			return false
		}
		for _, k := range a.Keys() {
			v, _ := a.Get(k)
			w, has := y.Get(k)
			if !has || !sameJSON(v, w) {
				return false
			}
		}
		return true
	}
	x, number := float(a)
	if s, ok := b.(string); ok && number {
		y, err := strconv.ParseFloat(s, 64)
		return err == nil && x == y
	}
	return false
}

// sameJSON reports whether two values have the same text, of up to maxPath bytes.
func sameJSON(a, b any) bool {
	x, err := vtl.JSON(a, maxPath)
	if err != nil {
		return false
	}
	y, err := vtl.JSON(b, maxPath)
	return err == nil && x == y
}

// kindOf is what a value is for operators that tell texts from numbers.
func kindOf(v any) string {
	if _, ok := float(v); ok {
		return "number"
	}
	return fmt.Sprintf("%T", v)
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
	case c == '/':
		pattern, err := p.pattern()
		return constant(pattern), false, err
	case c == '{':
		d := json.NewDecoder(strings.NewReader(p.s[p.i:]))
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, false, p.errorf("an object that is not JSON")
		}
		p.i += len(raw)
		v, err := vtl.FromJSON(string(raw))
		return constant(v), false, err
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

// pattern takes a regular expression, "/a.*/i".
func (p *parser) pattern() (*vtl.Pattern, error) {
	p.i++
	begin := p.i
	for ; p.peek() != '/'; p.i++ {
		switch p.peek() {
		case 0:
			return nil, p.errorf("expected the / that ends a pattern")
		case '\\':
			p.i++
		}
	}
	text := p.s[begin:p.i]
	p.i++
	begin = p.i
	for c := p.peek() | 0x20; c >= 'a' && c <= 'z'; c = p.peek() | 0x20 {
		p.i++
	}
	pattern, err := vtl.CompilePattern(text, p.s[begin:p.i])
	if err != nil {
		return nil, p.errorf("%v", err)
	}
	return pattern, nil
}

func (p *parser) word() string {
	i := p.i
	for p.i < len(p.s) && strings.IndexByte(" )]=<>!&|,", p.s[p.i]) < 0 {
		p.i++
	}
	return p.s[i:p.i]
}
