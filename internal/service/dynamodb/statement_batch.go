package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/partiql"
)

// This file: BatchExecuteStatement and ExecuteTransaction.

// batchError is the error of one statement of a batch.
func batchError(err error) (*types.BatchStatementError, bool) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return nil, false
	}
	code := strings.TrimSuffix(api.ErrorCode(), "Exception")
	if code == "Validation" || code == "Throttling" {
		code += "Error"
	}
	out := &types.BatchStatementError{Code: types.BatchStatementErrorCodeEnum(code), Message: aws.String(api.ErrorMessage())}
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		out.Item = failed.Item
	}
	return out, true
}

// BatchExecuteStatement runs statements by themselves, each of one item.
func (s *Service) BatchExecuteStatement(ctx context.Context, in *dynamodb.BatchExecuteStatementInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error) {
	if len(in.Statements) == 0 {
		return nil, constraint("'[]' ", "statements", "Member must have length greater than or equal to 1")
	}
	members, err := s.readMembers(ctx, in.Statements)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.BatchExecuteStatementOutput{}
	used := &usages{}
	for i, r := range in.Statements {
		one, t, u, err := types.BatchStatementResponse{}, (*openTable)(nil), (*usage)(nil), members[i].err
		if err == nil {
			one, t, u, err = s.executeMember(ctx, members[i].st, r)
		}
		if err != nil {
			e, ok := batchError(err)
			if !ok {
				return nil, err
			}
			if one.Error = e; e.Code == types.BatchStatementErrorCodeEnumValidationError {
				one.TableName = nil // it was refused before it ran
			}
		}
		if u != nil {
			sum := used.of(t.table)
			sum.write = sum.write || u.write
			sum.add("", u.table)
			for name, n := range u.indexes {
				sum.add(name, n)
			}
		}
		out.Responses = append(out.Responses, one)
	}
	for _, t := range used.order {
		if c := used.by[t.Name].consumed(t, in.ReturnConsumedCapacity, false); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, *c)
		}
	}
	return out, nil
}

// member is a statement of a batch, or what is wrong with it.
type member struct {
	st  *statement
	err error
}

// readMembers reads the statements of a batch. They all read or all write, no item twice;
// those that do not read take no part in that.
func (s *Service) readMembers(ctx context.Context, in []types.BatchStatementRequest) ([]member, error) {
	members := make([]member, len(in))
	reads, writes := false, false
	seen := map[string]bool{}
	doubled := false
	for i, r := range in {
		m := &members[i]
		if m.st, m.err = readStatement(r.Statement, r.Parameters, writtenIn(ctx, "Statements", i)); m.err != nil {
			continue
		}
		if m.st.Kind == partiql.Exists {
			m.err = invalid(onlyExists)
			continue
		}
		if m.st.Kind == partiql.Select {
			reads = true
		} else {
			writes = true
		}
		if m.err = awswire.DenialOf(ctx, i+1); m.err != nil {
			continue
		}
		t, err := s.usable(ctx, m.st.Table)
		if err != nil {
			continue // told when it runs
		}
		if id, ok := m.st.target(t.table); ok {
			doubled = doubled || seen[id]
			seen[id] = true
		}
	}
	switch {
	case reads && writes:
		return nil, invalid("Read and write requests together in the same batch is not supported.")
	case doubled:
		return nil, invalid(duplicateKeys)
	}
	return members, nil
}

// target reports which item a statement is about, if that is one.
func (st *statement) target(d *table) (id string, ok bool) {
	key := st.Item
	if st.Kind != partiql.Insert {
		key, _ = st.primaryKey(d)
	}
	if key == nil || checkKey(d, d.keyOf(key)) != nil {
		return "", false
	}
	return identity(d, key), true
}

// keyOf is the attributes of an item that are its key.
func (d *table) keyOf(item attr.Item) attr.Item {
	key := attr.Item{}
	for _, name := range []string{d.Hash, d.Range} {
		if v, ok := item[name]; ok {
			key[name] = v
		}
	}
	return key
}

