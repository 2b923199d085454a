package sql

// Grammar is what a language of the family adds to Trino's queries. A package that has one
// hands it in with Options; this package stays as it is. Each hook may be nil. A hook looks at
// the tokens ahead and takes those that are its own; where there are none, it takes nothing and
// returns nil. The nodes that it makes embed StatementNode or ExprNode and implement Extended,
// so that Walk and Print know them.
//
// For a streaming language: CREATE STREAM and CREATE PUMP are Statement; SELECT STREAM is
// Select, which notes it in Select.Modifier; FLOOR(x TO MINUTE) and STEP(x BY INTERVAL '1'
// MINUTE) are Operand, as is whatever else begins an expression; WINDOWED BY is Clause, which notes it in
// Select.Extension; what a
// window says beyond Trino's is Window. (RANGE INTERVAL '1' MINUTE PRECEDING is Trino's own.)
type Grammar struct {
	Statement func(*Parser) Statement // where a statement begins
	Select    func(*Parser, *Select)  // behind the word SELECT, before DISTINCT
	Operand   func(*Parser) Expr      // where an operand of an expression begins
	Clause    func(*Parser, *Select)  // before HAVING, and behind it
	Relation  func(*Parser) Relation  // where a relation of FROM begins
	Window    func(*Parser, *Window)  // within the parentheses of OVER, behind ORDER BY
	// Suffix is behind an operand: it returns the operand, or what it makes of it and of the words
	// that follow. Predicate is behind the left side of a comparison, and returns nil where none follows.
	Suffix    func(*Parser, Expr) Expr
	Predicate func(*Parser, Expr) Expr
}

// Extended is a node of a Grammar's own.
type Extended interface {
	Node
	// Children calls f for the nodes in it, in the order of the text.
	Children(f func(Node))
	// SQL is its text, print being what gives that of a node in it.
	SQL(print func(Node) string) string
}

// StatementNode, ExprNode and RelationNode make what embeds them a node of that kind.
type (
	StatementNode struct{ Position }
	ExprNode      struct{ Position }
	RelationNode  struct{ Position }
)

func (StatementNode) statement() {}
func (ExprNode) expr()           {}
func (RelationNode) relation()   {}

// Parser is the parser as a Grammar's hooks see it: at a token, with the words and symbols that
// follow. Words are given in upper case. A hook that cannot go on calls Fail or Mismatched,
// which do not return.
type Parser struct{ p *parser }

// Position is where the next token is.
func (p *Parser) Position() Position { return p.p.pos() }

// At reports whether the words are next.
func (p *Parser) At(words ...string) bool { return p.p.at(words...) }

// Accept takes the words if they are next.
func (p *Parser) Accept(words ...string) bool { return p.p.accept(words...) }

// Expect takes the words, or fails.
func (p *Parser) Expect(words ...string) { p.p.expect(words...) }

// AtSymbol reports whether a symbol is the n-th token from here, 0 being the next.
func (p *Parser) AtSymbol(n int, s string) bool { return p.p.aheadSymbol(n, s) }

// Symbol takes a symbol if it is next.
func (p *Parser) Symbol(s string) bool { return p.p.symbol(s) }

// ExpectSymbol takes a symbol, or fails.
func (p *Parser) ExpectSymbol(s string) { p.p.expectSymbol(s) }

// Mark and Reset go back to a token, to read what follows in another way.
func (p *Parser) Mark() int      { return p.p.i }
func (p *Parser) Reset(mark int) { p.p.i = mark }

// Identifier, Identifiers (in parentheses) and Name take names.
func (p *Parser) Identifier() Identifier    { return p.p.identifier() }
func (p *Parser) Identifiers() []Identifier { return p.p.identifiers() }
func (p *Parser) Name() QualifiedName       { return p.p.qualifiedName() }

// String takes a text literal, Type a type, Expr an expression, Query a query, Statement a
// statement, SortItems what follows ORDER BY.
func (p *Parser) String() string        { return p.p.stringLiteral() }
func (p *Parser) Type() *Type           { return p.p.parseType() }
func (p *Parser) Expr() Expr            { return p.p.expr() }
func (p *Parser) Query() *Query         { return p.p.query() }
func (p *Parser) Statement() Statement  { return p.p.statement() }
func (p *Parser) SortItems() []SortItem { return p.p.sortItems() }

// Operand takes an operand of a comparison, WindowSpec a window in parentheses, Integer a number.
func (p *Parser) Operand() Expr       { return p.p.concat() }
func (p *Parser) WindowSpec() *Window { return p.p.windowSpec() }
func (p *Parser) Integer() int        { return p.p.integer() }

// AtName and AtQuery report whether the token n ahead can be a name, or begins a query.
func (p *Parser) AtName(n int) bool  { return p.p.isName(n) }
func (p *Parser) AtQuery(n int) bool { return p.p.startsQuery(n) }

// AtEnd reports whether the text ends here.
func (p *Parser) AtEnd() bool { return p.p.atEOF() }

// Fail ends the parse with an error at a position; Mismatched with one at the next token.
func (p *Parser) Fail(at Position, format string, args ...any) { p.p.fail(at, format, args...) }
func (p *Parser) Mismatched(expecting ...string)               { p.p.mismatched(expecting...) }

// ParseAll reads statements that semicolons part.
func (o Options) ParseAll(text string) ([]Statement, error) {
	p, err := newParser(text, o)
	if err != nil {
		return nil, err
	}
	var all []Statement
	err = p.run(func() {
		for {
			for p.symbol(";") {
			}
			if p.atEOF() {
				return
			}
			all = append(all, p.statement())
			if !p.atEOF() && !p.atSymbol(";") {
				p.mismatched(";", "<EOF>")
			}
		}
	})
	return all, err
}
