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

// What an authorizer's function answered is used again for the same token, for other methods by its
// policy, until its time is over, the stage's answers are flushed, or the API is deployed again.
func TestAuthorizerCache(t *testing.T) {
	x := newBench(t)
	x.world.serve = func(_, _ string, r *http.Request, body string) (int, http.Header, string) {
		switch {
		case strings.Contains(body, "Unauthorized"):
			return 200, http.Header{"X-Amz-Function-Error": {"Unhandled"}}, `{"errorMessage":"Unauthorized"}`
		case strings.Contains(body, `"TOKEN"`):
			return 200, nil, `{"principalId":"ann","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:eu-west-1:111111111111:*/v1/GET/open"}]}}`
		}
		return 200, nil, `{"statusCode":200,"body":"hello"}`
	}
	a, err := x.s.CreateAuthorizer(x.ctx, &apigateway.CreateAuthorizerInput{
		RestApiId: &x.api, Name: aws.String("token"), Type: types.AuthorizerTypeToken, IdentitySource: aws.String("method.request.header.Authorization"), AuthorizerResultTtlInSeconds: aws.Int32(60),
		AuthorizerUri: aws.String("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:authorize/invocations"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/open", "/closed"} {
		x.method("GET", path, apigateway.PutMethodInput{AuthorizationType: aws.String("CUSTOM"), AuthorizerId: a.Id}, apigateway.PutIntegrationInput{
			Type: types.IntegrationTypeAwsProxy, Uri: aws.String("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:hello/invocations"),
		})
	}
	x.deploy()
	asked := func(want int) {
		t.Helper()
		n := 0
		for _, c := range x.world.calls {
			if strings.Contains(c, `"TOKEN"`) {
				n++
			}
		}
		if n != want {
			t.Errorf("the authorizer was asked %d times, want %d", n, want)
		}
		x.world.calls = nil
	}
	get := func(path, token string, status int) {
		t.Helper()
		if code, _, body := x.do("GET", path, "", "Authorization", token); code != status {
			t.Errorf("GET %s as %s: %d %s, want %d", path, token, code, body, status)
		}
	}
	get("/open", "ann", 200)
	get("/open", "ann", 200)
	get("/closed", "ann", 403)
	asked(1)
	get("/open", "bob", 200)
	asked(1)
	x.clock.Advance(time.Minute)
	get("/open", "ann", 200)
	asked(1)
	if _, err := x.s.FlushStageAuthorizersCache(x.ctx, &apigateway.FlushStageAuthorizersCacheInput{RestApiId: &x.api, StageName: aws.String("v1")}); err != nil {
		t.Fatal(err)
	}
	get("/open", "ann", 200)
	asked(1)
	x.deploy()
	get("/open", "ann", 200)
	asked(1)
	get("/open", "Unauthorized", 401) // is not kept
	get("/open", "Unauthorized", 401)
	asked(2)

	// A token that fills the cache does not make it grow.
	x.s.keepAuthorized(authorizedKey{}, "x/v1", 60, make([]byte, maxAuthorized+1))
	if _, ok := x.s.authorizedBefore(authorizedKey{}); ok {
		t.Error("an answer that is too large is kept")
	}
	for i := range 2 * maxAuthorizedTotal / maxAuthorized {
		x.s.keepAuthorized(authorizedKey{byte(i), byte(i >> 8)}, "x/v1", 60, make([]byte, maxAuthorized))
	}
	if x.s.authorizedBytes > maxAuthorizedTotal {
		t.Errorf("%d bytes are kept", x.s.authorizedBytes)
	}
}
