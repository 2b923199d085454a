package sql

import "strings"

// query reads [WITH] body [ORDER BY] [OFFSET] [LIMIT].
func (p *parser) query() *Query {
	defer p.enter()()
	q := &Query{Position: p.pos()}
	if p.at("WITH") {
		q.With = p.with()
	}
	q.Body = p.queryBody()
	if p.accept("ORDER", "BY") {
		q.OrderBy = p.sortItems()
	}
	if p.accept("OFFSET") {
		q.Offset = p.rowCount()
		p.acceptAny("ROW", "ROWS")
	}
	switch {
	case p.accept("LIMIT"):
		if !p.accept("ALL") {
			q.Limit = p.rowCount()
		}
	case p.accept("FETCH"):
		at := p.pos()
		p.expectAny("FIRST", "NEXT")
		q.Limit = &Number{at, "1", Integer}
		if t := p.tok(); t.kind == tokenInteger || p.atSymbol("?") {
			q.Limit = p.rowCount()
		}
		p.expectAny("ROW", "ROWS")
		if !p.accept("ONLY") {
			p.expect("WITH", "TIES")
			q.WithTies = true
		}
	}
	// (query) with nothing around it is the query itself.
	if inner, ok := q.Body.(*Query); ok && q.With == nil && q.OrderBy == nil && q.Offset == nil && q.Limit == nil {
		return inner
	}
	return q
}

func (p *parser) rowCount() Expr {
	t := p.tok()
	if p.atSymbol("?") {
		return p.primary()
	}
	if t.kind != tokenInteger {
		p.mismatched("<integer>", "?")
	}
	p.i++
	return &Number{t.Position, t.text, Integer}
}

func (p *parser) with() *With {
	w := &With{Position: p.pos()}
	p.expect("WITH")
	w.Recursive = p.accept("RECURSIVE")
	for {
		c := CommonTable{Position: p.pos(), Name: p.identifier()}
		if p.atSymbol("(") {
			c.Columns = p.identifiers()
		}
		p.expect("AS")
		p.expectSymbol("(")
		c.Query = p.query()
		p.expectSymbol(")")
		w.Queries = append(w.Queries, c)
		if !p.symbol(",") {
			return w
		}
	}
}

// queryBody reads terms joined by UNION and EXCEPT; INTERSECT binds closer.
func (p *parser) queryBody() QueryBody {
	left := p.intersection()
	for p.at("UNION") || p.at("EXCEPT") {
		at := p.pos()
		op := p.advance().upper
		left = p.setOperation(at, op, left, p.intersection)
	}
	return left
}

func (p *parser) intersection() QueryBody {
	left := p.queryTerm()
	for p.at("INTERSECT") {
		at := p.pos()
		p.advance()
		left = p.setOperation(at, "INTERSECT", left, p.queryTerm)
	}
	return left
}

func (p *parser) setOperation(at Position, op string, left QueryBody, right func() QueryBody) QueryBody {
	all := p.accept("ALL")
	if !all {
		p.accept("DISTINCT")
	}
	return &SetOperation{at, op, all, left, right()}
}

func (p *parser) queryTerm() QueryBody {
	defer p.enter()()
	at := p.pos()
	switch {
	case p.at("SELECT"):
		return p.selectBlock()
	case p.accept("VALUES"):
		return &Values{at, p.exprs()}
	case p.accept("TABLE"):
		return &TableQuery{at, p.qualifiedName()}
	case p.symbol("("):
		q := p.query()
		p.expectSymbol(")")
		return q
	}
	p.mismatched("(", "SELECT", "TABLE", "VALUES")
	return nil
}

func (p *parser) selectBlock() *Select {
	s := &Select{Position: p.pos()}
	p.expect("SELECT")
	g := p.Grammar
	if g != nil && g.Select != nil {
		g.Select(&Parser{p}, s)
	}
	if p.accept("DISTINCT") {
		s.Distinct = true
	} else {
		p.accept("ALL")
	}
	for {
		s.Items = append(s.Items, p.selectItem())
		if !p.symbol(",") {
			break
		}
	}
	if p.accept("FROM") {
		for {
			s.From = append(s.From, p.relation())
			if !p.symbol(",") {
				break
			}
		}
	}
	if p.accept("WHERE") {
		s.Where = p.expr()
	}
	if p.at("GROUP") {
		s.GroupBy = p.groupBy()
	}
	clause := func() {
		if g != nil && g.Clause != nil {
			g.Clause(&Parser{p}, s)
		}
	}
	clause()
	if p.accept("HAVING") {
		s.Having = p.expr()
	}
	clause()
	if p.at("WINDOW") && p.isName(1) {
		p.advance()
		for {
			n := NamedWindow{Position: p.pos(), Name: p.identifier()}
			p.expect("AS")
			n.Window = p.windowSpec()
			s.Windows = append(s.Windows, n)
			if !p.symbol(",") {
				break
			}
		}
	}
	return s
}

