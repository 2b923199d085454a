package metricmath

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	maxLength = 4096
	maxDepth  = 64
)

// Expr is an expression.
type Expr struct {
	root node
	refs []string
}

// Refs are the ids that the expression names, in order, with repetitions.
func (e *Expr) Refs() []string { return e.refs }

// node is part of an expression.
type node struct {
	op    string // of two; "neg"; "call", "list", "id", "number", "text", "word"
	name  string // of a call, an id, a text, a word
	value float64
	args  []node
}

// Parse reads an expression.
func Parse(text string) (*Expr, error) {
	if len(text) > maxLength {
		return nil, fmt.Errorf("the expression is longer than %d characters", maxLength)
	}
	p := &parser{text: text}
	p.next()
	root, err := p.binary(0, 0)
	if err != nil {
		return nil, err
	}
	if p.tok != "" {
		return nil, p.unexpected()
	}
	e := &Expr{root: root}
	e.collect(&e.root)
	return e, nil
}

func (e *Expr) collect(n *node) {
	if n.op == "id" {
		e.refs = append(e.refs, n.name)
	}
	for i := range n.args {
		e.collect(&n.args[i])
	}
}

type parser struct {
	text string
	pos  int
	tok  string // as it is in the text; empty at the end
	kind byte   // 'n' number, 'i' name, 's' text, 'o' operator
	bad  error
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func (p *parser) next() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	begin := p.pos
	if begin == len(p.text) {
		p.tok = ""
		return
	}
	c := p.text[begin]
	take := func(is func(byte) bool) {
		for p.pos < len(p.text) && is(p.text[p.pos]) {
			p.pos++
		}
	}
	switch {
	case isDigit(c) || c == '.':
		p.kind = 'n'
		take(func(c byte) bool { return isDigit(c) || c == '.' })
		if p.pos < len(p.text) && p.text[p.pos]|0x20 == 'e' {
			p.pos++
			if p.pos < len(p.text) && (p.text[p.pos] == '-' || p.text[p.pos] == '+') {
				p.pos++
			}
			take(isDigit)
		}
	case isLetter(c):
		p.kind = 'i'
		take(func(c byte) bool { return isLetter(c) || isDigit(c) })
	case c == '"' || c == '\'':
		p.kind = 's'
		end := strings.IndexByte(p.text[begin+1:], c)
		if end < 0 {
			p.bad = fmt.Errorf("the text that begins at character %d does not end", begin+1)
			p.pos = len(p.text)
			break
		}
		p.pos += end + 2
	default:
		p.kind = 'o'
		p.pos++
		if p.pos < len(p.text) {
			switch two := p.text[begin : begin+2]; two {
			case "<=", ">=", "==", "!=", "&&", "||":
				p.pos++
			}
		}
	}
	p.tok = p.text[begin:p.pos]
}

func (p *parser) unexpected() error {
	if p.bad != nil {
		return p.bad
	}
	if p.tok == "" {
		return fmt.Errorf("the expression ends too early")
	}
	return fmt.Errorf("unexpected %q at character %d", p.tok, p.pos-len(p.tok)+1)
}

// levels are the operators of two, those that bind least first.
var levels = [][]string{{"||", "OR"}, {"&&", "AND"}, {"<", "<=", ">", ">=", "==", "!="}, {"+", "-"}, {"*", "/"}, {"^"}}

var spelled = map[string]string{"OR": "||", "AND": "&&"}

func (p *parser) binary(level, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, fmt.Errorf("the expression is nested more than %d levels deep", maxDepth)
	}
	if level == len(levels) {
		return p.unary(depth)
	}
	left, err := p.binary(level+1, depth)
	if err != nil {
		return left, err
	}
	for {
		op := ""
		for _, o := range levels[level] {
			if p.tok == o && p.kind != 's' {
				op = o
			}
		}
		if op == "" {
			return left, nil
		}
		if s := spelled[op]; s != "" {
			op = s
		}
		p.next()
		right, err := p.binary(level+1, depth)
		if err != nil {
			return left, err
		}
		left = node{op: op, args: []node{left, right}}
	}
}

func (p *parser) unary(depth int) (node, error) {
	if depth > maxDepth {
		return node{}, fmt.Errorf("the expression is nested more than %d levels deep", maxDepth)
	}
	switch tok, kind := p.tok, p.kind; {
	case tok == "" || p.bad != nil:
		return node{}, p.unexpected()
	case kind == 'n':
		v, err := strconv.ParseFloat(tok, 64)
		if err != nil {
			return node{}, p.unexpected()
		}
		p.next()
		return node{op: "number", value: v}, nil
	case kind == 's':
		p.next()
		return node{op: "text", name: tok[1 : len(tok)-1]}, nil
	case kind == 'i':
		p.next()
		return p.named(tok, depth)
	case tok == "-" || tok == "+":
		p.next()
		n, err := p.unary(depth + 1)
		if tok == "-" {
			n = node{op: "neg", args: []node{n}}
		}
		return n, err
	case tok == "(":
		p.next()
		n, err := p.binary(0, depth+1)
		if err != nil {
			return n, err
		}
		if p.tok != ")" {
			return n, p.unexpected()
		}
		p.next()
		return n, nil
	case tok == "[":
		p.next()
		args, err := p.list("]", depth)
		return node{op: "list", args: args}, err
	}
	return node{}, p.unexpected()
}

// named is a call, an id or a word such as REPEAT.
func (p *parser) named(name string, depth int) (node, error) {
	if p.tok == "(" && p.kind == 'o' {
		if refused[name] {
			return node{}, fmt.Errorf("the function %s is not supported", name)
		}
		f := functions[name]
		if f == nil {
			return node{}, fmt.Errorf("unknown function %s", name)
		}
		p.next()
		args, err := p.list(")", depth)
		if err == nil && (len(args) < f.least || len(args) > f.most) {
			err = fmt.Errorf("the function %s has %d arguments, which is not what it takes", name, len(args))
		}
		return node{op: "call", name: name, args: args}, err
	}
	if name[0] >= 'a' && name[0] <= 'z' {
		return node{op: "id", name: name}, nil
	}
	return node{op: "word", name: name}, nil
}

func (p *parser) list(end string, depth int) (args []node, err error) {
	if p.tok == end {
		p.next()
		return nil, nil
	}
	for {
		n, err := p.binary(0, depth+1)
		if err != nil {
			return nil, err
		}
		args = append(args, n)
		switch p.tok {
		case ",":
			p.next()
		case end:
			p.next()
			return args, nil
		default:
			return nil, p.unexpected()
		}
	}
}
