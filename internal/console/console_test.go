package console

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestWithoutFiles(t *testing.T) {
	c, err := of(Node{}, fstest.MapFS{"README.md": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	w := get(c, "/console", "")
	if c.Built() || w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "make console") {
		t.Errorf("built %v, answered %d %s", c.Built(), w.Code, w.Body)
	}
	if c.Takes(request("/console/README.md")) {
		t.Error("the placeholder is served")
	}
}

func TestServes(t *testing.T) {
	script := strings.Repeat("let a = 1;\n", 100)
	c, err := of(Node{Version: "1", Open: true, Account: "000000000000", Services: []string{"s3"}}, fstest.MapFS{
		"index.html": {Data: []byte("<!doctype html>" + nodeMark)}, "app.js": {Data: []byte(script)}, "part-A.js": {Data: []byte(script)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]string{
		"/console": "text/html; charset=utf-8", "/console/": "text/html; charset=utf-8",
		"/console/app.js": "text/javascript; charset=utf-8", "/console/part-A.js": "text/javascript; charset=utf-8",
	} {
		w := get(c, path, "")
		h := w.Header()
		if w.Code != http.StatusOK || h.Get("Content-Type") != kind {
			t.Errorf("%s: answered %d, %s", path, w.Code, h.Get("Content-Type"))
		}
		if p := h.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("%s: policy %q", path, p)
		}
	}
	if body := get(c, "/console", "").Body.String(); !strings.Contains(body, `content="{&#34;version&#34;:&#34;1&#34;,&#34;open&#34;:true,&#34;account&#34;:&#34;000000000000&#34;,&#34;services&#34;:[&#34;s3&#34;]}"`) {
		t.Errorf("the page does not say what its node is: %s", body)
	}
	for path, want := range map[string]string{"/console": "no-cache", "/console/app.js": "no-cache", "/console/part-A.js": "max-age=31536000, immutable"} {
		if got := get(c, path, "").Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control %q, want %q", path, got, want)
		}
	}
	w := get(c, "/console/app.js", "gzip")
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != script {
		t.Errorf("unpacked %q, %v", b, err)
	}
	again := request("/console/app.js")
	again.Header.Set("If-None-Match", w.Header().Get("ETag"))
	cached := httptest.NewRecorder()
	c.ServeHTTP(cached, again)
	if cached.Code != http.StatusNotModified {
		t.Errorf("what a browser has was sent again: %d", cached.Code)
	}
}

// TestTakes: what is not the console's is left to the services, an object in a bucket of the name
// "console" too.
func TestTakes(t *testing.T) {
	c, err := of(Node{}, fstest.MapFS{"index.html": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	page := request("/")
	page.Header.Set("Accept", "text/html,*/*;q=0.8")
	for _, test := range []struct {
		r    *http.Request
		want bool
	}{
		{page, true},
		{request("/"), false}, // a client that lists buckets
		{request("/console"), true},
		{request("/console/data/1.json"), false},
		{request("/consoles"), false},
		{httptest.NewRequest(http.MethodPut, "/console", nil), false},
	} {
		if got := c.Takes(test.r); got != test.want {
			t.Errorf("%s %s: takes %v", test.r.Method, test.r.URL, got)
		}
	}
}

func request(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func get(h http.Handler, path, encoding string) *httptest.ResponseRecorder {
	r := request(path)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
