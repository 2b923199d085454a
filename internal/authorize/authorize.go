package authorize

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Mode is what decisions do.
type Mode uint8

const (
	Off     Mode = iota // nothing is evaluated
	Log                 // denials are logged, and let through
	Enforce             // denials are denied
)

var modeNames = [...]string{"off", "log", "enforce"}

// String is the mode's name in the configuration.
func (m Mode) String() string { return modeNames[m] }

// ParseMode reads a mode's name.
func ParseMode(s string) (Mode, error) {
	for i, name := range modeNames {
		if s == name {
			return Mode(i), nil
		}
	}
	return Off, fmt.Errorf("%q: want off, log or enforce", s)
}

// Identities knows the policies of principals; IAM is one.
type Identities interface {
	// Principal returns what applies to the user or role of an ARN; nil where there is none.
	Principal(ctx context.Context, arn string) (*policy.Grants, error)
	// Managed returns a managed policy that an account may use; nil where there is none.
	Managed(ctx context.Context, account, arn string) (*policy.Named, error)
	// Role returns a role by its account and name; nil where there is none.
	Role(ctx context.Context, account, name string) (*policy.AssumableRole, error)
}

// ResourcePolicies knows the policies of a service's resources.
type ResourcePolicies interface {
	// ResourcePolicy returns the document of a resource's policy, empty where it has none, and the account
	// that owns the resource, empty where that is unknown or follows from the ARN.
	ResourcePolicy(ctx context.Context, resource string) (document, owner string, err error)
}

// Config is what an Authorizer depends on.
type Config struct {
	Mode       Mode
	Identities Identities
	// Resources are by the service part of ARNs. Set before the first call.
	Resources map[string]ResourcePolicies
	Clock     clockwork.Clock // nil: the real one
	Logger    *slog.Logger    // nil: silent

	// Across are the services that reach resources of other accounts by name, with their error for one that is not
	// there: where denials do not count, a resource of another account whose policy gives the caller's nothing is
	// not found. The other services find resources of the caller's account alone.
	Across map[string]func() error

	// Shared are the services, by their names in calls, that find the resources of one account alone, with the operations that
	// work across accounts; nil: all. A call of these whose resources all are of one other account is made there where
	// that is allowed, or where denials do not count, where the resources' policies let the caller in, or the caller's account.
	Shared map[string][]string
}

// Authorizer decides. It may be used by any number of goroutines.
type Authorizer struct {
	config   Config
	compiled policy.Cache
	notes    notes
}

// New returns an Authorizer.
func New(c Config) *Authorizer {
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Authorizer{config: c}
}

// Mode is the mode that decisions are made in.
func (a *Authorizer) Mode() Mode { return a.config.Mode }

// free are operations that every caller may use, and those that decide by themselves, with what only
// they know: the trust policy of a role.
var free = map[string]bool{
	"sts:GetCallerIdentity": true, "sts:GetSessionToken": true, "sts:AssumeRole": true, "sts:AssumeRoleWithWebIdentity": true, "sts:AssumeRoleWithSAML": true,
	"sts:DecodeAuthorizationMessage": false,
	// The credentials of an identity are the pool's to give.
	"cognito-identity:GetId": true, "cognito-identity:GetCredentialsForIdentity": true, "cognito-identity:GetOpenIdToken": true, "cognito-identity:UnlinkIdentity": true,
	// The token decides.
	"sns:ConfirmSubscription": true,
}

