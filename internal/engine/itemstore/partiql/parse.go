package partiql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// Kind is what a statement does.
type Kind string

// The kinds of statement.
const (
	Select Kind = "SELECT"
	Insert Kind = "INSERT"
	Update Kind = "UPDATE"
	Delete Kind = "DELETE"
	Exists Kind = "EXISTS"
)

// Statement is a statement, read.
type Statement struct {
	Kind         Kind
	Table, Index string
	Columns      []Column    // of a SELECT; nil: all
	Where        string      // a condition expression, empty for none
	Update       string      // an update expression
	Item         attr.Item   // of an INSERT
	Returning    string      // "ALL OLD *" and its like, empty for none
	Order        []Order     // of a SELECT
	Params       expr.Params // names and values of the expressions
}

// Column is a path that a SELECT asks for.
type Column struct {
	Path string // a projection expression
	Name string // in the result
}

// Order is an attribute that a SELECT orders by.
type Order struct {
	Name string
	Desc bool
}

const maxDepth = 40

type parser struct {
	t      []token
	at     int
	depth  int
	given  []attr.Value
	used   int
	names  map[string]string // name to placeholder
	st     *Statement
	values int
}

// Parse reads a statement with the values of its question marks.
func Parse(s string, parameters []attr.Value) (*Statement, error) {
	t, err := tokens(s)
	if err != nil {
		return nil, err
	}
	p := &parser{t: t, given: parameters, names: map[string]string{}, st: &Statement{Params: expr.Params{Names: map[string]string{}, Values: map[string]attr.Value{}}}}
	if err := p.statement(); err != nil {
		return nil, err
	}
	if p.peek().kind != end {
		return nil, p.unexpected()
	}
	if p.used != len(parameters) {
		return nil, &Error{"Number of parameters in request and statement don't match."}
	}
	return p.st, nil
}

func (p *parser) peek() token { return p.t[p.at] }

func (p *parser) next() token {
	t := p.t[p.at]
	if t.kind != end {
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
	if p.take(s) {
		return nil
	}
	return p.unexpected()
}

func (p *parser) unexpected() *Error {
	if p.peek().kind == end {
		return malformed("Unexpected end of statement")
	}
	return malformed("Unexpected term: %s", p.peek().text)
}

func (p *parser) enter() *Error {
	if p.depth++; p.depth > maxDepth {
		return malformed("Statement is nested too deeply")
	}
	return nil
}

func (p *parser) statement() *Error {
	switch {
	case p.take("SELECT"):
		p.st.Kind = Select
		return p.selects()
	case p.take("INSERT"):
		p.st.Kind = Insert
		return p.insert()
	case p.take("UPDATE"):
		p.st.Kind = Update
		return p.update()
	case p.take("DELETE"):
		p.st.Kind = Delete
		return p.deletes()
	case p.take("EXISTS"):
		p.st.Kind = Exists
		if err := p.expect("("); err != nil {
			return err
		}
		if err := p.expect("SELECT"); err != nil {
			return err
		}
		if err := p.selects(); err != nil {
			return err
		}
		return p.expect(")")
	}
	return malformed("Expected data manipulation")
}

// target reads a table, and an index where one is allowed.
func (p *parser) target(index bool) *Error {
	var parts []string
	for {
		t := p.next()
		if t.kind != word && t.kind != quoted {
			p.at = max(0, p.at-1)
			return p.unexpected()
		}
		if t.text == "" {
			return &Error{"Path component cannot be an empty string"}
		}
		parts = append(parts, t.text)
		if !p.peek().is(".") {
			break
		}
		p.at++
	}
	if len(parts) > 2 {
		return &Error{"A path may contain at most 2 components in the FROM clause"}
	}
	p.st.Table = parts[0]
	if len(parts) == 2 {
		if !index {
			return malformed("An index cannot be written to")
		}
		p.st.Index = parts[1]
	}
	return nil
}

func (p *parser) selects() *Error {
	if !p.take("*") {
		for {
			path, name, err := p.path()
			if err != nil {
				return err
			}
			if p.take("AS") {
				name = p.next().text
			}
			p.st.Columns = append(p.st.Columns, Column{path, name})
			if !p.take(",") {
				break
			}
		}
	}
	if err := p.expect("FROM"); err != nil {
		return err
	}
	if err := p.target(true); err != nil {
		return err
	}
	if err := p.where(); err != nil {
		return err
	}
	if p.take("ORDER") {
		if err := p.expect("BY"); err != nil {
			return err
		}
		for {
			t := p.next()
			if t.kind != word && t.kind != quoted {
				return p.unexpected()
			}
			o := Order{Name: t.text}
			if p.take("DESC") {
				o.Desc = true
			} else {
				p.take("ASC")
			}
			p.st.Order = append(p.st.Order, o)
			if !p.take(",") {
				break
			}
		}
	}
	return nil
}

func (p *parser) where() *Error {
	if !p.take("WHERE") {
		return nil
	}
	c, err := p.or()
	p.st.Where = c
	return err
}

func (p *parser) insert() *Error {
	if err := p.expect("INTO"); err != nil {
		return err
	}
	if err := p.target(false); err != nil {
		return err
	}
	if err := p.expect("VALUE"); err != nil {
		return err
	}
	v, err := p.value()
	if err != nil {
		return err
	}
	item, ok := v.(attr.Map)
	if !ok {
		return malformed("VALUE must be a tuple")
	}
	p.st.Item = item
	return nil
}

func (p *parser) update() *Error {
	if err := p.target(false); err != nil {
		return err
	}
	sections := map[string][]string{}
	for {
		switch {
		case p.take("SET"):
			for {
				section, action, err := p.assignment()
				if err != nil {
					return err
				}
				sections[section] = append(sections[section], action)
				if !p.take(",") {
					break
				}
			}
			continue
		case p.take("REMOVE"):
			for {
				path, _, err := p.path()
				if err != nil {
					return err
				}
				sections["REMOVE"] = append(sections["REMOVE"], path)
				if !p.take(",") {
					break
				}
			}
			continue
		}
		break
	}
	if len(sections) == 0 {
		return p.unexpected()
	}
	var all []string
	for _, s := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		if len(sections[s]) > 0 {
			all = append(all, s+" "+strings.Join(sections[s], ", "))
		}
	}
	p.st.Update = strings.Join(all, " ")
	if err := p.where(); err != nil {
		return err
	}
	return p.returning()
}

