package remote

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/brookmere/brookmere/internal/console"
)

// page is made once: its files are compressed.
var page = sync.OnceValues(func() (*console.Console, error) { return console.New(console.Node{Remote: true}) })

// started is a server before whatever upstream answers, and a browser that has opened its address.
func started(t *testing.T, upstream http.RoundTripper, keys aws.CredentialsProvider) (*httptest.Server, *http.Client) {
	t.Helper()
	files, err := page()
	if err != nil {
		t.Fatal(err)
	}
	own := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "own") })
	s, err := New(Config{Credentials: keys, Files: files, Own: own, Transport: upstream})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	resp, err := client.Get(s.Address(strings.TrimPrefix(server.URL, "http://")))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.RawQuery != "" {
		t.Fatalf("the address answers %s at %s", resp.Status, resp.Request.URL)
	}
	return server, client
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var static = credentials.NewStaticCredentialsProvider("AKIDUSER", "secret", "token")

func signed(t *testing.T, method, url, service, region, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=000000000000/20261129/"+region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
	return r
}

func TestSignsAgain(t *testing.T) {
	var got *http.Request
	var text string
	server, client := started(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(r.Body)
		got, text = r, string(b)
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/html"}, "Set-Cookie": {"a=b"}, "X-Amzn-Requestid": {"id"}}, Body: io.NopCloser(strings.NewReader("<script>1</script>"))}, err
	}), static)
	for _, c := range []struct{ service, region, target, path, host, scope string }{
		{"kinesis", "eu-west-1", "Kinesis_20131202.ListStreams", "/", "kinesis.eu-west-1.amazonaws.com", "/eu-west-1/kinesis/"},
		{"dynamodb", "us-east-1", "DynamoDBStreams_20120810.ListStreams", "/", "streams.dynamodb.us-east-1.amazonaws.com", "/us-east-1/dynamodb/"},
		{"iam", "eu-central-1", "", "/", "iam.amazonaws.com", "/us-east-1/iam/"},
		{"monitoring", "cn-north-1", "", "/", "monitoring.cn-north-1.amazonaws.com.cn", "/cn-north-1/monitoring/"},
		{"s3", "us-east-1", "", "/lake/a%20b/c%27d", "s3.us-east-1.amazonaws.com", "/us-east-1/s3/"},
	} {
		r := signed(t, "POST", server.URL+c.path, c.service, c.region, `{"a":1}`)
		r.Header.Set("X-Amz-Target", c.target)
		r.Header.Set("X-Forwarded-For", "1.2.3.4")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		auth := got.Header.Get("Authorization")
		if got.URL.Scheme != "https" || got.URL.Host != c.host || got.URL.EscapedPath() != c.path || !strings.Contains(auth, "Credential=AKIDUSER/") || !strings.Contains(auth, c.scope) || got.Header.Get("X-Amz-Security-Token") != "token" || text != `{"a":1}` {
			t.Errorf("%s: %s with %s, body %s", c.service, got.URL, auth, text)
		}
		if got.Header.Get("Cookie") != "" || got.Header.Get("X-Forwarded-For") != "" {
			t.Errorf("%s: headers of the browser went on: %v", c.service, got.Header)
		}
		if resp.Header.Get("Set-Cookie") != "" || !strings.HasPrefix(resp.Header.Get("Content-Security-Policy"), "sandbox") || resp.Header.Get("X-Amzn-Requestid") != "id" {
			t.Errorf("%s: the answer's headers are %v", c.service, resp.Header)
		}
	}
}

func TestRefuses(t *testing.T) {
	server, client := started(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("%s was sent on", r.URL)
		return nil, context.Canceled
	}), static)
	for name, c := range map[string]struct {
		by     *http.Client
		change func(*http.Request)
		want   int
	}{
		"no cookie":              {http.DefaultClient, func(*http.Request) {}, 403},
		"a wrong cookie":         {http.DefaultClient, func(r *http.Request) { r.Header.Set("Cookie", cookie(r)+"=x") }, 403},
		"a rebound name":         {client, func(r *http.Request) { r.Host = "evil.test" }, 403},
		"a suffix":               {client, func(r *http.Request) { r.Host = "localhost.evil.test" }, 403},
		"another origin":         {client, func(r *http.Request) { r.Header.Set("Origin", "http://evil.test") }, 403},
		"a null origin":          {client, func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		"a page at another port": {client, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"a page at another port, of the node's own": {client, func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "same-site")
			r.Header.Del("Authorization")
			r.URL.Path = "/_brookmere/health"
		}, 403},
		"a target that leads elsewhere": {client, func(r *http.Request) { r.URL.Opaque = "x:@evil.test/" }, 400},
		"a target without a path":       {client, func(r *http.Request) { r.URL.Opaque = "*" }, 400},
		"no signature":                  {client, func(r *http.Request) { r.Header.Del("Authorization") }, 400},
		"another service": {client, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "kinesis", "ec2", 1))
		}, 400},
		"a host for region": {client, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "us-east-1", "evil-test", 1))
		}, 400},
	} {
		r := signed(t, "POST", server.URL+"/", "kinesis", "us-east-1", "{}")
		r.URL.Host, r.Host = strings.TrimPrefix(server.URL, "http://"), strings.TrimPrefix(server.URL, "http://")
		c.change(r)
		resp, err := c.by.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	resp, err := client.Get(server.URL + console.Path + "?secret=wrong")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Errorf("a wrong secret: %s", resp.Status)
	}
}

func TestSaysWhatFails(t *testing.T) {
	server, client := started(t, roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }), static)
	resp, err := client.Do(signed(t, "POST", server.URL+"/", "kinesis", "us-east-1", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 502 || !strings.Contains(string(text), "kinesis.us-east-1.amazonaws.com does not answer") {
		t.Errorf("%s %s", resp.Status, text)
	}
	server, client = started(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)))}, nil
	}), static)
	if resp, err = client.Do(signed(t, "GET", server.URL+"/lake/a", "s3", "us-east-1", "")); err != nil {
		t.Fatal(err)
	}
	text, err = io.ReadAll(resp.Body)
	resp.Body.Close()
	if err == nil {
		t.Errorf("an answer that broke off is whole: %q", text)
	}
	server, client = started(t, nil, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("\x1b[31mlog in") }))
	if resp, err = client.Do(signed(t, "POST", server.URL+"/", "kinesis", "us-east-1", "{}")); err != nil {
		t.Fatal(err)
	}
	var refused struct{ Message string }
	err = json.NewDecoder(resp.Body).Decode(&refused)
	resp.Body.Close()
	if err != nil || !strings.HasSuffix(refused.Message, "\x1b[31mlog in") {
		t.Errorf("without credentials: %q, %v", refused.Message, err)
	}
	for _, bad := range []string{"nothing", "ftp://x", "http://", "http://x/path"} {
		if _, err := New(Config{Endpoint: bad}); err == nil {
			t.Errorf("%q is taken for a URL of a node", bad)
		}
	}
}
