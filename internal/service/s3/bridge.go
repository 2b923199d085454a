package s3

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3err"
	"golang.org/x/net/http/httpguts"

	"github.com/brookmere/brookmere/internal/awswire/sigv4"
)

// maxDocument bounds the body of a request that is not an object's data: the longest are
// CompleteMultipartUpload with 10,000 parts and DeleteObjects with 1,000 keys.
const maxDocument = 8 << 20

// fiberHandler returns the request handler of gw. Its one exported way to serve is a
// listener of its own, which would cost each byte a trip through a socket; the field
// read here is checked for its type, so that another version of versitygw fails at start
// and not in service.
func fiberHandler(gw *s3api.S3ApiServer) (fasthttp.RequestHandler, error) {
	field := reflect.ValueOf(gw).Elem().FieldByName("app")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*fiber.App]() {
		return nil, errors.New("this version of versitygw has no fiber application where it is looked for")
	}
	return (*fiber.App)(field.UnsafePointer()).Handler(), nil
}

// forward has versitygw answer r. The request's body is read as the answer is made, and
// the answer's body as it is written.
func (s *Service) forward(w http.ResponseWriter, r *http.Request, q s3Request) {
	rc := acquireContext()
	defer releaseContext(rc)

	header := forwardedHeader(r.Header, q.query)
	if src := header.Get("X-Amz-Copy-Source"); src != "" {
		src, err := s.copySource(src, q.caller)
		if err != nil {
			s.writeError(w, r, q, err)
			return
		}
		header.Set("X-Amz-Copy-Source", src)
	}
	for _, name := range []string{"If-Match", "If-None-Match", "X-Amz-Copy-Source-If-Match", "X-Amz-Copy-Source-If-None-Match"} {
		if v := header.Get(name); v != "" && strings.Count(v, `"`) <= 2 {
			header[name] = []string{strings.Trim(v, `"`)} // S3 does not insist on the quotes
		}
	}
	if q.placement != (placement{}) {
		rc.SetUserValue(placementKey{}, q.placement)
	}
	query := forwardedQuery(q.query)
	if err := s.setBody(rc, r, q, header); err != nil {
		s.writeError(w, r, q, err)
		return
	}
	s.signer.sign(r.Method, gatewayHost, q.path(), query, header, q.caller.Account, s.clock.Now())
	if err := setHeader(&rc.Request.Header, r.Method, q.path(), query, header); err != nil {
		s.writeError(w, r, q, err)
		return
	}
	s.handler(rc)
	s.respond(w, r, q, &rc.Response)
}

// setHeader gives h a request's line and headers. It writes them out for fasthttp to
// parse, because versitygw reads some from the raw block, which there is no other way to
// set.
func setHeader(h *fasthttp.RequestHeader, method, path string, query url.Values, header http.Header) error {
	var b bytes.Buffer
	b.WriteString(method + " " + escapePath(path))
	if enc := query.Encode(); enc != "" {
		b.WriteString("?" + enc)
	}
	b.WriteString(" HTTP/1.1\r\nHost: " + gatewayHost + "\r\n")
	for name, values := range header {
		for _, v := range values {
			// Those from the query of a presigned URL have not been through net/http.
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(v) {
				return s3err.GetAPIError(s3err.ErrInvalidRequest)
			}
			b.WriteString(name + ": " + v + "\r\n")
		}
	}
	b.WriteString("\r\n")
	if err := h.Read(bufio.NewReaderSize(&b, b.Len())); err != nil {
		return s3err.GetAPIError(s3err.ErrInvalidRequest)
	}
	return nil
}

// gatewayHost is the Host of requests to versitygw, a name that nobody resolves.
const gatewayHost = "s3.internal"

