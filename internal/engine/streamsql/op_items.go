package streamsql

import (
	"math"
	"math/bits"
	"sort"
)

// itemsOperator counts the values of a column in tumbling windows of some seconds, for
// TOP_K_ITEMS_TUMBLING and COUNT_DISTINCT_ITEMS_TUMBLING.
type itemsOperator struct {
	rt      *runtime
	in, out *pipe
	column  int
	millis  int64
	k       int // 0: it counts the different values
	windows []*itemsWindow
}

type itemsWindow struct {
	start  int64
	items  map[string]*itemCount
	order  []*itemCount
	sketch []byte // HyperLogLog, beyond exactItems different values
	took   int64
}

type itemCount struct {
	key string
	v   value
	n   int64
}

const (
	exactItems = 10000
	sketchBits = 14
)

func makeDistinctItems(c *tableCall) *pipe {
	return makeItems(c, 0, c.number(1, -1, 1, 3600), Column{"NUMBER_OF_DISTINCT_ITEMS", Type{Kind: BigInt}})
}

func makeTopItems(c *tableCall) *pipe {
	k, seconds := c.number(1, -1, 1, 100000), c.number(2, -1, 1, 3600)
	item := c.column(c.text(0))
	t := item.t
	if t.isString() {
		t = Type{Kind: Varchar, Length: 1024}
	}
	return makeItems(c, int(k), seconds, Column{"ITEM", t}, Column{"ITEM_COUNT", Type{Kind: BigInt}})
}

func makeItems(c *tableCall, k int, seconds int64, columns ...Column) *pipe {
	s := c.column(c.text(0))
	in := c.b.project(c.in, []*compiled{s.expr()}, nil, "column "+s.name)
	in.inputs = []*pipe{c.in}
	c.in = in
	o := &itemsOperator{rt: c.b.rt, in: in, millis: seconds * msSecond, k: k}
	o.out = &pipe{stream: true, types: columnTypes(columns), scope: &scope{}, text: c.name + " over " + s.name}
	for i, col := range columns {
		o.out.scope.columns = append(o.out.scope.columns, scopeColumn{name: col.Name, t: col.Type, column: i})
	}
	o.out.scope.columns = append(o.out.scope.columns, scopeColumn{name: "ROWTIME", t: timestampType, def: rowtime(), hidden: true})
	in.emit = o.push
	c.b.rt.operators = append(c.b.rt.operators, o)
	return o.out
}

func (o *itemsOperator) push(x *batch) {
	var key []byte
	for i := range x.n {
		v := x.cols[o.column].at(i)
		if v.null {
			continue
		}
		start := floorTo(x.time[i], o.millis)
		var w *itemsWindow
		for _, old := range o.windows {
			if old.start == start {
				w = old
			}
		}
		if w == nil {
			w = &itemsWindow{start: start, items: map[string]*itemCount{}}
			o.windows = append(o.windows, w)
			sort.Slice(o.windows, func(i, j int) bool { return o.windows[i].start < o.windows[j].start })
		}
		key = appendKey(key[:0], o.in.types[o.column], v)
		if w.sketch != nil {
			w.note(string(key))
			continue
		}
		if item := w.items[string(key)]; item != nil {
			item.n++
			continue
		}
		item := &itemCount{key: string(key), n: 1, v: v}
		if v.s != "" {
			item.v.s = string(append([]byte(nil), v.s...))
		}
		w.items[item.key] = item
		w.order = append(w.order, item)
		n := int64(2*len(key)) + 100
		w.took += n
		o.rt.take(n)
		if o.k == 0 && len(w.order) > exactItems {
			w.sketch = make([]byte, 1<<sketchBits)
			for _, it := range w.order {
				w.note(it.key)
			}
			w.items, w.order = nil, nil
			o.rt.take(int64(len(w.sketch)) - w.took)
			w.took = int64(len(w.sketch))
		}
	}
}