// assignment reads what follows SET.
func (p *parser) assignment() (section, action string, err *Error) {
	path, _, err := p.path()
	if err != nil {
		return "", "", err
	}
	if err := p.expect("="); err != nil {
		return "", "", err
	}
	for name, section := range map[string]string{"set_add": "ADD", "set_delete": "DELETE"} {
		if p.peek().is(name) && p.t[p.at+1].is("(") {
			p.at += 2
			if _, _, err := p.path(); err != nil {
				return "", "", err
			}
			if err := p.expect(","); err != nil {
				return "", "", err
			}
			v, err := p.value()
			if err != nil {
				return "", "", err
			}
			return section, path + " " + p.placeholder(v), p.expect(")")
		}
	}
	right, err := p.term()
	if err != nil {
		return "", "", err
	}
	for _, op := range []string{"+", "-"} {
		if p.take(op) {
			more, err := p.term()
			if err != nil {
				return "", "", err
			}
			right += " " + op + " " + more
			break
		}
	}
	return "SET", path + " = " + right, nil
}

// term reads an operand of an assignment.
func (p *parser) term() (string, *Error) {
	for _, f := range []string{"list_append", "if_not_exists"} {
		if p.peek().is(f) && p.t[p.at+1].is("(") {
			if err := p.enter(); err != nil {
				return "", err
			}
			defer func() { p.depth-- }()
			p.at += 2
			a, err := p.term()
			if err != nil {
				return "", err
			}
			if err := p.expect(","); err != nil {
				return "", err
			}
			b, err := p.term()
			if err != nil {
				return "", err
			}
			return f + "(" + a + ", " + b + ")", p.expect(")")
		}
	}
	return p.operand()
}

func (p *parser) deletes() *Error {
	if err := p.expect("FROM"); err != nil {
		return err
	}
	if err := p.target(false); err != nil {
		return err
	}
	if err := p.where(); err != nil {
		return err
	}
	if err := p.returning(); err != nil {
		return err
	}
	if r := p.st.Returning; r != "" && r != "ALL OLD *" {
		return &Error{"Invalid returning clause: RETURNING " + r + ". Only RETURNING ALL OLD * is allowed in DELETE statements."}
	}
	return nil
}

