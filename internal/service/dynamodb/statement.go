package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash/fnv"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/partiql"
)

// This file: ExecuteStatement, and what its neighbours share. A SELECT whose WHERE has an
// equality on the partition key reads that partition, any other scans.

// statement is a PartiQL statement, read as far as that goes without its table.
type statement struct {
	*partiql.Statement
	where   *expr.Condition // nil: none
	update  *expr.Update
	columns *expr.Projection // nil: all
}

// statementError words what is wrong with a statement.
func statementError(err error) error {
	var p *partiql.Error
	var e *expr.Error
	switch {
	case errors.As(err, &p):
		return invalid("%s", p.Message)
	case errors.As(err, &e):
		return invalid("%s", e.Message)
	}
	return err
}

func readStatement(text *string, parameters []types.AttributeValue, w written) (*statement, error) {
	values, err := statementValues(parameters, w)
	if err != nil {
		return nil, err
	}
	st, err := partiql.Parse(aws.ToString(text), values)
	if err != nil {
		return nil, statementError(err)
	}
	if st.Invalid != nil && st.Index == "" {
		return nil, statementError(st.Invalid)
	}
	s := &statement{Statement: st}
	if st.Where != "" {
		if s.where, err = expr.ParseDoubled(st.Where, &st.Params); err != nil {
			return nil, statementError(err)
		}
	}
	if st.Update != "" {
		if s.update, err = expr.ParseUpdate(st.Update, &st.Params); err != nil {
			return nil, statementError(err)
		}
	}
	if st.Columns != nil {
		s.columns = &expr.Projection{}
		for _, c := range st.Columns { // one by one, since they may overlap
			one, err := expr.ParseProjection(c.Path, &st.Params)
			if err != nil {
				return nil, statementError(err)
			}
			s.columns.Paths = append(s.columns.Paths, one.Paths...)
		}
	}
	return s, nil
}

// conjuncts are the conditions that all must hold.
func conjuncts(n expr.Node) []expr.Node {
	if and, ok := n.(expr.And); ok {
		return append(conjuncts(and.L), conjuncts(and.R)...)
	}
	return []expr.Node{n}
}

// on tells the attribute that a condition is on, and its bound if it is one of keys.
func on(n expr.Node) (name string, b itemstore.Bound, ok bool) {
	plain := func(o expr.Operand) bool { return len(o.Path) == 1 && !o.Size }
	switch n := n.(type) {
	case expr.Compare:
		l, r, op := n.L, n.R, n.Op
		if !plain(l) && plain(r) {
			l, r, op = r, l, mirrored[op]
		}
		if plain(l) && r.Value != nil && !r.Size && op != "<>" && op != "" {
			return l.Path.Attribute(), itemstore.Bound{Op: op, Low: r.Value}, true
		}
	case expr.Between:
		if plain(n.X) && n.Low.Value != nil && n.High.Value != nil {
			return n.X.Path.Attribute(), itemstore.Bound{Op: "between", Low: n.Low.Value, High: n.High.Value}, true
		}
	case expr.Call:
		if n.Name == "begins_with" && plain(n.Args[0]) && n.Args[1].Value != nil {
			return n.Args[0].Path.Attribute(), itemstore.Bound{Op: "begins_with", Low: n.Args[1].Value}, true
		}
	}
	return "", b, false
}

