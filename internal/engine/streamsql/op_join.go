package streamsql

import (
	"sort"
	"strings"
)

// joinSide is one input of a join, and the rows of it that are within its window.
type joinSide struct {
	pipe   *pipe
	keys   []*compiled
	rows   int64 // the window: how many rows; -1: not by rows
	millis int64 // how old they may be; -1: not by time. With both -1 only the current row joins.
	outer  bool  // rows without a partner come out with nulls
	kept   map[string][]*joinRow
	order  []*joinRow // all that are kept, by age
}

func (s *joinSide) windowed() bool { return s.rows >= 0 || s.millis >= 0 }

type joinRow struct {
	key     string
	time    int64
	row     []value
	matched bool
	gone    bool
}

// joinOperator joins two streams, or a stream and a table. Its rows are those of the left side, of
// the right side, and the two ROWTIMEs.
type joinOperator struct {
	rt          *runtime
	pump        string
	left, right joinSide
	table       *table // the right side, if it is one
	rest        *compiled
	out         *pipe
	restFrame   frame
	f           frame
	keyBuf      []byte
}

func (o *joinOperator) describe(kind string) string {
	side := func(s *joinSide) string {
		switch {
		case s.rows >= 0:
			return "its last " + itoa(int(s.rows)+1) + " rows"
		case s.millis == 0:
			return "its rows of the same ROWTIME"
		case s.millis > 0:
			return "its rows of " + string(appendInterval(nil, Type{Kind: IntervalDay, Precision: unitIndex("SECOND")}, s.millis))[1:] + " s"
		}
		return "its current row"
	}
	text := strings.ToLower(kind) + " join by " + plural(len(o.left.keys), "key")
	if o.table != nil {
		return text + " with table " + o.table.ref.Name
	}
	return text + ": left " + side(&o.left) + ", right " + side(&o.right)
}

// matches evaluates what the keys leave of the condition.
func (o *joinOperator) matches(left []value, lt int64, right []value, rt int64) bool {
	o.rt.look()
	if o.rest == nil {
		return true
	}
	p := newBatch(o.out.types)
	p.push(max(lt, rt), o.joined(left, lt, right, rt))
	o.restFrame.b, o.restFrame.i, o.restFrame.now = p, 0, o.rt.now
	v := o.rest.eval(&o.restFrame)
	if o.restFrame.err != nil && o.rt.failed(&o.restFrame, o.pump, p, 0, o.out.types) {
		return false
	}
	return !v.null && v.i != 0
}

func (o *joinOperator) joined(left []value, lt int64, right []value, rt int64) []value {
	row := make([]value, 0, len(o.out.types))
	none := func(n int) {
		for range n {
			row = append(row, null)
		}
	}
	if left != nil {
		row = append(row, left...)
	} else {
		none(len(o.left.pipe.types))
	}
	if right != nil {
		row = append(row, right...)
	} else {
		none(len(o.right.pipe.types))
	}
	if left != nil {
		row = append(row, whole(lt))
	} else {
		none(1)
	}
	if right != nil && o.table == nil {
		row = append(row, whole(rt))
	} else {
		none(1)
	}
	return row
}

// key is a row's key; false: a part of it is null, and it has no partner.
func (o *joinOperator) key(s *joinSide, x *batch, i int) (string, bool, bool) {
	f := &o.f
	f.b, f.i, f.now = x, i, o.rt.now
	o.keyBuf = o.keyBuf[:0]
	some := true
	for _, k := range s.keys {
		v := k.eval(f)
		some = some && !v.null
		o.keyBuf = appendKey(o.keyBuf, k.t, v)
	}
	if f.err != nil && o.rt.failed(f, o.pump, x, i, s.pipe.types) {
		return "", false, false
	}
	return string(o.keyBuf), some, true
}

// pushTable joins rows of the left side with the table.
func (o *joinOperator) pushTable(x *batch) {
	index := o.table.index[o]
	if index == nil {
		index = map[string][]int{}
		for i := range o.table.rows.n {
			if k, some, ok := o.key(&o.right, o.table.rows, i); ok && some {
				index[k] = append(index[k], i)
			}
		}
		o.table.index[o] = index
	}
	out := newBatch(o.out.types)
	right := make([]value, len(o.right.pipe.types))
	for i := range x.n {
		o.rt.look()
		k, some, ok := o.key(&o.left, x, i)
		if !ok {
			continue
		}
		left := make([]value, len(x.cols))
		x.row(i, left)
		matched := false
		if some {
			for _, j := range index[k] {
				o.table.rows.row(j, right)
				if o.matches(left, x.time[i], right, 0) {
					out.push(x.time[i], o.joined(left, x.time[i], right, 0))
					matched = true
				}
			}
		}
		if !matched && o.left.outer {
			out.push(x.time[i], o.joined(left, x.time[i], nil, 0))
		}
	}
	if out.n > 0 {
		o.out.emit(out)
	}
}

