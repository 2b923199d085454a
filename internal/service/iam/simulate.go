package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Simulations: what policies, those given or those that a principal has, would decide. They evaluate as
// enforcement does. At most 1,000 pairs of an action and a resource a call.

const maxSimulated = 1000

// simulation is what both operations ask.
type simulation struct {
	actions   []string
	resources []string
	context   []types.ContextEntry
	identity  []policy.Named
	boundary  []policy.Named
	resource  *policy.Named
	owner     string
	principal policy.Principal
}

func (s *Service) parseAll(list []string, prefix string, into []policy.Named) ([]policy.Named, error) {
	for i, text := range list {
		d, err := s.parse(text, policy.Identity)
		if err != nil {
			return nil, invalidInput("%s", err.(*types.MalformedPolicyDocumentException).ErrorMessage())
		}
		into = append(into, policy.Named{Name: prefix + "." + itoa(int32(i+1)), Document: d})
	}
	return into, nil
}

// principalOf is the principal of an ARN.
func principalOf(s string) policy.Principal {
	a, _ := arn.Parse(s)
	p := policy.Principal{Account: a.Account, ARN: s}
	switch {
	case a.Resource == "root":
		p.Kind = policy.Root
	case strings.HasPrefix(a.Resource, "role/"):
		p.Kind, p.Role = policy.Role, s
	case strings.HasPrefix(a.Resource, "assumed-role/"):
		name := strings.Split(a.Resource, "/")[1]
		p.Kind, p.Role = policy.Role, "arn:"+a.Partition+":iam::"+a.Account+":role/"+name
	default:
		p.Kind = policy.User
	}
	return p
}

func (sim *simulation) run(marker *string, most *int32) ([]types.EvaluationResult, *string, bool, error) {
	resources := sim.resources
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	if len(resources)*len(sim.actions) > maxSimulated {
		return nil, nil, false, limitExceeded("Cannot simulate more than %d actions on resources at once.", maxSimulated)
	}
	keys := map[string][]string{}
	for _, e := range sim.context {
		keys[strings.ToLower(aws.ToString(e.ContextKeyName))] = e.ContextKeyValues
	}
	type pair struct{ action, resource, key string }
	var all []pair
	for i, a := range sim.actions {
		if !strings.Contains(a, ":") {
			return nil, nil, false, invalidInput("Invalid Action: %s", a)
		}
		for j, r := range resources {
			all = append(all, pair{a, r, itoa(int32(100000 + i*maxSimulated + j))})
		}
	}
	list, next, more, err := pageOf(all, func(p pair) string { return p.key }, marker, most)
	out := []types.EvaluationResult{}
	for _, p := range list {
		out = append(out, sim.result(p.action, p.resource, keys))
	}
	return out, next, more, err
}

func (sim *simulation) result(action, resource string, keys map[string][]string) types.EvaluationResult {
	missing := map[string]bool{}
	r := policy.Request{Principal: sim.principal, Action: action, Resource: resource, Account: sim.owner, Keys: func(key string) []string {
		v, ok := keys[key]
		if !ok {
			missing[key] = true
		}
		return v
	}}
	p := policy.Policies{Identity: sim.identity, Resource: sim.resource}
	if len(sim.boundary) > 0 {
		p.Boundary = &sim.boundary[0]
	}
	d := policy.Evaluate(&r, &p)
	out := types.EvaluationResult{
		EvalActionName: &action, EvalResourceName: &resource, EvalDecision: types.PolicyEvaluationDecisionTypeImplicitDeny,
		MatchedStatements: []types.Statement{}, MissingContextValues: []string{},
	}
	switch {
	case d.Allowed:
		out.EvalDecision = types.PolicyEvaluationDecisionTypeAllowed
	case d.Explicit:
		out.EvalDecision = types.PolicyEvaluationDecisionTypeExplicitDeny
	}
	if d.Statement != nil {
		out.MatchedStatements = append(out.MatchedStatements, types.Statement{SourcePolicyId: aws.String(d.Policy), SourcePolicyType: sim.kind(d.Policy)})
	}
	if p.Boundary != nil {
		allowed := d.Allowed || d.Source != policy.SourceBoundary
		out.PermissionsBoundaryDecisionDetail = &types.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: allowed}
	}
	for key := range missing {
		out.MissingContextValues = append(out.MissingContextValues, key)
	}
	slices.Sort(out.MissingContextValues)
	return out
}

func (sim *simulation) kind(name string) types.PolicySourceType {
	switch {
	case strings.HasPrefix(name, "PolicyInputList"), strings.HasPrefix(name, "PermissionsBoundary"):
		return types.PolicySourceTypeNone
	case strings.HasPrefix(name, "ResourcePolicy"):
		return types.PolicySourceTypeResource
	case strings.Contains(name, ":iam::aws:"):
		return types.PolicySourceTypeAwsManaged
	case strings.HasPrefix(name, "arn:"):
		return types.PolicySourceTypeUserManaged
	case strings.HasPrefix(name, "role/"):
		return types.PolicySourceTypeRole
	case strings.HasPrefix(name, "group/"):
		return types.PolicySourceTypeGroup
	}
	return types.PolicySourceTypeUser
}

