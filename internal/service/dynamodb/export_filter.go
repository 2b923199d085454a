package dynamodb

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// This file: which items of a table, and what of them, a full export writes.

// exportFilter is the FilterSpecification of an export, in its document. Nil: all of all items.
type exportFilter struct {
	Key        *string           `json:"key,omitempty"`
	Filter     *string           `json:"filter,omitempty"`
	Projection *string           `json:"projection,omitempty"`
	Names      map[string]string `json:"names,omitempty"`
	Values     []byte            `json:"values,omitempty"` // an item's stored form
}

// maxFilterVariables bounds the names and values of a filter, in bytes, as the document keeps them. It is
// AWS's limit for the substitution variables of an expression.
const maxFilterVariables = 2 << 20

// exportFilterOf reads the filter of a request, and says what is wrong with it.
func exportFilterOf(in *types.FilterSpecification, d *table) (*exportFilter, error) {
	if in == nil {
		return nil, nil
	}
	values, err := itemFromSDK(in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	f := &exportFilter{Key: in.KeyConditionExpression, Filter: in.FilterExpression, Projection: in.ProjectionExpression, Names: maps.Clone(in.ExpressionAttributeNames)}
	if values != nil {
		f.Values = attr.AppendItem(nil, values)
	}
	size := len(f.Values)
	for name, attribute := range f.Names {
		size += len(name) + len(attribute)
	}
	if size > maxFilterVariables {
		return nil, invalid("Invalid Request: The names and values of FilterSpecification exceed %d bytes", maxFilterVariables)
	}
	if _, err := f.open(d); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *exportFilter) values() (map[string]types.AttributeValue, error) {
	if f.Values == nil {
		return nil, nil
	}
	item, err := attr.ParseItem(f.Values)
	return itemToSDK(item), err
}

func (f *exportFilter) output() *types.FilterSpecification {
	if f == nil {
		return nil
	}
	values, _ := f.values() // read when the export began
	return &types.FilterSpecification{KeyConditionExpression: f.Key, FilterExpression: f.Filter, ProjectionExpression: f.Projection, ExpressionAttributeNames: f.Names, ExpressionAttributeValues: values}
}

// openFilter is a filter with its expressions read.
type openFilter struct {
	keys       *keyed // nil: of all keys
	filter     *expr.Condition
	projection *expr.Projection
}

func (f *exportFilter) open(d *table) (*openFilter, error) {
	out := &openFilter{}
	if f == nil {
		return out, nil
	}
	values, err := f.values()
	if err != nil {
		return nil, err
	}
	params, err := expressionParams(queryWords, f.Names, values, f.Key, f.Filter, f.Projection)
	if err != nil {
		return nil, err
	}
	if f.Key != nil {
		conditions, err := parseKeyCondition(*f.Key, params)
		if err != nil {
			return nil, err
		}
		if out.keys, err = conditions.on(d, []string{d.Hash}, sortKey(d.Range)); err != nil {
			return nil, err
		}
	}
	if out.filter, err = parseFilter(f.Filter, params, nil, ""); err != nil {
		return nil, err
	}
	for _, p := range pathsOf(out.filter) {
		if a := p.Attribute(); f.Key != nil && (a == d.Hash || a == d.Range) {
			return nil, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", a)
		}
	}
	if out.projection, err = parseProjection(f.Projection, params, nil); err != nil {
		return nil, err
	}
	if err := scalarKeys(d, append(pathsIn(out.projection), pathsOf(out.filter)...)); err != nil {
		return nil, err
	}
	return out, unused(params)
}

// rows are the rows that the filter's key condition leaves.
func (f *openFilter) rows(items *itemstore.Table) itemstore.Range {
	if f.keys == nil {
		return items.Scan(0, 0, 1)
	}
	return items.QueryKeys(0, f.keys.hash, f.keys.equal, f.keys.bound, false)
}

// apply is what is exported of a stored item, in its stored form; nil for nothing.
func (f *openFilter) apply(stored []byte) ([]byte, error) {
	if f.filter == nil && f.projection == nil {
		return stored, nil
	}
	item, err := attr.ParseItem(stored)
	if err != nil {
		return nil, err
	}
	if f.filter != nil && !f.filter.Eval(item) {
		return nil, nil
	}
	if f.projection == nil {
		return stored, nil
	}
	return attr.AppendItem(nil, f.projection.Of(item)), nil
}
