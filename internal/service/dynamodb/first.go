package dynamodb

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// This file: what the operations on items check before what their model demands, since
// AWS words it in another way or tells it in another order.

// broken gathers the constraints that a request does not satisfy.
type broken []string

func (b *broken) add(value, path, rule string) {
	*b = append(*b, "Value "+value+"at '"+path+"' failed to satisfy constraint: "+rule)
}

// with is b with further rules that a text does not satisfy.
func (b broken) with(text, path string, rules ...string) broken {
	for _, r := range rules {
		b.add("'"+text+"' ", path, r)
	}
	return b
}

func (b *broken) null(path string) { b.add("null ", path, "Member must not be null") }

// name checks the name of a table, of which one constraint at the most is told.
func (b *broken) name(n *string, path string) {
	if n == nil {
		b.null(path)
	} else if rule := brokenName(*n); rule != "" && !strings.HasPrefix(*n, "arn:") {
		b.add("'"+*n+"' ", path, rule)
	}
}

func brokenEnum[E ~string](b *broken, v E, path string, set ...E) {
	if v != "" && !slices.Contains(set, v) {
		b.add("'"+string(v)+"' ", path, enumRule(set...))
	}
}

func enumRule[E ~string](set ...E) string {
	names := make([]string, len(set))
	for i, e := range set {
		names[i] = string(e)
	}
	return "Member must satisfy enum value set: [" + strings.Join(names, ", ") + "]"
}

