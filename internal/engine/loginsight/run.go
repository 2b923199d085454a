package loginsight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of what a run keeps.
const (
	MaxGroups = 100_000
	MaxBytes  = 128 << 20
)

// ErrTooLarge is returned by a run that would have to keep more than it may.
var ErrTooLarge = errors.New("the query needs too much memory")

// Field is a field of a row of the result.
type Field struct{ Name, Value string }

// Run evaluates a query over events that are added to it. It is for one goroutine at a time.
type Run struct{ run }

type run struct {
	q       *Query
	first   stage
	out     *output
	matched int64
	rowsMax int
	err     error

	ctx    context.Context // ends what multiplies rows; nil: nothing does
	passed int             // rows that came of others since it was looked at
}

// Within has the run end with the context's error when it is done, also while it is busy with one event.
func (r *Run) Within(ctx context.Context) { r.ctx = ctx }

// ended reports whether the context is done. It is called for each row that comes of another.
func (r *run) ended() bool {
	if r.passed++; r.ctx == nil || r.passed%256 != 0 {
		return r.err != nil
	}
	if err := r.ctx.Err(); err != nil && r.err == nil {
		r.err = err
	}
	return r.err != nil
}

// tooMuch fails the run if a command keeps more bytes than it may.
func (r *run) tooMuch(verb string, bytes int) bool {
	if bytes > MaxBytes {
		r.err = fmt.Errorf("%w: %s of more than %d bytes", ErrTooLarge, verb, MaxBytes)
	}
	return bytes > MaxBytes
}

// Start begins a run that returns at most limit rows, 0 or more than DefaultLimit: DefaultLimit. A limit in the query
// comes before it.
func (q *Query) Start(limit int) *Run {
	r := &Run{run{q: q, rowsMax: DefaultLimit}}
	if limit > 0 && limit < r.rowsMax && !q.limited {
		r.rowsMax = limit
	}
	r.out = &output{run: &r.run}
	next := stage(r.out)
	for i := len(q.commands) - 1; i >= 0; i-- {
		next = q.commands[i].stage(&r.run, next)
	}
	r.first = next
	return r
}

// Add takes an event; false: no more are needed, or the run has failed.
func (r *Run) Add(e *Event) bool {
	if r.err != nil {
		return false
	}
	return r.first.push(&row{event: e}) && r.err == nil
}

// Prepared is an event that has come through the commands that look at one event at a time.
type Prepared struct {
	row *row
	at  stage
}

// Prepare takes an event through the commands at the beginning that look at one event at a time, and reads what the next
// one needs of it; false: a filter drops it. Unlike Add and AddPrepared it may be called by many goroutines at once.
func (r *Run) Prepare(e *Event) (Prepared, bool) {
	p := Prepared{&row{event: e}, r.first}
	for {
		switch s := p.at.(type) {
		case filterStage:
			if !truth(s.e.eval(p.row)) {
				return p, false
			}
			p.at = s.next
			continue
		case mapStage:
			s.f(p.row)
			p.at = s.next
			continue
		case *statsStage: // a row keeps what was read
			groupKey(p.row, s.by)
			for _, c := range s.calls {
				for _, a := range c.args {
					a.eval(p.row)
				}
			}
		case *sortStage:
			for _, k := range s.keys {
				k.eval(p.row)
			}
		case *dedupStage:
			groupKey(p.row, s.list)
		}
		return p, true
	}
}

// AddPrepared is Add for an event that Prepare has let through.
func (r *Run) AddPrepared(p Prepared) bool { return r.err == nil && p.at.push(p.row) && r.err == nil }

