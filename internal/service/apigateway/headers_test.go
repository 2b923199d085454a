package apigateway

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// echoing is an endpoint that answers the headers that it got.
func echoing(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Server", "echo")
		w.Header().Set("Www-Authenticate", "Basic")
		w.Header().Set("X-Amzn-Requestid", "of-the-endpoint")
		got := map[string]string{}
		for k := range r.Header {
			got[k] = r.Header.Get(k)
		}
		_ = json.NewEncoder(w).Encode(got)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestHeadersOfIntegrations: what reaches an endpoint, and what of its answer reaches the client, under which name.
func TestHeadersOfIntegrations(t *testing.T) {
	x := newBench(t)
	x.world.serve = func(string, string, *http.Request, string) (int, http.Header, string) { return 200, nil, `{}` }
	url := echoing(t)
	all := []string{"Authorization", "Connection", "Content-Length", "Content-MD5", "Date", "Expect", "Host", "Max-Forwards", "Proxy-Authenticate", "Server", "Trailer", "Upgrade", "User-Agent", "WWW-Authenticate"}
	params := map[string]string{"method.response.header.Via": "'v'", "method.response.header.Pragma": "'p'", "method.response.header.Transfer-Encoding": "'t'"}
	for _, name := range all {
		params["method.response.header."+name] = "'mapped'"
	}
	request := map[string]string{"integration.request.header.Authorization": "'a'", "integration.request.header.Connection": "'c'", "integration.request.header.TE": "'t'"}
	x.method("GET", "/http", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeHttp, Uri: &url, RequestParameters: request, IntegrationHttpMethod: aws.String("GET")},
		apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200"), ResponseParameters: params})
	x.method("GET", "/proxy", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeHttpProxy, Uri: &url, IntegrationHttpMethod: aws.String("GET")})
	x.method("GET", "/unknown", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeHttp, Uri: aws.String("http://nobody.invalid/"), IntegrationHttpMethod: aws.String("GET")})
	for _, name := range []string{"content-length", "transfer-encoding", "authorization", "connection", "expect", "proxy-authenticate", "te"} {
		x.method("GET", "/aws-"+name, apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeAws, Uri: aws.String("arn:aws:apigateway:eu-west-1:kinesis:action/ListStreams"),
			RequestParameters: map[string]string{"integration.request.header." + name: "'x'"}}, apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	}
	x.method("GET", "/http-length", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeHttp, Uri: &url, RequestParameters: map[string]string{"integration.request.header.Content-Length": "'1'"}})
	x.deploy()

	status, h, body := x.do("GET", "/http", "", "User-Agent", "client", "Accept", "text/html")
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	for name, want := range map[string]string{"Accept": "application/json", "User-Agent": "AmazonAPIGateway_" + x.api, "X-Amzn-Apigateway-Api-Id": x.api, "Authorization": "a", "Content-Type": "", "Te": ""} {
		if got[name] != want {
			t.Errorf("the endpoint got %s %q, want %q", name, got[name], want)
		}
	}
	for _, name := range all {
		if v := h.Get("X-Amzn-Remapped-" + name); v != "mapped" {
			t.Errorf("the client got x-amzn-Remapped-%s %q", name, v)
		}
	}
	if h.Get("Via") != "v" || h.Get("Pragma") != "p" || h.Get("Transfer-Encoding") != "" || h.Get("Server") != "" {
		t.Errorf("the client got %v", h)
	}

	status, h, body = x.do("GET", "/proxy", "", "User-Agent", "client")
	if status != 200 || !strings.Contains(body, `"User-Agent":"client"`) || !strings.Contains(body, `"X-Amzn-Apigateway-Api-Id":"`+x.api+`"`) {
		t.Errorf("%d %s", status, body)
	}
	if h.Get("X-Amzn-Remapped-Server") != "echo" || h.Get("X-Amzn-Remapped-Www-Authenticate") != "Basic" || h.Get("X-Amzn-Remapped-X-Amzn-Requestid") != "of-the-endpoint" || h.Get("X-Amzn-Remapped-Date") == "" || h.Get("X-Amzn-Requestid") == "of-the-endpoint" {
		t.Errorf("the client got %v", h)
	}

	for _, path := range []string{"/aws-content-length", "/aws-transfer-encoding", "/aws-authorization", "/aws-connection", "/aws-expect", "/aws-proxy-authenticate", "/aws-te", "/http-length", "/unknown"} {
		if status, h, body := x.do("GET", path, ""); status != 500 || body != `{"message": "Internal server error"}` || h.Get("X-Amzn-Errortype") != "InternalServerErrorException" {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if len(x.world.calls) > 0 {
		t.Errorf("services were called: %v", x.world.calls)
	}
}

// TestFailedTest: the log and headers of a test whose endpoint is not there.
func TestFailedTest(t *testing.T) {
	x := newBench(t)
	x.method("GET", "/", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeHttp, Uri: aws.String("http://nobody.invalid/"), IntegrationHttpMethod: aws.String("GET")})
	out, err := x.s.TestInvokeMethod(x.ctx, &apigateway.TestInvokeMethodInput{RestApiId: &x.api, ResourceId: &x.root, HttpMethod: aws.String("GET")})
	if err != nil {
		t.Fatal(err)
	}
	if out.Status != 500 || *out.Body != `{"message": "Internal server error"}` || len(out.Headers) != 1 || out.Headers["x-amzn-ErrorType"] != "InternalServerErrorException" {
		t.Errorf("%d %s %v", out.Status, *out.Body, out.Headers)
	}
	if log := *out.Log; !strings.Contains(log, "Execution failed due to configuration error: Invalid endpoint address\n") || strings.Contains(log, "Method response") || !strings.HasSuffix(log, "Method completed with status: 500\n") {
		t.Errorf("the log:\n%s", log)
	}
}
