package logpattern

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonPattern is conditions on the members of an object.
type jsonPattern struct {
	condition *condition
	selectors []*selector // in the order of the pattern
	literals  [][]byte    // what every message that matches has in it, unless something in it is escaped
}

func (p *jsonPattern) match(message []byte) bool {
	m := bytes.TrimSpace(message)
	if len(m) < 2 || m[0] != '{' || m[len(m)-1] != '}' {
		return false
	}
	for _, l := range p.literals {
		if !bytes.Contains(m, l) {
			if bytes.IndexByte(m, '\\') < 0 {
				return false
			}
			break
		}
	}
	if !Valid(m) {
		return false
	}
	return p.condition.eval(m)
}

func parseJSON(s string) (*jsonPattern, error) {
	if !strings.HasSuffix(s, "}") {
		return nil, syntaxf("a brace is not closed")
	}
	p := new(jsonPattern)
	c := &conditionParser{s: s[1 : len(s)-1], leaf: p.leaf}
	var err error
	if p.condition, err = c.or(); err != nil {
		return nil, err
	}
	if c.space(); c.s != "" {
		return nil, syntaxf("%q is not understood", c.s)
	}
	p.literals = p.condition.literals()
	return p, nil
}

// literals are the texts that a value for which the condition holds has in it as they are, if nothing is escaped: first those
// that are compared with, which fewer values have, then the names of members.
func (c *condition) literals() [][]byte {
	var values, names [][]byte
	var walk func(c *condition)
	walk = func(c *condition) {
		for _, k := range c.and {
			walk(k)
		}
		values, names = append(values, c.values...), append(names, c.names...)
	}
	walk(c)
	return append(values, names...)
}

// plainly are the texts that stand in JSON as they are, where nothing is escaped.
func plainly(texts ...string) (out [][]byte) {
	for _, t := range texts {
		if t != "" && !strings.ContainsFunc(t, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError }) {
			out = append(out, []byte(t))
		}
	}
	return out
}

// needed are the names of members that a selector needs.
func (s *selector) needed() [][]byte {
	var names []string
	for _, st := range s.steps {
		if st.index == member {
			names = append(names, st.name)
		}
	}
	return plainly(names...)
}

var keyword = regexp.MustCompile(`^(?i)(IS\s+NULL|IS\s+TRUE|IS\s+FALSE|NOT\s+EXISTS|EXISTS)\b`)

// leaf reads "$.a = 1", "$.a IS NULL" and the like.
func (p *jsonPattern) leaf(c *conditionParser) (*condition, error) {
	sel, rest, err := parseSelector(c.s)
	if err != nil {
		return nil, err
	}
	c.s = rest
	c.space()
	p.selectors = append(p.selectors, sel)
	if k := keyword.FindString(c.s); k != "" {
		c.s = c.s[len(k):]
		is := strings.ToUpper(strings.Join(strings.Fields(k), " "))
		var names [][]byte
		if is != "NOT EXISTS" {
			names = sel.needed()
		}
		return &condition{names: names, leaf: func(m any) bool {
			found, holds := false, false
			sel.each(m.([]byte), func(raw []byte) bool {
				found = true
				switch is {
				case "IS NULL":
					holds = string(raw) == "null"
				case "IS TRUE":
					holds = string(raw) == "true"
				case "IS FALSE":
					holds = string(raw) == "false"
				}
				return !holds
			})
			switch is {
			case "NOT EXISTS":
				return !found
			case "EXISTS":
				return found
			}
			return holds
		}}, nil
	}
	op, rest, ok := parseOperator(c.s)
	if !ok {
		return nil, syntaxf("%s is not compared with anything", sel.text)
	}
	o, rest, err := parseOperand(rest, ")")
	if err != nil {
		return nil, err
	}
	if op != "=" && op != "!=" && !o.isNum {
		return nil, syntaxf("%s compares numbers alone", op)
	}
	c.s = rest
	var values [][]byte
	switch {
	case op != "=" || o.isNum || o.re != nil: // 1 is 1.0
	case o.parts != nil:
		values = plainly(o.parts...)
	default:
		values = plainly(o.text)
	}
	return &condition{names: sel.needed(), values: values, leaf: func(m any) bool {
		holds := false
		sel.each(m.([]byte), func(raw []byte) bool {
			if raw[0] == '{' || raw[0] == '[' {
				return true
			}
			text := plain(raw)
			if o.quoted && raw[0] != '"' {
				// A text is not a number.
				holds = op == "!="
			} else {
				holds = o.compare(op, text)
			}
			return !holds
		})
		return holds
	}}, nil
}