func (s *Service) executeMember(ctx context.Context, st *statement, r types.BatchStatementRequest) (out types.BatchStatementResponse, t *openTable, u *usage, err error) {
	out.TableName = aws.String(st.Table)
	if st.Kind != partiql.Select {
		item, t, u, err := s.executeWrite(ctx, st, r.ReturnValuesOnConditionCheckFailure)
		if err == nil && len(item) > 0 {
			out.Item = itemToSDK(item)
		}
		return out, t, u, err
	}
	if t, err = s.usable(ctx, st.Table); err != nil {
		return out, nil, nil, err
	}
	if x := t.table.index(st.Index); x != nil {
		if err := st.readable(x); err != nil {
			return out, nil, nil, err
		}
	}
	key, rest := st.primaryKey(t.table)
	if err := st.checkKeys(t.table, t.Hash, t.Range); err != nil {
		return out, nil, nil, err
	}
	if key == nil || st.Index != "" || len(rest) > 0 {
		return out, nil, nil, invalid("Select statements within BatchExecuteStatement must specify the primary key in the where clause.")
	}
	if err := s.admit(demand{table: t.table, hash: key[t.Hash]}); err != nil {
		return out, nil, nil, err
	}
	b, found, err := t.items.Get(key)
	if err != nil {
		return out, nil, nil, storeError(err)
	}
	size := 0
	if found {
		item, err := attr.ParseItem(b)
		if err != nil {
			return out, nil, nil, err
		}
		size = attr.Size(item)
		out.Item = itemToSDK(st.pick(item))
	}
	u = &usage{hash: key[t.Hash]}
	u.add("", readUnits(size, isTrue(r.ConsistentRead)))
	s.spend(t.table, u)
	return out, t, u, nil
}

// ExecuteTransaction runs statements that all write, or all read, as one.
func (s *Service) ExecuteTransaction(ctx context.Context, in *dynamodb.ExecuteTransactionInput, _ ...func(*dynamodb.Options)) (*dynamodb.ExecuteTransactionOutput, error) {
	if err := checkStatements(len(in.TransactStatements)); err != nil {
		return nil, err
	}
	statements := make([]*statement, len(in.TransactStatements))
	reads := 0
	for i, r := range in.TransactStatements {
		w := writtenIn(ctx, "TransactStatements", i)
		if _, err := statementValues(r.Parameters, w); err != nil {
			return nil, err // of no statement
		}
		st, err := readStatement(r.Statement, r.Parameters, w)
		at := "Validation failed in TransactStatements[" + itoa(i) + "]: "
		switch {
		case err != nil:
			return nil, invalid("%s", at+message(err))
		case st.Returning != "":
			return nil, invalid("%s", at+"RETURNING clause is not supported in ExecuteTransaction.")
		case st.Index != "":
			return nil, invalid("%s", at+"Reads on indices are not supported within transactions.")
		case st.Kind == partiql.Select:
			reads++
		}
		statements[i] = st
	}
	if reads > 0 && reads < len(statements) {
		return nil, invalid("ExecuteTransaction API does not support both read and write operations in the same request.")
	}
	if reads > 0 {
		return s.transactSelects(ctx, in, statements)
	}
	actions := make([]*action, len(statements))
	for i, st := range statements {
		a, err := s.writeAction(ctx, st, showOld(in.TransactStatements[i].ReturnValuesOnConditionCheckFailure))
		if errors.Is(err, errBareExists) {
			return nil, invalid("Validation failed in TransactStatements[%d]: %s", i, message(err))
		}
		if err != nil {
			return nil, canceledBy(err, i, len(statements))
		}
		actions[i] = a
	}
	o := itemstore.WriteOptions{Patience: patience}
	if token := aws.ToString(in.ClientRequestToken); token != "" {
		caller := awswire.CallerFrom(ctx)
		o.Token = caller.Of() + "/" + caller.Region + "/statements/" + token
		b, err := json.Marshal(in.TransactStatements)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		o.Digest = sum[:]
	}
	results, err := s.transact(ctx, actions, o)
	var cancel *types.TransactionCanceledException
	if errors.As(err, &cancel) {
		for i := range cancel.CancellationReasons {
			if r := &cancel.CancellationReasons[i]; statements[i].Kind == partiql.Insert && aws.ToString(r.Code) == "ConditionalCheckFailed" {
				r.Code, r.Message = aws.String("DuplicateItem"), aws.String("Duplicate primary key exists in table")
			}
		}
		return nil, canceled(cancel.CancellationReasons)
	}
	if err != nil {
		return nil, err
	}
	out := &dynamodb.ExecuteTransactionOutput{Responses: []types.ItemResponse{}}
	used := &usages{}
	for i, a := range actions {
		if results == nil {
			used.of(a.t.table).add("", 2)
			continue
		}
		used.of(a.t.table).wrote(a.t.table, &results[i], 2)
	}
	out.ConsumedCapacity = used.consumed(in.ReturnConsumedCapacity)
	return out, nil
}

