package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// This file: BatchWriteItem and BatchGetItem.

const (
	maxBatchWrites = 25
	maxBatchGets   = 100
	maxBatchAnswer = 16 << 20
)

type batchWrite struct {
	t    *openTable
	item attr.Item // put; nil: delete
	key  attr.Item

	throttled bool // left undone
}

const duplicateKeys = "Provided list of item keys contains duplicates"

// identity tells items of tables apart.
func identity(d *table, key attr.Item) string {
	b := []byte(d.storeKey() + "/")
	b = attr.AppendKey(b, key[d.Hash])
	if d.Range != "" {
		b = attr.AppendKey(b, key[d.Range])
	}
	return string(b)
}

// BatchWriteItem puts and deletes items.
func (s *Service) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	if err := batchWriteFirst(in); err != nil {
		return nil, err
	}
	var writes []batchWrite
	var names []string
	for _, name := range sortedKeys(in.RequestItems) {
		for _, r := range in.RequestItems[name] {
			w, err := readWriteRequest(r)
			if err != nil {
				return nil, err
			}
			writes = append(writes, w)
			names = append(names, name)
		}
	}
	seen := map[string]bool{}
	for i := range writes {
		w := &writes[i]
		name, err := nameOf(ctx, &names[i])
		if err != nil {
			return nil, err
		}
		if w.t, err = s.usable(ctx, name); err != nil {
			return nil, err
		}
		if w.item != nil {
			if err := checkBatchItem(w.t.table, w.item); err != nil {
				return nil, err
			}
		} else if err := checkKey(w.t.table, w.key); err != nil {
			return nil, err
		}
		id := identity(w.t.table, w.key)
		if seen[id] {
			return nil, invalid(duplicateKeys)
		}
		seen[id] = true
	}
	used, err := s.writeBatch(writes, s.sized(in.ReturnConsumedCapacity))
	if err != nil {
		return nil, err
	}
	for i, w := range writes {
		if u := used.by[w.t.Name]; u != nil {
			u.as = names[i]
		}
	}
	out := &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{}}
	i := 0
	for _, name := range sortedKeys(in.RequestItems) {
		for _, r := range in.RequestItems[name] {
			if writes[i].throttled {
				out.UnprocessedItems[name] = append(out.UnprocessedItems[name], r)
			}
			i++
		}
	}
	for _, t := range used.order {
		if c := used.by[t.Name].consumed(t, in.ReturnConsumedCapacity, false); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, *c)
		}
	}
	if in.ReturnItemCollectionMetrics == types.ReturnItemCollectionMetricsSize {
		out.ItemCollectionMetrics = map[string][]types.ItemCollectionMetrics{}
		done := map[string]bool{}
		for _, w := range writes {
			id := w.t.storeKey() + string(attr.AppendKey(nil, w.key[w.t.Hash]))
			if done[id] {
				continue
			}
			done[id] = true
			m, err := s.collection(w.t, w.key, in.ReturnItemCollectionMetrics)
			if err != nil {
				return nil, err
			}
			if m != nil {
				out.ItemCollectionMetrics[w.t.Name] = append(out.ItemCollectionMetrics[w.t.Name], *m)
			}
		}
	}
	return out, nil
}

// usages are what a request took of several tables.
type usages struct {
	by    map[string]*usage
	order []*table
}

func (u *usages) of(d *table) *usage {
	if u.by == nil {
		u.by = map[string]*usage{}
	}
	if u.by[d.Name] == nil {
		u.by[d.Name] = &usage{}
		u.order = append(u.order, d)
	}
	return u.by[d.Name]
}

// writeBatch does the writes, in one commit, and marks those that are throttled; it fails where all are.
// sized says that what they take must count the sizes of what they replace.
func (s *Service) writeBatch(writes []batchWrite, sized bool) (*usages, error) {
	ops := make([]itemstore.Op, 0, len(writes))
	var before map[meterKey]float64 // units of the writes before one, of its table and of its partition key
	if s.cfg.EnforceLimits {
		before = map[meterKey]float64{}
	}
	var throttled error
	for i := range writes {
		w := &writes[i]
		if before != nil {
			hash := w.key[w.t.Hash]
			table := meterKey{table: w.t.Store}
			partition := meterKey{table: w.t.Store, partition: partitionOf(hash)}
			if err := s.admit(demand{table: w.t.table, write: true, hash: hash, more: before[table], same: before[partition]}); err != nil {
				w.throttled, throttled = true, err
				continue
			}
			units := writeUnits(attr.Size(w.item))
			before[table] += units
			before[partition] += units
		}
		item := w.item
		ops = append(ops, itemstore.Op{Table: w.t.items, Key: w.key, Blind: true, Sized: sized, Decide: func(attr.Item) (attr.Item, error) { return item, nil }})
	}
	if len(ops) == 0 && throttled != nil {
		return nil, throttled
	}
	results, err := s.cfg.Items.Write(ops, itemstore.WriteOptions{})
	if err != nil {
		return nil, storeError(err)
	}
	used := &usages{}
	for _, w := range writes {
		if w.throttled {
			continue
		}
		one := &usage{hash: w.key[w.t.Hash]}
		one.wrote(w.t.table, &results[0], 1)
		s.spend(w.t.table, one)
		used.of(w.t.table).wrote(w.t.table, &results[0], 1)
		results = results[1:]
	}
	return used, nil
}

