package dynamodb

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestDeletedTableLeavesAllChanges: what was acknowledged while a table was deleted is in the stream that
// it leaves, which ends.
func TestDeletedTableLeavesAllChanges(t *testing.T) {
	h := newHarness(t, Config{})
	const schema = `"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"`
	for round := range 5 {
		h.clock.Advance(time.Second) // the stream's ARN has the time
		code, answer := h.call("CreateTable", `{"TableName":"busy",`+schema+`,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}`)
		if code != 200 {
			t.Fatalf("CreateTable: %s", answer)
		}
		arn := lookup(answer, ".TableDescription.LatestStreamArn")
		h.settle()
		var put, tried atomic.Int64
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for i := 0; ; i++ {
					tried.Add(1)
					if code, _ := h.call("PutItem", fmt.Sprintf(`{"TableName":"busy","Item":{"pk":{"S":"%d %d %d"}}}`, round, w, i)); code != 200 {
						return
					}
					put.Add(1)
				}
			})
		}
		for tried.Load() < 40 {
			time.Sleep(time.Millisecond)
		}
		if code, answer := h.call("DeleteTable", `{"TableName":"busy"}`); code != 200 {
			t.Fatalf("DeleteTable: %s", answer)
		}
		writers.Wait()
		h.settle()
		_, answer = h.call("streams.DescribeStream", `{"StreamArn":"`+arn+`"}`)
		if got := lookup(answer, ".StreamDescription.StreamStatus"); got != "DISABLED" {
			t.Fatalf("the stream is %s: %s", got, answer)
		}
		_, answer = h.call("streams.GetShardIterator", `{"StreamArn":"`+arn+`","ShardId":"`+lookup(answer, ".StreamDescription.Shards.0.ShardId")+`","ShardIteratorType":"TRIM_HORIZON"}`)
		read := 0
		for it := lookup(answer, ".ShardIterator"); it != ""; it = lookup(answer, ".NextShardIterator") {
			if code, answer = h.call("streams.GetRecords", `{"ShardIterator":"`+it+`"}`); code != 200 {
				t.Fatalf("GetRecords: %s", answer)
			}
			var page struct{ Records []json.RawMessage }
			if err := json.Unmarshal(answer, &page); err != nil {
				t.Fatal(err)
			}
			read += len(page.Records)
		}
		if int64(read) < put.Load() || int64(read) > tried.Load() {
			t.Errorf("round %d: %d of %d puts are acknowledged, the stream has %d", round, put.Load(), tried.Load(), read)
		}
	}
}
