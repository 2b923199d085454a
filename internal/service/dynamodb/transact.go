package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// This file: TransactWriteItems and TransactGetItems.

const (
	maxTransaction     = 100
	maxTransactionSize = 4 << 20
	// patience is how long a transaction waits for an item that another write holds.
	patience = 200 * time.Millisecond

	largeTransaction = "Transaction payload size cannot exceed 4MB"
)

// action is one action of a transaction, read.
type action struct {
	t      *openTable
	table  string
	kind   string // Put, Update, Delete, ConditionCheck
	key    attr.Item
	item   attr.Item // of a Put
	update update
	cond   condition
	show   bool
	failed error // what is wrong with it by itself
	size   int
}

// canceled is the error of a transaction with reasons; nil if there is none.
func canceled(reasons []types.CancellationReason) error {
	codes := make([]string, len(reasons))
	any := false
	for i := range reasons {
		if reasons[i].Code == nil {
			reasons[i].Code = aws.String("None")
		} else {
			any = true
		}
		codes[i] = *reasons[i].Code
	}
	if !any {
		return nil
	}
	return &types.TransactionCanceledException{
		Message:             aws.String("Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"),
		CancellationReasons: reasons,
	}
}

// reasonOf is the reason that an action's error is.
func reasonOf(err error) types.CancellationReason {
	var failed *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return types.CancellationReason{}
	case errors.As(err, &failed):
		return types.CancellationReason{Code: aws.String("ConditionalCheckFailed"), Message: failed.Message, Item: failed.Item}
	case errors.Is(err, itemstore.ErrConflict):
		return types.CancellationReason{Code: aws.String("TransactionConflict"), Message: aws.String("Transaction is ongoing for the item")}
	}
	var throttled *types.ProvisionedThroughputExceededException
	if errors.As(err, &throttled) {
		return types.CancellationReason{Code: aws.String("ProvisionedThroughputExceeded"), Message: throttled.Message}
	}
	var demanded *types.ThrottlingException
	if errors.As(err, &demanded) {
		return types.CancellationReason{Code: aws.String("ThrottlingError"), Message: demanded.Message}
	}
	return types.CancellationReason{Code: aws.String("ValidationError"), Message: aws.String(message(err))}
}

func checkTransactionSize(n int) error {
	if n == 0 {
		return constraint("'[]' ", "transactItems", "Member must have length greater than or equal to 1")
	}
	return tooManyActions(n).err()
}

