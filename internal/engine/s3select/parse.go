package s3select

import (
	"strconv"
	"strings"
	"time"
)

// expr is an expression as a function of a row.
type expr func(row Value) (Value, error)

type item struct {
	name  string
	value expr
}

// step of a path: a name, a place in a list, or all of a list.
type step struct {
	name   string
	quoted bool // the name is as it is written
	place  bool
	at     int
	all    bool
}

type parser struct {
	tokens []token
	i      int
	depth  int
	q      *Query
	now    time.Time
	json   bool
	within bool // an aggregate
	plain  bool // something outside of aggregates names a column

	// named is the path that was read last: its last name, and where it is.
	named struct {
		name     string
		from, to int
	}
}

// maxDepth is how deep expressions may be nested.
const maxDepth = 250

// Parse reads a statement for an input. now is the time that UTCNOW tells.
func Parse(statement string, in Input, now time.Time) (*Query, error) {
	if len(statement) > MaxExpression {
		return nil, fail("ExpressionTooLong", "The SQL expression is too long: The maximum byte-length for the SQL expression is 256 KB.")
	}
	tokens, err := lex(statement)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, q: &Query{limit: -1}, now: now, json: in.Format == "JSON"}
	if err := p.statement(); err != nil {
		return nil, err
	}
	return p.q, nil
}

func (p *parser) peek() token { return p.tokens[p.i] }
func (p *parser) next() token {
	t := p.tokens[p.i]
	if t.kind != tokenEnd {
		p.i++
	}
	return t
}

func (p *parser) take(words ...string) bool {
	for i, w := range words {
		if p.i+i >= len(p.tokens) || !p.tokens[p.i+i].is(w) {
			return false
		}
	}
	p.i += len(words)
	return true
}

func (p *parser) want(word string) error {
	if !p.take(word) {
		code := "ParseExpectedKeyword"
		switch word {
		case "(":
			code = "ParseExpectedLeftParenAfterCast"
		case ")":
			code = "ParseExpectedTokenType"
		}
		return fail(code, "Did not find the expected %s in the SQL expression%s.", word, p.where())
	}
	return nil
}

func (p *parser) where() string {
	t := p.peek()
	if t.kind == tokenEnd {
		return " at its end"
	}
	return " at position " + strconv.Itoa(t.at+1) + ": " + strconv.Quote(t.text)
}

func (p *parser) unexpected() error {
	return fail("ParseUnexpectedToken", "The SQL expression contains an unexpected token%s.", p.where())
}

func (p *parser) statement() error {
	if !p.take("SELECT") {
		return fail("ParseUnsupportedToken", "The SQL expression must begin with SELECT%s.", p.where())
	}
	// FROM names what the list refers to, so it is read first.
	list := p.i
	for depth := 0; ; p.i++ {
		t := p.peek()
		if t.kind == tokenEnd {
			return fail("ParseSelectMissingFrom", "The SQL expression contains a missing FROM after SELECT list.")
		}
		if t.is("(") {
			depth++
		} else if t.is(")") {
			depth--
		} else if depth == 0 && t.is("FROM") {
			break
		}
	}
	from := p.i
	if err := p.from(); err != nil {
		return err
	}
	after := p.i
	p.i = list
	if err := p.list(from); err != nil {
		return err
	}
	p.i = after
	return p.rest()
}

func (p *parser) from() error {
	p.i++
	t := p.next()
	if t.kind != tokenWord || !strings.EqualFold(t.text, "S3Object") {
		return fail("InvalidDataSource", "Invalid data source type. Only CSV, JSON, and Parquet are supported: FROM must name S3Object.")
	}
	path, err := p.path()
	if err != nil {
		return err
	}
	if len(path) > 0 && path[0].all {
		path = path[1:]
	}
	if len(path) > 0 && !p.json {
		return fail("InvalidTableAlias", "The SQL expression contains a path in FROM, which only JSON has.")
	}
	p.q.from = path
	if len(path) > 0 && !path[len(path)-1].all && !path[len(path)-1].place {
		p.q.alias = path[len(path)-1].name
	}
	as := p.take("AS")
	if t := p.peek(); t.kind == tokenQuoted || t.kind == tokenWord && !keywords[strings.ToUpper(t.text)] {
		p.q.alias = p.next().text
	} else if as {
		return fail("ParseExpectedIdentForAlias", "Did not find the expected identifier for the alias in the SQL expression%s.", p.where())
	}
	if t := p.peek(); t.is(",") || t.is("JOIN") || t.is("INNER") || t.is("LEFT") || t.is("CROSS") {
		return fail("UnsupportedSqlStructure", "We encountered an unsupported SQL structure. Check the SQL Reference: joins are not supported.")
	}
	return nil
}

