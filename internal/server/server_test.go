package server

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/inflight"
)

// echo answers with the name of the service and the caller it was told.
func echo(name string) Service {
	return Service{
		Name: name,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := awswire.CallerFrom(r.Context())
			fmt.Fprintf(w, "%s %s %s", name, c.Account, c.Region)
		}),
		WriteError: func(w http.ResponseWriter, r *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusForbidden)
		},
	}
}

func testServer() *Server {
	kinesis, sts, objects := echo("kinesis"), echo("sts"), echo("s3")
	kinesis.SigningName, kinesis.TargetPrefix = "kinesis", "Kinesis_20131202"
	sts.SigningName, sts.QueryVersion = "sts", "2011-06-15"
	objects.SigningName, objects.StreamsBody = "s3", true
	v1, v2, urls := echo("apigateway"), echo("apigatewayv2"), echo("execute-api")
	v1.SigningName, v1.Matches = "apigateway", func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/restapis") }
	v2.SigningName, v2.Matches = "apigateway", func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v2/apis") }
	urls.SigningName, urls.Claims = "execute-api", func(r *http.Request) bool { return strings.Contains(r.Host, ".execute-api.") }
	return New(Options{
		Services: []Service{kinesis, sts, objects, v1, v2, urls},
		Node: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "node %s", r.URL.Path)
		}),
		Auth:         NewOpen("000000000000", false, nil),
		Account:      "000000000000",
		Hosts:        []string{"example.com"},
		Origins:      []string{"https://console.example.com"},
		IsBucketHost: func(host string) bool { return strings.HasPrefix(host, "lake.s3.") },
	})
}

func signedFor(service, region, key string) string {
	return "AWS4-HMAC-SHA256 Credential=" + key + "/20260101/" + region + "/" + service + "/aws4_request, SignedHeaders=host, Signature=00"
}

