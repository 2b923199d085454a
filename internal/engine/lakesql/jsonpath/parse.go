package jsonpath

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Path is a path that was parsed.
type Path struct {
	strict bool
	root   node
}

type (
	node    interface{}
	literal struct{ value any }
	root    struct{}
	current struct{}
	last    struct{}
	named   struct{ name string } // $name
	member  struct {
		base node
		name string // empty with all
		all  bool
		deep bool // ..name
	}
	element struct {
		base node
		subs [][2]node // from and to, nil where there is none; no subs: all
	}
	method struct {
		base node
		name string
	}
	filter struct {
		base node
		cond node
	}
	unary  struct{ x node } // -x
	binary struct {         // + - * / %
		op   string
		l, r node
	}
	compare struct {
		op   string
		l, r node
	}
	logical struct { // && || !
		op   string
		l, r node
	}
	exists    struct{ x node }
	isUnknown struct{ x node }
	likeRegex struct {
		x  node
		re *regexp.Regexp
	}
	startsWith struct{ x, prefix node }
)

type parser struct {
	s     string
	i     int
	depth int
}

// Parse reads a path: "lax" or "strict", which Trino demands, and the rest.
func Parse(text string) (p *Path, err error) {
	ps := &parser{s: text}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(error)
			if _, mine := e.(parseError); !ok || !mine {
				panic(r)
			}
			p, err = nil, e
		}
	}()
	p = &Path{}
	switch {
	case ps.word("strict"):
		p.strict = true
	case ps.word("lax"):
	default:
		ps.fail("expecting 'lax' or 'strict'")
	}
	p.root = ps.sum()
	ps.space()
	if ps.i < len(ps.s) {
		ps.fail("unexpected text")
	}
	return p, nil
}

type parseError struct{ text string }

func (e parseError) Error() string { return e.text }

func (p *parser) fail(format string, args ...any) {
	panic(parseError{fmt.Sprintf("line 1:%d: ", p.i+1) + fmt.Sprintf(format, args...)})
}

func (p *parser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *parser) take(s string) bool {
	p.space()
	if strings.HasPrefix(p.s[p.i:], s) {
		p.i += len(s)
		return true
	}
	return false
}

func (p *parser) expect(s string) {
	if !p.take(s) {
		p.fail("expecting '%s'", s)
	}
}

func (p *parser) ident() string {
	p.space()
	start := p.i
	for p.i < len(p.s) {
		r, n := utf8.DecodeRuneInString(p.s[p.i:])
		if r != '_' && !unicode.IsLetter(r) && (p.i == start || !unicode.IsDigit(r)) {
			break
		}
		p.i += n
	}
	return p.s[start:p.i]
}

// word takes a whole word.
func (p *parser) word(w string) bool {
	at := p.i
	if p.ident() == w {
		return true
	}
	p.i = at
	return false
}

func (p *parser) enter() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail("nested too deeply")
	}
	return func() { p.depth-- }
}

func (p *parser) sum() node {
	defer p.enter()()
	l := p.product()
	for {
		switch {
		case p.take("+"):
			l = binary{"+", l, p.product()}
		case p.take("-"):
			l = binary{"-", l, p.product()}
		default:
			return l
		}
	}
}

func (p *parser) product() node {
	l := p.signed()
	for {
		switch {
		case p.take("*"):
			l = binary{"*", l, p.signed()}
		case p.take("/"):
			l = binary{"/", l, p.signed()}
		case p.take("%"):
			l = binary{"%", l, p.signed()}
		default:
			return l
		}
	}
}

func (p *parser) signed() node {
	defer p.enter()()
	switch {
	case p.take("-"):
		return unary{p.signed()}
	case p.take("+"):
		return p.signed()
	}
	return p.accessors(p.primary())
}

func (p *parser) accessors(n node) node {
	for {
		switch {
		case p.take(".."):
			n = member{base: n, name: p.key(), deep: true}
		case p.take(".*"):
			n = member{base: n, all: true}
		case p.take("."):
			quoted := p.peek('"')
			name := p.key()
			if !quoted && p.take("(") {
				p.expect(")")
				switch name {
				case "type", "size", "double", "ceiling", "floor", "abs", "keyvalue":
				default:
					p.fail("unknown method %s", name)
				}
				n = method{n, name}
				continue
			}
			n = member{base: n, name: name}
		case p.take("["):
			e := element{base: n}
			if !p.take("*") {
				for {
					sub := [2]node{p.sum(), nil}
					if p.word("to") {
						sub[1] = p.sum()
					}
					e.subs = append(e.subs, sub)
					if !p.take(",") {
						break
					}
				}
			}
			p.expect("]")
			n = e
		case p.take("?"):
			p.expect("(")
			n = filter{n, p.or()}
			p.expect(")")
		default:
			return n
		}
	}
}

