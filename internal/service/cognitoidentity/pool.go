package cognitoidentity

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Pools: their settings, tags and roles. At most 50 tags a pool.

const maxTags = 50

func providersOf(list []types.CognitoIdentityProvider) []provider {
	var out []provider
	for _, p := range list {
		out = append(out, provider{aws.ToString(p.ProviderName), aws.ToString(p.ClientId), p.ServerSideTokenCheck})
	}
	return out
}

func providersOut(list []provider) []types.CognitoIdentityProvider {
	var out []types.CognitoIdentityProvider
	for _, p := range list {
		out = append(out, types.CognitoIdentityProvider{ProviderName: aws.String(p.Name), ClientId: aws.String(p.Client), ServerSideTokenCheck: p.Check})
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// describe returns the settings.
func (p *poolDoc) describe() *cognitoidentity.DescribeIdentityPoolOutput {
	return &cognitoidentity.DescribeIdentityPoolOutput{
		AllowUnauthenticatedIdentities: p.AllowUnauthenticated, IdentityPoolId: aws.String(p.ID), IdentityPoolName: aws.String(p.Name), AllowClassicFlow: p.AllowClassic,
		CognitoIdentityProviders: providersOut(p.Providers), DeveloperProviderName: optional(p.Developer), IdentityPoolTags: p.Tags,
		OpenIdConnectProviderARNs: p.OIDC, SamlProviderARNs: p.SAML, SupportedLoginProviders: p.Logins,
	}
}

// CreateIdentityPool makes a pool.
func (s *Service) CreateIdentityPool(ctx context.Context, in *cognitoidentity.CreateIdentityPoolInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.CreateIdentityPoolOutput, error) {
	c := awswire.CallerFrom(ctx)
	if len(in.IdentityPoolTags) > maxTags {
		return nil, invalid("A resource can have at most %d tags.", maxTags)
	}
	p := &poolDoc{
		ID: newID(c.Region), Account: c.Account, Region: c.Region, Name: *in.IdentityPoolName, AllowUnauthenticated: in.AllowUnauthenticatedIdentities,
		AllowClassic: in.AllowClassicFlow, Providers: providersOf(in.CognitoIdentityProviders), Developer: aws.ToString(in.DeveloperProviderName),
		OIDC: in.OpenIdConnectProviderARNs, SAML: in.SamlProviderARNs, Logins: in.SupportedLoginProviders, Tags: in.IdentityPoolTags, Created: s.now(),
	}
	if err := s.pools.Create(ctx, p, p.ID); err != nil {
		return nil, err
	}
	out := cognitoidentity.CreateIdentityPoolOutput(*p.describe())
	return &out, nil
}

// UpdateIdentityPool replaces a pool's settings; tags that are not given stay.
func (s *Service) UpdateIdentityPool(ctx context.Context, in *cognitoidentity.UpdateIdentityPoolInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.UpdateIdentityPoolOutput, error) {
	p, err := s.modify(ctx, *in.IdentityPoolId, func(p *poolDoc) error {
		if p.Developer != "" && aws.ToString(in.DeveloperProviderName) != p.Developer {
			return invalid("The developer provider name cannot be changed once it is set.")
		}
		p.Name, p.AllowUnauthenticated, p.AllowClassic = *in.IdentityPoolName, in.AllowUnauthenticatedIdentities, in.AllowClassicFlow
		p.Providers, p.Developer = providersOf(in.CognitoIdentityProviders), aws.ToString(in.DeveloperProviderName)
		p.OIDC, p.SAML, p.Logins = in.OpenIdConnectProviderARNs, in.SamlProviderARNs, in.SupportedLoginProviders
		if in.IdentityPoolTags != nil {
			p.Tags = in.IdentityPoolTags
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := cognitoidentity.UpdateIdentityPoolOutput(*p.describe())
	return &out, nil
}

// DescribeIdentityPool returns a pool's settings.
func (s *Service) DescribeIdentityPool(ctx context.Context, in *cognitoidentity.DescribeIdentityPoolInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.DescribeIdentityPoolOutput, error) {
	p, err := s.pool(ctx, *in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	return p.describe(), nil
}

// DeleteIdentityPool removes a pool and its identities: nobody gets credentials by it any more. Those that
// were given out last until they expire.
func (s *Service) DeleteIdentityPool(ctx context.Context, in *cognitoidentity.DeleteIdentityPoolInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.DeleteIdentityPoolOutput, error) {
	p, err := s.pool(ctx, *in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	if err := s.pools.Delete(ctx, p.ID); err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	// Without their pool they are nobody's; what is left of them after a crash is harmless.
	if err := s.logins.DeleteAll(ctx, p.ID); err != nil {
		return nil, err
	}
	for it, err := range s.identities.List() {
		if err == nil && it.Value.Pool == p.ID {
			if err := s.identities.Delete(ctx, it.Key...); err != nil && !errors.Is(err, state.ErrNotFound) {
				return nil, err
			}
		}
	}
	return &cognitoidentity.DeleteIdentityPoolOutput{}, nil
}

// ListIdentityPools lists the pools of the account in the region.
func (s *Service) ListIdentityPools(ctx context.Context, in *cognitoidentity.ListIdentityPoolsInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.ListIdentityPoolsOutput, error) {
	c := awswire.CallerFrom(ctx)
	all, err := s.pools.All()
	if err != nil {
		return nil, err
	}
	var mine []*poolDoc
	for _, p := range all {
		if p.Account == c.Account && p.Region == c.Region {
			mine = append(mine, p)
		}
	}
	list, next, err := page.Of(mine, func(p *poolDoc) string { return p.ID }, page.Request{Token: in.NextToken, Max: in.MaxResults, Limit: 60})
	if err != nil {
		return nil, invalid("Invalid NextToken.")
	}
	out := &cognitoidentity.ListIdentityPoolsOutput{IdentityPools: []types.IdentityPoolShortDescription{}, NextToken: next}
	for _, p := range list {
		out.IdentityPools = append(out.IdentityPools, types.IdentityPoolShortDescription{IdentityPoolId: aws.String(p.ID), IdentityPoolName: aws.String(p.Name)})
	}
	return out, nil
}

// SetIdentityPoolRoles sets the roles of a pool's identities.
func (s *Service) SetIdentityPoolRoles(ctx context.Context, in *cognitoidentity.SetIdentityPoolRolesInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.SetIdentityPoolRolesOutput, error) {
	for kind, role := range in.Roles {
		if kind != "authenticated" && kind != "unauthenticated" {
			return nil, invalid("Invalid role type: %s", kind)
		}
		if a, ok := arn.Parse(role); !ok || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
			return nil, invalid("Invalid role ARN: %s", role)
		}
	}
	for name, m := range in.RoleMappings {
		if m.Type == types.RoleMappingTypeRules && (m.RulesConfiguration == nil || len(m.RulesConfiguration.Rules) == 0) {
			return nil, invalid("Rules are required for the role mapping of %s.", name)
		}
	}
	_, err := s.modify(ctx, *in.IdentityPoolId, func(p *poolDoc) error {
		p.Roles, p.Mappings = maps.Clone(in.Roles), in.RoleMappings
		return nil
	})
	return &cognitoidentity.SetIdentityPoolRolesOutput{}, err
}

// GetIdentityPoolRoles returns them.
func (s *Service) GetIdentityPoolRoles(ctx context.Context, in *cognitoidentity.GetIdentityPoolRolesInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetIdentityPoolRolesOutput, error) {
	p, err := s.pool(ctx, *in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	return &cognitoidentity.GetIdentityPoolRolesOutput{IdentityPoolId: aws.String(p.ID), Roles: p.Roles, RoleMappings: p.Mappings}, nil
}

// poolOf returns the pool of an ARN.
func (s *Service) poolOf(ctx context.Context, name string) (*poolDoc, error) {
	a, _ := arn.Parse(name)
	id, ok := a.After("identitypool/")
	if !ok {
		return nil, invalid("Invalid resource ARN: %s", name)
	}
	return s.pool(ctx, id)
}

// TagResource adds tags to a pool.
func (s *Service) TagResource(ctx context.Context, in *cognitoidentity.TagResourceInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.TagResourceOutput, error) {
	p, err := s.poolOf(ctx, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = s.modify(ctx, p.ID, func(p *poolDoc) error {
		if p.Tags == nil {
			p.Tags = map[string]string{}
		}
		maps.Copy(p.Tags, in.Tags)
		if len(p.Tags) > maxTags {
			return invalid("A resource can have at most %d tags.", maxTags)
		}
		return nil
	})
	return &cognitoidentity.TagResourceOutput{}, err
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *cognitoidentity.UntagResourceInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.UntagResourceOutput, error) {
	p, err := s.poolOf(ctx, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = s.modify(ctx, p.ID, func(p *poolDoc) error {
		for _, k := range in.TagKeys {
			delete(p.Tags, k)
		}
		return nil
	})
	return &cognitoidentity.UntagResourceOutput{}, err
}

// ListTagsForResource lists them.
func (s *Service) ListTagsForResource(ctx context.Context, in *cognitoidentity.ListTagsForResourceInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.ListTagsForResourceOutput, error) {
	p, err := s.poolOf(ctx, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &cognitoidentity.ListTagsForResourceOutput{Tags: p.Tags}, nil
}

// SetPrincipalTagAttributeMap says which claims of a provider become tags of sessions. It is stored.
func (s *Service) SetPrincipalTagAttributeMap(ctx context.Context, in *cognitoidentity.SetPrincipalTagAttributeMapInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.SetPrincipalTagAttributeMapOutput, error) {
	_, err := s.modify(ctx, *in.IdentityPoolId, func(p *poolDoc) error {
		if p.PrincipalTags == nil {
			p.PrincipalTags = map[string]principalTags{}
		}
		p.PrincipalTags[*in.IdentityProviderName] = principalTags{aws.ToBool(in.UseDefaults), in.PrincipalTags}
		return nil
	})
	return &cognitoidentity.SetPrincipalTagAttributeMapOutput{
		IdentityPoolId: in.IdentityPoolId, IdentityProviderName: in.IdentityProviderName, PrincipalTags: in.PrincipalTags, UseDefaults: in.UseDefaults,
	}, err
}

// GetPrincipalTagAttributeMap returns what was set.
func (s *Service) GetPrincipalTagAttributeMap(ctx context.Context, in *cognitoidentity.GetPrincipalTagAttributeMapInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetPrincipalTagAttributeMapOutput, error) {
	p, err := s.pool(ctx, *in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	m := p.PrincipalTags[*in.IdentityProviderName]
	return &cognitoidentity.GetPrincipalTagAttributeMapOutput{
		IdentityPoolId: in.IdentityPoolId, IdentityProviderName: in.IdentityProviderName, PrincipalTags: m.Tags, UseDefaults: aws.Bool(m.Defaults),
	}, nil
}
