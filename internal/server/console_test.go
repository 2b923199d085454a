package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// page is a console that takes /console.
type page struct{}

func (page) Takes(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == "/console"
}

func (page) ServeHTTP(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "page") }

func TestConsole(t *testing.T) {
	s := testServer()
	s.opts.Console = page{}
	for _, tt := range []struct {
		name, method, target string
		header               map[string]string
		status               int
		want                 string
	}{
		{name: "page", target: "http://127.0.0.1:4566/console", want: "page"},
		{name: "object of a client that signs", target: "http://127.0.0.1:4566/console", header: map[string]string{"Authorization": signedFor("s3", "us-east-1", "test")}, want: "s3 "},
		{name: "host of a bucket", target: "http://lake.s3.localhost/console", want: "s3 "},
		{name: "host of a service", target: "http://kinesis.localhost/console", want: "kinesis "},
		{name: "rebound name", target: "http://evil.example.net/console", status: http.StatusForbidden, want: "Host"},
		{name: "rebound name, of the page's own origin", method: "POST", target: "http://evil.example.net/", header: map[string]string{"Origin": "http://evil.example.net", "X-Amz-Target": "Kinesis_20131202.ListStreams"}, status: http.StatusForbidden, want: "Host"},
		{name: "own page by a name of the node", method: "POST", target: "http://node.lan:4566/", header: map[string]string{"Origin": "http://node.lan:4566", "X-Amz-Target": "Kinesis_20131202.ListStreams"}, want: "kinesis "},
		{name: "page of another port there", method: "POST", target: "http://node.lan:4566/", header: map[string]string{"Origin": "http://node.lan:80", "X-Amz-Target": "Kinesis_20131202.ListStreams"}, status: http.StatusForbidden, want: "Origin"},
		{name: "page of another scheme there", method: "POST", target: "http://node.lan:4566/", header: map[string]string{"Origin": "https://node.lan:4566", "X-Amz-Target": "Kinesis_20131202.ListStreams"}, status: http.StatusForbidden, want: "Origin"},
		{name: "script of another site", target: "http://127.0.0.1:4566/console", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, status: http.StatusForbidden, want: "another site"},
		{name: "link of another site", target: "http://127.0.0.1:4566/console", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, want: "page"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.method == "" {
				tt.method = http.MethodGet
			}
			if tt.status == 0 {
				tt.status = http.StatusOK
			}
			r := httptest.NewRequest(tt.method, tt.target, nil)
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != tt.status || !strings.HasPrefix(w.Body.String(), tt.want) && !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("answered %d %s, want %d %s", w.Code, w.Body, tt.status, tt.want)
			}
		})
	}
}
