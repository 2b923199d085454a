// Package jsonpath evaluates JSON paths as Jayway's JsonPath does, the library behind $input.path
// and $input.json of API Gateway's mapping templates.
//
//	$.a.b  $['a']['b']  $.a[0]  $.a[-1]  $.a[0,2]  $.a[1:3]  $.a[*]  $.*  $..a  $..[0]
//	$['a','b']  $.a[?(@.b > 1 && @.c == 'x')]  $.a[?(@.b)]  $.a.length()  .min() .max() .sum() .avg()
//
// Filters have the operators == != < <= > >= === !== =~ in nin subsetof anyof noneof contains size empty exists; all, type and
// matches hold for nothing that a path leads to, as in Jayway's.
//
// A path that names one place at most (names and indices alone) gives what is there, or
// ErrNotFound. Any other gives the list of what it finds, which may be empty.
package jsonpath

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors.
var (
	ErrNotFound = errors.New("jsonpath: the path leads to nothing")
	ErrLimit    = errors.New("jsonpath: the path finds too much")
)

const (
	maxPath    = 4096    // bytes
	maxVisited = 200_000 // values that one evaluation looks at
	maxDepth   = 100
)

// Path is a parsed path. Many goroutines may use it at once.
type Path struct {
	steps    []step
	function string // behind the path: length, min, max, sum, avg; empty for none
	definite bool
}

type step struct {
	deep    bool // "..": all that is below, and the place itself
	names   []string
	indices []int
	all     bool
	slice   *[2]*int // from, to; nil where left out
	filter  condition
}

// Parse parses a path.
func Parse(text string) (*Path, error) {
	if len(text) > maxPath {
		return nil, ErrLimit
	}
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "$") && !strings.HasPrefix(text, "@") {
		text = "$." + text // Jayway completes what does not begin with a root
	}
	p := &parser{s: text, i: 1}
	path, err := p.path()
	if err == nil && p.i < len(p.s) {
		err = p.errorf("unexpected %q", p.s[p.i:])
	}
	if err != nil {
		return nil, err
	}
	return path, nil
}

type parser struct {
	s     string
	i     int
	depth int
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("jsonpath: "+format+" at position %d", append(args, p.i)...)
}

func (p *parser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *parser) blanks() {
	for p.peek() == ' ' {
		p.i++
	}
}

func (p *parser) path() (*Path, error) {
	path := &Path{definite: true}
	for p.i < len(p.s) {
		var s step
		switch p.peek() {
		case '.':
			p.i++
			if p.peek() == '.' {
				p.i++
				s.deep = true
				path.definite = false
			}
			if p.peek() == '[' {
				if !s.deep {
					return nil, p.errorf("unexpected [")
				}
				break
			}
			name := p.name()
			switch {
			case name == "":
				return nil, p.errorf("expected a name")
			case name == "*":
				s.all, path.definite = true, false
			case p.peek() == '(':
				if !strings.HasPrefix(p.s[p.i:], "()") {
					return nil, p.errorf("functions take no arguments")
				}
				p.i += 2
				switch name {
				case "length", "size", "min", "max", "sum", "avg", "keys":
					path.function = name
					return path, nil
				}
				return nil, p.errorf("the function %s is not known", name)
			default:
				s.names = []string{name}
			}
			path.steps = append(path.steps, s)
			continue
		case '[':
		default:
			return path, nil
		}
		if err := p.bracket(&s); err != nil {
			return nil, err
		}
		merged := len(s.names) > 1 && p.i == len(p.s) // several names at the end are one map
		if len(s.names)+len(s.indices) != 1 && !merged {
			path.definite = false
		}
		path.steps = append(path.steps, s)
	}
	return path, nil
}

// name takes a name behind a dot.
func (p *parser) name() string {
	i := p.i
	for p.i < len(p.s) && strings.IndexByte(".[( )]=<>!&|,", p.s[p.i]) < 0 {
		p.i++
	}
	return p.s[i:p.i]
}

func (p *parser) bracket(s *step) error {
	p.i++
	p.blanks()
	switch c := p.peek(); {
	case c == '*':
		p.i++
		s.all = true
	case c == '?':
		p.i++
		p.blanks()
		if p.peek() != '(' {
			return p.errorf("expected (")
		}
		p.i++
		f, err := p.or()
		if err != nil {
			return err
		}
		p.blanks()
		if p.peek() != ')' {
			return p.errorf("expected )")
		}
		p.i++
		s.filter = f
	case c == '\'' || c == '"':
		for {
			name, err := p.quoted()
			if err != nil {
				return err
			}
			s.names = append(s.names, name)
			p.blanks()
			if p.peek() != ',' {
				break
			}
			p.i++
			p.blanks()
		}
	default:
		if err := p.indexList(s); err != nil {
			return err
		}
	}
	p.blanks()
	if p.peek() != ']' {
		return p.errorf("expected ]")
	}
	p.i++
	return nil
}

func (p *parser) quoted() (string, error) {
	q := p.peek()
	if q != '\'' && q != '"' {
		return "", p.errorf("expected a quoted name")
	}
	var b strings.Builder
	for p.i++; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; {
		case c == '\\' && p.i+1 < len(p.s):
			p.i++
			b.WriteByte(p.s[p.i])
		case c == q:
			p.i++
			return b.String(), nil
		default:
			b.WriteByte(c)
		}
	}
	return "", p.errorf("a text is not closed")
}

func (p *parser) indexList(s *step) error {
	number := func() (*int, error) {
		p.blanks()
		i := p.i
		if p.peek() == '-' {
			p.i++
		}
		for p.peek() >= '0' && p.peek() <= '9' {
			p.i++
		}
		if i == p.i {
			return nil, nil
		}
		n, err := strconv.Atoi(p.s[i:p.i])
		if err != nil {
			return nil, p.errorf("%q is not an index", p.s[i:p.i])
		}
		p.blanks()
		return &n, nil
	}
	n, err := number()
	if err != nil {
		return err
	}
	if p.peek() == ':' {
		p.i++
		to, err := number()
		if err != nil {
			return err
		}
		if n == nil && to == nil {
			return p.errorf("a slice has no index")
		}
		s.slice = &[2]*int{n, to}
		return nil
	}
	for {
		if n == nil {
			return p.errorf("expected an index")
		}
		s.indices = append(s.indices, *n)
		if p.peek() != ',' {
			return nil
		}
		p.i++
		if n, err = number(); err != nil {
			return err
		}
	}
}
