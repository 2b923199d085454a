package policy

import "strings"

// Request is what is asked for.
type Request struct {
	Principal Principal
	Action    string // "kinesis:PutRecords"
	Resource  string // ARN; "*" for actions that have none
	// Account that owns the resource; empty means the principal's own.
	Account string
	// Keys are the condition keys of the request. Nil has none.
	Keys Keys
	// ResourceDecides is of a resource whose policy is the only door, as a role's trust policy is: without
	// its consent the identity's policies do not count.
	ResourceDecides bool
	// Granted is of a resource of another account that lets the principal in by itself, beside its policy, as the
	// access control lists of S3 do. A Deny of the policy counts all the same, and so do the principal's own policies.
	Granted bool
}

// Named is a document under the name by which a decision refers to it.
type Named struct {
	Name string
	*Document
}

// Policies apply to a request.
type Policies struct {
	Identity []Named
	// Boundary limits what Identity allows; nil: there is none.
	Boundary *Named
	// Session policies limit a session; nil means no limit. All that are there together allow what one of
	// them allows.
	Session []Named
	// Resource is the policy of the resource; nil where it has none.
	Resource *Named
}

// Source is the kind of policy that decided.
type Source uint8

const (
	// SourceNone: no policy, as for the root.
	SourceNone Source = iota
	SourceIdentity
	SourceBoundary
	SourceSession
	SourceResource
)

var sourceNames = [...]string{"none", "identity-based policy", "permissions boundary", "session policy", "resource-based policy"}

// String is the source's name in AWS's messages.
func (s Source) String() string { return sourceNames[s] }

// Decision is the answer to a request.
type Decision struct {
	Allowed bool
	// Explicit is of a denial by a Deny; else nothing allowed it.
	Explicit bool
	// Source is the policy that allowed or denied; of a denial that is not explicit, the kind of policy in
	// which the Allow is missing.
	Source Source
	// Policy and Statement decided; of a denial that is not explicit there are none.
	Policy    string
	Statement *Statement
}

// Evaluate decides a request.
func Evaluate(r *Request, p *Policies) Decision {
	e := evaluation{r: r, action: strings.ToLower(r.Action)}
	if d, denied := e.deny(p); denied {
		return d
	}
	same := r.Account == "" || r.Account == r.Principal.Account
	granted, byResource := e.resourceAllows(p.Resource)
	switch r.Principal.Kind {
	case Anonymous, Service, Federated:
		if granted == direct {
			return byResource
		}
		return e.unnamed()
	case Root:
		if same && !r.ResourceDecides {
			return Decision{Allowed: true}
		}
		if granted != notNamed {
			return byResource
		}
		return e.unnamed()
	}
	if !same || r.ResourceDecides {
		if granted == notNamed && !r.Granted {
			return Decision{Source: SourceResource}
		}
	}
	if same {
		switch granted {
		case direct:
			return byResource
		case byRole:
			if d, ok := e.limits(p); !ok {
				return d
			}
			return byResource
		}
	}
	return e.identityAllows(p)
}

// evaluation is one request on its way through the policies.
type evaluation struct {
	r      *Request
	action string // lower case
}

// unnamed decides for who needs nothing but the resource's consent, which its policy does not give.
func (e *evaluation) unnamed() Decision {
	if e.r.Granted {
		return Decision{Allowed: true}
	}
	return Decision{Source: SourceResource}
}

// deny looks for a Deny that applies, in all policies.
func (e *evaluation) deny(p *Policies) (Decision, bool) {
	deny := func(source Source, n *Named) (Decision, bool) {
		for _, s := range n.Statements {
			if !s.Allow && (source != SourceResource || s.grants(&e.r.Principal) != notNamed) && e.applies(s) {
				return Decision{Explicit: true, Source: source, Policy: n.Name, Statement: s}, true
			}
		}
		return Decision{}, false
	}
	for i := range p.Identity {
		if d, ok := deny(SourceIdentity, &p.Identity[i]); ok {
			return d, ok
		}
	}
	if p.Boundary != nil {
		if d, ok := deny(SourceBoundary, p.Boundary); ok {
			return d, ok
		}
	}
	for i := range p.Session {
		if d, ok := deny(SourceSession, &p.Session[i]); ok {
			return d, ok
		}
	}
	if p.Resource != nil {
		return deny(SourceResource, p.Resource)
	}
	return Decision{}, false
}

// resourceAllows finds the most direct Allow of the resource's policy.
func (e *evaluation) resourceAllows(n *Named) (best grant, d Decision) {
	if n == nil {
		return notNamed, d
	}
	for _, s := range n.Statements {
		if !s.Allow {
			continue
		}
		if g := s.grants(&e.r.Principal); g > best && e.applies(s) {
			best = g
			d = Decision{Allowed: true, Source: SourceResource, Policy: n.Name, Statement: s}
		}
	}
	return best, d
}

// identityAllows decides by the identity's own policies and their limits.
func (e *evaluation) identityAllows(p *Policies) Decision {
	d, ok := e.allow(SourceIdentity, p.Identity)
	if !ok {
		return Decision{Source: SourceIdentity}
	}
	if limit, ok := e.limits(p); !ok {
		return limit
	}
	return d
}

// limits reports whether the boundary and the session policies allow, and if not, which does not.
func (e *evaluation) limits(p *Policies) (Decision, bool) {
	if p.Boundary != nil {
		if _, ok := e.allow(SourceBoundary, []Named{*p.Boundary}); !ok {
			return Decision{Source: SourceBoundary}, false
		}
	}
	if p.Session != nil {
		if _, ok := e.allow(SourceSession, p.Session); !ok {
			return Decision{Source: SourceSession}, false
		}
	}
	return Decision{}, true
}

func (e *evaluation) allow(source Source, list []Named) (Decision, bool) {
	for i := range list {
		for _, s := range list[i].Statements {
			if s.Allow && e.applies(s) {
				return Decision{Allowed: true, Source: source, Policy: list[i].Name, Statement: s}, true
			}
		}
	}
	return Decision{}, false
}

// applies reports whether a statement's action, resource and conditions match.
func (e *evaluation) applies(s *Statement) bool {
	hit := false
	for i := range s.actions {
		if s.actions[i].matches(e.action, nil, false) {
			hit = true
			break
		}
	}
	if hit == s.notAction {
		return false
	}
	if s.hasResources {
		hit = false
		for i := range s.resources {
			if s.resources[i].matches(e.r.Resource, e.r.Keys) {
				hit = true
				break
			}
		}
		if hit == s.notResource {
			return false
		}
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(e.r.Keys) {
			return false
		}
	}
	return true
}