// split parts the WHERE into conditions on keys, whose hash is nil where it does not name all of it, and the rest.
// partly reports that it names the partition key at all.
func (st *statement) split(d *table, hashes, ranges []string) (k keyed, rest []expr.Node, partly bool) {
	if st.where == nil {
		return k, nil, false
	}
	nodes := conjuncts(st.where.Root)
	bounds := make([]itemstore.Bound, len(nodes))
	of := map[string]int{} // the condition on a key attribute that counts
	for i, n := range nodes {
		name, b, ok := on(n)
		fits := ok && b.Low.Type() == d.typeOf(name) && (b.High == nil || b.High.Type() == d.typeOf(name)) && (b.Op != "begins_with" || b.Low.Type() != attr.TypeNumber)
		if in, ok := n.(expr.In); ok && len(in.X.Path) == 1 && slices.Contains(hashes, in.X.Path.Attribute()) {
			partly = true
		}
		if _, twice := of[name]; !twice && fits && (b.Op == "=" && slices.Contains(hashes, name) || slices.Contains(ranges, name)) {
			bounds[i], of[name] = b, i
		}
	}
	used := map[int]bool{}
	for _, name := range hashes {
		i, ok := of[name]
		if !ok {
			k.hash = nil
			break
		}
		k.hash, used[i] = append(k.hash, bounds[i].Low), true
	}
	for _, name := range ranges {
		i, ok := of[name]
		if !ok || k.bound.Op != "" && k.bound.Op != "=" {
			break
		}
		if k.bound.Op != "" {
			k.equal = append(k.equal, k.bound.Low)
		}
		k.bound, used[i] = bounds[i], true
	}
	for i, n := range nodes {
		if !used[i] {
			rest = append(rest, n)
		}
	}
	return k, rest, partly || k.hash != nil
}

// scalar refuses conditions into an attribute of the key that the statement looks up.
func (st *statement) scalar(keys ...string) error {
	for _, p := range pathsOf(st.where) {
		if name := p.Attribute(); len(p) > 1 && slices.Contains(keys, name) {
			return invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key %s", name)
		}
	}
	return nil
}

// checkKeys refuses values that keys which the WHERE names cannot have.
func (st *statement) checkKeys(d *table, keys ...string) error {
	if err := st.scalar(keys...); err != nil {
		return err
	}
	if st.where == nil {
		return nil
	}
	for _, n := range conjuncts(st.where.Root) {
		name, b, ok := on(n)
		if !ok || name == "" || !slices.Contains(keys, name) {
			continue
		}
		for _, v := range []attr.Value{b.Low, b.High} {
			if v == nil || v.Type() == d.typeOf(name) {
				continue
			}
			switch v.Type() {
			case attr.TypeString, attr.TypeNumber, attr.TypeBinary:
				return invalid("Key attribute's data type should match its data type in table's schema: Key %s", name)
			}
			return invalid("Key value must be of type S, N, or B. Key name: %s, Key type: %s", name, v.Type())
		}
	}
	return nil
}

// twice is a key that the WHERE names by two equalities, or none.
func (st *statement) twice(d *table) string {
	if st.where == nil {
		return ""
	}
	seen := map[string]bool{}
	for _, n := range conjuncts(st.where.Root) {
		name, b, ok := on(n)
		if !ok || b.Op != "=" || name != d.Hash && name != d.Range {
			continue
		}
		if seen[name] {
			return name
		}
		seen[name] = true
	}
	return ""
}

// primaryKey is the key that the WHERE names by equalities on all of its attributes; rest
// are the other conditions. key is nil if it does not.
func (st *statement) primaryKey(d *table) (key attr.Item, rest []expr.Node) {
	k, rest, _ := st.split(d, []string{d.Hash}, sortKey(d.Range))
	if k.hash == nil || d.Range != "" && k.bound.Op != "=" {
		return nil, rest
	}
	key = attr.Item{d.Hash: k.hash[0]}
	if d.Range != "" {
		key[d.Range] = k.bound.Low
	}
	return key, rest
}

// pick is what the columns leave of an item, under their names.
func (st *statement) pick(item attr.Item) attr.Item {
	if st.columns == nil {
		return item
	}
	out := attr.Item{}
	for i, p := range st.columns.Paths {
		if v := p.In(item); v != nil {
			out[st.Columns[i].Name] = v
		}
	}
	return out
}

func allOf(nodes []expr.Node) *expr.Condition { return joined(nodes, "") }

// nextToken is where a SELECT goes on, as a client holds it.
type nextToken struct {
	Of   uint64 `json:"s"` // of the statement
	Key  []byte `json:"k"` // stored form
	Made int64  `json:"t"`
}

