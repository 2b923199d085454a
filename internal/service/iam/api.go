package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// on is the ARN of a resource of the caller's account.
func on(c awswire.Caller, resource string) []string {
	return []string{arn.Global("iam", c.Region, c.Account, resource)}
}

// named is the ARN of an entity by its kind and name; without a name, of the calling user. The path of
// one that is there is in its ARN.
func (s *Service) onEntity(c awswire.Caller, kind string, name *string) []string {
	n := aws.ToString(name)
	if name == nil && kind == "user" {
		if _, rest, ok := strings.Cut(c.Principal, ":user/"); ok {
			return on(c, "user/"+rest)
		}
		return on(c, "user/*")
	}
	path := "/"
	if s.state != nil { // else the zero value, of which the operations are listed
		sc := scope{account: c.Account}
		switch kind {
		case "user":
			if u, err := s.user(sc, n); err == nil {
				path, n = u.Path, u.Name
			}
		case "group":
			if g, err := s.group(sc, n); err == nil {
				path, n = g.Path, g.Name
			}
		case "role":
			if r, err := s.role(sc, n); err == nil {
				path, n = r.Path, r.Name
			}
		case "instance-profile":
			if p, err := s.profile(sc, n); err == nil {
				path, n = p.Path, p.Name
			}
		case "server-certificate":
			if c, err := s.serverCert(sc, n); err == nil {
				path, n = c.Path, c.Name
			}
		}
	}
	return on(c, kind+path+n)
}

// onMoved are the ARNs of a user or group before and after a change of its path and name: who moves one must be allowed both.
func (s *Service) onMoved(c awswire.Caller, kind string, name, newPath, newName *string) []string {
	list := s.onEntity(c, kind, name)
	if newPath == nil && newName == nil {
		return list
	}
	old, _ := arn.Parse(list[0])
	_, rest, _ := strings.Cut(old.Resource, "/")
	at := strings.LastIndexByte(rest, '/')
	path, last := "/"+rest[:at+1], rest[at+1:]
	if newPath != nil {
		path = *newPath
	}
	if newName != nil {
		last = *newName
	}
	return append(list, on(c, kind+path+last)...)
}

// onNew is the ARN of an entity that is to be made.
func onNew(c awswire.Caller, kind string, path, name *string) []string {
	p := aws.ToString(path)
	if p == "" {
		p = "/"
	}
	return on(c, kind+p+aws.ToString(name))
}

func (s *Service) entityOf(kind string) func(awswire.Caller, *string) []string {
	return func(c awswire.Caller, name *string) []string { return s.onEntity(c, kind, name) }
}

func (s *Service) onPolicy(_ awswire.Caller, p *string) []string { return []string{aws.ToString(p)} }

// withPolicy adds the condition key iam:PolicyARN to operations that attach policies, and
// withBoundary iam:PermissionsBoundary to those that set a boundary.
func withPolicy[I any](op awswire.Operation, of func(*I) *string) awswire.Operation {
	return withKey(op, "iam:PolicyARN", of)
}

func withBoundary[I any](op awswire.Operation, of func(*I) *string) awswire.Operation {
	return withKey(op, "iam:PermissionsBoundary", of)
}

// boundTo adds the condition key iam:PermissionsBoundary of the user or role as it is to operations that change what it may.
func boundTo[I any](s *Service, op awswire.Operation, kind string, name func(*I) *string) awswire.Operation {
	return awswire.MoreKeys(op, func(c awswire.Caller, in *I) map[string][]string {
		boundary, sc := "", scope{account: c.Account}
		switch n := aws.ToString(name(in)); kind {
		case "user":
			if u, err := s.user(sc, n); err == nil {
				boundary = u.Boundary
			}
		case "role":
			if r, err := s.role(sc, n); err == nil {
				boundary = r.Boundary
			}
		}
		if boundary == "" {
			return nil
		}
		return map[string][]string{"iam:PermissionsBoundary": {boundary}}
	})
}

func withKey[I any](op awswire.Operation, key string, of func(*I) *string) awswire.Operation {
	return awswire.WithKeys(op, func(_ awswire.Caller, in *I) map[string][]string {
		if v := of(in); v != nil {
			return map[string][]string{key: {*v}}
		}
		return nil
	})
}

// Executes and stores with a resource that a member of the input names.
func executes[I, O, F any](method func(context.Context, *I, ...F) (*O, error), on func(awswire.Caller, *string) []string, member func(*I) *string) awswire.Operation {
	return awswire.Executes(method, func(c awswire.Caller, in *I) []string { return on(c, member(in)) })
}

func stores[I, O, F any](method func(context.Context, *I, ...F) (*O, error), on func(awswire.Caller, *string) []string, member func(*I) *string) awswire.Operation {
	return awswire.Stores(method, func(c awswire.Caller, in *I) []string { return on(c, member(in)) })
}

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	return awswire.API{
		Model:      "iam",
		NoValues:   true,
		Invalid:    func(message string) error { return awswire.Errorf("ValidationError", "%s", message) },
		Operations: s.operations(),
	}
}
