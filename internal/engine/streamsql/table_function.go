package streamsql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// tableFunctionDef is a function for FROM TABLE(...).
type tableFunctionDef struct {
	Name, Syntax, Doc string

	make func(*tableCall) *pipe
}

var tableFunctions = map[string]*tableFunctionDef{}

func init() {
	for i := range tableFunctionTable {
		tableFunctions[tableFunctionTable[i].Name] = &tableFunctionTable[i]
	}
}

// tableCall is a call of a table function, and what its function asks of it.
type tableCall struct {
	b    *builder
	x    *sql.Call
	name string
	in   *pipe // the rows of the cursor
	args []*compiled
}

// tableFunction builds TABLE(f(CURSOR(...), ...)).
func (b *builder) tableFunction(r *dialect.Function) *pipe {
	name := strings.ToUpper(dialect.LookupName(r.Call.Name))
	f := tableFunctions[name]
	if f == nil {
		fail(r, "", "No match found for function signature %s", name)
	}
	c := &tableCall{b: b, x: r.Call, name: name}
	constants := &compiler{functions: b.functions, scope: &scope{}}
	for i, a := range r.Call.Args {
		if cursor, ok := a.(*dialect.Cursor); ok {
			if i != 0 {
				fail(a, "Its syntax is "+f.Syntax+".", "Invalid arguments to function '%s'", name)
			}
			c.in = b.query(cursor.Query)
			continue
		}
		v := constants.compile(a)
		if !v.constant {
			fail(a, "", "Arguments of '%s' are constants", name)
		}
		c.args = append(c.args, v)
	}
	if c.in == nil {
		fail(r.Call, "Its syntax is "+f.Syntax+".", "The first argument of function '%s' is a CURSOR", name)
	}
	p := f.make(c)
	p.inputs = []*pipe{c.in}
	return p
}

// text, number and flag are the n-th argument behind the cursor.
func (c *tableCall) text(n int) string {
	if n >= len(c.args) || !c.args[n].t.isString() {
		c.wrong(n, "a text")
	}
	return c.args[n].eval(&frame{}).s
}

func (c *tableCall) number(n int, fallback, least, most int64) int64 {
	if n >= len(c.args) {
		if fallback >= least {
			return fallback
		}
		c.wrong(n, "a number")
	}
	if !c.args[n].t.isNumeric() {
		c.wrong(n, "a number")
	}
	v := int64(toFloat(c.args[n].eval(&frame{}), c.args[n].t))
	if v < least || v > most {
		c.wrong(n, fmt.Sprintf("a number from %d to %d", least, most))
	}
	return v
}

func (c *tableCall) float(n int) float64 {
	if n >= len(c.args) || !c.args[n].t.isNumeric() {
		c.wrong(n, "a number")
	}
	return toFloat(c.args[n].eval(&frame{}), c.args[n].t)
}

func (c *tableCall) flag(n int) bool {
	if n >= len(c.args) {
		return false
	}
	if c.args[n].t.Kind != Boolean {
		c.wrong(n, "TRUE or FALSE")
	}
	return c.args[n].eval(&frame{}).i != 0
}

func (c *tableCall) wrong(n int, want string) {
	fail(c.x, "Its syntax is "+tableFunctions[c.name].Syntax+".", "Argument %d of function '%s' must be %s", n+2, c.name, want)
}

// column finds a column of the cursor by its name.
func (c *tableCall) column(name string) scopeColumn {
	for _, exact := range []bool{true, false} {
		for _, s := range c.in.scope.visible() {
			if s.name == name || !exact && strings.EqualFold(s.name, strings.Trim(name, `"`)) {
				return s
			}
		}
	}
	k := &compiler{scope: c.in.scope}
	fail(c.x, k.columnHint(name), "Column '%s' not found in the cursor of '%s'", name, c.name)
	return scopeColumn{}
}

// outputs is the scope of the cursor's columns, followed by further ones.
func (c *tableCall) outputs(more ...Column) (*scope, []Type) {
	sc := &scope{}
	types := append([]Type(nil), c.in.types...)
	sc.columns = append(sc.columns, c.in.scope.columns...)
	for _, m := range more {
		sc.columns = append(sc.columns, scopeColumn{name: m.Name, t: m.Type, column: len(types)})
		types = append(types, m.Type)
	}
	return sc, types
}

var tableFunctionTable = []tableFunctionDef{
	{"COUNT_DISTINCT_ITEMS_TUMBLING", "COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(...), 'column', seconds)", "How many different values a column has in each window: NUMBER_OF_DISTINCT_ITEMS. Exact up to 10,000, then with an error of about 1 %.", makeDistinctItems},
	{"TOP_K_ITEMS_TUMBLING", "TOP_K_ITEMS_TUMBLING(CURSOR(...), 'column', k, seconds)", "The k most frequent values of a column in each window: ITEM, ITEM_COUNT.", makeTopItems},
	{"GROUP_RANK", "GROUP_RANK(CURSOR(...), 'column', 'rank column', 'asc' or 'desc', 'asc' or 'desc', idle milliseconds, most rows)", "The rows of one ROWTIME with their rank by a column.", makeGroupRank},
	{"RANDOM_CUT_FOREST", "RANDOM_CUT_FOREST(CURSOR(...) [, trees, sample, decay, shingle])", "The rows with ANOMALY_SCORE: how unlike the rows before a row's numbers are.", func(c *tableCall) *pipe { return makeForest(c, false) }},
	{"RANDOM_CUT_FOREST_WITH_EXPLANATION", "RANDOM_CUT_FOREST_WITH_EXPLANATION(CURSOR(...) [, trees, sample, decay, shingle, with direction])", "The rows with ANOMALY_SCORE and ANOMALY_EXPLANATION, which parts the score among the columns, as JSON.", func(c *tableCall) *pipe { return makeForest(c, true) }},
	{"HOTSPOTS", "HOTSPOTS(CURSOR(...), window, radius, least points)", "The rows with HOTSPOTS_RESULT: regions in which the last rows are dense, as JSON.", makeHotspots},
}
