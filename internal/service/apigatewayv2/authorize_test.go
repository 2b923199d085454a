package apigatewayv2

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

// TestPolicySeesWhatRoutingSees asks for routes in many spellings: policies decide about the route that answers.
func TestPolicySeesWhatRoutingSees(t *testing.T) {
	d := &apiDoc{API: types.Api{ApiId: aws.String("a")}, Routes: map[string]types.Route{}}
	for i, key := range []string{"GET /orders", "GET /orders/7", "GET /{any}"} {
		d.Routes[fmt.Sprint(i)] = types.Route{RouteId: aws.String(fmt.Sprint(i)), RouteKey: &key, AuthorizationType: types.AuthorizationTypeNone}
	}
	c, err := compileAPI(d, "d")
	if err != nil {
		t.Fatal(err)
	}
	byARN := map[string]*plan{}
	for _, path := range []string{"/orders", "/orders/", "/%6frders", "/orders/7", "/orders/7/", "/orders/%37", "/orders%2F7", "/orders%2f7", "/other"} {
		x := &exchange{r: httptest.NewRequest("GET", "http://localhost/_aws/execute-api/a"+path, nil), api: d, stage: &stageDoc{Stage: types.Stage{StageName: aws.String("v1")}}, scope: scope.Scope{Account: "111111111111", Region: "eu-west-1"}}
		_, x.escaped, _ = executeapi.Locate(x.r)
		p, _ := c.find("GET", x.escaped)
		if p == nil {
			t.Fatalf("%s leads nowhere", path)
		}
		if before := byARN[x.routeARN()]; before != nil && before != p {
			t.Errorf("%s: policies take it for another route than that which answers: %s", path, x.routeARN())
		}
		byARN[x.routeARN()] = p
	}
	if len(byARN) != 4 {
		t.Errorf("%v", byARN)
	}
}

// TestCallersOfOthersActAsNobody has the root of another account, and nobody, call an integration that acts as its caller.
func TestCallersOfOthersActAsNobody(t *testing.T) {
	const owner, other = "111111111111", "222222222222"
	for who, c := range map[string]struct {
		caller awswire.Caller
		acts   bool
	}{
		"the owner's root": {awswire.Caller{Account: owner, AccessKey: "AKIA1"}, true},
		"another's root":   {awswire.Caller{Account: other, AccessKey: "AKIA3"}, false},
		"another's user":   {awswire.Caller{Account: other, AccessKey: "AKIA4", Principal: "arn:aws:iam::" + other + ":user/u"}, false},
		"nobody":           {awswire.Caller{Account: owner, Anonymous: true}, false},
	} {
		x := &exchange{scope: scope.Scope{Account: owner, Region: "eu-west-1"}, caller: c.caller, ctx: t.Context()}
		ctx, err := x.acting("arn:aws:iam::*:user/*")
		if (err == nil) != c.acts {
			t.Errorf("%s: %v", who, err)
		}
		if err == nil && awswire.CallerFrom(ctx).AccessKey != c.caller.AccessKey {
			t.Errorf("%s: %+v", who, awswire.CallerFrom(ctx))
		}
	}
}

// outbound answers requests of the service's own.
type outbound func(*http.Request) string

func (o outbound) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(o(r)))}, nil
}

// TestPlainIssuer: an issuer that an authorizer may have, one of http elsewhere, is asked for its keys.
func TestPlainIssuer(t *testing.T) {
	x := newBench(t)
	var asked []string
	x.s.cfg.Outbound = outbound(func(r *http.Request) string {
		asked = append(asked, r.URL.String())
		return `{"issuer":"http://issuer.internal:8080/r","jwks_uri":"http://issuer.internal:8080/r/keys","keys":[]}`
	})
	if _, err := x.s.verify(t.Context(), "e30.e30.e30", "http://issuer.internal:8080/r"); err == nil {
		t.Error("a token of nobody is verified")
	}
	if want := []string{"http://issuer.internal:8080/r/.well-known/openid-configuration", "http://issuer.internal:8080/r/keys"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}
