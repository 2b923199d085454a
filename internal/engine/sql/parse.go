package sql

import (
	"fmt"
	"strings"
)

// Error is a text that is not a statement of the language. Its text is worded as Athena
// words it: "line 1:8: mismatched input ...".
type Error struct {
	Position
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d:%d: %s", e.Line, e.Column, e.Message)
}

// maxDepth bounds the nesting of a statement, and maxLength its text (Athena's own limit
// is 262,144 bytes; views are stored longer).
const (
	maxDepth  = 400
	maxLength = 4 << 20
)

// Options choose the language. The zero value is Athena's.
type Options struct {
	Dialect Dialect
	Grammar *Grammar // what the language adds; nil: nothing
}

// Parse reads one statement, which a semicolon may end.
func Parse(text string) (Statement, error) { return Options{}.Parse(text) }

// ParseExpr reads an expression that stands alone.
func ParseExpr(text string) (Expr, error) { return Options{}.ParseExpr(text) }

// ParseExpr reads an expression of the dialect that stands alone.
func (o Options) ParseExpr(text string) (Expr, error) {
	p, err := newParser(text, o)
	if err != nil {
		return nil, err
	}
	var e Expr
	err = p.run(func() {
		e = p.expr()
		if !p.atEOF() {
			p.mismatched("<EOF>")
		}
	})
	return e, err
}

// ParseType reads a type that stands alone.
func (o Options) ParseType(text string) (*Type, error) {
	p, err := newParser(text, o)
	if err != nil {
		return nil, err
	}
	var t *Type
	err = p.run(func() {
		t = p.parseType()
		if !p.atEOF() {
			p.mismatched("<EOF>")
		}
	})
	return t, err
}

