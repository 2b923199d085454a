package streamsql

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
	"github.com/brookmere/brookmere/internal/engine/streamsql/forest"
)

// forestOperator scores rows by RANDOM_CUT_FOREST.
type forestOperator struct {
	rt        *runtime
	in, out   *pipe
	columns   []*compiled // numeric ones
	names     []string
	forest    *forest.Forest
	shingle   int
	recent    []float64 // the last rows' numbers, oldest first
	explain   bool
	direction bool
	bytes     int64
}

func makeForest(c *tableCall, explain bool) *pipe {
	o := &forestOperator{rt: c.b.rt, in: c.in, explain: explain}
	for _, s := range c.in.scope.visible() {
		if s.t.isInteger() || s.t.isApprox() {
			o.columns = append(o.columns, convert(s.expr(), Type{Kind: Double}))
			o.names = append(o.names, s.name)
		}
	}
	if len(o.columns) == 0 {
		fail(c.x, "DECIMAL columns do not count; CAST them to DOUBLE.", "The cursor of '%s' has no numeric columns", c.name)
	}
	trees, sample := c.number(0, 100, 1, 1000), c.number(1, 256, 10, 1000)
	decay := c.number(2, 100000, 1, math.MaxInt32)
	o.shingle = int(c.number(3, 1, 1, 30))
	if explain {
		o.direction = c.flag(4)
	}
	options := forest.Options{Dimensions: len(o.columns) * o.shingle, Trees: int(trees), Sample: int(sample), Decay: 1 / float64(decay)}
	o.bytes = options.Bytes()
	o.forest = forest.New(options)
	more := []Column{{"ANOMALY_SCORE", Type{Kind: Double}}}
	if explain {
		more = append(more, Column{"ANOMALY_EXPLANATION", Type{Kind: Varchar, Length: 32768}})
	}
	o.out = &pipe{stream: true, text: fmt.Sprintf("%s of %s: %d trees of %d rows", c.name, strings.Join(o.names, ", "), trees, sample)}
	o.out.scope, o.out.types = c.outputs(more...)
	c.in.emit = o.push
	c.b.rt.operators = append(c.b.rt.operators, o)
	return o.out
}

func (o *forestOperator) push(x *batch) {
	if o.bytes > 0 { // taken with the first row
		o.rt.take(o.bytes)
		o.bytes = -o.bytes
	}
	out := newBatch(o.out.types)
	row := make([]value, len(o.out.types))
	f := &frame{b: x, now: o.rt.now}
	width := len(o.columns)
	n := len(o.in.types)
	for i := range x.n {
		f.i = i
		x.row(i, row[:n])
		at := len(o.recent)
		for _, c := range o.columns {
			v := c.eval(f)
			if v.null { // it says nothing: it is as it was before
				v = float(0)
				if at >= width {
					v = float(o.recent[len(o.recent)-width])
				}
			}
			o.recent = append(o.recent, v.float())
		}
		if over := len(o.recent) - width*o.shingle; over > 0 {
			o.recent = append(o.recent[:0], o.recent[over:]...)
		}
		row[n] = float(0)
		if o.explain {
			row[n+1] = null
		}
		if len(o.recent) == width*o.shingle {
			if o.explain {
				score, text := o.explanation(o.forest.Explain(o.recent))
				row[n], row[n+1] = float(score), value{s: text}
			} else {
				row[n] = float(o.forest.Score(o.recent))
			}
			o.forest.Update(o.recent)
		}
		out.push(x.time[i], row)
	}
	o.out.emit(out)
}

// explanation is the JSON of an attribution: of each column over all rows of a shingle.
func (o *forestOperator) explanation(all []forest.Attribution) (float64, string) {
	score := 0.0
	b := []byte{'{'}
	for c, name := range o.names {
		var a forest.Attribution
		for i := c; i < len(all); i += len(o.names) {
			a.High += all[i].High
			a.Low += all[i].Low
		}
		score += a.High + a.Low
		if c > 0 {
			b = append(b, ',')
		}
		b = jsontext.AppendQuoted(b, name)
		b = append(b, ":{"...)
		if o.direction {
			d := "HIGH"
			if a.Low > a.High {
				d = "LOW"
			}
			b = fmt.Appendf(b, `"DIRECTION":"%s","STRENGTH":"%.4f",`, d, math.Abs(a.High-a.Low))
		}
		b = fmt.Appendf(b, `"ATTRIBUTION_SCORE":"%.4f"}`, a.High+a.Low)
	}
	return score, string(append(b, '}'))
}

func (o *forestOperator) advance(int64)   {}
func (o *forestOperator) deadline() int64 { return never }

func (o *forestOperator) save(e *encoder) {
	e.bool(o.bytes < 0)
	if o.bytes >= 0 {
		return
	}
	e.floats(o.recent)
	ints, floats := o.forest.State()
	e.ints(ints)
	e.floats(floats)
}

func (o *forestOperator) load(d *decoder) {
	if !d.bool() {
		return
	}
	o.recent = d.floats()
	if err := o.forest.Restore(d.ints(), d.floats()); err != nil || len(o.recent) > len(o.columns)*o.shingle || len(o.recent)%len(o.columns) != 0 {
		d.bad = true
		return
	}
	o.rt.take(o.bytes)
	o.bytes = -o.bytes
}