func statementHash(text string, parameters []types.AttributeValue) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	b, _ := json.Marshal(parameters) // plain values
	h.Write(b)
	return h.Sum64()
}

// selectPage makes the page that a SELECT asks for.
func (s *Service) selectPage(ctx context.Context, st *statement, consistent bool, limit *int32) (*page, error) {
	t, err := s.usable(ctx, st.Table)
	if err != nil {
		return nil, err
	}
	p := &page{t: t, consistent: consistent}
	if limit != nil {
		p.limit = int(*limit)
	}
	hashes, ranges, id := []string{t.Hash}, sortKey(t.Range), uint16(0)
	if st.Index != "" {
		if p.index = t.table.index(st.Index); p.index == nil {
			return nil, invalid("The table does not have the specified index")
		}
		if err := st.readable(p.index); err != nil {
			return nil, err
		}
		if err := p.index.filled(); err != nil {
			return nil, err
		}
		if consistent && !p.index.Local {
			return nil, invalid("Strongly consistent read is not supported on Global Secondary Indexes")
		}
		hashes, ranges, id = p.index.hashes(), p.index.ranges(), p.index.ID
	}
	if err := st.checkKeys(t.table, append(slices.Clone(hashes), ranges...)...); err != nil {
		return nil, err
	}
	k, rest, partly := st.split(t.table, hashes, ranges)
	p.filter = allOf(rest)
	if p.index != nil && p.index.Projection != string(types.ProjectionTypeAll) {
		held := t.projected(p.index)
		if missing := notHeld(pathsIn(st.columns), held); len(missing) > 0 {
			if !p.index.Local {
				return nil, invalidValue("Global secondary index %s does not project [%s]", p.index.Name, commas(missing))
			}
			p.fetch = true
		}
		if missing := notHeld(pathsOf(p.filter), held); len(missing) > 0 && partly {
			return nil, invalidValue("Secondary index %s does not project one or more filter attributes: [%s]", p.index.Name, commas(missing))
		}
	}
	for _, o := range st.Order {
		if st.where == nil {
			return nil, invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
		}
		if !slices.Contains(hashes, o.Name) && !slices.Contains(ranges, o.Name) {
			return nil, invalid("Attribute %s in ORDER BY clause must be part of the primary key", o.Name)
		}
		if k.hash == nil {
			return nil, invalid("Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.")
		}
	}
	if st.overlapping(hashes[0], ranges) {
		return nil, invalid("Overlapping conditions with range keys are not supported in where clause")
	}
	reverse := slices.ContainsFunc(st.Order, func(o partiql.Order) bool { return o.Desc && slices.Contains(ranges, o.Name) })
	if k.hash != nil {
		p.items = t.items.QueryKeys(id, k.hash, k.equal, k.bound, reverse)
	} else {
		p.items = t.items.Scan(id, 0, 1)
		if st.where != nil {
			p.filter = st.where // with the bound on the sort key
		}
	}
	if p.index == nil && k.hash != nil {
		p.used.hash = k.hash[0]
	}
	return p, s.admit(demand{table: t.table, index: indexName(p.index), hash: p.used.hash})
}

// readable reports what a statement cannot do with an index, whatever else it says.
func (st *statement) readable(x *index) error {
	if len(x.MoreHash)+len(x.MoreRange) > 0 {
		return invalid("PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE keys.")
	}
	if st.Invalid != nil {
		return statementError(st.Invalid)
	}
	return nil
}

