package sql

// The functions of SQL/JSON, whose arguments have a grammar of their own.

// JSONQuery is json_exists, json_value or json_query.
type JSONQuery struct {
	Position
	Function  string // lower case
	Input     JSONValue
	Path      string
	Passing   []JSONArgument
	Returning *Type // nil: not said
	Wrapper   string
	Quotes    string
	OnEmpty   *JSONBehavior
	OnError   *JSONBehavior
}

// What a JSONQuery does with several items and with the quotes of one text; empty where
// nothing is said.
const (
	WithoutWrapper     = "WITHOUT WRAPPER"
	WithWrapper        = "WITH UNCONDITIONAL WRAPPER"
	WithWrapperMaybe   = "WITH CONDITIONAL WRAPPER"
	KeepQuotes         = "KEEP QUOTES"
	OmitQuotes         = "OMIT QUOTES"
	behaviorDefault    = "DEFAULT"
	behaviorEmptyArray = "EMPTY ARRAY"
)

// JSONValue is an expression, FORMAT JSON saying that its text is JSON.
type JSONValue struct {
	Expr   Expr
	Format bool
}

// JSONArgument is value AS name of PASSING.
type JSONArgument struct {
	Value JSONValue
	Name  Identifier
}

// JSONBehavior is what comes before ON EMPTY or ON ERROR: NULL, ERROR, DEFAULT with its
// value, EMPTY ARRAY, EMPTY OBJECT, TRUE, FALSE or UNKNOWN.
type JSONBehavior struct {
	Kind  string
	Value Expr
}

// JSONConstructor is json_object or json_array.
type JSONConstructor struct {
	Position
	Function  string // lower case
	Members   []JSONMember
	Absent    bool // members of null are left out: of arrays unless said otherwise
	Unique    bool // WITH UNIQUE KEYS
	Returning *Type
}

// JSONMember is a member of an object, or with a nil Key an element of an array.
type JSONMember struct {
	Key   Expr
	Value JSONValue
}

func (*JSONQuery) expr()       {}
func (*JSONConstructor) expr() {}

func (p *parser) jsonValue() JSONValue {
	return JSONValue{p.expr(), p.jsonFormat()}
}

// jsonFormat takes FORMAT JSON [ENCODING ..]; other encodings than UTF-8 are not known.
func (p *parser) jsonFormat() bool {
	if !p.accept("FORMAT", "JSON") {
		return false
	}
	if p.accept("ENCODING") {
		p.expectAny("UTF8")
	}
	return true
}

func (p *parser) jsonReturning() *Type {
	if !p.accept("RETURNING") {
		return nil
	}
	t := p.parseType()
	p.jsonFormat()
	return t
}

// jsonQuery reads json_exists, json_value and json_query.
func (p *parser) jsonQuery(function string) Expr {
	q := &JSONQuery{Position: p.pos(), Function: function}
	p.advance()
	p.expectSymbol("(")
	q.Input = p.jsonValue()
	p.expectSymbol(",")
	q.Path = p.stringLiteral()
	if p.accept("PASSING") {
		for {
			a := JSONArgument{Value: p.jsonValue()}
			p.expect("AS")
			a.Name = p.identifier()
			q.Passing = append(q.Passing, a)
			if !p.symbol(",") {
				break
			}
		}
	}
	if function != "json_exists" {
		q.Returning = p.jsonReturning()
	}
	if function == "json_query" {
		switch {
		case p.accept("WITHOUT"):
			p.accept("ARRAY")
			p.expect("WRAPPER")
			q.Wrapper = WithoutWrapper
		case p.accept("WITH"):
			q.Wrapper = WithWrapper
			if p.acceptAny("CONDITIONAL", "UNCONDITIONAL") == "CONDITIONAL" {
				q.Wrapper = WithWrapperMaybe
			}
			p.accept("ARRAY")
			p.expect("WRAPPER")
		}
		if w := p.acceptAny("KEEP", "OMIT"); w != "" {
			p.expect("QUOTES")
			q.Quotes = w + " QUOTES"
			p.accept("ON", "SCALAR", "STRING")
		}
	}
	for !p.atSymbol(")") {
		b := p.jsonBehavior()
		p.expect("ON")
		if w := p.expectAny("EMPTY", "ERROR"); w == "EMPTY" && q.OnEmpty == nil && q.OnError == nil && function != "json_exists" {
			q.OnEmpty = b
		} else if w == "ERROR" && q.OnError == nil {
			q.OnError = b
		} else {
			p.fail(p.pos(), "mismatched input. The clauses are ON EMPTY, then ON ERROR, once each")
		}
	}
	p.expectSymbol(")")
	return q
}

