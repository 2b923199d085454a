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
	"io"
	"maps"
	"slices"
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
	any    []condition
	absent bool     // it matches too where the document has nothing at path
	path   []string // from the document
}

// condition is one of those in an array, on a value that is neither an object nor an array.
type condition func(v any) bool

func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
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

// with is a value and another one of the same name.
func with(a, b any) any {
	x, isX := a.(map[string]any)
	y, isY := b.(map[string]any)
	if !isX || !isY {
		return both{a, b}
	}
	m := maps.Clone(x)
	for name, v := range y {
		if have, ok := m[name]; ok {
			m[name] = with(have, v)
		} else {
			m[name] = v
		}
	}
	return m
}

// Matches reports whether a decoded JSON document matches (numbers as float64).
func (p *Pattern) Matches(doc map[string]any) bool {
	if dotted(doc) {
		doc, _ = undotted(doc).(map[string]any) // it is one
	}
	return p.root.matches(doc, doc)
}

// MatchesJSON reports whether a JSON document matches; what is not an object does not.
func (p *Pattern) MatchesJSON(doc []byte) bool {
	v, err := decode(doc)
	if err != nil {
		return false
	}
	m, ok := v.(map[string]any)
	return ok && p.Matches(m)
}

// matches reports whether an object matches, which is nil where the document has none.
func (n *node) matches(root, object map[string]any) bool {
	for i := range n.fields {
		f := &n.fields[i]
		if f.absent && !has(root, f.path) {
			continue
		}
		v, ok := object[f.name]
		if !ok && f.inner == nil || !f.matches(root, v) {
			return false
		}
	}
	for _, choices := range n.or {
		one := false
		for _, c := range choices {
			if c.matches(root, object) {
				one = true
				break
			}
		}
		if !one {
			return false
		}
	}
	return true
}

func (f *field) matches(root map[string]any, v any) bool {
	var list []any
	switch v := v.(type) {
	case []any:
		if list = v; len(list) == 0 && f.inner != nil {
			return f.inner.matches(root, nil)
		}
	case both:
		list = v
	case map[string]any:
		return f.inner != nil && f.inner.matches(root, v)
	default:
		if f.inner != nil {
			return f.inner.matches(root, nil)
		}
		for _, c := range f.any {
			if c(v) {
				return true
			}
		}
		return false
	}
	for _, e := range list {
		if f.matches(root, e) {
			return true
		}
	}
	return false
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
