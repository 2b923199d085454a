package jsonpath

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// maxItems bounds the items that a step of a path gives.
const maxItems = 1 << 20

// Eval gives the items that the path finds in a document; variables are those that it may
// name. Its errors are what ON ERROR is for.
func (p *Path) Eval(document any, variables map[string]any) (items []any, err error) {
	e := &evaluator{strict: p.strict, document: document, variables: variables}
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			items, err = nil, errors.New(string(f))
		}
	}()
	return e.eval(p.root, nil), nil
}

type failure string

func fail(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

type evaluator struct {
	strict    bool
	document  any
	variables map[string]any
	at        any
	size      int // of the array that last is in
}

// structural is an error that lax paths pass over.
func (e *evaluator) structural(format string, args ...any) {
	if e.strict {
		fail("structural error: "+format, args...)
	}
}

func (e *evaluator) eval(n node, _ any) []any {
	switch n := n.(type) {
	case literal:
		return []any{n.value}
	case root:
		return []any{e.document}
	case current:
		return []any{e.at}
	case last:
		return []any{json.Number(strconv.Itoa(e.size - 1))}
	case named:
		v, ok := e.variables[n.name]
		if !ok {
			fail("no value passed for parameter '%s'", n.name)
		}
		return []any{v}
	case member:
		return e.member(n)
	case element:
		return e.element(n)
	case method:
		return e.method(n)
	case filter:
		var out []any
		for _, v := range e.unwrapped(e.eval(n.base, nil)) {
			at := e.at
			e.at = v
			if e.test(n.cond) == yes {
				out = append(out, v)
			}
			e.at = at
		}
		return out
	case unary:
		var out []any
		for _, v := range e.unwrapped(e.eval(n.x, nil)) {
			out = append(out, calculate("-", json.Number("0"), v))
		}
		return out
	case binary:
		l, r := e.unwrapped(e.eval(n.l, nil)), e.unwrapped(e.eval(n.r, nil))
		if len(l) != 1 || len(r) != 1 {
			fail("arithmetic binary expression requires singleton operands")
		}
		return []any{calculate(n.op, l[0], r[0])}
	}
	fail("unexpected predicate")
	return nil
}

// unwrapped puts the elements of arrays in their place, in lax paths.
func (e *evaluator) unwrapped(items []any) []any {
	if e.strict {
		return items
	}
	var out []any
	for _, v := range items {
		if list, ok := v.([]any); ok {
			out = append(out, list...)
		} else {
			out = append(out, v)
		}
		limit(out)
	}
	return out
}

func limit(items []any) {
	if len(items) > maxItems {
		fail("the path gives more than %d items", maxItems)
	}
}

func (e *evaluator) member(n member) []any {
	var out []any
	if n.deep {
		for _, v := range e.eval(n.base, nil) {
			out = descend(out, v, n.name)
		}
		return out
	}
	for _, v := range e.unwrapped(e.eval(n.base, nil)) {
		o, ok := v.(*Object)
		switch {
		case !ok:
			e.structural("invalid item type. Expected: OBJECT, actual: %s", kind(v))
		case n.all:
			for _, k := range o.keys {
				out = append(out, o.values[k])
			}
		default:
			if v, ok := o.values[n.name]; ok {
				out = append(out, v)
			} else {
				e.structural("missing member '%s' in JSON object", n.name)
			}
		}
		limit(out)
	}
	return out
}

// descend finds a key at any depth, outer ones first.
func descend(out []any, v any, name string) []any {
	limit(out)
	switch v := v.(type) {
	case *Object:
		if x, ok := v.values[name]; ok {
			out = append(out, x)
		}
		for _, k := range v.keys {
			out = descend(out, v.values[k], name)
		}
	case []any:
		for _, x := range v {
			out = descend(out, x, name)
		}
	}
	return out
}

func (e *evaluator) element(n element) []any {
	var out []any
	for _, v := range e.eval(n.base, nil) {
		list, ok := v.([]any)
		if !ok {
			if e.strict {
				e.structural("invalid item type. Expected: ARRAY, actual: %s", kind(v))
			}
			list = []any{v}
		}
		if n.subs == nil {
			out = append(out, list...)
			limit(out)
			continue
		}
		size := e.size
		e.size = len(list)
		for _, s := range n.subs {
			from := e.index(s[0])
			to := from
			if s[1] != nil {
				to = e.index(s[1])
			}
			if from < 0 || to >= len(list) || from > to {
				e.structural("invalid array subscript: [%d, %d] for array of size %d", from, to, len(list))
			}
			for i := max(from, 0); i <= min(to, len(list)-1); i++ {
				out = append(out, list[i])
			}
			limit(out)
		}
		e.size = size
	}
	return out
}

func (e *evaluator) index(n node) int {
	items := e.unwrapped(e.eval(n, nil))
	if len(items) == 1 {
		if f, ok := float(items[0]); ok {
			return int(max(min(f, math.MaxInt32), math.MinInt32))
		}
	}
	fail("array subscript 'from' value must be singleton numeric")
	return 0
}

func (e *evaluator) method(n method) []any {
	items := e.eval(n.base, nil)
	if n.name != "type" && n.name != "size" {
		items = e.unwrapped(items)
	}
	var out []any
	for _, v := range items {
		switch n.name {
		case "type":
			out = append(out, strings.ToLower(kind(v)))
		case "size":
			list, ok := v.([]any)
			if !ok {
				e.structural("invalid item type. Expected: ARRAY, actual: %s", kind(v))
				list = []any{v}
			}
			out = append(out, json.Number(strconv.Itoa(len(list))))
		case "keyvalue":
			o, ok := v.(*Object)
			if !ok {
				fail("invalid item type. Expected: OBJECT, actual: %s", kind(v))
			}
			for _, k := range o.keys {
				out = append(out, &Object{[]string{"name", "value", "id"}, map[string]any{"name": k, "value": o.values[k], "id": json.Number("0")}})
			}
		default:
			f, ok := float(v)
			if s, isText := v.(string); isText && n.name == "double" {
				var err error
				f, err = strconv.ParseFloat(s, 64)
				ok = err == nil
			}
			if !ok {
				fail("invalid item type. Expected: NUMBER, actual: %s", kind(v))
			}
			switch n.name {
			case "double":
				text := strconv.FormatFloat(f, 'g', -1, 64)
				if !strings.ContainsAny(text, ".eN") {
					text += ".0"
				}
				out = append(out, json.Number(text))
				continue
			case "ceiling":
				f = math.Ceil(f)
			case "floor":
				f = math.Floor(f)
			case "abs":
				if text := fmt.Sprint(v); f < 0 {
					out = append(out, json.Number(strings.TrimPrefix(text, "-")))
				} else {
					out = append(out, v)
				}
				continue
			}
			out = append(out, json.Number(strconv.FormatFloat(f, 'f', -1, 64)))
		}
	}
	return out
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "NULL"
	case bool:
		return "BOOLEAN"
	case json.Number:
		return "NUMBER"
	case string:
		return "STRING"
	case []any:
		return "ARRAY"
	}
	return "OBJECT"
}

func float(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// calculate is exact for whole numbers.
func calculate(op string, a, b any) any {
	x, ok := float(a)
	y, ok2 := float(b)
	if !ok || !ok2 {
		fail("invalid operand types to %s operator", op)
	}
	if (op == "/" || op == "%") && y == 0 {
		fail("division by zero")
	}
	l, ok := new(big.Int).SetString(string(a.(json.Number)), 10)
	r, ok2 := new(big.Int).SetString(string(b.(json.Number)), 10)
	if ok && ok2 {
		switch op {
		case "+":
			l.Add(l, r)
		case "-":
			l.Sub(l, r)
		case "*":
			l.Mul(l, r)
		case "/":
			l.Quo(l, r)
		default:
			l.Rem(l, r)
		}
		return json.Number(l.String())
	}
	var f float64
	switch op {
	case "+":
		f = x + y
	case "-":
		f = x - y
	case "*":
		f = x * y
	case "/":
		f = x / y
	default:
		f = math.Mod(x, y)
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		fail("numeric overflow")
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}
