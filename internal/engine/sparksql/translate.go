package sparksql

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// refusal is what the translation of a query panics with.
type refusal struct{ error }

func refuse(at sql.Position, format string, args ...any) {
	panic(refusal{failLine(max(at.Line, 1), format, args...)})
}

// query is a query that has been translated.
type query struct {
	statement *sql.Query
	names     map[string]string // of columns of the result in lower case: as the query writes them
	indexed   bool              // it takes elements by number
	fields    []string          // names of fields of the structs that it makes
}

// maxText bounds the text of a query.
const maxText = 1 << 20

// parse translates a query. names are those of its inputs; columns those of all inputs in
// lower case, or nil where they are not known yet; a type is unknown where inputs differ in it.
func parse(src string, names []string, columns map[string]*hivetype.Type) (q *query, err error) {
	if len(src) > maxText {
		return nil, fmt.Errorf("the query has more than %d bytes", maxText)
	}
	text, err := rewrite(src)
	if err != nil {
		return nil, err
	}
	st, err := sql.Parse(text)
	if err != nil {
		var e *sql.Error
		if errors.As(err, &e) {
			return nil, failLine(e.Line, "%s", e.Message)
		}
		return nil, err
	}
	body, ok := st.(*sql.Query)
	if !ok {
		return nil, errors.New("the text is not a query: it begins with SELECT or WITH")
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case refusal:
			q, err = nil, p.error
		default:
			panic(p)
		}
	}()
	t := &translator{names: map[string]bool{}, aliases: map[string]bool{}, columns: columns, query: &query{statement: body, names: map[string]string{}}}
	for _, n := range names {
		t.names[strings.ToLower(n)] = true
	}
	sql.Walk(body, func(n sql.Node) bool {
		switch n := n.(type) {
		case *sql.With:
			for _, c := range n.Queries {
				t.names[c.Name.Lower()] = true
				for _, alias := range c.Columns {
					t.aliases[alias.Lower()] = true
				}
			}
		case *sql.Select:
			for _, item := range n.Items {
				if item.Alias != nil {
					t.aliases[item.Alias.Lower()] = true
				}
			}
		case *sql.AliasedRelation:
			for _, alias := range n.Columns {
				t.aliases[alias.Lower()] = true
			}
		}
		return true
	})
	t.nameColumns(body)
	walk(reflect.ValueOf(body), t.expr, t.node)
	t.measure()
	for _, s := range t.having {
		t.resolveHaving(s)
	}
	t.measure()
	return t.query, nil
}

type translator struct {
	*query
	names   map[string]bool // of tables
	columns map[string]*hivetype.Type
	aliases map[string]bool // of what is selected
	having  []*sql.Select
	nodes   int
}

// measure refuses a query whose translation, in which an argument may be there several times,
// is too long.
func (t *translator) measure() {
	n := 0
	sql.Walk(t.statement, func(sql.Node) bool {
		n++
		return n <= maxNodes
	})
	if n > maxNodes {
		refuse(sql.Position{}, "the query is too long")
	}
}

var exprType = reflect.TypeFor[sql.Expr]()

// walk calls node for all structs below v, and puts what expr makes of each expression in its
// place, when those below it have theirs.
func walk(v reflect.Value, expr func(sql.Expr) sql.Expr, node func(any)) {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		walk(v.Elem(), expr, node)
		if v.Type() == exprType {
			v.Set(reflect.ValueOf(expr(v.Interface().(sql.Expr))))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), expr, node)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), expr, node)
		}
	case reflect.Struct:
		if v.CanAddr() {
			node(v.Addr().Interface())
		}
		for i := range v.NumField() {
			walk(v.Field(i), expr, node)
		}
	}
}

