package dynamodb

import (
	"strings"
	"testing"
)

// TestLongNames: a name of 64 KiB is refused in one sentence, which does not repeat it, wherever an attribute
// is named; one byte less is taken.
func TestLongNames(t *testing.T) {
	h := newHarness(t, Config{})
	h.call("CreateTable", `{"TableName":"names","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	h.settle()
	for _, c := range []struct{ op, body string }{
		{"PutItem", `"Item":{"pk":{"S":"a"},"$name":{"N":"1"}}`},
		{"PutItem", `"Item":{"pk":{"S":"a"},"m":{"M":{"$name":{"N":"1"}}}}`},
		{"PutItem", `"Item":{"pk":{"S":"a"},"$name":{"N":"1"}},"Expected":{"$name":{"Exists":false}}`},
		{"PutItem", `"Item":{"pk":{"S":"a"},"$name":{"N":"1"}},"Expected":{"$name":{"ComparisonOperator":"NOT_NULL"}}`},
		{"GetItem", `"Key":{"pk":{"S":"a"}},"AttributesToGet":["$name"]`},
		{"GetItem", `"Key":{"pk":{"S":"a"}},"ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"$name"}`},
		{"UpdateItem", `"Key":{"pk":{"S":"a"}},"UpdateExpression":"SET #n = :v","ExpressionAttributeNames":{"#n":"$name"},"ExpressionAttributeValues":{":v":{"N":"1"}}`},
		{"UpdateItem", `"Key":{"pk":{"S":"a"}},"AttributeUpdates":{"$name":{"Value":{"N":"1"}}}`},
		{"Scan", `"ScanFilter":{"$name":{"ComparisonOperator":"NOT_NULL"}}`},
		{"Scan", `"FilterExpression":"attribute_exists(#n)","ExpressionAttributeNames":{"#n":"$name"}`},
		{"Query", `"KeyConditionExpression":"pk = :v","ExpressionAttributeValues":{":v":{"S":"a"}},"ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"$name"}`},
		{"TransactWriteItems", `"TransactItems":[{"Put":{"TableName":"names","Item":{"pk":{"S":"a"},"$name":{"N":"1"}}}}]`},
		{"BatchWriteItem", `"RequestItems":{"names":[{"PutRequest":{"Item":{"pk":{"S":"a"},"$name":{"N":"1"}}}}]}`},
		{"BatchGetItem", `"RequestItems":{"names":{"Keys":[{"pk":{"S":"a"}}],"AttributesToGet":["$name"]}}`},
		{"ExecuteStatement", `"Statement":"UPDATE names SET m = ? WHERE pk = 'a'","Parameters":[{"M":{"$name":{"N":"1"}}}]`},
	} {
		body := "{" + c.body + "}"
		if c.op != "TransactWriteItems" && c.op != "BatchWriteItem" && c.op != "BatchGetItem" && c.op != "ExecuteStatement" {
			body = `{"TableName":"names",` + c.body + "}"
		}
		if c.op == "PutItem" && strings.Contains(c.body, `"Exists":false`) {
			h.call("DeleteItem", `{"TableName":"names","Key":{"pk":{"S":"a"}}}`)
		}
		if code, answer := h.call(c.op, strings.ReplaceAll(body, "$name", strings.Repeat("x", 65535))); code != 200 {
			t.Errorf("%s with %s: %d %.200s", c.op, c.body, code, answer)
		}
		code, answer := h.call(c.op, strings.ReplaceAll(body, "$name", strings.Repeat("x", 65536)))
		if code != 400 || !strings.Contains(string(answer), "Attribute name is too large, must be less than 65536 bytes") || len(answer) > 400 {
			t.Errorf("%s with %s: %d %.200s", c.op, c.body, code, answer)
		}
	}
}
