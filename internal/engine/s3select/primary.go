package s3select

import (
	"strconv"
	"strings"
)

// primary reads a literal, a path, a function or what is in parentheses.
func (p *parser) primary() (expr, error) {
	t := p.next()
	switch t.kind {
	case tokenNumber:
		v, ok := number(t.text)
		if !ok {
			return nil, fail("LexerInvalidLiteral", "The SQL expression contains an invalid literal: %s.", t.text)
		}
		return constant(v), nil
	case tokenString:
		return constant(text(t.text)), nil
	case tokenTime:
		v, ok := parseTime(t.text)
		if !ok {
			return nil, fail("LexerInvalidIONLiteral", "The SQL expression contains an invalid literal: %s.", t.text)
		}
		return constant(v), nil
	case tokenQuoted:
		return p.column(t)
	case tokenSign:
		if t.text == "(" {
			e, err := p.expression()
			if err != nil {
				return nil, err
			}
			if p.peek().is(",") {
				return nil, fail("ParseUnsupportedSyntax", "The SQL expression contains unsupported syntax: a list of values.")
			}
			return e, p.want(")")
		}
		p.i--
		if t.text == ")" || t.text == "," || t.text == ";" {
			return nil, fail("ParseExpectedExpression", "Did not find the expected SQL expression%s.", p.where())
		}
		return nil, p.unexpected()
	case tokenEnd:
		return nil, fail("ParseExpectedExpression", "Did not find the expected SQL expression%s.", p.where())
	}
	word := strings.ToUpper(t.text)
	switch word {
	case "TRUE", "FALSE":
		return constant(boolean(word == "TRUE")), nil
	case "NULL":
		return constant(null), nil
	case "MISSING":
		return constant(Value{}), nil
	case "CASE":
		return p.cases()
	case "SELECT":
		return nil, fail("UnsupportedSqlStructure", "We encountered an unsupported SQL structure. Check the SQL Reference: subqueries are not supported.")
	}
	if p.peek().is("(") {
		return p.call(word)
	}
	if keywords[word] {
		p.i--
		return nil, fail("ParseExpectedExpression", "Did not find the expected SQL expression%s.", p.where())
	}
	return p.column(t)
}

// isRow reports whether a name is that of the row.
func (p *parser) isRow(t token) bool {
	if p.q.alias != "" && (t.text == p.q.alias || t.kind == tokenWord && strings.EqualFold(t.text, p.q.alias)) {
		return true
	}
	return t.kind == tokenWord && strings.EqualFold(t.text, "s3object") || p.json && t.text == "_1"
}

// column reads a path that begins with a name.
func (p *parser) column(t token) (expr, error) {
	p.plain = p.plain || !p.within
	from := p.i - 1
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if !p.isRow(t) {
		path = append([]step{{name: t.text, quoted: t.kind == tokenQuoted}}, path...)
	}
	p.named.from, p.named.to, p.named.name = from, p.i, ""
	if len(path) > 0 {
		p.named.name = path[len(path)-1].name
	} else if !(p.json && t.text == "_1") {
		p.named.name = t.text
	}
	for _, s := range path {
		if s.all {
			return nil, fail("ParseUnsupportedSyntax", "The SQL expression contains unsupported syntax: a wildcard in a path outside of FROM.")
		}
	}
	if p.json || len(path) == 0 {
		return func(row Value) (Value, error) {
			for _, s := range path {
				row = s.of(row)
			}
			return row, nil
		}, nil
	}
	first, rest := path[0], path[1:]
	at, names := -1, ""
	return func(row Value) (Value, error) {
		if row.k != kindStruct || len(row.x.names) == 0 {
			return Value{}, nil
		}
		// Columns are where they were in the last row, where it was of the same ones.
		if of := row.x.names; at < 0 || at >= len(of) || of[at] != names {
			var err error
			if at, err = columnOf(of, first); err != nil {
				return Value{}, err
			}
			if names = ""; at < len(of) {
				names = of[at]
			}
		}
		if at >= len(row.x.list) {
			return Value{}, nil
		}
		v := row.x.list[at]
		for _, s := range rest {
			v = s.of(v)
		}
		return v, nil
	}, nil
}

// columnOf finds a column by its name, or by its place: _1.
func columnOf(names []string, s step) (int, error) {
	found := -1
	for i, n := range names {
		if n == s.name {
			return i, nil
		}
		if !s.quoted && strings.EqualFold(n, s.name) {
			if found >= 0 {
				return 0, fail("AmbiguousFieldName", "Field name matches to multiple fields in the file. Check the SQL expression and the file: %s", s.name)
			}
			found = i
		}
	}
	if found >= 0 {
		return found, nil
	}
	if digits, ok := strings.CutPrefix(s.name, "_"); ok {
		if n, err := strconv.Atoi(digits); err == nil && n > 0 {
			if n > len(names) && n > maxColumns {
				return 0, fail("InvalidColumnIndex", "The column index in the SQL expression is invalid: %s", s.name)
			}
			return n - 1, nil
		}
	}
	return 0, fail("MissingHeaders", "Some headers in the query are missing from the file. Check the file and try again: %s", s.name)
}

