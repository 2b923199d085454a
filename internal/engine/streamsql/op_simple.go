package streamsql

import "sort"

// filterOperator lets rows through for which a condition is true.
func (b *builder) filter(in *pipe, cond *compiled, what string) *pipe {
	out := &pipe{scope: in.scope, types: in.types, stream: true, text: what, inputs: []*pipe{in}}
	rt, pump, types := b.rt, b.pump, in.types
	f := &frame{}
	in.emit = func(x *batch) {
		f.b, f.now = x, rt.now
		rows := make([]int, 0, x.n)
		for i := range x.n {
			f.i = i
			v := cond.eval(f)
			if f.err != nil && rt.failed(f, pump, x, i, types) {
				continue
			}
			if !v.null && v.i != 0 {
				rows = append(rows, i)
			}
		}
		if len(rows) > 0 {
			out.emit(x.pick(rows))
		}
	}
	return out
}

// project computes columns. time, if not nil, is the new ROWTIME.
func (b *builder) project(in *pipe, columns []*compiled, time *compiled, what string) *pipe {
	out := &pipe{stream: true, text: what, inputs: []*pipe{in}}
	for _, c := range columns {
		out.types = append(out.types, c.t)
	}
	rt, pump, types := b.rt, b.pump, in.types
	f := &frame{}
	var computed []int
	for i, c := range columns {
		if c.column < 0 || c.t.isText() != types[c.column].isText() {
			computed = append(computed, i)
		}
	}
	row := make([]value, len(columns))
	in.emit = func(x *batch) {
		f.b, f.now = x, rt.now
		if len(computed) == 0 && time == nil { // columns as they are
			y := &batch{n: x.n, time: x.time, cols: make([]vector, len(columns))}
			for i, c := range columns {
				y.cols[i] = x.cols[c.column]
			}
			out.emit(y)
			return
		}
		y := newBatch(out.types)
		y.grow(x.n)
		var bad []int // rows that failed
		for i := range x.n {
			f.i = i
			t := x.time[i]
			for _, k := range computed {
				row[k] = columns[k].eval(f)
			}
			if time != nil {
				if v := time.eval(f); !v.null {
					t = v.i
				}
			}
			if f.err != nil && rt.failed(f, pump, x, i, types) {
				bad = append(bad, i)
				continue
			}
			y.time = append(y.time, t)
			for _, k := range computed {
				y.cols[k].push(row[k])
			}
			y.n++
		}
		kept := x
		if bad != nil {
			rows := make([]int, 0, y.n)
			for i := range x.n {
				if len(bad) > 0 && bad[0] == i {
					bad = bad[1:]
					continue
				}
				rows = append(rows, i)
			}
			kept = x.pick(rows)
		}
		for i, c := range columns {
			if c.column >= 0 && c.t.isText() == types[c.column].isText() {
				y.cols[i] = kept.cols[c.column]
			}
		}
		if y.n > 0 {
			out.emit(y)
		}
	}
	return out
}

// union passes on what comes from several pipes, in the order in which it comes.
func (b *builder) union(parts []*pipe, types []Type, sc *scope) *pipe {
	out := &pipe{scope: sc, types: types, stream: true, text: "union all", inputs: parts}
	for _, p := range parts {
		p.emit = func(x *batch) { out.emit(x) }
	}
	return out
}

// distinctOperator lets a row through once per window: it forgets when the rising columns go on.
type distinctOperator struct {
	rt     *runtime
	types  []Type
	rising []int // columns
	last   []value
	seen   map[string]struct{}
	took   int64
}

func (b *builder) distinct(in *pipe, rising []int) *pipe {
	o := &distinctOperator{rt: b.rt, types: in.types, rising: rising, seen: map[string]struct{}{}}
	b.rt.operators = append(b.rt.operators, o)
	out := &pipe{scope: in.scope, types: in.types, stream: true, text: "distinct", inputs: []*pipe{in}}
	var key []byte
	in.emit = func(x *batch) {
		var rows []int
		for i := range x.n {
			for k, c := range o.rising {
				v := x.cols[c].at(i)
				if o.last == nil || o.last[k] != v {
					o.forget()
					o.last = make([]value, len(o.rising))
					for k, c := range o.rising {
						o.last[k] = x.cols[c].at(i)
					}
					break
				}
			}
			key = key[:0]
			for c, t := range o.types {
				key = appendKey(key, t, x.cols[c].at(i))
			}
			if _, ok := o.seen[string(key)]; ok {
				continue
			}
			o.seen[string(key)] = struct{}{}
			o.took += int64(len(key)) + 48
			o.rt.take(int64(len(key)) + 48)
			rows = append(rows, i)
		}
		if len(rows) > 0 {
			out.emit(x.pick(rows))
		}
	}
	return out
}