// Intercept is the awswire.Interceptor.
func (a *Authorizer) Intercept(ctx context.Context, c *awswire.Call) error {
	if a.config.Mode != Enforce && a.config.Across[c.Service] != nil {
		if err := a.acrossCall(ctx, c); err != nil {
			return err
		}
	}
	if a.config.Mode == Off {
		if a.shared(c) && foreign(c) {
			if needs, err := c.Needs(); err == nil {
				ctx = a.reach(ctx, c, needs)
			}
		}
		return c.Next(ctx)
	}
	if err := a.ofSession(c); err != nil {
		return err
	}
	if err := a.ofRoot(c); err != nil {
		return err
	}
	needs, err := c.Needs()
	if err != nil {
		return err
	}
	var denied map[int]error
	for _, n := range needs {
		if free[n.Action] {
			if c.Service == "sts" {
				ctx = context.WithValue(ctx, callKey{}, c)
			}
			continue
		}
		err := a.check(ctx, question{caller: c.Caller, action: n.Action, resource: n.Resource, service: c.Service, call: c, own: n.Keys})
		var is *Denied
		if n.Part > 0 && errors.As(err, &is) {
			if denied == nil {
				denied = map[int]error{}
			}
			denied[n.Part] = err
		} else if err != nil {
			return err
		}
	}
	if denied != nil {
		ctx = awswire.WithDenials(ctx, denied)
	}
	if err := a.checkPassed(ctx, c); err != nil {
		return err
	}
	return c.Next(a.reach(ctx, c, needs))
}

