package dynamodb

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

const (
	maxItem     = 400 << 10
	maxHashKey  = itemstore.MaxHashKey
	maxRangeKey = itemstore.MaxRangeKey
)

// isName reports whether n is of the letters that names of tables and indexes have.
func isName(n string) bool {
	for i := range len(n) {
		switch c := n[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return n != ""
}

// checkTableName checks a TableName that may be an ARN.
func checkTableName(n string) error {
	switch {
	case n == "":
		return constraint("", "TableName", "Member must have length greater than or equal to 1")
	case strings.HasPrefix(n, "arn:"):
		return nil
	}
	return checkNewName(n, "tableName")
}

// checkNewName checks the name of a table or index.
func checkNewName(n, path string) error {
	if rule := brokenName(n); rule != "" {
		return constraint("'"+n+"' ", path, rule)
	}
	return nil
}

// brokenName is the first rule that a name of a table or index does not satisfy, or none.
func brokenName(n string) string {
	switch {
	case !isName(n):
		return "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
	case len(n) < 3:
		return "Member must have length greater than or equal to 3"
	case len(n) > 255:
		return "Member must have length less than or equal to 255"
	}
	return ""
}

// parameters reports which parameters of a request are of expressions, and which are of the
// older kind.
type parameters struct{ plain, expression []string }

func (p *parameters) old(name string, given bool) {
	if given {
		p.plain = append(p.plain, name)
	}
}

func (p *parameters) new(name string, given bool) {
	if given {
		p.expression = append(p.expression, name)
	}
}

// check refuses a request that has both kinds.
func (p *parameters) check() error {
	if len(p.plain) > 0 && len(p.expression) > 0 {
		return invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}",
			strings.Join(p.plain, ", "), strings.Join(p.expression, ", "))
	}
	return nil
}

// wording is how an operation words what is wrong with a request.
type wording struct {
	enveloped bool   // in the form that broken constraints have
	older     bool   // in the words of AWS's older layer
	olderSets bool   // in those words, what is wrong with numbers and members of sets
	named     bool   // a value that is empty is told with its key
	absent    string // after values without an expression
}

// The wordings of the operations.
var (
	writeWords = wording{enveloped: true}
	readWords  = wording{}
	queryWords = wording{named: true, absent: ": FilterExpression is null and KeyConditionExpression is null"}
	scanWords  = wording{olderSets: true, absent: ": FilterExpression is null"}
	batchWords = wording{older: true}
)

// maxName is the most bytes of the name of an attribute.
const maxName = 65535

// wrongName tells what is wrong with the name of an attribute, "" for nothing.
func wrongName(name string) string {
	switch {
	case name == "":
		return "Empty attribute name"
	case len(name) > maxName:
		return "Attribute name is too large, must be less than 65536 bytes"
	}
	return ""
}

// largeName is the error for the name of an attribute in a parameter that expressions replaced.
func largeName(name string) error {
	if len(name) > maxName {
		return invalid("%s", wrongName(name))
	}
	return nil
}

const envelope = "1 validation error detected: "

var constraintForm = regexp.MustCompile(`^\d+ validation errors? detected: |^(ExpressionAttributeValues contains invalid value: )?Supplied AttributeValue `)

// wrap words an error of a request that has not been held against its table.
func (w wording) wrap(err error) error {
	if err == nil {
		return nil
	}
	if w.older || w.olderSets {
		return older(err)
	}
	var bare bareError
	if errors.As(err, &bare) {
		return bare.error
	}
	if m := message(err); w.enveloped && isInvalid(err) && !constraintForm.MatchString(m) {
		return invalid("%s%s", envelope, m)
	}
	return err
}

// key words what is wrong with the values of a key.
func (w wording) key(err error) error {
	var b *badValue
	if errors.As(err, &b) && b.empty {
		return err
	}
	return w.wrap(err)
}

func isInvalid(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}

// value words what is wrong with the value of an expression.
func (w wording) value(key string, err error) error {
	var b *badValue
	if !errors.As(err, &b) {
		return err
	}
	m := message(err)
	switch {
	case w.olderSets && b.older != b.error:
		m = message(b.older)
	case w.older && (m == noValue || m == falseNull), !w.older && !b.empty, m == noValue && !w.named:
		return err
	case w.older:
		m = message(b.older)
	}
	return invalid("ExpressionAttributeValues contains invalid value: %s for key %s", m, key)
}

// expressionParams makes the parameters that expressions share. given says whether the
// request has an expression at all.
func expressionParams(w wording, names map[string]string, values map[string]types.AttributeValue, given ...*string) (*expr.Params, error) {
	has := slices.ContainsFunc(given, func(s *string) bool { return s != nil })
	if names != nil {
		if !has {
			return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
		}
		if len(names) == 0 {
			return nil, invalid("ExpressionAttributeNames must not be empty")
		}
		for _, k := range sortedKeys(names) {
			if len(k) < 2 || k[0] != '#' || strings.ContainsFunc(k[1:], notWord) {
				return nil, invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: \"%s\"", k)
			}
			if wrong := wrongName(names[k]); wrong != "" {
				return nil, invalid("ExpressionAttributeNames contains invalid value: %s for key %s", wrong, k)
			}
		}
	}
	p := &expr.Params{Names: names}
	if values != nil {
		if !has {
			return nil, invalid("ExpressionAttributeValues can only be specified when using expressions%s", w.absent)
		}
		if len(values) == 0 {
			return nil, invalid("ExpressionAttributeValues must not be empty")
		}
		most := maxDepth
		if w.older {
			most++ // what is only compared may be a level deeper
		}
		p.Values = make(map[string]attr.Value, len(values))
		for _, k := range sortedKeys(values) {
			if len(k) < 2 || k[0] != ':' || strings.ContainsFunc(k[1:], notWord) {
				return nil, invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: \"%s\"", k)
			}
			v, err := fromSDKAt(values[k], 0, most)
			if err != nil {
				return nil, w.value(k, err)
			}
			p.Values[k] = v
		}
	}
	return p, nil
}

