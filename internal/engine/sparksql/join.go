package sparksql

import (
	"maps"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// LEFT SEMI JOIN and LEFT ANTI JOIN, which Trino does not have. The text has a plain JOIN in their place, whose condition
// begins with a mark: the parser takes ON mark OR condition. The tree has WHERE [NOT] EXISTS instead, of the rows of the
// right side for which the condition is true.

// semiMark and antiMark are names that begin the condition of a join that was written as SEMI or ANTI.
const (
	semiMark = "\ue002semi"
	antiMark = "\ue002anti"
)

// halfJoin tells whether a join begins at token i, by the mark of its condition, how many tokens its words are, and
// where the ON of its condition is.
func halfJoin(tokens []token, i int) (mark string, words, on int, err error) {
	j := i
	if tokens[j].is("left") {
		j++
	}
	if j+1 >= len(tokens) || !tokens[j+1].is("join") {
		return "", 0, 0, nil
	}
	switch {
	case tokens[j].is("semi"):
		mark = semiMark
	case tokens[j].is("anti"):
		mark = antiMark
	default:
		return "", 0, 0, nil
	}
	depth := 0
	for on = j + 2; on < len(tokens); on++ {
		switch t := &tokens[on]; {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case depth == 0 && t.is("on"):
			return mark, j + 2 - i, on, nil
		}
		if depth < 0 || depth == 0 && (tokens[on].is("using") || tokens[on].is("join") || tokens[on].is("where")) {
			break
		}
	}
	return "", 0, 0, failLine(tokens[i].line, "SEMI JOIN and ANTI JOIN take a condition: ON a.x = b.x")
}

// halfJoins moves the marked joins of a query into its WHERE.
func (t *translator) halfJoins(s *sql.Select) {
	for i := range s.From {
		s.From[i] = t.halved(s, s.From[i], true)
	}
}

// halved is a relation without its marked joins. open says that rows which it does not have are not in the result: they
// are where a join above adds rows for what the right side has alone.
func (t *translator) halved(s *sql.Select, r sql.Relation, open bool) sql.Relation {
	j, ok := r.(*sql.Join)
	if !ok {
		return r
	}
	j.Left = t.halved(s, j.Left, open && j.Kind != "RIGHT" && j.Kind != "FULL")
	mark, condition := marked(j.On)
	if mark == "" {
		return r
	}
	if !open {
		refuse(j.Position, "a RIGHT or FULL JOIN behind a SEMI or ANTI JOIN is not supported: put the latter into a subquery")
	}
	left := relationNames(j.Left)
	for name := range relationNames(j.Right) {
		if left[name] { // the rows of the right side would be compared with themselves
			refuse(j.Position, "both sides of a SEMI or ANTI JOIN are called %s: give one another alias", name)
		}
	}
	sql.Walk(condition, func(n sql.Node) bool {
		switch n := n.(type) {
		case *sql.Dereference:
			return false
		case *sql.Name:
			refuse(n.Position, "the condition of a SEMI or ANTI JOIN names its columns with their tables: t.%s", n.Ident.Name)
		}
		return true
	})
	exists, err := sql.ParseExpr("EXISTS (SELECT 1 FROM t)")
	if err != nil {
		panic(err)
	}
	sql.Walk(exists, func(n sql.Node) bool {
		if inner, ok := n.(*sql.Select); ok {
			inner.From, inner.Where = []sql.Relation{j.Right}, condition
			return false
		}
		return true
	})
	if mark == antiMark {
		exists = template("NOT __1", exists)
	}
	if s.Where != nil {
		exists = template("__1 AND __2", exists, s.Where)
	}
	s.Where = exists
	return j.Left
}

// relationNames are the names in lower case by which columns of a relation can be called.
func relationNames(r sql.Relation) map[string]bool {
	switch r := r.(type) {
	case *sql.Table:
		return map[string]bool{r.Name.Last(): true}
	case *sql.AliasedRelation:
		return map[string]bool{r.Alias.Lower(): true}
	case *sql.Join:
		all := relationNames(r.Left)
		if all == nil {
			return relationNames(r.Right)
		}
		maps.Copy(all, relationNames(r.Right))
		return all
	}
	return nil
}

// marked is the mark that a condition begins with, and what it is without it.
func marked(e sql.Expr) (string, sql.Expr) {
	or, ok := e.(*sql.Operation)
	if !ok || or.Op != "OR" {
		return "", nil
	}
	if name, ok := or.Left.(*sql.Name); ok && (name.Ident.Name == semiMark || name.Ident.Name == antiMark) {
		return name.Ident.Name, or.Right
	}
	mark, left := marked(or.Left)
	if mark == "" {
		return "", nil
	}
	rest := *or
	rest.Left = left
	return mark, &rest
}
