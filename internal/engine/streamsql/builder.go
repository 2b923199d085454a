package streamsql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

func itoa(n int) string { return strconv.Itoa(n) }

// builder makes the operators of an application.
type builder struct {
	rt        *runtime
	streams   map[string]*stream
	order     []*stream // sources, created streams, error_stream
	tables    map[string]*table
	functions map[string]*userFunction
	pumps     []*pump
	pump      string // the name of the one that is being built
	feeds     []feed // what the pump that is being built reads
}

// pump is a pump at work.
type pump struct {
	name    string
	into    *stream
	query   *sql.Query
	columns []sql.Identifier
	at      sql.Node
	stopped bool
	reads   []*stream
	root    *pipe
	done    bool
}

type feed struct {
	from *stream
	pipe *pipe
}

// build makes an application of its statements.
func build(statements []sql.Statement, sources []Source, references []Reference, rt *runtime) (b *builder, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	b = &builder{rt: rt, streams: map[string]*stream{}, tables: map[string]*table{}, functions: map[string]*userFunction{}}
	for _, s := range sources {
		st := &stream{Stream: Stream{Name: s.Name, Kind: SourceStream}, arrival: s.Arrival}
		for _, c := range s.Schema.Columns {
			st.Columns = append(st.Columns, Column{c.Name, c.Type})
		}
		b.addStream(st, &sql.Null{})
	}
	for _, r := range references {
		if b.streams[r.Name] != nil || b.tables[r.Name] != nil {
			return nil, &Error{Message: fmt.Sprintf("Object '%s' already exists", r.Name)}
		}
		t := &table{ref: r, index: map[*joinOperator]map[string][]int{}}
		for _, c := range r.Schema.Columns {
			t.types = append(t.types, c.Type)
		}
		t.rows = newBatch(t.types)
		b.tables[r.Name] = t
	}
	errorStream := &stream{Stream: Stream{Name: ErrorStream, Kind: ErrorsStream, Columns: ErrorColumns()}, types: columnTypes(ErrorColumns())}
	b.rt.errors = errorStream
	for _, s := range statements {
		b.declare(s)
	}
	b.streams[ErrorStream] = errorStream
	b.streams[strings.ToUpper(ErrorStream)] = errorStream
	b.order = append(b.order, errorStream)
	for _, p := range b.pumps {
		b.find(p)
	}
	for _, p := range b.pumps {
		b.buildPump(p, nil)
	}
	return b, nil
}

func (b *builder) addStream(s *stream, at sql.Node) {
	if b.streams[s.Name] != nil || b.tables[s.Name] != nil || strings.EqualFold(s.Name, ErrorStream) {
		fail(at, "", "Object '%s' already exists", s.Name)
	}
	seen := map[string]bool{"ROWTIME": true}
	for _, c := range s.Columns {
		if seen[c.Name] {
			fail(at, "", "Column '%s' is declared twice in stream '%s', or is ROWTIME, which every stream has", c.Name, s.Name)
		}
		seen[c.Name] = true
	}
	s.types = columnTypes(s.Columns)
	if s.arrival {
		if seen["APPROXIMATE_ARRIVAL_TIME"] {
			s.arrival = false
		} else {
			s.types = append(s.types, timestampType)
		}
	}
	b.streams[s.Name] = s
	b.order = append(b.order, s)
}

