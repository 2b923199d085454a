package vtl

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// ErrLimit is returned by a run that reaches one of its limits.
var ErrLimit = errors.New("the template reached a limit of steps, size or depth")

var errJSON = errors.New("not a JSON text")

// Options of a run. Zero is the default of each.
type Options struct {
	Quiet bool // references to what is not there print nothing, as in API Gateway

	// Limits.
	Steps int // nodes and expressions; 1,000,000
	Bytes int // output and values made, in bytes; 20 MiB
	Depth int // of blocks, macros and values; 200
}

func (l Options) orDefaults() Options {
	if l.Steps == 0 {
		l.Steps = 1_000_000
	}
	if l.Bytes == 0 {
		l.Bytes = 20 << 20
	}
	if l.Depth == 0 {
		l.Depth = 200
	}
	return l
}

// Run renders the template with variables, which it may change, and returns the output. An error
// is ErrLimit, the context's, or one of an Object's methods; there is no output then.
func (t *Template) Run(ctx context.Context, variables map[string]any, options Options) (string, error) {
	r := &run{ctx: ctx, limits: options.orDefaults(), macros: t.macros, vars: &scope{values: variables}}
	if r.vars.values == nil {
		r.vars.values = map[string]any{}
	}
	err := r.block(t.body)
	if err != nil && !errors.Is(err, errStop) && !errors.Is(err, errBreak) {
		return "", err
	}
	return r.out.String(), nil
}

// How a block ends early.
var (
	errStop  = errors.New("stop")
	errBreak = errors.New("break")
)

type run struct {
	ctx    context.Context
	limits Options
	macros map[string]*macro
	vars   *scope
	out    strings.Builder
	steps  int
	bytes  int
	depth  int
}

// scope is where variables are looked up. In a macro its parameters stand for expressions of
// the caller.
type scope struct {
	values map[string]any
	params map[string]expr // of a macro; nil elsewhere
	caller *scope
	body   block // $bodyContent of a macro
}

func (r *run) step() error {
	r.steps++
	if r.steps > r.limits.Steps {
		return ErrLimit
	}
	if r.steps&1023 == 0 {
		return r.ctx.Err()
	}
	return nil
}

// made counts bytes of values.
func (r *run) made(n int) error {
	if r.bytes += n; r.bytes > r.limits.Bytes {
		return ErrLimit
	}
	return nil
}

func (r *run) write(s string) error {
	if err := r.made(len(s)); err != nil {
		return err
	}
	r.out.WriteString(s)
	return nil
}

func (r *run) enter() error {
	if r.depth++; r.depth > r.limits.Depth {
		return ErrLimit
	}
	return r.step()
}

func (r *run) block(b block) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer func() { r.depth-- }()
	for _, n := range b {
		if err := r.step(); err != nil {
			return err
		}
		if err := n.render(r); err != nil {
			return err
		}
	}
	return nil
}

// capture renders a block to a text.
func (r *run) capture(b block) (string, error) {
	outer := r.out
	r.out = strings.Builder{}
	err := r.block(b)
	s := r.out.String()
	r.out = outer
	return s, err
}

// lookup returns a variable's value, nil where it has none.
func (r *run) lookup(name string) (any, error) {
	for s := r.vars; s != nil; s = s.caller {
		if x, ok := s.params[name]; ok {
			return r.within(s.caller, func() (any, error) { return x.eval(r) })
		}
		if name == "bodyContent" && s.body != nil {
			body := s.body
			return r.within(s.caller, func() (any, error) { return r.capture(body) })
		}
		if v, ok := s.values[name]; ok {
			if d, ok := v.(definition); ok {
				if err := r.enter(); err != nil {
					return nil, err
				}
				defer func() { r.depth-- }()
				return r.capture(d.body)
			}
			return v, nil
		}
	}
	return nil, nil
}

func (r *run) within(s *scope, f func() (any, error)) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	inner := r.vars
	r.vars = s
	v, err := f()
	r.vars = inner
	r.depth--
	return v, err
}

