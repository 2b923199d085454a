package apigatewayv2

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/servicetest"
)

func TestAPI(t *testing.T) { servicetest.Run(t, "*.txt", newTested) }

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
	mu       sync.Mutex
	calls    []string // "kinesis PutRecord {...}"
	function func(payload string) string
	service  func(service, action, body string) (int, string)
}

func (w *world) Call(ctx context.Context, service, action string, r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c := awswire.CallerFrom(ctx)
	who := ""
	if c.Session != nil {
		who = c.Session.Source + c.Session.Service
	}
	w.mu.Lock()
	w.calls = append(w.calls, service+" "+action+" "+who+" "+string(b))
	w.mu.Unlock()
	status, body := 200, ""
	h := http.Header{"Content-Type": {"application/x-amz-json-1.1"}}
	if service == "lambda" {
		body = w.function(string(b))
		if body == "wait" {
			<-ctx.Done()
		}
		if strings.HasPrefix(body, "!") {
			h.Set("X-Amz-Function-Error", "Unhandled")
			body = `{"errorMessage":"` + body[1:] + `"}`
		}
	} else {
		status, body = w.service(service, action, string(b))
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
}

type lines struct{ all []string }

func (l *lines) Log(_ context.Context, _, _, line string) error {
	l.all = append(l.all, line)
	return nil
}

type memory struct{ key []byte }

func (m *memory) Load(context.Context) ([]byte, error) { return m.key, nil }
func (m *memory) Save(_ context.Context, key []byte) ([]byte, error) {
	m.key = key
	return key, nil
}

// bench is a service with an API under construction.
type bench struct {
	t     *testing.T
	s     *Service
	clock *clockwork.FakeClock
	world *world
	logs  *lines
	api   string
	ctx   context.Context
	owner awswire.Caller // who signs
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
	x := &bench{t: t, clock: clockwork.NewFakeClockAt(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)), world: &world{}, logs: &lines{}}
	if x.s, err = New(Config{State: st, Services: x.world, Logs: x.logs, Clock: x.clock, Outbound: http.DefaultClient}); err != nil {
		t.Fatal(err)
	}
	x.ctx = awswire.WithCaller(t.Context(), awswire.Caller{Account: "111111111111", Region: "eu-west-1"})
	api, err := x.s.CreateApi(x.ctx, &apigatewayv2.CreateApiInput{Name: aws.String("test"), ProtocolType: types.ProtocolTypeHttp})
	if err != nil {
		t.Fatal(err)
	}
	x.api = *api.ApiId
	if _, err := x.s.CreateStage(x.ctx, &apigatewayv2.CreateStageInput{ApiId: &x.api, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true), StageVariables: map[string]string{"v": "1"}}); err != nil {
		t.Fatal(err)
	}
	return x
}

const function = "arn:aws:lambda:eu-west-1:111111111111:function:f"

// route adds a route with an integration; of a function, where nothing else is said.
func (x *bench) route(key string, i apigatewayv2.CreateIntegrationInput, change ...func(*apigatewayv2.CreateRouteInput)) {
	x.t.Helper()
	i.ApiId = &x.api
	if i.IntegrationType == "" {
		i.IntegrationType, i.PayloadFormatVersion = types.IntegrationTypeAwsProxy, aws.String("2.0")
	}
	if i.IntegrationUri == nil && i.IntegrationSubtype == nil {
		i.IntegrationUri = aws.String(function)
	}
	made, err := x.s.CreateIntegration(x.ctx, &i)
	if err != nil {
		x.t.Fatal(err)
	}
	in := &apigatewayv2.CreateRouteInput{ApiId: &x.api, RouteKey: &key, Target: aws.String("integrations/" + *made.IntegrationId)}
	for _, f := range change {
		f(in)
	}
	if _, err := x.s.CreateRoute(x.ctx, in); err != nil {
		x.t.Fatal(err)
	}
}

