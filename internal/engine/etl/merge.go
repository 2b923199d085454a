package etl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Merge is the first input with its rows replaced by those of the second, the staging frame, that have the same keys; rows
// of the staging frame without a partner are added. Duplicates among the keys of one frame stay.
type Merge struct {
	Keys    [][]string
	Staging int // which input is the staging frame
}

// Check implements Transform.
func (t Merge) Check(n int) error {
	switch {
	case n != 2:
		return fmt.Errorf("it takes two inputs, not %d", n)
	case len(t.Keys) == 0:
		return errors.New("it has no PrimaryKeys")
	}
	return checkPaths(t.Keys)
}

// Apply implements Transform.
func (t Merge) Apply(ctx context.Context, in []*Frame) ([]*Frame, error) {
	staging, source := in[t.Staging], in[1-t.Staging]
	types := keyTypes(source, staging, t.Keys, t.Keys)
	mine, err := keysOf(source, t.Keys, types)
	if err != nil {
		return nil, err
	}
	theirs, err := keysOf(staging, t.Keys, types)
	if err != nil {
		return nil, err
	}
	replaced := make(map[string]bool)
	rows := staging.Rows()
	var key []byte
	for _, row := range rows {
		k, ok := theirs(key[:0], row)
		if key = k; ok {
			replaced[string(k)] = true
		}
	}
	kept := filtered(source, source.Rows(), func(row []any) bool {
		k, ok := mine(key[:0], row)
		key = k
		return !ok || !replaced[string(k)]
	})
	return Union{}.Apply(ctx, []*Frame{kept, NewFrame(staging.Columns, rows)})
}

// NullValue is a text that counts as null where a column has the type.
type NullValue struct {
	Text string
	Type string // of Glue: string, int, long, double...
}

// DropNullFields drops the columns, and the fields of structs, that have no value in any row: null, and, where it says
// so, "", "null" or -1, and the values given. Texts are compared without the spaces around them.
type DropNullFields struct {
	Empty, NullText, MinusOne bool
	Values                    []NullValue
}

// Check implements Transform.
func (t DropNullFields) Check(n int) error { return oneInput(n) }

// Apply implements Transform.
func (t DropNullFields) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	f := in[0]
	f = NewFrame(f.Columns, f.Rows())
	var drop [][]string
	for i, c := range f.Columns {
		drop = t.nullPaths(drop, []string{c.Name}, c, f.rows, func(row []any) any { return row[i] })
	}
	if len(drop) == 0 {
		return []*Frame{f}, nil
	}
	return []*Frame{pruned(f, drop, false)}, nil
}

// nullPaths adds the paths at or below a field that have no value.
func (t DropNullFields) nullPaths(paths [][]string, path []string, c Column, rows [][]any, at func([]any) any) [][]string {
	if !slices.ContainsFunc(rows, func(row []any) bool { return !t.null(at(row)) }) {
		return append(paths, path)
	}
	for _, x := range c.Type.Fields {
		paths = t.nullPaths(paths, append(slices.Clone(path), x.Name), Column(x), rows, func(row []any) any {
			o, _ := at(row).(Object)
			return o.Get(x.Name)
		})
	}
	return paths
}

func (t DropNullFields) null(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		s := strings.TrimSpace(v)
		return t.Empty && s == "" || t.NullText && s == "null" || t.given(s, true)
	case int64:
		return t.MinusOne && v == -1 || t.given(textOf(v), false)
	case float64:
		return t.MinusOne && v == -1 || t.given(textOf(v), false)
	}
	return false
}

// given reports whether a value is one of those given, as a text or as a number.
func (t DropNullFields) given(s string, text bool) bool {
	return slices.ContainsFunc(t.Values, func(n NullValue) bool {
		if text {
			return strings.EqualFold(n.Type, "string") && strings.TrimSpace(n.Text) == s
		}
		x, ok := toFloat(n.Text)
		y, is := toFloat(s)
		return !strings.EqualFold(n.Type, "string") && ok && is && x == y
	})
}