// Parse reads one statement of the dialect.
func (o Options) Parse(text string) (Statement, error) {
	p, err := newParser(text, o)
	if err != nil {
		return nil, err
	}
	var s Statement
	err = p.run(func() {
		s = p.statement()
		if p.symbol(";") {
			for p.symbol(";") {
			}
			if !p.atEOF() {
				p.fail(p.tok().Position, "Only one sql statement is allowed. Got: %s", strings.TrimSpace(text))
			}
		}
		if !p.atEOF() {
			p.mismatched("<EOF>")
		}
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// parser is recursive descent over the tokens. Functions that cannot go on panic with an
// *Error, which run turns into an error.
type parser struct {
	Options
	src        string
	tokens     []token
	i          int
	depth      int
	parameters int
	hive       bool
}

func newParser(text string, o Options) (*parser, error) {
	if len(text) > maxLength {
		return nil, &Error{Position{1, 1, 0}, fmt.Sprintf("The statement is longer than %d bytes", maxLength)}
	}
	hive := o.Dialect == Athena && isHive(text)
	tokens, err := lex(text, hive)
	if err != nil {
		return nil, err
	}
	return &parser{Options: o, src: text, tokens: tokens, hive: hive}, nil
}

// isHive says whether a statement is of Hive's DDL, whose strings know backslashes. It
// looks at the first words only.
func isHive(text string) bool {
	l := &lexer{src: text, line: 1, col: 1}
	var words [2]string
	for i := range words {
		t, err := l.next()
		if err != nil {
			return false
		}
		words[i] = t.upper
	}
	switch words[0] {
	case "CREATE":
		if words[1] != "TABLE" {
			return words[1] == "EXTERNAL" || words[1] == "DATABASE" || words[1] == "SCHEMA"
		}
		// CREATE TABLE .. AS query is Trino's; STORED AS is not that AS.
		for last := ""; ; {
			t, err := l.next()
			if err != nil || t.kind == tokenEOF {
				return true
			}
			if t.upper == "AS" && last != "STORED" && last != "DEFINED" {
				return false
			}
			last = t.upper
		}
	case "ALTER", "DROP", "MSCK", "SHOW", "DESC":
		return true
	case "DESCRIBE":
		return words[1] != "INPUT" && words[1] != "OUTPUT"
	}
	return false
}

func (p *parser) run(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	f()
	return nil
}

func (p *parser) fail(at Position, format string, args ...any) {
	panic(&Error{at, fmt.Sprintf(format, args...)})
}

// mismatched fails at the next token, naming what could have stood there.
func (p *parser) mismatched(expecting ...string) {
	t := p.tok()
	text := p.src[t.Offset:t.end]
	if t.kind == tokenEOF {
		text = "<EOF>"
	}
	for i, e := range expecting {
		if !strings.HasPrefix(e, "<") {
			expecting[i] = "'" + e + "'"
		}
	}
	p.fail(t.Position, "mismatched input '%s'. Expecting: %s%s", text, strings.Join(expecting, ", "), p.hyphenated(t))
}

// hyphenated is a hint for a hyphen within a name that no quotes are around.
func (p *parser) hyphenated(t *token) string {
	if t.kind != tokenSymbol || t.text != "-" || p.i == 0 {
		return ""
	}
	ofName := func(c byte) bool {
		return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	start, end := t.Offset, t.end
	for start > 0 && ofName(p.src[start-1]) {
		start--
	}
	for end < len(p.src) && ofName(p.src[end]) {
		end++
	}
	before := p.tokens[p.i-1]
	if start == t.Offset || end == t.end || before.kind != tokenWord || before.end != t.Offset {
		return ""
	}
	if p.hive {
		return ". A name with a hyphen is written in backticks: `" + p.src[start:end] + "`"
	}
	return `. A name with a hyphen is written in double quotes: "` + p.src[start:end] + `"`
}

// enter counts nesting; use: defer p.enter()().
func (p *parser) enter() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.tok().Position, "The statement is nested too deeply")
	}
	return func() { p.depth-- }
}

func (p *parser) tok() *token { return &p.tokens[p.i] }

func (p *parser) ahead(n int) *token {
	return &p.tokens[min(p.i+n, len(p.tokens)-1)]
}

func (p *parser) pos() Position { return p.tok().Position }
func (p *parser) atEOF() bool   { return p.tok().kind == tokenEOF }

func (p *parser) advance() *token {
	t := p.tok()
	if t.kind != tokenEOF {
		p.i++
	}
	return t
}

// at reports whether the next words are these keywords.
func (p *parser) at(words ...string) bool {
	for i, w := range words {
		if t := p.ahead(i); t.kind != tokenWord || t.upper != w {
			return false
		}
	}
	return true
}

// accept takes the keywords if they are next, all or none.
func (p *parser) accept(words ...string) bool {
	if !p.at(words...) {
		return false
	}
	p.i += len(words)
	return true
}

// acceptAny takes the next word if it is one of these, and returns it.
func (p *parser) acceptAny(words ...string) string {
	for _, w := range words {
		if p.accept(w) {
			return w
		}
	}
	return ""
}

// expect takes the keywords one by one or fails.
func (p *parser) expect(words ...string) {
	for _, w := range words {
		if !p.accept(w) {
			p.mismatched(w)
		}
	}
}

// expectAny takes one of the words or fails.
func (p *parser) expectAny(words ...string) string {
	w := p.acceptAny(words...)
	if w == "" {
		p.mismatched(words...)
	}
	return w
}

func (p *parser) atSymbol(s string) bool { return p.aheadSymbol(0, s) }

func (p *parser) aheadSymbol(n int, s string) bool {
	t := p.ahead(n)
	return t.kind == tokenSymbol && t.text == s
}

func (p *parser) symbol(s string) bool {
	if p.atSymbol(s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expectSymbol(s string) {
	if !p.symbol(s) {
		p.mismatched(s)
	}
}

// isName reports whether the token n ahead can be a name.
func (p *parser) isName(n int) bool {
	t := p.ahead(n)
	switch t.kind {
	case tokenWord:
		return !reserved[t.upper]
	case tokenQuoted, tokenBackQuoted:
		return true
	}
	return false
}

func (p *parser) identifier() Identifier {
	t := p.tok()
	if !p.isName(0) && (!p.hive || t.kind != tokenWord) {
		p.mismatched("<identifier>")
	}
	if t.kind == tokenBackQuoted && !p.hive {
		p.fail(t.Position, "backquoted identifiers are not supported; use double quotes to quote identifiers")
	}
	p.i++
	return Identifier{t.Position, t.text, t.kind != tokenWord}
}

func (p *parser) identifierPointer() *Identifier {
	i := p.identifier()
	return &i
}

// anyIdentifier takes reserved words too: the field after a dot.
func (p *parser) anyIdentifier() Identifier {
	if t := p.tok(); t.kind == tokenWord {
		p.i++
		return Identifier{t.Position, t.text, false}
	}
	return p.identifier()
}

func (p *parser) identifiers() []Identifier {
	p.expectSymbol("(")
	list := []Identifier{p.identifier()}
	for p.symbol(",") {
		list = append(list, p.identifier())
	}
	p.expectSymbol(")")
	return list
}

func (p *parser) qualifiedName() QualifiedName {
	together := p.tok().kind == tokenBackQuoted
	n := QualifiedName{Position: p.pos(), Parts: []Identifier{p.identifier()}}
	if database, table, ok := strings.Cut(n.Parts[0].Name, "."); ok && together && p.hive {
		// As SHOW CREATE TABLE writes it: `database.table`.
		n.Parts = []Identifier{{n.Position, database, true}, {n.Position, table, true}}
	}
	for p.symbol(".") {
		n.Parts = append(n.Parts, p.anyIdentifier())
	}
	if len(n.Parts) > 3 {
		p.fail(n.Position, "Too many dots in table name: %s", n)
	}
	return n
}

// stringLiteral takes a character literal of Trino's.
func (p *parser) stringLiteral() string {
	t := p.tok()
	switch t.kind {
	case tokenString:
		p.i++
		return t.text
	case tokenUnicode:
		p.i++
		return p.unicodeString(t)
	}
	p.mismatched("<string>")
	return ""
}

// unicodeString decodes U&'...' [UESCAPE 'c'].
func (p *parser) unicodeString(t *token) string {
	escape := '\\'
	if p.accept("UESCAPE") {
		at := p.pos()
		r := []rune(p.stringLiteral())
		if len(r) != 1 {
			p.fail(at, "Invalid Unicode escape character")
		}
		escape = r[0]
	}
	var b strings.Builder
	rs := []rune(t.text)
	for i := 0; i < len(rs); i++ {
		if rs[i] != escape {
			b.WriteRune(rs[i])
			continue
		}
		if i+1 < len(rs) && rs[i+1] == escape {
			b.WriteRune(escape)
			i++
			continue
		}
		digits := 4
		i++
		if i < len(rs) && rs[i] == '+' {
			digits = 6
			i++
		}
		var code rune
		for range digits {
			d := -1
			if i < len(rs) {
				d = strings.IndexRune("0123456789abcdef", toLowerHex(rs[i]))
			}
			if d < 0 {
				p.fail(t.Position, "Incomplete escape sequence in a Unicode literal")
			}
			code = code<<4 | rune(d)
			i++
		}
		i--
		if code > 0x10ffff || code >= 0xd800 && code < 0xe000 {
			p.fail(t.Position, "Invalid escaped character: %x", code)
		}
		b.WriteRune(code)
	}
	return b.String()
}

func toLowerHex(r rune) rune {
	if r >= 'A' && r <= 'F' {
		return r + 'a' - 'A'
	}
	return r
}
