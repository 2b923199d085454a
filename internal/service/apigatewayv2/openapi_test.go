package apigatewayv2

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
)

const described = `
openapi: 3.0.1
info: {title: orders, version: "1"}
x-amazon-apigateway-cors: {allowOrigins: ["https://a.example"], maxAge: 5}
components:
  securitySchemes:
    tokens:
      type: oauth2
      x-amazon-apigateway-authorizer:
        type: jwt
        identitySource: $request.header.Authorization
        jwtConfiguration: {issuer: "https://issuer.example", audience: [orders]}
    ask:
      type: apiKey
      x-amazon-apigateway-authorizer:
        type: request
        identitySource: "$request.header.a, $request.header.b"
        authorizerUri: arn:aws:lambda:eu-west-1:111111111111:function:auth
        authorizerPayloadFormatVersion: "2.0"
        enableSimpleResponses: true
        authorizerResultTtlInSeconds: 5
  x-amazon-apigateway-integrations:
    f: {type: AWS_PROXY, httpMethod: POST, uri: "arn:aws:lambda:eu-west-1:111111111111:function:f", payloadFormatVersion: "2.0"}
paths:
  /a:
    get:
      security: [{tokens: [read]}]
      x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/f"}
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/f"}
  /b/{id}:
    post:
      security: [{ask: []}]
      x-amazon-apigateway-integration:
        type: AWS_PROXY
        integrationSubtype: Kinesis-PutRecord
        credentials: arn:aws:iam::111111111111:role/api
        requestParameters: {StreamName: s, Data: $request.body.d, PartitionKey: $request.path.id}
        responseParameters: {"200": {"overwrite:statuscode": "202"}}
  /$default:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: {type: HTTP_PROXY, httpMethod: ANY, uri: "https://example.com"}
`

func TestImport(t *testing.T) {
	x := newBench(t)
	x.world.function = func(string) string { return `"in"` }
	if _, err := x.s.ReimportApi(x.ctx, &apigatewayv2.ReimportApiInput{ApiId: &x.api, Body: aws.String(described)}); err != nil {
		t.Fatal(err)
	}
	x.want("PUT", "/a", "", 200, "in")
	x.want("GET", "/a", "", 401, `{"message":"Unauthorized"}`)
	x.want("POST", "/b/1", "", 401, `{"message":"Unauthorized"}`)
	export := func(kind string) string {
		out, err := x.s.ExportApi(x.ctx, &apigatewayv2.ExportApiInput{ApiId: &x.api, Specification: aws.String("OAS30"), OutputType: &kind, StageName: aws.String("$default")})
		if err != nil {
			t.Fatal(err)
		}
		return string(out.Body)
	}
	want := export("JSON")
	for _, kind := range []string{"JSON", "YAML"} {
		if _, err := x.s.ReimportApi(x.ctx, &apigatewayv2.ReimportApiInput{ApiId: &x.api, Body: aws.String(export(kind)), FailOnWarnings: aws.Bool(true)}); err != nil {
			t.Fatalf("%v\n%s", err, export(kind))
		}
		if got := export("JSON"); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", kind, got, want)
		}
	}
	made, err := x.s.ImportApi(x.ctx, &apigatewayv2.ImportApiInput{Body: aws.String(described)})
	if err != nil || *made.Name != "orders" || *made.CorsConfiguration.MaxAge != 5 {
		t.Errorf("%+v %v", made, err)
	}
	for what, body := range map[string]string{
		"Swagger":    `{"swagger":"2.0","info":{"title":"a"}}`,
		"remote":     `{"openapi":"3.0.1","info":{"title":"a"},"paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"$ref":"https://x"}}}}}`,
		"websocket":  `{"openapi":"3.0.1","info":{"title":"a"},"paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"type":"mock"}}}}}`,
		"twice":      strings.Replace(described, "/b/{id}:", "/b/{id}/{id}:", 1),
		"wrong cors": `{"openapi":"3.0.1","info":{"title":"a"},"x-amazon-apigateway-cors":[]}` + "x",
	} {
		if _, err := x.s.ReimportApi(x.ctx, &apigatewayv2.ReimportApiInput{ApiId: &x.api, Body: aws.String(body)}); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	if got := export("JSON"); got != want {
		t.Error("a description that is refused has changed the API")
	}
}

func TestImportOfReferences(t *testing.T) {
	x := newBench(t)
	var paths strings.Builder
	for i := range 200 {
		fmt.Fprintf(&paths, `"/p%d":{"$ref":"#/x-p"},`, i)
	}
	body := `{"openapi":"3.0.1","info":{"title":"a"},"x-p":{"get":{"x-amazon-apigateway-integration":{"type":"http_proxy","httpMethod":"GET","uri":"https://example.com","requestParameters":{"overwrite:header.a":"` +
		strings.Repeat("x", 1<<20) + `"}}}},"paths":{` + strings.TrimSuffix(paths.String(), ",") + `}}`
	if _, err := x.s.ReimportApi(x.ctx, &apigatewayv2.ReimportApiInput{ApiId: &x.api, Body: &body}); err == nil || !strings.Contains(err.Error(), "as its references are followed") {
		t.Errorf("%.200v", err)
	}
}

func TestImportOfAnEndpointThatIsOff(t *testing.T) {
	x := newBench(t)
	const about = `"x-amazon-apigateway-endpoint-configuration":{"disableExecuteApiEndpoint":true}`
	for what, body := range map[string]string{
		"of a server":     `{"openapi":"3.0.1","info":{"title":"a"},"servers":[{"url":"/",` + about + `}]}`,
		"of the document": `{"openapi":"3.0.1","info":{"title":"a"},` + about + `}`,
	} {
		out, err := x.s.ImportApi(x.ctx, &apigatewayv2.ImportApiInput{Body: &body})
		if err != nil || !aws.ToBool(out.DisableExecuteApiEndpoint) {
			t.Fatalf("%s: %v %+v", what, err, out)
		}
		made, err := x.s.ExportApi(x.ctx, &apigatewayv2.ExportApiInput{ApiId: out.ApiId, Specification: aws.String("OAS30"), OutputType: aws.String("JSON")})
		if err != nil || !strings.Contains(string(made.Body), `"disableExecuteApiEndpoint": true`) {
			t.Errorf("%s: exported %v %s", what, err, made.Body)
		}
	}
}
