package dynamodb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/awswire"
)

// benchTable fills a table with items of 400 bytes in one partition.
func benchTable(b *testing.B, n int) *harness {
	h := newHarness(b, Config{})
	h.call("CreateTable", `{"TableName":"bench","KeySchema":[{"AttributeName":"c","KeyType":"HASH"},{"AttributeName":"o","KeyType":"RANGE"}],"AttributeDefinitions":[{"AttributeName":"c","AttributeType":"S"},{"AttributeName":"o","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	pad := strings.Repeat("x", 290)
	for i := 0; i < n; i += 25 {
		var items []string
		for j := i; j < i+25; j++ {
			items = append(items, fmt.Sprintf(`{"PutRequest":{"Item":{"c":{"S":"one"},"o":{"S":"o%07d"},"status":{"S":"pending"},"amount":{"N":"%d.25"},"shipping":{"M":{"city":{"S":"Lisbon"},"zip":{"S":"1000"}}},"note":{"S":"%s"}}}}`, j, j, pad))
		}
		if code, body := h.call("BatchWriteItem", `{"RequestItems":{"bench":[`+strings.Join(items, ",")+`]}}`); code != 200 {
			b.Fatalf("%s", body)
		}
	}
	return h
}

func BenchmarkQueryPage(b *testing.B) {
	h := benchTable(b, 4000)
	b.SetBytes(1 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if code, body := h.call("Query", `{"TableName":"bench","KeyConditionExpression":"c = :c","ExpressionAttributeValues":{":c":{"S":"one"}}}`); code != 200 {
			b.Fatalf("%s", body)
		}
	}
}

func BenchmarkPutItem(b *testing.B) {
	h := benchTable(b, 0)
	pad := strings.Repeat("x", 290)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		h.call("PutItem", fmt.Sprintf(`{"TableName":"bench","Item":{"c":{"S":"user%04d"},"o":{"S":"o%07d"},"status":{"S":"pending"},"amount":{"N":"%d.25"},"shipping":{"M":{"city":{"S":"Lisbon"},"zip":{"S":"1000"}}},"note":{"S":"%s"}}}`, i%30, i, i, pad))
	}
}

// BenchmarkDecode reads requests of the fast paths.
func BenchmarkDecode(b *testing.B) {
	s := new(Service)
	item := `{"c":{"S":"user0001"},"o":{"S":"o0000001"},"status":{"S":"pending"},"amount":{"N":"12.25"},"shipping":{"M":{"city":{"S":"Lisbon"},"zip":{"S":"1000"}}},"tags":{"SS":["a","b"]},"blob":{"B":"aGVsbG8gd29ybGQgYW5kIG1vcmU="},"note":{"S":"` + strings.Repeat("x", 290) + `"}}`
	put := `{"PutRequest":{"Item":` + item + `}}`
	for _, bm := range []struct {
		name string
		path awswire.FastPath
		body string
	}{
		{"PutItem", s.fast(s.fastPut), `{"TableName":"bench","Item":` + item + `}`},
		{"BatchWriteItem", s.fast(s.fastBatchWrite), `{"RequestItems":{"bench":[` + put + strings.Repeat(","+put, 24) + `]}}`},
		{"Query", s.fast(s.fastQuery), `{"TableName":"bench","KeyConditionExpression":"c = :c","ExpressionAttributeValues":{":c":{"S":"one"}},"Limit":100,"ScanIndexForward":false}`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			body := []byte(bm.body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				call, ok := bm.path(awswire.JSON10, body)
				if !ok {
					b.Fatal("gives up")
				}
				call.Free()
			}
		})
	}
}
