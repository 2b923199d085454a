package server

import (
	"context"
	"net/http"
	"time"

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

// Sessions knows the temporary credentials that were handed out.
type Sessions interface {
	// Session returns what the session token of an access key stands for; false if it is
	// none that was handed out with that key.
	Session(accessKey, token string) (awswire.Session, bool)
}

// Open takes every request: for a node on loopback.
type Open struct {
	Account  string   // of callers whose access key is no account id
	Sessions Sessions // nil: none
}

// Scope implements Authenticator.
func (Open) Scope(r *http.Request) (sigv4.Scope, bool) { return sigv4.ParseScope(r) }

// Authenticate implements Authenticator. An access key of twelve digits is the account.
func (o Open) Authenticate(r *http.Request, scope sigv4.Scope, _ *Service) (awswire.Caller, error) {
	c := awswire.Caller{Account: o.Account, Region: scope.Region, AccessKey: scope.AccessKey}
	if isAccount(scope.AccessKey) {
		c.Account = scope.AccessKey
	}
	if o.Sessions != nil {
		if session, ok := o.Sessions.Session(scope.AccessKey, sigv4.SessionToken(r)); ok {
			c.Account, c.Principal = session.Account, session.Principal
		}
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
	sessions Sessions
	verifier *sigv4.Verifier
}

// NewVerified returns an Authenticator of the credentials, by access key, and of those
// that sessions knows, which may be nil.
func NewVerified(keys map[string]Credential, sessions Sessions) *Verified {
	v := &Verified{keys: keys, sessions: sessions}
	v.verifier = &sigv4.Verifier{Lookup: v.lookup}
	return v
}

func (v *Verified) lookup(_ context.Context, key, token string) (sigv4.Credentials, bool) {
	if token != "" && v.sessions != nil {
		if s, ok := v.sessions.Session(key, token); ok {
			return sigv4.Credentials{Secret: s.Secret, SessionToken: token, Expires: s.Expires}, true
		}
	}
	c, ok := v.keys[key]
	return sigv4.Credentials{Secret: c.Secret}, ok
}

// Scope implements Authenticator.
func (*Verified) Scope(r *http.Request) (sigv4.Scope, bool) { return sigv4.ParseScope(r) }

// Secret returns the secret key of an access key, and the account that it acts for, for what
// a service verifies itself: the forms of S3.
func (v *Verified) Secret(ctx context.Context, key, token string) (secret, account string, ok bool) {
	c, ok := v.lookup(ctx, key, token)
	if !ok || c.SessionToken != token || !c.Expires.IsZero() && time.Now().After(c.Expires) {
		return "", "", false
	}
	account = v.keys[key].Account
	if token != "" && v.sessions != nil {
		if s, ok := v.sessions.Session(key, token); ok {
			account = s.Account
		}
	}
	return c.Secret, account, true
}

// Authenticate implements Authenticator. A request to S3 may come without a signature:
// then it is nobody's, and the bucket says what nobody may.
func (v *Verified) Authenticate(r *http.Request, _ sigv4.Scope, svc *Service) (awswire.Caller, error) {
	var scope sigv4.Scope
	var err error
	switch {
	case svc.StreamsBody && sigv4.IsV2Query(r) && r.Header.Get("Authorization") == "":
		bucket := ""
		if svc.Bucket != nil {
			bucket = svc.Bucket(r.Host)
		}
		scope, err = v.verifier.VerifyV2Query(r, bucket)
	case svc.StreamsBody && !sigv4.Signed(r):
		return awswire.Caller{Anonymous: true}, nil
	default:
		scope, err = v.verifier.Verify(r, svc.SigningName)
	}
	if err != nil {
		return awswire.Caller{}, err
	}
	c := awswire.Caller{
		Account:   v.keys[scope.AccessKey].Account,
		Region:    scope.Region,
		AccessKey: scope.AccessKey,
	}
	if token := sigv4.SessionToken(r); token != "" && v.sessions != nil {
		if s, ok := v.sessions.Session(scope.AccessKey, token); ok {
			c.Account, c.Principal = s.Account, s.Principal
		}
	}
	return c, nil
}
