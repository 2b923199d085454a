package logpattern

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// operand is what a value is compared with.
type operand struct {
	text   string
	parts  []string // of a text with *, between the stars; nil: none
	number float64
	isNum  bool
	quoted bool
	re     *regexp.Regexp
}

var operators = []string{"!=", "<=", ">=", "=", "<", ">"}

func parseOperator(s string) (op, rest string, ok bool) {
	for _, o := range operators {
		if r, found := strings.CutPrefix(s, o); found {
			return o, r, true
		}
	}
	return "", s, false
}

// parseOperand reads a number, a text or a regular expression. A bare text ends at white space or at
// one of the characters of stop.
func parseOperand(s, stop string) (o operand, rest string, err error) {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	switch {
	case s == "":
		return o, s, syntaxf("a value is missing behind a comparison")
	case s[0] == '%':
		o.re, rest, err = parseRegexp(s)
		return o, rest, err
	case s[0] == '"':
		o.quoted = true
		if o.text, rest, err = parseQuoted(s); err != nil {
			return o, rest, err
		}
	default:
		end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(stop, r) })
		if end < 0 {
			end = len(s)
		}
		for _, two := range []string{"&&", "||"} {
			if i := strings.Index(s[:end], two); i >= 0 {
				end = i
			}
		}
		o.text, rest = s[:end], s[end:]
		if o.text == "" {
			return o, s, syntaxf("a value is missing behind a comparison")
		}
		o.number, o.isNum = parseNumber(o.text)
	}
	if strings.Contains(o.text, "*") {
		o.parts = strings.Split(o.text, "*")
	}
	return o, rest, nil
}

func parseNumber(s string) (float64, bool) {
	if s == "" || s[0] != '-' && s[0] != '+' && s[0] != '.' && (s[0] < '0' || s[0] > '9') || strings.ContainsAny(s, "xX_") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// compare reports whether a value stands to the operand as the operator says.
func (o *operand) compare(op, value string) bool {
	switch op {
	case "=":
		return o.equal(value)
	case "!=":
		return !o.equal(value)
	}
	if !o.isNum {
		return false
	}
	n, ok := parseNumber(value)
	if !ok {
		return false
	}
	switch op {
	case "<":
		return n < o.number
	case "<=":
		return n <= o.number
	case ">":
		return n > o.number
	}
	return n >= o.number
}

func (o *operand) equal(value string) bool {
	switch {
	case o.re != nil:
		return o.re.MatchString(value)
	case o.parts != nil:
		return wildcard(o.parts, value)
	case value == o.text:
		return true
	case o.isNum:
		n, ok := parseNumber(value)
		return ok && n == o.number
	}
	return false
}

// wildcard reports whether s is the parts with anything between them.
func wildcard(parts []string, s string) bool {
	first, last := parts[0], parts[len(parts)-1]
	s, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	if s, ok = strings.CutSuffix(s, last); !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return true
}

// condition is a tree of comparisons.
type condition struct {
	and, or []*condition // of a leaf both are nil
	leaf    func(get any) bool

	names, values [][]byte // of a leaf, for jsonPattern.literals
}

func (c *condition) eval(get any) bool {
	switch {
	case c.and != nil:
		for _, k := range c.and {
			if !k.eval(get) {
				return false
			}
		}
		return true
	case c.or != nil:
		for _, k := range c.or {
			if k.eval(get) {
				return true
			}
		}
		return false
	}
	return c.leaf(get)
}

// maxDepth bounds parentheses within parentheses.
const maxDepth = 50

// conditionParser reads conditions; leaf reads one comparison.
type conditionParser struct {
	s     string
	depth int
	leaf  func(p *conditionParser) (*condition, error)
}

func (p *conditionParser) space() { p.s = strings.TrimLeftFunc(p.s, unicode.IsSpace) }

func (p *conditionParser) take(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.s, token)
	if ok {
		p.s = rest
	}
	return ok
}

func (p *conditionParser) or() (*condition, error) {
	c, err := p.and()
	if err != nil {
		return nil, err
	}
	list := []*condition{c}
	for p.take("||") {
		if c, err = p.and(); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return &condition{or: list}, nil
}

func (p *conditionParser) and() (*condition, error) {
	c, err := p.one()
	if err != nil {
		return nil, err
	}
	list := []*condition{c}
	for p.take("&&") {
		if c, err = p.one(); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return &condition{and: list}, nil
}

func (p *conditionParser) one() (*condition, error) {
	if !p.take("(") {
		p.space()
		return p.leaf(p)
	}
	if p.depth++; p.depth > maxDepth {
		return nil, syntaxf("parentheses are nested more than %d deep", maxDepth)
	}
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, syntaxf("a parenthesis is not closed")
	}
	p.depth--
	return c, nil
}
