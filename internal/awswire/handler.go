package awswire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire/inflight"
	"github.com/brookmere/brookmere/internal/awswire/model"
	"github.com/brookmere/brookmere/internal/awswire/sigv4"
)

// HandlerOptions are what a node gives all handlers alike. The zero value works.
type HandlerOptions struct {
	// Interceptors run around every call, the first outermost.
	Interceptors []Interceptor

	// Answers bounds the bytes of large answers that clients have not read yet; beyond it
	// clients are told to slow down. Nil: nothing does.
	Answers *inflight.Budget

	// OnInternalError is told of what the client is not: errors that are not AWS's, the
	// causes of failures that are the server's, and panics with their stack. Nil drops them.
	OnInternalError func(ctx context.Context, operation string, err error)
}

// maxKeptBuffer is the largest buffer that goes back to the pool.
const maxKeptBuffer = 16 << 20

// Handler serves one service over HTTP in the RPC protocols: JSON 1.0 and 1.1, CBOR 1.1,
// RPC v2 CBOR, and Query. It does not authenticate; the account and region of the call
// are those of the Caller in the request's context.
type Handler struct {
	model         *model.Service
	api           API
	options       HandlerOptions
	planner       *planner
	operations    map[string]*boundOperation
	rest          *restRouter // nil: the service speaks no REST protocol
	messageMember string

	plainOnce    sync.Once
	plainHandler *Handler // see Direct
}

type boundOperation struct {
	Operation
	model    *model.Operation // nil if the SDK has it and the model does not yet
	planOnce sync.Once
	input    *plan
	output   *plan
	events   *plan // of an operation that streams
}

// takesUnsigned reports whether clients may call the operation without a signature.
func (op *boundOperation) takesUnsigned() bool {
	return op.unsigned || op.model != nil && op.model.Unsigned
}

// NewHandler returns the handler of a service. Every operation must be one of the
// model's, or newer than the model.
func NewHandler(api API, options HandlerOptions) (*Handler, error) {
	m, api, err := api.load()
	if err != nil {
		return nil, err
	}
	h := &Handler{model: m, api: api, options: options, planner: newPlanner(m, api), messageMember: messageMember(m)}
	if h.operations, err = api.bind(m); err != nil {
		return nil, err
	}
	if m.Protocol == "rest-json" {
		h.rest = newRestRouter(m, func(name string) bool { return h.operations[name] != nil })
	}
	return h, nil
}

// MaxBody bounds a request body, in bytes.
func (h *Handler) MaxBody() int64 { return h.api.MaxBody }

// Prompt are the operations that answer at once and in one piece.
func (h *Handler) Prompt() []string { return h.api.Prompt }

// Model is the service's API as botocore describes it.
func (h *Handler) Model() *model.Service { return h.model }

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

	// Of the call, when its operation is known.
	c        Call
	op       *boundOperation
	raw      []byte // the body
	form     queryForm
	fast     FastCall // nil: the generic codec's
	response []byte   // has room for the answer before the call, then has it
	answer   AnswerHead
	events   *eventSource

	// Of a REST protocol.
	routed *restRoute
	labels []string
	status int       // that a member of the output sets; zero: the operation's
	stream io.Reader // the answer's body, in place of response
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
	x := exchanges.Get().(*exchange)
	x.h, x.w, x.r, x.requestID, x.ctx = h, w, r, caller.RequestID, ctx
	if x.answered() && x.fast != nil { // nobody has the call of a fast path that went well any more
		*x = exchange{}
		exchanges.Put(x)
	}
}

// exchanges has room for those of fast paths.
var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// answered answers the request and reports whether that went well.
func (x *exchange) answered() bool {
	if fail := x.route(); fail != nil {
		x.fault(*fail)
		return false
	}
	if err := x.serve(); err != nil {
		x.fault(x.report(err))
		return false
	}
	if x.events != nil {
		x.push(x.events)
	}
	return true
}

// report turns the error of a call into what the client is told, and tells the operator
// what the client is not.
func (x *exchange) report(err error) fault {
	f := x.h.faultOf(err)
	if f.code == internalFailure && x.ctx.Err() != nil {
		return interrupted
	}
	if f.server && err != x.h.api.BadEncoding && x.h.options.OnInternalError != nil {
		x.h.options.OnInternalError(x.ctx, x.name, err)
	}
	return f
}

