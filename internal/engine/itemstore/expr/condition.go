package expr

import (
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// Node is a part of a condition: And, Or, Not, Compare, Between, In or Call.
type Node interface {
	// Eval evaluates the condition on an item; a nil item has no attributes.
	Eval(item attr.Item) bool
	// walk calls f on every operand, in the order of the text.
	walk(f func(Operand))
}

// Operand is a path, a value, or the size of either. Exactly one of Path and Value is set.
type Operand struct {
	Path  Path
	Value attr.Value
	Size  bool // size(...) of it
}

// The kinds of condition.
type (
	And     struct{ L, R Node }
	Or      struct{ L, R Node }
	Not     struct{ X Node }
	Compare struct {
		Op   string // = <> < <= > >=
		L, R Operand
	}
	Between struct{ X, Low, High Operand }
	In      struct {
		X    Operand
		List []Operand
	}
	Call struct {
		Name string // attribute_exists, attribute_not_exists, attribute_type, begins_with, contains
		Args []Operand
	}
)

// Condition is a parsed condition.
type Condition struct{ Root Node }

// ParseCondition parses a condition or filter expression.
func ParseCondition(text string, params *Params) (*Condition, error) {
	return parseCondition(text, params, false)
}

// ParseDoubled parses a condition in which parentheses may be doubled.
func ParseDoubled(text string, params *Params) (*Condition, error) {
	return parseCondition(text, params, true)
}

func parseCondition(text string, params *Params, doubled bool) (*Condition, error) {
	p, err := newParser(text, params)
	if err != nil {
		return nil, err
	}
	p.doubled = doubled
	n, err := p.or()
	if err == nil && p.peek().kind != tokenEnd {
		err = p.syntax()
	}
	if err == nil {
		err = p.err
	}
	if err != nil {
		return nil, err
	}
	return &Condition{n}, nil
}

// Eval evaluates the condition on an item. A nil condition holds.
func (c *Condition) Eval(item attr.Item) bool { return c == nil || c.Root.Eval(item) }

// Paths returns the paths that the condition names, in the order of the text.
func (c *Condition) Paths() []Path {
	var out []Path
	c.Root.walk(func(o Operand) {
		if o.Path != nil {
			out = append(out, o.Path)
		}
	})
	return out
}

func (p *parser) or() (Node, *Error) {
	l, err := p.and()
	for err == nil && p.take("OR") {
		if err = p.operator(); err != nil {
			break
		}
		var r Node
		if r, err = p.and(); err == nil {
			l = Or{l, r}
		}
	}
	return l, err
}

func (p *parser) and() (Node, *Error) {
	l, err := p.not()
	for err == nil && p.take("AND") {
		if err = p.operator(); err != nil {
			break
		}
		var r Node
		if r, err = p.not(); err == nil {
			l = And{l, r}
		}
	}
	return l, err
}

func (p *parser) redundant() {
	if !p.doubled {
		p.note("The expression has redundant parentheses;")
	}
}

func (p *parser) not() (Node, *Error) {
	if p.peek().is("NOT") {
		p.at++
		if err := p.operator(); err != nil {
			return nil, err
		}
		x, err := p.not()
		return Not{x}, err
	}
	if p.peek().is("(") {
		if n, ok, err := p.group(); ok || err != nil {
			return n, err
		}
	}
	return p.predicate()
}

// group reads a condition in parentheses; ok is false where they hold an operand. That is
// tried where a comparison follows, and once for parentheses that open one after the other, so
// that however many cost no more than a few readings.
func (p *parser) group() (n Node, ok bool, err *Error) {
	start, noted, operators := p.at, p.err, p.operators
	p.at++
	doubled := p.peek().is("(")
	n, err = p.or()
	if err == nil {
		if doubled && p.closes(start+1) == p.at-1 {
			p.redundant()
		}
		if err = p.expect(")"); err == nil {
			return n, true, nil
		}
	}
	outermost := start == 0 || !p.tokens[start-1].is("(")
	if end := p.closes(start); (outermost || end >= 0 && compares(p.tokens[end+1])) && isOperandGroup(p.tokens[start:]) {
		p.at, p.err, p.operators = start, noted, operators
		return nil, false, nil
	}
	return nil, false, err
}

// closes returns where the parenthesis that opens at i closes, -1 if it does not.
func (p *parser) closes(i int) int {
	if p.closed == nil {
		p.closed = make([]int, len(p.tokens))
		var open []int
		for at, t := range p.tokens {
			p.closed[at] = -1
			switch {
			case t.is("("):
				open = append(open, at)
			case t.is(")") && len(open) > 0:
				p.closed[open[len(open)-1]] = at
				open = open[:len(open)-1]
			}
		}
	}
	return p.closed[i]
}

// compares reports whether a token stands between the operands of a comparison.
func compares(t token) bool {
	return t.kind == tokenSymbol && slices.Contains(comparators, t.text) || t.is("BETWEEN") || t.is("IN")
}

// isOperandGroup reports whether parentheses hold nothing but a path or a value.
func isOperandGroup(t []token) bool {
	for i := 1; i < len(t); i++ {
		switch {
		case t[i].is(")"):
			return i > 1
		case t[i].kind == tokenSymbol && !t[i].is("(") && !t[i].is(".") && !t[i].is("[") && !t[i].is("]"), t[i].kind == tokenEnd:
			return false
		}
	}
	return false
}

func (p *parser) predicate() (Node, *Error) {
	start := p.at
	if t := p.peek(); t.kind == tokenWord && p.tokens[p.at+1].is("(") && !strings.EqualFold(t.text, "size") {
		call, err := p.call()
		if err != nil {
			return nil, err
		}
		if compares(p.peek()) {
			p.note("The function is not allowed to be used this way in an expression; function: %s", t.text)
			return p.rest(Operand{Value: attr.Null{}}, start)
		}
		return call, nil
	}
	x, err := p.operand()
	if err != nil {
		return nil, err
	}
	return p.rest(x, start)
}

var comparators = []string{"=", "<>", "<", "<=", ">", ">="}

// rest reads what follows the first operand of a comparison.
func (p *parser) rest(x Operand, start int) (Node, *Error) {
	t := p.peek()
	if err := p.operator(); err != nil {
		return nil, err
	}
	switch {
	case t.kind == tokenSymbol && slices.Contains(comparators, t.text):
		p.at++
		y, err := p.operand()
		if err != nil {
			return nil, err
		}
		p.checkDistinct(t.text, x, y)
		if t.text != "=" && t.text != "<>" {
			p.checkOrdered(t.text, x, y)
		}
		return Compare{t.text, x, y}, nil
	case t.is("BETWEEN"):
		p.at++
		low, err := p.operand()
		if err != nil {
			return nil, err
		}
		if err := p.expect("AND"); err != nil {
			return nil, err
		}
		high, err := p.operand()
		if err != nil {
			return nil, err
		}
		p.checkDistinct("BETWEEN", x, low, high)
		p.checkOrdered("BETWEEN", x, low, high)
		p.checkBounds(low, high)
		return Between{x, low, high}, nil
	case t.is("IN"):
		p.at++
		if err := p.expect("("); err != nil {
			return nil, err
		}
		in := In{X: x}
		for {
			y, err := p.operand()
			if err != nil {
				return nil, err
			}
			in.List = append(in.List, y)
			if !p.take(",") {
				break
			}
		}
		if err := p.expect(")"); err != nil {
			return nil, err
		}
		if len(in.List) > 100 {
			p.note("The IN operator is provided with too many operands; number of operands: %d", len(in.List))
		}
		p.checkDistinct("IN", append([]Operand{x}, in.List...)...)
		return in, nil
	}
	if x.Size && p.tokens[start].is("size") {
		p.note("The function is not allowed to be used this way in an expression; function: %s", p.tokens[start].text)
		if t.kind == tokenEnd || t.is(")") || t.is("AND") || t.is("OR") {
			return Call{Name: "size"}, nil
		}
	}
	return nil, p.syntax()
}

// operand reads a path, a value or size(), in parentheses or not.
func (p *parser) operand() (Operand, *Error) {
	t := p.peek()
	switch {
	case t.is("("):
		p.at++
		if p.peek().is("(") {
			p.redundant()
		}
		o, err := p.operand()
		if err != nil {
			return o, err
		}
		return o, p.expect(")")
	case t.kind == tokenValue:
		p.at++
		return Operand{Value: p.value(t.text)}, nil
	case t.kind == tokenWord && p.tokens[p.at+1].is("("):
		if t.text != "size" {
			if !slices.Contains(functions, t.text) && !slices.Contains(updateFunctions, t.text) {
				p.note("Invalid function name; function: %s", t.text)
			} else {
				p.note("The function is not allowed to be used this way in an expression; function: %s", t.text)
			}
		}
		p.at += 2
		if p.peek().is(")") {
			return Operand{}, p.syntax()
		}
		args, err := p.arguments()
		if err != nil {
			return Operand{}, err
		}
		if t.text == "size" && len(args) != 1 {
			p.note("Incorrect number of operands for operator or function; operator or function: size, number of operands: %d", len(args))
		}
		o := args[0]
		if o.Size && t.text == "size" {
			p.note("Incorrect operand type for operator or function; operator or function: size, operand type: N")
		}
		if o.Value != nil && t.text == "size" {
			switch o.Value.(type) {
			case attr.Number, attr.Bool, attr.Null:
				p.note("Incorrect operand type for operator or function; operator or function: size, operand type: %s", o.Value.Type())
			}
		}
		o.Size = true
		return o, nil
	}
	path, err := p.path()
	return Operand{Path: path}, err
}

func (p *parser) arguments() ([]Operand, *Error) {
	var args []Operand
	if p.take(")") {
		return nil, nil
	}
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		args = append(args, o)
		if p.take(")") {
			return args, nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

var (
	functions       = []string{"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"}
	updateFunctions = []string{"if_not_exists", "list_append"}
)

// call reads a function that is a condition.
func (p *parser) call() (Node, *Error) {
	name := p.next().text
	p.at++ // (
	if err := p.operator(); err != nil {
		return nil, err
	}
	if p.peek().is(")") {
		return nil, p.syntax()
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	want := 2
	switch name {
	case "attribute_exists", "attribute_not_exists":
		want = 1
	case "attribute_type", "begins_with", "contains":
	case "if_not_exists", "list_append":
		p.note("The function is not allowed in a condition expression; function: %s", name)
		return Call{Name: name}, nil
	default:
		p.note("Invalid function name; function: %s", name)
		return Call{Name: name}, nil
	}
	if len(args) != want {
		p.note("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args))
		return Call{Name: name}, nil
	}
	switch name {
	case "attribute_exists", "attribute_not_exists":
		if args[0].Path == nil || args[0].Size {
			p.note("Operator or function requires a document path; operator or function: %s", name)
		}
	case "attribute_type":
		if args[0].Path == nil {
			p.note("Operator or function requires a document path; operator or function: %s", name)
			break
		}
		s, ok := args[1].Value.(attr.String)
		if args[1].Value == nil {
			p.note("Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
		} else if !ok {
			p.note("Incorrect operand type for operator or function; operator or function: attribute_type, operand type: %s", args[1].Value.Type())
		} else if !slices.Contains([]attr.Type{"B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"}, attr.Type(s)) {
			p.note("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", string(s))
		}
	case "begins_with":
		for _, a := range args {
			if a.Value == nil || a.Size {
				continue
			}
			if t := a.Value.Type(); t != attr.TypeString && t != attr.TypeBinary {
				p.note("Incorrect operand type for operator or function; operator or function: begins_with, operand type: %s", t)
				break
			}
		}
	}
	if want == 2 {
		p.checkDistinct(name, args...)
	}
	return Call{name, args}, nil
}

func (p *parser) checkDistinct(op string, args ...Operand) {
	first := args[0]
	for _, a := range args[1:] {
		if first.Path != nil && a.Path != nil && first.Size == a.Size && first.Path.Equal(a.Path) {
			p.note("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", op, first.Path)
			return
		}
	}
}

// checkOrdered finds literal operands that have no order.
func (p *parser) checkOrdered(op string, args ...Operand) {
	for _, a := range args {
		if a.Value == nil || a.Size {
			continue
		}
		switch a.Value.(type) {
		case attr.String, attr.Number, attr.Binary:
		default:
			p.note("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, a.Value.Type())
			return
		}
	}
}

func (p *parser) checkBounds(low, high Operand) {
	if low.Value == nil || high.Value == nil || low.Size || high.Size || p.err != nil {
		return
	}
	c, ok := attr.Compare(low.Value, high.Value)
	switch {
	case !ok:
		p.note("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", display(low.Value), display(high.Value))
	case c > 0:
		p.note("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", display(low.Value), display(high.Value))
	}
}

// display is the form of a scalar in messages.
func display(v attr.Value) string {
	switch v := v.(type) {
	case attr.String:
		return "{S:" + string(v) + "}"
	case attr.Number:
		return "{N:" + string(v) + "}"
	case attr.Binary:
		return "{B:" + string(v) + "}"
	}
	return "{" + string(v.Type()) + "}"
}
