package dynamodb

import (
	"encoding/base64"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// The condition keys of policies on items:
//
//	dynamodb:LeadingKeys             the values of the partition keys that a call works on; none of a Scan
//	dynamodb:FirstPartitionKeyValues the same, and Second, Third and Fourth those of the attributes that
//	                                 follow the first in the partition key of an index
//	dynamodb:Attributes              the attributes that it names: of keys, items, expressions and their forerunners
//	dynamodb:Select                  what a read returns, also where that follows from the other parameters
//	dynamodb:ReturnValues            what a write returns, NONE by default
//	dynamodb:ReturnConsumedCapacity  NONE by default
//	dynamodb:FullTableScan           whether a SELECT of PartiQL reads beyond the partitions that it names
//	dynamodb:EnclosingOperation      the transaction that an item or a statement is of
//
// Batches of items have all of theirs together; each item of a transaction, and each statement, has its own (needs.go).
// What cannot be read of a request that will be refused is left out.

// touched gathers the keys of one call.
type touched struct {
	s      *Service
	caller awswire.Caller
	out    map[string][]string
}

func (s *Service) touched(c awswire.Caller) *touched {
	return &touched{s, c, map[string][]string{}}
}

func (t *touched) add(key string, values ...string) {
	for _, v := range values {
		if !slices.Contains(t.out[key], v) {
			t.out[key] = append(t.out[key], v)
		}
	}
}

// table is the table of a name or an ARN; nil for none.
func (t *touched) table(name *string) *table {
	n, account, region := aws.ToString(name), t.caller.Account, t.caller.Region
	if a, ok := arn.Parse(n); ok {
		n, _ = a.After("table/")
		account, region = a.Account, a.Region
	}
	if n == "" {
		return nil
	}
	d, err := t.s.tables.Get(account, region, n)
	if err != nil {
		return nil
	}
	return d
}

// hashes are the attributes of the partition key of a table, or of an index of it; none where there is no such one.
func (d *table) hashes(index string) []string {
	switch {
	case d == nil:
		return nil
	case index == "":
		return []string{d.Hash}
	}
	if x := d.index(index); x != nil {
		return x.hashes()
	}
	return nil
}

// partitionKeys are the condition keys for the values of the attributes of a partition key.
var partitionKeys = [...]string{"dynamodb:FirstPartitionKeyValues", "dynamodb:SecondPartitionKeyValues", "dynamodb:ThirdPartitionKeyValues", "dynamodb:FourthPartitionKeyValues"}

// partition adds values of an attribute of a partition key, the first of which is 0.
func (t *touched) partition(attribute int, values ...string) {
	if attribute == 0 {
		t.add("dynamodb:LeadingKeys", values...)
	}
	t.add(partitionKeys[attribute], values...)
}

// leading is the text of the value of a partition key.
func leading(v attr.Value) (string, bool) {
	switch v := v.(type) {
	case attr.String:
		return string(v), true
	case attr.Number:
		return string(v), true
	case attr.Binary:
		return base64.StdEncoding.EncodeToString(v), true
	}
	return "", false
}

// item adds what an item or a key says.
func (t *touched) item(table *string, item map[string]types.AttributeValue) {
	t.add("dynamodb:Attributes", slices.Sorted(maps.Keys(item))...)
	for i, hash := range t.table(table).hashes("") {
		if item[hash] == nil {
			continue
		}
		if v, err := fromSDK(item[hash]); err == nil {
			if text, ok := leading(v); ok {
				t.partition(i, text)
			}
		}
	}
}

// names adds the attributes of expressions.
func (t *touched) names(named map[string]string, texts ...*string) {
	for _, text := range texts {
		t.add("dynamodb:Attributes", expr.AttributesIn(aws.ToString(text), named)...)
	}
}

// returns adds what a call asks for beside its work.
func (t *touched) returns(values types.ReturnValue, capacity types.ReturnConsumedCapacity) map[string][]string {
	if values == "" {
		values = types.ReturnValueNone
	}
	t.add("dynamodb:ReturnValues", string(values))
	return t.consumed(capacity)
}

func (t *touched) consumed(capacity types.ReturnConsumedCapacity) map[string][]string {
	if capacity == "" {
		capacity = types.ReturnConsumedCapacityNone
	}
	t.add("dynamodb:ReturnConsumedCapacity", string(capacity))
	return t.out
}

// selects adds what a read returns.
func (t *touched) selects(sel types.Select, index, projection *string, old []string) {
	switch {
	case sel != "":
	case projection != nil || len(old) > 0:
		sel = types.SelectSpecificAttributes
	case index != nil:
		sel = types.SelectAllProjectedAttributes
	default:
		sel = types.SelectAllAttributes
	}
	if had := t.out["dynamodb:Select"]; had != nil && had[0] != string(sel) {
		sel = types.SelectAllAttributes // of reads of several tables the widest
	}
	t.out["dynamodb:Select"] = []string{string(sel)}
	t.add("dynamodb:Attributes", old...)
}

func (s *Service) keysOfGet(c awswire.Caller, in *dynamodb.GetItemInput) map[string][]string {
	t := s.touched(c)
	t.item(in.TableName, in.Key)
	t.names(in.ExpressionAttributeNames, in.ProjectionExpression)
	t.selects("", nil, in.ProjectionExpression, in.AttributesToGet)
	return t.consumed(in.ReturnConsumedCapacity)
}

func (s *Service) keysOfPut(c awswire.Caller, in *dynamodb.PutItemInput) map[string][]string {
	t := s.touched(c)
	t.item(in.TableName, in.Item)
	t.names(in.ExpressionAttributeNames, in.ConditionExpression)
	t.add("dynamodb:Attributes", sortedKeys(in.Expected)...)
	return t.returns(in.ReturnValues, in.ReturnConsumedCapacity)
}

func (s *Service) keysOfDelete(c awswire.Caller, in *dynamodb.DeleteItemInput) map[string][]string {
	t := s.touched(c)
	t.item(in.TableName, in.Key)
	t.names(in.ExpressionAttributeNames, in.ConditionExpression)
	t.add("dynamodb:Attributes", sortedKeys(in.Expected)...)
	return t.returns(in.ReturnValues, in.ReturnConsumedCapacity)
}

func (s *Service) keysOfUpdate(c awswire.Caller, in *dynamodb.UpdateItemInput) map[string][]string {
	t := s.touched(c)
	t.item(in.TableName, in.Key)
	t.names(in.ExpressionAttributeNames, in.UpdateExpression, in.ConditionExpression)
	t.add("dynamodb:Attributes", sortedKeys(in.AttributeUpdates)...)
	t.add("dynamodb:Attributes", sortedKeys(in.Expected)...)
	return t.returns(in.ReturnValues, in.ReturnConsumedCapacity)
}

func (s *Service) keysOfQuery(c awswire.Caller, in *dynamodb.QueryInput) map[string][]string {
	t := s.touched(c)
	var k *keyCondition
	var err error
	if in.KeyConditionExpression != nil {
		var params *expr.Params
		params, err = expressionParams(queryWords, in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.KeyConditionExpression)
		if err == nil {
			k, err = parseKeyCondition(*in.KeyConditionExpression, params)
		}
	} else {
		k, err = parseKeyConditions(in.KeyConditions)
	}
	if err == nil {
		for name := range k.bounds {
			t.add("dynamodb:Attributes", name)
		}
		for i, hash := range t.table(in.TableName).hashes(aws.ToString(in.IndexName)) {
			if b, ok := k.bounds[hash]; ok && b.Op == "=" {
				if text, ok := leading(b.Low); ok {
					t.partition(i, text)
				}
			}
		}
	}
	t.names(in.ExpressionAttributeNames, in.FilterExpression, in.ProjectionExpression)
	t.add("dynamodb:Attributes", sortedKeys(in.QueryFilter)...)
	t.selects(in.Select, in.IndexName, in.ProjectionExpression, in.AttributesToGet)
	return t.consumed(in.ReturnConsumedCapacity)
}

func (s *Service) keysOfScan(c awswire.Caller, in *dynamodb.ScanInput) map[string][]string {
	t := s.touched(c)
	t.names(in.ExpressionAttributeNames, in.FilterExpression, in.ProjectionExpression)
	t.add("dynamodb:Attributes", sortedKeys(in.ScanFilter)...)
	t.selects(in.Select, in.IndexName, in.ProjectionExpression, in.AttributesToGet)
	return t.consumed(in.ReturnConsumedCapacity)
}

func (s *Service) keysOfBatchGet(c awswire.Caller, in *dynamodb.BatchGetItemInput) map[string][]string {
	t := s.touched(c)
	for table, keys := range in.RequestItems {
		for _, k := range keys.Keys {
			t.item(&table, k)
		}
		t.names(keys.ExpressionAttributeNames, keys.ProjectionExpression)
		t.selects("", nil, keys.ProjectionExpression, keys.AttributesToGet)
	}
	return t.consumed(in.ReturnConsumedCapacity)
}

func (s *Service) keysOfBatchWrite(c awswire.Caller, in *dynamodb.BatchWriteItemInput) map[string][]string {
	t := s.touched(c)
	for table, writes := range in.RequestItems {
		for _, w := range writes {
			if w.PutRequest != nil {
				t.item(&table, w.PutRequest.Item)
			}
			if w.DeleteRequest != nil {
				t.item(&table, w.DeleteRequest.Key)
			}
		}
	}
	return t.consumed(in.ReturnConsumedCapacity)
}
