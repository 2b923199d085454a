// Package sts is the AWS Security Token Service: it tells callers who they are, and hands out temporary
// credentials.
//
// Temporary credentials are an access key, a secret and a session token. The token is the session: for
// whom it is and until when, its session policies and tags, sealed with a key of the node's; the secret
// follows from the token. So nothing is stored, and credentials outlive a restart.
//
// # Who may assume a role
//
// Where policies are enforced, a role's trust policy decides, together with the policies of the caller:
// see internal/authorize. Where they are not, a role that IAM has is as it says (its longest session, its
// path), and on a node that takes any credentials one that it does not have can be assumed too.
//
// # Web identities
//
// The token's issuer must be a provider of the role's account, and its audience one of the provider's.
// Its signature is checked with the issuer's keys: those of the node's own issuer, configured ones, or
// those that the issuer publishes. Where policies are not enforced, on a node that takes any credentials,
// a token of an issuer whose keys are not known is taken at its word.
package sts

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/jonboulle/clockwork"

	awsarn "github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Directory is what the service asks of IAM.
type Directory interface {
	// Role returns a role by its account and name; nil where there is none.
	Role(ctx context.Context, account, name string) (*policy.AssumableRole, error)
	// Managed returns a managed policy that an account may use; nil where there is none.
	Managed(ctx context.Context, account, arn string) (*policy.Named, error)
	// OIDC returns the provider of an account by its issuer, without the scheme.
	OIDC(ctx context.Context, account, issuer string) (arn string, clients []string, ok bool)
	// AccountOfKey returns the account of a long-term access key.
	AccountOfKey(ctx context.Context, accessKey string) (string, bool)
	// RoleUsed is told that a role was assumed.
	RoleUsed(ctx context.Context, account, name, region string)
}

// Decider decides whether a principal may assume a role. who is nil for the caller of the context. Its
// error is the client's answer. With must a denial counts even where policies are not enforced.
type Decider interface {
	Trust(ctx context.Context, who *policy.Principal, action, role string, trust *policy.Document, keys map[string][]string, must bool) error
	// Enforces reports whether denials count.
	Enforces() bool
}

// KeySource finds the public keys of an issuer, which is a URL; an error of a kind of its own if it has
// none, or they cannot be had.
type KeySource interface {
	Keys(ctx context.Context, issuer string) (oidc.Keys, error)
}

// Verifier verifies tokens by the keys that their issuers publish. Its errors are those of oidc.Verify, or why the keys
// cannot be had.
type Verifier interface {
	Verify(ctx context.Context, token, issuer string) (oidc.Claims, error)
}

// Config is what the service depends on.
type Config struct {
	// Issuer makes temporary credentials. It is required.
	Issuer *Issuer

	// Directory is IAM; nil: there are no roles and providers.
	Directory Directory

	// Decider decides who may assume roles; nil: everybody who can name one.
	Decider Decider

	// Keys verify web identities; nil: none can be.
	Keys KeySource

	// Published verifies tokens of the account's providers that Keys do not; nil: there are no others.
	Published Verifier

	// AnyAccount lets callers have credentials of accounts that are not theirs, and of roles that are
	// not there, as long as policies are not enforced.
	AnyAccount bool

	Clock clockwork.Clock // nil: the real one
}

// Service is STS.
type Service struct{ config Config }

// New returns the service.
func New(c Config) (*Service, error) {
	if c.Issuer == nil {
		return nil, errors.New("sts: Issuer is required")
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	return &Service{config: c}, nil
}

// Bind gives the service the neighbours that are made after it.
func (s *Service) Bind(d Directory, decider Decider, keys KeySource, published Verifier) {
	s.config.Directory, s.config.Decider, s.config.Keys, s.config.Published = d, decider, keys, published
}

func (s *Service) enforces() bool { return s.config.Decider != nil && s.config.Decider.Enforces() }

// GetCallerIdentity tells the account of the caller, and the session or the user.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput, _ ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	c := awswire.CallerFrom(ctx)
	out := &sts.GetCallerIdentityOutput{Account: aws.String(c.Account), Arn: aws.String(callerARN(c)), UserId: aws.String(c.Account)}
	switch {
	case c.Session != nil && c.Session.ID != "":
		out.UserId = aws.String(c.Session.ID)
	case c.Session == nil && c.Principal != "":
		out.UserId = aws.String(s.userID(ctx, c.Principal))
	}
	return out, nil
}

// userID is the unique id of the user of an ARN.
func (s *Service) userID(ctx context.Context, user string) string {
	if d, ok := s.config.Directory.(interface {
		Principal(context.Context, string) (*policy.Grants, error)
	}); ok {
		if g, err := d.Principal(ctx, user); err == nil && g != nil {
			return g.ID
		}
	}
	return stableID("AIDA", user)
}

// GetAccessKeyInfo tells the account of an access key: of temporary ones, which say it themselves, of
// users', and of those that are an account's id. Others belong to the caller's.
func (s *Service) GetAccessKeyInfo(ctx context.Context, in *sts.GetAccessKeyInfoInput, _ ...func(*sts.Options)) (*sts.GetAccessKeyInfoOutput, error) {
	account, ok := accountOfKey(*in.AccessKeyId)
	if !ok && s.config.Directory != nil {
		account, ok = s.config.Directory.AccountOfKey(ctx, *in.AccessKeyId)
	}
	if !ok {
		account = awswire.CallerFrom(ctx).Account
	}
	return &sts.GetAccessKeyInfoOutput{Account: &account}, nil
}

func arn(c awswire.Caller, service, resource string) string {
	return awsarn.Global(service, c.Region, c.Account, resource)
}

// callerARN is who a caller is.
func callerARN(c awswire.Caller) string {
	switch parts := strings.SplitN(c.Principal, ":", 3); {
	case len(parts) == 3 && c.Session == nil:
		return parts[0] + ":" + awsarn.Partition(c.Region) + ":" + parts[2]
	case c.Principal != "":
		return c.Principal
	}
	return arn(c, "iam", "root")
}

// stableID is a unique id that follows from a name: of what IAM does not have.
func stableID(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}
