package apigatewayv2

import (
	"bytes"
	"context"
	"encoding/base64"
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

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awswire"
)

// Integrations: what a request becomes, and what is made of the answer.

// result is what an integration answered.
type result struct {
	status int
	header http.Header
	body   []byte
}

// integrate hands the request to its integration.
func (x *exchange) integrate() (*result, error) {
	p := x.plan
	if p.broken {
		return nil, internal(errors.New("the route has no integration"))
	}
	ctx, cancel := context.WithTimeout(x.ctx, time.Duration(aws.ToInt32(p.integration.TimeoutInMillis))*time.Millisecond)
	defer cancel()
	x.ctx = ctx
	began := x.s.cfg.Clock.Now()
	var out *result
	var err error
	switch {
	case p.subtype != nil:
		out, err = x.callService(p)
	case p.function != "":
		out, err = x.callFunction(p)
	default:
		out, err = x.callHTTP(p)
	}
	x.integrated, x.latency = true, x.s.cfg.Clock.Since(began)
	if err == nil {
		x.reached = out.status
		return out, nil
	}
	var f *failure
	switch {
	case errors.As(err, &f):
		return nil, err
	case ctx.Err() != nil, p.integration.IntegrationType == types.IntegrationTypeHttpProxy:
		return nil, unavailable(err)
	}
	return nil, internal(err)
}

// acting is the context of calls that are made as a role of the API's account, or as the client itself for "user/*".
func (x *exchange) acting(credentials string) (context.Context, error) {
	if strings.HasSuffix(credentials, ":user/*") {
		// Another account's caller has nothing of this one: without a principal it would be taken for its root.
		if x.caller.AccessKey == "" || x.caller.Account != x.scope.Account {
			return nil, forbidden()
		}
		c := x.caller
		return awswire.WithCaller(x.ctx, awswire.Caller{Account: x.scope.Account, Region: x.scope.Region, AccessKey: c.AccessKey, Principal: c.Principal, Session: c.Session}), nil
	}
	c, ok := executeapi.AsRole(x.scope, credentials, x.sourceARN())
	if !ok {
		return nil, errors.New("the integration's credentials " + credentials + " are not a role of the API's account")
	}
	return awswire.WithCaller(x.ctx, c), nil
}

// sourceARN names the route to a function's policy.
func (x *exchange) sourceARN() string {
	method, path, ok := strings.Cut(*x.plan.route.RouteKey, " ")
	if !ok {
		path = "/" + method
		method = "*"
	}
	if method == "ANY" || method == "*" {
		method = x.r.Method
	}
	return x.scope.ARN("execute-api", x.api.id()+"/"+*x.stage.Stage.StageName+"/"+method+path)
}

// invoke invokes a function, and returns its answer, or the message of the error that it ended with. Without
// credentials the function's own policy lets API Gateway in for the source.
func (x *exchange) invoke(name string, payload []byte, credentials, source string) (answer []byte, functionError string, err error) {
	if x.s.cfg.Services == nil {
		return nil, "", errors.New("there are no functions to invoke")
	}
	ctx := awswire.AsService(x.ctx, x.scope.Account, x.scope.Region, executeapi.Service, source)
	if credentials != "" {
		if ctx, err = x.acting(credentials); err != nil {
			return nil, "", err
		}
	}
	name = stageVariable.ReplaceAllStringFunc(name, func(m string) string { return x.stage.Stage.StageVariables[stageVariable.FindStringSubmatch(m)[1]] })
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://lambda."+x.scope.Region+".amazonaws.com/2015-03-31/functions/"+url.PathEscape(name)+"/invocations", bytes.NewReader(payload))
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := x.s.cfg.Services.Call(ctx, "lambda", "", r)
	if err != nil {
		return nil, "", err
	}
	out, err := readResult(resp)
	if err != nil {
		return nil, "", err
	}
	if out.status >= 300 {
		return nil, "", errors.New("invoke " + name + ": " + string(out.body[:min(len(out.body), 1000)]))
	}
	if out.header.Get("X-Amz-Function-Error") != "" {
		var e struct {
			Message string `json:"errorMessage"`
		}
		_ = json.Unmarshal(out.body, &e) // what is not an error of a runtime has no message
		if e.Message == "" {
			e.Message = "Unhandled"
		}
		return nil, e.Message, nil
	}
	return out.body, "", nil
}

func (x *exchange) callFunction(p *plan) (*result, error) {
	version2 := aws.ToString(p.integration.PayloadFormatVersion) == "2.0"
	event := x.event1
	if version2 {
		event = x.event2
	}
	payload, err := json.Marshal(event())
	if err != nil {
		return nil, err
	}
	out, functionError, err := x.invoke(p.function, payload, aws.ToString(p.integration.CredentialsArn), x.sourceARN())
	if err != nil {
		return nil, err
	}
	if functionError != "" {
		return nil, errors.New("the function failed: " + functionError)
	}
	return functionAnswer(out, version2)
}

