package etl

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrTooLarge is that a frame would hold more than Limits.Bytes.
var ErrTooLarge = errors.New("etl: the rows of a step hold more memory than a job may have")

// Limits bound a Run. Zero fields take the default.
type Limits struct {
	Bytes int64 // that one frame may hold, and half of what all may that are wanted at one time; 0: 1 GiB
}

// Node is one node of a graph. It is a source where Do is nil and it has no inputs, a target
// where Do is nil and it has one.
type Node struct {
	ID     string
	Name   string
	Inputs []string // ids, in order
	Do     Transform
}

// Transform makes frames of frames. It is called with a frame an input, and answers one, or,
// of a transform that splits, several: a collection.
type Transform interface {
	// Check refuses what cannot be done, before anything runs; inputs is how many there are.
	Check(inputs int) error
	Apply(ctx context.Context, in []*Frame) ([]*Frame, error)
}

// Graph is a checked graph.
type Graph struct {
	nodes map[string]*Node
	order []*Node // each behind its inputs
}

// NewGraph checks nodes: ids are there once, inputs exist, nothing goes in a circle, and every
// transform can do what it says.
func NewGraph(nodes []Node) (*Graph, error) {
	g := &Graph{nodes: make(map[string]*Node, len(nodes))}
	for i := range nodes {
		n := &nodes[i]
		if g.nodes[n.ID] != nil {
			return nil, fmt.Errorf("node %q is there twice", n.ID)
		}
		g.nodes[n.ID] = n
	}
	state := make(map[string]int, len(nodes))
	var visit func(n *Node) error
	visit = func(n *Node) error {
		switch state[n.ID] {
		case 1:
			return fmt.Errorf("node %q (%s) is its own input", n.ID, n.Name)
		case 2:
			return nil
		}
		state[n.ID] = 1
		for _, id := range n.Inputs {
			in := g.nodes[id]
			if in == nil {
				return fmt.Errorf("node %q (%s): there is no input %q", n.ID, n.Name, id)
			}
			if in.Do == nil && len(in.Inputs) > 0 {
				return fmt.Errorf("node %q (%s): its input %q is a target", n.ID, n.Name, id)
			}
			if err := visit(in); err != nil {
				return err
			}
		}
		state[n.ID] = 2
		if n.Do != nil {
			if err := n.Do.Check(len(n.Inputs)); err != nil {
				return fmt.Errorf("node %q (%s): %w", n.ID, n.Name, err)
			}
		} else if len(n.Inputs) > 1 {
			return fmt.Errorf("node %q (%s): a target has one input, not %d", n.ID, n.Name, len(n.Inputs))
		}
		g.order = append(g.order, n)
		return nil
	}
	for _, id := range g.ids() {
		if err := visit(g.nodes[id]); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// ids are the ids of the nodes, sorted, so that the order of work is the same each time.
func (g *Graph) ids() []string {
	ids := make([]string, 0, len(g.nodes))
	for id := range g.nodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Run runs the graph on a frame a source and returns a frame a target, by id.
func (g *Graph) Run(ctx context.Context, sources map[string]*Frame, l Limits) (map[string]*Frame, error) {
	if l.Bytes == 0 {
		l.Bytes = 1 << 30
	}
	made := make(map[string][]*Frame, len(g.order))
	targets := make(map[string]*Frame)
	wanted, sizes, held, steps := make(map[string]int), make(map[string]int64), int64(0), false // how often, by whom
	for _, n := range g.order {
		steps = steps || n.Do != nil
		for _, id := range n.Inputs {
			wanted[id]++
		}
	}
	for _, n := range g.order {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if n.Do == nil && len(n.Inputs) == 0 {
			f := sources[n.ID]
			if f == nil {
				return nil, fmt.Errorf("node %q (%s): the source has no rows to give", n.ID, n.Name)
			}
			if made[n.ID] = []*Frame{f}; steps {
				sizes[n.ID] = f.Bytes()
				held += sizes[n.ID]
			}
			continue
		}
		var in []*Frame
		for _, id := range n.Inputs {
			frames := made[id]
			if _, picks := n.Do.(SelectFromCollection); picks {
				in = append(in, frames...)
				continue
			}
			if len(frames) != 1 {
				return nil, fmt.Errorf("node %q (%s): its input %q is a collection of %d: select one of it", n.ID, n.Name, id, len(frames))
			}
			in = append(in, frames[0])
		}
		if n.Do == nil {
			targets[n.ID] = in[0] // it is wanted to the end
			continue
		}
		size := int64(0)
		if _, adds := n.Do.(Union); adds {
			for _, id := range n.Inputs {
				size += sizes[id]
			}
			if size > l.Bytes { // before it is made
				return nil, fmt.Errorf("node %q (%s): %w", n.ID, n.Name, ErrTooLarge)
			}
		}
		out, err := n.Do.Apply(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("node %q (%s): %w", n.ID, n.Name, err)
		}
		size = 0
		for _, f := range out {
			bytes := f.Bytes()
			if size += bytes; bytes > l.Bytes || held+size > 2*l.Bytes {
				return nil, fmt.Errorf("node %q (%s): %w", n.ID, n.Name, ErrTooLarge)
			}
		}
		if wanted[n.ID] == 0 {
			continue // nobody does
		}
		made[n.ID], sizes[n.ID] = out, size
		held += size
		for _, id := range n.Inputs {
			if wanted[id]--; wanted[id] == 0 {
				held -= sizes[id]
				delete(made, id)
			}
		}
	}
	return targets, nil
}