// interrupted is what is told where the client has gone or the node is closing: no failure
// of the service.
var interrupted = fault{code: "ServiceUnavailable", message: "The request was interrupted", status: http.StatusServiceUnavailable, server: true}

// serve reads the request, calls its operation and writes the answer, but for an error and
// for events, which go out when the buffers of the request have been given back.
func (x *exchange) serve() error {
	var err error
	if held, ok := x.r.Body.(Bytes); x.takesStream() {
	} else if ok && x.r.Header["Content-Encoding"] == nil && int64(len(held.Bytes())) <= x.h.api.MaxBody {
		x.raw = held.Bytes()
	} else {
		body := bufferPool.Get().(*bytes.Buffer)
		defer putBuffer(body)
		if x.raw, err = x.readBody(body); err != nil {
			return err
		}
	}
	x.received = time.Now()
	if x.protocol == Query {
		if x.form, err = parseQuery(x.r, x.raw); err != nil {
			return err
		}
		x.form.byPath(x.h.api.PathParameter, x.r)
		x.name = x.form.get("Action")
		if x.name == "" {
			return WithStatus(&smithy.GenericAPIError{Code: "MissingAction", Message: "Missing Action"}, http.StatusBadRequest)
		}
		if x.r.Method == http.MethodGet && !reads(x.name) {
			return WithStatus(&smithy.GenericAPIError{Code: "UnsupportedHttpVerb", Message: "The operation " + x.name + " must be sent by POST."}, http.StatusMethodNotAllowed)
		}
	}
	op := x.h.operations[x.name]
	if CallerFrom(x.ctx).Anonymous && (op == nil || !op.takesUnsigned()) {
		return sigv4.Missing(x.h.model.SigningName)
	}
	if op == nil || op.stream != nil && x.protocol == Query {
		return x.h.unbound(x)
	}
	out := bufferPool.Get().(*bytes.Buffer)
	defer putBuffer(out)
	x.response = out.AvailableBuffer()
	err = x.call(op)
	if cap(x.response) > out.Cap() && cap(x.response) <= maxKeptBuffer {
		*out = *bytes.NewBuffer(x.response[:0])
	}
	if err != nil || x.events != nil {
		return err
	}
	status := http.StatusOK
	switch {
	case x.status != 0:
		status = x.status
	case op.model != nil && op.model.Status != 0:
		status = op.model.Status
	}
	if x.stream != nil {
		x.writeStream(status)
		return nil
	}
	if n := int64(len(x.response)); n >= countedAnswer {
		if !x.h.options.Answers.TryTake(n) {
			return inflight.ErrSlowDown
		}
		defer x.h.options.Answers.Give(n)
	}
	x.write(status, x.response)
	return nil
}

// countedAnswer is the size from which on answers are counted: those of reads, which can be
// asked for again. Answers of puts are smaller.
const countedAnswer = 128 << 10

// reads says whether an operation changes nothing, by its name: links and images can send it.
func reads(operation string) bool {
	for _, prefix := range []string{"Get", "List", "Describe", "Decode", "Simulate"} {
		if strings.HasPrefix(operation, prefix) {
			return operation != "GetSessionToken" && operation != "GetFederationToken"
		}
	}
	return false
}

// takesStream says whether the operation reads the body by itself.
func (x *exchange) takesStream() bool {
	if x.protocol != RestJSON {
		return false
	}
	op := x.h.operations[x.name]
	if op == nil {
		return false
	}
	input, _ := x.h.plans(op)
	return input.payload != nil && input.payload.plan.kind == kindReader
}

// route finds the protocol and, but for Query, the operation.
func (x *exchange) route() *fault {
	mt := Field(x.r.Header, "Content-Type")
	switch mt {
	case "application/x-amz-json-1.1", "application/x-amz-json-1.0", "application/x-amz-cbor-1.1": // as all SDKs write them
	default:
		mt, _, _ = mime.ParseMediaType(mt)
	}
	x.mime = mt
	target := Field(x.r.Header, "X-Amz-Target")
	if x.h.rest != nil {
		x.protocol = RestJSON
		if x.routed, x.labels = x.h.rest.match(x.r); x.routed == nil {
			return &fault{code: "UnknownOperationException", message: "There is no operation for " + x.r.Method + " " + x.r.URL.Path, status: http.StatusNotFound}
		}
		x.name = x.routed.op.Name
		return nil
	}
	switch {
	case Field(x.r.Header, "Smithy-Protocol") == "rpc-v2-cbor":
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
	case target == "" && x.h.model.Answers("query"):
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
		return WithStatus(&smithy.GenericAPIError{Code: code, Message: message}, http.StatusBadRequest)
	}
	if h.model.Operations[x.name] == nil {
		if x.protocol == Query {
			return refuse("InvalidAction", "Could not find operation "+x.name+" for version "+h.model.APIVersion)
		}
		return refuse("UnknownOperationException", "")
	}
	return refuse("UnsupportedOperationException",
		"The operation "+x.name+" of "+h.model.ID+" is not supported by Brookmere; \"brookmere operations\" lists those that are.")
}

