package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Instance profiles. One has at most one role. Nothing here runs instances: a profile is read back.

func (s *Service) profile(sc scope, name string) (*profileDoc, error) {
	p, err := s.profiles.Get(sc.account, lower(name))
	return p, found(err, noSuchEntity("Instance Profile %s cannot be found.", name))
}

func (s *Service) modifyProfile(ctx context.Context, name *string, f func(*profileDoc) error) (*profileDoc, error) {
	p, err := s.profiles.Modify(ctx, f, scopeOf(ctx).account, lower(*name))
	return p, found(err, noSuchEntity("Instance Profile %s cannot be found.", *name))
}

// profilesOf lists the profiles that have a role.
func (s *Service) profilesOf(sc scope, role string) ([]*profileDoc, error) {
	var all []*profileDoc
	profiles, err := s.profiles.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, p := range profiles {
		if strings.EqualFold(p.Role, role) {
			all = append(all, p)
		}
	}
	return all, nil
}

func (s *Service) profileOut(sc scope, p *profileDoc, full bool) *types.InstanceProfile {
	out := &types.InstanceProfile{
		Arn: aws.String(p.arn(sc)), CreateDate: aws.Time(p.Created), InstanceProfileId: aws.String(p.ID), InstanceProfileName: aws.String(p.Name),
		Path: aws.String(p.Path), Roles: []types.Role{},
	}
	if r, err := s.role(sc, p.Role); p.Role != "" && err == nil {
		out.Roles = append(out.Roles, *s.roleOut(sc, r, false))
	}
	if full {
		out.Tags = listed(p.Tags)
	}
	return out
}

// CreateInstanceProfile makes a profile without a role.
func (s *Service) CreateInstanceProfile(ctx context.Context, in *iam.CreateInstanceProfileInput, _ ...func(*iam.Options)) (*iam.CreateInstanceProfileOutput, error) {
	sc := scopeOf(ctx)
	p := &profileDoc{Name: *in.InstanceProfileName, ID: newID("AIPA"), Created: s.now()}
	var err error
	if p.Path, err = path(in.Path); err != nil {
		return nil, err
	}
	if p.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if err := s.profiles.Create(ctx, p, sc.account, lower(p.Name)); err != nil {
		return nil, created(err, alreadyExists("Instance Profile %s already exists.", p.Name))
	}
	return &iam.CreateInstanceProfileOutput{InstanceProfile: s.profileOut(sc, p, true)}, nil
}

// GetInstanceProfile returns a profile and its role.
func (s *Service) GetInstanceProfile(ctx context.Context, in *iam.GetInstanceProfileInput, _ ...func(*iam.Options)) (*iam.GetInstanceProfileOutput, error) {
	sc := scopeOf(ctx)
	p, err := s.profile(sc, *in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	return &iam.GetInstanceProfileOutput{InstanceProfile: s.profileOut(sc, p, true)}, nil
}

// ListInstanceProfiles lists profiles by name.
func (s *Service) ListInstanceProfiles(ctx context.Context, in *iam.ListInstanceProfilesInput, _ ...func(*iam.Options)) (*iam.ListInstanceProfilesOutput, error) {
	sc := scopeOf(ctx)
	var all []*profileDoc
	profiles, err := s.profiles.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, p := range profiles {
		if strings.HasPrefix(p.Path, aws.ToString(in.PathPrefix)) {
			all = append(all, p)
		}
	}
	out := &iam.ListInstanceProfilesOutput{}
	out.InstanceProfiles, out.Marker, out.IsTruncated, err = s.profilePage(sc, all, in.Marker, in.MaxItems)
	return out, err
}

func (s *Service) profilePage(sc scope, all []*profileDoc, marker *string, most *int32) ([]types.InstanceProfile, *string, bool, error) {
	list, next, more, err := pageOf(all, func(p *profileDoc) string { return lower(p.Name) }, marker, most)
	out := []types.InstanceProfile{}
	for _, p := range list {
		out = append(out, *s.profileOut(sc, p, false))
	}
	return out, next, more, err
}

// ListInstanceProfilesForRole lists the profiles that have a role.
func (s *Service) ListInstanceProfilesForRole(ctx context.Context, in *iam.ListInstanceProfilesForRoleInput, _ ...func(*iam.Options)) (*iam.ListInstanceProfilesForRoleOutput, error) {
	sc := scopeOf(ctx)
	r, err := s.role(sc, *in.RoleName)
	if err != nil {
		return nil, err
	}
	all, err := s.profilesOf(sc, r.Name)
	if err != nil {
		return nil, err
	}
	out := &iam.ListInstanceProfilesForRoleOutput{}
	out.InstanceProfiles, out.Marker, out.IsTruncated, err = s.profilePage(sc, all, in.Marker, in.MaxItems)
	return out, err
}

// DeleteInstanceProfile removes a profile that has no role.
func (s *Service) DeleteInstanceProfile(ctx context.Context, in *iam.DeleteInstanceProfileInput, _ ...func(*iam.Options)) (*iam.DeleteInstanceProfileOutput, error) {
	sc := scopeOf(ctx)
	p, err := s.profile(sc, *in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	err = s.profiles.Delete(ctx, sc.account, lower(p.Name))
	return &iam.DeleteInstanceProfileOutput{}, found(err, noSuchEntity("Instance Profile %s cannot be found.", p.Name))
}

// AddRoleToInstanceProfile gives a profile its role.
func (s *Service) AddRoleToInstanceProfile(ctx context.Context, in *iam.AddRoleToInstanceProfileInput, _ ...func(*iam.Options)) (*iam.AddRoleToInstanceProfileOutput, error) {
	r, err := s.role(scopeOf(ctx), *in.RoleName)
	if err != nil {
		return nil, err
	}
	_, err = s.modifyProfile(ctx, in.InstanceProfileName, func(p *profileDoc) error {
		if p.Role != "" {
			return limitExceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
		}
		p.Role = r.Name
		return nil
	})
	return &iam.AddRoleToInstanceProfileOutput{}, err
}

// RemoveRoleFromInstanceProfile takes it away.
func (s *Service) RemoveRoleFromInstanceProfile(ctx context.Context, in *iam.RemoveRoleFromInstanceProfileInput, _ ...func(*iam.Options)) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	_, err := s.modifyProfile(ctx, in.InstanceProfileName, func(p *profileDoc) error {
		if p.Role == "" || !strings.EqualFold(p.Role, *in.RoleName) {
			return noSuchEntity("Role %s in Instance Profile %s cannot be found.", *in.RoleName, p.Name)
		}
		p.Role = ""
		return nil
	})
	return &iam.RemoveRoleFromInstanceProfileOutput{}, err
}
