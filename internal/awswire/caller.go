package awswire

import (
	"context"
	"strings"
	"time"
)

// Defaults of a request that names no account or region of its own.
const (
	DefaultAccount = "000000000000"
	DefaultRegion  = "us-east-1"
)

// Caller says on whose behalf an operation runs. Services keep the resources of
// each (Account, Region) apart. The server fills it from the request's credential
// scope; background work of a service makes its own with the owner of the resource
// it works for, so that calls to neighbours land in the same account and region.
type Caller struct {
	Account   string   // 12 digits
	Home      string   // the account that the caller is of, where Account is that of the resource that the call reaches; empty: Account
	Region    string   // as in the credential scope, "us-east-1"
	AccessKey string   // empty for work that no request started
	RequestID string   // echoed as x-amzn-RequestId; empty for background work
	Secure    bool     // the request came by TLS
	Principal string   // ARN of the user, the role session or the federated user; empty: the account itself
	Session   *Session // of temporary credentials, and of a service that acts as a role; nil: none. It is shared: do not change it
	Anonymous bool     // the request is not signed
	Trace     string   // the chain of requests that the call belongs to, as X-Amzn-Trace-Id has it; empty: none
	Via       string   // the service ("athena.amazonaws.com") that makes the call on the caller's behalf, with the caller's rights; empty: the caller itself
}

// Of is the account that the caller is of.
func (c *Caller) Of() string {
	if c.Home != "" {
		return c.Home
	}
	return c.Account
}

// Reaching is the caller for a call that works on a resource of another account: the service finds what is of that account,
// and decisions are about who calls.
func (c Caller) Reaching(owner string) Caller {
	if c.Home == "" {
		c.Home = c.Account
	}
	c.Account = owner
	return c
}

// SessionKind says what temporary credentials are a session of.
type SessionKind uint8

const (
	RoleSession      SessionKind = iota // of a role
	UserSession                         // of a user, by GetSessionToken
	FederatedSession                    // of a federated user, by GetFederationToken
	RootSession                         // of the account itself, by GetSessionToken
)

// A Session is what temporary credentials stand for.
type Session struct {
	Kind      SessionKind
	Secret    string
	Account   string
	Principal string // as in Caller
	Source    string // ARN of the role or user whose session it is, with its path; empty for the root's
	ID        string // unique id, "AROA...:name"
	Issued    time.Time
	Expires   time.Time

	// Limited: session policies apply, and allow what one of them does; of none, nothing.
	Limited    bool
	Policies   []string // documents
	PolicyARNs []string // of managed policies

	Tags           map[string]string
	Transitive     []string // keys of the tags that sessions of the session have too
	SourceIdentity string
	MFA            time.Time           // when a one-time code authenticated the caller; zero: none did
	Provider       string              // of a web identity: its ARN or name
	Keys           map[string][]string // condition keys that the session has, as "token.actions.githubusercontent.com:sub"

	// Service is the service that acts by itself ("firehose.amazonaws.com"), as the role that is the
	// Source, or without one; empty for credentials.
	Service string
}

// Condition keys of a request that brings a one-time code along.
const (
	MFAPresent = "aws:MultiFactorAuthPresent"
	MFAAge     = "aws:MultiFactorAuthAge"
)

type callerKey struct{}

// WithCaller returns a context that carries c.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, &c)
}

// CallerFrom returns the caller that ctx carries, with the defaults filled in where
// it has none.
func CallerFrom(ctx context.Context) Caller {
	var c Caller
	if is, ok := ctx.Value(callerKey{}).(*Caller); ok {
		c = *is
	}
	if c.Account == "" {
		c.Account = DefaultAccount
	}
	if c.Region == "" {
		c.Region = DefaultRegion
	}
	return c
}

// Acting returns a context for what a service ("firehose.amazonaws.com") does by itself as a role that it
// was given, for the resource of an ARN. Calls within the process that are made with it are decided by
// the policies of the role, which must trust the service; with what is not the ARN of a role of the account
// nothing is allowed. Without a role they are made for the account.
func Acting(ctx context.Context, account, region, service, role, resource string) context.Context {
	c := Caller{Account: account, Region: region}
	if role != "" {
		partition := "aws"
		if parts := strings.SplitN(role, ":", 3); len(parts) == 3 && parts[0] == "arn" {
			partition = parts[1]
		}
		c.Principal = "arn:" + partition + ":sts::" + account + ":assumed-role/" + role[strings.LastIndexByte(role, '/')+1:] + "/" + sessionName(service, resource)
		c.Session = &Session{
			Kind: RoleSession, Account: account, Principal: c.Principal, Source: role, Service: service,
			Keys: map[string][]string{"aws:SourceAccount": {account}, "aws:SourceArn": {resource}},
		}
		// Firehose assumes roles with the account as the external id, which the trust policy of its guide demands.
		if service == "firehose.amazonaws.com" {
			c.Session.Keys["sts:ExternalId"] = []string{account}
		}
	}
	return WithCaller(ctx, c)
}

// AsService returns a context for what a service ("apigateway.amazonaws.com") does by itself, without a
// role, for the resource of an ARN. Such a call is allowed by the policy of what it works on, as
// lambda:AddPermission makes one, or not at all.
func AsService(ctx context.Context, account, region, service, resource string) context.Context {
	return WithCaller(ctx, Caller{Account: account, Region: region, Session: &Session{
		Account: account, Service: service, Keys: map[string][]string{"aws:SourceAccount": {account}, "aws:SourceArn": {resource}},
	}})
}
