package sql

import "strings"

// statement reads any statement.
func (p *parser) statement() Statement {
	defer p.enter()()
	at := p.pos()
	if g := p.Grammar; g != nil && g.Statement != nil {
		if s := g.Statement(&Parser{p}); s != nil {
			return s
		}
	}
	if p.Dialect == Streaming {
		return p.query()
	}
	switch {
	case p.at("SELECT"), p.at("WITH"), p.at("VALUES"), p.at("TABLE"), p.atSymbol("("):
		return p.query()
	case p.accept("CREATE"):
		return p.create(at)
	case p.accept("DROP"):
		return p.drop(at)
	case p.accept("ALTER"):
		return p.alter(at)
	case p.accept("SHOW"):
		return p.show(at)
	case p.accept("DESCRIBE"), p.accept("DESC"):
		return p.describe(at)
	case p.accept("MSCK"):
		p.expect("REPAIR", "TABLE")
		return &RepairTable{at, p.qualifiedName()}
	case p.accept("INSERT"):
		p.expect("INTO")
		p.accept("TABLE")
		s := &Insert{Position: at, Table: p.qualifiedName()}
		if p.atSymbol("(") && !p.startsQuery(1) {
			s.Columns = p.identifiers()
		}
		s.Query = p.query()
		return s
	case p.at("DELETE"), p.at("UPDATE"), p.at("MERGE"), p.at("OPTIMIZE"), p.at("VACUUM"):
		return p.modify(at)
	case p.accept("UNLOAD"):
		s := &Unload{Position: at}
		p.expectSymbol("(")
		s.Query = p.query()
		p.expectSymbol(")")
		p.expect("TO")
		s.To = p.stringLiteral()
		if p.accept("WITH") {
			s.Properties = p.properties()
		}
		return s
	case p.accept("PREPARE"):
		s := &Prepare{Position: at, Name: p.identifier()}
		p.expect("FROM")
		s.Statement = p.statement()
		return s
	case p.accept("EXECUTE"):
		s := &Execute{Position: at, Name: p.identifier()}
		if p.accept("USING") {
			s.Using = p.exprs()
		}
		return s
	case p.accept("DEALLOCATE"):
		p.expect("PREPARE")
		return &Deallocate{at, p.identifier()}
	case p.accept("EXPLAIN"):
		return p.explain(at)
	}
	p.mismatched("ALTER", "CREATE", "DEALLOCATE", "DESC", "DESCRIBE", "DROP", "EXECUTE", "EXPLAIN", "INSERT", "MSCK", "PREPARE", "SHOW", "UNLOAD", "<query>")
	return nil
}

// modify reads a statement that changes rows, whose end it does not look into.
func (p *parser) modify(at Position) Statement {
	s := &Modify{Position: at, Verb: p.advance().upper}
	switch s.Verb {
	case "DELETE":
		p.expect("FROM")
		s.Verb += " FROM"
	case "MERGE":
		p.expect("INTO")
		s.Verb += " INTO"
	}
	s.Table = p.qualifiedName()
	start := p.pos().Offset
	end := start
	for !p.atEOF() && !p.atSymbol(";") {
		end = p.advance().end
	}
	s.Rest = p.src[start:end]
	return s
}

func (p *parser) explain(at Position) Statement {
	s := &Explain{Position: at}
	s.Analyze = p.accept("ANALYZE")
	s.Verbose = s.Analyze && p.accept("VERBOSE")
	if p.atSymbol("(") && !p.startsQuery(1) {
		p.expectSymbol("(")
		for {
			o := ExplainOption{Name: p.expectAny("TYPE", "FORMAT")}
			if o.Name == "TYPE" {
				o.Value = p.expectAny("LOGICAL", "DISTRIBUTED", "VALIDATE", "IO")
			} else {
				o.Value = p.expectAny("TEXT", "GRAPHVIZ", "JSON")
			}
			s.Options = append(s.Options, o)
			if !p.symbol(",") {
				break
			}
		}
		p.expectSymbol(")")
	}
	s.Statement = p.statement()
	return s
}

// startsQuery reports whether a query begins n tokens ahead, behind any parentheses.
func (p *parser) startsQuery(n int) bool {
	for p.aheadSymbol(n, "(") {
		n++
	}
	t := p.ahead(n)
	if t.kind != tokenWord {
		return false
	}
	switch t.upper {
	case "SELECT", "WITH", "VALUES", "TABLE":
		return true
	}
	return false
}

// properties reads (name = expr, ...).
func (p *parser) properties() []Property {
	p.expectSymbol("(")
	var list []Property
	for {
		at := p.pos()
		var name Identifier
		if p.tok().kind == tokenString {
			name = Identifier{at, p.advance().text, true}
		} else {
			name = p.identifier()
		}
		p.expectSymbol("=")
		list = append(list, Property{at, name, p.expr()})
		if !p.symbol(",") {
			break
		}
	}
	p.expectSymbol(")")
	return list
}

func (p *parser) create(at Position) Statement {
	orReplace := p.accept("OR", "REPLACE")
	switch {
	case p.accept("VIEW"):
		s := &CreateView{Position: at, OrReplace: orReplace, Name: p.qualifiedName()}
		if p.accept("COMMENT") {
			c := p.stringLiteral()
			s.Comment = &c
		}
		if p.accept("SECURITY") {
			p.expectAny("DEFINER", "INVOKER")
		}
		p.expect("AS")
		s.Query = p.query()
		return s
	case orReplace:
		p.mismatched("VIEW")
	case p.accept("DATABASE"), p.accept("SCHEMA"):
		return p.createDatabase(at)
	case p.accept("EXTERNAL"):
		p.expect("TABLE")
		return p.createTable(at, true)
	case p.accept("TABLE"):
		return p.createTable(at, false)
	}
	p.mismatched("DATABASE", "EXTERNAL", "OR", "SCHEMA", "TABLE", "VIEW")
	return nil
}

