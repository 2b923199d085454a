package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/vtl"
	"github.com/brookmere/brookmere/internal/engine/vtl/mapping"
)

// integrationRequest is what goes to an integration.
type integrationRequest struct {
	body   []byte
	header http.Header
	query  url.Values
	path   map[string]string
}

//lint:ignore ST1005 the log of a test says it so
var errInvalidEndpoint = errors.New("Invalid endpoint address")

// integrate hands the request to its integration.
func (x *exchange) integrate() (*integrationResult, error) {
	i := x.route.method.MethodIntegration
	if i == nil {
		return nil, internal(errors.New("the method has no integration"))
	}
	ctx, cancel := context.WithTimeout(x.ctx, time.Duration(i.TimeoutInMillis)*time.Millisecond)
	defer cancel()
	x.ctx = ctx
	if i.Type == types.IntegrationTypeAwsProxy {
		return x.proxyFunction(i)
	}
	req, err := x.integrationRequest(i)
	if err != nil {
		return nil, err
	}
	var out *integrationResult
	switch i.Type {
	case types.IntegrationTypeMock:
		return x.mock(req)
	case types.IntegrationTypeAws:
		if x.route.target.service == "lambda" {
			out, err = x.invokeAs(x.route.target, req, aws.ToString(i.Credentials))
		} else {
			out, err = x.callService(i, req)
		}
	default:
		out, err = x.callHTTP(i, req)
		if err == nil && i.Type == types.IntegrationTypeHttpProxy {
			out.done = true
		}
	}
	if err != nil {
		var f *failure
		switch {
		case errors.As(err, &f):
			return nil, err
		case ctx.Err() != nil && x.r.Context().Err() == nil:
			return nil, &failure{kind: types.GatewayResponseTypeIntegrationTimeout, code: "InternalServerErrorException", message: "Endpoint request timed out", cause: err}
		}
		var unknown *net.DNSError
		if errors.As(err, &unknown) && unknown.IsNotFound {
			return nil, internal(errInvalidEndpoint)
		}
		if i.Type == types.IntegrationTypeHttp || i.Type == types.IntegrationTypeHttpProxy {
			return nil, &failure{kind: types.GatewayResponseTypeIntegrationFailure, code: "InternalServerErrorException", message: "Network error communicating with endpoint", cause: err}
		}
		return nil, internal(err)
	}
	return out, nil
}

// integrationRequest maps the client's request: parameters, then the body by the template of its
// content type.
func (x *exchange) integrationRequest(i *types.Integration) (*integrationRequest, error) {
	req := &integrationRequest{header: http.Header{}, query: url.Values{}, path: map[string]string{}, body: x.body}
	contentType := mediaType(x.r.Header.Get("Content-Type"))
	proxy := i.Type == types.IntegrationTypeHttpProxy
	if proxy {
		for k, v := range x.r.Header {
			if !hopByHop[k] {
				req.header[k] = v
			}
		}
		dropNamed(req.header, x.r.Header)
		for k, v := range x.query {
			req.query[k] = v
		}
		for k, v := range x.params {
			req.path[k] = v
		}
	} else {
		req.header.Set("Content-Type", contentType)
	}
	isHTTP := proxy || i.Type == types.IntegrationTypeHttp
	for to, expression := range i.RequestParameters {
		v, ok := x.expression(expression, nil)
		if !ok {
			continue
		}
		rest, _ := strings.CutPrefix(to, "integration.request.")
		where, name, _ := strings.Cut(rest, ".")
		switch where {
		case "header":
			switch reserved, ok := reservedHeaders[strings.ToLower(name)]; {
			case ok && (reserved == never || !isHTTP):
				return nil, internal(errors.New("the header " + name + " cannot be mapped to an integration's request"))
			case reserved == ofConnection:
			default:
				req.header.Set(name, v)
			}
		case "querystring":
			req.query.Set(name, v)
		case "path":
			req.path[name] = v
		}
	}
	if isHTTP {
		setDefault(req.header, "Accept", "application/json")
		setDefault(req.header, "User-Agent", "AmazonAPIGateway_"+x.address.api)
		req.header.Set("X-Amzn-Apigateway-Api-Id", x.address.api)
	}
	if proxy {
		return req, nil
	}
	t, ok := x.route.requests[contentType]
	if !ok {
		t, ok = x.route.requests["$default"]
	}
	switch {
	case ok && t != nil:
		body, overrides, err := x.render(t, string(x.body))
		if err != nil {
			return nil, internal(err)
		}
		req.body = []byte(body)
		applyOverrides(req, overrides)
	case ok: // an empty template: no body
		req.body = nil
	case aws.ToString(i.PassthroughBehavior) == "NEVER", aws.ToString(i.PassthroughBehavior) == "WHEN_NO_TEMPLATES" && len(x.route.requests) > 0:
		return nil, &failure{kind: types.GatewayResponseTypeUnsupportedMediaType, code: "BadRequestException", message: "Unsupported Media Type"}
	}
	if isHTTP && len(req.body) == 0 && req.header.Get("Content-Type") == contentType {
		req.header.Del("Content-Type")
	}
	return req, nil
}