func (x *bench) do(method, target, body string, header ...string) (int, http.Header, string) {
	x.t.Helper()
	r := httptest.NewRequest(method, "http://"+x.api+".execute-api.eu-west-1.amazonaws.com"+target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	x.s.ServeHTTP(w, r.WithContext(awswire.WithCaller(r.Context(), x.owner)))
	return w.Code, w.Header(), w.Body.String()
}

func (x *bench) want(method, target, body string, code int, answer string, header ...string) {
	x.t.Helper()
	if c, _, got := x.do(method, target, body, header...); c != code || got != answer {
		x.t.Errorf("%s %s: %d %s, want %d %s", method, target, c, got, code, answer)
	}
}

func TestRoutes(t *testing.T) {
	x := newBench(t)
	x.world.function = func(payload string) string {
		var e struct {
			Key    string            `json:"routeKey"`
			Path   string            `json:"rawPath"`
			Params map[string]string `json:"pathParameters"`
		}
		_ = json.Unmarshal([]byte(payload), &e)
		b, _ := json.Marshal(e.Params)
		return `{"statusCode":200,"body":` + string(must(json.Marshal(e.Key+" "+e.Path+" "+string(b)))) + `}`
	}
	x.want("GET", "/", "", 404, `{"message":"Not Found"}`)
	for _, key := range []string{"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "ANY /pets/{kind}/x", "GET /"} {
		x.route(key, apigatewayv2.CreateIntegrationInput{})
	}
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/pets/dog/1", `GET /pets/dog/1 /pets/dog/1 null`},
		{"GET", "/pets/dog/2", `GET /pets/dog/{id} /pets/dog/2 {"id":"2"}`},
		{"GET", "/pets/dog/a%2Fb", `GET /pets/dog/{id} /pets/dog/a/b {"id":"a/b"}`},
		{"GET", "/pets/dog/%2525", `GET /pets/dog/{id} /pets/dog/%25 {"id":"%25"}`},
		{"GET", "/pets/cat/1", `GET /pets/{proxy+} /pets/cat/1 {"proxy":"cat/1"}`},
		{"POST", "/pets/cat/x", `ANY /pets/{kind}/x /pets/cat/x {"kind":"cat"}`},
		{"POST", "/pets/cat/y", `ANY /{proxy+} /pets/cat/y {"proxy":"pets/cat/y"}`},
		{"GET", "/", `GET / / null`},
		{"DELETE", "/a/../b", `ANY /{proxy+} /a/../b {"proxy":"a/../b"}`},
	} {
		x.want(c.method, c.path, "", 200, c.want)
	}
	x.want("POST", "/", "", 404, `{"message":"Not Found"}`)
	x.route("$default", apigatewayv2.CreateIntegrationInput{})
	x.want("POST", "/", "", 200, `$default / null`)
	// A stage of a name serves the deployment that it has, under its name.
	if _, err := x.s.CreateStage(x.ctx, &apigatewayv2.CreateStageInput{ApiId: &x.api, StageName: aws.String("v1")}); err != nil {
		t.Fatal(err)
	}
	x.want("GET", "/v1/pets/dog/1", "", 404, `{"message":"Not Found"}`)
	if _, err := x.s.CreateDeployment(x.ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &x.api, StageName: aws.String("v1")}); err != nil {
		t.Fatal(err)
	}
	x.want("GET", "/v1/pets/dog/1", "", 200, `GET /pets/dog/1 /v1/pets/dog/1 null`)
	x.want("GET", "/v2/pets/dog/1", "", 200, `ANY /{proxy+} /v2/pets/dog/1 {"proxy":"v2/pets/dog/1"}`)
	// What stops deploying automatically serves what it served.
	if _, err := x.s.UpdateStage(x.ctx, &apigatewayv2.UpdateStageInput{ApiId: &x.api, StageName: aws.String("$default"), AutoDeploy: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	x.route("GET /late", apigatewayv2.CreateIntegrationInput{})
	x.want("GET", "/late", "", 200, `ANY /{proxy+} /late {"proxy":"late"}`)
}

func must(b []byte, _ error) []byte { return b }

func TestFunctionAnswers(t *testing.T) {
	x := newBench(t)
	x.route("ANY /2", apigatewayv2.CreateIntegrationInput{})
	x.route("ANY /slow", apigatewayv2.CreateIntegrationInput{TimeoutInMillis: aws.Int32(50)})
	x.route("ANY /1", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: aws.String("1.0")})
	const broken = `{"message":"Internal Server Error"}`
	for _, c := range []struct {
		path, answer string
		code         int
		body, kind   string
	}{
		{"/2", `{"message":"x"}`, 200, `{"message":"x"}`, "application/json"},
		{"/2", `"hello"`, 200, `hello`, "application/json"},
		{"/2", `{"statusCode":201,"body":"x"}`, 201, `x`, "text/plain; charset=utf-8"},
		{"/2", `{"statusCode":"201","headers":{"Content-Type":"a/b","N":1}}`, 201, ``, "a/b"},
		{"/2", `{"statusCode":200,"body":"eA==","isBase64Encoded":true}`, 200, "x", "text/plain; charset=utf-8"},
		{"/2", `{"statusCode":200,"body":"?","isBase64Encoded":true}`, 500, broken, "application/json"},
		{"/2", `{"statusCode":99}`, 500, broken, "application/json"},
		{"/2", `{"statusCode":101}`, 500, broken, "application/json"},
		{"/2", `{"statusCode":200,"body":{"a":1}}`, 500, broken, "application/json"},
		{"/2", `{"statusCode":200,"headers":{"a":"b\r\nc: d"}}`, 500, broken, "application/json"},
		{"/2", `{"statusCode":200,"headers":{"a b":"c"}}`, 500, broken, "application/json"},
		{"/2", `!boom`, 500, broken, "application/json"},
		{"/slow", `wait`, 503, `{"message":"Service Unavailable"}`, "application/json"},
		{"/1", `{"message":"x"}`, 500, broken, "application/json"},
		{"/1", `null`, 500, broken, "application/json"},
		{"/1", `{"statusCode":200,"body":"x","headers":{"content-type":"a/b"}}`, 200, "x", "a/b"},
	} {
		x.world.function = func(string) string { return c.answer }
		code, h, body := x.do("GET", c.path, "")
		if code != c.code || body != c.body || h.Get("Content-Type") != c.kind {
			t.Errorf("%s %s: %d %q %q, want %d %q %q", c.path, c.answer, code, body, h.Get("Content-Type"), c.code, c.body, c.kind)
		}
	}
	x.world.function = func(string) string { return `{"statusCode":204,"cookies":["a=1","b=2"]}` }
	if _, h, _ := x.do("GET", "/2", ""); len(h.Values("Set-Cookie")) != 2 {
		t.Errorf("cookies %v", h)
	}
	x.want("POST", "/2", strings.Repeat("x", maxPayload+1), 413, `{"message":"Request Entity Too Large"}`)
}

