package vtl

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A CallError says that a method failed, where Java's throws an exception: it ends the run.
type CallError struct{ Method, Reason string }

func (e *CallError) Error() string { return "the method " + e.Method + " failed: " + e.Reason }

func outOfRange(method string) error { return &CallError{method, "an index is out of range"} }

// called is what a call of an Object's has made, in bytes: the text that it returned, or a slot for each element of a
// list; of anything else what it was made of.
func called(out any, args []any) int {
	switch out := out.(type) {
	case string:
		return len(out)
	case *List:
		return 16 * len(out.Items)
	}
	n := 0
	for _, a := range args {
		if s, ok := a.(string); ok {
			n += len(s)
		}
	}
	return n
}

// call is v.name(args...): null where the value's class has no such method.
func (r *run) call(v any, name string, args []any) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	if o, ok := v.(Object); ok {
		out, _, err := o.Call(name, args)
		if err != nil {
			return nil, err
		}
		return out, r.made(called(out, args))
	}
	switch name { // of every object
	case "toString":
		if len(args) == 0 {
			return r.text(v)
		}
	case "equals":
		if len(args) == 1 {
			return same(v, args[0], r.limits.Bytes), nil
		}
	case "hashCode":
		if len(args) == 0 {
			s, err := r.text(v)
			return hashCode(s), err
		}
	}
	switch v := v.(type) {
	case string:
		return r.stringMethod(v, name, args)
	case *List:
		return r.listMethod(v, name, args)
	case *Map:
		return r.mapMethod(v, name, args)
	case entry:
		switch {
		case name == "getKey" && len(args) == 0:
			return v.key, nil
		case name == "getValue" && len(args) == 0:
			return v.value(), nil
		case name == "setValue" && len(args) == 1:
			old := v.value()
			v.m.Put(v.key, args[0])
			return old, nil
		}
	case bool:
		if name == "booleanValue" && len(args) == 0 {
			return v, nil
		}
		if name == "parseBoolean" && len(args) == 1 {
			s, ok := args[0].(string)
			return ok && strings.EqualFold(s, "true"), nil
		}
	case int32, int64, *big.Int, float64:
		return numberMethod(v, name, args)
	}
	return nil, nil
}

// same is Java's equals: values of different classes differ.
func same(a, b any, limit int) bool {
	switch a := a.(type) {
	case string, bool, int32, int64, float64:
		return a == b
	case *big.Int:
		n, ok := b.(*big.Int)
		return ok && a.Cmp(n) == 0
	case *List:
		if l, ok := b.(*List); ok && len(l.Items) == len(a.Items) {
			x, errA := JSON(a, limit)
			y, errB := JSON(l, limit)
			return errA == nil && errB == nil && x == y
		}
	case *Map:
		if m, ok := b.(*Map); ok && m.Len() == a.Len() {
			x, errA := JSON(sorted(a), limit)
			y, errB := JSON(sorted(m), limit)
			return errA == nil && errB == nil && x == y
		}
	}
	return false
}

func sorted(m *Map) *Map {
	return &Map{keys: slices.Sorted(slices.Values(m.keys)), values: m.values}
}

// hashCode is Java's String.hashCode for texts.
func hashCode(s string) any {
	var h int32
	for _, u := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(u)
	}
	return h
}

func intArg(args []any, i int) (int, bool) {
	if i >= len(args) {
		return 0, false
	}
	n, ok := args[i].(int32)
	return int(n), ok
}

func (r *run) made0(v any, err error) (any, error) {
	if s, ok := v.(string); ok && err == nil {
		return v, r.made(len(s))
	}
	return v, err
}

func (r *run) listMethod(l *List, name string, args []any) (any, error) {
	switch len(args) {
	case 0:
		switch name {
		case "size", "length":
			return int32(len(l.Items)), nil
		case "isEmpty":
			return len(l.Items) == 0, nil
		case "clear":
			l.Items = nil
			return nil, nil
		case "iterator", "listIterator", "stream":
			return &List{Items: slices.Clone(l.Items)}, r.made(16 * len(l.Items))
		case "getFirst":
			if len(l.Items) > 0 {
				return l.Items[0], nil
			}
			return nil, outOfRange(name)
		case "getLast":
			if n := len(l.Items); n > 0 {
				return l.Items[n-1], nil
			}
			return nil, outOfRange(name)
		case "toArray":
			return &List{Items: slices.Clone(l.Items)}, r.made(16 * len(l.Items))
		}
	case 1:
		return r.listMethod1(l, name, args[0])
	case 2:
		i, ok := intArg(args, 0)
		if !ok {
			return nil, nil
		}
		switch name {
		case "add":
			if i >= 0 && i <= len(l.Items) {
				l.Items = slices.Insert(l.Items, i, args[1])
				return nil, r.made(16 + len(l.Items)/16)
			}
			return nil, outOfRange(name)
		case "set":
			if i >= 0 && i < len(l.Items) {
				old := l.Items[i]
				l.Items[i] = args[1]
				return old, nil
			}
			return nil, outOfRange(name)
		case "subList":
			j, ok := intArg(args, 1)
			if !ok {
				return nil, nil
			}
			if i >= 0 && i <= j && j <= len(l.Items) {
				return &List{Items: slices.Clone(l.Items[i:j])}, r.made(16 * (j - i))
			}
			return nil, outOfRange(name)
		}
	}
	return nil, nil
}