// ofSession refuses the calls of IAM and STS that sessions of users and of the root do not make, whatever their policies say: of
// IAM none without a one-time code, of STS those that tell who they are or assume a role, and federated ones the first alone.
func (a *Authorizer) ofSession(c *awswire.Call) error {
	s := c.Caller.Session
	if s == nil || s.Service != "" || s.Kind == awswire.RoleSession || c.Service != "iam" && c.Service != "sts" {
		return nil
	}
	federated := s.Kind == awswire.FederatedSession
	switch {
	case c.Service == "iam" && !federated && !s.MFA.IsZero():
		return nil
	case c.Service == "sts" && (c.Operation == "GetCallerIdentity" || c.Operation == "AssumeRole" && !federated):
		return nil
	}
	denied := &Denied{Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid", Status: http.StatusForbidden}
	if a.config.Mode == Enforce {
		return denied
	}
	a.config.Logger.Warn("would be denied", "request", c.Caller.RequestID, "who", c.Caller.Principal, "action", c.Service+":"+c.Operation, "reason", denied.Message)
	return nil
}

// ofRoot refuses the account itself a role, whatever the role's trust policy says: a user or a role assumes one.
func (a *Authorizer) ofRoot(c *awswire.Call) error {
	if c.Service != "sts" || c.Operation != "AssumeRole" || principalOf(&c.Caller).Kind != policy.Root {
		return nil
	}
	denied := &Denied{Code: "AccessDenied", Message: "Roles may not be assumed by root accounts.", Status: http.StatusForbidden}
	if a.config.Mode == Enforce {
		return denied
	}
	a.config.Logger.Warn("would be denied", "request", c.Caller.RequestID, "who", c.Caller.Account, "action", "sts:AssumeRole", "reason", denied.Message)
	return nil
}

func (a *Authorizer) shared(c *awswire.Call) bool {
	operations, ok := a.config.Shared[c.Service]
	return ok && (operations == nil || slices.Contains(operations, c.Operation))
}

// foreign reports whether what a call works on may be of another account, for less than its needs cost.
func foreign(c *awswire.Call) bool {
	resources, err := c.Resources()
	return err == nil && len(resources) > 0 && accountOf(resources[0]) != c.Caller.Account
}

// accountOf is the account in an ARN, empty in what is none.
func accountOf(name string) string {
	for range 4 {
		_, after, ok := strings.Cut(name, ":")
		if !ok {
			return ""
		}
		name = after
	}
	account, _, _ := strings.Cut(name, ":")
	return account
}

// reach is the context for a call of a service that is shared: with the account of another one's resources, where the
// caller gets to them.
func (a *Authorizer) reach(ctx context.Context, c *awswire.Call, needs []awswire.Need) context.Context {
	if !a.shared(c) {
		return ctx
	}
	owner := ""
	for _, n := range needs {
		r, ok := arn.Parse(n.Resource)
		if !ok || r.Account == c.Caller.Account || owner != "" && r.Account != owner || len(r.Account) != 12 || r.Region != c.Caller.Region {
			return ctx
		}
		owner = r.Account
	}
	if owner == "" {
		return ctx
	}
	if a.config.Mode != Enforce {
		for _, n := range needs {
			if ok, err := a.lets(ctx, &question{caller: c.Caller, action: n.Action, resource: n.Resource, service: c.Service, call: c, own: n.Keys}); !ok || err != nil {
				return ctx
			}
		}
	}
	return awswire.WithCaller(ctx, awswire.CallerFrom(ctx).Reaching(owner))
}

// Reach decides about a call within the process on a resource that an ARN names, and returns the context for it: with the
// account of the resource where that is another one, which lets the caller in, or where denials do not count, the caller's account.
// The keys are condition keys of the call's own; nil for none.
func (a *Authorizer) Reach(ctx context.Context, action, resource string, keys map[string][]string) (context.Context, error) {
	service, _, _ := strings.Cut(action, ":")
	q := question{caller: awswire.CallerFrom(ctx), action: action, resource: resource, service: service, keys: keys}
	if err := a.allow(ctx, q); err != nil {
		return ctx, err
	}
	return a.reached(ctx, &q)
}

// Reached is Reach for one of the resources that a call through the wire needs, each of an account of its own: that has been
// decided about (Intercept), and is not again. The keys are condition keys of the call's own; nil for none.
func (a *Authorizer) Reached(ctx context.Context, action, resource string, keys map[string][]string) (context.Context, error) {
	service, _, _ := strings.Cut(action, ":")
	return a.reached(ctx, &question{caller: awswire.CallerFrom(ctx), action: action, resource: resource, service: service, keys: keys})
}

func (a *Authorizer) reached(ctx context.Context, q *question) (context.Context, error) {
	r, ok := arn.Parse(q.resource)
	if !ok || r.Account == q.caller.Account || len(r.Account) != 12 || r.Region != q.caller.Region {
		return ctx, nil
	}
	if a.config.Mode != Enforce {
		if ok, err := a.lets(ctx, q); !ok || err != nil {
			return ctx, err
		}
	}
	return awswire.WithCaller(ctx, q.caller.Reaching(r.Account)), nil
}

// Allow decides about a call that does not come through the wire, for the caller of the context. The
// keys are condition keys of its own, in any case; nil for none.
func (a *Authorizer) Allow(ctx context.Context, action, resource string, keys map[string][]string) error {
	service, _, _ := strings.Cut(action, ":")
	return a.allow(ctx, question{caller: awswire.CallerFrom(ctx), action: action, resource: resource, service: service, keys: keys})
}

// Ask is Allow for a service that reads requests by itself. keys answers for the request's condition keys,
// by their names in lower case.
func (a *Authorizer) Ask(ctx context.Context, action, resource string, keys policy.Keys) error {
	service, _, _ := strings.Cut(action, ":")
	return a.allow(ctx, question{caller: awswire.CallerFrom(ctx), action: action, resource: resource, service: service, lookup: keys})
}

// AskGranted is Ask about a resource that lets the caller in by itself, beside its policy.
func (a *Authorizer) AskGranted(ctx context.Context, action, resource string, keys policy.Keys) error {
	service, _, _ := strings.Cut(action, ":")
	return a.allow(ctx, question{caller: awswire.CallerFrom(ctx), action: action, resource: resource, service: service, lookup: keys, granted: true})
}

func (a *Authorizer) allow(ctx context.Context, q question) error {
	if a.config.Mode != Enforce && a.config.Across[q.service] != nil {
		if err := a.across(ctx, &q); err != nil {
			return err
		}
	}
	if a.config.Mode == Off {
		return nil
	}
	return a.check(ctx, q)
}

// acrossCall is across for all that a call works on.
func (a *Authorizer) acrossCall(ctx context.Context, c *awswire.Call) error {
	needs, err := c.Needs()
	if err != nil {
		return err
	}
	for _, n := range needs {
		if free[n.Action] {
			continue
		}
		if err := a.across(ctx, &question{caller: c.Caller, action: n.Action, resource: n.Resource, service: c.Service, call: c, own: n.Keys}); err != nil {
			return err
		}
	}
	return nil
}

// everything is what identities may where their policies do not count.
var everything = func() []policy.Named {
	d, err := policy.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, policy.Identity)
	if err != nil {
		panic(err)
	}
	return []policy.Named{{Name: "everything", Document: d}}
}()