func (p *parser) selectItem() SelectItem {
	item := SelectItem{Position: p.pos()}
	if p.symbol("*") {
		item.Star = true
		return item
	}
	item.Expr = p.expr()
	if p.atSymbol(".") && p.aheadSymbol(1, "*") {
		p.i += 2
		item.Star = true
		if p.accept("AS") {
			item.Columns = p.identifiers()
		}
		return item
	}
	if p.accept("AS") {
		item.Alias = p.identifierPointer()
	} else if p.isName(0) && !p.clauseAhead() {
		item.Alias = p.identifierPointer()
	}
	return item
}

// clauseAhead reports whether a word that may be a name begins a clause here.
func (p *parser) clauseAhead() bool {
	t, n := p.tok(), p.ahead(1)
	if t.kind != tokenWord {
		return false
	}
	counts := n.kind == tokenInteger || n.kind == tokenSymbol && n.text == "?"
	switch t.upper {
	case "WINDOWED":
		return p.Dialect == Streaming && n.upper == "BY"
	case "LIMIT":
		return counts || p.at("LIMIT", "ALL")
	case "OFFSET":
		return counts
	case "FETCH":
		return p.at("FETCH", "FIRST") || p.at("FETCH", "NEXT")
	case "WINDOW":
		return p.isName(1) && p.ahead(2).upper == "AS"
	case "TABLESAMPLE":
		return p.at("TABLESAMPLE", "BERNOULLI") || p.at("TABLESAMPLE", "SYSTEM")
	}
	return false
}

func (p *parser) groupBy() *GroupBy {
	g := &GroupBy{Position: p.pos()}
	p.expect("GROUP", "BY")
	if p.accept("DISTINCT") {
		g.Distinct = true
	} else {
		p.accept("ALL")
	}
	for {
		e := GroupingElement{Position: p.pos()}
		switch {
		case p.accept("GROUPING", "SETS"):
			e.Kind = GroupSets
			e.Sets = p.groupingSets()
		case p.accept("CUBE"):
			e.Kind = GroupCube
			e.Sets = p.groupingSets()
		case p.accept("ROLLUP"):
			e.Kind = GroupRollup
			e.Sets = p.groupingSets()
		case p.atSymbol("(") && p.aheadSymbol(1, ")"):
			p.i += 2
			e.Sets = [][]Expr{{}}
		default:
			x := p.expr()
			if r, ok := x.(*Row); ok && p.src[r.Offset] == '(' {
				e.Sets = [][]Expr{r.Items}
			} else {
				e.Sets = [][]Expr{{x}}
			}
		}
		g.Elements = append(g.Elements, e)
		if !p.symbol(",") {
			return g
		}
	}
}

// groupingSets reads (set, set, ...), a set being an expression or a list in parentheses.
func (p *parser) groupingSets() [][]Expr {
	p.expectSymbol("(")
	sets := [][]Expr{}
	for !p.atSymbol(")") {
		if p.atSymbol("(") && p.aheadSymbol(1, ")") {
			p.i += 2
			sets = append(sets, []Expr{})
		} else {
			x := p.expr()
			if r, ok := x.(*Row); ok && p.src[r.Offset] == '(' {
				sets = append(sets, r.Items)
			} else {
				sets = append(sets, []Expr{x})
			}
		}
		if !p.symbol(",") {
			break
		}
	}
	p.expectSymbol(")")
	return sets
}

func (p *parser) sortItems() []SortItem {
	var list []SortItem
	for {
		s := SortItem{Position: p.pos(), Expr: p.expr()}
		s.Descending = p.acceptAny("ASC", "DESC") == "DESC"
		if p.accept("NULLS") {
			first := p.expectAny("FIRST", "LAST") == "FIRST"
			s.NullsFirst = &first
		}
		list = append(list, s)
		if !p.symbol(",") {
			return list
		}
	}
}