// respond writes an answer of versitygw's to the client.
func (s *Service) respond(w http.ResponseWriter, r *http.Request, q s3Request, resp *fasthttp.Response) {
	h := w.Header()
	for k, v := range resp.Header.All() {
		switch name := textproto.CanonicalMIMEHeaderKey(string(k)); name {
		case "Connection", "Server", "Transfer-Encoding", "Date", "X-Amz-Bucket-Region":
		case "Content-Length", "Content-Type", "Last-Modified", "Location":
			h.Set(name, string(v))
		case "X-Amz-Request-Id", "X-Amz-Id-2": // versitygw sets them twice
			h.Set(name, string(v))
		case "Etag":
			h["ETag"] = []string{string(v)} // the case AWS has
		default:
			// Names of user metadata are what the client had, in lower case; boto3 shows them
			// as they come.
			if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
				name = lower
			}
			h[name] = append(h[name], string(v))
		}
	}
	h.Set("Server", "AmazonS3")
	status := resp.StatusCode()
	s.sayPlacement(h, r, q, status)
	bodyless := r.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	stream := resp.BodyStream()
	if status >= 400 && stream == nil && len(resp.Body()) > 0 {
		key := q.key
		if src := r.Header.Get("X-Amz-Copy-Source"); src != "" && status == http.StatusNotFound && !q.has("uploadId") {
			key = sourceKey(src)
		}
		resp.SetBody(errorBody(resp.Body(), q.bucket, key))
		h.Set("Content-Type", "application/xml")
	}
	if status < 300 && stream == nil && r.Method == http.MethodGet {
		resp.SetBody(tidied(resp.Body(), q))
	}
	if status < 300 && stream == nil && r.Method == http.MethodPost {
		resp.SetBody(clientLocation(resp.Body(), r, q))
		if l := h.Get("Location"); l != "" {
			h.Set("Location", string(clientLocation([]byte(l), r, q)))
		}
	}
	if status == http.StatusNotModified {
		if etag, err := s.attrs.RetrieveAttribute(nil, q.bucket, q.file, "etag"); err == nil {
			h["ETag"] = []string{string(etag)}
		}
	}
	switch {
	case bodyless && r.Method != http.MethodHead:
		h.Del("Content-Length")
	case bodyless: // the length of what GET would answer, if versitygw says
	case stream == nil:
		h.Set("Content-Length", strconv.Itoa(len(resp.Body())))
	case resp.Header.ContentLength() >= 0:
		h.Set("Content-Length", strconv.Itoa(resp.Header.ContentLength()))
	}
	if h.Get("Content-Type") == "" || stream == nil && len(resp.Body()) == 0 && !bodyless {
		h["Content-Type"] = nil // or net/http would guess one
	}
	if stream == nil {
		w.WriteHeader(status)
		if !bodyless {
			_, _ = w.Write(resp.Body()) // the client has gone if this fails
		}
		return
	}
	defer resp.CloseBodyStream()
	w.WriteHeader(status)
	if bodyless {
		return
	}
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	n, err := io.CopyBuffer(onlyWriter{w}, stream, *buf)
	s.metrics.read.Add(float64(n))
	if err != nil {
		// The status has gone out: all that is left is to cut the answer short, so that
		// the client does not take it for whole.
		panic(http.ErrAbortHandler)
	}
}

// clientLocation is text with the address of an object as the client has it, in the place
// of the one inside.
func clientLocation(text []byte, r *http.Request, q s3Request) []byte {
	base := "http://" + r.Host
	if r.TLS != nil {
		base = "https://" + r.Host
	}
	if _, ok := ParseBucketHost(r.Host); !ok {
		base += "/" + q.bucket
	}
	inside := "http://" + gatewayHost + "/" + q.bucket
	if q.file != q.key {
		text = bytes.ReplaceAll(text, []byte(inside+"/"+q.file), []byte(inside+"/"+q.key))
	}
	return bytes.ReplaceAll(text, []byte(inside), []byte(base))
}

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// onlyWriter hides a writer's ReadFrom, which would go around the buffer.
type onlyWriter struct{ io.Writer }

// setBody gives rc the body of r, decoded and checked for its length, and header what
// says so.
func (s *Service) setBody(rc *fasthttp.RequestCtx, r *http.Request, q s3Request, header http.Header) error {
	sha := r.Header.Get("X-Amz-Content-Sha256")
	if sha == "" {
		sha = q.query.Get("X-Amz-Content-Sha256")
	}
	if sha == "" {
		sha = unsignedPayload
	}
	if strings.HasPrefix(sha, "STREAMING-") {
		if err := sigv4.Unwrap(r); err != nil {
			return err
		}
		sha = r.Header.Get("X-Amz-Content-Sha256")
	}
	length := r.ContentLength
	var body io.Reader = newWholeBody(r.Body, length, s.metrics.written.Add)
	if chunks, ok := r.Body.(trailed); ok {
		copyHeader(header, r.Header, "Content-Encoding") // without aws-chunked
		header.Del("X-Amz-Decoded-Content-Length")
		header.Del("X-Amz-Trailer")
		if trailer := r.Header.Get("X-Amz-Trailer"); trailer != "" {
			sum, err := newTrailerSum(body, chunks, trailer)
			if err != nil {
				return err
			}
			body = sum
		}
	}
	header.Set("X-Amz-Content-Sha256", sha)

	if q.isUpload(r) {
		if length < 0 {
			return s3err.GetAPIError(s3err.ErrMissingContentLength)
		}
		rc.Request.SetBodyStream(body, int(length))
		header.Set("Content-Length", strconv.FormatInt(length, 10))
		return nil
	}
	deletion := r.Method == http.MethodPost && q.key == "" && q.has("delete")
	if length == 0 || r.Body == nil || r.Body == http.NoBody {
		if deletion {
			return checkDeletions(nil)
		}
		return nil
	}
	if q.form() {
		rc.SetUserValue(formUpload{}, true)
		if length < 0 {
			return s3err.GetAPIError(s3err.ErrMissingContentLength)
		}
		form, length, err := s.signForm(r, q, body)
		if err != nil {
			return err
		}
		rc.Request.SetBodyStream(form, int(length))
		header.Set("Content-Length", strconv.FormatInt(length, 10))
		return nil
	}
	doc, err := readDocument(body)
	if err != nil {
		return err
	}
	if deletion {
		if err := checkDeletions(doc); err != nil {
			return err
		}
		rc.SetUserValue(rawKeys{}, true)
	}
	rc.Request.SetBodyRaw(doc)
	header.Set("Content-Length", strconv.Itoa(len(doc)))
	return nil
}

