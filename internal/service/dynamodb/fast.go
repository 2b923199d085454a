package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/scan"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// This file: the fast paths of the hottest operations. Each reads the request's JSON into
// the SDK's input, items apart, and answers from stored items without the SDK's values in
// between. One that is given a member it does not know, or anything that is not as it
// should be, leaves the request to the generic codec.

// reader reads the members of one operation's request.
type reader interface {
	// member reads the value of a member; false gives the request up.
	member(d *scanner, name []byte) bool
	// table is the table that the request names, index the index of it; nil for none.
	table() string
	index() *string
	// serve does the call; handled is false to leave it to the generic codec after all.
	serve(ctx context.Context, s *Service, dst []byte) (out []byte, handled bool, err error)
}

type fastCall struct {
	s *Service
	r reader
}

func (c *fastCall) Resource(caller awswire.Caller) string {
	if r := resource(caller, aws.String(c.r.table()), c.r.index()); len(r) > 0 {
		return r[0]
	}
	return ""
}

func (c *fastCall) Serve(ctx context.Context, dst []byte) ([]byte, bool, error) {
	return c.r.serve(ctx, c.s, dst)
}

func (c *fastCall) Free() {}

func (s *Service) fast(make func() reader) awswire.FastPath {
	return func(p awswire.Protocol, body []byte) (awswire.FastCall, bool) {
		if p != awswire.JSON10 && p != awswire.JSON11 {
			return nil, false
		}
		d := &scanner{JSON: scan.JSON{Data: body}}
		r := make()
		if !d.object(func(name []byte) bool { return r.member(d, name) }) || !d.End() || r.table() == "" {
			return nil, false
		}
		return &fastCall{s, r}, true
	}
}

// onTableItself is a reader of requests that name no index.
type onTableItself struct{}

func (onTableItself) index() *string { return nil }

type fastPut struct {
	onTableItself
	in   dynamodb.PutItemInput
	item attr.Item
}

func (s *Service) fastPut() reader { return &fastPut{} }

func (r *fastPut) table() string { return aws.ToString(r.in.TableName) }

func (r *fastPut) member(d *scanner, name []byte) (ok bool) {
	switch string(name) {
	case "TableName":
		return d.text(&r.in.TableName)
	case "Item":
		r.item, ok = d.item()
		return ok
	case "ConditionExpression":
		return d.text(&r.in.ConditionExpression)
	case "ExpressionAttributeNames":
		return d.names(&r.in.ExpressionAttributeNames)
	case "ExpressionAttributeValues":
		return d.values(&r.in.ExpressionAttributeValues)
	case "ReturnValues":
		return enum(d, &r.in.ReturnValues, types.ReturnValueNone, types.ReturnValueAllOld)
	case "ReturnConsumedCapacity":
		return d.consumed(&r.in.ReturnConsumedCapacity)
	}
	return false
}

func (r *fastPut) serve(ctx context.Context, s *Service, dst []byte) ([]byte, bool, error) {
	if r.item == nil {
		return dst, false, nil
	}
	res, u, t, err := s.putItem(ctx, &r.in, r.item)
	if err != nil {
		return dst, true, err
	}
	var old attr.Item
	if r.in.ReturnValues == types.ReturnValueAllOld {
		old = res.Old
	}
	return appendAttributes(dst, old, u.consumed(t.table, r.in.ReturnConsumedCapacity, false)), true, nil
}

// appendAttributes appends the answer of a write.
func appendAttributes(dst []byte, item attr.Item, c *types.ConsumedCapacity) []byte {
	dst = append(dst, '{')
	if item != nil {
		dst = attr.AppendJSON(append(dst, `"Attributes":`...), item)
	}
	return append(appendConsumed(dst, c), '}')
}

type fastGet struct {
	onTableItself
	in  dynamodb.GetItemInput
	key attr.Item
}

func (s *Service) fastGet() reader { return &fastGet{} }

func (r *fastGet) table() string { return aws.ToString(r.in.TableName) }

