package streamsql

import (
	"sort"
	"strings"
)

// aggregateCall is one aggregate of a grouped select.
type aggregateCall struct {
	def      *aggregateFunction
	arg      *compiled // nil: COUNT(*)
	filter   *compiled // nil: all rows
	distinct bool
	t        Type
	name     string
}

func (a *aggregateCall) state() groupState {
	t := Type{}
	if a.arg != nil {
		t = a.arg.t
	}
	s := a.def.groups(t)
	if a.distinct {
		s = &distinctState{groupState: s, t: t, seen: map[string]struct{}{}}
	}
	return s
}

// groupOperator aggregates the groups of tumbling windows. What it emits has the keys and then the
// aggregates as columns, and the window's end as ROWTIME; where a window is one millisecond (GROUP
// BY ROWTIME), that.
type groupOperator struct {
	rt      *runtime
	pump    string
	in, out *pipe
	keys    []*compiled
	calls   []*aggregateCall
	clock   *windowClock
	textKey int            // the only key that is not rising is this column, of text; -1: it is otherwise
	windows []*groupWindow // by start
	groups  []int32        // scratch: the group of each row of a batch
	keyBuf  []byte
	f       frame
}

// groupWindow are the groups of a window.
type groupWindow struct {
	span
	index  map[string]int32
	keys   []vector
	states []groupState
	n      int
	took   int64
}

func (b *builder) group(in *pipe, keys, rising []*compiled, calls []*aggregateCall) *pipe {
	o := &groupOperator{rt: b.rt, pump: b.pump, in: in, keys: keys, calls: calls, clock: newWindowClock(rising), textKey: -1}
	var others []*compiled
	for _, k := range keys {
		if !k.rising {
			others = append(others, k)
		}
	}
	if len(others) == 1 && others[0].column >= 0 && others[0].t.Kind == Varchar {
		o.textKey = others[0].column
	}
	o.out = &pipe{stream: true, inputs: []*pipe{in}}
	var names []string
	for _, k := range keys {
		o.out.types = append(o.out.types, k.t)
	}
	for _, c := range calls {
		o.out.types = append(o.out.types, c.t)
		names = append(names, c.name)
	}
	o.out.text = "aggregate tumbling windows by " + plural(len(keys), "key") + ": " + strings.Join(names, ", ")
	in.emit = o.push
	b.rt.operators = append(b.rt.operators, o)
	return o.out
}

func (o *groupOperator) window(t int64) *groupWindow {
	s := o.clock.at(t)
	i := sort.Search(len(o.windows), func(i int) bool { return o.windows[i].start >= s.start })
	if i < len(o.windows) && o.windows[i].start == s.start {
		return o.windows[i]
	}
	w := &groupWindow{span: s, index: map[string]int32{}, keys: make([]vector, len(o.keys))}
	for k, x := range o.keys {
		w.keys[k].isText = x.t.isText()
	}
	for _, c := range o.calls {
		w.states = append(w.states, c.state())
	}
	o.windows = append(o.windows, nil)
	copy(o.windows[i+1:], o.windows[i:])
	o.windows[i] = w
	return w
}

func (o *groupOperator) push(x *batch) {
	for from := 0; from < x.n; {
		s := o.clock.at(x.time[from])
		to := from + 1
		for to < x.n && x.time[to] >= s.start && x.time[to] < s.end {
			to++
		}
		o.add(o.window(x.time[from]), x, from, to)
		from = to
	}
}

// add aggregates rows of one window.
func (o *groupOperator) add(w *groupWindow, x *batch, from, to int) {
	f := &o.f
	f.b, f.now = x, o.rt.now
	o.groups = grow(o.groups[:0], to-from)
	before := w.n
	var cost int64
	if o.textKey >= 0 {
		col := &x.cols[o.textKey]
		for i := from; i < to; i++ {
			if col.nulls != nil && col.nulls[i] {
				o.groups[i-from], cost = o.slow(w, x, i, cost)
				continue
			}
			s := col.strs[i]
			g, ok := w.index[s]
			if !ok {
				g, cost = o.open(w, i, strings.Clone(s), cost)
			}
			o.groups[i-from] = g
		}
	} else {
		for i := from; i < to; i++ {
			o.groups[i-from], cost = o.slow(w, x, i, cost)
		}
	}
	if w.n > before {
		for _, s := range w.states {
			s.size(w.n)
			cost += int64(w.n-before) * s.bytes()
		}
	}
	for k, c := range o.calls {
		s := w.states[k]
		if c.arg == nil && c.filter == nil {
			if n, ok := s.(*counts); ok {
				for _, g := range o.groups {
					if g >= 0 {
						n.n[g]++
					}
				}
				continue
			}
		}
		if c.filter == nil && !c.distinct && c.arg != nil && c.arg.column >= 0 && !c.arg.t.isText() {
			col := &x.cols[c.arg.column]
			if col.nulls == nil {
				for i, g := range o.groups {
					if g >= 0 {
						s.add(int(g), value{i: col.ints[from+i]})
					}
				}
				continue
			}
		}
		for i, g := range o.groups {
			if g < 0 {
				continue
			}
			f.i = from + i
			if c.filter != nil {
				if v := c.filter.eval(f); v.null || v.i == 0 {
					continue
				}
			}
			v := value{}
			if c.arg != nil {
				v = c.arg.eval(f)
			}
			if f.err != nil && o.rt.failed(f, o.pump, x, from+i, o.in.types) || v.null {
				continue
			}
			s.add(int(g), v)
		}
		if d, ok := s.(*distinctState); ok {
			cost += d.took
			d.took = 0
		}
	}
	w.took += cost
	o.rt.take(cost)
}