// note enters a value into the sketch. The hash is the same in every process.
func (w *itemsWindow) note(key string) {
	h := uint64(14695981039346656037)
	for i := 0; i < len(key); i++ {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	h ^= h >> 31
	at := h >> (64 - sketchBits)
	rank := byte(bits.LeadingZeros64(h<<sketchBits|1<<(sketchBits-1)) + 1)
	w.sketch[at] = max(w.sketch[at], rank)
}

// distinct is how many different values there were.
func (w *itemsWindow) distinct() int64 {
	if w.sketch == nil {
		return int64(len(w.order))
	}
	m := float64(len(w.sketch))
	sum, zeros := 0.0, 0
	for _, r := range w.sketch {
		sum += math.Pow(2, -float64(r))
		if r == 0 {
			zeros++
		}
	}
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e < 2.5*m && zeros > 0 {
		e = m * math.Log(m/float64(zeros))
	}
	return int64(math.Round(e))
}

func (o *itemsOperator) advance(now int64) {
	for len(o.windows) > 0 && o.windows[0].start+o.millis <= now {
		w := o.windows[0]
		o.windows = o.windows[1:]
		o.rt.take(-w.took)
		out := newBatch(o.out.types)
		end := w.start + o.millis
		if o.k == 0 {
			out.push(end, []value{whole(w.distinct())})
		} else {
			sort.SliceStable(w.order, func(i, j int) bool { return w.order[i].n > w.order[j].n })
			for _, it := range w.order[:min(o.k, len(w.order))] {
				out.push(end, []value{it.v, whole(it.n)})
			}
		}
		o.out.emit(out)
	}
}

func (o *itemsOperator) deadline() int64 {
	if len(o.windows) > 0 {
		return o.windows[0].start + o.millis
	}
	return never
}

func (o *itemsOperator) save(e *encoder) {
	e.int(int64(len(o.windows)))
	for _, w := range o.windows {
		e.int(w.start)
		e.int(w.took)
		e.str(string(w.sketch))
		e.int(int64(len(w.order)))
		for _, it := range w.order {
			e.str(it.key)
			e.int(it.n)
			e.value(o.in.types[o.column], it.v)
		}
	}
}

func (o *itemsOperator) load(d *decoder) {
	for range d.count() {
		w := &itemsWindow{start: d.int(), took: max(d.int(), 0), items: map[string]*itemCount{}}
		if s := d.str(); s != "" {
			w.sketch = []byte(s)
			d.bad = d.bad || len(s) != 1<<sketchBits
		}
		for range d.count() {
			it := &itemCount{key: d.str(), n: d.int(), v: d.value(o.in.types[o.column])}
			w.items[it.key] = it
			w.order = append(w.order, it)
		}
		if d.bad {
			return
		}
		o.rt.take(w.took)
		o.windows = append(o.windows, w)
	}
}

// rankOperator is GROUP_RANK: it holds the rows of one ROWTIME, and passes them on with their ranks.
type rankOperator struct {
	rt             *runtime
	in, out        *pipe
	key            *compiled
	rankDesc, desc bool
	unsorted       bool
	most           int
	rows           *batch
	took           int64
}

func makeGroupRank(c *tableCall) *pipe {
	s := c.column(c.text(0))
	order := func(n int, others ...string) string {
		switch v := c.text(n); {
		case equalFold(v, "asc"):
			return "asc"
		case equalFold(v, "desc"):
			return "desc"
		default:
			for _, o := range others {
				if equalFold(v, o) {
					return o
				}
			}
		}
		c.wrong(n, "'asc' or 'desc'")
		return ""
	}
	o := &rankOperator{rt: c.b.rt, in: c.in, key: s.expr()}
	o.rankDesc = order(2) == "desc"
	switch order(3, "none", "") {
	case "desc":
		o.desc = true
	case "none", "":
		o.unsorted = true
	}
	c.number(4, 0, 0, math.MaxInt32)
	o.most = int(c.number(5, 0, 0, math.MaxInt32))
	o.out = &pipe{stream: true, text: c.name + " by " + s.name}
	o.out.scope, o.out.types = c.outputs(Column{c.text(1), Type{Kind: Integer}})
	c.in.emit = func(x *batch) {
		for i := range x.n {
			if o.rows != nil && o.rows.time[0] != x.time[i] {
				o.flush()
			}
			if o.rows == nil {
				o.rows = newBatch(o.in.types)
			}
			o.rows.pushFrom(x, i)
			n := int64(16 + 24*len(x.cols))
			o.took += n
			o.rt.take(n)
		}
	}
	c.b.rt.operators = append(c.b.rt.operators, o)
	return o.out
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i]|32 != b[i]|32 {
			return false
		}
	}
	return true
}

func (o *rankOperator) flush() {
	rows := o.rows
	o.rows = nil
	o.rt.take(-o.took)
	o.took = 0
	f := &frame{b: rows, now: o.rt.now}
	keys := make([]value, rows.n)
	byRank := make([]int, rows.n)
	for i := range rows.n {
		f.i = i
		keys[i] = o.key.eval(f)
		byRank[i] = i
	}
	less := func(a, b value, desc bool) bool {
		if a.null || b.null {
			return !a.null && b.null // nulls come last
		}
		if desc {
			a, b = b, a
		}
		return compare(o.key.t, a, b) < 0
	}
	sort.SliceStable(byRank, func(i, j int) bool { return less(keys[byRank[i]], keys[byRank[j]], o.rankDesc) })
	ranks := make([]int64, rows.n)
	for i, r := range byRank {
		ranks[r] = int64(i + 1)
		if i > 0 && !less(keys[byRank[i-1]], keys[r], o.rankDesc) {
			ranks[r] = ranks[byRank[i-1]]
		}
	}
	out := make([]int, rows.n)
	for i := range out {
		out[i] = i
	}
	if !o.unsorted {
		sort.SliceStable(out, func(i, j int) bool {
			if o.desc {
				return ranks[out[i]] > ranks[out[j]]
			}
			return ranks[out[i]] < ranks[out[j]]
		})
	}
	if o.most > 0 {
		out = out[:min(len(out), o.most)]
	}
	b := newBatch(o.out.types)
	row := make([]value, len(o.out.types))
	for _, i := range out {
		rows.row(i, row)
		row[len(row)-1] = whole(ranks[i])
		b.push(rows.time[i], row)
	}
	o.out.emit(b)
}

func (o *rankOperator) advance(now int64) {
	if o.rows != nil && o.rows.time[0] < now {
		o.flush()
	}
}

func (o *rankOperator) deadline() int64 {
	if o.rows != nil {
		return o.rows.time[0] + 1
	}
	return never
}

func (o *rankOperator) save(e *encoder) { saveBatch(e, o.in.types, o.rows) }
func (o *rankOperator) load(d *decoder) {
	o.rows = loadBatch(d, o.in.types)
	if o.rows != nil {
		o.took = int64(o.rows.n) * int64(16+24*len(o.in.types))
		o.rt.take(o.took)
	}
}