func setDefault(h http.Header, name, value string) {
	if h.Get(name) == "" {
		h.Set(name, value)
	}
}

// reservedHeaders are those, in lower case, of which a request fails that maps something to one: all of them where the
// integration is a service of AWS. HTTP endpoints do not get those that are of the connection to them.
var reservedHeaders = map[string]reservation{
	"content-length": never, "transfer-encoding": never,
	"authorization": ofService, "connection": ofConnection, "expect": ofConnection, "proxy-authenticate": ofConnection, "te": ofConnection,
}

type reservation int

const (
	never reservation = iota + 1
	ofService
	ofConnection
)

// remapped are the headers that answers of integrations have in the place of those that are a client's or the gateway's own.
// (Source: "Amazon API Gateway important notes" of the developer guide, and what the service answers.)
var remapped = map[string]bool{
	"Authorization": true, "Connection": true, "Content-Length": true, "Content-Md5": true, "Date": true, "Expect": true, "Host": true, "Max-Forwards": true,
	"Proxy-Authenticate": true, "Server": true, "Trailer": true, "Upgrade": true, "User-Agent": true, "Www-Authenticate": true,
}

// clientHeader is the name that a header of an integration's answer has for the client; empty for one that does not get there.
func clientHeader(name string) string {
	name = http.CanonicalHeaderKey(name)
	switch {
	case name == "Transfer-Encoding":
		return ""
	case remapped[name]:
		return "X-Amzn-Remapped-" + name
	}
	return name
}

func applyOverrides(req *integrationRequest, o *mapping.Overrides) {
	for k, v := range o.Header {
		req.header.Set(k, v)
	}
	for k, v := range o.Query {
		req.query.Set(k, v)
	}
	for k, v := range o.Path {
		req.path[k] = v
	}
}

// dropNamed drops the headers that a message's Connection names: they are of that connection alone.
func dropNamed(h, message http.Header) {
	for _, list := range message["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
}

var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
	"Content-Length": true, "Host": true, "X-Amz-Security-Token": true, "Authorization": false,
}

// mock answers by what the template says: {"statusCode": 200}.
func (x *exchange) mock(req *integrationRequest) (*integrationResult, error) {
	v, err := vtl.FromJSON(string(req.body))
	if err != nil {
		return nil, internal(errors.New("the template of a mock integration must make a JSON object with a statusCode"))
	}
	m, ok := v.(*vtl.Map)
	if !ok {
		return nil, internal(errors.New("the template of a mock integration must make a JSON object with a statusCode"))
	}
	code, _ := m.Get("statusCode")
	n, ok := code.(int32)
	if !ok {
		return nil, internal(errors.New("the statusCode of a mock integration must be a number"))
	}
	return &integrationResult{status: int(n), header: map[string][]string{}, body: req.body}, nil
}

// uriWith puts path parameters in their places.
func uriWith(uri string, params map[string]string, escape func(string) string) string {
	for k, v := range params {
		uri = strings.ReplaceAll(uri, "{"+k+"}", escape(v))
		uri = strings.ReplaceAll(uri, "{"+k+"+}", escape(v))
	}
	return uri
}

// callService does a request to a service of AWS.
func (x *exchange) callService(i *types.Integration, req *integrationRequest) (*integrationResult, error) {
	if x.s.cfg.Services == nil {
		return nil, errors.New("there are no services to integrate with")
	}
	caller, err := x.actsAs(aws.ToString(i.Credentials))
	if err != nil {
		return nil, err
	}
	ctx := awswire.WithCaller(x.ctx, caller)
	t := x.route.target
	path := uriWith(t.path, req.path, escapePath)
	host := t.service + "." + x.scope.Region + ".amazonaws.com"
	if t.subdomain != "" {
		host = uriWith(t.subdomain, req.path, url.PathEscape) + "." + host
	}
	if path == "" {
		path = "/"
	}
	u, err := url.Parse("https://" + host + path)
	if err != nil {
		return nil, err
	}
	q := u.Query()
	for k, v := range req.query {
		q[k] = v
	}
	u.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, aws.ToString(i.HttpMethod), u.String(), bytes.NewReader(req.body))
	if err != nil {
		return nil, err
	}
	r.Header = req.header
	return x.call(r, req.body, func() (*http.Response, error) { return x.s.cfg.Services.Call(ctx, t.service, t.action, r) })
}