// nameColumns finds how the columns of the result are written, and gives those of calls the
// names that Spark gives them.
func (t *translator) nameColumns(q *sql.Query) {
	var first func(b sql.QueryBody) *sql.Select
	first = func(b sql.QueryBody) *sql.Select {
		switch b := b.(type) {
		case *sql.Select:
			return b
		case *sql.SetOperation:
			return first(b.Left)
		case *sql.Query:
			return first(b.Body)
		}
		return nil
	}
	top := first(q.Body)
	sql.Walk(q, func(n sql.Node) bool {
		s, ok := n.(*sql.Select)
		if !ok {
			return true
		}
		for i := range s.Items {
			item := &s.Items[i]
			if item.Star || item.Alias != nil {
				continue
			}
			switch e := item.Expr.(type) {
			case *sql.Name, *sql.Dereference:
			case *sql.Call:
				if name := callName(e); name != "" {
					item.Alias = &sql.Identifier{Position: item.Position, Name: name, Quoted: true}
					continue
				}
				if s == top {
					refuse(item.Position, "the column %d of SELECT needs a name: write AS name behind it", i+1)
				}
			default:
				if s == top {
					refuse(item.Position, "the column %d of SELECT needs a name: write AS name behind it", i+1)
				}
			}
		}
		return true
	})
	if top == nil {
		refuse(q.Position, "the query has no SELECT")
	}
	for _, item := range top.Items {
		name := ""
		switch e := item.Expr.(type) {
		case *sql.Name:
			name = e.Ident.Name
		case *sql.Dereference:
			name = e.Field.Name
		}
		if item.Alias != nil {
			name = item.Alias.Name
		}
		if name == "" || item.Star {
			continue
		}
		if _, twice := t.query.names[strings.ToLower(name)]; twice {
			refuse(item.Position, "the column %q is there twice: write AS name behind one", name)
		}
		t.query.names[strings.ToLower(name)] = name
	}
}

// callName is what Spark calls the column of a plain call: "" of another.
func callName(c *sql.Call) string {
	if c.Over != nil || c.Filter != nil || len(c.OrderBy) > 0 || c.NoParens || len(c.Name.Parts) != 1 {
		return ""
	}
	name := strings.TrimPrefix(c.Name.Parts[0].Lower(), "__")
	if name == "explode" || name == "explode_outer" {
		return "col"
	}
	var args []string
	for _, a := range c.Args {
		for d, ok := a.(*sql.Dereference); ok; d, ok = a.(*sql.Dereference) {
			a = &sql.Name{Ident: d.Field}
		}
		switch a := a.(type) {
		case *sql.Name:
			args = append(args, a.Ident.Name)
		case *sql.Number:
			args = append(args, a.Text)
		case *sql.String:
			args = append(args, a.Value)
		default:
			return ""
		}
	}
	if c.Star {
		args = append(args, "1")
	}
	distinct := ""
	if c.Distinct {
		distinct = "DISTINCT "
	}
	return name + "(" + distinct + strings.Join(args, ", ") + ")"
}

// maxNodes bounds the parts of a query, which translation makes more.
const maxNodes = 100_000

// node checks and changes what is not an expression.
func (t *translator) node(n any) {
	if t.nodes++; t.nodes > maxNodes {
		refuse(sql.Position{}, "the query is too long")
	}
	switch n := n.(type) {
	case *sql.Table:
		t.table(n.Name)
		if n.Version != nil {
			refuse(n.Position, "versions of tables are not supported")
		}
	case *sql.TableQuery:
		t.table(n.Name)
	case *sql.SampledRelation:
		refuse(n.Position, "TABLESAMPLE is not supported")
	case *sql.SubqueryRelation:
		if n.Lateral {
			refuse(n.Position, "LATERAL subqueries are not supported")
		}
	case *sql.Unnest:
		if len(n.Exprs) != 1 || n.Ordinality {
			refuse(n.Position, "UNNEST is not a word of Spark's: use LATERAL VIEW explode(...)")
		}
		if c, ok := n.Exprs[0].(*sql.Call); !ok || c.Name.Last() != explodeName && c.Name.Last() != posexplodeName {
			refuse(n.Position, "UNNEST is not a word of Spark's: use LATERAL VIEW explode(...)")
		}
	case *sql.SortItem:
		if n.NullsFirst == nil {
			first := !n.Descending
			n.NullsFirst = &first
		}
	case *sql.With:
		if n.Recursive {
			refuse(n.Position, "WITH RECURSIVE is not supported")
		}
	case *sql.Query:
		if n.WithTies {
			refuse(n.Position, "WITH TIES is not supported")
		}
	case *sql.Select:
		t.halfJoins(n)
		t.explodeItem(n)
		t.groupByAlias(n)
		if n.Having != nil {
			t.having = append(t.having, n)
		}
	}
}

