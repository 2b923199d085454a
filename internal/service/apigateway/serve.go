package apigateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/inflight"
	"github.com/brookmere/brookmere/internal/engine/vtl"
)

// What clients of deployed APIs meet.

// maxPayload bounds requests and answers, as API Gateway does.
const maxPayload = 10 << 20

// Fronts are the doors of deployed APIs.
func (s *Service) Fronts() []awswire.Front {
	return []awswire.Front{{
		Name: "execute-api", SigningName: "execute-api",
		Claims:     func(r *http.Request) bool { _, ok := locate(r); return ok },
		Handler:    http.HandlerFunc(s.serve),
		WriteError: s.serveRefused,
	}}
}

// address is where a request goes. Its path is what the client meant, escaped is how the client wrote it.
type address struct{ api, stage, path, escaped string }

// locate finds API, stage and path of a request in its host or its path.
func locate(r *http.Request) (address, bool) {
	api, rest, ok := executeapi.Locate(r)
	if !ok {
		return address{}, false
	}
	stage, tail, _ := strings.Cut(rest[1:], "/")
	a := address{api, stage, "/" + tail, "/" + tail}
	if u, err := url.PathUnescape(tail); err == nil {
		a.path = "/" + u
	}
	return a, true
}

// exchange is a request of a client on its way.
type exchange struct {
	s        *Service
	w        http.ResponseWriter
	r        *http.Request
	address  address
	scope    scope.Scope // of the API
	stage    *stageDoc
	compiled *compiled
	route    *route
	params   map[string]string // of the path
	query    map[string][]string
	body     []byte
	caller   awswire.Caller
	ctx      context.Context // with the API's owner as its caller
	received time.Time
	vars     *vtl.Map // $context
	extended string   // x-amz-apigw-id
	keyID    string   // of the API key
	status   int      // of the answer, for the access log
	sent     int      // bytes of the answer

	integrated bool          // whether it came to the integration
	latency    time.Duration // which took so long

	refused error // why the signature does not count; nil: it does, or there is none

	trace *trace // of a test; nil otherwise
	typed bool   // of a test: its sender named a content type
}

// failure is an answer of the gateway's own.
type failure struct {
	kind    types.GatewayResponseType
	code    string // x-amzn-ErrorType
	message string
	detail  string // $context.error.validationErrorString
	status  int    // where the kind has none
	cause   error
}

func (f *failure) Error() string { return f.message }
func (f *failure) Unwrap() error { return f.cause }

func forbidden() *failure {
	return &failure{kind: types.GatewayResponseTypeInvalidApiKey, code: "ForbiddenException", message: "Forbidden"}
}

func internal(cause error) *failure {
	return &failure{kind: types.GatewayResponseTypeDefault5xx, code: "InternalServerErrorException", message: "Internal server error", status: http.StatusInternalServerError, cause: cause}
}

// mapped are the kinds of failures of a request that is mapped and sent on, which API Gateway writes with a space
// after the colon; those before it have none.
var mapped = map[types.GatewayResponseType]bool{
	types.GatewayResponseTypeBadRequestBody: true, types.GatewayResponseTypeBadRequestParameters: true, types.GatewayResponseTypeUnsupportedMediaType: true,
	types.GatewayResponseTypeIntegrationFailure: true, types.GatewayResponseTypeIntegrationTimeout: true, types.GatewayResponseTypeApiConfigurationError: true,
	types.GatewayResponseTypeDefault5xx: true,
}

// body is the answer where the API says nothing else, as API Gateway spells it: of denials with a capital letter.
func (f *failure) body() string {
	switch {
	case f.kind == types.GatewayResponseTypeAccessDenied:
		return `{"Message":` + jsonText(f.message) + `}`
	case f.kind == types.GatewayResponseTypeAuthorizerFailure, f.kind == types.GatewayResponseTypeAuthorizerConfigurationError:
		return `{"message":null}`
	case mapped[f.kind]:
		return `{"message": ` + jsonText(f.message) + `}`
	}
	return `{"message":` + jsonText(f.message) + `}`
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) { s.serveAs(w, r, nil) }

// serveAs serves a request whose signature was refused, unless refused is nil.
func (s *Service) serveAs(w http.ResponseWriter, r *http.Request, refused error) {
	x := &exchange{s: s, w: w, r: r, received: s.cfg.Clock.Now(), caller: awswire.CallerFrom(r.Context()), refused: refused}
	x.address, _ = locate(r)
	if other := s.elsewhere(x.address.api); other != nil {
		other.ServeHTTP(w, r)
		return
	}
	err := x.open()
	if err == nil {
		err = x.run()
	}
	if err != nil {
		x.fail(err)
	}
	if x.stage != nil {
		x.measure()
		x.logAccess()
		x.logExecution(err)
	}
}

// open finds the deployment, and reads the request.
func (x *exchange) open() error {
	if x.caller.RequestID == "" {
		x.caller.RequestID = awswire.NewRequestID()
	}
	x.extended = newID(16) + "="
	sc, api, err := executeapi.FindOwner(&x.s.owners, x.s.apis, x.address.api)
	if err != nil && !isNotFound(err) {
		return internal(err)
	}
	if api == nil {
		return forbidden()
	}
	x.scope = sc
	x.ctx = awswire.WithCaller(x.r.Context(), awswire.Caller{Account: sc.Account, Region: sc.Region, RequestID: x.caller.RequestID})
	stage, err := x.s.stages.Get(sc.Key(x.address.api, x.address.stage)...)
	if isNotFound(err) || x.address.stage == "" {
		return forbidden()
	}
	if err != nil {
		return internal(err)
	}
	if api.DisableEndpoint && strings.Contains(x.r.Host, ".execute-api.") {
		return forbidden()
	}
	d, err := x.s.deployments.Get(sc.Key(x.address.api, stage.Deployment)...)
	if err != nil {
		return internal(err)
	}
	if x.compiled, err = x.s.compile(d); err != nil {
		return internal(err)
	}
	x.stage = stage
	x.query = x.r.URL.Query()
	verb := strings.ToUpper(x.r.Method)
	x.route, x.params = x.compiled.find(verb, x.address.escaped)
	if x.route == nil {
		x.vars = x.context()
		return x.unsigned()
	}
	x.vars = x.context()
	return x.read()
}