func TestEvents(t *testing.T) {
	x := newBench(t)
	x.route("POST /2/{id}", apigatewayv2.CreateIntegrationInput{RequestParameters: map[string]string{"append:header.via-route": "${request.path.id}-$context", "overwrite:querystring.q": "$request.querystring.other", "remove:header.gone": "''"}})
	x.route("POST /1", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy})
	var got string
	x.world.function = func(payload string) string { got = payload; return `{"statusCode":200}` }
	x.do("POST", "/2/a%20b?q=1&q=2&other=3", "a=b", "Content-Type", "application/x-www-form-urlencoded", "Cookie", "a=1; b=2", "X-Two", "1", "X-Two", "2", "Gone", "x", "User-Agent", "test")
	want := `{"body":"YT1i","cookies":["a=1","b=2"],"headers":{"content-type":"application/x-www-form-urlencoded","host":"HOST","user-agent":"test","via-route":"a b-$context","x-forwarded-for":"192.0.2.1","x-forwarded-proto":"http","x-two":"1,2"},` +
		`"isBase64Encoded":true,"pathParameters":{"id":"a b"},"queryStringParameters":{"other":"3","q":"3"},"rawPath":"/2/a b","rawQueryString":"q=1\u0026q=2\u0026other=3",` +
		`"requestContext":{"accountId":"111111111111","apiId":"API","domainName":"HOST","domainPrefix":"API","http":{"method":"POST","path":"/2/a b","protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"test"},"requestId":"ID",` +
		`"routeKey":"POST /2/{id}","stage":"$default","time":"06/May/2024:07:08:09 +0000","timeEpoch":1714979289000},"routeKey":"POST /2/{id}","stageVariables":{"v":"1"},"version":"2.0"}`
	if got = x.neutral(got); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	x.do("POST", "/1?q=1&q=2", "{}", "Content-Type", "application/json")
	for _, part := range []string{`"body":"{}"`, `"multiValueQueryStringParameters":{"q":["1","2"]}`, `"queryStringParameters":{"q":"2"}`, `"version":"1.0"`, `"pathParameters":null`, `"httpMethod":"POST"`, `"resource":"/1"`} {
		if !strings.Contains(got, part) {
			t.Errorf("%s is not in %s", part, got)
		}
	}
	if who := x.world.calls[0]; !strings.HasPrefix(who, "lambda  apigateway.amazonaws.com ") {
		t.Errorf("called by %s", who)
	}
}

