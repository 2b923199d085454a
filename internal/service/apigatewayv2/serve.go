package apigatewayv2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/inflight"
)

// What clients of HTTP APIs meet.

// maxPayload bounds requests and answers, as API Gateway does.
const maxPayload = 10 << 20

// exchange is a request of a client on its way.
type exchange struct {
	s        *Service
	w        http.ResponseWriter
	r        *http.Request
	scope    scope.Scope // of the API
	api      *apiDoc     // as it is defined now
	stage    *stageDoc
	compiled *compiled
	plan     *plan
	path     string            // without the stage, as the client meant it
	escaped  string            // and wrote it
	params   map[string]string // of the path
	query    url.Values
	body     []byte
	caller   awswire.Caller
	ctx      context.Context // with the API's owner as its caller
	received time.Time
	extended string
	identity identity

	status  int // of the answer
	sent    int
	latency time.Duration // of the integration

	integrated bool // whether it came to that
	reached    int  // status of the integration's answer
	failed     *failure
}

// identity is what an authorizer found out.
type identity struct {
	claims  map[string]any // of a JWT
	scopes  []string
	context map[string]any // of a function's answer
	signed  bool           // by AWS's signature
}

// failure is an answer of the gateway's own.
type failure struct {
	status  int
	message string
	kind    string // $context.error.responseType
	header  http.Header
	cause   error
}

func (f *failure) Error() string { return f.message }
func (f *failure) Unwrap() error { return f.cause }

func internal(cause error) *failure {
	return &failure{status: http.StatusInternalServerError, message: "Internal Server Error", kind: "INTEGRATION_FAILURE", cause: cause}
}

func unavailable(cause error) *failure {
	return &failure{status: http.StatusServiceUnavailable, message: "Service Unavailable", kind: "INTEGRATION_FAILURE", cause: cause}
}

func notFound() *failure {
	return &failure{status: http.StatusNotFound, message: "Not Found", kind: "ROUTE_NOT_FOUND"}
}

// Serves says that an API is the service's own.
func (s *Service) Serves(api string) bool {
	_, d, err := executeapi.FindOwner(&s.owners, s.apis, api)
	return d != nil || err != nil // one that cannot be read is its own too
}

// ServeHTTP answers a request of a deployed API's client.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{s: s, w: w, r: r, received: s.cfg.Clock.Now(), caller: awswire.CallerFrom(r.Context()), extended: newID(15) + "="}
	if err := x.serve(); err != nil {
		x.fail(err)
	}
	if x.stage != nil {
		x.measure()
		x.logAccess()
	}
}

// serve takes a request to its answer.
func (x *exchange) serve() error {
	if err := x.open(); err != nil {
		return err
	}
	p, params := x.compiled.find(x.r.Method, x.path)
	x.escaped = x.path
	if u, err := url.PathUnescape(x.path); err == nil {
		x.path = u
	}
	x.plan, x.params = p, params
	if x.isPreflight() {
		if p != nil {
			if err := x.throttle(); err != nil {
				return err
			}
		}
		if p != nil && p.route.AuthorizationType != "NONE" {
			if err := x.authorize(); err != nil {
				return err
			}
		}
		x.write(http.StatusNoContent, http.Header{}, nil)
		return nil
	}
	if p == nil {
		return notFound()
	}
	if err := x.throttle(); err != nil {
		return err
	}
	if err := x.authorize(); err != nil {
		return err
	}
	if err := x.read(); err != nil {
		return err
	}
	out, err := x.integrate()
	if err != nil {
		return err
	}
	x.mapAnswer(p.answers[out.status], out)
	x.answer(out)
	return nil
}

