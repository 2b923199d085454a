// Package jsonpath evaluates JSON paths as Jayway's JsonPath does, the library behind $input.path
// and $input.json of API Gateway's mapping templates.
//
//	$.a.b  $['a']['b']  $.a[0]  $.a[-1]  $.a[0,2]  $.a[1:3]  $.a[*]  $.*  $..a  $..[0]
//	$['a','b']  $.a[?(@.b > 1 && @.c == 'x')]  $.a[?(@.b)]  $.a.length()  .min() .max() .sum() .avg()
//
// Regular expressions in filters (=~) are refused.
//
// A path that names one place at most (names and indices alone) gives what is there, or
// ErrNotFound. Any other gives the list of what it finds, which may be empty.
package jsonpath

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/vtl"
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

// Get evaluates the path on a value. In filters $ is that value too.
func (path *Path) Get(root any) (any, error) {
	e := &evaluation{root: root}
	found, err := e.find(path, root)
	if err != nil {
		return nil, err
	}
	if path.function != "" {
		return apply(path, found)
	}
	if path.definite {
		if len(found) == 0 {
			return nil, ErrNotFound
		}
		return found[0], nil
	}
	return &vtl.List{Items: found, JSON: true}, nil
}

type evaluation struct {
	root    any
	visited int
}

func (e *evaluation) visit() error {
	if e.visited++; e.visited > maxVisited {
		return ErrLimit
	}
	return nil
}

func (e *evaluation) find(path *Path, from any) ([]any, error) {
	at := []any{from}
	for i := range path.steps {
		s := &path.steps[i]
		if s.deep {
			var all []any
			for _, v := range at {
				if err := e.below(&all, v, 0); err != nil {
					return nil, err
				}
			}
			at = all
		}
		var next []any
		for _, v := range at {
			var err error
			if next, err = e.take(next, s, v, i == len(path.steps)-1); err != nil {
				return nil, err
			}
		}
		at = next
	}
	return at, nil
}

// below adds v and all that it holds.
func (e *evaluation) below(out *[]any, v any, depth int) error {
	if depth > maxDepth {
		return ErrLimit
	}
	if err := e.visit(); err != nil {
		return err
	}
	*out = append(*out, v)
	switch v := v.(type) {
	case *vtl.Map:
		for _, k := range v.Keys() {
			x, _ := v.Get(k)
			if err := e.below(out, x, depth+1); err != nil {
				return err
			}
		}
	case *vtl.List:
		for _, x := range v.Items {
			if err := e.below(out, x, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// take adds what a step leads to from v.
func (e *evaluation) take(out []any, s *step, v any, last bool) ([]any, error) {
	if err := e.visit(); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *vtl.Map:
		switch {
		case s.all:
			for _, k := range v.Keys() {
				x, _ := v.Get(k)
				out = append(out, x)
			}
		case s.filter != nil:
			ok, err := s.filter(e, v)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, v)
			}
		case len(s.names) > 1 && last: // several names at the end are one map
			m := vtl.NewMap()
			for _, n := range s.names {
				if x, ok := v.Get(n); ok {
					m.Put(n, x)
				}
			}
			out = append(out, m)
		default:
			for _, n := range s.names {
				if x, ok := v.Get(n); ok {
					out = append(out, x)
				}
			}
		}
	case *vtl.List:
		n := len(v.Items)
		switch {
		case s.all:
			out = append(out, v.Items...)
		case s.filter != nil:
			for _, x := range v.Items {
				if err := e.visit(); err != nil {
					return nil, err
				}
				ok, err := s.filter(e, x)
				if err != nil {
					return nil, err
				}
				if ok {
					out = append(out, x)
				}
			}
		case s.slice != nil:
			from, to := bound(s.slice[0], 0, n), bound(s.slice[1], n, n)
			for i := from; i < to; i++ {
				out = append(out, v.Items[i])
			}
		default:
			for _, i := range s.indices {
				if i < 0 {
					i += n
				}
				if i >= 0 && i < n {
					out = append(out, v.Items[i])
				}
			}
		}
	}
	if e.visited += len(out) / 64; e.visited > maxVisited {
		return nil, ErrLimit
	}
	return out, nil
}

// bound is an end of a slice within 0 and n.
func bound(i *int, otherwise, n int) int {
	if i == nil {
		return otherwise
	}
	k := *i
	if k < 0 {
		k += n
	}
	return min(max(k, 0), n)
}

// apply computes the function behind a path.
func apply(path *Path, found []any) (any, error) {
	var items []any
	if path.definite {
		if len(found) == 0 {
			return nil, ErrNotFound
		}
		switch v := found[0].(type) {
		case *vtl.List:
			items = v.Items
		case *vtl.Map:
			switch path.function {
			case "length", "size":
				return int32(v.Len()), nil
			case "keys":
				keys := &vtl.List{JSON: true}
				for _, k := range v.Keys() {
					keys.Items = append(keys.Items, k)
				}
				return keys, nil
			}
			return nil, ErrNotFound
		case string:
			return nil, nil // Jayway's lengths are of lists and maps
		default:
			return nil, ErrNotFound
		}
	} else {
		items = found
	}
	switch path.function {
	case "length", "size":
		return int32(len(items)), nil
	case "keys":
		return nil, ErrNotFound
	}
	var numbers []float64
	for _, x := range items {
		if f, ok := float(x); ok {
			numbers = append(numbers, f)
		}
	}
	if len(numbers) == 0 {
		return nil, ErrNotFound
	}
	least, most, sum := numbers[0], numbers[0], 0.0
	for _, f := range numbers {
		least, most, sum = min(least, f), max(most, f), sum+f
	}
	switch path.function {
	case "min":
		return least, nil
	case "max":
		return most, nil
	case "sum":
		return sum, nil
	}
	return sum / float64(len(numbers)), nil
}
