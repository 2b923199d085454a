package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// generic decodes requests with the wire layer's codec, as the oracle of the fast paths.
type generic struct {
	handler *awswire.Handler
	input   any // of the last call
}

func newGeneric(t testing.TB) *generic {
	g := new(generic)
	refuse := errors.New("seen")
	h, err := awswire.NewHandler(awswire.API{Model: "dynamodb", Unions: []awswire.Union{attributeValue}, Operations: []awswire.Operation{
		awswire.Executes(func(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
			g.input = in
			return nil, refuse
		}),
		awswire.Executes(func(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
			g.input = in
			return nil, refuse
		}),
	}}, awswire.HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	g.handler = h
	return g
}

// decode returns the input that the generic codec makes of the body, nil if it refuses it.
func (g *generic) decode(operation string, body []byte) any {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	g.input = nil
	g.handler.ServeHTTP(httptest.NewRecorder(), r)
	return g.input
}

// checkPut fails unless the fast path takes of the body what the generic codec takes.
func (g *generic) checkPut(t *testing.T, s *Service, body []byte) (taken bool) {
	call, ok := s.fast(s.fastPut)(awswire.JSON10, body)
	if !ok {
		return false
	}
	got := call.(*fastCall).r.(*fastPut)
	in, _ := g.decode("PutItem", body).(*dynamodb.PutItemInput)
	if got.item == nil {
		return false // it leaves the request to the generic codec
	}
	if in == nil {
		t.Fatalf("taken, but the generic codec refuses %q", body)
	}
	item, err := itemFromSDK(in.Item)
	if err != nil {
		t.Fatalf("%q: taken, but %v", body, err)
	}
	if !bytes.Equal(attr.AppendJSON(nil, got.item), attr.AppendJSON(nil, item)) {
		t.Fatalf("%q: item %s, want %s", body, attr.AppendJSON(nil, got.item), attr.AppendJSON(nil, item))
	}
	values, err := itemFromSDK(in.ExpressionAttributeValues)
	if err == nil && len(values) > 0 {
		in.ExpressionAttributeValues = itemToSDK(values)
	}
	in.Item = nil
	if !reflect.DeepEqual(&got.in, in) {
		t.Fatalf("%q: %+v, want %+v", body, got.in, in)
	}
	return true
}

func (g *generic) checkQuery(t *testing.T, s *Service, body []byte) (taken bool) {
	call, ok := s.fast(s.fastQuery)(awswire.JSON10, body)
	if !ok {
		return false
	}
	got := call.(*fastCall).r.(*fastQuery)
	in, _ := g.decode("Query", body).(*dynamodb.QueryInput)
	if in == nil {
		if got.in.Limit != nil && *got.in.Limit < 1 {
			return true // the operation says so
		}
		t.Fatalf("taken, but the generic codec refuses %q", body)
	}
	got.in.ExpressionAttributeValues, in.ExpressionAttributeValues = nil, nil
	got.in.ExclusiveStartKey, in.ExclusiveStartKey = nil, nil
	if !reflect.DeepEqual(&got.in, in) {
		t.Fatalf("%q: %+v, want %+v", body, got.in, in)
	}
	return true
}

var fastPuts = []string{
	`{"TableName":"t","Item":{"k":{"S":"a\n\u00e9\ud83d\ude00"},"n":{"N":"1.50"},"b":{"B":"aGk="},"l":{"L":[{"BOOL":true},{"NULL":true}]},"m":{"M":{}},"s":{"SS":["a","b"]}}}`,
	` { "TableName" : "table" , "Item" : { "k" : { "S" : "" } } , "ReturnValues" : "ALL_OLD", "ConditionExpression":"#k = :v", "ExpressionAttributeNames":{"#k":"k"},"ExpressionAttributeValues":{":v":{"N":"1"}}} `,
}

var fastOdd = []string{
	``, `{}`, `{"TableName":"t"}`, `{"TableName":"t","Item":{"k":{"S":"a"}},}`,
	`{"TableName":"t","Item":{"k":{"S":"a","N":"1"}}}`,
	`{"TableName":"t","Item":{"k":{"B":"aG\n k="}}}`, `{"TableName":"t","Item":{"k":{"B":"aGk"}}}`,
	`{"TableName":"t","Item":{"k":{"S":"a"},"k":{"S":"b"}}}`,
	`{"TableName":"t","TableName":"u","Item":{"k":{"S":"a"}}}`,
	`{"TableName":"t","Item":{"k":{"NULL":false}}}`,
	"{\"TableName\":\"t\",\"Item\":{\"k\":{\"S\":\"\xff\"}}}",
	`{"TableName":"t","Item":{"k":{"S":"a"}},"Expected":{}}`,
}

func TestFastDecodes(t *testing.T) {
	g, s := newGeneric(t), new(Service)
	for _, body := range fastPuts {
		if !g.checkPut(t, s, []byte(body)) {
			t.Errorf("gives up on %s", body)
		}
	}
	for _, body := range fastOdd {
		if g.checkPut(t, s, []byte(body)) {
			t.Errorf("takes %s", body)
		}
	}
	if !g.checkQuery(t, s, []byte(`{"TableName":"table","KeyConditionExpression":"k = :k","ExpressionAttributeValues":{":k":{"S":"x"}},"Limit":10,"ScanIndexForward":false,"Select":"COUNT"}`)) {
		t.Error("gives up on a query")
	}
	for _, limit := range []string{"01", "1.0", "1e1", "-", "99999999999", `"1"`} {
		if g.checkQuery(t, s, []byte(`{"TableName":"table","Limit":`+limit+`}`)) {
			t.Errorf("takes a limit of %s", limit)
		}
	}
}

// TestFastResource has the fast paths name, to policies, what the request is about.
func TestFastResource(t *testing.T) {
	s := new(Service)
	c := awswire.Caller{Account: "000000000000", Region: "us-east-1"}
	const table = "arn:aws:dynamodb:us-east-1:000000000000:table/orders"
	for _, f := range []struct {
		path       awswire.FastPath
		body, want string
	}{
		{s.fast(s.fastQuery), `{"TableName":"orders"}`, table},
		{s.fast(s.fastQuery), `{"IndexName":"by_day","TableName":"orders"}`, table + "/index/by_day"},
		{s.fast(s.fastQuery), `{"TableName":"` + table + `","IndexName":"by_day"}`, table + "/index/by_day"},
		{s.fast(s.fastScan), `{"TableName":"orders","IndexName":"by_day","ReturnConsumedCapacity":"TOTAL"}`, table + "/index/by_day"},
		{s.fast(s.fastScan), `{"TableName":"orders"}`, table},
		{s.fast(s.fastGet), `{"TableName":"orders","Key":{"k":{"S":"a"}}}`, table},
		{s.fast(s.fastPut), `{"TableName":"` + table + `","Item":{"k":{"S":"a"}}}`, table},
		{s.fast(s.fastUpdate), `{"TableName":"orders","Key":{"k":{"S":"a"}}}`, table},
		{s.fast(s.fastBatchGet), `{"RequestItems":{"orders":{"Keys":[{"k":{"S":"a"}}]}}}`, table},
		{s.fast(s.fastBatchWrite), `{"RequestItems":{"orders":[{"DeleteRequest":{"Key":{"k":{"S":"a"}}}}]}}`, table},
	} {
		call, ok := f.path(awswire.JSON10, []byte(f.body))
		if !ok {
			t.Errorf("gives up on %s", f.body)
		} else if got := call.Resource(c); got != f.want {
			t.Errorf("%s: %s, want %s", f.body, got, f.want)
		}
	}
}

func FuzzFastPut(f *testing.F) {
	g, s := newGeneric(f), new(Service)
	for _, body := range append(fastPuts, fastOdd...) {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		g.checkPut(t, s, body)
		g.checkQuery(t, s, body)
	})
}
