package sigv4

import (
	"net/http"
	"net/url"
	"strings"
)

// ParseScope reads who says to have signed the request, without verifying anything: it
// wants no more of a request than a credential of the right form. It is false where
// there is none.
func ParseScope(r *http.Request) (Scope, bool) {
	var a authorization
	if headers := r.Header["Authorization"]; len(headers) > 0 && headers[0] != "" {
		header := headers[0]
		_, rest, ok := strings.Cut(header, "Credential=")
		if !ok || !strings.HasPrefix(header, algorithm) {
			return Scope{}, false
		}
		credential, _, _ := strings.Cut(rest, ",")
		ok = a.parseCredential(strings.TrimSpace(credential))
		return a.Scope, ok
	}
	if !strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		return Scope{}, false
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Scope{}, false
	}
	a.Presigned = true
	ok := a.parseCredential(q.Get("X-Amz-Credential"))
	return a.Scope, ok
}

// SessionToken returns the session token that came with a request, unverified; empty if
// there is none.
func SessionToken(r *http.Request) string {
	if token := r.Header.Get("X-Amz-Security-Token"); token != "" {
		return token
	}
	if IsV2Query(r) {
		return queryFold(r.URL.Query(), "X-Amz-Security-Token") // which SDKs write small there
	}
	if !strings.Contains(r.URL.RawQuery, "X-Amz-Security-Token=") {
		return ""
	}
	return r.URL.Query().Get("X-Amz-Security-Token")
}

// Missing is the error of a service for a request that is not signed and has to be.
func Missing(service string) error { return family(service).missing() }
