package dynamodb

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// keyCondition is the conditions of a query on one attribute each.
type keyCondition struct {
	bounds map[string]itemstore.Bound
}

// add adds the condition on an attribute.
func (k *keyCondition) add(name string, b itemstore.Bound) error {
	if _, ok := k.bounds[name]; ok {
		return invalid("Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key")
	}
	k.bounds[name] = b
	return nil
}

// parseKeyCondition reads a KeyConditionExpression.
func parseKeyCondition(text string, params *expr.Params) (*keyCondition, error) {
	c, err := expr.ParseCondition(text, params)
	if err != nil {
		return nil, expression("KeyConditionExpression", err)
	}
	k := &keyCondition{bounds: map[string]itemstore.Bound{}}
	if err := k.read(c.Root); err != nil {
		return nil, err
	}
	return k, nil
}

func keyOperator(op string) error {
	return invalid("Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: %s", op)
}

func (k *keyCondition) read(n expr.Node) error {
	switch n := n.(type) {
	case expr.And:
		if err := k.read(n.L); err != nil {
			return err
		}
		return k.read(n.R)
	case expr.Or:
		return keyOperator("OR")
	case expr.Not:
		return keyOperator("NOT")
	case expr.In:
		return keyOperator("IN")
	case expr.Compare:
		if n.Op == "<>" {
			return keyOperator("<>")
		}
		l, r, op := n.L, n.R, n.Op
		if l.Path == nil && r.Path != nil {
			l, r, op = r, l, mirrored[op]
		}
		name, err := keyOperands(l, r)
		if err != nil {
			return err
		}
		return k.add(name, itemstore.Bound{Op: op, Low: r.Value})
	case expr.Between:
		name, err := keyOperands(n.X, n.Low, n.High)
		if err != nil {
			return err
		}
		return k.add(name, itemstore.Bound{Op: "between", Low: n.Low.Value, High: n.High.Value})
	case expr.Call:
		if n.Name != "begins_with" {
			return keyOperator(n.Name)
		}
		if n.Args[0].Path == nil {
			return invalid("Invalid KeyConditionExpression: The first operand of begins_with must be a key attribute")
		}
		name, err := keyOperands(n.Args[0], n.Args[1])
		if err != nil {
			return err
		}
		return k.add(name, itemstore.Bound{Op: "begins_with", Low: n.Args[1].Value})
	}
	return invalid("Query key condition not supported")
}

