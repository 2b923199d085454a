package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
)

// Attachments of managed policies: at most ten to a user, group or role, AWS's quota where nobody asked for more.

const maxAttached = 10

func (s *Service) attach(sc scope, e *entity, kind, arn string) error {
	if err := s.attachable(sc, arn); err != nil {
		return err
	}
	if e.attachedAt(arn) >= 0 {
		return nil
	}
	if len(e.Attached) >= maxAttached {
		return limitExceeded("Cannot exceed quota for PoliciesPer%s: %d", kind, maxAttached)
	}
	e.Attached = append(e.Attached, arn)
	return nil
}

// attachedAt is where a policy is among those attached, by its ARN of whichever partition; -1 where it is not.
func (e *entity) attachedAt(name string) int {
	return slices.IndexFunc(e.Attached, func(have string) bool { return arn.Same(have, name) })
}

func (e *entity) detach(arn string) error {
	i := e.attachedAt(arn)
	if i < 0 {
		return noSuchEntity("Policy %s was not found.", arn)
	}
	e.Attached = slices.Delete(e.Attached, i, i+1)
	return nil
}

// attachments lists the managed policies of an entity that are there, by name.
func (s *Service) attachments(sc scope, e *entity, prefix string) []types.AttachedPolicy {
	out := []types.AttachedPolicy{}
	for _, arn := range e.Attached {
		p, err := s.managed(sc, arn)
		if err == nil && strings.HasPrefix(p.Path, prefix) {
			out = append(out, types.AttachedPolicy{PolicyArn: aws.String(arn), PolicyName: aws.String(p.Name)})
		}
	}
	slices.SortFunc(out, func(a, b types.AttachedPolicy) int { return strings.Compare(*a.PolicyName, *b.PolicyName) })
	return out
}

func attachedKey(a types.AttachedPolicy) string { return *a.PolicyName }

// AttachUserPolicy gives a user a managed policy.
func (s *Service) AttachUserPolicy(ctx context.Context, in *iam.AttachUserPolicyInput, _ ...func(*iam.Options)) (*iam.AttachUserPolicyOutput, error) {
	_, err := s.modifyUser(ctx, in.UserName, func(e *userDoc) error { return s.attach(scopeOf(ctx), &e.entity, "User", *in.PolicyArn) })
	return &iam.AttachUserPolicyOutput{}, err
}

// DetachUserPolicy takes a managed policy from a user.
func (s *Service) DetachUserPolicy(ctx context.Context, in *iam.DetachUserPolicyInput, _ ...func(*iam.Options)) (*iam.DetachUserPolicyOutput, error) {
	_, err := s.modifyUser(ctx, in.UserName, func(e *userDoc) error { return e.detach(*in.PolicyArn) })
	return &iam.DetachUserPolicyOutput{}, err
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (s *Service) ListAttachedUserPolicies(ctx context.Context, in *iam.ListAttachedUserPoliciesInput, _ ...func(*iam.Options)) (*iam.ListAttachedUserPoliciesOutput, error) {
	sc := scopeOf(ctx)
	e, err := s.user(sc, *in.UserName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAttachedUserPoliciesOutput{}
	out.AttachedPolicies, out.Marker, out.IsTruncated, err = pageOf(s.attachments(sc, &e.entity, aws.ToString(in.PathPrefix)), attachedKey, in.Marker, in.MaxItems)
	return out, err
}

// AttachGroupPolicy gives a group a managed policy.
func (s *Service) AttachGroupPolicy(ctx context.Context, in *iam.AttachGroupPolicyInput, _ ...func(*iam.Options)) (*iam.AttachGroupPolicyOutput, error) {
	_, err := s.modifyGroup(ctx, in.GroupName, func(e *groupDoc) error { return s.attach(scopeOf(ctx), &e.entity, "Group", *in.PolicyArn) })
	return &iam.AttachGroupPolicyOutput{}, err
}

// DetachGroupPolicy takes a managed policy from a group.
func (s *Service) DetachGroupPolicy(ctx context.Context, in *iam.DetachGroupPolicyInput, _ ...func(*iam.Options)) (*iam.DetachGroupPolicyOutput, error) {
	_, err := s.modifyGroup(ctx, in.GroupName, func(e *groupDoc) error { return e.detach(*in.PolicyArn) })
	return &iam.DetachGroupPolicyOutput{}, err
}

// ListAttachedGroupPolicies lists the managed policies of a group.
func (s *Service) ListAttachedGroupPolicies(ctx context.Context, in *iam.ListAttachedGroupPoliciesInput, _ ...func(*iam.Options)) (*iam.ListAttachedGroupPoliciesOutput, error) {
	sc := scopeOf(ctx)
	e, err := s.group(sc, *in.GroupName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAttachedGroupPoliciesOutput{}
	out.AttachedPolicies, out.Marker, out.IsTruncated, err = pageOf(s.attachments(sc, &e.entity, aws.ToString(in.PathPrefix)), attachedKey, in.Marker, in.MaxItems)
	return out, err
}

// AttachRolePolicy gives a role a managed policy.
func (s *Service) AttachRolePolicy(ctx context.Context, in *iam.AttachRolePolicyInput, _ ...func(*iam.Options)) (*iam.AttachRolePolicyOutput, error) {
	_, err := s.modifyRole(ctx, in.RoleName, func(e *roleDoc) error { return s.attach(scopeOf(ctx), &e.entity, "Role", *in.PolicyArn) })
	return &iam.AttachRolePolicyOutput{}, err
}

// DetachRolePolicy takes a managed policy from a role.
func (s *Service) DetachRolePolicy(ctx context.Context, in *iam.DetachRolePolicyInput, _ ...func(*iam.Options)) (*iam.DetachRolePolicyOutput, error) {
	_, err := s.modifyRole(ctx, in.RoleName, func(e *roleDoc) error { return e.detach(*in.PolicyArn) })
	return &iam.DetachRolePolicyOutput{}, err
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(ctx context.Context, in *iam.ListAttachedRolePoliciesInput, _ ...func(*iam.Options)) (*iam.ListAttachedRolePoliciesOutput, error) {
	sc := scopeOf(ctx)
	e, err := s.role(sc, *in.RoleName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAttachedRolePoliciesOutput{}
	out.AttachedPolicies, out.Marker, out.IsTruncated, err = pageOf(s.attachments(sc, &e.entity, aws.ToString(in.PathPrefix)), attachedKey, in.Marker, in.MaxItems)
	return out, err
}