// overlapping reports whether two branches of an OR are about one partition where one of them
// has a condition on the sort key and the other none. One that has only negated ones is taken.
func (st *statement) overlapping(hash string, ranges []string) bool {
	if st.where == nil || len(ranges) == 0 {
		return false
	}
	type branch struct {
		hash           attr.Value
		bound, negated bool
	}
	var seen []branch
	for _, d := range disjuncts(st.where.Root) {
		var b branch
		for _, n := range conjuncts(d) {
			name, bound, ok := on(n)
			switch {
			case ok && name == hash && bound.Op == "=":
				b.hash = bound.Low
			case ok && name == ranges[0]:
				b.bound = true
			case !ok && slices.ContainsFunc((&expr.Condition{Root: n}).Paths(), func(p expr.Path) bool { return p.Attribute() == ranges[0] }):
				b.negated = true
			}
		}
		for _, o := range seen {
			if b.hash != nil && o.hash != nil && attr.Equal(b.hash, o.hash) && b.bound != o.bound && !b.negated && !o.negated {
				return true
			}
		}
		seen = append(seen, b)
	}
	return false
}

// disjuncts are the conditions of which one must hold.
func disjuncts(n expr.Node) []expr.Node {
	if or, ok := n.(expr.Or); ok {
		return append(disjuncts(or.L), disjuncts(or.R)...)
	}
	return []expr.Node{n}
}

// ExecuteStatement runs one statement.
func (s *Service) ExecuteStatement(ctx context.Context, in *dynamodb.ExecuteStatementInput, _ ...func(*dynamodb.Options)) (*dynamodb.ExecuteStatementOutput, error) {
	st, err := readStatement(in.Statement, in.Parameters, writtenIn(ctx, "", 0))
	if err != nil {
		return nil, err
	}
	switch st.Kind {
	case partiql.Exists:
		return nil, invalid(onlyExists)
	case partiql.Select:
		return s.executeSelect(ctx, st, in)
	}
	item, t, u, err := s.executeWrite(ctx, st, in.ReturnValuesOnConditionCheckFailure)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.ExecuteStatementOutput{Items: []map[string]types.AttributeValue{}, ConsumedCapacity: u.consumed(t.table, in.ReturnConsumedCapacity, false)}
	if item != nil {
		out.Items = append(out.Items, itemToSDK(item))
	}
	return out, nil
}

