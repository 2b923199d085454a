// Package eventpattern matches JSON documents against event patterns, the filter language of
// EventBridge and of event source mappings.
//
// A pattern is an object that mirrors the document: its members are objects, which descend, or
// arrays of conditions, one of which must hold. All members must match; "$or" holds an array
// of objects, one of which must. Where the document has an array, one of its elements must
// match. Conditions are literals (text, number, true, false, null) and objects of one operator:
// prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists, cidr.
package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
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

type field struct {
	name  string
	inner *node       // an object, or
	any   []condition // conditions
}

// condition is one of those in an array. v is what the document has; present says whether it
// has it.
type condition func(v any, present bool) bool

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSyntax, fmt.Sprintf(format, args...))
}

// Parse compiles a pattern.
func Parse(text string) (*Pattern, error) {
	v, err := decode([]byte(text))
	if err != nil {
		return nil, bad("it is not JSON")
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, bad("it is not an object")
	}
	if len(m) == 0 {
		return nil, bad("it is empty")
	}
	root, err := compile(m, 0)
	if err != nil {
		return nil, err
	}
	return &Pattern{root}, nil
}

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

func compile(m map[string]any, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, bad("it is nested deeper than %d", maxDepth)
	}
	n := new(node)
	for name, v := range m {
		switch v := v.(type) {
		case map[string]any:
			if len(v) == 0 {
				return nil, bad("the object at %q is empty", name)
			}
			inner, err := compile(v, depth+1)
			if err != nil {
				return nil, err
			}
			n.fields = append(n.fields, field{name: name, inner: inner})
		case []any:
			if len(v) == 0 {
				return nil, bad("the array at %q is empty", name)
			}
			if name == "$or" && isObjects(v) {
				var choices []*node
				for _, c := range v {
					inner, err := compile(c.(map[string]any), depth+1)
					if err != nil {
						return nil, err
					}
					choices = append(choices, inner)
				}
				n.or = append(n.or, choices)
				continue
			}
			f := field{name: name}
			for _, c := range v {
				cond, err := compileCondition(c)
				if err != nil {
					return nil, err
				}
				f.any = append(f.any, cond)
			}
			n.fields = append(n.fields, f)
		default:
			return nil, bad("%q is neither an object nor an array", name)
		}
	}
	return n, nil
}

func isObjects(list []any) bool {
	for _, v := range list {
		if _, ok := v.(map[string]any); !ok {
			return false
		}
	}
	return len(list) >= 2
}

func compileCondition(c any) (condition, error) {
	m, ok := c.(map[string]any)
	if !ok {
		if _, ok := c.([]any); ok {
			return nil, bad("an array holds an array")
		}
		return func(v any, present bool) bool { return present && equal(v, c) }, nil
	}
	if len(m) != 1 {
		return nil, bad("a condition has one operator")
	}
	for op, arg := range m {
		return operator(op, arg)
	}
	return nil, nil // not reached: there is one
}

func equal(a, b any) bool {
	x, isX := a.(float64)
	y, isY := b.(float64)
	if isX && isY {
		return x == y
	}
	switch a.(type) {
	case string, bool, nil:
		return a == b
	}
	return false
}

// onText is a condition on texts.
func onText(holds func(string) bool) condition {
	return func(v any, present bool) bool {
		s, ok := v.(string)
		return present && ok && holds(s)
	}
}

func operator(op string, arg any) (condition, error) {
	switch op {
	case "prefix", "suffix":
		match := strings.HasPrefix
		if op == "suffix" {
			match = strings.HasSuffix
		}
		switch a := arg.(type) {
		case string:
			return onText(func(s string) bool { return match(s, a) }), nil
		case map[string]any:
			if t, ok := a["equals-ignore-case"].(string); ok && len(a) == 1 {
				t = strings.ToLower(t)
				return onText(func(s string) bool { return match(strings.ToLower(s), t) }), nil
			}
		}
		return nil, bad("%s wants a text", op)
	case "equals-ignore-case":
		a, ok := arg.(string)
		if !ok {
			return nil, bad("equals-ignore-case wants a text")
		}
		return onText(func(s string) bool { return strings.EqualFold(s, a) }), nil
	case "wildcard":
		a, ok := arg.(string)
		if !ok || strings.Contains(a, "**") {
			return nil, bad("wildcard wants a text, without two * in a row")
		}
		return onText(func(s string) bool { return wildcard(a, s) }), nil
	case "exists":
		a, ok := arg.(bool)
		if !ok {
			return nil, bad("exists wants true or false")
		}
		return func(_ any, present bool) bool { return present == a }, nil
	case "cidr":
		a, ok := arg.(string)
		p, err := netip.ParsePrefix(a)
		if !ok || err != nil {
			return nil, bad("cidr wants a range of addresses")
		}
		return onText(func(s string) bool {
			ip, err := netip.ParseAddr(s)
			return err == nil && p.Contains(ip)
		}), nil
	case "numeric":
		return numeric(arg)
	case "anything-but":
		return anythingBut(arg)
	}
	return nil, bad("the operator %q is not known", op)
}