// read reads the body, up to its bound.
func (x *exchange) read() error {
	if x.r.ContentLength > maxPayload {
		return tooLarge()
	}
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(x.r.Body, maxPayload+1))
	switch {
	case n > maxPayload:
		return tooLarge()
	case err != nil:
		return unread(err)
	}
	x.body = b.Bytes()
	return nil
}

// unread is the answer where the body could not be read: by its sender's fault, or since there is no room for it now.
func unread(err error) *failure {
	if errors.Is(err, inflight.ErrSlowDown) {
		return unavailable(err)
	}
	return &failure{kind: types.GatewayResponseTypeDefault4xx, code: "BadRequestException", message: "Bad Request", status: http.StatusBadRequest, cause: err}
}

func unavailable(cause error) *failure {
	return &failure{kind: types.GatewayResponseTypeDefault5xx, code: "ServiceUnavailableException", message: "Service Unavailable", status: http.StatusServiceUnavailable, cause: cause}
}

func tooLarge() *failure {
	return &failure{kind: types.GatewayResponseTypeRequestTooLarge, code: "RequestTooLargeException", message: "Request Too Long"}
}

// elsewhere is who serves an API that is not a REST API, nil for the service itself.
func (s *Service) elsewhere(id string) Other {
	if s.other == nil {
		return nil
	}
	if s.owners.Knows(id) || !s.other.Serves(id) {
		return nil
	}
	return s.other
}

// run takes the request through its method to the answer.
func (x *exchange) run() error {
	if err := x.authorize(); err != nil {
		return err
	}
	if err := x.admit(); err != nil {
		return err
	}
	if err := x.validate(); err != nil {
		return err
	}
	began := x.s.cfg.Clock.Now()
	out, err := x.integrate()
	x.integrated, x.latency = true, x.s.cfg.Clock.Since(began)
	if err != nil {
		return err
	}
	return x.answer(out)
}

// variables is $context.error.
func (f *failure) variables() *vtl.Map {
	e := vtl.NewMap()
	e.Put("message", f.message)
	e.Put("messageString", jsonText(f.message))
	e.Put("responseType", string(f.kind))
	if f.detail != "" {
		e.Put("validationErrorString", f.detail)
	}
	return e
}

// fail answers with the gateway response of a failure.
func (x *exchange) fail(err error) {
	var f *failure
	if !errors.As(err, &f) {
		f = internal(err)
	}
	if f.cause != nil && x.s.cfg.Logger != nil {
		x.s.cfg.Logger.Warn("a request of an API failed", "api", x.address.api, "stage", x.address.stage, "path", x.address.path, "request", x.caller.RequestID, "error", f.cause)
	}
	status, body, header := f.status, f.body(), http.Header{}
	if n := responseStatus[f.kind]; n != 0 && status == 0 {
		status = n
	}
	contentType := "application/json"
	if x.vars != nil {
		x.vars.Put("error", f.variables())
	}
	if x.compiled != nil {
		if r, ok := x.gatewayResponse(f.kind, status); ok {
			status, body, contentType = x.renderGatewayResponse(r, status, body, header)
		}
	}
	header.Set("X-Amzn-Errortype", f.code)
	header.Set("Content-Type", contentType)
	x.write(status, header, []byte(body))
}

// gatewayResponse is what the API says of a kind of failure, or of all of its class.
func (x *exchange) gatewayResponse(kind types.GatewayResponseType, status int) (types.GatewayResponse, bool) {
	if r, ok := x.compiled.api.Responses[string(kind)]; ok {
		return r, true
	}
	class := types.GatewayResponseTypeDefault4xx
	if status >= 500 {
		class = types.GatewayResponseTypeDefault5xx
	}
	r, ok := x.compiled.api.Responses[string(class)]
	return r, ok
}

func (x *exchange) renderGatewayResponse(r types.GatewayResponse, status int, body string, header http.Header) (int, string, string) {
	if n, err := strconv.Atoi(aws.ToString(r.StatusCode)); err == nil {
		status = n
	}
	for name, expression := range r.ResponseParameters {
		h, _ := strings.CutPrefix(name, "gatewayresponse.header.")
		if v, ok := x.expression(expression, nil); ok {
			header.Set(h, v)
		}
	}
	contentType := "application/json"
	templates := r.ResponseTemplates
	text, ok := templates[contentType]
	if !ok {
		for t, v := range templates {
			contentType, text, ok = t, v, true
			break
		}
	}
	if ok {
		if t, err := vtl.Parse(text); err == nil {
			if out, _, err := x.render(t, ""); err == nil {
				body = out
			}
		}
	}
	return status, body, contentType
}

// write sends an answer.
func (x *exchange) write(status int, header http.Header, body []byte) {
	h := x.w.Header()
	for k, v := range header {
		h[k] = v
	}
	h.Set("X-Amzn-Requestid", x.caller.RequestID)
	h.Set("X-Amz-Apigw-Id", x.extended)
	if status < 200 || status > 599 { // a mapping made it: no answer ends with it
		status = http.StatusInternalServerError
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.status, x.sent = status, len(body)
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		_, _ = x.w.Write(body) // the client has gone: nobody to tell
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
