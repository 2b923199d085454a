package dynamodb

import (
	"strings"
	"testing"
	"time"
)

// TestThroughputIsEnforced uses a table's burst up, is refused, and waits a second for one
// more write.
func TestThroughputIsEnforced(t *testing.T) {
	h := newHarness(t, Config{EnforceLimits: true})
	h.call("CreateTable", `{"TableName":"slow","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}`)
	put := func() (int, string) {
		code, body := h.call("PutItem", `{"TableName":"slow","Item":{"pk":{"S":"a"}}}`)
		return code, string(body)
	}
	for i := range burst {
		if code, body := put(); code != 200 {
			t.Fatalf("write %d of a burst of %d: %s", i, burst, body)
		}
	}
	if code, body := put(); code != 400 || !strings.Contains(body, "ProvisionedThroughputExceededException") {
		t.Fatalf("beyond the burst: %d %s", code, body)
	}
	if code, body := h.call("GetItem", `{"TableName":"slow","Key":{"pk":{"S":"a"}}}`); code != 200 {
		t.Errorf("a read, of which there are units: %s", body)
	}
	h.clock.Advance(time.Second)
	if code, body := put(); code != 200 {
		t.Errorf("a second later: %s", body)
	}
	if code, _ := put(); code != 400 {
		t.Error("two writes a second at a throughput of one")
	}
}