func (s *Service) resourcePolicy(text *string) (*policy.Named, error) {
	if text == nil {
		return nil, nil
	}
	d, err := s.parse(*text, policy.Resource)
	if err != nil {
		return nil, invalidInput("%s", err.(*types.MalformedPolicyDocumentException).ErrorMessage())
	}
	return &policy.Named{Name: "ResourcePolicy", Document: d}, nil
}

// ownerOf is the account in ResourceOwner, an ARN or an account's id.
func ownerOf(owner *string) string {
	if a, ok := arn.Parse(aws.ToString(owner)); ok {
		return a.Account
	}
	return aws.ToString(owner)
}

// SimulateCustomPolicy evaluates the policies that it is given.
func (s *Service) SimulateCustomPolicy(ctx context.Context, in *iam.SimulateCustomPolicyInput, _ ...func(*iam.Options)) (*iam.SimulateCustomPolicyOutput, error) {
	sc := scopeOf(ctx)
	sim := &simulation{actions: in.ActionNames, resources: in.ResourceArns, context: in.ContextEntries, owner: ownerOf(in.ResourceOwner)}
	if len(in.OrderedOrganizationPolicyInputList) > 0 {
		return nil, invalidInput("Policies of organizations are not supported.")
	}
	sim.principal = policy.Principal{Kind: policy.User, Account: sc.account, ARN: sc.arn("user/simulated")}
	if in.CallerArn != nil {
		sim.principal = principalOf(*in.CallerArn)
	}
	var err error
	if sim.identity, err = s.parseAll(in.PolicyInputList, "PolicyInputList", nil); err != nil {
		return nil, err
	}
	if sim.boundary, err = s.parseAll(in.PermissionsBoundaryPolicyInputList, "PermissionsBoundaryPolicyInputList", nil); err != nil {
		return nil, err
	}
	if sim.resource, err = s.resourcePolicy(in.ResourcePolicy); err != nil {
		return nil, err
	}
	out := &iam.SimulateCustomPolicyOutput{}
	out.EvaluationResults, out.Marker, out.IsTruncated, err = sim.run(in.Marker, in.MaxItems)
	return out, err
}

// SimulatePrincipalPolicy evaluates the policies that a user, group or role has, with those that it is
// given.
func (s *Service) SimulatePrincipalPolicy(ctx context.Context, in *iam.SimulatePrincipalPolicyInput, _ ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error) {
	sc := scopeOf(ctx)
	a, ok := arn.Parse(*in.PolicySourceArn)
	if !ok || a.Service != "iam" || a.Account != sc.account {
		return nil, invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", *in.PolicySourceArn)
	}
	sim := &simulation{actions: in.ActionNames, resources: in.ResourceArns, context: in.ContextEntries, owner: ownerOf(in.ResourceOwner)}
	if name, ok := a.After("group/"); ok {
		g, err := s.group(sc, name[strings.LastIndexByte(name, '/')+1:])
		if err != nil {
			return nil, err
		}
		if sim.identity, err = s.appendPolicies(nil, sc, &g.entity, "group"); err != nil {
			return nil, err
		}
		sim.principal = policy.Principal{Kind: policy.User, Account: sc.account, ARN: sc.arn("user/simulated")}
	} else {
		id, err := s.Principal(ctx, *in.PolicySourceArn)
		if err != nil {
			return nil, err
		}
		if id == nil {
			return nil, noSuchEntity("The entity %s cannot be found.", *in.PolicySourceArn)
		}
		sim.identity, sim.principal = id.Policies, principalOf(id.ARN)
		if id.Boundary != nil {
			sim.boundary = []policy.Named{*id.Boundary}
		}
	}
	if in.CallerArn != nil {
		sim.principal = principalOf(*in.CallerArn)
	}
	var err error
	if sim.identity, err = s.parseAll(in.PolicyInputList, "PolicyInputList", sim.identity); err != nil {
		return nil, err
	}
	if len(in.PermissionsBoundaryPolicyInputList) > 0 {
		if sim.boundary, err = s.parseAll(in.PermissionsBoundaryPolicyInputList, "PermissionsBoundaryPolicyInputList", nil); err != nil {
			return nil, err
		}
	}
	if sim.resource, err = s.resourcePolicy(in.ResourcePolicy); err != nil {
		return nil, err
	}
	out := &iam.SimulatePrincipalPolicyOutput{}
	out.EvaluationResults, out.Marker, out.IsTruncated, err = sim.run(in.Marker, in.MaxItems)
	return out, err
}
