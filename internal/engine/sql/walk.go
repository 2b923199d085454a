package sql

// Walk calls f for a node and, where f says so, for the nodes in it, in the order of the text.
func Walk(n Node, f func(Node) bool) {
	if isNil(n) || !f(n) {
		return
	}
	Children(n, func(c Node) { Walk(c, f) })
}

// isNil reports whether a node is none: a field that the text has left out.
func isNil(n Node) bool {
	switch n := n.(type) {
	case nil:
		return true
	case *Query:
		return n == nil
	case *With:
		return n == nil
	case *Window:
		return n == nil
	case *GroupBy:
		return n == nil
	case *Frame:
		return n == nil
	case *Type:
		return n == nil
	}
	return false
}

// Children calls f for the nodes right below a node, in the order of the text. What a clause
// holds that is not a node of its own (a sort key, a WHEN) counts as the node's.
func Children(n Node, f func(Node)) {
	child := func(list ...Node) {
		for _, c := range list {
			if !isNil(c) {
				f(c)
			}
		}
	}
	exprs := func(list []Expr) {
		for _, x := range list {
			child(x)
		}
	}
	sorts := func(list []SortItem) {
		for _, s := range list {
			child(s.Expr)
		}
	}
	properties := func(list []Property) {
		for _, p := range list {
			child(p.Value)
		}
	}
	if x, ok := n.(Extended); ok {
		x.Children(f)
		return
	}
	switch n := n.(type) {
	// Queries.
	case *Query:
		child(n.With, n.Body)
		sorts(n.OrderBy)
		child(n.Offset, n.Limit)
	case *With:
		for _, q := range n.Queries {
			child(q.Query)
		}
	case *Select:
		child(n.Modifier)
		for _, item := range n.Items {
			child(item.Expr)
		}
		for _, r := range n.From {
			child(r)
		}
		child(n.Where, n.GroupBy, n.Having)
		for _, w := range n.Windows {
			child(w.Window)
		}
		child(n.Extension)
	case *GroupBy:
		for _, e := range n.Elements {
			for _, set := range e.Sets {
				exprs(set)
			}
		}
	case *SetOperation:
		child(n.Left, n.Right)
	case *Values:
		exprs(n.Rows)
	case *AliasedRelation:
		child(n.Relation)
	case *Table:
		if n.Version != nil {
			child(n.Version.Point)
		}
	case *SampledRelation:
		child(n.Relation, n.Percent)
	case *SubqueryRelation:
		child(n.Query)
	case *Unnest:
		exprs(n.Exprs)
	case *Join:
		child(n.Left, n.Right, n.On)
	// Expressions.
	case *Type:
		for _, a := range n.Args {
			child(a)
		}
		for _, field := range n.Fields {
			child(field.Type)
		}
	case *TypedLiteral:
		child(n.Type)
	case *Dereference:
		child(n.Base)
	case *Subscript:
		child(n.Base, n.Index)
	case *Call:
		exprs(n.Args)
		sorts(n.OrderBy)
		sorts(n.WithinGroup)
		child(n.Filter, n.Over)
	case *Window:
		exprs(n.PartitionBy)
		sorts(n.OrderBy)
		child(n.Frame, n.Extension)
	case *Frame:
		child(n.Start.Value, n.End.Value)
	case *Unary:
		child(n.X)
	case *Operation:
		child(n.Left, n.Right)
	case *Quantified:
		child(n.X, n.Query)
	case *Between:
		child(n.X, n.Low, n.High)
	case *In:
		child(n.X)
		exprs(n.List)
		child(n.Query)
	case *Like:
		child(n.X, n.Pattern, n.Escape)
	case *IsNull:
		child(n.X)
	case *IsDistinct:
		child(n.Left, n.Right)
	case *Exists:
		child(n.Query)
	case *Subquery:
		child(n.Query)
	case *Case:
		child(n.Operand)
		for _, w := range n.Whens {
			child(w.Cond, w.Then)
		}
		child(n.Else)
	case *Cast:
		child(n.X, n.Type)
	case *Extract:
		child(n.X)
	case *AtTimeZone:
		child(n.X, n.Zone)
	case *Row:
		exprs(n.Items)
	case *Array:
		exprs(n.Items)
	case *Lambda:
		child(n.Body)
	case *JSONQuery:
		child(n.Input.Expr)
		for _, a := range n.Passing {
			child(a.Value.Expr)
		}
		child(n.Returning)
		for _, b := range []*JSONBehavior{n.OnEmpty, n.OnError} {
			if b != nil {
				child(b.Value)
			}
		}
	case *JSONConstructor:
		for _, m := range n.Members {
			child(m.Key, m.Value.Expr)
		}
		child(n.Returning)
	// Statements.
	case *Insert:
		child(n.Query)
	case *CreateTableAs:
		properties(n.Properties)
		child(n.Query)
	case *Unload:
		child(n.Query)
		properties(n.Properties)
	case *CreateView:
		child(n.Query)
	case *Prepare:
		child(n.Statement)
	case *Execute:
		exprs(n.Using)
	case *Explain:
		child(n.Statement)
	}
}