// readAction reads one action. An error is of the whole request.
func readAction(in types.TransactWriteItem) (*action, error) {
	a := &action{}
	given := 0
	var name *string
	var names map[string]string
	var values map[string]types.AttributeValue
	var cond, updateText *string
	var key map[string]types.AttributeValue // read after the expressions
	var err error
	if p := in.Put; p != nil {
		given++
		a.kind, name, names, values, cond = "Put", p.TableName, p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.ConditionExpression
		a.show = showOld(p.ReturnValuesOnConditionCheckFailure)
		if a.item, err = olderItem(p.Item); err != nil {
			return nil, err
		}
		a.key, a.size = a.item, attr.Size(a.item)
		if err := itemTooLarge(a.item); err != nil {
			return nil, err
		}
	}
	if p := in.Update; p != nil {
		given++
		a.kind, name, names, values, cond, updateText = "Update", p.TableName, p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.ConditionExpression, p.UpdateExpression
		a.show = showOld(p.ReturnValuesOnConditionCheckFailure)
		key = p.Key
	}
	if p := in.Delete; p != nil {
		given++
		a.kind, name, names, values, cond = "Delete", p.TableName, p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.ConditionExpression
		a.show = showOld(p.ReturnValuesOnConditionCheckFailure)
		key = p.Key
	}
	if p := in.ConditionCheck; p != nil {
		given++
		a.kind, name, names, values, cond = "ConditionCheck", p.TableName, p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.ConditionExpression
		a.show = showOld(p.ReturnValuesOnConditionCheckFailure)
		key = p.Key
	}
	if given == 0 {
		return nil, invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
	}
	if given > 1 {
		return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	a.table = aws.ToString(name)
	params, err := expressionParams(batchWords, names, values, cond, updateText)
	if err != nil {
		return nil, err
	}
	if a.kind == "Update" {
		if updateText == nil {
			return nil, invalid("The expression can not be empty;")
		}
		u, err := expr.ParseUpdate(*updateText, params)
		if err != nil {
			return nil, longUpdate(err)
		}
		a.update = u
	}
	if cond != nil {
		c, err := expr.ParseCondition(*cond, params)
		if err != nil {
			return nil, sizedExpression("ConditionExpression", err)
		}
		a.cond = c
	}
	for _, v := range params.Values {
		a.size += attr.ValueSize(v)
	}
	if err := unused(params); err != nil {
		return nil, err
	}
	if a.kind != "Put" {
		a.key, err = olderItem(key)
	}
	return a, err
}

// longUpdate words what is wrong with an update expression of a transaction: of one that is too
// large it does not tell the size.
func longUpdate(err error) error {
	var e *expr.Error
	if errors.As(err, &e) && e.Size > 0 {
		return invalid("Invalid UpdateExpression: %s;", e.Message)
	}
	return expression("UpdateExpression", err)
}

// check checks an action against its table. An error is of the whole request; what is the
// action's alone is kept in failed.
func (a *action) check() error {
	d := a.t.table
	var err error
	if a.kind == "Put" {
		err = checkItem(d, a.item)
	} else {
		if err = checkKey(d, a.key); err == nil {
			err = keyUpdated(d, a.update)
		}
		if err == nil && a.update != nil {
			err = checkUpdateValues(d, a.update)
		}
	}
	if err != nil && strings.HasPrefix(message(err), "One or more parameter values are not valid.") {
		return err
	}
	a.failed = err
	return nil
}

func (a *action) op() itemstore.Op {
	op := itemstore.Op{Table: a.t.items, Key: a.key, Sized: true}
	switch a.kind {
	case "Put":
		op.Decide, op.Blind = decidePut(a.item, a.cond, a.show), a.cond == nil
	case "Update":
		op.Decide = decideUpdate(a.t.table, a.key, a.update, a.cond, a.show)
	case "Delete":
		op.Decide = decideDelete(a.cond, a.show)
	case "ConditionCheck":
		op.Decide = func(old attr.Item) (attr.Item, error) {
			if !a.cond.Eval(old) {
				return nil, conditionFailed(old, a.show)
			}
			return nil, itemstore.ErrUnchanged
		}
	}
	return op
}

// TransactWriteItems does all of its actions, or none.
func (s *Service) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if err := checkTransactionSize(len(in.TransactItems)); err != nil {
		return nil, err
	}
	actions := make([]*action, len(in.TransactItems))
	for i, item := range in.TransactItems {
		a, err := readAction(item)
		if err != nil {
			return nil, err
		}
		actions[i] = a
	}
	o := itemstore.WriteOptions{Patience: patience}
	if token := aws.ToString(in.ClientRequestToken); token != "" {
		caller := awswire.CallerFrom(ctx)
		o.Token = caller.Of() + "/" + caller.Region + "/" + token
		o.Digest = digestOf(in.TransactItems)
	}
	results, err := s.transact(ctx, actions, o)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.TransactWriteItemsOutput{}
	used := &usages{}
	for i, a := range actions {
		used.of(a.t.table).as = a.table
		if results == nil { // done before: what it reads now
			used.of(a.t.table).add("", 2)
			continue
		}
		used.of(a.t.table).wrote(a.t.table, &results[i], 2)
	}
	for _, t := range used.order {
		if c := used.by[t.Name].consumed(t, in.ReturnConsumedCapacity, true); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, *c)
		}
	}
	if in.ReturnItemCollectionMetrics == types.ReturnItemCollectionMetricsSize {
		out.ItemCollectionMetrics = map[string][]types.ItemCollectionMetrics{}
		for _, a := range actions {
			m, err := s.collection(a.t, a.key, in.ReturnItemCollectionMetrics)
			if err != nil {
				return nil, err
			}
			if m != nil {
				out.ItemCollectionMetrics[a.t.Name] = append(out.ItemCollectionMetrics[a.t.Name], *m)
			}
		}
	}
	return out, nil
}

