package apigateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

func TestTestInvoke(t *testing.T) {
	x := newBench(t)
	made, err := x.s.ImportRestApi(x.ctx, &apigateway.ImportRestApiInput{Body: []byte(described)})
	if err != nil {
		t.Fatal(err)
	}
	x.api = *made.Id
	d, err := x.s.api(x.ctx, &x.api)
	if err != nil {
		t.Fatal(err)
	}
	ids, authorizer := map[string]string{}, ""
	for _, r := range d.Resources {
		ids[d.path(r)] = r.ID
	}
	for id := range d.Authorizers {
		authorizer = id
	}
	x.world.serve = func(service, _ string, _ *http.Request, body string) (int, http.Header, string) {
		if service == "lambda" {
			return 200, nil, `{"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"*"}]}}`
		}
		return 200, nil, body
	}
	out, err := x.s.TestInvokeMethod(x.ctx, &apigateway.TestInvokeMethodInput{RestApiId: &x.api, ResourceId: aws.String(ids["/orders/{id}"]), HttpMethod: aws.String("POST"), PathWithQueryString: aws.String("/orders/7?dry=1"), Body: aws.String(`{"item":{"name":"a"}}`)})
	if err != nil || out.Status != 200 || *out.Body != `{"PartitionKey":"7"}` || out.Headers["X-Id"] != "x" {
		t.Fatalf("%+v %v", out, err)
	}
	for _, line := range []string{
		"HTTP Method: POST, Resource Path: /orders/7", "Method request path: {id=7}", "Method request query string: {dry=1}", "Endpoint request URI: https://kinesis.eu-west-1.amazonaws.com/",
		`Endpoint request body after transformations: {"PartitionKey":"7"}`, "Received response. Status: 200, Integration latency: 0 ms", "Successfully completed execution", "Method completed with status: 200",
	} {
		if !strings.Contains(*out.Log, "Mon May 06 07:08:09 UTC 2024 : "+line) {
			t.Errorf("the log has no line %q:\n%s", line, *out.Log)
		}
	}
	out, err = x.s.TestInvokeMethod(x.ctx, &apigateway.TestInvokeMethodInput{RestApiId: &x.api, ResourceId: aws.String(ids["/orders/{id}"]), HttpMethod: aws.String("POST"), PathWithQueryString: aws.String("/orders/7?dry=1"), Body: aws.String(`{}`)})
	if err != nil || out.Status != 422 || !strings.Contains(*out.Log, "Method completed with status: 422") {
		t.Errorf("%+v %v", out, err)
	}
	// A path of another resource tests the method without parameters, and no path at all has the names for parameters.
	for given, want := range map[string]string{"/secret": "Method request path: {}", "": "Method request path: {id={id}}"} {
		out, err = x.s.TestInvokeMethod(x.ctx, &apigateway.TestInvokeMethodInput{RestApiId: &x.api, ResourceId: aws.String(ids["/orders/{id}"]), HttpMethod: aws.String("POST"), PathWithQueryString: aws.String(given), Body: aws.String(`{"item":{"name":"a"}}`)})
		if err != nil || !strings.Contains(*out.Log, want) || given != "" && !strings.Contains(*out.Log, "Resource Path: "+given+"\n") {
			t.Errorf("%q: %+v %v", given, out, err)
		}
	}
	asked, err := x.s.TestInvokeAuthorizer(x.ctx, &apigateway.TestInvokeAuthorizerInput{RestApiId: &x.api, AuthorizerId: &authorizer, Headers: map[string]string{"Authorization": "t"}})
	if err != nil || asked.ClientStatus != 200 || *asked.PrincipalId != "p" || !strings.Contains(*asked.Policy, "Deny") {
		t.Errorf("%+v %v", asked, err)
	}
	if asked, err = x.s.TestInvokeAuthorizer(x.ctx, &apigateway.TestInvokeAuthorizerInput{RestApiId: &x.api, AuthorizerId: &authorizer}); err != nil || asked.ClientStatus != 401 || asked.Policy != nil {
		t.Errorf("%+v %v", asked, err)
	}
}

func TestQuota(t *testing.T) {
	x := newBench(t)
	x.method("GET", "/a", apigateway.PutMethodInput{AuthorizationType: aws.String("NONE"), ApiKeyRequired: true}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock, RequestTemplates: map[string]string{"application/json": `{"statusCode":200}`}},
		apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	x.deploy()
	key, err := x.s.CreateApiKey(x.ctx, &apigateway.CreateApiKeyInput{Name: aws.String("k"), Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := x.s.CreateUsagePlan(x.ctx, &apigateway.CreateUsagePlanInput{Name: aws.String("p"), Quota: &types.QuotaSettings{Limit: 3, Period: types.QuotaPeriodTypeWeek}, ApiStages: []types.ApiStage{{ApiId: &x.api, Stage: aws.String("v1")}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.s.CreateUsagePlanKey(x.ctx, &apigateway.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: key.Id, KeyType: aws.String("API_KEY")}); err != nil {
		t.Fatal(err)
	}
	call := func(want int) {
		t.Helper()
		if code, _, body := x.do("GET", "/a", "", "X-Api-Key", *key.Value); code != want || want == 429 && body != `{"message":"Limit Exceeded"}` {
			t.Errorf("%d %s, want %d", code, body, want)
		}
	}
	usage := func(want ...[]int64) {
		t.Helper()
		out, err := x.s.GetUsage(x.ctx, &apigateway.GetUsageInput{UsagePlanId: plan.Id, KeyId: key.Id, StartDate: aws.String("2024-05-06"), EndDate: aws.String("2024-05-07")})
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			if got := out.Items[*key.Id][i]; got[0] != w[0] || got[1] != w[1] {
				t.Errorf("day %d: %v, want %v", i, got, w)
			}
		}
	}
	call(200)
	call(200)
	usage([]int64{2, 1}, []int64{0, 1})
	x.clock.Advance(24 * time.Hour) // still the week
	call(200)
	call(429)
	usage([]int64{2, 1}, []int64{1, 0})
	if _, err := x.s.UpdateUsage(x.ctx, &apigateway.UpdateUsageInput{UsagePlanId: plan.Id, KeyId: key.Id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/remaining"), Value: aws.String("1")}}}); err != nil {
		t.Fatal(err)
	}
	call(200)
	call(429)
	x.clock.Advance(6 * 24 * time.Hour) // Monday
	call(200)
}