func (p *parser) path() ([]step, error) {
	var path []step
	for {
		switch {
		case p.take("."):
			switch t := p.next(); {
			case t.is("*"):
				path = append(path, step{all: true})
			case t.kind == tokenWord || t.kind == tokenQuoted:
				path = append(path, step{name: t.text, quoted: t.kind == tokenQuoted})
			default:
				p.i--
				return nil, fail("ParseInvalidPathComponent", "The SQL expression contains an invalid path component%s.", p.where())
			}
		case p.take("["):
			switch t := p.next(); {
			case t.is("*"):
				path = append(path, step{all: true})
			case t.kind == tokenNumber:
				n, err := strconv.Atoi(t.text)
				if err != nil {
					return nil, fail("ParseInvalidPathComponent", "The SQL expression contains an invalid path component: %s.", t.text)
				}
				path = append(path, step{place: true, at: n})
			case t.kind == tokenString:
				path = append(path, step{name: t.text, quoted: true})
			default:
				p.i--
				return nil, fail("ParseInvalidPathComponent", "The SQL expression contains an invalid path component%s.", p.where())
			}
			if !p.take("]") {
				return nil, fail("ParseExpectedTokenType", "Did not find the expected right bracket in the SQL expression%s.", p.where())
			}
		default:
			return path, nil
		}
		if len(path) > maxDepth {
			return nil, fail("InvalidKeyPath", "Key path in the SQL expression is invalid: it is too long.")
		}
	}
}

// list reads what is selected, up to the token at end.
func (p *parser) list(end int) error {
	if p.take("*") || p.star() {
		if p.i != end {
			return fail("ParseAsteriskIsNotAloneInSelectList", "Other expressions are not allowed in the SELECT list when '*' is used without dot notation in the SQL expression.")
		}
		return nil
	}
	for n := 1; ; n++ {
		if p.i >= end {
			return fail("ParseExpectedExpression", "Did not find the expected SQL expression%s.", p.where())
		}
		start := p.i
		e, err := p.expression()
		if err != nil {
			return err
		}
		it := item{"_" + strconv.Itoa(n), e}
		if p.named.name != "" && p.named.from == start && p.named.to == p.i {
			it.name = p.named.name
		}
		as := p.take("AS")
		if t := p.peek(); p.i < end && (t.kind == tokenWord || t.kind == tokenQuoted) {
			it.name = p.next().text
		} else if as {
			return fail("ParseExpectedIdentForAlias", "Did not find the expected identifier for the alias in the SQL expression%s.", p.where())
		}
		p.q.items = append(p.q.items, it)
		if p.i == end {
			break
		}
		if !p.take(",") {
			return p.unexpected()
		}
	}
	if len(p.q.groups) > 0 && p.plain {
		return fail("UnsupportedSqlStructure", "We encountered an unsupported SQL structure. Check the SQL Reference: columns next to aggregates are not supported.")
	}
	return nil
}

// star reads "s.*".
func (p *parser) star() bool {
	if t := p.peek(); (t.kind == tokenWord || t.kind == tokenQuoted) && p.isRow(t) && p.tokens[p.i+1].is(".") && p.tokens[p.i+2].is("*") {
		p.i += 3
		return true
	}
	return false
}

