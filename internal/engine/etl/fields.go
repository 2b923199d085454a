package etl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Transforms of fields: SelectFields, DropFields, RenameField, ApplyMapping,
// SplitFields. A path is the names from a column down into structs.

func oneInput(n int) error {
	if n != 1 {
		return fmt.Errorf("it takes one input, not %d", n)
	}
	return nil
}

func checkPaths(paths [][]string) error {
	for _, p := range paths {
		if len(p) == 0 || slices.Contains(p, "") {
			return errors.New("a path is empty")
		}
	}
	return nil
}

// sub are the rests of the paths that begin with a name; whole: one ends there.
func sub(paths [][]string, name string) (rest [][]string, whole bool) {
	for _, p := range paths {
		if strings.EqualFold(p[0], name) {
			if len(p) == 1 {
				return nil, true
			}
			rest = append(rest, p[1:])
		}
	}
	return rest, false
}

// prunedType is a type without the fields that keep does not keep; nil: nothing is left.
func prunedType(t *hivetype.Type, paths [][]string, keep bool) *hivetype.Type {
	if t.Kind != hivetype.Struct {
		if keep {
			return nil
		}
		return t
	}
	out := &hivetype.Type{Kind: hivetype.Struct}
	for _, f := range t.Fields {
		rest, whole := sub(paths, f.Name)
		switch {
		case whole && keep, !whole && len(rest) == 0 && !keep:
			out.Fields = append(out.Fields, f)
		case !whole && len(rest) > 0:
			if p := prunedType(f.Type, rest, keep); p != nil {
				out.Fields = append(out.Fields, hivetype.Field{Name: f.Name, Type: p})
			}
		}
	}
	if len(out.Fields) == 0 {
		return nil
	}
	return out
}

// narrowed is a value with the fields of a type alone.
func narrowed(v any, t *hivetype.Type) any {
	o, ok := v.(Object)
	if !ok || t.Kind != hivetype.Struct {
		return v
	}
	out := make(Object, 0, len(t.Fields))
	for _, f := range t.Fields {
		if x := o.Get(f.Name); x != nil {
			out = append(out, Member{f.Name, narrowed(x, f.Type)})
		}
	}
	if len(out) == 0 && len(o) > 0 {
		return nil
	}
	return out
}

// pruned is a frame of what the paths name, or of what they do not.
func pruned(f *Frame, paths [][]string, keep bool) *Frame {
	out := &Frame{}
	var from []int
	var nested []bool
	for i, c := range f.Columns {
		rest, whole := sub(paths, c.Name)
		if whole != keep && len(rest) == 0 {
			continue
		}
		if !whole && len(rest) > 0 {
			t := prunedType(c.Type, rest, keep)
			if t == nil {
				continue
			}
			c.Type = t
		}
		out.Columns = append(out.Columns, c)
		from, nested = append(from, i), append(nested, !whole && len(rest) > 0)
	}
	for _, row := range f.Rows() {
		r := make([]any, len(from))
		for j, i := range from {
			if r[j] = row[i]; nested[j] {
				r[j] = narrowed(row[i], out.Columns[j].Type)
			}
		}
		out.rows = append(out.rows, r)
	}
	return out
}

// SelectFields keeps what the paths name. Paths that are not there are passed over.
type SelectFields struct{ Paths [][]string }

// Check implements Transform.
func (t SelectFields) Check(n int) error { return errors.Join(oneInput(n), checkPaths(t.Paths)) }

// Apply implements Transform.
func (t SelectFields) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	return []*Frame{pruned(in[0], t.Paths, true)}, nil
}

// DropFields drops what the paths name.
type DropFields struct{ Paths [][]string }

// Check implements Transform.
func (t DropFields) Check(n int) error { return errors.Join(oneInput(n), checkPaths(t.Paths)) }

// Apply implements Transform.
func (t DropFields) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	return []*Frame{pruned(in[0], t.Paths, false)}, nil
}

// SplitFields makes a collection of two: what the paths name, and the rest.
type SplitFields struct{ Paths [][]string }

// Check implements Transform.
func (t SplitFields) Check(n int) error { return errors.Join(oneInput(n), checkPaths(t.Paths)) }

// Apply implements Transform.
func (t SplitFields) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	return []*Frame{pruned(in[0], t.Paths, true), pruned(in[0], t.Paths, false)}, nil
}

// SelectFromCollection takes one of a collection.
type SelectFromCollection struct{ Index int }

// Check implements Transform.
func (t SelectFromCollection) Check(n int) error { return oneInput(n) }

// Apply implements Transform.
func (t SelectFromCollection) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	if t.Index < 0 || t.Index >= len(in) {
		return nil, fmt.Errorf("the collection has %d frames, and none of the index %d", len(in), t.Index)
	}
	return in[t.Index : t.Index+1], nil
}

