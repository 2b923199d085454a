// Package sigv4 verifies AWS Signature Version 4, as the receiver of a request does: in
// the Authorization header, in the query of a presigned URL, and over the chunks of a
// streamed body with trailing checksums. It signs nothing: that is the SDK's v4.Signer.
//
// For S3 the body's hash is checked as the body is read, so that an upload streams; a
// reader of the body must therefore take an error at its end as "do not keep this". For
// the other services the body is read up front, as its hash is part of the signature.
package sigv4

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire/inflight"
	"github.com/brookmere/brookmere/internal/awswire/readmostly"
)

const (
	algorithm     = "AWS4-HMAC-SHA256"
	asymmetric    = "AWS4-ECDSA-P256-SHA256" // not taken
	terminator    = "aws4_request"
	dateForm      = "20060102T150405Z"
	maxSkew       = 15 * time.Minute
	maxExpires    = 7 * 24 * time.Hour
	emptySHA256   = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	contentSHA256 = "X-Amz-Content-Sha256"

	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// Scope is what a request says of its credentials: who signed it, and for what.
type Scope struct {
	AccessKey string
	Date      string // day, 20060102
	Region    string
	Service   string // the signing name, "kinesis"
	Presigned bool   // in the query, not in the header
	Token     string // session token, as it was verified; ParseScope leaves it empty
}

// Credentials are what a request of an access key is verified with.
type Credentials struct {
	Secret       string
	SessionToken string    // empty for long-term credentials
	Expires      time.Time // zero: never
}

// Verifier verifies requests. Lookup is required.
type Verifier struct {
	// Lookup finds the credentials of an access key; false if there are none. token is the
	// session token that came with it, or empty; credentials that have another are refused.
	Lookup func(ctx context.Context, accessKey, token string) (Credentials, bool)

	// Clock tells the time; nil is the real one.
	Clock clockwork.Clock

	// MaxBody bounds a body that must be read up front; zero is 64 MiB.
	MaxBody int64

	// keys are the signing keys of requests that were signed with them. One follows from what it is found by, so none is ever
	// out of date, and whether its credentials still count is asked of Lookup first.
	keys readmostly.Map[keyOf, []byte]
}

// keyOf is what a signing key is derived from.
type keyOf struct{ secret, date, region, service string }

// authorization is the parsed signature of a request.
type authorization struct {
	Scope
	signedHeaders []string
	signature     string
	time          time.Time
	expires       time.Duration // presigned
	token         string
}

func (a *authorization) scope() string {
	return a.Date + "/" + a.Region + "/" + a.Service + "/" + terminator
}

// Verify verifies r's signature, and arranges that r.Body yields the decoded, checked
// body: for services other than S3, one with a Bytes method. For a streamed upload it
// takes "aws-chunked" out of Content-Encoding, sets ContentLength to the decoded length,
// and the payload hash to UNSIGNED-PAYLOAD; r.Body is then a *Chunked. service, the signing name of the service
// that the request goes to, words the errors; empty means that of the request's scope.
//
// Errors are *Error, or what reading the body returned of smithy's API errors.
func (v *Verifier) Verify(r *http.Request, service string) (Scope, error) {
	return v.VerifyUpTo(r, service, v.MaxBody)
}

// VerifyUpTo is Verify with a limit of its own to a body that must be read up front.
func (v *Verifier) VerifyUpTo(r *http.Request, service string, maxBody int64) (Scope, error) {
	f := family(service)
	a, err := parse(r, f)
	if err != nil {
		return Scope{}, err
	}
	if service == "" {
		f = family(a.Service)
	} else if a.Service != service && (f != s3Family || family(a.Service) != s3Family) { // S3 has several names
		return a.Scope, f.otherService(a, service)
	}
	now := v.now()
	if err := checkTime(a, now, f); err != nil {
		return a.Scope, err
	}
	cred, ok := v.Lookup(r.Context(), a.AccessKey, a.token)
	if !ok {
		return a.Scope, f.unknownKey(a.AccessKey)
	}
	if subtle.ConstantTimeCompare([]byte(cred.SessionToken), []byte(a.token)) != 1 {
		e := f.badToken()
		if cred.SessionToken == "" && v.isSigned(r, a, cred, f, maxBody) {
			e.Message += placeholderToken
		}
		return a.Scope, e
	}
	if !cred.Expires.IsZero() && !now.Before(cred.Expires) {
		return a.Scope, f.expiredToken()
	}
	a.Token = a.token
	of := keyOf{cred.Secret, a.Date, a.Region, a.Service}
	key, known := v.keys.Get(of)
	if !known {
		key = signingKey(cred.Secret, a)
	}
	matched := "" // the hash that the signature is of
	if declared := r.Header.Get(contentSHA256); f != s3Family && isSHA256(declared) {
		if matched = strings.ToLower(declared); !a.matches(r, key, matched, f) {
			return a.Scope, f.mismatch() // whatever the body holds, which is not read
		}
	}
	hash, err := v.payloadHash(r, f, a.Presigned, maxBody)
	if err != nil {
		return a.Scope, err
	}
	if hash != matched && !a.matches(r, key, hash, f) {
		return a.Scope, f.mismatch().with(f, a.told(r, hash, f)...)
	}
	if !known {
		v.keys.Put(keyOf{cred.Secret, strings.Clone(of.date), strings.Clone(of.region), strings.Clone(of.service)}, key) // and no more of a request
	}
	return a.Scope, wrapBody(r, a, key, hash, f)
}

// placeholderToken is what a caller is told besides AWS's words whose key is of no session, but who sends a token, as scripts
// for other emulators make one up.
const placeholderToken = " The access key is of no session and has no token: unset AWS_SESSION_TOKEN, or aws_session_token of the profile."

// isSigned reports whether a request is signed with the secret of a credential. To others it is not told whether the key is there.
func (v *Verifier) isSigned(r *http.Request, a *authorization, cred Credentials, f errorFamily, maxBody int64) bool {
	hash, err := v.payloadHash(r, f, a.Presigned, maxBody)
	return err == nil && a.matches(r, signingKey(cred.Secret, a), hash, f)
}

func (v *Verifier) now() time.Time {
	if v.Clock == nil {
		return time.Now()
	}
	return v.Clock.Now()
}

func checkTime(a *authorization, now time.Time, f errorFamily) error {
	if a.Presigned {
		if now.Before(a.time.Add(-maxSkew)) {
			return f.notYetValid()
		}
		if now.After(a.time.Add(a.expires)) {
			e := f.presignedExpired(a.time.Add(a.expires), now)
			if f == s3Family {
				e.Fields = append([][2]string{{"X-Amz-Expires", strconv.FormatInt(int64(a.expires/time.Second), 10)}}, e.Fields...)
			}
			return e
		}
		return nil
	}
	if now.After(a.time.Add(maxSkew)) || now.Before(a.time.Add(-maxSkew)) {
		return f.skewed(a.time, now)
	}
	return nil
}

// payloadHash is the last line of the canonical request. Where it is the hash of the
// body, and the service is not S3, it reads the body.
func (v *Verifier) payloadHash(r *http.Request, f errorFamily, presigned bool, maxBody int64) (string, error) {
	declared := r.Header.Get(contentSHA256)
	if f == s3Family {
		if presigned && declared == "" {
			if declared = r.URL.Query().Get(contentSHA256); declared == "" {
				return unsignedPayload, nil
			}
		}
		switch {
		case declared == "":
			return "", f.missingHash()
		case declared == unsignedPayload, isStreaming(declared), isSHA256(declared):
			return declared, nil
		case strings.HasPrefix(declared, "STREAMING-"):
			return "", &Error{Code: "NotImplemented", Message: "The payload form " + clip(declared) + " is not supported.", Status: http.StatusNotImplemented}
		}
		return "", f.badHash(declared)
	}
	// Whatever is declared: a body that is not signed is not taken.
	body, err := v.readBody(r, maxBody)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}

func (v *Verifier) readBody(r *http.Request, limit int64) ([]byte, error) {
	if b, ok := r.Body.(*memoryBody); ok {
		return b.data, nil
	}
	if limit == 0 {
		limit = 64 << 20
	}
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	if b, ok := r.Body.(interface{ Bytes() []byte }); ok { // the server has it in memory
		return b.Bytes(), nil
	}
	var buf bytes.Buffer
	if r.Body != nil {
		n, err := inflight.ReadAll(&buf, r.Body, r.ContentLength, limit)
		if errors.Is(err, inflight.ErrSlowDown) {
			return nil, inflight.ErrSlowDown
		}
		if err != nil {
			return nil, &Error{Code: "RequestTimeout", Message: "The request body ended early or could not be read.", Status: http.StatusBadRequest}
		}
		if n > limit {
			return nil, errTooLarge
		}
	}
	r.Body = &memoryBody{Reader: *bytes.NewReader(buf.Bytes()), data: buf.Bytes()}
	return buf.Bytes(), nil
}

// memoryBody is a body that was read up front.
type memoryBody struct {
	bytes.Reader
	data []byte
}

// Bytes returns the whole body.
func (b *memoryBody) Bytes() []byte { return b.data }

// Close does nothing.
func (b *memoryBody) Close() error { return nil }

func isSHA256(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 64
}

func wrapBody(r *http.Request, a *authorization, key []byte, hash string, f errorFamily) error {
	switch {
	case f != s3Family || hash == unsignedPayload || r.Body == nil:
		return nil
	case isStreaming(hash):
		var s *chunkSigner
		if strings.HasPrefix(hash, streamingSigned) {
			s = &chunkSigner{key: key, prefix: a.time.Format(dateForm) + "\n" + a.scope() + "\n", previous: a.signature}
		}
		return unwrap(r, s, strings.HasSuffix(hash, trailerSuffix))
	}
	want, _ := hex.DecodeString(hash)
	r.Body = &hashedBody{body: r.Body, said: hash, want: want, hash: sha256.New(), left: r.ContentLength}
	return nil
}

func hmacSHA256(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, data) // a hash does not fail
	return h.Sum(nil)
}

