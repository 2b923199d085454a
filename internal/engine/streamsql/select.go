package streamsql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// query builds a query.
func (b *builder) query(q *sql.Query) *pipe {
	if q.With != nil {
		fail(q.With, "Create a stream and a pump for it, or write it as a subquery in FROM.", "WITH is not supported")
	}
	if q.Limit != nil || q.Offset != nil {
		fail(q, "A stream has no end; filter it, or use a window.", "LIMIT and OFFSET are not supported in streams")
	}
	switch body := q.Body.(type) {
	case *sql.Query:
		p := b.query(body)
		return b.orderBy(p, q.OrderBy)
	case *sql.Select:
		return b.selectBlock(body, q.OrderBy)
	case *sql.SetOperation:
		if q.OrderBy != nil {
			fail(q, "", "ORDER BY of a UNION ALL is not supported")
		}
		return b.setOperation(body)
	}
	fail(q, "", "A pump selects from a stream")
	return nil
}

func (b *builder) setOperation(s *sql.SetOperation) *pipe {
	if s.Op != "UNION" || !s.All {
		fail(s, "Write UNION ALL; SELECT DISTINCT over it removes doubles of a window.", "%s of streams is not supported", s.Op)
	}
	side := func(body sql.QueryBody) *pipe {
		switch body := body.(type) {
		case *sql.Select:
			return b.selectBlock(body, nil)
		case *sql.SetOperation:
			return b.setOperation(body)
		case *sql.Query:
			return b.query(body)
		}
		fail(body, "", "UNION ALL takes queries")
		return nil
	}
	left, right := side(s.Left), side(s.Right)
	l, r := left.scope.visible(), right.scope.visible()
	if len(l) != len(r) {
		fail(s, "", "Column count mismatch in UNION: %d and %d", len(l), len(r))
	}
	var types []Type
	lx, rx := make([]*compiled, len(l)), make([]*compiled, len(l))
	sc := &scope{}
	for i := range l {
		t, ok := common(l[i].t, r[i].t)
		if !ok {
			fail(s, "", "Type mismatch in column %d of UNION: %s and %s", i+1, l[i].t, r[i].t)
		}
		types = append(types, t)
		lx[i], rx[i] = convert(l[i].expr(), t), convert(r[i].expr(), t)
		sc.columns = append(sc.columns, scopeColumn{name: l[i].name, t: t, column: i})
	}
	sc.columns = append(sc.columns, scopeColumn{name: "ROWTIME", t: timestampType, def: rowtime(), hidden: true})
	return b.union([]*pipe{b.project(left, lx, nil, "convert"), b.project(right, rx, nil, "convert")}, types, sc)
}

func (c scopeColumn) expr() *compiled {
	if c.def != nil {
		return c.def
	}
	return columnOf(c.t, c.column)
}

// selected is the building of one SELECT block.
type selected struct {
	b       *builder
	s       *sql.Select
	in      *pipe
	input   *compiler // of the rows of FROM
	grouped bool
	groups  map[string]int // key of an expression to the grouped column
	calls   []*aggregateCall
	callAt  map[string]int
	nKeys   int
	post    *compiler // of the rows of the groups, or input
	windows []windowUse
	// groupPipe puts the grouping behind in, when all aggregates are known; nil: it is there.
	groupPipe func() *pipe
	width     int // columns before those of the windows
	staggered bool
}

// windowUse are the calls over one window.
type windowUse struct {
	spec  frameSpec
	key   string
	calls []*analyticCall
}

