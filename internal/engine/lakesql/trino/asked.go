package trino

import (
	"strings"
	"unicode"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// askedColumns tells of a column whether a query may ask a table for it: whether its name is
// among the words of the query. That is more than what the query asks for, never less. It is
// nil where all columns may be asked for, by a star, or by other names than their own.
func askedColumns(q *sql.Query) func(name string) bool {
	all := false
	sql.Walk(q, func(n sql.Node) bool {
		switch n := n.(type) {
		case *sql.Select:
			for _, item := range n.Items {
				all = all || item.Star
			}
		case *sql.TableQuery:
			all = true
		case *sql.Join:
			all = all || n.Natural
		case *sql.AliasedRelation:
			switch n.Relation.(type) {
			case *sql.SubqueryRelation, *sql.Unnest: // whose own columns are named within
			default:
				all = all || n.Columns != nil
			}
		}
		return !all
	})
	if all {
		return nil
	}
	text := strings.ToLower(sql.Print(q))
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !isWord(r) }) {
		words[w] = true
	}
	return func(name string) bool {
		name = strings.ToLower(name)
		if strings.IndexFunc(name, func(r rune) bool { return !isWord(r) }) < 0 {
			return words[name]
		}
		return strings.Contains(text, strings.ReplaceAll(name, `"`, `""`))
	}
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
