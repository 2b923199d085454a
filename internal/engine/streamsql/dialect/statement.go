package dialect

import (
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// CreateStream is CREATE [OR REPLACE] STREAM name (columns).
type CreateStream struct {
	sql.StatementNode
	OrReplace bool
	Name      sql.QualifiedName
	Columns   []ColumnDef
}

// ColumnDef is a column of a stream, or a parameter of a function.
type ColumnDef struct {
	sql.Position
	Name    sql.Identifier
	Type    *sql.Type
	NotNull bool
}

func defs(list []ColumnDef, print func(sql.Node) string) string {
	var b strings.Builder
	for i, c := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(c.Name) + " " + typeText(c.Type, print))
		if c.NotNull {
			b.WriteString(" NOT NULL")
		}
	}
	return "(" + b.String() + ")"
}

func typeText(t *sql.Type, print func(sql.Node) string) string { return strings.ToUpper(print(t)) }

func quote(id sql.Identifier) string {
	if id.Quoted {
		return `"` + strings.ReplaceAll(id.Name, `"`, `""`) + `"`
	}
	return id.Name
}

func quoteName(n sql.QualifiedName) string {
	parts := make([]string, len(n.Parts))
	for i, p := range n.Parts {
		parts[i] = quote(p)
	}
	return strings.Join(parts, ".")
}

func create(what string, orReplace bool) string {
	if orReplace {
		return "CREATE OR REPLACE " + what + " "
	}
	return "CREATE " + what + " "
}

// Children and SQL make it a node of the grammar.
func (s *CreateStream) Children(f func(sql.Node)) {
	for _, c := range s.Columns {
		f(c.Type)
	}
}
func (s *CreateStream) SQL(print func(sql.Node) string) string {
	return create("STREAM", s.OrReplace) + quoteName(s.Name) + " " + defs(s.Columns, print)
}

// CreatePump is CREATE [OR REPLACE] PUMP name [STOPPED] AS INSERT INTO stream [(columns)] query.
type CreatePump struct {
	sql.StatementNode
	OrReplace, Stopped bool
	Name               sql.QualifiedName
	Into               sql.QualifiedName
	Columns            []sql.Identifier
	Query              *sql.Query
}

// Children and SQL make it a node of the grammar.
func (s *CreatePump) Children(f func(sql.Node)) { f(s.Query) }
func (s *CreatePump) SQL(print func(sql.Node) string) string {
	t := create("PUMP", s.OrReplace) + quoteName(s.Name)
	if s.Stopped {
		t += " STOPPED"
	}
	t += " AS INSERT INTO " + quoteName(s.Into)
	for i, c := range s.Columns {
		t += []string{" (", ", "}[min(i, 1)] + quote(c)
	}
	if s.Columns != nil {
		t += ")"
	}
	return t + " " + print(s.Query)
}

// CreateFunction is CREATE [OR REPLACE] FUNCTION name (parameters) RETURNS type ... RETURN x.
type CreateFunction struct {
	sql.StatementNode
	OrReplace  bool
	Name       sql.QualifiedName
	Parameters []ColumnDef
	Returns    *sql.Type
	NullOnNull bool // RETURNS NULL ON NULL INPUT
	Body       sql.Expr
}

// Children and SQL make it a node of the grammar.
func (s *CreateFunction) Children(f func(sql.Node)) {
	for _, c := range s.Parameters {
		f(c.Type)
	}
	f(s.Returns)
	f(s.Body)
}
func (s *CreateFunction) SQL(print func(sql.Node) string) string {
	t := create("FUNCTION", s.OrReplace) + quoteName(s.Name) + " " + defs(s.Parameters, print) + " RETURNS " + typeText(s.Returns, print)
	if s.NullOnNull {
		t += " RETURNS NULL ON NULL INPUT"
	}
	return t + " RETURN " + print(s.Body)
}

// AlterPump is ALTER PUMP name START or STOP, Drop DROP STREAM, PUMP or FUNCTION name.
type (
	AlterPump struct {
		sql.StatementNode
		Name sql.QualifiedName
		Stop bool
	}
	Drop struct {
		sql.StatementNode
		What     string
		IfExists bool
		Name     sql.QualifiedName
	}
)