// escapePath escapes a value for a path, but for its slashes; a part that leads elsewhere is escaped whole.
func escapePath(s string) string {
	parts := strings.Split(s, "/")
	for i, p := range parts {
		if parts[i] = url.PathEscape(p); p == "." || p == ".." {
			parts[i] = strings.ReplaceAll(p, ".", "%2E")
		}
	}
	return strings.Join(parts, "/")
}

func readResult(resp *http.Response) (*integrationResult, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPayload+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxPayload {
		return nil, errors.New("the integration's answer is larger than 10 MB")
	}
	return &integrationResult{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// callHTTP does a request to an address of the API's author.
func (x *exchange) callHTTP(i *types.Integration, req *integrationRequest) (*integrationResult, error) {
	if x.s.cfg.Outbound == nil {
		return nil, errors.New("HTTP integrations are not available on this node")
	}
	u, err := url.Parse(uriWith(aws.ToString(i.Uri), req.path, escapePath))
	if err != nil {
		return nil, err
	}
	q := u.Query()
	for k, v := range req.query {
		q[k] = v
	}
	u.RawQuery = q.Encode()
	verb := aws.ToString(i.HttpMethod)
	if verb == "ANY" {
		verb = x.r.Method
	}
	r, err := http.NewRequestWithContext(x.ctx, verb, u.String(), bytes.NewReader(req.body))
	if err != nil {
		return nil, err
	}
	r.Header = req.header
	return x.call(r, req.body, func() (*http.Response, error) { return x.s.cfg.Outbound.Do(r) })
}

// call does an integration's request and reads the answer.
func (x *exchange) call(r *http.Request, body []byte, do func() (*http.Response, error)) (*integrationResult, error) {
	x.trace.request(r, body)
	began := x.s.cfg.Clock.Now()
	resp, err := do()
	if err != nil {
		return nil, err
	}
	out, err := readResult(resp)
	if err == nil {
		x.trace.answer(out, x.s.cfg.Clock.Since(began))
	}
	return out, err
}

// invokeAs invokes a function with a mapped request.
func (x *exchange) invokeAs(t target, req *integrationRequest, credentials string) (*integrationResult, error) {
	t.path = uriWith(t.path, req.path, escapePath)
	kind := ""
	if req.header.Get("X-Amz-Invocation-Type") == "Event" {
		kind = "Event"
	}
	return x.invoke(t, req.body, credentials, x.sourceARN(), kind)
}

// sourceARN names the method to a function's policy: the path is the resource's.
func (x *exchange) sourceARN() string {
	return x.scope.ARN("execute-api", x.address.api+"/"+x.address.stage+"/"+x.r.Method+x.route.node.path)
}

// invoke invokes the function of a target, "path/2015-03-31/functions/{ARN}/invocations", in which
// ${stageVariables.x} stands for a stage variable. Without credentials the function's own policy lets
// API Gateway in, for the source: lambda:AddPermission.
func (x *exchange) invoke(t target, payload []byte, credentials, source, kind string) (*integrationResult, error) {
	if x.s.cfg.Services == nil {
		return nil, errors.New("there are no functions to invoke")
	}
	caller, err := x.actsAs(credentials)
	if err != nil {
		return nil, err
	}
	if caller.Anonymous {
		caller = awswire.CallerFrom(awswire.AsService(x.ctx, x.scope.Account, x.scope.Region, executeapi.Service, source))
	}
	for k, v := range x.stage.Variables {
		t.path = strings.ReplaceAll(t.path, "${stageVariables."+k+"}", v)
	}
	_, name, ok := strings.Cut(t.path, "/functions/")
	name, _, ok2 := strings.Cut(name, "/invocations")
	if !ok || !ok2 {
		return nil, errors.New("the integration's URI names no function")
	}
	if u, err := url.PathUnescape(name); err == nil {
		name = u
	}
	ctx := awswire.WithCaller(x.ctx, caller)
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://lambda."+x.scope.Region+".amazonaws.com/2015-03-31/functions/"+url.PathEscape(name)+"/invocations", bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if kind != "" {
		r.Header.Set("X-Amz-Invocation-Type", kind)
	}
	out, err := x.call(r, payload, func() (*http.Response, error) { return x.s.cfg.Services.Call(ctx, "lambda", "", r) })
	if err != nil {
		return nil, err
	}
	if out.status >= 300 {
		return nil, errors.New("invoke " + name + ": " + string(out.body))
	}
	if functionError, _ := header(out.header, "X-Amz-Function-Error"); functionError != "" {
		var e struct {
			Message string `json:"errorMessage"`
		}
		_ = json.Unmarshal(out.body, &e) // what is not an error of a runtime has no message
		if out.error = e.Message; out.error == "" {
			out.error = "Unhandled"
		}
	}
	out.header = map[string][]string{}
	return out, nil
}

// answer turns an integration's answer into the method's.
func (x *exchange) answer(out *integrationResult) error {
	if out.done {
		h := http.Header{}
		for k, v := range out.header {
			k = clientHeader(k)
			if k == "X-Amzn-Requestid" || k == "X-Amz-Apigw-Id" { // the client gets those of this request
				k = "X-Amzn-Remapped-" + k
			}
			if !hopByHop[k] && k != "" {
				h[k] = v
			}
		}
		dropNamed(h, out.header)
		if h.Get("Content-Type") == "" {
			h.Set("Content-Type", "application/json")
		}
		x.write(out.status, h, out.body)
		return nil
	}
	a := x.selectAnswer(out)
	if a == nil {
		return internal(errors.New("no integration response fits what the integration answered: " + itoa(out.status) + " " + out.error))
	}
	status := 0
	for _, c := range *a.StatusCode {
		status = status*10 + int(c-'0')
	}
	declared, ok := x.route.method.MethodResponses[*a.StatusCode]
	if !ok {
		return internal(errors.New("the method has no response " + *a.StatusCode))
	}
	h := http.Header{}
	contentType := "application/json"
	body := out.body
	if t, name := pickTemplate(a.templates, out.header); name != "" {
		contentType = name
		if t != nil {
			text, overrides, err := x.render(t, string(out.body))
			if err != nil {
				return internal(err)
			}
			body = []byte(text)
			if overrides.Status >= 100 && overrides.Status < 600 {
				status = overrides.Status
			}
			for k, v := range overrides.Header {
				if k = clientHeader(k); k != "" {
					h.Set(k, v)
				}
			}
		}
	} else if v, ok := header(out.header, "Content-Type"); ok && x.route.method.MethodIntegration.Type != types.IntegrationTypeMock {
		contentType = v
	} else if x.route.method.MethodIntegration.Type == types.IntegrationTypeMock {
		body = nil
	}
	for to, expression := range a.ResponseParameters {
		name, _ := strings.CutPrefix(to, "method.response.header.")
		if _, ok := declared.ResponseParameters[to]; !ok {
			continue
		}
		if v, ok := x.expression(expression, out); ok {
			if name = clientHeader(name); name != "" {
				h.Set(name, v)
			}
		}
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", contentType)
	}
	x.write(status, h, body)
	return nil
}

// selectAnswer is the answer whose pattern matches: the error of a function, or the status of
// anything else; where none does, the one without a pattern.
func (x *exchange) selectAnswer(out *integrationResult) *answer {
	answers := x.route.answers
	if x.route.method.MethodIntegration.Type == types.IntegrationTypeMock {
		if i := slices.IndexFunc(answers, func(a answer) bool { return *a.StatusCode == itoa(out.status) }); i >= 0 {
			return &answers[i]
		}
	}
	what := itoa(out.status)
	if x.route.target.service == "lambda" {
		what = out.error
	}
	if what != "" {
		for i := range answers {
			if p := answers[i].pattern; p != nil && p.MatchString(what) {
				return &answers[i]
			}
		}
	}
	if i := slices.IndexFunc(answers, func(a answer) bool { return a.pattern == nil }); i >= 0 {
		return &answers[i]
	}
	return nil
}

// pickTemplate is the template for an answer: that of its content type, else that of JSON, else the
// first by name.
func pickTemplate(templates map[string]*vtl.Template, h map[string][]string) (*vtl.Template, string) {
	if len(templates) == 0 {
		return nil, ""
	}
	for _, name := range []string{contentTypeOf(h), "application/json"} {
		if t, ok := templates[name]; ok {
			return t, name
		}
	}
	names := make([]string, 0, len(templates))
	for name := range templates {
		names = append(names, name)
	}
	name := slices.Min(names)
	return templates[name], name
}

func contentTypeOf(h map[string][]string) string {
	v, _ := header(h, "Content-Type")
	return mediaType(v)
}
