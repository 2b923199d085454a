package cognitoidentity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Identities: who a browser or an application is, and the credentials that it gets.

// issuer is whose tokens those of identities are.
const issuer = "https://cognito-identity.amazonaws.com"

// own is the provider by which an identity's own token is a login.
const own = "cognito-identity.amazonaws.com"

const (
	tokenLasts   = 10 * time.Minute // of the basic flow
	sessionLasts = time.Hour
)

// login is a login that was verified.
type login struct {
	provider string
	subject  string
	claims   oidc.Claims
}

// verify checks the logins of a request. The identity's own token says which identity it is.
func (s *Service) verify(ctx context.Context, p *poolDoc, logins map[string]string) (list []login, identity string, err error) {
	for name, token := range logins {
		clients, known := s.clients(p, name)
		if !known {
			return nil, "", notAuthorized("Invalid login token. Issuer doesn't match providerName")
		}
		claims, err := oidc.Peek(token)
		if err != nil {
			return nil, "", notAuthorized("Invalid login token. Not a valid OpenId Connect identity token.")
		}
		iss := claims.Text("iss")
		if _, bare, _ := strings.Cut(iss, "://"); strings.TrimSuffix(bare, "/") != name {
			return nil, "", notAuthorized("Invalid login token. Issuer doesn't match providerName")
		}
		if s.keys == nil {
			return nil, "", notAuthorized("Invalid login token. Can't verify the token's signature.")
		}
		keys, err := s.keys.Keys(ctx, iss)
		if err != nil {
			return nil, "", notAuthorized("Invalid login token. Can't verify the token's signature.")
		}
		claims, err = oidc.Verify(token, keys, s.clock.Now())
		// A token that names no key was held against the node's own.
		if (errors.Is(err, oidc.ErrNoKey) || errors.Is(err, oidc.ErrSignature)) && name != own && s.published != nil {
			claims, err = s.published.Verify(ctx, token, iss)
		}
		if err != nil {
			if errors.Is(err, oidc.ErrExpired) {
				return nil, "", notAuthorized("Invalid login token. Token expired: %v", err)
			}
			return nil, "", notAuthorized("Invalid login token. Can't verify the token's signature.")
		}
		if !slices.ContainsFunc(claims.Texts("aud"), func(a string) bool { return slices.Contains(clients, a) }) {
			return nil, "", notAuthorized("Invalid login token. Incorrect token audience.")
		}
		if name == own {
			identity = claims.Text("sub")
			continue
		}
		list = append(list, login{name, claims.Text("sub"), claims})
	}
	slices.SortFunc(list, func(a, b login) int { return strings.Compare(a.provider, b.provider) })
	return list, identity, nil
}

// clients are the audiences that a provider's tokens may have, and whether the pool has the provider.
func (s *Service) clients(p *poolDoc, name string) ([]string, bool) {
	if name == own {
		return []string{p.ID}, true
	}
	for _, c := range p.Providers {
		if c.Name == name {
			return []string{c.Client}, true
		}
	}
	for _, a := range p.OIDC {
		if strings.HasSuffix(a, ":oidc-provider/"+name) {
			return s.audiences(p, name), true
		}
	}
	if app, ok := p.Logins[name]; ok {
		return strings.Split(app, ";"), true
	}
	return nil, false
}

// audiences are those of an OpenID Connect provider of IAM.
func (s *Service) audiences(p *poolDoc, name string) []string {
	d, ok := s.tokens.(interface {
		Audiences(account, issuer string) []string
	})
	if !ok {
		return nil
	}
	return d.Audiences(p.Account, name)
}