// Children and SQL make them nodes of the grammar.
func (s *AlterPump) Children(func(sql.Node)) {}
func (s *AlterPump) SQL(func(sql.Node) string) string {
	if s.Stop {
		return "ALTER PUMP " + quoteName(s.Name) + " STOP"
	}
	return "ALTER PUMP " + quoteName(s.Name) + " START"
}
func (s *Drop) Children(func(sql.Node)) {}
func (s *Drop) SQL(func(sql.Node) string) string {
	if s.IfExists {
		return "DROP " + s.What + " IF EXISTS " + quoteName(s.Name)
	}
	return "DROP " + s.What + " " + quoteName(s.Name)
}

func statement(p *sql.Parser) sql.Statement {
	node := sql.StatementNode{Position: p.Position()}
	switch {
	case p.Accept("CREATE"):
		orReplace := p.Accept("OR", "REPLACE")
		switch {
		case p.Accept("STREAM"):
			s := &CreateStream{StatementNode: node, OrReplace: orReplace, Name: p.Name(), Columns: columns(p)}
			description(p)
			return s
		case p.Accept("PUMP"):
			s := &CreatePump{StatementNode: node, OrReplace: orReplace, Name: p.Name()}
			if !p.Accept("STARTED") {
				s.Stopped = p.Accept("STOPPED")
			}
			description(p)
			p.Expect("AS", "INSERT", "INTO")
			s.Into = p.Name()
			if p.AtSymbol(0, "(") && !p.AtQuery(1) {
				s.Columns = p.Identifiers()
			}
			s.Query = p.Query()
			return s
		case p.Accept("FUNCTION"):
			return function(p, node, orReplace)
		}
		p.Mismatched("FUNCTION", "PUMP", "STREAM")
	case p.Accept("ALTER"):
		p.Expect("PUMP")
		s := &AlterPump{StatementNode: node, Name: p.Name()}
		if s.Stop = p.Accept("STOP"); !s.Stop {
			p.Expect("START")
		}
		return s
	case p.Accept("DROP"):
		for _, what := range []string{"STREAM", "PUMP", "FUNCTION"} {
			if p.Accept(what) {
				ifExists := p.Accept("IF", "EXISTS")
				s := &Drop{node, what, ifExists, p.Name()}
				if !p.Accept("CASCADE") {
					p.Accept("RESTRICT")
				}
				return s
			}
		}
		p.Mismatched("FUNCTION", "PUMP", "STREAM")
	case p.At("SELECT"), p.At("WITH"), p.At("VALUES"), p.AtSymbol(0, "("):
		return nil
	}
	p.Mismatched("ALTER", "CREATE", "DROP")
	return nil
}

func description(p *sql.Parser) {
	if p.Accept("DESCRIPTION") {
		_ = p.String()
	}
}

// columns reads (name type [NOT NULL], ...).
func columns(p *sql.Parser) []ColumnDef {
	p.ExpectSymbol("(")
	list := []ColumnDef{}
	for !p.AtSymbol(0, ")") {
		c := ColumnDef{Position: p.Position(), Name: p.Identifier(), Type: p.Type()}
		if c.NotNull = p.Accept("NOT", "NULL"); !c.NotNull {
			p.Accept("NULL")
		}
		description(p)
		list = append(list, c)
		if !p.Symbol(",") {
			break
		}
	}
	p.ExpectSymbol(")")
	return list
}

func function(p *sql.Parser, node sql.StatementNode, orReplace bool) sql.Statement {
	s := &CreateFunction{StatementNode: node, OrReplace: orReplace, Name: p.Name(), Parameters: columns(p)}
	p.Expect("RETURNS")
	s.Returns = p.Type()
	for {
		switch {
		case p.Accept("LANGUAGE"):
			p.Expect("SQL")
		case p.Accept("NOT", "DETERMINISTIC"), p.Accept("DETERMINISTIC"), p.Accept("CONTAINS", "SQL"), p.Accept("NO", "SQL"), p.Accept("READS", "SQL", "DATA"),
			p.Accept("CALLED", "ON", "NULL", "INPUT"):
		case p.Accept("MODIFIES", "SQL", "DATA"):
		case p.Accept("RETURNS", "NULL", "ON", "NULL", "INPUT"):
			s.NullOnNull = true
		case p.Accept("SPECIFIC"):
			p.Name()
		case p.Accept("RETURN"):
			s.Body = p.Expr()
			return s
		default:
			p.Mismatched("RETURN")
		}
	}
}
