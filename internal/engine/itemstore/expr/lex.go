package expr

import (
	"fmt"
	"strings"
)

// MaxSize is the most bytes that an expression has. It bounds how deep one can be, too.
const MaxSize = 4096

const (
	maxOperators = 300
	maxElements  = 32 // of a path
)

// Error says what is wrong with an expression.
type Error struct {
	Message string
	Size    int // of an expression that is too large, in bytes; else 0
}

func (e *Error) Error() string { return e.Message }

func failf(format string, args ...any) *Error { return &Error{Message: fmt.Sprintf(format, args...)} }

type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // name or keyword
	tokenName             // #name
	tokenValue            // :value
	tokenNumber           // index
	tokenSymbol           // operator or punctuation
	tokenBad
)

type token struct {
	kind       tokenKind
	text       string
	start, end int
}

// is reports a symbol, or a keyword in any case.
func (t token) is(s string) bool {
	return t.kind == tokenSymbol && t.text == s || t.kind == tokenWord && strings.EqualFold(t.text, s)
}

func isWordByte(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// tokens takes a text apart. What fits nothing is a token of its own, which no rule takes.
func tokens(s string) []token {
	var out []token
	for i := 0; i < len(s); {
		c := s[i]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' {
			i++
			continue
		}
		start, kind := i, tokenBad
		switch {
		case c == '0': // no number begins with it but itself
			kind = tokenNumber
			i++
		case '0' <= c && c <= '9':
			kind = tokenNumber
			for i < len(s) && '0' <= s[i] && s[i] <= '9' {
				i++
			}
		case isWordByte(c) && c != '_':
			kind = tokenWord
			for i < len(s) && isWordByte(s[i]) {
				i++
			}
		case c == '#' || c == ':':
			i++
			for i < len(s) && isWordByte(s[i]) {
				i++
			}
			if i > start+1 {
				kind = tokenName
				if c == ':' {
					kind = tokenValue
				}
			}
		case strings.HasPrefix(s[i:], "<>"), strings.HasPrefix(s[i:], "<="), strings.HasPrefix(s[i:], ">="):
			kind = tokenSymbol
			i += 2
		case strings.IndexByte("=<>()[],.+-", c) >= 0:
			kind = tokenSymbol
			i++
		default:
			i++
			for i < len(s) && s[i]&0xc0 == 0x80 { // the rest of a character
				i++
			}
		}
		out = append(out, token{kind, s[start:i], start, i})
	}
	return append(out, token{tokenEnd, "<EOF>", len(s), len(s)})
}

// parser reads the tokens of one expression.
type parser struct {
	text      string
	tokens    []token
	at        int
	operators int
	closed    []int // by token; see closes
	params    *Params
	doubled   bool   // doubled parentheses are taken
	err       *Error // first thing wrong that is not of the grammar
}

func newParser(text string, params *Params) (*parser, *Error) {
	if text == "" {
		return nil, failf("The expression can not be empty;")
	}
	if len(text) > MaxSize {
		return nil, &Error{Message: "Expression size has exceeded the maximum allowed size", Size: len(text)}
	}
	p := &parser{text: text, tokens: tokens(text), params: params}
	if len(p.tokens) == 1 {
		return nil, failf("Syntax error; token: \"<EOF>\", near: \"%s\"", text)
	}
	return p, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) take(s string) bool {
	if p.peek().is(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(s string) *Error {
	if !p.take(s) {
		return p.syntax()
	}
	return nil
}

// syntax says that the next token does not belong where it stands.
func (p *parser) syntax() *Error {
	t := p.peek()
	from, to := t.start, t.end
	if p.at > 0 {
		from = p.tokens[p.at-1].start
		if t.kind == tokenEnd {
			to = p.tokens[p.at-1].end
		}
	}
	if t.kind != tokenEnd && p.tokens[p.at+1].kind != tokenEnd {
		to = p.tokens[p.at+1].end
	}
	return failf("Syntax error; token: \"%s\", near: \"%s\"", t.text, p.text[from:to])
}

// note keeps the first thing that is wrong besides the grammar: the grammar is told first.
func (p *parser) note(format string, args ...any) {
	if p.err == nil {
		p.err = failf(format, args...)
	}
}

func (p *parser) operator() *Error {
	if p.operators++; p.operators > maxOperators {
		return failf("The expression contains too many operators; operator count: %d", p.operators)
	}
	return nil
}
