package dynamodb

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// This file: what messages repeat of a request in the form that its objects have in AWS's
// servers. A request that has more than maxEcho bytes is not repeated whole, nor is a
// BatchWriteItem that has more than maxEchoedWrites.

// maxEchoedWrites bounds what a message repeats of a BatchWriteItem: 26 requests with a few short
// attributes, the usual case of one too many, are repeated whole as AWS does.
const maxEchoedWrites = 16 << 10

// echoRequests are the requests of a BatchWriteItem by their tables, the first ones where they are
// many, and the later of them without what they say.
func echoRequests(in map[string][]types.WriteRequest) string {
	var parts []string
	n := 0
	for _, name := range sortedKeys(in) {
		if n >= maxEchoedWrites {
			parts = append(parts, "...")
			break
		}
		part := echo(name) + "=[" + echoWrites(in[name], maxEchoedWrites-n) + "]"
		n += len(part)
		parts = append(parts, part)
	}
	return "{" + commas(parts) + "}"
}

func echoWrites(in []types.WriteRequest, most int) string {
	var parts []string
	n := 0
	for _, r := range in[:min(len(in), maxBatchWrites+1)] {
		part := "WriteRequest"
		if n < most {
			part = echoWrite(r, most-n)
		}
		n += len(part)
		parts = append(parts, part)
	}
	return commas(parts)
}

func echoWrite(r types.WriteRequest, most int) string {
	put, del := "null", "null"
	if r.PutRequest != nil {
		put = "PutRequest(item=" + echoItem(r.PutRequest.Item, most) + ", workloadProfileName=null)"
	}
	if r.DeleteRequest != nil {
		del = "DeleteRequest(key=" + echoItem(r.DeleteRequest.Key, most) + ")"
	}
	return "WriteRequest(putRequest=" + put + ", deleteRequest=" + del + ")"
}

// valueFields are the fields of a value, in their order.
var valueFields = []string{"s", "n", "b", "iNT", "dECIMAL", "dOUBLE", "sS", "nS", "bS", "iNTSET", "dECIMALSET", "dOUBLESET", "m", "l", "nULL", "bOOL"}

func echoItem(m map[string]types.AttributeValue, most int) string {
	item, err := itemFromSDK(m)
	if err != nil {
		return "{}"
	}
	return echoMap(item, most)
}

func echoMap(m attr.Map, most int) string {
	var parts []string
	for _, name := range sortedKeys(m) {
		if most <= 0 {
			break
		}
		part := echo(name) + "=" + echoValue(m[name], most)
		most -= len(part)
		parts = append(parts, part)
	}
	return "{" + commas(parts) + "}"
}

func echoValue(v attr.Value, most int) string {
	field, text := strings.ToLower(string(v.Type()[:1]))+string(v.Type()[1:]), ""
	switch v := v.(type) {
	case attr.String:
		text = strings.ToValidUTF8(string(v[:min(len(v), max(most, 0))]), "")
	case attr.Number:
		text = string(v)
	case attr.Bool:
		text = "false"
		if v {
			text = "true"
		}
	case attr.Null:
		text = "true"
	case attr.Map:
		text = echoMap(v, most)
	case attr.List:
		var parts []string
		for _, e := range v {
			if most <= 0 {
				break
			}
			part := echoValue(e, most)
			most -= len(part)
			parts = append(parts, part)
		}
		text = "[" + commas(parts) + "]"
	case attr.StringSet:
		text = echo("[" + commas(v) + "]")
	case attr.NumberSet:
		var parts []string
		for _, n := range v[:min(len(v), maxEcho)] {
			parts = append(parts, string(n))
		}
		text = echo("[" + commas(parts) + "]")
	case attr.Binary, attr.BinarySet:
		text = "java.nio.HeapByteBuffer"
	}
	parts := make([]string, len(valueFields))
	for i, f := range valueFields {
		parts[i] = f + "=null"
	}
	if i := slices.Index(valueFields, field); i >= 0 {
		parts[i] = field + "=" + text
	}
	return "AttributeValue(" + commas(parts) + ")"
}
