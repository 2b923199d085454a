package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Tags of users, roles, policies, instance profiles and providers. At most 50 a resource; keys are
// unique whatever their case, but those of policies, where the case counts.

const maxTags = 50

func withTags(have []tag, add []types.Tag) ([]tag, error) {
	have = slices.Clone(have)
	seen := map[string]bool{}
	for _, t := range add {
		key := lower(aws.ToString(t.Key))
		if seen[key] {
			return nil, invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[key] = true
		if strings.HasPrefix(key, "aws:") {
			return nil, invalidInput("Tag keys beginning with 'aws:' are reserved for system use.")
		}
		n := tag{aws.ToString(t.Key), aws.ToString(t.Value)}
		if i := slices.IndexFunc(have, func(h tag) bool { return lower(h.Key) == key }); i >= 0 {
			have[i] = n
		} else {
			have = append(have, n)
		}
	}
	if len(have) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	return have, nil
}

// withPolicyTags is withTags for the tags of a policy.
func withPolicyTags(have []tag, add []types.Tag) ([]tag, error) {
	have = slices.Clone(have)
	seen := map[string]bool{}
	for _, t := range add {
		n := tag{aws.ToString(t.Key), aws.ToString(t.Value)}
		if seen[n.Key] {
			return nil, invalidInput("Duplicate tag keys found.")
		}
		seen[n.Key] = true
		if strings.HasPrefix(lower(n.Key), "aws:") {
			return nil, invalidInput("Tag keys beginning with 'aws:' are reserved for system use.")
		}
		if i := slices.IndexFunc(have, func(h tag) bool { return h.Key == n.Key }); i >= 0 {
			have[i] = n
		} else {
			have = append(have, n)
		}
	}
	if len(have) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	return have, nil
}

func withoutPolicyTags(have []tag, keys []string) []tag {
	return slices.DeleteFunc(slices.Clone(have), func(t tag) bool { return slices.Contains(keys, t.Key) })
}

func withoutTags(have []tag, keys []string) []tag {
	return slices.DeleteFunc(slices.Clone(have), func(t tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, t.Key) })
	})
}

func tagsOut(have []tag) []types.Tag {
	if len(have) == 0 {
		return nil
	}
	out := make([]types.Tag, len(have))
	for i, t := range have {
		out[i] = types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)}
	}
	return out
}

// listed is tagsOut for the answers that have a list of tags though there are none.
func listed(have []tag) []types.Tag {
	if len(have) == 0 {
		return []types.Tag{}
	}
	return tagsOut(have)
}

