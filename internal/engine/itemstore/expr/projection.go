package expr

import (
	"slices"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// Projection is the paths of an item that a reader wants.
type Projection struct{ Paths []Path }

// ParseProjection parses a projection expression.
func ParseProjection(text string, params *Params) (*Projection, error) {
	p, err := newParser(text, params)
	if err != nil {
		return nil, err
	}
	out := &Projection{}
	for {
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		out.Paths = append(out.Paths, path)
		if !p.take(",") {
			break
		}
	}
	if p.peek().kind != tokenEnd {
		return nil, p.syntax()
	}
	if p.err != nil {
		return nil, p.err
	}
	if err := overlapping(out.Paths); err != nil {
		return nil, err
	}
	return out, nil
}

// Attributes is the projection to whole attributes.
func Attributes(names []string) *Projection {
	out := &Projection{}
	for _, n := range names {
		out.Paths = append(out.Paths, Path{{Name: n}})
	}
	return out
}

// Of returns what the projection leaves of an item. Elements of a list keep their order
// and close up. A nil projection leaves everything.
func (p *Projection) Of(item attr.Item) attr.Item {
	if p == nil {
		return item
	}
	out := attr.Item{}
	nested := false
	for _, path := range p.Paths {
		if len(path) > 1 {
			nested = true
			continue
		}
		if v, ok := item[path[0].Name]; ok {
			out[path[0].Name] = v
		}
	}
	if !nested {
		return out
	}
	byName := map[string][]Path{}
	for _, path := range p.Paths {
		if len(path) > 1 {
			byName[path[0].Name] = append(byName[path[0].Name], path[1:])
		}
	}
	for name, paths := range byName {
		if v := pick(item[name], paths); v != nil {
			out[name] = v
		}
	}
	return out
}

// pick returns what the paths leave of a value; nil for nothing. An empty path is all of it.
func pick(v attr.Value, paths []Path) attr.Value {
	for _, p := range paths {
		if len(p) == 0 {
			return v
		}
	}
	switch v := v.(type) {
	case attr.Map:
		groups := map[string][]Path{}
		for _, p := range paths {
			if !p[0].list {
				groups[p[0].Name] = append(groups[p[0].Name], p[1:])
			}
		}
		out := attr.Map{}
		for name, g := range groups {
			if e := pick(v[name], g); e != nil {
				out[name] = e
			}
		}
		if len(out) > 0 {
			return out
		}
	case attr.List:
		groups := map[int][]Path{}
		var order []int
		for _, p := range paths {
			if !p[0].list || p[0].Index >= len(v) {
				continue
			}
			if groups[p[0].Index] == nil {
				order = append(order, p[0].Index)
			}
			groups[p[0].Index] = append(groups[p[0].Index], p[1:])
		}
		slices.Sort(order)
		var out attr.List
		for _, i := range order {
			if e := pick(v[i], groups[i]); e != nil {
				out = append(out, e)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}
