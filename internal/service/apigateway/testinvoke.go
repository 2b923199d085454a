package apigateway

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

// TestInvokeMethod, TestInvokeAuthorizer: a request through the API as it is defined, which need not be deployed,
// with a log of the way. As on AWS nobody is asked whether a method may be tested: no authorizer, API key, throttle or
// resource policy. Client certificates are not used.

// testStage is the name of the stage that tests see.
const testStage = "test-invoke-stage"

// trace is the log of a test. All of its methods do nothing on nil.
type trace struct {
	clock  clockwork.Clock
	text   strings.Builder
	policy string // that an authorizer answered
	who    string
}

// maxTrace bounds a log, in bytes.
const maxTrace = 256 << 10

func (t *trace) note(format string, args ...any) {
	if t == nil || t.text.Len() > maxTrace {
		return
	}
	line := t.clock.Now().UTC().Format("Mon Jan 02 15:04:05 UTC 2006") + " : " + fmt.Sprintf(format, args...)
	t.text.WriteString(line[:min(len(line), maxTrace)] + "\n")
}

// javaMap is a map as AWS's log writes one.
func javaMap(m map[string][]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := strings.Join(m[k], ",")
		if k == "Authorization" || k == "X-Amz-Security-Token" {
			v = strings.Repeat("*", min(len(v), 300))
		}
		parts = append(parts, k+"="+v)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (t *trace) request(r *http.Request, body []byte) {
	if t == nil {
		return
	}
	t.note("Endpoint request URI: %s", r.URL)
	t.note("Endpoint request headers: %s", javaMap(r.Header))
	t.note("Endpoint request body after transformations: %s", body)
	t.note("Sending request to %s", r.URL)
}

func (t *trace) answer(out *integrationResult, took time.Duration) {
	if t == nil {
		return
	}
	t.note("Received response. Status: %d, Integration latency: %d ms", out.status, took.Milliseconds())
	t.note("Endpoint response headers: %s", javaMap(out.header))
	t.note("Endpoint response body before transformations: %s", out.body)
}

func (t *trace) authorized(who string, policy []byte) {
	if t == nil {
		return
	}
	t.who, t.policy = who, string(policy)
	t.note("Using authorizer's policy: %s", policy)
}

// recorder keeps an answer.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) { w.status = status }

func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }

