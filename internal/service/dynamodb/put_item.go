package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// This file: PutItem and DeleteItem.

// condition is what an item must satisfy for a write.
type condition interface{ Eval(attr.Item) bool }

// parseCondition reads the condition of a write, of either kind; nil for none.
func parseCondition(text *string, params *expr.Params, expected map[string]types.ExpectedAttributeValue, operator types.ConditionalOperator) (condition, error) {
	if text != nil {
		c, err := expr.ParseCondition(*text, params)
		if err != nil {
			return nil, expression("ConditionExpression", err)
		}
		return c, nil
	}
	return expectedCondition(expected, operator)
}

// conditionFailed is the error of a condition that does not hold.
func conditionFailed(old attr.Item, show bool) error {
	err := &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed")}
	if show && old != nil {
		err.Item = itemToSDK(old)
	}
	return err
}

// decidePut is an Op's Decide that puts an item if the condition holds.
func decidePut(item attr.Item, c condition, show bool) func(attr.Item) (attr.Item, error) {
	return func(old attr.Item) (attr.Item, error) {
		if c != nil && !c.Eval(old) {
			return nil, conditionFailed(old, show)
		}
		return item, nil
	}
}

// decideDelete is an Op's Decide that deletes the item if the condition holds.
func decideDelete(c condition, show bool) func(attr.Item) (attr.Item, error) {
	return func(old attr.Item) (attr.Item, error) {
		if c != nil && !c.Eval(old) {
			return nil, conditionFailed(old, show)
		}
		return nil, nil
	}
}

// writeOne does one operation on an item, and accounts for it.
func (s *Service) writeOne(t *openTable, op itemstore.Op) (*itemstore.Result, *usage, error) {
	if err := s.admit(demand{table: t.table, write: true, hash: op.Key[t.Hash]}); err != nil {
		return nil, nil, err
	}
	results, err := s.cfg.Items.Write([]itemstore.Op{op}, itemstore.WriteOptions{})
	if len(results) > 0 && results[0].Err != nil {
		return nil, nil, results[0].Err
	}
	if err != nil {
		return nil, nil, storeError(err)
	}
	u := &usage{hash: op.Key[t.Hash]}
	u.wrote(t.table, &results[0], 1)
	s.spend(t.table, u)
	return &results[0], u, nil
}

// sized says whether a write must know the size of what it replaces: the units that it
// takes are told or limited.
func (s *Service) sized(how types.ReturnConsumedCapacity) bool {
	return s.cfg.EnforceLimits || how != "" && how != types.ReturnConsumedCapacityNone
}

func itemTooLarge(item attr.Item) error {
	if attr.Size(item) > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return nil
}

// PutItem puts an item in place of one with its key.
func (s *Service) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if _, err := nameOf(ctx, in.TableName); err != nil {
		return nil, err
	}
	item, err := itemFromSDK(in.Item)
	if err != nil {
		return nil, writeWords.wrap(err)
	}
	r, u, t, err := s.putItem(ctx, in, item)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.PutItemOutput{ConsumedCapacity: u.consumed(t.table, in.ReturnConsumedCapacity, false)}
	if in.ReturnValues == types.ReturnValueAllOld {
		out.Attributes = itemToSDK(r.Old)
	}
	out.ItemCollectionMetrics, err = s.collection(t, item, in.ReturnItemCollectionMetrics)
	return out, err
}

const oldOrNone = "ReturnValues can only be ALL_OLD or NONE"

// readPut reads a PutItem request up to its condition, nil for none.
func readPut(in *dynamodb.PutItemInput) (condition, error) {
	var p parameters
	p.old("Expected", in.Expected != nil)
	p.old("ConditionalOperator", in.ConditionalOperator != "")
	p.new("ConditionExpression", in.ConditionExpression != nil)
	if err := p.check(); err != nil {
		return nil, err
	}
	if rv := in.ReturnValues; in.ConditionExpression == nil && in.ExpressionAttributeNames == nil && in.ExpressionAttributeValues == nil && in.Expected == nil && in.ConditionalOperator == "" && (rv == "" || rv == types.ReturnValueNone) {
		return nil, nil // most puts
	}
	params, err := expressionParams(writeWords, in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.ConditionExpression)
	if err != nil {
		return nil, err
	}
	if rv := in.ReturnValues; rv != "" && rv != types.ReturnValueNone && rv != types.ReturnValueAllOld {
		return nil, invalid(oldOrNone)
	}
	cond, err := parseCondition(in.ConditionExpression, params, in.Expected, in.ConditionalOperator)
	if err != nil {
		return nil, err
	}
	return cond, unused(params)
}

