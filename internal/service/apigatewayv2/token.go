package apigatewayv2

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/engine/oidc"
)

// JWT authorizers. A token must be signed by a key of the issuer, be of that issuer (iss), for one of the audiences
// (aud, or client_id where it has no aud), and valid now (exp, nbf); where the route names scopes, it must have one
// of them (scope or scp).

func invalidToken(description string, cause error) error {
	f := unauthorized()
	f.cause = cause
	f.header = http.Header{"Www-Authenticate": {`Bearer scope="" error="invalid_token" error_description="` + description + `"`}}
	return f
}

func (x *exchange) authorizeToken(a *types.Authorizer) error {
	sources, ok := x.identities()
	if !ok || len(sources) != 1 {
		f := unauthorized()
		f.header = http.Header{"Www-Authenticate": {"Bearer"}}
		return f
	}
	token := sources[0]
	if len(token) > 7 && strings.EqualFold(token[:7], "Bearer ") {
		token = strings.TrimSpace(token[7:])
	}
	issuer := aws.ToString(a.JwtConfiguration.Issuer)
	peeked, err := oidc.Peek(token)
	if err != nil {
		return invalidToken("the token is not formatted properly", nil)
	}
	if peeked.Text("iss") != issuer {
		return invalidToken("the issuer of the token is not that of the authorizer", nil)
	}
	claims, err := x.s.verify(x.r.Context(), token, issuer)
	switch {
	case errors.Is(err, oidc.ErrExpired):
		return invalidToken("the token has expired", nil)
	case errors.Is(err, oidc.ErrMalformed), errors.Is(err, oidc.ErrSignature), errors.Is(err, oidc.ErrNoKey):
		return invalidToken("the token is not signed by its issuer", nil)
	case err != nil:
		return invalidToken("the issuer's keys are not known", err)
	}
	audience := claims.Texts("aud")
	if _, ok := claims["aud"]; !ok {
		audience = claims.Texts("client_id")
	}
	if !slices.ContainsFunc(audience, func(s string) bool { return slices.Contains(a.JwtConfiguration.Audience, s) }) {
		return invalidToken("the token has another audience", nil)
	}
	scopes := claims.Texts("scp")
	for _, s := range claims.Texts("scope") {
		scopes = append(scopes, strings.Fields(s)...)
	}
	if !hasScope(x.plan.route.AuthorizationScopes, scopes) {
		f := forbidden()
		f.header = http.Header{"Www-Authenticate": {`Bearer scope="` + strings.Join(x.plan.route.AuthorizationScopes, " ") + `" error="insufficient_scope"`}}
		return f
	}
	x.identity.claims = claims
	if len(x.plan.route.AuthorizationScopes) > 0 {
		x.identity.scopes = scopes
	}
	return nil
}

// verify returns the claims of a token that its issuer signed.
func (s *Service) verify(ctx context.Context, token, issuer string) (oidc.Claims, error) {
	now := s.cfg.Clock.Now()
	err := oidc.ErrNoKey
	if s.keys != nil {
		keys, kerr := s.keys.Keys(ctx, issuer)
		if kerr != nil {
			return nil, kerr
		}
		claims, verr := oidc.Verify(token, keys, now)
		if !errors.Is(verr, oidc.ErrNoKey) {
			return claims, verr
		}
		err = verr
	}
	if s.cfg.Outbound == nil {
		return nil, err
	}
	return s.issuers.Verify(ctx, s.cfg.Outbound, token, issuer, now)
}
