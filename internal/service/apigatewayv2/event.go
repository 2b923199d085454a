package apigatewayv2

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
)

// The request as a function gets it, in the payload formats 1.0 and 2.0. (Source: "AWS Lambda proxy integrations for
// HTTP APIs" of the developer guide.)

// isText reports whether the body of a content type goes as it is; any other goes as base64.
func isText(contentType string, body []byte) bool {
	t, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	t = strings.TrimSpace(t)
	switch {
	case t == "", strings.HasPrefix(t, "text/"), t == "application/json", t == "application/javascript", t == "application/xml", strings.HasSuffix(t, "+json"), strings.HasSuffix(t, "+xml"):
		return utf8.Valid(body)
	}
	return false
}

// putBody puts the body into an event.
func (x *exchange) putBody(e map[string]any) {
	e["isBase64Encoded"] = false
	switch {
	case len(x.body) == 0:
	case isText(x.r.Header.Get("Content-Type"), x.body):
		e["body"] = string(x.body)
	default:
		e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString(x.body), true
	}
}

// requestHeaders are the client's, as its route maps them, with the host and who it came from.
func (x *exchange) requestHeaders() http.Header {
	h := x.r.Header.Clone()
	for name := range hopByHop {
		if name != "Content-Length" {
			h.Del(name)
		}
	}
	h.Set("Host", x.r.Host)
	ip := executeapi.SourceIP(x.r)
	h.Set("X-Forwarded-For", strings.Join(append(x.r.Header.Values("X-Forwarded-For"), ip), ", "))
	proto := "http"
	if x.r.TLS != nil {
		proto = "https"
	}
	h.Set("X-Forwarded-Proto", proto)
	for i := range x.plan.requests {
		if r := &x.plan.requests[i]; r.place == "header" {
			x.changed(r, h, http.CanonicalHeaderKey(r.name))
		}
	}
	return h
}

// requestQuery are the client's parameters, as its route maps them.
func (x *exchange) requestQuery() url.Values {
	q := maps.Clone(x.query)
	for i := range x.plan.requests {
		if r := &x.plan.requests[i]; r.place == "querystring" {
			x.changed(r, q, r.name)
		}
	}
	return q
}

func (x *exchange) changed(r *mappingRule, values map[string][]string, name string) {
	v, ok := "", true
	if r.action != "remove" {
		v, ok = x.evaluate(r.value, nil)
	}
	if ok && !strings.ContainsAny(v, "\r\n\x00") {
		r.change(values, name, v)
	}
}

// eventPath is the path of an event, as its route maps it.
func (x *exchange) eventPath() string {
	for i := range x.plan.requests {
		if r := &x.plan.requests[i]; r.place == "path" {
			if v, ok := x.evaluate(r.value, nil); ok {
				return v
			}
		}
	}
	return x.rawPath()
}

// event2 is the request in the payload format 2.0.
func (x *exchange) event2() map[string]any {
	headers := map[string]string{}
	h := x.requestHeaders()
	var cookies []string
	for _, line := range h.Values("Cookie") {
		for c := range strings.SplitSeq(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				cookies = append(cookies, c)
			}
		}
	}
	h.Del("Cookie")
	for k, v := range h {
		headers[strings.ToLower(k)] = strings.Join(v, ",")
	}
	key := *x.plan.route.RouteKey
	e := map[string]any{
		"version": "2.0", "routeKey": key, "rawPath": x.eventPath(), "rawQueryString": x.r.URL.RawQuery, "headers": headers,
		"requestContext": map[string]any{
			"accountId": x.scope.Account, "apiId": x.api.id(), "domainName": x.r.Host, "domainPrefix": x.api.id(), "requestId": x.extended, "routeKey": key,
			"stage": *x.stage.Stage.StageName, "time": x.received.UTC().Format("02/Jan/2006:15:04:05 -0700"), "timeEpoch": x.received.UnixMilli(),
			"http": map[string]any{"method": x.r.Method, "path": x.rawPath(), "protocol": x.r.Proto, "sourceIp": executeapi.SourceIP(x.r), "userAgent": x.r.UserAgent()},
		},
	}
	about := e["requestContext"].(map[string]any)
	switch id := &x.identity; {
	case id.claims != nil:
		jwt := map[string]any{"claims": claimTexts(id.claims), "scopes": nil}
		if id.scopes != nil {
			jwt["scopes"] = id.scopes
		}
		about["authorizer"] = map[string]any{"jwt": jwt}
	case id.context != nil:
		about["authorizer"] = map[string]any{"lambda": id.context}
	case id.signed:
		about["authorizer"] = map[string]any{"iam": map[string]any{
			"accessKey": x.caller.AccessKey, "accountId": x.caller.Account, "callerId": x.caller.AccessKey, "cognitoIdentity": nil, "principalOrgId": nil,
			"userArn": x.caller.Principal, "userId": x.caller.AccessKey,
		}}
	}
	if len(cookies) > 0 {
		e["cookies"] = cookies
	}
	if q := x.requestQuery(); len(q) > 0 {
		joined := map[string]string{}
		for k, v := range q {
			joined[k] = strings.Join(v, ",")
		}
		e["queryStringParameters"] = joined
	}
	if len(x.params) > 0 {
		e["pathParameters"] = x.params
	}
	if v := x.stage.Stage.StageVariables; len(v) > 0 {
		e["stageVariables"] = v
	}
	x.putBody(e)
	return e
}