func (b *builder) selectBlock(s *sql.Select, order []sql.SortItem) *pipe {
	if len(s.From) == 0 {
		fail(s, "", "A pump selects from a stream")
	}
	x := &selected{b: b, s: s, groups: map[string]int{}, callAt: map[string]int{}}
	in, w := b.relation(s.From[0], s.Windows, "")
	where := s.Where
	for i, r := range s.From[1:] {
		right, rw := b.relation(r, s.Windows, "")
		on := where
		if i < len(s.From)-2 {
			on = nil
		} else {
			where = nil
		}
		in = b.joined(r, "INNER", in, w, right, rw, on, nil)
		w = nil
	}
	if w != nil {
		fail(s.From[0], "", "OVER behind a stream is for joins")
	}
	if in.table != nil {
		fail(s, "", "A pump selects from a stream, not from a reference table alone")
	}
	x.in = in
	x.input = &compiler{functions: b.functions, scope: in.scope}
	if where != nil {
		cond := x.input.condition(where, "WHERE")
		x.in = b.filter(x.in, cond, "filter: "+sql.Print(where))
	}
	items := x.expand()
	x.group(items)
	var having *compiled
	if s.Having != nil {
		having = x.post.condition(s.Having, "HAVING")
	}
	columns := make([]*compiled, len(items))
	x.overs()
	for i, item := range items {
		columns[i] = x.post.compile(item.Expr)
	}
	var sortKeys []sortKey
	var rising []*compiled
	for i, o := range order {
		k := x.sortItem(o, items, columns)
		if i == 0 && k.x.rising {
			rising = append(rising, k.x)
		}
		sortKeys = append(sortKeys, k)
	}
	if x.groupPipe != nil {
		x.in = x.groupPipe()
	}
	if having != nil {
		x.in = b.filter(x.in, having, "having: "+sql.Print(s.Having))
	}
	x.width = len(x.in.types)
	for _, use := range x.windows {
		x.in = b.window(x.in, use.spec, use.calls)
	}
	if order != nil {
		if rising == nil && x.grouped {
			rising = []*compiled{rowtime()} // the rows of a window come at once
		}
		if rising == nil {
			fail(order[0].Expr, "Write ORDER BY FLOOR(ROWTIME TO MINUTE), ...", "ORDER BY of a stream begins with an expression that rises with ROWTIME")
		}
		if len(sortKeys) > 1 || !sortKeys[0].x.rising {
			x.in = b.sort(x.in, rising, sortKeys)
		}
	}
	return x.output(items, columns)
}

// selectedItem is an item of the select list, stars expanded.
type selectedItem struct {
	sql.SelectItem
	name   string
	record string // whose field it is
}

func (x *selected) expand() []selectedItem {
	var items []selectedItem
	for i, item := range x.s.Items {
		if !item.Star {
			si := selectedItem{SelectItem: item}
			switch e := item.Expr.(type) {
			case *sql.Name:
				si.name = dialect.Lookup(e.Ident)
			case *sql.Dereference:
				si.name = dialect.Lookup(e.Field)
			default:
				si.name = fmt.Sprintf("EXPR$%d", i)
			}
			if item.Alias != nil {
				si.name = dialect.Lookup(*item.Alias)
			}
			if call, ok := item.Expr.(*sql.Call); ok {
				if r, columns := x.input.record(call); r != nil {
					for n, c := range columns {
						f := &recordField{ExprNode: sql.ExprNode{Position: call.Position}, call: r, n: n}
						items = append(items, selectedItem{SelectItem: sql.SelectItem{Position: item.Position, Expr: f}, name: c.Name, record: si.name})
					}
					continue
				}
			}
			items = append(items, si)
			continue
		}
		table := ""
		if n, ok := item.Expr.(*sql.Name); ok {
			table = x.in.scope.relation(dialect.Lookup(n.Ident))
		} else if item.Expr != nil {
			fail(item, "", "A star stands alone or behind a stream's name")
		}
		found := false
		for _, c := range x.in.scope.columns {
			if c.hidden || table != "" && c.table != table {
				continue
			}
			found = true
			var e sql.Expr = &sql.Name{Position: item.Position, Ident: sql.Identifier{Position: item.Position, Name: c.name, Quoted: true}}
			if c.record != "" {
				e = &sql.Dereference{Position: item.Position, Base: &sql.Name{Position: item.Position, Ident: sql.Identifier{Name: c.record, Quoted: true}}, Field: sql.Identifier{Name: c.name, Quoted: true}}
			} else if c.table != "" {
				e = &sql.Dereference{Position: item.Position, Base: &sql.Name{Position: item.Position, Ident: sql.Identifier{Name: c.table, Quoted: true}}, Field: sql.Identifier{Name: c.name, Quoted: true}}
			}
			items = append(items, selectedItem{SelectItem: sql.SelectItem{Position: item.Position, Expr: e}, name: c.name})
		}
		if !found {
			fail(item, x.input.tableHint(table), "Table '%s' not found", table)
		}
	}
	return items
}

func hasAggregate(n sql.Node) bool {
	found := false
	sql.Walk(n, func(n sql.Node) bool {
		if c, ok := n.(*sql.Call); ok && c.Over == nil && aggregates[strings.ToUpper(c.Name.Last())] != nil {
			found = true
		}
		if c, ok := n.(*sql.Call); ok && c.Over != nil { // aggregates of groups may be its arguments
			for _, a := range c.Args {
				found = found || hasAggregate(a)
			}
			return false
		}
		_, sub := n.(*sql.Query)
		return !found && !sub
	})
	return found
}

// group decides whether rows are grouped, and if so compiles the keys.
func (x *selected) group(items []selectedItem) {
	s := x.s
	aggregated := s.GroupBy != nil || s.Having != nil || s.Extension != nil
	for _, item := range items {
		if item.Expr != nil && hasAggregate(item.Expr) {
			aggregated = true
		}
	}
	if !aggregated {
		x.post = x.input
		return
	}
	x.grouped = true
	var keys, rising []*compiled
	add := func(e sql.Expr) *compiled {
		k := x.groupKey(e, items)
		if i, ok := x.groups[k.key]; ok {
			return keys[i]
		}
		x.groups[k.key] = len(keys)
		keys = append(keys, k)
		if k.rising {
			rising = append(rising, k)
		}
		return k
	}
	if s.GroupBy != nil {
		for _, e := range s.GroupBy.Elements {
			if e.Kind != sql.GroupSimple {
				fail(e, "", "GROUPING SETS, CUBE and ROLLUP are not supported")
			}
			for _, k := range e.Sets[0] {
				add(k)
			}
		}
	}
	var millis int64
	stagger, _ := s.Extension.(*dialect.WindowedBy)
	x.staggered = stagger != nil
	if stagger != nil {
		for _, k := range stagger.PartitionBy {
			add(k)
		}
		v := x.input.compile(stagger.Range)
		if !v.constant || v.t.Kind != IntervalDay {
			fail(stagger.Range, "Write RANGE INTERVAL '1' MINUTE.", "A stagger window takes a constant interval")
		}
		if millis = v.eval(&frame{}).i; millis <= 0 {
			fail(stagger.Range, "", "A stagger window takes an interval greater than 0")
		}
	} else if len(rising) == 0 {
		at := sql.Node(s)
		if s.GroupBy != nil {
			at = s.GroupBy
		}
		fail(at, `Add FLOOR("SOURCE"."ROWTIME" TO MINUTE) or STEP("SOURCE"."ROWTIME" BY INTERVAL '60' SECOND) to GROUP BY, or use OVER (RANGE INTERVAL '1' MINUTE PRECEDING).`, "Streaming aggregation requires at least one monotonic expression in GROUP BY clause")
	}
	x.nKeys = len(keys)
	x.post = &compiler{functions: x.b.functions, scope: &scope{}}
	x.post.intercept = func(e sql.Expr) *compiled { return x.afterGroups(e) }
	x.groupPipe = func() *pipe {
		if stagger != nil {
			return x.b.stagger(x.in, keys, x.calls, millis)
		}
		return x.b.group(x.in, keys, rising, x.calls)
	}
}

