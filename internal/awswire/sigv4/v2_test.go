package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestV2SignsWhatIsRead: of what a presigned URL says, nothing is said otherwise by headers or parameters that were added
// to it.
func TestV2SignsWhatIsRead(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	v := verifierAt(at, "AKID", "secret")
	const expires = "1800000060"
	sign := func(text string) string {
		mac := hmac.New(sha1.New, []byte("secret"))
		mac.Write([]byte(text)) // a hash does not fail
		return "AWSAccessKeyId=AKID&Expires=" + expires + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	signed := sign("PUT\n\ntext/plain\n"+expires+"\nx-amz-acl:private\n/bkt/k") + "&content-type=text%2Fplain&x-amz-acl=private"
	plain := sign("PUT\n\n\n" + expires + "\n/bkt/k")
	for _, tt := range []struct {
		what, query string
		header      []string
		ok          bool
	}{
		{"as it was signed", signed, nil, true},
		{"with the same in headers", signed, []string{"X-Amz-Acl", "private", "Content-Type", "text/plain"}, true},
		{"with another header", signed, []string{"X-Amz-Acl", "public-read"}, false},
		{"with another type", signed, []string{"Content-Type", "text/html"}, false},
		{"with one more header", signed, []string{"X-Amz-Meta-A", "b"}, false},
		{"with the parameter once more", signed + "&x-amz-acl=public-read", nil, false},
		{"with the parameter in another case", signed + "&X-Amz-Acl=public-read", nil, false},
		{"with the parameter in another case before", "X-AMZ-ACL=public-read&" + signed, nil, false},
		{"with nothing", plain, nil, true},
		{"with a header that was not signed", plain, []string{"X-Amz-Acl", "public-read"}, false},
		{"with a parameter that was not signed", plain + "&x-amz-acl=public-read", nil, false},
	} {
		for range 10 { // maps have no order
			r := request(t, "PUT /bkt/k?"+tt.query+" HTTP/1.1\nHost: localhost\n\n")
			for i := 0; i < len(tt.header); i += 2 {
				r.Header.Set(tt.header[i], tt.header[i+1])
			}
			_, err := v.VerifyV2Query(r, "")
			if tt.ok && err != nil {
				t.Errorf("%s: %v", tt.what, err)
			}
			if e, is := errors.AsType[*Error](err); !tt.ok && (!is || e.Status != http.StatusForbidden || e.Code != "SignatureDoesNotMatch" || strings.Contains(e.Message, "secret")) {
				t.Errorf("%s: %v", tt.what, err)
			}
		}
	}
}

// TestV2ToldSignature: a signature that is not in base64, as where a client leaves its + as it is, is told as any other
// that does not match.
func TestV2ToldSignature(t *testing.T) {
	v := verifierAt(time.Unix(1_800_000_000, 0), "AKID", "secret")
	for _, signature := range []string{"YWJj", "a+b=", "%%%", "", "%3D"} {
		r := request(t, "GET /bkt/k HTTP/1.1\nHost: localhost\n\n")
		r.URL.RawQuery = "AWSAccessKeyId=AKID&Expires=1800000060&Signature=" + strings.ReplaceAll(signature, "%%%", "%25")
		_, err := v.VerifyV2Query(r, "")
		e, is := errors.AsType[*Error](err)
		if !is || e.Code != "SignatureDoesNotMatch" || len(e.Fields) != 4 {
			t.Errorf("%q: %+v", signature, err)
		}
	}
}
