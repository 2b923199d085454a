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

// maxGiven bounds the policies that are given to a call, in bytes.
const maxGiven = 1 << 20

// maxTold bounds the statements and missing keys that a page of results tells, by ending the page: one that does not tell
// of more than a result has what it has.
const maxTold = 20_000

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

	lacking []string // context keys without a value
	spans   map[*policy.Document][]policy.Span
}

func (s *Service) parseAll(list []string, prefix string, into []policy.Named) ([]policy.Named, error) {
	size := 0
	for i, text := range list {
		if size += len(text); size > maxGiven {
			return nil, limitExceeded("Cannot simulate more than %d bytes of policies at once.", maxGiven)
		}
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
			all = append(all, pair{a, r, itoa(int32((maxSimulated+i)*maxSimulated + j))})
		}
	}
	key := func(p pair) string { return p.key }
	list, next, more, err := pageOf(all, key, marker, most)
	sim.lacking, sim.spans = sim.missing(keys), map[*policy.Document][]policy.Span{}
	out, told := []types.EvaluationResult{}, 0
	for i, p := range list {
		r := sim.result(p.action, p.resource, keys)
		out = append(out, r)
		if told += len(r.MatchedStatements) + len(r.MissingContextValues); told >= maxTold && i+1 < len(list) {
			_, next, more, err = pageOf(all, key, marker, aws.Int32(int32(i+1)))
			break
		}
	}
	return out, next, more, err
}

// result is what is decided about an action on a resource.
func (sim *simulation) result(action, resource string, keys map[string][]string) types.EvaluationResult {
	r := policy.Request{Principal: sim.principal, Action: action, Resource: resource, Account: sim.owner, Keys: func(key string) []string { return keys[key] }}
	p := policy.Policies{Identity: sim.identity, Resource: sim.resource}
	if len(sim.boundary) > 0 {
		p.Boundary = &sim.boundary[0]
	}
	d, matching := policy.Matching(&r, &p)
	out := types.EvaluationResult{
		EvalActionName: &action, EvalResourceName: &resource, EvalDecision: types.PolicyEvaluationDecisionTypeImplicitDeny,
		MatchedStatements: []types.Statement{}, MissingContextValues: sim.lacking,
	}
	switch {
	case d.Allowed:
		out.EvalDecision = types.PolicyEvaluationDecisionTypeAllowed
	case d.Explicit:
		out.EvalDecision = types.PolicyEvaluationDecisionTypeExplicitDeny
	}
	for _, m := range matching {
		statement := types.Statement{SourcePolicyId: aws.String(m.Policy), SourcePolicyType: sim.kind(m.Policy)}
		if spans := sim.spansOf(m.Document); m.Index < len(spans) {
			statement.StartPosition, statement.EndPosition = position(spans[m.Index].Begin), position(spans[m.Index].End)
		}
		out.MatchedStatements = append(out.MatchedStatements, statement)
	}
	var boundary *types.PermissionsBoundaryDecisionDetail
	if p.Boundary != nil {
		boundary = &types.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: d.Allowed || d.Source != policy.SourceBoundary}
	}
	out.PermissionsBoundaryDecisionDetail = boundary
	if len(sim.resources) > 0 {
		out.ResourceSpecificResults = []types.ResourceSpecificResult{{
			EvalResourceName: &resource, EvalResourceDecision: out.EvalDecision, MatchedStatements: out.MatchedStatements, MissingContextValues: out.MissingContextValues,
			PermissionsBoundaryDecisionDetail: boundary,
		}}
	}
	return out
}

// spansOf are where the statements of a document are, found once.
func (sim *simulation) spansOf(d *policy.Document) []policy.Span {
	spans, ok := sim.spans[d]
	if !ok {
		spans = d.Spans()
		sim.spans[d] = spans
	}
	return spans
}

func position(p policy.Position) *types.Position {
	return &types.Position{Line: int32(p.Line), Column: int32(p.Column)}
}

