package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
)

// issuer has issued a key and a session.
type issuer struct{}

func (issuer) Session(key, token string) (*awswire.Session, bool) {
	return &awswire.Session{Secret: "hush", Account: "222222222222", Principal: "role"}, key == "ASIAIOSFODNN7EXAMPLE" && token == "token"
}

func (issuer) Key(_ context.Context, key string) (Key, bool) {
	return Key{Secret: "hush", Account: "111111111111", User: "user"}, key == "AKIAIOSFODNN7EXAMPLE"
}

func (issuer) Used(_ context.Context, _, _, _ string) {}

// TestPresignedV2: URLs that are presigned in the second version, as SDKs make them for S3 unless they are told otherwise,
// and requests that are signed in it, are their signer's at nodes that verify all signatures and at those that do not.
func TestPresignedV2(t *testing.T) {
	svc := &Service{SigningName: "s3", StreamsBody: true}
	expires := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	of := func(key, token string) *http.Request {
		text := "GET\n\n\n" + expires + "\n"
		q := url.Values{"AWSAccessKeyId": {key}, "Expires": {expires}}
		if token != "" {
			text += "x-amz-security-token:" + token + "\n"
			q.Set("x-amz-security-token", token)
		}
		mac := hmac.New(sha1.New, []byte("hush"))
		mac.Write([]byte(text + "/bkt/k")) // a hash does not fail
		q.Set("Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return httptest.NewRequest(http.MethodGet, "http://localhost/bkt/k?"+q.Encode(), nil)
	}
	signed := func(key, token string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "http://localhost/bkt/k", nil)
		date := time.Now().UTC().Format(http.TimeFormat)
		r.Header.Set("Date", date)
		text := "GET\n\n\n" + date + "\n"
		if token != "" {
			text += "x-amz-security-token:" + token + "\n"
			r.Header.Set("X-Amz-Security-Token", token)
		}
		mac := hmac.New(sha1.New, []byte("hush"))
		mac.Write([]byte(text + "/bkt/k")) // a hash does not fail
		r.Header.Set("Authorization", "AWS "+key+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return r
	}
	for _, tt := range []struct {
		what       string
		auth       Authenticator
		key, token string
		want       string // account and principal; "refused"
	}{
		{"user", NewVerified(nil, issuer{}), "AKIAIOSFODNN7EXAMPLE", "", "111111111111 user"},
		{"session", NewVerified(nil, issuer{}), "ASIAIOSFODNN7EXAMPLE", "token", "222222222222 role"},
		{"user, open", NewOpen("000000000000", true, issuer{}), "AKIAIOSFODNN7EXAMPLE", "", "111111111111 user"},
		{"session, open", NewOpen("000000000000", true, issuer{}), "ASIAIOSFODNN7EXAMPLE", "token", "222222222222 role"},
		{"unknown, open", NewOpen("000000000000", true, issuer{}), "AKIAIOSFODNN7EXAMPLF", "", "refused"},
		{"any key, open", NewOpen("000000000000", true, issuer{}), "test", "", "000000000000 "},
		{"account, open", NewOpen("000000000000", false, issuer{}), "333333333333", "", "333333333333 "},
	} {
		for where, r := range map[string]*http.Request{"query": of(tt.key, tt.token), "header": signed(tt.key, tt.token)} {
			scope, _ := tt.auth.Scope(r)
			c, err := tt.auth.Authenticate(r, scope, svc)
			got := c.Account + " " + c.Principal
			switch {
			case err != nil:
				got = "refused"
			case c.Anonymous:
				got = "nobody"
			}
			if got != tt.want {
				t.Errorf("%s, %s: %s, want %s (%v)", tt.what, where, got, tt.want, err)
			}
		}
	}
	// Another token beside that of the signature makes the caller nobody else.
	for _, auth := range []Authenticator{NewVerified(nil, issuer{}), NewOpen("000000000000", true, issuer{})} {
		r := of("ASIAIOSFODNN7EXAMPLE", "token")
		r.Header.Set("X-Amz-Security-Token", "other")
		scope, _ := auth.Scope(r)
		if c, err := auth.Authenticate(r, scope, svc); err == nil {
			t.Errorf("%T: with another token: %+v", auth, c)
		}
	}
	r := signed("AKIAIOSFODNN7EXAMPLE", "")
	r.Method = http.MethodDelete
	for what, auth := range map[string]Authenticator{"verified": NewVerified(nil, issuer{}), "open": NewOpen("000000000000", true, issuer{})} {
		scope, _ := auth.Scope(r)
		if c, err := auth.Authenticate(r, scope, svc); err == nil {
			t.Errorf("%s: another method is taken, as %+v", what, c)
		}
	}
}

// TestOneMechanism: a request to S3 that is signed in more than one way is refused, whoever verifies signatures.
func TestOneMechanism(t *testing.T) {
	const v2, v4 = "AWSAccessKeyId=k&Expires=4000000000&Signature=x", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=x"
	svc := &Service{SigningName: "s3", StreamsBody: true}
	for _, x := range []struct {
		query, authorization string
		many                 bool
	}{
		{"", "", false}, {v2, "", false}, {v4, "", false}, {"", "AWS k:x", false}, {"", "Bearer x", false},
		{v2, "AWS k:x", true}, {v4, "AWS k:x", true}, {v2, "AWS4-HMAC-SHA256 Credential=k", true}, {v4, "Bearer x", true}, {v2 + "&" + v4, "", true},
		{v4 + "&" + v2, "AWS k:x", true}, {"prefix=X-Amz-Algorithm=", "AWS k:x", false}, {"Signature=x", "Basic x", true},
	} {
		for _, auth := range []Authenticator{NewVerified(nil, issuer{}), NewOpen("000000000000", true, issuer{}), NewOpen("000000000000", false, nil)} {
			r := httptest.NewRequest(http.MethodGet, "http://localhost/bkt/k?"+x.query, nil)
			if x.authorization != "" {
				r.Header.Set("Authorization", x.authorization)
			}
			scope, _ := auth.Scope(r)
			_, err := auth.Authenticate(r, scope, svc)
			if many := err != nil && strings.Contains(err.Error(), "Only one auth mechanism allowed"); many != x.many {
				t.Errorf("%T: %q, %q: %v", auth, x.query, x.authorization, err)
			}
		}
	}
}
