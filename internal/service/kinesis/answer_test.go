package kinesis

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/fxamacker/cbor/v2"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// The answers of the fast paths are those that the generic codec gives.
func TestAnswersAgree(t *testing.T) {
	n := newNode(t, Config{})
	ctx := t.Context()
	n.create("s", 1)
	name := aws.String("s")
	handler := func(ops ...awswire.Operation) http.Handler {
		h, err := awswire.NewHandler(awswire.API{Model: "kinesis", Operations: ops}, awswire.HandlerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	fast := handler(n.operations()...)
	plain := handler(awswire.Executes(n.PutRecord), awswire.Executes(n.PutRecords), awswire.Executes(n.GetRecords))
	call := func(h http.Handler, operation string, proto awswire.Protocol, body []byte) map[string]any {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		if proto == awswire.CBOR11 {
			r.Header.Set("Content-Type", "application/x-amz-cbor-1.1")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
		}
		var out map[string]any
		var err error
		if proto == awswire.CBOR11 {
			err = cbor.Unmarshal(w.Body.Bytes(), &out)
		} else {
			err = json.Unmarshal(w.Body.Bytes(), &out)
		}
		if err != nil {
			t.Fatalf("%s: %v in %q", operation, err, w.Body)
		}
		return out
	}
	protos := map[string]awswire.Protocol{"json": awswire.JSON11, "cbor": awswire.CBOR11}

	for proto, p := range protos {
		body := []byte(`{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":"k"},{"Data":"","PartitionKey":"\"q"}]}`)
		one := []byte(`{"StreamName":"s","Data":"aGVsbG8=","PartitionKey":"k"}`)
		if p == awswire.CBOR11 {
			body = cborPut(true, entry{data: []byte("hello"), key: []byte("k")}, entry{data: []byte{}, key: []byte("\"\x01ü\u2028")})
			one = scan.AppendText(scan.AppendText(scan.AppendHead(nil, scan.Map, 3), "StreamName"), "s")
			one = append(scan.AppendHead(scan.AppendText(one, "Data"), scan.Bytes, 1), 'x')
			one = scan.AppendText(scan.AppendText(one, "PartitionKey"), "k")
		}
		for operation, body := range map[string][]byte{"PutRecords": body, "PutRecord": one} {
			a, b := call(fast, operation, p, body), call(plain, operation, p, body)
			dropNumbers(a)
			dropNumbers(b)
			if !reflect.DeepEqual(a, b) {
				t.Errorf("%s of %s answers %v, want %v", proto, operation, a, b)
			}
		}
	}

	compare := func(it string) {
		t.Helper()
		for proto, p := range protos {
			body := []byte(`{"ShardIterator":"` + it + `"}`)
			if p == awswire.CBOR11 {
				body = scan.AppendText(scan.AppendText(scan.AppendHead(nil, scan.Map, 1), "ShardIterator"), it)
			}
			a, b := call(fast, "GetRecords", p, body), call(plain, "GetRecords", p, body)
			if (a["NextShardIterator"] == nil) != (b["NextShardIterator"] == nil) {
				t.Errorf("%s: NextShardIterator %v, want %v", proto, a["NextShardIterator"], b["NextShardIterator"])
			}
			delete(a, "NextShardIterator")
			delete(b, "NextShardIterator")
			delete(a, "MillisBehindLatest")
			delete(b, "MillisBehindLatest")
			if !reflect.DeepEqual(a, b) {
				t.Errorf("%s answers\n%v\nwant\n%v", proto, a, b)
			}
		}
	}
	compare(n.iterator("s", "shardId-000000000000", types.ShardIteratorTypeTrimHorizon, nil))
	compare(n.iterator("s", "shardId-000000000000", types.ShardIteratorTypeLatest, nil))
	if _, err := n.client.StartStreamEncryption(ctx, &kinesis.StartStreamEncryptionInput{StreamName: name, EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.client.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: name, ShardToSplit: aws.String("0"), NewStartingHashKey: aws.String("77")}); err != nil {
		t.Fatal(err)
	}
	compare(n.iterator("s", "shardId-000000000000", types.ShardIteratorTypeTrimHorizon, nil))
}

// dropNumbers takes away what differs from put to put.
func dropNumbers(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "SequenceNumber")
		for _, x := range v {
			dropNumbers(x)
		}
	case map[any]any: // of the CBOR library
		delete(v, "SequenceNumber")
	case []any:
		for _, x := range v {
			dropNumbers(x)
		}
	}
}

// A request that is wrong in itself is told so, whether there is the stream or not.
func TestWrongBeforeNotFound(t *testing.T) {
	n := newNode(t, Config{})
	h, err := awswire.NewHandler(n.API(), awswire.HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for body, code := range map[string]string{
		`{"StreamName":"none","Records":[{"Data":"QQ==","PartitionKey":"k"}]}`:                                 "ResourceNotFoundException",
		`{"StreamName":"none","Records":[{"Data":"QQ==","PartitionKey":"k"},{"Data":"!","PartitionKey":"k"}]}`: "SerializationException",
		`{"Records":[{"Data":"A","PartitionKey":"k"}]}`:                                                        "SerializationException",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecords")
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), code) {
			t.Errorf("%s: %d %s, want %s", body, w.Code, w.Body, code)
		}
	}
}