// neutral replaces what differs from run to run.
func (x *bench) neutral(s string) string {
	var e struct {
		About struct {
			ID string `json:"requestId"`
		} `json:"requestContext"`
	}
	_ = json.Unmarshal([]byte(s), &e)
	host := x.api + ".execute-api.eu-west-1.amazonaws.com"
	return strings.NewReplacer(host, "HOST", x.api, "API", e.About.ID, "ID").Replace(s)
}

func TestServices(t *testing.T) {
	x := newBench(t)
	role := aws.String("arn:aws:iam::111111111111:role/api")
	x.route("POST /k", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, IntegrationSubtype: aws.String("Kinesis-PutRecord"), CredentialsArn: role,
		RequestParameters:  map[string]string{"StreamName": "s-${stageVariables.v}", "Data": "$request.body.data", "PartitionKey": "$request.header.key"},
		ResponseParameters: map[string]map[string]string{"200": {"overwrite:statuscode": "202", "append:header.sequence": "$response.body.SequenceNumber"}}})
	x.route("POST /q", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, IntegrationSubtype: aws.String("SQS-SendMessage"), CredentialsArn: role,
		RequestParameters: map[string]string{"QueueUrl": "https://q", "MessageBody": "$request.body", "MessageAttributes": `{"a":{"DataType":"String","StringValue":"${request.querystring.a}"}}`}})
	x.route("POST /other", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, IntegrationSubtype: aws.String("SQS-PurgeQueue"), CredentialsArn: aws.String("arn:aws:iam::222222222222:role/api"),
		RequestParameters: map[string]string{"QueueUrl": "https://q"}})
	x.route("POST /e", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, IntegrationSubtype: aws.String("EventBridge-PutEvents"), CredentialsArn: role,
		RequestParameters: map[string]string{"Detail": "$request.body", "DetailType": "$request.header.kind", "Source": "shop.web", "EventBusName": "shop", "Time": "$request.querystring.time", "Resources": "$request.querystring.of"}})
	x.world.service = func(service, action, body string) (int, string) { return 200, `{"SequenceNumber":"1"}` }
	code, h, body := x.do("POST", "/k", `{"data":"eA=="}`, "Key", "p")
	if code != 202 || h.Get("Sequence") != "1" || body != `{"SequenceNumber":"1"}` {
		t.Errorf("%d %v %s", code, h, body)
	}
	x.want("POST", "/k", `{"data":"eA=="}`, 400, `{"message":"Bad Request"}`)
	x.do("POST", "/q?a=b", "hello & more")
	x.want("POST", "/other", "", 500, `{"message":"Internal Server Error"}`)
	for _, q := range []string{"?time=1714979289500&of=a,+b", "?time=1714979289.5&of=%5B%22a%22,%22b%22%5D", "?time=2024-05-06T07:08:09.5Z&of=a,b"} {
		x.do("POST", "/e"+q, `{"id":1}`, "Kind", "order")
	}
	x.want("POST", "/e", `{"id":1}`, 400, `{"message":"Bad Request"}`)
	x.want("POST", "/e?time=soon", `{"id":1}`, 400, `{"message":"Bad Request"}`, "Kind", "order")
	x.want("POST", "/e?time=NaN", `{"id":1}`, 400, `{"message":"Bad Request"}`, "Kind", "order")
	who := *role + "apigateway.amazonaws.com"
	form := url.Values{"Action": {"SendMessage"}, "Version": {"2012-11-05"}, "QueueUrl": {"https://q"}, "MessageBody": {"hello & more"}, "MessageAttribute.1.Name": {"a"}, "MessageAttribute.1.Value.DataType": {"String"}, "MessageAttribute.1.Value.StringValue": {"b"}}
	want := []string{`kinesis PutRecord ` + who + ` {"Data":"eA==","PartitionKey":"p","StreamName":"s-1"}`, "sqs  " + who + " " + form.Encode()}
	event := `events PutEvents ` + who + ` {"Entries":[{"Detail":"{\"id\":1}","DetailType":"order","EventBusName":"shop","Resources":["a","b"],"Source":"shop.web","Time":1714979289.5}]}`
	want = append(want, event, event, event)
	if strings.Join(x.world.calls, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q\nwant %q", x.world.calls, want)
	}
}

