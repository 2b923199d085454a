package partiql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
	Invalid      error       // of a column that none can be, told after what is wrong with the index; else nil
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
	text   string
	t      []token
	at     int
	depth  int
	given  []attr.Value
	used   int
	names  map[string]string // name to placeholder
	st     *Statement
	values int
	under  string // where in an attribute a value is, as messages tell it
}

// Parse reads a statement with the values of its question marks.
func Parse(s string, parameters []attr.Value) (*Statement, error) {
	t, err := tokens(s)
	if err != nil {
		return nil, err
	}
	p := &parser{text: s, t: t, given: parameters, names: map[string]string{}, under: "root", st: &Statement{Params: expr.Params{Names: map[string]string{}, Values: map[string]attr.Value{}}}}
	if err := p.statement(); err != nil {
		return nil, err
	}
	if p.take(";") && p.peek().kind != end {
		return nil, malformed("Unexpected token after semicolon. (Only one query is allowed.)")
	}
	if p.peek().kind != end {
		return nil, malformed("Unexpected token after expression")
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

// where writes where a token stands, as DynamoDB does: line, column and length.
func (p *parser) where(t token) string {
	before := p.text[:t.at]
	line := strings.Count(before, "\n")
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("%d:%d:%d", line+1, column+1, utf8.RuneCountInString(p.text[t.at:t.at+t.size]))
}

func (p *parser) unexpected() *Error {
	if p.peek().kind == end || p.peek().is(";") {
		return malformed("Unexpected term")
	}
	return malformed("Unexpected term: %s", p.peek().text)
}

// operandAfter reports what is missing where an operator has no operand behind it.
func (p *parser) operandAfter() *Error {
	if p.peek().kind == end {
		return malformed("Missing right-hand side expression of infix operator")
	}
	return nil
}

// alias refuses another name for a table.
func (p *parser) alias() *Error {
	t := p.peek()
	if t.kind == quoted || t.is("AS") || t.kind == word && !slices.ContainsFunc(clauses, t.is) {
		return &Error{"Aliasing is not supported"}
	}
	return nil
}

// clauses are the words that may follow a table.
var clauses = []string{"WHERE", "ORDER", "SET", "REMOVE", "RETURNING", "VALUE", "LIMIT", "GROUP", "HAVING"}

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
	case p.take("FROM"): // an UPDATE with its clauses the other way round
		p.st.Kind = Update
		return p.fromFirst()
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
	switch next := p.t[min(p.at+1, len(p.t)-1)]; {
	case p.peek().kind == word && next.kind == end:
		return &Error{"Unsupported operation: Id"}
	case p.peek().kind == word && next.is("IS"):
		p.at += 2
		p.take("NOT")
		if _, err := p.typeName(); err != nil {
			return err
		}
		return &Error{"Unsupported operation: IsType"}
	case p.peek().kind == word && next.kind == word:
		return malformed("Unexpected token after expression")
	}
	return malformed("Expected data manipulation")
}

// target reads a table, and an index where one is allowed.
func (p *parser) target(index bool) *Error {
	var parts []string
	for {
		t := p.next()
		if t.kind != word && t.kind != quoted || p.st.Kind == Delete && t.is("WHERE") {
			if p.st.Kind == Delete {
				return malformed("Expected identifier for simple path")
			}
			if t.kind != end {
				p.at--
			}
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
		switch {
		case p.st.Kind == Insert:
			return &Error{"FROM clause may only contain a single table name in data manipulation statements at " + p.where(p.t[p.at-3])}
		case !index:
			return &Error{"This operation is not supported on an index"}
		}
		p.st.Index = parts[1]
	}
	if p.st.Kind == Insert {
		return nil
	}
	return p.alias()
}

func (p *parser) selects() *Error {
	if !p.take("*") {
		for {
			if t := p.peek(); t.kind == word && p.t[p.at+1].is("(") {
				p.st.Invalid = &Error{"Unexpected path component at " + p.where(t)}
				if p.at++; !p.skip() {
					return p.unexpected()
				}
				if !p.take(",") {
					break
				}
				continue
			}
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
	if err := p.condition(); err != nil {
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

// skip passes over what stands in parentheses; false if they do not close.
func (p *parser) skip() bool {
	for depth := 0; p.peek().kind != end; {
		switch t := p.next(); {
		case t.is("("):
			depth++
		case t.is(")"):
			if depth--; depth == 0 {
				return true
			}
		}
	}
	return false
}

func (p *parser) condition() *Error {
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
	if t := p.peek(); (t.kind == word || t.kind == quoted) && !t.is("VALUE") {
		return malformed("Unexpected token after expression") // an INSERT takes no alias
	}
	if err := p.expect("VALUE"); err != nil {
		return err
	}
	p.under = "" // each attribute is a root
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
	if err := p.changes(); err != nil {
		return err
	}
	if err := p.condition(); err != nil {
		return err
	}
	return p.returning()
}

// fromFirst reads an update that names its item before what it does to it.
func (p *parser) fromFirst() *Error {
	if err := p.target(false); err != nil {
		return err
	}
	if err := p.condition(); err != nil {
		return err
	}
	if err := p.changes(); err != nil {
		return err
	}
	return p.returning()
}

// changes reads the SETs and REMOVEs of an update.
func (p *parser) changes() *Error {
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
			path, _, err := p.path()
			if err != nil {
				return err
			}
			sections["REMOVE"] = append(sections["REMOVE"], path)
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
	return nil
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
	if t := p.peek(); (t.is("set_add") || t.is("set_delete")) && p.t[p.at+1].is("(") {
		section, v, err := p.members(path)
		return section, path + " " + v, err
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

// members reads set_add or set_delete of the members of a path; v is the placeholder of
// those that it adds or takes away.
func (p *parser) members(path string) (section, v string, err *Error) {
	call := p.next()
	name := strings.ToUpper(call.text)
	section = strings.TrimPrefix(name, "SET_")
	p.at++ // (
	args, first, whole := 0, p.peek(), ""
	for !p.take(")") {
		if args++; args > 1 {
			if err := p.expect(","); err != nil {
				return "", "", err
			}
		}
		x, err := p.operand()
		if err != nil {
			return "", "", err
		}
		if args == 1 {
			whole = x
		}
		v = x
	}
	value := p.st.Params.Values[v]
	switch {
	case args != 2:
		return "", "", &Error{name + " must have exactly two arguments at " + p.where(call)}
	case whole != path:
		return "", "", &Error{"The first argument to " + name + " must equal the assignment value at " + p.where(call)}
	}
	switch value.(type) {
	case attr.StringSet, attr.NumberSet, attr.BinarySet:
		return section, v, nil
	}
	return "", "", &Error{"The second argument to " + name + " must be a value with type SET at " + p.where(first)}
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
	if err := p.condition(); err != nil {
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
			if t.kind != word && t.kind != quoted || t.kind == word && reserved(t.text) {
				return "", "", malformed("Invalid path dot component")
			}
			ref, name = ref+"."+p.name(t.text), t.text
		case p.peek().is("["):
			t := p.t[p.at+1]
			if t.kind == number && strings.Trim(t.text, "0123456789") == "" && p.t[min(p.at+2, len(p.t)-1)].is("]") {
				p.at += 3
				ref, name = ref+"["+t.text+"]", name+"["+t.text+"]"
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
