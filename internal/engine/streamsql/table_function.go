package streamsql

import (
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// TableFunction describes a function for FROM TABLE(...).
type TableFunction struct {
	Name, Syntax, Doc string

	make func(*tableCall) *pipe
}

var tableFunctions = map[string]*TableFunction{}

func init() {
	for i := range tableFunctionTable {
		tableFunctions[tableFunctionTable[i].Name] = &tableFunctionTable[i]
	}
}

// TableFunctions are the functions for FROM TABLE(...), for help and documentation.
func TableFunctions() []TableFunction { return tableFunctionTable }

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

var tableFunctionTable = []TableFunction{}