func TestHTTPProxy(t *testing.T) {
	var got *http.Request
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		w.WriteHeader(418)
		_, _ = io.WriteString(w, "tea")
	}))
	defer back.Close()
	x := newBench(t)
	x.route("ANY /p/{proxy+}", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("ANY"), IntegrationUri: aws.String(back.URL + "/base/{proxy}?a=1"),
		RequestParameters:  map[string]string{"overwrite:header.x-id": "$context.apiId", "remove:querystring.secret": ""},
		ResponseParameters: map[string]map[string]string{"418": {"overwrite:statuscode": "200"}}})
	code, h, body := x.do("PUT", "/p/a/..%2F..%2Fetc?b=2&secret=3", "x", "Transfer-Encoding", "chunked", "Connection", "close", "X-Amz-Security-Token", "t")
	if code != 200 || body != "tea" || h.Get("X-Hop") != "" {
		t.Errorf("%d %v %s", code, h, body)
	}
	if got.Method != "PUT" || got.URL.EscapedPath() != "/base/a/%2E%2E/%2E%2E/etc" || got.URL.RawQuery != "a=1&b=2" || got.Header.Get("X-Id") != x.api || got.Header.Get("X-Amz-Security-Token") != "" || !strings.Contains(got.Header.Get("Forwarded"), "for=192.0.2.1") {
		t.Errorf("%s %s %v", got.Method, got.RequestURI, got.Header)
	}
	back.Close()
	x.want("GET", "/p/a", "", 503, `{"message":"Service Unavailable"}`)
}

