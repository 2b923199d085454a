package streamsql

import (
	"math"
	"strings"
)

// analytics are the functions that need OVER, beside the aggregates.
var analytics = map[string]bool{"LAG": true, "NTH_VALUE": true, "EXP_AVG": true, "ROW_NUMBER": true}

// frameSpec is a sliding window: the current row and those before it in its partition.
type frameSpec struct {
	partition []*compiled
	rows      int64 // how many before the current one; -1: not by rows
	millis    int64 // how old they may be; -1: not by time
	text      string
}

// analyticCall is one function over a window.
type analyticCall struct {
	name     string
	def      *aggregateFunction // nil: one of analytics
	args     []*compiled
	star     bool
	distinct bool
	ignore   bool // nulls
	offset   int64
	fallback *compiled
	millis   int64 // of EXP_AVG
	t        Type
}

// keepsRows reports whether the function looks at single rows of the window.
func (c *analyticCall) keepsRows() bool { return c.def == nil || c.def.slide == nil }

// windowOperator computes functions over sliding windows: a row comes out for every row that comes
// in, with the functions' values behind its columns.
type windowOperator struct {
	rt         *runtime
	pump       string
	in, out    *pipe
	spec       frameSpec
	calls      []*analyticCall
	argTypes   []Type // of all calls' arguments
	keep       bool   // rows have to be kept
	bounded    bool   // they leave the window some day
	most       int    // rows that a window without bounds keeps; -1: all
	partitions map[string]*slidingPartition
	swept      int64
	keyBuf     []byte
	f          frame
}

// slidingPartition is the window of one partition: its rows from head on.
type slidingPartition struct {
	times   []int64
	args    [][]value
	head    int
	count   int64 // rows that were ever there
	sliders []slider
	last    int64
}

func (b *builder) window(in *pipe, spec frameSpec, calls []*analyticCall) *pipe {
	o := &windowOperator{rt: b.rt, pump: b.pump, in: in, spec: spec, calls: calls, partitions: map[string]*slidingPartition{}}
	o.bounded = spec.rows >= 0 || spec.millis >= 0
	o.keep = o.bounded
	o.out = &pipe{scope: in.scope, types: append([]Type(nil), in.types...), stream: true, inputs: []*pipe{in}}
	var names []string
	for _, c := range calls {
		for _, a := range c.args {
			o.argTypes = append(o.argTypes, a.t)
		}
		if c.keepsRows() && c.name != "ROW_NUMBER" {
			o.keep = true
			switch {
			case o.most < 0:
			case c.name == "LAG" && !c.ignore:
				o.most = max(o.most, int(min(c.offset, 1<<30))+1)
			case c.name == "LAST_VALUE" && !c.ignore:
				o.most = max(o.most, 1)
			default:
				o.most = -1
			}
		}
		o.out.types = append(o.out.types, c.t)
		names = append(names, c.name)
	}
	o.out.text = "sliding window " + spec.text + ": " + strings.Join(names, ", ")
	in.emit = o.push
	b.rt.operators = append(b.rt.operators, o)
	return o.out
}

func (o *windowOperator) partition() *slidingPartition {
	p := &slidingPartition{}
	for _, c := range o.calls {
		var s slider
		if !c.keepsRows() {
			t := Type{}
			if len(c.args) > 0 && c.def.Name != "COUNT" {
				t = c.args[0].t
			}
			s = c.def.slide(t)
			if c.distinct {
				s = &slidingDistinct{slider: s, t: c.args[0].t, n: map[string]int{}}
			}
		}
		p.sliders = append(p.sliders, s)
	}
	return p
}

