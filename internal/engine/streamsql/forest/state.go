package forest

import (
	"errors"
	"math"
)

// A forest's state as numbers, so that an owner can keep it with its own.

// State is all that the forest knows; Restore reads it.
func (f *Forest) State() (ints []int64, floats []float64) {
	ints = append(ints, f.seen)
	for _, t := range f.trees {
		ints = append(ints, int64(t.random), int64(t.root), int64(len(t.nodes)), int64(len(t.free)), int64(len(t.heap)))
		for i := range t.nodes {
			n := &t.nodes[i]
			if n.low == nil {
				n.low, n.high = make([]float64, f.o.Dimensions), make([]float64, f.o.Dimensions)
			}
			ints = append(ints, int64(n.left), int64(n.right), int64(n.parent), int64(n.dim), int64(n.mass))
			floats = append(append(append(floats, n.cut), n.low...), n.high...)
		}
		for _, i := range t.free {
			ints = append(ints, int64(i))
		}
		for _, s := range t.heap {
			ints = append(ints, int64(s.leaf))
			floats = append(floats, s.weight)
		}
	}
	return ints, floats
}

var errState = errors.New("forest: not the state of such a forest")

// Restore gives a new forest a state. Every reference in it is checked.
func (f *Forest) Restore(ints []int64, floats []float64) error {
	bad := false
	integer := func() int64 {
		if len(ints) == 0 {
			bad = true
			return 0
		}
		i := ints[0]
		ints = ints[1:]
		return i
	}
	number := func() float64 {
		if len(floats) == 0 {
			bad = true
			return 0
		}
		x := floats[0]
		floats = floats[1:]
		if math.IsNaN(x) {
			bad = true
		}
		return x
	}
	f.seen = integer()
	for _, t := range f.trees {
		t.random = uint64(integer())
		root, nodes, free, heap := integer(), integer(), integer(), integer()
		limit := int64(2*f.o.Sample + 2)
		if bad || nodes < 0 || nodes > limit || free < 0 || free > nodes || heap < 0 || heap > int64(f.o.Sample) || root < -1 || root >= nodes || root < 0 && heap > 0 {
			return errState
		}
		t.root = int32(root)
		place := func(least int64) int32 {
			i := integer()
			if i < least || i >= nodes {
				bad = true
				return 0
			}
			return int32(i)
		}
		t.nodes = make([]node, nodes)
		for i := range t.nodes {
			n := &t.nodes[i]
			n.left, n.right, n.parent = place(-1), place(-1), place(-1)
			n.dim, n.mass = int32(integer()), int32(integer())
			if n.dim < 0 || int(n.dim) >= f.o.Dimensions || (n.left < 0) != (n.right < 0) {
				bad = true
			}
			n.cut = number()
			n.low, n.high = make([]float64, f.o.Dimensions), make([]float64, f.o.Dimensions)
			for d := range n.low {
				n.low[d] = number()
			}
			for d := range n.high {
				n.high[d] = number()
			}
			if n.left < 0 {
				n.high = n.low
			}
		}
		for range free {
			t.free = append(t.free, place(0))
		}
		for range heap {
			t.heap = append(t.heap, sampled{place(0), number()})
		}
		if bad || !t.sound() {
			return errState
		}
	}
	if len(ints) > 0 || len(floats) > 0 {
		return errState
	}
	return nil
}

// sound reports whether the nodes below the root are a tree, with parents that fit, and the
// sampled points its leaves.
func (t *tree) sound() bool {
	leaves := map[int32]int32{}
	for _, s := range t.heap {
		leaves[s.leaf]++
	}
	if t.root < 0 {
		return len(leaves) == 0
	}
	if t.nodes[t.root].parent != -1 {
		return false
	}
	visited := 0
	used := make([]bool, len(t.nodes))
	stack := []int32{t.root}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if visited++; visited > len(t.nodes) || used[i] {
			return false
		}
		used[i] = true
		n := &t.nodes[i]
		if n.left < 0 {
			if leaves[i] != n.mass || n.mass < 1 {
				return false
			}
			delete(leaves, i)
			continue
		}
		if t.nodes[n.left].parent != i || t.nodes[n.right].parent != i {
			return false
		}
		stack = append(stack, n.left, n.right)
	}
	for _, i := range t.free {
		if used[i] {
			return false
		}
		used[i] = true
	}
	return len(leaves) == 0
}