func (r *fastGet) member(d *scanner, name []byte) (ok bool) {
	switch string(name) {
	case "TableName":
		return d.text(&r.in.TableName)
	case "Key":
		r.key, ok = d.item()
		return ok
	case "ConsistentRead":
		return d.boolean(&r.in.ConsistentRead)
	case "ProjectionExpression":
		return d.text(&r.in.ProjectionExpression)
	case "ExpressionAttributeNames":
		return d.names(&r.in.ExpressionAttributeNames)
	case "ReturnConsumedCapacity":
		return d.consumed(&r.in.ReturnConsumedCapacity)
	}
	return false
}

func (r *fastGet) serve(ctx context.Context, s *Service, dst []byte) ([]byte, bool, error) {
	if r.key == nil {
		return dst, false, nil
	}
	name, err := nameOf(ctx, r.in.TableName)
	if err != nil {
		return dst, true, err
	}
	projection, err := readProjection(&r.in)
	if err != nil {
		return dst, true, err
	}
	t, err := s.usable(ctx, name)
	if err != nil {
		return dst, true, err
	}
	b, found, u, err := s.get(t, &r.in, r.key, projection)
	if err != nil {
		return dst, true, err
	}
	dst = append(dst, '{')
	if found {
		dst = append(dst, `"Item":`...)
		if projection == nil {
			dst, err = attr.AppendStoredJSON(dst, b)
		} else {
			dst, err = appendProjected(dst, projection, b)
		}
		if err != nil {
			return dst, true, err
		}
	}
	return append(appendConsumed(dst, u.consumed(t.table, r.in.ReturnConsumedCapacity, false)), '}'), true, nil
}

func appendProjected(dst []byte, p *expr.Projection, stored []byte) ([]byte, error) {
	item, err := attr.ParseItem(stored)
	if err != nil {
		return dst, err
	}
	return attr.AppendJSON(dst, p.Of(item)), nil
}

type fastUpdate struct {
	onTableItself
	in  dynamodb.UpdateItemInput
	key attr.Item
}

func (s *Service) fastUpdate() reader { return &fastUpdate{} }

func (r *fastUpdate) table() string { return aws.ToString(r.in.TableName) }

func (r *fastUpdate) member(d *scanner, name []byte) (ok bool) {
	switch string(name) {
	case "TableName":
		return d.text(&r.in.TableName)
	case "Key":
		r.key, ok = d.item()
		return ok
	case "UpdateExpression":
		return d.text(&r.in.UpdateExpression)
	case "ConditionExpression":
		return d.text(&r.in.ConditionExpression)
	case "ExpressionAttributeNames":
		return d.names(&r.in.ExpressionAttributeNames)
	case "ExpressionAttributeValues":
		return d.values(&r.in.ExpressionAttributeValues)
	case "ReturnValues":
		return enum(d, &r.in.ReturnValues, types.ReturnValueNone, types.ReturnValueAllOld, types.ReturnValueAllNew, types.ReturnValueUpdatedOld, types.ReturnValueUpdatedNew)
	case "ReturnConsumedCapacity":
		return d.consumed(&r.in.ReturnConsumedCapacity)
	}
	return false
}

func (r *fastUpdate) serve(ctx context.Context, s *Service, dst []byte) ([]byte, bool, error) {
	if r.key == nil {
		return dst, false, nil
	}
	item, u, t, err := s.updateItem(ctx, &r.in, r.key)
	if err != nil {
		return dst, true, err
	}
	return appendAttributes(dst, item, u.consumed(t.table, r.in.ReturnConsumedCapacity, false)), true, nil
}

type fastQuery struct{ in dynamodb.QueryInput }

func (s *Service) fastQuery() reader { return &fastQuery{} }

func (r *fastQuery) table() string { return aws.ToString(r.in.TableName) }

func (r *fastQuery) index() *string { return r.in.IndexName }

func (r *fastQuery) member(d *scanner, name []byte) bool {
	switch string(name) {
	case "TableName":
		return d.text(&r.in.TableName)
	case "IndexName":
		return d.text(&r.in.IndexName)
	case "KeyConditionExpression":
		return d.text(&r.in.KeyConditionExpression)
	case "FilterExpression":
		return d.text(&r.in.FilterExpression)
	case "ProjectionExpression":
		return d.text(&r.in.ProjectionExpression)
	case "ExpressionAttributeNames":
		return d.names(&r.in.ExpressionAttributeNames)
	case "ExpressionAttributeValues":
		return d.values(&r.in.ExpressionAttributeValues)
	case "ExclusiveStartKey":
		return d.values(&r.in.ExclusiveStartKey)
	case "Limit":
		return d.integer(&r.in.Limit)
	case "ConsistentRead":
		return d.boolean(&r.in.ConsistentRead)
	case "ScanIndexForward":
		return d.boolean(&r.in.ScanIndexForward)
	case "Select":
		return enum(d, &r.in.Select, types.Select("").Values()...)
	case "ReturnConsumedCapacity":
		return d.consumed(&r.in.ReturnConsumedCapacity)
	}
	return false
}

