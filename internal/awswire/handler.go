package awswire

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	mathrand "math/rand/v2"
	"mime"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// HandlerOptions are the choices of a Handler. The zero value works.
type HandlerOptions struct {
	// MaxBody bounds a request body, before and after decompression, in bytes. Zero is
	// DefaultMaxBody.
	MaxBody int64

	// Unions and Documents describe the types of these kinds in the service's inputs.
	Unions    []Union
	Documents []Document

	// OnInternalError is told of what the client is not: errors that are not AWS's, the
	// causes of failures that are the server's, and panics with their stack. Nil drops them.
	OnInternalError func(ctx context.Context, operation string, err error)

	// OnRequest is told of every finished request of a known operation, with the code of
	// the error that the client got, empty on success. Nil is silence.
	OnRequest func(ctx context.Context, operation, errorCode string)
}

// DefaultMaxBody is the limit for services that set none.
const DefaultMaxBody = 6 << 20

// maxKeptBuffer is the largest buffer that goes back to the pool.
const maxKeptBuffer = 16 << 20

// maxDiscard is how much of a body that is too large is read to no end.
const maxDiscard = 64 << 20

// Handler serves one service over HTTP in the RPC protocols: JSON 1.0 and 1.1, CBOR 1.1,
// RPC v2 CBOR, and Query. It does not authenticate; the account and region of the call
// are those of the Caller in the request's context.
type Handler struct {
	model          *model.Service
	options        HandlerOptions
	planner        *planner
	operations     map[string]*boundOperation
	validationCode string
	messageMember  string
}

type boundOperation struct {
	Operation
	model    *model.Operation // nil if the SDK has it and the model does not yet
	planOnce sync.Once
	input    *plan
	output   *plan
	events   *plan // of an operation that streams
}

// NewHandler returns the handler of a service. Every operation must be one of the
// model's, or newer than the model.
func NewHandler(m *model.Service, ops []Operation, options HandlerOptions) (*Handler, error) {
	if m == nil {
		return nil, errors.New("awswire: no model")
	}
	if options.MaxBody == 0 {
		options.MaxBody = DefaultMaxBody
	}
	h := &Handler{
		model: m, options: options, planner: newPlanner(m, options.Unions, options.Documents),
		operations: map[string]*boundOperation{}, validationCode: validationCode(m), messageMember: messageMember(m),
	}
	for _, op := range ops {
		if op.call == nil && op.stream == nil {
			return nil, fmt.Errorf("awswire: %s operation %q has no method", m.Name, op.Name)
		}
		if h.operations[op.Name] != nil {
			return nil, fmt.Errorf("awswire: %s operation %q is bound twice", m.Name, op.Name)
		}
		h.operations[op.Name] = &boundOperation{Operation: op, model: m.Operations[op.Name]}
	}
	return h, nil
}

// plans builds the operation's plans when it is first called.
func (h *Handler) plans(op *boundOperation) (input, output *plan) {
	op.planOnce.Do(func() {
		var in, out *model.Shape
		if op.model != nil {
			in, out = op.model.Input, op.model.Output
		}
		op.input = h.planner.plan(reflect.TypeOf(op.newInput()).Elem(), in)
		op.output = h.planner.plan(op.Operation.output, out)
		if op.stream != nil {
			op.events = h.planner.plan(op.event, h.model.Shapes[op.event.Name()])
		}
	})
	return op.input, op.output
}

// exchange is one request on its way through the handler.
type exchange struct {
	h         *Handler
	w         http.ResponseWriter
	r         *http.Request
	ctx       context.Context
	protocol  Protocol
	name      string // operation, "" if the request names none
	requestID string
	mime      string // the request's, for the response
	received  time.Time
}

// An answer to the AWS SDK for Go comes no sooner than rest after its request. Go's HTTP
// client looks once more at a body that it has sent, to see that it ends, and the SDK takes
// the body away when the head of the answer arrives. On one machine the answer can win that
// race; the client then drops the connection, and with it what it has not read of the
// answer. What fits the client's buffer is read by then.
const (
	restsFrom = 2 << 10
	rest      = time.Millisecond
)

