package expr

import (
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// Params are the names and values that the expressions of one request share. What no
// expression used is told by Unused.
type Params struct {
	Names  map[string]string     // "#n" to the name of an attribute
	Values map[string]attr.Value // ":v" to a value

	usedNames, usedValues map[string]bool
}

// Unused returns the names and values that no expression has used, in order.
func (p *Params) Unused() (names, values []string) {
	for n := range p.Names {
		if !p.usedNames[n] {
			names = append(names, n)
		}
	}
	for v := range p.Values {
		if !p.usedValues[v] {
			values = append(values, v)
		}
	}
	slices.Sort(names)
	slices.Sort(values)
	return names, values
}

func (p *parser) name(ref string) string {
	name, ok := p.params.Names[ref]
	if !ok {
		p.note("An expression attribute name used in the document path is not defined; attribute name: %s", ref)
		return ref
	}
	if p.params.usedNames == nil {
		p.params.usedNames = map[string]bool{}
	}
	p.params.usedNames[ref] = true
	return name
}

func (p *parser) value(ref string) attr.Value {
	v, ok := p.params.Values[ref]
	if !ok {
		p.note("An expression attribute value used in expression is not defined; attribute value: %s", ref)
		return attr.Null{}
	}
	if p.params.usedValues == nil {
		p.params.usedValues = map[string]bool{}
	}
	p.params.usedValues[ref] = true
	return v
}

// Path leads to an attribute, or into a list or map.
type Path []Element

// Element is a step of a path: into a map by Name, or, where Name is empty, into a list by
// Index.
type Element struct {
	Name  string
	Index int
	list  bool
}

// String is the form of paths in messages, "[a, [1], b]".
func (p Path) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, e := range p {
		if i > 0 {
			b.WriteString(", ")
		}
		if e.list {
			b.WriteString("[" + itoa(e.Index) + "]")
		} else {
			b.WriteString(e.Name)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// Attribute is the name of the attribute of the item that the path is in.
func (p Path) Attribute() string { return p[0].Name }

// Equal reports whether both paths lead to the same place.
func (p Path) Equal(q Path) bool { return slices.Equal(p, q) }

// In finds what the path leads to; nil if there is nothing.
func (p Path) In(item attr.Item) attr.Value {
	var v attr.Value = item
	for _, e := range p {
		if e.list {
			l, ok := v.(attr.List)
			if !ok || e.Index >= len(l) {
				return nil
			}
			v = l[e.Index]
			continue
		}
		m, ok := v.(attr.Map)
		if !ok {
			return nil
		}
		if v, ok = m[e.Name]; !ok {
			return nil
		}
	}
	return v
}

// path reads a document path.
func (p *parser) path() (Path, *Error) {
	name, err := p.pathName()
	if err != nil {
		return nil, err
	}
	path := Path{{Name: name}}
	for {
		switch {
		case p.take("."):
			name, err := p.pathName()
			if err != nil {
				return nil, err
			}
			path = append(path, Element{Name: name})
		case p.take("["):
			t := p.peek()
			if t.kind != tokenNumber {
				return nil, p.syntax()
			}
			n, ok := atoi(t.text)
			if !ok {
				p.note("List index is not within the allowable range; index: [%s]", t.text)
			}
			p.at++
			if err := p.expect("]"); err != nil {
				return nil, err
			}
			path = append(path, Element{Index: n, list: true})
		default:
			if len(path) > maxElements {
				p.note("The document path has too many nesting levels; nesting levels: %d", len(path))
			}
			return path, nil
		}
	}
}

// keywords are the words of the grammar, which name nothing.
var keywords = []string{"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"}

func (p *parser) pathName() (string, *Error) {
	t := p.peek()
	switch t.kind {
	case tokenName:
		p.at++
		return p.name(t.text), nil
	case tokenWord:
		if slices.ContainsFunc(keywords, t.is) {
			return "", p.syntax()
		}
		p.at++
		if Reserved(t.text) {
			p.note("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return t.text, nil
	}
	return "", p.syntax()
}

// overlapping finds two paths of which one holds the other, or that differ in a step into
// a list here and into a map there.
func overlapping(paths []Path) *Error {
	for i, a := range paths {
		for _, b := range paths[:i] {
			n := 0
			for n < len(a) && n < len(b) && a[n] == b[n] {
				n++
			}
			switch {
			case n == len(a) || n == len(b):
				return failf("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", b, a)
			case a[n].list != b[n].list:
				return failf("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", b, a)
			}
		}
	}
	return nil
}

func atoi(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
		if n > 1<<30 {
			return 0, false
		}
	}
	return n, true
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}
