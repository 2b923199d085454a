package streamsql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// frame is the row that an expression is evaluated for.
type frame struct {
	b   *batch
	i   int
	now int64     // Step.Time
	err *rowError // the first failure; the owner looks at it and clears it
}

func (f *frame) fail(e *rowError) value {
	if f.err == nil {
		f.err = e
	}
	return null
}

// compiled is an expression. Its eval keeps scratch space: it belongs to one App.
type compiled struct {
	t    Type
	eval func(*frame) value
	// constant: it is the same for all rows. rising: it depends on ROWTIME alone, and does not
	// fall when that rises.
	constant, rising bool
	column           int    // of the batch; -1: it is not a column as it is
	key              string // equal keys, equal expressions
}

// scope are the names that an expression can use.
type scope struct{ columns []scopeColumn }

// scopeColumn is a column of a relation. def, if any, is what stands for it; a hidden one is not
// among those of *.
type scopeColumn struct {
	table, name string
	t           Type
	column      int
	def         *compiled
	hidden      bool
	record      string // whose field it is; empty: of none
	window      string // the named window of a joined stream, which may stand for a stream without alias; empty: none
}

// relation is the name in the scope of what a table's name means: a stream, a table or an alias, or the named
// window of one.
func (s *scope) relation(name string) string {
	found := name
	for i := range s.columns {
		switch c := &s.columns[i]; {
		case c.table == name:
			return name
		case c.window == name:
			found = c.table
		}
	}
	return found
}

var timestampType = Type{Kind: Timestamp}

// rowtime is the ROWTIME of the row.
func rowtime() *compiled {
	return &compiled{t: timestampType, rising: true, column: -1, key: "ROWTIME", eval: func(f *frame) value { return value{i: f.b.time[f.i]} }}
}

func columnOf(t Type, c int) *compiled {
	x := &compiled{t: t, column: c, key: "$" + strconv.Itoa(c)}
	if t.isText() {
		x.eval = func(f *frame) value {
			v := &f.b.cols[c]
			if v.nulls != nil && v.nulls[f.i] {
				return null
			}
			return value{s: v.strs[f.i]}
		}
		return x
	}
	x.eval = func(f *frame) value {
		v := &f.b.cols[c]
		if v.nulls != nil && v.nulls[f.i] {
			return null
		}
		return value{i: v.ints[f.i]}
	}
	return x
}

func constant(t Type, v value) *compiled {
	return &compiled{t: t, constant: true, column: -1, key: "'" + t.String() + string(appendText(nil, t, v)) + "'" + strconv.FormatBool(v.null), eval: func(*frame) value { return v }}
}

// fold evaluates what depends on nothing.
func fold(c *compiled) *compiled {
	if !c.constant {
		return c
	}
	f := &frame{}
	v := c.eval(f)
	if f.err != nil {
		return c
	}
	k := constant(c.t, v)
	k.key = c.key
	return k
}

func fail(at sql.Node, hint, format string, args ...any) {
	panic(&Error{at.Pos(), fmt.Sprintf(format, args...), hint})
}

// compiler compiles the expressions of one clause.
type compiler struct {
	functions map[string]*userFunction
	scope     *scope
	// intercept, if any, sees every expression first, and returns nil for those that are not its own.
	intercept  func(sql.Expr) *compiled
	parameters map[string]*compiled // of the function whose body it is
	weights    map[string]int64     // of its arguments
	depth      int
	// weight is how many expressions are evaluated for a row: functions that use an argument
	// twice and call each other double it.
	weight int64
}

type userFunction struct {
	def     *dialect.CreateFunction
	types   []Type
	returns Type
}

const (
	maxInlining = 32      // functions that call each other
	maxWeight   = 1 << 18 // expressions of a clause
)

// weigh counts expressions that are evaluated for each row.
func (c *compiler) weigh(at sql.Node, n int64) {
	if c.weight += n; c.weight > maxWeight {
		fail(at, "Compute parts of it in a stream of their own.", "The expression evaluates more than %d others for every row", maxWeight)
	}
}

