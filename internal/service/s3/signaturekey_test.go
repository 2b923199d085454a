package s3

import (
	"net/http"
	"strings"
	"testing"
)

// TestSignatureKey: where a request is signed in its header, no more in its query decides how policies take it to be signed.
func TestSignatureKey(t *testing.T) {
	for _, x := range []struct{ authorization, query, want string }{
		{"AWS4-HMAC-SHA256 Credential=x", "", "REST-HEADER AWS4-HMAC-SHA256"},
		{"AWS4-HMAC-SHA256 Credential=x", "Signature=x&AWSAccessKeyId=y", "REST-HEADER AWS4-HMAC-SHA256"},
		{"AWS4-HMAC-SHA256 Credential=x", "X-Amz-Signature=x", "REST-HEADER AWS4-HMAC-SHA256"},
		{"AWS AKID:x", "", "REST-HEADER AWS"},
		{"AWS AKID:x", "X-Amz-Signature=x&X-Amz-Algorithm=AWS4-HMAC-SHA256", "REST-HEADER AWS"},
		{"AWS AKID:x", "Signature=x&AWSAccessKeyId=y", "REST-HEADER AWS"},
		{"", "Signature=x&AWSAccessKeyId=y", "REST-QUERY-STRING AWS"},
		{"", "X-Amz-Signature=x", "REST-QUERY-STRING AWS4-HMAC-SHA256"},
		{"", "", " "},
	} {
		r, _ := http.NewRequest(http.MethodGet, "http://h/bkt/k?"+x.query, nil)
		if x.authorization != "" {
			r.Header.Set("Authorization", x.authorization)
		}
		c := &call{r: r}
		if got := strings.Join(c.signatureKey("s3:authtype"), ",") + " " + strings.Join(c.signatureKey("s3:signatureversion"), ","); got != x.want {
			t.Errorf("%q, %q: %s, want %s", x.authorization, x.query, got, x.want)
		}
	}
}