func signingKey(secret string, a *authorization) []byte {
	k := hmacSHA256([]byte("AWS4"+secret), a.Date)
	k = hmacSHA256(k, a.Region)
	k = hmacSHA256(k, a.Service)
	return hmacSHA256(k, terminator)
}

// matches recomputes the signature.
func (a *authorization) matches(r *http.Request, key []byte, payloadHash string, f errorFamily) bool {
	given, err := hex.DecodeString(a.signature)
	if err != nil {
		return false
	}
	for _, path := range canonicalPaths(r, f) {
		sum := sha256.Sum256([]byte(a.canonicalRequest(r, path, payloadHash)))
		toSign := algorithm + "\n" + a.time.Format(dateForm) + "\n" + a.scope() + "\n" + hex.EncodeToString(sum[:])
		if hmac.Equal(hmacSHA256(key, toSign), given) {
			return true
		}
	}
	return false
}

// told is what S3 says of a signature that is not the one it has computed.
func (a *authorization) told(r *http.Request, payloadHash string, f errorFamily) [][2]string {
	if f != s3Family {
		return nil
	}
	request := a.canonicalRequest(r, canonicalPaths(r, f)[0], payloadHash)
	toSign := algorithm + "\n" + a.time.Format(dateForm) + "\n" + a.scope() + "\n" + hexSHA256([]byte(request))
	fields := [][2]string{{"AWSAccessKeyId", a.AccessKey}, {"SignatureProvided", clip(a.signature)}}
	return append(append(fields, told("StringToSign", toSign)...), told("CanonicalRequest", request)...)
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// AsError returns the *Error in err's chain, nil if there is none.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
