package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// Users. A user is deleted when it has no keys, policies, groups or login profile any more.

func (s *Service) user(sc scope, name string) (*userDoc, error) {
	u, err := s.users.Get(sc.account, lower(name))
	return u, found(err, noSuchEntity("The user with name %s cannot be found.", name))
}

func (s *Service) modifyUser(ctx context.Context, name *string, f func(*userDoc) error) (*userDoc, error) {
	sc := scopeOf(ctx)
	u, err := s.users.Modify(ctx, f, sc.account, lower(*name))
	return u, found(err, noSuchEntity("The user with name %s cannot be found.", *name))
}

func (s *Service) userOut(sc scope, u *userDoc, full bool) *types.User {
	out := &types.User{
		Arn: aws.String(u.arn(sc, "user")), CreateDate: aws.Time(u.Created), Path: aws.String(u.Path), UserId: aws.String(u.ID), UserName: aws.String(u.Name),
	}
	if full {
		out.PermissionsBoundary, out.Tags = u.boundary(), tagsOut(u.Tags)
	}
	return out
}

// CreateUser makes a user.
func (s *Service) CreateUser(ctx context.Context, in *iam.CreateUserInput, _ ...func(*iam.Options)) (*iam.CreateUserOutput, error) {
	sc := scopeOf(ctx)
	e, err := s.newEntity(sc, *in.UserName, in.Path, in.PermissionsBoundary, in.Tags, "AIDA")
	if err != nil {
		return nil, err
	}
	u := &userDoc{entity: e}
	if err := s.users.Create(ctx, u, sc.account, lower(u.Name)); err != nil {
		return nil, created(err, alreadyExists("User with name %s already exists.", u.Name))
	}
	return &iam.CreateUserOutput{User: s.userOut(sc, u, true)}, nil
}

// newEntity checks and makes the common part of a user, group or role.
func (s *Service) newEntity(sc scope, name string, p, boundary *string, tags []types.Tag, idPrefix string) (entity, error) {
	e := entity{Name: name, ID: newID(idPrefix), Created: s.now()}
	var err error
	if e.Path, err = path(p); err != nil {
		return e, err
	}
	if boundary != nil {
		if err := s.limiting(sc, *boundary); err != nil {
			return e, err
		}
		e.Boundary = *boundary
	}
	e.Tags, err = withTags(nil, tags)
	return e, err
}

// GetUser returns a user; without a name, that of the caller.
func (s *Service) GetUser(ctx context.Context, in *iam.GetUserInput, _ ...func(*iam.Options)) (*iam.GetUserOutput, error) {
	sc := scopeOf(ctx)
	if in.UserName == nil {
		name, ok := s.callerName(ctx)
		if !ok {
			c := awswire.CallerFrom(ctx)
			if c.Principal != "" {
				return nil, validation("Must specify userName when calling with non-User credentials")
			}
			return &iam.GetUserOutput{User: &types.User{
				Arn: aws.String(sc.arn("root")), CreateDate: aws.Time(s.now()), Path: aws.String("/"), UserId: aws.String(sc.account), UserName: aws.String("root"),
			}}, nil
		}
		in = &iam.GetUserInput{UserName: &name}
	}
	u, err := s.user(sc, *in.UserName)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: s.userOut(sc, u, true)}, nil
}

// callerName is the name of the user who calls; false if it is not a user.
func (s *Service) callerName(ctx context.Context) (string, bool) {
	c := awswire.CallerFrom(ctx)
	_, rest, ok := strings.Cut(c.Principal, ":user/")
	return rest[strings.LastIndexByte(rest, '/')+1:], ok
}

// nameOr is a name, or that of the calling user.
func (s *Service) nameOr(ctx context.Context, name *string) (string, error) {
	if name != nil {
		return *name, nil
	}
	if n, ok := s.callerName(ctx); ok {
		return n, nil
	}
	return "", validation("Must specify userName when calling with non-User credentials")
}

// ListUsers lists users by name.
func (s *Service) ListUsers(ctx context.Context, in *iam.ListUsersInput, _ ...func(*iam.Options)) (*iam.ListUsersOutput, error) {
	sc := scopeOf(ctx)
	var all []*userDoc
	users, err := s.users.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		if strings.HasPrefix(u.Path, aws.ToString(in.PathPrefix)) {
			all = append(all, u)
		}
	}
	list, next, more, err := pageOf(all, func(u *userDoc) string { return lower(u.Name) }, in.Marker, in.MaxItems)
	out := &iam.ListUsersOutput{Users: []types.User{}, Marker: next, IsTruncated: more}
	for _, u := range list {
		out.Users = append(out.Users, *s.userOut(sc, u, false))
	}
	return out, err
}

