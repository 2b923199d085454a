package jsonpath

import (
	"errors"
	"time"

	"github.com/brookmere/brookmere/internal/engine/vtl"
)

// errPrimitive is returned where a filter is applied to what is neither a map nor a list, on a way that names one place.
var errPrimitive = errors.New("jsonpath: a filter cannot be applied to a primitive value")

// Get evaluates the path on a value. In filters $ is that value too.
func (path *Path) Get(root any) (any, error) {
	return (&evaluation{root: root}).get(path, root)
}

type evaluation struct {
	root     any
	visited  int
	matching time.Duration // what patterns took
}

func (e *evaluation) visit() error {
	if e.visited++; e.visited > maxVisited {
		return ErrLimit
	}
	return nil
}

// get is what a path leads to from a value: for a path that names one place what is there, or else the list of what it
// finds. A step that names a place and does not find it is ErrNotFound, unless it is the last one, or more than one place
// may be on the way to it: there it finds nothing.
func (e *evaluation) get(path *Path, from any) (any, error) {
	w := &walk{evaluation: e, path: path}
	if err := w.follow(0, from, true); err != nil {
		return nil, err
	}
	switch {
	case path.function != "" && len(path.steps) > 0 && path.steps[0].deep: // of all that is found
		return apply(path.function, &vtl.List{Items: w.found, JSON: true})
	case !path.definite:
		return &vtl.List{Items: w.found, JSON: true}, nil
	case len(w.found) == 0:
		return nil, ErrNotFound
	}
	return w.found[0], nil
}

// walk is one evaluation of a path.
type walk struct {
	*evaluation
	path  *Path
	found []any
}

// last says whether nothing follows a step.
func (w *walk) last(i int) bool { return i == len(w.path.steps)-1 && w.path.function == "" }

// follow takes the steps from the one of number i on. definite says that the steps before it name one place.
func (w *walk) follow(i int, v any, definite bool) error {
	if err := w.visit(); err != nil {
		return err
	}
	if i < len(w.path.steps) {
		s := &w.path.steps[i]
		if s.deep {
			return w.below(i, v, 0)
		}
		return w.take(i, v, definite)
	}
	if w.path.function != "" && (len(w.path.steps) == 0 || !w.path.steps[0].deep) {
		var err error
		if v, err = apply(w.path.function, v); err != nil {
			return err
		}
	}
	w.found = append(w.found, v)
	return nil
}

