package server

import (
	"context"
	"net/http"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/sigv4"
)

// Authenticator says who sends a request.
type Authenticator interface {
	// Scope reads the credential scope that a request claims, unverified, for routing.
	Scope(r *http.Request) (scope sigv4.Scope, signed bool)
	// Authenticate lets the request in, with r.Body wrapped where the body is verified
	// as it is read, or returns the error that the client gets.
	Authenticate(r *http.Request, scope sigv4.Scope, svc *Service) (awswire.Caller, error)
}

// Open takes every request: for a node on loopback.
type Open struct {
	Account string // of callers whose access key is no account id
}

// Scope implements Authenticator.
func (Open) Scope(r *http.Request) (sigv4.Scope, bool) { return sigv4.ParseScope(r) }

// Authenticate implements Authenticator. An access key of twelve digits is the account.
func (o Open) Authenticate(_ *http.Request, scope sigv4.Scope, _ *Service) (awswire.Caller, error) {
	c := awswire.Caller{Account: o.Account, Region: scope.Region, AccessKey: scope.AccessKey}
	if isAccount(scope.AccessKey) {
		c.Account = scope.AccessKey
	}
	return c, nil
}

func isAccount(key string) bool {
	if len(key) != 12 {
		return false
	}
	for _, c := range []byte(key) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// Credential is a secret access key and the account that its requests act for.
type Credential struct {
	Secret  string
	Account string
}

// Verified lets in requests that are signed with credentials it knows.
type Verified struct {
	keys     map[string]Credential
	verifier *sigv4.Verifier
}

// NewVerified returns an Authenticator of the credentials, by access key.
func NewVerified(keys map[string]Credential) *Verified {
	return &Verified{keys: keys, verifier: &sigv4.Verifier{
		Lookup: func(_ context.Context, key string) (sigv4.Credentials, bool) {
			c, ok := keys[key]
			return sigv4.Credentials{Secret: c.Secret}, ok
		},
	}}
}

// Scope implements Authenticator.
func (*Verified) Scope(r *http.Request) (sigv4.Scope, bool) { return sigv4.ParseScope(r) }

// Authenticate implements Authenticator.
func (v *Verified) Authenticate(r *http.Request, _ sigv4.Scope, svc *Service) (awswire.Caller, error) {
	scope, err := v.verifier.Verify(r, svc.SigningName)
	if err != nil {
		return awswire.Caller{}, err
	}
	return awswire.Caller{
		Account:   v.keys[scope.AccessKey].Account,
		Region:    scope.Region,
		AccessKey: scope.AccessKey,
	}, nil
}
