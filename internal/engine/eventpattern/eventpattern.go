// Package eventpattern matches JSON documents against event patterns, the filter language of
// EventBridge, of event source mappings and of subscriptions of topics.
//
// A pattern is an object that mirrors the document: its members are objects, which descend, or
// arrays of conditions, one of which must hold. All members must match; "$or" holds an array
// of objects, one of which must. Where the document has an array, one of its elements must
// match. A name with dots is a way: "a.b" in a pattern or a document is b in a. Conditions are
// literals (text, number, true, false, null) and objects of one operator: prefix, suffix,
// equals-ignore-case, wildcard, anything-but, numeric, exists, cidr. All are about values: where
// the document has an object, or an array of nothing, a condition finds nothing.
package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// ErrSyntax is wrapped by the errors of patterns that cannot be used.
var ErrSyntax = errors.New("eventpattern: bad pattern")

const maxDepth = 64

// Pattern is a compiled pattern. It is safe for concurrent use.
type Pattern struct{ root *node }

// node is an object of a pattern.
type node struct {
	fields []field
	or     [][]*node // each: one of which must match
}

// field is a member of an object: another one, or conditions.
type field struct {
	name   string
	inner  *node
	values values // of its conditions that are literals
	any    []condition
	globs  []glob   // those of any that are wildcards, each once
	absent bool     // it matches too where the document has nothing at path
	path   []string // from the document
}

// condition is one of those in an array, on a value that is neither an object nor an array.
type condition func(v any) bool

// values are literals as documents have them: texts, float64, bool, nil.
type values map[any]struct{}

func (l *values) add(v any) {
	if *l == nil {
		*l = values{}
	}
	(*l)[v] = struct{}{}
}

// has reports whether a value, which is neither an object nor an array, is one of them.
func (l values) has(v any) bool {
	_, ok := l[v]
	return ok
}

func decode(b []byte) (any, error) {
	var v any
	err := json.Unmarshal(b, &v)
	var large *json.UnmarshalTypeError
	if errors.As(err, &large) { // a number beyond those of float64
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err = d.Decode(&v); err == nil {
			v = floats(v)
		}
	}
	return v, err
}

// floats has the numbers of a value as float64: those that are too large are infinite.
func floats(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, _ := strconv.ParseFloat(string(v), 64)
		return f
	case []any:
		for i, e := range v {
			v[i] = floats(e)
		}
	case map[string]any:
		for name, e := range v {
			v[name] = floats(e)
		}
	}
	return v
}

// glob is a compiled wildcard: texts between which there may be anything.
type glob []string

// parseGlob compiles a wildcard: * is any text, \* an asterisk, \\ a backslash. Otherwise it says what is wrong, and where,
// counted from one.
func parseGlob(text string) (g glob, at int, why string) {
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '*' && i+1 < len(text) && text[i+1] == '*':
			return nil, i + 1, "Consecutive wildcard characters"
		case c == '*':
			g = append(g, part.String())
			part.Reset()
		case c == '\\':
			if i++; i == len(text) || text[i] != '*' && text[i] != '\\' {
				return nil, i, "Invalid escape character"
			}
			part.WriteByte(text[i])
		default:
			part.WriteByte(c)
		}
	}
	return append(g, part.String()), 0, ""
}

func (g glob) matches(s string) bool {
	if len(g) == 1 {
		return g[0] == s
	}
	if !strings.HasPrefix(s, g[0]) {
		return false
	}
	s = s[len(g[0]):]
	for _, p := range g[1 : len(g)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, g[len(g)-1])
}

// both are values of one name, which a document has by itself and by a name with dots.
type both []any

// and adds a value. Objects become one, which is the first.
func (l both) and(v any) both {
	o, is := v.(map[string]any)
	if !is {
		return append(l, v)
	}
	if have, is := l[0].(map[string]any); is {
		l[0] = with(have, o)
		return l
	}
	l = append(l, l[0])
	l[0] = v
	return l
}

// maxSteps bounds the steps of a name with dots: behind them the rest of it is one name.
const maxSteps = 64

// steps are those of a name with dots.
func steps(name string) []string { return strings.SplitN(name, ".", maxSteps) }

// dotted reports whether a document has names with dots.
func dotted(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, dotted)
	case map[string]any:
		for name, e := range v {
			if strings.Contains(name, ".") || dotted(e) {
				return true
			}
		}
	}
	return false
}