func TestTokens(t *testing.T) {
	x := newBench(t)
	signer := oidc.NewSigner(&memory{})
	fetched := 0
	var issuerURL string
	idp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fetched++
		if r.URL.Path == "/keys" {
			set, _ := signer.KeySet(r.Context())
			_, _ = w.Write(set)
			return
		}
		_, _ = io.WriteString(w, `{"issuer":"`+issuerURL+`","jwks_uri":"`+issuerURL+`/keys"}`)
	}))
	defer idp.Close()
	issuerURL = idp.URL
	a, err := x.s.CreateAuthorizer(x.ctx, &apigatewayv2.CreateAuthorizerInput{ApiId: &x.api, Name: aws.String("a"), AuthorizerType: types.AuthorizerTypeJwt, IdentitySource: []string{"$request.header.Authorization"},
		JwtConfiguration: &types.JWTConfiguration{Issuer: &issuerURL, Audience: []string{"me"}}})
	if err != nil {
		t.Fatal(err)
	}
	x.route("GET /a", apigatewayv2.CreateIntegrationInput{}, func(in *apigatewayv2.CreateRouteInput) {
		in.AuthorizationType, in.AuthorizerId, in.AuthorizationScopes = types.AuthorizationTypeJwt, a.AuthorizerId, []string{"read", "all"}
	})
	x.world.function = func(payload string) string {
		var e map[string]any
		_ = json.Unmarshal([]byte(payload), &e)
		b, _ := json.Marshal(e["requestContext"].(map[string]any)["authorizer"])
		return string(b)
	}
	now := x.clock.Now()
	sign := func(s *oidc.Signer, change map[string]any) string {
		c := oidc.Claims{"iss": issuerURL, "aud": "me", "scope": "read write", "exp": now.Add(time.Hour).Unix()}
		for k, v := range change {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
		token, err := s.Sign(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	x.want("GET", "/a", "", 200, `{"jwt":{"claims":{"aud":"me","exp":"1714982889","iss":"`+issuerURL+`","scope":"read write"},"scopes":["read","write"]}}`, "Authorization", "Bearer "+sign(signer, nil))
	x.want("GET", "/a", "", 200, `{"jwt":{"claims":{"client_id":"me","exp":"1714982889","iss":"`+issuerURL+`","scope":"read write"},"scopes":["read","write"]}}`, "Authorization", sign(signer, map[string]any{"aud": nil, "client_id": "me"}))
	const no = `{"message":"Unauthorized"}`
	for what, change := range map[string]map[string]any{
		"another audience": {"aud": "you"}, "client_id beside aud": {"aud": "you", "client_id": "me"}, "expired": {"exp": now.Add(-time.Hour).Unix()},
		"another issuer": {"iss": "https://x"}, "not yet": {"nbf": now.Add(time.Hour).Unix()}, "no end": {"exp": nil},
	} {
		if code, h, body := x.do("GET", "/a", "", "Authorization", "Bearer "+sign(signer, change)); code != 401 || body != no || !strings.Contains(h.Get("Www-Authenticate"), "invalid_token") {
			t.Errorf("%s: %d %s %v", what, code, body, h)
		}
	}
	x.want("GET", "/a", "", 403, `{"message":"Forbidden"}`, "Authorization", sign(signer, map[string]any{"scope": "write"}))
	x.want("GET", "/a", "", 401, no)
	x.want("GET", "/a", "", 401, no, "Authorization", "Bearer x")
	if fetched != 2 {
		t.Errorf("the issuer is asked %d times, want twice", fetched)
	}
	// A key that is not known is asked for, but not by each token that says so.
	other := oidc.NewSigner(&memory{})
	for range 3 {
		x.want("GET", "/a", "", 401, no, "Authorization", sign(other, nil))
	}
	x.clock.Advance(oidc.RefetchAfter)
	signer = other
	if code, _, _ := x.do("GET", "/a", "", "Authorization", sign(other, nil)); code != 200 || fetched != 4 {
		t.Errorf("after the issuer's keys have changed: %d, asked %d times", code, fetched)
	}
}

func TestFunctionAuthorizers(t *testing.T) {
	x := newBench(t)
	with := func(name string, simple bool, ttl int32) func(*apigatewayv2.CreateRouteInput) {
		a, err := x.s.CreateAuthorizer(x.ctx, &apigatewayv2.CreateAuthorizerInput{ApiId: &x.api, Name: &name, AuthorizerType: types.AuthorizerTypeRequest, IdentitySource: []string{"$request.header.token", "$context.routeKey"},
			AuthorizerUri:                  aws.String("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:auth/invocations"),
			AuthorizerPayloadFormatVersion: aws.String("2.0"), EnableSimpleResponses: &simple, AuthorizerResultTtlInSeconds: &ttl})
		if err != nil {
			t.Fatal(err)
		}
		return func(in *apigatewayv2.CreateRouteInput) {
			in.AuthorizationType, in.AuthorizerId = types.AuthorizationTypeCustom, a.AuthorizerId
		}
	}
	x.route("GET /simple", apigatewayv2.CreateIntegrationInput{}, with("simple", true, 60))
	x.route("GET /policy", apigatewayv2.CreateIntegrationInput{}, with("policy", false, 0))
	asked := 0
	answer := `{"isAuthorized":true,"context":{"k":"v","n":1}}`
	x.world.function = func(payload string) string {
		if strings.Contains(payload, `"type":"REQUEST"`) {
			asked++
			return answer
		}
		var e map[string]any
		_ = json.Unmarshal([]byte(payload), &e)
		b, _ := json.Marshal(e["requestContext"].(map[string]any)["authorizer"])
		return string(b)
	}
	x.want("GET", "/simple", "", 401, `{"message":"Unauthorized"}`)
	for range 2 {
		x.want("GET", "/simple", "", 200, `{"lambda":{"k":"v","n":1}}`, "Token", "t")
	}
	if asked != 1 {
		t.Errorf("the function is asked %d times, want once", asked)
	}
	answer = `{"isAuthorized":false}`
	x.want("GET", "/simple", "", 403, `{"message":"Forbidden"}`, "Token", "u")
	x.clock.Advance(time.Minute)
	x.want("GET", "/simple", "", 403, `{"message":"Forbidden"}`, "Token", "t")
	answer = `{}`
	x.want("GET", "/simple", "", 500, `{"message":"Internal Server Error"}`, "Token", "v")
	policy := func(effect, path string) string {
		return `{"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"` + effect + `","Resource":"arn:aws:execute-api:eu-west-1:111111111111:` + x.api + `/$default/GET/` + path + `"}]},"context":{"a":"b"}}`
	}
	answer = policy("Allow", "policy")
	x.want("GET", "/policy", "", 200, `{"lambda":{"a":"b","principalId":"p"}}`, "Token", "t")
	for _, answer = range []string{policy("Deny", "*"), policy("Allow", "other")} {
		x.want("GET", "/policy", "", 403, `{"message":"Forbidden"}`, "Token", "t")
	}
	answer = "!Unauthorized"
	x.want("GET", "/policy", "", 401, `{"message":"Unauthorized"}`, "Token", "t")
	answer = "!other"
	x.want("GET", "/policy", "", 500, `{"message":"Internal Server Error"}`, "Token", "t")
}

func TestSigned(t *testing.T) {
	x := newBench(t)
	x.route("GET /a", apigatewayv2.CreateIntegrationInput{}, func(in *apigatewayv2.CreateRouteInput) { in.AuthorizationType = types.AuthorizationTypeAwsIam })
	x.world.function = func(string) string { return `"in"` }
	x.want("GET", "/a", "", 403, `{"message":"Forbidden"}`)
	x.owner = awswire.Caller{Account: "222222222222", AccessKey: "AKIA"}
	x.want("GET", "/a", "", 403, `{"message":"Forbidden"}`)
	x.owner.Account = "111111111111"
	x.want("GET", "/a", "", 200, `in`)
	x.s.cfg.Allow = func(_ context.Context, arn string) error {
		if arn == "arn:aws:execute-api:eu-west-1:111111111111:"+x.api+"/$default/GET/a" {
			return io.EOF
		}
		return nil
	}
	x.want("GET", "/a", "", 403, `{"message":"Forbidden"}`)
}

func TestCORS(t *testing.T) {
	x := newBench(t)
	x.route("ANY /a", apigatewayv2.CreateIntegrationInput{})
	x.world.function = func(string) string {
		return `{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"https://evil"}}`
	}
	preflight := []string{"Origin", "https://a.example", "Access-Control-Request-Method", "PUT"}
	if _, h, _ := x.do("OPTIONS", "/a", "", preflight...); h.Get("Access-Control-Allow-Origin") != "https://evil" {
		t.Errorf("without a configuration the function answers: %v", h)
	}
	cors := &types.Cors{AllowOrigins: []string{"https://a.example", "http://*"}, AllowMethods: []string{"GET", "PUT"}, AllowHeaders: []string{"x"}, ExposeHeaders: []string{"y"}, MaxAge: aws.Int32(5), AllowCredentials: aws.Bool(true)}
	if _, err := x.s.UpdateApi(x.ctx, &apigatewayv2.UpdateApiInput{ApiId: &x.api, CorsConfiguration: cors}); err != nil {
		t.Fatal(err)
	}
	before := len(x.world.calls)
	for _, path := range []string{"/a", "/none"} {
		code, h, body := x.do("OPTIONS", path, "", preflight...)
		if code != 204 || body != "" || h.Get("Access-Control-Allow-Origin") != "https://a.example" || h.Get("Access-Control-Allow-Methods") != "GET,PUT" || h.Get("Access-Control-Allow-Headers") != "x" ||
			h.Get("Access-Control-Max-Age") != "5" || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" {
			t.Errorf("%s: %d %v", path, code, h)
		}
	}
	if code, h, _ := x.do("OPTIONS", "/a", "", "Origin", "https://b.example", "Access-Control-Request-Method", "PUT"); code != 204 || h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("another origin: %d %v", code, h)
	}
	if len(x.world.calls) != before {
		t.Error("a preflight reached the function")
	}
	if _, h, _ := x.do("GET", "/a", "", "Origin", "http://any"); h.Get("Access-Control-Allow-Origin") != "http://any" || h.Get("Access-Control-Expose-Headers") != "y" {
		t.Errorf("%v", h)
	}
	if _, h, _ := x.do("GET", "/a", ""); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("no origin: %v", h)
	}
}