// canceledBy is the error of a transaction that one of its statements cancels before any
// runs.
func canceledBy(err error, i, of int) error {
	reason := reasonOf(err)
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		reason.Code = aws.String("ResourceNotFound")
	} else if !isInvalid(err) {
		return err
	}
	reasons := make([]types.CancellationReason, of)
	reasons[i] = reason
	return canceled(reasons)
}

func (u *usages) consumed(how types.ReturnConsumedCapacity) (out []types.ConsumedCapacity) {
	for _, t := range u.order {
		if c := u.by[t.Name].consumed(t, how, true); c != nil {
			out = append(out, *c)
		}
	}
	return out
}

func checkStatements(n int) error {
	if n == 0 {
		return constraint("'[]' ", "transactStatements", "Member must have length greater than or equal to 1")
	}
	if n > maxTransaction {
		return constraint("", "transactStatements", "Member must have length less than or equal to 100")
	}
	return nil
}

// transactSelects reads items as of one moment.
func (s *Service) transactSelects(ctx context.Context, in *dynamodb.ExecuteTransactionInput, statements []*statement) (*dynamodb.ExecuteTransactionOutput, error) {
	reads := make([]itemstore.Read, len(statements))
	tables := make([]*openTable, len(statements))
	seen := map[string]bool{}
	for i, st := range statements {
		t, err := s.usable(ctx, st.Table)
		if err != nil {
			return nil, canceledBy(err, i, len(statements))
		}
		if st.checkKeys(t.table, t.Hash, t.Range) != nil {
			return nil, canceledBy(invalid(keySchemaMismatch), i, len(statements))
		}
		key, rest := st.primaryKey(t.table)
		if key == nil || len(rest) > 0 {
			return nil, invalid("Validation failed in TransactStatements[%d]: Select statements within ExecuteTransaction must specify the primary key in the where clause.", i)
		}
		id := identity(t.table, key)
		if seen[id] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[id] = true
		reads[i], tables[i] = itemstore.Read{Table: t.items, Key: key}, t
	}
	found, err := s.cfg.Items.GetAll(reads)
	if err != nil {
		return nil, storeError(err)
	}
	out := &dynamodb.ExecuteTransactionOutput{Responses: make([]types.ItemResponse, len(statements))}
	used := &usages{}
	for i, b := range found {
		size := 0
		if b != nil {
			item, err := attr.ParseItem(b)
			if err != nil {
				return nil, err
			}
			size = attr.Size(item)
			out.Responses[i].Item = itemToSDK(statements[i].pick(item))
		}
		used.of(tables[i].table).add("", 2*readUnits(size, true))
	}
	out.ConsumedCapacity = used.consumed(in.ReturnConsumedCapacity)
	return out, nil
}
