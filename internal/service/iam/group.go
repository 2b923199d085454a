package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Groups of users. A user is in at most ten. Which users a group has, the users say.

const maxGroupsOfUser = 10

func (s *Service) group(sc scope, name string) (*groupDoc, error) {
	g, err := s.groups.Get(sc.account, lower(name))
	return g, found(err, noSuchEntity("The group with name %s cannot be found.", name))
}

func (s *Service) modifyGroup(ctx context.Context, name *string, f func(*groupDoc) error) (*groupDoc, error) {
	g, err := s.groups.Modify(ctx, f, scopeOf(ctx).account, lower(*name))
	return g, found(err, noSuchEntity("The group with name %s cannot be found.", *name))
}

func groupOut(sc scope, g *groupDoc) *types.Group {
	return &types.Group{
		Arn: aws.String(g.arn(sc, "group")), CreateDate: aws.Time(g.Created), GroupId: aws.String(g.ID), GroupName: aws.String(g.Name), Path: aws.String(g.Path),
	}
}

// CreateGroup makes a group.
func (s *Service) CreateGroup(ctx context.Context, in *iam.CreateGroupInput, _ ...func(*iam.Options)) (*iam.CreateGroupOutput, error) {
	sc := scopeOf(ctx)
	e, err := s.newEntity(sc, *in.GroupName, in.Path, nil, nil, "AGPA")
	if err != nil {
		return nil, err
	}
	g := &groupDoc{e}
	if err := s.groups.Create(ctx, g, sc.account, lower(g.Name)); err != nil {
		return nil, created(err, alreadyExists("Group with name %s already exists.", g.Name))
	}
	return &iam.CreateGroupOutput{Group: groupOut(sc, g)}, nil
}

// members are the users of a group, by name.
func (s *Service) members(sc scope, group string) ([]*userDoc, error) {
	var all []*userDoc
	users, err := s.users.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		if slices.ContainsFunc(u.Groups, func(g string) bool { return strings.EqualFold(g, group) }) {
			all = append(all, u)
		}
	}
	return all, nil
}

// GetGroup returns a group and its users.
func (s *Service) GetGroup(ctx context.Context, in *iam.GetGroupInput, _ ...func(*iam.Options)) (*iam.GetGroupOutput, error) {
	sc := scopeOf(ctx)
	g, err := s.group(sc, *in.GroupName)
	if err != nil {
		return nil, err
	}
	users, err := s.members(sc, g.Name)
	if err != nil {
		return nil, err
	}
	list, next, more, err := pageOf(users, func(u *userDoc) string { return lower(u.Name) }, in.Marker, in.MaxItems)
	out := &iam.GetGroupOutput{Group: groupOut(sc, g), Users: []types.User{}, Marker: next, IsTruncated: more}
	for _, u := range list {
		out.Users = append(out.Users, *s.userOut(sc, u, false))
	}
	return out, err
}

// ListGroups lists groups by name.
func (s *Service) ListGroups(ctx context.Context, in *iam.ListGroupsInput, _ ...func(*iam.Options)) (*iam.ListGroupsOutput, error) {
	sc := scopeOf(ctx)
	var all []*groupDoc
	groups, err := s.groups.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		if strings.HasPrefix(g.Path, aws.ToString(in.PathPrefix)) {
			all = append(all, g)
		}
	}
	list, next, more, err := pageOf(all, func(g *groupDoc) string { return lower(g.Name) }, in.Marker, in.MaxItems)
	out := &iam.ListGroupsOutput{Groups: []types.Group{}, Marker: next, IsTruncated: more}
	for _, g := range list {
		out.Groups = append(out.Groups, *groupOut(sc, g))
	}
	return out, err
}