func (p *parser) drop(at Position) Statement {
	switch {
	case p.accept("VIEW"):
		return &DropView{Position: at, IfExists: p.accept("IF", "EXISTS"), Name: p.qualifiedName()}
	case p.accept("TABLE"):
		s := &DropTable{Position: at, IfExists: p.accept("IF", "EXISTS"), Name: p.qualifiedName()}
		p.accept("PURGE")
		return s
	case p.accept("DATABASE"), p.accept("SCHEMA"):
		s := &DropDatabase{Position: at, IfExists: p.accept("IF", "EXISTS"), Name: p.identifier()}
		s.Cascade = p.acceptAny("CASCADE", "RESTRICT") == "CASCADE"
		return s
	}
	p.mismatched("DATABASE", "SCHEMA", "TABLE", "VIEW")
	return nil
}

func (p *parser) optionalName() *QualifiedName {
	if p.acceptAny("IN", "FROM") == "" {
		return nil
	}
	n := p.qualifiedName()
	return &n
}

func (p *parser) optionalLike() *string {
	if p.accept("LIKE") || p.tok().kind == tokenString {
		s := p.hiveString()
		return &s
	}
	return nil
}

func (p *parser) show(at Position) Statement {
	switch {
	case p.accept("DATABASES"), p.accept("SCHEMAS"):
		s := &ShowDatabases{Position: at}
		if p.acceptAny("IN", "FROM") != "" {
			s.Catalog = p.identifierPointer()
		}
		s.Like = p.optionalLike()
		return s
	case p.accept("TABLES"):
		return &ShowTables{Position: at, Database: p.optionalName(), Like: p.optionalLike()}
	case p.accept("VIEWS"):
		return &ShowViews{Position: at, Database: p.optionalName(), Like: p.optionalLike()}
	case p.accept("COLUMNS"):
		p.expectAny("IN", "FROM")
		s := &ShowColumns{Position: at, Table: p.qualifiedName()}
		if db := p.optionalName(); db != nil {
			s.Table.Parts = append(db.Parts, s.Table.Parts...)
		}
		s.Like = p.optionalLike()
		return s
	case p.accept("PARTITIONS"):
		return &ShowPartitions{at, p.qualifiedName()}
	case p.accept("CREATE"):
		if p.expectAny("TABLE", "VIEW") == "VIEW" {
			return &ShowCreateView{at, p.qualifiedName()}
		}
		return &ShowCreateTable{at, p.qualifiedName()}
	case p.accept("TBLPROPERTIES"):
		s := &ShowTableProperties{Position: at, Table: p.qualifiedName()}
		if p.symbol("(") {
			k := p.hiveString()
			s.Key = &k
			p.expectSymbol(")")
		}
		return s
	case p.accept("FUNCTIONS"):
		return &ShowFunctions{at, p.optionalLike()}
	}
	p.mismatched("COLUMNS", "CREATE", "DATABASES", "FUNCTIONS", "PARTITIONS", "SCHEMAS", "TABLES", "TBLPROPERTIES", "VIEWS")
	return nil
}

func (p *parser) describe(at Position) Statement {
	if (p.at("INPUT") || p.at("OUTPUT")) && p.isName(1) {
		return &DescribePrepared{Position: at, Output: p.advance().upper == "OUTPUT", Name: p.identifier()}
	}
	s := &Describe{Position: at}
	if p.isName(1) {
		s.Mode = p.acceptAny("EXTENDED", "FORMATTED")
		s.View = p.accept("VIEW")
	}
	s.Table = p.qualifiedName()
	if p.at("PARTITION") && p.aheadSymbol(1, "(") {
		s.Partition = p.partition()
	}
	if !p.atEOF() && !p.atSymbol(";") {
		s.Column = p.identifierPointer()
	}
	return s
}

// hiveString takes a string of Hive's: in single or double quotes, with backslashes.
func (p *parser) hiveString() string {
	t := p.tok()
	if t.kind != tokenString && t.kind != tokenQuoted {
		p.mismatched("<string>")
	}
	p.i++
	return unescapeHive(t.text)
}

// unescapeHive decodes Hive's backslash sequences: \n and the like, \001 in octal, \uXXXX.
func unescapeHive(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if s[i] == 'u' && i+4 < len(s) {
			if r, ok := number(s[i+1:i+5], 16); ok {
				b.WriteRune(rune(r))
				i += 4
				continue
			}
		}
		if s[i] >= '0' && s[i] <= '1' && i+2 < len(s) {
			if r, ok := number(s[i:i+3], 8); ok {
				b.WriteRune(rune(r))
				i += 2
				continue
			}
		}
		if r := strings.IndexByte("0nrtbZ", s[i]); r >= 0 {
			b.WriteByte("\x00\n\r\t\b\x1a"[r])
			continue
		}
		if s[i] == '%' || s[i] == '_' {
			b.WriteByte('\\') // patterns of LIKE keep theirs
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func number(digits string, base int) (int, bool) {
	n := 0
	for _, r := range digits {
		d := strings.IndexRune("0123456789abcdef"[:base], toLowerHex(r))
		if d < 0 {
			return 0, false
		}
		n = n*base + d
	}
	return n, true
}