func (t *translator) table(name sql.QualifiedName) {
	if len(name.Parts) != 1 || !t.names[name.Last()] {
		refuse(name.Position, "there is no input with the alias %q", name.String())
	}
}

// explodeItem moves an explode among what is selected into FROM.
func (t *translator) explodeItem(s *sql.Select) {
	found := false
	for i := range s.Items {
		c, ok := s.Items[i].Expr.(*sql.Call)
		if !ok || c.Name.Last() != "explode" && c.Name.Last() != "explode_outer" || len(c.Args) != 1 {
			continue
		}
		if found || len(s.From) == 0 {
			refuse(c.Position, "SELECT takes one explode, of a table")
		}
		found = true
		column := sql.Identifier{Position: c.Position, Name: "__exploded", Quoted: true}
		call := *c
		call.Name = sql.QualifiedName{Position: c.Position, Parts: []sql.Identifier{{Position: c.Position, Name: explodeName}}}
		last := len(s.From) - 1
		kind, on := "CROSS", sql.Expr(nil)
		if c.Name.Last() == "explode_outer" {
			kind, on = "LEFT", &sql.Boolean{Position: c.Position, Value: true}
		}
		s.From[last] = &sql.Join{Position: c.Position, Kind: kind, On: on, Left: s.From[last], Right: &sql.AliasedRelation{
			Position: c.Position, Relation: &sql.Unnest{Position: c.Position, Exprs: []sql.Expr{&call}},
			Alias: sql.Identifier{Position: c.Position, Name: "__explosion", Quoted: true}, Columns: []sql.Identifier{column},
		}}
		s.Items[i].Expr = &sql.Name{Position: c.Position, Ident: column}
		for j := range s.Items {
			if s.Items[j].Star && s.Items[j].Expr == nil {
				refuse(c.Position, "SELECT * beside explode is not supported: name the columns, or use LATERAL VIEW")
			}
		}
	}
}

// groupByAlias puts the number of an item for its alias.
func (t *translator) groupByAlias(s *sql.Select) {
	if s.GroupBy == nil {
		return
	}
	for _, e := range s.GroupBy.Elements {
		for _, set := range e.Sets {
			for j, x := range set {
				name, ok := x.(*sql.Name)
				if !ok || t.columns[name.Ident.Lower()] != nil {
					continue
				}
				for i, item := range s.Items {
					if item.Star {
						break
					}
					if item.Alias != nil && item.Alias.Lower() == name.Ident.Lower() && e.Kind == sql.GroupSimple {
						set[j] = &sql.Number{Position: name.Position, Text: strconv.Itoa(i + 1)}
						break
					}
				}
			}
		}
	}
}

// resolveHaving puts what is selected for its alias.
func (t *translator) resolveHaving(s *sql.Select) {
	walk(reflect.ValueOf(&s.Having), func(e sql.Expr) sql.Expr {
		name, ok := e.(*sql.Name)
		if !ok || t.columns[name.Ident.Lower()] != nil {
			return e
		}
		for _, item := range s.Items {
			if item.Alias != nil && item.Expr != nil && item.Alias.Lower() == name.Ident.Lower() {
				return item.Expr
			}
		}
		return e
	}, func(any) {})
}

// template is an expression of Trino's, with the arguments in their places.
func template(text string, args ...sql.Expr) sql.Expr {
	e, err := sql.ParseExpr(text)
	if err != nil {
		panic(fmt.Sprintf("template %q: %v", text, err))
	}
	walk(reflect.ValueOf(&e), func(x sql.Expr) sql.Expr {
		if n, ok := x.(*sql.Name); ok && strings.HasPrefix(n.Ident.Name, "__") {
			if i, err := strconv.Atoi(n.Ident.Name[2:]); err == nil {
				return args[i-1]
			}
		}
		return x
	}, func(any) {})
	return e
}