func (s *Service) executeSelect(ctx context.Context, st *statement, in *dynamodb.ExecuteStatementInput) (*dynamodb.ExecuteStatementOutput, error) {
	p, err := s.selectPage(ctx, st, isTrue(in.ConsistentRead), in.Limit)
	if err != nil {
		return nil, err
	}
	hash := statementHash(aws.ToString(in.Statement), in.Parameters)
	if in.NextToken != nil {
		var tok nextToken
		b, err := base64.StdEncoding.DecodeString(*in.NextToken)
		if err != nil || json.Unmarshal(b, &tok) != nil {
			return nil, invalid("Invalid NextToken")
		}
		if tok.Of != hash {
			return nil, invalid("NextToken does not match request")
		}
		key, err := attr.ParseItem(tok.Key)
		if err != nil {
			return nil, invalid("Invalid NextToken")
		}
		if err := p.fromItem(key); err != nil {
			return nil, err
		}
	}
	out := &dynamodb.ExecuteStatementOutput{Items: []map[string]types.AttributeValue{}}
	p.each = func(stored []byte, item attr.Item) error {
		if item == nil {
			var err error
			if item, err = attr.ParseItem(stored); err != nil {
				return err
			}
		}
		out.Items = append(out.Items, itemToSDK(st.pick(item)))
		return nil
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	s.spend(p.t.table, &p.used)
	if p.last != nil {
		b, err := json.Marshal(nextToken{Of: hash, Key: attr.AppendItem(nil, p.last), Made: s.now().Unix()})
		if err != nil {
			return nil, err
		}
		out.NextToken = aws.String(base64.StdEncoding.EncodeToString(b))
		out.LastEvaluatedKey = itemToSDK(p.last)
	}
	out.ConsumedCapacity = p.used.consumed(p.t.table, in.ReturnConsumedCapacity, false)
	return out, nil
}

const onlyExists = "EXISTS can only be used in ExecuteTransaction write requests."

const noKeyEquality = "Where clause does not contain a mandatory equality on all key attributes"

// writeAction makes the action that a statement that writes is.
func (s *Service) writeAction(ctx context.Context, st *statement, show bool) (*action, error) {
	t, err := s.usable(ctx, st.Table)
	if err != nil {
		return nil, err
	}
	a := &action{t: t, table: st.Table, show: show}
	if st.Kind == partiql.Insert {
		for _, name := range []string{t.Hash, t.Range} {
			v, ok := st.Item[name]
			if !ok || v.Type() == t.typeOf(name) {
				continue
			}
			switch v.Type() {
			case attr.TypeString, attr.TypeNumber, attr.TypeBinary:
				return nil, invalid("Key attribute's data type should match its data type in table's schema: Key %s", name)
			}
			return nil, invalid("Key value must be of type S, N, or B. Key name: %s, Key type: %s", name, v.Type())
		}
		a.kind, a.item, a.key, a.size = "Put", st.Item, st.Item, attr.Size(st.Item)
		for _, v := range a.item {
			if attr.Depth(v) > maxDepth {
				return nil, invalid(grownDeep)
			}
		}
		if err := itemTooLarge(a.item); err != nil {
			return nil, err
		}
		a.cond = absent{t.Hash}
		return a, nil
	}
	if err := st.checkKeys(t.table, t.Hash, t.Range); err != nil {
		return nil, err
	}
	if name := st.twice(t.table); name != "" {
		return nil, invalid("Multiple conditions on same key %s. Only single item Update/Insert/Delete are supported", name)
	}
	key, rest := st.primaryKey(t.table)
	if key == nil {
		return nil, invalid(noKeyEquality)
	}
	a.key = key
	switch st.Kind {
	case partiql.Update:
		a.kind, a.update = "Update", st.update
		a.cond = present{allOf(rest)}
	case partiql.Delete:
		a.kind = "Delete"
		if len(rest) > 0 {
			a.cond = ifPresent{allOf(rest)}
		}
	case partiql.Exists:
		if len(rest) == 0 {
			return nil, errBareExists
		}
		a.kind = "ConditionCheck"
		a.cond = present{allOf(rest)}
	}
	return a, nil
}

// errBareExists refuses an EXISTS that has nothing to check.
var errBareExists = invalid("EXISTS() must contain a single item read with additional condition")

// absent is the condition that there is no item, present that there is one for which
// another condition holds.
type absent struct{ hash string }

func (c absent) Eval(item attr.Item) bool { return item[c.hash] == nil }

// ifPresent is a condition on an item that need not be there.
type ifPresent struct{ also *expr.Condition }

func (c ifPresent) Eval(item attr.Item) bool { return item == nil || c.also.Eval(item) }

type present struct{ also *expr.Condition }

func (c present) Eval(item attr.Item) bool { return item != nil && c.also.Eval(item) }

// executeWrite runs one statement that writes. item is what RETURNING asks for.
func (s *Service) executeWrite(ctx context.Context, st *statement, show types.ReturnValuesOnConditionCheckFailure) (attr.Item, *openTable, *usage, error) {
	a, err := s.writeAction(ctx, st, showOld(show))
	if err != nil {
		return nil, nil, nil, err
	}
	if err := a.check(); err != nil {
		return nil, nil, nil, err
	}
	if a.failed != nil {
		return nil, nil, nil, a.failed
	}
	r, u, err := s.writeOne(a.t, a.op())
	if err != nil {
		var failed *types.ConditionalCheckFailedException
		if st.Kind == partiql.Insert && errors.As(err, &failed) {
			err = &types.DuplicateItemException{Message: aws.String("Duplicate primary key exists in table")}
		}
		return nil, nil, nil, err
	}
	var item attr.Item
	switch st.Returning {
	case "ALL OLD *":
		item = r.Old
	case "ALL NEW *":
		item = r.New
	case "MODIFIED OLD *":
		item = returned(types.ReturnValueUpdatedOld, st.update, r)
	case "MODIFIED NEW *":
		item = returned(types.ReturnValueUpdatedNew, st.update, r)
	}
	return item, a.t, u, nil
}