// functionAnswer is the answer that a function made. In the payload format 2.0 whatever has no statusCode is the
// body itself.
func functionAnswer(payload []byte, version2 bool) (*result, error) {
	var a struct {
		Status  *json.RawMessage `json:"statusCode"`
		Headers map[string]any   `json:"headers"`
		Multi   map[string][]any `json:"multiValueHeaders"`
		Body    json.RawMessage  `json:"body"`
		Base64  bool             `json:"isBase64Encoded"`
		Cookies []string         `json:"cookies"`
	}
	text := bytes.TrimSpace(payload)
	if err := json.Unmarshal(text, &a); err != nil || a.Status == nil || len(text) == 0 || text[0] != '{' {
		if !version2 || !json.Valid(text) {
			return nil, errors.New("malformed Lambda proxy response: it has no statusCode")
		}
		if err != nil && bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text, []byte(`"statusCode"`)) {
			return nil, errors.New("malformed Lambda proxy response: " + err.Error())
		}
		body := payload
		if s := ""; json.Unmarshal(text, &s) == nil && text[0] == '"' {
			body = []byte(s)
		}
		return &result{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: body}, nil
	}
	out := &result{header: http.Header{}}
	status, err := strconv.Atoi(strings.Trim(string(*a.Status), `"`))
	if err != nil || status < 100 || status > 599 {
		return nil, errors.New("malformed Lambda proxy response: " + string(*a.Status) + " is not a status")
	}
	if status < 200 { // no answer ends with it
		return nil, errors.New("malformed Lambda proxy response: the status " + strconv.Itoa(status) + " ends no answer")
	}
	out.status = status
	for k, v := range a.Headers {
		if s, ok := headerText(v); ok {
			out.header.Set(k, s)
		}
	}
	for k, list := range a.Multi {
		if version2 {
			break
		}
		out.header.Del(k)
		for _, v := range list {
			if s, ok := headerText(v); ok {
				out.header.Add(k, s)
			}
		}
	}
	for _, c := range a.Cookies {
		if version2 {
			out.header.Add("Set-Cookie", c)
		}
	}
	for _, k := range sortedNames(out.header) {
		for _, v := range out.header[k] {
			if !isToken(k) || strings.ContainsAny(v, "\r\n\x00") {
				return nil, errors.New("malformed Lambda proxy response: a header is not one")
			}
		}
	}
	if len(a.Body) > 0 && string(a.Body) != "null" {
		var s string
		if err := json.Unmarshal(a.Body, &s); err != nil {
			return nil, errors.New("malformed Lambda proxy response: the body is not a text")
		}
		out.body = []byte(s)
		if a.Base64 {
			if out.body, err = base64.StdEncoding.DecodeString(s); err != nil {
				return nil, errors.New("malformed Lambda proxy response: the body is not base64")
			}
		}
	}
	if out.header.Get("Content-Type") == "" {
		out.header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	return out, nil
}

// isToken reports whether a text is a name that a header may have.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

func headerText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		return v, true
	case float64:
		return number(v), true
	}
	b, err := json.Marshal(v)
	return string(b), err == nil
}

// number is a number of JSON as a text, without an exponent.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func readResult(resp *http.Response) (*result, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPayload+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxPayload {
		return nil, errors.New("the integration's answer is larger than 10 MB")
	}
	return &result{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// callHTTP does a request to an address of the API's author.
func (x *exchange) callHTTP(p *plan) (*result, error) {
	if x.s.cfg.Outbound == nil {
		return nil, errors.New("HTTP integrations are not available on this node")
	}
	uri := aws.ToString(p.integration.IntegrationUri)
	uri = stageVariable.ReplaceAllStringFunc(uri, func(m string) string { return x.stage.Stage.StageVariables[stageVariable.FindStringSubmatch(m)[1]] })
	for k, v := range x.params {
		uri = strings.ReplaceAll(uri, "{"+k+"}", escapePath(v))
	}
	u, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	for i := range p.requests {
		if r := &p.requests[i]; r.place == "path" {
			if v, ok := x.evaluate(r.value, nil); ok {
				u.Path = "/" + strings.TrimPrefix(v, "/")
				u.RawPath = escapePath(u.Path)
			}
		}
	}
	q := u.Query()
	for k, v := range x.requestQuery() {
		q[k] = append(q[k], v...)
	}
	u.RawQuery = q.Encode()
	method := aws.ToString(p.integration.IntegrationMethod)
	if method == "ANY" {
		method = x.r.Method
	}
	r, err := http.NewRequestWithContext(x.ctx, method, u.String(), bytes.NewReader(x.body))
	if err != nil {
		return nil, err
	}
	h := x.requestHeaders()
	for name := range h {
		if hopByHop[name] || strings.HasPrefix(name, "X-Amz") && name != "X-Amzn-Trace-Id" || x.identity.signed && name == "Authorization" {
			h.Del(name) // the signature was for us
		}
	}
	h.Del("X-Forwarded-For")
	h.Del("X-Forwarded-Proto")
	h.Add("Forwarded", "by="+executeapi.SourceIP(x.r)+";for="+executeapi.SourceIP(x.r)+";host="+x.r.Host+";proto="+map[bool]string{true: "https", false: "http"}[x.r.TLS != nil])
	r.Header = h
	resp, err := x.s.cfg.Outbound.Do(r)
	if err != nil {
		return nil, err
	}
	return readResult(resp)
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