func (p *parser) returning() *Error {
	if !p.take("RETURNING") {
		return nil
	}
	which, when := strings.ToUpper(p.next().text), strings.ToUpper(p.next().text)
	if which != "ALL" && which != "MODIFIED" || when != "OLD" && when != "NEW" {
		return malformed("Unexpected returning clause")
	}
	p.st.Returning = which + " " + when + " *"
	return p.expect("*")
}

// name is the placeholder of a name.
func (p *parser) name(n string) string {
	if ref, ok := p.names[n]; ok {
		return ref
	}
	ref := "#" + strconv.Itoa(len(p.names))
	p.names[n] = ref
	p.st.Params.Names[ref] = n
	return ref
}

// placeholder is that of a value.
func (p *parser) placeholder(v attr.Value) string {
	ref := ":" + strconv.Itoa(p.values)
	p.values++
	p.st.Params.Values[ref] = v
	return ref
}

// path reads a path; name is its last name.
func (p *parser) path() (ref, name string, err *Error) {
	t := p.next()
	if t.kind != word && t.kind != quoted || t.text == "" {
		if p.at > 0 && t.kind != end {
			p.at--
		}
		return "", "", p.unexpected()
	}
	ref, name = p.name(t.text), t.text
	for {
		switch {
		case p.take("."):
			t := p.next()
			if t.kind != word && t.kind != quoted {
				return "", "", p.unexpected()
			}
			ref, name = ref+"."+p.name(t.text), t.text
		case p.peek().is("["):
			t := p.t[p.at+1]
			if t.kind == number && strings.Trim(t.text, "0123456789") == "" && p.t[min(p.at+2, len(p.t)-1)].is("]") {
				p.at += 3
				ref += "[" + t.text + "]"
				continue
			}
			if t.kind == text && p.t[min(p.at+2, len(p.t)-1)].is("]") {
				p.at += 3
				ref, name = ref+"."+p.name(t.text), t.text
				continue
			}
			return "", "", p.unexpected()
		default:
			return ref, name, nil
		}
	}
}

func (p *parser) or() (string, *Error) {
	l, err := p.and()
	for err == nil && p.take("OR") {
		var r string
		if r, err = p.and(); err == nil {
			l = "(" + l + ") OR (" + r + ")"
		}
	}
	return l, err
}

func (p *parser) and() (string, *Error) {
	l, err := p.not()
	for err == nil && p.take("AND") {
		var r string
		if r, err = p.not(); err == nil {
			l = "(" + l + ") AND (" + r + ")"
		}
	}
	return l, err
}

func (p *parser) not() (string, *Error) {
	if err := p.enter(); err != nil {
		return "", err
	}
	defer func() { p.depth-- }()
	if p.take("NOT") {
		c, err := p.not()
		return "NOT (" + c + ")", err
	}
	if p.peek().is("(") {
		p.at++
		c, err := p.or()
		if err != nil {
			return "", err
		}
		return "(" + c + ")", p.expect(")")
	}
	return p.predicate()
}

func (p *parser) predicate() (string, *Error) {
	for _, f := range []string{"begins_with", "contains", "attribute_type"} {
		if p.peek().is(f) && p.t[p.at+1].is("(") {
			p.at += 2
			a, err := p.operand()
			if err != nil {
				return "", err
			}
			if err := p.expect(","); err != nil {
				return "", err
			}
			b, err := p.operand()
			if err != nil {
				return "", err
			}
			return f + "(" + a + ", " + b + ")", p.expect(")")
		}
	}
	x, err := p.operand()
	if err != nil {
		return "", err
	}
	negated := p.take("NOT")
	wrap := func(c string) string {
		if negated {
			return "NOT (" + c + ")"
		}
		return c
	}
	switch t := p.peek(); {
	case p.take("IS"):
		not := p.take("NOT")
		c := ""
		switch {
		case p.take("MISSING"):
			c = "attribute_not_exists(" + x + ")"
		case p.take("NULL"):
			c = "attribute_type(" + x + ", " + p.placeholder(attr.String("NULL")) + ")"
		default:
			return "", p.unexpected()
		}
		if not {
			c = "NOT (" + c + ")"
		}
		return c, nil
	case p.take("BETWEEN"):
		low, err := p.operand()
		if err != nil {
			return "", err
		}
		if err := p.expect("AND"); err != nil {
			return "", err
		}
		high, err := p.operand()
		return wrap(x + " BETWEEN " + low + " AND " + high), err
	case p.take("IN"):
		closing := "]"
		if p.take("(") {
			closing = ")"
		} else if err := p.expect("["); err != nil {
			return "", err
		}
		var list []string
		for {
			y, err := p.operand()
			if err != nil {
				return "", err
			}
			list = append(list, y)
			if !p.take(",") {
				break
			}
		}
		return wrap(x + " IN (" + strings.Join(list, ", ") + ")"), p.expect(closing)
	case t.kind == symbol && !negated:
		op := t.text
		if op == "!=" {
			op = "<>"
		}
		switch op {
		case "=", "<>", "<", "<=", ">", ">=":
			p.at++
			y, err := p.operand()
			return x + " " + op + " " + y, err
		}
	}
	return "", p.unexpected()
}

