package streamsql

import "strings"

// staggerOperator aggregates by WINDOWED BY STAGGER: a window opens for a key with its first row
// and closes an interval later. It emits the keys and the aggregates, with the time at which the
// window closes as ROWTIME.
type staggerOperator struct {
	rt      *runtime
	pump    string
	in, out *pipe
	keys    []*compiled
	calls   []*aggregateCall
	millis  int64
	open    map[string]*staggerWindow
	order   []*staggerWindow // by the time at which they opened
	f       frame
	keyBuf  []byte
}

type staggerWindow struct {
	key    string
	opened int64
	keys   []value
	states []groupState
	took   int64
}

func (b *builder) stagger(in *pipe, keys []*compiled, calls []*aggregateCall, millis int64) *pipe {
	o := &staggerOperator{rt: b.rt, pump: b.pump, in: in, keys: keys, calls: calls, millis: millis, open: map[string]*staggerWindow{}}
	o.out = &pipe{stream: true, inputs: []*pipe{in}, text: "aggregate stagger windows of " + string(appendInterval(nil, Type{Kind: IntervalDay, Precision: unitIndex("SECOND")}, millis))[1:] + " s by " + plural(len(keys), "key")}
	for _, k := range keys {
		o.out.types = append(o.out.types, k.t)
	}
	for _, c := range calls {
		o.out.types = append(o.out.types, c.t)
	}
	in.emit = o.push
	b.rt.operators = append(b.rt.operators, o)
	return o.out
}

func (o *staggerOperator) push(x *batch) {
	f := &o.f
	f.b, f.now = x, o.rt.now
	for i := range x.n {
		f.i = i
		o.keyBuf = o.keyBuf[:0]
		keys := make([]value, len(o.keys))
		for k, c := range o.keys {
			keys[k] = c.eval(f)
			o.keyBuf = appendKey(o.keyBuf, c.t, keys[k])
		}
		if f.err != nil && o.rt.failed(f, o.pump, x, i, o.in.types) {
			continue
		}
		w := o.open[string(o.keyBuf)]
		if w != nil && w.opened+o.millis <= x.time[i] {
			o.close(x.time[i]) // the row is beyond it
			w = nil
			f.b = x
		}
		if w == nil {
			w = &staggerWindow{key: string(o.keyBuf), opened: x.time[i], keys: keys}
			for k := range keys {
				keys[k].s = strings.Clone(keys[k].s)
			}
			w.took = rowBytes(keys) + int64(len(w.key)) + 100
			for _, c := range o.calls {
				s := c.state()
				s.size(1)
				w.states = append(w.states, s)
				w.took += s.bytes() + 64
			}
			o.open[w.key] = w
			o.order = append(o.order, w)
			o.rt.take(w.took)
		}
		for k, c := range o.calls {
			if c.filter != nil {
				if v := c.filter.eval(f); v.null || v.i == 0 {
					continue
				}
			}
			v := value{}
			if c.arg != nil {
				v = c.arg.eval(f)
			}
			if f.err != nil && o.rt.failed(f, o.pump, x, i, o.in.types) || v.null {
				continue
			}
			w.states[k].add(0, v)
			if d, ok := w.states[k].(*distinctState); ok {
				w.took += d.took
				o.rt.take(d.took)
				d.took = 0
			}
		}
	}
}

// close emits the windows that end at or before a time.
func (o *staggerOperator) close(now int64) {
	var out *batch
	for len(o.order) > 0 && o.order[0].opened+o.millis <= now {
		w := o.order[0]
		o.order = o.order[1:]
		delete(o.open, w.key)
		o.rt.take(-w.took)
		row := append([]value(nil), w.keys...)
		bad := false
		for _, s := range w.states {
			v, err := s.result(0)
			if err != nil && !bad {
				bad = true
				b := newBatch(o.out.types[:len(o.keys)])
				b.push(w.opened, w.keys)
				o.f.err = err
				o.rt.failed(&o.f, o.pump, b, 0, o.out.types)
			}
			row = append(row, v)
		}
		if bad {
			continue
		}
		if out == nil {
			out = newBatch(o.out.types)
		}
		out.push(w.opened+o.millis, row)
	}
	if out != nil {
		o.out.emit(out)
	}
}

func (o *staggerOperator) advance(now int64) { o.close(now) }

func (o *staggerOperator) deadline() int64 {
	if len(o.order) > 0 {
		return o.order[0].opened + o.millis
	}
	return never
}

func (o *staggerOperator) save(e *encoder) {
	e.int(int64(len(o.order)))
	for _, w := range o.order {
		e.str(w.key)
		e.int(w.opened)
		e.int(w.took)
		for k, c := range o.keys {
			e.value(c.t, w.keys[k])
		}
		for _, s := range w.states {
			s.save(e)
		}
	}
}

func (o *staggerOperator) load(d *decoder) {
	for range d.count() {
		w := &staggerWindow{key: d.str(), opened: d.int(), took: max(d.int(), 0), keys: make([]value, len(o.keys))}
		for k, c := range o.keys {
			w.keys[k] = d.value(c.t)
		}
		for _, c := range o.calls {
			s := c.state()
			s.load(d)
			s.size(1)
			w.states = append(w.states, s)
		}
		if d.bad {
			return
		}
		o.open[w.key] = w
		o.order = append(o.order, w)
		o.rt.take(w.took)
	}
}
