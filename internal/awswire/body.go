package awswire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire/inflight"
)

// Bytes is a request body that is in memory already, as one whose hash had to be checked
// is; the handler then does not copy it.
type Bytes interface {
	io.ReadCloser
	Bytes() []byte
}

func errTooLarge(limit int64) error {
	return WithStatus(&smithy.GenericAPIError{
		Code: "RequestEntityTooLargeException", Message: "The request body is larger than the limit of " + strconv.FormatInt(limit, 10) + " bytes", Fault: smithy.FaultClient,
	}, http.StatusRequestEntityTooLarge)
}

// readBody reads the whole body, decompressed.
func (x *exchange) readBody(buf *bytes.Buffer) ([]byte, error) {
	limit := x.h.api.MaxBody
	if x.r.ContentLength > limit {
		return nil, errTooLarge(limit)
	}
	var body io.Reader = x.r.Body
	encoding := strings.ToLower(strings.TrimSpace(x.r.Header.Get("Content-Encoding")))
	if b, ok := x.r.Body.(Bytes); ok && encoding == "" {
		if int64(len(b.Bytes())) > limit {
			return nil, errTooLarge(limit)
		}
		return b.Bytes(), nil
	}
	switch encoding {
	case "", "identity", "amz-1.0", "aws-chunked":
	case "gzip":
		zr, err := gzip.NewReader(body)
		if err != nil {
			return nil, x.badEncoding(serializationError("The body is not valid gzip"))
		}
		body = zr
	default:
		return nil, x.badEncoding(WithStatus(&smithy.GenericAPIError{Code: "UnsupportedMediaTypeException", Message: "Content-Encoding " + strconv.Quote(encoding) + " is not supported", Fault: smithy.FaultClient}, http.StatusUnsupportedMediaType))
	}
	if body == nil {
		return nil, nil
	}
	length := x.r.ContentLength
	if encoding == "gzip" {
		length = -1
	}
	n, err := inflight.ReadAll(buf, body, length, limit)
	switch {
	case err != nil:
		var api smithy.APIError
		if errors.As(err, &api) {
			return nil, err // a signature or checksum that does not match
		}
		err = serializationError("The request body ended early or could not be read")
		if encoding == "gzip" {
			err = x.badEncoding(err)
		}
		return nil, err
	case n > limit:
		return nil, errTooLarge(limit)
	}
	return buf.Bytes(), nil
}

// badEncoding is err, or what the service says in its place.
func (x *exchange) badEncoding(err error) error {
	if own := x.h.api.BadEncoding; own != nil {
		return own
	}
	return err
}