// relation reads a relation and the joins that follow it.
func (p *parser) relation() Relation {
	defer p.enter()()
	left := p.sampled()
	for {
		at := p.pos()
		j := &Join{Position: at, Left: left}
		switch {
		case p.accept("CROSS", "JOIN"):
			j.Kind = "CROSS"
			j.Right = p.sampled()
			left = j
			continue
		case p.accept("NATURAL"):
			j.Natural = true
		}
		switch {
		case p.accept("JOIN"), p.accept("INNER", "JOIN"):
			j.Kind = "INNER"
		case p.at("LEFT"), p.at("RIGHT"), p.at("FULL"):
			j.Kind = p.advance().upper
			p.accept("OUTER")
			p.expect("JOIN")
		default:
			if j.Natural {
				p.mismatched("JOIN", "INNER", "LEFT", "RIGHT", "FULL")
			}
			return left
		}
		if j.Natural {
			j.Right = p.sampled()
		} else {
			j.Right = p.relation() // A JOIN B JOIN C ON .. ON ..; the usual chain comes back through the loop
			switch {
			case p.accept("ON"):
				j.On = p.expr()
			case p.accept("USING"):
				j.Using = p.identifiers()
			default:
				p.mismatched("ON", "USING")
			}
		}
		left = j
	}
}

func (p *parser) sampled() Relation {
	r := p.aliased()
	if p.at("TABLESAMPLE") {
		s := &SampledRelation{Position: p.pos(), Relation: r}
		p.advance()
		s.Method = p.expectAny("BERNOULLI", "SYSTEM")
		p.expectSymbol("(")
		s.Percent = p.expr()
		p.expectSymbol(")")
		return s
	}
	return r
}

func (p *parser) aliased() Relation {
	at := p.pos()
	r := p.relationPrimary()
	if p.at("MATCH_RECOGNIZE") && p.aheadSymbol(1, "(") {
		p.fail(p.pos(), "MATCH_RECOGNIZE is not supported")
	}
	as := p.accept("AS")
	if !as && (!p.isName(0) || p.clauseAhead()) {
		return r
	}
	a := &AliasedRelation{Position: at, Relation: r, Alias: p.identifier()}
	if p.atSymbol("(") {
		a.Columns = p.identifiers()
	}
	return a
}

func (p *parser) relationPrimary() Relation {
	at := p.pos()
	if g := p.Grammar; g != nil && g.Relation != nil {
		if r := g.Relation(&Parser{p}); r != nil {
			return r
		}
	}
	switch {
	case p.accept("LATERAL"):
		p.expectSymbol("(")
		s := &SubqueryRelation{Position: at, Lateral: true, Query: p.query()}
		p.expectSymbol(")")
		return s
	case p.at("UNNEST"):
		p.advance()
		p.expectSymbol("(")
		u := &Unnest{Position: at, Exprs: p.exprs()}
		p.expectSymbol(")")
		u.Ordinality = p.accept("WITH", "ORDINALITY")
		return u
	case (p.at("JSON_TABLE") || p.at("TABLE")) && p.aheadSymbol(1, "("):
		p.fail(at, "Table function %s is not supported", strings.ToLower(p.tok().text))
	case p.atSymbol("("):
		if p.startsQuery(1) {
			// ((SELECT ..) UNION ..) is a query, ((SELECT ..) a JOIN ..) a relation.
			start, depth, parameters := p.i, p.depth, p.parameters
			var s *SubqueryRelation
			err := p.run(func() {
				p.expectSymbol("(")
				s = &SubqueryRelation{Position: at, Query: p.query()}
				p.expectSymbol(")")
			})
			if err == nil {
				return s
			}
			if !p.aheadSymbol(start-p.i+1, "(") {
				panic(err)
			}
			p.i, p.depth, p.parameters = start, depth, parameters
		}
		p.expectSymbol("(")
		r := p.relation()
		p.expectSymbol(")")
		return r
	}
	t := &Table{Position: at, Name: p.qualifiedName()}
	if p.Dialect != Streaming && p.at("FOR") {
		t.Version = p.tableVersion()
	}
	return t
}

// windowSpec reads ([name] [PARTITION BY] [ORDER BY] [frame]).
func (p *parser) windowSpec() *Window {
	w := &Window{Position: p.pos()}
	p.expectSymbol("(")
	if p.isName(0) && !p.at("PARTITION", "BY") && !p.frameAhead() {
		w.Name = p.identifierPointer()
	}
	if p.accept("PARTITION", "BY") {
		w.PartitionBy = p.exprs()
	}
	if p.accept("ORDER", "BY") {
		w.OrderBy = p.sortItems()
	}
	if g := p.Grammar; g != nil && g.Window != nil {
		g.Window(&Parser{p}, w)
	}
	if p.frameAhead() {
		f := &Frame{Position: p.pos(), Unit: p.advance().upper}
		if p.accept("BETWEEN") {
			f.Start = p.frameBound()
			p.expect("AND")
			f.End = p.frameBound()
		} else {
			f.Start = p.frameBound()
		}
		w.Frame = f
	}
	p.expectSymbol(")")
	return w
}

func (p *parser) frameAhead() bool {
	return (p.at("ROWS") || p.at("RANGE") || p.at("GROUPS")) && !p.aheadSymbol(1, ")")
}

