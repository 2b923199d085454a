package dynamodb

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// This file: the parameters that expressions replaced. They become the same conditions.

// arguments says whether a comparison takes so many values.
func arguments(op types.ComparisonOperator, n int) bool {
	switch op {
	case types.ComparisonOperatorNull, types.ComparisonOperatorNotNull:
		return n == 0
	case types.ComparisonOperatorBetween:
		return n == 2
	case types.ComparisonOperatorIn:
		return n > 0
	}
	return n == 1
}

func isSet(v attr.Value) bool {
	switch v.(type) {
	case attr.StringSet, attr.NumberSet, attr.BinarySet:
		return true
	}
	return false
}

// comparison makes the condition that an attribute compares to values.
func comparison(name string, op types.ComparisonOperator, list []types.AttributeValue) (expr.Node, error) {
	if err := largeName(name); err != nil {
		return nil, err
	}
	values := make([]attr.Value, len(list))
	for i, v := range list {
		x, err := fromSDK(v)
		if err != nil {
			return nil, err
		}
		values[i] = x
	}
	if !arguments(op, len(values)) {
		return nil, invalidValue("Invalid number of argument(s) for the %s ComparisonOperator", op)
	}
	path := expr.Operand{Path: expr.Path{{Name: name}}}
	lit := func(i int) expr.Operand { return expr.Operand{Value: values[i]} }
	for _, v := range values {
		ok := true
		switch op {
		case types.ComparisonOperatorLt, types.ComparisonOperatorLe, types.ComparisonOperatorGt, types.ComparisonOperatorGe, types.ComparisonOperatorBetween, types.ComparisonOperatorIn:
			t := v.Type()
			ok = t == attr.TypeString || t == attr.TypeNumber || t == attr.TypeBinary
		case types.ComparisonOperatorBeginsWith:
			t := v.Type()
			ok = t == attr.TypeString || t == attr.TypeBinary
		case types.ComparisonOperatorContains, types.ComparisonOperatorNotContains:
			t := v.Type()
			ok = !isSet(v) && t != attr.TypeList && t != attr.TypeMap
		}
		if !ok {
			return nil, invalidValue("ComparisonOperator %s is not valid for %s AttributeValue type", op, v.Type())
		}
	}
	switch op {
	case types.ComparisonOperatorEq:
		return expr.Compare{Op: "=", L: path, R: lit(0)}, nil
	case types.ComparisonOperatorNe:
		return expr.Compare{Op: "<>", L: path, R: lit(0)}, nil
	case types.ComparisonOperatorLt:
		return expr.Compare{Op: "<", L: path, R: lit(0)}, nil
	case types.ComparisonOperatorLe:
		return expr.Compare{Op: "<=", L: path, R: lit(0)}, nil
	case types.ComparisonOperatorGt:
		return expr.Compare{Op: ">", L: path, R: lit(0)}, nil
	case types.ComparisonOperatorGe:
		return expr.Compare{Op: ">=", L: path, R: lit(0)}, nil
	case types.ComparisonOperatorBetween:
		c, ok := attr.Compare(values[0], values[1])
		if !ok {
			return nil, invalidValue("AttributeValues inside AttributeValueList must be of same type")
		}
		if c > 0 {
			return nil, invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
		}
		return expr.Between{X: path, Low: lit(0), High: lit(1)}, nil
	case types.ComparisonOperatorIn:
		in := expr.In{X: path}
		for i := range values {
			if values[i].Type() != values[0].Type() {
				return nil, invalidValue("AttributeValues inside AttributeValueList must be of same type")
			}
			in.List = append(in.List, lit(i))
		}
		return in, nil
	case types.ComparisonOperatorBeginsWith:
		return expr.Call{Name: "begins_with", Args: []expr.Operand{path, lit(0)}}, nil
	case types.ComparisonOperatorContains:
		return expr.Call{Name: "contains", Args: []expr.Operand{path, lit(0)}}, nil
	case types.ComparisonOperatorNotContains:
		has := expr.Call{Name: "attribute_exists", Args: []expr.Operand{path}} // what is not there contains nothing and everything
		return expr.And{L: has, R: expr.Not{X: expr.Call{Name: "contains", Args: []expr.Operand{path, lit(0)}}}}, nil
	case types.ComparisonOperatorNull:
		return expr.Call{Name: "attribute_not_exists", Args: []expr.Operand{path}}, nil
	case types.ComparisonOperatorNotNull:
		return expr.Call{Name: "attribute_exists", Args: []expr.Operand{path}}, nil
	}
	return nil, invalidValue("Unknown ComparisonOperator: %s", op)
}

// joined is all conditions, or any of them.
func joined(nodes []expr.Node, operator types.ConditionalOperator) *expr.Condition {
	if len(nodes) == 0 {
		return nil
	}
	n := nodes[0]
	for _, m := range nodes[1:] {
		if operator == types.ConditionalOperatorOr {
			n = expr.Or{L: n, R: m}
		} else {
			n = expr.And{L: n, R: m}
		}
	}
	return &expr.Condition{Root: n}
}

func checkConditionalOperator(operator types.ConditionalOperator, n int) error {
	if operator == "" {
		return nil
	}
	if n == 0 {
		return invalid("ConditionalOperator cannot be used without Filter or Expected")
	}
	if n == 1 {
		return invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")
	}
	return nil
}