// at is the value and the type at a path.
func (f *Frame) at(path []string) (value func(row []any) any, t *hivetype.Type) {
	i := f.Column(path[0])
	if i < 0 {
		// A dot within the name of a column: "a.b" as one.
		if i = f.Column(strings.Join(path, ".")); i < 0 {
			return nil, nil
		}
		return func(row []any) any { return row[i] }, f.Columns[i].Type
	}
	t = f.Columns[i].Type
	for _, name := range path[1:] {
		at := -1
		if t.Kind == hivetype.Struct {
			at = slices.IndexFunc(t.Fields, func(x hivetype.Field) bool { return strings.EqualFold(x.Name, name) })
		}
		if at < 0 {
			return nil, nil
		}
		t = t.Fields[at].Type
	}
	return func(row []any) any {
		v := row[i]
		for _, name := range path[1:] {
			o, ok := v.(Object)
			if !ok {
				return nil
			}
			v = o.Get(name)
		}
		return v
	}, t
}

// put sets a value at a path of an object, made where it is not there.
func put(o Object, path []string, v any) Object {
	for i := range o {
		if o[i].Name == path[0] {
			if len(path) == 1 {
				o[i].Value = v
			} else {
				inner, _ := o[i].Value.(Object)
				o[i].Value = put(slices.Clone(inner), path[1:], v)
			}
			return o
		}
	}
	if len(path) > 1 {
		v = put(nil, path[1:], v)
	}
	return append(o, Member{path[0], v})
}

func putType(fields []hivetype.Field, path []string, t *hivetype.Type) []hivetype.Field {
	i := slices.IndexFunc(fields, func(f hivetype.Field) bool { return f.Name == path[0] })
	if len(path) > 1 {
		inner := &hivetype.Type{Kind: hivetype.Struct}
		if i >= 0 && fields[i].Type.Kind == hivetype.Struct {
			inner.Fields = slices.Clone(fields[i].Type.Fields)
		}
		inner.Fields = putType(inner.Fields, path[1:], t)
		t = inner
	}
	if i >= 0 {
		fields[i].Type = t
		return fields
	}
	return append(fields, hivetype.Field{Name: path[0], Type: t})
}

// mapped builds a frame of values at paths.
type mapped struct {
	from   func(row []any) any
	target []string
	typ    *hivetype.Type
	cast   bool
}

func build(f *Frame, all []mapped) *Frame {
	var fields []hivetype.Field
	for _, m := range all {
		fields = putType(fields, m.target, m.typ)
	}
	out := &Frame{}
	for _, x := range fields {
		out.Columns = append(out.Columns, Column(x))
	}
	for _, row := range f.Rows() {
		var o Object
		for _, m := range all {
			v := m.from(row)
			if m.cast {
				v, _ = cast(v, m.typ)
			}
			if v != nil {
				o = put(o, m.target, v)
			}
		}
		r := make([]any, len(out.Columns))
		for i := range o {
			r[slices.IndexFunc(fields, func(x hivetype.Field) bool { return x.Name == o[i].Name })] = o[i].Value
		}
		out.rows = append(out.rows, r)
	}
	return out
}

// RenameField gives what is at a path another.
type RenameField struct{ From, To []string }

// Check implements Transform.
func (t RenameField) Check(n int) error {
	return errors.Join(oneInput(n), checkPaths([][]string{t.From, t.To}))
}

// Apply implements Transform.
func (t RenameField) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	f := in[0]
	value, typ := f.at(t.From)
	if value == nil {
		return []*Frame{f}, nil
	}
	rest := pruned(f, [][]string{t.From}, false)
	var all []mapped
	for i, c := range f.Columns {
		if len(t.From) == 1 && len(t.To) == 1 && strings.EqualFold(c.Name, t.From[0]) { // it keeps its place
			all = append(all, mapped{value, t.To, typ, false})
			continue
		}
		j := rest.Column(c.Name)
		if j < 0 {
			continue
		}
		kept := rest.Columns[j].Type
		all = append(all, mapped{func(row []any) any { return narrowed(row[i], kept) }, []string{c.Name}, kept, false})
	}
	if len(t.From) > 1 || len(t.To) > 1 {
		all = append(all, mapped{value, t.To, typ, false})
	}
	return []*Frame{build(f, all)}, nil
}

// Mapping is one line of an ApplyMapping: what is at From becomes To, of the type ToType.
type Mapping struct {
	From   []string
	To     []string
	ToType *hivetype.Type
}

// ApplyMapping keeps what is mapped, under its new path and as its new type.
type ApplyMapping struct{ Mappings []Mapping }

// Check implements Transform.
func (t ApplyMapping) Check(n int) error {
	var paths [][]string
	for _, m := range t.Mappings {
		paths = append(paths, m.From, m.To)
	}
	return errors.Join(oneInput(n), checkPaths(paths))
}

// Apply implements Transform.
func (t ApplyMapping) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	var all []mapped
	for _, m := range t.Mappings {
		value, typ := in[0].at(m.From)
		if value == nil {
			value, typ = func([]any) any { return nil }, m.ToType
		}
		all = append(all, mapped{value, m.To, m.ToType, !typ.Equal(m.ToType)})
	}
	return []*Frame{build(in[0], all)}, nil
}
