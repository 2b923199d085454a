package s3

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/versity/versitygw/s3err"

	"github.com/brookmere/brookmere/internal/awswire"
)

// s3Request is what a request is about.
type s3Request struct {
	ctx       context.Context
	caller    awswire.Caller
	bucket    string
	key       string
	file      string // the path below the bucket for the key
	query     url.Values
	placement placement // of an object to be made
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
	q := s3Request{ctx: r.Context(), caller: awswire.CallerFrom(r.Context()), query: query}
	q.bucket, q.key, _ = strings.Cut(path, "/")
	if err := checkIDs(query); err != nil {
		return q, err
	}
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
	q.file, _ = encodeKey(q.key)
	return q, nil
}

func (q s3Request) path() string {
	switch {
	case q.bucket == "":
		return "/"
	case q.key == "":
		return "/" + q.bucket
	}
	return "/" + q.bucket + "/" + q.file
}

// has reports whether the request names a sub-resource, "?tagging".
func (q s3Request) has(name string) bool {
	_, ok := q.query[name]
	return ok
}

// hasAny reports whether the request names one of the sub-resources.
func (q s3Request) hasAny(names ...string) bool { return slices.ContainsFunc(names, q.has) }

// isUpload reports whether the body of r is the data of an object or of a part.
func (q s3Request) isUpload(r *http.Request) bool {
	if r.Method != http.MethodPut || q.key == "" || r.Header.Get("X-Amz-Copy-Source") != "" {
		return false
	}
	return !q.hasAny("acl", "tagging", "retention", "legal-hold", "torrent", "encryption", "renameObject")
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
	Code:           "InvalidArgument",
	Description:    "The key cannot be stored: it has a NUL byte, or its path as a file is too long.",
	HTTPStatusCode: http.StatusBadRequest,
}

// checkKey refuses keys that no object can have.
func checkKey(key string) error {
	if len(key) > maxKey {
		return s3err.GetKeyTooLongErr(int64(len(key)), maxKey)
	}
	if _, ok := encodeKey(key); !ok {
		return errKeyNotStorable
	}
	if leadsOut(key) {
		return s3err.GetAPIError(s3err.ErrInvalidURI)
	}
	return nil
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

// locate finds the file that the request is about, or where it is to be written.
func (s *Service) locate(r *http.Request, q s3Request) (s3Request, error) {
	if q.key == "" || q.hasAny("uploadId", "uploads") {
		return q, nil // an upload goes by its key's own path (multipart.go)
	}
	if r.Method == http.MethodPut && !q.hasAny("acl", "tagging", "retention", "legal-hold") {
		if err := s.backend.room.make(q.bucket, q.file); err != nil {
			return q, s.backend.outward("make room", err)
		}
	}
	q.file = s.selfPlace(q.bucket, q.file)
	return q, nil
}

// writable returns the path to write the object of a key to.
func (s *Service) writable(bucket, key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	path, _ := encodeKey(key)
	if err := s.backend.room.make(bucket, path); err != nil {
		return "", err
	}
	return s.selfPlace(bucket, path), nil
}

// copySource returns the X-Amz-Copy-Source header for versitygw, with the path of the
// object in the place of its key: [/]bucket/key[?versionId=...], percent-encoded.
func (s *Service) copySource(src string, caller awswire.Caller) (string, error) {
	path, version, _ := strings.Cut(src, "?versionId=")
	path, err := url.PathUnescape(path)
	if version != "" && !isVersionID(version) {
		return "", s3err.GetInvalidArgumentErr(s3err.InvalidArgVersionId, version)
	}
	if err != nil || strings.IndexByte(path, 0) >= 0 {
		return "", s3err.GetInvalidArgumentErr(s3err.InvalidArgCopySource, src)
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || key == "" || !validBucketName(bucket) {
		return "", s3err.GetInvalidArgumentErr(s3err.InvalidArgCopySource, src)
	}
	b, err := s.bucket(bucket)
	if err != nil {
		return "", err
	}
	if err := b.allow(caller, "s3:GetObject", key); err != nil {
		return "", err
	}
	file, ok := s.place(bucket, key)
	if !ok {
		return "", s3err.GetAPIError(s3err.ErrNoSuchKey)
	}
	src = escapePath(bucket + "/" + file)
	if version != "" {
		src += "?versionId=" + version
	}
	return src, nil
}

// sourceKey is the key that a copy is made of.
func sourceKey(src string) string {
	path, _, _ := strings.Cut(src, "?versionId=")
	if unescaped, err := url.PathUnescape(path); err == nil {
		path = unescaped
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return key
}

// writeError answers r with err, and logs it if it is no fault of the client's.
func (s *Service) writeError(w http.ResponseWriter, r *http.Request, q s3Request, err error) {
	writeErrorOf(w, r, s.backend.outward(r.Method+" "+r.URL.Path, err), q.bucket, q.key)
}

// WriteError answers r with err in S3's form. It knows S3's errors and those of
// smithy.APIError; any other is an InternalError to the client.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	writeErrorOf(w, r, err, "", "")
}

// writeErrorOf is WriteError for a request about a bucket and a key.
func writeErrorOf(w http.ResponseWriter, r *http.Request, err error, bucket, key string) {
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
		_, _ = w.Write(errorBody(se.XMLBody(id, id), bucket, key)) // the client has gone if this fails
	}
}

// IsNoSuchBucket tells whether err says that a bucket does not exist.
func IsNoSuchBucket(err error) bool {
	se, ok := errors.AsType[s3err.S3Error](err)
	return ok && se.BaseError().Code == "NoSuchBucket"
}

func noSuchBucket(name string) error { return s3err.GetBucketErr(s3err.ErrNoSuchBucket, name) }