// undotted is a copy of a document in which names with dots are ways.
func undotted(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = undotted(e)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, e := range v {
			e = undotted(e)
			way := steps(name)
			for i := len(way) - 1; i > 0; i-- {
				e = map[string]any{way[i]: e}
			}
			if have, ok := m[way[0]]; ok {
				e = with(have, e)
			}
			m[way[0]] = e
		}
		return m
	}
	return v
}

// with is a value and another one of the same name, both of a copy: what they have is taken, and may be changed.
func with(a, b any) any {
	if list, is := a.(both); is {
		return list.and(b)
	}
	x, isX := a.(map[string]any)
	y, isY := b.(map[string]any)
	if !isX || !isY {
		return both{a}.and(b)
	}
	if len(x) < len(y) {
		x, y = y, x
	}
	for name, v := range y {
		if have, ok := x[name]; ok {
			v = with(have, v)
		}
		x[name] = v
	}
	return x
}

// Document is a decoded JSON document that patterns are tried on. Nothing may change what it was made of.
type Document struct{ root map[string]any }

// NewDocument makes a document of a decoded JSON object (numbers as float64).
func NewDocument(doc map[string]any) Document {
	if dotted(doc) {
		doc, _ = undotted(doc).(map[string]any) // it is one
	}
	return Document{doc}
}

// ParseDocument makes a document of a JSON object. Its error is about what is not one.
func ParseDocument(doc []byte) (Document, error) {
	v, err := decode(doc)
	if err != nil {
		return Document{}, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return Document{}, errors.New("eventpattern: the document is not an object")
	}
	return NewDocument(m), nil
}

// Has reports whether the document has a member of a name.
func (d Document) Has(name string) bool {
	_, ok := d.root[name]
	return ok
}

// Matches reports whether a decoded JSON document matches (numbers as float64).
func (p *Pattern) Matches(doc map[string]any) bool { return p.MatchesDocument(NewDocument(doc)) }

// MatchesDocument is Matches for a document that several patterns are tried on. The time that it takes grows with the
// product of the sizes of the pattern and the document, and not faster.
func (p *Pattern) MatchesDocument(doc Document) bool {
	m := matching{root: doc.root}
	return m.object(p.root, doc.root)
}

// matching is a pattern that is tried on a document.
type matching struct {
	root map[string]any
	has  map[*field]bool // whether there is a value at a field's path, which every element of an array asks anew
}

// absent reports whether a field matches for there being nothing at its path.
func (m *matching) absent(f *field) bool {
	if !f.absent {
		return false
	}
	is, known := m.has[f]
	if !known {
		if m.has == nil {
			m.has = map[*field]bool{}
		}
		is = has(m.root, f.path)
		m.has[f] = is
	}
	return !is
}

// MatchesJSON reports whether a JSON document matches; what is not an object does not.
func (p *Pattern) MatchesJSON(doc []byte) bool {
	d, err := ParseDocument(doc)
	return err == nil && p.MatchesDocument(d)
}

// object reports whether an object matches, which is nil where the document has none.
func (m *matching) object(n *node, object map[string]any) bool {
	for i := range n.fields {
		f := &n.fields[i]
		if m.absent(f) {
			continue
		}
		v, ok := object[f.name]
		if !ok && f.inner == nil || !m.value(f, v) {
			return false
		}
	}
	for _, choices := range n.or {
		if !slices.ContainsFunc(choices, func(c *node) bool { return m.object(c, object) }) {
			return false
		}
	}
	return true
}

func (m *matching) value(f *field, v any) bool {
	var list []any
	switch v := v.(type) {
	case []any:
		if list = v; len(list) == 0 && f.inner != nil {
			return m.object(f.inner, nil)
		}
	case both:
		list = v
	case map[string]any:
		return f.inner != nil && m.object(f.inner, v)
	default:
		if f.inner != nil {
			return m.object(f.inner, nil)
		}
		return f.values.has(v) || slices.ContainsFunc(f.any, func(c condition) bool { return c(v) })
	}
	return slices.ContainsFunc(list, func(e any) bool { return m.value(f, e) })
}

// has reports whether a document has a value at a path, in any element of its arrays.
func has(v any, path []string) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if has(e, path) {
				return true
			}
		}
		return false
	case both:
		return has([]any(v), path)
	case map[string]any:
		if len(path) == 0 {
			return false
		}
		e, ok := v[path[0]]
		return ok && has(e, path[1:])
	}
	return len(path) == 0
}