// open finds the API, the stage and the deployment.
func (x *exchange) open() error {
	if x.caller.RequestID == "" {
		x.caller.RequestID = awswire.NewRequestID()
	}
	id, rest, ok := executeapi.Locate(x.r)
	if !ok {
		return notFound()
	}
	sc, d, err := executeapi.FindOwner(&x.s.owners, x.s.apis, id)
	if err != nil && !isNotFound(err) {
		return internal(err)
	}
	if d == nil {
		return notFound()
	}
	x.scope, x.api = sc, d
	x.ctx = awswire.WithCaller(x.r.Context(), awswire.Caller{Account: sc.Account, Region: sc.Region, RequestID: x.caller.RequestID})
	if aws.ToBool(d.API.DisableExecuteApiEndpoint) && strings.Contains(x.r.Host, ".execute-api.") {
		return notFound()
	}
	name, tail, _ := strings.Cut(rest[1:], "/")
	if u, err := url.PathUnescape(name); err == nil {
		name = u
	}
	var st *stageDoc
	if stageName.MatchString(name) {
		st, err = x.s.stages.Get(sc.Key(id, name)...)
	}
	if st == nil && (err == nil || isNotFound(err)) {
		tail = rest[1:]
		st, err = x.s.stages.Get(sc.Key(id, defaultStage)...)
	}
	if isNotFound(err) {
		return notFound()
	}
	if err != nil {
		return internal(err)
	}
	served, deployment := d, d.Revision
	if !st.auto() {
		if deployment = aws.ToString(st.Stage.DeploymentId); deployment == "" {
			return notFound()
		}
		doc, err := x.s.deployments.Get(sc.Key(id, deployment)...)
		if err != nil {
			return internal(err)
		}
		served = &doc.API
	}
	if x.compiled, err = x.s.compile(served, deployment); err != nil {
		return internal(err)
	}
	x.stage, x.path, x.query = st, "/"+tail, x.r.URL.Query()
	return nil
}

// rawPath is the path as functions see it, with the stage where it has a name.
func (x *exchange) rawPath() string {
	if name := *x.stage.Stage.StageName; name != defaultStage {
		return "/" + name + x.path
	}
	return x.path
}

// read reads the body, up to its bound.
func (x *exchange) read() error {
	tooLarge := &failure{status: http.StatusRequestEntityTooLarge, message: "Request Entity Too Large", kind: "REQUEST_TOO_LARGE"}
	if x.r.ContentLength > maxPayload {
		return tooLarge
	}
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(x.r.Body, maxPayload+1))
	switch {
	case n > maxPayload:
		return tooLarge
	case errors.Is(err, inflight.ErrSlowDown): // there is no room for it now
		return unavailable(err)
	case err != nil:
		return &failure{status: http.StatusBadRequest, message: "Bad Request", kind: "BAD_REQUEST_BODY", cause: err}
	}
	x.body = b.Bytes()
	return nil
}

// rateLimit is that of settings that limit the rate or the burst: an account's, where they say none.
func rateLimit(s *types.RouteSettings) float64 {
	if s.ThrottlingRateLimit == nil {
		return 10_000
	}
	return *s.ThrottlingRateLimit
}

// throttle lets the request in as the stage says of its route, or of all.
func (x *exchange) throttle() error {
	key := *x.plan.route.RouteKey
	rate, burst := float64(-1), int32(-1)
	name := *x.stage.Stage.StageName
	if d := x.stage.Stage.DefaultRouteSettings; d != nil && (d.ThrottlingRateLimit != nil || d.ThrottlingBurstLimit != nil) {
		rate, burst = rateLimit(d), aws.ToInt32(d.ThrottlingBurstLimit)
	}
	if r, ok := x.stage.Stage.RouteSettings[key]; ok && (r.ThrottlingRateLimit != nil || r.ThrottlingBurstLimit != nil) {
		rate, burst = rateLimit(&r), aws.ToInt32(r.ThrottlingBurstLimit)
	}
	if rate < 0 {
		return nil
	}
	if rate > 0 && x.s.throttles.Take(x.s.cfg.Clock.Now(), x.api.id()+"/"+name+"/"+key, rate, burst) {
		return nil
	}
	return &failure{status: http.StatusTooManyRequests, message: "Too Many Requests", kind: "THROTTLED"}
}

// fail answers a failure.
func (x *exchange) fail(err error) {
	var f *failure
	if !errors.As(err, &f) {
		f = internal(err)
	}
	x.failed = f
	if f.cause != nil {
		api := ""
		if x.api != nil {
			api = x.api.id()
		}
		x.s.cfg.Logger.Warn("a request of an HTTP API failed", "api", api, "path", x.path, "request", x.caller.RequestID, "error", f.cause)
	}
	body, _ := json.Marshal(map[string]string{"message": f.message})
	h := f.header
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", "application/json")
	x.write(f.status, h, body)
}

// hopByHop are the headers of one connection, and what the answer's own transport says.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "Content-Length": true, "Host": true,
}