// groupKey compiles an expression of GROUP BY; a name that is not a column may be an alias.
func (x *selected) groupKey(e sql.Expr, items []selectedItem) *compiled {
	if n, ok := e.(*sql.Name); ok {
		name := dialect.Lookup(n.Ident)
		known := false
		for _, c := range x.input.scope.columns {
			known = known || c.name == name
		}
		if !known {
			for _, item := range items {
				if item.Alias != nil && item.name == name {
					return x.input.compile(item.Expr)
				}
			}
		}
	}
	return x.input.compile(e)
}

// afterGroups compiles, for the rows of groups, what is a key, an aggregate or a column.
func (x *selected) afterGroups(e sql.Expr) *compiled {
	if c, ok := e.(*sql.Call); ok && c.Over == nil {
		if def := aggregates[strings.ToUpper(dialect.LookupName(c.Name))]; def != nil && x.b.functions[dialect.LookupName(c.Name)] == nil {
			return x.aggregate(c, def)
		}
	}
	switch e.(type) {
	case *sql.Number, *sql.String, *sql.Null, *sql.Boolean, *sql.Interval, *sql.TypedLiteral, *sql.Binary:
		return nil
	}
	k := x.attempt(e)
	if k != nil {
		if i, ok := x.groups[k.key]; ok {
			if k.rising && !x.staggered {
				return x.within(k)
			}
			return columnOf(k.t, i)
		}
		if k.key == "ROWTIME" {
			return rowtime()
		}
		switch e.(type) {
		case *dialect.Round, *dialect.Step: // the hour that the window is in, not that of its end
			if k.rising && !x.staggered {
				return x.within(k)
			}
		}
		switch e.(type) {
		case *sql.Name, *sql.Dereference:
			if k.constant || k.column < 0 && !k.rising {
				return nil
			}
			name := sql.Print(e)
			fail(e, "Put it into GROUP BY or into an aggregate.", "Expression '%s' is not being grouped", name)
		}
	}
	switch e.(type) {
	case *sql.Name, *sql.Dereference:
		x.input.compile(e) // fails with what is wrong
	}
	return nil
}

// within is a rising key as an expression of the grouped row's ROWTIME, the window's end: what it
// is at the window's last millisecond. So an outer query can see that it rises.
func (x *selected) within(k *compiled) *compiled {
	if s := newWindowClock([]*compiled{k}).at(0); s.end == s.start+1 {
		return k
	}
	f := &frame{b: &batch{n: 1, time: []int64{0}}}
	return &compiled{t: k.t, rising: true, column: -1, key: "within(" + k.key + ")", eval: func(g *frame) value {
		f.b.time[0], f.now = g.b.time[g.i]-1, g.now
		return k.eval(f)
	}}
}

// attempt compiles an expression for the rows of FROM; nil: it cannot be.
func (x *selected) attempt(e sql.Expr) (k *compiled) {
	weight := x.input.weight
	defer func() {
		x.input.weight = weight // what is tried is not evaluated
		if r := recover(); r != nil {
			if _, ok := r.(*Error); !ok {
				panic(r)
			}
			k = nil
		}
	}()
	return x.input.compile(e)
}

// aggregate is the grouped column of an aggregate.
func (x *selected) aggregate(c *sql.Call, def *aggregateFunction) *compiled {
	a := &aggregateCall{def: def, distinct: c.Distinct && def.Name != "MIN" && def.Name != "MAX", name: sql.Print(c)}
	key := def.Name
	if c.Star {
		if def.Name != "COUNT" {
			fail(c, "", "%s(*) is not a function", def.Name)
		}
		a.distinct = false
	} else {
		if len(c.Args) != 1 {
			fail(c, "Its syntax is "+def.Syntax+".", "Invalid number of arguments to function '%s'", def.Name)
		}
		arg := x.input.compile(c.Args[0])
		to, ok := def.takes.accepts(arg.t)
		if !ok || to.Kind == Null {
			fail(c.Args[0], "Its syntax is "+def.Syntax+".", "Cannot apply '%s' to arguments of type '%s(<%s>)'", def.Name, def.Name, arg.t)
		}
		a.arg = convert(arg, to)
		key += "(" + a.arg.key + ")"
	}
	if c.Filter != nil {
		a.filter = x.input.condition(c.Filter, "FILTER")
		key += " filter " + a.filter.key
	}
	if a.distinct {
		key += " distinct"
	}
	t := Type{}
	if a.arg != nil {
		t = a.arg.t
	}
	a.t = def.result(t)
	i, ok := x.callAt[key]
	if !ok {
		i = len(x.calls)
		x.callAt[key] = i
		x.calls = append(x.calls, a)
	}
	return columnOf(a.t, x.nKeys+i)
}