// across refuses a resource of another account that does not let the caller in, or the caller's account.
func (a *Authorizer) across(ctx context.Context, q *question) error {
	r, ok := arn.Parse(q.resource)
	if !ok || r.Account == "" || r.Account == q.caller.Of() {
		return nil
	}
	ok, err := a.lets(ctx, q)
	if err == nil && !ok {
		err = a.config.Across[q.service]()
	}
	return err
}

// lets reports whether the policy of a resource of another account lets the caller in, or the caller's account.
func (a *Authorizer) lets(ctx context.Context, q *question) (bool, error) {
	r, _ := arn.Parse(q.resource)
	src := a.config.Resources[r.Service]
	if src == nil {
		return false, nil
	}
	text, owner, err := src.ResourcePolicy(ctx, q.resource)
	if err != nil {
		return false, fmt.Errorf("policy of %s: %w", q.resource, err)
	}
	if text == "" {
		return false, nil
	}
	d, err := a.compiled.Parse(text, policy.Resource)
	if err != nil {
		return false, fmt.Errorf("policy of %s: %w", q.resource, err)
	}
	if owner == "" {
		owner = r.Account
	}
	p := policy.Policies{Identity: everything, Resource: &policy.Named{Name: "policy of " + q.resource, Document: d}}
	root := &policy.Principal{Kind: policy.Root, Account: q.caller.Of(), ARN: arn.Global("iam", q.caller.Region, q.caller.Of(), "root")}
	for _, who := range []*policy.Principal{principalOf(&q.caller), root} {
		k := keys{a: a, q: q, who: who, owner: owner}
		if policy.Evaluate(&policy.Request{Principal: *who, Action: q.action, Resource: q.resource, Account: owner, Keys: k.get}, &p).Allowed {
			return k.err == nil, k.err
		}
	}
	return false, nil
}

// Trust decides whether a principal may assume a role: the role's trust policy is the only door. who is
// nil for the caller of the context. With must a denial counts in every mode.
func (a *Authorizer) Trust(ctx context.Context, who *policy.Principal, action, role string, trust *policy.Document, keys map[string][]string, must bool) error {
	if a.config.Mode == Off && !must {
		return nil
	}
	call, _ := ctx.Value(callKey{}).(*awswire.Call)
	return a.check(ctx, question{
		caller: awswire.CallerFrom(ctx), who: who, action: action, resource: role, service: "sts", keys: keys, call: call, must: must,
		trust: &policy.Named{Name: "trust policy of " + role, Document: trust},
	})
}

// Enforces reports whether denials count.
func (a *Authorizer) Enforces() bool { return a.config.Mode == Enforce }

// callKey is the key of a context for the call of an operation that decides by itself.
type callKey struct{}

// question is one decision to make.
type question struct {
	caller   awswire.Caller
	who      *policy.Principal // nil: the caller
	action   string
	resource string
	service  string        // whose words a denial has
	call     *awswire.Call // nil: not through the wire
	keys     map[string][]string
	own      func() map[string][]string // makes more of them; nil: none
	lookup   policy.Keys                // more of them; nil: none
	trust    *policy.Named              // of a role that is to be assumed
	must     bool                       // a denial counts in every mode
	granted  bool                       // the resource lets the caller in, beside its policy
}

