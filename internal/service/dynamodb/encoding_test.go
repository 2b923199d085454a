package dynamodb

import (
	"bytes"
	"compress/gzip"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// TestEncodings compresses answers of 4 KB and more for those who accept it, and refuses bodies
// that are not of their encoding as AWS does.
func TestEncodings(t *testing.T) {
	h := newHarness(t, Config{})
	h.call("CreateTable", `{"TableName":"wire","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	h.call("PutItem", `{"TableName":"wire","Item":{"pk":{"S":"x"},"v":{"S":"`+strings.Repeat("v", 5000)+`"}}}`)
	send := func(body []byte, header, value string) *http.Response {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
		r.Header.Set(header, value)
		w := httptest.NewRecorder()
		h.apis["DynamoDB_20120810"].ServeHTTP(w, r)
		return w.Result()
	}
	get := []byte(`{"TableName":"wire","Key":{"pk":{"S":"x"}}}`)
	small := []byte(`{"TableName":"wire","Key":{"pk":{"S":"x"}},"ProjectionExpression":"pk"}`)

	r := send(get, "Accept-Encoding", "gzip")
	body, _ := io.ReadAll(r.Body)
	if r.Header.Get("Content-Encoding") != "gzip" || r.Header.Get("Content-Length") != strconv.Itoa(len(body)) || len(body) > 500 {
		t.Errorf("%d bytes, headers %v", len(body), r.Header)
	}
	if sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10); r.Header.Get("X-Amz-Crc32") != sum {
		t.Errorf("the checksum is %s, of what is sent %s", r.Header.Get("X-Amz-Crc32"), sum)
	}
	if r.Header.Get("Server") != "Server" {
		t.Errorf("headers %v", r.Header)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || !strings.HasPrefix(string(text), `{"Item":{`) {
		t.Errorf("%.40s %v", text, err)
	}
	for _, c := range []struct {
		body     []byte
		encoding string
	}{{get, "identity"}, {small, "gzip"}} {
		if r := send(c.body, "Accept-Encoding", c.encoding); r.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s for %s: %v", c.body, c.encoding, r.Header)
		}
	}

	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	zw.Write(small)
	zw.Close()
	for _, c := range []struct {
		body     []byte
		encoding string
		status   int
	}{
		{packed.Bytes(), "gzip", 200},
		{packed.Bytes()[:packed.Len()-1], "gzip", 500},
		{small, "gzip", 500},
		{nil, "gzip", 500},
		{small, "garbage", 500},
	} {
		r := send(c.body, "Content-Encoding", c.encoding)
		if text, _ := io.ReadAll(r.Body); r.StatusCode != c.status || c.status == 500 && !strings.Contains(string(text), "InternalServerError") {
			t.Errorf("a body of %d bytes as %s: %d %s", len(c.body), c.encoding, r.StatusCode, text)
		}
	}
}
