package s3

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/s3err"
)

// trailed is a body that has trailing headers once it has been read: a streamed upload
// as sigv4.Unwrap decodes it.
type trailed interface{ Trailer() map[string]string }

// A trailerSum gives versitygw, with a payload, the checksum that the client sent behind
// it, to be stored with the object. It is a middlewares.ChecksumReader. The payload has
// been checked against it when it ends.
type trailerSum struct {
	io.Reader
	body      trailed
	algorithm string // as in x-amz-checksum-<algorithm>
}

// newTrailerSum returns payload, which reads body, with the checksum that the trailer
// announced by the X-Amz-Trailer header will hold.
func newTrailerSum(payload io.Reader, body trailed, header string) (*trailerSum, error) {
	algorithm, _ := strings.CutPrefix(strings.ToLower(strings.TrimSpace(header)), "x-amz-checksum-")
	switch algorithm {
	case "crc32", "crc32c", "crc64nvme", "sha1", "sha256":
		return &trailerSum{payload, body, algorithm}, nil
	}
	return nil, s3err.GetAPIError(s3err.ErrTrailerHeaderNotSupported)
}

// Algorithm is part of middlewares.ChecksumReader.
func (t *trailerSum) Algorithm() string { return t.algorithm }

// Checksum is part of middlewares.ChecksumReader.
func (t *trailerSum) Checksum() string { return t.body.Trailer()["x-amz-checksum-"+t.algorithm] }

// wholeBody reads a body that is to have left bytes, or any number with left negative,
// and fails if it has fewer or more: versitygw would store what has come of it.
type wholeBody struct {
	r       io.Reader
	left    int64
	unsized bool
	count   func(float64)
}

func newWholeBody(r io.Reader, length int64, count func(float64)) *wholeBody {
	return &wholeBody{r: r, left: length, unsized: length < 0, count: count}
}

func (b *wholeBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.count(float64(n))
	b.left -= int64(n)
	switch {
	case b.left < 0 && !b.unsized:
		return 0, s3err.GetAPIError(s3err.ErrIncompleteBody)
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && (b.left == 0 || b.unsized):
		return n, io.EOF
	}
	// versitygw takes io.ErrUnexpectedEOF for the body's end, so it must not see it.
	if se, ok := asS3Error(err); ok {
		return n, se
	}
	return n, s3err.GetAPIError(s3err.ErrIncompleteBody)
}

// errConflicting answers a request to a bucket that another request is making or deleting
// at this moment: its directory is there and its attributes are not.
var errConflicting = s3err.APIError{
	Code:           "OperationAborted",
	Description:    "A conflicting conditional operation is currently in progress against this resource. Please try again.",
	HTTPStatusCode: http.StatusConflict,
}

// errMeanwhile answers a request whose files went while it was served.
var errMeanwhile = s3err.APIError{
	Code:           "ServiceUnavailable",
	Description:    "Another request is removing what this one needs. Please try again.",
	HTTPStatusCode: http.StatusServiceUnavailable,
}

// asS3Error returns an error of S3's, or of the server's in front, as versitygw and
// clients know it.
func asS3Error(err error) (s3err.S3Error, bool) {
	if se, ok := errors.AsType[s3err.S3Error](err); ok {
		return se, true
	}
	if errors.Is(err, meta.ErrNoSuchKey) {
		return errConflicting, true
	}
	ae, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return nil, false
	}
	status := http.StatusBadRequest
	if s, ok := ae.(interface{ HTTPStatusCode() int }); ok {
		status = s.HTTPStatusCode()
	} else if ae.ErrorCode() == "ServiceUnavailable" {
		status = http.StatusServiceUnavailable
	} else if ae.ErrorFault() == smithy.FaultServer {
		status = http.StatusInternalServerError
	} else if strings.HasPrefix(ae.ErrorCode(), "AccessDenied") {
		status = http.StatusForbidden
	}
	return s3err.APIError{Code: ae.ErrorCode(), Description: ae.ErrorMessage(), HTTPStatusCode: status}, true
}
