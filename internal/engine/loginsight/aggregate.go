package loginsight

import (
	"fmt"
	"math"
	"slices"
)

// aggCall is an aggregate of a stats command.
type aggCall struct {
	make func() aggregate
	args []*expr
	star bool
	id   int
}

func (c *aggCall) key() string { return fmt.Sprintf("\x00%d", c.id) }

// aggregate makes one value of those of many rows.
type aggregate interface {
	add(args []value, at int64)
	result() value
	size() int // bytes that it keeps, about
}

var aggregates = map[string]struct {
	args int
	only bool // it is not a function of one row too
	make func() aggregate
}{
	"count":          {1, true, func() aggregate { return new(counter) }},
	"count_distinct": {1, true, func() aggregate { return &distinct{seen: map[string]struct{}{}} }},
	"sum":            {1, true, func() aggregate { return new(summer) }},
	"avg":            {1, true, func() aggregate { return &summer{avg: true} }},
	"stddev":         {1, true, func() aggregate { return new(deviation) }},
	"min": {1, true, func() aggregate {
		return &chosen{better: func(n, o *chosenValue) bool { return compare(n.v, o.v) < 0 }}
	}},
	"max": {1, true, func() aggregate {
		return &chosen{better: func(n, o *chosenValue) bool { return compare(n.v, o.v) > 0 }}
	}},
	"sortsfirst": {1, true, func() aggregate {
		return &chosen{better: func(n, o *chosenValue) bool { return show(n.v) < show(o.v) }}
	}},
	"sortslast": {1, true, func() aggregate {
		return &chosen{better: func(n, o *chosenValue) bool { return show(n.v) > show(o.v) }}
	}},
	"earliest": {1, true, func() aggregate { return &chosen{better: func(n, o *chosenValue) bool { return n.at < o.at }} }},
	"latest":   {1, true, func() aggregate { return &chosen{better: func(n, o *chosenValue) bool { return n.at >= o.at }} }},
	"pct":      {2, true, func() aggregate { return &percentile{p: -1} }},
	"median":   {1, true, func() aggregate { return &percentile{p: 50} }},
}

type counter struct{ n float64 }

func (c *counter) add(args []value, _ int64) {
	if len(args) == 0 || args[0] != nil {
		c.n++
	}
}
func (c *counter) result() value { return c.n }
func (c *counter) size() int     { return 0 }

type distinct struct {
	seen  map[string]struct{}
	bytes int
}

func (d *distinct) add(args []value, _ int64) {
	if args[0] == nil {
		return
	}
	text := show(args[0])
	if _, has := d.seen[text]; !has {
		d.seen[text] = struct{}{}
		d.bytes += len(text) + valueCost
	}
}
func (d *distinct) result() value { return float64(len(d.seen)) }
func (d *distinct) size() int     { return d.bytes }

type summer struct {
	sum, n float64
	avg    bool
}

func (s *summer) add(args []value, _ int64) {
	if f, ok := num(args[0]); ok {
		s.sum += f
		s.n++
	}
}

func (s *summer) result() value {
	if s.n == 0 {
		return nil
	}
	if s.avg {
		return finite(s.sum / s.n)
	}
	return finite(s.sum)
}
func (s *summer) size() int { return 0 }

// deviation is the standard deviation of a population, by Welford's way.
type deviation struct{ n, mean, m2 float64 }

func (d *deviation) add(args []value, _ int64) {
	if f, ok := num(args[0]); ok {
		d.n++
		delta := f - d.mean
		d.mean += delta / d.n
		d.m2 += delta * (f - d.mean)
	}
}

func (d *deviation) result() value {
	if d.n == 0 {
		return nil
	}
	return finite(math.Sqrt(d.m2 / d.n))
}
func (d *deviation) size() int { return 0 }

type chosenValue struct {
	v  value
	at int64
}

type chosen struct {
	best   *chosenValue
	better func(n, o *chosenValue) bool
}

func (c *chosen) add(args []value, at int64) {
	if n := (&chosenValue{args[0], at}); n.v != nil && (c.best == nil || c.better(n, c.best)) {
		c.best = n
	}
}

func (c *chosen) result() value {
	if c.best == nil {
		return nil
	}
	return c.best.v
}
func (c *chosen) size() int {
	if c.best == nil {
		return 0
	}
	return sizeOf(c.best.v)
}

type percentile struct {
	p    float64
	list []float64
}

func (p *percentile) add(args []value, _ int64) {
	if p.p < 0 && len(args) == 2 {
		if f, ok := num(args[1]); ok && f >= 0 && f <= 100 {
			p.p = f
		}
	}
	if f, ok := num(args[0]); ok {
		p.list = append(p.list, f)
	}
}

func (p *percentile) result() value {
	if len(p.list) == 0 || p.p < 0 {
		return nil
	}
	slices.Sort(p.list)
	i := int(math.Ceil(p.p/100*float64(len(p.list)))) - 1
	return p.list[min(max(i, 0), len(p.list)-1)]
}
func (p *percentile) size() int { return 16 * len(p.list) } // with the room that it grows into
