package s3

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"

	"github.com/brookmere/brookmere/internal/awswire"
)

// s3Request is what a request is about.
type s3Request struct {
	caller awswire.Caller
	bucket string
	key    string
	query  url.Values
}

// parseRequest takes r apart, and refuses names that would lead out of the bucket.
func parseRequest(r *http.Request) (s3Request, error) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket, ok := ParseBucketHost(r.Host); ok {
		path = bucket + "/" + path
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return s3Request{}, s3err.GetAPIError(s3err.ErrInvalidURI)
	}
	q := s3Request{caller: awswire.CallerFrom(r.Context()), query: query}
	q.bucket, q.key, _ = strings.Cut(path, "/")
	if q.key == "" {
		return q, nil
	}
	if err := checkKey(q.key); err != nil {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			// There is no such object, and there cannot be one.
			return q, s3err.GetAPIError(s3err.ErrNoSuchKey)
		}
		return q, err
	}
	if src := r.Header.Get("X-Amz-Copy-Source"); src != "" {
		return q, checkCopySource(src)
	}
	return q, nil
}

func (q s3Request) path() string {
	switch {
	case q.bucket == "":
		return "/"
	case q.key == "":
		return "/" + q.bucket
	}
	return "/" + q.bucket + "/" + q.key
}

// has reports whether the request names a sub-resource, "?tagging".
func (q s3Request) has(name string) bool {
	_, ok := q.query[name]
	return ok
}

// isUpload reports whether the body of r is the data of an object or of a part.
func (q s3Request) isUpload(r *http.Request) bool {
	if r.Method != http.MethodPut || q.key == "" || r.Header.Get("X-Amz-Copy-Source") != "" {
		return false
	}
	for _, sub := range []string{"acl", "tagging", "retention", "legal-hold", "torrent", "encryption", "renameObject"} {
		if q.has(sub) {
			return false
		}
	}
	return true
}

// form reports whether the request is a browser's upload by form. Only a POST to a bucket
// with no sub-resource is.
func (q s3Request) form() bool {
	return q.bucket != "" && q.key == "" && len(q.query) == 0
}

// maxKey is S3's limit on the bytes of a key.
const maxKey = 1024

// errKeyNotStorable refuses a key that S3 allows and files cannot have.
var errKeyNotStorable = s3err.APIError{
	Code: "InvalidArgument",
	Description: `The key cannot be stored as a file: it starts with "/" or has an empty segment, ` +
		`a segment "." or "..", a segment of more than 255 bytes, or a NUL byte, or is reserved.`,
	HTTPStatusCode: http.StatusBadRequest,
}

// checkKey refuses keys that are not one file's path below the bucket.
func checkKey(key string) error {
	if len(key) > maxKey {
		return s3err.GetKeyTooLongErr(int64(len(key)), maxKey)
	}
	if strings.IndexByte(key, 0) >= 0 {
		return errKeyNotStorable
	}
	segments := strings.Split(strings.TrimSuffix(key, "/"), "/")
	if segments[0] == posix.MetaTmpDir {
		return errKeyNotStorable
	}
	for _, seg := range segments {
		if seg == "" || seg == "." || seg == ".." || len(seg) > 255 {
			return errKeyNotStorable
		}
	}
	return nil
}

// checkCopySource does what checkKey does for the object that a copy is made of:
// [/]bucket/key[?versionId=...], percent-encoded.
func checkCopySource(src string) error {
	path, _, _ := strings.Cut(src, "?versionId=")
	path, err := url.PathUnescape(path)
	if err != nil {
		return s3err.GetInvalidArgumentErr(s3err.InvalidArgCopySource, src)
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || key == "" || !validBucketName(bucket) {
		return s3err.GetInvalidArgumentErr(s3err.InvalidArgCopySource, src)
	}
	if checkKey(key) != nil {
		return s3err.GetAPIError(s3err.ErrNoSuchKey)
	}
	return nil
}

// writeError answers r with err, and logs it if it is no fault of the client's.
func (s *Service) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if _, ok := asS3Error(err); !ok {
		s.log.Error("s3: "+r.Method, "path", r.URL.Path, "error", err)
	}
	WriteError(w, r, err)
}

// WriteError answers r with err in S3's form. It knows S3's errors and those of
// smithy.APIError; any other is an InternalError to the client.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	se, ok := asS3Error(err)
	if !ok {
		se = s3err.GetAPIError(s3err.ErrInternalError)
	}
	id := awswire.CallerFrom(r.Context()).RequestID
	h := w.Header()
	h.Set("Server", "AmazonS3")
	h.Set("Content-Type", "application/xml")
	if id != "" {
		h.Set("X-Amz-Request-Id", id)
	}
	w.WriteHeader(se.StatusCode())
	if r.Method != http.MethodHead {
		_, _ = w.Write(se.XMLBody(id, id)) // the client has gone if this fails
	}
}

// IsNoSuchBucket tells whether err says that a bucket does not exist.
func IsNoSuchBucket(err error) bool {
	se, ok := errors.AsType[s3err.S3Error](err)
	return ok && se.BaseError().Code == "NoSuchBucket"
}

func noSuchBucket(name string) error { return s3err.GetBucketErr(s3err.ErrNoSuchBucket, name) }