// check decides, notes the decision, and returns the error of a denial that counts.
func (a *Authorizer) check(ctx context.Context, q question) error {
	if s := q.caller.Session; s != nil && s.Service != "" && s.Source != "" && q.trust == nil {
		if err := a.trusts(ctx, &q, s); err != nil {
			return err
		}
	}
	d, who, err := a.decide(ctx, &q)
	if err != nil {
		return err
	}
	a.notes.add(a.config.Clock.Now(), &q, who, d)
	if d.Allowed {
		return nil
	}
	denied := deny(&q, who, d)
	if a.config.Mode == Enforce || q.must {
		return denied
	}
	a.config.Logger.Warn("would be denied", "request", q.caller.RequestID, "who", who.ARN, "action", q.action, "resource", q.resource, "reason", denied.Message)
	return nil
}

// trusts reports whether a service may act as a role: the role must be there, of the account and by the very ARN that
// was passed (one with another path is another role), and trust it.
func (a *Authorizer) trusts(ctx context.Context, q *question, s *awswire.Session) error {
	var role *policy.AssumableRole
	if m := roleForm.FindStringSubmatch(s.Source); m != nil && m[1] == s.Account && a.config.Identities != nil {
		var err error
		if role, err = a.config.Identities.Role(ctx, s.Account, s.Source[strings.LastIndexByte(s.Source, '/')+1:]); err != nil {
			return fmt.Errorf("role %s: %w", s.Source, err)
		}
		if role != nil && !sameRole(role.ARN, s.Source) {
			role = nil
		}
	}
	who := &policy.Principal{Kind: policy.Service, Name: s.Service, ARN: s.Service}
	assume := question{caller: q.caller, who: who, action: "sts:AssumeRole", resource: s.Source, service: "sts", keys: s.Keys}
	assume.caller.Session = nil
	if role == nil {
		assume.trust = &policy.Named{Name: "trust policy of " + s.Source, Document: &policy.Document{}}
	} else {
		assume.trust = &policy.Named{Name: "trust policy of " + s.Source, Document: role.Trust}
	}
	return a.check(ctx, assume)
}

// Assumable decides whether the service of the context (awswire.Acting) may act as its role: the role is there, and
// trusts it. Where policies do not count every role is.
func (a *Authorizer) Assumable(ctx context.Context) error {
	c := awswire.CallerFrom(ctx)
	if a.config.Mode == Off || c.Session == nil || c.Session.Service == "" || c.Session.Source == "" {
		return nil
	}
	return a.trusts(ctx, &question{caller: c}, c.Session)
}

func (a *Authorizer) decide(ctx context.Context, q *question) (policy.Decision, *policy.Principal, error) {
	var p policy.Policies
	who := q.who
	var identity *policy.Grants
	if who == nil {
		who = principalOf(&q.caller)
		var err error
		if identity, err = a.policies(ctx, q, who, &p); err != nil {
			return policy.Decision{}, nil, fmt.Errorf("policies of %s: %w", who.ARN, err)
		}
	}
	owner := ""
	if r, ok := arn.Parse(q.resource); ok {
		// A client may name a resource by a partition that its region is not in, of which policies do not speak.
		if of := arn.Partition(r.Region); r.Region != "" && of != r.Partition {
			r.Partition = of
			q.resource = r.String()
		}
		owner = r.Account
		if q.trust != nil {
			p.Resource = q.trust
		} else if src := a.config.Resources[r.Service]; src != nil {
			text, account, err := src.ResourcePolicy(ctx, q.resource)
			if err != nil {
				return policy.Decision{}, nil, fmt.Errorf("policy of %s: %w", q.resource, err)
			}
			if account != "" {
				owner = account
			}
			if text != "" && !(ofBucketPolicies[q.action] && who.Kind == policy.Root && who.Account == owner) {
				d, err := a.compiled.Parse(text, policy.Resource)
				if err != nil {
					return policy.Decision{}, nil, fmt.Errorf("policy of %s: %w", q.resource, err)
				}
				p.Resource = &policy.Named{Name: "policy of " + q.resource, Document: d}
			}
		}
	}
	if owner == "aws" {
		owner = "" // everybody's
	}
	k := keys{a: a, q: q, who: who, identity: identity, owner: owner}
	r := policy.Request{Principal: *who, Action: q.action, Resource: q.resource, Account: owner, Keys: k.get, Granted: q.granted, ResourceDecides: q.trust != nil || p.Resource != nil && isKey(q.resource)}
	d := policy.Evaluate(&r, &p)
	return d, who, k.err
}

