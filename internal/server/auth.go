package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/sigv4"
)

// Authenticator says who sends a request.
type Authenticator interface {
	// Verifies says whether signatures are demanded.
	Verifies() bool
	// Scope reads the credential scope that a request claims, unverified, for routing.
	Scope(r *http.Request) (scope sigv4.Scope, signed bool)
	// Authenticate lets the request in, with r.Body wrapped where the body is verified
	// as it is read, or returns the error that the client gets.
	Authenticate(r *http.Request, scope sigv4.Scope, svc *Service) (awswire.Caller, error)
}

// Identities knows the credentials that IAM and STS have issued.
type Identities interface {
	// Session returns what the session token of an access key stands for; false if it is
	// none that was handed out with that key.
	Session(accessKey, token string) (*awswire.Session, bool)
	// Key returns a long-term access key that is active; false for others.
	Key(ctx context.Context, accessKey string) (Key, bool)
	// Used is told of a key that a request was let in by.
	Used(ctx context.Context, accessKey, service, region string)
}

// Key is a long-term access key of a user.
type Key struct {
	Secret  string
	Account string
	User    string // ARN
}

// nobody has issued no credentials.
type nobody struct{}

func (nobody) Session(string, string) (*awswire.Session, bool) { return nil, false }
func (nobody) Key(context.Context, string) (Key, bool)         { return Key{}, false }
func (nobody) Used(_ context.Context, _, _, _ string)          {}

// Open takes every request, for a node on loopback. Credentials that the node has issued must
// be right all the same; any others stand for an account.
type Open struct {
	account  string
	strict   bool
	issued   Identities
	verified *Verified
}

// NewOpen returns an Authenticator that takes any credentials, for the account unless their
// access key is the id of another. Strict takes no unsigned requests for those of an account,
// nor keys of the form that IAM issues and the node does not know: it is of a node that
// enforces policies.
func NewOpen(account string, strict bool, issued Identities) *Open {
	if issued == nil {
		issued = nobody{}
	}
	return &Open{account: account, strict: strict, issued: issued, verified: NewVerified(nil, issued)}
}

// Verifies implements Authenticator.
func (Open) Verifies() bool { return false }

// Scope implements Authenticator.
func (*Open) Scope(r *http.Request) (sigv4.Scope, bool) { return sigv4.ParseScope(r) }

// Authenticate implements Authenticator. An access key of twelve digits is the account.
func (o *Open) Authenticate(r *http.Request, scope sigv4.Scope, svc *Service) (awswire.Caller, error) {
	if svc.presignedV2(r) || svc.signedV2(r) {
		scope.AccessKey = sigv4.V2AccessKey(r)
	}
	if scope.AccessKey != "" && (o.knows(r, scope.AccessKey) || o.strict && issuedForm(scope.AccessKey)) {
		return o.verified.Authenticate(r, scope, svc)
	}
	if svc.StreamsBody {
		if err := sigv4.OneMechanism(r); err != nil {
			return awswire.Caller{}, err
		}
	}
	c := awswire.Caller{Account: o.account, Region: scope.Region, AccessKey: scope.AccessKey}
	if isAccount(scope.AccessKey) {
		c.Account = scope.AccessKey
	}
	c.Anonymous = o.strict && scope.AccessKey == ""
	return c, nil
}

// presignedV2 reports whether a request is a URL for S3 that is presigned in the second version.
func (svc *Service) presignedV2(r *http.Request) bool {
	return svc.StreamsBody && sigv4.IsV2Query(r) && r.Header.Get("Authorization") == ""
}

// signedV2 reports whether a request is for S3 and signed in the second version in its header.
func (svc *Service) signedV2(r *http.Request) bool {
	return svc.StreamsBody && sigv4.IsV2Header(r)
}

// knows reports whether the node has issued the credentials of a request.
func (o *Open) knows(r *http.Request, key string) bool {
	if !issuedForm(key) {
		return false
	}
	if token := sigv4.SessionToken(r); token != "" {
		_, ok := o.issued.Session(key, token)
		return ok
	}
	_, ok := o.issued.Key(r.Context(), key)
	return ok
}

// issuedForm reports whether an access key has the form of those that IAM and STS issue.
func issuedForm(key string) bool {
	return len(key) == 20 && (strings.HasPrefix(key, "AKIA") || strings.HasPrefix(key, "ASIA"))
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
	issued   Identities
	verifier *sigv4.Verifier
}

