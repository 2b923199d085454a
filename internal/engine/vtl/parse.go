package vtl

import (
	"fmt"
	"strings"
)

// MaxSource bounds a template, in bytes. (API Gateway takes templates up to 300 KB.)
const MaxSource = 300 << 10

// maxNesting bounds how deep blocks and expressions nest.
const maxNesting = 100

// A SyntaxError says where a template cannot be parsed.
type SyntaxError struct {
	Line, Column int // from 1; columns count bytes
	Message      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at line %d, column %d", e.Message, e.Line, e.Column)
}

// Template is a parsed template. Many runs may use it at once.
type Template struct {
	body   block
	macros map[string]*macro
}

// Parse parses a template. Errors are *SyntaxError.
func Parse(source string) (*Template, error) {
	p := &parser{src: source, macros: map[string]*macro{}}
	if len(source) > MaxSource {
		return nil, p.errorf("the template is larger than %d bytes", MaxSource)
	}
	body, end, err := p.block()
	if err != nil {
		return nil, err
	}
	if end != "" {
		return nil, p.errorf("#%s without a directive that it belongs to", end)
	}
	return &Template{body: body, macros: p.macros}, nil
}

type parser struct {
	src    string
	pos    int
	depth  int
	macros map[string]*macro
}

func (p *parser) errorf(format string, args ...any) error {
	pos := min(p.pos, len(p.src))
	before := p.src[:pos]
	return &SyntaxError{
		Line:    1 + strings.Count(before, "\n"),
		Column:  pos - strings.LastIndexByte(before, '\n'),
		Message: fmt.Sprintf(format, args...),
	}
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return p.errorf("nested deeper than %d", maxNesting)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) rest() string { return p.src[p.pos:] }

