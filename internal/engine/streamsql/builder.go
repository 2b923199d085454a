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
	own       int    // how many of arrivalColumns sources have
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
	b = &builder{rt: rt, streams: map[string]*stream{}, tables: map[string]*table{}, functions: map[string]*userFunction{}, own: ownColumns(statements)}
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
		s.types = append(s.types, columnTypes(arrivalColumns[:b.own])...)
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
