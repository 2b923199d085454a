package apigatewayv2

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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

// issuerServer answers for an issuer as a test says.
type issuerServer struct {
	asked int
	fails error
	keys  string
}

func (s *issuerServer) Do(r *http.Request) (*http.Response, error) {
	s.asked++
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if s.fails != nil {
		return nil, s.fails
	}
	text := s.keys
	if strings.HasSuffix(r.URL.Path, "openid-configuration") {
		text = `{"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/keys"}`
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewBufferString(text))}, nil
}

// TestIssuersKeysAreNotPoisoned has clients hang up and the issuer fail: who comes later has the keys all the same, as long as
// they are good.
func TestIssuersKeysAreNotPoisoned(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // of which only the public part is looked at
	if err != nil {
		t.Fatal(err)
	}
	part := func(i *big.Int) string { return base64.RawURLEncoding.EncodeToString(i.Bytes()) }
	server := &issuerServer{keys: fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"k","alg":"RS256","n":%q,"e":%q}]}`, part(key.N), part(big.NewInt(int64(key.E))))}
	var known issuers
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	ask := func(ctx context.Context, after time.Time) error {
		keys, _, err := known.keys(ctx, server, "https://issuer.example", now, after)
		if err == nil && keys == nil {
			err = errors.New("no keys")
		}
		return err
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ask(gone, time.Time{}); err != nil {
		t.Errorf("a client that has hung up: %v", err)
	}
	if err := ask(t.Context(), time.Time{}); err != nil || server.asked != 2 {
		t.Errorf("the next: %v, after %d requests", err, server.asked)
	}
	// Tokens of keys that nobody has make it ask again: what fails then takes nothing away.
	server.fails = errors.New("not now")
	first := now
	for now.Before(first.Add(keysLast - time.Minute)) {
		now = now.Add(10 * time.Minute)
		if err := ask(t.Context(), now.Add(-time.Second)); err != nil && now.Sub(first) < keysLast {
			t.Fatalf("after %v: %v", now.Sub(first), err)
		}
	}
	// But keys end, however often that was.
	now = first.Add(keysLast + time.Minute)
	if err := ask(t.Context(), time.Time{}); err == nil {
		t.Error("keys that the issuer may have withdrawn are good for ever")
	}
	server.fails = nil
	now = now.Add(refetchAfter + time.Second)
	if err := ask(t.Context(), time.Time{}); err != nil {
		t.Errorf("the issuer is back: %v", err)
	}
}
