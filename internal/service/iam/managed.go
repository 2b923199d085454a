package iam

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Managed policies: a customer's, with at most five versions of at most 6,144 characters, and AWS's,
// which nobody changes.

const (
	maxManaged  = 6144
	maxVersions = 5
)

// stableID is a unique id that follows from a name.
func stableID(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// policyName takes an ARN of a policy apart; owner is an account or "aws".
func policyName(s string) (owner, path, name string, ok bool) {
	a, ok := arn.Parse(s)
	if !ok || a.Service != "iam" || a.Region != "" {
		return "", "", "", false
	}
	rest, ok := a.After("policy/")
	if !ok {
		return "", "", "", false
	}
	i := strings.LastIndexByte(rest, '/')
	return a.Account, "/" + rest[:i+1], rest[i+1:], true
}

// managed returns a managed policy of AWS's or of the account.
func (s *Service) managed(sc scope, arn string) (*policyDoc, error) {
	absent := func() error { return noSuchEntity("Policy %s was not found.", arn) }
	owner, path, name, ok := policyName(arn)
	if !ok {
		return nil, validation("ARN %s is not valid.", arn)
	}
	if owner == "aws" {
		if p := awsManagedPolicy(path, name); p != nil {
			return p, nil
		}
		return nil, absent()
	}
	if owner != sc.account {
		return nil, absent()
	}
	p, err := s.policies.Get(owner, lower(name))
	if err == nil && (p.Path != path || p.Name != name) {
		return nil, absent()
	}
	if err != nil {
		return nil, found(err, absent())
	}
	return p, nil
}

// attachable reports whether a policy may be attached.
func (s *Service) attachable(sc scope, arn string) error {
	if _, _, _, ok := policyName(arn); !ok {
		return validation("ARN %s is not valid.", arn)
	}
	if _, err := s.managed(sc, arn); err != nil {
		return noSuchEntity("Policy %s does not exist or is not attachable.", arn)
	}
	return nil
}

// limiting reports whether a policy may be a permissions boundary.
func (s *Service) limiting(sc scope, arn string) error {
	if _, _, _, ok := policyName(arn); !ok {
		return invalidInput("ARN %s is not valid.", arn)
	}
	if _, err := s.managed(sc, arn); err != nil {
		return noSuchEntity("Scope ARN: %s does not exist or is not attachable.", arn)
	}
	return nil
}

// modifyPolicy changes a customer's policy.
func (s *Service) modifyPolicy(ctx context.Context, arn string, f func(*policyDoc) error) (*policyDoc, error) {
	sc := scopeOf(ctx)
	p, err := s.managed(sc, arn)
	if err != nil {
		return nil, err
	}
	if strings.Contains(arn, ":iam::aws:") {
		return nil, awsOwned()
	}
	p, err = s.policies.Modify(ctx, f, sc.account, lower(p.Name))
	return p, found(err, noSuchEntity("Policy %s was not found.", arn))
}

func awsOwned() error {
	return &types.UnmodifiableEntityException{Message: aws.String("Policy is owned by AWS and cannot be changed.")}
}

// uses counts the entities that a policy is attached to, or that it is the boundary of.
func (s *Service) uses(sc scope, name string) (attached, boundaries int32, err error) {
	count := func(e *entity) {
		if e.attachedAt(name) >= 0 {
			attached++
		}
		if arn.Same(e.Boundary, name) {
			boundaries++
		}
	}
	users, err := s.users.All(sc.account)
	if err != nil {
		return 0, 0, err
	}
	for _, u := range users {
		count(&u.entity)
	}
	groups, err := s.groups.All(sc.account)
	if err != nil {
		return 0, 0, err
	}
	for _, g := range groups {
		count(&g.entity)
	}
	roles, err := s.roles.All(sc.account)
	if err != nil {
		return 0, 0, err
	}
	for _, r := range roles {
		count(&r.entity)
	}
	return attached, boundaries, nil
}

func (s *Service) policyOut(sc scope, arn string, p *policyDoc, full bool) *types.Policy {
	attached, boundaries, _ := s.uses(sc, arn) // of what can be read
	out := &types.Policy{
		Arn: &arn, AttachmentCount: &attached, PermissionsBoundaryUsageCount: &boundaries, CreateDate: aws.Time(p.Created), UpdateDate: aws.Time(p.Updated),
		DefaultVersionId: aws.String(p.Default), IsAttachable: true, Path: aws.String(p.Path), PolicyId: aws.String(p.ID), PolicyName: aws.String(p.Name),
	}
	if full {
		if out.Description, out.Tags = optional(p.Description), tagsOut(p.Tags); out.Tags == nil {
			out.Tags = []types.Tag{} // told, if there are none
		}
	}
	return out
}

func (s *Service) checkManaged(document string) error {
	if _, err := s.parse(document, policy.Identity); err != nil {
		return err
	}
	if length(document) > maxManaged {
		return limitExceeded("Cannot exceed quota for PolicySize: %d", maxManaged)
	}
	return nil
}

// CreatePolicy makes a policy and its first version.
func (s *Service) CreatePolicy(ctx context.Context, in *iam.CreatePolicyInput, _ ...func(*iam.Options)) (*iam.CreatePolicyOutput, error) {
	sc := scopeOf(ctx)
	pt, err := path(in.Path)
	if err != nil {
		return nil, err
	}
	if err := s.checkManaged(*in.PolicyDocument); err != nil {
		return nil, err
	}
	p := &policyDoc{
		Name: *in.PolicyName, Path: pt, ID: newID("ANPA"), Description: aws.ToString(in.Description), Created: s.now(), Updated: s.now(),
		Versions: []version{{"v1", *in.PolicyDocument, s.now()}}, Default: "v1", Next: 2,
	}
	if p.Tags, err = withPolicyTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if err := s.policies.Create(ctx, p, sc.account, lower(p.Name)); err != nil {
		return nil, created(err, alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", p.Name))
	}
	out := s.policyOut(sc, p.arn(sc), p, false)
	out.Tags = tagsOut(p.Tags)
	return &iam.CreatePolicyOutput{Policy: out}, nil
}

// GetPolicy returns a policy without its document.
func (s *Service) GetPolicy(ctx context.Context, in *iam.GetPolicyInput, _ ...func(*iam.Options)) (*iam.GetPolicyOutput, error) {
	sc := scopeOf(ctx)
	p, err := s.managed(sc, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := s.policyOut(sc, *in.PolicyArn, p, true)
	out.Tags = listed(p.Tags)
	return &iam.GetPolicyOutput{Policy: out}, nil
}

// ListPolicies lists a customer's policies, AWS's, or both, by name.
func (s *Service) ListPolicies(ctx context.Context, in *iam.ListPoliciesInput, _ ...func(*iam.Options)) (*iam.ListPoliciesOutput, error) {
	sc := scopeOf(ctx)
	type item struct {
		arn string
		p   *policyDoc
	}
	var all []item
	if in.Scope != types.PolicyScopeTypeAws {
		policies, err := s.policies.All(sc.account)
		if err != nil {
			return nil, err
		}
		for _, p := range policies {
			all = append(all, item{p.arn(sc), p})
		}
	}
	if in.Scope != types.PolicyScopeTypeLocal {
		for _, p := range awsManaged() {
			all = append(all, item{"arn:" + sc.partition + ":iam::aws:policy" + p.Path + p.Name, p})
		}
	}
	var unreadable error
	all = slices.DeleteFunc(all, func(i item) bool {
		if !strings.HasPrefix(i.p.Path, aws.ToString(in.PathPrefix)) {
			return true
		}
		if !in.OnlyAttached && in.PolicyUsageFilter == "" {
			return false
		}
		attached, boundaries, err := s.uses(sc, i.arn)
		unreadable = errors.Join(unreadable, err)
		switch in.PolicyUsageFilter {
		case types.PolicyUsageTypePermissionsPolicy:
			return attached == 0
		case types.PolicyUsageTypePermissionsBoundary:
			return boundaries == 0
		}
		return attached == 0
	})
	if unreadable != nil {
		return nil, unreadable
	}
	key := func(i item) string { return lower(i.p.Name) + " " + i.arn }
	slices.SortFunc(all, func(a, b item) int { return strings.Compare(key(a), key(b)) })
	list, next, more, err := pageOf(all, key, in.Marker, in.MaxItems)
	out := &iam.ListPoliciesOutput{Policies: []types.Policy{}, Marker: next, IsTruncated: more}
	for _, i := range list {
		out.Policies = append(out.Policies, *s.policyOut(sc, i.arn, i.p, false))
	}
	return out, err
}

// DeletePolicy removes a policy that has one version and is attached nowhere.
func (s *Service) DeletePolicy(ctx context.Context, in *iam.DeletePolicyInput, _ ...func(*iam.Options)) (*iam.DeletePolicyOutput, error) {
	sc := scopeOf(ctx)
	p, err := s.managed(sc, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if strings.Contains(*in.PolicyArn, ":iam::aws:") {
		return nil, awsOwned()
	}
	attached, boundaries, err := s.uses(sc, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if attached > 0 || boundaries > 0 {
		return nil, deleteConflict("Cannot delete a policy attached to entities.")
	}
	if len(p.Versions) > 1 {
		return nil, deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	err = s.policies.Delete(ctx, sc.account, lower(p.Name))
	return &iam.DeletePolicyOutput{}, found(err, noSuchEntity("Policy %s was not found.", *in.PolicyArn))
}

func versionOut(p *policyDoc, v *version, document bool) *types.PolicyVersion {
	out := &types.PolicyVersion{VersionId: aws.String(v.ID), CreateDate: aws.Time(v.Created), IsDefaultVersion: v.ID == p.Default}
	if document {
		out.Document = encode(v.Document)
	}
	return out
}

// CreatePolicyVersion adds a version to a policy.
func (s *Service) CreatePolicyVersion(ctx context.Context, in *iam.CreatePolicyVersionInput, _ ...func(*iam.Options)) (*iam.CreatePolicyVersionOutput, error) {
	if err := s.checkManaged(*in.PolicyDocument); err != nil {
		return nil, err
	}
	p, err := s.modifyPolicy(ctx, *in.PolicyArn, func(p *policyDoc) error {
		if len(p.Versions) >= maxVersions {
			return limitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		v := version{"v" + strconv.Itoa(p.Next), *in.PolicyDocument, s.now()}
		p.Versions = append(p.Versions, v)
		p.Next++
		p.Updated = v.Created
		if in.SetAsDefault {
			p.Default = v.ID
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreatePolicyVersionOutput{PolicyVersion: versionOut(p, &p.Versions[len(p.Versions)-1], false)}, nil
}

func noVersion(arn, id string) error {
	return noSuchEntity("Policy %s version %s does not exist or is not attachable.", arn, id)
}

// GetPolicyVersion returns a version and its document.
func (s *Service) GetPolicyVersion(ctx context.Context, in *iam.GetPolicyVersionInput, _ ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error) {
	p, err := s.managed(scopeOf(ctx), *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	v := p.version(*in.VersionId)
	if v == nil {
		return nil, noVersion(*in.PolicyArn, *in.VersionId)
	}
	return &iam.GetPolicyVersionOutput{PolicyVersion: versionOut(p, v, true)}, nil
}

// ListPolicyVersions lists the versions of a policy, newest first.
func (s *Service) ListPolicyVersions(ctx context.Context, in *iam.ListPolicyVersionsInput, _ ...func(*iam.Options)) (*iam.ListPolicyVersionsOutput, error) {
	p, err := s.managed(scopeOf(ctx), *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPolicyVersionsOutput{Versions: []types.PolicyVersion{}}
	for i := len(p.Versions) - 1; i >= 0; i-- {
		out.Versions = append(out.Versions, *versionOut(p, &p.Versions[i], false))
	}
	return out, nil
}

// SetDefaultPolicyVersion makes a version the one that counts.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, in *iam.SetDefaultPolicyVersionInput, _ ...func(*iam.Options)) (*iam.SetDefaultPolicyVersionOutput, error) {
	_, err := s.modifyPolicy(ctx, *in.PolicyArn, func(p *policyDoc) error {
		if p.version(*in.VersionId) == nil {
			return noVersion(*in.PolicyArn, *in.VersionId)
		}
		p.Default, p.Updated = *in.VersionId, s.now()
		return nil
	})
	return &iam.SetDefaultPolicyVersionOutput{}, err
}

// DeletePolicyVersion removes a version that is not the default.
func (s *Service) DeletePolicyVersion(ctx context.Context, in *iam.DeletePolicyVersionInput, _ ...func(*iam.Options)) (*iam.DeletePolicyVersionOutput, error) {
	_, err := s.modifyPolicy(ctx, *in.PolicyArn, func(p *policyDoc) error {
		switch {
		case p.version(*in.VersionId) == nil:
			return noVersion(*in.PolicyArn, *in.VersionId)
		case p.Default == *in.VersionId:
			return deleteConflict("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.DeleteFunc(p.Versions, func(v version) bool { return v.ID == *in.VersionId })
		return nil
	})
	return &iam.DeletePolicyVersionOutput{}, err
}

// ListEntitiesForPolicy lists the users, groups and roles that a policy is attached to, or that it is
// the boundary of.
func (s *Service) ListEntitiesForPolicy(ctx context.Context, in *iam.ListEntitiesForPolicyInput, _ ...func(*iam.Options)) (*iam.ListEntitiesForPolicyOutput, error) {
	sc := scopeOf(ctx)
	if _, err := s.managed(sc, *in.PolicyArn); err != nil {
		return nil, err
	}
	uses := func(e *entity) bool {
		boundary := arn.Same(e.Boundary, *in.PolicyArn) && in.PolicyUsageFilter != types.PolicyUsageTypePermissionsPolicy
		attached := e.attachedAt(*in.PolicyArn) >= 0 && in.PolicyUsageFilter != types.PolicyUsageTypePermissionsBoundary
		return strings.HasPrefix(e.Path, aws.ToString(in.PathPrefix)) && (boundary || attached)
	}
	type item struct {
		kind string
		e    *entity
	}
	var all []item
	want := func(kind types.EntityType) bool { return in.EntityFilter == "" || in.EntityFilter == kind }
	if want(types.EntityTypeGroup) {
		groups, err := s.groups.All(sc.account)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			if uses(&g.entity) {
				all = append(all, item{"group", &g.entity})
			}
		}
	}
	if want(types.EntityTypeRole) {
		roles, err := s.roles.All(sc.account)
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			if uses(&r.entity) {
				all = append(all, item{"role", &r.entity})
			}
		}
	}
	if want(types.EntityTypeUser) {
		users, err := s.users.All(sc.account)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if uses(&u.entity) {
				all = append(all, item{"user", &u.entity})
			}
		}
	}
	list, next, more, err := pageOf(all, func(i item) string { return i.kind + "/" + lower(i.e.Name) }, in.Marker, in.MaxItems)
	out := &iam.ListEntitiesForPolicyOutput{
		PolicyGroups: []types.PolicyGroup{}, PolicyRoles: []types.PolicyRole{}, PolicyUsers: []types.PolicyUser{}, Marker: next, IsTruncated: more,
	}
	for _, i := range list {
		name, id := aws.String(i.e.Name), aws.String(i.e.ID)
		switch i.kind {
		case "group":
			out.PolicyGroups = append(out.PolicyGroups, types.PolicyGroup{GroupName: name, GroupId: id})
		case "role":
			out.PolicyRoles = append(out.PolicyRoles, types.PolicyRole{RoleName: name, RoleId: id})
		case "user":
			out.PolicyUsers = append(out.PolicyUsers, types.PolicyUser{UserName: name, UserId: id})
		}
	}
	return out, err
}
