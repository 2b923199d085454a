package expr

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// What an item does to an update.
var (
	ErrMissing     = errors.New("expr: the update refers to an attribute that the item does not have")
	ErrOperandType = errors.New("expr: an operand of the update has an incorrect type")
	ErrPath        = errors.New("expr: a path of the update leads nowhere")
)

// Update is a parsed update expression.
type Update struct {
	actions []action
}

type action struct {
	section string // SET REMOVE ADD DELETE
	path    Path
	value   *term      // of SET
	operand attr.Value // of ADD and DELETE
}

// term is the right-hand side of a SET, or a part of it.
type term struct {
	op   string // "" a path or value; + - if_not_exists list_append
	path Path
	val  attr.Value
	args []*term
}

var sections = []string{"SET", "REMOVE", "ADD", "DELETE"}

// ParseUpdate parses an update expression.
func ParseUpdate(text string, params *Params) (*Update, error) {
	p, err := newParser(text, params)
	if err != nil {
		return nil, err
	}
	u := &Update{}
	seen := map[string]bool{}
	for p.peek().kind != tokenEnd {
		section := strings.ToUpper(p.peek().text)
		if p.peek().kind != tokenWord || !slices.Contains(sections, section) {
			return nil, p.syntax()
		}
		p.at++
		if seen[section] {
			p.note("The \"%s\" section can only be used once in an update expression;", section)
		}
		seen[section] = true
		for {
			a, err := p.action(section)
			if err != nil {
				return nil, err
			}
			u.actions = append(u.actions, a)
			if !p.take(",") {
				break
			}
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	if err := overlapping(u.Paths()); err != nil {
		return nil, err
	}
	return u, nil
}

// Paths returns the paths that the update changes, in the order of the text.
func (u *Update) Paths() []Path {
	out := make([]Path, len(u.actions))
	for i, a := range u.actions {
		out[i] = a.path
	}
	return out
}

// OnlyRemoves reports whether the update does nothing but remove attributes: one that does
// makes no item where there is none.
func (u *Update) OnlyRemoves() bool {
	return !slices.ContainsFunc(u.actions, func(a action) bool { return a.section != "REMOVE" })
}

func (p *parser) action(section string) (action, *Error) {
	a := action{section: section}
	var err *Error
	if a.path, err = p.path(); err != nil {
		return a, err
	}
	if err := p.operator(); err != nil {
		return a, err
	}
	switch section {
	case "SET":
		if err := p.expect("="); err != nil {
			return a, err
		}
		a.value, err = p.setValue()
	case "ADD", "DELETE":
		t := p.peek()
		if t.kind != tokenValue {
			return a, p.syntax()
		}
		p.at++
		known := p.err
		a.operand = p.value(t.text)
		if p.err != known {
			break
		}
		switch a.operand.(type) {
		case attr.StringSet, attr.NumberSet, attr.BinarySet:
		case attr.Number:
			if section == "DELETE" {
				p.addend(section, a.operand)
			}
		default:
			p.addend(section, a.operand)
		}
	}
	return a, err
}

// addend notes that ADD or DELETE does not take a value.
func (p *parser) addend(section string, v attr.Value) {
	p.note("Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND", section, typeWord(v), section)
}

func typeWord(v attr.Value) string {
	switch v.Type() {
	case attr.TypeString:
		return "STRING"
	case attr.TypeNumber:
		return "NUMBER"
	case attr.TypeBinary:
		return "BINARY"
	case attr.TypeBool:
		return "BOOLEAN"
	case attr.TypeNull:
		return "NULL"
	case attr.TypeList:
		return "LIST"
	case attr.TypeMap:
		return "MAP"
	}
	return string(v.Type())
}

// setValue reads what an attribute is set to: an operand, a sum or a difference of two, or
// one of these in parentheses.
func (p *parser) setValue() (*term, *Error) {
	if p.peek().is("(") && p.isSum() {
		p.at++
		if p.peek().is("(") && p.isSum() {
			p.note("The expression has redundant parentheses;")
		}
		x, err := p.setValue()
		if err != nil {
			return nil, err
		}
		return x, p.expect(")")
	}
	l, err := p.term(true)
	if err != nil {
		return nil, err
	}
	t := p.peek()
	if !t.is("+") && !t.is("-") {
		return l, nil
	}
	p.at++
	if err := p.operator(); err != nil {
		return nil, err
	}
	r, err := p.term(false)
	if err != nil {
		return nil, err
	}
	for _, x := range []*term{l, r} {
		if x.op == "list_append" {
			p.misused(x.op)
		} else if x.val != nil && x.val.Type() != attr.TypeNumber {
			p.note("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", t.text, x.val.Type())
		}
	}
	return &term{op: t.text, args: []*term{l, r}}, nil
}

// isSum reports whether the parentheses that open here hold a sum: at their own level or,
// within further ones at their start, at those'.
func (p *parser) isSum() bool {
	depth, opening, leading := 0, true, 0
	for _, t := range p.tokens[p.at:] {
		if opening = opening && t.is("("); opening {
			leading++
		}
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			if depth--; depth == 0 {
				return false
			}
		case depth <= leading && (t.is("+") || t.is("-")):
			return true
		}
	}
	return false
}

func (p *parser) misused(function string) {
	p.note("The function is not allowed to be used this way in an expression; function: %s", function)
}

// term reads an operand; list_append may be one only where whole says so.
func (p *parser) term(whole bool) (*term, *Error) {
	t := p.peek()
	switch {
	case t.is("("):
		p.at++
		if p.peek().is("(") {
			p.note("The expression has redundant parentheses;")
		}
		x, err := p.term(whole)
		if err != nil {
			return nil, err
		}
		return x, p.expect(")")
	case t.kind == tokenValue:
		p.at++
		return &term{val: p.value(t.text)}, nil
	case t.kind == tokenWord && p.tokens[p.at+1].is("("):
		x, err := p.updateCall()
		if err == nil && !whole && x.op == "list_append" {
			p.misused(x.op)
		}
		return x, err
	}
	path, err := p.path()
	return &term{path: path}, err
}

func (p *parser) updateCall() (*term, *Error) {
	name := p.next().text
	p.at++ // (
	if err := p.operator(); err != nil {
		return nil, err
	}
	out := &term{op: name}
	for {
		x, err := p.term(false)
		if err != nil {
			return nil, err
		}
		out.args = append(out.args, x)
		if p.take(")") {
			break
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
	switch {
	case slices.Contains(functions, name):
		p.note("The function is not allowed in an update expression; function: %s", name)
	case !slices.Contains(updateFunctions, name):
		p.note("Invalid function name; function: %s", name)
	case len(out.args) != 2:
		p.note("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(out.args))
	case name == "if_not_exists" && out.args[0].path == nil:
		p.note("Operator or function requires a document path; operator or function: if_not_exists")
	case name == "list_append":
		for _, x := range out.args {
			if x.val != nil && x.val.Type() != attr.TypeList {
				p.note("Incorrect operand type for operator or function; operator or function: list_append, operand type: %s", x.val.Type())
				break
			}
		}
	}
	return out, nil
}

func (t *term) in(item attr.Item) (attr.Value, error) {
	switch t.op {
	case "":
		if t.val != nil {
			return t.val, nil
		}
		if v := t.path.In(item); v != nil {
			return v, nil
		}
		return nil, ErrMissing
	case "if_not_exists":
		if v := t.args[0].path.In(item); v != nil {
			return v, nil
		}
		return t.args[1].in(item)
	}
	a, err := t.args[0].in(item)
	if err != nil {
		return nil, err
	}
	b, err := t.args[1].in(item)
	if err != nil {
		return nil, err
	}
	if t.op == "list_append" {
		l, ok1 := a.(attr.List)
		r, ok2 := b.(attr.List)
		if !ok1 || !ok2 {
			return nil, ErrOperandType
		}
		return slices.Concat(l, r), nil
	}
	l, ok1 := a.(attr.Number)
	r, ok2 := b.(attr.Number)
	if !ok1 || !ok2 {
		return nil, ErrOperandType
	}
	if t.op == "+" {
		return number(l.Add(r))
	}
	return number(l.Sub(r))
}

func number(n attr.Number, err error) (attr.Value, error) {
	if err != nil {
		return nil, err
	}
	return n, nil
}

// removed marks an element of a list that is to go when all actions are done, so that the
// indexes of others hold until then.
type removed struct{}

func (removed) Type() attr.Type { return "" }

// Apply returns the item with the update applied. The item is not changed; parts of the
// result may be parts of it. Besides the errors of updates there are those of
// attr.ParseNumber for sums.
func (u *Update) Apply(item attr.Item) (attr.Item, error) {
	out := maps.Clone(item)
	if out == nil {
		out = attr.Item{}
	}
	copied := map[string]bool{}
	var shrunk []Path
	values := make([]attr.Value, len(u.actions))
	for i, a := range u.actions {
		if a.section == "SET" {
			v, err := a.value.in(item)
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
	}
	actions := make([]int, len(u.actions))
	for i := range actions {
		actions[i] = i
	}
	slices.SortStableFunc(actions, func(i, j int) int { return lastIndex(u.actions[i].path) - lastIndex(u.actions[j].path) })
	for _, i := range actions {
		a := u.actions[i]
		if name := a.path[0].Name; len(a.path) > 1 && !copied[name] {
			copied[name] = true
			if v, ok := out[name]; ok {
				out[name] = deepCopy(v)
			}
		}
		var err error
		switch a.section {
		case "SET":
			err = set(out, a.path, values[i])
		case "REMOVE":
			var list bool
			if list, err = remove(out, a.path); list {
				shrunk = append(shrunk, a.path[:len(a.path)-1])
			}
		case "ADD":
			err = add(out, a.path, a.operand)
		case "DELETE":
			var list bool
			if list, err = subtract(out, a.path, a.operand); list {
				shrunk = append(shrunk, a.path[:len(a.path)-1])
			}
		}
		if err != nil {
			return nil, err
		}
	}
	// The innermost lists first: what is marked in one is found by an index that holds only until the list around it shrinks.
	slices.SortStableFunc(shrunk, func(p, q Path) int { return len(q) - len(p) })
	for _, path := range shrunk {
		if l, ok := path.In(out).(attr.List); ok {
			kept := slices.DeleteFunc(l, func(v attr.Value) bool { _, gone := v.(removed); return gone })
			if err := set(out, path, kept); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func lastIndex(p Path) int {
	if e := p[len(p)-1]; e.list {
		return e.Index
	}
	return -1
}

func deepCopy(v attr.Value) attr.Value {
	switch v := v.(type) {
	case attr.List:
		out := make(attr.List, len(v))
		for i, e := range v {
			out[i] = deepCopy(e)
		}
		return out
	case attr.Map:
		out := make(attr.Map, len(v))
		for k, e := range v {
			out[k] = deepCopy(e)
		}
		return out
	}
	return v
}

// set puts a value where the path leads; an index past the end of a list appends.
func set(item attr.Item, path Path, v attr.Value) error {
	last := path[len(path)-1]
	if len(path) == 1 {
		item[last.Name] = v
		return nil
	}
	switch c := path[:len(path)-1].In(item).(type) {
	case attr.Map:
		if last.list {
			return ErrPath
		}
		c[last.Name] = v
		return nil
	case attr.List:
		if !last.list {
			return ErrPath
		}
		if last.Index < len(c) {
			c[last.Index] = v
			return nil
		}
		return set(item, path[:len(path)-1], append(c, v))
	}
	return ErrPath
}

// remove takes away what the path leads to; list tells that an element was marked.
func remove(item attr.Item, path Path) (list bool, err error) {
	last := path[len(path)-1]
	if len(path) == 1 {
		delete(item, last.Name)
		return false, nil
	}
	switch c := path[:len(path)-1].In(item).(type) {
	case attr.Map:
		if last.list {
			return false, ErrPath
		}
		delete(c, last.Name)
		return false, nil
	case attr.List:
		if !last.list {
			return false, ErrPath
		}
		if last.Index < len(c) {
			c[last.Index] = removed{}
			return true, nil
		}
		return false, nil
	}
	return false, ErrPath
}

func add(item attr.Item, path Path, v attr.Value) error {
	sum, err := Add(path.In(item), v)
	if err != nil {
		return err
	}
	return set(item, path, sum)
}

// Add is the ADD of updates: a number grows, a set is joined, nothing becomes v.
func Add(old, v attr.Value) (attr.Value, error) {
	if old == nil {
		return v, nil
	}
	switch v := v.(type) {
	case attr.Number:
		if n, ok := old.(attr.Number); ok {
			return number(n.Add(v))
		}
	case attr.StringSet:
		if s, ok := old.(attr.StringSet); ok {
			return union(s, v, strings.Compare), nil
		}
	case attr.NumberSet:
		if s, ok := old.(attr.NumberSet); ok {
			return union(s, v, attr.Number.Compare), nil
		}
	case attr.BinarySet:
		if s, ok := old.(attr.BinarySet); ok {
			return union(s, v, bytes.Compare), nil
		}
	}
	return nil, ErrOperandType
}

// union is in order, as sets are kept.
func union[S ~[]E, E any](a, b S, compare func(x, y E) int) S {
	out := slices.Concat(a, b)
	slices.SortFunc(out, compare)
	return slices.CompactFunc(out, func(x, y E) bool { return compare(x, y) == 0 })
}

// subtract takes elements out of the set that the path leads to, if it leads to anything; list
// tells that an element of a list was marked, as remove does.
func subtract(item attr.Item, path Path, v attr.Value) (list bool, err error) {
	old := path.In(item)
	if old == nil {
		return remove(item, path)
	}
	rest, err := Subtract(old, v)
	if err != nil {
		return false, err
	}
	if rest == nil {
		return remove(item, path)
	}
	return false, set(item, path, rest)
}

// Subtract is the DELETE of updates: a set without the elements of another; nil if none
// are left.
func Subtract(old, v attr.Value) (attr.Value, error) {
	switch v := v.(type) {
	case attr.StringSet:
		if s, ok := old.(attr.StringSet); ok {
			return orNil(difference(s, v, strings.Compare)), nil
		}
	case attr.NumberSet:
		if s, ok := old.(attr.NumberSet); ok {
			return orNil(difference(s, v, attr.Number.Compare)), nil
		}
	case attr.BinarySet:
		if s, ok := old.(attr.BinarySet); ok {
			return orNil(difference(s, v, bytes.Compare)), nil
		}
	}
	return nil, ErrOperandType
}

func orNil[S interface {
	~[]E
	attr.Value
}, E any](s S) attr.Value {
	if len(s) == 0 {
		return nil
	}
	return s
}

func difference[S ~[]E, E any](a, b S, compare func(x, y E) int) S {
	b = slices.SortedFunc(slices.Values(b), compare)
	return slices.DeleteFunc(slices.Clone(a), func(x E) bool {
		_, found := slices.BinarySearchFunc(b, x, compare)
		return found
	})
}

// Literals returns the values that the update sets whole attributes to, where they do not
// depend on the item.
func (u *Update) Literals() attr.Item {
	out := attr.Item{}
	for _, a := range u.actions {
		if a.section == "SET" && len(a.path) == 1 && a.value.op == "" && a.value.val != nil {
			out[a.path[0].Name] = a.value.val
		}
	}
	return out
}
