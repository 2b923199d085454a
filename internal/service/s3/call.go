package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/sigv4"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// call is a request under way.
type call struct {
	s      *Service
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context
	caller awswire.Caller
	query  url.Values
	bucket string
	key    string
	b      *bucket // of bucket; nil for operations without one
	op     *operation
	point  *port // by which the request comes; nil: it names the bucket

	form    *form   // that the request is; nil: it is not one
	trailer trailed // of a streamed body
	body    []byte  // the document that readBody has read
	read    bool    // it has, or has failed to by readErr
	readErr error
	website bool
	log     *logged // nil: the request is not logged
}

// trailed is a body that has trailing headers once it has been read: a streamed upload
// as sigv4.Unwrap decodes it.
type trailed interface{ Trailer() map[string]string }

// maxDocument bounds the body of a request that is not an object's data: the longest are
// CompleteMultipartUpload with 10,000 parts and DeleteObjects with 1,000 keys.
const maxDocument = 8 << 20

func (s *Service) newCall(w http.ResponseWriter, r *http.Request) (*call, error) {
	c := &call{s: s, w: w, r: r, ctx: r.Context(), caller: awswire.CallerFrom(r.Context())}
	sayRequest(w.Header(), c.caller.RequestID)
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket, ok := ParseBucketHost(r.Host); ok {
		path = bucket + "/" + path
	}
	c.bucket, c.key, _ = strings.Cut(path, "/")
	if strings.HasSuffix(c.bucket, aliasSuffix) {
		if c.point = s.accounts.pointOf(c.bucket); c.point != nil {
			c.bucket = c.point.Bucket
		}
	} else if _, err := c.byHost(); err != nil {
		return c, err
	}
	var err error
	if c.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return c, errInvalidURI
	}
	if bucket, ok := parseWebsiteHost(r.Host); ok {
		c.bucket, c.key, c.website = bucket, strings.TrimPrefix(r.URL.Path, "/"), true
		c.point = nil // whose alias the page's path may begin with
	}
	if err := c.checkExpiry(); err != nil {
		return c, err
	}
	if c.query.Has("AWSAccessKeyId") {
		c.query.Del("AWSAccessKeyId")
		c.query.Del("Signature")
		c.query.Del("Expires")
	}
	return c, nil
}

// checkExpiry refuses a presigned URL whose time is over, whoever verifies signatures.
func (c *call) checkExpiry() error {
	var until time.Time
	var fields []field
	if c.query.Has("X-Amz-Algorithm") || c.query.Has("X-Amz-Signature") {
		for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"} {
			if !c.query.Has(name) {
				return fault(400, "AuthorizationQueryParametersError", "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
			}
		}
	} else if c.query.Has("AWSAccessKeyId") && !(c.query.Has("Signature") && c.query.Has("Expires")) {
		return fault(403, "AccessDenied", "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
	}
	if v := c.query.Get("X-Amz-Expires"); v != "" && c.query.Get("X-Amz-Signature") != "" {
		begin, err := time.Parse("20060102T150405Z", c.query.Get("X-Amz-Date"))
		seconds, serr := strconv.Atoi(v)
		if err != nil || serr != nil {
			return fault(400, "AuthorizationQueryParametersError", "X-Amz-Expires should be a number")
		}
		if seconds > 604800 {
			return fault(400, "AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
		}
		until = begin.Add(time.Duration(seconds) * time.Second)
		fields = append(fields, field{"X-Amz-Expires", v})
	} else if v := c.query.Get("Expires"); v != "" && c.query.Get("Signature") != "" && c.query.Get("AWSAccessKeyId") != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return fault(403, "AccessDenied", "Invalid date (should be seconds since epoch): "+v)
		}
		until = time.Unix(n, 0)
	} else {
		return nil
	}
	now := c.s.clock.Now()
	if !now.After(until) {
		return nil
	}
	e := fault(403, "AccessDenied", "Request has expired")
	e.Fields = append(fields, field{"Expires", until.UTC().Format("2006-01-02T15:04:05Z")}, field{"ServerTime", now.UTC().Format("2006-01-02T15:04:05Z")})
	return e
}

// header returns a header of the request, or what a presigned URL has in its query for it.
func (c *call) header(name string) string {
	if v := c.r.Header.Get(name); v != "" {
		return v
	}
	lower := strings.ToLower(name)
	if !strings.HasPrefix(lower, "x-amz-") || len(c.query) == 0 {
		return ""
	}
	if v, ok := c.query[lower]; ok && len(v) > 0 {
		return v[0]
	}
	if v, ok := c.query[textproto.CanonicalMIMEHeaderKey(lower)]; ok && len(v) > 0 {
		return v[0]
	}
	return ""
}

