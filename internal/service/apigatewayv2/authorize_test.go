package apigatewayv2

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/oidc"
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

// issuerAt answers for an issuer of a network without TLS.
type issuerAt struct{ signer *oidc.Signer }

func (i issuerAt) Do(r *http.Request) (*http.Response, error) {
	text, err := i.signer.KeySet(r.Context())
	if r.URL.Path != "/keys" {
		text = []byte(`{"issuer":"http://keycloak:8080","jwks_uri":"http://keycloak:8080/keys"}`)
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(text))}, err
}

// TestIssuerWithoutTLS: where outbound addresses lead to the network of an issuer it is asked, by http too, as its
// authorizer names it.
func TestIssuerWithoutTLS(t *testing.T) {
	x := newBench(t)
	signer := oidc.NewSigner(&memory{})
	x.s.cfg.Outbound = issuerAt{signer}
	token, err := signer.Sign(t.Context(), oidc.Claims{"iss": "http://keycloak:8080", "exp": x.clock.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.s.verify(t.Context(), token, "http://keycloak:8080"); err != nil {
		t.Error(err)
	}
}