func notWord(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// message is the text of an error of ours without its code.
func message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}

// unused refuses names and values that no expression has used.
func unused(p *expr.Params) error {
	names, values := p.Unused()
	if len(names) > 0 {
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", strings.Join(names, ", "))
	}
	if len(values) > 0 {
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", strings.Join(values, ", "))
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// scalarKeys refuses paths into attributes that are keys, of the table or of an index.
func scalarKeys(d *table, paths []expr.Path) error {
	into := func(name string) bool {
		return name != "" && slices.ContainsFunc(paths, func(p expr.Path) bool { return len(p) > 1 && p.Attribute() == name })
	}
	const rule = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed"
	for _, name := range []string{d.Hash, d.Range} {
		if into(name) {
			return invalid(rule+": Key: %s", name)
		}
	}
	for i := range d.Indexes {
		for _, name := range d.Indexes[i].keys() {
			if into(name) {
				return invalid(rule+": IndexKey: %s", name)
			}
		}
	}
	return nil
}

func emptyKeyValue(v attr.Value) string {
	switch v := v.(type) {
	case attr.String:
		if v == "" {
			return "string"
		}
	case attr.Binary:
		if len(v) == 0 {
			return "binary"
		}
	}
	return ""
}

// checkKey checks the Key of a request: the key's attributes and no others.
func checkKey(d *table, key attr.Item) error {
	want := 1
	if d.Range != "" {
		want = 2
	}
	for _, name := range []string{d.Hash, d.Range} {
		if name == "" {
			continue
		}
		v, ok := key[name]
		if !ok || v.Type() != d.typeOf(name) || len(key) != want {
			return invalid(keySchemaMismatch)
		}
	}
	return checkKeyValues(d, key)
}

// checkKeyValues checks the values of a key whose types are right.
func checkKeyValues(d *table, key attr.Item) error {
	for _, name := range []string{d.Hash, d.Range} {
		if name == "" {
			continue
		}
		if kind := emptyKeyValue(key[name]); kind != "" {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, name)
		}
	}
	if n := attr.ValueSize(key[d.Hash]); n > maxHashKey {
		return invalidValue("Size of hashkey has exceeded the maximum size limit of%d bytes", maxHashKey)
	}
	if d.Range != "" && attr.ValueSize(key[d.Range]) > maxRangeKey {
		return invalidValue("Aggregated size of all range keys has exceeded the size limit of %d bytes", maxRangeKey)
	}
	return nil
}

// checkItem checks the keys of an item that is put: of the table, then of its indexes.
func checkItem(d *table, item attr.Item) error {
	for _, name := range []string{d.Hash, d.Range} {
		if name == "" {
			continue
		}
		v, ok := item[name]
		if !ok {
			return invalidValue("Missing the key %s in the item", name)
		}
		if v.Type() != d.typeOf(name) {
			return invalidValue("Type mismatch for key %s expected: %s actual: %s", name, d.typeOf(name), v.Type())
		}
	}
	if err := checkKeyValues(d, item); err != nil {
		return err
	}
	return checkIndexKeys(d, item, nil)
}

// checkIndexKeys checks the attributes of an item that are keys of indexes. With update
// not nil only the attributes that it names are checked, and worded as an update's.
func checkIndexKeys(d *table, item attr.Item, update map[string]bool) error {
	for _, x := range sortedIndexes(d) {
		hashes, ranges := x.hashes(), x.ranges()
		for i, name := range slices.Concat(hashes, ranges) {
			v, ok := item[name]
			if !ok || update != nil && !update[name] {
				continue
			}
			if v.Type() != d.typeOf(name) {
				return invalidValue("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, d.typeOf(name), v.Type(), x.Name)
			}
			kind := emptyKeyValue(v)
			if kind != "" && update != nil {
				return invalid("One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty %s value.", kind)
			}
			if kind != "" {
				return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kind, x.Name, name)
			}
			if i < len(hashes) && sizeOf(item, hashes) > maxHashKey {
				return invalidValue("Size of hashkey has exceeded the maximum size limit of%d bytes", maxHashKey)
			}
			if i >= len(hashes) && sizeOf(item, ranges) > maxRangeKey {
				return invalidValue("Aggregated size of all range keys has exceeded the size limit of %d bytes", maxRangeKey)
			}
		}
	}
	return nil
}

// sizeOf is the bytes of the values that an item has of attributes.
func sizeOf(item attr.Item, names []string) (n int) {
	for _, name := range names {
		if v, ok := item[name]; ok {
			n += attr.ValueSize(v)
		}
	}
	return n
}

// sortedIndexes are the indexes in the order in which AWS looks at them: by name.
func sortedIndexes(d *table) []index {
	out := slices.Clone(d.Indexes)
	slices.SortFunc(out, func(a, b index) int { return strings.Compare(a.Name, b.Name) })
	return out
}
