package apigateway

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/servicetest"
)

func TestAPI(t *testing.T) {
	servicetest.Run(t, "*.txt", newTested)
}

func TestTwoByTurns(t *testing.T) { servicetest.Turns(t, "*.txt", nil, newTested) }

func newTested(t testing.TB, p servicetest.Parts) servicetest.Service {
	s, err := New(Config{State: p.State, Clock: p.Clock, Logger: p.Logger})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// world is what APIs of a test reach.
type world struct {
	mu    sync.Mutex
	calls []string // "kinesis PutRecord {...}"
	serve func(service, action string, r *http.Request, body string) (int, http.Header, string)
}

func (w *world) Call(ctx context.Context, service, action string, r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.calls = append(w.calls, service+" "+action+" "+string(b))
	w.mu.Unlock()
	status, h, body := w.serve(service, action, r, string(b))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if h == nil {
		h = http.Header{"Content-Type": {"application/x-amz-json-1.1"}}
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// bench is a service with an API under construction.
type bench struct {
	t     *testing.T
	s     *Service
	clock *clockwork.FakeClock
	world *world
	api   string
	root  string
	ctx   context.Context
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close(); b.Close() })
	x := &bench{t: t, clock: clockwork.NewFakeClockAt(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)), world: &world{}}
	if x.s, err = New(Config{State: st, Services: x.world, Clock: x.clock, Outbound: http.DefaultClient}); err != nil {
		t.Fatal(err)
	}
	x.ctx = awswire.WithCaller(t.Context(), awswire.Caller{Account: "111111111111", Region: "eu-west-1"})
	api, err := x.s.CreateRestApi(x.ctx, &apigateway.CreateRestApiInput{Name: aws.String("test")})
	if err != nil {
		t.Fatal(err)
	}
	x.api, x.root = *api.Id, *api.RootResourceId
	return x
}

// method adds a method at a path of one or more parts, and its integration.
func (x *bench) method(verb, path string, m apigateway.PutMethodInput, i apigateway.PutIntegrationInput, answers ...apigateway.PutIntegrationResponseInput) {
	x.t.Helper()
	parent := x.root
	for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
		if part == "" {
			continue
		}
		d, err := x.s.api(x.ctx, &x.api)
		if err != nil {
			x.t.Fatal(err)
		}
		found := ""
		for _, id := range d.children(parent) {
			if d.Resources[id].Part == part {
				found = id
			}
		}
		if found == "" {
			r, err := x.s.CreateResource(x.ctx, &apigateway.CreateResourceInput{RestApiId: &x.api, ParentId: aws.String(parent), PathPart: aws.String(part)})
			if err != nil {
				x.t.Fatal(err)
			}
			found = *r.Id
		}
		parent = found
	}
	m.RestApiId, m.ResourceId, m.HttpMethod = &x.api, aws.String(parent), aws.String(verb)
	if m.AuthorizationType == nil {
		m.AuthorizationType = aws.String("NONE")
	}
	if _, err := x.s.PutMethod(x.ctx, &m); err != nil {
		x.t.Fatal(err)
	}
	i.RestApiId, i.ResourceId, i.HttpMethod = m.RestApiId, m.ResourceId, m.HttpMethod
	if i.IntegrationHttpMethod == nil {
		i.IntegrationHttpMethod = aws.String("POST")
	}
	if _, err := x.s.PutIntegration(x.ctx, &i); err != nil {
		x.t.Fatal(err)
	}
	for _, a := range answers {
		params := map[string]bool{}
		for k := range a.ResponseParameters {
			params[k] = true
		}
		_, err := x.s.PutMethodResponse(x.ctx, &apigateway.PutMethodResponseInput{RestApiId: &x.api, ResourceId: m.ResourceId, HttpMethod: m.HttpMethod, StatusCode: a.StatusCode, ResponseParameters: params})
		if err != nil {
			x.t.Fatal(err)
		}
		a.RestApiId, a.ResourceId, a.HttpMethod = m.RestApiId, m.ResourceId, m.HttpMethod
		if _, err := x.s.PutIntegrationResponse(x.ctx, &a); err != nil {
			x.t.Fatal(err)
		}
	}
}

