package executeapi

import (
	"errors"
	"iter"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

func TestLocate(t *testing.T) {
	for _, c := range []struct{ target, api, rest string }{
		{"http://abc.execute-api.eu-west-1.amazonaws.com/v1/a%2Fb?x=1", "abc", "/v1/a%2Fb"},
		{"http://abc.execute-api.localhost:4566/", "abc", "/"},
		{"http://localhost/_aws/execute-api/abc/v1/a", "abc", "/v1/a"},
		{"http://localhost/_aws/execute-api/abc", "abc", "/"},
		{"http://localhost/restapis/abc/v1/_user_request_/a/b", "abc", "/v1/a/b"},
		{"http://localhost/restapis/abc/v1", "", ""},
		{"http://a.b.execute-api.localhost/", "", ""},
		{"http://localhost/_aws/execute-api//x", "", ""},
		{"http://localhost/", "", ""},
	} {
		api, rest, ok := Locate(httptest.NewRequest("GET", c.target, nil))
		if ok != (c.api != "") || ok && (api != c.api || rest != c.rest) {
			t.Errorf("%s: %q %q %t, want %q %q", c.target, api, rest, ok, c.api, c.rest)
		}
	}
}

func TestThrottles(t *testing.T) {
	var x Throttles
	now := time.Unix(0, 0)
	taken := 0
	for range 10 {
		if x.Take(now, "a", 2, 4) {
			taken++
		}
	}
	if taken != 4 {
		t.Errorf("%d are let in at once, want the burst of 4", taken)
	}
	if !x.Take(now.Add(time.Second), "a", 2, 4) || !x.Take(now, "b", 2, 4) {
		t.Error("no token after a second, or for another name")
	}
}

func TestAsRole(t *testing.T) {
	of := scope.Scope{Account: "111111111111", Region: "eu-west-1"}
	c, ok := AsRole(of, "arn:aws:iam::111111111111:role/a/b", "arn:x")
	if !ok || c.Principal != "arn:aws:sts::111111111111:assumed-role/b/BackplaneAssumeRoleSession" {
		t.Errorf("%v %+v", ok, c)
	}
	for _, no := range []string{"", "x", "arn:aws:iam::222222222222:role/b", "arn:aws:iam::111111111111:user/b", "arn:aws:iam::*:user/*"} {
		if _, ok := AsRole(of, no, ""); ok {
			t.Errorf("%q is taken for a role", no)
		}
	}
}

func TestFormatAccess(t *testing.T) {
	got := FormatAccess(`$context.a.b.$context.x-y "$context" $contextual`, func(p string) string { return "<" + p + ">" })
	if want := `<a.b>.<x>-y "$context" $contextual`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// apis are documents, some of which cannot be read.
type apis map[string]error

func (a apis) Get(key ...string) (*string, error) {
	id := strings.Join(key, "/")
	err, ok := a[id]
	if !ok {
		return nil, errors.New("not found")
	}
	return &id, err
}

func (a apis) Keys(...string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for _, id := range slices.Sorted(maps.Keys(a)) {
			if !yield(strings.Split(id, "/")) {
				return
			}
		}
	}
}

func TestOwners(t *testing.T) {
	docs := apis{"1/eu/a": nil, "2/us/b": nil, "2/us/spoiled": errors.New("undecodable")}
	var o Owners
	for range 2 { // found, then remembered
		if sc, d, err := FindOwner(&o, docs, "b"); err != nil || d == nil || sc.Account != "2" || sc.Region != "us" {
			t.Errorf("b: %v %v %v", sc, d, err)
		}
	}
	if _, d, err := FindOwner(&o, docs, "none"); d != nil || err != nil || o.Knows("none") {
		t.Errorf("none: %v %v", d, err)
	}
	if _, _, err := FindOwner(&o, docs, "spoiled"); err == nil {
		t.Error("an API that cannot be read is absent")
	}
	delete(docs, "2/us/b")
	docs["3/eu/b"] = nil // made anew by another
	if sc, d, err := FindOwner(&o, docs, "b"); err != nil || d == nil || sc.Account != "3" {
		t.Errorf("b of another: %v %v %v", sc, d, err)
	}
	if o.Forget("b"); o.Knows("b") {
		t.Error("b is not forgotten")
	}
}

func TestPolicyPath(t *testing.T) {
	for escaped, want := range map[string]string{"a/b": "a/b", "a%2Fb": "a%2Fb", "a%2fb/c%20d": "a%2Fb/c d", "%252F": "%2F", "": "", "a//b/": "a//b/", "%2e%2E": ".."} {
		if got := PolicyPath(escaped); got != want {
			t.Errorf("%s: %s, want %s", escaped, got, want)
		}
	}
}
