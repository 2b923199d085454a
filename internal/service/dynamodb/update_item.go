package dynamodb

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// update is what an UpdateItem does to an item.
type update interface {
	Apply(attr.Item) (attr.Item, error)
	// Paths are what it changes.
	Paths() []expr.Path
}

// keyUpdated refuses an update that changes a key.
func keyUpdated(d *table, u update) error {
	if u == nil {
		return nil
	}
	for _, p := range u.Paths() {
		if p.Attribute() == d.Hash || p.Attribute() == d.Range && d.Range != "" {
			return invalidValue("Cannot update attribute %s. This attribute is part of the key", p.Attribute())
		}
	}
	return nil
}

// decideUpdate is an Op's Decide that updates an item, or makes it of its key.
func decideUpdate(d *table, key attr.Item, u update, c condition, show bool) func(attr.Item) (attr.Item, error) {
	return func(old attr.Item) (attr.Item, error) {
		if c != nil && !c.Eval(old) {
			return nil, conditionFailed(old, show)
		}
		base := old
		if base == nil {
			if r, ok := u.(interface{ OnlyRemoves() bool }); ok && r.OnlyRemoves() {
				return nil, itemstore.ErrUnchanged
			}
			base = maps.Clone(key)
		}
		if u == nil {
			return base, nil
		}
		item, err := u.Apply(base)
		if err != nil {
			return nil, updateFailed(err)
		}
		changed := map[string]bool{}
		for _, p := range u.Paths() {
			changed[p.Attribute()] = true
		}
		if err := checkIndexKeys(d, item, changed); err != nil {
			return nil, err
		}
		for name := range changed {
			if v, ok := item[name]; ok && attr.Depth(v) > maxDepth {
				return nil, invalid(grownDeep)
			}
		}
		if attr.Size(item) > maxItem {
			return nil, invalid(tooLargeUpdate)
		}
		return item, nil
	}
}

// checkUpdateValues finds values of an update, before it is done, that an index's key
// cannot have.
func checkUpdateValues(d *table, u update) error {
	x, ok := u.(*expr.Update)
	if !ok {
		return nil
	}
	values := x.Literals()
	set := map[string]bool{}
	for name := range values {
		set[name] = true
	}
	return checkIndexKeys(d, values, set)
}

const tooLargeUpdate = "Item size to update has exceeded the maximum allowed size"

// UpdateItem changes an item, or makes it.
func (s *Service) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if _, err := nameOf(ctx, in.TableName); err != nil {
		return nil, err
	}
	key, err := itemFromSDK(in.Key)
	if err != nil {
		return nil, writeWords.key(err)
	}
	item, u, t, err := s.updateItem(ctx, in, key)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.UpdateItemOutput{Attributes: itemToSDK(item), ConsumedCapacity: u.consumed(t.table, in.ReturnConsumedCapacity, false)}
	out.ItemCollectionMetrics, err = s.collection(t, key, in.ReturnItemCollectionMetrics)
	return out, err
}

// readUpdate reads an UpdateItem request up to its update and its condition; nil for none.
func readUpdate(in *dynamodb.UpdateItemInput) (update, condition, error) {
	var p parameters
	p.old("AttributeUpdates", in.AttributeUpdates != nil)
	p.old("Expected", in.Expected != nil)
	p.old("ConditionalOperator", in.ConditionalOperator != "")
	p.new("UpdateExpression", in.UpdateExpression != nil)
	p.new("ConditionExpression", in.ConditionExpression != nil)
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	params, err := expressionParams(writeWords, in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.UpdateExpression, in.ConditionExpression)
	if err != nil {
		return nil, nil, err
	}
	var u update
	if in.UpdateExpression != nil {
		x, err := expr.ParseUpdate(*in.UpdateExpression, params)
		if err != nil {
			return nil, nil, expression("UpdateExpression", err)
		}
		u = x
	} else if in.AttributeUpdates != nil {
		x, err := parseAttributeUpdates(in.AttributeUpdates)
		if err != nil {
			return nil, nil, err
		}
		u = x
	}
	cond, err := parseCondition(in.ConditionExpression, params, in.Expected, in.ConditionalOperator)
	if err != nil {
		return nil, nil, err
	}
	return u, cond, unused(params)
}

// updateItem is UpdateItem with the key read; it does not look at in.Key. item is what
// ReturnValues asks for.
func (s *Service) updateItem(ctx context.Context, in *dynamodb.UpdateItemInput, key attr.Item) (item attr.Item, used *usage, t *openTable, err error) {
	name, err := nameOf(ctx, in.TableName)
	if err != nil {
		return nil, nil, nil, err
	}
	u, cond, err := readUpdate(in)
	if err != nil {
		return nil, nil, nil, writeWords.wrap(err)
	}
	if t, err = s.usable(ctx, name); err != nil {
		return nil, nil, nil, err
	}
	if err := checkKey(t.table, key); err != nil {
		return nil, nil, nil, err
	}
	if err := keyUpdated(t.table, u); err != nil {
		return nil, nil, nil, err
	}
	if u != nil {
		if err := scalarKeys(t.table, u.Paths()); err != nil {
			return nil, nil, nil, err
		}
	}
	if err := checkUpdateValues(t.table, u); err != nil {
		return nil, nil, nil, err
	}
	if x, ok := u.(*expr.Update); ok && x.Charge() > maxItem {
		return nil, nil, nil, invalid(tooLargeUpdate)
	}
	r, used, err := s.writeOne(t, itemstore.Op{
		Table: t.items, Key: key, Decide: decideUpdate(t.table, key, u, cond, showOld(in.ReturnValuesOnConditionCheckFailure)),
	})
	if err != nil {
		return nil, nil, nil, err
	}
	used.as = aws.ToString(in.TableName)
	return returned(in.ReturnValues, u, r), used, t, nil
}

// returned is what an update answers by ReturnValues; nil for nothing.
func returned(how types.ReturnValue, u update, r *itemstore.Result) attr.Item {
	switch how {
	case types.ReturnValueAllOld:
		return r.Old
	case types.ReturnValueAllNew:
		return r.New
	case types.ReturnValueUpdatedOld, types.ReturnValueUpdatedNew:
		if u == nil {
			return nil
		}
		from := r.New
		if how == types.ReturnValueUpdatedOld {
			from = r.Old
		}
		paths := u.Paths()
		if len(paths) == 0 || from == nil {
			return nil
		}
		out := (&expr.Projection{Paths: paths}).Of(from)
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return nil
}