// ofBucketPolicies are the actions that a bucket's policy does not deny to the root of its account, so that nobody is locked
// out of a bucket for ever.
var ofBucketPolicies = map[string]bool{"s3:GetBucketPolicy": true, "s3:PutBucketPolicy": true, "s3:DeleteBucketPolicy": true}

// isKey tells a key of KMS, whose policy is the only door: policies of identities count where it says so.
func isKey(resource string) bool {
	r, ok := arn.Parse(resource)
	return ok && r.Service == "kms" && strings.HasPrefix(r.Resource, "key/")
}

// principalOf is who a caller is.
func principalOf(c *awswire.Caller) *policy.Principal {
	p := &policy.Principal{Account: c.Of(), ARN: c.Principal}
	s := c.Session
	switch {
	case c.Anonymous:
		return &policy.Principal{Kind: policy.Anonymous, ARN: "anonymous"}
	case s != nil && s.Service != "" && s.Source == "":
		return &policy.Principal{Kind: policy.Service, Name: s.Service, ARN: s.Service}
	case c.Principal == "" || strings.HasSuffix(c.Principal, ":root"):
		p.Kind, p.ARN = policy.Root, arn.Global("iam", c.Region, c.Of(), "root")
	case s == nil || s.Kind == awswire.UserSession:
		p.Kind = policy.User
	case s.Kind == awswire.FederatedSession:
		p.Kind, p.Role = policy.FederatedUser, s.Source
	default:
		p.Kind, p.Role = policy.Role, s.Source
	}
	if s != nil {
		p.ID = s.ID
	}
	return p
}

// policies gathers what applies to a principal.
func (a *Authorizer) policies(ctx context.Context, q *question, who *policy.Principal, p *policy.Policies) (*policy.Grants, error) {
	var source string
	switch who.Kind {
	case policy.User:
		source = who.ARN
	case policy.Role, policy.FederatedUser:
		source = who.Role
	}
	var identity *policy.Grants
	if source != "" && a.config.Identities != nil {
		var err error
		if identity, err = a.config.Identities.Principal(ctx, source); err != nil {
			return nil, err
		}
	}
	if s := q.caller.Session; identity != nil && s != nil && s.Service == "" && s.Kind != awswire.FederatedSession {
		if id, _, _ := strings.Cut(s.ID, ":"); id != "" && id != identity.ID {
			identity = nil // it has been deleted, and made again under its name: whose session it is has no policies any more
		}
	}
	if identity != nil {
		p.Identity, p.Boundary = identity.Policies, identity.Boundary
		if who.Kind == policy.User {
			who.ID = identity.ID
		}
	}
	s := q.caller.Session
	if s == nil || !s.Limited {
		return identity, nil
	}
	p.Session = make([]policy.Named, 0, len(s.Policies)+len(s.PolicyARNs))
	for i, text := range s.Policies {
		d, err := a.compiled.Parse(text, policy.Identity)
		if err != nil {
			return nil, err
		}
		p.Session = append(p.Session, policy.Named{Name: fmt.Sprintf("session policy %d", i+1), Document: d})
	}
	for _, name := range s.PolicyARNs {
		n, err := a.config.Identities.Managed(ctx, q.caller.Of(), name)
		if err != nil {
			return nil, err
		}
		if n != nil {
			p.Session = append(p.Session, *n)
		}
	}
	return identity, nil
}