// below takes a step from v and from every map and list in it.
func (w *walk) below(i int, v any, depth int) error {
	if depth > maxDepth {
		return ErrLimit
	}
	if err := w.visit(); err != nil {
		return err
	}
	s := &w.path.steps[i]
	switch v.(type) {
	case *vtl.Map, *vtl.List:
	default:
		return nil
	}
	fits := true
	if s.filter != nil { // a list's elements are looked at where it fits itself
		var err error
		if fits, err = s.filter(w.evaluation, v); err != nil {
			return err
		}
	}
	if fits {
		if err := w.take(i, v, false); err != nil {
			return err
		}
	}
	switch v := v.(type) {
	case *vtl.Map:
		for _, k := range v.Keys() {
			x, _ := v.Get(k)
			if err := w.below(i, x, depth+1); err != nil {
				return err
			}
		}
	case *vtl.List:
		for _, x := range v.Items {
			if err := w.below(i, x, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// take takes one step from v.
func (w *walk) take(i int, v any, definite bool) error {
	s := &w.path.steps[i]
	switch {
	case s.all:
		return w.each(i, v)
	case s.filter != nil:
		return w.filtered(i, v, definite)
	case len(s.names) > 0:
		return w.named(i, v, definite)
	}
	l, ok := v.(*vtl.List)
	if !ok {
		return absent(definite)
	}
	n := len(l.Items)
	if s.slice != nil {
		from, to := s.bounds(n)
		for k := from; k < to; k++ {
			if err := w.element(i, l, k, false); err != nil {
				return err
			}
		}
		return nil
	}
	for _, k := range s.indices {
		if err := w.element(i, l, k, definite && len(s.indices) == 1); err != nil {
			return err
		}
	}
	return nil
}

// element goes on from an element of a list, if there is one; negative indices count from the end.
func (w *walk) element(i int, l *vtl.List, k int, definite bool) error {
	if k < 0 {
		k += len(l.Items)
	}
	if k < 0 || k >= len(l.Items) {
		return nil
	}
	return w.follow(i+1, l.Items[k], definite)
}

// absent is how a step ends that finds nothing.
func absent(definite bool) error {
	if definite {
		return ErrNotFound
	}
	return nil
}

func (w *walk) each(i int, v any) error {
	switch v := v.(type) {
	case *vtl.Map:
		for _, k := range v.Keys() {
			x, _ := v.Get(k)
			if err := w.follow(i+1, x, false); err != nil {
				return err
			}
		}
	case *vtl.List:
		for _, x := range v.Items {
			if err := w.follow(i+1, x, false); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walk) filtered(i int, v any, definite bool) error {
	items := []any{v}
	switch v := v.(type) {
	case *vtl.Map:
	case *vtl.List:
		items = v.Items
	default:
		if definite {
			return errPrimitive
		}
		return nil
	}
	for _, x := range items {
		if err := w.visit(); err != nil {
			return err
		}
		ok, err := w.path.steps[i].filter(w.evaluation, x)
		if err != nil {
			return err
		}
		if ok {
			if err := w.follow(i+1, x, false); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walk) named(i int, v any, definite bool) error {
	m, ok := v.(*vtl.Map)
	if !ok {
		return absent(definite)
	}
	names := w.path.steps[i].names
	if len(names) > 1 && w.last(i) { // several names at the end are one map
		part := vtl.NewMap()
		for _, name := range names {
			if x, ok := m.Get(name); ok {
				part.Put(name, x)
			}
		}
		if w.path.steps[i].deep && part.Len() < len(names) {
			return nil
		}
		return w.follow(i+1, part, definite)
	}
	definite = definite && len(names) == 1
	for _, name := range names {
		x, ok := m.Get(name)
		if ok {
			if err := w.follow(i+1, x, definite); err != nil {
				return err
			}
		} else if definite && !w.last(i) {
			return ErrNotFound
		}
	}
	return nil
}

// bounds are the first index of a slice of n elements and the one behind its last.
func (s *step) bounds(n int) (from, to int) {
	switch first, end := s.slice[0], s.slice[1]; {
	case end == nil:
		from, to = *first, n
		if from < 0 {
			from = max(from+n, 0)
		}
	case first == nil:
		to = *end
		if to < 0 {
			to += n
		}
	default: // negative indices are those of elements, which element counts from the end
		from, to = *first, *end
		from = max(from, -n)
	}
	return from, min(to, n)
}

// apply computes the function behind a path, of what the path leads to.
func apply(function string, v any) (any, error) {
	l, isList := v.(*vtl.List)
	m, isMap := v.(*vtl.Map)
	switch function {
	case "length", "size":
		switch {
		case isList:
			return int32(len(l.Items)), nil
		case isMap:
			return int32(m.Len()), nil
		}
		return nil, nil
	case "keys":
		if !isMap {
			return nil, nil
		}
		keys := &vtl.List{JSON: true}
		for _, k := range m.Keys() {
			keys.Items = append(keys.Items, k)
		}
		return keys, nil
	}
	var numbers []float64
	if isList {
		for _, x := range l.Items {
			if f, ok := float(x); ok {
				numbers = append(numbers, f)
			}
		}
	}
	if len(numbers) == 0 {
		return nil, errNoNumbers
	}
	least, most, sum := numbers[0], numbers[0], 0.0
	for _, f := range numbers {
		least, most, sum = min(least, f), max(most, f), sum+f
	}
	switch function {
	case "min":
		return least, nil
	case "max":
		return most, nil
	case "sum":
		return sum, nil
	}
	return sum / float64(len(numbers)), nil
}

// errNoNumbers is returned for the least, the sum and so on of no numbers.
var errNoNumbers = errors.New("jsonpath: there are no numbers to aggregate")