func (p *parser) rest() (err error) {
	if p.take("WHERE") {
		p.within = true // aggregates are not allowed, and columns are not of the list
		if p.q.where, err = p.expression(); err != nil {
			return err
		}
	}
	if p.take("LIMIT") {
		t := p.next()
		if t.is("-") {
			return fail("EvaluatorNegativeLimit", "LIMIT must not be negative.")
		}
		if t.kind != tokenNumber {
			p.i--
			return fail("ParseExpectedNumber", "Did not find the expected number in the SQL expression%s.", p.where())
		}
		if p.q.limit, err = strconv.ParseInt(t.text, 10, 64); err != nil {
			return fail("ParseExpectedNumber", "The limit %s is not a whole number.", t.text)
		}
	}
	p.take(";")
	switch t := p.peek(); {
	case t.kind == tokenEnd:
		return nil
	case t.is("GROUP") || t.is("ORDER") || t.is("HAVING") || t.is("UNION") || t.is("OFFSET"):
		return fail("ParseUnsupportedSyntax", "The SQL expression contains unsupported syntax: %s.", strings.ToUpper(t.text))
	}
	return p.unexpected()
}

// keywords cannot be aliases without quotes.
var keywords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields("SELECT FROM WHERE LIMIT AS AND OR NOT IN LIKE BETWEEN IS NULL MISSING CASE WHEN THEN ELSE END ESCAPE GROUP ORDER HAVING UNION JOIN INNER LEFT CROSS OFFSET BY TRUE FALSE CAST") {
		m[w] = true
	}
	return m
}()

func (p *parser) expression() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fail("UnsupportedSqlStructure", "The SQL expression is nested too deeply.")
	}
	defer func() { p.depth-- }()
	return p.or()
}