// operand reads a value, a path or size().
func (p *parser) operand() (string, *Error) {
	t := p.peek()
	if t.is("size") && p.t[p.at+1].is("(") {
		p.at += 2
		path, _, err := p.path()
		if err != nil {
			return "", err
		}
		return "size(" + path + ")", p.expect(")")
	}
	if t.kind == quoted || t.kind == word && !t.is("true") && !t.is("false") && !t.is("null") {
		path, _, err := p.path()
		return path, err
	}
	v, err := p.value()
	if err != nil {
		return "", err
	}
	return p.placeholder(v), nil
}

// value reads a literal or a question mark.
func (p *parser) value() (attr.Value, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	t := p.next()
	switch {
	case t.is("?"):
		if p.used >= len(p.given) {
			return nil, &Error{"Number of parameters in request and statement don't match."}
		}
		p.used++
		return p.given[p.used-1], nil
	case t.kind == text:
		return attr.String(t.text), nil
	case t.kind == number:
		n, err := attr.ParseNumber(t.text)
		if err != nil {
			return nil, malformed("Invalid number: %s", t.text)
		}
		return n, nil
	case t.is("true"):
		return attr.Bool(true), nil
	case t.is("false"):
		return attr.Bool(false), nil
	case t.is("null"):
		return attr.Null{}, nil
	case t.is("["):
		list := attr.List{}
		for !p.take("]") {
			if len(list) > 0 {
				if err := p.expect(","); err != nil {
					return nil, err
				}
			}
			v, err := p.value()
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case t.is("{"):
		return p.tuple()
	case t.is("<<"):
		return p.set()
	}
	if t.kind != end {
		p.at--
	}
	return nil, p.unexpected()
}

func (p *parser) tuple() (attr.Value, *Error) {
	m := attr.Map{}
	for !p.take("}") {
		if len(m) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		t := p.next()
		if t.kind != text && t.kind != quoted && t.kind != word {
			return nil, malformed("Expected a name in a tuple")
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		if _, twice := m[t.text]; twice {
			return nil, malformed("Duplicate name in a tuple: %s", t.text)
		}
		m[t.text] = v
	}
	return m, nil
}

func (p *parser) set() (attr.Value, *Error) {
	var strs attr.StringSet
	var nums attr.NumberSet
	var bins attr.BinarySet
	seen := map[string]bool{}
	for first := true; !p.take(">>"); first = false {
		if !first {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		key := fmt.Sprint(v)
		if seen[key] {
			return nil, malformed("Input collection contains duplicates")
		}
		seen[key] = true
		switch v := v.(type) {
		case attr.String:
			strs = append(strs, string(v))
		case attr.Number:
			nums = append(nums, v)
		case attr.Binary:
			bins = append(bins, v)
		default:
			return nil, malformed("A set holds strings, numbers or binaries")
		}
	}
	switch {
	case len(strs) > 0 && len(nums)+len(bins) == 0:
		return strs, nil
	case len(nums) > 0 && len(strs)+len(bins) == 0:
		return nums, nil
	case len(bins) > 0 && len(strs)+len(nums) == 0:
		return bins, nil
	}
	return nil, malformed("A set holds values of one type, and at least one")
}