func (p *parser) frameBound() FrameBound {
	if p.accept("CURRENT", "ROW") {
		return FrameBound{Kind: "CURRENT ROW"}
	}
	if p.accept("UNBOUNDED") {
		return FrameBound{Kind: "UNBOUNDED " + p.expectAny("PRECEDING", "FOLLOWING")}
	}
	v := p.expr()
	return FrameBound{Kind: p.expectAny("PRECEDING", "FOLLOWING"), Value: v}
}

// parseType reads a type of Trino's.
func (p *parser) parseType() *Type {
	defer p.enter()()
	t := &Type{Position: p.pos()}
	if !p.isName(0) {
		p.mismatched("<type>")
	}
	t.Name = strings.ToLower(p.advance().text)
	switch t.Name {
	case "double":
		p.accept("PRECISION")
	case "int":
		t.Name = "integer"
	case "dec", "numeric":
		t.Name = "decimal"
	case "string":
		t.Name = "varchar" // Athena takes Hive's name too
	case "interval":
		if p.Dialect == Streaming {
			return p.anyInterval(t)
		}
		from := p.expectAny("YEAR", "DAY")
		p.expect("TO")
		if from == "YEAR" {
			p.expect("MONTH")
			t.Name = "interval year to month"
		} else {
			p.expect("SECOND")
			t.Name = "interval day to second"
		}
		return t
	case "row", "struct":
		if p.symbol("(") {
			t.Name = "row"
			for {
				t.Fields = append(t.Fields, p.rowField())
				if !p.symbol(",") {
					break
				}
			}
			p.expectSymbol(")")
			return t
		}
	}
	switch {
	case p.symbol("<"): // the old spelling: array<bigint>
		p.typeArgs(t)
		p.expectSymbol(">")
	case p.atSymbol("("):
		p.expectSymbol("(")
		if p.tok().kind == tokenInteger {
			t.Params = append(t.Params, p.integer())
			for p.symbol(",") {
				t.Params = append(t.Params, p.integer())
			}
		} else {
			p.typeArgs(t)
		}
		p.expectSymbol(")")
	}
	if t.Name == "timestamp" || t.Name == "time" {
		if p.accept("WITH", "TIME", "ZONE") {
			t.Name += " with time zone"
		} else {
			p.accept("WITHOUT", "TIME", "ZONE")
		}
	}
	for p.accept("ARRAY") {
		t = &Type{Position: t.Position, Name: "array", Args: []*Type{t}}
	}
	return t
}

// anyInterval reads the unit or units of an interval type of the standard's.
func (p *parser) anyInterval(t *Type) *Type {
	from := p.intervalUnit()
	to := from
	if p.accept("TO") {
		to = p.intervalUnit()
	}
	t.Name, t.Units = "interval day to second", [2]string{from, to}
	if from == "YEAR" || from == "MONTH" {
		t.Name = "interval year to month"
	}
	if (to == "YEAR" || to == "MONTH") != (from == "YEAR" || from == "MONTH") {
		p.fail(t.Position, "An interval cannot go from %s to %s", from, to)
	}
	return t
}

func (p *parser) typeArgs(t *Type) {
	t.Args = append(t.Args, p.parseType())
	for p.symbol(",") {
		t.Args = append(t.Args, p.parseType())
	}
}

// rowField reads "name type" or "type".
func (p *parser) rowField() RowField {
	n := p.ahead(1)
	named := n.kind == tokenWord && !reserved[n.upper] && n.upper != "ARRAY" ||
		n.upper == "ARRAY" && p.aheadSymbol(2, "(") || n.upper == "ARRAY" && p.aheadSymbol(2, "<")
	if p.at("DOUBLE", "PRECISION") || p.at("INTERVAL", "YEAR", "TO") || p.at("INTERVAL", "DAY", "TO") {
		named = false
	}
	if !named {
		return RowField{Type: p.parseType()}
	}
	name := p.identifier()
	return RowField{&name, p.parseType()}
}

// tableVersion is FOR TIMESTAMP AS OF a time, or FOR VERSION AS OF a number or name.
func (p *parser) tableVersion() *TableVersion {
	v := &TableVersion{Position: p.pos()}
	p.expect("FOR")
	switch v.Kind = p.expectAny("TIMESTAMP", "VERSION", "SYSTEM_TIME", "SYSTEM_VERSION"); v.Kind {
	case "SYSTEM_TIME":
		v.Kind = "TIMESTAMP"
	case "SYSTEM_VERSION":
		v.Kind = "VERSION"
	}
	p.expect("AS", "OF")
	v.Point = p.concat()
	return v
}