// selector is a path into a JSON value.
type selector struct {
	text  string
	steps []step
}

type step struct {
	name  string
	index int // -1: a member; -2: every element
}

const (
	member = -1
	every  = -2
)

func parseSelector(s string) (*selector, string, error) {
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return nil, s, syntaxf("a selector that begins with $. is expected at %q", s)
	}
	sel := &selector{}
	for rest != "" {
		switch {
		case rest[0] == '.' && strings.HasPrefix(rest, ".["):
			rest = rest[1:]
		case rest[0] == '.':
			n := 1
			for n < len(rest) && !strings.ContainsRune(" \t\r\n.[]=!<>()&|,\"'", rune(rest[n])) {
				n++
			}
			if n == 1 {
				return nil, s, syntaxf("a name is missing in the selector %q", s)
			}
			sel.steps = append(sel.steps, step{rest[1:n], member})
			rest = rest[n:]
		case rest[0] == '[':
			if len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"') {
				end := strings.Index(rest[2:], rest[1:2]+"]")
				if end < 0 {
					return nil, s, syntaxf("a bracket is not closed in the selector %q", s)
				}
				sel.steps = append(sel.steps, step{rest[2 : 2+end], member})
				rest = rest[2+end+2:]
				continue
			}
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, s, syntaxf("a bracket is not closed in the selector %q", s)
			}
			in := strings.TrimSpace(rest[1:end])
			rest = rest[end+1:]
			if in == "*" {
				sel.steps = append(sel.steps, step{"", every})
				continue
			}
			n, err := strconv.ParseUint(in, 10, 31)
			if err != nil {
				return nil, s, syntaxf("%q is not an index", in)
			}
			sel.steps = append(sel.steps, step{"", int(n)})
		default:
			goto done
		}
	}
done:
	if len(sel.steps) == 0 {
		return nil, s, syntaxf("the selector %q names nothing", s)
	}
	sel.text = s[:len(s)-len(rest)]
	return sel, rest, nil
}

// each calls f with the raw values that the selector finds in valid JSON, until f returns false.
func (s *selector) each(m []byte, f func(raw []byte) bool) { walk(bytes.TrimSpace(m), s.steps, f) }

func walk(m []byte, steps []step, f func([]byte) bool) bool {
	if len(steps) == 0 {
		return f(m)
	}
	st := steps[0]
	if st.index == member {
		if m[0] != '{' {
			return true
		}
		var found []byte // the last of a name counts
		eachMember(m, func(name, value []byte) {
			if nameIs(name, st.name) {
				found = value
			}
		})
		return found == nil || walk(found, steps[1:], f)
	}
	if m[0] != '[' {
		return true
	}
	i, more := 0, true
	eachElement(m, func(value []byte) {
		if more && (st.index == every || i == st.index) {
			more = walk(value, steps[1:], f)
		}
		i++
	})
	return more
}

// first is the first scalar that the selector finds, as text.
func (s *selector) first(m []byte) (text string, ok bool) {
	m = bytes.TrimSpace(m)
	if len(m) == 0 || !Valid(m) {
		return "", false
	}
	s.each(m, func(raw []byte) bool { text, ok = plain(raw), true; return false })
	return text, ok
}
