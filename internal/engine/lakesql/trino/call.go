package trino

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/signature"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// function is one of Trino's functions: what it takes, and how it is said in DuckDB.
type function struct {
	signature.Function // as package functions describes it
	// skipNull: an aggregate that passes over rows whose first argument is null.
	skipNull bool
	// alike: elements of an array are compared with those of another, or with a value.
	alike bool
	// template has $1..$9 for arguments and $* for all of them.
	template string
	// aggregate is the aggregate's or window function's name in DuckDB, template then, if
	// given, what is done with its result ($1).
	aggregate string
	// finish is the template of an aggregate whose result takes one of its own.
	finish func(c *invocation) string
	// write is for what a template cannot say.
	write func(c *invocation) (string, *sql.Type)
	// result is the type: a name, or "1" for that of the first argument, "e" for its
	// element, "[1" for an array of it.
	result string
}

// invocation is one call as a function's write sees it.
type invocation struct {
	*translator
	at    sql.Position
	name  string
	exprs []sql.Expr
	args  []string
	typs  []*sql.Type
	in    *scope

	names      int       // given by fresh
	resultType *sql.Type // set by a write of an aggregate
}

func (c *invocation) typ(i int) *sql.Type {
	if i < len(c.typs) {
		return c.typs[i]
	}
	return nil
}

// constant is the text of a string literal argument.
func (c *invocation) constant(i int) string {
	x := c.exprs[i]
	if p, ok := x.(*sql.Parameter); ok && p.Index < len(c.request.Parameters) {
		x = c.request.Parameters[p.Index]
	}
	s, ok := x.(*sql.String)
	if !ok {
		fault.Fail(c.exprs[i].Pos(), "NOT_SUPPORTED", "Argument %d of function %s must be a constant", i+1, c.name)
	}
	return s.Value
}

// lambda translates a lambda argument's body with its parameters standing for the given texts.
func (c *invocation) lambda(i int, params ...param) (string, *sql.Type) {
	l, ok := c.exprs[i].(*sql.Lambda)
	if !ok || len(l.Params) != len(params) {
		fault.Fail(c.exprs[i].Pos(), "FUNCTION_NOT_FOUND", "Unexpected parameters for function %s", c.name)
	}
	scope := map[string]param{}
	for j, p := range l.Params {
		scope[p.Lower()] = params[j]
	}
	length := "len(" + c.args[0] + ")"
	if isMap(c) {
		length = "cardinality(" + c.args[0] + ")"
	}
	c.lambdas, c.lists = append(c.lambdas, scope), append(c.lists, length)
	defer func() { c.lambdas, c.lists = c.lambdas[:len(c.lambdas)-1], c.lists[:len(c.lists)-1] }()
	text, typ := c.expr(l.Body, c.in)
	if dynamic(typ) {
		text, typ = inUTC(text, typ)
	}
	return text, typ
}

// maxElements bounds the elements that lambdas within lambdas go over, for one row: DuckDB
// has all of them in memory at once, which its memory limit does not count.
const maxElements = 10_000_000

// memoryExceeded fails a query that would need too much memory.
const memoryExceeded = "__raise('EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node memory limit')"

// bytes is the size of an argument that is text or bytes; empty for others.
func (c *invocation) bytes(i int) string {
	switch t := c.typ(i); {
	case types.IsText(t):
		return "strlen(" + c.args[i] + ")"
	case types.Is(t, "varbinary"):
		return "octet_length(" + c.args[i] + ")"
	}
	return ""
}

// within is the number of times that an expression is evaluated for a row by the lambdas
// around it; empty where there are none, or where it cannot be told.
func (t *translator) within() string {
	product := strings.Join(t.lists, " * ")
	if strings.Contains(product, "SELECT ") {
		return ""
	}
	return product
}

// bounded is a list that a lambda within a lambda goes over.
func (t *translator) bounded(list, length string) string {
	if t.within() == "" || strings.Contains(list, "SELECT ") {
		return list
	}
	return fmt.Sprintf("CASE WHEN CAST(%s AS DOUBLE) * %s > %d THEN %s ELSE %s END", length, t.within(), maxElements, memoryExceeded, list)
}

