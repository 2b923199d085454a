package streamsql

// windowClock tells the windows that rising expressions cut time into: all times for which they
// have the same values are one.
type windowClock struct {
	rising []*compiled
	f      frame
	last   span
	has    bool
}

// span is a window: the times from start to before end.
type span struct{ start, end int64 }

func newWindowClock(rising []*compiled) *windowClock {
	c := &windowClock{rising: rising}
	c.f.b = &batch{n: 1, time: []int64{0}}
	return c
}

func (c *windowClock) value(x *compiled, t int64) value {
	c.f.b.time[0] = t
	c.f.err = nil
	return x.eval(&c.f)
}

// farthest is how far the end of a window is looked for: 40 years, in milliseconds.
const farthest = int64(40) * 366 * msDay

// at is the window of a time.
func (c *windowClock) at(t int64) span {
	if c.has && t >= c.last.start && t < c.last.end {
		return c.last
	}
	s := span{t - farthest, t + farthest}
	for _, x := range c.rising {
		v := c.value(x, t)
		s.end = min(s.end, t+c.until(x, v, t, 1))
		s.start = max(s.start, t-c.until(x, v, t, -1)+1)
	}
	c.last, c.has = s, true
	return s
}

// until is the least number of milliseconds after which an expression has another value.
func (c *windowClock) until(x *compiled, v value, t, sign int64) int64 {
	d := int64(1)
	for d < farthest && c.value(x, t+sign*d) == v {
		d *= 2
	}
	low, high := d/2, min(d, farthest) // the same at low, another at high
	for low+1 < high {
		mid := (low + high) / 2
		if c.value(x, t+sign*mid) == v {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}