func (p *parser) peek(c byte) bool {
	p.space()
	return p.i < len(p.s) && p.s[p.i] == c
}

func (p *parser) key() string {
	if p.peek('"') {
		return p.text()
	}
	k := p.ident()
	if k == "" {
		p.fail("expecting a name")
	}
	return k
}

// text is a string in double quotes; a doubled quote stands for one.
func (p *parser) text() string {
	p.expect(`"`)
	var b strings.Builder
	for p.i < len(p.s) {
		c := p.s[p.i]
		p.i++
		if c == '"' {
			if p.i < len(p.s) && p.s[p.i] == '"' {
				p.i++
			} else {
				return b.String()
			}
		}
		b.WriteByte(c)
	}
	p.fail("the quote is not closed")
	return ""
}

func (p *parser) primary() node {
	switch {
	case p.take("$"):
		if at := p.i; at < len(p.s) && p.s[at] != ' ' {
			if name := p.ident(); name != "" {
				return named{name}
			}
			if p.peek('"') {
				return named{p.text()}
			}
			p.i = at
		}
		return root{}
	case p.take("@"):
		return current{}
	case p.take("("):
		n := p.sum()
		p.expect(")")
		return n
	case p.peek('"'):
		return literal{p.text()}
	case p.word("last"):
		return last{}
	case p.word("null"):
		return literal{nil}
	case p.word("true"):
		return literal{true}
	case p.word("false"):
		return literal{false}
	}
	p.space()
	if m := number.FindString(p.s[p.i:]); m != "" {
		p.i += len(m)
		f, err := strconv.ParseFloat(m, 64)
		if err != nil {
			p.fail("bad number %s", m)
		}
		if strings.HasPrefix(m, ".") || strings.HasSuffix(m, ".") || strings.Contains(m, ".e") || strings.Contains(m, ".E") {
			m = strconv.FormatFloat(f, 'g', -1, 64)
		}
		for len(m) > 1 && m[0] == '0' && m[1] >= '0' && m[1] <= '9' { // which JSON does not have
			m = m[1:]
		}
		return literal{json.Number(m)}
	}
	p.fail("expecting a path")
	return nil
}

var number = regexp.MustCompile(`^(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?`)

func (p *parser) or() node {
	defer p.enter()()
	l := p.and()
	for p.take("||") {
		l = logical{"||", l, p.and()}
	}
	return l
}

func (p *parser) and() node {
	l := p.predicate()
	for p.take("&&") {
		l = logical{"&&", l, p.predicate()}
	}
	return l
}

func (p *parser) predicate() node {
	defer p.enter()()
	at := p.i
	switch {
	case !p.aheadNotEqual() && p.take("!"):
		return logical{op: "!", l: p.predicate()}
	case p.word("exists"):
		p.expect("(")
		x := p.sum()
		p.expect(")")
		return exists{x}
	case p.take("("):
		// A predicate in parentheses, or a path of a comparison.
		if n, ok := p.try(func() node {
			n := p.or()
			p.expect(")")
			return n
		}); ok {
			if p.word("is") {
				if !p.word("unknown") {
					p.fail("expecting 'unknown'")
				}
				return isUnknown{n}
			}
			return n
		}
		p.i = at
	}
	l := p.sum()
	for _, op := range []string{"==", "=", "!=", "<>", "<=", ">=", "<", ">"} {
		if p.take(op) {
			return compare{map[string]string{"=": "==", "<>": "!="}[op] + map[bool]string{true: op}[op != "=" && op != "<>"], l, p.sum()}
		}
	}
	switch {
	case p.word("starts"):
		if !p.word("with") {
			p.fail("expecting 'with'")
		}
		return startsWith{l, p.sum()}
	case p.word("like_regex"):
		pattern := p.text()
		if p.word("flag") {
			pattern = "(?" + p.text() + ")" + pattern
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			p.fail("bad pattern")
		}
		return likeRegex{l, re}
	}
	p.fail("expecting a comparison")
	return nil
}

func (p *parser) aheadNotEqual() bool {
	p.space()
	return strings.HasPrefix(p.s[p.i:], "!=")
}

// try parses, or says that it cannot.
func (p *parser) try(f func() node) (n node, ok bool) {
	depth := p.depth
	defer func() {
		if r := recover(); r != nil {
			if _, mine := r.(parseError); !mine {
				panic(r)
			}
			p.depth, ok = depth, false
		}
	}()
	return f(), true
}
