package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/state"
)

const maxPolicies = 10 // of an account in a region

// policyDoc is a resource policy, of all groups of an account in a region.
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
	if _, err := policy.Parse(doc, policy.Resource); err != nil {
		return nil, invalid("Invalid policy document: %v", err)
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

// ResourcePolicy returns what the resource policies of the account and region of a log group, or of a stream of one, say
// together, and the account. Variables are read in all of them.
func (s *Service) ResourcePolicy(_ context.Context, resource string) (document, owner string, err error) {
	a, ok := arn.Parse(resource)
	if _, is := a.After("log-group:"); !ok || !is {
		return "", "", nil
	}
	all, err := s.policies.All(a.Account, a.Region)
	if err != nil {
		return "", "", err
	}
	document, err = s.merged.of(a.Account+"/"+a.Region, all)
	return document, a.Account, err
}

// mergedPolicies keeps what the policies of accounts and regions say together: every call of a group asks for it. It
// has one text for an account and region that has policies.
type mergedPolicies struct {
	mu  sync.Mutex
	all map[string]mergedPolicy
}

type mergedPolicy struct {
	of   []*policyDoc
	text string
}

// of is the text of the policies of a place.
func (m *mergedPolicies) of(place string, policies []*policyDoc) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(policies) == 0 {
		delete(m.all, place)
		return "", nil
	}
	slices.SortFunc(policies, func(a, b *policyDoc) int { return strings.Compare(a.Name, b.Name) })
	if had, ok := m.all[place]; ok && slices.EqualFunc(had.of, policies, func(a, b *policyDoc) bool { return *a == *b }) {
		return had.text, nil
	}
	text, err := mergePolicies(policies)
	if err != nil {
		return "", err
	}
	if m.all == nil {
		m.all = map[string]mergedPolicy{}
	}
	m.all[place] = mergedPolicy{policies, text}
	return text, nil
}

func mergePolicies(policies []*policyDoc) (string, error) {
	merged := struct {
		Version   string
		Statement []json.RawMessage
	}{Version: "2012-10-17"}
	for _, d := range policies {
		if _, err := policy.Parse(d.Document, policy.Resource); err != nil {
			continue // an earlier version took it, and nothing was decided by it
		}
		statements, err := d.statements()
		if err != nil {
			return "", err
		}
		merged.Statement = append(merged.Statement, statements...)
	}
	if len(merged.Statement) == 0 {
		return "", nil
	}
	text, err := json.Marshal(merged)
	return string(text), err
}

// statements are those of a policy, each without its name, which another policy may have too.
func (d *policyDoc) statements() ([]json.RawMessage, error) {
	var doc struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(d.Document), &doc); err != nil {
		return nil, fmt.Errorf("resource policy %s: %w", d.Name, err)
	}
	var list []map[string]json.RawMessage
	if strings.HasPrefix(string(doc.Statement), "[") {
		if err := json.Unmarshal(doc.Statement, &list); err != nil {
			return nil, fmt.Errorf("resource policy %s: %w", d.Name, err)
		}
	} else {
		list = make([]map[string]json.RawMessage, 1)
		if err := json.Unmarshal(doc.Statement, &list[0]); err != nil {
			return nil, fmt.Errorf("resource policy %s: %w", d.Name, err)
		}
	}
	var out []json.RawMessage
	for _, st := range list {
		delete(st, "Sid")
		text, err := json.Marshal(st)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// DeleteResourcePolicy removes a resource policy.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *logs.DeleteResourcePolicyInput, _ ...func(*logs.Options)) (*logs.DeleteResourcePolicyOutput, error) {
	if in.PolicyName == nil {
		return nil, invalid("PolicyName is required.")
	}
	err := s.policies.Delete(ctx, scope.Of(ctx).Key(*in.PolicyName)...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, notFound("Policy with name [%s] does not exist.", *in.PolicyName)
	}
	return &logs.DeleteResourcePolicyOutput{}, err
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
