package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// appendPlain appends a value as plain JSON: sets are arrays, binaries base64.
func appendPlain(dst []byte, v types.AttributeValue) []byte {
	list := func(n int, each func(i int) []byte) []byte {
		dst = append(dst, '[')
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, each(i)...)
		}
		return append(dst, ']')
	}
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return append(dst, quote(v.Value)...)
	case *types.AttributeValueMemberN:
		return append(dst, v.Value...)
	case *types.AttributeValueMemberBOOL:
		return fmt.Appendf(dst, "%t", v.Value)
	case *types.AttributeValueMemberB:
		return append(dst, quote(base64.StdEncoding.EncodeToString(v.Value))...)
	case *types.AttributeValueMemberL:
		return list(len(v.Value), func(i int) []byte { return appendPlain(nil, v.Value[i]) })
	case *types.AttributeValueMemberSS:
		return list(len(v.Value), func(i int) []byte { return quote(v.Value[i]) })
	case *types.AttributeValueMemberNS:
		return list(len(v.Value), func(i int) []byte { return []byte(v.Value[i]) })
	case *types.AttributeValueMemberBS:
		return list(len(v.Value), func(i int) []byte { return quote(base64.StdEncoding.EncodeToString(v.Value[i])) })
	case *types.AttributeValueMemberM:
		dst = append(dst, '{')
		for i, n := range sortedNames(v.Value) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, quote(n)...), ':')
			dst = appendPlain(dst, v.Value[n])
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// appendTyped appends a value in DynamoDB's JSON; bare leaves a map's own type out.
func appendTyped(dst []byte, v types.AttributeValue, bare bool) []byte {
	if m, ok := v.(*types.AttributeValueMemberM); ok {
		if !bare {
			dst = append(dst, `{"M":`...)
		}
		dst = append(dst, '{')
		for i, n := range sortedNames(m.Value) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, quote(n)...), ':')
			dst = appendTyped(dst, m.Value[n], false)
		}
		dst = append(dst, '}')
		if !bare {
			dst = append(dst, '}')
		}
		return dst
	}
	kind := "NULL"
	var plain any = true
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		kind, plain = "S", v.Value
	case *types.AttributeValueMemberN:
		kind, plain = "N", v.Value
	case *types.AttributeValueMemberB:
		kind, plain = "B", v.Value
	case *types.AttributeValueMemberBOOL:
		kind, plain = "BOOL", v.Value
	case *types.AttributeValueMemberSS:
		kind, plain = "SS", v.Value
	case *types.AttributeValueMemberNS:
		kind, plain = "NS", v.Value
	case *types.AttributeValueMemberBS:
		kind, plain = "BS", v.Value
	case *types.AttributeValueMemberL:
		dst = append(dst, `{"L":[`...)
		for i, e := range v.Value {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendTyped(dst, e, false)
		}
		return append(dst, "]}"...)
	}
	b, _ := json.Marshal(plain) // plain values
	return append(append(append(append(dst, `{"`...), kind...), `":`...), append(b, '}')...)
}

// itemOf makes an item of decoded JSON, plain or {"Item": DynamoDB's}.
func itemOf(v map[string]any) (map[string]types.AttributeValue, error) {
	if typed, ok := v["Item"].(map[string]any); ok && len(v) == 1 {
		item := map[string]types.AttributeValue{}
		for n, e := range typed {
			x, err := typedValue(e)
			if err != nil {
				return nil, fmt.Errorf("attribute %s: %w", n, err)
			}
			item[n] = x
		}
		return item, nil
	}
	return plainValue(v).(*types.AttributeValueMemberM).Value, nil
}

func plainValue(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case json.Number:
		return &types.AttributeValueMemberN{Value: v.String()}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case []any:
		l := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
		for _, e := range v {
			l.Value = append(l.Value, plainValue(e))
		}
		return l
	case map[string]any:
		m := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}}
		for n, e := range v {
			m.Value[n] = plainValue(e)
		}
		return m
	}
	return &types.AttributeValueMemberNULL{Value: true}
}

func typedValue(v any) (types.AttributeValue, error) {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return nil, fmt.Errorf("a value of DynamoDB's JSON is an object with one type")
	}
	for kind, e := range m {
		switch kind {
		case "M":
			out := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}}
			inner, _ := e.(map[string]any)
			for n, x := range inner {
				y, err := typedValue(x)
				if err != nil {
					return nil, err
				}
				out.Value[n] = y
			}
			return out, nil
		case "L":
			out := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
			inner, _ := e.([]any)
			for _, x := range inner {
				y, err := typedValue(x)
				if err != nil {
					return nil, err
				}
				out.Value = append(out.Value, y)
			}
			return out, nil
		}
		b, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		var to types.AttributeValue
		var field any
		switch kind {
		case "S":
			x := &types.AttributeValueMemberS{}
			to, field = x, &x.Value
		case "N":
			x := &types.AttributeValueMemberN{}
			to, field = x, &x.Value
		case "B":
			x := &types.AttributeValueMemberB{}
			to, field = x, &x.Value
		case "BOOL":
			x := &types.AttributeValueMemberBOOL{}
			to, field = x, &x.Value
		case "NULL":
			x := &types.AttributeValueMemberNULL{}
			to, field = x, &x.Value
		case "SS":
			x := &types.AttributeValueMemberSS{}
			to, field = x, &x.Value
		case "NS":
			x := &types.AttributeValueMemberNS{}
			to, field = x, &x.Value
		case "BS":
			x := &types.AttributeValueMemberBS{}
			to, field = x, &x.Value
		default:
			return nil, fmt.Errorf("%q is not a type of DynamoDB", kind)
		}
		if err := json.Unmarshal(b, field); err != nil {
			return nil, err
		}
		return to, nil
	}
	return nil, nil
}
