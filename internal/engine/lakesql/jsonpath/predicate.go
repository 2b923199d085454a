package jsonpath

import (
	"cmp"
	"strings"
)

// truth is the answer of a predicate.
type truth int8

const (
	no truth = iota
	yes
	unknown
)

// test answers a predicate; an error within it makes it unknown.
func (e *evaluator) test(n node) (t truth) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(failure); !ok {
				panic(r)
			}
			t = unknown
		}
	}()
	switch n := n.(type) {
	case logical:
		l := e.test(n.l)
		switch n.op {
		case "!":
			if l == unknown {
				return unknown
			}
			return yes - l
		case "&&":
			if l == no {
				return no
			}
			if r := e.test(n.r); r == no || l == yes {
				return r
			}
			return unknown
		}
		if l == yes {
			return yes
		}
		if r := e.test(n.r); r == yes || l == no {
			return r
		}
		return unknown
	case exists:
		if len(e.eval(n.x, nil)) > 0 {
			return yes
		}
		return no
	case isUnknown:
		if e.test(n.x) == unknown {
			return yes
		}
		return no
	case compare:
		r := e.unwrapped(e.eval(n.r, nil))
		return e.any(n.l, func(l any) truth {
			found := no
			for _, x := range r {
				switch relate(n.op, l, x) {
				case yes:
					found = yes
				case unknown:
					return unknown
				}
			}
			return found
		})
	case startsWith:
		p := e.unwrapped(e.eval(n.prefix, nil))
		return e.any(n.x, func(v any) truth {
			s, ok := v.(string)
			if len(p) != 1 || !ok {
				return unknown
			}
			prefix, ok := p[0].(string)
			if !ok {
				return unknown
			}
			return truthOf(strings.HasPrefix(s, prefix))
		})
	case likeRegex:
		return e.any(n.x, func(v any) truth {
			s, ok := v.(string)
			if !ok {
				return unknown
			}
			return truthOf(n.re.MatchString(s))
		})
	}
	return unknown
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// any asks for the items of a path: one yes is enough, unless strict, where one unknown
// makes all unknown.
func (e *evaluator) any(n node, ask func(any) truth) truth {
	found, doubt := no, false
	for _, v := range e.unwrapped(e.eval(n, nil)) {
		switch ask(v) {
		case yes:
			if !e.strict {
				return yes
			}
			found = yes
		case unknown:
			doubt = true
		}
	}
	if doubt {
		return unknown
	}
	return found
}

func relate(op string, a, b any) truth {
	var c int
	switch x := a.(type) {
	case nil:
		if b != nil {
			return truthOf(op == "!=")
		}
	case bool:
		y, ok := b.(bool)
		switch {
		case b == nil:
			return truthOf(op == "!=")
		case !ok:
			return unknown
		case x != y:
			c = 1
			if y {
				c = -1
			}
		}
	case string:
		y, ok := b.(string)
		switch {
		case b == nil:
			return truthOf(op == "!=")
		case !ok:
			return unknown
		}
		c = cmp.Compare(x, y)
	default:
		if b == nil {
			return truthOf(op == "!=")
		}
		f, ok := float(a)
		g, ok2 := float(b)
		if !ok || !ok2 {
			return unknown
		}
		c = cmp.Compare(f, g)
	}
	return truthOf(map[string]bool{"==": c == 0, "!=": c != 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[op])
}
