package apigateway

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/inflight"
	"github.com/brookmere/brookmere/internal/awswire/sigv4"
)

const (
	authorizerURI = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:authorize/invocations"
	plainURI      = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:f/invocations"
)

// doors is an API with a method for each thing that can go wrong.
func doors(t *testing.T) *bench {
	x := newBench(t)
	x.world.serve = func(service, _ string, r *http.Request, body string) (int, http.Header, string) {
		switch {
		case strings.Contains(r.URL.Path, "function:authorize/") && strings.Contains(body, `"deny"`):
			return 200, nil, `{"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"*"}]}}`
		case strings.Contains(r.URL.Path, "function:authorize/") && strings.Contains(body, `"other"`):
			return 200, nil, `{"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:nothing/*"}]}}`
		case strings.Contains(r.URL.Path, "function:authorize/") && strings.Contains(body, `"fails"`):
			return 200, http.Header{"X-Amz-Function-Error": {"Unhandled"}}, `{"errorMessage":"boom"}`
		case strings.Contains(r.URL.Path, "function:authorize/") && strings.Contains(body, `"odd"`):
			return 200, nil, `{"principalId":"u"}`
		case strings.Contains(r.URL.Path, "function:authorize/"):
			return 200, http.Header{"X-Amz-Function-Error": {"Unhandled"}}, `{"errorMessage":"Unauthorized"}`
		case strings.Contains(body, "wait"):
			<-r.Context().Done()
		case strings.Contains(body, "gone"):
			return 404, nil, `{"Message":"Function not found"}`
		}
		return 200, nil, `not an answer of a proxy`
	}
	mock := apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`}}
	ok := apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	v, err := x.s.CreateRequestValidator(x.ctx, &apigateway.CreateRequestValidatorInput{RestApiId: &x.api, Name: aws.String("all"), ValidateRequestBody: true, ValidateRequestParameters: true})
	must(err)
	_, err = x.s.CreateModel(x.ctx, &apigateway.CreateModelInput{RestApiId: &x.api, Name: aws.String("Order"), ContentType: aws.String("application/json"),
		Schema: aws.String(`{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","required":["id"],"properties":{"id":{"type":"integer","minimum":1}}}`)})
	must(err)
	a, err := x.s.CreateAuthorizer(x.ctx, &apigateway.CreateAuthorizerInput{
		RestApiId: &x.api, Name: aws.String("token"), Type: types.AuthorizerTypeToken, IdentitySource: aws.String("method.request.header.Token"), AuthorizerResultTtlInSeconds: aws.Int32(0), AuthorizerUri: aws.String(authorizerURI),
	})
	must(err)
	x.method("GET", "/open", apigateway.PutMethodInput{}, mock, ok)
	x.method("OPTIONS", "/open", apigateway.PutMethodInput{}, mock, apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200"), ResponseParameters: map[string]string{
		"method.response.header.Access-Control-Allow-Origin": "'*'", "method.response.header.Access-Control-Allow-Methods": "'GET,OPTIONS'",
	}})
	x.method("GET", "/key", apigateway.PutMethodInput{ApiKeyRequired: true}, mock, ok)
	x.method("POST", "/valid", apigateway.PutMethodInput{RequestValidatorId: v.Id, RequestModels: map[string]string{"application/json": "Order"}, RequestParameters: map[string]bool{"method.request.querystring.q": true}}, mock, ok)
	x.method("GET", "/slow", apigateway.PutMethodInput{}, mock, ok)
	x.method("GET", "/token", apigateway.PutMethodInput{AuthorizationType: aws.String("CUSTOM"), AuthorizerId: a.Id}, mock, ok)
	x.method("GET", "/iam", apigateway.PutMethodInput{AuthorizationType: aws.String("AWS_IAM")}, mock, ok)
	x.method("POST", "/never", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeAws, Uri: aws.String("arn:aws:apigateway:eu-west-1:sqs:path/1/q"),
		PassthroughBehavior: aws.String("NEVER"), RequestTemplates: map[string]string{"application/json": `$input.body`}}, ok)
	x.method("POST", "/proxy", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeAwsProxy, Uri: aws.String(plainURI)})
	x.method("POST", "/wait", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeAwsProxy, Uri: aws.String(plainURI), TimeoutInMillis: aws.Int32(50)})
	x.method("POST", "/mock", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `nothing`}}, ok)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	x.method("GET", "/http", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeHttpProxy, Uri: aws.String(gone.URL), IntegrationHttpMethod: aws.String("GET")})
	x.deploy()
	_, err = x.s.UpdateStage(x.ctx, &apigateway.UpdateStageInput{RestApiId: &x.api, StageName: aws.String("v1"), PatchOperations: []types.PatchOperation{
		{Op: types.OpReplace, Path: aws.String("/~1slow/GET/throttling/rateLimit"), Value: aws.String("1")}, {Op: types.OpReplace, Path: aws.String("/~1slow/GET/throttling/burstLimit"), Value: aws.String("1")},
	}})
	must(err)
	key, err := x.s.CreateApiKey(x.ctx, &apigateway.CreateApiKeyInput{Name: aws.String("k"), Enabled: true, Value: aws.String(strings.Repeat("k", 20))})
	must(err)
	plan, err := x.s.CreateUsagePlan(x.ctx, &apigateway.CreateUsagePlanInput{Name: aws.String("p"), ApiStages: []types.ApiStage{{ApiId: &x.api, Stage: aws.String("v1")}}, Quota: &types.QuotaSettings{Limit: 1, Period: types.QuotaPeriodTypeDay}})
	must(err)
	_, err = x.s.CreateUsagePlanKey(x.ctx, &apigateway.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: key.Id, KeyType: aws.String("API_KEY")})
	must(err)
	return x
}