// sortItem compiles an element of ORDER BY: an expression, an alias or a position.
func (x *selected) sortItem(o sql.SortItem, items []selectedItem, columns []*compiled) sortKey {
	k := sortKey{descending: o.Descending, last: !o.Descending}
	if o.NullsFirst != nil {
		k.last = !*o.NullsFirst
	}
	switch e := o.Expr.(type) {
	case *sql.Number:
		var n int
		if _, err := fmt.Sscan(e.Text, &n); err != nil || n < 1 || n > len(columns) {
			fail(e, "", "ORDER BY position %s is not in the select list", e.Text)
		}
		k.x = columns[n-1]
		return k
	case *sql.Name:
		for i, item := range items {
			if item.Alias != nil && item.name == dialect.Lookup(e.Ident) {
				k.x = columns[i]
				return k
			}
		}
	}
	k.x = x.post.compile(o.Expr)
	return k
}

// output is the select list as a relation.
func (x *selected) output(items []selectedItem, columns []*compiled) *pipe {
	var time *compiled
	for i, item := range items {
		if item.Alias != nil && item.name == "ROWTIME" && columns[i].key != "ROWTIME" && columns[i].t.Kind == Timestamp {
			time = columns[i] // promoted to the rows' time
		}
	}
	p := x.b.project(x.in, columns, time, "select "+list(items))
	p.scope = &scope{}
	hasRowtime := false
	var rising []int
	for i, item := range items {
		c := scopeColumn{name: item.name, t: columns[i].t, column: i, record: item.record}
		if columns[i].rising && !columns[i].constant {
			rising = append(rising, i)
			if time == nil && columns[i].column < 0 { // the projection keeps ROWTIME, so it can be computed again
				c.def = columns[i]
			}
		}
		if item.name == "ROWTIME" && (columns[i].key == "ROWTIME" || time == columns[i]) {
			hasRowtime = true
			c.def = rowtime()
		}
		p.scope.columns = append(p.scope.columns, c)
	}
	if !hasRowtime {
		p.scope.columns = append(p.scope.columns, scopeColumn{name: "ROWTIME", t: timestampType, def: rowtime(), hidden: true})
	}
	if x.s.Distinct {
		if len(rising) == 0 {
			fail(x.s, "Select FLOOR(ROWTIME TO MINUTE) with it.", "SELECT DISTINCT of a stream needs an expression that rises with ROWTIME")
		}
		sc := p.scope
		p = x.b.distinct(p, rising)
		p.scope = sc
	}
	return p
}

func list(items []selectedItem) string {
	var names []string
	for _, item := range items {
		names = append(names, item.name)
	}
	return strings.Join(names, ", ")
}

// orderBy sorts what a query in parentheses gives.
func (b *builder) orderBy(p *pipe, order []sql.SortItem) *pipe {
	if order == nil {
		return p
	}
	c := &compiler{functions: b.functions, scope: p.scope}
	var keys []sortKey
	for _, o := range order {
		keys = append(keys, sortKey{x: c.compile(o.Expr), descending: o.Descending, last: !o.Descending})
	}
	if !keys[0].x.rising {
		fail(order[0].Expr, "Write ORDER BY FLOOR(ROWTIME TO MINUTE), ...", "ORDER BY of a stream begins with an expression that rises with ROWTIME")
	}
	if len(keys) == 1 {
		return p
	}
	sc := p.scope
	p = b.sort(p, []*compiled{keys[0].x}, keys)
	p.scope = sc
	return p
}