// tested makes the exchange of a test.
func (s *Service) tested(ctx context.Context, d *apiDoc, verb, target string, header map[string]string, multi map[string][]string, body *string, variables map[string]string) (*exchange, *recorder, error) {
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	u, err := url.ParseRequestURI(strings.NewReplacer("{", "%7B", "}", "%7D").Replace(target))
	if err != nil {
		return nil, nil, badRequest("Invalid path specified: %s", target)
	}
	if len(aws.ToString(body)) > maxPayload {
		return nil, nil, badRequest("The body is larger than %d bytes", maxPayload)
	}
	c, err := compileAPI(d)
	if err != nil {
		return nil, nil, badRequest("The REST API cannot be tested: %v", err)
	}
	caller := awswire.CallerFrom(ctx)
	if caller.RequestID == "" {
		caller.RequestID = awswire.NewRequestID()
	}
	sc := scope.Of(ctx)
	w := &recorder{header: http.Header{}}
	r, err := http.NewRequestWithContext(ctx, verb, "http://"+d.ID+".execute-api."+sc.Region+".amazonaws.com", strings.NewReader(aws.ToString(body)))
	if err != nil {
		return nil, nil, badRequest("Invalid HttpMethod specified: %s", verb)
	}
	r.URL, r.RemoteAddr = u, "127.0.0.1:0"
	for k, v := range header {
		r.Header.Set(k, v)
	}
	for k, v := range multi {
		r.Header[http.CanonicalHeaderKey(k)] = v
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	typed := r.Header.Get("Content-Type") != ""
	if !typed && body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	x := &exchange{
		s: s, w: w, r: r, address: address{d.ID, testStage, u.Path, u.EscapedPath()}, scope: sc, stage: &stageDoc{Name: testStage, Variables: variables}, compiled: c,
		query: u.Query(), params: map[string]string{}, caller: caller, received: s.cfg.Clock.Now(), extended: newID(16) + "=", trace: &trace{clock: s.cfg.Clock}, typed: typed,
		ctx: awswire.WithCaller(ctx, awswire.Caller{Account: sc.Account, Region: sc.Region, RequestID: caller.RequestID}),
	}
	return x, w, nil
}

// TestInvokeMethod runs a request through a method.
func (s *Service) TestInvokeMethod(ctx context.Context, in *apigateway.TestInvokeMethodInput, _ ...func(*apigateway.Options)) (*apigateway.TestInvokeMethodOutput, error) {
	d, err := s.apiOr(ctx, in.RestApiId, invalidResource)
	if err != nil {
		return nil, err
	}
	r, m, err := d.method(in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.ClientCertificateId) != "" {
		return nil, badRequest("Brookmere has no client certificates")
	}
	target, verb := aws.ToString(in.PathWithQueryString), *m.HttpMethod
	if target == "" {
		target = d.path(r)
	}
	if verb == "ANY" {
		verb = http.MethodGet
	}
	x, w, err := s.tested(ctx, d, verb, target, in.Headers, in.MultiValueHeaders, in.Body, in.StageVariables)
	if err != nil {
		return nil, err
	}
	x.route, x.params = x.compiled.find(verb, x.address.escaped)
	if x.route == nil || x.route.node.id != r.ID { // the method is tested all the same, and nothing of the path is a parameter
		x.route, x.params = x.compiled.routeOf(r.ID, *m.HttpMethod), map[string]string{}
	}
	x.vars = x.context()
	began := s.cfg.Clock.Now()
	t := x.trace
	t.note("Starting execution for request: %s", x.caller.RequestID)
	t.note("HTTP Method: %s, Resource Path: %s", verb, x.address.path)
	paths := map[string][]string{}
	for k, v := range x.params {
		paths[k] = []string{v}
	}
	t.note("Method request path: %s", javaMap(paths))
	t.note("Method request query string: %s", javaMap(x.query))
	given := x.r.Header.Clone()
	if !x.typed {
		given.Del("Content-Type")
	}
	t.note("Method request headers: %s", javaMap(given))
	t.note("Method request body before transformations: %s", aws.ToString(in.Body))
	if err = x.read(); err == nil {
		if err = x.validate(); err == nil {
			var out *integrationResult
			if out, err = x.integrate(); err == nil {
				err = x.answer(out)
			}
		}
	}
	if err != nil {
		t.note("Execution failed due to configuration error: %v", cause(err))
		x.fail(err)
		w.header.Del("Content-Type")
		if code := w.header.Get("X-Amzn-Errortype"); code != "" {
			w.header.Del("X-Amzn-Errortype")
			w.header["x-amzn-ErrorType"] = []string{code}
		}
	}
	for _, own := range []string{"Content-Length", "X-Amzn-Requestid", "X-Amz-Apigw-Id"} { // of the connection to a client, which a test has not
		w.header.Del(own)
	}
	if err == nil {
		t.note("Method response body after transformations: %s", w.body.String())
		t.note("Method response headers: %s", javaMap(w.header))
		t.note("Successfully completed execution")
	}
	t.note("Method completed with status: %d", w.status)
	out := &apigateway.TestInvokeMethodOutput{
		Status: int32(w.status), Body: aws.String(w.body.String()), Headers: map[string]string{}, MultiValueHeaders: map[string][]string{},
		Latency: s.cfg.Clock.Since(began).Milliseconds(), Log: aws.String("Execution log for request " + x.caller.RequestID + "\n" + t.text.String()),
	}
	for k, v := range w.header {
		out.Headers[k], out.MultiValueHeaders[k] = v[len(v)-1], v
	}
	return out, nil
}

// cause is why a failure is one, as far as is known.
func cause(err error) error {
	if f, ok := err.(*failure); ok && f.cause != nil {
		return f.cause
	}
	return err
}

// TestInvokeAuthorizer asks an authorizer.
func (s *Service) TestInvokeAuthorizer(ctx context.Context, in *apigateway.TestInvokeAuthorizerInput, _ ...func(*apigateway.Options)) (*apigateway.TestInvokeAuthorizerOutput, error) {
	d, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	a, ok := d.Authorizers[aws.ToString(in.AuthorizerId)]
	if !ok {
		return nil, invalidAuthorizer()
	}
	a.AuthorizerResultTtlInSeconds = aws.Int32(0) // it is asked, whatever it answered before
	x, _, err := s.tested(ctx, d, http.MethodGet, aws.ToString(in.PathWithQueryString), in.Headers, in.MultiValueHeaders, in.Body, in.StageVariables)
	if err != nil {
		return nil, err
	}
	x.route = &route{node: &pathNode{path: "/"}}
	x.vars = x.context()
	for k, v := range in.AdditionalContext {
		if _, has := x.vars.Get(k); !has {
			x.vars.Put(k, v)
		}
	}
	began := s.cfg.Clock.Now()
	t := x.trace
	t.note("Starting authorizer: %s for request: %s", *a.Id, x.caller.RequestID)
	ctx, cancel := context.WithTimeout(x.ctx, 29*time.Second)
	defer cancel()
	x.ctx = ctx
	err = x.customAuthorizer(a)
	out := &apigateway.TestInvokeAuthorizerOutput{ClientStatus: http.StatusOK}
	if t.policy != "" {
		out.Policy, out.PrincipalId = aws.String(t.policy), aws.String(t.who)
	} else if err != nil {
		t.note("Execution failed: %v", cause(err))
		if f, ok := err.(*failure); ok {
			out.ClientStatus = int32(max(f.status, responseStatus[f.kind]))
		}
	}
	out.Latency = s.cfg.Clock.Since(began).Milliseconds()
	out.Log = aws.String("Execution log for request " + x.caller.RequestID + "\n" + t.text.String())
	return out, nil
}
