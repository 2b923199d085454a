package kms

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Policies and tags of keys. A key has one policy, "default", and at most 50 tags.

const (
	policyName = "default"
	maxTags    = 50
	maxPolicy  = 32 << 10
)

// defaultPolicy gives the account everything.
func defaultPolicy(region, account string) string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : %q
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`, arn.Global("iam", region, account, "root"))
}

// checkPolicy checks a policy that a caller gives a key. Unless bypass is set, the caller, or the account as a whole,
// must be able to change the policy again.
func checkPolicy(c awswire.Caller, key, text string, bypass bool) error {
	if len(text) > maxPolicy {
		return &types.LimitExceededException{Message: message("The policy is longer than %d bytes.", maxPolicy)}
	}
	d, err := policy.Parse(text, policy.Resource)
	if err != nil {
		return &types.MalformedPolicyDocumentException{Message: message("%s", err.Error())}
	}
	if !bypass && !mayChangeAgain(c, key, d) {
		return &types.MalformedPolicyDocumentException{Message: message("The new key policy will not allow you to update the key policy in the future.")}
	}
	return nil
}

// mayChangeAgain reports whether a key's policy lets its account, or the caller, put another one.
func mayChangeAgain(c awswire.Caller, key string, d *policy.Document) bool {
	who := []policy.Principal{{Kind: policy.Root, Account: c.Account, ARN: arn.Global("iam", c.Region, c.Account, "root")}}
	if c.Principal != "" {
		p := policy.Principal{Kind: policy.User, Account: c.Account, ARN: c.Principal}
		if s := c.Session; s != nil {
			p.ID = s.ID
			switch s.Kind {
			case awswire.RoleSession:
				p.Kind, p.Role = policy.Role, s.Source
			case awswire.FederatedSession:
				p.Kind, p.Role = policy.FederatedUser, s.Source
			}
		}
		who = append(who, p)
	}
	for _, p := range who {
		r := &policy.Request{Principal: p, Action: "kms:PutKeyPolicy", Resource: key, Account: c.Account, ResourceDecides: true}
		everything := []policy.Named{{Name: "identity", Document: allowAll}}
		if policy.Evaluate(r, &policy.Policies{Identity: everything, Resource: &policy.Named{Name: policyName, Document: d}}).Allowed {
			return true
		}
	}
	return false
}

// allowAll stands for an identity's own policies, which a key's policy says nothing of.
var allowAll = func() *policy.Document {
	d, err := policy.Parse(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`, policy.Identity)
	if err != nil {
		panic(err)
	}
	return d
}()

func checkPolicyName(name *string) error {
	if name != nil && *name != policyName {
		return notFound("No such policy exists")
	}
	return nil
}

// GetKeyPolicy returns the policy.
func (s *Service) GetKeyPolicy(ctx context.Context, in *kms.GetKeyPolicyInput, _ ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := checkPolicyName(in.PolicyName); err != nil {
		return nil, err
	}
	return &kms.GetKeyPolicyOutput{Policy: &k.Policy, PolicyName: aws.String(policyName)}, nil
}

// PutKeyPolicy replaces the policy.
func (s *Service) PutKeyPolicy(ctx context.Context, in *kms.PutKeyPolicyInput, _ ...func(*kms.Options)) (*kms.PutKeyPolicyOutput, error) {
	if in.PolicyName != nil && *in.PolicyName != policyName {
		return nil, invalid("The only valid policy name is %q", policyName)
	}
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	c := awswire.CallerFrom(ctx)
	if err := checkPolicy(c, k.arn(), *in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	_, err = s.change(ctx, in.KeyId, func(k *keyDoc) error { k.Policy = *in.Policy; return nil })
	return &kms.PutKeyPolicyOutput{}, err
}

// ListKeyPolicies lists the one policy.
func (s *Service) ListKeyPolicies(ctx context.Context, in *kms.ListKeyPoliciesInput, _ ...func(*kms.Options)) (*kms.ListKeyPoliciesOutput, error) {
	if _, err := s.find(ctx, in.KeyId); err != nil {
		return nil, err
	}
	return &kms.ListKeyPoliciesOutput{PolicyNames: []string{policyName}}, nil
}

// addTags checks tags and adds them; nothing is added with an error.
func (k *keyDoc) addTags(list []types.Tag) error {
	tags := maps.Clone(k.Tags)
	if tags == nil && len(list) > 0 {
		tags = map[string]string{}
	}
	seen := map[string]bool{}
	for _, t := range list {
		key := aws.ToString(t.TagKey)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return &types.TagException{Message: message("Tags beginning with aws: are reserved")}
		}
		if seen[key] {
			return &types.TagException{Message: message("Duplicate tag keys")}
		}
		seen[key] = true
		tags[key] = aws.ToString(t.TagValue)
	}
	if len(tags) > maxTags {
		return &types.LimitExceededException{Message: message("Too many tags")}
	}
	k.Tags = tags
	return nil
}

// TagResource adds tags, in the place of those of the same keys.
func (s *Service) TagResource(ctx context.Context, in *kms.TagResourceInput, _ ...func(*kms.Options)) (*kms.TagResourceOutput, error) {
	_, err := s.active(ctx, in.KeyId, func(k *keyDoc) error { return k.addTags(in.Tags) })
	return &kms.TagResourceOutput{}, err
}

// UntagResource takes tags away.
func (s *Service) UntagResource(ctx context.Context, in *kms.UntagResourceInput, _ ...func(*kms.Options)) (*kms.UntagResourceOutput, error) {
	_, err := s.active(ctx, in.KeyId, func(k *keyDoc) error {
		k.Tags = maps.Clone(k.Tags)
		for _, key := range in.TagKeys {
			delete(k.Tags, key)
		}
		return nil
	})
	return &kms.UntagResourceOutput{}, err
}

// ListResourceTags lists the tags by key.
func (s *Service) ListResourceTags(ctx context.Context, in *kms.ListResourceTagsInput, _ ...func(*kms.Options)) (*kms.ListResourceTagsOutput, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	list, next, err := paged(slices.Collect(maps.Keys(k.Tags)), func(key string) string { return key }, in.Marker, in.Limit, maxTags)
	if err != nil {
		return nil, err
	}
	out := &kms.ListResourceTagsOutput{Truncated: next != nil, NextMarker: next, Tags: []types.Tag{}}
	for _, key := range list {
		out.Tags = append(out.Tags, types.Tag{TagKey: aws.String(key), TagValue: aws.String(k.Tags[key])})
	}
	return out, nil
}