// putItem is PutItem with the item read; it does not look at in.Item.
func (s *Service) putItem(ctx context.Context, in *dynamodb.PutItemInput, item attr.Item) (*itemstore.Result, *usage, *openTable, error) {
	name, err := nameOf(ctx, in.TableName)
	if err != nil {
		return nil, nil, nil, err
	}
	cond, err := readPut(in)
	if err != nil {
		return nil, nil, nil, writeWords.wrap(err)
	}
	if err := itemTooLarge(item); err != nil {
		return nil, nil, nil, err
	}
	t, err := s.usable(ctx, name)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := checkItem(t.table, item); err != nil {
		return nil, nil, nil, err
	}
	r, u, err := s.writeOne(t, itemstore.Op{
		Table: t.items, Key: item, Decide: decidePut(item, cond, showOld(in.ReturnValuesOnConditionCheckFailure)),
		Blind: cond == nil && in.ReturnValues != types.ReturnValueAllOld, Sized: s.sized(in.ReturnConsumedCapacity),
	})
	if err != nil {
		return nil, nil, nil, err
	}
	u.as = aws.ToString(in.TableName)
	return r, u, t, nil
}

func showOld(how types.ReturnValuesOnConditionCheckFailure) bool {
	return how == types.ReturnValuesOnConditionCheckFailureAllOld
}

// readDelete reads a DeleteItem request up to its condition, nil for none.
func readDelete(in *dynamodb.DeleteItemInput) (condition, error) {
	var p parameters
	p.old("Expected", in.Expected != nil)
	p.old("ConditionalOperator", in.ConditionalOperator != "")
	p.new("ConditionExpression", in.ConditionExpression != nil)
	if err := p.check(); err != nil {
		return nil, err
	}
	words := writeWords
	words.named = true
	params, err := expressionParams(words, in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.ConditionExpression)
	if err != nil {
		return nil, err
	}
	if rv := in.ReturnValues; rv != "" && rv != types.ReturnValueNone && rv != types.ReturnValueAllOld {
		return nil, invalid(oldOrNone)
	}
	cond, err := parseCondition(in.ConditionExpression, params, in.Expected, in.ConditionalOperator)
	if err != nil {
		return nil, err
	}
	return cond, unused(params)
}

// DeleteItem deletes an item.
func (s *Service) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	name, err := nameOf(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	key, err := itemFromSDK(in.Key)
	if err != nil {
		return nil, writeWords.key(err)
	}
	cond, err := readDelete(in)
	if err != nil {
		return nil, writeWords.wrap(err)
	}
	t, err := s.usable(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := checkKey(t.table, key); err != nil {
		return nil, err
	}
	r, u, err := s.writeOne(t, itemstore.Op{
		Table: t.items, Key: key, Decide: decideDelete(cond, showOld(in.ReturnValuesOnConditionCheckFailure)),
		Blind: cond == nil && in.ReturnValues != types.ReturnValueAllOld,
	})
	if err != nil {
		return nil, err
	}
	u.as = aws.ToString(in.TableName)
	out := &dynamodb.DeleteItemOutput{ConsumedCapacity: u.consumed(t.table, in.ReturnConsumedCapacity, false)}
	if in.ReturnValues == types.ReturnValueAllOld {
		out.Attributes = itemToSDK(r.Old)
	}
	out.ItemCollectionMetrics, err = s.collection(t, key, in.ReturnItemCollectionMetrics)
	return out, err
}

// collection is the size of the items of one partition key, of a table with local indexes.
func (s *Service) collection(t *openTable, key attr.Item, how types.ReturnItemCollectionMetrics) (*types.ItemCollectionMetrics, error) {
	if how != types.ReturnItemCollectionMetricsSize || !t.hasLocal() {
		return nil, nil
	}
	size := 0
	ids := []uint16{0}
	for _, x := range t.Indexes {
		if x.Local {
			ids = append(ids, x.ID)
		}
	}
	for _, id := range ids {
		err := t.items.Each(context.Background(), t.items.Query(id, key[t.Hash], itemstore.Bound{}, false), func(b []byte) (bool, error) {
			n, err := attr.StoredSize(b)
			size += n
			return true, err
		})
		if err != nil {
			return nil, err
		}
	}
	gb := float64(size >> 30)
	return &types.ItemCollectionMetrics{
		ItemCollectionKey:   itemToSDK(attr.Item{t.Hash: key[t.Hash]}),
		SizeEstimateRangeGB: []float64{gb, gb + 1},
	}, nil
}
