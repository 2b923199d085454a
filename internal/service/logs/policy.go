package logs

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

const maxPolicies = 10 // of an account in a region

// policyDoc is a resource policy. Nothing is decided by it.
type policyDoc struct {
	Name     string `json:"name"`
	Document string `json:"document"`
	Updated  int64  `json:"updated"`
}

// PutResourcePolicy stores a policy that lets services write to groups.
func (s *Service) PutResourcePolicy(ctx context.Context, in *logs.PutResourcePolicyInput, _ ...func(*logs.Options)) (*logs.PutResourcePolicyOutput, error) {
	if in.ResourceArn != nil || in.ExpectedRevisionId != nil {
		return nil, invalid("Policies of single log groups are not supported.")
	}
	name, doc := aws.ToString(in.PolicyName), aws.ToString(in.PolicyDocument)
	if name == "" || doc == "" {
		return nil, invalid("PolicyName and PolicyDocument are required.")
	}
	if len(doc) > 5120 {
		return nil, limitExceeded("Resource policies can have at most 5120 characters.")
	}
	var object map[string]any
	if json.Unmarshal([]byte(doc), &object) != nil {
		return nil, invalid("Invalid policy document: it is not JSON")
	}
	if object["Statement"] == nil {
		return nil, invalid("Invalid policy document: it has no Statement")
	}
	sc := scope.Of(ctx)
	n := 0
	for key := range s.policies.Keys(sc.Key()...) {
		if key[len(key)-1] != name {
			n++
		}
	}
	if n >= maxPolicies {
		return nil, limitExceeded("Resource limit exceeded.")
	}
	d := &policyDoc{name, doc, s.nowMillis()}
	if err := s.policies.Put(ctx, d, sc.Key(name)...); err != nil {
		return nil, err
	}
	return &logs.PutResourcePolicyOutput{ResourcePolicy: d.output()}, nil
}

func (d *policyDoc) output() *types.ResourcePolicy {
	return &types.ResourcePolicy{PolicyName: &d.Name, PolicyDocument: &d.Document, LastUpdatedTime: &d.Updated, PolicyScope: types.PolicyScopeAccount}
}

// DeleteResourcePolicy removes a resource policy.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *logs.DeleteResourcePolicyInput, _ ...func(*logs.Options)) (*logs.DeleteResourcePolicyOutput, error) {
	if in.PolicyName == nil {
		return nil, invalid("PolicyName is required.")
	}
	return &logs.DeleteResourcePolicyOutput{}, s.policies.Delete(ctx, scope.Of(ctx).Key(*in.PolicyName)...)
}

// DescribeResourcePolicies lists resource policies.
func (s *Service) DescribeResourcePolicies(ctx context.Context, in *logs.DescribeResourcePoliciesInput, _ ...func(*logs.Options)) (*logs.DescribeResourcePoliciesOutput, error) {
	all, err := s.policies.All(scope.Of(ctx).Key()...)
	if err != nil {
		return nil, err
	}
	if in.ResourceArn != nil || in.PolicyScope == types.PolicyScopeResource {
		all = nil
	}
	slices.SortFunc(all, func(a, b *policyDoc) int { return strings.Compare(a.Name, b.Name) })
	all, next, err := page.Of(all, func(d *policyDoc) string { return d.Name }, page.Request{Token: in.NextToken, Max: in.Limit, Limit: 50})
	if err != nil {
		return nil, badToken()
	}
	out := &logs.DescribeResourcePoliciesOutput{ResourcePolicies: []types.ResourcePolicy{}, NextToken: next}
	for _, d := range all {
		out.ResourcePolicies = append(out.ResourcePolicies, *d.output())
	}
	return out, nil
}
