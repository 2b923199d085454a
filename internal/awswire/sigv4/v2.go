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

// Signatures of the second version, which S3 alone takes, in us-east-1: in presigned URLs, which
// SDKs make for its buckets unless they are told otherwise, and in the header, as old clients send them.

// IsV2Query reports whether a URL is presigned in the second version.
func IsV2Query(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, "AWSAccessKeyId=") && strings.Contains(r.URL.RawQuery, "Signature=")
}

// IsV2Header reports whether a request is signed in the second version, in its header.
func IsV2Header(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), v2Scheme)
}

// V2AccessKey is the access key that a request is signed with in the second version, in the header or
// else in the query, whether the signature is right or not; empty if there is none.
func V2AccessKey(r *http.Request) string {
	if IsV2Header(r) {
		key, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), v2Scheme), ":")
		return strings.TrimSpace(key)
	}
	return r.URL.Query().Get("AWSAccessKeyId")
}

const v2Scheme = "AWS "

// Signed reports whether a request claims to be signed, in the header or in the query.
func Signed(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=") ||
		strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") || IsV2Query(r)
}

// OneMechanism refuses a request to S3 that is signed in more than one way, as where a client sends a header of its own
// with a presigned URL.
func OneMechanism(r *http.Request) error {
	header, ways := r.Header.Get("Authorization"), 0
	if header != "" {
		ways++
	}
	for _, name := range []string{"X-Amz-Algorithm=", "Signature="} {
		if i := strings.Index("&"+r.URL.RawQuery, "&"+name); i >= 0 {
			ways++
		}
	}
	if ways < 2 {
		return nil
	}
	e := &Error{Code: "InvalidArgument", Message: "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified", Status: http.StatusBadRequest}
	return e.with(s3Family, [2]string{"ArgumentName", "Authorization"}, [2]string{"ArgumentValue", clip(header)})
}

// signedV2 are the parameters that are part of the resource that is signed, in their order: those that say which
// operation is meant, and on what, and headers of the answer. S3 has those there that came after the second version, too,
// which not all clients know.
var signedV2 = []string{
	"abac", "accelerate", "acl", "analytics", "annotation", "annotationName", "attributes", "cors", "defaultObjectAcl", "delete", "encryption",
	"intelligent-tiering", "inventory", "legal-hold", "lifecycle", "location", "logging", "metadataAnnotationTable", "metadataConfiguration",
	"metadataInventoryTable", "metadataJournalTable", "metadataTable", "metrics", "notification", "object-lock", "ownershipControls",
	"partNumber", "policy", "policyStatus", "publicAccessBlock", "renameObject", "replication", "requestPayment",
	"response-cache-control", "response-content-disposition", "response-content-encoding", "response-content-language",
	"response-content-type", "response-expires", "restore", "retention", "select", "select-type", "session", "storageClass", "tagging", "torrent",
	"uploadId", "uploads", "versionId", "versioning", "versions", "website",
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
	s := signatureV2{bucket: bucket, query: q, when: q.Get("Expires"), presigned: true, given: q.Get("Signature"), token: SessionToken(r)}
	scope.Token = s.token
	if err := v.verifyV2(r, scope, s); err != nil {
		return scope, err
	}
	return scope, wrapV2(r)
}

// VerifyV2Header verifies a request that is signed in the second version in its header, and arranges
// that its body yields the decoded data. bucket is that of the request's host, empty in path style. The
// scope has an access key alone. Errors are *Error.
func (v *Verifier) VerifyV2Header(r *http.Request, bucket string) (Scope, error) {
	f := s3Family
	header := r.Header.Get("Authorization")
	key, signature, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(header, v2Scheme)), ":")
	if !ok || key == "" || signature == "" {
		e := &Error{Code: "InvalidArgument", Message: "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature", Status: http.StatusBadRequest}
		return Scope{}, e.with(f, [2]string{"ArgumentName", "Authorization"}, [2]string{"ArgumentValue", clip(header)})
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Scope{}, f.badQuery("The query string is malformed.")
	}
	scope := Scope{AccessKey: key, Service: "s3"}
	s := signatureV2{bucket: bucket, query: q, when: r.Header.Get("Date"), given: signature, token: r.Header.Get("X-Amz-Security-Token")}
	scope.Token = s.token
	said := s.when
	if at := r.Header.Get("X-Amz-Date"); at != "" {
		said, s.when = at, "" // it is among the headers that are signed
	}
	at, ok := parseV2Date(said)
	if !ok || at.Unix() < 0 {
		return scope, f.undated("")
	}
	if now := v.now(); now.After(at.Add(maxSkew)) || now.Before(at.Add(-maxSkew)) {
		return scope, f.skewed(at, now)
	}
	var unsigned []string // that are read where there is no such header
	for name := range q {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
			unsigned = append(unsigned, lower)
		}
	}
	if len(unsigned) > 0 {
		slices.Sort(unsigned)
		return scope, f.headersNotSigned(unsigned)
	}
	if err := v.verifyV2(r, scope, s); err != nil {
		return scope, err
	}
	return scope, wrapV2(r)
}