// of is what a step leads to.
func (s step) of(v Value) Value {
	switch {
	case s.place:
		if v.k == kindList && s.at < len(v.x.list) {
			return v.x.list[s.at]
		}
	case v.k == kindStruct:
		found := -1
		for i, n := range v.x.names {
			if n == s.name {
				return v.x.list[i]
			}
			if found < 0 && !s.quoted && strings.EqualFold(n, s.name) {
				found = i
			}
		}
		if found >= 0 {
			return v.x.list[found]
		}
	}
	return Value{}
}

func (p *parser) cases() (expr, error) {
	var subject expr
	var err error
	if !p.peek().is("WHEN") {
		if subject, err = p.expression(); err != nil {
			return nil, err
		}
	}
	var when, then []expr
	for p.take("WHEN") {
		c, err := p.expression()
		if err != nil {
			return nil, err
		}
		if subject != nil {
			c = comparing(subject, c, "=")
		}
		if !p.take("THEN") {
			return nil, fail("ParseExpectedKeyword", "Did not find the expected THEN in the SQL expression%s.", p.where())
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		when, then = append(when, c), append(then, v)
	}
	if len(when) == 0 {
		return nil, fail("ParseExpectedWhenClause", "Did not find the expected WHEN clause in CASE in the SQL expression%s.", p.where())
	}
	other := constant(null)
	if p.take("ELSE") {
		if other, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if err := p.want("END"); err != nil {
		return nil, err
	}
	return func(row Value) (Value, error) {
		for i, c := range when {
			v, err := c(row)
			if err != nil {
				return v, err
			}
			if b, ok := v.asBool(); ok && b.isTrue() {
				return then[i](row)
			}
		}
		return other(row)
	}, nil
}

// call reads a function's arguments; its name has been read.
func (p *parser) call(name string) (expr, error) {
	p.i++
	switch name {
	case "COUNT", "SUM", "AVG", "MIN", "MAX":
		return p.aggregate(name)
	case "CAST":
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.want("AS"); err != nil {
			return nil, err
		}
		t := p.next()
		to := strings.ToLower(t.text)
		if t.kind != tokenWord || casts[to] == nil {
			p.i--
			return nil, fail("ParseExpectedTypeName", "Did not find the expected type name in the SQL expression%s.", p.where())
		}
		if p.take("(") { // of a precision, which decimals need not have
			if _, err := p.arguments(")"); err != nil {
				return nil, err
			}
		}
		return one(e, casts[to]), p.want(")")
	case "TRIM":
		return p.trim()
	case "EXTRACT":
		unit := strings.ToLower(p.next().text)
		if _, ok := extract(unit, p.now); !ok {
			p.i--
			return nil, fail("ParseExpectedDatePart", "Did not find the expected date part in the SQL expression%s.", p.where())
		}
		if err := p.want("FROM"); err != nil {
			return nil, err
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		return one(e, func(v Value) (Value, error) {
			t, ok := v.asTime()
			if !ok {
				return t, invalidArguments("EXTRACT")
			}
			n, _ := extract(unit, t.x.t)
			return integer(n), nil
		}), p.want(")")
	case "DATE_ADD", "DATE_DIFF":
		unit := strings.ToLower(p.next().text)
		if units[unit] == 0 {
			p.i--
			return nil, fail("ParseExpectedDatePart", "Did not find the expected date part in the SQL expression%s.", p.where())
		}
		if !p.take(",") {
			return nil, fail("ParseExpectedArgumentDelimiter", "Did not find the expected argument delimiter in the SQL expression%s.", p.where())
		}
		a, err := p.arguments(")")
		if err != nil {
			return nil, err
		}
		if len(a) != 2 {
			return nil, wrongNumber(name)
		}
		return dates(name, unit, a), nil
	case "SUBSTRING":
		return p.substring()
	}
	f, ok := functions[name]
	if !ok {
		return nil, fail("UnsupportedFunction", "We encountered an unsupported SQL function: %s.", name)
	}
	args, err := p.arguments(")")
	if err != nil {
		return nil, err
	}
	if len(args) < f.least || len(args) > f.most {
		return nil, wrongNumber(name)
	}
	return f.make(p, args), nil
}

func wrongNumber(name string) error {
	return fail("EvaluatorInvalidArguments", "Incorrect number of arguments in the function call in the SQL expression: %s.", name)
}

func invalidArguments(name string) error {
	return fail("EvaluatorInvalidArguments", "Invalid argument of %s in the SQL expression.", name)
}