func (o *windowOperator) push(x *batch) {
	f := &o.f
	f.b, f.now = x, o.rt.now
	out := newBatch(o.out.types)
	out.grow(x.n)
	row := make([]value, len(o.out.types))
	n := len(o.in.types)
	for i := range x.n {
		f.i = i
		o.keyBuf = o.keyBuf[:0]
		for _, k := range o.spec.partition {
			o.keyBuf = appendKey(o.keyBuf, k.t, k.eval(f))
		}
		args := make([]value, 0, len(o.argTypes))
		for _, c := range o.calls {
			for _, a := range c.args {
				args = append(args, a.eval(f))
			}
		}
		if f.err != nil && o.rt.failed(f, o.pump, x, i, o.in.types) {
			continue
		}
		p := o.partitions[string(o.keyBuf)]
		if p == nil {
			p = o.partition()
			o.partitions[string(o.keyBuf)] = p
			o.rt.take(int64(len(o.keyBuf)) + 200)
		}
		o.enter(p, x.time[i], args)
		x.row(i, row[:n])
		for k := range o.calls {
			v, err := o.result(p, k, f)
			if err != nil {
				f.fail(err)
			}
			row[n+k] = v
		}
		if f.err != nil && o.rt.failed(f, o.pump, x, i, o.in.types) {
			continue
		}
		out.push(x.time[i], row)
	}
	if out.n > 0 {
		o.out.emit(out)
	}
}

// enter lets a row into a window, and those go that it is too late for.
func (o *windowOperator) enter(p *slidingPartition, t int64, args []value) {
	if o.spec.millis >= 0 {
		for p.head < len(p.times) && p.times[p.head]+lifetime(o.spec.millis) <= t {
			o.leave(p)
		}
	}
	p.count++
	p.last = t
	if o.keep {
		for i := range args {
			args[i].s = strings.Clone(args[i].s)
		}
		p.times = append(p.times, t)
		p.args = append(p.args, args)
		o.rt.take(rowBytes(args))
	}
	at := 0
	for k, c := range o.calls {
		if s := p.sliders[k]; s != nil && (c.star || !args[at].null) {
			v := value{}
			if !c.star {
				v = args[at]
			}
			s.add(v)
		}
		at += len(c.args)
	}
	if o.spec.rows >= 0 {
		for int64(len(p.times)-p.head) > o.spec.rows+1 {
			o.leave(p)
		}
	} else if !o.bounded && o.keep && o.most >= 0 {
		for len(p.times)-p.head > o.most {
			o.leave(p)
		}
	}
}

// lifetime is how long a row is within a window of an interval: AWS's guide counts a row that is
// as old as the interval as gone. A window of no time has the rows of the current row's time.
func lifetime(millis int64) int64 { return max(millis, 1) }

func (o *windowOperator) leave(p *slidingPartition) {
	args := p.args[p.head]
	at := 0
	for k, c := range o.calls {
		if s := p.sliders[k]; s != nil && o.bounded && (c.star || !args[at].null) {
			v := value{}
			if !c.star {
				v = args[at]
			}
			s.remove(v)
		}
		at += len(c.args)
	}
	o.rt.take(-rowBytes(args))
	p.args[p.head] = nil
	if p.head++; p.head > 64 && p.head*2 > len(p.times) {
		p.times = append(p.times[:0], p.times[p.head:]...)
		p.args = append(p.args[:0], p.args[p.head:]...)
		p.head = 0
	}
}

func (o *windowOperator) result(p *slidingPartition, k int, f *frame) (value, *rowError) {
	if s := p.sliders[k]; s != nil {
		return s.result()
	}
	c := o.calls[k]
	at := 0
	for _, before := range o.calls[:k] {
		at += len(before.args)
	}
	n := len(p.times)
	switch c.name {
	case "ROW_NUMBER":
		return whole(p.count), nil
	case "LAG":
		left := c.offset
		for i := n - 1; i >= p.head; i-- {
			if c.ignore && p.args[i][at].null && i < n-1 {
				continue
			}
			if left == 0 {
				return p.args[i][at], nil
			}
			left--
		}
		if c.fallback != nil {
			return c.fallback.eval(f), nil
		}
		return null, nil
	case "LAST_VALUE":
		for i := n - 1; i >= p.head; i-- {
			if !c.ignore || !p.args[i][at].null {
				return p.args[i][at], nil
			}
		}
		return null, nil
	case "FIRST_VALUE", "NTH_VALUE":
		left := c.offset
		for i := p.head; i < n; i++ {
			if c.ignore && p.args[i][at].null {
				continue
			}
			if left--; left <= 0 {
				return p.args[i][at], nil
			}
		}
		return null, nil
	case "EXP_AVG":
		var sum, weights float64
		now := p.times[n-1]
		for i := p.head; i < n; i++ {
			if v := p.args[i][at]; !v.null {
				w := math.Pow(0.5, float64((now-p.times[i])/c.millis))
				sum += w * v.float()
				weights += w
			}
		}
		if weights == 0 {
			return null, nil
		}
		return float(sum / weights), nil
	}
	return null, nil
}

