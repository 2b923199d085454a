package iam

import (
	"context"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// What those who decide about requests ask: the policies of a principal, and a role as STS sees it.

// named compiles a document that is stored, which was valid when it was. One that is not any more must
// not be passed over: it might be a Deny. The error fails the request.
func (s *Service) named(name, text string) (policy.Named, error) {
	d, err := s.compiled.Parse(text, policy.Identity)
	return policy.Named{Name: name, Document: d}, err
}

// managedNamed is the default version of a managed policy; ok is false where it is gone.
func (s *Service) managedNamed(sc scope, arn string) (n policy.Named, ok bool, err error) {
	p, err := s.managed(sc, arn)
	if err != nil {
		return n, false, nil
	}
	v := p.version(p.Default)
	if v == nil {
		return n, false, nil
	}
	n, err = s.named(arn, v.Document)
	return n, err == nil, err
}

// append adds the policies of an entity.
func (s *Service) appendPolicies(list []policy.Named, sc scope, e *entity, kind string) ([]policy.Named, error) {
	for _, p := range e.Inline {
		n, err := s.named(kind+"/"+e.Name+"/"+p.Name, p.Document)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	for _, arn := range e.Attached {
		n, ok, err := s.managedNamed(sc, arn)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, n)
		}
	}
	return list, nil
}

func (s *Service) identity(sc scope, e *entity, kind string) (*policy.Grants, error) {
	id := &policy.Grants{ARN: e.arn(sc, kind), ID: e.ID}
	if len(e.Tags) > 0 {
		id.Tags = make(map[string]string, len(e.Tags))
		for _, t := range e.Tags {
			id.Tags[t.Key] = t.Value
		}
	}
	var err error
	if id.Policies, err = s.appendPolicies(make([]policy.Named, 0, len(e.Inline)+len(e.Attached)), sc, e, kind); err != nil {
		return nil, err
	}
	if e.Boundary != "" {
		n, ok, err := s.managedNamed(sc, e.Boundary)
		if err != nil {
			return nil, err
		}
		if !ok {
			n = policy.Named{Name: e.Boundary, Document: &policy.Document{}} // a boundary that is gone allows nothing
		}
		id.Boundary = &n
	}
	return id, nil
}

// Principal returns what applies to a user or role, by its ARN. It is nil where there is no such
// principal.
func (s *Service) Principal(_ context.Context, principal string) (*policy.Grants, error) {
	a, ok := arn.Parse(principal)
	if !ok || a.Service != "iam" {
		return nil, nil
	}
	sc := scope{account: a.Account, partition: a.Partition}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	name := lower(rest[strings.LastIndexByte(rest, '/')+1:])
	switch kind {
	case "role":
		r, err := s.roles.Get(sc.account, name)
		if err != nil {
			return nil, found(err, nil)
		}
		if "role"+r.Path+r.Name != a.Resource {
			return nil, nil // of another path: another role, which whoever passed this one may not be allowed to pass
		}
		return s.identity(sc, &r.entity, "role")
	case "user":
		u, err := s.users.Get(sc.account, name)
		if err != nil {
			return nil, found(err, nil)
		}
		id, err := s.identity(sc, &u.entity, "user")
		if err != nil {
			return nil, err
		}
		for _, name := range u.Groups {
			g, err := s.groups.Get(sc.account, lower(name))
			if err != nil {
				if found(err, nil) == nil {
					continue
				}
				return nil, err
			}
			if id.Policies, err = s.appendPolicies(id.Policies, sc, &g.entity, "group"); err != nil {
				return nil, err
			}
		}
		if n, ok, err := s.ownPassword(sc, id.ARN); err != nil {
			return nil, err
		} else if ok {
			id.Policies = append(id.Policies, n)
		}
		return id, nil
	}
	return nil, nil
}

// Managed returns the default version of a managed policy that an account may use; nil where there is
// none.
func (s *Service) Managed(_ context.Context, account, arn string) (*policy.Named, error) {
	n, ok, err := s.managedNamed(scope{account: account, partition: "aws"}, arn)
	if !ok {
		return nil, err
	}
	return &n, nil
}

// Role returns a role by account and name, without its path; nil where there is none.
func (s *Service) Role(_ context.Context, account, name string) (*policy.AssumableRole, error) {
	r, err := s.roles.Get(account, lower(name))
	if err != nil {
		return nil, found(err, nil)
	}
	trust, err := s.trustOf(r)
	if err != nil {
		return nil, err
	}
	d, err := s.compiled.Parse(trust, policy.StoredTrust)
	if err != nil {
		return nil, err
	}
	return &policy.AssumableRole{
		ARN: r.arn(scope{account: account, partition: "aws"}, "role"), ID: r.ID, Name: r.Name, Trust: d, MaxSession: time.Duration(r.MaxSession) * time.Second,
	}, nil
}

// RoleUsed notes that a role was assumed, at most every quarter of an hour.
func (s *Service) RoleUsed(ctx context.Context, account, name, region string) {
	if !s.due(account + "/" + lower(name)) {
		return
	}
	_, _ = s.roles.Modify(ctx, func(r *roleDoc) error { // a note, that the next use writes again
		r.LastUsed, r.LastRegion = s.now(), region
		return nil
	}, account, lower(name))
}