func (p *parser) peek(n int) byte {
	if p.pos+n < len(p.src) {
		return p.src[p.pos+n]
	}
	return 0
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isStart(c byte) bool  { return isLetter(c) || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isIdent(c byte) bool  { return isStart(c) || isDigit(c) || c == '-' }

// identifier returns the identifier at offset n, empty if there is none.
func (p *parser) identifier(n int) string {
	i := p.pos + n
	if i >= len(p.src) || !isStart(p.src[i]) {
		return ""
	}
	j := i + 1
	for j < len(p.src) && isIdent(p.src[j]) {
		j++
	}
	return p.src[i:j]
}

// block parses until the end of the source, or until #end, #else or #elseif, whose name it
// returns, with the position behind it.
func (p *parser) block() (block, string, error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	defer p.leave()
	var out block
	start := p.pos // of the text that is not in out yet
	word := -1     // where a word ends that is a token of its own, not one with the blanks behind it
	flush := func(to int) {
		if to > start {
			out = append(out, textNode(p.src[start:to]))
		}
	}
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; c {
		case '$', '\\':
			at := p.pos
			n, err := p.dollar()
			if err != nil {
				return nil, "", err
			}
			if n != nil {
				flush(at)
				out = append(out, n)
				start = p.pos
				word = p.pos + p.wordAfter(n)
			}
		case '#':
			at := p.pos
			d, err := p.directive()
			if err != nil {
				return nil, "", err
			}
			switch {
			case d.end != "":
				flush(at)
				return out, d.end, nil
			case d.done:
				to := at
				if _, set := d.node.(*setNode); set {
					text := start + len(strings.TrimRight(p.src[start:at], " \t"))
					if text == start || text == word {
						to = text // blanks before #set that are not part of a text go with it
					}
				}
				flush(to)
				if d.node != nil {
					out = append(out, d.node)
				}
				start = p.pos
			default:
				word = p.pos
			}
		default:
			p.pos++
		}
	}
	flush(len(p.src))
	return out, "", nil
}

// wordAfter is the length of the word behind a node that ends within a token: behind the call of a method and an
// index, and behind a hash that is escaped.
func (p *parser) wordAfter(n node) int {
	switch n := n.(type) {
	case *refNode:
		if k := len(n.path); k > 0 && (n.path[k-1].call || n.path[k-1].index != nil) {
			return len(p.identifier(0))
		}
	case textNode:
		if strings.HasSuffix(string(n), "#") {
			_, length := p.directiveName(0)
			return length
		}
	}
	return 0
}

// dollar parses a reference, or backslashes with what they escape. A nil node: it is text, and
// the position is behind it.
func (p *parser) dollar() (node, error) {
	slashes := 0
	for p.peek(slashes) == '\\' {
		slashes++
	}
	switch p.peek(slashes) {
	case '$':
	case '#':
		if slashes > 0 {
			return p.escapedDirective(slashes), nil
		}
		return nil, nil
	default:
		p.pos += slashes
		return textNode(p.src[p.pos-slashes : p.pos]), nil
	}
	at := p.pos
	p.pos += slashes
	ref, err := p.reference()
	if err != nil {
		return nil, err
	}
	if ref == nil {
		p.pos = at + slashes + 1
		if p.peek(0) == '!' && p.peek(1) != '{' { // the mark of a quiet reference goes
			p.pos++
			return textNode(p.src[at : p.pos-1]), nil
		}
		return nil, nil
	}
	return &refNode{reference: ref, backslashes: slashes}, nil
}

// escapedDirective handles backslashes before a hash: before the name of a directive each pair of
// them is one, and one that is left over makes the directive text.
func (p *parser) escapedDirective(slashes int) node {
	at := p.pos
	name, _ := p.directiveName(slashes + 1)
	if !isDirective(name) && p.macros[name] == nil {
		p.pos += slashes
		return textNode(p.src[at:p.pos])
	}
	if slashes%2 == 0 {
		p.pos += slashes
		if name == "set" {
			return textNode(p.src[at:p.pos])
		}
		return textNode(p.src[at : at+slashes/2])
	}
	p.pos += slashes + 1
	return textNode(p.src[at:at+slashes/2] + "#")
}

func isDirective(name string) bool {
	switch name {
	case "set", "if", "elseif", "else", "end", "foreach", "break", "stop", "macro", "define", "include", "parse", "evaluate", "literal":
		return true
	}
	return false
}

// reference parses a reference at a dollar; nil if there is none, with the position as it was.
func (p *parser) reference() (*reference, error) {
	at := p.pos
	p.pos++
	ref := &reference{}
	if p.peek(0) == '!' {
		ref.quiet = true
		p.pos++
	}
	formal := p.peek(0) == '{'
	if formal {
		p.pos++
	}
	ref.name = p.identifier(0)
	if ref.name == "" {
		p.pos = at
		return nil, nil
	}
	p.pos += len(ref.name)
	if err := p.accessors(ref); err != nil {
		return nil, err
	}
	if formal {
		if p.peek(0) != '}' {
			return nil, p.errorf("%s is not closed by }", p.src[at:p.pos])
		}
		p.pos++
	}
	ref.source = p.src[at:p.pos]
	return ref, nil
}

func (p *parser) accessors(ref *reference) error {
	for {
		switch {
		case p.peek(0) == '.' && p.identifier(1) != "":
			name := p.identifier(1)
			p.pos += 1 + len(name)
			a := accessor{name: name}
			if p.peek(0) == '(' {
				p.pos++
				a.call = true
				args, err := p.list(')')
				if err != nil {
					return err
				}
				a.args = args
			}
			ref.path = append(ref.path, a)
		case p.peek(0) == '[':
			at := p.pos
			p.pos++
			p.blanks()
			x, err := p.primary()
			if err == nil {
				p.blanks()
				if p.peek(0) != ']' {
					err = p.errorf("an index is not closed by ]")
				}
			}
			if err != nil {
				if p.peek(0) == 0 || at == p.pos-1 {
					p.pos = at
				}
				return err
			}
			p.pos++
			ref.path = append(ref.path, accessor{index: x})
		default:
			return nil
		}
	}
}

// list parses expressions between commas up to the closing byte.
func (p *parser) list(closing byte) ([]expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var out []expr
	for {
		p.blanks()
		if p.peek(0) == closing && len(out) == 0 {
			p.pos++
			return out, nil
		}
		x, err := p.argument()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
		p.blanks()
		switch p.peek(0) {
		case closing:
			p.pos++
			return out, nil
		case ',':
			p.pos++
		default:
			return nil, p.errorf("expected , or %c", closing)
		}
	}
}

func (p *parser) blanks() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// lineEnd takes blanks and a line end away, if nothing else comes before it.
func (p *parser) lineEnd() {
	i := p.pos
	for i < len(p.src) && (p.src[i] == ' ' || p.src[i] == '\t') {
		i++
	}
	switch {
	case i < len(p.src) && p.src[i] == '\n':
		p.pos = i + 1
	case i+1 < len(p.src) && p.src[i] == '\r' && p.src[i+1] == '\n':
		p.pos = i + 2
	case i < len(p.src) && p.src[i] == '\r':
		p.pos = i + 1
	}
}