func (x *exchange) rest() {
	if strings.Contains(x.r.UserAgent(), "aws-sdk-go-v2/") {
		time.Sleep(rest - time.Since(x.received))
	}
}

var bufferPool = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func putBuffer(b *bytes.Buffer) {
	if b.Cap() <= maxKeptBuffer {
		b.Reset()
		bufferPool.Put(b)
	}
}

// ServeHTTP answers one call.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	caller := CallerFrom(ctx)
	if caller.RequestID == "" {
		caller.RequestID = NewRequestID()
		ctx = WithCaller(ctx, caller)
	}
	x := &exchange{h: h, w: w, r: r, requestID: caller.RequestID, ctx: ctx}
	if fail := x.route(); fail != nil {
		x.fault(*fail)
		return
	}
	events, err := x.serve()
	code := ""
	switch {
	case err != nil:
		f := x.report(err)
		code = f.code
		x.fault(f)
	case events != nil:
		code = x.push(events)
	}
	if h.options.OnRequest != nil && h.operations[x.name] != nil {
		h.options.OnRequest(x.ctx, x.name, code)
	}
}

// report turns the error of a call into what the client is told, and tells the operator
// what the client is not.
func (x *exchange) report(err error) fault {
	f := x.h.faultOf(err)
	if f.code == internalFailure && x.ctx.Err() != nil {
		// The client has gone or the node is closing: no failure of the service.
		return fault{code: "ServiceUnavailable", message: "The request was interrupted", status: http.StatusServiceUnavailable, server: true}
	}
	if f.server && x.h.options.OnInternalError != nil {
		x.h.options.OnInternalError(x.ctx, x.name, err)
	}
	return f
}

// serve reads the request, calls its operation and writes the answer, but for an error and
// for events, which go out when the buffers of the request have been given back.
func (x *exchange) serve() (*eventSource, error) {
	body := bufferPool.Get().(*bytes.Buffer)
	defer putBuffer(body)
	raw, err := x.readBody(body)
	if err != nil {
		return nil, err
	}
	x.received = time.Now()
	var form queryForm
	if x.protocol == Query {
		if form, err = parseQuery(x.r, raw); err != nil {
			return nil, err
		}
		x.name = form.get("Action")
		if x.name == "" {
			return nil, &statusError{smithy.GenericAPIError{Code: "MissingAction", Message: "Missing Action"}, http.StatusBadRequest}
		}
	}
	op := x.h.operations[x.name]
	if op == nil || op.stream != nil && x.protocol == Query {
		return nil, x.h.unbound(x)
	}
	if op.stream != nil {
		return x.openStream(op, raw)
	}
	out := bufferPool.Get().(*bytes.Buffer)
	defer putBuffer(out)
	response, err := x.call(op, raw, form, out.AvailableBuffer())
	if cap(response) > out.Cap() && cap(response) <= maxKeptBuffer {
		*out = *bytes.NewBuffer(response[:0])
	}
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if op.model != nil && op.model.Status != 0 {
		status = op.model.Status
	}
	x.write(status, response)
	return nil, nil
}