// call runs the interceptors around the operation: its fast path if that takes the
// request, else decode, validate, call and encode. A panic becomes an internal failure.
func (x *exchange) call(op *boundOperation) (err error) {
	defer recovered(&err)
	x.op = op
	if op.fast != nil && x.protocol <= CBOR11 {
		if call, ok := op.fast(x.protocol, x.raw); ok {
			x.fast = call
			defer call.Free()
		}
	}
	x.c = Call{
		Caller: CallerFrom(x.ctx), Service: x.h.model.Name, Operation: op.Name, Mode: op.Mode, Actions: op.actions, Limit: op.limit, HTTP: x.r,
		chain: x.h.options.Interceptors, exchange: x, source: x, began: x.received,
	}
	if x.received.IsZero() { // it is a call within the process
		x.c.began = time.Now()
	}
	return x.c.Next(x.ctx)
}

// operate is the innermost of the call: the operation.
func (x *exchange) operate(ctx context.Context) (err error) {
	defer recovered(&err)
	if x.fast != nil {
		response, handled, err := x.fast.Serve(ctx, x.response)
		if handled {
			if response != nil {
				x.response = response
			}
			return err
		}
	}
	in, err := x.c.Input()
	if err != nil {
		return err
	}
	if x.op.stream != nil {
		return x.openStream(ctx, in)
	}
	if x.op.rawJSON && (x.protocol == JSON10 || x.protocol == JSON11) {
		ctx = context.WithValue(ctx, requestJSONKey{}, x.raw)
	}
	out, err := x.op.call(ctx, in)
	if err != nil {
		return err
	}
	ov := reflect.ValueOf(out)
	if ov.IsNil() {
		return errors.New("the method returned neither output nor error")
	}
	return x.encode(ov.Elem())
}

// encode makes the answer of an output.
func (x *exchange) encode(out reflect.Value) (err error) {
	_, output := x.h.plans(x.op)
	var response []byte
	switch {
	case x.protocol == Query:
		response, err = x.h.appendQueryResponse(x.response, x.op, output, out, x.requestID)
	case x.protocol == RestJSON:
		return x.encodeRest(output, out)
	case x.op.model != nil && x.op.model.Output == nil:
		return nil // AWS sends no body where there is no output
	default:
		response, err = x.appendStruct(x.response, output, out)
	}
	if err == nil {
		x.response = response
	}
	return err
}

// callInput implements callSource.
func (x *exchange) callInput() (any, error) { return x.input(x.op, x.raw, x.form) }

// callResources implements callSource.
func (x *exchange) callResources() ([]string, error) {
	if x.fast != nil {
		if arn := x.fast.Resource(x.c.Caller); arn != "" {
			return []string{arn}, nil
		}
	}
	if x.op.resources == nil {
		return nil, nil
	}
	in, err := x.c.Input()
	if err != nil {
		return nil, err
	}
	return x.op.resources(x.h.api.caller(x.c.Caller, in), in), nil
}

// callKeys implements callSource.
func (x *exchange) callKeys() (map[string][]string, error) {
	if x.op.keys == nil {
		return nil, nil
	}
	in, err := x.c.Input()
	if err != nil {
		return nil, err
	}
	return x.op.keys(x.c.Caller, in), nil
}

// callNeeds implements callSource.
func (x *exchange) callNeeds() ([]Need, bool, error) {
	if x.op.needs == nil {
		return nil, false, nil
	}
	in, err := x.c.Input()
	if err != nil {
		return nil, true, err
	}
	return x.op.needs(x.h.api.caller(x.c.Caller, in), in), true, nil
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
	case RestJSON:
		err = x.decodeRest(input, raw, v)
	}
	if err != nil {
		return nil, err
	}
	if op.check != nil {
		if err := op.check(in); err != nil {
			return nil, err
		}
	}
	if message := x.h.planner.validate(input, v); message != "" {
		return nil, x.h.api.Invalid(message)
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
