package cognitoidentity

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/golang-jwt/jwt/v5"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/state"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

type memory struct{ key []byte }

func (m *memory) Load(context.Context) ([]byte, error) { return m.key, nil }
func (m *memory) Save(_ context.Context, key []byte) ([]byte, error) {
	m.key = key
	return key, nil
}

// idp is an identity provider, and the node's own issuer.
type idp struct{ *oidc.Signer }

func (i idp) Keys(ctx context.Context, issuer string) (oidc.Keys, error) {
	if issuer != "https://token.example.com" && issuer != "https://cognito-identity.amazonaws.com" {
		return nil, errors.New("unknown")
	}
	return i.Signer.Keys(ctx)
}

// tokens is STS: it takes every token and remembers it.
type tokens struct{ role, token string }

func (s *tokens) Audiences(string, string) []string { return []string{"client"} }
func (s *tokens) AssumeRoleWithWebIdentity(_ context.Context, in *sts.AssumeRoleWithWebIdentityInput, _ ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	s.role, s.token = *in.RoleArn, *in.WebIdentityToken
	if strings.HasSuffix(s.role, "/untrusting") {
		return nil, awswire.Errorf("AccessDenied", "no")
	}
	return &sts.AssumeRoleWithWebIdentityOutput{Credentials: &ststypes.Credentials{
		AccessKeyId: aws.String("ASIA"), SecretAccessKey: aws.String("s"), SessionToken: aws.String("t"), Expiration: aws.Time(now.Add(time.Hour)),
	}}, nil
}

// publisher is an issuer elsewhere that publishes its key.
type publisher struct {
	*oidc.Signer
	asked int
}

func (p *publisher) Verify(_ context.Context, token, _ string) (oidc.Claims, error) {
	p.asked++
	return oidc.Peek(token)
}