func (o *distinctOperator) forget() {
	clear(o.seen)
	o.rt.take(-o.took)
	o.took = 0
}

func (o *distinctOperator) advance(int64)   {}
func (o *distinctOperator) deadline() int64 { return never }
func (o *distinctOperator) save(e *encoder) {
	e.bool(o.last != nil)
	if o.last != nil {
		for k, c := range o.rising {
			e.value(o.types[c], o.last[k])
		}
	}
	e.int(int64(len(o.seen)))
	for _, k := range sortedKeys(o.seen) {
		e.str(k)
	}
}
func (o *distinctOperator) load(d *decoder) {
	if d.bool() {
		o.last = make([]value, len(o.rising))
		for k, c := range o.rising {
			o.last[k] = d.value(o.types[c])
		}
	}
	for range d.count() {
		k := d.str()
		o.seen[k] = struct{}{}
		o.took += int64(len(k)) + 48
	}
	o.rt.take(o.took)
}

// sortOperator orders the rows of a window, and passes them on at its end.
type sortOperator struct {
	rt      *runtime
	in, out *pipe
	clock   *windowClock
	keys    []sortKey
	rows    *batch
	took    int64
}

type sortKey struct {
	x                *compiled
	descending, last bool // last: nulls are
}

func (b *builder) sort(in *pipe, rising []*compiled, keys []sortKey) *pipe {
	o := &sortOperator{rt: b.rt, in: in, clock: newWindowClock(rising), keys: keys}
	o.out = &pipe{scope: in.scope, types: in.types, stream: true, text: "sort the rows of a window", inputs: []*pipe{in}}
	b.rt.operators = append(b.rt.operators, o)
	in.emit = func(x *batch) {
		for i := range x.n {
			if o.rows == nil {
				o.rows = newBatch(in.types)
			}
			o.rows.pushFrom(x, i)
			n := int64(16 + 24*len(x.cols))
			o.took += n
			o.rt.take(n)
		}
	}
	return o.out
}

func (o *sortOperator) advance(now int64) {
	if o.rows == nil {
		return
	}
	var ready, wait []int
	for i := range o.rows.n {
		if o.clock.at(o.rows.time[i]).end <= now {
			ready = append(ready, i)
		} else {
			wait = append(wait, i)
		}
	}
	if len(ready) == 0 {
		return
	}
	f, g := &frame{b: o.rows, now: now}, &frame{b: o.rows, now: now}
	sort.SliceStable(ready, func(a, b int) bool {
		f.i, g.i = ready[a], ready[b]
		if s, t := o.clock.at(o.rows.time[f.i]).start, o.clock.at(o.rows.time[g.i]).start; s != t {
			return s < t
		}
		for _, k := range o.keys {
			x, y := k.x.eval(f), k.x.eval(g)
			switch {
			case x.null && y.null:
				continue
			case x.null || y.null:
				return x.null != k.last
			}
			if c := compare(k.x.t, x, y); c != 0 {
				return (c < 0) != k.descending
			}
		}
		return false
	})
	// pick gives the batch itself for all rows, in its own order; so it is copied.
	out := newBatch(o.in.types)
	for _, i := range ready {
		out.pushFrom(o.rows, i)
	}
	rest := newBatch(o.in.types)
	for _, i := range wait {
		rest.pushFrom(o.rows, i)
	}
	freed := o.took * int64(len(ready)) / int64(o.rows.n)
	o.took -= freed
	o.rt.take(-freed)
	o.rows = rest
	if rest.n == 0 {
		o.rows = nil
	}
	o.out.emit(out)
}

func (o *sortOperator) deadline() int64 {
	d := int64(never)
	if o.rows != nil {
		for i := range o.rows.n {
			d = min(d, o.clock.at(o.rows.time[i]).end)
		}
	}
	return d
}

func (o *sortOperator) save(e *encoder) { saveBatch(e, o.in.types, o.rows) }
func (o *sortOperator) load(d *decoder) {
	o.rows = loadBatch(d, o.in.types)
	if o.rows != nil {
		o.took = int64(o.rows.n) * int64(16+24*len(o.in.types))
		o.rt.take(o.took)
	}
}

func saveBatch(e *encoder, types []Type, b *batch) {
	if b == nil {
		e.int(0)
		return
	}
	e.int(int64(b.n))
	row := make([]value, len(types))
	for i := range b.n {
		e.int(b.time[i])
		b.row(i, row)
		e.row(types, row)
	}
}

func loadBatch(d *decoder, types []Type) *batch {
	n := d.count()
	if n == 0 {
		return nil
	}
	b := newBatch(types)
	for range n {
		t := d.int()
		b.push(t, d.row(types))
	}
	return b
}