func (x *bench) deploy() {
	x.t.Helper()
	if _, err := x.s.CreateDeployment(x.ctx, &apigateway.CreateDeploymentInput{RestApiId: &x.api, StageName: aws.String("v1"), Variables: map[string]string{"fn": "live"}}); err != nil {
		x.t.Fatal(err)
	}
}

// do sends a request to the stage and returns status, head and body.
func (x *bench) do(verb, path, body string, header ...string) (int, http.Header, string) {
	x.t.Helper()
	r := httptest.NewRequest(verb, "http://node/_aws/execute-api/"+x.api+"/v1"+path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	front := x.s.Fronts()[0]
	if !front.Claims(r) {
		x.t.Fatalf("%s is not claimed", r.URL)
	}
	w := httptest.NewRecorder()
	front.Handler.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

func (x *bench) want(verb, path, body string, status int, answer string, header ...string) {
	x.t.Helper()
	code, _, got := x.do(verb, path, body, header...)
	if code != status || got != answer {
		x.t.Errorf("%s %s: %d %s, want %d %s", verb, path, code, got, status, answer)
	}
}

const ordersTemplate = "#set($inputRoot = $input.path('$'))\n{\n  \"StreamName\": \"$inputRoot.StreamName\",\n  \"PartitionKey\": \"$inputRoot.PartitionKey\",\n  \"Data\": \"$inputRoot.Data\"\n}\n"

func TestOrders(t *testing.T) {
	x := newBench(t)
	x.world.serve = func(service, action string, r *http.Request, body string) (int, http.Header, string) {
		if strings.Contains(body, `"StreamName": ""`) {
			return 400, nil, `{"__type":"ValidationException"}`
		}
		return 200, nil, `{"SequenceNumber":"1","ShardId":"shardId-000000000000"}`
	}
	x.method("POST", "/orders", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{
		Type: types.IntegrationTypeAws, Uri: aws.String("arn:aws:apigateway:eu-west-1:kinesis:action/PutRecord"),
		Credentials: aws.String("arn:aws:iam::111111111111:role/api"), RequestTemplates: map[string]string{"application/json": ordersTemplate},
	}, apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200"), ResponseTemplates: map[string]string{"application/json": ""}},
		apigateway.PutIntegrationResponseInput{StatusCode: aws.String("400"), SelectionPattern: aws.String(`4\d\d`), ResponseTemplates: map[string]string{"application/json": `{"refused":$input.json('$.__type'),"by":"$context.resourcePath"}`}})
	x.deploy()
	const order = `{"StreamName":"ingestion-dev","PartitionKey":"k","Data":"eyJ9"}`
	x.want("POST", "/orders", order, 200, `{"SequenceNumber":"1","ShardId":"shardId-000000000000"}`)
	if want := "kinesis PutRecord {\n  \"StreamName\": \"ingestion-dev\",\n  \"PartitionKey\": \"k\",\n  \"Data\": \"eyJ9\"\n}\n"; x.world.calls[0] != want {
		t.Errorf("called %q, want %q", x.world.calls[0], want)
	}
	x.want("POST", "/orders", `{}`, 400, `{"refused":"ValidationException","by":"/orders"}`)
	x.want("GET", "/orders", "", 403, `{"message":"Missing Authentication Token"}`)
	x.want("POST", "/nothing", "", 403, `{"message":"Missing Authentication Token"}`)
	x.want("POST", "/orders/", order, 200, `{"SequenceNumber":"1","ShardId":"shardId-000000000000"}`)
	// What is not deployed yet is not seen.
	x.method("GET", "/later", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock})
	x.want("GET", "/later", "", 403, `{"message":"Missing Authentication Token"}`)
	// Other doors to the same stage.
	for _, url := range []string{"http://" + x.api + ".execute-api.eu-west-1.amazonaws.com/v1/orders", "http://" + x.api + ".execute-api.localhost:4566/v1/orders", "http://node/restapis/" + x.api + "/v1/_user_request_/orders"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", url, strings.NewReader(order))
		if f := x.s.Fronts()[0]; f.Claims(r) {
			f.Handler.ServeHTTP(w, r)
		}
		if w.Code != 200 || w.Header().Get("X-Amzn-Requestid") == "" {
			t.Errorf("%s: %d %s", url, w.Code, w.Body)
		}
	}
	for _, url := range []string{"http://node/restapis/" + x.api + "/resources", "http://bucket.s3.amazonaws.com/x", "http://node/" + x.api} {
		if x.s.Fronts()[0].Claims(httptest.NewRequest("GET", url, nil)) {
			t.Errorf("%s is claimed", url)
		}
	}
}

func TestValidation(t *testing.T) {
	x := newBench(t)
	v, err := x.s.CreateRequestValidator(x.ctx, &apigateway.CreateRequestValidatorInput{RestApiId: &x.api, Name: aws.String("all"), ValidateRequestBody: true, ValidateRequestParameters: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.s.CreateModel(x.ctx, &apigateway.CreateModelInput{RestApiId: &x.api, Name: aws.String("Order"), ContentType: aws.String("application/json"),
		Schema: aws.String(`{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","required":["id"],"properties":{"id":{"type":"integer","minimum":1}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, schema := range []string{`{"type": 5}`, `{`, `{"$ref":"http://127.0.0.1/x"}`} {
		_, err := x.s.CreateModel(x.ctx, &apigateway.CreateModelInput{RestApiId: &x.api, Name: aws.String("Bad"), ContentType: aws.String("application/json"), Schema: aws.String(schema)})
		if err == nil {
			t.Errorf("the schema %s is taken", schema)
		}
	}
	x.method("POST", "/v/{id}", apigateway.PutMethodInput{RequestValidatorId: v.Id, RequestModels: map[string]string{"application/json": "Order"}, RequestParameters: map[string]bool{"method.request.querystring.q": true, "method.request.header.X-Need": true}},
		apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`}},
		apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200"), ResponseTemplates: map[string]string{"application/json": `$input.params('id') $input.params('q')`}, ResponseParameters: map[string]string{"method.response.header.X-Stage": "context.stage", "method.response.header.X-Fix": "'fixed'"}})
	x.deploy()
	x.want("POST", "/v/7", `{"id":1}`, 400, `{"message": "Missing required request parameters: [X-Need, q]"}`)
	x.want("POST", "/v/7?q=z", `{"id":0}`, 400, `{"message": "Invalid request body"}`, "X-Need", "1")
	x.want("POST", "/v/7?q=z", `not json`, 400, `{"message": "Invalid request body"}`, "X-Need", "1")
	code, h, body := x.do("POST", "/v/a%20b?q=z", `{"id":1}`, "X-Need", "1")
	if code != 200 || body != "a b z" || h.Get("X-Stage") != "v1" || h.Get("X-Fix") != "fixed" {
		t.Errorf("%d %v %s", code, h, body)
	}
	x.want("POST", "/v/7?q=z", strings.Repeat("x", maxPayload+1), 413, `{"message":"Request Too Long"}`, "X-Need", "1")
}

func TestPassthrough(t *testing.T) {
	x := newBench(t)
	x.world.serve = func(service, action string, r *http.Request, body string) (int, http.Header, string) {
		return 200, nil, body
	}
	for behavior, path := range map[string]string{"WHEN_NO_MATCH": "/match", "WHEN_NO_TEMPLATES": "/templates", "NEVER": "/never"} {
		x.method("POST", path, apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeAws, Uri: aws.String("arn:aws:apigateway:eu-west-1:sqs:path/1/q"), PassthroughBehavior: aws.String(behavior),
			RequestTemplates: map[string]string{"application/json": `[$input.body]`}}, apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	}
	x.deploy()
	for _, path := range []string{"/match", "/templates", "/never"} {
		x.want("POST", path, `1`, 200, `[1]`, "Content-Type", "application/json; charset=utf-8")
		x.want("POST", path, `1`, 200, `[1]`)
	}
	x.want("POST", "/match", `a,b`, 200, `a,b`, "Content-Type", "text/csv")
	x.want("POST", "/templates", `a,b`, 415, `{"message": "Unsupported Media Type"}`, "Content-Type", "text/csv")
	x.want("POST", "/never", `a,b`, 415, `{"message": "Unsupported Media Type"}`, "Content-Type", "text/csv")
}

const functionURI = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:f:${stageVariables.fn}/invocations"

func TestFunctions(t *testing.T) {
	x := newBench(t)
	var event map[string]any
	answer, failed := "", false
	x.world.serve = func(service, _ string, r *http.Request, body string) (int, http.Header, string) {
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			t.Errorf("the event is not JSON: %v", err)
		}
		if want := "/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:f:live/invocations"; r.URL.Path != want {
			t.Errorf("%s, want %s", r.URL.Path, want)
		}
		h := http.Header{}
		if failed {
			h.Set("X-Amz-Function-Error", "Unhandled")
		}
		return 200, h, answer
	}
	x.method("ANY", "/p/{rest+}", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeAwsProxy, Uri: aws.String(functionURI)})
	x.method("POST", "/m", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeAws, Uri: aws.String(functionURI)},
		apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")},
		apigateway.PutIntegrationResponseInput{StatusCode: aws.String("404"), SelectionPattern: aws.String(".*not found.*"), ResponseTemplates: map[string]string{"application/json": `{"why":"$input.path('$.errorMessage')"}`}})
	x.deploy()

	answer = `{"statusCode": 201, "headers": {"X-A": "b", "X-N": 5}, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}, "body": "made"}`
	code, h, body := x.do("PUT", "/p/a/b?x=1&x=2", `{"k":1}`, "X-In", "v")
	if code != 201 || body != "made" || h.Get("X-A") != "b" || h.Get("X-N") != "5" || len(h["Set-Cookie"]) != 2 {
		t.Errorf("%d %v %s", code, h, body)
	}
	if event["path"] != "/p/a/b" || event["resource"] != "/p/{rest+}" || event["httpMethod"] != "PUT" || event["body"] != `{"k":1}` || event["isBase64Encoded"] != false {
		t.Errorf("event %v", event)
	}
	if p := event["pathParameters"].(map[string]any); p["rest"] != "a/b" {
		t.Errorf("path parameters %v", p)
	}
	if q := event["queryStringParameters"].(map[string]any); q["x"] != "2" {
		t.Errorf("query %v", q)
	}
	if c := event["requestContext"].(map[string]any); c["stage"] != "v1" || c["identity"].(map[string]any)["sourceIp"] == "" {
		t.Errorf("context %v", c)
	}
	for _, bad := range []string{`null`, `"text"`, `{}`, `{"statusCode":"x"}`, `{"statusCode":20}`, `{"statusCode":200,"body":5}`, `{"statusCode":200,"headers":{"a":"b\r\nc: d"}}`, `{"statusCode":200,"isBase64Encoded":true,"body":"%"}`} {
		answer = bad
		x.want("GET", "/p/a", "", 502, `{"message": "Internal server error"}`)
	}
	answer = `{"statusCode":200,"isBase64Encoded":true,"body":"AAE="}`
	x.want("GET", "/p/a", "", 200, "\x00\x01")
	answer, failed = `{"errorMessage":"boom","errorType":"E"}`, true
	x.want("GET", "/p/a", "", 502, `{"message": "Internal server error"}`)
	x.want("POST", "/m", `{}`, 200, answer) // no pattern matches: the answer without one
	answer = `{"errorMessage":"order not found"}`
	x.want("POST", "/m", `{}`, 404, `{"why":"order not found"}`)
	answer, failed = `{"ok":true}`, false
	x.want("POST", "/m", `{}`, 200, `{"ok":true}`)
}

func TestKeysAndThrottles(t *testing.T) {
	x := newBench(t)
	x.method("GET", "/k", apigateway.PutMethodInput{ApiKeyRequired: true}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode":200}`}},
		apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	x.deploy()
	x.want("GET", "/k", "", 403, `{"message":"Forbidden"}`)
	key, err := x.s.CreateApiKey(x.ctx, &apigateway.CreateApiKeyInput{Name: aws.String("k"), Enabled: true, Value: aws.String(strings.Repeat("k", 20))})
	if err != nil {
		t.Fatal(err)
	}
	x.want("GET", "/k", "", 403, `{"message":"Forbidden"}`, "X-Api-Key", *key.Value) // in no plan
	plan, err := x.s.CreateUsagePlan(x.ctx, &apigateway.CreateUsagePlanInput{Name: aws.String("p"), ApiStages: []types.ApiStage{{ApiId: &x.api, Stage: aws.String("v1")}}, Throttle: &types.ThrottleSettings{RateLimit: 1, BurstLimit: 2}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.s.CreateUsagePlanKey(x.ctx, &apigateway.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: key.Id, KeyType: aws.String("API_KEY")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		x.want("GET", "/k", "", 200, "", "X-Api-Key", *key.Value)
	}
	x.want("GET", "/k", "", 429, `{"message":"Too Many Requests"}`, "X-Api-Key", *key.Value)
	x.clock.Advance(time.Second)
	x.want("GET", "/k", "", 200, "", "X-Api-Key", *key.Value)
}

func TestPolicies(t *testing.T) {
	x := newBench(t)
	x.method("GET", "/open", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode":200}`}}, apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	x.method("GET", "/shut", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode":200}`}}, apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	x.method("GET", "/iam", apigateway.PutMethodInput{AuthorizationType: aws.String("AWS_IAM")}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode":200}`}}, apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"},{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/v1/GET/shut"}]}`
	if _, err := x.s.UpdateRestApi(x.ctx, &apigateway.UpdateRestApiInput{RestApiId: &x.api, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/policy"), Value: &policy}}}); err != nil {
		t.Fatal(err)
	}
	x.deploy()
	x.want("GET", "/open", "", 200, "")
	code, _, body := x.do("GET", "/shut", "")
	if code != 403 || !strings.Contains(body, "with an explicit deny") {
		t.Errorf("%d %s", code, body)
	}
	x.want("GET", "/iam", "", 403, `{"message":"Missing Authentication Token"}`)
}

func TestGatewayResponses(t *testing.T) {
	x := newBench(t)
	x.method("GET", "/", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `not json`}}, apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	_, err := x.s.PutGatewayResponse(x.ctx, &apigateway.PutGatewayResponseInput{RestApiId: &x.api, ResponseType: types.GatewayResponseTypeMissingAuthenticationToken, StatusCode: aws.String("404"),
		ResponseTemplates:  map[string]string{"application/json": `{"error":$context.error.messageString,"kind":"$context.error.responseType"}`},
		ResponseParameters: map[string]string{"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}})
	if err != nil {
		t.Fatal(err)
	}
	x.deploy()
	code, h, body := x.do("GET", "/x", "")
	if code != 404 || body != `{"error":"Missing Authentication Token","kind":"MISSING_AUTHENTICATION_TOKEN"}` || h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %v %s", code, h, body)
	}
	x.want("GET", "/", "", 500, `{"message": "Internal server error"}`)
}

func FuzzProxyAnswer(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":"b"},"body":"x","isBase64Encoded":false}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if out, err := proxyAnswer(payload); err == nil && (out.status < 200 || out.status > 599) {
			t.Errorf("status %d", out.status)
		}
	})
}