// declare takes in a statement; pumps are built when all streams are known.
func (b *builder) declare(s sql.Statement) {
	c := &compiler{}
	switch s := s.(type) {
	case *dialect.CreateStream:
		name := dialect.LookupName(s.Name)
		if old := b.streams[name]; old != nil && s.OrReplace && old.Kind == PumpedStream {
			b.remove(old)
		}
		st := &stream{Stream: Stream{Name: name, Kind: PumpedStream}}
		if len(s.Columns) == 0 {
			fail(s, "", "Stream '%s' has no columns", name)
		}
		for _, d := range s.Columns {
			st.Columns = append(st.Columns, Column{dialect.Lookup(d.Name), c.typeOf(d.Type)})
		}
		b.addStream(st, s)
	case *dialect.CreatePump:
		name := dialect.LookupName(s.Name)
		for i, p := range b.pumps {
			if p.name != name {
				continue
			}
			if !s.OrReplace {
				fail(s, "Write CREATE OR REPLACE PUMP, or give it another name.", "Object '%s' already exists", name)
			}
			b.pumps = append(b.pumps[:i:i], b.pumps[i+1:]...)
			break
		}
		b.pumps = append(b.pumps, &pump{name: name, query: s.Query, columns: s.Columns, at: s, stopped: s.Stopped})
	case *dialect.CreateFunction:
		name := dialect.LookupName(s.Name)
		if b.functions[name] != nil && !s.OrReplace {
			fail(s, "", "Object '%s' already exists", name)
		}
		u := &userFunction{def: s, returns: c.typeOf(s.Returns)}
		inner := &compiler{functions: b.functions, scope: &scope{}, parameters: map[string]*compiled{}}
		for _, p := range s.Parameters {
			t := c.typeOf(p.Type)
			u.types = append(u.types, t)
			inner.parameters[dialect.Lookup(p.Name)] = dry(t)
		}
		body := inner.compile(s.Body)
		if !canCast(body.t, u.returns) {
			fail(s.Body, "", "Cast function cannot convert value of type %s to type %s", body.t, u.returns)
		}
		b.functions[name] = u
	case *dialect.AlterPump:
		for _, p := range b.pumps {
			if p.name == dialect.LookupName(s.Name) {
				p.stopped = s.Stop
				return
			}
		}
		fail(s, "", "Pump '%s' not found", dialect.LookupName(s.Name))
	case *dialect.Drop:
		b.drop(s)
	default:
		fail(s, "Put it into CREATE OR REPLACE PUMP \"NAME\" AS INSERT INTO \"STREAM\" SELECT STREAM ...", "A query cannot stand alone")
	}
}

func (b *builder) remove(s *stream) {
	delete(b.streams, s.Name)
	for i, o := range b.order {
		if o == s {
			b.order = append(b.order[:i:i], b.order[i+1:]...)
			return
		}
	}
}

func (b *builder) drop(s *dialect.Drop) {
	name := dialect.LookupName(s.Name)
	found := false
	switch s.What {
	case "STREAM":
		if st := b.streams[name]; st != nil && st.Kind == PumpedStream {
			found = true
			b.remove(st)
		}
	case "FUNCTION":
		found = b.functions[name] != nil
		delete(b.functions, name)
	case "PUMP":
		for i, p := range b.pumps {
			if p.name == name {
				found = true
				b.pumps = append(b.pumps[:i:i], b.pumps[i+1:]...)
				break
			}
		}
	}
	if !found && !s.IfExists {
		fail(s, "", "Object '%s' not found", name)
	}
}

// find looks up the streams that a pump reads and writes.
func (b *builder) find(p *pump) {
	into := p.at.(*dialect.CreatePump).Into
	name := dialect.LookupName(into)
	p.into = b.streams[name]
	if p.into == nil {
		fail(into, b.streamHint(name), "Object '%s' not found", name)
	}
	if p.into.Kind == SourceStream || p.into.Kind == ErrorsStream {
		fail(into, "", "Pump '%s' cannot write into stream '%s'", p.name, name)
	}
	sql.Walk(p.query, func(n sql.Node) bool {
		if t, ok := n.(*sql.Table); ok {
			if s := b.streams[dialect.LookupName(t.Name)]; s != nil {
				p.reads = append(p.reads, s)
			}
		}
		return true
	})
}

func (b *builder) streamHint(name string) string {
	for n := range b.streams {
		if strings.EqualFold(n, name) {
			return fmt.Sprintf(`Did you mean "%s"? Names without double quotes are in upper case, names in them are taken as they are.`, n)
		}
	}
	return ""
}

// buildPump builds a pump behind those that write what it reads, so that time comes to the
// operators of an application in the order in which rows do.
func (b *builder) buildPump(p *pump, above []*pump) {
	if p.done {
		return
	}
	for _, a := range above {
		if a == p {
			fail(p.at, "", "The pumps %s form a circle", names(above))
		}
	}
	above = append(above, p)
	for _, s := range p.reads {
		for _, q := range b.pumps {
			if q.into == s {
				b.buildPump(q, above)
			}
		}
	}
	p.done = true
	if p.stopped {
		return
	}
	b.pump, b.feeds = p.name, nil
	root := b.query(p.query)
	p.root = b.insert(p, root)
	for _, f := range b.feeds {
		in := f.pipe
		f.from.readers = append(f.from.readers, func(x *batch) { in.emit(x) })
	}
}