// hotspotsOperator finds dense regions among the last rows by HOTSPOTS.
type hotspotsOperator struct {
	rt      *runtime
	in, out *pipe
	columns []*compiled
	window  int
	radius  float64
	least   int
	points  [][]float64 // oldest first
}

func makeHotspots(c *tableCall) *pipe {
	o := &hotspotsOperator{rt: c.b.rt, in: c.in}
	var names []string
	for _, s := range c.in.scope.visible() {
		if s.t.isInteger() || s.t.isApprox() {
			o.columns = append(o.columns, convert(s.expr(), Type{Kind: Double}))
			names = append(names, s.name)
		}
	}
	if len(o.columns) == 0 {
		fail(c.x, "DECIMAL columns do not count; CAST them to DOUBLE.", "The cursor of '%s' has no numeric columns", c.name)
	}
	o.window = int(c.number(0, -1, 100, 1000))
	if o.radius = c.float(1); o.radius <= 0 {
		c.wrong(1, "greater than 0")
	}
	o.least = int(c.number(2, -1, 2, 1000))
	o.out = &pipe{stream: true, text: fmt.Sprintf("%s of %s over %d rows", c.name, strings.Join(names, ", "), o.window)}
	o.out.scope, o.out.types = c.outputs(Column{"HOTSPOTS_RESULT", Type{Kind: Varchar, Length: 32768}})
	c.in.emit = o.push
	c.b.rt.operators = append(c.b.rt.operators, o)
	return o.out
}

func (o *hotspotsOperator) push(x *batch) {
	out := newBatch(o.out.types)
	row := make([]value, len(o.out.types))
	f := &frame{b: x, now: o.rt.now}
	n := len(o.in.types)
	for i := range x.n {
		f.i = i
		x.row(i, row[:n])
		p := make([]float64, len(o.columns))
		for k, c := range o.columns {
			if v := c.eval(f); !v.null {
				p[k] = v.float()
			}
		}
		if len(o.points) == o.window {
			o.points = append(o.points[:0], o.points[1:]...)
		} else {
			o.rt.take(int64(8*len(p)) + 24)
		}
		o.points = append(o.points, p)
		row[n] = value{s: o.hotspots()}
		out.push(x.time[i], row)
	}
	o.out.emit(out)
}

// hotspots is the JSON of the dense regions: points that have enough others within the radius, and
// what is within the radius of those, taken together; their density is points per volume.
func (o *hotspotsOperator) hotspots() string {
	n := len(o.points)
	near := func(a, b []float64) bool {
		d := 0.0
		for k := range a {
			d += (a[k] - b[k]) * (a[k] - b[k])
			if d > o.radius*o.radius {
				return false
			}
		}
		return true
	}
	// Sorted by the first coordinate, only points within the radius of it are looked at.
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return o.points[order[i]][0] < o.points[order[j]][0] })
	neighbours := make([][]int, n)
	for i, a := range order {
		for _, b := range order[i+1:] {
			if o.points[b][0]-o.points[a][0] > o.radius {
				break
			}
			if near(o.points[a], o.points[b]) {
				neighbours[a] = append(neighbours[a], b)
				neighbours[b] = append(neighbours[b], a)
			}
		}
	}
	type region struct {
		low, high []float64
		n         int
	}
	var regions []region
	member := make([]bool, n)
	for start := range n {
		if member[start] || len(neighbours[start])+1 < o.least {
			continue
		}
		r := region{low: append([]float64(nil), o.points[start]...), high: append([]float64(nil), o.points[start]...)}
		stack := []int{start}
		member[start] = true
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			r.n++
			for k, v := range o.points[i] {
				r.low[k], r.high[k] = math.Min(r.low[k], v), math.Max(r.high[k], v)
			}
			if len(neighbours[i])+1 < o.least {
				continue // at the edge
			}
			for _, j := range neighbours[i] {
				if !member[j] {
					member[j] = true
					stack = append(stack, j)
				}
			}
		}
		if r.n >= o.least {
			regions = append(regions, r)
		}
	}
	density := func(r region) float64 {
		volume := 1.0
		for k := range r.low {
			volume *= math.Max(r.high[k]-r.low[k], o.radius/1000)
		}
		return float64(r.n) / volume
	}
	sort.SliceStable(regions, func(i, j int) bool { return density(regions[i]) > density(regions[j]) })
	numbers := func(b []byte, list []float64) []byte {
		for i, x := range list {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendFloat(b, x, 64)
		}
		return b
	}
	b := []byte(`{"hotspots":[`)
	for i, r := range regions {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendFloat(append(b, `{"density":`...), density(r), 64), `,"minValues":[`...)
		b = append(numbers(b, r.low), `],"maxValues":[`...)
		b = append(numbers(b, r.high), "]}"...)
	}
	return string(append(b, "]}"...))
}

func (o *hotspotsOperator) advance(int64)   {}
func (o *hotspotsOperator) deadline() int64 { return never }

func (o *hotspotsOperator) save(e *encoder) {
	e.int(int64(len(o.points)))
	for _, p := range o.points {
		e.floats(p)
	}
}

func (o *hotspotsOperator) load(d *decoder) {
	for range d.count() {
		p := d.floats()
		if len(p) != len(o.columns) || len(o.points) >= o.window {
			d.bad = true
			return
		}
		o.points = append(o.points, p)
		o.rt.take(int64(8*len(p)) + 24)
	}
}