func TestRouting(t *testing.T) {
	s := testServer()
	for _, tt := range []struct {
		name, method, target, body string
		header                     map[string]string
		status                     int
		want                       string
	}{
		{name: "target", method: "POST", target: "/", header: map[string]string{"X-Amz-Target": "Kinesis_20131202.ListStreams", "Authorization": signedFor("kinesis", "eu-west-1", "test")}, want: "kinesis 000000000000 eu-west-1"},
		{name: "target without credentials", method: "POST", target: "/", header: map[string]string{"X-Amz-Target": "Kinesis_20131202.ListStreams"}, want: "kinesis 000000000000 us-east-1"},
		{name: "access key as account", method: "POST", target: "/", header: map[string]string{"X-Amz-Target": "Kinesis_20131202.ListStreams", "Authorization": signedFor("kinesis", "eu-west-1", "123456789012")}, want: "kinesis 123456789012 eu-west-1"},
		{name: "scope", method: "POST", target: "/", header: map[string]string{"Authorization": signedFor("sts", "us-east-1", "test")}, want: "sts 000000000000 us-east-1"},
		{name: "presigned", method: "GET", target: "/lake/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260101%2Fap-south-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00", want: "s3 000000000000 ap-south-1"},
		{name: "rpc v2", method: "POST", target: "/service/Kinesis_20131202/operation/ListStreams", header: map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, want: "kinesis 000000000000 us-east-1"},
		{name: "rpc v2 below a path", method: "POST", target: "/proxy/service/Kinesis_20131202/operation/ListStreams", header: map[string]string{"Smithy-Protocol": "rpc-v2-cbor", "Authorization": signedFor("kinesis", "eu-west-1", "test")}, want: "kinesis 000000000000 eu-west-1"},
		{name: "a bucket named service", method: "GET", target: "/service/Kinesis_20131202/operation/x", want: "s3 000000000000 us-east-1"},
		{name: "host of a service", method: "POST", target: "http://kinesis.us-west-2.amazonaws.com/", want: "kinesis 000000000000 us-east-1"},
		{name: "host of a bucket", method: "GET", target: "http://lake.s3.localhost:4566/key", want: "s3 000000000000 us-east-1"},
		{name: "unsigned form", method: "POST", target: "/", body: "Action=GetCallerIdentity&Version=2011-06-15", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, want: "sts 000000000000 us-east-1"},
		{name: "path of a REST operation", method: "GET", target: "/v2/apis", want: "apigatewayv2 000000000000 us-east-1"},
		{name: "one signing name, two APIs", method: "GET", target: "/v2/apis", header: map[string]string{"Authorization": signedFor("apigateway", "eu-west-1", "test")}, want: "apigatewayv2 000000000000 eu-west-1"},
		{name: "one signing name, the first API", method: "GET", target: "/restapis/x", header: map[string]string{"Authorization": signedFor("apigateway", "eu-west-1", "test")}, want: "apigateway 000000000000 eu-west-1"},
		{name: "a bucket with the path of an operation", method: "GET", target: "/restapis/x", header: map[string]string{"Authorization": signedFor("s3", "eu-west-1", "test")}, want: "s3 000000000000 eu-west-1"},
		{name: "a claimed host", method: "GET", target: "http://abc.execute-api.eu-west-1.amazonaws.com/restapis/x", header: map[string]string{"Origin": "https://anything.example"}, want: "execute-api 000000000000 eu-west-1"},
		{name: "what is left is an object", method: "GET", target: "/lake/data/x", want: "s3 000000000000 us-east-1"},
		{name: "metrics", method: "GET", target: "/metrics", want: "node /metrics"},
		{name: "a bucket named metrics", method: "GET", target: "/metrics", header: map[string]string{"Authorization": signedFor("s3", "us-east-1", "test")}, want: "s3 000000000000 us-east-1"},
		{name: "health", method: "GET", target: "/_brookmere/health", want: "node /_brookmere/health"},
		{name: "unknown target", method: "POST", target: "/", header: map[string]string{"X-Amz-Target": "Nothing_1.Do"}, status: 400, want: "UnknownOperationException"},
		{name: "unknown scope", method: "POST", target: "/", header: map[string]string{"Authorization": signedFor("ec2", "us-east-1", "test")}, status: 400, want: "no service "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body))
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if tt.status == 0 {
				tt.status = 200
			}
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, tt.status, tt.want)
			}
		})
	}
}

func TestOrigins(t *testing.T) {
	s := testServer()
	for _, tt := range []struct {
		origin string
		status int
	}{
		{"", 200},
		{"http://localhost:3000", 200},
		{"http://127.0.0.1:4566", 200},
		{"http://[::1]:80", 200},
		{"https://console.example.com", 200},
		{"https://console.example.com.evil.test", 403},
		{"https://evil.test", 403},
		{"null", 403},
		{"http://localhost.evil.test", 403},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("origin %q: got %d, want %d", tt.origin, w.Code, tt.status)
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code == 200 && got != tt.origin {
			t.Errorf("origin %q: allowed origin is %q", tt.origin, got)
		}
	}
}

