package apigateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/engine/openapi"
)

const described = `
swagger: "2.0"
info: {title: orders, version: "1"}
basePath: /base
x-amazon-apigateway-binary-media-types: [image/*]
x-amazon-apigateway-request-validators:
  all: {validateRequestBody: true, validateRequestParameters: true}
x-amazon-apigateway-request-validator: all
x-amazon-apigateway-gateway-responses:
  BAD_REQUEST_BODY:
    statusCode: 422
    responseTemplates: {application/json: '{"no":$context.error.messageString}'}
securityDefinitions:
  key: {type: apiKey, name: x-api-key, in: header}
  who:
    type: apiKey
    name: Authorization
    in: header
    x-amazon-apigateway-authtype: custom
    x-amazon-apigateway-authorizer:
      type: token
      authorizerUri: arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:auth/invocations
      authorizerResultTtlInSeconds: 0
paths:
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, type: string}
    post:
      operationId: putOrder
      consumes: [application/json]
      parameters:
        - {in: body, name: order, schema: {$ref: "#/definitions/Order"}}
        - {in: query, name: dry, required: true, type: string}
      responses:
        200:
          description: ok
          headers: {X-Id: {type: string}}
          schema: {$ref: "#/definitions/Order"}
      x-amazon-apigateway-integration:
        type: aws
        httpMethod: POST
        uri: arn:aws:apigateway:eu-west-1:kinesis:action/PutRecord
        credentials: arn:aws:iam::111111111111:role/api
        requestTemplates:
          application/json: '{"PartitionKey":"$input.params(''id'')"}'
        responses:
          default:
            statusCode: "200"
            responseParameters: {method.response.header.X-Id: "'x'"}
  /secret:
    get:
      security: [{who: []}, {key: []}]
      responses: {200: {description: ok}}
      x-amazon-apigateway-integration: {type: mock, requestTemplates: {application/json: '{"statusCode":200}'}, responses: {default: {statusCode: 200}}}
definitions:
  Order:
    type: object
    required: [item]
    properties: {item: {$ref: "#/definitions/Item"}}
  Item: {type: object, required: [name]}
`

func TestImport(t *testing.T) {
	x := newBench(t)
	x.world.serve = func(service, action string, _ *http.Request, body string) (int, http.Header, string) {
		return 200, nil, body
	}
	made, err := x.s.ImportRestApi(x.ctx, &apigateway.ImportRestApiInput{Body: []byte(described)})
	if err != nil {
		t.Fatal(err)
	}
	if *made.Name != "orders" || len(made.Warnings) > 0 || made.BinaryMediaTypes[0] != "image/*" {
		t.Errorf("%+v", made)
	}
	x.api = *made.Id
	x.deploy()
	x.want("POST", "/orders/7?dry=1", `{"item":{"name":"a"}}`, 200, `{"PartitionKey":"7"}`)
	x.want("POST", "/orders/7?dry=1", `{"item":{}}`, 422, `{"no":"Invalid request body"}`)
	x.want("POST", "/orders/7", `{"item":{"name":"a"}}`, 400, `{"message": "Missing required request parameters: [dry]"}`)
	x.want("GET", "/secret", "", 401, `{"message":"Unauthorized"}`)
	// What is exported makes the same again, in either form and either writing.
	export := func(api, kind, accepts string) string {
		out, err := x.s.GetExport(x.ctx, &apigateway.GetExportInput{RestApiId: &api, StageName: aws.String("v1"), ExportType: &kind, Accepts: &accepts, Parameters: map[string]string{"extensions": "apigateway"}})
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(out.Body), api, "API")
	}
	before := x.api
	root, err := x.s.api(x.ctx, &before)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"swagger", "oas30"} {
		want := export(before, kind, "application/json")
		for _, accepts := range []string{"application/json", "application/yaml"} {
			if _, err := x.s.PutRestApi(x.ctx, &apigateway.PutRestApiInput{RestApiId: &before, Mode: types.PutModeOverwrite, Body: []byte(export(before, kind, accepts))}); err != nil {
				t.Fatalf("%s %s: %v\n%s", kind, accepts, err, want)
			}
			x.deploy()
			if got := export(before, kind, "application/json"); got != want {
				t.Errorf("%s %s: got\n%s\nwant\n%s", kind, accepts, got, want)
			}
			x.want("POST", "/orders/7?dry=1", `{"item":{"name":"a"}}`, 200, `{"PartitionKey":"7"}`)
			x.want("POST", "/orders/7?dry=1", `{"item":{}}`, 422, `{"no":"Invalid request body"}`)
		}
	}
	after, err := x.s.api(x.ctx, &before)
	if err != nil {
		t.Fatal(err)
	}
	for id := range root.Resources {
		if after.Resources[id] == nil {
			t.Errorf("the resource %s has another id", id)
		}
	}
	// Merging adds.
	if _, err := x.s.PutRestApi(x.ctx, &apigateway.PutRestApiInput{RestApiId: &before, Body: []byte(`{"swagger":"2.0","info":{"title":"more"},"paths":{"/more":{"x-amazon-apigateway-any-method":{"responses":{"200":{}},"x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200","responseTemplates":{"application/json":"m"}}}}}}}}`)}); err != nil {
		t.Fatal(err)
	}
	x.deploy()
	x.want("PUT", "/more", "", 200, "m")
	x.want("POST", "/orders/7?dry=1", `{"item":{"name":"a"}}`, 200, `{"PartitionKey":"7"}`)
}