// expr is an expression of Spark's in Trino's terms; those below it are already.
func (t *translator) expr(e sql.Expr) sql.Expr {
	switch e := e.(type) {
	case *sql.Call:
		return t.call(e)
	case *sql.Cast:
		return t.cast(e)
	case *sql.Operation:
		switch e.Op {
		case "/":
			if n, ok := e.Right.(*sql.Name); ok && n.Ident.Name == divName {
				return e // the left side of DIV
			}
			if of, ok := e.Left.(*sql.Operation); ok && of.Op == "/" {
				if n, ok := of.Right.(*sql.Name); ok && n.Ident.Name == divName {
					return t.div(e.Position, of.Left, e.Right)
				}
			}
			return template("CAST(__1 AS double) / nullif(CAST(__2 AS double), 0e0)", e.Left, e.Right)
		case "%":
			return template("__1 % nullif(__2, 0)", e.Left, e.Right)
		case "||":
			return template("__1 || __2", asText(e.Left), asText(e.Right))
		}
	case *sql.Like:
		p, ok := e.Pattern.(*sql.String)
		if ok && strings.HasPrefix(p.Value, regexpMark) && e.Escape == nil {
			like := template("regexp_like(__1, __2)", e.X, &sql.String{Position: p.Position, Value: strings.TrimPrefix(p.Value, regexpMark)})
			if e.Not {
				return template("NOT __1", like)
			}
			return like
		}
		if ok && strings.HasPrefix(p.Value, ilikeMark) {
			p.Value = strings.ToLower(strings.TrimPrefix(p.Value, ilikeMark))
			e.X = template("lower(__1)", e.X)
		}
		if e.Escape == nil && (!ok || strings.Contains(p.Value, `\`)) {
			e.Escape = &sql.String{Position: e.Position, Value: `\`}
		}
	case *sql.Subscript:
		switch i := e.Index.(type) {
		case *sql.String:
			return template("element_at(__1, __2)", e.Base, i)
		case *sql.Number:
			if n, err := strconv.ParseInt(i.Text, 10, 32); err == nil {
				t.indexed = true
				return template("element_at(__1, __2)", e.Base, &sql.Number{Position: i.Position, Text: strconv.FormatInt(n+1, 10)})
			}
		}
		refuse(e.Position, "an element is taken by a whole number or a string: use element_at(array, index from 1)")
	case *sql.Extract:
		part := calendar[strings.ToLower(e.Field)]
		if part == "" {
			refuse(e.Position, "EXTRACT(%s FROM ...) is not supported", e.Field)
		}
		return template(templates[part+"/1"], e.X)
	case *sql.TypedLiteral:
		if e.Type.Name != "date" && !strings.HasPrefix(e.Type.Name, "timestamp") {
			refuse(e.Position, "a literal of the type %s is not supported", e.Type.Name)
		}
	case *sql.Parameter:
		refuse(e.Position, "parameters are not supported")
	case *sql.AtTimeZone:
		refuse(e.Position, "AT TIME ZONE is not a word of Spark's")
	case *sql.Array:
		refuse(e.Position, "ARRAY[...] is not a word of Spark's: use array(...)")
	case *sql.Dereference:
		if strings.HasPrefix(e.Field.Name, "$") {
			refuse(e.Position, "there is no column %q", e.Field.Name)
		}
	case *sql.Name:
		if e.Ident.Name == semiMark || e.Ident.Name == antiMark {
			refuse(e.Position, "a SEMI or ANTI JOIN within parentheses is not supported")
		}
		if strings.HasPrefix(e.Ident.Name, "$") {
			refuse(e.Position, "there is no column %q", e.Ident.Name)
		}
	}
	return e
}

func asText(e sql.Expr) sql.Expr {
	if _, ok := e.(*sql.String); ok {
		return e
	}
	return template(asTextOf, e)
}

func (t *translator) cast(c *sql.Cast) sql.Expr {
	name := strings.ToLower(c.Type.Name)
	if (name == "decimal" || name == "dec" || name == "numeric") && len(c.Type.Args) == 0 {
		params := c.Type.Params
		if len(params) == 0 {
			params = []int{10, 0}
		}
		if len(params) == 1 {
			params = append(params, 0)
		}
		return template(strings.ReplaceAll(asDecimal, "P", fmt.Sprintf("%d,%d", params[0], params[1])), c.X)
	}
	text, ok := casts[name]
	if !ok || len(c.Type.Args)+len(c.Type.Fields)+len(c.Type.Params) > 0 {
		refuse(c.Position, "CAST to %s is not supported", c.Type.String())
	}
	return template(text, c.X)
}