// has reports whether the request names a sub-resource, "?tagging".
func (c *call) has(name string) bool {
	_, ok := c.query[name]
	return ok
}

func (c *call) say(name, value string) {
	if value != "" {
		c.w.Header()[name] = []string{value}
	}
}

// said is what say has set.
func (c *call) said(name string) string { return firstOf(c.w.Header()[name]) }

func (c *call) noContent() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// knownMethods are those of HTTP, of which S3 has some.
var knownMethods = map[string]bool{"GET": true, "HEAD": true, "PUT": true, "POST": true, "DELETE": true, "OPTIONS": true, "PATCH": true, "TRACE": true, "CONNECT": true}

// maxHeader bounds the bytes of a request's line and headers.
const maxHeader = 8 << 10

// headerSize is how many bytes the line and the headers of a request have.
func headerSize(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(" HTTP/1.1\r\n ") + len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// checkStream refuses the body of an upload where there is to be a document, or nothing.
func (c *call) checkStream() error {
	switch c.op.name {
	case "PutObject", "UploadPart", "PostObject":
		return nil
	}
	if _, unwrapped := c.r.Body.(trailed); unwrapped || sigv4.Streaming(c.r) {
		return invalidRequest("The value of x-amz-content-sha256 header is invalid.")
	}
	return nil
}

// serve answers.
func (c *call) serve() error {
	if !knownMethods[c.r.Method] {
		return fault(400, "BadRequest", "An error occurred when parsing the HTTP request.")
	}
	if headerSize(c.r) > maxHeader && c.r.Host != inProcessHost {
		return fault(400, "RequestHeaderSectionTooLarge", "Your request header section exceeds the maximum allowed size.").with("MaxSizeAllowed", strconv.Itoa(maxHeader))
	}
	if c.bucket == "" && c.key != "" {
		return fault(400, "InvalidBucketName", "The specified bucket is not valid.").with("BucketName", "")
	}
	if c.bucket == "" {
		c.op = findOperation(c, onService)
		if c.op == nil {
			return errMethodNotAllowed.with("Method", c.r.Method).with("ResourceType", "SERVICE")
		}
		if c.caller.Anonymous {
			return errAccessDenied
		}
		if err := c.decide(c.op.action, "*"); err != nil {
			return err
		}
		return c.op.do(c)
	}
	if !validBucketName(c.bucket) {
		return fault(400, "InvalidBucketName", "The specified bucket is not valid.").with("BucketName", c.bucket)
	}
	level := onObject
	if c.key == "" {
		level = onBucket
	}
	if c.key != "" {
		if err := c.checkKey(); err != nil {
			return err
		}
	}
	if c.r.Method == http.MethodOptions {
		return c.preflight()
	}
	if c.website {
		if err := c.checkV2(); err != nil {
			return err
		}
		return c.serveWebsite()
	}
	c.op = findOperation(c, level)
	if c.op == nil {
		kind := "BUCKET"
		if level == onObject {
			kind = "OBJECT"
		}
		return errMethodNotAllowed.with("Method", c.r.Method).with("ResourceType", kind)
	}
	if err := c.misplaced(level); err != nil {
		return err
	}
	if err := c.checkStream(); err != nil {
		return err
	}
	if c.op.name == "CreateBucket" {
		if err := c.refuseAnonymous(); err != nil {
			return err
		}
		if err := c.decideNew("s3:CreateBucket", "arn:"+partitionOf(c.caller.Region)+":s3:::"+c.bucket); err != nil {
			return err
		}
		return c.op.do(c)
	}
	if c.b = c.s.buckets.get(c.bucket); c.b == nil {
		return noSuchBucket(c.bucket)
	}
	if err := c.checkV2(); err != nil {
		return err
	}
	if err := c.checkIDs(); err != nil {
		return err
	}
	c.sayCORS()
	if c.key == "" { // answers about objects do not say it
		c.say("x-amz-bucket-region", c.b.Region)
	}
	if c.op.refused() {
		return errNotImplemented
	}
	if c.op.name == "PostObject" {
		return c.op.do(c) // it says who it is in its body
	}
	if err := c.expectOwner("X-Amz-Expected-Bucket-Owner", c.b); err != nil {
		return err
	}
	if err := c.checkPoint(); err != nil {
		return err
	}
	if err := c.refuseAnonymous(); err != nil {
		return err
	}
	if err := c.authorize(c.op.action, c.b, c.key); err != nil {
		return err
	}
	if ofOwner[c.op.action] && (c.caller.Anonymous || c.caller.Account != c.b.Owner) {
		return errMethodNotAllowed.with("Method", c.r.Method).with("ResourceType", "BUCKETPOLICY")
	}
	return c.op.do(c)
}

// ofOwner are what a bucket's policy allows to identities of the bucket's account alone, whomever it names.
var ofOwner = map[string]bool{"s3:GetBucketPolicy": true, "s3:PutBucketPolicy": true, "s3:DeleteBucketPolicy": true}

// forSomebody are the operations that nobody may ask for without saying who they are, whatever a policy or a list grants, and
// what is said to those who do. (Source: what S3 has been seen to answer.)
var forSomebody = map[string]string{
	"CreateBucket":                  "Anonymous users cannot invoke this API. Please authenticate.",
	"PutBucketAcl":                  "Anonymous users cannot invoke this API. Please authenticate.",
	"PutObjectAcl":                  "Anonymous users cannot invoke this API. Please authenticate.",
	"SelectObjectContent":           "Anonymous users cannot invoke this API. Please authenticate.",
	"CreateMultipartUpload":         "Anonymous users cannot initiate multipart uploads.  Please authenticate.",
	"CopyObject":                    "Anonymous users cannot copy objects.  Please authenticate.",
	"GetBucketOwnershipControls":    "s3:GetBucketOwnershipControls does not support Anonymous requests!",
	"PutBucketOwnershipControls":    "s3:PutBucketOwnershipControls does not support Anonymous requests!",
	"DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls does not support Anonymous requests!",
}

func (c *call) refuseAnonymous() error {
	if message := forSomebody[c.op.name]; message != "" && c.caller.Anonymous {
		return fault(403, "AccessDenied", message)
	}
	return nil
}

func (c *call) expectOwner(header string, b *bucket) error {
	want := c.header(header)
	if want == "" {
		return nil
	}
	if len(want) != 12 || strings.Trim(want, "0123456789") != "" {
		return invalidRequest("The value of the expected bucket owner parameter must be an AWS account ID")
	}
	if want != b.Owner {
		return errAccessDenied
	}
	return nil
}

// checkKey refuses keys that no object can have.
func (c *call) checkKey() error {
	read := c.r.Method == http.MethodGet || c.r.Method == http.MethodHead
	err := objectstore.CheckKey(c.key)
	if err == nil && !utf8.ValidString(c.key) {
		err = errInvalidURI
	}
	if err == nil && leadsOut(c.key) {
		err = errInvalidURI
	}
	if err != nil && read && !errors.Is(err, objectstore.ErrKeyTooLong) {
		return noSuchKey(c.key) // there is no such object, and there cannot be one
	}
	return err
}

// leadsOut reports whether a key would be above the bucket if it were a path. S3 refuses
// these.
func leadsOut(key string) bool {
	if !strings.Contains(key, "..") {
		return false
	}
	depth := 0
	for segment := range strings.SplitSeq(key, "/") {
		switch segment {
		case "..":
			depth--
		case "", ".":
		default:
			depth++
		}
		if depth < 0 {
			return true
		}
	}
	return false
}

// checkIDs refuses ids of another form than that in which they are given out. Some name files.
func (c *call) checkIDs() error {
	if ids, ok := c.query["versionId"]; ok && c.key != "" {
		if len(ids) != 1 || ids[0] == "" {
			return invalidArgument("Version id cannot be the empty string", "versionId", "").with("ArgumentValue", "")
		}
		if !objectstore.IsVersionID(ids[0]) {
			return invalidArgument("Invalid version id specified", "versionId", ids[0])
		}
	}
	if ids, ok := c.query["uploadId"]; ok && c.key != "" {
		if len(ids) != 1 || !objectstore.IsUploadID(ids[0]) {
			if c.query.Has("partNumber") { // which is told of first
				if _, err := c.partNumber(); err != nil {
					return err
				}
			}
			return noSuchUpload(ids[0])
		}
	}
	return nil
}

// version is the id of the version that the request names, "" for the current one. Pages of websites have no others.
func (c *call) version() string {
	if c.website {
		return ""
	}
	return c.query.Get("versionId")
}

// openBody gives the decoded body of the request, which ends in an error unless it is whole.
func (c *call) openBody() (io.Reader, int64, error) {
	if c.r.Body == nil {
		return bytes.NewReader(nil), 0, nil
	}
	if sigv4.Streaming(c.r) {
		if err := sigv4.Unwrap(c.r); err != nil {
			return nil, 0, err
		}
	}
	if t, ok := c.r.Body.(trailed); ok {
		c.trailer = t
	}
	body := &wholeBody{r: c.r.Body, left: c.r.ContentLength, unsized: c.r.ContentLength < 0, count: c.s.metrics.written.Add}
	want := strings.ToLower(c.r.Header.Get("X-Amz-Content-Sha256"))
	if want == "" || want == "unsigned-payload" || c.trailer != nil || sigv4.Streaming(c.r) || sigv4.Hashed(c.r) || c.r.Host == inProcessHost {
		return body, c.r.ContentLength, nil
	}
	if raw, err := hex.DecodeString(want); err != nil || len(raw) != sha256.Size {
		return nil, 0, invalidArgument("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "+
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
			"x-amz-content-sha256", c.r.Header.Get("X-Amz-Content-Sha256"))
	}
	return &declaredBody{in: body, want: want, sum: sha256.New(), left: c.r.ContentLength}, c.r.ContentLength, nil
}

// declaredBody fails at its end if it is not what its declared hash is of, whoever verifies signatures. The end is
// that of its length, if that is known: nobody need read beyond it.
type declaredBody struct {
	in   io.Reader
	want string
	sum  hash.Hash
	left int64 // negative: not known
}

func (b *declaredBody) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	b.sum.Write(p[:n])
	ends := errors.Is(err, io.EOF)
	if b.left >= 0 {
		b.left -= int64(n)
		ends = ends || b.left == 0
	}
	if !ends {
		return n, err
	}
	if got := hex.EncodeToString(b.sum.Sum(nil)); got != b.want {
		return 0, fault(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.").
			with("ClientComputedContentSHA256", b.want).with("S3ComputedContentSHA256", got)
	}
	return n, err
}

// wholeBody reads a body that is to have left bytes, or any number with left negative,
// and fails if it has fewer or more.
type wholeBody struct {
	r       io.Reader
	left    int64
	unsized bool
	count   func(float64)
}

func (b *wholeBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.count(float64(n))
	b.left -= int64(n)
	switch {
	case b.left < 0 && !b.unsized:
		return 0, errIncomplete
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && (b.left == 0 || b.unsized):
		return n, io.EOF
	}
	if e, ok := errorOf(err, "", ""); ok {
		return n, e
	}
	return n, errIncomplete
}

// readBody reads the body of a request that is not an object's data, and holds it against
// the digests that came with it.
func (c *call) readBody() ([]byte, error) {
	if !c.read {
		c.body, c.readErr = c.readDocument()
		c.read = true
	}
	return c.body, c.readErr
}

func (c *call) readDocument() ([]byte, error) {
	in, _, err := c.openBody()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(in, maxDocument+1)); err != nil {
		return nil, err
	}
	if b.Len() > maxDocument {
		return nil, errTooBig
	}
	doc := b.Bytes()
	if want := c.r.Header.Get("Content-Md5"); want != "" {
		sum := md5.Sum(doc)
		if err := checkMD5(want, sum[:], false); err != nil {
			return nil, err
		}
	}
	sums, err := c.wantedChecksum()
	if err != nil {
		return nil, err
	}
	if sums != nil {
		if _, err := sums.Write(doc); err != nil {
			return nil, err
		}
		if _, err := sums.check(c.trailer); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

// checkMD5 holds the MD5 that a client tells against that of a body. S3 tells it back in hexadecimal where the body is data.
func checkMD5(want string, sum []byte, data bool) error {
	raw, err := base64.StdEncoding.DecodeString(want)
	if err != nil || len(raw) != md5.Size {
		return fault(400, "InvalidDigest", "The Content-MD5 you specified was invalid.").with("Content-MD5", want)
	}
	if !bytes.Equal(raw, sum) {
		if data {
			want = hex.EncodeToString(raw)
		}
		return fault(400, "BadDigest", "The Content-MD5 you specified did not match what we received.").
			with("ExpectedDigest", want).with("CalculatedDigest", base64.StdEncoding.EncodeToString(sum))
	}
	return nil
}

// now is the time in whole seconds, as S3 tells it.
func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// listTime is the time of an object in XML: of whole seconds, as that in the headers.
func listTime(t time.Time) string { return isoTime(t.Truncate(time.Second)) }

// parseDate reads the times that S3 takes in documents and headers.
func parseDate(text string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	t, err := http.ParseTime(text)
	return t, err == nil
}