func (c *compiler) compile(x sql.Expr) *compiled {
	c.weigh(x, 1)
	if c.intercept != nil {
		if r := c.intercept(x); r != nil {
			return r
		}
	}
	switch x := x.(type) {
	case *sql.Null:
		return constant(Type{Kind: Null}, null)
	case *sql.Boolean:
		return constant(Type{Kind: Boolean}, boolean(x.Value))
	case *sql.Number:
		return number(x)
	case *sql.String:
		return constant(Type{Kind: Varchar, Length: max(1, len([]rune(x.Value)))}, text(x.Value))
	case *sql.Binary:
		return constant(Type{Kind: Varbinary, Length: max(1, len(x.Value))}, text(string(x.Value)))
	case *sql.TypedLiteral:
		t := c.typeOf(x.Type)
		v, e := parse(x.Value, t)
		if e != nil {
			fail(x, "A literal is written as DATE '2024-01-31', TIME '12:00:00', TIMESTAMP '2024-01-31 12:00:00'.", "Illegal %s literal '%s'", t, x.Value)
		}
		return constant(t, v)
	case *sql.Interval:
		return interval(x)
	case *sql.Name:
		return c.name(x, "", dialect.Lookup(x.Ident))
	case *sql.Dereference:
		if base, ok := x.Base.(*sql.Name); ok {
			if r := c.field("", dialect.Lookup(base.Ident), dialect.Lookup(x.Field)); r != nil {
				return r
			}
			return c.name(x, dialect.Lookup(base.Ident), dialect.Lookup(x.Field))
		}
		if base, ok := x.Base.(*sql.Dereference); ok {
			if table, ok := base.Base.(*sql.Name); ok {
				if r := c.field(dialect.Lookup(table.Ident), dialect.Lookup(base.Field), dialect.Lookup(x.Field)); r != nil {
					return r
				}
			}
			// "schema"."stream"."column"
			return c.name(x, dialect.Lookup(base.Field), dialect.Lookup(x.Field))
		}
	case *recordField:
		return x.compile()
	case *sql.Unary:
		return c.unary(x)
	case *sql.Operation:
		return c.operation(x)
	case *sql.Between:
		v, a, b := c.compile(x.X), c.compile(x.Low), c.compile(x.High)
		in := both(c.compare(x, ">=", v, a), c.compare(x, "<=", v, b))
		if x.Symmetric {
			in = either(in, both(c.compare(x, ">=", v, b), c.compare(x, "<=", v, a)))
		}
		return negate(x.Not, in)
	case *sql.In:
		return c.in(x)
	case *sql.Like:
		return c.like(x)
	case *dialect.Similar:
		return c.similar(x)
	case *dialect.Period:
		return c.period(x)
	case *sql.IsNull:
		v := c.compile(x.X)
		e, not := v.eval, x.Not
		return &compiled{t: Type{Kind: Boolean}, constant: v.constant, column: -1, key: fmt.Sprintf("isnull(%t,%s)", not, v.key), eval: func(f *frame) value {
			return boolean(e(f).null != not)
		}}
	case *sql.IsDistinct:
		l, r, t := c.unify(x, c.compile(x.Left), c.compile(x.Right))
		not := x.Not
		return &compiled{t: Type{Kind: Boolean}, constant: l.constant && r.constant, column: -1, key: fmt.Sprintf("distinct(%t,%s,%s)", not, l.key, r.key), eval: func(f *frame) value {
			a, b := l.eval(f), r.eval(f)
			same := a.null && b.null || !a.null && !b.null && compare(t, a, b) == 0
			return boolean(same == not)
		}}
	case *sql.Case:
		return c.cases(x)
	case *sql.Cast:
		v, t := c.compile(x.X), c.typeOf(x.Type)
		if !canCast(v.t, t) {
			fail(x, "", "Cast function cannot convert value of type %s to type %s", v.t, t)
		}
		r := convert(v, t)
		if x.Try {
			e := r.eval
			r = &compiled{t: t, column: -1, key: "try(" + r.key + ")", eval: func(f *frame) value {
				before := f.err
				v := e(f)
				f.err = before
				return v
			}}
		}
		return r
	case *sql.Extract:
		return c.extract(x)
	case *dialect.Round:
		return c.round(x)
	case *dialect.Step:
		return c.step(x)
	case *dialect.Difference:
		return c.difference(x)
	case *sql.Call:
		return c.call(x)
	case *sql.Subquery, *sql.Exists, *sql.Quantified:
		fail(x, "Join the stream with what the subquery selects.", "Subqueries within expressions are not supported")
	case *dialect.Cursor:
		fail(x, "CURSOR is an argument of a function in FROM TABLE(...).", "CURSOR cannot stand here")
	}
	fail(x, "", "This expression is not part of the streaming language")
	return nil
}

