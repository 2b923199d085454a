package sts

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/golang-jwt/jwt/v5"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/seal"
)

// providers is a little IAM of one role and the providers of some issuers.
type providers struct {
	directory
	issuers map[string]bool
}

func (p providers) OIDC(_ context.Context, account, issuer string) (string, []string, bool) {
	return "arn:aws:iam::" + account + ":oidc-provider/" + issuer, []string{"sts.amazonaws.com"}, p.issuers[issuer]
}

// fetched verifies by keys that are fetched.
type fetched struct {
	issuers oidc.Issuers
	clock   clockwork.Clock
}

func (f *fetched) Verify(ctx context.Context, token, issuer string) (oidc.Claims, error) {
	return f.issuers.Verify(ctx, http.DefaultClient, token, issuer, f.clock.Now())
}

// noKeysOf is a node that knows the keys of its own alone.
type noKeysOf struct{ own *oidc.Signer }

func (n noKeysOf) Keys(ctx context.Context, _ string) (oidc.Keys, error) { return n.own.Keys(ctx) }

// TestKeysOfIssuersAreFetched assumes a role as a deployment does whose tokens are signed by an issuer elsewhere.
func TestKeysOfIssuersAreFetched(t *testing.T) {
	signer, next, evil := oidc.NewSigner(&memory{}), oidc.NewSigner(&memory{}), oidc.NewSigner(&memory{})
	published, named, asked := signer, "", 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.URL.Path == "/.well-known/openid-configuration" {
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"http://%s/jwks"}`, named, r.Host)
			return
		}
		set, err := published.KeySet(r.Context())
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(set)
	}))
	defer server.Close()
	issuer, name := server.URL, strings.TrimPrefix(server.URL, "http://")
	named = issuer
	trust, err := policy.Parse(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/%[1]s"},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"%[1]s:sub":"repo:octo/*"},"StringEquals":{"%[1]s:aud":"sts.amazonaws.com"}}}]}`, name), policy.Trust)
	if err != nil {
		t.Fatal(err)
	}
	clock := clockwork.NewFakeClockAt(now)
	verifier := &fetched{clock: clock}
	newService := func() *Service {
		s, err := New(Config{Issuer: NewIssuer(seal.Random()), Directory: providers{directory{trust}, map[string]bool{name: true}}, Decider: trusting{true}, Keys: noKeysOf{evil}, Published: verifier, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := newService()
	claims := func(change ...any) oidc.Claims {
		c := oidc.Claims{"iss": issuer, "sub": "repo:octo/repo:ref:refs/heads/main", "aud": "sts.amazonaws.com", "exp": clock.Now().Add(10 * time.Minute).Unix()}
		for i := 0; i+1 < len(change); i += 2 {
			c[change[i].(string)] = change[i+1]
		}
		return c
	}
	signed := func(by *oidc.Signer, c oidc.Claims) string {
		token, err := by.Sign(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	header := func(method jwt.SigningMethod, key any, kid string) string {
		token := jwt.NewWithClaims(method, jwt.MapClaims(claims()))
		token.Header["kid"] = kid
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	assume := func(token string) error {
		ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: "111122223333", Anonymous: true})
		_, err := s.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::111122223333:role/r"), RoleSessionName: aws.String("deploy"), WebIdentityToken: &token,
		})
		return err
	}
	set, err := signer.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var kid string
	keys, err := oidc.ParseKeys(set)
	if err != nil {
		t.Fatal(err)
	}
	for kid = range keys {
	}
	const wrong = "InvalidIdentityToken"
	for _, tt := range []struct{ what, token, want string }{
		{"a token of the issuer", signed(signer, claims()), ""},
		{"another", signed(signer, claims("sub", "repo:octo/other")), ""},
		{"another subject", signed(signer, claims("sub", "repo:octopus/repo")), "AccessDenied"},
		{"another audience", signed(signer, claims("aud", "elsewhere")), wrong},
		{"expired", signed(signer, claims("exp", now.Add(-time.Hour).Unix())), "ExpiredToken"},
		{"without an end", signed(signer, claims("exp", nil)), wrong},
		{"of another issuer", signed(signer, claims("iss", "https://elsewhere.example")), "No OpenIDConnect provider found"},
		{"unsigned", header(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid), wrong},
		{"signed with the public key as a secret", header(jwt.SigningMethodHS256, set, kid), wrong},
		{"of a key that the issuer does not have", signed(next, claims()), wrong},
	} {
		if err := assume(tt.token); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.what, err, tt.want)
		}
	}
	if asked != 2 {
		t.Errorf("the issuer was asked %d times, want twice", asked)
	}

	published = next
	clock.Advance(oidc.RefetchAfter)
	if err := assume(signed(next, claims())); err != nil {
		t.Errorf("a key that the issuer has now: %v", err)
	}
	if err := assume(signed(signer, claims())); err == nil {
		t.Error("a key that the issuer has withdrawn is taken")
	}

	// What a discovery document says of another issuer is not this one's.
	named, verifier = "https://elsewhere.example", &fetched{clock: clock}
	s = newService()
	if err := assume(signed(next, claims())); err == nil || !strings.Contains(err.Error(), "Couldn't retrieve verification key") {
		t.Errorf("a discovery document of another issuer: %v", err)
	}
	asked = 0
	if err := assume(signed(next, claims("iss", "https://unregistered.example"))); err == nil || asked != 0 {
		t.Errorf("an issuer that is no provider of the account: %v, asked %d times", err, asked)
	}
}
