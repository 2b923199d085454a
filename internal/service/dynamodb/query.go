package dynamodb

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// This file: Query and Scan.

func itoa(n int) string { return strconv.Itoa(n) }

// parseFilter reads the filter of either kind; nil for none.
func parseFilter(text *string, params *expr.Params, old map[string]types.Condition, operator types.ConditionalOperator) (*expr.Condition, error) {
	if text != nil {
		c, err := expr.ParseCondition(*text, params)
		if err != nil {
			return nil, expression("FilterExpression", err)
		}
		return c, nil
	}
	return filterCondition(old, operator)
}

// query reads a Query request up to the page that it asks for.
func (s *Service) query(ctx context.Context, in *dynamodb.QueryInput) (*page, error) {
	name, err := nameOf(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	var p parameters
	p.old("AttributesToGet", in.AttributesToGet != nil)
	p.old("QueryFilter", in.QueryFilter != nil)
	p.old("ConditionalOperator", in.ConditionalOperator != "")
	p.old("KeyConditions", in.KeyConditions != nil && in.KeyConditionExpression != nil) // AWS takes them beside other expressions
	p.new("ProjectionExpression", in.ProjectionExpression != nil)
	p.new("FilterExpression", in.FilterExpression != nil)
	p.new("KeyConditionExpression", in.KeyConditionExpression != nil)
	if err := p.check(); err != nil {
		return nil, err
	}
	params, err := expressionParams(queryWords, in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.KeyConditionExpression, in.FilterExpression, in.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	if in.KeyConditionExpression == nil && len(in.KeyConditions) == 0 {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err := checkSelect(in.Select, in.IndexName, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	filter, err := parseFilter(in.FilterExpression, params, in.QueryFilter, in.ConditionalOperator)
	if err != nil {
		return nil, err
	}
	projection, err := parseProjection(in.ProjectionExpression, params, in.AttributesToGet)
	if err != nil {
		return nil, err
	}
	var keys *keyCondition
	if in.KeyConditionExpression != nil {
		keys, err = parseKeyCondition(*in.KeyConditionExpression, params)
	} else {
		keys, err = parseKeyConditions(in.KeyConditions)
	}
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
	pg := &page{t: t, filter: filter, projection: projection, used: usage{as: aws.ToString(in.TableName)}}
	if err := pg.choose(reading{
		index: in.IndexName, sel: in.Select, consistent: in.ConsistentRead, limit: in.Limit,
		filterPaths: pathsOf(filter), projectedPaths: pathsIn(projection),
	}, "Query"); err != nil {
		return nil, err
	}
	hashes, ranges, id := []string{t.Hash}, sortKey(t.Range), uint16(0)
	if pg.index != nil {
		hashes, ranges, id = pg.index.hashes(), pg.index.ranges(), pg.index.ID
	}
	on, err := keys.on(t.table, hashes, ranges)
	if err != nil {
		return nil, err
	}
	if err := scalarKeys(t.table, pathsIn(projection)); err != nil {
		return nil, err
	}
	for _, path := range pathsOf(filter) {
		if a := path.Attribute(); slices.Contains(hashes, a) || slices.Contains(ranges, a) {
			kind := "Filter Expression"
			if in.FilterExpression == nil {
				kind = "QueryFilter"
			}
			return nil, invalid("%s can only contain non-primary key attributes: Primary key attribute: %s", kind, a)
		}
	}
	if err := scalarKeys(t.table, pathsOf(filter)); err != nil {
		return nil, err
	}
	pg.items = t.items.QueryKeys(id, on.hash, on.equal, on.bound, in.ScanIndexForward != nil && !*in.ScanIndexForward)
	if err := pg.from(in.ExclusiveStartKey, "ExclusiveStartKey"); err != nil {
		return nil, err
	}
	if in.ExclusiveStartKey != nil {
		for i, name := range ranges {
			if v, err := fromSDK(in.ExclusiveStartKey[name]); err == nil && !on.holds(i, v) {
				return nil, invalid("The provided starting key does not match the range key predicate")
			}
		}
		for i, name := range hashes {
			if v, err := fromSDK(in.ExclusiveStartKey[name]); err != nil || !attr.Equal(v, on.hash[i]) {
				return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
			}
		}
	}
	if pg.index == nil {
		pg.used.hash = on.hash[0]
	}
	return pg, s.admit(demand{table: t.table, index: indexName(pg.index), hash: pg.used.hash})
}

func indexName(x *index) string {
	if x == nil || x.Local {
		return ""
	}
	return x.Name
}

// Query reads items of one partition key.
func (s *Service) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	p, err := s.query(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.QueryOutput{}
	if !p.count {
		p.collect(&out.Items)
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	s.spend(p.t.table, &p.used)
	out.Count, out.ScannedCount = int32(p.found), int32(p.scanned)
	out.LastEvaluatedKey = itemToSDK(p.last)
	out.ConsumedCapacity = p.used.consumed(p.t.table, in.ReturnConsumedCapacity, false)
	return out, nil
}

// scan reads a Scan request up to the page that it asks for.
func (s *Service) scan(ctx context.Context, in *dynamodb.ScanInput) (*page, error) {
	name, err := nameOf(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	var p parameters
	p.old("AttributesToGet", in.AttributesToGet != nil)
	p.old("ScanFilter", in.ScanFilter != nil)
	p.old("ConditionalOperator", in.ConditionalOperator != "")
	p.new("ProjectionExpression", in.ProjectionExpression != nil)
	p.new("FilterExpression", in.FilterExpression != nil)
	if err := p.check(); err != nil {
		return nil, err
	}
	params, err := expressionParams(scanWords, in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.FilterExpression, in.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	segment, of := 0, 1
	switch {
	case in.TotalSegments != nil && in.Segment == nil:
		return nil, invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case in.Segment != nil && in.TotalSegments == nil:
		return nil, invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment != nil:
		segment, of = int(*in.Segment), int(*in.TotalSegments)
		if segment >= of {
			return nil, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments")
		}
		if segment < 0 || of > maxSegments {
			return nil, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments")
		}
	}
	if err := checkSelect(in.Select, in.IndexName, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	if in.FilterExpression != nil && len(*in.FilterExpression) > expr.MaxSize {
		_, err := expr.ParseCondition(*in.FilterExpression, params)
		return nil, sizedExpression("FilterExpression", err)
	}
	filter, err := parseFilter(in.FilterExpression, params, in.ScanFilter, in.ConditionalOperator)
	if err != nil {
		return nil, scanWords.wrap(err)
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
	pg := &page{t: t, filter: filter, projection: projection, used: usage{as: aws.ToString(in.TableName)}}
	if err := pg.choose(reading{
		index: in.IndexName, sel: in.Select, consistent: in.ConsistentRead, limit: in.Limit,
		filterPaths: pathsOf(filter), projectedPaths: pathsIn(projection),
	}, "Scan"); err != nil {
		return nil, err
	}
	id, hashes := uint16(0), []string{t.Hash}
	if pg.index != nil {
		id, hashes = pg.index.ID, pg.index.hashes()
	}
	if err := scalarKeys(t.table, slices.Concat(pathsIn(projection), pathsOf(filter))); err != nil {
		return nil, err
	}
	pg.items = t.items.Scan(id, segment, of)
	if err := pg.from(in.ExclusiveStartKey, "ExclusiveStartKey"); err != nil {
		return nil, scanWords.wrap(err)
	}
	if in.ExclusiveStartKey != nil && of > 1 {
		values := make([]attr.Value, len(hashes))
		for i, name := range hashes {
			if values[i], err = fromSDK(in.ExclusiveStartKey[name]); err != nil {
				return nil, scanWords.wrap(err)
			}
		}
		if !itemstore.InSegment(segment, of, values...) {
			return nil, invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d", of, segment)
		}
	}
	return pg, s.admit(demand{table: t.table, index: indexName(pg.index)})
}

// Scan reads the items of a table or index, or of a segment of it.
func (s *Service) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	p, err := s.scan(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.ScanOutput{}
	if !p.count {
		p.collect(&out.Items)
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	s.spend(p.t.table, &p.used)
	out.Count, out.ScannedCount = int32(p.found), int32(p.scanned)
	out.LastEvaluatedKey = itemToSDK(p.last)
	out.ConsumedCapacity = p.used.consumed(p.t.table, in.ReturnConsumedCapacity, false)
	return out, nil
}