func (c *compiler) typeOf(x *sql.Type) Type {
	t, err := typeOf(x)
	if err != nil {
		panic(err)
	}
	return t
}

func number(x *sql.Number) *compiled {
	switch x.Kind {
	case sql.Integer:
		i, err := strconv.ParseInt(x.Text, 10, 64)
		if err != nil {
			fail(x, "", "Numeric literal '%s' out of range", x.Text)
		}
		if inRange(Integer, i) {
			return constant(Type{Kind: Integer}, whole(i))
		}
		return constant(Type{Kind: BigInt}, whole(i))
	case sql.Decimal:
		if i, scale, ok := parseDecimal(x.Text); ok {
			return constant(Type{Kind: Decimal, Precision: max(len(strconv.FormatInt(i, 10)), scale, 1), Scale: scale}, whole(i))
		}
	}
	f, err := strconv.ParseFloat(x.Text, 64)
	if err != nil {
		fail(x, "", "Numeric literal '%s' out of range", x.Text)
	}
	return constant(Type{Kind: Double}, float(f))
}

func interval(x *sql.Interval) *compiled {
	n, ok := parseInterval(x.Value, x.From, x.To)
	if !ok {
		fail(x, "Write INTERVAL '1' MINUTE, INTERVAL '1:30' HOUR TO MINUTE or INTERVAL '1 00:00:00' DAY TO SECOND.", "Illegal interval literal format '%s' for INTERVAL %s", x.Value, x.From)
	}
	if x.Negative {
		n = -n
	}
	t := Type{Kind: IntervalDay, Precision: unitIndex(x.From)}
	if x.From == "YEAR" || x.From == "MONTH" {
		t.Kind = IntervalYear
	}
	if x.To != "" && x.To != x.From {
		t.Precision = unitIndex(x.From)
	}
	return constant(t, whole(n))
}

// name finds a column.
func (c *compiler) name(at sql.Expr, table, name string) *compiled {
	if p, ok := c.parameters[name]; ok && table == "" {
		c.weigh(at, c.weights[name])
		return p
	}
	if table != "" {
		table = c.scope.relation(table)
	}
	found := -1
	tables := false
	for i := range c.scope.columns {
		s := &c.scope.columns[i]
		if table != "" && s.table != table {
			continue
		}
		tables = true
		if s.name != name || s.record != "" {
			continue
		}
		if found >= 0 {
			if name == "ROWTIME" && table == "" { // that of the joined row
				return rowtime()
			}
			fail(at, "Write the stream's name or alias before it.", "Column '%s' is ambiguous", name)
		}
		found = i
	}
	if found < 0 {
		if table != "" && !tables {
			fail(at, c.tableHint(table), "Table '%s' not found", table)
		}
		if name == "UNKNOWN" && table == "" {
			return constant(Type{Kind: Boolean}, null)
		}
		if call := niladic(name); call != nil && table == "" {
			return c.call(call)
		}
		where := "in any table"
		if table != "" {
			where = "in table '" + table + "'"
		}
		fail(at, c.columnHint(name), "Column '%s' not found %s", name, where)
	}
	s := &c.scope.columns[found]
	if s.def != nil {
		return s.def
	}
	return columnOf(s.t, s.column)
}

// field finds a field of a log parser's record; nil: there is none.
func (c *compiler) field(table, record, name string) *compiled {
	if table != "" {
		table = c.scope.relation(table)
	}
	for _, s := range c.scope.columns {
		if s.record == record && record != "" && s.name == name && (table == "" || s.table == table) {
			return s.expr()
		}
	}
	return nil
}

// niladic are functions that are called without parentheses.
func niladic(name string) *sql.Call {
	switch name {
	case "CURRENT_ROW_TIMESTAMP", "LOCALTIMESTAMP", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "SYSTEM_USER", "CURRENT_PATH", "PI":
		return &sql.Call{Name: sql.QualifiedName{Parts: []sql.Identifier{{Name: name}}}, NoParens: true}
	}
	return nil
}

