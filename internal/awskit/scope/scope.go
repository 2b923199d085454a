// Package scope says whose resources a request works with: those of an account in a region.
package scope

import (
	"context"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// Scope is an account and a region, the first two parts of every document's key.
type Scope struct {
	Account string // 12 digits
	Region  string // as in the credential scope, "us-east-1"
}

// Of is the scope of the caller.
func Of(ctx context.Context) Scope {
	c := awswire.CallerFrom(ctx)
	return Scope{c.Account, c.Region}
}

// Context is ctx with the scope as its caller: for work that outlives its request, or that no
// request started, so that calls to neighbours land with the owner of the resource. It keeps
// nothing of another caller in ctx.
func (s Scope) Context(ctx context.Context) context.Context {
	return awswire.WithCaller(ctx, awswire.Caller{Account: s.Account, Region: s.Region})
}

// ARN is the name of a resource of a service in the scope.
func (s Scope) ARN(service, resource string) string {
	return arn.New(service, s.Region, s.Account, resource)
}

// Owns reports whether a name is of a resource of that service in the scope.
func (s Scope) Owns(service string, a arn.ARN) bool { return a.Within(service, s.Region, s.Account) }

// Key is the key of a document of the scope in a collection.
func (s Scope) Key(rest ...string) []string {
	return append([]string{s.Account, s.Region}, rest...)
}
