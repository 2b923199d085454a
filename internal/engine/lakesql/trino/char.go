package trino

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// A char(n) is a text of n characters by the spaces at its end, which say nothing where it is compared.

// unpadded is a text without the spaces at its end, by which a char is as long as its type.
func unpadded(text string) string { return "rtrim(" + text + ", ' ')" }

// unpaddedQuery is a query of one text without the spaces at its end.
func unpaddedQuery(text string) string {
	return "SELECT " + unpadded("__in") + " FROM (" + text + ") AS __in_query(__in)"
}

// asChar is a text that is looked for among those of another type: where these are char(n), as one of
// them, unless it is longer.
func asChar(text string, from, to *sql.Type) string {
	if !types.Is(to, "char") || !types.Padded(from, to) {
		return text
	}
	return fmt.Sprintf("CASE WHEN length(%s) <= %d THEN rpad(%s, %[2]d, ' ') ELSE %[3]s END", unpadded(text), to.Params[0], text)
}

// alike gives the texts of an array and those of another, or a value, the length of the longer char of
// their types where one is char, so that equal ones are the same.
func (c *invocation) alike() {
	of := func(i int) *sql.Type {
		if types.Is(c.typ(i), "array") {
			return types.Element(c.typ(i))
		}
		return c.typ(i)
	}
	if len(c.args) < 2 || !types.Padded(of(0), of(1)) {
		return
	}
	typ, form := types.Varchar, unpadded
	if common := commonChar(of(0), of(1)); common != nil {
		typ, form = common, func(x string) string { return fmt.Sprintf("rpad(%s, %d, ' ')", x, common.Params[0]) }
	}
	for i := range 2 {
		if !types.Is(c.typ(i), "array") {
			c.args[i] = form(c.args[i])
			continue
		}
		p := c.fresh()
		c.args[i] = "list_transform(" + c.args[i] + ", lambda " + p + ": " + form(p) + ")"
		c.typs[i] = types.ArrayOf(typ)
	}
}

// commonChar is the char that has the values of two types of text, one of which is char; nil where
// they are others, or one has no length.
func commonChar(a, b *sql.Type) *sql.Type {
	if !types.Padded(a, b) || len(a.Params) != 1 || len(b.Params) != 1 {
		return nil
	}
	return types.CharOf(max(a.Params[0], b.Params[0]))
}

// paddedQuery is a query whose columns are filled up with spaces where another type of char is wanted.
func paddedQuery(text string, columns []column, want []*sql.Type) string {
	names, items := make([]string, len(columns)), make([]string, len(columns))
	differs := false
	for i, c := range columns {
		names[i] = fmt.Sprintf("__p%d", i)
		items[i] = names[i]
		if want[i] != nil {
			differs = true
			items[i] = fmt.Sprintf("rpad(%s, %d, ' ')", names[i], want[i].Params[0])
		}
		items[i] += " AS " + duck.Ident(c.name)
	}
	if !differs {
		return text
	}
	return "SELECT " + strings.Join(items, ", ") + " FROM (" + text + ") AS __padded(" + strings.Join(names, ", ") + ")"
}

// sharedText fails where two columns of one name that relations are joined by are not compared as DuckDB
// does: without regard to the spaces at their end, or rows without regard to their fields' names.
func sharedText(at sql.Position, a, b column) {
	if types.Padded(a.typ, b.typ) || nested(a.typ) && nested(b.typ) && !alike(a.typ, b.typ) {
		fault.Fail(at, "NOT_SUPPORTED", "Joining %s and %s by the name %s is not supported: join them ON a.%[3]s = b.%[3]s", types.Text(a.typ), types.Text(b.typ), a.name)
	}
}
