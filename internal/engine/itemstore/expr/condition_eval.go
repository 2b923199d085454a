package expr

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// in is the operand's value in an item; nil if it has none.
func (o Operand) in(item attr.Item) attr.Value {
	v := o.Value
	if o.Path != nil {
		v = o.Path.In(item)
	}
	if !o.Size {
		return v
	}
	n := 0
	switch v := v.(type) {
	case attr.String:
		for _, r := range string(v) {
			n += max(1, utf16.RuneLen(r))
		}
	case attr.Binary:
		n = len(v)
	case attr.List:
		n = len(v)
	case attr.Map:
		n = len(v)
	case attr.StringSet:
		n = len(v)
	case attr.NumberSet:
		n = len(v)
	case attr.BinarySet:
		n = len(v)
	default:
		return nil
	}
	return attr.Number(itoa(n))
}

func (c And) Eval(item attr.Item) bool { return c.L.Eval(item) && c.R.Eval(item) }
func (c Or) Eval(item attr.Item) bool  { return c.L.Eval(item) || c.R.Eval(item) }
func (c Not) Eval(item attr.Item) bool { return !c.X.Eval(item) }

func (c Compare) Eval(item attr.Item) bool {
	a, b := c.L.in(item), c.R.in(item)
	switch c.Op {
	case "=":
		return a != nil && attr.Equal(a, b)
	case "<>":
		return !attr.Equal(a, b)
	}
	order, ok := attr.Compare(a, b)
	if !ok {
		return false
	}
	switch c.Op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func (c Between) Eval(item attr.Item) bool {
	x := c.X.in(item)
	low, ok1 := attr.Compare(x, c.Low.in(item))
	high, ok2 := attr.Compare(x, c.High.in(item))
	return ok1 && ok2 && low >= 0 && high <= 0
}

func (c In) Eval(item attr.Item) bool {
	x := c.X.in(item)
	if x == nil {
		return false
	}
	for _, o := range c.List {
		if attr.Equal(x, o.in(item)) {
			return true
		}
	}
	return false
}

func (c Call) Eval(item attr.Item) bool {
	x := c.Args[0].in(item)
	switch c.Name {
	case "attribute_exists":
		return x != nil
	case "attribute_not_exists":
		return x == nil
	}
	if x == nil {
		return false
	}
	y := c.Args[1].in(item)
	switch c.Name {
	case "attribute_type":
		s, _ := y.(attr.String)
		return x.Type() == attr.Type(s)
	case "begins_with":
		return BeginsWith(x, y)
	case "contains":
		return Contains(x, y)
	}
	return false
}

// BeginsWith reports whether x, a string or binary, begins with y of the same type.
func BeginsWith(x, y attr.Value) bool {
	switch x := x.(type) {
	case attr.String:
		y, ok := y.(attr.String)
		return ok && strings.HasPrefix(string(x), string(y))
	case attr.Binary:
		y, ok := y.(attr.Binary)
		return ok && bytes.HasPrefix(x, y)
	}
	return false
}

// Contains reports whether x holds y: a part of a string or binary, or an element of a
// list or set.
func Contains(x, y attr.Value) bool {
	switch x := x.(type) {
	case attr.String:
		y, ok := y.(attr.String)
		return ok && strings.Contains(string(x), string(y))
	case attr.Binary:
		y, ok := y.(attr.Binary)
		return ok && bytes.Contains(x, y)
	case attr.List:
		return slices.ContainsFunc(x, func(e attr.Value) bool { return attr.Equal(e, y) })
	case attr.StringSet:
		y, ok := y.(attr.String)
		return ok && slices.Contains(x, string(y))
	case attr.NumberSet:
		y, ok := y.(attr.Number)
		return ok && slices.Contains(x, y)
	case attr.BinarySet:
		y, ok := y.(attr.Binary)
		return ok && slices.ContainsFunc(x, func(e []byte) bool { return bytes.Equal(e, y) })
	}
	return false
}

func (c And) walk(f func(Operand)) { c.L.walk(f); c.R.walk(f) }
func (c Or) walk(f func(Operand))  { c.L.walk(f); c.R.walk(f) }
func (c Not) walk(f func(Operand)) { c.X.walk(f) }

func (c Compare) walk(f func(Operand)) { f(c.L); f(c.R) }
func (c Between) walk(f func(Operand)) { f(c.X); f(c.Low); f(c.High) }

func (c In) walk(f func(Operand)) {
	f(c.X)
	for _, o := range c.List {
		f(o)
	}
}

func (c Call) walk(f func(Operand)) {
	for _, o := range c.Args {
		f(o)
	}
}
