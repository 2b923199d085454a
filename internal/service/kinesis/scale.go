package kinesis

import (
	"slices"
	"time"
)

// scale makes the open shards n, of equal ranges or nearly so: it splits the shards in which
// a bound of the new ranges lies, and then merges what lies between two bounds. Kinesis
// gets to more shards by splitting each once, and to fewer by merges alone; so does this
// where the shards are of equal ranges before, with the bounds that are left to choose from.
func (d *stream) scale(n int, now time.Time) {
	open := d.openByRange()
	bounds := newBounds(open, n)
	next := 0
	for _, sh := range open {
		rest := sh.Index
		for ; next < len(bounds) && bounds[next].compare(sh.End) <= 0; next++ {
			if bounds[next].compare(sh.Start) > 0 {
				rest = d.split(rest, bounds[next], now)
			}
		}
	}
	next, last := 0, -1
	for _, sh := range d.openByRange() {
		if next < len(bounds) && bounds[next] == sh.Start {
			next, last = next+1, -1
		}
		if last < 0 {
			last = sh.Index
		} else {
			last = d.merge(last, sh.Index, now)
		}
	}
}

// newBounds returns where the second and all further ones of n shards are to begin.
func newBounds(open []shard, n int) []hashKey {
	even := make([]hashKey, 0, n)
	for _, r := range evenRanges(n)[1:] {
		even = append(even, r.Start)
	}
	if n <= len(open) {
		return mergeBounds(open, even)
	}
	return splitBounds(open, even)
}

// near says that two keys lie within half a part of each other.
func near(k, l, part hashKey) bool {
	d := distance(k, l)
	return d.compare(distance(part, d)) <= 0 && d.compare(part) <= 0
}

// mergeBounds returns for every bound the nearest one that there is, unless one of them has
// none near to it of its own.
func mergeBounds(open []shard, even []hashKey) []hashKey {
	bounds := make([]hashKey, 0, len(even))
	i := 1
	for _, k := range even {
		for i+1 < len(open) && distance(open[i+1].Start, k).compare(distance(open[i].Start, k)) < 0 {
			i++
		}
		if i == len(open) || !near(open[i].Start, k, even[0]) {
			return even
		}
		bounds = append(bounds, open[i].Start)
		i++
	}
	return bounds
}

// splitBounds returns the bounds such that no shard is split twice where that can be had:
// of two bounds in a shard the one nearer to an end of it becomes that end.
func splitBounds(open []shard, even []hashKey) []hashKey {
	bounds := slices.Clone(even)
	next := 0
	for _, sh := range open {
		first := next
		for next < len(bounds) && bounds[next].compare(sh.End) <= 0 {
			next++
		}
		inside := bounds[first:next]
		if len(inside) > 0 && inside[0] == sh.Start {
			inside = inside[1:]
		}
		if len(inside) != 2 {
			continue
		}
		switch start, end := distance(inside[0], sh.Start), distance(inside[1], sh.End); {
		case start.compare(end) <= 0 && near(inside[0], sh.Start, even[0]) && sh.Start != (hashKey{}) && !slices.Contains(bounds, sh.Start):
			inside[0] = sh.Start
		case end.compare(start) < 0 && near(inside[1], sh.End, even[0]) && sh.End != maxHashKey && !slices.Contains(bounds, sh.End.next()):
			inside[1] = sh.End.next()
		}
	}
	return bounds
}
