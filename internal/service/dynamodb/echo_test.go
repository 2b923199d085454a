package dynamodb

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestBatchWriteMessage: a message is bounded, and text, whatever the request has.
func TestBatchWriteMessage(t *testing.T) {
	const most = 8 * maxEcho
	put := func(name, value string) types.WriteRequest {
		return types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{name: &types.AttributeValueMemberS{Value: value}}}}
	}
	tables := map[string][]types.WriteRequest{}
	for i := range 500 {
		tables["t-"+itoa(i)] = make([]types.WriteRequest, maxBatchWrites+1)
	}
	for name, requests := range map[string]map[string][]types.WriteRequest{
		"tables":    tables,
		"table":     {strings.Repeat("t", 10*maxEcho): {put("pk", "a")}},
		"attribute": {"?": {put(strings.Repeat("a", 10*maxEcho), "a")}},
		"value":     {"?": {put("pk", strings.Repeat("é", 10*maxEcho)), put("pk", "a")}},
		"odd value": {"?": {put("pk", "a"+strings.Repeat("é", 10*maxEcho))}},
	} {
		err := batchWriteFirst(&dynamodb.BatchWriteItemInput{RequestItems: requests})
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		if text := err.Error(); len(text) > most || !utf8.ValidString(text) {
			t.Errorf("%s: a message of %d bytes, of UTF-8: %v", name, len(text), utf8.ValidString(text))
		}
	}
}

// TestBatchWriteMessageWhole: a message about one request too many repeats each of them, with all
// fields that AWS's values have.
func TestBatchWriteMessageWhole(t *testing.T) {
	var requests []types.WriteRequest
	var want []string
	for i := range maxBatchWrites + 1 {
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "bw-" + itoa(i)}}}})
		want = append(want, "WriteRequest(putRequest=PutRequest(item={pk=AttributeValue(s=bw-"+itoa(i)+", n=null, b=null, iNT=null, dECIMAL=null, dOUBLE=null, sS=null, nS=null, bS=null, iNTSET=null, dECIMALSET=null, dOUBLESET=null, m=null, l=null, nULL=null, bOOL=null)}, workloadProfileName=null), deleteRequest=null)")
	}
	err := batchWriteFirst(&dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"lemmings": requests}})
	if err == nil {
		t.Fatal("taken")
	}
	if whole := "Value '{lemmings=[" + strings.Join(want, ", ") + "]}' at 'requestItems' failed"; !strings.Contains(err.Error(), whole) {
		t.Errorf("%v\ndoes not have\n%s", err, whole)
	}
}