var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// keyOperands checks that a condition compares an attribute with values.
func keyOperands(x expr.Operand, values ...expr.Operand) (name string, err error) {
	for _, o := range append([]expr.Operand{x}, values...) {
		if o.Size {
			return "", keyOperator("size")
		}
	}
	if x.Path == nil {
		return "", invalid("Invalid KeyConditionExpression: Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	for _, v := range values {
		if v.Path != nil {
			return "", invalid("Invalid KeyConditionExpression: Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		}
	}
	if len(x.Path) > 1 {
		return "", invalid("Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes")
	}
	return x.Path.Attribute(), nil
}

// parseKeyConditions reads KeyConditions.
func parseKeyConditions(in map[string]types.Condition) (*keyCondition, error) {
	k := &keyCondition{bounds: map[string]itemstore.Bound{}}
	for _, name := range sortedKeys(in) {
		c := in[name]
		n, err := comparison(name, c.ComparisonOperator, c.AttributeValueList)
		if err != nil {
			return nil, err
		}
		switch n := n.(type) {
		case expr.Compare:
			if n.Op == "<>" {
				return nil, invalid("Attempted conditional constraint is not an indexable operation")
			}
			k.bounds[name] = itemstore.Bound{Op: n.Op, Low: n.R.Value}
		case expr.Between:
			k.bounds[name] = itemstore.Bound{Op: "between", Low: n.Low.Value, High: n.High.Value}
		case expr.Call:
			if n.Name != "begins_with" {
				return nil, invalid("Attempted conditional constraint is not an indexable operation")
			}
			k.bounds[name] = itemstore.Bound{Op: "begins_with", Low: n.Args[1].Value}
		default:
			return nil, invalid("Attempted conditional constraint is not an indexable operation")
		}
	}
	return k, nil
}

// keyed is conditions on the keys of a table or an index.
type keyed struct {
	hash  []attr.Value    // of all attributes of the partition key
	equal []attr.Value    // of the first attributes of the sort key
	bound itemstore.Bound // on the one after these
}

// holds reports whether a value is within the condition on the attribute i of the sort key.
func (k *keyed) holds(i int, v attr.Value) bool {
	switch {
	case i < len(k.equal):
		return attr.Equal(v, k.equal[i])
	case i == len(k.equal):
		return k.bound.Holds(v)
	}
	return true
}

// gap tells the attributes of a sort key of several that lack an equality before the last one with a condition.
func (k *keyCondition) gap(ranges []string) error {
	last := ""
	for _, name := range ranges {
		if _, ok := k.bounds[name]; ok {
			last = name
		}
	}
	var lacking []string
	for _, name := range ranges {
		if name == last || last == "" {
			break
		}
		if k.bounds[name].Op != "=" {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	return invalid("RANGE key attributes %s must have equality conditions specified in the query because a condition is present on key attribute %s", commas(lacking), last)
}

// on gives the conditions to the attributes of the partition key, each of which needs an equality, and of the
// sort key: from its first on, without a gap, and only the last may be other than an equality.
func (k *keyCondition) on(d *table, hashes, ranges []string) (*keyed, error) {
	keys := len(hashes) + len(ranges)
	if n := len(k.bounds); n > keys {
		return nil, invalid("The number of query conditions (%d) exceeds the number of key attributes defined in the schema (%d)", n, keys)
	}
	if len(hashes) > 1 {
		if lacking := slices.DeleteFunc(slices.Clone(hashes), func(name string) bool { return k.bounds[name].Op == "=" }); len(lacking) > 0 {
			return nil, invalid("HASH key attributes %s must have equality conditions specified in the query", commas(lacking))
		}
	}
	missed := func(name string) error { return invalid("Query condition missed key schema element: %s", name) }
	unsupported := invalid("Query key condition not supported")
	out := &keyed{}
	for _, name := range hashes {
		h, ok := k.bounds[name]
		if !ok {
			return nil, missed(name)
		}
		if h.Op != "=" {
			return nil, unsupported
		}
		out.hash = append(out.hash, h.Low)
	}
	if err := k.gap(ranges); err != nil {
		return nil, err
	}
	var sorted []string // attributes of the sort key that have a condition
	left := len(k.bounds) - len(hashes)
	for _, name := range ranges {
		b, ok := k.bounds[name]
		if left == 0 {
			break
		}
		if !ok {
			return nil, missed(name)
		}
		if out.bound.Op != "" && out.bound.Op != "=" {
			return nil, unsupported
		}
		if out.bound.Op != "" {
			out.equal = append(out.equal, out.bound.Low)
		}
		out.bound, sorted = b, append(sorted, name)
		left--
	}
	if left > 0 {
		return nil, unsupported
	}
	names := append(slices.Clone(hashes), sorted...)
	for _, name := range names {
		b := k.bounds[name]
		for _, v := range []attr.Value{b.Low, b.High} {
			if v != nil && v.Type() != d.typeOf(name) {
				return nil, invalidValue("Condition parameter type does not match schema type")
			}
		}
	}
	for _, name := range names {
		b := k.bounds[name]
		if b.Op == "begins_with" {
			continue
		}
		for _, v := range []attr.Value{b.Low, b.High} {
			if kind := emptyKeyValue(v); v != nil && kind != "" && b.Op == "=" {
				return nil, invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, name)
			}
		}
	}
	if r := out.bound; r.Op == "begins_with" && r.Low.Type() == attr.TypeNumber {
		return nil, invalid("Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N")
	}
	return out, nil
}
