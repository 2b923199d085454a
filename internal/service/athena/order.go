package athena

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// In what order statements take effect.
//
// Statements of one account and region that touch the same things take effect in the
// order of their arrival, also for a client that sends them without waiting for the one
// before: a statement waits until all before it that change what it reads or changes
// have ended, and until all before it that read what it changes have resolved their
// names. Statements that have nothing to do with each other run side by side, however
// long one of them takes.

// ref is a table, with an empty name all tables of a database, with both empty
// everything.
type ref struct{ database, table string }

var (
	everything = ref{}
	// databases is the list of them: what changes a whole database meets it, what changes
	// a table does not.
	databases = ref{table: "\x00"}
)

func (r ref) meets(o ref) bool {
	return (r.database == "" || o.database == "" || r.database == o.database) &&
		(r.table == "" || o.table == "" || r.table == o.table)
}

// preparedRef stands for a prepared statement; no database has such a name.
func preparedRef(workgroup, name string) ref { return ref{"\x00" + workgroup, name} }

// footprint is what a statement reads and changes.
type footprint struct {
	reads, writes       []ref
	readsAt, writesAt   []string // locations, without the slash at the end
	changesWhatOthersDo bool
}

func anyMeets(a, b []ref) bool {
	return slices.ContainsFunc(a, func(x ref) bool { return slices.ContainsFunc(b, x.meets) })
}

func below(dir, path string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func anyOverlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool { return below(x, y) || below(y, x) })
	})
}

// conflicts says whether a statement must wait for an earlier one.
func (f *footprint) conflicts(earlier *footprint) bool {
	return anyMeets(f.reads, earlier.writes) || anyMeets(f.writes, earlier.writes) || anyMeets(f.writes, earlier.reads) ||
		anyOverlap(f.readsAt, earlier.writesAt) || anyOverlap(f.writesAt, earlier.writesAt) || anyOverlap(f.writesAt, earlier.readsAt)
}

// turn is one statement in the order; done is closed when those behind need not wait for
// it any more.
type turn struct {
	footprint
	done chan struct{}
}

// turns is the order of one account and region.
type turns struct{ pending []*turn }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// enter queues a statement and returns what it waits for and what it closes.
func (t *turns) enter(f footprint) (wait []<-chan struct{}, done chan struct{}) {
	t.pending = slices.DeleteFunc(t.pending, func(p *turn) bool { return isClosed(p.done) })
	for _, p := range t.pending {
		if !f.conflicts(&p.footprint) {
			continue
		}
		wait = append(wait, p.done)
		if anyMeets(f.reads, p.writes) { // of a view that is not there yet, what is behind it
			f.reads = append(slices.Clip(f.reads), p.reads...)
			f.readsAt = append(slices.Clip(f.readsAt), p.readsAt...)
		}
	}
	done = make(chan struct{})
	t.pending = append(t.pending, &turn{f, done})
	return wait, done
}

// tracer finds out what a statement touches.
type tracer struct {
	ctx       context.Context
	s         *Service
	sc        scope
	workgroup string
	database  string
	seen      map[ref]bool
	f         footprint
}

// maxTraced bounds the tables that are looked up for one statement.
const maxTraced = 200

// footprint is what a statement touches, views followed as far as they are there yet.
func (s *Service) footprint(ctx context.Context, sc scope, workgroup, database string, st statement) footprint {
	if database == "" {
		database = "default"
	}
	t := &tracer{ctx: ctx, s: s, sc: sc, workgroup: workgroup, database: database, seen: make(map[ref]bool)}
	t.statement(st)
	t.f.changesWhatOthersDo = len(t.f.writes)+len(t.f.writesAt) > 0
	return t.f
}

func (t *tracer) name(n sql.QualifiedName) ref {
	r := ref{n.Qualifier(), strings.TrimSuffix(n.Last(), partitionsSuffix)}
	if r.database == "" {
		r.database = t.database
	}
	return r
}

func (t *tracer) write(r ...ref) { t.f.writes = append(t.f.writes, r...) }

// prepared notes what a prepared statement touches that is executed.
func (t *tracer) prepared(st *sql.Execute) {
	self := preparedRef(t.workgroup, st.Name.Name)
	if t.seen[self] {
		return // it executes itself
	}
	t.seen[self] = true
	t.f.reads = append(t.f.reads, self)
	if d, err := t.s.preparedStatement(t.sc, t.workgroup, st.Name.Name); err == nil {
		if inner, err := parse(d.Query); err == nil {
			t.statement(inner)
			return
		}
	}
	t.f.reads = append(t.f.reads, everything) // it may still be on its way
}

func (t *tracer) statement(st statement) {
	if st.touches != nil {
		st.touches(t)
	}
}

func (t *tracer) wholeDatabase(n *sql.QualifiedName) {
	r := ref{database: t.database}
	if n != nil {
		r.database = n.Last()
	}
	t.f.reads = append(t.f.reads, r)
}

// read notes a table that is read, and what is behind it.
func (t *tracer) read(r ref) {
	if r.database == "information_schema" {
		r = everything
	}
	if t.seen[r] {
		return
	}
	t.seen[r] = true
	t.f.reads = append(t.f.reads, r)
	if r == everything || len(t.seen) > maxTraced {
		return
	}
	out, err := t.s.glue.GetTable(t.ctx, &glue.GetTableInput{DatabaseName: aws.String(r.database), Name: aws.String(r.table)})
	if err != nil {
		return // the statement itself will say so
	}
	if v, ok, err := viewOf(out.Table); ok && err == nil {
		if q, err := sql.Parse(v.OriginalSQL); err == nil {
			outer := t.database
			if v.Schema != "" {
				t.database = v.Schema
			}
			t.queries(q)
			t.database = outer
		}
		return
	}
	t.readAt(location(out.Table))
}

func (t *tracer) readAt(location string) {
	if location = strings.TrimRight(location, "/"); location != "" {
		t.f.readsAt = append(t.f.readsAt, location)
	}
}

func (t *tracer) writeAt(location string) {
	if location = strings.TrimRight(location, "/"); location != "" {
		t.f.writesAt = append(t.f.writesAt, location)
	}
}

// queries notes every table that is named anywhere in the tree. The names of WITH are
// among them, which makes a statement wait once too often at worst.
func (t *tracer) queries(n sql.Node) {
	sql.Walk(n, func(n sql.Node) bool {
		switch n := n.(type) {
		case *sql.Table:
			t.read(t.name(n.Name))
			return false
		case *sql.TableQuery:
			t.read(t.name(n.Name))
			return false
		}
		return true
	})
}

// propertyText is the text of a property of a WITH list, empty where it is not there.
func propertyText(list []sql.Property, name string) string {
	for _, p := range list {
		if s, ok := p.Value.(*sql.String); ok && p.Name.Lower() == name {
			return s.Value
		}
	}
	return ""
}