func TestImportRefuses(t *testing.T) {
	x := newBench(t)
	start := `{"swagger":"2.0","info":{"title":"a"},`
	integrated := func(i string) string {
		return start + `"paths":{"/a":{"get":{"responses":{"200":{}},"x-amazon-apigateway-integration":` + i + `}}}}`
	}
	for what, body := range map[string]string{
		"no document":          `x`,
		"no name":              `{"swagger":"2.0"}`,
		"remote $ref":          start + `"definitions":{"A":{"$ref":"https://example.com/a.json"}}}`,
		"file $ref":            start + `"definitions":{"A":{"properties":{"a":{"$ref":"file:///etc/passwd"}}}}}`,
		"remote path":          start + `"paths":{"/a":{"$ref":"https://example.com"}}}`,
		"unknown scheme":       start + `"security":[{"x":[]}],"paths":{"/a":{"get":{}}}}`,
		"user pools":           start + `"securityDefinitions":{"x":{"type":"apiKey","x-amazon-apigateway-authorizer":{"type":"cognito_user_pools"}}}}`,
		"bad integration":      integrated(`{"type":"aws","uri":"x"}`),
		"bad template":         integrated(`{"type":"mock","requestTemplates":{"a/b":"#if("}}`),
		"undeclared response":  integrated(`{"type":"mock","responses":{"default":{"statusCode":"201"}}}`),
		"a number as type":     integrated(`{"type":1}`),
		"bad pattern":          integrated(`{"type":"mock","responses":{"(":{"statusCode":"200"}}}`),
		"two variables":        start + `"paths":{"/{a}":{},"/{b}":{}}}`,
		"bad status":           start + `"paths":{"/a":{"get":{"responses":{"20x":{}}}}}}`,
		"unknown validator":    start + `"x-amazon-apigateway-request-validator":"x","paths":{"/a":{"get":{}}}}`,
		"many models":          start + `"definitions":{` + strings.TrimSuffix(strings.Repeat(`"N":{},`, 1), ",") + many(300) + `}}`,
		"unknown gateway kind": start + `"x-amazon-apigateway-gateway-responses":{"X":{}}}`,
	} {
		if out, err := x.s.ImportRestApi(x.ctx, &apigateway.ImportRestApiInput{Body: []byte(body)}); err == nil {
			t.Errorf("%s is taken: %+v", what, out)
		}
		before, _ := x.s.api(x.ctx, &x.api)
		if _, err := x.s.PutRestApi(x.ctx, &apigateway.PutRestApiInput{RestApiId: &x.api, Mode: types.PutModeOverwrite, Body: []byte(body)}); err == nil {
			t.Errorf("%s is put", what)
		}
		if after, _ := x.s.api(x.ctx, &x.api); after.Name != before.Name {
			t.Errorf("%s: the API is changed by half", what)
		}
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"M` + itoa(i) + `":{}`)
	}
	return b.String()
}

// What a client, or a server behind, says of its connection goes no further, and paths lead nowhere else.
func TestHTTPProxyIsClean(t *testing.T) {
	var got *http.Request
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		w.Header().Set("X-Kept", "1")
	}))
	defer back.Close()
	x := newBench(t)
	x.method("ANY", "/p/{proxy+}", apigateway.PutMethodInput{AuthorizationType: aws.String("NONE"), RequestParameters: map[string]bool{"method.request.path.proxy": true}},
		apigateway.PutIntegrationInput{Type: types.IntegrationTypeHttpProxy, IntegrationHttpMethod: aws.String("ANY"), Uri: aws.String(back.URL + "/base/{proxy}"), RequestParameters: map[string]string{"integration.request.path.proxy": "method.request.path.proxy"}})
	x.deploy()
	code, h, _ := x.do("POST", "/p/a/..%2F..%2Fetc", "x", "Connection", "X-Secret", "X-Secret", "s", "Transfer-Encoding", "chunked", "Upgrade", "h2c", "X-Kept", "1")
	if code != 200 || h.Get("X-Hop") != "" || h.Get("X-Kept") != "1" {
		t.Errorf("%d %v", code, h)
	}
	if got.URL.EscapedPath() != "/base/a/%2E%2E/%2E%2E/etc" || got.Header.Get("X-Secret") != "" || got.Header.Get("Upgrade") != "" || len(got.TransferEncoding) > 0 || got.Header.Get("X-Kept") != "1" {
		t.Errorf("%s %v %v", got.URL.EscapedPath(), got.TransferEncoding, got.Header)
	}
}

// TestImportOfReferences has small descriptions that references make huge, or slow.
func TestImportOfReferences(t *testing.T) {
	x := newBench(t)
	long := strings.Repeat("x", 1<<20)
	paths := func(item string) string {
		var b strings.Builder
		for i := range 250 {
			fmt.Fprintf(&b, `"/p%d":%s,`, i, item)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	const head = `{"openapi":"3.0.1","info":{"title":"a"},`
	for what, body := range map[string]string{
		"templates":  head + `"x-i":{"type":"mock","requestTemplates":{"application/json":"` + long[:200_000] + `"}},"paths":{` + paths(`{"get":{"x-amazon-apigateway-integration":{"$ref":"#/x-i"}}}`) + `}}`,
		"schemas":    head + `"x-p":{"post":{"requestBody":{"content":{"application/json":{"schema":{"description":"` + long + `"}}}}}},"paths":{` + paths(`{"$ref":"#/x-p"}`) + `}}`,
		"parameters": head + `"x-p":{"get":{"parameters":[{"in":"query","name":"` + long + `"}]}},"paths":{` + paths(`{"$ref":"#/x-p"}`) + `}}`,
		"headers":    head + `"x-p":{"get":{"responses":{"200":{"headers":{"` + long + `":{}}}}}},"paths":{` + paths(`{"$ref":"#/x-p"}`) + `}}`,
	} {
		_, err := x.s.ImportRestApi(x.ctx, &apigateway.ImportRestApiInput{Body: []byte(body)})
		if err == nil || !strings.Contains(err.Error(), "as its references are followed") {
			t.Errorf("%s: %.200v", what, err)
		}
	}
	made, err := x.s.ImportRestApi(x.ctx, &apigateway.ImportRestApiInput{Body: []byte(head + `"x-p":{"get":{"parameters":[` + strings.TrimSuffix(strings.Repeat(`{"in":"cookie","name":"a"},`, 100), ",") + `]}},"paths":{` + paths(`{"$ref":"#/x-p"}`) + `}}`)})
	if err != nil || len(made.Warnings) != openapi.MaxWarnings+1 {
		t.Errorf("warnings: %v, %d", err, len(made.Warnings))
	}
}

// TestModelsAreReadOnce imports as many models as there may be, each as large as a description allows, that refer to each other.
func TestModelsAreReadOnce(t *testing.T) {
	d := &apiDoc{ID: "a", Models: map[string]types.Model{}}
	for i := range maxModels {
		name := fmt.Sprintf("M%d", i)
		schema := fmt.Sprintf(`{"description":%q,"properties":{"next":{"$ref":"%sa/models/M%d"}}}`, strings.Repeat("x", 10_000), modelBase, (i+1)%maxModels)
		d.Models[name] = types.Model{Name: &name, Schema: &schema}
	}
	ms, err := modelsOf(d)
	if err != nil {
		t.Fatal(err)
	}
	each := testing.AllocsPerRun(1, func() {
		for name := range d.Models {
			m := d.Models[name]
			if err := ms.check(&m); err != nil {
				t.Fatal(err)
			}
		}
	}) / maxModels
	if each > 1000 { // reading all for each took many thousands
		t.Errorf("%v allocations for a model", each)
	}
	bad := types.Model{Name: aws.String("Bad"), Schema: aws.String("{")}
	good := types.Model{Name: aws.String("Good"), Schema: aws.String("{}")}
	d.Models = map[string]types.Model{"Bad": bad, "Good": good}
	if err := d.checkModel(&good); err != nil {
		t.Errorf("beside one that is no JSON: %v", err)
	}
	if err := d.checkModel(&bad); err == nil {
		t.Error("a schema that is no JSON is taken")
	}
}