// route finds the protocol and, but for Query, the operation.
func (x *exchange) route() *fault {
	mt, _, _ := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	x.mime = mt
	target := x.r.Header.Get("X-Amz-Target")
	switch {
	case x.r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		x.protocol = rpcV2CBOR
		if _, name, ok := strings.Cut(x.r.URL.Path, "/operation/"); ok {
			x.name = name
		}
	case mt == "application/x-amz-cbor-1.1":
		x.protocol = CBOR11
	case mt == "application/x-amz-json-1.0":
		x.protocol = JSON10
	case mt == "application/x-amz-json-1.1":
		x.protocol = JSON11
	case target == "" && (x.h.model.Answers("query") || mt == "application/x-www-form-urlencoded"):
		x.protocol = Query
		if x.r.Method != http.MethodPost && x.r.Method != http.MethodGet {
			return &fault{code: "UnsupportedHttpVerb", message: "The HTTP verb specified was unrecognized.", status: 400}
		}
		return nil
	default:
		x.protocol = JSON11
		if x.h.model.JSONVersion == "1.0" {
			x.protocol = JSON10
		}
	}
	if x.r.Method != http.MethodPost {
		return &fault{code: "UnknownOperationException", status: 404}
	}
	if x.protocol != rpcV2CBOR {
		prefix, name, ok := strings.Cut(target, ".")
		if !ok || prefix != x.h.model.TargetPrefix {
			return &fault{code: "UnknownOperationException", status: 400}
		}
		x.name = name
	}
	return nil
}

// unbound refuses an operation that the service does not serve: one that AWS does not
// have, or one that Brookmere does not.
func (h *Handler) unbound(x *exchange) error {
	refuse := func(code, message string) error {
		return &statusError{smithy.GenericAPIError{Code: code, Message: message}, http.StatusBadRequest}
	}
	if h.model.Operations[x.name] == nil {
		if x.protocol == Query {
			return refuse("InvalidAction", "Could not find operation "+x.name+" for version "+h.model.APIVersion)
		}
		return refuse("UnknownOperationException", "")
	}
	return refuse("UnsupportedOperationException",
		"Brookmere does not support the operation "+x.name+" of "+h.model.ID+"; docs/operations.md lists those that it does.")
}

// Bytes is a request body that is in memory already, as one whose hash had to be checked
// is; the handler then does not copy it.
type Bytes interface {
	io.ReadCloser
	Bytes() []byte
}

func errTooLarge(limit int64) error {
	return &statusError{smithy.GenericAPIError{
		Code: "RequestEntityTooLargeException", Message: "The request body is larger than the limit of " + strconv.FormatInt(limit, 10) + " bytes", Fault: smithy.FaultClient,
	}, http.StatusRequestEntityTooLarge}
}

// statusError is an API error whose HTTP status is not what the model or its fault say.
type statusError struct {
	smithy.GenericAPIError
	status int
}

func (e *statusError) HTTPStatusCode() int { return e.status }

// readBody reads the whole body, decompressed.
func (x *exchange) readBody(buf *bytes.Buffer) ([]byte, error) {
	limit := x.h.options.MaxBody
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
			return nil, serializationError("The body is not valid gzip")
		}
		body = zr
	default:
		return nil, &statusError{smithy.GenericAPIError{Code: "UnsupportedMediaTypeException", Message: "Content-Encoding " + strconv.Quote(encoding) + " is not supported", Fault: smithy.FaultClient}, http.StatusUnsupportedMediaType}
	}
	if body == nil {
		return nil, nil
	}
	if n := x.r.ContentLength; n > 0 && encoding != "gzip" {
		buf.Grow(int(n) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		var api smithy.APIError
		if errors.As(err, &api) {
			return nil, err // a signature or checksum that does not match
		}
		return nil, serializationError("The request body ended early or could not be read")
	case n > limit:
		return nil, errTooLarge(limit)
	}
	return buf.Bytes(), nil
}

// call runs the operation: the fast path if it takes the request, else decode, validate,
// call and encode. A panic becomes an internal failure.
func (x *exchange) call(op *boundOperation, raw []byte, form queryForm, dst []byte) (response []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			response, err = nil, &panicError{value: p, stack: debug.Stack()}
		}
	}()
	if op.fast != nil && x.protocol <= CBOR11 {
		if response, handled, err := op.fast(x.ctx, x.protocol, raw, dst); handled {
			return response, err
		}
	}
	_, output := x.h.plans(op)
	in, err := x.input(op, raw, form)
	if err != nil {
		return nil, err
	}
	out, err := op.call(x.ctx, in)
	if err != nil {
		return nil, err
	}
	ov := reflect.ValueOf(out)
	if ov.IsNil() {
		return nil, errors.New("the method returned neither output nor error")
	}
	ov = ov.Elem()
	switch {
	case x.protocol == Query:
		return x.h.appendQueryResponse(dst, op, output, ov, x.requestID)
	case op.model != nil && op.model.Output == nil:
		return dst, nil // AWS sends no body where there is no output
	}
	return x.appendStruct(dst, output, ov)
}