// digestOf is the meaning of a transaction's actions, for its token.
func digestOf(items []types.TransactWriteItem) []byte {
	b, err := json.Marshal(items)
	if err != nil {
		panic(err) // plain values
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// transact does the actions. Without results they were done before, by the token.
func (s *Service) transact(ctx context.Context, actions []*action, o itemstore.WriteOptions) ([]itemstore.Result, error) {
	seen := map[string]bool{}
	size := 0
	for _, a := range actions {
		name, err := nameOf(ctx, &a.table)
		if err != nil {
			return nil, err
		}
		if a.t, err = s.usable(ctx, name); err != nil {
			return nil, err
		}
		if err := a.check(); err != nil {
			return nil, err
		}
		size += a.size
	}
	if size > maxTransactionSize {
		return nil, invalid(largeTransaction)
	}
	reasons := make([]types.CancellationReason, len(actions))
	ops := make([]itemstore.Op, len(actions))
	failed := -1 // the first action that is wrong by itself, the only one that is told
	for i, a := range actions {
		if a.failed != nil {
			if failed < 0 {
				failed = i
				reasons[i] = reasonOf(a.failed)
			}
			continue
		}
		id := identity(a.t.table, a.key)
		if seen[id] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[id] = true
	}
	if failed >= 0 {
		return nil, canceled(reasons)
	}
	for i, a := range actions {
		ops[i] = a.op()
		if err := s.admit(demand{table: a.t.table, write: true, hash: a.key[a.t.Hash]}); err != nil {
			reasons[i] = reasonOf(err)
		}
	}
	if err := canceled(reasons); err != nil {
		return nil, err
	}
	results, err := s.cfg.Items.Write(ops, o)
	var conflict itemstore.Conflict
	switch {
	case errors.Is(err, itemstore.ErrRefused):
		for i := range results {
			reasons[i] = reasonOf(results[i].Err)
		}
		return nil, canceled(reasons)
	case errors.As(err, &conflict) && conflict.Op == len(ops):
		return nil, &types.TransactionInProgressException{Message: aws.String("The transaction with the given request token is already in progress.")}
	case errors.As(err, &conflict):
		reasons[conflict.Op] = reasonOf(err)
		return nil, canceled(reasons)
	case errors.Is(err, itemstore.ErrRepeated):
		return nil, nil
	case errors.Is(err, itemstore.ErrToken):
		return nil, &types.IdempotentParameterMismatchException{Message: aws.String("Request parameters do not match those of the previous request with the same client token")}
	case err != nil:
		return nil, storeError(err)
	}
	for i, a := range actions {
		u := &usage{hash: a.key[a.t.Hash]}
		u.wrote(a.t.table, &results[i], 2)
		s.spend(a.t.table, u)
	}
	return results, nil
}

// TransactGetItems reads items as of one moment.
func (s *Service) TransactGetItems(ctx context.Context, in *dynamodb.TransactGetItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactGetItemsOutput, error) {
	if err := checkTransactionSize(len(in.TransactItems)); err != nil {
		return nil, err
	}
	type get struct {
		t          *openTable
		key        attr.Item
		projection *expr.Projection
	}
	gets := make([]get, len(in.TransactItems))
	for i, item := range in.TransactItems {
		if item.Get == nil {
			return nil, constraint("null ", fmt.Sprintf("transactItems.%d.member.get", i+1), "Member must not be null")
		}
		key, err := olderItem(item.Get.Key)
		if err != nil {
			return nil, err
		}
		params, err := expressionParams(batchWords, item.Get.ExpressionAttributeNames, nil, item.Get.ProjectionExpression)
		if err != nil {
			return nil, err
		}
		p, err := parseProjection(item.Get.ProjectionExpression, params, nil)
		if err != nil {
			return nil, err
		}
		if err := unused(params); err != nil {
			return nil, err
		}
		gets[i] = get{key: key, projection: p}
	}
	reasons := make([]types.CancellationReason, len(gets))
	seen := map[string]bool{}
	reads := make([]itemstore.Read, len(gets))
	for i := range gets {
		g := &gets[i]
		name, err := nameOf(ctx, in.TransactItems[i].Get.TableName)
		if err != nil {
			return nil, err
		}
		if g.t, err = s.usable(ctx, name); err != nil {
			return nil, err
		}
		if err := checkKey(g.t.table, g.key); err != nil {
			if strings.HasPrefix(message(err), "One or more parameter values are not valid.") {
				return nil, err
			}
			reasons[i] = reasonOf(err)
			continue
		}
		if err := scalarKeys(g.t.table, pathsIn(g.projection)); err != nil {
			reasons[i] = reasonOf(err)
			continue
		}
		id := identity(g.t.table, g.key)
		if seen[id] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[id] = true
		reads[i] = itemstore.Read{Table: g.t.items, Key: g.key}
		if err := s.admit(demand{table: g.t.table, hash: g.key[g.t.Hash]}); err != nil {
			reasons[i] = reasonOf(err)
		}
	}
	if err := canceled(reasons); err != nil {
		return nil, err
	}
	found, err := s.cfg.Items.GetAll(reads)
	if err != nil {
		return nil, storeError(err)
	}
	out := &dynamodb.TransactGetItemsOutput{Responses: make([]types.ItemResponse, len(gets))}
	used := &usages{}
	total := 0
	for i, b := range found {
		size := 0
		if b != nil {
			item, err := attr.ParseItem(b)
			if err != nil {
				return nil, err
			}
			size = attr.Size(item)
			if total += size; total > maxTransactionSize {
				return nil, invalid(largeTransaction)
			}
			if got := gets[i].projection.Of(item); len(got) > 0 {
				out.Responses[i].Item = itemToSDK(got)
			}
		}
		u := used.of(gets[i].t.table)
		u.as = aws.ToString(in.TransactItems[i].Get.TableName)
		u.add("", 2*readUnits(size, true))
	}
	for _, t := range used.order {
		s.spend(t, used.by[t.Name])
		if c := used.by[t.Name].consumed(t, in.ReturnConsumedCapacity, true); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, *c)
		}
	}
	return out, nil
}
