package dynamodb

import (
	"context"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/work"
)

// held lets nobody run anything until it is opened.
type held struct{ opened chan struct{} }

func (h held) Acquire(ctx context.Context, key string, elsewhere func()) (work.Lease, error) {
	select {
	case <-h.opened:
		return work.Sole().Acquire(ctx, key, elsewhere)
	case <-ctx.Done():
		return work.Lease{}, ctx.Err()
	}
}

// TestReadsOfIndexThatIsBuilt refuses reads of an index that lacks items still, by whatever call.
func TestReadsOfIndexThatIsBuilt(t *testing.T) {
	owner := held{make(chan struct{})}
	h := newHarness(t, Config{Owner: owner})
	h.call("CreateTable", `{"TableName":"tab","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	h.call("PutItem", `{"TableName":"tab","Item":{"id":{"S":"1"},"a":{"S":"x"}}}`)
	if code, body := h.call("UpdateTable", `{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],
		"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"by-a","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]}`); code != 200 {
		t.Fatalf("%s", body)
	}
	reads := [][2]string{
		{"Query", `{"TableName":"tab","IndexName":"by-a","KeyConditionExpression":"a = :a","ExpressionAttributeValues":{":a":{"S":"x"}}}`},
		{"Scan", `{"TableName":"tab","IndexName":"by-a"}`},
		{"ExecuteStatement", `{"Statement":"SELECT * FROM tab.\"by-a\" WHERE a = 'x'"}`},
		{"ExecuteStatement", `{"Statement":"SELECT * FROM tab.\"by-a\""}`},
	}
	for _, r := range reads {
		if code, body := h.call(r[0], r[1]); code != 400 || !strings.Contains(string(body), "Cannot read from backfilling global secondary index: by-a") {
			t.Errorf("%s %s: %d %s", r[0], r[1], code, body)
		}
	}
	close(owner.opened)
	h.settle()
	for _, r := range reads {
		if code, body := h.call(r[0], r[1]); code != 200 || !strings.Contains(string(body), `"x"`) {
			t.Errorf("%s %s: %d %s", r[0], r[1], code, body)
		}
	}
}
