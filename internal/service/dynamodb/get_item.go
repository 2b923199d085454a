package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// parseProjection reads a projection of either kind; nil for none.
func parseProjection(text *string, params *expr.Params, attributes []string) (*expr.Projection, error) {
	if text != nil {
		p, err := expr.ParseProjection(*text, params)
		if err != nil {
			return nil, expression("ProjectionExpression", err)
		}
		return p, nil
	}
	if attributes == nil {
		return nil, nil
	}
	seen := map[string]bool{}
	for _, a := range attributes {
		if wrong := wrongName(a); wrong != "" {
			return nil, invalid("%s", wrong)
		}
		if seen[a] {
			return nil, invalidValue("Duplicate value in attribute name: %s", a)
		}
		seen[a] = true
	}
	return expr.Attributes(attributes), nil
}

// GetItem reads an item.
func (s *Service) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	name, err := nameOf(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	key, err := itemFromSDK(in.Key)
	if err != nil {
		return nil, err
	}
	var p parameters
	p.old("AttributesToGet", in.AttributesToGet != nil)
	p.new("ProjectionExpression", in.ProjectionExpression != nil)
	if err := p.check(); err != nil {
		return nil, err
	}
	params, err := expressionParams(readWords, in.ExpressionAttributeNames, nil, in.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	projection, err := parseProjection(in.ProjectionExpression, params, in.AttributesToGet)
	if err != nil {
		return nil, err
	}
	if err := unused(params); err != nil {
		return nil, err
	}
	t, err := s.usable(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := scalarKeys(t.table, pathsIn(projection)); err != nil {
		return nil, err
	}
	if err := checkKey(t.table, key); err != nil {
		return nil, err
	}
	if err := s.admit(demand{table: t.table, hash: key[t.Hash]}); err != nil {
		return nil, err
	}
	b, found, err := t.items.Get(nil, key)
	if err != nil {
		return nil, storeError(err)
	}
	u := &usage{hash: key[t.Hash]}
	out := &dynamodb.GetItemOutput{}
	size := 0
	if found {
		item, err := attr.ParseItem(b)
		if err != nil {
			return nil, err
		}
		size = attr.Size(item)
		out.Item = itemToSDK(projection.Of(item))
	}
	u.add("", readUnits(size, aws.ToBool(in.ConsistentRead)))
	s.spend(t.table, u)
	out.ConsumedCapacity = u.consumed(t.table, in.ReturnConsumedCapacity, false)
	return out, nil
}
