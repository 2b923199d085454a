package recordplan

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"github.com/itchyny/gojq"
)

// A query runs over what clients put, so a record can ask it for anything. It is compiled
// with these bounds:
//
//   - Steps, by the size of the record: they are counted where gojq asks its context, so the
//     same record always comes to the same end.
//   - The size of each value that it makes: after every operation that can make one grow,
//     the value's size as text is looked at. A value that holds another several times
//     counts it as often.
//   - What one step could take at once: strings that are repeated, arrays that are filled
//     up to an index.
//   - Memory and time of it all, as the last resort: the memory of the process is looked at
//     only when the query itself has made much.
const (
	querySteps    = 200_000  // of a record of no size
	stepsPerByte  = 20       // more, of what a record has
	queryValue    = 4 << 20  // of one value, of a record of no size
	queryMatch    = 16 << 10 // of a text that a regular expression is matched with again and again
	queryIndex    = 100_000  // into an array that is written
	queryNumber   = 1 << 15  // bits of one
	queryMade     = 1 << 20  // values made, before memory is looked at
	queryMemory   = 128 << 20
	queryTime     = time.Second
	queryLookEach = 64 // steps between looks at time and memory
)

var (
	errQuerySteps  = errors.New("metadata extraction query takes too many steps")
	errQueryTime   = errors.New("metadata extraction query takes too long")
	errQueryMemory = errors.New("metadata extraction query takes too much memory")
	errQueryValue  = errors.New("metadata extraction query makes a value that is too large")
	errQueryIndex  = fmt.Errorf("metadata extraction query has an array index of more than %d", queryIndex)
)

// grows are functions whose results may be larger than their inputs. None of them can be
// part of a path.
var grows = []string{
	"add", "ascii", "ascii_downcase", "ascii_upcase", "capture", "combinations", "explode", "flatten", "from_entries", "fromjson", "group_by", "gsub",
	"implode", "indices", "join", "ltrimstr", "map", "map_values", "match", "reverse", "rtrimstr", "scan", "setpath", "sort", "sort_by", "split", "splits", "sub",
	"to_entries", "tojson", "tostream", "tostring", "transpose", "trim", "unique", "unique_by", "walk", "with_entries",
}

// unbounded functions make arrays of any size in one step of their own.
var unbounded = []string{"fromstream"}

// matches are functions that find all matches in their input, in a time that grows with the
// square of its size.
var matches = []string{"match", "capture", "scan", "sub", "gsub", "splits", "split"}

// queryRun is the bound of one run, as the context that gojq asks at each step.
type queryRun struct {
	context.Context
	left  int // steps
	made  int // bytes of values, about
	value int // bytes of one, at most
	put   int // of them, by sub and gsub in the place of others
	heap  uint64
	until time.Time
	err   error
}

var ended = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (r *queryRun) begin(record int) {
	*r = queryRun{Context: context.Background(), left: querySteps + stepsPerByte*record, value: queryValue + 2*record, until: time.Now().Add(queryTime)}
}

func (r *queryRun) Done() <-chan struct{} {
	if r.left--; r.left <= 0 {
		r.err = errQuerySteps
	}
	if r.err == nil && r.left%queryLookEach == 0 {
		r.look()
	}
	if r.err != nil {
		return ended
	}
	return nil
}

func (r *queryRun) Err() error { return r.err }

func (r *queryRun) look() {
	if time.Now().After(r.until) {
		r.err = errQueryTime
	}
	if r.made < queryMade {
		return
	}
	sample := [1]metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample[:])
	switch now := sample[0].Value.Uint64(); {
	case r.heap == 0:
		r.heap = now
	case now > r.heap+queryMemory:
		r.err = errQueryMemory
	}
}

// size is that of a value as text, about; more than limit when it is larger than that.
func size(v any, limit int) int {
	n := 8
	switch v := v.(type) {
	case string:
		n += len(v)
	case *big.Int:
		if v.BitLen() > queryNumber {
			return limit + 1
		}
		n += v.BitLen() / 3
	case []any:
		for _, e := range v {
			if n += size(e, limit-n); n > limit {
				break
			}
		}
	case map[string]any:
		for k, e := range v {
			if n += len(k) + size(e, limit-n); n > limit {
				break
			}
		}
	}
	return n
}

// functions are what a rewritten query calls.
func (r *queryRun) functions() []gojq.CompilerOption {
	return []gojq.CompilerOption{
		gojq.WithFunction("__bounded", 0, 0, func(v any, _ []any) any {
			n := size(v, r.value)
			if r.made += n; n > r.value {
				return errQueryValue
			}
			return v
		}),
		gojq.WithFunction("__repeatable", 2, 2, func(_ any, args []any) any {
			for i, a := range args {
				text, ok := a.(string)
				times := args[1-i]
				if f, isNumber := gojq.ToFloat64(times); ok && isNumber && float64(len(text))*f > float64(r.value) {
					return errQueryValue
				}
			}
			return args
		}),
		gojq.WithFunction("__separator", 1, 1, func(v any, args []any) any {
			list, _ := v.([]any)
			if text, ok := args[0].(string); ok && len(text)*len(list) > r.value {
				return errQueryValue
			}
			return args[0]
		}),
		gojq.WithFunction("__matched", 0, 0, func(v any, _ []any) any {
			if text, ok := v.(string); ok && len(text) > queryMatch {
				return errQueryValue
			}
			return v
		}),
		gojq.WithFunction("__replacement", 0, 0, func(v any, _ []any) any {
			if text, ok := v.(string); ok {
				if r.put += len(text); r.put > r.value {
					return errQueryValue
				}
			}
			return v
		}),
		gojq.WithFunction("__index", 0, 0, func(v any, _ []any) any {
			if f, ok := gojq.ToFloat64(v); ok && f > queryIndex {
				return errQueryIndex
			}
			return v
		}),
		gojq.WithFunction("__path", 0, 0, func(v any, _ []any) any {
			path, _ := v.([]any)
			for _, p := range path {
				if f, ok := gojq.ToFloat64(p); ok && f > queryIndex {
					return errQueryIndex
				}
			}
			return v
		}),
	}
}