// UpdateUser gives a user another name or path.
func (s *Service) UpdateUser(ctx context.Context, in *iam.UpdateUserInput, _ ...func(*iam.Options)) (*iam.UpdateUserOutput, error) {
	sc := scopeOf(ctx)
	change := func(u *userDoc) error {
		if in.NewPath != nil {
			p, err := path(in.NewPath)
			if err != nil {
				return err
			}
			u.Path = p
		}
		if in.NewUserName != nil {
			u.Name = *in.NewUserName
		}
		return nil
	}
	if in.NewUserName == nil || lower(*in.NewUserName) == lower(*in.UserName) {
		_, err := s.modifyUser(ctx, in.UserName, change)
		return &iam.UpdateUserOutput{}, err
	}
	old, err := s.user(sc, *in.UserName)
	if err != nil {
		return nil, err
	}
	u := *old
	if err := change(&u); err != nil {
		return nil, err
	}
	if err := s.users.Create(ctx, &u, sc.account, lower(u.Name)); err != nil {
		return nil, created(err, alreadyExists("User with name %s already exists.", u.Name))
	}
	for _, id := range u.Keys {
		if _, err := s.keys.Modify(ctx, func(k *keyDoc) error { k.User = u.Name; return nil }, id); err != nil {
			return nil, err
		}
	}
	if err := s.users.Delete(ctx, sc.account, lower(old.Name)); err != nil {
		return nil, err
	}
	return &iam.UpdateUserOutput{}, nil
}

// DeleteUser removes a user that has nothing left.
func (s *Service) DeleteUser(ctx context.Context, in *iam.DeleteUserInput, _ ...func(*iam.Options)) (*iam.DeleteUserOutput, error) {
	sc := scopeOf(ctx)
	u, err := s.user(sc, *in.UserName)
	if err != nil {
		return nil, err
	}
	switch {
	case len(u.Keys) > 0:
		err = deleteConflict("Cannot delete entity, must delete access keys first.")
	case u.Login != nil:
		err = deleteConflict("Cannot delete entity, must delete login profile first.")
	case len(u.MFA) > 0:
		err = deleteConflict("Cannot delete entity, must delete MFA device first.")
	case len(u.Certificates) > 0:
		err = deleteConflict("Cannot delete entity, must delete signing certificates first.")
	case len(u.SSH) > 0:
		err = deleteConflict("Cannot delete entity, must delete SSH public keys first.")
	case len(u.Services) > 0:
		err = deleteConflict("Cannot delete entity, must delete service specific credentials first.")
	case len(u.Groups) > 0:
		err = deleteConflict("Cannot delete entity, must remove users from group first.")
	default:
		err = u.bare()
	}
	if err != nil {
		return nil, err
	}
	err = s.users.Delete(ctx, sc.account, lower(u.Name))
	return &iam.DeleteUserOutput{}, found(err, noSuchEntity("The user with name %s cannot be found.", *in.UserName))
}

// bare reports whether an entity has no policies.
func (e *entity) bare() error {
	switch {
	case len(e.Attached) > 0:
		return deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(e.Inline) > 0:
		return deleteConflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}

// PutUserPermissionsBoundary limits what a user's policies allow.
func (s *Service) PutUserPermissionsBoundary(ctx context.Context, in *iam.PutUserPermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.PutUserPermissionsBoundaryOutput, error) {
	if err := s.limiting(scopeOf(ctx), *in.PermissionsBoundary); err != nil {
		return nil, err
	}
	_, err := s.modifyUser(ctx, in.UserName, func(u *userDoc) error { u.Boundary = *in.PermissionsBoundary; return nil })
	return &iam.PutUserPermissionsBoundaryOutput{}, err
}

// DeleteUserPermissionsBoundary takes the limit away.
func (s *Service) DeleteUserPermissionsBoundary(ctx context.Context, in *iam.DeleteUserPermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.DeleteUserPermissionsBoundaryOutput, error) {
	_, err := s.modifyUser(ctx, in.UserName, func(u *userDoc) error { u.Boundary = ""; return nil })
	return &iam.DeleteUserPermissionsBoundaryOutput{}, err
}

// ListGroupsForUser lists the groups of a user.
func (s *Service) ListGroupsForUser(ctx context.Context, in *iam.ListGroupsForUserInput, _ ...func(*iam.Options)) (*iam.ListGroupsForUserOutput, error) {
	sc := scopeOf(ctx)
	u, err := s.user(sc, *in.UserName)
	if err != nil {
		return nil, err
	}
	var all []*groupDoc
	for _, name := range u.Groups {
		if g, err := s.group(sc, name); err == nil {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b *groupDoc) int { return strings.Compare(lower(a.Name), lower(b.Name)) })
	list, next, more, err := pageOf(all, func(g *groupDoc) string { return lower(g.Name) }, in.Marker, in.MaxItems)
	out := &iam.ListGroupsForUserOutput{Groups: []types.Group{}, Marker: next, IsTruncated: more}
	for _, g := range list {
		out.Groups = append(out.Groups, *groupOut(sc, g))
	}
	return out, err
}