// push takes rows of one side: each joins the rows of the other side's window.
func (o *joinOperator) push(x *batch, isLeft bool) {
	s, other := &o.left, &o.right
	if !isLeft {
		s, other = other, s
	}
	out := newBatch(o.out.types)
	for i := range x.n {
		t := x.time[i]
		o.rt.look()
		o.expire(t, out)
		k, some, ok := o.key(s, x, i)
		if !ok {
			continue
		}
		row := make([]value, len(x.cols))
		x.row(i, row)
		r := &joinRow{key: k, time: t, row: row}
		if some {
			for _, p := range other.kept[k] {
				l, lt, rr, rt := row, t, p.row, p.time
				if !isLeft {
					l, lt, rr, rt = p.row, p.time, row, t
				}
				if o.matches(l, lt, rr, rt) {
					p.matched, r.matched = true, true
					out.push(max(lt, rt), o.joined(l, lt, rr, rt))
				}
			}
		}
		if !s.windowed() {
			if s.outer && !r.matched {
				o.alone(out, isLeft, r, t)
			}
			continue
		}
		for c := range row {
			row[c].s = strings.Clone(row[c].s)
		}
		s.kept[k] = append(s.kept[k], r)
		s.order = append(s.order, r)
		o.rt.take(rowBytes(row) + int64(len(k)) + 64)
		if s.rows >= 0 {
			for int64(len(s.order)) > s.rows+1 {
				o.leave(s, isLeft, t, out)
			}
		}
	}
	if out.n > 0 {
		o.out.emit(out)
	}
}

// alone writes a row that had no partner.
func (o *joinOperator) alone(out *batch, isLeft bool, r *joinRow, at int64) {
	if isLeft {
		out.push(at, o.joined(r.row, r.time, nil, 0))
	} else {
		out.push(at, o.joined(nil, 0, r.row, r.time))
	}
}

// leave lets the oldest row of a side go.
func (o *joinOperator) leave(s *joinSide, isLeft bool, at int64, out *batch) {
	r := s.order[0]
	s.order[0] = nil
	s.order = s.order[1:]
	r.gone = true
	list := s.kept[r.key]
	for i, p := range list {
		if p == r {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(s.kept, r.key)
	} else {
		s.kept[r.key] = list
	}
	o.rt.take(-(rowBytes(r.row) + int64(len(r.key)) + 64))
	if s.outer && !r.matched {
		o.alone(out, isLeft, r, at)
	}
}

// expire lets rows go that are older than their side's window.
func (o *joinOperator) expire(now int64, out *batch) {
	for _, s := range []*joinSide{&o.left, &o.right} {
		for s.millis >= 0 && len(s.order) > 0 && s.order[0].time+lifetime(s.millis) <= now {
			o.leave(s, s == &o.left, s.order[0].time+lifetime(s.millis), out)
		}
	}
}

func (o *joinOperator) advance(now int64) {
	if o.table != nil {
		return
	}
	out := newBatch(o.out.types)
	o.expire(now, out)
	if out.n > 0 {
		o.out.emit(out)
	}
}

func (o *joinOperator) deadline() int64 {
	d := int64(never)
	for _, s := range []*joinSide{&o.left, &o.right} {
		if s.outer && s.millis >= 0 && len(s.order) > 0 {
			d = min(d, s.order[0].time+lifetime(s.millis))
		}
	}
	return d
}

func (o *joinOperator) save(e *encoder) {
	for _, s := range []*joinSide{&o.left, &o.right} {
		e.int(int64(len(s.order)))
		for _, r := range s.order {
			e.str(r.key)
			e.int(r.time)
			e.bool(r.matched)
			e.row(s.pipe.types, r.row)
		}
	}
}

func (o *joinOperator) load(d *decoder) {
	for _, s := range []*joinSide{&o.left, &o.right} {
		for range d.count() {
			r := &joinRow{key: d.str(), time: d.int(), matched: d.bool()}
			r.row = d.row(s.pipe.types)
			if d.bad {
				return
			}
			s.order = append(s.order, r)
			s.kept[r.key] = append(s.kept[r.key], r)
			o.rt.take(rowBytes(r.row) + int64(len(r.key)) + 64)
		}
		sort.SliceStable(s.order, func(i, j int) bool { return s.order[i].time < s.order[j].time })
	}
}