func (r *fastQuery) serve(ctx context.Context, s *Service, dst []byte) ([]byte, bool, error) {
	if r.in.Limit != nil && *r.in.Limit < 1 {
		return dst, false, nil
	}
	p, err := s.query(ctx, &r.in)
	if err != nil {
		return dst, true, err
	}
	dst, err = s.appendPage(ctx, p, r.in.ReturnConsumedCapacity, dst)
	return dst, true, err
}

type fastScan struct{ in dynamodb.ScanInput }

func (s *Service) fastScan() reader { return &fastScan{} }

func (r *fastScan) table() string { return aws.ToString(r.in.TableName) }

func (r *fastScan) index() *string { return r.in.IndexName }

func (r *fastScan) member(d *scanner, name []byte) bool {
	switch string(name) {
	case "TableName":
		return d.text(&r.in.TableName)
	case "IndexName":
		return d.text(&r.in.IndexName)
	case "FilterExpression":
		return d.text(&r.in.FilterExpression)
	case "ProjectionExpression":
		return d.text(&r.in.ProjectionExpression)
	case "ExpressionAttributeNames":
		return d.names(&r.in.ExpressionAttributeNames)
	case "ExpressionAttributeValues":
		return d.values(&r.in.ExpressionAttributeValues)
	case "ExclusiveStartKey":
		return d.values(&r.in.ExclusiveStartKey)
	case "Limit":
		return d.integer(&r.in.Limit)
	case "ConsistentRead":
		return d.boolean(&r.in.ConsistentRead)
	case "Segment":
		return d.integer(&r.in.Segment)
	case "TotalSegments":
		return d.integer(&r.in.TotalSegments)
	case "Select":
		return enum(d, &r.in.Select, types.Select("").Values()...)
	case "ReturnConsumedCapacity":
		return d.consumed(&r.in.ReturnConsumedCapacity)
	}
	return false
}

func (r *fastScan) serve(ctx context.Context, s *Service, dst []byte) ([]byte, bool, error) {
	if r.in.Limit != nil && *r.in.Limit < 1 || r.in.Segment != nil && *r.in.Segment < 0 || r.in.TotalSegments != nil && *r.in.TotalSegments < 1 || r.in.Segment != nil && *r.in.Segment >= maxSegments || r.in.TotalSegments != nil && *r.in.TotalSegments > maxSegments {
		return dst, false, nil
	}
	p, err := s.scan(ctx, &r.in)
	if err != nil {
		return dst, true, err
	}
	dst, err = s.appendPage(ctx, p, r.in.ReturnConsumedCapacity, dst)
	return dst, true, err
}

// appendPage runs a page and appends its answer.
func (s *Service) appendPage(ctx context.Context, p *page, how types.ReturnConsumedCapacity, dst []byte) ([]byte, error) {
	dst = append(dst, '{')
	if !p.count {
		dst = append(dst, `"Items":[`...)
		first := true
		p.each = func(stored []byte, item attr.Item) (err error) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			if p.projection == nil {
				dst, err = attr.AppendStoredJSON(dst, stored)
				return err
			}
			dst = attr.AppendJSON(dst, p.projection.Of(item))
			return nil
		}
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	s.spend(p.t.table, &p.used)
	if !p.count {
		dst = append(dst, "],"...)
	}
	dst = append(append(dst, `"Count":`...), itoa(p.found)...)
	dst = append(append(dst, `,"ScannedCount":`...), itoa(p.scanned)...)
	if p.last != nil {
		dst = attr.AppendJSON(append(dst, `,"LastEvaluatedKey":`...), p.last)
	}
	return append(appendConsumed(dst, p.used.consumed(p.t.table, how, false)), '}'), nil
}
