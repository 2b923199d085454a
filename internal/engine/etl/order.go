package etl

// Order is the ids of the nodes, each behind its inputs.
func (g *Graph) Order() []string {
	ids := make([]string, len(g.order))
	for i, n := range g.order {
		ids[i] = n.ID
	}
	return ids
}

// Name is the name that the user gave to a node.
func (g *Graph) Name(id string) string {
	if n := g.nodes[id]; n != nil {
		return n.Name
	}
	return ""
}

// Input is the first input of a node; "" for a source.
func (g *Graph) Input(id string) string {
	if n := g.nodes[id]; n != nil && len(n.Inputs) > 0 {
		return n.Inputs[0]
	}
	return ""
}
