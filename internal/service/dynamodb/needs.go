package dynamodb

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/partiql"
)

// This file: what callers need for transactions, for statements, and for a table with a policy. There are no permissions
// for transactions and statements themselves: each item of a transaction needs that of the operation on one item, and
// each statement that of its kind.

// need is the permission for an action on a table, or on an index of it.
func need(c awswire.Caller, action string, name, index *string, keys func() map[string][]string) awswire.Need {
	n := awswire.Need{Action: "dynamodb:" + action, Resource: "*", Keys: keys}
	if on := resource(c, name, index); len(on) > 0 {
		n.Resource = on[0]
	}
	return n
}

// needsOfCreateTable asks for the permission, too, to give the table the policy that it is to have.
func needsOfCreateTable(c awswire.Caller, in *dynamodb.CreateTableInput) []awswire.Need {
	out := []awswire.Need{need(c, "CreateTable", in.TableName, nil, nil)}
	if in.ResourcePolicy != nil {
		out = append(out, need(c, "PutResourcePolicy", in.TableName, nil, nil))
	}
	return out
}

const enclosing = "dynamodb:EnclosingOperation"

func (s *Service) needsOfTransactGet(c awswire.Caller, in *dynamodb.TransactGetItemsInput) (out []awswire.Need) {
	for _, i := range in.TransactItems {
		g := i.Get
		if g == nil {
			continue
		}
		out = append(out, need(c, "GetItem", g.TableName, nil, func() map[string][]string {
			t := s.touched(c)
			t.add(enclosing, "TransactGetItems")
			t.item(g.TableName, g.Key)
			t.names(g.ExpressionAttributeNames, g.ProjectionExpression)
			t.selects("", nil, g.ProjectionExpression, nil)
			return t.consumed(in.ReturnConsumedCapacity)
		}))
	}
	return out
}

func (s *Service) needsOfTransactWrite(c awswire.Caller, in *dynamodb.TransactWriteItemsInput) (out []awswire.Need) {
	add := func(action string, table *string, item map[string]types.AttributeValue, named map[string]string, expressions ...*string) {
		out = append(out, need(c, action, table, nil, func() map[string][]string {
			t := s.touched(c)
			t.add(enclosing, "TransactWriteItems")
			t.item(table, item)
			t.names(named, expressions...)
			return t.consumed(in.ReturnConsumedCapacity)
		}))
	}
	for _, i := range in.TransactItems {
		if p := i.Put; p != nil {
			add("PutItem", p.TableName, p.Item, p.ExpressionAttributeNames, p.ConditionExpression)
		}
		if u := i.Update; u != nil {
			add("UpdateItem", u.TableName, u.Key, u.ExpressionAttributeNames, u.UpdateExpression, u.ConditionExpression)
		}
		if d := i.Delete; d != nil {
			add("DeleteItem", d.TableName, d.Key, d.ExpressionAttributeNames, d.ConditionExpression)
		}
		if k := i.ConditionCheck; k != nil {
			add("ConditionCheckItem", k.TableName, k.Key, k.ExpressionAttributeNames, k.ConditionExpression)
		}
	}
	return out
}

func (s *Service) needsOfExecuteStatement(c awswire.Caller, in *dynamodb.ExecuteStatementInput) []awswire.Need {
	return s.needsOfStatement(nil, c, in.Statement, in.Parameters, "", in.ReturnConsumedCapacity)
}

func (s *Service) needsOfBatchExecuteStatement(c awswire.Caller, in *dynamodb.BatchExecuteStatementInput) (out []awswire.Need) {
	for i, r := range in.Statements {
		n := len(out)
		if out = s.needsOfStatement(out, c, r.Statement, r.Parameters, "", in.ReturnConsumedCapacity); len(out) > n {
			out[n].Part = i + 1 // it is refused by itself
		}
	}
	return out
}

func (s *Service) needsOfExecuteTransaction(c awswire.Caller, in *dynamodb.ExecuteTransactionInput) (out []awswire.Need) {
	for _, r := range in.TransactStatements {
		out = s.needsOfStatement(out, c, r.Statement, r.Parameters, "ExecuteTransaction", in.ReturnConsumedCapacity)
	}
	return out
}

// statementActions are the actions that statements need. EXISTS reads.
var statementActions = map[partiql.Kind]string{
	partiql.Select: "PartiQLSelect", partiql.Exists: "PartiQLSelect",
	partiql.Insert: "PartiQLInsert", partiql.Update: "PartiQLUpdate", partiql.Delete: "PartiQLDelete",
}

// needsOfStatement adds what a statement needs. One that cannot be read needs nothing, and does nothing.
func (s *Service) needsOfStatement(to []awswire.Need, c awswire.Caller, text *string, parameters []types.AttributeValue, within string, capacity types.ReturnConsumedCapacity) []awswire.Need {
	st, err := readStatement(text, parameters, written{})
	if err != nil {
		return to
	}
	return append(to, need(c, statementActions[st.Kind], &st.Table, given(st.Index), func() map[string][]string {
		t := s.touched(c)
		if within != "" {
			t.add(enclosing, within)
		}
		t.statement(st)
		return t.consumed(capacity)
	}))
}

// statement adds what a statement says. Where it does not name the partitions that it is about, their keys are the
// empty text, which no item has: a policy for items of some keys does not let it through.
func (t *touched) statement(st *statement) {
	hashes := t.table(&st.Table).hashes(st.Index)
	scan := len(hashes) == 0
	for i, hash := range hashes {
		values := st.partitions(hash)
		if len(values) == 0 {
			scan = true
			values = []string{""}
		}
		t.partition(i, values...)
	}
	if len(hashes) == 0 {
		t.partition(0, "")
	}
	t.add("dynamodb:Attributes", sortedKeys(st.Item)...)
	t.names(st.Params.Names, &st.Update, &st.Where)
	if st.Kind == partiql.Select {
		for _, c := range st.Columns {
			t.names(st.Params.Names, &c.Path)
		}
		for _, o := range st.Order {
			t.add("dynamodb:Attributes", o.Name)
		}
		var columns *string
		if st.Columns != nil {
			columns = &st.Columns[0].Path
		}
		t.selects("", given(st.Index), columns, nil)
		t.add("dynamodb:FullTableScan", strconv.FormatBool(scan))
		return
	}
	if st.Kind == partiql.Exists {
		return
	}
	returns := string(types.ReturnValueNone)
	if st.Returning != "" {
		which, when, _ := strings.Cut(strings.TrimSuffix(st.Returning, " *"), " ")
		if which == "MODIFIED" {
			which = "UPDATED"
		}
		returns = which + "_" + when
	}
	t.add("dynamodb:ReturnValues", returns)
}

// partitions are the texts of the values that a statement names of an attribute of a partition key.
func (st *statement) partitions(hash string) (out []string) {
	add := func(v attr.Value) bool {
		text, ok := leading(v)
		if ok {
			out = append(out, text)
		}
		return ok
	}
	if st.Kind == partiql.Insert {
		add(st.Item[hash])
		return out
	}
	if st.where == nil {
		return nil
	}
	for _, n := range conjuncts(st.where.Root) {
		if name, b, ok := on(n); ok && name == hash && b.Op == "=" && add(b.Low) {
			return out
		}
	}
	for _, n := range conjuncts(st.where.Root) {
		in, ok := n.(expr.In)
		if !ok || len(in.X.Path) != 1 || in.X.Size || in.X.Path.Attribute() != hash {
			continue
		}
		for _, o := range in.List {
			if o.Value == nil || o.Size || !add(o.Value) {
				return nil
			}
		}
		return out
	}
	return nil
}