// Finish returns the rows of the result.
func (r *Run) Finish() ([][]Field, error) {
	if r.err == nil {
		r.first.finish()
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.out.rows, nil
}

// Matched is how many events have come through the filters.
func (r *Run) Matched() int64 { return r.matched }

// stage is a command at work.
type stage interface {
	push(r *row) (more bool)
	finish()
}

type mapStage struct {
	next stage
	f    func(*row)
}

func (s mapStage) push(r *row) bool { s.f(r); return s.next.push(r) }
func (s mapStage) finish()          { s.next.finish() }

type filterStage struct {
	next stage
	e    *expr
}

func (s filterStage) push(r *row) bool { return !truth(s.e.eval(r)) || s.next.push(r) }
func (s filterStage) finish()          { s.next.finish() }

type limitStage struct {
	next stage
	left int
}

func (s *limitStage) push(r *row) bool {
	if s.left == 0 {
		return false
	}
	s.left--
	return s.next.push(r) && s.left > 0
}
func (s *limitStage) finish() { s.next.finish() }

type unnestStage struct {
	run  *run
	next stage
	e    *expr
	as   string
}

func (s unnestStage) push(r *row) bool {
	list, ok := s.e.eval(r).([]any)
	if !ok {
		return s.next.push(r)
	}
	for _, v := range list {
		c := r.clone()
		c.set(s.as, v)
		if s.run.ended() || !s.next.push(c) {
			return false
		}
	}
	return true
}
func (s unnestStage) finish() { s.next.finish() }

type dedupStage struct {
	run  *run
	next stage
	list []named
	seen map[string]struct{}
	kept int
}

func (s *dedupStage) push(r *row) bool {
	k := groupKey(r, s.list)
	if _, ok := s.seen[k]; ok {
		return true
	}
	if len(s.seen) == MaxGroups {
		s.run.err = fmt.Errorf("%w: dedup of more than %d values", ErrTooLarge, MaxGroups)
		return false
	}
	if s.kept += len(k) + valueCost; s.run.tooMuch("dedup", s.kept) {
		return false
	}
	s.seen[k] = struct{}{}
	return s.next.push(r)
}
func (s *dedupStage) finish() { s.next.finish() }

func groupKey(r *row, by []named) string {
	var b strings.Builder
	for _, n := range by {
		v := n.eval(r)
		if v == nil {
			b.WriteByte(0)
		} else {
			b.WriteByte(1)
			b.WriteString(show(v))
		}
		b.WriteByte(0)
	}
	return b.String()
}

type statsStage struct {
	run    *run
	next   stage
	list   []named
	by     []named
	calls  []*aggCall
	groups map[string]*statsGroup
	kept   int
	args   []value
}

type statsGroup struct {
	by   []value
	aggs []aggregate
}

func (s *statsStage) push(r *row) bool {
	if r.event != nil {
		s.run.matched++
	}
	k := groupKey(r, s.by)
	g := s.groups[k]
	if g == nil {
		if len(s.groups) == MaxGroups {
			s.run.err = fmt.Errorf("%w: stats by more than %d groups", ErrTooLarge, MaxGroups)
			return false
		}
		g = s.group(r)
		s.groups[k] = g
		s.kept += len(k) + valueCost
		for _, v := range g.by {
			s.kept += sizeOf(v)
		}
	}
	at := int64(0)
	if f, ok := num(r.get("@timestamp")); ok {
		at = int64(f)
	}
	for i, c := range s.calls {
		s.args = s.args[:0]
		for _, a := range c.args {
			s.args = append(s.args, a.eval(r))
		}
		before := g.aggs[i].size()
		g.aggs[i].add(s.args, at)
		s.kept += g.aggs[i].size() - before
	}
	return !s.run.tooMuch("stats", s.kept)
}

func (s *statsStage) group(r *row) *statsGroup {
	g := &statsGroup{}
	if r != nil {
		for _, n := range s.by {
			g.by = append(g.by, n.eval(r))
		}
	}
	for _, c := range s.calls {
		g.aggs = append(g.aggs, c.make())
	}
	return g
}

func (s *statsStage) finish() {
	groups := make([]*statsGroup, 0, len(s.groups))
	for _, g := range s.groups {
		groups = append(groups, g)
	}
	if len(groups) == 0 && len(s.by) == 0 {
		groups = append(groups, s.group(nil))
	}
	slices.SortFunc(groups, func(a, b *statsGroup) int {
		for i := range a.by {
			if c := compare(a.by[i], b.by[i]); c != 0 {
				return c
			}
		}
		return 0
	})
	for _, g := range groups {
		r := &row{}
		for i, n := range s.by {
			r.set(n.as, g.by[i])
			r.set(n.name, g.by[i])
		}
		for i, c := range s.calls {
			r.set(c.key(), g.aggs[i].result())
		}
		for _, n := range s.list {
			v := n.eval(r)
			r.set(n.as, v)
			r.set(n.name, v)
		}
		if !s.next.push(r) {
			break
		}
	}
	s.next.finish()
}

type sortKey struct {
	*expr
	desc bool
}

type sortStage struct {
	run  *run
	next stage
	keys []sortKey
	rows []sortRow
	size int
	n    int
}

type sortRow struct {
	*row
	keys []value
	n    int
	at   int64
	size int
}

func (s *sortStage) push(r *row) bool {
	if r.event != nil {
		s.run.matched++
	}
	sr := sortRow{row: r, n: s.n, keys: make([]value, len(s.keys))}
	s.n++
	for i, k := range s.keys {
		sr.keys[i] = k.eval(r)
		sr.size += sizeOf(sr.keys[i])
	}
	if r.event != nil {
		sr.at = r.event.Time
	}
	sr.size += r.size()
	s.size += sr.size
	s.rows = append(s.rows, sr)
	if len(s.rows) >= 2*MaxLimit || s.size > MaxBytes {
		s.cut()
		if s.run.tooMuch("sort", s.size) {
			return false
		}
	}
	return true
}

func (s *sortStage) cut() {
	slices.SortFunc(s.rows, func(a, b sortRow) int {
		for i, k := range s.keys {
			c := compare(a.keys[i], b.keys[i])
			if k.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		if a.at != b.at { // the latest first, whatever order they came in
			return int(b.at - a.at)
		}
		return a.n - b.n
	})
	if len(s.rows) > MaxLimit {
		clear(s.rows[MaxLimit:])
		s.rows = s.rows[:MaxLimit]
	}
	s.size = 0
	for _, r := range s.rows {
		s.size += r.size
	}
}

func (s *sortStage) finish() {
	s.cut()
	for _, r := range s.rows {
		if !s.next.push(r.row) {
			break
		}
	}
	s.next.finish()
}

// output makes rows of the result.
type output struct {
	run  *run
	rows [][]Field
	size int
}

func (o *output) push(r *row) bool {
	if len(o.rows) == o.run.rowsMax {
		return false
	}
	if r.event != nil && !o.run.q.sorts() {
		o.run.matched++
	}
	var fields []Field
	for _, c := range o.run.q.columns {
		if v := r.get(c); v != nil {
			f := Field{c, show(v)}
			o.size += len(f.Name) + len(f.Value)
			fields = append(fields, f)
		}
	}
	if o.run.q.hasPtr && r.event != nil {
		fields = append(fields, Field{"@ptr", r.event.pointer()})
	}
	if o.size > MaxBytes {
		o.run.err = fmt.Errorf("%w: a result of more than %d bytes", ErrTooLarge, MaxBytes)
		return false
	}
	o.rows = append(o.rows, fields)
	return len(o.rows) < o.run.rowsMax
}

func (o *output) finish() {}

func (q *Query) sorts() bool {
	for _, c := range q.commands {
		if c.verb == "sort" {
			return true
		}
	}
	return false
}
