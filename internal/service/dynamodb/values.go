package dynamodb

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// maxDepth is how deep lists and maps may be nested in an item.
const maxDepth = 32

const tooDeep = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"

// fromSDK turns a value of the SDK into one of ours, or says what is wrong with it.
func fromSDK(v types.AttributeValue) (attr.Value, error) { return fromSDKAt(v, 0) }

func fromSDKAt(v types.AttributeValue, depth int) (attr.Value, error) {
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
		return attr.Null{}, nil
	case *types.AttributeValueMemberL:
		if depth++; depth > maxDepth {
			return nil, invalid(tooDeep)
		}
		out := make(attr.List, len(v.Value))
		for i, e := range v.Value {
			x, err := fromSDKAt(e, depth)
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
		return out, nil
	case *types.AttributeValueMemberM:
		if depth++; depth > maxDepth {
			return nil, invalid(tooDeep)
		}
		return mapFromSDK(v.Value, depth)
	case *types.AttributeValueMemberSS:
		return stringSet(v.Value)
	case *types.AttributeValueMemberNS:
		return numberSet(v.Value)
	case *types.AttributeValueMemberBS:
		return binarySet(v.Value)
	}
	return nil, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

func parseNumber(s string) (attr.Value, error) {
	n, err := attr.ParseNumber(s)
	if err != nil {
		return nil, numberError(s, err)
	}
	return n, nil
}

func stringSet(in []string) (attr.Value, error) {
	if len(in) == 0 {
		return nil, invalidValue("An string set  may not be empty")
	}
	seen := make(map[string]bool, len(in))
	for _, e := range in {
		if seen[e] {
			return nil, invalidValue("Input collection [%s] contains duplicates.", strings.Join(in, ", "))
		}
		seen[e] = true
	}
	if slices.Contains(in, "") {
		return nil, invalidValue("An string set may not have a empty string as a member")
	}
	return attr.StringSet(in), nil
}

func numberSet(in []string) (attr.Value, error) {
	if len(in) == 0 {
		return nil, invalidValue("An number set  may not be empty")
	}
	out := make(attr.NumberSet, len(in))
	seen := make(map[attr.Number]bool, len(in))
	for i, e := range in {
		n, err := attr.ParseNumber(e)
		if err != nil {
			return nil, numberError(e, err)
		}
		if seen[n] {
			return nil, invalid("Input collection contains duplicates")
		}
		seen[n] = true
		out[i] = n
	}
	return out, nil
}

func binarySet(in [][]byte) (attr.Value, error) {
	if len(in) == 0 {
		return nil, invalidValue("Binary sets should not be empty")
	}
	for i, e := range in {
		if len(e) == 0 {
			return nil, invalidValue("Binary sets may not contain null or empty values")
		}
		if slices.ContainsFunc(in[:i], func(x []byte) bool { return bytes.Equal(x, e) }) {
			return nil, invalidValue("Input collection [%s]of type BS contains duplicates.", strings.TrimSuffix(strings.Repeat("java.nio.HeapByteBuffer, ", len(in)), ", "))
		}
	}
	return attr.BinarySet(in), nil
}

func mapFromSDK(m map[string]types.AttributeValue, depth int) (attr.Map, error) {
	if m == nil {
		return nil, nil
	}
	out := make(attr.Map, len(m))
	var first error
	firstName := ""
	for name, e := range m {
		v, err := fromSDKAt(e, depth)
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
func itemFromSDK(m map[string]types.AttributeValue) (attr.Item, error) { return mapFromSDK(m, 0) }

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