func (c *compiler) columnHint(name string) string {
	for _, s := range c.scope.columns {
		if strings.EqualFold(s.name, name) {
			return fmt.Sprintf(`Did you mean "%s"? Names without double quotes are in upper case, names in them are taken as they are.`, s.name)
		}
	}
	var names []string
	for _, s := range c.scope.columns {
		if !s.hidden {
			names = append(names, `"`+s.name+`"`)
		}
	}
	if len(names) == 0 || len(names) > 20 {
		return ""
	}
	return "The columns are " + strings.Join(names, ", ") + "."
}

func (c *compiler) tableHint(name string) string {
	for _, s := range c.scope.columns {
		if strings.EqualFold(s.table, name) {
			return fmt.Sprintf(`Did you mean "%s"?`, s.table)
		}
	}
	return ""
}

// convert casts an expression, if that is needed.
func convert(v *compiled, t Type) *compiled {
	if v.t == t || sameRepresentation(v.t, t) {
		r := *v
		r.t = t
		if v.t.Kind == Null && t.isText() {
			r.eval = func(*frame) value { return null }
		}
		return &r
	}
	e, from := v.eval, v.t
	r := &compiled{t: t, constant: v.constant, column: -1, key: "cast(" + v.key + "," + t.String() + ")"}
	r.rising = v.rising && (t.isTime() && t.Kind != Time || t.isInteger())
	r.eval = func(f *frame) value {
		x := e(f)
		if x.null {
			return null
		}
		y, err := cast(x, from, t, f.now)
		if err != nil {
			return f.fail(err)
		}
		return y
	}
	return fold(r)
}

// common is the type that two types are compared and united in.
func common(a, b Type) (Type, bool) {
	switch {
	case a == b:
		return a, true
	case a.Kind == Null:
		return b, true
	case b.Kind == Null:
		return a, true
	case a.isString() && b.isString():
		t := Type{Kind: Varchar, Length: max(a.Length, b.Length)}
		if a.Kind == Char && b.Kind == Char {
			t.Kind = Char
		}
		if a.Length == 0 || b.Length == 0 {
			t.Length = 0
		}
		return t, true
	case a.Kind == Varbinary && b.Kind == Varbinary:
		return Type{Kind: Varbinary, Length: max(a.Length, b.Length)}, true
	case a.isNumeric() && b.isNumeric():
		switch {
		case a.isApprox() || b.isApprox():
			if a.Kind == Real && b.Kind == Real {
				return a, true
			}
			return Type{Kind: Double}, true
		case a.Kind == Decimal || b.Kind == Decimal:
			a, b = asDecimal(a), asDecimal(b)
			scale := max(a.Scale, b.Scale)
			return Type{Kind: Decimal, Precision: min(18, scale+max(a.Precision-a.Scale, b.Precision-b.Scale)), Scale: scale}, true
		}
		return Type{Kind: max(a.Kind, b.Kind)}, true
	case a.Kind == Date && b.Kind == Timestamp, a.Kind == Timestamp && b.Kind == Date:
		return timestampType, true
	case a.Kind == b.Kind && a.isInterval():
		return Type{Kind: a.Kind, Precision: min(a.Precision, b.Precision)}, true
	}
	return Type{}, false
}

func asDecimal(t Type) Type {
	switch t.Kind {
	case TinyInt:
		return Type{Kind: Decimal, Precision: 3}
	case SmallInt:
		return Type{Kind: Decimal, Precision: 5}
	case Integer:
		return Type{Kind: Decimal, Precision: 10}
	case BigInt:
		return Type{Kind: Decimal, Precision: 18}
	}
	return t
}

// unify brings two expressions to a common type. Text literals are read as the other side's type.
func (c *compiler) unify(at sql.Expr, a, b *compiled) (*compiled, *compiled, Type) {
	t, ok := common(a.t, b.t)
	if !ok {
		switch {
		case a.t.isString() && canCast(a.t, b.t):
			t = b.t
		case b.t.isString() && canCast(b.t, a.t):
			t = a.t
		default:
			fail(at, "CAST one side to the type of the other.", "Cannot compare or combine values of types %s and %s", a.t, b.t)
		}
	}
	return convert(a, t), convert(b, t), t
}
