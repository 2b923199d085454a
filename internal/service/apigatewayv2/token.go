package apigatewayv2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

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

// verify returns the claims of a token that its issuer signed. Keys that were fetched are asked for again where the
// token's is not among them.
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
	keys, fetched, err := s.issuers.keys(ctx, s.cfg.Outbound, issuer, now, time.Time{})
	if err != nil {
		return nil, err
	}
	claims, err := oidc.Verify(token, keys, now)
	if errors.Is(err, oidc.ErrNoKey) && now.Sub(fetched) >= refetchAfter {
		if keys, _, err = s.issuers.keys(ctx, s.cfg.Outbound, issuer, now, fetched); err != nil {
			return nil, err
		}
		return oidc.Verify(token, keys, now)
	}
	return claims, err
}

// Bounds of what is known of issuers.
const (
	keysLast     = 2 * time.Hour    // a key set is fetched again after it
	refetchAfter = 30 * time.Second // a key set is not fetched more often, whatever tokens say
	maxIssuers   = 1000
	maxKeySet    = 256 << 10 // bytes of a discovery document, and of a key set
	fetchTimeout = 5 * time.Second
)

// issuers keeps the key sets of issuers. The zero value is ready.
type issuers struct {
	mu    sync.Mutex
	known map[string]*issuer
}

// issuer is fetched by one request at a time; the others wait for it.
type issuer struct {
	mu   sync.Mutex
	keys oidc.Keys
	err  error
	at   time.Time // it was asked
	good time.Time // the keys came
}

// keys are the keys of an issuer, and when they were fetched: later than after.
func (i *issuers) keys(ctx context.Context, out Outbound, name string, now, after time.Time) (oidc.Keys, time.Time, error) {
	i.mu.Lock()
	k := i.known[name]
	if k == nil {
		if i.known == nil || len(i.known) >= maxIssuers {
			i.known = map[string]*issuer{}
		}
		k = &issuer{}
		i.known[name] = k
	}
	i.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	age := now.Sub(k.at)
	fresh := !k.at.IsZero() && k.at.After(after) && (k.err == nil && now.Sub(k.good) < keysLast || k.err != nil && age < refetchAfter)
	if !fresh {
		// For all who wait, whether or not this client hangs up. Good keys stay where the issuer does not answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		keys, err := fetchKeys(ctx, out, name)
		if err == nil {
			k.good = now
		}
		if err == nil || k.keys == nil || now.Sub(k.good) >= keysLast {
			k.keys, k.err = keys, err
		}
		k.at = now
	}
	return k.keys, k.at, k.err
}

// fetchKeys asks an issuer's discovery document where its keys are, and gets them.
func fetchKeys(ctx context.Context, out Outbound, issuer string) (oidc.Keys, error) {
	text, err := fetch(ctx, out, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	var d struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &d); err != nil || d.Keys == "" {
		return nil, fmt.Errorf("the discovery document of %s names no jwks_uri", issuer)
	}
	if d.Issuer != issuer {
		return nil, fmt.Errorf("the discovery document of %s is of the issuer %q", issuer, d.Issuer)
	}
	if text, err = fetch(ctx, out, d.Keys); err != nil {
		return nil, err
	}
	return oidc.ParseKeys(text)
}

func fetch(ctx context.Context, out Outbound, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	resp, err := out.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answered %d", url, resp.StatusCode)
	case len(b) > maxKeySet:
		return nil, fmt.Errorf("%s answered more than %d bytes", url, maxKeySet)
	}
	return b, nil
}
