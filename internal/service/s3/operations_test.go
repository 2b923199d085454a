package s3

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRefusedObjectOperations: what is not there must not pass for the plain operation.
func TestRefusedObjectOperations(t *testing.T) {
	s := newNode(t)
	do := func(method, target, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	if w := do("PUT", "/bucket", ""); w.Code != http.StatusOK {
		t.Fatalf("create bucket: %d %s", w.Code, w.Body)
	}
	if w := do("PUT", "/bucket/key", "data"); w.Code != http.StatusOK {
		t.Fatalf("put: %d %s", w.Code, w.Body)
	}
	for _, target := range []string{
		"PUT /bucket/key?renameObject", "GET /bucket/key?torrent", "PUT /bucket/key?annotation&annotationName=n", "GET /bucket/key?annotation&annotationName=n",
		"GET /bucket/key?annotation", "DELETE /bucket/key?annotation&annotationName=n", "PUT /bucket?metadataAnnotationTable",
	} {
		method, path, _ := strings.Cut(target, " ")
		if w := do(method, path, ""); w.Code != http.StatusNotImplemented || !strings.Contains(w.Body.String(), "NotImplemented") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	if w := do("GET", "/bucket/key", ""); w.Body.String() != "data" {
		t.Errorf("the object is now %q", w.Body)
	}
}