// GetId returns the identity of logins, or a new one of nobody.
func (s *Service) GetId(ctx context.Context, in *cognitoidentity.GetIdInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetIdOutput, error) {
	p, err := s.anyPool(*in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	list, id, err := s.verify(ctx, p, in.Logins)
	if err != nil {
		return nil, err
	}
	if id != "" {
		if _, _, err := s.identity(id); err != nil {
			return nil, err
		}
		return &cognitoidentity.GetIdOutput{IdentityId: &id}, nil
	}
	if len(list) == 0 && !p.AllowUnauthenticated {
		return nil, notAuthorized("Unauthenticated access is not supported for this identity pool.")
	}
	if id, err = s.find(ctx, p, list); err != nil {
		return nil, err
	}
	return &cognitoidentity.GetIdOutput{IdentityId: &id}, nil
}

// find returns the identity of one of the logins, which it makes if there is none.
func (s *Service) find(ctx context.Context, p *poolDoc, list []login) (string, error) {
	for _, l := range list {
		d, err := s.logins.Get(p.ID, l.provider, l.subject)
		if err == nil {
			return d.Identity, nil
		}
		if !errors.Is(err, state.ErrNotFound) {
			return "", err
		}
	}
	id := newID(p.Region)
	d := &identityDoc{Pool: p.ID, Created: s.now(), Modified: s.now()}
	if err := s.identities.Create(ctx, d, id); err != nil {
		return "", err
	}
	return s.link(ctx, p, id, list)
}

// link gives an identity its logins. The first to claim a login has it: another identity of the same login
// is that one.
func (s *Service) link(ctx context.Context, p *poolDoc, id string, list []login) (string, error) {
	for _, l := range list {
		err := s.logins.Create(ctx, &loginDoc{id}, p.ID, l.provider, l.subject)
		if errors.Is(err, state.ErrExists) {
			d, err := s.logins.Get(p.ID, l.provider, l.subject)
			if err != nil {
				return "", err
			}
			if d.Identity != id {
				return d.Identity, nil
			}
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = s.identities.Modify(ctx, func(d *identityDoc) error {
			if d.Logins == nil {
				d.Logins = map[string]string{}
			}
			d.Logins[l.provider], d.Modified = l.subject, s.now()
			return nil
		}, id)
		if err != nil {
			return "", err
		}
	}
	return id, nil
}

// identity returns an identity and its pool.
func (s *Service) identity(id string) (*identityDoc, *poolDoc, error) {
	d, err := s.identities.Get(id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil, notFound("Identity '%s' not found.", id)
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := s.pools.Get(d.Pool)
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil, notFound("Identity '%s' not found.", id)
	}
	return d, p, err
}

// admitted is an identity whose logins were verified.
type admitted struct {
	id     string
	pool   *poolDoc
	logins []login
	token  bool // it came with its own token
}

// admit checks that who asks is the identity.
func (s *Service) admit(ctx context.Context, id string, logins map[string]string) (*admitted, error) {
	d, p, err := s.identity(id)
	if err != nil {
		return nil, err
	}
	list, sub, err := s.verify(ctx, p, logins)
	if err != nil {
		return nil, err
	}
	forbidden := notAuthorized("Access to Identity '%s' is forbidden.", id)
	if sub != "" && sub != id {
		return nil, forbidden
	}
	a := &admitted{id, p, list, sub != ""}
	switch {
	case d.Disabled:
		return nil, forbidden
	case sub != "":
		return a, nil
	case len(list) == 0:
		if len(d.Logins) > 0 {
			return nil, forbidden
		}
		if !p.AllowUnauthenticated {
			return nil, notAuthorized("Unauthenticated access is not supported for this identity pool.")
		}
		return a, nil
	case len(d.Logins) > 0 && !slices.ContainsFunc(list, func(l login) bool { return d.Logins[l.provider] == l.subject }):
		return nil, notAuthorized("Logins don't match. Please include at least one valid login for this identity or identity pool.")
	}
	if a.id, err = s.link(ctx, p, id, list); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *admitted) authenticated() bool { return len(a.logins) > 0 || a.token }

// claims are those of the identity's token.
func (a *admitted) claims(now time.Time, lasts time.Duration) oidc.Claims {
	amr := []string{"unauthenticated"}
	if a.authenticated() {
		amr = []string{"authenticated"}
		for _, l := range a.logins {
			amr = append(amr, l.provider, l.provider+":"+a.pool.Region+":"+a.pool.ID+":"+l.subject)
		}
		if a.token && a.pool.Developer != "" {
			amr = append(amr, a.pool.Developer)
		}
	}
	return oidc.Claims{"iss": issuer, "aud": a.pool.ID, "sub": a.id, "amr": amr, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(lasts).Unix()}
}

// GetOpenIdToken returns the token of an identity, for the basic flow.
func (s *Service) GetOpenIdToken(ctx context.Context, in *cognitoidentity.GetOpenIdTokenInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetOpenIdTokenOutput, error) {
	a, err := s.admit(ctx, *in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	if !a.pool.classic() {
		return nil, invalid("Basic (classic) flow is not enabled, please use enhanced flow.")
	}
	token, err := s.signer.Sign(ctx, a.claims(s.clock.Now(), tokenLasts))
	if err != nil {
		return nil, err
	}
	return &cognitoidentity.GetOpenIdTokenOutput{IdentityId: &a.id, Token: &token}, nil
}

// GetOpenIdTokenForDeveloperIdentity returns the token of a user whom the caller, a backend, has signed in.
func (s *Service) GetOpenIdTokenForDeveloperIdentity(ctx context.Context, in *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	p, err := s.pool(ctx, *in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	user, ok := in.Logins[p.Developer]
	if p.Developer == "" || !ok || len(in.Logins) != 1 {
		return nil, invalid("Please provide a valid linked developer provider login.")
	}
	list := []login{{provider: p.Developer, subject: user}}
	var id string
	if in.IdentityId != nil {
		if _, owner, err := s.identity(*in.IdentityId); err != nil || owner.ID != p.ID {
			return nil, notFound("Identity '%s' not found.", *in.IdentityId)
		}
		if id, err = s.link(ctx, p, *in.IdentityId, list); err == nil && id != *in.IdentityId {
			return nil, &types.DeveloperUserAlreadyRegisteredException{Message: aws.String("The developer user is linked to another identity.")}
		}
	} else {
		id, err = s.find(ctx, p, list)
	}
	if err != nil {
		return nil, err
	}
	lasts := 15 * time.Minute
	if in.TokenDuration != nil {
		lasts = time.Duration(*in.TokenDuration) * time.Second
	}
	a := &admitted{id: id, pool: p, logins: list, token: true}
	claims := a.claims(s.clock.Now(), lasts)
	if len(in.PrincipalTags) > 0 {
		tags := map[string]any{}
		for k, v := range in.PrincipalTags {
			tags[k] = []string{v}
		}
		claims["https://aws.amazon.com/tags"] = map[string]any{"principal_tags": tags}
	}
	token, err := s.signer.Sign(ctx, claims)
	if err != nil {
		return nil, err
	}
	return &cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput{IdentityId: &id, Token: &token}, nil
}

// GetCredentialsForIdentity returns credentials of the role that the pool has for the identity.
func (s *Service) GetCredentialsForIdentity(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	a, err := s.admit(ctx, *in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	const unset = "Invalid identity pool configuration. Check assigned IAM roles for this pool."
	role, err := a.role(aws.ToString(in.CustomRoleArn))
	if err != nil {
		return nil, err
	}
	if role == "" {
		return nil, badPool(unset)
	}
	if r, ok := arn.Parse(role); !ok || r.Account != a.pool.Account {
		return nil, badPool(unset) // a pool gives roles of its own account
	}
	token, err := s.signer.Sign(ctx, a.claims(s.clock.Now(), tokenLasts))
	if err != nil {
		return nil, err
	}
	c := awswire.CallerFrom(ctx)
	as := awswire.WithCaller(ctx, awswire.Caller{Account: a.pool.Account, Region: a.pool.Region, RequestID: c.RequestID, Anonymous: true})
	out, err := s.tokens.AssumeRoleWithWebIdentity(as, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &role, RoleSessionName: aws.String("CognitoIdentityCredentials"), WebIdentityToken: &token, DurationSeconds: aws.Int32(int32(sessionLasts / time.Second)),
	})
	var api smithy.APIError
	if errors.As(err, &api) {
		return nil, badPool(unset) // the role is not there, or does not trust the pool
	}
	if err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", role, err)
	}
	return &cognitoidentity.GetCredentialsForIdentityOutput{IdentityId: &a.id, Credentials: &types.Credentials{
		AccessKeyId: out.Credentials.AccessKeyId, SecretKey: out.Credentials.SecretAccessKey, SessionToken: out.Credentials.SessionToken, Expiration: out.Credentials.Expiration,
	}}, nil
}

// role is the role that the pool has for an identity: by the mapping of its provider, or the one for all.
func (a *admitted) role(custom string) (string, error) {
	if !a.authenticated() {
		return a.pool.Roles["unauthenticated"], nil
	}
	for _, l := range a.logins {
		for name, m := range a.pool.Mappings {
			if name != l.provider && !strings.HasPrefix(name, l.provider+":") && !strings.HasSuffix(name, ":oidc-provider/"+l.provider) {
				continue
			}
			role, ok := mapped(m, l.claims, custom)
			if ok {
				return role, nil
			}
			if m.AmbiguousRoleResolution == types.AmbiguousRoleResolutionTypeDeny {
				return "", notAuthorized("No matching rule was found for the role mapping.")
			}
		}
	}
	return a.pool.Roles["authenticated"], nil
}

// mapped is the role that a mapping finds in the claims of a login.
func mapped(m types.RoleMapping, claims oidc.Claims, custom string) (string, bool) {
	if m.Type == types.RoleMappingTypeToken {
		roles := claims.Texts("cognito:roles")
		switch preferred := claims.Text("cognito:preferred_role"); {
		case custom != "":
			return custom, slices.Contains(roles, custom)
		case preferred != "":
			return preferred, true
		case len(roles) == 1:
			return roles[0], true
		}
		return "", false
	}
	if m.RulesConfiguration == nil {
		return "", false
	}
	for _, r := range m.RulesConfiguration.Rules {
		want := aws.ToString(r.Value)
		for _, have := range claims.Texts(aws.ToString(r.Claim)) {
			hit := false
			switch r.MatchType {
			case types.MappingRuleMatchTypeEquals:
				hit = have == want
			case types.MappingRuleMatchTypeContains:
				hit = strings.Contains(have, want)
			case types.MappingRuleMatchTypeStartsWith:
				hit = strings.HasPrefix(have, want)
			case types.MappingRuleMatchTypeNotEqual:
				hit = have != want
			}
			if hit {
				return aws.ToString(r.RoleARN), true
			}
		}
	}
	return "", false
}

// ListIdentities lists the identities of a pool.
func (s *Service) ListIdentities(ctx context.Context, in *cognitoidentity.ListIdentitiesInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.ListIdentitiesOutput, error) {
	p, err := s.pool(ctx, *in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	type item struct {
		id string
		d  *identityDoc
	}
	var all []item
	for it, err := range s.identities.List() {
		if err != nil {
			return nil, err
		}
		if it.Value.Pool == p.ID && !(in.HideDisabled && it.Value.Disabled) {
			all = append(all, item{it.Key[0], it.Value})
		}
	}
	list, next, err := page.Of(all, func(i item) string { return i.id }, page.Request{Token: in.NextToken, Max: in.MaxResults, Limit: 60})
	if err != nil {
		return nil, invalid("Invalid NextToken.")
	}
	out := &cognitoidentity.ListIdentitiesOutput{IdentityPoolId: aws.String(p.ID), Identities: []types.IdentityDescription{}, NextToken: next}
	for _, i := range list {
		out.Identities = append(out.Identities, types.IdentityDescription{
			IdentityId: aws.String(i.id), CreationDate: aws.Time(i.d.Created), LastModifiedDate: aws.Time(i.d.Modified), Logins: i.d.providers(),
		})
	}
	return out, nil
}

func (d *identityDoc) providers() []string {
	var list []string
	for name := range d.Logins {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// mine returns an identity of a pool of the caller's.
func (s *Service) mine(ctx context.Context, id string) (*identityDoc, *poolDoc, error) {
	d, p, err := s.identity(id)
	if err != nil {
		return nil, nil, err
	}
	if p.Account != awswire.CallerFrom(ctx).Account {
		return nil, nil, notFound("Identity '%s' not found.", id)
	}
	return d, p, nil
}

// DescribeIdentity returns an identity's logins and dates.
func (s *Service) DescribeIdentity(ctx context.Context, in *cognitoidentity.DescribeIdentityInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.DescribeIdentityOutput, error) {
	d, _, err := s.mine(ctx, *in.IdentityId)
	if err != nil {
		return nil, err
	}
	return &cognitoidentity.DescribeIdentityOutput{
		IdentityId: in.IdentityId, CreationDate: aws.Time(d.Created), LastModifiedDate: aws.Time(d.Modified), Logins: d.providers(),
	}, nil
}

// DeleteIdentities removes identities; those of others are passed over.
func (s *Service) DeleteIdentities(ctx context.Context, in *cognitoidentity.DeleteIdentitiesInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.DeleteIdentitiesOutput, error) {
	out := &cognitoidentity.DeleteIdentitiesOutput{UnprocessedIdentityIds: []types.UnprocessedIdentityId{}}
	for _, id := range in.IdentityIdsToDelete {
		d, p, err := s.mine(ctx, id)
		if err != nil {
			continue
		}
		for provider, subject := range d.Logins {
			if err := s.logins.Delete(ctx, p.ID, provider, subject); err != nil && !errors.Is(err, state.ErrNotFound) {
				return nil, err
			}
		}
		if err := s.identities.Delete(ctx, id); err != nil && !errors.Is(err, state.ErrNotFound) {
			return nil, err
		}
	}
	return out, nil
}