// What a browser says of where a request comes from, and what host it was for.
func TestBrowserRequests(t *testing.T) {
	s := testServer()
	for _, tt := range []struct {
		method, host, site, mode, origin string
		status                           int
	}{
		{"POST", "127.0.0.1:4566", "", "", "", 200},
		{"POST", "[::1]:4566", "", "", "", 200},
		{"POST", "localhost:4566", "", "", "", 200},
		{"POST", "brookmere:4566", "", "", "", 200}, // a name of a container
		{"POST", "lake.s3.localhost", "", "", "", 200},
		{"POST", "host.docker.internal", "", "", "", 200},
		{"POST", "kinesis.eu-west-1.amazonaws.com", "", "", "", 200},
		{"POST", "example.com", "", "", "", 200}, // configured
		{"POST", "bucket.example.com", "", "", "", 200},
		{"POST", "evil.org", "", "", "", 403},
		{"POST", "lake.s3.evil.org", "", "", "", 403},
		{"POST", "localhost.evil.org:4566", "", "", "", 403},
		{"POST", "127.0.0.1.evil.org", "", "", "", 403},
		{"POST", "EVIL.org.", "", "", "", 403},
		{"POST", "localhost", "same-origin", "cors", "http://localhost", 200},
		{"POST", "localhost", "same-site", "cors", "http://localhost:3000", 200},
		{"POST", "localhost", "cross-site", "cors", "https://evil.org", 403},
		{"POST", "localhost", "cross-site", "navigate", "null", 403},
		{"POST", "localhost", "cross-site", "navigate", "", 403},
		{"GET", "localhost", "cross-site", "no-cors", "", 403}, // an image
		{"GET", "localhost", "same-site", "no-cors", "", 403},
		{"GET", "localhost", "cross-site", "navigate", "", 200}, // a link
		{"GET", "localhost", "none", "navigate", "", 200},       // typed
	} {
		r := httptest.NewRequest(tt.method, "/bucket/key", nil)
		r.Host = tt.host
		for name, value := range map[string]string{"Sec-Fetch-Site": tt.site, "Sec-Fetch-Mode": tt.mode, "Origin": tt.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%+v: %d %s", tt, w.Code, w.Body)
		}
	}
}

// Endpoints of a node that verifies signatures change nothing without one of its account.
func TestNodeEndpointsNeedASignature(t *testing.T) {
	now := time.Now().UTC()
	s := New(Options{
		Account: "000000000000",
		Node:    http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "done") }),
		Auth: NewVerified(map[string]Credential{
			"OWN": {Secret: "secret", Account: "000000000000"}, "OTHER": {Secret: "secret", Account: "111111111111"},
		}, nil),
	})
	for _, tt := range []struct {
		method, key, secret string
		status              int
	}{
		{"GET", "", "", 403},
		{"GET", "OWN", "secret", 200},
		{"GET", "OTHER", "secret", 403},
		{"POST", "", "", 403},
		{"DELETE", "", "", 403},
		{"POST", "OWN", "secret", 200},
		{"POST", "OWN", "wrong", 403},
		{"POST", "OTHER", "secret", 403},
	} {
		r := httptest.NewRequest(tt.method, "http://localhost:4566/_brookmere/reset", nil)
		if tt.key != "" {
			sum := sha256.Sum256(nil)
			err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: tt.key, SecretAccessKey: tt.secret}, r, hex.EncodeToString(sum[:]), "brookmere", "us-east-1", now)
			if err != nil {
				t.Fatal(err)
			}
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.key, tt.secret, w.Code, w.Body)
		}
	}
}

// Bodies in memory are bounded together: what has no room is told to slow down.
func TestBodyBudget(t *testing.T) {
	kinesis := echo("kinesis")
	kinesis.SigningName, kinesis.TargetPrefix = "kinesis", "Kinesis_20131202"
	kinesis.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	bodies := inflight.New(1 << 20)
	s := New(Options{Services: []Service{kinesis}, Auth: &Open{}, Bodies: bodies})
	call := func(size int) int {
		r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader(strings.Repeat("x", size)))
		r.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecord")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	if got := call(900 << 10); got != 200 {
		t.Errorf("with room: %d", got)
	}
	if got := call(2 << 20); got != 503 {
		t.Errorf("without: %d", got)
	}
	if bodies.Used() != 0 {
		t.Errorf("%d bytes are still taken", bodies.Used())
	}
}

// A client that does not read its answer does not hold it for ever.
func TestClientThatDoesNotRead(t *testing.T) {
	defer func(d time.Duration) { answerStall = d }(answerStall)
	answerStall = 100 * time.Millisecond
	kinesis := echo("kinesis")
	kinesis.SigningName, kinesis.TargetPrefix = "kinesis", "Kinesis_20131202"
	ended := make(chan error, 1)
	kinesis.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := w.Write(make([]byte, 64<<20))
		ended <- err
	})
	web := httptest.NewServer(New(Options{Services: []Service{kinesis}, Auth: &Open{}}))
	defer web.Close()
	c, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Kinesis_20131202.GetRecords\r\nContent-Length: 0\r\n\r\n")
	select {
	case err := <-ended:
		if err == nil {
			t.Error("all was written to nobody")
		}
	case <-time.After(time.Minute):
		t.Error("the answer is still held")
	}
}