// missing are the context keys that the policies ask for and that have no value, as the policies write them.
func (sim *simulation) missing(keys map[string][]string) []string {
	all := slices.Concat(sim.identity, sim.boundary)
	if sim.resource != nil {
		all = append(all, *sim.resource)
	}
	return slices.DeleteFunc(contextKeys(all), func(key string) bool {
		_, ok := keys[strings.ToLower(key)]
		return ok
	})
}

// contextKeys are the keys that policies ask for, by name.
func contextKeys(policies []policy.Named) []string {
	keys := []string{}
	seen := map[string]bool{}
	for _, p := range policies {
		for _, key := range p.ContextKeys() {
			if lower := strings.ToLower(key); !seen[lower] {
				seen[lower] = true
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// The kinds of policies that are given to a simulation, which are none of the model's.
const (
	givenPolicy         types.PolicySourceType = "IAM Policy"
	givenResourcePolicy types.PolicySourceType = "Resource Policy"
)

func (sim *simulation) kind(name string) types.PolicySourceType {
	switch {
	case strings.HasPrefix(name, "PolicyInputList."), strings.HasPrefix(name, "PermissionsBoundaryPolicyInputList."):
		return givenPolicy
	case name == "ResourcePolicy":
		return givenResourcePolicy
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

// GetContextKeysForCustomPolicy lists the context keys that policies ask for.
func (s *Service) GetContextKeysForCustomPolicy(_ context.Context, in *iam.GetContextKeysForCustomPolicyInput, _ ...func(*iam.Options)) (*iam.GetContextKeysForCustomPolicyOutput, error) {
	given, err := s.parseAll(in.PolicyInputList, "PolicyInputList", nil)
	if err != nil {
		return nil, err
	}
	return &iam.GetContextKeysForCustomPolicyOutput{ContextKeyNames: contextKeys(given)}, nil
}

// GetContextKeysForPrincipalPolicy lists those that the policies of a user, group or role ask for, and those of more
// policies.
func (s *Service) GetContextKeysForPrincipalPolicy(ctx context.Context, in *iam.GetContextKeysForPrincipalPolicyInput, _ ...func(*iam.Options)) (*iam.GetContextKeysForPrincipalPolicyOutput, error) {
	sim := &simulation{}
	if err := s.simulated(ctx, sim, *in.PolicySourceArn); err != nil {
		return nil, err
	}
	all, err := s.parseAll(in.PolicyInputList, "PolicyInputList", sim.identity)
	if err != nil {
		return nil, err
	}
	return &iam.GetContextKeysForPrincipalPolicyOutput{ContextKeyNames: contextKeys(all)}, nil
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

// simulated gives a simulation the policies of a user, group or role, who is then the one who asks.
func (s *Service) simulated(ctx context.Context, sim *simulation, source string) error {
	sc := scopeOf(ctx)
	a, ok := arn.Parse(source)
	if !ok || a.Service != "iam" || a.Account != sc.account {
		return invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", source)
	}
	if name, ok := a.After("group/"); ok {
		g, err := s.group(sc, name[strings.LastIndexByte(name, '/')+1:])
		if err != nil {
			return err
		}
		sim.principal = policy.Principal{Kind: policy.User, Account: sc.account, ARN: sc.arn("user/simulated")}
		sim.identity, err = s.appendPolicies(nil, sc, &g.entity, "group")
		return err
	}
	id, err := s.Principal(ctx, source)
	if err != nil {
		return err
	}
	if id == nil {
		return noSuchEntity("The entity %s cannot be found.", source)
	}
	sim.identity, sim.principal = id.Policies, principalOf(id.ARN)
	if id.Boundary != nil {
		sim.boundary = []policy.Named{*id.Boundary}
	}
	return nil
}

// SimulatePrincipalPolicy evaluates the policies that a user, group or role has, with those that it is
// given.
func (s *Service) SimulatePrincipalPolicy(ctx context.Context, in *iam.SimulatePrincipalPolicyInput, _ ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error) {
	sim := &simulation{actions: in.ActionNames, resources: in.ResourceArns, context: in.ContextEntries, owner: ownerOf(in.ResourceOwner)}
	if err := s.simulated(ctx, sim, *in.PolicySourceArn); err != nil {
		return nil, err
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
