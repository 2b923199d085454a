package apigateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// TestDocs asks for the page of a deployed API, and what it is made of.
func TestDocs(t *testing.T) {
	x := newBench(t)
	x.method("POST", "orders", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`}},
		apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	x.deploy()
	mux := http.NewServeMux()
	for _, e := range x.s.Endpoints() {
		mux.HandleFunc(e.Method+" /_brookmere/"+e.Path, e.Serve)
	}
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", "/_brookmere/apis/"+path, nil))
		return w
	}
	stage := x.api + "/v1/docs"
	for file, kind := range map[string]string{"": "text/html; charset=utf-8", "/page.css": "text/css; charset=utf-8", "/page.js": "text/javascript; charset=utf-8"} {
		w := get(stage + file)
		if w.Code != 200 || w.Header().Get("Content-Type") != kind {
			t.Errorf("%q: status %d, %v", file, w.Code, w.Header())
		}
		if p := w.Header().Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("%q: policy %q", file, p)
		}
		if strings.Contains(w.Body.String(), "http:") || strings.Contains(w.Body.String(), "https:") {
			t.Errorf("%q names another host", file)
		}
	}
	var spec struct {
		OpenAPI string `json:"openapi"`
		Servers []struct{ URL string }
		Paths   map[string]map[string]any
	}
	w := get(stage + "/openapi.json")
	if err := json.Unmarshal(w.Body.Bytes(), &spec); err != nil {
		t.Fatal(err)
	}
	if spec.OpenAPI != "3.0.1" || spec.Servers[0].URL != "/_aws/execute-api/"+x.api+"/v1" || spec.Paths["/orders"]["post"] == nil || strings.Contains(w.Body.String(), "x-amazon-apigateway-integration") {
		t.Errorf("description: %s", w.Body)
	}
	for _, path := range []string{"none/v1/docs", x.api + "/none/docs", "none/v1/docs/openapi.json", stage + "/none.js", stage + "/..%2fdocs.go", stage + "/%2e%2e"} {
		if w := get(path); w.Code != 404 && w.Code != 307 && w.Code != 301 {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}
