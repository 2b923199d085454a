package attack

import (
	"net/http"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestOpenNode attacks a node that takes any credentials, by what a browser sends for pages
// of other sites.
func TestOpenNode(t *testing.T) {
	n := nodetest.Start(t, nodetest.Options{Args: []string{"--data", ":memory:"}})
	const body = `{"StreamName":"s","ShardCount":1}`
	if status, got := do(t, request(t.Context(), n.URL, "Kinesis_20131202.CreateStream", body)); status != 200 {
		t.Fatalf("%d %s", status, got)
	}
	host := strings.TrimPrefix(n.URL, "http://")
	_, port, _ := strings.Cut(host, ":")
	for _, tt := range []struct {
		name    string
		method  string
		path    string
		host    string
		headers map[string]string
		body    string
		allowed bool
	}{
		{name: "a form that deletes", method: "POST", headers: map[string]string{
			"Origin": "https://evil.example.org", "Content-Type": "application/x-www-form-urlencoded"}, body: "Action=DeleteStream&StreamName=s"},
		{name: "a form without origin", method: "POST", headers: map[string]string{
			"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Content-Type": "text/plain", "X-Amz-Target": "Kinesis_20131202.DeleteStream"}, body: `{"StreamName":"s"}`},
		{name: "an image that deletes", method: "GET", path: "/?Action=DeleteStream&StreamName=s", headers: map[string]string{
			"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Content-Type": "application/x-www-form-urlencoded"}},
		{name: "a name that resolves here", method: "POST", host: "rebound.example.org:" + port, headers: map[string]string{
			"X-Amz-Target": "Kinesis_20131202.ListStreams", "Content-Type": "application/x-amz-json-1.1"}, body: "{}"},
		{name: "a name that resolves here resets", method: "POST", path: "/_brookmere/reset", host: "rebound.example.org:" + port},
		{name: "another site resets", method: "POST", path: "/_brookmere/reset", headers: map[string]string{"Origin": "https://evil.example.org"}},
		{name: "a sandboxed page", method: "POST", headers: map[string]string{
			"Origin": "null", "X-Amz-Target": "Kinesis_20131202.ListStreams", "Content-Type": "application/x-amz-json-1.1"}, body: "{}"},
		{name: "a page on loopback, with the AWS SDK", method: "POST", headers: map[string]string{
			"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors",
			"X-Amz-Target": "Kinesis_20131202.ListStreams", "Content-Type": "application/x-amz-json-1.1"}, body: "{}", allowed: true},
	} {
		r, err := http.NewRequest(tt.method, n.URL+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range tt.headers {
			r.Header.Set(k, v)
		}
		if tt.host != "" {
			r.Host = tt.host
		}
		if status, got := do(t, r); (status == 200) != tt.allowed || status >= 500 {
			t.Errorf("%s: %d %s", tt.name, status, got)
		}
	}
	if _, got := do(t, request(t.Context(), n.URL, "Kinesis_20131202.ListStreams", "{}")); !strings.Contains(got, `"s"`) {
		t.Errorf("the stream has gone: %s", got)
	}
}