// NewVerified returns an Authenticator of the credentials, by access key, and of those that were
// issued, which may be nil.
func NewVerified(keys map[string]Credential, issued Identities) *Verified {
	if issued == nil {
		issued = nobody{}
	}
	v := &Verified{keys: keys, issued: issued}
	v.verifier = &sigv4.Verifier{Lookup: v.lookup}
	return v
}

func (v *Verified) lookup(ctx context.Context, key, token string) (sigv4.Credentials, bool) {
	if token != "" {
		if s, ok := v.issued.Session(key, token); ok {
			return sigv4.Credentials{Secret: s.Secret, SessionToken: token, Expires: s.Expires}, true
		}
	}
	if c, ok := v.keys[key]; ok {
		return sigv4.Credentials{Secret: c.Secret}, true
	}
	k, ok := v.issued.Key(ctx, key)
	return sigv4.Credentials{Secret: k.Secret}, ok
}

// Verifies implements Authenticator.
func (*Verified) Verifies() bool { return true }

// Scope implements Authenticator.
func (*Verified) Scope(r *http.Request) (sigv4.Scope, bool) { return sigv4.ParseScope(r) }

// Holder returns the secret key of an access key, and whom it acts as, for what a service verifies itself: the forms
// of S3. False: there is no such key.
func (v *Verified) Holder(ctx context.Context, key, token string) (secret string, as awswire.Caller, ok bool) {
	c, ok := v.lookup(ctx, key, token)
	if !ok || c.SessionToken != token || !c.Expires.IsZero() && time.Now().After(c.Expires) {
		return "", awswire.Caller{}, false
	}
	return c.Secret, v.holder(ctx, key, token), true
}

// holder is whom a known access key acts as.
func (v *Verified) holder(ctx context.Context, key, token string) awswire.Caller {
	c := awswire.Caller{AccessKey: key}
	if token != "" {
		if s, ok := v.issued.Session(key, token); ok {
			c.Account, c.Principal, c.Session = s.Account, s.Principal, s
			return c
		}
	}
	if known, ok := v.keys[key]; ok {
		c.Account = known.Account
		return c
	}
	k, _ := v.issued.Key(ctx, key)
	c.Account, c.Principal = k.Account, k.User
	return c
}

// Holder is Verified.Holder for the keys whose signatures an open node verifies. For others it returns the account,
// without a secret: any signature is taken.
func (o *Open) Holder(ctx context.Context, key, token string) (secret string, as awswire.Caller, ok bool) {
	known := false
	if token != "" {
		_, known = o.issued.Session(key, token)
	} else {
		_, known = o.issued.Key(ctx, key)
	}
	if known || o.strict && issuedForm(key) {
		return o.verified.Holder(ctx, key, token)
	}
	as = awswire.Caller{Account: o.account, AccessKey: key}
	if isAccount(key) {
		as.Account = key
	}
	return "", as, true
}

// Authenticate implements Authenticator. A request to S3 may come without a signature:
// then it is nobody's, and the bucket says what nobody may.
func (v *Verified) Authenticate(r *http.Request, _ sigv4.Scope, svc *Service) (awswire.Caller, error) {
	var scope sigv4.Scope
	var err error
	bucket := ""
	if svc.Bucket != nil {
		bucket = svc.Bucket(r.Host)
	}
	if svc.StreamsBody {
		err = sigv4.OneMechanism(r)
	}
	switch {
	case err != nil:
	case svc.presignedV2(r):
		scope, err = v.verifier.VerifyV2Query(r, bucket)
	case svc.signedV2(r):
		scope, err = v.verifier.VerifyV2Header(r, bucket)
	case svc.StreamsBody && !sigv4.Signed(r):
		return awswire.Caller{Anonymous: true}, nil
	default:
		scope, err = v.verifier.VerifyUpTo(r, svc.SigningName, svc.MaxBody)
	}
	if err != nil {
		return awswire.Caller{}, err
	}
	c := v.holder(r.Context(), scope.AccessKey, scope.Token)
	c.Region = scope.Region
	if c.Principal != "" && c.Session == nil {
		v.issued.Used(r.Context(), scope.AccessKey, scope.Service, scope.Region)
	}
	return c, nil
}
