// Package forest is a random cut forest: a model of a stream of points that reports how unlike what
// was seen a point is, and which of its coordinates make it so.
//
// A forest has trees, and a tree a sample of the points, in which later ones are likelier
// (weights fall by the decay). A tree cuts the box around its points at random, a side with the
// probability of its share of the sides' sum, until every point stands alone. A point that lies apart is cut off early: its score
// is the expected inverse of the depth at which it would be cut off if it were inserted, scaled so that a
// point far from everything has log2 of the sample's size plus one.
//
// A forest is deterministic: the same points give the same scores. It is for one goroutine.
//
// After S. Guha, N. Mishra, G. Roy, O. Schrijvers: Robust Random Cut Forest Based Anomaly
// Detection on Streams, ICML 2016.
package forest

import "math"

// Options are what a forest is made with.
type Options struct {
	Dimensions int
	Trees      int     // 0: 100
	Sample     int     // points of a tree; 0: 256
	Decay      float64 // how much less likely a point is for each that came after it; 0: not
}

// Forest is a random cut forest.
type Forest struct {
	o     Options
	seen  int64
	trees []*tree
}

// New makes an empty forest.
func New(o Options) *Forest {
	if o.Trees <= 0 {
		o.Trees = 100
	}
	if o.Sample <= 0 {
		o.Sample = 256
	}
	f := &Forest{o: o}
	for i := range o.Trees {
		f.trees = append(f.trees, newTree(o, uint64(i)*0x9e3779b97f4a7c15+1))
	}
	return f
}

// Bytes is about how much memory a full forest takes.
func (o Options) Bytes() int64 {
	return int64(o.Trees) * int64(o.Sample) * int64(24*o.Dimensions+160)
}

// Attribution is what a coordinate adds to a score: as it is higher than what was seen, and lower.
type Attribution struct{ High, Low float64 }

// ready reports whether enough was seen for scores to mean something.
func (f *Forest) ready() bool { return f.seen >= int64(max(f.o.Sample/4, 2)) }

// Score is how unlike the points seen a point is: about 1 and less for usual ones, up to
// log2(Sample+1). While a quarter of a sample has not been seen, it is 0.
func (f *Forest) Score(p []float64) float64 {
	if !f.ready() {
		return 0
	}
	sum := 0.0
	for _, t := range f.trees {
		sum += t.score(p)
	}
	return sum / float64(len(f.trees))
}

// Explain parts a score among the coordinates: the sum of all is the score.
func (f *Forest) Explain(p []float64) []Attribution {
	out := make([]Attribution, f.o.Dimensions)
	if !f.ready() {
		return out
	}
	one := make([]Attribution, f.o.Dimensions)
	for _, t := range f.trees {
		clear(one)
		t.explain(p, one)
		for i := range one {
			out[i].High += one[i].High
			out[i].Low += one[i].Low
		}
	}
	for i := range out {
		out[i].High /= float64(len(f.trees))
		out[i].Low /= float64(len(f.trees))
	}
	return out
}

// Update shows the forest a point.
func (f *Forest) Update(p []float64) {
	f.seen++
	for _, t := range f.trees {
		t.update(p, f.seen)
	}
}

// node is a leaf, with a point and how often it is in the sample, or a cut with two children. Nodes refer to
// each other by their places.
type node struct {
	left, right, parent int32 // left < 0: a leaf
	dim                 int32
	cut                 float64
	mass                int32
	low, high           []float64 // the box; of a leaf both are the point
}

type sampled struct {
	leaf   int32
	weight float64 // the point with the greatest is the next to go
}

type tree struct {
	o      Options
	random uint64
	nodes  []node
	free   []int32
	root   int32 // -1: empty
	heap   []sampled
}

func newTree(o Options, seed uint64) *tree { return &tree{o: o, random: seed, root: -1} }

// next is a random number from 0 to below 1 (splitmix64).
func (t *tree) next() float64 {
	t.random += 0x9e3779b97f4a7c15
	z := t.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return float64(z>>11) / (1 << 53)
}