// wrapV2 arranges that the body of a request that is signed in the second version yields the decoded data.
func wrapV2(r *http.Request) error {
	f, hash := s3Family, r.Header.Get(contentSHA256)
	switch {
	case hash == "" || r.Body == nil:
		return nil
	case strings.HasPrefix(hash, streamingSigned): // by a key of the fourth version
		return &Error{Code: "NotImplemented", Message: "The payload form " + clip(hash) + " is not supported.", Status: http.StatusNotImplemented}
	case hash != unsignedPayload && hash != streamingUnsigned && !isSHA256(hash):
		return f.badHash(hash)
	}
	return wrapBody(r, nil, nil, hash, f)
}

// parseV2Date reads a date in one of the forms that clients of the second version send.
func parseV2Date(s string) (time.Time, bool) {
	for _, form := range []string{http.TimeFormat, time.RFC1123Z, time.RFC1123, dateForm} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// signatureV2 is what a request says of its signature.
type signatureV2 struct {
	bucket    string // of the host
	query     url.Values
	when      string // the line that is the date's, or that of the end of a presigned URL
	presigned bool
	given     string
	token     string
}

// verifyV2 recomputes the signature.
func (v *Verifier) verifyV2(r *http.Request, scope Scope, s signatureV2) error {
	f, now, token := s3Family, v.now(), s.token
	cred, ok := v.Lookup(r.Context(), scope.AccessKey, token)
	if !ok {
		return f.unknownKey(scope.AccessKey)
	}
	if subtle.ConstantTimeCompare([]byte(cred.SessionToken), []byte(token)) != 1 {
		return f.badToken()
	}
	if !cred.Expires.IsZero() && !now.Before(cred.Expires) {
		return f.expiredToken()
	}
	given, err := base64.StdEncoding.DecodeString(s.given)
	if err != nil {
		given = nil // equals no signature; a + that is not escaped is a blank
	}
	paths := canonicalPaths(r, f)
	if s.bucket == "" && strings.LastIndexByte(r.URL.Path, '/') == 0 && len(r.URL.Path) > 1 {
		paths = append(paths, paths[0]+"/") // of a bucket, which clients sign as it is by its host
	}
	for _, path := range paths {
		mac := hmac.New(sha1.New, []byte(cred.Secret))
		io.WriteString(mac, s.stringToSign(r, path)) // a hash does not fail
		if hmac.Equal(mac.Sum(nil), given) {
			return nil
		}
	}
	fields := [][2]string{{"AWSAccessKeyId", scope.AccessKey}, {"SignatureProvided", clip(s.given)}}
	return f.mismatch().with(f, append(fields, told("StringToSign", s.stringToSign(r, paths[0]))...)...)
}

func (s signatureV2) stringToSign(r *http.Request, path string) string {
	var b strings.Builder
	var read url.Values // what is read where there is no header
	if s.presigned {
		read = s.query
	}
	header := func(name string) string {
		if v := r.Header.Get(name); v != "" {
			return v
		}
		return queryFold(read, name)
	}
	b.WriteString(r.Method + "\n" + header("content-md5") + "\n" + header("content-type") + "\n" + s.when + "\n")
	amz := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(read)) { // all of a name's cases: one of them would be read, another signed
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
			value := strings.Join(read[name], ",")
			if have, ok := amz[lower]; ok {
				value = have + "," + value
			}
			amz[lower] = value
		}
	}
	for name, values := range r.Header {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") {
			continue
		}
		value := strings.Join(values, ",")
		if have, ok := amz[lower]; ok && have != value { // either may be read
			value += "," + have
		}
		amz[lower] = value
	}
	names := make([]string, 0, len(amz))
	for name := range amz {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(name + ":" + strings.TrimSpace(amz[name]) + "\n")
	}
	if s.bucket != "" {
		b.WriteString("/" + s.bucket)
	}
	b.WriteString(path)
	separator := "?"
	for _, name := range signedV2 {
		values, ok := s.query[name]
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