// expectedCondition reads Expected; nil for none.
func expectedCondition(expected map[string]types.ExpectedAttributeValue, operator types.ConditionalOperator) (condition, error) {
	var nodes []expr.Node
	for _, name := range sortedKeys(expected) {
		if err := largeName(name); err != nil {
			return nil, err
		}
		e := expected[name]
		path := expr.Operand{Path: expr.Path{{Name: name}}}
		if e.Value != nil && e.AttributeValueList != nil {
			return nil, invalidValue("Value and AttributeValueList cannot be used together for Attribute: %s", name)
		}
		if op := e.ComparisonOperator; op != "" {
			if e.Exists != nil {
				return nil, invalidValue("Exists and ComparisonOperator cannot be used together for Attribute: %s", name)
			}
			none := e.AttributeValueList == nil || len(e.AttributeValueList) == 0 && (op == types.ComparisonOperatorBetween || op == types.ComparisonOperatorIn)
			if none && e.Value == nil && !arguments(op, 0) {
				return nil, invalidValue("Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s", op, name)
			}
			list := e.AttributeValueList
			if e.Value != nil {
				list = []types.AttributeValue{e.Value}
			}
			n, err := comparison(name, e.ComparisonOperator, list)
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, n)
			continue
		}
		if e.AttributeValueList != nil {
			return nil, invalidValue("AttributeValueList can only be used with a ComparisonOperator for Attribute: %s", name)
		}
		if e.Exists != nil && !*e.Exists {
			if e.Value != nil {
				return nil, invalidValue("Value cannot be used when Exists is false for Attribute: %s", name)
			}
			nodes = append(nodes, expr.Call{Name: "attribute_not_exists", Args: []expr.Operand{path}})
			continue
		}
		if e.Value == nil {
			exists := "null"
			if e.Exists != nil {
				exists = "true"
			}
			return nil, invalidValue("Value must be provided when Exists is %s for Attribute: %s", exists, name)
		}
		v, err := fromSDK(e.Value)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, expr.Compare{Op: "=", L: path, R: expr.Operand{Value: v}})
	}
	if err := checkConditionalOperator(operator, len(expected)); err != nil {
		return nil, err
	}
	if c := joined(nodes, operator); c != nil {
		return c, nil
	}
	return nil, nil
}

// filterCondition reads ScanFilter or QueryFilter; nil for none.
func filterCondition(filter map[string]types.Condition, operator types.ConditionalOperator) (*expr.Condition, error) {
	var nodes []expr.Node
	for _, name := range sortedKeys(filter) {
		n, err := comparison(name, filter[name].ComparisonOperator, filter[name].AttributeValueList)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	if err := checkConditionalOperator(operator, len(filter)); err != nil {
		return nil, err
	}
	return joined(nodes, operator), nil
}

// attributeUpdates is AttributeUpdates.
type attributeUpdates struct {
	names  []string
	action map[string]types.AttributeAction
	value  attr.Item
}

func parseAttributeUpdates(in map[string]types.AttributeValueUpdate) (*attributeUpdates, error) {
	u := &attributeUpdates{names: sortedKeys(in), action: map[string]types.AttributeAction{}, value: attr.Item{}}
	for _, name := range u.names {
		if err := largeName(name); err != nil {
			return nil, err
		}
		a := in[name]
		if a.Action == "" {
			a.Action = types.AttributeActionPut
		}
		u.action[name] = a.Action
		if a.Value == nil {
			if a.Action != types.AttributeActionDelete {
				return nil, barely("Only DELETE action is allowed when no attribute value is specified")
			}
			continue
		}
		v, err := fromSDK(a.Value)
		if err != nil {
			return nil, err
		}
		if a.Action == types.AttributeActionDelete && !isSet(v) {
			return nil, barely("DELETE action with value is not supported for the type %s", v.Type())
		}
		if a.Action == types.AttributeActionAdd && !isSet(v) && v.Type() != attr.TypeNumber && v.Type() != attr.TypeList {
			return nil, barely("ADD action is not supported for the type %s", v.Type())
		}
		u.value[name] = v
	}
	return u, nil
}

// bareError is an error that no operation tells in the form of broken constraints.
type bareError struct{ error }

func (b bareError) Unwrap() error { return b.error }

func barely(format string, args ...any) error { return bareError{invalidValue(format, args...)} }

// OnlyRemoves reports whether the updates do nothing but delete.
func (u *attributeUpdates) OnlyRemoves() bool {
	return len(u.names) > 0 && !slices.ContainsFunc(u.names, func(n string) bool { return u.action[n] != types.AttributeActionDelete })
}

func (u *attributeUpdates) Paths() []expr.Path {
	var out []expr.Path
	for _, n := range u.names {
		out = append(out, expr.Path{{Name: n}})
	}
	return out
}

func (u *attributeUpdates) Apply(item attr.Item) (attr.Item, error) {
	out := maps.Clone(item)
	for _, name := range u.names {
		v, old := u.value[name], out[name]
		switch u.action[name] {
		case types.AttributeActionDelete:
			if v == nil {
				delete(out, name)
				continue
			}
			if old == nil {
				continue
			}
			rest, err := expr.Subtract(old, v)
			if err != nil {
				return nil, typeMismatch(old, v)
			}
			if rest == nil {
				delete(out, name)
			} else {
				out[name] = rest
			}
		case types.AttributeActionAdd:
			if l, ok := v.(attr.List); ok && old != nil {
				o, ok := old.(attr.List)
				if !ok {
					return nil, typeMismatch(old, v)
				}
				out[name] = slices.Concat(o, l)
				continue
			}
			sum, err := expr.Add(old, v)
			if err == expr.ErrOperandType {
				return nil, typeMismatch(old, v)
			}
			if err != nil {
				return nil, err
			}
			out[name] = sum
		default:
			out[name] = v
		}
	}
	return out, nil
}

func typeMismatch(old, v attr.Value) error {
	return invalid("Type mismatch for attribute to update")
}

func isTrue(b *bool) bool { return aws.ToBool(b) }

func commas(names []string) string { return strings.Join(names, ", ") }