func wildcard(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, last)
}

func numeric(arg any) (condition, error) {
	list, ok := arg.([]any)
	if !ok || len(list)%2 != 0 || len(list) == 0 || len(list) > 4 {
		return nil, bad("numeric wants operators and numbers")
	}
	var all []func(float64) bool
	for i := 0; i < len(list); i += 2 {
		n, ok := list[i+1].(float64)
		if !ok || math.Abs(n) > 5e9 {
			return nil, bad("numeric compares with numbers from -5e9 to 5e9")
		}
		switch list[i] {
		case "=":
			all = append(all, func(v float64) bool { return v == n })
		case "<":
			all = append(all, func(v float64) bool { return v < n })
		case "<=":
			all = append(all, func(v float64) bool { return v <= n })
		case ">":
			all = append(all, func(v float64) bool { return v > n })
		case ">=":
			all = append(all, func(v float64) bool { return v >= n })
		default:
			return nil, bad("numeric has no operator %v", list[i])
		}
	}
	return func(v any, present bool) bool {
		f, ok := v.(float64)
		if !present || !ok {
			return false
		}
		for _, holds := range all {
			if !holds(f) {
				return false
			}
		}
		return true
	}, nil
}

// anythingBut holds for what is there and is none of what is named.
func anythingBut(arg any) (condition, error) {
	var not []condition
	add := func(v any) error {
		switch v.(type) {
		case string, float64:
		default:
			return bad("anything-but wants texts, numbers or an operator")
		}
		not = append(not, func(d any, present bool) bool { return present && equal(d, v) })
		return nil
	}
	switch a := arg.(type) {
	case []any:
		if len(a) == 0 {
			return nil, bad("anything-but wants at least one value")
		}
		for _, v := range a {
			if err := add(v); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if len(a) != 1 {
			return nil, bad("anything-but takes one operator")
		}
		for op, v := range a {
			values, ok := v.([]any)
			if !ok {
				values = []any{v}
			}
			for _, v := range values {
				switch op {
				case "prefix", "suffix", "equals-ignore-case", "wildcard":
				default:
					return nil, bad("anything-but does not take %q", op)
				}
				c, err := operator(op, v)
				if err != nil {
					return nil, err
				}
				not = append(not, c)
			}
		}
	default:
		if err := add(arg); err != nil {
			return nil, err
		}
	}
	return func(v any, present bool) bool {
		if !present {
			return false
		}
		for _, c := range not {
			if c(v, true) {
				return false
			}
		}
		return true
	}, nil
}

// Matches reports whether a decoded JSON document matches (numbers as float64).
func (p *Pattern) Matches(doc map[string]any) bool { return p.root.matches(doc, true) }

// MatchesJSON reports whether a JSON document matches; what is not an object does not.
func (p *Pattern) MatchesJSON(doc []byte) bool {
	v, err := decode(doc)
	if err != nil {
		return false
	}
	m, ok := v.(map[string]any)
	return ok && p.Matches(m)
}

func (n *node) matches(doc map[string]any, present bool) bool {
	for i := range n.fields {
		f := &n.fields[i]
		v, has := doc[f.name]
		if !f.matches(v, present && has) {
			return false
		}
	}
	for _, choices := range n.or {
		one := false
		for _, c := range choices {
			if c.matches(doc, present) {
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

func (f *field) matches(v any, present bool) bool {
	if list, ok := v.([]any); ok && present {
		for _, e := range list {
			if f.matches(e, true) {
				return true
			}
		}
		if len(list) > 0 || f.inner != nil {
			return false
		}
		present = false // an empty array has nothing
	}
	if f.inner != nil {
		m, ok := v.(map[string]any)
		return f.inner.matches(m, present && ok)
	}
	for _, c := range f.any {
		if c(v, present) {
			return true
		}
	}
	return false
}