func (b *broken) capacity(v types.ReturnConsumedCapacity) {
	brokenEnum(b, v, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
}

func (b *broken) metrics(v types.ReturnItemCollectionMetrics) {
	brokenEnum(b, v, "returnItemCollectionMetrics", "SIZE", "NONE")
}

func (b *broken) onFailure(v types.ReturnValuesOnConditionCheckFailure) {
	brokenEnum(b, v, "returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
}

// returnValues checks ReturnValues as the newer layer does, whose set has a name that no
// operation takes.
func (b *broken) returnValues(v types.ReturnValue) {
	if v != "" && !slices.Contains(v.Values(), v) {
		*b = append(*b, "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]")
	}
}

// olderReturnValues checks ReturnValues as the older layer does.
func (b *broken) olderReturnValues(v types.ReturnValue) {
	brokenEnum(b, v, "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
}

// newerDepth is how deep values of a request may be nested for the newer layer to read it.
const newerDepth = 62

// olderChecks are what the older layer tells first of a write whose values are nested too
// deeply for the newer one, in its words.
func olderChecks(how types.ReturnValue, joins types.ConditionalOperator, expected map[string]types.ExpectedAttributeValue, values ...map[string]types.AttributeValue) error {
	var b broken
	b.olderReturnValues(how)
	brokenEnum(&b, joins, "conditionalOperator", "OR", "AND")
	allOld := how == "" || how == types.ReturnValueNone || how == types.ReturnValueAllOld
	if len(b) == 0 && allOld || !readByOlder(expected, values) {
		return nil
	}
	if len(b) > 0 {
		return b.err()
	}
	return invalid(oldOrNone)
}

func readByOlder(expected map[string]types.ExpectedAttributeValue, values []map[string]types.AttributeValue) bool {
	for _, m := range values {
		if deeper(&types.AttributeValueMemberM{Value: m}, newerDepth+1) {
			return true
		}
	}
	for _, e := range expected {
		if deeper(e.Value, newerDepth) || slices.ContainsFunc(e.AttributeValueList, func(v types.AttributeValue) bool { return deeper(v, newerDepth) }) {
			return true
		}
	}
	return false
}

// deeper reports whether lists and maps are nested more than n deep in a value.
func deeper(v types.AttributeValue, n int) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberL:
		return n == 0 || slices.ContainsFunc(v.Value, func(e types.AttributeValue) bool { return deeper(e, n-1) })
	case *types.AttributeValueMemberM:
		for _, e := range v.Value {
			if n > 0 && deeper(e, n-1) {
				return true
			}
		}
		return n == 0
	}
	return false
}

// minimum checks a number as the newer layer does.
func (b *broken) minimum(n *int32, path string, least int32) {
	if n != nil && *n < least {
		b.add("", path, "Member must have value greater than or equal to "+strconv.Itoa(int(least)))
	}
}

func (b *broken) maximum(n *int32, path string, most int32) {
	if n != nil && *n > most {
		b.add("", path, "Member must have value less than or equal to "+strconv.Itoa(int(most)))
	}
}

func (b broken) err() error {
	switch len(b) {
	case 0:
		return nil
	case 1:
		return invalid("%s%s", envelope, b[0])
	}
	return invalid("%d validation errors detected: %s", len(b), strings.Join(b, "; "))
}

// emptyName is told alone, before all else.
func emptyName(n *string) error {
	var b broken
	if n != nil && *n == "" {
		b.add("", "TableName", "Member must have length greater than or equal to 1")
	}
	return b.err()
}

func getFirst(in *dynamodb.GetItemInput) error {
	if err := emptyName(in.TableName); err != nil {
		return err
	}
	var b broken
	if in.Key == nil {
		b.null("key")
	}
	b.name(in.TableName, "tableName")
	b.capacity(in.ReturnConsumedCapacity)
	return b.err()
}

func putFirst(in *dynamodb.PutItemInput) error {
	if err := emptyName(in.TableName); err != nil {
		return err
	}
	var b broken
	b.name(in.TableName, "tableName")
	if in.Item == nil {
		b.null("item")
	} else if len(b) == 0 {
		if err := olderChecks(in.ReturnValues, in.ConditionalOperator, in.Expected, in.Item, in.ExpressionAttributeValues); err != nil {
			return err
		}
	}
	b.capacity(in.ReturnConsumedCapacity)
	b.returnValues(in.ReturnValues)
	b.metrics(in.ReturnItemCollectionMetrics)
	b.onFailure(in.ReturnValuesOnConditionCheckFailure)
	if len(b) > 0 {
		return b.err()
	}
	return operators(writeWords, in.ConditionalOperator, len(in.Expected), ofExpected(in.Expected)...)
}

func deleteFirst(in *dynamodb.DeleteItemInput) error {
	if err := emptyName(in.TableName); err != nil {
		return err
	}
	var b broken
	b.name(in.TableName, "tableName")
	if in.Key == nil {
		b.null("key")
	} else if len(b) == 0 {
		if err := olderChecks(in.ReturnValues, in.ConditionalOperator, in.Expected, in.Key, in.ExpressionAttributeValues); err != nil {
			return err
		}
	}
	b.capacity(in.ReturnConsumedCapacity)
	b.returnValues(in.ReturnValues)
	b.metrics(in.ReturnItemCollectionMetrics)
	b.onFailure(in.ReturnValuesOnConditionCheckFailure)
	if len(b) > 0 {
		return b.err()
	}
	return operators(writeWords, in.ConditionalOperator, len(in.Expected), ofExpected(in.Expected)...)
}

// updateFirst tells all that is wrong where the key or the name is missing, else the first.
func updateFirst(in *dynamodb.UpdateItemInput) error {
	var b broken
	if in.TableName != nil && in.Key != nil {
		if err := olderChecks(updateHow(in.ReturnValues), in.ConditionalOperator, in.Expected, in.Key, in.ExpressionAttributeValues); err != nil {
			return err
		}
		if b.returnValues(in.ReturnValues); len(b) > 0 {
			return b.err() // even of a table without a name
		}
	}
	if in.Key == nil {
		return updateWithoutKey(in)
	}
	if err := emptyName(in.TableName); err != nil {
		return err
	}
	if in.TableName == nil {
		b.null("tableName")
		b.olderReturnValues(in.ReturnValues)
		return b.err()
	}
	b.name(in.TableName, "tableName")
	b.metrics(in.ReturnItemCollectionMetrics)
	if len(b) > 0 {
		return b[:1].err()
	}
	b.onFailure(in.ReturnValuesOnConditionCheckFailure)
	b.capacity(in.ReturnConsumedCapacity)
	if len(b) > 0 {
		return invalid("%s", b[0])
	}
	for _, u := range in.AttributeUpdates {
		if u.Action != "" && !slices.Contains(u.Action.Values(), u.Action) {
			return invalid(envelope + "Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action")
		}
	}
	return operators(writeWords, in.ConditionalOperator, len(in.Expected), ofExpected(in.Expected)...)
}

// updateWithoutKey tells all that is wrong, as the older layer does.
func updateWithoutKey(in *dynamodb.UpdateItemInput) error {
	var b broken
	b.capacity(in.ReturnConsumedCapacity)
	if in.TableName != nil && *in.TableName == "" {
		b.add("'' ", "tableName", "Member must have length greater than or equal to 1")
	} else {
		b.name(in.TableName, "tableName")
	}
	b.olderReturnValues(in.ReturnValues)
	brokenEnum(&b, in.ConditionalOperator, "conditionalOperator", "OR", "AND")
	b.onFailure(in.ReturnValuesOnConditionCheckFailure)
	b.metrics(in.ReturnItemCollectionMetrics)
	b.null("key")
	return b.err()
}

// updateHow is what of ReturnValues an UpdateItem may not have: it takes all that there are.
func updateHow(v types.ReturnValue) types.ReturnValue {
	if slices.Contains(v.Values(), v) {
		return ""
	}
	return v
}

func selectEnum(b *broken, v types.Select) {
	brokenEnum(b, v, "select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
}

func queryFirst(in *dynamodb.QueryInput) error {
	var b broken
	if in.TableName == nil {
		selectEnum(&b, in.Select)
		b.capacity(in.ReturnConsumedCapacity)
		b.null("tableName")
		if in.Limit != nil && *in.Limit < 1 {
			b.add("'"+itoa(int(*in.Limit))+"' ", "limit", "Member must have value greater than or equal to 1")
		}
		return b.err()
	}
	b.minimum(in.Limit, "Limit", 1)
	if *in.TableName == "" {
		b.add("", "TableName", "Member must have length greater than or equal to 1")
	}
	if len(b) > 0 {
		return b.err()
	}
	b.name(in.TableName, "tableName")
	b.capacity(in.ReturnConsumedCapacity)
	if len(b) > 0 {
		return b.err()
	}
	if err := operators(queryWords, in.ConditionalOperator, len(in.QueryFilter), ofConditions(in.KeyConditions, in.QueryFilter)...); err != nil {
		return err
	}
	selectEnum(&b, in.Select)
	return b.err()
}

// maxSegments is how many segments a scan may have.
const maxSegments = 1_000_000

func scanFirst(in *dynamodb.ScanInput) error {
	var b broken
	if in.TableName == nil {
		return nil // as the model has it
	}
	b.minimum(in.Limit, "Limit", 1)
	b.minimum(in.Segment, "Segment", 0)
	b.minimum(in.TotalSegments, "TotalSegments", 1)
	b.maximum(in.Segment, "Segment", maxSegments-1)
	b.maximum(in.TotalSegments, "TotalSegments", maxSegments)
	if *in.TableName == "" {
		b.add("", "TableName", "Member must have length greater than or equal to 1")
	}
	if len(b) > 0 {
		return b.err()
	}
	b.name(in.TableName, "tableName")
	b.capacity(in.ReturnConsumedCapacity)
	if len(b) == 0 {
		selectEnum(&b, in.Select)
	}
	if len(b) > 0 {
		return b.err()
	}
	return operators(scanWords, in.ConditionalOperator, len(in.ScanFilter), ofConditions(in.ScanFilter)...)
}

// operators checks the comparisons of the parameters that expressions replaced, and what
// joins them.
func operators(w wording, joins types.ConditionalOperator, joined int, all ...types.ComparisonOperator) error {
	for _, op := range all {
		if op != "" && !slices.Contains(op.Values(), op) {
			return w.wrap(invalidValue("Invalid comparison operator"))
		}
	}
	if slices.Contains(joins.Values(), joins) || joins == "" {
		return nil
	}
	if err := checkConditionalOperator(joins, joined); err != nil {
		return w.wrap(err)
	}
	return w.wrap(invalid("Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]"))
}

func ofExpected(m map[string]types.ExpectedAttributeValue) (all []types.ComparisonOperator) {
	for _, e := range m {
		all = append(all, e.ComparisonOperator)
	}
	return all
}

func ofConditions(m ...map[string]types.Condition) (all []types.ComparisonOperator) {
	for _, m := range m {
		for _, c := range m {
			all = append(all, c.ComparisonOperator)
		}
	}
	return all
}

const keysRule = "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"

func badNames[V any](m map[string]V) bool {
	for n := range m {
		if brokenName(n) != "" && !strings.HasPrefix(n, "arn:") {
			return true
		}
	}
	return false
}

func batchGetFirst(in *dynamodb.BatchGetItemInput) error {
	var b broken
	if len(in.RequestItems) == 0 {
		b.add("", "RequestItems", "Member must have length greater than or equal to 1")
		return b.err()
	}
	n := 0
	names := sortedKeys(in.RequestItems)
	for _, name := range names {
		keys := in.RequestItems[name].Keys
		n += len(keys)
		path := "RequestItems." + name + ".member.Keys"
		if keys != nil && len(keys) == 0 {
			b.add("", path, "Member must have length greater than or equal to 1")
		}
		if len(keys) > maxBatchGets {
			b.add("", path, "Member must have length less than or equal to 100")
		}
	}
	if len(b) > 0 {
		return b.err()
	}
	if badNames(in.RequestItems) {
		b.add("'"+echoGets(in.RequestItems)+"' ", "requestItems", keysRule)
	}
	b.capacity(in.ReturnConsumedCapacity)
	if len(b) == 0 && n > maxBatchGets {
		b.add("", "RequestItems."+names[0]+".member.Keys", "Member must have length less than or equal to 100")
	}
	return b.err()
}

// echoGets is the requests of a BatchGetItem as AWS repeats them: their JSON.
func echoGets(m map[string]types.KeysAndAttributes) string {
	type request struct {
		Keys []json.RawMessage
	}
	out := map[string]request{}
	for name, r := range m {
		var x request
		for _, k := range r.Keys {
			item, err := itemFromSDK(k)
			if err == nil {
				x.Keys = append(x.Keys, appendItem(item))
			}
		}
		out[name] = x
	}
	b, _ := json.Marshal(out) // plain values
	return echo(string(b))
}

// maxEcho bounds what a message repeats of a request.
const maxEcho = 4096

func echo(s string) string {
	if len(s) > maxEcho {
		return strings.ToValidUTF8(s[:maxEcho], "") + "..."
	}
	return s
}

// batchWriteFirst checks how many requests there are before what they say.
func batchWriteFirst(in *dynamodb.BatchWriteItemInput) error {
	if len(in.RequestItems) == 0 {
		return invalid("The requestItems parameter is required for BatchWriteItem")
	}
	var b broken
	n, bad := 0, false
	for _, of := range in.RequestItems {
		n += len(of)
		bad = bad || len(of) == 0 || len(of) > maxBatchWrites
	}
	b.capacity(in.ReturnConsumedCapacity)
	if len(b) == 0 && badNames(in.RequestItems) {
		b.add("'"+echoRequests(in.RequestItems)+"' ", "requestItems", keysRule)
	}
	if bad || n > maxBatchWrites {
		b.add("'"+echoRequests(in.RequestItems)+"' ", "requestItems", "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]")
	}
	b.metrics(in.ReturnItemCollectionMetrics)
	return b.err()
}

// transactWriteFirst checks the names of an action's table where it stands. A token
// without characters is none.
func transactWriteFirst(in *dynamodb.TransactWriteItemsInput) error {
	if aws.ToString(in.ClientRequestToken) == "" {
		in.ClientRequestToken = nil
	}
	b := tooManyActions(len(in.TransactItems))
	for i, t := range in.TransactItems {
		if len(b) > 0 {
			break
		}
		check := func(kind string, n *string) {
			if n != nil {
				b.name(n, "transactItems."+itoa(i+1)+".member."+kind+".tableName")
			}
		}
		if t.ConditionCheck != nil {
			check("conditionCheck", t.ConditionCheck.TableName)
		}
		if t.Put != nil {
			check("put", t.Put.TableName)
		}
		if t.Delete != nil {
			check("delete", t.Delete.TableName)
		}
		if t.Update != nil {
			check("update", t.Update.TableName)
		}
	}
	return b.err()
}

// tooManyActions does not repeat the actions, as the newer layer does not.
func tooManyActions(n int) (b broken) {
	if n > maxTransaction {
		b.add("", "TransactItems", "Member must have length less than or equal to 100")
	}
	return b
}

func transactGetFirst(in *dynamodb.TransactGetItemsInput) error {
	b := tooManyActions(len(in.TransactItems))
	for i, t := range in.TransactItems {
		if t.Get != nil && t.Get.TableName != nil && len(b) == 0 {
			b.name(t.Get.TableName, "transactItems."+itoa(i+1)+".member.get.tableName")
		}
	}
	return b.err()
}

// onTable checks the name that an operation on a table is given, which may be an ARN.
func onTable(n *string) error {
	switch {
	case n == nil:
		return invalid("The parameter 'TableName' is required but was not present in the request")
	case strings.HasPrefix(*n, "arn:"):
		return nil
	case len(*n) < 3 || len(*n) > 255:
		return invalid("TableName must be at least 3 characters long and at most 255 characters long")
	}
	return checkNewName(*n, "tableName")
}

// onResource checks that a request names the resource whose tags it is about.
func onResource(arn *string) error {
	if aws.ToString(arn) == "" {
		return invalid("Invalid TableArn")
	}
	return nil
}