func (p *parser) jsonBehavior() *JSONBehavior {
	w := p.expectAny("NULL", "ERROR", "DEFAULT", "EMPTY", "TRUE", "FALSE", "UNKNOWN")
	switch w {
	case behaviorDefault:
		return &JSONBehavior{w, p.expr()}
	case "EMPTY":
		w = behaviorEmptyArray
		if p.acceptAny("ARRAY", "OBJECT") == "OBJECT" {
			w = "EMPTY OBJECT"
		}
	}
	return &JSONBehavior{Kind: w}
}

// jsonConstructor reads json_object and json_array.
func (p *parser) jsonConstructor(function string) Expr {
	c := &JSONConstructor{Position: p.pos(), Function: function, Absent: function == "json_array"}
	p.advance()
	p.expectSymbol("(")
	ends := func() bool {
		return p.atSymbol(")") || p.at("NULL", "ON") || p.at("ABSENT", "ON") || p.at("RETURNING") || p.at("WITH", "UNIQUE") || p.at("WITHOUT", "UNIQUE")
	}
	for !ends() {
		m := JSONMember{}
		if function == "json_object" {
			key := p.at("KEY") && !p.aheadSymbol(1, ":") && !p.ahead(1).is("VALUE")
			if key {
				p.advance()
			}
			m.Key = p.expr()
			if key || !p.atSymbol(":") {
				p.expect("VALUE")
			} else {
				p.expectSymbol(":")
			}
		}
		m.Value = p.jsonValue()
		c.Members = append(c.Members, m)
		if !p.symbol(",") {
			break
		}
	}
	if w := p.acceptAny("NULL", "ABSENT"); w != "" {
		p.expect("ON", "NULL")
		c.Absent = w == "ABSENT"
	}
	if function == "json_object" {
		if w := p.acceptAny("WITH", "WITHOUT"); w != "" {
			p.expect("UNIQUE")
			p.accept("KEYS")
			c.Unique = w == "WITH"
		}
	}
	c.Returning = p.jsonReturning()
	p.expectSymbol(")")
	return c
}

func (t *token) is(word string) bool { return t.kind == tokenWord && t.upper == word }

func (w *printer) jsonValue(v JSONValue) {
	w.expr(v.Expr, 0)
	if v.Format {
		w.text(" FORMAT JSON")
	}
}

func (w *printer) jsonReturning(t *Type) {
	if t != nil {
		w.text(" RETURNING ")
		w.typ(t)
	}
}

func (w *printer) jsonQuery(q *JSONQuery) {
	w.text(q.Function, "(")
	w.jsonValue(q.Input)
	w.text(", ", quoteString(q.Path))
	for i, a := range q.Passing {
		w.text([]string{", ", " PASSING "}[boolInt(i == 0)])
		w.jsonValue(a.Value)
		w.text(" AS ")
		w.ident(a.Name)
	}
	w.jsonReturning(q.Returning)
	for _, s := range []string{q.Wrapper, q.Quotes} {
		if s != "" {
			w.text(" ", s)
		}
	}
	behavior := func(b *JSONBehavior, on string) {
		if b == nil {
			return
		}
		w.text(" ", b.Kind)
		if b.Value != nil {
			w.text(" ")
			w.expr(b.Value, 0)
		}
		w.text(on)
	}
	behavior(q.OnEmpty, " ON EMPTY")
	behavior(q.OnError, " ON ERROR")
	w.text(")")
}

func (w *printer) jsonConstructor(c *JSONConstructor) {
	w.text(c.Function, "(")
	for i, m := range c.Members {
		if i > 0 {
			w.text(", ")
		}
		if m.Key != nil {
			w.text("KEY ")
			w.expr(m.Key, 0)
			w.text(" VALUE ")
		}
		w.jsonValue(m.Value)
	}
	if c.Absent != (c.Function == "json_array") {
		w.text([]string{" NULL ON NULL", " ABSENT ON NULL"}[boolInt(c.Absent)])
	}
	if c.Unique {
		w.text(" WITH UNIQUE KEYS")
	}
	w.jsonReturning(c.Returning)
	w.text(")")
}