// input decodes and checks the input of a call.
func (x *exchange) input(op *boundOperation, raw []byte, form queryForm) (in any, err error) {
	input, _ := x.h.plans(op)
	in = op.newInput()
	v := reflect.ValueOf(in).Elem()
	switch x.protocol {
	case JSON10, JSON11:
		err = decodeJSON(x.h.planner, input, raw, v)
	case CBOR11, rpcV2CBOR:
		err = decodeCBOR(x.h.planner, input, raw, v, x.protocol == CBOR11)
	case Query:
		err = decodeQuery(x.h.planner, input, form, v)
	}
	if err != nil {
		return nil, err
	}
	if message := x.h.planner.validate(input, v); message != "" {
		return nil, &smithy.GenericAPIError{Code: x.h.validationCode, Message: message, Fault: smithy.FaultClient}
	}
	return in, nil
}

// appendStruct appends a struct in the form of JSON or CBOR that the client speaks.
func (x *exchange) appendStruct(dst []byte, p *plan, v reflect.Value) ([]byte, error) {
	if x.protocol == CBOR11 || x.protocol == rpcV2CBOR {
		return x.h.planner.appendCBORStruct(dst, p, v, x.protocol == CBOR11)
	}
	return x.h.planner.appendJSONStruct(dst, p, v)
}

type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// fault writes an error.
func (x *exchange) fault(f fault) {
	var body []byte
	switch x.protocol {
	case Query:
		body = x.h.appendXMLFault(nil, f, x.requestID)
	case CBOR11, rpcV2CBOR:
		body = x.h.appendCBORFault(nil, f, x.protocol == CBOR11)
	default:
		body = x.h.appendJSONFault(nil, f)
	}
	if x.h.model.QueryCompatible && x.protocol != Query {
		who := "Sender"
		if f.server {
			who = "Receiver"
		}
		x.w.Header().Set("X-Amzn-Query-Error", f.code+";"+who)
	}
	if f.status == http.StatusRequestEntityTooLarge && x.r.Body != nil {
		// Clients read the answer only when they have sent everything.
		x.w.Header().Set("Connection", "close")
		io.CopyN(io.Discard, x.r.Body, maxDiscard)
	}
	x.write(f.status, body)
}

func (x *exchange) write(status int, body []byte) {
	head := x.head(x.protocol.contentType())
	if x.h.model.Name == "dynamodb" {
		head.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	}
	head["Content-Length"] = []string{strconv.Itoa(len(body))}
	if len(body) >= restsFrom {
		x.rest()
	}
	x.w.WriteHeader(status)
	x.w.Write(body) // the client has gone if it fails: nobody to tell
}

// head sets the headers of every answer.
func (x *exchange) head(contentType string) http.Header {
	head := x.w.Header()
	values := []string{contentType, x.requestID, ""}
	head["Content-Type"], head["X-Amzn-Requestid"] = values[:1:1], values[1:2:2]
	if x.protocol == rpcV2CBOR {
		head.Set("Smithy-Protocol", "rpc-v2-cbor")
	}
	if name := x.h.model.Name; name == "kinesis" || name == "firehose" {
		values[2] = newExtendedID()
		head["X-Amz-Id-2"] = values[2:]
	}
	return head
}

// newExtendedID makes an x-amz-id-2, the second id by which AWS's support finds a request.
func newExtendedID() string {
	var b [57]byte
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], mathrand.Uint64())
	}
	return base64.StdEncoding.EncodeToString(b[:])
}

// NewRequestID makes a request id of the form that AWS uses, a random UUID.
func NewRequestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[:8], b[:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:], b[10:])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}
