package awswire

import (
	"context"
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
	Account   string // 12 digits
	Region    string // as in the credential scope, "us-east-1"
	AccessKey string // empty for work that no request started
	RequestID string // echoed as x-amzn-RequestId; empty for background work
	Secure    bool   // the request came by TLS
	Anonymous bool   // it came without credentials where these are asked for
	Principal string // ARN of the role session or federated user; empty: the account, or a user of its
}

// A Session is what temporary credentials stand for.
type Session struct {
	Secret    string
	Account   string
	Secure    bool   // the request came by TLS
	Anonymous bool   // it came without credentials where these are asked for
	Principal string // as in Caller
	Expires   time.Time
}

type callerKey struct{}

// WithCaller returns a context that carries c.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller that ctx carries, with the defaults filled in where
// it has none.
func CallerFrom(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	if c.Account == "" {
		c.Account = DefaultAccount
	}
	if c.Region == "" {
		c.Region = DefaultRegion
	}
	return c
}
