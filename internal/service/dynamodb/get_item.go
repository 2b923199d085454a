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

// readProjection reads a GetItem request up to its projection, nil for none.
func readProjection(in *dynamodb.GetItemInput) (*expr.Projection, error) {
	if in.ProjectionExpression == nil && in.AttributesToGet == nil && in.ExpressionAttributeNames == nil {
		return nil, nil
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
	return projection, unused(params)
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
	projection, err := readProjection(in)
	if err != nil {
		return nil, err
	}
	t, err := s.usable(ctx, name)
	if err != nil {
		return nil, err
	}
	b, found, u, err := s.get(t, in, key, projection)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.GetItemOutput{ConsumedCapacity: u.consumed(t.table, in.ReturnConsumedCapacity, false)}
	if found {
		item, err := attr.ParseItem(b)
		if err != nil {
			return nil, err
		}
		out.Item = itemToSDK(projection.Of(item))
	}
	return out, nil
}

// get checks a key and reads the stored form of its item. It does not look at in.Key.
func (s *Service) get(t *openTable, in *dynamodb.GetItemInput, key attr.Item, projection *expr.Projection) (stored []byte, found bool, u *usage, err error) {
	if err := scalarKeys(t.table, pathsIn(projection)); err != nil {
		return nil, false, nil, err
	}
	if err := checkKey(t.table, key); err != nil {
		return nil, false, nil, err
	}
	if err := s.admit(demand{table: t.table, hash: key[t.Hash]}); err != nil {
		return nil, false, nil, err
	}
	if stored, found, err = t.items.Get(key); err != nil {
		return nil, false, nil, storeError(err)
	}
	size := 0
	if found {
		if size, err = attr.StoredSize(stored); err != nil {
			return nil, false, nil, err
		}
	}
	u = &usage{hash: key[t.Hash], as: aws.ToString(in.TableName)}
	u.add("", readUnits(size, isTrue(in.ConsistentRead)))
	s.spend(t.table, u)
	return stored, found, u, nil
}
