package dynamodb

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// maxDepth is how deep lists and maps may be nested in an attribute: the value in the
// innermost is at the 32nd level.
const maxDepth = 31

const (
	tooDeep   = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
	grownDeep = "Nesting Levels have exceeded supported limits" // of an item that is updated
	falseNull = "One or more parameter values were invalid: Null attribute value types must have the value of true"
	noValue   = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
)

// badValue is a value that is refused. AWS moves one operation after another to a newer
// layer that checks requests, which has words of its own for some values: the error is
// worded as the newer one does.
type badValue struct {
	error
	older error // as the older layer says it
	empty bool  // a set or a value without anything in it
}

func (b *badValue) Unwrap() error { return b.error }

func refusedValue(text string) *badValue {
	err := invalid("%s", text)
	return &badValue{error: err, older: err}
}

// older is the error as operations say it that AWS has not moved to its newer layer.
func older(err error) error {
	var b *badValue
	if errors.As(err, &b) {
		return b.older
	}
	return err
}

// fromSDK turns a value of the SDK into one of ours, or says what is wrong with it.
func fromSDK(v types.AttributeValue) (attr.Value, error) { return fromSDKAt(v, 0, maxDepth) }

func fromSDKAt(v types.AttributeValue, depth, most int) (attr.Value, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return attr.String(v.Value), nil
	case *types.AttributeValueMemberN:
		return parseNumber(v.Value)
	case *types.AttributeValueMemberB:
		return attr.Binary(v.Value), nil
	case *types.AttributeValueMemberBOOL:
		return attr.Bool(v.Value), nil
	case *types.AttributeValueMemberNULL:
		if !v.Value {
			return nil, refusedValue(falseNull)
		}
		return attr.Null{}, nil
	case *types.AttributeValueMemberL:
		if depth++; depth > most {
			return nil, refusedValue(tooDeep)
		}
		out := make(attr.List, len(v.Value))
		for i, e := range v.Value {
			x, err := fromSDKAt(e, depth, most)
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
		return out, nil
	case *types.AttributeValueMemberM:
		if depth++; depth > most {
			return nil, refusedValue(tooDeep)
		}
		return mapFromSDK(v.Value, depth, most)
	case *types.AttributeValueMemberSS:
		return stringSet(v.Value)
	case *types.AttributeValueMemberNS:
		return numberSet(v.Value)
	case *types.AttributeValueMemberBS:
		return binarySet(v.Value)
	}
	b := refusedValue(noValue)
	b.empty = true
	return nil, b
}

func parseNumber(s string) (attr.Value, error) {
	n, err := attr.ParseNumber(s)
	if err != nil {
		return nil, badNumber(s, err)
	}
	return n, nil
}

func badNumber(s string, err error) error {
	b := &badValue{error: numberError(s, err), older: numberError(s, attr.Error32(s, err))}
	if s == "" {
		b.error = invalid("The parameter cannot be converted to a numeric value: ")
	}
	return b
}

func emptySet(text string) error {
	b := refusedValue("One or more parameter values were invalid: " + text)
	b.empty = true
	return b
}

func doubled(newer, older string) error {
	return &badValue{error: invalidValue("Input collection %scontains duplicates.", newer), older: invalid("%s", older)}
}

// firstDoubled lists members of a set that holds one of them twice as the newer layer does:
// those before the second one of it in their order, it, then the others as they came.
func firstDoubled(in []string) []string {
	seen := make(map[string]bool, len(in))
	for i, e := range in {
		if seen[e] {
			out := slices.Clone(in[:i])
			slices.Sort(out)
			return append(out, in[i:]...)
		}
		seen[e] = true
	}
	return in
}

func quotedList(in []string, between string) string {
	return `["` + strings.Join(in, `"`+between+`"`) + `"]`
}

func stringSet(in []string) (attr.Value, error) {
	if len(in) == 0 {
		return nil, emptySet("An string set  may not be empty")
	}
	seen := make(map[string]bool, len(in))
	for _, e := range in {
		if seen[e] {
			return nil, doubled(quotedList(firstDoubled(in), ", ")+" ", "One or more parameter values were invalid: Input collection ["+commas(in)+"] contains duplicates.")
		}
		seen[e] = true
	}
	return attr.StringSet(slices.Sorted(slices.Values(in))), nil
}

