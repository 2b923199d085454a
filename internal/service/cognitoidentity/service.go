package cognitoidentity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Tokens is STS, which gives credentials of a role for an identity's token.
type Tokens interface {
	AssumeRoleWithWebIdentity(context.Context, *sts.AssumeRoleWithWebIdentityInput, ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error)
}

// Signer signs the tokens of identities.
type Signer interface {
	Sign(ctx context.Context, claims oidc.Claims) (string, error)
}

// KeySource finds the public keys of an issuer, which is a URL.
type KeySource interface {
	Keys(ctx context.Context, issuer string) (oidc.Keys, error)
}

// Verifier verifies tokens by the keys that their issuers publish. Its errors are those of oidc.Verify, or why the keys
// cannot be had.
type Verifier interface {
	Verify(ctx context.Context, token, issuer string) (oidc.Claims, error)
}

// Config is what the service depends on. State is required.
type Config struct {
	State *state.Store
	Clock clockwork.Clock // nil: the real one
}

// Service is Cognito's identity pools.
type Service struct {
	clock      clockwork.Clock
	pools      *state.Collection[poolDoc]
	identities *state.Collection[identityDoc]
	logins     *state.Collection[loginDoc]
	tokens     Tokens
	signer     Signer
	keys       KeySource
	published  Verifier // nil: there are no others
}

// New returns the service.
func New(c Config) (*Service, error) {
	if c.State == nil {
		return nil, errors.New("cognitoidentity: State is required")
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	return &Service{
		clock:      c.Clock,
		pools:      state.NewCollection[poolDoc](c.State, "cognito.pool"),
		identities: state.NewCollection[identityDoc](c.State, "cognito.identity"),
		logins:     state.NewCollection[loginDoc](c.State, "cognito.login"),
	}, nil
}

// Bind gives the service the neighbours that are made after it.
func (s *Service) Bind(tokens Tokens, signer Signer, keys KeySource, published Verifier) {
	s.tokens, s.signer, s.keys, s.published = tokens, signer, keys, published
}

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }

type poolDoc struct {
	ID                   string                       `json:"id"`
	Account              string                       `json:"account"`
	Region               string                       `json:"region"`
	Name                 string                       `json:"name"`
	AllowUnauthenticated bool                         `json:"allow_unauthenticated"`
	AllowClassic         *bool                        `json:"allow_classic,omitempty"`
	Providers            []provider                   `json:"providers,omitempty"`
	Developer            string                       `json:"developer,omitempty"`
	OIDC                 []string                     `json:"oidc,omitempty"`
	SAML                 []string                     `json:"saml,omitempty"`
	Logins               map[string]string            `json:"logins,omitempty"`
	Tags                 map[string]string            `json:"tags,omitempty"`
	Roles                map[string]string            `json:"roles,omitempty"`
	Mappings             map[string]types.RoleMapping `json:"mappings,omitempty"`
	PrincipalTags        map[string]principalTags     `json:"principal_tags,omitempty"`
	Created              time.Time                    `json:"created"`
}

type provider struct {
	Name   string `json:"name"`
	Client string `json:"client"`
	Check  *bool  `json:"check,omitempty"`
}

type principalTags struct {
	Defaults bool              `json:"defaults"`
	Tags     map[string]string `json:"tags,omitempty"`
}

type identityDoc struct {
	Pool     string            `json:"pool"`
	Created  time.Time         `json:"created"`
	Modified time.Time         `json:"modified"`
	Logins   map[string]string `json:"logins,omitempty"` // provider to subject
	Disabled bool              `json:"disabled,omitempty"`
}

type loginDoc struct {
	Identity string `json:"identity"`
}

// newID returns an id of a pool or an identity.
func newID(region string) string {
	id, err := uuid.NewRandomFromReader(rand.Reader)
	if err != nil {
		panic(err) // it does not fail
	}
	return region + ":" + id.String()
}

func (p *poolDoc) classic() bool { return aws.ToBool(p.AllowClassic) }

func notFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func notAuthorized(format string, args ...any) error {
	return &types.NotAuthorizedException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func badPool(message string) error {
	return &types.InvalidIdentityPoolConfigurationException{Message: &message}
}

// anyPool returns a pool, whoever asks: for calls of identities.
func (s *Service) anyPool(id string) (*poolDoc, error) {
	p, err := s.pools.Get(id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, notFound("IdentityPool '%s' not found.", id)
	}
	return p, err
}

// pool returns a pool of the caller's.
func (s *Service) pool(ctx context.Context, id string) (*poolDoc, error) {
	p, err := s.anyPool(id)
	if err != nil {
		return nil, err
	}
	if c := awswire.CallerFrom(ctx); p.Account != c.Account || p.Region != c.Region {
		return nil, notFound("IdentityPool '%s' not found.", id)
	}
	return p, nil
}

func (s *Service) modify(ctx context.Context, id string, f func(*poolDoc) error) (*poolDoc, error) {
	if _, err := s.pool(ctx, id); err != nil {
		return nil, err
	}
	p, err := s.pools.Modify(ctx, f, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, notFound("IdentityPool '%s' not found.", id)
	}
	return p, err
}

func onPool(c awswire.Caller, id *string) []string {
	return []string{arn.New("cognito-identity", c.Region, c.Account, "identitypool/"+aws.ToString(id))}
}

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	return awswire.API{Model: "cognito-identity", Operations: []awswire.Operation{
		awswire.Executes(s.CreateIdentityPool),
		awswire.Executes(s.DeleteIdentities),
		awswire.Executes(s.DeleteIdentityPool, func(c awswire.Caller, in *cognitoidentity.DeleteIdentityPoolInput) []string {
			return onPool(c, in.IdentityPoolId)
		}),
		awswire.Executes(s.DescribeIdentity),
		awswire.Executes(s.DescribeIdentityPool, func(c awswire.Caller, in *cognitoidentity.DescribeIdentityPoolInput) []string {
			return onPool(c, in.IdentityPoolId)
		}),
		awswire.Executes(s.GetCredentialsForIdentity).Unsigned(),
		awswire.Executes(s.GetId).Unsigned(),
		awswire.Executes(s.GetIdentityPoolRoles, func(c awswire.Caller, in *cognitoidentity.GetIdentityPoolRolesInput) []string {
			return onPool(c, in.IdentityPoolId)
		}),
		awswire.Executes(s.GetOpenIdToken).Unsigned(),
		awswire.Executes(s.GetOpenIdTokenForDeveloperIdentity, func(c awswire.Caller, in *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput) []string {
			return onPool(c, in.IdentityPoolId)
		}),
		awswire.Stores(s.GetPrincipalTagAttributeMap, func(c awswire.Caller, in *cognitoidentity.GetPrincipalTagAttributeMapInput) []string {
			return onPool(c, in.IdentityPoolId)
		}),
		awswire.Executes(s.ListIdentities, func(c awswire.Caller, in *cognitoidentity.ListIdentitiesInput) []string {
			return onPool(c, in.IdentityPoolId)
		}),
		awswire.Executes(s.ListIdentityPools),
		awswire.Executes(s.ListTagsForResource, func(_ awswire.Caller, in *cognitoidentity.ListTagsForResourceInput) []string {
			return []string{aws.ToString(in.ResourceArn)}
		}),
		awswire.Executes(s.SetIdentityPoolRoles, func(c awswire.Caller, in *cognitoidentity.SetIdentityPoolRolesInput) []string {
			return onPool(c, in.IdentityPoolId)
		}),
		awswire.Stores(s.SetPrincipalTagAttributeMap, func(c awswire.Caller, in *cognitoidentity.SetPrincipalTagAttributeMapInput) []string {
			return onPool(c, in.IdentityPoolId)
		}),
		awswire.Executes(s.TagResource, func(_ awswire.Caller, in *cognitoidentity.TagResourceInput) []string {
			return []string{aws.ToString(in.ResourceArn)}
		}),
		awswire.Executes(s.UntagResource, func(_ awswire.Caller, in *cognitoidentity.UntagResourceInput) []string {
			return []string{aws.ToString(in.ResourceArn)}
		}),
		awswire.Executes(s.UpdateIdentityPool, func(c awswire.Caller, in *cognitoidentity.UpdateIdentityPoolInput) []string {
			return onPool(c, in.IdentityPoolId)
		}),
	}}
}
