package awswire

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestTruncatedBodies cuts a request over a real connection where its sender has still
// announced more: it is answered with an error, and the operation is not called.
func TestTruncatedBodies(t *testing.T) {
	const whole = `{"StreamName":"s","Records":[{"Data":"YQ==","PartitionKey":"k"}]}`
	head := func(more string) string {
		return "POST / HTTP/1.1\r\nHost: kinesis\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Kinesis_20131202.PutRecords\r\n" + more + "\r\n\r\n"
	}
	for _, tt := range []struct{ name, request string }{
		{"length", head(fmt.Sprintf("Content-Length: %d", len(whole)+10)) + whole},
		{"length, nothing sent", head("Content-Length: 100")},
		{"half", head(fmt.Sprintf("Content-Length: %d", len(whole))) + whole[:20]},
		{"chunked, no last chunk", head("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n", len(whole), whole)},
		{"within a chunk", head("Transfer-Encoding: chunked") + "ffff\r\n" + whole},
		{"no chunk", head("Transfer-Encoding: chunked") + whole},
		{"gzip", head("Content-Encoding: gzip\r\nContent-Length: 12") + "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00\x01\x02"},
	} {
		f := &fakeKinesis{}
		s := kinesisServer(t, f)
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(time.Minute))
		io.WriteString(c, tt.request)
		c.(*net.TCPConn).CloseWrite()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else {
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != 400 || !strings.Contains(string(body), "SerializationException") {
				t.Errorf("%s: %s %s", tt.name, resp.Status, body)
			}
		}
		if f.put != nil {
			t.Errorf("%s: the operation was called", tt.name)
		}
		c.Close()
	}
}

// TestInvalid: what breaks the model is worded here, by an error that the service makes.
func TestInvalid(t *testing.T) {
	s := kinesisServer(t, &fakeKinesis{}, func(a *API) {
		a.Invalid = func(m string) error { return Errorf("InvalidArgumentException", "wrong: %s", m) }
	})
	status, got := post(t, s.URL, "Kinesis_20131202.CreateStream", `{"StreamName":"*"}`)
	want := `{"__type":"InvalidArgumentException","message":"wrong: 1 validation error detected: Value '*' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"}`
	if status != 400 || got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestRPCv2 calls an operation by its path.
func TestRPCv2(t *testing.T) {
	s := kinesisServer(t, &fakeKinesis{})
	for path, want := range map[string]string{
		"/service/Kinesis_20131202/operation/ListStreams": "200 application/cbor",
		"/service/Kinesis_20131202/operation/NoSuch":      "400 application/cbor",
		"/": "400 application/cbor",
	} {
		req, _ := http.NewRequest("POST", s.URL+path, strings.NewReader("\xa0"))
		req.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		req.Header.Set("Content-Type", "application/cbor")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Content-Type")); got != want || resp.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
			t.Errorf("%s: %s; want %s", path, got, want)
		}
	}
}