// A client that announces a body and does not send it, or sends a part, is answered, and holds no room.
func TestClientThatDoesNotSend(t *testing.T) {
	defer func(d time.Duration) { bodyStall = d }(bodyStall)
	bodyStall = 100 * time.Millisecond
	kinesis, doors := echo("kinesis"), echo("execute-api")
	kinesis.SigningName, kinesis.TargetPrefix = "kinesis", "Kinesis_20131202"
	doors.SigningName, doors.Claims = "execute-api", func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/_aws/execute-api/") }
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	kinesis.Handler, doors.Handler = read, read
	bodies := inflight.New(1 << 20)
	web := httptest.NewServer(New(Options{Services: []Service{kinesis, doors}, Auth: &Open{}, Bodies: bodies}))
	defer web.Close()
	for _, request := range []string{
		"POST /_aws/execute-api/abc/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
		"POST /_aws/execute-api/abc/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 60_000),
		"POST /_aws/execute-api/abc/v1/orders HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Kinesis_20131202.PutRecord\r\nContent-Length: 10\r\n\r\n",
	} {
		c, err := net.Dial("tcp", web.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		io.WriteString(c, request)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%.60q: no answer: %v", request, err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !resp.Close {
			t.Errorf("%.60q: %s, connection closed: %v", request, resp.Status, resp.Close)
		}
	}
	web.Close() // waits for the requests
	if bodies.Used() != 0 {
		t.Errorf("%d bytes are still taken", bodies.Used())
	}
}

func TestPreflight(t *testing.T) {
	r := httptest.NewRequest("OPTIONS", "/", nil)
	r.Header.Set("Origin", "http://localhost:3000")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "x-amz-target,authorization")
	w := httptest.NewRecorder()
	testServer().ServeHTTP(w, r)
	if w.Code != 200 || w.Header().Get("Access-Control-Allow-Headers") != "x-amz-target,authorization" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

// TestShutdownEndsWaits: a request that waits for data must not hold up a shutdown.
func TestShutdownEndsWaits(t *testing.T) {
	waiting := make(chan struct{})
	svc := echo("s3")
	svc.SigningName, svc.StreamsBody = "s3", true
	svc.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(waiting)
		<-r.Context().Done()
		io.WriteString(w, "ended")
	})
	s := New(Options{Services: []Service{svc}, Node: http.NotFoundHandler(), Auth: NewOpen("", false, nil)})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	got := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + ln.Addr().String() + "/bucket/key")
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		got <- string(b)
	}()
	<-waiting
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if b := <-got; b != "ended" {
		t.Errorf("got %q", b)
	}
}

func FuzzServiceOfHost(f *testing.F) {
	for _, s := range []string{"kinesis.us-east-1.amazonaws.com", "127.0.0.1:4566", "[::1]:80", "", ".", "a:b:c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if s := serviceOfHost(host); strings.Contains(s, ".") {
			t.Errorf("serviceOfHost(%q) = %q", host, s)
		}
	})
}

// TestAnswerBeforeTheBody: who asks before it sends a body gets the answer that needs none at once. SDKs ask so for
// every upload over TLS.
func TestAnswerBeforeTheBody(t *testing.T) {
	ts := httptest.NewServer(testServer())
	defer ts.Close()
	for _, header := range []string{"Transfer-Encoding: chunked", "Content-Length: 5"} {
		conn, err := net.Dial("tcp", ts.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprintf(conn, "PUT /lake/key HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n%s\r\n\r\n", header)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: no answer without the body: %v", header, err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !resp.Close {
			t.Errorf("%s: %s, connection closed: %v", header, resp.Status, resp.Close)
		}
	}
}
