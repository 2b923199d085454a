package sts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// cognito is the issuer of identity pools, which is a provider of every account.
const cognito = "cognito-identity.amazonaws.com"

// tagsClaim is the claim by which a token sets session tags.
const tagsClaim = "https://aws.amazon.com/tags"

func invalidToken(format string, args ...any) error {
	return &types.InvalidIdentityTokenException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// AssumeRoleWithWebIdentity hands out credentials of a role to one who has an identity provider's token
// that its trust policy takes.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput, _ ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	m := roleARN.FindStringSubmatch(*in.RoleArn)
	if m == nil {
		return nil, invalidToken("Request ARN is invalid")
	}
	id, err := s.identify(ctx, *in.WebIdentityToken, m[2])
	if err != nil {
		return nil, err
	}
	a := &assumption{
		action: "sts:AssumeRoleWithWebIdentity", role: *in.RoleArn, session: *in.RoleSessionName, policy: in.Policy, policyARNs: in.PolicyArns, seconds: in.DurationSeconds,
		who: &policy.Principal{Kind: policy.Federated, Name: id.provider, ARN: id.issuer}, provider: id.provider, keys: id.keys(), tags: id.tags, transitive: id.transitive,
	}
	user, credentials, packed, err := s.assume(ctx, a)
	if err != nil {
		return nil, err
	}
	out := &sts.AssumeRoleWithWebIdentityOutput{
		AssumedRoleUser: user, Credentials: credentials,
		SubjectFromWebIdentityToken: aws.String(id.claims.Text("sub")), Provider: aws.String(id.provider),
	}
	//lint:ignore SA1019 clients read it
	out.PackedPolicySize = packed
	if len(id.audience) > 0 {
		out.Audience = aws.String(id.audience[0])
	}
	return out, nil
}

// webIdentity is who has a token.
type webIdentity struct {
	claims     oidc.Claims
	issuer     string // without its scheme
	provider   string // ARN, or the name of a provider that every account has
	audience   []string
	tags       map[string]string
	transitive []string
}

// identify reads a token and checks what can be checked of it.
func (s *Service) identify(ctx context.Context, token, account string) (*webIdentity, error) {
	const noJWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	claims, err := oidc.Peek(token)
	if err != nil {
		return nil, invalidToken(noJWT)
	}
	issuer := claims.Text("iss")
	id := &webIdentity{claims: claims, issuer: strings.TrimSuffix(trimScheme(issuer), "/"), audience: claims.Texts("aud")}
	if id.issuer == "" {
		return nil, invalidToken("Missing a required claim: iss")
	}
	registered := false
	lenient := s.config.AnyAccount && !s.enforces()
	if id.issuer == cognito {
		id.provider = cognito
	} else if s.config.Directory != nil {
		arn, clients, ok := s.config.Directory.OIDC(ctx, account, id.issuer)
		switch {
		case !ok && !lenient:
			return nil, invalidToken("No OpenIDConnect provider found in your account for %s", issuer)
		case ok && !slices.ContainsFunc(id.audience, func(a string) bool { return slices.Contains(clients, a) }):
			return nil, invalidToken("Incorrect token audience")
		}
		id.provider, registered = arn, ok
	}
	if id.provider == "" {
		id.provider = id.issuer
	}
	keys, err := s.keysOf(ctx, issuer)
	if err != nil && !lenient {
		return nil, noKeys()
	}
	if err != nil {
		// Nobody's keys are asked for: the token is taken at its word, but for its time.
		if exp, ok := claims["exp"].(float64); ok && !s.config.Clock.Now().Before(time.Unix(int64(exp), 0)) {
			return nil, expired()
		}
		return id, id.readTags()
	}
	_, err = oidc.Verify(token, keys, s.config.Clock.Now())
	if (errors.Is(err, oidc.ErrNoKey) || errors.Is(err, oidc.ErrSignature)) && registered && s.config.Published != nil {
		_, err = s.config.Published.Verify(ctx, token, issuer)
	}
	switch {
	case errors.Is(err, oidc.ErrExpired):
		return nil, expired()
	case errors.Is(err, oidc.ErrMalformed):
		return nil, invalidToken(noJWT)
	case errors.Is(err, oidc.ErrNoKey), errors.Is(err, oidc.ErrSignature):
		return nil, invalidToken("Couldn't verify the token's signature with the keys of %s", issuer)
	case err != nil:
		return nil, noKeys()
	}
	return id, id.readTags()
}

func (s *Service) keysOf(ctx context.Context, issuer string) (oidc.Keys, error) {
	if s.config.Keys == nil {
		return nil, errors.New("no keys")
	}
	return s.config.Keys.Keys(ctx, issuer)
}

func noKeys() error {
	return &types.IDPCommunicationErrorException{Message: aws.String("Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements")}
}

func trimScheme(issuer string) string {
	if _, rest, ok := strings.Cut(issuer, "://"); ok {
		return rest
	}
	return issuer
}

func expired() error {
	return &types.ExpiredTokenException{Message: aws.String("Token expired: current date/time must be before the expiration date/time")}
}

// readTags takes the session tags from the token.
func (id *webIdentity) readTags() error {
	m, ok := id.claims[tagsClaim].(map[string]any)
	if !ok {
		return nil
	}
	principal, _ := m["principal_tags"].(map[string]any)
	if len(principal) > maxTags {
		return invalidToken("The token has more than %d session tags", maxTags)
	}
	id.tags = map[string]string{}
	for k := range principal {
		if list := oidc.Claims(principal).Texts(k); len(list) == 1 {
			id.tags[k] = list[0]
		}
	}
	for _, k := range oidc.Claims(m).Texts("transitive_tag_keys") {
		if _, ok := id.tags[k]; ok {
			id.transitive = append(id.transitive, k)
		}
	}
	return nil
}

// keys are the condition keys that a token gives: its claims that are texts, behind the issuer.
func (id *webIdentity) keys() map[string][]string {
	keys := map[string][]string{}
	size := 0
	for name := range id.claims {
		if list := id.claims.Texts(name); len(list) > 0 && !strings.ContainsAny(name, ":/") {
			for _, v := range list {
				size += len(v)
			}
			if size <= 4<<10 || name == "sub" || name == "aud" || name == "amr" {
				keys[id.issuer+":"+name] = list
			}
		}
	}
	return keys
}

// Audiences are those that tokens of an account's OpenID Connect provider may have, by its issuer without
// the scheme.
func (s *Service) Audiences(account, issuer string) []string {
	if s.config.Directory == nil {
		return nil
	}
	_, clients, _ := s.config.Directory.OIDC(context.Background(), account, issuer)
	return clients
}