// send is a request as a caller, whose signature may be refused.
func (x *bench) send(verb, path, body string, caller awswire.Caller, refused error, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(verb, "http://node/_aws/execute-api/"+x.api+path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	r = r.WithContext(awswire.WithCaller(r.Context(), caller))
	w := httptest.NewRecorder()
	if f := x.s.Fronts()[0]; refused != nil {
		f.WriteError(w, r, refused)
	} else {
		f.Handler.ServeHTTP(w, r)
	}
	return w
}

// TestDoors holds status, x-amzn-ErrorType and body of whatever goes wrong against what API Gateway answers.
func TestDoors(t *testing.T) {
	x := doors(t)
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	user := awswire.Caller{Account: "111111111111", Region: "eu-west-1", AccessKey: "AKIAIOSFODNN7EXAMPLE", Principal: "arn:aws:iam::111111111111:user/ann"}
	stranger := awswire.Caller{Account: "222222222222", Region: "eu-west-1", AccessKey: "AKIAIOSFODNN7EXAMPL2"}
	x.s.cfg.Allow = func(ctx context.Context, arn string, keys func(string) []string) error {
		if len(keys("aws:sourceip")) != 1 {
			t.Error("a policy is not told where the request comes from")
		}
		if awswire.CallerFrom(ctx).Principal == user.Principal {
			return &sigv4.Error{Code: "AccessDeniedException", Message: "User: " + user.Principal + " is not authorized to perform: execute-api:Invoke on resource: " + arn + " because no identity-based policy allows the execute-api:Invoke action"}
		}
		return nil
	}
	expired := &sigv4.Error{Code: "InvalidSignatureException", Message: "Signature expired: 20240506T060000Z is now earlier than 20240506T065309Z (20240506T070809Z - 15 min.)", Status: 403}
	stale := &sigv4.Error{Code: "ExpiredTokenException", Message: "The security token included in the request is expired", Status: 403}
	unknown := &sigv4.Error{Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid.", Status: 403}
	large := strings.Repeat("x", maxPayload+1)
	iamARN := "arn:aws:execute-api:eu-west-1:********1111:" + x.api + "/v1/GET/iam"
	for _, c := range []struct {
		verb, path, body string
		caller           awswire.Caller
		refused          error
		header           []string
		status           int
		kind, answer     string
	}{
		{verb: "GET", path: "/v1/nothing", status: 403, kind: "MissingAuthenticationTokenException", answer: `{"message":"Missing Authentication Token"}`},
		{verb: "POST", path: "/v1/open", status: 403, kind: "MissingAuthenticationTokenException", answer: `{"message":"Missing Authentication Token"}`},
		{verb: "GET", path: "/v1/nothing", header: []string{"Authorization", "Bearer abc"}, status: 403, kind: "IncompleteSignatureException",
			answer: `{"message":"Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '` + hash("Bearer abc") + `'."}`},
		{verb: "GET", path: "/v1/iam", header: []string{"Authorization", "Basic YQ=="}, status: 403, kind: "IncompleteSignatureException",
			answer: `{"message":"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization=` + hash("Basic YQ==") + `"}`},
		{verb: "GET", path: "/none/open", status: 403, kind: "ForbiddenException", answer: `{"message":"Forbidden"}`},
		{verb: "GET", path: "/v1/key", status: 403, kind: "ForbiddenException", answer: `{"message":"Forbidden"}`},
		{verb: "GET", path: "/v1/key", header: []string{"X-Api-Key", "none"}, status: 403, kind: "ForbiddenException", answer: `{"message":"Forbidden"}`},
		{verb: "GET", path: "/v1/key", header: []string{"X-Api-Key", strings.Repeat("k", 20)}, status: 200},
		{verb: "GET", path: "/v1/key", header: []string{"X-Api-Key", strings.Repeat("k", 20)}, status: 429, kind: "LimitExceededException", answer: `{"message":"Limit Exceeded"}`},
		{verb: "GET", path: "/v1/slow", status: 200},
		{verb: "GET", path: "/v1/slow", status: 429, kind: "TooManyRequestsException", answer: `{"message":"Too Many Requests"}`},
		{verb: "POST", path: "/v1/valid", body: `{"id":1}`, status: 400, kind: "BadRequestException", answer: `{"message": "Missing required request parameters: [q]"}`},
		{verb: "POST", path: "/v1/valid?q=1", body: `{"id":0}`, status: 400, kind: "BadRequestException", answer: `{"message": "Invalid request body"}`},
		{verb: "POST", path: "/v1/valid?q=1", body: large, status: 413, kind: "RequestTooLargeException", answer: `{"message":"Request Too Long"}`},
		{verb: "POST", path: "/v1/never", body: `a`, header: []string{"Content-Type", "text/csv"}, status: 415, kind: "BadRequestException", answer: `{"message": "Unsupported Media Type"}`},
		{verb: "POST", path: "/v1/mock", status: 500, kind: "InternalServerErrorException", answer: `{"message": "Internal server error"}`},
		{verb: "POST", path: "/v1/proxy", status: 502, kind: "InternalServerErrorException", answer: `{"message": "Internal server error"}`},
		{verb: "POST", path: "/v1/proxy", body: "gone", status: 500, kind: "InternalServerErrorException", answer: `{"message": "Internal server error"}`},
		{verb: "POST", path: "/v1/wait", body: "wait", status: 504, kind: "InternalServerErrorException", answer: `{"message": "Endpoint request timed out"}`},
		{verb: "GET", path: "/v1/http", status: 504, kind: "InternalServerErrorException", answer: `{"message": "Network error communicating with endpoint"}`},
		{verb: "GET", path: "/v1/token", status: 401, kind: "UnauthorizedException", answer: `{"message":"Unauthorized"}`},
		{verb: "GET", path: "/v1/token", header: []string{"Token", "none"}, status: 401, kind: "UnauthorizedException", answer: `{"message":"Unauthorized"}`},
		{verb: "GET", path: "/v1/token", header: []string{"Token", "deny"}, status: 403, kind: "AccessDeniedException", answer: `{"Message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`},
		{verb: "GET", path: "/v1/token", header: []string{"Token", "other"}, status: 403, kind: "AccessDeniedException", answer: `{"Message":"User is not authorized to access this resource because no identity-based policy allows the execute-api:Invoke action"}`},
		{verb: "GET", path: "/v1/token", header: []string{"Token", "fails"}, status: 500, kind: "AuthorizerConfigurationException", answer: `{"message":null}`},
		{verb: "GET", path: "/v1/token", header: []string{"Token", "odd"}, status: 500, kind: "AuthorizerConfigurationException", answer: `{"message":null}`},
		{verb: "GET", path: "/v1/iam", status: 403, kind: "MissingAuthenticationTokenException", answer: `{"message":"Missing Authentication Token"}`},
		{verb: "GET", path: "/v1/iam", refused: expired, status: 403, kind: "InvalidSignatureException", answer: `{"message":"` + expired.Message + `"}`},
		{verb: "GET", path: "/v1/iam", refused: stale, status: 403, kind: "ExpiredTokenException", answer: `{"message":"The security token included in the request is expired"}`},
		{verb: "GET", path: "/v1/iam", refused: unknown, status: 403, kind: "UnrecognizedClientException", answer: `{"message":"The security token included in the request is invalid."}`},
		{verb: "GET", path: "/v1/nothing", refused: expired, status: 403, kind: "InvalidSignatureException", answer: `{"message":"` + expired.Message + `"}`},
		{verb: "GET", path: "/v1/open", refused: expired, status: 200}, // it asks nobody who they are
		{verb: "GET", path: "/v1/open", refused: awswire.Errorf("ServiceUnavailable", "The node is stopping."), status: 503, kind: "ServiceUnavailableException", answer: `{"message": "Service Unavailable"}`},
		{verb: "GET", path: "/v1/open", refused: inflight.ErrSlowDown, status: 503, kind: "ServiceUnavailableException", answer: `{"message": "Service Unavailable"}`},
		{verb: "GET", path: "/v1/open", refused: &sigv4.Error{Code: "RequestEntityTooLargeException", Status: 413}, status: 413, kind: "RequestTooLargeException", answer: `{"message":"Request Too Long"}`},
		{verb: "GET", path: "/v1/open", refused: &sigv4.Error{Code: "RequestTimeout", Status: 400}, status: 400, kind: "BadRequestException", answer: `{"message":"Bad Request"}`},
		{verb: "GET", path: "/v1/open", refused: errors.New("the disk is gone"), status: 500, kind: "InternalServerErrorException", answer: `{"message": "Internal server error"}`},
		{verb: "GET", path: "/v1/iam", caller: user, status: 403, kind: "AccessDeniedException",
			answer: `{"Message":"User: arn:aws:iam::111111111111:user/ann is not authorized to perform: execute-api:Invoke on resource: ` + iamARN + ` because no identity-based policy allows the execute-api:Invoke action"}`},
		{verb: "GET", path: "/v1/iam", caller: stranger, status: 403, kind: "AccessDeniedException",
			answer: `{"Message":"User: arn:aws:iam::222222222222:root is not authorized to perform: execute-api:Invoke on resource: ` + iamARN + ` because no resource-based policy allows the execute-api:Invoke action"}`},
		{verb: "GET", path: "/v1/iam", caller: awswire.Caller{Account: "111111111111", AccessKey: "AKIAIOSFODNN7EXAMPL3"}, status: 200},
		{verb: "OPTIONS", path: "/v1/open", header: []string{"Origin", "https://a.example", "Access-Control-Request-Method", "GET"}, status: 200},
		{verb: "OPTIONS", path: "/v1/key", header: []string{"Origin", "https://a.example", "Access-Control-Request-Method", "GET"}, status: 403, kind: "MissingAuthenticationTokenException", answer: `{"message":"Missing Authentication Token"}`},
	} {
		w := x.send(c.verb, c.path, c.body, c.caller, c.refused, c.header...)
		h := w.Header()
		if w.Code != c.status || h.Get("X-Amzn-Errortype") != c.kind || c.kind != "" && w.Body.String() != c.answer {
			t.Errorf("%s %s %v: %d %q %s, want %d %q %s", c.verb, c.path, c.header, w.Code, h.Get("X-Amzn-Errortype"), w.Body, c.status, c.kind, c.answer)
		}
		if len(h.Get("X-Amzn-Requestid")) != 36 || h.Get("X-Amz-Apigw-Id") == "" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %v: %v", c.verb, c.path, c.header, h)
		}
		if c.verb == "OPTIONS" && c.status == 200 && (h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Methods") != "GET,OPTIONS") {
			t.Errorf("the preflight is answered %v", h)
		}
	}
}

// TestNoRoom has clients send again what there is no room for.
func TestNoRoom(t *testing.T) {
	x := newBench(t)
	x.method("POST", "/open", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock})
	x.deploy()
	w := httptest.NewRecorder()
	x.s.Fronts()[0].Handler.ServeHTTP(w, httptest.NewRequest("POST", "http://node/_aws/execute-api/"+x.api+"/v1/open", iotest.ErrReader(inflight.ErrSlowDown)))
	if w.Code != 503 || w.Body.String() != `{"message": "Service Unavailable"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestResourcePolicyOfSigners has the policy of an API and those of identities decide together: in one account either
// may allow and each may deny, across accounts both must allow.
func TestResourcePolicyOfSigners(t *testing.T) {
	x := doors(t)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"execute-api:Invoke","Resource":"execute-api:/v1/GET/iam"},
		{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*/GET/open"},
		{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/v1/GET/iam","Condition":{"StringEquals":{"aws:UserAgent":"bad"}}}]}`
	if _, err := x.s.UpdateRestApi(x.ctx, &apigateway.UpdateRestApiInput{RestApiId: &x.api, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/policy"), Value: &policy}}}); err != nil {
		t.Fatal(err)
	}
	x.deploy()
	owner := awswire.Caller{Account: "111111111111", Region: "eu-west-1", AccessKey: "AKIA1", Principal: "arn:aws:iam::111111111111:user/ann"}
	guest := awswire.Caller{Account: "222222222222", Region: "eu-west-1", AccessKey: "AKIA2"}
	other := awswire.Caller{Account: "333333333333", Region: "eu-west-1", AccessKey: "AKIA3"}
	for _, c := range []struct {
		path   string
		caller awswire.Caller
		agent  string
		status int
	}{
		{"/v1/iam", owner, "good", 200}, // its own policies allow it
		{"/v1/iam", owner, "bad", 403},
		{"/v1/iam", guest, "good", 200},
		{"/v1/iam", guest, "bad", 403},
		{"/v1/iam", other, "good", 403},
		{"/v1/iam", awswire.Caller{}, "good", 403},
		{"/v1/open", awswire.Caller{}, "good", 200},
		{"/v1/key", awswire.Caller{}, "good", 403},
	} {
		if w := x.send("GET", c.path, "", c.caller, nil, "User-Agent", c.agent); w.Code != c.status {
			t.Errorf("GET %s by %s with %s: %d %s, want %d", c.path, c.caller.Account, c.agent, w.Code, w.Body, c.status)
		}
	}
	arn := "arn:aws:execute-api:eu-west-1:111111111111:" + x.api
	for _, c := range [][2]string{{arn + "/v1/GET/iam", arn + "/*/GET/open"}, {arn + "/none/GET/iam", ""}, {arn, ""}, {"arn:aws:execute-api:eu-west-1:222222222222:" + x.api + "/v1/GET/iam", ""}, {"nothing", ""}} {
		text, _, err := x.s.ResourcePolicy(t.Context(), c[0])
		if err != nil || (text == "") != (c[1] == "") || !strings.Contains(text, c[1]) {
			t.Errorf("the policy of %s is %s, %v", c[0], text, err)
		}
	}
}

// TestValidationDetail reads what gateway responses may say of a body.
func TestValidationDetail(t *testing.T) {
	x := newBench(t)
	v, err := x.s.CreateRequestValidator(x.ctx, &apigateway.CreateRequestValidatorInput{RestApiId: &x.api, Name: aws.String("body"), ValidateRequestBody: true})
	if err != nil {
		t.Fatal(err)
	}
	schema := `{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","required":["id","kind"],"additionalProperties":false,"properties":{
		"id":{"type":"integer","minimum":1,"maximum":9},"kind":{"enum":["a","b"]},"name":{"type":"string","minLength":2,"maxLength":3,"pattern":"^[a-z]*$"},
		"price":{"type":"number","multipleOf":0.5},"list":{"type":"array","maxItems":1,"items":{"type":"string"}}}}`
	if _, err := x.s.CreateModel(x.ctx, &apigateway.CreateModelInput{RestApiId: &x.api, Name: aws.String("M"), ContentType: aws.String("application/json"), Schema: &schema}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.s.PutGatewayResponse(x.ctx, &apigateway.PutGatewayResponseInput{RestApiId: &x.api, ResponseType: types.GatewayResponseTypeBadRequestBody, StatusCode: aws.String("422"),
		ResponseTemplates: map[string]string{"application/json": `$context.error.validationErrorString`}}); err != nil {
		t.Fatal(err)
	}
	x.method("POST", "/m", apigateway.PutMethodInput{RequestValidatorId: v.Id, RequestModels: map[string]string{"application/json": "M"}}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`}}, apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	x.deploy()
	for body, want := range map[string]string{
		`{}`:                                 `[object has missing required properties (["id","kind"])]`,
		`nothing`:                            `[Unknown error parsing request body]`,
		`[]`:                                 `[instance type (array) does not match any allowed primitive type (allowed: ["object"])]`,
		`{"id":0,"kind":"a"}`:                `[numeric instance is lower than the required minimum (minimum: 1, found: 0)]`,
		`{"id":10,"kind":"a"}`:               `[numeric instance is greater than the required maximum (maximum: 9, found: 10)]`,
		`{"id":1.5,"kind":"a"}`:              `[instance type (number) does not match any allowed primitive type (allowed: ["integer"])]`,
		`{"id":"<1>","kind":"c"}`:            `[instance type (string) does not match any allowed primitive type (allowed: ["integer"]), instance value ("c") not found in enum (possible values: ["a","b"])]`,
		`{"id":1,"kind":"a","x":1}`:          `[object instance has properties which are not allowed by the schema: ["x"]]`,
		`{"id":1,"kind":"a","name":"Q"}`:     `[ECMA 262 regex "^[a-z]*$" does not match input string "Q", string "Q" is too short (length: 1, required minimum: 2)]`,
		`{"id":1,"kind":"a","name":"abcd"}`:  `[string "abcd" is too long (length: 4, maximum allowed: 3)]`,
		`{"id":1,"kind":"a","price":1.25}`:   `[remainder of division is not zero (1.25 / 0.5)]`,
		`{"id":1,"kind":"a","price":"x"}`:    `[instance type (string) does not match any allowed primitive type (allowed: ["integer","number"])]`,
		`{"id":1,"kind":"a","list":["a",7]}`: `[array is too long: must have at most 1 elements but instance has 2 elements, instance type (integer) does not match any allowed primitive type (allowed: ["string"])]`,
	} {
		x.want("POST", "/m", body, 422, want)
	}
	if _, _, got := x.do("POST", "/m", `{"id":1,"kind":"`+strings.Repeat("é", 64<<10)+`"}`); len(got) > 2*maxDetail {
		t.Errorf("the answer has %d bytes", len(got))
	}
}
