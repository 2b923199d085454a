package apigateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/engine/vtl"
)

// Lambda proxy integrations: the request as an event of payload format 1.0, and the answer that a
// function makes. (Source: "Lambda proxy integrations" of the developer guide.)

// proxyEvent is the request as a function gets it.
func (x *exchange) proxyEvent() map[string]any {
	about := map[string]any{}
	if text, err := vtl.JSON(x.vars, maxPayload); err == nil {
		_ = json.Unmarshal([]byte(text), &about) // it is JSON of our own
	}
	for _, k := range []string{"requestOverride", "responseOverride", "awsEndpointRequestId", "error"} {
		delete(about, k)
	}
	headers, multi := map[string]any{}, map[string]any{}
	for k, v := range x.headers() {
		headers[k], multi[k] = v[len(v)-1], v
	}
	event := map[string]any{
		"resource": x.route.node.path, "path": x.address.path, "httpMethod": x.r.Method,
		"headers": headers, "multiValueHeaders": multi,
		"queryStringParameters": nil, "multiValueQueryStringParameters": nil, "pathParameters": nil, "stageVariables": nil,
		"requestContext": about, "body": nil, "isBase64Encoded": false,
	}
	if len(x.query) > 0 {
		event["queryStringParameters"], event["multiValueQueryStringParameters"] = first(x.query), x.query
	}
	if len(x.params) > 0 {
		event["pathParameters"] = x.params
	}
	if len(x.stage.Variables) > 0 {
		event["stageVariables"] = x.stage.Variables
	}
	switch {
	case len(x.body) == 0:
	case x.isBinary(x.r.Header.Get("Content-Type")) || !utf8.Valid(x.body):
		event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString(x.body), true
	default:
		event["body"] = string(x.body)
	}
	return event
}

// isBinary reports whether the API says that a content type is binary.
func (x *exchange) isBinary(contentType string) bool {
	t := mediaType(contentType)
	return slices.ContainsFunc(x.compiled.api.BinaryTypes, func(b string) bool {
		b = strings.ToLower(b)
		if b == "*/*" || b == t {
			return true
		}
		major, ok := strings.CutSuffix(b, "/*")
		return ok && strings.HasPrefix(t, major+"/")
	})
}

func malformed(cause error) error {
	return &failure{kind: types.GatewayResponseTypeDefault5xx, code: "InternalServerErrorException", message: "Internal server error", status: http.StatusBadGateway, cause: cause}
}

func (x *exchange) proxyFunction(i *types.Integration) (*integrationResult, error) {
	payload, err := json.Marshal(x.proxyEvent())
	if err != nil {
		return nil, internal(err)
	}
	out, err := x.invoke(x.route.target, payload, aws.ToString(i.Credentials), x.sourceARN(), "")
	switch {
	case err != nil && x.ctx.Err() != nil && x.r.Context().Err() == nil:
		return nil, &failure{kind: types.GatewayResponseTypeIntegrationTimeout, code: "InternalServerErrorException", message: "Endpoint request timed out", cause: err}
	case err != nil:
		return nil, internal(err)
	case out.error != "":
		return nil, malformed(errors.New("the function failed: " + out.error))
	}
	return proxyAnswer(out.body)
}

// proxyAnswer is the answer that a function made.
func proxyAnswer(payload []byte) (*integrationResult, error) {
	var a struct {
		Status  *json.Number        `json:"statusCode"`
		Headers map[string]any      `json:"headers"`
		Multi   map[string][]string `json:"multiValueHeaders"`
		Body    *string             `json:"body"`
		Base64  bool                `json:"isBase64Encoded"`
		Cookies any                 `json:"cookies"`
	}
	if bytes.Equal(bytes.TrimSpace(payload), []byte("null")) {
		return nil, malformed(errors.New("malformed Lambda proxy response: null"))
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	if err := d.Decode(&a); err != nil {
		return nil, malformed(errors.New("malformed Lambda proxy response"))
	}
	out := &integrationResult{status: http.StatusOK, header: map[string][]string{}, done: true}
	if a.Status == nil {
		return nil, malformed(errors.New("malformed Lambda proxy response: it has no statusCode"))
	}
	n, err := a.Status.Int64()
	if err != nil || n < 200 || n > 599 { // below 200 no answer ends
		return nil, malformed(errors.New("malformed Lambda proxy response: " + a.Status.String() + " is not a status"))
	}
	out.status = int(n)
	for k, v := range a.Headers {
		if s, ok := headerText(v); ok {
			out.header[http.CanonicalHeaderKey(k)] = []string{s}
		}
	}
	for k, v := range a.Multi {
		k = http.CanonicalHeaderKey(k)
		for _, s := range v {
			if !slices.Contains(out.header[k], s) {
				out.header[k] = append(out.header[k], s)
			}
		}
	}
	for k, v := range out.header {
		for _, s := range v {
			if strings.ContainsAny(k+s, "\r\n\x00") {
				return nil, malformed(errors.New("malformed Lambda proxy response: a header has a line break"))
			}
		}
	}
	if a.Body != nil {
		out.body = []byte(*a.Body)
		if a.Base64 {
			if out.body, err = base64.StdEncoding.DecodeString(*a.Body); err != nil {
				return nil, malformed(errors.New("malformed Lambda proxy response: the body is not base64"))
			}
		}
	}
	return out, nil
}

func headerText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		return v, true
	}
	b, err := json.Marshal(v)
	return string(b), err == nil
}
