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

func TestThrottlingReasons(t *testing.T) {
	h := newHarness(t, Config{EnforceLimits: true})
	h.call("CreateTable", `{"TableName":"demand","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST","OnDemandThroughput":{"MaxReadRequestUnits":1,"MaxWriteRequestUnits":1}}`)
	h.call("CreateTable", `{"TableName":"free","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	h.call("CreateTable", `{"TableName":"indexed","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}],"ProvisionedThroughput":{"ReadCapacityUnits":100,"WriteCapacityUnits":100},
		"GlobalSecondaryIndexes":[{"IndexName":"by-x","KeySchema":[{"AttributeName":"x","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"},"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}]}`)
	// A value of 150 units: two are the burst of a unit a second.
	big := `{"pk":{"S":"a"},"x":{"S":"1"},"v":{"S":"` + strings.Repeat("v", 150<<10-100) + `"}}`
	for _, c := range []struct{ table, uses, operation, input, code, message, reason, resource string }{
		{"demand", big, "PutItem", `{"TableName":"demand","Item":{"pk":{"S":"b"}}}`, "#ThrottlingException", demandExceeded, "throttlingReasons.TableWriteMaxOnDemandThroughputExceeded", "table/demand"},
		{"indexed", big, "PutItem", `{"TableName":"indexed","Item":{"pk":{"S":"b"},"x":{"S":"2"}}}`, "#ProvisionedThroughputExceededException", indexExceeded, "ThrottlingReasons.IndexWriteProvisionedThroughputExceeded", "table/indexed/index/by-x"},
		{"free", strings.Replace(big, strings.Repeat("v", 1<<10), strings.Repeat("v", 200<<10), 1), "UpdateItem", `{"TableName":"free","Key":{"pk":{"S":"a"}}}`, "#ThrottlingException", keyExceeded, "throttlingReasons.TableWriteKeyRangeThroughputExceeded", "table/free"},
	} {
		for i := 0; ; i++ {
			code, body := h.call("PutItem", `{"TableName":"`+c.table+`","Item":`+strings.Replace(c.uses, "{", `{"n":{"N":"`+itoa(i)+`"},`, 1)+`}`)
			if code != 200 {
				break
			}
			if i == 5 {
				t.Fatalf("%s: not throttled: %s", c.table, body)
			}
		}
		code, body := h.call(c.operation, c.input)
		list, reason, _ := strings.Cut(c.reason, ".")
		want := `"` + list + `":[{"reason":"` + reason + `","resource":"arn:aws:dynamodb:us-east-1:000000000000:` + c.resource + `"}]`
		for _, part := range []string{c.code, c.message, want} {
			if code != 400 || !strings.Contains(string(body), part) {
				t.Errorf("%s: %d %s\nwant %s", c.table, code, body, part)
			}
		}
	}
	if code, body := h.call("PutItem", `{"TableName":"free","Item":{"pk":{"S":"another"}}}`); code != 200 {
		t.Errorf("another key than the hot one: %s", body)
	}
	code, body := h.call("TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"free","Item":{"pk":{"S":"c"}}}},{"Put":{"TableName":"demand","Item":{"pk":{"S":"c"}}}}]}`)
	if code != 400 || !strings.Contains(string(body), "specific reasons [None, ThrottlingError]") {
		t.Errorf("a transaction: %s", body)
	}
	code, body = h.call("BatchExecuteStatement", `{"Statements":[{"Statement":"INSERT INTO demand VALUE {'pk':'d'}"}]}`)
	if code != 200 || !strings.Contains(string(body), `"Code":"ThrottlingError"`) {
		t.Errorf("a statement of a batch: %s", body)
	}
}

// TestThrottledBatches leaves undone what there are no units for, and fails where there are none.
func TestThrottledBatches(t *testing.T) {
	h := newHarness(t, Config{EnforceLimits: true})
	h.call("CreateTable", `{"TableName":"slow","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}`)
	large := strings.Repeat("v", 149<<10)
	item := func(key string) string {
		return `{"PutRequest":{"Item":{"pk":{"S":"` + key + `"},"v":{"S":"` + large + `"}}}}`
	}
	code, body := h.call("BatchWriteItem", `{"RequestItems":{"slow":[`+item("a")+`,`+item("b")+`,`+item("c")+`]}}`)
	if code != 200 || strings.Count(string(body), "PutRequest") != 1 || !strings.Contains(string(body), `"pk":{"S":"c"}`) {
		t.Errorf("of three writes of 150 units: %d %.200s", code, body)
	}
	if code, body := h.call("BatchWriteItem", `{"RequestItems":{"slow":[`+item("c")+`]}}`); code != 400 || !strings.Contains(string(body), "ProvisionedThroughputExceededException") {
		t.Errorf("a batch without units: %d %.200s", code, body)
	}
	const get = `{"RequestItems":{"slow":{"ConsistentRead":true,"Keys":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}]}}}`
	reads := 0
	for ; reads < 20; reads++ {
		code, body = h.call("BatchGetItem", get)
		if code != 200 || strings.Contains(string(body), `"UnprocessedKeys":{"slow"`) {
			break
		}
	}
	if code != 200 && !strings.Contains(string(body), "ProvisionedThroughputExceededException") || reads == 20 {
		t.Errorf("after %d reads: %d %.200s", reads, code, body)
	}
	if code, body := h.call("BatchGetItem", get); code != 400 {
		t.Errorf("reads without units: %d %.200s", code, body)
	}
}

// TestBatchOverManyKeys writes more than a partition key has, of many of them, and to one of them.
func TestBatchOverManyKeys(t *testing.T) {
	h := newHarness(t, Config{EnforceLimits: true})
	h.call("CreateTable", `{"TableName":"free","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	large := strings.Repeat("v", 390<<10)
	write := func(keys ...string) string {
		var items []string
		for i, k := range keys {
			items = append(items, `{"PutRequest":{"Item":{"pk":{"S":"`+k+`"},"sk":{"S":"`+itoa(i)+`"},"v":{"S":"`+large+`"}}}}`)
		}
		code, body := h.call("BatchWriteItem", `{"RequestItems":{"free":[`+strings.Join(items, ",")+`]}}`)
		if code != 200 {
			t.Fatalf("%d %.200s", code, body)
		}
		return string(body)
	}
	if body := write("a", "b", "c", "d", "e"); strings.Contains(body, "PutRequest") {
		t.Errorf("of writes to five keys some were left undone: %d bytes", len(body))
	}
	if body := write("f", "f", "f", "f", "f"); strings.Count(body, "PutRequest") != 2 {
		t.Errorf("of five writes to one key %d were left undone", strings.Count(body, "PutRequest"))
	}
}

// TestTimeToLiveInterval refuses a second change of a table's time to live within an hour, where
// limits are enforced.
func TestTimeToLiveInterval(t *testing.T) {
	for _, enforce := range []bool{true, false} {
		h := newHarness(t, Config{EnforceLimits: enforce})
		h.call("CreateTable", `{"TableName":"ttl","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
		h.settle()
		change := func(enabled string) (int, string) {
			code, body := h.call("UpdateTimeToLive", `{"TableName":"ttl","TimeToLiveSpecification":{"AttributeName":"at","Enabled":`+enabled+`}}`)
			return code, string(body)
		}
		if code, body := change("true"); code != 200 {
			t.Fatal(body)
		}
		h.settle()
		if code, body := change("true"); code != 400 || !strings.Contains(body, "already enabled") {
			t.Errorf("enabled again: %d %s", code, body)
		}
		if code, body := change("false"); enforce != (code == 400 && strings.Contains(body, "modified multiple times within a fixed interval")) {
			t.Errorf("enforce %v: disabled at once: %d %s", enforce, code, body)
		}
		h.clock.Advance(time.Hour)
		if enforce {
			if code, body := change("false"); code != 200 {
				t.Errorf("an hour later: %s", body)
			}
		}
	}
}
