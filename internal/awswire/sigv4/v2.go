package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Presigned URLs of the second version, which S3 alone takes: SDKs make them for buckets of
// us-east-1 unless they are told otherwise.

// IsV2Query reports whether a URL is presigned in the second version.
func IsV2Query(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, "AWSAccessKeyId=") && strings.Contains(r.URL.RawQuery, "Signature=")
}

// Signed reports whether a request claims to be signed, in the header or in the query.
func Signed(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=") ||
		strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") || IsV2Query(r)
}

// signedV2 are the parameters that are part of the resource that is signed.
var signedV2 = []string{
	"accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "legal-hold", "lifecycle", "location",
	"logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
	"response-cache-control", "response-content-disposition", "response-content-encoding", "response-content-language",
	"response-content-type", "response-expires", "restore", "retention", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId",
	"uploads", "versionId", "versioning", "versions", "website",
}

// VerifyV2Query verifies a URL that is presigned in the second version. bucket is that of the
// request's host, empty in path style. The scope has an access key alone. Errors are *Error.
func (v *Verifier) VerifyV2Query(r *http.Request, bucket string) (Scope, error) {
	f := s3Family
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Scope{}, f.badQuery("The query string is malformed.")
	}
	scope := Scope{AccessKey: q.Get("AWSAccessKeyId"), Service: "s3", Presigned: true}
	expires, err := strconv.ParseInt(q.Get("Expires"), 10, 64)
	if err != nil {
		return scope, &Error{Code: "AccessDenied", Message: "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters", Status: http.StatusForbidden}
	}
	now := v.now()
	if now.After(time.Unix(expires, 0)) {
		return scope, f.presignedExpired(time.Unix(expires, 0), now)
	}
	token := queryFold(q, "x-amz-security-token")
	cred, ok := v.Lookup(r.Context(), scope.AccessKey, token)
	if !ok {
		return scope, f.unknownKey(scope.AccessKey)
	}
	if subtle.ConstantTimeCompare([]byte(cred.SessionToken), []byte(token)) != 1 {
		return scope, f.badToken()
	}
	if !cred.Expires.IsZero() && !now.Before(cred.Expires) {
		return scope, f.expiredToken()
	}
	given, err := base64.StdEncoding.DecodeString(q.Get("Signature"))
	if err != nil {
		given = nil // equals no signature; a + that is not escaped is a blank
	}
	for _, path := range canonicalPaths(r, f) {
		mac := hmac.New(sha1.New, []byte(cred.Secret))
		io.WriteString(mac, stringToSignV2(r, q, bucket, path)) // a hash does not fail
		if hmac.Equal(mac.Sum(nil), given) {
			return scope, nil
		}
	}
	fields := [][2]string{{"AWSAccessKeyId", scope.AccessKey}, {"SignatureProvided", clip(q.Get("Signature"))}}
	return scope, f.mismatch().with(f, append(fields, told("StringToSign", stringToSignV2(r, q, bucket, canonicalPaths(r, f)[0]))...)...)
}

func stringToSignV2(r *http.Request, q url.Values, bucket, path string) string {
	var b strings.Builder
	header := func(name string) string {
		if v := r.Header.Get(name); v != "" {
			return v
		}
		return queryFold(q, name)
	}
	b.WriteString(r.Method + "\n" + header("content-md5") + "\n" + header("content-type") + "\n" + q.Get("Expires") + "\n")
	amz := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(q)) { // all of a name's cases: one of them would be read, another signed
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
			value := strings.Join(q[name], ",")
			if have, ok := amz[lower]; ok {
				value = have + "," + value
			}
			amz[lower] = value
		}
	}
	for name, values := range r.Header { // which are read before parameters
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
			amz[lower] = strings.Join(values, ",")
		}
	}
	names := make([]string, 0, len(amz))
	for name := range amz {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(name + ":" + strings.TrimSpace(amz[name]) + "\n")
	}
	if bucket != "" {
		b.WriteString("/" + bucket)
	}
	b.WriteString(path)
	separator := "?"
	for _, name := range signedV2 {
		values, ok := q[name]
		if !ok {
			continue
		}
		b.WriteString(separator + name)
		if len(values) > 0 && values[0] != "" {
			b.WriteString("=" + values[0])
		}
		separator = "&"
	}
	return b.String()
}

// queryFold is a parameter whatever the case of its name.
func queryFold(q url.Values, name string) string {
	for n, values := range q {
		if strings.EqualFold(n, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}