func readWriteRequest(r types.WriteRequest) (w batchWrite, err error) {
	switch {
	case r.PutRequest != nil && r.DeleteRequest != nil:
		return w, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case r.PutRequest != nil:
		if w.item, err = olderItem(r.PutRequest.Item); err != nil {
			return w, err
		}
		if w.item == nil {
			w.item = attr.Item{}
		}
		w.key = w.item
		return w, itemTooLarge(w.item)
	case r.DeleteRequest != nil:
		w.key, err = olderItem(r.DeleteRequest.Key)
		return w, err
	}
	return w, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

// checkBatchItem is checkItem with the words of batches for the table's key.
func checkBatchItem(d *table, item attr.Item) error {
	for _, name := range []string{d.Hash, d.Range} {
		if name == "" {
			continue
		}
		if v, ok := item[name]; !ok || v.Type() != d.typeOf(name) {
			return invalid(keySchemaMismatch)
		}
	}
	return checkItem(d, item)
}

type batchGet struct {
	t          *openTable
	keys       []attr.Item
	projection *expr.Projection
	consistent bool
	request    types.KeysAndAttributes
}

// BatchGetItem reads items by their keys.
func (s *Service) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	if err := batchGetFirst(in); err != nil {
		return nil, err
	}
	names := sortedKeys(in.RequestItems)
	var p parameters
	for _, name := range names {
		r := in.RequestItems[name]
		if r.AttributesToGet != nil && len(p.plain) == 0 {
			p.old("AttributesToGet", true)
		}
		if r.ProjectionExpression != nil && len(p.expression) == 0 {
			p.new("ProjectionExpression", true)
		}
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	gets := make([]batchGet, len(names))
	for i, name := range names {
		r := in.RequestItems[name]
		g := batchGet{consistent: isTrue(r.ConsistentRead), request: r}
		params, err := expressionParams(readWords, r.ExpressionAttributeNames, nil, r.ProjectionExpression)
		if err != nil {
			return nil, err
		}
		for _, k := range r.Keys {
			key, err := itemFromSDK(k)
			if err != nil {
				return nil, err
			}
			g.keys = append(g.keys, key)
		}
		if g.projection, err = parseProjection(r.ProjectionExpression, params, r.AttributesToGet); err != nil {
			return nil, err
		}
		if err := unused(params); err != nil {
			return nil, err
		}
		gets[i] = g
	}
	for i, given := range names {
		g := &gets[i]
		name, err := nameOf(ctx, &given)
		if err != nil {
			return nil, err
		}
		if g.t, err = s.usable(ctx, name); err != nil {
			return nil, err
		}
		if err := scalarKeys(g.t.table, pathsIn(g.projection)); err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, key := range g.keys {
			if err := checkKey(g.t.table, key); err != nil {
				return nil, err
			}
			id := identity(g.t.table, key)
			if seen[id] {
				return nil, invalid(duplicateKeys)
			}
			seen[id] = true
		}
	}
	return s.readBatch(in, names, gets)
}

func (s *Service) readBatch(in *dynamodb.BatchGetItemInput, names []string, gets []batchGet) (*dynamodb.BatchGetItemOutput, error) {
	out := &dynamodb.BatchGetItemOutput{
		Responses: map[string][]map[string]types.AttributeValue{}, UnprocessedKeys: map[string]types.KeysAndAttributes{},
	}
	total, done := 0, 0
	var throttled error
	for i, g := range gets {
		items := []map[string]types.AttributeValue{}
		u := &usage{as: names[i]}
		rest := g.request
		rest.Keys = nil
		for j, key := range g.keys {
			if total >= maxBatchAnswer {
				rest.Keys = append(rest.Keys, g.request.Keys[j:]...)
				break
			}
			if err := s.admit(demand{table: g.t.table, hash: key[g.t.Hash]}); err != nil {
				throttled = err
				rest.Keys = append(rest.Keys, g.request.Keys[j])
				continue
			}
			done++
			b, found, err := g.t.items.Get(key)
			if err != nil {
				return nil, storeError(err)
			}
			size := 0
			if found {
				item, err := attr.ParseItem(b)
				if err != nil {
					return nil, err
				}
				size = attr.Size(item)
				items = append(items, itemToSDK(g.projection.Of(item)))
			}
			total += size
			one := &usage{table: readUnits(size, g.consistent), hash: key[g.t.Hash]}
			s.spend(g.t.table, one)
			u.add("", one.table)
		}
		if len(rest.Keys) > 0 {
			out.UnprocessedKeys[names[i]] = rest
		}
		out.Responses[names[i]] = items
		if c := u.consumed(g.t.table, in.ReturnConsumedCapacity, false); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, *c)
		}
	}
	if done == 0 && throttled != nil {
		return nil, throttled
	}
	return out, nil
}