// compileBounded compiles a query that r bounds.
func compileBounded(query string, r *queryRun) (*gojq.Code, error) {
	q, err := gojq.Parse(query)
	if err != nil {
		return nil, err
	}
	w := new(rewriter)
	w.walk(reflect.ValueOf(q))
	if w.err != nil {
		return nil, w.err
	}
	return gojq.Compile(q, r.functions()...)
}

// rewriter puts the bounds into a query.
type rewriter struct{ err error }

// walk rewrites what is below v and then v.
func (w *rewriter) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		w.walk(v.Elem())
		switch n := v.Interface().(type) {
		case *gojq.Query:
			w.query(n)
		case *gojq.Term:
			w.term(n)
		case *gojq.Index:
			w.index(n)
		case *gojq.FuncDef:
			w.name(n.Name)
		}
	case reflect.Slice:
		for i := range v.Len() {
			w.walk(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				w.walk(v.Field(i))
			}
		}
	}
}

// name refuses names that are the rewriter's own.
func (w *rewriter) name(n string) {
	if strings.HasPrefix(strings.TrimPrefix(n, "$"), "__") && n != "$__loc__" {
		w.err = fmt.Errorf("%s is not allowed", n)
	}
}

func call(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}}
}

func piped(q *gojq.Query, into string) *gojq.Query {
	return &gojq.Query{Left: q, Op: gojq.OpPipe, Right: call(into)}
}

func (w *rewriter) query(q *gojq.Query) {
	switch q.Op {
	case gojq.OpMul:
		product := multiplied(call("__repeatable", q.Left, q.Right))
		*q = *piped(&gojq.Query{FuncDefs: q.FuncDefs, Left: product.Left, Op: product.Op, Right: product.Right}, "__bounded")
	case gojq.OpUpdateMul: // $__x is the right side, for each place of the left
		x := &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: "$__x"}}}
		dot := &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeIdentity}}
		update := &gojq.Query{Left: q.Left, Op: gojq.OpModify, Right: multiplied(call("__repeatable", dot, x))}
		*q = *piped(&gojq.Query{FuncDefs: q.FuncDefs, Left: q.Right, Op: gojq.OpPipe, Patterns: []*gojq.Pattern{{Name: "$__x"}}, Right: update}, "__bounded")
	case gojq.OpAdd, gojq.OpAssign, gojq.OpModify, gojq.OpUpdateAdd, gojq.OpUpdateSub, gojq.OpUpdateDiv, gojq.OpUpdateMod, gojq.OpUpdateAlt:
		inner := *q
		*q = *piped(&inner, "__bounded")
	}
}

// multiplied multiplies the two elements of a pair.
func multiplied(pair *gojq.Query) *gojq.Query {
	at := func(n string) *gojq.Query {
		return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeIndex, Index: &gojq.Index{Start: &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeNumber, Number: n}}}}}
	}
	return &gojq.Query{Left: pair, Op: gojq.OpPipe, Right: &gojq.Query{Left: at("0"), Op: gojq.OpMul, Right: at("1")}}
}

func (w *rewriter) term(t *gojq.Term) {
	switch t.Type {
	case gojq.TermTypeArray, gojq.TermTypeObject, gojq.TermTypeFormat:
	case gojq.TermTypeString:
		if len(t.Str.Queries) == 0 {
			return
		}
	case gojq.TermTypeFunc:
		f := t.Func
		if slices.Contains(unbounded, f.Name) {
			w.err = fmt.Errorf("%s is not allowed", f.Name)
		}
		w.name(f.Name)
		if len(f.Args) > 0 {
			switch f.Name {
			case "setpath", "getpath":
				f.Args[0] = piped(f.Args[0], "__path")
			case "nth":
				f.Args[0] = piped(f.Args[0], "__index")
			case "join":
				f.Args[0] = call("__separator", f.Args[0])
			case "sub", "gsub":
				if len(f.Args) > 1 {
					f.Args[1] = piped(f.Args[1], "__replacement")
				}
			}
		}
		if !slices.Contains(grows, f.Name) {
			return
		}
	default:
		return
	}
	inner := *t
	inner.SuffixList = nil
	q := &gojq.Query{Term: &inner}
	if f := t.Func; t.Type == gojq.TermTypeFunc && slices.Contains(matches, f.Name) && (f.Name != "split" || len(f.Args) > 1) {
		q = &gojq.Query{Left: call("__matched"), Op: gojq.OpPipe, Right: q}
	}
	*t = gojq.Term{Type: gojq.TermTypeQuery, Query: piped(q, "__bounded"), SuffixList: t.SuffixList}
}

func (w *rewriter) index(x *gojq.Index) {
	if x.Start != nil && stringOf(x.Start) == nil {
		x.Start = piped(x.Start, "__index")
	}
	if x.End != nil {
		x.End = piped(x.End, "__index")
	}
}
