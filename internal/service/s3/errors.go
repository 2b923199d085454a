package s3

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/sigv4"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Error is a refusal in S3's words, a smithy.APIError.
type Error struct {
	Code    string
	Message string
	Status  int
	// Fields are elements of the answer besides the code and the message, in order.
	Fields []field
	// Headers go with the answer.
	Headers map[string]string
}

type field struct{ Name, Value string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrorCode returns AWS's error code.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorMessage returns the message for the client.
func (e *Error) ErrorMessage() string { return e.Message }

// ErrorFault says whose fault it is.
func (e *Error) ErrorFault() smithy.ErrorFault {
	if e.Status >= 500 && e.Status != http.StatusNotImplemented {
		return smithy.FaultServer
	}
	return smithy.FaultClient
}

// HTTPStatusCode returns the status that AWS answers with.
func (e *Error) HTTPStatusCode() int { return e.Status }

// with returns the error with one more element.
func (e *Error) with(name, value string) *Error {
	n := *e
	n.Fields = append(append([]field(nil), e.Fields...), field{name, value})
	return &n
}

func (e *Error) header(name, value string) *Error {
	n := *e
	n.Headers = map[string]string{name: value}
	for k, v := range e.Headers {
		n.Headers[k] = v
	}
	return &n
}

func fault(status int, code, message string) *Error {
	return &Error{Code: code, Message: message, Status: status}
}

func invalidArgument(message, name, value string) *Error {
	e := fault(400, "InvalidArgument", message)
	if name != "" {
		e = e.with("ArgumentName", name)
	}
	if value != "" {
		e = e.with("ArgumentValue", value)
	}
	return e
}

func invalidRequest(message string) *Error { return fault(400, "InvalidRequest", message) }

var (
	errAccessDenied     = fault(403, "AccessDenied", "Access Denied")
	errMalformedXML     = fault(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	errNotImplemented   = fault(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
	errMethodNotAllowed = fault(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	errInternal         = fault(500, "InternalError", "We encountered an internal error. Please try again.")
	errBusy             = fault(503, "SlowDown", "Please reduce your request rate.")
	errIncomplete       = fault(400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	errLength           = fault(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	errInvalidURI       = fault(400, "InvalidURI", "Couldn't parse the specified URI.")
	errBadStorable      = invalidArgument("The key cannot be stored: it has a NUL byte, or its path as a file is too long.", "", "")
	errMissingBody      = fault(400, "MissingRequestBodyError", "Request Body is empty")
	errTooBig           = fault(400, "MaxMessageLengthExceeded", "Your request was too big.")
	errEntityTooLarge   = fault(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
)

func noSuchBucket(name string) *Error {
	return fault(404, "NoSuchBucket", "The specified bucket does not exist").with("BucketName", name)
}

func noSuchKey(key string) *Error {
	return fault(404, "NoSuchKey", "The specified key does not exist.").with("Key", key)
}

func noSuchVersion(key, id string) *Error {
	return fault(404, "NoSuchVersion", "The specified version does not exist.").with("Key", key).with("VersionId", id)
}

func noSuchUpload(id string) *Error {
	return fault(404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.").with("UploadId", id)
}

func preconditionFailed(condition string) *Error {
	return fault(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold").with("Condition", condition)
}

func conflict(condition, key string) *Error {
	return fault(409, "ConditionalRequestConflict", "The conditional request cannot succeed due to a conflicting operation against this resource.").with("Condition", condition).with("Key", key)
}

func markerMethod(method string) *Error {
	return errMethodNotAllowed.with("Method", method).with("ResourceType", "DeleteMarker")
}

// IsNoSuchBucket reports whether err says that a bucket does not exist.
func IsNoSuchBucket(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == "NoSuchBucket" || errors.Is(err, objectstore.ErrNoBucket)
}

// errorOf is an error as clients see it; false if it is none that they should.
func errorOf(err error, bucket, key string) (*Error, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e, true
	}
	switch {
	case errors.Is(err, objectstore.ErrNoBucket):
		return noSuchBucket(bucket), true
	case errors.Is(err, objectstore.ErrNoKey):
		return noSuchKey(key), true
	case errors.Is(err, objectstore.ErrBadKey):
		return errBadStorable, true
	case errors.Is(err, objectstore.ErrKeyTooLong):
		return fault(400, "KeyTooLongError", "Your key is too long").with("Size", strconv.Itoa(len(key))).
			with("MaxSizeAllowed", strconv.Itoa(objectstore.MaxKey)), true
	case errors.Is(err, objectstore.ErrBusy):
		return errBusy, true
	}
	ae, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return errInternal, false
	}
	e := fault(400, ae.ErrorCode(), ae.ErrorMessage())
	if refused, ok := errors.AsType[*sigv4.Error](err); ok {
		for _, f := range refused.Fields {
			e.Fields = append(e.Fields, field{f[0], f[1]})
		}
	}
	if s, ok := ae.(interface{ HTTPStatusCode() int }); ok {
		e.Status = s.HTTPStatusCode()
	} else if e.Code == "ServiceUnavailable" {
		e.Status = 503
	} else if ae.ErrorFault() == smithy.FaultServer {
		e.Status = 500
	} else if strings.HasPrefix(e.Code, "AccessDenied") {
		e.Status = 403
	}
	return e, true
}

// WriteError answers r with err in S3's form. It knows S3's errors and those of
// smithy.APIError; any other is an InternalError to the client.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	e, _ := errorOf(err, "", "")
	writeError(w, r, e)
}

func writeError(w http.ResponseWriter, r *http.Request, e *Error) {
	id := awswire.CallerFrom(r.Context()).RequestID
	h := w.Header()
	sayRequest(h, id)
	for name, value := range e.Headers {
		h[name] = []string{value}
	}
	if e.Status == http.StatusNotModified {
		w.WriteHeader(e.Status)
		return
	}
	h.Set("Content-Type", "application/xml")
	h.Del("Content-Length")
	if r.Method == http.MethodHead {
		w.WriteHeader(e.Status)
		return
	}
	var b strings.Builder
	b.WriteString(xml.Header + "<Error>")
	errorElement(&b, "Code", e.Code)
	errorElement(&b, "Message", e.Message)
	for _, f := range e.Fields {
		errorElement(&b, f.Name, f.Value)
	}
	errorElement(&b, "RequestId", id)
	errorElement(&b, "HostId", hostID(id))
	b.WriteString("</Error>")
	w.WriteHeader(e.Status)
	_, _ = w.Write([]byte(b.String())) // the client has gone if this fails
}

// sayRequest sets the headers that all answers have.
func sayRequest(h http.Header, id string) {
	h.Set("Server", "AmazonS3")
	if id != "" {
		h["x-amz-request-id"] = []string{id}
		h["x-amz-id-2"] = []string{hostID(id)}
	}
}

// hostID stands for the machine that answered, as support at AWS asks for it.
func hostID(id string) string {
	if id == "" {
		return ""
	}
	return "brookmere/" + id
}

// errorElement is element as errors have it, which leave quotes as they are.
func errorElement(b *strings.Builder, name, value string) {
	var escaped strings.Builder
	escapeXML(&escaped, value)
	b.WriteString("<" + name + ">")
	b.WriteString(strings.ReplaceAll(escaped.String(), "&quot;", `"`))
	b.WriteString("</" + name + ">")
}

func element(b *strings.Builder, name, value string) {
	b.WriteString("<" + name + ">")
	escapeXML(b, value)
	b.WriteString("</" + name + ">")
}