// advance forgets the partitions whose rows are too old for any row to come.
func (o *windowOperator) advance(now int64) {
	if o.spec.millis < 0 || now-o.swept <= o.spec.millis+msSecond {
		return
	}
	o.swept = now
	for key, p := range o.partitions {
		if p.last+lifetime(o.spec.millis) <= now {
			for p.head < len(p.times) {
				o.leave(p)
			}
			delete(o.partitions, key)
			o.rt.take(-int64(len(key)) - 200)
		}
	}
}

func (o *windowOperator) deadline() int64 { return never }

func (o *windowOperator) save(e *encoder) {
	e.int(int64(len(o.partitions)))
	for _, key := range sortedKeys(o.partitions) {
		p := o.partitions[key]
		e.str(key)
		e.int(p.count)
		e.int(p.last)
		e.int(int64(len(p.times) - p.head))
		for i := p.head; i < len(p.times); i++ {
			e.int(p.times[i])
			e.row(o.argTypes, p.args[i])
		}
		for _, s := range p.sliders {
			if s == nil {
				continue
			}
			if !o.bounded {
				saveSlider(e, s)
				continue
			}
			for _, f := range s.floats() {
				e.float(*f)
			}
		}
	}
}

func (o *windowOperator) load(d *decoder) {
	for range d.count() {
		p := o.partition()
		key := d.str()
		count, last := d.int(), d.int()
		for range d.count() {
			t := d.int()
			args := d.row(o.argTypes)
			if d.bad {
				return
			}
			if o.bounded {
				o.enter(p, t, args)
			} else {
				p.times, p.args = append(p.times, t), append(p.args, args)
				o.rt.take(rowBytes(args))
			}
		}
		p.count, p.last = count, last
		for k, s := range p.sliders {
			if s == nil {
				continue
			}
			if !o.bounded {
				t := Type{}
				if len(o.calls[k].args) > 0 {
					t = o.calls[k].args[0].t
				}
				loadSlider(d, s, t)
				continue
			}
			for _, f := range s.floats() {
				*f = d.float()
			}
		}
		o.rt.take(int64(len(key)) + 200)
		o.partitions[key] = p
	}
}

// saveSlider writes a slider whose rows are not kept: that of a window without bounds.
func saveSlider(e *encoder, s slider) {
	switch s := s.(type) {
	case *slidingSum:
		e.ints([]int64{s.n, s.sum})
	case *slidingMoment:
		e.ints([]int64{s.n})
	case *slidingExtreme:
		e.bool(len(s.queue) > 0)
		if len(s.queue) > 0 {
			e.value(s.t, s.queue[0].v)
		}
	case *slidingDistinct:
		e.int(int64(len(s.n)))
		for _, k := range sortedKeys(s.n) {
			e.str(k)
			e.int(int64(s.n[k]))
		}
		saveSlider(e, s.slider)
		return
	}
	for _, f := range s.floats() {
		e.float(*f)
	}
}

func loadSlider(d *decoder, s slider, t Type) {
	switch s := s.(type) {
	case *slidingSum:
		if l := d.ints(); len(l) == 2 {
			s.n, s.sum = l[0], l[1]
		}
	case *slidingMoment:
		if l := d.ints(); len(l) == 1 {
			s.n = l[0]
		}
	case *slidingExtreme:
		if d.bool() {
			s.queue = []numbered{{v: d.value(t)}}
			s.in = 1
		}
	case *slidingDistinct:
		for range d.count() {
			k := d.str()
			s.n[k] = int(d.int())
		}
		loadSlider(d, s.slider, t)
		return
	}
	for _, f := range s.floats() {
		*f = d.float()
	}
}