func tagPage(have []tag, marker *string, most *int32) ([]types.Tag, *string, bool, error) {
	have = slices.Clone(have)
	slices.SortFunc(have, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	list, next, more, err := pageOf(have, func(t tag) string { return t.Key }, marker, most)
	if list == nil {
		return []types.Tag{}, next, more, err
	}
	out := tagsOut(list)
	if out == nil {
		out = []types.Tag{}
	}
	return out, next, more, err
}

// TagUser adds tags.
func (s *Service) TagUser(ctx context.Context, in *iam.TagUserInput, _ ...func(*iam.Options)) (*iam.TagUserOutput, error) {
	_, err := s.modifyUser(ctx, in.UserName, func(u *userDoc) (err error) {
		u.Tags, err = withTags(u.Tags, in.Tags)
		return err
	})
	return &iam.TagUserOutput{}, err
}

// UntagUser removes tags.
func (s *Service) UntagUser(ctx context.Context, in *iam.UntagUserInput, _ ...func(*iam.Options)) (*iam.UntagUserOutput, error) {
	_, err := s.modifyUser(ctx, in.UserName, func(u *userDoc) error {
		u.Tags = withoutTags(u.Tags, in.TagKeys)
		return nil
	})
	return &iam.UntagUserOutput{}, err
}

// ListUserTags lists them.
func (s *Service) ListUserTags(ctx context.Context, in *iam.ListUserTagsInput, _ ...func(*iam.Options)) (*iam.ListUserTagsOutput, error) {
	u, err := s.user(scopeOf(ctx), *in.UserName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListUserTagsOutput{}
	out.Tags, out.Marker, out.IsTruncated, err = tagPage(u.Tags, in.Marker, in.MaxItems)
	return out, err
}

// TagRole adds tags.
func (s *Service) TagRole(ctx context.Context, in *iam.TagRoleInput, _ ...func(*iam.Options)) (*iam.TagRoleOutput, error) {
	_, err := s.modifyRole(ctx, in.RoleName, func(r *roleDoc) (err error) {
		r.Tags, err = withTags(r.Tags, in.Tags)
		return err
	})
	return &iam.TagRoleOutput{}, err
}

// UntagRole removes tags.
func (s *Service) UntagRole(ctx context.Context, in *iam.UntagRoleInput, _ ...func(*iam.Options)) (*iam.UntagRoleOutput, error) {
	_, err := s.modifyRole(ctx, in.RoleName, func(r *roleDoc) error {
		r.Tags = withoutTags(r.Tags, in.TagKeys)
		return nil
	})
	return &iam.UntagRoleOutput{}, err
}

// ListRoleTags lists them.
func (s *Service) ListRoleTags(ctx context.Context, in *iam.ListRoleTagsInput, _ ...func(*iam.Options)) (*iam.ListRoleTagsOutput, error) {
	r, err := s.role(scopeOf(ctx), *in.RoleName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListRoleTagsOutput{}
	out.Tags, out.Marker, out.IsTruncated, err = tagPage(r.Tags, in.Marker, in.MaxItems)
	return out, err
}

// TagPolicy adds tags.
func (s *Service) TagPolicy(ctx context.Context, in *iam.TagPolicyInput, _ ...func(*iam.Options)) (*iam.TagPolicyOutput, error) {
	_, err := s.modifyPolicy(ctx, *in.PolicyArn, func(p *policyDoc) (err error) {
		p.Tags, err = withPolicyTags(p.Tags, in.Tags)
		return err
	})
	return &iam.TagPolicyOutput{}, err
}

// UntagPolicy removes tags.
func (s *Service) UntagPolicy(ctx context.Context, in *iam.UntagPolicyInput, _ ...func(*iam.Options)) (*iam.UntagPolicyOutput, error) {
	_, err := s.modifyPolicy(ctx, *in.PolicyArn, func(p *policyDoc) error {
		p.Tags = withoutPolicyTags(p.Tags, in.TagKeys)
		return nil
	})
	return &iam.UntagPolicyOutput{}, err
}

// ListPolicyTags lists them.
func (s *Service) ListPolicyTags(ctx context.Context, in *iam.ListPolicyTagsInput, _ ...func(*iam.Options)) (*iam.ListPolicyTagsOutput, error) {
	p, err := s.managed(scopeOf(ctx), *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPolicyTagsOutput{}
	out.Tags, out.Marker, out.IsTruncated, err = tagPage(p.Tags, in.Marker, in.MaxItems)
	return out, err
}

// TagInstanceProfile adds tags.
func (s *Service) TagInstanceProfile(ctx context.Context, in *iam.TagInstanceProfileInput, _ ...func(*iam.Options)) (*iam.TagInstanceProfileOutput, error) {
	_, err := s.modifyProfile(ctx, in.InstanceProfileName, func(p *profileDoc) (err error) {
		p.Tags, err = withTags(p.Tags, in.Tags)
		return err
	})
	return &iam.TagInstanceProfileOutput{}, err
}

// UntagInstanceProfile removes tags.
func (s *Service) UntagInstanceProfile(ctx context.Context, in *iam.UntagInstanceProfileInput, _ ...func(*iam.Options)) (*iam.UntagInstanceProfileOutput, error) {
	_, err := s.modifyProfile(ctx, in.InstanceProfileName, func(p *profileDoc) error {
		p.Tags = withoutTags(p.Tags, in.TagKeys)
		return nil
	})
	return &iam.UntagInstanceProfileOutput{}, err
}

// ListInstanceProfileTags lists them.
func (s *Service) ListInstanceProfileTags(ctx context.Context, in *iam.ListInstanceProfileTagsInput, _ ...func(*iam.Options)) (*iam.ListInstanceProfileTagsOutput, error) {
	p, err := s.profile(scopeOf(ctx), *in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListInstanceProfileTagsOutput{}
	out.Tags, out.Marker, out.IsTruncated, err = tagPage(p.Tags, in.Marker, in.MaxItems)
	return out, err
}

// TagOpenIDConnectProvider adds tags.
func (s *Service) TagOpenIDConnectProvider(ctx context.Context, in *iam.TagOpenIDConnectProviderInput, _ ...func(*iam.Options)) (*iam.TagOpenIDConnectProviderOutput, error) {
	_, err := s.modifyOIDC(ctx, *in.OpenIDConnectProviderArn, func(p *oidcDoc) (err error) {
		p.Tags, err = withTags(p.Tags, in.Tags)
		return err
	})
	return &iam.TagOpenIDConnectProviderOutput{}, err
}

// UntagOpenIDConnectProvider removes tags.
func (s *Service) UntagOpenIDConnectProvider(ctx context.Context, in *iam.UntagOpenIDConnectProviderInput, _ ...func(*iam.Options)) (*iam.UntagOpenIDConnectProviderOutput, error) {
	_, err := s.modifyOIDC(ctx, *in.OpenIDConnectProviderArn, func(p *oidcDoc) error {
		p.Tags = withoutTags(p.Tags, in.TagKeys)
		return nil
	})
	return &iam.UntagOpenIDConnectProviderOutput{}, err
}

// ListOpenIDConnectProviderTags lists them.
func (s *Service) ListOpenIDConnectProviderTags(ctx context.Context, in *iam.ListOpenIDConnectProviderTagsInput, _ ...func(*iam.Options)) (*iam.ListOpenIDConnectProviderTagsOutput, error) {
	p, err := s.oidcProvider(scopeOf(ctx), *in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	out := &iam.ListOpenIDConnectProviderTagsOutput{}
	out.Tags, out.Marker, out.IsTruncated, err = tagPage(p.Tags, in.Marker, in.MaxItems)
	return out, err
}

// TagSAMLProvider adds tags.
func (s *Service) TagSAMLProvider(ctx context.Context, in *iam.TagSAMLProviderInput, _ ...func(*iam.Options)) (*iam.TagSAMLProviderOutput, error) {
	_, err := s.modifySAML(ctx, *in.SAMLProviderArn, func(p *samlDoc) (err error) {
		p.Tags, err = withTags(p.Tags, in.Tags)
		return err
	})
	return &iam.TagSAMLProviderOutput{}, err
}

// UntagSAMLProvider removes tags.
func (s *Service) UntagSAMLProvider(ctx context.Context, in *iam.UntagSAMLProviderInput, _ ...func(*iam.Options)) (*iam.UntagSAMLProviderOutput, error) {
	_, err := s.modifySAML(ctx, *in.SAMLProviderArn, func(p *samlDoc) error {
		p.Tags = withoutTags(p.Tags, in.TagKeys)
		return nil
	})
	return &iam.UntagSAMLProviderOutput{}, err
}

// ListSAMLProviderTags lists them.
func (s *Service) ListSAMLProviderTags(ctx context.Context, in *iam.ListSAMLProviderTagsInput, _ ...func(*iam.Options)) (*iam.ListSAMLProviderTagsOutput, error) {
	p, err := s.samlProvider(scopeOf(ctx), *in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	out := &iam.ListSAMLProviderTagsOutput{}
	out.Tags, out.Marker, out.IsTruncated, err = tagPage(p.Tags, in.Marker, in.MaxItems)
	return out, err
}