func names(pumps []*pump) string {
	var list []string
	for _, p := range pumps {
		list = append(list, "'"+p.name+"'")
	}
	return strings.Join(list, ", ")
}

// insert casts what a query gives to the columns of the pump's stream, and pushes it there.
func (b *builder) insert(p *pump, in *pipe) *pipe {
	into := p.into
	visible := in.scope.visible()
	targets := make([]int, 0, len(visible)) // columns of the stream; -1: ROWTIME
	if p.columns != nil {
		for _, id := range p.columns {
			name := dialect.Lookup(id)
			at := -2
			if name == "ROWTIME" {
				at = -1
			}
			for i, c := range into.Columns {
				if c.Name == name {
					at = i
				}
			}
			if at == -2 {
				c := &compiler{scope: &scope{}}
				for _, col := range into.Columns {
					c.scope.columns = append(c.scope.columns, scopeColumn{name: col.Name})
				}
				fail(id, c.columnHint(name), "Unknown target column '%s'", name)
			}
			for _, other := range targets {
				if other == at {
					fail(id, "", "Target column '%s' is assigned more than once", name)
				}
			}
			targets = append(targets, at)
		}
	} else {
		for i := range into.Columns {
			targets = append(targets, i)
		}
		// One column more, which is called ROWTIME: it is the rows' time.
		if len(visible) == len(targets)+1 {
			for i, v := range visible {
				if v.name == "ROWTIME" {
					targets = append(targets[:i:i], append([]int{-1}, targets[i:]...)...)
					break
				}
			}
		}
	}
	if len(targets) != len(visible) {
		fail(p.query, fmt.Sprintf("The stream has %s, the query gives %s.", plural(len(targets), "column"), plural(len(visible), "value")), "Number of INSERT target columns (%d) does not equal number of source items (%d)", len(targets), len(visible))
	}
	columns := make([]*compiled, len(into.Columns))
	for i, c := range into.Columns {
		columns[i] = convert(constant(Type{Kind: Null}, null), c.Type)
	}
	var time *compiled
	for i, v := range visible {
		x := v.def
		if x == nil {
			x = columnOf(v.t, v.column)
		}
		to, name := timestampType, "ROWTIME"
		if targets[i] >= 0 {
			to, name = into.Columns[targets[i]].Type, into.Columns[targets[i]].Name
		}
		if !canCast(x.t, to) {
			fail(p.query, "CAST the value to the column's type.", "Cannot assign to target field '%s' of type %s from source field '%s' of type %s", name, to, v.name, x.t)
		}
		if x = convert(x, to); targets[i] < 0 {
			time = x
			if x.key == "ROWTIME" {
				time = nil
			}
		} else {
			columns[targets[i]] = x
		}
	}
	out := b.project(in, columns, time, "insert into "+into.Name)
	out.emit = into.push
	return out
}

// visible are the columns that * stands for.
func (s *scope) visible() []scopeColumn {
	var list []scopeColumn
	for _, c := range s.columns {
		if !c.hidden {
			list = append(list, c)
		}
	}
	return list
}

// relation is a relation of FROM.
func (b *builder) relation(r sql.Relation, windows []sql.NamedWindow, alias string) (*pipe, *frameSpec) {
	switch r := r.(type) {
	case *sql.Table:
		return b.named(r, alias), nil
	case *sql.AliasedRelation:
		name := dialect.Lookup(r.Alias)
		p, w := b.relation(r.Relation, windows, name)
		if r.Columns != nil {
			b.rename(p, r)
		}
		return p, w
	case *sql.SubqueryRelation:
		p := b.query(r.Query)
		requalify(p, alias)
		return p, nil
	case *dialect.Windowed:
		p, _ := b.relation(r.Relation, windows, alias)
		spec := b.frame(&compiler{functions: b.functions, scope: p.scope}, r.Window, windows)
		if spec.partition != nil {
			fail(r.Window, "The join condition says which rows go together.", "The window of a joined stream has no partitions")
		}
		return p, &spec
	case *sql.Join:
		return b.join(r, windows), nil
	case *dialect.Function:
		p := b.tableFunction(r)
		requalify(p, alias)
		return p, nil
	}
	fail(r, "", "FROM takes streams, reference tables, subqueries, joins and TABLE(function)")
	return nil, nil
}

