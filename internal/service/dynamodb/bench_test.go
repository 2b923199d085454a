package dynamodb

import (
	"fmt"
	"strings"
	"testing"
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