// assign sets a variable where it is seen. In a macro a parameter is the macro's own, other
// variables are global.
func (r *run) assign(name string, v any) error {
	s := r.vars
	for s.params != nil {
		if _, ok := s.params[name]; ok {
			delete(s.params, name)
			s.values[name] = v
			return nil
		}
		if _, ok := s.values[name]; ok {
			break
		}
		s = s.caller
	}
	s.values[name] = v
	return nil
}

// definition is the value of #define.
type definition struct{ body block }

func (n textNode) render(r *run) error { return r.write(string(n)) }

func (n *refNode) render(r *run) error {
	v, err := n.eval(r)
	if err != nil {
		return err
	}
	slashes := n.backslashes
	if slashes > 0 {
		if v == nil && !n.quiet && !r.limits.Quiet {
			return r.write(strings.Repeat(`\`, slashes) + r.unresolved(n.reference))
		}
		if err := r.write(strings.Repeat(`\`, slashes/2)); err != nil {
			return err
		}
		if slashes%2 == 1 {
			return r.write(n.source)
		}
	}
	if v == nil {
		if n.quiet || r.limits.Quiet {
			return nil
		}
		return r.write(r.unresolved(n.reference))
	}
	s, err := text(v, r.limits.Bytes-r.bytes)
	if err != nil {
		return err
	}
	return r.write(s)
}

// unresolved is what a reference to what is not there prints: its source, and of a parameter of a macro that of the argument.
func (r *run) unresolved(ref *reference) string {
	if ref.source == "$"+ref.name {
		if argument, ok := r.vars.params[ref.name].(*reference); ok {
			return argument.source
		}
	}
	return ref.source
}

func (n *setNode) render(r *run) error {
	v, err := n.value.eval(r)
	if err != nil || v == nil {
		return err
	}
	path := n.target.path
	if len(path) == 0 {
		return r.assign(n.target.name, v)
	}
	owner, err := (&reference{name: n.target.name, path: path[:len(path)-1]}).eval(r)
	if err != nil || owner == nil {
		return err
	}
	return r.put(owner, path[len(path)-1], v)
}

// put sets a property or an element.
func (r *run) put(owner any, a accessor, v any) error {
	if a.call {
		return nil
	}
	var key any = a.name
	if a.index != nil {
		var err error
		if key, err = a.index.eval(r); err != nil {
			return err
		}
	}
	switch o := owner.(type) {
	case *Map:
		name, err := r.text(key)
		if err != nil {
			return err
		}
		o.Put(name, v)
		return r.made(len(name) + 16)
	case *List:
		i, ok := position(key, len(o.Items))
		if ok {
			o.Items[i] = v
		} else if _, ok := whole(key); ok {
			return outOfRange("set")
		}
	}
	return nil
}

func (n *ifNode) render(r *run) error {
	for i, c := range n.conditions {
		ok, err := r.holds(c)
		if err != nil {
			return err
		}
		if ok {
			return r.block(n.blocks[i])
		}
	}
	if n.otherwise != nil {
		return r.block(n.otherwise)
	}
	return nil
}

func (breakNode) render(*run) error { return errBreak }
func (stopNode) render(*run) error  { return errStop }

func (n *defineNode) render(r *run) error { return r.assign(n.name, definition{n.body}) }

func (n *macroCall) render(r *run) error {
	m := r.macros[n.name]
	if m == nil {
		return r.write(n.source)
	}
	s := &scope{values: map[string]any{}, params: map[string]expr{}, caller: r.vars, body: n.body}
	for i, p := range m.params {
		if i < len(n.args) {
			s.params[p] = n.args[i]
		} else {
			s.values[p] = nil
		}
	}
	outer := r.vars
	r.vars = s
	err := r.block(m.body)
	r.vars = outer
	if errors.Is(err, errBreak) {
		return nil
	}
	return err
}

func (n *foreachNode) render(r *run) error {
	in, err := n.in.eval(r)
	if err != nil {
		return err
	}
	items, ok := elements(in)
	if !ok || len(items) == 0 {
		return nil
	}
	restore := r.shadow(n.name, "foreach", "velocityCount", "velocityHasNext")
	defer restore()
	parent, _ := r.lookup("foreach")
	loop := &loopState{size: len(items), parent: parent}
	scopeValues := r.vars.values
	for i, item := range items {
		loop.index = i
		scopeValues["foreach"] = loop
		scopeValues["velocityCount"] = int32(i + 1)
		scopeValues["velocityHasNext"] = i+1 < len(items)
		if item == nil {
			scopeValues[n.name] = nil
		} else {
			scopeValues[n.name] = item
		}
		switch err := r.block(n.body); {
		case errors.Is(err, errBreak):
			return nil
		case err != nil:
			return err
		}
		if loop.stopped {
			return nil
		}
	}
	return nil
}

// shadow keeps variables, and returns what gives them back.
func (r *run) shadow(names ...string) (restore func()) {
	s := r.vars
	kept := map[string]any{}
	params := map[string]expr{}
	for _, n := range names {
		if v, ok := s.values[n]; ok {
			kept[n] = v
		}
		if x, ok := s.params[n]; ok {
			params[n] = x
			delete(s.params, n)
		}
	}
	return func() {
		for _, n := range names {
			if v, ok := kept[n]; ok {
				s.values[n] = v
			} else {
				delete(s.values, n)
			}
			if x, ok := params[n]; ok {
				s.params[n] = x
			}
		}
	}
}

// loopState is $foreach.
type loopState struct {
	index, size int
	parent      any
	stopped     bool
}

func (l *loopState) Property(name string) (any, bool) {
	switch name {
	case "index":
		return int32(l.index), true
	case "count":
		return int32(l.index + 1), true
	case "hasNext":
		return l.index+1 < l.size, true
	case "first":
		return l.index == 0, true
	case "last":
		return l.index+1 == l.size, true
	case "parent", "topmost":
		top, ok := l.parent.(*loopState)
		if !ok {
			if name == "topmost" {
				return l, true
			}
			return nil, false
		}
		if name == "topmost" {
			return top.Property(name)
		}
		return top, true
	}
	return nil, false
}

func (l *loopState) Call(method string, args []any) (any, bool, error) {
	if len(args) > 0 {
		return nil, false, nil
	}
	switch method {
	case "hasNext", "getHasNext", "isFirst", "isLast", "getIndex", "getCount":
		name := strings.TrimPrefix(strings.TrimPrefix(method, "get"), "is")
		v, ok := l.Property(strings.ToLower(name[:1]) + name[1:])
		return v, ok, nil
	case "stop":
		l.stopped = true
		return "", true, nil
	}
	return nil, false, nil
}

func (l *loopState) String() string { return fmt.Sprintf("foreach[%d]", l.index) }

// elements are what #foreach goes over: those of a list, the values of a map.
func elements(v any) ([]any, bool) {
	switch v := v.(type) {
	case *List:
		return append([]any(nil), v.Items...), true
	case *Map:
		out := make([]any, 0, v.Len())
		for _, k := range v.keys {
			out = append(out, v.values[k])
		}
		return out, true
	}
	return nil, false
}

// text is a value as it prints, counted.
func (r *run) text(v any) (string, error) {
	s, err := text(v, r.limits.Bytes-r.bytes)
	if err != nil {
		return "", err
	}
	if _, ok := v.(string); ok {
		return s, nil
	}
	return s, r.made(len(s))
}

// holds is an expression as a condition: a reference holds unless it is false or null, a
// comparison as it comes out; other values than true do not hold, be they what they may.
func (r *run) holds(x expr) (bool, error) {
	v, err := x.eval(r)
	if err != nil {
		return false, err
	}
	if b, ok := v.(bool); ok {
		return b, nil
	}
	_, ref := x.(*reference)
	return ref && v != nil, nil
}

// position is an index into n elements; negative ones count from the end.
func position(v any, n int) (int, bool) {
	var i int64
	switch v := v.(type) {
	case int32:
		i = int64(v)
	case int64:
		i = v
	case *big.Int:
		return 0, false
	default:
		return 0, false
	}
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}