// slow finds a row's group by the bytes of its keys; -1: a key has no value.
func (o *groupOperator) slow(w *groupWindow, x *batch, i int, cost int64) (int32, int64) {
	o.f.i = i
	o.keyBuf = o.keyBuf[:0]
	if o.textKey >= 0 {
		o.keyBuf = append(o.keyBuf, "\xff\xffnull"...) // not UTF-8: no text is that
	} else {
		for _, k := range o.keys {
			if !k.rising {
				o.keyBuf = appendKey(o.keyBuf, k.t, k.eval(&o.f))
			}
		}
	}
	if o.f.err != nil && o.rt.failed(&o.f, o.pump, x, i, o.in.types) {
		return -1, cost
	}
	if g, ok := w.index[string(o.keyBuf)]; ok {
		return g, cost
	}
	return o.open(w, i, string(o.keyBuf), cost)
}

// open begins a group.
func (o *groupOperator) open(w *groupWindow, i int, key string, cost int64) (int32, int64) {
	g := int32(w.n)
	w.n++
	w.index[key] = g
	o.f.i = i
	cost += int64(len(key)) + 48
	for k, c := range o.keys {
		v := c.eval(&o.f)
		if c.t.isText() && !v.null {
			if o.textKey >= 0 {
				v.s = key
			} else {
				v.s = strings.Clone(v.s)
				cost += int64(len(v.s))
			}
			cost += 8
		}
		cost += 8
		w.keys[k].push(v)
	}
	return g, cost
}

func (o *groupOperator) advance(now int64) {
	for len(o.windows) > 0 && o.windows[0].end <= now {
		w := o.windows[0]
		o.windows = o.windows[1:]
		o.emit(w)
		o.rt.take(-w.took)
	}
}

func (o *groupOperator) emit(w *groupWindow) {
	out := &batch{n: w.n, time: make([]int64, w.n), cols: make([]vector, len(o.keys)+len(o.calls))}
	copy(out.cols, w.keys)
	t := w.end
	if w.end == w.start+1 {
		t = w.start
	}
	for i := range out.time {
		out.time[i] = t
	}
	var bad map[int]bool
	for k, s := range w.states {
		v := &out.cols[len(o.keys)+k]
		v.isText = o.calls[k].t.isText()
		if v.isText {
			v.strs = make([]string, 0, w.n)
		} else {
			v.ints = make([]int64, 0, w.n)
		}
		for g := range w.n {
			r, err := s.result(g)
			if err != nil {
				if bad == nil {
					bad = map[int]bool{}
				}
				if !bad[g] {
					o.f.err = err
					o.rt.failed(&o.f, o.pump, &batch{n: w.n, time: out.time, cols: w.keys}, g, o.out.types)
				}
				bad[g] = true
			}
			v.push(r)
		}
	}
	if bad != nil {
		var rows []int
		for g := range w.n {
			if !bad[g] {
				rows = append(rows, g)
			}
		}
		out = out.pick(rows)
	}
	if out.n > 0 {
		o.out.emit(out)
	}
}

func (o *groupOperator) deadline() int64 {
	if len(o.windows) > 0 {
		return o.windows[0].end
	}
	return never
}

func (o *groupOperator) save(e *encoder) {
	e.int(int64(len(o.windows)))
	for _, w := range o.windows {
		e.int(w.start)
		e.int(w.end)
		e.int(w.took)
		keys := make([]string, w.n)
		for k, g := range w.index {
			keys[g] = k
		}
		e.strs(keys)
		for k := range o.keys {
			for g := range w.n {
				e.value(o.keys[k].t, w.keys[k].at(g))
			}
		}
		for _, s := range w.states {
			s.save(e)
		}
	}
}

func (o *groupOperator) load(d *decoder) {
	for range d.count() {
		w := &groupWindow{span: span{d.int(), d.int()}, took: d.int(), index: map[string]int32{}, keys: make([]vector, len(o.keys))}
		for g, k := range d.strs() {
			w.index[k] = int32(g)
			w.n++
		}
		if len(w.index) != w.n {
			d.bad = true
			return
		}
		for k := range o.keys {
			w.keys[k].isText = o.keys[k].t.isText()
			for range w.n {
				w.keys[k].push(d.value(o.keys[k].t))
			}
		}
		for _, c := range o.calls {
			s := c.state()
			s.load(d)
			s.size(w.n) // a damaged snapshot must not make add or result go beyond
			w.states = append(w.states, s)
		}
		if d.bad {
			return
		}
		o.windows = append(o.windows, w)
		o.rt.take(max(w.took, 0))
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return itoa(n) + " " + what + "s"
}