func numberSet(in []string) (attr.Value, error) {
	if len(in) == 0 {
		return nil, emptySet("An number set  may not be empty")
	}
	out := make(attr.NumberSet, len(in))
	seen := make(map[attr.Number]bool, len(in))
	for i, e := range in {
		n, err := attr.ParseNumber(e)
		if err != nil {
			return nil, badNumber(e, err)
		}
		if seen[n] {
			return nil, doubled("", "Input collection contains duplicates")
		}
		seen[n] = true
		out[i] = n
	}
	slices.SortFunc(out, attr.Number.Compare)
	return out, nil
}

func binarySet(in [][]byte) (attr.Value, error) {
	if len(in) == 0 {
		return nil, emptySet("Binary sets should not be empty")
	}
	seen := make(map[string]bool, len(in))
	for _, e := range in {
		if seen[string(e)] {
			texts, raw := make([]string, len(in)), make([]string, len(in))
			for i, b := range in {
				texts[i], raw[i] = base64.StdEncoding.EncodeToString(b), string(b)
			}
			ordered := firstDoubled(raw)
			for i, b := range ordered {
				ordered[i] = base64.StdEncoding.EncodeToString([]byte(b))
			}
			return nil, doubled(quotedList(ordered, ",")+"of type BS ", "One or more parameter values were invalid: Input collection ["+commas(texts)+"]of type BS contains duplicates.")
		}
		seen[string(e)] = true
	}
	return attr.BinarySet(slices.SortedFunc(slices.Values(in), bytes.Compare)), nil
}

func mapFromSDK(m map[string]types.AttributeValue, depth, most int) (attr.Map, error) {
	if m == nil {
		return nil, nil
	}
	out := make(attr.Map, len(m))
	var first error
	firstName := ""
	for name, e := range m {
		v, err := fromSDKAt(e, depth, most)
		if wrong := wrongName(name); wrong != "" {
			err = refusedValue(wrong)
		}
		if err != nil && (first == nil || name < firstName) {
			first, firstName = err, name // the same error for the same request
		}
		out[name] = v
	}
	if first != nil {
		return nil, first
	}
	return out, nil
}

// itemFromSDK turns an item, or a key, of the SDK into ours.
func itemFromSDK(m map[string]types.AttributeValue) (attr.Item, error) {
	return mapFromSDK(m, 0, maxDepth)
}

// olderItem is itemFromSDK for operations that AWS has not moved to its newer layer.
func olderItem(m map[string]types.AttributeValue) (attr.Item, error) {
	item, err := itemFromSDK(m)
	return item, older(err)
}

// appendItem is the JSON of an item.
func appendItem(item attr.Item) []byte { return attr.AppendJSON(nil, item) }

// toSDK turns a value of ours into one of the SDK.
func toSDK(v attr.Value) types.AttributeValue {
	switch v := v.(type) {
	case attr.String:
		return &types.AttributeValueMemberS{Value: string(v)}
	case attr.Number:
		return &types.AttributeValueMemberN{Value: string(v)}
	case attr.Binary:
		return &types.AttributeValueMemberB{Value: v}
	case attr.Bool:
		return &types.AttributeValueMemberBOOL{Value: bool(v)}
	case attr.Null:
		return &types.AttributeValueMemberNULL{Value: true}
	case attr.List:
		out := make([]types.AttributeValue, len(v))
		for i, e := range v {
			out[i] = toSDK(e)
		}
		return &types.AttributeValueMemberL{Value: out}
	case attr.Map:
		return &types.AttributeValueMemberM{Value: itemToSDK(v)}
	case attr.StringSet:
		return &types.AttributeValueMemberSS{Value: v}
	case attr.NumberSet:
		out := make([]string, len(v))
		for i, n := range v {
			out[i] = string(n)
		}
		return &types.AttributeValueMemberNS{Value: out}
	case attr.BinarySet:
		return &types.AttributeValueMemberBS{Value: v}
	}
	panic(fmt.Sprintf("dynamodb: a value of type %T", v))
}

func itemToSDK(item attr.Item) map[string]types.AttributeValue {
	if item == nil {
		return nil
	}
	out := make(map[string]types.AttributeValue, len(item))
	for name, v := range item {
		out[name] = toSDK(v)
	}
	return out
}