func (r *run) listMethod1(l *List, name string, arg any) (any, error) {
	find := func() int {
		for i, item := range l.Items {
			if item == nil && arg == nil || item != nil && same(item, arg, r.limits.Bytes) {
				return i
			}
		}
		return -1
	}
	switch name {
	case "get":
		if i, ok := arg.(int32); ok {
			if i < 0 || int(i) >= len(l.Items) {
				return nil, outOfRange(name)
			}
			return l.Items[i], nil
		}
	case "add":
		l.Items = append(l.Items, arg)
		return true, r.made(16)
	case "addAll":
		if o, ok := arg.(*List); ok {
			l.Items = append(l.Items, o.Items...)
			return len(o.Items) > 0, r.made(16 * len(o.Items))
		}
	case "contains", "indexOf", "remove", "lastIndexOf":
		if i, ok := arg.(int32); ok && name == "remove" {
			if i < 0 || int(i) >= len(l.Items) {
				return nil, outOfRange(name)
			}
			old := l.Items[i]
			l.Items = slices.Delete(l.Items, int(i), int(i)+1)
			return old, nil
		}
		r.steps += len(l.Items)
		i := find()
		switch name {
		case "contains":
			return i >= 0, nil
		case "remove":
			if i >= 0 {
				l.Items = slices.Delete(l.Items, i, i+1)
			}
			return i >= 0, nil
		case "lastIndexOf":
			for j := len(l.Items) - 1; j >= 0; j-- {
				if l.Items[j] != nil && same(l.Items[j], arg, r.limits.Bytes) {
					return int32(j), nil
				}
			}
		}
		return int32(i), nil
	case "containsAll":
		if o, ok := arg.(*List); ok {
			for _, item := range o.Items {
				r.steps += len(l.Items)
				if !slices.ContainsFunc(l.Items, func(x any) bool { return x != nil && same(x, item, r.limits.Bytes) }) {
					return false, r.step()
				}
			}
			return true, nil
		}
	}
	return nil, nil
}

func (r *run) mapMethod(m *Map, name string, args []any) (any, error) {
	switch len(args) {
	case 0:
		switch name {
		case "size":
			return int32(m.Len()), nil
		case "isEmpty":
			return m.Len() == 0, nil
		case "keySet", "values", "entrySet":
			out := &List{Items: make([]any, 0, m.Len())}
			for _, k := range m.keys {
				switch name {
				case "keySet":
					out.Items = append(out.Items, k)
				case "values":
					out.Items = append(out.Items, m.values[k])
				default:
					out.Items = append(out.Items, entry{m, k})
				}
			}
			return out, r.made(32 * m.Len())
		case "clear":
			m.keys, m.values = nil, map[string]any{}
		}
		return nil, nil
	case 1:
		if o, ok := args[0].(*Map); ok && name == "putAll" {
			for _, k := range o.keys {
				m.Put(k, o.values[k])
			}
			return nil, r.made(32 * o.Len())
		}
		if name == "containsValue" {
			r.steps += m.Len()
			for _, v := range m.values {
				if v != nil && same(v, args[0], r.limits.Bytes) {
					return true, nil
				}
			}
			return false, nil
		}
		k, ok := args[0].(string)
		old, had := m.Get(k)
		switch name {
		case "get":
			return old, nil
		case "containsKey":
			return ok && had, nil
		case "remove":
			m.Delete(k)
			return old, nil
		}
	case 2:
		switch name {
		case "put", "putIfAbsent", "replace":
			k, err := r.text(args[0])
			if err != nil {
				return nil, err
			}
			old, had := m.Get(k)
			if name == "put" || name == "putIfAbsent" && !had || name == "replace" && had {
				m.Put(k, args[1])
			}
			return old, r.made(len(k) + 16)
		case "getOrDefault":
			if k, ok := args[0].(string); ok {
				if v, had := m.Get(k); had {
					return v, nil
				}
			}
			return args[1], nil
		}
	}
	return nil, nil
}

func numberMethod(v any, name string, args []any) (any, error) {
	if len(args) == 0 {
		return numberMethod0(v, name), nil
	}
	if len(args) != 1 {
		return nil, nil
	}
	s, isText := args[0].(string)
	if !isText {
		switch name {
		case "compareTo":
			if c, ok := compareNumbers(v, args[0]); ok {
				return int32(c), nil
			}
		case "toString":
			return text(args[0], 1<<20)
		case "valueOf":
			return args[0], nil
		}
		return nil, nil
	}
	// The static methods of the class, which templates call on any number of it.
	var out any
	var err error
	switch v.(type) {
	case float64:
		if name != "parseDouble" && name != "valueOf" {
			return nil, nil
		}
		out, err = strconv.ParseFloat(strings.TrimSpace(s), 64)
	case int64:
		if name != "parseLong" && name != "valueOf" && name != "decode" {
			return nil, nil
		}
		out, err = strconv.ParseInt(s, 10, 64)
	case int32:
		if name != "parseInt" && name != "valueOf" && name != "decode" {
			return nil, nil
		}
		var n int64
		n, err = strconv.ParseInt(s, 10, 32)
		out = int32(n)
	}
	if err != nil {
		return nil, &CallError{name, strconv.Quote(s) + " is not such a number"}
	}
	return out, nil
}

func numberMethod0(v any, name string) any {
	f := toFloat(v)
	switch name {
	case "intValue":
		if n, ok := whole(v); ok {
			return int32(n)
		}
		return int32(max(min(f, math.MaxInt32), math.MinInt32))
	case "longValue":
		if n, ok := whole(v); ok {
			return n
		}
		if f >= math.MaxInt64 {
			return int64(math.MaxInt64)
		}
		return int64(max(f, math.MinInt64))
	case "doubleValue", "floatValue":
		return f
	case "isNaN":
		return math.IsNaN(f)
	case "isInfinite":
		return math.IsInf(f, 0)
	}
	return nil
}