// sign returns a token of a key with an id; empty: the token has none.
func (p *publisher) sign(t *testing.T, id string) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": "https://token.example.com", "sub": "eve", "aud": "client", "exp": now.Add(time.Hour).Unix()})
	if id != "" {
		token.Header["kid"] = id
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestIdentities(t *testing.T) {
	b, err := broker.Start(broker.Options{Dir: filepath.Join(t.TempDir(), "nats"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close(); b.Close() })
	s, err := New(Config{State: st, Clock: clockwork.NewFakeClockAt(now)})
	if err != nil {
		t.Fatal(err)
	}
	signer, creds := idp{oidc.NewSigner(&memory{})}, &tokens{}
	s.Bind(creds, signer, signer, nil)
	ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: "111122223333", Region: "eu-west-1"})
	unsigned := awswire.WithCaller(t.Context(), awswire.Caller{Account: "000000000000", Region: "us-east-1", Anonymous: true})

	pool, err := s.CreateIdentityPool(ctx, &cognitoidentity.CreateIdentityPoolInput{
		IdentityPoolName: aws.String("page"), AllowUnauthenticatedIdentities: true, DeveloperProviderName: aws.String("login.mine"),
		OpenIdConnectProviderARNs: []string{"arn:aws:iam::111122223333:oidc-provider/token.example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := pool.IdentityPoolId
	if !strings.HasPrefix(*id, "eu-west-1:") {
		t.Errorf("pool %s", *id)
	}
	if _, err := s.DescribeIdentityPool(unsigned, &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: id}); err == nil {
		t.Error("another account sees the pool")
	}
	guest, err := s.GetId(unsigned, &cognitoidentity.GetIdInput{IdentityPoolId: id})
	if err != nil {
		t.Fatal(err)
	}
	credentials := func(identity *string, logins map[string]string) error {
		_, err := s.GetCredentialsForIdentity(unsigned, &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: identity, Logins: logins})
		return err
	}
	want := func(what string, err error, part string) {
		t.Helper()
		if part == "" && err != nil || part != "" && (err == nil || !strings.Contains(err.Error(), part)) {
			t.Errorf("%s: %v, want %q", what, err, part)
		}
	}
	want("no roles", credentials(guest.IdentityId, nil), "InvalidIdentityPoolConfiguration")
	roles := func(unauthenticated string) {
		_, err := s.SetIdentityPoolRoles(ctx, &cognitoidentity.SetIdentityPoolRolesInput{IdentityPoolId: id, Roles: map[string]string{
			"unauthenticated": "arn:aws:iam::111122223333:role/" + unauthenticated, "authenticated": "arn:aws:iam::111122223333:role/user",
		}, RoleMappings: map[string]types.RoleMapping{"token.example.com": {Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeAuthenticatedRole,
			RulesConfiguration: &types.RulesConfigurationType{Rules: []types.MappingRule{{Claim: aws.String("team"), MatchType: types.MappingRuleMatchTypeEquals, Value: aws.String("blue"), RoleARN: aws.String("arn:aws:iam::111122223333:role/blue")}}}}}})
		want("roles", err, "")
	}
	roles("guest")
	want("guest", credentials(guest.IdentityId, nil), "")
	claims, err := oidc.Peek(creds.token)
	if err != nil || creds.role != "arn:aws:iam::111122223333:role/guest" || claims.Text("aud") != *id || claims.Text("sub") != *guest.IdentityId || claims.Texts("amr")[0] != "unauthenticated" {
		t.Errorf("role %s by %v (%v)", creds.role, claims, err)
	}
	roles("untrusting")
	want("a role that does not trust the pool", credentials(guest.IdentityId, nil), "Check assigned IAM roles")

	login := func(subject, audience, team string) map[string]string {
		token, err := signer.Sign(ctx, oidc.Claims{"iss": "https://token.example.com", "sub": subject, "aud": audience, "team": team, "exp": now.Add(time.Hour).Unix()})
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"token.example.com": token}
	}
	user, err := s.GetId(unsigned, &cognitoidentity.GetIdInput{IdentityPoolId: id, Logins: login("ann", "client", "red")})
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.GetId(unsigned, &cognitoidentity.GetIdInput{IdentityPoolId: id, Logins: login("ann", "client", "blue")})
	if err != nil || *again.IdentityId != *user.IdentityId {
		t.Errorf("one login has two identities (%v)", err)
	}
	want("user", credentials(user.IdentityId, login("ann", "client", "red")), "")
	if creds.role != "arn:aws:iam::111122223333:role/user" {
		t.Errorf("role %s", creds.role)
	}
	want("user by a rule", credentials(user.IdentityId, login("ann", "client", "blue")), "")
	if creds.role != "arn:aws:iam::111122223333:role/blue" {
		t.Errorf("role %s", creds.role)
	}
	want("without the login", credentials(user.IdentityId, nil), "is forbidden")
	want("another's login", credentials(user.IdentityId, login("bob", "client", "red")), "NotAuthorized")
	want("another audience", credentials(user.IdentityId, login("ann", "other", "red")), "Incorrect token audience")
	want("a provider that the pool has not", credentials(user.IdentityId, map[string]string{"x.example.com": login("ann", "client", "red")["token.example.com"]}), "Issuer doesn't match")
	want("no identity", credentials(aws.String("eu-west-1:none"), nil), "ResourceNotFound")
	_, err = s.GetOpenIdToken(unsigned, &cognitoidentity.GetOpenIdTokenInput{IdentityId: guest.IdentityId})
	want("the basic flow", err, "Basic (classic) flow is not enabled")

	dev, err := s.GetOpenIdTokenForDeveloperIdentity(ctx, &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: id, Logins: map[string]string{"login.mine": "u1"}})
	if err != nil {
		t.Fatal(err)
	}
	want("a developer's user", credentials(dev.IdentityId, map[string]string{"cognito-identity.amazonaws.com": *dev.Token}), "")
	want("with another's token", credentials(user.IdentityId, map[string]string{"cognito-identity.amazonaws.com": *dev.Token}), "is forbidden")
	l, err := s.ListIdentities(ctx, &cognitoidentity.ListIdentitiesInput{IdentityPoolId: id, MaxResults: aws.Int32(60)})
	if err != nil || len(l.Identities) != 3 {
		t.Errorf("%d identities (%v)", len(l.Identities), err)
	}

	// What the node's keys do not verify those may which the issuer publishes, but for the node's own tokens.
	elsewhere := &publisher{oidc.NewSigner(&memory{}), 0}
	s.Bind(creds, signer, signer, elsewhere)
	for what, token := range map[string]string{"a key of the issuer": elsewhere.sign(t, "k"), "a key without an id": elsewhere.sign(t, "")} {
		elsewhere.asked = 0
		if _, err := s.GetId(unsigned, &cognitoidentity.GetIdInput{IdentityPoolId: id, Logins: map[string]string{"token.example.com": token}}); err != nil || elsewhere.asked != 1 {
			t.Errorf("%s: %v, the issuer was asked %d times", what, err, elsewhere.asked)
		}
	}
	elsewhere.asked = 0
	forged, err := elsewhere.Sign(ctx, oidc.Claims{"iss": issuer, "sub": *user.IdentityId, "aud": *id, "exp": now.Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	want("a token of one's own of another's key", credentials(user.IdentityId, map[string]string{own: forged}), "Can't verify")
	if elsewhere.asked != 0 {
		t.Error("the keys of the node's own tokens are asked for elsewhere")
	}
	if _, err := s.DeleteIdentityPool(ctx, &cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: id}); err != nil {
		t.Fatal(err)
	}
	want("after the pool", credentials(guest.IdentityId, nil), "ResourceNotFound")
}