// claimTexts are claims as functions see them: texts.
func claimTexts(claims map[string]any) map[string]string {
	out := map[string]string{}
	for k, v := range claims {
		switch v := v.(type) {
		case []any:
			var parts []string
			for _, e := range v {
				if s, ok := claimText(map[string]any{"e": e}, "e"); ok {
					parts = append(parts, s)
				}
			}
			out[k] = "[" + strings.Join(parts, " ") + "]"
		case float64:
			out[k] = number(v)
		default:
			out[k], _ = claimText(claims, k)
		}
	}
	return out
}

// event1 is the request in the payload format 1.0.
func (x *exchange) event1() map[string]any {
	single := func(m map[string][]string) map[string]string {
		out := map[string]string{}
		for k, v := range m {
			if len(v) > 0 {
				out[k] = v[len(v)-1]
			}
		}
		return out
	}
	h := x.requestHeaders()
	resource := *x.plan.route.RouteKey
	if _, path, ok := strings.Cut(resource, " "); ok {
		resource = path
	}
	about := map[string]any{
		"accountId": x.scope.Account, "apiId": x.api.id(), "domainName": x.r.Host, "domainPrefix": x.api.id(), "extendedRequestId": x.extended, "httpMethod": x.r.Method,
		"path": x.rawPath(), "protocol": x.r.Proto, "requestId": x.extended, "requestTime": x.received.UTC().Format("02/Jan/2006:15:04:05 -0700"), "requestTimeEpoch": x.received.UnixMilli(),
		"resourceId": *x.plan.route.RouteKey, "resourcePath": resource, "stage": *x.stage.Stage.StageName,
	}
	who := map[string]any{
		"accessKey": nil, "accountId": nil, "caller": nil, "cognitoAuthenticationProvider": nil, "cognitoAuthenticationType": nil, "cognitoIdentityId": nil, "cognitoIdentityPoolId": nil,
		"principalOrgId": nil, "sourceIp": executeapi.SourceIP(x.r), "user": nil, "userAgent": x.r.UserAgent(), "userArn": nil,
	}
	if x.identity.signed {
		who["accessKey"], who["accountId"], who["userArn"] = x.caller.AccessKey, x.caller.Account, x.caller.Principal
	}
	about["identity"] = who
	switch id := &x.identity; {
	case id.claims != nil:
		about["authorizer"] = map[string]any{"claims": claimTexts(id.claims), "scopes": id.scopes}
	case id.context != nil:
		about["authorizer"] = id.context
	}
	e := map[string]any{
		"version": "1.0", "resource": resource, "path": x.eventPath(), "httpMethod": x.r.Method, "headers": single(h), "multiValueHeaders": h,
		"queryStringParameters": nil, "multiValueQueryStringParameters": nil, "pathParameters": nil, "stageVariables": nil, "requestContext": about, "body": nil,
	}
	if q := x.requestQuery(); len(q) > 0 {
		e["queryStringParameters"], e["multiValueQueryStringParameters"] = single(q), q
	}
	if len(x.params) > 0 {
		e["pathParameters"] = x.params
	}
	if v := x.stage.Stage.StageVariables; len(v) > 0 {
		e["stageVariables"] = v
	}
	x.putBody(e)
	return e
}

// sortedNames are the names of headers, in order.
func sortedNames(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }
