package logpattern

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
)

// spacePattern is conditions on the fields of a line.
type spacePattern struct {
	fields []field
	rest   int // index of the ellipsis; -1: none
}

type field struct {
	name      string     // "$1" if it has none
	condition *condition // nil: anything
}

func parseSpace(s string) (*spacePattern, error) {
	if !strings.HasSuffix(s, "]") {
		return nil, syntaxf("a bracket is not closed")
	}
	p := &spacePattern{rest: -1}
	body := s[1 : len(s)-1]
	if strings.TrimSpace(body) == "" {
		return nil, syntaxf("no field is named")
	}
	for {
		body = strings.TrimLeftFunc(body, unicode.IsSpace)
		if rest, ok := strings.CutPrefix(body, "..."); ok {
			if p.rest >= 0 {
				return nil, syntaxf("there is more than one ellipsis")
			}
			p.rest, body = len(p.fields), rest
		} else {
			f, rest, err := p.field(body)
			if err != nil {
				return nil, err
			}
			p.fields = append(p.fields, f)
			body = rest
		}
		body = strings.TrimLeftFunc(body, unicode.IsSpace)
		if body == "" {
			return p, nil
		}
		rest, ok := strings.CutPrefix(body, ",")
		if !ok {
			return nil, syntaxf("a comma is expected at %q", body)
		}
		body = rest
	}
}

// field reads "name", "name = value || name = value", or nothing.
func (p *spacePattern) field(s string) (f field, rest string, err error) {
	f.name = "$" + strconv.Itoa(len(p.fields)+1)
	if s == "" || s[0] == ',' {
		return f, s, nil
	}
	named := ""
	c := &conditionParser{s: s, leaf: func(c *conditionParser) (*condition, error) {
		n := 0
		for n < len(c.s) && (c.s[n] == '_' || c.s[n] == '-' || c.s[n] == '.' || c.s[n] == '$' || c.s[n] >= '0' && c.s[n] <= '9' || c.s[n]|0x20 >= 'a' && c.s[n]|0x20 <= 'z') {
			n++
		}
		if n == 0 {
			return nil, syntaxf("the name of a field is expected at %q", c.s)
		}
		name := strings.TrimPrefix(c.s[:n], "$")
		if named != "" && name != named {
			return nil, syntaxf("the conditions of the field %s name %s", named, name)
		}
		named, c.s = name, c.s[n:]
		c.space()
		op, rest, ok := parseOperator(c.s)
		if !ok {
			return &condition{leaf: func(any) bool { return true }}, nil
		}
		o, rest, err := parseOperand(rest, "),")
		if err != nil {
			return nil, err
		}
		c.s = rest
		return &condition{leaf: func(v any) bool { return o.compare(op, v.(string)) }}, nil
	}}
	if f.condition, err = c.or(); err != nil {
		return f, "", err
	}
	f.name = "$" + named
	return f, c.s, nil
}

func (p *spacePattern) match(message []byte) (map[string]string, bool) {
	values := split(message)
	n := len(p.fields)
	if p.rest < 0 && len(values) != n || len(values) < n {
		return nil, false
	}
	tail := len(values) - n // fields that the ellipsis stands for
	found := make(map[string]string, len(values))
	for i, f := range p.fields {
		at := i
		if p.rest >= 0 && i >= p.rest {
			at += tail
		}
		if f.condition != nil && !f.condition.eval(values[at]) {
			return nil, false
		}
		found[f.name] = values[at]
	}
	if p.rest >= 0 {
		for i := range tail {
			found["$"+strconv.Itoa(p.rest+i+1)] = values[p.rest+i]
		}
	}
	return found, true
}

// split cuts a line into its fields.
func split(message []byte) []string {
	var out []string
	m := message
	for {
		m = bytes.TrimLeft(m, " \t\r\n")
		if len(m) == 0 {
			return out
		}
		shut := byte(0)
		switch m[0] {
		case '"':
			shut = '"'
		case '[':
			shut = ']'
		}
		if shut != 0 {
			if end := bytes.IndexByte(m[1:], shut); end >= 0 && (end+2 == len(m) || m[end+2] == ' ' || m[end+2] == '\t' || m[end+2] == '\n' || m[end+2] == '\r') {
				out = append(out, string(m[1:1+end]))
				m = m[end+2:]
				continue
			}
		}
		end := bytes.IndexAny(m, " \t\r\n")
		if end < 0 {
			end = len(m)
		}
		out = append(out, string(m[:end]))
		m = m[end:]
	}
}