func (p *parser) or() (expr, error) {
	a, err := p.and()
	if err != nil || !p.peek().is("OR") {
		return a, err
	}
	all := []expr{a}
	for p.take("OR") {
		if a, err = p.and(); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return logic(all, true), nil
}

func (p *parser) and() (expr, error) {
	a, err := p.not()
	if err != nil || !p.peek().is("AND") {
		return a, err
	}
	all := []expr{a}
	for p.take("AND") {
		if a, err = p.not(); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return logic(all, false), nil
}

// logic is OR, where one that is end decides, or AND. What is unknown stays so unless another decides.
func logic(all []expr, end bool) expr {
	return func(row Value) (Value, error) {
		unknown := false
		for _, e := range all {
			v, err := e(row)
			if err != nil {
				return v, err
			}
			b, ok := v.asBool()
			if !ok {
				unknown = true
			} else if b.isTrue() == end {
				return b, nil
			}
		}
		if unknown {
			return null, nil
		}
		return boolean(!end), nil
	}
}

func (p *parser) not() (expr, error) {
	negate := false
	for p.take("NOT") {
		negate = !negate
	}
	e, err := p.comparison()
	if err != nil || !negate {
		return e, err
	}
	return negated(e), nil
}

func negated(e expr) expr {
	return func(row Value) (Value, error) {
		v, err := e(row)
		if b, ok := v.asBool(); ok && err == nil {
			return boolean(!b.isTrue()), nil
		}
		return null, err
	}
}

// two makes an expression of two others; where one is absent, so is the result.
func two(a, b expr, f func(x, y Value) (Value, error)) expr {
	return func(row Value) (Value, error) {
		x, err := a(row)
		if err != nil {
			return x, err
		}
		y, err := b(row)
		if err != nil {
			return y, err
		}
		if x.absent() || y.absent() {
			return null, nil
		}
		return f(x, y)
	}
}

var signs = map[string]func(int) bool{
	"=": func(c int) bool { return c == 0 }, "<>": func(c int) bool { return c != 0 }, "!=": func(c int) bool { return c != 0 },
	"<": func(c int) bool { return c < 0 }, "<=": func(c int) bool { return c <= 0 },
	">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
}

func comparing(a, b expr, sign string) expr {
	holds := signs[sign]
	return two(a, b, func(x, y Value) (Value, error) {
		c, ok := compare(x, y)
		if !ok { // of values that cannot be compared, none equals another
			return boolean(sign == "<>" || sign == "!="), nil
		}
		return boolean(holds(c)), nil
	})
}

func (p *parser) comparison() (expr, error) {
	a, err := p.sum()
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		if t.kind == tokenSign && signs[t.text] != nil {
			p.i++
			b, err := p.sum()
			if err != nil {
				return nil, err
			}
			a = comparing(a, b, t.text)
			continue
		}
		if p.take("IS") {
			negate := p.take("NOT")
			missing := p.take("MISSING")
			if !missing && !p.take("NULL") {
				return nil, p.unexpected()
			}
			x := a
			a = func(row Value) (Value, error) {
				v, err := x(row)
				is := v.k == kindMissing || !missing && v.k == kindNull
				return boolean(is != negate), err
			}
			continue
		}
		negate := t.is("NOT")
		if negate {
			p.i++
		}
		var e expr
		switch {
		case p.take("IN"):
			e, err = p.in(a)
		case p.take("BETWEEN"):
			e, err = p.between(a)
		case p.take("LIKE"):
			e, err = p.like(a)
		default:
			if negate {
				return nil, p.unexpected()
			}
			return a, nil
		}
		if err != nil {
			return nil, err
		}
		if a = e; negate {
			a = negated(e)
		}
	}
}

func (p *parser) in(a expr) (expr, error) {
	brackets := p.take("[")
	if !brackets && !p.take("(") {
		return nil, fail("ParseExpectedLeftParenValueConstructor", "Did not find the expected left parenthesis in the SQL expression%s.", p.where())
	}
	all, err := p.arguments(map[bool]string{true: "]", false: ")"}[brackets])
	if err != nil {
		return nil, err
	}
	for i, e := range all {
		all[i] = comparing(a, e, "=")
	}
	return logic(all, true), nil
}

// arguments reads expressions up to what closes them.
func (p *parser) arguments(end string) (all []expr, err error) {
	if p.take(end) {
		return nil, nil
	}
	for {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
		if p.take(end) {
			return all, nil
		}
		if !p.take(",") {
			return nil, fail("ParseExpectedArgumentDelimiter", "Did not find the expected argument delimiter in the SQL expression%s.", p.where())
		}
	}
}

func (p *parser) between(a expr) (expr, error) {
	low, err := p.sum()
	if err != nil {
		return nil, err
	}
	if err := p.want("AND"); err != nil {
		return nil, err
	}
	high, err := p.sum()
	if err != nil {
		return nil, err
	}
	return logic([]expr{comparing(a, low, ">="), comparing(a, high, "<=")}, false), nil
}

func (p *parser) like(a expr) (expr, error) {
	pattern, err := p.sum()
	if err != nil {
		return nil, err
	}
	escape := func(Value) (Value, error) { return text(""), nil }
	if p.take("ESCAPE") {
		if escape, err = p.sum(); err != nil {
			return nil, err
		}
	}
	return func(row Value) (Value, error) {
		v, err := a(row)
		if err != nil {
			return v, err
		}
		w, err := pattern(row)
		if err != nil {
			return w, err
		}
		e, err := escape(row)
		if err != nil {
			return e, err
		}
		switch {
		case v.absent() || w.absent() || e.absent():
			return null, nil
		case v.k != kindString || w.k != kindString || e.k != kindString:
			return Value{}, fail("LikeInvalidInputs", "Invalid argument given to the LIKE clause in the SQL expression: it must be of strings.")
		}
		ok, err := like(v.s, w.s, e.s)
		return boolean(ok), err
	}, nil
}

func (p *parser) sum() (expr, error) {
	a, err := p.product()
	for err == nil {
		t := p.peek()
		if !t.is("+") && !t.is("-") && !t.is("||") {
			return a, nil
		}
		p.i++
		var b expr
		if b, err = p.product(); err == nil {
			a = two(a, b, operators[t.text])
		}
	}
	return nil, err
}

func (p *parser) product() (expr, error) {
	a, err := p.unary()
	for err == nil {
		t := p.peek()
		if !t.is("*") && !t.is("/") && !t.is("%") {
			return a, nil
		}
		p.i++
		var b expr
		if b, err = p.unary(); err == nil {
			a = two(a, b, operators[t.text])
		}
	}
	return nil, err
}

func (p *parser) unary() (expr, error) {
	negate := false
	for p.peek().is("-") || p.peek().is("+") {
		negate = negate != p.next().is("-")
	}
	e, err := p.primary()
	if err != nil || !negate {
		return e, err
	}
	return two(constant(integer(0)), e, operators["-"]), nil
}

func constant(v Value) expr { return func(Value) (Value, error) { return v, nil } }