// most is the number of elements that a function may make, where n is its own limit.
func (t *translator) most(n int) string {
	if t.within() == "" {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("least(%d, %d // greatest(1, %s))", n, maxElements, t.within())
}

// fresh is a name for a lambda's parameter that hides none outside. The same expression
// has the same names wherever it stands, so that DuckDB knows it again in GROUP BY.
func (c *invocation) fresh() string {
	c.names++
	return fmt.Sprintf("__p%d_%d", len(c.lambdas), c.names)
}

func (t *translator) call(x *sql.Call, in *scope) (string, *sql.Type) {
	name := x.Name.Last()
	f, ok := translations[name]
	if unsupported[name] && len(x.Name.Parts) == 1 {
		fault.Fail(x.Position, "NOT_SUPPORTED", "Function '%s' is not supported", name)
	}
	if !ok || len(x.Name.Parts) > 1 {
		fault.Fail(x.Position, "FUNCTION_NOT_FOUND", "Function '%s' not registered", x.Name)
	}
	if f.aggregate != "" {
		return t.aggregate(x, f, in)
	}
	if x.Over != nil || x.Distinct || x.Filter != nil || x.OrderBy != nil || x.WithinGroup != nil || x.Star || x.Nulls != "" {
		fault.Fail(x.Position, "FUNCTION_NOT_AGGREGATE", "Function '%s' is not an aggregate or window function", name)
	}
	if name == "try" {
		t.try++
		defer func() { t.try-- }()
	}
	return t.function(x.Position, name, x.Args, in)
}

// invoke translates a call's arguments and checks them.
func (t *translator) invoke(at sql.Position, name string, f function, args []sql.Expr, in *scope) *invocation {
	c := &invocation{translator: t, at: at, name: name, exprs: args, in: in}
	for _, a := range args {
		if _, ok := a.(*sql.Lambda); ok {
			c.args, c.typs = append(c.args, ""), append(c.typs, nil)
			continue
		}
		text, typ := t.expr(a, in)
		c.args, c.typs = append(c.args, text), append(c.typs, typ)
	}
	if len(t.lists) > 0 && len(args) > 1 && takesLambda(args) {
		switch typ := c.typ(0); {
		case types.Is(typ, "map"):
			c.args[0] = t.bounded(c.args[0], "cardinality("+c.args[0]+")")
		case types.Is(typ, "array"):
			c.args[0] = t.bounded(c.args[0], "len("+c.args[0]+")")
		}
	}
	if !slices.ContainsFunc(f.Forms, func(form signature.Form) bool { return c.fits(f.Kind, form) }) {
		fault.Fail(at, "FUNCTION_NOT_FOUND", "Unexpected parameters (%s) for function %s. Expected: %s", c.typeNames(), name, expected(f.Function))
	}
	return c
}

func takesLambda(args []sql.Expr) bool {
	for _, a := range args {
		if _, ok := a.(*sql.Lambda); ok {
			return true
		}
	}
	return false
}

// fits reports whether a call is one of a form. An expression says itself what is wrong with
// the types that it is given.
func (c *invocation) fits(kind signature.Kind, form signature.Form) bool {
	if !form.Takes(len(c.typs)) {
		return false
	}
	for i, typ := range c.typs {
		want, _ := form.Arg(i)
		if kind != signature.Expression && !takes(want, typ) || !constrained(c.name, want, typ) {
			return false
		}
	}
	return true
}

// ordered and compared are the type variables of functions that need values with an order, or
// values that can be equal.
var (
	ordered = map[string]string{
		"min": "T", "max": "T", "min_by": "K", "max_by": "K", "greatest": "T", "least": "T", "array_sort": "E", "array_min": "T", "array_max": "T",
	}
	compared = map[string]string{
		"approx_distinct": "T", "approx_set": "T", "approx_most_frequent": "T", "histogram": "K", "map_agg": "K", "multimap_agg": "K", "map_union": "K", "map": "K",
		"map_from_entries": "K", "multimap_from_entries": "K", "map_concat": "K", "set_agg": "T", "set_union": "T", "array_distinct": "E", "array_union": "E",
		"array_intersect": "E", "array_except": "E", "array_histogram": "T", "contains_sequence": "T", "arrays_overlap": "E", "contains": "T", "array_position": "T", "array_remove": "E",
		"nullif": "T", "checksum": "T",
	}
)

// constrained reports whether a value has what a function needs of what its type variables stand for.
func constrained(name string, want signature.Type, t *sql.Type) bool {
	if t == nil || len(want) == 0 {
		return true
	}
	if want.Variable() {
		if types.Is(t, "ipaddress") && strings.Contains(ordered[name], string(want)) && name != "min" && name != "max" {
			return false // DuckDB would go by its text, which has not its order
		}
		return (!strings.Contains(ordered[name], string(want)) || types.Orderable(t)) && (!strings.Contains(compared[name], string(want)) || types.Comparable(t))
	}
	inner, _, _ := strings.Cut(strings.TrimPrefix(string(want), want.Base()+"("), ")")
	if args := strings.Split(inner, ","); len(args) == len(t.Args) {
		for i, a := range args {
			if a = strings.TrimSpace(a); !constrained(name, signature.Type(a), t.Args[i]) {
				return false
			}
		}
	}
	return true
}

// takes reports whether a value may stand where a type is declared. It asks for the kind of
// type, not for the very one: what Trino coerces is coerced, and DuckDB takes the wider ones.
func takes(want signature.Type, t *sql.Type) bool {
	if t == nil || types.Is(t, "unknown") {
		return true
	}
	switch want.Base() {
	case "varchar", "char":
		return types.IsText(t) || types.Is(t, "json", "uuid")
	case "json":
		return types.IsText(t) || types.Is(t, "json")
	case "varbinary", "array", "map", "boolean", "hyperloglog", "geometry", "sphericalgeography", "bingtile", "ipaddress", "tdigest", "qdigest", "color":
		return types.Is(t, want.Base())
	case "double", "real", "decimal":
		return types.IsNumeric(t)
	case "bigint", "integer", "smallint", "tinyint":
		return types.IsInteger(t)
	case "date", "time", "timestamp":
		return types.Is(t, "date", "time", "timestamp", "timestamp with time zone", "time with time zone")
	case "interval day to second", "interval year to month":
		return types.IsInterval(t)
	}
	return true
}

// expected words what a function takes, as Trino does: with the type variables of each form.
func expected(f signature.Function) string {
	parts := make([]string, len(f.Forms))
	for i, form := range f.Forms {
		variables := slices.Sorted(maps.Keys(signature.Variables(form.Args...)))
		if n := len(form.Args); form.Variadic && n > 1 && form.Args[n-1] == form.Args[n-2] {
			form.Args = form.Args[:n-1]
		}
		form.Variadic = false
		for j, v := range variables {
			switch {
			case strings.Contains(ordered[f.Name], v):
				variables[j] = v + ":orderable"
			case strings.Contains(compared[f.Name], v):
				variables[j] = v + ":comparable"
			}
		}
		parts[i] = strings.TrimSpace(f.Signature(form) + " " + strings.Join(variables, ", "))
	}
	return strings.Join(parts, ", ")
}

func (c *invocation) typeNames() string {
	parts := make([]string, len(c.typs))
	for i, t := range c.typs {
		parts[i] = types.Text(t)
		if _, ok := c.exprs[i].(*sql.Lambda); ok {
			parts[i] = "<function>"
		}
	}
	return strings.Join(parts, ", ")
}

func (t *translator) function(at sql.Position, name string, args []sql.Expr, in *scope) (string, *sql.Type) {
	f := translations[name]
	c := t.invoke(at, name, f, args, in)
	if f.alike {
		c.alike()
	}
	if merging[name] {
		c.inOrder()
	}
	if f.write != nil {
		text, typ := f.write(c)
		if typ == nil {
			typ = c.result(f.result)
		}
		return text, typ
	}
	return c.fill(f.template), c.result(f.result)
}

func (c *invocation) result(r string) *sql.Type {
	switch r {
	case "":
		return nil
	case "1":
		return c.typ(0)
	case "2":
		return c.typ(1)
	case "e":
		return types.Element(c.typ(0))
	case "[1":
		return types.ArrayOf(c.typ(0))
	case "varchar1": // as long as the first argument
		return c.text1()
	case "[varchar1":
		return types.ArrayOf(c.text1())
	case "[varchar":
		return types.ArrayOf(types.Varchar)
	case "{varchar":
		return types.MapOf(types.Varchar, types.Varchar)
	case "decimal38":
		return types.Decimal(38, 0)
	}
	return types.Named(r)
}

// text1 is the type of text that is no longer than the first argument.
func (c *invocation) text1() *sql.Type {
	if t := c.typ(0); types.IsText(t) && len(t.Params) == 1 {
		return types.VarcharOf(t.Params[0])
	}
	return types.Varchar
}

// fill puts the arguments into a template.
func (c *invocation) fill(template string) string {
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		if template[i] != '$' || i+1 == len(template) {
			b.WriteByte(template[i])
			continue
		}
		i++
		switch d := template[i]; {
		case d == '*':
			b.WriteString(strings.Join(c.args, ", "))
		case d >= '1' && d <= '9':
			if n := int(d - '1'); n < len(c.args) {
				b.WriteString(c.args[n])
			} else {
				b.WriteString("NULL")
			}
		default:
			b.WriteByte('$')
			b.WriteByte(d)
		}
	}
	return b.String()
}