// UpdateGroup gives a group another name or path.
func (s *Service) UpdateGroup(ctx context.Context, in *iam.UpdateGroupInput, _ ...func(*iam.Options)) (*iam.UpdateGroupOutput, error) {
	sc := scopeOf(ctx)
	change := func(g *groupDoc) error {
		if in.NewPath != nil {
			p, err := path(in.NewPath)
			if err != nil {
				return err
			}
			g.Path = p
		}
		if in.NewGroupName != nil {
			g.Name = *in.NewGroupName
		}
		return nil
	}
	if in.NewGroupName == nil || lower(*in.NewGroupName) == lower(*in.GroupName) {
		_, err := s.modifyGroup(ctx, in.GroupName, change)
		return &iam.UpdateGroupOutput{}, err
	}
	old, err := s.group(sc, *in.GroupName)
	if err != nil {
		return nil, err
	}
	g := *old
	if err := change(&g); err != nil {
		return nil, err
	}
	if err := s.groups.Create(ctx, &g, sc.account, lower(g.Name)); err != nil {
		return nil, created(err, alreadyExists("Group with name %s already exists.", g.Name))
	}
	users, err := s.members(sc, old.Name)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		_, err := s.users.Modify(ctx, func(u *userDoc) error {
			u.Groups = append(slices.DeleteFunc(u.Groups, func(n string) bool { return strings.EqualFold(n, old.Name) }), g.Name)
			return nil
		}, sc.account, lower(u.Name))
		if err != nil {
			return nil, err
		}
	}
	return &iam.UpdateGroupOutput{}, s.groups.Delete(ctx, sc.account, lower(old.Name))
}

// DeleteGroup removes a group that has no users and no policies.
func (s *Service) DeleteGroup(ctx context.Context, in *iam.DeleteGroupInput, _ ...func(*iam.Options)) (*iam.DeleteGroupOutput, error) {
	sc := scopeOf(ctx)
	g, err := s.group(sc, *in.GroupName)
	if err != nil {
		return nil, err
	}
	users, err := s.members(sc, g.Name)
	if err != nil {
		return nil, err
	}
	if len(users) > 0 {
		return nil, deleteConflict("Cannot delete entity, must remove users from group first.")
	}
	if err := g.bare(); err != nil {
		return nil, err
	}
	err = s.groups.Delete(ctx, sc.account, lower(g.Name))
	return &iam.DeleteGroupOutput{}, found(err, noSuchEntity("The group with name %s cannot be found.", *in.GroupName))
}

// AddUserToGroup puts a user into a group; one that is in it stays.
func (s *Service) AddUserToGroup(ctx context.Context, in *iam.AddUserToGroupInput, _ ...func(*iam.Options)) (*iam.AddUserToGroupOutput, error) {
	if _, err := s.user(scopeOf(ctx), *in.UserName); err != nil {
		return nil, err
	}
	g, err := s.group(scopeOf(ctx), *in.GroupName)
	if err != nil {
		return nil, err
	}
	_, err = s.modifyUser(ctx, in.UserName, func(u *userDoc) error {
		if slices.ContainsFunc(u.Groups, func(n string) bool { return strings.EqualFold(n, g.Name) }) {
			return nil
		}
		if len(u.Groups) >= maxGroupsOfUser {
			return limitExceeded("Cannot exceed quota for GroupsPerUser: %d", maxGroupsOfUser)
		}
		u.Groups = append(u.Groups, g.Name)
		return nil
	})
	return &iam.AddUserToGroupOutput{}, err
}

// RemoveUserFromGroup takes a user out of a group, if it is in it.
func (s *Service) RemoveUserFromGroup(ctx context.Context, in *iam.RemoveUserFromGroupInput, _ ...func(*iam.Options)) (*iam.RemoveUserFromGroupOutput, error) {
	if _, err := s.user(scopeOf(ctx), *in.UserName); err != nil {
		return nil, err
	}
	if _, err := s.group(scopeOf(ctx), *in.GroupName); err != nil {
		return nil, err
	}
	_, err := s.modifyUser(ctx, in.UserName, func(u *userDoc) error {
		u.Groups = slices.DeleteFunc(u.Groups, func(n string) bool { return strings.EqualFold(n, *in.GroupName) })
		return nil
	})
	return &iam.RemoveUserFromGroupOutput{}, err
}
