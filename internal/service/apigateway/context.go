package apigateway

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/engine/vtl"
	"github.com/brookmere/brookmere/internal/engine/vtl/jsonpath"
	"github.com/brookmere/brookmere/internal/engine/vtl/mapping"
)

// context makes $context. (Source: the variables of $context in the developer guide.)
func (x *exchange) context() *vtl.Map {
	m := vtl.NewMap()
	put := func(k, v string) {
		if v != "" {
			m.Put(k, v)
		}
	}
	put("accountId", x.scope.Account)
	put("apiId", x.address.api)
	put("awsEndpointRequestId", x.caller.RequestID)
	put("domainName", x.r.Host)
	put("domainPrefix", x.address.api)
	put("extendedRequestId", x.extended)
	put("httpMethod", x.r.Method)
	put("path", "/"+x.address.stage+x.address.path)
	put("protocol", x.r.Proto)
	put("requestId", x.caller.RequestID)
	put("requestTime", x.received.UTC().Format("02/Jan/2006:15:04:05 +0000"))
	m.Put("requestTimeEpoch", x.received.UnixMilli())
	put("stage", x.address.stage)
	if x.route != nil {
		put("resourceId", x.route.node.id)
		put("resourcePath", x.route.node.path)
	}
	identity := vtl.NewMap()
	identity.Put("sourceIp", x.sourceIP())
	identity.Put("userAgent", x.r.UserAgent())
	if x.caller.AccessKey != "" {
		identity.Put("accessKey", x.caller.AccessKey)
		identity.Put("accountId", x.caller.Account)
		identity.Put("userArn", x.caller.Principal)
	}
	m.Put("identity", identity)
	return m
}

func (x *exchange) sourceIP() string { return executeapi.SourceIP(x.r) }

func first(m map[string][]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		if len(v) > 0 {
			out[k] = v[len(v)-1] // the last one counts, as on AWS
		}
	}
	return out
}

// headers are the request's with the host.
func (x *exchange) headers() map[string][]string {
	out := make(map[string][]string, len(x.r.Header)+1)
	for k, v := range x.r.Header {
		out[k] = v
	}
	out["Host"] = []string{x.r.Host}
	return out
}

// render runs a template with a body.
func (x *exchange) render(t *vtl.Template, body string) (string, *mapping.Overrides, error) {
	return mapping.Render(x.r.Context(), t, &mapping.Message{
		Body: body, Path: x.params, Query: first(x.query), Header: first(x.headers()), Context: x.vars, StageVariables: x.stage.Variables,
	})
}

// integrationResult is what an integration answered.
type integrationResult struct {
	status int
	header map[string][]string
	body   []byte
	// error is the message of a function that failed, by which answers are selected.
	error string
	// done is an answer that is the client's as it is: of a proxy integration.
	done bool
}

// expression evaluates the right side of a parameter mapping; false where there is nothing. The
// result is that of an integration, nil before there is one.
func (x *exchange) expression(e string, result *integrationResult) (string, bool) {
	if strings.HasPrefix(e, "'") && strings.HasSuffix(e, "'") && len(e) >= 2 {
		return e[1 : len(e)-1], true
	}
	if name, ok := strings.CutPrefix(e, "stageVariables."); ok {
		v, ok := x.stage.Variables[name]
		return v, ok
	}
	if path, ok := strings.CutPrefix(e, "context."); ok {
		return lookup(x.vars, path)
	}
	for prefix, from := range map[string]map[string][]string{"method.request.querystring.": x.query, "method.request.multivaluequerystring.": x.query} {
		if name, ok := strings.CutPrefix(e, prefix); ok {
			v := from[name]
			if len(v) == 0 {
				return "", false
			}
			if strings.Contains(prefix, "multi") {
				return strings.Join(v, ","), true
			}
			return v[len(v)-1], true
		}
	}
	if name, ok := strings.CutPrefix(e, "method.request.path."); ok {
		v, ok := x.params[name]
		return v, ok
	}
	for _, prefix := range []string{"method.request.header.", "method.request.multivalueheader."} {
		if name, ok := strings.CutPrefix(e, prefix); ok {
			return header(x.headers(), name)
		}
	}
	if path, ok := strings.CutPrefix(e, "method.request.body"); ok {
		return bodyPath(x.body, path)
	}
	if result == nil {
		return "", false
	}
	for _, prefix := range []string{"integration.response.header.", "integration.response.multivalueheader."} {
		if name, ok := strings.CutPrefix(e, prefix); ok {
			return header(result.header, name)
		}
	}
	if path, ok := strings.CutPrefix(e, "integration.response.body"); ok {
		return bodyPath(result.body, path)
	}
	return "", false
}

func header(h map[string][]string, name string) (string, bool) {
	for k, v := range h {
		if strings.EqualFold(k, name) && len(v) > 0 {
			return strings.Join(v, ","), true
		}
	}
	return "", false
}

// bodyPath is a JSON path into a body, "" for the whole.
func bodyPath(body []byte, path string) (string, bool) {
	if path == "" {
		return string(body), true
	}
	p, err := jsonpath.Parse("$" + path)
	if err != nil {
		return "", false
	}
	return mapping.BodyText(body, p, maxPayload)
}

// lookup finds a variable of $context by its path, "identity.sourceIp".
func lookup(m *vtl.Map, path string) (string, bool) {
	var v any = m
	for _, part := range strings.Split(path, ".") {
		in, ok := v.(*vtl.Map)
		if !ok {
			return "", false
		}
		if v, ok = in.Get(part); !ok {
			return "", false
		}
	}
	if s, ok := v.(string); ok {
		return s, true
	}
	s, err := vtl.JSON(v, maxPayload)
	return s, err == nil
}

// setting is what the stage says of the method: its own, else that of all.
func (x *exchange) setting() (rate float64, burst int32, ok bool) {
	for _, name := range []string{strings.TrimPrefix(x.route.node.path, "/") + "/" + aws.ToString(x.route.method.HttpMethod), "*/*"} {
		if m, has := x.stage.Settings[name]; has && m.ThrottlingRateLimit >= 0 {
			return m.ThrottlingRateLimit, m.ThrottlingBurstLimit, true
		}
	}
	return 0, 0, false
}