func requalify(p *pipe, alias string) {
	s := &scope{columns: append([]scopeColumn(nil), p.scope.columns...)}
	for i := range s.columns {
		s.columns[i].table = alias
	}
	p.scope = s
}

func (b *builder) rename(p *pipe, r *sql.AliasedRelation) {
	visible := 0
	for i := range p.scope.columns {
		c := &p.scope.columns[i]
		if c.hidden {
			continue
		}
		if visible >= len(r.Columns) {
			fail(r, "", "The alias has %d columns, the relation more", len(r.Columns))
		}
		c.name = dialect.Lookup(r.Columns[visible])
		visible++
	}
	if visible != len(r.Columns) {
		fail(r, "", "The alias has %d columns, the relation %d", len(r.Columns), visible)
	}
}

// named is a stream or a reference table.
func (b *builder) named(r *sql.Table, alias string) *pipe {
	name := dialect.LookupName(r.Name)
	if alias == "" {
		alias = name
	}
	p := &pipe{scope: &scope{}}
	if t := b.tables[name]; t != nil {
		p.types, p.table, p.text = t.types, t, "reference table "+name
		for i, c := range t.ref.Schema.Columns {
			p.scope.columns = append(p.scope.columns, scopeColumn{table: alias, name: c.Name, t: c.Type, column: i})
		}
		return p
	}
	s := b.streams[name]
	if s == nil {
		fail(r, b.streamHint(name), "Object '%s' not found", name)
	}
	p.types, p.stream, p.text = s.types, true, "stream "+name
	for i, c := range s.Columns {
		p.scope.columns = append(p.scope.columns, scopeColumn{table: alias, name: c.Name, t: c.Type, column: i})
	}
	p.scope.columns = append(p.scope.columns, scopeColumn{table: alias, name: "ROWTIME", t: timestampType, def: rowtime(), hidden: true})
	if s.arrival {
		p.scope.columns = append(p.scope.columns, scopeColumn{table: alias, name: "APPROXIMATE_ARRIVAL_TIME", t: timestampType, column: len(s.Columns), hidden: true})
	}
	b.feeds = append(b.feeds, feed{s, p})
	return p
}

// frame reads what a window says.
func (b *builder) frame(c *compiler, w *sql.Window, windows []sql.NamedWindow) frameSpec {
	spec := frameSpec{rows: -1, millis: -1}
	if w.Name != nil {
		found := false
		for _, n := range windows {
			if dialect.Lookup(n.Name) == dialect.Lookup(*w.Name) {
				if n.Window.Name != nil && dialect.Lookup(*n.Window.Name) == dialect.Lookup(n.Name) {
					fail(n.Window, "", "Window '%s' builds on itself", dialect.Lookup(n.Name))
				}
				spec, found = b.frame(c, n.Window, without(windows, n.Name)), true
				break
			}
		}
		if !found {
			fail(w, "Define it with WINDOW name AS (...).", "Window '%s' not found", dialect.Lookup(*w.Name))
		}
		if w.Bare {
			return spec
		}
	}
	var text []string
	for _, x := range w.PartitionBy {
		spec.partition = append(spec.partition, c.compile(x))
		text = append(text, sql.Print(x))
	}
	if text != nil {
		text = []string{"by " + strings.Join(text, ", ")}
	}
	for i, o := range w.OrderBy {
		if x := c.compile(o.Expr); !x.rising || i > 0 || o.Descending {
			fail(o.Expr, "Rows of a stream are in the order of ROWTIME.", "A window is ordered by ROWTIME or an expression that rises with it")
		}
	}
	if f := w.Frame; f != nil {
		start := f.Start
		if f.End.Kind != "" && f.End.Kind != "CURRENT ROW" {
			fail(f, "Windows end with the current row.", "Window frame is not supported: it ends with %s", f.End.Kind)
		}
		switch {
		case start.Kind == "UNBOUNDED PRECEDING":
		case start.Kind == "CURRENT ROW" && f.Unit == "ROWS":
			spec.rows = 0
		case start.Kind == "CURRENT ROW":
			spec.millis = 0
		case start.Kind != "PRECEDING":
			fail(f, "Windows begin before the current row.", "Window frame is not supported: it begins with %s", start.Kind)
		default:
			v := c.compile(start.Value)
			if !v.constant {
				fail(start.Value, "", "The size of a window is a constant")
			}
			n := v.eval(&frame{})
			switch {
			case f.Unit == "ROWS" && v.t.isInteger() && n.i >= 0:
				spec.rows = n.i
			case f.Unit == "RANGE" && v.t.Kind == IntervalDay && n.i >= 0:
				spec.millis = n.i
			case f.Unit == "RANGE" && v.t.Kind == IntervalYear && n.i >= 0:
				spec.millis = n.i * 30 * msDay
			default:
				fail(start.Value, "Write ROWS 10 PRECEDING or RANGE INTERVAL '1' MINUTE PRECEDING.", "Window frame is not supported: %s of %s", f.Unit, v.t)
			}
		}
	}
	switch {
	case spec.rows >= 0:
		text = append(text, fmt.Sprintf("of %d rows before the current one", spec.rows))
	case spec.millis >= 0:
		text = append(text, "of "+string(appendInterval(nil, Type{Kind: IntervalDay, Precision: unitIndex("SECOND")}, spec.millis))[1:]+" s")
	default:
		text = append(text, "without bounds")
	}
	spec.text = strings.Join(text, " ")
	return spec
}

func without(list []sql.NamedWindow, name sql.Identifier) []sql.NamedWindow {
	var rest []sql.NamedWindow
	for _, w := range list {
		if dialect.Lookup(w.Name) != dialect.Lookup(name) {
			rest = append(rest, w)
		}
	}
	return rest
}

// join joins two relations.
func (b *builder) join(r *sql.Join, windows []sql.NamedWindow) *pipe {
	left, lw := b.relation(r.Left, windows, "")
	right, rw := b.relation(r.Right, windows, "")
	if r.Natural {
		fail(r, "Say with ON which columns are equal.", "NATURAL joins are not supported")
	}
	return b.joined(r, r.Kind, left, lw, right, rw, r.On, r.Using)
}

func (b *builder) joined(at sql.Node, kind string, left *pipe, lw *frameSpec, right *pipe, rw *frameSpec, on sql.Expr, using []sql.Identifier) *pipe {
	if left.table != nil && right.table == nil { // the stream is on the left
		switch kind {
		case "LEFT":
			kind = "RIGHT"
		case "RIGHT":
			kind = "LEFT"
		}
		p := b.joined(at, kind, right, rw, left, lw, on, using)
		// Columns are named, and * has them in the order of the text.
		n := len(right.scope.columns)
		p.scope = &scope{columns: append(append([]scopeColumn(nil), p.scope.columns[n:]...), p.scope.columns[:n]...)}
		return p
	}
	o := &joinOperator{rt: b.rt, pump: b.pump}
	side := func(p *pipe, w *frameSpec, outer bool) joinSide {
		s := joinSide{pipe: p, rows: -1, millis: -1, outer: outer, kept: map[string][]*joinRow{}}
		if w != nil {
			s.rows, s.millis = w.rows, w.millis
			if s.rows < 0 && s.millis < 0 {
				fail(at, "Write RANGE INTERVAL '1' MINUTE PRECEDING or ROWS 10 PRECEDING.", "The window of a joined stream needs bounds")
			}
		}
		return s
	}
	o.left, o.right = side(left, lw, kind == "LEFT" || kind == "FULL"), side(right, rw, kind == "RIGHT" || kind == "FULL")
	switch {
	case left.table != nil:
		fail(at, "", "A reference table is joined with a stream")
	case right.table != nil:
		o.table = right.table
		if o.right.outer {
			fail(at, "", "An outer join cannot keep the rows of a reference table")
		}
	case !o.left.windowed() && !o.right.windowed():
		fail(at, "Write FROM a OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS a JOIN b OVER (...) AS b ON ...", "A join of streams needs a window on one of them at least")
	}
	o.out = &pipe{stream: true, inputs: []*pipe{left, right}}
	o.out.types = append(append(append([]Type(nil), left.types...), right.types...), timestampType, timestampType)
	// Scope: names of both sides, each with its own ROWTIME.
	sc := &scope{}
	add := func(p *pipe, shift, time int, nullable bool) {
		for _, c := range p.scope.columns {
			if c.def != nil {
				if o.table != nil { // the joined row has the stream's ROWTIME
				} else if c.def.key == "ROWTIME" {
					// ROWTIME of the joined row and of the side are the same where the side always has one.
					c.def = nil
					c.column = time
				} else {
					fail(at, "Give the subquery's column to a stream first, or join before computing it.", "Column '%s' of a joined subquery depends on ROWTIME", c.name)
				}
			} else {
				c.column += shift
			}
			sc.columns = append(sc.columns, c)
		}
	}
	n, m := len(left.types), len(right.types)
	add(left, 0, n+m, o.right.outer)
	add(right, n, n+m+1, o.left.outer)
	o.out.scope = sc
	for _, id := range using {
		name := dialect.Lookup(id)
		l, r := &sql.Name{Position: id.Position, Ident: id}, &sql.Name{Position: id.Position, Ident: id}
		lc, rc := &compiler{functions: b.functions, scope: left.scope}, &compiler{functions: b.functions, scope: right.scope}
		x, y, _ := lc.unify(l, lc.compile(l), rc.compile(r))
		o.left.keys, o.right.keys = append(o.left.keys, x), append(o.right.keys, y)
		// The name means the left one's column from here on.
		first := true
		for i := range sc.columns {
			if sc.columns[i].name == name && !sc.columns[i].hidden {
				if !first {
					sc.columns[i].hidden = true
					sc.columns[i].name += " " // it can only be had by its table's name, and hardly by that
				}
				first = false
			}
		}
	}
	var rest sql.Expr
	for _, cond := range conjuncts(on) {
		if !b.equiKey(o, left, right, cond) {
			if rest == nil {
				rest = cond
			} else {
				rest = &sql.Operation{Position: cond.Pos(), Op: "AND", Left: rest, Right: cond}
			}
		}
	}
	if rest != nil {
		c := &compiler{functions: b.functions, scope: sc}
		o.rest = c.condition(rest, "ON")
	}
	o.out.text = o.describe(kind)
	left.emit = func(x *batch) { o.push(x, true) }
	if o.table != nil {
		left.emit = o.pushTable
	} else {
		right.emit = func(x *batch) { o.push(x, false) }
	}
	b.rt.operators = append(b.rt.operators, o)
	return o.out
}

func conjuncts(x sql.Expr) []sql.Expr {
	if x == nil {
		return nil
	}
	if o, ok := x.(*sql.Operation); ok && o.Op == "AND" {
		return append(conjuncts(o.Left), conjuncts(o.Right)...)
	}
	return []sql.Expr{x}
}

// equiKey takes an equation of one side with the other as a key of a join.
func (b *builder) equiKey(o *joinOperator, left, right *pipe, x sql.Expr) bool {
	eq, ok := x.(*sql.Operation)
	if !ok || eq.Op != "=" {
		return false
	}
	lc, rc := &compiler{functions: b.functions, scope: left.scope}, &compiler{functions: b.functions, scope: right.scope}
	try := func(c *compiler, x sql.Expr) (v *compiled) {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(*Error); !ok {
					panic(r)
				}
				v = nil
			}
		}()
		return c.compile(x)
	}
	for _, swap := range []bool{false, true} {
		a, z := eq.Left, eq.Right
		if swap {
			a, z = z, a
		}
		l, r := try(lc, a), try(rc, z)
		if l == nil || r == nil || l.constant || r.constant {
			continue
		}
		if try(rc, a) != nil || try(lc, z) != nil { // a name that both have: the condition's own scope decides
			if _, qualified := a.(*sql.Dereference); !qualified {
				continue
			}
		}
		l, r, _ = lc.unify(eq, l, r)
		o.left.keys, o.right.keys = append(o.left.keys, l), append(o.right.keys, r)
		return true
	}
	return false
}