func (t *tree) update(p []float64, at int64) {
	// Weighted sampling without replacement: log(-log u) - decay*time, the smallest stay.
	u := t.next()
	if u == 0 {
		u = 0.5
	}
	w := math.Log(-math.Log(u)) - t.o.Decay*float64(at)
	if len(t.heap) >= t.o.Sample {
		if w >= t.heap[0].weight {
			return
		}
		out := t.heap[0].leaf
		t.pop()
		t.remove(out)
	}
	t.push(sampled{t.insert(p), w})
}

func (t *tree) push(s sampled) {
	t.heap = append(t.heap, s)
	for i := len(t.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if t.heap[up].weight >= t.heap[i].weight {
			return
		}
		t.heap[up], t.heap[i] = t.heap[i], t.heap[up]
		i = up
	}
}

func (t *tree) pop() {
	n := len(t.heap) - 1
	t.heap[0] = t.heap[n]
	t.heap = t.heap[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			return
		}
		if c+1 < n && t.heap[c+1].weight > t.heap[c].weight {
			c++
		}
		if t.heap[i].weight >= t.heap[c].weight {
			return
		}
		t.heap[i], t.heap[c] = t.heap[c], t.heap[i]
		i = c
	}
}

func (t *tree) alloc() int32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		return i
	}
	t.nodes = append(t.nodes, node{})
	return int32(len(t.nodes) - 1)
}

func (t *tree) newLeaf(p []float64, parent int32) int32 {
	i := t.alloc()
	point := append([]float64(nil), p...)
	t.nodes[i] = node{left: -1, right: -1, parent: parent, mass: 1, low: point, high: point}
	return i
}

// insert puts a point into the tree and returns its leaf.
func (t *tree) insert(p []float64) int32 {
	if t.root < 0 {
		t.root = t.newLeaf(p, -1)
		return t.root
	}
	at := t.root
	for {
		n := &t.nodes[at]
		if n.left < 0 && same(n.low, p) {
			n.mass++
			t.grow(n.parent, p)
			return at
		}
		// A cut of the box with the point in it.
		total := 0.0
		for d, x := range p {
			total += math.Max(n.high[d], x) - math.Min(n.low[d], x)
		}
		r := t.next() * total
		dim, cut := 0, 0.0
		for d, x := range p {
			low := math.Min(n.low[d], x)
			side := math.Max(n.high[d], x) - low
			if r <= side && side > 0 {
				dim, cut = d, low+r
				break
			}
			r -= side
			if side > 0 { // rounding must not end without one
				dim, cut = d, low+side/2
			}
		}
		pointLeft := p[dim] <= cut
		if pointLeft && n.low[dim] > cut || !pointLeft && n.high[dim] <= cut {
			parent := n.parent
			leaf := t.newLeaf(p, -1)
			i := t.alloc()
			old := &t.nodes[at]
			low, high := make([]float64, len(p)), make([]float64, len(p))
			for d, x := range p {
				low[d], high[d] = math.Min(old.low[d], x), math.Max(old.high[d], x)
			}
			t.nodes[i] = node{parent: parent, dim: int32(dim), cut: cut, mass: old.mass + 1, low: low, high: high}
			if pointLeft {
				t.nodes[i].left, t.nodes[i].right = leaf, at
			} else {
				t.nodes[i].left, t.nodes[i].right = at, leaf
			}
			t.nodes[at].parent, t.nodes[leaf].parent = i, i
			if parent < 0 {
				t.root = i
			} else if t.nodes[parent].left == at {
				t.nodes[parent].left = i
			} else {
				t.nodes[parent].right = i
			}
			t.grow(parent, p)
			return leaf
		}
		if n.left < 0 { // the cut goes through nothing: a point beside another by rounding
			n.mass++
			t.grow(n.parent, p)
			return at
		}
		if p[n.dim] <= n.cut {
			at = n.left
		} else {
			at = n.right
		}
	}
}

// grow lets the boxes from a node up have a point.
func (t *tree) grow(at int32, p []float64) {
	for at >= 0 {
		n := &t.nodes[at]
		n.mass++
		for d, x := range p {
			n.low[d], n.high[d] = math.Min(n.low[d], x), math.Max(n.high[d], x)
		}
		at = n.parent
	}
}