func TestThrottleAndAccessLog(t *testing.T) {
	x := newBench(t)
	x.route("GET /a", apigatewayv2.CreateIntegrationInput{})
	x.route("GET /b", apigatewayv2.CreateIntegrationInput{})
	x.world.function = func(string) string { return `"in"` }
	_, err := x.s.UpdateStage(x.ctx, &apigatewayv2.UpdateStageInput{ApiId: &x.api, StageName: aws.String("$default"),
		AccessLogSettings: &types.AccessLogSettings{DestinationArn: aws.String("arn:aws:logs:eu-west-1:111111111111:log-group:g"), Format: aws.String(`{"r":"$context.routeKey","s":$context.status,"i":"$context.integrationStatus","a":"$context.identity.userAgent"}`)},
		RouteSettings:     map[string]types.RouteSettings{"GET /a": {ThrottlingRateLimit: aws.Float64(1), ThrottlingBurstLimit: aws.Int32(2)}}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		x.want("GET", "/a", "", 200, "in")
	}
	x.want("GET", "/a", "", 429, `{"message":"Too Many Requests"}`, "User-Agent", "x\"\n")
	x.want("GET", "/b", "", 200, "in")
	if got := x.logs.all[2]; got != `{"r":"GET /a","s":429,"i":"-","a":"x\"\n"}` {
		t.Errorf("logged %s", got)
	}
	if got := x.logs.all[3]; got != `{"r":"GET /b","s":200,"i":"200","a":"-"}` {
		t.Errorf("logged %s", got)
	}
}

func FuzzFunctionAnswer(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":"b"},"multiValueHeaders":{"a":["b"]},"cookies":["c"],"body":"x","isBase64Encoded":false}`), true)
	f.Fuzz(func(t *testing.T, payload []byte, version2 bool) {
		out, err := functionAnswer(payload, version2)
		if err == nil && (out.status < 200 || out.status > 599) {
			t.Errorf("status %d", out.status)
		}
	})
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{"$request.body.a[0].b", "a ${request.header.x} b ${context.y}", "$stageVariables.z", "$request.body[0]"} {
		f.Add(s)
	}
	x := &exchange{s: &Service{cfg: Config{Clock: clockwork.NewFakeClock()}}, r: httptest.NewRequest("GET", "/", nil), body: []byte(base64.StdEncoding.EncodeToString(nil)), stage: &stageDoc{Stage: types.Stage{StageName: aws.String("s")}}, api: &apiDoc{}}
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := parseExpression(s); err == nil {
			x.evaluate(e, &result{})
		}
	})
}
