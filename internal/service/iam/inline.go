package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Inline policies: documents that belong to one user, group or role, and go with it. Together they have
// at most 2,048 characters for a user, 5,120 for a group, 10,240 for a role, white space not counted.

const (
	maxInlineUser  = 2048
	maxInlineGroup = 5120
	maxInlineRole  = 10240
)

// putInline adds a policy, or replaces that of the name.
func (s *Service) putInline(e *entity, kind, name, document string, most int) error {
	if _, err := s.parse(document, policy.Identity); err != nil {
		return err
	}
	total := length(document)
	for _, p := range e.Inline {
		if !strings.EqualFold(p.Name, name) {
			total += length(p.Document)
		}
	}
	if total > most {
		return limitExceeded("Maximum policy size of %d bytes exceeded for %s %s", most, kind, e.Name)
	}
	p := inline{name, document}
	if i := e.inline(name); i >= 0 {
		e.Inline[i] = p
		return nil
	}
	e.Inline = append(e.Inline, p)
	slices.SortFunc(e.Inline, func(a, b inline) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (e *entity) deleteInline(kind, name string) error {
	i := e.inline(name)
	if i < 0 {
		return noSuchEntity("The %s policy with name %s cannot be found.", kind, name)
	}
	e.Inline = slices.Delete(e.Inline, i, i+1)
	return nil
}

func (e *entity) inlineDocument(kind, name string) (*inline, error) {
	i := e.inline(name)
	if i < 0 {
		return nil, noSuchEntity("The %s policy with name %s cannot be found.", kind, name)
	}
	return &e.Inline[i], nil
}

func (e *entity) inlineNames(marker *string, most *int32) ([]string, *string, bool, error) {
	list, next, more, err := pageOf(e.Inline, func(p inline) string { return p.Name }, marker, most)
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.Name
	}
	return names, next, more, err
}

// PutUserPolicy adds an inline policy to a user, or replaces it.
func (s *Service) PutUserPolicy(ctx context.Context, in *iam.PutUserPolicyInput, _ ...func(*iam.Options)) (*iam.PutUserPolicyOutput, error) {
	_, err := s.modifyUser(ctx, in.UserName, func(e *userDoc) error {
		return s.putInline(&e.entity, "user", *in.PolicyName, *in.PolicyDocument, maxInlineUser)
	})
	return &iam.PutUserPolicyOutput{}, err
}

// GetUserPolicy returns an inline policy of a user.
func (s *Service) GetUserPolicy(ctx context.Context, in *iam.GetUserPolicyInput, _ ...func(*iam.Options)) (*iam.GetUserPolicyOutput, error) {
	e, err := s.user(scopeOf(ctx), *in.UserName)
	if err != nil {
		return nil, err
	}
	p, err := e.inlineDocument("user", *in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserPolicyOutput{UserName: aws.String(e.Name), PolicyName: aws.String(p.Name), PolicyDocument: encode(p.Document)}, nil
}

// DeleteUserPolicy removes an inline policy of a user.
func (s *Service) DeleteUserPolicy(ctx context.Context, in *iam.DeleteUserPolicyInput, _ ...func(*iam.Options)) (*iam.DeleteUserPolicyOutput, error) {
	_, err := s.modifyUser(ctx, in.UserName, func(e *userDoc) error { return e.deleteInline("user", *in.PolicyName) })
	return &iam.DeleteUserPolicyOutput{}, err
}

// ListUserPolicies lists the names of the inline policies of a user.
func (s *Service) ListUserPolicies(ctx context.Context, in *iam.ListUserPoliciesInput, _ ...func(*iam.Options)) (*iam.ListUserPoliciesOutput, error) {
	e, err := s.user(scopeOf(ctx), *in.UserName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListUserPoliciesOutput{}
	out.PolicyNames, out.Marker, out.IsTruncated, err = e.inlineNames(in.Marker, in.MaxItems)
	return out, err
}

// PutGroupPolicy adds an inline policy to a group, or replaces it.
func (s *Service) PutGroupPolicy(ctx context.Context, in *iam.PutGroupPolicyInput, _ ...func(*iam.Options)) (*iam.PutGroupPolicyOutput, error) {
	_, err := s.modifyGroup(ctx, in.GroupName, func(e *groupDoc) error {
		return s.putInline(&e.entity, "group", *in.PolicyName, *in.PolicyDocument, maxInlineGroup)
	})
	return &iam.PutGroupPolicyOutput{}, err
}

// GetGroupPolicy returns an inline policy of a group.
func (s *Service) GetGroupPolicy(ctx context.Context, in *iam.GetGroupPolicyInput, _ ...func(*iam.Options)) (*iam.GetGroupPolicyOutput, error) {
	e, err := s.group(scopeOf(ctx), *in.GroupName)
	if err != nil {
		return nil, err
	}
	p, err := e.inlineDocument("group", *in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetGroupPolicyOutput{GroupName: aws.String(e.Name), PolicyName: aws.String(p.Name), PolicyDocument: encode(p.Document)}, nil
}

// DeleteGroupPolicy removes an inline policy of a group.
func (s *Service) DeleteGroupPolicy(ctx context.Context, in *iam.DeleteGroupPolicyInput, _ ...func(*iam.Options)) (*iam.DeleteGroupPolicyOutput, error) {
	_, err := s.modifyGroup(ctx, in.GroupName, func(e *groupDoc) error { return e.deleteInline("group", *in.PolicyName) })
	return &iam.DeleteGroupPolicyOutput{}, err
}

// ListGroupPolicies lists the names of the inline policies of a group.
func (s *Service) ListGroupPolicies(ctx context.Context, in *iam.ListGroupPoliciesInput, _ ...func(*iam.Options)) (*iam.ListGroupPoliciesOutput, error) {
	e, err := s.group(scopeOf(ctx), *in.GroupName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListGroupPoliciesOutput{}
	out.PolicyNames, out.Marker, out.IsTruncated, err = e.inlineNames(in.Marker, in.MaxItems)
	return out, err
}

// PutRolePolicy adds an inline policy to a role, or replaces it.
func (s *Service) PutRolePolicy(ctx context.Context, in *iam.PutRolePolicyInput, _ ...func(*iam.Options)) (*iam.PutRolePolicyOutput, error) {
	_, err := s.modifyRole(ctx, in.RoleName, func(e *roleDoc) error {
		return s.putInline(&e.entity, "role", *in.PolicyName, *in.PolicyDocument, maxInlineRole)
	})
	return &iam.PutRolePolicyOutput{}, err
}

// GetRolePolicy returns an inline policy of a role.
func (s *Service) GetRolePolicy(ctx context.Context, in *iam.GetRolePolicyInput, _ ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error) {
	e, err := s.role(scopeOf(ctx), *in.RoleName)
	if err != nil {
		return nil, err
	}
	p, err := e.inlineDocument("role", *in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRolePolicyOutput{RoleName: aws.String(e.Name), PolicyName: aws.String(p.Name), PolicyDocument: encode(p.Document)}, nil
}

// DeleteRolePolicy removes an inline policy of a role.
func (s *Service) DeleteRolePolicy(ctx context.Context, in *iam.DeleteRolePolicyInput, _ ...func(*iam.Options)) (*iam.DeleteRolePolicyOutput, error) {
	_, err := s.modifyRole(ctx, in.RoleName, func(e *roleDoc) error { return e.deleteInline("role", *in.PolicyName) })
	return &iam.DeleteRolePolicyOutput{}, err
}

// ListRolePolicies lists the names of the inline policies of a role.
func (s *Service) ListRolePolicies(ctx context.Context, in *iam.ListRolePoliciesInput, _ ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error) {
	e, err := s.role(scopeOf(ctx), *in.RoleName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListRolePoliciesOutput{}
	out.PolicyNames, out.Marker, out.IsTruncated, err = e.inlineNames(in.Marker, in.MaxItems)
	return out, err
}
