package streamsql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

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
		if r.Window.Bare && alias == "" {
			for i := range p.scope.columns {
				p.scope.columns[i].window = dialect.Lookup(*r.Window.Name)
			}
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
		s.columns[i].table, s.columns[i].window = alias, ""
	}
	p.scope = s
}

// rename gives the columns of a relation the names of its alias; a record has one.
func (b *builder) rename(p *pipe, r *sql.AliasedRelation) {
	visible, record := 0, ""
	for i := range p.scope.columns {
		c := &p.scope.columns[i]
		if c.hidden {
			continue
		}
		if c.record != "" && c.record == record {
			c.record = dialect.Lookup(r.Columns[visible-1])
			continue
		}
		if visible >= len(r.Columns) {
			fail(r, "", "The alias has %d columns, the relation more", len(r.Columns))
		}
		name := dialect.Lookup(r.Columns[visible])
		if record = c.record; record != "" {
			c.record = name
		} else {
			c.name = name
		}
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
		for i, c := range arrivalColumns[:b.own] {
			if !s.has(c.Name) { // the schema's own comes first
				p.scope.columns = append(p.scope.columns, scopeColumn{table: alias, name: c.Name, t: c.Type, column: len(s.Columns) + i, hidden: true})
			}
		}
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