// remove takes one point of a leaf out of the tree.
func (t *tree) remove(leaf int32) {
	n := &t.nodes[leaf]
	n.mass--
	at := n.parent
	if n.mass == 0 {
		if at < 0 {
			t.root = -1
			t.free = append(t.free, leaf)
			return
		}
		p := t.nodes[at]
		sibling := p.left
		if sibling == leaf {
			sibling = p.right
		}
		t.nodes[sibling].parent = p.parent
		if p.parent < 0 {
			t.root = sibling
		} else if t.nodes[p.parent].left == at {
			t.nodes[p.parent].left = sibling
		} else {
			t.nodes[p.parent].right = sibling
		}
		t.free = append(t.free, leaf, at)
		at = p.parent
	}
	for at >= 0 {
		n := &t.nodes[at]
		n.mass--
		l, r := &t.nodes[n.left], &t.nodes[n.right]
		for d := range n.low {
			n.low[d], n.high[d] = math.Min(l.low[d], r.low[d]), math.Max(l.high[d], r.high[d])
		}
		at = n.parent
	}
}

func same(a, b []float64) bool {
	for i, x := range a {
		if x != b[i] {
			return false
		}
	}
	return true
}

// path is the way of a point to a leaf.
func (t *tree) path(p []float64) (leaf int32, depth int) {
	at := t.root
	for t.nodes[at].left >= 0 {
		n := &t.nodes[at]
		if p[n.dim] <= n.cut {
			at = n.left
		} else {
			at = n.right
		}
		depth++
	}
	return at, depth
}

// separation is the probability that a cut of a node's box and the point parts the two.
func (n *node) separation(p []float64) float64 {
	outside, total := 0.0, 0.0
	for d, x := range p {
		total += n.high[d] - n.low[d]
		if x > n.high[d] {
			outside += x - n.high[d]
		} else if x < n.low[d] {
			outside += n.low[d] - x
		}
	}
	if outside == 0 {
		return 0
	}
	return outside / (total + outside)
}

func unseen(depth int) float64 { return 1 / float64(depth+1) }

// seen is the score of a point that is in the tree: many copies of it are usual.
func (t *tree) seen(n *node, depth int) float64 {
	total := float64(len(t.heap))
	damp := 1 - float64(n.mass)/(2*total)
	return damp / (float64(depth) + math.Log2(1+float64(n.mass)))
}

func (t *tree) scale() float64 { return math.Log2(1 + float64(len(t.heap))) }

func (t *tree) score(p []float64) float64 {
	if t.root < 0 {
		return 0
	}
	at, depth := t.path(p)
	n := &t.nodes[at]
	var s float64
	inside := same(n.low, p)
	if inside {
		s = t.seen(n, depth)
	} else {
		s = unseen(depth)
	}
	for at = n.parent; at >= 0; at = t.nodes[at].parent {
		depth--
		if inside {
			break // no box above parts it
		}
		q := t.nodes[at].separation(p)
		if q == 0 {
			inside = true
			continue
		}
		s = q*unseen(depth) + (1-q)*s
	}
	return s * t.scale()
}

func (t *tree) explain(p []float64, out []Attribution) {
	if t.root < 0 {
		return
	}
	at, depth := t.path(p)
	n := &t.nodes[at]
	if same(n.low, p) {
		s := t.seen(n, depth) / float64(2*len(p))
		for d := range out {
			out[d] = Attribution{s, s}
		}
	} else {
		share(n, p, out, unseen(depth), 0)
		for at = n.parent; at >= 0; at = t.nodes[at].parent {
			depth--
			q := t.nodes[at].separation(p)
			if q == 0 {
				break
			}
			share(&t.nodes[at], p, out, q*unseen(depth), 1-q)
		}
	}
	k := t.scale()
	for d := range out {
		out[d].High *= k
		out[d].Low *= k
	}
}

// share parts a score among the coordinates in which a point lies outside a box, beside what is
// there, times keep.
func share(n *node, p []float64, out []Attribution, score, keep float64) {
	outside := 0.0
	for d, x := range p {
		outside += math.Max(0, x-n.high[d]) + math.Max(0, n.low[d]-x)
	}
	for d, x := range p {
		out[d].High = out[d].High*keep + score*math.Max(0, x-n.high[d])/outside
		out[d].Low = out[d].Low*keep + score*math.Max(0, n.low[d]-x)/outside
	}
}