// answer sends what an integration answered.
func (x *exchange) answer(out *result) {
	h := http.Header{}
	for k, v := range out.header {
		if k = http.CanonicalHeaderKey(k); !hopByHop[k] {
			h[k] = v
		}
	}
	for _, named := range out.header.Values("Connection") {
		for name := range strings.SplitSeq(named, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	x.write(out.status, h, out.body)
}

// write sends an answer with the headers of CORS.
func (x *exchange) write(status int, header http.Header, body []byte) {
	x.cors(header)
	h := x.w.Header()
	for k, v := range header {
		h[k] = v
	}
	h.Set("Apigw-Requestid", x.extended)
	if status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	} else {
		body = nil
	}
	x.status, x.sent = status, len(body)
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead && len(body) > 0 {
		_, _ = x.w.Write(body) // the client has gone: nobody to tell
	}
}

// contextVariable is a variable of $context. (Source: the variables of HTTP APIs' access logs and mappings.)
func (x *exchange) contextVariable(name string) (string, bool) {
	text := func(s string) (string, bool) { return s, s != "" }
	switch name {
	case "accountId":
		return x.scope.Account, true
	case "apiId":
		return x.api.id(), true
	case "awsEndpointRequestId":
		return x.caller.RequestID, true
	case "requestId", "extendedRequestId":
		return x.extended, true
	case "domainName":
		return x.r.Host, true
	case "domainPrefix":
		return x.api.id(), true
	case "httpMethod":
		return x.r.Method, true
	case "path":
		return x.rawPath(), true
	case "protocol":
		return x.r.Proto, true
	case "requestTime":
		return x.received.UTC().Format("02/Jan/2006:15:04:05 -0700"), true
	case "requestTimeEpoch":
		return strconv.FormatInt(x.received.UnixMilli(), 10), true
	case "stage":
		return *x.stage.Stage.StageName, true
	case "routeKey":
		if x.plan == nil {
			return "", false
		}
		return *x.plan.route.RouteKey, true
	case "identity.sourceIp":
		return executeapi.SourceIP(x.r), true
	case "identity.userAgent":
		return text(x.r.UserAgent())
	case "identity.caller", "identity.userArn", "identity.user":
		return text(x.caller.Principal)
	case "identity.accountId":
		if x.caller.AccessKey == "" {
			return "", false
		}
		return x.caller.Account, true
	case "status":
		return strconv.Itoa(x.status), true
	case "responseLength":
		return strconv.Itoa(x.sent), true
	case "responseLatency":
		return strconv.FormatInt(x.s.cfg.Clock.Since(x.received).Milliseconds(), 10), true
	case "integrationLatency", "integration.latency":
		return strconv.FormatInt(x.latency.Milliseconds(), 10), x.reached != 0
	case "integrationStatus", "integration.status", "integration.integrationStatus":
		return strconv.Itoa(x.reached), x.reached != 0
	case "integrationErrorMessage", "integration.error":
		if x.failed == nil || x.failed.cause == nil || x.failed.kind != "INTEGRATION_FAILURE" {
			return "", false
		}
		return x.failed.cause.Error(), true
	case "error.message":
		if x.failed == nil {
			return "", false
		}
		return x.failed.message, true
	case "error.messageString":
		if x.failed == nil {
			return "", false
		}
		b, _ := json.Marshal(x.failed.message)
		return string(b), true
	case "error.responseType":
		if x.failed == nil {
			return "", false
		}
		return text(x.failed.kind)
	}
	if claim, ok := strings.CutPrefix(name, "authorizer.claims."); ok {
		return claimText(x.identity.claims, claim)
	}
	if key, ok := strings.CutPrefix(name, "authorizer."); ok {
		return claimText(x.identity.context, key)
	}
	return "", false
}

func claimText(m map[string]any, name string) (string, bool) {
	v, ok := m[name]
	if !ok {
		return "", false
	}
	if s, ok := v.(string); ok {
		return s, true
	}
	b, err := json.Marshal(v)
	return string(b), err == nil
}

// logAccess writes a line of the stage's access log; a variable that has no value is "-".
func (x *exchange) logAccess() {
	l := x.stage.Stage.AccessLogSettings
	if l == nil || x.s.cfg.Logs == nil {
		return
	}
	api, stage := x.api.id(), *x.stage.Stage.StageName
	if a, ok := arn.Parse(aws.ToString(l.DestinationArn)); ok && a.Account != x.scope.Account {
		x.s.cfg.Logger.Warn("an access log is not written: its group is another account's", "api", api, "stage", stage)
		return
	}
	line := executeapi.FormatAccess(aws.ToString(l.Format), func(path string) string {
		v, ok := x.contextVariable(path)
		if !ok {
			return "-"
		}
		if path == "error.messageString" { // a text of JSON as it is
			return v
		}
		return executeapi.LogText(v)
	})
	ctx := context.WithoutCancel(x.ctx)
	if err := x.s.cfg.Logs.Log(ctx, aws.ToString(l.DestinationArn), api+"/"+stage, line); err != nil {
		x.s.cfg.Logger.Warn("an access log is not written", "api", api, "stage", stage, "error", err)
	}
}