// formUpload is the key in the context of an upload by form.
type formUpload struct{}

const unsignedPayload = "UNSIGNED-PAYLOAD"

// readDocument reads the body of a request that is not an object's data.
func readDocument(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(r, maxDocument+1)); err != nil {
		return nil, err
	}
	if b.Len() > maxDocument {
		return nil, s3err.APIError{
			Code:           "MaxMessageLengthExceeded",
			Description:    "Your request was too big.",
			HTTPStatusCode: http.StatusBadRequest,
		}
	}
	return b.Bytes(), nil
}

// forwardedHeader returns the headers of a request that versitygw is to see: without
// those of the connection and of the client's own signature, and with those that a
// presigned URL carries in its query.
func forwardedHeader(in http.Header, query url.Values) http.Header {
	out := make(http.Header, len(in)+4)
	for name, values := range in {
		switch name {
		case "Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256",
			"Connection", "Expect", "Transfer-Encoding", "Te", "Trailer", "Upgrade",
			"Content-Length", "Accept-Encoding", "Cookie", "Host", "X-Amz-User-Agent":
			continue
		}
		out[name] = values
	}
	for name, values := range query {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !isPresignParameter(lower) {
			out[textproto.CanonicalMIMEHeaderKey(name)] = values
		}
	}
	return out
}

// forwardedQuery returns the parameters of a request without those of its signature and
// those that forwardedHeader makes headers of.
func forwardedQuery(in url.Values) url.Values {
	out := make(url.Values, len(in))
	for name, values := range in {
		if !strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			out[name] = values
		}
	}
	if out.Has("AWSAccessKeyId") && out.Has("Signature") {
		// A URL presigned the old way, as the AWS CLI does for us-east-1.
		for _, name := range []string{"AWSAccessKeyId", "Signature", "Expires"} {
			out.Del(name)
		}
	}
	// The SDK for JavaScript and others say what they call in the query.
	out.Del("x-id")
	return out
}

func isPresignParameter(lower string) bool {
	switch lower {
	case "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders",
		"x-amz-signature", "x-amz-security-token", "x-amz-content-sha256", "x-amz-user-agent":
		return true
	}
	return false
}

func copyHeader(to, from http.Header, name string) {
	to.Del(name)
	if v := from.Values(name); len(v) > 0 {
		to[name] = v
	}
}

var contexts = sync.Pool{New: func() any { return new(fasthttp.RequestCtx) }}

func acquireContext() *fasthttp.RequestCtx {
	rc := contexts.Get().(*fasthttp.RequestCtx)
	rc.Init2(loopConn{}, discardLogger{}, true)
	return rc
}

func releaseContext(rc *fasthttp.RequestCtx) {
	rc.ResetUserValues()
	rc.Request.Reset()
	rc.Response.Reset()
	contexts.Put(rc)
}

// loopConn is the connection that versitygw believes the request to have come by. It
// asks it for addresses and sets deadlines on it, and reads bodies elsewhere.
type loopConn struct{}

var loopAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}

func (loopConn) Read([]byte) (int, error)         { return 0, io.EOF }
func (loopConn) Write(p []byte) (int, error)      { return len(p), nil }
func (loopConn) Close() error                     { return nil }
func (loopConn) LocalAddr() net.Addr              { return loopAddr }
func (loopConn) RemoteAddr() net.Addr             { return loopAddr }
func (loopConn) SetDeadline(time.Time) error      { return nil }
func (loopConn) SetReadDeadline(time.Time) error  { return nil }
func (loopConn) SetWriteDeadline(time.Time) error { return nil }

type discardLogger struct{}

func (discardLogger) Printf(string, ...any) {}
